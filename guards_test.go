package orgusers_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

// guarded returns a fake with the crowd and a client with guards.
func guarded(t *testing.T, g orgusers.Guards, opts ...orguserstest.Option) (*orguserstest.Server, *orgusers.Client) {
	t.Helper()
	server, _ := crowded(t, opts...)
	return server, clientOf(t, server, withoutLimits, orgusers.WithGuards(g), orgusers.WithEndpoints(server.Endpoints()))
}

func TestWithGuardsRejects(t *testing.T) {
	t.Parallel()
	for _, g := range []orgusers.Guards{{Window: -1}, {MinAdministrators: -1}, {MaxRemovalShare: 1.01}, {MaxRemovalShare: math.NaN()}} {
		if _, err := orgusers.New("blt1", orgusers.WithAuthToken(token), orgusers.WithGuards(g)); !errors.Is(err, orgusers.ErrInvalid) {
			t.Errorf("%+v: got %v, want ErrInvalid", g, err)
		}
	}
}

// removal is one step of a table: a call, and how many users it removes or why it does not.
type removal struct {
	call string // "remove", "withdraw", "dry", "skip refused", "fail", "other organization", "same organization", "wait"
	n    int
	ok   bool
}

func TestRemovalLimits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		guards orgusers.Guards
		steps  []removal
	}{
		{"no limit", orgusers.Guards{}, []removal{{"remove", 12, true}, {"withdraw", 12, true}}},
		{"negative", orgusers.Guards{MaxRemovals: -1}, []removal{{"remove", 1, false}, {"withdraw", 1, false}, {"dry", 1, false}}},
		{"negative share", orgusers.Guards{MaxRemovals: 5, MaxRemovalShare: -0.1}, []removal{{"remove", 1, false}}},
		{"in one call", orgusers.Guards{MaxRemovals: 3}, []removal{{"remove", 4, false}, {"skip refused", 4, false}, {"dry", 4, false}, {"remove", 3, true}, {"remove", 1, false}}},
		{"in several calls", orgusers.Guards{MaxRemovals: 3}, []removal{{"remove", 2, true}, {"withdraw", 2, false}, {"withdraw", 1, true}, {"remove", 1, false}}},
		{"a dry run does not count", orgusers.Guards{MaxRemovals: 3}, []removal{{"dry", 3, true}, {"remove", 3, true}, {"dry", 1, false}}},
		{"what failed does not count", orgusers.Guards{MaxRemovals: 3}, []removal{{"fail", 3, true}, {"remove", 3, true}}},
		{"after the window", orgusers.Guards{MaxRemovals: 3, Window: time.Hour}, []removal{{"remove", 3, true}, {"wait", 59, true}, {"remove", 1, false}, {"wait", 1, true}, {"remove", 3, true}}},
		{"after a day", orgusers.Guards{MaxRemovals: 1}, []removal{{"remove", 1, true}, {"wait", 24*60 - 1, true}, {"remove", 1, false}, {"wait", 1, true}, {"remove", 1, true}}},
		{"by a client of the same organization", orgusers.Guards{MaxRemovals: 3}, []removal{{"same organization", 3, true}, {"remove", 1, false}}},
		{"by a client of another organization", orgusers.Guards{MaxRemovals: 3}, []removal{{"other organization", 1, true}, {"remove", 3, true}}},
		{"a share, rounded up", orgusers.Guards{MaxRemovalShare: 0.15}, []removal{{"remove", 4, false}, {"remove", 3, true}}}, // of 14 members
		{"a share of seven", orgusers.Guards{MaxRemovalShare: 0.07}, []removal{{"remove", 2, false}, {"remove", 1, true}}},
		{"the lower of both", orgusers.Guards{MaxRemovals: 2, MaxRemovalShare: 1}, []removal{{"remove", 3, false}, {"remove", 2, true}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, client := guarded(t, tt.guards)
				for i, step := range tt.steps {
					runRemoval(t, i, server, client, step)
				}
			})
		})
	}
}

