package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/orgusers/orgusers/examples/internal/programtest"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestMain(m *testing.M) { programtest.Main(m, main) }

func TestHelp(t *testing.T) {
	t.Parallel()
	programtest.ExpectHelp(t, "-not-seen-for", "-yes", "-apply", `Each status is removed, skipped, failed, unknown or "not started"`)
}

// organizationName is the fake's.
const organizationName = "Example Media"

// offboarding runs the program against a fake; typed is what is on stdin.
func offboarding(t *testing.T, server *orguserstest.Server, typed string, args ...string) programtest.Result {
	t.Helper()
	cmd := programtest.Command(t, programtest.Environment(server), args...)
	cmd.Stdin = strings.NewReader(typed)
	return programtest.Run(t, cmd)
}

func TestDryRunForetells(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 15)
	args := []string{"-email", programtest.Members(13) + ",pending@example.com,stranger@example.com,MEMBER3@example.com"}
	dry := offboarding(t, server, "", args...)
	programtest.ExpectUntouched(t, server)
	if dry.Status != 0 || !strings.Contains(dry.Stderr, "dry run: nothing was sent; 14 would be removed, 1 skipped; -apply does it") {
		t.Errorf("exit status %d, stderr %q", dry.Status, dry.Stderr)
	}
	if got := len(server.Users()); got != 18 {
		t.Errorf("%d users are left, want all 18", got)
	}
	applied := offboarding(t, server, "", append(args, "-apply", "-yes")...)
	foretold := programtest.Outcomes(t, strings.ReplaceAll(dry.Stdout, "would be removed", "removed"))
	if got := programtest.Outcomes(t, applied.Stdout); applied.Status != 0 || !maps.Equal(got, foretold) || len(got) != 15 {
		t.Errorf("exit status %d, %v, foretold was %v", applied.Status, got, foretold)
	}
	if !strings.Contains(applied.Stderr, "offboard: 14 removed, 1 skipped\n") {
		t.Errorf("stderr is %q", applied.Stderr)
	}
	for email, outcome := range foretold {
		if _, there := server.User(email); there {
			t.Errorf("%s was %s and is there", email, outcome)
		}
	}
	if got := len(server.Users()); got != 4 {
		t.Errorf("%d users are left, want 4", got)
	}
}

func TestShowsWhoTheyAre(t *testing.T) {
	t.Parallel()
	login, created := time.Date(2025, 3, 4, 5, 6, 7, 0, time.UTC), time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)
	for name, option := range map[string]orguserstest.Option{"roles": orguserstest.WithoutEndpoints(), "uids": orguserstest.WithRoleUIDs()} {
		server := orguserstest.NewServer(option, orguserstest.WithPeople(
			orguserstest.Person{Email: "admin@example.com", Roles: []string{"Admin"}},
			orguserstest.Person{Email: "li@example.com", FirstName: "李", LastName: "Na\nNa\x1b[31m", Roles: []string{"Member", "Security Manager"}, LastLogin: login},
			orguserstest.Person{Email: "bo@example.com", FirstName: "Bo", LastName: "Ek", CreatedAt: created},
		))
		t.Cleanup(server.Close)
		result := offboarding(t, server, "", "-email", "li@example.com,bo@example.com")
		lines := strings.Split(result.Stdout, "\n")
		if len(lines) != 4 || !strings.Contains(lines[1], "  李 Na Na\ufffd[31m  ") || !strings.Contains(lines[1], "; security manager  ") || !strings.HasSuffix(lines[1], "  2025-03-04  would be removed") {
			t.Errorf("%s: the table is\n%s", name, result.Stdout)
		}
		if len(lines) == 4 && (!strings.HasPrefix(lines[2], "bo@example.com  Bo Ek") || !strings.Contains(lines[2], created.Format(time.DateOnly)+"  none known")) {
			t.Errorf("%s: the table is\n%s", name, result.Stdout)
		}
	}
}

