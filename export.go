package orgusers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/orgusers/orgusers/internal/extsort"
)

// ExportOptions shape an export. Nil and the zero value write everybody, with
// the default columns, sorted by address.
type ExportOptions struct {
	// Columns are the columns, in order. Default [DefaultColumns].
	Columns []Column
	// Filter keeps the users for whom it returns true. It is called once for
	// each user, in no particular order, and must not change them.
	Filter func(*User) bool
	// Sort is the order of rows. Default: by address, letter case aside, then
	// as it is.
	Sort Sort
	// KeepFormulas leaves formulas as they are. Without it, a cell that a spreadsheet
	// would take for one gets an apostrophe in front. Either way line breaks in
	// cells become line feeds. A spreadsheet that separates cells by another
	// character than Comma sees other cells: set Comma for it.
	KeepFormulas bool
	// BOM begins the file with a byte order mark, by which some spreadsheets
	// know UTF-8.
	BOM bool
	// CRLF ends rows as on Windows.
	CRLF bool
	// Comma separates the cells. Default ','.
	Comma rune
	// Progress is told, from the goroutine of the export, how far it is:
	// about every hundred users while they are read, every thousand rows
	// while they are written, and at the end of both.
	Progress func(ExportProgress)
	// MemoryBudget is how many bytes of users are kept in memory while they
	// are sorted. What is beyond goes to a temporary file (in $TMPDIR) that
	// only this user can read, and that is gone at the end, whatever the end;
	// on Unix even when the process is killed.
	// Default 8 MiB, which is some 30,000 users; less than 64 KiB is taken as
	// that, and a negative one is [ErrInvalid]. With the default, a program grows
	// by some 60 MiB for an export of a million users.
	MemoryBudget int64
}

// ExportProgress is how far an export is.
type ExportProgress struct {
	// Users have been read, out of Count, which is -1 where the server does
	// not say.
	Users, Count int
	// Rows have been written.
	Rows int
	// Requests have been sent, repeated ones included.
	Requests int
}

// ExportSummary is what an export came to.
type ExportSummary struct {
	// Rows is how many users were written; the header is no row.
	Rows int
	// Users is how many were read.
	Users int
	// Requests is how many were sent, repeated ones included.
	Requests int
	// Bytes is how many were written.
	Bytes    int64
	Duration time.Duration
}

// ExportCSV writes the organization's users to w as CSV in UTF-8. It reads
// and sorts all of them before it writes anything, so an error while reading
// leaves w untouched; one while writing is returned with a summary that says
// how many rows w has taken. A summary comes with every error.
//
// It sends what [Client.Users] sends, and reads the organization's roles once
// if the server names roles by uid alone.
func (c *Client) ExportCSV(ctx context.Context, w io.Writer, opts *ExportOptions) (*ExportSummary, error) {
	started := time.Now()
	e := &export{client: c, options: opts.orDefault()}
	summary := &ExportSummary{}
	err := e.run(ctx, w)
	if e.table != nil {
		summary.Rows, summary.Bytes = e.table.rows, e.table.bytes
	}
	summary.Users, summary.Requests = e.users, int(e.reading.requests.Load())
	summary.Duration = time.Since(started)
	if err != nil {
		return summary, failedIn("ExportCSV", err)
	}
	return summary, nil
}

func (o *ExportOptions) orDefault() ExportOptions {
	var options ExportOptions
	if o != nil {
		options = *o
	}
	if options.Columns == nil {
		options.Columns = DefaultColumns()
	}
	if options.Sort.By == "" {
		options.Sort.By = SortByEmail
	}
	if options.Progress == nil {
		options.Progress = func(ExportProgress) {}
	}
	return options
}

func (o *ExportOptions) check() error {
	if len(o.Columns) == 0 {
		return errors.New("there is no column")
	}
	for i, column := range o.Columns {
		if column.Value == nil {
			return fmt.Errorf("column %d, %q, has no Value", i+1, column.Header)
		}
	}
	if o.MemoryBudget < 0 {
		return errors.New("the memory budget is negative")
	}
	return o.Sort.check()
}

// export is one export while it goes on.
type export struct {
	client  *Client
	options ExportOptions
	table   *table
	cells   []string // of the row that is made
	sorter  *extsort.Sorter

	reading readProgress
	users   int // read
	kept    int // passed the filter

	roles    map[string]string // names by uid, once they had to be read
	accounts map[string]string // addresses by uid: of inviters, or empty while unknown; and of whoever may be one
}

