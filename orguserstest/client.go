package orguserstest

import "github.com/orgusers/orgusers"

// Options make a client of this server's user of AuthToken:
//
//	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
//
// For a server that does not listen, add [orgusers.WithHTTPClient] with the
// server's Transport.
func (s *Server) Options() []orgusers.Option {
	return []orgusers.Option{
		orgusers.WithBaseURL(s.URL),
		orgusers.WithAuthToken(s.AuthToken),
	}
}
