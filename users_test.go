package orgusers_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestGetUserByAddress(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewServer(orguserstest.WithPeople(orguserstest.Person{Email: "ada@example.com", FirstName: "Ada", Roles: []string{"Admin"}}))
	defer server.Close()
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	user, err := client.GetUser(t.Context(), "Ada@Example.com")
	if err != nil || user.FirstName != "Ada" || user.Status != orgusers.StatusAccepted || !user.IsAdministrator() {
		t.Errorf("got %+v, %v", user, err)
	}
	if _, err := client.GetUser(t.Context(), "grace@example.com"); !errors.Is(err, orgusers.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

func TestLastSeen(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return time.Date(2025, 5, n, 0, 0, 0, 0, time.UTC) }
	const member, pending = orgusers.StatusAccepted, orgusers.StatusPending
	tests := []struct {
		name string
		user orgusers.User
		want time.Time // zero: not known
	}{
		{"login after joining", orgusers.User{Status: member, CreatedAt: day(1), InvitedAt: day(1), LastLoginAt: day(9)}, day(9)},
		{"login before joining", orgusers.User{Status: member, CreatedAt: day(5), InvitedAt: day(4), LastLoginAt: day(2)}, day(5)},
		{"login before the invitation", orgusers.User{Status: member, CreatedAt: day(5), InvitedAt: day(6), LastLoginAt: day(2)}, day(6)},
		{"login without another time", orgusers.User{Status: member, LastLoginAt: day(2)}, day(2)},
		{"no login", orgusers.User{Status: member, CreatedAt: day(5)}, time.Time{}},
		{"login at zero Unix time", orgusers.User{Status: member, CreatedAt: day(5), LastLoginAt: time.Unix(0, 0)}, time.Time{}},
		{"login on the first day of 1970", orgusers.User{Status: member, CreatedAt: day(5), LastLoginAt: time.Unix(24*60*60, 0)}, time.Time{}},
		{"login before 1970", orgusers.User{Status: member, CreatedAt: day(5), LastLoginAt: time.Unix(-1, 0)}, time.Time{}},
		{"login at zero Unix time in another zone", orgusers.User{Status: member, CreatedAt: day(5), LastLoginAt: time.Unix(0, 0).In(time.FixedZone("", 14*60*60))}, time.Time{}},
		{"login in the second year", orgusers.User{Status: member, CreatedAt: day(5), LastLoginAt: time.Date(2, 1, 1, 0, 0, 0, 0, time.UTC)}, time.Time{}},
		{"login while joining", orgusers.User{Status: member, CreatedAt: day(5), LastLoginAt: day(5)}, day(5)},
		{"joined in 1970", orgusers.User{Status: member, CreatedAt: time.Unix(0, 0), LastLoginAt: day(2)}, day(2)},
		{"joined in 1970, and no login", orgusers.User{Status: member, CreatedAt: time.Unix(0, 0), InvitedAt: time.Unix(0, 0)}, time.Time{}},
		{"invitation of a known account", orgusers.User{Status: pending, CreatedAt: day(5), LastLoginAt: day(9)}, time.Time{}},
		{"unknown status", orgusers.User{Status: "blocked", CreatedAt: day(5), LastLoginAt: day(9)}, time.Time{}},
		{"nothing", orgusers.User{}, time.Time{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, ok := tt.user.LastSeen(); !got.Equal(tt.want) || ok == tt.want.IsZero() {
				t.Errorf("got %v and %v, want %v", got, ok, tt.want)
			}
		})
	}
}

func TestIsAdministrator(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		user orgusers.User
		want bool
	}{
		{"owner", orgusers.User{Owner: true}, true},
		{"one role of two administers", orgusers.User{Roles: []orgusers.RoleRef{{Name: "member"}, {Name: "lead", Admin: true}}}, true},
		{"role that is only called admin", orgusers.User{Roles: []orgusers.RoleRef{{Name: "admin"}}}, false},
		{"no role", orgusers.User{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.user.IsAdministrator(); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// userReads are the methods that return users, each as a list.
var userReads = map[string]func(context.Context, *orgusers.Client) ([]*orgusers.User, error){
	"ListUsers": func(ctx context.Context, c *orgusers.Client) ([]*orgusers.User, error) {
		page, err := c.ListUsers(ctx, nil)
		if err != nil {
			return nil, err
		}
		return page.Users, nil
	},
	"Users": func(ctx context.Context, c *orgusers.Client) ([]*orgusers.User, error) {
		return orgusers.Collect(c.Users(ctx, nil))
	},
	"FindUsers": func(ctx context.Context, c *orgusers.Client) ([]*orgusers.User, error) {
		return c.FindUsers(ctx, []string{"a@example.com"})
	},
	"GetUser": func(ctx context.Context, c *orgusers.Client) ([]*orgusers.User, error) {
		user, err := c.GetUser(ctx, "a@example.com")
		if err != nil {
			return nil, err
		}
		return []*orgusers.User{user}, nil
	},
}

func TestRolesOfUsersAreFilledIn(t *testing.T) {
	t.Parallel()
	admin := orgusers.RoleRef{UID: "r1", Name: "admin", Admin: true}
	member := orgusers.RoleRef{UID: "r2", Name: "member"}
	tests := []struct {
		name  string
		roles string // of the row
		want  []orgusers.RoleRef
		reads int64 // of the list of roles, at least
	}{
		{"uids", `["r1","r2"]`, []orgusers.RoleRef{admin, member}, 1},
		{"objects without admin", `[{"uid":"r1","name":"admin"},{"uid":"r2","name":"member"}]`, []orgusers.RoleRef{admin, member}, 1},
		{"objects without names", `[{"uid":"r1","admin":true}]`, []orgusers.RoleRef{admin}, 1},
		{"one object of two without admin", `[{"uid":"r1","name":"admin","admin":true},{"uid":"r2","name":"member"}]`, []orgusers.RoleRef{admin, member}, 1},
		{"objects with admin", `[{"uid":"r1","name":"admin","admin":true},{"uid":"r2","name":"member","admin":false}]`, []orgusers.RoleRef{admin, member}, 0},
		{"role that the organization does not have", `["r2","r9"]`, []orgusers.RoleRef{member, {UID: "r9"}}, 1},
		{"empty list", `[]`, nil, 0},
		{"null", `null`, nil, 0},
	}
	for _, tt := range tests {
		for method, read := range userReads {
			t.Run(method+", "+tt.name, func(t *testing.T) {
				t.Parallel()
				var reads atomic.Int64
				shares := rowsOf(`[{"uid":"a","email":"a@example.com","org_roles":`+tt.roles+`}]`, 1)
				roles := body(http.StatusOK, `{"roles":[{"uid":"r1","name":"admin","admin":true},{"uid":"r2","name":"member","admin":false}],"count":2}`)
				users, err := read(t.Context(), newClient(t, roundTripper(func(r *http.Request) (*http.Response, error) {
					if strings.HasSuffix(r.URL.Path, "/roles") {
						reads.Add(1)
						return roles(r)
					}
					return shares(r)
				})))
				want := []*orgusers.User{{ShareUID: "a", Email: "a@example.com", Roles: tt.want}}
				if diff := diffUsers(want, users); err != nil || diff != "" {
					t.Errorf("got the error %v, -want +got:\n%s", err, diff)
				}
				// A list reads them ahead, and no more than once.
				if got := reads.Load(); got < tt.reads || got > 1 {
					t.Errorf("the list of roles was read %d times, want %d", got, tt.reads)
				}
			})
		}
	}
}

// usersRequests counts the requests of an operation.
func usersRequests(server *orguserstest.Server, operation string) int {
	n := 0
	for _, r := range server.Requests() {
		if r.Operation == operation {
			n++
		}
	}
	return n
}

func TestUsersWhoseRolesCannotBeRead(t *testing.T) {
	t.Parallel()
	shares := rowsOf(`[{"uid":"a","email":"a@example.com","org_roles":["r1"]}]`, 1)
	for method, read := range userReads {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			users, err := read(t.Context(), newClient(t, roundTripper(func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "/roles") {
					return status(http.StatusForbidden)(r)
				}
				return shares(r)
			})))
			failure, ok := errors.AsType[*orgusers.Error](err)
			if len(users) > 0 || !errors.Is(err, orgusers.ErrForbidden) || !ok || !strings.HasSuffix(failure.Path, "/roles") {
				t.Errorf("got %d users and the error %v, want that of the list of roles", len(users), err)
			}
		})
	}
}

