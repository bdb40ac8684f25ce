package orgusers

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/orgusers/orgusers/internal/paging"
)

// User is a member of the organization, or a pending invitation. The API calls it a
// share; this documentation also calls it a row of the list.
//
// A zero time is unknown, or the event never happened. A User marshals to JSON under
// the API's names, with times in RFC 3339 and without unknown values, and unmarshals
// from that and from every form of the API. The acceptance token of an invitation is
// never decoded.
type User struct {
	// ShareUID is the uid of the membership or invitation.
	ShareUID string `json:"uid,omitempty"`
	// UID is the uid of the account. It can be empty for an invitation.
	UID   string `json:"user_uid,omitempty"`
	Email string `json:"email,omitempty"`
	// FirstName and LastName are placeholders of the service if an invited address
	// has no account: the local part of the address, and NO_LAST_NAME or N/A.
	FirstName string     `json:"first_name,omitempty"`
	LastName  string     `json:"last_name,omitempty"`
	Status    UserStatus `json:"status,omitempty"`
	// Owner is true for the owner of the organization, who may not have any role.
	Owner bool `json:"is_owner,omitempty"`
	// Roles are the organization roles of the user. Whether the service includes
	// roles that come through a team is not known: see [Client.Access].
	Roles     []RoleRef `json:"org_roles,omitempty"`
	InvitedBy Inviter   `json:"invited_by,omitzero"`
	InvitedAt time.Time `json:"invited_at,omitzero"`
	// LastLoginAt is the account's last login, in any organization: see [User.LastSeen].
	LastLoginAt time.Time `json:"last_login_at,omitzero"`
	CreatedAt   time.Time `json:"created_at,omitzero"`
	UpdatedAt   time.Time `json:"updated_at,omitzero"`
	MFA         MFAStatus `json:"tfa_status,omitempty"`
	// Message is the text of the invitation.
	Message string `json:"message,omitempty"`
	// AccessWithoutSSO allows a login without the single sign-on that the
	// organization requires.
	AccessWithoutSSO bool `json:"access_without_sso,omitempty"`
}

// IsAdministrator reports whether the user is the owner or one of Roles administers
// the organization.
func (u *User) IsAdministrator() bool {
	return u.Owner || slices.ContainsFunc(u.Roles, func(role RoleRef) bool { return role.Admin })
}

// LastSeen returns the latest sign that a member was active: the account's last
// login, or the start of the membership if that is later. It returns false for an
// invitation, or if no login is known. A login on 1970-01-01 counts as unknown.
func (u *User) LastSeen() (t time.Time, ok bool) {
	if u.Status != StatusAccepted || u.LastLoginAt.Unix() <= 24*60*60 {
		return time.Time{}, false
	}
	joined := u.CreatedAt
	if u.InvitedAt.After(joined) {
		joined = u.InvitedAt
	}
	if joined.After(u.LastLoginAt) {
		return joined, true
	}
	return u.LastLoginAt, true
}

// UserStatus is the state of a membership. A value that is not one of the
// constants is kept as the server sent it.
type UserStatus string

// The documented states.
const (
	StatusPending  UserStatus = "pending"
	StatusAccepted UserStatus = "accepted"
)

// MFAStatus is the state of MFA as the server sent it. The empty string means that
// the server sent none, which does not mean that MFA is off.
type MFAStatus string

// MFAVerified means that MFA is on. It is the only known value.
const MFAVerified MFAStatus = "verified"

// RoleRef is an organization role of a user.
type RoleRef struct {
	UID  string `json:"uid,omitempty"`
	Name string `json:"name,omitempty"`
	// Admin is true for a role that administers the organization.
	Admin bool `json:"admin,omitempty"`
}

// Inviter is the user who sent an invitation. The service itself has the UID
// "System". Email is empty if the server sent only the uid.
type Inviter struct {
	UID   string `json:"uid,omitempty"`
	Email string `json:"email,omitempty"`
}

// systemInviter is Inviter.UID for the service itself.
const systemInviter = "System"

