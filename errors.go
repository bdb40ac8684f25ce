package orgusers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/orgusers/orgusers/internal/paging"
	"github.com/orgusers/orgusers/internal/transport"
)

// What an error is, for [errors.Is]. An error can be several of these.
var (
	// ErrInvalid: an argument or option was refused here before anything was
	// sent, or the server found the request wrong (400, 412, 422). Correct it;
	// repeating does not help.
	ErrInvalid = errors.New("invalid")
	// ErrUnauthorized: the token is missing, wrong, expired or ended (401), or
	// the organization wants single sign-on. Log in again.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden: the user may not do this (403, or code 162). Most
	// operations need the owner or an administrator.
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound: there is no such organization, user or role (404, code 141).
	ErrNotFound = errors.New("not found")
	// ErrConflict: the request clashes with the present state (409).
	ErrConflict = errors.New("conflict")
	// ErrRateLimited: the organization's limit left no room, even with
	// waiting (429), or the deadline comes before our turn. Try later.
	ErrRateLimited = errors.New("rate limited")
	// ErrServer: the server failed (5xx), or sent something that cannot be
	// understood. Try again; see [ErrOutcomeUnknown] for writes.
	ErrServer = errors.New("server error")
	// ErrMFARequired: [Login] needs a second factor (code 294), or the one
	// given is wrong (295). Error.MFAType tells its kind.
	ErrMFARequired = errors.New("second factor needed")
	// ErrLocked: the account is locked after failed logins.
	ErrLocked = errors.New("account locked")
	// ErrRefused: a guard of this package stopped the call before anything was
	// changed. Nothing but reads was sent.
	ErrRefused = errors.New("refused")
	// ErrNoEndpoint: the action has no public request, and none was given. Give
	// one with [WithEndpoints].
	ErrNoEndpoint = errors.New("the API has no public request for this; give one with WithEndpoints")
	// ErrOutcomeUnknown: a write may or may not have happened, and repeating
	// it might do it twice. Read back before deciding.
	ErrOutcomeUnknown = errors.New("outcome unknown")
	// ErrIncomplete: the pages of a list do not fit together, so that it cannot
	// be known to be whole. A request that fails ends a list with its own error
	// instead; either way what was read is not the whole.
	ErrIncomplete = paging.ErrIncomplete
)

// AddressError is in the chain of an error because of which a call was refused
// as a whole ([ErrInvalid] or [ErrRefused]), where it is about one address. It
// says which by its place, since errors hold no addresses; [errors.AsType]
// finds it.
type AddressError struct {
	// Index is the place of the address among those that were given, and 0 for a
	// call that takes one.
	Index int
	// Reason is what is the matter with it: "is your own".
	Reason string
}

// Error says which address it is, counted from 1, and what is the matter.
func (e *AddressError) Error() string {
	return fmt.Sprintf("number %d of the addresses %s", e.Index+1, e.Reason)
}

// Error is a request that failed. It holds neither addresses nor secrets, in
// none of its fields: both are taken out of what the server says.
//
// Test what it is with [errors.Is] and the Err… variables. A context that
// ended, or a deadline that was too near, is found the same way.
type Error struct {
	// Op is the operation: the name of a method of this package, or Request.Op.
	Op string
	// Method and Path are the request; Path is a template, such as
	// "/v3/organizations/{organization_uid}/share".
	Method, Path string
	// StatusCode is that of the last answer, 0 if there was none.
	StatusCode int
	// Code is the API's own error code, 0 if it sent none.
	Code int
	// Message is what the server said, or what went wrong without it.
	Message string
	// Fields are the server's complaints by field. Those about no field are
	// under the empty name.
	Fields map[string][]string
	// MFAType is the kind of second factor that a login needs.
	MFAType string
	// RequestID is the answer's X-Request-Id, where it has one.
	RequestID string
	// RetryAfter is the pause that the server asked for.
	RetryAfter time.Duration
	// Attempts is how often the request was sent.
	Attempts int

	cause   error
	limited bool // our own queue was too long
	unknown bool // a write that may have happened
	broken  bool // an answer that cannot be understood
}

