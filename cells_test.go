package orgusers_test

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// cell exports the one user of an organization with one more column that has
// this text, and reads the text back.
func cell(t *testing.T, client *orgusers.Client, text string, opts orgusers.ExportOptions) string {
	t.Helper()
	opts.Columns = []orgusers.Column{
		{Header: "first", Value: func(*orgusers.User) string { return "first" }},
		{Header: "text", Value: func(*orgusers.User) string { return text }},
	}
	rows := parse(t, export(t, client, &opts))
	if len(rows) != 1 || len(rows[0]) != 2 || rows[0][0] != "first" {
		t.Fatalf("%q came back as %q", text, rows)
	}
	return rows[0][1]
}

func TestCellsThatASpreadsheetWouldRun(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"a word", "Ada", "Ada"},
		{"a sign in the middle", "1+1=2", "1+1=2"},
		{"an address", "a@example.com", "a@example.com"},
		{"equals", "=1+1", "'=1+1"},
		{"equals alone", "=", "'="},
		{"plus", "+49 30 1", "'+49 30 1"},
		{"minus", "-2+3", "'-2+3"},
		{"at", "@SUM(A1)", "'@SUM(A1)"},
		{"tab", "\t=1", "'\t=1"},
		{"tab before a word", "\tAda", "'\tAda"},
		{"carriage return", "\r=1", "'\n=1"},
		{"line feed", "\n=1", "'\n=1"},
		{"both", "\r\n=1", "'\n=1"},
		{"NUL", "\x00=1", "'\x00=1"},
		{"another control character", "\x1b=1", "'\x1b=1"},
		{"full-width equals", "＝1+1", "'＝1+1"},
		{"full-width plus", "＋1", "'＋1"},
		{"full-width minus", "－1", "'－1"},
		{"full-width at", "＠A1", "'＠A1"},
		{"after a blank", " =1", "' =1"},
		{"after many blanks", "     @A1", "'     @A1"},
		{"after a no-break space", "\u00a0=1", "'\u00a0=1"},
		{"after an ideographic space", "\u3000+1", "'\u3000+1"},
		{"after a zero-width space", "\u200b=1", "'\u200b=1"},
		{"after a byte order mark", "\ufeff=1", "'\ufeff=1"},
		{"after a word joiner and a blank", "\u2060 -1", "'\u2060 -1"},
		{"after a mark of direction", "\u202e=1", "'\u202e=1"},
		{"blanks before a word", "  Ada", "  Ada"},
		{"blanks alone", "   ", "   "},
		{"an apostrophe before it", "'=1", "'=1"},
		{"a quote before it", `"=1`, `"=1`},
		{"a line break in the middle", "Ada\nLovelace", "Ada\nLovelace"},
		{"breaks of all kinds in the middle", "a\r\nb\rc\nd", "a\nb\nc\nd"},
		{"letters beyond ASCII", "Łukasz 王 🚀", "Łukasz 王 🚀"},
	}
	server := startFake(t, orguserstest.WithUsers(1))
	client := fakeClient(t, server)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, crlf := range []bool{false, true} {
				if got := cell(t, client, tt.text, orgusers.ExportOptions{CRLF: crlf}); got != tt.want {
					t.Errorf("%q came back as %q, want %q", tt.text, got, tt.want)
				}
			}
			raw := strings.ReplaceAll(strings.ReplaceAll(tt.text, "\r\n", "\n"), "\r", "\n")
			if got := cell(t, client, tt.text, orgusers.ExportOptions{KeepFormulas: true}); got != raw {
				t.Errorf("raw, %q came back as %q", tt.text, got)
			}
		})
	}
}

func TestExportForms(t *testing.T) {
	t.Parallel()
	client := fakeClient(t, startFake(t, orguserstest.WithUsers(1)))
	columns := []orgusers.Column{
		{Header: "a", Value: func(*orgusers.User) string { return "1;2,3" }},
		{Header: "b", Value: func(*orgusers.User) string { return "x\ty" }},
	}
	one := []orgusers.Column{{Header: "a", Value: func(*orgusers.User) string { return "" }}}
	tests := []struct {
		name string
		opts orgusers.ExportOptions
		want string
	}{
		{"plain", orgusers.ExportOptions{Columns: columns}, "a,b\n\"1;2,3\",x\ty\n"},
		{"a byte order mark", orgusers.ExportOptions{Columns: columns, BOM: true}, "\ufeffa,b\n\"1;2,3\",x\ty\n"},
		{"rows as on Windows", orgusers.ExportOptions{Columns: columns, CRLF: true}, "a,b\r\n\"1;2,3\",x\ty\r\n"},
		{"semicolons", orgusers.ExportOptions{Columns: columns, Comma: ';'}, "a;b\n\"1;2,3\";x\ty\n"},
		{"tabs", orgusers.ExportOptions{Columns: columns, Comma: '\t'}, "a\tb\n1;2,3\t\"x\ty\"\n"},
		{"another separator", orgusers.ExportOptions{Columns: columns, Comma: '·'}, "a·b\n1;2,3·x\ty\n"},
		{"one empty cell", orgusers.ExportOptions{Columns: one}, "a\n\"\"\n"},
		{"one empty cell as on Windows", orgusers.ExportOptions{Columns: one, CRLF: true}, "a\r\n\"\"\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := export(t, client, &tt.opts); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Odd names and addresses come back as they are, whatever the form.
func TestExportIsReadBack(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithUsers(400))
	client := fakeClient(t, server)
	users := expected(server.Users())
	slices.SortFunc(users, byEmail)
	columns := orgusers.DefaultColumns()
	want := make([][]string, len(users))
	for i, u := range users {
		for _, column := range columns {
			want[i] = append(want[i], strings.ReplaceAll(column.Value(u), "\r\n", "\n"))
		}
	}
	for name, opts := range map[string]orgusers.ExportOptions{
		"plain":      {KeepFormulas: true},
		"CRLF":       {KeepFormulas: true, CRLF: true},
		"semicolons": {KeepFormulas: true, Comma: ';'},
		"tabs":       {KeepFormulas: true, Comma: '\t', BOM: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reader := csv.NewReader(bytes.NewReader([]byte(strings.TrimPrefix(export(t, client, &opts), "\ufeff"))))
			if opts.Comma != 0 {
				reader.Comma = opts.Comma
			}
			got, err := reader.ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got[1:]); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestExportOfOneEmptyColumnHasAllRows(t *testing.T) {
	t.Parallel()
	client := fakeClient(t, startFake(t, orguserstest.WithUsers(130)))
	file := export(t, client, &orgusers.ExportOptions{Columns: []orgusers.Column{{Header: "note", Value: func(*orgusers.User) string { return "" }}}})
	if rows := parse(t, file); len(rows) != 130 {
		t.Errorf("%d rows come back, want 130", len(rows))
	}
}
