package orgusers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-querystring/query"

	"github.com/orgusers/orgusers/internal/transport"
)

// input is what a request carries. Every field may be left out.
type input struct {
	path    map[string]string // beside the organization's uid
	query   any               // a struct with url tags, or url.Values
	header  http.Header
	body    any
	secrets []string // what no answer may bring back into an error
}

// do sends one operation for this client's organization and decodes its
// answer into out, which may be nil.
func (c *Client) do(ctx context.Context, op *operation, in input, out any) (attempts int, err error) {
	if in.path == nil {
		in.path = map[string]string{}
	}
	if strings.Contains(op.path, "{organization_uid}") {
		in.path["organization_uid"] = c.organizationUID
		in.header = in.header.Clone()
		if in.header == nil {
			in.header = http.Header{}
		}
		// Callers with OAuth or single sign-on have to say it here too.
		in.header.Set("organization_uid", c.organizationUID)
	}
	return send(ctx, c.wire, op, in, out)
}

// send is the way every request takes: build, carry, judge, decode.
func send(ctx context.Context, wire *transport.Transport, op *operation, in input, out any) (attempts int, err error) {
	request, err := op.request(in)
	if err != nil {
		return 0, fmt.Errorf("orgusers: %s: %w: %w", op.name, ErrInvalid, err)
	}
	attempts, err = wire.Do(ctx, request, func(answer *transport.Response) error {
		if !answer.OK() {
			return op.answered(answer)
		}
		if out == nil && answer.Status == http.StatusNoContent {
			return nil
		}
		if out == nil {
			out = new(json.RawMessage) // a page of HTML is no success
		}
		return op.decode(answer, out)
	})
	if err != nil {
		return attempts, op.unanswered(err, attempts)
	}
	return attempts, nil
}

func (op *operation) request(in input) (*transport.Request, error) {
	request := &transport.Request{
		Op:       op.name,
		Template: op.path,
		Method:   op.method,
		Header:   in.header,
		Write:    op.write,
		Unsigned: op.public,
		Bulk:     op.bulk,
		Secrets:  in.secrets,
	}
	if err := checkHeader(in.header); err != nil {
		return nil, err
	}
	var err error
	if request.Path, err = expand(op.path, in.path); err != nil {
		return nil, err
	}
	switch q := in.query.(type) {
	case nil:
	case url.Values:
		request.Query = q
	default:
		if request.Query, err = query.Values(q); err != nil {
			return nil, err
		}
	}
	if in.body != nil {
		if request.Body, err = json.Marshal(in.body); err != nil {
			return nil, errors.New("the body cannot be written as JSON")
		}
	}
	return request, nil
}

func (op *operation) decode(answer *transport.Response, out any) error {
	if err := json.Unmarshal(answer.Body, out); err != nil {
		// The decoder's own text can quote the answer.
		var field *json.UnmarshalTypeError
		if errors.As(err, &field) && field.Field != "" {
			return op.unreadable(answer, "has an unexpected value in "+field.Field)
		}
		return op.unreadable(answer, "is not the JSON that was expected")
	}
	if list, ok := out.(interface{ complete() bool }); ok && !list.complete() {
		return op.unreadable(answer, "lacks what was asked for")
	}
	return nil
}

// expand fills the {names} of a template.
func expand(template string, values map[string]string) (string, error) {
	elements := strings.Split(template, "/")
	for i, element := range elements {
		name, ok := strings.CutPrefix(element, "{")
		if !ok {
			continue
		}
		name = strings.TrimSuffix(name, "}")
		escaped, err := escapeElement(values[name])
		if err != nil {
			return "", fmt.Errorf("%s %w", strings.ReplaceAll(name, "_", " "), err)
		}
		elements[i] = escaped
	}
	return strings.Join(elements, "/"), nil
}

