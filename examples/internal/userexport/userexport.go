// Package userexport is what the programs that export users have in common:
// where CSV or JSON goes, and what is said of it.
package userexport

import (
	"context"
	"flag"
	"io"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/program"
)

// Help is for -h of programs with an [Output].
const Help = `With -json it writes an array with one user a line, under the names of the API
and with times in RFC 3339; what is unknown is left out. All users are in memory
meanwhile. On stdout, an export that fails ends without the closing bracket, so
that nothing takes it for all users.
`

// Output is where users go, and as what.
type Output struct {
	*program.Output

	program string
	asJSON  *bool
}

// Flags adds the output to a program's flags.
func Flags(flags *flag.FlagSet) *Output {
	return &Output{
		Output:  program.OutputFlag(flags),
		program: flags.Name(),
		asJSON:  program.JSONFlag(flags, "write JSON instead of CSV"),
	}
}

// IsJSON tells whether users go as JSON, for which nothing in the options
// counts but Filter and Sort.
func (o *Output) IsJSON() bool { return *o.asJSON }

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
	export := client.ExportCSV
	if o.IsJSON() {
		export = jsonOf(client)
	}
	var summary *orgusers.ExportSummary
	err := o.Write(&clearing{stdout, progress}, func(w io.Writer) (err error) {
		summary, err = export(ctx, w, options)
		return err
	})
	if err != nil {
		return err
	}
	progress.Clear()
	program.Say(stderr, "%s: %d users, %d of them pending; %d rows to %s; %.1f s",
		o.program, summary.Users, pending, summary.Rows, o, summary.Duration.Seconds())
	return nil
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
