package orgusers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// leak is a failure that brings back whatever the request held: its
// credentials and its body, as they are and escaped.
type leak struct {
	name   string
	answer func(r *http.Request, echo string) (*http.Response, error)
}

func echoed(code int, header ...string) func(*http.Request, string) (*http.Response, error) {
	return func(r *http.Request, echo string) (*http.Response, error) {
		text, err := json.Marshal(map[string]any{
			"error_message": echo, "message": echo, "error_code": 104, "tfa_type": echo,
			"errors": map[string]any{echo: []string{echo, strconv.Quote(echo)}, "emails": map[string]string{echo: url.QueryEscape(echo)}},
		})
		if err != nil {
			return nil, err
		}
		all := append([]string{"X-Request-Id", oneLine(echo)}, header...)
		return body(code, string(text), all...)(r)
	}
}

func htmlOf(code int, contentType string) func(*http.Request, string) (*http.Response, error) {
	return func(r *http.Request, echo string) (*http.Response, error) {
		return body(code, "<html>"+echo, "Content-Type", strings.ReplaceAll(contentType, "ECHO", oneLine(echo)))(r)
	}
}

func redirected(code int, to string) func(*http.Request, string) (*http.Response, error) {
	return func(r *http.Request, echo string) (*http.Response, error) {
		location := strings.ReplaceAll(to, "ECHO", url.QueryEscape(echo))
		return body(code, echo, "Location", strings.ReplaceAll(location, "RAW", oneLine(echo)))(r)
	}
}

// oneLine is what fits into a header.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

type slow struct{ text string }

func (s slow) Error() string { return "timeout awaiting headers of " + s.text }
func (slow) Timeout() bool   { return true }

// otherTypes is JSON, and so no failure to a write that reads nothing in it.
const otherTypes = "values of other types"

var leakingFaults = []leak{
	{"400", echoed(400)},
	{"401", echoed(401)},
	{"403", echoed(403)},
	{"404", echoed(404)},
	{"409", echoed(409)},
	{"412", echoed(412)},
	{"422", echoed(422)},
	{"429", echoed(429, "Retry-After", "3600")},
	{"500", echoed(500)},
	{"503", echoed(503)},
	{"504", echoed(504)},
	{"HTML with 502", htmlOf(502, "text/html")},
	{"HTML with 200", htmlOf(200, "text/html")},
	{"a type that is a secret", htmlOf(404, token+"/ECHO")},
	{"the token for a type", func(r *http.Request, _ string) (*http.Response, error) {
		return body(422, "no JSON", "Content-Type", strings.TrimPrefix(r.Header.Get("Authorization")+r.Header.Get("Authtoken"), "Bearer ")+"/html")(r)
	}},
	{otherTypes, func(r *http.Request, echo string) (*http.Response, error) {
		text, err := json.Marshal(map[string]string{"shares": echo, "roles": echo, "organization": echo, "organizations": echo, "stacks": echo, "logs": echo, "log": echo, "user": echo})
		if err != nil {
			return nil, err
		}
		return body(200, string(text))(r)
	}},
	{"a redirect to another origin", redirected(302, "https://evil.example/?all=ECHO")},
	{"a redirect to another origin, method kept", redirected(307, "https://evil.example/?all=ECHO")},
	{"a redirect to another port", redirected(308, "http://127.0.0.1:81/?all=ECHO")},
	{"a redirect to no URL", redirected(302, "http://[::1/RAW")},
	{"a redirect that says it is done", redirected(303, "https://evil.example/ECHO")},
	{"a reset that quotes", func(_ *http.Request, echo string) (*http.Response, error) {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: fmt.Errorf("malformed HTTP response %q %s", echo, echo)}
	}},
	{"a reset with the URL", func(r *http.Request, echo string) (*http.Response, error) {
		return nil, &url.Error{Op: r.Method, URL: r.URL.String() + echo, Err: &url.Error{Op: "Again", URL: echo, Err: io.ErrUnexpectedEOF}}
	}},
	{"a timeout that quotes", func(_ *http.Request, echo string) (*http.Response, error) { return nil, slow{echo} }},
	{"a hang", func(r *http.Request, _ string) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}},
}

// tap carries requests to a fake, unless a fault strikes them, and lets
// nothing go to another origin unseen.
type tap struct {
	t      *testing.T
	where  string
	fake   http.RoundTripper
	secret vault
	fault  *leak // nil: none
	writes bool  // it strikes what changes something, and nothing else
	struck atomic.Int64
}

func (p *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "127.0.0.1" {
		p.t.Errorf("%s: a request reached another origin", p.where)
		p.secret.scan(p.t, p.where, "a request to another origin", fmt.Sprint(r.URL, r.Header))
	}
	if p.fault == nil || p.writes && (r.Method == http.MethodGet && !strings.HasSuffix(r.URL.Path, "/resend_invitation") || strings.HasSuffix(r.URL.Path, "/search")) {
		return p.fake.RoundTrip(r)
	}
	p.struck.Add(1)
	echo := r.Header.Get("Authtoken") + " " + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") + " " +
		member(0) + " " + url.QueryEscape(member(0)) + " " + r.URL.RawQuery + " "
	if r.Body != nil {
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		echo += string(sent)
		var login struct{ User map[string]string }
		if json.Unmarshal(sent, &login) == nil {
			for _, value := range login.User {
				echo += " " + value
			}
		}
	}
	return p.fault.answer(r, echo)
}

