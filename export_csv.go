package orgusers

import (
	"bytes"
	"encoding/csv"
	"io"
	"strings"
	"unicode"
)

// table writes rows of CSV. A row counts as written once the writer has taken
// all of it.
type table struct {
	to    io.Writer
	csv   *csv.Writer
	crlf  bool
	keep  bool         // formulas
	ready bytes.Buffer // what the writer has not got yet
	ends  []int        // where rows end in ready

	rows  int // that were written
	bytes int64
}

func newTable(to io.Writer, options *ExportOptions) *table {
	t := &table{to: to, keep: options.KeepFormulas, crlf: options.CRLF}
	t.csv = csv.NewWriter(&t.ready)
	t.csv.UseCRLF, t.csv.Comma = options.CRLF, options.Comma
	if options.BOM {
		t.ready.WriteString("\ufeff")
	}
	return t
}

// head adds the header, which does not count as a row.
func (t *table) head(cells []string) error {
	err := t.write(cells)
	t.rows, t.ends = 0, t.ends[:0]
	return err
}

// write adds a row. It changes cells.
func (t *table) write(cells []string) error {
	const enough = 32 << 10
	for i, cell := range cells {
		cells[i] = lineFeeds(cell)
		if !t.keep {
			cells[i] = defuse(cells[i])
		}
	}
	if len(cells) == 1 && cells[0] == "" {
		t.writeEmpty()
	} else if err := t.csv.Write(cells); err != nil {
		return err
	}
	t.csv.Flush()
	t.ends = append(t.ends, t.ready.Len())
	if t.ready.Len() < enough {
		return nil
	}
	return t.flush()
}

// writeEmpty writes a row of one empty cell. encoding/csv would write an empty
// line, which readers skip.
func (t *table) writeEmpty() {
	t.ready.WriteString(`""`)
	if t.crlf {
		t.ready.WriteByte('\r')
	}
	t.ready.WriteByte('\n')
}

// flush hands what is ready to the writer.
func (t *table) flush() error {
	written, err := t.ready.WriteTo(t.to)
	t.bytes += written
	for _, end := range t.ends {
		if int64(end) <= written {
			t.rows++
		}
	}
	t.ends = t.ends[:0]
	return err
}

// lineFeeds turns all line breaks of a cell into line feeds, since readers of
// CSV drop a carriage return in front of a line feed.
func lineFeeds(cell string) string {
	if !strings.Contains(cell, "\r") {
		return cell
	}
	return strings.ReplaceAll(strings.ReplaceAll(cell, "\r\n", "\n"), "\r", "\n")
}

// defuse puts an apostrophe in front of a cell that a spreadsheet could run as
// a formula.
func defuse(cell string) string {
	if startsFormula(cell) {
		return "'" + cell
	}
	return cell
}

// formulaSigns are = + - @ and the characters that are forms of them.
const formulaSigns = "=＝﹦⁼₌⩵⩶" + "+＋﹢⁺₊﬩" + "-－﹣−⁻₋" + "@＠﹫"

// startsFormula reports whether a cell starts with the sign of a formula or a
// control character. White space and invisible characters in front are skipped.
func startsFormula(cell string) bool {
	for _, r := range cell {
		switch {
		case strings.ContainsRune(formulaSigns, r), unicode.IsControl(r):
			return true
		case !unicode.IsSpace(r) && !isInvisible(r):
			return false
		}
	}
	return false
}

// isInvisible reports whether a character is not seen on its own: formatting
// characters, marks such as variation selectors, fillers and the empty Braille
// pattern.
func isInvisible(r rune) bool {
	return r == '\u2800' || unicode.In(r, unicode.Cf, unicode.Mn, unicode.Other_Default_Ignorable_Code_Point)
}
