package paging

import "slices"

// ties knows which rows are tied: the order of the list does not say which of
// them comes first, and they may have changed places by the next request. A
// page that begins within such a group can therefore hide rows of it, whichever
// of them it shows. One that begins before the group and ends behind it shows
// the group as a whole.
//
// So of the group that the last page ended with no row proves that a page
// connects: the page has to begin with a row from before, also where all of the
// group seems to have been read. A group that is larger than a page can hold is
// none: its rows then count as in order.
type ties[T any] struct {
	tied    func(a, b T) bool // nil: rows never are
	row     T                 // of the group that the last page ended with,
	last    []uint64          // the hashes of its rows,
	run     int               // and how many of them the page ended with
	largest int               // group on the last pages, of those that half a page can hold
}

// open reports whether a row belongs to the last group, of which there may be more.
func (t *ties[T]) open(hash uint64) bool {
	return slices.Contains(t.last, hash)
}

// note takes note of the groups on a page that connected.
func (t *ties[T]) note(rows []T, hashes []uint64, size int) {
	if t.tied == nil || len(rows) == 0 {
		return
	}
	largest, start := 0, 0
	for i := range rows {
		if i > 0 && !t.tied(rows[i-1], rows[i]) {
			start = i
		}
		group := i + 1 - start
		if group <= size/2 {
			largest = max(largest, group)
		}
	}
	t.largest = max(largest, t.largest-1)
	last := rows[len(rows)-1]
	if len(t.last) == 0 || !t.tied(t.row, last) {
		t.last = t.last[:0]
	}
	for _, hash := range hashes[start:] {
		if !t.open(hash) {
			t.last = append(t.last, hash)
		}
	}
	t.row, t.run = last, len(rows)-start
	if len(t.last)+1 >= size {
		t.last, t.run = t.last[:0], 0
	}
}
