package faults_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
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

// failure is one way in which a request fails.
type failure struct {
	name string
	// serve is what a server does that receives the request.
	serve http.HandlerFunc
	// transport carries the request if no server receives it.
	transport   func() http.RoundTripper
	tokenSource bool
	is          []error
}

// tableRow is a row of the table in the package documentation.
type tableRow struct {
	what        string
	read, write result
	failures    []failure
}

func tableRows(certificate []tls.Certificate) []tableRow {
	limited, server := []error{orgusers.ErrRateLimited}, []error{orgusers.ErrServer}
	timeout := []error{context.DeadlineExceeded}
	return []tableRow{
		{"429", retried, retried, []failure{
			{name: "429", serve: responds(429), is: limited},
			{name: "429, Retry-After in seconds", serve: responds(429, "Retry-After", "3"), is: limited},
			{name: "429, Retry-After with a fraction", serve: responds(429, "Retry-After", "0.5"), is: limited},
			{name: "429, Retry-After as a date", serve: responds(429, "Retry-After", "Wed, 21 Oct 2015 07:28:09 GMT", "Date", "Wed, 21 Oct 2015 07:28:00 GMT"), is: limited},
			{name: "429, X-RateLimit-Reset", serve: responds(429, "X-RateLimit-Reset", "1445412489", "Date", "Wed, 21 Oct 2015 07:28:00 GMT"), is: limited},
			{name: "429, Retry-After that is not a time", serve: responds(429, "Retry-After", "soon"), is: limited},
			{name: "429, HTML", serve: html(429), is: limited},
		}},
		{"429 with a pause above MaxRetryAfter", final, final, []failure{
			{name: "429 for an hour", serve: responds(429, "Retry-After", "3600"), is: limited},
		}},
		{"401 with a TokenSource", renewed, renewed, []failure{
			{name: "401 with a token source", serve: responds(401), tokenSource: true, is: []error{orgusers.ErrUnauthorized}},
		}},
		{"400 to 407, 409 to 428, 431", final, final, statuses(func(code int) bool {
			return code >= 400 && code <= 407 || code >= 409 && code <= 428 || code == 431
		})},
		{"any other 4xx", final, lost, statuses(func(code int) bool {
			return code == 408 || code == 430 || code >= 432 && code <= 499
		})},
		{"500, 502, 503, 504", retried, lost, []failure{
			{name: "500", serve: responds(500), is: server},
			{name: "502, HTML", serve: html(502), is: server},
			{name: "503", serve: responds(503), is: server},
			{name: "503 with Retry-After", serve: responds(503, "Retry-After", "5"), is: server},
			{name: "504, HTML", serve: html(504), is: server},
		}},
		{"503 with a pause above MaxRetryAfter", final, lost, []failure{
			{name: "503 for an hour", serve: responds(503, "Retry-After", "3600"), is: server},
		}},
		{"any other 5xx", final, lost, statuses(func(code int) bool { return code == 501 || code >= 505 })},
		{"101, or 3xx that is not followed", final, lost, append(statuses(func(code int) bool { return code < 400 }),
			failure{name: "101, and the connection stays open", transport: connected(switchesProtocols)},
			failure{name: "301 to another origin", serve: responds(301, "Location", "https://127.0.0.2/v3/user")},
			failure{name: "302 to another origin", serve: responds(302, "Location", "https://127.0.0.2/v3/user")},
			failure{name: "303 to http", serve: responds(303, "Location", "http://127.0.0.1/v3/user")},
			failure{name: "307 to another origin", serve: responds(307, "Location", "https://127.0.0.2/v3/user")},
			failure{name: "308 to http", serve: responds(308, "Location", "http://127.0.0.1/v3/user")},
		)},
		{"no connection (dial, DNS, TLS handshake)", retried, retried, []failure{
			{name: "dial refused", transport: dialing(refuses(&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED})), is: []error{syscall.ECONNREFUSED}},
			{name: "dial that hangs", transport: dialing(hangs), is: timeout},
			{name: "DNS, no such host", transport: dialing(refuses(&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "127.0.0.1", IsNotFound: true}}))},
			{name: "DNS, no response", transport: dialing(refuses(&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "i/o timeout", Name: "127.0.0.1", IsTimeout: true, IsTemporary: true}}))},
			{name: "TLS, another protocol", transport: dialing(connects(speaksSMTP))},
			{name: "TLS, closed", transport: dialing(connects(closes))},
			{name: "TLS, no response", transport: dialing(connects(saysNothing))},
			{name: "TLS, no common version", transport: dialing(connects(shakesHands(&tls.Config{Certificates: certificate, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10})))},
		}},
		{"a certificate that does not verify", final, final, []failure{
			{name: "certificate", transport: dialing(connects(shakesHands(&tls.Config{Certificates: certificate})))},
		}},
		{"broke off, timed out, cut short", retried, lost, []failure{
			{name: "reset before it was read", transport: connected(closes)},
			{name: "reset after it was read", serve: afterBody(abort)},
			{name: "timeout before headers", serve: afterBody(waits), is: timeout},
			{name: "slow body", serve: afterBody(trickles), is: timeout},
			{name: "cut body", serve: afterBody(cuts)},
			{name: "Content-Length too long", serve: sends("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{}")},
			{name: "Content-Length that is not a number", serve: sends("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: two\r\n\r\n{}")},
			{name: "not HTTP", serve: sends("220 mail.example.com ESMTP\r\n")},
		}},
		{"2xx that cannot be read, or has an error", final, lost, []failure{
			{name: "HTML with 200", serve: html(200), is: server},
			{name: "empty 200", serve: says(""), is: server},
			{name: "half a JSON text", serve: says(`{"shares":[{"uid":"blt`), is: server},
			{name: "Content-Length too short", serve: sends("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\nConnection: close\r\n\r\n{\"shares\":[],\"count\":0}"), is: server},
			{name: "200 with an error code", serve: says(`{"error_code":119}`), is: server},
			{name: "200 with an error message", serve: says(`{"error_message":"It went wrong."}`), is: server},
		}},
		{"2xx, larger than 32 MiB", final, lost, []failure{
			{name: "larger than 32 MiB", transport: func() http.RoundTripper { return roundTripper(tooLarge) }},
		}},
	}
}

