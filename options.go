package orgusers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/orgusers/orgusers/internal/transport"
)

// Option configures a [Client]. What an option refuses, [New] returns as an
// error that is [ErrInvalid].
type Option func(*config) error

// config is what the options come to. Credentials are held by functions, so
// that nothing that prints a config prints them.
type config struct {
	authToken   func() string
	tokenSource TokenSource
	region      Region
	baseURL     *url.URL
	httpClient  *http.Client
	logger      *slog.Logger
	retry       RetryPolicy
	limits      RateLimits
	limiters    RateLimiters
	routes      Endpoints
	product     string
}

// TokenSource supplies OAuth access tokens. It is asked before each attempt of
// each request, and once more after an answer of 401, from whichever goroutine
// makes the request: it should keep a token until shortly before it expires,
// and must be safe for concurrent use. One that keeps tokens should be a
// [TokenInvalidator] too.
type TokenSource interface {
	// Token returns the access token, without the word Bearer. An error that is
	// [ErrUnauthorized] says that only somebody who signs in can help. The text
	// of an error is not shown, as it can be that of a token endpoint.
	Token(ctx context.Context) (string, error)
}

// TokenInvalidator is a [TokenSource] that keeps tokens and is told when one is
// refused: asked once more after a 401, it would return the same one again.
type TokenInvalidator interface {
	TokenSource
	// Invalidate is called with a token that was answered with 401, before
	// Token is asked again. Each of the requests that were under way with it
	// calls, some of them when it has been replaced already: compare, and forget
	// no other token. It is called from any goroutine, and should not block.
	Invalidate(token string)
}

// WithAuthToken signs requests with the token of a user session, as [Login]
// returns it. Most operations need the owner or an administrator of the
// organization. It excludes [WithTokenSource].
func WithAuthToken(token string) Option {
	return func(c *config) error {
		if err := checkToken(token); err != nil {
			return fmt.Errorf("the authtoken %w", err)
		}
		c.authToken = func() string { return token }
		return nil
	}
}

// WithTokenSource signs requests with OAuth access tokens of a user. It
// excludes [WithAuthToken]. Its scopes must allow the reads too that come
// before a change: see [Client.RemoveUsers]. Nil is [ErrInvalid].
func WithTokenSource(src TokenSource) Option {
	return func(c *config) error {
		if src == nil {
			return errors.New("the token source is nil")
		}
		c.tokenSource = src
		return nil
	}
}

// checkToken refuses what cannot be a token, without repeating it.
func checkToken(token string) error {
	if token == "" {
		return errors.New("is empty")
	}
	for _, r := range token {
		if r <= ' ' || r > '~' {
			return errors.New("has a space, a line break or another character that it cannot have (was it read from a file with its newline?)")
		}
	}
	return nil
}

// WithRegion picks the data centre in which the organization lives. Without
// it, and without [WithBaseURL], that is [RegionNA].
func WithRegion(r Region) Option {
	return func(c *config) error {
		region, err := parseRegion(string(r))
		if err != nil {
			return err
		}
		c.region = region
		return nil
	}
}

// WithBaseURL sends requests to another address than a region's: a proxy, or
// the fake of package orguserstest. The URL has no "/v3", no query and no
// user; it must be https, or http on a loopback address. It excludes
// [WithRegion].
func WithBaseURL(baseURL string) Option {
	return func(c *config) error {
		parsed, err := parseBaseURL(baseURL)
		if err != nil {
			return fmt.Errorf("the base URL %w", err)
		}
		c.baseURL = parsed
		return nil
	}
}

func parseBaseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("is no URL: it begins with https://") // the error of url.Parse repeats it, with its password
	case u.Host == "" || u.Hostname() == "":
		return nil, errors.New("must be absolute: https://host")
	case u.User != nil:
		return nil, errors.New("must not hold a user or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("must not have a query or fragment")
	case u.Scheme == "http" && !transport.IsLoopback(u.Hostname()):
		return nil, errors.New("is http: use https; http is for loopback addresses alone")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("must be https")
	}
	for element := range strings.SplitSeq(u.Path, "/") {
		if element == "." || element == ".." {
			return nil, errors.New("must not have . or .. in its path")
		}
	}
	// net/http keeps requests to "localhost" from a proxy of the environment,
	// and those to "LOCALHOST" not: the token would go there in the clear.
	u.Host = strings.ToLower(u.Host)
	trimmed := strings.TrimRight(u.EscapedPath(), "/")
	if strings.HasSuffix(trimmed, "/v3") {
		return nil, errors.New("must be given without its /v3")
	}
	u.RawPath = trimmed
	u.Path, err = url.PathUnescape(trimmed)
	return u, err
}

// WithHTTPClient sends requests through a copy of hc: for a proxy, a private
// certificate authority, or tracing ([AttemptFromContext] tells its Transport
// what it sends). Its Transport, Timeout (of one attempt) and Jar are used; its
// CheckRedirect is asked only about redirects that this package would follow. A
// Transport of your own should keep some twenty idle connections to a host
// (MaxIdleConnsPerHost; the default of two would reconnect all the time), have
// timeouts for TLS handshakes and response headers, and send pings over HTTP/2
// (HTTP2Config), so that a connection that died is noticed.
func WithHTTPClient(hc *http.Client) Option {
	return func(c *config) error {
		if hc == nil {
			return errors.New("the HTTP client is nil")
		}
		c.httpClient = hc
		return nil
	}
}

