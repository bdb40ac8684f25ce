// Package redistest starts real Redis servers for tests.
package redistest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

// Server is a Redis of a test's own, which keeps nothing.
type Server struct {
	// URL is where it listens: a socket in the file system.
	URL string

	t         *testing.T
	directory string
	process   *exec.Cmd
}

// Start starts a Redis for the time of a test, which is skipped on a machine
// that has none.
func Start(t *testing.T) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("there is no redis-server on this machine: install it")
	}
	logging.Disable() // tests stop servers while clients talk to them
	s := New(t)
	s.Start()
	return s
}

// New makes a Redis that does not run yet.
func New(t *testing.T) *Server {
	t.Helper()
	// The name of a socket is short, and t.TempDir's may not be.
	directory, err := os.MkdirTemp("", "redis") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{URL: "unix://" + filepath.Join(directory, "socket"), t: t, directory: directory}
	t.Cleanup(func() {
		s.Stop()
		_ = os.RemoveAll(directory)
	})
	return s
}

// Start runs it, for the first time or after Stop.
func (s *Server) Start() {
	s.t.Helper()
	s.process = exec.Command("redis-server", "--port", "0", "--unixsocket", "socket", "--save", "", "--appendonly", "no") //nolint:noctx // it ends with Stop
	s.process.Dir = s.directory
	stdout, err := s.process.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	var said strings.Builder
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if strings.Contains(strings.ToLower(lines.Text()), "ready to accept connections") {
			go func() { _, _ = io.Copy(io.Discard, stdout) }() // so that it never waits for a reader
			return
		}
		said.WriteString(lines.Text() + "\n")
	}
	s.t.Fatalf("redis-server does not run:\n%s", said.String())
}

// Stop ends it at once, with all that it knows.
func (s *Server) Stop() {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Kill()
	_ = s.process.Wait() // its error is that it was killed
	s.process = nil
}

// Pause makes it respond to no command for this time.
func (s *Server) Pause(d time.Duration) {
	s.t.Helper()
	if err := s.Client().Do(s.t.Context(), "CLIENT", "PAUSE", d.Milliseconds()).Err(); err != nil {
		s.t.Fatal(err)
	}
}

// Client makes a client of its own of the server.
func (s *Server) Client() *redis.Client {
	s.t.Helper()
	options, err := redis.ParseURL(s.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	client := redis.NewClient(options)
	s.t.Cleanup(func() { _ = client.Close() })
	return client
}

// Written returns a channel that is closed when a key is written next.
func (s *Server) Written(key string) <-chan struct{} {
	s.t.Helper()
	client := s.Client()
	ctx := s.t.Context()
	if err := client.ConfigSet(ctx, "notify-keyspace-events", "K$").Err(); err != nil {
		s.t.Fatal(err)
	}
	events := client.Subscribe(ctx, "__keyspace@0__:"+key)
	s.t.Cleanup(func() { _ = events.Close() })
	if _, err := events.Receive(ctx); err != nil { // that it is subscribed
		s.t.Fatal(err)
	}
	written := make(chan struct{})
	go func() {
		if _, err := events.ReceiveMessage(context.WithoutCancel(ctx)); err == nil {
			close(written)
		}
	}()
	return written
}

// Calls is how often a command was carried out so far, those of scripts
// included.
func (s *Server) Calls(command string) int {
	s.t.Helper()
	stats, err := s.Client().Info(s.t.Context(), "commandstats").Result()
	if err != nil {
		s.t.Fatal(err)
	}
	calls := 0
	if _, rest, found := strings.Cut(stats, "cmdstat_"+command+":calls="); found {
		if _, err := fmt.Sscanf(rest, "%d", &calls); err != nil {
			s.t.Fatal(err)
		}
	}
	return calls
}