// UnmarshalJSON decodes a user in every form of the API.
func (u *User) UnmarshalJSON(data []byte) error {
	var s share
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	s.user(u)
	return nil
}

// share is a row of users as the API sends it.
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
	accountDetails
	User        nestedDetails `json:"user"`
	UserDetails nestedDetails `json:"user_details"`
}

// user fills in u. It reports whether the row has the names of its roles, and
// whether they administer.
func (s *share) user(u *User) (named bool) {
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
		UpdatedAt:        cmp.Or(s.UpdatedAt.Time, s.UpdateAt.Time),
		MFA:              s.TFAStatus,
		Message:          s.Message,
		AccessWithoutSSO: s.AccessWithoutSSO,
	}
	named = true
	for _, role := range s.OrgRoles {
		named = named && role.Name != "" && role.Admin != nil
		u.Roles = append(u.Roles, RoleRef{UID: role.UID, Name: role.Name, Admin: role.Admin != nil && *role.Admin})
	}
	for _, from := range []*accountDetails{s.User.accountDetails, s.UserDetails.accountDetails} {
		if from != nil {
			from.fill(u)
		}
	}
	return named
}

// SortField is the field by which users are sorted.
type SortField string

// The fields. The API documents only created_at and updated_at. [Client.Users] and
// exports support all: they sort in the client.
const (
	SortByEmail     SortField = "email"
	SortByFirstName SortField = "first_name"
	SortByLastName  SortField = "last_name"
	SortByInvitedAt SortField = "invited_at"
	SortByLastLogin SortField = "last_login_at"
	SortByCreated   SortField = "created_at"
	SortByUpdated   SortField = "updated_at"
)

// Sort is an order of users. Without By, the call has its own. Text is compared
// without letter case, unknown times are the earliest, and equal users follow by
// address.
type Sort struct {
	By         SortField
	Descending bool
}

func (s Sort) check() error {
	switch s.By {
	case SortByEmail, SortByFirstName, SortByLastName, SortByInvitedAt, SortByLastLogin, SortByCreated, SortByUpdated:
		return nil
	default:
		return fmt.Errorf("unknown sort field %q", s.By)
	}
}

// key appends bytes that compare as the users do: texts without letter case, then
// as they are; an unknown time first. Equal users follow by address, ascending in
// both directions.
func (s Sort) key(key []byte, u *User) []byte {
	start := len(key)
	switch s.By {
	case SortByFirstName:
		key = appendTextKey(key, u.FirstName)
	case SortByLastName:
		key = appendTextKey(key, u.LastName)
	case SortByInvitedAt:
		key = appendTimeKey(key, u.InvitedAt)
	case SortByLastLogin:
		key = appendTimeKey(key, u.LastLoginAt)
	case SortByCreated:
		key = appendTimeKey(key, u.CreatedAt)
	case SortByUpdated:
		key = appendTimeKey(key, u.UpdatedAt)
	default:
		key = appendTextKey(key, u.Email)
	}
	if s.Descending {
		for i := range key[start:] {
			key[start+i] = ^key[start+i]
		}
	}
	return appendTextKey(key, u.Email)
}

// appendTextKey ends each text with a zero byte, so that a prefix comes first.
func appendTextKey(key []byte, text string) []byte {
	key = append(key, strings.ToLower(text)...)
	key = append(key, 0)
	key = append(key, text...)
	return append(key, 0)
}

func appendTimeKey(key []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(key, make([]byte, 8)...)
	}
	// The sign bit is flipped, so that times before 1970 come first.
	return binary.BigEndian.AppendUint64(key, uint64(t.UnixMicro())^1<<63)
}

// ListUsersOptions select and order users. Nil and the zero value mean all users.
type ListUsersOptions struct {
	// Search keeps users whose name or address contains the text, as the server
	// matches it (its typeahead parameter).
	Search string
	// Sort is the order. Default: by creation, ascending.
	Sort Sort
	// Status keeps users of one status. The API has no parameter for it, so the
	// other users are read and left out, and UserPage.Count includes them.
	Status UserStatus
	// PageSize is how many users a request asks for, from 1 to 100. Default 100.
	PageSize int
	// Skip is how many users to leave out at the start. [Client.ListUsers] applies it
	// before Status, and [Client.Users] after Status and Sort.
	Skip int
}