func TestFindUsers(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithUsers(1000))
	all := withoutAddresses(expected(server.Users())) // a search has no details of inviters
	addresses := emails(all)
	upper := strings.ToUpper(addresses[3])
	backwards := slices.Clone(all)
	slices.Reverse(backwards)
	tests := []struct {
		name     string
		emails   []string
		want     []*orgusers.User
		requests int
	}{
		{"none", nil, nil, 0},
		{"one", addresses[3:4], all[3:4], 1},
		{"one in capitals", []string{upper}, all[3:4], 1},
		{"one with blanks around", []string{"\t " + addresses[3] + " \n"}, all[3:4], 1},
		{"one given three times", []string{addresses[3], upper, addresses[3]}, all[3:4], 1},
		{"one that does not exist", []string{"stranger@example.com"}, nil, 1},
		{"some of which do not exist", []string{"a@example.com", addresses[9], "b@example.com", addresses[2]}, []*orgusers.User{all[9], all[2]}, 1},
		{"a thousand backwards", emails(backwards), backwards, 11},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { // not parallel: it counts requests
			server.ClearRequests()
			got, err := fakeClient(t, server).FindUsers(t.Context(), tt.emails)
			if err != nil {
				t.Fatal(err)
			}
			if diff := diffUsers(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if got, roles := usersRequests(server, "FindUsers"), usersRequests(server, "Roles"); got != tt.requests || roles > 1 {
				t.Errorf("%d searches, want %d, and %d lists of roles", got, tt.requests, roles)
			}
			if tt.requests == 0 && len(server.Requests()) > 0 {
				t.Errorf("%d requests were sent", len(server.Requests()))
			}
		})
	}
}

