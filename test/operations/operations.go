// Package operations is the table of operations that the tests of this module range
// over. An operation is added here once, and every suite tests it.
package operations

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// Kind is what a request does, whatever its HTTP method.
type Kind string

// The kinds.
const (
	Read  Kind = "read"
	Write Kind = "write"
	Bulk  Kind = "bulk"
)

// Service is the part of the API whose limit counts a request.
type Service string

// The services.
const (
	Organization Service = "organization"
	Stack        Service = "stack"
	User         Service = "user"
)

// Operation is a method of the package and the request of it that matters. A method
// that sends several kinds of requests has a row for each.
type Operation struct {
	// Name is the name of the method, with a suffix after a comma if there are several.
	Name string
	// Method and Path are those of the request. Path has {names} for values.
	Method, Path string
	Kind         Kind
	Service      Service
	Public       bool // sent without a token
	Endpoint     bool // the fake has invented the request: the client needs its endpoints
	Custom       bool // any request, which the fake does not know
	As           string
	// Run calls the method once, and returns everything that it returns.
	Run func(ctx context.Context, a *Arguments) (any, error)
	// Change is nil for reads.
	Change *Change
	// WithUID calls the method with a uid that becomes a part of the path. Nil means that
	// no value of the caller does.
	WithUID func(ctx context.Context, c *orgusers.Client, uid string) error
}

// Change is what an operation changes for each of its addresses.
type Change struct {
	// Targets are addresses of the crowd that the change applies to.
	Targets []string
	// Prepare brings the fake into the state before the change. It may be nil.
	Prepare func(s *orguserstest.Server)
	// Run changes the addresses.
	Run func(ctx context.Context, a *Arguments, emails []string, opts orgusers.BulkOptions) (*orgusers.BulkResult, error)
	// Done reports whether the change is there. Nil means that only the email shows it.
	Done func(s *orguserstest.Server, email string) bool
	// Emails is true if the change sends one email to each address.
	Emails bool
	// ReadBack is true if the client can read the change back.
	ReadBack bool
	// Once is true if the client never sends the change twice, even if it is not there.
	Once bool
	// Guarded is true if the owner and the caller are refused.
	Guarded bool
}

// Arguments are what an operation needs to be called.
type Arguments struct {
	Client *orgusers.Client
	Fake   *orguserstest.Server
	// Options are those of the client, without credentials.
	Options     []orgusers.Option
	Credentials orgusers.Option
	// Dir is a directory for files.
	Dir string
	// Password is for Login.
	Password, MFACode string
}

// Caller returns the address of the user who may call the operation.
func (o *Operation) Caller() string {
	if o.As != "" {
		return o.As
	}
	return Admin
}

// MethodName returns the name of the method.
func (o *Operation) MethodName() string {
	name, _, _ := strings.Cut(o.Name, ",")
	return name
}

// Matches reports whether a request is the one that matters.
func (o *Operation) Matches(method, urlPath string) bool {
	matched, err := path.Match(o.Pattern(), urlPath)
	return err == nil && matched && method == o.Method
}

// Pattern returns the path as a pattern of path.Match.
func (o *Operation) Pattern() string {
	elements := strings.Split(o.Path, "/")
	for i, element := range elements {
		if strings.HasPrefix(element, "{") {
			elements[i] = "*"
		}
	}
	return strings.Join(elements, "/")
}

// Writes reports whether the request changes something or sends email.
func (o *Operation) Writes() bool { return o.Kind != Read }

// The crowd.
const (
	Owner = "owner@example.com"
	Admin = "admin@example.com"
)

// Crowd is an organization with users for each operation: twelve members with MFA and
// ten failed logins, and twelve pending invitations.
func Crowd() []orguserstest.Person {
	people := []orguserstest.Person{
		{Email: Owner, Owner: true, FirstName: "Ona", LastName: "Owner"},
		{Email: Admin, Roles: []string{"Admin"}, FirstName: "Ada", LastName: "Admin"},
	}
	for i := range 12 {
		people = append(people,
			orguserstest.Person{Email: Member(i), FirstName: "Mem", LastName: "Ber", FailedLogins: 10, MFA: true},
			orguserstest.Person{Email: Pending(i), Pending: true})
	}
	return people
}

