// Package transport carries one call to the API and back: it signs, paces,
// retries, bounds and redacts. It knows nothing of what is asked or answered.
package transport

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// Config is what a Transport is made of. Every field must be set, but for
// Token and Refused.
type Config struct {
	// BaseURL is where paths are appended, and the one origin that ever gets
	// to see the token.
	BaseURL *url.URL
	// HTTPClient is copied.
	HTTPClient *http.Client
	Logger     *slog.Logger
	// Token is asked before each attempt. Nil: requests go out unsigned.
	Token func(ctx context.Context) (string, error)
	// Bearer says that tokens are OAuth tokens, so that a new one is asked
	// for once after a 401.
	Bearer bool
	// Refused is told of a token that was answered with 401, before a new one
	// is asked for. Nil: nobody wants to know.
	Refused   func(token string)
	UserAgent string
	Retry     Retry
	// Reads, Writes and Bulk pace what Request.Budget names.
	Reads, Writes, Bulk Budget
}

// Retry says how often and how patiently.
type Retry struct {
	MaxAttempts         int
	BaseDelay, MaxDelay time.Duration
	MaxRetryAfter       time.Duration
}

// Request is one call.
type Request struct {
	// Op and Template stand for the request in logs, which show neither the
	// path nor the query.
	Op, Template string
	Method       string
	// Path is escaped and starts with a slash; it is appended to the base URL.
	Path   string
	Query  url.Values
	Header http.Header
	// Body is sent as JSON; nil sends none.
	Body []byte
	// Write marks what changes or mails: it is never repeated unless the
	// server cannot have acted on it.
	Write bool
	// Bulk draws on the bulk budget instead of that of writes.
	Bulk bool
	// Unsigned sends no token.
	Unsigned bool
	// Secrets are texts that no answer may bring back into an error.
	Secrets []string
}

// Transport makes calls. It is safe for concurrent use.
type Transport struct {
	config Config
	client *http.Client
	budget retryBudget
	bodies sync.Pool
}

// New makes a Transport. It does no I/O.
func New(config Config) *Transport {
	t := &Transport{config: config, bodies: sync.Pool{New: func() any { return new(bytes.Buffer) }}}
	client := *config.HTTPClient
	base := client.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	client.Transport = &signer{transport: t, base: base}
	client.CheckRedirect = t.checkRedirect(client.CheckRedirect)
	t.client = &client
	return t
}

// Do makes the call and hands the last answer, whatever its status, to use.
// The answer's body belongs to use only while it runs. Where there is no
// answer, or where waiting for a better one was cut short, it returns an
// *Error; use has not been called then.
func (t *Transport) Do(ctx context.Context, request *Request, use func(*Response) error) (attempts int, err error) {
	c := &call{transport: t, request: request, budget: t.budgetFor(request)}
	defer c.release()
	if err := c.run(ctx); err != nil {
		return c.attempts, c.failure(err)
	}
	c.answer.Attempts = c.attempts
	return c.attempts, use(c.answer)
}

func (t *Transport) budgetFor(request *Request) *Budget {
	switch {
	case request.Bulk:
		return &t.config.Bulk
	case request.Write:
		return &t.config.Writes
	default:
		return &t.config.Reads
	}
}

// call is one Do: what its attempts share.
type call struct {
	transport *Transport
	request   *Request
	budget    *Budget

	attempts    int
	token       string
	renewed     bool // a 401 has been answered with a new token
	refused     int  // answers of 429 so far
	reserved    int  // what the retry budget lent to this call
	wait        time.Duration
	turn        Turn
	connections connectionTrace

	acted     bool      // the server may have acted on the last attempt, and has not said
	answer    *Response // the last complete one
	buffer    *bytes.Buffer
	redirect  string // why a redirect was not followed
	abandoned error  // why a call that could be retried was not
}

