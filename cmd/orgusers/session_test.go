package main

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orgusers/orgusers/orguserstest"
)

const profilesFile = ".config/orgusers/profiles.json"

// in lets a command run in the home of another.
func in(home string, cmd *exec.Cmd, typed string) *exec.Cmd {
	cmd.Env = append(cmd.Env, "HOME="+home)
	cmd.Dir, cmd.Stdin = home, strings.NewReader(typed)
	return cmd
}

func storedProfiles(t *testing.T, home string) []*profile {
	t.Helper()
	path := filepath.Join(home, profilesFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != fs.FileMode(0o600) {
		t.Errorf("mode %v (%v), want 0600", info.Mode(), err)
	}
	var all profiles
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all.Profiles
}

func TestLoginWhoamiLogout(t *testing.T) {
	t.Parallel()
	server, home := newTeam(t, 1), t.TempDir()
	result := run(t, in(home, command(t, nil, "login", "--base-url", server.URL+"/", "--org", server.OrganizationUID), "admin@example.com\n"+orguserstest.Password+"\n"))
	result.expect(t, 0, `profile "default" is stored`, "account admin@example.com", `organization "Example Media"`)
	p := storedProfiles(t, home)[0]
	if p.BaseURL != server.URL || p.OrganizationUID != server.OrganizationUID || p.Token == "" || strings.Contains(result.stderr+result.stdout, p.Token) {
		t.Errorf("profile %+v, stderr %s", p, result.stderr)
	}
	run(t, in(home, command(t, nil, "whoami"), "")).expect(t, 0, "admin@example.com", `profile "default"`, "Example Media", "admin", server.URL)
	document := run(t, in(home, command(t, nil, "whoami", "--output", "json"), "")).document(t)
	if account, _ := document["account"].(map[string]any); document["organization"] != server.OrganizationUID || account["email"] != "admin@example.com" {
		t.Errorf("document %v", document)
	}
	run(t, in(home, command(t, nil, "roles", "list"), "")).expect(t, 0, "admin")

	// The token goes to no other service, and the environment replaces the whole profile.
	run(t, in(home, command(t, nil, "roles", "list", "--region", "eu"), "")).expect(t, 2, "is for "+server.URL)
	run(t, in(home, command(t, []string{"CONTENTSTACK_REGION=eu"}, "roles", "list"), "")).expect(t, 2, "because CONTENTSTACK_REGION is set")
	run(t, in(home, command(t, []string{"CONTENTSTACK_REGION=eu"}, "whoami", "--profile", "default"), "")).expect(t, 0, `profile "default"`)
	run(t, in(home, command(t, nil, "roles", "list", "--profile", "work"), "")).expect(t, 2, `there is "default"`)

	run(t, in(home, command(t, nil, "logout"), "")).expect(t, 0, "the session has ended")
	if len(storedProfiles(t, home)) != 0 {
		t.Error("the profile is still there")
	}
	run(t, in(home, command(t, nil, "whoami"), "")).expect(t, 2, "there are no credentials")
	status := http.StatusOK
	for _, r := range server.Requests() {
		if r.Operation == "Logout" {
			status = r.Status
		}
	}
	if status != http.StatusOK {
		t.Errorf("logout got %d", status)
	}
}

func TestWhoamiWithAHostileName(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 1)
	for output, want := range map[string]string{"table": "=cmd\uFFFD[2J", "csv": "Name,\"'=cmd", "json": `"first_name": "=cmd\u001b[2J\u202e\u009b1m\nNext & \"<b>"`} {
		member := append(environment(server), "CONTENTSTACK_AUTHTOKEN="+server.SignIn("member0@example.com"))
		run(t, command(t, member, "whoami", "--output", output)).expect(t, 0, want)
	}
}

