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

// Option configures a [Client]. [New] returns [ErrInvalid] if the value of an
// option is invalid.
type Option func(*config) error

// config is the result of the options.
type config struct {
	authToken   fixedToken
	tokenSource TokenSource
	region      Region
	baseURL     *url.URL
	httpClient  *http.Client
	logger      *slog.Logger
	retry       RetryPolicy
	limits      RateLimits
	limiters    RateLimiters
	endpoints   Endpoints
	guards      Guards
	readOnly    bool
	ledgers     *ledgers
	product     string
}

// WithAuthToken authenticates requests with the token of a user session, as
// [Login] returns it. Most operations need the owner or an administrator of the
// organization. It cannot be combined with [WithTokenSource].
func WithAuthToken(token string) Option {
	return func(c *config) error {
		if err := checkToken(token); err != nil {
			return fmt.Errorf("the authtoken %w", err)
		}
		c.authToken = func() string { return token }
		return nil
	}
}

// WithTokenSource authenticates requests with OAuth access tokens of a user. It
// cannot be combined with [WithAuthToken]. The scopes of the tokens must include
// the reads that come before a change: see [Client.RemoveUsers].
func WithTokenSource(src TokenSource) Option {
	return func(c *config) error {
		if src == nil {
			return errors.New("the token source is nil")
		}
		c.tokenSource = src
		return nil
	}
}

// checkToken rejects a value that cannot be a token. The error does not contain
// the value.
func checkToken(token string) error {
	if token == "" {
		return errors.New("is empty")
	}
	if strings.ContainsAny(token[:1]+token[len(token)-1:], `"'`) {
		return errors.New("has quotation marks around it")
	}
	for _, r := range token {
		if r <= ' ' || r > '~' {
			return errors.New("has a space, a line break or another invalid character (was it read from a file with its newline?)")
		}
	}
	return nil
}

// WithRegion selects the data center of the organization. The default is
// [RegionNA]. It cannot be combined with [WithBaseURL].
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

// WithBaseURL sends requests to another URL, such as that of a proxy or a fake.
// It must not end with /v3, and must be https, or http on a loopback address. It
// cannot be combined with [WithRegion].
func WithBaseURL(baseURL string) Option {
	return func(c *config) error {
		u, err := parseBaseURL(baseURL)
		if err != nil {
			return fmt.Errorf("the base URL %w", err)
		}
		c.baseURL = u
		return nil
	}
}

func parseBaseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("is not a URL that begins with https://") // the error of url.Parse contains the text
	case u.Host == "" || u.Hostname() == "":
		return nil, errors.New("must be absolute: https://host")
	case u.User != nil:
		return nil, errors.New("must not contain a user or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("must not have a query or fragment")
	case u.Scheme == "http" && !transport.IsLoopback(u.Hostname()):
		return nil, errors.New("must be https; http is for loopback addresses only")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("must be https")
	}
	for element := range strings.SplitSeq(u.Path, "/") {
		if element == "." || element == ".." {
			return nil, errors.New("must not have . or .. in its path")
		}
	}
	// net/http sends requests to "localhost" past a proxy of the environment, but
	// not those to "LOCALHOST": the token would reach the proxy unencrypted.
	u.Host = strings.ToLower(u.Host)
	trimmed := strings.TrimRight(u.EscapedPath(), "/")
	if strings.HasSuffix(trimmed, "/v3") {
		return nil, errors.New("must not end with /v3")
	}
	u.RawPath = trimmed
	u.Path, err = url.PathUnescape(trimmed)
	return u, err
}

// WithHTTPClient sends requests through a copy of hc: for a proxy, a private
// certificate authority, or tracing (see [AttemptFromContext]). Its Timeout
// applies to each attempt; zero means no timeout. Its CheckRedirect is called
// only for redirects that this package would follow.
//
// A Transport of your own should keep about twenty idle connections per host
// (MaxIdleConnsPerHost), have timeouts for TLS handshakes and response headers,
// and send pings over HTTP/2 (HTTP2Config).
func WithHTTPClient(hc *http.Client) Option {
	return func(c *config) error {
		if hc == nil {
			return errors.New("the HTTP client is nil")
		}
		c.httpClient = hc
		return nil
	}
}

// WithLogger logs each attempt at debug level. The attributes are op, method,
// path (a template), attempt (from 1) and duration. If known, they include
// status, request_id, error, and retry_in, the wait before the next attempt. Logs
// have no addresses, tokens, queries or bodies.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) error {
		if l == nil {
			return errors.New("the logger is nil")
		}
		c.logger = l
		return nil
	}
}

// RetryPolicy limits how often a request is sent, and the waits in between.
// Whether a request is retried at all depends on the operation: see the package
// documentation. A zero field has its default.
type RetryPolicy struct {
	// MaxAttempts includes the first attempt: 1 disables retries. Default 6.
	MaxAttempts int
	// BaseDelay is the ceiling of the first delay, which is random below it. The
	// ceiling doubles with each attempt up to MaxDelay. Defaults: 500 ms and 30 s.
	BaseDelay, MaxDelay time.Duration
	// MaxRetryAfter is the longest pause that the server may ask for. A longer
	// one ends the call with the error of that response. Default 60 s.
	MaxRetryAfter time.Duration
}

