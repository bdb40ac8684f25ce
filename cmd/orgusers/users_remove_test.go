package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// organizationName is that of the fake.
const organizationName = "Example Media"

// members returns the addresses of the first members of a team.
func members(n int) string {
	emails := make([]string, n)
	for i := range emails {
		emails[i] = fmt.Sprintf("member%d@example.com", i)
	}
	return strings.Join(emails, ",")
}

func TestUsersRemove(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 4)
	args := []string{"users", "remove", "--email", members(3) + ",pending@example.com,stranger@example.com,MEMBER0@example.com", "--output", "json"}
	dry := runOn(t, server, args...)
	dry.expect(t, 0, "dry run: nothing was changed; 4 would be removed, 1 skipped; --apply does it")
	want := map[string]string{"stranger@example.com": "skipped not_in_organization"}
	for _, email := range []string{"member0@example.com", "member1@example.com", "member2@example.com", "pending@example.com"} {
		want[email] = "planned"
	}
	if got := dry.statuses(t); !maps.Equal(got, want) || dry.document(t)["dry_run"] != true {
		t.Errorf("outcomes %v, want %v", got, want)
	}
	expectUntouched(t, server)

	applied := runOn(t, server, append(args, "--apply", "--yes", "--no-record")...)
	applied.expect(t, 0, "organization \"Example Media\"", "account admin@example.com", "4 removed, 1 skipped\n")
	for email, status := range want {
		if status == "planned" {
			want[email] = "done"
		}
	}
	if got := applied.statuses(t); !maps.Equal(got, want) {
		t.Errorf("outcomes %v, want %v", got, want)
	}
	if got := len(server.Users()); got != 3 {
		t.Errorf("%d users are left, want 3", got)
	}
	again := runOn(t, server, "users", "remove", "--email", "member0@example.com", "--apply")
	again.expect(t, 0, "orgusers: 1 skipped\n") // without a question
}

func TestUsersRemoveShowsWhoTheyAre(t *testing.T) {
	t.Parallel()
	server := newAged(t)
	result := runOn(t, server, "users", "remove", "--email", "old@example.org,-never@example.com,waiting@example.com")
	result.expect(t, 0, "EMAIL                NAME                           ROLES                     LAST SEEN   OUTCOME           NOTE\n",
		"old@example.org      Oldo =cmd\ufffd[2J\ufffd\ufffd1m Next & \"<b>  member                    20", "  never       would be removed\n", "  pending     would be removed\n")
}

func TestUsersRemoveAsks(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		typed  string
		args   []string
		status int
		says   string
	}{
		"the name":               {organizationName + "\n", nil, 0, "1 removed"},
		"the name without end":   {organizationName, nil, 0, "1 removed"},
		"the name with blanks":   {"  Example  Media \r\n", nil, 0, "1 removed"},
		"another name":           {"Example Labs\n", nil, 2, `nothing was changed: the organization is "Example Media", and "Example Labs" was typed`},
		"other letters":          {"example media\n", nil, 2, "nothing was changed: the organization is"},
		"nothing":                {"\n", nil, 2, "nothing was changed: nothing was typed; --yes does not ask"},
		"a closed stdin":         {"", nil, 2, "nothing was changed: nothing was typed; --yes does not ask"},
		"the second line":        {"yes\n" + organizationName + "\n", nil, 2, `"yes" was typed`},
		"not asked with --yes":   {"", []string{"--yes"}, 0, "1 removed"},
		"asked with --quiet too": {"", []string{"--quiet"}, 2, "To go on, type the name of the organization, Example Media\n> "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newTeam(t, 2)
			result := runTyped(t, server, test.typed, append([]string{"users", "remove", "--email", "member1@example.com", "--apply", "--no-record"}, test.args...)...)
			result.expect(t, test.status, test.says)
			asked := strings.Contains(result.stderr, "member1@example.com  ") && strings.Contains(result.stderr, "1 user would be removed.\nTo go on, type")
			if asked == slices.Contains(test.args, "--yes") {
				t.Errorf("stderr is %s", result.stderr)
			}
			if _, there := server.User("member1@example.com"); there == (test.status == 0) {
				t.Errorf("the user is there: %v", there)
			}
			if test.status != 0 {
				expectUntouched(t, server)
			}
		})
	}
}

