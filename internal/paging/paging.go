// Package paging reads a list that an API returns in pages, at an offset, as one complete sequence, or returns an
// error.
//
// Rows that are added or removed between two requests move all rows behind them. Read page after page, such a list
// loses some rows and repeats others. Here every page overlaps the rows that were read before it, so that a loss is
// seen and the missing rows are read again. A row that is in the list from the first request to the last is in the
// sequence exactly once.
//
// This holds if the rows keep their order and new rows are added at the end (sorted by date of creation, ascending) or
// at the start. With [List.Tied] it also holds if rows with equal dates change places, as long as a page has room for
// all of them and one row on either side. Other rows that change places while the list is read can hide one another.
// The server's count then shows that a row is missing, and the list is read again. If there is no count, or if rows
// were removed meanwhile, the list is read again when rows were seen to change places. Only if none was seen to do so
// can a row be missing.
//
// If the count falls and rises again while fewer rows were read than it once said, two replicas may respond in turn, and
// the list is read again, with pages that show every row twice. It is complete if that finds nothing more. A list
// without a count ends only if two pages of different lengths show the same end.
package paging

import (
	"context"
	"errors"
	"iter"
)

// ErrIncomplete is returned if rows are missing or if the pages of the server contradict each other. The rows yielded
// before it are right, but they are not all.
var ErrIncomplete = errors.New("the list could not be read completely")

// Page is one response of the server.
type Page[T any] struct {
	Rows  []T
	Count int // rows in the whole list, according to the server; -1 if it does not say
}

// Fetch returns the page of at most limit rows that starts after skip rows. It is called from several goroutines at
// once if pages are read ahead. It should return soon after ctx has ended, because leaving a list waits for it.
type Fetch[T any] func(ctx context.Context, skip, limit int) (Page[T], error)

// List describes a list and how to read it.
type List[T any] struct {
	Fetch     Fetch[T]
	Key       func(row T) string   // identifies a row, for example by its uid; never empty
	Tied      func(a, b T) bool    // reports whether the order leaves open which row comes first; nil: never
	Refused   func(err error) bool // reports whether the server rejected an offset as invalid; nil: never
	PageSize  int                  // rows to ask for, at least 2; the server may return fewer
	ReadAhead int                  // most pages in flight; 0 and 1: one at a time, on demand
}

// All returns the rows of the list. It requests nothing before the sequence is ranged over, and every range reads the
// list again. An error ends the sequence. It is yielded once, after the rows that are known to be right: the error of
// Fetch as it is, an error that wraps [ErrIncomplete], or one that wraps ctx.Err(). When the range is left, requests in
// flight are cancelled and waited for.
func (l List[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		err := l.read(ctx, yield)
		if err != nil && !errors.Is(err, errLeft) {
			var none T
			yield(none, err)
		}
	}
}

// errLeft ends a walk whose consumer wants no more rows. It is never yielded.
var errLeft = errors.New("the range was left")

func (l List[T]) read(ctx context.Context, yield func(T, error) bool) error {
	if l.PageSize < 2 {
		return errors.New("paging: pages of fewer than two rows cannot overlap")
	}
	w := newWalk(l)
	defer w.source.stop() // also if the consumer panics
	return w.run(ctx, yield)
}
