package operations

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

const (
	organizationPath = "/v3/organizations/{organization_uid}"
	sharePath        = organizationPath + "/share"
	fakePath         = organizationPath + "/fake/"
	teamPath         = organizationPath + "/teams/{team_uid}/users"

	allUsers   = "?asc=created_at&include_count=true&include_invited_by=true&include_roles=true&include_user_details=true&limit=100&skip=0"
	byCreation = "?asc=created_at&include_count=true&limit=100&skip=0"
	search     = "?include_count=true&include_roles=true&include_user_details=true&limit=100&skip=0 "
	oneMember  = ` {"emails":["member0@example.com"]}`
)

// All is the table.
var All = []Operation{
	{
		Name: "ListUsers", Method: "GET", Path: sharePath, Kind: Read, Service: Organization,
		Sends: allUsers, Known: "documented and recorded; where details of the account are, and the forms of roles and inviters, are unknown",
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			return a.Client.ListUsers(ctx, nil)
		},
	},
	{
		Name: "Users", Method: "GET", Path: sharePath, Kind: Read, Service: Organization,
		Sends: allUsers,
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			return orgusers.Collect(a.Client.Users(ctx, nil))
		},
	},
	{
		Name: "PendingInvitations", Method: "GET", Path: sharePath, Kind: Read, Service: Organization,
		Sends: allUsers,
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			return orgusers.Collect(a.Client.PendingInvitations(ctx))
		},
	},
	{
		Name: "ExportCSV", Method: "GET", Path: sharePath, Kind: Read, Service: Organization,
		Sends: allUsers,
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			var file bytes.Buffer
			summary, err := a.Client.ExportCSV(ctx, &file, nil)
			return []any{summary, file.String()}, err
		},
	},
	{
		Name: "ExportCSVFile", Method: "GET", Path: sharePath, Kind: Read, Service: Organization,
		Sends: allUsers,
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			file := filepath.Join(a.Dir, "users.csv")
			summary, err := a.Client.ExportCSVFile(ctx, file, nil)
			content, _ := os.ReadFile(file)
			return []any{summary, string(content)}, err
		},
	},
	{
		Name: "FindUsers", Method: "POST", Path: sharePath + "/search", Kind: Read, Service: Organization,
		Sends: search + `{"emails":["member0@example.com","stranger0@example.com"]}`, Known: "documented; returns every user if the list is empty, so that is never sent",
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			return a.Client.FindUsers(ctx, []string{Member(0), Stranger(0)})
		},
	},
	{
		Name: "GetUser", Method: "POST", Path: sharePath + "/search", Kind: Read, Service: Organization,
		Sends: search + `{"emails":["pending0@example.com"]}`,
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			return a.Client.GetUser(ctx, Pending(0))
		},
	},
	{
		Name: "Roles", Method: "GET", Path: organizationPath + "/roles", Kind: Read, Service: Organization,
		Sends: byCreation, Known: "documented and recorded",
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			return orgusers.Collect(a.Client.Roles(ctx))
		},
	},
	{
		Name: "GetRole", Method: "GET", Path: organizationPath + "/roles", Kind: Read, Service: Organization,
		Sends: byCreation,
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			return a.Client.GetRole(ctx, "admin")
		},
	},
	{
		Name: "Stacks", Method: "GET", Path: organizationPath + "/stacks", Kind: Read, Service: Organization,
		Sends: byCreation,
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			return orgusers.Collect(a.Client.Stacks(ctx, nil))
		},
	},
	{
		Name: "StackRoles", Method: "GET", Path: "/v3/roles", Kind: Read, Service: Stack,
		Sends: byCreation + " api_key: {stack}",
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			return orgusers.Collect(a.Client.StackRoles(ctx, a.Fake.Stacks()[0].APIKey))
		},
	},
	{
		Name: "Teams", Method: "GET", Path: "/v4/teams", Kind: Read, Service: Organization,
		Sends: "?asc=created_at&limit=500&skip=0",
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			editors(a.Fake)
			return orgusers.Collect(a.Client.Teams(ctx, nil))
		},
	},
	{
		Name: "GetTeam", Method: "GET", Path: "/v4/teams", Kind: Read, Service: Organization,
		Sends: "?asc=created_at&limit=500&skip=0",
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			return a.Client.GetTeam(ctx, editors(a.Fake).Name)
		},
	},
	{
		Name: "TeamUsers", Method: "GET", Path: teamPath, Kind: Read, Service: Organization,
		Sends: "?includeUserDetails=true&include_count=true&limit=100&skip=0", Known: "documented; one field is observed under two names, and the paging is that of other lists",
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			return orgusers.Collect(a.Client.TeamUsers(ctx, editors(a.Fake, Member(0), Member(1)).UID))
		},
		WithUID: func(ctx context.Context, c *orgusers.Client, uid string) error {
			_, err := orgusers.Collect(c.TeamUsers(ctx, uid))
			return err
		},
	},
	{
		Name: "Access", Method: "GET", Path: organizationPath + "/roles", Kind: Read, Service: Organization,
		Sends: byCreation, Known: "documented: this request, users, teams, stacks and the roles of each; whether a role lists users who have it through a team is unknown, and both are understood",
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			editors(a.Fake, Member(0))
			return orgusers.Collect(a.Client.Access(ctx, &orgusers.AccessOptions{Emails: []string{Member(0), Pending(0)}}))
		},
	},
	{
		Name: "GetOrganization", Method: "GET", Path: organizationPath, Kind: Read, Service: Organization,
		Sends: "?include_plan=true", Known: "documented and recorded, in two forms: both are read",
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			return a.Client.GetOrganization(ctx, &orgusers.OrganizationOptions{IncludePlan: true})
		},
	},
	{
		Name: "Organizations", Method: "GET", Path: "/v3/organizations", Kind: Read, Service: Organization,
		Sends: byCreation,
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			return orgusers.Collect(a.Client.Organizations(ctx))
		},
	},
	{
		Name: "AuditLog", Method: "GET", Path: organizationPath + "/logs", Kind: Read, Service: Organization,
		Sends: "?limit=25&skip=0", Known: "documented; events other than `share` and `logout` are unknown",
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			return orgusers.Collect(a.Client.AuditLog(ctx, nil))
		},
	},
	{
		Name: "GetAuditEntry", Method: "GET", Path: organizationPath + "/logs/{log_uid}", Kind: Read, Service: Organization,
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			uid := "blt404"
			if _, err := a.Client.RemoveUsers(ctx, []string{Pending(11)}, nil); err == nil { // which makes an entry
				for entry, err := range a.Client.AuditLog(ctx, nil) {
					if err == nil {
						uid = entry.UID
					}
					break
				}
			}
			return a.Client.GetAuditEntry(ctx, uid)
		},
		WithUID: func(ctx context.Context, c *orgusers.Client, uid string) error {
			_, err := c.GetAuditEntry(ctx, uid)
			return err
		},
	},
	{
		Name: "GetCurrentUser", Method: "GET", Path: "/v3/user", Kind: Read, Service: User,
		Sends: "?include_orgs=true&include_orgs_roles=true", Known: "documented and observed",
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			return a.Client.GetCurrentUser(ctx)
		},
	},
	{
		Name: "Login", Method: "POST", Path: "/v3/user-session", Kind: Write, Service: User, Public: true,
		Sends: ` {"user":{"email":"admin@example.com","password":"{password}"}}`, Known: "documented and observed",
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			return orgusers.Login(ctx, orgusers.Credentials{Email: Admin, Password: cmp.Or(a.Password, "hunter2"), MFACode: a.MFACode}, a.Options...)
		},
	},
	{
		Name: "Logout", Method: "DELETE", Path: "/v3/user-session", Kind: Write, Service: User,
		Known: "documented and recorded",
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			return nil, a.Client.Logout(ctx)
		},
	},
	{Name: "Do, a read", Method: "GET", Path: organizationPath + "/things", Kind: Read, Service: Organization, Custom: true, Run: do(orgusers.Request{
		Path: "/organizations/{organization_uid}/things", ReadOnly: true,
	})},
	{
		Name: "Do, a read by POST", Method: "POST", Path: organizationPath + "/things", Kind: Read, Service: Organization, Custom: true,
		Sends: " 1",
		Run: do(orgusers.Request{
			Method: "POST", Path: "/v3/organizations/{organization_uid}/things", Body: 1, ReadOnly: true,
		}),
	},
	{
		Name: "Do, a write", Method: "PUT", Path: organizationPath + "/things", Kind: Write, Service: Organization, Custom: true,
		Sends: " 1",
		Run: do(orgusers.Request{
			Method: "PUT", Path: "/v3/organizations/{organization_uid}/things", Body: 1,
		}),
	},
	{Name: "Do, a write by GET", Method: "GET", Path: organizationPath + "/things", Kind: Write, Service: Organization, Custom: true, Run: do(orgusers.Request{
		Path: "/v3/organizations/{organization_uid}/things",
	})},

	change(Operation{
		Name: "Invite", Method: "POST", Path: sharePath,
		Sends: ` {"share":{"users":{"stranger0@example.com":["{Member}"]}}}`, Known: "documented and observed",
	}, Change{
		Targets: Twelve(Stranger), Done: in, Emails: true, ReadBack: true,
		Run: func(ctx context.Context, a *Arguments, emails []string, opts orgusers.BulkOptions) (*orgusers.BulkResult, error) {
			invitees := make([]orgusers.Invitee, len(emails))
			for i, email := range emails {
				invitees[i] = orgusers.Invitee{Email: email, Roles: []string{a.Fake.RoleUID("Member")}}
			}
			return a.Client.Invite(ctx, invitees, &orgusers.InviteOptions{BulkOptions: opts})
		},
	}),
	change(Operation{
		Name: "RemoveUsers", Method: "DELETE", Path: sharePath,
		Sends: oneMember, Known: "documented and observed",
	}, Change{
		Targets: slices.Concat(Twelve(Member)[:6], Twelve(Pending)[:6]), Done: notIn, ReadBack: true, Guarded: true, Revokes: true,
		Run: func(ctx context.Context, a *Arguments, emails []string, opts orgusers.BulkOptions) (*orgusers.BulkResult, error) {
			return a.Client.RemoveUsers(ctx, emails, &orgusers.RemoveOptions{BulkOptions: opts})
		},
	}),
	change(Operation{
		Name: "WithdrawInvitations", Method: "DELETE", Path: sharePath,
		Sends: ` {"emails":["pending0@example.com"]}`, Known: "documented and observed",
	}, Change{
		Targets: Twelve(Pending), Done: notIn, ReadBack: true, Guarded: true, Revokes: true, Run: many((*orgusers.Client).WithdrawInvitations),
	}),
	change(Operation{
		Name: "ResendInvitations", Method: "GET", Path: sharePath + "/{share_uid}/resend_invitation",
		Known: "documented, observed and recorded; sends email, though a GET",
	}, Change{
		Targets: Twelve(Pending), Emails: true, Run: many((*orgusers.Client).ResendInvitations),
	}),
	change(Operation{
		Name: "UpdateRoles, by endpoint", Method: "POST", Path: fakePath + "roles", Kind: Bulk, Endpoint: true,
		Sends: ` {"emails":["member0@example.com"],"roles":["{Admin}"]}`, Known: "no public request: yours, with `WithEndpoints`",
	}, Change{
		Targets: Twelve(Member), Done: administers, Emails: true, ReadBack: true, Once: true, Guarded: true, Revokes: true, Run: toAdmin,
	}),
	change(Operation{
		Name: "UpdateRoles", Method: "POST", Path: sharePath,
		Sends: ` {"share":{"users":{"member0@example.com":["{Admin}"]}}}`, Known: "the request of an invitation, read back: whether it replaces or adds is unknown",
	}, Change{
		Targets: Twelve(Member), Done: administers, Emails: true, ReadBack: true, Once: true, Guarded: true, Revokes: true, Run: toAdmin,
	}),
	change(Operation{
		Name: "UpdateStackAccess, given", Method: "POST", Path: "/v3/stacks/share", Service: Stack,
		Sends: ` api_key: {stack} {"emails":["member0@example.com"],"roles":{"member0@example.com":["{stack role 0}"]}}`,
	}, Change{
		Targets: Twelve(Member), Done: hasStackRole(0), Emails: true, ReadBack: true, Guarded: true, Revokes: true,
		Prepare: func(s *orguserstest.Server) { setStackAccess(s) }, Run: updateStackAccess(0),
	}),
	change(Operation{
		Name: "UpdateStackAccess, replaced", Method: "POST", Path: "/v3/stacks/users/roles", Service: Stack,
		Sends: ` api_key: {stack} {"users":{"{member0@example.com}":["{stack role 1}"]}}`,
	}, Change{
		Targets: Twelve(Member), Done: hasStackRole(1), ReadBack: true, Guarded: true, Revokes: true,
		Prepare: func(s *orguserstest.Server) { setStackAccess(s, s.Stacks()[0].Roles[0].UID) }, Run: updateStackAccess(1),
	}),
	change(Operation{
		Name: "UpdateStackAccess, removed", Method: "POST", Path: "/v3/stacks/unshare", Service: Stack,
		Sends: ` api_key: {stack} {"email":"member0@example.com"}`,
	}, Change{
		Targets: Twelve(Member), ReadBack: true, Guarded: true, Revokes: true,
		Prepare: func(s *orguserstest.Server) { setStackAccess(s, s.Stacks()[0].Roles[0].UID) }, Run: updateStackAccess(-1),
		Done: func(s *orguserstest.Server, email string) bool {
			u, _ := s.User(email)
			return len(u.Stacks) == 0
		},
	}),
	change(Operation{
		Name: "AddToTeam", Method: "POST", Path: teamPath,
		Sends: oneMember, Known: "documented; the response is unknown",
	}, Change{
		Targets: Twelve(Member), Done: inTeam, ReadBack: true,
		Prepare: func(s *orguserstest.Server) { editors(s) },
		Run: func(ctx context.Context, a *Arguments, emails []string, opts orgusers.BulkOptions) (*orgusers.BulkResult, error) {
			return a.Client.AddToTeam(ctx, "editors", emails, &opts)
		},
	}),
	change(Operation{
		Name: "RemoveFromTeam", Method: "DELETE", Path: teamPath + "/{user_uid}",
		Known: "documented; the response is unknown",
	}, Change{
		Targets: Twelve(Member), ReadBack: true, Guarded: true, Revokes: true,
		Prepare: func(s *orguserstest.Server) { editors(s, Twelve(Member)...) },
		Done:    func(s *orguserstest.Server, email string) bool { return !inTeam(s, email) },
		Run: func(ctx context.Context, a *Arguments, emails []string, opts orgusers.BulkOptions) (*orgusers.BulkResult, error) {
			return a.Client.RemoveFromTeam(ctx, "editors", emails, &opts)
		},
	}),
	change(Operation{
		Name: "Restore", Method: "POST", Path: sharePath,
		Sends: ` {"share":{"users":{"stranger0@example.com":["{Member}"]}}}`, Known: "documented and observed: an invitation, then the users of teams",
	}, Change{
		Targets: Twelve(Stranger), Done: in, Emails: true, ReadBack: true,
		Run: func(ctx context.Context, a *Arguments, emails []string, opts orgusers.BulkOptions) (*orgusers.BulkResult, error) {
			var had []*orgusers.UserAccess
			for _, email := range emails {
				email = strings.TrimSpace(email)
				if slices.ContainsFunc(had, func(r *orgusers.UserAccess) bool { return strings.EqualFold(r.User.Email, email) }) {
					continue // a second record of an address is refused
				}
				had = append(had, &orgusers.UserAccess{
					Version: 1, OrganizationUID: a.Fake.OrganizationUID, User: &orgusers.User{Email: email},
					Roles: []orgusers.RoleGrant{{RoleUID: a.Fake.RoleUID("Member"), Direct: true}},
				})
			}
			return a.Client.Restore(ctx, had, &orgusers.InviteOptions{BulkOptions: opts})
		},
	}),
	change(Operation{
		Name: "SendPasswordResets", Method: "POST", Path: "/v3/user/forgot_password", Service: User, Public: true,
		Sends: ` {"user":{"email":"member0@example.com"}}`,
	}, Change{
		Targets: Twelve(Member), Emails: true, Run: many((*orgusers.Client).SendPasswordResets),
	}),
	change(Operation{
		Name: "UnlockUsers", Method: "POST", Path: fakePath + "unlock", Kind: Bulk, Endpoint: true,
		Sends: oneMember, Known: "no public request: yours, or `ErrNoEndpoint`",
	}, Change{
		Targets: Twelve(Member), Guarded: true, Run: many((*orgusers.Client).UnlockUsers),
		Done: func(s *orguserstest.Server, email string) bool {
			u, _ := s.User(email)
			return !u.Locked
		},
	}),
	change(Operation{
		Name: "ResetMFA", Method: "POST", Path: fakePath + "reset_mfa", Kind: Bulk, Endpoint: true,
		Sends: oneMember, Known: "no public request: yours, or `ErrNoEndpoint`",
	}, Change{
		Targets: Twelve(Member), Emails: true, Guarded: true, Revokes: true, Run: many((*orgusers.Client).ResetMFA),
	}),
	change(Operation{
		Name: "ForcePasswordReset", Method: "POST", Path: fakePath + "force_password_reset", Kind: Bulk, Endpoint: true,
		Sends: oneMember, Known: "no public request: yours, or `ErrNoEndpoint`",
	}, Change{
		Targets: Twelve(Member), Emails: true, Guarded: true, Revokes: true, Run: many((*orgusers.Client).ForcePasswordReset),
	}),
	change(Operation{
		Name: "EndSessions", Method: "POST", Path: fakePath + "end_sessions", Kind: Bulk, Endpoint: true,
		Sends: oneMember, Known: "no public request: yours, or `ErrNoEndpoint`",
	}, Change{
		Targets: Twelve(Member), Guarded: true, Revokes: true, Run: many((*orgusers.Client).EndSessions),
		Prepare: func(s *orguserstest.Server) {
			for _, email := range Twelve(Member) {
				s.SignIn(email)
			}
		},
		Done: func(s *orguserstest.Server, email string) bool {
			u, _ := s.User(email)
			return len(u.Sessions) == 0
		},
	}),
	change(Operation{
		Name: "TransferOwnership", Method: "POST", Path: organizationPath + "/transfer-ownership", As: Owner,
		Sends: ` {"transfer_to":"member0@example.com"}`,
	}, Change{
		Targets: []string{Member(0)}, Emails: true, ReadBack: true, Once: true, Guarded: true,
		Run: func(ctx context.Context, a *Arguments, emails []string, _ orgusers.BulkOptions) (*orgusers.BulkResult, error) {
			err := a.Client.TransferOwnership(ctx, emails[0])
			return &orgusers.BulkResult{Outcomes: []orgusers.Outcome{{Email: emails[0], Status: statusOf(err), Err: err}}}, err
		},
	}),
}

