package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/orgusers/orgusers"
)

func newDoctorCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check the service, the token, the organization and your rights",
		Long: `Check the service, the token, the organization and your rights. It only reads.

With --contract it writes, as JSON, the form of this organization's responses
if that form is not documented: types and known names of fields, never a value.
docs/operations.md says how to send the result to the project.`,
		Args: noArgs,
	}
	contract := cmd.Flags().Bool("contract", false, "write the forms of responses that are not documented")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		seen := &recorder{next: newTransport(), bodies: *contract}
		o, err := t.openAccount(cmd.Context(),
			orgusers.WithHTTPClient(&http.Client{Transport: seen, Timeout: 30 * time.Second}),
			orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 2, MaxRetryAfter: 10 * time.Second}))
		if err != nil {
			return err
		}
		defer o.close()
		if *contract {
			return t.writeContract(cmd.Context(), o, seen)
		}
		d := &doctor{o: o, seen: seen}
		d.examine(cmd.Context())
		if err := writeList(t, o, "checks", d.checks, []column[check]{
			{"Check", func(c check) string { return c.Check }},
			{"Status", func(c check) string { return c.Status }},
			{"Detail", func(c check) string { return c.Detail }},
		}); err != nil {
			return err
		}
		if d.failed > 0 {
			return fmt.Errorf("%d of %d checks failed", d.failed, len(d.checks))
		}
		return nil
	}
	return cmd
}

func newTransport() http.RoundTripper {
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	return transport.Clone()
}

// recorder keeps the last response to each operation.
type recorder struct {
	next   http.RoundTripper
	bodies bool

	mu   sync.Mutex
	last map[string]recorded
}

type recorded struct {
	status int
	header http.Header
	body   []byte
}

// RoundTrip sends a request and keeps the response.
func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := r.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	kept := recorded{status: response.StatusCode, header: response.Header}
	if r.bodies {
		kept.body, err = io.ReadAll(io.LimitReader(response.Body, 8<<20))
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(kept.body), response.Body), response.Body}
	}
	attempt, _ := orgusers.AttemptFromContext(request.Context())
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		r.last = map[string]recorded{}
	}
	r.last[attempt.Op] = kept
	return response, err
}

// check is a result of the doctor.
type check struct {
	Check  string `json:"check"`
	Status string `json:"status"` // ok, warning, failed
	Detail string `json:"detail"`
}

type doctor struct {
	o      *organization
	seen   *recorder
	checks []check
	failed int
}

func (d *doctor) add(name, status, format string, args ...any) {
	d.checks = append(d.checks, check{name, status, fmt.Sprintf(format, args...)})
	if status == "failed" {
		d.failed++
	}
}

// examine makes the checks in order. It ends early if the others would fail for
// the same reason.
func (d *doctor) examine(ctx context.Context) {
	d.add("credentials", "ok", "from %s", d.o.from)
	base := d.o.client.BaseURL()
	if proxy := proxyOf(base); proxy != "" {
		d.add("proxy", "ok", "requests go through %s", proxy)
	} else {
		d.add("proxy", "ok", "none")
	}
	account, err := d.o.client.GetCurrentUser(ctx)
	if failure, ok := errors.AsType[*orgusers.Error](err); ok && failure.StatusCode == 0 {
		d.add("service", "failed", "%s: %s", base, strings.TrimSuffix(explain(err), orRunDoctor))
		return
	}
	d.add("service", "ok", "%s responds", base)
	if err != nil {
		d.add("token", "failed", "%s", explain(err))
		return
	}
	d.add("token", "ok", "of %s", account.Email)
	if d.o.uid == "" {
		d.add("organization", "failed", "none: give --org UID; 'orgusers organizations list' shows the uids")
		return
	}
	d.examineOrganization(ctx, account)
	d.add("rate limits", "ok", "%s", d.rateHeaders())
}

func (d *doctor) examineOrganization(ctx context.Context, account *orgusers.CurrentUser) {
	client := d.o.client
	organization, err := client.GetOrganization(ctx, &orgusers.OrganizationOptions{IncludePlan: true})
	if err != nil {
		d.add("organization", "failed", "%s", explain(err))
		return
	}
	if at := organization.ExpiresOn; !at.IsZero() && at.Before(time.Now()) {
		d.add("organization", "warning", "%q (%s) expired on %s", organization.Name, organization.UID, formatTime(at))
	} else {
		d.add("organization", "ok", "%q (%s)", organization.Name, organization.UID)
	}
	m := membershipOf(account, d.o.uid)
	switch {
	case m == nil:
		d.add("rights", "warning", "the account does not list this organization")
	case mayAdminister(m):
		d.add("rights", "ok", "may administer: %s", strings.Join(rolesOf(m), ", "))
	default:
		d.add("rights", "warning", "may not administer: the roles are %q; changes need the owner or an administrator", rolesOf(m))
	}
	if page, err := client.ListUsers(ctx, &orgusers.ListUsersOptions{PageSize: 1}); err != nil {
		d.add("users", "failed", "%s", explain(err))
	} else if page.Count < 0 {
		d.add("users", "ok", "can be read; the server does not say how many there are")
	} else {
		d.add("users", "ok", "%s, with invitations", count(page.Count, "user"))
	}
	if teams, err := orgusers.Collect(client.Teams(ctx, nil)); err != nil {
		d.add("teams", "warning", "%s", explain(err))
	} else {
		d.add("teams", "ok", "%s", count(len(teams), "team"))
	}
	for stack, err := range client.Stacks(ctx, nil) {
		if err == nil {
			for _, err = range client.StackRoles(ctx, stack.APIKey) {
				break
			}
		}
		if err != nil {
			d.add("stacks", "warning", "%s", explain(err))
		}
		break
	}
	for _, limit := range planLimits(organization.Plan) {
		d.add(strings.ToLower(limit[0][:1])+limit[0][1:], "ok", "%s", limit[1])
	}
}

func mayAdminister(m *orgusers.Membership) bool {
	for _, role := range m.Roles {
		if role.Admin {
			return true
		}
	}
	return m.Owner
}

// rateHeaders says which responses had the limit in a header.
func (d *doctor) rateHeaders() string {
	var with, without []string
	for _, op := range []string{"GetCurrentUser", "ListUsers", "StackRoles"} {
		kept, sent := d.seen.last[op]
		limit := kept.header.Get("X-RateLimit-Limit")
		switch {
		case !sent:
		case limit == "":
			without = append(without, op)
		default:
			with = append(with, op+" "+limit)
		}
	}
	if len(with) == 0 {
		return "no response has a header with the limit: the tool keeps to 10 reads and 10 writes a second"
	}
	return fmt.Sprintf("headers: %s; none: %s", strings.Join(with, ", "), strings.Join(without, ", "))
}

// proxyOf returns the host of the proxy for a URL, without credentials.
func proxyOf(base string) string {
	target, err := url.Parse(base)
	if err != nil {
		return ""
	}
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: target})
	if err != nil || proxy == nil {
		return ""
	}
	return proxy.Host
}
