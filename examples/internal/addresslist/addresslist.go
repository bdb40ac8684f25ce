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
	"strings"

	"github.com/orgusers/orgusers/examples/internal/program"
)

// Help is for -h of programs with a [List].
const Help = `A -file has one address a line, or is CSV with a header: then its column email
counts, and the output of export is such a file. Mistakes in it are all named
with their lines, and then nothing is sent.
`

// List is whom a program is for.
type List struct {
	emails   *[]string
	file     string
	mistakes []mistake
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
// where columns say what somebody gets, one is easily misspelt.
func Unread(entries []*Entry, columns ...string) []string {
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
	return unread
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
			l.Mistake(e, "%q is no e-mail address", e.Email)
		}
	}
	if len(entries) == 0 && len(l.mistakes) == 0 {
		return nil, program.Misuse("there is no address in %s", l.fileName())
	}
	return entries, nil
}

// Emails reads the whole list, and has each address once, whatever its letter
// case.
func (l *List) Emails(ctx context.Context) ([]string, error) {
	entries, err := l.Read(ctx)
	if err == nil {
		err = l.Mistakes()
	}
	if err != nil {
		return nil, err
	}
	var emails []string
	seen := map[string]bool{}
	for _, e := range entries {
		if key := strings.ToLower(e.Email); !seen[key] {
			seen[key] = true
			emails = append(emails, e.Email)
		}
	}
	return emails, nil
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

// Mistake notes that something is wrong with an entry.
func (l *List) Mistake(e *Entry, format string, args ...any) {
	l.mistakes = append(l.mistakes, mistake{e.line, l.Where(e), fmt.Sprintf(format, args...)})
}

// FlagMistake notes that something is wrong with what a flag says of everybody.
func (l *List) FlagMistake(name, format string, args ...any) {
	l.mistakes = append(l.mistakes, mistake{0, "-" + name, fmt.Sprintf(format, args...)})
}

// Mistakes is an error that names all mistakes, or nil if there are none.
func (l *List) Mistakes() error {
	if len(l.mistakes) == 0 {
		return nil
	}
	slices.SortStableFunc(l.mistakes, func(a, b mistake) int { return a.line - b.line })
	text := []string{"nothing was sent, since there are mistakes in whom to send it to:"}
	for _, m := range l.mistakes {
		text = append(text, "  "+m.where+": "+m.text)
	}
	return program.Misuse("%w", errors.New(strings.Join(text, "\n")))
}
