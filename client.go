package orgusers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"time"

	"github.com/orgusers/orgusers/internal/transport"
)

// Client runs the users of one organization. Make it with [New] or
// [NewFromEnv] and share it: it is safe for any number of goroutines, and they
// share its limits.
type Client struct {
	organizationUID string
	config          *config
	wire            *transport.Transport
}

// New makes a client for an organization. It needs one of [WithAuthToken] and
// [WithTokenSource]. It checks what it is given and does no I/O: whether the
// credentials are good shows with the first call. Errors are [ErrInvalid].
func New(organizationUID string, opts ...Option) (*Client, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	return newClient(organizationUID, c)
}

// NewFromEnv makes a client from the environment:
//
//	CONTENTSTACK_ORGANIZATION_UID  the organization
//	CONTENTSTACK_AUTHTOKEN         the token of a user session, or
//	CONTENTSTACK_OAUTH_TOKEN       an OAuth access token, used until it expires
//	CONTENTSTACK_REGION            as ParseRegion reads it; default na, or
//	CONTENTSTACK_BASE_URL          as WithBaseURL takes it
//
// Options that are given go before the environment. Errors are [ErrInvalid]
// and name the variable, never its value.
func NewFromEnv(opts ...Option) (*Client, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	if err := c.addEnvironment(); err != nil {
		return nil, err
	}
	uid := os.Getenv("CONTENTSTACK_ORGANIZATION_UID")
	if uid == "" {
		return nil, invalid(errors.New("CONTENTSTACK_ORGANIZATION_UID is not set"))
	}
	if err := checkUID(uid); err != nil {
		return nil, invalid(fmt.Errorf("CONTENTSTACK_ORGANIZATION_UID %w", err))
	}
	return newClient(uid, c)
}

// checkUID refuses what cannot be the uid of an organization, which goes into
// paths and a header.
func checkUID(uid string) error {
	if err := checkToken(uid); err != nil {
		return err
	}
	_, err := escapeElement(uid)
	return err
}

// ForOrganization makes a client for another organization with the same
// credentials and settings, and pacing of its own, since each organization
// has a budget of its own. RateLimiters given by [WithRateLimiters] stay shared. It
// sends nothing; a uid that cannot be one is [ErrInvalid].
func (c *Client) ForOrganization(uid string) (*Client, error) {
	return newClient(uid, c.config)
}

// OrganizationUID tells whose users the client runs.
func (c *Client) OrganizationUID() string { return c.organizationUID }

// BaseURL tells which service the client talks to, without "/v3".
func (c *Client) BaseURL() string { return c.config.base().String() }

// String names the organization and nothing secret.
func (c *Client) String() string { return "orgusers.Client(" + c.organizationUID + ")" }

