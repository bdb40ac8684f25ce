package orgusers_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

// guarded returns a fake with the crowd, and a client of it with guards that waits for no
// rate limit.
func guarded(tb testing.TB, guards orgusers.Guards, opts ...orguserstest.Option) (*orguserstest.Server, *orgusers.Client) {
	tb.Helper()
	server := orguserstest.NewUnstartedServer(append([]orguserstest.Option{orguserstest.WithPeople(operations.Crowd()...)}, opts...)...)
	tb.Cleanup(server.Close)
	return server, clientOf(tb, server, fast, orgusers.WithEndpoints(server.Endpoints()), orgusers.WithGuards(guards))
}

// changesOf returns the requests of a fake that change something.
func changesOf(server *orguserstest.Server) (changes []string) {
	for _, r := range server.Requests() {
		if r.Method == http.MethodDelete || r.Operation == "Invite" || strings.Contains(r.Path, "/fake/") || strings.Contains(r.Path, "/stacks/share") {
			changes = append(changes, r.Method+" "+r.Path)
		}
	}
	return changes
}

// expectRefused fails the test unless every outcome is refused or not started, one has the
// reason, and nothing was changed.
func expectRefused(t *testing.T, server *orguserstest.Server, result *orgusers.BulkResult, err error, want orgusers.Reason) orgusers.Outcome {
	t.Helper()
	var found orgusers.Outcome
	for _, o := range result.Outcomes {
		if o.Status != orgusers.OutcomeRefused && o.Status != orgusers.OutcomeNotStarted {
			t.Errorf("got the outcome %+v", o)
		}
		if o.Reason == want {
			found = o
		}
	}
	if !errors.Is(err, orgusers.ErrRefused) || found.Email == "" {
		t.Errorf("got %+v, %v, want the reason %q", result.Outcomes, err, want)
	}
	if changes := changesOf(server); len(changes) > 0 {
		t.Errorf("changes were sent: %v", changes)
	}
	return found
}

// The crowd has 12 members, the owner and an administrator, and 12 invitations.
func TestGuardsOfRemovals(t *testing.T) {
	t.Parallel()
	members, pending := operations.Twelve(operations.Member), operations.Twelve(operations.Pending)
	for name, test := range map[string]struct {
		guards  orgusers.Guards
		emails  []string
		refused bool
	}{
		"no limit":                      {orgusers.Guards{}, members, false},
		"as many as the limit":          {orgusers.Guards{MaxRemovals: 3}, members[:3], false},
		"one more than the limit":       {orgusers.Guards{MaxRemovals: 3}, members[:4], true},
		"invitations count":             {orgusers.Guards{MaxRemovals: 3}, slices.Concat(members[:2], pending[:2]), true},
		"strangers do not count":        {orgusers.Guards{MaxRemovals: 3}, append(operations.Twelve(operations.Stranger), members[:3]...), false},
		"a negative number allows none": {orgusers.Guards{MaxRemovals: -1}, members[:1], true},
		"a share of 14 is rounded up":   {orgusers.Guards{MaxRemovalShare: 0.2}, members[:3], false},
		"more than a share of 14":       {orgusers.Guards{MaxRemovalShare: 0.2}, members[:4], true},
		"a negative share allows none":  {orgusers.Guards{MaxRemovalShare: -0.1}, members[:1], true},
		"the whole share":               {orgusers.Guards{MaxRemovalShare: 1}, members, false},
		"the smaller of both":           {orgusers.Guards{MaxRemovals: 2, MaxRemovalShare: 0.5}, members[:3], true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, options := range []orgusers.BulkOptions{{DryRun: true}, {SkipRefused: true}, {}} {
				server, client := guarded(t, test.guards)
				result, err := client.RemoveUsers(t.Context(), test.emails, &orgusers.RemoveOptions{BulkOptions: options})
				if test.refused {
					expectRefused(t, server, result, err, orgusers.ReasonLimit)
				} else if err != nil {
					t.Errorf("with %+v: %v", options, err)
				}
			}
			if !slices.ContainsFunc(test.emails, func(email string) bool { return strings.HasPrefix(email, "member") }) {
				return
			}
			server, client := guarded(t, test.guards)
			result, err := client.WithdrawInvitations(t.Context(), pending[:len(slices.Compact(test.emails))%13], nil)
			if errors.Is(err, orgusers.ErrRefused) && len(changesOf(server)) > 0 {
				t.Errorf("got %+v, %v", result, err)
			}
		})
	}
}

