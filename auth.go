package orgusers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// CurrentUser is the account that the client's credentials belong to.
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
	// FailedAttempts are failed logins since the last good one.
	FailedAttempts        int       `json:"failed_attempts,omitempty"`
	PasswordUpdatedAt     time.Time `json:"password_updated_at,omitzero"`
	PasswordResetRequired bool      `json:"password_reset_required,omitempty"`
	// Organizations are those that the account belongs to.
	Organizations []Membership `json:"organizations,omitempty"`
}

// Membership is an organization as one of its users sees it.
type Membership struct {
	UID   string  `json:"uid,omitempty"`
	Name  string  `json:"name,omitempty"`
	Owner bool    `json:"is_owner,omitempty"`
	Roles []*Role `json:"org_roles,omitempty"`
}

// UnmarshalJSON reads an account as the API sends it. Its authtoken, if one
// comes along, is not read.
func (u *CurrentUser) UnmarshalJSON(data []byte) error {
	type plain CurrentUser // without this method
	wire := struct {
		*plain
		LastLoginAt       timestamp `json:"last_login_at"`
		PasswordUpdatedAt timestamp `json:"password_updated_at"`
	}{plain: (*plain)(u)}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	u.LastLoginAt, u.PasswordUpdatedAt = wire.LastLoginAt.Time, wire.PasswordUpdatedAt.Time
	return nil
}

// GetCurrentUser reads the account that the credentials belong to, with its
// organizations and its roles in them. A token that is wrong or has ended is
// [ErrUnauthorized].
//
// It sends GET /user (documented).
func (c *Client) GetCurrentUser(ctx context.Context) (*CurrentUser, error) {
	q := struct {
		IncludeOrganizations     bool `url:"include_orgs"`
		IncludeOrganizationRoles bool `url:"include_orgs_roles"`
	}{true, true}
	var answer userAnswer[CurrentUser]
	if _, err := c.do(ctx, opCurrentUser, input{query: q}, &answer); err != nil {
		return nil, err
	}
	return answer.User, nil
}

type userAnswer[T any] struct {
	User *T `json:"user"`
}

func (a *userAnswer[T]) complete() bool { return a.User != nil }

// Credentials are what a person logs in with. Printed or logged, they show
// nothing.
type Credentials struct {
	Email, Password string
	// MFACode is the code of the second factor, where the account has
	// one; [Login] says so with [ErrMFARequired].
	MFACode string
}

// Session is a login.
type Session struct {
	// AuthToken is for [WithAuthToken]. Printed, logged or marshalled, a
	// Session leaves it out. An account has at most twenty live tokens: one
	// more login ends the oldest.
	AuthToken string `json:"-"`
	// User is whose session it is.
	User *CurrentUser
}

// Format prints nothing of the credentials, whatever the verb.
func (Credentials) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte("orgusers.Credentials([redacted])"))
}

// MarshalJSON writes nothing of the credentials.
func (Credentials) MarshalJSON() ([]byte, error) { return []byte(`"[redacted]"`), nil }

// Format prints nothing of the session, whatever the verb.
func (Session) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("orgusers.Session([redacted])")) }

// Login begins a session with an address and a password. Of the options it
// uses all but credentials, which it refuses; it does not look at the
// environment, so the region is [RegionNA] unless [WithRegion] says otherwise. Wrong credentials are
// [ErrInvalid], a locked account is [ErrLocked] too, and a second factor that
// is needed or wrong is [ErrMFARequired], with Error.MFACode telling
// which. Each failed login counts towards locking the account, so it is never
// repeated by itself.
//
// It sends POST /user-session (documented).
func Login(ctx context.Context, creds Credentials, opts ...Option) (*Session, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	switch {
	case c.authToken != nil || c.tokenSource != nil:
		return nil, opLogin.invalid(errors.New("a login takes no other credentials"))
	case creds.Email == "" || creds.Password == "":
		return nil, opLogin.invalid(errors.New("the address or the password is empty"))
	}
	if c.httpClient == nil {
		c.httpClient = newHTTPClient()
		defer c.httpClient.CloseIdleConnections() // nobody else uses them
	}
	wire, err := newTransport(c)
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
	var answer loginAnswer
	if _, err := send(ctx, wire, opLogin, in, &answer); err != nil {
		return nil, err
	}
	return &Session{AuthToken: answer.token, User: &answer.user}, nil
}

type loginAnswer struct {
	user  CurrentUser
	token string
}

func (a *loginAnswer) UnmarshalJSON(data []byte) error {
	var token userAnswer[struct {
		AuthToken string `json:"authtoken"`
	}]
	var user userAnswer[CurrentUser]
	if err := errors.Join(json.Unmarshal(data, &token), json.Unmarshal(data, &user)); err != nil {
		return err
	}
	if user.User != nil {
		a.user, a.token = *user.User, token.User.AuthToken
	}
	return nil
}

func (a *loginAnswer) complete() bool { return a.token != "" }

// Logout ends the session of the client's authtoken. The client is of no use
// afterwards. With a [TokenSource] it sends the same with the source's token;
// what the service makes of that is unknown. A session that is over already is [ErrUnauthorized]; where the
// answer was lost, the error is [ErrOutcomeUnknown].
//
// It sends DELETE /user-session (documented).
func (c *Client) Logout(ctx context.Context) error {
	_, err := c.do(ctx, opLogout, input{}, nil)
	return err
}
