package main

import (
	"context"
	"encoding/gob"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/bench/handwritten"
	"github.com/orgusers/orgusers/internal/transport"
	"github.com/orgusers/orgusers/orguserstest"
)

// setting describes a fake. A limit of 0 refuses nothing.
type setting struct {
	Users, Limit    int
	Latency, Jitter time.Duration
	Headers         bool
}

// endpoint is an organization of a fake. Member is the address of a user who can be removed.
type endpoint struct {
	URL, Organization, AuthToken, Member string
	Users                                int
}

// client returns a client that paces itself at a limit. 0 is as fast as it can.
func (e endpoint) client(limit int) (*orgusers.Client, error) {
	opts := []orgusers.Option{orgusers.WithBaseURL(e.URL), orgusers.WithAuthToken(e.AuthToken)}
	if limit > 0 {
		opts = append(opts, orgusers.WithRateLimits(orgusers.RateLimits{Reads: float64(limit), Writes: float64(limit)}))
	} else {
		opts = append(opts, orgusers.WithRateLimiters(orgusers.RateLimiters{Reads: noLimit{}}))
	}
	return orgusers.New(e.Organization, opts...)
}

type noLimit struct{}

func (noLimit) Wait(context.Context) error { return nil }

func (e endpoint) byHand() *handwritten.Loop {
	client := &http.Client{Transport: &http.Transport{}} // without connections of others
	return &handwritten.Loop{BaseURL: e.URL, OrganizationUID: e.Organization, AuthToken: e.AuthToken, Client: client}
}

// tally is what a fake counted of the requests of the package: those of the other client go to an endpoint of roles.
type tally struct {
	Requests, Refused int
	InFlight          int // at most
	Waves             int // how often a request arrived while none was in flight
}

// fake is a fake of the API in its own process.
type fake struct {
	endpoint
	process *process
}

func startFake(ctx context.Context, s setting) (*fake, error) {
	p, err := launch(ctx, "fake", s)
	if err != nil {
		return nil, err
	}
	f := &fake{process: p}
	return f, p.receive(&f.endpoint)
}

// stop ends the fake and returns what it counted.
func (f *fake) stop() (tally, error) {
	_ = f.process.stdin.Close() // the fake sends its counts when its stdin ends
	var counted tally
	if err := f.process.receive(&counted); err != nil {
		return tally{}, err
	}
	return counted, f.process.end()
}

// serve runs the process of a fake.
func serve(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	var s setting
	if err := gob.NewDecoder(stdin).Decode(&s); err != nil {
		return err
	}
	opts := []orguserstest.Option{
		orguserstest.WithUsers(s.Users), orguserstest.WithRateLimit(s.Limit, s.Limit), orguserstest.WithLatency(s.Latency),
		orguserstest.WithInviterUIDs(), // which fit the plain struct of the loop by hand
	}
	if s.Headers {
		opts = append(opts, orguserstest.WithRateLimitHeaders())
	}
	server := orguserstest.NewUnstartedServer(opts...)
	defer server.Close()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	counted := &counter{next: server, jitter: s.Jitter}
	loopback := &http.Server{Handler: counted, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = loopback.Serve(listener) }() // it always ends with ErrServerClosed
	defer func() { _ = loopback.Close() }()

	at := endpoint{URL: "http://" + listener.Addr().String(), Organization: server.OrganizationUID, AuthToken: server.AuthToken, Users: s.Users}
	for _, user := range server.Users() {
		if !user.Owner && !user.Pending && user.Email != server.Email {
			at.Member = user.Email
			break
		}
	}
	responses := gob.NewEncoder(stdout)
	if err := responses.Encode(at); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, stdin); err != nil { // until the other process is done, or gone
		return err
	}
	return responses.Encode(counted.tally)
}

// counter counts requests, with their latency and jitter.
type counter struct {
	next   http.Handler
	jitter time.Duration

	mu  sync.Mutex
	now int
	tally
}

func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("User-Agent") == otherAgent {
		c.next.ServeHTTP(w, r)
		return
	}
	c.mu.Lock()
	if c.now == 0 {
		c.Waves++
	}
	c.now++
	c.InFlight = max(c.InFlight, c.now)
	c.Requests++
	c.mu.Unlock()
	_ = transport.Sleep(r.Context(), rand.N(c.jitter+1))
	status := &recorder{ResponseWriter: w}
	c.next.ServeHTTP(status, r)
	_ = transport.Sleep(r.Context(), rand.N(c.jitter+1))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now--
	if status.code == http.StatusTooManyRequests {
		c.Refused++
	}
}

type recorder struct {
	http.ResponseWriter
	code int
}

func (r *recorder) WriteHeader(code int) {
	r.code = code
	r.ResponseWriter.WriteHeader(code)
}
