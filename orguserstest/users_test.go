package orguserstest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers/orguserstest"
)

func TestListWithoutParameters(t *testing.T) {
	t.Parallel()
	c := overSocket(t, orguserstest.WithUsers(100))
	for path, list := range map[string]string{
		"/v3/organizations/{org}/share": "shares", "/v3/organizations/{org}/stacks": "stacks",
		"/v3/organizations/{org}/roles": "roles", "/v3/organizations": "organizations",
	} {
		var times []string
		for _, row := range c.get(path).list(list) {
			times = append(times, row["updated_at"].(string))
		}
		if !slices.IsSortedFunc(times, func(a, b string) int { return strings.Compare(b, a) }) {
			t.Errorf("%s is not sorted by updated_at, newest first: %q", path, times)
		}
		if list == "shares" && len(times) != 10 {
			t.Errorf("%s has %d rows, want 10", path, len(times))
		}
		if a := c.ask("GET", path+"?limit=0", ""); a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s with limit=0: got %d", path, a.status)
		}
		want := c.get(path + "?desc=updated_at").list(list)
		if diff := cmp.Diff(want, c.get(path+"?desc=update_at").list(list)); diff != "" {
			t.Errorf("%s: update_at sorts otherwise than updated_at: %s", path, diff)
		}
	}
}

func TestTimesHaveThreeDecimals(t *testing.T) {
	t.Parallel()
	c := overSocket(t)
	for _, row := range c.get("/v3/organizations/{org}/share?asc=created_at&limit=100&include_user_details=true").list("shares") {
		for _, field := range []string{"invited_at", "created_at", "updated_at", "last_login_at"} {
			value, has := row[field].(string)
			if _, err := time.Parse("2006-01-02T15:04:05.000Z", value); has && err != nil {
				t.Errorf("%s: %v", field, err)
			}
		}
	}
}

