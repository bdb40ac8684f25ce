package orguserstest

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// organization is an organization with everything in it.
type organization struct {
	uid, name, plan  string
	created, updated int64
	owner            *account
	roles            []*role
	stacks           []*stack
	teams            []*team // oldest first
	access           map[*share][]stackAccess
	inviters         []*account // administrators who invite others
	rows             rowIndex
	audit            []auditEntry // oldest first

	transferTo    string // the address that the ownership was offered to
	transferSent  int64
	transferToken string
}

// The permissions of roles of organizations.
const (
	infoRead    = "org.info:read"
	usersRead   = "org.users:read"
	usersWrite  = "org.users:write"
	usersDelete = "org.users:delete"
	usersUnlock = "org.users:unlock"
	rolesRead   = "org.roles:read"
	teamsRead   = "org.teams:read"
	auditRead   = "org.audit_logs:read"
)

var organizationRoutes = []route{
	{method: http.MethodGet, pattern: "/v3/organizations", operation: "Organizations", handle: (*Server).listOrganizations},
	{method: http.MethodGet, pattern: "/v3/organizations/{organization_uid}", operation: "GetOrganization", handle: (*Server).getOrganization},
	{method: http.MethodGet, pattern: "/v3/organizations/{organization_uid}/roles", operation: "Roles", needs: rolesRead, handle: (*Server).listRoles},
	{method: http.MethodGet, pattern: "/v3/organizations/{organization_uid}/stacks", operation: "Stacks", needs: rolesRead, handle: (*Server).listStacks},
	{method: http.MethodPost, pattern: "/v3/organizations/{organization_uid}/transfer-ownership", operation: "TransferOwnership", needs: usersWrite, write: true, handle: (*Server).transferOwnership},
	{method: http.MethodGet, pattern: "/v3/organizations/{organization_uid}/logs", operation: "AuditLog", needs: auditRead, handle: (*Server).listAudit},
	{method: http.MethodGet, pattern: "/v3/organizations/{organization_uid}/logs/{log_uid}", operation: "GetAuditEntry", needs: auditRead, handle: (*Server).getAudit},
}

// namedFields has the sort fields of roles, stacks and organizations.
var namedFields = []string{"created_at", "updated_at", "name"}

func (o *organization) sortKey() (name string, created, updated int64) {
	return o.name, o.created, o.updated
}

func (s *Server) organization(uid string) *organization {
	for _, org := range s.organizations {
		if org.uid == uid {
			return org
		}
	}
	return nil
}

// organizationsOf returns the organizations of which the account is an accepted
// member.
func (s *Server) organizationsOf(who *account) []*organization {
	var found []*organization
	for _, org := range s.organizations {
		if row := org.rowOf(who); row != nil && !row.pending {
			found = append(found, org)
		}
	}
	return found
}

// rowOf returns the row of an account in the organization, or nil.
func (o *organization) rowOf(who *account) *share {
	if row := o.rows.find(who.email); row != nil && row.account == who {
		return row
	}
	return nil
}

// may reports whether the row may make requests that need a permission. No
// permission is needed for requests that every member may make.
func (o *organization) may(row *share, permission string) bool {
	if row == nil || row.pending {
		return false
	}
	return row.owner || permission == "" || slices.ContainsFunc(o.allRoles(row), func(r *role) bool {
		return slices.Contains(r.permissions, permission)
	})
}

func (s *Server) listOrganizations(c *call) response {
	p, refused := c.page(namedFields...)
	if refused != nil {
		return *refused
	}
	found := filterNamed(s.organizationsOf(c.caller), p, c.typeahead())
	list := []object{}
	for _, org := range rowsOf(s, c, p, found) {
		list = append(list, s.renderOrganization(org, c.caller))
	}
	return s.respondList(c, p, "organizations", list, len(found))
}

func (s *Server) getOrganization(c *call) response {
	org := s.renderOrganization(c.organization, c.caller)
	if c.flag("include_plan") {
		org["plan"] = s.renderPlan(c.organization)
	}
	if s.cfg.organizationList {
		return respond(object{"organizations": []object{org}})
	}
	return respond(object{"organization": org})
}

