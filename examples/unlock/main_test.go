package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/orgusers/orgusers/examples/internal/programtest"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestMain(m *testing.M) { programtest.Main(m, main) }

func TestHelp(t *testing.T) {
	t.Parallel()
	programtest.ExpectHelp(t, "-password-mail", "-routes", "end_sessions", "-apply", `Each status is done, skipped, failed, unknown or "not started"`)
}

// fakeRoutes is a file for -routes with the fake's own requests.
const fakeRoutes = `{
	"unlock": {"method": "POST", "path": "/v3/organizations/{organization_uid}/fake/unlock"},
	"reset_mfa": {"path": "/v3/organizations/{organization_uid}/fake/reset_mfa"},
	"force_password_reset": {"method": "POST", "path": "/v3/organizations/{organization_uid}/fake/force_password_reset"},
	"end_sessions": {"method": "POST", "path": "/v3/organizations/{organization_uid}/fake/end_sessions"}
}`

// unlocking runs the program against a fake, with a file routes.json where it
// is.
func unlocking(t *testing.T, server *orguserstest.Server, routes string, args ...string) programtest.Result {
	t.Helper()
	cmd := programtest.Command(t, programtest.Environment(server), args...)
	if err := os.WriteFile(filepath.Join(cmd.Dir, "routes.json"), []byte(routes), 0o600); err != nil {
		t.Fatal(err)
	}
	return programtest.Run(t, cmd)
}

func TestActions(t *testing.T) {
	t.Parallel()
	mailed := func(kind orguserstest.EmailKind) func(*orguserstest.Server) bool {
		return func(s *orguserstest.Server) bool {
			return maps.Equal(programtest.Mails(s, kind), map[string]int{"member0@example.com": 1, "member1@example.com": 1})
		}
	}
	user := func(is func(orguserstest.User) bool) func(*orguserstest.Server) bool {
		return func(s *orguserstest.Server) bool {
			member, _ := s.User("member1@example.com")
			other, _ := s.User("member2@example.com")
			return is(member) && !is(other)
		}
	}
	for flag, done := range map[string]func(*orguserstest.Server) bool{
		"-unlock":               user(func(u orguserstest.User) bool { return !u.Locked }),
		"-reset-mfa":            mailed(orguserstest.EmailMFAReset),
		"-force-password-reset": mailed(orguserstest.EmailForcedPasswordReset),
		"-end-sessions":         user(func(u orguserstest.User) bool { return len(u.Sessions) == 0 }),
		"-password-mail":        mailed(orguserstest.EmailPasswordReset),
	} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			server := programtest.Team(t, 3)
			args := []string{flag, "-routes", "routes.json", "-email", "member0@example.com,MEMBER1@example.com,pending@example.com,stranger@example.com,Member0@example.com"}
			dry := unlocking(t, server, fakeRoutes, args...)
			programtest.ExpectUntouched(t, server)
			if dry.Status != 0 || !strings.Contains(dry.Stderr, "dry run: nothing was sent; 2 would be done, 2 skipped") || done(server) {
				t.Errorf("exit status %d, stderr %q, done %v", dry.Status, dry.Stderr, done(server))
			}
			result := unlocking(t, server, fakeRoutes, append(args, "-apply")...)
			want := map[string]string{"member0@example.com": "done", "MEMBER1@example.com": "done", "pending@example.com": "skipped", "stranger@example.com": "skipped"}
			if got := programtest.Outcomes(t, result.Stdout); result.Status != 0 || !maps.Equal(got, want) {
				t.Errorf("exit status %d, %v, want %v: %s", result.Status, got, want, result.Stderr)
			}
			foretold := programtest.Outcomes(t, strings.ReplaceAll(dry.Stdout, "would be done", "done"))
			if !maps.Equal(foretold, want) {
				t.Errorf("foretold was %v, want %v", foretold, want)
			}
			if !done(server) || !strings.Contains(result.Stderr, "unlock: 2 done, 2 skipped\n") {
				t.Errorf("done %v, outbox %v, stderr %q", done(server), server.Outbox(), result.Stderr)
			}
		})
	}
}

func TestSeveralActions(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 2)
	result := unlocking(t, server, fakeRoutes, "-end-sessions", "-unlock", "-email", "member1@example.com", "-routes", "routes.json", "-apply")
	var order []string
	for _, row := range programtest.Table(t, result.Stdout) {
		order = append(order, row["ACTION"]+" "+row["OUTCOME"])
	}
	if got := strings.Join(order, ", "); result.Status != 0 || got != "unlock done, end-sessions done" {
		t.Errorf("exit status %d, %s", result.Status, got)
	}
}

