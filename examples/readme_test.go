package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orgusers/orgusers/examples/internal/programtest"
	"github.com/orgusers/orgusers/orguserstest"
)

// snippets are the Go files that the README prints.
func snippets(t *testing.T) (files []string) {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range strings.Split(string(readme), "```") {
		if code, isGo := strings.CutPrefix(part, "go\n"); isGo && i%2 == 1 {
			files = append(files, code)
		}
	}
	return files
}

func TestReadmeCompilesAsPrinted(t *testing.T) {
	t.Parallel()
	ran := map[string]int{}
	for _, code := range snippets(t) {
		kind := "program"
		if strings.Contains(code, "*testing.T") {
			kind = "test"
		}
		ran[kind]++
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			name := map[string]string{"program": "main.go", "test": "printed_test.go"}[kind]
			file := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
				t.Fatal(err)
			}
			if kind == "test" {
				if said, err := exec.CommandContext(t.Context(), "go", "test", file).CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, said)
				}
				return
			}
			server := orguserstest.NewServer(orguserstest.WithUsers(120))
			t.Cleanup(server.Close)
			result := programtest.Run(t, programtest.Build(t, file, programtest.Environment(server)))
			for _, user := range server.Users() {
				if !strings.Contains(result.Stdout, user.Email) {
					t.Fatalf("exit status %d, and %s is not listed: %s", result.Status, user.Email, result.Stderr)
				}
			}
		})
	}
	if ran["program"] != 1 || ran["test"] != 1 {
		t.Errorf("the README prints %v, want one of each", ran)
	}
}
