package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/orgusers/orgusers"
)

// addressFlags say which users a command is about.
type addressFlags struct {
	cmd    *cobra.Command
	emails []string
	flag   string // that names the file
	file   string

	columns []string // that the command reads, apart from the address
	ticks   bool     // the command reads lists that the review saved
}

func addAddressFlags(cmd *cobra.Command) *addressFlags {
	f := &addressFlags{cmd: cmd, flag: "file"}
	cmd.Flags().StringSliceVar(&f.emails, "email", nil, "`addresses`, separated by commas; can be repeated")
	cmd.Flags().StringVar(&f.file, "file", "", "read addresses from a `file`: one on each line, or a CSV table with a column Email; - is stdin")
	return f
}

// read returns the addresses. With --apply it refuses a file with columns that are
// not read, because one of them may say what to do with a user.
func (f *addressFlags) read(ctx context.Context) ([]string, error) {
	list, err := f.readList(ctx)
	if err != nil {
		return nil, err
	}
	if apply := f.cmd.Flags().Lookup("apply"); apply != nil && apply.Value.String() == "true" {
		if err := list.refuseUnread("or run it without --apply"); err != nil {
			return nil, err
		}
	}
	f.nameUnread(list)
	return list.emails(), nil
}

// nameUnread says which columns are not read.
func (f *addressFlags) nameUnread(list *addressList) {
	if len(list.unread) > 0 {
		_, _ = fmt.Fprintf(f.cmd.ErrOrStderr(), "orgusers: %s: columns that are not read: %s\n", list.name, quoteAll(list.unread))
	}
}

// addressList is what --email and --file say, in this order.
type addressList struct {
	name    string // of the file
	entries []*entry
	header  []string // of the file, as columnKey returns it; nil if it is not a table
	unread  []string // columns of the file
	ticks   *tickList

	columns  []string // that are read
	mistakes []string
}

// entry is one address.
type entry struct {
	email string
	line  int // of the file; 0 for --email
	cells map[string]string
}

func (l *addressList) emails() []string {
	var emails []string
	for _, e := range l.entries {
		emails = append(emails, e.email)
	}
	return emails
}

// mistake notes what is wrong with a line of the file, or with a flag.
func (l *addressList) mistake(line int, format string, args ...any) {
	where := "--email"
	if line > 0 {
		where = fmt.Sprintf("%s line %d", l.name, line)
	}
	l.mistakes = append(l.mistakes, where+": "+fmt.Sprintf(format, args...))
}

// check returns the mistakes as one error. A file with more of them than are named
// is not the file that was meant.
func (l *addressList) check() error {
	const most = 20
	if len(l.mistakes) == 0 {
		return nil
	}
	lines := append([]string{"nothing was changed: correct this first:"}, l.mistakes[:min(most, len(l.mistakes))]...)
	if more := len(l.mistakes) - most; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return badInput("%s", strings.Join(lines, "\n  "))
}

// refuseUnread returns an error if the file has columns that are not read.
func (l *addressList) refuseUnread(otherwise string) error {
	if len(l.unread) == 0 {
		return nil
	}
	return badInput("nothing was changed: %s has columns that are not read: %s. They may say what to do with a user: take them out, %s", l.name, quoteAll(l.unread), otherwise)
}

// readList reads the flags and the file.
func (f *addressFlags) readList(ctx context.Context) (*addressList, error) {
	l := &addressList{name: f.file, columns: f.columns}
	if f.file == "-" {
		l.name = "stdin"
	}
	for _, email := range f.emails {
		l.entries = append(l.entries, &entry{email: strings.TrimSpace(email)})
	}
	if f.file != "" || f.cmd.Flags().Changed(f.flag) {
		text, err := readText(ctx, f.file)
		if err == nil {
			err = l.parse(text, f.ticks)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, badInput("--%s: %w", f.flag, err)
		}
	}
	for _, e := range l.entries {
		l.checkAddress(e)
	}
	switch {
	case len(l.mistakes) > 0:
		return nil, l.check()
	case len(l.entries) == 0 && f.file == "":
		return nil, badInput("no addresses: give --email or --file")
	case len(l.entries) == 0:
		return nil, badInput("there is no address in %s", l.name)
	}
	return l, nil
}

func (l *addressList) checkAddress(e *entry) {
	switch {
	case e.email == "":
		l.mistake(e.line, "an address is empty")
	case e.line > 0 && strings.HasPrefix(e.email, "#"):
		l.mistake(e.line, "the line begins with #, but there are no comments, because an address can begin with #: take the line out, or give the address with --email")
	case isNamedAddress(e.email):
		l.mistake(e.line, "%q has more than an address: leave out the name and the brackets", shorten(e.email))
	case e.line == 0 && strings.Count(e.email, "@") > 1 && !isAddress(e.email):
		l.mistake(e.line, "%q is not a valid email address: separate addresses with commas", shorten(e.email))
	case !isAddress(e.email):
		l.mistake(e.line, "%q is not a valid email address", shorten(e.email))
	}
}

