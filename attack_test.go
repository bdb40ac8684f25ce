package orgusers_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/orgusers/orgusers"
)

// odd is a server whose responses are given by method and path. It records the writes.
type odd struct {
	routes map[string]string

	mu     sync.Mutex
	writes []string
}

// The parts of an organization of an owner, an administrator and a member.
const (
	oddOwner  = `{"uid":"so","email":"owner@example.com","user_uid":"uo","status":"accepted","is_owner":true}`
	oddAda    = `{"uid":"sa","email":"ada@example.com","user_uid":"ua","status":"accepted","org_roles":["ra"]}`
	oddBob    = `{"uid":"sb","email":"bob@example.com","user_uid":"ub","status":"accepted","org_roles":["rm"]}`
	oddRoles  = `{"roles":[{"uid":"ra","name":"admin","admin":true,"users":["ua"]},{"uid":"rm","name":"member","users":["ub"]}],"count":2}`
	oddStacks = `{"stacks":[{"uid":"st1","name":"Site","api_key":"k1","owner_uid":"ub"}],"count":1}`
	oddTeams  = `{"teams":[{"uid":"t1","name":"Editors","users":["ub"],"stackRoleMapping":[{"stackApiKey":"k1","roles":["x"]}]}],"count":1}`
)

// newOdd returns a server with some routes replaced.
func newOdd(replaced map[string]string) *odd {
	o := &odd{routes: map[string]string{
		"GET /v3/user":                             `{"user":{"uid":"uo","email":"owner@example.com"}}`,
		"GET /v3/organizations/blt1":               `{"organization":{"uid":"blt1","owner_uid":"uo"}}`,
		"GET /v3/organizations/blt1/share":         `{"shares":[` + oddOwner + `,` + oddAda + `,` + oddBob + `],"count":3}`,
		"POST /v3/organizations/blt1/share/search": `{"shares":[` + oddAda + `,` + oddBob + `]}`,
		"GET /v3/organizations/blt1/roles":         oddRoles,
		"GET /v3/organizations/blt1/stacks":        oddStacks,
		"GET /v3/roles":                            `{"roles":[{"uid":"x","name":"Editor","users":["ub"]}],"count":1}`,
		"GET /v4/teams":                            oddTeams,
		"DELETE /v3/organizations/blt1/share":      `{"shares":[` + oddAda + `,` + oddBob + `]}`,
	}}
	maps.Copy(o.routes, replaced)
	return o
}

// RoundTrip responds. A search returns only rows whose address was asked for.
func (o *odd) RoundTrip(r *http.Request) (*http.Response, error) {
	route := r.Method + " " + r.URL.Path
	sent := ""
	if r.Body != nil {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		sent = string(data)
	}
	search := strings.HasSuffix(route, "/share/search")
	if r.Method != http.MethodGet && !search {
		o.mu.Lock()
		o.writes = append(o.writes, route)
		o.mu.Unlock()
	}
	text, ok := o.routes[route]
	switch {
	case !ok:
		return status(http.StatusNotFound)(r)
	case search && strings.HasPrefix(text, `{"shares":[{`):
		rows := strings.Split(strings.TrimSuffix(strings.TrimPrefix(text, `{"shares":[`), `]}`), "},{")
		var kept []string
		for _, row := range rows {
			row = "{" + strings.Trim(row, "{}") + "}"
			email, _, _ := strings.Cut(strings.SplitAfter(row, `"email":"`)[1], `"`)
			if strings.Contains(sent, `"`+email+`"`) {
				kept = append(kept, row)
			}
		}
		text = fmt.Sprintf(`{"shares":[%s],"count":%d}`, strings.Join(kept, ","), len(kept))
	}
	return body(http.StatusOK, text)(r)
}

