package orguserstest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxTeams is the number of teams that an organization may have, and the largest
// page of them.
const maxTeams = 500

// team is a team of an organization. It gives roles to its members.
type team struct {
	uid, name, description string
	created, updated       int64
	by, updatedBy          *account
	members                []*account
	roles                  []*role
	access                 []stackAccess
}

var teamRoutes = []route{
	{method: http.MethodGet, pattern: "/v4/teams", operation: "Teams", needs: teamsRead, byHeader: true, handle: (*Server).listTeams},
	{method: http.MethodGet, pattern: "/v4/teams/{team_uid}", operation: "GetTeam", needs: teamsRead, byHeader: true, handle: (*Server).getTeam},
	{method: http.MethodGet, pattern: "/v3/organizations/{organization_uid}/teams/{team_uid}/users", operation: "TeamUsers", needs: teamsRead, handle: (*Server).listTeamUsers},
	{method: http.MethodPost, pattern: "/v3/organizations/{organization_uid}/teams/{team_uid}/users", operation: "AddToTeam", needs: usersWrite, write: true, handle: (*Server).addToTeam},
	{method: http.MethodDelete, pattern: "/v3/organizations/{organization_uid}/teams/{team_uid}/users/{user_uid}", operation: "RemoveFromTeam", needs: usersWrite, write: true, handle: (*Server).removeFromTeam},
	// The official JavaScript SDK reads teams below /v3.
	{method: http.MethodGet, pattern: "/v3/organizations/{organization_uid}/teams", operation: "Teams", needs: teamsRead, handle: (*Server).listTeams},
	{method: http.MethodGet, pattern: "/v3/organizations/{organization_uid}/teams/{team_uid}", operation: "GetTeam", needs: teamsRead, handle: (*Server).getTeam},
}

func (t *team) sortKey() (name string, created, updated int64) {
	return t.name, t.created, t.updated
}

// teamWith finds a team by uid, or returns nil.
func (o *organization) teamWith(uid string) *team {
	for _, t := range o.teams {
		if t.uid == uid {
			return t
		}
	}
	return nil
}

// allRoles returns the organization roles of a row, given directly and by teams.
func (o *organization) allRoles(row *share) []*role {
	roles := row.roles
	for _, t := range o.teams {
		if slices.Contains(t.members, row.account) {
			roles = union(roles, t.roles)
		}
	}
	return roles
}

// shownRoles returns the organization roles that responses have for a row.
func (s *Server) shownRoles(org *organization, row *share) []*role {
	if row.owner || s.cfg.hiddenTeamRoles {
		return row.roles
	}
	return org.allRoles(row)
}

