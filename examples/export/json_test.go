package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/programtest"
	"github.com/orgusers/orgusers/orguserstest"
)

func parseJSON(t *testing.T, text string) []*orgusers.User {
	t.Helper()
	var users []*orgusers.User
	if err := json.Unmarshal([]byte(text), &users); err != nil || users == nil {
		t.Fatalf("it is no array of JSON (%v):\n%s", err, text)
	}
	return users
}

func TestJSON(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewServer(orguserstest.WithUsers(250), orguserstest.WithRateLimit(0, 0))
	t.Cleanup(server.Close)
	for name, test := range map[string]struct {
		args  []string
		order func(a, b *orgusers.User) int
		keep  func(*orguserstest.User) bool
	}{
		"as it is":            {nil, func(a, b *orgusers.User) int { return byAddress(a.Email, b.Email) }, func(*orguserstest.User) bool { return true }},
		"created, downwards":  {[]string{"-sort", "created", "-descending"}, func(a, b *orgusers.User) int { return b.CreatedAt.Compare(a.CreatedAt) }, func(*orguserstest.User) bool { return true }},
		"pending, as created": {[]string{"-sort", "created", "-status", "pending"}, func(a, b *orgusers.User) int { return a.CreatedAt.Compare(b.CreatedAt) }, func(u *orguserstest.User) bool { return u.Pending }},
		"nobody":              {[]string{"-not-seen-for", "36500"}, func(_, _ *orgusers.User) int { return 0 }, func(*orguserstest.User) bool { return false }},
	} {
		result := programtest.Run(t, programtest.Command(t, programtest.Environment(server), append(test.args, "-json")...))
		if result.Status != 0 {
			t.Fatalf("%s: exit status %d: %s", name, result.Status, result.Stderr)
		}
		users := parseJSON(t, result.Stdout)
		if !slices.IsSortedFunc(users, test.order) {
			t.Errorf("%s: it is not sorted", name)
		}
		want := map[string]bool{}
		for _, u := range server.Users() {
			if test.keep(&u) {
				want[u.Email] = true
			}
		}
		for _, u := range users {
			if !want[u.Email] {
				t.Errorf("%s: it has %s", name, u.Email)
			}
		}
		lines := 1 // for nobody
		if len(want) > 0 {
			lines = len(want) + 2
		}
		if got := strings.Count(result.Stdout, "\n"); len(users) != len(want) || got != lines {
			t.Errorf("%s: %d users in %d lines, want %d in %d", name, len(users), got, len(want), lines)
		}
	}
}

func TestJSONNamesRoles(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 2, orguserstest.WithRoleUIDs())
	result := programtest.Run(t, programtest.Command(t, programtest.Environment(server), "-json"))
	names := map[string]int{}
	for _, u := range parseJSON(t, result.Stdout) {
		for _, role := range u.Roles {
			names[role.Name]++
		}
	}
	if want := map[string]int{"admin": 1, "member": 3}; !maps.Equal(names, want) {
		t.Errorf("roles are %v, want %v", names, want)
	}
}

func TestJSONFile(t *testing.T) {
	t.Parallel()
	cmd := programtest.Command(t, nil, "-users", "150", "-json", "-o", "users.json")
	result := programtest.Run(t, cmd)
	written, err := os.ReadFile(filepath.Join(cmd.Dir, "users.json"))
	if err != nil {
		t.Fatal(err)
	}
	if users := parseJSON(t, string(written)); result.Status != 0 || result.Stdout != "" || len(users) != 150 || !strings.Contains(result.Stderr, "150 rows to users.json") {
		t.Errorf("exit status %d, stdout %q, %d users; %s", result.Status, result.Stdout, len(users), result.Stderr)
	}
	programtest.ExpectFiles(t, cmd.Dir, "users.json")
}

func TestJSONThatFailsIsNone(t *testing.T) {
	t.Parallel()
	newServer := func() *orguserstest.Server {
		server := orguserstest.NewServer(orguserstest.WithUsers(1000), orguserstest.WithFault(
			orguserstest.Fault{Skip: 6, Effect: orguserstest.Status(http.StatusForbidden)},
		))
		t.Cleanup(server.Close)
		return server
	}
	for _, sort := range []string{"created", "email"} { // as users come, and after all
		result := programtest.Run(t, programtest.Command(t, programtest.Environment(newServer()), "-json", "-sort", sort))
		if result.Status != 1 || json.Valid([]byte(result.Stdout)) {
			t.Errorf("-sort %s: exit status %d, and stdout is valid:\n%s", sort, result.Status, result.Stdout)
		}
		if begun := strings.HasPrefix(result.Stdout, "[\n{"); begun != (sort == "created") {
			t.Errorf("-sort %s: stdout is %q", sort, result.Stdout)
		}
	}
	programtest.ExpectFileKept(t, programtest.Command(t, programtest.Environment(newServer()), "-json", "-o", "users.json"), "users.json")
}
