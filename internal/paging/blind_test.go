package paging_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/orgusers/orgusers/internal/paging"
)

func TestEdgesOfListsWithoutACount(t *testing.T) {
	t.Parallel()
	broken := errors.New("bad gateway")
	fromEnd := func(skip, total int) bool { return skip >= total }
	tests := []struct {
		name  string
		rows  int
		setUp func(s *server)
		want  error // nil: all rows, in the order of the list
		most  int   // requests
	}{
		{"no row", 0, func(*server) {}, nil, 1},
		{"no row, the only offset is rejected", 0, func(s *server) { s.refused = fromEnd }, errRefused, 1},
		{"one row", 1, func(*server) {}, nil, 2},
		{"one row, the offset behind it is rejected", 1, func(s *server) { s.refused = fromEnd }, nil, 2},
		{"one row, every offset is rejected", 1, func(s *server) { s.refused = func(skip, _ int) bool { return skip > 0 } }, nil, 2},
		{"one row, another error behind it", 1, func(s *server) { s.respond = failAt(1, broken) }, broken, 2},
		{"one row, and one more at the second request", 1, func(s *server) { s.change = onceAt(1, func() { s.add(1) }) }, nil, 6},
		{"one row, and one more that goes again", 1, func(s *server) {
			s.change = func(s *server, request, _ int) {
				switch request {
				case 1:
					s.add(1)
				case 2:
					s.remove(1, 1)
				}
			}
		}, nil, 6},
		{"two rows", 2, func(*server) {}, nil, 2},
		{"two rows, offsets behind the end are rejected", 2, func(s *server) { s.refused = fromEnd }, nil, 2},
		{"two rows, offset 1 is rejected", 2, func(s *server) { s.refused = func(skip, _ int) bool { return skip == 1 } }, errRefused, 2},
		{"three rows", 3, func(*server) {}, nil, 2},
		{"a page less one row", 9, func(s *server) { s.refused = fromEnd }, nil, 2},
		{"a full page", 10, func(s *server) { s.refused = fromEnd }, nil, 3},
		{"a page and a row", 11, func(s *server) { s.refused = fromEnd }, nil, 3},
		{"an offset in the middle is rejected", 40, func(s *server) { s.refused = func(skip, _ int) bool { return skip > 20 } }, errRefused, 5},
		{"pages of one row", 40, func(s *server) { s.cap = 1 }, paging.ErrIncomplete, 5},
		{"pages of one row, two rows", 2, func(s *server) { s.cap = 1; s.refused = fromEnd }, paging.ErrIncomplete, 5},
		{"pages of two rows", 40, func(s *server) { s.cap = 2 }, nil, 45},
		{"pages of three rows", 40, func(s *server) { s.cap = 3 }, nil, 45},
		{"every request returns the first page", 40, func(s *server) {
			s.respond = func(int, int, []row) ([]row, error) { return s.rows[:10], nil }
		}, paging.ErrIncomplete, 40},
		{"every request returns the whole list", 7, func(s *server) {
			s.respond = func(int, int, []row) ([]row, error) { return s.rows, nil }
		}, paging.ErrIncomplete, 40},
		{"every request returns the next page", 400, func(s *server) {
			s.respond = func(request, _ int, _ []row) ([]row, error) { return s.rows[10*request:][:10], nil }
		}, paging.ErrIncomplete, 40},
		{"every request returns the next page, to the end", 40, func(s *server) {
			s.respond = func(request, _ int, _ []row) ([]row, error) {
				return s.rows[min(10*request, 40):min(10*request+10, 40)], nil
			}
		}, paging.ErrIncomplete, 40},
	}
	for _, test := range tests {
		for _, readAhead := range []int{1, 8} {
			t.Run(fmt.Sprint(test.name, ", read ahead ", readAhead), func(t *testing.T) {
				t.Parallel()
				s := newServer(test.rows, 1)
				s.count = uncounted
				test.setUp(s)
				rows, err := read(t.Context(), s.list(10, readAhead))
				if !errors.Is(err, test.want) || err == nil && !slices.Equal(rows, s.rows) {
					t.Errorf("%d of %d rows and error %v, want %v", len(rows), len(s.rows), err, test.want)
				}
				if most := test.most + 3*min(1, readAhead-1); s.requests > most { // three pages may be read ahead in vain
					t.Errorf("%d requests, want %d at most", s.requests, most)
				}
			})
		}
	}
}

func onceAt(request int, change func()) func(*server, int, int) {
	return func(_ *server, r, _ int) {
		if r == request {
			change()
		}
	}
}

func failAt(offset int, err error) func(int, int, []row) ([]row, error) {
	return func(_, skip int, rows []row) ([]row, error) {
		if skip >= offset {
			return nil, err
		}
		return rows, nil
	}
}