func (e *export) run(ctx context.Context, w io.Writer) error {
	table, err := newTable(w, &e.options)
	if err = errors.Join(err, e.options.check()); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	e.table = table
	e.sorter = extsort.New("", e.options.MemoryBudget)
	e.accounts = map[string]string{}
	defer e.sorter.Close() //nolint:errcheck // what it held is of no more use
	if err := e.read(ctx); err != nil {
		return failedIn("nothing was written", err)
	}
	if err := e.write(ctx); err != nil {
		return fmt.Errorf("only %d of %d rows were written: %w", table.rows, e.kept, err)
	}
	return nil
}

// read sorts everybody, also those who are left out: they may have invited
// somebody who is not.
func (e *export) read(ctx context.Context) error {
	var key, record []byte
	for u, err := range e.client.users(ctx, nil, &e.reading) {
		if err != nil {
			return err
		}
		if err := e.nameRoles(ctx, u); err != nil {
			return err
		}
		e.noteAccount(u)
		key = e.options.Sort.key(key[:0], u)
		if record, err = e.appendRecord(record[:0], u); err != nil {
			return err
		}
		if err := e.sorter.Add(key, record); err != nil {
			return err
		}
		if e.users++; e.users%maxPageSize == 0 {
			e.progress()
		}
	}
	e.progress()
	return e.findInviters(ctx)
}

// A record begins with one of these. Rows are made while pages are awaited,
// unless they need an address that may come with one of these pages.
const (
	leftOut      byte = iota // and the account
	readyRow                 // and the account, and the row
	wantsInviter             // and the user
)

func (e *export) appendRecord(record []byte, u *User) ([]byte, error) {
	if e.options.Filter != nil && !e.options.Filter(u) {
		return encodeAccount(append(record, leftOut), u), nil
	}
	e.kept++
	if !e.knowsInviter(u) {
		return encodeUser(append(record, wantsInviter), u), nil
	}
	row, err := e.row(u)
	return append(encodeAccount(append(record, readyRow), u), row...), err
}

func (e *export) write(ctx context.Context) error {
	header := make([]string, len(e.options.Columns))
	for i, column := range e.options.Columns {
		header[i] = column.Header
	}
	if err := e.table.head(header); err != nil {
		return err
	}
	rows := 0
	for record, err := range e.sorter.Sorted(ctx) {
		if err != nil {
			return err
		}
		if record[0] == leftOut {
			continue
		}
		row, err := e.rowOf(record)
		if err != nil {
			return err
		}
		if err := e.table.write(row); err != nil {
			return err
		}
		if rows++; rows%1000 == 0 {
			e.progress()
		}
	}
	if err := e.table.flush(); err != nil {
		return err
	}
	e.progress()
	return nil
}

// rowOf is the row that a record holds or can now be made into.
func (e *export) rowOf(record []byte) ([]byte, error) {
	if record[0] == readyRow {
		_, _, row, err := decodeAccount(record[1:])
		return row, err
	}
	u, err := decodeUser(record[1:])
	if err != nil {
		return nil, err
	}
	if u.InvitedBy.Email == "" {
		u.InvitedBy.Email = e.accounts[u.InvitedBy.UID]
	}
	return e.row(u)
}

func (e *export) row(u *User) ([]byte, error) {
	e.cells = e.cells[:0]
	for _, column := range e.options.Columns {
		e.cells = append(e.cells, e.cell(column, u))
	}
	return e.table.encode(e.cells)
}

func (e *export) cell(column Column, u *User) string {
	if column.presentInviter && e.accounts[u.InvitedBy.UID] == "" {
		withoutFormer := *u
		withoutFormer.InvitedBy = Inviter{}
		u = &withoutFormer
	}
	return column.Value(u)
}

// nameRoles fills in the names of roles where the server sent uids alone.
func (e *export) nameRoles(ctx context.Context, u *User) error {
	for i := range u.Roles {
		role := &u.Roles[i]
		if role.Name != "" {
			continue
		}
		if e.roles == nil {
			if err := e.readRoles(ctx); err != nil {
				return err
			}
		}
		role.Name = e.roles[role.UID]
	}
	return nil
}

