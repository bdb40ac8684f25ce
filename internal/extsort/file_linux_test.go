package extsort_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/orgusers/orgusers/internal/extsort"
)

// openFiles are the paths under /proc of the files in directory that this
// process has open, removed or not. Such a path opens the file itself.
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
		// A descriptor of another test may be gone by now.
		target, err := os.Readlink(path)
		if err == nil && strings.HasPrefix(target, directory+"/") {
			files = append(files, path)
		}
	}
	return files
}

// openFile is the one file that a sorter has open.
func openFile(t *testing.T, directory string) string {
	t.Helper()
	files := openFiles(t, directory)
	if len(files) != 1 {
		t.Fatalf("open files: %q, want one", files)
	}
	return files[0]
}

// TestOneFile checks that there is no file within the budget and beyond it one
// that nobody else can read, find, or be left with.
func TestOneFile(t *testing.T) {
	t.Parallel()
	for _, test := range budgets {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sorter, directory := newSorter(t, test.budget, many)
			isSorted(t, sorter, many)
			isEmpty(t, directory)
			if test.name == "in memory" {
				if files := openFiles(t, directory); len(files) > 0 {
					t.Errorf("open files: %q, want none", files)
				}
				return
			}
			info, err := os.Stat(openFile(t, directory))
			if err != nil {
				t.Fatal(err)
			}
			if mode := info.Mode(); mode != 0o600 {
				t.Errorf("mode %v, want -rw-------", mode)
			}
			content := int64(100 * len(many))
			twice := info.Size() > content*3/2
			if info.Size() < content || twice != (test.name == "merged twice") {
				t.Errorf("file of %d bytes for %d bytes of records: not %s", info.Size(), content, test.name)
			}
			closed(t, sorter, directory)
			if files := openFiles(t, directory); len(files) > 0 {
				t.Errorf("open after Close: %q", files)
			}
		})
	}
}

// TestDamagedFile changes the file behind the sorter's back: both sequences end
// with an error, whatever was changed.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	type damage func(path string, size int64) error
	write := func(offset func(size int64) int64, content string) damage {
		return func(path string, size int64) error {
			file, err := os.OpenFile(filepath.Clean(path), os.O_RDWR, 0)
			if err != nil {
				return err
			}
			_, err = file.WriteAt([]byte(content), offset(size))
			return errors.Join(err, file.Close())
		}
	}
	at := func(offset int64) func(int64) int64 { return func(int64) int64 { return offset } }
	tests := []struct {
		name   string
		damage damage
	}{
		{"empty", func(path string, _ int64) error { return os.Truncate(path, 0) }},
		{"half", func(path string, size int64) error { return os.Truncate(path, size/2) }},
		{"one byte short", func(path string, size int64) error { return os.Truncate(path, size-1) }},
		{"length of a key", write(at(0), "\x02")},
		{"length of a value", write(at(1), "\x02\x00")},
		{"length below zero", write(at(0), "\x03")},
		{"length beyond all memory", write(at(0), "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01")},
		{"length that does not end", write(at(0), strings.Repeat("\xff", 20))},
		{"byte of a key", write(at(4), "!")},
		{"byte in the middle", write(func(size int64) int64 { return size / 2 }, "!")},
		{"last byte", write(func(size int64) int64 { return size - 1 }, "!")},
	}
	for _, test := range tests {
		for _, name := range []string{"Sorted", "Unsorted"} {
			t.Run(test.name+" "+name, func(t *testing.T) {
				t.Parallel()
				sorter, directory := newSorter(t, 256<<10, many)
				// Everything to the file.
				isSorted(t, sorter, many)
				path := openFile(t, directory)
				info, err := os.Stat(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := test.damage(path, info.Size()); err != nil {
					t.Fatal(err)
				}
				sequence := map[string]func(context.Context) iter.Seq2[[]byte, error]{
					"Sorted": sorter.Sorted, "Unsorted": sorter.Unsorted,
				}[name]
				_, err = read(t, sequence(t.Context()))
				if !errors.Is(err, extsort.ErrUnreadable) || !strings.Contains(err.Error(), "read temporary file in "+directory) {
					t.Errorf("%v, want ErrUnreadable and the directory", err)
				}
			})
		}
	}
}

