package orguserstest_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers/orguserstest"
)

func TestChangesShowInEveryOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t)
		fields := []string{"email", "first_name", "last_name", "invited_at", "created_at", "updated_at", "last_login_at"}
		orders := func(c *client) map[string][]string {
			all := map[string][]string{}
			for _, field := range fields {
				all[field] = c.get("/v3/organizations/{org}/share?limit=100&asc=" + field).emails()
			}
			return all
		}
		orders(c) // orders that exist must be kept up to date
		change := func(s *orguserstest.Server) {
			users := s.Users()
			s.AddUser(orguserstest.Person{Email: "mmm@example.com", FirstName: "Mmm", LastName: "Mmm", SeveralOrganizations: true})
			s.AddUsers(20)
			s.RemoveUser(users[3].Email)
			s.RemoveUser(users[4].Email)
			s.Rename(users[7].Email, "Zzz", "Aaa") // a member of several organizations
			s.SetLastLogin(users[7].Email, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))
			s.SetLastLogin(users[5].Email, time.Time{})
			s.SetRoles(users[9].Email, "Security Manager")
			s.Accept(users[11].Email, "Nnn", "Nnn")
			s.SetMFA(users[12].Email, true)
		}
		change(c.server)
		fresh := inProcess(t) // computes its orders after the changes
		change(fresh.server)
		if diff := cmp.Diff(orders(fresh), orders(c)); diff != "" {
			t.Error(diff)
		}
		if got := len(c.server.Users()); got != 44 {
			t.Errorf("%d users", got)
		}
	})
}

func TestChanges(t *testing.T) {
	t.Parallel()
	login := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	server := orguserstest.NewUnstartedServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "boss@example.com", FirstName: "The", LastName: "Boss", Owner: true},
		orguserstest.Person{Email: "ada@example.com", FirstName: "Ada", LastName: "Lovelace"},
		orguserstest.Person{Email: "guest@example.com", Pending: true},
	))
	before, _ := server.User("ADA@example.com")
	done := []bool{
		server.Rename("Ada@example.com", "Augusta", "King"),
		server.SetLastLogin("ada@example.com", login),
		server.SetMFA("ada@example.com", true),
		server.SetFailedLogins("ada@example.com", 5),
		server.SetRoles("ada@example.com", "admin", "MEMBER"),
		server.Accept("guest@example.com", "New", "Member"),
	}
	if slices.Contains(done, false) {
		t.Errorf("got %v", done)
	}
	ada, _ := server.User("ada@example.com")
	if ada.FirstName != "Augusta" || ada.LastName != "King" || !ada.LastLogin.Equal(login) || !ada.MFA || !ada.Locked || len(ada.RoleUIDs) != 2 || !ada.UpdatedAt.After(before.UpdatedAt) {
		t.Errorf("got %+v", ada)
	}
	if guest, _ := server.User("guest@example.com"); guest.Pending || guest.UID == "" || guest.FirstName != "New" {
		t.Errorf("got %+v", guest)
	}
	if server.Accept("guest@example.com", "", "") || server.RemoveUser("nobody@example.com") || server.Rename("nobody@example.com", "", "") {
		t.Error("what is not there was changed")
	}
	if _, there := server.User("ada@example.com"); !server.RemoveUser("ada@example.com") || !there {
		t.Error("not removed")
	}
	if _, there := server.User("ada@example.com"); there {
		t.Error("still there")
	}
	back := server.AddUser(orguserstest.Person{Email: "ada@example.com", Pending: true})
	if back.UID != ada.UID || back.ShareUID == ada.ShareUID || back.FirstName != "Augusta" || !back.Pending {
		t.Errorf("the account was not kept: %+v", back)
	}
}

func TestPeopleWhoCannotBe(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewUnstartedServer(orguserstest.WithPeople(orguserstest.Person{Email: "ada@example.com"}))
	for name, person := range map[string]orguserstest.Person{
		"without an address":      {},
		"with an address in use":  {Email: "ADA@example.com"},
		"with an unknown role":    {Email: "x@example.com", Roles: []string{"King"}},
		"with an unknown inviter": {Email: "x@example.com", InvitedBy: "nobody@example.com"},
		"as a second owner":       {Email: "x@example.com", Owner: true},
		"as a pending owner":      {Email: "x@example.com", Owner: true, Pending: true},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			server.AddUser(person)
		}()
	}
	if got := len(server.Users()); got != 2 {
		t.Errorf("%d users", got)
	}
	server.RemoveUser("ada@example.com") // the server is not left locked
}