func TestFindUsersMatchesRows(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		rows   string // uids and addresses
		emails []string
		want   string // uids
		err    error
	}{
		{"two rows of one address", "m=a@example.com p=A@example.com o=b@example.com", []string{"b@example.com", "a@example.com"}, "o m p", nil},
		{"another spelling that folds", "k=\u212Aim@example.com", []string{"kim@example.com"}, "k", nil},
		{"rows that nobody asked for", "a=a@example.com b=B@example.com", []string{"b@example.com"}, "b", nil},
		{"rows that nobody asked for, and an address without a row", "a=a@example.com b=B@example.com", []string{"b@example.com", "c@example.com"}, "b", orgusers.ErrIncomplete},
		{"a row that may be the address", "a=ada.l@example.com", []string{"adal@example.com"}, "", orgusers.ErrIncomplete},
		{"a row without an address", "a=", []string{"a@example.com"}, "", orgusers.ErrIncomplete},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var rows []string
			for row := range strings.FieldsSeq(tt.rows) {
				uid, email, _ := strings.Cut(row, "=")
				rows = append(rows, fmt.Sprintf(`{"uid":%q,"email":%q}`, uid, email))
			}
			client := newClient(t, rowsOf("["+strings.Join(rows, ",")+"]", len(rows)))
			users, err := client.FindUsers(t.Context(), tt.emails)
			var uids []string
			for _, u := range users {
				uids = append(uids, u.ShareUID)
			}
			if got := strings.Join(uids, " "); got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got the rows %q and the error %v, want %q and %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestGetUser(t *testing.T) {
	t.Parallel()
	const (
		owner      = `{"uid":"shareO","email":"a@example.com","status":"accepted","is_owner":true}`
		member     = `{"uid":"shareM","email":"A@example.com","status":"accepted"}`
		second     = `{"uid":"shareN","email":"a@Example.com","status":"accepted"}`
		invitation = `{"uid":"shareP","email":"a@example.com","status":"pending"}`
		another    = `{"uid":"shareQ","email":"a@example.com","status":"pending"}`
		blocked    = `{"uid":"shareB","email":"a@example.com","status":"blocked"}`
		stray      = `{"uid":"shareX","email":"x@example.com","status":"accepted"}`
	)
	tests := []struct {
		name string
		rows []string
		want string // share uid
		err  error
	}{
		{"member", []string{member}, "shareM", nil},
		{"invitation", []string{invitation}, "shareP", nil},
		{"invitation and member", []string{invitation, member}, "shareM", nil},
		{"invitation, member and owner", []string{invitation, member, owner}, "shareO", nil},
		{"invitation and unknown status", []string{invitation, blocked}, "shareB", nil},
		{"two invitations", []string{invitation, another}, "shareP", nil},
		{"two members", []string{invitation, member, second}, "", orgusers.ErrConflict},
		{"owner and two members", []string{member, second, owner}, "shareO", nil},
		{"no row", nil, "", orgusers.ErrNotFound},
		{"row of another address", []string{stray}, "", orgusers.ErrIncomplete},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, rowsOf("["+strings.Join(tt.rows, ",")+"]", len(tt.rows)))
			user, err := client.GetUser(t.Context(), "a@example.com")
			if !errors.Is(err, tt.err) || (user == nil) != (err != nil) || user != nil && user.ShareUID != tt.want {
				t.Fatalf("got %v and the error %v, want %q and %v", user, err, tt.want, tt.err)
			}
			if err != nil && (!strings.HasPrefix(err.Error(), "orgusers: GetUser: ") || strings.Contains(err.Error(), "@")) {
				t.Errorf("the error has an address, or does not name the operation: %v", err)
			}
			if errors.Is(err, orgusers.ErrConflict) && (!strings.Contains(err.Error(), "shareM") || !strings.Contains(err.Error(), "shareN")) {
				t.Errorf("the error does not name both rows: %v", err)
			}
		})
	}
}

