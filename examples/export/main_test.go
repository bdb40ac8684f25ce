package main

import (
	"encoding/csv"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orgusers/orgusers/examples/internal/programtest"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestMain(m *testing.M) { programtest.Main(m, main) }

// exporting runs the export to its end and expects it to be done.
func exporting(t *testing.T, environment []string, args ...string) (rows [][]string, stderr string) {
	t.Helper()
	result := programtest.Run(t, programtest.Command(t, environment, args...))
	if result.Status != 0 {
		t.Fatalf("exit status %d: %s", result.Status, result.Stderr)
	}
	return parse(t, result.Stdout), result.Stderr
}

func parse(t *testing.T, text string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// column is the cells of one column, without the header.
func column(t *testing.T, rows [][]string, header string) []string {
	t.Helper()
	at := slices.Index(rows[0], header)
	if at < 0 {
		t.Fatalf("no column %q in %q", header, rows[0])
	}
	var cells []string
	for _, row := range rows[1:] {
		cells = append(cells, row[at])
	}
	return cells
}

func byAddress(a, b string) int {
	if order := strings.Compare(strings.ToLower(a), strings.ToLower(b)); order != 0 {
		return order
	}
	return strings.Compare(a, b)
}

func TestWithoutConfigurationExportsFake(t *testing.T) {
	t.Parallel()
	rows, stderr := exporting(t, nil, "-raw")
	want := "Email,First Name,Last Name,Organization Roles,Status,MFA,Invited By,Invited At,Last Login At,User UID,Created At,Updated At"
	if got := strings.Join(rows[0], ","); got != want {
		t.Errorf("header %s\nwant   %s", got, want)
	}
	emails := column(t, rows, "Email")
	if len(emails) != 2500 {
		t.Errorf("%d rows, want 2500", len(emails))
	}
	if !slices.IsSortedFunc(emails, byAddress) {
		t.Error("the rows are not sorted by address")
	}
	for _, want := range []string{"built-in fake with 2500 made-up users", "2500 users, ", "2500 rows to stdout"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("stderr is %q, want %q in it", stderr, want)
		}
	}
	if lines := strings.Count(stderr, "\n"); lines != 2 {
		t.Errorf("%d lines on stderr, which is no terminal, want 2:\n%s", lines, stderr)
	}
}

func TestSortedBeyondMemory(t *testing.T) {
	t.Parallel()
	cmd := programtest.Command(t, nil, "-users", "40000", "-columns", "email", "-raw")
	result := programtest.Run(t, cmd)
	emails := column(t, parse(t, result.Stdout), "Email")
	if len(emails) != 40000 || !slices.IsSortedFunc(emails, byAddress) {
		t.Errorf("%d rows, sorted %v, want 40000 that are", len(emails), slices.IsSortedFunc(emails, byAddress))
	}
	programtest.ExpectFiles(t, cmd.Dir)
}

func TestColumns(t *testing.T) {
	t.Parallel()
	rows, _ := exporting(t, nil, "-users", "30", "-columns", "status, Email,last-login-at")
	if want := []string{"Status", "Email", "Last Login At"}; !slices.Equal(rows[0], want) {
		t.Errorf("header %q, want %q", rows[0], want)
	}
	if len(rows) != 31 {
		t.Errorf("%d lines, want 31", len(rows))
	}
}

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 12, 0, 0, 0, time.UTC)
}

func TestCSDX(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "owner@example.com", FirstName: "O", LastName: "W", Owner: true, CreatedAt: date(2024, 1, 2), UpdatedAt: date(2024, 1, 3)},
		orguserstest.Person{Email: "admin@example.com", FirstName: "A", LastName: "D", Roles: []string{"Admin"}, InvitedBy: "owner@example.com", CreatedAt: date(2024, 2, 3), UpdatedAt: date(2024, 11, 30)},
		orguserstest.Person{Email: "none@example.com", Pending: true, Roles: []string{}, CreatedAt: date(2025, 3, 4), UpdatedAt: date(2025, 3, 5)},
	))
	t.Cleanup(server.Close)
	rows, _ := exporting(t, programtest.Environment(server), "-csdx", "-sort", "created", "-descending")
	for _, row := range rows[1:] {
		row[1] = "uid" // made up by the fake
		row[2] = strings.ToLower(row[2])
	}
	want := []string{
		"Email,User UID,Organization Role,Status,Invited By,Created Time,Updated Time",
		"none@example.com,uid,no role,pending,System,03/04/2025,03/05/2025",
		"admin@example.com,uid,admin,accepted,owner@example.com,02/03/2024,11/30/2024",
		"owner@example.com,uid,owner,accepted,System,01/02/2024,01/03/2024",
	}
	for i, row := range rows {
		if got := strings.Join(row, ","); got != want[i] {
			t.Errorf("line %d is %s\nwant      %s", i, got, want[i])
		}
	}
	if len(rows) != len(want) {
		t.Errorf("%d lines, want %d", len(rows), len(want))
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	counts := map[string]int{}
	for _, status := range []string{"accepted", "pending"} {
		rows, _ := exporting(t, nil, "-users", "300", "-status", status)
		for _, got := range column(t, rows, "Status") {
			if got != status {
				t.Fatalf("a row is %s, want only %s", got, status)
			}
			counts[status]++
		}
	}
	if counts["accepted"]+counts["pending"] != 300 || counts["pending"] == 0 {
		t.Errorf("%v, want 300 in all, of both", counts)
	}
}