// TestUndeterminedIsRefused checks that a server that leaves out what a guard needs makes the
// guard refuse.
func TestUndeterminedIsRefused(t *testing.T) {
	t.Parallel()
	const roles, teams = "GET /v3/organizations/blt1/roles", "GET /v4/teams"
	for name, test := range map[string]struct {
		replaced map[string]string
		guards   orgusers.Guards
	}{
		"the last administrator": {},
		"users of a role in an unknown shape": {replaced: map[string]string{
			roles: `{"roles":[{"uid":"ra","admin":true,"users":[{"email":"ada@example.com"},{"email":"eve@example.com"}]},{"uid":"rm","users":[]}],"count":2}`,
		}},
		"null among the users of a role": {replaced: map[string]string{
			roles: `{"roles":[{"uid":"ra","admin":true,"users":["ua",null]},{"uid":"rm","users":[]}],"count":2}`,
		}},
		"users of a role are null": {replaced: map[string]string{
			roles: `{"roles":[{"uid":"ra","admin":true,"users":null},{"uid":"rm","users":[]}],"count":2}`,
		}},
		"the owner in a team of administrators": {replaced: map[string]string{
			teams: `{"teams":[{"uid":"t1","name":"Bosses","users":["uo"],"organizationRoles":["ra"]}],"count":1}`,
		}},
		"the owner in a role": {replaced: map[string]string{
			roles: `{"roles":[{"uid":"ra","admin":true,"users":["ua","uo"]},{"uid":"rm","users":[]}],"count":2}`,
		}},
		"a team of administrators without its users": {replaced: map[string]string{
			roles: `{"roles":[{"uid":"ra","admin":true,"users":["uc"]},{"uid":"rm","users":[]}],"count":2}`,
			teams: `{"teams":[{"uid":"t1","name":"Bosses","organizationRoles":["ra"]}],"count":1}`,
		}},
		"a stack without its owner": {
			replaced: map[string]string{"GET /v3/organizations/blt1/stacks": `{"stacks":[{"api_key":"k1"}],"count":1}`},
			guards:   orgusers.Guards{KeepStackOwners: true},
		},
		"an organization without its owner": {
			replaced: map[string]string{"GET /v3/organizations/blt1": `{"organization":{"uid":"blt1","owner_uid":null}}`},
		},
		"a caller without an address": {replaced: map[string]string{"GET /v3/user": `{"user":{"uid":"uo"}}`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newOdd(test.replaced)
			guards := test.guards
			if !guards.KeepStackOwners {
				guards.MinAdministrators = 1
			}
			client := newClient(t, server, soon, orgusers.WithGuards(guards))
			result, err := client.RemoveUsers(t.Context(), []string{"ada@example.com"}, nil)
			if err == nil || len(server.writes) > 0 {
				t.Errorf("RemoveUsers() = %+v, %v, and sent %q; want an error and no request", result.Outcomes, err, server.writes)
			}
		})
	}
}

