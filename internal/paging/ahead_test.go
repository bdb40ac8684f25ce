package paging_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers/internal/paging"
)

func slow(int) time.Duration { return 200 * time.Millisecond }

func TestReadAheadKeepsPagesInFlight(t *testing.T) {
	t.Parallel()
	const pageSize, pages = 100, 201 // one alone, and 200 at a stride of 99
	tests := []struct{ readAhead, rounds int }{{0, 201}, {1, 201}, {2, 101}, {8, 26}, {20, 11}, {1000, 2}}
	for _, test := range tests {
		t.Run(fmt.Sprint("read ahead ", test.readAhead), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newServer(pages*(pageSize-1), 1)
				s.latency = slow
				start := time.Now()
				rows, err := read(t.Context(), s.list(pageSize, test.readAhead))
				if err != nil || !slices.Equal(rows, s.rows) {
					t.Fatalf("%d rows, error %v, want all in their order", len(rows), err)
				}
				if took, want := time.Since(start), time.Duration(test.rounds)*200*time.Millisecond; took != want {
					t.Errorf("took %v, want %v", took, want)
				}
				if want := min(max(1, test.readAhead), pages-1); s.most != want {
					t.Errorf("%d requests at a time, want %d", s.most, want)
				}
				if s.requests != pages {
					t.Errorf("%d requests, want %d", s.requests, pages)
				}
			})
		})
	}
}

func TestReadAheadIsBoundedByASlowPage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(10_000, 1)
		s.latency = func(skip int) time.Duration {
			if skip == 2*99 {
				return time.Hour
			}
			return time.Millisecond
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			_, _ = read(ctx, s.list(100, 8)) // comes to its end by cancel
		}()
		time.Sleep(time.Minute) // fake time
		s.mu.Lock()
		defer s.mu.Unlock()
		if want := 2 + 8; s.requests != want {
			t.Errorf("%d requests while the third page is slow, want %d", s.requests, want)
		}
	})
}

// Without a count, at most three pages behind the end are requested.
func TestReadAheadWithoutCountIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(1000, 1)
		s.count = uncounted
		s.latency = slow
		rows, err := read(t.Context(), s.list(100, 20))
		if err != nil || len(rows) != 1000 {
			t.Fatalf("%d rows, error %v", len(rows), err)
		}
		if s.most != 4 {
			t.Errorf("%d requests at a time, want 4", s.most)
		}
		if s.requests > 11+1+3 {
			t.Errorf("%d requests, want 11, one for the end, and three for nothing", s.requests)
		}
	})
}

// A page that does not connect costs the pages read ahead, and reading goes on from the right place.
func TestReadAheadAfterAPageThatDoesNotConnect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(5000, 1)
		s.latency = slow
		s.change = func(s *server, request, _ int) {
			if request == 25 {
				s.remove(0, 10)
			}
		}
		rows, err := read(t.Context(), s.list(100, 8))
		if lost, doubled := s.losses(rows); lost+doubled > 0 || err != nil {
			t.Errorf("%d rows lost, %d doubled, error %v", lost, doubled, err)
		}
		if s.requests > 51+50+12 {
			t.Errorf("%d requests, want 25 for the first half, 50 for the second, and some for the change", s.requests)
		}
	})
}

// After one change, as many pages are in flight as before.
func TestReadAheadRecoversFromAChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(40_000, 1)
		s.latency = slow
		s.change = func(s *server, request, _ int) {
			if request == 25 {
				s.remove(0, 10)
			}
		}
		start := time.Now()
		rows, err := read(t.Context(), s.list(100, 8))
		if lost, doubled := s.losses(rows); lost+doubled > 0 || err != nil {
			t.Errorf("%d rows lost, %d doubled, error %v", lost, doubled, err)
		}
		rounds := float64(time.Since(start)) / float64(200*time.Millisecond)
		if ideal := 800.0 / 8; rounds > 1.1*ideal {
			t.Errorf("%.0f round trips for 800 pages, 8 at a time, want about %.0f", rounds, ideal)
		}
	})
}

