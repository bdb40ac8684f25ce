package orguserstest_test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers/orguserstest"
)

func TestOrganization(t *testing.T) {
	t.Parallel()
	c := overSocket(t, orguserstest.WithRateLimit(50, 20))
	org, _ := c.get("/v3/organizations/{org}").json["organization"].(map[string]any)
	owner := c.server.Users()[0]
	if org["uid"] != c.server.OrganizationUID || org["owner_uid"] != owner.UID || org["plan"] != nil {
		t.Errorf("got %v", org)
	}
	for _, field := range []string{"name", "plan_id", "expires_on", "enabled", "is_over_usage_allowed", "created_at", "updated_at", "settings"} {
		if org[field] == nil {
			t.Errorf("no %s", field)
		}
	}
	org, _ = c.get("/v3/organizations/{org}?include_plan=true").json["organization"].(map[string]any)
	limits := map[string]any{}
	plan, _ := org["plan"].(map[string]any)
	for _, f := range plan["features"].([]any) {
		feature, _ := f.(map[string]any)
		limits[feature["uid"].(string)] = feature["limit"]
	}
	if limits["getLimit"] != 50.0 || limits["limit"] != 20.0 || limits["bulkLimit"] != 1.0 || limits["users"] == nil {
		t.Errorf("the limits of the plan are %v", limits)
	}
}

func TestOrganizationAsAList(t *testing.T) {
	t.Parallel()
	c := overSocket(t, orguserstest.WithOrganizationList())
	list := c.get("/v3/organizations/{org}").list("organizations")
	if len(list) != 1 || list[0]["uid"] != c.server.OrganizationUID {
		t.Errorf("got %v", list)
	}
}

