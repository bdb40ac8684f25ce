// Package rolenames names the roles of users where the server sends uids alone.
package rolenames

import (
	"context"

	"github.com/orgusers/orgusers"
)

// Reader reads the organization's roles, when a name is missing for the first
// time.
type Reader struct {
	client *orgusers.Client
	names  map[string]string // by uid
}

// NewReader makes a reader of the client's organization.
func NewReader(client *orgusers.Client) *Reader { return &Reader{client: client} }

// Name fills in the names of a user's roles. A role that the organization does
// not have stays without one.
func (r *Reader) Name(ctx context.Context, u *orgusers.User) error {
	for i := range u.Roles {
		role := &u.Roles[i]
		if role.Name != "" {
			continue
		}
		if err := r.read(ctx); err != nil {
			return err
		}
		role.Name = r.names[role.UID]
	}
	return nil
}

func (r *Reader) read(ctx context.Context) error {
	if r.names != nil {
		return nil
	}
	names := map[string]string{}
	for role, err := range r.client.Roles(ctx, nil) {
		if err != nil {
			return err
		}
		names[role.UID] = role.Name
	}
	r.names = names
	return nil
}