func TestName(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		typed  string
		args   []string
		status int
	}{
		"right":               {organizationName + "\n", nil, 0},
		"right, without end":  {organizationName, nil, 0},
		"right, with blanks":  {"  " + organizationName + " \r\n", nil, 0},
		"wrong":               {"Example Labs\n", nil, 2},
		"other letters":       {strings.ToLower(organizationName) + "\n", nil, 2},
		"empty":               {"\n", nil, 2},
		"nothing":             {"", nil, 2},
		"on the second line":  {"Example\n" + organizationName + "\n", nil, 2},
		"not asked with -yes": {"", []string{"-yes"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := programtest.Team(t, 2)
			result := offboarding(t, server, test.typed, append(test.args, "-email", "member1@example.com", "-apply")...)
			if result.Status != test.status {
				t.Errorf("exit status %d, want %d: %s", result.Status, test.status, result.Stderr)
			}
			if asked := strings.Contains(result.Stderr, `type the name of the organization, "Example Media"`); asked != (len(test.args) == 0) {
				t.Errorf("it asked: %v; stderr is %q", asked, result.Stderr)
			}
			_, there := server.User("member1@example.com")
			if removed := test.status == 0; removed == there {
				t.Errorf("the user is there: %v", there)
			}
			if test.status == 0 {
				return
			}
			programtest.ExpectUntouched(t, server)
			programtest.ExpectWrongInput(t, result, "offboard: nothing was sent: the organization is")
			if advised := strings.Contains(result.Stderr, "or give -yes"); advised != (strings.TrimSpace(test.typed) == "") {
				t.Errorf("stderr is %q", result.Stderr)
			}
		})
	}
}

// aged is an organization in which some were seen and some were not.
func aged(t *testing.T) *orguserstest.Server {
	t.Helper()
	now := time.Now()
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	server := orguserstest.NewServer(orguserstest.WithReferenceDate(now), orguserstest.WithPeople(
		orguserstest.Person{Email: "owner@example.com", FirstName: "Ona", Owner: true, CreatedAt: ago(900), LastLogin: ago(800)},
		orguserstest.Person{Email: "admin@example.com", FirstName: "Ada", Roles: []string{"Admin"}, CreatedAt: ago(900), LastLogin: ago(700)},
		orguserstest.Person{Email: "old@example.com", FirstName: "Oldo", CreatedAt: ago(900), LastLogin: ago(400)},
		orguserstest.Person{Email: "never@example.com", FirstName: "Neva", CreatedAt: ago(900)},
		orguserstest.Person{Email: "fresh@example.com", FirstName: "Fred", CreatedAt: ago(900), LastLogin: ago(2)},
		orguserstest.Person{Email: "waiting@example.com", Pending: true, CreatedAt: ago(900)},
		orguserstest.Person{Email: "invited@example.com", Pending: true, CreatedAt: ago(2)},
	))
	t.Cleanup(server.Close)
	return server
}

func TestNotSeenFor(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		want []string
	}{
		"members":     {[]string{"-not-seen-for", "365"}, []string{"never@example.com", "old@example.com"}},
		"and pending": {[]string{"-not-seen-for", "365", "-pending"}, []string{"never@example.com", "old@example.com", "waiting@example.com"}},
		"nobody":      {[]string{"-not-seen-for", "1000"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := aged(t)
			result := offboarding(t, server, "", append(test.args, "-apply", "-yes")...)
			want := map[string]string{}
			for _, email := range test.want {
				want[email] = "removed"
			}
			if got := programtest.Outcomes(t, result.Stdout); result.Status != 0 || !maps.Equal(got, want) {
				t.Errorf("exit status %d, %v, want %v: %s", result.Status, got, want, result.Stderr)
			}
			if got := len(server.Users()); got != 7-len(want) {
				t.Errorf("%d users are left, want %d", got, 7-len(want))
			}
			if len(want) == 0 {
				programtest.ExpectUntouched(t, server)
				if result.Stdout != "" || !strings.Contains(result.Stderr, "there is nobody to remove") {
					t.Errorf("stdout %q, stderr %q", result.Stdout, result.Stderr)
				}
				return
			}
			for _, left := range []string{"owner@example.com is left out: the organization's owner", "admin@example.com is left out: you yourself"} {
				if !strings.Contains(result.Stderr, left) {
					t.Errorf("there is no %q in %q", left, result.Stderr)
				}
			}
		})
	}
}

