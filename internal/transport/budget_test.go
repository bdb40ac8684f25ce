package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"
)

const ms = time.Millisecond

// take waits for a budget and returns when that was over, from began.
func take(ctx context.Context, b *budget, began time.Time) (time.Duration, error) {
	_, err := b.wait(ctx)
	return time.Since(began), err
}

// spend sends so many requests, one after the other.
func spend(t *testing.T, b *budget, n int) {
	t.Helper()
	for range n {
		if _, err := b.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func wantWait(t *testing.T, err error, want time.Duration) {
	t.Helper()
	wait, ok := errors.AsType[*WaitError](err)
	if !ok || !wait.Limit || wait.Wait != want || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want a wait of %v for the limit", err, want)
	}
}

func TestQueueIsInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(10, 1, nil)
		var mu sync.Mutex
		var order []int
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() {
				if _, err := b.wait(t.Context()); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				order = append(order, i)
			})
			synctest.Wait()
		}
		wg.Wait()
		if !slices.IsSorted(order) || len(order) != 30 {
			t.Errorf("requests were sent in the order %v", order)
		}
	})
}

// A list has one place in the queue, whatever is waiting for it: another request
// waits behind one page, and two lists take turns.
func TestListHoldsOnePlaceInTheQueue(t *testing.T) {
	t.Parallel()
	for _, limiter := range []Limiter{nil, rate.NewLimiter(1, 1)} {
		t.Run(fmt.Sprintf("%T", limiter), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBudget(1, 1, limiter)
				var mu sync.Mutex
				var order []string
				var wg sync.WaitGroup
				request := func(ctx context.Context, name string) {
					wg.Go(func() {
						if _, err := b.wait(ctx); err != nil {
							t.Error(err)
						}
						mu.Lock()
						defer mu.Unlock()
						order = append(order, name)
					})
					synctest.Wait()
				}
				first, second := WithQueue(t.Context()), WithQueue(t.Context())
				for i := range 4 {
					request(first, fmt.Sprint("a", i))
				}
				for i := range 3 {
					request(second, fmt.Sprint("b", i))
				}
				request(t.Context(), "user")
				wg.Wait()
				want := []string{"a0", "a1", "b0", "user", "a2", "b1", "a3", "b2"}
				if !slices.Equal(order, want) {
					t.Errorf("requests were sent in the order %v, want %v", order, want)
				}
			})
		})
	}
}

// A page that waits for its list's place is due as if it had been in the queue.
func TestListLosesNoTimeBetweenPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(10, 1, nil)
		began := time.Now()
		ctx := WithQueue(t.Context())
		var wg sync.WaitGroup
		for range 30 {
			wg.Go(func() {
				if _, err := b.wait(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(began); took != 1020*ms+19*102*ms {
			t.Errorf("thirty pages took %v", took)
		}
	})
}

func TestCancelledWaitersCostNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(1, 1, nil)
		began := time.Now()
		spend(t, b, 1)
		ctx, cancel := context.WithCancel(t.Context())
		list, cancelList := context.WithCancel(WithQueue(t.Context()))
		var wg sync.WaitGroup
		for i := range 40 {
			ctx := ctx
			if i%2 == 0 {
				ctx = list
			}
			wg.Go(func() {
				if _, err := b.wait(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a cancelled wait returned %v", err)
				}
			})
		}
		synctest.Wait()
		time.AfterFunc(500*ms, cancel)
		time.AfterFunc(700*ms, cancelList)
		wg.Go(func() {
			if at, err := take(t.Context(), b, began); err != nil || at != 1020*ms {
				t.Errorf("the request behind them was sent at %v, %v", at, err)
			}
		})
		wg.Wait()
		if len(b.queue) != 0 {
			t.Errorf("%d requests are left in the queue", len(b.queue))
		}
	})
}

