package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// newAged starts a fake in which some users were seen and some were not.
func newAged(t *testing.T, options ...orguserstest.Option) *orguserstest.Server {
	t.Helper()
	now := time.Now()
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	server := orguserstest.NewServer(append(options, orguserstest.WithReferenceDate(now), orguserstest.WithPeople(
		orguserstest.Person{Email: "owner@example.com", FirstName: "Ona", LastName: "O", Owner: true, CreatedAt: ago(900), LastLogin: ago(800)},
		orguserstest.Person{Email: "admin@example.com", FirstName: "Ada", LastName: "A", Roles: []string{"Admin"}, CreatedAt: ago(900), LastLogin: ago(700), MFA: true},
		orguserstest.Person{Email: "old@example.org", FirstName: "Oldo", LastName: hostile, CreatedAt: ago(900), LastLogin: ago(400)},
		orguserstest.Person{Email: "-never@example.com", FirstName: "Neva", LastName: "N", Roles: []string{"Security Manager", "Member"}, CreatedAt: ago(900)},
		orguserstest.Person{Email: "joined@example.com", FirstName: "Jo", LastName: "J", CreatedAt: ago(2), LastLogin: ago(600)},
		orguserstest.Person{Email: "waiting@example.com", Pending: true, CreatedAt: ago(900)},
	))...)
	t.Cleanup(server.Close)
	return server
}

// listed returns the addresses of users list.
func listed(t *testing.T, server *orguserstest.Server, args ...string) []string {
	t.Helper()
	result := runOn(t, server, append([]string{"users", "list", "--output", "json"}, args...)...)
	result.expect(t, 0)
	var document struct{ Users []*orgusers.User }
	if err := json.Unmarshal([]byte(result.stdout), &document); err != nil || document.Users == nil {
		t.Fatalf("%v: %s", err, result.stdout)
	}
	emails := []string{}
	for _, u := range document.Users {
		emails = append(emails, strings.TrimSuffix(u.Email, "@example.com"))
	}
	return emails
}

