package paging_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers/internal/paging"
)

var seeds = flag.Int("seeds", 30, "lists to read for each line of TestListsThatChange")

// A churn is how a list changes while it is read.
type churn struct {
	removed, added float64 // parts of the list, spread over its pages
	shrink         bool    // pages get smaller, and larger again
	uncounted      bool
	shuffle        bool // tied rows change places with every request
	hidden         bool // and the walk is not told which rows are tied
	rare           bool // few rows are
	small          bool // pages may be too small for a group of tied rows, and one before and behind it
}

// churned makes a list of up to 400 rows that changes, and a page size to read it with.
func churned(seed uint64, c churn) (s *server, pageSize int) {
	s = newServer(0, seed)
	rows := s.random.IntN(400)
	pageSize = 3 + s.random.IntN(40)
	s.tied = 1 + s.random.IntN(4)
	s.told = !c.hidden
	least := 3 // rows on a page
	if c.rare {
		s.tied = 1
	}
	if c.shuffle && !c.small {
		least = s.tied + 2
		if c.rare {
			least = 8
		}
		pageSize = max(pageSize, least)
	}
	s.add(rows)
	if c.rare {
		for i := range s.rows {
			if s.rows[i].created = i; i > 0 && s.random.IntN(25) == 0 {
				s.rows[i].created = s.rows[i-1].created
			}
		}
	}
	for _, r := range s.rows {
		s.first[r.key] = true
	}
	s.shuffle = c.shuffle
	if s.random.IntN(3) == 0 {
		s.cap = least + s.random.IntN(pageSize)
	}
	if c.uncounted {
		s.count = uncounted
	}
	s.latency = func() time.Duration { return time.Duration(1+s.random.IntN(200)) * time.Millisecond }
	pages := float64(rows)/float64(pageSize-1) + 1
	s.change = func(s *server, _, skip int) {
		for n := c.removed * float64(rows) / pages; s.random.Float64() < n && float64(len(s.removed)) < c.removed*float64(rows); n-- {
			switch s.random.IntN(3) {
			case 0:
				s.remove(s.random.IntN(skip+1), 1) // before the window
			case 1:
				s.remove(skip+s.random.IntN(pageSize), 1) // in it
			default:
				s.remove(s.random.IntN(len(s.rows)+1), 1)
			}
		}
		for n := c.added * float64(rows) / pages; s.random.Float64() < n && float64(s.made-rows) < c.added*float64(rows); n-- {
			s.add(1)
		}
		if c.shrink && s.random.Float64() < 1/pages {
			s.cap = max(least, pageSize*(1+s.random.IntN(4))/4)
		}
	}
	return s, pageSize
}

func TestListsThatChange(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		churn     churn
		forgiving bool // the order is not kept: ErrIncomplete is right now and then, never a row too few
		lossy     bool // and with rows removed meanwhile, no count can tell that a row was never seen
	}{
		{name: "stable", churn: churn{}},
		{name: "removed", churn: churn{removed: .1}},
		{name: "added", churn: churn{added: .1}},
		{name: "removed and added", churn: churn{removed: .1, added: .1}},
		{name: "a third removed and added", churn: churn{removed: .33, added: .33}},
		{name: "page size", churn: churn{removed: .1, added: .1, shrink: true}},
		{name: "no count", churn: churn{uncounted: true}},
		{name: "no count, removed and added", churn: churn{removed: .1, added: .1, uncounted: true}},
		{name: "no count, page size", churn: churn{removed: .1, added: .1, shrink: true, uncounted: true}},
		{name: "ties", churn: churn{shuffle: true}},
		{name: "ties, added", churn: churn{added: .1, shuffle: true}},
		{name: "ties, removed and added", churn: churn{removed: .1, added: .1, shuffle: true}},
		{name: "ties, a third removed and added", churn: churn{removed: .33, added: .33, shuffle: true}},
		{name: "ties, page size", churn: churn{removed: .1, added: .1, shrink: true, shuffle: true}},
		{name: "ties, no count", churn: churn{shuffle: true, uncounted: true}},
		{name: "ties, no count, removed and added", churn: churn{removed: .1, added: .1, shuffle: true, uncounted: true}},
		{name: "few ties, removed and added", churn: churn{removed: .1, added: .1, shuffle: true, rare: true}},
		{name: "ties, small pages", churn: churn{removed: .1, added: .1, shuffle: true, small: true}, forgiving: true, lossy: true},
		{name: "hidden ties", churn: churn{shuffle: true, hidden: true}, forgiving: true},
		{name: "hidden ties, added", churn: churn{added: .1, shuffle: true, hidden: true}, forgiving: true},
		{name: "hidden ties, removed and added", churn: churn{removed: .1, added: .1, shuffle: true, hidden: true}, forgiving: true, lossy: true},
		{name: "hidden ties, no count", churn: churn{shuffle: true, uncounted: true, hidden: true}, forgiving: true, lossy: true},
	}
	for _, test := range tests {
		for _, readAhead := range []int{1, 2, 8, 20} {
			t.Run(fmt.Sprint(test.name, ", read ahead ", readAhead), func(t *testing.T) {
				t.Parallel()
				var requests, failed, lossy, allLost int
				for seed := range *seeds {
					synctest.Test(t, func(t *testing.T) { // which also sees that no goroutine is left
						s, pageSize := churned(uint64(seed), test.churn)
						rows, err := read(t.Context(), s.list(pageSize, readAhead))
						lost, doubled := s.losses(rows)
						requests += s.requests
						switch {
						case err != nil && (!test.forgiving || !errors.Is(err, paging.ErrIncomplete)):
							t.Errorf("seed %d: %v", seed, err)
						case err != nil:
							failed++
						case lost > 0 && !test.lossy:
							t.Errorf("seed %d: %d rows lost, and no error", seed, lost)
						case lost > 0:
							lossy++
							allLost += lost
						}
						if doubled > 0 {
							t.Errorf("seed %d: %d rows doubled", seed, doubled)
						}
						if s.most > readAhead+readAhead/2 {
							t.Errorf("seed %d: %d requests at a time", seed, s.most)
						}
					})
				}
				t.Logf("%d lists, %d requests, %d incomplete, %d rows lost in %d lists", *seeds, requests, failed, allLost, lossy)
			})
		}
	}
}

