package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/rivo/uniseg"
)

// column is a column of a list, in a table and in CSV.
type column[T any] struct {
	header string
	cell   func(T) string
}

// writeList writes a list: a table or CSV with the columns, or JSON with the
// items under a name.
func writeList[T any](t *tool, o *organization, name string, items []T, columns []column[T]) error {
	if t.output == "json" {
		return t.writeJSON(o, map[string]any{name: append([]T{}, items...)})
	}
	rows := make([][]string, 1, len(items)+1)
	for _, c := range columns {
		rows[0] = append(rows[0], c.header)
	}
	for _, item := range items {
		row := make([]string, len(columns))
		for i, c := range columns {
			row[i] = c.cell(item)
		}
		rows = append(rows, row)
	}
	return t.writeRows(t.stdout, rows)
}

// writeDetails writes one object: its fields as rows, or JSON with the object
// under a name. Fields without a value are left out.
func (t *tool) writeDetails(o *organization, name string, object any, fields [][2]string) error {
	if t.output == "json" {
		return t.writeJSON(o, map[string]any{name: object})
	}
	rows := [][]string{{"Field", "Value"}}
	for _, f := range fields {
		if f[1] != "" {
			rows = append(rows, f[:])
		}
	}
	return t.writeRows(t.stdout, rows)
}

// writeRows writes rows, the first of which has the headers, as a table or CSV.
func (t *tool) writeRows(to io.Writer, rows [][]string) error {
	if t.output == "csv" {
		return writeCSV(to, rows)
	}
	return writeTable(to, rows)
}

// writeJSON writes a document. It says whose users it is about, or that they are
// made up.
func (t *tool) writeJSON(o *organization, document map[string]any) error {
	if o.fake {
		document["fake"] = true
	}
	if o.uid != "" {
		document["organization"] = o.uid
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return err
	}
	_, err := io.WriteString(t.stdout, escapeUnprintable(text.String()))
	return err
}

// escapeUnprintable escapes what a terminal could act on. In JSON such
// characters are only in strings.
func escapeUnprintable(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// writeCSV writes cells that a spreadsheet does not run as formulas.
func writeCSV(to io.Writer, rows [][]string) error {
	w := csv.NewWriter(to)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = plain(cell)
			if strings.IndexFunc(cells[i], func(r rune) bool { return strings.ContainsRune("=+-@＝＋－＠﹦﹢﹣﹫−", r) }) == 0 {
				cells[i] = "'" + cells[i]
			}
		}
		_ = w.Write(cells) // Flush has the error
	}
	w.Flush()
	return w.Error()
}

// writeTable writes rows with aligned columns. It measures cells as a terminal
// shows them, which text/tabwriter does not: some letters are two places wide
// and some none.
func writeTable(to io.Writer, rows [][]string) error {
	widths := make([]int, len(rows[0]))
	for i, row := range rows {
		for j, cell := range row {
			if i == 0 {
				cell = strings.ToUpper(cell)
			}
			row[j] = plain(cell)
			widths[j] = max(widths[j], uniseg.StringWidth(row[j]))
		}
	}
	out := bufio.NewWriter(to)
	for _, row := range rows {
		var line strings.Builder
		for j, cell := range row {
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[j]-uniseg.StringWidth(cell)+2))
		}
		_, _ = out.WriteString(strings.TrimRight(line.String(), " ") + "\n") // Flush has the error
	}
	return out.Flush()
}

// plain returns a cell as one line that a terminal does not act on.
func plain(cell string) string {
	return printable(strings.Join(strings.FieldsFunc(cell, unicode.IsSpace), " "))
}

// printable replaces what a terminal could act on, line feeds and tabs apart.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// formatTime returns a time in UTC, or nothing if it is unknown.
func formatTime(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

// yesNo is a cell of a fact. It is empty if the fact is not true.
func yesNo(fact bool) string {
	if fact {
		return "yes"
	}
	return ""
}

// outputFile is a file that is written completely or not changed. It is nil if no file was
// asked for.
type outputFile struct {
	target string
	file   *os.File // with a temporary name, mode 0600
}

// newOutputFile creates the temporary file. Its errors begin with the name.
func newOutputFile(name, path string) (*outputFile, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // no file was asked for
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, badInput("%s: not a regular file", name)
	}
	o := &outputFile{target: path}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		o.target = target // so that a link stays one
	}
	var err error
	if o.target, err = filepath.Abs(o.target); err != nil {
		return nil, err
	}
	if o.file, err = os.CreateTemp(filepath.Dir(o.target), ".orgusers-*.tmp"); err != nil {
		if failure, ok := errors.AsType[*fs.PathError](err); ok {
			err = failure.Err // the path in it is the temporary file's
		}
		return nil, badInput("%s: no file can be created in its directory: %w", name, err)
	}
	return o, nil
}

func (o *outputFile) write(text []byte) error {
	if o == nil {
		return nil
	}
	_, err := o.file.Write(text)
	return errors.Join(err, o.file.Sync(), o.file.Close())
}

func (o *outputFile) rename() error {
	if o == nil {
		return nil
	}
	return os.Rename(o.file.Name(), o.target)
}

// discard removes the temporary file if it was not renamed.
func (o *outputFile) discard() {
	if o != nil {
		_ = o.file.Close()
		_ = os.Remove(o.file.Name())
	}
}

// replaceFile writes a complete file with mode 0600, or leaves it as it was.
func replaceFile(path string, text []byte) error {
	file, err := newOutputFile(path, path)
	if err != nil {
		return err
	}
	defer file.discard()
	if err := file.write(text); err != nil {
		return err
	}
	return file.rename()
}
