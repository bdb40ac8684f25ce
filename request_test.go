package orgusers_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"

	"github.com/orgusers/orgusers"
)

func TestCall(t *testing.T) {
	t.Parallel()
	mock := httpmock.NewMockTransport()
	mock.RegisterResponderWithQuery(http.MethodGet, "https://api.contentstack.io/v3/organizations/blt1/logs/blt%20log", "a=b%26c",
		func(r *http.Request) (*http.Response, error) {
			if got := r.Header.Get("api_key"); got != "blt9" {
				t.Errorf("api_key is %q", got)
			}
			return httpmock.NewStringResponse(http.StatusOK, `{"log":{"uid":"x"}}`), nil
		})
	var out struct {
		Log struct{ UID string }
	}
	err := newClient(t, mock).Do(t.Context(), orgusers.Request{
		Path:       "/organizations/{organization_uid}/logs/{log}",
		PathValues: map[string]string{"log": "blt log"},
		Query:      url.Values{"a": {"b&c"}},
		Header:     http.Header{"Api_key": {"blt9"}},
		ReadOnly:   true,
	}, &out)
	if err != nil || out.Log.UID != "x" {
		t.Fatalf("got %+v, %v", out, err)
	}
}

// turns counts those that a limiter gives.
type turns int

func (t *turns) Wait(context.Context) error { *t++; return nil }

// What a call draws on is what the caller says of it, whatever its method.
func TestCallDrawsOnABudget(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		call orgusers.Request
		want [3]turns // of reads, writes and bulk actions
	}{
		"a read":        {orgusers.Request{Method: http.MethodPost, Path: "/things", ReadOnly: true}, [3]turns{1, 0, 0}},
		"a write":       {orgusers.Request{Path: "/things"}, [3]turns{0, 1, 0}},
		"a bulk action": {orgusers.Request{Method: http.MethodPost, Path: "/things", Bulk: true}, [3]turns{0, 0, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var reads, writes, bulk turns
			client := newClient(t, roundTripper(body(http.StatusOK, "{}")),
				orgusers.WithRateLimiters(orgusers.RateLimiters{Reads: &reads, Writes: &writes, Bulk: &bulk}))
			if err := client.Do(t.Context(), test.call, nil); err != nil {
				t.Fatal(err)
			}
			if got := [3]turns{reads, writes, bulk}; got != test.want {
				t.Errorf("it took %v turns of reads, writes and bulk actions, want %v", got, test.want)
			}
		})
	}
}

func TestCallRefuses(t *testing.T) {
	t.Parallel()
	with := func(value string) orgusers.Request {
		return orgusers.Request{Path: "/things/{thing}", PathValues: map[string]string{"thing": value}}
	}
	tests := []struct {
		name string
		call orgusers.Request
	}{
		{"a path without slash", orgusers.Request{Path: "things"}},
		{"no path", orgusers.Request{}},
		{"a path that leads upwards", orgusers.Request{Path: "/things/../user"}},
		{"a path with a query", orgusers.Request{Path: "/things?a=b"}},
		{"a path with an address in it", orgusers.Request{Path: "/things/ada lovelace"}},
		{"a path with two slashes", orgusers.Request{Path: "//things"}},
		{"another host", orgusers.Request{Path: "//example.com/things"}},
		{"a value that is missing", orgusers.Request{Path: "/things/{thing}"}},
		{"a value that is empty", with("")},
		{"a value that is a dot", with(".")},
		{"a value that leads upwards", with("..")},
		{"a value that leads upwards, escaped", with("%2e%2e")},
		{"a value with a slash", with("a/b")},
		{"a value with a backslash", with(`a\b`)},
		{"a value with a question mark", with("a?b")},
		{"a value with a newline", with("a\nb")},
		{"a value with a NUL", with("a\x00")},
		{"credentials in the header", orgusers.Request{Path: "/user", Header: http.Header{"authtoken": {"other"}}}},
		{"a newline in the header", orgusers.Request{Path: "/user", Header: http.Header{"api_key": {"a\r\nb: c"}}}},
		{"a header name with a blank", orgusers.Request{Path: "/user", Header: http.Header{"Api Key": {"a"}}}},
		{"an empty header", orgusers.Request{Path: "/user", Header: http.Header{"api_key": {""}}}},
		{"a method that is none", orgusers.Request{Method: "GET /", Path: "/user"}},
		{"a body that is no JSON", orgusers.Request{Method: http.MethodPost, Path: "/user", Body: func() {}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &script{answers: []answer{good}}
			err := newClient(t, s).Do(t.Context(), tt.call, nil)
			if err == nil || len(s.sent) > 0 {
				t.Fatalf("got %v after %d requests, want an error and none", err, len(s.sent))
			}
			if !errors.Is(err, orgusers.ErrInvalid) {
				t.Errorf("got %v, want ErrInvalid", err)
			}
			for _, value := range tt.call.PathValues {
				if len(value) > 2 && strings.Contains(err.Error(), value) {
					t.Errorf("the error repeats the value: %v", err)
				}
			}
		})
	}
}

func TestEndedContextSendsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for kind, call := range kinds {
		s := &script{answers: []answer{good}}
		err := call(ctx, newClient(t, s))
		if !errors.Is(err, context.Canceled) || errors.Is(err, orgusers.ErrOutcomeUnknown) || len(s.sent) > 0 {
			t.Errorf("%s: sent %d requests, got %v", kind, len(s.sent), err)
		}
	}
}

func TestStackKeyThatIsNone(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "key\n", "kéy"} {
		s := &script{answers: []answer{good}}
		for _, err := range newClient(t, s).StackRoles(t.Context(), key) {
			if !errors.Is(err, orgusers.ErrInvalid) || len(s.sent) > 0 {
				t.Errorf("key %q: got %v after %d requests, want ErrInvalid and none", key, err, len(s.sent))
			}
		}
	}
}
