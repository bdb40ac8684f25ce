package program

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// quietFor is how long a program tries in vain before it says so, and separates
// what it says.
const quietFor = 5 * time.Second

// retries is the log of a client, of which it tells people one thing: that the
// program is still trying.
type retries struct {
	name   string
	stderr io.Writer
	mu     sync.Mutex
	last   time.Time // when there was an answer, or something was said
}

func newRetries(name string, stderr io.Writer) *slog.Logger {
	return slog.New(&retries{name: name, stderr: stderr, last: time.Now()})
}

// Enabled tells that retries are at the level of debugging.
func (r *retries) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs has nothing to add.
func (r *retries) WithAttrs([]slog.Attr) slog.Handler { return r }

// WithGroup has nothing to group.
func (r *retries) WithGroup(string) slog.Handler { return r }

// Handle is told of every attempt.
func (r *retries) Handle(_ context.Context, attempt slog.Record) error {
	var wait time.Duration
	again, status := false, 0
	attempt.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "retry_in":
			again, wait = true, a.Value.Duration()
		case "status":
			status = int(a.Value.Int64())
		}
		return true
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !again, status == http.StatusTooManyRequests: // which is the pace
		r.last = time.Now()
	case time.Since(r.last) >= quietFor:
		r.last = time.Now()
		Say(r.stderr, "%s: still trying, the next time in %.1f s: %s", r.name, wait.Seconds(), cmp.Or(http.StatusText(status), "no answer"))
	}
	return nil
}