// FuzzListsThatChange drives the list, its changes and the server's mistakes
// from bytes. Whatever they are, no row comes twice and every walk ends; a list
// that only loses and gains rows, and comes to rest, is complete.
func FuzzListsThatChange(f *testing.F) {
	f.Add(uint8(30), uint8(10), uint8(0), []byte{})
	f.Add(uint8(200), uint8(10), uint8(8), []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Add(uint8(90), uint8(7), uint8(3), []byte{3, 35, 67, 99, 131, 163, 195, 227})
	f.Add(uint8(90), uint8(7), uint8(131), []byte{4, 36, 5, 37, 6, 38, 7, 39})
	f.Fuzz(func(t *testing.T, size, pageSize, mode uint8, script []byte) {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(int(size), 1)
			if mode >= 128 {
				s.count = uncounted
			}
			s.latency = func() time.Duration { return time.Duration(1+s.random.IntN(50)) * time.Millisecond }
			mistaken := false
			step := func(request int) (action, argument int) {
				if request >= len(script) {
					return -1, 0
				}
				return int(script[request] % 8), int(script[request] / 8)
			}
			s.change = func(s *server, request, skip int) {
				switch action, argument := step(request); action {
				case 0:
					s.add(argument)
				case 1:
					s.remove(skip-argument, argument/2)
				case 2:
					s.remove(skip+argument, 1+argument/4)
				case 3:
					s.remove(len(s.rows)-argument, argument)
				case 4:
					s.cap = 3 + argument
				}
			}
			s.answer = func(request, _ int, rows []row) ([]row, error) {
				switch action, argument := step(request); action {
				case 5:
					mistaken = true
					return nil, nil
				case 6:
					mistaken = true
					return s.rows[:min(argument, len(s.rows))], nil
				case 7:
					mistaken = true
					return rows[:min(argument, len(rows))], nil
				}
				return rows, nil
			}
			rows, err := read(t.Context(), s.list(3+int(pageSize%64), 1+int(mode%24)))
			lost, doubled := s.losses(rows)
			if doubled > 0 {
				t.Errorf("%d rows doubled", doubled)
			}
			// A list that changes with every request may be given up, after 32 that brought no further.
			restless := s.requests <= len(script)+32
			if !mistaken && (err == nil && lost > 0 || err != nil && !restless) {
				t.Errorf("%d rows lost, error %v", lost, err)
			}
			if err != nil && !errors.Is(err, paging.ErrIncomplete) {
				t.Error(err)
			}
			if s.requests > 200+20*s.made {
				t.Errorf("%d requests for %d rows", s.requests, s.made)
			}
		})
	})
}

// BenchmarkWalk is what the walk itself costs: the server answers from memory.
func BenchmarkWalk(b *testing.B) {
	for _, readAhead := range []int{1, 8} {
		b.Run(fmt.Sprint("read ahead ", readAhead), func(b *testing.B) {
			const size, pageSize = 10_000, 100
			s := newServer(size, 1)
			list := s.list(pageSize, readAhead)
			list.Fetch = func(_ context.Context, skip, limit int) (paging.Page[row], error) {
				return paging.Page[row]{Rows: s.rows[min(skip, size):min(skip+limit, size)], Count: size}, nil
			}
			b.ReportAllocs()
			for b.Loop() {
				for _, err := range list.All(b.Context()) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/size, "ns/row")
		})
	}
}
