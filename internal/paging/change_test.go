package paging_test

import (
	"fmt"
	"slices"
	"testing"
)

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
					if err != nil {
						t.Fatal(err)
					}
					if lost, doubled := s.losses(rows); lost+doubled > 0 {
						t.Errorf("%d rows lost, %d doubled", lost, doubled)
					}
				})
			}
		}
	}
}

// Rows with equal dates may change places between two requests, and one of them then be on no page.
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
		}, 14},
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
			s.change, s.answer = test.change, test.answer
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

// New rows at the start of the list, as in a log that has the latest first, push known ones to the pages behind.
func TestListThatGrowsAtItsStart(t *testing.T) {
	t.Parallel()
	for _, counted := range []bool{true, false} {
		s := newServer(100, 1)
		if !counted {
			s.count = uncounted
		}
		s.change = func(s *server, request, _ int) {
			if request > 0 && request < 20 {
				s.add(3)
				end := len(s.rows) - 3
				s.rows = slices.Concat(s.rows[end:], s.rows[:end])
			}
		}
		rows, err := read(t.Context(), s.list(10, 1))
		if lost, doubled := s.losses(rows); lost+doubled > 0 || err != nil {
			t.Errorf("counted %t: %d rows lost, %d doubled, error %v", counted, lost, doubled, err)
		}
	}
}
