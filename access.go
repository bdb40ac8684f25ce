package orgusers

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
)

// accessVersion is the version of the JSON of UserAccess.
const accessVersion = 1

// UserAccess is what a user can access, and through what. It marshals to JSON and back:
// it is the record that [Client.Restore] takes. Lists are sorted, so the JSON of equal
// access is equal.
type UserAccess struct {
	// Version is that of the JSON, now 1.
	Version         int       `json:"version"`
	OrganizationUID string    `json:"organization_uid"`
	ReadAt          time.Time `json:"read_at"`
	User            *User     `json:"user"`
	// Roles are the organization roles.
	Roles []RoleGrant `json:"roles"`
	// Stacks are the stack roles. The owner of the organization has access to every stack,
	// even without a role here.
	Stacks []StackGrant `json:"stacks"`
	Teams  []TeamRef    `json:"teams"`
	// Owns are the stacks that the user owns.
	Owns []StackRef `json:"owns"`
	// Unread are the stacks whose roles could not be read, or whose owner is not known.
	Unread []StackRef `json:"unread"`
}

// UnmarshalJSON decodes a record. It returns an error if the version is unknown, or if the
// organization or the user is missing, as in a record that was cut off.
func (a *UserAccess) UnmarshalJSON(data []byte) error {
	type plain UserAccess // without this method
	var record plain
	if err := json.Unmarshal(data, &record); err != nil {
		return err
	}
	if err := (*UserAccess)(&record).check(); err != nil {
		return err
	}
	*a = UserAccess(record)
	return nil
}

func (a *UserAccess) check() error {
	switch {
	case a == nil:
		return errors.New("the access record is nil")
	case a.Version != accessVersion:
		return fmt.Errorf("the access record has version %d, this package reads %d", a.Version, accessVersion)
	case a.OrganizationUID == "" || a.User == nil || a.User.Email == "":
		return errors.New("the access record lacks its organization or its user")
	default:
		return nil
	}
}

// RoleGrant is an organization role of a user.
type RoleGrant struct {
	RoleUID  string `json:"role_uid"`
	RoleName string `json:"role_name,omitempty"`
	// Direct is true if the user has the role and no team gives it.
	Direct bool `json:"direct,omitempty"`
	// MaybeDirect is true if a team gives the role, and the role lists the user too: the
	// user may have it directly as well. Teams is empty if that changed while it was read.
	MaybeDirect bool `json:"maybe_direct,omitempty"`
	// Teams are the teams that give the role.
	Teams []TeamRef `json:"teams,omitempty"`
}

// StackGrant is a role of a user in a stack.
type StackGrant struct {
	Stack       StackRef  `json:"stack"`
	RoleUID     string    `json:"role_uid"`
	RoleName    string    `json:"role_name,omitempty"`
	Direct      bool      `json:"direct,omitempty"`       // as in RoleGrant
	MaybeDirect bool      `json:"maybe_direct,omitempty"` // as in RoleGrant
	Teams       []TeamRef `json:"teams,omitempty"`
}

// TeamRef names a team.
type TeamRef struct {
	UID  string `json:"uid"`
	Name string `json:"name,omitempty"`
}

// StackRef names a stack.
type StackRef struct {
	APIKey string `json:"api_key"`
	Name   string `json:"name,omitempty"`
}

// AccessOptions select the users whose access is read. Nil means all users.
type AccessOptions struct {
	// Emails are the addresses of the users. None means all users.
	Emails []string
	// AllowUnread continues if the roles of a stack cannot be read or its owner is not known,
	// and adds the stack to UserAccess.Unread. By default Access yields [ErrIncomplete].
	AllowUnread bool
}

// Access returns a sequence of what users can access, and through what: organization roles,
// stack roles, teams and owned stacks. It includes all access that a user had from the first
// request to the last, and none that the user had at no moment. Access that changed meanwhile
// may or may not be included. Users are in the order of [Client.Users], or of the given
// addresses; addresses that are not in the organization are left out. Everything is read
// before the first user is yielded.
//
// It yields [ErrIncomplete], with the name of the stack, if the roles of a stack cannot be
// read or its owner is not known. It yields ErrIncomplete too if a member has no account uid,
// and [ErrInvalid] if an address is malformed. An organization without teams is not an
// error.
//
// It sends what [Client.Users] sends or, with addresses, what [Client.FindUsers] sends. It
// sends what [Client.Roles] sends, and for each stack, it sends what [Client.StackRoles]
// sends. It sends what [Client.Stacks] sends and it sends what [Client.Teams] sends, both
// twice, because they may change meanwhile.
func (c *Client) Access(ctx context.Context, opts *AccessOptions) iter.Seq2[*UserAccess, error] {
	options := *cmp.Or(opts, &AccessOptions{})
	return func(yield func(*UserAccess, error) bool) {
		roles := c.newRoleDirectory()
		var users []*User
		r, err := c.readAccess(ctx, options.AllowUnread, roles, func(ctx context.Context) (err error) {
			if len(options.Emails) > 0 {
				users, err = c.findUsers(ctx, roles, options.Emails)
			} else {
				users, err = Collect(c.users(ctx, nil, roles, nil))
			}
			return err
		})
		if err != nil {
			yield(nil, withOp("Access", err))
			return
		}
		for _, u := range users {
			if u.UID == "" && u.Status != StatusPending { // stacks and teams list accounts
				yield(nil, withOp("Access", fmt.Errorf("%w: a member has no account uid (share %s)", ErrIncomplete, u.ShareUID)))
				return
			}
		}
		for _, u := range users {
			if !yield(r.of(u), nil) {
				return
			}
		}
	}
}

