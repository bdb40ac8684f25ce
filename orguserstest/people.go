package orguserstest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Person describes a user to add to the organization.
type Person struct {
	// Email is required. No two people have the same address; letter case is
	// ignored.
	Email string
	// FirstName and LastName belong to the account. A pending person without a
	// name was only invited and cannot log in, unless the address had an account
	// before.
	FirstName, LastName string
	// Owner makes the person the owner. An organization has one owner.
	Owner bool
	// Pending makes the person an invitation that was not accepted.
	Pending bool
	// Roles names organization roles in any letter case: Admin, Member,
	// Security Manager, Product Analytics Viewer. Nil means Member, and an
	// empty list means none. The owner has no roles.
	Roles []string
	// InvitedBy is the address of a user with an account, who is earlier in
	// WithPeople or already there. The default is the word System, and for the
	// owner the founder, who has left.
	InvitedBy string
	// LastLogin is zero if the person never logged in.
	LastLogin time.Time
	// CreatedAt, InvitedAt and UpdatedAt belong to the row. The default of
	// CreatedAt is a time before the reference date, or now with AddUser. The
	// others default to CreatedAt.
	CreatedAt, InvitedAt, UpdatedAt time.Time
	// MFA reports whether the account has MFA.
	MFA bool
	// FailedLogins is the number of wrong passwords in a row, the last one
	// just now. Five lock the account for five minutes, each further one for
	// five minutes more, and the tenth until an administrator unlocks it.
	FailedLogins int
	// AccessWithoutSSO and Message belong to the invitation.
	AccessWithoutSSO bool
	Message          string
	// SeveralOrganizations makes the person a member of the second
	// organization too.
	SeveralOrganizations bool
}

// User is the present state of one row of the organization.
type User struct {
	ShareUID string
	// UID is the uid of the account. It exists from the invitation on.
	UID                 string
	Email               string
	FirstName, LastName string // as the API shows them
	Owner, Pending      bool
	RoleUIDs, RoleNames []string
	// InvitedBy is a user uid or the word System, and InviterEmail the address of
	// the user. The inviter may have left the organization.
	InvitedBy, InviterEmail string
	// LastLogin is zero if the user never logged in.
	LastLogin                       time.Time
	CreatedAt, InvitedAt, UpdatedAt time.Time
	MFA                             bool
	// Locked reports whether the account is locked now.
	Locked               bool
	FailedLogins         int
	AccessWithoutSSO     bool
	Message              string
	SeveralOrganizations bool
	// AcceptanceToken is the secret of the invitation, even if the API does
	// not show it.
	AcceptanceToken string
	// Sessions has the live tokens of the account.
	Sessions []string
	// Stacks has the uids of the roles in each stack by API key. It is empty
	// for the owner, who has access to every stack.
	Stacks map[string][]string
	// Teams has the uids of the teams of the user.
	Teams []string
	// PasswordResetRequired reports whether the account must choose a new
	// password.
	PasswordResetRequired bool
}

// Users returns all rows of the organization in the order of creation.
func (s *Server) Users() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := s.organizations[0].rows.by("created_at")
	users := make([]User, 0, len(rows))
	for _, row := range rows {
		users = append(users, s.user(row))
	}
	return users
}

// User returns the row of an address, and reports whether there is one.
func (s *Server) User(email string) (User, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row := s.organizations[0].rows.find(email)
	if row == nil {
		return User{}, false
	}
	return s.user(row), true
}

