package orguserstest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	// Password is the password of every account.
	Password = "correct horse battery staple"
	// MFACode is the code for accounts with MFA. A login sends it together
	// with the password.
	MFACode = "123456"

	maxSessions   = 20
	bearerMinutes = 60
)

// session is one live token.
type session struct {
	account *account
	expires int64 // zero for never
}

var sessionRoutes = []route{
	{method: http.MethodPost, pattern: "/v3/user-session", operation: "Login", write: true, open: true, handle: (*Server).login},
	{method: http.MethodDelete, pattern: "/v3/user-session", operation: "Logout", write: true, handle: (*Server).logout},
	{method: http.MethodGet, pattern: "/v3/user", operation: "GetCurrentUser", handle: (*Server).currentUser},
	{method: http.MethodPost, pattern: "/v3/user/forgot_password", operation: "SendPasswordResets", write: true, open: true, handle: (*Server).forgotPassword},
}

// authenticate finds the caller by the session token or the OAuth token.
func (s *Server) authenticate(c *call) *response {
	authToken, authorization := c.http.Header.Get("Authtoken"), c.http.Header.Get("Authorization")
	if authToken != "" && authorization != "" {
		return new(fail(http.StatusBadRequest, 0, "Please send either an authtoken or an authorization header.", nil))
	}
	token := authToken
	if scheme, bearer, ok := strings.Cut(authorization, " "); ok && strings.EqualFold(scheme, "Bearer") {
		token = bearer
	}
	live := s.sessions[token]
	if live == nil || (live.expires != 0) != (authorization != "") {
		return new(unauthorized())
	}
	if live.expires != 0 && s.now() >= live.expires {
		return new(unauthorized())
	}
	c.caller = live.account
	return nil
}

// signIn opens a session. It ends the oldest one if there are too many.
func (s *Server) signIn(who *account) string {
	token := s.token()
	s.sessions[token] = &session{account: who}
	who.tokens = append(who.tokens, token)
	if len(who.tokens) > maxSessions {
		delete(s.sessions, who.tokens[0])
		who.tokens = slices.Delete(who.tokens, 0, 1)
	}
	return token
}

// endSession ends a token. It reports whether the token was live.
func (s *Server) endSession(token string) bool {
	if token != "" && token == s.refresh {
		s.refresh = ""
		return true
	}
	live := s.sessions[token]
	if live == nil {
		return false
	}
	delete(s.sessions, token)
	live.account.tokens = slices.DeleteFunc(live.account.tokens, func(t string) bool { return t == token })
	return true
}

// issueBearer replaces the OAuth token.
func (s *Server) issueBearer(who *account) string {
	delete(s.sessions, s.bearer)
	s.bearer = s.token()
	expires := s.now() + (bearerMinutes * time.Minute).Milliseconds()
	s.sessions[s.bearer] = &session{account: who, expires: expires}
	return s.bearer
}

func (s *Server) login(c *call) response {
	var input struct {
		User struct {
			Email    string `json:"email"`
			Password string `json:"password"`
			Token    string `json:"tfa_token"`
		} `json:"user"`
	}
	if refused := c.decode(&input); refused != nil {
		return *refused
	}
	who := s.account(input.User.Email)
	if who == nil {
		return badCredentials()
	}
	now := s.now()
	if who.locked(now) {
		return fail(http.StatusUnprocessableEntity, 104, "Your account is locked after too many failed logins.",
			object{"auth": []string{"account is locked."}})
	}
	if input.User.Password != Password {
		who.setFailed(who.failed+1, now)
		return badCredentials()
	}
	if who.mfa && input.User.Token == "" {
		status := http.StatusUnprocessableEntity
		if s.cfg.mfa401 {
			status = http.StatusUnauthorized
		}
		return response{status: status, body: encode(object{
			"error_message": "Please login using the Two-Factor verification Token",
			"error_code":    294,
			"errors":        []string{},
			"tfa_type":      "totp_authenticator",
		})}
	}
	if who.mfa && input.User.Token != MFACode {
		return fail(http.StatusUnprocessableEntity, 295, "The Two-Factor verification Token is not valid.",
			object{"tfa_token": []string{"is not valid."}})
	}
	who.setFailed(0, now)
	s.changeAccount(who, func() { who.lastLogin = now })
	user := s.renderUser(who)
	user["authtoken"] = s.signIn(who)
	if c.flag("include_orgs") || c.flag("include_orgs_roles") {
		user["organizations"] = s.renderMemberships(c, who)
	}
	return respond(object{"notice": "Login Successful.", "user": user})
}

func badCredentials() response {
	return fail(http.StatusUnprocessableEntity, 104, "Looks like your email or password is invalid. Please try again or reset your password.",
		object{"auth": []string{"is not valid."}})
}

func (s *Server) logout(c *call) response {
	token := c.http.Header.Get("Authtoken")
	if token == "" {
		token = s.bearer
	}
	const notice = "You've logged out successfully."
	s.auditLogout(c, token, notice)
	s.endSession(token)
	return respond(object{"notice": notice})
}

func (s *Server) currentUser(c *call) response {
	user := s.renderUser(c.caller)
	user["organizations"] = s.renderMemberships(c, c.caller)
	if token := c.http.Header.Get("Authtoken"); token != "" {
		user["authtoken"] = token
	}
	return respond(object{"user": user})
}

// renderMemberships returns the organizations of an account, with its roles in
// them if the request asks for them.
func (s *Server) renderMemberships(c *call, who *account) []object {
	organizations := []object{}
	for _, org := range s.organizationsOf(who) {
		row := org.rowOf(who)
		o := s.renderOrganization(org, who)
		if row.owner {
			o["is_owner"] = true
		}
		if c.flag("include_orgs_roles") && !row.owner {
			roles := []object{}
			for _, r := range s.shownRoles(org, row) {
				roles = append(roles, s.renderRole(org, r))
			}
			o["org_roles"] = roles
		}
		organizations = append(organizations, o)
	}
	return organizations
}

