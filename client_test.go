package orgusers_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"

	"github.com/orgusers/orgusers"
)

const token = "blt00c0ffee00c0ffee"

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	auth := orgusers.WithAuthToken(token)
	tests := []struct {
		name, uid string
		opts      []orgusers.Option
		says      string
	}{
		{"no organization", "", []orgusers.Option{auth}, "organization uid is empty"},
		{"an organization that is a path", "a/b", []orgusers.Option{auth}, "organization uid"},
		{"an organization that leads upwards", "..", []orgusers.Option{auth}, "organization uid"},
		{"an organization with a newline", "blt1\n", []orgusers.Option{auth}, "organization uid"},
		{"no credentials", "blt1", nil, "no credentials"},
		{"both kinds of credentials", "blt1", []orgusers.Option{auth, orgusers.WithTokenSource(tokens("a"))}, "two kinds of credentials"},
		{"an empty token", "blt1", []orgusers.Option{orgusers.WithAuthToken("")}, "authtoken is empty"},
		{"a token with a newline", "blt1", []orgusers.Option{orgusers.WithAuthToken(token + "\n")}, "newline"},
		{"a token with a blank", "blt1", []orgusers.Option{orgusers.WithAuthToken("Bearer x")}, "authtoken"},
		{"no token source", "blt1", []orgusers.Option{orgusers.WithTokenSource(nil)}, "token source is nil"},
		{"an unknown region", "blt1", []orgusers.Option{auth, orgusers.WithRegion("mars")}, `unknown region "mars": it is one of na, eu,`},
		{"region and base URL", "blt1", []orgusers.Option{auth, orgusers.WithRegion("eu"), orgusers.WithBaseURL("https://example.com")}, "not both"},
		{"a relative base URL", "blt1", []orgusers.Option{auth, orgusers.WithBaseURL("/api")}, "absolute"},
		{"a base URL without host", "blt1", []orgusers.Option{auth, orgusers.WithBaseURL("https://:443")}, "absolute"},
		{"a base URL with a query", "blt1", []orgusers.Option{auth, orgusers.WithBaseURL("https://example.com?a=b")}, "query"},
		{"a base URL with an empty query", "blt1", []orgusers.Option{auth, orgusers.WithBaseURL("https://example.com?")}, "query"},
		{"a base URL with a fragment", "blt1", []orgusers.Option{auth, orgusers.WithBaseURL("https://example.com#a")}, "fragment"},
		{"a base URL with a password", "blt1", []orgusers.Option{auth, orgusers.WithBaseURL("https://me:hunter2@example.com")}, "password"},
		{"http to another machine", "blt1", []orgusers.Option{auth, orgusers.WithBaseURL("http://example.com")}, "the base URL is http: use https; http is for loopback addresses alone"},
		{"http to a host that looks like loopback", "blt1", []orgusers.Option{auth, orgusers.WithBaseURL("http://127.0.0.1.example.com")}, "loopback"},
		{"another scheme", "blt1", []orgusers.Option{auth, orgusers.WithBaseURL("ftp://example.com")}, "https"},
		{"a base URL with a version", "blt1", []orgusers.Option{auth, orgusers.WithBaseURL("https://example.com/v3/")}, "/v3"},
		{"a base URL that leads upwards", "blt1", []orgusers.Option{auth, orgusers.WithBaseURL("https://example.com/a/../b")}, ".."},
		{"what is no URL", "blt1", []orgusers.Option{auth, orgusers.WithBaseURL("https://me:hunter2@exa mple.com")}, "the base URL is no URL: it begins with https://"},
		{"no HTTP client", "blt1", []orgusers.Option{auth, orgusers.WithHTTPClient(nil)}, "HTTP client"},
		{"no logger", "blt1", []orgusers.Option{auth, orgusers.WithLogger(nil)}, "logger"},
		{"negative attempts", "blt1", []orgusers.Option{auth, orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: -1})}, "negative"},
		{"waits upside down", "blt1", []orgusers.Option{auth, orgusers.WithRetry(orgusers.RetryPolicy{BaseDelay: 2, MaxDelay: 1})}, "BaseDelay"},
		{"a negative limit", "blt1", []orgusers.Option{auth, orgusers.WithRateLimits(orgusers.RateLimits{Reads: -1})}, "limit"},
		{"a user agent with a newline", "blt1", []orgusers.Option{auth, orgusers.WithUserAgent("a\r\nb: c")}, "user agent"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, err := orgusers.New(tt.uid, tt.opts...)
			if client != nil || !errors.Is(err, orgusers.ErrInvalid) || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("got %v, %v; want ErrInvalid that says %q", client, err, tt.says)
			}
			for _, secret := range []string{token, "hunter2"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%q is in the error: %v", secret, err)
				}
			}
		})
	}
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		opts []orgusers.Option
		want string
	}{
		{"the default", nil, "https://api.contentstack.io"},
		{"a region", []orgusers.Option{orgusers.WithRegion(orgusers.RegionGCPEU)}, "https://gcp-eu-api.contentstack.com"},
		{"an alias", []orgusers.Option{orgusers.WithRegion(" AWS_EU ")}, "https://eu-api.contentstack.com"},
		{"a proxy", []orgusers.Option{orgusers.WithBaseURL("https://proxy.example.com/contentstack/")}, "https://proxy.example.com/contentstack"},
		{"a proxy with an escaped path", []orgusers.Option{orgusers.WithBaseURL("https://proxy.example.com/a%2Fb")}, "https://proxy.example.com/a%2Fb"},
		{"loopback", []orgusers.Option{orgusers.WithBaseURL("http://127.0.0.1:8080")}, "http://127.0.0.1:8080"},
		{"loopback by name", []orgusers.Option{orgusers.WithBaseURL("http://localhost:8080")}, "http://localhost:8080"},
		{"loopback by IPv6", []orgusers.Option{orgusers.WithBaseURL("http://[::1]:8080")}, "http://[::1]:8080"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mock := httpmock.NewMockTransport()
			var got string
			mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
				got = r.URL.String()
				return httpmock.NewStringResponse(http.StatusOK, `{"organization":{"uid":"blt1"}}`), nil
			})
			client := newClient(t, mock, tt.opts...)
			if _, err := client.GetOrganization(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if want := tt.want + "/v3/organizations/blt1"; got != want {
				t.Errorf("asked %s, want %s", got, want)
			}
		})
	}
}

