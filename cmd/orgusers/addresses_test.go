package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/orgusers/orgusers/orguserstest"
)

// runTyped runs the program on a fake with a text on stdin.
func runTyped(t *testing.T, server *orguserstest.Server, typed string, args ...string) result {
	t.Helper()
	cmd := command(t, environment(server), args...)
	cmd.Stdin = strings.NewReader(typed)
	return run(t, cmd)
}

// utf16Text encodes a text as Excel does.
func utf16Text(text string, big bool) string {
	var encoded []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		if big {
			encoded = append(encoded, byte(unit>>8), byte(unit))
		} else {
			encoded = append(encoded, byte(unit), byte(unit>>8))
		}
	}
	return string(encoded)
}

func TestAddressFiles(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 0)
	for name, test := range map[string]struct {
		file string
		want []string
	}{
		"lines":                       {"a@example.com\n\n  b@example.com\r\n", []string{"a@example.com", "b@example.com"}},
		"quoted lines":                {"\"a@example.com\"\n\"b c\"@example.com\n", []string{"a@example.com", `"b c"@example.com`}},
		"a guarded line":              {"'-x@example.com\n'+y@example.com\n", []string{"-x@example.com", "+y@example.com"}},
		"lines that end with CR only": {"a@example.com\rb@example.com\r", []string{"a@example.com", "b@example.com"}},
		"a table that ends with CR":   {"Email,Status\ra@example.com,pending\r", []string{"a@example.com"}},
		"a table of a spreadsheet":    {"\ufeffE-Mail Address;Status\r\na@example.com;accepted\r\n  ; \r\n;\r\n   \r\n", []string{"a@example.com"}},
		"a separator line":            {"sep=;\r\nMail;First Name\r\na@example.com;A,B\r\n", []string{"a@example.com"}},
		"a quoted separator line":     {"\"sep=|\"\nemail|Last Name\na@example.com|B\n", []string{"a@example.com"}},
		"UTF-16":                      {utf16Text("User Email\tFirst Name\r\na@example.com\tŽofie\r\n", false), []string{"a@example.com"}},
		"big-endian UTF-16":           {utf16Text("a@example.com\r\n", true), []string{"a@example.com"}},
		"guarded cells":               {"email\n'+a@example.com\n", []string{"+a@example.com"}},
		"two cases":                   {"a@example.com\nA@EXAMPLE.com\n", []string{"a@example.com"}},
		"one cell with a header":      {"Mail\na@example.com\n", []string{"a@example.com"}},
		"an address with a brace":     {"{a}@example.com\n", []string{"{a}@example.com"}},
		"the owner of the export":     {"Email,Organization Roles,Status,Invited By\na@example.com,Owner,accepted,b@example.com\n", []string{"a@example.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := runTyped(t, server, test.file, "invitations", "withdraw", "--file", "-", "--output", "json")
			result.expect(t, 0)
			if strings.Contains(result.stderr, "not read") {
				t.Errorf("stderr is %s", result.stderr)
			}
			want := map[string]string{}
			for _, email := range test.want {
				want[email] = "skipped not_in_organization"
			}
			if got := result.statuses(t); !maps.Equal(got, want) {
				t.Errorf("outcomes %v, want %v", got, want)
			}
		})
	}
}