// union returns the roles of both lists. It changes neither.
func union(had, more []*role) []*role {
	all := slices.Clip(had)
	for _, r := range more {
		if !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	return all
}

// leaveTeams removes an account from all teams of the organization.
func (o *organization) leaveTeams(who *account) {
	for _, t := range o.teams {
		t.members = slices.DeleteFunc(t.members, func(m *account) bool { return m == who })
	}
}

func (s *Server) listTeams(c *call) response {
	p, refused := c.pageOf(maxTeams, maxTeams, namedFields...)
	if refused != nil {
		return *refused
	}
	user, apiKey := c.query.Get("user_uid"), c.query.Get("stack_api_key")
	found := slices.DeleteFunc(filterNamed(c.organization.teams, p, c.typeahead()), func(t *team) bool {
		return (user != "" && !slices.ContainsFunc(t.members, func(m *account) bool { return m.uid == user })) ||
			(apiKey != "" && !slices.ContainsFunc(t.access, func(a stackAccess) bool { return a.stack.apiKey == apiKey }))
	})
	if len(found) == 0 {
		return response{status: http.StatusNoContent}
	}
	all := c.flag("skip_pagination")
	if !all {
		p.count = true
	}
	page := found
	if !all {
		page = rowsOf(s, c, p, found)
	}
	list := []object{}
	for _, t := range page {
		list = append(list, s.renderTeam(c, t))
	}
	answer := s.respondList(c, p, "teams", list, len(found))
	if all {
		answer = respond(list)
	}
	answer.header = http.Header{}
	for name, n := range map[string]int{"X-Total-Results": len(found), "X-Skip": p.skip, "X-Limit": p.limit} {
		answer.header.Set(name, strconv.Itoa(n))
	}
	return answer
}

func (s *Server) getTeam(c *call) response {
	t := c.organization.teamWith(c.params["team_uid"])
	if t == nil {
		return notFound()
	}
	return respond(s.renderTeam(c, t))
}

func (s *Server) listTeamUsers(c *call) response {
	p, refused := c.page()
	if refused != nil {
		return *refused
	}
	t := c.organization.teamWith(c.params["team_uid"])
	if t == nil {
		return notFound()
	}
	list := []object{}
	for _, who := range rowsOf(s, c, p, t.members) {
		list = append(list, s.renderTeamUser(c.organization, who))
	}
	return s.respondList(c, p, "users", list, len(t.members))
}

// addToTeam adds users to a team. It invites those who are not in the
// organization.
func (s *Server) addToTeam(c *call) response {
	t := c.organization.teamWith(c.params["team_uid"])
	if t == nil {
		return notFound()
	}
	var input struct {
		Emails []string `json:"emails"`
	}
	if refused := c.decode(&input); refused != nil {
		return *refused
	}
	if len(input.Emails) == 0 || slices.ContainsFunc(input.Emails, func(email string) bool { return !isAddress(email) }) {
		return invalid("emails")
	}
	for _, email := range someOf(c, input.Emails) {
		row := c.organization.rows.find(email)
		if row == nil {
			row = s.inviteOne(c, invitee{email: email}, "")
		}
		if !slices.Contains(t.members, row.account) {
			t.members = append(t.members, row.account)
			t.updated, t.updatedBy = s.now(), c.caller
			s.audit(c, "add_to_team", row)
		}
	}
	return respond(object{"notice": "The users were added to the team."})
}

func (s *Server) removeFromTeam(c *call) response {
	t := c.organization.teamWith(c.params["team_uid"])
	if t == nil {
		return notFound()
	}
	at := slices.IndexFunc(t.members, func(m *account) bool { return m.uid == c.params["user_uid"] })
	if at < 0 {
		return notFound()
	}
	who := t.members[at]
	t.members = slices.Delete(t.members, at, at+1)
	t.updated, t.updatedBy = s.now(), c.caller
	s.audit(c, "remove_from_team", c.organization.rowOf(who))
	return respond(object{"notice": "The user was removed from the team."})
}

func (s *Server) renderTeam(c *call, t *team) object {
	users := []any{}
	for _, who := range t.members {
		if c.flag("include_user_details") {
			users = append(users, s.renderTeamUser(c.organization, who))
		} else {
			users = append(users, who.uid)
		}
	}
	stacks := []object{}
	for _, a := range t.access {
		stacks = append(stacks, object{"stackApiKey": a.stack.apiKey, "roles": uidsOf(a.roles)})
	}
	return object{
		"_id": t.uid, "uid": t.uid, "name": t.name, "description": t.description, "__v": 0,
		"organizationUid": c.organization.uid,
		"createdAt":       timestamp(t.created), "createdBy": t.by.uid, "createdByUserName": t.by.fullName(),
		"updatedAt": timestamp(t.updated), "updatedBy": t.updatedBy.uid, "updatedByUserName": t.updatedBy.fullName(),
		"users":             users,
		"organizationRoles": uidsOf(t.roles),
		"stackRoleMapping":  stacks,
		"projectRoles":      []object{},
	}
}

func (s *Server) renderTeamUser(org *organization, who *account) object {
	row := org.rowOf(who)
	first, last := row.names()
	status := "accepted"
	if row.pending {
		status = "pending"
	}
	uid := "uid"
	if s.cfg.teamUserIDs {
		uid = "userId"
	}
	return object{
		uid: who.uid, "username": who.username(), "email": who.email, "firstName": first, "lastName": last,
		"active": !who.invited, "orgInvitationStatus": status,
	}
}

// Team is a team of the organization. Its members have its roles, and show them
// unless [WithHiddenTeamRoles] is set.
type Team struct {
	// UID is set by the server.
	UID               string
	Name, Description string
	// Members has addresses of users of the organization.
	Members []string
	// Roles has uids of organization roles. [WithTeams] and [Server.AddTeam]
	// accept names too.
	Roles []string
	// Stacks has uids of stack roles by API key. [WithTeams] and
	// [Server.AddTeam] accept names of stacks and roles too.
	Stacks map[string][]string
}

// WithTeams adds teams to the organization. NewServer panics if a member, a role
// or a stack is unknown. By default there are no teams.
func WithTeams(teams ...Team) Option {
	return func(c *config) { c.teams = append(c.teams, teams...) }
}

// Teams returns the teams of the organization, oldest first.
func (s *Server) Teams() []Team {
	s.mu.Lock()
	defer s.mu.Unlock()
	var teams []Team
	for _, t := range s.organizations[0].teams {
		teams = append(teams, t.export())
	}
	return teams
}

// AddTeam adds a team and returns it. It panics if a member, a role or a stack is
// unknown.
func (s *Server) AddTeam(t Team) Team {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addTeam(t).export()
}

// RemoveTeam removes a team and the access that it gives. It reports whether
// there was such a team.
func (s *Server) RemoveTeam(uid string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	org := s.organizations[0]
	before := len(org.teams)
	org.teams = slices.DeleteFunc(org.teams, func(t *team) bool { return t.uid == uid })
	return len(org.teams) < before
}

// SetTeamMembers replaces the members of a team. It panics if an address is not
// in the organization, and reports whether there is such a team.
func (s *Server) SetTeamMembers(uid string, emails ...string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	org := s.organizations[0]
	t := org.teamWith(uid)
	if t == nil {
		return false
	}
	t.members, t.updated = org.membersWith(emails), s.now()
	return true
}

// addTeam adds a team to the first organization. The server is locked.
func (s *Server) addTeam(input Team) *team {
	org, now := s.organizations[0], s.now()
	s.issued++
	t := &team{
		uid: "65b00000" + hexOf(s.chance(1<<58|s.issued)), name: input.Name, description: input.Description,
		created: now, updated: now, by: org.owner, updatedBy: org.owner,
		members: org.membersWith(input.Members),
		roles:   mustFind(org.roles, input.Roles),
	}
	for _, key := range slices.Sorted(maps.Keys(input.Stacks)) {
		at := slices.IndexFunc(org.stacks, func(k *stack) bool { return k.apiKey == key || strings.EqualFold(k.name, key) })
		if at < 0 {
			panic(fmt.Sprintf("orguserstest: the organization has no stack %q", key))
		}
		t.access = append(t.access, stackAccess{stack: org.stacks[at], roles: mustFind(org.stacks[at].roles, input.Stacks[key])})
	}
	org.teams = append(org.teams, t)
	return t
}

// membersWith finds the accounts of addresses. It panics if one is unknown.
func (o *organization) membersWith(emails []string) []*account {
	var members []*account
	for _, email := range emails {
		row := o.rows.find(email)
		if row == nil {
			panic(fmt.Sprintf("orguserstest: %q is not in the organization", email))
		}
		if !slices.Contains(members, row.account) {
			members = append(members, row.account)
		}
	}
	return members
}

// mustFind finds roles by uid or name. It panics if one is unknown.
func mustFind(known []*role, names []string) []*role {
	var roles []*role
	for _, name := range names {
		at := slices.IndexFunc(known, func(r *role) bool { return r.uid == name || strings.EqualFold(r.name, name) })
		if at < 0 {
			panic(fmt.Sprintf("orguserstest: there is no role %q", name))
		}
		roles = union(roles, known[at:at+1])
	}
	return roles
}

func (t *team) export() Team {
	team := Team{UID: t.uid, Name: t.name, Description: t.description}
	for _, who := range t.members {
		team.Members = append(team.Members, who.email)
	}
	if len(t.roles) > 0 {
		team.Roles = uidsOf(t.roles)
	}
	for _, a := range t.access {
		if team.Stacks == nil {
			team.Stacks = map[string][]string{}
		}
		team.Stacks[a.stack.apiKey] = uidsOf(a.roles)
	}
	return team
}
