package faults_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"sync"
	"testing"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

var withoutDelays = orgusers.WithRetry(orgusers.RetryPolicy{BaseDelay: time.Microsecond, MaxDelay: time.Microsecond})

// askedTokens counts how often a token is asked for.
type askedTokens struct{ asked int }

func (s *askedTokens) Token(context.Context) (string, error) {
	s.asked++
	return token, nil
}

// The context of a request has the attempt, and counts retries and new tokens. The hooks
// of the caller's context are called for each, and so is the token source.
func TestAttemptsAreNumbered(t *testing.T) {
	t.Parallel()
	if attempt, ok := orgusers.AttemptFromContext(t.Context()); ok {
		t.Errorf("there is an attempt %+v before anything is sent", attempt)
	}
	s := &script{responses: []roundTripper{status(503), status(401), good}}
	var seen []orgusers.Attempt
	var hooked []string
	source := new(askedTokens)
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GetConn: func(host string) { hooked = append(hooked, host) }})
	client := newClient(t, roundTripper(func(r *http.Request) (*http.Response, error) {
		httptrace.ContextClientTrace(r.Context()).GetConn("api")
		attempt, _ := orgusers.AttemptFromContext(r.Context())
		seen = append(seen, attempt)
		return s.RoundTrip(r)
	}), orgusers.WithTokenSource(source), withoutDelays)
	if err := client.Do(ctx, orgusers.Request{Op: "look", Path: "/things/{thing}", PathValues: map[string]string{"thing": "blt7"}, ReadOnly: true}, nil); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 3 || len(hooked) != 3 || source.asked != 3 {
		t.Fatalf("%d attempts were made, the hooks saw %d, and %d tokens were asked for, want 3", len(seen), len(hooked), source.asked)
	}
	for i, attempt := range seen {
		if want := (orgusers.Attempt{Op: "look", Path: "/v3/things/{thing}", Number: i + 1}); attempt != want {
			t.Errorf("got %+v, want %+v", attempt, want)
		}
	}
}

// One client with every option is used by many goroutines, for the race detector.
func TestSharedByGoroutines(t *testing.T) {
	t.Parallel()
	fake := orguserstest.NewServer(orguserstest.WithUsers(300))
	t.Cleanup(fake.Close)
	var log bytes.Buffer // which the handler locks
	client, err := orgusers.New(fake.OrganizationUID,
		orgusers.WithBaseURL(fake.URL), orgusers.WithTokenSource(tokens(fake.OAuthToken())),
		orgusers.WithHTTPClient(&http.Client{Timeout: time.Minute}),
		orgusers.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 3}), withoutLimits,
		orgusers.WithRateLimiters(orgusers.RateLimiters{Writes: new(count)}),
		orgusers.WithEndpoints(fake.Endpoints()), orgusers.WithUserAgent("test/1"),
	)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			users, err := orgusers.Collect(client.Users(t.Context(), nil))
			if err != nil || len(users) != 300 {
				t.Errorf("%d users and %v, want 300", len(users), err)
			}
			other, err := client.ForOrganization(fake.SecondOrganizationUID)
			if err != nil {
				t.Error(err)
				return
			}
			for _, use := range []func() error{
				func() error { _, err := client.ExportCSV(t.Context(), io.Discard, nil); return err },
				func() error { _, err := client.GetUser(t.Context(), fake.Email); return err },
				func() error { _, err := client.GetRole(t.Context(), "admin"); return err },
				func() error { return getOrganization(t.Context(), other) },
				func() error { return inviteStranger(t.Context(), client, i) },
			} {
				if err := use(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	if log.Len() == 0 {
		t.Error("nothing was logged")
	}
}

func inviteStranger(ctx context.Context, client *orgusers.Client, i int) error {
	_, err := client.Invite(ctx, []orgusers.Invitee{{Email: operations.Stranger(i), Roles: []string{"member"}}}, nil)
	return err
}
