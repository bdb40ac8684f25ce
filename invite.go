package orgusers

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// StackAccess is access to stacks: for each stack's API key the uids of the
// stack roles to have there.
type StackAccess map[string][]string

// Invitee is somebody to invite.
type Invitee struct {
	Email string
	// RoleUIDs are organization roles, at least one; [Client.RoleByName] finds
	// them.
	RoleUIDs []string
	// Stacks are the stacks to have access to; none if it is empty.
	Stacks StackAccess
}

// InviteRequest is whom to invite.
type InviteRequest struct {
	Invitees []Invitee
	// Message is put into the mail. It may be empty.
	Message string
	// DryRun sends nothing but reads, and tells what a real run would come to:
	// Invited is "would be invited".
	DryRun bool
	// Progress is told, from the goroutine of the call, how many addresses of
	// how many have an outcome.
	Progress func(done, total int)
}

// InviteStatus is what became of an invitation.
type InviteStatus string

// The outcomes of an invitation.
const (
	// Invited means that the invitation is there, and one mail on its way.
	Invited InviteStatus = "invited"
	// AlreadyMember means that nothing was sent: the user is a member.
	AlreadyMember InviteStatus = "already a member"
	// AlreadyPending means that nothing was sent: an invitation waits to be
	// accepted. [Client.ResendInvitationTo] mails it again.
	AlreadyPending InviteStatus = "already pending"
	// InviteFailed means that there is no invitation, and no mail.
	InviteFailed InviteStatus = "failed"
	// InviteUnknown means that there may or may not be an invitation and a
	// mail, and that reading back did not tell. The error is
	// ErrOutcomeUnknown.
	InviteUnknown InviteStatus = "unknown"
)

// InviteOutcome is what became of one invitation.
type InviteOutcome struct {
	// Email is the address as it was first given, without blanks around it.
	Email  string       `json:"email"`
	Status InviteStatus `json:"status"`
	// User is who was invited, or was there already; nil if nobody is there.
	User *User `json:"user,omitempty"`
	// Reason says why there is no invitation.
	Reason string `json:"reason,omitempty"`
	// Err is the failure, or what left the outcome unknown. It is not in JSON.
	Err error `json:"-"`
}

// InviteResult has one outcome for each address, in the order given. Addresses
// that differ in letter case alone are one. It is empty where the call was
// refused, or failed before anything was sent.
type InviteResult struct {
	Outcomes []InviteOutcome `json:"outcomes"`
}

// Count tells how many outcomes have a status.
func (r *InviteResult) Count(status InviteStatus) int {
	n := 0
	for _, outcome := range r.Outcomes {
		if outcome.Status == status {
			n++
		}
	}
	return n
}

// Invite invites people into the organization, and mails each of them once.
// Members and pending invitations are told apart first and get no mail, so it
// can be repeated without harm, with the same list or a longer one.
//
// An empty list and an address that is none refuse the whole call with
// [ErrRefused]. Everything else concerns an address alone: no organization
// role, a role or stack that does not exist, the same address twice with
// different access. The error joins what failed or is unknown; the result is
// complete beside it.
//
// It sends POST /organizations/{organization_uid}/share (documented), for ten
// people at a time, after reading the addresses, the organization's roles and
// the stacks that are asked for. Where an answer was lost it reads back, and
// invites again only who is not there: nobody gets two mails.
func (c *Client) Invite(ctx context.Context, req InviteRequest) (*InviteResult, error) {
	targets, err := inviteTargets(req.Invitees)
	if err != nil {
		return &InviteResult{}, err
	}
	if err := c.find(ctx, targets); err != nil {
		return &InviteResult{}, opInvite.unread(err)
	}
	for _, t := range targets {
		if t.user != nil {
			t.decide(OutcomeSkipped, "", nil)
		}
	}
	if err := c.checkInvitees(ctx, undecided(targets)); err != nil {
		return &InviteResult{}, opInvite.unread(err)
	}
	c.invitation(req.Message).run(ctx, targets, BulkOptions{DryRun: req.DryRun, Progress: req.Progress})

	result := &InviteResult{Outcomes: make([]InviteOutcome, len(targets))}
	for i, t := range targets {
		result.Outcomes[i] = InviteOutcome{Email: t.email, Status: inviteStatus(t), User: t.user, Reason: t.reason, Err: t.err}
	}
	return result, joined(opInvite, targets)
}

func inviteStatus(t *target) InviteStatus {
	switch {
	case t.status == OutcomeDone:
		return Invited
	case t.status == OutcomeUnknown:
		return InviteUnknown
	case t.status == OutcomeFailed:
		return InviteFailed
	case t.user.Status == StatusPending:
		return AlreadyPending
	default:
		return AlreadyMember
	}
}

// inviteTargets folds invitees. Somebody who is given twice with different
// access is an outcome that failed: neither of the two is known to be meant.
func inviteTargets(invitees []Invitee) ([]*target, error) {
	emails := make([]string, len(invitees))
	for i, invitee := range invitees {
		emails[i] = invitee.Email
	}
	targets, err := newTargets(opInvite, emails)
	if err != nil {
		return nil, err
	}
	byEmail := make(map[string]*target, len(targets))
	for _, t := range targets {
		byEmail[strings.ToLower(t.email)] = t
	}
	for _, invitee := range invitees {
		t := byEmail[strings.ToLower(strings.TrimSpace(invitee.Email))]
		if t.invitee == nil {
			t.invitee = &invitee
		} else if !sameUIDs(t.invitee.RoleUIDs, invitee.RoleUIDs) || !maps.EqualFunc(t.invitee.Stacks, invitee.Stacks, sameUIDs) {
			t.decide(OutcomeFailed, "", opInvite.invalid(errors.New("the address is given twice, with different roles")))
		}
	}
	return targets, nil
}

