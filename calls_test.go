package orgusers_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// runInProcess runs an operation without a socket, for a bubble of
// testing/synctest.
func runInProcess(ctx context.Context, t *testing.T, server *orguserstest.Server, name string, operation scanned) error {
	t.Helper()
	_, err := runScanned(ctx, t, server, name, operation, []orgusers.Option{
		orgusers.WithBaseURL("http://127.0.0.1"),
		orgusers.WithHTTPClient(&http.Client{Transport: server.Transport()}),
		orgusers.WithEndpoints(server.Endpoints()),
	}, cmp.Or(server.SignIn(callerOf(name)), server.AuthToken), false, true)
	return err
}

func TestNoRequestUnderAContextThatHasEnded(t *testing.T) {
	t.Parallel()
	for name, operation := range scannedOperations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := orguserstest.NewUnstartedServer(orguserstest.WithPeople(crowd()...))
				defer server.Close()
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				if err := runInProcess(ctx, t, server, name, operation); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v, want context.Canceled", err)
				}
				if got := len(server.Requests()); got != 0 {
					t.Errorf("%d requests were sent", got)
				}
			})
		})
	}
}

// A list without a sort can lose rows, a search without addresses finds
// everybody, and a body without a type is refused.
func TestRulesThatEveryRequestKeeps(t *testing.T) {
	t.Parallel()
	check := func(name string, operation scanned, opts ...orguserstest.Option) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := orguserstest.NewUnstartedServer(opts...)
				defer server.Close()
				if err := runInProcess(t.Context(), t, server, name, operation); err != nil {
					t.Error(err)
				}
				for _, r := range server.Requests() {
					checkRules(t, r)
				}
				if len(server.Requests()) == 0 {
					t.Error("nothing was sent")
				}
			})
		})
	}
	for name, operation := range scannedOperations {
		check(name, operation, orguserstest.WithPeople(crowd()...))
	}
	for name, operation := range otherRequests {
		check(name, operation, orguserstest.WithUsers(250), orguserstest.WithRoleUIDs())
	}
}

func checkRules(t *testing.T, r orguserstest.Request) {
	t.Helper()
	if r.Operation == "" || r.Status != http.StatusOK {
		t.Errorf("%s %s is no request that the API answers: %d", r.Method, r.Path, r.Status)
	}
	switch r.Operation {
	case "ListUsers", "Roles", "Stacks", "StackRoles", "Organizations": // the audit log has no order and no count
		if (r.Query.Get("asc") == "") == (r.Query.Get("desc") == "") {
			t.Errorf("%q was sent without a sort, or with two: %v", r.Operation, r.Query)
		}
		if r.Query.Get("include_count") != "true" || r.Query.Get("limit") == "" {
			t.Errorf("%q was sent without a limit, or without asking for the count: %v", r.Operation, r.Query)
		}
	}
	if r.Operation == "FindUsers" {
		var asked struct{ Emails []string }
		if err := json.Unmarshal(r.Body, &asked); err != nil || len(asked.Emails) == 0 {
			t.Errorf("a search without addresses was sent: %s", r.Body)
		}
	}
	hasBody := len(r.Body) > 0 || r.Operation == "Login" // whose body is not in the log
	if got := r.Header.Get("Content-Type"); hasBody && got != "application/json" {
		t.Errorf("%q was sent with a body of type %q", r.Operation, got)
	}
}

// otherRequests are what options and larger organizations make of lists and
// searches.
var otherRequests = map[string]scanned{
	"ListUsers by last login downwards": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return c.ListUsers(ctx, &orgusers.ListUsersOptions{Sort: orgusers.Sort{By: orgusers.SortByLastLogin, Descending: true}, Search: "a", PageSize: 9, Skip: 3})
	},
	"ListUsers downwards by nothing": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return c.ListUsers(ctx, &orgusers.ListUsersOptions{Sort: orgusers.Sort{Descending: true}})
	},
	"Users of several pages": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return rows(c.Users(ctx, nil))
	},
	"Users by address": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return rows(c.Users(ctx, &orgusers.ListUsersOptions{Sort: orgusers.Sort{By: orgusers.SortByEmail}, Search: "a"}))
	},
	"FindUsers of all addresses": func(ctx context.Context, _ *testing.T, s *orguserstest.Server, c *orgusers.Client) (any, error) {
		return c.FindUsers(ctx, emails(expected(s.Users()))...)
	},
	"ListRoles with those of stacks": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) (any, error) {
		return c.ListRoles(ctx, &orgusers.ListRolesOptions{IncludeStackRoles: true})
	},
	"ExportCSV with role uids": scannedOperations["ExportCSV"],
}
