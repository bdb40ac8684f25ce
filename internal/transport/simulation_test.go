package transport

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A limited server counts requests in seconds of its own clock and refuses those
// beyond its limit. It is a model: requests take no time but the latency.
type limited struct {
	limit   int
	phase   time.Duration // of its second
	latency time.Duration // of a round trip
	jitter  time.Duration // at most, on top, each way
	headers bool

	mu      sync.Mutex
	second  int64
	used    int
	served  int
	refused int
}

func (s *limited) count() (status int, header http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if second := time.Now().Add(s.phase).Unix(); second != s.second {
		s.second, s.used = second, 0
	}
	status = http.StatusOK
	if s.used < s.limit {
		s.used++
		s.served++
	} else {
		s.refused++
		status = http.StatusTooManyRequests
	}
	if s.headers {
		header = http.Header{
			"X-Ratelimit-Limit":     {strconv.Itoa(s.limit)},
			"X-Ratelimit-Remaining": {strconv.Itoa(s.limit - s.used)},
		}
	}
	return status, header
}

// send makes one request through a budget, again and again until it is served.
func (s *limited) send(ctx context.Context, b *budget) (refused int) {
	for {
		sent, err := b.wait(ctx)
		if err != nil {
			panic(err)
		}
		time.Sleep(s.way()) // fake time
		status, header := s.count()
		time.Sleep(s.way()) // fake time
		b.observe(sent, status, header, time.Minute)
		if status == http.StatusOK {
			return refused
		}
		refused++
	}
}

func (s *limited) way() time.Duration {
	return s.latency/2 + rand.N(s.jitter+1)
}

// list reads the pages of a list as internal/paging does: the first one alone,
// then up to 32 at a time. It returns how many requests were refused.
func (s *limited) list(ctx context.Context, b *budget, pages int) (refused int) {
	ctx = WithQueue(ctx)
	const flight = 32
	refused = s.send(ctx, b)
	done := make([]chan int, pages)
	for next := 1; next < pages+flight; next++ {
		if next < pages {
			done[next] = make(chan int, 1)
			begun := make(chan struct{})
			go func() {
				close(begun)
				done[next] <- s.send(ctx, b)
			}()
			<-begun
		}
		if page := next - flight + 1; page >= 1 && page < pages {
			refused += <-done[page]
		}
	}
	return refused
}

// BenchmarkPacing reports how lists fare, in fake time: how long they take, as a
// part of what the pages take at the rate that others leave, and how many of the
// requests are refused. Its numbers are means over the phases of the server's
// second.
func BenchmarkPacing(b *testing.B) {
	for _, limit := range []int{10, 50, 100} {
		for _, way := range []struct {
			latency, jitter time.Duration
			headers         bool
		}{{50 * ms, 0, false}, {200 * ms, 0, false}, {200 * ms, 25 * ms, false}, {50 * ms, 0, true}} {
			for _, c := range []struct {
				name           string
				clients, pages int
				others         float64 // their part of the limit
			}{
				{"alone", 1, 200, 0},
				{"half a second", 1, limit / 2, 0},
				{"half a second beside half", 1, limit/2 - 1, 0.5},
				{"beside a third", 1, 200, 1.0 / 3},
				{"beside half", 1, 200, 0.5},
				{"two together", 2, 200, 0},
				{"four together", 4, 200, 0},
			} {
				b.Run(fmt.Sprintf("%d per s/%v+%v/headers=%v/%s", limit, way.latency, way.jitter, way.headers, c.name), func(b *testing.B) {
					const phases = 8
					var took, refused float64
					for b.Loop() {
						took, refused = 0, 0
						for phase := range phases {
							inBubble(b, func() {
								server := &limited{limit: limit, latency: way.latency, jitter: way.jitter, headers: way.headers}
								server.phase = time.Duration(phase) * time.Second / phases
								t, r := server.race(c.clients, c.pages, c.others*float64(limit))
								took += t.Seconds() / phases
								refused += float64(r) / phases
							})
						}
					}
					sent := float64(c.clients * c.pages)
					b.ReportMetric(took, "s")
					b.ReportMetric(took*float64(limit)*(1-c.others)/sent, "of-pages/rate")
					b.ReportMetric(100*refused/(sent+refused), "%refused")
					b.ReportMetric(0, "ns/op")
				})
			}
		}
	}
}

// race lists pages with several clients at once, beside another one that sends
// so many requests per second whatever comes back.
func (s *limited) race(clients, pages int, other float64) (took time.Duration, refused int) {
	ctx, cancel := context.WithCancel(context.Background())
	var others, own sync.WaitGroup
	if other > 0 {
		others.Go(func() {
			for ctx.Err() == nil {
				s.count()
				time.Sleep(time.Duration(float64(time.Second) / other)) // fake time
			}
		})
		time.Sleep(2 * time.Second) // fake time
	}
	began := time.Now()
	var all atomic.Int64
	for range clients {
		own.Go(func() {
			all.Add(int64(s.list(ctx, newBudget(float64(s.limit), 1, nil), pages)))
		})
	}
	own.Wait()
	took = time.Since(began)
	cancel()
	others.Wait()
	return took, int(all.Load())
}

// inBubble runs a function of a benchmark in a bubble of fake time, which
// testing/synctest makes for tests only.
func inBubble(b *testing.B, f func()) {
	b.Helper()
	test := testing.InternalTest{Name: b.Name(), F: func(t *testing.T) { synctest.Test(t, func(*testing.T) { f() }) }}
	if !testing.RunTests(func(_, _ string) (bool, error) { return true, nil }, []testing.InternalTest{test}) {
		b.Fatal("the simulation failed")
	}
}
