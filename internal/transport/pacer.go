package transport

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limiter is what a caller may bring instead of a Pacer.
type Limiter interface {
	// Wait returns when one more request may go out.
	Wait(ctx context.Context) error
}

// Budget paces one kind of request, by a Pacer or by somebody else's Limiter.
type Budget struct {
	Pacer   *Pacer
	Limiter Limiter
}

func (b *Budget) wait(ctx context.Context) error {
	if b.Pacer != nil {
		return b.Pacer.Wait(ctx)
	}
	if limiter, ok := b.Limiter.(*rate.Limiter); ok && limiter.Burst() > 0 {
		return reserve(ctx, limiter) // whose own error for a deadline is not the context's
	}
	err := b.Limiter.Wait(ctx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		return &LimiterError{err}
	}
}

func (b *Budget) observe(sent time.Time, header http.Header, status int, longest time.Duration) {
	if b.Pacer != nil {
		b.Pacer.observe(sent, header, status, longest)
	}
}

// Pacer spaces requests evenly at the rate that the server allows, and stops
// them all while the server wants a pause. Only the first of those who wait
// holds a place in time; the others queue behind it in order, so a change of
// rate or a pause concerns everybody at once.
type Pacer struct {
	turn chan struct{}

	mu      sync.Mutex
	limiter *rate.Limiter
	ceiling rate.Limit // 0: none
	waiting int
	paused  time.Time

	// The second of the server's in which the last answered request was
	// counted: the first request known to be in it, and the last.
	first, last reading
}

type reading struct {
	sent        time.Time
	limit, used int
}

// NewPacer starts at perSecond. A ceiling is never exceeded; without one the
// pacer follows the server's limit upwards too.
func NewPacer(perSecond float64, ceiling bool) *Pacer {
	p := &Pacer{turn: make(chan struct{}, 1), limiter: rate.NewLimiter(rate.Limit(perSecond), 1)}
	if ceiling {
		p.ceiling = rate.Limit(perSecond)
	}
	return p
}

// Wait returns when one more request may go out.
func (p *Pacer) Wait(ctx context.Context) error {
	expected := p.enter()
	if outlasts(ctx, expected) {
		p.leave()
		return &WaitError{Limit: true, Wait: expected}
	}
	select {
	case p.turn <- struct{}{}:
		p.leave() // from here on its place is the limiter's
		defer func() { <-p.turn }()
	case <-ctx.Done():
		p.leave()
		if errors.Is(ctx.Err(), context.DeadlineExceeded) { // the queue has become longer
			return &WaitError{Limit: true, Wait: expected}
		}
		return ctx.Err()
	}
	if err := reserve(ctx, p.limiter); err != nil {
		return err
	}
	for {
		left := p.pauseLeft()
		if left <= 0 {
			return nil
		}
		if outlasts(ctx, left) {
			return &WaitError{Limit: true, Wait: left}
		}
		if err := Sleep(ctx, left); err != nil {
			return err
		}
	}
}

// enter joins the queue and estimates how long it will take.
func (p *Pacer) enter() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	ahead := float64(p.waiting) + max(0, 1-p.limiter.Tokens())
	p.waiting++
	queue := time.Duration(ahead / float64(p.limiter.Limit()) * float64(time.Second))
	return max(queue, time.Until(p.paused))
}

func (p *Pacer) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting--
}

func (p *Pacer) pauseLeft() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.paused)
}

// observe learns from an answer: how many requests a second there may be, and
// whether everybody has to wait. A pause that the server asks for is kept by
// everybody, but never for longer than longest, however odd the header.
func (p *Pacer) observe(sent time.Time, header http.Header, status int, longest time.Duration) {
	limit, remaining, ok := rateHeaders(header)
	p.mu.Lock()
	defer p.mu.Unlock()
	if ok {
		target := rate.Limit(limit)
		if p.ceiling > 0 {
			target = min(target, p.ceiling)
		}
		if target != p.limiter.Limit() {
			p.limiter.SetLimit(target)
		}
		if remaining >= 0 {
			p.locate(reading{sent, limit, limit - remaining})
		}
	}
	if status == http.StatusTooManyRequests {
		if pause := retryAfter(status, header, time.Now()); pause > 0 {
			p.pause(time.Now().Add(min(pause, longest)))
		}
	}
	if status == http.StatusTooManyRequests || ok && remaining == 0 {
		p.pause(p.endOfSecond(sent))
	}
}

func (p *Pacer) pause(until time.Time) {
	if until.After(p.paused) {
		p.paused = until
	}
}

// locate follows the server's second, which begins at a time that only shows
// in the answers: when less is used than before. Answers that come out of
// order are left out; then the second is taken to begin later than it does,
// which is the safe side.
func (p *Pacer) locate(r reading) {
	if r.sent.Before(p.last.sent) {
		return
	}
	if r.used <= p.last.used || r.limit != p.last.limit || r.sent.Sub(p.first.sent) >= time.Second {
		p.first = r
	}
	p.last = r
}

// endOfSecond is when the second in which a request sent then was counted has
// ended for sure, in terms of when requests are sent: a second after the first
// one that was counted with it.
func (p *Pacer) endOfSecond(sent time.Time) time.Time {
	if sent.Before(p.first.sent) || sent.Sub(p.first.sent) >= time.Second {
		return sent.Add(time.Second)
	}
	return p.first.sent.Add(time.Second)
}

// reserve takes the next place of a limiter and waits for it.
func reserve(ctx context.Context, limiter *rate.Limiter) error {
	reservation := limiter.Reserve() // always granted: the burst is not 0
	wait := reservation.Delay()
	if outlasts(ctx, wait) {
		reservation.Cancel()
		return &WaitError{Limit: true, Wait: wait}
	}
	if err := Sleep(ctx, wait); err != nil {
		reservation.Cancel()
		return err
	}
	return nil
}

func outlasts(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && wait > 0 && time.Until(deadline) < wait
}

// Sleep waits, unless ctx ends before.
func Sleep(ctx context.Context, wait time.Duration) error {
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
