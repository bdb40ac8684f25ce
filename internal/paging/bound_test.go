package paging_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/orgusers/orgusers/internal/paging"
)

// What is read ahead in vain is paid for as well.
func TestReadAheadOfWhatIsNotThereIsBounded(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(s *server){
		"the count is far too high": func(s *server) { s.count = func(int, int) int { return 1_000_000 } },
		"pages are empty":           func(s *server) { s.answer = func(int, int, []row) ([]row, error) { return nil, nil } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(250, 1)
			spoil(s)
			_, err := read(t.Context(), s.list(100, 32))
			t.Logf("%d requests", s.requests)
			if !errors.Is(err, paging.ErrIncomplete) || s.requests > 250 {
				t.Errorf("%d requests and the error %v, want 250 at the most and ErrIncomplete", s.requests, err)
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
			t.Errorf("%d added: %d rows and the error %v", test.added, len(rows), err)
		}
	}
}