func TestForSpreadsheets(t *testing.T) {
	t.Parallel()
	args := []string{"-users", "1", "-columns", "email,status", "-bom", "-crlf", "-separator"}
	for separator, want := range map[string]string{"tab": "\ufeffEmail\tStatus\r\n", ";": "\ufeffEmail;Status\r\n"} {
		result := programtest.Run(t, programtest.Command(t, nil, append(args, separator)...))
		if !strings.HasPrefix(result.Stdout, want) {
			t.Errorf("-separator %q begins with %q, want %q; %s", separator, result.Stdout, want, result.Stderr)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	programtest.ExpectHelp(t, "-not-seen-for", "With -json -sort created")
}

func TestMisuse(t *testing.T) {
	t.Parallel()
	const token = "CONTENTSTACK_AUTHTOKEN=blt-secret"
	const uid = "CONTENTSTACK_ORGANIZATION_UID=blt1"
	for name, test := range map[string]struct {
		environment []string
		args        []string
		says        string
	}{
		"flag that does not exist":     {nil, []string{"-nonsense"}, "-nonsense"},
		"argument without a flag":      {nil, []string{"users.csv"}, `"users.csv"`},
		"no users":                     {nil, []string{"-users", "0"}, "-users 0"},
		"column that does not exist":   {nil, []string{"-columns", "email,shoe-size"}, `"shoe-size"; there are email, first-name`},
		"columns and csdx":             {nil, []string{"-columns", "email", "-csdx"}, "leave one out"},
		"sort that does not exist":     {nil, []string{"-sort", "age"}, `"age"; there are email, first-name`},
		"status that does not exist":   {nil, []string{"-status", "lost"}, "accepted and pending"},
		"separator that parts nothing": {nil, []string{"-separator", "\""}, "one character"},
		"separator of two characters":  {nil, []string{"-separator", "||"}, "one character"},
		"output without a name":        {nil, []string{"-o", ""}, "-o"},
		"output that is a directory":   {nil, []string{"-o", "."}, "-o .: is a directory"},
		"output that is a device":      {nil, []string{"-o", os.DevNull}, "-o " + os.DevNull + ": exists and is not a regular file: leave -o out, and redirect stdout to it"},
		"days in the future":           {nil, []string{"-not-seen-for", "-1"}, `"-1" for flag -not-seen-for`},
		"no days":                      {nil, []string{"-not-seen-for", "0"}, `"0" for flag -not-seen-for`},
		"JSON and columns":             {nil, []string{"-json", "-columns", "email"}, "-columns is for CSV"},
		"JSON and csdx":                {nil, []string{"-json", "-csdx"}, "-csdx is for CSV"},
		"JSON and byte order mark":     {nil, []string{"-json", "-bom"}, "-bom is for CSV"},
		"JSON and separator":           {nil, []string{"-json", "-separator", ","}, "-separator is for CSV"},
		"JSON and CRLF":                {nil, []string{"-json", "-crlf"}, "-crlf is for CSV"},
		"JSON and formulas":            {nil, []string{"-json", "-raw"}, "-raw is for CSV"},
		"pending and not seen":         {nil, []string{"-not-seen-for", "9", "-status", "pending"}, "never pending"},
		"token alone":                  {[]string{token}, nil, "CONTENTSTACK_ORGANIZATION_UID is not set; put that right, or unset CONTENTSTACK_AUTHTOKEN for the built-in fake\n"},
		"organization alone":           {[]string{uid}, nil, "neither CONTENTSTACK_AUTHTOKEN nor CONTENTSTACK_OAUTH_TOKEN is set; put that right, or unset CONTENTSTACK_ORGANIZATION_UID for"},
		"region alone":                 {[]string{"CONTENTSTACK_REGION=eu"}, nil, "CONTENTSTACK_ORGANIZATION_UID is not set, and neither is CONTENTSTACK_AUTHTOKEN or CONTENTSTACK_OAUTH_TOKEN; put that right, or unset CONTENTSTACK_REGION for"},
		"all but what it needs":        {[]string{"CONTENTSTACK_REGION=eu", "CONTENTSTACK_ORG=blt1"}, nil, "CONTENTSTACK_ORGANIZATION_UID is not set, and neither is CONTENTSTACK_AUTHTOKEN or CONTENTSTACK_OAUTH_TOKEN\n"},
		"token that is empty":          {[]string{uid, "CONTENTSTACK_AUTHTOKEN="}, nil, "neither CONTENTSTACK_AUTHTOKEN nor CONTENTSTACK_OAUTH_TOKEN is set\n"},
		"variable that is none":        {[]string{"CONTENTSTACK_ORG=blt1"}, nil, "unset CONTENTSTACK_ORG for"},
		"region that does not exist":   {[]string{token, uid, "CONTENTSTACK_REGION=moon"}, nil, "CONTENTSTACK_REGION"},
		"users of a real organization": {[]string{token, uid}, []string{"-users", "5"}, "-users is for the built-in fake"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := programtest.Run(t, programtest.Command(t, test.environment, test.args...))
			programtest.ExpectMisuse(t, result, test.says)
			if strings.Contains(result.Stderr, "blt-secret") {
				t.Errorf("stderr has the token: %q", result.Stderr)
			}
			if strings.Contains(result.Stderr, "using") {
				t.Errorf("it went on: %q", result.Stderr)
			}
		})
	}
}

func TestOutputFile(t *testing.T) {
	t.Parallel()
	cmd := programtest.Command(t, nil, "-users", "150", "-columns", "email", "-o", "users.csv")
	result := programtest.Run(t, cmd)
	if result.Status != 0 || result.Stdout != "" {
		t.Fatalf("exit status %d, stdout %q, stderr %q", result.Status, result.Stdout, result.Stderr)
	}
	written, err := os.ReadFile(filepath.Join(cmd.Dir, "users.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if rows := parse(t, string(written)); len(rows) != 151 {
		t.Errorf("%d lines in the file, want 151", len(rows))
	}
	if !strings.Contains(result.Stderr, "150 rows to users.csv") {
		t.Errorf("stderr is %q", result.Stderr)
	}
	programtest.ExpectFiles(t, cmd.Dir, "users.csv")
}

func TestOutputThatIsStdout(t *testing.T) {
	t.Parallel()
	for _, output := range []string{"-", "/dev/stdout"} {
		result := programtest.Run(t, programtest.Command(t, nil, "-users", "3", "-o", output))
		if lines := strings.Count(result.Stdout, "\n"); result.Status != 0 || lines < 4 || !strings.Contains(result.Stderr, "3 rows to stdout") {
			t.Errorf("-o %s: exit status %d, %d lines: %s", output, result.Status, lines, result.Stderr)
		}
	}
}

func TestFailureKeepsFile(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewServer(orguserstest.WithUsers(1000), orguserstest.WithFault(
		orguserstest.Fault{Skip: 3, Effect: orguserstest.Status(http.StatusForbidden)},
	))
	t.Cleanup(server.Close)
	result := programtest.ExpectFileKept(t, programtest.Command(t, programtest.Environment(server), "-o", "users.csv"), "users.csv")
	if !strings.Contains(result.Stderr, "403") {
		t.Errorf("stderr is %q, want the answer", result.Stderr)
	}
	if strings.Contains(result.Stderr, server.AuthToken) {
		t.Errorf("stderr has the token: %q", result.Stderr)
	}
	if !strings.Contains(result.Stderr, "using the organization "+server.OrganizationUID+" at "+server.URL) {
		t.Errorf("stderr does not say whom it talks to: %q", result.Stderr)
	}
}

func TestOrganizationThatIsNone(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewServer()
	t.Cleanup(server.Close)
	environment := append(programtest.Environment(server), "CONTENTSTACK_ORGANIZATION_UID=blt1")
	const remedy = "\nThere is no such organization, or it is in another region: look at CONTENTSTACK_ORGANIZATION_UID and CONTENTSTACK_BASE_URL.\n"
	result := programtest.Run(t, programtest.Command(t, environment))
	if result.Status != 1 || !strings.HasSuffix(result.Stderr, remedy) {
		t.Errorf("exit status %d, stderr %q, want what to do", result.Status, result.Stderr)
	}
}

func TestDirectoryThatIsNone(t *testing.T) {
	t.Parallel()
	result := programtest.Run(t, programtest.Command(t, nil, "-o", "nowhere/users.csv"))
	programtest.ExpectMisuse(t, result, "-o nowhere/users.csv: no file can be made")
}

func TestInterruptLeavesNothing(t *testing.T) {
	t.Parallel()
	programtest.ExpectInterruptLeavesNothing(t, 3, "-o", "users.csv")
}

func TestBrokenPipe(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"-json"}} {
		programtest.ExpectQuietEnd(t, programtest.Command(t, nil, args...))
	}
}

func TestNoColorsOnTerminal(t *testing.T) {
	t.Parallel()
	script, err := exec.LookPath("script") // which makes a terminal
	if err != nil {
		t.Skip(err)
	}
	for _, variable := range []string{"NO_COLOR=", "NO_COLOR=1"} {
		export := programtest.Command(t, nil, "-o", "users.csv")
		cmd := exec.CommandContext(t.Context(), script, "-qec", strings.Join(export.Args, " "), "typescript")
		cmd.Dir, cmd.Env = export.Dir, slices.Concat(export.Env, []string{"TERM=xterm-256color", variable})
		result := programtest.Run(t, cmd)
		if result.Status != 0 || !strings.Contains(result.Stdout, "/2500") {
			t.Fatalf("exit status %d, and there is no bar: %q, %s", result.Status, result.Stdout, result.Stderr)
		}
		if color := regexp.MustCompile(`\x1b\[[0-9;]*m`).FindString(result.Stdout); color != "" {
			t.Errorf("%s: it colors: %q", variable, color)
		}
	}
}
