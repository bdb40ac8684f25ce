package extsort_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/orgusers/orgusers/internal/extsort"
)

// record is what the tests add.
type record struct {
	key, value string
}

// numbered is count records of about size bytes, whose keys repeat and whose
// values tell when they were added.
func numbered(count, size int) []record {
	records := make([]record, count)
	for i := range records {
		key := fmt.Sprintf("user%d@example.com", i*7919%(count/3+1))
		value := strconv.Itoa(i)
		records[i] = record{key, value + strings.Repeat(".", max(0, size-len(key)-len(value)))}
	}
	return records
}

// newSorter is a sorter with records and the empty directory that it may use.
func newSorter(t *testing.T, budget int64, records []record) (sorter *extsort.Sorter, directory string) {
	t.Helper()
	directory = t.TempDir()
	sorter = extsort.New(directory, budget)
	t.Cleanup(func() { closed(t, sorter, directory) })
	for _, r := range records {
		if err := sorter.Add([]byte(r.key), []byte(r.value)); err != nil {
			t.Fatalf("Add: %v", err)
		}
	}
	return sorter, directory
}

// closed closes the sorter and checks that nothing is left in directory.
func closed(t *testing.T, sorter *extsort.Sorter, directory string) {
	t.Helper()
	if err := sorter.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	isEmpty(t, directory)
}

// isEmpty checks that there is no file in directory.
func isEmpty(t *testing.T, directory string) {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Error(err)
	}
	for _, entry := range entries {
		t.Errorf("%s is in the directory", entry.Name())
	}
}

// sortedValues are the values as the sorter is to give them.
func sortedValues(records []record) []string {
	sorted := slices.Clone(records)
	slices.SortStableFunc(sorted, func(a, b record) int { return strings.Compare(a.key, b.key) })
	values := make([]string, len(sorted))
	for i, r := range sorted {
		values[i] = r.value
	}
	return values
}

// read is the values of a sequence up to its end or its error. A second value
// or error after the first error fails the test.
func read(t *testing.T, values iter.Seq2[[]byte, error]) ([]string, error) {
	t.Helper()
	all := []string{}
	var failure error
	for value, err := range values {
		switch {
		case failure != nil:
			t.Errorf("the sequence went on after its error, with %q and %v", value, err)
		case err != nil:
			failure = err
			if value != nil {
				t.Errorf("value %q next to an error", value)
			}
		default:
			all = append(all, string(value))
		}
	}
	return all, failure
}

// isSorted checks that the sorter gives all records in order.
func isSorted(t *testing.T, sorter *extsort.Sorter, records []record) {
	t.Helper()
	got, err := read(t, sorter.Sorted(t.Context()))
	if err != nil {
		t.Fatalf("Sorted: %v", err)
	}
	same(t, got, sortedValues(records))
}

// isComplete checks that the sorter gives all records once.
func isComplete(t *testing.T, sorter *extsort.Sorter, records []record) {
	t.Helper()
	got, err := read(t, sorter.Unsorted(t.Context()))
	if err != nil {
		t.Fatalf("Unsorted: %v", err)
	}
	want := sortedValues(records)
	slices.Sort(got)
	slices.Sort(want)
	same(t, got, want)
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d values, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("value %d is %.60q, want %.60q", i, got[i], want[i])
		}
	}
}

