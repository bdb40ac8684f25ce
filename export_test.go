package orgusers_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// export is an export that must not fail.
func export(t *testing.T, client *orgusers.Client, opts *orgusers.ExportOptions) string {
	t.Helper()
	var file bytes.Buffer
	if _, err := client.ExportCSV(t.Context(), &file, opts); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

// parse reads a file back, without its header.
func parse(t *testing.T, file string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(file)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

// byEmail is the order of an export.
func byEmail(a, b *orgusers.User) int {
	if order := strings.Compare(strings.ToLower(a.Email), strings.ToLower(b.Email)); order != 0 {
		return order
	}
	return strings.Compare(a.Email, b.Email)
}

func TestExportGolden(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]*orgusers.ExportOptions{
		"export.golden.csv":      nil,
		"export-raw.golden.csv":  {KeepFormulas: true, BOM: true, CRLF: true, Comma: ';'},
		"export-csdx.golden.csv": {Columns: orgusers.CSDXColumns()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, orguserstest.WithUsers(40), orguserstest.WithSeed(7))
			got := export(t, fakeClient(t, server), opts)
			golden := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("if this is as it should be, run go test -run %s -update .\n-want +got:\n%s", t.Name(), diff)
			}
		})
	}
}

// rawColumns show a user as it is, so that what is read back can be compared.
func rawColumns() []orgusers.Column {
	return []orgusers.Column{
		{Header: "share", Value: func(u *orgusers.User) string { return u.ShareUID }},
		{Header: "user", Value: func(u *orgusers.User) string { return fmt.Sprintf("%+v", *u) }},
	}
}

// What a column is given has been to a record and back where its inviter had to
// be looked for: nothing may be lost.
func TestExportGivesColumnsTheWholeUser(t *testing.T) {
	t.Parallel()
	for _, opt := range inviterForms {
		server := startFake(t, orguserstest.WithUsers(230), opt)
		want := expected(server.Users())
		slices.SortFunc(want, byEmail)
		var got []*orgusers.User
		export(t, fakeClient(t, server), &orgusers.ExportOptions{Columns: []orgusers.Column{{Header: "user", Value: func(u *orgusers.User) string {
			got = append(got, u)
			return u.Email
		}}}})
		slices.SortFunc(got, byEmail)
		if diff := diffUsers(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

// inviterForms have answers show inviters with their addresses, so that rows
// are made while pages are awaited, and as uids, so that they are made at last.
var inviterForms = map[string]orguserstest.Option{"addresses": orguserstest.WithPageCap(100), "uids": orguserstest.WithInviterUIDs()}

// Inviters may be read long before those they invited, after them, and be left
// out themselves.
func TestExportFindsInviters(t *testing.T) {
	t.Parallel()
	for name, opt := range inviterForms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, orguserstest.WithUsers(15_000), opt)
			invite := func(by string, p orguserstest.Person) {
				server.AddUser(orguserstest.Person{Email: by, FirstName: "Inviter"})
				p.InvitedBy = by
				server.AddUser(p)
			}
			invite("late@example.com", orguserstest.Person{Email: "guest1@example.com"})
			invite("later@example.com", orguserstest.Person{Email: "guest2@example.com", CreatedAt: time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)})
			file := export(t, fakeClient(t, server), &orgusers.ExportOptions{
				Columns: []orgusers.Column{orgusers.DefaultColumns()[0], orgusers.DefaultColumns()[6]},
				Filter:  func(u *orgusers.User) bool { return strings.HasPrefix(u.Email, "guest") },
			})
			want := "Email,Invited By\nguest1@example.com,late@example.com\nguest2@example.com,later@example.com\n"
			if file != want {
				t.Errorf("got %q, want %q", file, want)
			}
		})
	}
}

// An account may be there twice, also without its address.
func TestExportOfAnInviterWhoIsThereTwice(t *testing.T) {
	t.Parallel()
	client := newClient(t, roundTripper(body(http.StatusOK, `{"count":5,"shares":[
		{"uid":"s1","user_uid":"u0","email":"first@example.com","created_at":"2024-01-01T00:00:00.001Z"},
		{"uid":"s2","email":"p1@example.com","invited_by":"u0","created_at":"2024-01-01T00:00:00.002Z"},
		{"uid":"s3","user_uid":"u0","email":"second@example.com","created_at":"2024-01-01T00:00:00.003Z"},
		{"uid":"s4","user_uid":"u0","created_at":"2024-01-01T00:00:00.004Z"},
		{"uid":"s5","email":"p2@example.com","invited_by":"u0","created_at":"2024-01-01T00:00:00.005Z"}]}`)))
	rows := parse(t, export(t, client, &orgusers.ExportOptions{
		Columns: orgusers.CSDXColumns(),
		Filter:  func(u *orgusers.User) bool { return u.UID == "" },
	}))
	for _, row := range rows {
		if row[4] != "first@example.com" {
			t.Errorf("%s was invited by %s, want first@example.com", row[0], row[4])
		}
	}
	if len(rows) != 2 {
		t.Errorf("there are %d rows, want 2", len(rows))
	}
}

