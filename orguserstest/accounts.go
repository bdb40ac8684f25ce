package orguserstest

import (
	"net/http"
	"slices"
	"time"
)

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

// ownRoutes are requests that the fake made up, because the API has none in
// public for what they do.
var ownRoutes = []route{
	{method: http.MethodPost, pattern: "/v3" + pathUnlock, operation: "UnlockUsers", write: true, bulk: true, own: true, handle: (*Server).unlock},
	{method: http.MethodPost, pattern: "/v3" + pathResetMFA, operation: "ResetMFA", write: true, bulk: true, own: true, handle: (*Server).resetMFA},
	{method: http.MethodPost, pattern: "/v3" + pathForcePasswordReset, operation: "ForcePasswordReset", write: true, bulk: true, own: true, handle: (*Server).forcePasswordReset},
	{method: http.MethodPost, pattern: "/v3" + pathEndSessions, operation: "EndSessions", write: true, bulk: true, own: true, handle: (*Server).endSessions},
	{method: http.MethodPost, pattern: "/v3" + pathUpdateRoles, operation: "UpdateRoles", write: true, bulk: true, own: true, handle: (*Server).updateRoles},
}

// The paths of ownRoutes, below /v3.
const (
	pathUnlock             = "/organizations/{organization_uid}/fake/unlock"
	pathResetMFA           = "/organizations/{organization_uid}/fake/reset_mfa"
	pathForcePasswordReset = "/organizations/{organization_uid}/fake/force_password_reset"
	pathEndSessions        = "/organizations/{organization_uid}/fake/end_sessions"
	pathUpdateRoles        = "/organizations/{organization_uid}/fake/roles"
)

// maxBulk is how many addresses one of them takes.
const maxBulk = 10

// What the answers say of a user.
const (
	skipUnknown      = "no user of the organization"
	skipPending      = "the invitation is pending"
	skipOwner        = "the owner"
	skipSeveral      = "in several organizations"
	skipNotLocked    = "not locked"
	skipNoFactor     = "no second factor"
	skipYourself     = "yourself"
	skipNoSession    = "no session"
	statusDone       = "done"
	statusSkipped    = "skipped"
	noticeOwnRequest = "The request was carried out."
)

func (s *Server) unlock(c *call) answer {
	return s.each(c, "unlock", func(row *share) (skip string) {
		who := row.account
		switch {
		case row.owner:
			return skipOwner
		case len(s.organizationsOf(who)) > 1:
			return skipSeveral
		case !who.locked(s.now()):
			return skipNotLocked
		}
		who.setFailed(0, s.now())
		return ""
	})
}

// resetMFA takes the second factor away at once, and mails a link for a new one.
func (s *Server) resetMFA(c *call) answer {
	return s.each(c, "reset MFA", func(row *share) (skip string) {
		if !row.account.secondFactor {
			return skipNoFactor
		}
		row.account.secondFactor = false
		s.post(Mail{Kind: MailMFAReset, To: row.email, Organization: c.organization.uid})
		return ""
	})
}

func (s *Server) forcePasswordReset(c *call) answer {
	return s.each(c, "force password reset", func(row *share) (skip string) {
		row.account.mustReset = true
		s.post(Mail{Kind: MailForcedPasswordReset, To: row.email, Organization: c.organization.uid})
		return ""
	})
}

func (s *Server) endSessions(c *call) answer {
	return s.each(c, "end sessions", func(row *share) (skip string) {
		who := row.account
		tokens := slices.Clone(who.tokens)
		if bearer := s.sessions[s.bearer]; bearer != nil && bearer.account == who {
			tokens = append(tokens, s.bearer)
		}
		switch {
		case who == c.caller:
			return skipYourself
		case len(s.organizationsOf(who)) > 1:
			return skipSeveral
		case len(tokens) == 0:
			return skipNoSession
		}
		if who.email == s.Email { // who would be back with it
			tokens = append(tokens, s.refresh)
		}
		for _, token := range tokens {
			s.endSession(token)
		}
		return ""
	})
}

// updateRoles gives members exactly these organization roles.
func (s *Server) updateRoles(c *call) answer {
	var asked struct {
		Roles []string `json:"roles"`
	}
	if refused := c.decode(&asked); refused != nil {
		return *refused
	}
	roles, ok := rolesWith(c.organization.roles, asked.Roles)
	if !ok {
		return invalid("roles")
	}
	return s.each(c, "update roles", func(row *share) (skip string) {
		if row.owner {
			return skipOwner
		}
		c.organization.rows.change(row, func() { row.roles, row.updated = roles, s.now() })
		s.post(Mail{Kind: MailRoleChange, To: row.email, Organization: c.organization.uid})
		return ""
	})
}

// each does something to the members of a request, one by one, and answers with
// what became of each address. What act returns is why somebody was skipped.
func (s *Server) each(c *call, event string, act func(row *share) (skip string)) answer {
	var asked struct {
		Emails []string `json:"emails"`
	}
	if refused := c.decode(&asked); refused != nil {
		return *refused
	}
	if len(asked.Emails) == 0 || len(asked.Emails) > maxBulk {
		return invalid("emails")
	}
	users := []object{}
	for _, email := range someOf(c, asked.Emails) {
		row := c.organization.rows.find(email)
		var skip string
		switch {
		case row == nil:
			skip = skipUnknown
		case row.pending:
			skip = skipPending
		default:
			skip = act(row)
		}
		if skip != "" {
			users = append(users, object{"email": email, "status": statusSkipped, "reason": skip})
			continue
		}
		s.audit(c, event, row.email)
		users = append(users, object{"email": email, "status": statusDone})
	}
	return reply(object{"notice": noticeOwnRequest, "users": users})
}
