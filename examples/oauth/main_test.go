package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/oauth2"

	"github.com/orgusers/orgusers/examples/internal/programtest"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestMain(m *testing.M) { programtest.Main(m, main) }

func TestHelp(t *testing.T) {
	t.Parallel()
	programtest.ExpectHelp(t, "-tokens", "refresh_token", clientID, clientSecret, tokenURL)
	help := programtest.Run(t, programtest.Command(t, nil, "-h")).Stdout
	for _, other := range []string{"CONTENTSTACK_AUTHTOKEN", "CONTENTSTACK_OAUTH_TOKEN ", "-sort"} {
		if strings.Contains(help, other) {
			t.Errorf("-h mentions %s, which it does not know", other)
		}
	}
}

// environment points the program at a fake, as an OAuth app of it.
func environment(server *orguserstest.Server) []string {
	return []string{
		"CONTENTSTACK_BASE_URL=" + server.URL,
		"CONTENTSTACK_ORGANIZATION_UID=" + server.OrganizationUID,
		clientID + "=" + orguserstest.OAuthClientID,
		clientSecret + "=" + orguserstest.OAuthClientSecret,
		tokenURL + "=" + server.TokenURL(),
	}
}

// running runs the program with a file of tokens that others can read, as it
// may have come from somewhere.
func running(t *testing.T, server *orguserstest.Server, tokens string) (result programtest.Result, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "kept", "tokens.json")
	if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(tokens), 0o644); err != nil {
		t.Fatal(err)
	}
	server.OnRequest(func(r *orguserstest.Request) {
		if r.Header.Get("Authtoken") != "" {
			t.Error("a request was signed with a session's token")
		}
	})
	secrets := []string{server.AuthToken, server.OAuthToken(), server.RefreshToken(), orguserstest.OAuthClientSecret}
	result = programtest.Run(t, programtest.Command(t, environment(server), "-tokens", file))
	for i, secret := range append(secrets, server.OAuthToken(), server.RefreshToken()) {
		if secret != "" && strings.Contains(result.Stdout+result.Stderr, secret) {
			t.Errorf("it shows secret %d", i)
		}
	}
	return result, file
}

// expectKept fails a test whose file does not have the fake's tokens for its
// user alone.
func expectKept(t *testing.T, server *orguserstest.Server, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var kept oauth2.Token
	if err := json.Unmarshal(text, &kept); err != nil || kept.RefreshToken != server.RefreshToken() || kept.AccessToken != server.OAuthToken() || kept.Expiry.IsZero() {
		t.Errorf("the file does not have the newest tokens: %v", err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("its mode is %v", info.Mode())
	}
	if others, err := os.ReadDir(filepath.Dir(file)); err != nil || len(others) != 1 {
		t.Errorf("there is more than the file beside it: %v, %v", others, err)
	}
}

func TestRenewsAndKeeps(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		tokens   func(*orguserstest.Server) string
		renewals int
	}{
		"a refresh token alone": {func(s *orguserstest.Server) string {
			return `{"refresh_token":"` + s.RefreshToken() + `"}`
		}, 1},
		"an access token that has expired": {func(s *orguserstest.Server) string {
			return `{"access_token":"` + s.OAuthToken() + `","refresh_token":"` + s.RefreshToken() + `","expiry":"2020-02-02T02:02:02Z"}`
		}, 1},
		"an access token that is no good": {func(s *orguserstest.Server) string {
			return `{"access_token":"blt0","refresh_token":"` + s.RefreshToken() + `","token_type":"Bearer","expires_in":3600}`
		}, 1},
		"an access token that is good": {func(s *orguserstest.Server) string {
			return `{"access_token":"` + s.OAuthToken() + `","refresh_token":"` + s.RefreshToken() + `"}`
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := orguserstest.NewServer(orguserstest.WithUsers(250))
			t.Cleanup(server.Close)
			result, file := running(t, server, test.tokens(server))
			if result.Status != 0 || !strings.Contains(result.Stderr, "oauth: 250 users, ") || strings.Count(result.Stderr, "was renewed") != test.renewals {
				t.Errorf("exit status %d, stderr %q", result.Status, result.Stderr)
			}
			if test.renewals > 0 {
				expectKept(t, server, file)
			}
		})
	}
}

