package orguserstest

import "time"

// account is somebody who can log in. It outlives the rows that it has in
// organizations.
type account struct {
	uid, email, first, last string

	lastLogin    int64 // zero for never
	failed       int   // wrong passwords in a row
	lockedUntil  int64 // while failed calls for a time
	tokens       []string
	secondFactor bool
	mustReset    bool // must choose a new password
}

// The first wrong passwords are free, the next ones lock the account for five
// minutes more each, and the last one for good.
const (
	firstLock = 5
	lastLock  = 10
)

func (a *account) locked(now int64) bool {
	return a.failed >= lastLock || (a.failed >= firstLock && now < a.lockedUntil)
}

// setFailed counts wrong passwords and locks the account as they ask for.
func (a *account) setFailed(failed int, now int64) {
	a.failed = failed
	a.lockedUntil = now + lockTime(failed).Milliseconds()
}

func lockTime(failed int) time.Duration {
	if failed < firstLock || failed >= lastLock {
		return 0
	}
	return time.Duration(failed-firstLock+1) * 5 * time.Minute
}

// account finds somebody by address, in an organization or not.
func (s *Server) account(email string) *account {
	key := fold(email)
	for _, org := range s.organizations {
		if row := org.rows.byEmail[key]; row != nil && row.account != nil {
			return row.account
		}
	}
	return s.former[key]
}

// taken reports whether an address has a row or an account.
func (s *Server) taken(email string) bool {
	key := fold(email)
	for _, org := range s.organizations {
		if org.rows.byEmail[key] != nil {
			return true
		}
	}
	return s.former[key] != nil
}

// changeAccount runs edit and moves the account's rows to where they then
// belong in every organization.
func (s *Server) changeAccount(who *account, edit func()) {
	apply := edit
	for _, org := range s.organizations {
		row := org.rowOf(who)
		if row == nil {
			continue
		}
		inner := apply
		apply = func() { org.rows.change(row, inner) }
	}
	apply()
}
