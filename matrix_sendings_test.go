package orgusers_test

import (
	"context"
	"io"
	"iter"
	"path/filepath"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// aim is what a sending needs to be sent.
type aim struct {
	client  *orgusers.Client
	fake    *orguserstest.Server
	options []orgusers.Option // without credentials
	dir     string
	// credentials are those of the client.
	credentials orgusers.Option
}

// sending is a call of the package, and the request in it that matters.
type sending struct {
	name     string
	method   string
	path     string // a pattern of path.Match
	write    bool
	bulk     bool // it draws on the budget of bulk actions
	unsigned bool // it has no token
	call     func(ctx context.Context, a *aim) error
}

const (
	organizationAt = "/v3/organizations/*"
	sharesAt       = organizationAt + "/share"
	fakeAt         = organizationAt + "/fake/"
)

// sendings are all methods that send, and all requests of those that send
// several kinds.
var sendings = []sending{
	{name: "GetAuditEntry", method: "GET", path: organizationAt + "/logs/*", call: func(ctx context.Context, a *aim) error {
		_, err := a.client.GetAuditEntry(ctx, "blt1")
		return err
	}},
	{name: "AuditLog", method: "GET", path: organizationAt + "/logs", call: func(ctx context.Context, a *aim) error { return end(a.client.AuditLog(ctx, nil)) }},
	{name: "Do, a read", method: "GET", path: organizationAt + "/things", call: func(ctx context.Context, a *aim) error {
		return a.client.Do(ctx, orgusers.Request{Path: "/organizations/{organization_uid}/things", ReadOnly: true}, new(struct{}))
	}},
	{name: "Do, a read by POST", method: "POST", path: organizationAt + "/things", call: func(ctx context.Context, a *aim) error {
		return a.client.Do(ctx, orgusers.Request{Method: "POST", Path: "/organizations/{organization_uid}/things", Body: 1, ReadOnly: true}, nil)
	}},
	{name: "Do, a write", method: "PUT", path: organizationAt + "/things", write: true, call: func(ctx context.Context, a *aim) error {
		return a.client.Do(ctx, orgusers.Request{Method: "PUT", Path: "/organizations/{organization_uid}/things", Body: 1}, nil)
	}},
	{name: "Do, a write by GET", method: "GET", path: organizationAt + "/things", write: true, call: func(ctx context.Context, a *aim) error {
		return a.client.Do(ctx, orgusers.Request{Path: "/organizations/{organization_uid}/things"}, new(struct{}))
	}},
	{name: "GetCurrentUser", method: "GET", path: "/v3/user", call: func(ctx context.Context, a *aim) error {
		_, err := a.client.GetCurrentUser(ctx)
		return err
	}},
	{name: "EndSessions", method: "POST", path: fakeAt + "end_sessions", write: true, bulk: true, call: forOne((*orgusers.Client).EndSessions, member)},
	{name: "ExportCSV", method: "GET", path: sharesAt, call: func(ctx context.Context, a *aim) error {
		_, err := a.client.ExportCSV(ctx, io.Discard, nil)
		return err
	}},
	{name: "ExportCSVFile", method: "GET", path: sharesAt, call: func(ctx context.Context, a *aim) error {
		_, err := a.client.ExportCSVFile(ctx, filepath.Join(a.dir, "users.csv"), nil)
		return err
	}},
	{name: "FindUsers", method: "POST", path: sharesAt + "/search", call: func(ctx context.Context, a *aim) error {
		_, err := a.client.FindUsers(ctx, member(0))
		return err
	}},
	{name: "ForcePasswordReset", method: "POST", path: fakeAt + "force_password_reset", write: true, bulk: true, call: forOne((*orgusers.Client).ForcePasswordReset, member)},
	{name: "GetUser", method: "POST", path: sharesAt + "/search", call: func(ctx context.Context, a *aim) error {
		_, err := a.client.GetUser(ctx, member(0))
		return err
	}},
	{name: "Invite", method: "POST", path: sharesAt, write: true, call: func(ctx context.Context, a *aim) error {
		_, err := a.client.Invite(ctx, orgusers.InviteRequest{Invitees: []orgusers.Invitee{{Email: stranger(0), RoleUIDs: []string{a.fake.RoleUID("Member")}}}})
		return err
	}},
	{name: "ListOrganizations", method: "GET", path: "/v3/organizations", call: func(ctx context.Context, a *aim) error {
		_, err := a.client.ListOrganizations(ctx, nil)
		return err
	}},
	{name: "ListRoles", method: "GET", path: organizationAt + "/roles", call: func(ctx context.Context, a *aim) error {
		_, err := a.client.ListRoles(ctx, nil)
		return err
	}},
	{name: "ListUsers", method: "GET", path: sharesAt, call: func(ctx context.Context, a *aim) error {
		_, err := a.client.ListUsers(ctx, nil)
		return err
	}},
	{name: "Login", method: "POST", path: "/v3/user-session", write: true, unsigned: true, call: func(ctx context.Context, a *aim) error {
		_, err := orgusers.Login(ctx, orgusers.Credentials{Email: member(0), Password: "hunter2"}, a.options...)
		return err
	}},
	{name: "Logout", method: "DELETE", path: "/v3/user-session", write: true, call: func(ctx context.Context, a *aim) error { return a.client.Logout(ctx) }},
	{name: "GetOrganization", method: "GET", path: organizationAt, call: func(ctx context.Context, a *aim) error {
		_, err := a.client.GetOrganization(ctx, nil)
		return err
	}},
	{name: "Organizations", method: "GET", path: "/v3/organizations", call: func(ctx context.Context, a *aim) error { return end(a.client.Organizations(ctx, nil)) }},
	{name: "PendingInvitations", method: "GET", path: sharesAt, call: func(ctx context.Context, a *aim) error { return end(a.client.PendingInvitations(ctx)) }},
	{name: "RemoveUsers", method: "DELETE", path: sharesAt, write: true, call: forOne((*orgusers.Client).RemoveUsers, member)},
	{name: "ResendInvitation", method: "GET", path: sharesAt + "/*/resend_invitation", write: true, call: func(ctx context.Context, a *aim) error {
		return a.client.ResendInvitation(ctx, "blt1")
	}},
	{name: "ResendInvitationTo", method: "GET", path: sharesAt + "/*/resend_invitation", write: true, call: func(ctx context.Context, a *aim) error {
		return a.client.ResendInvitationTo(ctx, pending(0))
	}},
	{name: "ResetMFA", method: "POST", path: fakeAt + "reset_mfa", write: true, bulk: true, call: forOne((*orgusers.Client).ResetMFA, member)},
	{name: "RoleByName", method: "GET", path: organizationAt + "/roles", call: func(ctx context.Context, a *aim) error {
		_, err := a.client.RoleByName(ctx, "Admin")
		return err
	}},
	{name: "Roles", method: "GET", path: organizationAt + "/roles", call: func(ctx context.Context, a *aim) error { return end(a.client.Roles(ctx, nil)) }},
	{name: "SendPasswordReset", method: "POST", path: "/v3/user/forgot_password", write: true, unsigned: true, call: func(ctx context.Context, a *aim) error {
		return a.client.SendPasswordReset(ctx, member(0))
	}},
	{name: "StackRoles", method: "GET", path: "/v3/roles", call: func(ctx context.Context, a *aim) error {
		return end(a.client.StackRoles(ctx, a.fake.Stacks()[0].APIKey))
	}},
	{name: "Stacks", method: "GET", path: organizationAt + "/stacks", call: func(ctx context.Context, a *aim) error { return end(a.client.Stacks(ctx, nil)) }},
	{name: "TransferOwnership", method: "POST", path: organizationAt + "/transfer-ownership", write: true, call: func(ctx context.Context, a *aim) error {
		return a.client.TransferOwnership(ctx, member(0))
	}},
	{name: "UnlockUsers", method: "POST", path: fakeAt + "unlock", write: true, bulk: true, call: forOne((*orgusers.Client).UnlockUsers, member)},
	{name: "UpdateRoles", method: "POST", path: fakeAt + "roles", write: true, bulk: true, call: func(ctx context.Context, a *aim) error {
		_, err := a.client.UpdateRoles(ctx, []string{member(0)}, []string{a.fake.RoleUID("Admin")}, nil)
		return err
	}},
	{name: "UpdateRoles, without a route", method: "POST", path: sharesAt, write: true, call: func(ctx context.Context, a *aim) error {
		client, err := orgusers.New(a.fake.OrganizationUID, append(a.options, a.credentials, orgusers.WithEndpoints(orgusers.Endpoints{}))...)
		if err != nil {
			return err
		}
		_, err = client.UpdateRoles(ctx, []string{member(0)}, []string{a.fake.RoleUID("Admin")}, nil)
		return err
	}},
	{name: "UpdateStackAccess, given", method: "POST", path: "/v3/stacks/share", write: true, bulk: true, call: func(ctx context.Context, a *aim) error {
		setAccess(a.fake)
		_, err := a.client.UpdateStackAccess(ctx, []string{member(0)}, access(a.fake, 0), nil)
		return err
	}},
	{name: "UpdateStackAccess, replaced", method: "POST", path: "/v3/stacks/users/roles", write: true, bulk: true, call: func(ctx context.Context, a *aim) error {
		setAccess(a.fake, a.fake.Stacks()[0].Roles[0].UID)
		_, err := a.client.UpdateStackAccess(ctx, []string{member(0)}, access(a.fake, 1), nil)
		return err
	}},
	{name: "UpdateStackAccess, taken", method: "POST", path: "/v3/stacks/unshare", write: true, bulk: true, call: func(ctx context.Context, a *aim) error {
		setAccess(a.fake, a.fake.Stacks()[0].Roles[0].UID)
		_, err := a.client.UpdateStackAccess(ctx, []string{member(0)}, orgusers.StackAccess{a.fake.Stacks()[0].APIKey: nil}, nil)
		return err
	}},
	{name: "Users", method: "GET", path: sharesAt, call: func(ctx context.Context, a *aim) error { return end(a.client.Users(ctx, nil)) }},
	{name: "WithdrawInvitations", method: "DELETE", path: sharesAt, write: true, call: forOne((*orgusers.Client).WithdrawInvitations, pending)},
}

// forOne is a call for many users, for one.
func forOne(call func(*orgusers.Client, context.Context, []string, *orgusers.BulkOptions) (*orgusers.BulkResult, error), name func(int) string) func(context.Context, *aim) error {
	return func(ctx context.Context, a *aim) error {
		_, err := call(a.client, ctx, []string{name(0)}, nil)
		return err
	}
}

// end is the error at the end of a list.
func end[T any](all iter.Seq2[T, error]) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}
