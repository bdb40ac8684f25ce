package orguserstest

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

var shareRoutes = []route{
	{method: http.MethodGet, pattern: "/v3/organizations/{organization_uid}/share", operation: "ListUsers", needs: usersRead, handle: (*Server).listShares},
	{method: http.MethodPost, pattern: "/v3/organizations/{organization_uid}/share/search", operation: "FindUsers", needs: usersRead, handle: (*Server).searchShares},
	{method: http.MethodDelete, pattern: "/v3/organizations/{organization_uid}/share", operation: "RemoveUsers", needs: usersDelete, write: true, handle: (*Server).removeShares},
}

// view has the parts of a row that depend on the request.
type view struct {
	roles, inviter, details bool // what include_… asks for
	written                 bool // the row was invited or changed: no names
	gone                    bool // the row was removed: no acceptance token
}

func (s *Server) listShares(c *call) response {
	p, refused := c.page(userFields...)
	if refused != nil {
		return *refused
	}
	rows := c.organization.rows.by(p.by)
	if text := c.typeahead(); text != "" {
		rows = typeahead(rows, text)
	}
	v := view{
		roles:   c.flag("include_roles"),
		inviter: c.flag("include_invited_by"),
		details: c.flag("include_user_details"),
	}
	return s.respondShares(c, p, v, rows)
}

// searchShares finds rows by address. Without addresses it returns every row.
func (s *Server) searchShares(c *call) response {
	p, refused := c.page()
	if refused != nil {
		return *refused
	}
	var input struct {
		Emails []string `json:"emails"`
	}
	if refused := c.decode(&input); refused != nil {
		return *refused
	}
	rows := c.organization.rows.by(p.by)
	if len(input.Emails) > 0 {
		rows = c.organization.rows.pick(input.Emails)
	}
	return s.respondShares(c, p, view{roles: c.flag("include_roles"), details: c.flag("include_user_details")}, rows)
}

// removeShares removes members and invitations. Their accounts and sessions
// remain. If the owner is among them, no row is removed.
func (s *Server) removeShares(c *call) response {
	var input struct {
		Emails []string `json:"emails"`
	}
	if refused := c.decode(&input); refused != nil {
		return *refused
	}
	rows := c.organization.rows.named(input.Emails)
	if len(input.Emails) == 0 || slices.Contains(rows, c.organization.rows.find(c.organization.owner.email)) {
		return invalid("emails")
	}
	rows = someOf(c, rows)
	for _, row := range rows {
		s.audit(c, "remove", row)
	}
	body := s.respondRows("The invitation has been deleted successfully.", c.organization, rows, view{written: true, gone: true})
	for _, row := range rows {
		s.remove(c.organization, row)
	}
	return body
}

// typeahead returns the rows whose address or name contains the folded text.
func typeahead(rows []*share, text string) []*share {
	var found []*share
	for _, row := range rows {
		first, last := row.names()
		if strings.Contains(fold(row.email), text) || strings.Contains(fold(first+" "+last), text) {
			found = append(found, row)
		}
	}
	return found
}

// respondShares returns one page of rows. The rows are in ascending order.
func (s *Server) respondShares(c *call, p page, v view, rows []*share) response {
	from, to := s.window(c, p, len(rows))
	body := make([]byte, 0, 64+(to-from)*900)
	body = append(body, `{"shares":[`...)
	for i := from; i < to; i++ {
		if i > from {
			body = append(body, ',')
		}
		row := rows[i]
		if p.descending {
			row = rows[len(rows)-1-i]
		}
		body = s.appendShare(body, c.organization, row, v)
	}
	body = append(body, ']')
	if total, ok := s.total(c, p, len(rows)); ok {
		body = append(body, `,"count":`...)
		body = strconv.AppendInt(body, int64(total), 10)
	}
	return response{status: http.StatusOK, body: append(body, '}')}
}

// respondRows returns the rows that a request changed.
func (s *Server) respondRows(notice string, org *organization, rows []*share, v view) response {
	body := append([]byte{}, `{"notice":`...)
	body = appendText(body, notice)
	body = append(body, `,"shares":[`...)
	for i, row := range rows {
		if i > 0 {
			body = append(body, ',')
		}
		body = s.appendShare(body, org, row, v)
	}
	return response{status: http.StatusOK, body: append(body, "]}"...)}
}

