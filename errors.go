package orgusers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/orgusers/orgusers/internal/paging"
	"github.com/orgusers/orgusers/internal/transport"
)

// The kinds of errors, for [errors.Is]. An error can be of several kinds.
var (
	// ErrUnauthorized means that the token is missing, wrong or expired (401), or
	// that the organization requires single sign-on. Log in again.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden means that the caller lacks the right to do this (403, or code
	// 162). Most operations need the owner or an administrator.
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound means that the organization, user, role or other object does
	// not exist (404, or code 141).
	ErrNotFound = errors.New("not found")
	// ErrInvalid means that an argument or option was rejected before anything
	// was sent, or that the server rejected the request (400, 412, 422). Repeating
	// the call unchanged does not help.
	ErrInvalid = errors.New("invalid")
	// ErrConflict means that the request conflicts with the present state (409), or
	// that two members have the address given to [Client.GetUser].
	ErrConflict = errors.New("conflict")
	// ErrRateLimited means that the rate limit is exhausted (429), or that the
	// deadline comes before the request's turn. Error.RetryAfter is the wait.
	ErrRateLimited = errors.New("rate limited")
	// ErrServer means that the server failed (5xx), or sent a response that
	// cannot be read. See [ErrOutcomeUnknown] for writes.
	ErrServer = errors.New("server error")
	// ErrMFARequired means that [Login] needs an MFA code (code 294), or that the
	// code is wrong (295). Error.MFAType is the kind of code.
	ErrMFARequired = errors.New("MFA code required")
	// ErrLocked means that the account is locked after failed logins.
	ErrLocked = errors.New("account locked")
	// ErrNoEndpoint means that the API has no public request for the action, and
	// that [WithEndpoints] did not supply one.
	ErrNoEndpoint = errors.New("the API has no public request for this action: supply one with WithEndpoints")
	// ErrRefused means that this package stopped a call before anything was changed:
	// at most reads were sent. With BulkOptions.SkipRefused this is true of the
	// refused addresses only.
	ErrRefused = errors.New("refused")
	// ErrOutcomeUnknown means that a change may or may not have been made, and
	// that repeating the call could make it twice. Read the state first.
	ErrOutcomeUnknown = errors.New("outcome unknown")
	// ErrIncomplete means that a list may lack rows. The rows before the error are
	// correct.
	ErrIncomplete = paging.ErrIncomplete
)

// Error codes of the API that decide the kind of an error.
const (
	codeLoginFailed = 104 // or the account is locked: the message says it
	codeNoStack     = 109 // no stack has the API key
	codeNotFound    = 141
	codeForbidden   = 162
	codeMFARequired = 294
	codeMFAWrong    = 295
)

// AddressError gives the position of the address that an error is about, because
// errors contain no addresses. It is in the chain of the error: [errors.AsType]
// finds it.
type AddressError struct {
	// Index is the position of the address in the list of the call, from 0.
	Index int
	// Reason is the same as Outcome.Reason.
	Reason Reason
}

// Error returns the position of the address, counted from 1, and the reason.
func (e *AddressError) Error() string {
	return fmt.Sprintf("address %d %s", e.Index+1, e.Reason.text())
}

// Error describes a failed request. It contains no addresses and no secrets: they
// are removed from the server's texts too. [errors.Is] finds its kind, which is
// one of the Err… variables, and also [context.Canceled] and
// [context.DeadlineExceeded].
type Error struct {
	// Op is the operation: the name of a method of this package, or Request.Op.
	Op string
	// Method and Path are those of the request. Path is a template, such as
	// "/v3/organizations/{organization_uid}/share".
	Method, Path string
	// StatusCode is the HTTP status of the last response, 0 if there was none.
	StatusCode int
	// Code is the API's own error code, 0 if there was none.
	Code int
	// Message is the server's text, or describes the failure.
	Message string
	// Fields are the server's complaints by field, at most 20. Complaints about no
	// field have the empty name.
	Fields map[string][]string
	// MFAType is the kind of MFA code that a login needs, empty if unknown.
	MFAType string
	// RequestID is the X-Request-ID of the response.
	RequestID string
	// RetryAfter is the pause that the server asked for, or the wait for the rate
	// limit that would have outlasted the deadline. 0 means neither.
	RetryAfter time.Duration
	// Attempts is how many times the request was sent.
	Attempts int

	cause   error
	limited bool // the wait for the rate limit was too long
	unknown bool // the change may have been made
	broken  bool // the response cannot be read
	ownText bool // Message has no text of the server
	proxied bool // the response may be of a proxy or firewall
	locked  bool // the account is locked
}

