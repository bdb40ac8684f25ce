package orgusers

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/orgusers/orgusers/internal/extsort"
)

// ExportOptions are the options of an export. Nil and the zero value export
// all users, with the default columns, sorted by address.
//
// Filter, Progress and the Value of columns are called from the goroutine of
// the caller.
type ExportOptions struct {
	// Columns are the columns, in order. Default [DefaultColumns], followed by
	// [AccessColumns] if Access is set.
	Columns []Column
	// Access reads what users have access to, for [AccessColumns]. It takes the
	// requests of [Client.Access].
	Access bool
	// Filter returns true for the users to export. It is called once for each
	// user, in the order of rows, with the same user as Column.Value. It must not
	// change the user.
	Filter func(*User) bool
	// Sort is the order of rows. Default: by address, case-insensitively, then
	// by its exact spelling.
	Sort Sort
	// KeepFormulas writes cells unchanged. By default a cell that a spreadsheet
	// could run as a formula gets an apostrophe in front. This protects only if
	// the spreadsheet separates cells at Comma. In either case line breaks within
	// cells become line feeds.
	KeepFormulas bool
	// BOM starts the file with a byte order mark, by which some spreadsheets
	// recognize UTF-8.
	BOM bool
	// CRLF ends rows with a carriage return and a line feed, as on Windows.
	CRLF bool
	// Comma separates the cells. Default ','. It must not be a quotation mark or a
	// line break.
	Comma rune
	// Progress is called after every 100 users read, after every 1,000 rows
	// written, and at the end of reading and of writing.
	Progress func(ExportProgress)
	// MemoryBudget is how many bytes of users are kept in memory while they are
	// sorted. The others go to a temporary file in [os.TempDir], which only the
	// user of the process can read. It is removed at the end of the call, on Unix
	// even if the process is killed.
	//
	// Default 8 MiB, which is about 30,000 users. Values below 64 KiB mean 64 KiB,
	// and a negative one returns [ErrInvalid]. With the default a program grows by
	// about 63 MiB to export a million users.
	MemoryBudget int64
}

// ExportProgress is the progress of an export.
type ExportProgress struct {
	// Users is how many users have been read.
	Users int
	// Count is how many users there are: 0 before the first response, and -1 if the
	// server does not say.
	Count int
	// Rows is how many rows have been written.
	Rows int
}

// ExportSummary is the result of an export.
type ExportSummary struct {
	// Rows is how many users were written, without the header.
	Rows int
	// Users is how many users were read.
	Users int
	// Bytes is how many bytes were written.
	Bytes    int64
	Duration time.Duration
}

// ExportCSV writes the organization's users to w as CSV in UTF-8. It reads and
// sorts all users before it writes. If reading fails, nothing is written. If
// writing fails, ExportSummary.Rows is how many rows w has taken. The summary is
// never nil. It returns [ErrInvalid] if an option is invalid.
//
// It sends what [Client.Users] sends, and with ExportOptions.Access what
// [Client.Access] sends.
func (c *Client) ExportCSV(ctx context.Context, w io.Writer, opts *ExportOptions) (*ExportSummary, error) {
	started := time.Now()
	e := newExport(c, w, opts)
	err := e.run(ctx)
	summary := &ExportSummary{Rows: e.table.rows, Users: e.users, Bytes: e.table.bytes, Duration: time.Since(started)}
	if err != nil {
		return summary, withOp("ExportCSV", err)
	}
	return summary, nil
}

// export is the state of one export.
type export struct {
	client  *Client
	options ExportOptions
	table   *table
	sorter  *extsort.Sorter

	users    int               // that were read
	count    atomic.Int64      // of the server
	inviters map[string]string // addresses by uid, empty if unknown
	access   *accessReading    // nil without ExportOptions.Access
}

func newExport(c *Client, w io.Writer, opts *ExportOptions) *export {
	e := &export{client: c, options: *cmp.Or(opts, &ExportOptions{}), inviters: map[string]string{}}
	o := &e.options
	o.Sort.By = cmp.Or(o.Sort.By, SortByEmail)
	o.Comma = cmp.Or(o.Comma, ',')
	if o.Columns == nil {
		o.Columns = DefaultColumns()
		if o.Access {
			o.Columns = append(o.Columns, AccessColumns()...)
		}
	}
	if o.Filter == nil {
		o.Filter = func(*User) bool { return true }
	}
	if o.Progress == nil {
		o.Progress = func(ExportProgress) {}
	}
	e.table = newTable(w, o)
	return e
}

