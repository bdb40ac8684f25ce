package faults_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

// TestBatches changes many addresses, and checks what a failure of one request means for
// the addresses of the others.
func TestBatches(t *testing.T) {
	t.Parallel()
	redirect := orguserstest.Redirect(302, "https://sso.example.com/")
	others := statusOf(200).WithBody(`{"shares":[{"uid":"blt1","email":"other@example.com","org_roles":[]}]}`)
	tests := []struct {
		name      string
		operation string
		fault     orguserstest.Fault
		spoiled   string // the server rejects requests with this address
		err       error  // nil: any error
		want      counts
		requests  int
	}{
		{"rejected because of one address", "WithdrawInvitations", none, operations.Pending(3), orgusers.ErrInvalid, counts{orgusers.OutcomeDone: 11, orgusers.OutcomeFailed: 1}, 12},
		{"rejected because of one address, never sent twice", "UpdateRoles", none, operations.Member(3), orgusers.ErrInvalid, counts{orgusers.OutcomeDone: 2, orgusers.OutcomeFailed: 10}, 2},
		{"the token ends", "RemoveUsers", with(always, statusOf(401)), "", orgusers.ErrUnauthorized, counts{orgusers.OutcomeNotStarted: 12}, 1},
		{"the token ends after the first request", "RemoveUsers", orguserstest.Fault{Skip: 1, Effect: statusOf(401)}, "", orgusers.ErrUnauthorized, counts{orgusers.OutcomeDone: 10, orgusers.OutcomeNotStarted: 2}, 2},
		{"redirected", "RemoveUsers", with(always, redirect), "", nil, counts{orgusers.OutcomeFailed: 10, orgusers.OutcomeNotStarted: 2}, 1},
		{"redirected after the change", "RemoveUsers", orguserstest.Fault{After: true, Effect: redirect}, "", nil, counts{orgusers.OutcomeDone: 12}, 2},
		{"forbidden", "RemoveUsers", with(always, statusOf(403)), "", orgusers.ErrForbidden, counts{orgusers.OutcomeFailed: 12}, 2},
		{"a response with rows of others", "Invite", with(always, others), "", orgusers.ErrOutcomeUnknown, counts{orgusers.OutcomeUnknown: 12}, 2},
		{"a response with rows of others, removed", "RemoveUsers", with(always, others), "", orgusers.ErrOutcomeUnknown, counts{orgusers.OutcomeUnknown: 12}, 2},
		{"lost", "EndSessions", with(always, orguserstest.Reset()), "", orgusers.ErrOutcomeUnknown, counts{orgusers.OutcomeUnknown: 12}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := *byName(tt.operation)
				fake := newCrowd(t)
				wire := &counted{RoundTripper: fake.Transport()}
				a := newArguments(t, o, fake, roundTripper(func(r *http.Request) (*http.Response, error) {
					if !o.Matches(r.Method, r.URL.Path) {
						return fake.Transport().RoundTrip(r)
					}
					content, err := io.ReadAll(r.Body)
					if err != nil {
						return nil, err
					}
					r.Body = io.NopCloser(bytes.NewReader(content))
					if tt.spoiled != "" && bytes.Contains(content, []byte(tt.spoiled)) {
						wire.sent.Add(1)
						return status(http.StatusUnprocessableEntity)(r)
					}
					return wire.RoundTrip(r)
				}))
				tt.fault.Method, tt.fault.Path = o.Method, o.Path
				fake.AddFault(tt.fault)
				result, err := o.Change.Run(t.Context(), a, o.Change.Targets, orgusers.BulkOptions{})
				if (err == nil) != (tt.want[orgusers.OutcomeDone] == len(result.Outcomes)) || tt.err != nil && !errors.Is(err, tt.err) {
					t.Errorf("got %v, want %v", err, tt.err)
				}
				for _, outcome := range result.Outcomes {
					checkOutcome(t, fake, o.Change, outcome)
				}
				for status, n := range tt.want {
					if result.Count(status) != n {
						t.Errorf("%d are %s, want %d: %v", result.Count(status), status, n, err)
					}
				}
				if n := wire.sent.Load(); n != int64(tt.requests) {
					t.Errorf("%d requests were sent, want %d", n, tt.requests)
				}
			})
		})
	}
}

type counts map[orgusers.OutcomeStatus]int
