package redislimit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
)

// ErrAway means that Redis did not respond within [Limiter.Patience], or only with errors. Nothing is sent then: a
// process that cannot see the others would take their places.
var ErrAway = errors.New("no response from Redis")

// ErrRefused means that Redis refused the user or password, or wants one. It is not asked again.
var ErrRefused = errors.New("the user or password was refused by Redis")

// retryPause is between two questions to a Redis that does not respond.
const retryPause = 100 * time.Millisecond

// ask asks Redis for a place until there is a response: a restart takes a second or two. After one request has waited in
// vain, the next ones fail at once until Redis is asked again.
func (l *Limiter) ask(ctx context.Context) (*redis_rate.Result, error) {
	if time.Now().Before(l.again) {
		return nil, l.away
	}
	patience := l.Patience
	if l.away != nil {
		patience /= 10 // a Redis that is back responds quickly
	}
	asking, stop := context.WithTimeout(ctx, patience)
	defer stop()
	cause := errors.New("it says nothing")
	for asking.Err() == nil {
		result, err := l.askOnce(asking, l.latest(ctx))
		if err == nil {
			l.away = nil
			return result, nil
		}
		if redis.IsAuthError(err) {
			return nil, fmt.Errorf("%w, so nothing is sent; correct them in its URL: %w", ErrRefused, err)
		}
		if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
			cause = err // a timeout says nothing, and would pass for the caller's deadline
		}
		_ = sleep(asking, retryPause) // the loop sees when asking ends
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.away = fmt.Errorf("%w within %v, so nothing is sent; start Redis, or correct its address: %w", ErrAway, patience, cause)
	l.again = time.Now().Add(l.Patience)
	return nil, l.away
}

// askOnce returns when ctx ends, although go-redis may go on waiting for a silent connection.
func (l *Limiter) askOnce(ctx context.Context, latest time.Duration) (*redis_rate.Result, error) {
	type response struct {
		result *redis_rate.Result
		err    error
	}
	responses := make(chan response, 1)
	go func() {
		result, err := l.places.AllowN(ctx, l.key, l.limit(latest), micros(l.interval))
		responses <- response{result, err}
	}()
	select {
	case got := <-responses:
		return got.result, got.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// limit turns redis_rate, which only allows or refuses, into a queue. The limit is a million microseconds per second, and
// a request costs those between two places. The burst is how far ahead places may be taken, and the used part of it says
// when the place begins.
func (l *Limiter) limit(latest time.Duration) redis_rate.Limit {
	return redis_rate.Limit{Rate: 1e6, Period: time.Second, Burst: micros(l.interval) + micros(latest)}
}

func micros(d time.Duration) int { return int(d.Microseconds()) }
