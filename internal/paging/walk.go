package paging

import (
	"context"
	"fmt"
	"math"
)

// A mode says what the next page is for.
type mode int

const (
	starting mode = iota // start a reading: read the first page of the list
	forward              // read on behind the last page, and read more pages ahead
	backward             // the last page did not connect: start further back, until one does
	ending               // the last page may be the end of the list: read the end again
	proving              // the end was read again, and something is left to prove: read it once more
	complete             // every row was read
)

const (
	maxReadings   = 3  // times to read a list from its start
	firstPatience = 32 // pages to read with a wide overlap after the first page that did not connect
	blindFlight   = 4  // most pages in flight if the server does not say where the list ends
)

// A walk reads one list. A page connects to the rows read so far if it is at the start of the list or holds one of
// them: rows keep their order, so no row that was there all the time can lie unread before it. Only pages that connect
// are used. After each page, the mode says what to read next:
//
//	fetch → connects → deliver → advance → next mode
//	                 ↘ retreat → backward
//
// A reading goes from the start of the list to its end. There is a second and a third one if rows may be missing.
type walk[T any] struct {
	list   List[T]
	source source[T]
	budget budget
	count  counts
	ties   ties[T]
	read   *seen

	mode    mode
	reading int    // 1 on the first way through the list
	added   int    // rows found in this reading
	next    int    // offset behind the last page that connected
	back    int    // rows before next at which the next page starts
	end     uint64 // hash of the last row of the last page that connected
	size    int    // rows on a full page of this server
	shown   int    // rows on the last short page of a list without a count

	moved    bool // rows have moved: the count changed, or a page did not connect
	mixed    bool // rows have changed places in this reading: an unread row stood before one read already
	wide     int  // pages to read with a wide overlap
	patience int  // what wide is set to by the next page that does not connect
	flight   int  // most pages in flight: fewer after a page that did not connect
}

// A sheet is the page at hand.
type sheet[T any] struct {
	skip    int
	rows    []T
	hashes  []uint64 // of the keys of the rows
	known   int      // index of the first row that was read before, or -1
	unread  int      // rows that were not read before
	sameEnd bool     // it ends with the row that ended the page before
}

func newWalk[T any](l List[T]) *walk[T] {
	w := &walk[T]{
		list:     l,
		budget:   budget{credit: firstCredit + 4*max(1, l.ReadAhead), rows: math.MaxInt},
		count:    counts{last: unknown},
		ties:     ties[T]{tied: l.Tied},
		read:     newSeen(),
		reading:  1,
		size:     l.PageSize,
		patience: firstPatience,
		flight:   max(1, l.ReadAhead),
	}
	w.count.forget()
	w.source = source[T]{fetch: l.Fetch, limit: l.PageSize, budget: &w.budget}
	return w
}

// run reads pages until the list is complete, and yields the rows of those that connect.
func (w *walk[T]) run(ctx context.Context, yield func(T, error) bool) error {
	var p sheet[T]
	for w.mode != complete {
		if err := w.fetch(ctx, &p); err != nil {
			return err
		}
		if !w.connects(&p) {
			w.retreat(&p)
			continue
		}
		if err := w.deliver(ctx, &p, yield); err != nil {
			return err
		}
		next, err := w.advance(&p)
		if err != nil {
			return err
		}
		w.mode = next
	}
	return nil
}

// fetch reads the next page into p.
func (w *walk[T]) fetch(ctx context.Context, p *sheet[T]) error {
	if reason := w.budget.spend(w.read.rows); reason != "" {
		return w.incomplete(reason)
	}
	skip := w.skip()
	stride, end, flight := w.size-w.overlap(), w.count.last-w.overlap(), w.flight
	if w.count.last == unknown {
		end, flight = math.MaxInt, min(flight, blindFlight)
	}
	if w.mode != forward { // nothing says where the page after this one starts
		flight = 1
	}
	ahead := w.source.has(skip, skip)
	page, err := w.source.page(ctx, skip, stride, end, flight)
	if err != nil {
		if !w.behindOnlyRow(skip) || w.list.Refused == nil || !w.list.Refused(err) {
			return err
		}
		page = Page[T]{Count: unknown} // the server rejects an offset at which the list has no row
	}
	p.skip, p.rows = skip, page.Rows
	changed := w.count.note(page.Count, skip, len(page.Rows), ahead)
	if w.mode == starting && w.reading == 1 {
		w.budget.bound(w.count.last)
	} else if changed {
		w.moved = true
	}
	return w.identify(p)
}

// skip returns the offset of the next page.
func (w *walk[T]) skip() int {
	if w.mode == forward {
		switch {
		case w.source.has(w.next-w.size+1, w.next-w.need()):
			return w.source.queue[0].skip
		case !w.moved && w.source.has(w.next-w.need()+1, w.next-1):
			// The page read ahead cuts a group of tied rows. In a list that changes, it would too often be kept in vain.
			return max(0, w.next-w.need())
		case len(w.source.queue) > 0:
			w.flight = max(1, w.flight/2) // what was read ahead starts too late
			w.source.stop()
		}
	}
	return max(0, w.next-w.back)
}

// identify finds out which rows of p were read before, and whether p ends where the page before it ended.
func (w *walk[T]) identify(p *sheet[T]) error {
	p.hashes, p.known, p.unread, p.sameEnd = p.hashes[:0], -1, 0, false
	for i, row := range p.rows {
		key := w.list.Key(row)
		if key == "" {
			return w.incomplete("a row has no uid")
		}
		hash := w.read.hash(key)
		p.hashes = append(p.hashes, hash)
		switch {
		case !w.read.has(hash):
			p.unread++
		case p.known < 0:
			p.known = i
		}
	}
	if n := len(p.rows); n > 0 {
		p.sameEnd = p.hashes[n-1] == w.end || p.skip+n == w.next && w.ties.endsWith(p.rows[n-1])
	}
	return nil
}

// retreat makes the next page start further back, and further each time, until one connects. The more a list changes,
// the less of what is read ahead can be used, so fewer pages are read ahead until enough have connected.
func (w *walk[T]) retreat(p *sheet[T]) {
	if w.mode.checksEnd() && p.unread > 0 && w.count.last == unknown {
		w.size = max(2, len(p.rows)) // the page before was short, but it was not the end
	}
	if w.wide == 0 && w.moved {
		w.patience *= 2
	}
	w.source.stop()
	w.mode, w.moved, w.wide = backward, true, max(w.wide, w.patience)
	w.flight = max(1, w.flight/2)
	w.back = max(w.overlap(), w.need(), 2*w.back)
}

// deliver yields the rows of the page at hand that were not read before.
func (w *walk[T]) deliver(ctx context.Context, p *sheet[T], yield func(T, error) bool) error {
	before := w.added
	for i, row := range p.rows {
		if w.read.has(p.hashes[i]) {
			w.mixed = w.mixed || w.added > before && !w.ties.open(p.hashes[i])
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		w.read.add(p.hashes[i])
		w.added++
		if !yield(row, nil) {
			return errLeft
		}
	}
	return nil
}

// incomplete returns an error that wraps [ErrIncomplete].
func (w *walk[T]) incomplete(reason string) error {
	counted := "an unknown number of rows"
	if w.count.last != unknown {
		counted = fmt.Sprint(w.count.last, " rows")
	}
	return fmt.Errorf("%w: read %d of %s in %d requests: %s; try again",
		ErrIncomplete, w.read.rows, counted, w.budget.requests, reason)
}
