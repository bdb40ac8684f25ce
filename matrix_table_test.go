package orgusers_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/orgusers/orgusers"
)

// mishap is what a request meets.
type mishap struct {
	name string
	// serve answers, or does not.
	serve http.HandlerFunc
	// over carries the request where the mishap is on the way and the server
	// never sees it.
	over func() http.RoundTripper
	// oauth gives the client a token source.
	oauth bool
	// spoilt tells that one address may have spoilt it for others, which is
	// looked into: then what is read back must pass.
	spoilt bool
	is     []error
	// only are the requests that meet it, nil: all.
	only []string
}

// tableRow is a row of the table in the package documentation.
type tableRow struct {
	what        string
	read, write fate
	mishaps     []mishap
}

func tableRows(certificate []tls.Certificate) []tableRow {
	limited, server := []error{orgusers.ErrRateLimited}, []error{orgusers.ErrServer}
	return []tableRow{
		{"429", repeated, repeated, []mishap{
			{name: "429", serve: answers(429), is: limited},
			{name: "429, Retry-After in seconds", serve: answers(429, "Retry-After", "3"), is: limited},
			{name: "429, Retry-After with a fraction", serve: answers(429, "Retry-After", "0.5"), is: limited},
			{name: "429, Retry-After as a date", serve: answers(429, "Retry-After", "Wed, 21 Oct 2015 07:28:09 GMT", "Date", "Wed, 21 Oct 2015 07:28:00 GMT"), is: limited},
			{name: "429, X-RateLimit-Reset", serve: answers(429, "X-RateLimit-Reset", "1445412489", "Date", "Wed, 21 Oct 2015 07:28:00 GMT"), is: limited},
			{name: "429, Retry-After of nonsense", serve: answers(429, "Retry-After", "soon"), is: limited},
			{name: "429 of HTML", serve: page(429), is: limited},
		}},
		{"429 with a pause above MaxRetryAfter", left, left, []mishap{
			{name: "429 for an hour", serve: answers(429, "Retry-After", "3600"), is: limited},
		}},
		{"500, 502, 503, 504", repeated, lost, []mishap{
			{name: "500", serve: answers(500), is: server},
			{name: "502", serve: page(502), is: server},
			{name: "503", serve: answers(503), is: server},
			{name: "503 with Retry-After", serve: answers(503, "Retry-After", "5"), is: server},
			{name: "504", serve: page(504), is: server},
		}},
		{"503 with a pause above MaxRetryAfter", left, lost, []mishap{
			{name: "503 for an hour", serve: answers(503, "Retry-After", "3600"), is: server},
		}},
		{"any other 5xx", left, lost, []mishap{
			{name: "501", serve: answers(501), is: server},
			{name: "505", serve: answers(505), is: server},
		}},
		{"302, 303, not followed", left, lost, []mishap{
			{name: "302 to another origin", serve: answers(302, "Location", "https://127.0.0.2/v3/user")},
			{name: "302 to http", serve: answers(302, "Location", "http://127.0.0.1/v3/user")},
			{name: "303 to another origin", serve: answers(303, "Location", "https://127.0.0.2/v3/user")},
			{name: "303 to nowhere", serve: answers(303)},
		}},
		{"401 with a TokenSource", renewed, renewed, []mishap{
			{name: "401 with a token source", serve: answers(401), oauth: true, is: []error{orgusers.ErrUnauthorized}},
		}},
		{"any other status of 300 and above", left, left, []mishap{
			{name: "307 to another origin", serve: answers(307, "Location", "https://127.0.0.2/v3/user")},
			{name: "307 to http", serve: answers(307, "Location", "http://127.0.0.1/v3/user")},
			{name: "300", serve: answers(300)},
			{name: "304", serve: answers(304)},
			{name: "400", serve: answers(400), is: []error{orgusers.ErrInvalid}},
			{name: "401", serve: answers(401), is: []error{orgusers.ErrUnauthorized}},
			{name: "403", serve: answers(403), is: []error{orgusers.ErrForbidden}},
			{name: "404", serve: answers(404), is: []error{orgusers.ErrNotFound}},
			{name: "408", serve: answers(408)},
			{name: "409", spoilt: true, serve: answers(409), is: []error{orgusers.ErrConflict}},
			{name: "412", serve: answers(412), is: []error{orgusers.ErrInvalid}},
			{name: "422", spoilt: true, serve: answers(422), is: []error{orgusers.ErrInvalid}},
		}},
		{"no connection (dial, DNS, TLS handshake)", repeated, repeated, []mishap{
			{name: "dial refused", over: dialing(refuses(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED})), is: []error{syscall.ECONNREFUSED}},
			{name: "dial that hangs", over: dialing(hangs), is: []error{context.DeadlineExceeded}},
			{name: "DNS, no such host", over: dialing(refuses(&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "127.0.0.1", IsNotFound: true}}))},
			{name: "DNS, no answer", over: dialing(refuses(&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "i/o timeout", Name: "127.0.0.1", IsTimeout: true, IsTemporary: true}}))},
			{name: "TLS, not spoken", over: dialing(meets(speaksNoTLS))},
			{name: "TLS, closed", over: dialing(meets(closes))},
			{name: "TLS, no answer", over: dialing(meets(saysNothing))},
			{name: "TLS, no common version", over: dialing(meets(speaks(&tls.Config{Certificates: certificate, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10})))},
		}},
		{"a certificate that does not verify", left, left, []mishap{
			{name: "certificate", over: dialing(meets(speaks(&tls.Config{Certificates: certificate})))},
		}},
		{"broke off, timed out, cut short", repeated, lost, []mishap{
			{name: "reset before it was read", over: connected(closes)},
			{name: "reset after it was read", serve: after(abort)},
			{name: "timeout before headers", serve: after(waits), is: []error{context.DeadlineExceeded}},
			{name: "slow body", serve: after(trickles), is: []error{context.DeadlineExceeded}},
			{name: "cut body", serve: after(cuts)},
			{name: "Content-Length too long", serve: after(wireText("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{}"))},
			{name: "Content-Length of nonsense", serve: after(wireText("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: two\r\n\r\n{}"))},
			{name: "no HTTP", serve: after(wireText("220 mail.example.com ESMTP\r\n"))},
		}},
		{"2xx that cannot be understood", left, lost, []mishap{
			{name: "HTML with 200", serve: page(200), is: server},
			{name: "empty 200", serve: says(""), is: server},
			{name: "half a JSON", serve: says(`{"shares":[{"uid":"blt`), is: server},
			{name: "Content-Length too short", serve: after(wireText("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{\"shares\":[],\"count\":0}")), is: server},
		}},
		{"2xx, larger than 32 MiB", left, lost, []mishap{
			// All requests go the same way, and this one takes the race detector a second.
			{name: "larger than 32 MiB", over: func() http.RoundTripper { return roundTripper(endless) }, only: []string{"ListUsers", "Invite"}},
		}},
	}
}