func TestOwnerAndYourselfAreRefused(t *testing.T) {
	t.Parallel()
	for email, says := range map[string]string{
		"OWNER@example.com": `"OWNER@example.com" cannot be removed, since that is the organization's owner: take it out, wherever it is`,
		"admin@example.com": `"admin@example.com" cannot be removed, since that is you yourself: take it out, wherever it is`,
	} {
		for _, args := range [][]string{nil, {"-apply", "-yes"}, {"-apply"}} {
			server := programtest.Team(t, 2)
			leavers := filepath.Join(t.TempDir(), "leavers.csv")
			if err := os.WriteFile(leavers, []byte("email\nmember0@example.com\n"+email+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			result := offboarding(t, server, organizationName, append(args, "-file", leavers)...)
			programtest.ExpectWrongInput(t, result, "offboard: nothing was sent: correct these lines:\n  "+leavers+" line 3: "+says+"\n")
			result = offboarding(t, server, organizationName, append(args, "-email", "member0@example.com,"+email)...)
			programtest.ExpectWrongInput(t, result, "-email: "+strings.Replace(says, "take it out, wherever it is", "leave it out", 1))
			programtest.ExpectUntouched(t, server)
		}
	}
}

func TestExportFeedsOffboard(t *testing.T) {
	t.Parallel()
	for _, format := range [][]string{nil, {"-separator", "tab", "-bom", "-crlf", "-columns", "status,email"}} {
		server := aged(t)
		export := programtest.Build(t, "../export", programtest.Environment(server), append(format, "-not-seen-for", "365", "-o", "users.csv")...)
		if result := programtest.Run(t, export); result.Status != 0 {
			t.Fatal(result.Stderr)
		}
		file := filepath.Join(export.Dir, "users.csv")
		result := offboarding(t, server, "", "-file", file)
		programtest.ExpectWrongInput(t, result, "since that is the organization's owner")
		if strings.Count(result.Stderr, ": take it out, wherever it is\n") != 2 {
			t.Errorf("%q: stderr does not name both the owner and who asks: %s", format, result.Stderr)
		}
		rows, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var others []string
		for line := range strings.Lines(string(rows)) {
			if !strings.Contains(line, "owner@") && !strings.HasPrefix(line, "admin@") && !strings.Contains(line, "accepted\tadmin@") {
				others = append(others, line)
			}
		}
		result = offboarding(t, server, strings.Join(others, ""), "-file", "-", "-apply", "-yes")
		want := map[string]string{"never@example.com": "removed", "old@example.com": "removed"}
		if got := programtest.Outcomes(t, result.Stdout); result.Status != 0 || !maps.Equal(got, want) {
			t.Errorf("%q: exit status %d, %v, want %v: %s", format, result.Status, got, want, result.Stderr)
		}
	}
}

func TestMisuse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		typed string
		args  []string
		says  string
	}{
		"nobody":               {"", nil, "give -email, -file or -not-seen-for"},
		"both":                 {"", []string{"-email", "a@example.com", "-not-seen-for", "9"}, "leave one out"},
		"zero days":            {"", []string{"-not-seen-for", "0"}, `"0" for flag -not-seen-for: it is a number of days`},
		"days in the future":   {"", []string{"-not-seen-for", "-1"}, `"-1" for flag -not-seen-for`},
		"pending without days": {"", []string{"-email", "a@example.com", "-pending"}, "-pending is for -not-seen-for"},
		"yes without apply":    {"", []string{"-email", "a@example.com", "-yes"}, "-yes"},
		"stdin for two":        {"a@example.com\n", []string{"-file", "-", "-apply"}, "add -yes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := programtest.Team(t, 1)
			result := offboarding(t, server, test.typed, test.args...)
			programtest.ExpectMisuse(t, result, test.says)
			if len(server.Requests()) > 0 {
				t.Error("it asked the server before it looked at its flags")
			}
		})
	}
}

func TestWrongInput(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ typed, says string }{
		"line that is no address":      {"member0@example.com\n\nMember One\n", `stdin line 3: "Member One" is no e-mail address`},
		"columns without one of email": {"name;address\nAda;a@example.com\n", "needs one called email"},
		"two columns of that name":     {"email,Email\na@example.com,b@example.com\n", "two columns called email"},
		"letters of another kind":      {"\xff\xfea\x00", "UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := programtest.Team(t, 1)
			result := offboarding(t, server, test.typed, "-file", "-", "-apply", "-yes")
			programtest.ExpectWrongInput(t, result, test.says)
			if len(server.Requests()) > 0 {
				t.Error("it asked the server before it looked at its input")
			}
		})
	}
}

