package orguserstest

import (
	"net/http"
	"strings"
)

// organization is one organization with everything that belongs to it.
type organization struct {
	uid, name, plan  string
	created, updated int64
	owner            *account
	roles            []*role
	stacks           []*stack
	access           map[*share][]stackAccess
	inviters         []*account // administrators who have invited others
	rows             rowIndex
	audit            []auditEntry // oldest first
	transferring     bool         // ownership was offered to somebody
}

var organizationRoutes = []route{
	{method: http.MethodGet, pattern: "/v3/organizations", operation: "list organizations", handle: (*Server).listOrganizations},
	{method: http.MethodGet, pattern: "/v3/organizations/{organization_uid}", operation: "get organization", anyMember: true, handle: (*Server).getOrganization},
	{method: http.MethodGet, pattern: "/v3/organizations/{organization_uid}/roles", operation: "list organization roles", handle: (*Server).listRoles},
	{method: http.MethodGet, pattern: "/v3/organizations/{organization_uid}/stacks", operation: "list stacks", handle: (*Server).listStacks},
}

// namedFields are the sort fields of roles, stacks and organizations.
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

// organizationsOf lists where an account is an accepted member.
func (s *Server) organizationsOf(who *account) []*organization {
	var found []*organization
	for _, org := range s.organizations {
		if row := org.rowOf(who); row != nil && !row.pending {
			found = append(found, org)
		}
	}
	return found
}

// rowOf is the row that an account has in the organization, or nil.
func (o *organization) rowOf(who *account) *share {
	if row := o.rows.find(who.email); row != nil && row.account == who {
		return row
	}
	return nil
}

func (s *Server) listOrganizations(c *call) answer {
	p, refused := c.page(namedFields...)
	if refused != nil {
		return *refused
	}
	found := filterNamed(s.organizationsOf(c.caller), p, c.typeahead())
	list := []object{}
	for _, org := range rowsOf(s, c, p, found) {
		list = append(list, s.renderOrganization(org, false))
	}
	return s.replyList(c, p, "organizations", list, len(found))
}

func (s *Server) getOrganization(c *call) answer {
	org := s.renderOrganization(c.organization, c.flag("include_plan"))
	if s.cfg.organizationList {
		return reply(object{"organizations": []object{org}})
	}
	return reply(object{"organization": org})
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