// runRemoval makes one step, for the first users who are there.
func runRemoval(t *testing.T, i int, server *orguserstest.Server, client *orgusers.Client, step removal) {
	t.Helper()
	var members, pending []string
	for _, u := range server.Users() {
		switch {
		case strings.HasPrefix(u.Email, "member"):
			members = append(members, u.Email)
		case strings.HasPrefix(u.Email, "pending"):
			pending = append(pending, u.Email)
		}
	}
	emails, remove := members, client.RemoveUsers
	options := orgusers.BulkOptions{}
	switch step.call {
	case "wait":
		time.Sleep(time.Duration(step.n) * time.Minute) // fake time
		return
	case "dry":
		options.DryRun = true
	case "skip refused":
		options.SkipRefused = true
	case "fail":
		server.AddFault(orguserstest.Fault{Method: http.MethodDelete, Effect: orguserstest.Status(http.StatusForbidden)})
		defer server.ClearFaults()
	case "withdraw":
		emails = pending
		remove = func(ctx context.Context, emails []string, opts *orgusers.RemoveOptions) (*orgusers.BulkResult, error) {
			return client.WithdrawInvitations(ctx, emails, &opts.BulkOptions)
		}
	case "same organization", "other organization":
		uid := client.OrganizationUID()
		if step.call == "other organization" {
			uid = server.SecondOrganizationUID
		}
		other, err := client.ForOrganization(uid)
		if err != nil {
			t.Fatal(err)
		}
		if uid == server.SecondOrganizationUID {
			emails = []string{server.AddUser(orguserstest.Person{Email: "both@example.com", SeveralOrganizations: true}).Email}
		}
		remove = other.RemoveUsers
	}
	left := len(server.Users())
	result, err := remove(t.Context(), emails[:step.n], &orgusers.RemoveOptions{BulkOptions: options})
	switch {
	case !step.ok && (!errors.Is(err, orgusers.ErrRefused) || len(server.Users()) != left || result.Count(orgusers.OutcomeRefused) != step.n ||
		result.Outcomes[0].Reason != orgusers.ReasonLimit || !strings.Contains(result.Outcomes[0].Detail, "the limit is")):
		t.Errorf("step %d: got %v, %v, want all refused", i, summaries(result), err)
	case step.ok && step.call != "fail" && (err != nil || result.Count(orgusers.OutcomeDone)+result.Count(orgusers.OutcomePlanned) != step.n):
		t.Errorf("step %d: got %v, %v, want them done", i, summaries(result), err)
	case step.call == "fail" && result.Count(orgusers.OutcomeFailed) != step.n:
		t.Errorf("step %d: got %v, %v, want them failed", i, summaries(result), err)
	}
}

