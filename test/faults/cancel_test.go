package faults_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

// waitForever is a token source and a limiter that only the context ends.
type waitForever struct{}

func (waitForever) Token(ctx context.Context) (string, error) { return "", waitForever{}.Wait(ctx) }

func (waitForever) Wait(ctx context.Context) error {
	<-ctx.Done()
	return errors.New("interrupted") // not the context's error
}

// canceled cancels a call after a second and returns its error. The call must end at that
// moment, and must not send anything later.
func canceled(t *testing.T, call func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	time.AfterFunc(time.Second, cancel)
	err := call(ctx)
	if took := time.Since(began); took != time.Second {
		t.Errorf("it ended after %v, and was canceled after 1s: %v", took, err)
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	time.Sleep(time.Minute) // fake time: no request must follow
	return err
}

// TestCancel cancels the four kinds of requests while they wait for something.
func TestCancel(t *testing.T) {
	t.Parallel()
	over := func(f roundTripper) func(*testing.T) http.RoundTripper {
		return func(*testing.T) http.RoundTripper { return f }
	}
	serving := func(handler http.HandlerFunc) func(*testing.T) http.RoundTripper {
		return func(t *testing.T) http.RoundTripper { return newPipes(t, handler) }
	}
	connecting := func(dial dialer) func(*testing.T) http.RoundTripper {
		return func(*testing.T) http.RoundTripper { return dialing(dial)() }
	}
	pause := over(status(429, "Retry-After", "30"))
	tests := []struct {
		name     string
		wire     func(*testing.T) http.RoundTripper
		option   orgusers.Option
		before   int   // calls that succeed
		sent     int64 // in all
		inFlight bool  // the request is in flight when it is canceled
	}{
		{"the rate limit", over(good), orgusers.WithRateLimits(orgusers.RateLimits{Reads: 0.1, Writes: 0.1}), 1, 1, false},
		{"a pause of the server's", pause, nil, 0, 1, false},
		{"a pause of the server's, with a limiter of the caller's", pause, orgusers.WithRateLimiters(orgusers.RateLimiters{Reads: new(count), Writes: new(count)}), 0, 1, false},
		{"a limiter of the caller's", over(good), orgusers.WithRateLimiters(orgusers.RateLimiters{Reads: waitForever{}, Writes: waitForever{}}), 0, 0, false},
		{"a token", over(good), orgusers.WithTokenSource(waitForever{}), 0, 0, false},
		{"a dial", connecting(hangs), nil, 0, 1, false},
		{"a TLS handshake", connecting(connects(saysNothing)), orgusers.WithBaseURL("https://127.0.0.1"), 0, 1, false},
		{"the backoff after a failed dial", over(dialRefused), orgusers.WithRetry(orgusers.RetryPolicy{BaseDelay: 1 << 60, MaxDelay: 1 << 60}), 0, 1, false},
		{"headers", serving(afterBody(waits)), nil, 0, 1, true},
		{"a body", serving(afterBody(trickles)), nil, 0, 1, true},
	}
	for _, tt := range tests {
		for _, kind := range kinds() {
			t.Run(tt.name+"/"+kind.Name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					wire := &counted{RoundTripper: tt.wire(t)}
					credentials := orgusers.WithAuthToken(token)
					if strings.HasSuffix(tt.name, "a token") {
						credentials = nil // in the option
					}
					client := newClient(t, wire, credentials, orgusers.WithBaseURL("http://127.0.0.1"), tt.option)
					for range tt.before {
						if err := call(t.Context(), client, kind); err != nil {
							t.Fatal(err)
						}
					}
					err := canceled(t, func(ctx context.Context) error { return call(ctx, client, kind) })
					if got, want := errors.Is(err, orgusers.ErrOutcomeUnknown), tt.inFlight && kind.Writes(); got != want {
						t.Errorf("outcome unknown is %v, want %v: %v", got, want, err)
					}
					if paused := strings.HasPrefix(tt.name, "a pause"); errors.Is(err, orgusers.ErrRateLimited) != paused || strings.Contains(err.Error(), "It went wrong.") != paused {
						t.Errorf("got %v, which should be that of the last response: %v", err, paused)
					}
					if n := wire.sent.Load(); n != tt.sent {
						t.Errorf("%d requests were sent, want %d", n, tt.sent)
					}
				})
			})
		}
	}
}

// TestCancelOperations cancels each operation in each of its requests, and before them.
// A goroutine that is left fails the bubble.
func TestCancelOperations(t *testing.T) {
	t.Parallel()
	for _, o := range operations.All {
		t.Run(o.Name, func(t *testing.T) {
			t.Parallel()
			requests := 0
			synctest.Test(t, func(t *testing.T) {
				fake := newCrowd(t)
				_, err := o.Run(t.Context(), newArguments(t, o, fake, fake.Transport()))
				if requests = len(fake.Requests()); requests == 0 {
					t.Fatalf("nothing was sent: %v", err)
				}
			})
			for canceledIn := range requests + 1 {
				t.Run(fmt.Sprint("request ", canceledIn), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { cancelIn(t, o, canceledIn) })
				})
			}
		})
	}
}

