package orguserstest

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Fault makes some requests go wrong. The zero value of each selecting field
// selects everything. A request that [WithRateLimit] refuses meets no fault.
type Fault struct {
	// Method and Path select requests. Path is a pattern of the API, such as
	// "/v3/organizations/{organization_uid}/share", or the path of one request.
	Method, Path string
	// Skip lets so many of the selected requests pass first.
	Skip int
	// Times ends the fault after so many requests. Zero is for good.
	Times int
	// Probability is the share of the remaining requests that go wrong, up to 1,
	// from the server's seed. Zero is all of them.
	Probability float64
	// Effect is what happens to them. It must be there.
	Effect Effect
	// After handles the request first, so that its change is made although the
	// answer does not say so. It matters for the effects that say so.
	After bool
	// Partial handles the first so many addresses of a request that names
	// several, and not the others. It implies After. Zero is all of them.
	Partial int
	// Later handles the request so long after its answer, as a server does that
	// is still at work when a gateway has given up. It matters for the effects
	// that After matters for, and makes After needless.
	Later time.Duration
}

// activeFault is a fault and how far it has come.
type activeFault struct {
	Fault
	number      uint64
	seen, fired int
}

// AddFault adds faults, behind those that are there. Of several faults that
// select the same request the first decides, and the others do not see the
// request. It panics for a fault that could never strike, so that no test passes
// because of one: without an effect, or for a pattern that is none of the API's.
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

// ClearFaults ends all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// pickFault is the fault that a request meets, or the zero one.
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

// chance is a random number that depends on the seed and n alone.
func (s *Server) chance(n uint64) uint64 {
	return scramble(s.cfg.seed ^ scramble(n))
}

// scramble is the finalizer of SplitMix64: neighbouring numbers come out far
// apart.
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Effect is what a [Fault] does to a request. The functions that return one
// make it.
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
	// Instead of the answer. Zero is no effect.
	kindStatus effectKind = iota + 1
	kindReset
	kindHang
	kindHuge

	// To the answer on its way out.
	kindEmptyBody
	kindTruncatedJSON
	kindCutBody
	kindResetBody
	kindSlowBody
	kindDelay

	// To one page of a list.
	kindIgnoreSkip
	kindRepeatPage
	kindEmptyPage
	kindLyingCount
)

// Status answers with a status and an error in the shape of the API, instead of
// handling the request, or after it with [Fault.After].
func Status(code int) Effect {
	return Effect{kind: kindStatus, status: code}
}

// HTML answers with a page of HTML, as a gateway does, under any status. It
// comes instead of handling the request, or after it with [Fault.After].
func HTML(code int) Effect {
	page := fmt.Sprintf("<!DOCTYPE html>\n<html><head><title>%[1]d</title></head><body><h1>%[1]d %[2]s</h1></body></html>\n",
		code, http.StatusText(code))
	return Status(code).WithHeader("Content-Type", "text/html; charset=utf-8").WithBody(page)
}

// Redirect answers with a 3xx status and a Location, instead of handling the
// request, or after it with [Fault.After].
func Redirect(code int, location string) Effect {
	return Status(code).WithHeader("Location", location)
}

// WithHeader adds a header to the answer of [Status], [HTML] or [Redirect]. It
// replaces one of the same name.
func (e Effect) WithHeader(name, value string) Effect {
	header := e.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set(name, value)
	e.header = header
	return e
}

// WithBody replaces the body of the answer of [Status], [HTML] or [Redirect].
func (e Effect) WithBody(body string) Effect {
	e.body = &body
	return e
}

// HugeBody answers with 200 and a valid JSON object of n bytes, instead of
// handling the request, or after it with [Fault.After].
func HugeBody(n int64) Effect {
	return Effect{kind: kindHuge, bytes: n}
}

// Reset breaks the connection before there is any answer: before the request is
// handled, so that nothing has changed, or after it with [Fault.After].
func Reset() Effect {
	return Effect{kind: kindReset}
}

// Hang gives no answer, and waits until the client goes or the server closes:
// before the request is handled, or after it with [Fault.After].
func Hang() Effect {
	return Effect{kind: kindHang}
}

// EmptyBody handles the request, and sends the status and headers of its answer
// without the body.
func EmptyBody() Effect {
	return Effect{kind: kindEmptyBody}
}

// TruncatedJSON handles the request, and sends the first half of its answer as
// if that were all: the HTTP message is complete, its JSON is not.
func TruncatedJSON() Effect {
	return Effect{kind: kindTruncatedJSON}
}

// CutBody handles the request, announces the length of its answer, and closes
// the connection after half of it.
func CutBody() Effect {
	return Effect{kind: kindCutBody}
}

// ResetBody handles the request, and resets the connection after half of the
// answer.
func ResetBody() Effect {
	return Effect{kind: kindResetBody}
}

// SlowBody handles the request, sends the headers at once, and then the body in
// ten pieces over d.
func SlowBody(d time.Duration) Effect {
	return Effect{kind: kindSlowBody, wait: d}
}

// Delay handles the request, and sends its answer d later.
func Delay(d time.Duration) Effect {
	return Effect{kind: kindDelay, wait: d}
}

// IgnoreSkip serves a list from its start, whatever skip says.
func IgnoreSkip() Effect {
	return Effect{kind: kindIgnoreSkip}
}

// RepeatPage serves a list with the page before the one that was asked for.
func RepeatPage() Effect {
	return Effect{kind: kindRepeatPage}
}

// EmptyPage serves a list without rows. Its count is as it should be.
func EmptyPage() Effect {
	return Effect{kind: kindEmptyPage}
}

// Count serves a list with the count that lie makes of the true one, where the
// request asks for a count. The server is locked while lie runs, so lie must not
// call it.
func Count(lie func(int) int) Effect {
	return Effect{kind: kindLyingCount, count: lie}
}

// instead reports whether the effect takes the place of the real answer.
func (e Effect) instead() bool {
	return e.kind >= kindStatus && e.kind <= kindHuge
}

// silent reports whether the client gets no status at all.
func (e Effect) silent() bool {
	return e.kind == kindReset || e.kind == kindHang
}

// answer is what comes in the place of the real answer.
func (e Effect) answer() answer {
	if e.kind != kindStatus {
		return answer{status: http.StatusOK}
	}
	made := fail(e.status, 0, http.StatusText(e.status), nil)
	if e.body != nil {
		made.body = []byte(*e.body)
	}
	if e.status == http.StatusNoContent || e.status == http.StatusNotModified {
		made.body = nil // HTTP has no room for one
	}
	made.header = e.header
	return made
}
