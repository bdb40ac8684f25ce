package faults_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
)

// getOrganization sends one read.
func getOrganization(ctx context.Context, client *orgusers.Client) error {
	_, err := client.GetOrganization(ctx, nil)
	return err
}

// TestRetries sends the four kinds of requests into failures that differ from attempt to
// attempt. TestMatrix has those that do not.
func TestRetries(t *testing.T) {
	t.Parallel()
	type want struct {
		attempts int
		is       []error // nil: success
	}
	unknown, success := []error{orgusers.ErrOutcomeUnknown}, []error(nil)
	tests := []struct {
		name        string
		responses   []roundTripper
		read, write want
	}{
		{"success", []roundTripper{good}, want{1, success}, want{1, success}},
		{"429 twice", []roundTripper{status(429), status(429), good}, want{3, success}, want{3, success}},
		{"429, reset", []roundTripper{status(429), reset, good}, want{3, success}, want{2, unknown}},
		{"dial, 503", []roundTripper{dialRefused, status(503), good}, want{3, success}, want{2, []error{orgusers.ErrServer, orgusers.ErrOutcomeUnknown}}},
		{"503, 422", []roundTripper{status(503), status(422)}, want{2, []error{orgusers.ErrInvalid}}, want{1, []error{orgusers.ErrServer, orgusers.ErrOutcomeUnknown}}},
		{"429, 403", []roundTripper{status(429), status(403)}, want{2, []error{orgusers.ErrForbidden}}, want{2, []error{orgusers.ErrForbidden}}},
		{"broken off", []roundTripper{breaksOff, good}, want{2, success}, want{1, unknown}},
		{"503 by default", []roundTripper{status(503)}, want{6, []error{orgusers.ErrServer}}, want{1, []error{orgusers.ErrServer, orgusers.ErrOutcomeUnknown}}},
	}
	for _, tt := range tests {
		for _, kind := range kinds() {
			t.Run(tt.name+"/"+kind.Name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					want := tt.read
					if kind.Writes() {
						want = tt.write
					}
					s := &script{responses: tt.responses}
					err := call(t.Context(), newClient(t, s, orgusers.WithAuthToken(token)), kind)
					if len(s.sent) != want.attempts {
						t.Errorf("it was sent %d times, want %d: %v", len(s.sent), want.attempts, err)
					}
					if want.is != nil {
						checkError(t, err, int64(want.attempts), want.is...)
					} else if err != nil {
						t.Errorf("got %v, want success", err)
					}
				})
			})
		}
	}
}

func TestRetryWaits(t *testing.T) {
	t.Parallel()
	policy := orgusers.RetryPolicy{MaxAttempts: 5, BaseDelay: time.Second, MaxDelay: 3 * time.Second, MaxRetryAfter: time.Minute}
	const second = time.Second
	tests := []struct {
		name     string
		fails    roundTripper
		attempts int
		min, max time.Duration // in all
		is       error         // nil: the second attempt succeeds
	}{
		{"full jitter below 1, 2, 3 and 3 seconds", status(500), 5, 0, 9 * second, orgusers.ErrServer},
		{"Retry-After in seconds", status(429, "Retry-After", "7"), 2, 7 * second, 7 * second, nil},
		{"Retry-After with a fraction", status(429, "Retry-After", "1.5"), 2, 1500 * time.Millisecond, 1500 * time.Millisecond, nil},
		{"Retry-After as a date of the server's clock", status(429, "Retry-After", "Wed, 21 Oct 2015 07:28:09 GMT", "Date", "Wed, 21 Oct 2015 07:28:00 GMT"), 2, 9 * second, 9 * second, nil},
		{"Retry-After in the past", status(429, "Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT", "Date", "Wed, 21 Oct 2015 07:28:09 GMT"), 2, 0, second, nil},
		{"Retry-After with a 503", status(503, "Retry-After", "7"), 2, 7 * second, 8 * second, nil},
		{"X-RateLimit-Reset", status(429, "X-RateLimit-Reset", "1445412489", "Date", "Wed, 21 Oct 2015 07:28:00 GMT"), 2, 9 * second, 9 * second, nil},
		{"X-RateLimit-Reset with a 503", status(503, "X-RateLimit-Reset", "1445412570", "Date", "Wed, 21 Oct 2015 07:28:00 GMT"), 2, 0, second, nil},
		{"nonsense", status(429, "Retry-After", "soon", "X-RateLimit-Reset", "-5"), 2, 0, second, nil},
		{"negative", status(429, "Retry-After", "-3"), 2, 0, second, nil},
		{"not a number", status(429, "Retry-After", "NaN"), 2, 0, second, nil},
		{"an hour", status(429, "Retry-After", "3600"), 1, 0, 0, orgusers.ErrRateLimited},
		{"an epoch", status(429, "Retry-After", "1445412489"), 1, 0, 0, orgusers.ErrRateLimited},
		{"more than any number", status(429, "Retry-After", "1e300"), 1, 0, 0, orgusers.ErrRateLimited},
		{"an hour with a 503", status(503, "Retry-After", "3600"), 1, 0, 0, orgusers.ErrServer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{responses: []roundTripper{tt.fails, good}}
				if tt.is != nil {
					s.responses = s.responses[:1]
				}
				began := time.Now()
				err := getOrganization(t.Context(), newClient(t, s, orgusers.WithAuthToken(token), orgusers.WithRetry(policy)))
				took := time.Since(began)
				if len(s.sent) != tt.attempts || took < tt.min || took > tt.max+time.Millisecond {
					t.Errorf("it was sent %d times in %v, want %d in %v to %v", len(s.sent), took, tt.attempts, tt.min, tt.max)
				}
				if !errors.Is(err, tt.is) {
					t.Errorf("got %v, want %v", err, tt.is)
				}
			})
		})
	}
}

