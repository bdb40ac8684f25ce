package faults_test

import (
	"context"
	"errors"
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
