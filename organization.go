package orgusers

import (
	"cmp"
	"context"
	"encoding/json"
	"iter"
	"slices"
	"time"

	"github.com/orgusers/orgusers/internal/paging"
)

// Organization is an organization. Its token for a transfer of ownership is never
// decoded.
type Organization struct {
	UID      string `json:"uid,omitempty"`
	Name     string `json:"name,omitempty"`
	PlanID   string `json:"plan_id,omitempty"`
	OwnerUID string `json:"owner_uid,omitempty"`
	// Owner is true if the caller owns the organization.
	Owner bool `json:"owner,omitempty"`
	// TransferPending is true while an offered transfer of ownership is not accepted.
	TransferPending bool `json:"is_transfer_set,omitempty"`
	// TransferTo is the address that ownership was offered to.
	TransferTo     string    `json:"transfer_to,omitempty"`
	TransferSentAt time.Time `json:"transfer_sent_at,omitzero"`
	// ExpiresOn is the end of the subscription.
	ExpiresOn time.Time `json:"expires_on,omitzero"`
	// Enabled is false if the organization is switched off, or the server did not say.
	Enabled bool `json:"enabled,omitempty"`
	// OverUsageAllowed is true if the organization may exceed its plan.
	OverUsageAllowed bool `json:"is_over_usage_allowed,omitempty"`
	// Plan is nil unless OrganizationOptions.IncludePlan is set and the server sent it.
	Plan *Plan `json:"plan,omitempty"`

	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// Plan is the plan of an organization.
type Plan struct {
	PlanID   string        `json:"plan_id,omitempty"`
	Name     string        `json:"name,omitempty"`
	Features []PlanFeature `json:"features,omitempty"`
}

// PlanFeature is a feature of a plan. Its uid is not unique. Useful features are
// "users" (the maximum number), "getLimit" and "limit" (reads and writes per second),
// "bulkLimit", "bulk_user_actions", "mfaResetAccess" and "teams".
type PlanFeature struct {
	UID      string  `json:"uid,omitempty"`
	Name     string  `json:"name,omitempty"`
	Limit    float64 `json:"limit,omitempty"`
	MaxLimit float64 `json:"max_limit,omitempty"`
	Enabled  bool    `json:"enabled,omitempty"`
}

// UnmarshalJSON decodes an organization as the API sends it.
func (o *Organization) UnmarshalJSON(data []byte) error {
	type plain Organization // without this method
	wire := struct {
		*plain
		TransferSentAt timestamp `json:"transfer_sent_at"`
		ExpiresOn      timestamp `json:"expires_on"`
		CreatedAt      timestamp `json:"created_at"`
		UpdatedAt      timestamp `json:"updated_at"`
	}{plain: (*plain)(o)}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	o.TransferSentAt, o.ExpiresOn = wire.TransferSentAt.Time, wire.ExpiresOn.Time
	o.CreatedAt, o.UpdatedAt = wire.CreatedAt.Time, wire.UpdatedAt.Time
	return nil
}

// OrganizationOptions select what is read with an organization. Nil means the zero
// value.
type OrganizationOptions struct {
	// IncludePlan reads Organization.Plan too.
	IncludePlan bool
}

// GetOrganization returns the client's organization. It returns [ErrForbidden] or
// [ErrNotFound] if the credentials do not belong to it.
//
// It sends GET /organizations/{organization_uid} (documented; the response is accepted
// in the form of the documentation and in that of the service).
func (c *Client) GetOrganization(ctx context.Context, opts *OrganizationOptions) (*Organization, error) {
	q := struct {
		IncludePlan bool `url:"include_plan,omitempty"`
	}{cmp.Or(opts, &OrganizationOptions{}).IncludePlan}
	var response organizationResponse
	if err := c.do(ctx, opGetOrganization, input{query: q}, &response); err != nil {
		return nil, err
	}
	if response.Organization != nil {
		return response.Organization, nil
	}
	return response.Organizations[0], nil
}

type organizationResponse struct {
	Organization  *Organization   `json:"organization"`
	Organizations []*Organization `json:"organizations"`
}

func (r *organizationResponse) complete() bool {
	return r.Organization != nil || len(r.Organizations) == 1 && r.Organizations[0] != nil
}

// Organizations returns a sequence of the organizations of an account, before there
// is a client for one of them. It takes the options of [New], and yields [ErrInvalid]
// if one is invalid. The sequence is that of [Client.Organizations].
func Organizations(ctx context.Context, opts ...Option) iter.Seq2[*Organization, error] {
	return func(yield func(*Organization, error) bool) {
		config, err := newConfig(opts)
		if err != nil {
			yield(nil, err)
			return
		}
		own := config.httpClient == nil
		c, err := newClient("", config)
		if err != nil {
			yield(nil, err)
			return
		}
		if own {
			defer c.CloseIdleConnections() // used by this sequence only
		}
		c.Organizations(ctx)(yield)
	}
}

// Organizations returns a sequence of all organizations that the current user belongs
// to. Like [Client.Users] it is complete or ends with an error: [ErrIncomplete], or
// the error of a request.
//
// It sends GET /organizations (documented).
func (c *Client) Organizations(ctx context.Context) iter.Seq2[*Organization, error] {
	return listAll(ctx, opOrganizations, paging.List[*Organization]{
		Fetch: func(ctx context.Context, skip, limit int) (paging.Page[*Organization], error) {
			var response organizationsResponse
			err := c.do(ctx, opOrganizations, input{query: byCreation(skip, limit, "")}, &response)
			return paging.Page[*Organization]{Rows: response.Organizations, Count: countOf(response.Count)}, err
		},
		Key:      func(o *Organization) string { return o.UID },
		PageSize: maxPageSize,
	})
}

type organizationsResponse struct {
	Organizations []*Organization `json:"organizations"`
	Count         *int            `json:"count"`
}

func (r *organizationsResponse) complete() bool {
	return r.Organizations != nil && !slices.Contains(r.Organizations, nil)
}