func (o *ListUsersOptions) orDefault() (ListUsersOptions, error) {
	options := *cmp.Or(o, &ListUsersOptions{})
	options.PageSize = cmp.Or(options.PageSize, maxPageSize)
	options.Sort.By = cmp.Or(options.Sort.By, SortByCreated)
	switch {
	case options.PageSize < 1 || options.PageSize > maxPageSize:
		return options, fmt.Errorf("the page size %d is not between 1 and %d", options.PageSize, maxPageSize)
	case options.Skip < 0:
		return options, fmt.Errorf("skip is negative: %d", options.Skip)
	case options.Status != "" && options.Status != StatusPending && options.Status != StatusAccepted:
		return options, fmt.Errorf("unknown status %q", options.Status)
	default:
		return options, options.Sort.check()
	}
}

func (o *ListUsersOptions) keep(u *User) bool { return o.Status == "" || u.Status == o.Status }

// UserPage is one page of users.
type UserPage struct {
	Users []*User
	// Count is how many users match the search, or -1 if the server does not say.
	Count int
	// Skip is the position of the page in the server's list.
	Skip int
}

// ListUsers returns one page of members and pending invitations, sorted by the
// server. Use [Client.Users] to read all. It returns [ErrInvalid] if an option is out
// of range, or if the server does not support the sort: it documents created_at and
// updated_at.
//
// It sends GET /organizations/{organization_uid}/share (documented; the place of the
// account's details in a row is not), and reads the organization's roles.
func (c *Client) ListUsers(ctx context.Context, opts *ListUsersOptions) (*UserPage, error) {
	options, err := opts.orDefault()
	if err != nil {
		return nil, opListUsers.invalid(err)
	}
	page, err := c.listUsers(ctx, c.newRoleDirectory(), options, options.Skip, options.PageSize)
	if err != nil {
		return nil, err
	}
	users := slices.DeleteFunc(page.Rows, func(u *User) bool { return !options.keep(u) })
	return &UserPage{Users: users, Count: page.Count, Skip: options.Skip}, nil
}

// Users returns a sequence of all members and pending invitations. A user who is in
// the organization from the first request to the last appears exactly once, even if
// others are added or removed meanwhile. The sequence ends with an error if a
// request fails, with [ErrIncomplete] if it may lack users, and with [ErrInvalid]
// if an option is out of range.
//
// Without a sort, or by [SortByCreated] ascending, users are yielded as they are
// read. For other orders, all users are read into memory and then sorted.
//
// The sequence is lazy, can be ranged over again, and yields an error once, as its
// last element. It sends what [Client.ListUsers] sends, once for about every 98
// users, and reads the organization's roles once.
func (c *Client) Users(ctx context.Context, opts *ListUsersOptions) iter.Seq2[*User, error] {
	return c.users(ctx, opts, nil, nil)
}

// users is Users. Roles are named by a directory, or if it is nil, by one for each
// reading. It calls counted, unless that is nil, with the server's count of users
// after each page, from any goroutine.
func (c *Client) users(ctx context.Context, opts *ListUsersOptions, roles *roleDirectory, counted func(int)) iter.Seq2[*User, error] {
	options, err := opts.orDefault()
	if err != nil {
		return errSeq[*User](opListUsers.invalid(err))
	}
	all := c.usersByCreation(ctx, options, roles, counted)
	if options.Sort != (Sort{By: SortByCreated}) {
		all = sorted(all, options.Sort)
	}
	return skipSeq(options.Skip, filterSeq(all, options.keep))
}

