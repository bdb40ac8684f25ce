package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/orgusers/orgusers/examples/internal/programtest"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestMain(m *testing.M) { programtest.Main(m, main) }

func TestHelp(t *testing.T) {
	t.Parallel()
	programtest.ExpectHelp(t, "-email", "-role", "email,roles,stacks", "-apply", `Each status is invited, "already a member", "already pending", failed, unknown or
"not started"`)
}

// inviting runs the program against a fake, with a file people.csv where it is.
func inviting(t *testing.T, server *orguserstest.Server, people string, args ...string) programtest.Result {
	t.Helper()
	cmd := programtest.Command(t, programtest.Environment(server), args...)
	if err := os.WriteFile(filepath.Join(cmd.Dir, "people.csv"), []byte(people), 0o600); err != nil {
		t.Fatal(err)
	}
	return programtest.Run(t, cmd)
}

func TestDryRunForetellsAndApplyMailsOnce(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 2)
	args := []string{"-email", "new@example.com, Member1@example.com", "-email", "pending@example.com", "-role", "MEMBER", "-message", "Welcome 👋\nsee you"}
	before := server.Users()
	dry := inviting(t, server, "", args...)
	programtest.ExpectUntouched(t, server)
	if dry.Status != 0 || !strings.Contains(dry.Stderr, "dry run: nothing was sent; 1 would be invited") {
		t.Errorf("exit status %d, stderr %q", dry.Status, dry.Stderr)
	}
	want := map[string]string{"new@example.com": "would be invited", "Member1@example.com": "already a member", "pending@example.com": "already pending"}
	if got := programtest.Outcomes(t, dry.Stdout); !maps.Equal(got, want) {
		t.Errorf("it foretold %v, want %v", got, want)
	}
	if len(server.Users()) != len(before) {
		t.Error("a dry run invited somebody")
	}

	for i, want := range []string{"invited", "already pending"} { // once, and again
		result := inviting(t, server, "", append(args, "-apply")...)
		if got := programtest.Outcomes(t, result.Stdout)["new@example.com"]; result.Status != 0 || got != want {
			t.Errorf("run %d: exit status %d, %q, want %q; %s", i+1, result.Status, got, want, result.Stderr)
		}
	}
	if mails := programtest.Mails(server, orguserstest.EmailInvitation); !maps.Equal(mails, map[string]int{"new@example.com": 1}) {
		t.Errorf("the outbox has %v, want one mail to new@example.com", mails)
	}
	if u, _ := server.User("new@example.com"); !slices.Equal(u.RoleUIDs, []string{server.RoleUID("member")}) || u.Message != "Welcome 👋\nsee you" {
		t.Errorf("invited was %+v", u)
	}
}

func TestFileWithRolesAndStacks(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 1)
	website, app := server.Stacks()[0], server.Stacks()[1]
	people := "\ufeffEmail,Name,Roles,Stacks\r\n" +
		"a@example.com,\"A,\r\nthe first\",\"admin; Security manager\",\"" + strings.ToUpper(website.Name) + ":developer, Content Manager; " + app.APIKey + ":Admin\"\r\n" +
		",,,\r\n" +
		"'+b@example.com,B,,\r\n"
	result := inviting(t, server, people, "-file", "people.csv", "-role", "member", "-apply")
	if result.Status != 0 {
		t.Fatalf("exit status %d: %s", result.Status, result.Stderr)
	}
	a, _ := server.User("a@example.com")
	if want := []string{server.RoleUID("Admin"), server.RoleUID("Security Manager")}; !slices.Equal(a.RoleUIDs, want) {
		t.Errorf("the roles are %q, want %q", a.RoleUIDs, want)
	}
	wantStacks := map[string][]string{
		website.APIKey: {roleUID(t, website, "Developer"), roleUID(t, website, "Content Manager")},
		app.APIKey:     {roleUID(t, app, "Admin")},
	}
	if !maps.EqualFunc(a.Stacks, wantStacks, slices.Equal) {
		t.Errorf("the stacks are %v, want %v", a.Stacks, wantStacks)
	}
	if b, there := server.User("+b@example.com"); !there || !slices.Equal(b.RoleUIDs, []string{server.RoleUID("member")}) {
		t.Errorf("invited was %+v, want a member", b)
	}
	if mails := len(server.Outbox()); mails != 2 {
		t.Errorf("%d mails, want 2", mails)
	}
}

