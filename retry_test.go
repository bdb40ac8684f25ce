package orgusers_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
)

// answer makes one answer, or a failure of the connection.
type answer func(*http.Request) (*http.Response, error)

func status(code int, header ...string) answer {
	return body(code, `{"error_message":"It went wrong.","error_code":119}`, header...)
}

func body(code int, text string, header ...string) answer {
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

func fails(err error) answer {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// breaksOff sends half of a body.
func breaksOff(r *http.Request) (*http.Response, error) {
	response, err := good(r)
	response.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"organization":{"u`), failingReader{}))
	return response, err
}

// hangsInBody sends a part of a body and no more.
func hangsInBody(r *http.Request) (*http.Response, error) {
	response, err := good(r)
	response.Body = io.NopCloser(io.MultiReader(strings.NewReader(strings.Repeat("x", 100)), hangingReader{r.Context()}))
	return response, err
}

type hangingReader struct{ ctx context.Context } //nolint:containedctx // that of the request it belongs to

func (r hangingReader) Read([]byte) (int, error) {
	<-r.ctx.Done()
	return 0, r.ctx.Err()
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

var (
	good  = body(http.StatusOK, `{"organization":{"uid":"blt1"}}`)
	reset = fails(&net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")})
	dial  = fails(&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")})
)

// script answers one request after the other, the last answer for good.
type script struct {
	answers []answer
	sent    []time.Time
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	next := s.answers[min(len(s.sent), len(s.answers)-1)]
	s.sent = append(s.sent, time.Now())
	return next(r)
}

// What is sent: a read, a write with a body, and a write by GET.
var kinds = map[string]func(context.Context, *orgusers.Client) error{
	"read": func(ctx context.Context, c *orgusers.Client) error {
		_, err := c.GetOrganization(ctx, nil)
		return err
	},
	"read by POST": func(ctx context.Context, c *orgusers.Client) error {
		var out struct{}
		return c.Do(ctx, orgusers.Request{Method: http.MethodPost, Path: "/search", Body: out, ReadOnly: true}, &out)
	},
	"write": func(ctx context.Context, c *orgusers.Client) error {
		var out struct{}
		return c.Do(ctx, orgusers.Request{Method: http.MethodPost, Path: "/things", Body: out}, &out)
	},
	"write by GET": func(ctx context.Context, c *orgusers.Client) error {
		var out struct{}
		return c.Do(ctx, orgusers.Request{Path: "/things/{thing}/resend", PathValues: map[string]string{"thing": "a"}}, &out)
	},
}

// TestRetries is the table of the package documentation.
func TestRetries(t *testing.T) {
	t.Parallel()
	const all = 6 // attempts by default
	var (
		ok      []error
		unknown = []error{orgusers.ErrOutcomeUnknown}
	)
	type want struct {
		attempts int
		is       []error
	}
	tests := []struct {
		name        string
		answers     []answer
		read, write want
	}{
		{"success", []answer{good}, want{1, ok}, want{1, ok}},
		{"429 once", []answer{status(429), good}, want{2, ok}, want{2, ok}},
		{"429 for good", []answer{status(429)}, want{all, []error{orgusers.ErrRateLimited}}, want{all, []error{orgusers.ErrRateLimited}}},
		{"500 once", []answer{status(500), good}, want{2, ok}, want{1, unknown}},
		{"502 once", []answer{status(502), good}, want{2, ok}, want{1, unknown}},
		{"503 once", []answer{status(503), good}, want{2, ok}, want{1, unknown}},
		{"504 once", []answer{status(504), good}, want{2, ok}, want{1, unknown}},
		{"500 for good", []answer{status(500)}, want{all, []error{orgusers.ErrServer}}, want{1, []error{orgusers.ErrServer, orgusers.ErrOutcomeUnknown}}},
		{"501", []answer{status(501)}, want{1, []error{orgusers.ErrServer}}, want{1, unknown}},
		{"400", []answer{status(400)}, want{1, []error{orgusers.ErrInvalid}}, want{1, []error{orgusers.ErrInvalid}}},
		{"401", []answer{status(401)}, want{1, []error{orgusers.ErrUnauthorized}}, want{1, []error{orgusers.ErrUnauthorized}}},
		{"403", []answer{status(403)}, want{1, []error{orgusers.ErrForbidden}}, want{1, []error{orgusers.ErrForbidden}}},
		{"404", []answer{status(404)}, want{1, []error{orgusers.ErrNotFound}}, want{1, []error{orgusers.ErrNotFound}}},
		{"408", []answer{status(408)}, want{1, []error{nil}}, want{1, []error{nil}}},
		{"409", []answer{status(409)}, want{1, []error{orgusers.ErrConflict}}, want{1, []error{orgusers.ErrConflict}}},
		{"422", []answer{status(422)}, want{1, []error{orgusers.ErrInvalid}}, want{1, []error{orgusers.ErrInvalid}}},
		{"dial once", []answer{dial, good}, want{2, ok}, want{2, ok}},
		{"dial for good", []answer{dial}, want{all, []error{nil}}, want{all, []error{nil}}},
		{"reset once", []answer{reset, good}, want{2, ok}, want{1, unknown}},
		{"reset for good", []answer{reset}, want{all, []error{nil}}, want{1, unknown}},
		{"429, then reset", []answer{status(429), reset, good}, want{3, ok}, want{2, unknown}},
		{"broken off once", []answer{breaksOff, good}, want{2, ok}, want{1, unknown}},
		{"certificate", []answer{fails(&tls.CertificateVerificationError{Err: errors.New("unknown authority")}), good}, want{1, []error{nil}}, want{1, unknown}},
		{"303", []answer{status(303), good}, want{1, []error{nil}}, want{1, unknown}},
		{"HTML", []answer{body(200, "<html>")}, want{1, []error{orgusers.ErrServer}}, want{1, unknown}},
		{"empty", []answer{body(200, "")}, want{1, []error{orgusers.ErrServer}}, want{1, unknown}},
		{"too large", []answer{body(200, `"`+strings.Repeat("x", 33<<20)+`"`)}, want{1, []error{nil}}, want{1, unknown}},
	}
	for _, tt := range tests {
		for kind, call := range kinds {
			want := tt.read
			if strings.HasPrefix(kind, "write") {
				want = tt.write
			}
			t.Run(tt.name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := &script{answers: tt.answers}
					err := call(t.Context(), newClient(t, s))
					if len(s.sent) != want.attempts {
						t.Errorf("sent %d times, want %d; %v", len(s.sent), want.attempts, err)
					}
					checkError(t, err, want.is, want.attempts)
				})
			})
		}
	}
}

// checkError wants an *Error that is each of these, success for none, and any
// *Error for a nil one; unknown only if it is among them.
func checkError(t *testing.T, err error, is []error, attempts int) {
	t.Helper()
	if is == nil {
		if err != nil {
			t.Errorf("got %v, want success", err)
		}
		return
	}
	var failure *orgusers.Error
	if !errors.As(err, &failure) {
		t.Fatalf("got %v, want an *Error", err)
	}
	if failure.Attempts != attempts {
		t.Errorf("the error speaks of %d attempts, want %d", failure.Attempts, attempts)
	}
	unknown := false
	for _, target := range is {
		if target != nil && !errors.Is(err, target) {
			t.Errorf("got %v, want %v", err, target)
		}
		unknown = unknown || target == orgusers.ErrOutcomeUnknown //nolint:errorlint // it is the sentinel that is wanted
	}
	if errors.Is(err, orgusers.ErrOutcomeUnknown) != unknown {
		t.Errorf("outcome unknown is %v, want %v: %v", !unknown, unknown, err)
	}
}

func TestRetryWaits(t *testing.T) {
	t.Parallel()
	policy := orgusers.RetryPolicy{MaxAttempts: 5, BaseDelay: time.Second, MaxDelay: 3 * time.Second, MaxRetryAfter: time.Minute}
	tests := []struct {
		name     string
		answers  []answer
		attempts int
		min, max time.Duration // of everything
		is       error         // nil: success
	}{
		{"full jitter below 1, 2, 3 and 3 seconds", []answer{status(500)}, 5, 0, 9 * time.Second, orgusers.ErrServer},
		{"Retry-After in seconds", []answer{status(429, "Retry-After", "7"), good}, 2, 7 * time.Second, 7 * time.Second, nil},
		{"Retry-After with a fraction", []answer{status(429, "Retry-After", "1.5"), good}, 2, 1500 * time.Millisecond, 1500 * time.Millisecond, nil},
		{"Retry-After as a date by the server's clock", []answer{status(429, "Retry-After", "Wed, 21 Oct 2015 07:28:09 GMT", "Date", "Wed, 21 Oct 2015 07:28:00 GMT"), good}, 2, 9 * time.Second, 9 * time.Second, nil},
		{"Retry-After in the past", []answer{status(429, "Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT", "Date", "Wed, 21 Oct 2015 07:28:09 GMT"), good}, 2, 0, time.Second, nil},
		{"Retry-After with a 503", []answer{status(503, "Retry-After", "7"), good}, 2, 7 * time.Second, 8 * time.Second, nil},
		{"X-RateLimit-Reset", []answer{status(429, "X-RateLimit-Reset", "1445412489", "Date", "Wed, 21 Oct 2015 07:28:00 GMT"), good}, 2, 9 * time.Second, 9 * time.Second, nil},
		{"X-RateLimit-Reset with a 503", []answer{status(503, "X-RateLimit-Reset", "1445412570", "Date", "Wed, 21 Oct 2015 07:28:00 GMT"), good}, 2, 0, time.Second, nil},
		{"nonsense", []answer{status(429, "Retry-After", "soon", "X-RateLimit-Reset", "-5"), good}, 2, 0, time.Second, nil},
		{"negative", []answer{status(429, "Retry-After", "-3"), good}, 2, 0, time.Second, nil},
		{"not a number", []answer{status(429, "Retry-After", "NaN"), good}, 2, 0, time.Second, nil},
		{"an hour", []answer{status(429, "Retry-After", "3600"), good}, 1, 0, 0, orgusers.ErrRateLimited},
		{"an epoch", []answer{status(429, "Retry-After", "1445412489"), good}, 1, 0, 0, orgusers.ErrRateLimited},
		{"beyond every number", []answer{status(429, "Retry-After", "1e300"), good}, 1, 0, 0, orgusers.ErrRateLimited},
		{"an hour with a 503", []answer{status(503, "Retry-After", "3600"), good}, 1, 0, 0, orgusers.ErrServer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: tt.answers}
				began := time.Now()
				_, err := newClient(t, s, orgusers.WithRetry(policy)).GetOrganization(t.Context(), nil)
				took := time.Since(began)
				if len(s.sent) != tt.attempts || took < tt.min || took > tt.max+time.Millisecond {
					t.Errorf("sent %d times in %v, want %d in %v to %v", len(s.sent), took, tt.attempts, tt.min, tt.max)
				}
				if !errors.Is(err, tt.is) {
					t.Errorf("got %v, want %v", err, tt.is)
				}
			})
		})
	}
}