func TestUsersRemoveWithoutCredentials(t *testing.T) {
	t.Parallel()
	cmd := command(t, nil, "users", "remove", "--email", "ada@example.com", "--apply", "--yes")
	cmd.Env = []string{runsTool + "=yes"} // env -i
	result := run(t, cmd)
	result.expect(t, 2, "there are no credentials")
	if result.stdout != "" {
		t.Errorf("stdout is %s", result.stdout)
	}
	expectFiles(t, cmd)
}

// A reviewed sheet has a column that says whom to keep.
func TestUsersRemoveUnreadColumns(t *testing.T) {
	t.Parallel()
	const sheet = "Email,First Name,Decision\nmember0@example.com,A,revoke\nmember1@example.com,B,keep\n"
	server := newTeam(t, 2)
	for _, test := range []struct {
		typed  string
		args   []string
		status int
		says   string
	}{
		{"", nil, 0, `columns that are not read: "Decision"` + "\n"},
		{"", []string{"--apply"}, 2, "nothing was typed"},
		{"", []string{"--apply", "--yes"}, 2, `nothing was changed: sheet.csv has columns that are not read: "Decision". They may say what to do with a user: take them out, or leave out --yes`},
		{organizationName, []string{"--apply"}, 0, "2 removed"},
	} {
		expectUntouched(t, server)
		cmd := command(t, environment(server), append([]string{"users", "remove", "--file", "sheet.csv", "--no-record"}, test.args...)...)
		cmd.Stdin = strings.NewReader(test.typed)
		writeFile(t, filepath.Join(cmd.Dir, "sheet.csv"), sheet)
		result := run(t, cmd)
		result.expect(t, test.status, test.says)
		named, asked := strings.Index(result.stderr, "not read"), strings.Index(result.stderr, "To go on")
		if named < 0 || asked >= 0 && asked < named {
			t.Errorf("%q: stderr is %s", test.args, result.stderr)
		}
	}
}

func TestUsersRemoveTicks(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 2)
	args := []string{"users", "remove", "--file", "-"}
	for name, test := range map[string]struct {
		list string
		says string
	}{
		"another organization": {ticks("bltother", "member0@example.com"), `nothing was changed: stdin is a list of the organization "bltother", and this is "` + server.OrganizationUID},
		"a later version":      {strings.Replace(ticks(server.OrganizationUID, "member0@example.com"), `"version":1`, `"version":2`, 1), "a list of version 2, and this program reads version 1"},
		"no time":              {strings.Replace(ticks(server.OrganizationUID, "member0@example.com"), `"read_at"`, `"at"`, 1), "another kind of JSON"},
		"nobody":               {ticks(server.OrganizationUID), "another kind of JSON"},
		"an empty list":        {strings.Replace(ticks(server.OrganizationUID, "x"), `["x"]`, `[]`, 1), "there is no address in stdin"},
		"not an address":       {ticks(server.OrganizationUID, "Ada"), `"Ada" is not a valid email address`},
		"a list that is cut":   {ticks(server.OrganizationUID, "member0@example.com")[:80], "another kind of JSON"},
		"two lists":            {strings.Repeat(ticks(server.OrganizationUID, "member0@example.com"), 2), "another kind of JSON"},
		"users as JSON":        {`{"organization":"blt","users":[{"email":"member0@example.com"}]}`, "another kind of JSON: give one address on each line, or CSV with a column Email, or the list that the review saved"},
	} {
		runTyped(t, server, test.list, append(args, "--apply", "--yes")...).expect(t, 2, test.says)
		if t.Failed() {
			t.Fatalf("%s: %s", name, test.list)
		}
	}
	expectUntouched(t, server)
	result := runTyped(t, server, ticks(server.OrganizationUID, "member0@example.com"), append(args, "--apply", "--yes", "--no-record")...)
	result.expect(t, 0, "stdin: 1 user to remove, ticked in the review of 2026-03-13T12:00:00Z", "1 removed")
}

