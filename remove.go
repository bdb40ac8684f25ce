package orgusers

import (
	"context"
)

// RemoveUsers takes users out of the organization, members and pending
// invitations alike. They lose every stack of the organization at once; their
// accounts stay. Addresses that are not in the organization are skipped.
//
// An empty list, an address that is none, the owner and yourself refuse the
// whole call with [ErrRefused]; then, and with BulkOptions.DryRun, nothing is
// changed. The error joins what failed or is unknown; the result is complete
// beside it.
//
// It sends DELETE /organizations/{organization_uid}/share (documented), for
// ten addresses at a time, after reading the addresses, the account of the
// client's credentials and the organization, which a dry run reads too. It
// reads the addresses back where the answer does not tell that they are gone.
func (c *Client) RemoveUsers(ctx context.Context, emails []string, opts *BulkOptions) (*BulkResult, error) {
	targets, _, err := c.targets(ctx, opRemoveUsers, emails)
	if err != nil {
		return &BulkResult{}, err
	}
	skip(targets, func(u *User) string {
		if u == nil {
			return notInOrganization
		}
		return ""
	})
	b := c.removal(opRemoveUsers)
	b.run(ctx, targets, opts.orDefault())
	return b.result(targets)
}

// WithdrawInvitations takes pending invitations back. It never removes a
// member: whoever has accepted is skipped, looked up again immediately before
// each batch is sent.
//
// Guards ([ErrRefused]) and outcomes are those of [Client.RemoveUsers], and so
// is the request: DELETE /organizations/{organization_uid}/share (documented).
// The API has none that would tell the two apart, so somebody who accepts in
// the moment between the look and the request is removed.
func (c *Client) WithdrawInvitations(ctx context.Context, emails []string, opts *BulkOptions) (*BulkResult, error) {
	targets, _, err := c.targets(ctx, opWithdrawInvitations, emails)
	if err != nil {
		return &BulkResult{}, err
	}
	skip(targets, notPending)
	b := c.removal(opWithdrawInvitations)
	remove := b.send
	b.send = func(ctx context.Context, batch []*target) error {
		if err := c.find(ctx, batch); err != nil {
			return opWithdrawInvitations.unread(err)
		}
		for _, t := range batch {
			if t.user == nil && t.withdrawn {
				t.decide(OutcomeDone, "", nil) // it came through after all
			}
		}
		skip(undecided(batch), notPending)
		if batch = undecided(batch); len(batch) == 0 {
			return nil
		}
		for _, t := range batch {
			t.withdrawn = true
		}
		return remove(ctx, batch)
	}
	b.run(ctx, targets, opts.orDefault())
	return b.result(targets)
}

func notPending(u *User) string {
	switch {
	case u == nil:
		return notInOrganization
	case u.Status != StatusPending:
		return "is a member already"
	default:
		return ""
	}
}

func (c *Client) removal(op *operation) *bulk {
	return &bulk{
		client: c,
		op:     op,
		send: func(ctx context.Context, batch []*target) error {
			var answer sharesAnswer
			if _, err := c.do(ctx, op, input{body: emailsBody(batch)}, &answer); err != nil {
				return err
			}
			answer.each(batch, func(t *target, _ *User) { t.decide(OutcomeDone, "", nil) })
			return nil
		},
		readBack: c.readingUsers(func(t *target) evidence { return shown(t.user == nil, t.user != nil) }),
	}
}

func (o *BulkOptions) orDefault() BulkOptions {
	if o == nil {
		return BulkOptions{}
	}
	return *o
}

// emailsBody is the body of requests for a list of addresses.
func emailsBody(batch []*target) any {
	body := struct {
		Emails []string `json:"emails"`
	}{make([]string, len(batch))}
	for i, t := range batch {
		body.Emails[i] = t.sentAs()
	}
	return body
}

// TransferOwnership offers the organization to one of its members, who gets
// mail and becomes the owner by accepting. Only the owner can do it.
//
// It is refused with [ErrRefused], and nothing is sent, for something that is
// no address, for yourself, and for whoever is no member. Where the answer was
// lost, the organization is read back. If it shows a transfer that was not
// there before, it is done; otherwise it is [ErrOutcomeUnknown], and never sent
// again by itself.
//
// It sends POST /organizations/{organization_uid}/transfer-ownership
// (documented).
func (c *Client) TransferOwnership(ctx context.Context, email string) error {
	targets, before, err := c.targets(ctx, opTransferOwnership, []string{email})
	if err != nil {
		return err
	}
	t := targets[0]
	if why := members(t.user); why != "" {
		return opTransferOwnership.refused("the user %s", why)
	}
	b := &bulk{
		client: c,
		op:     opTransferOwnership,
		once:   true,
		send: func(ctx context.Context, batch []*target) error {
			body := struct {
				TransferTo string `json:"transfer_to"`
			}{batch[0].sentAs()}
			_, err := c.do(ctx, opTransferOwnership, input{body: body}, nil)
			if err == nil {
				batch[0].decide(OutcomeDone, "", nil)
			}
			return err
		},
	}
	if !before.TransferPending {
		b.readBack = func(ctx context.Context, batch []*target) (map[*target]evidence, error) {
			now, err := c.GetOrganization(ctx, nil)
			if err != nil {
				return nil, err
			}
			return map[*target]evidence{batch[0]: shown(now.TransferPending, !now.TransferPending)}, nil
		}
	}
	b.run(ctx, targets, BulkOptions{})
	return t.err
}
