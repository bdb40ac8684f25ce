// Package pacing_test tests the rate limits of a client through the public API, in the
// time of testing/synctest.
package pacing_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
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

const ms = time.Millisecond

// wire is a server that records when requests are sent. They take the latency, half of
// it each way.
type wire struct {
	latency time.Duration
	// respond returns a status and headers, as pairs of names and values, for request n,
	// counted from 0. Nil always returns 200.
	respond func(n int, r *http.Request) (status int, header []string)

	mu   sync.Mutex
	sent []sending
}

type sending struct {
	at   time.Time
	path string
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	n := len(w.sent)
	w.sent = append(w.sent, sending{time.Now(), r.URL.Path})
	w.mu.Unlock()
	response := &http.Response{
		StatusCode: 200, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(`{"organization":{},"user":{},"error_message":""}`)),
	}
	time.Sleep(w.latency / 2) // fake time
	if w.respond != nil {
		var header []string
		response.StatusCode, header = w.respond(n, r)
		for i := 0; i < len(header); i += 2 {
			response.Header.Add(header[i], header[i+1])
		}
	}
	time.Sleep(w.latency - w.latency/2) // fake time
	return response, nil
}

// times returns when requests were sent, as durations since the first.
func (w *wire) times() []time.Duration {
	times := make([]time.Duration, len(w.sent))
	for i, s := range w.sent {
		times[i] = s.at.Sub(w.sent[0].at)
	}
	return times
}

// between counts the requests sent from one time to another.
func (w *wire) between(from, to time.Duration) (n int) {
	for _, at := range w.times() {
		if at >= from && at < to {
			n++
		}
	}
	return n
}