func TestWrongAddressFiles(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 0)
	for name, test := range map[string]struct{ file, says string }{
		"a name":                     {"a@example.com\nAda Lovelace\n", `stdin line 2: "Ada Lovelace" is not a valid email address`},
		"a name and an address":      {"Ada <a@example.com>\na@example.com\n", `"Ada <a@example.com>" has more than an address: leave out the name`},
		"only names and addresses":   {"Ada <a@example.com>\n", "correct this first:\n  stdin line 1: \"Ada <a@example.com>\" has more"},
		"an invisible character":     {"a@example.com\u200b\n", `"a@example.com\u200b" is not a valid`},
		"names only":                 {"Names\nAda\n", `is "Names" the header of another column?`},
		"a comment":                  {"# left in May\na@example.com\n", "stdin line 1: the line begins with #, but there are no comments"},
		"an address as a comment":    {"a@example.com\n#b@example.com\n", "stdin line 2: the line begins with #"},
		"a comment in a table":       {"Email,Status\na@example.com,pending\n#b@example.com,pending\n# end\n", "line 4: the line begins with #"},
		"no column of addresses":     {"\n \nname;team\nAda;web\n", `stdin line 3: a table needs a header with a column of addresses, such as Email; the columns found are "name", "team"`},
		"no header":                  {"a@example.com,admin\n", `the columns found are "a@example.com", "admin"`},
		"two columns of addresses":   {"Email,Mail\na@example.com,b@example.com\n", "two columns have the same meaning"},
		"a row that is too long":     {"Email,Status\na@example.com,pending,x\n", "stdin line 2: there are 3 cells, and 2 in the header"},
		"an empty address":           {"Email,Status\n,pending\n", "stdin line 2: an address is empty"},
		"an open quote":              {"Email,Status\n\"a@example.com,pending\n", "stdin line 2: "},
		"a header only":              {"Email,Status\n", "there is no address in stdin"},
		"nothing":                    {"", "there is no address in stdin"},
		"JSON":                       {`[{"email":"a@example.com"}]`, "stdin is another kind of JSON"},
		"half a JSON":                {"[\n{\"email\":\"a@example.com\"},\n", "another kind of JSON"},
		"a list of the review":       {ticks("", "a@example.com"), "another kind of JSON: give one address on each line"},
		"a spreadsheet":              {"PK\x03\x04\x14\x00\xff", `save a spreadsheet as "CSV UTF-8"`},
		"letters of another kind":    {"Email,First Name\na@example.com,Andr\xe9\n", "is not a text in UTF-8 or UTF-16"},
		"half a letter of UTF-16":    {"\xff\xfea\x00b", "is not a text in UTF-8 or UTF-16"},
		"UTF-16 without its mark":    {"a\x00@\x00b\x00", "is not a text in UTF-8 or UTF-16"},
		"more mistakes than a human": {"a@example.com\n" + strings.Repeat("nobody\n", 30), "stdin line 21: \"nobody\" is not a valid email address\n  and 10 more"},
		"a column that is not read":  {"Email,Decision\na@example.com,keep\n", `stdin has columns that are not read: "Decision"`},
		"a status that is a verdict": {"Email,Status\na@example.com,keep\n", `columns that are not read: "Status"`},
		"a column for terminals":     {"Email,\"\x1b[2J\u202e\"\na@example.com,x\n", `"\x1b[2J\u202e"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := runTyped(t, server, test.file, "invitations", "withdraw", "--file", "-", "--apply")
			result.expect(t, 2, test.says)
		})
	}
	t.Run("no file", func(t *testing.T) {
		t.Parallel()
		runOn(t, server, "invitations", "withdraw", "--file", "leavers.csv").expect(t, 2, "--file: open leavers.csv: no such file")
		runOn(t, server, "invitations", "withdraw", "--file", "").expect(t, 2, "the name of the file is empty")
		runOn(t, server, "invitations", "withdraw", "--email", "Ada Lovelace,,a@example.com").expect(t, 2, `--email: "Ada Lovelace" is not a valid email address`, "--email: an address is empty")
		runOn(t, server, "invitations", "withdraw", "--email", "a@example.com; b@example.com").expect(t, 2, "separate addresses with commas")
	})
	t.Cleanup(func() {
		if sent := server.Requests(); len(sent) > 0 {
			t.Errorf("it sent %s %s before it looked at its input", sent[0].Method, sent[0].Path)
		}
	})
}

func TestUnreadColumnsAreNamed(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 1)
	cmd := command(t, environment(server), "invitations", "resend", "--email", "pending@example.com", "--file", "sheet.csv")
	writeFile(t, filepath.Join(cmd.Dir, "sheet.csv"), "Team;Email;Decision;\nweb;member0@example.com;keep;\n")
	result := run(t, cmd)
	result.expect(t, 0, `sheet.csv: columns that are not read: "Team", "Decision"`, "pending@example.com  would be resent", "member0@example.com  skipped          not pending")
}

func TestExportIsAnAddressFile(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 2)
	for _, format := range [][]string{nil, {"--separator", "tab", "--bom"}, {"--csdx", "--keep-formulas"}, {"--columns", "status,email"}} {
		file := runOn(t, server, append([]string{"users", "export"}, format...)...).stdout
		result := runTyped(t, server, file, "invitations", "resend", "--file", "-", "--output", "json", "--apply")
		result.expect(t, 0)
		var want []string
		for _, u := range server.Users() {
			want = append(want, u.Email)
		}
		if got := slices.Sorted(maps.Keys(result.statuses(t))); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("%q: outcomes for %q, want %q", format, got, want)
		}
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// ticks is a list as the review saves it.
func ticks(organizationUID string, emails ...string) string {
	text, err := json.Marshal(map[string]any{"version": 1, "organization_uid": organizationUID, "read_at": "2026-03-13T12:00:00Z", "remove": emails})
	if err != nil {
		panic(err)
	}
	return string(text)
}
