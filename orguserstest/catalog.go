package orguserstest

// Role is a role of the organization or of a stack, as requests name it.
type Role struct {
	UID, Name string
}

// Stack is a stack of the organization with its roles.
type Stack struct {
	UID, Name, APIKey string
	Roles             []Role
}

// Roles are the roles of the organization: Admin, Member, Security Manager and
// Product Analytics Viewer, in varying letter case.
func (s *Server) Roles() []Role {
	s.mu.Lock()
	defer s.mu.Unlock()
	return catalog(s.organizations[0].roles)
}

// RoleUID is the uid of a role of the organization, by its name in any letter
// case. It panics when there is none.
func (s *Server) RoleUID(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.organizations[0].rolesNamed([]string{name})[0].uid
}

// Stacks are the stacks of the organization, each with its roles.
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
