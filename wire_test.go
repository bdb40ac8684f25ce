package orgusers_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// serve starts a server and makes a client for it.
func serve(t *testing.T, handler http.HandlerFunc, opts ...orgusers.Option) *orgusers.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client, err := orgusers.New("blt1", append([]orgusers.Option{
		orgusers.WithBaseURL(server.URL + "/below/a/path"),
		orgusers.WithAuthToken(token),
		orgusers.WithRateLimits(orgusers.RateLimits{Reads: 1e6, Writes: 1e6}),
		orgusers.WithRetry(orgusers.RetryPolicy{BaseDelay: time.Microsecond, MaxDelay: time.Microsecond}),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestRequestHeaders(t *testing.T) {
	t.Parallel()
	headers := make(chan http.Header, 1)
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		headers <- r.Header
		_, _ = w.Write([]byte(`{}`))
	}, orgusers.WithUserAgent("offboarding/1.4"))

	call := orgusers.Request{
		Method: http.MethodPost, Path: "/organizations/{organization_uid}/things",
		Header: http.Header{"api_key": {"blt9"}}, Body: map[string]string{"a": "b"},
	}
	if err := client.Do(t.Context(), call, nil); err != nil {
		t.Fatal(err)
	}
	got := <-headers
	for name, want := range map[string]string{
		"Authtoken": token, "Authorization": "", "Content-Type": "application/json", "Accept": "application/json",
		"Api_key": "blt9", "Organization_uid": "blt1",
	} {
		if got.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Get(name), want)
		}
	}
	for _, name := range []string{"User-Agent", "X-User-Agent"} {
		if !strings.HasPrefix(got.Get(name), "offboarding/1.4 orgusers/") {
			t.Errorf("%s is %q", name, got.Get(name))
		}
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	var reached atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached.Store(true)
		t.Errorf("another origin got %s %s with %v", r.Method, r.URL, r.Header)
		_, _ = w.Write([]byte(`{"organization":{"uid":"stolen"}}`))
	}))
	t.Cleanup(other.Close)

	tests := []struct {
		name, kind string
		code       int
		to         func(origin string) string
		says       string // empty: it is followed
	}{
		{"read within the origin", "read", 302, func(string) string { return "/moved" }, ""},
		{"read within the origin, method kept", "read by POST", 307, func(string) string { return "/moved" }, ""},
		{"read to another port", "read", 302, func(string) string { return other.URL + "/moved" }, "another origin"},
		{"read to another port for good", "read", 308, func(string) string { return other.URL + "/moved" }, "another origin"},
		{"read to another host", "read", 307, func(string) string { return "http://localhost.example.com/" }, "another origin"},
		{"read to another scheme", "read", 302, func(o string) string { return "https" + strings.TrimPrefix(o, "http") }, "another origin"},
		{"read to the origin with a user", "read", 302, func(o string) string { return strings.Replace(o, "http://", "http://a:b@", 1) + "/moved" }, "another origin"},
		{"read that would lose its body", "read by POST", 302, func(string) string { return "/moved" }, "method"},
		{"read without end", "read", 302, func(string) string { return "/again" }, "five"},
		{"read to nowhere", "read", 302, func(string) string { return "" }, "leads nowhere"},
		{"write", "write", 307, func(string) string { return "/moved" }, "not redirected"},
		{"write by GET", "write by GET", 302, func(string) string { return "/moved" }, "not redirected"},
		{"write to another origin", "write", 307, func(string) string { return other.URL }, "not redirected"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authtoken") != token {
					t.Errorf("%s came without the token", r.URL)
				}
				if r.URL.Path == "/moved" {
					_, _ = w.Write([]byte(`{"organization":{"uid":"blt1"}}`))
					return
				}
				if to := tt.to("http://" + r.Host); to != "" {
					w.Header().Set("Location", to)
				}
				w.WriteHeader(tt.code)
			})
			err := kinds[tt.kind](t.Context(), client)
			if tt.says == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var failure *orgusers.Error
			if !errors.As(err, &failure) || failure.StatusCode != tt.code || !strings.Contains(failure.Message, tt.says) {
				t.Fatalf("got %v, want an *Error with %d that says %q", err, tt.code, tt.says)
			}
			if strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("the error tells where it leads: %v", err)
			}
		})
	}
}