// isAddress reports whether the package will accept an address. The package
// decides; this is for messages that name the line.
func isAddress(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Name == "" && !strings.HasPrefix(text, "<") && strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// isNamedAddress reports whether a text is an address with a name or in brackets, as
// programs for email copy it.
func isNamedAddress(text string) bool {
	_, err := mail.ParseAddress(text)
	return err == nil && strings.HasSuffix(text, ">")
}

// jsonStart begins JSON, and not an address.
var jsonStart = regexp.MustCompile(`^\s*(\[|\{\s*["}])`)

// separatorLine is how Excel names the separator of a CSV file.
var separatorLine = regexp.MustCompile(`(?i)^\s*"?sep=([^"\n])"?[ \t]*(\n|$)`)

// blankLines are lines of spaces at the beginning of a file.
var blankLines = regexp.MustCompile(`^([ \t]*\n)+`)

// parse reads a table, or addresses on lines.
func (l *addressList) parse(text string, ticks bool) error {
	if jsonStart.MatchString(text) {
		return l.parseTicks(text, ticks)
	}
	separators := ",;\t"
	if match := separatorLine.FindStringSubmatchIndex(text); match != nil {
		separators = text[match[2]:match[3]]
		text = "\n" + text[match[1]:] // an empty line is skipped, and counts
	}
	blank := strings.Count(blankLines.FindString(text), "\n")
	text = strings.Repeat("\n", blank) + blankLines.ReplaceAllString(text, "")
	var found []string // the most cells that a separator finds in the first line
	for _, separator := range separators {
		table := csv.NewReader(strings.NewReader(text))
		table.Comma = separator
		header, err := table.Read()
		if err != nil {
			continue
		}
		if slices.ContainsFunc(header, isAddressColumn) {
			l.parseTable(table, header)
			return nil
		}
		if len(header) > len(found) {
			found = header
		}
	}
	if len(found) > 1 && !strings.HasPrefix(found[0], "#") {
		l.mistake(blank+1, "a table needs a header with a column of addresses, such as Email; the columns found are %s", quoteAll(found))
		return nil
	}
	l.parseLines(text)
	return nil
}

func (l *addressList) parseLines(text string) {
	line := 0
	for text := range strings.Lines(text) {
		line++
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if row, err := csv.NewReader(strings.NewReader(text)).Read(); err == nil && len(row) == 1 {
			text = row[0] // a quoted cell
		}
		l.entries = append(l.entries, &entry{email: unguard(text), line: line})
	}
	if len(l.entries) > 0 && !slices.ContainsFunc(l.entries, func(e *entry) bool { return isAddress(e.email) || isNamedAddress(e.email) }) {
		first := l.entries[0]
		l.mistake(first.line, "there is no address in the whole file; is %q the header of another column?", shorten(first.email))
	}
}

func (l *addressList) parseTable(table *csv.Reader, header []string) {
	read := append(slices.Clone(l.columns), emailColumn)
	for _, name := range header {
		key := columnKey(name)
		if slices.Contains(read, key) && slices.Contains(l.header, key) {
			l.mistake(1, "two columns have the same meaning, %q and another one: leave one out", shorten(name))
		}
		l.header = append(l.header, key)
	}
	if len(l.mistakes) > 0 {
		return
	}
	instructions := map[string]bool{} // columns with cells that an export does not write
	for {
		row, err := table.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if parseError, ok := errors.AsType[*csv.ParseError](err); ok && !errors.Is(err, csv.ErrFieldCount) {
			l.mistake(parseError.StartLine, "%v", parseError.Err)
			continue
		}
		if strings.TrimSpace(strings.Join(row, "")) == "" {
			continue // as spreadsheets leave them below a table
		}
		line, _ := table.FieldPos(0)
		e := &entry{line: line, cells: map[string]string{}}
		switch {
		case strings.HasPrefix(strings.TrimSpace(row[0]), "#"):
			e.email = row[0] // which is refused
		case err != nil:
			l.mistake(line, "there are %s, and %d in the header", count(len(row), "cell"), len(header))
			continue
		default:
			for i, cell := range row {
				cell = unguard(strings.TrimSpace(cell))
				e.cells[l.header[i]] = cell
				if l.header[i] == "status" && cell != "" && cell != string(orgusers.StatusAccepted) && cell != string(orgusers.StatusPending) {
					instructions["status"] = true
				}
			}
			e.email = e.cells[emailColumn]
		}
		l.entries = append(l.entries, e)
	}
	for i, key := range l.header {
		if key != "" && !slices.Contains(read, key) && (instructions[key] || !slices.Contains(exportedColumns(), key)) {
			l.unread = append(l.unread, strings.TrimSpace(header[i]))
		}
	}
}

const emailColumn = "email"

func isAddressColumn(header string) bool { return columnKey(header) == emailColumn }

// columnKey returns the same key for headers with the same meaning.
func columnKey(header string) string {
	key := strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, header)
	switch key {
	case "mail", "emails", "emailaddress", "mailaddress", "emailaddresses", "emailadresse", "emailid", "useremail", "useremailaddress", "workemail", "businessemail", "primaryemail":
		return emailColumn
	case "role", "stack", "organizationrole":
		return key + "s"
	}
	return key
}

