package orgusers_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// fate is what becomes of a request that meets a mishap each time it is sent.
type fate string

// The fates, as the package documentation says them.
const (
	repeated fate = "is repeated"
	left     fate = "is not"
	lost     fate = "is not: ErrOutcomeUnknown"
	renewed  fate = "once more, with a new token"
)

// most is how often a request that is repeated is sent: more than the two times
// of one with a new token.
const most = 4

func (f fate) attempts() int64 {
	switch f {
	case repeated:
		return most
	case renewed:
		return 2
	default:
		return 1
	}
}

// fateOf is what the counter on the wire and the error say, both.
func fateOf(sent int64, err error) fate {
	for _, f := range []fate{repeated, renewed, lost, left} {
		if f.attempts() == sent && errors.Is(err, orgusers.ErrOutcomeUnknown) == (f == lost) {
			return f
		}
	}
	return fate(fmt.Sprintf("is sent %d times, and its outcome unknown: %v", sent, errors.Is(err, orgusers.ErrOutcomeUnknown)))
}

// sentinels are all that an error can be.
var sentinels = []error{
	orgusers.ErrInvalid, orgusers.ErrUnauthorized, orgusers.ErrForbidden, orgusers.ErrNotFound, orgusers.ErrConflict,
	orgusers.ErrRateLimited, orgusers.ErrServer, orgusers.ErrMFARequired, orgusers.ErrLocked, orgusers.ErrRefused,
	orgusers.ErrNoEndpoint, orgusers.ErrOutcomeUnknown, orgusers.ErrIncomplete, context.Canceled, context.DeadlineExceeded,
}

// ambush strikes the one request of an operation that matters, each time it is
// sent. What an operation reads before a write passes; what it would read
// after it does not, so that nothing is settled: what is looked at is the fate
// of the single request, and TestWritesUnderFaults looks at what is made of it.
type ambush struct {
	sending sending
	mishap  mishap
	fake    *orguserstest.Server
	wire    http.RoundTripper // to the fake
	over    http.RoundTripper // for the request that matters, nil: the wire

	sent, served atomic.Int64
}

func (a *ambush) struck(r *http.Request) bool {
	matches, err := path.Match(a.sending.path, r.URL.Path)
	return err == nil && matches && r.Method == a.sending.method
}

func (a *ambush) RoundTrip(r *http.Request) (*http.Response, error) {
	if !a.struck(r) {
		return a.wire.RoundTrip(r)
	}
	a.sent.Add(1)
	if a.over != nil {
		return a.over.RoundTrip(r)
	}
	return a.wire.RoundTrip(r)
}

func (a *ambush) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case a.struck(r):
		a.served.Add(1)
		a.mishap.serve(w, r)
	case a.sending.write && a.sent.Load() > 0 && !a.mishap.spoilt:
		http.Error(w, "nothing is read back", http.StatusTeapot)
	default:
		a.fake.ServeHTTP(w, r)
	}
}

// run makes the call, and returns what it came to.
func (a *ambush) run(t *testing.T) error {
	t.Helper()
	pipes := piped(t, a)
	pipes.DialTLSContext, pipes.DialContext = pipes.DialContext, nil // what is read has no part in the mishap
	a.wire = pipes
	if a.mishap.over != nil {
		a.over = a.mishap.over()
	}
	options := []orgusers.Option{
		orgusers.WithBaseURL("https://127.0.0.1"),
		orgusers.WithHTTPClient(&http.Client{Transport: a, Timeout: 10 * time.Second}),
		orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: most}),
		orgusers.WithEndpoints(a.fake.Endpoints()),
	}
	credentials := orgusers.WithAuthToken(a.fake.SignIn("admin@example.com"))
	if a.mishap.oauth {
		credentials = orgusers.WithTokenSource(tokens(a.fake.OAuthToken()))
	}
	client, err := orgusers.New(a.fake.OrganizationUID, append(options, credentials)...)
	if err != nil {
		t.Fatal(err)
	}
	return a.sending.call(t.Context(), &aim{client: client, fake: a.fake, options: options, credentials: credentials, dir: t.TempDir()})
}