// A pause that is too long for one call is one that others keep in part: they
// must neither be shut out for an hour, nor hammer.
func TestLongRetryAfterPausesOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{status(429, "Retry-After", "3600"), good}}
		client := newClient(t, s)
		_, err := client.GetOrganization(t.Context(), nil)
		var failure *orgusers.Error
		if !errors.As(err, &failure) || failure.RetryAfter != time.Hour {
			t.Fatalf("got %v, want an error with RetryAfter of an hour", err)
		}
		if _, err := client.GetOrganization(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if waited := s.sent[1].Sub(s.sent[0]); waited != time.Minute {
			t.Errorf("the next call waited %v, want the minute of MaxRetryAfter", waited)
		}
	})
}

func TestInterruptedRetry(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		answers  []answer
		cancel   bool // after 100 ms; else a deadline then
		attempts int
		took     time.Duration
		is       []error
	}{
		{"cancelled while it waits to repeat", []answer{status(429, "Retry-After", "10")}, true, 1, 100 * time.Millisecond, []error{context.Canceled, orgusers.ErrRateLimited}},
		{"cancelled while it repeats", []answer{status(503), hangsInBody}, true, 2, 100 * time.Millisecond, []error{context.Canceled, orgusers.ErrServer}},
		{"deadline before the pause ends", []answer{status(429, "Retry-After", "10")}, false, 1, 0, []error{context.DeadlineExceeded, orgusers.ErrRateLimited}},
		{"deadline before the backoff ends", []answer{status(503, "Retry-After", "10")}, false, 1, 0, []error{context.DeadlineExceeded, orgusers.ErrServer}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{answers: tt.answers}
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				if tt.cancel {
					ctx, cancel = context.WithCancel(t.Context())
					time.AfterFunc(100*time.Millisecond, cancel)
				}
				defer cancel()
				began := time.Now()
				_, err := newClient(t, s, orgusers.WithRetry(orgusers.RetryPolicy{BaseDelay: time.Millisecond})).GetOrganization(ctx, nil)
				if took := time.Since(began); took != tt.took || len(s.sent) != tt.attempts {
					t.Errorf("sent %d times in %v, want %d in %v", len(s.sent), took, tt.attempts, tt.took)
				}
				for _, target := range tt.is {
					if !errors.Is(err, target) {
						t.Errorf("got %v, want %v", err, target)
					}
				}
				if !strings.Contains(err.Error(), "It went wrong.") {
					t.Errorf("the error does not say what the last answer said: %v", err)
				}
			})
		})
	}
}

