package orguserstest

import (
	"fmt"
	"net/http"
	"time"
)

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
