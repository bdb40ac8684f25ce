package orgusers

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/orgusers/orgusers/internal/paging"
)

// maxPageSize is the general maximum of the API.
const maxPageSize = 100

// readAhead is how many pages of users may be in flight: enough to keep a
// limit of a hundred a second busy over 300 ms. The limiter is the brake.
const readAhead = 32

// listQuery is what all plain lists are asked for.
type listQuery struct {
	Limit        int    `url:"limit"`
	Skip         int    `url:"skip"`
	Ascending    string `url:"asc,omitempty"`
	Search       string `url:"typeahead,omitempty"`
	IncludeCount bool   `url:"include_count"`
}

func byCreation(skip, limit int) listQuery {
	return listQuery{Limit: limit, Skip: skip, Ascending: string(SortByCreated), IncludeCount: true}
}

// checkPage fills in the default page size and refuses what is out of range.
func checkPage(size *int, skip int) error {
	if *size < 0 || *size > maxPageSize {
		return fmt.Errorf("a page size of %d is not between 1 and %d", *size, maxPageSize)
	}
	if skip < 0 {
		return fmt.Errorf("skip is negative: %d", skip)
	}
	if *size == 0 {
		*size = maxPageSize
	}
	return nil
}

func countOf(count *int) int {
	if count == nil {
		return -1
	}
	return *count
}

// listAll reads a whole list under the name of its operation.
func listAll[T any](ctx context.Context, op *operation, list paging.List[T]) iter.Seq2[T, error] {
	list.PageSize = max(2, list.PageSize) // pages of one row cannot overlap
	return func(yield func(T, error) bool) {
		for row, err := range list.All(ctx) {
			if err != nil {
				err = op.named(err)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// named puts the operation before an error that does not name it yet.
func (op *operation) named(err error) error {
	if errors.As(err, new(*Error)) || strings.HasPrefix(err.Error(), "orgusers: ") {
		return err
	}
	return fmt.Errorf("orgusers: %s: %w", op.name, err)
}

func (op *operation) invalid(err error) error {
	return fmt.Errorf("orgusers: %s: %w: %w", op.name, ErrInvalid, err)
}

func failed[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}

// skipping leaves out the first rows, but never an error.
func skipping[T any](skip int, all iter.Seq2[T, error]) iter.Seq2[T, error] {
	if skip == 0 {
		return all
	}
	return func(yield func(T, error) bool) {
		left := skip
		for row, err := range all {
			if err == nil && left > 0 {
				left--
				continue
			}
			if !yield(row, err) {
				return
			}
		}
	}
}
