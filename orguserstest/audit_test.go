package orguserstest_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers/orguserstest"
)

const logs = "/v3/organizations/{org}/logs"

func TestAuditLog(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team()...)
	if a := c.get(logs); a.text != `{"logs":[]}` {
		t.Errorf("at first: %s", a.text)
	}
	guest := c.user("guest@example.com")
	c.ask("POST", shares, c.fill(`{"share":{"users":{"new@example.com":["{Member}"],"ada@example.com":["{Admin}"]}}}`))
	c.ask("GET", shares+"/"+guest.ShareUID+"/resend_invitation", "")
	c.ask("DELETE", shares, `{"emails":["grace@example.com"]}`)
	c.ask("DELETE", shares, `{"emails":["boss@example.com"]}`) // refused
	c.server.RemoveUser("locked@example.com")                  // behind the back of everybody
	c.as("Authtoken", c.server.SignIn("boss@example.com")).ask("POST", "/v3/organizations/{org}/transfer-ownership", `{"transfer_to":"ada@example.com"}`)

	a := c.get(logs + "?include_count=true")
	var got []string
	for _, entry := range a.list("logs") {
		metadata, _ := entry["metadata"].(map[string]any)
		got = append(got, fmt.Sprint(entry["event_type"], ": ", metadata["title"]))
	}
	want := []string{
		"transfer ownership: ada@example.com", "remove: grace@example.com", "resend invitation: guest@example.com",
		"invite: new@example.com", "invite: ada@example.com",
	}
	if diff := cmp.Diff(want, got); diff != "" || a.json["count"] != nil {
		t.Errorf("%s, count %v", diff, a.json["count"])
	}
	newest, oldest := a.list("logs")[0], a.list("logs")[4]
	if newest["created_by"] != c.user("boss@example.com").UID || oldest["created_by"] != c.user("admin@example.com").UID || oldest["remote_addr"] != "127.0.0.1" {
		t.Errorf("got %v and %v", newest, oldest)
	}
	fields := []string{"created_at", "created_by", "event_type", "metadata", "module", "remote_addr", "uid"}
	if got := slices.Sorted(maps.Keys(oldest)); !slices.Equal(got, fields) {
		t.Errorf("an entry has %q", got)
	}
	one := c.get(logs + "/" + oldest["uid"].(string))
	if diff := cmp.Diff(oldest, one.json["log"]); diff != "" {
		t.Error(diff)
	}
	if a := c.ask("GET", logs+"/blt0", ""); a.status != 404 {
		t.Errorf("an unknown entry: %d", a.status)
	}
	if a := c.as("Authtoken", c.server.SignIn("secured@example.com")).ask("GET", logs, ""); a.status != 403 {
		t.Errorf("as a member: %d", a.status)
	}
	if a := c.ask("GET", "/v3/organizations/"+c.server.SecondOrganizationUID+"/logs", ""); a.text != `{"logs":[]}` {
		t.Errorf("another organization: %s", a.text)
	}
}

func TestPagesOfTheAuditLog(t *testing.T) {
	t.Parallel()
	c := inProcess(t, team()...)
	guest := c.user("guest@example.com")
	for range 60 {
		c.ask("GET", shares+"/"+guest.ShareUID+"/resend_invitation", "")
	}
	seen := map[any]bool{}
	for _, test := range []struct {
		query string
		rows  int
	}{{"", 25}, {"?limit=100&skip=25", 25}, {"?skip=50&limit=9", 9}, {"?skip=59", 1}, {"?skip=60", 0}, {"?skip=0&limit=0", 0}} {
		rows := c.get(logs + test.query).list("logs")
		if len(rows) != test.rows {
			t.Errorf("%s: %d rows", test.query, len(rows))
		}
		for _, row := range rows {
			if seen[row["uid"]] {
				t.Errorf("%s: %v comes twice", test.query, row["uid"])
			}
			seen[row["uid"]] = true
			if row["remote_addr"] != "127.0.0.1" {
				t.Errorf("from %v", row["remote_addr"])
			}
		}
	}
	if len(seen) != 60 {
		t.Errorf("%d entries", len(seen))
	}
	if a := c.ask("GET", logs+"?skip=-1", ""); a.status != 422 {
		t.Errorf("a negative skip: %d", a.status)
	}
	c = inProcess(t, team(orguserstest.WithPageCap(2))...)
	c.ask("DELETE", shares, `{"emails":["ada@example.com","grace@example.com","guest@example.com"]}`)
	if rows := c.get(logs).list("logs"); len(rows) != 2 {
		t.Errorf("with a page cap: %d rows", len(rows))
	}
}
