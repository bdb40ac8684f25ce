package orgusers_test

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/orgusers/orgusers"
)

// checkRequest judges a request as a stranger to the package would: where it
// leads, and that no element of its path climbs out.
func checkRequest(t *testing.T, r *http.Request, base *url.URL) {
	t.Helper()
	if r.URL.User != nil || r.URL.Scheme != base.Scheme || r.URL.Host != strings.TrimSuffix(base.Host, ":") {
		t.Errorf("a request goes to %q, and the base URL is %q", r.URL, base)
	}
	host := strings.ToLower(r.URL.Hostname())
	if ip := net.ParseIP(host); r.URL.Scheme != "https" && (r.URL.Scheme != "http" || host != "localhost" && (ip == nil || !ip.IsLoopback())) {
		t.Errorf("a request goes to %q in the clear", r.URL)
	}
	below, ok := strings.CutPrefix(r.URL.EscapedPath(), strings.TrimRight(base.EscapedPath(), "/"))
	if !ok {
		t.Errorf("a request to %q leaves the base URL %q", r.URL, base)
	}
	for element := range strings.SplitSeq(strings.TrimPrefix(below, "/"), "/") {
		once, err := url.PathUnescape(element)
		twice, _ := url.PathUnescape(once)
		if err != nil || element == "" || once == "." || once == ".." || twice == ".." || strings.ContainsAny(once, "/\\?#\n\r\x00") {
			t.Errorf("the path %q has the element %q", r.URL.EscapedPath(), element)
		}
	}
}

// A base URL and a region that are accepted lead where they say and nowhere
// else, under encryption, and come back as they are.
func FuzzBaseURL(f *testing.F) {
	for _, seed := range []string{
		"https://api.contentstack.io", "https://proxy.example.com/a%2Fb/", "http://127.0.0.1:8080", "http://[::1]:8080/x", "http://LOCALHOST",
		"http://127.0.0.1.example.com", "http://localhost@evil.example", "http://localhost:80@evil.example", "https://me:pw@example.com",
		"https://example.com/../v3", "https://example.com/%2e%2e/a", "https://example.com/a/v3/", "https://example.com:", "https://example.com:99999",
		"https:example.com", "//example.com", "https://", "https://exa mple.com", "https://example.com\\@evil.example", "https://example.com/\\..\\a",
		"HTTPS://Example.COM", "https://[fe80::1%25eth0]", "http://[::ffff:127.0.0.1]", "http://127.1", "http://2130706433", "https://ex%41mple.com",
		"https://example.com/a?b", "https://example.com/#", "https://example.com//", "https://example.com/a//b", "https://ｅxample.com", "http://localhost.", "javascript:alert(1)", "\x00",
	} {
		f.Add(seed, "")
	}
	for _, region := range []string{"na", "US", " aws_eu ", "azure-na", "gcp_eu", "mars", "", "eu\n", "ＮＡ", "na/../eu", "evil.example"} {
		f.Add("", region)
		f.Add("https://example.com", region)
	}
	f.Fuzz(func(t *testing.T, base, region string) {
		var sent []*http.Request
		options := []orgusers.Option{
			orgusers.WithAuthToken(token),
			orgusers.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				sent = append(sent, r)
				return good(r)
			})}),
		}
		if base != "" {
			options = append(options, orgusers.WithBaseURL(base))
		}
		if region != "" {
			options = append(options, orgusers.WithRegion(orgusers.Region(region)))
		}
		client, err := orgusers.New("blt1", options...)
		if err != nil {
			if client != nil || !errors.Is(err, orgusers.ErrInvalid) {
				t.Errorf("got %v and %v", client, err)
			}
			return
		}
		shown, err := url.Parse(client.BaseURL())
		if err != nil {
			t.Fatalf("%q is accepted and shown as %q, which is no URL", base, client.BaseURL())
		}
		if base != "" {
			given, err := url.Parse(base)
			if err != nil || !strings.EqualFold(given.Host, shown.Host) || given.Scheme != shown.Scheme || given.User != nil {
				t.Errorf("%q is accepted as %q", base, shown)
			}
		} else if !strings.HasSuffix(shown.Host, "api.contentstack.com") && shown.Host != "api.contentstack.io" || shown.Scheme != "https" {
			t.Errorf("the region %q is at %q", region, shown)
		}
		again, err := orgusers.New("blt1", orgusers.WithAuthToken(token), orgusers.WithBaseURL(client.BaseURL()))
		if err != nil || again.BaseURL() != client.BaseURL() {
			t.Errorf("%q comes back as %v, %v", client.BaseURL(), again, err)
		}
		if parsed, err := orgusers.ParseRegion(region); err == nil {
			if twice, err := orgusers.ParseRegion(string(parsed)); err != nil || twice != parsed {
				t.Errorf("the region %q is %q, which is %q, %v", region, parsed, twice, err)
			}
		}
		if _, err := client.GetOrganization(t.Context(), nil); err != nil && len(sent) > 0 {
			t.Errorf("with %q: %v", base, err)
		}
		for _, r := range sent {
			checkRequest(t, r, shown)
		}
	})
}