// escapeElement makes a value one element of a path, or refuses it. A uid
// never needs what is refused here, and what some proxy on the way might
// unescape into another path.
func escapeElement(value string) (string, error) {
	switch {
	case value == "":
		return "", errors.New("is empty")
	case value == "." || value == "..":
		return "", errors.New("is a relative path")
	case strings.ContainsAny(value, `/\%?#`):
		return "", errors.New("has a character that would change the path")
	}
	for _, r := range value {
		if r < ' ' || r == 0x7f {
			return "", errors.New("has a control character")
		}
	}
	return url.PathEscape(value), nil
}

// Request is a request of the API that this package has no method for.
type Request struct {
	// Op names the request in errors and logs. Default "Do".
	Op string
	// Method is GET if empty.
	Method string
	// Path is below /v3 and starts with a slash. Elements in braces are filled
	// in from PathValues, {organization_uid} by the client:
	// "/organizations/{organization_uid}/logs/{log}". Everything that is not a
	// fixed word of the API belongs into PathValues, since Path is shown in
	// errors and logs, and the values are not.
	Path       string
	PathValues map[string]string
	Query      url.Values
	// Header adds to what the client sends; api_key, say. It cannot replace
	// the credentials.
	Header http.Header
	// Body is sent as JSON unless it is nil.
	Body any
	// ReadOnly says that the request changes nothing and mails nobody, so
	// that it may be repeated after any failure. Without it, it is sent once,
	// and again only where the server cannot have acted on it; the method is
	// no sign of that: there is a GET in this API that mails.
	ReadOnly bool
	// Bulk paces the request as the bulk actions of the product are, by
	// RateLimits.Bulk.
	Bulk bool
}

// Do makes a request that this package has no method for, with the same
// credentials, pacing, retries and errors, and decodes the answer as JSON into
// out unless that is nil. A call that cannot be sent as it is, with a header
// that would replace the credentials, say, is [ErrInvalid]; one that is not
// ReadOnly, and whose answer was lost, is [ErrOutcomeUnknown].
func (c *Client) Do(ctx context.Context, call Request, out any) error {
	op := &operation{name: call.Op, method: call.Method, path: "/v3" + call.Path, write: !call.ReadOnly, bulk: call.Bulk}
	if op.name == "" {
		op.name = "Do"
	}
	if op.method == "" {
		op.method = http.MethodGet
	}
	if err := checkCall(op, call); err != nil {
		return fmt.Errorf("orgusers: %s: %w: %w", op.name, ErrInvalid, err)
	}
	values := make(map[string]string, len(call.PathValues)+1)
	maps.Copy(values, call.PathValues)
	_, err := c.do(ctx, op, input{path: values, query: call.Query, header: call.Header, body: call.Body}, out)
	return err
}

func checkCall(op *operation, call Request) error {
	if err := checkMethod(op.method); err != nil {
		return err
	}
	if err := checkTemplate(call.Path); err != nil {
		return err
	}
	for name := range call.Header {
		switch http.CanonicalHeaderKey(name) {
		case "Authtoken", "Authorization", "Cookie":
			return errors.New("a header would replace the client's credentials")
		}
	}
	return nil
}

// checkHeader refuses what net/http would refuse when it is too late to tell
// that nothing was sent.
func checkHeader(header http.Header) error {
	for name, values := range header {
		if name == "" || strings.ContainsFunc(name, notInHeaderName) {
			return errors.New("the name of a header has a character that it must not have")
		}
		for _, value := range values {
			if value == "" || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
				return fmt.Errorf("the header %s is empty, or has a character that it must not have", name)
			}
		}
	}
	return nil
}

func notInHeaderName(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
}

func checkMethod(method string) error {
	if strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return errors.New("the method must be in capital letters")
	}
	return nil
}

// checkTemplate refuses a path that leads elsewhere, or holds what belongs
// into its values.
func checkTemplate(path string) error {
	if !strings.HasPrefix(path, "/") {
		return errors.New("the path must start with a slash")
	}
	for i, element := range strings.Split(path[1:], "/") {
		if strings.HasPrefix(element, "{") && strings.HasSuffix(element, "}") {
			continue
		}
		if escaped, err := escapeElement(element); err != nil {
			return fmt.Errorf("element %d of the path %w", i+1, err)
		} else if escaped != element {
			return fmt.Errorf("element %d of the path belongs into the values", i+1)
		}
	}
	return nil
}

