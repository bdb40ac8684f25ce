package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/orgusers/orgusers"
)

func newAuditCommand(t *tool) *cobra.Command {
	return newGroup("audit", "Read the audit log of the organization",
		newAuditListCommand(t),
		newAuditGetCommand(t),
	)
}

func newAuditListCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the audit log, newest entry first",
		Long: `List the audit log, newest entry first. The service keeps entries for 30 days. It
cannot search them: the tool reads all entries and shows those that match.`,
		Example: `  orgusers audit list --since 2026-03-01 --by ada@example.com
  orgusers audit list --event share --limit 20 --output json`,
		Args: noArgs,
	}
	flags := cmd.Flags()
	since := flags.String("since", "", "only entries from this `time` on, such as 2026-03-01 or 2026-03-01T08:00:00Z")
	until := flags.String("until", "", "only entries before this `time`")
	by := flags.String("by", "", "only entries of this `user`, by address or uid")
	event := flags.String("event", "", "only entries of this `type`, such as share")
	module := flags.String("module", "", "only entries of this `module`, such as user")
	limit := flags.Int("limit", 0, "at most this `number` of entries; 0 is all")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx := cmd.Context()
		options := &orgusers.AuditLogOptions{CreatedBy: *by, EventType: *event, Module: *module}
		var err error
		if options.Since, err = parseTime("since", *since); err != nil {
			return err
		}
		if options.Until, err = parseTime("until", *until); err != nil {
			return err
		}
		if *limit < 0 {
			return badInput("--limit %d: want 0 or more", *limit)
		}
		o, err := t.open(ctx)
		if err != nil {
			return err
		}
		defer o.close()
		if strings.Contains(*by, "@") {
			user, err := o.client.GetUser(ctx, *by)
			if err != nil {
				return fmt.Errorf("--by %s: %w", *by, err)
			}
			options.CreatedBy = user.UID
		}
		var entries []*orgusers.AuditEntry
		for entry, err := range o.client.AuditLog(ctx, options) {
			if err != nil {
				return err
			}
			if entries = append(entries, entry); len(entries) == *limit {
				break
			}
		}
		return writeList(t, o, "entries", entries, []column[*orgusers.AuditEntry]{
			{"Time", func(e *orgusers.AuditEntry) string { return formatTime(e.CreatedAt) }},
			{"Event", func(e *orgusers.AuditEntry) string { return e.EventType }},
			{"Module", func(e *orgusers.AuditEntry) string { return e.Module }},
			{"By", func(e *orgusers.AuditEntry) string { return e.CreatedBy }},
			{"From", func(e *orgusers.AuditEntry) string { return e.RemoteAddr }},
			{"Uid", func(e *orgusers.AuditEntry) string { return e.UID }},
		})
	}
	return cmd
}

// parseTime reads a date or a time. Nothing is the zero time.
func parseTime(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, badInput("--%s %q: want a date such as 2026-03-01 or a time such as 2026-03-01T08:00:00Z", flag, text)
}

func newAuditGetCommand(t *tool) *cobra.Command {
	return &cobra.Command{
		Use:   "get UID",
		Short: "Show one entry of the audit log",
		Args:  oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := t.open(cmd.Context())
			if err != nil {
				return err
			}
			defer o.close()
			entry, err := o.client.GetAuditEntry(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return t.writeDetails(o, "entry", entry, [][2]string{
				{"Time", formatTime(entry.CreatedAt)},
				{"Event", entry.EventType},
				{"Module", entry.Module},
				{"By", entry.CreatedBy},
				{"From", entry.RemoteAddr},
				{"Uid", entry.UID},
				{"Request", compactJSON(entry.Request)},
				{"Response", compactJSON(entry.Response)},
			})
		},
	}
}

func compactJSON(raw json.RawMessage) string {
	var text bytes.Buffer
	if json.Compact(&text, raw) != nil {
		return ""
	}
	return text.String()
}
