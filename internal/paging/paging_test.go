package paging_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/orgusers/orgusers/internal/paging"
)

func TestStableListCostsTheFewestRequests(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		rows      int
		pageSize  int
		cap       int
		uncounted bool
		want      []int // offsets
	}{
		{"empty", 0, 10, 0, false, []int{0}},
		{"one row", 1, 10, 0, false, []int{0}},
		{"small", 9, 10, 0, false, []int{0}},
		{"a full page is followed by one more", 10, 10, 0, false, []int{0, 9}},
		{"a row on the second page", 11, 10, 0, false, []int{0, 9}},
		{"the last page is short", 27, 10, 0, false, []int{0, 9, 18}},
		{"the last page is full", 28, 10, 0, false, []int{0, 9, 18, 27}},
		{"the server keeps smaller pages", 20, 100, 8, false, []int{0, 7, 14}},
		{"pages of two rows", 4, 2, 0, false, []int{0, 1, 2, 3}},
		{"the server keeps pages of two rows", 4, 100, 2, false, []int{0, 1, 2, 3}},
		{"no count: empty", 0, 10, 0, true, []int{0}},
		{"no count: one row", 1, 10, 0, true, []int{0, 1}},
		{"no count: two rows", 2, 10, 0, true, []int{0, 1}},
		{"no count: small", 9, 10, 0, true, []int{0, 7}},
		{"no count: full page", 10, 10, 0, true, []int{0, 8, 9}},
		{"no count: three pages", 25, 10, 0, true, []int{0, 8, 16, 23}},
		{"no count: the last page is full", 18, 10, 0, true, []int{0, 8, 16, 17}},
		{"no count: the server keeps smaller pages", 21, 100, 8, true, []int{0, 6, 12, 18, 19}},
		{"no count: the server keeps pages of two rows", 4, 100, 2, true, []int{0, 1, 2, 2, 3}},
	}
	for _, test := range tests {
		for _, readAhead := range []int{0, 1, 20} {
			if test.uncounted && readAhead > 1 {
				continue // pages behind the end are read ahead, see TestReadAheadWithoutCountIsBounded
			}
			t.Run(fmt.Sprint(test.name, ", read ahead ", readAhead), func(t *testing.T) {
				t.Parallel()
				s := newServer(test.rows, 1)
				s.cap = test.cap
				if test.uncounted {
					s.count = uncounted
				}
				rows, err := read(t.Context(), s.list(test.pageSize, readAhead))
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(rows, s.rows) {
					t.Errorf("rows = %v, want all rows in the order of the list", rows)
				}
				slices.Sort(s.skips) // with read-ahead, they arrive in any order
				if !slices.Equal(s.skips, test.want) {
					t.Errorf("requests at %v, want %v", s.skips, test.want)
				}
			})
		}
	}
}

