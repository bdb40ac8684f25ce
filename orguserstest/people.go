package orguserstest

import (
	"fmt"
	"strings"
	"time"
)

// Person is a user to put into the organization.
type Person struct {
	// Email must be there, and different from all others without regard to
	// letter case.
	Email string
	// FirstName and LastName belong to the account. A pending person without
	// either has no account yet, and one who was removed before still has the
	// account of then, as it was.
	FirstName, LastName string
	// Owner makes the person own the organization. There is only one.
	Owner bool
	// Pending is an invitation that was not accepted.
	Pending bool
	// Roles are names of organization roles: Admin, Member, Security Manager,
	// Product Analytics Viewer, in any letter case. The default is Member; an
	// empty list that is not nil is none. The owner has none.
	Roles []string
	// InvitedBy is the address of somebody with an account who is there already,
	// or comes earlier in WithPeople. The default is the word System.
	InvitedBy string
	// LastLogin is zero for somebody who never logged in.
	LastLogin time.Time
	// CreatedAt, InvitedAt and UpdatedAt are those of the row. The default is
	// some time before the reference date for the options, and now for AddUser;
	// InvitedAt and UpdatedAt default to CreatedAt.
	CreatedAt, InvitedAt, UpdatedAt time.Time
	// MFA is whether the account has a second factor.
	MFA bool
	// FailedLogins are wrong passwords in a row, the last one just now: five lock
	// the account for five minutes, each further one for five more, and the tenth
	// for good.
	FailedLogins int
	// AccessWithoutSSO and Message are those of the invitation.
	AccessWithoutSSO bool
	Message          string
	// SeveralOrganizations makes the person a member of the second organization
	// too.
	SeveralOrganizations bool
}

// User is one row of the organization as it is now.
type User struct {
	ShareUID string
	// UID is empty where the address has no account.
	UID                 string
	Email               string
	FirstName, LastName string // as the API shows them
	Owner, Pending      bool
	RoleUIDs, RoleNames []string
	// InvitedBy is a user uid, or the word System.
	InvitedBy string
	// LastLogin is zero for somebody who never logged in.
	LastLogin                       time.Time
	CreatedAt, InvitedAt, UpdatedAt time.Time
	MFA                             bool
	// Locked is whether the account is locked now.
	Locked               bool
	FailedLogins         int
	AccessWithoutSSO     bool
	Message              string
	SeveralOrganizations bool
	// AcceptanceToken is the secret of the invitation, also where the API does
	// not show it.
	AcceptanceToken string
	// Sessions are the live tokens of the account.
	Sessions []string
	// Stacks has the roles in each stack that the row has access to, by API key.
	// The owner, who has every stack, has none here.
	Stacks map[string][]string
	// PasswordResetRequired is whether the account must choose a new password.
	PasswordResetRequired bool
}

// Users is every row of the organization, in the order of creation.
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

// User is the row of an address, and whether there is one.
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
		LastLogin: moment(row.lastLogin()),
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
		u.InvitedBy = row.inviter.uid
	}
	for _, a := range s.organizations[0].access[row] {
		if u.Stacks == nil {
			u.Stacks = map[string][]string{}
		}
		u.Stacks[a.stack.apiKey] = uidsOf(a.roles)
	}
	if who := row.account; who != nil {
		u.UID, u.MFA, u.FailedLogins = who.uid, who.secondFactor, who.failed
		u.Locked = who.locked(s.now())
		u.SeveralOrganizations = len(s.organizationsOf(who)) > 1
		u.Sessions = append(u.Sessions, who.tokens...)
		u.PasswordResetRequired = who.mustReset
	}
	return u
}

// addPerson makes a row of somebody. It panics where that cannot be.
func (s *Server) addPerson(org *organization, p Person, now int64) *share {
	if !strings.Contains(p.Email, "@") || org.rows.find(p.Email) != nil {
		panic(fmt.Sprintf("orguserstest: %q is no address, or is there already", p.Email))
	}
	if p.Owner && (org.owner != nil || p.Pending) {
		panic("orguserstest: an organization has one owner, who is no invitation")
	}
	created := orElse(p.CreatedAt, now)
	row := &share{
		uid: s.seeds.uid(), email: p.Email, owner: p.Owner, pending: p.Pending, message: p.Message,
		created: created, invited: orElse(p.InvitedAt, created), updated: orElse(p.UpdatedAt, created),
	}
	if p.AccessWithoutSSO {
		row.traits = withoutSSO
	}
	if p.InvitedBy != "" {
		if row.inviter = s.account(p.InvitedBy); row.inviter == nil {
			panic(fmt.Sprintf("orguserstest: no %q to invite %q", p.InvitedBy, p.Email))
		}
	}
	if !p.Owner {
		row.roles = org.rolesNamed(p.Roles)
	}
	if row.account = s.account(p.Email); row.account == nil && (!p.Pending || p.FirstName != "" || p.LastName != "") {
		row.account = &account{
			uid: s.seeds.uid(), email: p.Email, first: p.FirstName, last: p.LastName,
			secondFactor: p.MFA, lastLogin: orElse(p.LastLogin, 0),
		}
		row.account.setFailed(p.FailedLogins, s.now())
	}
	if p.Owner {
		org.owner = row.account
	}
	s.add(org, row)
	return row
}