func TestReadsOfUsersReject(t *testing.T) {
	t.Parallel()
	find := func(emails ...string) func(context.Context, *orgusers.Client) error {
		return func(ctx context.Context, c *orgusers.Client) error {
			_, err := c.FindUsers(ctx, emails)
			return err
		}
	}
	type rejection struct {
		call  func(context.Context, *orgusers.Client) error
		says  string
		index int // of the address, -1 if it is not about an address
	}
	tests := map[string]rejection{
		"no domain":       {find("hunter2"), "address 1 is not a valid email address", 0},
		"second of three": {find("a@example.com", "hunter2", "c@example.com"), "address 2 is not a valid email address", 1},
		"last of many":    {find(append(slices.Repeat([]string{"a@example.com"}, 999), "hunter2@")...), "address 1000 is not", 999},
	}
	for _, email := range []string{"", "Hunter <hunter2@example.com>"} { // TestAddresses has more
		tests["GetUser of "+email] = rejection{func(ctx context.Context, c *orgusers.Client) error {
			_, err := c.GetUser(ctx, email)
			return err
		}, "address 1 is not a valid email address", 0}
	}
	for says, opts := range map[string]orgusers.ListUsersOptions{
		"page size -1 ":               {PageSize: -1},
		"page size 101 ":              {PageSize: 101},
		"skip is negative":            {Skip: -5},
		`unknown sort field "shoe"`:   {Sort: orgusers.Sort{By: "shoe"}},
		`unknown status "Pending"`:    {Status: "Pending"},
		`unknown status "everything"`: {Status: "everything", Search: "a"},
	} {
		tests["ListUsers, "+says] = rejection{func(ctx context.Context, c *orgusers.Client) error {
			_, err := c.ListUsers(ctx, &opts)
			return err
		}, says, -1}
		tests["Users, "+says] = rejection{func(ctx context.Context, c *orgusers.Client) error {
			_, err := orgusers.Collect(c.Users(ctx, &opts))
			return err
		}, says, -1}
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.call(t.Context(), newClient(t, roundTripper(func(*http.Request) (*http.Response, error) {
				t.Error("a request was sent")
				return nil, errors.New("a request was sent")
			})))
			if !errors.Is(err, orgusers.ErrInvalid) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want ErrInvalid with %q and without the address", err, tt.says)
			}
			at, ok := errors.AsType[*orgusers.AddressError](err)
			if ok != (tt.index >= 0) || ok && *at != (orgusers.AddressError{Index: tt.index, Reason: orgusers.ReasonInvalidAddress}) {
				t.Errorf("got the AddressError %v, want index %d", at, tt.index)
			}
		})
	}
}

