package main

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// roleVariable in the environment makes this program one of the roles.
const roleVariable = "ORGUSERS_BENCH_ROLE"

// roles are what else this program can be: a fake, or a client that is measured in its own process. They communicate over
// their standard streams.
var roles = map[string]func(ctx context.Context, stdin io.Reader, stdout io.Writer) error{
	"fake":   serve,
	"worker": doTask,
}

// process is this program in a role, so that it shares neither memory nor CPU time with the others.
type process struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	output *gob.Decoder
	errors strings.Builder
}

// launch starts a process with a task. The process ends when its stdin does, and so never outlives this program.
func launch(ctx context.Context, role string, task any) (*process, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.CommandContext(ctx, executable)} //nolint:gosec // it is this program
	p.cmd.Env = append(os.Environ(), roleVariable+"="+role)
	p.cmd.Stderr = &p.errors
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.stdin, p.output = stdin, gob.NewDecoder(stdout)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if err := gob.NewEncoder(stdin).Encode(task); err != nil {
		return nil, errors.Join(err, p.end())
	}
	return p, nil
}

// receive reads the next value that the process sends.
func (p *process) receive(value any) error {
	if err := p.output.Decode(value); err != nil {
		return errors.Join(err, p.end())
	}
	return nil
}

// end waits for the process to end.
func (p *process) end() error {
	_ = p.stdin.Close() // the process may have ended before
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("the %s: %w: %s", p.role(), err, strings.TrimSpace(p.errors.String()))
	}
	return nil
}

func (p *process) role() string {
	_, role, _ := strings.Cut(p.cmd.Env[len(p.cmd.Env)-1], "=")
	return role
}
