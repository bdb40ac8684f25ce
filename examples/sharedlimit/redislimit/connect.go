package redislimit

import (
	"errors"

	"github.com/redis/go-redis/v9"
)

// Connect makes a client for limiters, of a URL that begins with redis://,
// rediss:// (TLS) or unix://. It does no I/O. Any other client of go-redis does
// too, of a cluster say; this one gives up early, so that the limiter can say
// why there is no answer, and tries again itself.
func Connect(url string) (*redis.Client, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		// The text of err can repeat the URL, which can hold a password.
		return nil, errors.New("no URL of Redis, such as redis://127.0.0.1:6379")
	}
	options.MaxRetries = -1
	options.DialerRetries = 1
	options.ContextTimeoutEnabled = true
	return redis.NewClient(options), nil
}
