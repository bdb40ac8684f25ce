package orguserstest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// status sends one request as the user of the server's AuthToken and returns
// its status.
func status(server *orguserstest.Server, method, path string) string {
	url := server.URL + strings.ReplaceAll(path, "{org}", server.OrganizationUID)
	request, err := http.NewRequestWithContext(context.Background(), method, url, http.NoBody)
	if err != nil {
		return err.Error()
	}
	request.Header.Set("authtoken", server.AuthToken)
	response, err := new(http.Client).Do(request)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	return response.Status
}

// A server with the people that a test needs.
func ExampleWithPeople() {
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "grace@example.com", FirstName: "Grace", LastName: "Hopper", Owner: true},
		orguserstest.Person{Email: "ada@example.com", FirstName: "Ada", LastName: "Lovelace", Roles: []string{"Admin"}, MFA: true},
		orguserstest.Person{Email: "alan@example.com", Pending: true},
	))
	defer server.Close()

	fmt.Println("signed in as", server.Email)
	for _, user := range server.Users() {
		fmt.Println(user.Email, user.FirstName, user.LastName, user.Owner, user.Pending, user.MFA)
	}
	// Output:
	// signed in as ada@example.com
	// grace@example.com Grace Hopper true false false
	// ada@example.com Ada Lovelace false false true
	// alan@example.com alan N/A false true false
}

// The second list request gets a gateway's error page.
func ExampleWithFault() {
	server := orguserstest.NewServer(orguserstest.WithFault(orguserstest.Fault{
		Method: http.MethodGet,
		Path:   "/v3/organizations/{organization_uid}/share",
		Skip:   1,
		Times:  1,
		Effect: orguserstest.HTML(http.StatusBadGateway),
	}))
	defer server.Close()

	for range 3 {
		fmt.Println(status(server, http.MethodGet, "/v3/organizations/{org}/share?asc=email"))
	}
	// Output:
	// 200 OK
	// 502 Bad Gateway
	// 200 OK
}

// The log of requests.
func ExampleServer_Requests() {
	server := orguserstest.NewServer()
	defer server.Close()

	status(server, http.MethodGet, "/v3/organizations/{org}/share?asc=email&limit=10")
	status(server, http.MethodPost, "/v3/organizations/{org}/share/search")
	status(server, http.MethodGet, "/v3/nowhere")
	for _, request := range server.Requests() {
		fmt.Printf("%s %q %q %d\n", request.Method, request.Operation, request.Query.Get("limit"), request.Status)
	}
	// Output:
	// GET "ListUsers" "10" 200
	// POST "FindUsers" "" 200
	// GET "" "" 404
}

// A user leaves between two pages.
func ExampleServer_OnRequest() {
	server := orguserstest.NewServer(orguserstest.WithUsers(200))
	defer server.Close()
	server.OnRequest(func(r *orguserstest.Request) {
		if r.Operation == "ListUsers" && r.Query.Get("skip") == "100" {
			server.RemoveUser(server.Users()[10].Email)
		}
	})

	status(server, http.MethodGet, "/v3/organizations/{org}/share?asc=created_at")
	fmt.Println(len(server.Users()))
	status(server, http.MethodGet, "/v3/organizations/{org}/share?asc=created_at&skip=100")
	fmt.Println(len(server.Users()))
	// Output:
	// 200
	// 199
}

// A GET that sends an email: the response is lost, but the email is sent.
func ExampleServer_Outbox() {
	server := orguserstest.NewServer(
		orguserstest.WithPeople(orguserstest.Person{Email: "alan@example.com", Pending: true}),
		orguserstest.WithFault(orguserstest.Fault{Effect: orguserstest.HTML(http.StatusGatewayTimeout), After: true}),
	)
	defer server.Close()

	alan, _ := server.User("alan@example.com")
	fmt.Println(status(server, http.MethodGet, "/v3/organizations/{org}/share/"+alan.ShareUID+"/resend_invitation"))
	for _, email := range server.Outbox() {
		fmt.Println(email.Kind, "to", email.To)
	}
	// Output:
	// 504 Gateway Timeout
	// resent invitation to alan@example.com
}

