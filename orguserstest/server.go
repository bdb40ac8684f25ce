package orguserstest

import (
	"context"
	"errors"
	"io"
	"log"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Server is a fake of the API with an organization in memory. It is safe for
// any number of goroutines.
type Server struct {
	// URL is the base URL, without /v3 and without a slash at the end. Before
	// [Server.Start] it names loopback without a port.
	URL string
	// OrganizationUID is the organization that [WithUsers] and [WithPeople] fill.
	OrganizationUID string
	// SecondOrganizationUID is a small organization that holds the users who are
	// in several. The user of AuthToken is an administrator there too.
	SecondOrganizationUID string
	// ForeignOrganizationUID exists, but the user of AuthToken is not in it, so
	// that requests about it are answered with 403.
	ForeignOrganizationUID string
	// AuthToken is a live session token of an administrator who is not the
	// owner, or of the owner where there is no such administrator.
	AuthToken string
	// Email is the address of the user of AuthToken.
	Email string

	cfg     config
	started time.Time
	closing chan struct{}
	once    sync.Once
	http    *http.Server
	serving sync.WaitGroup

	mu            sync.Mutex // guards everything below
	seeds         *generator
	organizations []*organization      // the one of OrganizationUID first
	former        map[string]*account  // accounts in no organization, by folded address
	sessions      map[string]*session  // by token
	bearer        string               // the token of OAuthToken
	refresh       string               // the token of RefreshToken, empty when it has ended
	issued        uint64               // tokens made so far
	audited       uint64               // entries of audit logs made so far
	unsorted      uint64               // lists served without a sort
	delayed       uint64               // requests given a jitter so far
	budgets       map[budgetKey]budget // requests counted in the current second
	faults        []*activeFault
	log           requestLog
	hooks         []func(*Request)
	outbox        []Mail
}

// NewServer makes a server and starts it. It panics when it cannot listen, or
// when an option does not make sense. Call Close when done with it.
func NewServer(opts ...Option) *Server {
	s := NewUnstartedServer(opts...)
	s.Start()
	return s
}

// NewUnstartedServer makes a server that does not listen. It can be started, or
// be called in-process as an http.Handler or through [Server.Transport].
func NewUnstartedServer(opts ...Option) *Server {
	s := &Server{
		cfg:      newConfig(opts),
		started:  time.Now(),
		closing:  make(chan struct{}),
		former:   map[string]*account{},
		sessions: map[string]*session{},
		budgets:  map[budgetKey]budget{},
	}
	s.URL = "http://127.0.0.1" + s.cfg.basePath
	s.plant()
	s.AddFault(s.cfg.faults...)
	return s
}

// Start listens on loopback, or on the address of [WithAddr], and sets URL. It
// panics when it cannot, and when the server was started before.
func (s *Server) Start() {
	if s.http != nil {
		panic("orguserstest: the server was started before")
	}
	listener, err := net.Listen("tcp", s.cfg.addr)
	if err != nil {
		panic("orguserstest: cannot listen: " + err.Error())
	}
	s.URL = "http://" + listener.Addr().String() + s.cfg.basePath
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // clients that hang up are part of the tests
	}
	s.serving.Go(func() { _ = s.http.Serve(listener) }) // it always ends with ErrServerClosed
}

// Close stops listening, ends every connection, and wakes the requests that a
// fault holds up. It may be called again.
func (s *Server) Close() {
	s.once.Do(func() {
		close(s.closing)
		if s.http != nil {
			_ = s.http.Close() // nothing is left to do about a listener that will not close
		}
	})
	s.serving.Wait()
}

// now is the organization's time: the reference date and what has passed since.
func (s *Server) now() int64 {
	return s.cfg.reference.Add(time.Since(s.started)).UnixMilli()
}

// clock is the time by which limits are counted and answers are dated.
func (s *Server) clock() time.Time {
	return time.Now().Add(s.cfg.clockOffset)
}

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

// route is one request of the API.
type route struct {
	method, pattern string
	operation       string // its name in the request log
	write           bool   // counts as a write, whatever the method
	bulk            bool   // counts as a bulk request instead
	own             bool   // the fake made it up
	inStack         bool   // about the stack of the header api_key
	open            bool   // needs no credentials
	form            bool   // takes a form, not JSON
	anyMember       bool   // any member of the organization may, not administrators alone
	handle          func(*Server, *call) answer
	elements        []string // of the pattern
}

// routes are all requests that the server knows.
var routes = compile(
	organizationRoutes, shareRoutes, stackRoutes, sessionRoutes,
	inviteRoutes, removeRoutes, ownershipRoutes, accessRoutes, auditRoutes, ownRoutes, oauthRoutes,
)

func compile(tables ...[]route) []route {
	all := slices.Concat(tables...)
	for i := range all {
		all[i].elements = strings.Split(all[i].pattern, "/")
	}
	return all
}

// match finds the route of a request and what its path says about the route's
// parameters. A request that has none gets a route without a handler, and with a
// pattern only where another method has one.
func (cfg *config) match(method, path string) (*route, map[string]string) {
	unknown := &route{write: method != http.MethodGet && method != http.MethodHead}
	rest, ok := strings.CutPrefix(path, cfg.basePath)
	if !ok {
		return unknown, nil
	}
	elements := strings.Split(rest, "/")
	for i := range routes {
		params, ok := fit(routes[i].elements, elements)
		if !ok || (routes[i].own && cfg.withoutRoutes) {
			continue
		}
		if routes[i].method == method {
			return &routes[i], params
		}
		unknown.pattern = routes[i].pattern
	}
	return unknown, nil
}

// fit compares a path with a pattern, element by element.
func fit(pattern, path []string) (map[string]string, bool) {
	if len(pattern) != len(path) {
		return nil, false
	}
	var params map[string]string
	for i, want := range pattern {
		name, isParam := strings.CutPrefix(want, "{")
		if !isParam {
			if want != path[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(path[i])
		if err != nil || value == "" {
			return nil, false
		}
		if params == nil {
			params = map[string]string{}
		}
		params[strings.TrimSuffix(name, "}")] = value
	}
	return params, true
}

// refuse answers a request that has no route: 405 where another method has one,
// else 404.
func (r *route) refuse() answer {
	if r.pattern == "" {
		return fail(http.StatusNotFound, 0, "The requested path doesn't exist.", nil)
	}
	var methods []string
	for i := range routes {
		if routes[i].pattern == r.pattern {
			methods = append(methods, routes[i].method)
		}
	}
	refused := fail(http.StatusMethodNotAllowed, 0, "The method is not allowed for this path.", nil)
	refused.header = http.Header{"Allow": {strings.Join(methods, ", ")}}
	return refused
}