// renderUser returns an account as login and current user show it.
// Organizations that the account owns are in org_uid, the others in
// shared_org_uid.
func (s *Server) renderUser(who *account) object {
	owned, shared := []string{}, []string{}
	for _, org := range s.organizationsOf(who) {
		if org.owner == who {
			owned = append(owned, org.uid)
		} else {
			shared = append(shared, org.uid)
		}
	}
	user := object{
		"uid":             who.uid,
		"email":           who.email,
		"username":        who.username(),
		"first_name":      who.first,
		"last_name":       who.last,
		"company":         "Example",
		"org_uid":         owned,
		"shared_org_uid":  shared,
		"active":          true,
		"failed_attempts": who.failed,
		"roles":           []object{},
		"created_at":      timestamp(who.created),
		"updated_at":      timestamp(who.updated),

		"password_updated_at":     timestamp(who.created),
		"password_reset_required": who.mustReset,
	}
	if who.mfa {
		user["tfa_status"] = "verified"
	}
	if who.lastLogin != 0 {
		user["last_login_at"] = timestamp(who.lastLogin)
	}
	return user
}

func (s *Server) forgotPassword(c *call) response {
	var input struct {
		User struct {
			Email string `json:"email"`
		} `json:"user"`
	}
	if refused := c.decode(&input); refused != nil {
		return *refused
	}
	if input.User.Email == "" {
		return invalid("email")
	}
	if who := s.account(input.User.Email); who != nil {
		s.email(Email{Kind: EmailPasswordReset, To: who.email})
	}
	return respond(object{"notice": "If this email address exists, we will send you an email with instructions for resetting your password."})
}

// OAuthToken returns the live OAuth token of the user of AuthToken, for the
// header "authorization: Bearer". It expires after 60 minutes, or when it is
// renewed.
func (s *Server) OAuthToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bearer
}

// RotateOAuthToken ends the OAuth token and returns a new one, which expires
// after 60 minutes.
func (s *Server) RotateOAuthToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issueBearer(s.account(s.Email))
}

// RefreshToken returns the token that renews the OAuth token at
// [Server.TokenURL]. Each renewal replaces it.
func (s *Server) RefreshToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refresh
}

// TokenURL returns the URL that renews OAuth tokens for the client of
// [OAuthClientID] and [OAuthClientSecret].
func (s *Server) TokenURL() string { return s.URL + pathRenewal }

// SignIn returns a new session token for the user with the given address, as a
// login would. It returns the empty string if the address has no account.
func (s *Server) SignIn(email string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	who := s.account(email)
	if who == nil {
		return ""
	}
	return s.signIn(who)
}

// Secrets returns everything in the server that must not appear in the output of
// a program: tokens of sessions, OAuth, invitations and transfers of ownership,
// keys of stacks, and the password.
func (s *Server) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	secrets := []string{Password, OAuthClientSecret}
	if s.refresh != "" {
		secrets = append(secrets, s.refresh)
	}
	for token := range s.sessions {
		secrets = append(secrets, token)
	}
	for _, org := range s.organizations {
		if org.transferToken != "" {
			secrets = append(secrets, org.transferToken)
		}
		for _, k := range org.stacks {
			secrets = append(secrets, k.masterKey, k.secretKey)
		}
		for _, row := range org.rows.by("created_at") {
			secrets = append(secrets, s.acceptanceToken(row))
		}
	}
	slices.Sort(secrets)
	return secrets
}

// RevokeToken ends a session token, an OAuth token or the refresh token. Later
// requests with it get 401. It reports whether the token was live.
func (s *Server) RevokeToken(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endSession(token)
}

// The OAuth client at TokenURL.
const (
	OAuthClientID     = "orguserstest"
	OAuthClientSecret = "open-sesame"
)

// pathRenewal is invented, like fakeRoutes.
const pathRenewal = "/fake/oauth/token"

var oauthRoutes = []route{
	{method: http.MethodPost, pattern: pathRenewal, operation: "RenewToken", open: true, form: true, handle: (*Server).renewToken},
}

// renewToken follows section 6 of RFC 6749.
func (s *Server) renewToken(c *call) response {
	form, err := url.ParseQuery(string(c.body))
	id, secret, basic := c.http.BasicAuth()
	if !basic {
		id, secret = form.Get("client_id"), form.Get("client_secret")
	}
	switch {
	case err != nil:
		return failOAuth(http.StatusBadRequest, "invalid_request")
	case id != OAuthClientID || secret != OAuthClientSecret:
		refused := failOAuth(http.StatusUnauthorized, "invalid_client")
		refused.header = http.Header{"WWW-Authenticate": {"Basic"}}
		return refused
	case form.Get("grant_type") != "refresh_token":
		return failOAuth(http.StatusBadRequest, "unsupported_grant_type")
	case s.refresh == "" || form.Get("refresh_token") != s.refresh:
		return failOAuth(http.StatusBadRequest, "invalid_grant")
	}
	s.refresh = s.token()
	renewed := respond(object{
		"access_token":  s.issueBearer(s.account(s.Email)),
		"token_type":    "Bearer",
		"expires_in":    bearerMinutes * 60,
		"refresh_token": s.refresh,
	})
	renewed.header = http.Header{"Cache-Control": {"no-store"}}
	return renewed
}

// failOAuth returns an error as RFC 6749 defines it.
func failOAuth(status int, code string) response {
	return response{status: status, body: encode(object{"error": code})}
}
