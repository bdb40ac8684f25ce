package orguserstest

import (
	"net/http"
	"net/url"
)

// The client that TokenURL renews tokens for.
const (
	OAuthClientID     = "orguserstest"
	OAuthClientSecret = "open-sesame"
)

// pathRenewal is made up, as ownRoutes are.
const pathRenewal = "/fake/oauth/token"

var oauthRoutes = []route{
	{method: http.MethodPost, pattern: pathRenewal, operation: "renew token", own: true, open: true, form: true, handle: (*Server).renewToken},
}

// renewToken is what RFC 6749 has in section 6.
func (s *Server) renewToken(c *call) answer {
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
	renewed := reply(object{
		"access_token":  s.issueBearer(s.account(s.Email)),
		"token_type":    "Bearer",
		"expires_in":    bearerMinutes * 60,
		"refresh_token": s.refresh,
	})
	renewed.header = http.Header{"Cache-Control": {"no-store"}}
	return renewed
}

// failOAuth answers with an error in the shape of RFC 6749.
func failOAuth(status int, code string) answer {
	return answer{status: status, body: encode(object{"error": code})}
}
