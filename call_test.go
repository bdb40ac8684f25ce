package orgusers_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/test/operations"
)

func TestDo(t *testing.T) {
	t.Parallel()
	log := &requestLog{responses: []roundTripper{body(200, `{"log":{"uid":"x"}}`)}}
	var out struct {
		Log struct{ UID string }
	}
	err := newClient(t, log).Do(t.Context(), orgusers.Request{
		Path:       "/organizations/{organization_uid}/logs/{log}",
		PathValues: map[string]string{"log": "blt log"},
		Query:      url.Values{"a": {"b&c"}},
		Header:     http.Header{"api_key": {"blt9"}, "organization_uid": {"blt2"}}, // the path decides which organization
		ReadOnly:   true,
	}, &out)
	if err != nil || out.Log.UID != "x" {
		t.Fatalf("got %+v, %v", out, err)
	}
	sent := log.sent[0]
	if got, want := sent.Method+" "+sent.URL.String(), "GET https://api.contentstack.io/v3/organizations/blt1/logs/blt%20log?a=b%26c"; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	for name, want := range map[string]string{"Api_key": "blt9", "Organization_uid": "blt1", "Authtoken": token, "Accept": "application/json"} {
		if got := sent.Header.Get(name); got != want {
			t.Errorf("the header %s is %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"User-Agent", "X-User-Agent"} {
		if got := sent.Header.Get(name); !strings.HasPrefix(got, "orgusers/") {
			t.Errorf("the header %s is %q", name, got)
		}
	}
}

// TestDoDecodes has bodies that cannot be decoded, or are missing, which only some may be.
// A write whose response cannot be read may have been made.
func TestDoDecodes(t *testing.T) {
	t.Parallel()
	var out struct{ N int }
	tests := []struct {
		method string
		status int
		body   string
		out    any
		want   error // of a read
	}{
		{"POST", 201, `{"n":7}`, &out, nil},
		{"POST", 200, "[1]", nil, nil},
		{"POST", 200, "<html>", nil, orgusers.ErrServer},
		{"POST", 200, `{"n":"x"}`, &out, orgusers.ErrServer},
		{"POST", 200, `{"n":7,"error_code":119,"error_message":"It went wrong."}`, &out, orgusers.ErrServer},
		{"HEAD", 200, "", nil, nil},
		{"HEAD", 200, "", new(map[string]any), nil},
		{"HEAD", 204, "", new(map[string]any), nil},
		{"HEAD", 404, "", nil, orgusers.ErrNotFound},
		{"HEAD", 500, "", new(map[string]any), orgusers.ErrServer},
		{"GET", 204, "", new(map[string]any), nil},
		{"GET", 200, "", nil, nil},
		{"GET", 200, "", new(map[string]any), orgusers.ErrServer},
		{"POST", 201, "", new(map[string]any), orgusers.ErrServer},
		{"POST", 204, "", new(map[string]any), nil},
		{"OPTIONS", 204, "", nil, nil},
	}
	for _, tt := range tests {
		for _, read := range []bool{true, false} {
			log := &requestLog{responses: []roundTripper{body(tt.status, tt.body)}}
			client := newClient(t, log, orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 1}))
			err := client.Do(t.Context(), orgusers.Request{Method: tt.method, Path: "/things", ReadOnly: read}, tt.out)
			if !errors.Is(err, tt.want) || len(log.sent) != 1 {
				t.Errorf("%s, %d, read %v: got %v after %d requests, want %v", tt.method, tt.status, read, err, len(log.sent), tt.want)
			}
			if lost := tt.status == 500 || tt.status < 300 && tt.want != nil; errors.Is(err, orgusers.ErrOutcomeUnknown) != (lost && !read) {
				t.Errorf("%s, %d, read %v: got %v", tt.method, tt.status, read, err)
			}
		}
	}
	if out.N != 7 {
		t.Errorf("decoded %+v", out)
	}
}

// The organization of the path is that of the header, too.
func TestDoForAnotherOrganization(t *testing.T) {
	t.Parallel()
	for values, want := range map[string]string{"": "blt1", "blt2": "blt2"} {
		log := &requestLog{responses: []roundTripper{body(http.StatusOK, `{}`)}}
		request := orgusers.Request{Path: "/organizations/{organization_uid}/things", ReadOnly: true}
		if values != "" {
			request.PathValues = map[string]string{"organization_uid": values}
		}
		if err := newClient(t, log).Do(t.Context(), request, nil); err != nil {
			t.Fatal(err)
		}
		if sent := log.sent[0]; sent.URL.Path != "/v3/organizations/"+want+"/things" || sent.Header.Get("organization_uid") != want {
			t.Errorf("got %s with %v", sent.URL.Path, sent.Header)
		}
	}
}

