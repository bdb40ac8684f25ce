package orgusers_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// A write, as the tests of faults see it: what it asks of whom, and how to
// see in the organization whether it was done.
type write struct {
	name string // that of the sending in the matrix
	// call returns what became of each address.
	call func(ctx context.Context, c *orgusers.Client, s *orguserstest.Server) map[string]orgusers.OutcomeStatus
	// done tells whether the change is there.
	done func(s *orguserstest.Server, email string) bool
	// mails tells that each change sends one mail.
	mails bool
	// unseen tells that a client cannot see whether it was done, and blind that
	// only the outbox shows it.
	unseen, blind bool
	// routes tells that the client is given the fake's routes.
	routes       bool
	method, path string // of the request that changes something
}

// callerOf is who of the crowd may do something.
func callerOf(name string) string {
	if name == "TransferOwnership" {
		return "owner@example.com"
	}
	return "admin@example.com"
}

// crowd is an organization with somebody for each write: twelve members, of
// whom the first ones are locked, twelve pending invitations.
func crowd() []orguserstest.Person {
	people := []orguserstest.Person{
		{Email: "owner@example.com", Owner: true, FirstName: "Ona", LastName: "Owner"},
		{Email: "admin@example.com", Roles: []string{"Admin"}, FirstName: "Ada", LastName: "Admin"},
	}
	for i := range 12 {
		people = append(people,
			orguserstest.Person{Email: member(i), FirstName: "Mem", LastName: "Ber", FailedLogins: 10, MFA: true},
			orguserstest.Person{Email: pending(i), Pending: true})
	}
	return people
}

func member(i int) string  { return fmt.Sprintf("member%d@example.com", i) }
func pending(i int) string { return fmt.Sprintf("pending%d@example.com", i) }
func stranger(i int) string {
	return fmt.Sprintf("stranger%d@example.com", i)
}

func twelve(name func(int) string) []string {
	emails := make([]string, 12)
	for i := range emails {
		emails[i] = name(i)
	}
	return emails
}

// statuses are the outcomes by address. A call that failed without outcomes
// fails the test.
func statuses(result *orgusers.BulkResult, err error) map[string]orgusers.OutcomeStatus {
	if len(result.Outcomes) == 0 {
		panic(fmt.Sprintf("no outcomes, %v", err))
	}
	got := map[string]orgusers.OutcomeStatus{}
	for _, outcome := range result.Outcomes {
		got[outcome.Email] = outcome.Status
	}
	return got
}

// statusOf is the outcome of a call for one address.
func statusOf(email string, err error) map[string]orgusers.OutcomeStatus {
	status := orgusers.OutcomeDone
	switch {
	case errors.Is(err, orgusers.ErrOutcomeUnknown):
		status = orgusers.OutcomeUnknown
	case err != nil:
		status = orgusers.OutcomeFailed
	}
	return map[string]orgusers.OutcomeStatus{email: status}
}

func invite(ctx context.Context, c *orgusers.Client, s *orguserstest.Server) map[string]orgusers.OutcomeStatus {
	var request orgusers.InviteRequest
	for _, email := range twelve(stranger) {
		request.Invitees = append(request.Invitees, orgusers.Invitee{Email: email, RoleUIDs: []string{s.RoleUID("Member")}})
	}
	result, _ := c.Invite(ctx, request)
	got := map[string]orgusers.OutcomeStatus{}
	for _, outcome := range result.Outcomes {
		got[outcome.Email] = map[orgusers.InviteStatus]orgusers.OutcomeStatus{
			orgusers.Invited: orgusers.OutcomeDone, orgusers.InviteFailed: orgusers.OutcomeFailed, orgusers.InviteUnknown: orgusers.OutcomeUnknown,
		}[outcome.Status]
	}
	return got
}

func is(s *orguserstest.Server, email string) bool {
	_, there := s.User(email)
	return there
}