// TestMatrix sends every request of the package into every mishap, and checks
// that the table of the package documentation is what was seen.
func TestMatrix(t *testing.T) {
	t.Parallel()
	var (
		mu   sync.Mutex
		seen = map[string]map[bool][]fate{} // by row, and whether it is a write
	)
	note := func(row string, write bool, f fate) {
		mu.Lock()
		defer mu.Unlock()
		if seen[row] == nil {
			seen[row] = map[bool][]fate{}
		}
		if !slices.Contains(seen[row][write], f) {
			seen[row][write] = append(seen[row][write], f)
		}
	}
	t.Run("pairs", func(t *testing.T) {
		for _, row := range tableRows(untrusted(t)) {
			for _, m := range row.mishaps {
				for _, s := range sendings {
					if m.only != nil && !slices.Contains(m.only, s.name) {
						continue
					}
					t.Run(m.name+"/"+s.name, func(t *testing.T) {
						t.Parallel()
						synctest.Test(t, func(t *testing.T) {
							want := row.read
							if s.write {
								want = row.write
							}
							if s.unsigned && want == renewed {
								want = left // there is no token to renew
							}
							got := pair(t, s, m, want)
							if !s.unsigned || !m.oauth {
								note(row.what, s.write, got)
							}
						})
					})
				}
			}
		}
	})
	t.Run("doc.go", func(t *testing.T) {
		checkTable(t, seen)
	})
}

// pair is one request and one mishap.
func pair(t *testing.T, s sending, m mishap, want fate) fate {
	t.Helper()
	fake := orguserstest.NewUnstartedServer(orguserstest.WithPeople(crowd()...))
	defer fake.Close()
	a := &ambush{sending: s, mishap: m, fake: fake}
	err := a.run(t)
	time.Sleep(time.Minute) // fake time: whatever might still be sent

	got := fateOf(a.sent.Load(), err)
	if got != want {
		t.Errorf("it %s; want that it %s: %v", got, want, err)
	}
	served := want.attempts()
	if m.over != nil {
		served = 0
	}
	if n := a.served.Load(); n != served {
		t.Errorf("the server saw it %d times, want %d", n, served)
	}
	var failure *orgusers.Error
	if !errors.As(err, &failure) {
		t.Fatalf("got %v, want an *Error", err)
	}
	if failure.Attempts != int(a.sent.Load()) {
		t.Errorf("the error speaks of %d attempts, and there were %d", failure.Attempts, a.sent.Load())
	}
	for _, sentinel := range sentinels {
		expected := slices.Contains(m.is, sentinel) || sentinel == orgusers.ErrOutcomeUnknown && want == lost //nolint:errorlint // it is the sentinel that is wanted
		if errors.Is(err, sentinel) != expected {
			t.Errorf("being %q is %v, want %v: %v", sentinel, !expected, expected, err)
		}
	}
	for _, cause := range m.is {
		if !errors.Is(err, cause) {
			t.Errorf("got %v, want %v", err, cause)
		}
	}
	return got
}

// TestMatrixHasEveryMethod fails for a method that sends and is not in the
// matrix.
func TestMatrixHasEveryMethod(t *testing.T) {
	t.Parallel()
	silent := []string{"BaseURL", "ForOrganization", "Format", "GoString", "OrganizationUID", "String"}
	for method := range reflect.TypeFor[*orgusers.Client]().Methods() {
		there := slices.ContainsFunc(sendings, func(s sending) bool {
			name, _, _ := strings.Cut(s.name, ",")
			return name == method.Name
		})
		if there == slices.Contains(silent, method.Name) {
			t.Errorf("%s: in sendings of matrix_sendings_test.go is %v: add it there, or to silent if it sends nothing", method.Name, there)
		}
	}
}

// checkTable compares the lines of doc.go with what was seen, or writes them
// anew with -update.
func checkTable(t *testing.T, seen map[string]map[bool][]fate) {
	t.Helper()
	line := func(what, read, write string) string {
		return strings.TrimRight(fmt.Sprintf("//\t%-42s %-14s %s", what, read, write), " ")
	}
	header := line("what happened", "a read", "a write")
	table := []string{header}
	for _, row := range tableRows(nil) {
		reads, writes := seen[row.what][false], seen[row.what][true]
		if len(reads) != 1 || len(writes) != 1 {
			t.Errorf("%s: reads %q, writes %q; want one fate of each", row.what, reads, writes)
			continue
		}
		if reads[0] == renewed && writes[0] == renewed {
			table = append(table, line(row.what, string(renewed), ""))
		} else {
			table = append(table, line(row.what, string(reads[0]), string(writes[0])))
		}
	}
	if t.Failed() {
		return
	}
	source, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(source), "\n")
	begin := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "//\twhat happened") })
	if begin < 0 {
		t.Fatal("doc.go has no table")
	}
	end := begin + slices.IndexFunc(lines[begin:], func(l string) bool { return !strings.HasPrefix(l, "//\t") })
	if slices.Equal(lines[begin:end], table) {
		return
	}
	if *update {
		lines = slices.Concat(lines[:begin], table, lines[end:])
		if err := os.WriteFile("doc.go", []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("doc.go says\n%s\nbut what happens is (-update writes it there)\n%s", strings.Join(lines[begin:end], "\n"), strings.Join(table, "\n"))
}
