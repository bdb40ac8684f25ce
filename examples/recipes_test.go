package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orgusers/orgusers/examples/internal/programtest"
	"github.com/orgusers/orgusers/orguserstest"
)

// recipe builds the program that a page prints, and tells where it runs.
func recipe(t *testing.T, page string, server *orguserstest.Server) (run func(args ...string) programtest.Result, directory string) {
	t.Helper()
	files := snippets(t, "../docs/recipes/"+page)
	if len(files) != 1 {
		t.Fatalf("%s prints %d programs, want 1", page, len(files))
	}
	var environment []string
	if server != nil {
		environment = programtest.Environment(server)
	}
	built := programtest.Build(t, save(t, files[0], "main.go"), environment)
	return func(args ...string) programtest.Result {
		command := exec.CommandContext(t.Context(), built.Path, args...)
		command.Env, command.Dir = built.Env, built.Dir
		return programtest.Run(t, command)
	}, built.Dir
}

// expect compares what a program printed, line by line.
func expect(t *testing.T, result programtest.Result, status int, lines ...string) {
	t.Helper()
	var printed []string
	for line := range strings.Lines(result.Stdout) {
		printed = append(printed, strings.TrimSpace(line))
	}
	if result.Status != status || !slices.Equal(printed, lines) {
		t.Errorf("exit status %d, printed %q, want %d and %q\n%s", result.Status, printed, status, lines, result.Stderr)
	}
}

func TestNotSeenFor90Days(t *testing.T) {
	t.Parallel()
	ago := func(days int) time.Time { return time.Now().AddDate(0, 0, -days) }
	server := orguserstest.NewServer(orguserstest.WithReferenceDate(time.Now()), orguserstest.WithPeople(
		orguserstest.Person{Email: "ada@example.com", Owner: true, LastLogin: ago(1), CreatedAt: ago(900)},
		orguserstest.Person{Email: "away@example.com", LastLogin: ago(91), CreatedAt: ago(800)},
		orguserstest.Person{Email: "here@example.com", LastLogin: ago(89), CreatedAt: ago(700)},
		orguserstest.Person{Email: "never@example.com", CreatedAt: ago(100)},
		orguserstest.Person{Email: "new@example.com", CreatedAt: ago(1)},
		orguserstest.Person{Email: "asked@example.com", Pending: true, CreatedAt: ago(300)},
	))
	t.Cleanup(server.Close)
	run, _ := recipe(t, "not-seen-for-90-days.md", server)
	expect(t, run(), 0, "away@example.com "+ago(91).UTC().Format(time.DateOnly), "never@example.com no login known")
	for _, user := range server.Users() {
		server.SetLastLogin(user.Email, time.Time{})
	}
	if result := run(); result.Status == 0 || result.Stdout != "" {
		t.Errorf("without any login: exit status %d, %q", result.Status, result.Stdout)
	}
}

func TestInviteFromASpreadsheet(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 1)
	run, _ := recipe(t, "invite-from-a-spreadsheet.md", server)
	sheet := func(text string) string {
		return save(t, text, "team.csv")
	}
	team := sheet("\ufeffaddress,role\r\nnew@example.com,ADMIN\r\nmember0@example.com,member\r\n")
	member := "member0@example.com skipped already_member"
	expect(t, run(team), 0, "new@example.com planned  role \"admin\" is "+server.RoleUID("Admin"), member, "dry run: nothing was sent; use -apply to invite")
	if mails := server.Outbox(); len(mails) != 0 {
		t.Errorf("a dry run has mailed %v", mails)
	}
	expect(t, run("-apply", team), 0, "new@example.com done  role \"admin\" is "+server.RoleUID("Admin"), member)
	expect(t, run("-apply", team), 0, "new@example.com skipped already_pending", member)
	if mails := server.Outbox(); len(mails) != 1 || mails[0].To != "new@example.com" {
		t.Errorf("want one mail, got %v", mails)
	}
	if result := run(team, "-apply"); result.Status != 1 || !strings.Contains(result.Stderr, "usage") {
		t.Errorf("with -apply at the end: exit status %d, %s", result.Status, result.Stderr)
	}
	for text, want := range map[string]string{
		"address,role\nx@example.com,member\ny@example.com,king\n": `no role has the name or uid "king"`,
		"address;role\nx@example.com;member\n":                     "wrong number of fields",
		"":                                                         "the sheet is empty",
	} {
		if result := run("-apply", sheet(text)); result.Status != 1 || !strings.Contains(result.Stderr, want) {
			t.Errorf("%q: exit status %d, %s", text, result.Status, result.Stderr)
		}
	}
}

func TestOffboardSafely(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 2)
	run, directory := recipe(t, "offboard-safely.md", server)
	leavers := []string{"member0@example.com", "nobody@example.com"}
	said := []string{"member0@example.com done", "nobody@example.com skipped not_in_organization"}
	expect(t, run(leavers...), 0, "member0@example.com planned", said[1], "dry run: nothing was sent; use -apply to remove")
	if _, there := server.User(leavers[0]); !there {
		t.Error("a dry run has removed somebody")
	}
	expect(t, run(append([]string{"-apply"}, leavers...)...), 0, said...)
	if _, there := server.User(leavers[0]); there {
		t.Error("is still there")
	}
	kept, err := filepath.Glob(filepath.Join(directory, "before-*.json"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("want one file, got %v, %v", kept, err)
	}
	if list, err := os.ReadFile(kept[0]); err != nil || !strings.Contains(string(list), `"email": "member0@example.com"`) {
		t.Errorf("kept %s, %v", list, err)
	}
	expect(t, run("-apply", "member1@example.com", "owner@example.com"), 1, "member1@example.com not_started call_refused", "owner@example.com refused owner")
	if _, there := server.User("member1@example.com"); !there {
		t.Error("was removed beside the owner, who refuses the call")
	}
}

func TestCompareTwoExports(t *testing.T) {
	t.Parallel()
	run, _ := recipe(t, "compare-two-exports.md", nil)
	before := save(t, "Email,Organization Roles\nada@example.com,Admin\nmax@example.com,Member\nold@example.com,Member\n", "old.csv")
	after := save(t, "Email,Organization Roles\nAda@example.com,Member\nmax@example.com,Member\nnew@example.com,\"Admin, Member\"\n", "new.csv")
	expect(t, run(before, before), 0)
	expect(t, run(before, after), 0, "- old@example.com",
		`~ ada@example.com Email: "Ada@example.com", was "ada@example.com"`, `~ ada@example.com Organization Roles: "Member", was "Admin"`, "+ new@example.com")
	for _, other := range []string{"", "Email\nada@example.com\n", "Name,Role\na,b\n"} {
		if result := run(before, save(t, other, "other.csv")); result.Status != 1 {
			t.Errorf("%q: exit status %d, %q", other, result.Status, result.Stdout)
		}
	}
}

// TestYourOwnCodeIsAModule keeps what is printed the same as the module that
// the gate builds and tests as somebody's own.
func TestYourOwnCodeIsAModule(t *testing.T) {
	t.Parallel()
	var sources []string
	paths, err := filepath.Glob("../testdata/consumer/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, string(source))
	}
	if printed := snippets(t, "../docs/recipes/test-your-own-code.md"); len(sources) != 2 || !slices.Equal(printed, sources) {
		t.Errorf("docs/recipes/test-your-own-code.md does not print %q as they are", paths)
	}
}