func TestOrganizations(t *testing.T) {
	t.Parallel()
	c := overSocket(t)
	list := c.get("/v3/organizations?asc=created_at").list("organizations")
	if len(list) != 2 || list[0]["uid"] != c.server.OrganizationUID || list[1]["uid"] != c.server.SecondOrganizationUID {
		t.Errorf("got %v", list)
	}
	if got := c.get("/v3/organizations?typeahead=lab").list("organizations"); len(got) != 1 {
		t.Errorf("typeahead finds %v", got)
	}
	page := c.get("/v3/organizations?desc=name&limit=1&skip=1&include_count=true")
	if got := page.list("organizations"); len(got) != 1 || got[0]["uid"] != c.server.SecondOrganizationUID || page.json["count"] != 2.0 {
		t.Errorf("the second page is %s", page.text)
	}
	second := c.get("/v3/organizations/" + c.server.SecondOrganizationUID + "/share?asc=created_at")
	if len(second.emails()) < 3 || !slices.Contains(second.emails(), c.server.Email) {
		t.Errorf("the second organization has %q", second.emails())
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	c := overSocket(t, orguserstest.WithUsers(500))
	roles := c.get("/v3/organizations/{org}/roles?asc=created_at&include_stack_roles=true").list("roles")
	var names []string
	for i, role := range roles {
		names = append(names, strings.ToLower(role["name"].(string)))
		if role["uid"] == nil || role["description"] == nil || role["org_uid"] != c.server.OrganizationUID ||
			role["default"] != true || role["created_at"] == nil || role["update_at"] == nil {
			t.Errorf("got %v", role)
		}
		if admin, has := role["admin"]; has != (i == 0) || (has && admin != true) {
			t.Errorf("%s has admin %v", role["name"], admin)
		}
		if users, _ := role["users"].([]any); len(users) > 100 || len(users) == 0 {
			t.Errorf("%s names %d users", role["name"], len(users))
		}
	}
	if want := []string{"admin", "member", "security manager", "product analytics viewer"}; !slices.Equal(names, want) {
		t.Errorf("got %q", names)
	}
	if got := c.get("/v3/organizations/{org}/roles?asc=name&limit=2&skip=3").list("roles"); len(got) != 1 {
		t.Errorf("the last page has %v", got)
	}
}

func TestRoleNamesVaryInCase(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for seed := range uint64(10) {
		c := inProcess(t, orguserstest.WithSeed(seed))
		seen[c.get("/v3/organizations/{org}/roles?asc=created_at").list("roles")[0]["name"].(string)] = true
	}
	if !seen["Admin"] || !seen["admin"] {
		t.Errorf("got %v", seen)
	}
}

func TestStacks(t *testing.T) {
	t.Parallel()
	c := overSocket(t)
	stacks := c.get("/v3/organizations/{org}/stacks?asc=name").list("stacks")
	if len(stacks) != 3 {
		t.Fatalf("got %v", stacks)
	}
	for _, stack := range stacks {
		owner, _ := stack["owner"].(map[string]any)
		users, _ := stack["users"].(map[string]any)
		if stack["uid"] == nil || stack["name"] == nil || stack["owner_uid"] != c.server.Users()[0].UID ||
			owner["email"] == nil || owner["first_name"] == nil || owner["last_name"] == nil ||
			users["count"] == nil || stack["created_at"] == nil || stack["updated_at"] == nil {
			t.Errorf("got %v", stack)
		}
		if got := c.get("/v3/organizations/{org}/stacks?typeahead=" + url.QueryEscape(stack["name"].(string))).list("stacks"); len(got) != 1 {
			t.Errorf("typeahead for %s finds %v", stack["name"], got)
		}
		key, _ := stack["api_key"].(string)
		roles := c.as("Api_key", key).get("/v3/roles?include_count=true&asc=name")
		if len(roles.list("roles")) != 3 || roles.json["count"] != 3.0 || roles.list("roles")[0]["uid"] == nil {
			t.Errorf("the roles of %s are %s", stack["name"], roles.text)
		}
	}
}

func TestOnlyAdministratorsSeeUsers(t *testing.T) {
	t.Parallel()
	c := overSocket(t, orguserstest.WithPeople(
		orguserstest.Person{Email: "boss@example.com", Owner: true},
		orguserstest.Person{Email: "admin@example.com", Roles: []string{"admin"}},
		orguserstest.Person{Email: "member@example.com"},
		orguserstest.Person{Email: "guest@example.com", FirstName: "No", LastName: "Member", Pending: true, Roles: []string{"Admin"}},
	))
	key := c.get("/v3/organizations/{org}/stacks").list("stacks")[0]["api_key"].(string)
	for email, want := range map[string][3]int{
		"boss@example.com":   {200, 200, 200},
		"admin@example.com":  {200, 200, 200},
		"member@example.com": {200, 403, 403},
		"guest@example.com":  {403, 403, 403},
	} {
		as := c.as("Authtoken", c.server.SignIn(email)).as("Api_key", key)
		got := [3]int{
			as.ask("GET", "/v3/organizations/{org}", "").status,
			as.ask("GET", "/v3/organizations/{org}/share", "").status,
			as.ask("GET", "/v3/roles", "").status,
		}
		if got != want {
			t.Errorf("%s: got %v, want %v", email, got, want)
		}
	}
}

const logs = "/v3/organizations/{org}/logs"

func TestAuditLog(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team()...)
	if a := c.get(logs); a.text != `{"logs":[]}` {
		t.Errorf("at first: %s", a.text)
	}
	guest := c.user("guest@example.com")
	c.ask("POST", shares, c.fill(`{"share":{"users":{"new@example.com":["{Member}"],"ada@example.com":["{Admin}"]}}}`))
	c.ask("GET", shares+"/"+guest.ShareUID+"/resend_invitation", "")
	c.ask("DELETE", shares, `{"emails":["grace@example.com"]}`)
	c.ask("DELETE", shares, `{"emails":["boss@example.com"]}`) // refused
	c.server.RemoveUser("locked@example.com")                  // not by a request
	c.as("Authtoken", c.server.SignIn("boss@example.com")).ask("POST", "/v3/organizations/{org}/transfer-ownership", `{"transfer_to":"ada@example.com"}`)

	a := c.get(logs + "?include_count=true")
	var got []string
	for _, entry := range a.list("logs") {
		metadata, _ := entry["metadata"].(map[string]any)
		got = append(got, fmt.Sprint(entry["event_type"], ": ", metadata["title"]))
	}
	want := []string{
		"transfer ownership: ada@example.com", "remove: grace@example.com", "resend invitation: guest@example.com",
		"invite: new@example.com", "invite: ada@example.com",
	}
	if diff := cmp.Diff(want, got); diff != "" || a.json["count"] != nil {
		t.Errorf("%s, count %v", diff, a.json["count"])
	}
	newest, oldest := a.list("logs")[0], a.list("logs")[4]
	if newest["created_by"] != c.user("boss@example.com").UID || oldest["created_by"] != c.user("admin@example.com").UID || oldest["remote_addr"] != "127.0.0.1" {
		t.Errorf("got %v and %v", newest, oldest)
	}
	fields := []string{"created_at", "created_by", "event_type", "metadata", "module", "remote_addr", "uid"}
	if got := slices.Sorted(maps.Keys(oldest)); !slices.Equal(got, fields) {
		t.Errorf("an entry has %q", got)
	}
	one := c.get(logs + "/" + oldest["uid"].(string))
	if diff := cmp.Diff(oldest, one.json["log"]); diff != "" {
		t.Error(diff)
	}
	if a := c.ask("GET", logs+"/blt0", ""); a.status != 404 {
		t.Errorf("an unknown entry: %d", a.status)
	}
	if a := c.as("Authtoken", c.server.SignIn("secured@example.com")).ask("GET", logs, ""); a.status != 403 {
		t.Errorf("as a member: %d", a.status)
	}
	if a := c.ask("GET", "/v3/organizations/"+c.server.SecondOrganizationUID+"/logs", ""); a.text != `{"logs":[]}` {
		t.Errorf("another organization: %s", a.text)
	}
}

func TestPagesOfTheAuditLog(t *testing.T) {
	t.Parallel()
	c := inProcess(t, team()...)
	guest := c.user("guest@example.com")
	for range 60 {
		c.ask("GET", shares+"/"+guest.ShareUID+"/resend_invitation", "")
	}
	seen := map[any]bool{}
	for _, test := range []struct {
		query string
		rows  int
	}{{"", 25}, {"?limit=100&skip=25", 25}, {"?skip=50&limit=9", 9}, {"?skip=59", 1}, {"?skip=60", 0}, {"?skip=0&limit=0", 0}} {
		rows := c.get(logs + test.query).list("logs")
		if len(rows) != test.rows {
			t.Errorf("%s: %d rows", test.query, len(rows))
		}
		for _, row := range rows {
			if seen[row["uid"]] {
				t.Errorf("%s: %v comes twice", test.query, row["uid"])
			}
			seen[row["uid"]] = true
			if row["remote_addr"] != "127.0.0.1" {
				t.Errorf("from %v", row["remote_addr"])
			}
		}
	}
	if len(seen) != 60 {
		t.Errorf("%d entries", len(seen))
	}
	if a := c.ask("GET", logs+"?skip=-1", ""); a.status != 422 {
		t.Errorf("a negative skip: %d", a.status)
	}
	c = inProcess(t, team(orguserstest.WithPageCap(2))...)
	c.ask("DELETE", shares, `{"emails":["ada@example.com","grace@example.com","guest@example.com"]}`)
	if rows := c.get(logs).list("logs"); len(rows) != 2 {
		t.Errorf("with a page cap: %d rows", len(rows))
	}
}
