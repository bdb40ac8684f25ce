package programtest

import (
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/orgusers/orgusers/orguserstest"
)

// HoldUp holds up one request, counted from 1 among those that are meant, and
// all after it, until the test is over. The channel is closed when that has
// arrived.
func HoldUp(t *testing.T, server *orguserstest.Server, which int32, meant func(*orguserstest.Request) bool) <-chan struct{} {
	t.Helper()
	arrived, over := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(over) })
	var count atomic.Int32
	server.OnRequest(func(r *orguserstest.Request) {
		if !meant(r) {
			return
		}
		n := count.Add(1)
		if n == which {
			close(arrived)
		}
		if n >= which {
			<-over
		}
	})
	return arrived
}

// Interrupt starts a program, presses Ctrl-C when it has come to something,
// and waits for its end.
func Interrupt(t *testing.T, cmd *exec.Cmd, arrived <-chan struct{}) Result {
	t.Helper()
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	select {
	case <-arrived:
	case err := <-exited:
		t.Fatalf("it ended by itself: %v, %s", err, stderr.String())
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	status := Status(t, <-exited)
	return Result{Stdout: stdout.String(), Stderr: stderr.String(), Status: status}
}

// ExpectInterruptLeavesNothing fails a test whose program, interrupted at that
// request, doesn't say so or leaves a file.
func ExpectInterruptLeavesNothing(t *testing.T, request int32, args ...string) {
	t.Helper()
	server := orguserstest.NewServer(orguserstest.WithUsers(1000))
	t.Cleanup(server.Close)
	arrived := HoldUp(t, server, request, func(*orguserstest.Request) bool { return true })
	cmd := Command(t, Environment(server), args...)
	result := Interrupt(t, cmd, arrived)
	if result.Status != 130 || !strings.Contains(result.Stderr, "interrupted") {
		t.Errorf("exit status %d, stderr %q, want 130 and the word", result.Status, result.Stderr)
	}
	ExpectFiles(t, cmd.Dir)
}
