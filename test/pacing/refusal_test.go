package pacing_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// Another client takes half of the limit, and the server sends no headers: most of the
// rest is used, and few requests are refused.
func TestBesideAnotherClient(t *testing.T) {
	t.Parallel()
	for name, moment := range map[string]func(i int) time.Duration{
		"evenly":    func(i int) time.Duration { return time.Duration(i) * 200 * ms },
		"in bursts": func(i int) time.Duration { return 400*ms + time.Duration(i)*2*ms },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := orguserstest.NewUnstartedServer(orguserstest.WithRateLimit(10, 10), orguserstest.WithLatency(50*ms))
				client := clientOf(t, server, orgusers.WithHTTPClient(&http.Client{Transport: withoutHeaders{jittery{server.Transport(), 10 * ms}}}))
				other := clientOf(t, server, once, orgusers.WithRateLimiters(orgusers.RateLimiters{Reads: open{}}))
				var wait sync.WaitGroup
				for n := range 5 * 30 {
					wait.Go(func() {
						time.Sleep(time.Duration(n/5)*time.Second + moment(n%5)) // fake time
						_ = other.Do(t.Context(), orgusers.Request{Path: "/organizations/{organization_uid}/roles", Query: map[string][]string{"limit": {"1"}}, ReadOnly: true}, nil)
					})
				}
				wait.Go(func() { readFor(t, client, 30*time.Second) })
				wait.Wait()
				count := map[string]int{}
				for _, r := range server.Requests() {
					count[fmt.Sprint(r.Operation, r.Status)]++
				}
				served, refused := count["GetOrganization200"], count["GetOrganization429"]
				if served < 110 || refused > (served+refused)/10 {
					t.Errorf("%d requests were served and %d refused in 30 seconds", served, refused)
				}
			})
		})
	}
}
