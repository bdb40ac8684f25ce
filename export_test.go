package orgusers_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// export returns the file of an export, which must succeed.
func export(t *testing.T, client *orgusers.Client, opts *orgusers.ExportOptions) string {
	t.Helper()
	var file bytes.Buffer
	if _, err := client.ExportCSV(t.Context(), &file, opts); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

// parse returns the rows of a file without its header.
func parse(t *testing.T, file string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(file)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

// columnOf returns a column with these cells.
func columnOf(header string, value func(*orgusers.User) string) orgusers.Column {
	return orgusers.Column{Header: header, Value: value}
}

// constant returns a column with the same cell for each user.
func constant(header, cell string) orgusers.Column {
	return columnOf(header, func(*orgusers.User) string { return cell })
}

// byEmail is the default order of an export.
func byEmail(a, b *orgusers.User) int {
	if order := strings.Compare(strings.ToLower(a.Email), strings.ToLower(b.Email)); order != 0 {
		return order
	}
	return strings.Compare(a.Email, b.Email)
}

// TestExportGivesCallbacksTheWholeUser exports a user with every field: none
// is lost between reading and writing.
func TestExportGivesCallbacksTheWholeUser(t *testing.T) {
	t.Parallel()
	at := time.Date(1969, 3, 4, 5, 6, 7, 890_123_456, time.UTC)
	want := orgusers.User{
		ShareUID: "share", UID: "uid", Email: "a@example.com", FirstName: "Ada\x00", LastName: "Łovelace", Status: "accepted",
		Owner: true, Roles: []orgusers.RoleRef{{UID: "r1", Name: "one", Admin: true}, {UID: "r2", Name: "two"}},
		InvitedBy: orgusers.Inviter{UID: "i", Email: "i@example.com"}, InvitedAt: at, LastLoginAt: at.Add(1), CreatedAt: at.Add(2), UpdatedAt: at.Add(3),
		MFA: "verified", Message: strings.Repeat("welcome ", 50), AccessWithoutSSO: true,
	}
	for _, value := range []reflect.Value{reflect.ValueOf(want), reflect.ValueOf(want.InvitedBy), reflect.ValueOf(want.Roles[0])} {
		for i := range value.NumField() {
			if value.Field(i).IsZero() {
				t.Errorf("set the field %s of %s here, and add it to the record", value.Type().Field(i).Name, value.Type())
			}
		}
	}
	row, err := json.Marshal([]orgusers.User{want})
	if err != nil {
		t.Fatal(err)
	}
	var got []orgusers.User
	see := func(u *orgusers.User) bool { got = append(got, *u); return true }
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/roles") {
			return body(http.StatusOK, `{"roles":[{"uid":"r1","name":"one","admin":true},{"uid":"r2","name":"two"}],"count":2}`)(r)
		}
		return rowsOf(string(row), 1)(r)
	})
	export(t, newClient(t, transport), &orgusers.ExportOptions{
		Filter:  see,
		Columns: []orgusers.Column{columnOf("a", func(u *orgusers.User) string { see(u); return "" })},
	})
	if diff := cmp.Diff([]orgusers.User{want, want}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestExportFindsInviters has inviters who are read long before those whom they
// invited, after them, and who are filtered out.
func TestExportFindsInviters(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]orguserstest.Option{
		"addresses":    nil,
		"uids":         {orguserstest.WithInviterUIDs()},
		"uids on disk": {orguserstest.WithInviterUIDs(), orguserstest.WithUsers(4000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, opts...)
			invite := func(by string, p orguserstest.Person) {
				server.AddUser(orguserstest.Person{Email: by, FirstName: "Inviter"})
				p.InvitedBy = by
				server.AddUser(p)
			}
			invite("late@example.com", orguserstest.Person{Email: "guest1@example.com"})
			invite("later@example.com", orguserstest.Person{Email: "guest2@example.com", CreatedAt: time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)})
			file := export(t, fakeClient(t, server), &orgusers.ExportOptions{
				Columns:      []orgusers.Column{orgusers.DefaultColumns()[0], orgusers.DefaultColumns()[6]},
				Filter:       func(u *orgusers.User) bool { return strings.HasPrefix(u.InvitedBy.Email, "late") },
				MemoryBudget: 64 << 10,
			})
			want := "Email,Invited By\nguest1@example.com,late@example.com\nguest2@example.com,later@example.com\n"
			if file != want {
				t.Errorf("got %q, want %q", file, want)
			}
		})
	}
}

