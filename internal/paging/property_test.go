package paging_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/orgusers/orgusers/internal/paging"
)

// A turnover says how a list changes while it is read.
type turnover struct {
	removed, added float64 // parts of the list, spread over its pages
	atStart        bool    // new rows come at the start of the list, not at its end
	resized        bool    // pages get smaller and larger again
	shuffle        bool    // tied rows change places with every request
	told           bool    // and the reader knows which rows are tied
	small          bool    // pages may be too small for all tied rows and one on either side
}

// turningOver draws a list of up to 400 rows that changes, and a page size to read it with.
func turningOver(t *rapid.T, shuffle, told bool) (s *server, pageSize int, c turnover) {
	part := rapid.SampledFrom([]float64{0, .1, .33})
	c = turnover{
		removed: part.Draw(t, "removed"),
		added:   part.Draw(t, "added"),
		atStart: !shuffle && rapid.Bool().Draw(t, "at the start"),
		resized: rapid.Bool().Draw(t, "resized"),
		shuffle: shuffle,
		told:    told,
		small:   shuffle && told && rapid.IntRange(0, 9).Draw(t, "small pages") == 0,
	}
	rows := rapid.IntRange(0, 400).Draw(t, "rows")
	pageSize = rapid.IntRange(3, 42).Draw(t, "page size")
	tied := rapid.IntRange(1, 4).Draw(t, "tied")
	rare := rapid.Bool().Draw(t, "few ties")
	seed := rapid.Uint64().Draw(t, "seed")

	if c.atStart { // a list that grows at its start by more than a page can show is never read to its end
		c.added = min(c.added, .1)
		pageSize = max(pageSize, 10)
	}
	s = newServer(0, seed)
	s.shuffle, s.told = c.shuffle, c.told
	least := 3 // rows on a page
	if c.atStart {
		least = 10
	}
	if c.shuffle && !c.small {
		least = tied + 2
		if rare {
			least = 8
		}
		pageSize = max(pageSize, least)
	}
	if !rare {
		s.tied = tied
	}
	s.add(rows)
	for i := range s.rows {
		if rare && i > 0 && s.random.IntN(25) == 0 {
			s.rows[i].created = s.rows[i-1].created
		}
	}
	s.start()
	if rapid.Bool().Draw(t, "small server") {
		s.cap = least + s.random.IntN(pageSize)
	}
	s.latency = unlike(seed)
	pages := float64(rows)/float64(pageSize-1) + 1
	s.change = func(s *server, _, skip int) {
		for n := c.removed * float64(rows) / pages; s.random.Float64() < n && float64(len(s.removed)) < c.removed*float64(rows); n-- {
			switch s.random.IntN(3) {
			case 0:
				s.remove(s.random.IntN(skip+1), 1) // before the page
			case 1:
				s.remove(skip+s.random.IntN(pageSize), 1) // on it
			default:
				s.remove(s.random.IntN(len(s.rows)+1), 1)
			}
		}
		for n := c.added * float64(rows) / pages; s.random.Float64() < n && float64(s.made-rows) < c.added*float64(rows); n-- {
			if c.atStart {
				s.addFirst(1)
			} else {
				s.add(1)
			}
		}
		if c.resized && s.random.Float64() < 1/pages {
			s.cap = max(least, pageSize*(1+s.random.IntN(4))/4)
		}
	}
	return s, pageSize, c
}

// unlike returns latencies up to 200 ms. No two responses come at the same time, so that the same list is always
// read in the same way.
func unlike(seed uint64) func(int) time.Duration {
	visits := make(map[int]uint64)
	return func(skip int) time.Duration {
		visits[skip]++
		h := (seed+uint64(skip)+1)*0x9e3779b97f4a7c15 ^ visits[skip]*0xbf58476d1ce4e5b9
		h ^= h >> 29
		h *= 0x94d049bb133111eb
		h ^= h >> 32
		return time.Millisecond + time.Duration(h%200_000_000)
	}
}

// inBubble reads a list in fake time. It fails if a goroutine is left.
func inBubble(t *testing.T, list paging.List[row]) (rows []row, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { rows, err = read(t.Context(), list) })
	return rows, err
}

