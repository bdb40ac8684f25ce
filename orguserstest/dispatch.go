package orguserstest

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"
)

// maxBody bounds what a request may send.
const maxBody = 8 << 20

// call is one request on its way through the server.
type call struct {
	route  *route
	params map[string]string
	http   *http.Request
	query  url.Values
	body   []byte

	caller       *account      // nil where the route is open to everybody
	organization *organization // nil where the route names none
	stack        *stack        // nil where the route is not about one
	effect       Effect        // what a fault does to this request
	partial      int           // how much of its work a fault leaves it; zero is all
}

// ServeHTTP answers one request of the API. Latency and slow faults end early
// when the request's context does. Where a fault breaks the connection and w
// cannot be hijacked, as when a test calls ServeHTTP itself, it panics with
// [http.ErrAbortHandler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{http: r, query: r.URL.Query()}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	c.body = body
	out, back := s.ways()
	s.pause(r.Context(), out)

	c.route, c.params = s.cfg.match(r.Method, r.URL.EscapedPath())
	entry := s.record(c)
	s.runHooks(entry)

	s.mu.Lock()
	header, refused := s.count(c)
	var fault Fault
	if refused == nil {
		fault = s.pickFault(c)
		c.effect, c.partial = fault.Effect, fault.Partial
	}
	var reply answer
	switch {
	case refused != nil:
		reply = *refused
	case c.effect.instead() && fault.Later > 0:
		s.handleLater(fault.Later, c, err)
		reply = c.effect.answer()
	case c.effect.instead() && !fault.After && fault.Partial == 0:
		reply = c.effect.answer()
	default:
		reply = s.handle(c, err)
		if c.effect.instead() {
			reply = c.effect.answer()
		}
	}
	reply.header = merge(header, reply.header)
	s.mu.Unlock()

	s.pause(r.Context(), back)
	s.setStatus(entry, reply.status, c.effect)
	s.send(w, r, reply, c.effect)
}

// handle answers a request that no limit and no fault has kept away from the
// organization. The server is locked.
func (s *Server) handle(c *call, readErr error) answer {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(readErr, &tooLarge):
		return fail(http.StatusRequestEntityTooLarge, 0, "The request is too large.", nil)
	case readErr != nil:
		return fail(http.StatusBadRequest, 0, "The request could not be read.", nil)
	case c.route.handle == nil:
		return c.route.refuse()
	case len(c.body) > 0 && !c.route.takes(c.http.Header.Get("Content-Type")):
		return fail(http.StatusBadRequest, 0, "Please set a valid 'Content-Type' header", nil)
	}
	if c.route.open {
		return c.route.handle(s, c)
	}
	if refused := s.authenticate(c); refused != nil {
		return *refused
	}
	if refused := s.authorize(c); refused != nil {
		return *refused
	}
	return c.route.handle(s, c)
}

// handleLater answers a request to nobody when d has passed, unless the server is
// closed by then.
func (s *Server) handleLater(d time.Duration, c *call, readErr error) {
	time.AfterFunc(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		select {
		case <-s.closing:
		default:
			s.handle(c, readErr)
		}
	})
}

// authorize finds the organization that a path or the key of a stack names, and
// says whether the caller may use it in this way.
func (s *Server) authorize(c *call) *answer {
	uid, named := c.params["organization_uid"]
	switch {
	case c.route.inStack:
		if c.organization, c.stack = s.stack(c.http.Header.Get("api_key")); c.stack == nil {
			return new(fail(http.StatusPreconditionFailed, 109, "The API key is not valid.", object{"api_key": []string{"is not valid."}}))
		}
	case !named:
		return nil
	default:
		if c.organization = s.organization(uid); c.organization == nil {
			return new(notFound())
		}
	}
	row := c.organization.rowOf(c.caller)
	if row == nil || row.pending || (!c.route.anyMember && !row.administers()) {
		return new(forbidden())
	}
	return nil
}

func (r *route) takes(contentType string) bool {
	want := "application/json"
	if r.form {
		want = "application/x-www-form-urlencoded"
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && media == want
}

// ways is how long the next request is on its way out, and its answer back.
func (s *Server) ways() (out, back time.Duration) {
	out = s.cfg.latency / 2
	back = s.cfg.latency - out
	if s.cfg.jitter > 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.delayed++
		out += s.between(s.delayed<<1, s.cfg.jitter)
		back += s.between(s.delayed<<1|1, s.cfg.jitter)
	}
	return out, back
}

// between is a random time from 0 to d that depends on the seed and n alone.
func (s *Server) between(n uint64, d time.Duration) time.Duration {
	return time.Duration(s.chance(1<<60|n) % uint64(d+1))
}

// pause lets d pass, and ends the request when its client goes or the server
// closes.
func (s *Server) pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		panic(http.ErrAbortHandler)
	case <-s.closing:
		panic(http.ErrAbortHandler)
	}
}

// hang waits until the client goes or the server closes.
func (s *Server) hang(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-s.closing:
	}
	panic(http.ErrAbortHandler)
}
