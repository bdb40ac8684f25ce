package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// serve starts a server and returns a Transport for it.
func serve(t *testing.T, handler http.HandlerFunc, changes ...func(*Config)) *Transport {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return newTransport(t, server.URL+"/below/a/path", server.Client(), append([]func(*Config){impatient}, changes...)...)
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("another origin got %s %s with %v", r.Method, r.URL, r.Header)
	}))
	t.Cleanup(other.Close)
	at := func(path string) func(string) string { return func(string) string { return path } }
	tests := []struct {
		name     string
		request  Request
		code     int
		to       func(origin string) string
		says     string // empty: it is followed
		attempts int
	}{
		{"a read within the origin", read, 302, at("/moved"), "", 2},
		{"a read within the origin, method kept", readByPost, 307, at("/moved"), "", 2},
		{"a read to another port", read, 302, at(other.URL + "/moved"), "another origin", 1},
		{"a read to another port for good", read, 308, at(other.URL + "/moved"), "another origin", 1},
		{"a read to another host", read, 307, at("http://localhost.example.com/"), "another origin", 1},
		{"a read to another scheme", read, 302, func(o string) string { return "https" + strings.TrimPrefix(o, "http") }, "another origin", 1},
		{"a read to the origin with a user", read, 302, func(o string) string { return strings.Replace(o, "http://", "http://a:b@", 1) + "/moved" }, "another origin", 1},
		{"a read that would lose its body", readByPost, 302, at("/moved"), "method", 1},
		{"a read without end", read, 302, at("/again"), "five", 5},
		{"a read to nowhere", read, 302, at(""), "nowhere", 1},
		{"a write", write, 307, at("/moved"), "not redirected", 1},
		{"a write by GET", writeByGet, 302, at("/moved"), "not redirected", 1},
		{"a bare DELETE", bareDelete, 302, at("/moved"), "not redirected", 1},
		{"a write to another origin", write, 307, at(other.URL), "not redirected", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var served atomic.Int64
			wire := serve(t, func(w http.ResponseWriter, r *http.Request) {
				served.Add(1)
				if r.Header.Get("Authtoken") != token {
					t.Errorf("%s came without the token", r.URL)
				}
				if to := tt.to("http://" + r.Host); r.URL.Path != "/moved" {
					if to != "" {
						w.Header().Set("Location", to)
					}
					w.WriteHeader(tt.code)
				}
			})
			var status int
			var redirect string
			attempts, err := wire.Do(t.Context(), &tt.request, func(r *Response) error {
				status, redirect = r.Status, r.Redirect
				return nil
			})
			switch {
			case err != nil || attempts != tt.attempts || int(served.Load()) != tt.attempts:
				t.Errorf("got %v after %d attempts and %d requests, want %d", err, attempts, served.Load(), tt.attempts)
			case tt.says == "" && status != 200:
				t.Errorf("got %d, want the response behind the redirect", status)
			case tt.says == "nowhere" && (status != tt.code || redirect != ""):
				t.Errorf("got %d: %q", status, redirect)
			case tt.says != "" && tt.says != "nowhere" && (status != tt.code || !strings.Contains(redirect, tt.says)):
				t.Errorf("got %d: %q, want %d that says %q", status, redirect, tt.code, tt.says)
			}
		})
	}
}

// The caller's CheckRedirect is asked about redirects that would be followed.
func TestRedirectRefusedByTheCaller(t *testing.T) {
	t.Parallel()
	wire := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/moved")
		w.WriteHeader(http.StatusFound)
	}, func(c *Config) {
		client := *c.HTTPClient
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return errors.New("no") }
		c.HTTPClient = &client
	})
	_, err := wire.Do(t.Context(), &read, func(r *Response) error {
		if r.Status != 302 || !strings.Contains(r.Redirect, "CheckRedirect") || r.Attempts != 1 {
			t.Errorf("got %d after %d attempts: %q", r.Status, r.Attempts, r.Redirect)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// rawServer passes each connection to a function, and closes them when the test
// ends.
func rawServer(t *testing.T, serve func(net.Conn)) (address string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	t.Cleanup(func() { listener.Close(); stop() })
	wg.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			context.AfterFunc(ctx, func() { connection.Close() })
			wg.Go(func() {
				defer connection.Close()
				serve(connection)
			})
		}
	})
	return listener.Addr().String()
}

