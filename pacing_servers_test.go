package orgusers_test

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
)

// counting is a server that refuses nothing below its limit, and counts in a
// way of its own: used is how many requests its headers tell of.
type counting struct {
	limit int
	used  func(before []time.Time, n int) int

	mu   sync.Mutex
	sent []time.Time
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(50 * ms) // fake time
	c.mu.Lock()
	c.sent = append(c.sent, time.Now())
	remaining := c.limit - c.used(c.sent, len(c.sent))
	c.mu.Unlock()
	time.Sleep(50 * ms) // fake time
	return body(http.StatusOK, `{"organization":{"uid":"blt1"}}`,
		"X-RateLimit-Limit", strconv.Itoa(c.limit), "X-RateLimit-Remaining", strconv.Itoa(max(0, remaining)))(r)
}

// since counts the requests that are not older than d.
func since(d time.Duration, sent []time.Time) int {
	n := 0
	for i := len(sent) - 1; i >= 0 && time.Since(sent[i]) < d; i-- {
		n++
	}
	return n
}

// A client alone is not slowed down for long by what it takes for others on a
// server whose Remaining is not about one second of its clock.
func TestPacingOnOddServers(t *testing.T) {
	t.Parallel()
	servers := map[string]func(sent []time.Time, n int) int{
		"the last second, not the current one": func(sent []time.Time, _ int) int { return since(time.Second, sent) },
		"three nodes": func(sent []time.Time, n int) int {
			return since(time.Duration(time.Now().Nanosecond())+1, sent)/3 + n%3
		},
		"before this request": func(sent []time.Time, _ int) int { return since(time.Duration(time.Now().Nanosecond())+1, sent) - 1 },
		"nothing":             func([]time.Time, int) int { return 0 },
		"always the same":     func([]time.Time, int) int { return 5 },
	}
	for name, used := range servers {
		for _, limit := range []int{10, 100} {
			t.Run(fmt.Sprint(name, ", ", limit), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					server := &counting{limit: limit, used: used}
					client, err := orgusers.New("blt1", orgusers.WithAuthToken(token), orgusers.WithHTTPClient(&http.Client{Transport: server}))
					if err != nil {
						t.Fatal(err)
					}
					began := time.Now()
					var wait sync.WaitGroup
					for range 30 {
						wait.Go(func() {
							for time.Since(began) < 20*time.Second {
								if _, err := client.GetOrganization(t.Context(), nil); err != nil {
									t.Error(err)
								}
							}
						})
					}
					wait.Wait()
					if n := len(server.sent); n < 16*limit {
						t.Errorf("%d requests in 20 seconds, want %d or nearly so many", n, 20*limit)
					}
				})
			})
		}
	}
}
