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

// renew asks for new tokens with a form.
func (c *client) renew(form url.Values) answer {
	c.t.Helper()
	path := strings.TrimPrefix(c.server.TokenURL(), c.server.URL)
	return c.as("Authtoken", "").as("Content-Type", "application/x-www-form-urlencoded").ask("POST", path, form.Encode())
}

// grant is a form that is right, but for one field.
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

// bearerStatus is what a request with an OAuth token is answered with.
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
			t.Errorf("%s: it wants %q", name, wants)
		}
	}
	path := strings.TrimPrefix(c.server.TokenURL(), c.server.URL)
	if a := c.ask("POST", path, `{"grant_type":"refresh_token"}`); a.status != 400 || !strings.Contains(a.text, "Content-Type") {
		t.Errorf("JSON: got %d %s", a.status, a.text)
	}
	if a := c.as("Content-Type", "application/x-www-form-urlencoded").ask("POST", path, "%zz"); a.status != 400 || a.json["error"] != "invalid_request" {
		t.Errorf("no form: got %d %s", a.status, a.text)
	}
	if a := c.as("Content-Type", "application/x-www-form-urlencoded").ask("POST", "/v3/user-session", "a=b"); a.status != 400 {
		t.Errorf("a form elsewhere: got %d %s", a.status, a.text)
	}
	if c.server.OAuthToken() != access || c.server.RefreshToken() != refresh || c.bearerStatus(access) != 200 {
		t.Error("tokens were renewed all the same")
	}
}

func TestRefreshTokenEnds(t *testing.T) {
	t.Parallel()
	c := overSocket(t)
	refresh := c.server.RefreshToken()
	if !c.server.RevokeToken(refresh) || c.server.RevokeToken(refresh) || c.server.RefreshToken() != "" || c.server.RevokeToken("") {
		t.Error("a revoked refresh token lives")
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
	if r.Operation != "renew token" || r.Write || r.Bulk || len(r.Body) != 0 {
		t.Errorf("logged as %+v", r)
	}
	if i := slices.IndexFunc(secrets, func(s string) bool { return strings.Contains(fmt.Sprintf("%+v", r), s) }); i >= 0 {
		t.Errorf("the log shows secret %d", i)
	}
}
