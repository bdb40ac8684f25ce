package orguserstest

import (
	"maps"
	"net/http"
	"slices"
)

// stack is one stack of an organization.
type stack struct {
	uid, name, apiKey string
	secretKey         string
	masterKey         string
	created, updated  int64
	owner             *account
	roles             []*role
}

// stackAccess is the access of one row to one stack.
type stackAccess struct {
	stack *stack
	roles []*role
}

var stackRoutes = []route{
	{method: http.MethodGet, pattern: "/v3/roles", operation: "StackRoles", needs: rolesRead, inStack: true, handle: (*Server).listStackRoles},
}

func (k *stack) sortKey() (name string, created, updated int64) {
	return k.name, k.created, k.updated
}

func (s *Server) listStacks(c *call) response {
	p, refused := c.page(namedFields...)
	if refused != nil {
		return *refused
	}
	org := c.organization
	found := filterNamed(org.stacks, p, c.typeahead())
	list := []object{}
	for _, k := range rowsOf(s, c, p, found) {
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
			"users":      object{"count": 1 + len(s.stackUsers(org, k))}, // its owner too,
			"created_at": timestamp(k.created),
			"updated_at": timestamp(k.updated),
		})
	}
	return s.respondList(c, p, "stacks", list, len(found))
}

func (s *Server) listStackRoles(c *call) response {
	p, refused := c.page()
	if refused != nil {
		return *refused
	}
	found := filterNamed(c.stack.roles, p, "")
	users := s.usersByStackRole(c.organization, c.stack)
	list := []object{}
	for _, r := range rowsOf(s, c, p, found) {
		list = append(list, s.renderStackRole(c.stack, r, users[r]))
	}
	return s.respondList(c, p, "roles", list, len(found))
}

// stackUsers returns the rows with access to a stack, without the owner.
func (s *Server) stackUsers(org *organization, k *stack) map[*share][]*role {
	users := map[*share][]*role{}
	for row, access := range org.access {
		for _, a := range access {
			if a.stack == k {
				users[row] = append(users[row], a.roles...)
			}
		}
	}
	if s.cfg.hiddenTeamRoles {
		return users
	}
	for _, t := range org.teams {
		for _, a := range t.access {
			for _, who := range t.members {
				if row := org.rowOf(who); a.stack == k && row != nil && !row.owner {
					users[row] = union(users[row], a.roles)
				}
			}
		}
	}
	return users
}

// usersByStackRole returns the uids of the users of every role of a stack.
func (s *Server) usersByStackRole(org *organization, k *stack) map[*role][]string {
	users := map[*role][]string{}
	for row, roles := range s.stackUsers(org, k) {
		for _, r := range roles {
			users[r] = append(users[r], row.account.uid)
		}
	}
	for r := range users {
		slices.Sort(users[r]) // in a stable order
	}
	return users
}

// renderStackRole returns a role of a stack. Like the reference's sample, it has
// the secret keys of the stack.
func (s *Server) renderStackRole(k *stack, r *role, users []string) object {
	o := object{
		"uid":         r.uid,
		"name":        r.name,
		"description": r.description,
		"users":       append([]string{}, users...),
		"created_at":  timestamp(r.created),
		"stack": object{
			"uid": k.uid, "name": k.name, "api_key": k.apiKey, "master_key": k.masterKey,
			"discrete_variables": object{"_version": 3, "secret_key": k.secretKey},
		},
	}
	if s.cfg.documentedRoles {
		o["update_at"] = timestamp(r.updated)
	} else {
		o["updated_at"] = timestamp(r.updated)
	}
	return o
}

// stack finds a stack by its API key, and its organization.
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

var accessRoutes = []route{
	{method: http.MethodPost, pattern: "/v3/stacks/users/roles", operation: "UpdateStackAccess", needs: usersWrite, write: true, inStack: true, handle: (*Server).setStackRoles},
	{method: http.MethodPost, pattern: "/v3/stacks/share", operation: "ShareStack", needs: usersWrite, write: true, inStack: true, handle: (*Server).shareStack},
	{method: http.MethodPost, pattern: "/v3/stacks/unshare", operation: "UnshareStack", needs: usersWrite, write: true, inStack: true, handle: (*Server).unshareStack},
}

// grantee is a row and its new roles in a stack.
type grantee struct {
	row   *share
	roles []*role
}

// setStackRoles overwrites the roles of users who already have access to the
// stack.
func (s *Server) setStackRoles(c *call) response {
	var input struct {
		Users map[string][]string `json:"users"`
	}
	if refused := c.decode(&input); refused != nil {
		return *refused
	}
	if len(input.Users) == 0 {
		return invalid("users")
	}
	var list []grantee
	for _, uid := range slices.Sorted(maps.Keys(input.Users)) {
		row := c.organization.userOf(c.stack, uid)
		if row == nil {
			return invalid("users")
		}
		roles, ok := rolesWith(c.stack.roles, input.Users[uid])
		if !ok {
			return invalid("roles")
		}
		list = append(list, grantee{row, roles})
	}
	users := []object{}
	for _, each := range someOf(c, list) {
		c.organization.grant(each.row, c.stack, each.roles)
		s.audit(c, "update_stack_roles", each.row)
		users = append(users, object{"uid": each.row.account.uid, "roles": uidsOf(each.roles)})
	}
	return respond(object{"notice": "The roles were applied successfully.", "users": users})
}

