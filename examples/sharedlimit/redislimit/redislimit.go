// Package redislimit shares one limit between any number of processes, through Redis.
//
// Each request draws a place from Redis: a time of its own, an even distance after the place before. Redis gives places
// in the order in which they are asked for, one for each round trip, so no process starves and none polls. A process
// holds one place at a time. Its other requests wait behind that one, so processes take turns however many requests each
// has.
//
// Places are 3 % further apart than the limit says, so that the limit is kept if no request is delayed by more than
// 30 ms. A request that is delayed by more may be refused, and the client retries it.
//
// Only Redis's clock counts. Redis holds nothing but the time of the next place, under one key. If the key is lost
// (FLUSHALL, eviction, a restart), the next place is free at once, so for a moment there is one request too many for
// each process. Persistence is not needed.
package redislimit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
)

// jitter is by how much one request may be delayed more than another. A second of the server can then see the requests
// of that second and those of so much time before it. Places are further apart by that much.
const jitter = 30 * time.Millisecond

// mostPlaces is how far ahead a place may be. There is one for each process, so a longer queue means that Redis's clock
// was set back.
const mostPlaces = 1000

// Limiter is a limit that processes share. It is safe for any number of goroutines.
type Limiter struct {
	// Patience is how long Redis may take to respond. Until then it is asked again. Set it before the first Wait. The
	// default is 5 s.
	Patience time.Duration

	places   *redis_rate.Limiter
	key      string
	interval time.Duration // between places, in whole microseconds

	waiting atomic.Int64
	turn    chan struct{} // held by the goroutine that draws a place or has one

	// Guarded by turn: why Redis counts as away, and when it is asked again.
	away  error
	again time.Time
}

// Connect returns a Redis client for limiters. The URL starts with redis://, rediss:// (TLS) or unix://. Connect does no
// I/O. Any other client of go-redis works too, such as one of a cluster. This one gives up early, so that the limiter can
// name the cause, and the limiter retries. It returns [ErrURL] if the URL is not valid.
func Connect(url string) (*redis.Client, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, ErrURL // the text of err can repeat the password
	}
	options.MaxRetries = -1
	options.DialerRetries = 1
	options.ContextTimeoutEnabled = true
	return redis.NewClient(options), nil
}

// ErrURL means that a URL is not one of Redis.
var ErrURL = errors.New("not a URL of Redis, such as redis://127.0.0.1:6379")

// New returns a limiter of so many requests per second. Processes that give the same key share the limit, and must give
// the same limit. New panics unless the limit is above 0.
func New(client redis.UniversalClient, key string, perSecond float64) *Limiter {
	if !(perSecond > 0) { // nor is NaN
		panic(fmt.Sprintf("redislimit: a limit of %v per second", perSecond))
	}
	micros := math.Ceil(float64((time.Second + jitter).Microseconds()) / perSecond)
	return &Limiter{
		Patience: 5 * time.Second,
		places:   redis_rate.NewLimiter(client),
		key:      key,
		interval: time.Duration(max(1, min(micros, 1e12))) * time.Microsecond, // at most twelve days
		turn:     make(chan struct{}, 1),
	}
}

// Wait returns nil when one more request may be sent. It returns early if ctx ends. It returns
// [context.DeadlineExceeded] at once if the next place is after the deadline, and takes no place then. It returns
// [ErrAway] if Redis does not respond, and [ErrRefused] if it refuses the password.
func (l *Limiter) Wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// Each request ahead has a place before this one, and other processes may have theirs in between.
	ahead := l.waiting.Add(1) - 1
	defer l.waiting.Add(-1)
	least := time.Duration(ahead) * l.interval
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < least {
		return &lateError{least}
	}
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	result, err := l.ask(ctx)
	if err != nil {
		return err
	}
	if result.Allowed == 0 {
		return l.tooLate(ctx, result.ResetAfter)
	}
	// The way back from Redis makes the request a bit later, and never earlier.
	return sleep(ctx, result.ResetAfter-l.interval)
}

// latest returns how far ahead a place may be taken.
func (l *Limiter) latest(ctx context.Context) time.Duration {
	latest := mostPlaces * l.interval
	if deadline, ok := ctx.Deadline(); ok {
		latest = min(latest, time.Until(deadline))
	}
	return latest
}

// tooLate returns the error for a place that was not taken.
func (l *Limiter) tooLate(ctx context.Context, wait time.Duration) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
		return &lateError{wait}
	}
	return fmt.Errorf("the next place is in %v, which is more than %d processes need: was Redis's clock set back? Delete the key rate:%s to start again", wait, mostPlaces, l.key)
}

// lateError is a wait that was not started.
type lateError struct{ wait time.Duration }

func (e *lateError) Error() string {
	return fmt.Sprintf("the next place within the shared limit is in %v, after the deadline", e.wait.Round(time.Millisecond))
}

func (e *lateError) Unwrap() error { return context.DeadlineExceeded }

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
