package paging

import (
	"context"
	"math"
	"slices"
)

// blindFlight is how many pages are read ahead while nobody says where the list ends.
const blindFlight = 4

// maxRereads is how often a list is read again from its start for rows that are missing.
const maxRereads = 3

// firstPatience is how many pages must connect before a wide overlap is given up for the first time.
const firstPatience = 32

// A walk reads one list from its start to its end. What it knows of rows is which ones it has read. A page connects if
// it starts at the start of the list or holds a row already read: as rows keep their order and new ones come at the
// end, nothing that was there all the time can lie unread before it. Rows that are tied are only read as a group: see
// ties.
type walk[T any] struct {
	key    func(T) string
	source *source[T]
	ties   ties[T]
	budget budget

	read   *seen
	hashes []uint64 // of the page at hand

	size  int  // rows on a page, as the server keeps it
	shown int  // rows on the page before, while probing
	next  int  // where the row after the last one read stood, in the last page that connected
	back  int  // how far before next the next page starts
	count int  // of the last answer; -1: none, or none to be trusted
	lied  bool // a count was proven wrong: no other is trusted

	moved   bool // a count changed, or a page did not connect
	mixed   bool // an unread row stood before one that had been read: rows change places
	wide    bool // overlap by half a page: a page did not connect, or the list is read again,
	calm    int  // pages that have connected since,
	patient int  // and how many must: after every new mismatch, twice as many
	probing bool // without a count: the last page was short, so this one may show the end
	settled bool // the end was read once more, after everything else
	rereads int  // how often the walk went back to the start

	ahead  int  // pages to have under way at the most,
	flight int  // at present: fewer after a page that did not connect,
	alone  bool // and only one while this page is read
}

func newWalk[T any](l List[T]) *walk[T] {
	return &walk[T]{
		key:     l.Key,
		source:  &source[T]{fetch: l.Fetch, limit: l.PageSize},
		ties:    ties[T]{tied: l.Tied},
		budget:  budget{credit: firstCredit + 4*max(1, l.ReadAhead), rows: math.MaxInt},
		read:    newSeen(),
		size:    l.PageSize,
		patient: firstPatience,
		ahead:   max(1, l.ReadAhead),
		flight:  max(1, l.ReadAhead),
		alone:   true, // the first page says how the others are to be read
	}
}

// run reads pages until the list is complete, and yields the rows of those that connect.
func (w *walk[T]) run(ctx context.Context, yield func(T, error) bool) error {
	for complete := false; !complete; {
		if err := w.budget.spend(w.read.rows, w.count); err != nil {
			return err
		}
		skip := w.start()
		page, err := w.fetch(ctx, skip)
		if err != nil {
			return err
		}
		if err := w.hash(page.Rows); err != nil {
			return err
		}
		w.learnCount(skip, page)
		if !w.connects(skip) {
			w.retreat(len(page.Rows))
			continue
		}
		unread, err := w.deliver(ctx, page.Rows, yield)
		if err != nil {
			return err
		}
		w.ties.note(page.Rows, w.hashes, max(len(page.Rows), w.size))
		complete, err = w.advance(skip, len(page.Rows), unread)
		if err != nil {
			return err
		}
	}
	return nil
}

// start is where the next page begins: back from where reading stopped, or where a page begins that is read ahead
// already and overlaps enough. One that overlaps, but not with all of a group of tied rows, has to wait for a page that
// does; in a list that changes it would too often wait in vain.
func (w *walk[T]) start() int {
	switch {
	case !w.probing && w.source.has(w.next-w.size+1, w.next-w.need()):
		return w.source.queue[0].skip
	case !w.probing && !w.moved && w.source.has(w.next-w.need()+1, w.next-1):
		return max(0, w.next-w.need())
	case len(w.source.queue) > 0:
		w.flight = max(1, w.flight/2) // what was read ahead begins too late
		w.source.stop()
	}
	return max(0, w.next-w.back)
}

func (w *walk[T]) fetch(ctx context.Context, skip int) (Page[T], error) {
	stride, end, flight := w.size-w.overlap(), w.count-w.overlap(), w.flight
	if w.count < 0 {
		end, flight = math.MaxInt, min(flight, blindFlight)
	}
	if w.alone || w.moved && w.need() > w.overlap() { // what follows a group larger than expected cannot be guessed
		flight = 1
	}
	defer func() {
		w.budget.drop(w.source.spent)
		w.source.spent = 0
	}()
	return w.source.page(ctx, skip, stride, end, flight)
}

// overlap is the number of rows of the next page that should be known. While nothing moves, one row is enough, or where
// rows may be tied, a group as large as those seen and one row before it. Without a count it takes two to tell the end
// of the list from a server that has come to keep pages of one row.
func (w *walk[T]) overlap() int {
	rows := 1
	if w.ties.tied != nil {
		rows += max(1, min(w.ties.largest, w.size/2))
	}
	switch {
	case w.wide:
		rows = max(rows, (w.size+w.ties.run)/2) // half of what the last group leaves of a page
	case w.count < 0:
		rows = max(rows, 2)
	}
	return min(rows, w.size-1)
}

// hash fills w.hashes with the hashes of the rows' keys.
func (w *walk[T]) hash(rows []T) error {
	w.hashes = w.hashes[:0]
	for _, row := range rows {
		key := w.key(row)
		if key == "" {
			return w.budget.incomplete("a row without a uid came")
		}
		w.hashes = append(w.hashes, w.read.hash(key))
	}
	return nil
}

