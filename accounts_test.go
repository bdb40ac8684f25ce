package orgusers_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

type accountAction func(*orgusers.Client, context.Context, []string, *orgusers.BulkOptions) (*orgusers.BulkResult, error)

var accountActions = map[string]accountAction{
	"UnlockUsers":        (*orgusers.Client).UnlockUsers,
	"ResetMFA":           (*orgusers.Client).ResetMFA,
	"ForcePasswordReset": (*orgusers.Client).ForcePasswordReset,
	"EndSessions":        (*orgusers.Client).EndSessions,
}

func TestNoEndpoint(t *testing.T) {
	t.Parallel()
	client := newClient(t, fails(errors.New("a request was sent")))
	for name, call := range accountActions {
		for _, dry := range []bool{true, false} {
			result, err := call(client, t.Context(), []string{operations.Member(0), operations.Member(1)}, &orgusers.BulkOptions{DryRun: dry})
			if got := summaries(result); !errors.Is(err, orgusers.ErrNoEndpoint) || !strings.Contains(err.Error(), "WithEndpoints") || len(got) != 2 || got[1] != "not_started: no_endpoint" {
				t.Errorf("%s: got %v, %v", name, got, err)
			}
		}
		if _, err := call(client, t.Context(), nil, nil); !errors.Is(err, orgusers.ErrRefused) {
			t.Errorf("%s of nobody: got %v, want ErrRefused", name, err)
		}
		result, err := call(client, t.Context(), []string{"x", operations.Member(0)}, nil)
		if got := summaries(result); !errors.Is(err, orgusers.ErrRefused) || got[0] != "refused: invalid_address" || got[1] != "not_started: no_endpoint" {
			t.Errorf("%s of a malformed address: got %v, %v", name, got, err)
		}
	}
}

func TestEndpointsThatAreInvalid(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		endpoint orgusers.Endpoint
	}{
		{"no path", orgusers.Endpoint{Method: http.MethodPost}},
		{"no path, a function", orgusers.Endpoint{Encode: func(orgusers.EndpointRequest) (any, error) { return 1, nil }}},
		{"no organization", orgusers.Endpoint{Path: "/v3/unlock"}},
		{"a placeholder in a word", orgusers.Endpoint{Path: "/v3/x{organization_uid}/unlock"}},
		{"another placeholder", orgusers.Endpoint{Path: "/v3/{organization_uid}/{user}/unlock"}},
		{"another origin", orgusers.Endpoint{Path: "https://evil.example.com/{organization_uid}"}},
		{"another origin without a scheme", orgusers.Endpoint{Path: "//evil.example.com/{organization_uid}"}},
		{"a relative path", orgusers.Endpoint{Path: "v3/{organization_uid}/unlock"}},
		{"upwards", orgusers.Endpoint{Path: "/v3/../{organization_uid}/unlock"}},
		{"a query", orgusers.Endpoint{Path: "/v3/{organization_uid}/unlock?force=true"}},
		{"a malformed method", orgusers.Endpoint{Method: "post it", Path: "/v3/{organization_uid}/unlock"}},
	}
	for _, tt := range tests {
		for name, endpoints := range map[string]orgusers.Endpoints{
			"Unlock": {Unlock: tt.endpoint}, "ResetMFA": {ResetMFA: tt.endpoint}, "ForcePasswordReset": {ForcePasswordReset: tt.endpoint},
			"EndSessions": {EndSessions: tt.endpoint}, "UpdateRoles": {UpdateRoles: tt.endpoint},
		} {
			_, err := orgusers.New("blt1", orgusers.WithAuthToken(token), orgusers.WithEndpoints(endpoints))
			if !errors.Is(err, orgusers.ErrInvalid) || !strings.Contains(err.Error(), "the endpoint "+name+": ") {
				t.Errorf("%s: got %v, want ErrInvalid that names the endpoint %s", tt.name, err, name)
			}
		}
	}
}

