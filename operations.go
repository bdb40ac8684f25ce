package orgusers

import "net/http"

// operation is one request of the API. The table below is the only place that
// knows them: the client sends by it, the documentation and the tests read it.
type operation struct {
	name   string // as errors and logs say it: the method of this package
	method string
	path   string // below /v3, with {names} for what is filled in
	write  bool   // it changes or mails something, whatever its method
	public bool   // it is sent without a token
}

// operations is the table as a list, in the order below.
var operations []*operation

func define(op operation) *operation {
	operations = append(operations, &op)
	return &op
}

var (
	opListUsers         = define(operation{name: "ListUsers", method: http.MethodGet, path: "/organizations/{organization_uid}/share"})
	opFindUsers         = define(operation{name: "FindUsers", method: http.MethodPost, path: "/organizations/{organization_uid}/share/search"})
	opListRoles         = define(operation{name: "ListRoles", method: http.MethodGet, path: "/organizations/{organization_uid}/roles"})
	opOrganization      = define(operation{name: "Organization", method: http.MethodGet, path: "/organizations/{organization_uid}"})
	opListOrganizations = define(operation{name: "ListOrganizations", method: http.MethodGet, path: "/organizations"})
	opStacks            = define(operation{name: "Stacks", method: http.MethodGet, path: "/organizations/{organization_uid}/stacks"})
	opStackRoles        = define(operation{name: "StackRoles", method: http.MethodGet, path: "/roles"})
	opCurrentUser       = define(operation{name: "CurrentUser", method: http.MethodGet, path: "/user"})
	opLogin             = define(operation{name: "Login", method: http.MethodPost, path: "/user-session", write: true, public: true})
	opLogout            = define(operation{name: "Logout", method: http.MethodDelete, path: "/user-session", write: true})
)
