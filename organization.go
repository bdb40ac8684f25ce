package orgusers

import (
	"context"
	"encoding/json"
	"iter"
	"slices"
	"time"

	"github.com/orgusers/orgusers/internal/paging"
)

// Organization is an organization as its own page shows it.
type Organization struct {
	UID      string `json:"uid,omitempty"`
	Name     string `json:"name,omitempty"`
	PlanID   string `json:"plan_id,omitempty"`
	OwnerUID string `json:"owner_uid,omitempty"`
	// TransferPending is true while a transfer of ownership waits to be
	// accepted.
	TransferPending bool `json:"is_transfer_set,omitempty"`
	// ExpiresOn is when the subscription ends.
	ExpiresOn time.Time `json:"expires_on,omitzero"`
	// Enabled is false for an organization that was switched off, and where the
	// server does not say.
	Enabled bool `json:"enabled,omitempty"`
	// OverUsageAllowed lets the organization use more than its plan has.
	OverUsageAllowed bool `json:"is_over_usage_allowed,omitempty"`
	// Plan is nil unless OrganizationOptions.IncludePlan asked for it, and the
	// server sent it.
	Plan *Plan `json:"plan,omitempty"`

	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// Plan is what an organization has subscribed to.
type Plan struct {
	PlanID   string        `json:"plan_id,omitempty"`
	Name     string        `json:"name,omitempty"`
	Features []PlanFeature `json:"features,omitempty"`
}

// PlanFeature is one feature of a plan. Of interest here are the uids "users"
// (how many there may be), "getLimit" and "limit" (reads and writes a second)
// and "bulkLimit".
type PlanFeature struct {
	UID     string  `json:"uid,omitempty"`
	Name    string  `json:"name,omitempty"`
	Limit   float64 `json:"limit,omitempty"`
	Enabled bool    `json:"enabled,omitempty"`
}

// UnmarshalJSON reads an organization as the API sends it.
func (o *Organization) UnmarshalJSON(data []byte) error {
	type plain Organization // without this method
	wire := struct {
		*plain
		ExpiresOn timestamp `json:"expires_on"`
		CreatedAt timestamp `json:"created_at"`
		UpdatedAt timestamp `json:"updated_at"`
	}{plain: (*plain)(o)}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	o.ExpiresOn, o.CreatedAt, o.UpdatedAt = wire.ExpiresOn.Time, wire.CreatedAt.Time, wire.UpdatedAt.Time
	return nil
}

// OrganizationOptions picks what comes with an organization.
type OrganizationOptions struct {
	// IncludePlan asks for Plan.
	IncludePlan bool
}

// GetOrganization reads the client's organization. One that the credentials do not
// belong to is [ErrForbidden] or [ErrNotFound].
//
// It sends GET /organizations/{organization_uid} (documented; the answer is
// accepted in both shapes that the documentation and the service give it).
func (c *Client) GetOrganization(ctx context.Context, opts *OrganizationOptions) (*Organization, error) {
	var q struct {
		IncludePlan bool `url:"include_plan,omitempty"`
	}
	if opts != nil {
		q.IncludePlan = opts.IncludePlan
	}
	var answer organizationAnswer
	if _, err := c.do(ctx, opOrganization, input{query: q}, &answer); err != nil {
		return nil, err
	}
	if answer.Organization != nil {
		return answer.Organization, nil
	}
	return answer.Organizations[0], nil
}

type organizationAnswer struct {
	Organization  *Organization   `json:"organization"`
	Organizations []*Organization `json:"organizations"`
}

func (a *organizationAnswer) complete() bool {
	return a.Organization != nil || len(a.Organizations) == 1 && a.Organizations[0] != nil
}

// ListOrganizationsOptions picks a page of organizations.
type ListOrganizationsOptions struct {
	// Search keeps organizations whose name contains this, as the server
	// matches it.
	Search string
	// PageSize is how many organizations a request asks for, 1 to 100.
	// Default 100.
	PageSize int
	// Skip leaves out as many organizations at the beginning.
	Skip int
}

// OrganizationPage is one page of organizations.
type OrganizationPage struct {
	Organizations []*Organization
	// Count is how many there are in all, -1 where the server did not say.
	Count int
	// Skip is where the page begins.
	Skip int
}

// ListOrganizations reads one page of the organizations that the user belongs
// to, whichever is the client's. A page that cannot be is [ErrInvalid]. Most
// programs want [Client.Organizations].
//
// It sends GET /organizations (documented).
func (c *Client) ListOrganizations(ctx context.Context, opts *ListOrganizationsOptions) (*OrganizationPage, error) {
	options, err := opts.orDefault()
	if err != nil {
		return nil, opListOrganizations.invalid(err)
	}
	page, err := c.listOrganizations(ctx, options, options.Skip, options.PageSize)
	if err != nil {
		return nil, err
	}
	return &OrganizationPage{Organizations: page.Rows, Count: page.Count, Skip: options.Skip}, nil
}

// Organizations reads all organizations that the user belongs to, each once,
// or ends with an error, as [Client.Users] does. It sends what
// [Client.ListOrganizations] sends.
func (c *Client) Organizations(ctx context.Context, opts *ListOrganizationsOptions) iter.Seq2[*Organization, error] {
	options, err := opts.orDefault()
	if err != nil {
		return failed[*Organization](opListOrganizations.invalid(err))
	}
	return skipping(options.Skip, listAll(ctx, opListOrganizations, paging.List[*Organization]{
		Fetch: func(ctx context.Context, skip, limit int) (paging.Page[*Organization], error) {
			return c.listOrganizations(ctx, options, skip, limit)
		},
		Key:      func(o *Organization) string { return o.UID },
		PageSize: options.PageSize,
	}))
}

func (o *ListOrganizationsOptions) orDefault() (ListOrganizationsOptions, error) {
	var options ListOrganizationsOptions
	if o != nil {
		options = *o
	}
	return options, checkPage(&options.PageSize, options.Skip)
}

type organizationsAnswer struct {
	Organizations []*Organization `json:"organizations"`
	Count         *int            `json:"count"`
}

func (a *organizationsAnswer) complete() bool {
	return a.Organizations != nil && !slices.Contains(a.Organizations, nil)
}

func (c *Client) listOrganizations(ctx context.Context, options ListOrganizationsOptions, skip, limit int) (paging.Page[*Organization], error) {
	q := byCreation(skip, limit)
	q.Search = options.Search
	var answer organizationsAnswer
	_, err := c.do(ctx, opListOrganizations, input{query: q}, &answer)
	return paging.Page[*Organization]{Rows: answer.Organizations, Count: countOf(answer.Count)}, err
}
