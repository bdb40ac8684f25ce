package orguserstest

import (
	"net/http"

	"github.com/orgusers/orgusers"
)

// Options make a client of this server's user of AuthToken:
//
//	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
//
// The client of a server that does not listen calls it in-process, through
// [Server.Transport]; an [orgusers.WithHTTPClient] behind these options is to
// bring that Transport too.
func (s *Server) Options() []orgusers.Option {
	options := []orgusers.Option{
		orgusers.WithBaseURL(s.URL),
		orgusers.WithAuthToken(s.AuthToken),
	}
	if s.http == nil {
		options = append(options, orgusers.WithHTTPClient(&http.Client{Transport: s.Transport()}))
	}
	return options
}
