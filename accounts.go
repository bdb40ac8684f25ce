package orgusers

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/orgusers/orgusers/internal/transport"
)

// Endpoint is a request for an action of the product that has no public request. A
// response with a status of 400 to 407, 409 to 429 or 431 means that nothing was done
// for any of the users.
type Endpoint struct {
	// Method is the HTTP method. Default POST.
	Method string
	// Path is below the base URL and contains {organization_uid}:
	// "/v3/organizations/{organization_uid}/…".
	Path string
	// Encode returns the body, which is sent as JSON. Default: an object with the
	// addresses under "emails", and for UpdateRoles the uids under "roles".
	Encode func(EndpointRequest) (any, error)
	// Decode returns the outcomes in a response of 2xx: done, skipped or failed, with
	// words for people in Detail. An outcome with another status is unknown. An address
	// without an outcome is done; if Decode returns an address that was not sent, it is
	// unknown. Default: all are done. For UpdateRoles, done is confirmed by reading back.
	Decode func(response []byte) ([]Outcome, error)
}

// EndpointRequest is the content of one request to an endpoint, for at most ten
// users.
type EndpointRequest struct {
	// Emails are the addresses of members of the organization.
	Emails []string
	// RoleUIDs are the organization roles to set, for UpdateRoles only.
	RoleUIDs []string
}

// Endpoints are the requests for actions that have no public request. The vendor
// documents what these actions do, but not their requests, and this package does not
// guess them. If an endpoint is not set, its method returns [ErrNoEndpoint]. For the
// fake, use Server.Endpoints of package orguserstest.
type Endpoints struct {
	Unlock, ResetMFA, ForcePasswordReset, EndSessions Endpoint
	// UpdateRoles replaces the documented request of [Client.UpdateRoles].
	UpdateRoles Endpoint
}

// WithEndpoints supplies the requests for actions that have no public request. [New]
// returns [ErrInvalid] if a path does not contain {organization_uid} or is malformed.
func WithEndpoints(e Endpoints) Option {
	return func(c *config) error {
		for _, endpoint := range []struct {
			name     string
			endpoint Endpoint
		}{
			{"Unlock", e.Unlock},
			{"ResetMFA", e.ResetMFA},
			{"ForcePasswordReset", e.ForcePasswordReset},
			{"EndSessions", e.EndSessions},
			{"UpdateRoles", e.UpdateRoles},
		} {
			if err := endpoint.endpoint.check(); err != nil {
				return fmt.Errorf("the endpoint %s: %w", endpoint.name, err)
			}
		}
		c.endpoints = e
		return nil
	}
}

func (e Endpoint) isSet() bool {
	return e.Method != "" || e.Path != "" || e.Encode != nil || e.Decode != nil
}

func (e Endpoint) check() error {
	if !e.isSet() {
		return nil
	}
	if err := checkMethod(e.Method); err != nil {
		return err
	}
	if err := checkTemplate(e.Path); err != nil {
		return err
	}
	if strings.Count(e.Path, "{") != 1 || !strings.Contains(e.Path, "/{organization_uid}") {
		return errors.New("the path must contain {organization_uid}, and nothing else in braces")
	}
	return nil
}

// operation returns the operation of an endpoint: a bulk action that is never
// repeated if it may have been done.
func (e Endpoint) operation(name string) *operation {
	return &operation{name: name, method: cmp.Or(e.Method, http.MethodPost), path: e.Path, kind: transport.Bulk}
}

func (e Endpoint) encode(request EndpointRequest) (any, error) {
	if e.Encode != nil {
		return e.Encode(request)
	}
	return struct {
		Emails []string `json:"emails"`
		Roles  []string `json:"roles,omitempty"`
	}{request.Emails, request.RoleUIDs}, nil
}

// SendPasswordResets sends an email with instructions for a new password to members
// of the organization, also if the account is locked. Pending invitations and
// addresses that are not in the organization are skipped. The service does not
// confirm that it sent an email.
//
// It returns [ErrRefused] if the list is empty or an address is malformed. If the
// response was lost, the outcome is unknown ([ErrOutcomeUnknown]).
//
// It sends POST /user/forgot_password (documented) for each address, without
// credentials, after reading the addresses.
func (c *Client) SendPasswordResets(ctx context.Context, emails []string, opts *BulkOptions) (*BulkResult, error) {
	b := c.newBulk(opSendPasswordResets, emails, opts)
	b.resolve(ctx)
	b.skip(unlessMember)
	b.size = 1
	b.send = func(ctx context.Context, batch []*target) error {
		type user struct {
			Email string `json:"email"`
		}
		body := struct {
			User user `json:"user"`
		}{user{batch[0].address()}}
		return c.do(ctx, opSendPasswordResets, input{body: body}, nil)
	}
	return b.run(ctx)
}

// UnlockUsers unlocks accounts that are locked after failed logins. In the product it
// does not apply to users in several organizations, or to users who are not locked.
// Whether the outcome shows this depends on the endpoint; that of a dry run does not.
//
// The API has no public request for it. It sends the request of [WithEndpoints], for
// ten users at a time, and returns [ErrNoEndpoint] without one. Guards ([ErrRefused])
// and outcomes are those of [Client.RemoveUsers]; pending invitations are skipped. If
// the response was lost, the outcome is unknown, because it cannot be read back.
func (c *Client) UnlockUsers(ctx context.Context, emails []string, opts *BulkOptions) (*BulkResult, error) {
	return c.accountAction(ctx, "UnlockUsers", c.endpoints().Unlock, emails, opts, notOwner, notSelf)
}

