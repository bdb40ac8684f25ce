package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/orgusers/orgusers/orguserstest"
)

func TestRolesList(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 2)
	runOn(t, server, "roles", "list").expect(t, 0, "NAME", "admin", server.RoleUID("Member"))
	runOn(t, server, "roles", "list", "--output", "csv").expect(t, 0, "Name,Uid,Admin,Users,Description\n", "admin,"+server.RoleUID("Admin")+",yes,1,")
	result := runOn(t, server, "roles", "list", "--output", "json")
	result.expect(t, 0, `"name": "admin"`)
	document := result.document(t)
	if roles, _ := document["roles"].([]any); document["organization"] != server.OrganizationUID || document["fake"] != nil || len(roles) != 4 || result.stderr != "" {
		t.Errorf("document %v, stderr %q", document, result.stderr)
	}
}

func TestErrorsOfAReadAreForPeople(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		effect      orguserstest.Effect
		environment []string
		status      int
		says        string
	}{
		"wrong token":        {orguserstest.Effect{}, []string{"CONTENTSTACK_AUTHTOKEN=wrong"}, 1, "log in again with 'orgusers login'"},
		"wrong organization": {orguserstest.Status(http.StatusNotFound), nil, 1, "or it is in another region"},
		"no right":           {orguserstest.Status(http.StatusForbidden), nil, 1, "must be the owner or an administrator"},
		"a quoted token":     {orguserstest.Effect{}, []string{`CONTENTSTACK_AUTHTOKEN="bltx"`}, 2, "has quotation marks around it"},
		"a quoted uid":       {orguserstest.Effect{}, []string{`CONTENTSTACK_ORGANIZATION_UID='bltx'`}, 2, "has quotation marks around it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newTeam(t, 1)
			if name == "no right" || name == "wrong organization" {
				server.AddFault(orguserstest.Fault{Effect: test.effect})
			}
			for _, debug := range []bool{false, true} {
				args := []string{"roles", "list"}
				if debug {
					args = append(args, "--debug")
				}
				result := run(t, command(t, append(environment(server), test.environment...), args...))
				result.expect(t, test.status, test.says)
				if strings.Contains(result.stderr, "orgusers: debug: orgusers: ") != (debug && test.status == 1) {
					t.Errorf("with --debug %v, stderr is %q", debug, result.stderr)
				}
			}
		})
	}
}

func TestRolesSet(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 2)
	args := []string{"roles", "set", "--email", "member0@example.com,pending@example.com", "--role", "ADMIN,member", "--output", "json"}
	if got := runOn(t, server, args...).statuses(t); got["member0@example.com"] != "planned" || got["pending@example.com"] != "skipped pending" {
		t.Errorf("outcomes %v", got)
	}
	expectUntouched(t, server)
	result := runOn(t, server, append(args, "--apply")...)
	result.expect(t, 0, "1 changed, 1 skipped")
	runOn(t, server, args[:len(args)-2]...).expect(t, 0, "pending@example.com  skipped  ", `pending; role "admin" is `)
	if user, _ := server.User("member0@example.com"); len(user.RoleUIDs) != 2 {
		t.Errorf("roles %v", user.RoleUIDs)
	}
	run(t, withEndpoints(t, server, fakeEndpoints, 0o600, "roles", "set", "--email", "member1@example.com", "--role", "admin")).expect(t, 0, "the request would be POST", "/fake/roles")
	run(t, withEndpoints(t, server, fakeEndpoints, 0o600, "roles", "set", "--email", "member1@example.com", "--role", "admin", "--apply")).expect(t, 0, "1 changed")
}

func TestUnknownRole(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 1)
	runOn(t, server, "roles", "set", "--email", "member0@example.com", "--role", "Boss", "--apply").
		expect(t, 2, `nothing was changed: no role has the name or uid "Boss"; there are "admin", "member"`)
	runOn(t, server, "roles", "set", "--email", "member0@example.com").expect(t, 2, `required flag(s) "role" not set`)
	runOn(t, server, "stacks", "grant", "--stack", "website", "--email", "member0@example.com", "--role", "Boss", "--apply").
		expect(t, 2, `no role has the name or uid "Boss"; there are "Admin", `)
	expectUntouched(t, server)
}

func TestAdministratorsThatMustRemain(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 2)
	server.SetRoles("member0@example.com", "Admin")
	args := []string{"roles", "set", "--email", "member0@example.com", "--role", "member", "--min-administrators"}
	runOn(t, server, append(args, "2")...).expect(t, 2, "nothing was changed", "1 of 2 administrators would remain, and at least 2 must")
	runOn(t, server, append(args, "-1")...).expect(t, 2, "MinAdministrators")
	runOn(t, server, append(args, "1")...).expect(t, 0, "1 would be changed")
	runOn(t, server, "teams", "remove", "--team", "x", "--email", "member0@example.com", "--min-administrators", "-1").expect(t, 2)
}
