package orgusers

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/orgusers/orgusers/internal/paging"
)

// ListUsersOptions narrows and orders a list of users. Nil and the zero value
// ask for everybody.
type ListUsersOptions struct {
	// Search keeps users whose name or address contains this, as the server
	// matches it (its typeahead parameter).
	Search string
	// Sort is the order; by creation upwards, if it is not set.
	Sort Sort
	// Status keeps users of this state. The API has no parameter for it:
	// other users are read and left out, and Count counts them.
	Status UserStatus
	// PageSize is how many users a request asks for, 1 to 100. Default 100.
	PageSize int
	// Skip leaves out as many users at the beginning: of the server's list for
	// ListUsers, which Status narrows afterwards, and of the sequence for Users.
	Skip int
}

func (o *ListUsersOptions) orDefault() (ListUsersOptions, error) {
	var options ListUsersOptions
	if o != nil {
		options = *o
	}
	if err := checkPage(&options.PageSize, options.Skip); err != nil {
		return options, err
	}
	if options.Sort.By == "" {
		options.Sort.By = SortByCreated
	}
	return options, nil
}

// UserPage is one page of users.
type UserPage struct {
	Users []*User
	// Count is how many users the server has in all for the search, -1 where
	// it did not say.
	Count int
	// Skip is where the page begins.
	Skip int
}

// ListUsers reads one page of members and pending invitations, with every
// detail that the API has. The server sorts; by which fields beside created_at
// and updated_at is not documented, and one that it does not know is
// [ErrInvalid], as is a page that cannot be. Most programs want [Client.Users],
// which reads them all.
//
// It sends GET /organizations/{organization_uid}/share (documented; where the
// details of an account sit in the answer is not).
func (c *Client) ListUsers(ctx context.Context, opts *ListUsersOptions) (*UserPage, error) {
	options, err := opts.orDefault()
	if err != nil {
		return nil, opListUsers.invalid(err)
	}
	page, err := c.listUsers(ctx, options, options.Skip, options.PageSize, nil)
	if err != nil {
		return nil, err
	}
	if options.Status != "" {
		page.Rows = slices.DeleteFunc(page.Rows, func(u *User) bool { return u.Status != options.Status })
	}
	return &UserPage{Users: page.Rows, Count: page.Count, Skip: options.Skip}, nil
}

// Users reads all users, page by page, each exactly once, or ends with an
// error: whoever is in the organization from the first request to the last is
// in the sequence, although others come and go meanwhile. A request that fails
// ends it with its own error, and pages that do not fit together with
// [ErrIncomplete].
//
// Without a sort, or by [SortByCreated] upwards, users come as they are read.
// Every other order is made here after all have been read, so that nobody is
// lost when what is sorted by changes; then all are in memory.
//
// The sequence is lazy, can be ranged over again, and yields an error once, as
// its last element. It sends what [Client.ListUsers] sends, once for about
// every 98 users.
func (c *Client) Users(ctx context.Context, opts *ListUsersOptions) iter.Seq2[*User, error] {
	return c.users(ctx, opts, nil)
}

func (c *Client) users(ctx context.Context, opts *ListUsersOptions, progress *readProgress) iter.Seq2[*User, error] {
	options, err := opts.orDefault()
	if err == nil {
		err = options.Sort.check()
	}
	if err != nil {
		return failed[*User](opListUsers.invalid(err))
	}
	all := c.usersByCreation(ctx, options, progress)
	if options.Sort != (Sort{By: SortByCreated}) {
		all = sorted(all, options.Sort)
	}
	return skipping(options.Skip, func(yield func(*User, error) bool) {
		for u, err := range all {
			if err == nil && options.Status != "" && u.Status != options.Status {
				continue
			}
			if !yield(u, err) {
				return
			}
		}
	})
}

