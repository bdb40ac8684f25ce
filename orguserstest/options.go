package orguserstest

import (
	"strings"
	"time"
)

// Option configures a [Server].
type Option func(*config)

// config has the values of the options.
type config struct {
	users     int
	people    []Person
	seed      uint64
	reference time.Time

	addr     string
	basePath string

	reads, writes int
	bulk          int
	latency       time.Duration

	teams        []Team
	pageCap      int // zero is none
	withoutCount bool
	roleMerge    bool

	forms

	faults []Fault
}

func newConfig(opts []Option) config {
	cfg := config{
		seed:      1,
		reference: time.Date(2026, time.January, 15, 9, 0, 0, 0, time.UTC),
		addr:      "127.0.0.1:0",
	}
	for _, opt := range opts {
		opt(&cfg)
	}
	if cfg.users == 0 && len(cfg.people) == 0 {
		cfg.users = 25
	}
	return cfg
}

// WithUsers sets the number of rows, including the owner, pending invitations
// and the people of [WithPeople]. The default is 25, or just the people of
// [WithPeople]. The minimum is one. A million rows take a few seconds and half
// a gigabyte of memory.
func WithUsers(n int) Option {
	return func(c *config) { c.users = max(n, 1) }
}

// WithPeople adds these people to the organization. If none of them is the
// owner, an owner is added first. [Server.AuthToken] belongs to the first
// accepted one with the role Admin, or to the owner. NewServer panics if two
// have the same address or if a role is unknown.
func WithPeople(people ...Person) Option {
	return func(c *config) { c.people = append(c.people, people...) }
}

// WithSeed sets the seed of the organization, of tokens and of faults with a
// probability. The default is 1.
func WithSeed(seed uint64) Option {
	return func(c *config) { c.seed = seed }
}

// WithReferenceDate sets the date at which the organization's time starts. All
// seeded rows are older. The default is 2026-01-15T09:00:00Z.
func WithReferenceDate(t time.Time) Option {
	return func(c *config) { c.reference = t.UTC() }
}

// WithAddr sets the address to listen on, such as "127.0.0.1:8080". The
// default is "127.0.0.1:0": any free port.
func WithAddr(addr string) Option {
	return func(c *config) { c.addr = addr }
}

// WithBasePath sets a path such as "/proxy" below which all requests are
// served. Other paths return 404. The default is none.
func WithBasePath(path string) Option {
	return func(c *config) {
		c.basePath = ""
		if path = strings.Trim(path, "/"); path != "" {
			c.basePath = "/" + path
		}
	}
}

// WithRateLimit sets how many reads and writes each organization may make in one
// second of the server's clock. Further requests get 429. Requests about stacks,
// requests about users below /v3/user, and all others are limited separately.
// Zero, the default, means no limit. Bulk requests have a budget of their own, then
// one a second: see [WithBulkLimit].
func WithRateLimit(reads, writes int) Option {
	return func(c *config) { c.reads, c.writes = max(reads, 0), max(writes, 0) }
}

// WithBulkLimit sets how many bulk requests each organization may make in one
// second of the server's clock. The requests of [Server.Endpoints] are bulk
// requests. The default is one with [WithRateLimit], and no limit without it.
func WithBulkLimit(n int) Option {
	return func(c *config) { c.bulk = max(n, 0) }
}

// WithLatency makes every round trip take d longer: one half passes before the
// request is counted and handled, the other half after.
func WithLatency(d time.Duration) Option {
	return func(c *config) { c.latency = max(d, 0) }
}

// WithPageCap limits the pages of every list to n rows, whatever limit a
// request asks for. The default is 100.
func WithPageCap(n int) Option {
	return func(c *config) { c.pageCap = min(max(n, 1), maxPage) }
}

// WithoutCount leaves out the count even if a request has include_count.
func WithoutCount() Option {
	return func(c *config) { c.withoutCount = true }
}

// WithRoleMerge makes an invitation of a user who is already there add to the
// organization roles. By default it replaces them.
func WithRoleMerge() Option {
	return func(c *config) { c.roleMerge = true }
}

// WithFault adds faults from the start. See [Server.AddFault].
func WithFault(faults ...Fault) Option {
	return func(c *config) { c.faults = append(c.faults, faults...) }
}

// forms has the forms of responses that differ from the recorded ones.
type forms struct {
	updateAt         bool
	namesInDetails   bool
	lateUserUIDs     bool
	systemOwner      bool
	acceptanceTokens bool
	nulls            bool
	details          Details
	roleUIDs         bool
	inviterUIDs      bool
	organizationList bool
	documentedRoles  bool
	hiddenTeamRoles  bool
	teamUserIDs      bool
	isoDates         bool
	apiKey412        bool
	mfa401           bool
	rateLimitHeaders bool
	repeatedHeaders  bool
}

// Form is a form of responses that differs from the recorded one. Older samples
// or the vendor's reference have it, or it is one of several that are possible.
type Form struct {
	Name   string // the option, such as "WithUpdateAt"
	About  string // the responses: "users", "organizations", "roles", "teams", "audit log", "errors" or "headers"
	Option Option
}