func TestListsThatChange(t *testing.T) {
	t.Parallel()
	for _, counted := range []bool{true, false} {
		for _, order := range []string{"in order", "ties", "ties that the reader does not know"} {
			t.Run(fmt.Sprint(order, ", counted ", counted), func(t *testing.T) {
				t.Parallel()
				rapid.Check(t, func(rt *rapid.T) {
					s, pageSize, c := turningOver(rt, order != "in order", order == "ties")
					if !counted {
						s.count = uncounted
					}
					readAhead := rapid.SampledFrom([]int{1, 2, 8, 20}).Draw(rt, "read ahead")
					rows, err := inBubble(t, s.list(pageSize, readAhead))
					lost, doubled := s.losses(rows)

					ordered := !c.shuffle || c.told && !c.small
					// Without a count, nothing shows that a list is the same if no row read before is left in it,
					// or if more rows than a page holds came at its start between two requests.
					strange := !counted && (c.atStart && c.added > 0 || !slices.ContainsFunc(rows, func(r row) bool { return !s.removed[r.key] }))
					switch {
					case doubled > 0:
						rt.Errorf("%d rows doubled", doubled)
					case err != nil && (!errors.Is(err, paging.ErrIncomplete) || ordered && !strange):
						rt.Errorf("error %v", err)
					case err == nil && lost > 0 && (ordered || counted && c.removed == 0 && !c.small):
						rt.Errorf("%d rows lost, and no error", lost)
					case s.most > readAhead:
						rt.Errorf("%d requests at a time", s.most)
					}
				})
			})
		}
	}
}

// Whatever a server does, no row comes twice and the list ends. A list that only loses and gains rows, and comes to
// rest, is complete.
func serverOfAnyKind(t *testing.T) func(*rapid.T) {
	t.Helper()
	return func(rt *rapid.T) {
		s := newServer(rapid.IntRange(0, 255).Draw(rt, "rows"), 1)
		if rapid.Bool().Draw(rt, "no count") {
			s.count = uncounted
		}
		s.latency = unlike(rapid.Uint64().Draw(rt, "seed"))
		script := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) [2]int {
			return [2]int{rapid.IntRange(0, 8).Draw(t, "action"), rapid.IntRange(0, 31).Draw(t, "argument")}
		}), 0, 60).Draw(rt, "script")
		step := func(request int) (action, argument int) {
			if request >= len(script) {
				return -1, 0
			}
			return script[request][0], script[request][1]
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
			case 5:
				s.addFirst(argument / 4)
			}
		}
		mistaken := false
		s.respond = func(request, _ int, rows []row) ([]row, error) {
			action, argument := step(request)
			mistaken = mistaken || action > 5
			switch action {
			case 6:
				return nil, nil
			case 7:
				return s.rows[:min(argument, len(s.rows))], nil
			case 8:
				return rows[:min(argument, len(rows))], nil
			}
			return rows, nil
		}
		rows, err := inBubble(t, s.list(rapid.IntRange(3, 66).Draw(rt, "page size"), rapid.IntRange(1, 24).Draw(rt, "read ahead")))
		lost, doubled := s.losses(rows)
		if doubled > 0 || err != nil && !errors.Is(err, paging.ErrIncomplete) {
			rt.Errorf("%d rows doubled, error %v", doubled, err)
		}
		if !mistaken && err == nil && lost > 0 {
			rt.Errorf("%d rows lost, and no error", lost)
		}
		if resting := s.requests > len(script)+32; !mistaken && err != nil && resting && s.count == nil {
			rt.Errorf("error %v, although the list has come to rest", err)
		}
		if s.requests > 200+20*s.made {
			rt.Errorf("%d requests for %d rows", s.requests, s.made)
		}
	}
}

func TestServersOfAnyKind(t *testing.T) {
	t.Parallel()
	rapid.Check(t, serverOfAnyKind(t))
}

func FuzzListsThatChange(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) { rapid.MakeFuzz(serverOfAnyKind(t))(t, data) })
}

// BenchmarkWalk measures the walk itself: the server responds from memory.
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
