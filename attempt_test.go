package orgusers_test

import (
	"fmt"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// Whatever is sent can be named by its context, which says nothing of what is
// in it.
func TestAttemptOfEveryOperation(t *testing.T) {
	t.Parallel()
	parameter := regexp.MustCompile(`\\\{[a-z_]+\\\}`)
	for name, operation := range scannedOperations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := orguserstest.NewUnstartedServer(orguserstest.WithPeople(crowd()...))
			defer server.Close()
			authToken := server.SignIn("owner@example.com")
			_, all := vaults(server, authToken)
			all["the organization"] = server.OrganizationUID
			for _, user := range server.Users() {
				all["the share of "+user.Email] = user.ShareUID
			}
			var sent atomic.Int64
			transport := roundTripper(func(r *http.Request) (*http.Response, error) {
				sent.Add(1)
				attempt, ok := orgusers.AttemptFromContext(r.Context())
				path := parameter.ReplaceAllString(regexp.QuoteMeta(attempt.Path), "[^/]+")
				if !ok || attempt.Op == "" || attempt.Number != 1 || !regexp.MustCompile("^"+path+"$").MatchString(r.URL.Path) {
					t.Errorf("%s %s is called %+v, %v", r.Method, r.URL.Path, attempt, ok)
				}
				all.scan(t, name, "the attempt", fmt.Sprintf("%+v", attempt))
				return server.Transport().RoundTrip(r)
			})
			_, err := runScanned(t.Context(), t, server, name, operation, []orgusers.Option{
				orgusers.WithBaseURL("http://127.0.0.1"),
				orgusers.WithHTTPClient(&http.Client{Transport: transport}),
				orgusers.WithRateLimits(orgusers.RateLimits{Bulk: 1e6}),
				orgusers.WithEndpoints(server.Endpoints()),
			}, authToken, false, false)
			if sent.Load() == 0 { // what came of it is of no matter
				t.Errorf("nothing was sent: %v", err)
			}
		})
	}
}

func TestAttemptsAreCounted(t *testing.T) {
	t.Parallel()
	var seen []string
	answers := []answer{status(503), body(302, "", "Location", "/elsewhere"), status(401), good}
	next := 0
	client, err := orgusers.New("blt1", orgusers.WithTokenSource(tokens("a")), soon, orgusers.WithHTTPClient(&http.Client{
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			attempt, _ := orgusers.AttemptFromContext(r.Context())
			seen = append(seen, fmt.Sprintf("%s %s %d", attempt.Op, attempt.Path, attempt.Number))
			next++
			return answers[next-1](r)
		}),
	}))
	if err != nil {
		t.Fatal(err)
	}
	if attempt, ok := orgusers.AttemptFromContext(t.Context()); ok || attempt != (orgusers.Attempt{}) {
		t.Errorf("there is an attempt %+v where nothing is sent", attempt)
	}
	if err := client.Do(t.Context(), orgusers.Request{Op: "look", Path: "/things/{thing}", PathValues: map[string]string{"thing": "blt7"}, ReadOnly: true}, nil); err != nil {
		t.Fatal(err)
	}
	want := []string{"look /v3/things/{thing} 1", "look /v3/things/{thing} 2", "look /v3/things/{thing} 2", "look /v3/things/{thing} 3"}
	if !slices.Equal(seen, want) {
		t.Errorf("got  %q\nwant %q", seen, want)
	}
}

// The caller's hooks are called beside those of this package, for each attempt.
func TestHTTPTrace(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithFault(orguserstest.Fault{Times: 1, Effect: orguserstest.Reset()}))
	client := fakeClient(t, server)
	var hosts, got, reused, wrote, answered atomic.Int64
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GetConn: func(host string) {
			if strings.HasSuffix(server.URL, host) {
				hosts.Add(1)
			}
		},
		GotConn: func(connection httptrace.GotConnInfo) {
			got.Add(1)
			if connection.Reused {
				reused.Add(1)
			}
		},
		WroteRequest:         func(httptrace.WroteRequestInfo) { wrote.Add(1) },
		GotFirstResponseByte: func() { answered.Add(1) },
	})
	for range 2 {
		if _, err := client.ListUsers(ctx, nil); err != nil {
			t.Fatal(err)
		}
	}
	type counts struct{ hosts, got, reused, wrote, answered int64 }
	if seen := (counts{hosts.Load(), got.Load(), reused.Load(), wrote.Load(), answered.Load()}); seen != (counts{3, 3, 1, 3, 2}) {
		t.Errorf("got %+v", seen)
	}
}
