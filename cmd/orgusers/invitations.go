package main

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/orgusers/orgusers"
)

func newInvitationsCommand(t *tool) *cobra.Command {
	return newGroup("invitations", "List, send, resend and withdraw invitations",
		newInvitationsListCommand(t),
		newInvitationsSendCommand(t),
		newInvitationsResendCommand(t),
		newInvitationsWithdrawCommand(t),
	)
}

func newInvitationsListCommand(t *tool) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List pending invitations, oldest first",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := t.open(cmd.Context())
			if err != nil {
				return err
			}
			defer o.close()
			pending, err := orgusers.Collect(o.client.PendingInvitations(cmd.Context()))
			if err != nil {
				return err
			}
			return writeList(t, o, "invitations", pending, []column[*orgusers.User]{
				{"Email", func(u *orgusers.User) string { return u.Email }},
				{"Roles", roleNames},
				{"Invited at", func(u *orgusers.User) string { return formatTime(u.InvitedAt) }},
				{"Invited by", invitedBy},
			})
		},
	}
}

func newInvitationsSendCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "send --email ADDRESS,… --role ROLE",
		Short: "Invite people to the organization",
		Long: `Invite people to the organization. Members and people with a pending invitation
are skipped: they get no email and keep the access that they have. So a command
can be repeated with the same list or a longer one.

A file is a CSV table with a column Email. Its columns Roles and Stacks say what
each person gets; several are separated by semicolons:

  Email,Roles,Stacks
  ada@example.com,member,"Website:Developer,Content Manager; Mobile App:Admin"
  grace@example.com,admin; security manager,

--role and --stack are for rows in which these columns are empty. The output
of 'orgusers users export' is such a file: without --role, its column
Organization Roles has the roles. Its column Stacks is not read, because some of
those roles come through teams.`,
		Args: noArgs,
	}
	addresses := addAddressFlags(cmd)
	addresses.columns = []string{"roles", "stacks"}
	roles := cmd.Flags().StringSlice("role", nil, "organization `roles` to give, by name or uid, separated by commas; can be repeated")
	stacks := cmd.Flags().StringArray("stack", nil, "stack to give access to, by name or API key, and the stack roles: `STACK:ROLE,ROLE`; can be repeated")
	message := cmd.Flags().String("message", "", "`text` for the email")
	flags := addChangeFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx := cmd.Context()
		if len(*roles) == 0 {
			addresses.columns = append(addresses.columns, exportedRoles)
		}
		people, err := addresses.readList(ctx)
		if err != nil {
			return err
		}
		if len(*roles) == 0 && !slices.Contains(people.header, "roles") && !slices.Contains(people.header, exportedRoles) {
			return badInput("no roles: give --role, or a file with a column Roles%s", people.otherColumns())
		}
		people.leaveOutExportedStacks()
		addresses.nameUnread(people)
		o, err := t.open(ctx)
		if err != nil {
			return err
		}
		defer o.close()
		invitees, err := (&invitation{client: o.client, people: people, roles: *roles, stacks: *stacks}).invitees(ctx)
		if err != nil {
			return err
		}
		if err := t.announce(ctx, o); err != nil {
			return err
		}
		p := t.newProgress("people")
		result, err := o.client.Invite(ctx, invitees, &orgusers.InviteOptions{BulkOptions: flags.options(p), Message: *message})
		p.Clear()
		return t.report(o, sent(people, *roles, *stacks, result), result, err)
	}
	return cmd
}

// exportedRoles is the column of an export with the roles that users have.
const exportedRoles = "organizationroles"

// otherColumns names the columns that are not read, for an error about a missing one.
func (l *addressList) otherColumns() string {
	if len(l.unread) == 0 {
		return ""
	}
	return fmt.Sprintf("; %s has the columns %s, which are not read", l.name, quoteAll(l.unread))
}

// leaveOutExportedStacks takes out the column Stacks of an export with access: it has
// roles that come through teams too.
func (l *addressList) leaveOutExportedStacks() {
	if slices.Contains(l.header, "stacks") && slices.Contains(l.header, "ownedstacks") {
		l.unread = append(l.unread, "Stacks")
		for _, e := range l.entries {
			delete(e.cells, "stacks")
		}
	}
}