func TestWaitsBeyondTheDeadline(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		waiting  int           // ahead of the request
		paused   time.Duration // when it comes
		cut      bool          // the rate is three quarters
		deadline time.Duration
		after    time.Duration // when the error comes; -1 for none
		wait     time.Duration // that the error states
	}{
		{"the queue is too long", 9, 0, false, 9 * time.Second, 0, 10200 * ms},
		{"the queue is just short enough", 9, 0, false, 10200 * ms, -1, 0},
		{"the pause is too long", 0, 5 * time.Second, false, 4 * time.Second, 0, 5 * time.Second},
		{"queue and pause together are", 2, 5 * time.Second, false, 6 * time.Second, 0, 7040 * ms},
		{"they are just short enough", 2, 5 * time.Second, false, 7040 * ms, -1, 0},
		{"the wait is stated at the present rate", 2, 0, true, 2 * time.Second, 0, 4080 * ms},
		{"even the full rate could not serve it", 1, 0, true, 2 * time.Second, 0, 2720 * ms},
		{"it is known when it is the first", 1, 0, true, 2100 * ms, 1360 * ms, 1176 * ms},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBudget(1, 1, nil)
				spend(t, b, 1)
				if tt.paused > 0 {
					b.pace.pause(time.Now().Add(tt.paused))
				}
				if tt.cut {
					b.pace.refuse(time.Now(), time.Now())
				}
				began := time.Now()
				var wg sync.WaitGroup
				for range tt.waiting {
					wg.Go(func() {
						if _, err := b.wait(t.Context()); err != nil {
							t.Error(err)
						}
					})
				}
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
				defer cancel()
				at, err := take(ctx, b, began)
				if tt.after < 0 {
					if err != nil {
						t.Error(err)
					}
				} else {
					if at.Round(ms) != tt.after {
						t.Errorf("the error came after %v, want %v", at, tt.after)
					}
					if wait, ok := errors.AsType[*WaitError](err); !ok || !wait.Limit || wait.Wait.Round(ms) != tt.wait {
						t.Errorf("got %v, want a wait of %v", err, tt.wait)
					}
				}
				wg.Wait()
			})
		})
	}
}

// A pause ends the waits of all requests whose deadline is before its end.
func TestPauseEndsWaitsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(1, 1, nil)
		spend(t, b, 1)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var wg sync.WaitGroup
		for i := range 6 {
			ctx := ctx
			if i%2 == 0 {
				ctx = WithQueue(ctx)
			}
			wg.Go(func() {
				at, err := take(ctx, b, began)
				if at != 100*ms || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("request %d got %v after %v", i, err, at)
				}
			})
		}
		time.Sleep(100 * ms) // fake time
		b.observe(began, http.StatusTooManyRequests, http.Header{"Retry-After": {"30"}}, time.Minute)
		wg.Wait()
	})
}

// Refusals of requests that were on their way when the first one came do not prolong its pause, unless the server asks
// for that.
func TestLaterRefusalsOfASecond(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		header http.Header
		want   time.Duration
	}{
		"no header":   {nil, time.Second},
		"Retry-After": {http.Header{"Retry-After": {"2"}}, 2300 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBudget(100, 1, nil)
				began := time.Now()
				time.Sleep(200 * ms) // fake time
				b.observe(began, http.StatusTooManyRequests, nil, time.Minute)
				time.Sleep(100 * ms) // fake time
				b.observe(began.Add(100*ms), http.StatusTooManyRequests, test.header, time.Minute)
				if at, err := take(t.Context(), b, began); err != nil || at != test.want {
					t.Errorf("the next request was sent at %v, %v; want %v", at, err, test.want)
				}
			})
		})
	}
}

// A deadline that passes while others of the list wait is the limit's doing.
func TestDeadlineInTheListsQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(1, 1, nil)
		ctx := WithQueue(t.Context())
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() { _, _ = b.wait(ctx) })
		}
		synctest.Wait()
		short, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		_, err := b.wait(short)
		if wait, ok := errors.AsType[*WaitError](err); !ok || !wait.Limit {
			t.Errorf("got %v, want a *WaitError", err)
		}
		wg.Wait()
	})
}

