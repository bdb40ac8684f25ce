package orgusers

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// SendPasswordReset mails somebody the instructions for a new password. It
// works for locked accounts too, and says nothing of whether there is such an
// account. Something that is no address is [ErrRefused]. Where the answer was
// lost the error is [ErrOutcomeUnknown].
//
// It sends POST /user/forgot_password, without credentials (documented).
func (c *Client) SendPasswordReset(ctx context.Context, email string) error {
	wanted, err := addresses([]string{email})
	if err != nil {
		return opSendPasswordReset.refused("%w", err)
	}
	type user struct {
		Email string `json:"email"`
	}
	body := struct {
		User user `json:"user"`
	}{user{wanted[0]}}
	_, err = c.do(ctx, opSendPasswordReset, input{body: body}, nil)
	return err
}

// UnlockUsers unlocks accounts that are locked after failed logins. As in the
// product it does not apply to users who belong to several organizations or
// are not locked; whether the outcome tells so depends on the route, and a dry
// run cannot foretell it.
//
// The API has no public request for it: it sends what [WithEndpoints] gives, and
// is [ErrNoEndpoint] without. Guards and outcomes are those of
// [Client.RemoveUsers]; whoever is no member is skipped. Where an answer was
// lost, the outcome is unknown, for nothing shows it.
func (c *Client) UnlockUsers(ctx context.Context, emails []string, opts *BulkOptions) (*BulkResult, error) {
	return c.accounts(ctx, "UnlockUsers", c.config.routes.Unlock, emails, opts)
}

// ResetMFA resets multi-factor authentication; the users get mail with a link.
//
// Request, guards and outcomes are as with [Client.UnlockUsers].
func (c *Client) ResetMFA(ctx context.Context, emails []string, opts *BulkOptions) (*BulkResult, error) {
	return c.accounts(ctx, "ResetMFA", c.config.routes.ResetMFA, emails, opts)
}

// ForcePasswordReset makes users choose a new password at their next login;
// they get mail.
//
// Request, guards and outcomes are as with [Client.UnlockUsers].
func (c *Client) ForcePasswordReset(ctx context.Context, emails []string, opts *BulkOptions) (*BulkResult, error) {
	return c.accounts(ctx, "ForcePasswordReset", c.config.routes.ForcePasswordReset, emails, opts)
}

// EndSessions logs users out at once. As in the product it does not apply to
// users who belong to several organizations or have no session; whether the
// outcome tells so depends on the route, and a dry run cannot foretell it.
//
// Request, guards and outcomes are as with [Client.UnlockUsers].
func (c *Client) EndSessions(ctx context.Context, emails []string, opts *BulkOptions) (*BulkResult, error) {
	return c.accounts(ctx, "EndSessions", c.config.routes.EndSessions, emails, opts)
}

func (c *Client) accounts(ctx context.Context, name string, route Endpoint, emails []string, opts *BulkOptions) (*BulkResult, error) {
	op := route.operation(name)
	if !route.isSet() {
		return &BulkResult{}, fmt.Errorf("orgusers: %s: %w", name, ErrNoEndpoint)
	}
	targets, _, err := c.targets(ctx, op, emails)
	if err != nil {
		return &BulkResult{}, err
	}
	skip(targets, members)
	b := &bulk{client: c, op: op, send: func(ctx context.Context, batch []*target) error {
		return c.sendRoute(ctx, op, route, nil, batch)
	}}
	b.run(ctx, targets, opts.orDefault())
	return b.result(targets)
}

