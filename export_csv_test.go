package orgusers_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestExportGolden(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]*orgusers.ExportOptions{
		"export.golden.csv":      nil,
		"export-raw.golden.csv":  {KeepFormulas: true, BOM: true, CRLF: true, Comma: ';'},
		"export-csdx.golden.csv": {Columns: orgusers.CSDXColumns()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := export(t, fakeClient(t, startFake(t, orguserstest.WithUsers(40), orguserstest.WithSeed(7))), opts)
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
				t.Errorf("if this is intended, run go test -run %s -update .\n-want +got:\n%s", t.Name(), diff)
			}
		})
	}
}

func TestCellsThatASpreadsheetWouldRun(t *testing.T) {
	t.Parallel()
	// defused and kept are cells that get an apostrophe, and that get none.
	defused := map[string]string{
		"equals":                       "=1+1",
		"equals alone":                 "=",
		"plus":                         "+49 30 1",
		"minus":                        "-2+3",
		"at":                           "@SUM(A1)",
		"tab":                          "\t=1",
		"tab before a word":            "\tAda",
		"carriage return":              "\r=1",
		"line feed":                    "\n=1",
		"carriage return, line feed":   "\r\n=1",
		"NUL":                          "\x00=1",
		"escape":                       "\x1b=1",
		"C1 control character":         "\u0085=1",
		"full-width equals":            "＝1+1",
		"full-width plus":              "＋1",
		"full-width minus":             "－1",
		"full-width at":                "＠A1",
		"small equals":                 "\ufe66A1",
		"small plus":                   "\ufe62A1",
		"small minus":                  "\ufe63A1",
		"small at":                     "\ufe6bA1",
		"superscript equals":           "\u207cA1",
		"subscript plus":               "\u208aA1",
		"superscript minus":            "\u207bA1",
		"minus sign":                   "\u2212A1",
		"two equals in one character":  "\u2a75A1",
		"Hebrew plus":                  "\ufb29A1",
		"blank":                        " =1",
		"many blanks":                  "     @A1",
		"no-break space":               "\u00a0=1",
		"ideographic space":            "\u3000+1",
		"zero-width space":             "\u200b=1",
		"byte order mark":              "\ufeff=1",
		"word joiner and a blank":      "\u2060 -1",
		"mark of direction":            "\u202e=1",
		"variation selector 16":        "\ufe0f=1",
		"variation selector 1":         "\ufe00\ufe66",
		"variation selector 17":        "\U000e0100@A1",
		"Mongolian variation selector": "\u180b+1",
		"Mongolian vowel separator":    "\u180e=1",
		"combining grapheme joiner":    "\u034f=1",
		"combining accent":             "\u0301=1",
		"Hangul filler":                "\u3164=1",
		"half-width Hangul filler":     "\uffa0=1",
		"empty Braille pattern":        "\u2800=1",
		"tag character":                "\U000e0041=1",
		"ignorable without a meaning":  "\U000e0fff=1",
	}
	kept := map[string]string{
		"empty":                      "",
		"word":                       "Ada",
		"sign in the middle":         "1+1=2",
		"address":                    "a@example.com",
		"blanks before a word":       "  Ada",
		"blanks alone":               "   ",
		"variation selectors alone":  "\ufe0f\ufe0f",
		"apostrophe before equals":   "'=1",
		"quote before equals":        `"=1`,
		"line feed in the middle":    "Ada\nLovelace",
		"breaks in the middle":       "a\r\nb\rc\nd",
		"letters beyond ASCII":       "Łukasz 王 🚀",
		"emoji with a selector":      "❤\ufe0f=1",
		"letter with a mark":         "e\u0301=1",
		"dash, which is not a minus": "– Ada",
	}
	client := fakeClient(t, startFake(t, orguserstest.WithUsers(1)))
	breaks := strings.NewReplacer("\r\n", "\n", "\r", "\n")
	for apostrophe, cells := range map[string]map[string]string{"'": defused, "": kept} {
		for name, text := range cells {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				columns := []orgusers.Column{constant("text", text), constant("other", "other")}
				cell := breaks.Replace(text)
				for _, opts := range []orgusers.ExportOptions{{}, {CRLF: true}, {KeepFormulas: true}} {
					want := [][]string{{apostrophe + cell, "other"}}
					if opts.KeepFormulas {
						want[0][0] = cell
					}
					opts.Columns = columns
					if diff := cmp.Diff(want, parse(t, export(t, client, &opts))); diff != "" {
						t.Errorf("%+q with %+v: -want +got:\n%s", text, opts, diff)
					}
				}
			})
		}
	}
}

func TestExportForms(t *testing.T) {
	t.Parallel()
	client := fakeClient(t, startFake(t, orguserstest.WithUsers(1)))
	columns := []orgusers.Column{constant("a", "1;2,3"), constant("b", "x\ty")}
	one := []orgusers.Column{constant("a", "")}
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
		{"no users", orgusers.ExportOptions{Columns: []orgusers.Column{constant("=A1", ""), constant("B, C", "")}, Filter: func(*orgusers.User) bool { return false }}, "'=A1,\"B, C\"\n"},
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

// stubbornWriter takes a number of bytes and then fails.
type stubbornWriter struct {
	left int
	err  error // nil: it takes fewer bytes and returns no error
	took bytes.Buffer
}

func (w *stubbornWriter) Write(p []byte) (int, error) {
	n := min(len(p), w.left)
	w.left -= n
	w.took.Write(p[:n])
	if n < len(p) {
		return n, w.err
	}
	return n, nil
}

func TestExportToAWriterThatFails(t *testing.T) {
	t.Parallel()
	client := fakeClient(t, startFake(t, orguserstest.WithUsers(700)))
	opts := &orgusers.ExportOptions{BOM: true}
	whole := export(t, client, opts)
	full := errors.New("no space left")
	for _, room := range []int{0, 2, 10, 150, 5000, 32 << 10, 40_000, 70_001, len(whole) - 1} {
		for failure, want := range map[error]error{full: full, nil: io.ErrShortWrite} {
			t.Run(fmt.Sprintf("%d bytes, then %v", room, want), func(t *testing.T) {
				t.Parallel()
				w := &stubbornWriter{left: room, err: failure}
				summary, err := client.ExportCSV(t.Context(), w, opts)
				rows := wholeRows(t, whole, w.took.Len())
				if !errors.Is(err, want) || !strings.Contains(err.Error(), fmt.Sprintf("only %d rows of 700 users", rows)) {
					t.Errorf("got the error %v, want %v after %d rows of 700 users", err, want, rows)
				}
				if !strings.HasPrefix(whole, w.took.String()) {
					t.Error("what was written is not the beginning of the file")
				}
				checkSummary(t, summary, orgusers.ExportSummary{Rows: rows, Users: 700, Bytes: int64(w.took.Len())})
			})
		}
	}
}

// wholeRows counts the rows after the header that are complete within the first
// bytes of a file.
func wholeRows(t *testing.T, file string, size int) int {
	t.Helper()
	reader := csv.NewReader(strings.NewReader(file))
	for rows := -1; ; rows++ {
		_, err := reader.Read()
		if errors.Is(err, io.EOF) || reader.InputOffset() > int64(size) {
			return max(rows, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
