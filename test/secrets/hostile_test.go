package secrets_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

const (
	// password and mfaCode look different in each form in which they are written.
	password = `hunter2 &"<\é>'%`
	mfaCode  = "K7-493817-x"
)

// hostile is a response that repeats the texts of its request.
type hostile struct {
	name   string
	status int
	// body is sent as JSON, or as it is if it is a string. Nil sends an error that has the
	// texts in every place.
	body func(texts []string) any
	// header and value have the texts in place of TEXTS.
	header, value string
	// err is returned instead of a response.
	err func(ctx context.Context, texts []string) error
	// valid is true if it can be a success for operations that read little of it.
	valid bool
}

var hostiles = []hostile{
	{name: "400", status: 400},
	{name: "401", status: 401},
	{name: "403", status: 403},
	{name: "404", status: 404},
	{name: "422", status: 422},
	{name: "429", status: 429, header: "Retry-After", value: "3600"},
	{name: "503", status: 503},
	{name: "504", status: 504},
	{name: "an error with status 200", status: 200},
	{name: "outcomes that repeat", status: 200, valid: true, body: func(texts []string) any {
		type row struct{ Email, Status, Reason string }
		return map[string][]row{"users": {{operations.Member(0), "failed", strings.Join(texts[:2], " ")}}}
	}},
	{name: "values of other types", status: 200, valid: true, body: func(texts []string) any {
		values := map[string]any{}
		for _, name := range []string{"shares", "roles", "organization", "organizations", "stacks", "logs", "log", "user", "users"} {
			values[name] = texts
		}
		return values
	}},
	{name: "HTML with 200", status: 200, body: asHTML},
	{name: "HTML with 502", status: 502, body: asHTML},
	{name: "a content type that repeats", status: 404, body: asHTML, header: "Content-Type", value: "TEXTS/html"},
	{name: "a redirect to another origin", status: 302, header: "Location", value: "https://evil.example/?all=TEXTS"},
	{name: "a redirect to another origin that keeps the method", status: 307, header: "Location", value: "https://evil.example/?all=TEXTS"},
	{name: "a redirect to another port", status: 308, header: "Location", value: "http://127.0.0.1:81/?all=TEXTS"},
	{name: "a redirect to a malformed URL", status: 302, header: "Location", value: "http://[::1/TEXTS"},
	{name: "a reset that quotes", err: func(_ context.Context, texts []string) error {
		return &net.OpError{Op: "read", Net: "tcp", Err: fmt.Errorf("malformed HTTP response %q", texts)}
	}},
	{name: "a reset with a URL", err: func(_ context.Context, texts []string) error {
		inner := &url.Error{Op: "Again", URL: html.EscapeString(strings.Join(texts, " ")), Err: io.ErrUnexpectedEOF}
		return &url.Error{Op: "Get", URL: "https://example.com/?" + url.QueryEscape(inner.URL), Err: inner}
	}},
	{name: "a timeout that quotes", err: func(_ context.Context, texts []string) error {
		return timeoutError{strings.Join(texts, " ")}
	}},
	{name: "no response", err: func(ctx context.Context, _ []string) error {
		<-ctx.Done()
		return ctx.Err()
	}},
}

func asHTML(texts []string) any { return "<html>" + strings.Join(texts, " ") }

type timeoutError struct{ text string }

func (e timeoutError) Error() string { return "timeout awaiting the headers of " + e.text }
func (timeoutError) Timeout() bool   { return true }

// spellings are the forms in which servers repeat a text.
var spellings = map[string]func(string) string{
	"plain":            func(text string) string { return text },
	"quoted":           strconv.Quote,
	"in a query":       url.QueryEscape,
	"in a path":        url.PathEscape,
	"HTML":             html.EscapeString,
	"numeric entities": numericEntities,
}

// errorWith is an error of the API that has texts in every place and spelling.
func errorWith(texts []string) any {
	all := strings.Join(texts, " ")
	fields := map[string]any{all: all}
	for name, spell := range spellings {
		var spelled []string
		for _, text := range texts {
			spelled = append(spelled, spell(text))
		}
		fields[name] = spelled
	}
	return map[string]any{"error_message": all, "message": all, "error_code": 104, "tfa_type": all, "errors": fields}
}

func (h *hostile) respond(r *http.Request) (*http.Response, error) {
	texts := textsOf(r)
	if h.err != nil {
		return nil, h.err(r.Context(), texts)
	}
	all := strings.Join(strings.Fields(strings.Join(texts, " ")), " ") // one line
	header := http.Header{"X-Request-Id": {all}}
	switch h.header {
	case "Location":
		header.Set(h.header, strings.ReplaceAll(h.value, "TEXTS", url.QueryEscape(all)))
	case "":
	default:
		header.Set(h.header, strings.ReplaceAll(h.value, "TEXTS", texts[0]))
	}
	if h.body == nil {
		return respond(r, h.status, errorWith(texts), header), nil
	}
	return respond(r, h.status, h.body(texts), header), nil
}

