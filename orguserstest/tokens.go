package orguserstest

// OAuthToken is a live OAuth token of the user of AuthToken, for the header
// "authorization: Bearer". It ends 60 minutes after it was issued, and when it is
// renewed.
func (s *Server) OAuthToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bearer
}

// RotateOAuthToken ends the OAuth token and returns a new one, which is live
// for 60 minutes.
func (s *Server) RotateOAuthToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issueBearer(s.account(s.Email))
}

// RefreshToken is what the OAuth token is renewed with at [Server.TokenURL]. Each
// renewal ends it and makes another.
func (s *Server) RefreshToken() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refresh
}

// TokenURL is where OAuth tokens are renewed, for the client of [OAuthClientID]
// and [OAuthClientSecret].
func (s *Server) TokenURL() string { return s.URL + pathRenewal }

// SignIn returns a new session token of somebody, as a login would, so that
// requests can be made as any user. It is empty where the address has no
// account.
func (s *Server) SignIn(email string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	who := s.account(email)
	if who == nil {
		return ""
	}
	return s.signIn(who)
}

// RevokeToken ends a session or OAuth token, so that requests with it are
// answered with 401, or the refresh token. It reports whether the token was live.
func (s *Server) RevokeToken(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endSession(token)
}
