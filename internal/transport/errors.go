package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Error is a call that came to no answer, or that was cut short while it
// waited for a better one. Its text has neither URL nor address nor secret.
type Error struct {
	Err      error
	Attempts int
	// Unsent is true only where it is certain that the server has not acted:
	// the last attempt never reached the wire, or was answered.
	Unsent bool
	// Last is the answer that was to be improved on by a retry, if any.
	Last *Response

	text string
}

func (e *Error) Error() string { return e.text }

func (e *Error) Unwrap() error { return e.Err }

// WaitError is a wait that would have outlasted the deadline, and so was not
// begun.
type WaitError struct {
	// Limit is true for a place in the queue of a limit, false for the pause
	// before a retry.
	Limit bool
	Wait  time.Duration
}

func (e *WaitError) Error() string {
	reason := "the pause before the next attempt"
	if e.Limit {
		reason = "the wait for the rate limit"
	}
	return fmt.Sprintf("%s, %v, would outlast the deadline", reason, e.Wait.Round(time.Millisecond))
}

func (e *WaitError) Unwrap() error { return context.DeadlineExceeded }

// TokenError is a token source that gave none. Its text leaves out what the
// source said, which can be an answer of a token endpoint; what is wrong with a
// token that it gave is said.
type TokenError struct {
	Err     error
	Problem string // with the token
}

func (e *TokenError) Error() string {
	if e.Problem != "" {
		return "the token of the token source " + e.Problem
	}
	return "the token source gave no token"
}

func (e *TokenError) Unwrap() error { return e.Err }

// LimiterError is a limiter, not of this package, that failed.
type LimiterError struct{ Err error }

func (e *LimiterError) Error() string { return "the limiter failed: " + e.Err.Error() }

func (e *LimiterError) Unwrap() error { return e.Err }

var address = regexp.MustCompile(`(?:"[^"]*"|[^\s"<>()\[\],;:@\\]+)(?:@|%40)(?:\[[^\]]*\]|[^\s"'<>()\[\]{},;:=&/\\]+)`)

// redact takes out of a text whatever looks like an e-mail address, and the
// secrets of the call.
func (c *call) redact(text string) string {
	var all []string
	for _, secret := range append([]string{c.token}, c.request.Secrets...) {
		all = append(all, spellings(secret)...)
	}
	// The longest first, as one may be a part of another; and what stands in for
	// them comes last, as one may be a part of that.
	const hidden = "\x00"
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	for _, written := range all {
		text = strings.ReplaceAll(text, written, hidden)
	}
	return address.ReplaceAllString(strings.ReplaceAll(text, hidden, "[secret]"), "[address]")
}

// spellings are the ways in which servers, and net/http in its own errors,
// repeat what they were sent: as it is, as the JSON that was sent or another
// encoder's, in a URL, quoted.
func spellings(secret string) []string {
	if secret == "" {
		return nil
	}
	quoted := strconv.Quote(secret)
	all := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), quoted[1 : len(quoted)-1]}
	for _, escapeHTML := range []bool{true, false} {
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(escapeHTML)
		if err := encoder.Encode(secret); err == nil { // as a string always does
			all = append(all, strings.TrimSuffix(text.String()[1:], "\"\n"))
		}
	}
	return all
}