// ownClient returns a client whose connections no other test has.
func ownClient(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// head reads a request up to its empty line.
func head(from *bufio.Reader) (string, error) {
	var text strings.Builder
	for {
		line, err := from.ReadString('\n')
		text.WriteString(line)
		if err != nil || line == "\r\n" {
			return text.String(), err
		}
	}
}

// What HTTP/1.1 sends for requests without a body: no chunks, and a body only
// with the methods that are expected to have one.
func TestFramingOfRequestsWithoutABody(t *testing.T) {
	t.Parallel()
	heads := make(chan string, 1)
	address := rawServer(t, func(connection net.Conn) {
		from := bufio.NewReader(connection)
		text, _ := head(from)
		if strings.Contains(text, "Content-Length: 2") {
			body := make([]byte, 2)
			_, _ = io.ReadFull(from, body)
			text += string(body)
		}
		_, _ = io.WriteString(connection, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		heads <- text
		rest, _ := io.ReadAll(from)
		if len(rest) > 0 {
			t.Errorf("after the request came %q", rest)
		}
	})
	wire := newTransport(t, "http://"+address, ownClient(t), impatient)
	tests := []struct {
		method string
		kind   Kind
		body   string
	}{
		{"GET", Read, ""},
		{"HEAD", Read, ""},
		{"GET", Write, ""},
		{"HEAD", Write, ""},
		{"DELETE", Write, ""},
		{"DELETE", Bulk, ""},
		{"OPTIONS", Write, ""},
		{"POST", Write, "{}"},
		{"POST", Bulk, "{}"},
		{"PUT", Write, "{}"},
		{"PATCH", Write, "{}"},
		{"DELETE", Read, ""},
		{"POST", Read, "none"}, // nothing but a length of 0
	}
	for _, tt := range tests {
		name := fmt.Sprintf("%s of kind %d", tt.method, tt.kind)
		_, _, attempts, err := wire.call(t.Context(), Request{Method: tt.method, Path: "/thing", Kind: tt.kind})
		if err != nil || attempts != 1 {
			t.Fatalf("%s: %v after %d attempts", name, err, attempts)
		}
		text := <-heads
		_, body, _ := strings.Cut(text, "\r\n\r\n")
		if strings.Contains(text, "Transfer-Encoding") || strings.Contains(text, "Expect") {
			t.Errorf("%s is sent in chunks: %q", name, text)
		}
		switch tt.body {
		case "none":
			if !strings.Contains(text, "Content-Length: 0") || body != "" {
				t.Errorf("%s is sent as %q", name, text)
			}
		case "":
			if strings.Contains(text, "Content-Length") || strings.Contains(text, "Content-Type") || body != "" {
				t.Errorf("%s is sent as %q", name, text)
			}
		default:
			if body != tt.body || !strings.Contains(text, "Content-Type: application/json") {
				t.Errorf("%s is sent as %q", name, text)
			}
		}
	}
}

// A dropper responds to the first request on each connection, and drops the
// connection when it gets another one.
type dropper struct {
	reset   bool // otherwise the connection is closed
	partial bool // some of the response comes before

	seen atomic.Int64
	idle sync.WaitGroup // of connections, until there are enough
}

func (d *dropper) serve(connection net.Conn) {
	from := bufio.NewReader(connection)
	for n := 0; ; n++ {
		text, err := head(from)
		if err != nil {
			return
		}
		if at := strings.Index(text, "Content-Length: "); at >= 0 {
			var length int64
			_, _ = fmt.Sscanf(text[at:], "Content-Length: %d", &length)
			_, _ = io.CopyN(io.Discard, from, length)
		}
		d.seen.Add(1)
		if n > 0 {
			if d.partial {
				_, _ = io.WriteString(connection, "HTTP/1.1 200 OK\r\nConte")
			}
			if tcp, ok := connection.(*net.TCPConn); ok && d.reset {
				_ = tcp.SetLinger(0)
			}
			return
		}
		if warmed := d.seen.Load() > warmConnections; !warmed {
			d.idle.Done()
			d.idle.Wait()
		}
		_, _ = io.WriteString(connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
	}
}

const warmConnections = 8

// When a reused connection drops, net/http would repeat some requests by itself,
// on one idle connection after the other. None of them is: writes are sent once,
// and reads as often as their attempts say, the second time at once.
func TestReusedConnectionDrops(t *testing.T) {
	t.Parallel()
	for name, request := range allRequests {
		for _, drop := range []struct{ reset, partial bool }{{true, false}, {false, false}, {true, true}} {
			for _, idempotencyKey := range []bool{false, true} {
				for _, attempts := range []int{1, 40} {
					t.Run(fmt.Sprintf("%s/%+v/key=%v/%d", name, drop, idempotencyKey, attempts), func(t *testing.T) {
						t.Parallel()
						d := &dropper{reset: drop.reset, partial: drop.partial}
						wire := newTransport(t, "http://"+rawServer(t, d.serve), ownClient(t), impatient, func(c *Config) {
							c.Retry.MaxAttempts = attempts
							if !drop.partial {
								c.Retry.BaseDelay, c.Retry.MaxDelay = time.Hour, time.Hour
							}
						})
						d.idle.Add(warmConnections)
						var wg sync.WaitGroup
						for range warmConnections {
							wg.Go(func() { _, _, _, _ = wire.call(t.Context(), bulk) })
						}
						wg.Wait()
						request := request
						if idempotencyKey {
							request.Header = http.Header{"Idempotency-Key": {"1"}}
						}
						ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
						defer cancel()
						_, _, n, err := wire.call(ctx, request)
						if seen := int(d.seen.Load()) - warmConnections; seen != n {
							t.Errorf("%d attempts were counted, and %d requests were sent", n, seen)
						}
						switch {
						case request.Kind != Read || attempts == 1:
							if n != 1 || err == nil || errors.Is(err, context.Canceled) {
								t.Errorf("got %v after %d attempts, want an error after one", err, n)
							}
						case err != nil || n < 2:
							t.Errorf("got %v after %d attempts", err, n)
						}
					})
				}
			}
		}
	}
}

// A response of 101 ends the call at once, though its connection stays open.
func TestSwitchingProtocols(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]Request{"read": read, "write": write} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			closed := make(chan struct{})
			wire := newTransport(t, "http://"+rawServer(t, func(connection net.Conn) {
				defer close(closed)
				from := bufio.NewReader(connection)
				_, _ = head(from)
				_, _ = io.WriteString(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n")
				_, _ = io.Copy(io.Discard, from)
			}), ownClient(t), impatient)
			status, body, attempts, err := wire.call(t.Context(), request)
			if status != 101 || body != "" || attempts != 1 || err != nil {
				t.Errorf("got %d %q after %d attempts, %v", status, body, attempts, err)
			}
			<-closed
		})
	}
}