// A client that acts as the server's administrator.
func ExampleServer_Options() {
	server := orguserstest.NewServer(orguserstest.WithUsers(250))
	defer server.Close()

	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		panic(err)
	}
	page, err := client.ListUsers(context.Background(), nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(len(page.Users), "of", page.Count)
	// Output: 100 of 250
}

// An invitation is sent, but the gateway returns an error. A client that
// repeats the request sends a second email.
func ExampleServer_AddFault() {
	server := orguserstest.NewServer()
	defer server.Close()
	server.AddFault(orguserstest.Fault{
		Method: http.MethodPost,
		Path:   "/v3/organizations/{organization_uid}/share",
		Effect: orguserstest.Status(http.StatusBadGateway),
		After:  true,
	})

	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		panic(err)
	}
	result, err := client.Invite(context.Background(), []orgusers.Invitee{
		{Email: "new@example.com", Roles: []string{"member"}},
	}, nil)
	fmt.Println(result.Outcomes[0].Status, err)
	for _, email := range server.Outbox() {
		fmt.Println(email.Kind, "to", email.To)
	}
	// Output:
	// done <nil>
	// invitation to new@example.com
}

// An invitation is accepted and a member becomes an administrator while a
// program runs.
func ExampleServer_Accept() {
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "max@example.com"},
		orguserstest.Person{Email: "pia@example.com", Pending: true},
	))
	defer server.Close()

	server.Accept("pia@example.com", "Pia", "Pending")
	server.SetRoles("max@example.com", "Admin")

	invited, _ := server.User("pia@example.com")
	member, _ := server.User("max@example.com")
	fmt.Println(invited.FirstName, invited.Pending, member.RoleNames)
	// Output: Pia false [admin]
}

// A request as a member who is not an administrator.
func ExampleServer_SignIn() {
	server := orguserstest.NewServer(orguserstest.WithPeople(orguserstest.Person{Email: "max@example.com"}))
	defer server.Close()

	client, err := orgusers.New(server.OrganizationUID,
		orgusers.WithAuthToken(server.SignIn("max@example.com")), orgusers.WithBaseURL(server.URL))
	if err != nil {
		panic(err)
	}
	_, err = client.ListUsers(context.Background(), nil)
	fmt.Println(errors.Is(err, orgusers.ErrForbidden))
	// Output: true
}

// A session ends while a program runs.
func ExampleServer_RevokeToken() {
	server := orguserstest.NewServer()
	defer server.Close()

	fmt.Println(status(server, http.MethodGet, "/v3/organizations/{org}"))
	server.RevokeToken(server.AuthToken)
	fmt.Println(status(server, http.MethodGet, "/v3/organizations/{org}"))
	// Output:
	// 200 OK
	// 401 Unauthorized
}

// One request a second, and a client that does not wait.
func ExampleWithRateLimit() {
	server := orguserstest.NewServer(orguserstest.WithRateLimit(1, 1))
	defer server.Close()

	got := ""
	for got != "429 Too Many Requests" { // a new second of the server may begin in between
		got = status(server, http.MethodGet, "/v3/organizations/{org}")
	}
	fmt.Println(got)
	// Output: 429 Too Many Requests
}

// A client that calls the server in-process, with a timeout for each attempt.
// Without the timeout, Options is enough.
func ExampleServer_Transport() {
	server := orguserstest.NewUnstartedServer()
	defer server.Close()

	client, err := orgusers.New(server.OrganizationUID, append(server.Options(),
		orgusers.WithHTTPClient(&http.Client{Transport: server.Transport(), Timeout: 30 * time.Second}))...)
	if err != nil {
		panic(err)
	}
	organization, err := client.GetOrganization(context.Background(), nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(organization.Name)
	// Output: Example Media
}

// Actions without a public request use those of the fake.
func ExampleServer_Endpoints() {
	server := orguserstest.NewServer(orguserstest.WithPeople(orguserstest.Person{Email: "max@example.com", FailedLogins: 10}))
	defer server.Close()

	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), orgusers.WithEndpoints(server.Endpoints()))...)
	if err != nil {
		panic(err)
	}
	if _, err := client.UnlockUsers(context.Background(), []string{"max@example.com"}, nil); err != nil {
		panic(err)
	}
	member, _ := server.User("max@example.com")
	fmt.Println(member.Locked)
	// Output: false
}
