package examples_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every example runs on the fake by itself, and prints these texts.
func TestExamples(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"list":     {`"marie.morgan@example.com"`, "[admin]", "25 users, 3 of them administrators"},
		"export":   {"of 450 users are in users.csv"},
		"invite":   {"new@example.com planned", "new@example.com done", "boss@example.com skipped already_pending"},
		"offboard": {"leaver@example.com done", "stranger@example.com skipped not_in_organization", "leaver@example.com done"},
		"notseen":  {"was last seen on 20", "no login is known of 1 members"},
		"access":   {"organization: member, given directly", "stack Website: Developer, through a team: Newsroom", "Content Manager, given directly"},
		"oauth":    {"renewed\n25 users\nrenewed\n25 users\n"},
		"tracing":  {`"Name":"ListUsers"`, `"Name":"http.client.request.duration"`, "25 users <nil>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			printed, err := run(t, build(t, "./"+name), nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range want {
				if !strings.Contains(printed, text) {
					t.Errorf("want %q, got %s", text, printed)
				}
			}
			if strings.Contains(printed, "blt") && name == "tracing" {
				t.Errorf("a span or metric has a uid: %s", printed)
			}
		})
	}
}

func TestExamplesAreShort(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*/main.go")
	if err != nil || len(files) < 9 {
		t.Fatalf("found %v, %v", files, err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(string(source), "\n"); lines > 80 {
			t.Errorf("%s has %d lines, want at most 80", file, lines)
		}
	}
}
