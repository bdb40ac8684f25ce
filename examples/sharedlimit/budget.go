package main

import (
	"cmp"
	"flag"
	"io"
	"math"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/program"
	"github.com/orgusers/orgusers/examples/sharedlimit/redislimit"
)

const (
	redisVariable = "REDIS_URL"
	defaultRedis  = "redis://127.0.0.1:6379"
)

// budget is what the command line says of the limits, and of where they are
// shared.
type budget struct {
	url, prefix string
	limits      orgusers.RateLimits
	patience    *time.Duration
	alone       int
}

func newBudget(flags *flag.FlagSet) *budget {
	b := new(budget)
	// The variable is no default of the flag, since -h prints those, and a URL
	// can hold a password.
	flags.StringVar(&b.url, "redis", "", "share through the Redis at this `URL`: redis://, rediss:// for TLS, or unix:///path (default "+redisVariable+" in the environment, where a password belongs, or else "+defaultRedis+")")
	flags.StringVar(&b.prefix, "prefix", "orgusers:", "begin the keys in Redis with this `text`; the organization's uid and the kind of limit follow")
	flags.Float64Var(&b.limits.Reads, "reads", 10, "share this `number` of reads a second")
	flags.Float64Var(&b.limits.Writes, "writes", 10, "share this `number` of writes a second")
	flags.Float64Var(&b.limits.Bulk, "bulk", 1, "share this `number` of bulk actions a second")
	b.patience = program.DurationFlag(flags, "patience", 5*time.Second, "give Redis this `time` for an answer before it counts as away, such as 500ms")
	flags.IntVar(&b.alone, "alone", 0, "when Redis is away, go on with the limits divided by so many `processes`, instead of failing")
	return b
}

func (b *budget) check() error {
	for _, limit := range []struct {
		flag      string
		perSecond float64
	}{{"reads", b.limits.Reads}, {"writes", b.limits.Writes}, {"bulk", b.limits.Bulk}} {
		if !(limit.perSecond > 0) || math.IsInf(limit.perSecond, 0) {
			return program.Misuse("-%s %v: it is a number of requests a second above 0", limit.flag, limit.perSecond)
		}
	}
	switch {
	case *b.patience <= 0:
		return program.Misuse("-patience %v: it is a time above 0, such as 5s", *b.patience)
	case b.alone < 0:
		return program.Misuse("-alone %d: it is a number of processes, or 0 to fail without Redis", b.alone)
	}
	return nil
}

// connect makes a client of Redis. It does no I/O.
func (b *budget) connect() (*redis.Client, error) {
	client, err := redislimit.Connect(cmp.Or(b.url, os.Getenv(redisVariable), defaultRedis))
	if err != nil {
		return nil, program.Misuse("-redis, or %s in the environment: %w", redisVariable, err)
	}
	logging.Disable() // what goes wrong is in the errors
	return client, nil
}

// limiters make an organization's limits those of all who use the same Redis.
func (b *budget) limiters(client *redis.Client, organizationUID string, stderr io.Writer) orgusers.RateLimiters {
	share := func(kind string, perSecond float64) orgusers.RateLimiter {
		limiter := redislimit.New(client, b.prefix+organizationUID+":"+kind, perSecond)
		limiter.Patience = *b.patience
		if b.alone == 0 {
			return limiter
		}
		return limiter.OrAlone(b.alone, func(err error) {
			program.Say(stderr, "%s: going on alone with %.3g %s a second: %v", name, perSecond/float64(b.alone), kind, err)
		})
	}
	return orgusers.RateLimiters{
		Reads:  share("reads", b.limits.Reads),
		Writes: share("writes", b.limits.Writes),
		Bulk:   share("bulk", b.limits.Bulk),
	}
}
