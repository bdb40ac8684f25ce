// Package transport carries one call to the API and back. It signs, paces, retries, bounds and redacts. It knows nothing
// of what requests and responses mean.
package transport

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"
)

// Config describes a Transport. Token, Rejected, Limits and Limiters may be zero.
type Config struct {
	BaseURL    *url.URL     // what paths are appended to, and the one origin that tokens are sent to
	HTTPClient *http.Client // copied
	Logger     *slog.Logger
	// Token is called before each attempt. If it is nil, requests are not signed.
	Token func(ctx context.Context) (string, error)
	// Bearer says that tokens are OAuth tokens. Then a request is sent again, once, with a new token after a 401.
	Bearer bool
	// Rejected is called with a token that a 401 rejected, before Token is called for a new one.
	Rejected  func(token string)
	UserAgent string
	Retry     Retry
	Limits    Limits
	Limiters  Limiters
}

// Retry limits the attempts of each call.
type Retry struct {
	MaxAttempts         int // all requests of a call count, redirects too
	BaseDelay, MaxDelay time.Duration
	MaxRetryAfter       time.Duration // the longest pause of the server's that is waited for
}

// Limits are ceilings in requests per second, for each service. Headers lower a limit, and raise it again up to its
// ceiling. Zero is the default: 10, 10, 1. Share is the part of each limit to use, zero is 1.
type Limits struct {
	Reads, Writes, Bulk, Share float64
}

// Limiters replace the transport's own pacing of the kinds that are not nil.
type Limiters struct {
	Reads, Writes, Bulk Limiter
}

// Kind is what a request does. It decides the budget and what may be repeated.
type Kind int

// A Read changes nothing and may be repeated. A Write changes something or sends email, and is never repeated unless the
// server cannot have acted on it. A Bulk is a write that is paced as a bulk action.
const (
	Read Kind = iota
	Write
	Bulk
	kinds
)

// Service is the part of the API that a request belongs to. Each has its own budgets.
type Service int

// Stack requests have an api_key header. User requests are below /user and do not depend on the organization.
// Organization is the service of all others.
const (
	Organization Service = iota
	Stack
	User
	services
)

// Request is one call.
type Request struct {
	Op, Template string // describe the request in logs, which show neither the path nor the query
	Method       string
	Path         string // is escaped, starts with a slash and is appended to the base URL
	Query        url.Values
	Header       http.Header
	// Body is sent as JSON. If it is nil, writes with POST, PUT and PATCH send an empty object, and other requests send
	// no body.
	Body     []byte
	Kind     Kind
	Service  Service
	Unsigned bool // is sent without a token
	// Secrets are removed from the texts of responses and errors. Those of fewer than four characters are not.
	Secrets []string
}

// Transport makes calls. It is safe for concurrent use.
type Transport struct {
	config   Config
	client   *http.Client
	throttle *throttle
	budgets  [services][kinds]*budget
}

// New returns a Transport. It does no I/O.
func New(config Config) *Transport {
	t := &Transport{config: config, throttle: new(throttle)}
	for service := range services {
		t.budgets[service] = newBudgets(config)
	}
	client := *config.HTTPClient
	base := client.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	client.Transport = &sender{transport: t, base: base}
	client.CheckRedirect = t.checkRedirect(client.CheckRedirect)
	t.client = &client
	return t
}

// ForOrganization returns a Transport for another organization. It has its own budgets for the organization and its
// stacks, and shares everything else.
func (t *Transport) ForOrganization() *Transport {
	other := *t
	other.budgets[Organization], other.budgets[Stack] = newBudgets(t.config), newBudgets(t.config)
	return &other
}

func newBudgets(config Config) [kinds]*budget {
	limits, limiters := config.Limits, config.Limiters
	share := cmp.Or(limits.Share, 1)
	return [kinds]*budget{
		Read:  newBudget(cmp.Or(limits.Reads, 10), share, limiters.Reads),
		Write: newBudget(cmp.Or(limits.Writes, 10), share, limiters.Writes),
		Bulk:  newBudget(cmp.Or(limits.Bulk, 1), share, limiters.Bulk),
	}
}

// Do makes the call and passes the last response, whatever its status, to use. It returns the number of requests sent.
// It returns an *Error, without calling use, if there is no response or if the wait for a better one was cut short.
func (t *Transport) Do(ctx context.Context, request *Request, use func(*Response) error) (attempts int, err error) {
	c := &call{transport: t, request: request, budget: t.budgets[request.Service][request.Kind], end: func() {}}
	defer t.throttle.settle(c)
	defer func() { c.end() }()
	if err := c.run(ctx); err != nil {
		return c.attempts, c.failure(err)
	}
	return c.attempts, use(c.response)
}

// Attempt describes one request to the RoundTripper that sends it.
type Attempt struct {
	Op, Template string
	Number       int // from 1
}

type attemptKey struct{}

// AttemptFromContext returns the attempt of a request that is being sent.
func AttemptFromContext(ctx context.Context) (Attempt, bool) {
	attempt, ok := ctx.Value(attemptKey{}).(Attempt)
	return attempt, ok
}