// Error returns the operation, the failure, what is known of the outcome, and
// advice.
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
		return strings.TrimSuffix(b.String(), ".") + ": " + advice
	}
	return b.String()
}

func (e *Error) advice() string {
	switch {
	case e.unknown:
		return "the change may or may not have been made; read back before you repeat it"
	case e.Is(ErrMFARequired):
		return "log in with Credentials.MFACode"
	case e.Is(ErrLocked):
		return "an administrator can unlock the account"
	case errors.Is(e, ErrUnauthorized): // also from a token source
		return "log in again, or use a valid token of this region"
	case e.proxied:
		return "a proxy or firewall may have sent this response"
	case e.Is(ErrForbidden):
		return "the user lacks the right; most operations need the owner or an administrator"
	case e.Is(ErrRateLimited) && e.RetryAfter > 0:
		return fmt.Sprintf("try again in %v", max(time.Second, e.RetryAfter.Round(time.Second)))
	case e.Is(ErrRateLimited):
		return "try again later, or with a later deadline"
	case e.Is(ErrInvalid) && e.Code == codeNoStack:
		return "check the stack's API key"
	case e.broken:
		return "" // repeating does not make the response readable
	case e.Is(ErrServer):
		return "try again later"
	default:
		return ""
	}
}

// Is reports whether the error is of the kind of an Err… variable.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrInvalid:
		return e.Code != codeMFARequired && (e.StatusCode == 400 || e.StatusCode == 412 || e.StatusCode == 422)
	case ErrUnauthorized:
		return e.StatusCode == 401 && e.Code != codeForbidden && e.Code != codeMFARequired
	case ErrForbidden:
		return e.StatusCode == 403 || e.Code == codeForbidden
	case ErrNotFound:
		return e.StatusCode == 404 || e.Code == codeNotFound
	case ErrConflict:
		return e.StatusCode == 409
	case ErrRateLimited:
		return e.StatusCode == 429 || e.limited
	case ErrServer:
		return e.StatusCode >= 500 || e.broken
	case ErrMFARequired:
		return e.Code == codeMFARequired || e.Code == codeMFAWrong
	case ErrLocked:
		return e.locked
	case ErrOutcomeUnknown:
		return e.unknown
	default:
		return false
	}
}

// Unwrap returns the error of the context, the connection or the token source.
func (e *Error) Unwrap() error { return e.cause }

// LogValue returns the parts of the error by name.
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

// concealedError lets errors.Is and errors.As find an error from outside whose
// text may have secrets. It does not unwrap, because error reporters print every
// error of a chain.
type concealedError struct {
	err  func() error // a function, so that no verb of fmt prints the error
	text string
}

func (e *concealedError) Error() string { return e.text }

func (e *concealedError) Is(target error) bool { return errors.Is(e.err(), target) }

func (e *concealedError) As(target any) bool { return errors.As(e.err(), target) }

// invalid returns an ErrInvalid of an option or argument.
func invalid(err error) error {
	return fmt.Errorf("orgusers: %w: %w", ErrInvalid, err)
}

// withOp names the method of this package in which another of its errors occurred.
func withOp(name string, err error) error {
	return &nestedError{name, err}
}

type nestedError struct {
	op  string
	err error
}

func (e *nestedError) Error() string {
	return "orgusers: " + e.op + ": " + strings.TrimPrefix(e.err.Error(), "orgusers: ")
}

func (e *nestedError) Unwrap() error { return e.err }

// invalid returns an ErrInvalid of an argument.
func (op *operation) invalid(err error) error {
	return fmt.Errorf("orgusers: %s: %w: %w", op.name, ErrInvalid, err)
}

// refused returns the error of a guard.
func (op *operation) refused(err error) error {
	return fmt.Errorf("orgusers: %s: %w: %w; nothing was changed", op.name, ErrRefused, err)
}

// notRead returns the error of a read that had to come before a change.
func (op *operation) notRead(err error) error {
	return withOp(op.name+": nothing was changed", err)
}

func (op *operation) newError(attempts int) *Error {
	return &Error{Op: op.name, Method: op.method, Path: op.path, Attempts: attempts}
}