// Error says what failed, what is known of the outcome, and what to do.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "orgusers: %s: %s %s: ", e.Op, e.Method, e.Path)
	if e.StatusCode != 0 {
		fmt.Fprintf(&b, "%d: ", e.StatusCode)
	}
	b.WriteString(e.Message)
	if e.Code != 0 {
		fmt.Fprintf(&b, " (code %d)", e.Code)
	}
	names := make([]string, 0, len(e.Fields))
	for name := range e.Fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "; %s", strings.TrimSpace(name+" "+strings.Join(e.Fields[name], ", ")))
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, "; after %d attempts", e.Attempts)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, "; request %s", e.RequestID)
	}
	if advice := e.advice(); advice != "" {
		return strings.TrimSuffix(b.String(), ".") + ": " + advice // the server ends sentences
	}
	return b.String()
}

func (e *Error) advice() string {
	switch {
	case e.unknown:
		return "it may or may not have been done; read back before you repeat it"
	case e.Is(ErrMFARequired):
		return "log in with Credentials.MFACode"
	case e.Is(ErrLocked):
		return "an administrator can unlock the account"
	case errors.Is(e, ErrUnauthorized): // a token source can say so too
		return "log in again, or give a token of this region that is still valid"
	case e.Is(ErrForbidden):
		return "this user may not do that; most operations need the organization's owner or an administrator"
	case e.Is(ErrRateLimited) && e.RetryAfter > 0:
		return fmt.Sprintf("try again in %v", e.RetryAfter.Round(time.Second))
	case e.Is(ErrRateLimited):
		return "try again later, or with a later deadline"
	case e.StatusCode == 412:
		return "check the stack's API key"
	case e.Is(ErrServer):
		return "try again later"
	default:
		return ""
	}
}

// Is makes an Error one of the Err… variables.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrInvalid:
		return e.Code != 294 && (e.StatusCode == 400 || e.StatusCode == 412 || e.StatusCode == 422)
	case ErrUnauthorized:
		return e.StatusCode == 401 && e.Code != 162 && e.Code != 294
	case ErrForbidden:
		return e.StatusCode == 403 || e.Code == 162
	case ErrNotFound:
		return e.StatusCode == 404 || e.Code == 141
	case ErrConflict:
		return e.StatusCode == 409
	case ErrRateLimited:
		return e.StatusCode == 429 || e.limited
	case ErrServer:
		return e.StatusCode >= 500 || e.broken
	case ErrMFARequired:
		return e.Code == 294 || e.Code == 295
	case ErrLocked:
		return e.Code == 104 && strings.Contains(strings.ToLower(e.Message), "locked")
	case ErrOutcomeUnknown:
		return e.unknown
	default:
		return false
	}
}

// Unwrap gives what errors.Is and errors.As find the context's error in, or
// that of the connection or the token source.
func (e *Error) Unwrap() error { return e.cause }

// concealed is an error from outside, for errors.Is and errors.As. It cannot
// be unwrapped, since whoever collects errors prints each of a chain, and this
// one may quote an answer, a URL or a token endpoint. Its text has none of it.
type concealed struct {
	err  func() error // no verb of fmt prints what is behind it
	text string
}

func (e *concealed) Error() string { return e.text }

func (e *concealed) Is(target error) bool { return errors.Is(e.err(), target) }

func (e *concealed) As(target any) bool { return errors.As(e.err(), target) }

// LogValue logs the parts of the error by name.
func (e *Error) LogValue() slog.Value {
	attributes := []slog.Attr{
		slog.String("op", e.Op),
		slog.String("method", e.Method),
		slog.String("path", e.Path),
		slog.String("message", e.Message),
		slog.Int("attempts", e.Attempts),
	}
	if e.StatusCode != 0 {
		attributes = append(attributes, slog.Int("status", e.StatusCode))
	}
	if e.Code != 0 {
		attributes = append(attributes, slog.Int("code", e.Code))
	}
	if e.RequestID != "" {
		attributes = append(attributes, slog.String("request_id", e.RequestID))
	}
	if e.RetryAfter > 0 {
		attributes = append(attributes, slog.Duration("retry_after", e.RetryAfter))
	}
	return slog.GroupValue(attributes...)
}

// invalid makes an error of an argument an ErrInvalid of this package.
func invalid(err error) error {
	return fmt.Errorf("orgusers: %w: %w", ErrInvalid, err)
}

// failedIn says in which call of this package another of its errors came up.
func failedIn(call string, err error) error {
	return &nestedError{call, err}
}

type nestedError struct {
	call string
	err  error
}

func (e *nestedError) Error() string {
	return "orgusers: " + e.call + ": " + strings.TrimPrefix(e.err.Error(), "orgusers: ")
}

func (e *nestedError) Unwrap() error { return e.err }

