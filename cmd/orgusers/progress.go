package main

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// lineEvery is the time between lines of progress that is not a bar, and between
// reports of retries.
const lineEvery = 10 * time.Second

// progress shows how far a call is: as a bar on a terminal, elsewhere as a line
// every ten seconds, and with --quiet not at all. It is for one goroutine.
type progress struct {
	t        *tool
	what     string
	bar      *progressbar.ProgressBar // nil if lines are written instead
	visible  bool                     // the bar
	lastLine time.Time
}

// newProgress returns the progress of a number of things, such as "users".
func (t *tool) newProgress(what string) *progress {
	p := &progress{t: t, what: what, lastLine: time.Now()}
	if fitsBar(t.stderr) {
		p.bar = progressbar.NewOptions(1, // until the total is known
			progressbar.OptionSetWriter(t.stderr),
			progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionFullWidth(),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionUseANSICodes(true),
		)
		p.bar.StartWithoutRender()
	}
	return p
}

// Set shows how much of a total is done. A negative total is unknown.
func (p *progress) Set(done, total int) {
	if p.t.quiet {
		return
	}
	if p.bar != nil && total > 0 {
		if total != p.bar.GetMax() {
			p.bar.ChangeMax(total)
		}
		_ = p.bar.Set(min(done, total)) // an error of the terminal does not matter
		p.visible = true
		return
	}
	if time.Since(p.lastLine) < lineEvery {
		return
	}
	p.lastLine = time.Now()
	if total > 0 {
		p.t.say("%d of %d %s", done, total, p.what)
	} else {
		p.t.say("%d %s", done, p.what)
	}
}

// Clear removes the bar from the terminal until the next Set.
func (p *progress) Clear() {
	if p.visible {
		_ = p.bar.Clear()
		p.visible = false
	}
}

// fitsBar reports whether a stream is a terminal that can show and clear a bar.
func fitsBar(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	width, _, err := term.GetSize(int(file.Fd()))
	return err == nil && width >= 40
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// newLogger returns the log of a client: all attempts with --debug, and otherwise
// a line if requests keep failing.
func (t *tool) newLogger() *slog.Logger {
	if t.debug {
		return slog.New(slog.NewTextHandler(t.stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return slog.New(&retries{t: t, last: time.Now()})
}

// retries says that the program is still trying.
type retries struct {
	t    *tool
	mu   sync.Mutex
	last time.Time // of a response, or of a line
}

// Enabled reports that all levels are handled: retries are at the debug level.
func (r *retries) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs returns r, which needs no attributes.
func (r *retries) WithAttrs([]slog.Attr) slog.Handler { return r }

// WithGroup returns r, which needs no groups.
func (r *retries) WithGroup(string) slog.Handler { return r }

// Handle is called for every attempt.
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
	case !again, status == http.StatusTooManyRequests: // a 429 is part of the pacing
		r.last = time.Now()
	case time.Since(r.last) >= lineEvery/2:
		r.last = time.Now()
		r.t.note("still trying, next in %.1f s: %s", wait.Seconds(), cmp.Or(http.StatusText(status), "no response"))
	}
	return nil
}

// stdin returns what is typed or piped into the program. Reading ends with ctx.
func stdin(ctx context.Context) io.Reader { return &interruptibleReader{ctx: ctx, from: os.Stdin} }

type interruptibleReader struct {
	ctx  context.Context
	from io.Reader
}

// Read reads until the context ends.
func (r *interruptibleReader) Read(p []byte) (int, error) {
	type result struct {
		data []byte
		err  error
	}
	read := make(chan result, 1)
	go func() { // left behind when ctx ends, and then the program ends too
		data := make([]byte, len(p)) // p belongs to the caller again by then
		n, err := r.from.Read(data)
		read <- result{data[:n], err}
	}()
	select {
	case got := <-read:
		return copy(p, got.data), got.err
	case <-r.ctx.Done():
		return 0, r.ctx.Err()
	}
}
