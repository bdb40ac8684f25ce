package redislimit_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/orgusers/orgusers/examples/internal/redistest"
	"github.com/orgusers/orgusers/examples/sharedlimit/redislimit"
)

// silent is a server that takes connections, counts them, and says nothing: its
// URL, and the count.
func silent(t *testing.T) (string, *atomic.Int32) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	connections := new(atomic.Int32)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			t.Cleanup(func() { _ = connection.Close() })
		}
	}()
	return "redis://" + listener.Addr().String(), connections
}

func TestAway(t *testing.T) {
	t.Parallel()
	stopped := redistest.New(t)
	silentURL, _ := silent(t)
	for name, test := range map[string]struct {
		url  string
		says string
	}{
		"not there": {stopped.URL, "no such file"},
		"silent":    {silentURL, "says nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limiter := redislimit.New(connect(t, test.url), key, 10)
			limiter.Patience = 2 * time.Second
			err := limiter.Wait(t.Context())
			if !errors.Is(err, redislimit.ErrAway) || errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("got %v, want ErrAway", err)
			}
			for _, says := range []string{"within 2s, ", test.says, "nothing is sent", "start Redis"} {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%q does not say %q", err, says)
				}
			}
		})
	}
}

func TestWrongPasswordFailsAtOnce(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	if err := server.Client().ConfigSet(t.Context(), "requirepass", "secret").Err(); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ user, says string }{
		"no password":      {"", "NOAUTH"},
		"a wrong password": {":hunter2@", "WRONGPASS"},
		"a wrong user":     {"bob:secret@", "WRONGPASS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limiter := redislimit.New(connect(t, strings.Replace(server.URL, "//", "//"+test.user, 1)), key, 10)
			limiter.Patience = time.Minute
			err := limiter.Wait(t.Context())
			if !errors.Is(err, redislimit.ErrRefused) || errors.Is(err, redislimit.ErrAway) || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("got %v, want ErrRefused that says %s", err, test.says)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "secret") {
				t.Errorf("the password is in %v", err)
			}
		})
	}
}

// Those who wait behind one who found Redis away do not each find it again.
func TestAwayIsRemembered(t *testing.T) {
	t.Parallel()
	url, connections := silent(t)
	limiter := redislimit.New(connect(t, url), key, 1000)
	limiter.Patience = 500 * time.Millisecond
	const crowd = 50
	var wait sync.WaitGroup
	for range crowd {
		wait.Go(func() {
			if err := limiter.Wait(t.Context()); !errors.Is(err, redislimit.ErrAway) {
				t.Errorf("got %v, want ErrAway", err)
			}
		})
	}
	wait.Wait()
	if asked := connections.Load(); asked > crowd/5 {
		t.Errorf("Redis was asked %d times by %d", asked, crowd)
	}
	err := limiter.Wait(t.Context())
	for strings.Contains(err.Error(), "within 500ms") { // until Redis is asked again
		err = limiter.Wait(t.Context())
	}
	if !errors.Is(err, redislimit.ErrAway) || !strings.Contains(err.Error(), "within 50ms") {
		t.Errorf("got %v, want less patience the second time", err)
	}
}

// listening is told of scripts that a client has sent.
type listening struct{ sent chan struct{} }

func (l listening) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		connection, err := next(ctx, network, addr)
		return overheard{connection, l.sent}, err
	}
}

func (l listening) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (l listening) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

type overheard struct {
	net.Conn
	sent chan struct{}
}

func (o overheard) Write(p []byte) (int, error) {
	n, err := o.Conn.Write(p)
	if bytes.Contains(p, []byte("evalsha")) {
		o.sent <- struct{}{}
	}
	return n, err
}

func TestCancelWhileRedisIsSilent(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	// Neither the patience nor the client's own timeout ends this test.
	client := connect(t, server.URL+"?read_timeout=1h")
	sent := make(chan struct{}, 9)
	client.AddHook(listening{sent})
	limiter := redislimit.New(client, key, 1000)
	limiter.Patience = time.Hour
	expectPlace(t, limiter)
	<-sent

	server.Pause(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- limiter.Wait(ctx) }()
	<-sent
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
}

func TestRedisComesBack(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	limiter := redislimit.New(connect(t, server.URL), key, 10)
	limiter.Patience = time.Hour
	expectPlace(t, limiter)

	server.Stop()
	ended := make(chan error, 1)
	go func() { ended <- limiter.Wait(t.Context()) }()
	server.Start()
	if err := <-ended; err != nil {
		t.Errorf("within its patience: %v, want a place", err)
	}

	server.Stop()
	limiter.Patience = 300 * time.Millisecond
	if err := limiter.Wait(t.Context()); !errors.Is(err, redislimit.ErrAway) {
		t.Errorf("got %v, want ErrAway", err)
	}
	server.Start()
	err := limiter.Wait(t.Context())
	for errors.Is(err, redislimit.ErrAway) { // until Redis is asked again
		err = limiter.Wait(t.Context())
	}
	if err != nil {
		t.Errorf("after its patience: %v, want a place", err)
	}
}

func TestRedisIsSlow(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	limiter := redislimit.New(connect(t, server.URL), key, seldom)
	server.Pause(500 * time.Millisecond)
	expectPlace(t, limiter)
	expectLate(t, limiter, 1010*time.Second)
}
