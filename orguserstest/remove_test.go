package orguserstest_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers/orguserstest"
)

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
		t.Errorf("%d rows, mails %q", len(c.server.Users()), c.mails())
	}
	// The account stays, and can be invited again; its stacks are gone.
	c.as("Authtoken", token).get("/v3/user")
	if a := c.as("Authtoken", token).ask("GET", "/v3/organizations/{org}", ""); a.status != 403 {
		t.Errorf("who was removed gets %d", a.status)
	}
	c.ask("POST", shares, c.fill(`{"share":{"users":{"grace@example.com":["{Member}"]}}}`))
	if again := c.user("grace@example.com"); again.UID != grace.UID || again.Stacks != nil || !again.Pending {
		t.Errorf("back as %+v", again)
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
		{"nobody", `{"emails":[]}`, 422},
		{"no list", `{"emails":"ada@example.com"}`, 422},
		{"the owner among them", `{"emails":["ada@example.com","BOSS@example.com"]}`, 422},
		{"no JSON", `{`, 400},
		{"only strangers", `{"emails":["nobody@example.com"]}`, 200},
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

func TestTransferOwnership(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team()...)
	const path = "/v3/organizations/{org}/transfer-ownership"
	if a := c.ask("POST", path, `{"transfer_to":"ada@example.com"}`); a.status != 403 {
		t.Errorf("as an administrator: %d", a.status)
	}
	owner := c.as("Authtoken", c.server.SignIn("boss@example.com"))
	for _, to := range []string{"", "nobody@example.com", "guest@example.com", "boss@example.com"} {
		if a := owner.ask("POST", path, `{"transfer_to":"`+to+`"}`); a.status != 422 {
			t.Errorf("to %q: %d", to, a.status)
		}
	}
	organization := func() map[string]any {
		org, _ := c.get("/v3/organizations/{org}").json["organization"].(map[string]any)
		return org
	}
	if before := organization(); before["is_transfer_set"] != nil || len(c.server.Outbox()) != 0 {
		t.Errorf("before: %v, %q", before, c.mails())
	}
	a := owner.ask("POST", path, `{"transfer_to":"Ada@example.com"}`)
	if a.text != `{"notice":"Email has been successfully sent to the user."}` || !slices.Equal(c.mails(), []string{"ownership transfer to ada@example.com"}) {
		t.Errorf("got %d %s, %q", a.status, a.text, c.mails())
	}
	if after := organization(); after["is_transfer_set"] != true || after["owner_uid"] != c.user("boss@example.com").UID {
		t.Errorf("after: %v", after)
	}
	if mail := c.server.Outbox()[0]; mail.Kind != orguserstest.MailOwnershipTransfer || mail.Organization != c.server.OrganizationUID {
		t.Errorf("the mail is %+v", mail)
	}
}