func TestDoAddsTheVersion(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/things": "/v3/things", "/v3/things": "/v3/things", "/v4/teams/{team}": "/v4/teams/blt7", "/v3beta/things": "/v3/v3beta/things", "/videos": "/v3/videos",
	} {
		log := &requestLog{responses: []roundTripper{status(404)}}
		err := newClient(t, log).Do(t.Context(), orgusers.Request{Path: path, PathValues: map[string]string{"team": "blt7"}, ReadOnly: true}, nil)
		failure, _ := errors.AsType[*orgusers.Error](err)
		if failure == nil || failure.Op != "Do" || failure.Path != strings.ReplaceAll(want, "blt7", "{team}") || log.sent[0].URL.Path != want {
			t.Errorf("%s: got %v after %s, want %s", path, err, log.sent[0].URL.Path, want)
		}
	}
}

func TestDoRejects(t *testing.T) {
	t.Parallel()
	with := func(value string) orgusers.Request {
		return orgusers.Request{Path: "/things/{thing}", PathValues: map[string]string{"thing": value}}
	}
	header := func(name, value string) orgusers.Request {
		return orgusers.Request{Path: "/user", Header: http.Header{name: {value}}}
	}
	const share = "/v3/organizations/{organization_uid}/share/{share}/"
	tests := map[string]orgusers.Request{
		"a missing path":               {},
		"a path without a slash":       {Path: "things"},
		"a path of one slash":          {Path: "/"},
		"a path that leads upwards":    {Path: "/things/../user"},
		"a path with a query":          {Path: "/things?a=b"},
		"a path with a value in it":    {Path: "/things/ada lovelace"},
		"a path with two slashes":      {Path: "/things//a"},
		"another host":                 {Path: "//example.com/things"},
		"a URL":                        {Path: "https://example.com/things"},
		"a missing value":              {Path: "/things/{thing}"},
		"an empty value":               with(""),
		"a value that is a dot":        with("."),
		"a value that leads upwards":   with(".."),
		"an escaped value":             with("%2e%2e"),
		"a value with a slash":         with("a/b"),
		"a value with a backslash":     with(`a\b`),
		"a value with a question mark": with("a?b"),
		"a value with a number sign":   with("a#b"),
		"a value with a newline":       with("a\nb"),
		"a value with a NUL":           with("a\x00"),
		"an authtoken":                 header("authtoken", "other"),
		"an authtoken in capitals":     header("AUTHTOKEN", "other"),
		"an authorization":             header("Authorization", "Bearer other"),
		"a proxy authorization":        header("proxy-authorization", "Basic x"),
		"a cookie":                     header("Cookie", "a=b"),
		"a line break in a header":     header("api_key", "a\r\nb: c"),
		"a header name with a space":   header("Api Key", "a"),
		"a header name that is empty":  header("", "a"),
		"an empty header":              header("api_key", ""),
		"a header that is not ASCII":   header("api_key", "é"),
		"a method with a space":        {Method: "GET /", Path: "/user"},
		"a method in small letters":    {Method: "post", Path: "/user"},
		"a body that has no JSON":      {Method: http.MethodPost, Path: "/user", Body: func() {}},
		"a read-only PUT":              {Method: http.MethodPut, Path: "/things", ReadOnly: true},
		"a read-only PATCH":            {Method: http.MethodPatch, Path: "/things", ReadOnly: true},
		"a read-only DELETE":           {Method: http.MethodDelete, Path: "/things", ReadOnly: true},
		"a read-only bulk action":      {Method: http.MethodPost, Path: "/things", ReadOnly: true, Bulk: true},
		"a read-only write, in disguise": {
			Path: "/organizations/{a}/{b}/{c}/{d}", PathValues: map[string]string{"a": "blt1", "b": "share", "c": "blt2", "d": "resend_invitation"}, ReadOnly: true,
		},
		"a read-only write, by HEAD":        {Method: http.MethodHead, Path: share + "resend_invitation", PathValues: map[string]string{"share": "s"}, ReadOnly: true},
		"a read-only write, as a value":     {Path: share + "{a}", PathValues: map[string]string{"share": "s", "a": "resend_invitation"}, ReadOnly: true},
		"a read-only write, in two braces":  {Path: share + "{{a}}", PathValues: map[string]string{"share": "s", "a": "harmless", "{a}": "resend_invitation"}, ReadOnly: true},
		"a read-only write, in capitals":    {Path: share + "Resend_Invitation", PathValues: map[string]string{"share": "s"}, ReadOnly: true},
		"a read-only write, with a slash":   {Path: share + "resend_invitation/", PathValues: map[string]string{"share": "s"}, ReadOnly: true},
		"a read-only write, a login":        {Method: http.MethodPost, Path: "/user-session", ReadOnly: true},
		"a read-only write, of any version": {Path: share[3:] + "resend_invitation", PathValues: map[string]string{"share": "s"}, ReadOnly: true},
	}
	for name, request := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := &requestLog{responses: []roundTripper{body(200, "{}")}}
			err := newClient(t, log).Do(t.Context(), request, nil)
			if !errors.Is(err, orgusers.ErrInvalid) || len(log.sent) > 0 || !strings.HasPrefix(err.Error(), "orgusers: Do: invalid: ") {
				t.Fatalf("got %v after %d requests, want ErrInvalid and none", err, len(log.sent))
			}
			for _, value := range request.PathValues {
				if len(value) > 2 && strings.Contains(err.Error(), value) {
					t.Errorf("the error repeats the value: %v", err)
				}
			}
		})
	}
}

