package extsort_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/orgusers/orgusers/internal/extsort"
)

// openFiles returns the files of a directory that this process has open, as
// paths that can be opened even if the files are unlinked.
func openFiles(t *testing.T, directory string) []string {
	t.Helper()
	const descriptors = "/proc/self/fd"
	entries, err := os.ReadDir(descriptors)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, entry := range entries {
		path := filepath.Join(descriptors, entry.Name())
		if target, err := os.Readlink(path); err == nil && strings.HasPrefix(target, directory+"/") {
			files = append(files, path)
		}
	}
	return files
}

// spilled returns a sorter whose records are in its file, and the file.
func spilled(t *testing.T, records []record) (sorter *extsort.Sorter, file string) {
	t.Helper()
	sorter, directory := newSorter(t, extsort.MinBudget, records)
	isSorted(t, sorter, records)
	files := openFiles(t, directory)
	if len(files) != 1 {
		t.Fatalf("open files: %q, want one", files)
	}
	isEmpty(t, directory)
	return sorter, files[0]
}

// TestOneFile checks that there is no file within the budget. Beyond it there is
// one, which has no name and which only the user can read.
func TestOneFile(t *testing.T) {
	t.Parallel()
	records := numbered(5_000, 100)
	sorter, directory := newSorter(t, 0, records)
	isSorted(t, sorter, records)
	if files := openFiles(t, directory); len(files) > 0 {
		t.Errorf("open files: %q, want none", files)
	}

	sorter, file := spilled(t, records)
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if size := info.Size(); info.Mode() != 0o600 || size < 450_000 || size > 550_000 {
		t.Errorf("mode %v and %d bytes, want -rw------- and the bytes of the records once", info.Mode(), size)
	}
	target, _ := os.Readlink(file)
	if err := sorter.Close(); err != nil {
		t.Error(err)
	}
	if files := openFiles(t, filepath.Dir(target)); len(files) > 0 {
		t.Errorf("open after Close: %q", files)
	}
}

// TestDamagedFile cuts the file off. All sequences then end with an error.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(path string, size int64) error{
		"empty":          func(path string, _ int64) error { return os.Truncate(path, 0) },
		"half":           func(path string, size int64) error { return os.Truncate(path, size/2) },
		"one byte short": func(path string, size int64) error { return os.Truncate(path, size-1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sorter, file := spilled(t, numbered(5_000, 100))
			info, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := damage(file, info.Size()); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				failures := 0
				for value, err := range sorter.Sorted() {
					if err != nil {
						failures++
					}
					if failures > 0 && value != nil {
						t.Errorf("value %q with or after an error", value)
					}
				}
				if failures != 1 {
					t.Errorf("%d errors, want one", failures)
				}
			}
		})
	}
}

// TestFullDisk fills the disk while records are added.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for name, records := range map[string][]record{
		"adding":     numbered(15_000, 100),
		"a long key": {{strings.Repeat("k", 2<<20), ""}, {"short", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := smallDisk(t, 1<<20)
			sorter := extsort.New(directory, extsort.MinBudget)
			var failure error
			for _, r := range records {
				if failure = sorter.Add([]byte(r.key), []byte(r.value)); failure != nil {
					break
				}
			}
			if !errors.Is(failure, syscall.ENOSPC) || !strings.Contains(failure.Error(), directory) {
				t.Errorf("the error is %v, want ENOSPC and the directory", failure)
			}
			if err := sorter.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// smallDisk mounts a file system of size bytes for the test.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	directory := t.TempDir()
	if err := syscall.Mount("tmpfs", directory, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skip("no disk can be mounted, which takes root: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(directory, 0); err != nil { // a file is still open
			t.Errorf("unmount: %v", err)
		}
	})
	return directory
}
