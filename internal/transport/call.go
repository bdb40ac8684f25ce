package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// call is one Do: what its attempts share.
type call struct {
	transport *Transport
	request   *Request
	budget    *budget

	attempts int
	token    string
	renewed  bool // a 401 has been followed by a new token
	wait     time.Duration

	// Of the last request:
	sent     time.Time
	ctx      context.Context //nolint:containedctx // of the request on the wire, which bodies end with
	end      func()          // ends ctx
	trace    *trace
	redirect string // why a redirect was not followed

	reserved int  // retries that the throttle lent
	pending  bool // the last of them was not made, or has no result yet
	working  bool // the server did not fail in the last attempt with a result

	acted    bool      // the server may have acted on the last attempt, and there is no response
	response *Response // the last complete one
}

// prepare gets a token and then waits until the next request may be sent. In this order, a slow token does not bunch up
// requests that had been spaced.
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
			return &TokenError{Err: errors.Join(err, ctx.Err())} // a source need not say that it was interrupted
		}
		c.token = token
	}
	return c.take(ctx)
}

// take waits until one more request may be sent.
func (c *call) take(ctx context.Context) error {
	sent, err := c.budget.wait(ctx)
	if err != nil {
		return err
	}
	c.attempts++
	c.sent = sent
	c.trace = &trace{}
	return nil
}

// judge is called with the result of each attempt. It keeps the response, lets the budget learn from it, and decides
// whether to try again after c.wait.
func (c *call) judge(ctx context.Context, response *http.Response, err error) (again bool, _ error) {
	if response != nil {
		if err == nil {
			err = c.read(response)
		}
		c.budget.observe(c.sent, response.StatusCode, response.Header, c.transport.config.Retry.MaxRetryAfter)
	}
	err = c.trace.seen().proxyError(c.transport.config.BaseURL, withoutURL(err))
	c.acted = err != nil && !c.trace.seen().unsent(err)
	status := 0
	if err == nil {
		status = response.StatusCode
	} else if ctx.Err() == nil {
		c.response = nil // an older one says nothing of this attempt
	}
	if ctx.Err() == nil {
		c.pending, c.working = false, err == nil && status < http.StatusInternalServerError
		idle := response == nil && c.trace.seen().reused // a connection that was idle, and ended
		again, err = c.decide(ctx, status, err, idle)
	}
	c.log(ctx, status, err, again)
	if again {
		err = nil // go-retryablehttp would return it
	}
	return again, err
}

// decide sets the wait before the next attempt, or decides that there is none.
func (c *call) decide(ctx context.Context, status int, err error, idle bool) (again bool, _ error) {
	policy := c.transport.config.Retry
	c.wait = 0
	switch {
	case status == http.StatusUnauthorized && c.transport.config.Bearer && !c.request.Unsigned && !c.renewed:
		c.renewed = true // this is not a retry, whatever MaxAttempts is
		if rejected := c.transport.config.Rejected; rejected != nil {
			rejected(c.token)
		}
		return true, err
	case !c.retryable(status, err), c.attempts >= policy.MaxAttempts, err == nil && c.response.RetryAfter > policy.MaxRetryAfter:
		return false, err
	case status == http.StatusTooManyRequests:
		return true, err // the budget makes it wait
	case !c.transport.throttle.take():
		return false, err
	}
	c.reserved++
	c.pending = true
	if !idle {
		c.wait = backoff(policy, c.attempts)
	}
	if err == nil {
		c.wait = max(c.wait, c.response.RetryAfter)
	}
	if c.wait > 0 && late(ctx, time.Now().Add(c.wait)) {
		return false, errors.Join(&WaitError{Wait: c.wait}, err)
	}
	return true, err
}

// retryable reports whether the request may be sent again. It depends on the kind of request, not on the method.
func (c *call) retryable(status int, err error) bool {
	if err != nil {
		final := errors.As(err, new(finalError)) || errors.As(err, new(*tls.CertificateVerificationError)) ||
			errors.As(err, new(*WaitError)) || errors.As(err, new(*LimiterError))
		return !final && (c.request.Kind == Read || !c.acted)
	}
	switch status {
	case http.StatusTooManyRequests:
		return true
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return c.request.Kind == Read
	default:
		return false
	}
}

// backoff returns a random part of a ceiling that doubles with each attempt.
func backoff(policy Retry, attempt int) time.Duration {
	ceiling := min(float64(policy.BaseDelay)*math.Pow(2, float64(attempt-1)), float64(policy.MaxDelay))
	return rand.N(time.Duration(ceiling) + 1)
}

func (c *call) log(ctx context.Context, status int, err error, again bool) {
	logger := c.transport.config.Logger
	if !logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attributes := []slog.Attr{
		slog.String("op", c.request.Op), slog.String("method", c.request.Method), slog.String("path", c.request.Template),
		slog.Int("attempt", c.attempts), slog.Duration("duration", time.Since(c.sent)),
	}
	if status != 0 {
		attributes = append(attributes, slog.Int("status", status))
		if id := c.response.RequestID(); id != "" {
			attributes = append(attributes, slog.String("request_id", id))
		}
	}
	if err != nil {
		attributes = append(attributes, slog.String("error", c.textOf(err)))
	}
	if again {
		attributes = append(attributes, slog.Duration("retry_in", max(c.wait, c.budget.pauseLeft())))
	}
	logger.LogAttrs(ctx, slog.LevelDebug, "orgusers: attempt", attributes...)
}

// failure returns the error of a call without a response to use.
func (c *call) failure(err error) *Error {
	return &Error{Err: err, Attempts: c.attempts, Unsent: !c.acted, Last: c.response, text: c.textOf(err)}
}

// textOf returns the text of an error on one bounded line, without secrets.
func (c *call) textOf(err error) string {
	const most = 500 // net/http quotes what is not HTTP, however long
	return c.clean(strings.ReplaceAll(err.Error(), "\n", ": "), most)
}

// A throttle keeps the retries of all calls from overloading a server that is down. Each retry takes from a purse that
// only successes fill. A 429 takes nothing, because it comes from a server that works, and is paced.
type throttle struct {
	mu    sync.Mutex
	spent int
}

const purse, retryPrice, successGain = 100, 5, 1

func (t *throttle) take() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.spent+retryPrice > purse {
		return false
	}
	t.spent += retryPrice
	return true
}

// settle ends a call. If the server works, the call gives back all that its retries took, and a little more. Otherwise
// it gives back the retry that was not made, or that was interrupted.
func (t *throttle) settle(c *call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.working {
		t.spent = max(0, t.spent-c.reserved*retryPrice-successGain)
	} else if c.pending {
		t.spent -= retryPrice
	}
}
