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
	"strings"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/program"
)

// Help is for -h of programs with a [Report].
const Help = `With -json stdout is one document, also when some have failed: {"dry_run":…,
"outcomes":[{"email":…, "status":…, "note":…}], "counts":[{"status":…,
"count":…}]}, and in each outcome what the table says besides. In a dry run
the status is what it would be. Without any JSON on stdout nothing was changed;
then the reason is on stderr, and the exit status is not 0.
`

// JSONFlag adds -json to the flags of a program with a [Report].
func JSONFlag(flags *flag.FlagSet) *bool {
	return program.JSONFlag(flags, "write the outcomes to stdout as JSON instead of the table")
}

// Report is what became of many addresses.
type Report struct {
	dryRun  bool
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
	Status string `json:"status"` // the package's own word, or "not started"
	Note   string `json:"note,omitempty"`

	shown string // the status for people
}

func (o Outcome) outcome() Outcome { return o }

// New makes a report of a dry run, or of what was really done. Columns are
// what its table says of each address before it comes to the outcome.
func New(dryRun bool, columns ...string) *Report {
	return &Report{dryRun: dryRun, columns: append(columns, "OUTCOME", "NOTE")}
}

// Outcome words an outcome for a row. Done is the word for one that is done.
func (r *Report) Outcome(outcome orgusers.Outcome, done string) Outcome {
	o := Outcome{Status: string(outcome.Status), Note: outcome.Reason}
	o.shown = o.Status
	switch {
	case (outcome.Status == orgusers.OutcomeDone || o.Status == done) && r.dryRun:
		o.shown = "would be " + done
	case outcome.Status == orgusers.OutcomeDone:
		o.shown = done
	case outcome.Status == orgusers.OutcomeFailed && errors.Is(outcome.Err, context.Canceled):
		o = Outcome{Status: "not started", shown: "not started"}
	case o.Note == "" && outcome.Err != nil:
		o.Note = outcome.Err.Error()
	}
	return o
}

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
// An error without outcomes is returned as it is, and nothing is written.
func (r *Report) Finish(name string, asJSON bool, stdout, stderr io.Writer, err error) error {
	if err != nil && len(r.rows) == 0 {
		return err
	}
	summary := r.summary()
	write := r.WriteTable
	if asJSON {
		write = r.WriteJSON
	}
	if writeErr := write(stdout); writeErr != nil {
		// Not wrapped: what was done is said also where nobody reads stdout.
		return errors.New(summary + "; but not all outcomes were written: " + writeErr.Error())
	}
	if err != nil {
		return errors.New(summary)
	}
	program.Say(stderr, "%s: %s", name, summary)
	return nil
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
	counts := strings.Join(parts, ", ")
	if r.dryRun {
		return "dry run: nothing was sent; " + counts + "; -apply does it"
	}
	return counts
}