// learnCount takes the page's count, unless the page itself proves it wrong.
func (w *walk[T]) learnCount(skip int, page Page[T]) {
	count, rows := page.Count, len(page.Rows)
	if count >= 0 && rows > 0 && skip+rows > count {
		w.lied = true
	}
	if count < 0 || w.lied {
		count = -1
	}
	if w.budget.requests == 1 {
		w.budget.bound(count)
	} else if count != w.count {
		w.moved = true
	}
	w.count = count
}

// connects reports whether nothing unread can lie between the rows read and the page at hand.
func (w *walk[T]) connects(skip int) bool {
	if skip == 0 {
		return true
	}
	if first := slices.IndexFunc(w.hashes, w.known); first >= 0 {
		return !w.ties.open(w.hashes[first]) || w.probing && !slices.ContainsFunc(w.hashes, w.unknown)
	}
	// Without a count, a list of one row ends with an empty page: no page overlaps it and goes beyond.
	return w.count < 0 && w.next == 1 && len(w.hashes) == 0
}

func (w *walk[T]) known(hash uint64) bool { return w.read.has(hash) }

func (w *walk[T]) unknown(hash uint64) bool { return !w.known(hash) }

// need is how many rows before the one that comes next a page has to begin: with a row from before the last group of
// tied rows.
func (w *walk[T]) need() int { return w.ties.run + 1 }

// retreat makes the next page start further back, and further each time, until
// one connects. The more of a list changes, the more of what was read ahead is
// of no use: fewer pages are, until enough have connected.
func (w *walk[T]) retreat(rows int) {
	refused := w.probing && rows > 2
	if refused {
		w.probing, w.size = false, max(w.shown, rows) // that was not the end
	}
	if w.calm > 0 && !w.wide && w.moved {
		w.patient *= 2
	}
	w.source.stop()
	w.moved, w.wide, w.alone = true, true, true
	w.calm = 0
	w.flight = max(1, w.flight/2)
	w.back = max(w.overlap(), w.need(), 2*w.back)
	if refused {
		w.back = max(3, w.need())
	}
}

// deliver yields the rows of the page at hand that are not read yet, and says how many they were.
func (w *walk[T]) deliver(ctx context.Context, rows []T, yield func(T, error) bool) (unread int, err error) {
	for i, row := range rows {
		if w.known(w.hashes[i]) {
			w.mixed = w.mixed || unread > 0 && !w.ties.open(w.hashes[i])
			continue
		}
		if err := ctx.Err(); err != nil {
			return unread, err
		}
		w.read.add(w.hashes[i])
		unread++
		if !yield(row, nil) {
			return unread, errLeft
		}
	}
	return unread, nil
}

// advance goes on behind a page that connected, and reports whether the list is complete.
func (w *walk[T]) advance(skip, rows, unread int) (complete bool, err error) {
	before := w.next
	w.next = skip + rows
	w.flight = min(w.flight+1, w.ahead)
	if w.calm++; w.calm >= w.patient && w.rereads == 0 {
		w.wide = false
	}
	w.alone = !w.budget.account(before, w.next, unread)
	if w.count < 0 {
		return w.advanceBlindly(before, skip, rows, unread), nil
	}
	if w.next < w.count {
		if skip == 0 && rows == 1 {
			return false, w.budget.incomplete("the server keeps pages of one row, which cannot overlap")
		}
		w.size = max(2, rows)
		w.back = max(w.overlap(), w.need())
		return w.rereads > 0 && !w.moved && w.read.rows >= w.count, nil
	}
	w.back = max(w.overlap(), w.need())
	switch {
	case w.moved && !w.settled:
		// The count of this page may be older than other pages: read the end again, now that all others are in.
		w.source.stop()
		w.settled = true
		return false, nil
	case w.read.rows < w.count && w.rereads == maxRereads:
		return false, w.budget.incomplete("the server counts more rows than it shows")
	case w.read.rows < w.count || w.doubtful():
		w.restart()
		return false, nil
	case rows == w.size && w.next == w.count:
		// A server that counts the rows of its answer instead of those of the list would look like this on every page.
		return false, nil
	}
	return true, nil
}

// advanceBlindly is advance without a count. A short page may be the last one, or all that the server gives at a time.
// The next one tells: it starts at the last two rows, and at the end of the list it holds nothing else.
func (w *walk[T]) advanceBlindly(before, skip, rows, unread int) (complete bool) {
	if w.next == 0 {
		return true // the list is empty
	}
	if w.probing && w.next > before || rows > w.size {
		w.size = max(2, rows)
	}
	short := rows < w.size
	tiny := w.read.rows <= 2 // all of them on one page would prove nothing: a server could keep pages of two
	last := unread == 0 && w.next == before && skip+2 >= before
	if short && last && (skip > 0 || !tiny) {
		if !w.doubtful() {
			return true
		}
		w.restart()
		return false
	}
	w.back = max(w.overlap(), w.need())
	if w.probing = short || unread == 0 && w.next == before && skip+w.need() >= before; w.probing {
		w.shown = rows
		w.back, w.alone = min(2, w.next), true
		if w.next == 1 || w.next == 2 && tiny {
			w.back = w.next - 1
		}
	}
	return false
}

// doubtful reports whether rows that change places may have hidden others, in a
// list whose count cannot tell: there is none, or it is made up by rows that
// were read and then removed. Reading the list again tells, unless it does so
// forever.
func (w *walk[T]) doubtful() bool {
	return w.mixed && (w.moved || w.count < 0) && w.rereads < maxRereads
}

// restart goes back to the start of the list, for rows that were on no page: rows with equal dates may change places
// from one request to the next. The pages are cut at other places this time, and every row is on two of them.
func (w *walk[T]) restart() {
	w.rereads++
	w.mixed = false
	w.wide, w.alone = true, true
	w.next, w.back = 0, 0
}
