package extsort

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// The read buffer of a run has a share of the budget between these sizes.
const (
	minReadBuffer = 4 << 10
	maxReadBuffer = 64 << 10
)

// errDamaged is the error if the file does not hold what was written to it.
var errDamaged = errors.New("it does not hold what was written to it")

// run is a part of the file that is sorted.
type run struct {
	offset, length int64
	records        int
}

// merge yields the values of all runs by key.
func (s *Sorter) merge(yield func([]byte, error) bool) {
	if len(s.starts) > 0 {
		if err := s.spill(); err != nil {
			yield(nil, err)
			return
		}
	}
	s.buffer, s.starts = nil, nil // the budget is for the read buffers now
	size := min(max(s.budget/len(s.runs), minReadBuffer), maxReadBuffer)
	heads := make([]*head, len(s.runs))
	for i, r := range s.runs {
		section := io.NewSectionReader(s.file, r.offset, r.length)
		heads[i] = &head{run: r, source: bufio.NewReaderSize(section, size)}
		if err := heads[i].next(); err != nil {
			yield(nil, err)
			return
		}
	}
	slices.SortFunc(heads, compareHeads)
	for len(heads) > 0 {
		first := heads[0]
		if !yield(first.value, nil) {
			return
		}
		if first.records == 0 {
			heads = heads[1:]
			continue
		}
		if err := first.next(); err != nil {
			yield(nil, err)
			return
		}
		place, _ := slices.BinarySearchFunc(heads[1:], first, compareHeads)
		copy(heads, heads[1:place+1])
		heads[place] = first
	}
}

// head is the next record of a run.
type head struct {
	run        // records counts those that are still to be read
	source     *bufio.Reader
	record     []byte
	key, value []byte
}

// compareHeads compares by key. Of equal keys the earlier run comes first.
func compareHeads(a, b *head) int {
	return cmp.Or(bytes.Compare(a.key, b.key), cmp.Compare(a.offset, b.offset))
}

// next reads the next record.
func (h *head) next() error {
	keyLength, err := binary.ReadUvarint(h.source)
	if err != nil {
		return unreadable(err)
	}
	valueLength, err := binary.ReadUvarint(h.source)
	if err != nil {
		return unreadable(err)
	}
	// A damaged length must not be allocated.
	if limit := uint64(h.length); keyLength > limit || valueLength > limit-keyLength { //nolint:gosec // a length is not negative
		return unreadable(errDamaged)
	}
	size := int(keyLength + valueLength) //nolint:gosec // it was in memory
	h.record = slices.Grow(h.record[:0], size)[:size]
	if _, err := io.ReadFull(h.source, h.record); err != nil {
		return unreadable(err)
	}
	h.key, h.value = h.record[:keyLength], h.record[keyLength:]
	h.records--
	return nil
}

func unreadable(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("temporary file: %w", err)
}