// A server that is down gets the retries of the first calls, and then one
// attempt for each call, until it is well again.
func TestRetryBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := true
		sent := 0
		client := newClient(t, roundTripper(func(r *http.Request) (*http.Response, error) {
			sent++
			if down {
				return status(503)(r)
			}
			return good(r)
		}))
		call := func() int {
			before := sent
			_, _ = client.GetOrganization(t.Context(), nil)
			return sent - before
		}
		if first := call(); first != 6 {
			t.Errorf("the first call was sent %d times, want 6", first)
		}
		for range 50 {
			call()
		}
		if last := call(); last != 1 || sent > 51+20+1 {
			t.Errorf("52 calls were sent %d times, the last %d times; want about 20 retries in all", sent, last)
		}
		down = false
		for range 50 {
			call()
		}
		down = true
		if again := call(); again != 6 {
			t.Errorf("after 50 successes a call was sent %d times, want 6", again)
		}
	})
}

// What is logged of an attempt that is repeated says why.
func TestLogSaysWhyAnAttemptIsRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := &script{answers: []answer{fails(io.ErrUnexpectedEOF), status(503, "X-Request-Id", "r-17"), good}}
		client := newClient(t, s, orgusers.WithLogger(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
		if _, err := client.GetOrganization(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		first, rest, _ := strings.Cut(log.String(), "\n")
		if !strings.Contains(first, `"retry_in"`) || !strings.Contains(first, `"error"`) {
			t.Errorf("the first attempt is logged as %s", first)
		}
		if second, _, _ := strings.Cut(rest, "\n"); !strings.Contains(second, `"status":503,"request_id":"r-17"`) {
			t.Errorf("the second attempt is logged as %s", second)
		}
	})
}
