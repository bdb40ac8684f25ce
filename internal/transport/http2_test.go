package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Frames of HTTP/2, and what they end streams with.
const (
	frameHeaders  = 1
	frameReset    = 3
	frameSettings = 4
	framePing     = 6
	frameGoAway   = 7

	flagAck        = 1
	flagEndStream  = 1
	flagEndHeaders = 4
)

// A resetter is a server of HTTP/2 that responds to the first requests, and then
// resets every stream, or ends every connection, with an error code.
type resetter struct {
	good   int64
	code   uint32
	goAway bool

	seen atomic.Int64
}

func (s *resetter) serve(connection net.Conn) {
	preface := make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	if _, err := io.ReadFull(connection, preface); err != nil {
		return
	}
	send := func(kind, flags byte, stream uint32, payload []byte) {
		var frame bytes.Buffer
		length := len(payload)
		frame.Write([]byte{byte(length >> 16), byte(length >> 8), byte(length), kind, flags})
		_ = binary.Write(&frame, binary.BigEndian, stream)
		frame.Write(payload)
		_, _ = connection.Write(frame.Bytes())
	}
	send(frameSettings, 0, 0, nil)
	header := make([]byte, 9)
	for {
		if _, err := io.ReadFull(connection, header); err != nil {
			return
		}
		payload := make([]byte, int(header[0])<<16|int(header[1])<<8|int(header[2]))
		if _, err := io.ReadFull(connection, payload); err != nil {
			return
		}
		kind, flags, stream := header[3], header[4], binary.BigEndian.Uint32(header[5:])
		switch {
		case kind == frameSettings && flags&flagAck == 0:
			send(frameSettings, flagAck, 0, nil)
		case kind == framePing && flags&flagAck == 0:
			send(framePing, flagAck, 0, payload)
		case kind != frameHeaders:
		case s.seen.Add(1) <= s.good:
			send(frameHeaders, flagEndHeaders|flagEndStream, stream, []byte{0x88}) // :status 200
		case s.goAway:
			last := make([]byte, 8)
			binary.BigEndian.PutUint32(last[4:], s.code)
			send(frameGoAway, 0, 0, last) // no stream was processed
		default:
			code := make([]byte, 4)
			binary.BigEndian.PutUint32(code, s.code)
			send(frameReset, 0, stream, code)
		}
	}
}

// listen starts the server and returns its address and a client for it.
func (s *resetter) listen(t *testing.T) (string, *http.Client) {
	t.Helper()
	helper := httptest.NewUnstartedServer(nil) // for its certificate
	helper.EnableHTTP2 = true
	helper.StartTLS()
	t.Cleanup(helper.Close)
	config := &tls.Config{Certificates: helper.TLS.Certificates, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12}
	address := rawServer(t, func(connection net.Conn) {
		secure := tls.Server(connection, config)
		defer secure.Close()
		if secure.HandshakeContext(t.Context()) == nil {
			s.serve(secure)
		}
	})
	trusting, _ := helper.Client().Transport.(*http.Transport)
	transport := trusting.Clone()
	t.Cleanup(transport.CloseIdleConnections)
	return "https://" + address, &http.Client{Transport: transport}
}

// net/http repeats some requests by itself when a stream of HTTP/2 is reset.
// None of them is: writes are sent once, and reads as often as their attempts
// say.
func TestStreamsOfHTTP2AreReset(t *testing.T) {
	t.Parallel()
	codes := map[string]uint32{"PROTOCOL_ERROR": 1, "INTERNAL_ERROR": 2, "REFUSED_STREAM": 7, "CANCEL": 8, "ENHANCE_YOUR_CALM": 11, "HTTP_1_1_REQUIRED": 13}
	for code, number := range codes {
		for _, goAway := range []bool{false, true} {
			for _, good := range []int64{0, 1} {
				for name, request := range allRequests {
					t.Run(fmt.Sprintf("%s/goaway=%v/after %d/%s", code, goAway, good, name), func(t *testing.T) {
						t.Parallel()
						server := &resetter{good: good, code: number, goAway: goAway}
						base, client := server.listen(t)
						wire := newTransport(t, base, client, impatient)
						for range good {
							if _, _, _, err := wire.call(t.Context(), read); err != nil {
								t.Fatal(err)
							}
						}
						ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
						defer cancel()
						_, _, attempts, err := wire.call(ctx, request)
						want := 1
						if request.Kind == Read {
							want = 6
						}
						seen := server.seen.Load() - good
						failure, ok := errors.AsType[*Error](err)
						if !ok || attempts != want || seen != int64(want) || errors.Is(err, context.Canceled) {
							t.Errorf("got %v after %d attempts and %d requests, want %d", err, attempts, seen, want)
						} else if request.Kind != Read && failure.Unsent {
							t.Errorf("the error says that nothing was sent: %v", err)
						}
					})
				}
			}
		}
	}
}