// sendRoute sends a batch to a route, and decides what its answer tells.
func (c *Client) sendRoute(ctx context.Context, op *operation, route Endpoint, roleUIDs []string, batch []*target) error {
	request := EndpointRequest{RoleUIDs: roleUIDs}
	for _, t := range batch {
		request.Emails = append(request.Emails, t.sentAs())
	}
	body, err := route.encode(request)
	if err != nil {
		return op.invalid(fmt.Errorf("the route's Encode: %w", err))
	}
	if route.Decode == nil {
		_, err := c.do(ctx, op, input{body: body}, nil)
		return err
	}
	var answer json.RawMessage
	if _, err := c.do(ctx, op, input{body: body}, &answer); err != nil {
		return err
	}
	outcomes, err := route.Decode(answer)
	if err != nil {
		return fmt.Errorf("orgusers: %s: the route's Decode: %w: %w", op.name, ErrOutcomeUnknown, err)
	}
	byEmail := make(map[string]Outcome, len(outcomes))
	for _, outcome := range outcomes {
		byEmail[strings.ToLower(outcome.Email)] = outcome
	}
	for _, t := range batch {
		outcome, told := byEmail[strings.ToLower(t.sentAs())]
		if !told {
			continue
		}
		switch outcome.Status {
		case OutcomeDone, OutcomeSkipped:
		case OutcomeFailed:
			outcome.Err = cmp.Or(outcome.Err, errors.New("orgusers: "+op.name+": the server did not do it"))
		default:
			outcome.Status = OutcomeUnknown
			outcome.Err = fmt.Errorf("orgusers: %s: %w: the answer does not tell whether it was done", op.name, ErrOutcomeUnknown)
		}
		t.decide(outcome.Status, outcome.Reason, outcome.Err)
	}
	return nil
}

// Endpoint is a request for an action of the product that has no public one. An
// answer of 4xx is taken to mean that nothing was done for any of the users.
type Endpoint struct {
	// Method is POST if empty.
	Method string
	// Path is below the base URL and holds {organization_uid}:
	// "/v3/organizations/{organization_uid}/…".
	Path string
	// Encode makes the body, which is sent as JSON. Default: an object with
	// the addresses under "emails", and for UpdateRoles the uids under "roles".
	Encode func(EndpointRequest) (any, error)
	// Decode reads from an answer of 2xx what became of each address: done,
	// skipped, failed, and anything else is unknown. One that it leaves out is
	// taken as done. Default: all are done. UpdateRoles reads back in any case.
	Decode func(answer []byte) ([]Outcome, error)
}

// EndpointRequest is what a route is asked to do, for ten users at most.
type EndpointRequest struct {
	// Emails are the addresses, of users who are in the organization.
	Emails []string
	// RoleUIDs are the organization roles to have, for UpdateRoles alone.
	RoleUIDs []string
}

// Endpoints are the requests for actions that have no public one. The vendor
// documents what these actions do and not how to ask for them; this package
// does not guess. A route that is not set leaves its method at [ErrNoEndpoint].
// The fake of package orguserstest brings routes of its own.
type Endpoints struct {
	Unlock, ResetMFA, ForcePasswordReset, EndSessions Endpoint
	// UpdateRoles replaces the documented request of [Client.UpdateRoles].
	UpdateRoles Endpoint
}

// WithEndpoints gives the requests for actions that have no public one.
func WithEndpoints(r Endpoints) Option {
	return func(c *config) error {
		for _, route := range []struct {
			name  string
			route Endpoint
		}{
			{"Unlock", r.Unlock},
			{"ResetMFA", r.ResetMFA},
			{"ForcePasswordReset", r.ForcePasswordReset},
			{"EndSessions", r.EndSessions},
			{"UpdateRoles", r.UpdateRoles},
		} {
			if err := route.route.check(); err != nil {
				return fmt.Errorf("the route %s: %w", route.name, err)
			}
		}
		c.routes = r
		return nil
	}
}

func (r Endpoint) isSet() bool {
	return r.Method != "" || r.Path != "" || r.Encode != nil || r.Decode != nil
}

func (r Endpoint) check() error {
	if !r.isSet() {
		return nil
	}
	if err := checkMethod(r.Method); err != nil {
		return err
	}
	if err := checkTemplate(r.Path); err != nil {
		return err
	}
	if strings.Count(r.Path, "{") != 1 || !strings.Contains(r.Path, "/{organization_uid}") {
		return errors.New("the path must hold {organization_uid}, and nothing else in braces")
	}
	return nil
}

// operation makes the operation of a route. What it does is not known, so it
// is a write, and never repeated where it may have been done.
func (r Endpoint) operation(name string) *operation {
	op := &operation{name: name, method: r.Method, path: r.Path, write: true, bulk: true}
	if op.method == "" {
		op.method = http.MethodPost
	}
	return op
}

func (r Endpoint) encode(request EndpointRequest) (any, error) {
	if r.Encode != nil {
		return r.Encode(request)
	}
	return struct {
		Emails []string `json:"emails"`
		Roles  []string `json:"roles,omitempty"`
	}{request.Emails, request.RoleUIDs}, nil
}
