package orguserstest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/orgusers/orgusers"
)

// Options returns the options for a client that acts as the user of AuthToken:
//
//	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
//
// If the server has no limit, the client has none either. If the server does not
// listen, the client calls it in-process through [Server.Transport], with the
// client's default timeout for each attempt. An [orgusers.WithHTTPClient] after
// these options must then have that Transport, and should have a timeout.
func (s *Server) Options() []orgusers.Option {
	options := []orgusers.Option{
		orgusers.WithBaseURL(s.URL),
		orgusers.WithAuthToken(s.AuthToken),
	}
	if s.cfg.reads+s.cfg.writes+s.cfg.bulk == 0 {
		options = append(options, orgusers.WithRateLimits(orgusers.RateLimits{Reads: unlimited, Writes: unlimited, Bulk: unlimited}))
	}
	if s.http == nil {
		options = append(options, orgusers.WithHTTPClient(&http.Client{Transport: s.Transport(), Timeout: attemptTimeout}))
	}
	return options
}

const (
	unlimited      = 10_000      // more requests a second than a test can send
	attemptTimeout = time.Minute // the client's default
)

// Endpoints returns the requests that the fake invented for actions without a
// public request:
//
//	opts := append(server.Options(), orgusers.WithEndpoints(server.Endpoints()))
//
// The service does not have them.
func (s *Server) Endpoints() orgusers.Endpoints {
	post := func(path string) orgusers.Endpoint {
		return orgusers.Endpoint{Method: http.MethodPost, Path: "/v3" + path, Decode: decodeOutcomes}
	}
	return orgusers.Endpoints{
		Unlock:             post(pathUnlock),
		ResetMFA:           post(pathResetMFA),
		ForcePasswordReset: post(pathForcePasswordReset),
		EndSessions:        post(pathEndSessions),
		UpdateRoles:        post(pathUpdateRoles),
	}
}

// decodeOutcomes reads the outcomes in a response of fakeRoutes.
func decodeOutcomes(body []byte) ([]orgusers.Outcome, error) {
	var response struct {
		Users []struct {
			Email  string `json:"email"`
			Status string `json:"status"`
			Reason string `json:"reason"`
		} `json:"users"`
	}
	if err := json.Unmarshal(body, &response); err != nil {
		return nil, err
	}
	outcomes := make([]orgusers.Outcome, len(response.Users))
	for i, u := range response.Users {
		outcomes[i] = orgusers.Outcome{Email: u.Email, Status: orgusers.OutcomeStatus(u.Status), Reason: orgusers.ReasonEndpoint, Detail: u.Reason}
	}
	return outcomes, nil
}

// Transport returns a transport that sends requests to the server in-process,
// whether it listens or not. A broken connection is ECONNRESET before the
// headers of a response and [io.ErrUnexpectedEOF] after them.
//
// Each request runs in a goroutine of its own. The goroutine ends when the
// response is read or closed, or when the request's context ends.
func (s *Server) Transport() http.RoundTripper {
	return inProcess{server: s}
}

type inProcess struct {
	server *Server
}

// RoundTrip implements [http.RoundTripper].
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	served := r.Clone(ctx)
	if served.Body == nil {
		served.Body = http.NoBody
	}
	reader, writer := io.Pipe()
	w := &pipeWriter{
		header: http.Header{},
		body:   writer,
		ready:  make(chan struct{}),
	}
	context.AfterFunc(ctx, func() { _ = reader.Close() }) // writes to a client that has left must not block
	go func() {
		defer w.end()
		defer func() { _ = served.Body.Close() }()
		t.server.ServeHTTP(w, served)
	}()
	select {
	case <-w.ready:
	case <-ctx.Done():
	}
	if err := r.Context().Err(); err != nil {
		cancel()
		return nil, err
	}
	if w.broken {
		cancel()
		return nil, syscall.ECONNRESET
	}
	length, err := strconv.ParseInt(w.sent.Get("Content-Length"), 10, 64)
	if err != nil {
		length = -1
	}
	return &http.Response{
		Status:        strconv.Itoa(w.status) + " " + http.StatusText(w.status),
		StatusCode:    w.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        w.sent,
		Body:          &pipeBody{PipeReader: reader, ctx: r.Context(), cancel: cancel},
		ContentLength: length,
		Request:       r,
	}, nil
}

// pipeWriter is the server's side of a response.
type pipeWriter struct {
	header http.Header
	body   *io.PipeWriter
	ready  chan struct{} // closed when the fields below are final
	once   sync.Once
	sent   http.Header
	status int
	broken bool

	written int64
}

func (w *pipeWriter) Header() http.Header { return w.header }

func (w *pipeWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.ready)
	})
}

func (w *pipeWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if len(b) == 0 {
		return 0, nil
	}
	n, err := w.body.Write(b)
	w.written += int64(n)
	return n, err
}

// end runs when the handler returns or panics.
func (w *pipeWriter) end() {
	failed := recover()
	if failed != nil && failed != http.ErrAbortHandler { //nolint:errorlint // the value of a panic, compared as net/http does
		panic(failed)
	}
	w.once.Do(func() {
		w.broken = true
		close(w.ready)
	})
	owed := w.sent.Get("Content-Length")
	if failed != nil || (owed != "" && owed != strconv.FormatInt(w.written, 10)) {
		_ = w.body.CloseWithError(io.ErrUnexpectedEOF) // it never fails
		return
	}
	_ = w.body.Close() // it never fails
}

// pipeBody is the client's side of a response.
type pipeBody struct {
	*io.PipeReader
	ctx    context.Context // of the request
	cancel context.CancelFunc
}

// Read returns the error of the request's context if the context has ended.
func (b *pipeBody) Read(p []byte) (int, error) {
	n, err := b.PipeReader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && b.ctx.Err() != nil {
		err = b.ctx.Err()
	}
	return n, err
}

// Close ends the request.
func (b *pipeBody) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}
