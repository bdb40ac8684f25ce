package orguserstest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestOptionsMakeAClient(t *testing.T) {
	t.Parallel()
	listening := orguserstest.NewServer(orguserstest.WithBasePath("/proxy"))
	defer listening.Close()
	unstarted := orguserstest.NewUnstartedServer()
	for name, test := range map[string]struct {
		server *orguserstest.Server
		opts   []orgusers.Option
	}{
		"that listens":         {listening, listening.Options()},
		"that does not listen": {unstarted, append(unstarted.Options(), orgusers.WithHTTPClient(&http.Client{Transport: unstarted.Transport()}))},
	} {
		client, err := orgusers.New(test.server.OrganizationUID, test.opts...)
		if err != nil {
			t.Fatalf("a server %s: %v", name, err)
		}
		users := 0
		for _, err := range client.Users(t.Context(), nil) {
			if err != nil {
				t.Fatalf("a server %s: %v", name, err)
			}
			users++
		}
		if users != 25 {
			t.Errorf("a server %s: %d users", name, users)
		}
	}
}

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