func TestLoginWithMFA(t *testing.T) {
	t.Parallel()
	server, home := newTeam(t, 1), t.TempDir()
	server.SetMFA("admin@example.com", true)
	login := func(typed string) result {
		return run(t, in(home, command(t, nil, "login", "--email", "admin@example.com", "--base-url", server.URL, "--profile", "mfa"), typed))
	}
	login(orguserstest.Password+"\n000000\n").expect(t, 1, "the code was wrong")
	login(orguserstest.Password+"\n").expect(t, 2, `nothing was typed for "MFA code"`)
	login("wrong\n").expect(t, 1, "check the address, the password and the region", "--with-token")
	login("").expect(t, 2, `nothing was typed for "Password"`) // a closed stdin
	if _, err := os.Stat(filepath.Join(home, profilesFile)); err == nil {
		t.Error("a failed login stored a profile")
	}
	login(orguserstest.Password+"\n"+orguserstest.MFACode+"\n"+server.OrganizationUID+"\n").expect(t, 0, "MFA code:", `organization "Example Media"`)
	login(orguserstest.Password+"\n"+orguserstest.MFACode+"\n").expect(t, 0, `organization "Example Media"`) // renewed
	if n := len(storedProfiles(t, home)); n != 1 {
		t.Errorf("%d profiles, want 1", n)
	}
}

func TestLoginWithToken(t *testing.T) {
	t.Parallel()
	server, home := newTeam(t, 1), t.TempDir()
	login := func(typed string, args ...string) result {
		return run(t, in(home, command(t, nil, append([]string{"login", "--base-url", server.URL, "--org", server.OrganizationUID}, args...)...), typed))
	}
	login("wrong\n", "--with-token").expect(t, 1, "the service rejected the token")
	login(`"`+server.AuthToken+"\"\n", "--with-token").expect(t, 2, "has quotation marks around it")
	login(server.AuthToken, "--with-token").expect(t, 0, "account admin@example.com")
	login("", "--token-command", "exit 3", "--profile", "b").expect(t, 2, `token_command of profile "b" failed`)
	login("", "--oauth", "--token-command", "echo "+server.OAuthToken(), "--profile", "b").expect(t, 0, `profile "b"`)
	p := storedProfiles(t, home)[1]
	if p.Token != "" || p.TokenCommand == "" || !p.OAuth {
		t.Errorf("profile %+v", p)
	}
	run(t, in(home, command(t, nil, "whoami", "--profile", "b"), "")).expect(t, 0, `profile "b"`)
	run(t, in(home, command(t, nil, "logout", "--profile", "b"), "")).expect(t, 0, "valid until it expires")
}

func TestLoginMisuse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"a password in a flag": {[]string{"--password", "secret"}, "never given on the command line"},
		"a token in a flag":    {[]string{"--token=secret"}, "never given on the command line"},
		"two ways":             {[]string{"--with-token", "--token-command", "echo"}, "none of the others can be"},
		"the fake":             {[]string{"--fake"}, "fake serve"},
		"oauth alone":          {[]string{"--oauth"}, "--with-token or --token-command"},
		"region":               {[]string{"--region", "mars"}, "--region:"},
		"two services":         {[]string{"--region", "eu", "--base-url", "https://example.com"}, "leave one out"},
		"plain http":           {[]string{"--with-token", "--base-url", "http://example.com"}, "https"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := run(t, in(t.TempDir(), command(t, nil, append([]string{"login"}, test.args...)...), "blt123\n"))
			result.expect(t, 2, test.says)
			if strings.Contains(result.stderr, "secret") {
				t.Error("it shows the secret")
			}
		})
	}
}

func TestProfilesThatAreRefused(t *testing.T) {
	t.Parallel()
	const one = `{"name": "default", "base_url": "https://api.contentstack.io", "token": "blt1"}`
	for name, test := range map[string]struct {
		text string
		mode os.FileMode
		says string
	}{
		"readable by others":  {`{"profiles": [` + one + `]}`, 0o640, "others can read it"},
		"twice the same name": {`{"profiles": [` + one + `,` + one + `]}`, 0o600, `two profiles have the name "default"`},
		"no service":          {`{"profiles": [{"name": "default", "token": "blt1"}]}`, 0o600, "no base_url"},
		"two tokens":          {`{"profiles": [{"name": "a", "base_url": "https://x", "token": "blt1", "token_command": "x"}]}`, 0o600, "either a token or a token_command"},
		"no name":             {`{"profiles": [{}]}`, 0o600, "no name"},
		"another file":        {`{"users": []}`, 0o600, "is not a file of profiles"},
		"no organization":     {`{"profiles": [` + one + `]}`, 0o600, "has no organization: give --org UID or store it with 'orgusers login --org UID'"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := command(t, nil, "roles", "list")
			path := filepath.Join(cmd.Dir, profilesFile)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(test.text), test.mode); err != nil {
				t.Fatal(err)
			}
			run(t, cmd).expect(t, 2, test.says)
		})
	}
}
