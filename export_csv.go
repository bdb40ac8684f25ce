package orgusers

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"time"
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
	t := &table{to: to, raw: options.KeepFormulas, crlf: options.CRLF}
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

// The export keeps users between reading and writing as records: every field,
// in little space and quickly read back. encode and decode go through the
// fields in the same order; the account comes first.

func encodeUser(r []byte, u *User) []byte {
	r = encodeAccount(r, u)
	for _, text := range []string{
		u.ShareUID, u.FirstName, u.LastName, string(u.Status),
		string(u.MFA), u.Message, u.InvitedBy.UID, u.InvitedBy.Email,
	} {
		r = appendText(r, text)
	}
	for _, t := range []time.Time{u.InvitedAt, u.LastLoginAt, u.CreatedAt, u.UpdatedAt} {
		r = binary.AppendVarint(r, t.Unix())
		r = binary.AppendUvarint(r, uint64(t.Nanosecond())) //nolint:gosec // never negative
	}
	for _, flag := range []bool{u.Owner, u.AccessWithoutSSO} {
		var bit uint64
		if flag {
			bit = 1
		}
		r = binary.AppendUvarint(r, bit)
	}
	r = binary.AppendUvarint(r, uint64(len(u.Roles)))
	for _, role := range u.Roles {
		r = appendText(appendText(r, role.UID), role.Name)
	}
	return r
}

func appendText(r []byte, text string) []byte {
	return append(binary.AppendUvarint(r, uint64(len(text))), text...)
}

func decodeUser(data []byte) (*User, error) {
	r := recordReader{left: data, texts: string(data)}
	u := &User{
		UID: r.text(), Email: r.text(), ShareUID: r.text(), FirstName: r.text(), LastName: r.text(), Status: UserStatus(r.text()),
		MFA: MFAStatus(r.text()), Message: r.text(), InvitedBy: Inviter{UID: r.text(), Email: r.text()},
		InvitedAt: r.time(), LastLoginAt: r.time(), CreatedAt: r.time(), UpdatedAt: r.time(),
		Owner: r.number() == 1, AccessWithoutSSO: r.number() == 1,
	}
	for range r.number() {
		if r.broken {
			break
		}
		u.Roles = append(u.Roles, RoleRef{UID: r.text(), Name: r.text()})
	}
	if r.broken || len(r.left) > 0 {
		return nil, errRecord
	}
	return u, nil
}

// encodeAccount is the beginning of encodeUser.
func encodeAccount(r []byte, u *User) []byte {
	return appendText(appendText(r, u.UID), u.Email)
}

// decodeAccount reads no more of a record than whose it is, and copies nothing.
func decodeAccount(data []byte) (uid, email, rest []byte, err error) {
	r := recordReader{left: data}
	uid, email = r.bytes(), r.bytes()
	if r.broken {
		return nil, nil, nil, errRecord
	}
	return uid, email, r.left, nil
}

var errRecord = errors.New("a record did not come back as it was kept")

// recordReader takes fields off a record until one is not there.
type recordReader struct {
	left   []byte
	texts  string // the whole record, of which all texts are parts
	broken bool
}

func (r *recordReader) number() uint64 {
	number, size := binary.Uvarint(r.left)
	return number * r.advance(size)
}

func (r *recordReader) time() time.Time {
	seconds, size := binary.Varint(r.left)
	r.advance(size)
	return time.Unix(seconds, int64(r.number())).UTC() //nolint:gosec // below a billion
}

func (r *recordReader) text() string {
	size := len(r.bytes())
	end := len(r.texts) - len(r.left)
	return r.texts[end-size : end]
}

func (r *recordReader) bytes() []byte {
	size := r.number()
	if size > uint64(len(r.left)) {
		r.broken = true
		return nil
	}
	text := r.left[:size]
	r.left = r.left[size:]
	return text
}

// advance returns 0 where a number is cut off.
func (r *recordReader) advance(size int) uint64 {
	if size <= 0 {
		r.broken, r.left = true, nil
		return 0
	}
	r.left = r.left[size:]
	return 1
}
