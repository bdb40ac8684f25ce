package orguserstest_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers/orguserstest"
)

// logIn logs in without credentials in the header.
func (c *client) logIn(email, password, code string) result {
	c.t.Helper()
	body := fmt.Sprintf(`{"user":{"email":%q,"password":%q}}`, email, password)
	if code != "" {
		body = fmt.Sprintf(`{"user":{"email":%q,"password":%q,"tfa_token":%q}}`, email, password, code)
	}
	return c.as("Authtoken", "").ask("POST", "/v3/user-session", body)
}

func TestLogin(t *testing.T) {
	t.Parallel()
	c := overSocket(t, orguserstest.WithPeople(
		orguserstest.Person{Email: "plain@example.com", FirstName: "Ada", LastName: "Lovelace"},
		orguserstest.Person{Email: "secured@example.com", MFA: true},
		orguserstest.Person{Email: "locked@example.com", FailedLogins: 10},
		orguserstest.Person{Email: "invited@example.com", Pending: true},
	))
	for _, test := range []struct {
		name, email, password, factor string
		status                        int
		code                          any
	}{
		{"with the password", "Plain@Example.com", orguserstest.Password, "", 200, nil},
		{"with a wrong password", "plain@example.com", "guess", "", 422, 104.0},
		{"without an account", "invited@example.com", orguserstest.Password, "", 422, 104.0},
		{"with an unknown address", "nobody@example.com", orguserstest.Password, "", 422, 104.0},
		{"without the MFA code", "secured@example.com", orguserstest.Password, "", 422, 294.0},
		{"with a wrong MFA code", "secured@example.com", orguserstest.Password, "000000", 422, 295.0},
		{"with the MFA code", "secured@example.com", orguserstest.Password, orguserstest.MFACode, 200, nil},
		{"while locked", "locked@example.com", orguserstest.Password, "", 422, 104.0},
	} {
		a := c.logIn(test.email, test.password, test.factor)
		if a.status != test.status || a.json["error_code"] != test.code {
			t.Errorf("%s: got %d %s", test.name, a.status, a.text)
		}
	}
	if a := c.logIn("locked@example.com", orguserstest.Password, ""); !strings.Contains(a.text, "locked") {
		t.Errorf("a locked account gets %s", a.text)
	}
	const want = `{"error_code":294,"error_message":"Please login using the Two-Factor verification Token","errors":[],"tfa_type":"totp_authenticator"}`
	if a := c.logIn("secured@example.com", orguserstest.Password, ""); a.text != want {
		t.Errorf("without the MFA code: got %s", a.text)
	}

	a := c.logIn("plain@example.com", orguserstest.Password, "")
	user, _ := a.json["user"].(map[string]any)
	if a.json["notice"] != "Login Successful." || user["email"] != "plain@example.com" || user["last_login_at"] == nil || user["failed_attempts"] != 0.0 {
		t.Errorf("got %s", a.text)
	}
	if user["organizations"] != nil {
		t.Errorf("organizations without include_orgs: %s", a.text)
	}
	const notice = "Looks like your email or password is invalid. Please try again or reset your password."
	if a := c.logIn("plain@example.com", "guess", ""); a.json["error_message"] != notice {
		t.Errorf("got %s", a.text)
	}
	token, _ := user["authtoken"].(string)
	mine := c.as("Authtoken", token)
	mine.get("/v3/user")
	if a := mine.ask("DELETE", "/v3/user-session", ""); a.status != 200 || a.json["notice"] != "You've logged out successfully." {
		t.Errorf("log out: %d %s", a.status, a.text)
	}
	if a := mine.ask("GET", "/v3/user", ""); a.status != 401 {
		t.Errorf("after the logout: %d", a.status)
	}
	if a := c.as("Authtoken", "").ask("POST", "/v3/user-session", ""); a.status != 422 {
		t.Errorf("without a body: %d", a.status)
	}
}

func TestWrongPasswordsLock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t, orguserstest.WithPeople(orguserstest.Person{Email: "ada@example.com"}))
		locked := func() bool {
			return strings.Contains(c.logIn("ada@example.com", "guess", "").text, "locked")
		}
		for n := range 5 {
			if locked() {
				t.Fatalf("locked after %d", n)
			}
		}
		for n := 5; n < 10; n++ {
			wait := time.Duration(n-4) * 5 * time.Minute
			time.Sleep(wait - time.Millisecond) // fake time
			if !locked() {
				t.Fatalf("after %d wrong passwords, not locked for %v", n, wait)
			}
			time.Sleep(time.Millisecond) // fake time
			if locked() {
				t.Fatalf("after %d wrong passwords, locked for more than %v", n, wait)
			}
		}
		time.Sleep(1000 * time.Hour) // fake time
		if u, _ := c.server.User("ada@example.com"); !locked() || !u.Locked || u.FailedLogins != 10 {
			t.Errorf("after ten: %+v", u)
		}
		c.server.SetFailedLogins("ada@example.com", 4)
		if a := c.logIn("ada@example.com", orguserstest.Password, ""); a.status != 200 {
			t.Errorf("unlocked: %s", a.text)
		}
		if u, _ := c.server.User("ada@example.com"); u.FailedLogins != 0 {
			t.Errorf("a login leaves %d failed ones", u.FailedLogins)
		}
	})
}

