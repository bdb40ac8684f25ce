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

func (b *Budget) wait(ctx context.Context) (Turn, error) {
	if b.Pacer != nil {
		return b.Pacer.Wait(ctx)
	}
	err := b.ask(ctx)
	return Turn{at: time.Now()}, err
}

func (b *Budget) ask(ctx context.Context) error {
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

func (b *Budget) observe(turn Turn, header http.Header, status int, longest time.Duration) {
	if b.Pacer != nil {
		b.Pacer.observe(turn, header, status, longest)
	}
}

// variance is by how much the way to the server may vary: what is sent evenly
// arrives unevenly.
const variance = 20 * time.Millisecond

// slack spreads requests further than the limit asks for, so that no second of
// the server's gets more of them than it allows.
const slack = 1 + float64(variance)/float64(time.Second)

// leastShare of the limit is taken whatever others take, or half a request a
// second: a place in the queue is long to wait for otherwise, and nothing is
// learned meanwhile.
const (
	leastShare = 0.1
	leastRate  = 0.5
)

// Pacer spaces requests evenly at the rate that the server allows, less what
// others use, and stops them all while the server wants a pause. Only the first
// of those who wait holds a place in time; the others queue behind it in order,
// so a change of rate or a pause concerns everybody at once.
type Pacer struct {
	turn chan struct{}

	mu      sync.Mutex
	limiter *rate.Limiter
	ceiling rate.Limit // 0: none
	waiting int
	paused  time.Time
	turns   int

	others others

	last  reading   // of the request sent last
	began time.Time // a second of the server's, or not long before: the first request known to be in it
}

// Turn is the permission for one request.
type Turn struct {
	number int // of the turns of a Pacer
	at     time.Time
}

// reading is what the answer to one request says of the server's second.
type reading struct {
	Turn

	limit, used int
	refused     bool // and so not counted
}

// later reports whether the server's second has ended since another reading:
// less is used than before, and by more than requests that overtake each other
// explain.
func (r reading) later(before reading) bool {
	return r.used < before.used-r.limit/20 || r.used == before.used && !r.refused
}

// NewPacer starts at the limit that the server is taken to have, in requests a
// second, and follows the one that it tells, up to a ceiling if that is not
// zero.
func NewPacer(limit, ceiling float64) *Pacer {
	p := &Pacer{turn: make(chan struct{}, 1), limiter: rate.NewLimiter(0, 1), ceiling: rate.Limit(ceiling)}
	p.follow(limit)
	return p
}

// Wait returns when one more request may go out.
func (p *Pacer) Wait(ctx context.Context) (Turn, error) {
	expected := p.enter()
	if outlasts(ctx, expected) {
		p.leave()
		return Turn{}, &WaitError{Limit: true, Wait: expected}
	}
	select {
	case p.turn <- struct{}{}:
		p.leave() // from here on its place is the limiter's
		defer func() { <-p.turn }()
	case <-ctx.Done():
		p.leave()
		if errors.Is(ctx.Err(), context.DeadlineExceeded) { // the queue has become longer
			return Turn{}, &WaitError{Limit: true, Wait: expected}
		}
		return Turn{}, ctx.Err()
	}
	if err := reserve(ctx, p.limiter); err != nil {
		return Turn{}, err
	}
	for {
		left := p.pauseLeft()
		if left <= 0 {
			return p.take(), nil
		}
		if outlasts(ctx, left) {
			return Turn{}, &WaitError{Limit: true, Wait: left}
		}
		if err := Sleep(ctx, left); err != nil {
			return Turn{}, err
		}
	}
}

func (p *Pacer) take() Turn {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turns++
	return Turn{number: p.turns, at: time.Now()}
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
func (p *Pacer) observe(turn Turn, header http.Header, status int, longest time.Duration) {
	limit, remaining, ok := rateHeaders(header)
	p.mu.Lock()
	defer p.mu.Unlock()
	if ok {
		if remaining >= 0 {
			r := reading{turn, limit, limit - remaining, status == http.StatusTooManyRequests}
			p.locate(r)
			p.others.learn(r)
		}
		p.follow(float64(limit))
	} else if p.ceiling > 0 && status != http.StatusTooManyRequests {
		p.limiter.SetLimit(p.ceiling) // the caller knows better than nobody
	}
	if status == http.StatusTooManyRequests {
		if pause := retryAfter(status, header, time.Now()); pause > 0 {
			p.pause(time.Now().Add(min(pause, longest)))
		}
	}
	if status == http.StatusTooManyRequests || ok && remaining == 0 {
		p.pause(p.endOfSecond(turn.at))
	}
}

// follow sets the rate to what others leave of a limit.
func (p *Pacer) follow(limit float64) {
	target := rate.Limit(max(limit-p.others.rate(), limit*leastShare, leastRate) / slack)
	if p.ceiling > 0 {
		target = min(target, p.ceiling)
	}
	if target != p.limiter.Limit() {
		p.limiter.SetLimit(target)
	}
}

func (p *Pacer) pause(until time.Time) {
	if until.After(p.paused) {
		p.paused = until
	}
}

// locate follows the server's second, which begins at a time that only shows
// in the answers: when less is used than before. Answers that come out of
// order are left out.
func (p *Pacer) locate(r reading) {
	if r.number <= p.last.number {
		return
	}
	if p.last.number == 0 || r.limit != p.last.limit || r.later(p.last) {
		p.began = r.at
	}
	p.last = r
}

// endOfSecond is when the second in which a request sent then was counted has
// ended, in terms of when requests are sent: whole seconds after the first
// request known to be in one. One sent just after that may have been overtaken
// and counted before, and ends with it.
func (p *Pacer) endOfSecond(sent time.Time) time.Time {
	if p.last.number == 0 {
		return sent.Add(time.Second) // it may just have begun
	}
	end := p.began.Add(variance)
	for !end.After(sent) {
		end = end.Add(max(time.Second, sent.Sub(end).Truncate(time.Second)))
	}
	return end
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
