package paging_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/orgusers/orgusers/internal/paging"
)

// If every row read before was removed, nothing shows that a list without a count is still the same: ErrIncomplete.
func TestRemovedRowsHideNoOthers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		position, rows int // removed before the fifth request, which would be at 36
	}{
		{"one before the window", 0, 1},
		{"the row before the window", 35, 1},
		{"the row that overlaps", 36, 1},
		{"the row after it", 37, 1},
		{"a page before the window", 5, 10},
		{"all rows that were read", 0, 37},
		{"all but one row that was read", 0, 36},
		{"the window", 36, 10},
		{"after the window", 60, 10},
		{"the end", 90, 10},
		{"all but the first page", 10, 90},
		{"all but one row", 1, 99},
		{"everything", 0, 100},
	}
	for _, test := range tests {
		for _, counted := range []bool{true, false} {
			for _, readAhead := range []int{1, 8} {
				t.Run(fmt.Sprint(test.name, ", counted ", counted, ", read ahead ", readAhead), func(t *testing.T) {
					t.Parallel()
					s := newServer(100, 1)
					if !counted {
						s.count = uncounted
					}
					s.change = func(s *server, request, _ int) {
						if request == 4 {
							s.remove(test.position, test.rows)
						}
					}
					rows, err := read(t.Context(), s.list(10, readAhead))
					if err != nil && (counted || test.position > 0 || test.rows < 36 || !errors.Is(err, paging.ErrIncomplete)) {
						t.Fatal(err)
					}
					if err != nil {
						return
					}
					if lost, doubled := s.losses(rows); lost+doubled > 0 {
						t.Errorf("%d rows lost, %d doubled", lost, doubled)
					}
				})
			}
		}
	}
}

// If rows with equal dates change places between two requests, one of them may be on no page.
func TestTiedRowsThatChangePlacesAreFound(t *testing.T) {
	t.Parallel()
	hide := func(s *server) { s.rows[8], s.rows[9], s.rows[10] = s.rows[10], s.rows[8], s.rows[9] } // from the page at 9
	tests := []struct {
		name   string
		change func(s *server, request, skip int)
		answer func(request, skip int, rows []row) ([]row, error)
		most   int // requests
	}{
		{"once", func(s *server, request, _ int) {
			if request == 1 {
				hide(s)
			}
		}, nil, 14},
		{"wherever the page at 9 is read", nil, func(_, skip int, rows []row) ([]row, error) {
			if skip == 9 {
				rows = slices.Delete(rows, 1, 2)
			}
			return rows, nil
		}, 15},
		{"behind a row that is removed, and others show it", func(s *server, request, _ int) {
			switch request {
			case 1:
				hide(s)
				s.remove(0, 1)
			case 4:
				s.rows[36], s.rows[37] = s.rows[37], s.rows[36] // the page starts with an unread row
			}
		}, nil, 55},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(100, 1)
			s.change, s.respond = test.change, test.answer
			rows, err := read(t.Context(), s.list(10, 1))
			if lost, doubled := s.losses(rows); lost+doubled > 0 || err != nil {
				t.Errorf("%d rows lost, %d doubled, error %v", lost, doubled, err)
			}
			if len(rows) == 0 || rows[len(rows)-1].key != "row10" {
				t.Errorf("the last row is %v, want row10: it was not hidden, and the test is void", rows[max(0, len(rows)-1):])
			}
			if s.requests > test.most {
				t.Errorf("%d requests, want %d at most", s.requests, test.most)
			}
		})
	}
}

func TestEndIsReadOnceMoreWhenTheCountChanged(t *testing.T) {
	t.Parallel()
	s := newServer(30, 1)
	s.change = func(s *server, request, _ int) {
		switch request {
		case 1:
			s.add(1)
		case 4:
			s.add(1) // after the page that ended the list
		}
	}
	rows, err := read(t.Context(), s.list(10, 1))
	if err != nil || !slices.Equal(rows, s.rows) {
		t.Errorf("%d rows, error %v, want 32", len(rows), err)
	}
	if want := []int{0, 9, 18, 27, 30}; !slices.Equal(s.skips, want) {
		t.Errorf("requests at %v, want %v", s.skips, want)
	}
}

// The budget allows for pages that get much smaller before the list is read again.
func TestSmallPagesOfASecondReading(t *testing.T) {
	t.Parallel()
	s := newServer(200, 1)
	s.change = func(s *server, request, _ int) {
		switch request {
		case 3:
			s.remove(190, 10)
		case 5:
			s.add(1) // the count has fallen and risen
		case 7:
			s.cap = 3
		}
	}
	rows, err := read(t.Context(), s.list(30, 1))
	if lost, doubled := s.losses(rows); lost+doubled > 0 || err != nil {
		t.Errorf("%d rows lost, %d doubled, error %v after %d requests", lost, doubled, err, s.requests)
	}
	if s.requests < 100 {
		t.Errorf("%d requests: the list was not read again", s.requests)
	}
}

// New rows at the start of a list push known rows to the pages behind.
func TestListThatGrowsAtItsStart(t *testing.T) {
	t.Parallel()
	for _, counted := range []bool{true, false} {
		s := newServer(100, 1)
		if !counted {
			s.count = uncounted
		}
		s.change = func(s *server, request, _ int) {
			if request > 0 && request < 20 {
				s.addFirst(3)
			}
		}
		rows, err := read(t.Context(), s.list(10, 1))
		if lost, doubled := s.losses(rows); lost+doubled > 0 || err != nil {
			t.Errorf("counted %t: %d rows lost, %d doubled, error %v", counted, lost, doubled, err)
		}
	}
}

// A page read ahead may be older than the page before it, and end before the group of tied rows that the page before cut:
// with rows that are known, or with one that is not there any more. It does not show that the group was read as a whole.
func TestOlderPageHidesNoTiedRow(t *testing.T) {
	t.Parallel()
	for removed := 1; removed <= 7; removed++ {
		for since := 8; since < 14; since++ { // request from which on rows are missing,
			for older := since + 1; older < since+4; older++ { // but not for this one
				for gone := 20 + removed%3; gone < 60; gone += 3 { // one of them is here
					s := newServer(0, 1)
					s.told, s.tied = true, 2
					s.add(120)
					s.start()
					all := slices.Clone(s.rows)
					s.remove(0, 20) // after the first request, so that pages overlap by half
					before := slices.Clone(s.rows)
					s.remove(gone, 1)
					s.remove(0, removed)
					after := slices.Clone(s.rows)
					s.remove(0, 1)
					for i := 0; i+1 < len(s.rows); i++ { // later requests show pairs of tied rows the other way round
						if s.rows[i].created == s.rows[i+1].created {
							s.rows[i], s.rows[i+1] = s.rows[i+1], s.rows[i]
							i++
						}
					}
					s.replica = func(request int) []row {
						switch {
						case request == 0:
							return all
						case request < since || request == older:
							return before
						case request < older:
							return after
						}
						return s.rows
					}
					rows, err := read(t.Context(), s.list(9, 8))
					if lost, doubled := s.losses(rows); lost+doubled > 0 || err != nil {
						t.Errorf("%d and %d removed before request %d, but after %d: %d rows lost, %d doubled, error %v",
							removed, gone, since, older, lost, doubled, err)
					}
				}
			}
		}
	}
}