// TestNoOperationLeaks runs every operation under every fault, struck at its
// first request and at the first that changes something, and looks at all that
// comes of it.
func TestNoOperationLeaks(t *testing.T) {
	t.Parallel()
	for name, operation := range scannedOperations {
		for _, bearer := range []bool{false, true} {
			if bearer && (name == "Login" || name == "Logout") {
				continue
			}
			t.Run(fmt.Sprintf("%s/OAuth %v", name, bearer), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					server := orguserstest.NewUnstartedServer(orguserstest.WithPeople(crowd()...))
					defer server.Close()
					scanAll(t, server, name, operation, bearer)
				})
			})
		}
	}
}

func scanAll(t *testing.T, server *orguserstest.Server, name string, operation scanned, bearer bool) {
	t.Helper()
	authToken := server.SignIn(callerOf(name))
	secrets, all := vaults(server, authToken)
	run := func(fault *leak, writes bool) (struck int64, err error) {
		p := &tap{t: t, where: name + " under no fault", fake: server.Transport(), secret: secrets, fault: fault, writes: writes}
		if fault != nil {
			p.where = name + " under " + fault.name
		}
		var log bytes.Buffer
		options := []orgusers.Option{
			orgusers.WithBaseURL("http://127.0.0.1"),
			orgusers.WithHTTPClient(&http.Client{Transport: p, Timeout: 10 * time.Second}),
			orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 2}),
			orgusers.WithLogger(slog.New(slog.NewMultiHandler(
				slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}),
				slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))),
			orgusers.WithEndpoints(server.Endpoints()),
		}
		result, err := runScanned(t.Context(), t, server, name, operation, options, authToken, bearer, fault == nil)
		if log.Len() == 0 {
			t.Errorf("%s: nothing was logged", p.where)
		}
		all.scan(t, p.where, "the log", log.String())
		all.scanError(t, p.where, err)
		all.scanOutcomes(t, p.where, result)
		secrets.scanValue(t, p.where, fmt.Sprintf("the result, a %T,", result), result)
		return p.struck.Load(), err
	}
	for i := range leakingFaults {
		for _, writes := range []bool{false, true} {
			if writes && bearer { // the way is the same, and the test is long
				continue
			}
			if struck, err := run(&leakingFaults[i], writes); struck > 0 && err == nil && leakingFaults[i].name != otherTypes {
				t.Errorf("%s does not fail under %s", name, leakingFaults[i].name)
			}
		}
	}
	if _, err := run(nil, false); err != nil && (name != "TransferOwnership" || !bearer) {
		t.Errorf("%s fails without a fault: %v", name, err)
	}
}

// runScanned makes a client, looks at it and what it is made of, and runs the
// operation.
func runScanned(ctx context.Context, t *testing.T, server *orguserstest.Server, name string, operation scanned, options []orgusers.Option, authToken string, bearer, right bool) (any, error) {
	t.Helper()
	_, all := vaults(server, authToken)
	if name == "Login" {
		credentials := orgusers.Credentials{Email: member(0), Password: password, MFACode: secondFactor}
		if right { // the fake knows no other
			credentials = orgusers.Credentials{Email: "admin@example.com", Password: orguserstest.Password}
		}
		all.scanValue(t, name, "credentials", credentials)
		all.scanValue(t, name, "a pointer to credentials", &credentials)
		session, err := orgusers.Login(ctx, credentials, options...)
		if session == nil {
			return nil, err
		}
		secrets := vault{"the new authtoken": session.AuthToken}
		secrets.scanValue(t, name, "a session", *session)
		return []any{session, *session}, err
	}
	signed := orgusers.WithAuthToken(authToken)
	if bearer {
		signed = orgusers.WithTokenSource(tokens(server.OAuthToken()))
	}
	options = append(options, signed)
	client, err := orgusers.New(server.OrganizationUID, options...)
	if err != nil {
		t.Fatal(err)
	}
	if right { // they are the same each time
		for _, value := range []any{client, *client, signed, options} {
			all.scanValue(t, name, fmt.Sprintf("a %T", value), value)
		}
	}
	return operation(ctx, t, server, client)
}

// chatty is a token source whose error has secrets in it, as that of a token
// endpoint can.
type chatty struct{ secret string }

func (c chatty) Token(context.Context) (string, error) {
	return "", errors.Join(errors.New("the endpoint said "+c.secret), slow{c.secret})
}

// What a token source says is for errors.Is and errors.As, and not shown.
func TestTokenSourceDoesNotLeak(t *testing.T) {
	t.Parallel()
	for name, operation := range scannedOperations {
		if name == "Login" || name == "SendPasswordReset" { // which ask for no token
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := orguserstest.NewUnstartedServer(orguserstest.WithPeople(crowd()...))
			defer server.Close()
			_, all := vaults(server, "none-at-all")
			var log bytes.Buffer
			failing, err := orgusers.New(server.OrganizationUID, orgusers.WithTokenSource(chatty{password + member(0)}),
				orgusers.WithBaseURL("http://127.0.0.1"), orgusers.WithEndpoints(server.Endpoints()),
				orgusers.WithHTTPClient(&http.Client{Transport: server.Transport()}),
				orgusers.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
			if err != nil {
				t.Fatal(err)
			}
			result, err := operation(t.Context(), t, server, failing)
			if err == nil || len(server.Requests()) > 0 {
				t.Fatalf("%d requests and the error %v", len(server.Requests()), err)
			}
			if !errors.As(err, new(slow)) {
				t.Error("the source's own error cannot be reached with errors.As")
			}
			all.scan(t, name, "the log", log.String())
			all.scanError(t, name, err)
			all.scanOutcomes(t, name, result)
		})
	}
}

// contents are the names and contents of all files in a directory.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(&all, "%s\n%s\n", entry.Name(), data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