// accessReading is everything but the users that access is computed from.
type accessReading struct {
	organizationUID string
	at              time.Time
	roles           []roleUsers
	teams           map[string][]*Team // by uid, once for each reading
	teamsOf         map[string][]*Team // by the uid of a user, once for each reading
	stacks          []*Stack
	stackRoles      map[string][]roleUsers // by API key; missing: unread
}

// roleUsers is what is kept of a role.
type roleUsers struct {
	uid, name string
	users     map[string]bool // by uid
}

// readAccess reads teams and stacks, then roles, the roles of each stack and, with the given
// function, users. Teams are read before and after everything that they may show in: a role is
// direct only if no team gives it in either reading.
func (c *Client) readAccess(ctx context.Context, allowUnread bool, directory *roleDirectory, users ...func(context.Context) error) (*accessReading, error) {
	r := &accessReading{organizationUID: c.OrganizationUID(), at: time.Now().UTC(), stackRoles: map[string][]roleUsers{}, teams: map[string][]*Team{}, teamsOf: map[string][]*Team{}}
	readTeams := func(ctx context.Context) error { return r.readTeams(ctx, c) }
	readStacks := func(ctx context.Context) (err error) { r.stacks, err = Collect(c.Stacks(ctx, nil)); return err }
	if err := together(ctx, readTeams, readStacks); err != nil {
		return nil, err
	}
	failures := map[string]error{}
	readRoles := func(ctx context.Context) error {
		roles, err := directory.list(ctx)
		r.roles = usersOfRoles(roles)
		return err
	}
	readStackRoles := func(ctx context.Context) error { r.readNewStacks(ctx, c, failures); return nil }
	if err := together(ctx, append(users, readRoles, readStackRoles)...); err != nil {
		return nil, err
	}
	// Stacks that were added meanwhile are read, and those that were removed are left out.
	for round := 1; round == 1 || r.readNewStacks(ctx, c, failures); round++ {
		if round > 5 {
			return nil, fmt.Errorf("%w: stacks are added all the time", ErrIncomplete)
		}
		if err := readStacks(ctx); err != nil {
			return nil, err
		}
	}
	for _, stack := range r.stacks {
		err := failures[stack.APIKey]
		if stack.OwnerUID == "" {
			if !allowUnread {
				return nil, fmt.Errorf("%w: the owner of stack %q (%s) is not known", ErrIncomplete, stack.Name, stack.APIKey)
			}
			delete(r.stackRoles, stack.APIKey)
		}
		if err != nil && (!allowUnread || ctx.Err() != nil || errors.Is(err, ErrUnauthorized)) {
			return nil, fmt.Errorf("%w: the roles of stack %q (%s) cannot be read: %w", ErrIncomplete, stack.Name, stack.APIKey, err)
		}
	}
	return r, readTeams(ctx)
}

func (r *accessReading) readTeams(ctx context.Context, c *Client) error {
	teams, err := c.teamsIfAny(ctx)
	for _, team := range teams {
		r.teams[team.UID] = append(r.teams[team.UID], team)
		for _, uid := range team.UserUIDs {
			r.teamsOf[uid] = append(r.teamsOf[uid], team)
		}
	}
	return err
}

// readNewStacks reads the roles of the stacks that were not tried yet, and reports whether
// there are any. It adds errors by API key.
func (r *accessReading) readNewStacks(ctx context.Context, c *Client, failures map[string]error) bool {
	var keys []string
	for _, stack := range r.stacks {
		if _, read := r.stackRoles[stack.APIKey]; !read && failures[stack.APIKey] == nil {
			keys = append(keys, stack.APIKey)
		}
	}
	for key, stack := range c.readStackRoles(ctx, keys) {
		err := stack.err
		if err == nil {
			_, err = roleUIDsByUser(stack.roles)
		}
		if err != nil {
			failures[key] = err
			continue
		}
		r.stackRoles[key] = usersOfRoles(stack.roles)
	}
	return len(keys) > 0
}