func TestMinAdministrators(t *testing.T) {
	t.Parallel()
	team := func(members ...string) []orguserstest.Option {
		return []orguserstest.Option{orguserstest.WithTeams(orguserstest.Team{Name: "Editors", Roles: []string{"Admin"}, Members: members})}
	}
	hidden := func(members ...string) []orguserstest.Option {
		return append(team(members...), orguserstest.WithHiddenTeamRoles())
	}
	zero, one := operations.Member(0), operations.Member(1)
	remove := func(emails ...string) func(context.Context, *orgusers.Client) (*orgusers.BulkResult, error) {
		return func(ctx context.Context, c *orgusers.Client) (*orgusers.BulkResult, error) {
			return c.RemoveUsers(ctx, emails, &orgusers.RemoveOptions{BulkOptions: orgusers.BulkOptions{SkipRefused: true}})
		}
	}
	demote := func(roles ...string) func(context.Context, *orgusers.Client) (*orgusers.BulkResult, error) {
		return func(ctx context.Context, c *orgusers.Client) (*orgusers.BulkResult, error) {
			return c.UpdateRoles(ctx, []string{zero}, roles, nil)
		}
	}
	leave := func(ctx context.Context, c *orgusers.Client) (*orgusers.BulkResult, error) {
		return c.RemoveFromTeam(ctx, "Editors", []string{zero}, nil)
	}
	tests := []struct {
		name   string
		opts   []orguserstest.Option
		admins []string // besides the caller
		least  int
		run    func(context.Context, *orgusers.Client) (*orgusers.BulkResult, error)
		ok     bool
	}{
		{"two remain of three", nil, []string{zero, one}, 2, remove(zero), true},
		{"one of three", nil, []string{zero, one}, 2, remove(zero, one), false},
		{"not an administrator", nil, nil, 5, remove(zero), true},
		{"the owner does not count", team(operations.Owner), []string{zero}, 2, remove(zero), false},
		{"through a team", team(zero), nil, 2, remove(zero), false},
		{"through a team that roles do not show", hidden(zero), nil, 2, remove(zero), false},
		{"another through a team", hidden(one), []string{zero}, 2, remove(zero), true},
		{"to another role", nil, []string{zero}, 2, demote("Member"), false},
		{"to administrators", nil, []string{one}, 2, demote("Member", "Admin"), true},
		{"to another role, and a team remains", team(zero), []string{zero}, 2, demote("Member"), true},
		{"out of the team", team(zero), nil, 2, leave, false},
		{"out of the team that roles do not show", hidden(zero), nil, 2, leave, false},
		{"out of the team, and others remain", hidden(zero), []string{one}, 2, leave, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, client := guarded(t, orgusers.Guards{MinAdministrators: tt.least}, tt.opts...)
				for _, email := range tt.admins {
					server.SetRoles(email, "Admin")
				}
				result, err := tt.run(t.Context(), client)
				switch {
				case tt.ok && err != nil && result.Outcomes[0].Reason != orgusers.ReasonThroughTeam:
					t.Errorf("got %v, %v, want it done", summaries(result), err)
				case !tt.ok && (!errors.Is(err, orgusers.ErrRefused) || result.Outcomes[0].Reason != orgusers.ReasonLimit || writesTo(server) > 0 ||
					!strings.Contains(err.Error(), "administrators would remain")):
					t.Errorf("got %v, %v after %d writes, want a refusal", summaries(result), err, writesTo(server))
				}
			})
		})
	}
}

// What a guard cannot determine is refused.
func TestGuardsThatCannotBeChecked(t *testing.T) {
	t.Parallel()
	respond := func(path, text string) orguserstest.Fault {
		return orguserstest.Fault{Method: http.MethodGet, Path: path, Effect: orguserstest.Status(200).WithBody(text)}
	}
	later := func(path, text string) orguserstest.Fault { // after the first of these requests
		f := respond(path, text)
		f.Skip = 1
		return f
	}
	fail := func(path string) orguserstest.Fault {
		return orguserstest.Fault{Method: http.MethodGet, Path: path, Effect: orguserstest.Status(http.StatusForbidden)}
	}
	const roles, stacks = "/v3/organizations/{organization_uid}/roles", "/v3/organizations/{organization_uid}/stacks"
	tests := []struct {
		name   string
		guards orgusers.Guards
		fault  orguserstest.Fault
		says   string
	}{
		{"a team gives a role that does not exist", orgusers.Guards{MinAdministrators: 1}, respond("/v4/teams", `{"teams":[{"uid":"t1","name":"T","users":["u1"],"organizationRoles":["blt404"]}],"count":1}`), `the team "T" has a role that does not exist (blt404)`},
		{"users have roles that do not exist", orgusers.Guards{MinAdministrators: 1}, respond(roles, `{"roles":[{"uid":"r1","name":"A","admin":true,"users":["u1"]}],"count":1}`), "has a role that does not exist"},
		{"a role without its users", orgusers.Guards{MinAdministrators: 1}, respond(roles, `{"roles":[{"uid":"r1","name":"A","admin":true}],"count":1}`), "did not send the users"},
		{"roles cannot be read", orgusers.Guards{MinAdministrators: 1}, orguserstest.Fault{Path: roles, Skip: 1, Effect: orguserstest.Status(http.StatusForbidden)}, "the administrators cannot be counted"},
		{"stacks cannot be read", orgusers.Guards{KeepStackOwners: true}, fail(stacks), "the owners of stacks cannot be read"},
		{"a stack without owner", orgusers.Guards{KeepStackOwners: true}, respond(stacks, `{"stacks":[{"api_key":"k1","name":"S"}],"count":1}`), `the owner of stack "S" (k1) is not known`},
		{"members cannot be counted", orgusers.Guards{MaxRemovalShare: 1}, fail(sharePath), "the members cannot be counted"},
		{"a team without its users", orgusers.Guards{MinAdministrators: 1}, respond("/v4/teams", `{"teams":[{"uid":"t1","name":"T"}],"count":1}`), `did not send the users of the team "T"`},
		{"users of a role are null", orgusers.Guards{MinAdministrators: 1}, respond(roles, `{"roles":[{"uid":"r1","name":"A","admin":true,"users":null}],"count":1}`), "did not send the users"},
		{"null among the users of a role", orgusers.Guards{MinAdministrators: 1}, later(roles, `{"roles":[{"uid":"r1","admin":true,"users":["u1",null]}],"count":1}`), "the administrators cannot be counted"},
		{"users of a role without uids", orgusers.Guards{MinAdministrators: 1}, later(roles, `{"roles":[{"uid":"r1","admin":true,"users":[{"email":"ada@example.com"}]}],"count":1}`), "the administrators cannot be counted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, client := guarded(t, tt.guards)
				server.AddFault(tt.fault)
				result, err := client.RemoveUsers(t.Context(), []string{operations.Member(0)}, nil)
				if !errors.Is(err, orgusers.ErrRefused) || !strings.Contains(err.Error(), tt.says) || result.Count(orgusers.OutcomeNotStarted) != 1 || writesTo(server) > 0 {
					t.Errorf("got %v, %v, want a refusal that says %q", summaries(result), err, tt.says)
				}
			})
		})
	}
}

