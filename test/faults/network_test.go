package faults_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
)

// TestProxies has a proxy that refuses the connection. It is asked once, and the error names it.
func TestProxies(t *testing.T) {
	t.Parallel()
	socks := func(replies ...string) func(net.Conn) {
		return func(c net.Conn) {
			for _, reply := range replies {
				if _, err := c.Read(make([]byte, 512)); err != nil {
					return
				}
				_, _ = io.WriteString(c, reply)
			}
		}
	}
	connect := func(response string) func(net.Conn) {
		return func(c net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_, _ = io.WriteString(c, response)
			}
		}
	}
	const address = "\x00\x01\x00\x00\x00\x00\x00\x00" // of a SOCKS reply
	tests := []struct {
		name, scheme string
		serve        func(net.Conn)
		says         string
	}{
		{"a login page", "http", connect("HTTP/1.1 302 Found\r\nLocation: http://portal.example.com/\r\nContent-Length: 0\r\n\r\n"), "Found"},
		{"too many connections", "http", connect("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"), "Too Many Requests"},
		{"a page that says no", "http", connect("HTTP/1.1 403 Blocked\r\nContent-Type: text/html\r\nContent-Length: 11\r\n\r\n<h1>No</h1>"), "Blocked"},
		{"a gateway without a way", "http", connect("HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n"), "Gateway Timeout"},
		{"an FTP server", "http", connect("220 ftp.example.com\r\n"), "malformed"},
		{"SOCKS, not allowed", "socks5", socks("\x05\x00", "\x05\x02"+address), "not allowed"},
		{"SOCKS, another password", "socks5", socks("\x05\x02", "\x01\x01"), "authentication failed"},
		{"SOCKS, another way to log in", "socks5", socks("\x05\xff"), "authentication"},
		{"SOCKS, another version", "socks5", socks("\x04\x00"), "version"},
	}
	for _, tt := range tests {
		for _, kind := range kinds() {
			t.Run(tt.name+"/"+kind.Name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var asked atomic.Int64
					wire := &http.Transport{
						Proxy: http.ProxyURL(&url.URL{Scheme: tt.scheme, Host: "proxy.example.com:3128", User: url.UserPassword("proxyuser", "proxypassword")}),
						DialContext: connects(func(c net.Conn) {
							asked.Add(1)
							tt.serve(c)
						}),
					}
					began := time.Now()
					err := call(t.Context(), newClient(t, wire, orgusers.WithAuthToken(token), orgusers.WithBaseURL("https://api.example.com")), kind)
					if took := time.Since(began); took > 0 || asked.Load() != 1 {
						t.Errorf("it was asked %d times in %v", asked.Load(), took)
					}
					checkError(t, err, 1)
					for _, text := range []string{"the proxy proxy.example.com:3128 refused the connection", tt.says} {
						if !strings.Contains(err.Error(), text) {
							t.Errorf("got %v, want an error that says %q", err, text)
						}
					}
					if strings.Contains(err.Error(), "proxyuser") || strings.Contains(err.Error(), "proxypassword") {
						t.Errorf("the error has the credentials of the proxy: %v", err)
					}
				})
			})
		}
	}
}

// TestInterruptedCallsCostNoRetries interrupts many calls while they wait for a retry or
// in the middle of one. A later call still has its retries.
func TestInterruptedCallsCostNoRetries(t *testing.T) {
	t.Parallel()
	unavailable := status(503, "Retry-After", "5")
	tests := []struct {
		name      string
		interrupt []roundTripper // the responses to one call
		after     time.Duration
		deadline  bool
	}{
		{"cancelled before the retry", []roundTripper{unavailable}, time.Second, false},
		{"a deadline before the retry", []roundTripper{unavailable}, time.Second, true},
		{"a deadline in the retry", []roundTripper{unavailable, hangingResponse}, 6 * time.Second, true},
		{"cancelled in the body of the retry", []roundTripper{unavailable, hangsInBody}, 6 * time.Second, false},
		{"cancelled in a redirect of the retry", []roundTripper{unavailable, status(302, "Location", "/v3/elsewhere"), hangingResponse}, 6 * time.Second, false},
		{"cancelled in a pause", []roundTripper{unavailable, status(429, "Retry-After", "30")}, 6 * time.Second, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{}
				client := newClient(t, s, orgusers.WithAuthToken(token))
				for range 100 {
					s.responses, s.sent = tt.interrupt, nil
					ctx, cancel := context.WithTimeout(t.Context(), tt.after)
					if !tt.deadline {
						ctx, cancel = context.WithCancel(t.Context())
						time.AfterFunc(tt.after, cancel)
					}
					err := getOrganization(ctx, client)
					cancel()
					if err == nil {
						t.Fatal("a call that was interrupted succeeded")
					}
					time.Sleep(time.Minute) // fake time: until the pause is over
				}
				s.responses, s.sent = []roundTripper{unavailable, unavailable, unavailable, unavailable, unavailable, good}, nil
				if err := getOrganization(t.Context(), client); err != nil || len(s.sent) != 6 {
					t.Errorf("a call was sent %d times, and returned %v", len(s.sent), err)
				}
			})
		})
	}
}