// usersByCreation is the one order that cannot lose anybody: whoever comes
// meanwhile comes at its end.
func (c *Client) usersByCreation(ctx context.Context, options ListUsersOptions, progress *readProgress) iter.Seq2[*User, error] {
	options.Sort = Sort{By: SortByCreated}
	return listAll(ctx, opListUsers, paging.List[*User]{
		Fetch: func(ctx context.Context, skip, limit int) (paging.Page[*User], error) {
			return c.listUsers(ctx, options, skip, limit, progress)
		},
		Key:       func(u *User) string { return u.ShareUID },
		Tied:      func(a, b *User) bool { return a.CreatedAt.Equal(b.CreatedAt) },
		PageSize:  options.PageSize,
		ReadAhead: readAhead,
	})
}

// sorted reads everybody, then yields them in order.
func sorted(all iter.Seq2[*User, error], by Sort) iter.Seq2[*User, error] {
	type keyed struct {
		key  []byte
		user *User
	}
	return func(yield func(*User, error) bool) {
		var users []keyed
		for u, err := range all {
			if err != nil {
				yield(nil, err)
				return
			}
			users = append(users, keyed{by.key(nil, u), u})
		}
		slices.SortStableFunc(users, func(a, b keyed) int { return bytes.Compare(a.key, b.key) })
		for _, u := range users {
			if !yield(u.user, nil) {
				return
			}
		}
	}
}

// readProgress is what a caller inside the package wants to know of a reading
// while it goes on. A nil one is ignored.
type readProgress struct {
	requests atomic.Int64
	count    atomic.Int64
}

func (p *readProgress) sent(attempts int) {
	if p != nil {
		p.requests.Add(int64(attempts))
	}
}

func (p *readProgress) counted(users int) {
	if p != nil {
		p.count.Store(int64(users))
	}
}

type listUsersQuery struct {
	Limit              int    `url:"limit"`
	Skip               int    `url:"skip"`
	Ascending          string `url:"asc,omitempty"`
	Descending         string `url:"desc,omitempty"`
	Search             string `url:"typeahead,omitempty"`
	IncludeCount       bool   `url:"include_count"`
	IncludeRoles       bool   `url:"include_roles"`
	IncludeInvitedBy   bool   `url:"include_invited_by"`
	IncludeUserDetails bool   `url:"include_user_details"`
}

func (c *Client) listUsers(ctx context.Context, options ListUsersOptions, skip, limit int, progress *readProgress) (paging.Page[*User], error) {
	q := listUsersQuery{
		Limit: limit, Skip: skip, Search: options.Search,
		IncludeCount: true, IncludeRoles: true, IncludeInvitedBy: true, IncludeUserDetails: true,
	}
	if options.Sort.Descending {
		q.Descending = string(options.Sort.By)
	} else {
		q.Ascending = string(options.Sort.By)
	}
	return c.readUsers(ctx, opListUsers, input{query: q}, progress)
}

// sharesAnswer is a page of users on the wire.
type sharesAnswer struct {
	Shares []share `json:"shares"`
	Count  *int    `json:"count"`
}

// complete reports whether the list was there: where it was not, Shares is as
// before, and encoding/json makes an empty one anew.
func (a *sharesAnswer) complete() bool {
	return len(a.Shares) > 0 || a.Shares != nil && cap(a.Shares) == 0
}

// each calls found for the targets that the answer speaks of.
func (a *sharesAnswer) each(batch []*target, found func(*target, *User)) {
	users := make(map[string]*User, len(a.Shares))
	for i := range a.Shares {
		u := new(User)
		a.Shares[i].user(u)
		users[strings.ToLower(u.Email)] = u
	}
	for _, t := range batch {
		if u := users[strings.ToLower(t.sentAs())]; u != nil {
			found(t, u)
		}
	}
}

// wirePages are pages to decode into, which are half of what a list would
// leave to the garbage collector.
var wirePages = sync.Pool{New: func() any { return new([maxPageSize]share) }}

