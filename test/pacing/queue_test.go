package pacing_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// open is a limiter that never waits, and counts.
type open struct{ waits *int }

func (o open) Wait(context.Context) error {
	if o.waits != nil {
		*o.waits++
	}
	return nil
}

// checkTooLate checks an error of a wait that was not started.
func checkTooLate(t *testing.T, err error, least, most time.Duration) {
	t.Helper()
	failure, ok := errors.AsType[*orgusers.Error](err)
	if !ok || !errors.Is(err, orgusers.ErrRateLimited) || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, orgusers.ErrOutcomeUnknown) {
		t.Errorf("got %v, want ErrRateLimited and DeadlineExceeded", err)
	} else if failure.RetryAfter < least || failure.RetryAfter > most {
		t.Errorf("RetryAfter is %v, want %v to %v", failure.RetryAfter, least, most)
	}
}

// A wait that would outlast the deadline fails at once. A canceled wait ends at once, and
// its place is not lost. Both hold for the client's own pacing and for a rate.Limiter.
func TestWaitsAndTheContext(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]orgusers.Option{
		"own pacing":   limits(orgusers.RateLimits{Reads: 1, Writes: 1}),
		"rate.Limiter": orgusers.WithRateLimiters(orgusers.RateLimiters{Reads: rate.NewLimiter(1, 1), Writes: rate.NewLimiter(1, 1)}),
	} {
		for kind, call := range map[string]func(context.Context, *orgusers.Client) error{
			"read": read,
			"write": func(ctx context.Context, c *orgusers.Client) error {
				return c.Do(ctx, orgusers.Request{Path: "/things"}, nil)
			},
		} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					server := &wire{}
					client := clientOver(t, server, option)
					if err := call(t.Context(), client); err != nil {
						t.Fatal(err)
					}
					began := time.Now()
					late, cancel := context.WithTimeout(t.Context(), 900*ms)
					defer cancel()
					checkTooLate(t, call(late, client), 900*ms, 1100*ms)
					if waited := time.Since(began); waited > 0 {
						t.Errorf("it failed after %v", waited)
					}
					ctx, cancel := context.WithCancel(t.Context())
					time.AfterFunc(300*ms, cancel)
					err := call(ctx, client)
					if !errors.Is(err, context.Canceled) || errors.Is(err, orgusers.ErrOutcomeUnknown) || time.Since(began) != 300*ms {
						t.Errorf("a canceled wait gave %v after %v", err, time.Since(began))
					}
					if len(server.sent) != 1 {
						t.Errorf("%d requests were sent, want 1", len(server.sent))
					}
					if err := call(t.Context(), client); err != nil || time.Since(began) > 1020*ms {
						t.Errorf("the place of the canceled wait was lost: %v after %v", err, time.Since(began))
					}
				})
			})
		}
	}
}

// The queue counts, but not canceled waits and requests that were sent.
func TestQueueBeforeTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &wire{}
		client := clientOver(t, server, limits(orgusers.RateLimits{Reads: 1}))
		ctx := t.Context()
		canceled, cancel := context.WithCancel(ctx)
		var wait sync.WaitGroup
		for i := range 60 {
			wait.Go(func() {
				if i < 10 {
					if err := read(ctx, client); err != nil {
						t.Error(err)
					}
				} else if err := read(canceled, client); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want context.Canceled", err)
				}
			})
			synctest.Wait()
		}
		cancel()
		synctest.Wait()
		began := time.Now()
		late, stop := context.WithTimeout(t.Context(), 9500*ms)
		defer stop()
		checkTooLate(t, read(late, client), 9500*ms, 10300*ms)
		if waited := time.Since(began); waited > 0 {
			t.Errorf("it failed after %v", waited)
		}
		early, stop := context.WithTimeout(t.Context(), 10300*ms)
		defer stop()
		if err := read(early, client); err != nil {
			t.Errorf("the eleventh of one per second did not come within 10.3s: %v", err)
		}
		wait.Wait()
		if len(server.sent) != 11 {
			t.Errorf("%d requests were sent, want 11", len(server.sent))
		}
	})
}

