package orguserstest

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// generator invents the contents of organizations. They depend only on the
// seed.
type generator struct {
	rng   *rand.Rand
	taken func(email string) bool
	made  int // number of users
	odd   int // number of unusual users
}

func (g *generator) intn(n int) int { return g.rng.IntN(n) }

// oneIn returns true once in n times.
func (g *generator) oneIn(n int) bool { return g.rng.IntN(n) == 0 }

// uid returns a uid in one of the forms of the API.
func (g *generator) uid() string {
	var raw [16]byte
	binary.LittleEndian.PutUint64(raw[:], g.rng.Uint64())
	binary.LittleEndian.PutUint64(raw[8:], g.rng.Uint64())
	var digits [32]byte
	hex.Encode(digits[:], raw[:])
	switch g.intn(20) {
	case 0:
		return "sys_blt" + string(digits[:16])
	case 1:
		return string(digits[:24])
	}
	return "blt" + string(digits[:14+g.intn(12)])
}

// name returns a first name, a last name, and an address that is free.
func (g *generator) name(odd bool) (first, last, email string) {
	var local string
	if odd {
		person := oddPeople[g.odd%len(oddPeople)]
		g.odd++
		first, last, local = person.first, person.last, person.local
	} else {
		first, last = firstNames[g.intn(len(firstNames))], lastNames[g.intn(len(lastNames))]
		switch g.intn(8) {
		case 0:
			local = fold(first[:1]) + "." + fold(last)
		case 1:
			local = fold(first) + "_" + fold(last)
		default:
			local = fold(first) + "." + fold(last)
		}
	}
	domain := domains[g.intn(len(domains))]
	if email = local + "@" + domain; !g.taken(email) {
		return first, last, email
	}
	for n := g.made; ; n++ {
		if email = local + strconv.Itoa(n) + "@" + domain; !g.taken(email) {
			return first, last, email
		}
	}
}

// part is the role that an invented user plays in the organization.
type part int

const (
	partMember part = iota
	partOwner
	partAdmin
	partSecuredAdmin
	partSeveralRoles
	partWithoutRoles
	partInvited        // the account was only invited so far
	partInvitedAccount // the account can log in
	partLocked
	partLockedForGood
	partNeverLoggedIn
	partInSeveral // organizations
	partOdd
)

// cast has the parts of the first users, so that a small organization has all
// of them.
var cast = []part{
	partOwner, partAdmin, partSecuredAdmin, partMember, partInvited, partSeveralRoles, partLocked, partInSeveral,
	partInvitedAccount, partNeverLoggedIn, partOdd, partInvited, partOdd, partLockedForGood, partWithoutRoles,
}

// part picks the part of the next user.
func (g *generator) part() part {
	if g.made < len(cast) {
		return cast[g.made]
	}
	switch n := g.intn(1000); {
	case n < 620:
		return partMember
	case n < 720:
		return partInvited
	case n < 750:
		return partInvitedAccount
	case n < 800:
		return partSeveralRoles
	case n < 830:
		return partInSeveral
	case n < 880:
		return partNeverLoggedIn
	case n < 900:
		return partLocked
	case n < 910:
		return partLockedForGood
	case n < 920:
		return partWithoutRoles
	case n < 935:
		return partAdmin
	case n < 950:
		return partSecuredAdmin
	}
	return partOdd
}

// user invents a user who joined at the given time. The reference is the end
// of the seeded past.
func (g *generator) user(org *organization, created, reference int64) (row *share, several bool) {
	p := g.part()
	first, last, email := g.name(p == partOdd)
	g.made++
	row = &share{uid: g.uid(), email: email, created: created, owner: p == partOwner}
	row.message = messages[g.intn(len(messages))]
	row.traits = g.traits()
	row.invited = created + int64(g.intn(10))
	row.updated = row.invited + g.rng.Int64N(int64(30*day/time.Millisecond))
	row.updated = max(row.invited, min(row.updated, reference))
	if !row.owner && !g.oneIn(10) {
		row.inviter = org.owner
		if len(org.inviters) > 0 && !g.oneIn(3) {
			row.inviter = org.inviters[g.intn(len(org.inviters))]
		}
	}
	row.roles = g.roles(org, p)
	row.pending = p == partInvited || p == partInvitedAccount
	who := &account{uid: g.uid(), email: email, created: created, updated: row.updated}
	row.account = who
	if p == partInvited {
		who.invited = true
		return row, false
	}
	who.first, who.last = first, last
	who.mfa = p == partSecuredAdmin || (p != partAdmin && g.oneIn(3))
	if since := reference - row.updated; since > 0 && p != partNeverLoggedIn && p != partInvitedAccount {
		who.lastLogin = reference - g.away(since)
	}
	switch p {
	case partLocked:
		who.setFailed(firstLock+g.intn(lastLock-firstLock), reference)
	case partLockedForGood:
		who.setFailed(lastLock, reference)
	case partMember, partOdd:
		who.failed = max(0, g.intn(12)-8)
	}
	return row, p == partInSeveral
}

