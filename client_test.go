package orgusers_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

func TestNewRejects(t *testing.T) {
	t.Parallel()
	auth := orgusers.WithAuthToken(token)
	tests := []struct {
		name, uid string
		opts      []orgusers.Option
		says      string
	}{
		{"an empty uid", "", []orgusers.Option{auth}, "organization uid is empty"},
		{"a uid with a slash", "a/b", []orgusers.Option{auth}, "organization uid has a character that would change the path"},
		{"a uid that leads upwards", "..", []orgusers.Option{auth}, "organization uid is a relative path"},
		{"an escaped uid", "%2e%2e", []orgusers.Option{auth}, "organization uid has a character that would change the path"},
		{"a uid with a newline", "blt1\n", []orgusers.Option{auth}, "organization uid has a space, a line break"},
		{"a uid in quotation marks", `"blt1"`, []orgusers.Option{auth}, "organization uid has quotation marks"},
		{"missing credentials", "blt1", nil, "credentials are missing"},
		{"two kinds of credentials", "blt1", []orgusers.Option{auth, orgusers.WithTokenSource(tokens("a"))}, "exclude each other"},
		{"region and base URL", "blt1", []orgusers.Option{auth, orgusers.WithRegion("eu"), orgusers.WithBaseURL("https://example.com")}, "exclude each other"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, err := orgusers.New(tt.uid, tt.opts...)
			if client != nil || !errors.Is(err, orgusers.ErrInvalid) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), token) {
				t.Errorf("got %v, %v; want ErrInvalid with the text %q", client, err, tt.says)
			}
		})
	}
}

func TestNewFromEnv(t *testing.T) {
	const uid, auth, oauth, region, base = "CONTENTSTACK_ORGANIZATION_UID", "CONTENTSTACK_AUTHTOKEN",
		"CONTENTSTACK_OAUTH_TOKEN", "CONTENTSTACK_REGION", "CONTENTSTACK_BASE_URL"
	const na = "https://api.contentstack.io"
	tests := []struct {
		name        string
		environment map[string]string
		opts        []orgusers.Option
		want        string // the base URL, or the variable that the error names
	}{
		{"authtoken", map[string]string{uid: "blt1", auth: "t"}, nil, na},
		{"OAuth token and region", map[string]string{uid: "blt1", oauth: "t", region: "EU"}, nil, "https://eu-api.contentstack.com"},
		{"base URL", map[string]string{uid: "blt1", auth: "t", base: "http://127.0.0.1:1"}, nil, "http://127.0.0.1:1"},
		{"options override everything", map[string]string{uid: "blt1", auth: "t", oauth: "u", region: "mars"}, []orgusers.Option{orgusers.WithAuthToken("v"), orgusers.WithRegion("na")}, na},
		{"an option for the base URL overrides the region", map[string]string{uid: "blt1", auth: "t", region: "mars"}, []orgusers.Option{orgusers.WithBaseURL("https://example.com")}, "https://example.com"},
		{"missing organization", map[string]string{auth: "t"}, nil, uid},
		{"malformed organization", map[string]string{uid: "a/b", auth: "t"}, nil, uid},
		{"missing credentials", map[string]string{uid: "blt1"}, nil, auth},
		{"two kinds of credentials", map[string]string{uid: "blt1", auth: "t", oauth: "u"}, nil, oauth},
		{"authtoken with a newline", map[string]string{uid: "blt1", auth: token + "\n"}, nil, auth},
		{"OAuth token with a newline", map[string]string{uid: "blt1", oauth: token + "\n"}, nil, oauth},
		{"unknown region", map[string]string{uid: "blt1", auth: "t", region: "mars"}, nil, region},
		{"region and base URL", map[string]string{uid: "blt1", auth: "t", region: "eu", base: "http://127.0.0.1:1"}, nil, base},
		{"unencrypted base URL", map[string]string{uid: "blt1", auth: "t", base: "http://example.com"}, nil, base},
		{"an invalid option", map[string]string{uid: "blt1", auth: "t"}, []orgusers.Option{orgusers.WithLogger(nil)}, "logger"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range []string{uid, auth, oauth, region, base} {
				t.Setenv(name, tt.environment[name])
			}
			client, err := orgusers.NewFromEnv(tt.opts...)
			if strings.HasPrefix(tt.want, "http") {
				if err != nil || client.OrganizationUID() != "blt1" || client.BaseURL() != tt.want {
					t.Errorf("got %v, %v; want a client of blt1 at %s", client, err, tt.want)
				}
				return
			}
			if client != nil || !errors.Is(err, orgusers.ErrInvalid) || !strings.Contains(err.Error(), tt.want) ||
				strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "mars") {
				t.Errorf("got %v, %v; want ErrInvalid that names %s and no value", client, err, tt.want)
			}
		})
	}
}