// If the server counts, an offset is rejected only behind the end, and none is asked for.
func TestRejectedOffsetIsAnErrorOfFetch(t *testing.T) {
	t.Parallel()
	for _, counted := range []bool{true, false} {
		s := newServer(1, 1)
		s.refused = func(skip, total int) bool { return skip >= total }
		if !counted {
			s.count = uncounted
		}
		list := s.list(10, 1)
		list.Refused = nil // the server may mean anything by it
		rows, err := read(t.Context(), list)
		if len(rows) != 1 || errors.Is(err, errRefused) == counted || counted && s.requests != 1 {
			t.Errorf("counted %t: %d rows and error %v after %d requests", counted, len(rows), err, s.requests)
		}
	}
}

// Every small list, at every page size and every page size that the server keeps to, ends where it ends.
func TestEverySmallListWithoutACount(t *testing.T) {
	t.Parallel()
	for rows := range 15 {
		for pageSize := 2; pageSize <= 12; pageSize++ {
			for limit := 2; limit <= pageSize; limit++ {
				for _, readAhead := range []int{1, 4} {
					s := newServer(rows, 1)
					s.count = uncounted
					s.cap = limit
					s.refused = func(skip, total int) bool { return skip > 0 && skip >= total }
					got, err := read(t.Context(), s.list(pageSize, readAhead))
					if err != nil || !slices.Equal(got, s.rows) {
						t.Errorf("%d rows, %d a page, %d asked for, read ahead %d: %d rows, error %v", rows, limit, pageSize, readAhead, len(got), err)
					}
				}
			}
		}
	}
}

// A server that begins to return smaller pages, at any request, does not end the list. Nor does it if rows are added at
// the start of the list at the same time.
func TestSmallerPagesAreNotTheEnd(t *testing.T) {
	t.Parallel()
	for limit := 1; limit <= 9; limit++ {
		for from := range 12 {
			for added := from % 2; added < 64; added += 5 { // before this request and the one after it
				for _, pageSize := range []int{10, 12} { // the server returns ten at most
					if pageSize == 12 && limit == 2 && from == 1 {
						continue // the one case in which nothing shows it: the first page may be the whole list
					}
					s := newServer(95, 1)
					s.count, s.cap = uncounted, 10
					s.change = func(s *server, request, _ int) {
						if request >= from {
							s.cap = limit
						}
						switch request {
						case from:
							s.addFirst(added % 8)
						case from + 1:
							s.addFirst(added / 8)
						}
					}
					rows, err := read(t.Context(), s.list(pageSize, 1))
					lost, doubled := s.losses(rows)
					hard := limit == 1 || added%8 > limit || added/8 > limit // no page overlaps, or rows move by more than a page
					if doubled > 0 || err == nil && lost > 0 || err != nil && (!hard || !errors.Is(err, paging.ErrIncomplete)) {
						t.Errorf("%d rows a page from request %d, %d added, page size %d: %d lost, %d doubled, error %v",
							limit, from, added, pageSize, lost, doubled, err)
					}
				}
			}
		}
	}
}

// Tied rows at the end change places with every request, so the list ends with another row each time.
func TestTiedRowsAtTheEndOfAListWithoutACount(t *testing.T) {
	t.Parallel()
	for rows := 1; rows <= 30; rows++ {
		for tied := 2; tied <= 7; tied++ {
			s := newServer(0, uint64(rows))
			s.told, s.shuffle, s.tied = true, true, tied
			s.count = uncounted
			s.add(rows)
			s.start()
			got, err := read(t.Context(), s.list(10, 1))
			if lost, doubled := s.losses(got); lost+doubled > 0 || err != nil || s.requests > 20 {
				t.Errorf("%d rows, %d tied: %d lost, %d doubled, error %v after %d requests", rows, tied, lost, doubled, err, s.requests)
			}
		}
	}
}

// Rows added at the start push rows already read to the pages behind. A page of such rows is not the end. The list ends
// even if rows are added before every request, as long as they do not fill a page, or what was read was only one page.
func TestListsWithoutACountThatGrowAtTheirStart(t *testing.T) {
	t.Parallel()
	const always = 1000
	for rows := 1; rows <= 60; rows += 7 {
		for added := 1; added <= 8; added++ {
			for _, last := range []int{1, 2, 5, 20, always} { // request before which rows are added
				if last == always && (rows < 10 || added == 8) {
					continue
				}
				for readAhead := 1; readAhead*added <= 8; readAhead *= 4 {
					s := newServer(rows, 1)
					s.count = uncounted
					s.change = func(s *server, request, _ int) {
						if 0 < request && request <= last {
							s.addFirst(added)
						}
					}
					got, err := read(t.Context(), s.list(10, readAhead))
					if lost, doubled := s.losses(got); lost+doubled > 0 || err != nil {
						t.Errorf("%d rows, %d added before each of %d requests, read ahead %d: %d lost, %d doubled, error %v after %d requests",
							rows, added, last, readAhead, lost, doubled, err, s.requests)
					}
				}
			}
		}
	}
}
