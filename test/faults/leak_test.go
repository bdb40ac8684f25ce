package faults_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// TestNoConnectionIsLeft reads users ahead and ends early in each way. A goroutine that
// is left fails the bubble.
func TestNoConnectionIsLeft(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault orguserstest.Fault
		// at decides at the 150th user whether the loop goes on.
		at func(cancel context.CancelFunc) (goOn bool)
		// cancelAt is the number of the request at which the context ends.
		cancelAt int64
	}{
		{name: "read to the end"},
		{name: "left early", at: func(context.CancelFunc) bool { return false }},
		{name: "canceled", at: func(cancel context.CancelFunc) bool { cancel(); return true }},
		{name: "panicked", at: func(context.CancelFunc) bool { panic("enough") }},
		{name: "forbidden", fault: orguserstest.Fault{Skip: 3, Effect: statusOf(403)}},
		{name: "reset", fault: orguserstest.Fault{Skip: 3, Effect: orguserstest.Reset()}},
		{name: "cut body", fault: orguserstest.Fault{Skip: 3, Effect: orguserstest.CutBody()}},
		{name: "canceled while pages hang", fault: orguserstest.Fault{Skip: 3, Effect: orguserstest.Hang()}, cancelAt: 6},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := orguserstest.NewUnstartedServer(orguserstest.WithUsers(2000), orguserstest.WithLatency(300*time.Millisecond))
				defer fake.Close()
				if tt.fault.Skip > 0 {
					fake.AddFault(tt.fault)
				}
				wire := newPipes(t, fake)
				client, err := orgusers.New(fake.OrganizationUID, append(fake.Options(), withoutLimits, orgusers.WithHTTPClient(&http.Client{Transport: wire, Timeout: 10 * time.Second}))...)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var requests atomic.Int64
				fake.OnRequest(func(*orguserstest.Request) {
					if requests.Add(1) == tt.cancelAt {
						cancel()
					}
				})
				users := 0
				func() {
					defer func() {
						if r := recover(); r != nil && r != any("enough") {
							panic(r)
						}
					}()
					for _, err := range client.Users(ctx, nil) {
						if err != nil {
							return
						}
						if users++; users == 150 && tt.at != nil && !tt.at(cancel) {
							return
						}
					}
				}()
				if tt.name == "read to the end" && users != 2000 {
					t.Errorf("%d users were read", users)
				}
				if n := wire.most.Load(); n < 2 {
					t.Errorf("at most %d connections were open: nothing was read ahead", n)
				}
				wire.checkClosed(t)
			})
		})
	}
}
