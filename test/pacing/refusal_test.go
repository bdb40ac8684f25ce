package pacing_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// refuse returns 429 with headers to some requests, and 200 to the others.
func refuse(which func(n int) bool, header ...string) func(int, *http.Request) (int, []string) {
	return func(n int, _ *http.Request) (int, []string) {
		if which(n) {
			return 429, header
		}
		return 200, nil
	}
}

func only(numbers ...int) func(int) bool {
	return func(n int) bool { return slices.Contains(numbers, n) }
}

// A 429 pauses every request of its budget: as long as the server asks for, or until the
// second of the refused request has passed. Headers that make no sense are ignored.
func TestRefusalPausesTheBudget(t *testing.T) {
	t.Parallel()
	unix := func(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
	tests := []struct {
		name   string
		header func(now time.Time) []string
		pause  time.Duration // since the refused request was sent
	}{
		{"no header", func(time.Time) []string { return nil }, time.Second},
		{"Retry-After in seconds", func(time.Time) []string { return []string{"Retry-After", "3"} }, 3050 * ms},
		{"Retry-After as a date", func(now time.Time) []string {
			return []string{"Date", now.Format(http.TimeFormat), "Retry-After", now.Add(4 * time.Second).Format(http.TimeFormat)}
		}, 4050 * ms},
		{"X-RateLimit-Reset", func(now time.Time) []string { return []string{"X-RateLimit-Reset", unix(now.Add(5 * time.Second))} }, 5 * time.Second},
		{"X-RateLimit-Reset in milliseconds", func(now time.Time) []string { return []string{"X-RateLimit-Reset", unix(now.Add(time.Second)) + "000"} }, time.Second},
		{"X-RateLimit-Reset two hours away", func(now time.Time) []string { return []string{"X-RateLimit-Reset", unix(now.Add(2 * time.Hour))} }, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &wire{latency: 100 * ms, respond: refuse(only(2), tt.header(time.Now())...)}
				client := clientOver(t, server, orgusers.WithRetry(orgusers.RetryPolicy{BaseDelay: 1, MaxDelay: 1}))
				readAll(t, client, 12, 12)
				times := server.times()
				if len(times) != 13 {
					t.Fatalf("%d requests, want 13", len(times))
				}
				known := times[2] + 100*ms // when the response has come
				resumed := slices.IndexFunc(times, func(at time.Duration) bool { return at > known })
				paused := times[resumed] - times[2]
				if paused < tt.pause || paused > tt.pause+1100*ms {
					t.Errorf("the pause took %v, want %v: %v", paused, tt.pause, times)
				}
				for i := resumed + 1; i < len(times); i++ { // a pause is not silence: no burst follows it
					if gap := times[i] - times[i-1]; gap < 100*ms {
						t.Errorf("after the pause two requests were sent within %v: %v", gap, times)
					}
				}
			})
		})
	}
}

// A 429 cuts the rate by a quarter, once for the requests that were already sent. The
// rate returns by 4 % of the limit each second.
func TestRefusalCutsTheRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &wire{latency: 200 * ms, respond: refuse(only(100, 101, 102))} // under way together
		client := clientOver(t, server, limits(orgusers.RateLimits{Reads: 50}), once)
		readFor(t, client, 20*time.Second)
		cut := server.times()[100] + 1200*ms
		for _, phase := range []struct {
			from        time.Duration
			least, most int // of 50 per second
		}{{0, 35, 41}, {2 * time.Second, 38, 45}, {8 * time.Second, 47, 51}} {
			if n := server.between(cut+phase.from, cut+phase.from+time.Second); n < phase.least || n > phase.most {
				t.Errorf("%v after the pause %d requests were sent in a second, want %d to %d", phase.from, n, phase.least, phase.most)
			}
		}
		checkWindows(t, server.times(), 50)
	})
}

