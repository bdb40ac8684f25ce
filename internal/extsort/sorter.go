// Package extsort sorts more records than memory should hold.
//
// A [Sorter] gathers records in one buffer. When the buffer is full, it sorts them and appends them to a temporary file
// as one run. Reading merges the runs and the buffer.
//
// Records can be personal data. Only the user can read the file, and it is unlinked as soon as it is open, so that it is
// gone even if the process is killed. If the system does not unlink open files, [Sorter.Close] removes it.
package extsort

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"slices"
)

const (
	// DefaultBudget is the budget if none is given.
	DefaultBudget = 8 << 20
	// MinBudget is the smallest budget.
	MinBudget = 64 << 10

	fileBuffer  = 64 << 10
	lengthsSize = 8 // bytes before each record: the lengths of its key and its value
	startSize   = 8 // bytes of an element of Sorter.starts
)

// Sorter sorts records by key. Once a method has returned an error, it must only be closed. It is not safe for
// concurrent use.
type Sorter struct {
	directory string
	budget    int
	buffer    []byte // encoded records, in the order added
	starts    []int  // where each record starts in buffer
	file      *os.File
	path      string // of the file, unless it is unlinked
	runs      []run
}

// run is a part of the file that is sorted.
type run struct {
	offset, length int64
	records        int
}

// New returns a Sorter that keeps about budget bytes of records in memory and the others in a file in directory. An
// empty directory is [os.TempDir]. A budget of 0 is [DefaultBudget], and a smaller one than [MinBudget] is that. While
// runs are merged, each takes up to 64 KiB on top.
func New(directory string, budget int64) *Sorter {
	if budget == 0 {
		budget = DefaultBudget
	}
	return &Sorter{directory: directory, budget: int(min(max(budget, MinBudget), math.MaxInt32))}
}

// Add adds a record. It copies both slices.
func (s *Sorter) Add(key, value []byte) error {
	size := lengthsSize + len(key) + len(value) + startSize
	if len(s.starts) > 0 && len(s.buffer)+len(s.starts)*startSize+size > s.budget {
		if err := s.spill(); err != nil {
			return fmt.Errorf("temporary file: %w", err)
		}
	}
	s.starts = append(s.starts, len(s.buffer))
	s.buffer = binary.BigEndian.AppendUint32(s.buffer, uint32(len(key)))   //nolint:gosec // a row is not that long
	s.buffer = binary.BigEndian.AppendUint32(s.buffer, uint32(len(value))) //nolint:gosec // a row is not that long
	s.buffer = append(append(s.buffer, key...), value...)
	return nil
}

// spill moves the records in the buffer to the file.
func (s *Sorter) spill() (err error) {
	if s.file == nil {
		if s.file, err = os.CreateTemp(s.directory, "orgusers-*.tmp"); err != nil { // with mode 0600
			return err
		}
		if os.Remove(s.file.Name()) != nil {
			s.path = s.file.Name()
		}
	}
	added := run{length: int64(len(s.buffer)), records: len(s.starts)}
	if n := len(s.runs); n > 0 {
		added.offset = s.runs[n-1].offset + s.runs[n-1].length
	}
	w := bufio.NewWriterSize(s.file, fileBuffer)
	for record := range s.sorted() {
		if _, err := w.Write(record); err != nil {
			return err
		}
	}
	s.runs = append(s.runs, added)
	s.buffer, s.starts = s.buffer[:0], s.starts[:0]
	return w.Flush()
}

// sorted yields the records in the buffer by key.
func (s *Sorter) sorted() iter.Seq[[]byte] {
	slices.SortFunc(s.starts, func(a, b int) int {
		return cmp.Or(bytes.Compare(key(s.buffer[a:]), key(s.buffer[b:])), cmp.Compare(a, b))
	})
	return func(yield func([]byte) bool) {
		for _, start := range s.starts {
			if record := s.buffer[start:]; !yield(record[:size(record)]) {
				return
			}
		}
	}
}

// size returns the length of the first record in encoded ones.
func size(encoded []byte) int {
	return lengthsSize + keyLength(encoded) + int(binary.BigEndian.Uint32(encoded[4:]))
}

func keyLength(encoded []byte) int { return int(binary.BigEndian.Uint32(encoded)) }

func key(encoded []byte) []byte { return encoded[lengthsSize:][:keyLength(encoded)] }

// Sorted yields the values of all records in the order of their keys, those of equal keys in the order added. A value is
// valid until the next one. An error ends the sequence; a sequence without one was complete. It can be ranged over again.
func (s *Sorter) Sorted() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var heads []*head // the first record is in the last one
		add := func(h *head) bool {
			if err := h.next(); err != nil {
				yield(nil, fmt.Errorf("temporary file: %w", err))
				return false
			}
			if h.record != nil {
				place, _ := slices.BinarySearchFunc(heads, h, compareHeads)
				heads = append(heads, h) // slices.Insert would allocate for each record
				copy(heads[place+1:], heads[place:])
				heads[place] = h
			}
			return true
		}
		for i, r := range s.runs {
			source := bufio.NewReaderSize(io.NewSectionReader(s.file, r.offset, r.length), fileBuffer)
			if !add(&head{order: i, source: source, left: r.records}) {
				return
			}
		}
		buffered, stop := iter.Pull(s.sorted())
		defer stop()
		add(&head{order: len(s.runs), buffered: buffered})
		for len(heads) > 0 {
			first := heads[len(heads)-1]
			heads = heads[:len(heads)-1]
			if value := first.record[lengthsSize+keyLength(first.record):]; !yield(slices.Clip(value), nil) || !add(first) {
				return
			}
		}
	}
}

// head is the next record of a run, or of the buffer.
type head struct {
	order  int
	record []byte // nil after the last one

	source   *bufio.Reader // of a run
	left     int           // records of the run that are still to be read
	buffered func() ([]byte, bool)
}

// compareHeads compares by key. Of equal keys the earlier run comes last.
func compareHeads(a, b *head) int {
	return cmp.Or(bytes.Compare(key(b.record), key(a.record)), cmp.Compare(b.order, a.order))
}

// next reads the next record.
func (h *head) next() error {
	if h.source == nil {
		h.record, _ = h.buffered()
		return nil
	}
	if h.left == 0 {
		h.record = nil
		return nil
	}
	h.left--
	lengths, err := h.source.Peek(lengthsSize)
	if err != nil {
		return err
	}
	n := size(lengths)
	h.record = slices.Grow(h.record[:0], n)[:n]
	_, err = io.ReadFull(h.source, h.record)
	return err
}

// Close drops the records and removes the file.
func (s *Sorter) Close() error {
	s.buffer, s.starts = nil, nil
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if s.path != "" {
		err = errors.Join(err, os.Remove(s.path))
	}
	s.file = nil
	return err
}