// The caller's CheckRedirect is asked about what would be followed, and its
// refusal is an answer like any other.
func TestRedirectRefusedByCaller(t *testing.T) {
	t.Parallel()
	var served atomic.Int64
	client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		w.Header().Set("Location", "/moved")
		w.WriteHeader(http.StatusFound)
	}, orgusers.WithHTTPClient(&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("no") }}))
	_, err := client.GetOrganization(t.Context(), nil)
	var failure *orgusers.Error
	if !errors.As(err, &failure) || failure.StatusCode != http.StatusFound || !strings.Contains(failure.Message, "CheckRedirect") || served.Load() != 1 {
		t.Errorf("got %v after %d requests", err, served.Load())
	}
}

// net/http repeats a GET by itself when a reused connection drops. A GET that
// mails must not be.
func TestReusedConnectionDrops(t *testing.T) {
	t.Parallel()
	for kind, call := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var served, dropped atomic.Int64
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if served.Add(1) == 1 {
					_, _ = w.Write([]byte(`{"organization":{"uid":"blt1"}}`)) // the connection is kept
					return
				}
				dropped.Add(1)
				connection, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				if tcp, ok := connection.(*net.TCPConn); ok {
					_ = tcp.SetLinger(0) // reset
				}
				_ = connection.Close()
			}, orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 1}))
			if err := call(t.Context(), client); err != nil {
				t.Fatal(err)
			}
			err := call(t.Context(), client)
			write := strings.HasPrefix(kind, "write")
			if err == nil || errors.Is(err, orgusers.ErrOutcomeUnknown) != write {
				t.Errorf("got %v", err)
			}
			if write && dropped.Load() != 1 {
				t.Errorf("the server saw it %d times, want once", dropped.Load())
			}
		})
	}
}

// A failed call must not cost the connections of others.
func TestPoolSurvivesFailure(t *testing.T) {
	t.Parallel()
	var connections sync.Map
	var opened atomic.Int64
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if _, known := connections.LoadOrStore(r.RemoteAddr, true); !known {
			opened.Add(1)
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	for range 5 {
		if _, err := client.GetOrganization(t.Context(), nil); !errors.Is(err, orgusers.ErrServer) {
			t.Fatal(err)
		}
	}
	if opened.Load() != 1 {
		t.Errorf("%d connections were opened, want 1", opened.Load())
	}
}

// One client, every option, 32 goroutines; the race detector is the judge.
func TestSharedByGoroutines(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewServer(orguserstest.WithUsers(300))
	t.Cleanup(server.Close)
	var log lockedBuffer
	client, err := orgusers.New(server.OrganizationUID,
		orgusers.WithBaseURL(server.URL),
		orgusers.WithTokenSource(tokens(server.OAuthToken())),
		orgusers.WithHTTPClient(&http.Client{Timeout: time.Minute}),
		orgusers.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 3}),
		orgusers.WithRateLimits(orgusers.RateLimits{Reads: 1e6, Writes: 1e6, Bulk: 1e6}),
		orgusers.WithRateLimiters(orgusers.RateLimiters{Writes: unlimited{}}),
		orgusers.WithUserAgent("test/1"),
	)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 32 {
		wait.Go(func() {
			users := 0
			for _, err := range client.Users(t.Context(), nil) {
				if err != nil {
					t.Error(err)
					return
				}
				users++
			}
			if users != 300 {
				t.Errorf("%d users, want 300", users)
			}
			if _, err := client.ExportCSV(t.Context(), new(bytes.Buffer), nil); err != nil {
				t.Error(err)
			}
			if _, err := client.GetUser(t.Context(), server.Email); err != nil {
				t.Error(err)
			}
			if _, err := client.RoleByName(t.Context(), "admin"); err != nil {
				t.Error(err)
			}
			if other, err := client.ForOrganization(server.SecondOrganizationUID); err != nil {
				t.Error(err)
			} else if _, err := other.GetOrganization(t.Context(), nil); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	for _, secret := range []string{server.OAuthToken(), server.Email, "%40"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log shows %q", secret)
		}
	}
	for _, word := range []string{"op=ListUsers", "path=/v3/organizations/{organization_uid}/share", "status=200", "attempt=1", "duration="} {
		if !strings.Contains(log.String(), word) {
			t.Errorf("the log lacks %q", word)
		}
	}
}

type unlimited struct{}

func (unlimited) Wait(context.Context) error { return nil }

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
