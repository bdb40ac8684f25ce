// Command unlock helps users back into their accounts, and others out of them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/addresslist"
	"github.com/orgusers/orgusers/examples/internal/outcomes"
	"github.com/orgusers/orgusers/examples/internal/program"
)

const (
	name  = "unlock"
	about = `unlocks accounts of a Contentstack organization, resets their second
factor or password, and ends their sessions. It is a dry run until -apply is
given. Several actions can be asked for at once; they are taken one after the
other, and none if one of them cannot be.

  unlock -unlock -email arjun.cohen@example.com
  unlock -password-mail -file people.csv -apply
  unlock -force-password-reset -end-sessions -file leaked.txt -routes routes.json -apply

A dry run cannot tell everything: who is not locked, say, is found and skipped
when it comes to that. Only members are helped, and the owner and you yourself
only with -password-mail: for everything else a list with one of them is refused.

The API has a public request for -password-mail and for none of the other
actions. For a real organization, requests that you know of come from the file
of -routes, each with {organization_uid} in its path. They are sent with a body
{"emails":[…]}, for ten addresses at a time, and everybody in one that is
answered with success counts as done.

  {
    "unlock":               {"method": "POST", "path": "/v3/organizations/{organization_uid}/…"},
    "reset_mfa":            {"method": "POST", "path": "…"},
    "force_password_reset": {"method": "POST", "path": "…"},
    "end_sessions":         {"method": "POST", "path": "…"}
  }

Those of the program fakeserver are in fakeserver -h.

` + addresslist.Help + `
` + outcomes.Help + `Each status is done, skipped, failed, unknown or "not started".

` + program.Environment
)

func main() { program.Main(name, outcomes.OrNothingSent(run)) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := program.NewFlags(name, about)
	organization := program.OrganizationFlags(flags)
	whom := addresslist.Flags(flags)
	asked := actionFlags(flags)
	routesFile := flags.String("routes", "", "read the requests for actions that have no public one from this JSON `file`")
	apply := program.ApplyFlag(flags)
	asJSON := outcomes.JSONFlag(flags)
	if err := program.Parse(flags, args, stdout); err != nil {
		return err
	}
	actions := asked.picked()
	switch {
	case len(actions) == 0:
		return program.Misuse("there is nothing to do: give one or more of %s", asked.names())
	case !whom.IsSet():
		return program.Misuse("there is nobody to do it for: give -email or -file")
	}
	people, err := whom.Once(ctx)
	if err != nil {
		return err
	}
	var options []orgusers.Option
	if *routesFile != "" {
		routes, err := readRoutes(*routesFile)
		if err != nil {
			return err
		}
		options = append(options, orgusers.WithEndpoints(routes))
	}
	client, closeFake, err := organization.Open(stderr, options...)
	if err != nil {
		return err
	}
	defer closeFake()

	emails := addresslist.Emails(people)
	foretold, err := rehearse(ctx, client, actions, emails)
	if err != nil || !*apply {
		return report(true, actions, foretold).Finish(name, *asJSON, stdout, stderr, whom.Refusal(people, err))
	}
	progress := program.NewProgress(name, "users", stderr)
	defer progress.Clear()
	results, err := perform(ctx, client, actions, emails, progress)
	progress.Clear()
	return report(false, actions, results).Finish(name, *asJSON, stdout, stderr, err)
}

// rehearse foretells the outcomes of all actions.
func rehearse(ctx context.Context, client *orgusers.Client, actions []*action, emails []string) ([]*orgusers.BulkResult, error) {
	var results []*orgusers.BulkResult
	for _, a := range actions {
		result, err := a.run(ctx, client, emails, &orgusers.BulkOptions{DryRun: true})
		if errors.Is(err, orgusers.ErrNoEndpoint) {
			return nil, program.Misuse("-%s: %w; this program takes it from -routes", a.flag, err)
		}
		if err != nil {
			return nil, fmt.Errorf("-%s: %w", a.flag, err)
		}
		results = append(results, result)
	}
	return results, nil
}

// perform takes all actions, one after the other.
func perform(ctx context.Context, client *orgusers.Client, actions []*action, emails []string, progress *program.Progress) ([]*orgusers.BulkResult, error) {
	var results []*orgusers.BulkResult
	var errs []error
	for i, a := range actions {
		result, err := a.run(ctx, client, emails, &orgusers.BulkOptions{Progress: func(done, total int) {
			progress.Set(i*total+done, len(actions)*total)
		}})
		results = append(results, result)
		errs = append(errs, err)
	}
	return results, errors.Join(errs...)
}

// row is what became of one action for one address.
type row struct {
	Email  string `json:"email"`
	Action string `json:"action"`
	outcomes.Outcome
}

// Cells are what the table says of a row.
func (r *row) Cells() []string { return []string{r.Email, r.Action} }

func report(dryRun bool, actions []*action, results []*orgusers.BulkResult) *outcomes.Report {
	r := outcomes.New(dryRun, "EMAIL", "ACTION")
	switch mails := slices.ContainsFunc(actions, func(a *action) bool { return a.mails }); {
	case !mails:
		r.IfUnknown = "what is unknown may have been done: run it again, which mails nobody"
	case len(actions) == 1:
		r.IfUnknown = "what is unknown may have been done: run it again only for those who got no mail"
	default:
		r.IfUnknown = "what is unknown may have been done: run that action again, alone, and one that mails only for those who got no mail"
	}
	for i, result := range results {
		for _, o := range result.Outcomes {
			r.Add(&row{o.Email, actions[i].flag, r.Outcome(o, "done")})
		}
	}
	return r
}
