package orgusers_test

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestRolesThatCannotBe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := crowded(t)
		for _, roles := range [][]string{nil, {"bltunknown"}, {server.RoleUID("Admin"), "bltunknown"}} {
			result, err := client.UpdateRoles(t.Context(), twelve(member), roles, nil)
			if !errors.Is(err, orgusers.ErrInvalid) || result.Count(orgusers.OutcomeFailed) != 12 {
				t.Errorf("roles %v: %v, %d failed", roles, err, result.Count(orgusers.OutcomeFailed))
			}
		}
		if n := changes(server); n > 0 {
			t.Errorf("%d writes were sent", n)
		}
	})
}

// The service may add roles where they should be replaced: then it is not
// done, and the outcome says so.
func TestRolesThatAreMerged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, _ := crowded(t, orguserstest.WithRoleMerge())
		client := paced(t, server) // without the fake's route
		result, err := client.UpdateRoles(t.Context(), []string{member(0)}, []string{server.RoleUID("Admin")}, nil)
		if err == nil || result.Outcomes[0].Status != orgusers.OutcomeFailed || !strings.Contains(result.Outcomes[0].Reason, "reading back") {
			t.Errorf("got %v, %+v", err, result.Outcomes)
		}
	})
}

func TestStackAccess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := crowded(t)
		stacks := server.Stacks()
		setAccess(server, stacks[0].Roles[0].UID)
		server.SetStackAccess(member(0), stacks[1].APIKey, stacks[1].Roles[0].UID)
		wanted := orgusers.StackAccess{
			stacks[0].APIKey: {stacks[0].Roles[1].UID, stacks[0].Roles[2].UID},
			"bltunknown":     {"bltunknown"},
		}
		result, err := client.UpdateStackAccess(t.Context(), []string{member(0)}, wanted, nil)
		if err == nil || result.Outcomes[0].Status != orgusers.OutcomeFailed || !strings.Contains(result.Outcomes[0].Reason, "stack bltunknown") {
			t.Errorf("got %v, %+v", err, result.Outcomes)
		}
		u, _ := server.User(member(0))
		got := map[string][]string{}
		for key, roles := range u.Stacks {
			got[key] = slices.Sorted(slices.Values(roles))
		}
		want := map[string][]string{
			stacks[0].APIKey: slices.Sorted(slices.Values(wanted[stacks[0].APIKey])),
			stacks[1].APIKey: {stacks[1].Roles[0].UID},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the good stack was not done, or another was touched: %s", diff)
		}
		again, err := client.UpdateStackAccess(t.Context(), []string{member(0)}, orgusers.StackAccess{stacks[0].APIKey: wanted[stacks[0].APIKey]}, nil)
		if err != nil || again.Outcomes[0].Status != orgusers.OutcomeSkipped {
			t.Errorf("the same access again: %v, %+v", err, again.Outcomes)
		}
		none, err := client.UpdateStackAccess(t.Context(), []string{member(0)}, nil, nil)
		if !errors.Is(err, orgusers.ErrInvalid) || none.Outcomes[0].Status != orgusers.OutcomeFailed {
			t.Errorf("no stack: %v, %+v", err, none.Outcomes)
		}
	})
}

// Where the service adds roles instead of replacing them, and the answer is
// lost, it can be told neither done nor untouched: it is not sent again.
func TestRolesThatAreMergedUnseen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, _ := crowded(t, orguserstest.WithRoleMerge())
		server.AddFault(orguserstest.Fault{Method: http.MethodPost, Path: sharePath, After: true, Effect: orguserstest.Status(500)})
		result, err := paced(t, server).UpdateRoles(t.Context(), []string{member(0)}, []string{server.RoleUID("Admin")}, nil)
		if !errors.Is(err, orgusers.ErrOutcomeUnknown) || result.Outcomes[0].Status != orgusers.OutcomeUnknown || changes(server) != 1 {
			t.Errorf("got %v, %+v after %d writes", err, result.Outcomes, changes(server))
		}
	})
}

// A member has the role that is asked for, and another. A service that adds
// roles shows nothing when it is done, and may mail: it is asked once.
func TestRolesThatAreMergedIntoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, _ := crowded(t, orguserstest.WithRoleMerge())
		server.SetRoles(member(0), "Member", "Admin")
		server.AddFault(orguserstest.Fault{Method: http.MethodPost, Path: sharePath, After: true, Effect: orguserstest.Status(500)})
		result, err := paced(t, server).UpdateRoles(t.Context(), []string{member(0)}, []string{server.RoleUID("Admin")}, nil)
		if !errors.Is(err, orgusers.ErrOutcomeUnknown) || result.Outcomes[0].Status != orgusers.OutcomeUnknown || mailsTo(server, member(0)) != 1 {
			t.Errorf("got %v, %+v and %d mails", err, result.Outcomes, mailsTo(server, member(0)))
		}
	})
}

func TestStackAccessProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := crowded(t)
		good := access(server, 0)
		two := orgusers.StackAccess{"bltunknown": {"x"}}
		maps.Copy(two, good)
		for name, access := range map[string]orgusers.StackAccess{"none": nil, "unknown": {"bltunknown": {"x"}}, "good": good, "both": two} {
			last := -1
			_, _ = client.UpdateStackAccess(t.Context(), twelve(member), access, &orgusers.BulkOptions{Progress: func(done, total int) {
				if done < last || done > total || total != 12 {
					t.Errorf("%s: progress went from %d to %d of %d", name, last, done, total)
				}
				last = done
			}})
			if last != 12 {
				t.Errorf("%s: progress ended at %d", name, last)
			}
		}
	})
}
