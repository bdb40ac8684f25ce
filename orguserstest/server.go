package orguserstest

import (
	"io"
	"log"
	"net"
	"net/http"
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