// rolesNamed finds roles by name. It panics where there is none of a name.
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

// moment is a time of the organization; zero is the zero time.
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

// The methods of this file change the organization behind the back of its
// clients. They may be called from a hook of OnRequest, so also between two
// pages of one listing.

// AddUser adds somebody. It panics when the address is there already, or when a
// role or the inviter is unknown. Somebody who was removed before keeps the uid
// of the account.
func (s *Server) AddUser(p Person) User {
	s.mu.Lock()
	defer s.mu.Unlock()
	row := s.addPerson(s.organizations[0], p, s.now())
	if p.SeveralOrganizations {
		s.joinSecond(row)
	}
	return s.user(row)
}

// AddUsers adds n made-up users, as [WithUsers] has them, all created now.
func (s *Server) AddUsers(n int) []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	org := s.organizations[0]
	users := make([]User, 0, n)
	for range n {
		s.seeds.made = max(s.seeds.made, len(cast)) // the first ones have parts of their own
		row, several := s.seeds.user(org, s.now(), s.now())
		s.add(org, row)
		if several {
			s.joinSecond(row)
		}
		users = append(users, s.user(row))
	}
	return users
}

// RemoveUser takes a row out of the organization, with its stack access. The
// account stays. It reports whether there was such a row.
func (s *Server) RemoveUser(email string) bool {
	return s.edit(email, func(org *organization, row *share) { s.remove(org, row) })
}

// Rename gives an account other names. It reports whether the address has one.
func (s *Server) Rename(email, first, last string) bool {
	return s.editAccount(email, func(who *account) { who.first, who.last = first, last })
}

// SetLastLogin sets when somebody last logged in; the zero time is never. It
// reports whether the address has an account.
func (s *Server) SetLastLogin(email string, t time.Time) bool {
	return s.editAccount(email, func(who *account) { who.lastLogin = orElse(t, 0) })
}

// SetMFA gives somebody a second factor, or takes it away. It reports whether
// the address has an account.
func (s *Server) SetMFA(email string, on bool) bool {
	return s.editAccount(email, func(who *account) { who.secondFactor = on })
}

// SetFailedLogins sets how many wrong passwords in a row an account has seen,
// and locks or unlocks it as [Person] says. It reports whether the address has
// an account.
func (s *Server) SetFailedLogins(email string, n int) bool {
	return s.editAccount(email, func(who *account) { who.setFailed(n, s.now()) })
}

// SetRoles replaces the organization roles of a row, by name. It panics when a
// name is unknown, and reports whether there is such a row.
func (s *Server) SetRoles(email string, names ...string) bool {
	return s.edit(email, func(org *organization, row *share) {
		roles := org.rolesNamed(append([]string{}, names...))
		org.rows.change(row, func() { row.roles, row.updated = roles, s.now() })
	})
}

// SetStackAccess replaces the roles that a row has in one stack, by uid. Without
// roles the stack is taken away. It panics when the stack or a role is unknown,
// and reports whether there is such a row.
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

// Accept makes a pending invitation a membership. An address without an account
// gets one with these names. It reports whether there was such an invitation.
func (s *Server) Accept(email, first, last string) bool {
	pending := false
	s.edit(email, func(org *organization, row *share) {
		if pending = row.pending; !pending {
			return
		}
		org.rows.change(row, func() {
			row.pending, row.updated = false, s.now()
			if row.account == nil {
				row.account = &account{uid: s.seeds.uid(), email: row.email, first: first, last: last}
			}
		})
	})
	return pending
}

func (s *Server) joinSecond(row *share) {
	second := s.organizations[1]
	s.join(second, row.account, row.created, second.roles[1:2:2])
}

// remove takes a row out. The server is locked.
func (s *Server) remove(org *organization, row *share) {
	org.rows.remove(row)
	delete(org.access, row)
	if who := row.account; who != nil && s.account(row.email) == nil {
		s.former[fold(row.email)] = who
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
