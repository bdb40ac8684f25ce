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

// object is a JSON object.
type object map[string]any

// response is the response to a request, before a fault changes it.
type response struct {
	status int
	header http.Header
	body   []byte
}

// respond returns a response with status 200 and the body v.
func respond(v any) response {
	return response{status: http.StatusOK, body: encode(v)}
}

func encode(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic("orguserstest: " + err.Error()) // strings, numbers, maps and slices cannot fail
	}
	return body
}

// fail returns an error response. It leaves out a code of zero and nil
// details.
func fail(status, code int, message string, details any) response {
	body := object{"error_message": message}
	if code != 0 {
		body["error_code"] = code
	}
	if details != nil {
		body["errors"] = details
	}
	return response{status: status, body: encode(body)}
}

func unauthorized() response {
	return fail(http.StatusUnauthorized, 105, "You're not allowed in here unless you're logged in.",
		object{"authtoken": []string{"is not valid."}})
}

func forbidden() response {
	return response{status: http.StatusForbidden, body: encode(object{
		"error_message": "Access denied. You have insufficient permissions to perform this operation.",
		"error_code":    162,
		"errors":        nil,
	})}
}

func notFound() response {
	return fail(http.StatusNotFound, 141, "The requested object doesn't exist.", object{"uid": "is not valid."})
}

func invalid(field string) response {
	return fail(http.StatusUnprocessableEntity, 119, "Validation failed", object{field: []string{"is not valid."}})
}

func merge(first, second http.Header) http.Header {
	maps.Copy(first, second)
	return first
}

// timestamp formats a time as the API does.
func timestamp(ms int64) string {
	return string(appendTime(nil, ms))
}

// appendTime formats whole seconds with a layout that package time formats
// fast, and replaces the Z with milliseconds.
func appendTime(b []byte, ms int64) []byte {
	t := time.UnixMilli(ms).UTC()
	b = t.AppendFormat(b, time.RFC3339)
	tenths := byte(t.Nanosecond() / 1e8)
	hundredths := byte(t.Nanosecond() / 1e7 % 10)
	thousandths := byte(t.Nanosecond() / 1e6 % 10)
	return append(b[:len(b)-1], '.', '0'+tenths, '0'+hundredths, '0'+thousandths, 'Z')
}

// appendText appends a string as JSON. Most strings need no escaping.
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

// decode reads the body of a request into v. It returns a 400 response if the
// body is not a JSON object, and 422 if a field has another type. Without a body
// it leaves v unchanged.
func (c *call) decode(v any) *response {
	if len(c.body) == 0 {
		return nil
	}
	err := json.Unmarshal(c.body, v)
	var shape *json.UnmarshalTypeError
	switch {
	case !bytes.HasPrefix(bytes.TrimSpace(c.body), []byte{'{'}):
		return new(fail(http.StatusBadRequest, 0, "The body is not a JSON object.", nil))
	case errors.As(err, &shape):
		return new(invalid(shape.Field))
	case err != nil:
		return new(fail(http.StatusBadRequest, 0, "The body is not valid JSON.", nil))
	}
	return nil
}

// isAddress reports whether text is an email address without a name.
func isAddress(text string) bool {
	parsed, err := mail.ParseAddress(text)
	return err == nil && parsed.Address == text
}

// someOf returns the items to process: all, or as many as a fault with Partial
// allows.
func someOf[T any](c *call, list []T) []T {
	if c.partial > 0 {
		return list[:min(c.partial, len(list))]
	}
	return list
}

// rolesWith finds roles by uid and removes duplicates. It reports whether all
// uids are known and there is at least one.
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

// The size of a page without a limit, and the largest page.
const (
	defaultPage = 10
	maxPage     = 100
)

// page is the page of a list that a request asks for.
type page struct {
	limit, skip int
	by          string // the sort field
	descending  bool
	sorted      bool // the request has a sort, or the list has only one
	count       bool
}