func (c *Client) readUsers(ctx context.Context, op *operation, in input, progress *readProgress) (paging.Page[*User], error) {
	shares := wirePages.Get().(*[maxPageSize]share)
	defer func() {
		*shares = [maxPageSize]share{} // or the next page would keep what it does not mention
		wirePages.Put(shares)
	}()
	answer := sharesAnswer{Shares: shares[:0]}
	attempts, err := c.do(ctx, op, in, &answer)
	progress.sent(attempts)
	page := paging.Page[*User]{Count: countOf(answer.Count)}
	if err != nil {
		return page, err
	}
	progress.counted(page.Count)
	users := make([]User, len(answer.Shares))
	page.Rows = make([]*User, len(users))
	for i := range answer.Shares {
		answer.Shares[i].user(&users[i])
		page.Rows[i] = &users[i]
	}
	return page, nil
}

type findUsersQuery struct {
	Limit              int  `url:"limit"`
	Skip               int  `url:"skip"`
	IncludeCount       bool `url:"include_count"`
	IncludeRoles       bool `url:"include_roles"`
	IncludeUserDetails bool `url:"include_user_details"`
}

// FindUsers looks up addresses, members and pending invitations alike, and
// returns those that exist, in the order asked; letter case does not matter,
// and one given twice is returned once. No address is no request and no user.
// Something that is no address is [ErrInvalid].
//
// It sends POST /organizations/{organization_uid}/share/search (documented),
// for 99 addresses at a time. That is a read, and is retried as one.
func (c *Client) FindUsers(ctx context.Context, emails ...string) ([]*User, error) {
	wanted, err := addresses(emails)
	if err != nil {
		return nil, opFindUsers.invalid(err)
	}
	found := make(map[string]*User, len(wanted))
	// Without addresses the server would answer with everybody: a chunk is
	// never empty. Nor is it a full page, which takes one more request to be
	// known as the last.
	for chunk := range slices.Chunk(wanted, maxPageSize-1) {
		matches := listAll(ctx, opFindUsers, paging.List[*User]{
			Fetch: func(ctx context.Context, skip, limit int) (paging.Page[*User], error) {
				body := struct {
					Emails []string `json:"emails"`
				}{chunk}
				q := findUsersQuery{Limit: limit, Skip: skip, IncludeCount: true, IncludeRoles: true, IncludeUserDetails: true}
				return c.readUsers(ctx, opFindUsers, input{query: q, body: body, secrets: chunk}, nil)
			},
			Key:      func(u *User) string { return u.ShareUID },
			PageSize: maxPageSize,
		})
		for u, err := range matches {
			if err != nil {
				return inOrder(wanted, found), err
			}
			key := strings.ToLower(u.Email)
			found[key] = foremost(found[key], u)
		}
	}
	return inOrder(wanted, found), nil
}

