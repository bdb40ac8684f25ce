package orguserstest_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers/orguserstest"
)

// team is a small organization with a user for every rule.
func team(more ...orguserstest.Option) []orguserstest.Option {
	return append(more, orguserstest.WithPeople(
		orguserstest.Person{Email: "boss@example.com", FirstName: "The", LastName: "Boss", Owner: true},
		orguserstest.Person{Email: "admin@example.com", FirstName: "Ad", LastName: "Min", Roles: []string{"Admin"}},
		orguserstest.Person{Email: "ada@example.com", FirstName: "Ada", LastName: "Lovelace"},
		orguserstest.Person{Email: "grace@example.com", FirstName: "Grace", LastName: "Hopper", AccessWithoutSSO: true},
		orguserstest.Person{Email: "guest@example.com", Pending: true, Message: "Welcome"},
		orguserstest.Person{Email: "invited@example.com", FirstName: "In", LastName: "Vited", Pending: true, InvitedBy: "admin@example.com", AccessWithoutSSO: true},
		orguserstest.Person{Email: "several@example.com", FailedLogins: 10, MFA: true, SeveralOrganizations: true},
		orguserstest.Person{Email: "locked@example.com", FailedLogins: 5},
		orguserstest.Person{Email: "secured@example.com", MFA: true},
	))
}

const shares = "/v3/organizations/{org}/share"

// user returns a row that must exist.
func (c *client) user(email string) orguserstest.User {
	c.t.Helper()
	u, ok := c.server.User(email)
	if !ok {
		c.t.Fatalf("no %s", email)
	}
	return u
}

// emails returns the kinds and addresses in the outbox.
func (c *client) emails() []string {
	var emails []string
	for _, m := range c.server.Outbox() {
		emails = append(emails, string(m.Kind)+" to "+m.To)
	}
	return emails
}

// fill replaces placeholders by uids: {Admin}, {Member} and {Security} by
// roles, {stack} and {stack2} by API keys, {role} and {role2} by roles of the
// first stack, {role3} by a role of the second.
func (c *client) fill(body string) string {
	stacks := c.server.Stacks()
	return strings.NewReplacer(
		"{Admin}", c.server.RoleUID("admin"), "{Member}", c.server.RoleUID("member"), "{Security}", c.server.RoleUID("security manager"),
		"{stack}", stacks[0].APIKey, "{stack2}", stacks[1].APIKey,
		"{role}", stacks[0].Roles[0].UID, "{role2}", stacks[0].Roles[1].UID, "{role3}", stacks[1].Roles[0].UID,
	).Replace(body)
}

// sample returns a sample of the contract with uids of the organization.
func (c *client) sample(name string, replace ...string) string {
	c.t.Helper()
	text, err := os.ReadFile("../testdata/" + name)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.fill(strings.NewReplacer(replace...).Replace(string(text)))
}

func TestInviteAsTheSampleDoes(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team()...)
	body := c.sample("invite_request.json",
		"blt77c0de11aa22bb33cc44dd55", "{Admin}", "blt88d1ef22bb33cc44dd55ee66", "{Member}",
		"blta1ed1f11111c1eb1", "{stack}", "bltf0c00caa0f0000f0", "{stack2}",
		"blt111d1b110111e1f1", "{role}", "bltcea22222d2222222", "{role3}", `, "blt333f33cb3e33ffde"`, "")
	a := c.ask("POST", shares, body)
	if a.status != 200 || a.json["notice"] != "The invitation has been sent successfully." || !slices.Equal(a.emails(), []string{"abc@example.com", "xyz@example.com"}) {
		t.Fatalf("got %d %s", a.status, a.text)
	}
	row := a.list("shares")[0]
	abc, me := c.user("abc@example.com"), c.user(c.server.Email)
	if row["uid"] != abc.ShareUID || row["status"] != "pending" || row["invited_by"] != me.UID || row["org_uid"] != c.server.OrganizationUID ||
		row["message"] != "Invitation message" || row["acceptance_token"] != nil || row["first_name"] != nil || row["user_uid"] != abc.UID ||
		fmt.Sprint(row["org_roles"]) != "["+c.server.RoleUID("Admin")+"]" || row["invited_at"] != row["created_at"] {
		t.Errorf("the row is %v", row)
	}
	stacks := c.server.Stacks()
	want := map[string][]string{stacks[0].APIKey: {stacks[0].Roles[0].UID}, stacks[1].APIKey: {stacks[1].Roles[0].UID}}
	if diff := cmp.Diff(want, c.user("xyz@example.com").Stacks); diff != "" {
		t.Error(diff)
	}
	email := c.server.Outbox()[0]
	if len(c.server.Outbox()) != 2 || email.Kind != orguserstest.EmailInvitation || email.To != "abc@example.com" || email.Message != "Invitation message" ||
		email.Organization != c.server.OrganizationUID || email.SentAt.IsZero() {
		t.Errorf("the outbox is %+v", c.server.Outbox())
	}
	listed := c.get(shares + "?desc=created_at&limit=2")
	if got := listed.emails(); !slices.Equal(got, []string{"xyz@example.com", "abc@example.com"}) {
		t.Errorf("the list has %q", got)
	}
	if !c.server.Accept("abc@example.com", "A", "Bc") || len(c.user("abc@example.com").Stacks) != 1 {
		t.Error("an invitation that cannot be accepted")
	}
}

