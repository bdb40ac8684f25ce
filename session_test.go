package orgusers_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// family are those who log in.
var family = []orguserstest.Person{
	{Email: "owner@example.com", FirstName: "Olga", LastName: "Owner", Owner: true},
	{Email: "ada@example.com", FirstName: "Ada", LastName: "Lovelace", Roles: []string{"Admin"}, SeveralOrganizations: true},
	{Email: "mfa@example.com", FirstName: "Mia", LastName: "Factor", MFA: true},
	{Email: "locked@example.com", FirstName: "Lou", LastName: "Locked", FailedLogins: 10},
	{Email: "late@example.com", FirstName: "Lia", LastName: "Late", FailedLogins: 4},
}

func TestLogin(t *testing.T) {
	t.Parallel()
	const password = orguserstest.Password
	tests := []struct {
		name         string
		credentials  orgusers.Credentials
		want         []error
		code         int
		secondFactor string
	}{
		{"right", orgusers.Credentials{Email: "ada@example.com", Password: password}, nil, 0, ""},
		{"right, in capitals", orgusers.Credentials{Email: "ADA@example.com", Password: password}, nil, 0, ""},
		{"a wrong password", orgusers.Credentials{Email: "ada@example.com", Password: "hunter2"}, []error{orgusers.ErrInvalid}, 104, ""},
		{"nobody", orgusers.Credentials{Email: "nobody@example.com", Password: password}, []error{orgusers.ErrInvalid}, 104, ""},
		{"locked", orgusers.Credentials{Email: "locked@example.com", Password: password}, []error{orgusers.ErrInvalid, orgusers.ErrLocked}, 104, ""},
		{"a second factor is needed", orgusers.Credentials{Email: "mfa@example.com", Password: password}, []error{orgusers.ErrMFARequired}, 294, "totp_authenticator"},
		{"a wrong second factor", orgusers.Credentials{Email: "mfa@example.com", Password: password, MFACode: "654321"}, []error{orgusers.ErrMFARequired}, 295, ""},
		{"the right second factor", orgusers.Credentials{Email: "mfa@example.com", Password: password, MFACode: orguserstest.MFACode}, nil, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, orguserstest.WithPeople(family...))
			session, err := orgusers.Login(t.Context(), tt.credentials, orgusers.WithBaseURL(server.URL))
			if got := len(server.Requests()); got != 1 {
				t.Errorf("%d requests, want one: each wrong one counts towards locking the account", got)
			}
			if tt.want != nil {
				checkRefusedLogin(t, session, err, tt.want, tt.code, tt.secondFactor)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !strings.EqualFold(session.User.Email, tt.credentials.Email) || session.User.LastLoginAt.IsZero() {
				t.Errorf("the session is of %+v", session.User)
			}
			client, err := orgusers.New(server.OrganizationUID, orgusers.WithAuthToken(session.AuthToken), orgusers.WithBaseURL(server.URL))
			if err != nil {
				t.Fatal(err)
			}
			user, err := client.GetCurrentUser(t.Context())
			if err != nil || user.Email != session.User.Email {
				t.Errorf("the token is that of %+v, %v", user, err)
			}
			shown, err := json.Marshal(session)
			if dump := fmt.Sprintf("%v %+v %#v %s", session, *session, *session, shown); err != nil || strings.Contains(dump, session.AuthToken) {
				t.Errorf("the session shows its token, or has no JSON: %s, %v", dump, err)
			}
		})
	}
}