// untrusted is a certificate that no client knows.
func untrusted(t *testing.T) []tls.Certificate {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return server.TLS.Certificates
}

type dialer func(context.Context, string, string) (net.Conn, error)

// dialing has a connection of its own for each request, which TLS must begin.
func dialing(dial dialer) func() http.RoundTripper {
	return func() http.RoundTripper {
		// A handshake outlives the request, and ends with a limit of its own.
		return &http.Transport{DialContext: dial, DisableKeepAlives: true, TLSHandshakeTimeout: 5 * time.Second}
	}
}

// connected is dialing of which TLS is done.
func connected(server func(net.Conn)) func() http.RoundTripper {
	return func() http.RoundTripper {
		return &http.Transport{DialTLSContext: meets(server), DisableKeepAlives: true}
	}
}

func refuses(err error) dialer {
	return func(context.Context, string, string) (net.Conn, error) { return nil, err }
}

// hangs is the dial of a packet that nobody answers, which net/http lets go on
// when the request is over.
func hangs(ctx context.Context, _, _ string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	<-ctx.Done()
	return nil, ctx.Err()
}

// meets dials a server that is a function.
func meets(server func(net.Conn)) dialer {
	return func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			server(theirs)
		}()
		return ours, nil
	}
}

func closes(net.Conn) {}

func saysNothing(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func speaksNoTLS(c net.Conn) {
	_, _ = c.Read(make([]byte, 4096))
	_, _ = io.WriteString(c, "220 mail.example.com ESMTP\r\n")
}

func speaks(config *tls.Config) func(net.Conn) {
	return func(c net.Conn) { _ = tls.Server(c, config).Handshake() }
}

// answers is an error in the shape of the API.
func answers(code int, header ...string) http.HandlerFunc {
	return after(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, `{"error_message":"It went wrong.","error_code":119}`)
	})
}

func page(code int) http.HandlerFunc {
	return after(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(code)
		fmt.Fprintf(w, "<html><h1>%d</h1></html>", code)
	})
}

func says(text string) http.HandlerFunc {
	return after(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, text)
	})
}

// after reads the request to its end first.
func after(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		next(w, r)
	}
}

func abort(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func waits(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// trickles sends a byte a second, until nobody listens any more.
func trickles(w http.ResponseWriter, r *http.Request) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		_, _ = io.WriteString(w, " ")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-second.C:
		case <-r.Context().Done():
			return
		}
	}
}

func cuts(w http.ResponseWriter, r *http.Request) {
	text := `{"shares":[],"count":0}`
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = io.WriteString(w, text[:9])
	_ = http.NewResponseController(w).Flush()
	abort(w, r)
}

// wireText is an answer that net/http would not let a handler give.
func wireText(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(connection, text)
		_ = connection.Close()
	}
}

// endless is a body without end, which costs no memory before it is read.
func endless(r *http.Request) (*http.Response, error) {
	response, err := good(r)
	response.Body = io.NopCloser(spaces{})
	return response, err
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) { return copy(p, blanks), nil }

var blanks = strings.Repeat(" ", 1<<20)