// The OAuth token of the environment is sent as such, and not replaced after a 401.
func TestOAuthTokenOfTheEnvironment(t *testing.T) {
	t.Setenv("CONTENTSTACK_ORGANIZATION_UID", "blt1")
	t.Setenv("CONTENTSTACK_AUTHTOKEN", "")
	t.Setenv("CONTENTSTACK_OAUTH_TOKEN", "oauth1")
	var sent []string
	client, err := orgusers.NewFromEnv(orgusers.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		sent = append(sent, r.Header.Get("Authorization")+r.Header.Get("Authtoken"))
		return status(401)(r)
	})}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetOrganization(t.Context(), nil); !errors.Is(err, orgusers.ErrUnauthorized) {
		t.Errorf("got %v, want ErrUnauthorized", err)
	}
	if len(sent) == 0 || sent[0] != "Bearer oauth1" {
		t.Errorf("sent %q", sent)
	}
}

func TestForOrganization(t *testing.T) {
	t.Parallel()
	client := newClient(t, roundTripper(func(r *http.Request) (*http.Response, error) {
		if got := r.Header.Get("Authtoken"); got != token {
			t.Errorf("the authtoken is %q", got)
		}
		if got := r.Header.Get("Organization_uid"); r.URL.Path != "/v3/organizations/blt2" || got != "blt2" {
			t.Errorf("sent to %s with the header %q", r.URL.Path, got)
		}
		return body(200, `{"organizations":[{"uid":"blt2"}]}`)(r)
	}))
	other, err := client.ForOrganization("blt2")
	if err != nil {
		t.Fatal(err)
	}
	organization, err := other.GetOrganization(t.Context(), nil)
	if err != nil || organization.UID != "blt2" || other.OrganizationUID() != "blt2" || client.OrganizationUID() != "blt1" {
		t.Errorf("got %v, %v", organization, err)
	}
	for _, uid := range []string{"", "a/b", "..", "a\n"} {
		if other, err := client.ForOrganization(uid); other != nil || !errors.Is(err, orgusers.ErrInvalid) {
			t.Errorf("%q: got %v, %v; want ErrInvalid", uid, other, err)
		}
	}
}

func TestClientNotMadeWithNew(t *testing.T) {
	t.Parallel()
	for name, client := range map[string]*orgusers.Client{"zero": {}, "nil": nil} {
		for _, operation := range operations.All {
			if operation.MethodName() == "Login" {
				continue
			}
			t.Run(name+"/"+operation.Name, func(t *testing.T) {
				t.Parallel()
				server := orguserstest.NewUnstartedServer(orguserstest.WithPeople(operations.Crowd()...))
				got, err := operation.Run(t.Context(), &operations.Arguments{Client: client, Fake: server, Dir: t.TempDir()})
				if !errors.Is(err, orgusers.ErrInvalid) || len(server.Requests()) > 0 {
					t.Errorf("got %v, want ErrInvalid", err)
				}
				if result, ok := got.(*orgusers.BulkResult); ok && (result == nil || len(result.Outcomes) != 1) {
					t.Errorf("got %+v, want one outcome", result)
				}
			})
		}
		if other, err := client.ForOrganization("blt2"); other != nil || !errors.Is(err, orgusers.ErrInvalid) {
			t.Errorf("%s: ForOrganization returned %v, %v; want ErrInvalid", name, other, err)
		}
	}
	zero := new(orgusers.Client)
	zero.CloseIdleConnections()
	if got := zero.OrganizationUID() + fmt.Sprint(zero); got != "orgusers.Client()" {
		t.Errorf("the zero client prints %q", got)
	}
}