type bulkMethod = func(*orgusers.Client, context.Context, []string, *orgusers.BulkOptions) (*orgusers.BulkResult, error)

func many(method bulkMethod) func(context.Context, *Arguments, []string, orgusers.BulkOptions) (*orgusers.BulkResult, error) {
	return func(ctx context.Context, a *Arguments, emails []string, opts orgusers.BulkOptions) (*orgusers.BulkResult, error) {
		return method(a.Client, ctx, emails, &opts)
	}
}

func do(r orgusers.Request) func(context.Context, *Arguments) (any, error) {
	return func(ctx context.Context, a *Arguments) (any, error) {
		var out any
		err := a.Client.Do(ctx, r, &out)
		return out, err
	}
}

func toAdmin(ctx context.Context, a *Arguments, emails []string, opts orgusers.BulkOptions) (*orgusers.BulkResult, error) {
	return a.Client.UpdateRoles(ctx, emails, []string{a.Fake.RoleUID("Admin")}, &opts)
}

// updateStackAccess gives a role in the first stack, or removes the stack if role is -1.
func updateStackAccess(role int) func(context.Context, *Arguments, []string, orgusers.BulkOptions) (*orgusers.BulkResult, error) {
	return func(ctx context.Context, a *Arguments, emails []string, opts orgusers.BulkOptions) (*orgusers.BulkResult, error) {
		stack := a.Fake.Stacks()[0]
		var roles []string
		if role >= 0 {
			roles = []string{stack.Roles[role].UID}
		}
		return a.Client.UpdateStackAccess(ctx, stack.APIKey, emails, roles, &opts)
	}
}

