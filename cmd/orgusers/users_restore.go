package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/orgusers/orgusers"
)

// record is what users had: the JSON of users remove and of access list.
type record struct {
	Organization string                 `json:"organization"`
	Access       []*orgusers.UserAccess `json:"access"`
}

// recordPath returns the path of a new record: that of the flag, or one in the user's
// state directory, which it creates.
func recordPath(flag string) (string, error) {
	path := flag
	if path == "" {
		directory, err := stateDirectory()
		if err == nil {
			directory = filepath.Join(directory, "orgusers", "records")
			err = os.MkdirAll(directory, 0o700)
		}
		if err != nil {
			return "", badInput("nothing was changed: no record can be written to your state directory (%w): give --record FILE or --no-record", err)
		}
		path = filepath.Join(directory, time.Now().UTC().Format("removed-20060102T150405.000000Z.json"))
	}
	if _, err := os.Lstat(path); err == nil {
		return "", badInput("nothing was changed: --record %s exists, and a record is never replaced", path)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return "", badInput("nothing was changed: --record %s: there is no directory %s", path, filepath.Dir(path))
	}
	return path, nil
}

// stateDirectory returns where programs keep what is not configuration.
func stateDirectory() (string, error) {
	if directory := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(directory) {
		return directory, nil
	}
	if runtime.GOOS == "windows" {
		return os.UserCacheDir() // %LocalAppData%
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "state"), err
}

// writeRecord writes a new file.
func (t *tool) writeRecord(o *organization, path string, had []*orgusers.UserAccess) error {
	text, err := t.marshal(o, map[string]any{"access": had})
	if err != nil {
		return err
	}
	if err := replaceFile(path, text); err != nil {
		return fmt.Errorf("the record cannot be written: %w", err)
	}
	t.say("record of what they had: %s", path)
	if len(had) > 0 && len(had[0].Unread) > 0 {
		t.say("the record does not have their roles in the stacks %s, which cannot be read", quoteAll(stackNames(had[0].Unread)))
	}
	return nil
}

func stackNames(stacks []orgusers.StackRef) []string {
	var names []string
	for _, stack := range stacks {
		names = append(names, stack.Name)
	}
	return names
}

func readRecord(path string) (*record, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, badInput("--file: %w", err)
	}
	r := new(record)
	err = json.Unmarshal(text, r)
	if err == nil && (r.Organization == "" || len(r.Access) == 0 || slices.Contains(r.Access, nil)) {
		err = errors.New("it lacks the organization or the users")
	}
	if err != nil {
		return nil, badInput("--file: %s is not a record of 'orgusers users remove': %w", path, err)
	}
	return r, nil
}

func newUsersRestoreCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore --file RECORD",
		Short: "Give removed users back what they had",
		Long: `Give removed users back what a record of 'orgusers users remove' says that they
had. It adds what is missing and takes nothing away. They are invited again, each
with one email, and join their teams when the same record is restored again after
they have accepted.

The command is a dry run without --apply. With --apply it shows what it would do,
and asks for the name of the organization unless --yes is given.`,
		Args: noArgs,
	}
	path := cmd.Flags().String("file", "", "the `record` that 'orgusers users remove' wrote")
	message := cmd.Flags().String("message", "", "`text` for the email")
	flags, yes := addChangeFlags(cmd), yesFlag(cmd)
	_ = cmd.MarkFlagRequired("file") // it exists
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx := cmd.Context()
		if *yes && !*flags.apply {
			return badInput("--yes answers the question of --apply: add that, or leave it out")
		}
		had, err := readRecord(*path)
		if err != nil {
			return err
		}
		o, err := t.open(ctx)
		if err != nil {
			return err
		}
		defer o.close()
		if had.Organization != o.uid {
			return badInput("nothing was changed: %s is a record of the organization %q, and this is %q", *path, had.Organization, o.uid)
		}
		if err := t.announce(ctx, o); err != nil {
			return err
		}
		restore := func(dryRun bool) (*orgusers.BulkResult, error) {
			p := t.newProgress("users")
			defer p.Clear()
			options := flags.options(p)
			options.DryRun = dryRun
			return o.client.Restore(ctx, had.Access, &orgusers.InviteOptions{BulkOptions: options, Message: *message})
		}
		plan, err := restore(true)
		if named := t.nameAdministrators(ctx, o, had, plan); named != nil {
			return named
		}
		planned := plan.Count(orgusers.OutcomePlanned)
		if !*flags.apply || planned == 0 {
			plan.DryRun = !*flags.apply
			return t.report(o, restored(), plan, err)
		}
		if !*yes {
			if err := writeTable(t.stderr, restored().rows(plan)); err != nil {
				return err
			}
			if err := t.confirm(ctx, o, count(planned, "user")+" would be restored."); err != nil {
				return err
			}
		}
		result, err := restore(false)
		return t.report(o, restored(), result, err)
	}
	return cmd
}

func restored() change {
	return change{done: "restored", ifUnknown: "run it again in a minute: it looks first who is invited"}
}

// nameAdministrators names the users who would become administrators.
func (t *tool) nameAdministrators(ctx context.Context, o *organization, had *record, plan *orgusers.BulkResult) error {
	if plan.Count(orgusers.OutcomePlanned) == 0 {
		return nil
	}
	administers := map[string]bool{}
	for role, err := range o.client.Roles(ctx) {
		if err != nil {
			return fmt.Errorf("nothing was changed: %w", err)
		}
		administers[role.UID] = role.Admin
	}
	var emails []string
	for _, outcome := range plan.Outcomes {
		for _, user := range had.Access {
			if outcome.Status == orgusers.OutcomePlanned && strings.EqualFold(user.User.Email, outcome.Email) &&
				slices.ContainsFunc(user.Roles, func(role orgusers.RoleGrant) bool { return administers[role.RoleUID] }) {
				emails = append(emails, plain(outcome.Email))
			}
		}
	}
	if len(emails) > 0 {
		t.say("these users would be administrators: %s", strings.Join(emails, ", "))
	}
	return nil
}
