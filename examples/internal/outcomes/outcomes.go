// Package outcomes is the end of a program that does something to many users:
// a table that says for each address what became of it, and a line that counts.
package outcomes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/program"
)

// Report is what became of many addresses.
type Report struct {
	dryRun bool
	table  [][]string // the header first
	counts []count
}

// count is how many rows have a status. A list keeps the order in which they
// came.
type count struct {
	status string
	rows   int
}

// New makes a report of a dry run, or of what was really done. Columns are
// what its table says of each address before it comes to the outcome.
func New(dryRun bool, columns ...string) *Report {
	return &Report{dryRun: dryRun, table: [][]string{append(columns, "OUTCOME", "NOTE")}}
}

// Add adds an outcome. Done is the word for one that is done; cells are for
// the report's columns.
func (r *Report) Add(outcome orgusers.Outcome, done string, cells ...string) {
	status, note := string(outcome.Status), outcome.Reason
	switch {
	case outcome.Status == orgusers.OutcomeDone && r.dryRun:
		status = "would be " + done
	case outcome.Status == orgusers.OutcomeDone:
		status = done
	case outcome.Status == orgusers.OutcomeFailed && errors.Is(outcome.Err, context.Canceled):
		status, note = "not started", ""
	case note == "" && outcome.Err != nil:
		note = outcome.Err.Error()
	}
	r.table = append(r.table, append(cells, status, note))
	for i := range r.counts {
		if r.counts[i].status == status {
			r.counts[i].rows++
			return
		}
	}
	r.counts = append(r.counts, count{status, 1})
}

// Write writes the table, if there are any rows.
func (r *Report) Write(to io.Writer) error {
	if len(r.table) == 1 {
		return nil
	}
	return writeTable(to, r.table)
}

// Finish writes the table to stdout, and counts on stderr what is in it. The
// error is that of the call that the report is of; a new one with the counts
// is returned instead, for the table has the reasons. An error without
// outcomes is returned as it is.
func (r *Report) Finish(name string, stdout, stderr io.Writer, err error) error {
	if err != nil && len(r.table) == 1 {
		return err
	}
	summary := r.summary()
	if writeErr := r.Write(stdout); writeErr != nil {
		return fmt.Errorf("%s; but not all of the table was written: %w", summary, writeErr)
	}
	if err != nil {
		return errors.New(summary)
	}
	program.Say(stderr, "%s: %s", name, summary)
	return nil
}

func (r *Report) summary() string {
	var parts []string
	for _, c := range r.counts {
		parts = append(parts, fmt.Sprintf("%d %s", c.rows, c.status))
	}
	counts := strings.Join(parts, ", ")
	if r.dryRun {
		return "dry run: nothing was sent; " + counts + "; -apply does it"
	}
	return counts
}
