package faults_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

// serve returns a client of a handler over sockets, below a path, which retries without
// delays.
func serve(t *testing.T, handler http.HandlerFunc, opts ...orgusers.Option) *orgusers.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client, err := orgusers.New("blt1", append([]orgusers.Option{
		orgusers.WithBaseURL(server.URL + "/below/a/path"), orgusers.WithAuthToken(token), fast, soon,
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

var soon = orgusers.WithRetry(orgusers.RetryPolicy{BaseDelay: time.Microsecond, MaxDelay: time.Microsecond})

// TestRedirects checks what the error of a redirect has: its reason, but not its location.
func TestRedirects(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("another origin got %s %s with %v", r.Method, r.URL, r.Header)
	}))
	t.Cleanup(other.Close)
	tests := []struct {
		name, kind string
		code       int
		location   string
		message    string // empty: it is followed
	}{
		{"within the origin", "a read", 302, "/moved", ""},
		{"within the origin, method kept", "a read by POST", 307, "/moved", ""},
		{"to another port", "a read", 302, other.URL + "/moved", "another origin"},
		{"without a location", "a read", 302, "", "without a usable location"},
		{"of a write", "a write", 307, "/moved", "not redirected"},
		{"of a write by GET", "a write by GET", 302, "/moved", "not redirected"},
		{"of a write to another origin", "a write", 307, other.URL, "not redirected"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authtoken") != token {
					t.Errorf("%s came without the token", r.URL)
				}
				if r.URL.Path == "/moved" {
					_, _ = w.Write([]byte(`{}`))
					return
				}
				if tt.location != "" {
					w.Header().Set("Location", tt.location)
				}
				w.WriteHeader(tt.code)
			})
			err := call(t.Context(), client, *byName("Do, " + tt.kind))
			if tt.message == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			failure, ok := errors.AsType[*orgusers.Error](err)
			if !ok || failure.StatusCode != tt.code || !strings.Contains(failure.Message, tt.message) {
				t.Fatalf("got %v, want an *Error with %d and %q", err, tt.code, tt.message)
			}
			if strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("the error has the location: %v", err)
			}
		})
	}
}

// The hooks of the caller's context are called for each attempt.
func TestHTTPTrace(t *testing.T) {
	t.Parallel()
	var served, got, reused, wrote, responded atomic.Int64
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if served.Add(1) == 1 {
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write([]byte(`{"organization":{"uid":"blt1"}}`))
	})
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GotConn: func(connection httptrace.GotConnInfo) {
			got.Add(1)
			if connection.Reused {
				reused.Add(1)
			}
		},
		WroteRequest:         func(httptrace.WroteRequestInfo) { wrote.Add(1) },
		GotFirstResponseByte: func() { responded.Add(1) },
	})
	for range 2 {
		if err := getOrganization(ctx, client); err != nil {
			t.Fatal(err)
		}
	}
	type hooks struct{ got, reused, wrote, responded int64 }
	if seen := (hooks{got.Load(), reused.Load(), wrote.Load(), responded.Load()}); seen != (hooks{3, 1, 3, 2}) {
		t.Errorf("got %+v", seen)
	}
}

// The context of a request has the attempt, and counts retries and new tokens.
func TestAttemptsAreNumbered(t *testing.T) {
	t.Parallel()
	if attempt, ok := orgusers.AttemptFromContext(t.Context()); ok {
		t.Errorf("there is an attempt %+v before anything is sent", attempt)
	}
	s := &script{responses: []roundTripper{status(503), status(401), good}}
	var seen []orgusers.Attempt
	client := newClient(t, roundTripper(func(r *http.Request) (*http.Response, error) {
		attempt, _ := orgusers.AttemptFromContext(r.Context())
		seen = append(seen, attempt)
		return s.RoundTrip(r)
	}), orgusers.WithTokenSource(tokens(token)), soon)
	if err := client.Do(t.Context(), orgusers.Request{Op: "look", Path: "/things/{thing}", PathValues: map[string]string{"thing": "blt7"}, ReadOnly: true}, nil); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 3 {
		t.Fatalf("%d attempts were made, want 3", len(seen))
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
	var log lockedBuffer
	client, err := orgusers.New(fake.OrganizationUID,
		orgusers.WithBaseURL(fake.URL), orgusers.WithTokenSource(tokens(fake.OAuthToken())),
		orgusers.WithHTTPClient(&http.Client{Timeout: time.Minute}),
		orgusers.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 3}), fast,
		orgusers.WithRateLimiters(orgusers.RateLimiters{Writes: new(count)}),
		orgusers.WithEndpoints(fake.Endpoints()), orgusers.WithUserAgent("test/1"),
	)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for i := range 32 {
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
				func() error { _, err := client.ExportCSV(t.Context(), new(bytes.Buffer), nil); return err },
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
	text := log.String()
	for _, secret := range []string{fake.OAuthToken(), fake.Email, "%40"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log has %q", secret)
		}
	}
	for _, word := range []string{"op=ListUsers", "path=/v3/organizations/{organization_uid}/share", "status=200", "attempt=1", "duration="} {
		if !strings.Contains(text, word) {
			t.Errorf("the log lacks %q", word)
		}
	}
}

func inviteStranger(ctx context.Context, client *orgusers.Client, i int) error {
	_, err := client.Invite(ctx, []orgusers.Invitee{{Email: operations.Stranger(i), Roles: []string{"member"}}}, nil)
	return err
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
