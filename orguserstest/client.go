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

	"github.com/orgusers/orgusers"
)

// Options make a client of this server's user of AuthToken:
//
//	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
//
// The client of a server that does not listen calls it in-process, through
// [Server.Transport]; an [orgusers.WithHTTPClient] behind these options is to
// bring that Transport too.
func (s *Server) Options() []orgusers.Option {
	options := []orgusers.Option{
		orgusers.WithBaseURL(s.URL),
		orgusers.WithAuthToken(s.AuthToken),
	}
	if s.http == nil {
		options = append(options, orgusers.WithHTTPClient(&http.Client{Transport: s.Transport()}))
	}
	return options
}

// Endpoints are the requests that the fake made up for what the API has no public
// ones for, in the form that a client takes:
//
//	opts := append(server.Options(), orgusers.WithEndpoints(server.Endpoints()))
//
// They mean nothing to the service.
func (s *Server) Endpoints() orgusers.Endpoints {
	post := func(path string) orgusers.Endpoint {
		return orgusers.Endpoint{Method: http.MethodPost, Path: "/v3" + path, Decode: outcomes}
	}
	return orgusers.Endpoints{
		Unlock:             post(pathUnlock),
		ResetMFA:           post(pathResetMFA),
		ForcePasswordReset: post(pathForcePasswordReset),
		EndSessions:        post(pathEndSessions),
		UpdateRoles:        post(pathUpdateRoles),
	}
}

// outcomes reads what an answer of ownRoutes says of each address.
func outcomes(body []byte) ([]orgusers.Outcome, error) {
	var answer struct {
		Users []struct {
			Email  string `json:"email"`
			Status string `json:"status"`
			Reason string `json:"reason"`
		} `json:"users"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	told := make([]orgusers.Outcome, len(answer.Users))
	for i, u := range answer.Users {
		told[i] = orgusers.Outcome{Email: u.Email, Status: orgusers.OutcomeStatus(u.Status), Reason: u.Reason}
	}
	return told, nil
}

// Transport carries requests to the server in-process, whether it listens or
// not. A broken connection becomes ECONNRESET before the headers of an answer
// and [io.ErrUnexpectedEOF] after them. Bodies arrive as they are written.
//
// Each request is served in a goroutine that ends when the answer is read or
// closed, or when the request's context ends.
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
	context.AfterFunc(ctx, func() { _ = reader.Close() }) // so that nobody writes to a client that is gone
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

// pipeWriter is the server's side of an answer.
type pipeWriter struct {
	header http.Header
	body   *io.PipeWriter
	ready  chan struct{} // closed when what follows is final
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

// end runs when the handler is done, in good order or not.
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

// pipeBody is the client's side of an answer.
type pipeBody struct {
	*io.PipeReader
	ctx    context.Context // of the request that is answered
	cancel context.CancelFunc
}

// Read gives the error of the request's context where that is why it failed.
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