// statuses returns a failure for each of the statuses from 300 to 599 that is wanted.
func statuses(wanted func(int) bool) []failure {
	var failures []failure
	for code := 300; code <= 599; code++ {
		if wanted(code) {
			failures = append(failures, failure{
				name: strconv.Itoa(code), is: errorsOf(code),
				transport: func() http.RoundTripper { return status(code) },
			})
		}
	}
	return failures
}

func errorsOf(code int) []error {
	switch {
	case code == 400 || code == 412 || code == 422:
		return []error{orgusers.ErrInvalid}
	case code == 401:
		return []error{orgusers.ErrUnauthorized}
	case code == 403:
		return []error{orgusers.ErrForbidden}
	case code == 404:
		return []error{orgusers.ErrNotFound}
	case code == 409:
		return []error{orgusers.ErrConflict}
	case code >= 500:
		return []error{orgusers.ErrServer}
	default:
		return nil
	}
}

// untrusted is a certificate that no client trusts.
func untrusted(t *testing.T) []tls.Certificate {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return server.TLS.Certificates
}

type dialer func(context.Context, string, string) (net.Conn, error)

// dialing has a new connection for each request, on which TLS has to begin.
func dialing(dial dialer) func() http.RoundTripper {
	return func() http.RoundTripper {
		// A handshake outlives the request, and ends with a limit of its own.
		return &http.Transport{DialContext: dial, DisableKeepAlives: true, TLSHandshakeTimeout: 5 * time.Second}
	}
}

// connected is dialing after the TLS handshake.
func connected(server func(net.Conn)) func() http.RoundTripper {
	return func() http.RoundTripper {
		return &http.Transport{DialTLSContext: connects(server), DisableKeepAlives: true}
	}
}

func refuses(err error) dialer {
	return func(context.Context, string, string) (net.Conn, error) { return nil, err }
}

// hangs dials a host that does not respond. net/http does not end the dial with the
// request.
func hangs(ctx context.Context, _, _ string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	<-ctx.Done()
	return nil, ctx.Err()
}

// connects dials a server that is a function.
func connects(server func(net.Conn)) dialer {
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

func switchesProtocols(c net.Conn) {
	if request, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
		_, _ = io.Copy(io.Discard, request.Body)
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n")
		saysNothing(c)
	}
}

func speaksSMTP(c net.Conn) {
	_, _ = c.Read(make([]byte, 4096))
	_, _ = io.WriteString(c, "220 mail.example.com ESMTP\r\n")
}

func shakesHands(config *tls.Config) func(net.Conn) {
	return func(c net.Conn) { _ = tls.Server(c, config).Handshake() }
}

// responds sends an error in the API's form.
func responds(code int, header ...string) http.HandlerFunc {
	return afterBody(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, `{"error_message":"It went wrong.","error_code":119}`)
	})
}

func html(code int) http.HandlerFunc {
	return afterBody(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(code)
		fmt.Fprintf(w, "<html><h1>%d</h1></html>", code)
	})
}

func says(text string) http.HandlerFunc {
	return afterBody(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, text)
	})
}

// afterBody reads the request to its end first.
func afterBody(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		next(w, r)
	}
}

func abort(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func waits(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// trickles sends a byte a second until the client leaves.
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

// sends writes a response that net/http would not let a handler write.
func sends(text string) http.HandlerFunc {
	return afterBody(func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(connection, text)
		_ = connection.Close()
	})
}

// tooLarge responds with a body of 33 MiB.
func tooLarge(r *http.Request) (*http.Response, error) {
	response, err := good(r)
	response.Body = io.NopCloser(io.LimitReader(spaces{}, 33<<20))
	return response, err
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) { return copy(p, blanks), nil }

var blanks = strings.Repeat(" ", 1<<20)

var dialRefused = fails(&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")})
