package orgusers

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
)

// StackAccess has the API key of each stack and the stack roles, by uid or name.
type StackAccess map[string][]string

// Invitee is a person to invite.
type Invitee struct {
	Email string
	// Roles are organization roles, by uid or name; at least one.
	Roles []string
	// Stacks are the stacks to give access to, with at least one role for each. It
	// may be empty.
	Stacks StackAccess
}

// InviteOptions are options of [Client.Invite]. Nil means the zero value.
type InviteOptions struct {
	BulkOptions

	// Message is part of the email. It may be empty.
	Message string
}

// Invite invites people to the organization. The service sends one email to each.
// Members and people with a pending invitation are skipped and get no email, so a
// call can be repeated with the same list or a longer one.
//
// An address is refused if it is malformed, if it is given twice with different
// access, or if one of its roles or stacks does not exist. The whole call is then
// refused with [ErrRefused], unless BulkOptions.SkipRefused is set. It returns
// [ErrOutcomeUnknown] if an invitation may or may not have been made.
//
// It sends POST /organizations/{organization_uid}/share (documented), for ten
// people at a time, after reading the addresses, the organization's roles and the
// roles of the stacks. If the response is lost, it reads the addresses for seven
// seconds and then invites only people who are not there.
func (c *Client) Invite(ctx context.Context, invitees []Invitee, opts *InviteOptions) (*BulkResult, error) {
	options := *cmp.Or(opts, &InviteOptions{})
	b := c.newBulk(opInvite, emailsOf(invitees), &options.BulkOptions)
	b.assign(invitees)
	b.reads = append(b.reads, b.readRoles)
	b.resolve(ctx)
	b.skip(func(t *target) Reason {
		switch {
		case len(t.rows) == 0:
			return ""
		case t.rows[0].Status == StatusPending:
			return ReasonAlreadyPending
		default:
			return ReasonAlreadyMember
		}
	})
	b.resolveAccess(ctx)
	b.send = b.sendInvitation(options.Message)
	b.readBack = b.readUsersBack(invited)
	return b.run(ctx)
}

// sendInvitation returns a send that invites a batch.
func (b *bulk) sendInvitation(message string) func(context.Context, []*target) error {
	return func(ctx context.Context, batch []*target) error {
		var response sharesResponse
		if err := b.client.do(ctx, b.op, input{body: newInviteBody(batch, message)}, &response); err != nil {
			return err
		}
		users, err := response.users(ctx, b.roles)
		if err != nil {
			users = nil // the addresses are read back
		}
		for _, u := range users {
			for _, t := range batch {
				if narrowKey(t.email) == narrowKey(u.Email) {
					t.rows = []*User{u}
					t.decide(OutcomeDone, "", nil)
				}
			}
		}
		return nil
	}
}

// invited is the evidence of an invitation.
func invited(t *target) evidence {
	switch {
	case len(t.rows) == 1:
		return changed
	case len(t.rows) > 1 || t.doubtful:
		return inconclusive
	default:
		return unchanged
	}
}

func emailsOf(invitees []Invitee) []string {
	emails := make([]string, len(invitees))
	for i, invitee := range invitees {
		emails[i] = invitee.Email
	}
	return emails
}

// assign gives each target its invitee. An address that is given twice with
// different access is refused, because either may be meant.
func (b *bulk) assign(invitees []Invitee) {
	byKey := make(map[string]*target, len(b.targets))
	for _, t := range b.targets {
		byKey[wideKey(t.email)] = t
	}
	for _, invitee := range invitees {
		email, _ := parseAddress(invitee.Email)
		t := byKey[wideKey(email)]
		switch {
		case t.invitee == nil:
			t.invitee = &invitee
		case t.status == "" && (!sameUIDs(t.invitee.Roles, invitee.Roles) || !maps.EqualFunc(t.invitee.Stacks, invitee.Stacks, sameUIDs)):
			b.refuse(t, ReasonConflictingAccess, ErrInvalid)
		}
	}
}

// resolveAccess replaces the names of roles by their uids, and refuses people with a
// role or stack that does not exist.
func (b *bulk) resolveAccess(ctx context.Context) {
	keys := map[string]bool{}
	for _, t := range b.undecided() {
		for key := range t.invitee.Stacks {
			keys[key] = true
		}
	}
	stacks := b.client.readStackRoles(ctx, slices.Sorted(maps.Keys(keys)))
	for _, t := range b.undecided() {
		switch reason, err := resolveInvitee(t, b.roles.roles, stacks); {
		case reason == ReasonReadFailed:
			b.abort(readFailure(ctx), b.op.notRead(err))
			return
		case err != nil:
			b.refuse(t, reason, fmt.Errorf("%w: %w", ErrInvalid, err))
			t.note(err.Error())
		}
	}
}