func (s *Server) user(row *share) User {
	u := User{
		ShareUID: row.uid, Email: row.email, Owner: row.owner, Pending: row.pending, InvitedBy: "System",
		LastLogin: moment(row.account.lastLogin),
		CreatedAt: moment(row.created), InvitedAt: moment(row.invited), UpdatedAt: moment(row.updated),
		AccessWithoutSSO: row.traits&withoutSSO != 0,
		Message:          row.message,
		AcceptanceToken:  s.acceptanceToken(row),
	}
	u.FirstName, u.LastName = row.names()
	for _, r := range row.roles {
		u.RoleUIDs = append(u.RoleUIDs, r.uid)
		u.RoleNames = append(u.RoleNames, r.name)
	}
	if row.inviter != nil {
		u.InvitedBy, u.InviterEmail = row.inviter.uid, row.inviter.email
	}
	for _, a := range s.organizations[0].access[row] {
		if u.Stacks == nil {
			u.Stacks = map[string][]string{}
		}
		u.Stacks[a.stack.apiKey] = uidsOf(a.roles)
	}
	who := row.account
	u.UID, u.MFA, u.FailedLogins = who.uid, who.mfa, who.failed
	u.Locked = who.locked(s.now())
	u.SeveralOrganizations = len(s.organizationsOf(who)) > 1
	u.Sessions = append(u.Sessions, who.tokens...)
	u.PasswordResetRequired = who.mustReset
	for _, t := range s.organizations[0].teams {
		if slices.Contains(t.members, who) {
			u.Teams = append(u.Teams, t.uid)
		}
	}
	return u
}

// addPerson adds a row. It panics if the person is invalid.
func (s *Server) addPerson(org *organization, p Person, now int64) *share {
	if !strings.Contains(p.Email, "@") || org.rows.find(p.Email) != nil {
		panic(fmt.Sprintf("orguserstest: %q is not an address or is already there", p.Email))
	}
	if p.Owner && (org.owner != nil || p.Pending) {
		panic("orguserstest: an organization has one owner, and the owner is not pending")
	}
	created := orElse(p.CreatedAt, now)
	row := &share{
		uid: s.generator.uid(), email: p.Email, owner: p.Owner, pending: p.Pending, message: p.Message,
		created: created, invited: orElse(p.InvitedAt, created), updated: orElse(p.UpdatedAt, created),
	}
	if p.AccessWithoutSSO {
		row.traits = withoutSSO
	}
	if p.InvitedBy != "" {
		if row.inviter = s.account(p.InvitedBy); row.inviter == nil {
			panic(fmt.Sprintf("orguserstest: the inviter %q of %q is unknown", p.InvitedBy, p.Email))
		}
	}
	if !p.Owner {
		row.roles = org.rolesNamed(p.Roles)
	}
	who := s.accountFor(p.Email, created)
	row.account = who
	if who.invited && (!p.Pending || p.FirstName != "" || p.LastName != "") {
		who.invited, who.first, who.last = false, p.FirstName, p.LastName
		who.mfa, who.lastLogin = p.MFA, orElse(p.LastLogin, 0)
		who.setFailed(p.FailedLogins, s.now())
	}
	if p.Owner {
		org.owner = who
		if row.inviter == nil {
			row.inviter = s.founder
		}
	}
	s.add(org, row)
	return row
}

// rolesNamed finds roles by name. It panics if a name is unknown.
func (o *organization) rolesNamed(names []string) []*role {
	if names == nil {
		names = []string{"Member"}
	}
	var roles []*role
	for _, name := range names {
		r := o.roleNamed(name)
		if r == nil {
			panic(fmt.Sprintf("orguserstest: the organization has no role %q", name))
		}
		roles = append(roles, r)
	}
	return roles
}

// moment converts a time of the organization. Zero is the zero time.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func orElse(t time.Time, otherwise int64) int64 {
	if t.IsZero() {
		return otherwise
	}
	return t.UnixMilli()
}

// The methods below change the organization without a request. They may be
// called from a hook of OnRequest, and so between two pages of a list.

// AddUser adds a user. It panics if the address is already there, or if a role
// or the inviter is unknown. A user who was removed before keeps the uid of
// the account.
func (s *Server) AddUser(p Person) User {
	s.mu.Lock()
	defer s.mu.Unlock()
	row := s.addPerson(s.organizations[0], p, s.now())
	if p.SeveralOrganizations {
		s.joinSecond(row)
	}
	return s.user(row)
}

