package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/orgusers/orgusers"
)

// removal is one run of users remove.
type removal struct {
	t         *tool
	cmd       *cobra.Command
	addresses *addressFlags
	change    changeFlags
	yes       *bool

	notSeenFor            days
	maxRemovals, minAdmin int
	protect               string
	allowUnread, noRecord bool
	recordFile            string

	o *organization
}

func newUsersRemoveCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "remove",
		Short: "Remove users from the organization",
		Long: `Remove members and pending invitations from the organization. They lose every
stack at once, and keep their accounts.

The command is a dry run without --apply. With --apply it shows who would be
removed, and asks for the name of the organization unless --yes is given. Then it
writes a record of what each user had, for 'orgusers users restore'.

--file takes the output of 'orgusers users export', or the list that the review
saved. A file with columns that are not read, such as Decision, is refused with
--yes. --not-seen-for leaves out the owner, your own account and protected users.

Limits hold for one run. The owner and your own account are never removed.`,
		Args: noArgs,
	}
	r := &removal{t: t, cmd: cmd, addresses: addAddressFlags(cmd), change: addChangeFlags(cmd), yes: yesFlag(cmd)}
	r.addresses.ticks = true
	flags := cmd.Flags()
	flags.Var(&r.notSeenFor, "not-seen-for", "remove members who were last seen so many `days` ago or earlier; of a member without a login, the day of joining counts")
	flags.IntVar(&r.maxRemovals, "max-removals", 0, "refuse to remove more than this `number` of users, 0 allows none (default a tenth of the members rounded up, and at least 5)")
	flags.IntVar(&r.minAdmin, "min-administrators", 0, "refuse if fewer administrators than this `number` would remain, not counting the owner")
	flags.StringVar(&r.protect, "protect", "", "never remove the users in this `file`, which is read as --file is")
	flags.BoolVar(&r.allowUnread, "allow-unread", false, "remove users although the roles of a stack cannot be read; the record names the stack")
	flags.BoolVar(&r.noRecord, "no-record", false, "write no record")
	flags.StringVar(&r.recordFile, "record", "", "write the record to this new `file` (default one in your state directory)")
	cmd.MarkFlagsMutuallyExclusive("record", "no-record")
	cmd.MarkFlagsMutuallyExclusive("email", "not-seen-for")
	cmd.MarkFlagsMutuallyExclusive("file", "not-seen-for")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return r.run(cmd.Context()) }
	return cmd
}

func (r *removal) run(ctx context.Context) error {
	list, err := r.readInput(ctx)
	if err != nil {
		return err
	}
	guards, err := r.guards(ctx)
	if err != nil {
		return err
	}
	o, err := r.t.open(ctx, orgusers.WithGuards(guards))
	if err != nil {
		return err
	}
	defer o.close()
	r.o = o
	file := ""
	if *r.change.apply && !r.noRecord {
		if file, err = recordPath(r.recordFile); err != nil {
			return err
		}
	}
	if list.ticks != nil {
		if err := r.checkTicks(list); err != nil {
			return err
		}
	}
	if err := r.t.announce(ctx, o); err != nil {
		return err
	}
	r.addresses.nameUnread(list)
	emails := list.emails()
	if r.notSeenFor != 0 {
		if emails, err = r.findNotSeen(ctx); err != nil || len(emails) == 0 {
			return err
		}
	}
	if done, err := r.plan(ctx, emails); done || err != nil {
		return err
	}
	return r.remove(ctx, emails, file)
}

// readInput checks the flags and reads the list, before anything is sent.
func (r *removal) readInput(ctx context.Context) (*addressList, error) {
	apply, yes := *r.change.apply, *r.yes
	switch set := r.cmd.Flags().Changed; {
	case yes && !apply:
		return nil, badInput("--yes answers the question of --apply: add that, or leave it out")
	case r.maxRemovals < 0 || r.minAdmin < 0:
		return nil, badInput("--max-removals and --min-administrators must not be negative")
	case (r.addresses.file == "-" || r.protect == "-") && apply && !yes:
		return nil, badInput("- takes what is on stdin, so the name of the organization cannot be typed there: add --yes")
	case r.notSeenFor != 0:
		return &addressList{}, nil
	case !set("email") && !set("file"):
		return nil, badInput("no users: give --email, --file or --not-seen-for")
	}
	list, err := r.addresses.readList(ctx)
	if err == nil && yes {
		err = list.refuseUnread("or leave out --yes")
	}
	return list, err
}

