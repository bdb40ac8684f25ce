package extsort_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/orgusers/orgusers/internal/extsort"
)

type record struct {
	key, value string
}

// numbered returns records of about size bytes. Keys repeat, and values say in
// which order the records were added.
func numbered(count, size int) []record {
	records := make([]record, count)
	for i := range records {
		key := fmt.Sprintf("user%d@example.com", i*7919%(count/3+1))
		value := strconv.Itoa(i)
		records[i] = record{key, value + strings.Repeat(".", max(0, size-len(key)-len(value)))}
	}
	return records
}

// newSorter returns a sorter with records, and the directory of its file, in
// which it must leave nothing.
func newSorter(t *testing.T, budget int64, records []record) (sorter *extsort.Sorter, directory string) {
	t.Helper()
	directory = t.TempDir()
	sorter = extsort.New(directory, budget)
	t.Cleanup(func() {
		if err := sorter.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		isEmpty(t, directory)
	})
	add(t, sorter, records)
	return sorter, directory
}

func add(t *testing.T, sorter *extsort.Sorter, records []record) {
	t.Helper()
	var key, value []byte // of which Add keeps copies
	for _, r := range records {
		key, value = append(key[:0], r.key...), append(value[:0], r.value...)
		if err := sorter.Add(key, value); err != nil {
			t.Fatalf("Add: %v", err)
		}
	}
}

// isEmpty checks that a directory has no files.
func isEmpty(t *testing.T, directory string) {
	t.Helper()
	if entries, err := os.ReadDir(directory); err != nil || len(entries) > 0 {
		t.Errorf("the directory has %v, %v", entries, err)
	}
}

// isSorted checks that the sorter yields all records in order.
func isSorted(t *testing.T, sorter *extsort.Sorter, records []record) {
	t.Helper()
	want := slices.Clone(records)
	slices.SortStableFunc(want, func(a, b record) int { return strings.Compare(a.key, b.key) })
	i := 0
	for value, err := range sorter.Sorted() {
		if err != nil || i == len(want) || string(value) != want[i].value {
			t.Fatalf("value %d of %d is %.60q, %v", i, len(want), value, err)
		}
		_ = append(value, "a caller who appends"...)
		i++
	}
	if i != len(want) {
		t.Fatalf("%d values, want %d", i, len(want))
	}
}

// TestSorted compares with the standard library, before and after more records
// are added.
func TestSorted(t *testing.T) {
	t.Parallel()
	const smallest = extsort.MinBudget
	tests := []struct {
		name    string
		budget  int64
		records []record
	}{
		{"no record", 0, nil},
		{"one", 0, []record{{"a", "1"}}},
		{"no bytes", 0, []record{{"", ""}, {"", ""}}},
		{"keys that start with others", 0, []record{{"a\x00", "2"}, {"a", "1"}, {"a\x00\x00", "3"}, {"", "0"}, {"b", "5"}, {"a\x01", "4"}}},
		{"bytes above ASCII", 0, []record{{"\xff", "3"}, {"\x7f", "1"}, {"é", "2"}}},
		{"equal keys", smallest, slices.Repeat([]record{{"k", "v"}}, 20_000)},
		{"in memory", 0, numbered(2_000, 100)},
		{"in memory, large budget", 1 << 62, numbered(2_000, 100)},
		{"a few runs", 512 << 10, numbered(10_000, 200)},
		{"many runs", 1, numbered(30_000, 200)},
		{"tiny records", smallest, numbered(20_000, 0)},
		{"records of the size of the budget", smallest, numbered(40, smallest)},
		{"key longer than the budget", smallest, []record{{"b", "2"}, {strings.Repeat("a", 3*smallest), "1"}, {"b", "3"}, {"", "0"}}},
		{"long among short", smallest, slices.Concat(numbered(2_000, 60), numbered(3, 1<<20), numbered(2_000, 50), numbered(9, 30_000), numbered(500, 40))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			half := len(tt.records) / 2
			sorter, _ := newSorter(t, tt.budget, tt.records[:half])
			isSorted(t, sorter, tt.records[:half])
			add(t, sorter, tt.records[half:])
			next, stop := iter.Pull2(sorter.Sorted())
			_, _, _ = next()
			stop() // leaves early
			isSorted(t, sorter, tt.records)
			isSorted(t, sorter, tt.records)
		})
	}
}

// TestSortedTwiceAtOnce reads two sequences alternately.
func TestSortedTwiceAtOnce(t *testing.T) {
	t.Parallel()
	for name, budget := range map[string]int64{"in memory": 0, "on disk": extsort.MinBudget} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sorter, _ := newSorter(t, budget, numbered(3_000, 100))
			next, stop := iter.Pull2(sorter.Sorted())
			defer stop()
			for want, err := range sorter.Sorted() {
				if got, gotErr, ok := next(); err != nil || gotErr != nil || !ok || !bytes.Equal(got, want) {
					t.Fatalf("%q, %v, %t with %q, %v", got, gotErr, ok, want, err)
				}
			}
		})
	}
}

// TestFileOnlyBeyondBudget has a directory in which no file can be created: the
// budget can be used up, and no more.
func TestFileOnlyBeyondBudget(t *testing.T) {
	t.Parallel()
	const budget = 256 << 10
	for _, size := range []int{0, 20, 100, 5_000} {
		t.Run(fmt.Sprintf("values of %d bytes", size), func(t *testing.T) {
			t.Parallel()
			missing := filepath.Join(t.TempDir(), "missing")
			sorter := extsort.New(missing, budget)
			var failure error
			added := 0
			for failure == nil && added < budget {
				if failure = sorter.Add(nil, make([]byte, size)); failure == nil {
					added++
				}
			}
			// Two lengths and a place in the index take 16 bytes.
			if used := added * (16 + size); used > budget || used < budget*9/10 {
				t.Errorf("%d bytes used of a budget of %d", used, budget)
			}
			if !errors.Is(failure, fs.ErrNotExist) || !strings.Contains(failure.Error(), missing) {
				t.Errorf("the error is %v, want ErrNotExist and the directory", failure)
			}
			if err := sorter.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
}

// FuzzSorted sorts records that are cut out of the input, repeated so that they
// fill some runs.
func FuzzSorted(f *testing.F) {
	f.Add([]byte("b\x01a\x00\x02bb"), uint8(1), uint16(0), uint32(0))
	f.Add([]byte("\x03abc\x00\x01\xff\xff"), uint8(200), uint16(300), uint32(70_000))
	f.Add([]byte("\x08ABCDEFGHIJK\x08ABCDEFGHAAA\x07ABCDEFG"), uint8(20), uint16(20_000), uint32(100_000))
	f.Add([]byte("\x01a\x01b\x00"), uint8(255), uint16(3_000), uint32(1))
	f.Fuzz(func(t *testing.T, data []byte, repeat uint8, padding uint16, budget uint32) {
		var pattern []string
		for rest := data; len(rest) > 0; {
			length := min(int(rest[0])%32, len(rest)-1)
			pattern = append(pattern, string(rest[1:1+length]))
			rest = rest[1+length:]
		}
		records := make([]record, min(int(repeat)*len(pattern), 2_000))
		for i, filled := 0, 0; i < len(records); i++ {
			length := i * 7919 % (int(padding) + 1)
			if filled += length; filled > 1<<20 {
				length = 0
			}
			records[i] = record{pattern[i%len(pattern)], strconv.Itoa(i) + strings.Repeat(".", length)}
		}
		sorter, _ := newSorter(t, int64(budget), records)
		isSorted(t, sorter, records)
	})
}
