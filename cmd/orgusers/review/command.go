// Command accessreview writes an access review of an organization's users: a
// page that an auditor can read, or the same as JSON.
package main

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/accessreview/internal/page"
	"github.com/orgusers/orgusers/examples/accessreview/internal/review"
	"github.com/orgusers/orgusers/examples/internal/program"
)

const (
	name  = "accessreview"
	about = `writes an access review of a Contentstack organization: a page of HTML with
the members by role, when they were last seen, who has MFA, the pending
invitations, the administrators, what somebody should look at, and all users.

  accessreview -o review.html -data review.json
  accessreview -json -o review.json

The page is one file, and needs no network: no script, style, font or picture
comes from anywhere else. Tables can be sorted and searched, and are printed
whole. The page is personal data: it has the names and addresses of everybody
in the organization. Only you can read the file; give it to those alone who
review, keep it as long as your rules for evidence say, and then delete it.

` + program.Environment
)

func main() { program.Main(name, run) }

// request is what the command line asks for.
type request struct {
	output *program.Output
	asJSON *bool
	data   *dataFile
	madeUp bool
	policy review.Policy
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := program.NewFlags(name, about)
	organization := program.OrganizationFlags(flags)
	asked := request{output: program.OutputFlag(flags), madeUp: organization.IsFake(), policy: review.DefaultPolicy()}
	asked.asJSON = program.JSONFlag(flags, "write the same data as JSON instead of the page")
	asked.data = dataFlag(flags)
	flags.IntVar(&asked.policy.NotSeenFor, "not-seen-for", asked.policy.NotSeenFor, "point out members whose last login is this many `days` ago or longer")
	flags.IntVar(&asked.policy.PendingFor, "pending-for", asked.policy.PendingFor, "point out invitations that have been pending for this many `days` or longer")
	domains := program.Words(flags, "domain", "the organization's own `domain`, or several separated by commas; can be given again; addresses of others are pointed out, and without this flag those of rare domains")
	roles := program.Words(flags, "privileged-role", "treat whoever has this organization `role` as an administrator too, or several separated by commas; can be given again; a name or uid")
	if err := program.Parse(flags, args, stdout); err != nil {
		return err
	}
	asked.policy.Domains, asked.policy.PrivilegedRoles = *domains, *roles
	if err := asked.check(); err != nil {
		return err
	}
	client, closeFake, err := organization.Open(stderr)
	if err != nil {
		return err
	}
	defer closeFake()

	started := time.Now()
	var report *review.Report
	if err := asked.data.begin(); err != nil {
		return err
	}
	defer asked.data.forget()
	err = asked.output.Write(stdout, func(w io.Writer) error {
		source, err := asked.read(ctx, client, started, stderr)
		if err != nil {
			return err
		}
		report = review.New(source, asked.policy)
		return asked.write(w, report)
	})
	if err != nil {
		return err
	}
	if err := asked.data.finish(); err != nil {
		return err
	}
	program.Say(stderr, "%s: %d users, %d of them pending; %d to look at; to %s; %.1f s",
		name, report.Totals.Users, report.Totals.Pending, report.Totals.WithFindings, asked.output, time.Since(started).Seconds())
	return nil
}

// mostDays is a hundred years.
const mostDays = 36500

func (r *request) check() error {
	for flag, days := range map[string]int{"not-seen-for": r.policy.NotSeenFor, "pending-for": r.policy.PendingFor} {
		if days < 1 || days > mostDays {
			return program.Misuse("-%s %d: it is a number of days, 1 to %d", flag, days, mostDays)
		}
	}
	for _, domain := range r.policy.Domains {
		if strings.ContainsAny(domain, "@ *") {
			return program.Misuse("-domain %q: it is what stands behind the @ of addresses, such as example.com", domain)
		}
	}
	if *r.asJSON && r.data.file != nil {
		return program.Misuse("-data is for the JSON beside the page, and with -json there is no page: leave one out")
	}
	if err := r.output.Check(); err != nil {
		return err
	}
	return r.data.check(r.output)
}

func (r *request) write(w io.Writer, report *review.Report) error {
	if *r.asJSON {
		return program.WriteJSON(w, report)
	}
	sum, err := r.data.write(report)
	if err != nil {
		return err
	}
	return page.Write(w, report, sum)
}

// knowRoles refuses a role of -privileged-role that there is not: nobody would
// be pointed out for it, and nobody would notice.
func (r *request) knowRoles(roles []*orgusers.Role) error {
	for _, asked := range r.policy.PrivilegedRoles {
		var names []string
		known := slices.ContainsFunc(roles, func(role *orgusers.Role) bool {
			names = append(names, role.Name)
			return strings.EqualFold(asked, strings.TrimSpace(role.Name)) || strings.EqualFold(asked, role.UID)
		})
		if !known {
			return program.WrongInput("-privileged-role %q: there is no such organization role; there are %q", asked, names)
		}
	}
	return nil
}

// read reads everything before anything is written.
func (r *request) read(ctx context.Context, client *orgusers.Client, at time.Time, stderr io.Writer) (*review.Source, error) {
	source := &review.Source{API: client.BaseURL(), TakenAt: at, MadeBy: name + " " + version(), MadeUp: r.madeUp}
	var err error
	if source.Organization, err = client.GetOrganization(ctx, nil); err != nil {
		return nil, err
	}
	if source.TakenBy, err = client.GetCurrentUser(ctx); err != nil {
		return nil, err
	}
	for role, err := range client.Roles(ctx) {
		if err != nil {
			return nil, err
		}
		source.Roles = append(source.Roles, role)
	}
	if err := r.knowRoles(source.Roles); err != nil {
		return nil, err
	}
	progress := program.NewProgress(name, "users", stderr)
	defer progress.Clear()
	for user, err := range client.Users(ctx, nil) {
		if err != nil {
			return nil, err
		}
		source.Users = append(source.Users, user)
		progress.Set(len(source.Users), -1)
	}
	// One more request, because a sequence does not tell what the server counts.
	page, err := client.ListUsers(ctx, &orgusers.ListUsersOptions{PageSize: 1})
	if err != nil {
		return nil, err
	}
	source.ServerCount, source.ReadingEnded = page.Count, time.Now()
	return source, nil
}
