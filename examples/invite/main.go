// Command invite invites people into an organization.
package main

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/addresslist"
	"github.com/orgusers/orgusers/examples/internal/outcomes"
	"github.com/orgusers/orgusers/examples/internal/program"
)

const (
	name  = "invite"
	about = `invites people into a Contentstack organization. It is a dry run until
-apply is given. Members and those with a pending invitation get no mail, so it
can be run again with the same list.

  invite -email ada@example.com -role member -stack "Website:Developer"
  invite -file people.csv -apply

` + addresslist.Help + `Its columns roles and stacks (or role and stack) say what somebody gets; several
are separated by semicolons. -role and -stack are for those of whom the file says
nothing. Columns that are not read are named.

  email,roles,stacks
  ada@example.com,member,"Website:Developer,Content Manager; Mobile App:Admin"
  grace@example.com,admin; security manager,

Roles and stacks are given by name, in any letter case, or by uid or API key.

` + outcomes.Help + `Each status is invited, "already a member", "already pending", failed, unknown or
"not started".

` + program.Environment
)

func main() { program.Main(name, outcomes.OrNothingSent(run)) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := program.NewFlags(name, about)
	organization := program.OrganizationFlags(flags)
	people := addresslist.Flags(flags)
	people.Alias("roles", "role")
	people.Alias("stacks", "stack")
	everybody := accessFlags(flags)
	message := flags.String("message", "", "put this `text` into the mail")
	apply := program.ApplyFlag(flags)
	asJSON := outcomes.JSONFlag(flags)
	if err := program.Parse(flags, args, stdout); err != nil {
		return err
	}
	if !people.IsSet() {
		return program.Misuse("there is nobody to invite: give -email or -file")
	}
	entries, err := people.Read(ctx)
	if err != nil {
		return err
	}
	if unread := addresslist.Unread(entries, "roles", "stacks"); unread != "" {
		program.Say(stderr, "%s: columns that are not read: %s", name, unread)
	}
	client, closeFake, err := organization.Open(stderr)
	if err != nil {
		return err
	}
	defer closeFake()

	invitees, err := resolve(ctx, client, people, entries, everybody)
	if err != nil {
		return err
	}
	progress := program.NewProgress(name, "people", stderr)
	result, err := client.Invite(ctx, invitees, &orgusers.InviteOptions{BulkOptions: orgusers.BulkOptions{DryRun: !*apply, Progress: progress.Set}, Message: *message})
	progress.Clear()
	report := outcomes.New(!*apply, "EMAIL", "ROLES", "STACKS")
	report.IfUnknown = "run it again in a minute: it looks first who is invited"
	for i, o := range result.Outcomes { // one for each entry: no address is given twice
		row := &row{Email: o.Email, Roles: []string{}, Stacks: []string{}, Outcome: inviteOutcome(report, o)}
		switch {
		case o.Status != orgusers.OutcomeSkipped:
			row.Roles, row.Stacks = everybody.given(entries[i])
		case asksForMore(&invitees[i], o.User):
			row.Note = "keeps what it has; invite changes no roles"
		}
		report.Add(row)
	}
	return report.Finish(name, *asJSON, stdout, stderr, err)
}

// asksForMore tells whether somebody was to get what they do not have, or may not
// have: lists of users do not tell of stacks.
func asksForMore(invitee *orgusers.Invitee, user *orgusers.User) bool {
	return len(invitee.Stacks) > 0 || slices.ContainsFunc(invitee.Roles, func(uid string) bool {
		return !slices.ContainsFunc(user.Roles, func(role orgusers.RoleRef) bool { return role.UID == uid })
	})
}

// row is somebody, what they are to get, and what became of it.
type row struct {
	Email  string   `json:"email"`
	Roles  []string `json:"roles"`
	Stacks []string `json:"stacks"` // each NAME:ROLE,ROLE
	outcomes.Outcome
}

// Cells are what the table says of a row.
func (r *row) Cells() []string {
	return []string{r.Email, strings.Join(r.Roles, "; "), strings.Join(r.Stacks, "; ")}
}

// inviteOutcome says of a skipped address what it is already.
func inviteOutcome(report *outcomes.Report, o orgusers.Outcome) outcomes.Outcome {
	switch o.Reason {
	case orgusers.ReasonAlreadyMember:
		return report.Skipped("already a member")
	case orgusers.ReasonAlreadyPending:
		return report.Skipped("already pending")
	default:
		return report.Outcome(o, "invited")
	}
}