// errorFromTransport returns the error of a call that has no usable response.
func (op *operation) errorFromTransport(err error, attempts int) error {
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
	e.cause = &concealedError{err: func() error { return failure.Err }, text: failure.Error()}
	e.unknown = op.writes() && !failure.Unsent
	if wait, ok := errors.AsType[*transport.WaitError](err); ok {
		e.limited = wait.Limit
		e.RetryAfter = wait.Wait
	}
	return e
}

// errorFromResponse returns the error of a response that is not a success.
func (op *operation) errorFromResponse(response *transport.Response) *Error {
	e := op.newError(response.Attempts)
	e.read(response)
	e.broken = response.OK()
	e.unknown = op.writes() && !certain(response.Status)
	return e
}

// unreadable returns the error of a response of 2xx that cannot be read.
func (op *operation) unreadable(response *transport.Response, problem string) *Error {
	e := op.newError(response.Attempts)
	e.StatusCode = response.Status
	e.RequestID = response.RequestID()
	e.Message = fmt.Sprintf("the response (%s, %d bytes): %s", response.ContentType(), len(response.Body), problem)
	e.broken, e.ownText = true, true
	e.unknown = op.writes()
	return e
}

// certain reports whether a status says that the server did not make the change.
func certain(status int) bool {
	return status >= 400 && status <= 407 || status >= 409 && status <= 429 || status == 431
}

// mayStillBeProcessing reports whether the server may make a change later,
// because a timeout, its own, a gateway's or ours, ended the wait for it.
func mayStillBeProcessing(err error) bool {
	if failure, ok := errors.AsType[*Error](err); ok {
		switch failure.StatusCode {
		case http.StatusRequestTimeout, 499, http.StatusGatewayTimeout, 522, 524, 598: // some are of gateways
			return true
		}
	}
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// read takes from a response what it says of the failure, in any shape.
func (e *Error) read(response *transport.Response) {
	e.StatusCode = response.Status
	e.RetryAfter = response.RetryAfter
	e.RequestID = response.RequestID()

	var body struct {
		ErrorMessage json.RawMessage `json:"error_message"`
		Message      json.RawMessage `json:"message"`
		Error        json.RawMessage `json:"error"`
		Notice       json.RawMessage `json:"notice"`
		Code         json.RawMessage `json:"error_code"`
		Errors       json.RawMessage `json:"errors"`
		TFAType      json.RawMessage `json:"tfa_type"`
	}
	if json.Unmarshal(response.Body, &body) != nil {
		e.Message = fmt.Sprintf("an error that is not the expected JSON (%s, %d bytes)", response.ContentType(), len(response.Body))
		e.proxied = response.Status == http.StatusForbidden
	} else {
		var nested struct {
			Message json.RawMessage `json:"message"`
		}
		_ = json.Unmarshal(body.Error, &nested) // often a text
		for _, raw := range []json.RawMessage{body.ErrorMessage, body.Message, body.Error, nested.Message, body.Notice} {
			if e.Message == "" {
				e.Message = response.Clean(textOf(raw))
				e.locked = strings.Contains(strings.ToLower(e.Message), "locked")
			}
		}
		e.Code = numberOf(body.Code)
		e.locked = e.locked && e.Code == codeLoginFailed
		e.MFAType = response.Clean(textOf(body.TFAType))
		e.Fields = fieldsOf(body.Errors, response.Clean)
	}
	switch {
	case response.Redirect != "":
		e.Message = "a redirect was not followed: " + response.Redirect
	case response.Status >= 300 && response.Status <= 399:
		e.Message = "a redirect without a usable location"
	case e.Message == "":
		e.Message = "an error without a message"
	}
}

// reportsError reports whether a response of 2xx has an error in it.
func reportsError(body []byte) bool {
	var reported struct {
		Message json.RawMessage `json:"error_message"`
		Code    json.RawMessage `json:"error_code"`
	}
	if !bytes.Contains(body, []byte(`"error_`)) || json.Unmarshal(body, &reported) != nil {
		return false
	}
	return textOf(reported.Message) != "" || numberOf(reported.Code) != 0
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

// maxComplaints bounds the fields that are kept, and the complaints of each.
const maxComplaints = 20

// fieldsOf reads "errors": absent, null, {}, [], [{}], a map to lists, a map
// to texts, a list of such maps, or a list of texts.
func fieldsOf(raw json.RawMessage, clean func(string) string) map[string][]string {
	fields := map[string][]string{}
	var add func(name string, value any)
	add = func(name string, value any) {
		switch value := value.(type) {
		case string:
			name = clean(name)
			if _, known := fields[name]; len(fields[name]) < maxComplaints && (known || len(fields) < maxComplaints) {
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
