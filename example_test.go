package orgusers_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func ExampleNew() {
	server := exampleServer()
	ctx := context.Background()

	client, err := orgusers.New(server.OrganizationUID,
		orgusers.WithAuthToken(server.AuthToken),
		orgusers.WithBaseURL(server.URL), // a program says orgusers.WithRegion(orgusers.RegionEU), say
	)
	if err != nil {
		log.Fatal(err)
	}
	organization, err := client.GetOrganization(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(organization.Name)
	// Output: Example Media
}

func ExampleClient_Users() {
	server := exampleServer()
	ctx := context.Background()
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	opts := &orgusers.ListUsersOptions{Sort: orgusers.Sort{By: orgusers.SortByEmail}}
	for user, err := range client.Users(ctx, opts) {
		if err != nil {
			log.Fatal(err) // then the list is not complete
		}
		fmt.Println(user.Email, user.Status)
	}
	// Output:
	// ada@example.com accepted
	// alan@example.com pending
	// grace@example.com accepted
	// mia@example.org accepted
	// olga@example.com accepted
}

func ExampleUser() {
	server := exampleServer()
	ctx := context.Background()
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	for user, err := range client.Users(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		var roles []string
		for _, role := range user.Roles {
			roles = append(roles, role.Name)
		}
		if user.Owner { // who may have no role
			roles = append(roles, "owner")
		}
		seen := "never" // or it is not known: the zero time is either
		if !user.LastLoginAt.IsZero() {
			seen = user.LastLoginAt.Format(time.DateOnly)
		}
		fmt.Println(user.Email, user.Status, roles, seen)
	}
	// Output:
	// olga@example.com accepted [owner] 2025-06-02
	// ada@example.com accepted [Admin] 2026-01-12
	// grace@example.com accepted [member] 2026-01-11
	// alan@example.com pending [member] never
	// mia@example.org accepted [member] never
}

func ExampleListUsersOptions() {
	server := exampleServer()
	ctx := context.Background()
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	// Members of one domain, those who were seen last first.
	opts := &orgusers.ListUsersOptions{
		Search: "example.com",
		Status: orgusers.StatusAccepted,
		Sort:   orgusers.Sort{By: orgusers.SortByLastLogin, Descending: true},
	}
	for user, err := range client.Users(ctx, opts) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(user.Email, user.LastLoginAt.Format(time.DateOnly))
	}
	// Output:
	// ada@example.com 2026-01-12
	// grace@example.com 2026-01-11
	// olga@example.com 2025-06-02
}

func ExampleClient_ListUsers() {
	server := exampleServer()
	ctx := context.Background()
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	page, err := client.ListUsers(ctx, &orgusers.ListUsersOptions{PageSize: 2, Skip: 1})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d of %d users, beginning with %s\n", len(page.Users), page.Count, page.Users[0].Email)
	// Output: 2 of 5 users, beginning with ada@example.com
}

func ExampleClient_FindUsers() {
	server := exampleServer()
	ctx := context.Background()
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	users, err := client.FindUsers(ctx, "Grace@Example.com", "nobody@example.com", "ada@example.com")
	if err != nil {
		log.Fatal(err)
	}
	for _, user := range users {
		fmt.Println(user.FirstName, user.LastName)
	}
	// Output:
	// Grace Hopper
	// Ada Lovelace
}

func ExampleClient_GetUser() {
	server := exampleServer()
	ctx := context.Background()
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	_, err = client.GetUser(ctx, "nobody@example.com")
	if errors.Is(err, orgusers.ErrNotFound) {
		fmt.Println("neither a member nor invited")
	}
	// Output: neither a member nor invited
}

func ExampleClient_RoleByName() {
	server := exampleServer()
	ctx := context.Background()
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	role, err := client.RoleByName(ctx, "ADMIN") // letter case does not matter
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(role.Description, len(role.Users))
	// Output: Admin Role 1
}

