package orgusers_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

const ms = time.Millisecond

// paced makes a client for a fake in the bubble, with the default pacing.
func paced(t *testing.T, server *orguserstest.Server, opts ...orgusers.Option) *orgusers.Client {
	t.Helper()
	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// refused counts answers of 429.
func refused(server *orguserstest.Server) int {
	n := 0
	for _, r := range server.Requests() {
		if r.Status == http.StatusTooManyRequests {
			n++
		}
	}
	return n
}

// TestPacing sends reads as fast as the client lets it: at the server's limit,
// and never above it, wherever the server's second begins.
func TestPacing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		limit   int // of the server
		limits  orgusers.RateLimits
		limiter float64 // of the caller's, instead
		seconds float64 // that a hundred requests should take
	}{
		{"the default", 10, orgusers.RateLimits{}, 0, 10},
		{"a plan that allows fifty", 50, orgusers.RateLimits{}, 0, 2},
		{"a plan that allows a hundred", 100, orgusers.RateLimits{}, 0, 1},
		{"a server that allows five", 5, orgusers.RateLimits{}, 0, 20},
		{"a ceiling below the server's limit", 10, orgusers.RateLimits{Reads: 4}, 0, 25},
		{"a ceiling above the server's limit", 10, orgusers.RateLimits{Reads: 50}, 0, 10},
		{"a limiter of the caller's", 50, orgusers.RateLimits{}, 20, 5},
	}
	for _, tt := range tests {
		for _, way := range []struct {
			goroutines      int
			latency, jitter time.Duration
		}{{1, 20 * ms, 0}, {20, 20 * ms, 0}, {30, 200 * ms, 0}, {30, 200 * ms, 20 * ms}} {
			for _, offset := range []time.Duration{0, 50 * ms, 333 * ms, 999 * ms} {
				t.Run(fmt.Sprintf("%s/%+v/%v", tt.name, way, offset), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						server := orguserstest.NewUnstartedServer(
							orguserstest.WithRateLimit(tt.limit, tt.limit), orguserstest.WithClockOffset(offset),
							orguserstest.WithLatency(way.latency), orguserstest.WithJitter(way.jitter),
						)
						defer server.Close()
						opts := []orgusers.Option{orgusers.WithRateLimits(tt.limits)}
						if tt.limiter > 0 {
							opts = append(opts, orgusers.WithRateLimiters(orgusers.RateLimiters{Reads: rate.NewLimiter(rate.Limit(tt.limiter), 1)}))
						}
						client := paced(t, server, opts...)
						began := time.Now()
						var wait sync.WaitGroup
						for i := range way.goroutines {
							wait.Go(func() {
								for n := i; n < 100; n += way.goroutines {
									if _, err := client.GetOrganization(t.Context(), nil); err != nil {
										t.Error(err)
									}
								}
							})
						}
						wait.Wait()
						took := time.Since(began).Seconds()
						roundTrip := (way.latency + 2*way.jitter).Seconds()
						least := max(tt.seconds, roundTrip*100/float64(way.goroutines))
						// The second request waits at the default rate, however soon the first is answered.
						if took < 0.97*least || took > 1.02*least+2*roundTrip+0.1 {
							t.Errorf("a hundred requests took %.2f seconds, want %.2f", took, least)
						}
						// Before the first answer the limit is taken to be ten.
						if n := refused(server); n > 0 && (tt.limit >= 10 || n > 2) {
							t.Errorf("%d requests were refused", n)
						}
					})
				})
			}
		}
	}
}

// After a 429 nobody sends until the server's next second: the refusals that
// others cause are not multiplied.
func TestRefusalPausesEverybody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := orguserstest.NewUnstartedServer(orguserstest.WithRateLimit(10, 10))
		defer server.Close()
		client, other := paced(t, server), paced(t, server)
		var wait sync.WaitGroup
		for _, c := range []*orgusers.Client{client, other} {
			wait.Go(func() {
				for range 100 {
					if _, err := c.GetOrganization(t.Context(), nil); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
		if n := refused(server); n > 60 {
			t.Errorf("%d of %d requests were refused", n, len(server.Requests()))
		}
	})
}

func TestReadsAndWritesHaveBudgetsOfTheirOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{good}}
		client, err := orgusers.New("blt1", orgusers.WithAuthToken(token), orgusers.WithHTTPClient(&http.Client{Transport: s}))
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for range 11 {
			for _, kind := range []string{"read", "write"} {
				if err := kinds[kind](t.Context(), client); err != nil {
					t.Fatal(err)
				}
			}
		}
		if took := time.Since(began); took != 1020*time.Millisecond {
			t.Errorf("eleven reads and eleven writes took %v, want 1.02s", took)
		}
	})
}