// usersByCreation reads users in the only order that cannot lose any: new users
// are added at its end.
func (c *Client) usersByCreation(ctx context.Context, options ListUsersOptions, directory *roleDirectory, counted func(int)) iter.Seq2[*User, error] {
	options.Sort = Sort{By: SortByCreated}
	return func(yield func(*User, error) bool) {
		roles := cmp.Or(directory, c.newRoleDirectory())
		listAll(ctx, opListUsers, paging.List[*User]{
			Fetch: func(ctx context.Context, skip, limit int) (paging.Page[*User], error) {
				page, err := c.listUsers(ctx, roles, options, skip, limit)
				if err == nil && counted != nil {
					counted(page.Count)
				}
				return page, err
			},
			Key:       func(u *User) string { return u.ShareUID },
			Tied:      func(a, b *User) bool { return a.CreatedAt.Equal(b.CreatedAt) },
			PageSize:  options.PageSize,
			ReadAhead: readAhead,
		})(yield)
	}
}

// sorted reads all users, then yields them in order.
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

// usersQuery is the query of the list of users and of the search.
type usersQuery struct {
	Limit              int    `url:"limit"`
	Skip               int    `url:"skip"`
	Ascending          string `url:"asc,omitempty"`
	Descending         string `url:"desc,omitempty"`
	Search             string `url:"typeahead,omitempty"`
	IncludeCount       bool   `url:"include_count"`
	IncludeRoles       bool   `url:"include_roles"`
	IncludeInvitedBy   bool   `url:"include_invited_by,omitempty"`
	IncludeUserDetails bool   `url:"include_user_details"`
}

func (c *Client) listUsers(ctx context.Context, roles *roleDirectory, options ListUsersOptions, skip, limit int) (paging.Page[*User], error) {
	q := usersQuery{
		Limit: limit, Skip: skip, Search: options.Search,
		IncludeCount: true, IncludeRoles: true, IncludeInvitedBy: true, IncludeUserDetails: true,
	}
	q.Ascending = string(options.Sort.By)
	if options.Sort.Descending {
		q.Ascending, q.Descending = "", q.Ascending
	}
	stop := roles.readAhead(ctx)
	defer stop()
	return c.readUsers(ctx, opListUsers, roles, input{query: q})
}

// sharesResponse is a page of users. Shares is nil if the response has no list.
type sharesResponse struct {
	Shares []*share `json:"shares"`
	Count  *int     `json:"count"`
}

func (r *sharesResponse) complete() bool { return r.Shares != nil && !slices.Contains(r.Shares, nil) }

// users returns the rows with the names of their roles.
func (r *sharesResponse) users(ctx context.Context, roles *roleDirectory) ([]*User, error) {
	users := make([]*User, len(r.Shares))
	named := true
	for i := range r.Shares {
		users[i] = new(User)
		named = r.Shares[i].user(users[i]) && named
	}
	if named {
		return users, nil
	}
	return users, roles.name(ctx, users)
}

func (c *Client) readUsers(ctx context.Context, op *operation, roles *roleDirectory, in input) (paging.Page[*User], error) {
	var response sharesResponse
	if err := c.do(ctx, op, in, &response); err != nil {
		return paging.Page[*User]{Count: -1}, err
	}
	users, err := response.users(ctx, roles)
	return paging.Page[*User]{Rows: users, Count: countOf(response.Count)}, err
}

// FindUsers returns the users and invitations with the given addresses, in the
// order of the addresses. Letter case is ignored. An address with two rows, a
// member and an invitation, yields both; an address given twice counts once.
// Without addresses it returns nil and sends nothing.
//
// It returns [ErrInvalid] if an address is malformed, and [ErrIncomplete] if the
// server returned a row that may be one of the addresses in another spelling.
//
// It sends POST /organizations/{organization_uid}/share/search (documented), for up
// to 99 addresses at a time, and reads the organization's roles if the rows lack
// their names. The search is retried as a read.
func (c *Client) FindUsers(ctx context.Context, emails []string) ([]*User, error) {
	return c.findUsers(ctx, c.newRoleDirectory(), emails)
}

