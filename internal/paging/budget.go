package paging

import "fmt"

const (
	firstCredit = 64     // requests that any list may take
	pageCredit  = 8      // requests that each page with unread rows allows on top
	maxStuck    = 32     // requests in a row without progress
	maxGrowth   = 4      // a list may grow to so many times the rows that it had at first,
	moreRows    = 10_000 // and by so many on top
	blindRows   = 10_000_000
)

// A budget bounds the requests for a list, so that pages that never fit together lead to an error and not to a loop.
type budget struct {
	requests int
	credit   int // requests left
	rows     int // most rows to read
	stuck    int // requests since the last progress
	reach    int // furthest offset behind a page with unread rows
}

// spend pays for one request. If the budget is used up, it returns the reason.
func (b *budget) spend(read int) (reason string) {
	switch {
	case b.stuck == maxStuck:
		return fmt.Sprintf("the last %d requests made no progress", maxStuck)
	case read > b.rows:
		return "the list grows as fast as it is read"
	case b.credit <= 0:
		return "it takes more requests than such a list can need"
	}
	b.requests++
	b.credit--
	b.stuck++
	return ""
}

// drop pays for requests whose responses are no longer wanted.
func (b *budget) drop(requests int) {
	b.requests += requests
	b.credit -= requests
}

// bound sets how many rows may come, from the first count: a list that grows as fast as it is read has no end.
func (b *budget) bound(count int) {
	b.rows = blindRows
	if count >= 0 && count < blindRows/maxGrowth {
		b.rows = maxGrowth*count + moreRows
	}
}

// account notes that a page moved the walk from one offset to another and held some unread rows. It reports whether
// there was progress lately: rows were found, or the walk went on towards where it had been before.
func (b *budget) account(from, to, unread int) bool {
	switch {
	case unread > 0:
		b.stuck = 0
		b.credit += pageCredit
		b.reach = max(b.reach, to)
	case from < to && to <= b.reach:
		b.stuck = 0
		b.credit++
	}
	return b.stuck < 2
}
