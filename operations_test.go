package orgusers_test

import (
	"context"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// The tests here fail for an operation that is missing in a table of tests, and
// so would be proven by none of them.

// rowForEveryWrite fails for a write of the matrix that has no row of its own in
// another table, and no reason to have none.
func rowForEveryWrite(t *testing.T, table string, has func(sending) bool, reasons map[string]string) {
	t.Helper()
	unused := len(reasons)
	for _, s := range sendings {
		if !s.write {
			continue
		}
		reason, excused := reasons[s.name]
		if excused {
			unused--
		}
		switch {
		case !has(s) && !excused:
			t.Errorf("%q, %s %s, is a write and not in %s: add a row of that name, or a reason to the exceptions", s.name, s.method, s.path, table)
		case has(s) && excused:
			t.Errorf("%q is in %s: delete the exception that says %q", s.name, table, reason)
		}
	}
	if unused > 0 {
		t.Errorf("%d exceptions of %s are of no write: %v", unused, table, reasons)
	}
}

func TestEveryWriteMeetsFaults(t *testing.T) {
	t.Parallel()
	struck := func(s sending) bool {
		return slices.ContainsFunc(writes, func(w write) bool {
			there, err := path.Match(s.path, w.path)
			return w.name == s.name && w.method == s.method && err == nil && there
		})
	}
	rowForEveryWrite(t, "writes of writes_test.go, with its method and path", struck, map[string]string{
		"Do, a write":        "what it changes is known to its caller alone",
		"Do, a write by GET": "what it changes is known to its caller alone",
		"Login":              "it changes no user, and TestLoginIsNotRepeated has its faults",
		"Logout":             "it ends the session of the caller, whom no outcome is due",
		"ResendInvitation":   "ResendInvitationTo sends it, by address",
	})
}

// A method that sends several kinds of requests has each of them in the matrix.
func TestMatrixHasEveryOperation(t *testing.T) {
	t.Parallel()
	for name, requests := range operationsByName(t) {
		for _, request := range requests {
			method, below, _ := strings.Cut(request, " ")
			if !slices.ContainsFunc(sendings, func(s sending) bool {
				of, _, _ := strings.Cut(s.name, ",")
				there, err := path.Match(s.path, "/v3"+below)
				return of == name && s.method == method && err == nil && there
			}) {
				t.Errorf("%s sends %s, which is not in sendings of matrix_sendings_test.go: add it there, as %q if %s sends others too", name, request, name+", what for", name)
			}
		}
	}
}

// A change of many users is guarded, batched, foretold by a dry run and
// reported as all the others are.
func TestEveryBulkIsTested(t *testing.T) {
	t.Parallel()
	known := bulks(nil)
	found := 0
	for method := range reflect.TypeFor[*orgusers.Client]().Methods() {
		if method.Type.NumOut() == 0 || method.Type.Out(0) != reflect.TypeFor[*orgusers.BulkResult]() {
			continue
		}
		found++
		if known[method.Name] == nil {
			t.Errorf("%s changes many users and is not in bulks of bulk_test.go: add it there", method.Name)
		}
	}
	if found < 8 {
		t.Errorf("only %d methods for many users are found", found)
	}
}

// A value of the caller's must not lead a request elsewhere.
func TestEveryValueInAPathIsTried(t *testing.T) {
	t.Parallel()
	found := 0
	for name, requests := range operationsByName(t) {
		for _, request := range requests {
			if !strings.Contains(strings.ReplaceAll(request, "{organization_uid}", ""), "{") {
				continue
			}
			found++
			if callsWithUID[name] == nil {
				t.Errorf("%s puts a value into %s, and no test gives it one that would change the path: add it to callsWithUID of secrets_files_test.go", name, request)
			}
		}
	}
	if found < 2 {
		t.Errorf("only %d paths with values are found", found)
	}
}

// count is a limiter that lets everything pass.
type count struct{ asked atomic.Int64 }

func (c *count) Wait(context.Context) error {
	c.asked.Add(1)
	return nil
}

// What a request is, a read, a write or a bulk action, the client and the fake
// say alike: tests count the writes of the fake.
func TestTheFakeCountsAsTheClientDoes(t *testing.T) {
	t.Parallel()
	for _, s := range sendings {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := orguserstest.NewUnstartedServer(orguserstest.WithPeople(crowd()...))
				defer fake.Close()
				var reads, writes, bulk count
				a := &aim{fake: fake, dir: t.TempDir(), credentials: orgusers.WithAuthToken(fake.SignIn("admin@example.com")), options: []orgusers.Option{
					orgusers.WithBaseURL("http://127.0.0.1"),
					orgusers.WithHTTPClient(&http.Client{Transport: fake.Transport()}),
					orgusers.WithRateLimiters(orgusers.RateLimiters{Reads: &reads, Writes: &writes, Bulk: &bulk}),
					orgusers.WithEndpoints(fake.Endpoints()),
				}}
				var err error
				if a.client, err = orgusers.New(fake.OrganizationUID, append(a.options, a.credentials)...); err != nil {
					t.Fatal(err)
				}
				err = s.call(t.Context(), a) // it may fail: what is looked at is the request
				if asksWrites, asksBulk := writes.asked.Load() > 0, bulk.asked.Load() > 0; asksWrites != (s.write && !s.bulk) || asksBulk != s.bulk {
					t.Errorf("the client paces it as a write: %v, as a bulk action: %v; sendings says %v, %v: correct it, or its row in request.go", asksWrites, asksBulk, s.write && !s.bulk, s.bulk)
				}
				checkCounted(t, s, fake.Requests(), err)
			})
		})
	}
}

// checkCounted looks at how the fake counted the request of a sending.
func checkCounted(t *testing.T, s sending, requests []orguserstest.Request, failure error) {
	t.Helper()
	sent := 0
	for _, r := range requests {
		if there, err := path.Match(s.path, r.Path); err != nil || !there || r.Method != s.method {
			continue
		}
		sent++
		switch made := strings.HasPrefix(s.name, "Do,"); { // the API has no such request
		case r.Operation == "" && !made:
			t.Errorf("the fake has no route for %s %s: add it in orguserstest", r.Method, s.path)
		case !made && (r.Write != s.write || r.Bulk != s.bulk):
			t.Errorf("the fake counts %q as a write: %v, as a bulk action: %v; sendings says %v, %v: correct write and bulk of its route in orguserstest", r.Operation, r.Write, r.Bulk, s.write, s.bulk)
		}
	}
	if sent == 0 {
		t.Errorf("%s %s was not sent: %v", s.method, s.path, failure)
	}
}