func TestUsersRemoveRefuses(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 2, orguserstest.WithTeams(orguserstest.Team{Name: "Bosses", Roles: []string{"Admin"}, Members: []string{"member1@example.com"}}))
	protect := filepath.Join(t.TempDir(), "protect")
	writeFile(t, protect, "Email,Why\nMEMBER0@example.com,is on leave\n")
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"nobody":                     {nil, "no users: give --email, --file or --not-seen-for"},
		"a rule and addresses":       {[]string{"--email", "a@example.com", "--not-seen-for", "9"}, "[email not-seen-for]"},
		"a rule and a file":          {[]string{"--file", "a", "--not-seen-for", "9"}, "[file not-seen-for]"},
		"a record and none":          {[]string{"--email", "a@example.com", "--record", "a", "--no-record"}, "[no-record record]"},
		"no question to answer":      {[]string{"--email", "a@example.com", "--yes"}, "--yes answers the question of --apply"},
		"stdin for two":              {[]string{"--file", "-", "--apply"}, "add --yes"},
		"no number":                  {[]string{"--email", "a@example.com", "--max-removals", "-1"}, "must not be negative"},
		"a name":                     {[]string{"--email", "Ber 0"}, `"Ber 0" is not a valid email address`},
		"the owner":                  {[]string{"--email", "OWNER@example.com,member0@example.com", "--apply", "--yes"}, "member0@example.com  =cmd\ufffd[2J\ufffd\ufffd1m Next & \"<b> Ber 0"},
		"yourself":                   {[]string{"--email", "admin@example.com", "--apply", "--yes"}, "1 refused"},
		"protected":                  {[]string{"--email", members(2), "--protect", protect, "--apply", "--yes"}, "refused      protected"},
		"no file of protected users": {[]string{"--email", members(2), "--protect", "nowhere", "--apply", "--yes"}, "--protect: open nowhere"},
		"no removals":                {[]string{"--email", "member0@example.com", "--max-removals", "0", "--apply", "--yes"}, "the call would remove 1 users; the limit is 0"},
		"more than the limit":        {[]string{"--email", members(2), "--max-removals", "1", "--apply", "--yes"}, "the call would remove 2 users; the limit is 1"},
		"too few administrators":     {[]string{"--email", members(2), "--min-administrators", "2", "--apply", "--yes"}, "1 of 2 administrators would remain, and at least 2 must"},
		"a record that exists":       {[]string{"--email", members(2), "--record", protect, "--apply", "--yes"}, "exists, and a record is never replaced"},
		"a record nowhere":           {[]string{"--email", members(2), "--record", "no/where", "--apply", "--yes"}, "there is no directory no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := command(t, environment(server), append([]string{"users", "remove"}, test.args...)...)
			run(t, cmd).expect(t, 2, test.says)
			expectFiles(t, cmd)
		})
	}
	t.Cleanup(func() { expectUntouched(t, server) })
}

// A rule removed forty of forty-two members once.
func TestUsersRemoveDefaultLimit(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 40) // 42 members
	rule := []string{"users", "remove", "--not-seen-for", "1", "--apply", "--yes", "--no-record"}
	server.AddUser(orguserstest.Person{Email: "seen@example.com", LastLogin: server.Users()[0].CreatedAt})
	refused := runOn(t, server, rule...)
	refused.expect(t, 2, "41 users would be removed; the limit is 5, a tenth of the 43 members and at least 5: give --max-removals 41 if they are meant", "orgusers: nothing was changed: 41 refused\n")
	runOn(t, server, "users", "remove", "--email", members(6)).expect(t, 2, "6 users would be removed; the limit is 5", "orgusers: nothing was changed: 6 refused\n")
	runOn(t, server, "users", "remove", "--email", members(5)).expect(t, 0, "5 would be removed")
	expectUntouched(t, server)
	result := runOn(t, server, append(rule, "--max-removals", "41")...)
	result.expect(t, 0, "owner@example.com is left out: owner", "admin@example.com is left out: self", "41 removed")
	if got := len(server.Users()); got != 3 {
		t.Errorf("%d users are left, want 3", got)
	}
}