// appendShare formats a row by hand. With encoding/json it would be most of the
// cost of listing a million rows.
func (s *Server) appendShare(b []byte, org *organization, row *share, v view) []byte {
	nulls := s.cfg.nulls && row.number%2 == 0
	b = append(b, `{"uid":`...)
	b = appendText(b, row.uid)
	b = append(b, `,"email":`...)
	b = appendText(b, row.email)
	switch {
	case !row.account.invited || !s.cfg.lateUserUIDs:
		b = append(b, `,"user_uid":`...)
		b = appendText(b, row.account.uid)
	case nulls:
		b = append(b, `,"user_uid":null`...)
	}
	b = append(b, `,"org_uid":`...)
	b = appendText(b, org.uid)
	b = s.appendRoles(b, org, row, v)
	b = append(b, `,"invited_by":`...)
	b = s.appendInviter(b, row, v)
	b = append(b, `,"invited_at":"`...)
	b = appendTime(b, row.invited)
	if row.pending {
		b = append(b, `","status":"pending"`...)
	} else {
		b = append(b, `","status":"accepted"`...)
	}
	if row.owner {
		b = append(b, `,"is_owner":true`...)
	}
	b = append(b, `,"created_at":"`...)
	b = appendTime(b, row.created)
	if s.cfg.updateAt && row.number%2 == 1 {
		b = append(b, `","update_at":"`...)
	} else {
		b = append(b, `","updated_at":"`...)
	}
	b = appendTime(b, row.updated)
	b = append(b, '"')
	if !s.cfg.namesInDetails && !v.written {
		b = append(b, ',')
		b = appendNames(b, row)
	}
	switch {
	case row.message != "" || (!row.pending && !row.owner && !v.written):
		b = append(b, `,"message":`...)
		b = appendText(b, row.message)
	case nulls:
		b = append(b, `,"message":null`...)
	}
	switch {
	case row.traits&withoutSSO != 0:
		b = append(b, `,"access_without_sso":true`...)
	case row.traits&explicitSSO != 0:
		b = append(b, `,"access_without_sso":false`...)
	}
	if s.cfg.acceptanceTokens && !v.gone && (row.pending || row.number%2 == 1) {
		b = append(b, `,"acceptance_token":"`...)
		b = append(b, s.acceptanceToken(row)...)
		b = append(b, '"')
	}
	if v.details {
		b = s.appendDetails(b, row, nulls)
	}
	return append(b, '}')
}

// appendRoles formats the organization roles of a row. The owner's row has none.
func (s *Server) appendRoles(b []byte, org *organization, row *share, v view) []byte {
	if row.owner && !s.cfg.systemOwner {
		return b
	}
	b = append(b, `,"org_roles":[`...)
	for i, r := range s.shownRoles(org, row) {
		if i > 0 {
			b = append(b, ',')
		}
		if !v.roles || s.cfg.roleUIDs {
			b = appendText(b, r.uid)
			continue
		}
		b = append(b, `{"uid":`...)
		b = appendText(b, r.uid)
		b = append(b, `,"name":`...)
		b = appendText(b, r.name)
		b = append(b, '}')
	}
	return append(b, ']')
}

func (s *Server) appendInviter(b []byte, row *share, v view) []byte {
	who := row.inviter
	if who == nil || (row.owner && s.cfg.systemOwner) {
		return append(b, `"System"`...)
	}
	if !v.inviter || s.cfg.inviterUIDs {
		return appendText(b, who.uid)
	}
	b = append(b, `{"uid":`...)
	b = appendText(b, who.uid)
	b = append(b, `,"email":`...)
	b = appendText(b, who.email)
	b = append(b, `,"first_name":`...)
	b = appendText(b, who.first)
	b = append(b, `,"last_name":`...)
	b = appendText(b, who.last)
	return append(b, '}')
}

func appendNames(b []byte, row *share) []byte {
	first, last := row.names()
	b = append(b, `"first_name":`...)
	b = appendText(b, first)
	b = append(b, `,"last_name":`...)
	return appendText(b, last)
}