func TestUsersNarrowed(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithUsers(333))
	client := fakeClient(t, server)
	all := expected(server.Users())
	byLogin := orgusers.Sort{By: orgusers.SortByLastLogin}
	tests := []struct {
		name string
		opts orgusers.ListUsersOptions
		want []*orgusers.User
	}{
		{"members", orgusers.ListUsersOptions{Status: orgusers.StatusAccepted}, onlyIf(all, usersMember)},
		{"invitations", orgusers.ListUsersOptions{Status: orgusers.StatusPending}, onlyIf(all, func(u *orgusers.User) bool { return !usersMember(u) })},
		{"search", orgusers.ListUsersOptions{Search: "berg"}, onlyIf(all, usersWith("berg"))},
		{"search without a result", orgusers.ListUsersOptions{Search: "no such user"}, nil},
		{"search among members", orgusers.ListUsersOptions{Search: "berg", Status: orgusers.StatusAccepted}, onlyIf(onlyIf(all, usersWith("berg")), usersMember)},
		{"without the first", orgusers.ListUsersOptions{Skip: 1}, all[1:]},
		{"without more than a page", orgusers.ListUsersOptions{Skip: 150}, all[150:]},
		{"without as many as there are", orgusers.ListUsersOptions{Skip: 333}, nil},
		{"without more than there are", orgusers.ListUsersOptions{Skip: 1000}, nil},
		{
			"all options",
			orgusers.ListUsersOptions{Sort: byLogin, Status: orgusers.StatusAccepted, Search: "a", Skip: 20},
			onlyIf(onlyIf(slices.SortedFunc(slices.Values(all), usersCompare(byLogin)), usersWith("a")), usersMember)[20:],
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			users := client.Users(t.Context(), &tt.opts)
			for range 2 { // it can be ranged over again
				if diff := diffUsers(tt.want, mustCollect(t, users)); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			}
		})
	}
	pending := onlyIf(all, func(u *orgusers.User) bool { return !usersMember(u) })
	if diff := diffUsers(pending, mustCollect(t, client.PendingInvitations(t.Context()))); diff != "" {
		t.Errorf("pending invitations: -want +got:\n%s", diff)
	}
	if len(onlyIf(all, usersWith("berg"))) == 0 || len(onlyIf(all, usersMember)) == len(all) {
		t.Error("the organization has no users to find")
	}
}

// Users in another order than the server's come after the last page, or not at all.
func TestSortedUsersAreRead(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithUsers(250), orguserstest.WithFault(orguserstest.Fault{Path: sharePath, Skip: 2, Effect: orguserstest.Status(http.StatusForbidden)}))
	all := fakeClient(t, server).Users(t.Context(), &orgusers.ListUsersOptions{Sort: orgusers.Sort{By: orgusers.SortByEmail}})
	if users, err := collect(t, all); len(users) > 0 || !errors.Is(err, orgusers.ErrForbidden) {
		t.Errorf("got %d users and %v, want none and ErrForbidden", len(users), err)
	}
	server.ClearFaults()
	for u, err := range all {
		if want := slices.SortedFunc(slices.Values(expected(server.Users())), byEmail)[0]; err != nil || u.Email != want.Email {
			t.Errorf("got %+v, %v, want %s first", u, err, want.Email)
		}
		break
	}
}

func usersMember(u *orgusers.User) bool { return u.Status == orgusers.StatusAccepted }

// usersWith reports whether the fake finds the text in a user's address or full name.
func usersWith(text string) func(*orgusers.User) bool {
	return func(u *orgusers.User) bool {
		return strings.Contains(strings.ToLower(u.Email), text) || strings.Contains(strings.ToLower(u.FirstName+" "+u.LastName), text)
	}
}

func TestListUsersIsOnePage(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithUsers(120))
	all := expected(server.Users())
	uncounted := startFake(t, orguserstest.WithUsers(120), orguserstest.WithoutCount())
	tests := []struct {
		name   string
		server *orguserstest.Server
		opts   *orgusers.ListUsersOptions
		want   []*orgusers.User
		count  int
	}{
		{"no options", server, nil, all[:100], 120},
		{"a page", server, &orgusers.ListUsersOptions{PageSize: 7, Skip: 14}, all[14:21], 120},
		{"one user", server, &orgusers.ListUsersOptions{PageSize: 1}, all[:1], 120},
		{"the last page", server, &orgusers.ListUsersOptions{PageSize: 50, Skip: 100}, all[100:], 120},
		{"behind the end", server, &orgusers.ListUsersOptions{Skip: 500}, []*orgusers.User{}, 120},
		{"members of a page", server, &orgusers.ListUsersOptions{Status: orgusers.StatusAccepted}, onlyIf(all[:100], usersMember), 120},
		{"no count", uncounted, nil, all[:100], -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			page, err := fakeClient(t, tt.server).ListUsers(t.Context(), tt.opts)
			if err != nil {
				t.Fatal(err)
			}
			skip := 0
			if tt.opts != nil {
				skip = tt.opts.Skip
			}
			if diff := diffUsers(tt.want, page.Users); diff != "" || page.Count != tt.count || page.Skip != skip {
				t.Errorf("got skip %d and count %d, want %d and %d, -want +got:\n%s", page.Skip, page.Count, skip, tt.count, diff)
			}
		})
	}
}

