package orguserstest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers/orguserstest"
)

// withTeams returns a client for an organization with two teams. In the paths of
// its requests, {team} is the first one.
func withTeams(t *testing.T, more ...orguserstest.Option) (c *client, editors orguserstest.Team) {
	t.Helper()
	c = overSocket(t, team(append(more, orguserstest.WithTeams(
		orguserstest.Team{
			Name: "Editors", Description: "Everybody who edits the site", Members: []string{"ada@example.com", "invited@example.com"},
			Roles: []string{"Security Manager"}, Stacks: map[string][]string{"Website": {"Developer"}},
		},
		orguserstest.Team{Name: "Auditors"},
	))...)...)
	return c.as("organization_uid", c.server.OrganizationUID), c.server.Teams()[0]
}

func (c *client) teamNames(query string) []string {
	var names []string
	for _, team := range c.get("/v4/teams" + query).list("teams") {
		names = append(names, team["name"].(string))
	}
	return names
}

func TestTeams(t *testing.T) {
	t.Parallel()
	c, editors := withTeams(t)
	for query, want := range map[string][]string{
		"?asc=name":      {"Auditors", "Editors"},
		"?desc=name":     {"Editors", "Auditors"},
		"?typeahead=edi": {"Editors"},
		"?user_uid=" + c.user("ada@example.com").UID:          {"Editors"},
		"?stack_api_key=" + c.server.Stacks()[0].APIKey:       {"Editors"},
		"?asc=name&skip=1&limit=1":                            {"Editors"},
		"?asc=name&limit=500":                                 {"Auditors", "Editors"},
		"?stack_api_key=" + c.server.Stacks()[0].APIKey + "&": {"Editors"},
	} {
		if got := c.teamNames(query); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	page := c.get("/v4/teams?asc=name&limit=1&skip=1")
	if page.json["count"] != 2.0 || page.header.Get("x-total-results") != "2" || page.header.Get("x-skip") != "1" || page.header.Get("x-limit") != "1" {
		t.Errorf("got %s %v", page.text, page.header)
	}
	if a := c.ask("GET", "/v4/teams?skip_pagination=true", ""); a.status != 200 || !strings.HasPrefix(a.text, "[{") || a.header.Get("x-total-results") != "2" {
		t.Errorf("without pages: got %d %s", a.status, a.text)
	}
	for _, query := range []string{"?typeahead=nothing", "?user_uid=blt0"} {
		if a := c.ask("GET", "/v4/teams"+query, ""); a.status != 204 || a.text != "" {
			t.Errorf("%s: got %d %s", query, a.status, a.text)
		}
	}
	if a := c.ask("GET", "/v4/teams?limit=0", ""); a.status != 422 {
		t.Errorf("a limit of zero: got %d", a.status)
	}
	second := c.as("organization_uid", c.server.SecondOrganizationUID)
	if a := second.ask("GET", "/v4/teams", ""); a.status != 204 {
		t.Errorf("an organization without teams: got %d %s", a.status, a.text)
	}

	one := c.get("/v4/teams/" + editors.UID)
	if one.json["uid"] != editors.UID || len(one.json["users"].([]any)) != 2 || one.json["organizationUid"] != c.server.OrganizationUID {
		t.Errorf("got %s", one.text)
	}
	if below := c.get("/v3/organizations/{org}/teams/" + editors.UID); below.text != one.text {
		t.Errorf("below /v3: got %s", below.text)
	}
	for _, path := range []string{"/v4/teams/blt0", "/v3/organizations/{org}/teams/blt0/users"} {
		if a := c.ask("GET", path, ""); a.status != 404 {
			t.Errorf("%s: got %d", path, a.status)
		}
	}
}

func TestTeamUsers(t *testing.T) {
	t.Parallel()
	c, editors := withTeams(t)
	path := "/v3/organizations/{org}/teams/" + editors.UID + "/users"
	a := c.get(path + "?includeUserDetails=true&include_count=true")
	ada := c.user("ada@example.com")
	want := map[string]any{
		"uid": ada.UID, "username": "ada_" + ada.UID, "email": "ada@example.com", "firstName": "Ada", "lastName": "Lovelace",
		"active": true, "orgInvitationStatus": "accepted",
	}
	users := a.list("users")
	if diff := cmp.Diff(want, users[0]); diff != "" || a.json["count"] != 2.0 || users[1]["orgInvitationStatus"] != "pending" {
		t.Errorf("%s, %v", diff, a.text)
	}
	with := c.get("/v4/teams/" + editors.UID + "?include_user_details=true")
	if diff := cmp.Diff(a.json["users"], with.json["users"]); diff != "" {
		t.Errorf("the team has other users: %s", diff)
	}
}

func TestAddToTeam(t *testing.T) {
	t.Parallel()
	c, _ := withTeams(t)
	auditors := c.server.Teams()[1]
	path := "/v3/organizations/{org}/teams/" + auditors.UID + "/users"
	if a := c.ask("POST", path, `{"emails":["ada@example.com","new@example.com","GUEST@example.com"]}`); a.status != 200 {
		t.Fatalf("got %d %s", a.status, a.text)
	}
	want := []string{"ada@example.com", "new@example.com", "guest@example.com"}
	if got := c.server.Teams()[1].Members; !slices.Equal(got, want) {
		t.Errorf("the members are %q", got)
	}
	if got := c.emails(); !slices.Equal(got, []string{"invitation to new@example.com"}) {
		t.Errorf("the outbox is %q", got)
	}
	if u := c.user("new@example.com"); !u.Pending || len(u.RoleUIDs) != 0 || !slices.Equal(u.Teams, []string{auditors.UID}) {
		t.Errorf("the new user is %+v", u)
	}
	if a := c.ask("POST", path, `{"emails":["ada@example.com"]}`); a.status != 200 || len(c.server.Teams()[1].Members) != 3 {
		t.Errorf("again: got %d %s", a.status, a.text)
	}
	for _, body := range []string{"", `{"emails":[]}`, `{"emails":["grace@example.com","new"]}`} {
		if a := c.ask("POST", path, body); a.status != 422 {
			t.Errorf("%s: got %d", body, a.status)
		}
	}
	if a := c.ask("DELETE", path+"/"+c.user("ada@example.com").UID, ""); a.status != 200 || len(c.server.Teams()[1].Members) != 2 {
		t.Errorf("got %d %s, members %q", a.status, a.text, c.server.Teams()[1].Members)
	}
	for _, path := range []string{path + "/" + c.user("ada@example.com").UID, path + "/blt0", "/v3/organizations/{org}/teams/blt0/users/blt0"} {
		if a := c.ask("DELETE", path, ""); a.status != 404 {
			t.Errorf("%s: got %d", path, a.status)
		}
	}
	var events []any
	for _, entry := range c.get(logs).list("logs") {
		events = append(events, entry["event_type"])
	}
	if diff := cmp.Diff([]any{"remove_from_team", "add_to_team", "add_to_team", "share", "add_to_team"}, events); diff != "" {
		t.Errorf("the audit log: %s", diff)
	}
	c.ask("DELETE", shares, `{"emails":["new@example.com"]}`)
	if got := c.server.Teams()[1].Members; !slices.Equal(got, []string{"guest@example.com"}) {
		t.Errorf("after the removal of a user, the members are %q", got)
	}
}

// A team gives roles, which show on users and on roles unless they are hidden.
func TestTeamRoles(t *testing.T) {
	t.Parallel()
	for _, hidden := range []bool{false, true} {
		var opts []orguserstest.Option
		if hidden {
			opts = append(opts, orguserstest.WithHiddenTeamRoles())
		}
		c, editors := withTeams(t, opts...)
		ada, security := c.user("ada@example.com"), c.server.RoleUID("security manager")
		website := c.server.Stacks()[0]
		for _, stack := range c.server.Stacks() {
			for _, email := range []string{"ada@example.com", "invited@example.com"} {
				c.server.SetStackAccess(email, stack.APIKey)
			}
		}
		shown := func() (inRow, inRole, inStackRole bool) {
			row := c.ask("POST", shares+"/search", `{"emails":["ada@example.com"]}`).list("shares")[0]
			inRow = slices.Contains(row["org_roles"].([]any), any(security))
			for _, role := range c.get("/v3/organizations/{org}/roles").list("roles") {
				inRole = inRole || role["uid"] == security && slices.Contains(role["users"].([]any), any(ada.UID))
			}
			for _, role := range c.as("Api_key", website.APIKey).get("/v3/roles").list("roles") {
				inStackRole = inStackRole || role["uid"] == website.Roles[1].UID && slices.Contains(role["users"].([]any), any(ada.UID))
			}
			return inRow, inRole, inStackRole
		}
		if a, b, c := shown(); a == hidden || b == hidden || c == hidden {
			t.Errorf("hidden: %v, but on the row: %v, on the role: %v, on the stack's role: %v", hidden, a, b, c)
		}
		if slices.Contains(c.user("ada@example.com").RoleUIDs, security) {
			t.Error("the role of the team is among the direct roles")
		}
		// The permissions come with the role, hidden or not.
		as := c.as("Authtoken", c.server.SignIn("ada@example.com"))
		if a := as.ask("GET", shares, ""); a.status != 200 {
			t.Errorf("a member of the team gets %d", a.status)
		}
		if a := c.as("Api_key", website.APIKey).ask("POST", "/v3/stacks/unshare", `{"email":"ada@example.com"}`); a.status != 422 {
			t.Errorf("the access of a team was removed: %d", a.status)
		}
		c.server.SetTeamMembers(editors.UID, "grace@example.com")
		if a, b, c := shown(); a || b || c {
			t.Errorf("after leaving, on the row: %v, on the role: %v, on the stack's role: %v", a, b, c)
		}
		if a := as.ask("GET", shares, ""); a.status != 403 {
			t.Errorf("after leaving: %d", a.status)
		}
		if !c.server.RemoveTeam(editors.UID) || c.server.RemoveTeam(editors.UID) || len(c.server.Teams()) != 1 || c.server.SetTeamMembers(editors.UID) {
			t.Error("the team was not removed")
		}
	}
}

func TestTeamsThatAreInvalid(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team()...)
	for name, team := range map[string]orguserstest.Team{
		"an unknown member":     {Members: []string{"nobody@example.com"}},
		"an unknown role":       {Roles: []string{"King"}},
		"an unknown stack":      {Stacks: map[string][]string{"Castle": nil}},
		"an unknown stack role": {Stacks: map[string][]string{"Website": {"King"}}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			c.server.AddTeam(team)
		}()
	}
	added := c.server.AddTeam(orguserstest.Team{Name: "Editors", Roles: []string{c.server.RoleUID("Admin")}, Stacks: map[string][]string{c.server.Stacks()[1].APIKey: {c.server.Stacks()[1].Roles[0].UID}}})
	if diff := cmp.Diff([]orguserstest.Team{added}, c.server.Teams()); diff != "" || len(added.UID) != 24 {
		t.Errorf("got %+v, %s", added, diff)
	}
}
