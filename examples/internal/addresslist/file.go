package addresslist

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/orgusers/orgusers/examples/internal/program"
)

// stdinName is the file that is none.
const stdinName = "-"

const emailColumn = "email"

// fileName is the file for people.
func (l *List) fileName() string {
	if l.file == stdinName {
		return "stdin"
	}
	return l.file
}

// jsonStart begins JSON, and no address.
var jsonStart = regexp.MustCompile(`^\s*(\[|\{\s*["}])`)

func (l *List) readFile(ctx context.Context) (text []byte, err error) {
	if l.file == stdinName {
		text, err = io.ReadAll(program.Stdin(ctx))
	} else {
		text, err = os.ReadFile(l.file)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, program.Misuse("-file: %w", err)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if jsonStart.Match(text) { // all of it or, of an export that failed, a part
		return nil, program.WrongInput("-file: %s is JSON: give one address a line, or CSV with a column %s", l.fileName(), emailColumn)
	}
	if !utf8.Valid(text) {
		return nil, program.WrongInput("-file: %s is not in UTF-8", l.fileName())
	}
	return text, nil
}

// parse reads CSV where the header has addresses, and lines where it has not.
func (l *List) parse(text []byte) []*Entry {
	for _, comma := range ",;\t" {
		table := csv.NewReader(bytes.NewReader(text))
		table.Comma = comma
		header, err := table.Read()
		if err != nil {
			continue
		}
		for i, cell := range header {
			header[i] = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(cell)), "-", "")
		}
		if slices.Contains(header, emailColumn) {
			return l.parseTable(table, header)
		}
	}
	return l.parseLines(text)
}

func (l *List) parseLines(text []byte) []*Entry {
	var entries []*Entry
	line := 0
	for cell := range strings.Lines(string(text)) {
		line++
		if cell = strings.TrimSpace(cell); cell != "" {
			entries = append(entries, &Entry{Email: cell, line: line})
		}
	}
	if len(entries) > 0 && !isAddress(entries[0].Email) && strings.ContainsAny(entries[0].Email, ",;\t") {
		l.Mistake(entries[0], "a file of several columns needs one called %s", emailColumn)
		return nil // of which nothing is known to be an address
	}
	return entries
}

func (l *List) parseTable(table *csv.Reader, header []string) []*Entry {
	readable := true
	for i, column := range header {
		switch name, isOther := l.aliases[column]; {
		case column != "" && slices.Contains(header[:i], column):
			l.Mistake(&Entry{line: 1}, "there are two columns called %s", Short(column))
		case isOther && slices.Contains(header, name):
			l.Mistake(&Entry{line: 1}, "there are columns called %s and %s, which are the same: leave one out", name, column)
		default:
			continue
		}
		readable = false
	}
	if !readable {
		return nil // what the cells say would be guessed
	}
	for i, column := range header {
		header[i] = cmp.Or(l.aliases[column], column)
	}
	var entries []*Entry
	for {
		row, err := table.Read()
		if errors.Is(err, io.EOF) {
			return entries
		}
		if parseError, ok := errors.AsType[*csv.ParseError](err); ok && !errors.Is(err, csv.ErrFieldCount) {
			l.Mistake(&Entry{line: parseError.StartLine}, "%v", parseError.Err)
			continue
		}
		if strings.Join(row, "") == "" {
			continue // as spreadsheets leave them below a table
		}
		line, _ := table.FieldPos(0)
		if err != nil {
			l.Mistake(&Entry{line: line}, "there are more or fewer cells than in the header")
			continue
		}
		cells := map[string]string{}
		for i, cell := range row {
			cells[header[i]] = asMeant(strings.TrimSpace(cell))
		}
		entries = append(entries, &Entry{Email: cells[emailColumn], line: line, cells: cells})
	}
}

// asMeant takes away the apostrophe that an export puts before what a
// spreadsheet would run: an address can begin with a plus sign.
func asMeant(cell string) string {
	if rest, found := strings.CutPrefix(cell, "'"); found && rest != "" && strings.ContainsAny(rest[:1], "=+-@") {
		return rest
	}
	return cell
}
