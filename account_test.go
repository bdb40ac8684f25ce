package orgusers_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func accountActions() map[string]bulkMethod {
	return map[string]bulkMethod{
		"UnlockUsers":        (*orgusers.Client).UnlockUsers,
		"ResetMFA":           (*orgusers.Client).ResetMFA,
		"ForcePasswordReset": (*orgusers.Client).ForcePasswordReset,
		"EndSessions":        (*orgusers.Client).EndSessions,
	}
}

func TestNoRoute(t *testing.T) {
	t.Parallel()
	s := &script{answers: []answer{good}}
	client := newClient(t, s)
	for name, call := range accountActions() {
		_, err := call(client, t.Context(), []string{member(0)}, &orgusers.BulkOptions{DryRun: true})
		if !errors.Is(err, orgusers.ErrNoEndpoint) || !strings.Contains(err.Error(), "WithEndpoints") || len(s.sent) > 0 {
			t.Errorf("%s: got %v after %d requests", name, err, len(s.sent))
		}
	}
}

func TestWithRoutesRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		route orgusers.Endpoint
	}{
		{"no path", orgusers.Endpoint{Method: http.MethodPost}},
		{"no placeholder", orgusers.Endpoint{Path: "/v3/unlock"}},
		{"a placeholder in a word", orgusers.Endpoint{Path: "/v3/x{organization_uid}/unlock"}},
		{"another placeholder", orgusers.Endpoint{Path: "/v3/{organization_uid}/{user}/unlock"}},
		{"another origin", orgusers.Endpoint{Path: "https://evil.example.com/{organization_uid}"}},
		{"another origin without scheme", orgusers.Endpoint{Path: "//evil.example.com/{organization_uid}"}},
		{"a relative path", orgusers.Endpoint{Path: "v3/{organization_uid}/unlock"}},
		{"upwards", orgusers.Endpoint{Path: "/v3/../{organization_uid}/unlock"}},
		{"a query", orgusers.Endpoint{Path: "/v3/{organization_uid}/unlock?force=true"}},
		{"a method that is none", orgusers.Endpoint{Method: "post it", Path: "/v3/{organization_uid}/unlock"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := orgusers.New("blt1", orgusers.WithAuthToken(token), orgusers.WithEndpoints(orgusers.Endpoints{EndSessions: tt.route}))
			if !errors.Is(err, orgusers.ErrInvalid) || !strings.Contains(err.Error(), "the route EndSessions") {
				t.Errorf("got %v, want ErrInvalid that names the route", err)
			}
		})
	}
}

// TestAccountActions goes by the rules of the product's pages, which the fake
// keeps: done with its effect, or skipped with a reason.
func TestAccountActions(t *testing.T) {
	t.Parallel()
	people := []orguserstest.Person{
		{Email: "owner@example.com", Owner: true, FirstName: "Ona", LastName: "Owner"},
		{Email: "admin@example.com", Roles: []string{"Admin"}, FirstName: "Ada", LastName: "Admin"},
		{Email: "locked@example.com", FirstName: "Lo", LastName: "Cked", FailedLogins: 10},
		{Email: "free@example.com", FirstName: "Fr", LastName: "Ee"},
		{Email: "elsewhere@example.com", FirstName: "El", LastName: "Se", FailedLogins: 10, SeveralOrganizations: true},
		{Email: "secured@example.com", FirstName: "Se", LastName: "Cured", MFA: true},
	}
	synctest.Test(t, func(t *testing.T) {
		server := orguserstest.NewUnstartedServer(orguserstest.WithPeople(people...))
		defer server.Close()
		server.SignIn("secured@example.com")
		client := paced(t, server, orgusers.WithEndpoints(server.Endpoints()))
		everybody := []string{"locked@example.com", "free@example.com", "elsewhere@example.com", "secured@example.com"}
		want := map[string][]string{
			"UnlockUsers":        {"done", "skipped: not locked", "skipped: in several organizations", "skipped: not locked"},
			"ResetMFA":           {"skipped: no MFA", "skipped: no MFA", "skipped: no MFA", "done"},
			"ForcePasswordReset": {"done", "done", "done", "done"},
			"EndSessions":        {"skipped: no session", "skipped: no session", "skipped: in several organizations", "done"},
		}
		for name, call := range accountActions() {
			result, err := call(client, t.Context(), everybody, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, outcome := range result.Outcomes {
				got := string(outcome.Status)
				if outcome.Reason != "" {
					got += ": " + outcome.Reason
				}
				if got != want[name][i] {
					t.Errorf("%s of %s: %s, want %s", name, outcome.Email, got, want[name][i])
				}
			}
		}
		if u, _ := server.User("locked@example.com"); u.Locked || !u.PasswordResetRequired {
			t.Errorf("after all: %+v", u)
		}
		if u, _ := server.User("secured@example.com"); u.MFA || len(u.Sessions) > 0 {
			t.Errorf("after all: %+v", u)
		}
	})
}

// A route may answer with nothing but a status.
func TestRouteAnswers204(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, _ := crowded(t)
		route := orgusers.Endpoint{Path: server.Endpoints().EndSessions.Path}
		server.AddFault(orguserstest.Fault{Path: route.Path, Effect: orguserstest.Status(204).WithBody("")})
		client := paced(t, server, orgusers.WithEndpoints(orgusers.Endpoints{EndSessions: route}))
		result, err := client.EndSessions(t.Context(), twelve(member), nil)
		if err != nil || result.Count(orgusers.OutcomeDone) != 12 {
			t.Errorf("got %v, %d done", err, result.Count(orgusers.OutcomeDone))
		}
	})
}

