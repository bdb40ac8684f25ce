package orgusers

import (
	"context"
	"encoding/json"
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
