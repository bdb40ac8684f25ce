package orguserstest

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Fault makes some requests fail. Requests must match all of its selecting
// fields; a zero field matches every request. A request beyond [WithRateLimit]
// gets 429 and no fault.
type Fault struct {
	// Method and Path select requests. Path is a path of the API such as
	// "/v3/organizations/{organization_uid}/share", or the path of a single
	// request.
	Method, Path string
	// Skip is the number of selected requests that pass first.
	Skip int
	// Times is the number of requests after which the fault ends. Zero means
	// never.
	Times int
	// Probability is the part of the remaining requests that fail, from 0 to
	// 1. It depends on the server's seed. Zero means all of them.
	Probability float64
	// Effect is required. It says how the requests fail.
	Effect Effect
	// After performs the request before its effect, so the change is made but
	// the response does not show it. It applies to effects that replace the
	// response.
	After bool
	// Partial is how many items of a request with several addresses are performed.
	// It implies After. Zero means all of them.
	Partial int
	// Later performs the request this long after the response, like a server
	// that is still working after its gateway gave up. It applies to effects
	// that replace the response, and overrides After.
	Later time.Duration
}

// activeFault is a fault and its counters.
type activeFault struct {
	Fault
	number      uint64
	seen, fired int
}

// AddFault adds faults after the existing ones. The first fault that selects a
// request decides, and later ones do not count the request. AddFault panics if
// a fault can never apply: if it has no effect, or if its path is not in the
// API.
func (s *Server) AddFault(faults ...Fault) {
	for i := range faults {
		if complaint := faults[i].complaint(); complaint != "" {
			panic("orguserstest: a fault " + complaint)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		s.faults = append(s.faults, &activeFault{Fault: f, number: uint64(len(s.faults))})
	}
}

func (f *Fault) complaint() string {
	switch {
	case f.Effect.kind == 0:
		return "has no Effect"
	case f.Method != strings.ToUpper(f.Method):
		return "has a Method that is not in capital letters: " + f.Method
	case f.Path != "" && !strings.HasPrefix(f.Path, "/"):
		return "has a Path without a slash at its start: " + f.Path
	case strings.Contains(f.Path, "{") && !slices.ContainsFunc(routes, func(r route) bool { return r.pattern == f.Path }):
		return "is for a path that the API does not have: " + f.Path
	case f.Probability < 0 || f.Probability > 1:
		return "has a Probability that is not between 0 and 1"
	case f.Skip < 0 || f.Times < 0 || f.Partial < 0 || f.Later < 0:
		return "has a negative number"
	}
	return ""
}

// ClearFaults removes all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// pickFault returns the fault for a request, or the zero Fault.
func (s *Server) pickFault(c *call) Fault {
	for _, f := range s.faults {
		if f.selects(c) && s.fires(f) {
			return f.Fault
		}
	}
	return Fault{}
}

func (f *activeFault) selects(c *call) bool {
	if f.Method != "" && f.Method != c.http.Method {
		return false
	}
	return f.Path == "" || f.Path == c.route.pattern || f.Path == c.http.URL.Path
}

func (s *Server) fires(f *activeFault) bool {
	if f.Times > 0 && f.fired == f.Times {
		return false
	}
	f.seen++
	if f.seen <= f.Skip {
		return false
	}
	if f.Probability > 0 {
		draw := float64(s.chance(f.number<<32+uint64(f.seen))) / math.MaxUint64
		if draw >= f.Probability {
			return false
		}
	}
	f.fired++
	return true
}

// chance returns a random number that depends only on the seed and n.
func (s *Server) chance(n uint64) uint64 {
	return scramble(s.cfg.seed ^ scramble(n))
}

// scramble is the finalizer of SplitMix64. It spreads neighboring numbers.
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Effect says what a [Fault] does to a request. Functions such as [Status] and
// [Reset] return one.
type Effect struct {
	kind   effectKind
	status int
	header http.Header
	body   *string
	wait   time.Duration
	bytes  int64
	count  func(int) int
}

type effectKind int

const (
	// These replace the response. Zero means no effect.
	kindStatus effectKind = iota + 1
	kindReset
	kindHang
	kindHuge

	// These change the response.
	kindEmptyBody
	kindTruncatedJSON
	kindCutBody
	kindResetBody
	kindSlowBody
	kindDelay

	// These change one page of a list.
	kindIgnoreSkip
	kindRepeatPage
	kindEmptyPage
	kindLyingCount
)

// Status responds with a status and an error as the API sends it, instead of
// performing the request.
func Status(code int) Effect {
	return Effect{kind: kindStatus, status: code}
}

// HTML responds with a page of HTML, as a gateway does, instead of performing
// the request.
func HTML(code int) Effect {
	page := fmt.Sprintf("<!DOCTYPE html>\n<html><head><title>%[1]d</title></head><body><h1>%[1]d %[2]s</h1></body></html>\n",
		code, http.StatusText(code))
	return Status(code).WithHeader("Content-Type", "text/html; charset=utf-8").WithBody(page)
}

// Redirect responds with a 3xx status and a Location, instead of performing
// the request.
func Redirect(code int, location string) Effect {
	return Status(code).WithHeader("Location", location)
}

// WithHeader sets a header of the response of [Status], [HTML] or [Redirect].
func (e Effect) WithHeader(name, value string) Effect {
	header := e.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set(name, value)
	e.header = header
	return e
}

// WithBody replaces the body of the response of [Status], [HTML] or
// [Redirect].
func (e Effect) WithBody(body string) Effect {
	e.body = &body
	return e
}

// HugeBody responds with 200 and a valid JSON object of n bytes, instead of
// performing the request.
func HugeBody(n int64) Effect {
	return Effect{kind: kindHuge, bytes: n}
}

// Reset breaks the connection without a response, instead of performing the
// request.
func Reset() Effect {
	return Effect{kind: kindReset}
}

// Hang sends no response and waits until the client leaves or the server
// closes, instead of performing the request.
func Hang() Effect {
	return Effect{kind: kindHang}
}

// EmptyBody performs the request. It sends the status and headers of the
// response without the body.
func EmptyBody() Effect {
	return Effect{kind: kindEmptyBody}
}

// TruncatedJSON performs the request. It sends the first half of the body as a
// complete HTTP message.
func TruncatedJSON() Effect {
	return Effect{kind: kindTruncatedJSON}
}

// CutBody performs the request. It announces the length of the body and closes
// the connection after half of it.
func CutBody() Effect {
	return Effect{kind: kindCutBody}
}

// ResetBody performs the request. It resets the connection after half of the
// body.
func ResetBody() Effect {
	return Effect{kind: kindResetBody}
}

// SlowBody performs the request. It sends the headers at once, and the body in
// ten pieces over d.
func SlowBody(d time.Duration) Effect {
	return Effect{kind: kindSlowBody, wait: d}
}

// Delay performs the request and sends the response after d.
func Delay(d time.Duration) Effect {
	return Effect{kind: kindDelay, wait: d}
}

// IgnoreSkip serves a list from its start, ignoring skip.
func IgnoreSkip() Effect {
	return Effect{kind: kindIgnoreSkip}
}

// RepeatPage serves the page of a list before the requested one.
func RepeatPage() Effect {
	return Effect{kind: kindRepeatPage}
}

// EmptyPage serves a list without rows and with the true count.
func EmptyPage() Effect {
	return Effect{kind: kindEmptyPage}
}

// Count serves a list with a false count: lie gets the true one. It has
// no effect on requests without include_count. The server is locked while lie
// runs, so lie must not call it.
func Count(lie func(int) int) Effect {
	return Effect{kind: kindLyingCount, count: lie}
}

// instead reports whether the effect replaces the response.
func (e Effect) instead() bool {
	return e.kind >= kindStatus && e.kind <= kindHuge
}

// silent reports whether the client gets no status.
func (e Effect) silent() bool {
	return e.kind == kindReset || e.kind == kindHang
}

// response returns the response of an effect that replaces it.
func (e Effect) response() response {
	if e.kind != kindStatus {
		return response{status: http.StatusOK}
	}
	made := fail(e.status, 0, http.StatusText(e.status), nil)
	if e.body != nil {
		made.body = []byte(*e.body)
	}
	if e.status == http.StatusNoContent || e.status == http.StatusNotModified {
		made.body = nil // HTTP does not allow one
	}
	made.header = e.header
	return made
}
