// Command oauth lists users with OAuth tokens, which it renews before they expire and if the
// service refuses one.
package main

import (
	"context"
	"fmt"
	"log"
	"sync"

	"golang.org/x/oauth2"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func main() {
	server := orguserstest.NewServer() // a fake; of your own OAuth app you need its id, secret and token URL
	defer server.Close()
	tokens := &source{
		config: &oauth2.Config{
			ClientID: orguserstest.OAuthClientID, ClientSecret: orguserstest.OAuthClientSecret,
			// Without a style oauth2 tries two, and a refresh token may be good for one request.
			Endpoint: oauth2.Endpoint{TokenURL: server.TokenURL(), AuthStyle: oauth2.AuthStyleInParams},
		},
		token: &oauth2.Token{RefreshToken: server.RefreshToken()},
		save:  func(*oauth2.Token) error { fmt.Println("renewed"); return nil },
	}
	client, err := orgusers.New(server.OrganizationUID, orgusers.WithBaseURL(server.URL), orgusers.WithTokenSource(tokens))
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		users, err := orgusers.Collect(client.Users(context.Background(), nil))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(len(users), "users")
		server.RevokeToken(tokens.token.AccessToken) // as the service may do at any time
	}
}

// source is an [orgusers.TokenSource] and an [orgusers.TokenInvalidator].
type source struct {
	config *oauth2.Config
	save   func(*oauth2.Token) error // keeps the new refresh token: the old one may be used up

	mu    sync.Mutex
	token *oauth2.Token
}

// Token returns the token until shortly before it expires, and then a new one. The mutex lets
// one renewal serve all callers.
func (s *source) Token(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token.Valid() {
		return s.token.AccessToken, nil
	}
	renewed, err := s.config.TokenSource(context.WithoutCancel(ctx), &oauth2.Token{RefreshToken: s.token.RefreshToken}).Token()
	if err != nil {
		return "", fmt.Errorf("%w: renew the token: %w", orgusers.ErrUnauthorized, err)
	}
	s.token = renewed
	return renewed.AccessToken, s.save(renewed)
}

// Invalidate forgets a token that the service refused, unless it was replaced since.
func (s *source) Invalidate(refused string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token.AccessToken == refused {
		s.token = &oauth2.Token{RefreshToken: s.token.RefreshToken}
	}
}