func TestMisbehavingServers(t *testing.T) {
	t.Parallel()
	onceAt := func(request int, instead []row) func(int, int, []row) ([]row, error) {
		return func(r, _ int, rows []row) ([]row, error) {
			if r == request {
				return instead, nil
			}
			return rows, nil
		}
	}
	always := func(count int) func(int, int) int { return func(int, int) int { return count } }
	tests := []struct {
		name     string
		spoil    func(s *server)
		complete bool
	}{
		{"ignores skip", func(s *server) { s.respond = func(int, int, []row) ([]row, error) { return s.rows[:10], nil } }, false},
		{"ignores skip, no count", func(s *server) {
			s.count = uncounted
			s.respond = func(int, int, []row) ([]row, error) { return s.rows[:10], nil }
		}, false},
		{"ignores skip beyond a page", func(s *server) {
			s.respond = func(_, skip int, rows []row) ([]row, error) {
				if skip > 50 {
					return s.rows[50:60], nil
				}
				return rows, nil
			}
		}, false},
		{"shows its first page once more", func(s *server) { s.respond = onceAt(4, s.rows[:10]) }, true},
		{"shows its first page once more, no count", func(s *server) { s.count = uncounted; s.respond = onceAt(4, s.rows[:10]) }, true},
		{"pages of one row", func(s *server) { s.cap = 1 }, false},
		{"pages of one row, no count", func(s *server) { s.cap = 1; s.count = uncounted }, false},
		{"comes to pages of one row", func(s *server) { s.change = func(s *server, r, _ int) { s.cap = 10 - 9*min(1, r/4) } }, false},
		{"comes to pages of one row, no count", func(s *server) {
			s.count = uncounted
			s.change = func(s *server, r, _ int) { s.cap = 10 - 9*min(1, r/4) }
		}, false},
		{"comes to pages of three rows", func(s *server) { s.change = func(s *server, r, _ int) { s.cap = 10 - 7*min(1, r/4) } }, true},
		{"comes to pages of three rows, no count", func(s *server) {
			s.count = uncounted
			s.change = func(s *server, r, _ int) { s.cap = 10 - 7*min(1, r/4) }
		}, true},
		{"first page empty", func(s *server) { s.respond = onceAt(0, nil) }, true},
		{"all pages empty", func(s *server) { s.respond = func(int, int, []row) ([]row, error) { return nil, nil } }, false},
		{"an empty page once", func(s *server) { s.respond = onceAt(4, nil) }, true},
		{"an empty page once, no count", func(s *server) { s.count = uncounted; s.respond = onceAt(4, nil) }, true},
		{"an empty page in the middle", func(s *server) {
			s.respond = func(_, skip int, rows []row) ([]row, error) {
				if 40 < skip && skip < 60 {
					return nil, nil
				}
				return rows, nil
			}
		}, false},
		{"a row is on no page", func(s *server) {
			s.respond = func(_, _ int, rows []row) ([]row, error) {
				return slices.DeleteFunc(rows, func(r row) bool { return r == s.rows[44] }), nil
			}
		}, false},
		{"two rows with one key", func(s *server) { s.rows[44] = s.rows[3] }, false},
		{"a row without a key", func(s *server) { s.rows[44].key = "" }, false},
		{"counts one too many", func(s *server) { s.count = always(101) }, false},
		{"counts far too many", func(s *server) { s.count = always(1_000_000_000) }, false},
		{"counts one too few", func(s *server) { s.count = always(99) }, true},
		{"counts half", func(s *server) { s.count = always(50) }, true},
		{"counts to where a page ends", func(s *server) { s.count = always(91) }, true},
		{"counts nothing", func(s *server) { s.count = always(0) }, true},
		{"counts below nothing", func(s *server) { s.count = always(-7) }, true},
		{"counts the rows of the page", func(s *server) { s.count = func(_, rows int) int { return rows } }, true},
		{"counts what is left", func(s *server) { s.count = func(int, int) int { return 100 - s.skips[len(s.skips)-1] } }, true},
		{"stops counting", func(s *server) {
			s.count = func(total, _ int) int {
				if s.requests > 3 {
					return -1
				}
				return total
			}
		}, true},
	}
	for _, test := range tests {
		for _, readAhead := range []int{1, 8} {
			t.Run(fmt.Sprint(test.name, ", read ahead ", readAhead), func(t *testing.T) {
				t.Parallel()
				s := newServer(100, 1)
				want := slices.Clone(s.rows)
				test.spoil(s)
				rows, err := read(t.Context(), s.list(10, readAhead))
				switch {
				case !test.complete && !errors.Is(err, paging.ErrIncomplete):
					t.Errorf("%d rows and error %v, want ErrIncomplete", len(rows), err)
				case test.complete && err != nil:
					t.Errorf("error %v after %d rows, want none", err, len(rows))
				case test.complete && !slices.Equal(rows, want):
					t.Errorf("%d rows, want all in their order", len(rows))
				}
				if _, doubled := s.losses(rows); doubled > 0 {
					t.Errorf("%d rows twice", doubled)
				}
				if s.requests > 120 {
					t.Errorf("%d requests for ten pages", s.requests)
				}
			})
		}
	}
}

func TestServersThatLeadNowhereAreGivenUpSoon(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		spoil func(s *server)
		most  int // requests
	}{
		{"pages of one row", func(s *server) { s.cap = 1 }, 1},
		{"offsets beyond 500 are ignored", func(s *server) {
			s.respond = func(_, skip int, rows []row) ([]row, error) {
				if skip > 500 {
					return s.rows[500:510], nil
				}
				return rows, nil
			}
		}, 56 + 40},
		{"every page twice, and then the one before it", func(s *server) {
			s.respond = func(request, _ int, _ []row) ([]row, error) { return s.rows[request/2%2 : 2+request/2%2], nil }
		}, 100},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(100_000, 1)
			test.spoil(s)
			if _, err := read(t.Context(), s.list(10, 1)); !errors.Is(err, paging.ErrIncomplete) {
				t.Errorf("error %v, want ErrIncomplete", err)
			}
			if s.requests > test.most {
				t.Errorf("%d requests, want %d at most", s.requests, test.most)
			}
		})
	}
}

