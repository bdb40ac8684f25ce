package orguserstest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers/orguserstest"
)

// inStack returns a client for the first stack, which no user has access to.
func inStack(t *testing.T, opts ...orguserstest.Option) (*client, orguserstest.Stack) {
	t.Helper()
	c := overSocket(t, team(opts...)...)
	stack := c.server.Stacks()[0]
	for _, u := range c.server.Users() {
		for key := range u.Stacks {
			c.server.SetStackAccess(u.Email, key)
		}
	}
	return c.as("Api_key", stack.APIKey), stack
}

// stackUsers returns the users of each role of the stack, and the stack's
// number of users.
func (c *client) stackUsers() (users map[string][]string, count any) {
	users = map[string][]string{}
	for _, r := range c.get("/v3/roles").list("roles") {
		for _, uid := range r["users"].([]any) {
			users[r["uid"].(string)] = append(users[r["uid"].(string)], uid.(string))
		}
	}
	first := c.get("/v3/organizations/{org}/stacks?asc=created_at").list("stacks")[0]
	return users, first["users"].(map[string]any)["count"]
}

func TestStackAccess(t *testing.T) {
	t.Parallel()
	c, stack := inStack(t)
	ada, guest, second := c.user("ada@example.com"), c.user("guest@example.com"), c.server.Stacks()[1]
	sorted := func(uids ...string) []string { return slices.Sorted(slices.Values(uids)) }
	c.server.SetStackAccess("ada@example.com", second.APIKey, second.Roles[1].UID)
	elsewhere := []string{second.Roles[1].UID}
	r0, r1 := stack.Roles[0].UID, stack.Roles[1].UID

	for _, test := range []struct {
		name, path, body, want string
		access                 map[string][]string // of ada@example.com
		users                  map[string][]string // of the stack's roles
		count                  any
	}{
		{
			"shared", "/v3/stacks/share", `{"emails":["ada@example.com","guest@example.com"],"roles":{"ada@example.com":["{role}"],"guest@example.com":["{role2}"]}}`,
			`{"notice":"The invitation has been sent successfully.","shares":[{"uid":"` + ada.ShareUID + `","email":"ada@example.com",`,
			map[string][]string{second.APIKey: elsewhere, stack.APIKey: {r0}},
			map[string][]string{r0: {ada.UID}, r1: {guest.UID}},
			3.0,
		},
		{
			"shared again", "/v3/stacks/share", `{"emails":["ada@example.com"],"roles":{"ada@example.com":["{role2}","{role}"]}}`,
			`{"notice":"The invitation has been sent successfully.","shares":[{"uid":"` + ada.ShareUID + `","email":"ada@example.com",`,
			map[string][]string{second.APIKey: elsewhere, stack.APIKey: {r1, r0}},
			map[string][]string{r0: {ada.UID}, r1: sorted(ada.UID, guest.UID)},
			3.0,
		},
		{
			"overwritten", "/v3/stacks/users/roles", fmt.Sprintf(`{"users":{%q:["{role2}"]}}`, ada.UID),
			fmt.Sprintf(`{"notice":"The roles were applied successfully.","users":[{"roles":[%q],"uid":%q}]}`, r1, ada.UID),
			map[string][]string{second.APIKey: elsewhere, stack.APIKey: {r1}},
			map[string][]string{r1: sorted(ada.UID, guest.UID)},
			3.0,
		},
		{
			"unshared", "/v3/stacks/unshare", `{"email":"Ada@example.com"}`, `{"notice":"The stack has been successfully unshared."}`,
			map[string][]string{second.APIKey: elsewhere},
			map[string][]string{r1: {guest.UID}},
			2.0,
		},
	} {
		a := c.ask("POST", test.path, c.fill(test.body))
		if a.status != 200 || !strings.HasPrefix(a.text, test.want) {
			t.Errorf("%s: got %d %s", test.name, a.status, a.text)
		}
		if diff := cmp.Diff(test.access, c.user("ada@example.com").Stacks); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
		users, count := c.stackUsers()
		if diff := cmp.Diff(test.users, users); diff != "" || count != test.count {
			t.Errorf("%s: %v users, %s", test.name, count, diff)
		}
	}
	want := []string{"stack shared to ada@example.com", "stack shared to guest@example.com", "stack shared to ada@example.com"}
	if !slices.Equal(c.emails(), want) {
		t.Errorf("the outbox is %q", c.emails())
	}
}