// Removals count until the window has passed, for all clients derived from one, for each
// organization. Places of dry runs, of refused and of failed removals are given back.
func TestRemovalLimitsAreShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := guarded(t, orgusers.Guards{MaxRemovals: 2, Window: time.Hour})
		remove := func(c *orgusers.Client, emails ...string) error {
			_, err := c.RemoveUsers(t.Context(), emails, nil)
			return err
		}
		derived, err := client.ForOrganization(server.OrganizationUID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.RemoveUsers(t.Context(), []string{operations.Member(0)}, &orgusers.RemoveOptions{BulkOptions: orgusers.BulkOptions{DryRun: true}}); err != nil {
			t.Fatal(err)
		}
		server.AddFault(orguserstest.Fault{Method: http.MethodDelete, Times: 1, Effect: orguserstest.Status(http.StatusForbidden)})
		if err := remove(client, operations.Member(0)); !errors.Is(err, orgusers.ErrForbidden) {
			t.Errorf("got %v", err)
		}
		for _, step := range []struct {
			client *orgusers.Client
			email  string
			wait   time.Duration
			want   error
		}{
			{client, operations.Member(0), 0, nil},
			{derived, operations.Pending(0), 30 * time.Minute, nil},
			{client, operations.Member(1), 0, orgusers.ErrRefused},
			{derived, operations.Member(1), 29 * time.Minute, orgusers.ErrRefused},
			{derived, operations.Member(1), 2 * time.Minute, nil}, // the first is an hour ago
			{client, operations.Member(2), 0, orgusers.ErrRefused},
			{client, operations.Member(2), 30 * time.Minute, nil},
		} {
			time.Sleep(step.wait) // fake time
			if err := remove(step.client, step.email); !errors.Is(err, step.want) {
				t.Errorf("%s: got %v, want %v", step.email, err, step.want)
			}
		}
	})
}

// A removal that may have been made counts.
func TestUnknownRemovalsCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := guarded(t, orgusers.Guards{MaxRemovals: 1})
		server.AddFault(orguserstest.Fault{Method: http.MethodDelete, Effect: orguserstest.Reset()},
			orguserstest.Fault{Method: http.MethodPost, Path: sharePath + "/search", Skip: 1, Effect: orguserstest.Status(http.StatusForbidden)})
		result, err := client.RemoveUsers(t.Context(), []string{operations.Member(0)}, nil)
		if result.Count(orgusers.OutcomeUnknown) != 1 {
			t.Fatalf("got %+v, %v", result, err)
		}
		server.ClearFaults()
		if _, err := client.RemoveUsers(t.Context(), []string{operations.Member(1)}, nil); !errors.Is(err, orgusers.ErrRefused) {
			t.Errorf("got %v", err)
		}
	})
}

// However calls interleave, no more users are removed than the limit allows, and each place
// that is free can be used.
func TestGuardsInEveryInterleaving(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 8).Draw(t, "limit")
		calls := rapid.SliceOfN(rapid.IntRange(1, 4), 1, 5).Draw(t, "users of each call")
		dry := rapid.SliceOfN(rapid.Bool(), len(calls), len(calls)).Draw(t, "dry runs")
		server := orguserstest.NewUnstartedServer(orguserstest.WithPeople(operations.Crowd()...))
		defer server.Close()
		client, err := orgusers.New(server.OrganizationUID, append(server.Options(), fast, orgusers.WithGuards(orgusers.Guards{MaxRemovals: limit}))...)
		if err != nil {
			t.Fatal(err)
		}
		everybody := slices.Concat(operations.Twelve(operations.Member), operations.Twelve(operations.Pending))
		var running sync.WaitGroup
		first := 0
		for i, users := range calls {
			emails := everybody[first : first+users]
			first += users
			running.Go(func() {
				_, _ = client.RemoveUsers(ctx, emails, &orgusers.RemoveOptions{BulkOptions: orgusers.BulkOptions{DryRun: dry[i]}})
			})
		}
		running.Wait()
		removed := 0
		for _, email := range everybody {
			if _, there := server.User(email); !there {
				removed++
			}
		}
		if removed > limit {
			t.Fatalf("%d users were removed, the limit is %d", removed, limit)
		}
		if free := limit - removed; free > 0 {
			if _, err := client.RemoveUsers(ctx, everybody[len(everybody)-free:], nil); err != nil {
				t.Fatalf("%d places are free: %v", free, err)
			}
		}
	})
}

