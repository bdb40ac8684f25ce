// Command offboard removes users from an organization.
package main

import (
	"context"
	"io"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/addresslist"
	"github.com/orgusers/orgusers/examples/internal/lastseen"
	"github.com/orgusers/orgusers/examples/internal/outcomes"
	"github.com/orgusers/orgusers/examples/internal/program"
)

const (
	name  = "offboard"
	about = `removes users from a Contentstack organization. It is a dry run until
-apply is given; then it shows whom it is going to remove, and asks for the
organization's name to be typed.

  offboard -not-seen-for 365
  offboard -email ada@example.com -apply
  offboard -file leavers.csv -apply -yes

They lose every stack of the organization, and keep their accounts. Addresses
that are given are removed whether they are members or pending invitations;
-not-seen-for finds members, and with -pending also invitations that have been
pending for so many days. The owner and you yourself cannot be removed:
-not-seen-for leaves both out, and a list with one of them is refused.

` + addresslist.Help + `
` + outcomes.Help + `Each status is removed, skipped, failed, unknown or "not started".

` + program.Environment
)

func main() { program.Main(name, outcomes.OrNothingSent(run)) }

// request is what the command line asks for.
type request struct {
	leavers    *addresslist.List
	notSeenFor *lastseen.Rule
	pending    bool
	apply, yes *bool
	asJSON     *bool
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := program.NewFlags(name, about)
	organization := program.OrganizationFlags(flags)
	asked := request{leavers: addresslist.Flags(flags), notSeenFor: lastseen.Flag(flags, "remove members"), apply: program.ApplyFlag(flags), asJSON: outcomes.JSONFlag(flags)}
	flags.BoolVar(&asked.pending, "pending", false, "with -not-seen-for: also withdraw invitations that have been pending for so many days or longer")
	asked.yes = flags.Bool("yes", false, "with -apply: do not ask for the organization's name")
	if err := program.Parse(flags, args, stdout); err != nil {
		return err
	}
	if err := asked.check(); err != nil {
		return err
	}
	var given []*addresslist.Entry
	if asked.leavers.IsSet() {
		var err error
		if given, err = asked.leavers.Once(ctx); err != nil {
			return err
		}
	}
	client, closeFake, err := organization.Open(stderr)
	if err != nil {
		return err
	}
	defer closeFake()

	progress := program.NewProgress(name, "users", stderr)
	defer progress.Clear()
	found := &people{client: client, stderr: stderr, progress: progress}
	emails := addresslist.Emails(given)
	if asked.leavers.IsSet() {
		err = found.find(ctx, asked.leavers, given)
	} else {
		emails, err = found.notSeen(ctx, asked.notSeenFor, asked.pending, time.Now())
	}
	if err != nil {
		return err
	}
	progress.Clear()
	if len(emails) == 0 {
		return asked.nobody(stdout, stderr)
	}
	err = asked.remove(ctx, client, emails, found, stdout, stderr)
	return asked.leavers.Refusal(given, err)
}

func (r *request) check() error {
	switch {
	case r.leavers.IsSet() && r.notSeenFor.IsSet():
		return program.Misuse("-not-seen-for chooses whom to remove, and so do -email and -file: leave one out")
	case !r.leavers.IsSet() && !r.notSeenFor.IsSet():
		return program.Misuse("there is nobody to remove: give -email, -file or -not-seen-for")
	case r.pending && !r.notSeenFor.IsSet():
		return program.Misuse("-pending is for -not-seen-for; a pending invitation that is given is withdrawn without it")
	case *r.yes && !*r.apply:
		return program.Misuse("-yes answers the question of -apply: add that, or leave it out")
	case *r.apply && !*r.yes && r.leavers.FromStdin():
		return program.Misuse("-file - takes what is on stdin, so that the organization's name cannot be typed there: add -yes")
	}
	return nil
}

// nobody ends a search that found nobody to remove.
func (r *request) nobody(stdout, stderr io.Writer) error {
	program.Say(stderr, "%s: there is nobody to remove; nothing was sent", name)
	if !*r.asJSON {
		return nil
	}
	return outcomes.New(!*r.apply).WriteJSON(stdout)
}

// remove removes users, or shows whom it would remove.
func (r *request) remove(ctx context.Context, client *orgusers.Client, emails []string, found *people, stdout, stderr io.Writer) error {
	if !*r.apply || !*r.yes {
		foretold, err := client.RemoveUsers(ctx, emails, &orgusers.RemoveOptions{BulkOptions: orgusers.BulkOptions{DryRun: true}})
		report := found.report(true, foretold)
		if err != nil || !*r.apply || foretold.Count(orgusers.OutcomePlanned) == 0 {
			return report.Finish(name, *r.asJSON, stdout, stderr, err)
		}
		if err := report.WriteTable(stderr); err != nil {
			return err
		}
		if err := confirm(ctx, client, foretold.Count(orgusers.OutcomePlanned), stderr); err != nil {
			return err
		}
	}
	progress := program.NewProgress(name, "users", stderr)
	defer progress.Clear()
	result, err := client.RemoveUsers(ctx, emails, &orgusers.RemoveOptions{BulkOptions: orgusers.BulkOptions{Progress: progress.Set}})
	progress.Clear()
	return found.report(false, result).Finish(name, *r.asJSON, stdout, stderr, err)
}
