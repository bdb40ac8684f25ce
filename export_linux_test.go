package orgusers_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// smallDisk mounts a disk for the test.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	directory := t.TempDir()
	if err := syscall.Mount("tmpfs", directory, "tmpfs", 0, options); err != nil {
		t.Skip("no disk can be mounted, which takes root: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(directory, 0); err != nil {
			t.Error("a file is still open on the disk: ", err)
		}
	})
	return directory
}

func TestExportToAFullDisk(t *testing.T) { // not parallel: it sets TMPDIR
	server := startFake(t, orguserstest.WithUsers(1500))
	client := fakeClient(t, server)
	for _, existing := range []bool{false, true} {
		for name, spill := range map[string]bool{"for the file": false, "for temporary files": true} {
			t.Run(fmt.Sprintf("%s, existing %v", name, existing), func(t *testing.T) {
				disk := smallDisk(t, "size=64k")
				target := disk
				if spill {
					t.Setenv("TMPDIR", disk)
					target = t.TempDir()
				}
				path := filepath.Join(target, "users.csv")
				if existing {
					if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				before, spilled := content(t, target), content(t, disk)
				_, err := client.ExportCSVFile(t.Context(), path, &orgusers.ExportOptions{MemoryBudget: 64 << 10})
				if !errors.Is(err, syscall.ENOSPC) {
					t.Errorf("got the error %v, want that the disk is full", err)
				}
				if diff := cmp.Diff(before, content(t, target)) + cmp.Diff(spilled, content(t, disk)); diff != "" {
					t.Errorf("-before +after:\n%s", diff)
				}
			})
		}
	}
}

// TestExportInterruptedAtEveryStage cancels an export in each call of Progress.
// Nothing is left in either directory.
func TestExportInterruptedAtEveryStage(t *testing.T) { // not parallel: it sets TMPDIR
	server := startFake(t, orguserstest.WithUsers(800))
	client := fakeClient(t, server)
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	opts := &orgusers.ExportOptions{MemoryBudget: 64 << 10}
	for stage := 0; ; stage++ {
		ctx, cancel := context.WithCancel(t.Context())
		directory := t.TempDir()
		path := filepath.Join(directory, "users.csv")
		if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		calls := 0
		opts.Progress = func(p orgusers.ExportProgress) {
			if calls == stage && p.Rows < 800 { // later there is nothing to interrupt
				cancel()
			}
			calls++
		}
		_, err := client.ExportCSVFile(ctx, path, opts)
		interrupted := ctx.Err() != nil
		cancel()
		if left := content(t, temporary); len(left) > 0 {
			t.Errorf("stage %d: %d temporary files are left", stage, len(left))
		}
		if !interrupted {
			if err != nil || stage < 9 {
				t.Errorf("the error is %v after %d stages, want none after at least nine", err, stage)
			}
			return
		}
		if diff := cmp.Diff(map[string]string{"users.csv": "old"}, content(t, directory)); diff != "" || !errors.Is(err, context.Canceled) {
			t.Errorf("stage %d: the error is %v, -before +after:\n%s", stage, err, diff)
		}
	}
}