// foremost is the row that counts, should an address have two: the owner's,
// then a member's, so that no guard overlooks either.
func foremost(a, b *User) *User {
	rank := func(u *User) int {
		switch {
		case u == nil:
			return 0
		case u.Owner:
			return 3
		case u.Status != StatusPending:
			return 2
		default:
			return 1
		}
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}

func inOrder(wanted []string, found map[string]*User) []*User {
	var users []*User
	for _, email := range wanted {
		if u := found[strings.ToLower(email)]; u != nil {
			users = append(users, u)
		}
	}
	return users
}

// GetUser looks up one address. It sends what [Client.FindUsers] sends. Nobody
// there is [ErrNotFound]; what is no address is [ErrInvalid].
func (c *Client) GetUser(ctx context.Context, email string) (*User, error) {
	users, err := c.FindUsers(ctx, email)
	if err != nil {
		return nil, failedIn("GetUser", err)
	}
	if len(users) == 0 {
		return nil, fmt.Errorf("orgusers: GetUser: the organization has no user and no invitation with this address: %w", ErrNotFound)
	}
	return users[0], nil
}

// addresses trims addresses, folds those that differ in letter case alone, and
// refuses what is none, by its place and not by its text.
func addresses(emails []string) ([]string, error) {
	var result []string
	seen := make(map[string]bool, len(emails))
	for i, email := range emails {
		email = strings.TrimSpace(email)
		if parsed, err := mail.ParseAddress(email); err != nil || parsed.Address != email || parsed.Name != "" {
			return nil, &AddressError{i, "is no e-mail address"}
		}
		if key := strings.ToLower(email); !seen[key] {
			seen[key] = true
			result = append(result, email)
		}
	}
	return result, nil
}

// User is a person in the organization: a member, or somebody invited who has
// not accepted yet. The API calls it a share of the organization.
//
// A zero time is one that is unknown or never was. A User marshals to JSON
// under the API's own names, with times in RFC 3339 and without what is
// unknown, and unmarshals from that and from every shape in which the API may
// send it. The acceptance token of an invitation is never read.
type User struct {
	// ShareUID is the uid of the membership or invitation; it is what
	// ResendInvitation takes.
	ShareUID string `json:"uid,omitempty"`
	// UID is the account's. It is empty while an invited address has none.
	UID   string `json:"user_uid,omitempty"`
	Email string `json:"email,omitempty"`
	// FirstName and LastName of somebody without an account are made up by
	// the service: the local part of the address, and NO_LAST_NAME or N/A.
	FirstName string     `json:"first_name,omitempty"`
	LastName  string     `json:"last_name,omitempty"`
	Status    UserStatus `json:"status,omitempty"`
	// Owner is true for the one owner of the organization, who may have no
	// role at all.
	Owner bool `json:"is_owner,omitempty"`
	// Roles are the organization roles. Their names are empty where the server
	// sent uids alone; see [Client.Roles].
	Roles       []RoleRef `json:"org_roles,omitempty"`
	InvitedBy   Inviter   `json:"invited_by,omitzero"`
	InvitedAt   time.Time `json:"invited_at,omitzero"`
	LastLoginAt time.Time `json:"last_login_at,omitzero"`
	CreatedAt   time.Time `json:"created_at,omitzero"`
	UpdatedAt   time.Time `json:"updated_at,omitzero"`
	MFA         MFAStatus `json:"tfa_status,omitempty"`
	// Message is the text of the invitation.
	Message string `json:"message,omitempty"`
	// AccessWithoutSSO lets somebody log in without the single sign-on that the
	// organization wants of others.
	AccessWithoutSSO bool `json:"access_without_sso,omitempty"`
}

// UserStatus is the state of a membership. Values that are not among the
// constants are kept as the server sent them.
type UserStatus string

// The documented states.
const (
	StatusPending  UserStatus = "pending"
	StatusAccepted UserStatus = "accepted"
)

// MFAStatus is the state of multi-factor authentication as the server words
// it; empty where it said nothing, which need not mean that it is off. Only
// [MFAVerified] is known.
type MFAStatus string

// MFAVerified says that multi-factor authentication is on.
const MFAVerified MFAStatus = "verified"

// RoleRef names an organization role of a user.
type RoleRef struct {
	UID  string `json:"uid,omitempty"`
	Name string `json:"name,omitempty"`
}

// Inviter is who invited a user. The service itself invites as UID "System".
// Email is empty where the server sent the uid alone.
type Inviter struct {
	UID   string `json:"uid,omitempty"`
	Email string `json:"email,omitempty"`
}

// serviceItself is an Inviter's UID, and nobody's.
const serviceItself = "System"

// UnmarshalJSON reads a user in any shape that the API may send.
func (u *User) UnmarshalJSON(data []byte) error {
	var s share
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	s.user(u)
	return nil
}

// share is a user as it comes over the wire. Where the details of the account
// sit is not documented, so they may sit anywhere.
type share struct {
	UID              string     `json:"uid"`
	Email            string     `json:"email"`
	UserUID          string     `json:"user_uid"`
	Status           UserStatus `json:"status"`
	IsOwner          bool       `json:"is_owner"`
	OrgRoles         []roleRef  `json:"org_roles"`
	InvitedBy        inviter    `json:"invited_by"`
	InvitedAt        timestamp  `json:"invited_at"`
	CreatedAt        timestamp  `json:"created_at"`
	UpdatedAt        timestamp  `json:"updated_at"`
	UpdateAt         timestamp  `json:"update_at"` // in older samples
	Message          string     `json:"message"`
	AccessWithoutSSO bool       `json:"access_without_sso"`
	details
	User        nested `json:"user"`
	UserDetails nested `json:"user_details"`
}

type details struct {
	FirstName   string    `json:"first_name"`
	LastName    string    `json:"last_name"`
	TFAStatus   MFAStatus `json:"tfa_status"`
	LastLoginAt timestamp `json:"last_login_at"`
}

func (s *share) user(u *User) {
	*u = User{
		ShareUID:         s.UID,
		UID:              s.UserUID,
		Email:            s.Email,
		FirstName:        s.FirstName,
		LastName:         s.LastName,
		Status:           s.Status,
		Owner:            s.IsOwner,
		InvitedBy:        Inviter(s.InvitedBy),
		InvitedAt:        s.InvitedAt.Time,
		LastLoginAt:      s.LastLoginAt.Time,
		CreatedAt:        s.CreatedAt.Time,
		UpdatedAt:        s.UpdatedAt.Time,
		MFA:              s.TFAStatus,
		Message:          s.Message,
		AccessWithoutSSO: s.AccessWithoutSSO,
	}
	if u.UpdatedAt.IsZero() {
		u.UpdatedAt = s.UpdateAt.Time
	}
	if len(s.OrgRoles) > 0 {
		u.Roles = make([]RoleRef, len(s.OrgRoles))
		for i, role := range s.OrgRoles {
			u.Roles[i] = RoleRef(role)
		}
	}
	for _, from := range []*details{s.User.details, s.UserDetails.details} {
		if from != nil {
			from.fill(u)
		}
	}
}

// fill adds what the user does not have yet.
func (d *details) fill(u *User) {
	if u.FirstName == "" {
		u.FirstName = d.FirstName
	}
	if u.LastName == "" {
		u.LastName = d.LastName
	}
	if u.MFA == "" {
		u.MFA = d.TFAStatus
	}
	if u.LastLoginAt.IsZero() {
		u.LastLoginAt = d.LastLoginAt.Time
	}
}

// nested is details, or something else that is none of our business.
type nested struct{ *details }

func (n *nested) UnmarshalJSON(data []byte) error {
	if data[0] != '{' {
		return nil
	}
	n.details = new(details)
	return json.Unmarshal(data, n.details)
}

// roleRef is a role's uid, or an object with uid and name.
type roleRef RoleRef

func (r *roleRef) UnmarshalJSON(data []byte) error {
	if text, after, ok := plainText(data); ok && len(after) == 0 {
		r.UID = string(text)
		return nil
	}
	if data[0] != '{' {
		return json.Unmarshal(data, &r.UID)
	}
	plain := RoleRef{}
	if plainObject(data, func(name, value []byte) {
		switch string(name) {
		case "uid":
			plain.UID = string(value)
		case "name":
			plain.Name = string(value)
		}
	}) {
		*r = roleRef(plain)
		return nil
	}
	return json.Unmarshal(data, (*RoleRef)(r))
}

// inviter is a user's uid, the word System, or an object with uid and email.
type inviter Inviter

func (i *inviter) UnmarshalJSON(data []byte) error {
	if text, after, ok := plainText(data); ok && len(after) == 0 {
		i.UID = string(text)
		return nil
	}
	if data[0] != '{' {
		return json.Unmarshal(data, &i.UID)
	}
	plain := Inviter{}
	if plainObject(data, func(name, value []byte) {
		switch string(name) {
		case "uid":
			plain.UID = string(value)
		case "email":
			plain.Email = string(value)
		}
	}) {
		*i = inviter(plain)
		return nil
	}
	return json.Unmarshal(data, (*Inviter)(i))
}

// timestamp reads null and the empty string as the zero time. Anything else
// that is no time is an error: a zero time would pass for "never".
type timestamp struct{ time.Time }

func (t *timestamp) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) || bytes.Equal(data, []byte(`""`)) {
		return nil
	}
	if len(data) < 2 || data[0] != '"' {
		return errors.New("a time is no text")
	}
	text := data[1 : len(data)-1]
	if parsed, ok := parseMillis(text); ok {
		t.Time = parsed
		return nil
	}
	parsed, err := time.Parse(time.RFC3339Nano, string(text))
	parsed = parsed.UTC()
	if err != nil || parsed.Year() < 0 || parsed.Year() > 9999 { // which the offset can make of it
		return errors.New("a time is not in RFC 3339")
	}
	t.Time = parsed
	return nil
}