// page reads the parameters that all lists have in common. Without a sort, a
// list begins with the newest change. A list without sortable fields ignores a
// sort and is in the order of creation. If a parameter is invalid, the second
// result is the error response.
func (c *call) page(sortable ...string) (page, *response) {
	return c.pageOf(defaultPage, maxPage, sortable...)
}

// pageOf is page for a list with other page sizes.
func (c *call) pageOf(size, largest int, sortable ...string) (page, *response) {
	p := page{limit: size, by: "updated_at", descending: true, count: c.flag("include_count")}
	if len(sortable) == 0 {
		p.by, p.descending, p.sorted = "created_at", false, true
	}
	if text := c.query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return page{}, new(invalid("limit"))
		}
		p.limit = min(n, largest)
	}
	if text := c.query.Get("skip"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return page{}, new(invalid("skip"))
		}
		p.skip = min(n, math.MaxInt32) // longer than any list, and sums do not overflow
	}
	for _, direction := range []string{"asc", "desc"} {
		by := c.query.Get(direction)
		if by == "" || len(sortable) == 0 {
			continue
		}
		if by == "update_at" { // the sample value of the reference
			by = "updated_at"
		}
		if !slices.Contains(sortable, by) {
			return page{}, new(invalid(direction))
		}
		p.by, p.descending, p.sorted = by, direction == "desc", true
	}
	return p, nil
}

// typeahead returns the folded search text.
func (c *call) typeahead() string {
	return fold(strings.TrimSpace(c.query.Get("typeahead")))
}

// flag reports whether a parameter is true.
func (c *call) flag(name string) bool {
	return c.query.Get(name) == "true"
}

// window returns where a page begins and ends in a list of the given length.
func (s *Server) window(c *call, p page, total int) (from, to int) {
	limit := p.limit
	if s.cfg.pageCap > 0 {
		limit = min(limit, s.cfg.pageCap)
	}
	from = p.skip
	switch c.effect.kind {
	case kindIgnoreSkip:
		from = 0
	case kindRepeatPage:
		from = max(0, from-limit)
	case kindEmptyPage:
		limit = 0
	default:
		if !p.sorted && p.skip > 0 {
			s.unsorted++
			from = max(0, from+int(s.chance(s.unsorted)%7)-3)
		}
	}
	from = min(from, total)
	return from, min(from+limit, total)
}

// rowsOf returns the rows of the page. The list is in the requested order.
func rowsOf[T any](s *Server, c *call, p page, list []T) []T {
	from, to := s.window(c, p, len(list))
	return list[from:to]
}

// total returns the count for the response, and whether to send one.
func (s *Server) total(c *call, p page, rows int) (int, bool) {
	switch {
	case !p.count || s.cfg.withoutCount:
		return 0, false
	case c.effect.kind == kindLyingCount:
		return c.effect.count(rows), true
	}
	return rows, true
}

func (s *Server) respondList(c *call, p page, name string, list []object, rows int) response {
	body := object{name: list}
	if total, ok := s.total(c, p, rows); ok {
		body["count"] = total
	}
	return respond(body)
}

// named is implemented by roles, stacks and organizations.
type named interface {
	sortKey() (name string, created, updated int64)
}

// filterNamed returns the items whose name contains text, sorted as requested.
// The text is folded.
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

// fold converts text to lower case for comparisons.
func fold(text string) string {
	return strings.ToLower(text)
}

// send writes a response, changed by an effect.
func (s *Server) send(w http.ResponseWriter, r *http.Request, a response, e Effect) {
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
	if a.status != http.StatusNoContent { // which has neither a length nor a body
		w.Header().Set("Content-Length", strconv.FormatInt(length, 10))
	}
	w.WriteHeader(a.status)
	if a.status == http.StatusNoContent {
		return
	}

	switch e.kind {
	case kindCutBody:
		write(w, a.body[:len(a.body)/2]) // net/http closes the connection, since more was announced
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

// write ends the request if the client has left.
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

// breakOff closes the connection without a response. The client gets a reset.
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
		_ = tcp.SetLinger(0) // otherwise the connection closes in order
	}
	_ = conn.Close()
	panic(http.ErrAbortHandler)
}