// shareStack gives users of the organization access to a stack. It replaces
// their roles in it.
func (s *Server) shareStack(c *call) response {
	var input struct {
		Emails []string            `json:"emails"`
		Roles  map[string][]string `json:"roles"`
	}
	if refused := c.decode(&input); refused != nil {
		return *refused
	}
	if len(input.Emails) == 0 {
		return invalid("emails")
	}
	var list []grantee
	for _, email := range input.Emails {
		row := c.organization.rows.find(email)
		if row == nil || row.owner {
			return invalid("emails")
		}
		roles, ok := rolesWith(c.stack.roles, input.Roles[email])
		if !ok {
			return invalid("roles")
		}
		list = append(list, grantee{row, roles})
	}
	if len(input.Roles) != len(slices.Compact(slices.Sorted(slices.Values(input.Emails)))) {
		return invalid("roles") // some are for other addresses
	}
	var rows []*share
	for _, each := range someOf(c, list) {
		c.organization.grant(each.row, c.stack, each.roles)
		rows = append(rows, each.row)
		s.email(Email{Kind: EmailStackShared, To: each.row.email, Organization: c.organization.uid})
		s.audit(c, "share_stack", each.row)
	}
	return s.respondRows(noticeInvited, c.organization, rows, view{written: true})
}

// unshareStack removes the access of a user to a stack.
func (s *Server) unshareStack(c *call) response {
	var input struct {
		Email string `json:"email"`
	}
	if refused := c.decode(&input); refused != nil {
		return *refused
	}
	row := c.organization.rows.find(input.Email)
	if row == nil || !c.organization.has(row, c.stack) {
		return invalid("email")
	}
	c.organization.grant(row, c.stack, nil)
	s.audit(c, "unshare_stack", row)
	return respond(object{"notice": "The stack has been successfully unshared."})
}

// userOf finds the row of a user with direct access to a stack, by user uid.
func (o *organization) userOf(k *stack, uid string) *share {
	for row := range o.access {
		if row.account.uid == uid && o.has(row, k) {
			return row
		}
	}
	return nil
}

// has reports whether a row has direct access to a stack.
func (o *organization) has(row *share, k *stack) bool {
	return slices.ContainsFunc(o.access[row], func(a stackAccess) bool { return a.stack == k })
}

// grant replaces the roles of a row in a stack. Without roles it removes the
// access.
func (o *organization) grant(row *share, k *stack, roles []*role) {
	access := slices.DeleteFunc(slices.Clone(o.access[row]), func(a stackAccess) bool { return a.stack == k })
	if len(roles) > 0 {
		access = append(access, stackAccess{stack: k, roles: roles})
	}
	o.access[row] = access
	if len(access) == 0 {
		delete(o.access, row)
	}
}

// stackWith finds a stack of the organization by its API key.
func (o *organization) stackWith(apiKey string) *stack {
	for _, k := range o.stacks {
		if k.apiKey == apiKey {
			return k
		}
	}
	return nil
}

func uidsOf(roles []*role) []string {
	uids := make([]string, 0, len(roles))
	for _, r := range roles {
		uids = append(uids, r.uid)
	}
	return uids
}

// Stack is a stack of the organization with its roles.
type Stack struct {
	UID, Name, APIKey string
	// Owner is the address of the owner.
	Owner string
	Roles []Role
}

func (k *stack) export() Stack {
	return Stack{UID: k.uid, Name: k.name, APIKey: k.apiKey, Owner: k.owner.email, Roles: catalog(k.roles)}
}

// Stacks returns the stacks of the organization.
func (s *Server) Stacks() []Stack {
	s.mu.Lock()
	defer s.mu.Unlock()
	var stacks []Stack
	for _, k := range s.organizations[0].stacks {
		stacks = append(stacks, k.export())
	}
	return stacks
}

// AddStack adds a stack with three roles, which a user of the organization owns. It
// panics if there is no such user.
func (s *Server) AddStack(name, owner string) Stack {
	s.mu.Lock()
	defer s.mu.Unlock()
	org := s.organizations[0]
	return s.newStack(org, name, org.membersWith([]string{owner})[0], s.now()).export()
}

// RemoveStack removes a stack and all access to it. It reports whether there was such
// a stack.
func (s *Server) RemoveStack(apiKey string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	org := s.organizations[0]
	k := org.stackWith(apiKey)
	if k == nil {
		return false
	}
	org.stacks = slices.DeleteFunc(org.stacks, func(each *stack) bool { return each == k })
	for row := range org.access {
		org.grant(row, k, nil)
	}
	for _, t := range org.teams {
		t.access = slices.DeleteFunc(t.access, func(a stackAccess) bool { return a.stack == k })
	}
	return true
}

// SetStackOwner makes a user of the organization the owner of a stack. It panics if
// there is no such user, and reports whether there is such a stack.
func (s *Server) SetStackOwner(apiKey, email string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	org := s.organizations[0]
	k := org.stackWith(apiKey)
	if k != nil {
		k.owner, k.updated = org.membersWith([]string{email})[0], s.now()
	}
	return k != nil
}
