package orguserstest

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxLog limits the requests in the log.
const maxLog = 20_000

// Request is one request as the server received it.
type Request struct {
	// Time is the time of arrival on the server's clock.
	Time time.Time
	// Operation is the name of the client's operation, such as "ListUsers". It
	// is empty if the server does not know the request.
	Operation string
	// Write reports whether the request counts as a write. Some writes are GET
	// requests, and some reads are POST requests.
	Write bool
	// Bulk reports whether the request counts as a bulk request.
	Bulk   bool
	Method string
	// Path is the path as sent, including the base path.
	Path  string
	Query url.Values
	// Header has the headers as sent. Credentials are replaced by a word.
	Header http.Header
	// Body is the body as sent. It is empty for logins and renewals of tokens,
	// which contain secrets.
	Body []byte
	// Status is the status of the response. It is zero before the response,
	// and if a fault sent none.
	Status int
}

// requestLog keeps the newest requests.
type requestLog struct {
	entries []*Request
	oldest  int // where the next entry goes if the log is full
}

func (l *requestLog) add(r *Request) {
	if len(l.entries) < maxLog {
		l.entries = append(l.entries, r)
		return
	}
	l.entries[l.oldest] = r
	l.oldest = (l.oldest + 1) % maxLog
}

// Requests returns the newest 20,000 requests in the order of arrival.
// Headers, queries and bodies must not be changed.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := make([]Request, 0, len(s.log.entries))
	for i := range s.log.entries {
		requests = append(requests, *s.log.entries[(s.log.oldest+i)%len(s.log.entries)])
	}
	return requests
}

// ClearRequests clears the log of requests.
func (s *Server) ClearRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = requestLog{}
}

// OnRequest adds a hook. It is called with every request before the request is
// counted and performed. The hook may change the organization, add faults, or
// block to delay the request. Several calls may run at the same time. Changes
// to the Request have no effect.
func (s *Server) OnRequest(hook func(*Request)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, hook)
}

func (s *Server) runHooks(entry *Request) {
	s.mu.Lock()
	hooks, seen := slices.Clone(s.hooks), *entry
	s.mu.Unlock()
	for _, hook := range hooks {
		hook(&seen)
	}
}

// record adds a request to the log.
func (s *Server) record(c *call) *Request {
	r := c.http
	entry := &Request{
		Time:      time.Now(),
		Operation: c.route.operation,
		Write:     c.route.write,
		Bulk:      c.route.bulk,
		Method:    r.Method,
		Path:      r.URL.EscapedPath(),
		Query:     c.query,
		Header:    redact(r.Header),
	}
	if !strings.HasSuffix(entry.Path, "/user-session") && !strings.HasSuffix(entry.Path, pathRenewal) {
		entry.Body = c.body
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.add(entry)
	return entry
}

func redact(header http.Header) http.Header {
	kept := header.Clone()
	for _, name := range []string{"Authtoken", "Authorization", "Cookie"} {
		if _, ok := kept[name]; ok {
			kept[name] = []string{"REDACTED"}
		}
	}
	return kept
}

func (s *Server) setStatus(entry *Request, status int, effect Effect) {
	if effect.silent() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	entry.Status = status
}

// EmailKind is a kind of email.
type EmailKind string

// The kinds of email.
const (
	EmailInvitation          EmailKind = "invitation"            // to a new or a pending user
	EmailResentInvitation    EmailKind = "resent invitation"     // an invitation was resent
	EmailRoleChange          EmailKind = "role change"           // a member has other organization roles
	EmailStackShared         EmailKind = "stack shared"          // a user was given access to a stack
	EmailOwnershipTransfer   EmailKind = "ownership transfer"    // a user is offered the organization
	EmailPasswordReset       EmailKind = "password reset"        // a link to choose a new password
	EmailForcedPasswordReset EmailKind = "forced password reset" // the user must choose a new password
	EmailMFAReset            EmailKind = "MFA reset"             // a link to set up MFA again
)

// Email is an email that the service would have sent.
type Email struct {
	Kind EmailKind
	To   string
	// Organization is the uid of the organization that the email is about. It
	// is empty if there is none.
	Organization string
	// Message is the message of an invitation.
	Message string
	// SentAt is the organization's time.
	SentAt time.Time
}

// Outbox returns all emails so far, oldest first.
func (s *Server) Outbox() []Email {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.outbox)
}

