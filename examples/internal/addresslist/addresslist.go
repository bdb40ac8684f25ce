// Package addresslist reads whom a program is for, from its flags and from a
// file, and collects every mistake in that before anything is done.
package addresslist

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/mail"
	"slices"
	"strconv"
	"strings"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/program"
)

// Help is for -h of programs with a [List].
const Help = `A -file has one address a line, or is CSV with a header: then its column email
counts, and the output of export is such a file. Mistakes in it are named with
their lines, up to twenty, and then nothing is sent.
`

// List is whom a program is for.
type List struct {
	emails   *[]string
	file     string
	aliases  map[string]string // names of columns, by others that they may have
	mistakes []mistake
}

// Alias gives a column of the file another name, as people may call it.
func (l *List) Alias(column, other string) {
	if l.aliases == nil {
		l.aliases = map[string]string{}
	}
	l.aliases[other] = column
}

// Flags adds -email and -file to a program's flags.
func Flags(flags *flag.FlagSet) *List {
	l := &List{emails: program.Words(flags, "email", "an `address`, or several separated by commas; can be given again")}
	flags.Func("file", "read addresses from this `file`: one a line, or CSV with a column email; - is stdin", func(file string) error {
		if l.file = file; file == "" {
			return errors.New("the name is empty")
		}
		return nil
	})
	return l
}

// IsSet tells whether there is a list.
func (l *List) IsSet() bool { return len(*l.emails) > 0 || l.file != "" }

// FromStdin tells whether the list takes all there is on stdin.
func (l *List) FromStdin() bool { return l.file == stdinName }

// Entry is one address of a list.
type Entry struct {
	Email string
	line  int // in the file, zero for one from a flag
	cells map[string]string
}

// Cell is what the file says in a column, nothing if it has no such column.
func (e *Entry) Cell(column string) string { return e.cells[column] }

// Unread are the columns of the file other than email and these, to be told:
// where columns say what somebody gets, one is easily misspelt. It is empty
// where there are none.
func Unread(entries []*Entry, columns ...string) string {
	columns = append(columns, emailColumn, "")
	var unread []string
	for _, e := range entries {
		for column := range e.cells {
			if !slices.Contains(columns, column) && !slices.Contains(unread, column) {
				unread = append(unread, column)
			}
		}
	}
	slices.Sort(unread)
	for i, column := range unread {
		unread[i] = Short(column)
		if quoted := strconv.Quote(unread[i]); quoted != `"`+unread[i]+`"` { // it would do something to a terminal
			unread[i] = quoted
		}
	}
	return strings.Join(unread, ", ")
}

// Read reads the whole list, in the order given, each entry with or without a
// [List.Mistake].
func (l *List) Read(ctx context.Context) ([]*Entry, error) {
	var entries []*Entry
	for _, email := range *l.emails {
		entries = append(entries, &Entry{Email: email})
	}
	if l.file != "" {
		text, err := l.readFile(ctx)
		if err != nil {
			return nil, err
		}
		entries = append(entries, l.parse(text)...)
	}
	for _, e := range entries {
		switch {
		case e.Email == "":
			l.Mistake(e, "there is no address")
		case !isAddress(e.Email):
			l.Mistake(e, "%q is no e-mail address", Short(e.Email))
		}
	}
	if len(entries) == 0 && len(l.mistakes) == 0 {
		return nil, program.WrongInput("there is no address in %s", l.fileName())
	}
	return entries, nil
}

// Once reads the whole list, and has each address once, whatever its letter
// case.
func (l *List) Once(ctx context.Context) ([]*Entry, error) {
	entries, err := l.Read(ctx)
	if err == nil {
		err = l.Mistakes()
	}
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(entries, func(e *Entry) bool {
		key := strings.ToLower(e.Email)
		twice := seen[key]
		seen[key] = true
		return twice
	}), nil
}

// Emails are the addresses of entries.
func Emails(entries []*Entry) []string {
	var emails []string
	for _, e := range entries {
		emails = append(emails, e.Email)
	}
	return emails
}

func isAddress(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Name == "" && address.Address == text
}

// Where is the place of an entry, for people.
func (l *List) Where(e *Entry) string {
	if e.line == 0 {
		return "-email"
	}
	return fmt.Sprintf("%s line %d", l.fileName(), e.line)
}

// mistake is something wrong at a place.
type mistake struct {
	line        int // of the file, zero for a flag
	where, text string
}

// Short is a text to quote: whatever is in a wrong file, all of a row say, is
// not to be repeated.
func Short(text string) string {
	const most = 60
	if letters := []rune(text); len(letters) > most {
		return string(letters[:most]) + "…"
	}
	return text
}

// TakeOut notes that nothing can be done for an entry, and why: "is you".
func (l *List) TakeOut(e *Entry, why string) {
	remedy := "take it out, wherever it is"
	if e.line == 0 {
		remedy = "leave it out"
	}
	l.Mistake(e, "%q %s: %s", Short(e.Email), why, remedy)
}

// Refusal is the error of a call that was given the addresses of entries. One
// that refuses it as a whole because of one address becomes a mistake.
func (l *List) Refusal(entries []*Entry, err error) error {
	refusal, ok := errors.AsType[*orgusers.AddressError](err)
	if !ok || refusal.Index >= len(entries) {
		return err
	}
	l.TakeOut(entries[refusal.Index], refusalText(refusal))
	return l.Mistakes()
}

// refusalText continues a sentence about an address.
func refusalText(refusal *orgusers.AddressError) string {
	_, text, _ := strings.Cut(refusal.Error(), fmt.Sprintf("address %d ", refusal.Index+1))
	return text
}

// Mistake notes that something is wrong with an entry.
func (l *List) Mistake(e *Entry, format string, args ...any) {
	l.mistakes = append(l.mistakes, mistake{e.line, l.Where(e), fmt.Sprintf(format, args...)})
}

// FlagMistake notes that something is wrong with what a flag says of everybody.
func (l *List) FlagMistake(name, format string, args ...any) {
	l.mistakes = append(l.mistakes, mistake{0, "-" + name, fmt.Sprintf(format, args...)})
}

// mostMistakes is how many are told: with more the file is another one than was
// meant.
const mostMistakes = 20

// Mistakes is an error that names the mistakes, or nil if there are none.
func (l *List) Mistakes() error {
	if len(l.mistakes) == 0 {
		return nil
	}
	slices.SortStableFunc(l.mistakes, func(a, b mistake) int { return a.line - b.line })
	text := []string{"nothing was sent: correct these lines:"}
	if l.mistakes[len(l.mistakes)-1].line == 0 { // which has the last one of all
		text[0] = "nothing was sent: correct what is given:"
	}
	for _, m := range l.mistakes[:min(mostMistakes, len(l.mistakes))] {
		text = append(text, "  "+m.where+": "+m.text)
	}
	if more := len(l.mistakes) - mostMistakes; more > 0 {
		text = append(text, fmt.Sprintf("  and %d more", more))
	}
	return program.WrongInput("%w", errors.New(strings.Join(text, "\n")))
}
