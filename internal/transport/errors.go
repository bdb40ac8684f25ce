package transport

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Error is a call without a response, or one whose retries were cut short. Its text has no URL, no address and no secret.
type Error struct {
	Err      error
	Attempts int // requests sent
	// Unsent is true only if it is certain that the server has not acted: the last attempt did not reach the server, or
	// had a response.
	Unsent bool
	// Last is the response that a retry should have improved on, nil if there was none.
	Last *Response

	text string
}

func (e *Error) Error() string { return e.text }

func (e *Error) Unwrap() error { return e.Err }

// WaitError is a wait that would end after the deadline.
type WaitError struct {
	// Limit is true for a wait for a rate limit, and false for the pause before a retry.
	Limit bool
	// Wait is the length of the wait, at the present rate.
	Wait time.Duration
}

func (e *WaitError) Error() string {
	reason := "the pause before the next attempt"
	if e.Limit {
		reason = "the wait for the rate limit"
	}
	return fmt.Sprintf("%s, %v, would end after the deadline", reason, e.Wait.Round(time.Millisecond))
}

func (e *WaitError) Unwrap() error { return context.DeadlineExceeded }

// TokenError is a token source that returned no usable token. Its text does not repeat the source's error, which can
// quote a response of a token endpoint.
type TokenError struct {
	Err     error
	Problem string // what is wrong with the token, if there is one
}

func (e *TokenError) Error() string {
	if e.Problem != "" {
		return "the token of the token source " + e.Problem
	}
	return "the token source returned no token"
}

func (e *TokenError) Unwrap() error { return e.Err }

// LimiterError is a failure of the caller's Limiter.
type LimiterError struct{ Err error }

func (e *LimiterError) Error() string { return "the limiter failed: " + e.Err.Error() }

func (e *LimiterError) Unwrap() error { return e.Err }

// A finalError stays the same if the request is sent again.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

// errLost is a connection that ended before the response, on which net/http would have repeated the request.
var errLost = errors.New("the connection was lost before the response")