// TestSort is the sorter against the standard library, from nothing at all to
// more runs than can be merged at once.
func TestSort(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		budget  int64
		records []record
	}{
		{"empty", 0, nil},
		{"one", 0, []record{{"a", "1"}}},
		{"nothing in any", 0, []record{{"", ""}, {"", ""}}},
		{"keys like their own beginnings", 0, []record{{"a\x00", "2"}, {"a", "1"}, {"a\x00\x00", "3"}, {"", "0"}, {"b", "5"}, {"a\x01", "4"}}},
		{"keys that differ late", 0, []record{{"12345678b", "2"}, {"12345678a", "1"}, {"12345678", "0"}}},
		{"bytes above ASCII", 0, []record{{"\xff", "3"}, {"\x7f", "1"}, {"é", "2"}}},
		{"all keys equal", 1, slices.Repeat([]record{{"k", "v"}}, 20_000)},
		{"in memory, default budget", 0, numbered(2_000, 100)},
		{"in memory, negative budget", -1, numbered(2_000, 100)},
		{"in memory, large budget", 1 << 62, numbered(2_000, 100)},
		{"a few runs", 512 << 10, numbered(10_000, 200)},
		{"budget raised to the smallest", 1, numbered(4_000, 200)},
		{"more runs than can be merged at once", extsort.MinBudget, numbered(12_000, 200)},
		{"runs of tiny records", extsort.MinBudget, numbered(20_000, 0)},
		{"record longer than a block", extsort.MinBudget, numbered(100, 20_000)},
		{"records as long as the budget", extsort.MinBudget, numbered(40, extsort.MinBudget)},
		{"key longer than the budget", extsort.MinBudget, []record{
			{"b", "2"}, {strings.Repeat("a", 3*extsort.MinBudget), "1"}, {"b", "3"}, {"", "0"},
		}},
		{"long among short", extsort.MinBudget, slices.Concat(
			numbered(2_000, 60), numbered(3, 1<<20), numbered(2_000, 50), numbered(9, 30_000), numbered(500, 40),
		)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sorter, _ := newSorter(t, test.budget, test.records)
			if got := sorter.Len(); got != len(test.records) {
				t.Errorf("Len is %d, want %d", got, len(test.records))
			}
			isComplete(t, sorter, test.records)
			isSorted(t, sorter, test.records)
			isComplete(t, sorter, test.records)
			isSorted(t, sorter, test.records)
		})
	}
}

// TestFileOnlyBeyondBudget puts the sorter into a directory where no file can
// be made: it works up to the budget and fails beyond.
func TestFileOnlyBeyondBudget(t *testing.T) {
	t.Parallel()
	const budget = 256 << 10
	for _, size := range []int{0, 20, 100, 5_000} {
		t.Run(fmt.Sprintf("values of %d bytes", size), func(t *testing.T) {
			t.Parallel()
			missing := filepath.Join(t.TempDir(), "missing")
			sorter := extsort.New(missing, budget)
			var failure error
			for failure == nil && sorter.Len() < budget {
				failure = sorter.Add(nil, make([]byte, size))
			}
			// The index takes 16 bytes a record, two lengths take two or more.
			used := sorter.Len() * (16 + 2 + size)
			if used < budget/2 || used > budget {
				t.Errorf("%d bytes used of a budget of %d", used, budget)
			}
			if !errors.Is(failure, os.ErrNotExist) || !strings.Contains(failure.Error(), "create temporary file in "+missing) {
				t.Errorf("error %v does not say what failed where", failure)
			}
			if err := sorter.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
}

// TestLongRecordWithoutDirectory adds a record that goes to the file at once.
func TestLongRecordWithoutDirectory(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	sorter := extsort.New(missing, extsort.MinBudget)
	for range 2 {
		err := sorter.Add(make([]byte, extsort.MinBudget), nil)
		if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), missing) {
			t.Errorf("%v, want ErrNotExist and the directory", err)
		}
	}
	if got := sorter.Len(); got != 0 {
		t.Errorf("Len is %d", got)
	}
	if err := sorter.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// TestAddCopies overwrites what was handed to Add.
func TestAddCopies(t *testing.T) {
	t.Parallel()
	sorter, _ := newSorter(t, 0, nil)
	key, value := []byte("b"), []byte("2")
	for range 2 {
		if err := sorter.Add(key, value); err != nil {
			t.Fatal(err)
		}
		key[0], value[0] = 'a', '1'
	}
	isSorted(t, sorter, []record{{"b", "2"}, {"a", "1"}})
}

// TestAppendToValue makes sure that a caller who appends to a value does not
// write into the next record.
func TestAppendToValue(t *testing.T) {
	t.Parallel()
	records := numbered(100, 30)
	sorter, _ := newSorter(t, 0, records)
	for value, err := range sorter.Unsorted(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		_ = append(value, bytes.Repeat([]byte("x"), 20)...)
	}
	isSorted(t, sorter, records)
}

// budgets run a test in memory, with runs, and with runs that have to be merged
// more than once.
var budgets = []struct {
	name   string
	budget int64
}{
	{"in memory", 32 << 20},
	{"merged once", 256 << 10},
	{"merged twice", extsort.MinBudget},
}

// many is more records than the two smaller budgets.
var many = numbered(15_000, 100)

// TestLeftEarly leaves the sequences at several places and reads them again.
func TestLeftEarly(t *testing.T) {
	t.Parallel()
	for _, test := range budgets {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sorter, _ := newSorter(t, test.budget, many)
			for _, values := range []iter.Seq2[[]byte, error]{sorter.Unsorted(t.Context()), sorter.Sorted(t.Context())} {
				for _, stop := range []int{1, 2, 1_000, len(many)} {
					got := 0
					for _, err := range values {
						if err != nil {
							t.Fatal(err)
						}
						got++
						if got == stop {
							break
						}
					}
				}
			}
			isSorted(t, sorter, many)
		})
	}
}

