package orguserstest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/orgusers/orgusers/orguserstest"
)

// status sends one request as the user of the server's AuthToken.
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

// People of a test's own, and what the server knows of them.
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

// The second listing meets a gateway that is down.
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

// What was asked of the server, and what it answered.
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
	// GET "list users" "10" 200
	// POST "search users" "" 200
	// GET "" "" 404
}

// A user leaves between two pages.
func ExampleServer_OnRequest() {
	server := orguserstest.NewServer(orguserstest.WithUsers(200))
	defer server.Close()
	server.OnRequest(func(r *orguserstest.Request) {
		if r.Operation == "list users" && r.Query.Get("skip") == "100" {
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

// A GET that mails: the answer is lost, and yet the mail is on its way.
func ExampleServer_Outbox() {
	server := orguserstest.NewServer(
		orguserstest.WithPeople(orguserstest.Person{Email: "alan@example.com", Pending: true}),
		orguserstest.WithFault(orguserstest.Fault{Effect: orguserstest.HTML(http.StatusGatewayTimeout), After: true}),
	)
	defer server.Close()

	alan, _ := server.User("alan@example.com")
	fmt.Println(status(server, http.MethodGet, "/v3/organizations/{org}/share/"+alan.ShareUID+"/resend_invitation"))
	for _, mail := range server.Outbox() {
		fmt.Println(mail.Kind, "to", mail.To)
	}
	// Output:
	// 504 Gateway Timeout
	// resent invitation to alan@example.com
}
