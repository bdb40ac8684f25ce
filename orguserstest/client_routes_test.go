package orguserstest_test

import (
	"strings"
	"testing"

	"github.com/orgusers/orgusers"
)

func TestRoutesAreServed(t *testing.T) {
	t.Parallel()
	c := overSocket(t, team()...)
	c.server.SignIn("ada@example.com")
	routes := c.server.Endpoints()
	for name, test := range map[string]struct {
		route orgusers.Endpoint
		email string
	}{
		"Unlock":             {routes.Unlock, "locked@example.com"},
		"ResetMFA":           {routes.ResetMFA, "secured@example.com"},
		"ForcePasswordReset": {routes.ForcePasswordReset, "ada@example.com"},
		"EndSessions":        {routes.EndSessions, "ada@example.com"},
		"UpdateRoles":        {routes.UpdateRoles, "ada@example.com"},
	} {
		path := strings.ReplaceAll(test.route.Path, "{organization_uid}", "{org}")
		a := c.as("Authtoken", c.server.SignIn("boss@example.com")).ask(test.route.Method, path, c.fill(`{"emails":["`+test.email+`"],"roles":["{Admin}"]}`))
		if a.status != 200 || len(a.list("users")) != 1 || a.list("users")[0]["status"] != "done" {
			t.Errorf("%s: got %d %s", name, a.status, a.text)
		}
	}
}
