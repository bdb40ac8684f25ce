package transport

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// A chaotic server responds with anything, after any time, and keeps when it
// was sent what.
type chaotic struct {
	replies []reply
	latency time.Duration // at most

	mu   sync.Mutex
	rng  *rand.Rand
	sent map[budgetKey][]time.Time
}

type budgetKey struct {
	service Service
	kind    Kind
}

func (s *chaotic) RoundTrip(r *http.Request) (*http.Response, error) {
	c, _ := r.Context().Value(callKey{}).(*call)
	key := budgetKey{c.request.Service, c.request.Kind}
	s.mu.Lock()
	s.sent[key] = append(s.sent[key], time.Now())
	next := s.replies[s.rng.IntN(len(s.replies))]
	latency := time.Duration(s.rng.Int64N(int64(s.latency) + 1))
	s.mu.Unlock()
	if err := Sleep(r.Context(), latency); err != nil {
		return nil, err
	}
	return next(r)
}

// Whatever callers ask for and servers respond, retries and redirects included,
// no window of a budget holds more requests than its limit, and the attempts
// that calls report are the requests that were sent.
func TestWhatGoesOverTheWire(t *testing.T) {
	t.Parallel()
	redirect := status(302, "Location", "/elsewhere")
	kindsOfReplies := []reply{
		good, good, good, status(429), status(429, "Retry-After", "2"), status(503), status(503, "Retry-After", "1"), status(404), status(401),
		reset, dial, breaksOff, hangsInBody, redirect,
		responds(200, "{}", "X-RateLimit-Limit", "3", "X-RateLimit-Remaining", "0"),
		responds(200, "{}", "X-RateLimit-Limit", "1000", "X-RateLimit-Remaining", "999"),
		responds(200, "{}", "X-RateLimit-Limit", "0.7"),
	}
	rapid.Check(t, func(rt *rapid.T) {
		limits := Limits{
			Reads:  rapid.SampledFrom([]float64{0.5, 1, 2.5, 10, 40}).Draw(rt, "reads"),
			Writes: rapid.SampledFrom([]float64{1, 3, 10}).Draw(rt, "writes"),
			Bulk:   rapid.SampledFrom([]float64{0.5, 1}).Draw(rt, "bulk"),
			Share:  rapid.SampledFrom([]float64{1, 0.4}).Draw(rt, "share"),
		}
		server := &chaotic{
			replies: rapid.SliceOfN(rapid.SampledFrom(kindsOfReplies), 1, 6).Draw(rt, "replies"),
			latency: time.Duration(rapid.IntRange(0, 700).Draw(rt, "latency")) * ms,
			rng:     rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0)),
			sent:    map[budgetKey][]time.Time{},
		}
		callers := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) caller {
			return caller{
				after:   time.Duration(rapid.IntRange(0, 4000).Draw(t, "after")) * ms,
				calls:   rapid.IntRange(1, 5).Draw(t, "calls"),
				timeout: time.Duration(rapid.IntRange(0, 20_000).Draw(t, "timeout")) * ms,
				cancel:  rapid.Bool().Draw(t, "cancel"),
				list:    rapid.Bool().Draw(t, "list"),
				request: rapid.SampledFrom([]Request{read, read, read, write, bulk, readByPost}).Draw(t, "request"),
				service: rapid.SampledFrom([]Service{Organization, Organization, Stack, User}).Draw(t, "service"),
			}
		}), 1, 15).Draw(rt, "callers")

		synctest.Test(t, func(t *testing.T) {
			wire := newTransport(t, "https://api.example.com", &http.Client{Transport: server, Timeout: 3 * time.Second}, func(c *Config) { c.Limits = limits })
			var attempts atomic.Int64
			var wg sync.WaitGroup
			for _, c := range callers {
				wg.Go(func() { c.run(t.Context(), wire, &attempts) })
			}
			wg.Wait()
			total := 0
			for key, sent := range server.sent {
				total += len(sent)
				limit := wire.budgets[key.service][key.kind].pace.ceiling * limits.Share
				size := int(math.Ceil(limit))
				window := time.Duration(1.02 * math.Ceil(limit) / limit * float64(time.Second))
				for i := size; i < len(sent); i++ {
					if sent[i].Sub(sent[i-size]) < window {
						rt.Errorf("%v: %d requests in %v, at a limit of %v", key, size+1, sent[i].Sub(sent[i-size]), limit)
					}
				}
			}
			if int(attempts.Load()) != total {
				rt.Errorf("%d attempts were reported, and %d requests were sent", attempts.Load(), total)
			}
			for service := range services {
				for kind := range kinds {
					if n := len(wire.budgets[service][kind].queue); n > 0 {
						rt.Errorf("%d requests are left in the queue", n)
					}
				}
			}
		})
	})
}