// unanswered makes the error of a call that got no answer to use.
func (op *operation) unanswered(err error, attempts int) error {
	var failure *transport.Error
	if !errors.As(err, &failure) {
		return err
	}
	e := op.newError(attempts)
	if failure.Last != nil {
		e.read(failure.Last)
		e.Message += "; then " + failure.Error()
	} else {
		e.Message = failure.Error()
	}
	e.cause = &concealed{err: func() error { return failure.Err }, text: failure.Error()}
	e.unknown = op.write && !failure.Unsent
	var wait *transport.WaitError
	e.limited = errors.As(err, &wait) && wait.Limit
	return e
}

// unreadable makes the error of an answer of 2xx that is not what it must be.
func (op *operation) unreadable(answer *transport.Response, problem string) *Error {
	e := op.newError(answer.Attempts)
	e.StatusCode = answer.Status
	e.RequestID = answer.RequestID()
	e.Message = fmt.Sprintf("the answer (%s, %d bytes) %s", answer.ContentType(), len(answer.Body), problem)
	e.broken = true
	e.unknown = op.write
	return e
}

// answered makes the error of an answer that is not 2xx.
func (op *operation) answered(answer *transport.Response) *Error {
	e := op.newError(answer.Attempts)
	e.read(answer)
	// Found and See Other are how a server says that it is done, without saying
	// what; the first can also mean to ask elsewhere.
	elsewhere := answer.Status == http.StatusFound || answer.Status == http.StatusSeeOther
	e.unknown = op.write && (elsewhere || answer.Status >= 500)
	return e
}

func (op *operation) newError(attempts int) *Error {
	return &Error{Op: op.name, Method: op.method, Path: op.path, Attempts: attempts}
}

// read takes from an answer what it says of the failure, in whatever shape.
func (e *Error) read(answer *transport.Response) {
	e.StatusCode = answer.Status
	e.RetryAfter = answer.RetryAfter
	e.RequestID = answer.RequestID()

	var body struct {
		ErrorMessage json.RawMessage `json:"error_message"`
		Message      json.RawMessage `json:"message"`
		Error        json.RawMessage `json:"error"`
		Code         json.RawMessage `json:"error_code"`
		Errors       json.RawMessage `json:"errors"`
		TFAType      json.RawMessage `json:"tfa_type"`
	}
	if json.Unmarshal(answer.Body, &body) != nil {
		e.Message = fmt.Sprintf("an error that is not JSON as expected (%s, %d bytes)", answer.ContentType(), len(answer.Body))
	} else {
		clean := answer.Clean
		for _, raw := range []json.RawMessage{body.ErrorMessage, body.Message, body.Error} {
			if e.Message == "" {
				e.Message = clean(textOf(raw))
			}
		}
		e.Code = numberOf(body.Code)
		e.MFAType = clean(textOf(body.TFAType))
		e.Fields = fieldsOf(body.Errors, clean)
	}
	if e.Message == "" {
		e.Message = "an error without a message"
	}
	if answer.Redirect != "" {
		e.Message = "a redirect was not followed: " + answer.Redirect
	} else if answer.Status >= 300 && answer.Status <= 399 {
		e.Message = "a redirect that leads nowhere"
	}
}

func textOf(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}

func numberOf(raw json.RawMessage) int {
	var number int
	if json.Unmarshal(bytes.Trim(raw, `"`), &number) != nil {
		return 0
	}
	return number
}

// mostComplaints is how many fields are kept, and how many complaints of each.
const mostComplaints = 20

// fieldsOf reads "errors": absent, null, {}, [], [{}], a map to lists, a map
// to texts, a list of such maps, or a list of texts.
func fieldsOf(raw json.RawMessage, clean func(string) string) map[string][]string {
	fields := map[string][]string{}
	var add func(name string, value any)
	add = func(name string, value any) {
		switch value := value.(type) {
		case string:
			name = clean(name)
			if _, known := fields[name]; len(fields[name]) < mostComplaints && (known || len(fields) < mostComplaints) {
				fields[name] = append(fields[name], clean(value))
			}
		case []any:
			for _, element := range value {
				add(name, element)
			}
		case map[string]any:
			for inner, element := range value {
				if name != "" {
					inner = name + "." + inner
				}
				add(inner, element)
			}
		}
	}
	var value any
	if json.Unmarshal(raw, &value) == nil {
		add("", value)
	}
	if len(fields) == 0 {
		return nil
	}
	return fields
}
