package orguserstest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers/orguserstest"
)

const (
	unlock     = "/v3/organizations/{org}/fake/unlock"
	resetMFA   = "/v3/organizations/{org}/fake/reset_mfa"
	forceReset = "/v3/organizations/{org}/fake/force_password_reset"
	endSession = "/v3/organizations/{org}/fake/end_sessions"
	setRoles   = "/v3/organizations/{org}/fake/roles"
)

// outcomes sends a request that the fake invented, and returns the outcome of
// each address.
func (c *client) outcomes(path, body string) []string {
	c.t.Helper()
	a := c.ask("POST", path, c.fill(body))
	if a.status != 200 || a.json["notice"] == nil {
		c.t.Fatalf("POST %s: %d %s", path, a.status, a.text)
	}
	var list []string
	for _, u := range a.list("users") {
		line := fmt.Sprint(u["email"], " ", u["status"])
		if u["reason"] != nil {
			line += fmt.Sprint(": ", u["reason"])
		}
		list = append(list, line)
	}
	return list
}

func TestUnlock(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team()...)
	c.server.SetFailedLogins("boss@example.com", 10)
	c.server.SetFailedLogins("grace@example.com", 10)
	got := c.outcomes(unlock, `{"emails":["LOCKED@example.com","boss@example.com","several@example.com","ada@example.com","guest@example.com","nobody@example.com","grace@example.com"]}`)
	want := []string{
		"LOCKED@example.com done", "boss@example.com skipped: the owner", "several@example.com skipped: in several organizations",
		"ada@example.com skipped: not locked", "guest@example.com skipped: the invitation is pending",
		"nobody@example.com skipped: no user of the organization", "grace@example.com done",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, email := range []string{"locked@example.com", "grace@example.com"} {
		if u := c.user(email); u.Locked || u.FailedLogins != 0 || c.logIn(email, orguserstest.Password, "").status != 200 {
			t.Errorf("still locked: %+v", u)
		}
	}
	if !c.user("several@example.com").Locked || !c.user("boss@example.com").Locked || len(c.server.Outbox()) != 0 {
		t.Error("a skipped user was unlocked, or an email was sent")
	}
	if entries := c.get(logs).list("logs"); len(entries) != 2 || entries[0]["event_type"] != "unlock" {
		t.Errorf("the audit log has %v", entries)
	}
}

func TestResetMFA(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team()...)
	got := c.outcomes(resetMFA, `{"emails":["secured@example.com","several@example.com","ada@example.com","secured@example.com"]}`)
	want := []string{"secured@example.com done", "several@example.com done", "ada@example.com skipped: no MFA", "secured@example.com skipped: no MFA"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := c.emails(); !slices.Equal(got, []string{"MFA reset to secured@example.com", "MFA reset to several@example.com"}) {
		t.Errorf("the outbox is %q", got)
	}
	if c.user("secured@example.com").MFA || c.logIn("secured@example.com", orguserstest.Password, "").status != 200 {
		t.Error("MFA is still set up")
	}
}

func TestForcePasswordReset(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team()...)
	got := c.outcomes(forceReset, `{"emails":["ada@example.com","invited@example.com"]}`)
	want := []string{"ada@example.com done", "invited@example.com skipped: the invitation is pending"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := c.emails(); !slices.Equal(got, []string{"forced password reset to ada@example.com"}) {
		t.Errorf("the outbox is %q", got)
	}
	for email, want := range map[string]bool{"ada@example.com": true, "grace@example.com": false} {
		user, _ := c.logIn(email, orguserstest.Password, "").json["user"].(map[string]any)
		if user["password_reset_required"] != want || c.user(email).PasswordResetRequired != want {
			t.Errorf("%s logs in as %v", email, user)
		}
	}
}

func TestEndSessions(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team()...)
	ada := c.as("Authtoken", c.server.SignIn("ada@example.com"))
	c.server.SignIn("ada@example.com")
	c.server.SignIn("several@example.com")
	body := `{"emails":["ada@example.com","admin@example.com","several@example.com","grace@example.com","boss@example.com"]}`
	owner := c.as("Authtoken", c.server.SignIn("boss@example.com"))
	want := []string{
		"ada@example.com done", "admin@example.com skipped: yourself", "several@example.com skipped: in several organizations",
		"grace@example.com skipped: no session", "boss@example.com done",
	}
	if diff := cmp.Diff(want, c.outcomes(endSession, body)); diff != "" {
		t.Error(diff)
	}
	if a, b := ada.ask("GET", "/v3/user", "").status, owner.ask("GET", "/v3/user", "").status; a != 401 || b != 401 || len(c.user("ada@example.com").Sessions) != 0 {
		t.Errorf("the ended sessions get %d and %d", a, b)
	}
	if len(c.user("several@example.com").Sessions) != 1 || len(c.server.Outbox()) != 0 {
		t.Error("a skipped user's session was ended, or an email was sent")
	}
	if a := c.as("Authtoken", c.server.SignIn("ada@example.com")).ask("POST", endSession, body); a.status != 403 {
		t.Errorf("as a member: %d", a.status)
	}
}

