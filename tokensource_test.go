package orgusers_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
)

// renewing gives another token each time it is asked.
type renewing struct{ asked atomic.Int64 }

func (r *renewing) Token(context.Context) (string, error) {
	return fmt.Sprintf("oauth-%d", r.asked.Add(1)), nil
}

func TestTokenSource(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		good   string // the token that the server likes
		first  int    // status of the first answer to it
		asked  int64
		failed error
	}{
		{"asked once", "oauth-1", 200, 1, nil},
		{"asked once more after a 401", "oauth-2", 200, 2, nil},
		{"not a third time", "oauth-3", 200, 2, orgusers.ErrUnauthorized},
		{"asked before each attempt", "oauth-1", 503, 2, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			source := &renewing{}
			var served atomic.Int64
			client, err := orgusers.New("blt1", orgusers.WithTokenSource(source), orgusers.WithHTTPClient(&http.Client{
				Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					switch got := r.Header.Get("Authorization"); {
					case r.Header.Get("Authtoken") != "":
						t.Error("there is an authtoken too")
					case served.Add(1) == 1 && tt.first != 200:
						return status(tt.first)(r)
					case got != "Bearer "+tt.good && tt.first == 200:
						return status(401)(r)
					}
					return good(r)
				}),
			}), orgusers.WithRetry(orgusers.RetryPolicy{BaseDelay: 1, MaxDelay: 1}), orgusers.WithRateLimits(orgusers.RateLimits{Reads: 1e6}))
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.GetOrganization(t.Context(), nil)
			if !errors.Is(err, tt.failed) || source.asked.Load() != tt.asked {
				t.Errorf("asked %d times, %v; want %d, %v", source.asked.Load(), err, tt.asked, tt.failed)
			}
		})
	}
}

// keeping gives the same token until it is told that it was refused.
type keeping struct {
	renewing
	mu    sync.Mutex
	token string
}

func (k *keeping) Token(ctx context.Context) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.token == "" {
		k.token, _ = k.renewing.Token(ctx)
	}
	return k.token, nil
}

func (k *keeping) Invalidate(token string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.token == token {
		k.token = ""
	}
}

// A source that keeps tokens is told which one was refused, by each request
// that was sent with it, and renews it once.
func TestTokenInvalidator(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		good     string // the token that the server likes
		together int    // requests
		asked    int64  // tokens
		failed   error
	}{
		{"kept while it is good", "oauth-1", 3, 1, nil},
		{"renewed after a 401", "oauth-2", 3, 2, nil},
		{"told once by a request", "oauth-3", 1, 2, orgusers.ErrUnauthorized},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				source := &keeping{}
				client, err := orgusers.New("blt1", orgusers.WithTokenSource(source), orgusers.WithHTTPClient(&http.Client{
					Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
						time.Sleep(time.Minute) // fake time: all are under way before the first is answered
						if r.Header.Get("Authorization") != "Bearer "+tt.good {
							return status(401)(r)
						}
						return good(r)
					}),
				}))
				if err != nil {
					t.Fatal(err)
				}
				var wait sync.WaitGroup
				for range tt.together {
					wait.Go(func() {
						if _, err := client.GetOrganization(t.Context(), nil); !errors.Is(err, tt.failed) {
							t.Errorf("got %v, want %v", err, tt.failed)
						}
					})
				}
				wait.Wait()
				if asked := source.asked.Load(); asked != tt.asked {
					t.Errorf("%d tokens, want %d", asked, tt.asked)
				}
			})
		})
	}
}

type failingTokens struct{ token string }

var errNoToken = errors.New("the endpoint said: client_secret=hunter2")

func (f failingTokens) Token(context.Context) (string, error) {
	if f.token != "" {
		return f.token, nil
	}
	return "", errNoToken
}

func TestTokenSourceFails(t *testing.T) {
	t.Parallel()
	for _, source := range []failingTokens{{""}, {"hunter2\nX-Evil: yes"}} {
		s := &script{answers: []answer{good}}
		client, err := orgusers.New("blt1", orgusers.WithTokenSource(source), orgusers.WithHTTPClient(&http.Client{Transport: s}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.GetOrganization(t.Context(), nil)
		if err == nil || len(s.sent) != 0 || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "token source") {
			t.Errorf("sent %d requests, got %v", len(s.sent), err)
		}
		if source.token == "" && !errors.Is(err, errNoToken) {
			t.Errorf("the source's error is not reachable: %v", err)
		}
	}
}

// expired is a source with a refresh token that has ended.
type expired struct{}

func (expired) Token(context.Context) (string, error) {
	return "", fmt.Errorf("%w: refresh_token=hunter2", orgusers.ErrUnauthorized)
}

func TestTokenSourceSaysUnauthorized(t *testing.T) {
	t.Parallel()
	client, err := orgusers.New("blt1", orgusers.WithTokenSource(expired{}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.GetOrganization(t.Context(), nil)
	if !errors.Is(err, orgusers.ErrUnauthorized) || !strings.Contains(err.Error(), "gave no token: log in again") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

// The same context each time: a source that asks an endpoint is not what is
// traced, nor counted, as the attempt.
type untraced struct{ t *testing.T }

func (s untraced) Token(ctx context.Context) (string, error) {
	if _, ok := orgusers.AttemptFromContext(ctx); ok || httptrace.ContextClientTrace(ctx) != nil {
		s.t.Error("the token source is asked within the attempt")
	}
	return token, nil
}

func TestTokenSourceGetsTheCallersContext(t *testing.T) {
	t.Parallel()
	client, err := orgusers.New("blt1", orgusers.WithTokenSource(untraced{t}), soon,
		orgusers.WithHTTPClient(&http.Client{Transport: &script{answers: []answer{status(503), status(401), good}}}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetOrganization(t.Context(), nil); err != nil {
		t.Error(err)
	}
}