func TestNoneIfOneCannotBe(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ routes, email, says string }{
		"owner":    {fakeRoutes, "member0@example.com,owner@example.com", `-email: "owner@example.com" belongs to the organization's owner: leave it out`},
		"yourself": {fakeRoutes, "admin@example.com", `-email: "admin@example.com" is your own: leave it out`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := programtest.Team(t, 2)
			result := unlocking(t, server, test.routes, "-unlock", "-end-sessions", "-password-mail", "-email", test.email, "-routes", "routes.json", "-apply")
			programtest.ExpectWrongInput(t, result, test.says)
			programtest.ExpectUntouched(t, server)
		})
	}
}

func TestNoRoute(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 2)
	routes := `{"unlock": {"path": "/v3/organizations/{organization_uid}/fake/unlock"}}`
	result := unlocking(t, server, routes, "-unlock", "-end-sessions", "-password-mail", "-email", "member0@example.com", "-routes", "routes.json", "-apply")
	programtest.ExpectMisuse(t, result, "-end-sessions: orgusers: EndSessions: the API has no public request for this")
	programtest.ExpectUntouched(t, server)
}

func TestFailedRouteAndOthers(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 2, orguserstest.WithoutEndpoints())
	result := unlocking(t, server, fakeRoutes, "-unlock", "-password-mail", "-email", "member0@example.com", "-routes", "routes.json", "-apply")
	want := map[string]string{"member0@example.com": "failed, done"}
	if got := programtest.Outcomes(t, result.Stdout); result.Status != 1 || !maps.Equal(got, want) || !strings.Contains(result.Stderr, "unlock: 1 failed, 1 done") {
		t.Errorf("exit status %d, %v, want %v: %s", result.Status, got, want, result.Stderr)
	}
}

func TestUnknownPasswordMail(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 2)
	server.AddFault(orguserstest.Fault{Path: "/v3/user/forgot_password", Times: 1, After: true, Effect: orguserstest.Reset()})
	result := unlocking(t, server, "", "-password-mail", "-email", programtest.Members(2), "-apply")
	want := map[string]string{"member0@example.com": "unknown", "member1@example.com": "done"}
	if got := programtest.Outcomes(t, result.Stdout); result.Status != 1 || !maps.Equal(got, want) {
		t.Errorf("exit status %d, %v, want %v: %s", result.Status, got, want, result.Stderr)
	}
	if got := len(server.Outbox()); got != 2 {
		t.Errorf("%d mails, want 2", got)
	}
}

func TestUnknownIsToBeRunAgain(t *testing.T) {
	t.Parallel()
	for flags, want := range map[string]string{
		"-unlock":               "run it again, which mails nobody",
		"-end-sessions":         "run it again, which mails nobody",
		"-reset-mfa":            "run it again only for those who got no mail",
		"-force-password-reset": "run it again only for those who got no mail",
		"-password-mail":        "run it again only for those who got no mail",
		"-unlock -end-sessions": "run it again, which mails nobody",
		// Only the first is unknown, and the second has mailed.
		"-unlock -password-mail": "run that action again, alone, and one that mails only for those who got no mail",
	} {
		t.Run(flags, func(t *testing.T) {
			t.Parallel()
			server := programtest.Team(t, 1)
			var once sync.Once
			server.OnRequest(func(r *orguserstest.Request) {
				if r.Write {
					once.Do(func() { server.AddFault(orguserstest.Fault{Times: 1, After: true, Effect: orguserstest.Reset()}) })
				}
			})
			result := unlocking(t, server, fakeRoutes, append(strings.Fields(flags), "-routes", "routes.json", "-email", "member0@example.com", "-apply")...)
			if result.Status != 1 || !strings.HasSuffix(result.Stderr, "what is unknown may have been done: "+want+"\n") {
				t.Errorf("exit status %d, stderr %q", result.Status, result.Stderr)
			}
		})
	}
}

func TestReadThatFails(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"-unlock", "-password-mail"} {
		server := programtest.Team(t, 1, orguserstest.WithFault(orguserstest.Fault{Path: "/v3/organizations/{organization_uid}/share/search", Effect: orguserstest.Status(403)}))
		result := unlocking(t, server, fakeRoutes, flag, "-routes", "routes.json", "-email", "member0@example.com", "-apply")
		if result.Status != 1 || strings.Count(result.Stderr, "nothing was") != 1 {
			t.Errorf("%s: exit status %d, stderr %q", flag, result.Status, result.Stderr)
		}
		programtest.ExpectUntouched(t, server)
	}
}

