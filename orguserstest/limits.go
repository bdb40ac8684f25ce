package orguserstest

import (
	"net/http"
	"strconv"
	"time"
)

// noLimit is what the headers tell of where nothing is refused.
const noLimit = 1_000_000

// budgetKey names what is counted apart.
type budgetKey struct {
	organization string
	kind         budgetKind
}

type budgetKind int

const (
	budgetReads budgetKind = iota
	budgetWrites
	budgetBulk
)

// budget is what requests of the route are counted on.
func (r *route) budget() budgetKind {
	switch {
	case r.bulk:
		return budgetBulk
	case r.write:
		return budgetWrites
	}
	return budgetReads
}

// budget is what one second of the server's clock has seen.
type budget struct {
	second int64
	used   int
}

// limit is how many requests of a kind a second may have.
func (s *Server) limit(kind budgetKind) int {
	limit := s.cfg.reads
	switch kind {
	case budgetWrites:
		limit = s.cfg.writes
	case budgetBulk:
		limit = s.cfg.bulk
		if limit == 0 && s.cfg.reads+s.cfg.writes > 0 {
			limit = 1
		}
	}
	if limit == 0 {
		return noLimit
	}
	return limit
}

// count books a request on its budget. It returns the headers that go with the
// answer, and the answer itself where the budget is used up.
func (s *Server) count(c *call) (http.Header, *answer) {
	now := s.clock()
	key := budgetKey{organization: s.OrganizationUID, kind: c.route.budget()}
	if org := s.organization(c.params["organization_uid"]); org != nil {
		key.organization = org.uid
	} else if c.route.inStack {
		if org, _ := s.stack(c.http.Header.Get("api_key")); org != nil {
			key.organization = org.uid
		}
	}
	spent := s.budgets[key]
	if spent.second != now.Unix() {
		spent = budget{second: now.Unix()}
	}
	limit := s.limit(key.kind)
	refused := spent.used >= limit
	if !refused {
		spent.used++
	}
	s.budgets[key] = spent

	header := http.Header{}
	header.Set("Date", now.UTC().Format(http.TimeFormat))
	header.Set("Content-Type", "application/json")
	header.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	header.Set("X-RateLimit-Remaining", strconv.Itoa(limit-spent.used))
	next := time.Unix(now.Unix()+1, 0)
	if s.cfg.rateLimitReset {
		header.Set("X-RateLimit-Reset", strconv.FormatInt(next.Unix(), 10))
	}
	if !refused {
		return header, nil
	}
	tooMany := fail(http.StatusTooManyRequests, 0, "Too many requests. Please try again later.", nil)
	if wait := s.cfg.retryAfter.format(now, next); wait != "" {
		tooMany.header = http.Header{"Retry-After": {wait}}
	}
	return header, &tooMany
}

func (form RetryAfter) format(now, next time.Time) string {
	switch form {
	case RetryAfterSeconds:
		return "1" // the rest of a second, rounded up
	case RetryAfterFraction:
		rest := next.Sub(now).Round(time.Millisecond) + time.Millisecond // never short of the next second
		return strconv.FormatFloat(rest.Seconds(), 'f', 3, 64)
	case RetryAfterDate:
		return next.UTC().Format(http.TimeFormat)
	}
	return ""
}