// TestExportOfAnInviterWithTwoRows has an account with two addresses and a row
// without one, and an inviter who has left, whom the vendor's layout does not show.
func TestExportOfAnInviterWithTwoRows(t *testing.T) {
	t.Parallel()
	client := newClient(t, body(http.StatusOK, `{"count":6,"shares":[
		{"uid":"s1","user_uid":"u0","email":"first@example.com","created_at":"2024-01-01T00:00:00.001Z"},
		{"uid":"s2","email":"p1@example.com","invited_by":"u0","created_at":"2024-01-01T00:00:00.002Z"},
		{"uid":"s3","user_uid":"u0","email":"second@example.com","created_at":"2024-01-01T00:00:00.003Z"},
		{"uid":"s4","user_uid":"u0","created_at":"2024-01-01T00:00:00.004Z"},
		{"uid":"s5","email":"p2@example.com","invited_by":"u0","created_at":"2024-01-01T00:00:00.005Z"},
		{"uid":"s6","email":"p3@example.com","invited_by":{"uid":"u9","email":"gone@example.com"},"created_at":"2024-01-01T00:00:00.006Z"}]}`))
	got := export(t, client, &orgusers.ExportOptions{
		Columns: []orgusers.Column{orgusers.CSDXColumns()[0], orgusers.CSDXColumns()[4]},
		Filter:  func(u *orgusers.User) bool { return u.UID == "" },
	})
	if want := "Email,Invited By\np1@example.com,first@example.com\np2@example.com,first@example.com\np3@example.com,System\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestExportIsTheSameFile(t *testing.T) {
	t.Parallel()
	// With uids only, the address of a founder who has left cannot be known.
	users, owner := orguserstest.WithUsers(310), orguserstest.WithSystemOwner()
	want := export(t, fakeClient(t, startFake(t, users, owner)), nil)
	if rows := parse(t, want); len(rows) != 310 {
		t.Fatalf("%d rows, want 310", len(rows))
	}
	for name, opts := range map[string][]orguserstest.Option{
		"twice":                  nil,
		"roles as uids":          {orguserstest.WithRoleUIDs()},
		"inviters as uids":       {orguserstest.WithInviterUIDs()},
		"roles and inviters too": {orguserstest.WithRoleUIDs(), orguserstest.WithInviterUIDs()},
		"details elsewhere":      {orguserstest.WithDetails(orguserstest.DetailsUnderUser)},
		"small pages":            {orguserstest.WithPageCap(11)},
		"no count":               {orguserstest.WithoutCount()},
		"failures":               {orguserstest.WithFault(orguserstest.Fault{Path: sharePath, Probability: 0.2, Effect: orguserstest.Status(503)})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, append(opts, users, owner)...)
			var file bytes.Buffer
			summary, err := fakeClient(t, server).ExportCSV(t.Context(), &file, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, file.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			checkSummary(t, summary, orgusers.ExportSummary{Rows: 310, Users: 310, Bytes: int64(file.Len())})
			roleLists := 0
			for _, r := range server.Requests() {
				if r.Operation == "Roles" {
					roleLists++
				}
			}
			if want := map[bool]int{false: 1, true: 2}[name == "no count"]; roleLists != want {
				t.Errorf("the roles were requested %d times, want %d", roleLists, want)
			}
		})
	}
}

func checkSummary(t *testing.T, got *orgusers.ExportSummary, want orgusers.ExportSummary) {
	t.Helper()
	want.Duration = got.Duration
	if *got != want || got.Duration <= 0 {
		t.Errorf("the summary is %+v, want %+v", *got, want)
	}
}