// respond returns a response with a text, or another value as JSON.
func respond(r *http.Request, status int, body any, header http.Header) *http.Response {
	text, ok := body.(string)
	if !ok {
		encoded, _ := json.Marshal(body) //nolint:errchkjson // of maps and texts
		text = string(encoded)
	}
	recorder := httptest.NewRecorder()
	recorder.Header().Set("Content-Type", "application/json")
	maps.Copy(recorder.Header(), header)
	recorder.WriteHeader(status)
	_, _ = recorder.WriteString(text)
	response := recorder.Result()
	response.Request = r
	return response
}

// textsOf returns what a request has: its credentials first, then addresses, its
// query and its body as a whole and in parts.
func textsOf(r *http.Request) []string {
	texts := []string{
		r.Header.Get("Authtoken") + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "),
		operations.Member(0), operations.Stranger(0), r.URL.RawQuery,
	}
	if r.Body == nil {
		return texts
	}
	body, _ := io.ReadAll(r.Body)
	var login struct{ User map[string]string }
	_ = json.Unmarshal(body, &login)
	return slices.AppendSeq(append(texts, string(body)), maps.Values(login.User))
}

// secretFields are fields of responses that must not be decoded.
var secretFields = []string{
	"acceptance_token", "authtoken", "transfer_ownership_token", "master_key", "secret_key", "password", "tfa_token", "access_token", "refresh_token",
}

// addSecrets adds the secret fields to every object in a value.
func (v vault) addSecrets(value any) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			v.addSecrets(element)
		}
	case map[string]any:
		for _, element := range value {
			v.addSecrets(element)
		}
		for _, name := range secretFields {
			value[name] = v[name]
		}
	}
}

// wire sends requests to a fake, whose responses get more secrets. A request that
// matches gets a hostile response instead.
type wire struct {
	t       *testing.T
	where   string
	scene   *scene
	hostile *hostile // nil: none
	matches func(method, path string) bool
	struck  atomic.Int64
	mu      sync.Mutex // guards scene.secrets
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "127.0.0.1" {
		w.t.Errorf("%s: a request was sent to another origin", w.where)
		w.scene.secrets.scan(w.t, w.where, "a request to another origin", fmt.Sprint(r.URL, r.Header))
	}
	if w.hostile != nil && w.matches(r.Method, r.URL.Path) {
		w.struck.Add(1)
		return w.hostile.respond(r)
	}
	response, err := w.scene.fake.Transport().RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusNoContent {
		return respond(r, response.StatusCode, "", response.Header), nil
	}
	var value any
	err = json.NewDecoder(response.Body).Decode(&value)
	w.mu.Lock()
	w.scene.secrets.addSecrets(value)
	w.mu.Unlock()
	return respond(r, response.StatusCode, value, response.Header), err
}

// Every operation gets every hostile response, at its first request and at the request
// of a change. Errors and logs show no secret and no address. Results show no secret,
// although every object of a response has some. The error of a token source is not
// shown, but can be found.
func TestNoOperationLeaks(t *testing.T) {
	t.Parallel()
	for n, op := range operations.All {
		for _, oauth := range []bool{false, true} {
			if oauth && op.Public {
				continue
			}
			t.Run(fmt.Sprintf("%s/OAuth %v", op.Name, oauth), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := newScene(t, op, oauth)
					always := func(string, string) bool { return true }
					for i, h := range hostiles {
						if operations.Sampled(n + i) {
							continue
						}
						_ = s.run(t, h.name+" to the first request", &hostiles[i], always)
						if op.Change != nil && !oauth { // the path is the same with OAuth
							_ = s.run(t, h.name+" to the change", &hostiles[i], op.Matches)
						}
					}
					if err := s.run(t, "no hostile response", nil, nil); err != nil && !op.Custom && (op.As == "" || !oauth) {
						t.Errorf("%s fails without a hostile response: %v", op.Name, err)
					}
					if !oauth {
						return
					}
					s.fake.ClearRequests()
					s.credentials = orgusers.WithTokenSource(talkative{password + operations.Member(0)})
					err := s.run(t, "a failing token source", nil, nil)
					if sent := len(s.fake.Requests()); sent > 0 || !errors.As(err, new(timeoutError)) {
						t.Errorf("got %v after %d requests, want the error of the token source and none", err, sent)
					}
				})
			})
		}
	}
}

