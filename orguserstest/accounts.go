package orguserstest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// account is a user. It outlives its rows in organizations.
type account struct {
	uid, email, first, last string

	created, updated int64

	invited     bool  // was only invited so far: has a uid but no names, and cannot log in
	lastLogin   int64 // zero for never
	failed      int   // wrong passwords in a row
	lockedUntil int64 // if the account is locked for a time
	tokens      []string
	mfa         bool
	mustReset   bool // must choose a new password
}

// From firstLock on, each wrong password locks the account for five minutes
// more. The last one locks it until an administrator unlocks it.
const (
	firstLock = 5
	lastLock  = 10
)

func (a *account) locked(now int64) bool {
	return a.failed >= lastLock || (a.failed >= firstLock && now < a.lockedUntil)
}

func (a *account) username() string {
	local, _, _ := strings.Cut(a.email, "@")
	return local + "_" + a.uid
}

func (a *account) fullName() string {
	return strings.TrimSpace(a.first + " " + a.last)
}

// setFailed sets the number of wrong passwords and locks the account
// accordingly.
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

// account finds an account that can log in by address, even if it is in no
// organization.
func (s *Server) account(email string) *account {
	if who := s.anyAccount(email); who != nil && !who.invited {
		return who
	}
	return nil
}

// anyAccount finds an account by address, even if it was only invited.
func (s *Server) anyAccount(email string) *account {
	key := fold(email)
	for _, org := range s.organizations {
		if row := org.rows.byEmail[key]; row != nil {
			return row.account
		}
	}
	return s.former[key]
}

// accountFor returns the account of an address. If there is none, it returns a
// new one that was only invited.
func (s *Server) accountFor(email string, now int64) *account {
	if who := s.anyAccount(email); who != nil {
		return who
	}
	return &account{uid: s.generator.uid(), email: email, invited: true, created: now, updated: now}
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

// changeAccount calls edit and moves the account's rows to their new places in
// every organization.
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

// fakeRoutes are requests that the fake invented, because the API has no
// public request for these actions.
var fakeRoutes = []route{
	{method: http.MethodPost, pattern: "/v3" + pathUnlock, operation: "UnlockUsers", needs: usersUnlock, write: true, bulk: true, handle: (*Server).unlock},
	{method: http.MethodPost, pattern: "/v3" + pathResetMFA, operation: "ResetMFA", needs: usersWrite, write: true, bulk: true, handle: (*Server).resetMFA},
	{method: http.MethodPost, pattern: "/v3" + pathForcePasswordReset, operation: "ForcePasswordReset", needs: usersWrite, write: true, bulk: true, handle: (*Server).forcePasswordReset},
	{method: http.MethodPost, pattern: "/v3" + pathEndSessions, operation: "EndSessions", needs: usersWrite, write: true, bulk: true, handle: (*Server).endSessions},
	{method: http.MethodPost, pattern: "/v3" + pathUpdateRoles, operation: "UpdateRoles", needs: usersWrite, write: true, bulk: true, handle: (*Server).updateRoles},
}

// The paths of fakeRoutes, below /v3.
const (
	pathUnlock             = "/organizations/{organization_uid}/fake/unlock"
	pathResetMFA           = "/organizations/{organization_uid}/fake/reset_mfa"
	pathForcePasswordReset = "/organizations/{organization_uid}/fake/force_password_reset"
	pathEndSessions        = "/organizations/{organization_uid}/fake/end_sessions"
	pathUpdateRoles        = "/organizations/{organization_uid}/fake/roles"
)

// maxBulk limits the addresses in one of these requests.
const maxBulk = 10

// What the responses say about a user.
const (
	skipUnknown      = "no user of the organization"
	skipPending      = "the invitation is pending"
	skipOwner        = "the owner"
	skipSeveral      = "in several organizations"
	skipNotLocked    = "not locked"
	skipNoMFA        = "no MFA"
	skipYourself     = "yourself"
	skipNoSession    = "no session"
	statusDone       = "done"
	statusSkipped    = "skipped"
	noticeOwnRequest = "The request was carried out."
)

func (s *Server) unlock(c *call) response {
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

// resetMFA removes MFA at once and emails a link to set it up again.
func (s *Server) resetMFA(c *call) response {
	return s.each(c, "reset_mfa", func(row *share) (skip string) {
		if !row.account.mfa {
			return skipNoMFA
		}
		row.account.mfa = false
		s.email(Email{Kind: EmailMFAReset, To: row.email, Organization: c.organization.uid})
		return ""
	})
}

func (s *Server) forcePasswordReset(c *call) response {
	return s.each(c, "force_password_reset", func(row *share) (skip string) {
		row.account.mustReset = true
		s.email(Email{Kind: EmailForcedPasswordReset, To: row.email, Organization: c.organization.uid})
		return ""
	})
}

func (s *Server) endSessions(c *call) response {
	return s.each(c, "end_sessions", func(row *share) (skip string) {
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
		if who.email == s.Email { // otherwise the user would renew it
			tokens = append(tokens, s.refresh)
		}
		for _, token := range tokens {
			s.endSession(token)
		}
		return ""
	})
}

// updateRoles replaces the organization roles of members.
func (s *Server) updateRoles(c *call) response {
	var input struct {
		Roles []string `json:"roles"`
	}
	if refused := c.decode(&input); refused != nil {
		return *refused
	}
	roles, ok := rolesWith(c.organization.roles, input.Roles)
	if !ok {
		return invalid("roles")
	}
	return s.each(c, "update_roles", func(row *share) (skip string) {
		if row.owner {
			return skipOwner
		}
		c.organization.rows.change(row, func() { row.roles, row.updated = roles, s.now() })
		s.email(Email{Kind: EmailRoleChange, To: row.email, Organization: c.organization.uid})
		return ""
	})
}

// each calls act for every member in a request and returns the outcome of each
// address. act returns the reason if it skips the user.
func (s *Server) each(c *call, event string, act func(row *share) (skip string)) response {
	var input struct {
		Emails []string `json:"emails"`
	}
	if refused := c.decode(&input); refused != nil {
		return *refused
	}
	if len(input.Emails) == 0 || len(input.Emails) > maxBulk {
		return invalid("emails")
	}
	users := []object{}
	for _, email := range someOf(c, input.Emails) {
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
		s.audit(c, event, row)
		users = append(users, object{"email": email, "status": statusDone})
	}
	return respond(object{"notice": noticeOwnRequest, "users": users})
}
