// Command export writes the users of an organization to a CSV file.
package main

import (
	"context"
	"io"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/program"
)

const (
	name  = "export"
	about = `writes the users of a Contentstack organization as CSV, sorted by e-mail
address: members and pending invitations.

` + program.Environment
)

func main() { program.Main(name, run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := program.NewFlags(name, about)
	organization := program.OrganizationFlags(flags)
	asked := newRequest(flags)
	if err := program.Parse(flags, args, stdout); err != nil {
		return err
	}
	options, err := asked.options(time.Now())
	if err != nil {
		return err
	}
	client, closeFake, err := organization.Open(stderr)
	if err != nil {
		return err
	}
	defer closeFake()

	pending := 0
	options.Filter = counting(options.Filter, &pending)
	progress := program.NewProgress(name, "users", stderr)
	defer progress.Clear()
	options.Progress = func(p orgusers.ExportProgress) {
		if p.Rows == 0 { // writing takes no time beside reading
			progress.Set(p.Users, p.Count)
		}
	}
	summary, err := export(ctx, client, asked.output, &clearing{stdout, progress}, options)
	if err != nil {
		return err
	}
	progress.Clear()
	program.Say(stderr, "%s: %d users, %d of them pending; %d rows to %s; %.1f s, %d requests",
		name, summary.Users, pending, summary.Rows, asked.outputName(), summary.Duration.Seconds(), summary.Requests)
	return nil
}

func export(ctx context.Context, client *orgusers.Client, output string, stdout io.Writer, options *orgusers.ExportOptions) (*orgusers.ExportSummary, error) {
	if output == toStdout {
		return client.ExportCSV(ctx, stdout, options)
	}
	return client.ExportCSVFile(ctx, output, options)
}

// counting makes a filter that counts the pending users on its way.
func counting(keep func(*orgusers.User) bool, pending *int) func(*orgusers.User) bool {
	return func(u *orgusers.User) bool {
		if u.Status == orgusers.StatusPending {
			*pending++
		}
		return keep(u)
	}
}

// clearing takes the bar away before the first row, which may go to the same
// terminal.
type clearing struct {
	io.Writer
	progress *program.Progress
}

func (c *clearing) Write(rows []byte) (int, error) {
	c.progress.Clear()
	return c.Writer.Write(rows)
}
