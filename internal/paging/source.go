package paging

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// A source hands out pages, and has some of them under way before they are asked for. It guesses which ones; a wrong
// guess costs requests, never rows, because every page is checked by the walk.
type source[T any] struct {
	fetch Fetch[T]
	limit int           // rows to ask for
	queue []*request[T] // under way, or done and not asked for yet, in the order of their offsets
	spent int           // requests that were dropped, and that nobody has paid for
}

// A request is one call of Fetch in a goroutine of its own. The fields below done are set when it is closed.
type request[T any] struct {
	skip   int
	cancel context.CancelFunc
	done   chan struct{}

	page     Page[T]
	err      error
	returned bool // false when Fetch panicked, or ended its goroutine
	panicked any
}

// page returns the page at skip. What was read ahead stays under way if it
// comes after that page. Meanwhile the pages after it, at the given stride and
// below end, are read ahead, so that as many requests are under way as flight
// allows.
func (s *source[T]) page(ctx context.Context, skip, stride, end, flight int) (Page[T], error) {
	if err := ctx.Err(); err != nil {
		return Page[T]{}, err
	}
	switch {
	case s.has(skip, skip):
	case s.has(skip+1, skip+s.limit):
		s.queue = slices.Insert(s.queue, 0, s.start(ctx, skip))
		flight += flight / 2 // it comes late, and what was read ahead has to wait for it
	default:
		s.stop()
		s.queue = append(s.queue, s.start(ctx, skip))
	}
	next := s.queue[len(s.queue)-1].skip + stride
	for next < end && len(s.queue) < flight {
		s.queue = append(s.queue, s.start(ctx, next))
		next += stride
	}
	first := s.queue[0]
	<-first.done
	s.queue[0], s.queue = nil, s.queue[1:]
	if !first.returned {
		panic(first.panicked) // here, where the consumer can recover from it
	}
	if err := ctx.Err(); err != nil && first.err != nil && !errors.Is(first.err, err) {
		return Page[T]{}, fmt.Errorf("%w: %w", err, first.err)
	}
	return first.page, first.err
}

// has reports whether the page to come starts between two offsets.
func (s *source[T]) has(from, to int) bool {
	return len(s.queue) > 0 && from <= s.queue[0].skip && s.queue[0].skip <= to
}

func (s *source[T]) start(ctx context.Context, skip int) *request[T] {
	ctx, cancel := context.WithCancel(ctx)
	r := &request[T]{skip: skip, cancel: cancel, done: make(chan struct{})}
	begun := make(chan struct{})
	go func() {
		close(begun)
		defer close(r.done)
		defer cancel()
		defer func() {
			if r.returned {
				return
			}
			if r.panicked = recover(); r.panicked == nil {
				r.panicked = "paging: Fetch ended its goroutine"
			}
		}()
		r.page, r.err = s.fetch(ctx, skip, s.limit)
		r.returned = true
	}()
	<-begun // so that requests queue for their turn in the order of their pages, or nearly
	return r
}

// stop drops what is under way, and waits for it, so that no more requests run than are allowed, and none is left.
func (s *source[T]) stop() {
	for _, r := range s.queue {
		r.cancel()
	}
	for _, r := range s.queue {
		<-r.done
	}
	s.spent += len(s.queue)
	s.queue = nil
}
