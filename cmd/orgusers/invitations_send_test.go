package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orgusers/orgusers/orguserstest"
)

func TestInvitationsSend(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 2)
	args := []string{"invitations", "send", "--email", "new@example.com,Member1@example.com", "--email", "pending@example.com", "--role", "MEMBER", "--message", "Welcome\nall", "--output", "json"}
	dry := runOn(t, server, args...)
	dry.expect(t, 0, "dry run: nothing was changed; 1 would be invited, 2 skipped; --apply does it")
	want := map[string]string{"new@example.com": "planned", "Member1@example.com": "skipped already_member", "pending@example.com": "skipped already_pending"}
	if got := dry.statuses(t); !maps.Equal(got, want) {
		t.Errorf("outcomes %v, want %v", got, want)
	}
	expectUntouched(t, server)
	for i, status := range []string{"done", "skipped already_pending"} { // once, and again
		result := runOn(t, server, append(args, "--apply")...)
		if got := result.statuses(t)["new@example.com"]; result.status != 0 || got != status {
			t.Errorf("run %d: exit status %d, %q, want %q: %s", i+1, result.status, got, status, result.stderr)
		}
	}
	if outbox := server.Outbox(); len(outbox) != 1 || outbox[0].To != "new@example.com" {
		t.Errorf("the outbox has %v", outbox)
	}
	if u, _ := server.User("new@example.com"); !slices.Equal(u.RoleUIDs, []string{server.RoleUID("Member")}) || u.Message != "Welcome\nall" {
		t.Errorf("invited was %+v", u)
	}
}

func TestInvitationsSendFile(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 1)
	website, app := server.Stacks()[0], server.Stacks()[1]
	people := "\ufeffE-Mail,Name,Role,Stack\r\n" +
		"a@example.com,\"A,\r\nthe first\",\"admin; Security manager\",\"" + strings.ToUpper(website.Name) + ":developer, Content Manager; " + app.APIKey + ":Admin\"\r\n" +
		" , ,,\r\n" +
		"'+b@example.com,B,,\r\n"
	result := runTyped(t, server, people, "invitations", "send", "--file", "-", "--role", "member", "--stack", app.Name+":Developer", "--apply")
	result.expect(t, 0, `columns that are not read: "Name"`, "a@example.com   admin; Security manager  WEBSITE:developer, Content Manager; "+app.APIKey+":Admin  invited", "+b@example.com  member ", "2 invited")
	role := func(stack orguserstest.Stack, name string) string {
		return stack.Roles[slices.IndexFunc(stack.Roles, func(r orguserstest.Role) bool { return r.Name == name })].UID
	}
	a, _ := server.User("a@example.com")
	if want := []string{server.RoleUID("Admin"), server.RoleUID("Security Manager")}; !slices.Equal(a.RoleUIDs, want) {
		t.Errorf("the roles are %q, want %q", a.RoleUIDs, want)
	}
	want := map[string][]string{website.APIKey: {role(website, "Developer"), role(website, "Content Manager")}, app.APIKey: {role(app, "Admin")}}
	if !maps.EqualFunc(a.Stacks, want, slices.Equal) {
		t.Errorf("the stacks are %v, want %v", a.Stacks, want)
	}
	b, _ := server.User("+b@example.com")
	if !slices.Equal(b.RoleUIDs, []string{server.RoleUID("Member")}) || !maps.EqualFunc(b.Stacks, map[string][]string{app.APIKey: {role(app, "Developer")}}, slices.Equal) {
		t.Errorf("+b has the roles %q and the stacks %v", b.RoleUIDs, b.Stacks)
	}
}

