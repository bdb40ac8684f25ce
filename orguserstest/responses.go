package orguserstest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"net/mail"
	"slices"
	"strconv"
	"strings"
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

// maxPage is the most rows that a page can have.
const maxPage = 100

// page is which rows of a list a request asks for.
type page struct {
	limit, skip int
	by          string // the sort field; created_at where there is none
	descending  bool
	sorted      bool
	count       bool
}

// page reads the parameters that every list knows. A list without sortable
// fields knows no sort, and is always in order. Where the request names
// something that makes no sense, the second result is its answer.
func (c *call) page(sortable ...string) (page, *answer) {
	p := page{
		limit:  maxPage,
		by:     "created_at",
		sorted: len(sortable) == 0,
		count:  c.flag("include_count"),
	}
	for name, number := range map[string]*int{"limit": &p.limit, "skip": &p.skip} {
		text := c.query.Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return page{}, new(invalid(name))
		}
		*number = min(n, math.MaxInt32) // far beyond any list, and sums of it do not overflow
	}
	for _, direction := range []string{"asc", "desc"} {
		by := c.query.Get(direction)
		if by == "" || len(sortable) == 0 {
			continue
		}
		if !slices.Contains(sortable, by) {
			return page{}, new(invalid(direction))
		}
		p.by, p.descending, p.sorted = by, direction == "desc", true
	}
	return p, nil
}

// typeahead is the text that rows must have in them, folded.
func (c *call) typeahead() string {
	return fold(strings.TrimSpace(c.query.Get("typeahead")))
}

// flag is a parameter that says true.
func (c *call) flag(name string) bool {
	return c.query.Get(name) == "true"
}

// window is where the rows of a page begin and end in a list of so many, with
// all that the options and a fault do to it.
func (s *Server) window(c *call, p page, total int) (from, to int) {
	limit := min(p.limit, s.cfg.pageCap)
	from = p.skip
	switch c.effect.kind {
	case kindIgnoreSkip:
		from = 0
	case kindRepeatPage:
		from = max(0, from-limit)
	case kindEmptyPage:
		limit = 0
	default:
		if !p.sorted && total > limit {
			s.unsorted++
			from = max(0, from+int(s.chance(s.unsorted)%7)-3)
		}
	}
	from = min(from, total)
	return from, min(from+limit, total)
}

// rowsOf cuts the page out of a list that is in the order asked for.
func rowsOf[T any](s *Server, c *call, p page, list []T) []T {
	from, to := s.window(c, p, len(list))
	return list[from:to]
}

// total is the count that an answer gives, and whether it gives one.
func (s *Server) total(c *call, p page, rows int) (int, bool) {
	switch {
	case !p.count || s.cfg.withoutCount:
		return 0, false
	case c.effect.kind == kindLyingCount:
		return c.effect.count(rows), true
	}
	return rows, true
}

func (s *Server) replyList(c *call, p page, name string, list []object, rows int) answer {
	body := object{name: list}
	if total, ok := s.total(c, p, rows); ok {
		body["count"] = total
	}
	return reply(body)
}

// named is what roles, stacks and organizations sort by.
type named interface {
	sortKey() (name string, created, updated int64)
}

// filterNamed keeps what has a folded text in its name, in the order asked for.
func filterNamed[T named](list []T, p page, text string) []T {
	var found []T
	for _, item := range list {
		if name, _, _ := item.sortKey(); strings.Contains(fold(name), text) {
			found = append(found, item)
		}
	}
	slices.SortStableFunc(found, func(a, b T) int {
		nameA, createdA, updatedA := a.sortKey()
		nameB, createdB, updatedB := b.sortKey()
		switch p.by {
		case "name":
			return cmp.Compare(fold(nameA), fold(nameB))
		case "updated_at":
			return cmp.Compare(updatedA, updatedB)
		}
		return cmp.Compare(createdA, createdB)
	})
	if p.descending {
		slices.Reverse(found)
	}
	return found
}

// fold makes texts comparable without letter case.
func fold(text string) string {
	return strings.ToLower(text)
}

// send writes an answer, the way an effect wants it.
func (s *Server) send(w http.ResponseWriter, r *http.Request, a answer, e Effect) {
	switch e.kind {
	case kindReset:
		breakOff(w)
	case kindHang:
		s.hang(r.Context())
	case kindDelay:
		s.pause(r.Context(), e.wait)
	case kindEmptyBody:
		a.body = nil
	case kindTruncatedJSON:
		a.body = a.body[:len(a.body)/2]
	}

	length := int64(len(a.body))
	if e.kind == kindHuge {
		length = max(e.bytes, int64(len(hugeStart)+len(hugeEnd)))
	}
	maps.Copy(w.Header(), a.header)
	w.Header().Set("Content-Length", strconv.FormatInt(length, 10))
	w.WriteHeader(a.status)

	switch e.kind {
	case kindCutBody:
		write(w, a.body[:len(a.body)/2]) // net/http closes a connection that is owed more
	case kindResetBody:
		write(w, a.body[:len(a.body)/2])
		flush(w)
		breakOff(w)
	case kindSlowBody:
		s.sendSlowly(w, r, a.body, e.wait)
	case kindHuge:
		write(w, []byte(hugeStart))
		filler := bytes.Repeat([]byte{'x'}, 32<<10)
		for left := length - int64(len(hugeStart)+len(hugeEnd)); left > 0; left -= int64(len(filler)) {
			write(w, filler[:min(left, int64(len(filler)))])
		}
		write(w, []byte(hugeEnd))
	default:
		write(w, a.body)
	}
}

// A huge body is an object with one long string.
const hugeStart, hugeEnd = `{"notice":"`, `"}`

func (s *Server) sendSlowly(w http.ResponseWriter, r *http.Request, body []byte, d time.Duration) {
	const pieces = 10
	flush(w)
	for i := range pieces {
		s.pause(r.Context(), d/pieces)
		write(w, body[len(body)*i/pieces:len(body)*(i+1)/pieces])
		flush(w)
	}
}

// write ends the request when its client is no longer there.
func write(w io.Writer, b []byte) {
	if _, err := w.Write(b); err != nil {
		panic(http.ErrAbortHandler)
	}
}

func flush(w http.ResponseWriter) {
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}

// breakOff ends the request without a word. On a real connection the client
// sees a reset.
func breakOff(w http.ResponseWriter) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it the client sees an orderly end
	}
	_ = conn.Close()
	panic(http.ErrAbortHandler)
}
