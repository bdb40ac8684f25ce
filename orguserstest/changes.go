package orguserstest

import (
	"fmt"
	"time"
)

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
