package orgusers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// parseAddress returns an address without surrounding white space, and whether it
// is valid. It is the only place that decides what an address is: it rejects
// invisible characters, white space and quotation marks around the address.
func parseAddress(text string) (email string, ok bool) {
	email = strings.Trim(text, " \t\r\n")
	first, _ := utf8.DecodeRuneInString(email)
	last, _ := utf8.DecodeLastRuneInString(email)
	if isQuote(last) || isQuote(first) && first != '"' && first != '\'' {
		return email, false
	}
	quoted := strings.HasPrefix(email, `"`)
	for _, r := range email {
		if r == utf8.RuneError || r != ' ' && unicode.IsSpace(r) || r == ' ' && !quoted || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return email, false
		}
	}
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Name != "" {
		return email, false
	}
	if quoted {
		return email, parsed.String() == "<"+email+">"
	}
	return email, parsed.Address == email
}

func isQuote(r rune) bool {
	return strings.ContainsRune("\"'`´＂＇‚„", r) || unicode.In(r, unicode.Pi, unicode.Pf)
}

// wideKey returns the same key for addresses that strings.EqualFold finds equal.
// Equal keys mean that a row may belong to an address.
func wideKey(email string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for folded := unicode.SimpleFold(r); folded != r; folded = unicode.SimpleFold(folded) {
			least = min(least, folded)
		}
		return least
	}, email)
}

// narrowKey ignores ASCII letter case only. Equal keys mean that a row belongs to
// an address.
func narrowKey(email string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, email)
}

// target is one address of a call, on its way to an outcome.
type target struct {
	email     string   // as first given
	spellings []string // as given: those that the wide key folds into one
	indexes   []int    // the positions of the spellings in the list that was given
	rows      []*User  // the rows of the address, by rank
	before    []*User  // rows when the call began
	others    []string // share uids of rows in other spellings, which are not meant
	doubtful  bool     // the last read cannot show that the address has no row
	invitee   *Invitee
	lost      error  // of an earlier request, whose change is known not to be there
	teams     string // the teams that what remains comes through

	status OutcomeStatus // empty: undecided
	reason Reason
	detail string
	err    error
}

// user returns the row that counts, nil if there is none. After a removal it is
// the row that was removed.
func (t *target) user() *User {
	switch {
	case len(t.rows) > 0:
		return t.rows[0]
	case len(t.before) > 0:
		return t.before[0]
	default:
		return nil
	}
}

// address returns the address in the server's spelling, or as given.
func (t *target) address() string {
	if u := t.user(); u != nil && u.Email != "" {
		return u.Email
	}
	return t.email
}

// addressesOf returns the addresses of targets in the server's spelling.
func addressesOf(targets []*target) []string {
	emails := make([]string, len(targets))
	for i, t := range targets {
		emails[i] = t.address()
	}
	return emails
}

func (t *target) decide(status OutcomeStatus, reason Reason, err error) {
	t.status, t.reason, t.err = status, reason, err
}

// notStarted decides a target for which nothing was sent. It failed if something
// was sent earlier.
func (t *target) notStarted(reason Reason, err error) {
	if t.lost != nil {
		t.decide(OutcomeFailed, ReasonNotApplied, t.lost)
		return
	}
	t.decide(OutcomeNotStarted, reason, err)
}

// note adds to Outcome.Detail.
func (t *target) note(text string) {
	if t.detail != "" && text != "" {
		t.detail += "; "
	}
	t.detail += text
}

// newBulk returns a call for some addresses. Malformed addresses are refused.
func (c *Client) newBulk(op *operation, emails []string, opts *BulkOptions) *bulk {
	b := &bulk{client: c, op: op, options: *cmp.Or(opts, &BulkOptions{}), roles: c.newRoleDirectory(), size: batchSize}
	byKey := make(map[string]*target, len(emails))
	for i, given := range emails {
		email, ok := parseAddress(given)
		t := &target{email: email, spellings: []string{email}, indexes: []int{i}}
		if !ok {
			t.detail = fmt.Sprintf("%+q is not a valid email address", given)
			b.refuse(t, ReasonInvalidAddress, ErrInvalid)
		} else if first := byKey[wideKey(email)]; first != nil {
			if !slices.Contains(first.spellings, email) {
				first.spellings = append(first.spellings, email)
				first.indexes = append(first.indexes, i)
			}
			continue
		} else {
			byKey[wideKey(email)] = t
		}
		b.targets = append(b.targets, t)
	}
	switch {
	case len(b.targets) == 0:
		b.err = op.refused(errors.New("the list of addresses is empty"))
	case c != nil && c.config.readOnly:
		b.abort(ReasonReadOnly, op.refused(errReadOnly))
	}
	return b
}

