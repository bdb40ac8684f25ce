package transport

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limiter paces requests instead of the transport's own pace.
type Limiter interface {
	// Wait returns when one more request may be sent.
	Wait(ctx context.Context) error
}

// A budget lets requests of one kind to one service through, in order, as fast as its pace and the caller's Limiter
// allow. Only the first request in the queue has a time at which it is due, so a change of the pace applies to all.
type budget struct {
	limiter Limiter // can be nil

	mu    sync.Mutex
	pace  pace
	queue []*waiter
}

// A waiter is a request in the queue.
type waiter struct {
	since time.Time
	wake  chan struct{} // gets a value when the waiter becomes the first or the pace changes
}

func newBudget(ceiling, share float64, limiter Limiter) *budget {
	if limiter != nil {
		ceiling, share = mostLimit, 1 // the pace is there for pauses only
	}
	return &budget{limiter: limiter, pace: newPace(ceiling, share)}
}

type queueKey struct{}

// WithQueue returns a context whose requests hold one place in a budget's queue at a time, and wait for it in order.
// Use it for the pages of one list, so that other requests do not wait behind all of them.
func WithQueue(ctx context.Context) context.Context {
	return context.WithValue(ctx, queueKey{}, make(chan struct{}, 1))
}

// wait returns, with the time, when the request may be sent. It returns a *WaitError as soon as it is known that this is
// after the deadline.
func (b *budget) wait(ctx context.Context) (sent time.Time, err error) {
	w := &waiter{since: time.Now(), wake: make(chan struct{}, 1)}
	if place, ok := ctx.Value(queueKey{}).(chan struct{}); ok {
		select {
		case place <- struct{}{}:
			defer func() { <-place }()
		case <-ctx.Done():
			return time.Time{}, b.ended(ctx)
		}
	}
	for {
		if sent, err = b.line(ctx, w); err != nil || b.limiter == nil {
			return sent, err
		}
		if err := ask(ctx, b.limiter); err != nil {
			return time.Time{}, err
		}
		if b.pauseLeft() <= 0 { // the limiter does not know of pauses
			return time.Now(), nil
		}
	}
}

// line waits in the queue.
func (b *budget) line(ctx context.Context, w *waiter) (sent time.Time, err error) {
	if err := b.join(ctx, w); err != nil {
		return time.Time{}, err
	}
	defer b.leave(w)
	for {
		sent, wait, err := b.take(ctx, w)
		if err != nil || !sent.IsZero() {
			return sent, err
		}
		var due <-chan time.Time // nil while others are ahead
		if wait > 0 {
			due = time.After(wait)
		}
		select {
		case <-due:
		case <-w.wake:
		case <-ctx.Done():
			return time.Time{}, b.ended(ctx)
		}
	}
}

// join adds a request to the queue unless even the full limit could not serve it before its deadline.
func (b *budget) join(ctx context.Context, w *waiter) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if len(b.queue) == 0 {
		b.pace.demand(now)
	}
	if late(ctx, b.pace.estimate(now, len(b.queue), 1)) {
		return b.tooLate(now, len(b.queue))
	}
	b.queue = append(b.queue, w)
	return nil
}

// leave removes a request from the queue and wakes the next one.
func (b *budget) leave(w *waiter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.queue, w)
	b.queue = slices.Delete(b.queue, i, i+1)
	if len(b.queue) == 0 {
		b.pace.idle = time.Now()
	} else if i == 0 {
		b.queue[0].notify()
	}
}

func (w *waiter) notify() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// take sends the request if it is the first and due. Otherwise it returns how long it must wait, 0 while others are
// ahead.
func (b *budget) take(ctx context.Context, w *waiter) (sent time.Time, wait time.Duration, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, ahead := time.Now(), slices.Index(b.queue, w)
	due := b.pace.paused // at the earliest
	if ahead == 0 {
		due = b.pace.next(w.since, now)
	}
	switch {
	case late(ctx, due):
		return time.Time{}, 0, b.tooLate(now, ahead)
	case ahead > 0:
		return time.Time{}, 0, nil
	case due.After(now):
		return time.Time{}, due.Sub(now), nil
	}
	b.pace.send(due, now)
	return now, 0, nil
}

func (b *budget) tooLate(now time.Time, ahead int) *WaitError {
	return &WaitError{Limit: true, Wait: b.pace.estimate(now, ahead, b.pace.part).Sub(now)}
}

// ended returns the error of a request whose context ended in the queue.
func (b *budget) ended(ctx context.Context) error {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ctx.Err()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tooLate(time.Now(), len(b.queue))
}

// observe learns from the response to a request that was sent then. No pause lasts longer than longest.
func (b *budget) observe(sent time.Time, status int, header http.Header, longest time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, before := time.Now(), b.pace
	limit, remaining := rateHeaders(header)
	if limit > 0 && b.limiter == nil {
		b.pace.setLimit(limit)
	}
	pause := func(otherwise time.Duration) {
		until := sent.Add(otherwise)
		if asked := pauseAsked(header, now); asked > 0 {
			until = now.Add(min(asked, longest))
		}
		b.pace.pause(until)
	}
	switch {
	case status == http.StatusTooManyRequests:
		// Requests that were sent before the refusal was known were refused in the same second.
		if news := b.pace.refuse(sent, now); news || pauseAsked(header, now) > 0 {
			pause(time.Second)
		}
	case limit > 0 && remaining == 0 && !b.pace.alone(sent, limit):
		pause(time.Second / 4) // the server's second is full, and so nearly over in most cases
	}
	if b.pace.limit != before.limit || !b.pace.paused.Equal(before.paused) {
		for _, w := range b.queue {
			w.notify()
		}
	}
}

func (b *budget) pauseLeft() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Until(b.pace.paused)
}

// ask waits for the caller's Limiter. The error of a *rate.Limiter for a deadline that is too near is not the context's.
func ask(ctx context.Context, limiter Limiter) error {
	err := limiter.Wait(ctx)
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	if known, ok := limiter.(*rate.Limiter); ok && known.Burst() > 0 {
		next := known.Reserve()
		defer next.Cancel()
		return &WaitError{Limit: true, Wait: next.Delay()}
	}
	return &LimiterError{err}
}

// late reports whether the context's deadline is before a time to come.
func late(ctx context.Context, t time.Time) bool {
	deadline, ok := ctx.Deadline()
	return ok && deadline.Before(t)
}

// Sleep waits, and returns the context's error if that ends first.
func Sleep(ctx context.Context, wait time.Duration) error {
	if wait <= 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
