package orgusers

import (
	"encoding/binary"
	"errors"
	"time"
)

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