func clientOver(t *testing.T, transport http.RoundTripper, opts ...orgusers.Option) *orgusers.Client {
	t.Helper()
	client, err := orgusers.New("blt1", append([]orgusers.Option{
		orgusers.WithAuthToken("token"), orgusers.WithHTTPClient(&http.Client{Transport: transport}),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func clientOf(t *testing.T, server *orguserstest.Server, opts ...orgusers.Option) *orgusers.Client {
	t.Helper()
	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func limits(l orgusers.RateLimits) orgusers.Option { return orgusers.WithRateLimits(l) }

// once means that no call is retried.
var once = orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 1})

func read(ctx context.Context, c *orgusers.Client) error {
	_, err := c.GetOrganization(ctx, nil)
	return err
}

// readAll reads n times from several goroutines, and reports errors.
func readAll(t *testing.T, client *orgusers.Client, goroutines, n int) {
	t.Helper()
	var wait sync.WaitGroup
	for i := range goroutines {
		wait.Go(func() {
			for j := i; j < n; j += goroutines {
				if err := read(t.Context(), client); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
}

// readFor reads from many goroutines for so long, and ignores errors.
func readFor(t *testing.T, client *orgusers.Client, duration time.Duration) {
	t.Helper()
	began := time.Now()
	var wait sync.WaitGroup
	for range 40 {
		wait.Go(func() {
			for time.Since(began) < duration {
				if read(t.Context(), client) != nil {
					time.Sleep(ms) // fake time
				}
			}
		})
	}
	wait.Wait()
}

func refusals(server *orguserstest.Server) (n int) {
	for _, r := range server.Requests() {
		if r.Status == http.StatusTooManyRequests {
			n++
		}
	}
	return n
}

// TestHonestServer reads as fast as the client lets it: at the limit, and never above
// it in any second of the server's clock, wherever that begins.
func TestHonestServer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		limit  int // of the server
		limits orgusers.RateLimits
		rate   float64 // requests per second that are expected
	}{
		{10, orgusers.RateLimits{}, 10},
		{50, orgusers.RateLimits{Reads: 50}, 50},
		{100, orgusers.RateLimits{Reads: 100}, 100},
		{1, orgusers.RateLimits{Reads: 1}, 1},
		{50, orgusers.RateLimits{}, 10},            // a ceiling that is not raised
		{10, orgusers.RateLimits{Reads: 2.5}, 2.5}, // a ceiling below the server's limit
		{10, orgusers.RateLimits{Share: 0.5}, 5},
		{100, orgusers.RateLimits{Reads: 100, Share: 0.25}, 25},
	} {
		for _, way := range []struct {
			goroutines      int
			latency, jitter time.Duration
		}{{1, 0, 0}, {20, 20 * ms, 0}, {40, 200 * ms, 0}, {40, 200 * ms, 20 * ms}} {
			for _, offset := range []time.Duration{0, 333 * ms, 999 * ms} {
				t.Run(fmt.Sprintf("%d/%+v/%+v/%v", tt.limit, tt.limits, way, offset), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						server := orguserstest.NewUnstartedServer(
							orguserstest.WithRateLimit(tt.limit, tt.limit), orguserstest.WithLatency(way.latency),
						)
						transport := &http.Client{Transport: jittery{server.Transport(), way.jitter}}
						time.Sleep(offset) // fake time: a bubble starts at a whole second
						began, n := time.Now(), int(4*tt.rate)+10
						readAll(t, clientOf(t, server, limits(tt.limits), orgusers.WithHTTPClient(transport)), way.goroutines, n)
						took := time.Since(began).Seconds()
						roundTrip := (way.latency + 2*way.jitter).Seconds()
						most := max(1.05*float64(n)/tt.rate, float64(n)/float64(way.goroutines)*roundTrip) + 2*roundTrip
						least := float64(n)/tt.rate - max(1, 1/tt.rate)
						if took < least || took > most {
							t.Errorf("%d requests took %.2f seconds, want %.2f to %.2f", n, took, least, most)
						}
						if refused := refusals(server); refused > 0 {
							t.Errorf("%d requests were refused", refused)
						}
						seconds := map[int64]int{}
						for _, r := range server.Requests() {
							if seconds[r.Time.Unix()]++; seconds[r.Time.Unix()] > tt.limit {
								t.Fatalf("more than %d requests in a second", tt.limit)
							}
						}
					})
				})
			}
		}
	}
}

// Reads, writes and bulk actions have limits of their own, in each service and for each
// organization. Only the limits of the user service belong to all organizations.
func TestBudgets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &wire{}
		client := clientOver(t, server, limits(orgusers.RateLimits{Reads: 1, Writes: 1, Bulk: 1}))
		other, err := client.ForOrganization("blt2")
		if err != nil {
			t.Fatal(err)
		}
		do := func(c *orgusers.Client, r orgusers.Request) func() error {
			return func() error { return c.Do(t.Context(), r, nil) }
		}
		const things = "/organizations/{organization_uid}/things"
		key := http.Header{"api_key": {"blt3"}}
		budgets := [][]func() error{ // the calls of a line have the same budget
			{do(client, orgusers.Request{Path: things, ReadOnly: true}), func() error { return read(t.Context(), client) }},
			{do(client, orgusers.Request{Path: things}), do(client, orgusers.Request{Method: "DELETE", Path: things})},
			{do(client, orgusers.Request{Path: things, Bulk: true}), do(client, orgusers.Request{Method: "POST", Path: "/organizations", Bulk: true})},
			{do(client, orgusers.Request{Path: "/things", Header: key, ReadOnly: true}), do(client, orgusers.Request{Path: "/stacks", Header: key, ReadOnly: true})},
			{do(client, orgusers.Request{Path: "/things", Header: key}), do(client, orgusers.Request{Method: "POST", Path: "/stacks/share", Header: key})},
			{do(client, orgusers.Request{Path: "/things", Header: key, Bulk: true}), do(client, orgusers.Request{Path: "/bulk", Header: key, Bulk: true})},
			{do(client, orgusers.Request{Path: "/user/things", ReadOnly: true}), func() error { _, err := other.GetCurrentUser(t.Context()); return err }},
			{do(client, orgusers.Request{Path: "/user/things"}), func() error { return other.Logout(t.Context()) }},
			{do(other, orgusers.Request{Path: things, ReadOnly: true}), func() error { return read(t.Context(), other) }},
			{do(other, orgusers.Request{Path: things}), do(other, orgusers.Request{Path: things})},
		}
		began := time.Now()
		var wait sync.WaitGroup
		for _, budget := range budgets {
			for i, call := range budget {
				wait.Go(func() {
					time.Sleep(time.Duration(i) * ms) // fake time: in this order
					if err := call(); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wait.Wait()
		if now, later := server.between(0, ms), server.between(1020*ms, 1021*ms); now != len(budgets) || later != len(budgets) || time.Since(began) > 1100*ms {
			t.Errorf("of two requests on each of %d budgets, %d were sent at once and %d a second later: %v", len(budgets), now, later, server.times())
		}
	})
}

// jittery makes each way of a round trip take up to a time longer.
type jittery struct {
	next http.RoundTripper
	most time.Duration
}

func (j jittery) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(rand.N(j.most + 1))                    // fake time
	defer func() { time.Sleep(rand.N(j.most + 1)) }() // fake time
	return j.next.RoundTrip(r)
}

// withoutHeaders removes the headers about rate limits, as the service sends none.
type withoutHeaders struct{ next http.RoundTripper }

func (w withoutHeaders) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := w.next.RoundTrip(r)
	if err == nil {
		for name := range response.Header {
			if strings.HasPrefix(name, "X-Ratelimit-") {
				response.Header.Del(name)
			}
		}
	}
	return response, err
}

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