func TestInvitingThoseWhoAreThere(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		email, body string
		opts        []orguserstest.Option
		roles       []string
		sent        string
		pending     bool
	}{
		"a member gets other roles": {"ada@example.com", `{"share":{"users":{"ADA@example.com":["{Admin}","{Security}"]}}}`, nil, []string{"{Admin}", "{Security}"}, "role change to ada@example.com", false},
		"a member gets more roles":  {"ada@example.com", `{"share":{"users":{"ada@example.com":["{Admin}","{Member}"]}}}`, []orguserstest.Option{orguserstest.WithRoleMerge()}, []string{"{Member}", "{Admin}"}, "role change to ada@example.com", false},
		"a pending one too":         {"guest@example.com", `{"share":{"users":{"guest@example.com":["{Admin}","{Admin}"]},"message":null}}`, nil, []string{"{Admin}"}, "invitation to guest@example.com", true},
		"an account of before":      {"former@example.com", `{"share":{"users":{"former@example.com":["{Member}"]}}}`, nil, []string{"{Member}"}, "invitation to former@example.com", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := overSocket(t, team(test.opts...)...)
			former := c.server.AddUser(orguserstest.Person{Email: "former@example.com", FirstName: "For", LastName: "Mer"})
			c.server.RemoveUser("former@example.com")
			rows := len(c.server.Users())
			a := c.ask("POST", shares, c.fill(test.body))
			u := c.user(test.email)
			var roles []string
			for _, r := range test.roles {
				roles = append(roles, c.fill(r))
			}
			if a.status != 200 || u.Pending != test.pending || !slices.Equal(u.RoleUIDs, roles) || !slices.Equal(c.emails(), []string{test.sent}) {
				t.Errorf("got %d %s, %+v, emails %q", a.status, a.text, u, c.emails())
			}
			if test.email == "former@example.com" {
				rows++
				if u.UID != former.UID || u.ShareUID == former.ShareUID || a.list("shares")[0]["user_uid"] != former.UID {
					t.Errorf("the account was not kept: %+v", u)
				}
			}
			if len(c.server.Users()) != rows {
				t.Errorf("%d rows, want %d", len(c.server.Users()), rows)
			}
		})
	}
}

