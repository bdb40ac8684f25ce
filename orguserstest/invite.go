package orguserstest

import (
	"maps"
	"net/http"
	"slices"
)

var inviteRoutes = []route{
	{method: http.MethodPost, pattern: "/v3/organizations/{organization_uid}/share", operation: "Invite", needs: usersWrite, write: true, handle: (*Server).invite},
	{method: http.MethodGet, pattern: "/v3/organizations/{organization_uid}/share/{share_uid}/resend_invitation", operation: "ResendInvitations", needs: usersWrite, write: true, handle: (*Server).resend},
	// The official JavaScript SDK leaves out the path element share.
	{method: http.MethodGet, pattern: "/v3/organizations/{organization_uid}/{share_uid}/resend_invitation", operation: "ResendInvitations", needs: usersWrite, write: true, handle: (*Server).resend},
}

// invitee is one address of an invitation.
type invitee struct {
	email  string
	roles  []*role
	access []stackAccess
}

// noticeInvited is the notice of every request that invites.
const noticeInvited = "The invitation has been sent successfully."

// invite sends invitations. If anything about one address is wrong, it sends
// none.
func (s *Server) invite(c *call) response {
	var input struct {
		Share struct {
			Users   map[string][]string            `json:"users"`
			Stacks  map[string]map[string][]string `json:"stacks"`
			Message string                         `json:"message"`
		} `json:"share"`
	}
	if refused := c.decode(&input); refused != nil {
		return *refused
	}
	invitees, wrong := c.organization.invitees(input.Share.Users, input.Share.Stacks)
	if wrong != "" {
		return invalid(wrong)
	}
	var rows []*share
	for _, each := range someOf(c, invitees) {
		rows = append(rows, s.inviteOne(c, each, input.Share.Message))
	}
	return s.respondRows(noticeInvited, c.organization, rows, view{written: true})
}

// invitees returns the addresses of an invitation in alphabetical order. The
// second result is the name of an invalid field, if there is one.
func (o *organization) invitees(users map[string][]string, stacks map[string]map[string][]string) (list []invitee, wrong string) {
	if len(users) == 0 {
		return nil, "users"
	}
	seen := map[string]bool{}
	for _, email := range slices.Sorted(maps.Keys(users)) {
		row := o.rows.find(email)
		if !isAddress(email) || seen[fold(email)] || (row != nil && row.owner) {
			return nil, "users"
		}
		seen[fold(email)] = true
		roles, ok := rolesWith(o.roles, users[email])
		if !ok {
			return nil, "org_roles"
		}
		each := invitee{email: email, roles: roles}
		for _, apiKey := range slices.Sorted(maps.Keys(stacks[email])) {
			k := o.stackWith(apiKey)
			if k == nil {
				return nil, "stacks"
			}
			roles, ok := rolesWith(k.roles, stacks[email][apiKey])
			if !ok {
				return nil, "stacks"
			}
			each.access = append(each.access, stackAccess{stack: k, roles: roles})
		}
		list = append(list, each)
	}
	for email := range stacks {
		if _, invited := users[email]; !invited {
			return nil, "stacks"
		}
	}
	return list, ""
}

// inviteOne creates an invitation, renews a pending one, or changes the roles
// of a member. Each sends an email.
func (s *Server) inviteOne(c *call, who invitee, message string) *share {
	org, now := c.organization, s.now()
	row := org.rows.find(who.email)
	email := Email{Kind: EmailInvitation, To: who.email, Organization: org.uid, Message: message}
	if row == nil {
		row = &share{
			uid: s.generator.uid(), email: who.email, account: s.accountFor(who.email, now), inviter: c.caller, roles: who.roles,
			message: message, pending: true, invited: now, created: now, updated: now,
		}
		s.add(org, row)
	} else {
		email.To = row.email
		org.rows.change(row, func() {
			row.roles, row.updated = s.setOrMerge(row.roles, who.roles), now
			if row.pending {
				row.inviter, row.invited, row.message = c.caller, now, message
			}
		})
		if !row.pending {
			email.Kind = EmailRoleChange
		}
	}
	for _, a := range who.access {
		org.grant(row, a.stack, a.roles)
	}
	s.email(email)
	s.audit(c, "share", row)
	return row
}

// setOrMerge returns the roles of a user after an invitation.
func (s *Server) setOrMerge(had, given []*role) []*role {
	if !s.cfg.roleMerge {
		return given
	}
	return union(had, given)
}

// resend sends an invitation again. It changes nothing else.
func (s *Server) resend(c *call) response {
	row := c.organization.rows.withUID(c.params["share_uid"])
	switch {
	case row == nil:
		return notFound()
	case !row.pending:
		return invalid("uid")
	}
	s.email(Email{Kind: EmailResentInvitation, To: row.email, Organization: c.organization.uid, Message: row.message})
	s.audit(c, "resend_invitation", row)
	return respond(object{"notice": "The invitation has been resent successfully."})
}