func (o *ExportOptions) check() error {
	if len(o.Columns) == 0 {
		return errors.New("there is no column")
	}
	for i, column := range o.Columns {
		if column.Value == nil {
			return fmt.Errorf("column %d, %q, has no Value", i+1, column.Header)
		}
		if column.access != nil && !o.Access {
			return fmt.Errorf("column %d, %q, needs ExportOptions.Access", i+1, column.Header)
		}
	}
	if slices.Contains([]rune{'"', '\r', '\n', utf8.RuneError}, o.Comma) || !utf8.ValidRune(o.Comma) {
		return errors.New("the separator must be a character other than a quote and a line break")
	}
	if o.MemoryBudget < 0 {
		return errors.New("the memory budget is negative")
	}
	return o.Sort.check()
}

func (e *export) run(ctx context.Context) error {
	if err := e.options.check(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	e.sorter = extsort.New("", e.options.MemoryBudget)
	defer e.sorter.Close() //nolint:errcheck // the records are no longer needed
	err := e.read(ctx)
	if err == nil {
		err = e.findInviters(ctx)
	}
	if err != nil {
		return withOp("nothing was written", err)
	}
	if err := e.write(ctx); err != nil {
		return fmt.Errorf("only %d rows of %d users were written: %w", e.table.rows, e.users, err)
	}
	return nil
}

// read adds all users to the sorter.
func (e *export) read(ctx context.Context) error {
	var key, record []byte
	roles := e.client.newRoleDirectory()
	if e.options.Access {
		var err error
		if e.access, err = e.client.readAccess(ctx, false, roles); err != nil {
			return err
		}
	}
	for u, err := range e.client.users(ctx, nil, roles, func(count int) { e.count.Store(int64(count)) }) {
		if err != nil {
			return err
		}
		key, record = e.options.Sort.key(key[:0], u), appendUser(record[:0], u)
		if err := e.sorter.Add(key, record); err != nil {
			return err
		}
		if uid := u.InvitedBy.UID; uid != "" && uid != systemInviter {
			e.inviters[uid] = ""
		}
		if e.users++; e.users%maxPageSize == 0 {
			e.progress()
		}
	}
	e.progress()
	return nil
}

// findInviters looks up the addresses of inviters among all users. An inviter
// can come after the invited user in the list, and Filter can leave it out.
func (e *export) findInviters(ctx context.Context) error {
	if len(e.inviters) == 0 {
		return nil
	}
	for u, err := range e.sorted(ctx) {
		if err != nil {
			return err
		}
		if email, wanted := e.inviters[u.UID]; wanted && email == "" {
			e.inviters[u.UID] = u.Email
		}
	}
	return nil
}

// sorted yields all users in the order of rows.
func (e *export) sorted(ctx context.Context) iter.Seq2[*User, error] {
	return func(yield func(*User, error) bool) {
		for record, err := range e.sorter.Sorted() {
			var u *User
			if err == nil {
				err = ctx.Err()
			}
			if err == nil {
				u, err = decodeUser(record)
			}
			if !yield(u, err) || err != nil {
				return
			}
		}
	}
}

func (e *export) write(ctx context.Context) error {
	columns := e.options.Columns
	cells := make([]string, len(columns))
	for i, column := range columns {
		cells[i] = column.Header
	}
	if err := e.table.head(cells); err != nil {
		return err
	}
	rows := 0
	for u, err := range e.sorted(ctx) {
		if err != nil {
			return err
		}
		present := e.inviters[u.InvitedBy.UID] != ""
		if u.InvitedBy.Email == "" {
			u.InvitedBy.Email = e.inviters[u.InvitedBy.UID]
		}
		if !e.options.Filter(u) {
			continue
		}
		var access *UserAccess
		if e.access != nil {
			access = e.access.of(u)
		}
		for i := range columns {
			cells[i] = columns[i].cell(u, present, access)
		}
		if err := e.table.write(cells); err != nil {
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

func (e *export) progress() {
	e.options.Progress(ExportProgress{Users: e.users, Count: int(e.count.Load()), Rows: e.table.rows})
}

// ExportCSVFile writes the organization's users to a file as [Client.ExportCSV]
// does. Rows go to a temporary file in the same directory, with mode 0600, which
// is renamed to path at the end.
//
// After an error, a file that existed before is unchanged and no other file is
// left. If the process is killed, the temporary file is left; its name starts
// with ".orgusers-" and ends in ".tmp". It returns [ErrInvalid] if path is
// something other than a regular file, such as a terminal or a directory. A
// symbolic link is followed.
//
// It sends what [Client.ExportCSV] sends.
func (c *Client) ExportCSVFile(ctx context.Context, path string, opts *ExportOptions) (*ExportSummary, error) {
	target, err := exportTarget(path)
	if err != nil {
		return &ExportSummary{}, withOp("ExportCSVFile", err)
	}
	// Created first, so that nothing is sent if the directory is not writable.
	// The name of the target is not part of its name, which could get too long.
	file, err := os.CreateTemp(filepath.Dir(target), ".orgusers-*.tmp")
	if err != nil {
		if failure, ok := errors.AsType[*fs.PathError](err); ok {
			err = failure.Err // the path in it is the temporary file's
		}
		return &ExportSummary{}, withOp("ExportCSVFile", fmt.Errorf("no file can be created in the directory of %s: %w", path, err))
	}
	done := false
	defer func() {
		if !done { // also if a callback panics
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	summary, err := c.ExportCSV(ctx, file, opts)
	if err != nil {
		return summary, err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return summary, withOp("ExportCSVFile", err)
	}
	if err := os.Rename(file.Name(), target); err != nil {
		return summary, withOp("ExportCSVFile", err)
	}
	done = true
	return summary, nil
}

// exportTarget follows a symbolic link, so that the link is kept.
func exportTarget(path string) (string, error) {
	if path == "" {
		return "", fmt.Errorf("%w: the path is empty", ErrInvalid)
	}
	target, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(path); err == nil {
			return "", fmt.Errorf("%w: %s is a link to a file that does not exist", ErrInvalid, path)
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
		return "", fmt.Errorf("%w: %s is not a regular file", ErrInvalid, path)
	}
	return target, nil
}

// appendUser encodes all fields of a user as a record of the sorter.
// decodeUser reads them in the same order.
func appendUser(r []byte, u *User) []byte {
	for _, text := range []string{
		u.ShareUID, u.UID, u.Email, u.FirstName, u.LastName, string(u.Status),
		string(u.MFA), u.Message, u.InvitedBy.UID, u.InvitedBy.Email,
	} {
		r = appendText(r, text)
	}
	for _, t := range []time.Time{u.InvitedAt, u.LastLoginAt, u.CreatedAt, u.UpdatedAt} {
		r = binary.AppendVarint(r, t.Unix())
		r = binary.AppendVarint(r, int64(t.Nanosecond()))
	}
	r = appendFlag(appendFlag(r, u.Owner), u.AccessWithoutSSO)
	r = binary.AppendVarint(r, int64(len(u.Roles)))
	for _, role := range u.Roles {
		r = appendFlag(appendText(appendText(r, role.UID), role.Name), role.Admin)
	}
	return r
}

func appendText(r []byte, text string) []byte {
	return append(binary.AppendVarint(r, int64(len(text))), text...)
}

func appendFlag(r []byte, flag bool) []byte {
	if flag {
		return binary.AppendVarint(r, 1)
	}
	return binary.AppendVarint(r, 0)
}

func decodeUser(record []byte) (*User, error) {
	r := recordReader{left: record}
	u := &User{
		ShareUID: r.text(), UID: r.text(), Email: r.text(), FirstName: r.text(), LastName: r.text(), Status: UserStatus(r.text()),
		MFA: MFAStatus(r.text()), Message: r.text(), InvitedBy: Inviter{UID: r.text(), Email: r.text()},
		InvitedAt: r.time(), LastLoginAt: r.time(), CreatedAt: r.time(), UpdatedAt: r.time(),
		Owner: r.flag(), AccessWithoutSSO: r.flag(),
	}
	for i := r.number(); i > 0 && !r.damaged; i-- {
		u.Roles = append(u.Roles, RoleRef{UID: r.text(), Name: r.text(), Admin: r.flag()})
	}
	if r.damaged || len(r.left) > 0 {
		return nil, errors.New("a temporary file does not hold what was written to it")
	}
	return u, nil
}

// recordReader takes fields off a record. After damage all fields are zero.
type recordReader struct {
	left    []byte
	damaged bool
}

func (r *recordReader) number() int64 {
	number, size := binary.Varint(r.left)
	if size <= 0 {
		r.damaged, r.left = true, nil
		return 0
	}
	r.left = r.left[size:]
	return number
}

func (r *recordReader) text() string {
	size := r.number()
	if size < 0 || size > int64(len(r.left)) {
		r.damaged, r.left = true, nil
		return ""
	}
	text := string(r.left[:size])
	r.left = r.left[size:]
	return text
}

func (r *recordReader) time() time.Time { return time.Unix(r.number(), r.number()).UTC() }

func (r *recordReader) flag() bool { return r.number() == 1 }