// TestAccessOfOddServers checks that access that cannot be determined is an error.
func TestAccessOfOddServers(t *testing.T) {
	t.Parallel()
	for name, replaced := range map[string]map[string]string{
		"a team without its users":                 {"GET /v4/teams": `{"teams":[{"uid":"t1","name":"Editors"}],"count":1}`},
		"a team whose users are null":              {"GET /v4/teams": `{"teams":[{"uid":"t1","name":"Editors","users":null}],"count":1}`},
		"a team whose users have no uid":           {"GET /v4/teams": `{"teams":[{"uid":"t1","users":[{"email":"bob@example.com"}]}],"count":1}`},
		"a stack without its owner":                {"GET /v3/organizations/blt1/stacks": `{"stacks":[{"api_key":"k1"}],"count":1}`},
		"a role of a stack without its users":      {"GET /v3/roles": `{"roles":[{"uid":"x","users":["ub"]},{"uid":"y"}],"count":2}`},
		"roles of a stack with users without uids": {"GET /v3/roles": `{"roles":[{"uid":"x","users":[{"email":"bob@example.com"}]}],"count":1}`},
		"a role of a stack with users of null":     {"GET /v3/roles": `{"roles":[{"uid":"x","users":[null]}],"count":1}`},
		"a member without an account":              {"GET /v3/organizations/blt1/share": `{"shares":[{"uid":"sb","email":"bob@example.com","status":"accepted","org_roles":["rm"]}],"count":1}`},
		"no list of teams":                         {"GET /v4/teams": `{}`},
		"an error in a 200":                        {"GET /v4/teams": `{"teams":[],"error_code":119,"error_message":"no"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, newOdd(replaced), soon)
			users, err := collect(t, client.Access(t.Context(), nil))
			if err == nil {
				t.Errorf("Access() = %d users, want an error", len(users))
			}
		})
	}
}

// TestTeamsWithoutUsers checks that nothing is concluded from a team whose users were not sent.
func TestTeamsWithoutUsers(t *testing.T) {
	t.Parallel()
	server := newOdd(map[string]string{"GET /v4/teams": `{"teams":[{"uid":"t1","name":"Editors"}],"count":1}`})
	client := newClient(t, server, soon)
	for name, call := range map[string]func(context.Context, string, []string, *orgusers.BulkOptions) (*orgusers.BulkResult, error){
		"AddToTeam": client.AddToTeam, "RemoveFromTeam": client.RemoveFromTeam,
	} {
		result, err := call(t.Context(), "t1", []string{"bob@example.com"}, nil)
		if err == nil || result.Count(orgusers.OutcomeNotStarted) != 1 || len(server.writes) > 0 {
			t.Errorf("%s = %+v, %v, and sent %q; want one that is not started", name, result.Outcomes, err, server.writes)
		}
	}
}

// TestAddToTeamNeverInvites checks that only accepted members are added.
func TestAddToTeamNeverInvites(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"pending", "expired", "declined", ""} {
		row := `{"uid":"sc","email":"cy@example.com","user_uid":"uc","status":"` + state + `","org_roles":[]}`
		server := newOdd(map[string]string{"POST /v3/organizations/blt1/share/search": `{"shares":[` + row + `]}`})
		result, err := newClient(t, server, soon).AddToTeam(t.Context(), "t1", []string{"cy@example.com"}, nil)
		if len(server.writes) > 0 {
			t.Errorf("AddToTeam() of a user who is %q = %+v, %v, and sent %q; want no request", state, result.Outcomes, err, server.writes)
		}
	}
}

// TestReadOnlyOddPaths checks that no spelling of a write passes as a read.
func TestReadOnlyOddPaths(t *testing.T) {
	t.Parallel()
	const share = "/v3/organizations/{organization_uid}/share/{share}/"
	for name, request := range map[string]orgusers.Request{
		"HEAD of a GET that sends email": {Method: http.MethodHead, Path: share + "resend_invitation", PathValues: map[string]string{"share": "s"}},
		"two braces": {
			Path:       share + "{{a}}",
			PathValues: map[string]string{"share": "s", "a": "harmless", "{a}": "resend_invitation"},
		},
		"a value":           {Path: share + "{a}", PathValues: map[string]string{"share": "s", "a": "resend_invitation"}},
		"capital letters":   {Path: share + "Resend_Invitation", PathValues: map[string]string{"share": "s"}},
		"without a version": {Path: "/organizations/{organization_uid}/share/{share}/resend_invitation", PathValues: map[string]string{"share": "s"}},
		"a slash at the end": {
			Path: share + "resend_invitation/", PathValues: map[string]string{"share": "s"},
		},
		"a login": {Method: http.MethodPost, Path: "/user-session"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent := 0
			client := newClient(t, roundTripper(func(r *http.Request) (*http.Response, error) {
				sent++
				return body(http.StatusOK, `{}`)(r)
			}), orgusers.WithReadOnly())
			request.ReadOnly = true
			if err := client.Do(t.Context(), request, nil); !errors.Is(err, orgusers.ErrInvalid) || sent > 0 {
				t.Errorf("Do() = %v, and sent %d requests; want ErrInvalid and none", err, sent)
			}
		})
	}
}

// TestRestoreOddRecords checks that edited records neither panic nor are restored twice.
func TestRestoreOddRecords(t *testing.T) {
	t.Parallel()
	user := &orgusers.User{Email: "bob@example.com"}
	team := orgusers.TeamRef{UID: "t2"}
	role := orgusers.RoleGrant{RoleUID: "rm", Direct: true}
	for name, test := range map[string]struct {
		record orgusers.UserAccess
		status orgusers.OutcomeStatus
	}{
		"a team twice": {orgusers.UserAccess{Teams: []orgusers.TeamRef{team, team}}, orgusers.OutcomeDone},
		"a role twice": {orgusers.UserAccess{Roles: []orgusers.RoleGrant{role, role}}, orgusers.OutcomeSkipped},
		"a stack without a key": {
			orgusers.UserAccess{Stacks: []orgusers.StackGrant{{RoleUID: "x", Direct: true}}}, orgusers.OutcomePartial,
		},
		"a role that does not exist": {orgusers.UserAccess{Roles: []orgusers.RoleGrant{{RoleUID: "gone", Direct: true}}}, orgusers.OutcomePartial},
		"another organization":       {orgusers.UserAccess{OrganizationUID: "blt2"}, orgusers.OutcomeRefused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newOdd(map[string]string{
				"GET /v4/teams": `{"teams":[{"uid":"t2","name":"Two","users":[]}],"count":1}`,
				"POST /v3/organizations/blt1/teams/t2/users": `{}`,
			})
			transport := roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.URL.Path == "/v4/teams" {
					server.mu.Lock()
					added := len(server.writes) > 0
					server.mu.Unlock()
					if added {
						return body(http.StatusOK, `{"teams":[{"uid":"t2","name":"Two","users":["ub"]}],"count":1}`)(r)
					}
				}
				return server.RoundTrip(r)
			})
			record := test.record
			record.Version, record.User = 1, user
			if record.OrganizationUID == "" {
				record.OrganizationUID = "blt1"
			}
			result, err := newClient(t, transport, soon).Restore(t.Context(), []*orgusers.UserAccess{&record}, nil)
			if got := result.Outcomes[0].Status; got != test.status {
				t.Errorf("Restore() = %+v, %v; want %s", result.Outcomes, err, test.status)
			}
		})
	}
}

// TestRemovedWithoutRecord checks that only users whom Before was called with are removed.
func TestRemovedWithoutRecord(t *testing.T) {
	t.Parallel()
	const before = `{"uid":"s1","email":"J@example.com","user_uid":"u1","status":"accepted","org_roles":["rm"]}`
	for name, test := range map[string]struct{ emails, after string }{
		"another member under the address": {
			"J@example.com", `{"uid":"s2","email":"J@example.com","user_uid":"u2","status":"accepted","org_roles":["rm"]}`,
		},
		"a second spelling": {
			"J@example.com,j@example.com", before + `,{"uid":"s2","email":"j@example.com","user_uid":"u2","status":"accepted","org_roles":["rm"]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newOdd(map[string]string{"POST /v3/organizations/blt1/share/search": `{"shares":[` + before + `]}`})
			client := newClient(t, server, soon)
			result, err := client.RemoveUsers(t.Context(), strings.Split(test.emails, ","), &orgusers.RemoveOptions{
				Before: func(context.Context, []*orgusers.UserAccess) error {
					server.routes["POST /v3/organizations/blt1/share/search"] = `{"shares":[` + test.after + `]}`
					return nil
				},
			})
			if !errors.Is(err, orgusers.ErrRefused) || len(server.writes) > 0 {
				t.Errorf("RemoveUsers() = %+v, %v, and sent %q; want ErrRefused and no request", result.Outcomes, err, server.writes)
			}
		})
	}
}