// cancelIn cancels an operation in its n-th request, before the fake acts on it. With 0 it
// is canceled before it begins.
func cancelIn(t *testing.T, o operations.Operation, n int) {
	t.Helper()
	fake := newCrowd(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if n == 0 {
		cancel()
	}
	var served, then atomic.Int64 // in all, and when it was canceled
	var changing atomic.Bool
	wire := newPipes(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.Writes() && o.Matches(r.Method, r.URL.Path) {
			changing.Store(true)
		}
		if served.Add(1) == int64(n) {
			time.AfterFunc(time.Second, func() { then.Store(served.Load()); cancel() })
			afterBody(waits)(w, r)
		}
		fake.ServeHTTP(w, r)
	}))
	began := time.Now()
	_, err := o.Run(ctx, newArguments(t, o, fake, wire))
	took := time.Since(began).Truncate(500 * time.Millisecond) // pacing apart
	if n == 0 && took != 0 || n > 0 && took != time.Second {
		t.Errorf("it ended after %v", took)
	}
	time.Sleep(time.Minute) // fake time: no request must follow
	if served.Load() < int64(n) || served.Load() != then.Load() {
		t.Errorf("%d requests were sent, %d of them before it was canceled in the %dth", served.Load(), then.Load(), n)
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if unknown := errors.Is(err, orgusers.ErrOutcomeUnknown); unknown != changing.Load() {
		t.Errorf("outcome unknown is %v: %v", unknown, err)
	}
	wire.checkClosed(t)
}

// TestCancelReadBack cancels a change that waits to be read back. It is unknown, and what
// was not sent is not started.
func TestCancelReadBack(t *testing.T) {
	t.Parallel()
	for _, o := range operations.Changes() {
		if !o.Change.ReadBack {
			continue
		}
		t.Run(o.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				var moment time.Time
				fake, outcomes := changeUnder(ctx, t, o, with(always, orguserstest.Reset()), 12, func(fake *orguserstest.Server) http.RoundTripper {
					return roundTripper(func(r *http.Request) (*http.Response, error) {
						if o.Matches(r.Method, r.URL.Path) {
							time.AfterFunc(500*time.Millisecond, func() { // it is read back after a second
								moment = time.Now()
								cancel()
							})
						}
						return fake.Transport().RoundTrip(r)
					})
				})
				if took := time.Since(moment); took != time.Minute { // changeUnder waits for a minute
					t.Errorf("it ended %v after it was canceled", took-time.Minute)
				}
				count := map[orgusers.OutcomeStatus]int{}
				for _, outcome := range outcomes {
					checkOutcome(t, fake, o.Change, outcome)
					count[outcome.Status]++
					if !errors.Is(outcome.Err, context.Canceled) {
						t.Errorf("got %v, want context.Canceled", outcome.Err)
					}
				}
				if n := count[orgusers.OutcomeUnknown]; n == 0 || n > 10 || n+count[orgusers.OutcomeNotStarted] != len(outcomes) {
					t.Errorf("the outcomes are %v, want those of one batch unknown, and the others not started", count)
				}
				if n := sentTo(fake, o); n != 1 {
					t.Errorf("it was sent %d times, want once", n)
				}
			})
		})
	}
}

// slowWriter takes three seconds for each Write.
type slowWriter struct {
	began  time.Time // the first Write
	writes int
}

func (w *slowWriter) Write(p []byte) (int, error) {
	if w.writes++; w.writes == 1 {
		w.began = time.Now()
	}
	time.Sleep(3 * time.Second) // fake time
	return len(p), nil
}

// A Write cannot be interrupted. The export ends after it, and does not begin another.
func TestCancelExportWhileItWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := orguserstest.NewUnstartedServer(orguserstest.WithUsers(3000))
		defer fake.Close()
		client, err := orgusers.New(fake.OrganizationUID, append(fake.Options(), withoutLimits)...)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		writer := &slowWriter{}
		_, err = client.ExportCSV(ctx, writer, &orgusers.ExportOptions{Columns: append(orgusers.DefaultColumns(), orgusers.Column{
			Header: "cancels", Value: func(*orgusers.User) string {
				if writer.writes == 0 {
					time.AfterFunc(time.Second, cancel) // during the first Write
				}
				return ""
			},
		})})
		if !errors.Is(err, context.Canceled) || writer.writes != 1 || time.Since(writer.began) != 3*time.Second {
			t.Errorf("got %v after %d writes and %v, want context.Canceled after one and 3s", err, writer.writes, time.Since(writer.began))
		}
	})
}
