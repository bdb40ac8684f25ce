package orguserstest

import (
	"net/http"
	"slices"
)

// stack is one stack of an organization.
type stack struct {
	uid, name, apiKey string
	created, updated  int64
	owner             *account
	roles             []*role
}

// stackAccess is what one row of an organization may do in one stack.
type stackAccess struct {
	stack *stack
	roles []*role
}

var stackRoutes = []route{
	{method: http.MethodGet, pattern: "/v3/roles", operation: "list stack roles", inStack: true, handle: (*Server).listStackRoles},
}

func (k *stack) sortKey() (name string, created, updated int64) {
	return k.name, k.created, k.updated
}

func (s *Server) listStacks(c *call) answer {
	p, refused := c.page(namedFields...)
	if refused != nil {
		return *refused
	}
	org := c.organization
	found := filterNamed(org.stacks, p, c.typeahead())
	list := []object{}
	for _, k := range rowsOf(s, c, p, found) {
		users := 1 // its owner
		for _, access := range org.access {
			if grants(access, k) {
				users++
			}
		}
		list = append(list, object{
			"uid":       k.uid,
			"name":      k.name,
			"api_key":   k.apiKey,
			"owner_uid": k.owner.uid,
			"owner": object{
				"email":      k.owner.email,
				"first_name": k.owner.first,
				"last_name":  k.owner.last,
			},
			"users":      object{"count": users},
			"created_at": timestamp(k.created),
			"updated_at": timestamp(k.updated),
		})
	}
	return s.replyList(c, p, "stacks", list, len(found))
}

func (s *Server) listStackRoles(c *call) answer {
	p, refused := c.page()
	if refused != nil {
		return *refused
	}
	found := filterNamed(c.stack.roles, p, "")
	users := c.organization.usersByStackRole(c.stack)
	list := []object{}
	for _, r := range rowsOf(s, c, p, found) {
		list = append(list, renderRole(r, users[r]))
	}
	return s.replyList(c, p, "roles", list, len(found))
}

// usersByStackRole has the uids of the users of every role of a stack.
func (o *organization) usersByStackRole(k *stack) map[*role][]string {
	users := map[*role][]string{}
	for row, access := range o.access {
		if row.account == nil {
			continue
		}
		for _, a := range access {
			if a.stack != k {
				continue
			}
			for _, r := range a.roles {
				users[r] = append(users[r], row.account.uid)
			}
		}
	}
	for r := range users {
		slices.Sort(users[r]) // a map has no order of its own
	}
	return users
}

// stack finds a stack by its API key, and the organization it is in.
func (s *Server) stack(apiKey string) (*organization, *stack) {
	for _, org := range s.organizations {
		for _, k := range org.stacks {
			if k.apiKey == apiKey {
				return org, k
			}
		}
	}
	return nil, nil
}
