package addresslist_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/orgusers/orgusers/examples/internal/addresslist"
)

func TestRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file string
		want       []string
		mistake    string
		unread     string
	}{
		{"lines", "a@example.com\n\n  b@example.com\r\n", []string{"a@example.com", "b@example.com"}, "", ""},
		{"a table", "\ufeffEmail;Roles\r\na@example.com;admin\r\n;\r\n", []string{"a@example.com"}, "", ""},
		{"a misspelt column", "email,rolls\na@example.com,admin\n", []string{"a@example.com"}, "", "rolls"},
		{"columns of other programs", "team,email,role,department\nx,a@example.com,admin,\n", []string{"a@example.com"}, "", "department, team"},
		{"a column for terminals", "email,\x1b[2J\na@example.com,\n", []string{"a@example.com"}, "", `"\x1b[2j"`},
		{"a column under two names", "email,roles,role\na@example.com,admin,member\n", nil, "line 1: there are columns called roles and role, which are the same", ""},
		{"a guarded address", "email\n'+a@example.com\n", []string{"+a@example.com"}, "", ""},
		{"twice in two cases", "a@example.com\nA@EXAMPLE.com\n", []string{"a@example.com"}, "", ""},
		{"no address", "a@example.com\nnobody\n", nil, "line 2", ""},
		{"control characters", "email\n\"a\x1b]0;x\x07\"\n", nil, `"a\x1b]0;x\a"`, ""},
		{"a line that is too long", "email\na@example.com,b\n", nil, "line 2", ""},
		{"the same column twice", "email,email\na@example.com,b@example.com\n", nil, "two columns", ""},
		{"JSON", `[{"email":"a@example.com","first_name":"Ada"}]`, nil, "people.csv is JSON: give one address a line", ""},
		{"half a JSON", "[\n{\"email\":\"a@example.com\"},\n", nil, "people.csv is JSON: give one address a line", ""},
		{"lines of JSON", "{\"email\":\"a@example.com\"}\n{\"email\":\"b@example.com\"}\n", nil, "people.csv is JSON: give one address a line", ""},
		{"an address with a brace", "{a}@example.com\n", []string{"{a}@example.com"}, "", ""},
		{"columns without addresses", "name,role\nAda,admin\nGrace,admin\n", nil, "correct these lines:\n  PATH line 1: a file of several columns needs one called email$", ""},
		{"a long line", strings.Repeat("a", 60) + "bc\n", nil, "line 1: \"" + strings.Repeat("a", 60) + "…\" is no", ""},
		{"twenty mistakes", strings.Repeat("nobody\n", 20), nil, "line 20: \"nobody\" is no e-mail address$", ""},
		{"more of them", strings.Repeat("nobody\n", 2504), nil, "line 20: \"nobody\" is no e-mail address\n  and 2484 more$", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "people.csv")
			if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			read := func() *addresslist.List {
				flags := flag.NewFlagSet("test", flag.ContinueOnError)
				list := addresslist.Flags(flags)
				list.Alias("roles", "role")
				if err := flags.Parse([]string{"-file", path}); err != nil {
					t.Fatal(err)
				}
				return list
			}
			once, err := read().Once(t.Context())
			got := addresslist.Emails(once)
			if tt.mistake != "" {
				want := strings.ReplaceAll(tt.mistake, "PATH", path)
				if err == nil || !strings.Contains(err.Error()+"$", want) { // where a $ is the end
					t.Errorf("got %v, want an error that says %q", err, tt.mistake)
				}
				return
			}
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
			entries, err := read().Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if unread := addresslist.Unread(entries, "roles"); unread != tt.unread {
				t.Errorf("unread are %q, want %q", unread, tt.unread)
			}
		})
	}
}