// usersPeople are an organization with ties in every field, unknown times, and texts that
// differ in letter case only or are a prefix of another.
func usersPeople() []orguserstest.Person {
	rng := rand.New(rand.NewPCG(3, 4))
	pick := func(from ...string) string { return from[rng.IntN(len(from))] }
	day := func() time.Time { return time.Date(2020, 1, 1+rng.IntN(5), 0, 0, 0, 0, time.UTC) }
	people := []orguserstest.Person{{Email: "owner@example.com", FirstName: "O", LastName: "O", Owner: true, CreatedAt: day()}}
	for local := range strings.FieldsSeq("b a ab a.b a-b A-c aa AA.b Zz zy _x é Émile ß m n o p q r s t u v w") {
		p := orguserstest.Person{
			Email: local + "@example.com", FirstName: pick("Ada", "ada", "ADA", "Adam", "Zoë"), LastName: pick("", "N", "n", "Na", "É"),
			CreatedAt: day(), InvitedAt: day(), UpdatedAt: day(),
		}
		if rng.IntN(3) > 0 {
			p.LastLogin = day()
		}
		people = append(people, p)
	}
	return people
}

// usersCompare is the documented order, written in another way: texts without letter
// case, then as they are; unknown times first; equal users by address.
func usersCompare(sort orgusers.Sort) func(a, b *orgusers.User) int {
	text := func(a, b string) int {
		return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(a, b))
	}
	by := map[orgusers.SortField]func(a, b *orgusers.User) int{
		orgusers.SortByEmail:     func(a, b *orgusers.User) int { return text(a.Email, b.Email) },
		orgusers.SortByFirstName: func(a, b *orgusers.User) int { return text(a.FirstName, b.FirstName) },
		orgusers.SortByLastName:  func(a, b *orgusers.User) int { return text(a.LastName, b.LastName) },
		orgusers.SortByInvitedAt: func(a, b *orgusers.User) int { return a.InvitedAt.Compare(b.InvitedAt) },
		orgusers.SortByLastLogin: func(a, b *orgusers.User) int { return a.LastLoginAt.Compare(b.LastLoginAt) },
		orgusers.SortByCreated:   func(a, b *orgusers.User) int { return a.CreatedAt.Compare(b.CreatedAt) },
		orgusers.SortByUpdated:   func(a, b *orgusers.User) int { return a.UpdatedAt.Compare(b.UpdatedAt) },
	}[sort.By]
	return func(a, b *orgusers.User) int {
		order := by(a, b)
		if sort.Descending {
			order = -order
		}
		return cmp.Or(order, text(a.Email, b.Email))
	}
}

func TestUsersInEveryOrder(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithPeople(usersPeople()...), orguserstest.WithPageCap(5))
	client := fakeClient(t, server)
	all := expected(server.Users())
	for _, by := range []orgusers.SortField{
		orgusers.SortByEmail, orgusers.SortByFirstName, orgusers.SortByLastName, orgusers.SortByInvitedAt,
		orgusers.SortByLastLogin, orgusers.SortByCreated, orgusers.SortByUpdated,
	} {
		for parameter, sort := range map[string]orgusers.Sort{"asc": {By: by}, "desc": {By: by, Descending: true}} {
			t.Run(fmt.Sprint(by, " ", parameter), func(t *testing.T) {
				t.Parallel()
				want := slices.SortedFunc(slices.Values(all), usersCompare(sort))
				rows := parse(t, export(t, client, &orgusers.ExportOptions{Sort: sort, Columns: orgusers.DefaultColumns()[:2], KeepFormulas: true}))
				for i, row := range rows {
					if row[0] != want[i].Email {
						t.Fatalf("row %d of the export is %s, want %s", i, row[0], want[i].Email)
					}
				}

				if sort == (orgusers.Sort{By: orgusers.SortByCreated}) {
					want = all // as they are read: equal users in the server's order
				}
				got := mustCollect(t, client.Users(t.Context(), &orgusers.ListUsersOptions{Sort: sort}))
				if diff := diffUsers(want, got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}

				page, err := client.ListUsers(t.Context(), &orgusers.ListUsersOptions{Sort: sort, PageSize: 5})
				if err != nil || len(page.Users) != 5 || page.Count != len(all) {
					t.Fatalf("got the page %v and the error %v, want 5 users of %d", page, err, len(all))
				}
				if !slices.ContainsFunc(server.Requests(), func(r orguserstest.Request) bool { return r.Query.Get(parameter) == string(by) }) {
					t.Errorf("no request has %s=%s", parameter, by)
				}
			})
		}
	}
}
