package orgusers

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/orgusers/orgusers/internal/transport"
)

// Request describes a request to the API, for [Client.Do].
type Request struct {
	// Op is the name of the request in errors and logs. Default "Do".
	Op string
	// Method is the HTTP method. Default GET.
	Method string
	// Path is below the base URL and starts with a slash, such as
	// "/v3/organizations/{organization_uid}/logs/{log}". If it has no version, /v3
	// is added in front. Elements in braces are replaced by PathValues. If these
	// lack organization_uid, it is that of the client. Use PathValues for everything
	// that is not a fixed word of the API: Path appears in errors and logs, the
	// values do not.
	Path       string
	PathValues map[string]string
	Query      url.Values
	// Header adds to the headers of the client, such as api_key. It must not
	// contain credentials.
	Header http.Header
	// Body is sent as JSON unless it is nil.
	Body any
	// ReadOnly declares that the request changes nothing and sends no email, so that
	// it is retried as a read. Otherwise it is retried as a write, whatever its
	// method: this API has a GET that sends email.
	ReadOnly bool
	// Bulk paces the request by RateLimits.Bulk. It excludes ReadOnly.
	Bulk bool
}

// Do sends any request with the client's credentials, pacing, retries and errors,
// and decodes the JSON of the response into out. If out is nil, the response is
// only checked. A HEAD request and a response of 204 leave out unchanged. Guards do
// not apply to Do.
//
// It returns [ErrInvalid] without sending anything if the request is malformed, if
// a header would replace the credentials, or if ReadOnly is set on a PUT, PATCH or
// DELETE or on a request that this package knows to be a write. It returns
// [ErrRefused] if ReadOnly is not set and the client has [WithReadOnly]. It returns
// [ErrOutcomeUnknown] if the response to a request without ReadOnly was lost.
func (c *Client) Do(ctx context.Context, r Request, out any) error {
	op := r.operation()
	if err := r.check(op); err != nil {
		return op.invalid(err)
	}
	if op.writes() && c != nil && c.config.readOnly {
		return op.refused(errReadOnly)
	}
	return c.do(ctx, op, input{path: r.PathValues, query: r.Query, header: r.Header, body: r.Body}, out)
}

var version = regexp.MustCompile(`^/v\d+/`)

func (r Request) operation() *operation {
	op := &operation{name: cmp.Or(r.Op, "Do"), method: cmp.Or(r.Method, http.MethodGet), path: r.Path, kind: transport.Write, empty: true}
	if strings.HasPrefix(op.path, "/") && !version.MatchString(op.path) {
		op.path = "/v3" + op.path
	}
	switch {
	case r.Bulk:
		op.kind = transport.Bulk
	case r.ReadOnly:
		op.kind = transport.Read
	}
	switch {
	case r.hasAPIKey():
		op.service = transport.Stack
	case op.path == "/v3/user" || strings.HasPrefix(op.path, "/v3/user/") || op.path == "/v3/user-session":
		op.service = transport.User
	}
	return op
}

// hasAPIKey reports whether the request is one of a stack. The key of the header may be
// in any letter case.
func (r Request) hasAPIKey() bool {
	for name := range r.Header {
		if strings.EqualFold(name, "api_key") {
			return true
		}
	}
	return false
}

func (r Request) check(op *operation) error {
	if err := checkMethod(op.method); err != nil {
		return err
	}
	if err := checkTemplate(op.path); err != nil {
		return err
	}
	for name := range r.Header {
		switch http.CanonicalHeaderKey(name) {
		case "Authtoken", "Authorization", "Proxy-Authorization", "Cookie":
			return errors.New("a header would replace the client's credentials")
		}
	}
	if r.ReadOnly {
		return r.checkReadOnly(op)
	}
	return nil
}

// checkReadOnly rejects requests that cannot be read-only.
func (r Request) checkReadOnly(op *operation) error {
	switch op.method {
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		return errors.New("a " + op.method + " cannot be ReadOnly")
	}
	if r.Bulk {
		return errors.New("a bulk action cannot be ReadOnly")
	}
	method := op.method
	if method == http.MethodHead { // many servers handle it as a GET
		method = http.MethodGet
	}
	path := strings.Split(op.path, "/")
	for i, element := range path {
		if name, ok := valueName(element); ok && r.PathValues[name] != "" {
			path[i] = r.PathValues[name]
		}
	}
	for _, known := range operations {
		if known.writes() && known.method == method && samePath(strings.Split(known.path, "/"), path) {
			return errors.New("this request changes something or sends email: it cannot be ReadOnly")
		}
	}
	return nil
}

// samePath reports whether a path can be one of a template. An element in
// braces stands for any value.
func samePath(template, path []string) bool {
	if len(template) != len(path) {
		return false
	}
	for i, element := range template {
		if !strings.HasPrefix(element, "{") && !strings.EqualFold(element, path[i]) && !strings.HasPrefix(path[i], "{") {
			return false
		}
	}
	return true
}