func (c *Client) findUsers(ctx context.Context, roles *roleDirectory, emails []string) ([]*User, error) {
	var wanted []string
	seen := make(map[string]bool, len(emails))
	for i, email := range emails {
		email, ok := parseAddress(email)
		if !ok {
			return nil, opFindUsers.invalid(&AddressError{i, ReasonInvalidAddress})
		}
		if key := wideKey(email); !seen[key] {
			seen[key] = true
			wanted = append(wanted, email)
		}
	}
	found, err := c.search(ctx, roles, wanted)
	var users []*User
	for _, email := range wanted {
		users = append(users, found.rows[wideKey(email)]...)
	}
	if err == nil && len(found.strays) > 0 {
		err = withOp("FindUsers", fmt.Errorf("%w: the server returned a row that matches none of the addresses", ErrIncomplete))
	}
	return users, err
}

// GetUser returns the user or invitation with an address: of several rows, that of
// the owner, else of a member, else an invitation. It returns [ErrNotFound] if there
// are no such rows, [ErrInvalid] if the address is malformed, and [ErrConflict], with
// both share uids, if two members have it. It sends what [Client.FindUsers] sends.
func (c *Client) GetUser(ctx context.Context, email string) (*User, error) {
	users, err := c.FindUsers(ctx, []string{email})
	switch {
	case err != nil:
		return nil, withOp("GetUser", err)
	case len(users) == 0:
		return nil, fmt.Errorf("orgusers: GetUser: the organization has no user and no invitation with this address: %w", ErrNotFound)
	}
	slices.SortStableFunc(users, compareRank)
	if len(users) > 1 && rank(users[1]) == rank(users[0]) && users[0].Status != StatusPending {
		return nil, fmt.Errorf("orgusers: GetUser: two members have this address (shares %s and %s): %w", users[0].ShareUID, users[1].ShareUID, ErrConflict)
	}
	return users[0], nil
}

// rank orders the rows of one address: the owner's, then a member's.
func rank(u *User) int {
	switch {
	case u.Owner:
		return 0
	case u.Status != StatusPending:
		return 1
	default:
		return 2
	}
}

func compareRank(a, b *User) int { return rank(a) - rank(b) }

// searchResult is what a search for addresses found.
type searchResult struct {
	rows map[string][]*User // by wide key
	// strays are rows that match none of the addresses, by the wide key of each
	// address that has no row in the same response. Such an address may be there in
	// another spelling.
	strays map[string][]*User
}

// search looks up addresses, which are valid.
func (c *Client) search(ctx context.Context, roles *roleDirectory, emails []string) (searchResult, error) {
	result := searchResult{rows: map[string][]*User{}, strays: map[string][]*User{}}
	// The server returns all users if there are no addresses: a chunk is never
	// empty. It is never a full page either, which would cost one more request.
	chunks := slices.Collect(slices.Chunk(emails, maxPageSize-1))
	found := make([][]*User, len(chunks))
	err := inParallel(len(chunks), func(i int) (err error) {
		found[i], err = Collect(c.searchChunk(ctx, roles, chunks[i]))
		return err
	})
	for i, chunk := range chunks {
		var strays []*User
		wanted := make(map[string]bool, len(chunk))
		for _, email := range chunk {
			wanted[wideKey(email)] = true
		}
		for _, u := range found[i] {
			if key := wideKey(u.Email); wanted[key] {
				// Spellings of one address can be in two chunks.
				if !slices.ContainsFunc(result.rows[key], func(known *User) bool { return known.ShareUID == u.ShareUID }) {
					result.rows[key] = append(result.rows[key], u)
				}
			} else {
				strays = append(strays, u)
			}
		}
		for key := range wanted {
			if len(strays) > 0 && len(result.rows[key]) == 0 {
				result.strays[key] = strays
			}
		}
	}
	return result, err
}

func (c *Client) searchChunk(ctx context.Context, roles *roleDirectory, emails []string) iter.Seq2[*User, error] {
	return listAll(ctx, opFindUsers, paging.List[*User]{
		Fetch: func(ctx context.Context, skip, limit int) (paging.Page[*User], error) {
			q := usersQuery{Limit: limit, Skip: skip, IncludeCount: true, IncludeRoles: true, IncludeUserDetails: true}
			in := input{query: q, body: emailsBody{emails}, secrets: emails}
			return c.readUsers(ctx, opFindUsers, roles, in)
		},
		Key:      func(u *User) string { return u.ShareUID },
		PageSize: maxPageSize,
	})
}