// TestPanicsReleaseGuards checks that a panic of a callback leaves no turn or place taken.
func TestPanicsReleaseGuards(t *testing.T) {
	t.Parallel()
	fail := true
	boom := func() {
		if fail {
			panic("boom")
		}
	}
	for name, test := range map[string]struct {
		options   orgusers.RemoveOptions
		protected func(*orgusers.User) bool
	}{
		"Before":    {options: orgusers.RemoveOptions{Before: func(context.Context, []*orgusers.UserAccess) error { boom(); return nil }}},
		"Progress":  {options: orgusers.RemoveOptions{BulkOptions: orgusers.BulkOptions{Progress: func(int, int) { boom() }}}},
		"Protected": {protected: func(*orgusers.User) bool { boom(); return false }},
	} {
		t.Run(name, func(t *testing.T) {
			server := newOdd(nil)
			client := newClient(t, server, soon, orgusers.WithGuards(orgusers.Guards{MaxRemovals: 1, MinAdministrators: 1, Protected: test.protected}))
			derived, err := client.ForOrganization("blt1")
			if err != nil {
				t.Fatal(err)
			}
			fail = true
			func() {
				defer func() {
					if recover() == nil {
						t.Error("the panic did not reach the caller")
					}
				}()
				_, _ = client.RemoveUsers(t.Context(), []string{"bob@example.com"}, &test.options)
			}()
			fail = false
			if result, err := derived.RemoveUsers(t.Context(), []string{"bob@example.com"}, &test.options); err != nil {
				t.Errorf("RemoveUsers() after the panic = %+v, %v; want done", result.Outcomes, err)
			}
			if _, err := derived.RemoveUsers(t.Context(), []string{"bob@example.com"}, nil); !errors.Is(err, orgusers.ErrRefused) {
				t.Errorf("one more RemoveUsers() = %v; want ErrRefused by the limit", err)
			}
		})
	}
}

// TestLimitsOfConcurrentCalls checks that calls at the same time do not exceed a limit, of
// several organizations.
func TestLimitsOfConcurrentCalls(t *testing.T) {
	t.Parallel()
	server := newOdd(nil)
	for _, suffix := range []string{"", "/share", "/roles", "/stacks"} {
		server.routes["GET /v3/organizations/blt2"+suffix] = server.routes["GET /v3/organizations/blt1"+suffix]
	}
	server.routes["POST /v3/organizations/blt2/share/search"] = server.routes["POST /v3/organizations/blt1/share/search"]
	server.routes["DELETE /v3/organizations/blt2/share"] = server.routes["DELETE /v3/organizations/blt1/share"]
	client := newClient(t, server, soon, orgusers.WithGuards(orgusers.Guards{MaxRemovals: 2, MinAdministrators: 1}))
	var calls sync.WaitGroup
	for i := range 12 {
		derived, err := client.ForOrganization([]string{"blt1", "blt2"}[i%2])
		if err != nil {
			t.Fatal(err)
		}
		calls.Go(func() { _, _ = derived.RemoveUsers(t.Context(), []string{"bob@example.com"}, nil) })
	}
	calls.Wait()
	if len(server.writes) != 4 {
		t.Errorf("sent %q; want two removals of each organization", server.writes)
	}
}