// A call whose context ends in the middle of a body ends with it.
func TestContextEndsInABody(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		for _, end := range []string{"cancelled", "timeout of the client"} {
			t.Run(protocol+"/"+end, func(t *testing.T) {
				t.Parallel()
				began := make(chan struct{}, 10)
				server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Proto != protocol {
						t.Errorf("the request came by %s", r.Proto)
					}
					_, _ = io.WriteString(w, "{")
					_ = http.NewResponseController(w).Flush()
					began <- struct{}{}
					<-r.Context().Done()
				}))
				server.EnableHTTP2 = protocol == "HTTP/2.0"
				server.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that the timeout ends
				server.StartTLS()
				t.Cleanup(server.Close)
				client := *server.Client()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				want := context.Canceled
				if end == "cancelled" {
					go func() { <-began; cancel() }()
				} else {
					client.Timeout = 50 * ms
					want = context.DeadlineExceeded
				}
				wire := newTransport(t, server.URL, &client, impatient, func(c *Config) { c.Retry.MaxAttempts = 1 })
				if _, _, attempts, err := wire.call(ctx, read); !errors.Is(err, want) || attempts != 1 {
					t.Errorf("got %v after %d attempts", err, attempts)
				}
			})
		}
	}
}

// A failed call must not cost others their connections.
func TestPoolSurvivesFailure(t *testing.T) {
	t.Parallel()
	var connections sync.Map
	var opened atomic.Int64
	wire := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if _, known := connections.LoadOrStore(r.RemoteAddr, true); !known {
			opened.Add(1)
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
	})
	for range 5 {
		if status, _, _, err := wire.call(t.Context(), read); status != 503 || err != nil {
			t.Fatal(status, err)
		}
	}
	if opened.Load() != 1 {
		t.Errorf("%d connections were opened, want 1", opened.Load())
	}
}

