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

// TestSOCKSProxies has a proxy that refuses the connection. It is asked once, and the error names it.
func TestSOCKSProxies(t *testing.T) {
	t.Parallel()
	const address = "\x00\x01\x00\x00\x00\x00\x00\x00" // of a SOCKS reply
	tests := []struct {
		name    string
		replies []string
		says    string
	}{
		{"not allowed", []string{"\x05\x00", "\x05\x02" + address}, "not allowed"},
		{"another password", []string{"\x05\x02", "\x01\x01"}, "authentication failed"},
		{"another way to log in", []string{"\x05\xff"}, "authentication"},
		{"another version", []string{"\x04\x00"}, "version"},
	}
	for _, tt := range tests {
		for _, kind := range kinds() {
			t.Run(tt.name+"/"+kind.Name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var asked atomic.Int64
					wire := &http.Transport{
						Proxy: http.ProxyURL(&url.URL{Scheme: "socks5", Host: "proxy.example.com:3128", User: url.UserPassword("proxyuser", "proxypassword")}),
						DialContext: connects(func(c net.Conn) {
							asked.Add(1)
							for _, reply := range tt.replies {
								if _, err := c.Read(make([]byte, 512)); err != nil {
									return
								}
								_, _ = io.WriteString(c, reply)
							}
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
