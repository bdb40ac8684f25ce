package faults_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
)

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