func TestColumnsInTheSingular(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 1)
	people := "team,email,role,stack,department\nx,a@example.com,member,Website:Developer,y\n"
	result := inviting(t, server, people, "-file", "people.csv", "-role", "admin", "-apply")
	if result.Status != 0 || !strings.Contains(result.Stderr, "invite: columns that are not read: department, team\n") {
		t.Errorf("exit status %d: %s", result.Status, result.Stderr)
	}
	a, _ := server.User("a@example.com")
	if !slices.Equal(a.RoleUIDs, []string{server.RoleUID("member")}) || len(a.Stacks) != 1 {
		t.Errorf("the roles are %q and the stacks %v, want those of the file", a.RoleUIDs, a.Stacks)
	}
	both := inviting(t, server, "email,roles,role\nb@example.com,member,admin\n", "-file", "people.csv", "-apply")
	programtest.ExpectWrongInput(t, both, "people.csv line 1: there are columns called roles and role")
}

func roleUID(t *testing.T, stack orguserstest.Stack, name string) string {
	t.Helper()
	i := slices.IndexFunc(stack.Roles, func(r orguserstest.Role) bool { return r.Name == name })
	if i < 0 {
		t.Fatalf("the stack %s has no role %s", stack.Name, name)
	}
	return stack.Roles[i].UID
}

func TestEveryMistakeIsNamedAndNothingSent(t *testing.T) {
	t.Parallel()
	people := strings.Join([]string{
		"email;roles;stacks",
		"good@example.com;member;Website:Developer",
		";member;",
		"nobody;member;",
		"a@example.com;;",
		"b@example.com;memer;",
		"c@example.com;member;Webseite:Developer",
		"d@example.com;member;Website:Gardener",
		"e@example.com;member;Website",
		"f@example.com;member",
		"GOOD@example.com;member;",
		`g@example.com;"member"s;`,
		`h@example.com;member;"Website:Admin; website:Developer"`,
		"",
	}, "\r\n")
	want := []string{
		"line 3: there is no address",
		`line 4: "nobody" is no e-mail address`,
		"line 5: there is no organization role",
		`line 6: there is no organization role "memer"; there are admin, member`,
		`line 7: there is no stack "Webseite"; there are Website, Mobile App`,
		`line 8: there is no role in stack Website "Gardener"; there are Admin, Developer`,
		`line 9: "Website": after the stack there must be a colon`,
		"line 10: there are more or fewer cells",
		"line 11: \"GOOD@example.com\" is given already: people.csv line 2",
		`line 12: extraneous or missing "`,
		"line 13: \"website:Developer\": the stack is given already",
	}
	for _, args := range [][]string{{"-file", "people.csv"}, {"-file", "people.csv", "-apply"}} {
		server := orguserstest.NewServer()
		t.Cleanup(server.Close)
		result := inviting(t, server, people, args...)
		programtest.ExpectWrongInput(t, result, "invite: nothing was sent: correct these lines:\n")
		rest := result.Stderr
		for _, mistake := range want { // in this order
			_, after, found := strings.Cut(rest, "people.csv "+mistake)
			if !found {
				t.Errorf("there is no %q in\n%s", mistake, rest)
				continue
			}
			rest = after
		}
		if n := strings.Count(result.Stderr, "\n  people.csv"); n != len(want) {
			t.Errorf("%d mistakes, want %d:\n%s", n, len(want), result.Stderr)
		}
		programtest.ExpectUntouched(t, server)
	}
}

func TestMistakesOnTheCommandLine(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"nobody":                {nil, "give -email or -file"},
		"empty address":         {[]string{"-email", "a@example.com,,"}, "there is an empty one"},
		"file that is none":     {[]string{"-file", "nowhere.csv"}, "nowhere.csv"},
		"file without a name":   {[]string{"-file", ""}, "the name is empty"},
		"argument":              {[]string{"a@example.com"}, `"a@example.com"`},
		"flag that is not ours": {[]string{"-resend"}, "-resend"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expectRefusal(t, programtest.ExpectMisuse, test.says, test.args...)
		})
	}
}

