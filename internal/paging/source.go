package paging

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// A source returns pages, and requests some of them before they are asked for. A wrong guess costs requests, never rows,
// because the walk checks every page.
type source[T any] struct {
	fetch  Fetch[T]
	limit  int           // rows to ask for
	budget *budget       // pays for requests that are dropped
	queue  []*request[T] // in flight, or done and not asked for yet, in the order of their offsets
}

// A request is one call of Fetch in its own goroutine. The fields below done are set before done is closed.
type request[T any] struct {
	skip   int
	cancel context.CancelFunc
	done   chan struct{}

	page     Page[T]
	err      error
	returned bool // false if Fetch panicked or ended its goroutine
	panicked any
}

// page returns the page at skip. Pages that were read ahead are kept if they come after it. Further pages, at the given
// stride and below end, are requested until as many are in flight as flight allows.
func (s *source[T]) page(ctx context.Context, skip, stride, end, flight int) (Page[T], error) {
	if err := ctx.Err(); err != nil {
		return Page[T]{}, err
	}
	switch {
	case s.has(skip, skip):
	case s.has(skip+1, skip+s.limit):
		s.queue = slices.Insert(s.queue, 0, s.start(ctx, skip))
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
		panic(first.panicked) // in the goroutine of the consumer, who can recover from it
	}
	if err := ctx.Err(); err != nil && first.err != nil && !errors.Is(first.err, err) {
		return Page[T]{}, fmt.Errorf("%w: %w", err, first.err)
	}
	return first.page, first.err
}

// has reports whether the first page that was read ahead starts between two offsets.
func (s *source[T]) has(from, to int) bool {
	return len(s.queue) > 0 && from <= s.queue[0].skip && s.queue[0].skip <= to
}

// start requests the page at skip.
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
	<-begun // so that requests wait for their turn in about the order of their pages
	return r
}

// stop cancels all requests and waits for them, so that no more are in flight than allowed, and none is left behind.
func (s *source[T]) stop() {
	for _, r := range s.queue {
		r.cancel()
	}
	for _, r := range s.queue {
		<-r.done
	}
	s.budget.drop(len(s.queue))
	s.queue = nil
}
