package orgusers_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// loginPeople are the accounts of the tests of Login.
func loginPeople() []orguserstest.Person {
	return []orguserstest.Person{
		{Email: "owner@example.com", FirstName: "Olga", LastName: "Owner", Owner: true},
		{Email: "ada@example.com", FirstName: "Ada", LastName: "Lovelace", Roles: []string{"Admin"}, SeveralOrganizations: true},
		{Email: "mfa@example.com", FirstName: "Mia", LastName: "Factor", MFA: true},
		{Email: "locked@example.com", FirstName: "Lou", LastName: "Locked", FailedLogins: 10},
		{Email: "late@example.com", FirstName: "Lia", LastName: "Late", FailedLogins: 4},
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	const password = orguserstest.Password
	tests := []struct {
		name        string
		credentials orgusers.Credentials
		want        []error
		code        int
		mfaType     string
	}{
		{"right", orgusers.Credentials{Email: "ada@example.com", Password: password}, nil, 0, ""},
		{"right, in capitals", orgusers.Credentials{Email: "ADA@example.com", Password: password}, nil, 0, ""},
		{"right MFA code", orgusers.Credentials{Email: "mfa@example.com", Password: password, MFACode: orguserstest.MFACode}, nil, 0, ""},
		{"wrong password", orgusers.Credentials{Email: "ada@example.com", Password: "hunter2"}, []error{orgusers.ErrInvalid}, 104, ""},
		{"unknown address", orgusers.Credentials{Email: "none@example.com", Password: password}, []error{orgusers.ErrInvalid}, 104, ""},
		{"locked account", orgusers.Credentials{Email: "locked@example.com", Password: password}, []error{orgusers.ErrInvalid, orgusers.ErrLocked}, 104, ""},
		{"missing MFA code", orgusers.Credentials{Email: "mfa@example.com", Password: password}, []error{orgusers.ErrMFARequired}, 294, "totp_authenticator"},
		{"wrong MFA code", orgusers.Credentials{Email: "mfa@example.com", Password: password, MFACode: "654321"}, []error{orgusers.ErrInvalid, orgusers.ErrMFARequired}, 295, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, orguserstest.WithPeople(loginPeople()...))
			session, err := orgusers.Login(t.Context(), tt.credentials, orgusers.WithBaseURL(server.URL))
			if n := len(server.Requests()); n != 1 {
				t.Errorf("%d requests, want 1: each failed login counts towards locking the account", n)
			}
			if tt.want != nil {
				checkLoginError(t, session, err, tt.want, tt.code, tt.mfaType)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !strings.EqualFold(session.User.Email, tt.credentials.Email) || session.User.LastLoginAt.IsZero() {
				t.Errorf("the session is of %+v", session.User)
			}
			client := fakeClient(t, server, orgusers.WithAuthToken(session.AuthToken()))
			user, err := client.GetCurrentUser(t.Context())
			if err != nil || user.Email != session.User.Email {
				t.Errorf("the token is that of %+v, %v", user, err)
			}
		})
	}
	if got := (*orgusers.Session)(nil).AuthToken() + new(orgusers.Session).AuthToken(); got != "" {
		t.Errorf("a zero session has the token %q", got)
	}
}

func checkLoginError(t *testing.T, session *orgusers.Session, err error, want []error, code int, mfaType string) {
	t.Helper()
	var failure *orgusers.Error
	if session != nil || !errors.As(err, &failure) {
		t.Fatalf("got a session or the error %v, want an *Error", err)
	}
	for _, kind := range []error{orgusers.ErrInvalid, orgusers.ErrLocked, orgusers.ErrMFARequired, orgusers.ErrUnauthorized} {
		if errors.Is(err, kind) != slices.Contains(want, kind) {
			t.Errorf("errors.Is(%v, %q) is %v", err, kind, errors.Is(err, kind))
		}
	}
	if failure.Code != code || failure.MFAType != mfaType {
		t.Errorf("the code is %d and the MFA type %q, want %d and %q", failure.Code, failure.MFAType, code, mfaType)
	}
}

