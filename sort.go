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

// key makes bytes that compare as the users do. Texts go letter case aside,
// then as they are; a time that is unknown or never was comes first. Equals
// follow by address, upwards in either direction.
func (s Sort) key(u *User) []byte {
	var key []byte
	switch s.By {
	case SortByFirstName:
		key = textKey(nil, u.FirstName)
	case SortByLastName:
		key = textKey(nil, u.LastName)
	case SortByInvitedAt:
		key = timeKey(u.InvitedAt)
	case SortByLastLogin:
		key = timeKey(u.LastLoginAt)
	case SortByCreated:
		key = timeKey(u.CreatedAt)
	case SortByUpdated:
		key = timeKey(u.UpdatedAt)
	default:
		key = textKey(nil, u.Email)
	}
	if s.Descending {
		for i := range key {
			key[i] = ^key[i]
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

func timeKey(t time.Time) []byte {
	if t.IsZero() {
		return make([]byte, 8)
	}
	// The sign bit is turned, so that times before 1970 come first.
	return binary.BigEndian.AppendUint64(nil, uint64(t.UnixMicro())^1<<63)
}