// run attempts the request until there is an answer to keep. The client of
// go-retryablehttp is made anew for each call: its hooks see neither the
// request nor, on a transport error, the answer, and so are bound to the call
// here. It owns no connections; those are the http.Client's.
func (c *call) run(ctx context.Context) error {
	if err := c.prepare(ctx); err != nil {
		return err
	}
	request, err := c.newRequest(ctx)
	if err != nil {
		return err
	}
	client := &retryablehttp.Client{
		HTTPClient:   c.transport.client,
		RetryMax:     math.MaxInt32, // check counts
		CheckRetry:   c.check,
		Backoff:      func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return c.wait },
		PrepareRetry: func(*http.Request) error { return c.prepare(ctx) },
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	response, err := client.Do(request)
	if response != nil {
		// check has read the body already; an error may come with a response.
		_ = response.Body.Close()
	}
	return errors.Join(c.abandoned, withoutURL(err))
}

func (c *call) newRequest(ctx context.Context) (*retryablehttp.Request, error) {
	target := *c.transport.config.BaseURL
	escaped := target.EscapedPath() + c.request.Path
	unescaped, err := url.PathUnescape(escaped)
	if err != nil {
		return nil, errors.New("the path is not validly escaped")
	}
	target.Path, target.RawPath = unescaped, escaped
	target.RawQuery = c.request.Query.Encode()

	var body any
	if c.request.Body != nil {
		body = c.request.Body
	}
	ctx = httptrace.WithClientTrace(context.WithValue(ctx, callKey{}, c), c.connections.hooks())
	request, err := retryablehttp.NewRequestWithContext(ctx, c.request.Method, target.String(), body)
	if err != nil {
		return nil, errors.New("the request cannot be made: invalid method or URL")
	}
	for name, values := range c.request.Header {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", c.transport.config.UserAgent)
	request.Header.Set("X-User-Agent", c.transport.config.UserAgent)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// prepare readies the call for its next attempt: a token, then a place in the
// queue. In this order, so that a slow token does not bunch up requests that
// had been spaced.
func (c *call) prepare(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if source := c.transport.config.Token; source != nil && !c.request.Unsigned {
		token, err := source(ctx)
		if refused, ok := errors.AsType[*TokenError](err); ok {
			return refused
		}
		if err != nil {
			// A source need not say that it was interrupted.
			return &TokenError{Err: errors.Join(err, ctx.Err())}
		}
		c.token = token
	}
	turn, err := c.budget.wait(ctx)
	if err != nil {
		return err
	}
	c.attempts++
	c.connections.reset()
	c.redirect = ""
	c.turn = turn
	return nil
}

// release gives the body's buffer back.
func (c *call) release() {
	const keep = 4 << 20 // a page of a hundred users is a tenth of that
	if c.buffer == nil || c.buffer.Cap() > keep {
		return
	}
	c.buffer.Reset()
	c.transport.bodies.Put(c.buffer)
	c.buffer = nil
}

// failure is what Do returns for a call without an answer to use.
func (c *call) failure(err error) *Error {
	failure := &Error{
		Err:      err,
		Attempts: c.attempts,
		Unsent:   !c.acted,
		text:     c.textOf(err),
	}
	if c.answer != nil {
		c.answer.Attempts = c.attempts
		failure.Last = c.answer
		// The call ends with this error, and its buffer with the call.
		failure.Last.Body = bytes.Clone(c.answer.Body)
	}
	return failure
}

// textOf is the text of an error on one bounded line, without secrets.
func (c *call) textOf(err error) string {
	const most = 500 // net/http quotes what is no HTTP, however long
	return cut(c.redact(strings.ReplaceAll(err.Error(), "\n", ": ")), most)
}

// withoutURL unwraps url.Error, whose text is the whole URL.
func withoutURL(err error) error {
	var wrapped *url.Error
	for errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return err
}

// Attempt is one sending of a request, as whatever sends it may know it.
type Attempt struct {
	Op, Template string
	Number       int // from 1
}

type attemptKey struct{}

// AttemptFromContext finds the attempt in the context of a request that is sent.
func AttemptFromContext(ctx context.Context) (Attempt, bool) {
	attempt, ok := ctx.Value(attemptKey{}).(Attempt)
	return attempt, ok
}

type callKey struct{}

func callOf(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	return c
}
