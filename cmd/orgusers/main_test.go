package main

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/orgusers/orgusers/orguserstest"
)

func TestWithoutCredentials(t *testing.T) {
	t.Parallel()
	cmd := command(t, nil, "invitations", "withdraw", "--email", "ada@example.com", "--apply")
	run(t, cmd).expect(t, 2, "orgusers login", "CONTENTSTACK_AUTHTOKEN", "--fake")
	cmd = command(t, nil, "roles", "list")
	cmd.Env = []string{runsTool + "=yes"} // env -i
	run(t, cmd).expect(t, 2, "there are no credentials")
}

func TestFakeSaysSo(t *testing.T) {
	t.Parallel()
	result := run(t, command(t, nil, "roles", "list", "--fake", "--output", "json"))
	result.expect(t, 0, `"fake": true`, "no real user is read or changed")
	run(t, command(t, nil, "roles", "list", "--fake", "--profile", "work")).expect(t, 2, "leave out --profile")
}

func TestMisuse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"unknown command":    {[]string{"rols"}, "unknown command"},
		"unknown subcommand": {[]string{"roles", "lst"}, "Run 'orgusers roles --help' for the usage"},
		"no subcommand":      {[]string{"roles"}, "needs a subcommand: list, set"},
		"unknown flag":       {[]string{"roles", "list", "--all"}, "unknown flag: --all"},
		"argument":           {[]string{"roles", "list", "all"}, `unexpected argument "all"`},
		"an address":         {[]string{"users", "remove", "ada@example.com"}, `unexpected argument "ada@example.com": give addresses with --email`},
		"output":             {[]string{"roles", "list", "--fake", "--output", "xml"}, "want table, json or csv"},
		"half a setting":     {[]string{"roles", "list"}, "because CONTENTSTACK_REGION is set; unset it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, command(t, []string{"CONTENTSTACK_REGION=eu"}, test.args...)).expect(t, 2, test.says)
		})
	}
}

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	run(t, command(t, nil, "--help")).expect(t, 0, "Exit status", "--fake", "CONTENTSTACK_ORGANIZATION_UID")
	run(t, command(t, nil, "--version")).expect(t, 0, "orgusers ")
	run(t, command(t, nil, "completion", "bash")).expect(t, 0, "bash completion")
}

func TestStdoutFails(t *testing.T) {
	t.Parallel()
	args := []string{"invitations", "withdraw", "--email", "pending@example.com", "--apply"}
	t.Run("nobody reads", func(t *testing.T) {
		t.Parallel()
		cmd := command(t, environment(newTeam(t, 1)), args...)
		pipe(t, cmd)
		run(t, cmd).expect(t, 141, "pending@example.com  withdrawn", "not all of that was written to stdout")
	})
	t.Run("a full disk", func(t *testing.T) {
		t.Parallel()
		cmd := command(t, environment(newTeam(t, 1)), args...)
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skip(err)
		}
		defer full.Close()
		cmd.Stdout = full
		run(t, cmd).expect(t, 1, "pending@example.com  withdrawn", "no space left")
	})
	t.Run("a list that nobody reads", func(t *testing.T) {
		t.Parallel()
		cmd := command(t, environment(newTeam(t, 1)), "roles", "list")
		pipe(t, cmd)
		if result := run(t, cmd); result.status != 141 || result.stderr != "" {
			t.Errorf("exit status %d, stderr %q", result.status, result.stderr)
		}
	})
}

// pipe connects the stdout of a command to a pipe that is closed.
func pipe(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = read.Close()
	t.Cleanup(func() { _ = write.Close() })
	cmd.Stdout = write
}

func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	cmd := command(t, environment(newTeam(t, 1)), "roles", "list", "--debug")
	result := run(t, cmd)
	result.expect(t, 0, "level=DEBUG", "op=Roles")
	if strings.Contains(result.stderr, "@") {
		t.Errorf("the log has an address: %s", result.stderr)
	}
	expectFiles(t, cmd)
}

// interrupt presses Ctrl-C when a request arrives that it holds up.
func interrupt(t *testing.T, server *orguserstest.Server, cmd *exec.Cmd, operation string) result {
	t.Helper()
	arrived, over := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(over) })
	var once sync.Once
	server.OnRequest(func(r *orguserstest.Request) {
		if r.Operation == operation {
			once.Do(func() { close(arrived) })
			<-over
		}
	})
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-arrived
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	status := exitCode(t, cmd.Wait())
	return result{stdout: stdout.String(), stderr: stderr.String(), status: status}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 1)
	cmd := command(t, environment(server), "roles", "list")
	interrupt(t, server, cmd, "Roles").expect(t, 130, "orgusers: interrupted")
	expectFiles(t, cmd)

	server = newTeam(t, 1)
	cmd = command(t, environment(server), "invitations", "withdraw", "--email", "pending@example.com", "--apply")
	interrupt(t, server, cmd, "RemoveUsers").expect(t, 130, "pending@example.com  unknown", "orgusers: interrupted: 1 unknown; run it again")
}
