package orgusers

import "context"

// UpdateRoles gives members exactly these organization roles. Whoever is no
// member is skipped, never invited; so is whoever has just these roles. Where
// an answer was lost, and the roles do not show that it was done, the outcome
// is unknown ([ErrOutcomeUnknown]) and nothing is sent again.
//
// The API has no request to update roles. The one documented request that
// touches them is the invitation, whose sample answers with an accepted
// member; whether it replaces roles or adds to them is not known, and the
// service may mail those members. So every member is read back after it, and
// is [OutcomeFailed] unless the roles are exactly these. [WithRoutes] can
// replace the request.
//
// Guards are those of [Client.RemoveUsers]. No role, or one that the
// organization does not have, fails for every member, and nothing is sent.
//
// It sends POST /organizations/{organization_uid}/share (documented for
// invitations), for ten members at a time.
func (c *Client) UpdateRoles(ctx context.Context, emails, roleUIDs []string, opts *BulkOptions) (*BulkResult, error) {
	route := c.config.routes.UpdateRoles
	op := opUpdateRoles
	if route.isSet() {
		op = route.operation(op.name)
	}
	targets, _, err := c.targets(ctx, op, emails)
	if err != nil {
		return &BulkResult{}, err
	}
	known, err := uidsOf(c.Roles(ctx, nil))
	if err != nil {
		return &BulkResult{}, op.unread(err)
	}
	skip(targets, func(u *User) string {
		if why := members(u); why != "" {
			return why
		}
		if hasRoles(u, roleUIDs) {
			return "has exactly these roles already"
		}
		return ""
	})
	if problem := checkUIDs("organization role", roleUIDs, known); problem != nil {
		decideAll(targets, OutcomeFailed, "", op.invalid(problem))
	}
	b := &bulk{
		client: c,
		op:     op,
		send: func(ctx context.Context, batch []*target) error {
			if route.isSet() {
				err := c.sendRoute(ctx, op, route, roleUIDs, batch)
				for _, t := range batch {
					if t.status == OutcomeDone {
						t.status = "" // whatever the route says, it is read back
					}
				}
				return err
			}
			share := shareBody{Users: map[string][]string{}}
			for _, t := range batch {
				share.Users[t.sentAs()] = roleUIDs
			}
			var answer sharesAnswer
			_, err := c.do(ctx, op, input{body: inviteRequestBody{share}}, &answer)
			return err
		},
		exact: true,
		// That the roles are as they were does not tell that nobody was mailed.
		once: true,
		readBack: c.readingUsers(func(t *target) evidence {
			if t.user == nil {
				return unclear
			}
			return shown(hasRoles(t.user, roleUIDs), hasRoles(t.user, uidsOfRoles(t.before)))
		}),
	}
	b.run(ctx, targets, opts.orDefault())
	return b.result(targets)
}

func hasRoles(u *User, roleUIDs []string) bool { return sameUIDs(uidsOfRoles(u), roleUIDs) }

func uidsOfRoles(u *User) []string {
	uids := make([]string, len(u.Roles))
	for i, role := range u.Roles {
		uids[i] = role.UID
	}
	return uids
}
