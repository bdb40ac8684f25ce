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

// ErrAway is a Redis that did not answer within [Limiter.Patience], or with an
// error only. Nothing goes out without its answer: a process that cannot see
// the others would take what is theirs.
var ErrAway = errors.New("no answer from Redis")

// ErrRefused is a Redis that refused the user or password, or wants one. Asking
// again does not help, and going on alone neither: Redis is there for others.
var ErrRefused = errors.New("the user or password was refused by Redis")

// retryPause separates the questions to a Redis that does not answer.
const retryPause = 100 * time.Millisecond

// ask asks Redis for a place until there is an answer: a restart takes a second
// or two. Whoever comes after one whose patience has ended does not wait as long
// again.
func (l *Limiter) ask(ctx context.Context) (*redis_rate.Result, error) {
	if time.Now().Before(l.again) {
		return nil, l.away
	}
	patience := l.Patience
	if l.away != nil {
		patience /= 10 // one that is back answers fast
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
			cause = err // one more timeout says nothing, and would pass for the caller's deadline
		}
		_ = sleep(asking, retryPause) // the loop sees when that ends
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.away = fmt.Errorf("%w within %v: %w", ErrAway, patience, cause)
	l.again = time.Now().Add(l.Patience)
	return nil, l.away
}

// askOnce returns when ctx ends, though go-redis may go on: it does not look up
// from a connection that says nothing.
func (l *Limiter) askOnce(ctx context.Context, latest time.Duration) (*redis_rate.Result, error) {
	type answer struct {
		result *redis_rate.Result
		err    error
	}
	answers := make(chan answer, 1)
	go func() {
		result, err := l.places.AllowN(ctx, l.key, l.limit(latest), micros(l.interval))
		answers <- answer{result, err}
	}()
	select {
	case got := <-answers:
		return got.result, got.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// limit makes a queue of what redis_rate, which only allows or refuses, has:
// time is what is limited, to a million microseconds a second, and a request
// costs those between two places. A burst is then how far ahead places may be
// taken, and what is used up of it when one is taken tells when it begins.
func (l *Limiter) limit(latest time.Duration) redis_rate.Limit {
	return redis_rate.Limit{Rate: 1e6, Period: time.Second, Burst: micros(l.interval) + micros(latest)}
}

func micros(d time.Duration) int { return int(d.Microseconds()) }
