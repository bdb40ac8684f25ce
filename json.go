package orgusers

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// timestamp decodes null and the empty string as the zero time. Every other
// value that is not a time is an error, because a zero time means "never".
type timestamp struct{ time.Time }

var errNotTime = errors.New("is not a time")

func (t *timestamp) UnmarshalJSON(data []byte) error {
	if bytes.IndexByte(data, '\\') >= 0 {
		var text string
		if json.Unmarshal(data, &text) != nil {
			return errNotTime
		}
		data = strconv.AppendQuote(nil, text)
	}
	if string(data) == `""` {
		return nil
	}
	var parsed time.Time
	err := parsed.UnmarshalJSON(data)
	parsed = parsed.UTC()
	if err != nil || parsed.Year() < 0 || parsed.Year() > 9999 { // an offset can move the year out of range
		return errNotTime
	}
	t.Time = parsed
	return nil
}

// decodeString decodes a string without escapes, ten times as fast as json.Unmarshal does.
func decodeString(data []byte, text *string) error {
	if data[0] == '"' && bytes.IndexByte(data, '\\') < 0 && utf8.Valid(data) {
		*text = string(data[1 : len(data)-1])
		return nil
	}
	return json.Unmarshal(data, text)
}

// roleRef decodes a role's uid, or an object with uid, name and admin.
type roleRef struct {
	UID   string `json:"uid"`
	Name  string `json:"name"`
	Admin *bool  `json:"admin"`
}

func (r *roleRef) UnmarshalJSON(data []byte) error {
	if data[0] != '{' {
		return decodeString(data, &r.UID)
	}
	type plain roleRef // without this method
	return json.Unmarshal(data, (*plain)(r))
}

// inviter decodes a user's uid, the word System, or an object with uid and email.
type inviter Inviter

func (i *inviter) UnmarshalJSON(data []byte) error {
	if data[0] != '{' {
		return decodeString(data, &i.UID)
	}
	return json.Unmarshal(data, (*Inviter)(i))
}

// uids decodes a list of uids, or of objects with a uid.
type uids []string

func (u *uids) UnmarshalJSON(data []byte) error {
	// A role lists all of its users: strings are decoded without a call for each.
	if json.Unmarshal(data, (*[]string)(u)) == nil {
		return nil
	}
	var refs []roleRef
	if err := json.Unmarshal(data, &refs); err != nil {
		return err
	}
	*u = make(uids, len(refs))
	for i, ref := range refs {
		(*u)[i] = ref.UID
	}
	return nil
}

// accountDetails are fields of an account in a row of users. Their place is not
// documented: on the row, or in an object called user or user_details.
type accountDetails struct {
	FirstName   string    `json:"first_name"`
	LastName    string    `json:"last_name"`
	TFAStatus   MFAStatus `json:"tfa_status"`
	LastLoginAt timestamp `json:"last_login_at"`
}

// fill sets the fields that the user lacks.
func (d *accountDetails) fill(u *User) {
	u.FirstName = cmp.Or(u.FirstName, d.FirstName)
	u.LastName = cmp.Or(u.LastName, d.LastName)
	u.MFA = cmp.Or(u.MFA, d.TFAStatus)
	u.LastLoginAt = cmp.Or(u.LastLoginAt, d.LastLoginAt.Time)
}

// nestedDetails decodes details, and ignores a value that is not an object.
type nestedDetails struct{ *accountDetails }

func (n *nestedDetails) UnmarshalJSON(data []byte) error {
	if data[0] != '{' {
		return nil
	}
	n.accountDetails = new(accountDetails)
	return json.Unmarshal(data, n.accountDetails)
}

// unreadableField returns the place in a JSON text that cannot be decoded into
// values of the type of out, and what is wrong with it:
// "shares[2].last_login_at is not a time". encoding/json does not report it for
// types with their own methods. It returns "" if the text as a whole is not JSON.
func unreadableField(data []byte, out any) string {
	if !json.Valid(data) {
		return ""
	}
	path, err := locate(data, func(part []byte) error { return json.Unmarshal(part, out) })
	if path = strings.TrimPrefix(path, "."); path == "" || err == nil {
		return ""
	}
	if errors.Is(err, errNotTime) {
		return path + " " + errNotTime.Error()
	}
	return path + " has an unexpected value"
}

// locate descends into the first member or element that cannot be decoded on its
// own, as long as there is one. It stops at an object or a list that cannot be
// decoded even when it is empty.
func locate(data []byte, decode func([]byte) error) (string, error) {
	try := func(name string, part json.RawMessage, wrap func([]byte) []byte) (string, error) {
		decodePart := func(part []byte) error { return decode(wrap(part)) }
		err := decodePart(part)
		if err == nil {
			return "", nil
		}
		inner, innerErr := locate(part, decodePart)
		if inner == "" {
			return name, err
		}
		return name + inner, innerErr
	}
	switch data = bytes.TrimSpace(data); {
	case data[0] == '{' && decode([]byte("{}")) == nil:
		decoder := json.NewDecoder(bytes.NewReader(data))
		_, _ = decoder.Token()
		for decoder.More() {
			var part json.RawMessage
			key, _ := decoder.Token()
			name, _ := key.(string)
			_ = decoder.Decode(&part)       // the text is valid
			quoted, _ := json.Marshal(name) //nolint:errchkjson // a string
			path, err := try("."+fieldName(name), part, func(part []byte) []byte {
				return fmt.Appendf(nil, "{%s:%s}", quoted, part)
			})
			if path != "" {
				return path, err
			}
		}
	case data[0] == '[' && decode([]byte("[]")) == nil:
		var parts []json.RawMessage
		_ = json.Unmarshal(data, &parts)
		for i, part := range parts {
			path, err := try(fmt.Sprintf("[%d]", i), part, func(part []byte) []byte {
				return fmt.Appendf(nil, "[%s]", part)
			})
			if path != "" {
				return path, err
			}
		}
	}
	return "", nil
}

// fieldName returns the name of a field, unless it may be an address or a secret.
func fieldName(name string) string {
	if name == "" || len(name) > 40 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" {
		return "*"
	}
	return name
}
