package examples_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orgusers/orgusers/examples/internal/redistest"
	"github.com/orgusers/orgusers/orguserstest"
)

// snippets are the Go files that a page prints.
func snippets(t *testing.T, page string) (files []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range strings.Split(string(text), "```") {
		if code, isGo := strings.CutPrefix(part, "go\n"); isGo && i%2 == 1 {
			files = append(files, code)
		}
	}
	return files
}

// save writes a snippet where the go command finds it.
func save(t *testing.T, code, name string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// expectEverybody fails a test whose program does not list all users.
func expectEverybody(t *testing.T, server *orguserstest.Server, code string, environment ...string) {
	t.Helper()
	printed, err := run(t, build(t, save(t, code, "main.go")), server, environment...)
	for _, user := range server.Users() {
		if !strings.Contains(printed, user.Email) {
			t.Fatalf("%v, and %s is not listed", err, user.Email)
		}
	}
}

func newServer(t *testing.T) *orguserstest.Server {
	t.Helper()
	server := orguserstest.NewServer(orguserstest.WithUsers(120))
	t.Cleanup(server.Close)
	return server
}

func TestReadmeCompilesAsPrinted(t *testing.T) {
	t.Parallel()
	ran := map[string]int{}
	for _, code := range snippets(t, "../README.md") {
		kind := "program"
		switch {
		case !packageClause.MatchString(code):
			kind = "fragment"
		case strings.Contains(code, "*testing.T"):
			kind = "test"
		}
		ran[kind]++
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			switch kind {
			case "fragment":
				compileFragment(t, code)
			case "test":
				if said, err := exec.CommandContext(t.Context(), "go", "test", save(t, code, "printed_test.go")).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, said)
				}
			case "program":
				expectEverybody(t, newServer(t), code)
			}
		})
	}
	if want := map[string]int{"program": 1, "fragment": 1, "test": 1}; !maps.Equal(ran, want) {
		t.Errorf("the README prints %v, want %v", ran, want)
	}
}

func TestSharedLimitRunsAsPrinted(t *testing.T) {
	t.Parallel()
	printed := snippets(t, "../docs/sharedlimit.md")
	if len(printed) != 1 {
		t.Fatalf("the page prints %d programs, want 1", len(printed))
	}
	server := newServer(t)
	redis := redistest.Start(t)
	expectEverybody(t, server, printed[0], "REDIS_URL="+redis.URL)
	if places, sent := redis.Calls("set"), len(server.Requests()); places != sent {
		t.Errorf("%d places for %d requests", places, sent)
	}
}