// The service's headers, if there are any, lower the limit of the budget that they came
// for. They never raise it.
func TestHeadersSetTheLimit(t *testing.T) {
	t.Parallel()
	header := func(values ...string) (header []string) {
		for _, value := range values {
			header = append(header, "X-RateLimit-Limit", value)
		}
		return header
	}
	for _, tt := range []struct {
		name   string
		limits orgusers.RateLimits
		header []string
		want   float64
	}{
		{"lower", orgusers.RateLimits{}, header("5"), 5},
		{"higher", orgusers.RateLimits{}, header("50"), 10},
		{"lower, and a share of it", orgusers.RateLimits{Share: 0.5}, header("4"), 2},
		{"higher, and a share", orgusers.RateLimits{Share: 0.5}, header("50"), 5},
		{"twice in one", orgusers.RateLimits{Reads: 100}, header("20, 20"), 20},
		{"absurd", orgusers.RateLimits{}, header("1000000000"), 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &wire{respond: func(int, *http.Request) (int, []string) { return 200, tt.header }}
				readFor(t, clientOver(t, server, limits(tt.limits)), 12*time.Second)
				if n := float64(server.between(2*time.Second, 12*time.Second)); n < 9.3*tt.want || n > 10.5*tt.want {
					t.Errorf("%v requests in ten seconds, want %v", n, 10*tt.want)
				}
			})
		})
	}
}

// What a stack's response says concerns the stack service only.
func TestHeadersOfAnotherService(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &wire{respond: func(_ int, r *http.Request) (int, []string) {
			if r.Header.Get("api_key") != "" {
				return 429, []string{"X-RateLimit-Limit", "1", "X-RateLimit-Remaining", "0", "Retry-After", "30"}
			}
			return 200, nil
		}}
		client := clientOver(t, server, once)
		stack := orgusers.Request{Path: "/things", Header: http.Header{"api_key": {"blt3"}}, ReadOnly: true}
		if err := client.Do(t.Context(), stack, nil); !errors.Is(err, orgusers.ErrRateLimited) {
			t.Fatal(err)
		}
		readAll(t, client, 20, 30)
		if _, err := client.GetCurrentUser(t.Context()); err != nil {
			t.Error(err)
		}
		if took := server.times()[31]; took > 4*time.Second {
			t.Errorf("thirty reads of the organization took %v", took)
		}
	})
}

// Another client takes half of the limit, and the server sends no headers: most of the
// rest is used, and few requests are refused.
func TestBesideAnotherClient(t *testing.T) {
	t.Parallel()
	for name, moment := range map[string]func(i int) time.Duration{
		"evenly":    func(i int) time.Duration { return time.Duration(i) * 200 * ms },
		"in bursts": func(i int) time.Duration { return 400*ms + time.Duration(i)*2*ms },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := orguserstest.NewUnstartedServer(orguserstest.WithRateLimit(10, 10), orguserstest.WithLatency(50*ms))
				client := clientOf(t, server, orgusers.WithHTTPClient(&http.Client{Transport: withoutHeaders{jittery{server.Transport(), 10 * ms}}}))
				other := clientOf(t, server, once, orgusers.WithRateLimiters(orgusers.RateLimiters{Reads: open{}}))
				var wait sync.WaitGroup
				for n := range 5 * 30 {
					wait.Go(func() {
						time.Sleep(time.Duration(n/5)*time.Second + moment(n%5)) // fake time
						_ = other.Do(t.Context(), orgusers.Request{Path: "/organizations/{organization_uid}/roles", Query: map[string][]string{"limit": {"1"}}, ReadOnly: true}, nil)
					})
				}
				wait.Go(func() { readFor(t, client, 30*time.Second) })
				wait.Wait()
				count := map[string]int{}
				for _, r := range server.Requests() {
					count[fmt.Sprint(r.Operation, r.Status)]++
				}
				served, refused := count["GetOrganization200"], count["GetOrganization429"]
				if served < 110 || refused > (served+refused)/10 {
					t.Errorf("%d requests were served and %d refused in 30 seconds", served, refused)
				}
			})
		})
	}
}