// Whatever is made of a template and its values stays below the base URL, and
// errors show the template alone.
func FuzzPaths(f *testing.F) {
	for _, seed := range [][2]string{
		{"/things/{thing}", "blt1"},
		{"/things/{thing}", ".."},
		{"/things/{thing}", "%2e%2e"},
		{"/things/{thing}", "a/b"},
		{"/things/{thing}", "ada@example.com"},
		{"/things/{thing}", "a\x00"},
		{"/things/{thing}", "é ü"},
		{"/things/{thing}", "."},
		{"/things/{thing}", "a;b=c"},
		{"/things/{thing}", "\xff"},
		{"/{thing}/../user", "a"},
		{"//evil.example/{thing}", "a"},
		{"/{thing}/{organization_uid}", "a"},
		{"/{", "a"},
		{"/{}", "a"},
		{"/{thing}x", "a"},
		{"/a/{thing}/", "a"},
		{"/%2e%2e/{thing}", "a"},
		{"\\evil.example", "a"},
		{"/a?b", "c"},
		{"/{organization_uid}", ""},
		{"@evil.example/", "a"},
		{":81/", "a"},
		{"/organizations/{organization_uid}/fake/unlock", "a"},
		{"/{a\n}", "a"},
		{"/{thing}/{thing}", "…"},
	} {
		f.Add(seed[0], seed[1])
	}
	base, err := url.Parse("https://api.contentstack.io")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path, value string) {
		sent := 0
		client := newClient(t, roundTripper(func(r *http.Request) (*http.Response, error) {
			sent++
			checkRequest(t, r, base)
			if !strings.HasPrefix(r.URL.EscapedPath(), "/v3/") {
				t.Errorf("a call goes to %q", r.URL)
			}
			return status(404)(r)
		}))
		err := client.Do(t.Context(), orgusers.Request{Path: path, PathValues: map[string]string{"thing": value, "": value}}, nil)
		if err == nil || (sent == 0) != errors.Is(err, orgusers.ErrInvalid) {
			t.Errorf("%d requests and %v", sent, err)
		}
		checkUID(t, value, base)

		routed, err := orgusers.New("blt1", orgusers.WithAuthToken(token), orgusers.WithEndpoints(orgusers.Endpoints{Unlock: orgusers.Endpoint{Path: path}}))
		if err == nil && path != "" && (routed == nil || strings.Count(path, "{organization_uid}") != 1 || !strings.HasPrefix(path, "/")) {
			t.Errorf("the route %q is accepted", path)
		}
	})
}

// checkUID gives the value to each call that puts it into a path.
func checkUID(t *testing.T, value string, base *url.URL) {
	t.Helper()
	var sent []string
	client := newClient(t, roundTripper(func(r *http.Request) (*http.Response, error) {
		checkRequest(t, r, base)
		sent = append(sent, r.URL.EscapedPath())
		return status(404)(r)
	}))
	refused := 0
	for name, call := range callsWithUID {
		err := call(t.Context(), client, value)
		if err == nil {
			t.Errorf("%s of %q is no error", name, value)
		}
		if errors.Is(err, orgusers.ErrInvalid) {
			refused++
		}
	}
	if refused+len(sent) != len(callsWithUID) {
		t.Errorf("%q was refused %d times and sent %d times", value, refused, len(sent))
	}
	for _, path := range sent {
		if !strings.Contains(path, "/"+url.PathEscape(value)) {
			t.Errorf("%q became %q", value, path)
		}
	}
}
