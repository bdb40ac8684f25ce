package orgusers_test

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
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
)

// serial lets the requests that are in flight pass one at a time, in an order that only rng
// decides, so that a failure can be repeated. It calls before with the number of each
// request, from 1. It needs a bubble of testing/synctest: time passes there only when
// everything else waits.
type serial struct {
	next   http.RoundTripper
	before func(n int)

	mu      sync.Mutex
	waiting []*turn
	done    chan struct{}
}

type turn struct {
	key  string
	pass chan struct{}
}

func newSerial(next http.RoundTripper, rng *rand.Rand, before func(n int)) *serial {
	w := &serial{next: next, before: before, done: make(chan struct{})}
	go func() {
		for n := 1; ; {
			select {
			case <-w.done:
				return
			case <-time.After(time.Millisecond):
			}
			w.mu.Lock()
			if len(w.waiting) > 0 {
				slices.SortFunc(w.waiting, func(a, b *turn) int { return strings.Compare(a.key, b.key) })
				i := rng.IntN(len(w.waiting))
				w.before(n)
				close(w.waiting[i].pass)
				w.waiting = slices.Delete(w.waiting, i, i+1)
				n++
			}
			w.mu.Unlock()
		}
	}()
	return w
}

func (w *serial) stop() { close(w.done) }

func (w *serial) RoundTrip(r *http.Request) (*http.Response, error) {
	var content []byte
	if r.GetBody != nil {
		copied, _ := r.GetBody()
		content, _ = io.ReadAll(copied)
	}
	t := &turn{r.Method + r.URL.String() + r.Header.Get("api_key") + string(content), make(chan struct{})}
	w.mu.Lock()
	w.waiting = append(w.waiting, t)
	w.mu.Unlock()
	<-t.pass
	return w.next.RoundTrip(r)
}

// world has a copy of the state of a fake, which changes with it. Each relation changes at
// most once, so two readings see every change.
type world struct {
	server  *orguserstest.Server
	users   []string
	teams   []orguserstest.Team
	stacks  map[string]bool              // by API key
	roles   map[string]map[string]bool   // organization roles by user, given directly
	grants  map[string]map[string]string // stack roles by user and API key, given directly
	members map[string]map[string]bool   // users by the uid of a team
	owners  map[string]string            // by API key
	names   map[string]string            // of roles by uid
	changed map[string]bool

	always, ever map[string]bool // facts that held at all, and at any, moments
}

func (w *world) facts() map[string]bool {
	facts := map[string]bool{}
	for _, u := range w.users {
		given := map[string]bool{} // what teams give
		for _, team := range w.teams {
			if !w.members[team.UID][u] {
				continue
			}
			facts[u+" in "+team.Name] = true
			for _, role := range team.Roles {
				given[w.names[role]] = true
				facts[u+" has "+w.names[role]+" through "+team.Name] = true
			}
			for key, roles := range team.Stacks {
				if w.stacks[key] {
					given[key+"/"+roles[0]] = true
					facts[u+" has "+key+"/"+roles[0]+" through "+team.Name] = true
				}
			}
		}
		direct := maps.Clone(w.roles[u])
		for key, role := range w.grants[u] {
			if w.stacks[key] && role != "" {
				direct[key+"/"+role] = true
			}
		}
		for what, has := range direct {
			if has && !given[what] {
				facts[u+" has "+what+" directly"] = true
			}
			if has || given[what] {
				facts[u+" has "+what] = true
			}
		}
		for what := range given {
			facts[u+" has "+what] = true
		}
		for key, owner := range w.owners {
			if owner == u && w.stacks[key] {
				facts[u+" owns "+key] = true
			}
		}
	}
	return facts
}

func factsOf(all []*orgusers.UserAccess) map[string]bool {
	facts := map[string]bool{}
	add := func(u, what string, direct bool, teams []orgusers.TeamRef) {
		facts[u+" has "+what] = true
		if direct {
			facts[u+" has "+what+" directly"] = true
		}
		for _, team := range teams {
			facts[u+" has "+what+" through "+team.Name] = true
		}
	}
	for _, a := range all {
		u := a.User.Email
		for _, g := range a.Roles {
			add(u, g.RoleName, g.Direct, g.Teams)
		}
		for _, g := range a.Stacks {
			add(u, g.Stack.APIKey+"/"+g.RoleUID, g.Direct, g.Teams)
		}
		for _, team := range a.Teams {
			facts[u+" in "+team.Name] = true
		}
		for _, stack := range a.Owns {
			facts[u+" owns "+stack.APIKey] = true
		}
	}
	return facts
}

// moment records the facts of now.
func (w *world) moment() {
	now := w.facts()
	maps.Copy(w.ever, now)
	if w.always == nil {
		w.always = now
	}
	maps.DeleteFunc(w.always, func(fact string, _ bool) bool { return !now[fact] })
}