func TestWhatResponsesDoToABudget(t *testing.T) {
	t.Parallel()
	header := func(pairs ...string) http.Header {
		h := http.Header{"Date": {"Fri, 13 Mar 2026 09:00:00 GMT"}}
		for i := 0; i < len(pairs); i += 2 {
			h.Add(pairs[i], pairs[i+1])
		}
		return h
	}
	const second = int64(1773392400) // of the date
	tests := []struct {
		name   string
		status int
		header http.Header
		pause  time.Duration // from when the request was sent, 300 ms ago
		limit  float64
		rate   float64
	}{
		{"nothing", 200, header(), 0, 10, 10},
		{"a bare 429", 429, header(), time.Second, 10, 7.5},
		{"Retry-After", 429, header("Retry-After", "7"), 7300 * ms, 10, 7.5},
		{"Retry-After twice", 429, header("Retry-After", "7, 7"), 7300 * ms, 10, 7.5},
		{"Retry-After with a fraction", 429, header("Retry-After", "0.5"), 800 * ms, 10, 7.5},
		{"Retry-After as a date", 429, header("Retry-After", "Fri, 13 Mar 2026 09:00:20 GMT"), 20300 * ms, 10, 7.5},
		{"Retry-After in the past", 429, header("Retry-After", "Fri, 13 Mar 2026 08:00:20 GMT"), time.Second, 10, 7.5},
		{"Retry-After of hours", 429, header("Retry-After", "7200"), 60300 * ms, 10, 7.5},
		{"Retry-After of 10⁹", 429, header("Retry-After", "1000000000"), 60300 * ms, 10, 7.5},
		{"Retry-After beyond all numbers", 429, header("Retry-After", "1e300"), 60300 * ms, 10, 7.5},
		{"Retry-After that is negative", 429, header("Retry-After", "-3"), time.Second, 10, 7.5},
		{"Retry-After that is not a number", 429, header("Retry-After", "NaN"), time.Second, 10, 7.5},
		{"Retry-After without a 429", 503, header("Retry-After", "7"), 0, 10, 10},
		{"a reset", 429, header("X-RateLimit-Reset", fmt.Sprint(second+9)), 9300 * ms, 10, 7.5},
		{"a reset in the past", 429, header("X-RateLimit-Reset", fmt.Sprint(second-9)), time.Second, 10, 7.5},
		{"a reset in milliseconds", 429, header("X-RateLimit-Reset", fmt.Sprint((second+9)*1000)), time.Second, 10, 7.5},
		{"a reset more than an hour away", 429, header("X-RateLimit-Reset", fmt.Sprint(second+3601)), time.Second, 10, 7.5},
		{"a reset within the hour", 429, header("X-RateLimit-Reset", fmt.Sprint(second+3600)), 60300 * ms, 10, 7.5},
		{"a reset that is a number of seconds", 429, header("X-RateLimit-Reset", "1"), time.Second, 10, 7.5},
		{"a lower limit", 200, header("X-RateLimit-Limit", "5", "X-RateLimit-Remaining", "3"), 0, 5, 5},
		{"a higher limit", 200, header("X-RateLimit-Limit", "100", "X-RateLimit-Remaining", "3"), 0, 10, 10},
		{"a limit sent twice", 200, header("X-RateLimit-Limit", "5", "X-RateLimit-Limit", "5"), 0, 5, 5},
		{"a limit twice in one header", 200, header("X-RateLimit-Limit", "5, 5", "X-RateLimit-Remaining", "2, 2"), 0, 5, 5},
		{"two limits", 200, header("X-RateLimit-Limit", "200, 6"), 0, 6, 6},
		{"a limit of half a request", 200, header("X-RateLimit-Limit", "0.5"), 0, 0.5, 0.5},
		{"a limit near zero", 200, header("X-RateLimit-Limit", "0.0000001"), 0, 0.01, 0.01},
		{"a limit of zero", 200, header("X-RateLimit-Limit", "0", "X-RateLimit-Remaining", "0"), 0, 10, 10},
		{"a limit below zero", 200, header("X-RateLimit-Limit", "-5"), 0, 10, 10},
		{"a limit that is not a number", 200, header("X-RateLimit-Limit", "NaN"), 0, 10, 10},
		{"a limit without end", 200, header("X-RateLimit-Limit", "Inf"), 0, 10, 10},
		{"words", 200, header("X-RateLimit-Limit", "five"), 0, 10, 10},
		{"nothing remains", 200, header("X-RateLimit-Limit", "10", "X-RateLimit-Remaining", "0"), 250 * ms, 10, 10},
		{"nothing remains until the reset", 200, header("X-RateLimit-Limit", "10", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", fmt.Sprint(second+2)), 2300 * ms, 10, 10},
		{"a 429 with a lower limit", 429, header("X-RateLimit-Limit", "4", "X-RateLimit-Remaining", "0"), time.Second, 4, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBudget(10, 1, nil)
				sent, err := b.wait(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(300 * ms) // fake time
				b.observe(sent, tt.status, tt.header, time.Minute)
				if pause := max(0, b.pace.paused.Sub(sent)); pause != tt.pause {
					t.Errorf("the budget is paused for %v, want %v", pause, tt.pause)
				}
				if b.pace.limit != tt.limit || b.pace.limit*b.pace.part != tt.rate {
					t.Errorf("the limit is %v and the rate %v, want %v and %v", b.pace.limit, b.pace.limit*b.pace.part, tt.limit, tt.rate)
				}
			})
		})
	}
}

// If the client's own requests used up the limit, its ring already waits.
func TestNothingRemainsOfALimitUsedAlone(t *testing.T) {
	t.Parallel()
	for _, own := range []int{6, 10} {
		synctest.Test(t, func(t *testing.T) {
			b := newBudget(10, 1, nil)
			spend(t, b, own)
			b.observe(time.Now(), 200, http.Header{"X-Ratelimit-Limit": {"10"}, "X-Ratelimit-Remaining": {"0"}}, time.Minute)
			if paused := b.pauseLeft() > 0; paused != (own < 10) {
				t.Errorf("after %d own requests the budget is paused: %v", own, paused)
			}
		})
	}
}