func (p RetryPolicy) orDefault() RetryPolicy {
	p.MaxAttempts = cmp.Or(p.MaxAttempts, 6)
	p.BaseDelay = cmp.Or(p.BaseDelay, min(500*time.Millisecond, cmp.Or(p.MaxDelay, math.MaxInt64)))
	p.MaxDelay = cmp.Or(p.MaxDelay, max(30*time.Second, p.BaseDelay))
	p.MaxRetryAfter = cmp.Or(p.MaxRetryAfter, time.Minute)
	return p
}

// WithRetry sets the retry policy. [New] returns [ErrInvalid] if a field is
// negative or BaseDelay is greater than MaxDelay.
func WithRetry(p RetryPolicy) Option {
	return func(c *config) error {
		switch {
		case p.MaxAttempts < 0 || p.BaseDelay < 0 || p.MaxDelay < 0 || p.MaxRetryAfter < 0:
			return errors.New("the retry policy has a negative field")
		case p.BaseDelay > 0 && p.MaxDelay > 0 && p.BaseDelay > p.MaxDelay:
			return errors.New("the retry policy has a BaseDelay above its MaxDelay")
		}
		c.retry = p.orDefault()
		return nil
	}
}

// RateLimits are ceilings for the client's own pacing, in requests per second.
// They apply separately to each service of the API: organizations, stacks and
// users. A limit that the server sends in a header replaces the ceiling if it is
// lower. A zero field has its default.
type RateLimits struct {
	// Reads is for requests that only read, the search by address included.
	// Default 10. Set it higher if the organization's plan allows more.
	Reads float64
	// Writes is for requests that change something or send email. Default 10.
	Writes float64
	// Bulk is for the bulk actions of the product. Default 1.
	Bulk float64
	// Share is the part of each limit to use, above 0 and up to 1. Default 1.
	// It applies to the ceilings above and to limits that the server sends. Set
	// it if other programs use the same organization.
	Share float64
}

// WithRateLimits sets the ceilings of the client's own pacing. [New] returns
// [ErrInvalid] if a limit is negative or not a number, or if Share is not
// between 0 and 1.
func WithRateLimits(l RateLimits) Option {
	return func(c *config) error {
		for _, rate := range []float64{l.Reads, l.Writes, l.Bulk, l.Share} {
			if rate < 0 || math.IsNaN(rate) || math.IsInf(rate, 0) {
				return errors.New("a rate limit is negative or not a number")
			}
		}
		if l.Share > 1 {
			return errors.New("RateLimits.Share is above 1")
		}
		c.limits = l
		return nil
	}
}

// RateLimiter paces requests. A *rate.Limiter of golang.org/x/time/rate is one.
// To share limits between machines, see docs/sharedlimit.md of the repository.
type RateLimiter interface {
	// Wait returns nil when one more request may be sent. It returns an error if
	// ctx ends or the limiter fails; the call then fails without that request.
	Wait(ctx context.Context) error
}

// RateLimiters replace the client's own pacing. For a nil field the client keeps
// its own: see [RateLimits].
type RateLimiters struct {
	Reads, Writes, Bulk RateLimiter
}

// WithRateLimiters paces requests with limiters of the caller. Each attempt of
// each request waits for them. Clients from [Client.ForOrganization] share them.
func WithRateLimiters(l RateLimiters) Option {
	return func(c *config) error {
		c.limiters = l
		return nil
	}
}

// WithUserAgent puts a product, such as "offboarding/1.4", in front of the
// User-Agent of each request.
func WithUserAgent(product string) Option {
	return func(c *config) error {
		for _, r := range product {
			if r < ' ' || r > '~' {
				return errors.New("the user agent has a character that is invalid in a header")
			}
		}
		c.product = strings.TrimSpace(product)
		return nil
	}
}

// Attempt describes one attempt to send a request, without addresses, uids or
// tokens. Spans and metrics can be named after it.
type Attempt struct {
	// Op is the operation as in errors and logs: the name of a method of this
	// package, or Request.Op.
	Op string
	// Path is a template, such as "/v3/organizations/{organization_uid}/share".
	Path string
	// Number counts the attempts of a request from 1. Redirects that are
	// followed belong to the same attempt.
	Number int
}

// AttemptFromContext returns the attempt that is being sent. Call it with the
// request's context in the [http.RoundTripper] given by [WithHTTPClient]. It
// returns false for every other context.
func AttemptFromContext(ctx context.Context) (Attempt, bool) {
	attempt, ok := transport.AttemptFromContext(ctx)
	return Attempt{Op: attempt.Op, Path: attempt.Template, Number: attempt.Number}, ok
}
