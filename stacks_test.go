package orgusers_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

func TestStacksAndTheirRoles(t *testing.T) {
	t.Parallel()
	for name, opts := range onPages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, opts...)
			client := fakeClient(t, server)
			owner := server.Users()[0]
			var names []string
			for _, stack := range mustCollect(t, client.Stacks(t.Context(), nil)) {
				names = append(names, stack.Name)
				by := orgusers.Owner{Email: owner.Email, FirstName: owner.FirstName, LastName: owner.LastName}
				if stack.UID == "" || stack.APIKey == "" || stack.OwnerUID != owner.UID || stack.Owner != by || stack.Users.Count < 1 || stack.CreatedAt.IsZero() || stack.UpdatedAt.IsZero() {
					t.Errorf("got %+v", stack)
				}
				var roles []string
				for _, role := range mustCollect(t, client.StackRoles(t.Context(), stack.APIKey)) {
					roles = append(roles, role.Name)
				}
				if diff := cmp.Diff([]string{"Admin", "Developer", "Content Manager"}, roles); diff != "" {
					t.Errorf("%s: -want +got:\n%s", stack.Name, diff)
				}
			}
			if diff := cmp.Diff([]string{"Website", "Mobile App", "Knowledge Base"}, names); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			found := mustCollect(t, client.Stacks(t.Context(), &orgusers.StacksOptions{Search: "app"}))
			if len(found) != 1 || found[0].Name != "Mobile App" {
				t.Errorf("a search found %v", found)
			}
		})
	}
}

// TestUpdateStackAccess changes members who have the stack and members who do not. It
// keeps their order and does not touch other stacks.
func TestUpdateStackAccess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := crowded(t)
		stack, other := server.Stacks()[0], server.Stacks()[1]
		first, second, third := stack.Roles[0].UID, stack.Roles[1].UID, stack.Roles[2].UID
		for i, roles := range [][]string{{first}, nil, {third, second}, nil, {first, second, third}} {
			server.SetStackAccess(operations.Member(i), stack.APIKey, roles...)
			server.SetStackAccess(operations.Member(i), other.APIKey, other.Roles[i%3].UID)
			server.SetStackAccess(operations.Member(i), server.Stacks()[2].APIKey)
		}
		given := operations.Twelve(operations.Member)[:5]
		steps := []struct {
			roles  []string
			want   []string
			writes []string
			detail string
		}{
			{[]string{"developer", third, second}, []string{"done", "done", "skipped: unchanged", "done", "done"}, []string{"/v3/stacks/share", "/v3/stacks/users/roles"}, fmt.Sprintf("role %q is %s", "Developer", second)},
			{[]string{third, second}, slices.Repeat([]string{"skipped: unchanged"}, 5), nil, ""},
			{nil, slices.Repeat([]string{"done"}, 5), slices.Repeat([]string{"/v3/stacks/unshare"}, 5), ""},
			{nil, slices.Repeat([]string{"skipped: unchanged"}, 5), nil, ""},
		}
		for i, step := range steps {
			server.ClearRequests()
			progress, last := counts(t, 5)
			result, err := client.UpdateStackAccess(t.Context(), stack.APIKey, given, step.roles, &orgusers.BulkOptions{Progress: progress})
			if diff := cmp.Diff(step.want, summaries(result)); diff != "" || err != nil || last() != 5 {
				t.Errorf("step %d: got %v, progress ended at %d: %s", i, err, last(), diff)
			}
			var writes []string
			for _, r := range server.Requests() {
				if r.Write {
					writes = append(writes, r.Path)
				}
			}
			if diff := cmp.Diff(step.writes, writes); diff != "" || result.Outcomes[0].Detail != step.detail {
				t.Errorf("step %d: the detail is %q: %s", i, result.Outcomes[0].Detail, diff)
			}
			for j, email := range given {
				want := map[string][]string{stack.APIKey: {third, second}, other.APIKey: {other.Roles[j%3].UID}}
				if i >= 2 {
					delete(want, stack.APIKey)
				}
				if u, _ := server.User(email); cmp.Diff(want, u.Stacks, anyOrder) != "" || result.Outcomes[j].Email != email {
					t.Errorf("step %d: %s has %v, want %v", i, email, u.Stacks, want)
				}
			}
		}
	})
}