// exportedColumns are those of an export. They describe a user, and do not say
// what to do.
func exportedColumns() []string {
	var keys []string
	for _, column := range slices.Concat(orgusers.DefaultColumns(), orgusers.CSDXColumns(), orgusers.AccessColumns()) {
		keys = append(keys, columnKey(column.Header))
	}
	return keys
}

// unguard removes the apostrophe that an export puts in front of what a
// spreadsheet would run: an address can begin with a plus or minus sign.
func unguard(cell string) string {
	if rest, found := strings.CutPrefix(cell, "'"); found && strings.IndexAny(rest, "=+-@＝＋－＠﹦﹢﹣﹫−") == 0 {
		return rest
	}
	return cell
}

// readText reads a file, or stdin if its name is -. Lines end with line feeds.
func readText(ctx context.Context, name string) (string, error) {
	var data []byte
	var err error
	switch name {
	case "":
		return "", errors.New("the name of the file is empty")
	case "-":
		data, err = io.ReadAll(stdin(ctx))
	default:
		data, err = os.ReadFile(name)
	}
	if err != nil {
		return "", err
	}
	text, ok := decodeText(data)
	if !ok {
		return "", fmt.Errorf("%s is not a text in UTF-8 or UTF-16: save a spreadsheet as \"CSV UTF-8\"", name)
	}
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n"), nil
}

func quoteAll(texts []string) string {
	var quoted []string
	for _, text := range texts {
		quoted = append(quoted, fmt.Sprintf("%q", shorten(strings.TrimSpace(text))))
	}
	return strings.Join(quoted, ", ")
}

// shorten keeps messages about a wrong file short.
func shorten(text string) string {
	const most = 60
	if letters := []rune(text); len(letters) > most {
		return string(letters[:most]) + "…"
	}
	return text
}

// decodeText decodes UTF-8, or UTF-16 with a byte order mark, as Excel writes it.
func decodeText(data []byte) (string, bool) {
	order := binary.ByteOrder(binary.LittleEndian)
	switch {
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		order = binary.BigEndian
	case !bytes.HasPrefix(data, []byte("\xff\xfe")):
		text := bytes.TrimPrefix(data, []byte("\ufeff"))
		return string(text), utf8.Valid(text) && !bytes.ContainsRune(text, 0)
	}
	units := make([]uint16, (len(data)-2)/2)
	for i := range units {
		units[i] = order.Uint16(data[2+2*i:])
	}
	text := string(utf16.Decode(units))
	return text, len(data)%2 == 0 && !strings.ContainsAny(text, "\x00\ufffd")
}

// tickList has the users for whom a reader of the review ticked Remove.
type tickList struct {
	Version         int       `json:"version"`
	OrganizationUID string    `json:"organization_uid"`
	ReadAt          time.Time `json:"read_at"`
	Remove          []string  `json:"remove"`
}

// parseTicks reads a list that the review saved.
func (l *addressList) parseTicks(text string, allowed bool) error {
	ticks := new(tickList)
	if err := json.Unmarshal([]byte(text), ticks); !allowed || err != nil || ticks.OrganizationUID == "" || ticks.ReadAt.IsZero() || ticks.Remove == nil {
		want := "one address on each line, or CSV with a column Email"
		if allowed {
			want += ", or the list that the review saved"
		}
		return fmt.Errorf("%s is another kind of JSON: give %s", l.name, want)
	}
	if ticks.Version != 1 {
		return fmt.Errorf("%s is a list of version %d, and this program reads version 1", l.name, ticks.Version)
	}
	for _, email := range ticks.Remove {
		l.entries = append(l.entries, &entry{email: email, line: 1})
	}
	l.ticks = ticks
	return nil
}
