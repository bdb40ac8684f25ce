package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/orgusers/orgusers/orguserstest"
)

func TestUsersRemoveInterrupted(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 12)
	cmd := command(t, environment(server), "users", "remove", "--email", members(12), "--max-removals", "12", "--apply", "--yes", "--no-record", "--output", "json")
	result := interrupt(t, server, cmd, "RemoveUsers")
	result.expect(t, 130, "orgusers: interrupted: 10 unknown, 2 not started; run it again in a minute")
	if got := result.statuses(t); got["member0@example.com"] != "unknown no_response" || got["member11@example.com"] != "not_started context_ended" {
		t.Errorf("outcomes %v", got)
	}
}

func TestUsersRemoveInterruptedAtTheQuestion(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 1)
	cmd := command(t, environment(server), "users", "remove", "--email", "member0@example.com", "--apply")
	stdin, err := cmd.StdinPipe() // which stays open
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	var asked strings.Builder
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for buffer := make([]byte, 1); err == nil; {
		if _, err = stderr.Read(buffer); err == nil {
			asked.Write(buffer)
		}
		if strings.HasSuffix(asked.String(), "\n> ") {
			_ = cmd.Process.Signal(os.Interrupt)
		}
	}
	result{status: exitCode(t, cmd.Wait()), stderr: asked.String()}.expect(t, 130, "interrupted: nothing was changed")
	expectUntouched(t, server)
}

// On a terminal that is 20 columns wide the question can be read and answered.
func TestUsersRemoveOnASmallTerminal(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 1)
	cmd := command(t, append(environment(server), "TERM=xterm"), "users", "remove", "--email", "member0@example.com", "--apply", "--no-record")
	status, shown := onTerminal(t, 20, cmd, "\n> ", organizationName)
	if status != 0 || !strings.Contains(shown, "name of the organization, "+organizationName+"\r\n> ") || !strings.Contains(shown, "1 removed") {
		t.Errorf("exit status %d, on the terminal is\n%s", status, shown)
	}
}

// A terminal shows neither the password nor the code.
func TestLoginOnATerminal(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 1)
	server.SetMFA("admin@example.com", true)
	cmd := command(t, []string{"TERM=xterm"}, "login", "--base-url", server.URL, "--org", server.OrganizationUID)
	status, shown := onTerminal(t, 80, cmd, "Email: ", "admin@example.com", "Password: ", orguserstest.Password, "MFA code: ", orguserstest.MFACode)
	if status != 0 || !strings.Contains(shown, `profile "default" is stored`) || !strings.Contains(shown, "Email: admin@example.com\r\n") {
		t.Errorf("exit status %d, on the terminal is\n%s", status, shown)
	}
	if strings.Contains(shown, orguserstest.Password) || strings.Contains(shown, orguserstest.MFACode) {
		t.Errorf("the terminal shows a secret:\n%s", shown)
	}
}

// Ctrl-C at the password ends the login, and leaves the terminal as it was.
func TestLoginInterruptedOnATerminal(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 1)
	cmd := command(t, []string{"TERM=xterm"}, "login", "--base-url", server.URL)
	status, shown := onTerminal(t, 80, cmd, "Email: ", "admin@example.com", "Password: ", "\x03")
	if status != 130 || !strings.Contains(shown, "Password: \r\norgusers: interrupted") {
		t.Errorf("exit status %d, on the terminal is\n%q", status, shown)
	}
}

// onTerminal runs a command on a terminal to its end. It types the answer to each question
// when the terminal shows the question, in the order given.
func onTerminal(t *testing.T, columns uint16, cmd *exec.Cmd, questionsAndAnswers ...string) (status int, shown string) {
	t.Helper()
	terminal, other := openTerminal(t, columns)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = other, other, other
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = other.Close()
	var all strings.Builder
	answered := 0 // how much of the text is before the last answer
	var err error
	for buffer := make([]byte, 4096); err == nil; { // until the program ends
		var n int
		n, err = terminal.Read(buffer)
		all.Write(buffer[:n])
		if len(questionsAndAnswers) > 0 && strings.Contains(all.String()[answered:], questionsAndAnswers[0]) {
			answered = all.Len()
			_, _ = fmt.Fprintf(terminal, "%s\n", questionsAndAnswers[1])
			questionsAndAnswers = questionsAndAnswers[2:]
		}
	}
	return exitCode(t, cmd.Wait()), all.String()
}

// openTerminal opens a terminal and its other side, which a program is given.
func openTerminal(t *testing.T, columns uint16) (terminal, other *os.File) {
	t.Helper()
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	control := func(request uintptr, argument unsafe.Pointer) {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, terminal.Fd(), request, uintptr(argument)); errno != 0 {
			t.Skip(errno)
		}
	}
	var locked, number uint32
	size := [4]uint16{24, columns}
	control(syscall.TIOCSPTLCK, unsafe.Pointer(&locked))
	control(syscall.TIOCGPTN, unsafe.Pointer(&number))
	control(syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	other, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	return terminal, other
}