// email adds an email to the outbox. The server is locked.
func (s *Server) email(m Email) {
	m.SentAt = time.UnixMilli(s.now()).UTC()
	s.outbox = append(s.outbox, m)
}

// noLimit is the limit in the headers if there is none.
const noLimit = 1_000_000

// budgetKey identifies a budget.
type budgetKey struct {
	organization string // empty for the service of users
	service      service
	kind         budgetKind
}

// service is a part of the service with limits of its own.
type service int

const (
	serviceOrganization service = iota
	serviceStack
	serviceUser
)

func (r *route) service() service {
	switch {
	case r.inStack:
		return serviceStack
	case strings.HasPrefix(r.pattern, "/v3/user"):
		return serviceUser
	}
	return serviceOrganization
}

type budgetKind int

const (
	budgetReads budgetKind = iota
	budgetWrites
	budgetBulk
)

// budget returns the budget that the route counts on.
func (r *route) budget() budgetKind {
	switch {
	case r.bulk:
		return budgetBulk
	case r.write:
		return budgetWrites
	}
	return budgetReads
}

// budget counts the requests in one second of the server's clock.
type budget struct {
	second int64
	used   int
}

// limit returns the number of requests of a kind in a second.
func (s *Server) limit(kind budgetKind) int {
	limit := s.cfg.reads
	switch kind {
	case budgetWrites:
		limit = s.cfg.writes
	case budgetBulk:
		limit = s.cfg.bulk
		if limit == 0 && s.cfg.reads+s.cfg.writes > 0 {
			limit = 1
		}
	}
	if limit == 0 {
		return noLimit
	}
	return limit
}

// count counts a request on its budget. It returns the headers of the
// response, and a 429 response if the budget is used up.
func (s *Server) count(c *call) (http.Header, *response) {
	now := time.Now()
	key := budgetKey{organization: s.OrganizationUID, service: c.route.service(), kind: c.route.budget()}
	org := s.organization(c.params["organization_uid"])
	below := org != nil
	switch {
	case key.service == serviceUser:
		key.organization = ""
	case key.service == serviceStack:
		org, _ = s.stack(c.http.Header.Get("api_key"))
	case c.route.byHeader:
		org = s.organization(c.http.Header.Get("organization_uid"))
	}
	if org != nil {
		key.organization = org.uid
	}
	spent := s.budgets[key]
	if spent.second != now.Unix() {
		spent = budget{second: now.Unix()}
	}
	limit := s.limit(key.kind)
	refused := spent.used >= limit
	if !refused {
		spent.used++
	}
	s.budgets[key] = spent

	header := http.Header{}
	header.Set("Date", now.UTC().Format(http.TimeFormat))
	header.Set("Content-Type", "application/json")
	header.Set("X-Request-Id", s.requestID())
	if below {
		header.Set("X-Contentstack-Organization", org.uid)
	}
	if s.cfg.rateLimitHeaders || key.service == serviceStack {
		header.Set("X-RateLimit-Limit", s.rateNumber(limit))
		header.Set("X-RateLimit-Remaining", s.rateNumber(limit-spent.used))
	}
	if !refused {
		return header, nil
	}
	tooMany := fail(http.StatusTooManyRequests, 0, "Too many requests. Please try again later.", nil)
	return header, &tooMany
}

func (s *Server) rateNumber(n int) string {
	if s.cfg.repeatedHeaders {
		return fmt.Sprintf("%d, %d", n, n)
	}
	return strconv.Itoa(n)
}

// requestID returns a new uuid.
func (s *Server) requestID() string {
	s.counted++
	a, b := hexOf(s.chance(1<<57|s.counted)), hexOf(s.chance(1<<56|s.counted))
	return a[:8] + "-" + a[8:12] + "-4" + a[13:] + "-a" + b[1:4] + "-" + b[4:]
}
