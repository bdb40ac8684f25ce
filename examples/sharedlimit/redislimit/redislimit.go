// Package redislimit shares one limit between any number of processes, through
// Redis.
//
// Whoever wants to send draws a place from Redis: a moment of its own, at an
// even distance from the one before. Places are given out in the order in which
// they are asked for, each for one round trip, and nobody asks twice; so nobody
// starves, and nobody polls. A process holds one place at a time. The others of
// its requests queue behind that one, so that processes take turns, however
// much each has to send, and one that ends takes no more than a place with it.
//
// Redis's clock alone counts. Redis knows nothing but the moment of the next
// place, under one key: where that is lost (FLUSHALL, eviction, a restart), the
// next place is free at once, and those that are held already come on top.
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

// jitter is how much later than others a request may arrive, though all left in
// time. A second of the server's can then see the requests of that second and
// those of so much time before it, and together they must not exceed the limit:
// places are that much further apart.
const jitter = 30 * time.Millisecond

// mostPlaces is how long the queue may be. There is a place for each process,
// so a longer one means that Redis's clock was set back.
const mostPlaces = 1000

// Limiter is a limit that processes share. It paces what calls its Wait, and is
// safe for any number of goroutines.
type Limiter struct {
	// Patience is how long Redis may take for an answer before it counts as
	// away; until then it is asked again. Set it while nobody waits. Default 5 s.
	Patience time.Duration

	places   *redis_rate.Limiter
	key      string
	interval time.Duration // between places, in whole microseconds

	waiting atomic.Int64
	turn    chan struct{} // held by the one of this process who draws a place or has it

	// Guarded by turn: why Redis counts as away, and when it is asked again.
	away  error
	again time.Time
}

// New makes a limiter of so many requests a second. Processes that give the
// same key share the limit. It panics unless the limit is above 0.
//
// The client is best made by [Connect]. The timeouts and retries of another one
// go on within Patience, and whether a Wait ends in time does not depend on them.
func New(client redis.UniversalClient, key string, perSecond float64) *Limiter {
	if !(perSecond > 0) { // nor is NaN
		panic(fmt.Sprintf("redislimit: a limit of %v a second", perSecond))
	}
	micros := math.Ceil(float64((time.Second + jitter).Microseconds()) / perSecond)
	return &Limiter{
		Patience: 5 * time.Second,
		places:   redis_rate.NewLimiter(client),
		key:      key,
		interval: time.Duration(max(1, min(micros, 1e12))) * time.Microsecond, // twelve days at the most
		turn:     make(chan struct{}, 1),
	}
}

// Wait returns nil when one more request may go out. It ends at once when ctx
// does, and is not begun when it would outlast the deadline: the error is then
// a [context.DeadlineExceeded]. Without Redis it is [ErrAway], and with a wrong
// password [ErrRefused].
func (l *Limiter) Wait(ctx context.Context) error {
	err := l.wait(ctx)
	if errors.Is(err, ErrAway) {
		return fmt.Errorf("%w; nothing is sent without one: start Redis, or correct its address", err)
	}
	return err
}

func (l *Limiter) wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// Those ahead have a place each before ours, and other processes may have
	// theirs in between.
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
	// What is left of the round trip makes it a bit later, and never earlier.
	return sleep(ctx, result.ResetAfter-l.interval)
}

// latest is how far ahead a place may be taken.
func (l *Limiter) latest(ctx context.Context) time.Duration {
	latest := mostPlaces * l.interval
	if deadline, ok := ctx.Deadline(); ok {
		latest = min(latest, time.Until(deadline))
	}
	return latest
}

// tooLate is the error for a place that was not taken.
func (l *Limiter) tooLate(ctx context.Context, wait time.Duration) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
		return &lateError{wait}
	}
	return fmt.Errorf("the next place is in %v, and there are not that many processes: was Redis's clock set back? Deleting rate:%s in Redis begins anew", wait, l.key)
}

// lateError is a wait that was not begun.
type lateError struct{ wait time.Duration }

func (e *lateError) Error() string {
	return fmt.Sprintf("the next place within the shared limit is in %v, after the deadline", e.wait.Round(time.Millisecond))
}

func (e *lateError) Unwrap() error { return context.DeadlineExceeded }

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
