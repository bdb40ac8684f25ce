// Package extsort sorts more records than memory should hold.
//
// A [Sorter] gathers records in one buffer. When the buffer is full, it sorts
// them and appends them to a temporary file as one run. Reading merges the
// runs. If all records fit into the buffer, there is no file.
//
// Records can be personal data. Only the user can read the file, and it is
// unlinked as soon as it is open, so that it is gone even if the process is
// killed. If the system does not unlink open files, [Sorter.Close] removes it.
package extsort

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
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

	writeBuffer = 64 << 10
	entrySize   = 8 // bytes of an element of Sorter.starts
)

// Sorter sorts records by key. It must be closed, and only be closed once one
// of its methods has returned an error. It is not safe for concurrent use.
type Sorter struct {
	directory string
	budget    int
	buffer    []byte // encoded records, in the order added
	starts    []int  // where each record starts in buffer
	file      *os.File
	path      string // of the file, unless it is unlinked
	runs      []run
}

// New returns a Sorter that keeps about budget bytes of records in memory and
// the others in a file in directory. An empty directory is [os.TempDir]. A
// budget of 0 is [DefaultBudget], and a smaller one than [MinBudget] is that.
//
// While the runs are merged, the budget is divided among them, with at least
// 4 KiB for each. Of n bytes of records this takes at most n × 4 KiB ÷ budget.
func New(directory string, budget int64) *Sorter {
	if budget == 0 {
		budget = DefaultBudget
	}
	return &Sorter{directory: directory, budget: int(min(max(budget, MinBudget), math.MaxInt32))}
}

// Add adds a record. It copies both slices.
func (s *Sorter) Add(key, value []byte) error {
	size := 2*binary.MaxVarintLen64 + len(key) + len(value) + entrySize
	if len(s.starts) > 0 && len(s.buffer)+len(s.starts)*entrySize+size > s.budget {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.starts = append(s.starts, len(s.buffer))
	s.buffer = binary.AppendUvarint(s.buffer, uint64(len(key)))
	s.buffer = binary.AppendUvarint(s.buffer, uint64(len(value)))
	s.buffer = append(s.buffer, key...)
	s.buffer = append(s.buffer, value...)
	return nil
}

// Sorted yields the values of all records in the order of their keys, those
// of equal keys in the order added. A value is valid until the next one. An
// error ends the sequence; a sequence without one was complete. It can be
// ranged over again.
func (s *Sorter) Sorted() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if len(s.runs) > 0 {
			s.merge(yield)
			return
		}
		s.sort()
		for _, start := range s.starts {
			_, value, _ := decode(s.buffer[start:])
			if !yield(value, nil) {
				return
			}
		}
	}
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

// sort sorts the records in the buffer.
func (s *Sorter) sort() {
	slices.SortFunc(s.starts, func(a, b int) int {
		keyA, _, _ := decode(s.buffer[a:])
		keyB, _, _ := decode(s.buffer[b:])
		return cmp.Or(bytes.Compare(keyA, keyB), cmp.Compare(a, b))
	})
}

// decode returns the parts of the first record and its encoded size.
func decode(encoded []byte) (key, value []byte, size int) {
	keyLength, n := binary.Uvarint(encoded)
	valueLength, m := binary.Uvarint(encoded[n:])
	rest := encoded[n+m:]
	key, value = rest[:keyLength], rest[keyLength:][:valueLength:valueLength]
	return key, value, n + m + len(key) + len(value)
}

// spill moves the records in the buffer to the file.
func (s *Sorter) spill() error {
	if s.file == nil {
		if err := s.create(); err != nil {
			return fmt.Errorf("temporary file: %w", err)
		}
	}
	s.sort()
	added := run{records: len(s.starts)}
	if n := len(s.runs); n > 0 {
		added.offset = s.runs[n-1].offset + s.runs[n-1].length
	}
	w := bufio.NewWriterSize(s.file, writeBuffer)
	for _, start := range s.starts {
		_, _, size := decode(s.buffer[start:])
		n, err := w.Write(s.buffer[start:][:size])
		if err != nil {
			return fmt.Errorf("temporary file: %w", err)
		}
		added.length += int64(n)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("temporary file: %w", err)
	}
	s.runs = append(s.runs, added)
	s.buffer, s.starts = s.buffer[:0], s.starts[:0]
	return nil
}

// create makes the file, with mode 0600, and unlinks it.
func (s *Sorter) create() error {
	file, err := os.CreateTemp(s.directory, "orgusers-*.tmp")
	if err != nil {
		return err
	}
	s.file = file
	if os.Remove(file.Name()) != nil {
		s.path = file.Name()
	}
	return nil
}