// parseMillis reads 2006-01-02T15:04:05.000Z, which is all that the API
// sends, in a tenth of the time that time.Parse takes.
func parseMillis(text []byte) (time.Time, bool) {
	const layout = "2006-01-02T15:04:05.000Z"
	if len(text) != len(layout) {
		return time.Time{}, false
	}
	for i := range text {
		digit := text[i] >= '0' && text[i] <= '9'
		if wanted := layout[i] >= '0' && layout[i] <= '9'; digit != wanted || !wanted && text[i] != layout[i] {
			return time.Time{}, false
		}
	}
	number := func(from, to int) int {
		n := 0
		for _, digit := range text[from:to] {
			n = 10*n + int(digit-'0')
		}
		return n
	}
	month, day, hour, minute, second := number(5, 7), number(8, 10), number(11, 13), number(14, 16), number(17, 19)
	t := time.Date(number(0, 4), time.Month(month), day, hour, minute, second, number(20, 23)*int(time.Millisecond), time.UTC)
	// time.Date carries what is out of range over, and so gives itself away.
	if t.Month() != time.Month(month) || t.Day() != day || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	return t, true
}

// SortField is what users are sorted by.
type SortField string

// The fields to sort by. The contract documents created_at and updated_at for
// the server; [Client.Users] and the export sort by each of them here.
const (
	SortByEmail     SortField = "email"
	SortByFirstName SortField = "first_name"
	SortByLastName  SortField = "last_name"
	SortByInvitedAt SortField = "invited_at"
	SortByLastLogin SortField = "last_login_at"
	SortByCreated   SortField = "created_at"
	SortByUpdated   SortField = "updated_at"
)

