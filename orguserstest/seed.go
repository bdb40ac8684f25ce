package orguserstest

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strconv"
	"time"
)

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// generator makes up what an organization is seeded with. Everything it makes
// follows from the seed.
type generator struct {
	rng   *rand.Rand
	taken func(email string) bool
	made  int // users so far
	odd   int // odd users so far
}

func (g *generator) intn(n int) int { return g.rng.IntN(n) }

// oneIn is true once in n times.
func (g *generator) oneIn(n int) bool { return g.rng.IntN(n) == 0 }

// uid makes one of the forms of uids. What they stand for does not show.
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

// name makes a person: first and last name, and an address that is free.
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

// part is what a generated user is in the organization.
type part int

const (
	partMember part = iota
	partOwner
	partAdmin
	partSecuredAdmin
	partSeveralRoles
	partWithoutRoles
	partInvited        // an invitation to an address without an account
	partInvitedAccount // an invitation to somebody who has an account
	partLocked
	partLockedForGood
	partNeverLoggedIn
	partInSeveral // organizations
	partOdd
)

// cast is what the first users are, so that a small organization has everyone.
var cast = []part{
	partOwner, partAdmin, partSecuredAdmin, partMember, partInvited, partSeveralRoles, partLocked, partInSeveral,
	partInvitedAccount, partNeverLoggedIn, partOdd, partInvited, partOdd, partLockedForGood, partWithoutRoles,
}

// part draws what the next user is.
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

// user makes up somebody who came to the organization at a time. The reference
// is when the seeded past ends.
func (g *generator) user(org *organization, created, reference int64) (row *share, several bool) {
	p := g.part()
	first, last, email := g.name(p == partOdd)
	g.made++
	row = &share{uid: g.uid(), email: email, created: created, owner: p == partOwner}
	row.message = messages[g.intn(len(messages))]
	row.traits = g.traits()
	row.invited = created + int64(g.intn(10))
	row.updated = row.invited + int64(g.intn(int(30*day/time.Millisecond)))
	row.updated = max(row.invited, min(row.updated, reference))
	if !row.owner && !g.oneIn(10) {
		row.inviter = org.owner
		if len(org.inviters) > 0 && !g.oneIn(3) {
			row.inviter = org.inviters[g.intn(len(org.inviters))]
		}
	}
	row.roles = g.roles(org, p)
	row.pending = p == partInvited || p == partInvitedAccount
	if p == partInvited {
		return row, false
	}

	who := &account{uid: g.uid(), email: email, first: first, last: last}
	row.account = who
	who.secondFactor = p == partSecuredAdmin || (p != partAdmin && g.oneIn(3))
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

// away is how long ago somebody was last there who could have been for so long:
// most were in the past month, and a few hardly since they came.
func (g *generator) away(longest int64) int64 {
	part := float64(1+g.rng.Int64N(longest)) / float64(longest)
	return max(1, int64(float64(longest)*part*part*part*part*part))
}

// roles picks those that go with a part.
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
	}{{oldUpdateField, 6}, {nullInstead, 2}, {showToken, 8}, {noLastName, 2}, {withoutSSO, 15}, {explicitSSO, 10}} {
		if g.oneIn(odd.oneIn) {
			t |= odd.trait
		}
	}
	return t
}