// TestDamagedFileMergedTwice damages a run that has to be merged into a longer
// one: damage is not copied into a run that is whole.
func TestDamagedFileMergedTwice(t *testing.T) {
	t.Parallel()
	sorter, directory := newSorter(t, extsort.MinBudget, many)
	file, err := os.OpenFile(openFile(t, directory), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteAt([]byte("!"), 90)
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if values, err := read(t, sorter.Sorted(t.Context())); !errors.Is(err, extsort.ErrUnreadable) || len(values) > 0 {
			t.Errorf("%d values and %v, want none and ErrUnreadable", len(values), err)
		}
	}
}

// smallDisk mounts a file system of size bytes, for the time of the test.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	directory := t.TempDir()
	err := syscall.Mount("tmpfs", directory, "tmpfs", 0, fmt.Sprintf("size=%d", size))
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.EACCES) {
		t.Skipf("a small disk needs the right to mount one: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Fails when a file on it is still open.
		if err := syscall.Unmount(directory, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return directory
}

// isFull checks an error of a full disk, and that the disk is empty again.
func isFull(t *testing.T, directory string, err error) {
	t.Helper()
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "write temporary file in "+directory) {
		t.Errorf("%v, want ENOSPC and the directory", err)
	}
	isEmpty(t, directory)
	var disk syscall.Statfs_t
	if err := syscall.Statfs(directory, &disk); err != nil {
		t.Fatal(err)
	}
	if disk.Bfree != disk.Blocks {
		t.Errorf("%d of %d blocks are still in use before Close", disk.Blocks-disk.Bfree, disk.Blocks)
	}
}

// TestFullDisk fills the disk while records are added.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	directory := smallDisk(t, 1<<20)
	sorter := extsort.New(directory, extsort.MinBudget)
	added := 0
	var failure error
	for _, r := range many {
		if failure = sorter.Add([]byte(r.key), []byte(r.value)); failure != nil {
			break
		}
		added++
	}
	isFull(t, directory, failure)
	if got := sorter.Len(); got != added || added < 5_000 {
		t.Errorf("Len is %d after %d records", got, added)
	}
	if err := sorter.Add([]byte("late"), nil); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("another Add: %v", err)
	}
	for _, values := range []iter.Seq2[[]byte, error]{sorter.Unsorted(t.Context()), sorter.Sorted(t.Context())} {
		if got, err := read(t, values); !errors.Is(err, syscall.ENOSPC) || len(got) > 0 {
			t.Errorf("%d values and %v", len(got), err)
		}
	}
	closed(t, sorter, directory)
}

// TestFullDiskWhileMerging fills the disk with the longer runs that the first
// ones are merged into.
func TestFullDiskWhileMerging(t *testing.T) {
	t.Parallel()
	directory := smallDisk(t, 2<<20)
	sorter := extsort.New(directory, extsort.MinBudget)
	for _, r := range many {
		if err := sorter.Add([]byte(r.key), []byte(r.value)); err != nil {
			t.Fatal(err)
		}
	}
	values, err := read(t, sorter.Sorted(t.Context()))
	isFull(t, directory, err)
	if len(values) > 0 {
		t.Errorf("%d values before the error", len(values))
	}
	if _, again := read(t, sorter.Sorted(t.Context())); !errors.Is(again, syscall.ENOSPC) {
		t.Errorf("Sorted again: %v", again)
	}
	closed(t, sorter, directory)
}

// TestFullDiskAtEndOfRun finds the disk full when the buffer of a short run is
// written at last.
func TestFullDiskAtEndOfRun(t *testing.T) {
	t.Parallel()
	directory := smallDisk(t, 1<<20)
	filler := filepath.Join(directory, "filler")
	if err := os.WriteFile(filler, make([]byte, 2<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("%v, want ENOSPC", err)
	}
	sorter := extsort.New(directory, extsort.MinBudget)
	if err := sorter.Add([]byte("short"), nil); err != nil {
		t.Fatal(err)
	}
	err := sorter.Add([]byte("long"), make([]byte, extsort.MinBudget))
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "write temporary file in "+directory) {
		t.Errorf("%v, want ENOSPC and the directory", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	closed(t, sorter, directory)
}

// TestSystemDirectory leaves the choice of the directory to the system.
func TestSystemDirectory(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	t.Setenv("TMPDIR", missing)
	sorter := extsort.New("", extsort.MinBudget)
	err := sorter.Add(make([]byte, extsort.MinBudget), nil)
	if err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("%v does not name the system's directory", err)
	}
	if err := sorter.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}
