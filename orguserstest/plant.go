package orguserstest

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
)

// plant fills a new server: three organizations, their users, roles and stacks,
// and the sessions that a test starts with.
func (s *Server) plant() {
	s.seeds = &generator{
		rng:   rand.New(rand.NewPCG(s.cfg.seed, 0x0f9a2c)),
		taken: s.taken,
	}
	reference := s.cfg.reference.UnixMilli()
	founded := reference - (6 * year).Milliseconds()
	org := s.newOrganization("Example Media", "Enterprise", founded, max(s.cfg.users, len(s.cfg.people)))
	s.newOrganization("Example Labs", "Developer Plan", founded+(2*year).Milliseconds(), 0)
	s.newOrganization("Another Company", "Enterprise", founded-year.Milliseconds(), 0)

	inSeveral := s.plantPeople(org, founded, reference)
	me := s.administrator(org)
	s.plantSecond(s.organizations[1], me, inSeveral)
	s.plantOwner(s.organizations[2])
	for _, each := range s.organizations {
		s.plantStacks(each)
	}

	s.OrganizationUID = org.uid
	s.SecondOrganizationUID = s.organizations[1].uid
	s.ForeignOrganizationUID = s.organizations[2].uid
	s.Email = me.email
	s.AuthToken = s.signIn(me)
	s.issueBearer(me)
	s.refresh = s.token()
}

func (s *Server) newOrganization(name, plan string, founded int64, rows int) *organization {
	g := s.seeds
	org := &organization{
		uid: g.uid(), name: name, plan: plan,
		created: founded, updated: founded + g.rng.Int64N(year.Milliseconds()),
		access: map[*share][]stackAccess{},
		rows:   newRowIndex(rows),
	}
	for i, r := range []struct{ name, description string }{
		{"Admin", "Admin Role"},
		{"Member", "Member Role"},
		{"Security Manager", "Security Manager Role"},
		{"Product Analytics Viewer", "Product Analytics Viewer Role"},
	} {
		if g.oneIn(2) {
			r.name = strings.ToLower(r.name) // the letter case of role names varies
		}
		at := founded + int64(i)
		org.roles = append(org.roles, &role{uid: g.uid(), name: r.name, description: r.description, created: at, updated: at, admin: i == 0})
	}
	s.organizations = append(s.organizations, org)
	return org
}

// plantPeople seeds the people of the options, and as many more as they ask
// for. It returns those who are to be in the second organization too.
func (s *Server) plantPeople(org *organization, founded, reference int64) (inSeveral []*share) {
	g := s.seeds
	owned := false
	for _, p := range s.cfg.people {
		owned = owned || p.Owner
	}
	total := max(s.cfg.users, len(s.cfg.people))
	if !owned {
		total = max(total, len(s.cfg.people)+1)
	}
	step := max((reference-founded)/int64(total), 1)
	at := func(n int) int64 { return founded + int64(n)*step }

	if !owned {
		row, _ := g.user(org, founded, reference)
		s.add(org, row)
		org.owner = row.account
	}
	for _, p := range s.cfg.people {
		row := s.addPerson(org, p, at(org.rows.len()))
		if p.SeveralOrganizations {
			inSeveral = append(inSeveral, row)
		}
	}
	g.made = max(g.made, org.rows.len())
	var created int64
	for n := org.rows.len(); n < total; n++ {
		if !g.oneIn(12) { // else in the same millisecond as the one before
			created = at(n) + g.rng.Int64N(step)
		}
		row, several := g.user(org, max(created, at(n-1)), reference)
		s.add(org, row)
		if several {
			inSeveral = append(inSeveral, row)
		}
	}
	return inSeveral
}

// administrator is whom the server's AuthToken belongs to.
func (s *Server) administrator(org *organization) *account {
	for _, row := range org.rows.by("created_at") {
		if row.account != nil && !row.pending && !row.owner && row.administers() {
			return row.account
		}
	}
	return org.owner
}

// add puts a row into an organization, and remembers those who may have invited
// later ones.
func (s *Server) add(org *organization, row *share) {
	org.rows.add(row)
	if row.account != nil && !row.pending && !row.owner && row.administers() && len(org.inviters) < maxInviters {
		org.inviters = append(org.inviters, row.account)
	}
	if row.account != nil {
		delete(s.former, fold(row.account.email))
	}
}

// maxInviters bounds the administrators that have invited the others.
const maxInviters = 50

// plantSecond fills the second organization: an owner of its own, the user of
// the server's AuthToken as administrator, and those who are in several.
func (s *Server) plantSecond(org *organization, me *account, inSeveral []*share) {
	s.plantOwner(org)
	s.join(org, me, org.created+day.Milliseconds(), org.roles[0:1:1])
	for _, row := range inSeveral {
		s.join(org, row.account, max(row.created, org.created), org.roles[1:2:2])
	}
}

// join makes somebody a member of another organization as well.
func (s *Server) join(org *organization, who *account, created int64, roles []*role) {
	if who == nil || org.rows.find(who.email) != nil {
		return
	}
	s.add(org, &share{
		uid: s.seeds.uid(), email: who.email, account: who, inviter: org.owner, roles: roles,
		invited: created, created: created, updated: created,
	})
}

// plantOwner gives an organization an owner who is in no other one.
func (s *Server) plantOwner(org *organization) {
	first, last, email := s.seeds.name(false)
	org.owner = &account{uid: s.seeds.uid(), email: email, first: first, last: last, lastLogin: org.updated}
	s.add(org, &share{
		uid: s.seeds.uid(), email: email, account: org.owner, owner: true,
		invited: org.created, created: org.created, updated: org.created,
	})
}

func (s *Server) plantStacks(org *organization) {
	g := s.seeds
	for i, name := range []string{"Website", "Mobile App", "Knowledge Base"} {
		created := org.created + int64(i+1)*day.Milliseconds()
		k := &stack{uid: g.uid(), name: name, apiKey: g.uid(), owner: org.owner, created: created, updated: created}
		for _, r := range []struct{ name, description string }{
			{"Admin", "Has every permission in the stack."},
			{"Developer", "Can work on content types and entries."},
			{"Content Manager", "Can work on entries and assets."},
		} {
			k.roles = append(k.roles, &role{uid: g.uid(), name: r.name, description: r.description, created: created, updated: created})
		}
		org.stacks = append(org.stacks, k)
	}
	for i, row := range org.rows.by("created_at") {
		if i == maxAccess {
			break
		}
		if row.owner || !g.oneIn(2) {
			continue
		}
		k := org.stacks[g.intn(len(org.stacks))]
		r := g.intn(len(k.roles))
		org.access[row] = []stackAccess{{stack: k, roles: k.roles[r : r+1 : r+1]}}
	}
}

// maxAccess bounds the seeded rows that may have access to stacks.
const maxAccess = 1000

// token makes a token that no session has had yet.
func (s *Server) token() string {
	s.issued++
	return "blt" + hexOf(s.chance(1<<63|s.issued))
}

// acceptanceToken is the secret of an invitation.
func (s *Server) acceptanceToken(row *share) string {
	return "blt" + hexOf(s.chance(1<<62|uint64(row.number)))
}

func hexOf(n uint64) string {
	return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, n))
}
