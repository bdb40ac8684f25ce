package orgusers_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
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
		want        string // the base URL and the credentials, or the variable that the error names
	}{
		{"authtoken", map[string]string{uid: "blt1", auth: "t"}, nil, na + " t"},
		{"OAuth token and region", map[string]string{uid: "blt1", oauth: "t", region: "EU"}, nil, "https://eu-api.contentstack.com Bearer t"},
		{"base URL", map[string]string{uid: "blt1", auth: "t", base: "http://127.0.0.1:1"}, nil, "http://127.0.0.1:1 t"},
		{"options override everything", map[string]string{uid: "blt1", auth: "t", oauth: "u", region: "mars"}, []orgusers.Option{orgusers.WithAuthToken("v"), orgusers.WithRegion("na")}, na + " v"},
		{"an option for the base URL overrides the region", map[string]string{uid: "blt1", auth: "t", region: "mars"}, []orgusers.Option{orgusers.WithBaseURL("https://example.com")}, "https://example.com t"},
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
			log := &requestLog{responses: []roundTripper{status(401)}} // an OAuth token of the environment is not replaced
			client, err := orgusers.NewFromEnv(append(tt.opts, orgusers.WithHTTPClient(&http.Client{Transport: log}))...)
			if strings.HasPrefix(tt.want, "http") {
				if err != nil {
					t.Fatal(err)
				}
				_, err := client.GetOrganization(t.Context(), nil)
				header := log.sent[0].Header
				if got := client.BaseURL() + " " + header.Get("Authorization") + header.Get("Authtoken"); got != tt.want || client.OrganizationUID() != "blt1" || !errors.Is(err, orgusers.ErrUnauthorized) {
					t.Errorf("got %s, %v, want %s", got, err, tt.want)
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
	var none *orgusers.Client
	none.CloseIdleConnections()
	if got := none.BaseURL() + none.OrganizationUID(); got != "" {
		t.Errorf("a nil client has %q", got)
	}
	zero := new(orgusers.Client)
	zero.CloseIdleConnections()
	if got := zero.OrganizationUID() + fmt.Sprint(zero, newClient(t, status(500))); got != "orgusers.Client() orgusers.Client(blt1)" {
		t.Errorf("clients print %q", got)
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

// Nil stands for the zero value of all options, and a nil option is none.
func TestNilOptions(t *testing.T) {
	t.Parallel()
	client, err := orgusers.New("blt1", orgusers.WithAuthToken(token), orgusers.WithHTTPClient(&http.Client{Transport: status(http.StatusForbidden)}), nil)
	if err != nil {
		t.Fatal(err)
	}
	value, called := reflect.ValueOf(client), 0
	for method := range value.Type().Methods() {
		takes := method.Type
		options := takes.In(takes.NumIn() - 1)
		if options.Kind() != reflect.Pointer || !strings.HasSuffix(options.Elem().Name(), "Options") {
			continue
		}
		called++
		arguments := []reflect.Value{value}
		for i := range takes.NumIn() - 1 {
			switch takes.In(i + 1) {
			case reflect.TypeFor[context.Context]():
				arguments = append(arguments, reflect.ValueOf(t.Context()))
			case reflect.TypeFor[string]():
				arguments = append(arguments, reflect.ValueOf(t.TempDir()+"/users.csv"))
			case reflect.TypeFor[[]string]():
				arguments = append(arguments, reflect.ValueOf([]string{operations.Member(0)}))
			default:
				arguments = append(arguments, reflect.Zero(takes.In(i+1)))
			}
		}
		if results := method.Func.Call(arguments); results[0].Kind() == reflect.Func {
			for range results[0].Seq2() {
				break // a sequence takes its options when it is read
			}
		}
	}
	if called < 20 {
		t.Errorf("only %d methods with options were found", called)
	}
}
