package orgusers_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func ExampleNewFromEnv() {
	server := orguserstest.NewServer()                                     // a fake of the API, with 25 made-up users
	_ = os.Setenv("CONTENTSTACK_ORGANIZATION_UID", server.OrganizationUID) // a shell does this
	_ = os.Setenv("CONTENTSTACK_AUTHTOKEN", server.AuthToken)
	_ = os.Setenv("CONTENTSTACK_BASE_URL", server.URL)

	client, err := orgusers.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}
	page, err := client.ListUsers(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Count, "users")
	// Output: 25 users
}

func ExampleWithTokenSource() {
	server := orguserstest.NewServer() // a fake of the API, with 25 made-up users

	source := &keptToken{renew: func(context.Context) (string, time.Time, error) {
		return server.RotateOAuthToken(), time.Now().Add(time.Hour), nil // a program requests a token
	}}
	client, err := orgusers.New(server.OrganizationUID, orgusers.WithTokenSource(source), orgusers.WithBaseURL(server.URL))
	if err != nil {
		log.Fatal(err)
	}
	page, err := client.ListUsers(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Count, "users")
	// Output: 25 users
}

// keptToken is a token source that keeps its token until shortly before it expires, or
// until the server rejects it.
type keptToken struct {
	renew func(context.Context) (token string, expires time.Time, err error)

	mu      sync.Mutex
	token   string
	expires time.Time
}

func (k *keptToken) Token(ctx context.Context) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var err error
	if time.Until(k.expires) < time.Minute {
		k.token, k.expires, err = k.renew(ctx)
	}
	return k.token, err
}

func (k *keptToken) Invalidate(token string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.token == token {
		k.expires = time.Time{}
	}
}

func ExampleWithRateLimits() {
	server := orguserstest.NewServer() // a fake of the API, with 25 made-up users

	// Half of each of the organization's limits: other programs use it too.
	client, err := orgusers.New(server.OrganizationUID,
		append(server.Options(), orgusers.WithRateLimits(orgusers.RateLimits{Share: 0.5}))...)
	if err != nil {
		log.Fatal(err)
	}
	page, err := client.ListUsers(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Count, "users")
	// Output: 25 users
}

func ExampleWithLogger() {
	server := orguserstest.NewServer() // a fake of the API, with 25 made-up users

	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "duration" || a.Key == "request_id" {
				return slog.Attr{} // different each time
			}
			return a
		},
	}))
	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), orgusers.WithLogger(logger))...)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.FindUsers(context.Background(), []string{"stranger@example.com"}); err != nil {
		log.Fatal(err)
	}
	// Output: level=DEBUG msg="orgusers: attempt" op=FindUsers method=POST path=/v3/organizations/{organization_uid}/share/search attempt=1 status=200
}

// A span or a metric for each request, named after the operation.
func ExampleAttemptFromContext() {
	server := orguserstest.NewServer() // a fake of the API, with 25 made-up users

	traced := transportFunc(func(r *http.Request) (*http.Response, error) {
		response, err := http.DefaultTransport.RoundTrip(r)
		attempt, _ := orgusers.AttemptFromContext(r.Context())
		if err == nil {
			fmt.Println(attempt.Op, r.Method, attempt.Path, attempt.Number, response.StatusCode)
		}
		return response, err
	})
	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), orgusers.WithHTTPClient(&http.Client{Transport: traced}))...)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.FindUsers(context.Background(), []string{"stranger@example.com"}); err != nil {
		log.Fatal(err)
	}
	// Output: FindUsers POST /v3/organizations/{organization_uid}/share/search 1 200
}

// transportFunc is a function as a transport.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
