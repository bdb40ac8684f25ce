package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"github.com/orgusers/orgusers"
)

// source makes an [orgusers.TokenSource] of [oauth2.Config], whose own sources
// know neither contexts nor that a token was refused.
type source struct {
	config *oauth2.Config
	client *http.Client              // for the token endpoint
	save   func(*oauth2.Token) error // each new token, with the next refresh token

	renewals singleflight.Group
	mu       sync.Mutex
	token    *oauth2.Token
	unsaved  error // of the last save
}

var _ orgusers.TokenInvalidator = (*source)(nil)

func newSource(config *oauth2.Config, token *oauth2.Token, save func(*oauth2.Token) error) *source {
	return &source{config: config, token: token, save: save, client: &http.Client{
		Timeout: 30 * time.Second,
		// The form has secrets in it: they are for this one address.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Token returns the token that is there until shortly before it expires, and
// then a new one. Everybody waits for the same renewal, and nobody for longer
// than ctx.
func (s *source) Token(ctx context.Context) (string, error) {
	if token := s.current(); token.Valid() {
		return token.AccessToken, nil
	}
	select {
	case renewal := <-s.renewals.DoChan("", func() (any, error) { return s.renew(ctx) }):
		token, _ := renewal.Val.(string)
		return token, renewal.Err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// renew does not end with the context of whoever came first: the others wait
// for it too, and a refresh token that is on its way would be lost.
func (s *source) renew(ctx context.Context) (string, error) {
	token := s.current()
	if token.Valid() { // another renewal has ended since
		return token.AccessToken, nil
	}
	ctx = context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, s.client)
	renewed, err := s.config.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
	if err != nil {
		return "", explain(err)
	}
	err = s.save(renewed)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token, s.unsaved = renewed, err
	return renewed.AccessToken, nil
}

// Invalidate forgets a token that was refused, unless it has been replaced.
func (s *source) Invalidate(refused string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token.AccessToken == refused {
		s.token = &oauth2.Token{RefreshToken: s.token.RefreshToken}
	}
}

func (s *source) current() *oauth2.Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

// Close waits for a renewal that is under way, and returns an error if the last
// tokens could not be saved.
func (s *source) Close() error {
	_, _, _ = s.renewals.Do("", func() (any, error) { return "", nil })
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unsaved
}

// renewalError is a renewal that failed. Its text leaves out what the endpoint
// said, who may repeat what it was sent.
type renewalError struct {
	text  string
	cause error
}

func (e *renewalError) Error() string { return e.text }

func (e *renewalError) Unwrap() error { return e.cause }

func explain(err error) error {
	refusal, answered := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case !answered:
		return &renewalError{"no token came from the token endpoint: it cannot be reached, or answers with something else", err}
	case refusal.ErrorCode == "invalid_grant":
		return &renewalError{"the refresh token was used before, has expired or was revoked: sign in again", orgusers.ErrUnauthorized}
	default:
		return &renewalError{text: fmt.Sprintf("the token endpoint answered %d: check its URL, the client's id and secret", refusal.Response.StatusCode)}
	}
}
