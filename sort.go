package orgusers

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// SortField is what users are sorted by.
type SortField string

// The fields to sort by. The contract documents created_at and updated_at for
// the server; [Client.Users] and the export sort by each of them here.
const (
	SortByEmail     SortField = "email"
	SortByFirstName SortField = "first_name"
	SortByLastName  SortField = "last_name"
	SortByInvitedAt SortField = "invited_at"
	SortByLastLogin SortField = "last_login_at"
	SortByCreated   SortField = "created_at"
	SortByUpdated   SortField = "updated_at"
)

// Sort is an order of users. Its zero value leaves the order to the call.
type Sort struct {
	By         SortField
	Descending bool
}

// check refuses a field that cannot be sorted by here.
func (s Sort) check() error {
	switch s.By {
	case SortByEmail, SortByFirstName, SortByLastName, SortByInvitedAt, SortByLastLogin, SortByCreated, SortByUpdated:
		return nil
	default:
		return fmt.Errorf("unknown sort field %q", s.By)
	}
}

// key appends bytes that compare as the users do. Texts go letter case aside,
// then as they are; a time that is unknown or never was comes first. Equals
// follow by address, upwards in either direction.
func (s Sort) key(key []byte, u *User) []byte {
	start := len(key)
	switch s.By {
	case SortByFirstName:
		key = textKey(key, u.FirstName)
	case SortByLastName:
		key = textKey(key, u.LastName)
	case SortByInvitedAt:
		key = timeKey(key, u.InvitedAt)
	case SortByLastLogin:
		key = timeKey(key, u.LastLoginAt)
	case SortByCreated:
		key = timeKey(key, u.CreatedAt)
	case SortByUpdated:
		key = timeKey(key, u.UpdatedAt)
	default:
		key = textKey(key, u.Email)
	}
	if s.Descending {
		for i := range key[start:] {
			key[start+i] = ^key[start+i]
		}
	}
	return textKey(key, u.Email)
}

// textKey ends each text with a zero byte, so that a shorter one comes first.
func textKey(key []byte, text string) []byte {
	key = append(key, strings.ToLower(text)...)
	key = append(key, 0)
	key = append(key, text...)
	return append(key, 0)
}

func timeKey(key []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(key, make([]byte, 8)...)
	}
	// The sign bit is turned, so that times before 1970 come first.
	return binary.BigEndian.AppendUint64(key, uint64(t.UnixMicro())^1<<63)
}