func TestUsersRemoveRule(t *testing.T) {
	t.Parallel()
	server := newAged(t)
	server.AddUser(orguserstest.Person{Email: "again@example.com", CreatedAt: server.Users()[0].CreatedAt, InvitedAt: time.Now()})
	cmd := command(t, environment(server), "users", "remove", "--not-seen-for", "365", "--protect", "protect", "--output", "json")
	writeFile(t, filepath.Join(cmd.Dir, "protect"), "old@example.org\n")
	result := run(t, cmd)
	result.expect(t, 0, "old@example.org is left out: protected")
	if got := result.statuses(t); !maps.Equal(got, map[string]string{"-never@example.com": "planned"}) {
		t.Errorf("outcomes %v", got)
	}
	none := runOn(t, server, "users", "remove", "--not-seen-for", "1000", "--output", "json", "--apply")
	none.expect(t, 0, "no member can be removed who was not seen for 1000 days", `"outcomes": []`)
	expectUntouched(t, server)

	loginless := newTeam(t, 3)
	runOn(t, loginless, "users", "remove", "--not-seen-for", "1").expect(t, 2, "nothing was changed: the service sent no last login of any user")
}

func TestUsersRemoveWritesARecordFirst(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 2)
	for _, test := range []struct {
		environment, args []string
		file              string
	}{
		{nil, nil, ".local/state/orgusers/records/removed-*Z.json"},
		{[]string{"XDG_STATE_HOME=/STATE"}, nil, "state/orgusers/records/removed-*Z.json"},
		{nil, []string{"--record", "record.json"}, "record.json"},
	} {
		email := server.Users()[3].Email
		cmd := command(t, environment(server), append([]string{"users", "remove", "--apply", "--yes", "--email", email}, test.args...)...)
		for _, variable := range test.environment {
			cmd.Env = append(cmd.Env, strings.Replace(variable, "/STATE", filepath.Join(cmd.Dir, "state"), 1))
		}
		result := run(t, cmd)
		files, _ := filepath.Glob(filepath.Join(cmd.Dir, test.file))
		if len(files) != 1 {
			t.Fatalf("exit status %d, files %q: %s", result.status, files, result.stderr)
		}
		printed := files[0]
		if test.args != nil {
			printed = test.args[1]
		}
		result.expect(t, 0, "record of what they had: "+printed+"\n", "1 removed")
		info, err := os.Stat(files[0])
		if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v (%v)", info.Mode(), err)
		}
		record, err := readRecord(files[0])
		if err != nil || record.Organization != server.OrganizationUID || record.Access[0].User.Email != email {
			t.Errorf("the record is %+v (%v)", record, err)
		}
		server.AddUser(orguserstest.Person{Email: email})
	}
	// A record that cannot be written stops the removal.
	cmd := command(t, environment(server), "users", "remove", "--apply", "--yes", "--email", "member0@example.com")
	writeFile(t, filepath.Join(cmd.Dir, ".local"), "a file")
	run(t, cmd).expect(t, 2, "nothing was changed: no record can be written to your state directory", "give --record FILE or --no-record")
	if _, there := server.User("member0@example.com"); !there {
		t.Error("the user is gone")
	}
}

func TestUsersRemoveUnreadStack(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 2, orguserstest.WithFault(orguserstest.Fault{Path: "/v3/roles", Effect: orguserstest.Status(http.StatusForbidden)}))
	args := []string{"users", "remove", "--email", "member0@example.com", "--apply", "--yes"}
	cmd := command(t, environment(server), args...)
	run(t, cmd).expect(t, 1, "orgusers: nothing was changed: the list could not be read completely: the roles of stack \"Website\" (", ") cannot be read: the service does not allow it", "; commands that have --allow-unread can")
	expectUntouched(t, server)
	runOn(t, server, append(args, "--allow-unread")...).expect(t, 0, `the record does not have their roles in the stacks "`, `"Website"`, "1 removed")
	runOn(t, server, append(args, "--no-record", "--email", "member1@example.com")...).expect(t, 0, "1 skipped, 1 removed")
}