func TestExportBeyondTheMemoryBudget(t *testing.T) { // not parallel: it sets TMPDIR
	client := fakeClient(t, startFake(t, orguserstest.WithUsers(1500)))
	columns := []orgusers.Column{columnOf("user", func(u *orgusers.User) string { return fmt.Sprintf("%+v", *u) })}
	want := export(t, client, &orgusers.ExportOptions{Columns: columns})

	directory := t.TempDir()
	t.Setenv("TMPDIR", directory)
	if got := export(t, client, &orgusers.ExportOptions{Columns: columns, MemoryBudget: 64 << 10}); got != want {
		t.Errorf("-in memory +on disk:\n%s", cmp.Diff(want, got))
	}
	full := errors.New("no space left")
	for name, opts := range map[string]*orgusers.ExportOptions{
		"a writer fails":  {},
		"Filter panics":   {Filter: func(u *orgusers.User) bool { return u.Email < "y" || panics() }},
		"a column panics": {Columns: []orgusers.Column{columnOf("a", func(u *orgusers.User) string { _ = u.Email < "y" || panics(); return "" })}},
		"Progress panics": {Progress: func(p orgusers.ExportProgress) { _ = p.Users < 1000 || panics() }},
	} {
		func() {
			defer func() { _ = recover() }()
			opts.MemoryBudget = 64 << 10
			if _, err := client.ExportCSV(t.Context(), &stubbornWriter{err: full}, opts); !errors.Is(err, full) {
				t.Errorf("%s: got the error %v", name, err)
			}
		}()
	}
	if left := content(t, directory); len(left) > 0 {
		t.Errorf("%d temporary files are left", len(left))
	}
	for _, file := range openFiles() { // one without a name takes space too
		if strings.HasPrefix(file, directory) {
			t.Errorf("%s is still open", file)
		}
	}

	t.Setenv("TMPDIR", filepath.Join(directory, "missing"))
	var file bytes.Buffer
	summary, err := client.ExportCSV(t.Context(), &file, &orgusers.ExportOptions{MemoryBudget: 64 << 10})
	if !errors.Is(err, fs.ErrNotExist) || file.Len() > 0 || summary.Rows != 0 {
		t.Errorf("got %+v, %d bytes and the error %v, want none without a directory for temporary files", summary, file.Len(), err)
	}
}

// openFiles returns the paths of the files that this process has open, if the
// system lists them.
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

func panics() bool { panic("a callback") }

func TestExportFilter(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithUsers(250))
	all := slices.SortedFunc(slices.Values(expected(server.Users())), byEmail)
	pending := func(u *orgusers.User) bool { return u.Status == orgusers.StatusPending }
	var asked, shown []*orgusers.User
	var file bytes.Buffer
	summary, err := fakeClient(t, server).ExportCSV(t.Context(), &file, &orgusers.ExportOptions{
		Filter:  func(u *orgusers.User) bool { asked = append(asked, u); return pending(u) },
		Columns: []orgusers.Column{columnOf("a", func(u *orgusers.User) string { shown = append(shown, u); return "" })},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := diffUsers(all, asked) + diffUsers(onlyIf(all, pending), shown); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	checkSummary(t, summary, orgusers.ExportSummary{Rows: len(shown), Users: 250, Bytes: int64(file.Len())})
}

func TestExportProgress(t *testing.T) {
	t.Parallel()
	for count, opts := range map[int][]orguserstest.Option{2345: nil, -1: {orguserstest.WithoutCount()}} {
		t.Run(fmt.Sprintf("a count of %d", count), func(t *testing.T) {
			t.Parallel()
			var calls []orgusers.ExportProgress
			summary, err := fakeClient(t, startFake(t, append(opts, orguserstest.WithUsers(2345))...)).ExportCSV(t.Context(), io.Discard, &orgusers.ExportOptions{
				Filter:   func(u *orgusers.User) bool { return u.Status == orgusers.StatusAccepted },
				Progress: func(p orgusers.ExportProgress) { calls = append(calls, p) },
			})
			if err != nil {
				t.Fatal(err)
			}
			var before orgusers.ExportProgress
			for _, p := range calls {
				if p.Users < before.Users || p.Rows < before.Rows || p.Count != count {
					t.Errorf("after %+v came %+v, want a count of %d", before, p, count)
				}
				before = p
			}
			if want := (orgusers.ExportProgress{Users: 2345, Count: count, Rows: summary.Rows}); before != want || len(calls) < 24 {
				t.Errorf("the last of %d is %+v, want %+v", len(calls), before, want)
			}
		})
	}
}

func TestExportThatFailsWritesNothing(t *testing.T) {
	t.Parallel()
	const rolesPath = "/v3/organizations/{organization_uid}/roles"
	midway := func(e orguserstest.Effect) []orguserstest.Option {
		return []orguserstest.Option{orguserstest.WithFault(orguserstest.Fault{Path: sharePath, Skip: 3, Effect: e})}
	}
	tests := []struct {
		name string
		opts []orguserstest.Option
		want error
	}{
		{"the server fails", midway(orguserstest.Status(500)), orgusers.ErrServer},
		{"a page is not JSON", midway(orguserstest.HTML(200)), orgusers.ErrServer},
		{"a page is empty", midway(orguserstest.EmptyPage()), orgusers.ErrIncomplete},
		{"the session ends", midway(orguserstest.Status(401)), orgusers.ErrUnauthorized},
		{"roles cannot be read", []orguserstest.Option{orguserstest.WithRoleUIDs(), orguserstest.WithFault(orguserstest.Fault{Path: rolesPath, Effect: orguserstest.Status(403)})}, orgusers.ErrForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, append(tt.opts, orguserstest.WithUsers(950))...)
			var file bytes.Buffer
			summary, err := fakeClient(t, server).ExportCSV(t.Context(), &file, nil)
			if !errors.Is(err, tt.want) || file.Len() > 0 || !strings.Contains(err.Error(), "nothing was written") {
				t.Errorf("got %d bytes and the error %v, want %v", file.Len(), err, tt.want)
			}
			if summary.Rows != 0 || summary.Bytes != 0 || summary.Users >= 950 {
				t.Errorf("the summary is %+v", summary)
			}
		})
	}
}

