package redislimit_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/orgusers/orgusers/examples/sharedlimit/redislimit"
)

// The script, on a Redis in this process whose clock the test sets.
func TestScript(t *testing.T) {
	t.Parallel()
	const interval = 1030 * time.Second // of a limit that is seldom
	for name, test := range map[string]func(t *testing.T, server *miniredis.Miniredis, limiter *redislimit.Limiter, start time.Time){
		"the next place is an interval later": func(t *testing.T, server *miniredis.Miniredis, limiter *redislimit.Limiter, start time.Time) {
			t.Helper()
			expectPlace(t, limiter)
			expectLate(t, limiter, interval-time.Second)
			server.SetTime(start.Add(interval - 2*time.Second))
			expectLate(t, limiter, time.Second)
			server.SetTime(start.Add(interval))
			expectPlace(t, limiter)
			expectLate(t, limiter, interval-time.Second)
		},
		"time without requests gives no further places": func(t *testing.T, server *miniredis.Miniredis, limiter *redislimit.Limiter, start time.Time) {
			t.Helper()
			expectPlace(t, limiter)
			server.SetTime(start.Add(10 * interval))
			expectPlace(t, limiter)
			expectLate(t, limiter, interval-time.Second)
		},
		"other keys are other limits": func(t *testing.T, server *miniredis.Miniredis, limiter *redislimit.Limiter, _ time.Time) {
			t.Helper()
			expectPlace(t, limiter)
			expectPlace(t, redislimit.New(connect(t, "redis://"+server.Addr()), "organization:writes", seldom))
			expectLate(t, limiter, time.Minute)
		},
		"emptied": func(t *testing.T, server *miniredis.Miniredis, limiter *redislimit.Limiter, _ time.Time) {
			t.Helper()
			expectPlace(t, limiter)
			server.FlushAll()
			expectPlace(t, limiter)
		},
		"clock set forward": func(t *testing.T, server *miniredis.Miniredis, limiter *redislimit.Limiter, start time.Time) {
			t.Helper()
			expectPlace(t, limiter)
			server.SetTime(start.Add(365 * 24 * time.Hour))
			expectPlace(t, limiter)
			expectLate(t, limiter, interval-time.Second)
		},
		"clock set back": func(t *testing.T, server *miniredis.Miniredis, limiter *redislimit.Limiter, start time.Time) {
			t.Helper()
			expectPlace(t, limiter)
			server.SetTime(start.Add(-2000 * interval))
			err := limiter.Wait(t.Context())
			if err == nil || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "rate:"+key) {
				t.Errorf("got %v, want the key to delete", err)
			}
			expectLate(t, limiter, time.Minute)
			server.Del("rate:" + key)
			expectPlace(t, limiter)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := miniredis.RunT(t)
			start := time.Now()
			server.SetTime(start)
			test(t, server, redislimit.New(connect(t, "redis://"+server.Addr()), key, seldom), start)
		})
	}
}
