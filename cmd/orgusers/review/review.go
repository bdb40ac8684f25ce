package review

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/orgusers/orgusers"
)

// Source is what a review is made of, as the package reads it.
type Source struct {
	Organization *orgusers.Organization
	API          string
	TakenAt      time.Time // when the reading began
	ReadingEnded time.Time
	ServerCount  int    // of users, or -1 where the server did not say
	MadeBy       string // the program and its version
	MadeUp       bool   // by the fake inside the program
	TakenBy      *orgusers.CurrentUser
	Users        []*orgusers.User
	Roles        []*orgusers.Role
}

// New makes the review. The same source and policy make the same review,
// whatever the order of the users.
func New(source *Source, policy Policy) *Report {
	of := source.Organization
	r := &Report{
		Format: 1,
		MadeBy: source.MadeBy,
		MadeUp: source.MadeUp,
		Organization: Organization{
			UID: of.UID, Name: of.Name, OwnerUID: of.OwnerUID,
			TransferPending: of.TransferPending, Enabled: of.Enabled, ExpiresOn: of.ExpiresOn,
		},
		API:          source.API,
		TakenAt:      source.TakenAt.UTC().Truncate(time.Second),
		ReadingEnded: source.ReadingEnded.UTC().Truncate(time.Second),
		TakenBy:      Account{UID: source.TakenBy.UID, Email: source.TakenBy.Email, Name: fullName(source.TakenBy.FirstName, source.TakenBy.LastName)},
		Policy:       policy,
	}
	if source.ServerCount >= 0 {
		r.ServerCount = &source.ServerCount
	}
	known := newDirectory(source, policy)
	for _, from := range source.Users {
		u := known.user(from)
		r.Users = append(r.Users, u)
		if u.Owner {
			r.Organization.OwnerEmail = u.Email
		}
		r.LoginsTold = r.LoginsTold || !u.LastLoginAt.IsZero()
		r.MFATold = r.MFATold || u.MFA != mfaUnknown
	}
	slices.SortFunc(r.Users, byAddress)
	r.countRoles(source.Roles)
	r.countDomains()
	r.countAges()
	r.MFA = r.countMFA(func(*User) bool { return true })
	r.AdministratorMFA = r.countMFA(func(u *User) bool { return u.Administrator })
	r.find(known)
	r.total()
	return r
}

func byAddress(a, b *User) int {
	return cmp.Or(strings.Compare(strings.ToLower(a.Email), strings.ToLower(b.Email)), strings.Compare(a.Email, b.Email), strings.Compare(a.UID, b.UID))
}

func fullName(first, last string) string { return strings.TrimSpace(first + " " + last) }

func (r *Report) total() {
	for _, u := range r.Users {
		t := &r.Totals
		t.Users++
		if u.Pending() {
			t.Pending++
		} else {
			t.Members++
			count(&t.Administrators, u.Administrator)
			count(&t.MFAOn, u.MFA == MFAOn)
		}
		count(&t.WithoutRole, u.withoutRole())
		count(&t.WithFindings, len(u.Findings) > 0)
	}
}

func count(n *int, counts bool) {
	if counts {
		*n++
	}
}

func (u *User) withoutRole() bool { return !u.Owner && len(u.from.Roles) == 0 }

// countRoles counts the roles of the organization in its own order, and after
// them those that users have although the organization does not list them.
func (r *Report) countRoles(roles []*orgusers.Role) {
	at := map[string]int{}
	for _, role := range roles {
		at[role.UID] = len(r.Roles)
		r.Roles = append(r.Roles, Role{UID: role.UID, Name: role.Name, Administrator: r.Policy.administers(role)})
	}
	for _, u := range r.Users {
		for i, ref := range u.from.Roles {
			if _, listed := at[ref.UID]; !listed {
				at[ref.UID] = len(r.Roles)
				r.Roles = append(r.Roles, Role{UID: ref.UID, Name: u.Roles[i], Administrator: r.Policy.privileged(ref.UID, u.Roles[i])})
			}
			role := &r.Roles[at[ref.UID]]
			count(&role.Members, !u.Pending())
			count(&role.Pending, u.Pending())
		}
	}
}

func (p Policy) administers(role *orgusers.Role) bool {
	return role.Admin || p.privileged(role.UID, role.Name)
}

// privileged knows the role that administers by its name, whose letter case
// varies, and those that the policy adds.
func (p Policy) privileged(uid, name string) bool {
	name = strings.TrimSpace(name)
	return strings.EqualFold(name, "admin") || slices.ContainsFunc(p.PrivilegedRoles, func(added string) bool {
		return strings.EqualFold(added, name) || strings.EqualFold(added, uid)
	})
}

// countDomains counts the domains of addresses, the most frequent first.
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
	foreign := r.foreign()
	for i := range r.Domains {
		r.Domains[i].Foreign = foreign(r.Domains[i])
	}
}

// rareOneIn is how many users there are to each of a rare domain, at least.
const rareOneIn = 100

// foreign tells which domains are not the organization's: others than those
// that it says are its own, or else the rare ones, unless all are.
func (r *Report) foreign() func(Domain) bool {
	if len(r.Policy.Domains) > 0 {
		return func(d Domain) bool {
			return !slices.ContainsFunc(r.Policy.Domains, func(own string) bool { return strings.EqualFold(own, d.Name) })
		}
	}
	rare := max(1, len(r.Users)/rareOneIn)
	if len(r.Domains) > 0 && r.Domains[0].Users <= rare {
		return func(Domain) bool { return false }
	}
	return func(d Domain) bool { return d.Users <= rare }
}

func (u *User) domain() string {
	return strings.ToLower(u.Email[strings.LastIndexByte(u.Email, '@')+1:])
}