// Member returns the address of a member.
func Member(i int) string { return fmt.Sprintf("member%d@example.com", i) }

// Pending returns the address of a pending invitation.
func Pending(i int) string { return fmt.Sprintf("pending%d@example.com", i) }

// Stranger returns an address that is not in the organization.
func Stranger(i int) string { return fmt.Sprintf("stranger%d@example.com", i) }

// Twelve returns twelve addresses.
func Twelve(name func(int) string) []string {
	emails := make([]string, 12)
	for i := range emails {
		emails[i] = name(i)
	}
	return emails
}

const (
	organizationPath = "/v3/organizations/{organization_uid}"
	sharePath        = organizationPath + "/share"
	fakePath         = organizationPath + "/fake/"
	teamPath         = organizationPath + "/teams/{team_uid}/users"
)

// All is the table.
var All = []Operation{
	{Name: "ListUsers", Method: "GET", Path: sharePath, Kind: Read, Service: Organization, Run: func(ctx context.Context, a *Arguments) (any, error) {
		return a.Client.ListUsers(ctx, nil)
	}},
	{Name: "Users", Method: "GET", Path: sharePath, Kind: Read, Service: Organization, Run: func(ctx context.Context, a *Arguments) (any, error) {
		return orgusers.Collect(a.Client.Users(ctx, nil))
	}},
	{Name: "PendingInvitations", Method: "GET", Path: sharePath, Kind: Read, Service: Organization, Run: func(ctx context.Context, a *Arguments) (any, error) {
		return orgusers.Collect(a.Client.PendingInvitations(ctx))
	}},
	{Name: "ExportCSV", Method: "GET", Path: sharePath, Kind: Read, Service: Organization, Run: func(ctx context.Context, a *Arguments) (any, error) {
		var file bytes.Buffer
		summary, err := a.Client.ExportCSV(ctx, &file, nil)
		return []any{summary, file.String()}, err
	}},
	{Name: "ExportCSVFile", Method: "GET", Path: sharePath, Kind: Read, Service: Organization, Run: func(ctx context.Context, a *Arguments) (any, error) {
		file := filepath.Join(a.Dir, "users.csv")
		summary, err := a.Client.ExportCSVFile(ctx, file, nil)
		content, _ := os.ReadFile(file)
		return []any{summary, string(content)}, err
	}},
	{Name: "FindUsers", Method: "POST", Path: sharePath + "/search", Kind: Read, Service: Organization, Run: func(ctx context.Context, a *Arguments) (any, error) {
		return a.Client.FindUsers(ctx, []string{Member(0), Stranger(0)})
	}},
	{Name: "GetUser", Method: "POST", Path: sharePath + "/search", Kind: Read, Service: Organization, Run: func(ctx context.Context, a *Arguments) (any, error) {
		return a.Client.GetUser(ctx, Pending(0))
	}},
	{Name: "Roles", Method: "GET", Path: organizationPath + "/roles", Kind: Read, Service: Organization, Run: func(ctx context.Context, a *Arguments) (any, error) {
		return orgusers.Collect(a.Client.Roles(ctx))
	}},
	{Name: "GetRole", Method: "GET", Path: organizationPath + "/roles", Kind: Read, Service: Organization, Run: func(ctx context.Context, a *Arguments) (any, error) {
		return a.Client.GetRole(ctx, "admin")
	}},
	{Name: "Stacks", Method: "GET", Path: organizationPath + "/stacks", Kind: Read, Service: Organization, Run: func(ctx context.Context, a *Arguments) (any, error) {
		return orgusers.Collect(a.Client.Stacks(ctx, nil))
	}},
	{Name: "StackRoles", Method: "GET", Path: "/v3/roles", Kind: Read, Service: Stack, Run: func(ctx context.Context, a *Arguments) (any, error) {
		return orgusers.Collect(a.Client.StackRoles(ctx, a.Fake.Stacks()[0].APIKey))
	}},
	{Name: "Teams", Method: "GET", Path: "/v4/teams", Kind: Read, Service: Organization, Run: func(ctx context.Context, a *Arguments) (any, error) {
		editors(a.Fake)
		return orgusers.Collect(a.Client.Teams(ctx, nil))
	}},
	{Name: "GetTeam", Method: "GET", Path: "/v4/teams", Kind: Read, Service: Organization, Run: func(ctx context.Context, a *Arguments) (any, error) {
		return a.Client.GetTeam(ctx, editors(a.Fake).Name)
	}},
	{
		Name: "TeamUsers", Method: "GET", Path: teamPath, Kind: Read, Service: Organization,
		Run: func(ctx context.Context, a *Arguments) (any, error) {
			return orgusers.Collect(a.Client.TeamUsers(ctx, editors(a.Fake, Member(0), Member(1)).UID))
		},
		WithUID: func(ctx context.Context, c *orgusers.Client, uid string) error {
			_, err := orgusers.Collect(c.TeamUsers(ctx, uid))
			return err
		},
	},
	{Name: "Access", Method: "GET", Path: organizationPath + "/roles", Kind: Read, Service: Organization, Run: func(ctx context.Context, a *Arguments) (any, error) {
		editors(a.Fake, Member(0))
		return orgusers.Collect(a.Client.Access(ctx, &orgusers.AccessOptions{Emails: []string{Member(0), Pending(0)}}))
	}},
	{Name: "GetOrganization", Method: "GET", Path: organizationPath, Kind: Read, Service: Organization, Run: func(ctx context.Context, a *Arguments) (any, error) {
		return a.Client.GetOrganization(ctx, &orgusers.OrganizationOptions{IncludePlan: true})
	}},
	{Name: "Organizations", Method: "GET", Path: "/v3/organizations", Kind: Read, Service: Organization, Run: func(ctx context.Context, a *Arguments) (any, error) {
		return orgusers.Collect(a.Client.Organizations(ctx))
	}},
	{Name: "AuditLog", Method: "GET", Path: organizationPath + "/logs", Kind: Read, Service: Organization, Run: func(ctx context.Context, a *Arguments) (any, error) {
		return orgusers.Collect(a.Client.AuditLog(ctx, nil))
	}},
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
	{Name: "GetCurrentUser", Method: "GET", Path: "/v3/user", Kind: Read, Service: User, Run: func(ctx context.Context, a *Arguments) (any, error) {
		return a.Client.GetCurrentUser(ctx)
	}},
	{Name: "Login", Method: "POST", Path: "/v3/user-session", Kind: Write, Service: User, Public: true, Run: func(ctx context.Context, a *Arguments) (any, error) {
		return orgusers.Login(ctx, orgusers.Credentials{Email: Admin, Password: orDefault(a.Password, "hunter2"), MFACode: a.MFACode}, a.Options...)
	}},
	{Name: "Logout", Method: "DELETE", Path: "/v3/user-session", Kind: Write, Service: User, Run: func(ctx context.Context, a *Arguments) (any, error) {
		return nil, a.Client.Logout(ctx)
	}},
	{Name: "Do, a read", Method: "GET", Path: organizationPath + "/things", Kind: Read, Service: Organization, Custom: true, Run: do(orgusers.Request{
		Path: "/organizations/{organization_uid}/things", ReadOnly: true,
	})},
	{Name: "Do, a read by POST", Method: "POST", Path: organizationPath + "/things", Kind: Read, Service: Organization, Custom: true, Run: do(orgusers.Request{
		Method: "POST", Path: "/v3/organizations/{organization_uid}/things", Body: 1, ReadOnly: true,
	})},
	{Name: "Do, a write", Method: "PUT", Path: organizationPath + "/things", Kind: Write, Service: Organization, Custom: true, Run: do(orgusers.Request{
		Method: "PUT", Path: "/v3/organizations/{organization_uid}/things", Body: 1,
	})},
	{Name: "Do, a write by GET", Method: "GET", Path: organizationPath + "/things", Kind: Write, Service: Organization, Custom: true, Run: do(orgusers.Request{
		Path: "/v3/organizations/{organization_uid}/things",
	})},

	change(Operation{Name: "Invite", Method: "POST", Path: sharePath}, Change{
		Targets: Twelve(Stranger), Done: in, Emails: true, ReadBack: true,
		Run: func(ctx context.Context, a *Arguments, emails []string, opts orgusers.BulkOptions) (*orgusers.BulkResult, error) {
			invitees := make([]orgusers.Invitee, len(emails))
			for i, email := range emails {
				invitees[i] = orgusers.Invitee{Email: email, Roles: []string{a.Fake.RoleUID("Member")}}
			}
			return a.Client.Invite(ctx, invitees, &orgusers.InviteOptions{BulkOptions: opts})
		},
	}),
	change(Operation{Name: "RemoveUsers", Method: "DELETE", Path: sharePath}, Change{
		Targets: slices.Concat(Twelve(Member)[:6], Twelve(Pending)[:6]), Done: notIn, ReadBack: true, Guarded: true,
		Run: func(ctx context.Context, a *Arguments, emails []string, opts orgusers.BulkOptions) (*orgusers.BulkResult, error) {
			return a.Client.RemoveUsers(ctx, emails, &orgusers.RemoveOptions{BulkOptions: opts})
		},
	}),
	change(Operation{Name: "WithdrawInvitations", Method: "DELETE", Path: sharePath}, Change{
		Targets: Twelve(Pending), Done: notIn, ReadBack: true, Guarded: true, Run: many((*orgusers.Client).WithdrawInvitations),
	}),
	change(Operation{Name: "ResendInvitations", Method: "GET", Path: sharePath + "/{share_uid}/resend_invitation"}, Change{
		Targets: Twelve(Pending), Emails: true, Run: many((*orgusers.Client).ResendInvitations),
	}),
	change(Operation{Name: "UpdateRoles, by endpoint", Method: "POST", Path: fakePath + "roles", Kind: Bulk, Endpoint: true}, Change{
		Targets: Twelve(Member), Done: administers, Emails: true, ReadBack: true, Once: true, Guarded: true, Run: toAdmin,
	}),
	change(Operation{Name: "UpdateRoles", Method: "POST", Path: sharePath}, Change{
		Targets: Twelve(Member), Done: administers, Emails: true, ReadBack: true, Once: true, Guarded: true, Run: toAdmin,
	}),
	change(Operation{Name: "UpdateStackAccess, given", Method: "POST", Path: "/v3/stacks/share", Service: Stack}, Change{
		Targets: Twelve(Member), Done: hasStackRole(0), Emails: true, ReadBack: true, Guarded: true,
		Prepare: func(s *orguserstest.Server) { setStackAccess(s) }, Run: updateStackAccess(0),
	}),
	change(Operation{Name: "UpdateStackAccess, replaced", Method: "POST", Path: "/v3/stacks/users/roles", Service: Stack}, Change{
		Targets: Twelve(Member), Done: hasStackRole(1), ReadBack: true, Guarded: true,
		Prepare: func(s *orguserstest.Server) { setStackAccess(s, s.Stacks()[0].Roles[0].UID) }, Run: updateStackAccess(1),
	}),
	change(Operation{Name: "UpdateStackAccess, removed", Method: "POST", Path: "/v3/stacks/unshare", Service: Stack}, Change{
		Targets: Twelve(Member), ReadBack: true, Guarded: true,
		Prepare: func(s *orguserstest.Server) { setStackAccess(s, s.Stacks()[0].Roles[0].UID) }, Run: updateStackAccess(-1),
		Done: func(s *orguserstest.Server, email string) bool {
			u, _ := s.User(email)
			return len(u.Stacks) == 0
		},
	}),
	change(Operation{Name: "AddToTeam", Method: "POST", Path: teamPath}, Change{
		Targets: Twelve(Member), Done: inTeam, ReadBack: true,
		Prepare: func(s *orguserstest.Server) { editors(s) },
		Run: func(ctx context.Context, a *Arguments, emails []string, opts orgusers.BulkOptions) (*orgusers.BulkResult, error) {
			return a.Client.AddToTeam(ctx, "editors", emails, &opts)
		},
	}),
	change(Operation{Name: "RemoveFromTeam", Method: "DELETE", Path: teamPath + "/{user_uid}"}, Change{
		Targets: Twelve(Member), ReadBack: true, Guarded: true,
		Prepare: func(s *orguserstest.Server) { editors(s, Twelve(Member)...) },
		Done:    func(s *orguserstest.Server, email string) bool { return !inTeam(s, email) },
		Run: func(ctx context.Context, a *Arguments, emails []string, opts orgusers.BulkOptions) (*orgusers.BulkResult, error) {
			return a.Client.RemoveFromTeam(ctx, "editors", emails, &opts)
		},
	}),
	change(Operation{Name: "Restore", Method: "POST", Path: sharePath}, Change{
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
	change(Operation{Name: "SendPasswordResets", Method: "POST", Path: "/v3/user/forgot_password", Service: User, Public: true}, Change{
		Targets: Twelve(Member), Emails: true, Run: many((*orgusers.Client).SendPasswordResets),
	}),
	change(Operation{Name: "UnlockUsers", Method: "POST", Path: fakePath + "unlock", Kind: Bulk, Endpoint: true}, Change{
		Targets: Twelve(Member), Guarded: true, Run: many((*orgusers.Client).UnlockUsers),
		Done: func(s *orguserstest.Server, email string) bool {
			u, _ := s.User(email)
			return !u.Locked
		},
	}),
	change(Operation{Name: "ResetMFA", Method: "POST", Path: fakePath + "reset_mfa", Kind: Bulk, Endpoint: true}, Change{
		Targets: Twelve(Member), Emails: true, Guarded: true, Run: many((*orgusers.Client).ResetMFA),
	}),
	change(Operation{Name: "ForcePasswordReset", Method: "POST", Path: fakePath + "force_password_reset", Kind: Bulk, Endpoint: true}, Change{
		Targets: Twelve(Member), Emails: true, Guarded: true, Run: many((*orgusers.Client).ForcePasswordReset),
	}),
	change(Operation{Name: "EndSessions", Method: "POST", Path: fakePath + "end_sessions", Kind: Bulk, Endpoint: true}, Change{
		Targets: Twelve(Member), Guarded: true, Run: many((*orgusers.Client).EndSessions),
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
	change(Operation{Name: "TransferOwnership", Method: "POST", Path: organizationPath + "/transfer-ownership", As: Owner}, Change{
		Targets: []string{Member(0)}, Emails: true, ReadBack: true, Once: true, Guarded: true,
		Run: func(ctx context.Context, a *Arguments, emails []string, _ orgusers.BulkOptions) (*orgusers.BulkResult, error) {
			err := a.Client.TransferOwnership(ctx, emails[0])
			return &orgusers.BulkResult{Outcomes: []orgusers.Outcome{{Email: emails[0], Status: statusOf(err), Err: err}}}, err
		},
	}),
}

// Changes are the operations that change something for addresses.
func Changes() []Operation {
	return slices.DeleteFunc(slices.Clone(All), func(o Operation) bool { return o.Change == nil })
}

// change completes an operation that changes something. Run changes the first address.
func change(o Operation, c Change) Operation {
	o.Change = &c
	if o.Kind == "" {
		o.Kind = Write
	}
	if o.Service == "" {
		o.Service = Organization
	}
	o.Run = func(ctx context.Context, a *Arguments) (any, error) {
		if c.Prepare != nil {
			c.Prepare(a.Fake)
		}
		return c.Run(ctx, a, c.Targets[:1], orgusers.BulkOptions{})
	}
	return o
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

// Sampled reports whether a suite of thousands of combinations leaves out the nth one: under
// the race detector only every third is run.
func Sampled(n int) bool { return raceDetector && n%3 != 0 }

var raceDetector = func() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}()

// EmailsTo counts the emails to an address in the outbox.
func EmailsTo(s *orguserstest.Server, email string) int {
	n := 0
	for _, sent := range s.Outbox() {
		if strings.EqualFold(sent.To, email) {
			n++
		}
	}
	return n
}

// statusOf returns the outcome of a call for one address that has no outcomes.
func statusOf(err error) orgusers.OutcomeStatus {
	switch {
	case err == nil:
		return orgusers.OutcomeDone
	case errors.Is(err, orgusers.ErrOutcomeUnknown):
		return orgusers.OutcomeUnknown
	case errors.Is(err, orgusers.ErrRefused):
		return orgusers.OutcomeRefused
	default:
		return orgusers.OutcomeFailed
	}
}

func orDefault(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
