package orguserstest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers/orguserstest"
)

// write is a request that makes one change.
type write struct {
	name, method, path, body string
	emails                   int // number of emails
	changed                  func(c *client) bool
}

var writes = []write{
	{
		"invite", "POST", shares, `{"share":{"users":{"new@example.com":["{Member}"]}}}`, 1,
		func(c *client) bool { _, there := c.server.User("new@example.com"); return there },
	},
	{
		"invite a member", "POST", shares, `{"share":{"users":{"ada@example.com":["{Admin}"]}}}`, 1,
		func(c *client) bool { return c.user("ada@example.com").RoleUIDs[0] == c.server.RoleUID("Admin") },
	},
	{
		"remove", "DELETE", shares, `{"emails":["ada@example.com"]}`, 0,
		func(c *client) bool { _, there := c.server.User("ada@example.com"); return !there },
	},
	{
		"resend", "GET", shares + "/{guest}/resend_invitation", "", 1,
		func(c *client) bool { return len(c.server.Outbox()) > 0 },
	},
	{
		"transfer ownership", "POST", "/v3/organizations/{org}/transfer-ownership", `{"transfer_to":"ada@example.com"}`, 1,
		func(c *client) bool {
			return strings.Contains(c.get("/v3/organizations/{org}").text, `"transfer_to":"ada@example.com"`)
		},
	},
	{
		"set stack roles", "POST", "/v3/stacks/users/roles", `{"users":{"{grace}":["{role2}"]}}`, 0,
		func(c *client) bool {
			return c.user("grace@example.com").Stacks[c.fill("{stack}")][0] == c.fill("{role2}")
		},
	},
	{
		"share stack", "POST", "/v3/stacks/share", `{"emails":["ada@example.com"],"roles":{"ada@example.com":["{role}"]}}`, 1,
		func(c *client) bool { return len(c.user("ada@example.com").Stacks) == 1 },
	},
	{
		"unshare stack", "POST", "/v3/stacks/unshare", `{"email":"grace@example.com"}`, 0,
		func(c *client) bool { return len(c.user("grace@example.com").Stacks) == 0 },
	},
	{"unlock", "POST", unlock, `{"emails":["locked@example.com"]}`, 0, func(c *client) bool { return !c.user("locked@example.com").Locked }},
	{"reset MFA", "POST", resetMFA, `{"emails":["secured@example.com"]}`, 1, func(c *client) bool { return !c.user("secured@example.com").MFA }},
	{
		"force password reset", "POST", forceReset, `{"emails":["ada@example.com"]}`, 1,
		func(c *client) bool { return c.user("ada@example.com").PasswordResetRequired },
	},
	{"end sessions", "POST", endSession, `{"emails":["ada@example.com"]}`, 0, func(c *client) bool { return len(c.user("ada@example.com").Sessions) == 0 }},
	{
		"update roles", "POST", setRoles, `{"emails":["ada@example.com"],"roles":["{Admin}"]}`, 1,
		func(c *client) bool { return c.user("ada@example.com").RoleUIDs[0] == c.server.RoleUID("Admin") },
	},
}

// writer returns a client of the owner. Each write has something to change in
// its organization.
func writer(t *testing.T, connect func(*testing.T, ...orguserstest.Option) *client) *client {
	t.Helper()
	c := connect(t, team()...)
	for _, u := range c.server.Users() {
		for key := range u.Stacks {
			c.server.SetStackAccess(u.Email, key)
		}
	}
	c.server.SetStackAccess("grace@example.com", c.fill("{stack}"), c.fill("{role}"))
	c.server.SignIn("ada@example.com")
	return c.as("Authtoken", c.server.SignIn("boss@example.com")).as("Api_key", c.fill("{stack}"))
}

// send sends a write. It reports whether the connection had been used before.
func (c *client) send(ctx context.Context, w write) (reused bool, err error) {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(conn httptrace.GotConnInfo) { reused = reused || conn.Reused },
	})
	uids := strings.NewReplacer("{org}", c.server.OrganizationUID, "{guest}", c.user("guest@example.com").ShareUID, "{grace}", c.user("grace@example.com").UID)
	request, err := http.NewRequestWithContext(ctx, w.method, c.server.URL+uids.Replace(w.path), strings.NewReader(uids.Replace(c.fill(w.body))))
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header = c.header.Clone()
	request.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return reused, err
	}
	_, err = io.ReadAll(response.Body)
	return reused, err
}

// changes returns the number of changes: the entries of the audit log.
func (c *client) changes() int {
	c.server.ClearFaults()
	return len(c.get(logs).list("logs"))
}