// A caller makes the same call some times in parallel.
type caller struct {
	after, timeout time.Duration
	calls          int
	cancel, list   bool
	request        Request
	service        Service
}

func (c caller) run(ctx context.Context, wire *Transport, attempts *atomic.Int64) {
	time.Sleep(c.after) // fake time
	if c.list {
		ctx = WithQueue(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	if c.cancel {
		var stop context.CancelFunc
		ctx, stop = context.WithCancel(context.WithoutCancel(ctx))
		defer stop()
		time.AfterFunc(c.timeout, stop)
	}
	defer cancel()
	c.request.Service = c.service
	var wg sync.WaitGroup
	for range c.calls {
		wg.Go(func() {
			_, _, n, _ := wire.call(ctx, c.request)
			attempts.Add(int64(n))
		})
	}
	wg.Wait()
}

// Redirects wait for their turn, and count as sent.
func TestRedirectsArePaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wire, s := scripted(t, status(302, "Location", "/two"), status(307, "Location", "/three"), good)
		wire.budgets[Organization][Read] = newBudget(1, 1, nil)
		var numbers []int
		s.replies[2] = func(r *http.Request) (*http.Response, error) {
			for _, seen := range s.seen {
				attempt, _ := AttemptFromContext(seen.Context())
				numbers = append(numbers, attempt.Number)
			}
			return good(r)
		}
		status, _, attempts, err := wire.call(t.Context(), read)
		if status != 200 || attempts != 3 || err != nil {
			t.Errorf("got %d after %d attempts, %v", status, attempts, err)
		}
		if fmt.Sprint(numbers) != "[1 2 3]" {
			t.Errorf("the attempts have the numbers %v", numbers)
		}
		for i, seen := range s.seen {
			if seen.Context().Err() == nil {
				t.Errorf("the context of request %d has not ended", i)
			}
		}
		for i := 1; i < len(s.sent); i++ {
			if apart := s.sent[i].Sub(s.sent[i-1]); apart != 1020*ms {
				t.Errorf("request %d came %v after the one before", i, apart)
			}
		}
	})
}

// A redirect that would be sent after the deadline ends the call at once.
func TestRedirectBeyondTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wire, s := scripted(t, status(302, "Location", "/two"), good)
		wire.budgets[Organization][Read] = newBudget(0.1, 1, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		_, _, attempts, err := wire.call(ctx, read)
		if attempts != 1 || len(s.sent) != 1 || time.Since(began) != 0 {
			t.Errorf("got %v after %d attempts and %v", err, attempts, time.Since(began))
		}
		if failure, ok := err.(*Error); !ok { //nolint:errorlint // it is the outermost error
			t.Errorf("got %v", err)
		} else {
			wantWait(t, failure.Err, 10200*ms)
		}
	})
}

// A small list is done in two or three round trips, and a long one at the limit.
func TestListsTakeNoLongerThanTheLimit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		limit, pages int
		latency      time.Duration
		most         time.Duration
	}{
		{10, 5, 50 * ms, 100 * ms},
		{100, 49, 50 * ms, 150 * ms},
		{10, 200, 50 * ms, 20_500 * ms},
		{10, 200, 200 * ms, 20_700 * ms},
		{100, 200, 50 * ms, 2200 * ms},
	}
	for _, tt := range tests {
		for phase := range 8 {
			synctest.Test(t, func(t *testing.T) {
				s := &limited{limit: tt.limit, phase: time.Duration(phase) * 125 * ms, latency: tt.latency}
				took, refused := s.race(1, tt.pages, 0)
				if took > tt.most || refused > 0 {
					t.Errorf("%d pages at %d per second took %v and %d were refused, want %v and none", tt.pages, tt.limit, took, refused, tt.most)
				}
			})
		}
	}
}
