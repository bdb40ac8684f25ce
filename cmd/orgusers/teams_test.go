package main

import (
	"maps"
	"testing"

	"github.com/orgusers/orgusers/orguserstest"
)

// newTeamWithTeams is newTeam with a team that has a hostile name.
func newTeamWithTeams(t *testing.T) *orguserstest.Server {
	t.Helper()
	return newTeam(t, 2, orguserstest.WithTeams(
		orguserstest.Team{Name: "Editors", Roles: []string{"Member"}, Stacks: map[string][]string{"Website": {"Developer"}}, Members: []string{"member0@example.com"}},
		orguserstest.Team{Name: hostile},
	))
}

func TestTeams(t *testing.T) {
	t.Parallel()
	server := newTeamWithTeams(t)
	uid := server.Teams()[0].UID
	runOn(t, server, "teams", "list").expect(t, 0, "Editors", uid, "=cmd\uFFFD[2J")
	runOn(t, server, "teams", "list", "--search", "edit", "--output", "json").expect(t, 0, `"name": "Editors"`)
	runOn(t, server, "teams", "users", "--team", "EDITORS").expect(t, 0, "member0@example.com")
	runOn(t, server, "teams", "users", "--team", "Writers").expect(t, 2, `there is no team "Writers"; there are "Editors"`)
	runOn(t, newTeam(t, 1), "teams", "list", "--output", "csv").expect(t, 0, "Name,Uid,Users,Roles,Stacks,Description\n")

	add := []string{"teams", "add", "--team", "editors", "--email", "member1@example.com,member0@example.com,stranger@example.com,pending@example.com", "--output", "json"}
	dry := runOn(t, server, add...).statuses(t)
	expectUntouched(t, server)
	result := runOn(t, server, append(add, "--apply")...)
	result.expect(t, 0, `team "Editors" (`+uid+`)`, "1 added, 3 skipped")
	got := result.statuses(t)
	if dry["member1@example.com"] != "planned" || got["member1@example.com"] != "done" || len(got) != 4 {
		t.Errorf("planned %v, done %v", dry, got)
	}
	if maps.DeleteFunc(dry, func(email, status string) bool { return got[email] == status }); len(dry) != 1 {
		t.Errorf("other than planned: %v", dry)
	}
	if n := len(server.Outbox()); n != 0 {
		t.Errorf("%d emails", n)
	}
	runOn(t, server, "teams", "remove", "--team", uid, "--email", "member1@example.com", "--apply").expect(t, 0, "member1@example.com  removed")
	if members := server.Teams()[0].Members; len(members) != 1 {
		t.Errorf("members %v", members)
	}
	runOn(t, server, "teams", "remove", "--team", "Writers", "--email", "member1@example.com", "--apply").expect(t, 2, "nothing was changed:", "Writers")
}

func TestAccessList(t *testing.T) {
	t.Parallel()
	server := newTeamWithTeams(t)
	runOn(t, server, "access", "list").expect(t, 0, "EMAIL", "owner@example.com", "member0@example.com  stack         Website         Developer", "team Editors", "admin@example.com")
	runOn(t, server, "access", "list", "--email", "member0@example.com", "--output", "csv").expect(t, 0, "Email,Kind,What,Role,Through\nmember0@example.com,organization,,member,")
	result := runOn(t, server, "access", "list", "--email", "member0@example.com", "--output", "json")
	result.expect(t, 0, `"version": 1`, `"organization_uid": "`+server.OrganizationUID)
	if access, _ := result.document(t)["access"].([]any); len(access) != 1 {
		t.Errorf("access %v", access)
	}
	runOn(t, server, "access", "list", "--email", "stranger@example.com,member0@example.com").expect(t, 0, "orgusers: stranger@example.com is not in the organization\n")
	runOn(t, server, "access", "list", "--email", "Ada Lovelace").expect(t, 2, "is not a valid email address")
}

func TestAccessThatCannotBeRead(t *testing.T) {
	t.Parallel()
	server := newTeamWithTeams(t)
	server.AddFault(orguserstest.Fault{Path: "/v3/roles", Times: 1, Effect: orguserstest.Status(403)})
	runOn(t, server, "access", "list").expect(t, 1, "the roles of stack \"", "cannot be read: the service does not allow it", "--allow-unread can")
	server.ClearFaults()
	server.AddFault(orguserstest.Fault{Path: "/v3/roles", Times: 1, Effect: orguserstest.Status(403)})
	runOn(t, server, "access", "list", "--allow-unread").expect(t, 0, "could not be read")
}