func TestInterruptTellsDoneFromNotStarted(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 35, orguserstest.WithRateLimit(100, 10))
	arrived := programtest.HoldUp(t, server, 2, func(r *orguserstest.Request) bool { return r.Write })
	cmd := programtest.Command(t, programtest.Environment(server), "-email", programtest.Members(35), "-apply", "-yes")
	result := programtest.Interrupt(t, cmd, arrived)
	if result.Status != 130 || !strings.Contains(result.Stderr, "offboard: interrupted: 10 removed, 10 unknown, 15 not started") {
		t.Errorf("exit status %d, stderr %q, want 130 and the counts", result.Status, result.Stderr)
	}
	for email, outcome := range programtest.Outcomes(t, result.Stdout) {
		if _, there := server.User(email); there == (outcome == "removed") {
			t.Errorf("%s is called %s, and there: %v", email, outcome, there)
		}
	}
	if rows := len(programtest.Table(t, result.Stdout)); rows != 35 {
		t.Errorf("%d rows, want 35", rows)
	}
}

func TestInterruptBeforeAnything(t *testing.T) {
	t.Parallel()
	server := aged(t)
	arrived := programtest.HoldUp(t, server, 1, func(*orguserstest.Request) bool { return true })
	result := programtest.Interrupt(t, programtest.Command(t, programtest.Environment(server), "-not-seen-for", "9", "-apply"), arrived)
	if result.Status != 130 || result.Stdout != "" || !strings.Contains(result.Stderr, "offboard: interrupted: nothing was sent: ") {
		t.Errorf("exit status %d, stdout %q, stderr %q, want 130, none and that nothing was sent", result.Status, result.Stdout, result.Stderr)
	}
	programtest.ExpectUntouched(t, server)
}

func TestReadThatFails(t *testing.T) {
	t.Parallel()
	for path, args := range map[string][]string{
		"/v3/organizations/{organization_uid}/share/search": {"-email", "old@example.com"},
		"/v3/organizations/{organization_uid}/share":        {"-not-seen-for", "9"},
		"/v3/user": {"-email", "old@example.com", "-apply", "-yes"},
	} {
		server := aged(t)
		server.AddFault(orguserstest.Fault{Path: path, Effect: orguserstest.Status(403)})
		result := offboarding(t, server, "", args...)
		if result.Status != 1 || strings.Count(result.Stderr, "nothing was") != 1 || !strings.Contains(result.Stderr, "offboard: nothing was sent: orgusers: ") {
			t.Errorf("%s: exit status %d, stderr %q", path, result.Status, result.Stderr)
		}
		programtest.ExpectUntouched(t, server)
	}
}

func TestStdoutThatFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		run      func(*testing.T, *exec.Cmd) programtest.Result
		args     []string
		status   int
		outcomes bool // on stderr
	}{
		"nobody reads what was done":       {programtest.RunUnread, []string{"-apply", "-yes"}, 141, true},
		"nobody reads the JSON of it":      {programtest.RunUnread, []string{"-apply", "-yes", "-json"}, 141, true},
		"no space for what was done":       {programtest.RunFull, []string{"-apply", "-yes"}, 1, true},
		"no space for the JSON of it":      {programtest.RunFull, []string{"-apply", "-yes", "-json"}, 1, true},
		"nobody reads what would be":       {programtest.RunUnread, nil, 141, false},
		"nobody reads the JSON of what is": {programtest.RunUnread, []string{"-json"}, 141, false},
		"no space for what would be":       {programtest.RunFull, nil, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := programtest.Team(t, 2)
			args := append([]string{"-email", "member1@example.com,stranger@example.com"}, test.args...)
			result := test.run(t, programtest.Command(t, programtest.Environment(server), args...))
			if result.Status != test.status {
				t.Errorf("exit status %d, want %d: %s", result.Status, test.status, result.Stderr)
			}
			if _, there := server.User("member1@example.com"); there == test.outcomes {
				t.Errorf("the user is there: %v", there)
			}
			told := strings.Contains(result.Stderr, "  removed\nstranger@example.com") && strings.Contains(result.Stderr, "offboard: 1 removed, 1 skipped; not all of that was written to stdout")
			if told != test.outcomes {
				t.Errorf("stderr is %q, want the outcomes in it: %v", result.Stderr, test.outcomes)
			}
		})
	}
}