func TestParseRegion(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		want orgusers.Region
	}{
		{"na", orgusers.RegionNA},
		{"US", orgusers.RegionNA},
		{"aws-na", orgusers.RegionNA},
		{"AWS_NA", orgusers.RegionNA},
		{" eu ", orgusers.RegionEU},
		{"aws_eu", orgusers.RegionEU},
		{"au", orgusers.RegionAU},
		{"aws-au", orgusers.RegionAU},
		{"azure_na", orgusers.RegionAzureNA},
		{"Azure-EU", orgusers.RegionAzureEU},
		{"gcp-na", orgusers.RegionGCPNA},
		{"gcp_eu", orgusers.RegionGCPEU},
	} {
		if got, err := orgusers.ParseRegion(tt.name); got != tt.want || err != nil {
			t.Errorf("ParseRegion(%q) = %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
	for _, name := range []string{"", "europe", "azure", "na-aws", "e u"} {
		if got, err := orgusers.ParseRegion(name); got != "" || !errors.Is(err, orgusers.ErrInvalid) {
			t.Errorf("ParseRegion(%q) = %q, %v; want ErrInvalid", name, got, err)
		}
	}
}

func TestNewFromEnv(t *testing.T) {
	const uid, auth, oauth, region, base = "CONTENTSTACK_ORGANIZATION_UID", "CONTENTSTACK_AUTHTOKEN",
		"CONTENTSTACK_OAUTH_TOKEN", "CONTENTSTACK_REGION", "CONTENTSTACK_BASE_URL"
	tests := []struct {
		name        string
		environment map[string]string
		opts        []orgusers.Option
		fails       string // empty: it does not
	}{
		{"authtoken", map[string]string{uid: "blt1", auth: "t"}, nil, ""},
		{"OAuth and region", map[string]string{uid: "blt1", oauth: "t", region: "EU"}, nil, ""},
		{"base URL", map[string]string{uid: "blt1", auth: "t", base: "http://127.0.0.1:1"}, nil, ""},
		{"options before the environment", map[string]string{uid: "blt1", auth: "t", oauth: "u", region: "mars"}, []orgusers.Option{orgusers.WithAuthToken("v"), orgusers.WithRegion("eu")}, ""},
		{"no organization", map[string]string{auth: "t"}, nil, uid},
		{"no credentials", map[string]string{uid: "blt1"}, nil, auth},
		{"both credentials", map[string]string{uid: "blt1", auth: "t", oauth: "u"}, nil, oauth},
		{"authtoken with a newline", map[string]string{uid: "blt1", auth: token + "\n"}, nil, auth},
		{"OAuth token with a newline", map[string]string{uid: "blt1", oauth: token + "\n"}, nil, oauth},
		{"unknown region", map[string]string{uid: "blt1", auth: "t", region: "mars"}, nil, region},
		{"region and base URL", map[string]string{uid: "blt1", auth: "t", region: "eu", base: "http://127.0.0.1:1"}, nil, base},
		{"bad base URL", map[string]string{uid: "blt1", auth: "t", base: "http://example.com"}, nil, base},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range []string{uid, auth, oauth, region, base} {
				t.Setenv(name, tt.environment[name])
			}
			client, err := orgusers.NewFromEnv(tt.opts...)
			if tt.fails == "" {
				if err != nil || client.OrganizationUID() != "blt1" {
					t.Fatalf("got %v, %v; want a client for blt1", client, err)
				}
				return
			}
			if client != nil || !errors.Is(err, orgusers.ErrInvalid) || !strings.Contains(err.Error(), tt.fails) ||
				strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "mars") {
				t.Fatalf("got %v, %v; want ErrInvalid that names %s", client, err, tt.fails)
			}
		})
	}
}

