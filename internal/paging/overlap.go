package paging

import "slices"

// ties remembers which rows are tied: the order of the list does not say which of them comes first, and they may have
// changed places by the next request. A page that starts within such a group can hide rows of it, whichever of them it
// shows. A page that starts before the group and ends behind it shows the whole group.
//
// So no row of the group that the last page ended with proves that a page connects: the page has to begin with a row
// from before the group, even if the whole group seems to have been read. A group larger than a page is not treated as
// one: its rows count as in order.
type ties[T any] struct {
	tied    func(a, b T) bool // nil: rows never are
	row     T                 // one of the group that the last page ended with
	last    []uint64          // the hashes of the rows of that group
	run     int               // how many of them were at the end of the page
	largest int               // size of the largest recent group that half a page can hold
}

// open reports whether a row belongs to the last group, which may have more rows.
func (t *ties[T]) open(hash uint64) bool {
	return slices.Contains(t.last, hash)
}

// endsWith reports whether a row is tied with the one that the last page ended with.
func (t *ties[T]) endsWith(row T) bool {
	return t.tied != nil && t.tied(t.row, row)
}

// note takes in the groups on a page that connected.
func (t *ties[T]) note(rows []T, hashes []uint64, size int, unread bool) {
	if t.tied == nil || len(rows) == 0 {
		return
	}
	passed := slices.ContainsFunc(hashes, t.open) // if not, the page may be older, and end before the open group
	if !passed && !unread {
		t.run = 0
		return
	}
	largest, start := 0, 0
	for i := range rows {
		if i > 0 && !t.tied(rows[i-1], rows[i]) {
			start = i
		}
		if group := i + 1 - start; group <= size/2 {
			largest = max(largest, group)
		}
	}
	t.largest = max(largest, t.largest-1)
	last := rows[len(rows)-1]
	if passed && !t.tied(t.row, last) {
		t.last = t.last[:0]
	}
	for _, hash := range hashes[start:] {
		if !t.open(hash) {
			t.last = append(t.last, hash)
		}
	}
	t.row, t.run = last, len(rows)-start
	if t.run+1 >= size {
		t.last, t.run = t.last[:0], 0
	}
}

// overlap returns how many rows of the next page should be known. While nothing moves, one is enough, or a group of
// tied rows as large as those seen and one row before it. Without a count it takes two, because a page of the last row
// alone could also come from a server that has begun to return one row per page.
func (w *walk[T]) overlap() int {
	rows := 1
	if w.ties.tied != nil {
		rows += max(1, min(w.ties.largest, w.size/2))
	}
	switch {
	case w.wide > 0:
		rows = max(rows, (w.size+w.ties.run+1)/2) // every row, but those of the last group, is on two pages
	case w.count.last == unknown:
		rows = max(rows, 2)
	}
	return min(rows, w.size-1)
}

// need returns how many rows before next a page has to start, so that it begins with a row from before the last group
// of tied rows.
func (w *walk[T]) need() int { return w.ties.run + 1 }

// connects reports whether no unread row can lie between the rows read before and the page at hand.
func (w *walk[T]) connects(p *sheet[T]) bool {
	switch {
	case p.skip == 0: // but if there is no count, only a known row shows that the pages belong together
		return w.mode != backward || w.count.last != unknown || p.known >= 0
	case p.known < 0:
		return len(p.rows) == 0 && w.behindOnlyRow(p.skip)
	case w.ties.open(p.hashes[p.known]): // a row of the same group may lie before it, unless the list is one group
		return p.unread == 0 && w.count.last == unknown && w.mode.checksEnd() && w.next <= w.need()
	}
	return true
}
