package orgusers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
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
	// Users counts who has access.
	Users     UserCount `json:"users,omitzero"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// Owner is who owns a stack.
type Owner struct {
	Email     string `json:"email,omitempty"`
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
}

// UserCount is a number of users.
type UserCount struct {
	Count int `json:"count,omitempty"`
}

// UnmarshalJSON reads a stack as the API sends it.
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

// StacksOptions narrows a list of stacks.
type StacksOptions struct {
	// Search keeps stacks whose name contains this, as the server matches it.
	Search string
	// PageSize is how many stacks a request asks for, 1 to 100. Default 100.
	PageSize int
}

// Stacks reads all stacks of the organization, each once, or ends with an
// error, as [Client.Users] does: a request that fails ends it with its own
// error, pages that do not fit together with [ErrIncomplete].
//
// It sends GET /organizations/{organization_uid}/stacks (documented).
func (c *Client) Stacks(ctx context.Context, opts *StacksOptions) iter.Seq2[*Stack, error] {
	var options StacksOptions
	if opts != nil {
		options = *opts
	}
	if err := checkPage(&options.PageSize, 0); err != nil {
		return failed[*Stack](opStacks.invalid(err))
	}
	return listAll(ctx, opStacks, paging.List[*Stack]{
		Fetch: func(ctx context.Context, skip, limit int) (paging.Page[*Stack], error) {
			q := byCreation(skip, limit)
			q.Search = options.Search
			var answer stacksAnswer
			_, err := c.do(ctx, opStacks, input{query: q}, &answer)
			return paging.Page[*Stack]{Rows: answer.Stacks, Count: countOf(answer.Count)}, err
		},
		Key:      func(s *Stack) string { return s.APIKey },
		PageSize: options.PageSize,
	})
}

type stacksAnswer struct {
	Stacks []*Stack `json:"stacks"`
	Count  *int     `json:"count"`
}

func (a *stacksAnswer) complete() bool { return a.Stacks != nil && !slices.Contains(a.Stacks, nil) }

// StackRoles reads all roles of one stack, each once, or ends with an error,
// as [Client.Users] does. A key that is empty, or cannot be in a header, is
// [ErrInvalid], and nothing is sent.
//
// It sends GET /roles with the header api_key (documented, but for the sort,
// which every list is sent with; a server that ignores it can make this list
// [ErrIncomplete] where the stack has more roles than fit on a page).
func (c *Client) StackRoles(ctx context.Context, stackAPIKey string) iter.Seq2[*Role, error] {
	return listAll(ctx, opStackRoles, paging.List[*Role]{
		Fetch: func(ctx context.Context, skip, limit int) (paging.Page[*Role], error) {
			in := input{query: byCreation(skip, limit), header: http.Header{"api_key": {stackAPIKey}}}
			var answer rolesAnswer
			_, err := c.do(ctx, opStackRoles, in, &answer)
			return paging.Page[*Role]{Rows: answer.Roles, Count: countOf(answer.Count)}, err
		},
		Key:      func(r *Role) string { return r.UID },
		PageSize: maxPageSize,
	})
}

// UpdateStackAccess gives members exactly these roles in these stacks: what
// they had in them is replaced, and no other stack is touched. An empty list
// of roles takes a stack away. Whoever is no member, or has just this access,
// is skipped.
//
// Guards are those of [Client.RemoveUsers]. A stack or stack role that does
// not exist fails for everybody, and the other stacks go on. An outcome is the
// worst of those in each stack, and names the stacks that are not done;
// where reading back could not tell either, it is [ErrOutcomeUnknown].
//
// It sends, for each stack, POST /stacks/users/roles for those who have the
// stack, POST /stacks/share for those who do not, ten at a time, and POST
// /stacks/unshare for each from whom it is taken (all documented), after
// reading the stack's roles and who has them. That is read again to confirm.
func (c *Client) UpdateStackAccess(ctx context.Context, emails []string, access StackAccess, opts *BulkOptions) (*BulkResult, error) {
	targets, _, err := c.targets(ctx, opSetStackRoles, emails)
	if err != nil {
		return &BulkResult{}, err
	}
	skip(targets, members)
	active := undecided(targets)
	if len(access) == 0 {
		decideAll(active, OutcomeFailed, "", opSetStackRoles.invalid(errors.New("there is no stack")))
	}
	options := opts.orDefault()
	progress := options.Progress
	if len(active) == 0 {
		access = nil // there is nobody to read the stacks for
	}
	for i, key := range slices.Sorted(maps.Keys(access)) {
		if progress != nil {
			options.Progress = func(done, _ int) {
				progress(len(targets)-len(active)+(i*len(active)+done)/len(access), len(targets))
			}
		}
		// Each stack decides targets of its own, so that one that fails does
		// not keep the others from being tried.
		here := make([]*target, len(active))
		for i, t := range active {
			here[i] = &target{email: t.email, user: t.user}
		}
		stack := &stackChange{client: c, key: key, wanted: access[key]}
		stack.run(ctx, here, options)
		for i, t := range active {
			t.worsen(here[i], "stack "+key)
		}
	}
	if progress != nil {
		progress(len(targets), len(targets))
	}
	return (&bulk{op: opSetStackRoles}).result(targets)
}

// worsen takes over the outcome of one part of a change if it is worse.
func (t *target) worsen(part *target, where string) {
	worse := []OutcomeStatus{"", OutcomeSkipped, OutcomeDone, OutcomeFailed, OutcomeUnknown}
	if part.status != OutcomeDone {
		part.reason = where + ": " + part.reason
		if t.reason != "" {
			part.reason = t.reason + "; " + part.reason
		}
		t.reason = part.reason
	}
	if slices.Index(worse, part.status) > slices.Index(worse, t.status) {
		t.status = part.status
	}
	if t.status == OutcomeDone {
		t.reason = ""
	}
	t.err = errors.Join(t.err, part.err)
}

// stackChange is the change of access to one stack.
type stackChange struct {
	client *Client
	key    string
	wanted []string
	has    map[string][]string // role uids by user uid
	had    map[string][]string // has, as it was before anything was sent
}

func (s *stackChange) run(ctx context.Context, targets []*target, options BulkOptions) {
	known, err := s.read(ctx)
	if err == nil && len(s.wanted) > 0 {
		if problem := checkUIDs("stack role", s.wanted, known); problem != nil {
			err = opSetStackRoles.invalid(problem)
		}
	}
	if err != nil {
		decideAll(targets, OutcomeFailed, "", err)
		return
	}
	s.had = s.has
	var change, give []*target
	for _, t := range targets {
		has := s.has[t.user.UID]
		switch {
		case sameUIDs(has, s.wanted):
			t.decide(OutcomeSkipped, "has exactly this access already", nil)
		case len(has) > 0:
			change = append(change, t)
		default:
			give = append(give, t)
		}
	}
	part := func(op *operation, size int, send func(context.Context, []*target) error, some []*target) {
		b := &bulk{client: s.client, op: op, size: size, send: send, readBack: s.readBack}
		step := options
		if options.Progress != nil {
			step.Progress = func(int, int) { options.Progress(len(targets)-len(undecided(targets)), len(targets)) }
		}
		b.run(ctx, some, step)
	}
	if len(s.wanted) == 0 {
		part(opUnshareStack, 1, s.unshare, change)
		return
	}
	part(opSetStackRoles, batchSize, s.setRoles, change)
	part(opShareStack, batchSize, s.share, give)
}

// read learns which roles the stack has, and who has them.
func (s *stackChange) read(ctx context.Context) (map[string]bool, error) {
	s.has = map[string][]string{}
	known := map[string]bool{}
	told := false
	for role, err := range s.client.StackRoles(ctx, s.key) {
		if err != nil {
			return nil, err
		}
		known[role.UID] = true
		told = told || role.Users != nil
		for _, user := range role.Users {
			s.has[user] = append(s.has[user], role.UID)
		}
	}
	if !told {
		return nil, fmt.Errorf("orgusers: %s: the server does not say who has the stack; nothing was sent", opSetStackRoles.name)
	}
	return known, nil
}

func (s *stackChange) readBack(ctx context.Context, batch []*target) (map[*target]evidence, error) {
	if _, err := s.read(ctx); err != nil {
		return nil, err
	}
	seen := make(map[*target]evidence, len(batch))
	for _, t := range batch {
		has := s.has[t.user.UID]
		seen[t] = shown(sameUIDs(has, s.wanted), sameUIDs(has, s.had[t.user.UID]))
	}
	return seen, nil
}

func (s *stackChange) setRoles(ctx context.Context, batch []*target) error {
	users := make(map[string][]string, len(batch))
	for _, t := range batch {
		users[t.user.UID] = s.wanted
	}
	return s.send(ctx, opSetStackRoles, struct {
		Users map[string][]string `json:"users"`
	}{users})
}

func (s *stackChange) share(ctx context.Context, batch []*target) error {
	body := struct {
		Emails []string            `json:"emails"`
		Roles  map[string][]string `json:"roles"`
	}{Roles: make(map[string][]string, len(batch))}
	for _, t := range batch {
		body.Emails = append(body.Emails, t.sentAs())
		body.Roles[t.sentAs()] = s.wanted
	}
	return s.send(ctx, opShareStack, body)
}

// unshare takes the stack from one user, as the request does.
func (s *stackChange) unshare(ctx context.Context, batch []*target) error {
	return s.send(ctx, opUnshareStack, struct {
		Email string `json:"email"`
	}{batch[0].sentAs()})
}

func (s *stackChange) send(ctx context.Context, op *operation, body any) error {
	_, err := s.client.do(ctx, op, input{header: http.Header{"api_key": {s.key}}, body: body}, nil)
	return err
}
