package orguserstest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxLog is how many requests the log keeps.
const maxLog = 20_000

// Request is one request as the server saw it.
type Request struct {
	// Time is when it arrived, by the server's clock.
	Time time.Time
	// Operation is the name of what it asks for, such as "ListUsers", and empty
	// for a request that the server does not know.
	Operation string
	// Write is whether it counts as a write. Some writes are sent with GET, and
	// some reads with POST.
	Write bool
	// Bulk is whether it counts as a bulk request.
	Bulk   bool
	Method string
	// Path is as it was sent, with the base path and without the query.
	Path  string
	Query url.Values
	// Header is what was sent, with the credentials replaced by a word.
	Header http.Header
	// Body is what was sent. That of a login or a renewal of tokens is left out,
	// as it has a secret.
	Body []byte
	// Status is that of the answer: zero before there is one, and where a fault
	// broke the connection or held the answer back.
	Status int
}

// requestLog keeps the newest requests.
type requestLog struct {
	entries []*Request
	oldest  int // where the next one goes when the log is full
}

func (l *requestLog) add(r *Request) {
	if len(l.entries) < maxLog {
		l.entries = append(l.entries, r)
		return
	}
	l.entries[l.oldest] = r
	l.oldest = (l.oldest + 1) % maxLog
}

// Requests is the log of requests in the order of arrival: the newest 20,000.
// Headers, queries and bodies are shared with the log and must not be changed.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := make([]Request, 0, len(s.log.entries))
	for i := range s.log.entries {
		requests = append(requests, *s.log.entries[(s.log.oldest+i)%len(s.log.entries)])
	}
	return requests
}

// ClearRequests empties the log of requests.
func (s *Server) ClearRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = requestLog{}
}

// OnRequest adds a hook that is called with each request before it is counted
// and handled, in the goroutine that serves it. The hook may change the
// organization, add faults, or block to hold the request up; several requests
// can be in it at a time. What it does to the Request itself has no effect.
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

// record writes a request to the log.
func (s *Server) record(c *call) *Request {
	r := c.http
	entry := &Request{
		Time:      s.clock(),
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

// MailKind is what a mail is about.
type MailKind string

// What mails are about.
const (
	MailInvitation          MailKind = "invitation"            // of somebody new, or again of somebody who was invited before
	MailResentInvitation    MailKind = "resent invitation"     // asked for by the uid of the invitation
	MailRoleChange          MailKind = "role change"           // a member has other organization roles
	MailStackShared         MailKind = "stack shared"          // somebody was given a stack
	MailOwnershipTransfer   MailKind = "ownership transfer"    // somebody is offered the organization
	MailPasswordReset       MailKind = "password reset"        // somebody chooses a new password
	MailForcedPasswordReset MailKind = "forced password reset" // somebody has to
	MailMFAReset            MailKind = "MFA reset"             // somebody sets up a second factor anew
)

// Mail is a mail that the service would have sent.
type Mail struct {
	Kind MailKind
	To   string
	// Organization is the uid of the organization that the mail speaks for, and
	// empty where it speaks for none.
	Organization string
	// Message is the text that came with an invitation.
	Message string
	// SentAt is in the organization's time.
	SentAt time.Time
}

// Outbox is every mail so far, oldest first.
func (s *Server) Outbox() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.outbox)
}

// post puts a mail into the outbox. The server is locked.
func (s *Server) post(m Mail) {
	m.SentAt = time.UnixMilli(s.now()).UTC()
	s.outbox = append(s.outbox, m)
}

// noLimit is what the headers tell of where nothing is refused.
const noLimit = 1_000_000

// budgetKey names what is counted apart.
type budgetKey struct {
	organization string
	kind         budgetKind
}

type budgetKind int

const (
	budgetReads budgetKind = iota
	budgetWrites
	budgetBulk
)

// budget is what requests of the route are counted on.
func (r *route) budget() budgetKind {
	switch {
	case r.bulk:
		return budgetBulk
	case r.write:
		return budgetWrites
	}
	return budgetReads
}

// budget is what one second of the server's clock has seen.
type budget struct {
	second int64
	used   int
}

// limit is how many requests of a kind a second may have.
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

// count books a request on its budget. It returns the headers that go with the
// answer, and the answer itself where the budget is used up.
func (s *Server) count(c *call) (http.Header, *answer) {
	now := s.clock()
	key := budgetKey{organization: s.OrganizationUID, kind: c.route.budget()}
	if org := s.organization(c.params["organization_uid"]); org != nil {
		key.organization = org.uid
	} else if c.route.inStack {
		if org, _ := s.stack(c.http.Header.Get("api_key")); org != nil {
			key.organization = org.uid
		}
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
	header.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	header.Set("X-RateLimit-Remaining", strconv.Itoa(limit-spent.used))
	next := time.Unix(now.Unix()+1, 0)
	if s.cfg.rateLimitReset {
		header.Set("X-RateLimit-Reset", strconv.FormatInt(next.Unix(), 10))
	}
	if !refused {
		return header, nil
	}
	tooMany := fail(http.StatusTooManyRequests, 0, "Too many requests. Please try again later.", nil)
	if wait := s.cfg.retryAfter.format(now, next); wait != "" {
		tooMany.header = http.Header{"Retry-After": {wait}}
	}
	return header, &tooMany
}

func (form RetryAfter) format(now, next time.Time) string {
	switch form {
	case RetryAfterSeconds:
		return "1" // the rest of a second, rounded up
	case RetryAfterFraction:
		rest := next.Sub(now).Round(time.Millisecond) + time.Millisecond // never short of the next second
		return strconv.FormatFloat(rest.Seconds(), 'f', 3, 64)
	case RetryAfterDate:
		return next.UTC().Format(http.TimeFormat)
	}
	return ""
}