func TestTokenRevokedMidway(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewServer(orguserstest.WithUsers(1000))
	t.Cleanup(server.Close)
	var pages atomic.Int32
	server.OnRequest(func(r *orguserstest.Request) {
		if r.Operation == "ListUsers" && pages.Add(1) == 5 {
			server.RevokeToken(server.OAuthToken())
		}
	})
	result, file := running(t, server, `{"refresh_token":"`+server.RefreshToken()+`"}`)
	if result.Status != 0 || strings.Count(result.Stderr, "was renewed") != 2 {
		t.Errorf("exit status %d, stderr %q", result.Status, result.Stderr)
	}
	for _, user := range server.Users() {
		if !strings.Contains(result.Stdout, strings.ReplaceAll(user.Email, `"`, `""`)) {
			t.Errorf("%s is not listed", user.Email)
		}
	}
	expectKept(t, server, file)
}

func TestRefreshTokenRevoked(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewServer()
	t.Cleanup(server.Close)
	tokens := `{"refresh_token":"` + server.RefreshToken() + `"}`
	server.RevokeToken(server.RefreshToken())
	result, file := running(t, server, tokens)
	if result.Status != 1 || result.Stdout != "" || !strings.Contains(result.Stderr, "sign in again") {
		t.Errorf("exit status %d, stdout %q, stderr %q", result.Status, result.Stdout, result.Stderr)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != tokens {
		t.Errorf("the file is %q, %v", text, err)
	}
}

func TestTokensThatCannotBeKept(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewServer()
	t.Cleanup(server.Close)
	var directory string
	server.OnRequest(func(r *orguserstest.Request) {
		if r.Operation == "RenewToken" {
			if err := os.RemoveAll(directory); err != nil {
				t.Error(err)
			}
		}
	})
	directory = t.TempDir()
	file := filepath.Join(directory, "tokens.json")
	if err := os.WriteFile(file, []byte(`{"refresh_token":"`+server.RefreshToken()+`"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	result := programtest.Run(t, programtest.Command(t, environment(server), "-tokens", file))
	if result.Status != 1 || strings.Count(result.Stdout, "\n") < 25 || !strings.Contains(result.Stderr, "the new tokens are lost") {
		t.Errorf("exit status %d, stdout %q, stderr %q", result.Status, result.Stdout, result.Stderr)
	}
}

func TestOnTheFakeWithoutConfiguration(t *testing.T) {
	t.Parallel()
	result := programtest.Run(t, programtest.Command(t, nil, "-users", "120"))
	if result.Status != 0 || strings.Count(result.Stderr, "was renewed") != 1 || !strings.Contains(result.Stderr, "oauth: 120 users, ") {
		t.Errorf("exit status %d, stderr %q", result.Status, result.Stderr)
	}
}

func TestMisuse(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewServer()
	t.Cleanup(server.Close)
	whole := environment(server)
	for name, test := range map[string]struct {
		environment []string
		tokens      string
		says        string
	}{
		"tokens for the fake":     {nil, `{"refresh_token":"a"}`, "-tokens is for a real organization"},
		"no client":               {whole[:2], `{"refresh_token":"a"}`, clientID + " and " + tokenURL + " must be set"},
		"no organization":         {whole[2:], `{"refresh_token":"a"}`, "CONTENTSTACK_ORGANIZATION_UID is not set"},
		"an endpoint in clear":    {append(whole[:4:4], tokenURL+"=http://example.com/token"), `{"refresh_token":"a"}`, "must be https"},
		"no URL of an endpoint":   {append(whole[:4:4], tokenURL+"=::"), `{"refresh_token":"a"}`, "must be https"},
		"no file":                 {whole, "", "name the file"},
		"a file that has no JSON": {whole, "hunter2", "must be JSON with a refresh_token"},
		"no refresh token":        {whole, `{"access_token":"hunter2"}`, "must be JSON with a refresh_token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var args []string
			if test.tokens != "" {
				file := filepath.Join(t.TempDir(), "tokens.json")
				if err := os.WriteFile(file, []byte(test.tokens), 0o600); err != nil {
					t.Fatal(err)
				}
				args = []string{"-tokens", file}
			}
			result := programtest.Run(t, programtest.Command(t, test.environment, args...))
			programtest.ExpectMisuse(t, result, test.says)
			if strings.Contains(result.Stderr, "hunter2") {
				t.Error("it shows what is in the file")
			}
		})
	}
	missing := programtest.Run(t, programtest.Command(t, whole, "-tokens", "none.json"))
	programtest.ExpectMisuse(t, missing, "none.json")
	if len(server.Requests()) > 0 {
		t.Error("it asked the server before it looked at its input")
	}
}