// resolveInvitee replaces the names of roles in the invitee of a target by their
// uids. The reason is ReasonReadFailed if the failure does not concern the invitee.
func resolveInvitee(t *target, known []*Role, stacks map[string]*stackRoles) (Reason, error) {
	roles, detail, err := findRoles(known, t.invitee.Roles)
	if err != nil {
		return ReasonInvalidRole, err
	}
	t.note(detail)
	resolved := &Invitee{Email: t.invitee.Email, Roles: roles, Stacks: StackAccess{}}
	for _, key := range slices.Sorted(maps.Keys(t.invitee.Stacks)) {
		if reason, err := stacks[key].failure(); err != nil {
			return reason, fmt.Errorf("stack %q cannot be read: %w", key, err)
		}
		if resolved.Stacks[key], detail, err = findRoles(stacks[key].roles, t.invitee.Stacks[key]); err != nil {
			return ReasonInvalidRole, fmt.Errorf("stack %q: %w", key, err)
		}
		if detail != "" {
			t.note(fmt.Sprintf("stack %q: %s", key, detail))
		}
	}
	t.invitee = resolved
	return "", nil
}

// inviteBody is the body of an invitation, which is also the only documented request
// that touches the roles of members.
type inviteBody struct {
	Share inviteShare `json:"share"`
}

type inviteShare struct {
	Users   map[string][]string    `json:"users"`
	Stacks  map[string]StackAccess `json:"stacks,omitempty"`
	Message string                 `json:"message,omitempty"`
}

func newInviteBody(batch []*target, message string) inviteBody {
	share := inviteShare{Users: map[string][]string{}, Stacks: map[string]StackAccess{}, Message: message}
	for _, t := range batch {
		share.Users[t.email] = t.invitee.Roles
		if len(t.invitee.Stacks) > 0 {
			share.Stacks[t.email] = t.invitee.Stacks
		}
	}
	return inviteBody{share}
}

// PendingInvitations returns a sequence of all pending invitations, by creation. It
// is [Client.Users] with [StatusPending], and sends what [Client.ListUsers] sends.
func (c *Client) PendingInvitations(ctx context.Context) iter.Seq2[*User, error] {
	return c.Users(ctx, &ListUsersOptions{Status: StatusPending})
}

// ResendInvitations sends the emails of pending invitations again. Members and
// addresses that are not in the organization are skipped.
//
// If the response was lost, the outcome is unknown ([ErrOutcomeUnknown]), because
// the API does not show whether an email was sent. Repeating the call may then send
// a second email. It returns [ErrRefused] if the list is empty or an address is
// malformed.
//
// It sends GET
// /organizations/{organization_uid}/share/{share_uid}/resend_invitation
// (documented) for each address, after reading the addresses. This GET sends email,
// so it is retried as a write.
func (c *Client) ResendInvitations(ctx context.Context, emails []string, opts *BulkOptions) (*BulkResult, error) {
	b := c.newBulk(opResendInvitations, emails, opts)
	b.resolve(ctx)
	b.skip(unlessPending)
	b.size = 1
	b.send = func(ctx context.Context, batch []*target) error {
		in := input{path: map[string]string{"share_uid": batch[0].user().ShareUID}}
		return c.do(ctx, opResendInvitations, in, nil)
	}
	return b.run(ctx)
}

// WithdrawInvitations withdraws pending invitations. It does not remove members: an
// address whose invitation was accepted is skipped. Each batch is looked up again
// immediately before it is sent.
//
// Guards ([ErrRefused]) and outcomes are those of [Client.RemoveUsers], and so is
// the request: DELETE /organizations/{organization_uid}/share (documented). The API
// has no request for invitations only, so a person who accepts between the lookup
// and the request is removed.
func (c *Client) WithdrawInvitations(ctx context.Context, emails []string, opts *BulkOptions) (*BulkResult, error) {
	b := c.newBulk(opWithdrawInvitations, emails, opts)
	b.resolve(ctx, notOwner, notSelf, notProtected, b.notStackOwner())
	b.skip(unlessPending)
	b.reserveRemovals(ctx)
	b.readBack = b.readUsersBack(removed)
	asked := map[*target]bool{}
	b.send = func(ctx context.Context, batch []*target) error {
		if err := b.refresh(ctx, batch); err != nil {
			b.abort(readFailure(ctx), withOp(b.op.name+": not started", err))
			return nil
		}
		for _, t := range batch {
			switch reason := unlessPending(t); {
			case t.doubtful && asked[t]:
				t.decide(OutcomeUnknown, ReasonNoResponse, fmt.Errorf("orgusers: %s: %w: the address may have a row in another spelling", b.op.name, ErrOutcomeUnknown))
			case t.doubtful:
				b.refuse(t, ReasonDuplicateRows, nil)
			case len(t.rows) == 0 && asked[t]:
				t.decide(OutcomeDone, "", nil) // an earlier request came through
			case reason != "":
				t.decide(OutcomeSkipped, reason, nil)
			default:
				asked[t] = true
			}
		}
		if batch = undecided(batch); len(batch) == 0 {
			return nil
		}
		return b.sendRemoval(ctx, batch)
	}
	return b.run(ctx)
}