func TestSeededSharesHaveEveryOddCorner(t *testing.T) {
	t.Parallel()
	c := overSocket(t, orguserstest.WithUsers(1000))
	corners := map[string]func(row map[string]any) bool{
		"a pending row with names of an account": func(r map[string]any) bool {
			return r["last_name"] != "N/A" && r["last_name"] != "NO_LAST_NAME" && r["status"] == "pending"
		},
		"a message":                    func(r map[string]any) bool { m, _ := r["message"].(string); return m != "" },
		"no message":                   func(r map[string]any) bool { _, has := r["message"]; return !has },
		"access without SSO":           func(r map[string]any) bool { return r["access_without_sso"] == true },
		"access without SSO denied":    func(r map[string]any) bool { return r["access_without_sso"] == false },
		"several roles":                func(r map[string]any) bool { roles, _ := r["org_roles"].([]any); return len(roles) > 1 },
		"the last name NO_LAST_NAME":   func(r map[string]any) bool { return r["last_name"] == "NO_LAST_NAME" },
		"the last name N/A":            func(r map[string]any) bool { return r["last_name"] == "N/A" },
		"MFA":                          func(r map[string]any) bool { return r["tfa_status"] == "verified" },
		"no MFA":                       func(r map[string]any) bool { _, has := r["tfa_status"]; return !has },
		"a member who never logged in": func(r map[string]any) bool { return r["last_login_at"] == nil && r["status"] == "accepted" },
		"a member invited by System":   func(r map[string]any) bool { return r["invited_by"] == "System" && r["is_owner"] == nil },
		"a uid of 24 plain digits": func(r map[string]any) bool {
			uid, _ := r["user_uid"].(string)
			return len(uid) == 24 && !strings.Contains(uid, "blt")
		},
		"a uid of sys_blt":             func(r map[string]any) bool { return strings.HasPrefix(r["uid"].(string), "sys_blt") },
		"an apostrophe in an address":  func(r map[string]any) bool { return strings.Contains(r["email"].(string), "'") },
		"a plus in an address":         func(r map[string]any) bool { return strings.Contains(r["email"].(string), "+") },
		"capitals in an address":       func(r map[string]any) bool { return strings.ToLower(r["email"].(string)) != r["email"] },
		"an address that is a formula": func(r map[string]any) bool { return strings.HasPrefix(r["email"].(string), "=") },
		"a name of =":                  func(r map[string]any) bool { return strings.HasPrefix(r["first_name"].(string), "=") },
		"a name of +":                  func(r map[string]any) bool { return strings.HasPrefix(r["first_name"].(string), "+") },
		"a name of -":                  func(r map[string]any) bool { return strings.HasPrefix(r["first_name"].(string), "-") },
		"a name of @":                  func(r map[string]any) bool { return strings.HasPrefix(r["first_name"].(string), "@") },
		"quotes in a name":             func(r map[string]any) bool { return strings.Contains(r["first_name"].(string), `"`) },
		"a comma in a name":            func(r map[string]any) bool { return strings.Contains(r["first_name"].(string), ",") },
		"a line break in a name":       func(r map[string]any) bool { return strings.Contains(r["first_name"].(string), "\n") },
		"a name beyond ASCII":          func(r map[string]any) bool { return strings.Contains(r["first_name"].(string), "王") },
		"an invited address as its own name": func(r map[string]any) bool {
			first, _ := r["first_name"].(string)
			return r["status"] == "pending" && strings.HasPrefix(r["email"].(string), first+"@")
		},
		"the owner's row": func(r map[string]any) bool {
			return r["is_owner"] == true && r["status"] == "accepted" && r["invited_by"] != "System" && r["org_roles"] == nil
		},
	}
	seen, owners, ties := map[string]bool{}, 0, 0
	addresses, created := map[string]bool{}, ""
	for skip := 0; skip < 1000; skip += 100 {
		for _, row := range c.get(fmt.Sprintf("/v3/organizations/{org}/share?asc=created_at&include_user_details=true&limit=100&skip=%d", skip)).list("shares") {
			for corner, shows := range corners {
				seen[corner] = seen[corner] || shows(row)
			}
			if row["is_owner"] == true {
				owners++
			}
			email := strings.ToLower(row["email"].(string))
			if _, domain, _ := strings.Cut(email, "@"); addresses[email] || !slices.Contains([]string{"example.com", "example.org", "example.net"}, domain) {
				t.Errorf("the address %q", email)
			}
			addresses[email] = true
			if row["created_at"] == created {
				ties++
			}
			if created > row["created_at"].(string) {
				t.Errorf("%s comes after %s", row["created_at"], created)
			}
			created = row["created_at"].(string)
		}
	}
	for corner := range corners {
		if !seen[corner] {
			t.Errorf("no row has %s", corner)
		}
	}
	if len(addresses) != 1000 || owners != 1 || ties == 0 {
		t.Errorf("%d addresses, %d owners, %d rows created in the same millisecond as another", len(addresses), owners, ties)
	}
}

func TestASmallOrganizationHasEverybody(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewUnstartedServer()
	states := map[string]func(u orguserstest.User) bool{
		"owner": func(u orguserstest.User) bool { return u.Owner },
		"pending": func(u orguserstest.User) bool {
			return u.Pending && u.LastName == "N/A" || u.LastName == "NO_LAST_NAME"
		},
		"pending account": func(u orguserstest.User) bool {
			return u.Pending && u.LastName != "N/A" && u.LastName != "NO_LAST_NAME"
		},
		"administrator": func(u orguserstest.User) bool {
			return len(u.RoleNames) == 1 && strings.EqualFold(u.RoleNames[0], "admin")
		},
		"several roles":     func(u orguserstest.User) bool { return len(u.RoleNames) > 1 },
		"no role":           func(u orguserstest.User) bool { return len(u.RoleNames) == 0 && !u.Owner },
		"locked for a time": func(u orguserstest.User) bool { return u.Locked && u.FailedLogins < 10 },
		"locked for good":   func(u orguserstest.User) bool { return u.Locked && u.FailedLogins == 10 },
		"MFA":               func(u orguserstest.User) bool { return u.MFA },
		"no MFA":            func(u orguserstest.User) bool { return !u.MFA && !u.Pending },
		"never logged in":   func(u orguserstest.User) bool { return u.LastLogin.IsZero() && !u.Pending },
		"in several":        func(u orguserstest.User) bool { return u.SeveralOrganizations && u.Email != server.Email },
	}
	users := server.Users()
	if len(users) != 25 {
		t.Errorf("%d users", len(users))
	}
	for state, has := range states {
		if !slices.ContainsFunc(users, has) {
			t.Errorf("no user is %s", state)
		}
	}
	me, _ := server.User(server.Email)
	if me.Owner || me.MFA || !slices.Contains(me.Sessions, server.AuthToken) {
		t.Errorf("the user of AuthToken is %+v", me)
	}
}