// WithLogger logs each attempt at debug level: operation (op), method, path
// template, attempt (from 1), duration, and where there is one, status,
// request_id (the answer's X-Request-Id), error, and after how long it is
// repeated (retry_in). Never addresses, tokens, queries or bodies. Nil is
// [ErrInvalid].
func WithLogger(l *slog.Logger) Option {
	return func(c *config) error {
		if l == nil {
			return errors.New("the logger is nil")
		}
		c.logger = l
		return nil
	}
}

// RetryPolicy says how often a request is tried and how long is waited in
// between. Whether it is repeated at all depends on the operation: see the
// package documentation. A zero field keeps its default.
type RetryPolicy struct {
	// MaxAttempts counts the first attempt too: 1 turns retries off.
	// Default 6.
	MaxAttempts int
	// BaseDelay is the ceiling of the first wait, which is random below it. The
	// ceiling doubles with each attempt until it is MaxDelay. Defaults: 500 ms
	// and 30 s.
	BaseDelay, MaxDelay time.Duration
	// MaxRetryAfter is the longest pause that the server may ask for; a
	// longer one ends the call with [ErrRateLimited], or with the error of
	// the answer that asked for it. Default 60 s.
	MaxRetryAfter time.Duration
}

func (p RetryPolicy) orDefault() RetryPolicy {
	p.MaxAttempts = cmp.Or(p.MaxAttempts, 6)
	if p.BaseDelay == 0 {
		p.BaseDelay = min(500*time.Millisecond, cmp.Or(p.MaxDelay, math.MaxInt64))
	}
	p.MaxDelay = cmp.Or(p.MaxDelay, max(30*time.Second, p.BaseDelay))
	p.MaxRetryAfter = cmp.Or(p.MaxRetryAfter, time.Minute)
	return p
}

// WithRetry changes how often and how patiently is retried. A negative number,
// or a BaseDelay above MaxDelay, is [ErrInvalid].
func WithRetry(p RetryPolicy) Option {
	return func(c *config) error {
		switch {
		case p.MaxAttempts < 0 || p.BaseDelay < 0 || p.MaxDelay < 0 || p.MaxRetryAfter < 0:
			return errors.New("the retry policy has a negative number")
		case p.BaseDelay > 0 && p.MaxDelay > 0 && p.BaseDelay > p.MaxDelay:
			return errors.New("the retry policy has a BaseDelay above its MaxDelay")
		}
		c.retry = p.orDefault()
		return nil
	}
}

// RateLimits are ceilings, in requests a second, whatever else the server would
// allow. Below them, pacing begins at the default and follows what the server
// says in its answers, or goes up to the ceiling where it says nothing. A zero
// field is no ceiling: an organization whose plan allows more gets more.
type RateLimits struct {
	// Reads paces whatever only reads, search included. Default 10.
	Reads float64
	// Writes paces whatever changes or mails. Default 10.
	Writes float64
	// Bulk paces bulk actions, as the product limits them. Default 1, which is
	// a ceiling too: what the server says of limits need not be about these.
	Bulk float64
}

// WithRateLimits sets ceilings for the client's own pacing. Use it where a part of
// the organization's budget must stay free at any moment; what other programs
// use is left to them anyway. One that is negative or no number is [ErrInvalid].
func WithRateLimits(l RateLimits) Option {
	return func(c *config) error {
		for _, rate := range []float64{l.Reads, l.Writes, l.Bulk} {
			if rate < 0 || math.IsNaN(rate) || math.IsInf(rate, 0) {
				return errors.New("a limit is negative or not a number")
			}
		}
		c.limits = l
		return nil
	}
}

// RateLimiter paces requests. A *rate.RateLimiter of golang.org/x/time/rate is one; so
// is whatever shares a budget between machines, as docs/sharedlimit.md of the
// repository shows.
type RateLimiter interface {
	// Wait returns nil when one more request may go out, or an error when ctx
	// ends or the limiter fails. The call then fails without having been sent.
	Wait(ctx context.Context) error
}

// RateLimiters replace the client's own pacing. A nil field leaves it in place for
// that kind of request; see [RateLimits] for the kinds.
type RateLimiters struct {
	Reads, Writes, Bulk RateLimiter
}

// WithRateLimiters paces requests with limiters that the caller brings. Each is
// asked before every attempt, and by every client made with it.
func WithRateLimiters(l RateLimiters) Option {
	return func(c *config) error {
		c.limiters = l
		return nil
	}
}

// WithUserAgent puts a product, such as "offboarding/1.4", before the name of
// this package in the User-Agent of each request.
func WithUserAgent(product string) Option {
	return func(c *config) error {
		for _, r := range product {
			if r < ' ' || r > '~' {
				return errors.New("the user agent has a character that a header must not have")
			}
		}
		c.product = strings.TrimSpace(product)
		return nil
	}
}

// Attempt is one sending of a request, in words that hold no address, no uid
// and no token. Spans and metrics can be named by it.
type Attempt struct {
	// Op is the operation, as errors and logs have it: the name of a method of
	// this package, or Request.Op.
	Op string
	// Path is a template, such as "/v3/organizations/{organization_uid}/share".
	Path string
	// Number counts the attempts of a request from 1. Redirects that are
	// followed belong to the same one.
	Number int
}

// AttemptFromContext tells what it is that an [http.RoundTripper] sends, who
// could otherwise see it from the URL alone. The context is that of the
// request; others have no attempt. See [WithHTTPClient].
func AttemptFromContext(ctx context.Context) (Attempt, bool) {
	attempt, ok := transport.AttemptFromContext(ctx)
	return Attempt{Op: attempt.Op, Path: attempt.Template, Number: attempt.Number}, ok
}
