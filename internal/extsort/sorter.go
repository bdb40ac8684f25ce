// Package extsort sorts more records than memory should hold.
//
// A [Sorter] keeps records in memory up to a budget. Within it there is no
// file at all. Beyond it, what has gathered in memory is sorted and appended
// as one run to a temporary file that only the user can read, and the runs are
// merged while the result is read.
//
// The records may be personal data, so the file is removed from its directory
// right after it was opened wherever the system lets us: then not even a
// killed process leaves it behind. Elsewhere [Sorter.Close] removes it.
package extsort

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"slices"
)

const (
	// DefaultBudget is the budget of a Sorter made without one.
	DefaultBudget = 8 << 20
	// MinBudget is the smallest budget; New raises a smaller one to it. The up
	// to 64 bytes that it takes to remember a run are not counted in a budget:
	// they are a thousandth of the smallest.
	MinBudget = 64 << 10
)

var (
	// ErrClosed is the error of every use of a Sorter after Close.
	ErrClosed = errors.New("extsort: sorter is closed")
	// ErrUnreadable is in the error of a sequence when the temporary file
	// does not give back what was written to it.
	ErrUnreadable = errors.New("not readable as it was written")

	errSealed  = errors.New("extsort: Add after Sorted")
	errChanged = errors.New("extsort: sorter changed while its records were read")
)

// Sorter sorts records of a key and a value by key. It is made by [New], filled
// with [Sorter.Add], read with [Sorter.Sorted] and must be closed. It is not
// safe for concurrent use.
type Sorter struct {
	directory string
	budget    int64
	length    int
	longest   lengths
	memory    arena
	file      *runFile // nil as long as everything is in memory
	runs      []run    // in the order in which their records were added
	sealed    bool     // Sorted was read: no more records
	err       error    // why the Sorter can no longer be used
	version   int      // counts what pulls the records from under a sequence
}

// record is one key and its value. Both belong to the memory they were read
// from and are valid until the next record is read.
type record struct {
	key, value []byte
}

// New makes a Sorter that keeps about budget bytes in memory, its own
// bookkeeping counted, and the rest in one temporary file in directory, the
// system's own for temporary files if directory is empty. A budget of zero or
// less is [DefaultBudget], one below [MinBudget] is MinBudget.
//
// Beside the budget there is the one record in hand when it is a large one.
// The file takes the space of all records, and as much again for each time
// that there are too many runs to merge them at once within the budget: never
// below 4 GB of records with the default budget and short keys.
func New(directory string, budget int64) *Sorter {
	if directory == "" {
		directory = os.TempDir()
	}
	if budget <= 0 {
		budget = DefaultBudget
	}
	// The upper bound keeps positions within an int on 32-bit systems.
	budget = min(max(budget, MinBudget), math.MaxInt/2)
	return &Sorter{
		directory: directory,
		budget:    budget,
		memory:    arena{budget: budget - bufferSize},
	}
}

// Add takes one record and copies both slices. Records are sorted by
// [bytes.Compare] of their keys; equal keys stay in the order in which they
// were added.
//
// An error to write the temporary file is final: it names the directory, drops
// all records at once, file included, and is the error of all further calls
// until Close. Once Sorted was read, Add is refused.
func (s *Sorter) Add(key, value []byte) error {
	if s.err != nil {
		return s.err
	}
	if s.sealed {
		return errSealed
	}
	size := encodedSize(key, value)
	if !s.memory.fits(size) {
		if err := s.spill(); err != nil {
			return err
		}
	}
	if s.memory.fits(size) {
		s.memory.add(key, value)
	} else if err := s.writeRun(just(record{key, value})); err != nil {
		// Too large for the whole budget, it went to the file as it is.
		return err
	}
	s.longest.include(key, value)
	s.length++
	s.version++
	return nil
}

// Len is the number of records added.
func (s *Sorter) Len() int { return s.length }

// Unsorted reads the values of all records in no particular order: one cheap
// pass, before or after Sorted. The conditions of [Sorter.Sorted] hold, except
// that more records can be added afterwards.
func (s *Sorter) Unsorted(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if err := s.usable(ctx, s.version); err != nil {
			yield(nil, err)
			return
		}
		s.deliver(ctx, s.unsorted(), yield)
	}
}

// Sorted reads the values of all records by key. Once it was ranged over, no
// more records can be added; it can be ranged over again and be left early.
//
// A value is valid until the next one is read and must not be changed. An
// error comes once, without a value, and ends the sequence: the context's own
// when ctx ends, one with [ErrUnreadable] when the temporary file is damaged. A
// sequence that ends without one was complete.
func (s *Sorter) Sorted(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if err := s.prepare(ctx); err != nil {
			yield(nil, err)
			return
		}
		s.deliver(ctx, s.sorted(), yield)
	}
}

