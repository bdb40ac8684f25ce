package paging

import "math"

// checksEnd reports whether the mode reads the end of the list again.
func (m mode) checksEnd() bool { return m == ending || m == proving }

// advance goes on behind a page that connected, and returns the next mode.
func (w *walk[T]) advance(p *sheet[T]) (mode, error) {
	rows, before := len(p.rows), w.next
	w.next = p.skip + rows
	if rows > 0 {
		w.end = p.hashes[rows-1]
	}
	w.ties.note(p.rows, p.hashes, max(rows, w.size), p.unread > 0 || w.reading > 1)
	w.wide = max(0, w.wide-1)
	w.flight = min(w.flight+1, max(1, w.list.ReadAhead))
	if !w.budget.account(before, w.next, p.unread) {
		w.flight = 1
	}
	onlyRow := p.skip == 0 && rows == 1
	switch {
	case onlyRow && (w.count.last > 1 || w.mode == backward && before == 1 && w.budget.stuck > 2):
		return w.mode, w.incomplete("the server returns one row per page, and such pages cannot overlap")
	case w.count.last != unknown:
		return w.advanceCounted(p)
	}
	return w.advanceBlindly(p, before-p.skip)
}

// advanceCounted returns the next mode if the server counts the rows of the list.
func (w *walk[T]) advanceCounted(p *sheet[T]) (mode, error) {
	full := len(p.rows) == w.size
	more := w.next < w.count.last
	if w.count.alternates() && w.mode.checksEnd() && p.unread == 0 && !full {
		more = false // only the count goes on
	}
	if more {
		w.size = max(2, len(p.rows))
		w.back = max(w.overlap(), w.need())
		switch {
		case w.reading > 1 && !w.moved && w.read.rows >= w.count.last: // the missing rows were found
			return complete, nil
		case w.reading > 1 && w.mode == starting: // the first rows, too, have to be on two pages
			w.back = w.next
		}
		return forward, nil
	}
	w.back = max(w.overlap(), w.need())
	switch {
	case w.moved && w.mode == forward, // the count may be older than other pages
		full && w.next == w.count.last: // a server that counts only the rows of its response looks like this on every page
		w.source.stop()
		return ending, nil
	case w.mode != proving && w.count.last <= w.read.rows && w.read.rows < w.count.high: // the count may rise again
		return proving, nil
	}
	return w.finish()
}

// advanceBlindly returns the next mode if there is no count. The page overlaps the rows before it by some known rows. A
// short page may be the last one, or all that the server now returns at a time. So the list ends only if a short page
// holds nothing new and ends with the same row as the page before, and if another such page has another length: the
// server cannot have cut both.
func (w *walk[T]) advanceBlindly(p *sheet[T], overlap int) (mode, error) {
	rows := len(p.rows)
	same := p.sameEnd && p.unread == 0
	proof := rows != w.shown && (w.mode == proving || w.mode == ending && rows <= 2)
	if rows == 0 || same && proof { // without rows it is the page of an empty list, or the one behind its only row
		return w.finish()
	}
	if w.mode == starting || rows > w.size || w.mode.checksEnd() && p.unread > 0 {
		w.size = max(2, rows)
	}
	short := rows < w.size || w.mode == starting && rows < w.list.PageSize
	if !short {
		w.back = max(w.overlap(), w.need())
		return forward, nil
	}
	w.shown, w.back = rows, w.checkFrom(p, overlap, same)
	if same {
		return proving, nil
	}
	return ending, nil
}

// checkFrom returns how many rows before next the page starts that reads the end again. It is to show as few rows as
// prove something, as a server may have begun to return a few rows at a time, and not as many as the page at hand.
func (w *walk[T]) checkFrom(p *sheet[T], overlap int, same bool) int {
	back, shown, most := max(2, w.need()), len(p.rows), w.next-1
	if same {
		shown = overlap
		if p.skip > 0 {
			most = w.next
		}
	}
	switch {
	case shown != back:
	case w.need() < back:
		back--
	default:
		back++
	}
	return min(back, most)
}

// behindOnlyRow reports whether a page at skip starts behind a list of one row. It need not connect, as no page overlaps
// that row and goes beyond it.
func (w *walk[T]) behindOnlyRow(skip int) bool {
	return w.count.last == unknown && w.next == 1 && skip == 1
}

// finish ends a reading. The list is complete, or it is read again because rows may be missing: rows with equal dates
// may have changed places between two requests, or two replicas respond in turn.
func (w *walk[T]) finish() (mode, error) {
	missing := w.read.rows < w.count.last && !w.count.alternates()
	replicas := w.read.rows < w.count.high && w.count.alternates() && (w.reading < maxReadings || w.added > 0)
	mixed := w.mixed && (w.moved || w.count.last == unknown)
	switch {
	case !missing && !replicas && !mixed:
		return complete, nil
	case w.reading < maxReadings:
		if (missing || replicas) && w.count.low < w.count.high {
			w.list.ReadAhead = 1 // one page after the other, so that two replicas in turn both show every row
		}
		w.restart()
		return starting, nil
	case missing:
		return w.mode, w.incomplete("the server counts more rows than it returns")
	case replicas:
		return w.mode, w.incomplete("the server's count falls and rises, and every reading finds more rows")
	}
	return complete, nil
}

// restart goes back to the start of the list. With a wide overlap, pages are cut at other places and every row is on two
// of them.
func (w *walk[T]) restart() {
	w.reading++
	w.added, w.mixed = 0, false
	w.next, w.back, w.end, w.wide = 0, 0, 0, math.MaxInt
	w.count.forget()
}

// unknown is the count of a list whose server does not say how many rows it has.
const unknown = -1

// counts is what the server says about the number of rows in the list.
type counts struct {
	last       int  // in the last response, or unknown
	low, high  int  // in this reading
	rose, fell bool // in this reading
	wrong      bool // a page proved it wrong, so that it is not trusted any more
}

// forget starts a new reading.
func (c *counts) forget() { c.low, c.high, c.rose, c.fell = math.MaxInt, unknown, false, false }

// alternates reports whether the count has risen and fallen in this reading, as if two replicas respond in turn.
func (c *counts) alternates() bool { return c.rose && c.fell }

// note takes in the count of a page with rows from skip on, and reports whether it differs from the last one. A page that
// was read ahead may be older than the last one, so it does not show that the count has changed since.
func (c *counts) note(count, skip, rows int, ahead bool) (changed bool) {
	c.wrong = c.wrong || 0 <= count && count < skip+rows && rows > 0
	if c.wrong || count < 0 {
		count = unknown
	} else {
		c.rose = c.rose || count > c.low && !ahead
		c.fell = c.fell || count < c.high && !ahead
		c.low, c.high = min(c.low, count), max(c.high, count)
	}
	changed = count != c.last
	c.last = count
	return changed
}
