// Package programtest runs programs in tests as programs: with arguments, an
// environment, pipes, signals and an exit status.
package programtest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/orgusers/orgusers/orguserstest"
)

// runsProgram in the environment turns a test binary into its program.
const runsProgram = "ORGUSERS_TEST_RUNS_PROGRAM"

// Main is for TestMain of a program. It lets the test binary be the program,
// race detector included.
func Main(m *testing.M, main func()) {
	if os.Getenv(runsProgram) == "" {
		os.Exit(m.Run())
	}
	main()
}

// Command is the program of the test that calls it. Of the CONTENTSTACK_
// variables it has those that are given and no others: nobody's tests may
// export their real organization.
func Command(t *testing.T, environment []string, args ...string) *exec.Cmd {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return command(t, executable, environment, args)
}

// Build compiles another program and makes a command of it.
func Build(t *testing.T, directory string, environment []string, args ...string) *exec.Cmd {
	t.Helper()
	executable := t.TempDir() + "/program"
	build := exec.CommandContext(t.Context(), "go", "build", "-o", executable, directory) //nolint:gosec // tests say what is built
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build %s: %v\n%s", directory, err, said)
	}
	return command(t, executable, environment, args)
}

func command(t *testing.T, executable string, environment, args []string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), executable, args...) //nolint:gosec // tests say what is run
	cmd.Dir = t.TempDir()
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "CONTENTSTACK_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	// Temporary files go where tests can see what is left of them.
	// The race detector lets a program sleep for a second before it exits.
	cmd.Env = append(cmd.Env, runsProgram+"=yes", "TMPDIR="+cmd.Dir, "GORACE=atexit_sleep_ms=0")
	cmd.Env = append(cmd.Env, environment...)
	return cmd
}

// Environment points a program at a fake that a test has started.
func Environment(server *orguserstest.Server) []string {
	return []string{
		"CONTENTSTACK_BASE_URL=" + server.URL,
		"CONTENTSTACK_ORGANIZATION_UID=" + server.OrganizationUID,
		"CONTENTSTACK_AUTHTOKEN=" + server.AuthToken,
	}
}

// Result is what a program came to.
type Result struct {
	Stdout, Stderr string
	Status         int
}

// Run runs a program to its end.
func Run(t *testing.T, cmd *exec.Cmd) Result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	status := Status(t, cmd.Run())
	return Result{Stdout: stdout.String(), Stderr: stderr.String(), Status: status}
}

// RunUnread runs a program whose stdout is a pipe that nobody reads.
func RunUnread(t *testing.T, cmd *exec.Cmd) Result {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := read.Close(); err != nil {
		t.Fatal(err)
	}
	return runTo(t, cmd, write)
}

// RunFull runs a program whose stdout is on a full disk. The test is skipped
// on a machine that has none to try.
func RunFull(t *testing.T, cmd *exec.Cmd) Result {
	t.Helper()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	return runTo(t, cmd, full)
}

func runTo(t *testing.T, cmd *exec.Cmd, stdout *os.File) Result {
	t.Helper()
	var stderr strings.Builder
	cmd.Stdout, cmd.Stderr = stdout, &stderr
	status := Status(t, cmd.Run())
	if err := stdout.Close(); err != nil {
		t.Error(err)
	}
	return Result{Stderr: stderr.String(), Status: status}
}

// ExpectQuietEnd fails a test whose program, when its stdout is closed after some
// bytes of it, says anything about that.
func ExpectQuietEnd(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stdout, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	if err := stdout.Close(); err != nil {
		t.Fatal(err)
	}
	status := Status(t, cmd.Wait())
	if status != 141 || strings.Count(stderr.String(), "\n") != 1 {
		t.Errorf("exit status %d, stderr %q, want 141 and nothing about it", status, stderr.String())
	}
}

// Status is the exit status that an error of [exec.Cmd.Run] or
// [exec.Cmd.Wait] stands for.
func Status(t *testing.T, err error) int {
	t.Helper()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0
}

// ExpectMisuse fails a test whose program has not refused its flags or its
// environment with these words.
func ExpectMisuse(t *testing.T, result Result, says string) {
	t.Helper()
	expectRefused(t, result, says, true)
}

// ExpectWrongInput fails a test whose program has not refused what it was
// given with these words, which leave nothing for -h to explain.
func ExpectWrongInput(t *testing.T, result Result, says string) {
	t.Helper()
	expectRefused(t, result, says, false)
}

func expectRefused(t *testing.T, result Result, says string, explained bool) {
	t.Helper()
	if result.Status != 2 || result.Stdout != "" {
		t.Errorf("exit status %d, stdout %q, want 2 and none", result.Status, result.Stdout)
	}
	if !strings.Contains(result.Stderr, says) || strings.HasSuffix(result.Stderr, " -h explains the flags.\n") != explained {
		t.Errorf("stderr is %q, want %q in it, and that -h explains the flags: %v", result.Stderr, says, explained)
	}
}

// ExpectHelp fails a test whose program does not explain these with -h.
func ExpectHelp(t *testing.T, words ...string) {
	t.Helper()
	result := Run(t, Command(t, nil, "-h"))
	if result.Status != 0 || result.Stderr != "" {
		t.Errorf("exit status %d, stderr %q, want 0 and none", result.Status, result.Stderr)
	}
	for _, want := range append(words, "CONTENTSTACK_ORGANIZATION_UID", "Exit status") {
		if !strings.Contains(result.Stdout, want) {
			t.Errorf("-h does not mention %s:\n%s", want, result.Stdout)
		}
	}
}

// ExpectFiles fails a test whose program has left other files where it ran
// than these, temporary ones included.
func ExpectFiles(t *testing.T, directory string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if !slices.Equal(names, want) {
		t.Errorf("left behind are %q, want %q", names, want)
	}
}

// ExpectFileKept runs a program that is to fail and to leave the file that it
// was to write, and the rest of where it runs, as they were.
func ExpectFileKept(t *testing.T, cmd *exec.Cmd, file string) Result {
	t.Helper()
	path := filepath.Join(cmd.Dir, file)
	if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	result := Run(t, cmd)
	if result.Status != 1 {
		t.Errorf("exit status %d, want 1: %s", result.Status, result.Stderr)
	}
	if kept, err := os.ReadFile(path); string(kept) != "before" {
		t.Errorf("the file holds %q (%v), want it as it was", kept, err)
	}
	ExpectFiles(t, cmd.Dir, file)
	return result
}