var writes = []write{
	{
		name: "Invite", method: http.MethodPost, path: sharePath, mails: true,
		call: invite, done: is,
	},
	{
		name: "RemoveUsers", method: http.MethodDelete, path: sharePath,
		call: func(ctx context.Context, c *orgusers.Client, _ *orguserstest.Server) map[string]orgusers.OutcomeStatus {
			return statuses(c.RemoveUsers(ctx, append(twelve(member)[:6], twelve(pending)[:6]...), nil))
		},
		done: func(s *orguserstest.Server, email string) bool { return !is(s, email) },
	},
	{
		name: "WithdrawInvitations", method: http.MethodDelete, path: sharePath,
		call: func(ctx context.Context, c *orgusers.Client, _ *orguserstest.Server) map[string]orgusers.OutcomeStatus {
			return statuses(c.WithdrawInvitations(ctx, twelve(pending), nil))
		},
		done: func(s *orguserstest.Server, email string) bool { return !is(s, email) },
	},
	{
		name: "ResendInvitationTo", method: http.MethodGet, path: sharePath + "/{share_uid}/resend_invitation", mails: true, blind: true,
		call: func(ctx context.Context, c *orgusers.Client, _ *orguserstest.Server) map[string]orgusers.OutcomeStatus {
			return statusOf(pending(0), c.ResendInvitationTo(ctx, pending(0)))
		},
	},
	{
		name: "UpdateRoles, without a route", method: http.MethodPost, path: sharePath, mails: true, unseen: true,
		call: func(ctx context.Context, c *orgusers.Client, s *orguserstest.Server) map[string]orgusers.OutcomeStatus {
			return statuses(c.UpdateRoles(ctx, twelve(member), []string{s.RoleUID("Admin")}, nil))
		},
		done: func(s *orguserstest.Server, email string) bool {
			u, _ := s.User(email)
			return slices.Equal(u.RoleUIDs, []string{s.RoleUID("Admin")})
		},
	},
	{
		name: "UpdateStackAccess, given", method: http.MethodPost, path: "/v3/stacks/share", mails: true,
		call: func(ctx context.Context, c *orgusers.Client, s *orguserstest.Server) map[string]orgusers.OutcomeStatus {
			setAccess(s)
			return statuses(c.UpdateStackAccess(ctx, twelve(member), access(s, 0), nil))
		},
		done: func(s *orguserstest.Server, email string) bool { return hasAccess(s, email, 0) },
	},
	{
		name: "UpdateStackAccess, replaced", method: http.MethodPost, path: "/v3/stacks/users/roles",
		call: func(ctx context.Context, c *orgusers.Client, s *orguserstest.Server) map[string]orgusers.OutcomeStatus {
			setAccess(s, s.Stacks()[0].Roles[0].UID)
			return statuses(c.UpdateStackAccess(ctx, twelve(member), access(s, 1), nil))
		},
		done: func(s *orguserstest.Server, email string) bool { return hasAccess(s, email, 1) },
	},
	{
		name: "UpdateStackAccess, taken", method: http.MethodPost, path: "/v3/stacks/unshare",
		call: func(ctx context.Context, c *orgusers.Client, s *orguserstest.Server) map[string]orgusers.OutcomeStatus {
			setAccess(s, s.Stacks()[0].Roles[0].UID)
			return statuses(c.UpdateStackAccess(ctx, twelve(member), orgusers.StackAccess{s.Stacks()[0].APIKey: nil}, nil))
		},
		done: func(s *orguserstest.Server, email string) bool {
			u, _ := s.User(email)
			return len(u.Stacks) == 0
		},
	},
	{
		name: "TransferOwnership", method: http.MethodPost, path: "/v3/organizations/{organization_uid}/transfer-ownership", mails: true, unseen: true,
		call: func(ctx context.Context, c *orgusers.Client, s *orguserstest.Server) map[string]orgusers.OutcomeStatus {
			return statusOf(member(0), c.TransferOwnership(ctx, member(0)))
		},
		done: func(s *orguserstest.Server, email string) bool { return mailsTo(s, email) > 0 },
	},
	{
		name: "SendPasswordReset", method: http.MethodPost, path: "/v3/user/forgot_password", mails: true, blind: true,
		call: func(ctx context.Context, c *orgusers.Client, _ *orguserstest.Server) map[string]orgusers.OutcomeStatus {
			return statusOf(member(0), c.SendPasswordReset(ctx, member(0)))
		},
	},
	{
		name: "UpdateRoles", method: http.MethodPost, path: fakePath + "roles", mails: true, unseen: true, routes: true,
		call: func(ctx context.Context, c *orgusers.Client, s *orguserstest.Server) map[string]orgusers.OutcomeStatus {
			return statuses(c.UpdateRoles(ctx, twelve(member), []string{s.RoleUID("Admin")}, nil))
		},
		done: func(s *orguserstest.Server, email string) bool {
			u, _ := s.User(email)
			return slices.Equal(u.RoleUIDs, []string{s.RoleUID("Admin")})
		},
	},
	{
		name: "UnlockUsers", method: http.MethodPost, path: fakePath + "unlock", unseen: true, routes: true,
		call: func(ctx context.Context, c *orgusers.Client, _ *orguserstest.Server) map[string]orgusers.OutcomeStatus {
			return statuses(c.UnlockUsers(ctx, twelve(member), nil))
		},
		done: func(s *orguserstest.Server, email string) bool {
			u, _ := s.User(email)
			return !u.Locked
		},
	},
	{
		name: "ResetMFA", method: http.MethodPost, path: fakePath + "reset_mfa", mails: true, blind: true, routes: true,
		call: func(ctx context.Context, c *orgusers.Client, _ *orguserstest.Server) map[string]orgusers.OutcomeStatus {
			return statuses(c.ResetMFA(ctx, twelve(member), nil))
		},
	},
	{
		name: "ForcePasswordReset", method: http.MethodPost, path: fakePath + "force_password_reset", mails: true, blind: true, routes: true,
		call: func(ctx context.Context, c *orgusers.Client, _ *orguserstest.Server) map[string]orgusers.OutcomeStatus {
			return statuses(c.ForcePasswordReset(ctx, twelve(member), nil))
		},
	},
	{
		name: "EndSessions", method: http.MethodPost, path: fakePath + "end_sessions", unseen: true, routes: true,
		call: func(ctx context.Context, c *orgusers.Client, s *orguserstest.Server) map[string]orgusers.OutcomeStatus {
			for _, email := range twelve(member) {
				s.SignIn(email)
			}
			return statuses(c.EndSessions(ctx, twelve(member), nil))
		},
		done: func(s *orguserstest.Server, email string) bool {
			u, _ := s.User(email)
			return len(u.Sessions) == 0
		},
	},
}

const fakePath = "/v3/organizations/{organization_uid}/fake/"

func access(s *orguserstest.Server, role int) orgusers.StackAccess {
	stack := s.Stacks()[0]
	return orgusers.StackAccess{stack.APIKey: {stack.Roles[role].UID}}
}

// setAccess gives the members these roles in the first stack, and no other.
func setAccess(s *orguserstest.Server, roleUIDs ...string) {
	for _, email := range twelve(member) {
		for i, stack := range s.Stacks() {
			if i == 0 {
				s.SetStackAccess(email, stack.APIKey, roleUIDs...)
			} else {
				s.SetStackAccess(email, stack.APIKey)
			}
		}
	}
}

func hasAccess(s *orguserstest.Server, email string, role int) bool {
	u, _ := s.User(email)
	return maps.EqualFunc(u.Stacks, access(s, role), slices.Equal[[]string])
}

func mailsTo(s *orguserstest.Server, email string) int {
	n := 0
	for _, mail := range s.Outbox() {
		if strings.EqualFold(mail.To, email) {
			n++
		}
	}
	return n
}
