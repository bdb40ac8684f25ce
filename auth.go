package orgusers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// TokenSource returns OAuth access tokens. Token is called before each attempt
// of each request, and once more after a 401, from any goroutine. A source should
// keep a token until shortly before it expires, and must be safe for concurrent
// use. A source that keeps tokens should implement [TokenInvalidator] too.
type TokenSource interface {
	// Token returns an access token without the word Bearer. It should return an
	// error that is [ErrUnauthorized] if the user has to sign in again. The text of
	// the error is not shown, because a token endpoint may put secrets into it.
	Token(ctx context.Context) (string, error)
}

// TokenInvalidator is a [TokenSource] that keeps tokens and must forget one that
// the server rejected.
type TokenInvalidator interface {
	TokenSource
	// Invalidate is called with a token that got a 401, before Token is called
	// again. Several requests may report the same token, even after it was replaced,
	// so discard the current token only if it is this one. Invalidate is called from
	// any goroutine and should not block.
	Invalidate(token string)
}

// CurrentUser is the account of the client's credentials. Its authtoken is never
// decoded.
type CurrentUser struct {
	UID         string    `json:"uid,omitempty"`
	Email       string    `json:"email,omitempty"`
	Username    string    `json:"username,omitempty"`
	FirstName   string    `json:"first_name,omitempty"`
	LastName    string    `json:"last_name,omitempty"`
	Company     string    `json:"company,omitempty"`
	MFA         MFAStatus `json:"tfa_status,omitempty"`
	Active      bool      `json:"active,omitempty"`
	LastLoginAt time.Time `json:"last_login_at,omitzero"`
	// FailedAttempts counts failed logins since the last successful one.
	FailedAttempts        int       `json:"failed_attempts,omitempty"`
	PasswordUpdatedAt     time.Time `json:"password_updated_at,omitzero"`
	PasswordResetRequired bool      `json:"password_reset_required,omitempty"`
	CreatedAt             time.Time `json:"created_at,omitzero"`
	UpdatedAt             time.Time `json:"updated_at,omitzero"`
	// OrganizationUIDs and SharedOrganizationUIDs are the organizations that the
	// account owns and those that it was invited to.
	OrganizationUIDs       []string `json:"org_uid,omitempty"`
	SharedOrganizationUIDs []string `json:"shared_org_uid,omitempty"`
	// Organizations are those that the account belongs to.
	Organizations []Membership `json:"organizations,omitempty"`
}

// Membership is an organization of the current user.
type Membership struct {
	UID   string  `json:"uid,omitempty"`
	Name  string  `json:"name,omitempty"`
	Owner bool    `json:"is_owner,omitempty"`
	Roles []*Role `json:"org_roles,omitempty"`
}

// UnmarshalJSON decodes an organization as the API sends it: owner for is_owner
// too.
func (m *Membership) UnmarshalJSON(data []byte) error {
	type plain Membership // without this method
	wire := struct {
		*plain
		Owner bool `json:"owner"`
	}{plain: (*plain)(m)}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	m.Owner = m.Owner || wire.Owner
	return nil
}

// UnmarshalJSON decodes an account as the API sends it.
func (u *CurrentUser) UnmarshalJSON(data []byte) error {
	type plain CurrentUser // without this method
	wire := struct {
		*plain
		OrganizationUIDs       uids      `json:"org_uid"`
		SharedOrganizationUIDs uids      `json:"shared_org_uid"`
		LastLoginAt            timestamp `json:"last_login_at"`
		PasswordUpdatedAt      timestamp `json:"password_updated_at"`
		CreatedAt              timestamp `json:"created_at"`
		UpdatedAt              timestamp `json:"updated_at"`
	}{plain: (*plain)(u)}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	u.OrganizationUIDs, u.SharedOrganizationUIDs = wire.OrganizationUIDs, wire.SharedOrganizationUIDs
	u.LastLoginAt, u.PasswordUpdatedAt = wire.LastLoginAt.Time, wire.PasswordUpdatedAt.Time
	u.CreatedAt, u.UpdatedAt = wire.CreatedAt.Time, wire.UpdatedAt.Time
	return nil
}

// GetCurrentUser returns the account of the client's credentials, with its
// organizations and its roles in them. It returns [ErrUnauthorized] if the token
// is wrong or has expired.
//
// It sends GET /user (documented).
func (c *Client) GetCurrentUser(ctx context.Context) (*CurrentUser, error) {
	q := struct {
		IncludeOrganizations     bool `url:"include_orgs"`
		IncludeOrganizationRoles bool `url:"include_orgs_roles"`
	}{true, true}
	var response userResponse[CurrentUser]
	if err := c.do(ctx, opGetCurrentUser, input{query: q}, &response); err != nil {
		return nil, err
	}
	return response.User, nil
}

