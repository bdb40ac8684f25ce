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

// Output is where the CSV goes.
type Output struct {
	*program.Output

	program string
}

// Flag adds the output to a program's flags.
func Flag(flags *flag.FlagSet) *Output {
	return &Output{program.OutputFlag(flags), flags.Name()}
}

// Export writes the users to the output, shows how far it is, and says in the
// end what there is.
func (o *Output) Export(ctx context.Context, client *orgusers.Client, options *orgusers.ExportOptions, stdout, stderr io.Writer) error {
	pending := 0
	options.Filter = counting(options.Filter, &pending)
	progress := program.NewProgress(o.program, "users", stderr)
	defer progress.Clear()
	options.Progress = func(p orgusers.ExportProgress) {
		if p.Rows == 0 { // writing takes no time beside reading
			progress.Set(p.Users, p.Count)
		}
	}
	summary, err := o.write(ctx, client, &clearing{stdout, progress}, options)
	if err != nil {
		return err
	}
	progress.Clear()
	program.Say(stderr, "%s: %d users, %d of them pending; %d rows to %s; %.1f s, %d requests",
		o.program, summary.Users, pending, summary.Rows, o, summary.Duration.Seconds(), summary.Requests)
	return nil
}

func (o *Output) write(ctx context.Context, client *orgusers.Client, stdout io.Writer, options *orgusers.ExportOptions) (*orgusers.ExportSummary, error) {
	if path, isFile := o.File(); isFile {
		return client.ExportCSVFile(ctx, path, options)
	}
	return client.ExportCSV(ctx, stdout, options)
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
