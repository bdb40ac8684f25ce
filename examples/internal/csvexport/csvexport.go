// Package csvexport is what the programs that export have in common: where the
// CSV goes, and what is said of it.
package csvexport

import (
	"context"
	"flag"
	"io"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/program"
)

// toStdout is the output that is no file.
const toStdout = "-"

// Output is where the CSV goes.
type Output struct {
	flags *flag.FlagSet
	path  string
}

// Flag adds the output to a program's flags.
func Flag(flags *flag.FlagSet) *Output {
	o := &Output{flags: flags}
	flags.StringVar(&o.path, "o", toStdout, "write to this `file`, complete and readable by you alone, or not at all; - is stdout")
	return o
}

// Check finds what is wrong with the flag, before anybody is asked for users.
func (o *Output) Check() error {
	if o.path == "" {
		return program.Misuse("-o: the name of the file is empty")
	}
	return nil
}

// Write exports the users to the output, shows how far it is, and says in the
// end what there is.
func (o *Output) Write(ctx context.Context, client *orgusers.Client, options *orgusers.ExportOptions, stdout, stderr io.Writer) error {
	name := o.flags.Name()
	pending := 0
	options.Filter = counting(options.Filter, &pending)
	progress := program.NewProgress(name, "users", stderr)
	defer progress.Clear()
	options.Progress = func(p orgusers.ExportProgress) {
		if p.Rows == 0 { // writing takes no time beside reading
			progress.Set(p.Users, p.Count)
		}
	}
	summary, err := o.export(ctx, client, &clearing{stdout, progress}, options)
	if err != nil {
		return err
	}
	progress.Clear()
	program.Say(stderr, "%s: %d users, %d of them pending; %d rows to %s; %.1f s, %d requests",
		name, summary.Users, pending, summary.Rows, o.name(), summary.Duration.Seconds(), summary.Requests)
	return nil
}

func (o *Output) export(ctx context.Context, client *orgusers.Client, stdout io.Writer, options *orgusers.ExportOptions) (*orgusers.ExportSummary, error) {
	if o.path == toStdout {
		return client.ExportCSV(ctx, stdout, options)
	}
	return client.ExportCSVFile(ctx, o.path, options)
}

// name is the output for people.
func (o *Output) name() string {
	if o.path == toStdout {
		return "stdout"
	}
	return o.path
}

// counting makes a filter that counts the pending users on its way.
func counting(keep func(*orgusers.User) bool, pending *int) func(*orgusers.User) bool {
	return func(u *orgusers.User) bool {
		if u.Status == orgusers.StatusPending {
			*pending++
		}
		return keep == nil || keep(u)
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
