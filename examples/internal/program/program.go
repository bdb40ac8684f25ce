// Package program is what the programs of this module have in common: how they
// begin and end, whose users they work on, and how they show how far they are.
package program

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/orgusers/orgusers"
)

// The exit statuses of every program.
const (
	statusDone        = 0
	statusFailed      = 1
	statusMisused     = 2
	statusInterrupted = 130 // as shells report a program that Ctrl-C ended
	statusUnread      = 141 // as they report one that wrote to a closed pipe
)

// ErrUnread is that nobody reads stdout any more, as after | head.
var ErrUnread = errors.New("nobody reads stdout any more")

// stdout makes that out of writing to a pipe that is closed: connections of a
// client can break in the same way.
type stdout struct{ to io.Writer }

func (s stdout) Write(data []byte) (int, error) {
	n, err := s.to.Write(data)
	if errors.Is(err, syscall.EPIPE) {
		err = ErrUnread
	}
	return n, err
}

// Run is a program. What it makes goes to stdout, and what it has to say to
// stderr. When ctx ends it stops and leaves nothing half done behind.
type Run func(ctx context.Context, args []string, stdout, stderr io.Writer) error

// Main runs a program until it is done or interrupted, says what went wrong,
// and exits.
func Main(name string, run Run) {
	ctx, stop := interruptible()
	err := run(ctx, os.Args[1:], stdout{os.Stdout}, os.Stderr)
	status := exitStatus(ctx, err)
	stop()
	report(os.Stderr, name, status, err)
	os.Exit(status)
}

// interruptible makes a context that ends when the program is told to stop.
func interruptible() (context.Context, context.CancelFunc) {
	// Writing to a pipe that nobody reads any more is then an error like any
	// other, instead of the end of the program.
	signal.Ignore(syscall.SIGPIPE)
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // it is under nohup
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	context.AfterFunc(ctx, stop) // the second Ctrl-C ends the program at once
	return ctx, stop
}

func exitStatus(ctx context.Context, err error) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return statusDone
	case IsMisuse(err), errors.As(err, new(inputError)), errors.Is(err, orgusers.ErrRefused):
		return statusMisused
	case errors.Is(err, ErrUnread):
		return statusUnread // nobody has to be told
	case ctx.Err() != nil:
		return statusInterrupted
	default:
		return statusFailed
	}
}

func report(stderr io.Writer, name string, status int, err error) {
	switch status {
	case statusFailed:
		Say(stderr, "%s: %v%s", name, err, remedy(err))
	case statusInterrupted:
		Say(stderr, "%s: interrupted: %v", name, err)
	case statusMisused:
		Say(stderr, "%s: %v", name, err)
		if IsMisuse(err) {
			Say(stderr, "%s -h explains the flags.", name)
		}
	}
}

// Say writes a line for whoever runs the program. What the program does is
// done or not, whether or not anybody can read of it.
func Say(stderr io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(stderr, format+"\n", args...)
}

// misuse is an error of whoever started the program, found before anything was
// changed, and explained by -h.
type misuse struct{ error }

func (m misuse) Unwrap() error { return m.error }

// Misuse makes an error of the command line or the environment, as
// [fmt.Errorf] does.
func Misuse(format string, args ...any) error {
	return misuse{fmt.Errorf(format, args...)}
}

// IsMisuse tells whether an error is one of [Misuse].
func IsMisuse(err error) bool { return errors.As(err, new(misuse)) }

// inputError is an error in what was typed or is in a file, found before
// anything was changed. What -h says would not help with it.
type inputError struct{ error }

func (i inputError) Unwrap() error { return i.error }

// WrongInput makes an error of the input, as [fmt.Errorf] does.
func WrongInput(format string, args ...any) error {
	return inputError{fmt.Errorf(format, args...)}
}