// expectRefusal fails a test whose program does not say once why it sends
// nothing.
func expectRefusal(t *testing.T, expect func(*testing.T, programtest.Result, string), says string, args ...string) {
	t.Helper()
	server := programtest.Team(t, 1)
	result := inviting(t, server, "", args...)
	expect(t, result, says)
	if n := strings.Count(result.Stderr, says); n > 1 {
		t.Errorf("it says %q %d times", says, n)
	}
	programtest.ExpectUntouched(t, server)
}

func TestNamesThatAreNone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"no role":       {[]string{"-email", "a@example.com"}, "invite: nothing was sent: correct what is given:\n  -email: there is no organization role: give -role"},
		"unknown role":  {[]string{"-email", "a@example.com,b@example.com", "-role", "boss"}, `-role: there is no organization role "boss"`},
		"unknown stack": {[]string{"-email", "a@example.com", "-role", "member", "-stack", "Shop:Admin"}, `-stack: there is no stack "Shop"`},
		"a long name":   {[]string{"-email", "a@example.com", "-role", strings.Repeat("b", 61)}, `"` + strings.Repeat("b", 60) + `…"; there are`},
		"address twice": {[]string{"-email", "a@example.com,A@example.com", "-role", "member"}, "\"A@example.com\" is given already"},
		"empty file":    {[]string{"-file", "people.csv"}, "there is no address in people.csv"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expectRefusal(t, programtest.ExpectWrongInput, test.says, test.args...)
		})
	}
}

func TestAmbiguousName(t *testing.T) {
	t.Parallel()
	var notes []string
	note := func(format string, args ...any) { notes = append(notes, format) }
	c := &choice{what: "role", things: []thing{{"blt1", "Editor"}, {"blt2", "editor"}, {"blt3", "Admin"}}}
	if got := c.one("EDITOR", note); got != "" || len(notes) != 1 {
		t.Errorf("an ambiguous name is %q, with %q", got, notes)
	}
	if got := c.all([]string{"blt2", "admin", " Admin "}, note); !slices.Equal(got, []string{"blt2", "blt3"}) || len(notes) != 1 {
		t.Errorf("they are %q, with %q", got, notes)
	}
}

func TestFailureIsNamed(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 1, orguserstest.WithFault(orguserstest.Fault{
		Method: "POST", Path: "/v3/organizations/{organization_uid}/share", Effect: orguserstest.Status(403),
	}))
	result := inviting(t, server, "", "-email", "a@example.com", "-role", "member", "-apply")
	rows := programtest.Table(t, result.Stdout)
	if result.Status != 1 || len(rows) != 1 || rows[0]["OUTCOME"] != "failed" || !strings.Contains(rows[0]["NOTE"], "403") {
		t.Errorf("exit status %d, %v, want 1 and the reason", result.Status, rows)
	}
	if !strings.Contains(result.Stderr, "invite: 1 failed\n") {
		t.Errorf("stderr is %q", result.Stderr)
	}
}

func TestInterruptTellsDoneFromNotStarted(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 1, orguserstest.WithRateLimit(100, 10))
	arrived := programtest.HoldUp(t, server, 3, func(r *orguserstest.Request) bool { return r.Write })
	var people strings.Builder
	for i := range 45 {
		people.WriteString("new" + programtest.Member(i) + "\n")
	}
	cmd := programtest.Command(t, programtest.Environment(server), "-file", "-", "-role", "member", "-apply")
	cmd.Stdin = strings.NewReader(people.String())
	result := programtest.Interrupt(t, cmd, arrived)
	if result.Status != 130 || !strings.Contains(result.Stderr, "invite: interrupted: 20 invited, 10 unknown, 15 not started; run it again in a minute: it looks first who is invited\n") {
		t.Errorf("exit status %d, stderr %q, want 130 and the counts", result.Status, result.Stderr)
	}
	want := map[string]int{"invited": 20, "unknown": 10, "not started": 15}
	if got := programtest.Counts(t, result.Stdout); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for email, outcome := range programtest.Outcomes(t, result.Stdout) {
		if _, there := server.User(email); there != (outcome == "invited") {
			t.Errorf("%s is called %s, and there: %v", email, outcome, there)
		}
	}
}

