package orgusers

import (
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

// Client manages the users of one organization. Create it with [New] or
// [NewFromEnv] and share it: it is safe for concurrent use, and its rate limits
// apply to all goroutines together. The zero Client returns [ErrInvalid] from
// every request.
type Client struct {
	organizationUID string
	config          config
	wire            *transport.Transport
}

// New returns a client for an organization. It requires either [WithAuthToken] or
// [WithTokenSource]. It does no I/O, so the first call shows whether the
// credentials are valid. It returns [ErrInvalid] if the uid or an option is
// invalid.
func New(organizationUID string, opts ...Option) (*Client, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	if err := checkUID(organizationUID); err != nil {
		return nil, invalid(fmt.Errorf("the organization uid %w", err))
	}
	return newClient(organizationUID, c)
}

// NewFromEnv returns a client that is configured by the environment:
//
//	CONTENTSTACK_ORGANIZATION_UID  the uid of the organization
//	CONTENTSTACK_AUTHTOKEN         the token of a user session, or
//	CONTENTSTACK_OAUTH_TOKEN       an OAuth access token, which is not renewed
//	CONTENTSTACK_REGION            a name for ParseRegion (default "na"), or
//	CONTENTSTACK_BASE_URL          a URL for WithBaseURL
//
// Options override the environment. It returns [ErrInvalid] if the uid or the token
// is missing, if a value is invalid, or if two alternatives are set. The error names
// the variable, never its value.
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

// ForOrganization returns a client for another organization with the same
// credentials and settings. It sends nothing. Its rate limits are its own, except
// those for requests about the current user and those given by
// [WithRateLimiters]. It returns [ErrInvalid] if the uid is malformed.
func (c *Client) ForOrganization(uid string) (*Client, error) {
	if !c.made() {
		return nil, invalid(errors.New("the client was not made with New"))
	}
	if err := checkUID(uid); err != nil {
		return nil, invalid(fmt.Errorf("the organization uid %w", err))
	}
	return &Client{organizationUID: uid, config: c.config, wire: c.wire.ForOrganization()}, nil
}

// made reports whether the client was made with New.
func (c *Client) made() bool { return c != nil && c.wire != nil }

func (c *Client) ledger() *ledger { return c.config.ledgers.of(c.organizationUID) }

// OrganizationUID returns the uid of the client's organization.
func (c *Client) OrganizationUID() string {
	if c == nil {
		return ""
	}
	return c.organizationUID
}

// BaseURL returns the URL of the service, without "/v3".
func (c *Client) BaseURL() string {
	if c == nil {
		return ""
	}
	return c.config.base().String()
}

// CloseIdleConnections closes the connections that are not in use. Clients that
// share an HTTP client share its connections.
func (c *Client) CloseIdleConnections() {
	if c != nil && c.config.httpClient != nil {
		c.config.httpClient.CloseIdleConnections()
	}
}

// String returns the uid of the organization, and no secret.
func (c *Client) String() string { return "orgusers.Client(" + c.organizationUID + ")" }

// Format prints String for every verb. Without it, fmt would print the token
// source for some verbs and for copies.
func (c Client) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// newClient returns a client. The uid is empty for requests without an organization.
func newClient(organizationUID string, c config) (*Client, error) {
	switch {
	case c.authToken != nil && c.tokenSource != nil:
		return nil, invalid(errors.New("WithAuthToken and WithTokenSource exclude each other"))
	case c.authToken == nil && c.tokenSource == nil:
		return nil, invalid(errors.New("credentials are missing: use WithAuthToken or WithTokenSource"))
	}
	if c.httpClient == nil {
		c.httpClient = newHTTPClient()
	}
	c.ledgers = &ledgers{byID: map[string]*ledger{}}
	wire, err := newTransport(&c)
	if err != nil {
		return nil, err
	}
	return &Client{organizationUID: organizationUID, config: c, wire: wire}, nil
}

// checkUID rejects a value that cannot be the uid of an organization, which is
// part of paths and a header.
func checkUID(uid string) error {
	if err := checkToken(uid); err != nil {
		return err
	}
	_, err := escapeElement(uid)
	return err
}

func newConfig(opts []Option) (config, error) {
	c := config{logger: slog.New(slog.DiscardHandler), retry: RetryPolicy{}.orDefault()}
	for _, option := range opts {
		if option == nil {
			continue
		}
		if err := option(&c); err != nil {
			return c, invalid(err)
		}
	}
	return c, nil
}

func (c *config) addEnvironment() error {
	authToken, oauthToken := os.Getenv("CONTENTSTACK_AUTHTOKEN"), os.Getenv("CONTENTSTACK_OAUTH_TOKEN")
	if c.authToken == nil && c.tokenSource == nil {
		switch {
		case authToken != "" && oauthToken != "":
			return invalid(errors.New("CONTENTSTACK_AUTHTOKEN and CONTENTSTACK_OAUTH_TOKEN are both set; unset one"))
		case authToken == "" && oauthToken == "":
			return invalid(errors.New("neither CONTENTSTACK_AUTHTOKEN nor CONTENTSTACK_OAUTH_TOKEN is set"))
		case authToken != "":
			if err := WithAuthToken(authToken)(c); err != nil {
				return invalid(fmt.Errorf("CONTENTSTACK_AUTHTOKEN: %w", err))
			}
		default:
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
			// The option's error has the value, which may be a secret in the wrong place.
			return invalid(fmt.Errorf("CONTENTSTACK_REGION is not one of %s", regionNames()))
		}
	case baseURL != "":
		if err := WithBaseURL(baseURL)(c); err != nil {
			return invalid(fmt.Errorf("CONTENTSTACK_BASE_URL: %w", err))
		}
	}
	return nil
}

// fixedToken is a token that cannot be renewed. It is in a function, so that nothing that
// prints a client prints it.
type fixedToken func() string

func (t fixedToken) Token(context.Context) (string, error) { return t(), nil }

func newTransport(c *config) (*transport.Transport, error) {
	if c.region != "" && c.baseURL != nil {
		return nil, invalid(errors.New("WithRegion and WithBaseURL exclude each other"))
	}
	return transport.New(transport.Config{
		BaseURL:    c.base(),
		HTTPClient: c.httpClient,
		Logger:     c.logger,
		Token:      c.token(),
		Bearer:     c.tokenSource != nil,
		Rejected:   c.rejected(),
		UserAgent:  userAgent(c.product),
		Retry:      transport.Retry(c.retry),
		Limits:     transport.Limits(c.limits),
		Limiters:   transport.Limiters{Reads: c.limiters.Reads, Writes: c.limiters.Writes, Bulk: c.limiters.Bulk},
	}), nil
}

// base returns the base URL that was given, or that of the region.
func (c *config) base() *url.URL {
	if c.baseURL != nil {
		return c.baseURL
	}
	return &url.URL{Scheme: "https", Host: c.region.host()}
}

// token is nil without credentials, as for Login.
func (c *config) token() func(context.Context) (string, error) {
	source := c.tokenSource
	if c.authToken != nil {
		source = c.authToken
	}
	if source == nil {
		return nil
	}
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
}

// rejected is nil unless the token source keeps tokens.
func (c *config) rejected() func(token string) {
	if source, ok := c.tokenSource.(TokenInvalidator); ok {
		return source.Invalidate
	}
	return nil
}

// newHTTPClient returns the default HTTP client: the environment's proxy, a
// connection for each page in flight, and a timeout for every attempt.
func newHTTPClient() *http.Client {
	return &http.Client{
		Timeout: time.Minute,
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			ForceAttemptHTTP2:     true,
			MaxIdleConns:          64,
			MaxIdleConnsPerHost:   64,
			IdleConnTimeout:       45 * time.Second, // less than that of load balancers
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: 30 * time.Second,
			ExpectContinueTimeout: time.Second,
			// Pings detect a dead connection before every attempt fails on it.
			HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
		},
	}
}

// userAgent names this package and its version in the program.
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