type userResponse[T any] struct {
	User *T `json:"user"`
}

func (r *userResponse[T]) complete() bool { return r.User != nil }

// Credentials are the address and the password of an account. Printed, logged or
// encoded, they are redacted.
type Credentials struct {
	Email, Password string
	// MFACode is needed if the account has MFA: [Login] returns [ErrMFARequired].
	MFACode string
}

// Format prints a placeholder for every verb.
func (Credentials) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte("orgusers.Credentials([redacted])"))
}

// MarshalText returns a placeholder, also for JSON and XML.
func (Credentials) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// GobEncode returns nothing.
func (Credentials) GobEncode() ([]byte, error) { return nil, nil }

// Session is the result of a login. Printed, logged or encoded, it shows no token.
type Session struct {
	// User is the account that logged in.
	User *CurrentUser

	authToken func() string // a function, so that no printer or encoder finds the token
}

// AuthToken returns the token of the session, for [WithAuthToken]. An account has
// at most twenty sessions: one more login ends the oldest.
func (s *Session) AuthToken() string {
	if s == nil || s.authToken == nil {
		return ""
	}
	return s.authToken()
}

// Format prints a placeholder for every verb.
func (Session) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("orgusers.Session([redacted])")) }

// Login starts a session with an address and a password. It ignores credentials
// among the options and does not read the environment. The region is [RegionNA]
// unless [WithRegion] or [WithBaseURL] is given.
//
// It returns [ErrInvalid] if the address or the password is wrong, [ErrLocked] if
// the account is locked, and [ErrMFARequired] if an MFA code is needed or wrong.
// Error.MFAType is then the kind of code. A login that the server may have counted
// is not sent again, because failed logins lock the account. Errors contain no text
// of the server.
//
// It sends POST /user-session (documented).
func Login(ctx context.Context, creds Credentials, opts ...Option) (*Session, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	c.authToken, c.tokenSource = nil, nil
	if creds.Email == "" || creds.Password == "" {
		return nil, opLogin.invalid(errors.New("the address or the password is empty"))
	}
	if c.httpClient == nil {
		c.httpClient = newHTTPClient()
		defer c.httpClient.CloseIdleConnections() // used by this call only
	}
	wire, err := newTransport(&c)
	if err != nil {
		return nil, err
	}
	type user struct {
		Email    string `json:"email"`
		Password string `json:"password"`
		TFAToken string `json:"tfa_token,omitempty"`
	}
	body := struct {
		User user `json:"user"`
	}{user{creds.Email, creds.Password, creds.MFACode}}
	in := input{body: body, secrets: []string{creds.Password, creds.MFACode}}
	var response loginResponse
	if err := send(ctx, wire, opLogin, in, &response); err != nil {
		return nil, withoutServerText(err)
	}
	return &Session{User: &response.user, authToken: func() string { return response.token }}, nil
}

var mfaType = regexp.MustCompile(`^[a-z_]{1,40}$`)

// withoutServerText replaces the server's texts in the error of a login, which
// may repeat a part of the credentials.
func withoutServerText(err error) error {
	var e *Error
	if !errors.As(err, &e) || e.StatusCode == 0 {
		return err
	}
	switch {
	case e.Code == codeMFARequired:
		e.Message = "the account has MFA, and a code is needed"
	case e.Code == codeMFAWrong:
		e.Message = "the MFA code is wrong"
	case e.locked:
		e.Message = "the account is locked"
	case e.Code == codeLoginFailed || e.StatusCode == 422:
		e.Message = "the email address or the password is wrong"
	case !e.ownText:
		e.Message = "the server did not accept the login"
	}
	if !mfaType.MatchString(e.MFAType) {
		e.MFAType = ""
	}
	e.Fields = nil
	return err
}

type loginResponse struct {
	user  CurrentUser
	token string
}

func (r *loginResponse) UnmarshalJSON(data []byte) error {
	var token userResponse[struct {
		AuthToken string `json:"authtoken"`
	}]
	var user userResponse[CurrentUser]
	if err := errors.Join(json.Unmarshal(data, &token), json.Unmarshal(data, &user)); err != nil {
		return err
	}
	if user.User != nil {
		r.user, r.token = *user.User, token.User.AuthToken
	}
	return nil
}

func (r *loginResponse) complete() bool { return r.token != "" }

// Logout ends the session of the client's authtoken, after which the client cannot
// be used. With a [TokenSource] it sends the same request, but the effect is
// unknown. It returns [ErrUnauthorized] if the session has ended already, and
// [ErrOutcomeUnknown] if the response was lost.
//
// It sends DELETE /user-session (documented).
func (c *Client) Logout(ctx context.Context) error {
	return c.do(ctx, opLogout, input{}, nil)
}
