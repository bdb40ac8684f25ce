package transport

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// Bodies beyond these many bytes are an error: no page of this API comes near.
const (
	maxBody      = 32 << 20
	maxErrorBody = 1 << 20
)

// Response is a complete answer of the server.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	// RetryAfter is the pause that the server asked for, 0 if it did not.
	RetryAfter time.Duration
	// Redirect says why a redirect was not followed; empty if there was none.
	Redirect string
	Attempts int

	redact func(string) string
}

// OK tells whether the status is 2xx.
func (a *Response) OK() bool { return a.Status >= 200 && a.Status <= 299 }

// ContentType is the media type without parameters, if it looks like one and
// like nothing secret.
func (a *Response) ContentType() string {
	const most = 100
	mediaType, _, err := mime.ParseMediaType(a.redact(a.Header.Get("Content-Type")))
	if err != nil || len(mediaType) > most {
		return "unknown type"
	}
	return mediaType
}

// RequestID is the answer's X-Request-Id, clean.
func (a *Response) RequestID() string { return a.Clean(a.Header.Get("X-Request-Id")) }

// Clean takes addresses and the call's secrets out of a text of the answer, and
// makes it one line that fits a log, and that a terminal shows without obeying.
func (a *Response) Clean(text string) string {
	const most = 300
	text = strings.Join(strings.FieldsFunc(a.redact(text), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	return cut(text, most)
}

// cut leaves out what is beyond so many characters.
func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// tooLargeError is a body beyond its bound.
type tooLargeError struct{ limit int }

func (e tooLargeError) Error() string {
	return fmt.Sprintf("the answer is larger than %d MiB", e.limit>>20)
}

// read takes the whole answer, so that a connection which breaks in the
// middle of a body counts as a failed attempt.
func (c *call) read(response *http.Response) error {
	if c.buffer == nil {
		c.buffer, _ = c.transport.bodies.Get().(*bytes.Buffer)
	}
	c.buffer.Reset()
	limit := maxBody
	if response.StatusCode >= 300 {
		limit = maxErrorBody
	}
	_, err := c.buffer.ReadFrom(io.LimitReader(response.Body, int64(limit)+1))
	_ = response.Body.Close()
	response.Body = http.NoBody
	switch {
	case c.buffer.Len() > limit && response.StatusCode >= 300:
		c.buffer.Truncate(limit) // the status is what counts
	case c.buffer.Len() > limit:
		return tooLargeError{limit}
	case err != nil && response.StatusCode < 300:
		return fmt.Errorf("the answer broke off: %w", err)
	}
	c.answer = &Response{
		Status:     response.StatusCode,
		Header:     response.Header,
		Body:       c.buffer.Bytes(),
		RetryAfter: retryAfter(response.StatusCode, response.Header, time.Now()),
		Redirect:   c.redirect,
		redact:     c.redact,
	}
	return nil
}