// TestAddAfterUnsorted adds more records after some were read.
func TestAddAfterUnsorted(t *testing.T) {
	t.Parallel()
	for _, test := range budgets {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			half := len(many) / 2
			sorter, _ := newSorter(t, test.budget, many[:half])
			isComplete(t, sorter, many[:half])
			for _, r := range many[half:] {
				if err := sorter.Add([]byte(r.key), []byte(r.value)); err != nil {
					t.Fatal(err)
				}
			}
			isComplete(t, sorter, many)
			isSorted(t, sorter, many)
		})
	}
}

// TestAddAfterSorted is refused, and the records stay readable.
func TestAddAfterSorted(t *testing.T) {
	t.Parallel()
	for _, test := range budgets {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sorter, _ := newSorter(t, test.budget, many)
			isSorted(t, sorter, many)
			if err := sorter.Add([]byte("late"), nil); err == nil || !strings.Contains(err.Error(), "Add after Sorted") {
				t.Errorf("Add after Sorted: %v", err)
			}
			isSorted(t, sorter, many)
		})
	}
}

// TestTwoAtOnce reads the sorted records twice side by side.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	for _, test := range budgets {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sorter, _ := newSorter(t, test.budget, many)
			next, stop := iter.Pull2(sorter.Sorted(t.Context()))
			defer stop()
			for want, err := range sorter.Sorted(t.Context()) {
				got, gotErr, ok := next()
				if err != nil || gotErr != nil || !ok || !bytes.Equal(got, want) {
					t.Fatalf("%q, %v, %t beside %q, %v", got, gotErr, ok, want, err)
				}
			}
			if _, err, ok := next(); ok {
				t.Errorf("the second sequence goes on, with %v", err)
			}
		})
	}
}

// TestCancelled ends the context before and in the middle of all sequences;
// after that the sorter can still be read with another one.
func TestCancelled(t *testing.T) {
	t.Parallel()
	for _, test := range budgets {
		for _, after := range []int{0, 1, 10_000} {
			t.Run(fmt.Sprintf("%s after %d", test.name, after), func(t *testing.T) {
				t.Parallel()
				sorter, _ := newSorter(t, test.budget, many)
				for name, sequence := range map[string]func(context.Context) iter.Seq2[[]byte, error]{
					"Unsorted": sorter.Unsorted, "Sorted": sorter.Sorted,
				} {
					ctx, cancel := context.WithCancel(t.Context())
					if after == 0 {
						cancel()
					}
					got := 0
					var failure error
					for _, err := range sequence(ctx) {
						if failure = err; err == nil {
							got++
						}
						if got == after {
							cancel()
						}
					}
					cancel()
					if !errors.Is(failure, context.Canceled) || got != after {
						t.Errorf("%s gave %d values and %v", name, got, failure)
					}
				}
				isSorted(t, sorter, many)
			})
		}
	}
}

// countdown is a context that ends when it has been asked a number of times.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	c.left--
	if c.left < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