// Format prints String, whatever the verb: for %s of a copy, or for %t, fmt
// would print what is inside, a token source say.
func (c Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

func newConfig(opts []Option) (*config, error) {
	c := &config{logger: slog.New(slog.DiscardHandler), retry: RetryPolicy{}.orDefault()}
	for _, option := range opts {
		if option == nil {
			continue
		}
		if err := option(c); err != nil {
			return nil, invalid(err)
		}
	}
	return c, nil
}

func (c *config) addEnvironment() error {
	authToken, oauthToken := os.Getenv("CONTENTSTACK_AUTHTOKEN"), os.Getenv("CONTENTSTACK_OAUTH_TOKEN")
	if c.authToken == nil && c.tokenSource == nil {
		if authToken != "" && oauthToken != "" {
			return invalid(errors.New("CONTENTSTACK_AUTHTOKEN and CONTENTSTACK_OAUTH_TOKEN are both set; unset one"))
		}
		if authToken == "" && oauthToken == "" {
			return invalid(errors.New("neither CONTENTSTACK_AUTHTOKEN nor CONTENTSTACK_OAUTH_TOKEN is set"))
		}
		if authToken != "" {
			if err := WithAuthToken(authToken)(c); err != nil {
				return invalid(fmt.Errorf("CONTENTSTACK_AUTHTOKEN: %w", err))
			}
		} else {
			if err := checkToken(oauthToken); err != nil {
				return invalid(fmt.Errorf("CONTENTSTACK_OAUTH_TOKEN: the token %w", err))
			}
			c.tokenSource = fixedToken(func() string { return oauthToken })
		}
	}
	if c.region != "" || c.baseURL != nil {
		return nil
	}
	region, baseURL := os.Getenv("CONTENTSTACK_REGION"), os.Getenv("CONTENTSTACK_BASE_URL")
	switch {
	case region != "" && baseURL != "":
		return invalid(errors.New("CONTENTSTACK_REGION and CONTENTSTACK_BASE_URL are both set; unset one"))
	case region != "":
		if err := WithRegion(Region(region))(c); err != nil {
			// The error repeats the name, which may be a value put in the wrong
			// place.
			return invalid(fmt.Errorf("CONTENTSTACK_REGION is none of %s", regionNames()))
		}
	case baseURL != "":
		if err := WithBaseURL(baseURL)(c); err != nil {
			return invalid(fmt.Errorf("CONTENTSTACK_BASE_URL: %w", err))
		}
	}
	return nil
}

// fixedToken is an OAuth token that nobody renews.
type fixedToken func() string

func (t fixedToken) Token(context.Context) (string, error) { return t(), nil }

func newClient(organizationUID string, c *config) (*Client, error) {
	if err := checkUID(organizationUID); err != nil {
		return nil, invalid(fmt.Errorf("the organization uid %w", err))
	}
	switch {
	case c.authToken != nil && c.tokenSource != nil:
		return nil, invalid(errors.New("there are two kinds of credentials: give WithAuthToken or WithTokenSource, not both"))
	case c.authToken == nil && c.tokenSource == nil:
		return nil, invalid(errors.New("there are no credentials: give WithAuthToken or WithTokenSource"))
	}
	if c.httpClient == nil {
		c.httpClient = newHTTPClient()
	}
	wire, err := newTransport(c)
	if err != nil {
		return nil, err
	}
	return &Client{organizationUID: organizationUID, config: c, wire: wire}, nil
}

func newTransport(c *config) (*transport.Transport, error) {
	if c.region != "" && c.baseURL != nil {
		return nil, invalid(errors.New("there are a region and a base URL: give WithRegion or WithBaseURL, not both"))
	}
	return transport.New(transport.Config{
		BaseURL:    c.base(),
		HTTPClient: c.httpClient,
		Logger:     c.logger,
		Token:      c.token(),
		Bearer:     c.tokenSource != nil,
		Refused:    c.refused(),
		UserAgent:  userAgent(c.product),
		Retry:      transport.Retry(c.retry),
		Reads:      budget(c.limiters.Reads, 10, c.limits.Reads),
		Writes:     budget(c.limiters.Writes, 10, c.limits.Writes),
		// The limit that answers tell of need not be that of bulk actions.
		Bulk: budget(c.limiters.Bulk, 1, cmp.Or(c.limits.Bulk, 1)),
	}), nil
}

// base is the region's URL unless another was given.
func (c *config) base() *url.URL {
	if c.baseURL != nil {
		return c.baseURL
	}
	return &url.URL{Scheme: "https", Host: c.region.host()}
}

// token is nil without credentials, as Login has none.
func (c *config) token() func(context.Context) (string, error) {
	switch {
	case c.authToken != nil:
		authToken := c.authToken
		return func(context.Context) (string, error) { return authToken(), nil }
	case c.tokenSource != nil:
		source := c.tokenSource
		return func(ctx context.Context) (string, error) {
			token, err := source.Token(ctx)
			if err != nil {
				return "", err
			}
			if err := checkToken(token); err != nil {
				return "", &transport.TokenError{Err: err, Problem: err.Error()}
			}
			return token, nil
		}
	default:
		return nil
	}
}

// refused is nil where nobody wants to know of refused tokens.
func (c *config) refused() func(token string) {
	if source, ok := c.tokenSource.(TokenInvalidator); ok {
		return source.Invalidate
	}
	return nil
}

// budget paces by the caller's limiter, or by what the server tells of its
// limit, up to a ceiling if that is not zero.
func budget(limiter RateLimiter, limit, ceiling float64) transport.Budget {
	if limiter != nil {
		return transport.Budget{Limiter: limiter}
	}
	return transport.Budget{Pacer: transport.NewPacer(limit, ceiling)}
}

// newHTTPClient is the default: the environment's proxy, a connection for
// each page that can be in flight, and an end to every attempt.
func newHTTPClient() *http.Client {
	return &http.Client{
		Timeout: time.Minute,
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			ForceAttemptHTTP2:     true,
			MaxIdleConns:          64,
			MaxIdleConnsPerHost:   64,
			IdleConnTimeout:       45 * time.Second, // less than load balancers allow
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: 30 * time.Second,
			ExpectContinueTimeout: time.Second,
			// A connection that died silently must not take every attempt with it.
			HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
		},
	}
}

// userAgent names this package with the version that the program was built
// with.
func userAgent(product string) string {
	const path = "github.com/orgusers/orgusers"
	version := "devel"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == path && module.Version != "" {
				version = module.Version
			}
		}
	}
	name := "orgusers/" + version
	if product != "" {
		return product + " " + name
	}
	return name
}
