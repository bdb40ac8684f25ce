package orguserstest

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/mail"
	"slices"
)

// decode reads the body of a request into v. What is no JSON is answered with
// 400, and JSON of another shape with 422. Without a body, v stays as it is.
func (c *call) decode(v any) *answer {
	if len(c.body) == 0 {
		return nil
	}
	err := json.Unmarshal(c.body, v)
	var shape *json.UnmarshalTypeError
	switch {
	case errors.As(err, &shape):
		return new(invalid(cmp.Or(shape.Field, "body")))
	case err != nil:
		return new(badJSON())
	}
	return nil
}

// isAddress reports whether text is a mail address and nothing else.
func isAddress(text string) bool {
	parsed, err := mail.ParseAddress(text)
	return err == nil && parsed.Address == text
}

// someOf is what a request may do of its work: all, unless a fault stops it
// midway.
func someOf[T any](c *call, list []T) []T {
	if c.partial > 0 {
		return list[:min(c.partial, len(list))]
	}
	return list
}

// rolesWith finds roles by uid, each once. It reports whether all uids are known
// and there is one at least.
func rolesWith(known []*role, uids []string) (roles []*role, ok bool) {
	for _, uid := range uids {
		at := slices.IndexFunc(known, func(r *role) bool { return r.uid == uid })
		if at < 0 {
			return nil, false
		}
		if !slices.Contains(roles, known[at]) {
			roles = append(roles, known[at])
		}
	}
	return roles, len(roles) > 0
}