// renderOrganization returns an organization as the caller sees it.
func (s *Server) renderOrganization(org *organization, caller *account) object {
	o := object{
		"_id":                      hexOf(uint64(org.created)) + "00000001",
		"__v":                      0,
		"uid":                      org.uid,
		"name":                     org.name,
		"plan_id":                  planID(org),
		"owner_uid":                org.owner.uid,
		"is_transfer_set":          org.transferTo != "",
		"transfer_to":              org.transferTo,
		"transfer_sent_at":         timestamp(org.transferSent),
		"transfer_ownership_token": org.transferToken,
		"deleted_at":               false,
		"account_id":               "acc" + hexOf(uint64(org.created)),
		"created_by":               s.founder.uid,
		"updated_by":               s.founder.uid,
		"tags":                     []string{},
		"expires_on":               timestamp(s.cfg.reference.AddDate(3, 0, 0).UnixMilli()),
		"enabled":                  true,
		"is_over_usage_allowed":    true,
		"created_at":               timestamp(org.created),
		"updated_at":               timestamp(org.updated),
		"settings":                 object{"sso": object{}},
	}
	if org.owner == caller {
		o["owner"] = true
	}
	return o
}

func planID(org *organization) string {
	return strings.ToLower(strings.ReplaceAll(org.plan, " ", "_"))
}

func (s *Server) renderPlan(org *organization) object {
	features := []object{}
	for i, f := range []struct {
		uid, name string
		limit     int
	}{
		{"users", "Users", max(500, 2*org.rows.len())},
		{"getLimit", "Reads per second", s.limit(budgetReads)},
		{"limit", "Writes per second", s.limit(budgetWrites)},
		{"bulkLimit", "Bulk requests per second", s.limit(budgetBulk)},
		{"bulk_user_actions", "Users in a bulk action", maxBulk},
		{"mfaResetAccess", "Administrators may reset MFA", 1},
		{"teams", "Teams", maxTeams},
		{"locales", "Languages", 100},
		{"locales", "Languages", 100}, // some uids are there twice
	} {
		features = append(features, object{
			"uid": f.uid, "name": f.name, "limit": f.limit, "max_limit": f.limit, "enabled": true,
			"key_order": i + 1, "is_required": false, "depends_on": []string{},
		})
	}
	return object{
		"plan_id": planID(org), "name": org.plan, "message": "", "price": "$0", "features": features,
		"created_at": timestamp(org.created), "updated_at": timestamp(org.updated),
	}
}

// transferOwnership offers the organization to a member. The owner remains the
// owner, because no known request accepts the offer.
func (s *Server) transferOwnership(c *call) response {
	org := c.organization
	if org.owner != c.caller {
		return forbidden()
	}
	var input struct {
		To string `json:"transfer_to"`
	}
	if refused := c.decode(&input); refused != nil {
		return *refused
	}
	row := org.rows.find(input.To)
	if row == nil || row.pending || row.owner {
		return invalid("transfer_to")
	}
	org.transferTo, org.transferSent, org.transferToken, org.updated = row.email, s.now(), s.token(), s.now()
	s.email(Email{Kind: EmailOwnershipTransfer, To: row.email, Organization: org.uid})
	s.audit(c, "transfer_ownership", row)
	return respond(object{"notice": "Email has been successfully sent to the user."})
}

// role is a role of an organization or of a stack.
type role struct {
	uid, name, description string
	created, updated       int64
	admin                  bool
	permissions            []string // of a role of an organization
}

func (r *role) sortKey() (name string, created, updated int64) {
	return r.name, r.created, r.updated
}

// maxRoleUsers limits the users of a role in a response.
const maxRoleUsers = 100_000

// roleNamed finds a role of the organization by name, ignoring case.
func (o *organization) roleNamed(name string) *role {
	for _, r := range o.roles {
		if strings.EqualFold(r.name, name) {
			return r
		}
	}
	return nil
}

func (s *Server) listRoles(c *call) response {
	p, refused := c.page(namedFields...)
	if refused != nil {
		return *refused
	}
	org := c.organization
	found := filterNamed(org.roles, p, "")
	users := s.usersByRole(org)
	list := []object{}
	for _, r := range rowsOf(s, c, p, found) {
		o := s.renderRole(org, r)
		o["users"] = append([]string{}, users[r]...)
		list = append(list, o)
	}
	return s.respondList(c, p, "roles", list, len(found))
}

// usersByRole returns the uids of the users of every role.
func (s *Server) usersByRole(org *organization) map[*role][]string {
	users := map[*role][]string{}
	for _, row := range org.rows.by("created_at") {
		for _, r := range s.shownRoles(org, row) {
			if len(users[r]) < maxRoleUsers {
				users[r] = append(users[r], row.account.uid)
			}
		}
	}
	return users
}