// newWorld builds an organization, in which everything is drawn.
func newWorld(rng *rand.Rand, hidden bool) *world {
	people := []orguserstest.Person{{Email: "owner@example.com", Owner: true}, {Email: "boss@example.com", Roles: []string{"Admin"}}}
	w := &world{
		stacks: map[string]bool{}, roles: map[string]map[string]bool{}, grants: map[string]map[string]string{}, members: map[string]map[string]bool{},
		owners: map[string]string{}, names: map[string]string{}, changed: map[string]bool{}, ever: map[string]bool{},
	}
	for i := range 1 + rng.IntN(4) {
		email := fmt.Sprintf("u%d@example.com", i)
		people = append(people, orguserstest.Person{Email: email})
		w.users = append(w.users, email)
	}
	var opts []orguserstest.Option
	if hidden {
		opts = append(opts, orguserstest.WithHiddenTeamRoles())
	}
	w.server = orguserstest.NewUnstartedServer(append(opts, orguserstest.WithPeople(people...))...)
	for _, role := range w.server.Roles() {
		w.names[role.UID] = role.Name
	}
	stacks := w.server.Stacks()
	for _, stack := range stacks {
		w.stacks[stack.APIKey], w.owners[stack.APIKey] = true, stack.Owner
		for _, u := range w.users {
			w.server.SetStackAccess(u, stack.APIKey)
		}
	}
	for _, u := range w.users {
		w.roles[u], w.grants[u] = map[string]bool{"member": true}, map[string]string{}
		w.changeRole(rng, u)
		w.changeGrant(rng, u)
	}
	for i := range rng.IntN(3) {
		stack := stacks[rng.IntN(len(stacks))]
		team := w.server.AddTeam(orguserstest.Team{
			Name: fmt.Sprintf("T%d", i), Roles: []string{[]string{"member", "admin"}[rng.IntN(2)]},
			Stacks: map[string][]string{stack.APIKey: {stack.Roles[rng.IntN(2)].UID}},
		})
		w.teams, w.members[team.UID] = append(w.teams, team), map[string]bool{}
		w.changeMember(rng)
	}
	w.changed = map[string]bool{}
	w.moment()
	return w
}

func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }

// once reports whether a relation may change, which it may once.
func (w *world) once(relation string) bool {
	if w.changed[relation] {
		return false
	}
	w.changed[relation] = true
	return true
}

func (w *world) changeRole(rng *rand.Rand, u string) {
	role := pick(rng, []string{"admin", "security manager"})
	if !w.once(u + " role " + role) {
		return
	}
	w.roles[u][role] = !w.roles[u][role]
	var names []string
	for _, name := range slices.Sorted(maps.Keys(w.roles[u])) {
		if w.roles[u][name] {
			names = append(names, name)
		}
	}
	w.server.SetRoles(u, names...)
}

func (w *world) changeGrant(rng *rand.Rand, u string) {
	stack := pick(rng, w.server.Stacks())
	if !w.once(u + " in " + stack.APIKey) {
		return
	}
	if w.grants[u][stack.APIKey] != "" {
		w.grants[u][stack.APIKey] = ""
		w.server.SetStackAccess(u, stack.APIKey)
		return
	}
	w.grants[u][stack.APIKey] = stack.Roles[rng.IntN(2)].UID
	w.server.SetStackAccess(u, stack.APIKey, w.grants[u][stack.APIKey])
}

func (w *world) changeMember(rng *rand.Rand) {
	if len(w.teams) == 0 {
		return
	}
	team, u := pick(rng, w.teams), pick(rng, w.users)
	if !w.once(u + " in " + team.UID) {
		return
	}
	w.members[team.UID][u] = !w.members[team.UID][u]
	var members []string
	for _, u := range w.users {
		if w.members[team.UID][u] {
			members = append(members, u)
		}
	}
	w.server.SetTeamMembers(team.UID, members...)
}

// change makes one change, and records the moment after it.
func (w *world) change(rng *rand.Rand) {
	switch stacks := w.server.Stacks(); rng.IntN(6) {
	case 0:
		w.changeRole(rng, pick(rng, w.users))
	case 1:
		w.changeGrant(rng, pick(rng, w.users))
	case 2, 3:
		w.changeMember(rng)
	case 4:
		if stack, u := pick(rng, stacks), pick(rng, w.users); w.once("owner of " + stack.APIKey) {
			w.owners[stack.APIKey] = u
			w.server.SetStackOwner(stack.APIKey, u)
		}
	case 5:
		if stack := pick(rng, stacks); len(stacks) > 1 && w.once("stack "+stack.APIKey) {
			w.stacks[stack.APIKey] = false
			w.server.RemoveStack(stack.APIKey)
			added := w.server.AddStack("New", pick(rng, w.users))
			w.stacks[added.APIKey], w.owners[added.APIKey] = true, added.Owner
		}
	}
	w.moment()
}

// What held from the first request to the last is in the result, and what held at no
// moment is not.
func TestAccessWhileItChanges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		hidden := rapid.Bool().Draw(rt, "roles do not list who has them through a team")
		some := rapid.Bool().Draw(rt, "by address")
		at := rapid.SliceOfN(rapid.IntRange(1, 25), 0, 8).Draw(rt, "requests that changes come with")
		var problems []string
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			w := newWorld(rng, hidden)
			defer w.server.Close()
			wire := newSerial(w.server.Transport(), rng, func(n int) {
				for _, at := range at {
					if at == n {
						w.change(rng)
					}
				}
			})
			defer wire.stop()
			client := clientOf(t, w.server, withoutLimits, orgusers.WithHTTPClient(&http.Client{Transport: wire}))
			options := &orgusers.AccessOptions{}
			if some {
				options.Emails = w.users
			}
			all, err := orgusers.Collect(client.Access(t.Context(), options))
			if err != nil {
				problems = append(problems, err.Error())
			}
			got := factsOf(all)
			for fact := range w.always {
				if !got[fact] {
					problems = append(problems, "missing: "+fact)
				}
			}
			for fact := range got {
				if !w.ever[fact] && !strings.HasPrefix(fact, "owner@") && !strings.HasPrefix(fact, "boss@") {
					problems = append(problems, "never held: "+fact)
				}
			}
		})
		if len(problems) > 0 {
			slices.Sort(problems)
			rt.Fatalf("%s", strings.Join(problems, "\n"))
		}
	})
}
