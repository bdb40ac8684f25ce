package orgusers_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers/orguserstest"
)

// Others use the same organization from the 6th second to the 15th: the client
// takes what they leave, at the cost of few refusals, and all of it when they
// have gone.
func TestPacingLeavesOthersWhatTheyTake(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{10, 50, 100} {
		for _, others := range []int{limit / 3, limit / 2} {
			for _, latency := range []time.Duration{50 * ms, 200 * ms} {
				for name, moment := range map[string]func(i int) time.Duration{
					"evenly":    func(i int) time.Duration { return time.Duration(i) * time.Second / time.Duration(others) },
					"in bursts": func(i int) time.Duration { return 400*ms + time.Duration(i)*2*ms },
				} {
					t.Run(fmt.Sprint(others, " of ", limit, ", ", name, ", ", latency), func(t *testing.T) {
						t.Parallel()
						synctest.Test(t, func(t *testing.T) {
							server := orguserstest.NewUnstartedServer(orguserstest.WithRateLimit(limit, limit),
								orguserstest.WithLatency(latency), orguserstest.WithJitter(10*ms))
							defer server.Close()
							ours, theirs, theirRefusals := shared(t, server, others, moment)

							average := func(from, to int) (answered, refused float64) {
								for second := from; second < to; second++ {
									answered += float64(ours[second].answered) / float64(to-from)
									refused += float64(ours[second].refused) / float64(to-from)
								}
								return answered, refused
							}
							for _, phase := range []struct {
								name     string
								from, to int
								left     int
							}{{"alone", 1, 5, limit}, {"shared", 8, 15, limit - others}, {"alone again", 22, 29, limit}} {
								answered, refused := average(phase.from, phase.to)
								if answered < 0.75*float64(phase.left) {
									t.Errorf("%s: %.1f requests a second, want %d", phase.name, answered, phase.left)
								}
								if refused > 0.5+0.02*float64(phase.left) {
									t.Errorf("%s: %.2f refusals a second", phase.name, refused)
								}
							}
							if theirRefusals > theirs/10 {
								t.Errorf("%d of the %d requests of others were refused", theirRefusals, theirs)
							}
						})
					})
				}
			}
		}
	}
}

type second struct{ answered, refused int }

// shared has a client read as fast as it can for thirty seconds, and others
// send so many requests in each of ten of them. It returns what came of the
// client's requests in each second.
func shared(t *testing.T, server *orguserstest.Server, others int, moment func(i int) time.Duration) (ours [30]second, theirs, theirRefusals int) {
	t.Helper()
	client := paced(t, server)
	began := time.Now()
	var wait sync.WaitGroup
	for range 40 {
		wait.Go(func() {
			for time.Since(began) < 30*time.Second {
				if _, err := client.GetOrganization(t.Context(), nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for n := range 10 * others {
		wait.Go(func() {
			time.Sleep(5*time.Second + time.Duration(n/others)*time.Second + moment(n%others)) // fake time
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/v3/organizations/"+server.OrganizationUID+"/roles", nil)
			if err != nil {
				t.Error(err)
				return
			}
			request.Header.Set("authtoken", server.AuthToken)
			response, err := server.Transport().RoundTrip(request)
			if err != nil {
				t.Error(err)
				return
			}
			_ = response.Body.Close()
		})
	}
	wait.Wait()
	for _, r := range server.Requests() {
		refused := r.Status == http.StatusTooManyRequests
		at := int(r.Time.Sub(began) / time.Second)
		switch {
		case r.Operation == "Roles":
			theirs++
			if refused {
				theirRefusals++
			}
		case at >= len(ours):
		case refused:
			ours[at].refused++
		default:
			ours[at].answered++
		}
	}
	return ours, theirs, theirRefusals
}