// A proxy that refuses to connect is named, and asked once.
func TestProxyRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, response string
		refused        bool
		says           string
	}{
		{"403", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", true, "Forbidden"},
		{"407", "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"jane@example.com\"\r\n\r\n", true, "Proxy Authentication Required"},
		{"502", "HTTP/1.1 502 Bad Gateway\r\n\r\n", true, "Bad Gateway"},
		{"503 with words of its own", "HTTP/1.1 503 Ask jane@example.com, proxypassword\r\n\r\n", true, "Ask [address]"},
		{"a status without words", "HTTP/1.1 451\r\n\r\n", true, ""},
		{"no HTTP", "SSH-2.0-OpenSSH_9.9\r\n\r\n", true, "malformed"},
		{"nothing", "", false, ""},
		{"half of a response", "HTTP/1.1 403 Forb", false, ""},
		{"a tunnel that ends", "HTTP/1.1 200 OK\r\n\r\n", false, ""},
	}
	for _, tt := range tests {
		for name, request := range map[string]Request{"read": read, "write": write} {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				var connects atomic.Int64
				address := rawServer(t, func(connection net.Conn) {
					connects.Add(1)
					_, _ = head(bufio.NewReader(connection))
					_, _ = io.WriteString(connection, tt.response)
				})
				transport := &http.Transport{Proxy: func(r *http.Request) (*url.URL, error) {
					return url.Parse("http://proxyuser:proxypassword@" + address)
				}}
				wire := newTransport(t, "https://api.example.com", &http.Client{Transport: transport}, impatient)
				_, _, attempts, err := wire.call(t.Context(), request)
				failure, ok := errors.AsType[*Error](err)
				if !ok || !failure.Unsent || attempts != int(connects.Load()) {
					t.Fatalf("got %v after %d attempts and %d connections", err, attempts, connects.Load())
				}
				refused := strings.Contains(err.Error(), "the proxy "+address+" refused the connection")
				if refused != tt.refused || (attempts == 1) != tt.refused {
					t.Fatalf("got %v after %d attempts, refused by the proxy: %v", err, attempts, refused)
				}
				if !strings.Contains(err.Error(), tt.says) {
					t.Errorf("got %v, want one that says %q", err, tt.says)
				}
				if strings.Contains(err.Error(), "proxyuser") {
					t.Errorf("the error has the proxy's credentials: %v", err)
				}
			})
		}
	}
}

// A proxy that cannot be reached is an error of the network, and names it.
func TestProxyIsNotThere(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	transport := &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return url.Parse("http://" + address) }}
	wire := newTransport(t, "https://api.example.com", &http.Client{Transport: transport}, impatient)
	_, _, attempts, err := wire.call(t.Context(), write)
	if err == nil || !strings.Contains(err.Error(), address) || attempts != 6 {
		t.Errorf("got %v after %d attempts", err, attempts)
	}
}
