package extsort

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"iter"
)

const (
	// minReadBuffer and maxReadBuffer bound the buffer of each run in a merge:
	// below, the system calls cost too much, above they are no cheaper.
	minReadBuffer = 4 << 10
	maxReadBuffer = 64 << 10
	// readerOverhead is what a run in a merge takes beside its buffer and key.
	readerOverhead = 512
)

// mergeBudget is what all runs of a merge may take together: the budget less
// the buffer of a run being written and the one value in hand.
func (s *Sorter) mergeBudget() int64 {
	return max(s.budget-bufferSize-s.longest.value, s.budget/2)
}

// readerSize is what one run of a merge takes beside its buffer. A key slice
// that had to grow may be twice as long as the longest key.
func (s *Sorter) readerSize() int64 {
	return readerOverhead + 2*s.longest.key
}

// mergeWidth is how many runs can be merged at once within the budget.
func (s *Sorter) mergeWidth() int {
	return int(max(2, s.mergeBudget()/(s.readerSize()+minReadBuffer)))
}

// readBuffer is the size of the buffer of each of count runs in a merge.
func (s *Sorter) readBuffer(count int) int {
	share := s.mergeBudget()/int64(count) - s.readerSize()
	return int(min(max(share, minReadBuffer), maxReadBuffer))
}

// reduceRuns merges neighbouring runs into longer ones until the rest can be
// merged at once. It merges no more than it must. The runs stay in the order
// in which their records were added, and stay as they were if it fails.
func (s *Sorter) reduceRuns(ctx context.Context) error {
	width := s.mergeWidth()
	for len(s.runs) > width {
		var reduced []run
		for rest := s.runs; len(rest) > 0; {
			excess := len(reduced) + len(rest) - width
			count := min(len(rest), width, max(1, excess+1))
			merged := rest[0]
			if count > 1 {
				var err error
				records := s.merge(rest[:count], s.readBuffer(count))
				if merged, err = s.appendRun(until(ctx, records)); err != nil {
					return err
				}
			}
			reduced = append(reduced, merged)
			rest = rest[count:]
		}
		s.runs = reduced
	}
	return nil
}

// until is the same records, as long as ctx lasts.
func until(ctx context.Context, records iter.Seq2[record, error]) iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		for r, err := range records {
			if err == nil {
				err = stopped(ctx)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// merge is the records of several runs by key, those of an earlier run first
// where keys are equal, each read through a buffer of size bytes. A sequence
// that ends without an error was complete.
func (s *Sorter) merge(runs []run, size int) iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		heads := make(mergeHeap, 0, len(runs))
		for order, r := range runs {
			reader := s.file.newReader(r, size, s.longest)
			more, err := reader.next()
			if err != nil {
				yield(record{}, s.readError(err))
				return
			}
			if more {
				heads = append(heads, head{reader, order})
			}
		}
		heap.Init(&heads)
		var value []byte
		for len(heads) > 0 {
			first := heads[0].runReader
			var err error
			if value, err = first.value(value); err != nil {
				yield(record{}, s.readError(err))
				return
			}
			if !yield(record{first.key, value}, nil) {
				return
			}
			more, err := first.next()
			if err != nil {
				yield(record{}, s.readError(err))
				return
			}
			if more {
				heap.Fix(&heads, 0)
			} else {
				heap.Pop(&heads)
			}
		}
	}
}

// head is a run whose next record waits to be merged.
type head struct {
	*runReader
	order int // place among the runs merged
}

// mergeHeap is a [heap.Interface] with the next record of all runs on top.
type mergeHeap []head

func (h mergeHeap) Len() int      { return len(h) }
func (h mergeHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h mergeHeap) Less(i, j int) bool {
	order := bytes.Compare(h[i].key, h[j].key)
	return cmp.Or(order, cmp.Compare(h[i].order, h[j].order)) < 0
}

func (h *mergeHeap) Push(x any) { *h = append(*h, x.(head)) }

func (h *mergeHeap) Pop() any {
	last := len(*h) - 1
	popped := (*h)[last]
	(*h)[last] = head{}
	*h = (*h)[:last]
	return popped
}