// guards returns the guards of the flags. The default of --max-removals is not among
// them, since the members are counted only if it matters.
func (r *removal) guards(ctx context.Context) (orgusers.Guards, error) {
	guards := orgusers.Guards{MinAdministrators: r.minAdmin, MaxRemovals: r.maxRemovals}
	if r.cmd.Flags().Changed("max-removals") && r.maxRemovals == 0 {
		guards.MaxRemovals = -1
	}
	if !r.cmd.Flags().Changed("protect") {
		return guards, nil
	}
	list, err := (&addressFlags{cmd: r.cmd, flag: "protect", file: r.protect}).readList(ctx)
	if err != nil {
		return guards, err
	}
	protected := list.emails()
	guards.Protected = func(u *orgusers.User) bool {
		return slices.ContainsFunc(protected, func(email string) bool { return strings.EqualFold(email, u.Email) })
	}
	return guards, nil
}

// checkTicks refuses a list of another organization, and says how old the list is.
func (r *removal) checkTicks(list *addressList) error {
	if uid := list.ticks.OrganizationUID; uid != r.o.uid {
		return badInput("nothing was changed: %s is a list of the organization %q, and this is %q", list.name, uid, r.o.uid)
	}
	r.t.say("%s: %s to remove, ticked in the review of %s", list.name, count(len(list.entries), "user"), formatTime(list.ticks.ReadAt))
	return nil
}

// findNotSeen returns the members whom the rule finds and who can be removed.
func (r *removal) findNotSeen(ctx context.Context) ([]string, error) {
	now, logins := time.Now(), 0
	users, err := r.t.readUsers(ctx, r.o, orgusers.Sort{By: orgusers.SortByEmail}, func(u *orgusers.User) bool {
		if !u.LastLoginAt.IsZero() {
			logins++
		}
		known := !u.LastLoginAt.IsZero() || !u.CreatedAt.IsZero() || !u.InvitedAt.IsZero()
		return known && r.notSeenFor.met(u, now)
	})
	if err != nil {
		return nil, err
	}
	if len(users) > 0 && logins == 0 {
		return nil, badInput("nothing was changed: the service sent no last login of any user, so it is not known who was not seen")
	}
	var emails []string
	for _, u := range users {
		emails = append(emails, u.Email)
	}
	if len(emails) > 0 {
		if emails, err = r.leaveOut(ctx, emails); err != nil {
			return nil, err
		}
	}
	if len(emails) == 0 {
		result := &orgusers.BulkResult{DryRun: !*r.change.apply, Outcomes: []orgusers.Outcome{}}
		r.t.note("nothing was changed: no member can be removed who was not seen for %d days", r.notSeenFor)
		if r.t.output == "json" {
			return nil, r.t.writeOutcomes(r.o, r.describe(result), result)
		}
	}
	return emails, nil
}

// leaveOut takes out the users who can never be removed.
func (r *removal) leaveOut(ctx context.Context, emails []string) ([]string, error) {
	result, err := r.o.client.RemoveUsers(ctx, emails, &orgusers.RemoveOptions{BulkOptions: orgusers.BulkOptions{DryRun: true, SkipRefused: true}})
	if err != nil && !errors.Is(err, orgusers.ErrRefused) {
		return nil, err
	}
	var left []string
	for _, outcome := range result.Outcomes {
		switch outcome.Reason {
		case orgusers.ReasonOwner, orgusers.ReasonSelf, orgusers.ReasonProtected:
			r.t.note("%s is left out: %s", plain(outcome.Email), noteOf(outcome))
		default:
			left = append(left, outcome.Email)
		}
	}
	return left, nil
}

// plan makes a dry run. It is done if nothing is to be removed after it; otherwise
// the user has agreed.
func (r *removal) plan(ctx context.Context, emails []string) (done bool, err error) {
	p := r.t.newProgress("users")
	options := r.change.options(p)
	options.DryRun = true
	result, err := r.o.client.RemoveUsers(ctx, emails, &orgusers.RemoveOptions{BulkOptions: options})
	p.Clear()
	if over, failed := r.checkDefaultLimit(ctx, result); failed != nil {
		return true, failed
	} else if over {
		err = orgusers.ErrRefused
	} else if i := slices.IndexFunc(result.Outcomes, func(o orgusers.Outcome) bool { return o.Reason == orgusers.ReasonLimit }); i >= 0 {
		r.t.say("%s", result.Outcomes[i].Detail)
	}
	planned := result.Count(orgusers.OutcomePlanned)
	if !*r.change.apply || planned == 0 {
		result.DryRun = !*r.change.apply
		return true, r.t.report(r.o, r.describe(result), result, err)
	}
	if *r.yes {
		return false, nil
	}
	if err := writeTable(r.t.stderr, r.describe(result).rows(result)); err != nil {
		return true, err
	}
	return false, r.t.confirm(ctx, r.o, count(planned, "user")+" would be removed.")
}

