package orgusers

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/orgusers/orgusers/internal/paging"
	"github.com/orgusers/orgusers/internal/transport"
)

// maxPageSize is the general maximum of the API.
const maxPageSize = 100

// readAhead is how many pages of users may be in flight: enough for a limit of a
// hundred per second and responses that take 300 ms. The rate limit bounds them.
const readAhead = 32

// listQuery is the query of a list of roles, stacks or organizations.
type listQuery struct {
	Limit        int    `url:"limit"`
	Skip         int    `url:"skip"`
	Ascending    string `url:"asc,omitempty"`
	Search       string `url:"typeahead,omitempty"`
	IncludeCount bool   `url:"include_count"`
}

func byCreation(skip, limit int, search string) listQuery {
	return listQuery{Limit: limit, Skip: skip, Ascending: string(SortByCreated), Search: search, IncludeCount: true}
}

func countOf(count *int) int {
	if count == nil {
		return -1
	}
	return *count
}

// listAll reads a whole list and names its operation in errors.
func listAll[T any](ctx context.Context, op *operation, list paging.List[T]) iter.Seq2[T, error] {
	list.PageSize = max(2, list.PageSize) // pages of one row cannot overlap
	list.Refused = rejectsOffset
	return func(yield func(T, error) bool) {
		// A list that is read ahead holds one place in the queue of its rate limit.
		for row, err := range list.All(transport.WithQueue(ctx)) {
			if err != nil && !errors.As(err, new(*Error)) && !strings.HasPrefix(err.Error(), "orgusers: ") {
				err = withOp(op.name, err)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// rejectsOffset reports whether the server rejected a page as invalid. Some do if no
// row follows the offset.
func rejectsOffset(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.StatusCode == http.StatusBadRequest || e.StatusCode == http.StatusUnprocessableEntity)
}

// Collect returns all rows of a sequence. If the sequence ends with an error, it
// returns the rows before the error, and the error.
func Collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var rows []T
	for row, err := range seq {
		if err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// readers is how many independent requests of one call are in flight at most. The rate
// limit paces them.
const readers = 16

// inParallel calls f with 0 to n-1, several at a time. After an error it starts no more
// calls, and returns the first error when those that run have ended.
func inParallel(n int, f func(i int) error) error {
	var (
		next  atomic.Int64
		group sync.WaitGroup
		once  sync.Once
		first error
	)
	for range min(n, readers) {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if err := f(int(i)); err != nil {
					once.Do(func() { first = err })
					next.Store(int64(n))
				}
			}
		})
	}
	group.Wait()
	return first
}

// together calls functions at the same time, as inParallel does.
func together(ctx context.Context, functions ...func(context.Context) error) error {
	return inParallel(len(functions), func(i int) error { return functions[i](ctx) })
}

// errSeq returns a sequence that yields an error.
func errSeq[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}

// filterSeq leaves out rows, but no error.
func filterSeq[T any](all iter.Seq2[T, error], keep func(T) bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for row, err := range all {
			if (err != nil || keep(row)) && !yield(row, err) {
				return
			}
		}
	}
}

// skipSeq leaves out the first rows, but no error.
func skipSeq[T any](skip int, all iter.Seq2[T, error]) iter.Seq2[T, error] {
	if skip == 0 {
		return all
	}
	return func(yield func(T, error) bool) {
		left := skip
		for row, err := range all {
			if left--; err == nil && left >= 0 {
				continue
			}
			if !yield(row, err) {
				return
			}
		}
	}
}
