package orgusers_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/orgusers/orgusers"
)

// newClient is a client for the organization blt1 over a transport, with a
// limit that no test waits for.
func newClient(t *testing.T, transport http.RoundTripper, opts ...orgusers.Option) *orgusers.Client {
	t.Helper()
	client, err := orgusers.New("blt1", append([]orgusers.Option{
		orgusers.WithAuthToken(token),
		orgusers.WithHTTPClient(&http.Client{Transport: transport}),
		orgusers.WithRateLimits(orgusers.RateLimits{Reads: 1e6, Writes: 1e6, Bulk: 1e6}),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// tokens is a source of one token.
type tokens string

func (t tokens) Token(context.Context) (string, error) { return string(t), nil }

// roundTripper is a function as a transport.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