func checkRefusedLogin(t *testing.T, session *orgusers.Session, err error, want []error, code int, secondFactor string) {
	t.Helper()
	var failure *orgusers.Error
	if session != nil || !errors.As(err, &failure) {
		t.Fatalf("got a session or the error %v, want one of the server", err)
	}
	for _, is := range want {
		if !errors.Is(err, is) {
			t.Errorf("got the error %v, want %v", err, is)
		}
	}
	if locked := slices.Contains(want, orgusers.ErrLocked); errors.Is(err, orgusers.ErrLocked) != locked {
		t.Errorf("got the error %v; that the account is locked should be %v", err, locked)
	}
	if second := slices.Contains(want, orgusers.ErrMFARequired); errors.Is(err, orgusers.ErrMFARequired) != second {
		t.Errorf("got the error %v; that it is about the second factor should be %v", err, second)
	}
	if failure.Code != code || failure.MFAType != secondFactor {
		t.Errorf("the code is %d and the second factor %q, want %d and %q", failure.Code, failure.MFAType, code, secondFactor)
	}
	for _, secret := range []string{orguserstest.Password, "hunter2", "654321", "example.com"} {
		if dump := fmt.Sprintf("%v %+v %#v", err, failure, *failure); strings.Contains(dump, secret) {
			t.Errorf("the error shows %q: %s", secret, dump)
		}
	}
}

// The fifth wrong password locks the account: no login is repeated by itself.
func TestLoginIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, effect := range map[string]orguserstest.Effect{
		"a failure":          orguserstest.Status(500),
		"a broken answer":    orguserstest.ResetBody(),
		"a broken request":   orguserstest.Reset(),
		"an answer in HTML":  orguserstest.HTML(200),
		"a truncated answer": orguserstest.TruncatedJSON(),
		"an empty object":    orguserstest.Status(200).WithBody(`{}`),
		"no token":           orguserstest.Status(200).WithBody(`{"user":{"uid":"u"}}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, orguserstest.WithPeople(family...), orguserstest.WithFault(orguserstest.Fault{Effect: effect}))
			session, err := orgusers.Login(t.Context(), orgusers.Credentials{Email: "late@example.com", Password: "hunter2"}, orgusers.WithBaseURL(server.URL), soon)
			if got := len(server.Requests()); session != nil || err == nil || got != 1 {
				t.Errorf("%d requests and the error %v, want one and an error", got, err)
			}
		})
	}
}

// A server that repeats what it was sent must not bring it into the error.
func TestLoginKeepsItsSecrets(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"error_message":"no hunter2 654321 of ada@example.com","error_code":104,"errors":{"hunter2":["is 654321"]}}`,
		`{"error_message":"Please log in","error_code":294,"tfa_type":"hunter2 654321"}`,
		`hunter2 654321 ada@example.com`,
	} {
		_, err := orgusers.Login(t.Context(), orgusers.Credentials{Email: "ada@example.com", Password: "hunter2", MFACode: "654321"},
			orgusers.WithHTTPClient(&http.Client{Transport: roundTripper(body(422, text, "X-Request-Id", "hunter2"))}))
		var failure *orgusers.Error
		if !errors.As(err, &failure) || failure.StatusCode != 422 {
			t.Fatalf("got the error %v, want a 422", err)
		}
		for _, secret := range []string{"hunter2", "654321", "ada@example.com"} {
			if dump := fmt.Sprintf("%v %+v %#v", err, failure, *failure); strings.Contains(dump, secret) {
				t.Errorf("the error shows %q: %s", secret, dump)
			}
		}
	}
}

// A secret that is a part of another does not leave the rest of it behind, and
// one that is a part of what stands in for them is not looked for in that.
func TestLoginKeepsSecretsThatOverlap(t *testing.T) {
	t.Parallel()
	for _, secrets := range [][2]string{{"4711", "471108"}, {"471108", "4711"}, {"471108", "e"}} {
		_, err := orgusers.Login(t.Context(), orgusers.Credentials{Email: "ada@example.com", Password: secrets[0], MFACode: secrets[1]},
			orgusers.WithHTTPClient(&http.Client{Transport: roundTripper(body(422, fmt.Sprintf(`{"error_message":"not %s, not %s","error_code":295}`, secrets[0], secrets[1])))}))
		if err == nil || !strings.Contains(err.Error(), "not [secret], not [secret]") {
			t.Errorf("with the secrets %q: %v", secrets, err)
		}
	}
}

// Of two secrets that overlap, the longer one goes as a whole.
func TestLoginKeepsTheLongerSecret(t *testing.T) {
	t.Parallel()
	_, err := orgusers.Login(t.Context(), orgusers.Credentials{Email: "ada@example.com", Password: "hunter2", MFACode: "xhu"},
		orgusers.WithHTTPClient(&http.Client{Transport: roundTripper(body(422, `{"error_message":"not xhunter2"}`))}))
	if err == nil || !strings.Contains(err.Error(), "not x[secret]") {
		t.Errorf("got %v", err)
	}
}

