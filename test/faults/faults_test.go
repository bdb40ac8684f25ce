// Package faults_test sends the operations of the package into failures: of servers, of
// connections, of deadlines, and of lists that change while they are read.
package faults_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

// token is the authtoken of clients that do not use the fake.
const token = "blt00c0ffee00c0ffee"

// withoutLimits has rate limits that no test waits for.
var withoutLimits = orgusers.WithRateLimits(orgusers.RateLimits{Reads: 1e4, Writes: 1e4, Bulk: 1e4})

// kinds returns the four kinds of requests: a read, a read by POST, a write, and a
// write by GET. Each sends one request.
func kinds() []operations.Operation {
	return slices.DeleteFunc(slices.Clone(operations.All), func(o operations.Operation) bool { return !o.Custom })
}

// call sends a request of one kind.
func call(ctx context.Context, client *orgusers.Client, kind operations.Operation) error {
	_, err := kind.Run(ctx, &operations.Arguments{Client: client})
	return err
}

// getOrganization sends one read.
func getOrganization(ctx context.Context, client *orgusers.Client) error {
	_, err := client.GetOrganization(ctx, nil)
	return err
}

// newClient returns a client for the organization blt1 over a transport, whose attempts
// end after ten seconds.
func newClient(t *testing.T, transport http.RoundTripper, credentials orgusers.Option, opts ...orgusers.Option) *orgusers.Client {
	t.Helper()
	client, err := orgusers.New("blt1", append([]orgusers.Option{
		withoutLimits,
		orgusers.WithHTTPClient(&http.Client{Transport: transport, Timeout: 10 * time.Second}),
		credentials,
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// newCrowd returns a fake that does not listen, with the crowd of package operations.
func newCrowd(t *testing.T) *orguserstest.Server {
	t.Helper()
	fake := orguserstest.NewUnstartedServer(orguserstest.WithPeople(operations.Crowd()...))
	t.Cleanup(fake.Close)
	return fake
}

// newArguments returns the arguments of an operation over a transport to the fake. Its
// attempts end after ten seconds.
func newArguments(t *testing.T, o operations.Operation, fake *orguserstest.Server, transport http.RoundTripper, opts ...orgusers.Option) *operations.Arguments {
	t.Helper()
	a := &operations.Arguments{
		Fake: fake, Password: orguserstest.Password,
		Credentials: orgusers.WithAuthToken(fake.SignIn(o.Caller())),
		Options: append([]orgusers.Option{
			orgusers.WithBaseURL(fake.URL), withoutLimits,
			orgusers.WithHTTPClient(&http.Client{Transport: transport, Timeout: 10 * time.Second}),
		}, opts...),
	}
	if o.Name == "ExportCSVFile" {
		a.Dir = t.TempDir()
	}
	if o.Endpoint {
		a.Options = append(a.Options, orgusers.WithEndpoints(fake.Endpoints()))
	}
	var err error
	if a.Client, err = orgusers.New(fake.OrganizationUID, append(a.Options, a.Credentials)...); err != nil {
		t.Fatal(err)
	}
	return a
}

// roundTripper is a function as a transport.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// status responds with an error in the API's form, and headers as pairs of names and
// values.
func status(code int, header ...string) roundTripper {
	return body(code, `{"error_message":"It went wrong.","error_code":119}`, header...)
}

func body(code int, text string, header ...string) roundTripper {
	return func(r *http.Request) (*http.Response, error) {
		response := &http.Response{
			StatusCode: code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(text)),
		}
		for i := 0; i+1 < len(header); i += 2 {
			response.Header.Set(header[i], header[i+1])
		}
		return response, nil
	}
}

func fails(err error) roundTripper {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

var good = body(http.StatusOK, `{"organization":{"uid":"blt1"}}`)

// script gives one response after the other, and the last one forever.
type script struct {
	responses []roundTripper
	sent      []time.Time
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	next := s.responses[min(len(s.sent), len(s.responses)-1)]
	s.sent = append(s.sent, time.Now())
	return next(r)
}

// counted counts the requests that it sends.
type counted struct {
	http.RoundTripper

	sent atomic.Int64
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.sent.Add(1)
	return c.RoundTripper.RoundTrip(r)
}

// pipes serves a handler over connections in memory, through all of net/http on both
// sides, so that it runs on the clock of a bubble of testing/synctest.
type pipes struct {
	*http.Transport

	connections chan net.Conn
	closed      chan struct{}
	open        atomic.Int64 // connections
	most        atomic.Int64
}

func newPipes(t *testing.T, handler http.Handler) *pipes {
	t.Helper()
	p := &pipes{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, connections: make(chan net.Conn), closed: make(chan struct{})}
	p.DialContext = p.dial
	server := &http.Server{Handler: handler, ConnState: p.note, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(p)
	}()
	t.Cleanup(func() {
		p.CloseIdleConnections()
		_ = server.Close()
		<-served
	})
	return p
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.connections <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) note(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		open := p.open.Add(1)
		p.most.Store(max(p.most.Load(), open))
	case http.StateClosed, http.StateHijacked:
		p.open.Add(-1)
	default:
	}
}

// checkClosed fails the test if a connection is open that is not idle.
func (p *pipes) checkClosed(t *testing.T) {
	t.Helper()
	p.CloseIdleConnections()
	synctest.Wait()
	if n := p.open.Load(); n != 0 {
		t.Errorf("%d of %d connections are still open", n, p.most.Load())
	}
}

// Accept is of net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case connection := <-p.connections:
		return connection, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close is of net.Listener.
func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

// Addr is of net.Listener.
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// checkError fails the test unless an error is an *Error with a number of attempts, and
// is exactly those of the package's errors that are given.
func checkError(t *testing.T, err error, attempts int64, is ...error) {
	t.Helper()
	var failure *orgusers.Error
	if !errors.As(err, &failure) {
		t.Fatalf("got %v, want an *Error", err)
	}
	if int64(failure.Attempts) != attempts {
		t.Errorf("the error has %d attempts, want %d", failure.Attempts, attempts)
	}
	for _, cause := range is {
		if !errors.Is(err, cause) {
			t.Errorf("got %v, want %v", err, cause)
		}
	}
	for _, sentinel := range []error{
		orgusers.ErrInvalid, orgusers.ErrUnauthorized, orgusers.ErrForbidden, orgusers.ErrNotFound, orgusers.ErrConflict,
		orgusers.ErrRateLimited, orgusers.ErrServer, orgusers.ErrMFARequired, orgusers.ErrLocked, orgusers.ErrRefused,
		orgusers.ErrNoEndpoint, orgusers.ErrOutcomeUnknown, orgusers.ErrIncomplete, context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, sentinel) && !slices.Contains(is, sentinel) {
			t.Errorf("the error is %q, and should not be: %v", sentinel, err)
		}
	}
}
