package orgusers

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode"
)

// table writes rows of CSV. A row counts as written when the writer below has
// taken all of it.
type table struct {
	to    io.Writer
	csv   *csv.Writer
	raw   bool
	crlf  bool
	row   bytes.Buffer // the row that was encoded last
	ready bytes.Buffer // rows that the writer has not got yet

	ends  []int // where the rows in ready end
	rows  int   // rows written
	bytes int64
}

// newTable refuses what cannot separate the cells of CSV.
func newTable(to io.Writer, options *ExportOptions) (*table, error) {
	t := &table{to: to, raw: options.Raw, crlf: options.CRLF}
	t.csv = csv.NewWriter(&t.row)
	t.csv.UseCRLF = options.CRLF
	if options.Comma != 0 {
		t.csv.Comma = options.Comma
	}
	if err := t.csv.Write(nil); err != nil {
		return nil, errors.New("the separator must be a character other than a quote and a line break")
	}
	t.csv.Flush() // encode begins anew
	if options.BOM {
		t.ready.WriteString("\ufeff")
	}
	return t, nil
}

// head adds the header, which is no row of users.
func (t *table) head(cells []string) error {
	row, err := t.encode(cells)
	if err == nil {
		err = t.write(row)
	}
	t.rows, t.ends = 0, t.ends[:0]
	return err
}

// encode makes a row, which is good until the next, of cells, which it changes.
func (t *table) encode(cells []string) ([]byte, error) {
	t.row.Reset()
	for i := range cells {
		cells[i] = oneKindOfBreak(cells[i])
		if !t.raw {
			cells[i] = defuse(cells[i])
		}
	}
	if len(cells) == 1 && cells[0] == "" {
		t.writeEmpty()
	} else if err := t.csv.Write(cells); err != nil {
		return nil, err
	}
	t.csv.Flush()
	return t.row.Bytes(), nil
}

// write adds a row.
func (t *table) write(row []byte) error {
	const enough = 32 << 10
	t.ready.Write(row)
	t.ends = append(t.ends, t.ready.Len())
	if t.ready.Len() < enough {
		return nil
	}
	return t.flush()
}

// writeEmpty writes a row of one empty cell, which encoding/csv would write as
// an empty line, and read back as none.
func (t *table) writeEmpty() {
	t.row.WriteString(`""`)
	if t.crlf {
		t.row.WriteByte('\r')
	}
	t.row.WriteByte('\n')
}

// flush hands over what is ready.
func (t *table) flush() error {
	size := t.ready.Len()
	written, err := t.ready.WriteTo(t.to)
	t.bytes += written
	if err == nil && written < int64(size) {
		err = io.ErrShortWrite
	}
	for _, end := range t.ends {
		if int64(end) <= written {
			t.rows++
		}
	}
	t.ends = t.ends[:0]
	return err
}

// oneKindOfBreak makes all line breaks in a cell line feeds, since readers of
// CSV take a carriage return before a line feed away.
func oneKindOfBreak(cell string) string {
	if !strings.Contains(cell, "\r") {
		return cell
	}
	return strings.ReplaceAll(strings.ReplaceAll(cell, "\r\n", "\n"), "\r", "\n")
}

// defuse puts an apostrophe before a cell that a spreadsheet would run: one
// that starts with a sign of a formula, in whatever width, or with a control
// character, also after blanks and what cannot be seen.
func defuse(cell string) string {
	for _, r := range cell {
		switch {
		case strings.ContainsRune("=+-@＝＋－＠", r), unicode.IsControl(r):
			return "'" + cell
		case !unicode.IsSpace(r) && !unicode.Is(unicode.Cf, r):
			return cell
		}
	}
	return cell
}