// A limit that rises wakes the request that waits for it.
func TestHigherLimitIsUsedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(10, 1, nil)
		limit := func(s string) {
			b.observe(time.Now(), 200, http.Header{"X-Ratelimit-Limit": {s}}, time.Minute)
		}
		limit("0.1")
		spend(t, b, 1)
		began := time.Now()
		time.AfterFunc(time.Second, func() { limit("10") })
		if at, err := take(t.Context(), b, began); err != nil || at != time.Second {
			t.Errorf("the request was sent at %v, %v; want a second", at, err)
		}
	})
}

var errLimiter = errors.New("no connection to the limiter's server")

type limiterFunc func(context.Context) error

func (f limiterFunc) Wait(ctx context.Context) error { return f(ctx) }

func TestLimitersOfTheCaller(t *testing.T) {
	t.Parallel()
	hang := limiterFunc(func(ctx context.Context) error { <-ctx.Done(); return errors.New("interrupted") })
	tests := []struct {
		name    string
		limiter func() Limiter
		before  int           // requests before
		paused  time.Duration // when the request comes
		timeout time.Duration
		cancel  bool
		at      time.Duration
		is      error
		wait    time.Duration
	}{
		{"a *rate.Limiter", func() Limiter { return rate.NewLimiter(1, 1) }, 1, 0, time.Minute, false, time.Second, nil, 0},
		{"a *rate.Limiter and a deadline", func() Limiter { return rate.NewLimiter(1, 1) }, 1, 0, 900 * ms, false, 0, context.DeadlineExceeded, time.Second},
		{"a *rate.Limiter and a cancellation", func() Limiter { return rate.NewLimiter(1, 1) }, 1, 0, 900 * ms, true, 900 * ms, context.Canceled, 0},
		{"a pause", func() Limiter { return rate.NewLimiter(10, 10) }, 0, 5 * time.Second, time.Minute, false, 5 * time.Second, nil, 0},
		{"a pause and a deadline", func() Limiter { return rate.NewLimiter(10, 10) }, 0, 5 * time.Second, 4 * time.Second, false, 0, context.DeadlineExceeded, 5 * time.Second},
		{"a failure", func() Limiter { return limiterFunc(func(context.Context) error { return errLimiter }) }, 0, 0, time.Minute, false, 0, errLimiter, 0},
		{"an interruption", func() Limiter { return hang }, 0, 0, time.Second, true, time.Second, context.Canceled, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBudget(10, 1, tt.limiter())
				spend(t, b, tt.before)
				if tt.paused > 0 {
					b.pace.pause(time.Now().Add(tt.paused))
				}
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
				if tt.cancel {
					ctx, cancel = context.WithCancel(t.Context())
					time.AfterFunc(tt.timeout, cancel)
				}
				defer cancel()
				at, err := take(ctx, b, began)
				if at != tt.at || !errors.Is(err, tt.is) {
					t.Errorf("got %v after %v, want %v after %v", err, at, tt.is, tt.at)
				}
				if tt.wait > 0 {
					wantWait(t, err, tt.wait)
				}
				if _, failed := errors.AsType[*LimiterError](err); failed != errors.Is(tt.is, errLimiter) {
					t.Errorf("got %v, a failure of the limiter: %v", err, failed)
				}
			})
		})
	}
}

// A request that fails for its deadline takes nothing from a *rate.Limiter, and
// headers change nothing for a limiter of the caller's.
func TestLimiterOfTheCallerDecides(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(10, 1, rate.NewLimiter(1, 1))
		began := time.Now()
		spend(t, b, 1)
		b.observe(began, 200, http.Header{"X-Ratelimit-Limit": {"0.1"}}, time.Minute)
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), 500*ms)
			_, err := b.wait(ctx)
			cancel()
			wantWait(t, err, time.Second)
		}
		if at, err := take(t.Context(), b, began); err != nil || at != time.Second {
			t.Errorf("the next request was sent at %v, %v; want a second", at, err)
		}
	})
}

// A caller's limiter does not know of a pause that begins while it is asked.
func TestPauseWhileALimiterIsAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(10, 1, rate.NewLimiter(1, 1))
		spend(t, b, 1)
		began := time.Now()
		time.AfterFunc(500*ms, func() {
			b.observe(time.Now(), 429, http.Header{"Retry-After": {"3"}}, time.Minute)
		})
		if at, err := take(t.Context(), b, began); err != nil || at != 3500*ms {
			t.Errorf("the request was sent at %v, %v; want the end of the pause", at, err)
		}
	})
}
