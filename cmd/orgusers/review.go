package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/cmd/orgusers/review"
)

// reviewFlags are the flags of review.
type reviewFlags struct {
	policy               review.Policy
	allowUnread          bool
	outputFile, dataFile string
}

func newReviewCommand(t *tool) *cobra.Command {
	f := &reviewFlags{policy: review.DefaultPolicy()}
	cmd := &cobra.Command{
		Use:   "review",
		Short: "Write an access review: a page of HTML, or JSON",
		Long: `Write an access review: who has access to the organization and its stacks, what
it comes through, and which users need a look. It is a page of HTML, or JSON with
--output json.

The page is one file that needs no network. Tables can be searched, filtered,
sorted and printed. On the page, users can be ticked as Keep or Remove; the saved
list is for 'orgusers users remove --file'.

The page is personal data. Give it only to the reviewers.`,
		Example: `  orgusers review -o review.html --data review.json
  orgusers review --output json -o review.json`,
		Args: noArgs,
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.outputFile, "output-file", "o", "", "write to this `file`, which only you can read, instead of stdout")
	flags.StringVar(&f.dataFile, "data", "", "also write the JSON to this `file`; the page has its SHA-256")
	flags.IntVar(&f.policy.NotSeenFor, "not-seen-for", f.policy.NotSeenFor, "list members who were last seen at least so many `days` ago")
	flags.IntVar(&f.policy.PendingFor, "pending-for", f.policy.PendingFor, "list invitations that have been pending for at least so many `days`")
	flags.StringSliceVar(&f.policy.Domains, "domain", nil, "the organization's own `domains`; addresses of others are listed (default: addresses of rare domains are listed)")
	flags.StringSliceVar(&f.policy.PrivilegedRoles, "privileged-role", nil, "organization `roles`, by name or uid, that count as administrator roles too")
	flags.BoolVar(&f.allowUnread, "allow-unread", false, "continue if the roles of a stack cannot be read, and name the stack")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return t.writeReview(cmd.Context(), f) }
	return cmd
}

func (t *tool) writeReview(ctx context.Context, f *reviewFlags) error {
	if err := f.check(t.output); err != nil {
		return err
	}
	page, err := newOutputFile("--output-file "+f.outputFile, f.outputFile)
	if err != nil {
		return err
	}
	defer page.discard()
	data, err := newOutputFile("--data "+f.dataFile, f.dataFile)
	if err != nil {
		return err
	}
	defer data.discard()
	if page != nil && data != nil && page.target == data.target {
		return badInput("--data %s: is the file of --output-file", f.dataFile)
	}
	o, err := t.open(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	source, err := readReview(ctx, o, f)
	if err != nil {
		return err
	}
	report := review.New(source, f.policy)
	var text, document bytes.Buffer
	into := *t
	into.stdout = &document
	if err := into.writeJSON(o, map[string]any{"review": report}); err != nil {
		return err
	}
	switch {
	case t.output == "json":
		text = document
	case data == nil:
		err = review.WritePage(&text, report, "")
	default:
		sum := sha256.Sum256(document.Bytes())
		err = review.WritePage(&text, report, hex.EncodeToString(sum[:]))
	}
	if err != nil {
		return err
	}
	// The data first: only a rename of the page is left to do.
	if err := errors.Join(page.write(text.Bytes()), data.write(document.Bytes())); err != nil {
		return err
	}
	if page == nil {
		if _, err := t.stdout.Write(text.Bytes()); err != nil {
			return err
		}
	}
	if err := errors.Join(data.rename(), page.rename()); err != nil {
		return err
	}
	t.note("%s, %d of them pending; %d to look at; to %s", count(report.Totals.Users, "user"), report.Totals.Pending, report.Totals.WithFindings, cmp.Or(f.outputFile, "stdout"))
	return nil
}

// check checks the flags before anything is read.
func (f *reviewFlags) check(output string) error {
	const mostDays = 36500 // a hundred years
	for _, days := range []struct {
		flag string
		n    int
	}{{"--not-seen-for", f.policy.NotSeenFor}, {"--pending-for", f.policy.PendingFor}} {
		if days.n < 1 || days.n > mostDays {
			return badInput("%s %d: want a number of days from 1 to %d", days.flag, days.n, mostDays)
		}
	}
	for _, domain := range f.policy.Domains {
		if domain == "" || strings.ContainsAny(domain, "@ *") {
			return badInput("--domain %q: want the part of addresses after the @, such as example.com", domain)
		}
	}
	switch {
	case output == "csv":
		return badInput("--output csv: the review is a page of HTML, or JSON with --output json")
	case output == "json" && f.dataFile != "":
		return badInput("--data is the JSON next to the page: leave out that or --output json")
	case output != "json" && f.outputFile == "" && isTerminal(os.Stdout):
		return badInput("the page is HTML: give the name of a file with -o")
	}
	return nil
}

// readReview reads everything that the review needs.
func readReview(ctx context.Context, o *organization, f *reviewFlags) (*review.Source, error) {
	source := &review.Source{Service: o.client.BaseURL(), ReadAt: time.Now(), MadeBy: "orgusers " + version(), Fake: o.fake}
	var err error
	if source.Organization, err = o.client.GetOrganization(ctx, nil); err != nil {
		return nil, err
	}
	if source.ReadBy, err = o.client.GetCurrentUser(ctx); err != nil {
		return nil, err
	}
	if source.Roles, err = orgusers.Collect(o.client.Roles(ctx)); err != nil {
		return nil, err
	}
	if err := f.checkRoles(source.Roles); err != nil {
		return nil, err
	}
	source.Access, err = orgusers.Collect(o.client.Access(ctx, &orgusers.AccessOptions{AllowUnread: f.allowUnread}))
	if err != nil {
		return nil, err
	}
	page, err := o.client.ListUsers(ctx, &orgusers.ListUsersOptions{PageSize: 1}) // for the server's count
	if err != nil {
		return nil, err
	}
	source.ServerCount, source.ReadUntil = page.Count, time.Now()
	return source, nil
}

// checkRoles refuses an unknown role of --privileged-role: its rules would find no users.
func (f *reviewFlags) checkRoles(roles []*orgusers.Role) error {
	for _, wanted := range f.policy.PrivilegedRoles {
		var names []string
		known := slices.ContainsFunc(roles, func(role *orgusers.Role) bool {
			names = append(names, role.Name)
			return strings.EqualFold(wanted, strings.TrimSpace(role.Name)) || strings.EqualFold(wanted, role.UID)
		})
		if !known {
			return badInput("--privileged-role %q: the organization has no such role; it has %q", wanted, names)
		}
	}
	return nil
}
