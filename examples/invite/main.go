// Command invite invites people into an organization.
package main

import (
	"context"
	"io"

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

` + addresslist.Help + `Its columns roles and stacks say what somebody gets; several are parted by
semicolons. -role and -stack are for those of whom the file says nothing.

  email,roles,stacks
  ada@example.com,member,"Website:Developer,Content Manager; Mobile App:Admin"
  grace@example.com,admin; security manager,

Roles and stacks are given by name, in any letter case, or by uid or API key.

` + program.Environment
)

func main() { program.Main(name, run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := program.NewFlags(name, about)
	organization := program.OrganizationFlags(flags)
	people := addresslist.Flags(flags)
	everybody := accessFlags(flags)
	message := flags.String("message", "", "put this `text` into the mail")
	apply := program.ApplyFlag(flags)
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
	if unread := addresslist.Unread(entries, "roles", "stacks"); len(unread) > 0 {
		program.Say(stderr, "%s: columns that are not read: %q", name, unread)
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
	result, err := client.Invite(ctx, orgusers.InviteRequest{Invitees: invitees, Message: *message, DryRun: !*apply, Progress: progress.Set})
	progress.Clear()
	report := outcomes.New(!*apply, "EMAIL", "ROLES", "STACKS")
	for i, o := range result.Outcomes { // one for each entry: no address is given twice
		var roles, stacks string
		if o.Status != orgusers.AlreadyMember && o.Status != orgusers.AlreadyPending {
			roles, stacks = everybody.given(entries[i])
		}
		report.Add(outcome(o), "invited", o.Email, roles, stacks)
	}
	return report.Finish(name, stdout, stderr, err)
}

// outcome is an invitation's outcome as that of any action. Those who are there
// already keep their own words.
func outcome(o orgusers.InviteOutcome) orgusers.Outcome {
	status := orgusers.OutcomeStatus(o.Status)
	if o.Status == orgusers.Invited {
		status = orgusers.OutcomeDone
	}
	return orgusers.Outcome{Email: o.Email, Status: status, Reason: o.Reason, Err: o.Err}
}