// The crowd has one administrator next to the owner, who is the caller.
func TestMinAdministrators(t *testing.T) {
	t.Parallel()
	boss, second := operations.Member(0), operations.Member(1)
	remove := func(ctx context.Context, _ *orguserstest.Server, c *orgusers.Client, emails []string, opts orgusers.BulkOptions) (*orgusers.BulkResult, error) {
		return c.RemoveUsers(ctx, emails, &orgusers.RemoveOptions{BulkOptions: opts})
	}
	demote := func(ctx context.Context, _ *orguserstest.Server, c *orgusers.Client, emails []string, opts orgusers.BulkOptions) (*orgusers.BulkResult, error) {
		return c.UpdateRoles(ctx, emails, []string{"member"}, &opts)
	}
	leave := func(ctx context.Context, s *orguserstest.Server, c *orgusers.Client, emails []string, opts orgusers.BulkOptions) (*orgusers.BulkResult, error) {
		return c.RemoveFromTeam(ctx, s.Teams()[0].UID, emails, &opts)
	}
	administrators := orguserstest.Team{Name: "Administrators", Roles: []string{"Admin"}, Members: []string{second}}
	for name, test := range map[string]struct {
		least   int
		direct  []string // administrators, next to the caller
		team    bool     // a team makes the second member an administrator
		call    func(context.Context, *orguserstest.Server, *orgusers.Client, []string, orgusers.BulkOptions) (*orgusers.BulkResult, error)
		emails  []string
		refused bool
	}{
		"one of three, two must remain":       {2, []string{boss, second}, false, remove, []string{boss}, false},
		"two of three, two must remain":       {2, []string{boss, second}, false, remove, []string{boss, second}, true},
		"a member may go":                     {2, []string{boss}, false, remove, []string{second}, false},
		"fewer than must remain, a member":    {9, []string{boss}, false, remove, []string{second}, false},
		"fewer than must remain already":      {9, []string{boss}, false, remove, []string{boss}, true},
		"a role is taken":                     {2, []string{boss}, false, demote, []string{boss}, true},
		"a role is taken, enough remain":      {1, []string{boss}, false, demote, []string{boss}, false},
		"an administrator by a team remains":  {2, []string{boss}, true, remove, []string{boss}, false},
		"an administrator by a team is gone":  {2, nil, true, remove, []string{second}, true},
		"leaves the team":                     {2, nil, true, leave, []string{second}, true},
		"leaves the team, may have the role":  {2, []string{second}, true, leave, []string{second}, true},
		"loses the direct role, not the team": {2, []string{second}, true, demote, []string{second}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, options := range []orgusers.BulkOptions{{DryRun: true}, {SkipRefused: true}, {}} {
					var teams []orguserstest.Option
					if test.team {
						teams = append(teams, orguserstest.WithTeams(administrators))
					}
					server, client := guarded(t, orgusers.Guards{MinAdministrators: test.least}, teams...)
					for _, email := range test.direct {
						server.SetRoles(email, "Admin")
					}
					result, err := test.call(t.Context(), server, client, test.emails, options)
					if test.refused {
						expectRefused(t, server, result, err, orgusers.ReasonLimit)
					} else if errors.Is(err, orgusers.ErrRefused) {
						t.Errorf("with %+v: %v", options, err)
					}
				}
			})
		})
	}
}

// Two calls at the same time do not take the last two administrators.
func TestAdministratorsRemainBetweenCalls(t *testing.T) {
	t.Parallel()
	for range 5 {
		server, client := guarded(t, orgusers.Guards{MinAdministrators: 2})
		targets := operations.Twelve(operations.Member)[:4]
		for _, email := range targets {
			server.SetRoles(email, "Admin") // five with the caller
		}
		var running sync.WaitGroup
		for i, email := range targets {
			running.Go(func() {
				if i%2 == 0 {
					_, _ = client.RemoveUsers(t.Context(), []string{email}, nil)
				} else {
					_, _ = client.UpdateRoles(t.Context(), []string{email}, []string{"member"}, nil)
				}
			})
		}
		running.Wait()
		left := 0
		for _, u := range server.Users() {
			if slices.Contains(u.RoleUIDs, server.RoleUID("Admin")) {
				left++
			}
		}
		if left != 2 {
			t.Fatalf("%d administrators remain, want 2", left)
		}
	}
}

func TestKeepStackOwners(t *testing.T) {
	t.Parallel()
	server, client := guarded(t, orgusers.Guards{KeepStackOwners: true})
	owned, owner := server.Stacks()[0], operations.Member(0)
	server.SetStackOwner(owner, owned.APIKey)
	result, err := client.RemoveUsers(t.Context(), []string{operations.Member(5), owner}, nil)
	refused := expectRefused(t, server, result, err, orgusers.ReasonOwnsStacks)
	if !strings.Contains(refused.Detail, owned.Name) {
		t.Errorf("got %q, want the name %q", refused.Detail, owned.Name)
	}
}

