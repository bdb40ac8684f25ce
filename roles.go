package orgusers

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/orgusers/orgusers/internal/paging"
)

// Role is an organization role, or a role of one stack. Ownership is not a role: see
// User.Owner.
type Role struct {
	UID             string `json:"uid,omitempty"`
	Name            string `json:"name,omitempty"`
	Description     string `json:"description,omitempty"`
	OrganizationUID string `json:"org_uid,omitempty"`
	// Admin is true for a role that administers the organization.
	Admin bool `json:"admin,omitempty"`
	// Default is true for a role that comes with the product.
	Default bool `json:"default,omitempty"`
	// Users are the uids of the accounts with this role. Nil means that the server
	// did not send them.
	Users []string `json:"users,omitempty"`
	// Permissions are those of an organization role, such as "org.users:write".
	Permissions []string  `json:"permissions,omitempty"`
	OwnerUID    string    `json:"owner_uid,omitempty"`
	Domain      string    `json:"domain,omitempty"`
	CreatedAt   time.Time `json:"created_at,omitzero"`
	UpdatedAt   time.Time `json:"updated_at,omitzero"`
}

// UnmarshalJSON decodes a role as the API sends it, with update_at or updated_at.
func (r *Role) UnmarshalJSON(data []byte) error {
	type plain Role // without this method
	wire := struct {
		*plain
		Users     uids      `json:"users"`
		CreatedAt timestamp `json:"created_at"`
		UpdatedAt timestamp `json:"updated_at"`
		UpdateAt  timestamp `json:"update_at"`
	}{plain: (*plain)(r)}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	r.Users, r.CreatedAt, r.UpdatedAt = wire.Users, wire.CreatedAt.Time, cmp.Or(wire.UpdatedAt.Time, wire.UpdateAt.Time)
	return nil
}

// Roles returns a sequence of the organization's roles. Like [Client.Users] it is
// complete or ends with an error: [ErrIncomplete], or the error of a request.
//
// It sends GET /organizations/{organization_uid}/roles (documented).
func (c *Client) Roles(ctx context.Context) iter.Seq2[*Role, error] {
	return listAll(ctx, opRoles, paging.List[*Role]{
		Fetch: func(ctx context.Context, skip, limit int) (paging.Page[*Role], error) {
			return c.readRoles(ctx, opRoles, input{query: byCreation(skip, limit, "")})
		},
		Key:      func(r *Role) string { return r.UID },
		PageSize: maxPageSize,
	})
}

type rolesResponse struct {
	Roles []*Role `json:"roles"`
	Count *int    `json:"count"`
}

// complete reports whether there is a list. Users without a uid could be anybody.
func (r *rolesResponse) complete() bool {
	return r.Roles != nil && !slices.ContainsFunc(r.Roles, func(role *Role) bool { return role == nil || slices.Contains(role.Users, "") })
}

func (c *Client) readRoles(ctx context.Context, op *operation, in input) (paging.Page[*Role], error) {
	var response rolesResponse
	err := c.do(ctx, op, in, &response)
	return paging.Page[*Role]{Rows: response.Roles, Count: countOf(response.Count)}, err
}

// GetRole returns the organization role with a uid or a name. A uid takes
// precedence; names are compared without letter case. It returns [ErrNotFound] if
// the organization has no such role, and [ErrInvalid], with the uids, if two roles
// have the name. It sends what [Client.Roles] sends.
func (c *Client) GetRole(ctx context.Context, nameOrUID string) (*Role, error) {
	return getNamed("GetRole", c.Roles(ctx), nameOrUID, findRole)
}

// getNamed reads a list for a call that returns one of its things.
func getNamed[T any](op string, list iter.Seq2[*T, error], nameOrUID string, find func([]*T, string) (*T, error)) (*T, error) {
	things, err := Collect(list)
	if err != nil {
		return nil, withOp(op, err)
	}
	thing, err := find(things, nameOrUID)
	switch {
	case err == nil:
		return thing, nil
	case errors.Is(err, ErrNotFound):
		return nil, withOp(op, err)
	default:
		return nil, withOp(op, fmt.Errorf("%w: %w", ErrInvalid, err))
	}
}