func TestEveryWriteUnderEveryFault(t *testing.T) {
	t.Parallel()
	faults := []struct {
		name   string
		effect orguserstest.Effect
		always bool // the change is always made
	}{
		{"429", orguserstest.Status(429), false},
		{"500", orguserstest.Status(500), false},
		{"504 in HTML", orguserstest.HTML(504), false},
		{"200 in HTML", orguserstest.HTML(200), false},
		{"a redirect", orguserstest.Redirect(307, "/v3/user"), false},
		{"a reset", orguserstest.Reset(), false},
		{"a hang", orguserstest.Hang(), false},
		{"a huge body", orguserstest.HugeBody(1 << 10), false},
		{"an empty body", orguserstest.EmptyBody(), true},
		{"half a JSON", orguserstest.TruncatedJSON(), true},
		{"a cut body", orguserstest.CutBody(), true},
		{"a reset in the body", orguserstest.ResetBody(), true},
	}
	for _, w := range writes {
		for _, fault := range faults {
			for _, after := range []bool{false, true} {
				for _, reuse := range []bool{false, true} {
					if fault.always && !after {
						continue
					}
					name := w.name + "/" + fault.name + map[bool]string{false: " before", true: " after"}[after] + map[bool]string{false: ", fresh", true: ", reused"}[reuse]
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						want := 0
						if after {
							want = 1
						}
						if fault.name == "a reset" && reuse && w.method == http.MethodGet {
							want++ // net/http sends it again
						}
						c, reused := sendWithFault(t, w, orguserstest.Fault{Method: w.method, Times: 1, Effect: fault.effect, After: after}, reuse)
						deadline := time.Now().Add(5 * time.Second)
						for c.changes() != want && time.Now().Before(deadline) { // a canceled client does not wait for the server
							<-time.After(time.Millisecond)
						}
						if got := c.changes(); reused != reuse || got != want || w.changed(c) != (want > 0) || len(c.server.Outbox()) != want*w.emails {
							t.Errorf("reused: %v, %d changes, changed: %v, emails %q", reused, got, w.changed(c), c.emails())
						}
					})
				}
			}
		}
	}
}

// sendWithFault sends a write that a fault selects. It cancels the request if the
// server hangs.
func sendWithFault(t *testing.T, w write, fault orguserstest.Fault, reuse bool) (c *client, reused bool) {
	t.Helper()
	for range 10 { // net/http may drop a connection on a busy machine
		c = writer(t, overSocket)
		if reuse {
			c.get("/v3/user")
		}
		c.server.AddFault(fault)
		ctx, cancel := context.WithCancel(t.Context())
		if fmt.Sprint(fault.Effect) == fmt.Sprint(orguserstest.Hang()) {
			c.server.OnRequest(func(*orguserstest.Request) { cancel() })
		}
		reused, _ = c.send(ctx, w) // some effects make it fail
		cancel()
		if reused == reuse {
			break
		}
	}
	return c, reused
}

func TestAChangeThatComesLater(t *testing.T) {
	t.Parallel()
	for _, w := range writes {
		synctest.Test(t, func(t *testing.T) {
			c := writer(t, inProcess)
			c.server.AddFault(orguserstest.Fault{Method: w.method, Times: 1, Effect: orguserstest.Status(504), Later: 2 * time.Second})
			if _, err := c.send(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			requests := c.server.Requests()
			if last := requests[len(requests)-1]; last.Status != 504 {
				t.Errorf("%s: got %d", w.name, last.Status)
			}
			time.Sleep(2*time.Second - time.Nanosecond) // fake time
			if c.changes() != 0 || w.changed(c) || len(c.server.Outbox()) != 0 {
				t.Errorf("%s: changed too early", w.name)
			}
			time.Sleep(time.Nanosecond) // fake time
			synctest.Wait()
			if c.changes() != 1 || !w.changed(c) || len(c.server.Outbox()) != w.emails {
				t.Errorf("%s: not changed", w.name)
			}
		})
	}
}

func TestNothingIsChangedAfterClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := writer(t, inProcess)
		c.server.AddFault(orguserstest.Fault{Effect: orguserstest.HTML(504), Later: time.Minute})
		if _, err := c.send(t.Context(), writes[0]); err != nil {
			t.Fatal(err)
		}
		c.server.Close()
		time.Sleep(time.Hour) // fake time
		if len(c.server.Outbox()) != 0 {
			t.Error("a closed server sends email")
		}
	})
}

func TestPartOfTheWork(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, method, path, body string
		effect                   orguserstest.Effect
		done                     func(c *client) []string
		want                     []string
	}{
		{
			"invite", "POST", shares, `{"share":{"users":{"n3@example.com":["{Member}"],"n1@example.com":["{Member}"],"n2@example.com":["{Member}"]}}}`,
			orguserstest.Status(500), (*client).emails,
			[]string{"invitation to n1@example.com", "invitation to n2@example.com"},
		},
		{
			"force password reset", "POST", forceReset, `{"emails":["locked@example.com","grace@example.com","ada@example.com"]}`,
			orguserstest.Reset(), (*client).emails,
			[]string{"forced password reset to locked@example.com", "forced password reset to grace@example.com"},
		},
		{
			"remove", "DELETE", shares, `{"emails":["ada@example.com","nobody@example.com","grace@example.com","locked@example.com"]}`,
			orguserstest.HTML(502), func(c *client) (gone []string) {
				for _, email := range []string{"ada@example.com", "grace@example.com", "locked@example.com"} {
					if _, there := c.server.User(email); !there {
						gone = append(gone, email)
					}
				}
				return gone
			},
			[]string{"ada@example.com", "grace@example.com"},
		},
		{
			"share stack", "POST", "/v3/stacks/share", `{"emails":["guest@example.com","ada@example.com","locked@example.com"],"roles":{"ada@example.com":["{role}"],"guest@example.com":["{role}"],"locked@example.com":["{role}"]}}`,
			orguserstest.CutBody(), (*client).emails,
			[]string{"stack shared to guest@example.com", "stack shared to ada@example.com"},
		},
		{
			"all of it", "POST", forceReset, `{"emails":["ada@example.com"]}`,
			orguserstest.Status(500), (*client).emails,
			[]string{"forced password reset to ada@example.com"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := writer(t, overSocket)
			c.server.AddFault(orguserstest.Fault{Times: 1, Effect: test.effect, Partial: 2})
			_, _ = c.send(t.Context(), write{method: test.method, path: test.path, body: test.body}) // some effects make it fail
			if got := test.done(c); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