func TestMisuse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		routes string
		args   []string
		says   string
	}{
		"nothing to do":           {"", []string{"-email", "a@example.com"}, "one or more of -unlock"},
		"nobody":                  {"", []string{"-unlock"}, "give -email or -file"},
		"no file of routes":       {"", []string{"-unlock", "-email", "a@example.com", "-routes", "none.json"}, "none.json"},
		"no JSON":                 {"unlock", []string{"-unlock", "-email", "a@example.com", "-routes", "routes.json"}, "routes.json: invalid"},
		"unknown action":          {`{"unlok": {}}`, []string{"-unlock", "-email", "a@example.com", "-routes", "routes.json"}, "unlok"},
		"more than an object":     {`{} {}`, []string{"-unlock", "-email", "a@example.com", "-routes", "routes.json"}, "more than one object"},
		"route without a place":   {`{"unlock": {"path": "/v3/unlock"}}`, []string{"-unlock", "-email", "a@example.com", "-routes", "routes.json"}, "{organization_uid}"},
		"route to another origin": {`{"unlock": {"path": "//example.com/{organization_uid}"}}`, []string{"-unlock", "-email", "a@example.com", "-routes", "routes.json"}, "endpoint Unlock"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := programtest.Team(t, 1)
			result := unlocking(t, server, test.routes, test.args...)
			programtest.ExpectMisuse(t, result, test.says)
			if len(server.Requests()) > 0 {
				t.Error("it asked the server before it looked at its flags and its input")
			}
		})
	}
}

func TestInterruptTellsDoneFromNotStarted(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 12)
	arrived := programtest.HoldUp(t, server, 3, func(r *orguserstest.Request) bool { return r.Write })
	cmd := programtest.Command(t, programtest.Environment(server), "-password-mail", "-email", programtest.Members(12)+",stranger@example.com", "-apply")
	result := programtest.Interrupt(t, cmd, arrived)
	want := map[string]int{"done": 2, "unknown": 1, "not started": 9, "skipped": 1}
	if got := programtest.Counts(t, result.Stdout); result.Status != 130 || !maps.Equal(got, want) {
		t.Errorf("exit status %d, %v, want 130 and %v: %s", result.Status, got, want, result.Stderr)
	}
	if got := len(server.Outbox()); got != 2 {
		t.Errorf("%d mails, want 2", got)
	}
}

func TestInterruptLeavesOtherActionsNotStarted(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 2)
	arrived := programtest.HoldUp(t, server, 1, func(r *orguserstest.Request) bool { return r.Write })
	cmd := programtest.Command(t, programtest.Environment(server), "-unlock", "-end-sessions", "-password-mail", "-email", "member0@example.com,stranger@example.com", "-apply", "-routes", "routes.json")
	if err := os.WriteFile(filepath.Join(cmd.Dir, "routes.json"), []byte(fakeRoutes), 0o600); err != nil {
		t.Fatal(err)
	}
	result := programtest.Interrupt(t, cmd, arrived)
	want := map[string]int{"unknown": 1, "not started": 4, "skipped": 1}
	if got := programtest.Counts(t, result.Stdout); result.Status != 130 || !maps.Equal(got, want) {
		t.Errorf("exit status %d, %v, want 130 and %v: %s", result.Status, got, want, result.Stderr)
	}
}

func TestOnTheFakeWithoutConfiguration(t *testing.T) {
	t.Parallel()
	result := programtest.Run(t, programtest.Command(t, nil, "-unlock", "-email", "arjun.cohen@example.com", "-apply"))
	want := map[string]string{"arjun.cohen@example.com": "done"}
	if got := programtest.Outcomes(t, result.Stdout); result.Status != 0 || !maps.Equal(got, want) {
		t.Errorf("exit status %d, %v, want %v: %s", result.Status, got, want, result.Stderr)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 2, orguserstest.WithoutEndpoints())
	result := unlocking(t, server, fakeRoutes, "-json", "-unlock", "-password-mail", "-email", "member0@example.com,pending@example.com", "-routes", "routes.json", "-apply")
	document := programtest.ParseDocument(t, result.Stdout)
	var got []string
	for _, o := range document.Outcomes {
		got = append(got, fmt.Sprintf("%v %v %v", o["email"], o["action"], o["status"]))
		if noted := o["note"] != nil; noted != (o["status"] != "done") {
			t.Errorf("the note of %v is %v", o["status"], o["note"])
		}
	}
	want := []string{"member0@example.com unlock failed", "pending@example.com unlock skipped", "member0@example.com password-mail done", "pending@example.com password-mail skipped"}
	if result.Status != 1 || document.DryRun || !slices.Equal(got, want) {
		t.Errorf("exit status %d, %q, want %q: %s", result.Status, got, want, result.Stderr)
	}
}
