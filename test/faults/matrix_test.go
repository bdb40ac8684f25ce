package faults_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/test/operations"
)

var update = flag.Bool("update", false, "write the table into doc.go")

// result is what happens to a request that fails each time in the same way.
type result string

// The results, in the words of the package documentation.
const (
	retried result = "is retried"
	final   result = "is not"
	lost    result = "is not: ErrOutcomeUnknown"
	renewed result = "once more, with a new token"
)

// maxAttempts is not the number of requests of any other result.
const maxAttempts = 4

func (r result) attempts() int64 {
	switch r {
	case retried:
		return maxAttempts
	case renewed:
		return 2
	default:
		return 1
	}
}

func resultOf(sent int64, err error) result {
	for _, r := range []result{retried, renewed, lost, final} {
		if r.attempts() == sent && errors.Is(err, orgusers.ErrOutcomeUnknown) == (r == lost) {
			return r
		}
	}
	return result(fmt.Sprintf("is sent %d times, outcome unknown: %v", sent, errors.Is(err, orgusers.ErrOutcomeUnknown)))
}

// TestMatrix sends the four kinds of requests into every failure, and checks that the
// table of the package documentation is what happens.
func TestMatrix(t *testing.T) {
	t.Parallel()
	var (
		mu   sync.Mutex
		seen = map[string]map[bool][]result{} // by row, and whether it is a write
	)
	t.Run("pairs", func(t *testing.T) {
		for _, row := range tableRows(untrusted(t)) {
			seen[row.what] = map[bool][]result{}
			for _, f := range row.failures {
				for _, kind := range kinds() {
					t.Run(f.name+"/"+kind.Name, func(t *testing.T) {
						t.Parallel()
						synctest.Test(t, func(t *testing.T) {
							want := row.read
							if kind.Writes() {
								want = row.write
							}
							got := checkPair(t, kind, f, want)
							mu.Lock()
							defer mu.Unlock()
							if results := seen[row.what]; !slices.Contains(results[kind.Writes()], got) {
								results[kind.Writes()] = append(results[kind.Writes()], got)
							}
						})
					})
				}
			}
		}
	})
	t.Run("doc.go", func(t *testing.T) { checkTable(t, seen) })
}

// checkPair sends a request of one kind into a failure that happens each time, and,
// if the request is retried, into one that happens once.
func checkPair(t *testing.T, kind operations.Operation, f failure, want result) result {
	t.Helper()
	is := slices.Clone(f.is)
	if want == lost {
		is = append(is, orgusers.ErrOutcomeUnknown)
	}
	wire := newFaultyTransport(t, f)
	err := call(t.Context(), wire.client, kind)
	time.Sleep(time.Minute) // fake time: no request must follow
	got := resultOf(wire.sent.Load(), err)
	if got != want {
		t.Errorf("it %s; want that it %s: %v", got, want, err)
	}
	if n := wire.served.Load(); f.serve != nil && n != want.attempts() {
		t.Errorf("the server received it %d times, want %d", n, want.attempts())
	}
	checkError(t, err, want.attempts(), is...)

	if want == retried || want == renewed {
		wire = newFaultyTransport(t, f)
		wire.once = true
		if err := call(t.Context(), wire.client, kind); err != nil || wire.sent.Load() != 2 {
			t.Errorf("after one failure it was sent %d times and returned %v", wire.sent.Load(), err)
		}
		time.Sleep(time.Minute) // fake time: dials that hang
	}
	return got
}

// faultyTransport lets every request fail, or the first one.
type faultyTransport struct {
	client *orgusers.Client
	carry  http.RoundTripper
	once   bool

	sent, served atomic.Int64
}

func newFaultyTransport(t *testing.T, f failure) *faultyTransport {
	t.Helper()
	wire := &faultyTransport{}
	if f.serve != nil {
		served := newPipes(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			wire.served.Add(1)
			f.serve(w, r)
		}))
		served.DialTLSContext = served.dial // without TLS
		wire.carry = served
	} else {
		wire.carry = f.transport()
	}
	credentials := orgusers.WithAuthToken(token)
	if f.tokenSource {
		credentials = orgusers.WithTokenSource(tokens(token))
	}
	wire.client = newClient(t, wire, credentials, orgusers.WithBaseURL("https://127.0.0.1"), orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: maxAttempts}))
	return wire
}

func (f *faultyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.sent.Add(1) > 1 && f.once {
		return good(r)
	}
	return f.carry.RoundTrip(r)
}

// tokens is a source of one token.
type tokens string

func (t tokens) Token(context.Context) (string, error) { return string(t), nil }

// checkTable compares the table in doc.go with what was seen, or writes it with
// -update.
func checkTable(t *testing.T, seen map[string]map[bool][]result) {
	t.Helper()
	line := func(what string, read, write result) string {
		return strings.TrimRight(fmt.Sprintf("//\t%-42s %-14s %s", what, read, write), " ")
	}
	table := []string{line("what happened", "a read", "a write")}
	for _, row := range tableRows(nil) {
		reads, writes := seen[row.what][false], seen[row.what][true]
		switch {
		case len(reads) != 1 || len(writes) != 1:
			t.Errorf("%s: reads %q, writes %q; want one result of each", row.what, reads, writes)
		case reads[0] == renewed && writes[0] == renewed:
			table = append(table, line(row.what, renewed, ""))
		default:
			table = append(table, line(row.what, reads[0], writes[0]))
		}
	}
	if t.Failed() {
		return
	}
	const file = "../../doc.go"
	source, err := os.ReadFile(file)
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
	if !*update {
		t.Errorf("doc.go has\n%s\nbut what happens is (-update writes it)\n%s", strings.Join(lines[begin:end], "\n"), strings.Join(table, "\n"))
		return
	}
	lines = slices.Concat(lines[:begin], table, lines[end:])
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
}