func TestExportIsTheSameFile(t *testing.T) {
	t.Parallel()
	users := orguserstest.WithUsers(310)
	want := export(t, fakeClient(t, startFake(t, users)), nil)
	if rows := parse(t, want); len(rows) != 310 {
		t.Fatalf("%d rows, want 310", len(rows))
	}
	tests := []struct {
		name   string
		server []orguserstest.Option
	}{
		{"twice", []orguserstest.Option{users}},
		{"with roles as uids", []orguserstest.Option{users, orguserstest.WithRoleUIDs()}},
		{"with inviters as uids", []orguserstest.Option{users, orguserstest.WithInviterUIDs()}},
		{"with roles and inviters as uids", []orguserstest.Option{users, orguserstest.WithRoleUIDs(), orguserstest.WithInviterUIDs()}},
		{"with details elsewhere", []orguserstest.Option{users, orguserstest.WithDetails(orguserstest.DetailsUnderUser)}},
		{"in small pages", []orguserstest.Option{users, orguserstest.WithPageCap(11)}},
		{"without a count", []orguserstest.Option{users, orguserstest.WithoutCount()}},
		{"after failures", []orguserstest.Option{users, orguserstest.WithFault(orguserstest.Fault{Path: sharePath, Probability: 0.2, Effect: orguserstest.Status(503)})}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, tt.server...)
			var file bytes.Buffer
			summary, err := fakeClient(t, server).ExportCSV(t.Context(), &file, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, file.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			// Without a count a page beyond the end is asked for ahead, and called
			// off before or after it has reached the server.
			requests := len(server.Requests())
			if tt.name == "without a count" {
				requests = max(requests, summary.Requests)
			}
			checkSummary(t, summary, 310, 310, file.Len(), requests)
			roleLists := 0
			for _, r := range server.Requests() {
				if r.Operation == "Roles" {
					roleLists++
				}
			}
			if roleLists > 1 || (roleLists == 1) != strings.Contains(tt.name, "roles") {
				t.Errorf("the roles were read %d times", roleLists)
			}
		})
	}
}

func checkSummary(t *testing.T, got *orgusers.ExportSummary, rows, users, size, requests int) {
	t.Helper()
	want := orgusers.ExportSummary{Rows: rows, Users: users, Bytes: int64(size), Requests: requests, Duration: got.Duration}
	if *got != want || got.Duration <= 0 {
		t.Errorf("the summary is %+v, want %+v", *got, want)
	}
}

func TestExportBeyondTheMemoryBudget(t *testing.T) {
	for name, opt := range inviterForms {
		t.Run(name, func(t *testing.T) { testBeyondTheMemoryBudget(t, opt) })
	}
}

func testBeyondTheMemoryBudget(t *testing.T, opt orguserstest.Option) {
	t.Helper()
	server := startFake(t, orguserstest.WithUsers(4000), opt)
	client := fakeClient(t, server)
	want := export(t, client, &orgusers.ExportOptions{Columns: rawColumns()})

	directory := t.TempDir()
	t.Setenv("TMPDIR", directory)
	got := export(t, client, &orgusers.ExportOptions{Columns: rawColumns(), MemoryBudget: 64 << 10})
	if got != want {
		t.Errorf("-in memory +on disk:\n%s", cmp.Diff(want, got))
	}
	stop := errors.New("stop")
	for name, opts := range map[string]*orgusers.ExportOptions{
		"a writer that fails":   {MemoryBudget: 64 << 10},
		"a filter that panics":  {MemoryBudget: 64 << 10, Filter: func(u *orgusers.User) bool { return u.Email < "y" || panics() }},
		"a column that panics":  {MemoryBudget: 64 << 10, Columns: []orgusers.Column{{Header: "a", Value: func(u *orgusers.User) string { _ = u.Email < "y" || panics(); return "" }}}},
		"a progress that fails": {MemoryBudget: 64 << 10, Progress: func(p orgusers.ExportProgress) { _ = p.Users < 3000 || panics() }},
	} {
		func() {
			defer func() { _ = recover() }()
			if _, err := client.ExportCSV(t.Context(), &stubbornWriter{err: stop}, opts); !errors.Is(err, stop) {
				t.Errorf("%s: got the error %v", name, err)
			}
		}()
	}
	left, err := os.ReadDir(directory)
	if err != nil || len(left) > 0 {
		t.Errorf("the temporary directory has %v, %v", left, err)
	}
	for _, file := range openFiles() { // which may have lost their names, and not their space
		if strings.HasPrefix(file, directory) {
			t.Errorf("%s is still open", file)
		}
	}

	// The budget is kept: without a place for what is beyond it, it fails.
	t.Setenv("TMPDIR", filepath.Join(directory, "missing"))
	var file bytes.Buffer
	summary, err := client.ExportCSV(t.Context(), &file, &orgusers.ExportOptions{MemoryBudget: 64 << 10})
	if !errors.Is(err, os.ErrNotExist) || file.Len() > 0 || summary == nil || summary.Rows != 0 {
		t.Errorf("got %+v, %d bytes and the error %v, want none without a directory for temporary files", summary, file.Len(), err)
	}
}

