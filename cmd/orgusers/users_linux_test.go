package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"github.com/orgusers/orgusers/orguserstest"
)

// interrupt starts a command, and presses Ctrl-C when a number of writes has arrived.
// Writes from that on are held up until the test is over.
func interrupt(t *testing.T, server *orguserstest.Server, writes int32, cmd *exec.Cmd) result {
	t.Helper()
	arrived, over := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(over) })
	var count atomic.Int32
	server.OnRequest(func(r *orguserstest.Request) {
		if !r.Write {
			return
		}
		n := count.Add(1)
		if n == writes {
			close(arrived)
		}
		if n >= writes {
			<-over
		}
	})
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-arrived
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	return result{status: exitCode(t, cmd.Wait()), stdout: stdout.String(), stderr: stderr.String()}
}

func TestUsersRemoveInterrupted(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 35)
	cmd := command(t, environment(server), "users", "remove", "--email", members(35), "--max-removals", "35", "--apply", "--yes", "--no-record", "--output", "json")
	result := interrupt(t, server, 2, cmd)
	result.expect(t, 130, "orgusers: interrupted: 10 removed, 10 unknown, 15 not started; run it again in a minute")
	for email, status := range result.statuses(t) {
		if _, there := server.User(email); there == (status == "done") {
			t.Errorf("%s is %s, and there: %v", email, status, there)
		}
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
	terminal, other := openTerminal(t, 20)
	server := newTeam(t, 1)
	cmd := command(t, append(environment(server), "TERM=xterm"), "users", "remove", "--email", "member0@example.com", "--apply", "--no-record")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = other, other, other
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = other.Close()
	var shown strings.Builder
	var err error
	for buffer := make([]byte, 4096); err == nil; { // until the program ends
		var n int
		n, err = terminal.Read(buffer)
		before := strings.Contains(shown.String(), "\n> ")
		shown.Write(buffer[:n])
		if !before && strings.Contains(shown.String(), "\n> ") {
			_, _ = fmt.Fprintf(terminal, "%s\n", organizationName)
		}
	}
	if status := exitCode(t, cmd.Wait()); status != 0 || !strings.Contains(shown.String(), "name of the organization, "+organizationName+"\r\n> ") || !strings.Contains(shown.String(), "1 removed") {
		t.Errorf("exit status %d, on the terminal is\n%s", status, shown.String())
	}
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
