package transport

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

const token = "blt-a-token-of-the-tests"

// newTransport returns a Transport for a base URL, with changes to its
// configuration.
func newTransport(t *testing.T, base string, client *http.Client, changes ...func(*Config)) *Transport {
	t.Helper()
	parsed, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	config := Config{
		BaseURL:    parsed,
		HTTPClient: client,
		Logger:     slog.New(slog.DiscardHandler),
		Token:      func(context.Context) (string, error) { return token, nil },
		UserAgent:  "tests/1",
		Retry:      Retry{MaxAttempts: 6, BaseDelay: time.Second, MaxDelay: 3 * time.Second, MaxRetryAfter: time.Minute},
	}
	for _, change := range changes {
		change(&config)
	}
	return New(config)
}

// impatient has limits that are not noticed, and backoffs of a microsecond.
func impatient(c *Config) {
	c.Limits = Limits{Reads: 10_000, Writes: 10_000, Bulk: 10_000}
	c.Retry.BaseDelay, c.Retry.MaxDelay = time.Microsecond, time.Microsecond
}

// Requests of each kind that a repetition depends on.
var (
	read        = Request{Op: "GetThing", Template: "/things/{uid}", Method: http.MethodGet, Path: "/things/1"}
	readByPost  = Request{Op: "FindThings", Template: "/things/search", Method: http.MethodPost, Path: "/things/search", Body: []byte(`{"a":1}`)}
	write       = Request{Op: "AddThing", Template: "/things", Method: http.MethodPost, Path: "/things", Body: []byte(`{"a":1}`), Kind: Write}
	writeByGet  = Request{Op: "MailThing", Template: "/things/{uid}/mail", Method: http.MethodGet, Path: "/things/1/mail", Kind: Write}
	bareDelete  = Request{Op: "EndThing", Template: "/things/{uid}", Method: http.MethodDelete, Path: "/things/1", Kind: Write}
	barePost    = Request{Op: "DoThing", Template: "/things/{uid}", Method: http.MethodPost, Path: "/things/1", Kind: Write}
	bulk        = Request{Op: "AddThings", Template: "/bulk", Method: http.MethodPost, Path: "/bulk", Kind: Bulk}
	allRequests = map[string]Request{
		"read": read, "read by POST": readByPost, "write": write, "write by GET": writeByGet,
		"bare DELETE": bareDelete, "bare POST": barePost, "bulk": bulk,
	}
)

// call makes a call and returns the status and body of its response.
func (t *Transport) call(ctx context.Context, request Request) (status int, body string, attempts int, err error) {
	attempts, err = t.Do(ctx, &request, func(r *Response) error {
		status, body = r.Status, string(r.Body)
		return nil
	})
	return status, body, attempts, err
}

// reply makes one response, or a failure of the connection.
type reply func(*http.Request) (*http.Response, error)

func status(code int, header ...string) reply {
	return responds(code, `{"error_message":"It failed."}`, header...)
}

func responds(code int, text string, header ...string) reply {
	return func(r *http.Request) (*http.Response, error) {
		response := &http.Response{
			StatusCode: code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(text)),
		}
		for i := 0; i+1 < len(header); i += 2 {
			response.Header.Set(header[i], header[i+1])
		}
		return response, nil
	}
}

func fails(err error) reply {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// breaksOff sends half of a body.
func breaksOff(r *http.Request) (*http.Response, error) {
	response, err := good(r)
	response.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"thi`), failingReader{}))
	return response, err
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// hangs never responds.
func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// hangsInBody sends a part of a body and no more, until the body is closed.
func hangsInBody(r *http.Request) (*http.Response, error) {
	response, err := good(r)
	reader, writer := io.Pipe()
	go func() { _, _ = writer.Write([]byte("{")) }()
	response.Body = reader
	return response, err
}

var (
	good  = responds(http.StatusOK, `{"thing":{}}`)
	reset = fails(&net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")})
	dial  = fails(&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")})
)

// script responds to one request after the other, with its last reply for good.
type script struct {
	replies []reply

	mu   sync.Mutex
	sent []time.Time
	seen []*http.Request
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	next := s.replies[min(len(s.sent), len(s.replies)-1)]
	s.sent = append(s.sent, time.Now())
	s.seen = append(s.seen, r)
	s.mu.Unlock()
	return next(r)
}

// scripted returns a Transport whose requests get these replies.
func scripted(t *testing.T, replies ...reply) (*Transport, *script) {
	t.Helper()
	s := &script{replies: replies}
	return newTransport(t, "https://api.example.com/base", &http.Client{Transport: s}), s
}