func TestUsersListFilters(t *testing.T) {
	t.Parallel()
	server := newAged(t)
	for name, test := range map[string]struct {
		args []string
		want []string
	}{
		"all":            {nil, []string{"-never", "admin", "joined", "old@example.org", "owner", "waiting"}},
		"sorted":         {[]string{"--sort", "first-name", "--descending", "--status", "accepted"}, []string{"owner", "old@example.org", "-never", "joined", "admin"}},
		"a name":         {[]string{"--search", "oLD"}, []string{"old@example.org"}},
		"an address":     {[]string{"--search", "@example.O"}, []string{"old@example.org"}},
		"pending":        {[]string{"--status", "pending"}, []string{"waiting"}},
		"roles":          {[]string{"--role", "ADMIN, owner", "--role", "security manager"}, []string{"-never", "admin", "owner"}},
		"a role by uid":  {[]string{"--role", server.RoleUID("Admin")}, []string{"admin"}},
		"domains":        {[]string{"--domain", "@Example.org,example.net"}, []string{"old@example.org"}},
		"MFA":            {[]string{"--mfa", "on"}, []string{"admin"}},
		"no MFA":         {[]string{"--mfa", "off", "--domain", "example.org"}, []string{"old@example.org"}},
		"not seen":       {[]string{"--not-seen-for", "365"}, []string{"-never", "admin", "old@example.org", "owner"}},
		"all of them":    {[]string{"--not-seen-for", "365", "--role", "member", "--domain", "example.com"}, []string{"-never"}},
		"nobody, a list": {[]string{"--not-seen-for", "36500"}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := listed(t, server, test.args...); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestUsersListAndGet(t *testing.T) {
	t.Parallel()
	server := newAged(t, orguserstest.WithRoleUIDs())
	runOn(t, server, "users", "list").expect(t, 0, "EMAIL ", "-never@example.com   Neva N ", "security manager; member  accepted", "Ada A ", "yes  ", "old@example.org      Oldo =cmd")
	runOn(t, server, "users", "list", "--output", "csv").expect(t, 0, "Email,Name,Roles,Status,MFA,Last seen\n", "'-never@example.com,Neva N,")
	runOn(t, server, "users", "list", "--output", "json", "--search", "oldo").expect(t, 0, `Next & \"<b>`, `"name": "member"`)
	runOn(t, server, "users", "get", "OLD@example.org").expect(t, 0, "Email               old@example.org\n", "Last seen           ", "Organization roles  member")
	result := runOn(t, server, "users", "get", "waiting@example.com", "--output", "json")
	result.expect(t, 0, `"status": "pending"`, server.OrganizationUID)
	runOn(t, server, "users", "get", "nobody@example.com").expect(t, 1, `no user and no invitation of the organization has the address "nobody@example.com"`)
}

func TestUsersMisuse(t *testing.T) {
	t.Parallel()
	server := newAged(t)
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"a name for an address":    {[]string{"get", "Ada A"}, `"Ada A" is not a valid email address; 'orgusers users list --search TEXT'`},
		"no address":               {[]string{"get"}, "want one ADDRESS as the argument, not 0"},
		"a role":                   {[]string{"list", "--role", "editor"}, `--role: there is no organization role "editor"; there are "admin", "member"`},
		"a status":                 {[]string{"list", "--status", "lost"}, "want accepted or pending"},
		"MFA":                      {[]string{"list", "--mfa", "yes"}, "want on or off"},
		"a domain":                 {[]string{"export", "--domain", "a@example.com"}, "want a domain such as example.com"},
		"an empty domain":          {[]string{"export", "--domain", ","}, "want a domain"},
		"no days":                  {[]string{"export", "--not-seen-for", "0"}, "1 to 36500"},
		"days in the future":       {[]string{"list", "--not-seen-for", "-1"}, "1 to 36500"},
		"pending and not seen":     {[]string{"list", "--not-seen-for", "9", "--status", "pending"}, "not pending"},
		"a field":                  {[]string{"list", "--sort", "age"}, `--sort "age": want email, first-name`},
		"a column":                 {[]string{"export", "--columns", "email,shoe-size"}, `there is no column "shoe-size"; there are email, first-name`},
		"columns and csdx":         {[]string{"export", "--columns", "email", "--csdx"}, "[columns csdx]"},
		"a column of access":       {[]string{"export", "--columns", "teams"}, `the column "teams" needs --with-access`},
		"access and csdx":          {[]string{"export", "--with-access", "--csdx"}, "[csdx with-access]"},
		"a separator":              {[]string{"export", "--separator", "||"}, "one character"},
		"JSON and columns":         {[]string{"export", "--output", "json", "--columns", "email"}, "--columns is for CSV"},
		"JSON and a separator":     {[]string{"export", "--output", "json", "--separator", ","}, "--separator is for CSV"},
		"a table":                  {[]string{"export", "--output", "table"}, "writes CSV or JSON"},
		"a file without a name":    {[]string{"export", "-o", ""}, "the name of the file is empty"},
		"a directory":              {[]string{"export", "-o", "."}, ". is not a regular file"},
		"a directory for the JSON": {[]string{"export", "-o", ".", "--output", "json"}, ".: not a regular file"},
		"no directory":             {[]string{"export", "-o", "nowhere/users.csv"}, "no file can be created in the directory of nowhere/users.csv: no such file"},
		"no directory of the JSON": {[]string{"export", "-o", "nowhere/users.json", "--output", "json"}, "nowhere/users.json: no file can be created in its directory: no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runOn(t, server, append([]string{"users"}, test.args...)...).expect(t, 2, test.says)
		})
	}
}

func TestUsersExport(t *testing.T) {
	t.Parallel()
	server := newAged(t)
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"the default":   {nil, "Email,First Name,Last Name,Organization Roles,Status,MFA,Invited By,Invited At,Last Login At,User UID,Created At,Updated At\n'-never@example.com,Neva,N,"},
		"columns":       {[]string{"--columns", "status, Email", "--sort", "last-name"}, "Status,Email\naccepted,old@example.org\naccepted,admin@example.com\n"},
		"formulas":      {[]string{"--columns", "email", "--keep-formulas", "--output", "csv"}, "Email\n-never@example.com\n"},
		"a spreadsheet": {[]string{"--columns", "email,mfa", "--bom", "--separator", ";", "--mfa", "on"}, "\ufeffEmail;MFA\nadmin@example.com;verified\n"},
		"tabs":          {[]string{"--columns", "email,mfa", "--separator", "tab", "--role", "owner"}, "Email\tMFA\nowner@example.com\t\n"},
		"nobody":        {[]string{"--columns", "email", "--domain", "example.net"}, "Email\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := runOn(t, server, append([]string{"users", "export"}, test.args...)...)
			if result.status != 0 || !strings.HasPrefix(result.stdout, test.want) || !strings.Contains(result.stderr, " to stdout in ") {
				t.Errorf("exit status %d, stderr %s, stdout is\n%q\nwant\n%q", result.status, result.stderr, result.stdout, test.want)
			}
		})
	}
}

