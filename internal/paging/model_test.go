package paging_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/orgusers/orgusers/internal/paging"
)

// A row of the model's list. Rows created at the same time are tied.
type row struct {
	key     string
	created int
}

// errRefused is the response to an offset that the server rejects.
var errRefused = errors.New("422: skip is out of range")

// A server is a model of an organization's list: ordered by creation, changed between requests, read page by page.
type server struct {
	mu       sync.Mutex
	random   *rand.Rand
	rows     []row
	made     int             // rows ever added
	removed  map[string]bool // keys of removed rows
	first    map[string]bool // keys of the rows that were there from the start
	requests int
	skips    []int // of the requests, in the order they arrived
	flying   int   // requests in flight
	most     int   // and the largest number of them

	tied    int                                                // rows created at the same time
	shuffle bool                                               // tied rows change places with every request
	told    bool                                               // the reader knows which rows are tied
	cap     int                                                // most rows on a page; 0: as many as asked for
	refused func(skip, total int) bool                         // offsets to reject
	latency func(skip int) time.Duration                       // of one request
	change  func(s *server, request, skip int)                 // changes the list before a response is made
	replica func(request int) []row                            // the list that responds; nil: rows
	count   func(total, rows int) int                          // the count to send; nil: the right one
	respond func(request, skip int, rows []row) ([]row, error) // the rows to send
}

func newServer(rows int, seed uint64) *server {
	s := &server{
		random:  rand.New(rand.NewPCG(seed, 1)),
		removed: make(map[string]bool),
		tied:    1,
	}
	s.add(rows)
	s.start()
	return s
}

// start takes the rows of the list as those that have to be read.
func (s *server) start() {
	s.first = make(map[string]bool)
	for _, r := range s.rows {
		s.first[r.key] = true
	}
}

// add puts rows at the end of the list.
func (s *server) add(rows int) {
	for range rows {
		s.rows = append(s.rows, row{key: fmt.Sprint("row", s.made), created: s.made / s.tied})
		s.made++
	}
}

// addFirst puts rows at the start of the list, as in a log that has the latest first.
func (s *server) addFirst(rows int) {
	end := len(s.rows)
	s.add(rows)
	s.rows = slices.Concat(s.rows[end:], s.rows[:end])
}

// remove takes rows out of the list, from position on.
func (s *server) remove(position, rows int) {
	position = min(max(0, position), len(s.rows))
	end := min(len(s.rows), position+rows)
	for _, r := range s.rows[position:end] {
		s.removed[r.key] = true
	}
	s.rows = slices.Delete(s.rows, position, end)
}

func (s *server) fetch(ctx context.Context, skip, limit int) (paging.Page[row], error) {
	s.mu.Lock()
	request := s.requests
	s.requests++
	s.flying++
	s.most = max(s.most, s.flying)
	s.skips = append(s.skips, skip)
	var latency time.Duration
	if s.latency != nil {
		latency = s.latency(skip)
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.flying--
		s.mu.Unlock()
	}()

	if latency > 0 {
		select {
		case <-ctx.Done():
			return paging.Page[row]{}, ctx.Err()
		case <-time.After(latency):
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.change != nil {
		s.change(s, request, skip)
	}
	return s.page(request, skip, limit)
}

func (s *server) page(request, skip, limit int) (paging.Page[row], error) {
	if s.cap > 0 {
		limit = min(limit, s.cap)
	}
	list := s.rows
	if s.replica != nil {
		list = s.replica(request)
	}
	if s.shuffle {
		list = slices.Clone(list)
		for start, end := 0, 0; start < len(list); start = end {
			for end < len(list) && list[end].created == list[start].created {
				end++
			}
			s.random.Shuffle(end-start, func(i, j int) { list[start+i], list[start+j] = list[start+j], list[start+i] })
		}
	}
	if s.refused != nil && s.refused(skip, len(list)) {
		return paging.Page[row]{}, fmt.Errorf("list: %w", errRefused)
	}
	from := min(skip, len(list))
	rows := slices.Clone(list[from:min(from+limit, len(list))])
	if s.respond != nil {
		var err error
		if rows, err = s.respond(request, skip, rows); err != nil {
			return paging.Page[row]{}, err
		}
	}
	count := len(list)
	if s.count != nil {
		count = s.count(count, len(rows))
	}
	return paging.Page[row]{Rows: rows, Count: count}, nil
}

func (s *server) list(pageSize, readAhead int) paging.List[row] {
	list := paging.List[row]{
		Fetch:     s.fetch,
		Key:       func(r row) string { return r.key },
		Refused:   func(err error) bool { return errors.Is(err, errRefused) },
		PageSize:  pageSize,
		ReadAhead: readAhead,
	}
	if s.told {
		list.Tied = func(a, b row) bool { return a.created == b.created }
	}
	return list
}

// read ranges over the whole list.
func read(ctx context.Context, list paging.List[row]) (rows []row, err error) {
	for r, rowErr := range list.All(ctx) {
		if rowErr != nil {
			if err != nil {
				return rows, fmt.Errorf("a second error: %w", rowErr)
			}
			err = rowErr
			continue
		}
		if err != nil {
			return rows, fmt.Errorf("a row after the error: %w", err)
		}
		rows = append(rows, r)
	}
	return rows, err
}

// losses counts the rows that were there all the time and are not in the sequence, and those that are in it twice.
func (s *server) losses(rows []row) (lost, doubled int) {
	got := make(map[string]int)
	for _, r := range rows {
		got[r.key]++
		if got[r.key] > 1 {
			doubled++
		}
	}
	for key := range s.first {
		if !s.removed[key] && got[key] == 0 {
			lost++
		}
	}
	return lost, doubled
}

func uncounted(int, int) int { return -1 }
