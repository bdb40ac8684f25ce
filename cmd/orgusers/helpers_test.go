package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/orgusers/orgusers/orguserstest"
)

// runsTool in the environment turns the test binary into the program.
const runsTool = "ORGUSERS_TEST_RUNS_TOOL"

func TestMain(m *testing.M) {
	if os.Getenv(runsTool) == "" {
		os.Exit(m.Run())
	}
	main()
}

// result is what a run of the program came to.
type result struct {
	stdout, stderr string
	status         int
}

// command returns the program. Its home is a new directory. It has those
// CONTENTSTACK_ variables that are given and no others.
func command(t *testing.T, environment []string, args ...string) *exec.Cmd {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), executable, args...)
	cmd.Dir = t.TempDir()
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "CONTENTSTACK_") && !strings.HasPrefix(variable, "XDG_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	// The race detector lets a program sleep for a second before it exits.
	cmd.Env = append(cmd.Env, runsTool+"=yes", "HOME="+cmd.Dir, "TMPDIR="+cmd.Dir, "GORACE=atexit_sleep_ms=0")
	cmd.Env = append(cmd.Env, environment...)
	return cmd
}

// environment points the program at a fake.
func environment(server *orguserstest.Server) []string {
	return []string{
		"CONTENTSTACK_BASE_URL=" + server.URL,
		"CONTENTSTACK_ORGANIZATION_UID=" + server.OrganizationUID,
		"CONTENTSTACK_AUTHTOKEN=" + server.AuthToken,
	}
}

// run runs a command to its end.
func run(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var stdout, stderr strings.Builder
	if cmd.Stdout == nil {
		cmd.Stdout = &stdout
	}
	cmd.Stderr = &stderr
	status := exitCode(t, cmd.Run())
	return result{stdout: stdout.String(), stderr: stderr.String(), status: status}
}

// runOn runs the program on a fake.
func runOn(t *testing.T, server *orguserstest.Server, args ...string) result {
	t.Helper()
	return run(t, command(t, environment(server), args...))
}

func exitCode(t *testing.T, err error) int {
	t.Helper()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0
}

// expect checks the exit status, and that stdout or stderr has all of the texts.
func (r result) expect(t *testing.T, status int, texts ...string) {
	t.Helper()
	if r.status != status {
		t.Errorf("exit status %d, want %d", r.status, status)
	}
	for _, text := range texts {
		if !strings.Contains(r.stdout+r.stderr, text) {
			t.Errorf("%q is missing", text)
		}
	}
	if t.Failed() {
		t.Logf("stdout:\n%s\nstderr:\n%s", r.stdout, r.stderr)
	}
	// Whatever names there are, a terminal must not act on them.
	if i := strings.IndexFunc(r.stdout+r.stderr, func(c rune) bool { return c < ' ' && c != '\n' && c != '\t' || c >= 0x7f && c < 0xa0 || c == '\u202e' }); i >= 0 {
		t.Errorf("output has a control character at %d: %q", i, r.stdout+r.stderr)
	}
}

// document returns stdout as JSON.
func (r result) document(t *testing.T) map[string]any {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal([]byte(r.stdout), &document); err != nil {
		t.Fatalf("stdout is not JSON: %v\n%s\n%s", err, r.stdout, r.stderr)
	}
	return document
}

// statuses returns the outcomes of a JSON document by address.
func (r result) statuses(t *testing.T) map[string]string {
	t.Helper()
	statuses := map[string]string{}
	outcomes, _ := r.document(t)["outcomes"].([]any)
	for _, o := range outcomes {
		outcome := o.(map[string]any)
		status := fmt.Sprint(outcome["status"])
		if outcome["reason"] != nil {
			status += fmt.Sprintf(" %v", outcome["reason"])
		}
		statuses[fmt.Sprint(outcome["email"])] = status
	}
	return statuses
}

// hostile is a name that acts on terminals and spreadsheets.
const hostile = "=cmd\x1b[2J\u202e\u009b1m\nNext & \"<b>"

// newTeam starts a fake with an owner, an administrator who calls, a pending
// invitation and members: member0@example.com and so on.
func newTeam(t *testing.T, members int, options ...orguserstest.Option) *orguserstest.Server {
	t.Helper()
	people := []orguserstest.Person{
		{Email: "owner@example.com", FirstName: "Olu", LastName: "Owner", Owner: true},
		{Email: "admin@example.com", FirstName: "Ada", LastName: "Admin", Roles: []string{"Admin"}},
		{Email: "pending@example.com", Pending: true},
	}
	for i := range members {
		people = append(people, orguserstest.Person{Email: fmt.Sprintf("member%d@example.com", i), FirstName: hostile, LastName: fmt.Sprintf("Ber %d", i), FailedLogins: 10, MFA: true})
	}
	server := orguserstest.NewServer(append(options, orguserstest.WithPeople(people...))...)
	t.Cleanup(server.Close)
	return server
}

// expectUntouched checks that nothing but reads was sent.
func expectUntouched(t *testing.T, server *orguserstest.Server) {
	t.Helper()
	for _, r := range server.Requests() {
		if r.Write {
			t.Errorf("it sent %s %s", r.Method, r.Path)
		}
	}
	for _, email := range server.Outbox() {
		t.Errorf("it sent an email (%s) to %s", email.Kind, email.To)
	}
}

// expectFiles checks which files a command left in its home.
func expectFiles(t *testing.T, cmd *exec.Cmd, want ...string) {
	t.Helper()
	var files []string
	err := filepath.WalkDir(cmd.Dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			relative, _ := filepath.Rel(cmd.Dir, path)
			files = append(files, relative)
		}
		return err
	})
	if err != nil || !slices.Equal(files, want) {
		t.Errorf("files %q (%v), want %q", files, err, want)
	}
}
