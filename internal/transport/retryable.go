package transport

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// run makes attempts until there is a response to keep. Each attempt is prepare → send → judge → wait, of which
// go-retryablehttp does the sending, the waiting and the loop.
//
// Its client is made for each call, because its hooks see neither the request nor, after a transport error, the
// response. It owns no connections.
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
		RetryMax:     math.MaxInt32, // judge counts
		PrepareRetry: func(*http.Request) error { return c.prepare(ctx) },
		CheckRetry:   c.judge,
		Backoff:      func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return c.wait },
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
	response, err := client.Do(request)
	if response != nil {
		response.Body.Close() // judge has read it; an error can come with a response
	}
	return withoutURL(err)
}

// withoutURL unwraps *url.Error, whose text has the whole URL.
func withoutURL(err error) error {
	var wrapped *url.Error
	for errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return err
}

type callKey struct{}

func (c *call) newRequest(ctx context.Context) (*retryablehttp.Request, error) {
	target := *c.transport.config.BaseURL
	escaped := target.EscapedPath() + c.request.Path
	unescaped, err := url.PathUnescape(escaped)
	if err != nil {
		return nil, errors.New("the path is not validly escaped")
	}
	target.Path, target.RawPath = unescaped, escaped
	target.RawQuery = c.request.Query.Encode()

	var body any // not a nil []byte, which go-retryablehttp would send
	if content := c.body(); content != nil {
		body = content
	}
	ctx = context.WithValue(ctx, callKey{}, c)
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

// body returns the body to send. A write must not have a nil body, which net/http would take for a reason to repeat it.
// With these methods net/http would send an empty one in chunks.
func (c *call) body() []byte {
	if c.request.Body == nil && c.request.Kind != Read {
		switch c.request.Method {
		case http.MethodPost, http.MethodPut, http.MethodPatch:
			return []byte("{}")
		}
	}
	return c.request.Body
}