// away returns how long ago a user last logged in, who could have for the
// given time. Most logged in within a month.
func (g *generator) away(longest int64) int64 {
	part := float64(1+g.rng.Int64N(longest)) / float64(longest)
	return max(1, int64(float64(longest)*part*part*part*part*part))
}

// roles returns the roles of a part.
func (g *generator) roles(org *organization, p part) []*role {
	admin, member := org.roles[0:1:1], org.roles[1:2:2]
	switch p {
	case partOwner, partWithoutRoles:
		return nil
	case partAdmin, partSecuredAdmin:
		return admin
	case partSeveralRoles:
		return [][]*role{{org.roles[1], org.roles[2]}, {org.roles[3], org.roles[1]}, {org.roles[1], org.roles[2], org.roles[3]}}[g.intn(3)]
	}
	if g.oneIn(40) {
		return org.roles[3:4:4]
	}
	return member
}

func (g *generator) traits() traits {
	var t traits
	for _, odd := range []struct {
		trait traits
		oneIn int
	}{{noLastName, 2}, {withoutSSO, 15}, {explicitSSO, 10}} {
		if g.oneIn(odd.oneIn) {
			t |= odd.trait
		}
	}
	return t
}

// seed fills a new server with three organizations and the first sessions.
func (s *Server) seed() {
	s.generator = &generator{
		rng:   rand.New(rand.NewPCG(s.cfg.seed, 0x0f9a2c)),
		taken: s.taken,
	}
	reference := s.cfg.reference.UnixMilli()
	founded := reference - (6 * year).Milliseconds()
	first, last, email := s.generator.name(false)
	s.founder = &account{uid: s.generator.uid(), email: email, first: first, last: last, created: founded, updated: founded}
	s.former[fold(email)] = s.founder
	org := s.newOrganization("Example Media", "Enterprise", founded, max(s.cfg.users, len(s.cfg.people)))
	s.newOrganization("Example Labs", "Developer Plan", founded+(2*year).Milliseconds(), 0)
	s.newOrganization("Another Company", "Enterprise", founded-year.Milliseconds(), 0)

	inSeveral := s.seedPeople(org, founded, reference)
	me := s.administrator(org)
	s.seedSecond(s.organizations[1], me, inSeveral)
	s.seedOwner(s.organizations[2])
	for _, each := range s.organizations {
		s.seedStacks(each)
	}
	for _, t := range s.cfg.teams {
		s.addTeam(t)
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
	g := s.generator
	org := &organization{
		uid: g.uid(), name: name, plan: plan,
		created: founded, updated: founded + g.rng.Int64N(year.Milliseconds()),
		access: map[*share][]stackAccess{},
		rows:   newRowIndex(rows),
	}
	org.transferSent = org.updated // the founder left the organization to the owner
	for i, r := range []role{
		{name: "Admin", description: "Administrators of the organization", admin: true, permissions: []string{
			infoRead, usersRead, usersWrite, usersDelete, usersUnlock, rolesRead, teamsRead, auditRead,
		}},
		{name: "Member", description: "Members of the organization", permissions: []string{infoRead}},
		{name: "Security Manager", description: "Security managers of the organization", permissions: []string{
			infoRead, usersRead, rolesRead, teamsRead, auditRead,
		}},
		{name: "Product Analytics Viewer", description: "Viewers of product analytics", permissions: []string{infoRead}},
	} {
		if !s.cfg.documentedRoles {
			r.name = strings.ToLower(r.name)
		}
		r.uid, r.created, r.updated = g.uid(), founded+int64(i), founded+int64(i)
		org.roles = append(org.roles, &r)
	}
	s.organizations = append(s.organizations, org)
	return org
}

// seedPeople adds the people of the options and invents the rest. It returns
// those who belong to the second organization too.
func (s *Server) seedPeople(org *organization, founded, reference int64) (inSeveral []*share) {
	g := s.generator
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
		org.owner, row.inviter = row.account, s.founder
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
		if !g.oneIn(12) { // otherwise the same millisecond as the row before
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

// administrator returns the account of the server's AuthToken.
func (s *Server) administrator(org *organization) *account {
	for _, row := range org.rows.by("created_at") {
		if !row.pending && !row.owner && row.administers() {
			return row.account
		}
	}
	return org.owner
}

// add adds a row to an organization. Administrators may invite later users.
func (s *Server) add(org *organization, row *share) {
	org.rows.add(row)
	if !row.pending && !row.owner && row.administers() && len(org.inviters) < maxInviters {
		org.inviters = append(org.inviters, row.account)
	}
	delete(s.former, fold(row.account.email))
}

// maxInviters limits the administrators who invite users.
const maxInviters = 50

// seedSecond fills the second organization: an owner, the user of the server's
// AuthToken as administrator, and the users who belong to several.
func (s *Server) seedSecond(org *organization, me *account, inSeveral []*share) {
	s.seedOwner(org)
	s.join(org, me, org.created+day.Milliseconds(), org.roles[0:1:1])
	for _, row := range inSeveral {
		s.join(org, row.account, max(row.created, org.created), org.roles[1:2:2])
	}
}

// join makes an account a member of another organization.
func (s *Server) join(org *organization, who *account, created int64, roles []*role) {
	if org.rows.find(who.email) != nil {
		return
	}
	s.add(org, &share{
		uid: s.generator.uid(), email: who.email, account: who, inviter: org.owner, roles: roles,
		invited: created, created: created, updated: created,
	})
}

// seedOwner adds an owner who belongs to no other organization.
func (s *Server) seedOwner(org *organization) {
	first, last, email := s.generator.name(false)
	org.owner = &account{uid: s.generator.uid(), email: email, first: first, last: last, created: org.created, updated: org.created, lastLogin: org.updated}
	s.add(org, &share{
		uid: s.generator.uid(), email: email, account: org.owner, inviter: s.founder, owner: true,
		invited: org.created, created: org.created, updated: org.created,
	})
}

func (s *Server) seedStacks(org *organization) {
	g := s.generator
	for i, name := range []string{"Website", "Mobile App", "Knowledge Base"} {
		s.newStack(org, name, org.owner, org.created+int64(i+1)*day.Milliseconds())
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

// newStack adds a stack with three roles.
func (s *Server) newStack(org *organization, name string, owner *account, created int64) *stack {
	g := s.generator
	k := &stack{uid: g.uid(), name: name, apiKey: g.uid(), owner: owner, created: created, updated: created, masterKey: s.token(), secretKey: s.token()}
	for _, r := range []struct{ name, description string }{
		{"Admin", "Has every permission in the stack."},
		{"Developer", "Can work on content types and entries."},
		{"Content Manager", "Can work on entries and assets."},
	} {
		k.roles = append(k.roles, &role{uid: g.uid(), name: r.name, description: r.description, created: created, updated: created})
	}
	org.stacks = append(org.stacks, k)
	return k
}

// maxAccess limits the seeded rows with access to stacks.
const maxAccess = 1000

// token returns a new token.
func (s *Server) token() string {
	s.issued++
	return "blt" + hexOf(s.chance(1<<63|s.issued))
}

// acceptanceToken returns the secret of an invitation.
func (s *Server) acceptanceToken(row *share) string {
	return "blt" + hexOf(s.chance(1<<62|uint64(row.number)))
}

func hexOf(n uint64) string {
	return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, n))
}

// firstNames and lastNames are the names of most users. Addresses are made of
// the same letters. Unusual names are in oddPeople.
var firstNames = []string{
	"Ada", "Aisha", "Alan", "Alice", "Amara", "Amir", "Ana", "Andre", "Anna", "Arjun", "Astrid", "Barbara", "Ben",
	"Camille", "Carlos", "Chen", "Chloe", "Clara", "Daniel", "David", "Deepa", "Diego", "Dmitri", "Elena", "Eli",
	"Emma", "Erik", "Fatima", "Felix", "Femi", "Fiona", "Grace", "Hana", "Hannah", "Hassan", "Helen", "Hugo", "Ibrahim",
	"Ingrid", "Isabel", "Ivan", "Jack", "James", "Jana", "Jin", "Joan", "Jonas", "Julia", "Kai", "Karen", "Katya",
	"Kenji", "Kofi", "Lars", "Laura", "Leila", "Leo", "Lina", "Linus", "Lucia", "Maja", "Marco", "Margaret", "Maria",
	"Marie", "Mateo", "Maya", "Mei", "Mia", "Mina", "Nadia", "Naomi", "Nia", "Niklas", "Nina", "Noah", "Nora", "Olga",
	"Oliver", "Omar", "Oscar", "Paolo", "Paula", "Peter", "Petra", "Priya", "Rafael", "Rahul", "Rosa", "Ruth", "Sam",
	"Sara", "Sean", "Sofia", "Sophie", "Sven", "Tariq", "Thomas", "Tim", "Uma", "Vera", "Victor", "Wei", "Yara", "Yuki",
	"Yusuf", "Zainab", "Zara",
}

var lastNames = []string{
	"Abbott", "Adeyemi", "Ahmed", "Almeida", "Andersen", "Bakker", "Barros", "Becker", "Bell", "Berg", "Bianchi",
	"Brown", "Carter", "Castro", "Chan", "Chandra", "Clark", "Cohen", "Costa", "Cruz", "Dahl", "Das", "Davies", "Diaz",
	"Dubois", "Edwards", "Eriksen", "Evans", "Farah", "Fernandes", "Fischer", "Foster", "Fujita", "Garcia", "Gomez",
	"Gupta", "Haas", "Haddad", "Hansen", "Hayashi", "Hopper", "Hughes", "Ito", "Ivanova", "Jain", "Jansen", "Jensen",
	"Johnson", "Jones", "Kaplan", "Khan", "Kim", "King", "Kowalski", "Kumar", "Larsen", "Laurent", "Lee", "Lewis",
	"Lindqvist", "Lopez", "Lovelace", "Martin", "Mbeki", "Meyer", "Mills", "Moreau", "Morgan", "Moreno", "Nakamura",
	"Nguyen", "Nielsen", "Novak", "Okafor", "Olsen", "Ortiz", "Park", "Patel", "Perez", "Petrov", "Quinn", "Rahman",
	"Ramos", "Reyes", "Ricci", "Roberts", "Rossi", "Roy", "Russo", "Santos", "Sato", "Schmidt", "Schneider", "Sharma",
	"Silva", "Singh", "Smith", "Sokolova", "Suzuki", "Tan", "Taylor", "Torres", "Turing", "Vargas", "Vogel", "Wagner",
	"Walker", "Wang", "Weber", "White", "Wilson", "Wood", "Wright", "Yamamoto", "Yilmaz", "Young", "Zhang", "Ziegler",
}

// oddPeople has names and addresses that break careless programs: letters
// beyond ASCII, quotes, CSV separators and spreadsheet formulas.
var oddPeople = []struct{ first, last, local string }{
	{"Sinéad", "O'Connor", "sinead.o'connor"},
	{"José", "Núñez", "jose.nunez"},
	{"Grace", "Hopper-Murray", "Grace.Hopper"},
	{"=HYPERLINK(\"http://example.com\")", "Smith", "hyper.link"},
	{"+1", "555 0100", "dial+sales"},
	{"-2+3", "Minus", "-minus"},
	{"@SUM(A1:A9)", "Formula", "=sum"},
	{"Dwayne \"The Rock\"", "Johnson", "the.rock"},
	{"Martin Luther, Jr.", "King", "m.l.king"},
	{"Line\nBreak", "Carriage\r\nReturn", "line.break"},
	{"王", "小明", "wang.xiaoming"},
	{"Łukasz", "Żółć", "lukasz.zolc"},
	{"  Blank ", "Spaces ", "BLANK.spaces"},
	{"محمد", "علي", "mohamed.ali"},
	{"Zoë 🚀", "Straße", "zoe"},
	{"Tab\tbed", "semi;colon", "tab.bed+newsletter"},
	{"＝1+1", "Wide", "full_width"},
	{"Cher", "", "cher"},
}

var domains = []string{"example.com", "example.com", "example.org", "example.net"}

// messages has the messages of invitations. Most have none.
var messages = []string{
	"", "", "", "", "Welcome aboard", "Please join us.", "Hello,\nthis is your access to the \"content\" stack.", "Grüße, dein Team",
}