func TestKeepStackOwners(t *testing.T) {
	t.Parallel()
	server, client := guarded(t, orgusers.Guards{KeepStackOwners: true})
	for _, stack := range server.Stacks()[:2] {
		server.SetStackOwner(stack.APIKey, operations.Member(0))
	}
	given := []string{operations.Member(0), operations.Member(1)}
	result, err := client.RemoveUsers(t.Context(), given, nil)
	if got := summaries(result); !errors.Is(err, orgusers.ErrRefused) || got[0] != "refused: owns_stacks" || got[1] != "not_started: call_refused" {
		t.Errorf("got %v, %v", got, err)
	}
	for _, name := range []string{`"Website" (`, `"Mobile App" (`} {
		if detail := result.Outcomes[0].Detail; !strings.Contains(detail, name) {
			t.Errorf("the detail is %q, want %s", detail, name)
		}
	}
	result, _ = client.RemoveUsers(t.Context(), given, &orgusers.RemoveOptions{BulkOptions: orgusers.BulkOptions{SkipRefused: true}})
	if got := summaries(result); got[0] != "refused: owns_stacks" || got[1] != "done" {
		t.Errorf("got %v", got)
	}
}

// Protected users are refused by every call that removes, withdraws or revokes, and by no
// other. The function may use the client.
func TestProtected(t *testing.T) {
	t.Parallel()
	eachBulk(t, func(t *testing.T, o operations.Operation, a *operations.Arguments) {
		var client *orgusers.Client
		opts := []orgusers.Option{withoutLimits, orgusers.WithGuards(orgusers.Guards{MinAdministrators: 1, MaxRemovals: 12, Protected: func(u *orgusers.User) bool {
			_, err := client.WithdrawInvitations(t.Context(), []string{operations.Stranger(9)}, nil)
			return u.Email == o.Change.Targets[0] && err == nil
		}})}
		if o.Endpoint {
			opts = append(opts, orgusers.WithEndpoints(a.Fake.Endpoints()))
		}
		client = clientOf(t, a.Fake, opts...)
		a.Client = client
		result, err := o.Change.Run(t.Context(), a, o.Change.Targets[:2], orgusers.BulkOptions{SkipRefused: true})
		want := "done"
		if o.Change.Revokes {
			want = "refused: protected"
		}
		if got := summaries(result); got[0] != want || got[1] != "done" || (err != nil) != (want != "done") {
			t.Errorf("got %v, %v, want %s", got, err, want)
		}
	})
}

