package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/orgusers/orgusers/examples/internal/programtest"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestMain(m *testing.M) { programtest.Main(m, main) }

func TestHelp(t *testing.T) {
	t.Parallel()
	programtest.ExpectHelp(t, "-log", "-users", "-json")
}

// names are those of the spans on stdout.
func names(t *testing.T, stdout string) []string {
	t.Helper()
	var names []string
	for line := range strings.Lines(stdout) {
		var span struct{ Name string }
		if err := json.Unmarshal([]byte(line), &span); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		names = append(names, span.Name)
	}
	return names
}

func TestSpansOfAList(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewServer(orguserstest.WithUsers(250))
	t.Cleanup(server.Close)
	result := programtest.Run(t, programtest.Command(t, programtest.Environment(server), "-log"))
	if got := names(t, result.Stdout); result.Status != 0 || !slices.Equal(got, []string{"ListUsers", "Roles", "ListUsers", "ListUsers", "list users"}) {
		t.Errorf("exit status %d, spans %q: %s", result.Status, got, result.Stderr)
	}
	if !strings.HasSuffix(result.Stderr, "tracing: 250 users\n") || strings.Count(result.Stderr, "op=ListUsers") != 3 {
		t.Errorf("stderr is %q", result.Stderr)
	}
	for _, secret := range []string{server.AuthToken, server.Email, "@", "include_count"} {
		if strings.Contains(result.Stdout+result.Stderr, secret) {
			t.Errorf("it shows %s", secret)
		}
	}
}

func TestFailureIsASpan(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewServer()
	t.Cleanup(server.Close)
	server.RevokeToken(server.AuthToken)
	result := programtest.Run(t, programtest.Command(t, programtest.Environment(server)))
	if got := names(t, result.Stdout); result.Status != 1 || !slices.Equal(got, []string{"ListUsers", "list users"}) {
		t.Errorf("exit status %d, spans %q", result.Status, got)
	}
	if !strings.Contains(result.Stderr, "log in again") {
		t.Errorf("stderr is %q", result.Stderr)
	}
}

func TestInterruptShowsWhatHappened(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewServer(orguserstest.WithUsers(250))
	t.Cleanup(server.Close)
	arrived := programtest.HoldUp(t, server, 2, func(*orguserstest.Request) bool { return true })
	result := programtest.Interrupt(t, programtest.Command(t, programtest.Environment(server)), arrived)
	got := names(t, result.Stdout)
	if result.Status != 130 || len(got) < 3 || got[len(got)-1] != "list users" {
		t.Errorf("exit status %d, spans %q: %s", result.Status, got, result.Stderr)
	}
}

func TestStdoutThatIsGone(t *testing.T) {
	t.Parallel()
	programtest.ExpectQuietEnd(t, programtest.Command(t, nil, "-users", "20000"))
}

func TestOnTheFakeWithoutConfiguration(t *testing.T) {
	t.Parallel()
	result := programtest.Run(t, programtest.Command(t, nil, "-users", "120", "-json"))
	if got := names(t, result.Stdout); result.Status != 0 || len(got) < 3 || !strings.Contains(result.Stderr, "tracing: 120 users") {
		t.Errorf("exit status %d, spans %q: %s", result.Status, got, result.Stderr)
	}
}

func TestMisuse(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"-users", "0"}, {"argument"}, {"-verbose"}} {
		programtest.ExpectMisuse(t, programtest.Run(t, programtest.Command(t, nil, args...)), "")
	}
}