// Protected covers every call that removes, withdraws or revokes, and no other.
func TestProtected(t *testing.T) {
	t.Parallel()
	covered := []string{
		"RemoveUsers", "WithdrawInvitations", "UpdateRoles", "UpdateStackAccess", "RemoveFromTeam",
		"ResetMFA", "ForcePasswordReset", "EndSessions",
	}
	for _, op := range operations.Changes() {
		if op.Name == "TransferOwnership" || op.Name == "Restore" {
			continue
		}
		t.Run(op.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				target := op.Change.Targets[0]
				server, client := guarded(t, orgusers.Guards{Protected: func(u *orgusers.User) bool { return u.Email == target }})
				if op.Change.Prepare != nil {
					op.Change.Prepare(server)
				}
				result, err := op.Change.Run(t.Context(), &operations.Arguments{Client: client, Fake: server}, op.Change.Targets[:2], orgusers.BulkOptions{})
				want := slices.Contains(covered, op.MethodName())
				if got := result.Outcomes[0].Reason == orgusers.ReasonProtected && errors.Is(err, orgusers.ErrRefused); got != want {
					t.Errorf("got %+v, %v", result.Outcomes, err)
				}
			})
		})
	}
}

// A guard that cannot be checked refuses the call.
func TestGuardsThatCannotBeChecked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		guards orgusers.Guards
		path   string
	}{
		"the members":         {orgusers.Guards{MaxRemovalShare: 0.5}, sharePath},
		"the administrators":  {orgusers.Guards{MinAdministrators: 1}, "/v3/organizations/{organization_uid}/roles"},
		"the owners of stack": {orgusers.Guards{KeepStackOwners: true}, "/v3/organizations/{organization_uid}/stacks"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := guarded(t, test.guards)
			server.AddFault(orguserstest.Fault{Method: http.MethodGet, Path: test.path, Effect: orguserstest.Status(http.StatusForbidden)})
			result, err := client.RemoveUsers(t.Context(), []string{operations.Member(0)}, nil)
			if err == nil || result.Count(orgusers.OutcomeNotStarted)+result.Count(orgusers.OutcomeRefused) != 1 || len(changesOf(server)) > 0 {
				t.Errorf("got %+v, %v", result.Outcomes, err)
			}
		})
	}
}

// A client that only reads sends no change, and says so for each address.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	for _, op := range operations.All {
		t.Run(op.Name, func(t *testing.T) {
			t.Parallel()
			server := orguserstest.NewUnstartedServer(orguserstest.WithPeople(operations.Crowd()...))
			t.Cleanup(server.Close)
			client := clientOf(t, server, fast, orgusers.WithEndpoints(server.Endpoints()), orgusers.WithReadOnly())
			a := &operations.Arguments{Client: client, Fake: server, Options: server.Options()[:1], Password: orguserstest.Password, Dir: t.TempDir()}
			if op.Change != nil && op.Change.Prepare != nil {
				op.Change.Prepare(server)
			}
			result, err := op.Run(t.Context(), a)
			session := op.Name == "Login" || op.Name == "Logout"
			refuses := op.Writes() && !session
			if errors.Is(err, orgusers.ErrRefused) != refuses && op.Name != "GetAuditEntry" {
				t.Errorf("got %+v, %v", result, err)
			}
			if refuses && len(server.Requests()) > 0 {
				t.Errorf("%d requests were sent", len(server.Requests()))
			}
			if bulk, ok := result.(*orgusers.BulkResult); ok && op.Name != "TransferOwnership" {
				if len(bulk.Outcomes) != 1 || bulk.Outcomes[0].Status != orgusers.OutcomeNotStarted && bulk.Outcomes[0].Status != orgusers.OutcomeRefused {
					t.Errorf("got %+v", bulk.Outcomes)
				}
			}
		})
	}
}

func TestGuardsThatAreInvalid(t *testing.T) {
	t.Parallel()
	for name, guards := range map[string]orgusers.Guards{
		"a negative window":         {Window: -time.Second},
		"a negative minimum":        {MinAdministrators: -1},
		"a share above one":         {MaxRemovalShare: 1.5},
		"a share that is no number": {MaxRemovalShare: math.NaN()},
	} {
		if _, err := orgusers.New("blt1", orgusers.WithAuthToken(token), orgusers.WithGuards(guards)); !errors.Is(err, orgusers.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