// If a page read ahead cuts a group of tied rows larger than those before, one more page is read and none is dropped.
func TestReadAheadSurvivesALargerGroupOfTiedRows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(0, 1)
		s.told = true
		s.add(3000)
		for i := range s.rows {
			s.rows[i].created = i
		}
		for i := range 12 {
			s.rows[585+i].created = 585 // page 6 ends at 590
		}
		s.latency = slow
		start := time.Now()
		rows, err := read(t.Context(), s.list(100, 8))
		if len(rows) != 3000 || err != nil {
			t.Errorf("%d rows, error %v", len(rows), err)
		}
		// 30 pages of 98 and one for the group; behind those under way, some overlap by more.
		if s.requests > 34 {
			t.Errorf("%d requests, want 31 and few more", s.requests)
		}
		if rounds := time.Since(start) / (200 * time.Millisecond); rounds > 7 {
			t.Errorf("%d round trips, want six: the first page, four times eight, and one for the group", rounds)
		}
	})
}

// No page can hold an import larger than a page and a row on either side. If its rows keep their order while others are
// removed, they are read like other rows.
func TestReadAheadWithImportsThatLoseRows(t *testing.T) {
	t.Parallel()
	for _, size := range []int{95, 150, 250} {
		for seed := range uint64(3) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(0, seed)
				s.told = true
				s.add(3000)
				for i := range s.rows {
					s.rows[i].created = i
					if i%500 >= 100 && i%500 < 100+size {
						s.rows[i].created = i - i%500 + 100
					}
				}
				s.start()
				s.latency = slow
				s.change = func(s *server, request, _ int) {
					if request%4 == 3 {
						s.remove(s.random.IntN(len(s.rows)), 1)
					}
				}
				rows, err := read(t.Context(), s.list(100, 32))
				if lost, doubled := s.losses(rows); lost+doubled > 0 || err != nil {
					t.Errorf("groups of %d, seed %d: %d rows lost, %d doubled, error %v after %d requests", size, seed, lost, doubled, err, s.requests)
				}
			})
		}
	}
}

// Once rows were removed, pages overlap by half, and fewer are read ahead if that is not enough.
func TestReadAheadInVainIsBounded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		removed int // before every request
		most    int // requests
	}{
		{"some rows with every request", 2, 450},
		{"a third of a page with every request", 33, 800},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newServer(20_000, 1)
				s.latency = func(int) time.Duration { return time.Duration(190+s.random.IntN(20)) * time.Millisecond }
				s.change = func(s *server, _, _ int) { s.remove(0, test.removed) }
				rows, err := read(t.Context(), s.list(100, 20))
				if lost, doubled := s.losses(rows); lost+doubled > 0 || err != nil {
					t.Errorf("%d rows lost, %d doubled, error %v", lost, doubled, err)
				}
				if s.requests > test.most {
					t.Errorf("%d requests, want %d at most", s.requests, test.most)
				}
			})
		})
	}
}

// After two short pages in the middle, full pages are expected again.
func TestReadAheadAfterShortPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(1000, 1)
		s.count = uncounted
		s.latency = slow
		s.change = func(s *server, _, skip int) {
			s.cap = map[int]int{392: 10, 400: 20}[skip]
		}
		rows, err := read(t.Context(), s.list(100, 20))
		if err != nil || len(rows) != 1000 {
			t.Fatalf("%d rows, error %v", len(rows), err)
		}
		if s.requests > 25 {
			t.Errorf("%d requests, want twelve for the rows, one for the end, and a few that were read ahead for nothing", s.requests)
		}
	})
}

// In the tests below, synctest fails if a goroutine is left behind.

