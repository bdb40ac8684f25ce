package orgusers_test

import (
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/orgusers/orgusers"
)

func TestOptionsReject(t *testing.T) {
	t.Parallel()
	base, limits := orgusers.WithBaseURL, orgusers.WithRateLimits
	tests := []struct {
		name   string
		option orgusers.Option
		says   string
	}{
		{"an empty token", orgusers.WithAuthToken(""), "authtoken is empty"},
		{"a token with a newline", orgusers.WithAuthToken(token + "\n"), "newline"},
		{"a token with a space", orgusers.WithAuthToken("Bearer x"), "authtoken has a space"},
		{"a token in quotation marks", orgusers.WithAuthToken(`'` + token + `'`), "authtoken has quotation marks"},
		{"a token that is not ASCII", orgusers.WithAuthToken("blté"), "authtoken"},
		{"a nil token source", orgusers.WithTokenSource(nil), "token source is nil"},
		{"an unknown region", orgusers.WithRegion("mars"), `unknown region "mars": use one of na, eu,`},
		{"a relative base URL", base("/api"), "absolute"},
		{"a base URL without a host", base("https://:443"), "absolute"},
		{"a base URL with a query", base("https://example.com?a=b"), "query"},
		{"a base URL with an empty query", base("https://example.com?"), "query"},
		{"a base URL with a fragment", base("https://example.com#a"), "fragment"},
		{"a base URL with a password", base("https://me:hunter2@example.com"), "password"},
		{"http to another machine", base("http://example.com"), "must be https; http is for loopback addresses only"},
		{"http to a host that looks like loopback", base("http://127.0.0.1.example.com"), "loopback"},
		{"another scheme", base("ftp://example.com"), "must be https"},
		{"a base URL with a version", base("https://example.com/v3/"), "/v3"},
		{"a base URL that leads upwards", base("https://example.com/a/../b"), ".."},
		{"a malformed base URL", base("https://me:hunter2@exa mple.com"), "the base URL is not a URL that begins with https://"},
		{"a nil HTTP client", orgusers.WithHTTPClient(nil), "HTTP client"},
		{"a nil logger", orgusers.WithLogger(nil), "logger"},
		{"negative attempts", orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: -1}), "negative"},
		{"a negative delay", orgusers.WithRetry(orgusers.RetryPolicy{MaxRetryAfter: -1}), "negative"},
		{"a BaseDelay above MaxDelay", orgusers.WithRetry(orgusers.RetryPolicy{BaseDelay: 2, MaxDelay: 1}), "BaseDelay"},
		{"a negative limit", limits(orgusers.RateLimits{Reads: -1}), "negative"},
		{"a limit that is not a number", limits(orgusers.RateLimits{Writes: math.NaN()}), "not a number"},
		{"an infinite limit", limits(orgusers.RateLimits{Bulk: math.Inf(1)}), "not a number"},
		{"a negative share", limits(orgusers.RateLimits{Share: -0.5}), "negative"},
		{"a share above 1", limits(orgusers.RateLimits{Share: 1.01}), "Share is above 1"},
		{"a user agent with a line break", orgusers.WithUserAgent("a\r\nb: c"), "user agent"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var opts []orgusers.Option
			if !strings.Contains(tt.name, "token") {
				opts = append(opts, orgusers.WithAuthToken(token))
			}
			client, err := orgusers.New("blt1", append(opts, tt.option)...)
			if client != nil || !errors.Is(err, orgusers.ErrInvalid) || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("got %v, %v; want ErrInvalid with the text %q", client, err, tt.says)
			}
			for _, secret := range []string{token, "hunter2"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%q is in the error: %v", secret, err)
				}
			}
		})
	}
}

// Zero fields have defaults, which follow the fields that are set.
func TestOptionsAccept(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]orgusers.Option{
		"the zero retry policy":              orgusers.WithRetry(orgusers.RetryPolicy{}),
		"a MaxDelay below the default base":  orgusers.WithRetry(orgusers.RetryPolicy{MaxDelay: time.Millisecond}),
		"a BaseDelay above the default most": orgusers.WithRetry(orgusers.RetryPolicy{BaseDelay: time.Hour}),
		"the zero rate limits":               orgusers.WithRateLimits(orgusers.RateLimits{}),
		"a whole share":                      orgusers.WithRateLimits(orgusers.RateLimits{Share: 1}),
		"an empty user agent":                orgusers.WithUserAgent(" "),
		"nil":                                nil,
	} {
		if _, err := newClient(t, body(200, `{"organization":{}}`), option).GetOrganization(t.Context(), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		option orgusers.Option
		want   string
	}{
		{"the default", nil, "https://api.contentstack.io"},
		{"a region", orgusers.WithRegion(orgusers.RegionGCPEU), "https://gcp-eu-api.contentstack.com"},
		{"Azure", orgusers.WithRegion(orgusers.RegionAzureNA), "https://azure-na-api.contentstack.com"},
		{"Australia", orgusers.WithRegion(orgusers.RegionAU), "https://au-api.contentstack.com"},
		{"an alias", orgusers.WithRegion(" AWS_EU "), "https://eu-api.contentstack.com"},
		{"a proxy", orgusers.WithBaseURL("https://proxy.example.com/contentstack/"), "https://proxy.example.com/contentstack"},
		{"a proxy with an escaped path", orgusers.WithBaseURL("https://proxy.example.com/a%2Fb"), "https://proxy.example.com/a%2Fb"},
		{"a host in capitals", orgusers.WithBaseURL("https://Proxy.Example.COM"), "https://proxy.example.com"},
		{"loopback", orgusers.WithBaseURL("http://127.0.0.1:8080"), "http://127.0.0.1:8080"},
		{"loopback by name", orgusers.WithBaseURL("http://LOCALHOST:8080"), "http://localhost:8080"},
		{"loopback by IPv6", orgusers.WithBaseURL("http://[::1]:8080"), "http://[::1]:8080"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var sent string
			client := newClient(t, roundTripper(func(r *http.Request) (*http.Response, error) {
				sent = r.URL.String()
				return body(200, `{"organization":{"uid":"blt1"}}`)(r)
			}), tt.option)
			if _, err := client.GetOrganization(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			if want := tt.want + "/v3/organizations/blt1"; sent != want || client.BaseURL() != tt.want {
				t.Errorf("sent to %s below %s, want %s", sent, client.BaseURL(), want)
			}
		})
	}
}

// The HTTP client is copied. TestRedirectRefusedByTheCaller has a CheckRedirect.
func TestHTTPClientIsCopied(t *testing.T) {
	t.Parallel()
	mine := &http.Client{Transport: body(200, `{"organization":{}}`)}
	client, err := orgusers.New("blt1", orgusers.WithAuthToken(token), orgusers.WithHTTPClient(mine))
	if err != nil {
		t.Fatal(err)
	}
	mine.Transport = status(500)
	if _, err := client.GetOrganization(t.Context(), nil); err != nil {
		t.Error(err)
	}
}
