package orguserstest

import (
	"strings"
)

// role is a role of an organization or of a stack.
type role struct {
	uid, name, description string
	created, updated       int64
	admin                  bool
}

func (r *role) sortKey() (name string, created, updated int64) {
	return r.name, r.created, r.updated
}

// maxRoleUsers bounds the users that a role names, so that an organization of a
// million does not send them all with each list of roles.
const maxRoleUsers = 100

// roleNamed finds a role of the organization, whatever the letter case.
func (o *organization) roleNamed(name string) *role {
	for _, r := range o.roles {
		if strings.EqualFold(r.name, name) {
			return r
		}
	}
	return nil
}

func (s *Server) listRoles(c *call) answer {
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
	return s.replyList(c, p, "roles", list, len(found))
}

// usersByRole has the uids of the first users of every role.
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

// renderRole writes update_at, as the samples of the reference do. The field
// admin is absent where it would be false.
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