func TestExportOptionsThatAreRefused(t *testing.T) {
	t.Parallel()
	column := constant("empty", "")
	for name, tt := range map[string]struct {
		opts orgusers.ExportOptions
		says string
	}{
		"a quote as separator":           {orgusers.ExportOptions{Comma: '"'}, "separator"},
		"a line feed as separator":       {orgusers.ExportOptions{Comma: '\n'}, "separator"},
		"a carriage return as separator": {orgusers.ExportOptions{Comma: '\r'}, "separator"},
		"the replacement character":      {orgusers.ExportOptions{Comma: '\ufffd'}, "separator"},
		"a negative separator":           {orgusers.ExportOptions{Comma: -1}, "separator"},
		"a surrogate as separator":       {orgusers.ExportOptions{Comma: 0xd800}, "separator"},
		"no columns":                     {orgusers.ExportOptions{Columns: []orgusers.Column{}}, "no column"},
		"a column without Value":         {orgusers.ExportOptions{Columns: []orgusers.Column{column, {Header: "b"}}}, `column 2, "b"`},
		"an unknown sort":                {orgusers.ExportOptions{Sort: orgusers.Sort{By: "shoe_size"}}, "shoe_size"},
		"a negative budget":              {orgusers.ExportOptions{MemoryBudget: -1}, "negative"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t)
			summary, err := fakeClient(t, server).ExportCSV(t.Context(), io.Discard, &tt.opts)
			if !errors.Is(err, orgusers.ErrInvalid) || !strings.Contains(err.Error(), tt.says) || summary == nil {
				t.Errorf("got %v and the error %v, want ErrInvalid that says %q", summary, err, tt.says)
			}
			if got := len(server.Requests()); got != 0 {
				t.Errorf("%d requests were sent", got)
			}
		})
	}
}

// content returns the names in a directory, and what can be read there.
func content(t *testing.T, directory string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, entry := range entries {
		data, _ := os.ReadFile(filepath.Join(directory, entry.Name()))
		files[entry.Name()] = string(data)
	}
	return files
}

// occupied returns a directory with a file, a link to it, a link to nothing,
// a directory and a directory that cannot be written.
func occupied(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	at := func(name string) string { return filepath.Join(directory, name) }
	if err := errors.Join(
		os.WriteFile(at("users.csv"), []byte("old"), 0o644),
		os.Symlink("users.csv", at("link.csv")),
		os.Symlink(at("users.csv"), at("absolute.csv")),
		os.Symlink("nothing", at("dangling.csv")),
		os.Mkdir(at("directory"), 0o755),
		os.Mkdir(at("locked"), 0o555),
	); err != nil {
		t.Fatal(err)
	}
	return directory
}

