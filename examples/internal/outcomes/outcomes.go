// Package outcomes is the end of a program that does something to many users:
// a table, or a JSON document, that says for each address what became of it,
// and a line that counts.
package outcomes

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/program"
)

// Help is for -h of programs with a [Report].
const Help = `Where stdout fails after something was changed, the table of all outcomes goes to
stderr, and the exit status is 1, or 141 where all is done and nobody reads
stdout any more.

With -json stdout is one document, also when some have failed: {"dry_run":…,
"outcomes":[{"email":…, "status":…, "note":…}], "counts":[{"status":…,
"count":…}]}, and in each outcome what the table says besides. In a dry run
the status is what it would be. Without any JSON on a stdout that works, nothing
was changed; then the reason is on stderr, and the exit status is not 0.
`

// JSONFlag adds -json to the flags of a program with a [Report].
func JSONFlag(flags *flag.FlagSet) *bool {
	return program.JSONFlag(flags, "write the outcomes to stdout as JSON instead of the table")
}

// Report is what became of many addresses.
type Report struct {
	// IfUnknown is what to do about outcomes that are unknown.
	IfUnknown string

	dryRun  bool
	toDo    bool // in a dry run: -apply would change something
	columns []string
	rows    []Row
}

// Row is one address of a report. It embeds its [Outcome], and marshals to
// JSON as an object.
type Row interface {
	// Cells are what the table says before it comes to the outcome.
	Cells() []string
	outcome() Outcome
}

// Outcome is what became of one address.
type Outcome struct {
	Status string `json:"status"` // as the table says it, without "would be"
	Note   string `json:"note,omitempty"`

	shown string // the status for people
}

func (o Outcome) outcome() Outcome { return o }

// New makes a report of a dry run, or of what was really done. Columns are
// what its table says of each address before it comes to the outcome.
func New(dryRun bool, columns ...string) *Report {
	return &Report{dryRun: dryRun, columns: append(columns, "OUTCOME", "NOTE")}
}

// Outcome returns an outcome for a row. Done is the word for one that is done.
func (r *Report) Outcome(outcome orgusers.Outcome, done string) Outcome {
	o := Outcome{Status: strings.ReplaceAll(string(outcome.Status), "_", " "), Note: outcome.Detail}
	switch {
	case o.Note == "" && outcome.Reason == orgusers.ReasonContextEnded:
	case o.Note == "" && outcome.Err != nil:
		o.Note = outcome.Err.Error()
	case o.Note == "" && outcome.Reason != "":
		o.Note = "is " + strings.ReplaceAll(string(outcome.Reason), "_", " ")
	}
	switch outcome.Status {
	case orgusers.OutcomeDone:
		o.Status = done
	case orgusers.OutcomePlanned:
		o.Status = done
		o.shown = "would be " + done
		r.toDo = true
		return o
	default:
	}
	o.shown = o.Status
	return o
}

// Skipped returns an outcome for which there was nothing to do, in words of the program.
func (r *Report) Skipped(status string) Outcome { return Outcome{Status: status, shown: status} }

// Add adds a row.
func (r *Report) Add(row Row) { r.rows = append(r.rows, row) }

// WriteTable writes the table, if there are any rows.
func (r *Report) WriteTable(to io.Writer) error {
	if len(r.rows) == 0 {
		return nil
	}
	table := [][]string{r.columns}
	for _, row := range r.rows {
		o := row.outcome()
		table = append(table, append(row.Cells(), o.shown, o.Note))
	}
	return writeTable(to, table)
}

// Finish writes the table, or as JSON all there is, to stdout, and counts on
// stderr what is in it. The error is that of the call that the report is of; a
// new one with the counts is returned instead, for the table has the reasons.
// An error without outcomes is returned as it is, and nothing is written. What
// was done and cannot be written to stdout goes to stderr.
func (r *Report) Finish(name string, asJSON bool, stdout, stderr io.Writer, err error) error {
	if err != nil && !r.started() {
		return err
	}
	summary := r.summary()
	write := r.WriteTable
	if asJSON {
		write = r.WriteJSON
	}
	if unwritten := write(stdout); unwritten != nil {
		unwritten = fmt.Errorf("%s; not all of that was written to stdout: %w", summary, unwritten)
		if r.dryRun {
			return unwritten
		}
		_ = r.WriteTable(stderr) // there is nowhere else
		if err == nil && errors.Is(unwritten, program.ErrUnread) {
			program.Say(stderr, "%s: %v", name, unwritten) // for which nobody else does
			return unwritten
		}
		return doneError{errors.New(unwritten.Error())} // its status is that of what was done
	}
	if err != nil {
		return doneError{errors.New(summary)}
	}
	program.Say(stderr, "%s: %s", name, summary)
	return nil
}

// started reports whether something was sent for one of the addresses.
func (r *Report) started() bool {
	return slices.ContainsFunc(r.rows, func(row Row) bool {
		switch row.outcome().Status {
		case "refused", "not started", string(orgusers.OutcomeSkipped):
			return false
		default:
			return true
		}
	})
}

// doneError is an error of a program that has outcomes.
type doneError struct{ error }

// OrNothingSent makes a program of one that ends with a [Report]: it says that
// nothing was sent where it ends without.
func OrNothingSent(run program.Run) program.Run {
	return func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
		err := run(ctx, args, stdout, stderr)
		if err == nil || errors.Is(err, flag.ErrHelp) || errors.As(err, new(doneError)) || program.IsMisuse(err) {
			return err
		}
		if text := err.Error(); strings.Contains(text, "nothing was sent") || strings.Contains(text, "nothing was changed") {
			return err // as guards of the package say it
		}
		return fmt.Errorf("nothing was sent: %w", err)
	}
}

// WriteJSON writes the document, also where there are no rows.
func (r *Report) WriteJSON(to io.Writer) error {
	return program.WriteJSON(to, struct {
		DryRun   bool    `json:"dry_run"`
		Outcomes []Row   `json:"outcomes"`
		Counts   []count `json:"counts"`
	}{r.dryRun, append([]Row{}, r.rows...), r.count(func(o Outcome) string { return o.Status })})
}

// count is how many rows have a status.
type count struct {
	Status string `json:"status"`
	Count  int    `json:"count"`
}

// count counts the rows by status, in the order in which those come first.
func (r *Report) count(status func(Outcome) string) []count {
	counts := []count{}
	place := map[string]int{}
	for _, row := range r.rows {
		s := status(row.outcome())
		at, known := place[s]
		if !known {
			at, place[s] = len(counts), len(counts)
			counts = append(counts, count{Status: s})
		}
		counts[at].Count++
	}
	return counts
}

func (r *Report) summary() string {
	var parts []string
	for _, c := range r.count(func(o Outcome) string { return o.shown }) {
		parts = append(parts, fmt.Sprintf("%d %s", c.Count, c.Status))
	}
	summary := strings.Join(parts, ", ")
	if r.dryRun {
		summary = "dry run: nothing was sent; " + summary
	}
	if r.toDo {
		summary += "; -apply does it"
	}
	unknown := func(row Row) bool { return row.outcome().Status == string(orgusers.OutcomeUnknown) }
	if r.IfUnknown != "" && slices.ContainsFunc(r.rows, unknown) {
		summary += "; " + r.IfUnknown
	}
	return summary
}