// sent describes the change, with what each person gets as it was given.
func sent(people *addressList, roles, stacks []string, result *orgusers.BulkResult) change {
	return change{
		done:      "invited",
		ifUnknown: "run it again in a minute: it looks first who is invited",
		columns:   []string{"Roles", "Stacks"},
		cells: func(i int) []string {
			outcome := result.Outcomes[i]
			if outcome.Status == orgusers.OutcomeSkipped {
				return []string{roleNames(outcome.User), ""}
			}
			e := people.entries[slices.IndexFunc(people.entries, func(e *entry) bool { return strings.TrimSpace(e.email) == outcome.Email })]
			return []string{strings.Join(e.given(roles, "roles", exportedRoles), "; "), strings.Join(e.given(stacks, "stacks"), "; ")}
		},
	}
}

// given returns the values of the first column that has any, or those of a flag.
func (e *entry) given(flag []string, columns ...string) []string {
	for _, column := range columns {
		var values []string
		for value := range strings.SplitSeq(e.cells[column], ";") {
			value = strings.TrimSpace(value)
			if column == exportedRoles && (strings.EqualFold(value, "owner") || strings.EqualFold(value, "no role")) {
				continue // which an export writes, and is not a role
			}
			if value != "" {
				values = append(values, value)
			}
		}
		if len(values) > 0 && (column != exportedRoles || len(flag) == 0) {
			return values
		}
	}
	return flag
}

// invitation finds the roles and stacks of people to invite.
type invitation struct {
	client        *orgusers.Client
	people        *addressList
	roles, stacks []string // of the flags

	knownRoles, knownStacks []named
	stackRoles              map[string][]named // by API key
}

// invitees returns the people to invite. All mistakes are one error.
func (n *invitation) invitees(ctx context.Context) (invitees []orgusers.Invitee, err error) {
	n.stackRoles = map[string][]named{}
	if n.knownRoles, err = readNamed(n.client.Roles(ctx), nameRole); err != nil {
		return nil, err
	}
	for _, e := range n.people.entries {
		invitee := orgusers.Invitee{Email: e.email, Stacks: orgusers.StackAccess{}}
		for _, role := range e.given(n.roles, "roles", exportedRoles) {
			uid, err := findNamed("organization role", n.knownRoles, role)
			if err != nil {
				n.mistake(e, "roles", "--role", err)
			}
			invitee.Roles = append(invitee.Roles, uid)
		}
		for _, stack := range e.given(n.stacks, "stacks") {
			key, roles, wrong, err := n.findStack(ctx, stack)
			switch {
			case err != nil:
				return nil, err
			case wrong == nil && invitee.Stacks[key] != nil:
				wrong = fmt.Errorf("the stack %q is given twice", shorten(stack))
			}
			if wrong != nil {
				n.mistake(e, "stacks", "--stack", wrong)
			}
			invitee.Stacks[key] = roles
		}
		invitees = append(invitees, invitee)
	}
	return invitees, n.people.check()
}

// mistake notes what is wrong with a column of a person, or once with a flag.
func (n *invitation) mistake(e *entry, column, flag string, wrong error) {
	text := flag + ": " + wrong.Error()
	if strings.Trim(e.cells[column], "; ") != "" || column == "roles" && len(n.roles) == 0 {
		n.people.mistake(e.line, "%v", wrong)
	} else if !slices.Contains(n.people.mistakes, text) {
		n.people.mistakes = append(n.people.mistakes, text)
	}
}

// findStack finds the API key and the roles of STACK:ROLE,ROLE. The name of a stack
// can contain colons.
func (n *invitation) findStack(ctx context.Context, text string) (key string, roles []string, wrong, err error) {
	if n.knownStacks == nil {
		n.knownStacks, err = readNamed(n.client.Stacks(ctx, nil), nameStack)
		if err != nil {
			return "", nil, nil, err
		}
	}
	colon := strings.LastIndex(text, ":")
	if colon < 0 || strings.TrimSpace(text[colon+1:]) == "" {
		return "", nil, fmt.Errorf("%q: want STACK:ROLE,ROLE", shorten(text)), nil
	}
	if key, wrong = findNamed("stack", n.knownStacks, text[:colon]); wrong != nil {
		return "", nil, wrong, nil
	}
	if n.stackRoles[key] == nil {
		if n.stackRoles[key], err = readNamed(n.client.StackRoles(ctx, key), nameRole); err != nil {
			return "", nil, nil, err
		}
	}
	for role := range strings.SplitSeq(text[colon+1:], ",") {
		uid, wrong := findNamed("role of the stack "+strings.TrimSpace(text[:colon]), n.stackRoles[key], role)
		if wrong != nil {
			return "", nil, wrong, nil
		}
		roles = append(roles, uid)
	}
	return key, roles, nil, nil
}

