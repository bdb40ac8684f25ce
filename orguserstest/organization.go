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
	access           map[*share][]stackAccess
	inviters         []*account // administrators who invite others
	rows             rowIndex
	audit            []auditEntry // oldest first
	transferring     bool         // the ownership was offered to a user
}

var organizationRoutes = []route{
	{method: http.MethodGet, pattern: "/v3/organizations", operation: "Organizations", handle: (*Server).listOrganizations},
	{method: http.MethodGet, pattern: "/v3/organizations/{organization_uid}", operation: "GetOrganization", anyMember: true, handle: (*Server).getOrganization},
	{method: http.MethodGet, pattern: "/v3/organizations/{organization_uid}/roles", operation: "Roles", handle: (*Server).listRoles},
	{method: http.MethodGet, pattern: "/v3/organizations/{organization_uid}/stacks", operation: "Stacks", handle: (*Server).listStacks},
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

// organizationsOf returns the organizations of which the account is an
// accepted member.
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

func (s *Server) listOrganizations(c *call) response {
	p, refused := c.page(namedFields...)
	if refused != nil {
		return *refused
	}
	found := filterNamed(s.organizationsOf(c.caller), p, c.typeahead())
	list := []object{}
	for _, org := range rowsOf(s, c, p, found) {
		list = append(list, s.renderOrganization(org, false))
	}
	return s.respondList(c, p, "organizations", list, len(found))
}

func (s *Server) getOrganization(c *call) response {
	org := s.renderOrganization(c.organization, c.flag("include_plan"))
	if s.cfg.organizationList {
		return respond(object{"organizations": []object{org}})
	}
	return respond(object{"organization": org})
}

func (s *Server) renderOrganization(org *organization, withPlan bool) object {
	o := object{
		"uid":                   org.uid,
		"name":                  org.name,
		"plan_id":               strings.ToLower(strings.ReplaceAll(org.plan, " ", "_")),
		"owner_uid":             org.owner.uid,
		"expires_on":            timestamp(s.cfg.reference.AddDate(3, 0, 0).UnixMilli()),
		"enabled":               true,
		"is_over_usage_allowed": true,
		"created_at":            timestamp(org.created),
		"updated_at":            timestamp(org.updated),
		"settings":              object{"sso": object{}},
	}
	if org.transferring {
		o["is_transfer_set"] = true
	}
	if withPlan {
		o["plan"] = object{
			"plan_id": o["plan_id"],
			"name":    org.plan,
			"features": []object{
				feature("users", "Users", max(500, 2*org.rows.len())),
				feature("getLimit", "Reads per second", s.limit(budgetReads)),
				feature("limit", "Writes per second", s.limit(budgetWrites)),
				feature("bulkLimit", "Bulk actions per second", s.limit(budgetBulk)),
			},
		}
	}
	return o
}

func feature(uid, name string, limit int) object {
	return object{"uid": uid, "name": name, "limit": limit, "enabled": true}
}

var ownershipRoutes = []route{
	{method: http.MethodPost, pattern: "/v3/organizations/{organization_uid}/transfer-ownership", operation: "TransferOwnership", write: true, handle: (*Server).transferOwnership},
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
	org.transferring, org.updated = true, s.now()
	s.email(Email{Kind: EmailOwnershipTransfer, To: row.email, Organization: org.uid})
	s.audit(c, "transfer ownership", row.email)
	return respond(object{"notice": "Email has been successfully sent to the user."})
}

// role is a role of an organization or of a stack.
type role struct {
	uid, name, description string
	created, updated       int64
	admin                  bool
}

func (r *role) sortKey() (name string, created, updated int64) {
	return r.name, r.created, r.updated
}

// maxRoleUsers limits the users of a role in a response.
const maxRoleUsers = 100

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
	users := org.usersByRole()
	list := []object{}
	for _, r := range rowsOf(s, c, p, found) {
		o := renderRole(r, users[r])
		o["org_uid"] = org.uid
		o["default"] = true
		list = append(list, o)
	}
	return s.respondList(c, p, "roles", list, len(found))
}