// ResetMFA resets the MFA of users. Each user gets an email with a link.
//
// Request, guards and outcomes are those of [Client.UnlockUsers].
func (c *Client) ResetMFA(ctx context.Context, emails []string, opts *BulkOptions) (*BulkResult, error) {
	return c.accountAction(ctx, "ResetMFA", c.endpoints().ResetMFA, emails, opts, notOwner, notSelf, notProtected)
}

// ForcePasswordReset makes users choose a new password at the next login. Each user
// gets an email.
//
// Request, guards and outcomes are those of [Client.UnlockUsers].
func (c *Client) ForcePasswordReset(ctx context.Context, emails []string, opts *BulkOptions) (*BulkResult, error) {
	return c.accountAction(ctx, "ForcePasswordReset", c.endpoints().ForcePasswordReset, emails, opts, notOwner, notSelf, notProtected)
}

// EndSessions logs users out at once. In the product it does not apply to users in
// several organizations, or to users without a session. Whether the outcome shows
// this depends on the endpoint; that of a dry run does not.
//
// Request, guards and outcomes are those of [Client.UnlockUsers].
func (c *Client) EndSessions(ctx context.Context, emails []string, opts *BulkOptions) (*BulkResult, error) {
	return c.accountAction(ctx, "EndSessions", c.endpoints().EndSessions, emails, opts, notOwner, notSelf, notProtected)
}

func (c *Client) endpoints() Endpoints {
	if !c.made() {
		return Endpoints{}
	}
	return c.config.endpoints
}

func (c *Client) accountAction(ctx context.Context, name string, endpoint Endpoint, emails []string, opts *BulkOptions, guards ...guard) (*BulkResult, error) {
	b := c.newBulk(endpoint.operation(name), emails, opts)
	if c.made() && !endpoint.isSet() {
		b.abort(ReasonNoEndpoint, fmt.Errorf("orgusers: %s: %w", name, ErrNoEndpoint))
	}
	b.resolve(ctx, guards...)
	b.skip(unlessMember)
	b.send = func(ctx context.Context, batch []*target) error {
		return b.sendEndpoint(ctx, endpoint, nil, batch)
	}
	return b.run(ctx)
}

// sendEndpoint sends a batch to an endpoint, and decides the targets that its
// response has an outcome for, unless they are read back.
func (b *bulk) sendEndpoint(ctx context.Context, endpoint Endpoint, roleUIDs []string, batch []*target) error {
	body, err := endpoint.encode(EndpointRequest{Emails: addressesOf(batch), RoleUIDs: roleUIDs})
	if err != nil {
		for _, t := range batch {
			t.notStarted(ReasonNotSent, b.op.invalid(fmt.Errorf("the endpoint's Encode: %w", err)))
		}
		return nil
	}
	if endpoint.Decode == nil {
		return b.client.do(ctx, b.op, input{body: body}, nil)
	}
	var response endpointResponse
	if err := b.client.do(ctx, b.op, input{body: body}, &response); err != nil {
		return err
	}
	outcomes, err := endpoint.Decode(response.body)
	if err != nil {
		return fmt.Errorf("orgusers: %s: the endpoint's Decode: %w: %w", b.op.name, ErrOutcomeUnknown, err)
	}
	for _, t := range batch {
		outcome, ok := outcomeOf(t, batch, outcomes)
		if !ok || b.readBack != nil && outcome.Status == OutcomeDone {
			continue
		}
		outcome.Detail = response.clean(outcome.Detail)
		b.decideByEndpoint(t, outcome)
	}
	return nil
}

// endpointResponse is the response of an endpoint. The words in it may repeat the
// token, so they are cleaned before they are shown.
type endpointResponse struct {
	body  json.RawMessage
	clean func(string) string
}

func (r *endpointResponse) UnmarshalJSON(data []byte) error {
	return r.body.UnmarshalJSON(data)
}

// outcomeOf returns the outcome of a target in the response of an endpoint. It is
// one without a status if the response has an outcome that may be the target's in
// another spelling.
func outcomeOf(t *target, batch []*target, outcomes []Outcome) (Outcome, bool) {
	stray := false
	for _, outcome := range outcomes {
		if narrowKey(outcome.Email) == narrowKey(t.address()) {
			return outcome, true
		}
		stray = stray || !slices.ContainsFunc(batch, func(t *target) bool { return narrowKey(t.address()) == narrowKey(outcome.Email) })
	}
	return Outcome{}, stray
}

// decideByEndpoint decides a target by what the response of an endpoint says of it.
func (b *bulk) decideByEndpoint(t *target, outcome Outcome) {
	t.note(outcome.Detail)
	switch outcome.Status {
	case OutcomeDone:
		t.decide(OutcomeDone, "", nil)
	case OutcomeSkipped:
		t.decide(OutcomeSkipped, ReasonEndpoint, nil)
	case OutcomeFailed:
		err := outcome.Err
		if err == nil {
			err = fmt.Errorf("orgusers: %s: the server did not make the change", b.op.name)
		}
		t.decide(OutcomeFailed, ReasonEndpoint, err)
	default:
		t.decide(OutcomeUnknown, ReasonEndpoint, fmt.Errorf("orgusers: %s: %w: the response does not say whether the change was made", b.op.name, ErrOutcomeUnknown))
	}
}