// checkDefaultLimit refuses a removal of more than a tenth of the members, unless the
// limit is given.
func (r *removal) checkDefaultLimit(ctx context.Context, result *orgusers.BulkResult) (over bool, err error) {
	const least = 5
	planned := result.Count(orgusers.OutcomePlanned)
	if planned <= least || r.cmd.Flags().Changed("max-removals") {
		return false, nil
	}
	members := 0
	for _, err := range r.o.client.Users(ctx, &orgusers.ListUsersOptions{Status: orgusers.StatusAccepted}) {
		if err != nil {
			return false, fmt.Errorf("nothing was changed: %w", err)
		}
		members++
	}
	limit := max(least, (members+9)/10)
	if planned <= limit {
		return false, nil
	}
	r.t.say("%d users would be removed; the limit is %d, a tenth of the %d members and at least %d: give --max-removals %d if they are meant", planned, limit, members, least, planned)
	for i := range result.Outcomes {
		if outcome := &result.Outcomes[i]; outcome.Status == orgusers.OutcomePlanned {
			outcome.Status, outcome.Reason = orgusers.OutcomeRefused, orgusers.ReasonLimit
		}
	}
	return true, nil
}

// remove removes the users, after a record was written.
func (r *removal) remove(ctx context.Context, emails []string, file string) error {
	p := r.t.newProgress("users")
	options := &orgusers.RemoveOptions{BulkOptions: r.change.options(p), AllowUnread: r.allowUnread}
	if file != "" {
		options.Before = func(_ context.Context, had []*orgusers.UserAccess) error {
			p.Clear()
			return r.t.writeRecord(r.o, file, had)
		}
	}
	result, err := r.o.client.RemoveUsers(ctx, emails, options)
	p.Clear()
	return r.t.report(r.o, r.describe(result), result, err)
}

// describe describes the change, with who each user is or was.
func (r *removal) describe(result *orgusers.BulkResult) change {
	return change{
		done:      "removed",
		ifUnknown: "run it again in a minute: it looks first who is still there",
		columns:   []string{"Name", "Roles", "Last seen"},
		cells: func(i int) []string {
			u := result.Outcomes[i].User
			switch {
			case u == nil:
				return []string{"", "", ""}
			case u.Status == orgusers.StatusPending:
				return []string{fullName(u), roleNames(u), "pending"}
			default:
				return []string{fullName(u), roleNames(u), cmp.Or(lastSeen(u), "never")}
			}
		},
	}
}

func yesFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("yes", false, "with --apply: do not ask for the name of the organization")
}

// confirm asks for the name of the organization. It returns an error unless exactly
// that is typed.
func (t *tool) confirm(ctx context.Context, o *organization, question string) error {
	organization, err := o.client.GetOrganization(ctx, nil)
	if err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	want := cmp.Or(plain(organization.Name), o.uid)
	_, _ = fmt.Fprintf(t.stderr, "%s\nTo go on, type the name of the organization, %s\n> ", question, want)
	typed, err := bufio.NewReader(stdin(ctx)).ReadString('\n')
	if !isTerminal(t.stderr) || err != nil {
		_, _ = fmt.Fprintln(t.stderr)
	}
	switch typed = strings.Join(strings.Fields(typed), " "); {
	case ctx.Err() != nil:
		return fmt.Errorf("nothing was changed: %w", ctx.Err())
	case err != nil && !errors.Is(err, io.EOF):
		return badInput("nothing was changed: stdin cannot be read (%w); --yes does not ask", err)
	case typed == want:
		return nil
	case typed == "":
		return badInput("nothing was changed: nothing was typed; --yes does not ask")
	default:
		return badInput("nothing was changed: the organization is %q, and %q was typed", want, shorten(typed))
	}
}
