package orguserstest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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

// A server that does not listen and does not respond, in each of its ways. The client of its Options gives up after its
// timeout, so that a test in fake time does not hang.
func TestOptionsHaveATimeout(t *testing.T) {
	t.Parallel()
	slow := func(e orguserstest.Effect) orguserstest.Option {
		return orguserstest.WithFault(orguserstest.Fault{Effect: e})
	}
	for name, option := range map[string]orguserstest.Option{
		"no response":          slow(orguserstest.Hang()),
		"a slow body":          slow(orguserstest.SlowBody(24 * time.Hour)),
		"a late response":      slow(orguserstest.Delay(time.Hour)),
		"a slow network":       orguserstest.WithLatency(time.Hour),
		"no response at times": orguserstest.WithFault(orguserstest.Fault{Skip: 1, Effect: orguserstest.Hang()}),
	} {
		for _, attempts := range []int{1, 3} {
			t.Run(fmt.Sprint(name, "/", attempts), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					server := orguserstest.NewUnstartedServer(option)
					defer server.Close()
					client, err := orgusers.New(server.OrganizationUID, append(server.Options(), orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: attempts}))...)
					if err != nil {
						t.Fatal(err)
					}
					if name == "no response at times" {
						if _, err := client.GetOrganization(t.Context(), nil); err != nil {
							t.Fatal(err)
						}
					}
					began := time.Now()
					_, err = client.RemoveUsers(t.Context(), []string{"ada@example.com"}, nil)
					if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took < time.Minute || took > time.Duration(attempts+1)*time.Minute {
						t.Errorf("got %v after %v", err, took)
					}
				})
			})
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