// TestAccountActions follows the rules of the product, which the fake keeps.
func TestAccountActions(t *testing.T) {
	t.Parallel()
	people := []orguserstest.Person{
		{Email: operations.Owner, Owner: true, FirstName: "Ona", LastName: "Owner"},
		{Email: operations.Admin, Roles: []string{"Admin"}, FirstName: "Ada", LastName: "Admin"},
		{Email: "locked@example.com", FirstName: "Lo", LastName: "Cked", FailedLogins: 10},
		{Email: "free@example.com", FirstName: "Fr", LastName: "Ee"},
		{Email: "elsewhere@example.com", FirstName: "El", LastName: "Se", FailedLogins: 10, SeveralOrganizations: true},
		{Email: "secured@example.com", FirstName: "Se", LastName: "Cured", MFA: true},
	}
	const skipped = "skipped: endpoint: "
	want := map[string][]string{
		"UnlockUsers":        {"done", skipped + "not locked", skipped + "in several organizations", skipped + "not locked"},
		"ResetMFA":           {skipped + "no MFA", skipped + "no MFA", skipped + "no MFA", "done"},
		"ForcePasswordReset": {"done", "done", "done", "done"},
		"EndSessions":        {skipped + "no session", skipped + "no session", skipped + "in several organizations", "done"},
	}
	synctest.Test(t, func(t *testing.T) {
		server := orguserstest.NewUnstartedServer(orguserstest.WithPeople(people...))
		defer server.Close()
		server.SignIn("secured@example.com")
		client := clientOf(t, server, orgusers.WithEndpoints(server.Endpoints()))
		for name, call := range accountActions {
			var given []string
			for _, p := range people[2:] {
				given = append(given, p.Email)
			}
			result, err := call(client, t.Context(), given, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := summaries(result)
			for i, outcome := range result.Outcomes {
				if outcome.Detail != "" {
					got[i] += ": " + outcome.Detail
				}
			}
			if diff := cmp.Diff(want[name], got); diff != "" {
				t.Errorf("%s: %s", name, diff)
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

// TestEndpointWithoutABody has an endpoint without functions, whose response has no body.
func TestEndpointWithoutABody(t *testing.T) {
	t.Parallel()
	path := "/v3/organizations/{organization_uid}/fake/end_sessions"
	for _, status := range []int{200, 204} {
		synctest.Test(t, func(t *testing.T) {
			server, _ := crowded(t)
			server.AddFault(orguserstest.Fault{Path: path, Effect: orguserstest.Status(status).WithBody("")})
			client := clientOf(t, server, orgusers.WithEndpoints(orgusers.Endpoints{EndSessions: orgusers.Endpoint{Path: path}}))
			if result, err := client.EndSessions(t.Context(), operations.Twelve(operations.Member), nil); err != nil || result.Count(orgusers.OutcomeDone) != 12 {
				t.Errorf("%d: got %v, %v", status, err, summaries(result))
			}
		})
	}
}

// TestEncodeAndDecode has functions that fail, or decode outcomes of all kinds. The
// other addresses are done.
func TestEncodeAndDecode(t *testing.T) {
	t.Parallel()
	failure := errors.New("no")
	decode := func(outcomes ...orgusers.Outcome) orgusers.Endpoint {
		return orgusers.Endpoint{Decode: func([]byte) ([]orgusers.Outcome, error) { return outcomes, nil }}
	}
	third := func(status orgusers.OutcomeStatus, err error) orgusers.Endpoint {
		return decode(orgusers.Outcome{Email: "\u212aEN@Example.com", Status: status, Detail: "some words", Err: err})
	}
	const done = "done"
	tests := []struct {
		name     string
		endpoint orgusers.Endpoint
		others   string
		third    string
		is       error
	}{
		{"Encode fails", orgusers.Endpoint{Encode: func(orgusers.EndpointRequest) (any, error) { return nil, failure }}, "not_started: not_sent", "not_started: not_sent", failure},
		{"Encode fails with the error of a request", orgusers.Endpoint{Encode: func(orgusers.EndpointRequest) (any, error) {
			return nil, &orgusers.Error{StatusCode: 500}
		}}, "not_started: not_sent", "not_started: not_sent", orgusers.ErrInvalid},
		{"Encode returns a function", orgusers.Endpoint{Encode: func(orgusers.EndpointRequest) (any, error) { return func() {}, nil }}, "not_started: not_sent", "not_started: not_sent", orgusers.ErrInvalid},
		{"Decode fails", orgusers.Endpoint{Decode: func([]byte) ([]orgusers.Outcome, error) { return nil, failure }}, "unknown: no_response", "unknown: no_response", failure},
		{"Decode fails with the error of a request", orgusers.Endpoint{Decode: func([]byte) ([]orgusers.Outcome, error) {
			return nil, &orgusers.Error{StatusCode: 404}
		}}, "unknown: no_response", "unknown: no_response", orgusers.ErrOutcomeUnknown},
		{"nothing", decode(), done, done, nil},
		{"done", third(orgusers.OutcomeDone, nil), done, done, nil},
		{"skipped", third(orgusers.OutcomeSkipped, nil), done, "skipped: endpoint", nil},
		{"failed", third(orgusers.OutcomeFailed, nil), done, "failed: endpoint", nil},
		{"failed with an error", third(orgusers.OutcomeFailed, failure), done, "failed: endpoint", failure},
		{"another status", third("locked", nil), done, "unknown: endpoint", orgusers.ErrOutcomeUnknown},
		{"no status", third("", nil), done, "unknown: endpoint", orgusers.ErrOutcomeUnknown},
		{"an address in another spelling", decode(orgusers.Outcome{Email: "\u212aim@example.com", Status: orgusers.OutcomeFailed}), "unknown: endpoint", "unknown: endpoint", orgusers.ErrOutcomeUnknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				given := []string{"ada@example.com", "kim@example.com", "ken@example.com", "\u212aen@example.com", "bob@example.com"}
				server := new(sharesServer)
				for i, email := range given {
					server.rows = append(server.rows, memberRow(i, email))
				}
				tt.endpoint.Path = "/v3/organizations/{organization_uid}/reset"
				result, err := newClient(t, server, orgusers.WithEndpoints(orgusers.Endpoints{ForcePasswordReset: tt.endpoint})).ForcePasswordReset(t.Context(), given, nil)
				want := slices.Repeat([]string{tt.others}, 5)
				want[3] = tt.third
				if diff := cmp.Diff(want, summaries(result)); diff != "" || tt.is != nil && !errors.Is(err, tt.is) {
					t.Errorf("got %v, want %v: %s", err, tt.is, diff)
				}
				if problem := strings.TrimPrefix(tt.third, done) != "" && !strings.HasPrefix(tt.third, "skipped"); (err != nil) != problem || errors.Is(err, orgusers.ErrOutcomeUnknown) != strings.HasPrefix(tt.third, "unknown") {
					t.Errorf("got %v", err)
				}
				if detail := result.Outcomes[3].Detail; tt.third != tt.others && detail != "some words" {
					t.Errorf("the detail is %q", detail)
				}
			})
		})
	}
}

// TestUpdateRolesByEndpoint reads back what the endpoint calls done.
func TestUpdateRolesByEndpoint(t *testing.T) {
	t.Parallel()
	member := operations.Member(0)
	for decoded, want := range map[orgusers.OutcomeStatus]string{
		orgusers.OutcomeDone: "failed: not_applied", orgusers.OutcomeSkipped: "skipped: endpoint", orgusers.OutcomeFailed: "failed: endpoint", "": "failed: not_applied",
	} {
		synctest.Test(t, func(t *testing.T) {
			server, _ := crowded(t)
			path := server.Endpoints().UpdateRoles.Path
			server.AddFault(orguserstest.Fault{Path: path, Effect: orguserstest.Status(200).WithBody(`{}`)})
			var asked orgusers.EndpointRequest
			client := clientOf(t, server, orgusers.WithEndpoints(orgusers.Endpoints{UpdateRoles: orgusers.Endpoint{
				Path:   path,
				Encode: func(r orgusers.EndpointRequest) (any, error) { asked = r; return r, nil },
				Decode: func([]byte) ([]orgusers.Outcome, error) {
					if decoded == "" {
						return nil, nil
					}
					return []orgusers.Outcome{{Email: member, Status: decoded, Detail: "some words"}}, nil
				},
			}}))
			result, err := client.UpdateRoles(t.Context(), []string{member}, []string{"Admin"}, nil)
			if got := summaries(result)[0]; got != want || writesTo(server) != 1 {
				t.Errorf("%q: got %s, %v after %d writes, want %s", decoded, got, err, writesTo(server), want)
			}
			if diff := cmp.Diff(orgusers.EndpointRequest{Emails: []string{member}, RoleUIDs: []string{server.RoleUID("Admin")}}, asked); diff != "" {
				t.Error(diff)
			}
			detail := fmt.Sprintf("role %q is %s", server.Roles()[0].Name, server.RoleUID("Admin"))
			if endpoint := strings.HasSuffix(want, "endpoint"); strings.HasSuffix(result.Outcomes[0].Detail, "; some words") != endpoint || !strings.HasPrefix(result.Outcomes[0].Detail, detail) {
				t.Errorf("the detail is %q", result.Outcomes[0].Detail)
			}
		})
	}
}

// TestSendPasswordResets sends no token, and works for locked accounts.
func TestSendPasswordResets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := crowded(t)
		result, err := client.SendPasswordResets(t.Context(), []string{operations.Member(0), operations.Owner, operations.Admin}, nil)
		if err != nil || result.Count(orgusers.OutcomeDone) != 3 {
			t.Errorf("got %v, %v", err, summaries(result))
		}
		for i, r := range server.Requests()[len(server.Requests())-3:] {
			if r.Path != "/v3/user/forgot_password" || r.Header.Get("Authtoken") != "" || r.Header.Get("Authorization") != "" {
				t.Errorf("request %d: %s with %v", i, r.Path, r.Header)
			}
		}
		if u, _ := server.User(operations.Member(0)); !u.Locked || len(server.Outbox()) != 3 {
			t.Errorf("%d emails, locked: %v", len(server.Outbox()), u.Locked)
		}
	})
}
