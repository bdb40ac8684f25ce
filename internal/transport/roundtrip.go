package transport

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
)

// A sender sends one request. It is below the redirects of http.Client, so that no copy of a request has a token unless
// it goes to the configured origin.
//
// It has no CloseIdleConnections, because go-retryablehttp calls that when a call fails, and the connections belong to
// other calls too.
type sender struct {
	transport *Transport
	base      http.RoundTripper
}

func (s *sender) RoundTrip(request *http.Request) (*http.Response, error) {
	c, _ := request.Context().Value(callKey{}).(*call)
	if c == nil || !sameOrigin(request.URL, s.transport.config.BaseURL) {
		return nil, errors.New("a request to another origin was refused")
	}
	c.end()
	ctx, end := context.WithCancel(request.Context())
	c.ctx, c.end, c.trace = ctx, end, &trace{}
	if c.request.Kind == Read {
		c.trace.abandon = end
	}
	attempt := Attempt{Op: c.request.Op, Template: c.request.Template, Number: c.attempts}
	sent := request.Clone(httptrace.WithClientTrace(context.WithValue(ctx, attemptKey{}, attempt), c.trace.hooks()))
	if c.token != "" {
		if s.transport.config.Bearer {
			sent.Header.Set("Authorization", "Bearer "+c.token)
		} else {
			sent.Header.Set("Authtoken", c.token)
		}
	}
	// net/http repeats requests whose body is nil or can be had again. One that is empty, but not nil, is not sent as
	// chunks with the methods that get here without a body.
	sent.GetBody = nil
	if c.request.Kind != Read && sent.Body == nil {
		sent.Body = io.NopCloser(strings.NewReader(""))
	}
	response, err := s.base.RoundTrip(sent)
	if err != nil && c.trace.seen().repeated {
		err = errLost
	}
	return response, err
}

// A trace records what became of one request on its way.
type trace struct {
	abandon func() // if it is not nil, ends the request when net/http is about to repeat it

	mu sync.Mutex
	traced
}

type traced struct {
	address  string // that was to be connected to: the server's or a proxy's
	had      bool   // there was a connection, so something may have been sent
	reused   bool   // the connection had been used before
	repeated bool   // the request was abandoned
}

func (t *trace) seen() traced {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.traced
}

func (t *trace) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(address string) {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.address = address
			if t.had && t.abandon != nil {
				t.repeated = true
				t.abandon()
			}
		},
		GotConn: func(info httptrace.GotConnInfo) {
			t.mu.Lock()
			defer t.mu.Unlock()
			if t.repeated && !isHTTP2(info.Conn) {
				_ = info.Conn.Close() // HTTP/2 looks at the context before it sends, HTTP/1.1 does not
			}
			if !t.had {
				t.had, t.reused = true, info.Reused
			}
		},
	}
}

func isHTTP2(connection net.Conn) bool {
	secure, ok := connection.(interface{ ConnectionState() tls.ConnectionState })
	return ok && secure.ConnectionState().NegotiatedProtocol == "h2"
}

// unsent reports whether the request cannot have reached the server. Without hooks, which a RoundTripper need not call,
// only a failed dial proves it.
func (t traced) unsent(err error) bool {
	operation, ok := errors.AsType[*net.OpError](err)
	return !t.had && (t.address != "" || ok && operation.Op == "dial")
}

// proxyError names the proxy if the error can be a proxy's response to CONNECT or SOCKS, for which net/http has no type:
// it comes before there is a connection to the server, and is not an error of the network. Otherwise it returns the
// error.
func (t traced) proxyError(base *url.URL, err error) error {
	direct := t.address == "" || strings.EqualFold(t.address, net.JoinHostPort(base.Hostname(), port(base)))
	if err == nil || t.had || direct {
		return err
	}
	cause := err
	if socks, ok := errors.AsType[*net.OpError](err); ok && strings.HasPrefix(socks.Op, "socks") {
		cause = socks.Err // net/http has an error of the network for a refusal too
	}
	_, network := errors.AsType[net.Error](cause)
	if network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.Canceled) ||
		strings.HasPrefix(err.Error(), "tls: ") {
		return err
	}
	return finalError{fmt.Errorf("the proxy %s refused the connection: %w", t.address, err)}
}

// checkRedirect follows redirects of reads within the origin, when the next request may be sent. Other redirects are
// responses like any other.
func (t *Transport) checkRedirect(also func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(next *http.Request, via []*http.Request) error {
		c, _ := next.Context().Value(callKey{}).(*call)
		const most = 5
		switch {
		case c.request.Kind != Read:
			c.redirect = "a request that changes something is not redirected"
		case !sameOrigin(next.URL, t.config.BaseURL):
			c.redirect = "it leads to another origin"
		case next.Method != via[0].Method:
			c.redirect = "it would change the method"
		case len(via) >= most:
			c.redirect = "there were five before it"
		case also != nil && also(next, via) != nil:
			c.redirect = "the HTTP client's CheckRedirect refused it"
		default:
			return c.take(next.Context())
		}
		return http.ErrUseLastResponse
	}
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && a.User == nil && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	return cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
}

// IsLoopback reports whether a host without port is this machine.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