// openFiles are the paths of the files that this process has open, where the
// system tells.
func openFiles() []string {
	const directory = "/proc/self/fd"
	entries, _ := os.ReadDir(directory)
	var paths []string
	for _, entry := range entries {
		if path, err := os.Readlink(filepath.Join(directory, entry.Name())); err == nil {
			paths = append(paths, path)
		}
	}
	return paths
}

func panics() bool { panic("a function of the caller's") }

func TestExportFilter(t *testing.T) {
	t.Parallel()
	for _, opt := range inviterForms {
		server := startFake(t, orguserstest.WithUsers(250), opt)
		all := expected(server.Users())
		pending := func(u *orgusers.User) bool { return u.Status == orgusers.StatusPending }
		calls := map[string]int{}
		var file bytes.Buffer
		summary, err := fakeClient(t, server).ExportCSV(t.Context(), &file, &orgusers.ExportOptions{
			Filter:       func(u *orgusers.User) bool { calls[u.Email]++; return pending(u) },
			Columns:      []orgusers.Column{orgusers.DefaultColumns()[0], orgusers.DefaultColumns()[6]},
			KeepFormulas: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		kept := onlyIf(all, pending)
		slices.SortFunc(kept, byEmail)
		var want [][]string
		invited := 0
		for _, u := range kept {
			by := u.InvitedBy.Email // an administrator, who is not in the file
			if by == "" {
				by = "System"
			} else {
				invited++
			}
			want = append(want, []string{u.Email, by})
		}
		if diff := cmp.Diff(want, parse(t, file.String())); diff != "" || invited == 0 {
			t.Errorf("%d have an inviter; -want +got:\n%s", invited, diff)
		}
		checkSummary(t, summary, len(kept), 250, file.Len(), len(server.Requests()))
		for _, u := range all {
			if calls[u.Email] != 1 {
				t.Errorf("the filter was asked %d times for %s", calls[u.Email], u.Email)
			}
		}
	}
}

func TestExportOfNobodyIsAHeader(t *testing.T) {
	t.Parallel()
	got := export(t, fakeClient(t, startFake(t)), &orgusers.ExportOptions{
		Columns: []orgusers.Column{{Header: "=A1", Value: func(*orgusers.User) string { return "" }}, {Header: "B, C", Value: func(*orgusers.User) string { return "" }}},
		Filter:  func(*orgusers.User) bool { return false },
	})
	if want := "'=A1,\"B, C\"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestExportProgress(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		opts  []orguserstest.Option
		count int
	}{
		{"with a count", []orguserstest.Option{orguserstest.WithUsers(2345)}, 2345},
		{"without a count", []orguserstest.Option{orguserstest.WithUsers(2345), orguserstest.WithoutCount()}, -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, tt.opts...)
			var told []orgusers.ExportProgress
			summary, err := fakeClient(t, server).ExportCSV(t.Context(), io.Discard, &orgusers.ExportOptions{
				Filter:   func(u *orgusers.User) bool { return u.Status == orgusers.StatusAccepted },
				Progress: func(p orgusers.ExportProgress) { told = append(told, p) },
			})
			if err != nil {
				t.Fatal(err)
			}
			var before orgusers.ExportProgress
			for _, p := range told {
				if p.Users < before.Users || p.Rows < before.Rows || p.Requests < before.Requests {
					t.Errorf("after %+v came %+v", before, p)
				}
				if p.Count != tt.count {
					t.Errorf("a count of %d, want %d", p.Count, tt.count)
				}
				before = p
			}
			if want := (orgusers.ExportProgress{Users: 2345, Count: tt.count, Rows: summary.Rows, Requests: summary.Requests}); before != want {
				t.Errorf("the last was %+v, want %+v", before, want)
			}
			if len(told) < 24 {
				t.Errorf("told %d times of 2345 users", len(told))
			}
		})
	}
}
