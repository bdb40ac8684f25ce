package orguserstest

import (
	"strings"
	"time"
)

// Option changes how a [Server] is made.
type Option func(*config)

// config is what the options fill in.
type config struct {
	users     int
	people    []Person
	seed      uint64
	reference time.Time

	addr     string
	basePath string

	reads, writes  int
	bulk           int
	retryAfter     RetryAfter
	rateLimitReset bool
	clockOffset    time.Duration
	latency        time.Duration
	jitter         time.Duration

	pageCap          int
	withoutCount     bool
	details          Details
	roleUIDs         bool
	inviterUIDs      bool
	organizationList bool

	roleMerge     bool
	withoutRoutes bool

	faults []Fault
}

func newConfig(opts []Option) config {
	cfg := config{
		seed:      1,
		reference: time.Date(2026, time.January, 15, 9, 0, 0, 0, time.UTC),
		addr:      "127.0.0.1:0",
		pageCap:   maxPage,
	}
	for _, opt := range opts {
		opt(&cfg)
	}
	if cfg.users == 0 && len(cfg.people) == 0 {
		cfg.users = 25
	}
	return cfg
}

// WithUsers seeds n rows in all, pending invitations and the people of
// [WithPeople] included. The default is 25, or with [WithPeople] just those.
// There is always an owner, so the least is one. A million take a few seconds
// and half a gigabyte.
func WithUsers(n int) Option {
	return func(c *config) { c.users = max(n, 1) }
}

// WithPeople puts exactly these people into the organization. An owner is added
// in front when none of them is one. [Server.AuthToken] then belongs to the
// first of them who has accepted and has the role Admin, or else to the owner.
// NewServer panics when two share an address or a role has an unknown name.
func WithPeople(people ...Person) Option {
	return func(c *config) { c.people = append(c.people, people...) }
}

// WithSeed picks another organization, tokens included, and other random
// choices of faults with a probability. The default is 1.
func WithSeed(seed uint64) Option {
	return func(c *config) { c.seed = seed }
}

// WithReferenceDate sets the date before which all seeded rows are dated and
// from which the organization's time runs on. The default is
// 2026-01-15T09:00:00Z.
func WithReferenceDate(t time.Time) Option {
	return func(c *config) { c.reference = t.UTC() }
}

// WithAddr sets the address to listen on, such as "127.0.0.1:8080". The default
// is "127.0.0.1:0", which takes any free port.
func WithAddr(addr string) Option {
	return func(c *config) { c.addr = addr }
}

// WithBasePath serves everything below a path such as "/proxy", as a gateway
// would, and 404 beside it. The default is none.
func WithBasePath(path string) Option {
	return func(c *config) {
		c.basePath = ""
		if path = strings.Trim(path, "/"); path != "" {
			c.basePath = "/" + path
		}
	}
}

// WithRateLimit answers 429 beyond so many reads and writes in one second of
// the server's clock, apart for each organization. Zero, the default, refuses
// nothing. Bulk requests are counted on a budget of their own, which is then one
// a second: see [WithBulkLimit].
func WithRateLimit(reads, writes int) Option {
	return func(c *config) { c.reads, c.writes = max(reads, 0), max(writes, 0) }
}

// WithBulkLimit answers 429 beyond so many bulk requests in one second of the
// server's clock, apart for each organization. They are those that change the
// access to a stack, and those of [Server.Endpoints]. The default, and zero, is one
// with [WithRateLimit] and without limit otherwise.
func WithBulkLimit(n int) Option {
	return func(c *config) { c.bulk = max(n, 0) }
}

// RetryAfter is the form in which a 429 says how long to wait.
type RetryAfter int

// The forms of the Retry-After header. All of them point to the end of the
// second that is used up.
const (
	RetryAfterNone     RetryAfter = iota // no header
	RetryAfterSeconds                    // whole seconds, rounded up
	RetryAfterFraction                   // seconds with milliseconds
	RetryAfterDate                       // an HTTP date
)

// WithRetryAfter sends a Retry-After header with every 429 of
// [WithRateLimit]. The default is [RetryAfterNone].
func WithRetryAfter(form RetryAfter) Option {
	return func(c *config) { c.retryAfter = form }
}

// WithRateLimitReset sends X-RateLimit-Reset, the end of the current second in
// epoch seconds, with every answer.
func WithRateLimitReset() Option {
	return func(c *config) { c.rateLimitReset = true }
}

// WithClockOffset sets the server's clock ahead of the machine's, or behind it
// when d is negative, and so moves the place where its second begins.
func WithClockOffset(d time.Duration) Option {
	return func(c *config) { c.clockOffset = d }
}

// WithLatency makes every round trip take d longer: half of it passes before
// the request is counted and handled, half after.
func WithLatency(d time.Duration) Option {
	return func(c *config) { c.latency = max(d, 0) }
}

// WithJitter makes each way of a round trip, out and back, take up to d longer
// than [WithLatency] says, by chance that [WithSeed] decides. Requests that are
// sent close together may then be counted in another order.
func WithJitter(d time.Duration) Option {
	return func(c *config) { c.jitter = max(d, 0) }
}

// WithPageCap keeps the pages of every list at n rows at most, whatever limit a
// request asks for. The default is 100.
func WithPageCap(n int) Option {
	return func(c *config) { c.pageCap = min(max(n, 1), maxPage) }
}

// WithoutCount never sends a count, though include_count asks for one.
func WithoutCount() Option {
	return func(c *config) { c.withoutCount = true }
}

// Details is the place where the details of a user are in a row of the list.
type Details int

// The places for the details of a user.
const (
	DetailsFlat             Details = iota // on the row itself
	DetailsUnderUser                       // in an object called user
	DetailsUnderUserDetails                // in an object called user_details
)

// WithDetails says where include_user_details puts the details. The default is
// [DetailsFlat].
func WithDetails(place Details) Option {
	return func(c *config) { c.details = place }
}

// WithRoleUIDs leaves the roles of a row as uids though include_roles is asked
// for. By default they become objects with uid and name.
func WithRoleUIDs() Option {
	return func(c *config) { c.roleUIDs = true }
}

// WithInviterUIDs leaves invited_by as a uid though include_invited_by is asked
// for. By default it becomes an object with uid, email and names. System stays
// a word either way.
func WithInviterUIDs() Option {
	return func(c *config) { c.inviterUIDs = true }
}

// WithOrganizationList answers a request for one organization with a list of
// one.
func WithOrganizationList() Option {
	return func(c *config) { c.organizationList = true }
}

// WithRoleMerge makes an invitation add to the organization roles of somebody who
// is there already. By default they are replaced.
func WithRoleMerge() Option {
	return func(c *config) { c.roleMerge = true }
}

// WithoutEndpoints answers 404 to the requests that the fake made up: those of
// [Server.Endpoints] and [Server.TokenURL].
func WithoutEndpoints() Option {
	return func(c *config) { c.withoutRoutes = true }
}

// WithFault adds faults from the start. See [Server.AddFault].
func WithFault(faults ...Fault) Option {
	return func(c *config) { c.faults = append(c.faults, faults...) }
}