// Most users log in regularly, so a report of inactive users finds some.
func TestLastLogins(t *testing.T) {
	t.Parallel()
	date := time.Date(2025, time.March, 1, 0, 0, 0, 0, time.UTC)
	server := orguserstest.NewUnstartedServer(orguserstest.WithUsers(1000), orguserstest.WithReferenceDate(date))
	logins := 0
	within := map[int]int{7: 0, 30: 0, 90: 0, 365: 0, 2200: 0} // by days
	for _, user := range server.Users() {
		if user.LastLogin.IsZero() {
			continue
		}
		logins++
		if user.LastLogin.Before(user.UpdatedAt) || !user.LastLogin.Before(date) {
			t.Errorf("last login at %v, joined at %v, reference date %v", user.LastLogin, user.UpdatedAt, date)
		}
		for days := range within {
			if user.LastLogin.After(date.AddDate(0, 0, -days)) {
				within[days]++
			}
		}
	}
	for days, percent := range map[int][2]int{7: {30, 45}, 30: {40, 60}, 90: {50, 75}, 365: {75, 90}, 2200: {100, 100}} {
		if got := 100 * within[days] / logins; got < percent[0] || got > percent[1] {
			t.Errorf("%d %% of the last logins are within %d days, want %d to %d", got, days, percent[0], percent[1])
		}
	}
}

func TestSorting(t *testing.T) {
	t.Parallel()
	c := overSocket(t, orguserstest.WithUsers(60))
	for _, field := range []string{"email", "first_name", "last_name", "invited_at", "created_at", "updated_at", "last_login_at"} {
		up := c.get("/v3/organizations/{org}/share?limit=100&include_user_details=true&asc=" + field)
		down := c.get("/v3/organizations/{org}/share?limit=100&include_user_details=true&desc=" + field)
		var values []string
		for _, row := range up.list("shares") {
			value, _ := row[field].(string)
			values = append(values, strings.ToLower(value))
		}
		if !slices.IsSorted(values) || len(values) != 60 {
			t.Errorf("by %s: %q", field, values)
		}
		reversed := down.emails()
		slices.Reverse(reversed)
		if diff := cmp.Diff(up.emails(), reversed); diff != "" {
			t.Errorf("by %s, descending is not the reverse: %s", field, diff)
		}
	}
}

func TestPagesConnectOnlyWithASort(t *testing.T) {
	t.Parallel()
	c := overSocket(t, orguserstest.WithUsers(500))
	read := func(sort string) []string {
		var emails []string
		for skip := 0; skip < 500; skip += 50 {
			emails = append(emails, c.get(fmt.Sprintf("/v3/organizations/{org}/share?limit=50&skip=%d%s", skip, sort)).emails()...)
		}
		slices.Sort(emails)
		return slices.Compact(emails)
	}
	if got := len(read("&asc=created_at")); got != 500 {
		t.Errorf("sorted pages have %d users", got)
	}
	if got := len(read("")); got == 500 {
		t.Error("unsorted pages have all users")
	}
	if got := len(c.get("/v3/organizations/{org}/share?typeahead=example&limit=100").emails()); got != 100 {
		t.Errorf("an unsorted page has %d rows", got)
	}
}