// onlyError drops the result of a call.
func onlyError[T any](_ T, err error) error { return err }

// TestNilOptions calls everything that takes options with nil.
func TestNilOptions(t *testing.T) {
	t.Parallel()
	ctx, server := t.Context(), orguserstest.NewUnstartedServer(orguserstest.WithPeople(operations.Crowd()...))
	c := clientOf(t, server, orgusers.WithEndpoints(server.Endpoints()), fast)
	one, pending, stranger := []string{operations.Member(0)}, []string{operations.Pending(0)}, operations.Stranger(0)
	stack, team := server.Stacks()[0], server.AddTeam(orguserstest.Team{Name: "Editors"}).UID
	record := &orgusers.UserAccess{Version: 1, OrganizationUID: server.OrganizationUID, User: &orgusers.User{Email: operations.Member(1)}}
	for name, err := range map[string]error{
		"New":                 onlyError(orgusers.New("blt1", orgusers.WithAuthToken(token), nil)),
		"Organizations":       onlyError(orgusers.Collect(orgusers.Organizations(ctx, append(server.Options(), nil)...))),
		"ListUsers":           onlyError(c.ListUsers(ctx, nil)),
		"Users":               onlyError(orgusers.Collect(c.Users(ctx, nil))),
		"Stacks":              onlyError(orgusers.Collect(c.Stacks(ctx, nil))),
		"Access":              onlyError(orgusers.Collect(c.Access(ctx, nil))),
		"Teams":               onlyError(orgusers.Collect(c.Teams(ctx, nil))),
		"AddToTeam":           onlyError(c.AddToTeam(ctx, team, one, nil)),
		"RemoveFromTeam":      onlyError(c.RemoveFromTeam(ctx, team, one, nil)),
		"Restore":             onlyError(c.Restore(ctx, []*orgusers.UserAccess{record}, nil)),
		"AuditLog":            onlyError(orgusers.Collect(c.AuditLog(ctx, nil))),
		"GetOrganization":     onlyError(c.GetOrganization(ctx, nil)),
		"ExportCSV":           onlyError(c.ExportCSV(ctx, io.Discard, nil)),
		"ExportCSVFile":       onlyError(c.ExportCSVFile(ctx, t.TempDir()+"/users.csv", nil)),
		"Invite":              onlyError(c.Invite(ctx, []orgusers.Invitee{{Email: stranger, Roles: []string{"member"}}}, nil)),
		"RemoveUsers":         onlyError(c.RemoveUsers(ctx, []string{stranger}, nil)),
		"UpdateRoles":         onlyError(c.UpdateRoles(ctx, one, []string{"admin"}, nil)),
		"UpdateStackAccess":   onlyError(c.UpdateStackAccess(ctx, stack.APIKey, one, []string{stack.Roles[0].UID}, nil)),
		"ResendInvitations":   onlyError(c.ResendInvitations(ctx, pending, nil)),
		"WithdrawInvitations": onlyError(c.WithdrawInvitations(ctx, pending, nil)),
		"SendPasswordResets":  onlyError(c.SendPasswordResets(ctx, one, nil)),
		"UnlockUsers":         onlyError(c.UnlockUsers(ctx, one, nil)),
		"ResetMFA":            onlyError(c.ResetMFA(ctx, one, nil)),
		"ForcePasswordReset":  onlyError(c.ForcePasswordReset(ctx, one, nil)),
		"EndSessions":         onlyError(c.EndSessions(ctx, one, nil)),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPrintingShowsNoSecret(t *testing.T) {
	t.Parallel()
	client := newClient(t, status(500))
	creds := orgusers.Credentials{Email: "ada@example.com", Password: "hunter2", MFACode: "123456"}
	server := startFake(t)
	session, err := orgusers.Login(t.Context(), orgusers.Credentials{Email: server.Email, Password: orguserstest.Password}, orgusers.WithBaseURL(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []any{
		client, *client, orgusers.WithAuthToken(token), orgusers.WithTokenSource(tokens(token)), creds, &creds, session, *session,
		[]any{creds, session},
		struct{ C orgusers.Credentials }{creds},
		struct{ C *orgusers.Client }{client},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			text := fmt.Sprintf(verb, value)
			for _, secret := range []string{token, "hunter2", "123456", "ada@", session.AuthToken()} {
				if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
					t.Errorf("%s of %T shows %q: %s", verb, value, secret, text)
				}
			}
		}
	}
	if got := fmt.Sprint(client); got != "orgusers.Client(blt1)" {
		t.Errorf("the client prints as %q", got)
	}
}

// connections counts the connections that a server opens, and waits until one closes.
func connections(t *testing.T, server *orguserstest.Server) (address string, waitClosed func(), opened func() int) {
	t.Helper()
	open, closed := make(chan string, 100), make(chan string, 100)
	proxy := httptest.NewUnstartedServer(server)
	proxy.Config.ConnState = func(c net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open <- c.RemoteAddr().String()
		case http.StateClosed:
			closed <- c.RemoteAddr().String()
		default:
		}
	}
	proxy.Start()
	t.Cleanup(proxy.Close)
	waitClosed = func() {
		t.Helper()
		select {
		case <-closed:
		case <-time.After(30 * time.Second): // an idle connection closes by itself after 45 seconds
			t.Error("no connection was closed")
		}
	}
	return proxy.URL, waitClosed, func() int { return len(open) }
}

func TestCloseIdleConnections(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewUnstartedServer()
	url, waitClosed, opened := connections(t, server)
	client, err := orgusers.New(server.OrganizationUID, orgusers.WithAuthToken(server.AuthToken), orgusers.WithBaseURL(url))
	if err != nil {
		t.Fatal(err)
	}
	other, err := client.ForOrganization(server.SecondOrganizationUID)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*orgusers.Client{client, other, client} {
		if _, err := c.GetOrganization(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := opened(); n != 1 {
		t.Errorf("%d connections were opened, want 1", n)
	}
	other.CloseIdleConnections() // those of client too: they share the HTTP client
	waitClosed()
	if _, err := client.GetOrganization(t.Context(), nil); err != nil || opened() != 2 {
		t.Errorf("%d connections and %v, want a second one", opened(), err)
	}
}

// Calls that have no client leave no connection open.
func TestCallsWithoutClientCloseTheirConnections(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewUnstartedServer()
	url, waitClosed, opened := connections(t, server)
	base := orgusers.WithBaseURL(url)
	if _, err := orgusers.Login(t.Context(), orgusers.Credentials{Email: server.Email, Password: orguserstest.Password}, base); err != nil {
		t.Fatal(err)
	}
	waitClosed()
	for _, err := range orgusers.Organizations(t.Context(), base, orgusers.WithAuthToken(server.AuthToken)) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	waitClosed()
	if n := opened(); n != 2 {
		t.Errorf("%d connections were opened, want 2", n)
	}
}

func TestParseRegion(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]orgusers.Region{
		"na": orgusers.RegionNA, "US": orgusers.RegionNA, "aws-na": orgusers.RegionNA, "AWS_NA": orgusers.RegionNA,
		"\teu\n": orgusers.RegionEU, "aws_eu": orgusers.RegionEU, "au": orgusers.RegionAU, "aws-au": orgusers.RegionAU,
		"azure_na": orgusers.RegionAzureNA, "Azure-EU": orgusers.RegionAzureEU, "gcp-na": orgusers.RegionGCPNA, "gcp_eu": orgusers.RegionGCPEU,
	} {
		if got, err := orgusers.ParseRegion(name); got != want || err != nil {
			t.Errorf("ParseRegion(%q) = %q, %v; want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"", "europe", "azure", "na-aws", "e u", "eu\x00"} {
		if got, err := orgusers.ParseRegion(name); got != "" || !errors.Is(err, orgusers.ErrInvalid) {
			t.Errorf("ParseRegion(%q) = %q, %v; want ErrInvalid", name, got, err)
		}
	}
}
