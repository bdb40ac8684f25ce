package orgusers

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"time"

	"github.com/orgusers/orgusers/internal/paging"
)

// Stack is a stack of the organization.
type Stack struct {
	UID      string `json:"uid,omitempty"`
	Name     string `json:"name,omitempty"`
	APIKey   string `json:"api_key,omitempty"`
	OwnerUID string `json:"owner_uid,omitempty"`
	Owner    Owner  `json:"owner,omitzero"`
	// Users counts the users with access.
	Users     UserCount `json:"users,omitzero"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// Owner is the owner of a stack.
type Owner struct {
	Email     string `json:"email,omitempty"`
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
}

// UserCount is a number of users.
type UserCount struct {
	Count int `json:"count,omitempty"`
}

// UnmarshalJSON decodes a stack as the API sends it.
func (s *Stack) UnmarshalJSON(data []byte) error {
	type plain Stack // without this method
	wire := struct {
		*plain
		CreatedAt timestamp `json:"created_at"`
		UpdatedAt timestamp `json:"updated_at"`
	}{plain: (*plain)(s)}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	s.CreatedAt, s.UpdatedAt = wire.CreatedAt.Time, wire.UpdatedAt.Time
	return nil
}

// StacksOptions select stacks. Nil means all stacks.
type StacksOptions struct {
	// Search keeps stacks whose name contains the text, as the server matches it.
	Search string
}

// Stacks returns a sequence of the organization's stacks. Like [Client.Users] it is
// complete or ends with an error: [ErrIncomplete], or the error of a request.
//
// It sends GET /organizations/{organization_uid}/stacks (documented).
func (c *Client) Stacks(ctx context.Context, opts *StacksOptions) iter.Seq2[*Stack, error] {
	options := *cmp.Or(opts, &StacksOptions{})
	return listAll(ctx, opStacks, paging.List[*Stack]{
		Fetch: func(ctx context.Context, skip, limit int) (paging.Page[*Stack], error) {
			var response stacksResponse
			err := c.do(ctx, opStacks, input{query: byCreation(skip, limit, options.Search)}, &response)
			return paging.Page[*Stack]{Rows: response.Stacks, Count: countOf(response.Count)}, err
		},
		Key:      func(s *Stack) string { return s.APIKey },
		PageSize: maxPageSize,
	})
}

type stacksResponse struct {
	Stacks []*Stack `json:"stacks"`
	Count  *int     `json:"count"`
}

func (r *stacksResponse) complete() bool { return r.Stacks != nil && !slices.Contains(r.Stacks, nil) }

// StackRoles returns a sequence of the roles of one stack. Like [Client.Users] it is
// complete or ends with an error. It yields [ErrInvalid], and sends nothing, if the
// key is empty or is not valid in a header.
//
// It sends GET /roles with the header api_key (documented, except for the sort that
// every list has; a server that ignores it can lead to [ErrIncomplete] if the stack
// has more roles than fit on a page).
func (c *Client) StackRoles(ctx context.Context, stackAPIKey string) iter.Seq2[*Role, error] {
	return listAll(ctx, opStackRoles, paging.List[*Role]{
		Fetch: func(ctx context.Context, skip, limit int) (paging.Page[*Role], error) {
			return c.readRoles(ctx, opStackRoles, input{query: byCreation(skip, limit, ""), header: apiKeyHeader(stackAPIKey)})
		},
		Key:      func(r *Role) string { return r.UID },
		PageSize: maxPageSize,
	})
}

// stackRoles are the roles of one stack, or the error.
type stackRoles struct {
	roles []*Role
	err   error
}

// readStackRoles reads the roles of stacks, several at a time.
func (c *Client) readStackRoles(ctx context.Context, keys []string) map[string]*stackRoles {
	read := make([]*stackRoles, len(keys))
	_ = inParallel(len(keys), func(i int) error {
		roles, err := Collect(c.StackRoles(ctx, keys[i]))
		read[i] = &stackRoles{roles, err}
		return nil // the other stacks are read
	})
	stacks := make(map[string]*stackRoles, len(keys))
	for i, key := range keys {
		stacks[key] = read[i]
	}
	return stacks
}

// failure returns the error, and whether it concerns this stack only.
func (s *stackRoles) failure() (Reason, error) {
	for _, kind := range []error{ErrInvalid, ErrNotFound, ErrForbidden} {
		if errors.Is(s.err, kind) {
			return ReasonInvalidStack, s.err
		}
	}
	return ReasonReadFailed, s.err
}

func apiKeyHeader(key string) http.Header { return http.Header{"api_key": {key}} }

// UpdateStackAccess gives members exactly these roles, by uid or name, in one stack.
// The roles replace those that the members had in the stack; other stacks do not
// change. Without roles it removes the stack from the members. Pending invitations,
// and members who have exactly this access, are skipped. The outcome is
// [OutcomePartial] with [ReasonThroughTeam] if a team gives the further roles;
// Outcome.Detail names it.
//
// Guards ([ErrRefused]) and outcomes are those of [Client.RemoveUsers]. It returns
// [ErrInvalid], and sends no change, if the stack or a role does not exist or two
// roles have the name. It returns [ErrOutcomeUnknown] if a change may or may not have
// been made.
//
// It sends POST /stacks/users/roles for members who have the stack and POST
// /stacks/share for members who do not, ten at a time. It sends POST /stacks/unshare
// for each member who loses the stack (all documented). Before that it sends the
// reads of [Client.RemoveUsers] and reads the roles of the stack, which it reads
// again to confirm the change.
func (c *Client) UpdateStackAccess(ctx context.Context, stackAPIKey string, emails, roles []string, opts *BulkOptions) (*BulkResult, error) {
	b := c.newBulk(opSetStackRoles, emails, opts)
	s := &stackChange{bulk: b, key: stackAPIKey}
	var known stackRoles
	b.reads = append(b.reads, func(ctx context.Context) error {
		known.roles, known.err = Collect(c.StackRoles(ctx, stackAPIKey))
		return nil
	})
	b.resolve(ctx, notOwner, notSelf, notSeveralMembers, notProtected)
	b.skip(unlessMember)
	s.resolve(ctx, roles, known)
	b.skip(func(t *target) Reason {
		if sameUIDs(s.before[t.user().UID], s.wanted) {
			return ReasonUnchanged
		}
		return ""
	})
	b.readBack = b.orThroughTeam(s.readBack, s.wanted, func(t *target) []string { return s.now[t.user().UID] },
		func(team *Team) []string { return team.Stacks[stackAPIKey] })
	b.send = s.send
	if len(s.wanted) == 0 {
		b.size = 1 // the request takes one address
	}
	b.group = func(t *target) string { return s.operation(t).path }
	return b.run(ctx)
}

// stackChange is a change of access to one stack.
type stackChange struct {
	*bulk

	key    string
	wanted []string
	before map[string][]string // role uids by user uid
	now    map[string][]string // as last read back
}

// resolve finds the uids of the roles that are wanted, among those of the stack.
func (s *stackChange) resolve(ctx context.Context, roles []string, known stackRoles) {
	err := known.err
	if err == nil {
		s.before, err = roleUIDsByUser(known.roles)
	}
	if err != nil {
		reason := readFailure(ctx)
		if errors.Is(err, ErrInvalid) || errors.Is(err, ErrNotFound) {
			reason = ReasonInvalidStack
		}
		s.abort(reason, s.op.notRead(err))
		return
	}
	if len(roles) > 0 {
		s.wanted = s.resolveRoles(known.roles, roles)
	}
}

// roleUIDsByUser returns the roles of each user. It returns an error if the server
// did not send the users of a role.
func roleUIDsByUser(roles []*Role) (map[string][]string, error) {
	users := map[string][]string{}
	for _, role := range roles {
		if role.Users == nil {
			return nil, fmt.Errorf("orgusers: the server did not send the users of the role %q (%s) of the stack", role.Name, role.UID)
		}
		for _, user := range role.Users {
			users[user] = append(users[user], role.UID)
		}
	}
	return users, nil
}

// operation returns the request that changes a member's access.
func (s *stackChange) operation(t *target) *operation {
	switch {
	case len(s.wanted) == 0:
		return opUnshareStack
	case len(s.before[t.user().UID]) > 0:
		return opSetStackRoles
	default:
		return opShareStack
	}
}

// send changes the access of a batch, whose members need the same request.
func (s *stackChange) send(ctx context.Context, batch []*target) error {
	op := s.operation(batch[0])
	var body any
	switch op {
	case opUnshareStack:
		body = struct {
			Email string `json:"email"`
		}{batch[0].address()}
	case opSetStackRoles:
		users := make(map[string][]string, len(batch))
		for _, t := range batch {
			users[t.user().UID] = s.wanted
		}
		body = struct {
			Users map[string][]string `json:"users"`
		}{users}
	default:
		share := struct {
			Emails []string            `json:"emails"`
			Roles  map[string][]string `json:"roles"`
		}{addressesOf(batch), make(map[string][]string, len(batch))}
		for _, email := range share.Emails {
			share.Roles[email] = s.wanted
		}
		body = share
	}
	return s.client.do(ctx, op, input{header: apiKeyHeader(s.key), body: body}, nil)
}

func (s *stackChange) readBack(ctx context.Context, batch []*target) (map[*target]evidence, error) {
	roles, err := Collect(s.client.StackRoles(ctx, s.key))
	if err != nil {
		return nil, err
	}
	now, err := roleUIDsByUser(roles)
	if err != nil {
		return nil, fmt.Errorf("reading back: %w", err)
	}
	s.now = now
	seen := make(map[*target]evidence, len(batch))
	for _, t := range batch {
		uid := t.user().UID
		switch {
		case sameUIDs(now[uid], s.wanted):
			seen[t] = changed
		case sameUIDs(now[uid], s.before[uid]):
			seen[t] = unchanged
		default:
			seen[t] = different
		}
	}
	return seen, nil
}
