package main

import (
	"flag"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/lastseen"
	"github.com/orgusers/orgusers/examples/internal/program"
)

// request is what the command line asks for.
type request struct {
	flags      *flag.FlagSet
	columns    string
	csdx       bool
	sort       string
	descending bool
	status     string
	notSeenFor *lastseen.Rule
	bom        bool
	separator  string
	crlf       bool
	raw        bool
}

func newRequest(flags *flag.FlagSet) *request {
	r := &request{flags: flags}
	flags.StringVar(&r.columns, "columns", "", "write these `columns`, separated by commas, in this order (default all): "+strings.Join(columnNames(), ","))
	flags.BoolVar(&r.csdx, "csdx", false, "write the columns of the vendor's csdx cm:export-to-csv instead; add -raw for exactly its cells, and -sort created for its order")
	flags.StringVar(&r.sort, "sort", "email", "sort by this `field`: "+strings.Join(sortNames(), ", "))
	flags.BoolVar(&r.descending, "descending", false, "sort downwards")
	flags.StringVar(&r.status, "status", "", "write only users of this `status`: accepted or pending")
	r.notSeenFor = lastseen.Flag(flags, "write only members")
	flags.BoolVar(&r.bom, "bom", false, "begin with a byte order mark, by which some spreadsheets know UTF-8")
	flags.StringVar(&r.separator, "separator", ",", "separate cells with this `character`, or tab")
	flags.BoolVar(&r.crlf, "crlf", false, "end lines as on Windows")
	flags.BoolVar(&r.raw, "raw", false, "leave cells that a spreadsheet would run as formulas as they are")
	return r
}

// options checks what is asked for before anybody is asked for it.
func (r *request) options(now time.Time, asJSON bool) (*orgusers.ExportOptions, error) {
	for _, name := range []string{"columns", "csdx", "bom", "separator", "crlf", "raw"} {
		if asJSON && program.IsSet(r.flags, name) {
			return nil, program.Misuse("-%s is for CSV: leave out that or -json", name)
		}
	}
	columns, err := r.pickColumns()
	if err != nil {
		return nil, err
	}
	by, err := r.sortField()
	if err != nil {
		return nil, err
	}
	comma, err := r.comma()
	if err != nil {
		return nil, err
	}
	keep, err := r.filter(now)
	if err != nil {
		return nil, err
	}
	return &orgusers.ExportOptions{
		Columns:      columns,
		Filter:       keep,
		Sort:         orgusers.Sort{By: by, Descending: r.descending},
		KeepFormulas: r.raw,
		BOM:          r.bom,
		CRLF:         r.crlf,
		Comma:        comma,
	}, nil
}

// onFlag is a header of a column as it is written on a command line, where a
// blank would want quotes.
func onFlag(header string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(header), " ", "-"))
}

func columnNames() []string {
	var names []string
	for _, column := range orgusers.DefaultColumns() {
		names = append(names, onFlag(column.Header))
	}
	return names
}

func (r *request) pickColumns() ([]orgusers.Column, error) {
	all := orgusers.DefaultColumns()
	switch {
	case r.csdx && r.columns != "":
		return nil, program.Misuse("-csdx and -columns both choose the columns: leave one out")
	case r.csdx:
		return orgusers.CSDXColumns(), nil
	case r.columns == "":
		return all, nil
	}
	names := columnNames()
	var picked []orgusers.Column
	for asked := range strings.SplitSeq(r.columns, ",") {
		i := slices.Index(names, onFlag(asked))
		if i < 0 {
			return nil, program.Misuse("-columns: there is no column %q; there are %s", asked, strings.Join(names, ", "))
		}
		picked = append(picked, all[i])
	}
	return picked, nil
}

var sortFields = []struct {
	name  string
	field orgusers.SortField
}{
	{"email", orgusers.SortByEmail},
	{"first-name", orgusers.SortByFirstName},
	{"last-name", orgusers.SortByLastName},
	{"invited", orgusers.SortByInvitedAt},
	{"last-login", orgusers.SortByLastLogin},
	{"created", orgusers.SortByCreated},
	{"updated", orgusers.SortByUpdated},
}

func sortNames() []string {
	var names []string
	for _, known := range sortFields {
		names = append(names, known.name)
	}
	return names
}

func (r *request) sortField() (orgusers.SortField, error) {
	for _, known := range sortFields {
		if known.name == r.sort {
			return known.field, nil
		}
	}
	return "", program.Misuse("-sort: there is no field %q; there are %s", r.sort, strings.Join(sortNames(), ", "))
}

func (r *request) comma() (rune, error) {
	if r.separator == "tab" || r.separator == `\t` {
		return '\t', nil
	}
	comma, size := utf8.DecodeRuneInString(r.separator)
	if size == 0 || size < len(r.separator) || strings.ContainsRune("\"\r\n\x00\ufffd", comma) {
		return 0, program.Misuse("-separator %q: it is tab, or one character other than a quote and a line break", r.separator)
	}
	return comma, nil
}

// filter keeps who is asked for.
func (r *request) filter(now time.Time) (func(*orgusers.User) bool, error) {
	status := orgusers.UserStatus(r.status)
	switch {
	case status != "" && status != orgusers.StatusAccepted && status != orgusers.StatusPending:
		return nil, program.Misuse("-status: there is no status %q; there are accepted and pending", r.status)
	case r.notSeenFor.IsSet() && status == orgusers.StatusPending:
		return nil, program.Misuse("-not-seen-for is for members, who are never pending: leave out -status pending")
	}
	return func(u *orgusers.User) bool {
		return (status == "" || u.Status == status) && r.notSeenFor.Member(u, now)
	}, nil
}
