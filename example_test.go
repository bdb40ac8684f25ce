package orgusers_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// exampleServer starts a fake of the API with a small organization.
func exampleServer() *orguserstest.Server {
	january := time.Date(2026, time.January, 12, 0, 0, 0, 0, time.UTC)
	return orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "olga@example.com", FirstName: "Olga", LastName: "Owner", Owner: true, LastLogin: january.AddDate(0, -7, 0)},
		orguserstest.Person{Email: "ada@example.com", FirstName: "Ada", LastName: "Lovelace", Roles: []string{"Admin"}, LastLogin: january},
		orguserstest.Person{Email: "grace@example.com", FirstName: "Grace", LastName: "Hopper", LastLogin: january.AddDate(0, 0, -1)},
		orguserstest.Person{Email: "alan@example.com", Pending: true},
		orguserstest.Person{Email: "mia@example.org", FirstName: "Mia", LastName: "Factor", MFA: true},
	))
}

func ExampleNew() {
	server := exampleServer()
	ctx := context.Background()

	client, err := orgusers.New(server.OrganizationUID,
		orgusers.WithAuthToken(server.AuthToken),
		orgusers.WithBaseURL(server.URL), // a program uses orgusers.WithRegion(orgusers.RegionEU), for example
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

	// Members, those who were seen last first.
	opts := &orgusers.ListUsersOptions{
		Status: orgusers.StatusAccepted,
		Sort:   orgusers.Sort{By: orgusers.SortByLastLogin, Descending: true},
	}
	for user, err := range client.Users(ctx, opts) {
		if err != nil {
			log.Fatal(err) // the list is not complete
		}
		seen, ok := user.LastSeen()
		if !ok {
			fmt.Println(user.Email, "was never seen")
			continue
		}
		fmt.Println(user.Email, seen.Format(time.DateOnly), user.IsAdministrator())
	}
	// Output:
	// ada@example.com 2026-01-12 true
	// grace@example.com 2026-01-11 false
	// olga@example.com 2025-06-12 true
	// mia@example.org was never seen
}

func ExampleClient_GetUser() {
	server := exampleServer()
	ctx := context.Background()
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	user, err := client.GetUser(ctx, "Grace@Example.com") // letter case does not matter
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.FirstName, user.LastName)
	_, err = client.GetUser(ctx, "stranger@example.com")
	if errors.Is(err, orgusers.ErrNotFound) {
		fmt.Println("neither a member nor invited")
	}
	// Output:
	// Grace Hopper
	// neither a member nor invited
}

// Members as CSV, with a column of one's own.
func ExampleClient_ExportCSV() {
	server := exampleServer()
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	domain := orgusers.Column{Header: "Domain", Value: func(u *orgusers.User) string {
		_, domain, _ := strings.Cut(u.Email, "@")
		return domain
	}}
	summary, err := client.ExportCSV(context.Background(), os.Stdout, &orgusers.ExportOptions{
		Columns: append(orgusers.DefaultColumns()[:4], domain),
		Filter:  func(u *orgusers.User) bool { return u.Status == orgusers.StatusAccepted },
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(summary.Rows, "of", summary.Users)
	// Output:
	// Email,First Name,Last Name,Organization Roles,Domain
	// ada@example.com,Ada,Lovelace,admin,example.com
	// grace@example.com,Grace,Hopper,member,example.com
	// mia@example.org,Mia,Factor,member,example.org
	// olga@example.com,Olga,Owner,Owner,example.com
	// 4 of 5
}

// Which of these addresses are in the organization.
func ExampleClient_FindUsers() {
	server := exampleServer()
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	users, err := client.FindUsers(context.Background(), []string{"alan@example.com", "stranger@example.com", "ada@example.com"})
	if err != nil {
		log.Fatal(err)
	}
	for _, user := range users {
		fmt.Println(user.Email, user.Status)
	}
	// Output:
	// alan@example.com pending
	// ada@example.com accepted
}

func ExampleLogin() {
	server := exampleServer()
	ctx := context.Background()

	credentials := orgusers.Credentials{Email: "mia@example.org", Password: orguserstest.Password}
	session, err := orgusers.Login(ctx, credentials, orgusers.WithBaseURL(server.URL))
	if failure, ok := errors.AsType[*orgusers.Error](err); ok && errors.Is(err, orgusers.ErrMFARequired) {
		fmt.Println("needs", failure.MFAType)
		credentials.MFACode = orguserstest.MFACode // ask the user for it
		session, err = orgusers.Login(ctx, credentials, orgusers.WithBaseURL(server.URL))
	}
	if err != nil {
		log.Fatal(err)
	}
	client, err := orgusers.New(server.OrganizationUID, orgusers.WithAuthToken(session.AuthToken()), orgusers.WithBaseURL(server.URL))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("logged in as", session.User.FirstName)
	if err := client.Logout(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// needs totp_authenticator
	// logged in as Mia
}

// A program that has credentials, but no organization yet.
func ExampleOrganizations() {
	server := exampleServer()
	ctx := context.Background()

	organizations, err := orgusers.Collect(orgusers.Organizations(ctx,
		orgusers.WithAuthToken(server.AuthToken), orgusers.WithBaseURL(server.URL)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(organizations[0].Name, "and", organizations[1].Name)
	// Output: Example Media and Example Labs
}

// Do sends a request that the package has no method for.
func ExampleClient_Do() {
	server := exampleServer()
	ctx := context.Background()
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	var response struct {
		Roles []struct {
			Description string `json:"description"`
		} `json:"roles"`
	}
	err = client.Do(ctx, orgusers.Request{
		Op:       "first role",
		Path:     "/organizations/{organization_uid}/roles",
		Query:    map[string][]string{"limit": {"1"}, "asc": {"created_at"}},
		ReadOnly: true, // so that it may be retried
	}, &response)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.Roles[0].Description)
	// Output: Administrators of the organization
}

func ExampleError() {
	server := exampleServer()
	ctx := context.Background()
	client, err := orgusers.New(server.OrganizationUID,
		orgusers.WithAuthToken("blt0000000000000000"), // a session that has ended
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