func TestForOrganization(t *testing.T) {
	t.Parallel()
	mock := httpmock.NewMockTransport()
	mock.RegisterResponder(http.MethodGet, "https://api.contentstack.io/v3/organizations/blt2",
		func(r *http.Request) (*http.Response, error) {
			if got := r.Header.Get("Authtoken"); got != token {
				t.Errorf("the authtoken is %q", got)
			}
			return httpmock.NewStringResponse(http.StatusOK, `{"organizations":[{"uid":"blt2"}]}`), nil
		})
	other, err := newClient(t, mock).ForOrganization("blt2")
	if err != nil {
		t.Fatal(err)
	}
	organization, err := other.GetOrganization(t.Context(), nil)
	if err != nil || organization.UID != "blt2" {
		t.Fatalf("got %v, %v", organization, err)
	}
	if _, err := other.ForOrganization(""); !errors.Is(err, orgusers.ErrInvalid) {
		t.Errorf("no uid gave %v, want ErrInvalid", err)
	}
}

func TestNothingSecretIsPrinted(t *testing.T) {
	t.Parallel()
	client := newClient(t, httpmock.NewMockTransport())
	creds := orgusers.Credentials{Email: "ada@example.com", Password: "hunter2", MFACode: "123456"}
	session := orgusers.Session{AuthToken: token, User: &orgusers.CurrentUser{}}
	for _, value := range []any{
		client, *client, orgusers.WithAuthToken(token), orgusers.WithTokenSource(tokens(token)), creds, &creds, session, &session,
		[]any{creds, session},
		struct{ C orgusers.Credentials }{creds},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			text := fmt.Sprintf(verb, value)
			for _, secret := range []string{token, "hunter2", "123456", "ada@", fmt.Sprintf("%x", token)} {
				if strings.Contains(text, secret) {
					t.Errorf("%s of %T shows %q: %s", verb, value, secret, text)
				}
			}
		}
	}
}