func TestInvitationsThatAreRefused(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team()...)
	before := c.server.Users()
	const good = `"new@example.com":["{Member}"]`
	for _, test := range []struct{ name, body, field string }{
		{"no body", ``, "users"},
		{"an empty list", `{"share":{"users":{}}}`, "users"},
		{"an invalid address", `{"share":{"users":{` + good + `,"new":["{Member}"]}}}`, "users"},
		{"an empty address", `{"share":{"users":{` + good + `,"":["{Member}"]}}}`, "users"},
		{"an address with blanks", `{"share":{"users":{` + good + `," x@example.com":["{Member}"]}}}`, "users"},
		{"an address with a name", `{"share":{"users":{` + good + `,"X <x@example.com>":["{Member}"]}}}`, "users"},
		{"an address twice", `{"share":{"users":{` + good + `,"NEW@example.com":["{Member}"]}}}`, "users"},
		{"the owner", `{"share":{"users":{` + good + `,"boss@example.com":["{Member}"]}}}`, "users"},
		{"an unknown role", `{"share":{"users":{` + good + `,"x@example.com":["blt0"]}}}`, "org_roles"},
		{"a role of a stack", `{"share":{"users":{` + good + `,"x@example.com":["{role}"]}}}`, "org_roles"},
		{"no role", `{"share":{"users":{` + good + `,"x@example.com":[]}}}`, "org_roles"},
		{"an unknown stack", `{"share":{"users":{` + good + `},"stacks":{"new@example.com":{"blt0":["{role}"]}}}}`, "stacks"},
		{"an unknown stack role", `{"share":{"users":{` + good + `},"stacks":{"new@example.com":{"{stack}":["blt0"]}}}}`, "stacks"},
		{"a role of another stack", `{"share":{"users":{` + good + `},"stacks":{"new@example.com":{"{stack}":["{role3}"]}}}}`, "stacks"},
		{"no stack role", `{"share":{"users":{` + good + `},"stacks":{"new@example.com":{"{stack}":[]}}}}`, "stacks"},
		{"stacks for somebody else", `{"share":{"users":{` + good + `},"stacks":{"ada@example.com":{"{stack}":["{role}"]}}}}`, "stacks"},
		{"a list of users", `{"share":{"users":["new@example.com"]}}`, "share.users"},
		{"a role that is not a list", `{"share":{"users":{"new@example.com":"{Member}"}}}`, "share.users"},
	} {
		a := c.ask("POST", shares, c.fill(test.body))
		errors, _ := a.json["errors"].(map[string]any)
		if a.status != 422 || len(errors) != 1 || errors[test.field] == nil {
			t.Errorf("%s: got %d %s", test.name, a.status, a.text)
		}
	}
	if a := c.ask("POST", shares, `{"share":`); a.status != 400 {
		t.Errorf("invalid JSON: %d", a.status)
	}
	member := c.as("Authtoken", c.server.SignIn("ada@example.com"))
	if a := member.ask("POST", shares, c.fill(`{"share":{"users":{`+good+`}}}`)); a.status != 403 {
		t.Errorf("as a member: %d", a.status)
	}
	after := c.server.Users()
	for i := range before {
		before[i].Sessions, after[i].Sessions = nil, nil
	}
	if diff := cmp.Diff(before, after); diff != "" || len(c.server.Outbox()) != 0 {
		t.Errorf("something changed: %s %v", diff, c.emails())
	}
}

func TestAThousandInvitationsAtOnce(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team()...)
	var users []string
	for n := range 1000 {
		users = append(users, fmt.Sprintf(`"n%d@example.com":["{Member}"]`, n))
	}
	a := c.ask("POST", shares, c.fill(`{"share":{"users":{`+strings.Join(users, ",")+`},"message":"Hello\n🚀"}}`))
	if a.status != 200 || len(a.list("shares")) != 1000 || len(c.server.Outbox()) != 1000 || c.server.Outbox()[999].Message != "Hello\n🚀" {
		t.Errorf("got %d, %d emails", a.status, len(c.server.Outbox()))
	}
}

func TestResend(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team()...)
	guest, ada := c.user("guest@example.com"), c.user("ada@example.com")
	for _, test := range []struct {
		name, path string
		status     int
	}{
		{"a pending invitation", shares + "/" + guest.ShareUID + "/resend_invitation", 200},
		{"by the path of the JavaScript SDK", "/v3/organizations/{org}/" + guest.ShareUID + "/resend_invitation", 200},
		{"a member", shares + "/" + ada.ShareUID + "/resend_invitation", 422},
		{"a user uid", shares + "/" + ada.UID + "/resend_invitation", 404},
		{"an unknown uid", "/v3/organizations/{org}/blt0/resend_invitation", 404},
		{"another organization's", "/v3/organizations/" + c.server.SecondOrganizationUID + "/share/" + guest.ShareUID + "/resend_invitation", 404},
	} {
		a := c.ask("GET", test.path, "")
		if a.status != test.status || (test.status == 200 && a.text != `{"notice":"The invitation has been resent successfully."}`) {
			t.Errorf("%s: got %d %s", test.name, a.status, a.text)
		}
	}
	if got, want := c.emails(), []string{"resent invitation to guest@example.com", "resent invitation to guest@example.com"}; !slices.Equal(got, want) || c.server.Outbox()[0].Message != "Welcome" {
		t.Errorf("the outbox is %q", got)
	}
	for i, r := range c.server.Requests() {
		if !r.Write || r.Bulk || r.Operation != "ResendInvitations" {
			t.Errorf("request %d is logged as %+v", i, r)
		}
	}
}