// TestCancelledWhileMerging ends the context before the first value, while runs
// are merged into longer ones, and begins again.
func TestCancelledWhileMerging(t *testing.T) {
	t.Parallel()
	sorter, _ := newSorter(t, extsort.MinBudget, many)
	for _, left := range []int{2, 100, 10_000} {
		got, err := read(t, sorter.Sorted(&countdown{t.Context(), left}))
		if !errors.Is(err, context.DeadlineExceeded) || len(got) > 0 {
			t.Errorf("%d values and %v", len(got), err)
		}
	}
	isComplete(t, sorter, many)
	isSorted(t, sorter, many)
}

// TestClosed uses a sorter that was closed, twice.
func TestClosed(t *testing.T) {
	t.Parallel()
	for _, test := range budgets {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sorter, directory := newSorter(t, test.budget, many)
			for range 2 {
				closed(t, sorter, directory)
				if err := sorter.Add([]byte("late"), nil); !errors.Is(err, extsort.ErrClosed) {
					t.Errorf("Add: %v", err)
				}
				if _, err := read(t, sorter.Sorted(t.Context())); !errors.Is(err, extsort.ErrClosed) {
					t.Errorf("Sorted: %v", err)
				}
				if _, err := read(t, sorter.Unsorted(t.Context())); !errors.Is(err, extsort.ErrClosed) {
					t.Errorf("Unsorted: %v", err)
				}
			}
		})
	}
}

// TestChangedWhileRead pulls the records from under a sequence in each way that
// a caller can: it is an error, never a wrong value.
func TestChangedWhileRead(t *testing.T) {
	t.Parallel()
	type change func(context.Context, *extsort.Sorter) error
	add := func(_ context.Context, s *extsort.Sorter) error { return s.Add([]byte("key"), nil) }
	sort := func(ctx context.Context, s *extsort.Sorter) error {
		for _, err := range s.Sorted(ctx) {
			return err
		}
		return nil
	}
	closeIt := func(_ context.Context, s *extsort.Sorter) error { return s.Close() }
	tests := []struct {
		name   string
		read   func(*extsort.Sorter, context.Context) iter.Seq2[[]byte, error]
		change change
		want   string
	}{
		{"Add in Unsorted", (*extsort.Sorter).Unsorted, add, "changed"},
		{"Sorted in Unsorted", (*extsort.Sorter).Unsorted, sort, "changed"},
		{"Close in Unsorted", (*extsort.Sorter).Unsorted, closeIt, "closed"},
		{"Close in Sorted", (*extsort.Sorter).Sorted, closeIt, "closed"},
	}
	for _, test := range tests {
		for _, size := range budgets {
			t.Run(test.name+" "+size.name, func(t *testing.T) {
				t.Parallel()
				sorter, _ := newSorter(t, size.budget, many)
				got := 0
				var failure error
				for _, err := range test.read(sorter, t.Context()) {
					if err != nil {
						failure = err
						break
					}
					got++
					if got == 100 {
						if err := test.change(t.Context(), sorter); err != nil {
							t.Fatal(err)
						}
					}
				}
				if got != 100 || failure == nil || !strings.Contains(failure.Error(), test.want) {
					t.Errorf("%d values and %v, want 100 and one that says %s", got, failure, test.want)
				}
			})
		}
	}
}

// TestMemory sorts 8 MiB within budgets for which the runs can be merged at
// once and cannot. It does not run beside other tests, as it looks at the heap
// of all of them.
func TestMemory(t *testing.T) {
	for _, budget := range []int64{1 << 20, 128 << 10} {
		t.Run(fmt.Sprintf("%d KiB", budget>>10), func(t *testing.T) {
			testMemory(t, budget)
		})
	}
}