func TestLoginRefuses(t *testing.T) {
	t.Parallel()
	server := startFake(t)
	base := orgusers.WithBaseURL(server.URL)
	good := orgusers.Credentials{Email: server.Email, Password: orguserstest.Password}
	tests := []struct {
		name        string
		credentials orgusers.Credentials
		opts        []orgusers.Option
	}{
		{"no address", orgusers.Credentials{Password: "hunter2"}, []orgusers.Option{base}},
		{"no password", orgusers.Credentials{Email: "a@example.com"}, []orgusers.Option{base}},
		{"other credentials", good, []orgusers.Option{base, orgusers.WithAuthToken(token)}},
		{"a token source", good, []orgusers.Option{base, orgusers.WithTokenSource(tokens("a"))}},
		{"two places", good, []orgusers.Option{base, orgusers.WithRegion(orgusers.RegionEU)}},
		{"a bad option", good, []orgusers.Option{base, orgusers.WithLogger(nil)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			session, err := orgusers.Login(t.Context(), tt.credentials, tt.opts...)
			if session != nil || !errors.Is(err, orgusers.ErrInvalid) || len(server.Requests()) != 0 {
				t.Errorf("got the error %v after %d requests, want ErrInvalid and none", err, len(server.Requests()))
			}
		})
	}
}

func TestLogoutEndsTheToken(t *testing.T) {
	t.Parallel()
	server := startFake(t)
	client := fakeClient(t, server)
	if err := client.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetCurrentUser(t.Context()); !errors.Is(err, orgusers.ErrUnauthorized) {
		t.Errorf("got the error %v after the session ended, want ErrUnauthorized", err)
	}
	if _, err := collect(t, client.Users(t.Context(), nil)); !errors.Is(err, orgusers.ErrUnauthorized) {
		t.Errorf("got the error %v after the session ended, want ErrUnauthorized", err)
	}
}

func TestCurrentUser(t *testing.T) {
	t.Parallel()
	login := time.Date(2025, 5, 6, 7, 8, 9, 0, time.UTC)
	people := append([]orguserstest.Person(nil), family...)
	people[1].LastLogin, people[1].MFA, people[1].FailedLogins = login, true, 2
	server := startFake(t, orguserstest.WithPeople(people...))
	got, err := fakeClient(t, server).GetCurrentUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ada, _ := server.User("ada@example.com")
	want := &orgusers.CurrentUser{
		UID: ada.UID, Email: ada.Email, Username: "ada_example.com", FirstName: "Ada", LastName: "Lovelace", Company: "Example",
		MFA: orgusers.MFAVerified, Active: true, LastLoginAt: login, FailedAttempts: 2,
	}
	memberships := got.Organizations
	got.Organizations = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	admin := map[string]bool{}
	for _, m := range memberships {
		admin[m.UID] = len(m.Roles) == 1 && m.Roles[0].Admin && !m.Owner && m.Name != ""
	}
	if diff := cmp.Diff(map[string]bool{server.OrganizationUID: true, server.SecondOrganizationUID: true}, admin); diff != "" {
		t.Errorf("administrator of: -want +got:\n%s", diff)
	}
}

func TestCurrentUserThatIsTheOwner(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithPeople(family[0]))
	user, err := fakeClient(t, server).GetCurrentUser(t.Context())
	if err != nil || len(user.Organizations) != 2 || !user.Organizations[0].Owner {
		t.Errorf("got %+v and the error %v, want the owner of the first organization", user, err)
	}
	for _, text := range []string{`{}`, `{"user":null}`, `null`, `<html>`, `{"user":{"last_login_at":"yesterday"}}`} {
		if user, err := newClient(t, roundTripper(body(200, text))).GetCurrentUser(t.Context()); user != nil || !errors.Is(err, orgusers.ErrServer) {
			t.Errorf("%s: got %v and the error %v, want ErrServer", text, user, err)
		}
	}
}
