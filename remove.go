package orgusers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// RemoveOptions are options of [Client.RemoveUsers]. Nil means the zero value.
type RemoveOptions struct {
	BulkOptions

	// AllowUnread calls Before even if the roles of a stack cannot be read. The stack is
	// then in UserAccess.Unread. By default no user is removed.
	AllowUnread bool
	// Before is called once, before anything is changed, with a record of each user who would
	// be removed. Save the records: [Client.Restore] takes them. If Before returns an error,
	// the call is refused with [ErrRefused]. An address with a new row after Before is refused
	// too. Before is not called in a dry run, or if no user would be removed. It runs on the
	// caller's goroutine without a lock, and may use the client.
	Before func(context.Context, []*UserAccess) error
}

// RemoveUsers removes users from the organization, members and pending invitations alike. They
// lose access to every stack of the organization at once. Their accounts remain. Addresses
// that are not in the organization are skipped. An address with two rows, a member and an
// invitation, is done when no row is left, and partial when one is.
//
// The whole call is refused with [ErrRefused] before anything is changed if the list
// is empty, an address is malformed, or the list contains the owner or the caller.
// [WithGuards] adds guards. Each refused address has an outcome with its reason, and
// the others have [OutcomeNotStarted]. With BulkOptions.SkipRefused the others are
// processed. The result is complete even with an error.
//
// RemoveOptions.Before gets a record of what the users have. The users are looked up
// and guarded again after it. It returns [ErrIncomplete] if a stack cannot be read.
//
// It sends DELETE /organizations/{organization_uid}/share (documented), for ten
// addresses at a time. Before that it reads the addresses, the account of the
// client's credentials and the organization, in a dry run too, with Before what
// [Client.Access] reads, and with guards what they need. It reads the addresses
// back if the response does not show that they are gone.
func (c *Client) RemoveUsers(ctx context.Context, emails []string, opts *RemoveOptions) (*BulkResult, error) {
	options := *cmp.Or(opts, &RemoveOptions{})
	b := c.newBulk(opRemoveUsers, emails, &options.BulkOptions)
	defer b.release() // also if a panic of the caller's transport comes before run
	guards := []guard{notOwner, notSelf, notProtected, b.notStackOwner()}
	b.prepareRemoval(ctx, guards)
	if options.Before != nil && !options.DryRun && len(b.undecided()) > 0 {
		b.release() // Before may take long, and may use the client
		shown := b.callBefore(ctx, options)
		b.roles = c.newRoleDirectory()
		b.prepareRemoval(ctx, append(guards, shown))
	}
	b.send = b.sendRemoval
	b.readBack = b.readUsersBack(removed)
	return b.run(ctx)
}

// prepareRemoval looks up the users of a call and applies all guards.
func (b *bulk) prepareRemoval(ctx context.Context, guards []guard) {
	b.resolve(ctx, guards...)
	b.skip(unlessThere)
	b.keepAdministrators(ctx, func(*target, string, *Team) bool { return false })
	b.reserveRemovals(ctx)
}

// callBefore calls RemoveOptions.Before with what the users have. It returns a guard that
// refuses rows that were not there then.
func (b *bulk) callBefore(ctx context.Context, options RemoveOptions) guard {
	shown := map[string]bool{}
	isNew := func(u *User) bool { return !shown[u.ShareUID] }
	notNew := func(_ *bulk, t *target) Reason {
		if !slices.ContainsFunc(t.rows, isNew) {
			return ""
		}
		t.note("the address has a row that was not there when RemoveOptions.Before was called")
		return ReasonBefore
	}
	had, err := b.client.readAccess(ctx, options.AllowUnread, b.client.newRoleDirectory())
	if err != nil {
		b.abort(readFailure(ctx), b.op.notRead(err))
		return notNew
	}
	var users []*UserAccess
	for _, t := range b.undecided() {
		for _, u := range t.rows {
			shown[u.ShareUID] = true
		}
		users = append(users, had.of(t.user()))
	}
	if err := options.Before(ctx, users); err != nil {
		b.abort(ReasonBefore, b.op.refused(fmt.Errorf("RemoveOptions.Before: %w", err)))
	}
	return notNew
}

// sendRemoval removes the rows of a batch.
func (b *bulk) sendRemoval(ctx context.Context, batch []*target) error {
	var response sharesResponse
	if err := b.client.do(ctx, b.op, input{body: emailsBody{addressesOf(batch)}}, &response); err != nil {
		return err
	}
	gone := make(map[string]bool, len(response.Shares))
	for _, row := range response.Shares {
		gone[row.UID] = true
	}
	for _, t := range batch {
		left := 0
		for _, u := range t.rows {
			if !gone[u.ShareUID] {
				left++
			}
		}
		if left == 0 {
			t.decide(OutcomeDone, "", nil)
		}
	}
	return nil
}

// removed is the evidence of a removal. A row that was not there before is another
// invitation.
func removed(t *target) evidence {
	left := 0
	for _, u := range t.before {
		if slices.ContainsFunc(t.rows, func(row *User) bool { return row.ShareUID == u.ShareUID }) {
			left++
		}
	}
	switch {
	case t.doubtful:
		return inconclusive
	case len(t.rows) == 0:
		return changed
	case left < len(t.rows):
		return different
	case left < len(t.before):
		return partly
	default:
		return unchanged
	}
}

// TransferOwnership offers the organization to one of its members, who gets an
// email and becomes the owner by accepting. Only the owner can do it.
//
// It returns [ErrRefused], and sends no change, if the address is malformed, is the caller's,
// or does not belong to a member. If the response is lost, the organization is read back: if
// it shows a transfer that was not there before, the call succeeds; otherwise it returns
// [ErrOutcomeUnknown]. The request is not sent again if the server may have received it.
//
// It sends POST /organizations/{organization_uid}/transfer-ownership (documented),
// after the reads of [Client.RemoveUsers].
func (c *Client) TransferOwnership(ctx context.Context, email string) error {
	b := c.newBulk(opTransferOwnership, []string{email}, nil)
	b.resolve(ctx, notOwner, notSelf, notSeveralMembers)
	t := b.targets[0]
	if t.status == "" {
		if reason := unlessMember(t); reason != "" {
			b.refuse(t, reason, nil)
		}
	}
	b.once = true
	b.send = func(ctx context.Context, batch []*target) error {
		body := struct {
			TransferTo string `json:"transfer_to"`
		}{batch[0].address()}
		err := c.do(ctx, opTransferOwnership, input{body: body}, nil)
		if err == nil {
			batch[0].decide(OutcomeDone, "", nil)
		}
		return err
	}
	if before := b.organization; before != nil && !before.TransferPending {
		b.readBack = func(ctx context.Context, batch []*target) (map[*target]evidence, error) {
			now, err := c.GetOrganization(ctx, nil)
			if err != nil {
				return nil, err
			}
			state := unchanged
			switch {
			case now.TransferPending && (now.TransferTo == "" || strings.EqualFold(now.TransferTo, batch[0].address())):
				state = changed
			case now.TransferPending:
				state = different // somebody offered it to another member
			}
			return map[*target]evidence{batch[0]: state}, nil
		}
	}
	_, _ = b.run(ctx) // which sets the error of the target
	return t.err
}
