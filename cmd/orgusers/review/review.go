package review

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/orgusers/orgusers"
)

// Source is what a review is made from.
type Source struct {
	Organization *orgusers.Organization
	Service      string
	ReadAt       time.Time // when the first request was sent
	ReadUntil    time.Time
	ServerCount  int    // of users; negative if the server sent none
	MadeBy       string // the program and its version
	Fake         bool   // the users are made up
	ReadBy       *orgusers.CurrentUser
	Roles        []*orgusers.Role
	Access       []*orgusers.UserAccess
}

// New returns the review of a source. It does not depend on the order of the users.
func New(source *Source, policy Policy) *Report {
	of := source.Organization
	r := &Report{
		Version: 1,
		MadeBy:  source.MadeBy,
		Fake:    source.Fake,
		Organization: Organization{
			UID: of.UID, Name: of.Name, Owner: of.OwnerUID,
			TransferPending: of.TransferPending, Enabled: of.Enabled, ExpiresOn: of.ExpiresOn,
		},
		Service:   source.Service,
		ReadAt:    source.ReadAt.UTC().Truncate(time.Second),
		ReadUntil: source.ReadUntil.UTC().Truncate(time.Second),
		ReadBy:    cmp.Or(source.ReadBy.Email, source.ReadBy.UID),
		Policy:    policy,
	}
	if source.ServerCount >= 0 {
		r.ServerCount = &source.ServerCount
	}
	known := newDirectory(source)
	for _, access := range source.Access {
		u := known.user(access, of.OwnerUID, policy)
		r.Users = append(r.Users, u)
		if u.Owner {
			r.Organization.Owner = u.Email
		}
		r.LoginsKnown = r.LoginsKnown || !u.LastSeenAt.IsZero()
		r.MFAKnown = r.MFAKnown || u.MFA != mfaUnknown
		r.UnreadStacks = access.Unread // the same for all users
	}
	slices.SortFunc(r.Users, func(a, b *User) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Email), strings.ToLower(b.Email)), strings.Compare(a.Email, b.Email), strings.Compare(a.UID, b.UID))
	})
	r.countRoles(source.Roles)
	r.countDomains()
	r.countAges()
	r.MFA = r.countMFA(func(*User) bool { return true })
	r.AdministratorMFA = r.countMFA(func(u *User) bool { return u.Administrator })
	r.find(known)
	r.count()
	return r
}

// directory finds users and roles by uid.
type directory struct {
	emails  map[string]string // of accounts
	present map[string]bool   // addresses in lower case
	roles   map[string]*orgusers.Role
}

func newDirectory(source *Source) *directory {
	d := &directory{emails: map[string]string{}, present: map[string]bool{}, roles: map[string]*orgusers.Role{}}
	for _, access := range source.Access {
		d.present[strings.ToLower(access.User.Email)] = true
		if access.User.UID != "" {
			d.emails[access.User.UID] = access.User.Email
		}
	}
	for _, role := range source.Roles {
		d.roles[role.UID] = role
	}
	return d
}

func (d *directory) user(access *orgusers.UserAccess, ownerUID string, policy Policy) *User {
	from := access.User
	u := &User{
		UID: from.ShareUID, UserUID: from.UID, Email: from.Email, Name: fullName(from), Status: string(from.Status),
		Owner:  from.Owner || from.UID != "" && from.UID == ownerUID,
		Roles:  slices.Clone(access.Roles),
		Stacks: slices.Clone(access.Stacks),
		Teams:  access.Teams, Owns: access.Owns,
		LastLoginAt: from.LastLoginAt, CreatedAt: from.CreatedAt, InvitedAt: from.InvitedAt,
		InvitedBy:        cmp.Or(from.InvitedBy.Email, d.emails[from.InvitedBy.UID], from.InvitedBy.UID),
		AccessWithoutSSO: from.AccessWithoutSSO,
		from:             from,
	}
	if !u.Pending() { // a member, also with a status that is not known
		member := *from
		member.Status = orgusers.StatusAccepted
		u.LastSeenAt, _ = member.LastSeen()
	}
	switch from.MFA {
	case orgusers.MFAVerified:
		u.MFA = MFAOn
	case mfaUnknown:
	default:
		u.MFA = MFAOff
	}
	u.Administrator = u.Owner
	for i := range u.Roles {
		grant := &u.Roles[i]
		role := d.roles[grant.RoleUID]
		if role == nil {
			role = &orgusers.Role{UID: grant.RoleUID, Name: cmp.Or(grant.RoleName, grant.RoleUID)}
		}
		grant.RoleName = role.Name
		u.Administrator = u.Administrator || policy.isAdministrator(role)
	}
	slices.SortStableFunc(u.Roles, func(a, b orgusers.RoleGrant) int { return strings.Compare(a.RoleName, b.RoleName) })
	slices.SortStableFunc(u.Stacks, func(a, b orgusers.StackGrant) int {
		return cmp.Or(strings.Compare(a.Stack.Name, b.Stack.Name), strings.Compare(a.RoleName, b.RoleName))
	})
	return u
}

// fullName returns the name of an account. The service makes up the name of an address
// without an account.
func fullName(u *orgusers.User) string {
	if u.UID == "" {
		return ""
	}
	return strings.TrimSpace(u.FirstName + " " + u.LastName)
}

// isAdministrator reports whether a role is an administrator role: the API says so, it is
// called Admin, or the policy adds it.
func (p Policy) isAdministrator(role *orgusers.Role) bool {
	name := strings.TrimSpace(role.Name)
	return role.Admin || strings.EqualFold(name, "admin") || slices.ContainsFunc(p.PrivilegedRoles, func(added string) bool {
		return strings.EqualFold(added, name) || strings.EqualFold(added, role.UID)
	})
}