// refuse decides a target that a guard stops. The cause is optional.
func (b *bulk) refuse(t *target, reason Reason, cause error) {
	var err error = &AddressError{t.indexes[0], reason}
	if cause != nil {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	t.decide(OutcomeRefused, reason, fmt.Errorf("orgusers: %s: %w: %w", b.op.name, ErrRefused, err))
}

// abort decides the undecided targets: nothing was sent for them.
func (b *bulk) abort(reason Reason, err error) {
	for _, t := range b.undecided() {
		t.notStarted(reason, err)
	}
}

// stopIfRefused ends the call if an address was refused, unless SkipRefused is set.
func (b *bulk) stopIfRefused() {
	if b.options.SkipRefused {
		return
	}
	for _, t := range b.targets {
		if t.status == OutcomeRefused {
			b.abort(ReasonCallRefused, t.err)
			return
		}
	}
}

// guard refuses a target by returning a reason.
type guard func(b *bulk, t *target) Reason

func notSelf(b *bulk, t *target) Reason {
	if strings.EqualFold(t.email, b.me.Email) || slices.ContainsFunc(t.rows, func(u *User) bool { return u.UID != "" && u.UID == b.me.UID }) {
		return ReasonSelf
	}
	return ""
}

// notOwner refuses the owner, and a member without a uid, who may be the owner.
func notOwner(b *bulk, t *target) Reason {
	if slices.ContainsFunc(t.rows, func(u *User) bool {
		return u.Owner || u.UID == b.organization.OwnerUID || u.UID == "" && u.Status != StatusPending
	}) {
		return ReasonOwner
	}
	return ""
}

// notSeveralMembers refuses an address of two members, because the change may reach
// either of them.
func notSeveralMembers(_ *bulk, t *target) Reason {
	if len(t.rows) > 1 && rank(t.rows[1]) == rank(t.rows[0]) && t.rows[0].Status != StatusPending {
		return ReasonDuplicateRows
	}
	return ""
}

// resolve looks up the addresses of the call, and refuses those that a guard
// stops. All reads of the call go out together: the search, those of guards, and
// those in b.reads. Without guards it sends the search only.
func (b *bulk) resolve(ctx context.Context, guards ...guard) {
	b.stopIfRefused()
	if len(b.undecided()) == 0 {
		return
	}
	reads := append([]func(context.Context) error{b.lookUp}, b.reads...)
	if len(guards) > 0 {
		reads = append(reads,
			func(ctx context.Context) (err error) { b.me, err = b.client.GetCurrentUser(ctx); return err },
			func(ctx context.Context) (err error) {
				b.organization, err = b.client.GetOrganization(ctx, nil)
				return err
			})
	}
	if err := together(ctx, reads...); err != nil {
		b.abort(readFailure(ctx), b.op.notRead(err))
		return
	}
	if len(guards) > 0 {
		b.guard(guards)
	}
	b.stopIfRefused()
}

func readFailure(ctx context.Context) Reason {
	if ctx.Err() != nil {
		return ReasonContextEnded
	}
	return ReasonReadFailed
}

func (b *bulk) guard(guards []guard) {
	if b.me.Email == "" || b.organization.OwnerUID == "" {
		b.abort(ReasonReadFailed, b.op.refused(errors.New("the server did not send your address or the organization's owner, who must not be among the addresses")))
		return
	}
	for _, t := range b.undecided() {
		for _, guard := range guards {
			if reason := guard(b, t); reason != "" {
				b.refuse(t, reason, nil)
				break
			}
		}
	}
}

// lookUp reads the rows of all undecided targets.
func (b *bulk) lookUp(ctx context.Context) error {
	targets := b.undecided()
	var emails []string
	for _, t := range targets {
		emails = append(emails, t.spellings...)
	}
	found, err := b.client.search(ctx, b.roles, emails)
	if err != nil {
		return err
	}
	for _, t := range targets {
		key := wideKey(t.email)
		if strays := found.strays[key]; len(strays) > 0 {
			t.detail = "the server returned " + quoteAddresses(strays) + ", which may be this address in another spelling"
			b.refuse(t, ReasonDuplicateRows, nil)
			continue
		}
		b.choose(t, found.rows[key])
	}
	return nil
}

// choose decides which rows of an address are meant. Rows in one spelling are, if
// they differ from the address only in ASCII letter case. Otherwise the call has to
// give the exact spelling of each.
func (b *bulk) choose(t *target, rows []*User) {
	isNoRow := func(spelling string) bool {
		return !slices.ContainsFunc(rows, func(u *User) bool { return u.Email == spelling })
	}
	oneSpelling := !slices.ContainsFunc(rows, func(u *User) bool { return u.Email != rows[0].Email })
	narrow := len(rows) > 0 && slices.ContainsFunc(t.spellings, func(s string) bool { return narrowKey(s) == narrowKey(rows[0].Email) })
	switch {
	case len(rows) == 0, oneSpelling && narrow:
		t.take(rows, "")
	case slices.ContainsFunc(t.spellings, isNoRow):
		t.rows = rows
		t.detail = "the organization has " + quoteAddresses(rows)
		b.refuse(t, ReasonDuplicateRows, nil)
	default:
		t.take(rows, t.email)
		at := slices.Index(b.targets, t)
		for i, spelling := range t.spellings[1:] {
			other := &target{email: spelling, spellings: t.spellings[i+1 : i+2], indexes: t.indexes[i+1 : i+2], invitee: t.invitee}
			other.take(rows, spelling)
			b.targets = slices.Insert(b.targets, at+1+i, other)
		}
		t.spellings, t.indexes = t.spellings[:1], t.indexes[:1]
	}
}

// take keeps the rows with a spelling, or all rows if it is empty.
func (t *target) take(rows []*User, spelling string) {
	t.rows, t.others, t.detail = nil, nil, ""
	for _, u := range rows {
		if spelling == "" || u.Email == spelling {
			t.rows = append(t.rows, u)
		} else {
			t.others = append(t.others, u.ShareUID)
		}
	}
	slices.SortStableFunc(t.rows, compareRank)
	t.before = t.rows
	if len(t.rows) > 1 {
		t.note("the address has " + describeRows(t.rows))
	}
}

// refresh reads the rows of targets again.
func (b *bulk) refresh(ctx context.Context, batch []*target) error {
	found, err := b.client.search(ctx, b.roles, addressesOf(batch))
	if err != nil {
		return err
	}
	for _, t := range batch {
		key := wideKey(t.address())
		t.rows = nil
		t.doubtful = len(found.strays[key]) > 0
		for _, u := range found.rows[key] {
			if slices.Contains(t.others, u.ShareUID) {
				continue
			}
			if narrowKey(u.Email) != narrowKey(t.address()) {
				t.doubtful = true
				continue
			}
			t.rows = append(t.rows, u)
		}
		slices.SortStableFunc(t.rows, compareRank)
	}
	return nil
}

// readUsersBack returns a readBack that reads the rows of targets and judges them.
func (b *bulk) readUsersBack(judge func(*target) evidence) reader {
	return func(ctx context.Context, batch []*target) (map[*target]evidence, error) {
		if err := b.refresh(ctx, batch); err != nil {
			return nil, err
		}
		seen := make(map[*target]evidence, len(batch))
		for _, t := range batch {
			seen[t] = judge(t)
		}
		return seen, nil
	}
}

// skip decides the targets to which the change does not apply.
func (b *bulk) skip(reason func(*target) Reason) {
	for _, t := range b.undecided() {
		if why := reason(t); why != "" {
			t.decide(OutcomeSkipped, why, nil)
		}
	}
}

func unlessThere(t *target) Reason {
	if len(t.rows) == 0 {
		return ReasonNotInOrganization
	}
	return ""
}

func unlessMember(t *target) Reason {
	switch {
	case len(t.rows) == 0:
		return ReasonNotInOrganization
	case t.rows[0].Status == StatusPending:
		return ReasonPending
	default:
		return ""
	}
}

// unlessPending skips members, also those who have an invitation too.
func unlessPending(t *target) Reason {
	switch {
	case len(t.rows) == 0:
		return ReasonNotInOrganization
	case t.rows[0].Status != StatusPending:
		return ReasonNotPending
	default:
		return ""
	}
}

// quoteAddresses quotes the addresses of rows, so that every character shows.
func quoteAddresses(rows []*User) string {
	const most = 3
	var quoted []string
	for _, u := range rows[:min(most, len(rows))] {
		quoted = append(quoted, fmt.Sprintf("%+q (share %s, %s)", u.Email, u.ShareUID, u.Status))
	}
	if len(rows) > most {
		quoted = append(quoted, fmt.Sprintf("%d more", len(rows)-most))
	}
	return strings.Join(quoted, " and ")
}

func describeRows(rows []*User) string {
	words := make([]string, len(rows))
	for i, u := range rows {
		words[i] = fmt.Sprintf("a row that is %s (share %s)", u.Status, u.ShareUID)
	}
	return strings.Join(words, " and ")
}

// emailsBody is the body of requests about addresses.
type emailsBody struct {
	Emails []string `json:"emails"`
}
