package orgusers

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/orgusers/orgusers/internal/paging"
)

// Role is an organization role, or a role of one stack. The owner is no role.
type Role struct {
	UID             string `json:"uid,omitempty"`
	Name            string `json:"name,omitempty"`
	Description     string `json:"description,omitempty"`
	OrganizationUID string `json:"org_uid,omitempty"`
	// Admin is true for roles that administer.
	Admin bool `json:"admin,omitempty"`
	// Default is true for roles that come with the product.
	Default bool `json:"default,omitempty"`
	// Users are the uids of the accounts with this role, as far as the server
	// sends them.
	Users     []string  `json:"users,omitempty"`
	OwnerUID  string    `json:"owner_uid,omitempty"`
	Domain    string    `json:"domain,omitempty"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// UnmarshalJSON reads a role as the API sends it, update_at for updated_at
// included.
func (r *Role) UnmarshalJSON(data []byte) error {
	type plain Role // without this method
	wire := struct {
		*plain
		Users     userUIDs  `json:"users"`
		CreatedAt timestamp `json:"created_at"`
		UpdatedAt timestamp `json:"updated_at"`
		UpdateAt  timestamp `json:"update_at"`
	}{plain: (*plain)(r)}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	r.Users, r.CreatedAt, r.UpdatedAt = wire.Users, wire.CreatedAt.Time, wire.UpdatedAt.Time
	if r.UpdatedAt.IsZero() {
		r.UpdatedAt = wire.UpdateAt.Time
	}
	return nil
}

// userUIDs is a list of uids, or of objects that have one.
type userUIDs []string

func (u *userUIDs) UnmarshalJSON(data []byte) error {
	var refs []roleRef // uids, or objects with a uid
	if err := json.Unmarshal(data, &refs); err != nil {
		return err
	}
	*u = make(userUIDs, len(refs))
	for i, ref := range refs {
		(*u)[i] = ref.UID
	}
	return nil
}

// ListRolesOptions picks a page of roles.
type ListRolesOptions struct {
	// PageSize is how many roles a request asks for, 1 to 100. Default 100.
	PageSize int
	// Skip leaves out as many roles at the beginning.
	Skip int
	// IncludeStackRoles asks for the roles of the organization's stacks too.
	IncludeStackRoles bool
}

// RolePage is one page of roles.
type RolePage struct {
	Roles []*Role
	// Count is how many roles there are in all, -1 where the server did not
	// say.
	Count int
	// Skip is where the page begins.
	Skip int
}

// ListRoles reads one page of the organization's roles, by creation. A page that
// cannot be is [ErrInvalid]. Most programs want [Client.Roles] or
// [Client.RoleByName].
//
// It sends GET /organizations/{organization_uid}/roles (documented).
func (c *Client) ListRoles(ctx context.Context, opts *ListRolesOptions) (*RolePage, error) {
	options, err := opts.orDefault()
	if err != nil {
		return nil, opListRoles.invalid(err)
	}
	page, err := c.listRoles(ctx, options, options.Skip, options.PageSize, nil)
	if err != nil {
		return nil, err
	}
	return &RolePage{Roles: page.Rows, Count: page.Count, Skip: options.Skip}, nil
}

// Roles reads all roles of the organization, each once, or ends with an error,
// as [Client.Users] does. It sends what [Client.ListRoles] sends.
func (c *Client) Roles(ctx context.Context, opts *ListRolesOptions) iter.Seq2[*Role, error] {
	return c.roles(ctx, opts, nil)
}

func (c *Client) roles(ctx context.Context, opts *ListRolesOptions, progress *readProgress) iter.Seq2[*Role, error] {
	options, err := opts.orDefault()
	if err != nil {
		return failed[*Role](opListRoles.invalid(err))
	}
	return skipping(options.Skip, listAll(ctx, opListRoles, paging.List[*Role]{
		Fetch: func(ctx context.Context, skip, limit int) (paging.Page[*Role], error) {
			return c.listRoles(ctx, options, skip, limit, progress)
		},
		Key:      func(r *Role) string { return r.UID },
		PageSize: options.PageSize,
	}))
}

// RoleByName finds an organization role by its name, such as "Admin" or
// "Member". Letter case does not matter, since the API itself varies it. No
// such role is [ErrNotFound]; two of that name are [ErrConflict]. It sends
// what [Client.ListRoles] sends.
func (c *Client) RoleByName(ctx context.Context, name string) (*Role, error) {
	var found *Role
	for role, err := range c.Roles(ctx, nil) {
		switch {
		case err != nil:
			return nil, err
		case !strings.EqualFold(role.Name, strings.TrimSpace(name)):
		case found != nil:
			return nil, fmt.Errorf("orgusers: RoleByName: the organization has more than one role named %q: %w", name, ErrConflict)
		default:
			found = role
		}
	}
	if found == nil {
		return nil, fmt.Errorf("orgusers: RoleByName: the organization has no role named %q: %w", name, ErrNotFound)
	}
	return found, nil
}

func (o *ListRolesOptions) orDefault() (ListRolesOptions, error) {
	var options ListRolesOptions
	if o != nil {
		options = *o
	}
	return options, checkPage(&options.PageSize, options.Skip)
}

type listRolesQuery struct {
	listQuery
	IncludeStackRoles bool `url:"include_stack_roles,omitempty"`
}

type rolesAnswer struct {
	Roles []*Role `json:"roles"`
	Count *int    `json:"count"`
}

func (a *rolesAnswer) complete() bool { return a.Roles != nil && !slices.Contains(a.Roles, nil) }

func (c *Client) listRoles(ctx context.Context, options ListRolesOptions, skip, limit int, progress *readProgress) (paging.Page[*Role], error) {
	q := listRolesQuery{listQuery: byCreation(skip, limit), IncludeStackRoles: options.IncludeStackRoles}
	var answer rolesAnswer
	attempts, err := c.do(ctx, opListRoles, input{query: q}, &answer)
	progress.sent(attempts)
	return paging.Page[*Role]{Rows: answer.Roles, Count: countOf(answer.Count)}, err
}

// UpdateRoles gives members exactly these organization roles. Whoever is no
// member is skipped, never invited; so is whoever has just these roles. Where
// an answer was lost, and the roles do not show that it was done, the outcome
// is unknown ([ErrOutcomeUnknown]) and nothing is sent again.
//
// The API has no request to update roles. The one documented request that
// touches them is the invitation, whose sample answers with an accepted
// member; whether it replaces roles or adds to them is not known, and the
// service may mail those members. So every member is read back after it, and
// is [OutcomeFailed] unless the roles are exactly these. [WithEndpoints] can
// replace the request.
//
// Guards are those of [Client.RemoveUsers]. No role, or one that the
// organization does not have, fails for every member, and nothing is sent.
//
// It sends POST /organizations/{organization_uid}/share (documented for
// invitations), for ten members at a time.
func (c *Client) UpdateRoles(ctx context.Context, emails, roleUIDs []string, opts *BulkOptions) (*BulkResult, error) {
	route := c.config.routes.UpdateRoles
	op := opUpdateRoles
	if route.isSet() {
		op = route.operation(op.name)
	}
	targets, _, err := c.targets(ctx, op, emails)
	if err != nil {
		return &BulkResult{}, err
	}
	known, err := uidsOf(c.Roles(ctx, nil))
	if err != nil {
		return &BulkResult{}, op.unread(err)
	}
	skip(targets, func(u *User) string {
		if why := members(u); why != "" {
			return why
		}
		if hasRoles(u, roleUIDs) {
			return "has exactly these roles already"
		}
		return ""
	})
	if problem := checkUIDs("organization role", roleUIDs, known); problem != nil {
		decideAll(targets, OutcomeFailed, "", op.invalid(problem))
	}
	b := &bulk{
		client: c,
		op:     op,
		send: func(ctx context.Context, batch []*target) error {
			if route.isSet() {
				err := c.sendRoute(ctx, op, route, roleUIDs, batch)
				for _, t := range batch {
					if t.status == OutcomeDone {
						t.status = "" // whatever the route says, it is read back
					}
				}
				return err
			}
			share := shareBody{Users: map[string][]string{}}
			for _, t := range batch {
				share.Users[t.sentAs()] = roleUIDs
			}
			var answer sharesAnswer
			_, err := c.do(ctx, op, input{body: inviteRequestBody{share}}, &answer)
			return err
		},
		exact: true,
		// That the roles are as they were does not tell that nobody was mailed.
		once: true,
		readBack: c.readingUsers(func(t *target) evidence {
			if t.user == nil {
				return unclear
			}
			return shown(hasRoles(t.user, roleUIDs), hasRoles(t.user, uidsOfRoles(t.before)))
		}),
	}
	b.run(ctx, targets, opts.orDefault())
	return b.result(targets)
}

func hasRoles(u *User, roleUIDs []string) bool { return sameUIDs(uidsOfRoles(u), roleUIDs) }

func uidsOfRoles(u *User) []string {
	uids := make([]string, len(u.Roles))
	for i, role := range u.Roles {
		uids[i] = role.UID
	}
	return uids
}
