package redislimit_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/orgusers/orgusers/examples/internal/redistest"
	"github.com/orgusers/orgusers/examples/sharedlimit/redislimit"
)

// seldom is a limit whose next place no test lives to see: it is 1030 seconds
// after the one before.
const (
	seldom = 0.001
	key    = "organization:reads"
)

// within calls Wait with a deadline, which a test never reaches.
func within(t *testing.T, limiter *redislimit.Limiter, deadline time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	err := limiter.Wait(ctx)
	if ctx.Err() != nil {
		t.Fatalf("it took %v", deadline)
	}
	return err
}

func connect(t *testing.T, url string) *redis.Client {
	t.Helper()
	client, err := redislimit.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func expectPlace(t *testing.T, limiter *redislimit.Limiter) {
	t.Helper()
	if err := within(t, limiter, time.Minute); err != nil {
		t.Fatalf("got %v, want a place", err)
	}
}

func expectLate(t *testing.T, limiter *redislimit.Limiter, deadline time.Duration) {
	t.Helper()
	if err := within(t, limiter, deadline); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, redislimit.ErrAway) {
		t.Errorf("got %v, want that there is no place within %v", err, deadline)
	}
}

// waiting lets somebody wait for a place that never comes. It returns when the
// place has been drawn, and end ends the wait.
func waiting(t *testing.T, server *redistest.Server, limiter *redislimit.Limiter) (end func() error) {
	t.Helper()
	drawn := server.Written("rate:" + key)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- limiter.Wait(ctx) }()
	select {
	case <-drawn:
	case err := <-ended:
		t.Fatalf("it did not wait: %v", err)
	}
	t.Cleanup(cancel)
	return func() error {
		cancel()
		return <-ended
	}
}

func TestPlacesAreEvenlySpaced(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	machines := make([]*redislimit.Limiter, 3)
	for i := range machines {
		machines[i] = redislimit.New(connect(t, server.URL), key, seldom)
	}
	expectPlace(t, machines[0])
	expectLate(t, machines[1], 1010*time.Second)
	waiting(t, server, machines[1])
	expectLate(t, machines[2], 2040*time.Second)
	waiting(t, server, machines[2])
	expectLate(t, machines[0], 3070*time.Second)
	if places := server.Calls("set"); places != 3 {
		t.Errorf("%d places were taken, want 3: none by those who came too late", places)
	}
}

// However many of a process want to send, it gets no more than the others; and
// Redis is asked once for each place.
func TestProcessesTakeTurns(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	const total = 120
	crowds := []int{1, 2, 8, 32}
	places := make([]atomic.Int32, len(crowds))
	var taken atomic.Int32
	var wait sync.WaitGroup
	for i, crowd := range crowds {
		limiter := redislimit.New(connect(t, server.URL), key, 100)
		for range crowd {
			wait.Go(func() {
				for taken.Add(1) <= total {
					if err := limiter.Wait(t.Context()); err != nil {
						t.Error(err)
						return
					}
					places[i].Add(1)
				}
			})
		}
	}
	wait.Wait()
	for i, crowd := range crowds {
		if got := places[i].Load(); got < total/8 || got > total/2 {
			t.Errorf("a process of %d got %d of %d places, want about a quarter", crowd, got, total)
		}
	}
	if asked, given := server.Calls("get"), server.Calls("set"); asked != total || given != total {
		t.Errorf("Redis was asked %d times and gave %d places, want %d of both", asked, given, total)
	}
}

func TestQueueInTheProcessCounts(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	limiter := redislimit.New(connect(t, server.URL), key, seldom)
	expectPlace(t, limiter)
	waiting(t, server, limiter)
	expectLate(t, limiter, 1010*time.Second)
	if asked := server.Calls("get"); asked != 2 {
		t.Errorf("Redis was asked %d times, want twice: the third knows by itself", asked)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	limiter := redislimit.New(connect(t, server.URL), key, seldom)
	expectPlace(t, limiter)
	first := waiting(t, server, limiter)

	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan error, 1)
	go func() { second <- limiter.Wait(ctx) }()
	cancel()
	if err := <-second; !errors.Is(err, context.Canceled) {
		t.Errorf("in the queue: %v, want that it was cancelled", err)
	}
	if err := first(); !errors.Is(err, context.Canceled) {
		t.Errorf("before its place: %v, want that it was cancelled", err)
	}
	if err := limiter.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("before it began: %v, want that it was cancelled", err)
	}
}

func TestLimitThatIsNone(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(){
		"zero":     func() { redislimit.New(nil, key, 0) },
		"negative": func() { redislimit.New(nil, key, -1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			make()
		}()
	}
}