// A read-only client reads, and refuses everything else before it sends anything.
func TestWithReadOnly(t *testing.T) {
	t.Parallel()
	for _, o := range operations.All {
		t.Run(o.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, _ := crowded(t)
				opts := append(server.Options(), orgusers.WithReadOnly())
				if o.Endpoint {
					opts = append(opts, orgusers.WithEndpoints(server.Endpoints()))
				}
				client, err := orgusers.New(server.OrganizationUID, opts...)
				if err != nil {
					t.Fatal(err)
				}
				a := &operations.Arguments{Client: client, Fake: server, Options: server.Options()[1:], Dir: t.TempDir(), Password: orguserstest.Password}
				_, err = o.Run(t.Context(), a)
				switch {
				case o.Writes() && o.Name != "Login" && o.Name != "Logout":
					if !errors.Is(err, orgusers.ErrRefused) || !strings.Contains(err.Error(), "read-only") || len(server.Requests()) > 0 {
						t.Errorf("got %v after %d requests, want ErrRefused and none", err, len(server.Requests()))
					}
				case errors.Is(err, orgusers.ErrRefused) || len(server.Requests()) == 0:
					t.Errorf("got %v after %d requests", err, len(server.Requests()))
				}
			})
		})
	}
	server, _ := crowded(t)
	client := clientOf(t, server, orgusers.WithReadOnly())
	result, err := client.RemoveUsers(t.Context(), []string{operations.Member(0), "x"}, &orgusers.RemoveOptions{BulkOptions: orgusers.BulkOptions{DryRun: true, SkipRefused: true}})
	if got := summaries(result); !errors.Is(err, orgusers.ErrRefused) || got[0] != "not_started: read_only" || got[1] != "refused: invalid_address" || len(server.Requests()) > 0 {
		t.Errorf("a dry run: got %v, %v", got, err)
	}
}

// Before gets what each user has, after the guards. Its failure stops the call, and the
// users are guarded again after it.
func TestBefore(t *testing.T) {
	t.Parallel()
	zero, one := operations.Member(0), operations.Member(1)
	errSave := errors.New("the disk is full")
	tests := []struct {
		name   string
		guards orgusers.Guards
		given  []string
		before func(ctx context.Context, s *orguserstest.Server, c *orgusers.Client) error // nil: it must not be called
		dry    bool
		want   []string
		is     error
	}{
		{"it returns", orgusers.Guards{MaxRemovals: 2}, []string{zero, one}, func(context.Context, *orguserstest.Server, *orgusers.Client) error { return nil }, false, []string{"done", "done"}, nil},
		{"it fails", orgusers.Guards{}, []string{zero}, func(context.Context, *orguserstest.Server, *orgusers.Client) error { return errSave }, false, []string{"not_started: before"}, errSave},
		{"it outlasts the context", orgusers.Guards{}, []string{zero}, func(ctx context.Context, _ *orguserstest.Server, _ *orgusers.Client) error {
			<-ctx.Done()
			return nil
		}, false, []string{"not_started: context_ended"}, context.DeadlineExceeded},
		{"the user leaves meanwhile", orgusers.Guards{}, []string{zero, one}, func(_ context.Context, s *orguserstest.Server, _ *orgusers.Client) error {
			s.RemoveUser(zero)
			return nil
		}, false, []string{"skipped: not_in_organization", "done"}, nil},
		{"the user gets stacks meanwhile", orgusers.Guards{KeepStackOwners: true}, []string{zero, one}, func(_ context.Context, s *orguserstest.Server, _ *orgusers.Client) error {
			s.SetStackOwner(s.Stacks()[0].APIKey, zero)
			return nil
		}, false, []string{"refused: owns_stacks", "not_started: call_refused"}, orgusers.ErrRefused},
		{"the limit is used up meanwhile", orgusers.Guards{MaxRemovals: 2, MinAdministrators: 1}, []string{zero, one}, func(ctx context.Context, _ *orguserstest.Server, c *orgusers.Client) error {
			_, err := c.RemoveUsers(ctx, []string{operations.Member(2)}, nil) // holds no lock
			return err
		}, false, []string{"refused: limit", "refused: limit"}, orgusers.ErrRefused},
		{"a dry run", orgusers.Guards{}, []string{zero}, nil, true, []string{"planned"}, nil},
		{"a refused call", orgusers.Guards{MaxRemovals: 1}, []string{zero, one}, nil, false, []string{"refused: limit", "refused: limit"}, orgusers.ErrRefused},
		{"nobody to remove", orgusers.Guards{}, []string{operations.Stranger(0)}, nil, false, []string{"skipped: not_in_organization"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, client := guarded(t, tt.guards)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				calls := 0
				result, err := client.RemoveUsers(ctx, tt.given, &orgusers.RemoveOptions{
					BulkOptions: orgusers.BulkOptions{DryRun: tt.dry},
					Before: func(ctx context.Context, had []*orgusers.UserAccess) error {
						if calls++; tt.before == nil || len(had) != len(tt.given) || had[0].User.Email != zero || had[0].Roles[0].RoleName != "member" || writesTo(server) > 0 {
							t.Errorf("it is called with %+v", had)
						}
						return tt.before(ctx, server, client)
					},
				})
				if got := summaries(result); !slices.Equal(got, tt.want) || !errors.Is(err, tt.is) || calls > 1 {
					t.Errorf("got %v, %v after %d calls, want %v and %v", got, err, calls, tt.want, tt.is)
				}
			})
		})
	}
}