// tokens is a source of one token.
type tokens string

func (s tokens) Token(context.Context) (string, error) { return string(s), nil }

// talkative is a token source whose error has secrets, as that of a token endpoint
// can have.
type talkative struct{ secret string }

func (s talkative) Token(context.Context) (string, error) {
	return "", errors.Join(errors.New("the endpoint said "+s.secret), timeoutError{s.secret})
}

// scene is an operation with its fake.
type scene struct {
	op           operations.Operation
	fake         *orguserstest.Server
	credentials  orgusers.Option
	dir          string // for files
	secrets, all vault  // all has addresses too, which results may show
}

func newScene(t *testing.T, op operations.Operation, oauth bool) *scene {
	t.Helper()
	fake := orguserstest.NewUnstartedServer(orguserstest.WithPeople(operations.Crowd()...))
	t.Cleanup(fake.Close)
	authToken := fake.SignIn(op.Caller())
	s := &scene{op: op, fake: fake, credentials: orgusers.WithAuthToken(authToken), dir: t.TempDir()}
	if oauth {
		s.credentials = orgusers.WithTokenSource(tokens(fake.OAuthToken()))
	}
	s.secrets, s.all = vaultsOf(fake, authToken)
	return s
}

// vaultsOf returns the secrets that a fake and its clients have, and these together
// with addresses.
func vaultsOf(fake *orguserstest.Server, authToken string) (secrets, all vault) {
	secrets = vault{
		"the authtoken": authToken, "the OAuth token": fake.OAuthToken(),
		"the password": password, "the password of the fake": orguserstest.Password, "the MFA code": mfaCode,
	}
	for i, name := range secretFields {
		secrets[name] = fmt.Sprintf("cs00c0ffee%d00c0ffee", i)
	}
	addresses := vault{}
	for _, email := range []string{operations.Owner, operations.Admin, operations.Member(0), operations.Pending(0), operations.Stranger(0)} {
		local, _, _ := strings.Cut(email, "@")
		addresses["the address of "+local] = email
		if user, ok := fake.User(email); ok && user.AcceptanceToken != "" {
			secrets["the acceptance token of "+local] = user.AcceptanceToken
		}
	}
	all = maps.Clone(secrets)
	maps.Copy(all, addresses)
	return secrets, all
}

// safeBuffer is a buffer for two handlers and requests that run at the same time.
type safeBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *safeBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(text)
}

// run calls the operation and scans everything that comes of it.
func (s *scene) run(t *testing.T, where string, h *hostile, matches func(method, path string) bool) error {
	t.Helper()
	w := &wire{t: t, where: where, scene: s, hostile: h, matches: matches}
	var log safeBuffer
	level := &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}
	options := []orgusers.Option{
		orgusers.WithBaseURL("http://127.0.0.1"),
		orgusers.WithHTTPClient(&http.Client{Transport: w, Timeout: 10 * time.Second}),
		orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 2}),
		orgusers.WithLogger(slog.New(slog.NewMultiHandler(slog.NewTextHandler(&log, level), slog.NewJSONHandler(&log, level)))),
	}
	if s.op.Endpoint {
		options = append(options, orgusers.WithEndpoints(s.fake.Endpoints()))
	}
	client, err := orgusers.New(s.fake.OrganizationUID, append(options, s.credentials)...)
	if err != nil {
		t.Fatal(err)
	}
	a := &operations.Arguments{
		Client: client, Fake: s.fake, Options: options, Credentials: s.credentials, Dir: s.dir, Password: password, MFACode: mfaCode,
	}
	if s.op.Public && h == nil { // the fake knows no other password
		a.Password, a.MFACode = orguserstest.Password, orguserstest.MFACode
		s.fake.SetFailedLogins(operations.Member(0), 0)
	}
	result, err := s.op.Run(t.Context(), a)
	if h != nil && log.Len() == 0 {
		t.Errorf("%s: nothing was logged", where)
	}
	if w.struck.Load() > 0 && err == nil && !h.valid {
		t.Errorf("%s: the operation succeeds", where)
	}
	s.all.scan(t, where, "the log", log.String())
	s.all.scanError(t, where, err)
	s.secrets.scanDeep(t, where, "the error", err)
	if bulk, ok := result.(*orgusers.BulkResult); ok {
		for _, outcome := range bulk.Outcomes {
			s.all.scanError(t, where, outcome.Err)
		}
	}
	if !s.op.Custom { // its result is the response
		s.secrets.scanValue(t, where, "the result", result)
		s.secrets.scanDeep(t, where, "the result", result)
	}
	return err
}