func testMemory(t *testing.T, budget int64) {
	t.Helper()
	const (
		count = 32 << 10
		warm  = 4 << 10
	)
	directory := t.TempDir()
	random := rand.NewChaCha8([32]byte{1})
	key, value := make([]byte, 32), make([]byte, 20_000)
	// Twice, as pools and finalizers hold on to what others left for one
	// collection more.
	liveHeap()
	before := liveHeap()
	var grown int64
	measure := func(i int) {
		if i%499 == 498 {
			grown = max(grown, liveHeap()-before)
		}
	}
	sorter := extsort.New(directory, budget)
	add := func(size int) {
		if _, err := random.Read(key); err != nil {
			t.Fatal(err)
		}
		if err := sorter.Add(key, value[:size]); err != nil {
			t.Fatal(err)
		}
	}
	// Short and long records first, so that what is measured has to make use
	// of the memory that they leave behind.
	for range warm {
		add(224)
	}
	for range warm / 64 {
		add(len(value))
	}
	for i := range count {
		add(224)
		measure(i)
	}
	if grown < budget/2 {
		t.Errorf("the heap grew by %d bytes only for a budget of %d", grown, budget)
	}
	for _, values := range []iter.Seq2[[]byte, error]{sorter.Unsorted(t.Context()), sorter.Sorted(t.Context())} {
		got := 0
		for _, err := range values {
			if err != nil {
				t.Fatal(err)
			}
			measure(got)
			got++
		}
		if got != sorter.Len() {
			t.Errorf("%d values, want %d", got, sorter.Len())
		}
	}
	t.Logf("the heap grew by %d KiB", grown>>10)
	// A tenth for what no budget can see: size classes of the allocator, the
	// file, the sequences; and the value in hand.
	if limit := budget + budget/10 + int64(len(value)); grown > limit {
		t.Errorf("the heap grew by %d bytes for a budget of %d", grown, budget)
	}
	closed(t, sorter, directory)
}

// TestCloseFreesMemory holds on to a sorter that was closed.
func TestCloseFreesMemory(t *testing.T) {
	before := liveHeap()
	sorter := extsort.New(t.TempDir(), 8<<20)
	value := make([]byte, 1<<10)
	for range 4 << 10 {
		if err := sorter.Add(nil, value); err != nil {
			t.Fatal(err)
		}
	}
	if full := liveHeap() - before; full < 4<<20 {
		t.Errorf("the heap grew by %d bytes for 4 MiB: was it measured?", full)
	}
	if err := sorter.Close(); err != nil {
		t.Error(err)
	}
	if left := liveHeap() - before; left > 1<<20 {
		t.Errorf("%d bytes are still held after Close", left)
	}
	runtime.KeepAlive(sorter)
}

// FuzzSort sorts records cut out of the fuzzer's bytes, many times over so that
// they fill some runs, and compares with the standard library.
func FuzzSort(f *testing.F) {
	f.Add([]byte("b\x01a\x00\x02bb"), uint8(1), uint16(0), uint32(0))
	f.Add([]byte("\x03abc\x00\x01\xff\xff"), uint8(200), uint16(300), uint32(70_000))
	f.Add([]byte("\x08ABCDEFGHIJK\x08ABCDEFGHAAA\x07ABCDEFG"), uint8(20), uint16(20_000), uint32(100_000))
	f.Add([]byte("\x01a\x01b\x00"), uint8(255), uint16(3_000), uint32(0))
	f.Add([]byte("\x01a\x01b\x00"), uint8(255), uint16(3_000), uint32(1))
	f.Fuzz(func(t *testing.T, data []byte, repeat uint8, padding uint16, budget uint32) {
		var pattern []record
		for rest := data; len(rest) > 0; {
			length := min(int(rest[0])%32, len(rest)-1)
			pattern = append(pattern, record{key: string(rest[1 : 1+length])})
			rest = rest[1+length:]
		}
		// Enough for more runs than can be merged at once, and no more, so that
		// much is tried.
		records := make([]record, 0, min(int(repeat)*len(pattern), 2_000))
		filled := 0
		for len(records) < cap(records) {
			i := len(records)
			r := pattern[i%len(pattern)]
			// Paddings of many lengths, none at all among them.
			length := i * 7919 % (int(padding) + 1)
			if filled+length > 1<<20 {
				length = 0
			}
			filled += length
			r.value = strconv.Itoa(i) + strings.Repeat(".", length)
			records = append(records, r)
		}
		sorter, _ := newSorter(t, int64(budget), records)
		isComplete(t, sorter, records)
		isSorted(t, sorter, records)
	})
}
