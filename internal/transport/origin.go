package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// signer signs requests on their way out, below go-retryablehttp and below
// the redirects of http.Client, so that no copy of a request carries a token
// anywhere but to the configured origin.
type signer struct {
	transport *Transport
	base      http.RoundTripper
}

// The signer has no CloseIdleConnections on purpose: go-retryablehttp calls
// it whenever a call fails, and would take the whole pool with it.

func (s *signer) RoundTrip(request *http.Request) (*http.Response, error) {
	c := callOf(request.Context())
	if c == nil || !sameOrigin(request.URL, s.transport.config.BaseURL) {
		return nil, errors.New("a request to another origin was refused")
	}
	// A copy, since what learns of the attempt can outlive it.
	attempt := Attempt{Op: c.request.Op, Template: c.request.Template, Number: c.attempts}
	signed := request.Clone(context.WithValue(request.Context(), attemptKey{}, attempt))
	if c.token != "" {
		if s.transport.config.Bearer {
			signed.Header.Set("Authorization", "Bearer "+c.token)
		} else {
			signed.Header.Set("Authtoken", c.token)
		}
	}
	if c.request.Write {
		// net/http repeats by itself what it takes for safe to repeat, when a
		// reused connection drops: a GET, and whatever has a GetBody. A body
		// that is empty but not nil, and cannot be had again, stops it.
		signed.GetBody = nil
		if signed.Body == nil && repeatable(signed.Method) {
			signed.Body = io.NopCloser(strings.NewReader(""))
		}
	}
	return s.base.RoundTrip(signed)
}

func repeatable(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	default:
		return false
	}
}

// checkRedirect follows redirects of reads within the origin. What is not
// followed comes back as the answer that it is.
func (t *Transport) checkRedirect(also func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(next *http.Request, via []*http.Request) error {
		c := callOf(next.Context())
		switch {
		case c.request.Write:
			c.redirect = "a request that changes something is not redirected"
		case !sameOrigin(next.URL, t.config.BaseURL):
			c.redirect = "it leads to another origin"
		case next.Method != via[0].Method:
			c.redirect = "it would change the method"
		case len(via) >= 5:
			c.redirect = "there were five before it"
		case also != nil && also(next, via) != nil:
			c.redirect = "the HTTP client's CheckRedirect is against it"
		default:
			return nil
		}
		return http.ErrUseLastResponse
	}
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && a.User == nil && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "http" {
		return "80"
	}
	return "443"
}

// IsLoopback tells whether a host without port is this machine.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