func TestLeavingTheRangeStopsWhatIsInFlight(t *testing.T) {
	t.Parallel()
	for _, readAhead := range []int{1, 8} {
		synctest.Test(t, func(t *testing.T) {
			s := newServer(1000, 1)
			s.latency = func(skip int) time.Duration {
				if skip > 9 {
					return time.Hour
				}
				return slow(skip)
			}
			start, rows := time.Now(), 0
			for _, err := range s.list(10, readAhead).All(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				if rows++; rows == 15 {
					break
				}
			}
			if s.flying != 0 {
				t.Errorf("%d requests still in flight", s.flying)
			}
			if took := time.Since(start); took != 400*time.Millisecond {
				t.Errorf("took %v: what was in flight was not cancelled", took)
			}
		})
	}
}

func TestPanicOfTheConsumerLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(1000, 1)
		s.latency = slow
		defer func() {
			if recover() != "enough" || s.flying != 0 {
				t.Errorf("%d requests still in flight", s.flying)
			}
		}()
		rows := 0
		for _, err := range s.list(10, 8).All(t.Context()) {
			if rows++; rows == 15 || err != nil {
				panic("enough")
			}
		}
	})
}

func TestPanicOfFetchReachesTheConsumer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		fail func()
		want string
	}{
		{"panic", func() { panic("broken") }, "broken"},
		{"end of the goroutine", runtime.Goexit, "paging: Fetch ended its goroutine"},
	}
	for _, test := range tests {
		for _, readAhead := range []int{1, 8} {
			t.Run(fmt.Sprint(test.name, ", read ahead ", readAhead), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := newServer(1000, 1)
					s.latency = slow
					list, rows := s.list(10, readAhead), 0
					list.Fetch = func(ctx context.Context, skip, limit int) (paging.Page[row], error) {
						if skip >= 45 {
							test.fail()
						}
						return s.fetch(ctx, skip, limit)
					}
					defer func() {
						if recovered := recover(); fmt.Sprint(recovered) != test.want || rows != 46 || s.flying != 0 {
							t.Errorf("recovered %v after %d rows, %d in flight, want %s after 46, none", recovered, rows, s.flying, test.want)
						}
					}()
					for _, err := range list.All(t.Context()) {
						if rows++; err != nil {
							t.Error(err)
						}
					}
				})
			})
		}
	}
}

func TestEndOfTheContextEndsTheList(t *testing.T) {
	t.Parallel()
	for _, readAhead := range []int{1, 8} {
		t.Run(fmt.Sprint("midway on a page, read ahead ", readAhead), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newServer(1000, 1)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				rows := 0
				var last error
				for _, err := range s.list(10, readAhead).All(ctx) {
					if last = err; err == nil {
						rows++
					}
					if rows == 15 {
						cancel()
					}
				}
				if rows != 15 || !errors.Is(last, context.Canceled) {
					t.Errorf("%d rows and error %v, want 15 and that of the context", rows, last)
				}
			})
		})
		t.Run(fmt.Sprint("while a page hangs, read ahead ", readAhead), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newServer(1000, 1)
				s.latency = func(skip int) time.Duration {
					if skip > 9 {
						return 24 * time.Hour
					}
					return 0
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				start := time.Now()
				rows, err := read(ctx, s.list(10, readAhead))
				if took := time.Since(start); took != time.Minute || len(rows) != 19 || !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%d rows and error %v after %v, want 19 and that of the context after a minute", len(rows), err, took)
				}
			})
		})
	}
}

// A transport may return its own error for a cancelled request. The error of the context is wrapped as well.
func TestEndOfTheContextIsReachableBehindTheErrorOfFetch(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	own := errors.New("request canceled")
	list := newServer(10, 1).list(10, 1)
	list.Fetch = func(context.Context, int, int) (paging.Page[row], error) {
		cancel()
		return paging.Page[row]{}, own
	}
	_, err := read(ctx, list)
	if !errors.Is(err, own) || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), own.Error()) {
		t.Errorf("error %v, want both", err)
	}
}