// Sort is an order of users. Its zero value leaves the order to the call.
type Sort struct {
	By         SortField
	Descending bool
}

// check refuses a field that cannot be sorted by here.
func (s Sort) check() error {
	switch s.By {
	case SortByEmail, SortByFirstName, SortByLastName, SortByInvitedAt, SortByLastLogin, SortByCreated, SortByUpdated:
		return nil
	default:
		return fmt.Errorf("unknown sort field %q", s.By)
	}
}

// key appends bytes that compare as the users do. Texts go letter case aside,
// then as they are; a time that is unknown or never was comes first. Equals
// follow by address, upwards in either direction.
func (s Sort) key(key []byte, u *User) []byte {
	start := len(key)
	switch s.By {
	case SortByFirstName:
		key = textKey(key, u.FirstName)
	case SortByLastName:
		key = textKey(key, u.LastName)
	case SortByInvitedAt:
		key = timeKey(key, u.InvitedAt)
	case SortByLastLogin:
		key = timeKey(key, u.LastLoginAt)
	case SortByCreated:
		key = timeKey(key, u.CreatedAt)
	case SortByUpdated:
		key = timeKey(key, u.UpdatedAt)
	default:
		key = textKey(key, u.Email)
	}
	if s.Descending {
		for i := range key[start:] {
			key[start+i] = ^key[start+i]
		}
	}
	return textKey(key, u.Email)
}

// textKey ends each text with a zero byte, so that a shorter one comes first.
func textKey(key []byte, text string) []byte {
	key = append(key, strings.ToLower(text)...)
	key = append(key, 0)
	key = append(key, text...)
	return append(key, 0)
}

func timeKey(key []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(key, make([]byte, 8)...)
	}
	// The sign bit is turned, so that times before 1970 come first.
	return binary.BigEndian.AppendUint64(key, uint64(t.UnixMicro())^1<<63)
}
