package orgusers_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// TestNoConnectionIsLeft reads users over sockets, ends early in each way that
// there is, and waits until the server has no connection left. Goroutines are
// watched by the bubbles of the other tests, which fail for one that stays.
func TestNoConnectionIsLeft(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	tests := []struct {
		name  string
		fault orguserstest.Fault
		after int // users before the loop ends
		how   func(cancel context.CancelFunc) (leave bool)
		// hanging cancels when so many requests have come.
		hanging int64
	}{
		{name: "read to the end"},
		{name: "left early", after: 150, how: func(context.CancelFunc) bool { return true }},
		{name: "cancelled", after: 150, how: func(cancel context.CancelFunc) bool { cancel(); return false }},
		{name: "failed", fault: orguserstest.Fault{Skip: 3, Effect: orguserstest.Status(403)}},
		{name: "reset", fault: orguserstest.Fault{Skip: 3, Effect: orguserstest.Reset()}},
		{name: "broken off", fault: orguserstest.Fault{Skip: 3, Effect: orguserstest.CutBody()}},
		{name: "cancelled while pages hang", fault: orguserstest.Fault{Skip: 1, Effect: orguserstest.Hang()}, hanging: 5},
		{name: "panicked", after: 150, how: func(context.CancelFunc) bool { panic(enough) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fake := orguserstest.NewUnstartedServer(orguserstest.WithUsers(2000), orguserstest.WithRateLimit(1e6, 1e6),
				orguserstest.WithLatency(20*ms)) // so that pages are in flight together
			defer fake.Close()
			if tt.fault.Skip > 0 {
				fake.AddFault(tt.fault)
			}
			watch := &connections{changed: make(chan struct{}, 1), open: map[net.Conn]bool{}}
			server := httptest.NewUnstartedServer(fake)
			server.Config.ConnState = watch.note
			server.Start()
			defer server.Close()
			transport := &http.Transport{MaxIdleConnsPerHost: 64}
			client, err := orgusers.New(fake.OrganizationUID, append(fake.Options(), soon, orgusers.WithBaseURL(server.URL),
				orgusers.WithHTTPClient(&http.Client{Transport: transport}), orgusers.WithRateLimits(orgusers.RateLimits{Reads: 1e6}))...)
			if err != nil {
				t.Fatal(err)
			}
			func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				defer func() {
					if r := recover(); r != nil && r != any(enough) {
						panic(r)
					}
				}()
				var asked atomic.Int64
				fake.OnRequest(func(*orguserstest.Request) {
					if asked.Add(1) == tt.hanging {
						cancel()
					}
				})
				users := 0
				for _, err := range client.Users(ctx, nil) {
					if err != nil {
						return
					}
					if users++; tt.how != nil && users == tt.after && tt.how(cancel) {
						return
					}
				}
			}()
			transport.CloseIdleConnections()
			watch.wait(t)
		})
	}
}

// connections are those that a server has open.
type connections struct {
	mu      sync.Mutex
	open    map[net.Conn]bool
	most    int
	changed chan struct{}
}

func (c *connections) note(connection net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.open[connection] = true
		c.most = max(c.most, len(c.open))
	case http.StateClosed, http.StateHijacked:
		delete(c.open, connection)
	default:
		return
	}
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

func (c *connections) count() (open, most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open), c.most
}

// wait returns when none is open any more: the server hears of it a moment
// after the client has let go.
func (c *connections) wait(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		open, most := c.count()
		if most < 2 {
			t.Fatalf("at most %d connections were open: nothing was read ahead", most)
		}
		if open == 0 {
			return
		}
		select {
		case <-c.changed:
		case <-ctx.Done():
			t.Fatalf("%d of %d connections are still open", open, most)
		}
	}
}