// setStackAccess gives the members roles in the first stack, and in no other.
func setStackAccess(s *orguserstest.Server, roleUIDs ...string) {
	for _, email := range Twelve(Member) {
		for i, stack := range s.Stacks() {
			if i == 0 {
				s.SetStackAccess(email, stack.APIKey, roleUIDs...)
			} else {
				s.SetStackAccess(email, stack.APIKey)
			}
		}
	}
}

func hasStackRole(role int) func(*orguserstest.Server, string) bool {
	return func(s *orguserstest.Server, email string) bool {
		u, _ := s.User(email)
		stack := s.Stacks()[0]
		return maps.EqualFunc(u.Stacks, map[string][]string{stack.APIKey: {stack.Roles[role].UID}}, slices.Equal[[]string])
	}
}

// editors returns the team Editors with exactly these members.
func editors(s *orguserstest.Server, members ...string) orguserstest.Team {
	for _, team := range s.Teams() {
		if team.Name == "Editors" {
			s.SetTeamMembers(team.UID, members...)
			return team
		}
	}
	return s.AddTeam(orguserstest.Team{Name: "Editors", Members: members, Roles: []string{"Member"}})
}

func inTeam(s *orguserstest.Server, email string) bool {
	return slices.ContainsFunc(s.Teams(), func(team orguserstest.Team) bool {
		return slices.ContainsFunc(team.Members, func(member string) bool { return strings.EqualFold(member, email) })
	})
}

func in(s *orguserstest.Server, email string) bool {
	_, there := s.User(email)
	return there
}

func notIn(s *orguserstest.Server, email string) bool { return !in(s, email) }

func administers(s *orguserstest.Server, email string) bool {
	u, _ := s.User(email)
	return slices.Equal(u.RoleUIDs, []string{s.RoleUID("Admin")})
}
