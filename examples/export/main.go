// Command export writes the users of an organization as CSV or JSON.
package main

import (
	"context"
	"io"
	"time"

	"github.com/orgusers/orgusers/examples/internal/program"
	"github.com/orgusers/orgusers/examples/internal/userexport"
)

const (
	name  = "export"
	about = `writes the users of a Contentstack organization as CSV or JSON, sorted by
e-mail address: members and pending invitations.

` + userexport.Help + `With -json -sort created they are written as they come instead.

` + program.Environment
)

func main() { program.Main(name, run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := program.NewFlags(name, about)
	organization := program.OrganizationFlags(flags)
	output := userexport.Flags(flags)
	asked := newRequest(flags)
	if err := program.Parse(flags, args, stdout); err != nil {
		return err
	}
	options, err := asked.options(time.Now(), output.IsJSON())
	if err != nil {
		return err
	}
	if err := output.Check(); err != nil {
		return err
	}
	client, closeFake, err := organization.Open(stderr)
	if err != nil {
		return err
	}
	defer closeFake()
	return output.Export(ctx, client, options, stdout, stderr)
}
