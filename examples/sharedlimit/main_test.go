package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/orgusers/orgusers/examples/internal/redistest"
	"github.com/orgusers/orgusers/examples/sharedlimit/redislimit"
	"github.com/orgusers/orgusers/orguserstest"
)

// Programs that share the limit are hardly ever refused, by a real Redis and by miniredis.
func TestProgramsShareOneLimit(t *testing.T) {
	for name, start := range map[string]func(*testing.T) string{
		"real":      func(t *testing.T) string { t.Helper(); return redistest.Start(t).URL },
		"miniredis": func(t *testing.T) string { t.Helper(); return "redis://" + miniredis.RunT(t).Addr() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("REDIS_URL", start(t))
			server := orguserstest.NewServer(orguserstest.WithUsers(450), orguserstest.WithRateLimit(reads, writes))
			defer server.Close()
			var programs sync.WaitGroup
			for range 4 {
				programs.Go(func() {
					var printed strings.Builder
					if err := list(t.Context(), server, &printed); err != nil || !strings.HasPrefix(printed.String(), "450 users in ") {
						t.Errorf("it printed %q, %v", printed.String(), err)
					}
				})
			}
			programs.Wait()
			refused, requests := 0, server.Requests()
			for _, request := range requests {
				if request.Status == http.StatusTooManyRequests {
					refused++
				}
			}
			// On a busy machine requests arrive late, and a few are refused. Of programs that do not share, half are.
			if refused > len(requests)/4 {
				t.Errorf("%d of %d requests were refused", refused, len(requests))
			}
		})
	}
}

func TestWithoutRedis(t *testing.T) {
	server := orguserstest.NewServer()
	defer server.Close()
	for url, want := range map[string]error{
		"unix:///nowhere/redis.sock":    redislimit.ErrAway,
		"http://user:secret@127.0.0.1":  redislimit.ErrURL,
		"redis://user:secret@[::1":      redislimit.ErrURL,
		"redis://u:secret@[::1]/secret": redislimit.ErrURL,
	} {
		t.Setenv("REDIS_URL", url)
		err := list(t.Context(), server, new(strings.Builder))
		if !errors.Is(err, want) || errors.Is(err, context.DeadlineExceeded) || strings.Contains(fmt.Sprint(err), "secret") {
			t.Errorf("%s: got %v, want %v", url, err, want)
		}
	}
	if n := len(server.Requests()); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
}