func findRole(roles []*Role, nameOrUID string) (*Role, error) {
	return findNamed("role", roles, nameOrUID, func(r *Role) (string, string) { return r.UID, r.Name })
}

// findNamed returns the only thing with a uid or a name.
func findNamed[T any](what string, things []*T, nameOrUID string, key func(*T) (uid, name string)) (*T, error) {
	wanted := strings.TrimSpace(nameOrUID)
	if wanted == "" {
		return nil, fmt.Errorf("a %s is empty", what)
	}
	var named []*T
	var uids []string
	for _, thing := range things {
		switch uid, name := key(thing); {
		case uid == wanted:
			return thing, nil
		case strings.EqualFold(name, wanted):
			named, uids = append(named, thing), append(uids, uid)
		}
	}
	switch len(named) {
	case 0:
		return nil, fmt.Errorf("no %s has the name or uid %q: %w", what, wanted, ErrNotFound)
	case 1:
		return named[0], nil
	default:
		return nil, fmt.Errorf("%d %ss have the name %q: use one of the uids %s", len(named), what, wanted, strings.Join(uids, ", "))
	}
}

// findRoles returns the uids of roles that are given by uid or name. The detail
// says which uid was used for a name.
func findRoles(roles []*Role, namesOrUIDs []string) (uids []string, detail string, err error) {
	if len(namesOrUIDs) == 0 {
		return nil, "", errors.New("at least one role is needed")
	}
	var used []string
	for _, wanted := range namesOrUIDs {
		role, err := findRole(roles, wanted)
		if err != nil {
			return nil, "", err
		}
		if role.UID != strings.TrimSpace(wanted) {
			used = append(used, fmt.Sprintf("role %q is %s", role.Name, role.UID))
		}
		if !slices.Contains(uids, role.UID) {
			uids = append(uids, role.UID)
		}
	}
	return uids, strings.Join(used, "; "), nil
}

// sameUIDs compares lists whose order does not matter.
func sameUIDs(a, b []string) bool {
	return slices.Equal(slices.Compact(slices.Sorted(slices.Values(a))), slices.Compact(slices.Sorted(slices.Values(b))))
}

// roleDirectory reads the organization's roles at most once, for one list or call.
type roleDirectory struct {
	client *Client
	lock   chan struct{} // one request at a time: a wait for it ends with its context

	done  bool
	roles []*Role
	err   error

	ahead sync.Once
}

func (c *Client) newRoleDirectory() *roleDirectory {
	return &roleDirectory{client: c, lock: make(chan struct{}, 1)}
}

