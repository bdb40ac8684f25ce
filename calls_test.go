package orgusers_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestNoRequestUnderAContextThatHasEnded(t *testing.T) {
	t.Parallel()
	for name, call := range everyCall {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := call(ctx, t, server, fakeClient(t, server)); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
			if got := len(server.Requests()); got != 0 {
				t.Errorf("%d requests were sent", got)
			}
		})
	}
}

// A list without a sort can lose rows, a search without addresses finds
// everybody, and a body without a type is refused.
func TestRulesThatEveryRequestKeeps(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for name, call := range everyCall {
		server := startFake(t, orguserstest.WithUsers(250), orguserstest.WithRoleUIDs())
		if err := call(t.Context(), t, server, fakeClient(t, server)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, r := range server.Requests() {
			seen[r.Operation] = true
			checkRules(t, name, r)
		}
	}
	for _, operation := range []string{
		"list users", "search users", "list organization roles", "get organization", "list organizations",
		"list stacks", "list stack roles", "get current user", "log in", "log out",
	} {
		if !seen[operation] {
			t.Errorf("nothing sent %q", operation)
		}
	}
}

func checkRules(t *testing.T, call string, r orguserstest.Request) {
	t.Helper()
	if r.Operation == "" || r.Status != http.StatusOK {
		t.Errorf("%s: %s %s is no request that the API answers: %d", call, r.Method, r.Path, r.Status)
	}
	if strings.HasPrefix(r.Operation, "list ") {
		if (r.Query.Get("asc") == "") == (r.Query.Get("desc") == "") {
			t.Errorf("%s: %q was sent without a sort, or with two: %v", call, r.Operation, r.Query)
		}
		if r.Query.Get("include_count") != "true" || r.Query.Get("limit") == "" {
			t.Errorf("%s: %q was sent without a limit, or without asking for the count: %v", call, r.Operation, r.Query)
		}
	}
	if r.Operation == "search users" {
		var asked struct{ Emails []string }
		if err := json.Unmarshal(r.Body, &asked); err != nil || len(asked.Emails) == 0 {
			t.Errorf("%s: a search without addresses was sent: %s", call, r.Body)
		}
	}
	hasBody := len(r.Body) > 0 || r.Operation == "log in" // whose body is not in the log
	if got := r.Header.Get("Content-Type"); hasBody && got != "application/json" {
		t.Errorf("%s: %q was sent with a body of type %q", call, r.Operation, got)
	}
}

// everyCall is each method that sends something.
var everyCall = map[string]func(context.Context, *testing.T, *orguserstest.Server, *orgusers.Client) error{
	"ListUsers": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) error {
		_, err := c.ListUsers(ctx, nil)
		return err
	},
	"ListUsers by last login downwards": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) error {
		_, err := c.ListUsers(ctx, &orgusers.ListUsersOptions{Sort: orgusers.Sort{By: orgusers.SortByLastLogin, Descending: true}, Search: "a", PageSize: 9, Skip: 3})
		return err
	},
	"ListUsers downwards by nothing": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) error {
		_, err := c.ListUsers(ctx, &orgusers.ListUsersOptions{Sort: orgusers.Sort{Descending: true}})
		return err
	},
	"Users": func(ctx context.Context, t *testing.T, _ *orguserstest.Server, c *orgusers.Client) error {
		_, err := collect(t, c.Users(ctx, nil))
		return err
	},
	"Users by address": func(ctx context.Context, t *testing.T, _ *orguserstest.Server, c *orgusers.Client) error {
		_, err := collect(t, c.Users(ctx, &orgusers.ListUsersOptions{Sort: orgusers.Sort{By: orgusers.SortByEmail}, Search: "a"}))
		return err
	},
	"FindUsers": func(ctx context.Context, _ *testing.T, s *orguserstest.Server, c *orgusers.Client) error {
		_, err := c.FindUsers(ctx, emails(expected(s.Users()))...)
		return err
	},
	"GetUser": func(ctx context.Context, _ *testing.T, s *orguserstest.Server, c *orgusers.Client) error {
		_, err := c.GetUser(ctx, s.Email)
		return err
	},
	"ListRoles": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) error {
		_, err := c.ListRoles(ctx, &orgusers.ListRolesOptions{IncludeStackRoles: true})
		return err
	},
	"RoleByName": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) error {
		_, err := c.RoleByName(ctx, "admin")
		return err
	},
	"Organization": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) error {
		_, err := c.Organization(ctx, nil)
		return err
	},
	"ListOrganizations": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) error {
		_, err := c.ListOrganizations(ctx, nil)
		return err
	},
	"Organizations": func(ctx context.Context, t *testing.T, _ *orguserstest.Server, c *orgusers.Client) error {
		_, err := collect(t, c.Organizations(ctx, nil))
		return err
	},
	"Stacks and StackRoles": func(ctx context.Context, t *testing.T, _ *orguserstest.Server, c *orgusers.Client) error {
		stacks, err := collect(t, c.Stacks(ctx, nil))
		for _, stack := range stacks {
			_, failed := collect(t, c.StackRoles(ctx, stack.APIKey))
			err = errors.Join(err, failed)
		}
		return err
	},
	"CurrentUser": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) error {
		_, err := c.CurrentUser(ctx)
		return err
	},
	"ExportCSV": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) error {
		_, err := c.ExportCSV(ctx, io.Discard, nil)
		return err
	},
	"Login": func(ctx context.Context, _ *testing.T, s *orguserstest.Server, _ *orgusers.Client) error {
		_, err := orgusers.Login(ctx, orgusers.Credentials{Email: s.Email, Password: orguserstest.Password}, orgusers.WithBaseURL(s.URL))
		return err
	},
	"Logout": func(ctx context.Context, _ *testing.T, _ *orguserstest.Server, c *orgusers.Client) error {
		return c.Logout(ctx)
	},
}