// A stack that cannot be read stops a removal with Before, unless it may be unread.
func TestBeforeWithAnUnreadStack(t *testing.T) {
	t.Parallel()
	server, client := guarded(t, orgusers.Guards{}, orguserstest.WithFault(orguserstest.Fault{Path: "/v3/roles", Times: 1, Effect: orguserstest.Status(http.StatusForbidden)}))
	options := &orgusers.RemoveOptions{Before: func(_ context.Context, had []*orgusers.UserAccess) error {
		if len(had[0].Unread) != 1 {
			return fmt.Errorf("unread are %v", had[0].Unread)
		}
		return nil
	}}
	result, err := client.RemoveUsers(t.Context(), []string{operations.Member(0)}, options)
	if got := summaries(result); got[0] != "not_started: read_failed" || !errors.Is(err, orgusers.ErrIncomplete) {
		t.Errorf("got %v, %v", got, err)
	}
	server.ClearFaults()
	server.AddFault(orguserstest.Fault{Path: "/v3/roles", Times: 1, Effect: orguserstest.Status(http.StatusForbidden)})
	options.AllowUnread = true
	if result, err = client.RemoveUsers(t.Context(), []string{operations.Member(0)}, options); err != nil {
		t.Errorf("got %v, %v", summaries(result), err)
	}
}

// A call that waits for its turn ends with its context, and has sent no change.
func TestTurnAndContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := guarded(t, orgusers.Guards{MinAdministrators: 1})
		running, proceed := make(chan struct{}), make(chan struct{})
		first := &orgusers.RemoveOptions{BulkOptions: orgusers.BulkOptions{Progress: func(done, _ int) {
			if done == 0 {
				close(running)
				<-proceed
			}
		}}}
		ended := make(chan error)
		go func() {
			_, err := client.RemoveUsers(t.Context(), []string{operations.Member(0)}, first)
			ended <- err
		}()
		<-running
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		result, err := client.RemoveUsers(ctx, []string{operations.Member(1)}, nil)
		if got := summaries(result); !slices.Equal(got, []string{"not_started: context_ended"}) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, %v", got, err)
		}
		close(proceed)
		if err := <-ended; err != nil || writesTo(server) != 1 {
			t.Errorf("the first call: %v after %d writes", err, writesTo(server))
		}
	})
}

// After a panic of Progress, users whose outcome is not known count as removed.
func TestPanicWhileRemoving(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := guarded(t, orgusers.Guards{MaxRemovals: 12})
		func() {
			defer func() { _ = recover() }()
			_, _ = client.RemoveUsers(t.Context(), operations.Twelve(operations.Member), &orgusers.RemoveOptions{BulkOptions: orgusers.BulkOptions{
				Progress: func(done, _ int) {
					if done > 0 {
						panic("enough")
					}
				},
			}})
		}()
		if got := writesTo(server); got != 1 {
			t.Fatalf("%d writes before the panic, want 1", got)
		}
		result, err := client.RemoveUsers(t.Context(), []string{operations.Member(11)}, nil)
		if !errors.Is(err, orgusers.ErrRefused) || result.Outcomes[0].Reason != orgusers.ReasonLimit {
			t.Errorf("got %v, %v, want a refusal", summaries(result), err)
		}
	})
}

