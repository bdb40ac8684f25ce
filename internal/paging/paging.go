// Package paging turns an API that hands out a list in pages, at an offset, into one complete sequence, or an error.
//
// Rows that come and go between two requests move all rows behind them: read page after page, such a list loses some
// of them and shows others twice. Here every page overlaps what was read before it, so a loss shows, and what is
// missing is read again. Whoever is in the list from the first request to the last is in the sequence, exactly once.
//
// That holds for a list whose order never changes and that grows at its end (by
// date of creation, ascending), and for one that grows at its start; with Tied
// also where rows with equal dates change places, as long as a page holds such
// a group and a row on either side of it. Other rows that change places while
// the list is read can hide behind each other. The number of rows that the
// server counts shows it, and the list is read again; so it is when there is no
// count, or rows were removed meanwhile, and rows were seen to change places.
// Only then, should nothing have been seen, can one be missing.
package paging

import (
	"context"
	"errors"
	"iter"
)

// ErrIncomplete is the error of a list that did not fit together: rows are missing, or the server's pages contradict
// each other. The rows before the error are right, but they are not all.
var ErrIncomplete = errors.New("the list could not be read completely")

// Page is one answer of the server.
type Page[T any] struct {
	Rows  []T
	Count int // rows that the whole list has, as the server says; -1 when it does not say
}

// Fetch asks for the page of at most limit rows that starts after skip rows. It is called from several goroutines at
// once when pages are read ahead, and should return soon after ctx has ended: whoever leaves a list waits for it.
type Fetch[T any] func(ctx context.Context, skip, limit int) (Page[T], error)

// List describes a list and how to read it.
type List[T any] struct {
	Fetch     Fetch[T]
	Key       func(row T) string // tells two rows apart; the row's own uid, never empty
	Tied      func(a, b T) bool  // whether the order of the list leaves open which comes first; nil: it never does
	PageSize  int                // rows to ask for, at least 2; a server may keep to fewer
	ReadAhead int                // pages in flight at the most, or half as many again for a moment; 0 and 1 read one after the other, on demand
}

// All returns the rows of the list. Nothing is requested before the sequence is ranged over, and every range reads the
// list anew. An error is yielded once, after the rows that are known to be right, and ends the sequence: an error of
// Fetch as it is, an error that wraps [ErrIncomplete], or one that wraps ctx.Err(). When the range is left, however
// that happens, requests in flight are cancelled and waited for.
func (l List[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		err := l.read(ctx, yield)
		if err != nil && !errors.Is(err, errLeft) {
			var none T
			yield(none, err)
		}
	}
}

// errLeft is the end of a walk whose consumer wants no more rows. It never leaves the package.
var errLeft = errors.New("the range was left")

func (l List[T]) read(ctx context.Context, yield func(T, error) bool) error {
	if l.PageSize < 2 {
		return errors.New("paging: pages of fewer than two rows cannot overlap")
	}
	w := newWalk(l)
	defer w.source.stop() // a panic of the consumer comes through here too
	return w.run(ctx, yield)
}