// operation is one request of the API. The table below is the only place that
// knows them: the client sends by it, the documentation and the tests read it.
type operation struct {
	name   string // as errors and logs say it: the method of this package
	method string
	path   string // below the base URL, with {names} for what is filled in
	write  bool   // it changes or mails something, whatever its method
	public bool   // it is sent without a token
	bulk   bool   // it draws on the budget of bulk actions
}

// operations is the table as a list, in the order below.
var operations []*operation

func define(op operation) *operation {
	operations = append(operations, &op)
	return &op
}

var (
	opListUsers         = define(operation{name: "ListUsers", method: http.MethodGet, path: "/v3/organizations/{organization_uid}/share"})
	opFindUsers         = define(operation{name: "FindUsers", method: http.MethodPost, path: "/v3/organizations/{organization_uid}/share/search"})
	opListRoles         = define(operation{name: "ListRoles", method: http.MethodGet, path: "/v3/organizations/{organization_uid}/roles"})
	opOrganization      = define(operation{name: "GetOrganization", method: http.MethodGet, path: "/v3/organizations/{organization_uid}"})
	opListOrganizations = define(operation{name: "ListOrganizations", method: http.MethodGet, path: "/v3/organizations"})
	opStacks            = define(operation{name: "Stacks", method: http.MethodGet, path: "/v3/organizations/{organization_uid}/stacks"})
	opStackRoles        = define(operation{name: "StackRoles", method: http.MethodGet, path: "/v3/roles"})
	opCurrentUser       = define(operation{name: "GetCurrentUser", method: http.MethodGet, path: "/v3/user"})
	opLogin             = define(operation{name: "Login", method: http.MethodPost, path: "/v3/user-session", write: true, public: true})
	opLogout            = define(operation{name: "Logout", method: http.MethodDelete, path: "/v3/user-session", write: true})

	opInvite              = define(operation{name: "Invite", method: http.MethodPost, path: "/v3/organizations/{organization_uid}/share", write: true})
	opUpdateRoles         = define(operation{name: "UpdateRoles", method: http.MethodPost, path: "/v3/organizations/{organization_uid}/share", write: true})
	opRemoveUsers         = define(operation{name: "RemoveUsers", method: http.MethodDelete, path: "/v3/organizations/{organization_uid}/share", write: true})
	opWithdrawInvitations = define(operation{name: "WithdrawInvitations", method: http.MethodDelete, path: "/v3/organizations/{organization_uid}/share", write: true})
	opResendInvitation    = define(operation{name: "ResendInvitation", method: http.MethodGet, path: "/v3/organizations/{organization_uid}/share/{share_uid}/resend_invitation", write: true})
	opTransferOwnership   = define(operation{name: "TransferOwnership", method: http.MethodPost, path: "/v3/organizations/{organization_uid}/transfer-ownership", write: true})
	opSetStackRoles       = define(operation{name: "UpdateStackAccess", method: http.MethodPost, path: "/v3/stacks/users/roles", write: true, bulk: true})
	opShareStack          = define(operation{name: "UpdateStackAccess", method: http.MethodPost, path: "/v3/stacks/share", write: true, bulk: true})
	opUnshareStack        = define(operation{name: "UpdateStackAccess", method: http.MethodPost, path: "/v3/stacks/unshare", write: true, bulk: true})
	opSendPasswordReset   = define(operation{name: "SendPasswordReset", method: http.MethodPost, path: "/v3/user/forgot_password", write: true, public: true})
	opAuditLog            = define(operation{name: "AuditLog", method: http.MethodGet, path: "/v3/organizations/{organization_uid}/logs"})
	opAuditEntry          = define(operation{name: "GetAuditEntry", method: http.MethodGet, path: "/v3/organizations/{organization_uid}/logs/{log_uid}"})
)