func TestUsersRestore(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 2, orguserstest.WithTeams(orguserstest.Team{Name: "Bosses", Roles: []string{"Admin"}, Members: []string{"member1@example.com"}}))
	before, _ := server.User("member0@example.com")
	remove := command(t, environment(server), "users", "remove", "--email", members(2)+",pending@example.com", "--apply", "--yes", "--record", "record")
	run(t, remove).expect(t, 0, "3 removed")
	restore := func(typed string, args ...string) result {
		cmd := command(t, environment(server), append([]string{"users", "restore", "--file", filepath.Join(remove.Dir, "record")}, args...)...)
		cmd.Stdin = strings.NewReader(typed)
		return run(t, cmd)
	}
	left := len(server.Requests())
	restore("", "--output", "json").expect(t, 0, "these users would be administrators: member1@example.com\n", `"status": "planned"`, "3 would be restored")
	declined := restore("no\n", "--apply")
	declined.expect(t, 2, "these users would be administrators: member1@example.com\n", "3 users would be restored.\nTo go on, type", `"no" was typed`)
	for _, r := range server.Requests()[left:] {
		if r.Write {
			t.Errorf("it sent %s %s", r.Method, r.Path)
		}
	}
	restore(organizationName, "--apply", "--message", "Sorry").expect(t, 1, "member0@example.com  restored", "member1@example.com  partial", "teams wait until the invitation is accepted", "2 restored, 1 partial")
	after, _ := server.User("member0@example.com")
	if !after.Pending || !slices.Equal(after.RoleUIDs, before.RoleUIDs) || !maps.EqualFunc(after.Stacks, before.Stacks, slices.Equal) || after.Message != "Sorry" {
		t.Errorf("restored was %+v, want %+v", after, before)
	}
	restore("", "--apply").expect(t, 1, "member0@example.com  skipped  already pending")

	list := command(t, environment(server), "access", "list", "--output", "json")
	writeFile(t, filepath.Join(remove.Dir, "record"), run(t, list).stdout)
	restore("").expect(t, 0, "admin@example.com    skipped  already member")
}

func TestUsersRestoreRefuses(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 1)
	with := func(change func(*record)) string {
		r := &record{Organization: server.OrganizationUID, Access: []*orgusers.UserAccess{
			{Version: 1, OrganizationUID: server.OrganizationUID, User: &orgusers.User{Email: "gone@example.com"}, Roles: []orgusers.RoleGrant{{RoleUID: server.RoleUID("Member"), Direct: true}}},
		}}
		change(r)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for name, test := range map[string]struct{ text, says string }{
		"another organization":    {with(func(r *record) { r.Organization = "bltother" }), `nothing was changed: record is a record of the organization "bltother", and this is "` + server.OrganizationUID},
		"a user of another one":   {with(func(r *record) { r.Access[0].OrganizationUID = "bltother" }), "1 refused"},
		"a later version":         {with(func(r *record) { r.Access[0].Version = 2 }), "not a record of 'orgusers users remove': the access record has version 2"},
		"nobody":                  {with(func(r *record) { r.Access = nil }), "not a record of 'orgusers users remove'"},
		"null":                    {with(func(r *record) { r.Access = append(r.Access, nil) }), "not a record of 'orgusers users remove'"},
		"a file of another tool":  {`{"users":[{"email":"gone@example.com"}]}`, "record is not a record of 'orgusers users remove'"},
		"a list of the review":    {ticks(server.OrganizationUID, "gone@example.com"), "not a record"},
		"a CSV file":              {"Email\ngone@example.com\n", "not a record"},
		"a record that was cut":   {with(func(*record) {})[:100], "not a record"},
		"a role that was deleted": {with(func(r *record) { r.Access[0].Roles[0].RoleUID = "bltgone" }), "1 refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := command(t, environment(server), "users", "restore", "--file", "record", "--apply", "--yes")
			writeFile(t, filepath.Join(cmd.Dir, "record"), test.text)
			run(t, cmd).expect(t, 2, test.says)
		})
	}
	runOn(t, server, "users", "restore", "--file", "nowhere").expect(t, 2, "--file: open nowhere")
	runOn(t, server, "users", "restore", "--apply").expect(t, 2, `required flag(s) "file" not set`)
	t.Cleanup(func() { expectUntouched(t, server) })
}