// TestUpdateStackAccessWithWrongArguments starts nothing.
func TestUpdateStackAccessWithWrongArguments(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := crowded(t)
		good := server.Stacks()[0].APIKey
		for _, tt := range []struct {
			key   string
			roles []string
			want  string
		}{
			{"bltunknown", []string{"Developer"}, "not_started: invalid_stack"},
			{"", []string{"Developer"}, "not_started: invalid_stack"},
			{"bltunknown", nil, "not_started: invalid_stack"},
			{good, []string{""}, "not_started: invalid_role"},
			{good, []string{"Member"}, "not_started: invalid_role"},
			{good, []string{"Developer", "bltunknown"}, "not_started: invalid_role"},
		} {
			for _, options := range []*orgusers.BulkOptions{nil, {DryRun: true}, {SkipRefused: true}} {
				result, err := client.UpdateStackAccess(t.Context(), tt.key, []string{operations.Member(0), operations.Pending(0), operations.Stranger(0)}, tt.roles, options)
				want := []string{tt.want, "skipped: pending", "skipped: not_in_organization"}
				if diff := cmp.Diff(want, summaries(result)); diff != "" || !errors.Is(err, orgusers.ErrInvalid) || writesTo(server) > 0 {
					t.Errorf("%q, %q: got %v after %d writes: %s", tt.key, tt.roles, err, writesTo(server), diff)
				}
			}
		}
	})
}

// TestUpdateStackAccessWithoutUsers has a server that does not say who has a stack.
func TestUpdateStackAccessWithoutUsers(t *testing.T) {
	t.Parallel()
	for _, roles := range [][]string{{"k1"}, nil} {
		server := &sharesServer{rows: []shareRow{memberRow(1, "ada@example.com")}, fixed: map[string]string{"GET /roles": `{"roles":[{"uid":"k1","name":"Developer","admin":false}],"count":1}`}}
		result, err := newClient(t, server).UpdateStackAccess(t.Context(), "blt9", []string{"ada@example.com"}, roles, nil)
		if got := summaries(result)[0]; err == nil || got != "not_started: read_failed" || len(server.writes) > 0 {
			t.Errorf("got %s, %v after %d writes", got, err, len(server.writes))
		}
	}
}

// TestUpdateStackAccessReadBack loses the response to a change of roles, and shows
// another state than before.
func TestUpdateStackAccessReadBack(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		prepare func(s *orguserstest.Server, change func(role int))
		want    string
		writes  int
	}{
		{"not made at first", func(s *orguserstest.Server, _ func(int)) {
			s.AddFault(orguserstest.Fault{Path: "/v3/stacks/users/roles", Times: 1, Effect: orguserstest.Reset()})
		}, "done", 2},
		{"somebody gives another role", func(s *orguserstest.Server, change func(int)) {
			s.AddFault(orguserstest.Fault{Path: "/v3/stacks/users/roles", Effect: orguserstest.Reset()})
			s.OnRequest(func(r *orguserstest.Request) {
				if r.Write {
					change(2)
				}
			})
		}, "unknown: no_response", 1},
		{"accepted, and not made", func(s *orguserstest.Server, _ func(int)) {
			s.AddFault(orguserstest.Fault{Path: "/v3/stacks/users/roles", Effect: orguserstest.Status(200).WithBody(`{"notice":"ok"}`)})
		}, "unknown: no_response", 1},
		{"the roles cannot be read back", func(s *orguserstest.Server, _ func(int)) {
			s.AddFault(orguserstest.Fault{Path: "/v3/roles", Skip: 1, Effect: orguserstest.Status(403)})
		}, "unknown: no_response", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, client := crowded(t)
				stack := server.Stacks()[0]
				change := func(role int) {
					server.SetStackAccess(operations.Member(0), stack.APIKey, stack.Roles[role].UID)
				}
				change(0)
				tt.prepare(server, change)
				result, err := client.UpdateStackAccess(t.Context(), stack.APIKey, []string{operations.Member(0)}, []string{"Developer"}, nil)
				if got := summaries(result)[0]; got != tt.want || errors.Is(err, orgusers.ErrOutcomeUnknown) != strings.HasPrefix(tt.want, "unknown") || writesTo(server) != tt.writes {
					t.Errorf("got %s, %v after %d writes, want %s after %d", got, err, writesTo(server), tt.want, tt.writes)
				}
			})
		})
	}
}
