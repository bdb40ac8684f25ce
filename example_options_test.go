package orgusers_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// shell sets the variables that lead to a server, and returns what clears them.
func shell(server *orguserstest.Server) func() {
	variables := map[string]string{
		"CONTENTSTACK_ORGANIZATION_UID": server.OrganizationUID,
		"CONTENTSTACK_AUTHTOKEN":        server.AuthToken,
		"CONTENTSTACK_BASE_URL":         server.URL,
	}
	for name, value := range variables {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	return func() {
		for name := range variables {
			if err := os.Unsetenv(name); err != nil {
				panic(err)
			}
		}
	}
}

func ExampleNewFromEnv() {
	server, _ := staff()
	leave := shell(server) // CONTENTSTACK_ORGANIZATION_UID, _AUTHTOKEN and _BASE_URL are set

	client, err := orgusers.NewFromEnv()
	leave()
	if err != nil {
		log.Fatal(err)
	}
	user, err := client.GetUser(context.Background(), "max@example.com")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.FirstName)
	// Output: Max
}

func ExampleParseRegion() {
	region, err := orgusers.ParseRegion("AWS_EU")
	fmt.Println(region, err)
	_, err = orgusers.ParseRegion("moon")
	fmt.Println(errors.Is(err, orgusers.ErrInvalid))
	// Output:
	// eu <nil>
	// true
}

func ExampleWithAuthToken() {
	_, err := orgusers.New("blt1a2b3c4d5e6f7081", orgusers.WithAuthToken(token+"\n"))
	fmt.Println(err)
	// Output: orgusers: invalid: the authtoken has a space, a line break or another character that it cannot have (was it read from a file with its newline?)
}

func ExampleWithRegion() {
	client, err := orgusers.New("blt1a2b3c4d5e6f7081", orgusers.WithAuthToken(token), orgusers.WithRegion(orgusers.RegionAzureNA))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.BaseURL())
	// Output: https://azure-na-api.contentstack.com
}

func ExampleWithBaseURL() {
	client, err := orgusers.New("blt1a2b3c4d5e6f7081", orgusers.WithAuthToken(token), orgusers.WithBaseURL("https://gateway.example.com/contentstack"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.BaseURL())
	// Output: https://gateway.example.com/contentstack
}

// keptToken is a token source that keeps its token until shortly before it ends.
type keptToken struct {
	renew func(context.Context) (token string, ends time.Time, err error)

	mu    sync.Mutex // many goroutines ask
	token string
	ends  time.Time
}

func (k *keptToken) Token(ctx context.Context) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var err error
	if time.Until(k.ends) < time.Minute {
		k.token, k.ends, err = k.renew(ctx)
	}
	return k.token, err
}

func ExampleWithTokenSource() {
	server, _ := staff()

	source := &keptToken{renew: func(context.Context) (string, time.Time, error) {
		return server.RotateOAuthToken(), time.Now().Add(time.Hour), nil // a request for a token, in a program
	}}
	client, err := orgusers.New(server.OrganizationUID, orgusers.WithTokenSource(source), orgusers.WithBaseURL(server.URL))
	if err != nil {
		log.Fatal(err)
	}
	user, err := client.CurrentUser(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.FirstName)
	// Output: Ada
}

func ExampleWithLimits() {
	server, _ := staff()

	// Never more than half of the organization's ten reads a second, for the
	// deployments that run beside us.
	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), orgusers.WithLimits(orgusers.Limits{Reads: 5}))...)
	if err != nil {
		log.Fatal(err)
	}
	page, err := client.ListUsers(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Count)
	// Output: 4
}

func ExampleWithLimiters() {
	server, _ := staff()

	// One limiter for all that this process does to the organization.
	reads := rate.NewLimiter(8, 1)
	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), orgusers.WithLimiters(orgusers.Limiters{Reads: reads}))...)
	if err != nil {
		log.Fatal(err)
	}
	page, err := client.ListUsers(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Count)
	// Output: 4
}

func ExampleWithRetry() {
	server, _ := staff()
	server.AddFault(orguserstest.Fault{Effect: orguserstest.Status(http.StatusServiceUnavailable)})

	// Somebody waits for the answer: two attempts are enough.
	client, err := orgusers.New(server.OrganizationUID,
		append(server.Options(), orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 2, MinWait: time.Millisecond}))...)
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.ListUsers(context.Background(), nil)
	fmt.Println(errors.Is(err, orgusers.ErrServer), len(server.Requests()))
	// Output: true 2
}

func ExampleWithHTTPClient() {
	server, _ := staff()

	// Requests through a proxy of our own, with the rest as net/http has it.
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 20
	transport.Proxy = http.ProxyFromEnvironment // or http.ProxyURL
	client, err := orgusers.New(server.OrganizationUID,
		append(server.Options(), orgusers.WithHTTPClient(&http.Client{Transport: transport, Timeout: time.Minute}))...)
	if err != nil {
		log.Fatal(err)
	}
	page, err := client.ListUsers(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Count)
	// Output: 4
}

func ExampleWithLogger() {
	server, _ := staff()

	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "duration" {
				return slog.Attr{} // another one each time
			}
			return a
		},
	}))
	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), orgusers.WithLogger(logger))...)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.FindUsers(context.Background(), "max@example.com"); err != nil {
		log.Fatal(err)
	}
	// Output: level=DEBUG msg="orgusers: attempt" op=FindUsers method=POST path=/v3/organizations/{organization_uid}/share/search attempt=1 status=200
}

func ExampleWithUserAgent() {
	server, _ := staff()

	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), orgusers.WithUserAgent("offboarding/1.4"))...)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.ListUsers(context.Background(), nil); err != nil {
		log.Fatal(err)
	}
	product, _, _ := strings.Cut(server.Requests()[0].Header.Get("User-Agent"), " ")
	fmt.Println(product) // and then this package
	// Output: offboarding/1.4
}

func ExampleDefaultColumns() {
	for _, column := range orgusers.DefaultColumns() {
		fmt.Println(column.Header)
	}
	// Output:
	// Email
	// First Name
	// Last Name
	// Organization Roles
	// Status
	// MFA
	// Invited By
	// Invited At
	// Last Login At
	// User UID
	// Created At
	// Updated At
}

func ExampleCSDXColumns() {
	ada := &orgusers.User{Email: "ada@example.com", Status: orgusers.StatusAccepted, Roles: []orgusers.RoleRef{{Name: "Admin"}}}
	for _, column := range orgusers.CSDXColumns() {
		fmt.Println(strings.TrimSpace(column.Header + ": " + column.Value(ada)))
	}
	// Output:
	// Email: ada@example.com
	// User UID:
	// Organization Role: Admin
	// Status: accepted
	// Invited By: System
	// Created Time:
	// Updated Time:
}