// Close drops all records and removes the temporary file. It may be called at
// any time and again, and must be called even after an error.
func (s *Sorter) Close() error {
	s.err = ErrClosed
	return s.release()
}

// prepare brings the records into order as far as that is done before the
// first of them can be read.
func (s *Sorter) prepare(ctx context.Context) error {
	if err := s.usable(ctx, s.version); err != nil {
		return err
	}
	if !s.sealed {
		s.sealed = true
		s.version++
		if s.file == nil {
			s.memory.sort()
		} else {
			// What is still in memory goes to the file too: the merge needs
			// the budget for its buffers.
			if err := s.spill(); err != nil {
				return err
			}
			s.memory = arena{}
		}
	}
	return s.reduceRuns(ctx)
}

// usable says why the records cannot be read, or read on since version.
func (s *Sorter) usable(ctx context.Context, version int) error {
	if s.err != nil {
		return s.err
	}
	if s.version != version {
		return errChanged
	}
	return stopped(ctx)
}

// stopped is the error of a context that has ended.
func stopped(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("extsort: reading stopped: %w", err)
	}
	return nil
}

// sorted is all records by key, once prepare has succeeded.
func (s *Sorter) sorted() iter.Seq2[record, error] {
	if s.file == nil {
		return s.memory.all()
	}
	return s.merge(s.runs, s.readBuffer(len(s.runs)))
}

// unsorted is all records, those in the file first.
func (s *Sorter) unsorted() iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		for i := range s.runs {
			// One run after the other through one small buffer: the budget
			// may be full of records.
			for r, err := range s.merge(s.runs[i:i+1], bufferSize) {
				if !yield(r, err) {
					return
				}
			}
		}
		s.memory.all()(yield)
	}
}

// deliver hands the values of all records to the caller, and an error when
// they cannot have been all.
func (s *Sorter) deliver(ctx context.Context, records iter.Seq2[record, error], yield func([]byte, error) bool) {
	version, delivered := s.version, 0
	for r, err := range records {
		if err != nil {
			yield(nil, err)
			return
		}
		if !yield(slices.Clip(r.value), nil) {
			return
		}
		delivered++
		// Asked here, as the caller may have done anything meanwhile.
		if err := s.usable(ctx, version); err != nil {
			yield(nil, err)
			return
		}
	}
	if delivered != s.length {
		yield(nil, s.readError(fmt.Errorf("%w: %d records of %d", ErrUnreadable, delivered, s.length)))
	}
}

// spill sorts what is in memory and moves it to the file.
func (s *Sorter) spill() error {
	if s.memory.empty() {
		return nil
	}
	s.memory.sort()
	if err := s.writeRun(s.memory.all()); err != nil {
		return err
	}
	s.memory.reset()
	return nil
}

// writeRun appends sorted records to the file as one more run.
func (s *Sorter) writeRun(records iter.Seq2[record, error]) error {
	if s.file == nil {
		file, err := createRunFile(s.directory)
		if err != nil {
			return s.fail("create", err)
		}
		s.file = file
	}
	added, err := s.appendRun(records)
	if err != nil {
		return err
	}
	s.runs = append(s.runs, added)
	return nil
}

// appendRun writes sorted records behind all runs. An error of theirs leaves
// everything as it was, one to write is final.
func (s *Sorter) appendRun(records iter.Seq2[record, error]) (run, error) {
	writer := s.file.newWriter()
	for r, err := range records {
		if err != nil {
			return run{}, err
		}
		if err := writer.add(r); err != nil {
			return run{}, s.fail("write", err)
		}
	}
	added, err := writer.finish()
	if err != nil {
		return run{}, s.fail("write", err)
	}
	return added, nil
}

// fail makes an error final. The space on what may be a full disk is given
// back at once.
func (s *Sorter) fail(operation string, err error) error {
	s.err = fmt.Errorf("extsort: %s temporary file in %s: %w", operation, s.directory, err)
	s.err = errors.Join(s.err, s.release())
	return s.err
}

// readError says where reading back failed.
func (s *Sorter) readError(err error) error {
	return fmt.Errorf("extsort: read temporary file in %s: %w", s.directory, err)
}

// release drops the records and whatever holds them.
func (s *Sorter) release() error {
	s.memory, s.runs = arena{}, nil
	s.version++
	if s.file == nil {
		return nil
	}
	if err := s.file.close(); err != nil {
		// The file is kept in mind: another Close tries again.
		return fmt.Errorf("extsort: remove temporary file in %s: %w", s.directory, err)
	}
	s.file = nil
	return nil
}

// just is a sequence of one record.
func just(r record) iter.Seq2[record, error] {
	return func(yield func(record, error) bool) { yield(r, nil) }
}
