package orguserstest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxLog is how many requests the log keeps.
const maxLog = 20_000

// Request is one request as the server saw it.
type Request struct {
	// Time is when it arrived, by the server's clock.
	Time time.Time
	// Operation is the name of what it asks for, such as "list users", and empty
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
