package orguserstest

import (
	"cmp"
	"slices"
	"strings"
)

// share is one row of an organization: a member, or a pending invitation.
type share struct {
	uid     string
	email   string
	account *account // nil while the address has none
	inviter *account // nil for the word System
	roles   []*role  // replaced as a whole, never changed
	message string
	number  uint32 // the order in which rows were added

	invited, created, updated int64

	pending, owner bool
	traits         traits
}

// traits are the odd corners of the API that a row shows.
type traits uint8

const (
	oldUpdateField traits = 1 << iota // update_at instead of updated_at
	nullInstead                       // null where a field could be absent
	showToken                         // an accepted row that still has its acceptance token
	noLastName                        // an invited address has the last name NO_LAST_NAME instead of N/A
	withoutSSO                        // access_without_sso is true
	explicitSSO                       // access_without_sso is there though false
)

// administers reports whether the row may manage the organization.
func (r *share) administers() bool {
	return r.owner || slices.ContainsFunc(r.roles, func(r *role) bool { return r.admin })
}

// names are the first and last name that the API shows for the row.
func (r *share) names() (first, last string) {
	if r.account != nil {
		return r.account.first, r.account.last
	}
	first, _, _ = strings.Cut(r.email, "@")
	if r.traits&noLastName != 0 {
		return first, "NO_LAST_NAME"
	}
	return first, "N/A"
}

func (r *share) lastLogin() int64 {
	if r.account == nil {
		return 0
	}
	return r.account.lastLogin
}

// comparisons are the fields that rows can be sorted by. Each is a complete
// order: rows that are equal in the field are in the order of their numbers.
var comparisons = map[string]func(a, b *share) int{
	"created_at":    byNumber(func(r *share) int64 { return r.created }),
	"updated_at":    byNumber(func(r *share) int64 { return r.updated }),
	"invited_at":    byNumber(func(r *share) int64 { return r.invited }),
	"last_login_at": byNumber((*share).lastLogin),
	"email":         byText(func(r *share) string { return r.email }),
	"first_name":    byText(func(r *share) string { first, _ := r.names(); return first }),
	"last_name":     byText(func(r *share) string { _, last := r.names(); return last }),
}

// userFields are the names of the comparisons.
var userFields = []string{"email", "first_name", "last_name", "invited_at", "created_at", "updated_at", "last_login_at"}

func byNumber(field func(*share) int64) func(a, b *share) int {
	return func(a, b *share) int {
		return cmp.Or(cmp.Compare(field(a), field(b)), cmp.Compare(a.number, b.number))
	}
}

func byText(field func(*share) string) func(a, b *share) int {
	return func(a, b *share) int {
		return cmp.Or(strings.Compare(fold(field(a)), fold(field(b))), cmp.Compare(a.number, b.number))
	}
}

// rowIndex holds the rows of an organization in every order that was asked for
// so far, and by address.
type rowIndex struct {
	byEmail map[string]*share   // by folded address
	sorted  map[string][]*share // by sort field, ascending
	next    uint32
}

// newRowIndex makes an index with room for so many rows.
func newRowIndex(rows int) rowIndex {
	return rowIndex{
		byEmail: make(map[string]*share, rows),
		sorted:  map[string][]*share{"created_at": make([]*share, 0, rows)},
	}
}

func (x *rowIndex) len() int { return len(x.byEmail) }

func (x *rowIndex) find(email string) *share { return x.byEmail[fold(email)] }

// withUID finds a row by its uid.
func (x *rowIndex) withUID(uid string) *share {
	for _, row := range x.by("created_at") {
		if row.uid == uid {
			return row
		}
	}
	return nil
}

// by is all rows in ascending order. It must not be changed.
func (x *rowIndex) by(field string) []*share {
	rows, ok := x.sorted[field]
	if !ok {
		rows = slices.Clone(x.sorted["created_at"])
		slices.SortFunc(rows, comparisons[field])
		x.sorted[field] = rows
	}
	return rows
}

// add puts a row in whose address is not there yet.
func (x *rowIndex) add(row *share) {
	x.next++
	row.number = x.next
	x.byEmail[fold(row.email)] = row
	x.place(row)
}

func (x *rowIndex) remove(row *share) {
	delete(x.byEmail, fold(row.email))
	x.lift(row)
}

// change runs edit, which must not change the address, and moves the row to
// where it now belongs.
func (x *rowIndex) change(row *share, edit func()) {
	x.lift(row)
	edit()
	x.place(row)
}

func (x *rowIndex) place(row *share) {
	for field, rows := range x.sorted {
		compare := comparisons[field]
		at := len(rows)
		if at > 0 && compare(rows[at-1], row) > 0 { // most rows come last by creation
			at, _ = slices.BinarySearchFunc(rows, row, compare)
		}
		x.sorted[field] = slices.Insert(rows, at, row)
	}
}

func (x *rowIndex) lift(row *share) {
	for field, rows := range x.sorted {
		if at, ok := slices.BinarySearchFunc(rows, row, comparisons[field]); ok {
			x.sorted[field] = slices.Delete(rows, at, at+1)
		}
	}
}

// pick finds the rows of some addresses, each once, in ascending order of their
// creation.
func (x *rowIndex) pick(emails []string) []*share {
	var found []*share
	for _, email := range emails {
		if row := x.find(strings.TrimSpace(email)); row != nil {
			found = append(found, row)
		}
	}
	slices.SortFunc(found, comparisons["created_at"])
	return slices.Compact(found)
}
