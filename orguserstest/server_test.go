package orguserstest_test

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/orgusers/orgusers/orguserstest"
)

// client sends plain HTTP requests to a server.
type client struct {
	t      *testing.T
	server *orguserstest.Server
	http   *http.Client
	header http.Header
}

// overSocket returns a client of a server that listens.
func overSocket(t *testing.T, opts ...orguserstest.Option) *client {
	t.Helper()
	server := orguserstest.NewServer(opts...)
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	return &client{
		t: t, server: server,
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		header: http.Header{"Authtoken": {server.AuthToken}},
	}
}

// inProcess returns a client of a server that does not listen.
func inProcess(t *testing.T, opts ...orguserstest.Option) *client {
	t.Helper()
	server := orguserstest.NewUnstartedServer(opts...)
	return &client{
		t: t, server: server,
		http:   &http.Client{Transport: server.Transport()},
		header: http.Header{"Authtoken": {server.AuthToken}},
	}
}

// as returns the client with one header set, or removed if the value is empty.
func (c *client) as(name, value string) *client {
	other := *c
	other.header = c.header.Clone()
	other.header.Del(name)
	if value != "" {
		other.header.Set(name, value)
	}
	return &other
}

// do sends a request. The body is sent as JSON unless the client has another
// Content-Type.
func (c *client) do(method, path, body string) (*http.Response, error) {
	c.t.Helper()
	path = strings.ReplaceAll(path, "{org}", c.server.OrganizationUID)
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.server.URL+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	maps.Copy(request.Header, c.header)
	return c.http.Do(request)
}

// result is a complete response of the server.
type result struct {
	status int
	header http.Header
	text   string
	json   map[string]any
}

// ask sends a request that must get a complete response.
func (c *client) ask(method, path, body string) result {
	c.t.Helper()
	response, err := c.do(method, path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		c.t.Fatal(err)
	}
	a := result{status: response.StatusCode, header: response.Header, text: string(text)}
	if strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		_ = json.Unmarshal(text, &a.json) // some faults break it
	}
	return a
}

// get sends a GET that must succeed.
func (c *client) get(path string) result {
	c.t.Helper()
	a := c.ask(http.MethodGet, path, "")
	if a.status != http.StatusOK || a.json == nil {
		c.t.Fatalf("GET %s: %d %s", path, a.status, a.text)
	}
	return a
}

// list returns a field of the response as a list of objects.
func (a result) list(field string) []map[string]any {
	items, _ := a.json[field].([]any)
	objects := make([]map[string]any, 0, len(items))
	for _, item := range items {
		o, _ := item.(map[string]any)
		objects = append(objects, o)
	}
	return objects
}

// emails returns the addresses of the rows in the response.
func (a result) emails() []string {
	var emails []string
	for _, row := range a.list("shares") {
		emails = append(emails, row["email"].(string))
	}
	return emails
}

const sharePattern = "/v3/organizations/{organization_uid}/share"

func TestRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	c := overSocket(t)
	noToken := c.as("Authtoken", "")
	for _, test := range []struct {
		name   string
		client *client
		method string
		path   string
		body   string
		status int
		code   any
	}{
		{"no credentials", noToken, "GET", "/v3/organizations/{org}/share", "", 401, 105.0},
		{"a wrong token", c.as("Authtoken", "blt0"), "GET", "/v3/organizations/{org}/share", "", 401, 105.0},
		{"a management token", noToken.as("Authorization", "cs0123456789"), "GET", "/v3/organizations/{org}/share", "", 401, 105.0},
		{"a wrong bearer", noToken.as("Authorization", "Bearer nobody"), "GET", "/v3/user", "", 401, 105.0},
		{"a session token as bearer", noToken.as("Authorization", "Bearer "+c.server.AuthToken), "GET", "/v3/user", "", 401, 105.0},
		{"a bearer as session token", c.as("Authtoken", c.server.OAuthToken()), "GET", "/v3/user", "", 401, 105.0},
		{"both credentials", c.as("Authorization", "Bearer "+c.server.OAuthToken()), "GET", "/v3/user", "", 400, nil},
		{"a body that is not JSON by its header", c.as("Content-Type", "text/plain"), "POST", "/v3/organizations/{org}/share/search", "{}", 400, nil},
		{"invalid JSON", c, "POST", "/v3/organizations/{org}/share/search", "{", 400, nil},
		{"an unknown organization", c, "GET", "/v3/organizations/blt0/share", "", 404, 141.0},
		{"an organization of other users", c, "GET", "/v3/organizations/" + c.server.ForeignOrganizationUID + "/share", "", 403, 162.0},
		{"an unknown path", c, "GET", "/v3/organizations/{org}/shares", "", 404, nil},
		{"a path with an empty element", c, "GET", "/v3/organizations//share", "", 404, nil},
		{"a path without version", c, "GET", "/organizations/{org}/share", "", 404, nil},
		{"a wrong method", c, "PATCH", "/v3/organizations/{org}/share", "", 405, nil},
		{"an unknown stack", c.as("Api_key", "blt0"), "GET", "/v3/roles", "", 422, 109.0},
		{"a stack call without its key", c, "GET", "/v3/roles", "", 422, 109.0},
		{"teams without an organization", c, "GET", "/v4/teams", "", 422, 119.0},
		{"teams of an organization of other users", c.as("organization_uid", c.server.ForeignOrganizationUID), "GET", "/v4/teams", "", 403, 162.0},
		{"a body that is a list", c, "POST", "/v3/organizations/{org}/share/search", `["a@example.com"]`, 400, nil},
		{"a body that is null", c, "POST", "/v3/organizations/{org}/share", "null", 400, nil},
		{"a login with a text", noToken, "POST", "/v3/user-session", `"a@example.com"`, 400, nil},
		{"a limit of zero", c, "GET", "/v3/organizations/{org}/share?limit=0", "", 422, 119.0},
		{"an unknown sort field", c, "GET", "/v3/organizations/{org}/share?asc=shoe_size", "", 422, 119.0},
		{"a negative limit", c, "GET", "/v3/organizations/{org}/share?limit=-1", "", 422, 119.0},
		{"a skip that is not a number", c, "GET", "/v3/organizations/{org}/roles?skip=ten", "", 422, 119.0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := test.client.ask(test.method, test.path, test.body)
			if a.status != test.status || a.json["error_code"] != test.code || a.json["error_message"] == nil {
				t.Errorf("got %d %s, want %d with code %v", a.status, a.text, test.status, test.code)
			}
		})
	}
}