// sameUIDs compares lists whose order does not matter.
func sameUIDs(a, b []string) bool {
	return slices.Equal(slices.Compact(slices.Sorted(slices.Values(a))), slices.Compact(slices.Sorted(slices.Values(b))))
}

// checkInvitees fails whoever asks for a role or stack that does not exist,
// before anything is sent.
func (c *Client) checkInvitees(ctx context.Context, targets []*target) error {
	if len(targets) == 0 {
		return nil
	}
	organizationRoles, err := uidsOf(c.Roles(ctx, nil))
	if err != nil {
		return err
	}
	type stack struct {
		roles map[string]bool
		err   error
	}
	stacks := map[string]stack{}
	for _, t := range targets {
		if problem := checkUIDs("organization role", t.invitee.RoleUIDs, organizationRoles); problem != nil {
			t.decide(OutcomeFailed, "", opInvite.invalid(problem))
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(t.invitee.Stacks)) {
			known, ok := stacks[key]
			if !ok {
				known.roles, known.err = uidsOf(c.StackRoles(ctx, key))
				stacks[key] = known
			}
			if known.err != nil {
				t.decide(OutcomeFailed, "", failedIn(fmt.Sprintf("Invite: stack %s", key), known.err))
				break
			}
			if problem := checkUIDs("role in stack "+key, t.invitee.Stacks[key], known.roles); problem != nil {
				t.decide(OutcomeFailed, "", opInvite.invalid(problem))
				break
			}
		}
	}
	return nil
}

func uidsOf(roles iter.Seq2[*Role, error]) (map[string]bool, error) {
	uids := map[string]bool{}
	for role, err := range roles {
		if err != nil {
			return nil, err
		}
		uids[role.UID] = true
	}
	return uids, nil
}

func checkUIDs(what string, uids []string, known map[string]bool) error {
	if len(uids) == 0 {
		return fmt.Errorf("there must be at least one %s", what)
	}
	for _, uid := range uids {
		if !known[uid] {
			return fmt.Errorf("there is no %s with the uid %q", what, uid)
		}
	}
	return nil
}

func (c *Client) invitation(message string) *bulk {
	return &bulk{
		client: c,
		op:     opInvite,
		send: func(ctx context.Context, batch []*target) error {
			var answer sharesAnswer
			if _, err := c.do(ctx, opInvite, input{body: inviteBody(batch, message)}, &answer); err != nil {
				return err
			}
			answer.each(batch, func(t *target, u *User) {
				t.user = u
				t.decide(OutcomeDone, "", nil)
			})
			return nil
		},
		readBack: c.readingUsers(func(t *target) evidence { return shown(t.user != nil, t.user == nil) }),
	}
}

// inviteRequestBody is the body of an invitation, which is also the one
// documented request that touches the roles of members.
type inviteRequestBody struct {
	Share shareBody `json:"share"`
}

type shareBody struct {
	Users   map[string][]string    `json:"users"`
	Stacks  map[string]StackAccess `json:"stacks,omitempty"`
	Message string                 `json:"message,omitempty"`
}

func inviteBody(batch []*target, message string) any {
	share := shareBody{Users: map[string][]string{}, Stacks: map[string]StackAccess{}, Message: message}
	for _, t := range batch {
		share.Users[t.email] = t.invitee.RoleUIDs
		if len(t.invitee.Stacks) > 0 {
			share.Stacks[t.email] = t.invitee.Stacks
		}
	}
	return inviteRequestBody{share}
}

// PendingInvitations reads all invitations that wait to be accepted. It is
// [Client.Users] for [StatusPending], by creation, and sends what
// [Client.ListUsers] sends.
func (c *Client) PendingInvitations(ctx context.Context) iter.Seq2[*User, error] {
	return c.Users(ctx, &ListUsersOptions{Status: StatusPending})
}

// ResendInvitation mails a pending invitation again; the uid is User.ShareUID.
// Whether a mail went out cannot be read back: where the answer was lost, the
// error is [ErrOutcomeUnknown], and repeating it may mail twice. A uid that is
// empty or would change the path is [ErrInvalid], and nothing is sent.
//
// It sends GET /organizations/{organization_uid}/share/{share_uid}/resend_invitation
// (documented), a GET that mails, and so is never repeated.
func (c *Client) ResendInvitation(ctx context.Context, shareUID string) error {
	_, err := c.do(ctx, opResendInvitation, input{path: map[string]string{"share_uid": shareUID}}, nil)
	return err
}

// ResendInvitationTo mails the pending invitation of an address again: it looks
// the address up, and sends what [Client.ResendInvitation] sends. Nobody there
// is [ErrNotFound]; a member is [ErrRefused], and gets no mail.
func (c *Client) ResendInvitationTo(ctx context.Context, email string) error {
	u, err := c.GetUser(ctx, email)
	if err != nil {
		return err
	}
	if why := notPending(u); why != "" {
		return opResendInvitation.refused("the user %s", why)
	}
	return c.ResendInvitation(ctx, u.ShareUID)
}