func TestUsersExportCSDX(t *testing.T) {
	t.Parallel()
	date := func(month time.Month, day int) time.Time { return time.Date(2024, month, day, 12, 0, 0, 0, time.UTC) }
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "owner@example.com", Owner: true, CreatedAt: date(1, 2), UpdatedAt: date(1, 3)},
		orguserstest.Person{Email: "admin@example.com", Roles: []string{"Admin"}, InvitedBy: "owner@example.com", CreatedAt: date(2, 3), UpdatedAt: date(11, 30)},
		orguserstest.Person{Email: "none@example.com", Pending: true, Roles: []string{}, CreatedAt: date(3, 4), UpdatedAt: date(3, 5)},
	))
	t.Cleanup(server.Close)
	result := runOn(t, server, "users", "export", "--csdx", "--keep-formulas", "--sort", "created")
	result.expect(t, 0)
	want := strings.NewReplacer("OWNER", uidOf(server, "owner@example.com"), "ADMIN", uidOf(server, "admin@example.com"), "NONE", uidOf(server, "none@example.com")).Replace(`Email,User UID,Organization Role,Status,Invited By,Created Time,Updated Time
owner@example.com,OWNER,Owner,accepted,System,01/02/2024,01/03/2024
admin@example.com,ADMIN,admin,accepted,owner@example.com,02/03/2024,11/30/2024
none@example.com,NONE,No Role,pending,System,03/04/2024,03/05/2024
`)
	if result.stdout != want {
		t.Errorf("stdout is\n%s\nwant\n%s", result.stdout, want)
	}
}

func uidOf(server *orguserstest.Server, email string) string {
	u, _ := server.User(email)
	return u.UID
}

func TestUsersExportFiles(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"csv", "json"} {
		server := newAged(t)
		cmd := command(t, environment(server), "users", "export", "-o", "link", "--output", format, "--quiet")
		path := filepath.Join(cmd.Dir, "users")
		writeFile(t, path, "before")
		if err := os.Symlink("users", filepath.Join(cmd.Dir, "link")); err != nil {
			t.Fatal(err)
		}
		result := run(t, cmd)
		written, err := os.ReadFile(path)
		if err != nil || result.status != 0 || result.stdout+result.stderr != "" {
			t.Fatalf("%s: %v, %+v", format, err, result)
		}
		switch rows, err := csv.NewReader(strings.NewReader(string(written))).ReadAll(); {
		case format == "csv" && (err != nil || len(rows) != 7):
			t.Errorf("%d rows (%v)", len(rows), err)
		case format == "json" && !strings.Contains(string(written), `"organization": "`+server.OrganizationUID):
			t.Errorf("the file is %s", written)
		}
		server.AddFault(orguserstest.Fault{Path: "/v3/organizations/{organization_uid}/share", Effect: orguserstest.Status(http.StatusForbidden)})
		again := command(t, environment(server), cmd.Args[1:]...)
		again.Dir = cmd.Dir
		run(t, again).expect(t, 1, "must be the owner or an administrator")
		if now, _ := os.ReadFile(path); !bytes.Equal(now, written) {
			t.Errorf("%s: after a failure, the file is %s", format, now)
		}
		expectFiles(t, cmd, "link", "users")
	}
}

func TestUsersExportWithAccess(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 1, orguserstest.WithTeams(orguserstest.Team{Name: "Editors", Members: []string{"member0@example.com"}, Stacks: map[string][]string{"Website": {"Developer", "Content Manager"}}}))
	args := []string{"users", "export", "--with-access", "--domain", "example.com", "--search", "Ber 0"}
	runOn(t, server, append(args, "--columns", "email,stacks,teams,owned-stacks")...).expect(t, 0, "Email,Stacks,Teams,Owned Stacks\n", "member0@example.com,", "Website: ", "Developer (Editors)", ",Editors,\n", "1 user to stdout")
	result := runOn(t, server, append(args, "--output", "json")...)
	result.expect(t, 0)
	if access, _ := result.document(t)["access"].([]any); len(access) != 1 || !strings.Contains(result.stdout, `"name": "Editors"`) {
		t.Errorf("stdout is %s", result.stdout)
	}
	server.AddFault(orguserstest.Fault{Path: "/v3/roles", Effect: orguserstest.Status(http.StatusForbidden)})
	runOn(t, server, args...).expect(t, 1, "the roles of stack \"Website\" (")
}

func TestUsersExportOfTheFake(t *testing.T) {
	t.Parallel()
	result := run(t, command(t, nil, "users", "export", "--fake"))
	rows, err := csv.NewReader(strings.NewReader(result.stdout)).ReadAll()
	if err != nil || len(rows) != 251 || !strings.Contains(result.stderr, "250 users to stdout") || !strings.Contains(result.stderr, "no real user is read or changed") {
		t.Errorf("%d rows (%v), stderr %s", len(rows), err, result.stderr)
	}
	run(t, command(t, nil, "users", "export", "--fake", "--output", "json", "--role", "owner")).expect(t, 0, `"fake": true`)
	cmd := command(t, nil, "users", "export", "--fake")
	pipe(t, cmd)
	if result := run(t, cmd); result.status != 141 {
		t.Errorf("exit status %d", result.status)
	}
}
