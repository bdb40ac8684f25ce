package transport

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"
)

// Larger bodies are an error. No page of this API comes near.
const (
	maxBody      = 32 << 20
	maxErrorBody = 1 << 20
)

// Response is a complete response of the server.
type Response struct {
	Status     int
	Header     http.Header
	Body       []byte
	RetryAfter time.Duration // the pause that the server asked for, 0 if it did not
	Redirect   string        // why a redirect was not followed, empty if there was none
	Attempts   int           // requests sent so far

	call *call
}

// OK reports whether the status is 2xx.
func (r *Response) OK() bool { return r.Status >= 200 && r.Status <= 299 }

// ContentType returns the media type without parameters, or "unknown type" if it does not look like one.
func (r *Response) ContentType() string {
	mediaType, _, err := mime.ParseMediaType(r.Clean(r.Header.Get("Content-Type")))
	if err != nil {
		return "unknown type"
	}
	return mediaType
}

// RequestID returns the response's X-Request-Id, as Clean does.
func (r *Response) RequestID() string { return r.Clean(r.Header.Get("X-Request-Id")) }

// Clean returns a text of the response on one bounded line, without addresses, control characters and the secrets of
// the request.
func (r *Response) Clean(text string) string {
	const most = 300
	return r.call.clean(text, most)
}

// read reads the whole response, so that a connection which breaks in the middle of a body counts as a failed attempt.
func (c *call) read(response *http.Response) error {
	// Not every body ends with its context, and that of an upgraded connection ends when the server likes.
	stop := context.AfterFunc(c.ctx, func() { response.Body.Close() })
	defer response.Body.Close()
	defer stop()
	failed, limit := response.StatusCode < 200 || response.StatusCode > 299, maxBody
	if failed {
		limit = maxErrorBody
	}
	var body []byte
	var err error
	if response.StatusCode != http.StatusSwitchingProtocols {
		body, err = io.ReadAll(io.LimitReader(response.Body, int64(limit)+1))
	}
	switch {
	case failed: // the status counts, even if the body broke off
		body = body[:min(len(body), limit)]
	case len(body) > limit:
		return finalError{fmt.Errorf("the response is larger than %d MiB", limit>>20)}
	case err != nil && c.ctx.Err() != nil:
		return c.ctx.Err()
	case err != nil:
		return fmt.Errorf("the response broke off: %w", err)
	}
	now := time.Now()
	c.response = &Response{
		Status:     response.StatusCode,
		Header:     response.Header,
		Body:       body,
		RetryAfter: retryAfter(response.Header, now),
		Redirect:   c.redirect,
		Attempts:   c.attempts,
		call:       c,
	}
	if response.StatusCode == http.StatusTooManyRequests {
		c.response.RetryAfter = pauseAsked(response.Header, now)
	}
	return nil
}