func TestPageSizes(t *testing.T) {
	t.Parallel()
	c := overSocket(t, orguserstest.WithUsers(250))
	for query, want := range map[string]int{
		"": 10, "&limit=7": 7, "&limit=1000": 100, "&limit=100&skip=200": 50, "&skip=250": 0, "&skip=9999": 0,
	} {
		if got := len(c.get("/v3/organizations/{org}/share?asc=email" + query).emails()); got != want {
			t.Errorf("%q: %d rows, want %d", query, got, want)
		}
	}
	c = overSocket(t, orguserstest.WithUsers(250), orguserstest.WithPageCap(1))
	if got := len(c.get("/v3/organizations/{org}/share?asc=email&limit=100").emails()); got != 1 {
		t.Errorf("%d rows with pages of one", got)
	}
}

func TestCountIsThereOnlyWhenAskedFor(t *testing.T) {
	t.Parallel()
	c := overSocket(t)
	for _, path := range []string{"/v3/organizations", "/v3/organizations/{org}/share", "/v3/organizations/{org}/roles", "/v3/organizations/{org}/stacks"} {
		if _, has := c.get(path).json["count"]; has {
			t.Errorf("%s has a count", path)
		}
		if n, _ := c.get(path + "?include_count=true").json["count"].(float64); n < 2 {
			t.Errorf("%s has the count %v", path, n)
		}
	}
	c = overSocket(t, orguserstest.WithoutCount())
	if _, has := c.get("/v3/organizations/{org}/share?include_count=true").json["count"]; has {
		t.Error("a server without counts has one")
	}
}

