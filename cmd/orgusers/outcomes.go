package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/orgusers/orgusers"
)

// applyFlag adds the flag without which a command changes nothing.
func applyFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("apply", false, "make the change; without it the command is a dry run")
}

// changeFlags are the flags of a command that changes many users.
type changeFlags struct{ apply, skipRefused *bool }

func addChangeFlags(cmd *cobra.Command) changeFlags {
	return changeFlags{
		apply:       applyFlag(cmd),
		skipRefused: cmd.Flags().Bool("skip-refused", false, "process the other addresses if some are refused"),
	}
}

// minAdministratorsFlag adds the flag of a guard to a command that can take an
// administrator's role.
func minAdministratorsFlag(cmd *cobra.Command) *int {
	return cmd.Flags().Int("min-administrators", 0, "refuse if fewer administrators than this `number` would remain, not counting the owner")
}

// options returns the options of a call. Clear the progress before writing.
func (f changeFlags) options(p *progress) orgusers.BulkOptions {
	return orgusers.BulkOptions{DryRun: !*f.apply, SkipRefused: *f.skipRefused, Progress: p.Set}
}

// announce names the organization, the account and the service of a change
// before it begins.
func (t *tool) announce(ctx context.Context, o *organization) error {
	organization, err := o.client.GetOrganization(ctx, nil)
	if err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	account, err := o.client.GetCurrentUser(ctx)
	if err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	t.say("organization %q (%s), account %s, service %s, from %s",
		organization.Name, organization.UID, plain(account.Email), o.client.BaseURL(), o.from)
	return nil
}

// change describes a change of many users, for the report of its outcomes.
type change struct {
	done      string // of users for whom it was made, such as "removed"
	ifUnknown string // what to do about unknown outcomes
	// columns and cells add to the table, between the address and the outcome.
	columns []string
	cells   func(i int) []string
}

// report writes the outcomes of a change. It returns the error of the call with a
// summary of them.
func (t *tool) report(o *organization, c change, result *orgusers.BulkResult, err error) error {
	if result == nil || len(result.Outcomes) == 0 {
		return err
	}
	summary := c.summary(result)
	if err != nil && result.Count(orgusers.OutcomeNotStarted) == len(result.Outcomes) {
		summary = "nothing was changed: " + strings.TrimPrefix(explain(err), "nothing was changed: ")
		if t.output == "table" {
			return reported{error: err, summary: summary}
		}
	}
	sent := slices.ContainsFunc(result.Outcomes, func(outcome orgusers.Outcome) bool {
		switch outcome.Status {
		case orgusers.OutcomeDone, orgusers.OutcomePartial, orgusers.OutcomeFailed, orgusers.OutcomeUnknown:
			return true
		default:
			return false
		}
	})
	if failed := t.writeOutcomes(o, c, result); failed != nil {
		if result.DryRun {
			return failed
		}
		_ = writeTable(t.stderr, c.rows(result)) // the changes were made, and there is no other place to say so
		t.say("%s; not all of that was written to stdout: %v", summary, failed)
		if err == nil && errors.Is(failed, errUnread) {
			return failed
		}
		return reported{error: cmp.Or(err, failed), summary: "stdout failed", sent: sent}
	}
	if err != nil {
		return reported{error: err, summary: summary, sent: sent}
	}
	t.note("%s", summary)
	return nil
}

func (t *tool) writeOutcomes(o *organization, c change, result *orgusers.BulkResult) error {
	if t.output != "json" {
		return t.writeRows(t.stdout, c.rows(result))
	}
	counts := map[orgusers.OutcomeStatus]int{}
	for _, outcome := range result.Outcomes {
		counts[outcome.Status]++
	}
	return t.writeJSON(o, map[string]any{"dry_run": result.DryRun, "outcomes": result.Outcomes, "counts": counts})
}

func (c change) rows(result *orgusers.BulkResult) [][]string {
	rows := [][]string{append(append([]string{"Email"}, c.columns...), "Outcome", "Note")}
	for i, outcome := range result.Outcomes {
		row := []string{outcome.Email}
		if c.cells != nil {
			row = append(row, c.cells(i)...)
		}
		rows = append(rows, append(row, c.outcome(outcome), noteOf(outcome)))
	}
	return rows
}

// outcome returns the status of an outcome in the words of the change.
func (c change) outcome(outcome orgusers.Outcome) string {
	switch outcome.Status {
	case orgusers.OutcomeDone:
		return c.done
	case orgusers.OutcomePlanned:
		return "would be " + c.done
	default:
		return strings.ReplaceAll(string(outcome.Status), "_", " ")
	}
}

// noteOf returns the reason of an outcome for people.
func noteOf(outcome orgusers.Outcome) string {
	note := strings.ReplaceAll(string(outcome.Reason), "_", " ")
	if failure, ok := errors.AsType[*orgusers.Error](outcome.Err); ok && outcome.Status != orgusers.OutcomeNotStarted {
		note += ": " + happened(failure)
	}
	switch {
	case outcome.Detail == "":
		return note
	case note == "" || outcome.Status == orgusers.OutcomePartial: // whose details say why
		return outcome.Detail
	default:
		return note + "; " + outcome.Detail
	}
}

// summary counts the outcomes, in the order in which they come first.
func (c change) summary(result *orgusers.BulkResult) string {
	var order []string
	counts := map[string]int{}
	for _, outcome := range result.Outcomes {
		status := c.outcome(outcome)
		if counts[status] == 0 {
			order = append(order, status)
		}
		counts[status]++
	}
	for i, status := range order {
		order[i] = fmt.Sprintf("%d %s", counts[status], status)
	}
	summary := strings.Join(order, ", ")
	if result.DryRun {
		summary = "dry run: nothing was changed; " + summary
	}
	if result.Count(orgusers.OutcomePlanned) > 0 {
		summary += "; --apply does it"
	}
	if result.Count(orgusers.OutcomeRefused) > 0 && result.Count(orgusers.OutcomeNotStarted) > 0 {
		summary += "; --skip-refused processes the others"
	}
	if c.ifUnknown != "" && result.Count(orgusers.OutcomeUnknown) > 0 {
		summary += "; " + c.ifUnknown
	}
	return summary
}
