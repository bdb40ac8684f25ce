package orgusers

import (
	"context"
	"fmt"
	"strings"
)

// refused makes the error of a guard.
func (op *operation) refused(format string, args ...any) error {
	return fmt.Errorf("orgusers: %s: %w: %w; nothing was changed", op.name, ErrRefused, fmt.Errorf(format, args...))
}

// targets makes the targets of a call for many users: who they are, in the
// order given. It refuses the whole call for an empty list, an address that is
// none, the owner and the caller, before anything is changed.
func (c *Client) targets(ctx context.Context, op *operation, emails []string) ([]*target, *Organization, error) {
	targets, err := newTargets(op, emails)
	if err != nil {
		return nil, nil, err
	}
	if err := c.find(ctx, targets); err != nil {
		return nil, nil, op.unread(err)
	}
	me, err := c.GetCurrentUser(ctx)
	if err != nil {
		return nil, nil, op.unread(err)
	}
	organization, err := c.GetOrganization(ctx, nil)
	if err != nil {
		return nil, nil, op.unread(err)
	}
	if me.Email == "" || organization.OwnerUID == "" {
		return nil, nil, op.refused("the server does not say who you are, or who owns the organization, and neither may be among the addresses")
	}
	for _, t := range targets {
		switch {
		case strings.EqualFold(t.email, me.Email), t.user != nil && t.user.UID != "" && t.user.UID == me.UID:
			return nil, nil, op.refused("%w", &AddressError{t.index, "is your own"})
		case t.user != nil && (t.user.Owner || t.user.UID != "" && t.user.UID == organization.OwnerUID):
			return nil, nil, op.refused("%w", &AddressError{t.index, "is the organization's owner"})
		}
		if t.user != nil && t.user.UID == "" && t.user.Status != StatusPending {
			return nil, nil, op.refused("%w", &AddressError{t.index, "is a member without a uid, who cannot be told from the owner"})
		}
		t.before = t.user
	}
	return targets, organization, nil
}

// newTargets makes targets of addresses, and refuses what can be refused
// without a look.
func newTargets(op *operation, emails []string) ([]*target, error) {
	wanted, err := addresses(emails)
	if err != nil {
		return nil, op.refused("%w", err)
	}
	if len(wanted) == 0 {
		return nil, op.refused("no address was given")
	}
	targets := make([]*target, len(wanted))
	next := 0
	for i, email := range wanted {
		for strings.TrimSpace(emails[next]) != email {
			next++
		}
		targets[i] = &target{email: email, index: next}
	}
	return targets, nil
}

// unread is a failure of what has to be known before anything is changed.
func (op *operation) unread(err error) error {
	return failedIn(op.name+": nothing was changed", err)
}

// readingUsers reads targets back as users, and judges what they show.
func (c *Client) readingUsers(judge func(*target) evidence) func(context.Context, []*target) (map[*target]evidence, error) {
	return func(ctx context.Context, batch []*target) (map[*target]evidence, error) {
		if err := c.find(ctx, batch); err != nil {
			return nil, err
		}
		seen := make(map[*target]evidence, len(batch))
		for _, t := range batch {
			seen[t] = judge(t)
		}
		return seen, nil
	}
}

// find looks targets up.
func (c *Client) find(ctx context.Context, targets []*target) error {
	emails := make([]string, len(targets))
	for i, t := range targets {
		emails[i] = t.email
	}
	users, err := c.FindUsers(ctx, emails...)
	if err != nil {
		return err
	}
	byEmail := make(map[string]*User, len(users))
	for _, u := range users {
		byEmail[strings.ToLower(u.Email)] = u // FindUsers has each address once
	}
	for _, t := range targets {
		t.user = byEmail[strings.ToLower(t.email)]
	}
	return nil
}

// skip decides targets to which a change does not apply.
func skip(targets []*target, reason func(*User) string) {
	for _, t := range targets {
		if why := reason(t.user); why != "" {
			t.decide(OutcomeSkipped, why, nil)
		}
	}
}

const notInOrganization = "is not in the organization"

// members is the reason to skip whoever is no member.
func members(u *User) string {
	switch {
	case u == nil:
		return notInOrganization
	case u.Status == StatusPending:
		return "has not accepted the invitation"
	default:
		return ""
	}
}