// A pause ends the waits whose deadline comes before its end, also those that begin
// during the pause, for which queue and pause add up.
func TestPauseBeforeTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &wire{latency: 100 * ms, respond: refuse(only(0), "Retry-After", "30")}
		client := clientOver(t, server, limits(orgusers.RateLimits{Reads: 1}), once)
		began := time.Now()
		var wait sync.WaitGroup
		for range 3 {
			wait.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				if err := read(ctx, client); !errors.Is(err, orgusers.ErrRateLimited) {
					t.Errorf("got %v, want ErrRateLimited", err)
				}
			})
		}
		wait.Wait()
		if took := time.Since(began); len(server.sent) != 1 || took > 2*time.Second {
			t.Errorf("%d requests were sent, and the waits ended after %v", len(server.sent), took)
		}
		began = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		checkTooLate(t, read(ctx, client), 27*time.Second, 31*time.Second)
		for range 5 {
			wait.Go(func() { _ = read(t.Context(), client) })
		}
		synctest.Wait()
		ctx, cancel = context.WithTimeout(t.Context(), 32*time.Second) // the pause, but not the queue
		defer cancel()
		checkTooLate(t, read(ctx, client), 32*time.Second, 45*time.Second)
		if waited := time.Since(began); waited > 0 {
			t.Errorf("they failed after %v", waited)
		}
		wait.Wait()
	})
}

// A list has one place in the queue, so that one user is found while a large list is
// read.
func TestListLeavesRoomForOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := orguserstest.NewUnstartedServer(orguserstest.WithUsers(4000), orguserstest.WithRateLimit(10, 10), orguserstest.WithLatency(50*ms))
		client := clientOf(t, server)
		var wait sync.WaitGroup
		wait.Go(func() {
			if users, err := orgusers.Collect(client.Users(t.Context(), nil)); err != nil || len(users) != 4000 {
				t.Errorf("%d users, %v", len(users), err)
			}
		})
		time.Sleep(time.Second) // fake time
		for range 3 {
			began := time.Now()
			if err := read(t.Context(), client); err != nil || time.Since(began) > 500*ms {
				t.Errorf("a single read took %v beside a list: %v", time.Since(began), err)
			}
		}
		wait.Wait()
	})
}

// Each request that is sent waits: retries and redirects too.
func TestRetriesAndRedirectsWait(t *testing.T) {
	t.Parallel()
	for name, respond := range map[string]func(n int, _ *http.Request) (int, []string){
		"retry": func(n int, _ *http.Request) (int, []string) { return []int{503, 503, 200}[n], nil },
		"redirect": func(n int, _ *http.Request) (int, []string) {
			return []int{307, 307, 200}[n], []string{"Location", "/v3/organizations/blt2"}
		},
		"refusal": func(n int, _ *http.Request) (int, []string) { return []int{429, 429, 200}[n], nil },
	} {
		synctest.Test(t, func(t *testing.T) {
			var waits int
			limiter := orgusers.WithRateLimiters(orgusers.RateLimiters{Reads: open{&waits}})
			if err := read(t.Context(), clientOver(t, &wire{respond: respond}, limiter)); err != nil || waits != 3 {
				t.Errorf("%s: three requests waited %d times for the caller's limiter: %v", name, waits, err)
			}
			server := &wire{respond: respond}
			if err := read(t.Context(), clientOver(t, server, limits(orgusers.RateLimits{Reads: 0.1}))); err != nil {
				t.Error(err)
			}
			checkWindows(t, server.times(), 0.1)
		})
	}
}

// The caller's limiters replace the client's pacing for their kind only, also in clients
// of other organizations.
func TestCallersLimiters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &wire{}
		var waits int
		client := clientOver(t, server, orgusers.WithRateLimiters(orgusers.RateLimiters{Reads: open{&waits}}), limits(orgusers.RateLimits{Reads: 0.1, Writes: 1}))
		other, err := client.ForOrganization("blt2")
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for _, c := range []*orgusers.Client{client, other} {
			readAll(t, c, 1, 50)
		}
		if waits != 100 || time.Since(began) > 0 {
			t.Errorf("%d waits in %v, want 100", waits, time.Since(began))
		}
		for range 2 {
			if err := client.Do(t.Context(), orgusers.Request{Path: "/things"}, nil); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(began); took != 1020*ms {
			t.Errorf("two writes took %v, want 1.02s", took)
		}
	})
}

// A call fails if the caller's limiter does, and sends nothing.
func TestCallersLimiterFails(t *testing.T) {
	t.Parallel()
	server := &wire{}
	failure := errors.New("the connection to the limiter's server was lost")
	client := clientOver(t, server, orgusers.WithRateLimiters(orgusers.RateLimiters{Writes: brokenLimiter{failure}, Reads: brokenLimiter{context.DeadlineExceeded}}))
	err := client.Do(t.Context(), orgusers.Request{Path: "/things"}, nil)
	if !errors.Is(err, failure) || errors.Is(err, orgusers.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "limiter") || len(server.sent) > 0 {
		t.Errorf("sent %d requests, got %v", len(server.sent), err)
	}
	if err := read(t.Context(), client); !errors.Is(err, context.DeadlineExceeded) || len(server.sent) > 0 {
		t.Errorf("sent %d requests, got %v", len(server.sent), err)
	}
}

type brokenLimiter struct{ err error }

func (b brokenLimiter) Wait(context.Context) error { return b.err }
