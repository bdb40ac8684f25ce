package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// check is called after each attempt with what came of it. It keeps the
// answer, lets the pacer learn from it, and says whether to try again, after
// c.wait.
func (c *call) check(ctx context.Context, response *http.Response, err error) (bool, error) {
	if err == nil {
		err = c.read(response)
	}
	c.acted = err != nil && !c.connections.unsent(err)
	status := 0
	if response != nil {
		c.budget.observe(c.turn, response.Header, response.StatusCode, c.transport.config.Retry.MaxRetryAfter)
	}
	if err == nil {
		status = response.StatusCode
	} else if ctx.Err() == nil {
		c.answer = nil // an older one says nothing of this attempt
	}
	// A new token is no retry: it is asked for whatever MaxAttempts is.
	again := ctx.Err() == nil && c.retryable(status, err) &&
		(c.attempts < c.transport.config.Retry.MaxAttempts || status == http.StatusUnauthorized)
	failure := err
	if again {
		if again, err = c.schedule(ctx, status, err); !again {
			failure = err
		}
	}
	c.log(ctx, status, failure, again)
	if again {
		if c.answer != nil {
			c.answer.Body = bytes.Clone(c.answer.Body) // the next attempt reuses the buffer
		}
		return true, nil
	}
	c.transport.budget.settle(c.reserved, status)
	return false, err
}

// retryable is the table of the package documentation: by the kind of
// operation, not by the HTTP method.
func (c *call) retryable(status int, err error) bool {
	switch {
	case errors.As(err, new(tooLargeError)), errors.As(err, new(*tls.CertificateVerificationError)):
		return false
	case err != nil && c.request.Write:
		return !c.acted
	case err != nil:
		return true
	}
	switch status {
	case http.StatusTooManyRequests:
		return true
	case http.StatusUnauthorized:
		return c.transport.config.Bearer && !c.request.Unsigned && !c.renewed
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return !c.request.Write
	default:
		return false
	}
}

// schedule sets the wait before the next attempt, or finds that there should
// be none: the server asks for too long a pause, the deadline comes first, or
// too much has failed lately.
func (c *call) schedule(ctx context.Context, status int, err error) (bool, error) {
	policy := c.transport.config.Retry
	c.wait = 0
	var asked time.Duration
	if err == nil {
		asked = c.answer.RetryAfter
	}
	if status == http.StatusUnauthorized {
		c.renewed = true
		if refused := c.transport.config.Refused; refused != nil {
			refused(c.token)
		}
		return true, nil
	}
	if asked > policy.MaxRetryAfter {
		return false, err
	}
	switch status {
	case http.StatusTooManyRequests:
		c.refused++
		if c.budget.Pacer == nil {
			// Somebody else's limiter has not heard of the refusal.
			c.wait = max(asked, time.Second-time.Since(c.turn.at))
		}
		if c.refused > 1 {
			c.wait = max(c.wait, backoff(policy, c.refused-1))
		}
	default:
		if !c.transport.budget.take() {
			return false, err
		}
		c.reserved++
		c.wait = max(asked, backoff(policy, c.attempts))
	}
	if outlasts(ctx, c.wait) {
		c.abandoned = &WaitError{Wait: c.wait}
		return false, err
	}
	return true, nil
}

// backoff is a random part of a ceiling that doubles with each attempt.
func backoff(policy Retry, attempt int) time.Duration {
	ceiling := policy.BaseDelay
	for range attempt - 1 {
		if ceiling >= policy.MaxDelay/2 {
			ceiling = policy.MaxDelay
			break
		}
		ceiling *= 2
	}
	return rand.N(min(ceiling, policy.MaxDelay) + 1)
}

func (c *call) log(ctx context.Context, status int, err error, again bool) {
	logger := c.transport.config.Logger
	if !logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attributes := []slog.Attr{
		slog.String("op", c.request.Op),
		slog.String("method", c.request.Method),
		slog.String("path", c.request.Template),
		slog.Int("attempt", c.attempts),
		slog.Duration("duration", time.Since(c.turn.at)),
	}
	if status != 0 {
		attributes = append(attributes, slog.Int("status", status))
		if id := c.answer.RequestID(); id != "" {
			attributes = append(attributes, slog.String("request_id", id))
		}
	}
	if err != nil {
		attributes = append(attributes, slog.String("error", c.textOf(withoutURL(err))))
	}
	if again {
		attributes = append(attributes, slog.Duration("retry_in", c.wait))
	}
	logger.LogAttrs(ctx, slog.LevelDebug, "orgusers: attempt", attributes...)
}

// retryBudget keeps a server that is down from being hammered by everybody's
// retries at once: each retry takes from a purse that only successes fill. A
// 429 takes nothing; it comes from a server that is well, and is paced.
type retryBudget struct {
	mu    sync.Mutex
	spent int
}

const (
	purse       = 100
	retryPrice  = 5
	successGain = 1
)

func (b *retryBudget) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spent+retryPrice > purse {
		return false
	}
	b.spent += retryPrice
	return true
}

// settle ends a call: one that got an answer from a server in order gives
// back what its retries took, and a little more.
func (b *retryBudget) settle(retries, status int) {
	if status == 0 || status >= http.StatusInternalServerError {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spent = max(0, b.spent-retries*retryPrice-successGain)
}