func TestRouteIsMissing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := crowded(t, orguserstest.WithoutEndpoints())
		for name, call := range accountActions() {
			result, err := call(client, t.Context(), twelve(member), nil)
			if !errors.Is(err, orgusers.ErrNotFound) || result.Count(orgusers.OutcomeFailed) != 12 {
				t.Errorf("%s: got %v, %d failed", name, err, result.Count(orgusers.OutcomeFailed))
			}
		}
		if len(server.Outbox()) > 0 {
			t.Error("there is mail")
		}
	})
}

func TestRouteOfTheCaller(t *testing.T) {
	t.Parallel()
	failure := errors.New("no")
	tests := []struct {
		name  string
		route orgusers.Endpoint
		is    error
		count map[orgusers.OutcomeStatus]int
	}{
		{"encoder fails", orgusers.Endpoint{Encode: func(orgusers.EndpointRequest) (any, error) { return nil, failure }}, failure, map[orgusers.OutcomeStatus]int{orgusers.OutcomeFailed: 12}},
		{"decoder fails", orgusers.Endpoint{Decode: func([]byte) ([]orgusers.Outcome, error) { return nil, failure }}, orgusers.ErrOutcomeUnknown, map[orgusers.OutcomeStatus]int{orgusers.OutcomeUnknown: 12}},
		{"decoder tells of a failure", orgusers.Endpoint{Decode: func([]byte) ([]orgusers.Outcome, error) {
			return []orgusers.Outcome{{Email: member(3), Status: orgusers.OutcomeFailed, Reason: "no"}}, nil
		}}, nil, map[orgusers.OutcomeStatus]int{orgusers.OutcomeDone: 11, orgusers.OutcomeFailed: 1}},
		{"decoder tells what is no outcome", orgusers.Endpoint{Decode: func([]byte) ([]orgusers.Outcome, error) {
			return []orgusers.Outcome{{Email: member(3), Status: "locked"}, {Email: member(4)}}, nil
		}}, orgusers.ErrOutcomeUnknown, map[orgusers.OutcomeStatus]int{orgusers.OutcomeDone: 10, orgusers.OutcomeUnknown: 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, _ := crowded(t)
				tt.route.Path = server.Endpoints().ForcePasswordReset.Path
				client := paced(t, server, orgusers.WithEndpoints(orgusers.Endpoints{ForcePasswordReset: tt.route}))
				result, err := client.ForcePasswordReset(t.Context(), twelve(member), nil)
				if err == nil || tt.is != nil && !errors.Is(err, tt.is) {
					t.Errorf("got %v, want %v", err, tt.is)
				}
				for status, n := range tt.count {
					if result.Count(status) != n {
						t.Errorf("%d are %s, want %d", result.Count(status), status, n)
					}
				}
			})
		})
	}
}

func TestTransferOwnershipRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, admin := crowded(t)
		owner := paced(t, server, orgusers.WithAuthToken(server.SignIn("owner@example.com")))
		for name, call := range map[string]error{
			"no address":      owner.TransferOwnership(t.Context(), "nobody"),
			"a stranger":      owner.TransferOwnership(t.Context(), stranger(0)),
			"a pending":       owner.TransferOwnership(t.Context(), pending(0)),
			"the owner":       owner.TransferOwnership(t.Context(), "owner@example.com"),
			"an admin's self": admin.TransferOwnership(t.Context(), "admin@example.com"),
		} {
			if !errors.Is(call, orgusers.ErrRefused) {
				t.Errorf("%s: got %v, want ErrRefused", name, call)
			}
		}
		if n := changes(server); n > 0 {
			t.Errorf("%d writes were sent", n)
		}
		if err := admin.TransferOwnership(t.Context(), member(0)); !errors.Is(err, orgusers.ErrForbidden) {
			t.Errorf("an admin got %v, want ErrForbidden", err)
		}
		if err := owner.TransferOwnership(t.Context(), member(0)); err != nil {
			t.Error(err)
		}
	})
}

func TestSendPasswordReset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := crowded(t)
		if err := client.SendPasswordReset(t.Context(), "nobody"); !errors.Is(err, orgusers.ErrRefused) || changes(server) > 0 {
			t.Errorf("no address: got %v", err)
		}
		if err := client.SendPasswordReset(t.Context(), member(0)); err != nil || mailsTo(server, member(0)) != 1 {
			t.Errorf("got %v and %d mails", err, mailsTo(server, member(0)))
		}
	})
}

func TestAuditLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, client := crowded(t)
		for i := range 12 {
			for range 5 {
				if err := client.ResendInvitationTo(t.Context(), pending(i)); err != nil {
					t.Fatal(err)
				}
			}
		}
		me, err := client.GetCurrentUser(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		count := func(options *orgusers.AuditLogOptions) int {
			n := 0
			for entry, err := range client.AuditLog(t.Context(), options) {
				if err != nil {
					t.Fatal(err)
				}
				if entry.UID == "" || len(entry.Raw) == 0 {
					t.Errorf("an entry is empty: %+v", entry)
				}
				n++
			}
			return n
		}
		if n := count(nil); n != 60 {
			t.Errorf("%d entries, want 60", n)
		}
		if n := count(&orgusers.AuditLogOptions{CreatedBy: me.UID}); n != 60 {
			t.Errorf("%d entries of mine, want 60", n)
		}
		if n := count(&orgusers.AuditLogOptions{CreatedBy: "somebody else"}); n != 0 {
			t.Errorf("%d entries of somebody else, want 0", n)
		}
		for entry, err := range client.AuditLog(t.Context(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			one, err := client.GetAuditEntry(t.Context(), entry.UID)
			if err != nil || one.UID != entry.UID {
				t.Errorf("got %+v, %v", one, err)
			}
			if n := count(&orgusers.AuditLogOptions{Since: entry.CreatedAt, EventType: entry.EventType}); n == 0 {
				t.Error("the last entry is not in its own filter")
			}
			if n := count(&orgusers.AuditLogOptions{Until: entry.CreatedAt}); n >= 60 {
				t.Errorf("%d entries before the last", n)
			}
			break
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, err := range client.AuditLog(ctx, nil) {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		}
	})
}

func TestAuditEntryMarshals(t *testing.T) {
	t.Parallel()
	for entry, want := range map[string]string{`{"uid":"a","extra":{"b":[1]}}`: `{"uid":"a","extra":{"b":[1]}}`, `{}`: `{}`} {
		var e orgusers.AuditEntry
		if err := json.Unmarshal([]byte(entry), &e); err != nil {
			t.Fatal(err)
		}
		for _, value := range []any{e, &e, []orgusers.AuditEntry{e}[0]} {
			if got, err := json.Marshal(value); err != nil || string(got) != want {
				t.Errorf("got %s, %v, want %s", got, err, want)
			}
		}
	}
	if got, err := json.Marshal(orgusers.AuditEntry{}); err != nil || string(got) != "null" {
		t.Errorf("an empty one: %s, %v", got, err)
	}
}
