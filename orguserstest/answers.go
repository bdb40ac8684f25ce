package orguserstest

import (
	"encoding/json"
	"maps"
	"net/http"
	"time"
	"unicode/utf8"
)

// object is a JSON object that is built field by field.
type object map[string]any

// answer is what a request gets back, before faults have their way with it.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// reply answers with 200 and v.
func reply(v any) answer {
	return answer{status: http.StatusOK, body: encode(v)}
}

func encode(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic("orguserstest: " + err.Error()) // everything encoded here is made of strings, numbers and maps
	}
	return body
}

// fail answers with an error in the shape of the API. A code of zero and
// details of nil are left out.
func fail(status, code int, message string, details any) answer {
	body := object{"error_message": message}
	if code != 0 {
		body["error_code"] = code
	}
	if details != nil {
		body["errors"] = details
	}
	return answer{status: status, body: encode(body)}
}

func unauthorized() answer {
	return fail(http.StatusUnauthorized, 105, "You're not allowed in here unless you're logged in.",
		object{"authtoken": []string{"is not valid."}})
}

func forbidden() answer {
	return answer{status: http.StatusForbidden, body: encode(object{
		"error_message": "Access denied. You have insufficient permissions to perform this operation.",
		"error_code":    162,
		"errors":        nil,
	})}
}

func notFound() answer {
	return fail(http.StatusNotFound, 141, "The requested object doesn't exist.", object{"uid": "is not valid."})
}

func invalid(field string) answer {
	return fail(http.StatusUnprocessableEntity, 119, "Validation failed", object{field: []string{"is not valid."}})
}

func merge(first, second http.Header) http.Header {
	maps.Copy(first, second)
	return first
}

// timestamp is the form of the API's times.
func timestamp(ms int64) string {
	return string(appendTime(nil, ms))
}

// appendTime writes whole seconds in a layout that package time is fast at, and
// puts the milliseconds in place of the Z.
func appendTime(b []byte, ms int64) []byte {
	t := time.UnixMilli(ms).UTC()
	b = t.AppendFormat(b, time.RFC3339)
	tenths := byte(t.Nanosecond() / 1e8)
	hundredths := byte(t.Nanosecond() / 1e7 % 10)
	thousandths := byte(t.Nanosecond() / 1e6 % 10)
	return append(b[:len(b)-1], '.', '0'+tenths, '0'+hundredths, '0'+thousandths, 'Z')
}

// appendText appends a string as JSON. Most are plain and need no escaping.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return append(b, encode(text)...)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}