// list returns the organization's roles.
func (d *roleDirectory) list(ctx context.Context) ([]*Role, error) {
	select {
	case d.lock <- struct{}{}:
		defer func() { <-d.lock }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if d.done {
		return d.roles, d.err
	}
	roles, err := Collect(d.client.Roles(ctx))
	if err != nil {
		if ctx.Err() == nil { // it is not read again for each page
			d.done, d.err = true, err
		}
		return nil, err
	}
	d.roles, d.done = roles, true
	return roles, nil
}

// readAhead reads the roles while the first page of users is read: in all known forms, rows do not say what their roles
// may do. The returned function ends that.
func (d *roleDirectory) readAhead(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var reading sync.WaitGroup
	d.ahead.Do(func() { reading.Go(func() { _, _ = d.list(ctx) }) })
	return func() {
		cancel()
		reading.Wait()
	}
}

// name fills in RoleRef.Name and RoleRef.Admin of users.
func (d *roleDirectory) name(ctx context.Context, users []*User) error {
	roles, err := d.list(ctx)
	if err != nil {
		return err
	}
	byUID := make(map[string]*Role, len(roles))
	for _, role := range roles {
		byUID[role.UID] = role
	}
	for _, u := range users {
		for i := range u.Roles {
			if role := byUID[u.Roles[i].UID]; role != nil {
				u.Roles[i].Name, u.Roles[i].Admin = role.Name, role.Admin
			}
		}
	}
	return nil
}

// UpdateRoles gives members exactly these organization roles, by uid or name.
// Pending invitations, and members who have exactly these roles, are skipped. If
// the response was lost and the roles do not show the change, the outcome is
// unknown and nothing is sent again.
//
// The API has no request that updates roles. The only documented request that
// affects them is the invitation, whose sample response has an accepted member.
// Whether it replaces roles or adds to them is not known, and the service may send
// email. So each member is read back. The outcome is [OutcomeFailed] unless the
// roles are exactly these, or [OutcomePartial] with [ReasonThroughTeam] if a team
// gives the further roles; Outcome.Detail names it. [WithEndpoints] can replace the
// request.
//
// Guards ([ErrRefused]) and outcomes are those of [Client.RemoveUsers]. It returns
// [ErrInvalid], and sends no change, if a role does not exist, two roles have the
// name, or no role is given.
//
// It sends POST /organizations/{organization_uid}/share (documented for
// invitations), for ten members at a time, after the reads of [Client.RemoveUsers]
// and the organization's roles.
func (c *Client) UpdateRoles(ctx context.Context, emails, roles []string, opts *BulkOptions) (*BulkResult, error) {
	endpoint := c.endpoints().UpdateRoles
	op := opUpdateRoles
	if endpoint.isSet() {
		op = endpoint.operation(op.name)
	}
	b := c.newBulk(op, emails, opts)
	b.reads = append(b.reads, b.readRoles)
	b.resolve(ctx, notOwner, notSelf, notSeveralMembers, notProtected)
	uids := b.resolveRoles(b.roles.roles, roles)
	b.skip(unlessMember)
	b.skip(func(t *target) Reason {
		if hasRoles(t.user(), uids) {
			return ReasonUnchanged
		}
		return ""
	})
	if !b.administers(uids) {
		b.keepAdministrators(ctx, func(_ *target, _ string, team *Team) bool { return team != nil })
	}
	b.exact = true
	b.once = true // unchanged roles do not show that no email was sent
	b.send = func(ctx context.Context, batch []*target) error {
		if endpoint.isSet() {
			return b.sendEndpoint(ctx, endpoint, uids, batch)
		}
		body := inviteBody{Share: inviteShare{Users: map[string][]string{}}}
		for _, t := range batch {
			body.Share.Users[t.address()] = uids
		}
		return c.do(ctx, op, input{body: body}, new(sharesResponse))
	}
	back := b.readUsersBack(func(t *target) evidence {
		member := len(t.rows) > 0 && t.rows[0].Status != StatusPending
		switch {
		case member && hasRoles(t.rows[0], uids):
			return changed
		case t.doubtful || len(t.rows) > 1:
			return inconclusive
		case member && hasRoles(t.rows[0], roleUIDs(t.before[0])):
			return unchanged
		default:
			return different
		}
	})
	b.readBack = b.orThroughTeam(back, uids, func(t *target) []string {
		if unlessMember(t) != "" {
			return nil
		}
		return roleUIDs(t.rows[0])
	}, func(team *Team) []string { return team.RoleUIDs })
	return b.run(ctx)
}

// administers reports whether one of these roles administers the organization.
func (b *bulk) administers(uids []string) bool {
	return slices.ContainsFunc(b.roles.roles, func(r *Role) bool { return r.Admin && slices.Contains(uids, r.UID) })
}

// readRoles reads the organization's roles, for a call that needs them. After resolve
// they are in b.roles.roles.
func (b *bulk) readRoles(ctx context.Context) error {
	_, err := b.roles.list(ctx)
	return err
}

// resolveRoles returns the uids of roles that are given by uid or name. If one cannot be
// found, nothing is started.
func (b *bulk) resolveRoles(known []*Role, namesOrUIDs []string) []string {
	uids, detail, err := findRoles(known, namesOrUIDs)
	if err != nil {
		b.abort(ReasonInvalidRole, b.op.invalid(err))
		return nil
	}
	for _, t := range b.undecided() {
		t.note(detail)
	}
	return uids
}

func hasRoles(u *User, uids []string) bool { return sameUIDs(roleUIDs(u), uids) }

func roleUIDs(u *User) []string {
	uids := make([]string, len(u.Roles))
	for i, role := range u.Roles {
		uids[i] = role.UID
	}
	return uids
}
