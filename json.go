package orgusers

import (
	"bytes"
)

// plainObject reads an object whose members are all plain texts, as those that
// name a role or an inviter are, without a second decoder. What encoding/json
// hands over is known to be valid. It returns false for anything less plain,
// which is then left to encoding/json.
func plainObject(data []byte, member func(name, value []byte)) bool {
	for rest := bytes.TrimLeft(data[1:], " \t\r\n"); ; {
		name, after, ok := plainText(rest)
		if !ok || len(after) == 0 || after[0] != ':' {
			return false
		}
		value, after, ok := plainText(after[1:])
		if !ok || len(after) == 0 {
			return false
		}
		member(name, value)
		switch after[0] {
		case '}':
			return true
		case ',':
			rest = after[1:]
		default:
			return false
		}
	}
}

// plainText takes a text without escapes, in ASCII, off the front.
func plainText(data []byte) (text, after []byte, ok bool) {
	if len(data) == 0 || data[0] != '"' {
		return nil, nil, false
	}
	for i := 1; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			return data[1:i], data[i+1:], true
		case c == '\\' || c >= 0x80:
			return nil, nil, false
		}
	}
	return nil, nil, false
}
