package orgusers_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// A batch that the server refuses for the sake of one address is sent one by
// one, and only that one fails.
func TestBulkSpoiltByOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, _ := crowded(t)
		client := paced(t, server, orgusers.WithHTTPClient(&http.Client{Transport: spoiling{server.Transport(), pending(3)}}))
		result, err := client.WithdrawInvitations(t.Context(), twelve(pending), nil)
		if !errors.Is(err, orgusers.ErrInvalid) {
			t.Errorf("got %v, want ErrInvalid", err)
		}
		for i, outcome := range result.Outcomes {
			want := orgusers.OutcomeDone
			if i == 3 {
				want = orgusers.OutcomeFailed
			}
			if outcome.Status != want {
				t.Errorf("outcome %d is %s", i, outcome.Status)
			}
		}
	})
}

// spoiling refuses deletions with a certain address in them.
type spoiling struct {
	http.RoundTripper
	email string
}

func (s spoiling) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodDelete {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if bytes.Contains(data, []byte(s.email)) {
			return status(http.StatusUnprocessableEntity)(r)
		}
		r.Body = io.NopCloser(bytes.NewReader(data))
	}
	return s.RoundTripper.RoundTrip(r)
}

// A token that ends midway ends the call: nobody else is tried.
func TestBulkTokenEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := crowded(t)
		server.AddFault(orguserstest.Fault{Method: http.MethodDelete, Effect: orguserstest.Status(401)})
		result, err := client.RemoveUsers(t.Context(), append(twelve(member), twelve(pending)...), nil)
		if !errors.Is(err, orgusers.ErrUnauthorized) || result.Count(orgusers.OutcomeFailed) != 24 {
			t.Errorf("got %v with %d failed", err, result.Count(orgusers.OutcomeFailed))
		}
		if n := changes(server); n != 1 {
			t.Errorf("%d writes were sent, want 1", n)
		}
	})
}

// A redirect that turns out to be no success is not asked for again, batch
// after batch.
func TestBulkRedirected(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]orguserstest.Fault{
		"instead": {Method: http.MethodDelete, Effect: orguserstest.Redirect(302, "https://sso.example.com/")},
		"after":   {Method: http.MethodDelete, Effect: orguserstest.Redirect(303, "/removed"), After: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			server, client := crowded(t)
			server.AddFault(fault)
			result, err := client.RemoveUsers(t.Context(), append(twelve(member), twelve(pending)...), nil)
			done, writes := result.Count(orgusers.OutcomeDone), changes(server)
			if fault.After && (err != nil || done != 24 || writes != 3) {
				t.Errorf("%s: %d done in %d writes, %v", name, done, writes, err)
			}
			if !fault.After && (err == nil || errors.Is(err, orgusers.ErrOutcomeUnknown) || result.Count(orgusers.OutcomeFailed) != 24 || writes != 1) {
				t.Errorf("%s: %d failed after %d writes, %v", name, result.Count(orgusers.OutcomeFailed), writes, err)
			}
		})
	}
}