// AddUsers adds n invented users, like those of [WithUsers]. All are created
// now.
func (s *Server) AddUsers(n int) []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	org := s.organizations[0]
	users := make([]User, 0, n)
	for range n {
		s.generator.made = max(s.generator.made, len(cast)) // skip the parts of the first users
		row, several := s.generator.user(org, s.now(), s.now())
		s.add(org, row)
		if several {
			s.joinSecond(row)
		}
		users = append(users, s.user(row))
	}
	return users
}

// RemoveUser removes a row from the organization, together with its stack
// access. The account remains. RemoveUser reports whether there was a row.
func (s *Server) RemoveUser(email string) bool {
	return s.edit(email, func(org *organization, row *share) { s.remove(org, row) })
}

// Rename changes the names of an account. It reports whether the address has
// one.
func (s *Server) Rename(email, first, last string) bool {
	return s.editAccount(email, func(who *account) { who.first, who.last = first, last })
}

// SetLastLogin sets the time of the last login. The zero time means never. It
// reports whether the address has an account.
func (s *Server) SetLastLogin(email string, t time.Time) bool {
	return s.editAccount(email, func(who *account) { who.lastLogin = orElse(t, 0) })
}

// SetMFA turns MFA of an account on or off. It reports whether the address has
// an account.
func (s *Server) SetMFA(email string, on bool) bool {
	return s.editAccount(email, func(who *account) { who.mfa = on })
}

// SetFailedLogins sets the number of wrong passwords in a row, and so locks or
// unlocks the account as [Person] describes. It reports whether the address
// has an account.
func (s *Server) SetFailedLogins(email string, n int) bool {
	return s.editAccount(email, func(who *account) { who.setFailed(n, s.now()) })
}

// SetRoles replaces the organization roles of a row, by name. It panics if a
// name is unknown. It reports whether there is a row.
func (s *Server) SetRoles(email string, names ...string) bool {
	return s.edit(email, func(org *organization, row *share) {
		roles := org.rolesNamed(append([]string{}, names...))
		org.rows.change(row, func() { row.roles, row.updated = roles, s.now() })
	})
}

// SetStackAccess replaces the roles of a row in one stack, by uid. Without
// roles it removes the access. It panics if the stack or a role is unknown. It
// reports whether there is a row.
func (s *Server) SetStackAccess(email, apiKey string, roleUIDs ...string) bool {
	return s.edit(email, func(org *organization, row *share) {
		k := org.stackWith(apiKey)
		if k == nil {
			panic(fmt.Sprintf("orguserstest: the organization has no stack %q", apiKey))
		}
		roles, ok := rolesWith(k.roles, roleUIDs)
		if !ok && len(roleUIDs) > 0 {
			panic(fmt.Sprintf("orguserstest: the stack has no such roles: %q", roleUIDs))
		}
		org.grant(row, k, roles)
	})
}

// Accept accepts a pending invitation. An account that was only invited gets
// these names. Accept reports whether there was such an invitation.
func (s *Server) Accept(email, first, last string) bool {
	pending := false
	s.edit(email, func(org *organization, row *share) {
		if pending = row.pending; !pending {
			return
		}
		org.rows.change(row, func() {
			row.pending, row.updated = false, s.now()
			if who := row.account; who.invited {
				who.invited, who.first, who.last, who.updated = false, first, last, s.now()
			}
		})
	})
	return pending
}

func (s *Server) joinSecond(row *share) {
	second := s.organizations[1]
	s.join(second, row.account, row.created, second.roles[1:2:2])
}

// remove removes a row. The server is locked.
func (s *Server) remove(org *organization, row *share) {
	org.rows.remove(row)
	delete(org.access, row)
	org.leaveTeams(row.account)
	if s.anyAccount(row.email) == nil {
		s.former[fold(row.email)] = row.account
	}
}

func (s *Server) edit(email string, change func(*organization, *share)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	org := s.organizations[0]
	row := org.rows.find(email)
	if row == nil {
		return false
	}
	change(org, row)
	return true
}

func (s *Server) editAccount(email string, change func(*account)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	who := s.account(email)
	if who == nil {
		return false
	}
	s.changeAccount(who, func() { change(who) })
	return true
}