// appendDetails formats what include_user_details asks for.
func (s *Server) appendDetails(b []byte, row *share, nulls bool) []byte {
	switch {
	case s.cfg.details == DetailsUnderUser:
		b = appendNames(append(b, `,"user":{`...), row)
	case s.cfg.details == DetailsUnderUserDetails:
		b = appendNames(append(b, `,"user_details":{`...), row)
	case s.cfg.namesInDetails:
		b = appendNames(append(b, ','), row)
	}
	if row.account.mfa {
		b = append(b, `,"tfa_status":"verified"`...)
	}
	switch {
	case row.account.lastLogin != 0:
		b = append(b, `,"last_login_at":"`...)
		b = appendTime(b, row.account.lastLogin)
		b = append(b, '"')
	case nulls:
		b = append(b, `,"last_login_at":null`...)
	}
	if s.cfg.details != DetailsFlat {
		b = append(b, '}')
	}
	return b
}

// share is one row of an organization: a member or a pending invitation.
type share struct {
	uid     string
	email   string
	account *account
	inviter *account // nil for the word System
	roles   []*role  // given directly; replaced as a whole, never changed in place
	message string
	number  uint32 // the order in which rows were added

	invited, created, updated int64

	pending, owner bool
	traits         traits
}

// traits are unusual forms in which the API shows a row.
type traits uint8

const (
	noLastName  traits = 1 << iota // NO_LAST_NAME instead of N/A for an account that was only invited
	withoutSSO                     // access_without_sso is true
	explicitSSO                    // access_without_sso is false instead of absent
)

// administers reports whether the row may manage the organization by a role of
// its own.
func (r *share) administers() bool {
	return r.owner || slices.ContainsFunc(r.roles, func(r *role) bool { return r.admin })
}

// names returns the first and last name that the API shows.
func (r *share) names() (first, last string) {
	if !r.account.invited {
		return r.account.first, r.account.last
	}
	first, _, _ = strings.Cut(r.email, "@")
	if r.traits&noLastName != 0 {
		return first, "NO_LAST_NAME"
	}
	return first, "N/A"
}

// comparisons has the sort fields of rows. Rows that are equal in the field are
// ordered by number.
var comparisons = map[string]func(a, b *share) int{
	"created_at":    byNumber(func(r *share) int64 { return r.created }),
	"updated_at":    byNumber(func(r *share) int64 { return r.updated }),
	"invited_at":    byNumber(func(r *share) int64 { return r.invited }),
	"last_login_at": byNumber(func(r *share) int64 { return r.account.lastLogin }),
	"email":         byText(func(r *share) string { return r.email }),
	"first_name":    byText(func(r *share) string { first, _ := r.names(); return first }),
	"last_name":     byText(func(r *share) string { _, last := r.names(); return last }),
}

// userFields has the names of the comparisons.
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

// rowIndex holds the rows of an organization by address, and in each order
// that was requested so far.
type rowIndex struct {
	byEmail map[string]*share   // by folded address
	sorted  map[string][]*share // by sort field, ascending
	next    uint32
}

// newRowIndex returns an index with room for the given number of rows.
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

// by returns all rows in ascending order. The caller must not change the
// slice.
func (x *rowIndex) by(field string) []*share {
	rows, ok := x.sorted[field]
	if !ok {
		rows = slices.Clone(x.sorted["created_at"])
		slices.SortFunc(rows, comparisons[field])
		x.sorted[field] = rows
	}
	return rows
}

// add adds a row. Its address must be new.
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

// change calls edit, which must not change the address, and moves the row to
// its new place in each order.
func (x *rowIndex) change(row *share, edit func()) {
	x.lift(row)
	edit()
	x.place(row)
}

func (x *rowIndex) place(row *share) {
	for field, rows := range x.sorted {
		compare := comparisons[field]
		at := len(rows)
		if at > 0 && compare(rows[at-1], row) > 0 { // most rows are the newest
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

// pick finds rows by address and removes duplicates. The result is in the
// order of creation.
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

// named finds rows by address and removes duplicates. The result is in the
// order of the addresses and omits unknown ones.
func (x *rowIndex) named(emails []string) []*share {
	var found []*share
	seen := map[*share]bool{}
	for _, email := range emails {
		if row := x.find(strings.TrimSpace(email)); row != nil && !seen[row] {
			seen[row] = true
			found = append(found, row)
		}
	}
	return found
}
