package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "write docs/cli.md")

// TestDocument checks that docs/cli.md describes the commands as they are.
func TestDocument(t *testing.T) {
	t.Parallel()
	const path = "../../docs/cli.md"
	var page strings.Builder
	root := newRootCommand(&tool{})
	fmt.Fprintf(&page, "# orgusers: the commands\n\nGenerated from the commands: `go -C cmd/orgusers test -run TestDocument -update .`\n\n%s\n\nFlags of every command:\n\n```\n%s```\n",
		"```\n"+root.Long+"\n```", root.PersistentFlags().FlagUsages())
	describe(&page, root)
	if *update {
		if err := os.WriteFile(path, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != page.String() {
		t.Errorf("%s is not what the commands say (%v): run go test -run TestDocument -update .", path, err)
	}
}

func describe(page *strings.Builder, parent *cobra.Command) {
	for _, cmd := range parent.Commands() {
		if cmd.HasSubCommands() {
			describe(page, cmd)
			continue
		}
		about := cmd.Long
		if about == "" {
			about = cmd.Short + "."
		}
		fmt.Fprintf(page, "\n## %s\n\n```\n%s\n\n%s\n", cmd.CommandPath(), cmd.UseLine(), about)
		if cmd.Example != "" {
			fmt.Fprintf(page, "\nExamples:\n\n%s\n", cmd.Example)
		}
		if flags := cmd.LocalNonPersistentFlags().FlagUsages(); flags != "" {
			fmt.Fprintf(page, "\nFlags:\n\n%s", flags)
		}
		fmt.Fprintln(page, "```")
	}
}

func TestManPages(t *testing.T) {
	t.Parallel()
	cmd := command(t, nil, "man", "--dir", "man")
	run(t, cmd).expect(t, 0, "the man pages are in man")
	page, err := os.ReadFile(filepath.Join(cmd.Dir, "man", "orgusers-invitations-withdraw.1"))
	if err != nil || !strings.Contains(string(page), "Withdraw pending invitations") {
		t.Errorf("%s (%v)", page, err)
	}
}

func TestEveryCommandHasAnAbout(t *testing.T) {
	t.Parallel()
	var check func(*cobra.Command)
	check = func(cmd *cobra.Command) {
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: its short description is %q", cmd.CommandPath(), cmd.Short)
		}
		for line := range strings.SplitSeq(cmd.Long, "\n") {
			if len([]rune(line)) > 84 {
				t.Errorf("%s: a line of %d characters: %s", cmd.CommandPath(), len(line), line)
			}
		}
		for _, sub := range cmd.Commands() {
			check(sub)
		}
	}
	check(newRootCommand(&tool{}))
}