// The first requests of a client, sent together over one new connection of
// HTTP/2, are sent once each.
func TestManyRequestsOnOneNewConnection(t *testing.T) {
	t.Parallel()
	var served atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		if r.ProtoMajor != 2 {
			t.Errorf("a request came by %s", r.Proto)
		}
		if body, err := io.ReadAll(r.Body); err != nil || len(r.TransferEncoding) > 0 || len(body) > 0 && string(body) != "{}" {
			t.Errorf("%s has the body %q, %v", r.Method, body, err)
		}
		_, _ = io.WriteString(w, "{}")
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	wire := newTransport(t, server.URL, server.Client(), impatient)
	var wg sync.WaitGroup
	for range 20 {
		for _, request := range []Request{read, writeByGet, bareDelete, barePost} {
			wg.Go(func() {
				if status, _, attempts, err := wire.call(t.Context(), request); status != 200 || attempts != 1 || err != nil {
					t.Errorf("got %d after %d attempts, %v", status, attempts, err)
				}
			})
		}
	}
	wg.Wait()
	if served.Load() != 80 {
		t.Errorf("%d requests were sent, want 80", served.Load())
	}
}

// closable is a connection that knows whether it was closed.
type closable struct {
	net.Conn

	protocol string
	closed   bool
}

func (c *closable) Close() error { c.closed = true; return nil }

func (c *closable) ConnectionState() tls.ConnectionState {
	return tls.ConnectionState{NegotiatedProtocol: c.protocol}
}

// The hooks of net/http, called as it would call them.
func TestTrace(t *testing.T) {
	t.Parallel()
	type steps func(h *httptrace.ClientTrace, c *closable)
	get := func(h *httptrace.ClientTrace, _ *closable) { h.GetConn("api.example.com:443") }
	fresh := func(h *httptrace.ClientTrace, c *closable) { h.GotConn(httptrace.GotConnInfo{Conn: c}) }
	reused := func(h *httptrace.ClientTrace, c *closable) {
		h.GotConn(httptrace.GotConnInfo{Conn: c, Reused: true})
	}
	tests := []struct {
		name      string
		protocol  string
		steps     []steps
		abandoned bool
		closed    bool
		unsent    bool
		reused    bool
	}{
		{"no hooks", "", nil, false, false, false, false},
		{"no connection", "", []steps{get}, false, false, true, false},
		{"a new connection", "", []steps{get, fresh}, false, false, false, false},
		{"a reused connection", "", []steps{get, reused}, false, false, false, true},
		{"HTTP/2 asks twice before it has a connection", "h2", []steps{get, get, fresh}, false, false, false, false},
		{"a second connection is wanted", "", []steps{get, reused, get}, true, false, false, true},
		{"a second connection is there", "", []steps{get, reused, get, fresh}, true, true, false, true},
		{"a second connection of HTTP/2", "h2", []steps{get, fresh, get, reused}, true, false, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			one := &trace{abandon: func() { calls++ }}
			connection := &closable{protocol: tt.protocol}
			for _, step := range tt.steps {
				step(one.hooks(), connection)
			}
			seen := one.seen()
			if seen.repeated != tt.abandoned || (calls > 0) != tt.abandoned || connection.closed != tt.closed {
				t.Errorf("abandoned %v, %d times; closed %v", seen.repeated, calls, connection.closed)
			}
			if seen.unsent(io.EOF) != tt.unsent || seen.reused != tt.reused {
				t.Errorf("unsent %v, reused %v", seen.unsent(io.EOF), seen.reused)
			}
		})
	}
}