func TestExportCSVFile(t *testing.T) {
	t.Parallel()
	client := fakeClient(t, startFake(t, orguserstest.WithUsers(150)))
	want := export(t, client, nil)
	longest := strings.Repeat("n", 251) + ".csv"
	for _, tt := range []struct {
		name, path, target string
	}{
		{"a new file", "new.csv", "new.csv"},
		{"an existing file", "users.csv", "users.csv"},
		{"a link", "link.csv", "users.csv"},
		{"an absolute link", "absolute.csv", "users.csv"},
		{"the longest name", longest, longest},
		{"a name with a pattern", "*", "*"},
		{"a long name of wide letters", strings.Repeat("é", 127), strings.Repeat("é", 127)},
		{"a hidden file", ".csv", ".csv"},
		{"a long name that is hidden", "." + strings.Repeat("n", 254), "." + strings.Repeat("n", 254)},
		{"a name of blanks", "  ", "  "},
	} {
		for _, old := range []string{"old", want + want} {
			t.Run(fmt.Sprintf("%s, %d bytes before", tt.name, len(old)), func(t *testing.T) {
				t.Parallel()
				directory := occupied(t)
				target := filepath.Join(directory, tt.target)
				if err := os.WriteFile(target, []byte(old), 0o644); err != nil {
					t.Fatal(err)
				}
				if tt.name == "a new file" {
					if err := os.Remove(target); err != nil {
						t.Fatal(err)
					}
				}
				files := content(t, directory)
				files[tt.target], files[tt.path] = want, want
				if tt.target == "users.csv" {
					files["link.csv"], files["absolute.csv"] = want, want
				}
				summary, err := client.ExportCSVFile(t.Context(), filepath.Join(directory, tt.path), nil)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(files, content(t, directory)); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				checkSummary(t, summary, orgusers.ExportSummary{Rows: 150, Users: 150, Bytes: int64(len(want))})
				if info, err := os.Lstat(target); err != nil || info.Mode() != 0o600 {
					t.Errorf("the file has mode %v, %v", info.Mode(), err)
				}
			})
		}
	}
}

func TestExportCSVFileThatFails(t *testing.T) {
	t.Parallel()
	none, midway := orguserstest.Reset(), orguserstest.Status(500)
	quote := orgusers.ExportOptions{Comma: '"'}
	for _, tt := range []struct {
		name, path string
		opts       orgusers.ExportOptions
		fault      orguserstest.Effect
		want       error
		requests   bool
	}{
		{"the server fails midway", "users.csv", orgusers.ExportOptions{}, midway, orgusers.ErrServer, true},
		{"the list is not complete", "users.csv", orgusers.ExportOptions{}, orguserstest.EmptyPage(), orgusers.ErrIncomplete, true},
		{"a new file, and the server fails", "new.csv", orgusers.ExportOptions{}, midway, orgusers.ErrServer, true},
		{"an option is refused", "users.csv", quote, none, orgusers.ErrInvalid, false},
		{"a directory", "directory", orgusers.ExportOptions{}, none, orgusers.ErrInvalid, false},
		{"the directory itself", ".", orgusers.ExportOptions{}, none, orgusers.ErrInvalid, false},
		{"a link to nothing", "dangling.csv", orgusers.ExportOptions{}, none, orgusers.ErrInvalid, false},
		{"a missing directory", "missing/users.csv", orgusers.ExportOptions{}, none, fs.ErrNotExist, false},
		{"a file as directory", "users.csv/users.csv", orgusers.ExportOptions{}, none, nil, false}, // the error differs between systems
		{"a name that is too long", strings.Repeat("n", 256), orgusers.ExportOptions{}, none, nil, false},
		{"a locked directory", "locked/users.csv", orgusers.ExportOptions{}, none, fs.ErrPermission, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if filepath.Dir(tt.path) == "locked" && os.Geteuid() == 0 {
				t.Skip("root can write everywhere")
			}
			server := startFake(t, orguserstest.WithUsers(450), orguserstest.WithFault(orguserstest.Fault{Path: sharePath, Skip: 2, Effect: tt.fault}))
			directory := occupied(t)
			before := content(t, directory)
			summary, err := fakeClient(t, server).ExportCSVFile(t.Context(), filepath.Join(directory, tt.path), &tt.opts)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) || summary == nil {
				t.Errorf("got %v and the error %v, want %v", summary, err, tt.want)
			}
			if diff := cmp.Diff(before, content(t, directory)); diff != "" {
				t.Errorf("-before +after:\n%s", diff)
			}
			if sent := len(server.Requests()) > 0; sent != tt.requests {
				t.Errorf("requests were sent: %v", sent)
			}
		})
	}
}

// TestExportCSVFileToASocket uses a socket because without the check a device
// would be replaced by a file.
func TestExportCSVFileToASocket(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "socket")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Skip("no sockets on this system: ", err)
	}
	defer listener.Close()
	for _, path := range []string{"", socket} {
		if _, err := fakeClient(t, startFake(t)).ExportCSVFile(t.Context(), path, nil); !errors.Is(err, orgusers.ErrInvalid) {
			t.Errorf("%q: got the error %v, want ErrInvalid", path, err)
		}
	}
	if info, err := os.Stat(socket); err != nil || info.Mode().Type() != fs.ModeSocket {
		t.Errorf("the socket has become %v, %v", info, err)
	}
}