func TestErrorsHaveTheBodiesOfTheContract(t *testing.T) {
	t.Parallel()
	c := overSocket(t)
	for _, test := range []struct {
		name, want string
		got        result
	}{
		{
			"not logged in", `{"error_code":105,"error_message":"You're not allowed in here unless you're logged in.","errors":{"authtoken":["is not valid."]}}`,
			c.as("Authtoken", "").ask("GET", "/v3/user", ""),
		},
		{
			"no content type", `{"error_message":"Please set a valid 'Content-Type' header"}`,
			c.as("Content-Type", "text/plain").ask("POST", "/v3/organizations/{org}/share/search", "{}"),
		},
		{
			"not found", `{"error_code":141,"error_message":"The requested object doesn't exist.","errors":{"uid":"is not valid."}}`,
			c.ask("GET", "/v3/organizations/blt0", ""),
		},
		{
			"not permitted", `{"error_code":162,"error_message":"Access denied. You have insufficient permissions to perform this operation.","errors":null}`,
			c.ask("GET", "/v3/organizations/"+c.server.ForeignOrganizationUID, ""),
		},
	} {
		if test.got.text != test.want {
			t.Errorf("%s: got %s, want %s", test.name, test.got.text, test.want)
		}
	}
}

func TestContentTypeWithACharset(t *testing.T) {
	t.Parallel()
	c := overSocket(t)
	a := c.as("Content-Type", "application/json; charset=utf-8").ask("POST", "/v3/organizations/{org}/share/search", `{"emails":["nobody@example.com"]}`)
	if a.status != http.StatusOK || len(a.list("shares")) != 0 {
		t.Errorf("got %d %s", a.status, a.text)
	}
}

func TestABodyThatIsTooLarge(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	a := c.ask("POST", "/v3/organizations/{org}/share/search", strings.Repeat(" ", 9<<20))
	if a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d", a.status)
	}
}

func TestBasePath(t *testing.T) {
	t.Parallel()
	c := overSocket(t, orguserstest.WithBasePath("/gate/way/"))
	if !strings.HasSuffix(c.server.URL, "/gate/way") {
		t.Fatalf("the URL is %s", c.server.URL)
	}
	c.get("/v3/organizations/{org}/share?asc=email")
	c.server.URL = strings.TrimSuffix(c.server.URL, "/gate/way")
	if a := c.ask("GET", "/v3/user", ""); a.status != http.StatusNotFound {
		t.Errorf("outside the base path: %d", a.status)
	}
}

func TestAnUnstartedServerCanBeStarted(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewUnstartedServer(orguserstest.WithAddr("127.0.0.1:0"))
	server.Start()
	defer server.Close()
	c := &client{t: t, server: server, http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	if a := c.ask("GET", "/v3/user", ""); a.status != http.StatusUnauthorized {
		t.Errorf("got %d", a.status)
	}
	server.Close() // closing again is harmless
	if _, err := c.do("GET", "/v3/user", ""); err == nil {
		t.Error("a closed server responds")
	}
}

func TestStartPanics(t *testing.T) {
	t.Parallel()
	c := overSocket(t)
	for name, start := range map[string]func(){
		"on an address in use": func() { orguserstest.NewServer(orguserstest.WithAddr(strings.TrimPrefix(c.server.URL, "http://"))) },
		"when started before":  c.server.Start,
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			start()
		}()
	}
}