// A pause that is too long for one call must neither end all calls for an hour, nor let
// them continue at once.
func TestLongRetryAfterPausesOtherCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{responses: []roundTripper{status(429, "Retry-After", "3600"), good}}
		client := newClient(t, s, orgusers.WithAuthToken(token))
		failure, ok := errors.AsType[*orgusers.Error](getOrganization(t.Context(), client))
		if !ok || failure.RetryAfter != time.Hour {
			t.Fatalf("got %v, want an error with RetryAfter of an hour", failure)
		}
		if err := getOrganization(t.Context(), client); err != nil {
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
		name      string
		responses []roundTripper
		cancel    bool // after 100 ms; otherwise the deadline is then
		attempts  int
		took      time.Duration
		is        []error
	}{
		{"canceled while it waits", []roundTripper{status(429, "Retry-After", "10")}, true, 1, 100 * time.Millisecond, []error{context.Canceled, orgusers.ErrRateLimited}},
		{"canceled in the second attempt", []roundTripper{status(503), hangsInBody}, true, 2, 100 * time.Millisecond, []error{context.Canceled, orgusers.ErrServer}},
		{"deadline before the pause ends", []roundTripper{status(429, "Retry-After", "10")}, false, 1, 0, []error{context.DeadlineExceeded, orgusers.ErrRateLimited}},
		{"deadline before the backoff ends", []roundTripper{status(503, "Retry-After", "10")}, false, 1, 0, []error{context.DeadlineExceeded, orgusers.ErrServer}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{responses: tt.responses}
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				if tt.cancel {
					ctx, cancel = context.WithCancel(t.Context())
					time.AfterFunc(100*time.Millisecond, cancel)
				}
				defer cancel()
				began := time.Now()
				err := getOrganization(ctx, newClient(t, s, orgusers.WithAuthToken(token), orgusers.WithRetry(orgusers.RetryPolicy{BaseDelay: time.Millisecond})))
				if took := time.Since(began); took != tt.took || len(s.sent) != tt.attempts {
					t.Errorf("it was sent %d times in %v, want %d in %v", len(s.sent), took, tt.attempts, tt.took)
				}
				checkError(t, err, int64(tt.attempts), tt.is...)
				if !strings.Contains(err.Error(), "It went wrong.") {
					t.Errorf("the error does not have the text of the last response: %v", err)
				}
			})
		})
	}
}

// A server that is down gets the retries of the first calls, and then one attempt for each
// call until it responds again.
func TestRetriesOfAServerThatIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down, sent := true, 0
		client := newClient(t, roundTripper(func(r *http.Request) (*http.Response, error) {
			sent++
			if down {
				return status(503)(r)
			}
			return good(r)
		}), orgusers.WithAuthToken(token))
		attempts := func() int {
			before := sent
			_ = getOrganization(t.Context(), client)
			return sent - before
		}
		if n := attempts(); n != 6 {
			t.Errorf("the first call was sent %d times, want 6", n)
		}
		for range 50 {
			attempts()
		}
		if n := attempts(); n != 1 || sent > 52+20 {
			t.Errorf("52 calls were sent %d times, the last %d times; want about 20 retries in all", sent, n)
		}
		down = false
		for range 50 {
			attempts()
		}
		down = true
		if n := attempts(); n != 6 {
			t.Errorf("after 50 successes a call was sent %d times, want 6", n)
		}
	})
}

// The log has the reason of each retry.
func TestLogOfRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := &script{responses: []roundTripper{fails(io.ErrUnexpectedEOF), status(503, "X-Request-Id", "r-17"), good}}
		client := newClient(t, s, orgusers.WithAuthToken(token), orgusers.WithLogger(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
		if err := getOrganization(t.Context(), client); err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.SplitN(log.String(), "\n", 3)[:2] {
			if want := []string{`"error":"`, `"status":503,"request_id":"r-17"`}[i]; !strings.Contains(line, want) || !strings.Contains(line, `"retry_in"`) {
				t.Errorf("attempt %d is logged as %s", i+1, line)
			}
		}
	})
}