func TestOnTheFakeWithoutConfiguration(t *testing.T) {
	t.Parallel()
	result := programtest.Run(t, programtest.Command(t, nil, "-email", "new@example.com", "-role", "member", "-stack", "Website:Developer"))
	rows := programtest.Table(t, result.Stdout)
	if result.Status != 0 || len(rows) != 1 || rows[0]["OUTCOME"] != "would be invited" || rows[0]["STACKS"] != "Website:Developer" {
		t.Errorf("exit status %d, %v; %s", result.Status, rows, result.Stderr)
	}
}

func TestWhoIsThereKeepsWhatTheyHave(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		note string
	}{
		"the same role": {[]string{"-role", "member"}, ""},
		"another role":  {[]string{"-role", "member,admin"}, "keeps what it has; invite changes no roles"},
		"a stack":       {[]string{"-role", "member", "-stack", "Website:Developer"}, "keeps what it has; invite changes no roles"},
	} {
		result := inviting(t, programtest.Team(t, 1), "", append(test.args, "-email", "member0@example.com,pending@example.com")...)
		for _, row := range programtest.Table(t, result.Stdout) {
			if row["NOTE"] != test.note {
				t.Errorf("%s: the note of %s is %q, want %q", name, row["EMAIL"], row["NOTE"], test.note)
			}
		}
		if result.Status != 0 || !strings.Contains(result.Stderr, "dry run: nothing was sent; 1 already a member, 1 already pending\n") {
			t.Errorf("%s: exit status %d, stderr %q", name, result.Status, result.Stderr)
		}
	}
}

func TestReadThatFails(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"share/search", "roles"} {
		server := programtest.Team(t, 1, orguserstest.WithFault(orguserstest.Fault{Path: "/v3/organizations/{organization_uid}/" + path, Effect: orguserstest.Status(403)}))
		result := inviting(t, server, "", "-email", "a@example.com", "-role", "member", "-apply")
		if result.Status != 1 || strings.Count(result.Stderr, "nothing was") != 1 {
			t.Errorf("%s: exit status %d, stderr %q", path, result.Status, result.Stderr)
		}
		programtest.ExpectUntouched(t, server)
	}
}

func TestStdoutThatNobodyReads(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-apply"}, nil, {"-json"}} {
		server := programtest.Team(t, 1)
		result := programtest.RunUnread(t, programtest.Command(t, programtest.Environment(server), append(args, "-email", "a@example.com", "-role", "member")...))
		if told := strings.Contains(result.Stderr, "a@example.com  member          invited"); result.Status != 141 || told != slices.Contains(args, "-apply") {
			t.Errorf("%q: exit status %d, stderr %q", args, result.Status, result.Stderr)
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 1)
	args := []string{"-json", "-email", "new@example.com,member0@example.com,pending@example.com", "-role", "member,admin", "-stack", "Website:Developer,Admin"}
	for _, apply := range []bool{false, true} {
		if apply {
			args = append(args, "-apply")
		}
		result := inviting(t, server, "", args...)
		document := programtest.ParseDocument(t, result.Stdout)
		got := fmt.Sprint(document.Outcomes)
		want := "[map[email:new@example.com roles:[member admin] stacks:[Website:Developer,Admin] status:invited]" +
			" map[email:member0@example.com note:keeps what it has; invite changes no roles roles:[] stacks:[] status:already a member]" +
			" map[email:pending@example.com note:keeps what it has; invite changes no roles roles:[] stacks:[] status:already pending]]"
		if result.Status != 0 || document.DryRun == apply || got != want {
			t.Errorf("exit status %d, %s, want %s: %s", result.Status, got, want, result.Stderr)
		}
	}
}
