package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/orgusers/orgusers/orguserstest"
)

// fakeEndpoints is a file for --endpoints with the requests of the fake.
const fakeEndpoints = `{
	"unlock": {"method": "POST", "path": "/v3/organizations/{organization_uid}/fake/unlock", "response": {"detail": "reason"}},
	"reset_mfa": {"path": "/v3/organizations/{organization_uid}/fake/reset_mfa", "response": {"detail": "reason"}},
	"reset_password": {"path": "/v3/organizations/{organization_uid}/fake/force_password_reset"},
	"end_sessions": {"path": "/v3/organizations/{organization_uid}/fake/end_sessions", "response": {"done": ["done"], "skipped": ["skipped"]}},
	"set_roles": {"path": "/v3/organizations/{organization_uid}/fake/roles"}
}`

// withEndpoints returns a command with a file endpoints.json.
func withEndpoints(t *testing.T, server *orguserstest.Server, text string, mode os.FileMode, args ...string) *exec.Cmd {
	t.Helper()
	cmd := command(t, environment(server), append(args, "--endpoints", "endpoints.json")...)
	path := filepath.Join(cmd.Dir, "endpoints.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // the umask does not matter
		t.Fatal(err)
	}
	return cmd
}

func TestSecurity(t *testing.T) {
	t.Parallel()
	mailed := func(kind orguserstest.EmailKind) func(*orguserstest.Server) bool {
		return func(s *orguserstest.Server) bool {
			emails := s.Outbox()
			return len(emails) == 1 && emails[0].Kind == kind && emails[0].To == "member0@example.com"
		}
	}
	member := func(is func(orguserstest.User) bool) func(*orguserstest.Server) bool {
		return func(s *orguserstest.Server) bool {
			u, _ := s.User("member0@example.com")
			return is(u)
		}
	}
	for name, done := range map[string]func(*orguserstest.Server) bool{
		"unlock":              member(func(u orguserstest.User) bool { return !u.Locked }),
		"reset-mfa":           mailed(orguserstest.EmailMFAReset),
		"reset-password":      mailed(orguserstest.EmailForcedPasswordReset),
		"end-sessions":        member(func(u orguserstest.User) bool { return len(u.Sessions) == 0 }),
		"send-password-email": mailed(orguserstest.EmailPasswordReset),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newTeam(t, 2)
			server.SignIn("member0@example.com")
			args := []string{"security", name, "--email", "member0@example.com,pending@example.com", "--output", "json"}
			cmd := func(more ...string) *exec.Cmd {
				if name == "send-password-email" {
					return command(t, environment(server), append(args, more...)...)
				}
				return withEndpoints(t, server, fakeEndpoints, 0o600, append(args, more...)...)
			}
			dry := run(t, cmd())
			dry.expect(t, 0, "dry run: nothing was changed; 1 would be ", `"dry_run": true`)
			if got := dry.statuses(t)["member0@example.com"]; got != "planned" || done(server) {
				t.Errorf("outcome %q", got)
			}
			if name != "send-password-email" {
				dry.expect(t, 0, "the request would be POST /v3/organizations/{organization_uid}/fake/")
			}
			expectUntouched(t, server)
			result := run(t, cmd("--apply"))
			result.expect(t, 0)
			if want := map[string]string{"member0@example.com": "done", "pending@example.com": "skipped pending"}; !maps.Equal(result.statuses(t), want) || !done(server) {
				t.Errorf("outcomes %v, want %v, done %v", result.statuses(t), want, done(server))
			}
		})
	}
}

func TestEndpointThatSkips(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 2)
	server.SetFailedLogins("member0@example.com", 0)
	result := run(t, withEndpoints(t, server, fakeEndpoints, 0o600, "security", "unlock", "--email", "member0@example.com,member1@example.com", "--apply", "--output", "json"))
	result.expect(t, 0, `"detail": "`)
	if want := map[string]string{"member0@example.com": "skipped endpoint", "member1@example.com": "done"}; !maps.Equal(result.statuses(t), want) {
		t.Errorf("outcomes %v, want %v", result.statuses(t), want)
	}
	for text, want := range map[string]string{
		`{"unlock": {"path": "/v3/organizations/{organization_uid}/fake/unlock", "response": {"list": "people"}}}`:                             "unknown",
		`{"unlock": {"path": "/v3/organizations/{organization_uid}/fake/unlock", "response": {"done": ["ok"], "skipped": ["nothing to do"]}}}`: "failed",
	} {
		result := run(t, withEndpoints(t, server, text, 0o600, "security", "unlock", "--email", "member1@example.com", "--apply", "--output", "csv"))
		result.expect(t, 1, "Email,Outcome,Note\n", "member1@example.com,"+want)
	}
}

func TestEndpointsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		mode os.FileMode
		says string
	}{
		"writable by others": {fakeEndpoints, 0o622, "others can write endpoints.json (mode 0622)"},
		"not JSON":           {"x", 0o600, "--endpoints: endpoints.json: invalid character"},
		"another key":        {`{"lock": {}}`, 0o600, `unknown field "lock"`},
		"two objects":        {"{} {}", 0o600, "more than one object"},
		"another path":       {`{"unlock": {"path": "/v3/users"}}`, 0o600, "{organization_uid}"},
		"without it":         {`{"reset_mfa": {"path": "/v3/organizations/{organization_uid}/x"}}`, 0o600, "give it with --endpoints FILE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newTeam(t, 1)
			run(t, withEndpoints(t, server, test.text, test.mode, "security", "unlock", "--email", "member0@example.com", "--apply")).expect(t, 2, test.says)
			expectUntouched(t, server)
		})
	}
	run(t, command(t, environment(newTeam(t, 1)), "security", "unlock", "--email", "member0@example.com", "--endpoints", "missing.json")).expect(t, 2, "no such file")
}

func TestUnknownEmail(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 2)
	server.AddFault(orguserstest.Fault{Path: "/v3/user/forgot_password", Times: 1, After: true, Effect: orguserstest.Reset()})
	result := runOn(t, server, "security", "send-password-email", "--email", "member0@example.com,member1@example.com", "--apply")
	result.expect(t, 1, "1 unknown, 1 sent; look whether it was done before you repeat it")
	if n := len(server.Outbox()); n != 2 {
		t.Errorf("%d emails, want 2", n)
	}
}

func TestOwnerAndSelfAreRefused(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 2)
	args := []string{"security", "reset-mfa", "--email", "owner@example.com,admin@example.com,member0@example.com", "--apply"}
	run(t, withEndpoints(t, server, fakeEndpoints, 0o600, args...)).expect(t, 2, "nothing was changed: 2 refused, 1 not started; --skip-refused processes the others", "owner@example.com    refused", "admin@example.com    refused")
	expectUntouched(t, server)
	run(t, withEndpoints(t, server, fakeEndpoints, 0o600, append(args, "--skip-refused")...)).expect(t, 1, "orgusers: 2 refused, 1 reset\n")
}