// named is a role or stack that can be given by name or uid.
type named struct{ uid, name string }

func nameRole(r *orgusers.Role) named { return named{r.UID, r.Name} }

func nameStack(s *orgusers.Stack) named { return named{s.APIKey, s.Name} }

func nameTeam(t *orgusers.Team) named { return named{t.UID, t.Name} }

func readNamed[T any](all iter.Seq2[*T, error], name func(*T) named) ([]named, error) {
	things, err := orgusers.Collect(all)
	if err != nil {
		return nil, err
	}
	return nameAll(things, name), nil
}

func nameAll[T any](things []*T, name func(*T) named) []named {
	all := make([]named, len(things))
	for i, thing := range things {
		all[i] = name(thing)
	}
	return all
}

// getNamed returns the thing with a uid or name.
func getNamed[T any](what string, all iter.Seq2[*T, error], wanted string, name func(*T) named) (*T, error) {
	things, err := orgusers.Collect(all)
	if err != nil {
		return nil, err
	}
	uid, err := findNamed(what, nameAll(things, name), wanted)
	if err != nil {
		return nil, misuse{err}
	}
	return things[slices.IndexFunc(things, func(thing *T) bool { return name(thing).uid == uid })], nil
}

// findNamed returns the uid of a thing with a uid or name. The error lists the things.
func findNamed(what string, things []named, wanted string) (string, error) {
	wanted = strings.TrimSpace(wanted)
	var uids []string
	for _, thing := range things {
		switch {
		case thing.uid == wanted:
			return thing.uid, nil
		case strings.EqualFold(strings.TrimSpace(thing.name), wanted):
			uids = append(uids, thing.uid)
		}
	}
	switch {
	case len(uids) == 1:
		return uids[0], nil
	case len(uids) > 1:
		return "", fmt.Errorf("there are several %ss %q: give one of the uids %s", what, shorten(wanted), strings.Join(uids, ", "))
	case len(things) == 0:
		return "", fmt.Errorf("there is no %s %q, and no other", what, shorten(wanted))
	}
	return "", fmt.Errorf("there is no %s %q; there are %s", what, shorten(wanted), quoteNames(things))
}

// quoteNames returns the names of the first things.
func quoteNames(things []named) string {
	const most = 20
	var names []string
	for _, thing := range things[:min(most, len(things))] {
		names = append(names, thing.name)
	}
	if len(things) > most {
		names = append(names, "…")
	}
	return quoteAll(names)
}

func newInvitationsResendCommand(t *tool) *cobra.Command {
	return newPendingCommand(t, "resend", "Send the emails of pending invitations again", "resent",
		"an email may have been sent, and repeating the command may send another one", (*orgusers.Client).ResendInvitations)
}

func newInvitationsWithdrawCommand(t *tool) *cobra.Command {
	return newPendingCommand(t, "withdraw", "Withdraw pending invitations", "withdrawn",
		"run it again: it looks first which invitations are there", (*orgusers.Client).WithdrawInvitations)
}

// newPendingCommand returns a command that changes pending invitations.
func newPendingCommand(t *tool, name, short, done, ifUnknown string, call bulkCall) *cobra.Command {
	cmd := &cobra.Command{
		Use:   name + " --email ADDRESS,…",
		Short: short,
		Long:  short + ". Members are skipped.",
		Args:  noArgs,
	}
	addresses := addAddressFlags(cmd)
	flags := addChangeFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx := cmd.Context()
		emails, err := addresses.read(ctx)
		if err != nil {
			return err
		}
		o, err := t.open(ctx)
		if err != nil {
			return err
		}
		defer o.close()
		if err := t.announce(ctx, o); err != nil {
			return err
		}
		p := t.newProgress("invitations")
		options := flags.options(p)
		result, err := call(o.client, ctx, emails, &options)
		p.Clear()
		return t.report(o, change{done: done, ifUnknown: ifUnknown}, result, err)
	}
	return cmd
}