func TestTheTwentyFirstSessionEndsTheOldest(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	for n := 1; n < 20; n++ {
		c.server.SignIn(c.server.Email)
	}
	c.get("/v3/user")
	if a := c.logIn(c.server.Email, orguserstest.Password, ""); a.status != 200 {
		t.Fatalf("login: %s", a.text)
	}
	if a := c.ask("GET", "/v3/user", ""); a.status != 401 {
		t.Errorf("the oldest session: %d", a.status)
	}
	if u, _ := c.server.User(c.server.Email); len(u.Sessions) != 20 {
		t.Errorf("%d sessions", len(u.Sessions))
	}
	if c.server.SignIn("nobody@example.com") != "" {
		t.Error("an unknown address got a token")
	}
}

func TestOAuthToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t)
		with := func(token string) int {
			return c.as("Authtoken", "").as("Authorization", "Bearer "+token).as("organization_uid", c.server.OrganizationUID).
				ask("GET", "/v3/organizations/{org}/share", "").status
		}
		first := c.server.OAuthToken()
		if got := with(first); got != 200 {
			t.Errorf("the first token: %d", got)
		}
		second := c.server.RotateOAuthToken()
		if got := [2]int{with(first), with(second)}; got != [2]int{401, 200} || c.server.OAuthToken() != second {
			t.Errorf("after rotating: %v", got)
		}
		time.Sleep(time.Hour - time.Millisecond) // fake time
		if got := with(second); got != 200 {
			t.Errorf("just before its end: %d", got)
		}
		time.Sleep(time.Millisecond) // fake time
		if got := with(second); got != 401 {
			t.Errorf("after 60 minutes: %d", got)
		}
		third := c.server.RotateOAuthToken()
		if !c.server.RevokeToken(third) || c.server.RevokeToken(third) || with(third) != 401 {
			t.Error("a revoked token is live")
		}
		if !c.server.RevokeToken(c.server.AuthToken) || c.ask("GET", "/v3/user", "").status != 401 {
			t.Error("a revoked session is live")
		}
	})
}

func TestCurrentUser(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team()...)
	user := func(c *client, query string) map[string]any {
		user, _ := c.get("/v3/user" + query).json["user"].(map[string]any)
		return user
	}
	me := user(c, "")
	for _, field := range []string{
		"uid", "email", "username", "first_name", "last_name", "company", "org_uid", "shared_org_uid", "active", "failed_attempts", "roles",
		"created_at", "updated_at", "password_updated_at", "password_reset_required", "organizations",
	} {
		if me[field] == nil {
			t.Errorf("no %s", field)
		}
	}
	if me["email"] != c.server.Email || me["authtoken"] != c.server.AuthToken {
		t.Errorf("got %v", me)
	}
	bearer := c.as("Authtoken", "").as("Authorization", "Bearer "+c.server.OAuthToken())
	if token := user(bearer, "")["authtoken"]; token != nil {
		t.Errorf("with OAuth, the authtoken is %v", token)
	}
	first := func(c *client, query string) map[string]any {
		organizations, _ := user(c, query)["organizations"].([]any)
		org, _ := organizations[0].(map[string]any)
		return org
	}
	plain := first(c, "")
	if plain["uid"] != c.server.OrganizationUID || plain["plan_id"] == nil || plain["org_roles"] != nil || plain["is_owner"] != nil || plain["owner"] != nil {
		t.Errorf("got %v", plain)
	}
	roles, _ := first(c, "?include_orgs=true&include_orgs_roles=true")["org_roles"].([]any)
	if role, _ := roles[0].(map[string]any); role["uid"] == nil || role["name"] != "admin" || role["admin"] != true {
		t.Errorf("got %v", roles)
	}
	owner := c.as("Authtoken", c.server.SignIn("boss@example.com"))
	if own := first(owner, "?include_orgs_roles=true"); own["is_owner"] != true || own["owner"] != true || own["org_roles"] != nil {
		t.Errorf("the owner gets %v", own)
	}
}

