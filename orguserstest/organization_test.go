package orguserstest_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
	if limits["getLimit"] != 50.0 || limits["limit"] != 20.0 || limits["bulkLimit"] != 1.0 || limits["users"] == nil || limits["bulk_user_actions"] != 10.0 || limits["teams"] != 500.0 {
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
	held := map[string]int{}
	for _, u := range c.server.Users() {
		for _, uid := range u.RoleUIDs {
			held[uid]++
		}
	}
	roles := c.get("/v3/organizations/{org}/roles?asc=created_at&include_stack_roles=true").list("roles")
	var names []string
	for i, role := range roles {
		names = append(names, role["name"].(string))
		users, _ := role["users"].([]any)
		if len(users) != held[role["uid"].(string)] || role["admin"] != (i == 0) {
			t.Errorf("%s has %d users and admin %v", role["name"], len(users), role["admin"])
		}
	}
	if want := []string{"admin", "member", "security manager", "product analytics viewer"}; !slices.Equal(names, want) {
		t.Errorf("got %q", names)
	}
	if got := c.get("/v3/organizations/{org}/roles?asc=name&limit=2&skip=3").list("roles"); len(got) != 1 {
		t.Errorf("the last page has %v", got)
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

// Every request needs a permission. Security managers may only read.
func TestPermissions(t *testing.T) {
	t.Parallel()
	c := overSocket(t, orguserstest.WithPeople(
		orguserstest.Person{Email: "boss@example.com", Owner: true},
		orguserstest.Person{Email: "admin@example.com", Roles: []string{"admin"}},
		orguserstest.Person{Email: "security@example.com", Roles: []string{"Security Manager"}},
		orguserstest.Person{Email: "member@example.com"},
		orguserstest.Person{Email: "none@example.com", Roles: []string{}},
		orguserstest.Person{Email: "guest@example.com", FirstName: "No", LastName: "Member", Pending: true, Roles: []string{"Admin"}},
	), orguserstest.WithTeams(orguserstest.Team{Name: "Editors"}))
	team := c.server.Teams()[0].UID
	const org = "/v3/organizations/{org}"
	reads := []string{
		org + "/share", "POST " + org + "/share/search", org + "/roles", org + "/stacks", org + "/logs",
		"/v4/teams", "/v4/teams/" + team, org + "/teams/" + team + "/users", "/v3/roles",
	}
	writes := []string{
		"POST " + org + "/share", "DELETE " + org + "/share", org + "/share/blt0/resend_invitation",
		"POST " + org + "/transfer-ownership", "POST " + org + "/teams/" + team + "/users", "DELETE " + org + "/teams/" + team + "/users/blt0",
		"POST /v3/stacks/share", "POST /v3/stacks/unshare", "POST /v3/stacks/users/roles",
		"POST " + unlock, "POST " + resetMFA, "POST " + forceReset, "POST " + endSession, "POST " + setRoles,
	}
	for email, may := range map[string]struct{ org, reads, writes bool }{
		"boss@example.com":     {true, true, true},
		"admin@example.com":    {true, true, true},
		"security@example.com": {true, true, false},
		"member@example.com":   {true, false, false},
		"none@example.com":     {true, false, false},
		"guest@example.com":    {false, false, false},
	} {
		as := c.as("Authtoken", c.server.SignIn(email)).as("Api_key", c.server.Stacks()[0].APIKey).as("organization_uid", c.server.OrganizationUID)
		check := func(request string, allowed bool) {
			method, path, ok := strings.Cut(request, " ")
			if !ok {
				method, path = "GET", request
			}
			a := as.ask(method, path, "")
			if ownersOnly := strings.HasSuffix(path, "/transfer-ownership"); ownersOnly && email != "boss@example.com" {
				allowed = false
			}
			if (a.status != 403) != allowed {
				t.Errorf("%s: %s gets %d, allowed: %v", email, request, a.status, allowed)
			}
		}
		check(org, may.org)
		for _, request := range reads {
			check(request, may.reads)
		}
		for _, request := range writes {
			check(request, may.writes)
		}
	}
}

func TestTransferOwnership(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team()...)
	const path = "/v3/organizations/{org}/transfer-ownership"
	if a := c.ask("POST", path, `{"transfer_to":"ada@example.com"}`); a.status != 403 {
		t.Errorf("as an administrator: %d", a.status)
	}
	owner := c.as("Authtoken", c.server.SignIn("boss@example.com"))
	for _, to := range []string{"", "nobody@example.com", "guest@example.com", "boss@example.com"} {
		if a := owner.ask("POST", path, `{"transfer_to":"`+to+`"}`); a.status != 422 {
			t.Errorf("to %q: %d", to, a.status)
		}
	}
	organization := func() map[string]any {
		org, _ := c.get("/v3/organizations/{org}").json["organization"].(map[string]any)
		return org
	}
	if before := organization(); before["is_transfer_set"] != false || before["transfer_to"] != "" || len(c.server.Outbox()) != 0 {
		t.Errorf("before: %v, %q", before, c.emails())
	}
	a := owner.ask("POST", path, `{"transfer_to":"Ada@example.com"}`)
	if a.text != `{"notice":"Email has been successfully sent to the user."}` || !slices.Equal(c.emails(), []string{"ownership transfer to ada@example.com"}) {
		t.Errorf("got %d %s, %q", a.status, a.text, c.emails())
	}
	if after := organization(); after["is_transfer_set"] != true || after["transfer_to"] != "ada@example.com" || after["transfer_ownership_token"] == "" || after["owner_uid"] != c.user("boss@example.com").UID {
		t.Errorf("after: %v", after)
	}
	if email := c.server.Outbox()[0]; email.Kind != orguserstest.EmailOwnershipTransfer || email.Organization != c.server.OrganizationUID {
		t.Errorf("the email is %+v", email)
	}
}

const logs = "/v3/organizations/{org}/logs"

func TestAuditLog(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team()...)
	if a := c.get(logs); a.text != `{"logs":[]}` {
		t.Errorf("at first: %s", a.text)
	}
	guest, grace := c.user("guest@example.com"), c.user("grace@example.com")
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
		got = append(got, fmt.Sprint(entry["event_type"], " ", metadata["uid"]))
	}
	ada := c.user("ada@example.com")
	want := []string{
		"transfer_ownership " + ada.UID, "remove " + grace.UID, "resend_invitation " + guest.UID,
		"share " + c.user("new@example.com").UID, "share " + ada.UID,
	}
	if diff := cmp.Diff(want, got); diff != "" || a.json["count"] != nil {
		t.Errorf("%s, count %v", diff, a.json["count"])
	}
	newest, oldest := a.list("logs")[0], a.list("logs")[4]
	if newest["created_by"] != c.user("boss@example.com").UID || oldest["created_by"] != c.user("admin@example.com").UID || oldest["remote_addr"] != "127.0.0.1" {
		t.Errorf("got %v and %v", newest, oldest)
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
	}{{"", 25}, {"?limit=100&skip=25", 25}, {"?skip=50&limit=9", 9}, {"?skip=59", 1}, {"?skip=60", 0}} {
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

func TestTheAuditLogGoesThirtyDaysBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t, team()...)
		c.ask("DELETE", shares, `{"emails":["ada@example.com"]}`)
		time.Sleep(30 * 24 * time.Hour) // fake time
		if rows := c.get(logs).list("logs"); len(rows) != 1 {
			t.Errorf("after thirty days: %v", rows)
		}
		time.Sleep(time.Minute) // fake time
		if rows := c.get(logs).list("logs"); len(rows) != 0 {
			t.Errorf("a minute later: %v", rows)
		}
	})
}

// A logout is in the log of each organization of the user.
func TestLogoutIsLogged(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team()...)
	token := c.server.SignIn("several@example.com")
	c.as("Authtoken", token).ask("DELETE", "/v3/user-session", "")
	for _, org := range []string{c.server.OrganizationUID, c.server.SecondOrganizationUID} {
		entries := c.get("/v3/organizations/" + org + "/logs").list("logs")
		if len(entries) != 1 || entries[0]["event_type"] != "logout" || entries[0]["org_uid"] != org || entries[0]["created_by"] != c.user("several@example.com").UID {
			t.Errorf("got %v", entries)
		}
		if request, _ := entries[0]["request"].(map[string]any); request["authtoken"] != token {
			t.Errorf("the request is %v", request)
		}
	}
}