func TestExactPeople(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 5, 5, 5, 5, 5, 5e6, time.UTC)
	ada := orguserstest.Person{
		Email: "Ada@example.com", FirstName: "Ada", LastName: "Lovelace", Roles: []string{"Admin", "Security Manager"}, InvitedBy: "boss@example.com",
		LastLogin: at.Add(3 * time.Hour), CreatedAt: at, InvitedAt: at.Add(time.Hour), UpdatedAt: at.Add(2 * time.Hour),
		MFA: true, FailedLogins: 10, AccessWithoutSSO: true, Message: "Hello", SeveralOrganizations: true,
	}
	server := orguserstest.NewUnstartedServer(orguserstest.WithPeople(orguserstest.Person{Email: "boss@example.com", Owner: true}, ada))
	got, _ := server.User("ada@example.com")
	boss, _ := server.User("boss@example.com")
	want := orguserstest.User{
		Email: "Ada@example.com", FirstName: "Ada", LastName: "Lovelace", InvitedBy: boss.UID, InviterEmail: boss.Email,
		LastLogin: at.Add(3 * time.Hour), CreatedAt: at, InvitedAt: at.Add(time.Hour), UpdatedAt: at.Add(2 * time.Hour),
		MFA: true, Locked: true, FailedLogins: 10, AccessWithoutSSO: true, Message: "Hello", SeveralOrganizations: true,
		ShareUID: got.ShareUID, UID: got.UID, RoleUIDs: got.RoleUIDs, RoleNames: got.RoleNames,
		AcceptanceToken: got.AcceptanceToken, Stacks: got.Stacks, Sessions: []string{server.AuthToken},
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got.RoleUIDs) != 2 {
		t.Error(diff)
	}
	if len(server.Users()) != 2 || server.Email != "Ada@example.com" || len(boss.RoleUIDs) != 0 {
		t.Errorf("got %+v", server.Users())
	}
}

func TestPeopleAndUsersTogether(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{1: 3, 3: 3, 40: 40} {
		server := orguserstest.NewUnstartedServer(orguserstest.WithUsers(n), orguserstest.WithPeople(
			orguserstest.Person{Email: "ada@example.com"}, orguserstest.Person{Email: "none@example.com", Roles: []string{}}))
		users := server.Users()
		none, _ := server.User("none@example.com")
		if len(users) != want || !users[0].Owner || users[1].Email != "ada@example.com" || none.RoleUIDs != nil {
			t.Errorf("WithUsers(%d): %d users, %+v", n, len(users), users[:3])
		}
	}
	if users := orguserstest.NewUnstartedServer(orguserstest.WithUsers(0)).Users(); len(users) != 1 || !users[0].Owner {
		t.Errorf("WithUsers(0): %+v", users)
	}
}

func TestTheSameSeedGivesTheSameOrganization(t *testing.T) {
	t.Parallel()
	text := func(opts ...orguserstest.Option) string {
		c := inProcess(t, append(opts, orguserstest.WithUsers(100))...)
		return c.get("/v3/organizations/{org}/share?limit=100&asc=created_at&include_user_details=true").text +
			c.get("/v3/organizations/{org}/roles").text + c.get("/v3/organizations/{org}/stacks").text + c.server.AuthToken + c.server.OAuthToken()
	}
	first := text()
	if text() != first || text(orguserstest.WithSeed(1)) != first {
		t.Error("the same seed gives another organization")
	}
	if text(orguserstest.WithSeed(2)) == first {
		t.Error("another seed gives the same organization")
	}
	date := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, user := range orguserstest.NewUnstartedServer(orguserstest.WithReferenceDate(date)).Users() {
		if user.CreatedAt.After(date) || user.LastLogin.After(date) || user.CreatedAt.Before(date.AddDate(-7, 0, 0)) {
			t.Errorf("created %v, last login %v", user.CreatedAt, user.LastLogin)
		}
	}
}

func TestChangesWhileListing(t *testing.T) {
	t.Parallel()
	c := overSocket(t, orguserstest.WithUsers(300))
	c.server.OnRequest(func(r *orguserstest.Request) {
		if r.Operation == "ListUsers" && r.Query.Get("skip") == "100" {
			c.server.RemoveUser(c.server.Users()[50].Email)
		}
	})
	var all []string
	for skip := 0; skip < 300; skip += 100 {
		all = append(all, c.get(fmt.Sprintf("%s&skip=%d", list, skip)).emails()...)
	}
	if slices.Sort(all); len(slices.Compact(all)) != 299 {
		t.Errorf("%d users: the row that moved to the page before should be missing", len(all))
	}
}

func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	c := overSocket(t, orguserstest.WithRateLimit(1000, 1000))
	c.server.OnRequest(func(*orguserstest.Request) { c.server.SetLastLogin(c.server.Email, time.Now()) })
	owner := c.as("Authtoken", c.server.SignIn(c.server.Users()[0].Email)) // logins below end the other session
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for range 10 {
				added := c.server.AddUsers(2)
				c.ask("GET", "/v3/organizations/{org}/share?desc=last_login_at", "")
				c.ask("POST", "/v3/organizations/{org}/share/search", fmt.Sprintf(`{"emails":[%q]}`, added[0].Email))
				c.logIn(c.server.Email, orguserstest.Password, "")
				c.server.AddFault(orguserstest.Fault{Path: "/v3/nowhere", Effect: orguserstest.Status(500 + n)})
				c.server.RemoveUser(added[1].Email)
				guest := fmt.Sprintf("guest%d@example.com", n)
				owner.ask("POST", shares, c.fill(fmt.Sprintf(`{"share":{"users":{%q:["{Member}"]},"stacks":{%q:{"{stack}":["{role}"]}}}}`, guest, guest)))
				owner.ask("GET", "/v3/organizations/{org}/stacks", "")
				owner.ask("DELETE", shares, fmt.Sprintf(`{"emails":[%q]}`, guest))
				owner.ask("GET", logs, "")
				_, _, _, _ = c.server.Requests(), c.server.Outbox(), c.server.Users(), c.server.RotateOAuthToken()
			}
		})
	}
	all.Wait()
	if got := len(c.server.Users()); got != 25+80 || len(c.server.Outbox()) != 80 {
		t.Errorf("%d users, %d emails", got, len(c.server.Outbox()))
	}
}