// An export is a list of people to invite: to another organization with the roles
// that they have, or with the role of the flag.
func TestInvitationsSendExport(t *testing.T) {
	t.Parallel()
	from := newTeam(t, 0)
	from.AddUser(orguserstest.Person{Email: "-both@example.com", Roles: []string{"Member", "Security Manager"}})
	file := runOn(t, from, "users", "export").stdout
	runTyped(t, from, file, "invitations", "send", "--file", "-", "--apply").expect(t, 0, "4 skipped")
	withAccess := runOn(t, from, "users", "export", "--with-access").stdout
	runTyped(t, from, withAccess+"new@example.com,,,member,,,,,,,,,Website: Developer (Team),Team,\n", "invitations", "send", "--file", "-").expect(t, 0, `columns that are not read: "Stacks"`, "4 skipped, 1 would be invited")
	expectUntouched(t, from)

	to := orguserstest.NewServer(orguserstest.WithSeed(7), orguserstest.WithPeople(orguserstest.Person{Email: "boss@example.com", Roles: []string{"Admin"}}))
	t.Cleanup(to.Close)
	refused := runTyped(t, to, file, "invitations", "send", "--file", "-")
	refused.expect(t, 2, "owner@example.com    ", "at least one role is needed", "nothing was changed: ")
	runTyped(t, to, file, "invitations", "send", "--file", "-", "--skip-refused", "--apply").expect(t, 1, "-both@example.com    member; security manager  ", "invited")
	if u, _ := to.User("-both@example.com"); !slices.Equal(u.RoleNames, []string{"member", "security manager"}) {
		t.Errorf("invited was %+v", u)
	}
	if _, there := to.User("owner@example.com"); there {
		t.Error("the owner was invited without a role")
	}
	runOn(t, to, "invitations", "withdraw", "--email=-both@example.com", "--apply").expect(t, 0, "1 withdrawn")
	runTyped(t, to, file, "invitations", "send", "--file", "-", "--role", "product analytics viewer", "--apply").expect(t, 0, "2 invited, 2 skipped")
	for _, email := range []string{"owner@example.com", "-both@example.com"} {
		if u, _ := to.User(email); !slices.Equal(u.RoleUIDs, []string{to.RoleUID("Product Analytics Viewer")}) {
			t.Errorf("invited was %+v", u)
		}
	}
}

func TestInvitationsSendRefuses(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 1)
	for name, test := range map[string]struct {
		file string
		args []string
		says []string
	}{
		"no role":            {"", []string{"--email", "a@example.com"}, []string{"no roles: give --role, or a file with a column Roles"}},
		"an unknown role":    {"", []string{"--email", "a@example.com,b@example.com", "--role", "editor"}, []string{"\n  --role: there is no organization role \"editor\"; there are \"admin\", \"member\", \"security manager\", \"product analytics viewer\"\n"}},
		"an unknown stack":   {"", []string{"--email", "a@example.com", "--role", "member", "--stack", "Web:Developer"}, []string{`--stack: there is no stack "Web"; there are "Website", "Mobile App"`}},
		"a stack twice":      {"", []string{"--email", "a@example.com", "--role", "member", "--stack", "website:Developer", "--stack", "Website:Admin"}, []string{`the stack "Website:Admin" is given twice`}},
		"mistakes of a file": {"Email,Roles,Stacks\na@example.com,editor,Website\nb@example.com,,Website:Dev\n", []string{"--role", "member"}, []string{`line 2: there is no organization role "editor"`, `line 2: "Website": want STACK:ROLE,ROLE`, `line 3: there is no role of the stack Website "Dev"; there are "Admin", `}},
		"a misspelt column":  {"Email,Rolls\na@example.com,member\n", nil, []string{"no roles: give --role", `stdin has the columns "Rolls", which are not read`}},
		"an empty role":      {"Email,Roles\na@example.com,;\n", nil, []string{"at least one role is needed"}},
		"two wishes":         {"Email,Roles\na@example.com,member\nA@example.com,admin\n", nil, []string{"conflicting access"}},
		"two columns":        {"Email,Roles,Role\na@example.com,member,admin\n", nil, []string{"two columns have the same meaning"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"invitations", "send", "--apply"}, test.args...)
			if test.file != "" {
				args = append(args, "--file", "-")
			}
			runTyped(t, server, test.file, args...).expect(t, 2, test.says...)
		})
	}
	t.Cleanup(func() { expectUntouched(t, server) })
}

func TestInvitationsListAndResend(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 1)
	server.AddUser(orguserstest.Person{Email: "later@example.com", FirstName: hostile, Pending: true, Message: hostile, CreatedAt: time.Now()})
	runOn(t, server, "invitations", "list").expect(t, 0, "EMAIL", "pending@example.com  member")
	result := runOn(t, server, "invitations", "list", "--output", "json")
	result.expect(t, 0, "Next & ")
	if list, _ := result.document(t)["invitations"].([]any); len(list) != 2 || result.document(t)["organization"] != server.OrganizationUID {
		t.Errorf("stdout is %s", result.stdout)
	}
	runOn(t, server, "invitations", "resend", "--email", "pending@example.com,member0@example.com", "--apply").expect(t, 0, "pending@example.com  resent", "1 resent, 1 skipped")
	if outbox := server.Outbox(); len(outbox) != 1 || outbox[0].To != "pending@example.com" {
		t.Errorf("the outbox has %v", outbox)
	}
	server.AddFault(orguserstest.Fault{Path: "/v3/organizations/{organization_uid}/share/{share_uid}/resend_invitation", Effect: orguserstest.Reset()})
	runOn(t, server, "invitations", "resend", "--email", "pending@example.com", "--apply").expect(t, 1, "1 unknown; an email may have been sent")
}