// usersByRole returns the uids of the first users of every role.
func (o *organization) usersByRole() map[*role][]string {
	users := map[*role][]string{}
	full := 0
	for _, row := range o.rows.by("created_at") {
		if row.account == nil {
			continue
		}
		for _, r := range row.roles {
			if len(users[r]) == maxRoleUsers {
				continue
			}
			users[r] = append(users[r], row.account.uid)
			if len(users[r]) == maxRoleUsers {
				full++
			}
		}
		if full == len(o.roles) {
			break
		}
	}
	return users
}

// renderRole uses update_at like the samples of the reference. The field admin
// is absent instead of false.
func renderRole(r *role, users []string) object {
	if users == nil {
		users = []string{}
	}
	o := object{
		"uid":         r.uid,
		"name":        r.name,
		"description": r.description,
		"users":       users,
		"created_at":  timestamp(r.created),
		"update_at":   timestamp(r.updated),
	}
	if r.admin {
		o["admin"] = true
	}
	return o
}

// Role is a role of the organization or of a stack.
type Role struct {
	UID, Name string
}

// Stack is a stack of the organization with its roles.
type Stack struct {
	UID, Name, APIKey string
	Roles             []Role
}

// Roles returns the roles of the organization: Admin, Member, Security Manager
// and Product Analytics Viewer. Their letter case depends on the seed.
func (s *Server) Roles() []Role {
	s.mu.Lock()
	defer s.mu.Unlock()
	return catalog(s.organizations[0].roles)
}

// RoleUID returns the uid of a role of the organization by name, ignoring
// case. It panics if there is no such role.
func (s *Server) RoleUID(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.organizations[0].rolesNamed([]string{name})[0].uid
}

// Stacks returns the stacks of the organization.
func (s *Server) Stacks() []Stack {
	s.mu.Lock()
	defer s.mu.Unlock()
	var stacks []Stack
	for _, k := range s.organizations[0].stacks {
		stacks = append(stacks, Stack{UID: k.uid, Name: k.name, APIKey: k.apiKey, Roles: catalog(k.roles)})
	}
	return stacks
}

func catalog(roles []*role) []Role {
	list := make([]Role, 0, len(roles))
	for _, r := range roles {
		list = append(list, Role{UID: r.uid, Name: r.name})
	}
	return list
}

var auditRoutes = []route{
	{method: http.MethodGet, pattern: "/v3/organizations/{organization_uid}/logs", operation: "AuditLog", handle: (*Server).listAudit},
	{method: http.MethodGet, pattern: "/v3/organizations/{organization_uid}/logs/{log_uid}", operation: "GetAuditEntry", handle: (*Server).getAudit},
}

// auditPage is the largest page of the audit log.
const auditPage = 25

// auditEntry is one change that was made through the API.
type auditEntry struct {
	uid, event, title string
	by                *account
	from              string // the client's IP address
	at                int64
}

// audit logs a change that a request made to the row with the given address.
func (s *Server) audit(c *call, event, title string) {
	s.audited++
	from, _, err := net.SplitHostPort(c.http.RemoteAddr)
	if err != nil {
		from = "127.0.0.1" // in-process, without a connection
	}
	c.organization.audit = append(c.organization.audit, auditEntry{
		uid: "blt" + hexOf(s.chance(1<<61|s.audited)), event: event, title: title,
		by: c.caller, from: from, at: s.now(),
	})
}

func (s *Server) listAudit(c *call) response {
	p, refused := c.page()
	if refused != nil {
		return *refused
	}
	p.limit, p.count = min(p.limit, auditPage), false
	newestFirst := slices.Clone(c.organization.audit)
	slices.Reverse(newestFirst)
	list := []object{}
	for _, entry := range rowsOf(s, c, p, newestFirst) {
		list = append(list, entry.render())
	}
	return s.respondList(c, p, "logs", list, len(newestFirst))
}

func (s *Server) getAudit(c *call) response {
	for _, entry := range c.organization.audit {
		if entry.uid == c.params["log_uid"] {
			return respond(object{"log": entry.render()})
		}
	}
	return notFound()
}

func (e auditEntry) render() object {
	return object{
		"uid":         e.uid,
		"created_at":  timestamp(e.at),
		"created_by":  e.by.uid,
		"event_type":  e.event,
		"module":      "user",
		"remote_addr": e.from,
		"metadata":    object{"title": e.title},
	}
}
