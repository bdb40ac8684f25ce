package redislimit

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// Fallback is a limiter that goes on alone while Redis is away, with an equal
// part of the limit.
type Fallback struct {
	shared *Limiter
	alone  *rate.Limiter
	away   func(error)
	isAway atomic.Bool
}

// OrAlone makes a limiter that takes a part of the limit while Redis is away:
// that of one process among so many. The parts are within the limit together
// when Redis is away for all of them; when one of n processes cannot reach it,
// they exceed the limit by an nth. One whose password is wrong does not go on.
// Away is told why when that begins, from the goroutine that found it. It panics
// unless there is a process.
func (l *Limiter) OrAlone(processes int, away func(error)) *Fallback {
	if processes < 1 {
		panic(fmt.Sprintf("redislimit: %d processes", processes))
	}
	part := rate.NewLimiter(rate.Limit(1/(l.interval.Seconds()*float64(processes))), 1)
	return &Fallback{shared: l, alone: part, away: away}
}

// Wait returns nil when one more request may go out, as [Limiter.Wait] does.
func (f *Fallback) Wait(ctx context.Context) error {
	err := f.shared.wait(ctx)
	if !errors.Is(err, ErrAway) {
		if err == nil {
			f.isAway.Store(false)
		}
		return err
	}
	if !f.isAway.Swap(true) {
		f.away(err)
	}
	err = f.alone.Wait(ctx)
	if err != nil && ctx.Err() == nil {
		// The limiter's own error for a deadline is not the context's.
		return fmt.Errorf("the next place of this process alone is after the deadline: %w", context.DeadlineExceeded)
	}
	return err
}