// renderRole returns a role of an organization without its users.
func (s *Server) renderRole(org *organization, r *role) object {
	o := object{
		"uid":         r.uid,
		"name":        r.name,
		"description": r.description,
		"org_uid":     org.uid,
		"default":     true,
		"created_at":  timestamp(r.created),
	}
	if s.cfg.documentedRoles {
		o["update_at"] = timestamp(r.updated)
		if r.admin {
			o["admin"] = true
		}
		return o
	}
	o["updated_at"] = timestamp(r.updated)
	o["admin"] = r.admin
	o["owner_uid"] = org.owner.uid
	o["permissions"] = r.permissions
	o["domain"] = "organization"
	return o
}

// Role is a role of the organization or of a stack.
type Role struct {
	UID, Name string
}

// Roles returns the roles of the organization: admin, member, security manager
// and product analytics viewer.
func (s *Server) Roles() []Role {
	s.mu.Lock()
	defer s.mu.Unlock()
	return catalog(s.organizations[0].roles)
}

// RoleUID returns the uid of a role of the organization by name, ignoring case.
// It panics if there is no such role.
func (s *Server) RoleUID(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.organizations[0].rolesNamed([]string{name})[0].uid
}

func catalog(roles []*role) []Role {
	list := make([]Role, 0, len(roles))
	for _, r := range roles {
		list = append(list, Role{UID: r.uid, Name: r.name})
	}
	return list
}

// The largest page of the audit log, and how many days back it goes.
const (
	auditPage = 25
	auditDays = 30
)

// auditEntry is one change that was made through the API.
type auditEntry struct {
	uid, event string
	user       string // the uid of the changed user
	by         *account
	from       string // the client's IP address
	at         int64

	request, response object
}

// audit logs a change of a row. Only the entries of share and logout are
// documented.
func (s *Server) audit(c *call, event string, row *share) {
	entry := auditEntry{
		event: event, user: row.account.uid,
		request: object{"emails": []string{row.email}}, response: object{},
	}
	if event == "share" {
		entry.request = object{"share": object{"users": []object{{"email": row.email, "org_roles": uidsOf(row.roles)}}}}
		changed := object{"uid": row.uid, "email": row.email, "status": "accepted"}
		if row.pending {
			changed["status"], changed["acceptance_token"] = "pending", s.acceptanceToken(row)
		}
		entry.response = object{"notice": noticeInvited, "shares": []object{changed}}
	}
	s.addEntry(c, c.organization, entry)
}

// auditLogout logs a logout in every organization of the caller.
func (s *Server) auditLogout(c *call, token, notice string) {
	for _, org := range s.organizationsOf(c.caller) {
		s.addEntry(c, org, auditEntry{
			event: "logout", user: c.caller.uid,
			request: object{"authtoken": token}, response: object{"notice": notice},
		})
	}
}

func (s *Server) addEntry(c *call, org *organization, entry auditEntry) {
	s.audited++
	from, _, err := net.SplitHostPort(c.http.RemoteAddr)
	if err != nil {
		from = "127.0.0.1" // in-process, without a connection
	}
	entry.uid = "blt" + hexOf(s.chance(1<<61|s.audited))
	entry.by, entry.from, entry.at = c.caller, from, s.now()
	org.audit = append(org.audit, entry)
}

func (s *Server) listAudit(c *call) response {
	p, refused := c.pageOf(auditPage, auditPage)
	if refused != nil {
		return *refused
	}
	p.count = false
	oldest := s.now() - auditDays*day.Milliseconds()
	newestFirst := slices.DeleteFunc(slices.Clone(c.organization.audit), func(e auditEntry) bool { return e.at < oldest })
	slices.Reverse(newestFirst)
	list := []object{}
	for _, entry := range rowsOf(s, c, p, newestFirst) {
		list = append(list, s.renderEntry(c.organization, entry))
	}
	return s.respondList(c, p, "logs", list, len(newestFirst))
}

func (s *Server) getAudit(c *call) response {
	for _, entry := range c.organization.audit {
		if entry.uid == c.params["log_uid"] {
			return respond(object{"log": s.renderEntry(c.organization, entry)})
		}
	}
	return notFound()
}

func (s *Server) renderEntry(org *organization, e auditEntry) object {
	at := timestamp(e.at)
	if s.cfg.isoDates {
		at = "ISODate(" + at + ")"
	}
	return object{
		"uid":         e.uid,
		"org_uid":     org.uid,
		"created_at":  at,
		"created_by":  e.by.uid,
		"module":      "user",
		"event_type":  e.event,
		"metadata":    object{"uid": e.user},
		"remote_addr": e.from,
		"request":     e.request,
		"response":    e.response,
	}
}
