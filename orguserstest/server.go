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

// Server is a fake of the API with organizations in memory. Its methods may be
// called from several goroutines.
type Server struct {
	// URL is the base URL, without /v3 and without a slash at the end. Before
	// [Server.Start] its host is loopback without a port.
	URL string
	// OrganizationUID is the uid of the organization that [WithUsers] and
	// [WithPeople] fill.
	OrganizationUID string
	// SecondOrganizationUID is the uid of a small organization. Its members
	// are the users who belong to several organizations. The user of AuthToken
	// is an administrator of both.
	SecondOrganizationUID string
	// ForeignOrganizationUID is the uid of an organization that the user of
	// AuthToken does not belong to. Requests about it get 403.
	ForeignOrganizationUID string
	// AuthToken is a live session token. It belongs to the first administrator
	// who is not the owner, or to the owner if there is no such administrator.
	AuthToken string
	// Email is the address of the user of AuthToken.
	Email string

	cfg     config
	started time.Time
	closing chan struct{}
	once    sync.Once
	http    *http.Server
	serving sync.WaitGroup

	mu            sync.Mutex // guards the fields below
	generator     *generator
	organizations []*organization      // the one of OrganizationUID first
	founder       *account             // of all organizations; in none of them any more
	former        map[string]*account  // accounts in no organization, by folded address
	sessions      map[string]*session  // by token
	bearer        string               // what OAuthToken returns
	refresh       string               // what RefreshToken returns; empty if it was revoked
	issued        uint64               // number of tokens made
	audited       uint64               // number of audit log entries made
	unsorted      uint64               // number of lists served without a sort
	counted       uint64               // number of requests
	budgets       map[budgetKey]budget // requests counted in the current second
	faults        []*activeFault
	log           requestLog
	hooks         []func(*Request)
	outbox        []Email
}

// NewServer returns a server that listens. It panics if it cannot listen or if
// an option is invalid. Call Close when done with it.
func NewServer(opts ...Option) *Server {
	s := NewUnstartedServer(opts...)
	s.Start()
	return s
}

// NewUnstartedServer returns a server that does not listen. Start it, or call
// it in-process through [Server.Transport] or as an [http.Handler].
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
	s.seed()
	s.AddFault(s.cfg.faults...)
	return s
}

// Start listens on loopback, or on the address of [WithAddr], and sets URL. It
// panics if it cannot listen or if the server was started before.
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
		ErrorLog:          log.New(io.Discard, "", 0), // tests close connections on purpose
	}
	s.serving.Go(func() { _ = s.http.Serve(listener) }) // always ErrServerClosed
}

// Close stops listening, closes all connections, and ends requests that a
// fault delays. It may be called more than once.
func (s *Server) Close() {
	s.once.Do(func() {
		close(s.closing)
		if s.http != nil {
			_ = s.http.Close() // nothing can be done about it
		}
	})
	s.serving.Wait()
}

// now returns the organization's time: the reference date plus the time since
// the server was made.
func (s *Server) now() int64 {
	return s.cfg.reference.Add(time.Since(s.started)).UnixMilli()
}

// maxBody limits the size of a request's body.
const maxBody = 8 << 20

// call is one request while the server handles it.
type call struct {
	route  *route
	params map[string]string
	http   *http.Request
	query  url.Values
	body   []byte

	caller       *account      // nil if the route is open
	organization *organization // nil if the route names none
	stack        *stack        // nil if the route is not about a stack
	effect       Effect        // what a fault does to the request
	partial      int           // how many items a fault lets pass; zero is all
}

// ServeHTTP handles one request of the API. A delay ends early if the
// request's context ends. If a fault breaks the connection and w cannot be
// hijacked, ServeHTTP panics with [http.ErrAbortHandler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{http: r, query: r.URL.Query()}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	c.body = body
	out := s.cfg.latency / 2
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
	var reply response
	switch {
	case refused != nil:
		reply = *refused
	case c.effect.instead() && fault.Later > 0:
		s.handleLater(fault.Later, c, err)
		reply = c.effect.response()
	case c.effect.instead() && !fault.After && fault.Partial == 0:
		reply = c.effect.response()
	default:
		reply = s.handle(c, err)
		if c.effect.instead() {
			reply = c.effect.response()
		}
	}
	reply.header = merge(header, reply.header)
	s.mu.Unlock()

	s.pause(r.Context(), s.cfg.latency-out)
	s.setStatus(entry, reply.status, c.effect)
	s.send(w, r, reply, c.effect)
}

// handle performs a request that no limit and no fault stopped. The server is
// locked.
func (s *Server) handle(c *call, readErr error) response {
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

// handleLater performs a request after d, unless the server is closed by then.
// Its response is dropped.
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

// authorize finds the organization of the path or of the stack's API key. It
// returns an error response if the caller may not make the request.
func (s *Server) authorize(c *call) *response {
	uid, named := c.params["organization_uid"]
	switch {
	case c.route.inStack:
		if c.organization, c.stack = s.stack(c.http.Header.Get("api_key")); c.stack == nil {
			status := http.StatusUnprocessableEntity
			if s.cfg.apiKey412 {
				status = http.StatusPreconditionFailed
			}
			return new(fail(status, 109, "The API key is not valid.", object{"api_key": []string{"is not valid."}}))
		}
	case c.route.byHeader:
		if c.organization = s.organization(c.http.Header.Get("organization_uid")); c.organization == nil {
			return new(invalid("organization_uid"))
		}
	case !named:
		return nil
	default:
		if c.organization = s.organization(uid); c.organization == nil {
			return new(notFound())
		}
	}
	if !c.organization.may(c.organization.rowOf(c.caller), c.route.needs) {
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

// pause waits for d. It ends the request if the client leaves or the server is
// closed.
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

// hang waits until the client leaves or the server is closed.
func (s *Server) hang(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-s.closing:
	}
	panic(http.ErrAbortHandler)
}

// route describes one request of the API.
type route struct {
	method, pattern string
	operation       string // its name in the request log
	needs           string // the permission that the caller needs; empty if every member may
	byHeader        bool   // about the organization of the header organization_uid
	write           bool   // counts as a write, with any method
	bulk            bool   // counts as a bulk request instead
	inStack         bool   // about the stack of the header api_key
	open            bool   // needs no credentials
	form            bool   // takes a form instead of JSON
	handle          func(*Server, *call) response
	elements        []string // of the pattern
}

// routes lists every request that the server handles.
var routes = compile(
	organizationRoutes, shareRoutes, inviteRoutes, stackRoutes, accessRoutes, teamRoutes, sessionRoutes, fakeRoutes, oauthRoutes,
)

func compile(tables ...[]route) []route {
	all := slices.Concat(tables...)
	for i := range all {
		all[i].elements = strings.Split(all[i].pattern, "/")
	}
	return all
}

// match returns the route of a request and the parameters in its path. For an
// unknown request the route has no handler, and has a pattern only if the path
// exists for another method.
func (cfg *config) match(method, path string) (*route, map[string]string) {
	unknown := &route{write: method != http.MethodGet && method != http.MethodHead}
	rest, ok := strings.CutPrefix(path, cfg.basePath)
	if !ok {
		return unknown, nil
	}
	elements := strings.Split(rest, "/")
	for i := range routes {
		params, ok := fit(routes[i].elements, elements)
		if !ok {
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

// refuse returns 405 if the path exists for another method, else 404.
func (r *route) refuse() response {
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