func TestLoginWithOrganizations(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team()...)
	body := fmt.Sprintf(`{"user":{"email":%q,"password":%q}}`, c.server.Email, orguserstest.Password)
	a := c.as("Authtoken", "").ask("POST", "/v3/user-session?include_orgs=true&include_orgs_roles=true", body)
	user, _ := a.json["user"].(map[string]any)
	if organizations, _ := user["organizations"].([]any); len(organizations) != 2 || !strings.Contains(a.text, "org_roles") {
		t.Errorf("got %d %s", a.status, a.text)
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team(orguserstest.WithAcceptanceTokens())...)
	owner := c.as("Authtoken", c.server.SignIn("boss@example.com"))
	owner.ask("POST", "/v3/organizations/{org}/transfer-ownership", `{"transfer_to":"ada@example.com"}`)
	keys := owner.as("Api_key", c.server.Stacks()[0].APIKey)
	secrets := c.server.Secrets()
	for name, a := range map[string]result{
		"current user": owner.get("/v3/user"), "users": c.get(shares), "organization": c.get("/v3/organizations/{org}"), "stack roles": keys.get("/v3/roles"),
	} {
		if !slices.ContainsFunc(secrets, func(s string) bool { return strings.Contains(a.text, s) }) {
			t.Errorf("%s: none of the secrets is in it: %s", name, a.text)
		}
	}
}

func TestPasswordResetEmail(t *testing.T) {
	t.Parallel()
	c := overSocket(t)
	anyone := c.as("Authtoken", "")
	for _, email := range []string{strings.ToUpper(c.server.Email), "nobody@example.com"} {
		a := anyone.ask("POST", "/v3/user/forgot_password", fmt.Sprintf(`{"user":{"email":%q}}`, email))
		if a.status != 200 || !strings.HasPrefix(fmt.Sprint(a.json["notice"]), "If this email address exists") {
			t.Errorf("%s: %d %s", email, a.status, a.text)
		}
	}
	box := c.server.Outbox()
	if len(box) != 1 || box[0].Kind != orguserstest.EmailPasswordReset || box[0].To != c.server.Email || box[0].SentAt.IsZero() {
		t.Errorf("the outbox has %+v", box)
	}
	if a := anyone.ask("POST", "/v3/user/forgot_password", ""); a.status != 422 {
		t.Errorf("without a body: %d", a.status)
	}
	if a := anyone.ask("POST", "/v3/user/forgot_password", "{"); a.status != 400 {
		t.Errorf("a broken body: %d", a.status)
	}
}

// renew requests new tokens with a form.
func (c *client) renew(form url.Values) result {
	c.t.Helper()
	path := strings.TrimPrefix(c.server.TokenURL(), c.server.URL)
	return c.as("Authtoken", "").as("Content-Type", "application/x-www-form-urlencoded").ask("POST", path, form.Encode())
}

// grant returns a valid form with one field changed.
func grant(refreshToken, field, value string) url.Values {
	form := url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {refreshToken},
		"client_id": {orguserstest.OAuthClientID}, "client_secret": {orguserstest.OAuthClientSecret},
	}
	if field != "" {
		form.Set(field, value)
	}
	return form
}

// bearerStatus returns the status of a request with an OAuth token.
func (c *client) bearerStatus(token string) int {
	c.t.Helper()
	return c.as("Authtoken", "").as("Authorization", "Bearer "+token).ask("GET", "/v3/user", "").status
}

func TestRenewToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t)
		access, refresh := c.server.OAuthToken(), c.server.RefreshToken()
		for range 3 {
			time.Sleep(time.Hour) // fake time
			a := c.renew(grant(refresh, "", ""))
			if a.status != 200 || a.json["token_type"] != "Bearer" || a.json["expires_in"] != 3600.0 || a.header.Get("Cache-Control") != "no-store" {
				t.Fatalf("got %d %s %v", a.status, a.text, a.header)
			}
			newAccess, newRefresh := fmt.Sprint(a.json["access_token"]), fmt.Sprint(a.json["refresh_token"])
			if newAccess != c.server.OAuthToken() || newRefresh != c.server.RefreshToken() || newAccess == access || newRefresh == refresh {
				t.Errorf("got %s", a.text)
			}
			if got := [2]int{c.bearerStatus(access), c.bearerStatus(newAccess)}; got != [2]int{401, 200} {
				t.Errorf("the old token and the new one get %v", got)
			}
			if a := c.renew(grant(refresh, "", "")); a.status != 400 || a.json["error"] != "invalid_grant" {
				t.Errorf("the old refresh token gets %d %s", a.status, a.text)
			}
			access, refresh = newAccess, newRefresh
		}
		time.Sleep(time.Hour - time.Millisecond) // fake time
		if got := c.bearerStatus(access); got != 200 {
			t.Errorf("just before its end: %d", got)
		}
		time.Sleep(time.Millisecond) // fake time
		if got := c.bearerStatus(access); got != 401 {
			t.Errorf("after 60 minutes: %d", got)
		}
	})
}

