package main

import (
	"context"
	"encoding/gob"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/bench/handwritten"
	"github.com/orgusers/orgusers/orguserstest"
)

// setting is how a fake is made. Without a limit it refuses nothing.
type setting struct {
	Users, Limit            int
	Latency, Jitter, Offset time.Duration
}

// endpoint is where a fake listens, and for whom.
type endpoint struct{ URL, Organization, AuthToken string }

func (e endpoint) client() (*orgusers.Client, error) {
	return orgusers.New(e.Organization, orgusers.WithBaseURL(e.URL), orgusers.WithAuthToken(e.AuthToken))
}

func (e endpoint) byHand(client *http.Client) *handwritten.Loop {
	return &handwritten.Loop{BaseURL: e.URL, OrganizationUID: e.Organization, AuthToken: e.AuthToken, Client: client}
}

// tally is what a fake has seen of requests for users.
type tally struct{ Requests, Refused, InFlight int }

// fake is a fake of the API in a process of its own.
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
	return f, p.hear(&f.endpoint)
}

// stop ends the fake and returns what it has seen.
func (f *fake) stop() (tally, error) {
	_ = f.process.stdin.Close() // it speaks up when its stdin has ended
	var seen tally
	if err := f.process.hear(&seen); err != nil {
		return tally{}, err
	}
	return seen, f.process.end()
}

// serve is the process of a fake.
func serve(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	var s setting
	if err := gob.NewDecoder(stdin).Decode(&s); err != nil {
		return err
	}
	server := orguserstest.NewUnstartedServer(
		orguserstest.WithUsers(s.Users),
		orguserstest.WithRateLimit(s.Limit, s.Limit),
		orguserstest.WithLatency(s.Latency),
		// As a uid, an inviter fits the plain struct of the loop by hand.
		orguserstest.WithInviterUIDs(),
	)
	defer server.Close()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	counted := &flights{next: server}
	loopback := &http.Server{Handler: counted, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = loopback.Serve(listener) }() // it always ends with ErrServerClosed
	defer func() { _ = loopback.Close() }()      // nobody asks any more

	answers := gob.NewEncoder(stdout)
	if err := answers.Encode(endpoint{"http://" + listener.Addr().String(), server.OrganizationUID, server.AuthToken}); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, stdin); err != nil { // until whoever measures is done, or gone
		return err
	}
	seen := tally{InFlight: counted.peak()}
	for _, r := range server.Requests() {
		if r.Operation == "ListUsers" {
			seen.Requests++
			if r.Status == http.StatusTooManyRequests {
				seen.Refused++
			}
		}
	}
	return answers.Encode(seen)
}

// flights counts the requests for users that are under way at the same time,
// their latency included.
type flights struct {
	next http.Handler

	mu        sync.Mutex
	now, most int
}

func (f *flights) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/share") {
		f.change(1)
		defer f.change(-1)
	}
	f.next.ServeHTTP(w, r)
}

func (f *flights) change(by int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now += by
	f.most = max(f.most, f.now)
}

func (f *flights) peak() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.most
}