func usersOfRoles(roles []*Role) []roleUsers {
	kept := make([]roleUsers, len(roles))
	for i, role := range roles {
		kept[i] = roleUsers{role.UID, role.Name, make(map[string]bool, len(role.Users))}
		for _, uid := range role.Users {
			kept[i].users[uid] = true
		}
	}
	return kept
}

// of returns the access of a user.
func (r *accessReading) of(u *User) *UserAccess {
	a := &UserAccess{
		Version: accessVersion, OrganizationUID: r.organizationUID, ReadAt: r.at, User: u,
		Roles: []RoleGrant{}, Stacks: []StackGrant{}, Teams: []TeamRef{}, Owns: []StackRef{}, Unread: []StackRef{},
	}
	teams := r.teamsOf[u.UID]
	for _, team := range teams {
		a.Teams = addTeam(a.Teams, team)
	}
	grants := r.grantsByTeam(teams, func(t *Team) []string { return t.RoleUIDs })
	for _, role := range u.Roles {
		grants.list(role.UID, role.Name)
	}
	grants.addListed(u, r.roles)
	for _, g := range grants.held() {
		a.Roles = append(a.Roles, *g)
	}
	for _, stack := range r.stacks {
		ref := StackRef{stack.APIKey, stack.Name}
		if u.UID != "" && stack.OwnerUID == u.UID {
			a.Owns = append(a.Owns, ref)
		}
		roles, read := r.stackRoles[stack.APIKey]
		if !read {
			a.Unread = append(a.Unread, ref)
		}
		grants := r.grantsByTeam(teams, func(t *Team) []string { return t.Stacks[stack.APIKey] })
		grants.addListed(u, roles)
		for _, g := range grants.held() {
			a.Stacks = append(a.Stacks, StackGrant{ref, g.RoleUID, g.RoleName, g.Direct, g.MaybeDirect, g.Teams})
		}
	}
	a.sort()
	return a
}

// grants are those of one user, by the uid of the role. A grant that is neither given by a
// team nor direct is one that a team may have given between the readings.
type grants map[string]*RoleGrant

func (r *accessReading) grantsByTeam(teams []*Team, roles func(*Team) []string) grants {
	all := grants{}
	for _, team := range teams {
		for _, reading := range r.teams[team.UID] {
			for _, uid := range roles(reading) {
				if all[uid] == nil {
					all[uid] = &RoleGrant{RoleUID: uid}
				}
				if reading == team {
					all[uid].Teams = addTeam(all[uid].Teams, team)
				}
			}
		}
	}
	return all
}

// addTeam adds a team unless it is there.
func addTeam(refs []TeamRef, team *Team) []TeamRef {
	if slices.ContainsFunc(refs, func(ref TeamRef) bool { return ref.UID == team.UID }) {
		return refs
	}
	return append(refs, TeamRef{team.UID, team.Name})
}

// list adds a role that lists the user.
func (g grants) list(uid, name string) {
	if g[uid] == nil {
		g[uid] = &RoleGrant{RoleUID: uid, Direct: true}
	}
	g[uid].RoleName, g[uid].MaybeDirect = name, !g[uid].Direct
}

// held returns the grants of roles that list the user or that a team gives.
func (g grants) held() []*RoleGrant {
	return slices.DeleteFunc(slices.Collect(maps.Values(g)), func(g *RoleGrant) bool {
		return !g.Direct && !g.MaybeDirect && len(g.Teams) == 0
	})
}

// addListed adds the roles that list a user, and the names of those that teams give.
func (g grants) addListed(u *User, roles []roleUsers) {
	for _, role := range roles {
		switch {
		case u.UID != "" && role.users[u.UID]:
			g.list(role.uid, role.name)
		case g[role.uid] != nil:
			g[role.uid].RoleName = role.name
		}
	}
}

func (a *UserAccess) sort() {
	slices.SortFunc(a.Roles, func(x, y RoleGrant) int { return strings.Compare(x.RoleUID, y.RoleUID) })
	slices.SortFunc(a.Stacks, func(x, y StackGrant) int {
		if order := strings.Compare(x.Stack.APIKey, y.Stack.APIKey); order != 0 {
			return order
		}
		return strings.Compare(x.RoleUID, y.RoleUID)
	})
	byTeam := func(x, y TeamRef) int { return strings.Compare(x.UID, y.UID) }
	byStack := func(x, y StackRef) int { return strings.Compare(x.APIKey, y.APIKey) }
	slices.SortFunc(a.Teams, byTeam)
	slices.SortFunc(a.Owns, byStack)
	slices.SortFunc(a.Unread, byStack)
	for _, g := range a.Roles {
		slices.SortFunc(g.Teams, byTeam)
	}
	for _, g := range a.Stacks {
		slices.SortFunc(g.Teams, byTeam)
	}
}