// Pages read ahead in vain count against the budget.
func TestReadAheadOfWhatIsNotThereIsBounded(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(s *server){
		"the count is far too high": func(s *server) { s.count = func(int, int) int { return 1_000_000 } },
		"pages are empty":           func(s *server) { s.respond = func(int, int, []row) ([]row, error) { return nil, nil } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(250, 1)
			spoil(s)
			_, err := read(t.Context(), s.list(100, 32))
			if !errors.Is(err, paging.ErrIncomplete) || s.requests > 95 {
				t.Errorf("%d requests and error %v, want 95 at most and ErrIncomplete", s.requests, err)
			}
		})
	}
}

func TestListThatGrowsAsFastAsItIsRead(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		added int
		ends  bool
	}{{50, true}, {100, false}} {
		s := newServer(1000, 1)
		s.change = func(s *server, _, _ int) { s.add(test.added) }
		rows, err := read(t.Context(), s.list(100, 8))
		if lost, doubled := s.losses(rows); lost+doubled > 0 {
			t.Errorf("%d added: %d rows lost, %d doubled", test.added, lost, doubled)
		}
		if test.ends && err != nil || !test.ends && (!errors.Is(err, paging.ErrIncomplete) || !strings.Contains(err.Error(), "grows as fast")) {
			t.Errorf("%d added: %d rows and error %v", test.added, len(rows), err)
		}
	}
}

func TestErrorOfAPageComesAfterTheRowsBeforeIt(t *testing.T) {
	t.Parallel()
	for _, readAhead := range []int{1, 8} {
		broken := errors.New("bad gateway")
		s := newServer(100, 1)
		s.respond = func(_, skip int, rows []row) ([]row, error) {
			if skip >= 45 {
				return nil, broken
			}
			return rows, nil
		}
		rows, err := read(t.Context(), s.list(10, readAhead))
		if err != broken { //nolint:errorlint // the documentation says: as it is
			t.Errorf("error %v, want that of Fetch as it is", err)
		}
		if !slices.Equal(rows, s.rows[:46]) {
			t.Errorf("%d rows before the error, want 46", len(rows))
		}
	}
}

func TestRangedTwiceReadsTheListTwice(t *testing.T) {
	t.Parallel()
	s := newServer(100, 1)
	all := s.list(10, 8).All(t.Context())
	for range 2 {
		var rows []row
		for r, err := range all {
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, r)
		}
		if !slices.Equal(rows, s.rows) {
			t.Errorf("%d rows, want 100", len(rows))
		}
		s.add(1)
	}
}

func TestNothingIsRequestedBeforeTheRange(t *testing.T) {
	t.Parallel()
	s := newServer(100, 1)
	_ = s.list(10, 8).All(t.Context())
	if s.requests != 0 {
		t.Errorf("%d requests, want none", s.requests)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := read(ended, s.list(10, 8)); !errors.Is(err, context.Canceled) || s.requests != 0 {
		t.Errorf("%d requests and error %v with an ended context, want none and its error", s.requests, err)
	}
}

func TestPagesThatCannotOverlapAreRefused(t *testing.T) {
	t.Parallel()
	for _, size := range []int{-1, 0, 1} {
		s := newServer(100, 1)
		if _, err := read(t.Context(), s.list(size, 1)); err == nil || s.requests != 0 {
			t.Errorf("page size %d: %d requests and error %v, want none and an error", size, s.requests, err)
		}
	}
}

func TestIncompleteSaysWhatWasSeenAndNoKeys(t *testing.T) {
	t.Parallel()
	s := newServer(100, 1)
	s.count = func(int, int) int { return 200 }
	_, err := read(t.Context(), s.list(100, 1))
	const want = "the list could not be read completely: read 100 of 200 rows in 33 requests: the last 32 requests made " +
		"no progress; try again"
	if err == nil || err.Error() != want {
		t.Errorf("error\n%v\nwant\n%s", err, want)
	}
}
