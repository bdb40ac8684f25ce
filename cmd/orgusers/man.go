package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func newManCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "man",
		Short: "Write the man pages into a directory",
		Args:  noArgs,
	}
	directory := cmd.Flags().String("dir", "", "write the pages into this `directory`")
	_ = cmd.MarkFlagRequired("dir") // the flag is there
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := os.MkdirAll(*directory, 0o755); err != nil { //nolint:gosec // everyone may read man pages
			return badInput("--dir: %w", err)
		}
		if err := doc.GenManTree(cmd.Root(), &doc.GenManHeader{Section: "1", Source: "orgusers " + version()}, *directory); err != nil {
			return err
		}
		t.note("the man pages are in %s", *directory)
		return nil
	}
	return cmd
}
