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
	defused := []string{
		"=1+1", "=", "+49 30 1", "-2+3", "@SUM(A1)",
		"\t=1", "\tAda", "\r=1", "\n=1", "\r\n=1", "\x00=1", "\x1b=1", "\u0085=1", // control characters
		"＝1+1", "＋1", "－1", "＠A1", "\ufe66A1", "\ufe62A1", "\ufe63A1", "\ufe6bA1", // full-width and small signs
		"\u207cA1", "\u208aA1", "\u207bA1", "\u2212A1", "\u2a75A1", "\ufb29A1", // raised, lowered, minus, double and Hebrew signs
		" =1", "     @A1", "\u00a0=1", "\u3000+1", // blanks
		"\u200b=1", "\ufeff=1", "\u2060 -1", "\u202e=1", // characters without width, and marks of direction
		"\ufe0f=1", "\ufe00\ufe66", "\U000e0100@A1", "\u180b+1", "\u180e=1", // variation selectors
		"\u034f=1", "\u0301=1", "\u3164=1", "\uffa0=1", "\u2800=1", "\U000e0041=1", "\U000e0fff=1", // joiners, accents, fillers, tags
	}
	kept := []string{
		"", "Ada", "1+1=2", "a@example.com", "  Ada", "   ", "\ufe0f\ufe0f", "'=1", `"=1`, "Ada\nLovelace", "a\r\nb\rc\nd",
		"Łukasz 王 🚀", "❤\ufe0f=1", "e\u0301=1", "– Ada", // a letter or a dash comes first
	}
	client := fakeClient(t, startFake(t, orguserstest.WithUsers(1)))
	breaks := strings.NewReplacer("\r\n", "\n", "\r", "\n")
	for apostrophe, cells := range map[string][]string{"'": defused, "": kept} {
		for _, text := range cells {
			t.Run(fmt.Sprintf("%+q", text), func(t *testing.T) {
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