// hangingResponse responds when the request ends.
func hangingResponse(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// TestResponsesWithoutEnd has responses that do not end, each in another way. A call ends
// with its context or after the timeout of an attempt, and leaves no connection.
func TestResponsesWithoutEnd(t *testing.T) {
	t.Parallel()
	upgrade := func(head, rest string) func(net.Conn) {
		return func(c net.Conn) {
			if request, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_, _ = io.Copy(io.Discard, request.Body)
				_, _ = io.WriteString(c, "HTTP/1.1 "+head+"\r\n\r\n"+rest)
				saysNothing(c)
			}
		}
	}
	tests := []struct {
		name  string
		serve func(net.Conn)
		ends  bool // the call ends at once
		known bool // the status shows that nothing was changed
	}{
		{"101 for a WebSocket", upgrade("101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x", ""), true, false},
		{"101 without an upgrade", upgrade("101 Switching Protocols", ""), true, false},
		{"101 for HTTP/2", upgrade("101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c", "\x00\x00\x00\x04\x00\x00\x00\x00\x00"), true, false},
		{"101 with a length", upgrade("101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\nContent-Length: 100", "{"), true, false},
		{"a body to the end of the connection", upgrade("200 OK\r\nContent-Type: application/json\r\nConnection: close", "{"), false, false},
		{"a chunk that does not end", upgrade("200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked", "ff\r\n{"), false, false},
		{"an error that does not end", upgrade("422 Unprocessable Entity\r\nContent-Type: application/json\r\nContent-Length: 100", "{"), false, true},
		{"a redirect that does not end", upgrade("302 Found\r\nLocation: /v3/elsewhere\r\nContent-Length: 100", "{"), false, false},
		{"early hints, and nothing more", upgrade("103 Early Hints\r\nLink: </style.css>", ""), false, false},
		{"nothing", saysNothing, false, false},
	}
	for _, tt := range tests {
		for _, kind := range kinds() {
			for _, deadline := range []time.Duration{3 * time.Second, time.Hour} {
				t.Run(tt.name+"/"+kind.Name+"/"+deadline.String(), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						var open atomic.Int64
						wire := &http.Transport{DialContext: connects(func(c net.Conn) {
							open.Add(1)
							defer open.Add(-1)
							tt.serve(c)
						})}
						ctx, cancel := context.WithTimeout(t.Context(), deadline)
						defer cancel()
						began := time.Now()
						err := call(ctx, newClient(t, wire, orgusers.WithAuthToken(token), orgusers.WithBaseURL("http://127.0.0.1"), orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 1})), kind)
						want := min(deadline, 10*time.Second)
						if tt.ends {
							want = 0
						}
						if took := time.Since(began); err == nil || took != want {
							t.Errorf("it ended after %v, want %v: %v", took, want, err)
						}
						if errors.Is(err, orgusers.ErrOutcomeUnknown) != (kind.Writes() && !tt.known) {
							t.Errorf("got %v", err)
						}
						wire.CloseIdleConnections()
						synctest.Wait()
						if n := open.Load(); n != 0 {
							t.Errorf("%d connections are open", n)
						}
					})
				})
			}
		}
	}
}
