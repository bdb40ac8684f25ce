package paging

import "fmt"

const (
	firstCredit = 64     // requests that any list may cost,
	pageCredit  = 8      // and those that each page with unread rows allows on top
	maxStuck    = 32     // requests in a row that lead nowhere
	maxGrowth   = 4      // times the rows that were there at first, and
	moreRows    = 10_000 // so many on top, are read at the most
	blindRows   = 10_000_000
)

// A budget bounds what is spent on a list, so that a server whose pages never fit together is an error and not a loop.
type budget struct {
	requests int
	credit   int // requests left
	rows     int // to be read at the most
	stuck    int // requests since one brought unread rows, or went on over rows that had been read
	reach    int // where the unread rows furthest back stood
	read     int // rows read and counted, for the error's text
	count    int
}

// spend pays for one request.
func (b *budget) spend(read, count int) error {
	b.read, b.count = read, count
	switch {
	case b.stuck == maxStuck:
		return b.incomplete(fmt.Sprintf("the last %d requests brought no further", maxStuck))
	case read > b.rows:
		return b.incomplete("the list grows as fast as it is read")
	case b.credit <= 0:
		return b.incomplete("that is more requests than such a list can take")
	}
	b.requests++
	b.credit--
	b.stuck++
	return nil
}

// drop pays for requests whose answers nobody wants any more.
func (b *budget) drop(requests int) {
	b.requests += requests
	b.credit -= requests
}

// bound says how many rows may come, from the first count: a list that grows as fast as it is read has no end.
func (b *budget) bound(count int) {
	b.rows = blindRows
	if count >= 0 && count < blindRows/maxGrowth {
		b.rows = maxGrowth*count + moreRows
	}
}

// account takes note of what a page brought that connected and moved the walk from before to next. It reports whether
// that led anywhere.
func (b *budget) account(before, next, unread int) bool {
	if unread > 0 {
		b.credit += pageCredit
		b.reach = max(b.reach, next)
	}
	if unread > 0 || before < next && next <= b.reach { // or on the way back to where reading stopped
		b.stuck = 0
	}
	return b.stuck == 0
}

// incomplete is the error of a list that did not fit together.
func (b *budget) incomplete(reason string) error {
	counted := "an unknown number of rows"
	if b.count >= 0 {
		counted = fmt.Sprint(b.count, " rows")
	}
	return fmt.Errorf("%w: %d of %s after %d requests: %s; try again, and if it stays so, "+
		"the server's paging is at fault: tell its support", ErrIncomplete, b.read, counted, b.requests, reason)
}