// A request that the package knows to be a write cannot be declared read-only, however
// its path is given.
func TestDoRejectsKnownWritesAsReadOnly(t *testing.T) {
	t.Parallel()
	names := map[string]string{"organization_uid": "blt1", "share_uid": "blt2", "log_uid": "blt3", "team_uid": "blt4", "user_uid": "blt5"}
	for _, operation := range operations.All {
		if operation.Custom || operation.Endpoint {
			continue
		}
		expanded, renamed, values := operation.Path, operation.Path, maps.Clone(names)
		for name, uid := range names {
			expanded = strings.ReplaceAll(expanded, "{"+name+"}", uid)
			renamed = strings.ReplaceAll(renamed, "{"+name+"}", "{my_"+name+"}")
			values["my_"+name] = uid
		}
		for _, path := range []string{operation.Path, strings.TrimPrefix(operation.Path, "/v3"), expanded, renamed, strings.ToUpper(expanded[3:])} {
			log := &requestLog{responses: []roundTripper{body(200, "{}")}}
			err := newClient(t, log).Do(t.Context(), orgusers.Request{Method: operation.Method, Path: path, PathValues: values, ReadOnly: true}, nil)
			if operation.Writes() != errors.Is(err, orgusers.ErrInvalid) || operation.Writes() == (len(log.sent) > 0) {
				t.Errorf("%s: %s %s: got %v after %d requests", operation.Name, operation.Method, path, err, len(log.sent))
			}
		}
	}
}

func TestCollect(t *testing.T) {
	t.Parallel()
	failure := errors.New("the third page failed")
	rows, err := orgusers.Collect(func(yield func(int, error) bool) {
		if yield(1, nil) && yield(2, nil) && yield(0, failure) {
			t.Error("the sequence was continued after its error")
		}
	})
	if got := fmt.Sprint(rows, err); got != "[1 2] the third page failed" {
		t.Errorf("got %s, want two rows and the error", got)
	}
	rows, err = orgusers.Collect(func(func(int, error) bool) {})
	if rows != nil || err != nil {
		t.Errorf("an empty sequence gave %v, %v", rows, err)
	}
}

// A key of a response that may be an address does not appear in the error.
func TestDoNamesNoKeyThatMayBeAnAddress(t *testing.T) {
	t.Parallel()
	var out map[string]int
	err := newClient(t, body(http.StatusOK, `{"ada@example.com":"x"}`)).Do(t.Context(), orgusers.Request{Method: http.MethodGet, Path: "/v3/x", ReadOnly: true}, &out)
	if err == nil || !strings.Contains(err.Error(), "* has an unexpected value") || strings.Contains(err.Error(), "ada") {
		t.Errorf("got %v", err)
	}
}
