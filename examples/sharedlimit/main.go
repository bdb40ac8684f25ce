// Command sharedlimit exports users from many machines within one limit.
package main

import (
	"context"
	"io"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/program"
	"github.com/orgusers/orgusers/examples/internal/userexport"
)

const (
	name  = "sharedlimit"
	about = `writes the users of a Contentstack organization as CSV or JSON, sorted by
e-mail address, within a limit that it shares with every other program that uses the
same Redis: on as many machines as there are.

  sharedlimit -redis redis://10.0.0.7:6379 -o users.csv
  REDIS_URL=rediss://user:password@redis.example.com sharedlimit -reads 5

The limits are those of the organization, and all that share them must be given
the same. An export only reads; writes and bulk actions are shared by programs
made after this one. Without an answer from Redis nothing is sent.

` + userexport.Help + `
` + program.Environment
)

func main() { program.Main(name, run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := program.NewFlags(name, about)
	organization := program.OrganizationFlags(flags)
	output := userexport.Flags(flags)
	shared := newBudget(flags)
	if err := program.Parse(flags, args, stdout); err != nil {
		return err
	}
	if err := output.Check(); err != nil {
		return err
	}
	if err := shared.check(); err != nil {
		return err
	}
	redis, err := shared.connect()
	if err != nil {
		return err
	}
	defer func() { _ = redis.Close() }() // it holds nothing of ours

	client, closeFake, err := organization.OpenFor(stderr, func(uid string) []orgusers.Option {
		return []orgusers.Option{orgusers.WithRateLimiters(shared.limiters(redis, uid, stderr))}
	})
	if err != nil {
		return err
	}
	defer closeFake()
	program.Say(stderr, "%s: sharing %v reads a second through Redis at %s", name, shared.limits.Reads, redis.Options().Addr)
	return output.Export(ctx, client, new(orgusers.ExportOptions), stdout, stderr)
}
