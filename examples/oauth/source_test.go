package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// signedIn is a fake, a source with nothing but its refresh token, and a client
// that signs with that. What is saved replaces what kept points to.
func signedIn(t *testing.T, options ...orguserstest.Option) (server *orguserstest.Server, tokens *source, client *orgusers.Client, kept *oauth2.Token) {
	t.Helper()
	server = orguserstest.NewUnstartedServer(options...)
	t.Cleanup(server.Close)
	kept = new(oauth2.Token)
	config := newConfig(server.TokenURL(), orguserstest.OAuthClientID, orguserstest.OAuthClientSecret)
	tokens = newSource(config, &oauth2.Token{RefreshToken: server.RefreshToken()}, func(token *oauth2.Token) error {
		*kept = *token
		return nil
	})
	tokens.client.Transport = server.Transport()
	client, err := orgusers.New(server.OrganizationUID,
		orgusers.WithBaseURL(server.URL), orgusers.WithTokenSource(tokens),
		orgusers.WithHTTPClient(&http.Client{Transport: server.Transport()}))
	if err != nil {
		t.Fatal(err)
	}
	return server, tokens, client, kept
}

// answers counts the answers of a status to requests of an operation, or to all
// where it has no name.
func answers(server *orguserstest.Server, operation string, status int) int {
	return len(slices.DeleteFunc(server.Requests(), func(r orguserstest.Request) bool {
		return operation != "" && r.Operation != operation || r.Status != status
	}))
}

func renewals(server *orguserstest.Server) int {
	return answers(server, "RenewToken", http.StatusOK)
}

func TestRenewedBeforeItExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, _, client, kept := signedIn(t)
		for hour := range 3 {
			for range 2 {
				if _, err := client.ListUsers(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
			}
			if got := renewals(server); got != hour+1 || kept.RefreshToken != server.RefreshToken() || kept.AccessToken != server.OAuthToken() {
				t.Errorf("%d renewals in hour %d, or others were saved", got, hour)
			}
			time.Sleep(time.Hour) // fake time
		}
		if got := answers(server, "", http.StatusUnauthorized); got != 0 {
			t.Errorf("%d requests were refused", got)
		}
	})
}

// Tokens end while pages are under way: one is revoked, the next one expires.
func TestListOutlivesItsTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, _, client, _ := signedIn(t, orguserstest.WithUsers(1000), orguserstest.WithPageCap(5))
		server.OnRequest(func(r *orguserstest.Request) {
			if r.Operation == "ListUsers" {
				time.Sleep(12 * time.Minute) // fake time
			}
		})
		time.AfterFunc(30*time.Minute, func() { server.RevokeToken(server.OAuthToken()) })
		began, seen := time.Now(), map[string]bool{}
		for user, err := range client.Users(t.Context(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			seen[user.Email] = true
		}
		if len(seen) != 1000 {
			t.Errorf("%d users, want 1000", len(seen))
		}
		// An access token ends with a renewal, so there cannot be more than one an
		// hour, and the one after the revocation.
		took := time.Since(began)
		if most, got := int(took/time.Hour)+2, renewals(server); got < 3 || got > most {
			t.Errorf("%d renewals in %v, want 3 to %d", got, took, most)
		}
		if answers(server, "ListUsers", http.StatusUnauthorized) == 0 {
			t.Error("no page met the end of its token")
		}
	})
}

func TestOneRenewalForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, tokens, client, _ := signedIn(t, orguserstest.WithLatency(time.Second))
		var wait sync.WaitGroup
		for range 50 {
			wait.Go(func() {
				if _, err := tokens.Token(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		// As one does that looked just before the token was there.
		if _, err := tokens.renew(t.Context()); err != nil {
			t.Error(err)
		}
		if got := renewals(server); got != 1 {
			t.Errorf("%d renewals, want 1", got)
		}
		server.RevokeToken(server.OAuthToken())
		for range 50 {
			wait.Go(func() {
				if _, err := client.GetOrganization(t.Context(), nil); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if got := renewals(server); got != 2 {
			t.Errorf("%d renewals after the token was revoked, want 2", got)
		}
	})
}

// Whoever gives up leaves the renewal to the others, or to the next.
func TestWaitingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, tokens, _, kept := signedIn(t, orguserstest.WithLatency(10*time.Second))
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wait sync.WaitGroup
		wait.Go(func() {
			if _, err := tokens.Token(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
				t.Errorf("got %v after %v", err, time.Since(began))
			}
		})
		synctest.Wait() // the first to come is the one that gives up
		wait.Go(func() {
			token, err := tokens.Token(t.Context())
			if err != nil || token != server.OAuthToken() || time.Since(began) != 10*time.Second {
				t.Errorf("got %v after %v", err, time.Since(began))
			}
		})
		wait.Wait()
		if got := renewals(server); got != 1 {
			t.Errorf("%d renewals, want 1", got)
		}

		tokens.Invalidate(server.OAuthToken())
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := tokens.Token(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
		if err := tokens.Close(); err != nil || renewals(server) != 2 || kept.RefreshToken != server.RefreshToken() {
			t.Errorf("the renewal that was under way is lost: %v", err)
		}
	})
}

func TestInvalidateForgetsNoOther(t *testing.T) {
	t.Parallel()
	server, tokens, _, _ := signedIn(t)
	first, err := tokens.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tokens.Invalidate(first)
	second, err := tokens.Token(t.Context())
	if err != nil || second == first {
		t.Fatalf("the same token again, or %v", err)
	}
	tokens.Invalidate(first) // by a request that was slow
	if third, err := tokens.Token(t.Context()); err != nil || third != second || renewals(server) != 2 {
		t.Errorf("%d renewals, %v", renewals(server), err)
	}
}

func TestRenewalFails(t *testing.T) {
	t.Parallel()
	endpoint := func(effect orguserstest.Effect) func(*orguserstest.Server, *source) {
		return func(server *orguserstest.Server, _ *source) {
			server.AddFault(orguserstest.Fault{Path: "/fake/oauth/token", Effect: effect})
		}
	}
	for name, test := range map[string]struct {
		spoil        func(*orguserstest.Server, *source)
		says         string
		unauthorized bool
	}{
		"a refresh token that was revoked": {func(server *orguserstest.Server, _ *source) {
			server.RevokeToken(server.RefreshToken())
		}, "sign in again", true},
		"a wrong secret":           {func(_ *orguserstest.Server, tokens *source) { tokens.config.ClientSecret = "hunter2" }, "answered 401: check its URL", false},
		"an endpoint that is down": {endpoint(orguserstest.Status(http.StatusServiceUnavailable)), "answered 503", false},
		"a page":                   {endpoint(orguserstest.HTML(http.StatusOK)), "answers with something else", false},
		"an empty answer":          {endpoint(orguserstest.EmptyBody()), "answers with something else", false},
		"a broken connection":      {endpoint(orguserstest.Reset()), "cannot be reached", false},
		"a redirect":               {endpoint(orguserstest.Redirect(http.StatusTemporaryRedirect, "/v3/user-session")), "answered 307", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, tokens, client, kept := signedIn(t)
			secrets := []string{server.RefreshToken(), server.OAuthToken(), orguserstest.OAuthClientSecret, "hunter2"}
			test.spoil(server, tokens)
			_, err := client.ListUsers(t.Context(), nil)
			failure, ok := errors.AsType[*renewalError](err)
			if !ok || !strings.Contains(failure.Error(), test.says) || errors.Is(err, orgusers.ErrUnauthorized) != test.unauthorized {
				t.Fatalf("got %v, want a renewalError that says %q", err, test.says)
			}
			if len(server.Requests()) != 1 || kept.AccessToken != "" {
				t.Errorf("%d requests, want that for a token alone", len(server.Requests()))
			}
			for _, secret := range secrets {
				if shown := fmt.Sprintf("%v %+v %#v %v %+v", err, err, err, failure, failure.cause); strings.Contains(shown, secret) {
					t.Errorf("the error shows a secret: %s", strings.ReplaceAll(shown, secret, "[it]"))
				}
			}
		})
	}
}