func (e *export) readRoles(ctx context.Context) error {
	e.roles = map[string]string{}
	for role, err := range e.client.roles(ctx, nil, &e.reading) {
		if err != nil {
			return err
		}
		e.roles[role.UID] = role.Name
	}
	return nil
}

// noteAccount keeps addresses in case their users have invited others. Lists
// are read from the oldest on, so the first users are those who mostly have;
// an address for each would be too much to keep.
func (e *export) noteAccount(u *User) {
	const first = 10_000
	if u.UID != "" && len(e.accounts) < first && e.accounts[u.UID] == "" {
		e.accounts[strings.Clone(u.UID)] = strings.Clone(u.Email)
	}
}

// knowsInviter fills in the inviter's address. It is false where that has to be
// looked for among everybody.
func (e *export) knowsInviter(u *User) bool {
	byPresence := func(column Column) bool { return column.presentInviter }
	inviter := &u.InvitedBy
	if inviter.UID == "" || inviter.UID == serviceItself || inviter.Email != "" && !slices.ContainsFunc(e.options.Columns, byPresence) {
		return true
	}
	email := e.accounts[inviter.UID]
	if email == "" {
		e.accounts[strings.Clone(inviter.UID)] = ""
		return false
	}
	if inviter.Email == "" {
		inviter.Email = email
	}
	return true
}

// findInviters looks for inviters who are still unknown among everybody read.
func (e *export) findInviters(ctx context.Context) error {
	if !slices.Contains(slices.Collect(maps.Values(e.accounts)), "") {
		return nil
	}
	for record, err := range e.sorter.Unsorted(ctx) {
		if err != nil {
			return err
		}
		uid, email, _, err := decodeAccount(record[1:])
		if err != nil {
			return err
		}
		if address, wanted := e.accounts[string(uid)]; wanted && address == "" {
			e.accounts[string(uid)] = string(email)
		}
	}
	return nil
}

func (e *export) progress() {
	e.options.Progress(ExportProgress{
		Users:    e.users,
		Count:    int(e.reading.count.Load()),
		Rows:     e.table.rows,
		Requests: int(e.reading.requests.Load()),
	})
}

// ExportCSVFile writes the organization's users to a file, as
// [Client.ExportCSV] does, complete and readable by its user alone (mode
// 0600), or not at all: it writes beside the target and renames at the end.
// After any error a file that was there before is as it was, and nothing else
// is left behind; a process that is killed leaves what it wrote by then, with a
// name that starts with a dot and ends in .tmp. A target that is no regular
// file, such as a terminal or a directory, is [ErrInvalid]. It sends what
// [Client.ExportCSV] sends.
func (c *Client) ExportCSVFile(ctx context.Context, path string, opts *ExportOptions) (*ExportSummary, error) {
	target, err := exportTarget(path)
	if err != nil {
		return &ExportSummary{}, failedIn("ExportCSVFile", err)
	}
	// Before anything is read, so that a directory that cannot be written
	// costs no request.
	file, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*.tmp")
	if err != nil {
		if failure, ok := errors.AsType[*fs.PathError](err); ok {
			err = failure.Err // its path is the temporary file's
		}
		return &ExportSummary{}, failedIn("ExportCSVFile", fmt.Errorf("no file can be made in the directory of %s: %w", path, err))
	}
	done := false
	defer func() {
		if !done { // also when a function of the caller's panics
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	summary, err := c.ExportCSV(ctx, file, opts)
	if err != nil {
		return summary, err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return summary, failedIn("ExportCSVFile", err)
	}
	if err := os.Rename(file.Name(), target); err != nil {
		return summary, failedIn("ExportCSVFile", err)
	}
	done = true
	return summary, nil
}

// exportTarget follows a link, so that the link stays one.
func exportTarget(path string) (string, error) {
	if path == "" {
		return "", fmt.Errorf("%w: the path is empty", ErrInvalid)
	}
	target, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(path); err == nil {
			return "", fmt.Errorf("%w: %s is a link that leads nowhere", ErrInvalid, path)
		}
		return path, nil
	}
	if err != nil {
		return "", err
	}
	info, err := os.Stat(target)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%w: %s is no regular file", ErrInvalid, path)
	}
	return target, nil
}
