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

// operation is a request of the API. The table below is the only place that
// has the requests: the client sends by it, the documentation and the tests
// read it.
type operation struct {
	name    string // in errors and logs: the method of this package
	method  string
	path    string // below the base URL, with {names} for values
	kind    transport.Kind
	service transport.Service
	public  bool // sent without a token
	empty   bool // a response of 204, or to a HEAD, may be without a body
}

// writes reports whether the request changes something or sends email,
// whatever its HTTP method.
func (op *operation) writes() bool { return op.kind != transport.Read }

// operations is the table as a list, in the order below.
var operations []*operation

func define(op operation) *operation {
	operations = append(operations, &op)
	return &op
}

const organizationPath = "/v3/organizations/{organization_uid}"

var (
	opListUsers           = define(operation{name: "ListUsers", method: http.MethodGet, path: organizationPath + "/share"})
	opFindUsers           = define(operation{name: "FindUsers", method: http.MethodPost, path: organizationPath + "/share/search"})
	opInvite              = define(operation{name: "Invite", method: http.MethodPost, path: organizationPath + "/share", kind: transport.Write})
	opRestore             = define(operation{name: "Restore", method: http.MethodPost, path: organizationPath + "/share", kind: transport.Write})
	opUpdateRoles         = define(operation{name: "UpdateRoles", method: http.MethodPost, path: organizationPath + "/share", kind: transport.Write})
	opRemoveUsers         = define(operation{name: "RemoveUsers", method: http.MethodDelete, path: organizationPath + "/share", kind: transport.Write})
	opWithdrawInvitations = define(operation{name: "WithdrawInvitations", method: http.MethodDelete, path: organizationPath + "/share", kind: transport.Write})
	opResendInvitations   = define(operation{name: "ResendInvitations", method: http.MethodGet, path: organizationPath + "/share/{share_uid}/resend_invitation", kind: transport.Write})
	opTransferOwnership   = define(operation{name: "TransferOwnership", method: http.MethodPost, path: organizationPath + "/transfer-ownership", kind: transport.Write})
	opRoles               = define(operation{name: "Roles", method: http.MethodGet, path: organizationPath + "/roles"})
	opStacks              = define(operation{name: "Stacks", method: http.MethodGet, path: organizationPath + "/stacks"})
	opStackRoles          = define(operation{name: "StackRoles", method: http.MethodGet, path: "/v3/roles", service: transport.Stack})
	opSetStackRoles       = define(operation{name: "UpdateStackAccess", method: http.MethodPost, path: "/v3/stacks/users/roles", kind: transport.Write, service: transport.Stack})
	opShareStack          = define(operation{name: "UpdateStackAccess", method: http.MethodPost, path: "/v3/stacks/share", kind: transport.Write, service: transport.Stack})
	opUnshareStack        = define(operation{name: "UpdateStackAccess", method: http.MethodPost, path: "/v3/stacks/unshare", kind: transport.Write, service: transport.Stack})
	opTeams               = define(operation{name: "Teams", method: http.MethodGet, path: "/v4/teams", empty: true})
	opTeamUsers           = define(operation{name: "TeamUsers", method: http.MethodGet, path: organizationPath + "/teams/{team_uid}/users", empty: true})
	opAddToTeam           = define(operation{name: "AddToTeam", method: http.MethodPost, path: organizationPath + "/teams/{team_uid}/users", kind: transport.Write})
	opRemoveFromTeam      = define(operation{name: "RemoveFromTeam", method: http.MethodDelete, path: organizationPath + "/teams/{team_uid}/users/{user_uid}", kind: transport.Write})
	opOrganizations       = define(operation{name: "Organizations", method: http.MethodGet, path: "/v3/organizations"})
	opGetOrganization     = define(operation{name: "GetOrganization", method: http.MethodGet, path: organizationPath})
	opAuditLog            = define(operation{name: "AuditLog", method: http.MethodGet, path: organizationPath + "/logs"})
	opGetAuditEntry       = define(operation{name: "GetAuditEntry", method: http.MethodGet, path: organizationPath + "/logs/{log_uid}"})
	opGetCurrentUser      = define(operation{name: "GetCurrentUser", method: http.MethodGet, path: "/v3/user", service: transport.User})
	opLogin               = define(operation{name: "Login", method: http.MethodPost, path: "/v3/user-session", kind: transport.Write, service: transport.User, public: true})
	opLogout              = define(operation{name: "Logout", method: http.MethodDelete, path: "/v3/user-session", kind: transport.Write, service: transport.User})
	opSendPasswordResets  = define(operation{name: "SendPasswordResets", method: http.MethodPost, path: "/v3/user/forgot_password", kind: transport.Write, service: transport.User, public: true})
)

