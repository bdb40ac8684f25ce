package orgusers_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

// attempt is a call that a goroutine makes at some time.
type attempt struct {
	Call  int // 0 remove, 1 withdraw, 2 change roles, 3 leave the team
	First int // of the users to take
	Users int
	At    int // in milliseconds
}

// Guards never let through more than their number, in any interleaving of calls by clients
// that are derived from one New, whatever fails.
func TestGuardsHoldTheirNumbers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		limit := rapid.IntRange(1, 6).Draw(rt, "removals in a second")
		least := rapid.IntRange(0, 3).Draw(rt, "administrators who must remain")
		hidden := rapid.Bool().Draw(rt, "roles do not list who has them through a team")
		effects := rapid.SliceOfN(rapid.IntRange(0, 3), 0, 3).Draw(rt, "failures")
		attempts := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) attempt {
			return attempt{rapid.IntRange(0, 3).Draw(rt, "call"), rapid.IntRange(0, 5).Draw(rt, "first"), rapid.IntRange(1, 3).Draw(rt, "users"), rapid.IntRange(0, 3000).Draw(rt, "at")}
		}), 1, 8).Draw(rt, "attempts")
		var problem string
		synctest.Test(t, func(t *testing.T) {
			opts := []orguserstest.Option{orguserstest.WithTeams(orguserstest.Team{Name: "Team", Roles: []string{"Admin"}, Members: operations.Twelve(operations.Member)[2:4]})}
			if hidden {
				opts = append(opts, orguserstest.WithHiddenTeamRoles())
			}
			server, _ := crowded(t, opts...)
			for _, email := range operations.Twelve(operations.Member)[:2] {
				server.SetRoles(email, "Admin")
			}
			for i, effect := range effects {
				fault := orguserstest.Fault{Skip: i, Times: 1, Effect: []orguserstest.Effect{orguserstest.Status(500), orguserstest.Status(504), orguserstest.Reset(), orguserstest.Status(422)}[effect]}
				fault.Method, fault.Path, fault.After = http.MethodDelete, sharePath, seed>>i&1 == 1
				server.AddFault(fault)
			}
			watch := &watcher{server: server, limit: limit, least: least}
			wire := newSerial(watch, rand.New(rand.NewPCG(seed, 2)), func(int) {})
			defer wire.stop()
			client := clientOf(t, server, withoutLimits, orgusers.WithHTTPClient(&http.Client{Transport: wire}),
				orgusers.WithGuards(orgusers.Guards{MaxRemovals: limit, Window: time.Second, MinAdministrators: least}))
			var group sync.WaitGroup
			for _, a := range attempts {
				group.Go(func() {
					own, err := client.ForOrganization(client.OrganizationUID())
					if err != nil {
						t.Error(err)
						return
					}
					time.Sleep(time.Duration(a.At) * time.Millisecond) // fake time
					members := operations.Twelve(operations.Member)[a.First : a.First+a.Users]
					switch a.Call {
					case 0:
						_, _ = own.RemoveUsers(t.Context(), members, nil)
					case 1:
						_, _ = own.WithdrawInvitations(t.Context(), operations.Twelve(operations.Pending)[a.First:a.First+a.Users], nil)
					case 2:
						_, _ = own.UpdateRoles(t.Context(), members, []string{"Member"}, nil)
					case 3:
						_, _ = own.RemoveFromTeam(t.Context(), "Team", members, nil)
					}
				})
			}
			group.Wait()
			problem = watch.problem
		})
		if problem != "" {
			rt.Fatal(problem)
		}
	})
}

// watcher looks at the organization before and after each request.
type watcher struct {
	server       *orguserstest.Server
	limit, least int

	mu       sync.Mutex
	removals []time.Time
	problem  string
}

func (w *watcher) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	users, administrators := len(w.server.Users()), w.administrators()
	response, err := w.server.Transport().RoundTrip(r)
	for range users - len(w.server.Users()) {
		w.removals = append(w.removals, time.Now())
	}
	within := slices.DeleteFunc(slices.Clone(w.removals), func(at time.Time) bool { return time.Since(at) >= time.Second })
	if len(within) > w.limit {
		w.problem = fmt.Sprintf("%d users were removed within a second, at most %d may be", len(within), w.limit)
	}
	if now := w.administrators(); now < administrators && now < w.least {
		w.problem = fmt.Sprintf("%d administrators remain of %d, at least %d must", now, administrators, w.least)
	}
	return response, err
}

func (w *watcher) administrators() int {
	n := 0
	for _, u := range w.server.Users() {
		admin := slices.Contains(u.RoleNames, "admin") || len(u.Teams) > 0
		if admin && !u.Owner {
			n++
		}
	}
	return n
}