func TestRenewTokenWithClientInHeader(t *testing.T) {
	t.Parallel()
	c := overSocket(t)
	basic := base64.StdEncoding.EncodeToString([]byte(orguserstest.OAuthClientID + ":" + orguserstest.OAuthClientSecret))
	a := c.as("Authorization", "Basic "+basic).renew(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {c.server.RefreshToken()}})
	if a.status != 200 || c.bearerStatus(c.server.OAuthToken()) != 200 {
		t.Errorf("got %d %s", a.status, a.text)
	}
}

func TestRenewTokenRefuses(t *testing.T) {
	t.Parallel()
	c := overSocket(t)
	access, refresh := c.server.OAuthToken(), c.server.RefreshToken()
	for name, test := range map[string]struct {
		form   url.Values
		status int
		code   string
	}{
		"another client":    {grant(refresh, "client_id", "nobody"), 401, "invalid_client"},
		"a wrong secret":    {grant(refresh, "client_secret", "nothing"), 401, "invalid_client"},
		"no client":         {url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}, 401, "invalid_client"},
		"a code":            {grant(refresh, "grant_type", "authorization_code"), 400, "unsupported_grant_type"},
		"no refresh token":  {grant("", "", ""), 400, "invalid_grant"},
		"another":           {grant("nobody", "", ""), 400, "invalid_grant"},
		"the access token":  {grant(access, "", ""), 400, "invalid_grant"},
		"a session's token": {grant(c.server.AuthToken, "", ""), 400, "invalid_grant"},
		"nothing in it":     {url.Values{}, 401, "invalid_client"},
	} {
		a := c.renew(test.form)
		if a.status != test.status || a.json["error"] != test.code {
			t.Errorf("%s: got %d %s", name, a.status, a.text)
		}
		if wants := a.header.Get("WWW-Authenticate"); (wants == "Basic") != (test.status == 401) {
			t.Errorf("%s: WWW-Authenticate is %q", name, wants)
		}
	}
	path := strings.TrimPrefix(c.server.TokenURL(), c.server.URL)
	if a := c.ask("POST", path, `{"grant_type":"refresh_token"}`); a.status != 400 || !strings.Contains(a.text, "Content-Type") {
		t.Errorf("JSON: got %d %s", a.status, a.text)
	}
	if a := c.as("Content-Type", "application/x-www-form-urlencoded").ask("POST", path, "%zz"); a.status != 400 || a.json["error"] != "invalid_request" {
		t.Errorf("an invalid form: got %d %s", a.status, a.text)
	}
	if a := c.as("Content-Type", "application/x-www-form-urlencoded").ask("POST", "/v3/user-session", "a=b"); a.status != 400 {
		t.Errorf("a form elsewhere: got %d %s", a.status, a.text)
	}
	if c.server.OAuthToken() != access || c.server.RefreshToken() != refresh || c.bearerStatus(access) != 200 {
		t.Error("tokens were renewed")
	}
}

func TestRefreshTokenEnds(t *testing.T) {
	t.Parallel()
	c := overSocket(t)
	refresh := c.server.RefreshToken()
	if !c.server.RevokeToken(refresh) || c.server.RevokeToken(refresh) || c.server.RefreshToken() != "" || c.server.RevokeToken("") {
		t.Error("a revoked refresh token is live")
	}
	for _, token := range []string{refresh, ""} {
		if a := c.renew(grant(token, "", "")); a.status != 400 || a.json["error"] != "invalid_grant" {
			t.Errorf("got %d %s", a.status, a.text)
		}
	}
	if got := c.bearerStatus(c.server.OAuthToken()); got != 200 {
		t.Errorf("the access token gets %d", got)
	}
}

func TestRenewalsAreLoggedWithoutSecrets(t *testing.T) {
	t.Parallel()
	c := overSocket(t, orguserstest.WithBasePath("/proxy"))
	secrets := []string{c.server.RefreshToken(), orguserstest.OAuthClientSecret}
	if a := c.renew(grant(c.server.RefreshToken(), "", "")); a.status != 200 {
		t.Fatalf("got %d %s", a.status, a.text)
	}
	log := c.server.Requests()
	r := log[len(log)-1]
	if r.Operation != "RenewToken" || r.Write || r.Bulk || len(r.Body) != 0 {
		t.Errorf("logged as %+v", r)
	}
	if i := slices.IndexFunc(secrets, func(s string) bool { return strings.Contains(fmt.Sprintf("%+v", r), s) }); i >= 0 {
		t.Errorf("the log shows secret %d", i)
	}
}