// input is what a request carries. Every field is optional.
type input struct {
	path    map[string]string // the values of the path, except the organization's uid
	query   any               // a struct with url tags, or url.Values
	header  http.Header
	body    any
	secrets []string // texts of the request that must not appear in an error
}

// do sends an operation for the client's organization and decodes the response
// into out, which may be nil.
func (c *Client) do(ctx context.Context, op *operation, in input, out any) error {
	if !c.made() {
		return op.invalid(errors.New("the client was not made with New"))
	}
	if strings.Contains(op.path, "{organization_uid}") || op == opTeams {
		path, header := map[string]string{"organization_uid": c.organizationUID}, http.Header{}
		maps.Copy(path, in.path)
		for name, values := range in.header {
			header[http.CanonicalHeaderKey(name)] = values
		}
		header.Set("organization_uid", path["organization_uid"]) // OAuth and single sign-on need it
		in.path, in.header = path, header
	}
	return send(ctx, c.wire, op, in, out)
}

// send is the path of every request: build, send, check, decode.
func send(ctx context.Context, wire *transport.Transport, op *operation, in input, out any) error {
	request, err := newRequest(op, in)
	if err != nil {
		return op.invalid(err)
	}
	attempts, err := wire.Do(ctx, request, func(response *transport.Response) error {
		switch {
		case !response.OK():
			return op.errorFromResponse(response)
		case len(response.Body) == 0 && (out == nil || op.empty && (op.method == http.MethodHead || response.Status == http.StatusNoContent)):
			return nil
		default:
			return decode(op, response, out)
		}
	})
	if err != nil {
		return op.errorFromTransport(err, attempts)
	}
	return nil
}

func newRequest(op *operation, in input) (*transport.Request, error) {
	request := &transport.Request{
		Op:       op.name,
		Template: op.path,
		Method:   op.method,
		Header:   in.header,
		Kind:     op.kind,
		Service:  op.service,
		Unsigned: op.public,
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
			return nil, errors.New("the body cannot be encoded as JSON")
		}
	}
	return request, nil
}

// decode reads a response of 2xx into out. A response that reports an error, or
// lacks the value that was requested, is an error.
func decode(op *operation, response *transport.Response, out any) error {
	if out == nil {
		out = new(json.RawMessage) // a page of HTML is not a success
	}
	if err := json.Unmarshal(response.Body, out); err != nil {
		if field := unreadableField(response.Body, out); field != "" {
			return op.unreadable(response, field)
		}
		return op.unreadable(response, "is not the expected JSON")
	}
	if reportsError(response.Body) {
		return op.errorFromResponse(response)
	}
	if endpoint, ok := out.(*endpointResponse); ok {
		endpoint.clean = response.Clean
	}
	if list, ok := out.(interface{ complete() bool }); ok && !list.complete() {
		return op.unreadable(response, "lacks the requested value")
	}
	return nil
}

// expand fills in the {names} of a path.
func expand(template string, values map[string]string) (string, error) {
	elements := strings.Split(template, "/")
	for i, element := range elements {
		name, ok := valueName(element)
		if !ok {
			continue
		}
		escaped, err := escapeElement(values[name])
		if err != nil {
			return "", fmt.Errorf("%s %w", strings.ReplaceAll(name, "_", " "), err)
		}
		elements[i] = escaped
	}
	return strings.Join(elements, "/"), nil
}

// valueName returns the name in an element in braces.
func valueName(element string) (name string, ok bool) {
	name, ok = strings.CutPrefix(element, "{")
	return strings.TrimSuffix(name, "}"), ok
}

// escapeElement returns a value as one element of a path. It returns an error
// for characters that a uid never has and that a proxy could turn into another
// path.
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

// checkHeader rejects headers that net/http would reject later, when it cannot
// be known whether anything was sent.
func checkHeader(header http.Header) error {
	for name, values := range header {
		if name == "" || strings.ContainsFunc(name, notInHeaderName) {
			return errors.New("the name of a header has an invalid character")
		}
		for _, value := range values {
			if value == "" || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
				return fmt.Errorf("the header %s is empty or has an invalid character", name)
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

// checkTemplate rejects a path that leads elsewhere, or that has values where
// {names} belong.
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
			return fmt.Errorf("element %d of the path must be in PathValues", i+1)
		}
	}
	return nil
}