func TestNobodyToRemoveIsNothingToApply(t *testing.T) {
	t.Parallel()
	result := offboarding(t, programtest.Team(t, 1), "", "-email", "stranger@example.com")
	if result.Status != 0 || !strings.HasSuffix(result.Stderr, "offboard: dry run: nothing was sent; 1 skipped\n") {
		t.Errorf("exit status %d, stderr %q", result.Status, result.Stderr)
	}
}

func TestUnknownIsToBeRunAgain(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 12, orguserstest.WithRateLimit(100, 10))
	arrived := programtest.HoldUp(t, server, 2, func(r *orguserstest.Request) bool { return r.Write })
	cmd := programtest.Command(t, programtest.Environment(server), "-email", programtest.Members(12), "-apply", "-yes")
	result := programtest.Interrupt(t, cmd, arrived)
	if !strings.Contains(result.Stderr, "10 removed, 2 unknown; run it again in a minute: it looks first who is still there\n") {
		t.Errorf("stderr is %q", result.Stderr)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	server := aged(t)
	args := []string{"-json", "-email", "old@example.com,waiting@example.com,never@example.com,stranger@example.com"}
	for _, apply := range []bool{false, true} {
		if apply {
			args = append(args, "-apply", "-yes")
		}
		result := offboarding(t, server, "", args...)
		document := programtest.ParseDocument(t, result.Stdout)
		if result.Status != 0 || document.DryRun == apply || len(document.Outcomes) != 4 {
			t.Fatalf("exit status %d, stdout %s", result.Status, result.Stdout)
		}
		for i, want := range []map[string]any{
			{"email": "old@example.com", "name": "Oldo", "pending": false, "status": "removed"},
			{"email": "waiting@example.com", "pending": true, "status": "removed", "last_login": nil},
			{"email": "never@example.com", "pending": false, "status": "removed", "last_login": nil},
			{"email": "stranger@example.com", "name": "", "status": "skipped", "note": "is not in organization", "added": nil},
		} {
			for key, value := range want {
				if got := document.Outcomes[i][key]; got != value {
					t.Errorf("%v: %s is %v, want %v", want["email"], key, got, value)
				}
			}
		}
		for i, keys := range map[int][]string{0: {"added", "last_login"}, 1: {"added"}, 2: {"added"}} {
			for _, key := range keys {
				text, _ := document.Outcomes[i][key].(string)
				if at, err := time.Parse(time.RFC3339, text); err != nil || time.Since(at) < 300*24*time.Hour {
					t.Errorf("%v: %s is %q", document.Outcomes[i]["email"], key, text)
				}
			}
		}
		if counts := document.Counts; len(counts) != 2 || counts[0].Status != "removed" || counts[0].Count != 3 || counts[1].Count != 1 {
			t.Errorf("the counts are %v", counts)
		}
	}
	if got := len(server.Users()); got != 4 {
		t.Errorf("%d users are left, want 4", got)
	}
}

func TestJSONOfNobodyAndOfRefused(t *testing.T) {
	t.Parallel()
	server := aged(t)
	result := offboarding(t, server, "", "-json", "-not-seen-for", "1000")
	if document := programtest.ParseDocument(t, result.Stdout); result.Status != 0 || !document.DryRun || document.Outcomes == nil || len(document.Outcomes) > 0 {
		t.Errorf("exit status %d, stdout %s, want a document of nobody", result.Status, result.Stdout)
	}
	result = offboarding(t, server, "", "-json", "-email", "owner@example.com")
	programtest.ExpectWrongInput(t, result, "the organization's owner") // and no JSON
}

func TestJSONAfterQuestion(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 2)
	result := offboarding(t, server, organizationName, "-json", "-email", "member1@example.com", "-apply")
	document := programtest.ParseDocument(t, result.Stdout)
	if result.Status != 0 || document.DryRun || len(document.Outcomes) != 1 || !strings.Contains(result.Stderr, "would be removed") {
		t.Errorf("exit status %d, stdout %s, stderr %s", result.Status, result.Stdout, result.Stderr)
	}
}