func ExampleLogin() {
	server := exampleServer()
	ctx := context.Background()

	credentials := orgusers.Credentials{Email: "mia@example.org", Password: orguserstest.Password}
	session, err := orgusers.Login(ctx, credentials, orgusers.WithBaseURL(server.URL))
	if failure, ok := errors.AsType[*orgusers.Error](err); ok && errors.Is(err, orgusers.ErrMFARequired) {
		fmt.Println("needs", failure.MFAType)
		credentials.MFACode = orguserstest.MFACode // ask for it
		session, err = orgusers.Login(ctx, credentials, orgusers.WithBaseURL(server.URL))
	}
	if err != nil {
		log.Fatal(err)
	}
	client, err := orgusers.New(server.OrganizationUID, orgusers.WithAuthToken(session.AuthToken), orgusers.WithBaseURL(server.URL))
	if err != nil {
		log.Fatal(err)
	}
	user, err := client.GetCurrentUser(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("logged in as", user.FirstName)
	if err := client.Logout(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// needs totp_authenticator
	// logged in as Mia
}

func ExampleClient_Do() {
	server := exampleServer()
	ctx := context.Background()
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	// Any request that the package has no method for.
	var answer struct {
		Roles []struct {
			Description string `json:"description"`
		} `json:"roles"`
	}
	err = client.Do(ctx, orgusers.Request{
		Op:       "first role",
		Path:     "/organizations/{organization_uid}/roles",
		Query:    map[string][]string{"limit": {"1"}, "asc": {"created_at"}},
		ReadOnly: true, // so that it may be repeated
	}, &answer)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Roles[0].Description)
	// Output: Admin Role
}

// A span or a metric of each request, named by what it is for.
func ExampleAttemptFromContext() {
	server := orguserstest.NewServer(orguserstest.WithRateLimit(10, 10))
	ctx := context.Background()
	traced := transportFunc(func(r *http.Request) (*http.Response, error) {
		attempt, _ := orgusers.AttemptFromContext(r.Context())
		fmt.Println(attempt.Op, r.Method, attempt.Path, attempt.Number)
		response, err := http.DefaultTransport.RoundTrip(r)
		if err == nil { // every answer has the headers of the limit, not only a 429
			fmt.Println(response.StatusCode, response.Header.Get("X-RateLimit-Remaining"), "left in this second")
		}
		return response, err
	})
	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), orgusers.WithHTTPClient(&http.Client{Transport: traced}))...)
	if err != nil {
		log.Fatal(err)
	}

	if _, err := client.FindUsers(ctx, "grace@example.com"); err != nil {
		log.Fatal(err)
	}
	// Output:
	// FindUsers POST /v3/organizations/{organization_uid}/share/search 1
	// 200 9 left in this second
}

// transportFunc is a function as a transport.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func ExampleError() {
	server := exampleServer()
	ctx := context.Background()
	client, err := orgusers.New(server.OrganizationUID,
		orgusers.WithAuthToken("blt0000000000000000"), // which has ended, say
		orgusers.WithBaseURL(server.URL),
	)
	if err != nil {
		log.Fatal(err)
	}

	_, err = client.ListUsers(ctx, nil)
	switch {
	case errors.Is(err, orgusers.ErrUnauthorized):
		fmt.Println("log in again")
	case errors.Is(err, orgusers.ErrForbidden):
		fmt.Println("ask an administrator")
	}
	if failure, ok := errors.AsType[*orgusers.Error](err); ok {
		fmt.Println(failure.Op, failure.StatusCode == http.StatusUnauthorized, failure.Code)
	}
	// Output:
	// log in again
	// ListUsers true 105
}

// exampleServer starts a fake of the API with a small organization.
func exampleServer() *orguserstest.Server {
	june := time.Date(2025, time.June, 2, 0, 0, 0, 0, time.UTC)
	january := time.Date(2026, time.January, 12, 0, 0, 0, 0, time.UTC)
	return orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "olga@example.com", FirstName: "Olga", LastName: "Owner", Owner: true, LastLogin: june},
		orguserstest.Person{Email: "ada@example.com", FirstName: "Ada", LastName: "Lovelace", Roles: []string{"Admin"}, LastLogin: january},
		orguserstest.Person{Email: "grace@example.com", FirstName: "Grace", LastName: "Hopper", LastLogin: january.AddDate(0, 0, -1)},
		orguserstest.Person{Email: "alan@example.com", Pending: true},
		orguserstest.Person{Email: "mia@example.org", FirstName: "Mia", LastName: "Factor", MFA: true},
	))
}