func TestTypeahead(t *testing.T) {
	t.Parallel()
	c := overSocket(t, orguserstest.WithPeople(
		orguserstest.Person{Email: "boss@example.com", Owner: true},
		orguserstest.Person{Email: "x1@example.com", FirstName: "Ada", LastName: "Lovelace"},
		orguserstest.Person{Email: "ADA@example.org", FirstName: "Someone", LastName: "Else"},
		orguserstest.Person{Email: "x2@example.com", FirstName: "Grace", LastName: "Hopper"},
	))
	for text, want := range map[string][]string{
		"ada":          {"ADA@example.org", "x1@example.com"},
		"a%20LOVE":     {"x1@example.com"},
		"example.com":  {"boss@example.com", "x1@example.com", "x2@example.com"},
		"nobody":       nil,
		"%20hopper%20": {"x2@example.com"},
	} {
		a := c.get("/v3/organizations/{org}/share?include_count=true&asc=email&typeahead=" + text)
		if diff := cmp.Diff(want, a.emails()); diff != "" || a.json["count"] != float64(len(want)) {
			t.Errorf("%s: %s, count %v", text, diff, a.json["count"])
		}
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	c := overSocket(t, orguserstest.WithUsers(150), orguserstest.WithPeople(
		orguserstest.Person{Email: "boss@example.com", Owner: true},
		orguserstest.Person{Email: "First@example.com"},
		orguserstest.Person{Email: "second@example.com", Pending: true},
	))
	const path = "/v3/organizations/{org}/share/search"
	for _, test := range []struct {
		name, query, body string
		want              []string
		rows              int
	}{
		{"by address, ignoring case", "", `{"emails":["SECOND@example.com","nobody@example.com","first@example.com","first@EXAMPLE.com"]}`, []string{"First@example.com", "second@example.com"}, 2},
		{"page by page", "?limit=1&skip=1", `{"emails":["first@example.com","second@example.com"]}`, []string{"second@example.com"}, 1},
		{"with a sort that it does not know", "?asc=shoe_size&typeahead=x", `{"emails":["first@example.com"]}`, []string{"First@example.com"}, 1},
		{"nobody", "", `{"emails":["nobody@example.com"]}`, nil, 0},
		{"without a body: all users", "?limit=100", "", nil, 100},
		{"with an empty list: all users", "?limit=100&skip=100", `{"emails":[]}`, nil, 50},
	} {
		a := c.ask("POST", path+test.query, test.body)
		if a.status != http.StatusOK || len(a.emails()) != test.rows {
			t.Errorf("%s: %d with %d rows", test.name, a.status, len(a.emails()))
		}
		if test.want != nil && !slices.Equal(a.emails(), test.want) {
			t.Errorf("%s: got %q", test.name, a.emails())
		}
	}
	a := c.ask("POST", path+"?include_count=true&include_roles=true&include_user_details=true&include_invited_by=true", `{"emails":["first@example.com"]}`)
	row := a.list("shares")[0]
	if role, _ := row["org_roles"].([]any)[0].(map[string]any); a.json["count"] != 1.0 || role["name"] == nil || row["first_name"] != "" {
		t.Errorf("got %s", a.text)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team()...)
	stack := c.server.Stacks()[0]
	c.server.SetStackAccess("grace@example.com", stack.APIKey, stack.Roles[0].UID)
	token := c.server.SignIn("grace@example.com")
	grace := c.user("grace@example.com")

	a := c.ask("DELETE", shares, `{"emails":["invited@example.com"," Grace@Example.com","nobody@example.com","grace@example.com"]}`)
	if a.status != 200 || a.json["notice"] != "The invitation has been deleted successfully." || !slices.Equal(a.emails(), []string{"invited@example.com", "grace@example.com"}) {
		t.Fatalf("got %d %s", a.status, a.text)
	}
	var sample struct {
		Shares []map[string]any `json:"shares"`
	}
	if err := json.Unmarshal([]byte(c.sample("remove_response.json")), &sample); err != nil {
		t.Fatal(err)
	}
	fields := func(row map[string]any) []string { return slices.Sorted(maps.Keys(row)) }
	if diff := cmp.Diff(fields(sample.Shares[0]), fields(a.list("shares")[0])); diff != "" {
		t.Errorf("not as the sample: %s", diff)
	}
	if _, there := c.server.User("invited@example.com"); there || len(c.server.Users()) != 7 || len(c.server.Outbox()) != 0 {
		t.Errorf("%d rows, emails %q", len(c.server.Users()), c.emails())
	}
	// The account remains and can be invited again. Its stacks are gone.
	c.as("Authtoken", token).get("/v3/user")
	if a := c.as("Authtoken", token).ask("GET", "/v3/organizations/{org}", ""); a.status != 403 {
		t.Errorf("the removed user gets %d", a.status)
	}
	c.ask("POST", shares, c.fill(`{"share":{"users":{"grace@example.com":["{Member}"]}}}`))
	if again := c.user("grace@example.com"); again.UID != grace.UID || again.Stacks != nil || !again.Pending {
		t.Errorf("invited again as %+v", again)
	}
}

func TestRemovalsThatAreRefused(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team()...)
	for _, test := range []struct {
		name, body string
		status     int
	}{
		{"no body", "", 422},
		{"an empty list", `{"emails":[]}`, 422},
		{"not a list", `{"emails":"ada@example.com"}`, 422},
		{"the owner among them", `{"emails":["ada@example.com","BOSS@example.com"]}`, 422},
		{"invalid JSON", `{`, 400},
		{"only unknown addresses", `{"emails":["nobody@example.com"]}`, 200},
	} {
		if a := c.ask("DELETE", shares, test.body); a.status != test.status || len(a.list("shares")) != 0 {
			t.Errorf("%s: got %d %s", test.name, a.status, a.text)
		}
	}
	if a := c.as("Content-Type", "text/plain").ask("DELETE", shares, `{"emails":["ada@example.com"]}`); a.status != 400 {
		t.Errorf("without a content type: %d", a.status)
	}
	if got := len(c.server.Users()); got != 9 {
		t.Errorf("%d rows", got)
	}
}
