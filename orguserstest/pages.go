package orguserstest

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
)

// maxPage is the most rows that a page can have.
const maxPage = 100

// page is which rows of a list a request asks for.
type page struct {
	limit, skip int
	by          string // the sort field; created_at where there is none
	descending  bool
	sorted      bool
	count       bool
}

// page reads the parameters that every list knows. A list without sortable
// fields knows no sort, and is always in order. Where the request names
// something that makes no sense, the second result is its answer.
func (c *call) page(sortable ...string) (page, *answer) {
	p := page{
		limit:  maxPage,
		by:     "created_at",
		sorted: len(sortable) == 0,
		count:  c.flag("include_count"),
	}
	for name, number := range map[string]*int{"limit": &p.limit, "skip": &p.skip} {
		text := c.query.Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return page{}, new(invalid(name))
		}
		*number = min(n, math.MaxInt32) // far beyond any list, and sums of it do not overflow
	}
	for _, direction := range []string{"asc", "desc"} {
		by := c.query.Get(direction)
		if by == "" || len(sortable) == 0 {
			continue
		}
		if !slices.Contains(sortable, by) {
			return page{}, new(invalid(direction))
		}
		p.by, p.descending, p.sorted = by, direction == "desc", true
	}
	return p, nil
}

// typeahead is the text that rows must have in them, folded.
func (c *call) typeahead() string {
	return fold(strings.TrimSpace(c.query.Get("typeahead")))
}

// flag is a parameter that says true.
func (c *call) flag(name string) bool {
	return c.query.Get(name) == "true"
}

// window is where the rows of a page begin and end in a list of so many, with
// all that the options and a fault do to it.
func (s *Server) window(c *call, p page, total int) (from, to int) {
	limit := min(p.limit, s.cfg.pageCap)
	from = p.skip
	switch c.effect.kind {
	case kindIgnoreSkip:
		from = 0
	case kindRepeatPage:
		from = max(0, from-limit)
	case kindEmptyPage:
		limit = 0
	default:
		if !p.sorted && total > limit {
			s.unsorted++
			from = max(0, from+int(s.chance(s.unsorted)%7)-3)
		}
	}
	from = min(from, total)
	return from, min(from+limit, total)
}

// rowsOf cuts the page out of a list that is in the order asked for.
func rowsOf[T any](s *Server, c *call, p page, list []T) []T {
	from, to := s.window(c, p, len(list))
	return list[from:to]
}

// total is the count that an answer gives, and whether it gives one.
func (s *Server) total(c *call, p page, rows int) (int, bool) {
	switch {
	case !p.count || s.cfg.withoutCount:
		return 0, false
	case c.effect.kind == kindLyingCount:
		return c.effect.count(rows), true
	}
	return rows, true
}

func (s *Server) replyList(c *call, p page, name string, list []object, rows int) answer {
	body := object{name: list}
	if total, ok := s.total(c, p, rows); ok {
		body["count"] = total
	}
	return reply(body)
}

// named is what roles, stacks and organizations sort by.
type named interface {
	sortKey() (name string, created, updated int64)
}

// filterNamed keeps what has a folded text in its name, in the order asked for.
func filterNamed[T named](list []T, p page, text string) []T {
	var found []T
	for _, item := range list {
		if name, _, _ := item.sortKey(); strings.Contains(fold(name), text) {
			found = append(found, item)
		}
	}
	slices.SortStableFunc(found, func(a, b T) int {
		nameA, createdA, updatedA := a.sortKey()
		nameB, createdB, updatedB := b.sortKey()
		switch p.by {
		case "name":
			return cmp.Compare(fold(nameA), fold(nameB))
		case "updated_at":
			return cmp.Compare(updatedA, updatedB)
		}
		return cmp.Compare(createdA, createdB)
	})
	if p.descending {
		slices.Reverse(found)
	}
	return found
}

// fold makes texts comparable without letter case.
func fold(text string) string {
	return strings.ToLower(text)
}