func TestEndSessionsEndsTheOAuthTokenToo(t *testing.T) {
	t.Parallel()
	c := overSocket(t, orguserstest.WithPeople(
		orguserstest.Person{Email: "boss@example.com", Owner: true},
		orguserstest.Person{Email: "ada@example.com"},
	)) // the token is the owner's
	c.server.SetRoles("ada@example.com", "Admin")
	ada := c.as("Authtoken", c.server.SignIn("ada@example.com"))
	bearer := c.as("Authtoken", "").as("Authorization", "Bearer "+c.server.OAuthToken())
	bearer.get("/v3/user")
	refresh := c.server.RefreshToken()
	// The owner is an administrator of the second organization too.
	if got := ada.outcomes(endSession, `{"emails":["boss@example.com"]}`); !slices.Equal(got, []string{"boss@example.com skipped: in several organizations"}) {
		t.Errorf("got %q", got)
	}
	second := c.as("Authtoken", c.server.AuthToken)
	if a := second.ask("DELETE", "/v3/organizations/"+c.server.SecondOrganizationUID+"/share", `{"emails":["boss@example.com"]}`); a.status != 200 {
		t.Fatalf("got %d %s", a.status, a.text)
	}
	if got := ada.outcomes(endSession, `{"emails":["boss@example.com"]}`); !slices.Equal(got, []string{"boss@example.com done"}) {
		t.Errorf("got %q", got)
	}
	if a, b := bearer.ask("GET", "/v3/user", "").status, c.ask("GET", "/v3/user", "").status; a != 401 || b != 401 {
		t.Errorf("the OAuth token gets %d, the session %d", a, b)
	}
	if a := c.renew(grant(refresh, "", "")); a.status != 400 {
		t.Errorf("the refresh token gets %d", a.status)
	}
}

func TestUpdateRoles(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team()...)
	got := c.outcomes(setRoles, `{"emails":["ada@example.com","boss@example.com","guest@example.com","nobody@example.com"],"roles":["{Admin}","{Security}"]}`)
	want := []string{
		"ada@example.com done", "boss@example.com skipped: the owner",
		"guest@example.com skipped: the invitation is pending", "nobody@example.com skipped: no user of the organization",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if u := c.user("ada@example.com"); !slices.Equal(u.RoleUIDs, []string{c.fill("{Admin}"), c.fill("{Security}")}) || !u.UpdatedAt.After(u.CreatedAt) {
		t.Errorf("got %+v", u)
	}
	if got := c.emails(); !slices.Equal(got, []string{"role change to ada@example.com"}) {
		t.Errorf("the outbox is %q", got)
	}
	for _, body := range []string{``, `{"emails":["ada@example.com"]}`, `{"emails":["ada@example.com"],"roles":["blt0"]}`, `{"emails":[],"roles":["{Admin}"]}`} {
		if a := c.ask("POST", setRoles, c.fill(body)); a.status != 422 {
			t.Errorf("%s: got %d %s", body, a.status, a.text)
		}
	}
}

func TestTheFakesOwnRequestsTakeTenAddresses(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team()...)
	emails := func(n int) string {
		return `{"emails":["` + strings.Repeat(`ada@example.com","`, n-1) + `ada@example.com"]}`
	}
	for _, path := range []string{unlock, resetMFA, forceReset, endSession} {
		for body, status := range map[string]int{
			"": 422, `{"emails":[]}`: 422, `{"emails":"ada@example.com"}`: 422, `[`: 400, emails(10): 200, emails(11): 422,
		} {
			if a := c.ask("POST", path, body); a.status != status {
				t.Errorf("%s with %s: got %d %s", path, body, a.status, a.text)
			}
		}
		if a := c.ask("GET", path, ""); a.status != 405 {
			t.Errorf("GET %s: %d", path, a.status)
		}
	}
}