// Only users whom Before was called with are removed.
func TestRemovedWithoutRecord(t *testing.T) {
	t.Parallel()
	const upper, lower = "J@example.com", "j@example.com"
	for name, tt := range map[string]struct {
		given []string
		after []shareRow
	}{
		"another member under the address": {[]string{upper}, []shareRow{memberRow(2, upper)}},
		"a second spelling":                {[]string{upper, lower}, []shareRow{memberRow(1, upper), memberRow(2, lower)}},
	} {
		server := &sharesServer{rows: []shareRow{memberRow(1, upper)}, fixed: map[string]string{"GET /stacks": `{"stacks":[],"count":0}`, "GET /v4/teams": `{"teams":[]}`}}
		result, err := newClient(t, server).RemoveUsers(t.Context(), tt.given, &orgusers.RemoveOptions{Before: func(context.Context, []*orgusers.UserAccess) error {
			server.rows = tt.after
			return nil
		}})
		if !errors.Is(err, orgusers.ErrRefused) || len(server.writes) > 0 {
			t.Errorf("%s: got %v, %v after %d writes, want ErrRefused and none", name, summaries(result), err, len(server.writes))
		}
	}
}

// A panic of a callback passes through. Nothing is removed, and nothing stays reserved.
func TestPanicsReleaseGuards(t *testing.T) {
	t.Parallel()
	fail := true
	boom := func() {
		if fail {
			panic("boom")
		}
	}
	for name, tt := range map[string]struct {
		options   orgusers.RemoveOptions
		protected func(*orgusers.User) bool
	}{
		"Before":    {options: orgusers.RemoveOptions{Before: func(context.Context, []*orgusers.UserAccess) error { boom(); return nil }}},
		"Progress":  {options: orgusers.RemoveOptions{BulkOptions: orgusers.BulkOptions{Progress: func(int, int) { boom() }}}},
		"Protected": {protected: func(*orgusers.User) bool { boom(); return false }},
	} {
		t.Run(name, func(t *testing.T) {
			server, client := guarded(t, orgusers.Guards{MaxRemovals: 1, MinAdministrators: 1, Protected: tt.protected})
			one := []string{operations.Member(0)}
			func() {
				fail = true
				defer func() {
					fail = false
					if reason := recover(); reason != "boom" || writesTo(server) > 0 {
						t.Errorf("recovered %v after %d writes", reason, writesTo(server))
					}
				}()
				_, _ = client.RemoveUsers(t.Context(), one, &tt.options)
			}()
			if result, err := client.RemoveUsers(t.Context(), one, &tt.options); err != nil {
				t.Errorf("after the panic: got %v, %v", summaries(result), err)
			}
			if _, err := client.RemoveUsers(t.Context(), []string{operations.Member(1)}, nil); !errors.Is(err, orgusers.ErrRefused) {
				t.Errorf("one more: got %v, want ErrRefused by the limit", err)
			}
		})
	}
}

// If the caller's transport panics while a call holds the turn, the next call gets it.
func TestTurnAfterAPanic(t *testing.T) {
	t.Parallel()
	server, _ := crowded(t)
	fails := true
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		if fails && r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/share") { // counts the members, for the share
			panic("of the transport")
		}
		return server.Transport().RoundTrip(r)
	})
	client := clientOf(t, server, orgusers.WithHTTPClient(&http.Client{Transport: transport}),
		orgusers.WithGuards(orgusers.Guards{MinAdministrators: 1, MaxRemovalShare: 0.9}))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("want a panic")
			}
		}()
		_, _ = client.RemoveUsers(t.Context(), []string{operations.Member(0)}, nil)
	}()
	fails = false
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := client.RemoveUsers(ctx, []string{operations.Member(0)}, nil); err != nil {
		t.Error(err)
	}
}
