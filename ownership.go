package orgusers

import (
	"context"
)

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
			now, err := c.Organization(ctx, nil)
			if err != nil {
				return nil, err
			}
			return map[*target]evidence{batch[0]: shown(now.TransferPending, !now.TransferPending)}, nil
		}
	}
	b.run(ctx, targets, BulkOptions{})
	return t.err
}