func TestStackAccessThatIsRefused(t *testing.T) {
	t.Parallel()
	c, stack := inStack(t)
	c.server.SetStackAccess("ada@example.com", stack.APIKey, stack.Roles[0].UID)
	ada, grace := c.user("ada@example.com"), c.user("grace@example.com")
	good := fmt.Sprintf("%q:[%q]", ada.UID, stack.Roles[1].UID)
	for _, test := range []struct {
		name   string
		client *client
		path   string
		body   string
		status int
	}{
		{"roles without users", c, "/v3/stacks/users/roles", `{"users":{}}`, 422},
		{"no body", c, "/v3/stacks/users/roles", "", 422},
		{"roles of an unknown user", c, "/v3/stacks/users/roles", `{"users":{` + good + `,"blt0":["{role}"]}}`, 422},
		{"roles of a user without the stack", c, "/v3/stacks/users/roles", fmt.Sprintf(`{"users":{%s,%q:["{role}"]}}`, good, grace.UID), 422},
		{"roles of another stack", c, "/v3/stacks/users/roles", fmt.Sprintf(`{"users":{%q:["{role3}"]}}`, ada.UID), 422},
		{"no roles", c, "/v3/stacks/users/roles", fmt.Sprintf(`{"users":{%q:[]}}`, ada.UID), 422},
		{"shared with no address", c, "/v3/stacks/share", `{"emails":[]}`, 422},
		{"shared with an unknown address", c, "/v3/stacks/share", `{"emails":["ada@example.com","x@example.com"],"roles":{"ada@example.com":["{role2}"],"x@example.com":["{role}"]}}`, 422},
		{"shared with the owner", c, "/v3/stacks/share", `{"emails":["boss@example.com"],"roles":{"boss@example.com":["{role}"]}}`, 422},
		{"shared without roles", c, "/v3/stacks/share", `{"emails":["ada@example.com"],"roles":{}}`, 422},
		{"shared with an unknown role", c, "/v3/stacks/share", `{"emails":["ada@example.com"],"roles":{"ada@example.com":["blt0"]}}`, 422},
		{"shared with roles for others", c, "/v3/stacks/share", `{"emails":["ada@example.com"],"roles":{"ada@example.com":["{role2}"],"grace@example.com":["{role}"]}}`, 422},
		{"unshared from no address", c, "/v3/stacks/unshare", "", 422},
		{"unshared from a user without it", c, "/v3/stacks/unshare", `{"email":"grace@example.com"}`, 422},
		{"without a key", c.as("Api_key", ""), "/v3/stacks/unshare", `{"email":"ada@example.com"}`, 422},
		{"with a wrong key", c.as("Api_key", "blt0"), "/v3/stacks/share", `{"email":"ada@example.com"}`, 422},
		{"as a member", c.as("Authtoken", c.server.SignIn("grace@example.com")), "/v3/stacks/unshare", `{"email":"ada@example.com"}`, 403},
		{"without credentials", c.as("Authtoken", ""), "/v3/stacks/unshare", `{"email":"ada@example.com"}`, 401},
	} {
		if a := test.client.ask("POST", test.path, c.fill(test.body)); a.status != test.status {
			t.Errorf("%s: got %d %s", test.name, a.status, a.text)
		}
	}
	want := map[string][]string{stack.APIKey: {stack.Roles[0].UID}}
	if diff := cmp.Diff(want, c.user("ada@example.com").Stacks); diff != "" || len(c.server.Outbox()) != 0 || c.user("grace@example.com").Stacks != nil {
		t.Errorf("something changed: %s %q", diff, c.emails())
	}
}

func TestCatalog(t *testing.T) {
	t.Parallel()
	c := overSocket(t)
	var roles []orguserstest.Role
	for _, r := range c.get("/v3/organizations/{org}/roles?asc=created_at").list("roles") {
		roles = append(roles, orguserstest.Role{UID: r["uid"].(string), Name: r["name"].(string)})
	}
	if diff := cmp.Diff(roles, c.server.Roles()); diff != "" {
		t.Error(diff)
	}
	for i, k := range c.get("/v3/organizations/{org}/stacks?asc=created_at").list("stacks") {
		got := c.server.Stacks()[i]
		if got.APIKey != k["api_key"] || got.Name != k["name"] || got.UID != k["uid"] || len(got.Roles) != 3 {
			t.Errorf("stack %d is %+v", i, got)
		}
	}
	for name, panics := range map[string]func(){
		"an unknown role":       func() { c.server.RoleUID("King") },
		"an unknown stack":      func() { c.server.SetStackAccess(c.server.Email, "blt0") },
		"an unknown stack role": func() { c.server.SetStackAccess(c.server.Email, c.server.Stacks()[0].APIKey, "blt0") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			panics()
		}()
	}
	if c.server.SetStackAccess("nobody@example.com", "") {
		t.Error("an unknown address has stacks")
	}
}

// A stack can be added, change hands and be removed, with all access to it.
func TestStacksThatComeAndGo(t *testing.T) {
	t.Parallel()
	c, _ := withTeams(t)
	added := c.server.AddStack("Blog", "ada@example.com")
	if stacks := c.server.Stacks(); len(stacks) != 4 || stacks[3].Owner != "ada@example.com" || len(added.Roles) != 3 || added.APIKey != stacks[3].APIKey {
		t.Fatalf("the stacks are %+v", stacks)
	}
	c.server.SetStackAccess("guest@example.com", added.APIKey, added.Roles[0].UID)
	if !c.server.SetStackOwner(added.APIKey, "guest@example.com") || c.server.SetStackOwner("blt0", "guest@example.com") {
		t.Error("the owner of a stack that does not exist was set, or that of one was not")
	}
	rows := c.get("/v3/organizations/{org}/stacks?asc=created_at").list("stacks")
	if got := rows[3]["owner_uid"]; got != c.user("guest@example.com").UID {
		t.Errorf("the owner is %v", got)
	}
	website := c.server.Stacks()[0]
	for _, key := range []string{added.APIKey, website.APIKey} {
		if !c.server.RemoveStack(key) || c.server.RemoveStack(key) {
			t.Error("a stack was not removed, or twice")
		}
		if a := c.as("Api_key", key).ask("GET", "/v3/roles", ""); a.status != 422 {
			t.Errorf("the roles of a stack that was removed: %d", a.status)
		}
	}
	for _, team := range c.server.Teams() {
		if _, has := team.Stacks[website.APIKey]; has {
			t.Errorf("the team %s has a stack that was removed", team.Name)
		}
	}
	for _, u := range c.server.Users() {
		if len(u.Stacks[added.APIKey])+len(u.Stacks[website.APIKey]) > 0 {
			t.Errorf("%s has a stack that was removed", u.Email)
		}
	}
	if len(c.get("/v3/organizations/{org}/stacks").list("stacks")) != 2 {
		t.Error("the list has other stacks")
	}
}
