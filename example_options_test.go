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

func ExampleNewFromEnv() {
	server := orguserstest.NewServer() // a fake of the API, with 25 made-up users
	leave := shell(server)             // CONTENTSTACK_ORGANIZATION_UID, _AUTHTOKEN and _BASE_URL are set

	client, err := orgusers.NewFromEnv()
	leave()
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

func ExampleParseRegion() {
	region, err := orgusers.ParseRegion("AWS_EU")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(region)
	_, err = orgusers.ParseRegion("moon")
	fmt.Println("invalid:", errors.Is(err, orgusers.ErrInvalid))
	// Output:
	// eu
	// invalid: true
}

func ExampleWithAuthToken() {
	_, err := orgusers.New("blt1a2b3c4d5e6f7081", orgusers.WithAuthToken("blt0123456789abcdef\n"))
	fmt.Println(err)
	// Output: orgusers: invalid: the authtoken has a space, a line break or another character that it cannot have (was it read from a file with its newline?)
}

func ExampleWithRegion() {
	client, err := orgusers.New("blt1a2b3c4d5e6f7081",
		orgusers.WithAuthToken("blt0123456789abcdef"), orgusers.WithRegion(orgusers.RegionAzureNA))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.BaseURL())
	// Output: https://azure-na-api.contentstack.com
}

func ExampleWithBaseURL() {
	client, err := orgusers.New("blt1a2b3c4d5e6f7081",
		orgusers.WithAuthToken("blt0123456789abcdef"), orgusers.WithBaseURL("https://gateway.example.com/contentstack"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.BaseURL())
	// Output: https://gateway.example.com/contentstack
}

func ExampleWithTokenSource() {
	server := orguserstest.NewServer() // a fake of the API, with 25 made-up users

	source := &keptToken{renew: func(context.Context) (string, time.Time, error) {
		return server.RotateOAuthToken(), time.Now().Add(time.Hour), nil // a request for a token, in a program
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

// keptToken is a token source that keeps its token until shortly before it ends,
// for any number of goroutines.
type keptToken struct {
	renew func(context.Context) (token string, ends time.Time, err error)

	mu    sync.Mutex
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

func ExampleWithRateLimits() {
	server := orguserstest.NewServer() // a fake of the API, with 25 made-up users

	// Never more than half of the organization's ten reads a second, for the
	// deployments that run beside us.
	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), orgusers.WithRateLimits(orgusers.RateLimits{Reads: 5}))...)
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

func ExampleWithRateLimiters() {
	server := orguserstest.NewServer() // a fake of the API, with 25 made-up users

	// One limiter for all that this process does to the organization.
	reads := rate.NewLimiter(8, 1)
	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), orgusers.WithRateLimiters(orgusers.RateLimiters{Reads: reads}))...)
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

func ExampleWithRetry() {
	server := orguserstest.NewServer()                                                              // a fake of the API, with 25 made-up users
	server.AddFault(orguserstest.Fault{Effect: orguserstest.Status(http.StatusServiceUnavailable)}) // each time

	// Somebody waits for the answer: two attempts are enough.
	client, err := orgusers.New(server.OrganizationUID,
		append(server.Options(), orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 2, BaseDelay: time.Millisecond}))...)
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.ListUsers(context.Background(), nil)
	fmt.Println(errors.Is(err, orgusers.ErrServer), "after", len(server.Requests()), "attempts")
	// Output: true after 2 attempts
}

func ExampleWithHTTPClient() {
	server := orguserstest.NewServer() // a fake of the API, with 25 made-up users

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
	fmt.Println(page.Count, "users")
	// Output: 25 users
}

func ExampleWithLogger() {
	server := orguserstest.NewServer() // a fake of the API, with 25 made-up users

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
	if _, err := client.FindUsers(context.Background(), "somebody@example.com"); err != nil {
		log.Fatal(err)
	}
	// Output: level=DEBUG msg="orgusers: attempt" op=FindUsers method=POST path=/v3/organizations/{organization_uid}/share/search attempt=1 status=200
}

func ExampleWithUserAgent() {
	server := orguserstest.NewServer() // a fake of the API, with 25 made-up users

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
