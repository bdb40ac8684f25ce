package orgusers

import "net/http"

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
	opOrganization      = define(operation{name: "Organization", method: http.MethodGet, path: "/v3/organizations/{organization_uid}"})
	opListOrganizations = define(operation{name: "ListOrganizations", method: http.MethodGet, path: "/v3/organizations"})
	opStacks            = define(operation{name: "Stacks", method: http.MethodGet, path: "/v3/organizations/{organization_uid}/stacks"})
	opStackRoles        = define(operation{name: "StackRoles", method: http.MethodGet, path: "/v3/roles"})
	opCurrentUser       = define(operation{name: "CurrentUser", method: http.MethodGet, path: "/v3/user"})
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
	opAuditEntry          = define(operation{name: "AuditEntry", method: http.MethodGet, path: "/v3/organizations/{organization_uid}/logs/{log_uid}"})
)