// The fifth wrong password locks the account, so a login is never repeated.
func TestLoginIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, effect := range map[string]orguserstest.Effect{
		"500":                 orguserstest.Status(500),
		"a broken body":       orguserstest.ResetBody(),
		"a broken connection": orguserstest.Reset(),
		"HTML":                orguserstest.HTML(200),
		"truncated JSON":      orguserstest.TruncatedJSON(),
		"an empty object":     orguserstest.Status(200).WithBody(`{}`),
		"a missing token":     orguserstest.Status(200).WithBody(`{"user":{"uid":"u"}}`),
		"a null user":         orguserstest.Status(200).WithBody(`{"user":null}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, orguserstest.WithPeople(loginPeople()...), orguserstest.WithFault(orguserstest.Fault{Effect: effect}))
			session, err := orgusers.Login(t.Context(), orgusers.Credentials{Email: "late@example.com", Password: "hunter2"}, orgusers.WithBaseURL(server.URL), withoutDelays)
			if n := len(server.Requests()); session != nil || err == nil || n != 1 {
				t.Errorf("%d requests and %v, want 1 and an error", n, err)
			}
		})
	}
}

func TestLoginRejects(t *testing.T) {
	t.Parallel()
	server := startFake(t)
	base := orgusers.WithBaseURL(server.URL)
	good := orgusers.Credentials{Email: server.Email, Password: orguserstest.Password}
	tests := []struct {
		name        string
		credentials orgusers.Credentials
		opts        []orgusers.Option
	}{
		{"an empty address", orgusers.Credentials{Password: "hunter2"}, []orgusers.Option{base}},
		{"an empty password", orgusers.Credentials{Email: "a@example.com"}, []orgusers.Option{base}},
		{"a region and a base URL", good, []orgusers.Option{base, orgusers.WithRegion(orgusers.RegionEU)}},
		{"an invalid option", good, []orgusers.Option{base, orgusers.WithLogger(nil)}},
	}
	for _, tt := range tests {
		session, err := orgusers.Login(t.Context(), tt.credentials, tt.opts...)
		if session != nil || !errors.Is(err, orgusers.ErrInvalid) || len(server.Requests()) != 0 {
			t.Errorf("%s: got %v after %d requests, want ErrInvalid and none", tt.name, err, len(server.Requests()))
		}
	}
}

// Options that a program has for its client can be given to Login as they are.
func TestLoginIgnoresOtherCredentials(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]orgusers.Option{
		"an authtoken":   orgusers.WithAuthToken(token),
		"a token source": orgusers.WithTokenSource(failingTokens{}),
	} {
		server := startFake(t)
		session, err := orgusers.Login(t.Context(), orgusers.Credentials{Email: server.Email, Password: orguserstest.Password}, orgusers.WithBaseURL(server.URL), other, nil)
		if err != nil || session.AuthToken() == "" {
			t.Fatalf("%s: %v", name, err)
		}
		for _, header := range []string{"Authtoken", "Authorization"} {
			if sent := server.Requests()[0].Header.Get(header); sent != "" {
				t.Errorf("%s: the login was sent with the header %s", name, header)
			}
		}
	}
}

func TestLogoutEndsTheSession(t *testing.T) {
	t.Parallel()
	server := startFake(t)
	client := fakeClient(t, server)
	if err := client.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetCurrentUser(t.Context()); !errors.Is(err, orgusers.ErrUnauthorized) {
		t.Errorf("got %v after the session ended, want ErrUnauthorized", err)
	}
	if err := client.Logout(t.Context()); !errors.Is(err, orgusers.ErrUnauthorized) {
		t.Errorf("a second logout: got %v, want ErrUnauthorized", err)
	}
}

func TestGetCurrentUser(t *testing.T) {
	t.Parallel()
	people := loginPeople()
	people[1].LastLogin, people[1].MFA, people[1].FailedLogins = time.Date(2025, 5, 6, 7, 8, 9, 0, time.UTC), true, 2
	server := startFake(t, orguserstest.WithPeople(people...))
	got, err := fakeClient(t, server).GetCurrentUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ada, _ := server.User("ada@example.com")
	if got.UID != ada.UID || got.Email != ada.Email || got.FirstName != "Ada" || got.LastName != "Lovelace" || got.MFA != orgusers.MFAVerified ||
		!got.Active || !got.LastLoginAt.Equal(people[1].LastLogin) || got.FailedAttempts != 2 {
		t.Errorf("got %+v", got)
	}
	admin := map[string]bool{}
	for _, m := range got.Organizations {
		admin[m.UID] = len(m.Roles) == 1 && m.Roles[0].Admin && !m.Owner && m.Name != ""
	}
	if diff := cmp.Diff(map[string]bool{server.OrganizationUID: true, server.SecondOrganizationUID: true}, admin); diff != "" {
		t.Errorf("administrator of: -want +got:\n%s", diff)
	}
	owner := fakeClient(t, server, orgusers.WithAuthToken(server.SignIn("owner@example.com")))
	user, err := owner.GetCurrentUser(t.Context())
	if err != nil || len(user.Organizations) == 0 || !user.Organizations[0].Owner {
		t.Errorf("got %+v and %v, want the owner of the first organization", user, err)
	}
}

func TestCurrentUserDecodesEveryField(t *testing.T) {
	t.Parallel()
	const text = `{"uid":"u","email":"a@example.com","username":"a","first_name":"A","last_name":"L","company":"C","tfa_status":"verified",
		"active":true,"last_login_at":"2023-10-13T12:17:02.473Z","failed_attempts":3,"password_updated_at":"2023-10-13T12:17:02.473Z",
		"password_reset_required":true,"created_at":"2023-10-13T12:17:02.473Z","updated_at":"2023-10-13T12:17:02.473Z",
		"org_uid":["o"],"shared_org_uid":[{"uid":"p"}],"authtoken":"` + token + `",
		"organizations":[{"uid":"o","name":"O","owner":true},{"uid":"p","is_owner":true,"org_roles":[{"uid":"r","name":"n","admin":true}]}]}`
	at := time.Date(2023, 10, 13, 12, 17, 2, 473_000_000, time.UTC)
	want := orgusers.CurrentUser{
		UID: "u", Email: "a@example.com", Username: "a", FirstName: "A", LastName: "L", Company: "C", MFA: orgusers.MFAVerified,
		Active: true, LastLoginAt: at, FailedAttempts: 3, PasswordUpdatedAt: at, PasswordResetRequired: true, CreatedAt: at, UpdatedAt: at,
		OrganizationUIDs: []string{"o"}, SharedOrganizationUIDs: []string{"p"},
		Organizations: []orgusers.Membership{{UID: "o", Name: "O", Owner: true}, {UID: "p", Owner: true, Roles: []*orgusers.Role{{UID: "r", Name: "n", Admin: true}}}},
	}
	var got, again orgusers.CurrentUser
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	encoded, err := json.Marshal(got)
	if err != nil || strings.Contains(string(encoded), token) {
		t.Errorf("encoded as %s, %v", encoded, err)
	}
	if err := json.Unmarshal(encoded, &again); err != nil || cmp.Diff(want, again) != "" {
		t.Errorf("its own JSON decodes as %+v, %v", again, err)
	}
}

// oauthClient returns a client with a token source over a transport.
func oauthClient(t *testing.T, source orgusers.TokenSource, transport roundTripper, opts ...orgusers.Option) *orgusers.Client {
	t.Helper()
	client, err := orgusers.New("blt1", append([]orgusers.Option{
		orgusers.WithTokenSource(source), orgusers.WithHTTPClient(&http.Client{Transport: transport}),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// numberedTokens returns another token at each call. Its context must not be that of an
// attempt: a request for a token is not traced or counted as one.
type numberedTokens struct {
	t     *testing.T
	calls atomic.Int64
}

func (n *numberedTokens) Token(ctx context.Context) (string, error) {
	if _, ok := orgusers.AttemptFromContext(ctx); ok || httptrace.ContextClientTrace(ctx) != nil {
		n.t.Error("the token source was called in the context of an attempt")
	}
	return fmt.Sprintf("oauth-%d", n.calls.Add(1)), nil
}

// invalidatedToken returns the same token until it is invalidated.
type invalidatedToken struct {
	numberedTokens
	mu    sync.Mutex
	token string
}

func (k *invalidatedToken) Token(ctx context.Context) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.token == "" {
		k.token, _ = k.numberedTokens.Token(ctx)
	}
	return k.token, nil
}

func (k *invalidatedToken) Invalidate(token string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.token == token {
		k.token = ""
	}
}

// Invalidate is called with the rejected token by each request that used it, and the
// token is renewed once.
func TestTokenInvalidator(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		valid    string // the token that the server accepts
		requests int
		tokens   int64
		failed   error
	}{
		{"kept while it is valid", "oauth-1", 3, 1, nil},
		{"renewed after a 401", "oauth-2", 3, 2, nil},
		{"invalidated once by a request", "oauth-3", 1, 2, orgusers.ErrUnauthorized},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				source := &invalidatedToken{numberedTokens: numberedTokens{t: t}}
				client := oauthClient(t, source, func(r *http.Request) (*http.Response, error) {
					time.Sleep(time.Minute) // fake time: all are sent before the first response
					if r.Header.Get("Authorization") != "Bearer "+tt.valid {
						return status(401)(r)
					}
					return body(200, `{"organization":{}}`)(r)
				})
				var wait sync.WaitGroup
				for range tt.requests {
					wait.Go(func() {
						if _, err := client.GetOrganization(t.Context(), nil); !errors.Is(err, tt.failed) {
							t.Errorf("got %v, want %v", err, tt.failed)
						}
					})
				}
				wait.Wait()
				if n := source.calls.Load(); n != tt.tokens {
					t.Errorf("%d tokens, want %d", n, tt.tokens)
				}
			})
		})
	}
}

// failingTokens returns an error, or a malformed token.
type failingTokens struct {
	token string
	err   error
}

func (f failingTokens) Token(context.Context) (string, error) { return f.token, f.err }

func TestTokenSourceFails(t *testing.T) {
	t.Parallel()
	unreachable := errors.New("the endpoint responded: client_secret=hunter2")
	expired := fmt.Errorf("%w: refresh_token=hunter2", orgusers.ErrUnauthorized)
	tests := []struct {
		name   string
		source failingTokens
		is     error
		says   string
	}{
		{"an error", failingTokens{err: unreachable}, unreachable, "no token"},
		{"an expired session", failingTokens{err: expired}, orgusers.ErrUnauthorized, "log in again"},
		{"an empty token", failingTokens{}, nil, "the token of the token source is empty"},
		{"a token with a line break", failingTokens{token: "hunter2\nX-Evil: yes"}, nil, "the token of the token source has a space, a line break"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := oauthClient(t, tt.source, func(r *http.Request) (*http.Response, error) {
				t.Error("a request was sent")
				return status(500)(r)
			})
			for kind, err := range map[string]error{
				"read":  client.Do(t.Context(), orgusers.Request{Path: "/things", ReadOnly: true}, nil),
				"write": client.Do(t.Context(), orgusers.Request{Path: "/things"}, nil),
			} {
				if err == nil || tt.is != nil && !errors.Is(err, tt.is) || errors.Is(err, orgusers.ErrOutcomeUnknown) ||
					!strings.Contains(err.Error(), tt.says) || strings.Contains(fmt.Sprintf("%v %#v", err, err), "hunter2") {
					t.Errorf("%s: got %v, want the text %q", kind, err, tt.says)
				}
			}
		})
	}
}
