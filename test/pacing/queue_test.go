package pacing_test

import (
	"context"
	"errors"
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