// isGone reports whether an inviter is known and no longer in the organization.
func (d *directory) isGone(by orgusers.Inviter) bool {
	if by.UID == "" && by.Email == "" || by.UID == "System" {
		return false
	}
	return d.emails[by.UID] == "" && !d.present[strings.ToLower(by.Email)]
}

func (r *Report) count() {
	t := &r.Totals
	for _, u := range r.Users {
		t.Users++
		addIf(&t.WithFindings, len(u.Findings) > 0)
		addIf(&t.Pending, u.Pending())
		addIf(&t.Members, !u.Pending())
		addIf(&t.Administrators, !u.Pending() && u.Administrator)
		addIf(&t.MFAOn, !u.Pending() && u.MFA == MFAOn)
	}
}

func addIf(n *int, condition bool) {
	if condition {
		*n++
	}
}

// countRoles counts the roles in the order of the organization. Roles that users have,
// but that the organization does not list, come last.
func (r *Report) countRoles(roles []*orgusers.Role) {
	at := map[string]int{}
	add := func(role *orgusers.Role) {
		if _, listed := at[role.UID]; !listed {
			at[role.UID] = len(r.Roles)
			r.Roles = append(r.Roles, Role{UID: role.UID, Name: role.Name, Administrator: r.Policy.isAdministrator(role)})
		}
	}
	for _, role := range roles {
		add(role)
	}
	for _, u := range r.Users {
		for _, grant := range u.Roles {
			add(&orgusers.Role{UID: grant.RoleUID, Name: grant.RoleName})
			addIf(&r.Roles[at[grant.RoleUID]].Members, !u.Pending())
			addIf(&r.Roles[at[grant.RoleUID]].Pending, u.Pending())
		}
	}
}

// rareOneIn makes a domain rare if at most one of so many users has it.
const rareOneIn = 100

// countDomains counts domains, the most frequent first. Without own domains, rare domains
// are other domains, unless all are rare.
func (r *Report) countDomains() {
	users := map[string]int{}
	for _, u := range r.Users {
		users[u.domain()]++
	}
	for name, n := range users {
		r.Domains = append(r.Domains, Domain{Name: name, Users: n})
	}
	slices.SortFunc(r.Domains, func(a, b Domain) int {
		return cmp.Or(cmp.Compare(b.Users, a.Users), strings.Compare(a.Name, b.Name))
	})
	rare := max(1, len(r.Users)/rareOneIn)
	for i, d := range r.Domains {
		own := slices.ContainsFunc(r.Policy.Domains, func(own string) bool { return strings.EqualFold(own, d.Name) })
		r.Domains[i].Other = !own
		if len(r.Policy.Domains) == 0 {
			r.Domains[i].Other = d.Users <= rare && r.Domains[0].Users > rare
		}
	}
}

func (u *User) domain() string {
	return strings.ToLower(u.Email[strings.LastIndexByte(u.Email, '@')+1:])
}

// bounds divide ages, in days. A bound belongs to the older group.
var bounds = []int{7, 30, 90, 180, 365}

func ages() []Count {
	counts := []Count{{Key: fmt.Sprintf("under_%d_days", bounds[0]), Label: fmt.Sprintf("Less than %d days", bounds[0])}}
	for i, from := range bounds[:len(bounds)-1] {
		to := bounds[i+1] - 1
		counts = append(counts, Count{Key: fmt.Sprintf("%d_to_%d_days", from, to), Label: fmt.Sprintf("%d to %d days", from, to), From: from})
	}
	oldest := bounds[len(bounds)-1]
	return append(counts, Count{Key: fmt.Sprintf("%d_days_or_more", oldest), Label: fmt.Sprintf("%d days or more", oldest), From: oldest})
}

func (r *Report) countAges() {
	r.LastSeen = append(ages(), Count{Key: "never", Label: "Never"}, Count{Key: "unknown", Label: "Unknown"})
	r.Pending = append(ages(), Count{Key: "unknown", Label: "Unknown"})
	never, unknown := len(bounds)+1, len(bounds)+2
	age := func(t time.Time) (n int) {
		for n < len(bounds) && r.isOld(t, bounds[n]) {
			n++
		}
		return n
	}
	for _, u := range r.Users {
		switch {
		case u.Pending() && u.PendingSince().IsZero():
			r.Pending[len(bounds)+1].Users++
		case u.Pending():
			r.Pending[age(u.PendingSince())].Users++
		case !u.LastSeenAt.IsZero():
			r.LastSeen[age(u.LastSeenAt)].Users++
		case r.LoginsKnown:
			r.LastSeen[never].Users++
		default:
			r.LastSeen[unknown].Users++
		}
	}
}

// isOld reports whether a time was at least so many days ago. An unknown time counts as
// old, so that a rule does not miss the user.
func (r *Report) isOld(t time.Time, days int) bool { return !t.After(r.ReadAt.AddDate(0, 0, -days)) }

func firstKnown(t, otherwise time.Time) time.Time {
	if t.IsZero() {
		return otherwise
	}
	return t
}

// countMFA counts those members that a function selects.
func (r *Report) countMFA(selects func(*User) bool) []Count {
	counts := []Count{{Key: MFAOn, Label: "On"}, {Key: MFAOff, Label: "Off"}, {Key: "unknown", Label: "Unknown"}}
	for _, u := range r.Users {
		if !u.Pending() && selects(u) {
			counts[slices.Index([]string{MFAOn, MFAOff, mfaUnknown}, u.MFA)].Users++
		}
	}
	return counts
}