// A wait that ends too late is not begun, and one that is cancelled ends.
func TestQueueAndContext(t *testing.T) {
	t.Parallel()
	limiters := map[string]orgusers.Option{
		"the client's own":         orgusers.WithRateLimits(orgusers.RateLimits{Reads: 1}),
		"one of golang.org/x/time": orgusers.WithRateLimiters(orgusers.RateLimiters{Reads: rate.NewLimiter(1, 1)}),
	}
	for name, limiter := range limiters {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: []answer{good}}
				client := newClient(t, s, limiter)
				if _, err := client.GetOrganization(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 900*time.Millisecond)
				defer cancel()
				_, err := client.GetOrganization(ctx, nil)
				if !errors.Is(err, orgusers.ErrRateLimited) || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 0 {
					t.Errorf("a deadline too near gave %v after %v", err, time.Since(began))
				}
				ctx, cancel = context.WithCancel(t.Context())
				time.AfterFunc(300*time.Millisecond, cancel)
				_, err = client.GetOrganization(ctx, nil)
				if !errors.Is(err, context.Canceled) || time.Since(began) != 300*time.Millisecond {
					t.Errorf("a cancelled wait gave %v after %v", err, time.Since(began))
				}
				if len(s.sent) != 1 {
					t.Errorf("%d requests were sent, want 1", len(s.sent))
				}
				if _, err := client.GetOrganization(t.Context(), nil); err != nil || time.Since(began) != time.Second {
					t.Errorf("the place that was given up was lost: %v after %v", err, time.Since(began))
				}
			})
		})
	}
}

// The queue is long: whoever would have his turn after his deadline is told at
// once.
func TestQueueIsCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{good}}
		client := newClient(t, s, orgusers.WithRateLimits(orgusers.RateLimits{Reads: 1}))
		var wait sync.WaitGroup
		for range 10 {
			wait.Go(func() {
				if _, err := client.GetOrganization(t.Context(), nil); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 9500*time.Millisecond)
		defer cancel()
		if _, err := client.GetOrganization(ctx, nil); !errors.Is(err, orgusers.ErrRateLimited) || time.Since(began) > 0 {
			t.Errorf("got %v after %v, want ErrRateLimited at once", err, time.Since(began))
		}
		wait.Wait()
	})
}

// A 429 that says nothing else pauses everybody until the second in which it
// was sent is over for sure.
func TestBareRefusalPausesEverybody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{good, good, status(429), good}}
		client := newClient(t, s, orgusers.WithRetry(orgusers.RetryPolicy{BaseDelay: ms, MaxDelay: ms}))
		began := time.Now()
		var wait sync.WaitGroup
		for range 10 {
			wait.Go(func() {
				if _, err := client.GetOrganization(t.Context(), nil); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		third, fourth := s.sent[2].Sub(began), s.sent[3].Sub(began)
		if third > 300*ms || fourth < third+time.Second || len(s.sent) != 11 {
			t.Errorf("%d requests, the refused one at %v and the next at %v", len(s.sent), third, fourth)
		}
	})
}

type brokenLimiter struct{}

var errLimiter = errors.New("no connection to the limiter's server")

func (brokenLimiter) Wait(context.Context) error { return errLimiter }

func TestLimiterFails(t *testing.T) {
	t.Parallel()
	s := &script{answers: []answer{good}}
	client := newClient(t, s, orgusers.WithRateLimiters(orgusers.RateLimiters{Writes: brokenLimiter{}}))
	err := kinds["write"](t.Context(), client)
	if !errors.Is(err, errLimiter) || errors.Is(err, orgusers.ErrOutcomeUnknown) || len(s.sent) != 0 {
		t.Errorf("sent %d requests, got %v", len(s.sent), err)
	}
}

// Whoever has his place already is not counted as one who waits.
func TestQueueIsNotOverestimated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{good}}
		client := newClient(t, s, orgusers.WithRateLimits(orgusers.RateLimits{Reads: 1}))
		var wait sync.WaitGroup
		for range 2 {
			wait.Go(func() { _, _ = client.GetOrganization(t.Context(), nil) })
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		if _, err := client.GetOrganization(ctx, nil); err != nil {
			t.Errorf("the third of one a second did not come within 2.5 s: %v", err)
		}
		wait.Wait()
	})
}

// A pause that comes while others wait ends those whose deadline is before its
// end, as a limit does.
func TestPauseBeyondDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{status(429, "Retry-After", "30"), good}}
		client := newClient(t, s, orgusers.WithRateLimits(orgusers.RateLimits{Reads: 1}), orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 1}))
		var wait sync.WaitGroup
		for i := range 3 {
			wait.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				if _, err := client.GetOrganization(ctx, nil); !errors.Is(err, orgusers.ErrRateLimited) {
					t.Errorf("call %d got %v, want ErrRateLimited", i, err)
				}
			})
		}
		wait.Wait()
		if len(s.sent) != 1 {
			t.Errorf("%d requests were sent during the pause", len(s.sent)-1)
		}
	})
}

// The limit that answers tell of is not taken for that of bulk actions.
func TestBulkFollowsDownwardsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := crowded(t)
		emails := append(twelve(member), "ninth@example.com")
		began := time.Now()
		if _, err := client.EndSessions(t.Context(), emails, nil); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < time.Second {
			t.Errorf("two bulk requests took %v, want a second at least: %d writes", took, changes(server))
		}
	})
}