// Forms returns all forms. They can be combined: the last place of details
// counts. Forms about different responses do not influence each other.
func Forms() []Form {
	return []Form{
		{"WithUpdateAt", "users", WithUpdateAt()},
		{"WithNamesInDetails", "users", WithNamesInDetails()},
		{"WithLateUserUIDs", "users", WithLateUserUIDs()},
		{"WithSystemOwner", "users", WithSystemOwner()},
		{"WithAcceptanceTokens", "users", WithAcceptanceTokens()},
		{"WithNulls", "users", WithNulls()},
		{"WithDetails(DetailsUnderUser)", "users", WithDetails(DetailsUnderUser)},
		{"WithDetails(DetailsUnderUserDetails)", "users", WithDetails(DetailsUnderUserDetails)},
		{"WithRoleUIDs", "users", WithRoleUIDs()},
		{"WithInviterUIDs", "users", WithInviterUIDs()},
		{"WithOrganizationList", "organizations", WithOrganizationList()},
		{"WithDocumentedRoles", "roles", WithDocumentedRoles()},
		{"WithHiddenTeamRoles", "teams", WithHiddenTeamRoles()},
		{"WithTeamUserIDs", "teams", WithTeamUserIDs()},
		{"WithISODates", "audit log", WithISODates()},
		{"WithAPIKey412", "errors", WithAPIKey412()},
		{"WithMFA401", "errors", WithMFA401()},
		{"WithRateLimitHeaders", "headers", WithRateLimitHeaders()},
		{"WithRepeatedRateLimitHeaders", "headers", WithRepeatedRateLimitHeaders()},
	}
}

// WithUpdateAt calls the time of the last change update_at instead of updated_at
// in every second row, like older samples.
func WithUpdateAt() Option {
	return func(c *config) { c.updateAt = true }
}

// WithNamesInDetails leaves out first_name and last_name unless a request has
// include_user_details. By default every listed row has them.
func WithNamesInDetails() Option {
	return func(c *config) { c.namesInDetails = true }
}

// WithLateUserUIDs leaves out user_uid while an account was only invited, like
// older samples. By default it is there from the invitation on.
func WithLateUserUIDs() Option {
	return func(c *config) { c.lateUserUIDs = true }
}

// WithSystemOwner gives the owner's row an empty list of roles and the word
// System as inviter. By default it has no list, and a user as inviter.
func WithSystemOwner() Option {
	return func(c *config) { c.systemOwner = true }
}

// WithAcceptanceTokens sends the acceptance token of pending rows and of every
// second accepted row, like older samples. By default no row has one.
func WithAcceptanceTokens() Option {
	return func(c *config) { c.acceptanceTokens = true }
}

// WithNulls sends null for absent fields of every second row.
func WithNulls() Option {
	return func(c *config) { c.nulls = true }
}

// Details is the place of a user's details in a row.
type Details int

// The places of a user's details.
const (
	DetailsFlat             Details = iota // on the row itself
	DetailsUnderUser                       // in an object called user
	DetailsUnderUserDetails                // in an object called user_details
)

// WithDetails sets where include_user_details puts the details, which is unknown.
// The default is [DetailsFlat]. The objects have the names too.
func WithDetails(place Details) Option {
	return func(c *config) { c.details = place }
}

// WithRoleUIDs leaves the roles of a row as uids even with include_roles. By
// default they become objects with uid and name. Which is right is
// unknown.
func WithRoleUIDs() Option {
	return func(c *config) { c.roleUIDs = true }
}

// WithInviterUIDs leaves invited_by as a uid even with include_invited_by. By
// default it becomes an object with uid, email and names. The word System is
// never an object. Which is right is unknown.
func WithInviterUIDs() Option {
	return func(c *config) { c.inviterUIDs = true }
}

// WithOrganizationList returns one organization as a list of one, as documented.
func WithOrganizationList() Option {
	return func(c *config) { c.organizationList = true }
}

// WithDocumentedRoles sends roles as documented: with capitalized names and
// update_at, with admin only if it is true, and without owner, permissions and
// domain.
func WithDocumentedRoles() Option {
	return func(c *config) { c.documentedRoles = true }
}

// WithHiddenTeamRoles hides the roles that teams give from the rows of users, the
// users of roles and the number of users of stacks. By default they are shown.
// Which is right is unknown.
func WithHiddenTeamRoles() Option {
	return func(c *config) { c.hiddenTeamRoles = true }
}

// WithTeamUserIDs calls the uid of a team's user userId, like the vendor's
// command line tool. By default it is uid, as documented.
func WithTeamUserIDs() Option {
	return func(c *config) { c.teamUserIDs = true }
}

// WithISODates writes the times of the audit log as ISODate(…), like the samples
// of the reference.
func WithISODates() Option {
	return func(c *config) { c.isoDates = true }
}

// WithAPIKey412 returns 412 for an unknown API key, as documented. By default it
// is 422.
func WithAPIKey412() Option {
	return func(c *config) { c.apiKey412 = true }
}

// WithMFA401 returns 401 for a login that lacks an MFA code. By default it is 422.
// Both were seen.
func WithMFA401() Option {
	return func(c *config) { c.mfa401 = true }
}

// WithRateLimitHeaders sends X-RateLimit-Limit and X-RateLimit-Remaining with
// every response, as documented. By default only responses about stacks have
// them.
func WithRateLimitHeaders() Option {
	return func(c *config) { c.rateLimitHeaders = true }
}

// WithRepeatedRateLimitHeaders sends the numbers of rate limit headers twice, as in
// "200, 200". The service was seen to do so.
func WithRepeatedRateLimitHeaders() Option {
	return func(c *config) { c.repeatedHeaders = true }
}
