package faults_test

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

var turnoverSeeds = flag.Int("turnover", 25, "organizations to list for each line of TestTurnover")

// TestTurnover lists and exports organizations that change while pages are in flight.
// Each user who is there from the first request to the last is listed once, and no user
// twice.
func TestTurnover(t *testing.T) {
	t.Parallel()
	byLogin := orgusers.Sort{By: orgusers.SortByLastLogin, Descending: true}
	// The end of a list that shrinks with every request cannot be determined without a
	// count, so fewer users leave then.
	tests := []struct {
		name   string
		server []orguserstest.Option
		sort   orgusers.Sort
		part   int // of the users may leave, and as many may come
	}{
		{"by creation", nil, orgusers.Sort{}, 3},
		{"by last login", nil, byLogin, 3},
		{"small pages", []orguserstest.Option{orguserstest.WithPageCap(23)}, orgusers.Sort{}, 3},
		{"without a count", []orguserstest.Option{orguserstest.WithoutCount()}, orgusers.Sort{}, 20},
		{"without a count, small pages, by last login", []orguserstest.Option{orguserstest.WithoutCount(), orguserstest.WithPageCap(17)}, byLogin, 20},
	}
	for _, tt := range tests {
		for _, export := range []bool{false, true} {
			t.Run(fmt.Sprint(tt.name, ", export ", export), func(t *testing.T) {
				t.Parallel()
				for seed := range uint64(*turnoverSeeds) {
					if operations.Sampled(int(seed)) {
						continue
					}
					synctest.Test(t, func(t *testing.T) {
						rng := rand.New(rand.NewPCG(seed, 5))
						fake := orguserstest.NewUnstartedServer(append(tt.server, orguserstest.WithSeed(seed), orguserstest.WithUsers(50+rng.IntN(300)),
							orguserstest.WithLatency(time.Duration(rng.IntN(300))*time.Millisecond))...)
						defer fake.Close()
						change := newTurnover(fake, rng, tt.part)
						client, err := orgusers.New(fake.OrganizationUID, fake.Options()...)
						if err != nil {
							t.Fatal(err)
						}
						listed, err := emails(t, client, tt.sort, export)
						if err != nil {
							t.Errorf("seed %d: %v", seed, err)
						}
						change.check(t, seed, listed)
						requests := fake.Requests()
						if len(requests) > 20+change.before {
							t.Errorf("seed %d: %d requests for %d users", seed, len(requests), change.before)
						}
						for _, r := range requests {
							checkRules(t, r)
						}
					})
				}
			})
		}
	}
}

// turnover changes an organization with each request.
type turnover struct {
	fake           *orguserstest.Server
	removed, added int // with each request, if most is not reached
	before, most   int

	mu      sync.Mutex
	rng     *rand.Rand
	staying []string // addresses that were there at the start and still are
	known   map[string]bool
	gone    int
	come    int
}

func newTurnover(fake *orguserstest.Server, rng *rand.Rand, part int) *turnover {
	c := &turnover{fake: fake, rng: rng, known: map[string]bool{}, removed: rng.IntN(5), added: rng.IntN(4)}
	for _, u := range fake.Users() {
		c.staying = append(c.staying, u.Email)
		c.known[u.Email] = true
	}
	c.before = len(c.staying)
	c.most = c.before / part
	fake.OnRequest(c.around)
	return c
}

// around removes users before, inside and behind the requested page, adds users, renames
// one, and lets one log in.
func (c *turnover) around(r *orguserstest.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var skip int
	_, _ = fmt.Sscan(r.Query.Get("skip"), &skip)
	for range c.removed {
		at := c.rng.IntN(len(c.staying))
		switch c.rng.IntN(3) {
		case 0:
			at = c.rng.IntN(min(skip+1, len(c.staying)))
		case 1:
			at = min(skip+c.rng.IntN(100), len(c.staying)-1)
		}
		if email := c.staying[at]; email != c.fake.Email && c.gone < c.most && c.fake.RemoveUser(email) {
			c.staying = slices.Delete(c.staying, at, at+1)
			c.gone++
		}
	}
	if c.come < c.most {
		for _, u := range c.fake.AddUsers(c.added) {
			c.known[u.Email] = true
			c.come++
		}
	}
	c.fake.Rename(c.staying[c.rng.IntN(len(c.staying))], "Aaron", "Aaronson")
	c.fake.SetLastLogin(c.staying[c.rng.IntN(len(c.staying))], time.Now())
}

func (c *turnover) check(t *testing.T, seed uint64, listed []string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	times := map[string]int{}
	for _, email := range listed {
		if times[email]++; times[email] > 1 || !c.known[email] {
			t.Errorf("seed %d: %s is listed %d times, known: %v", seed, email, times[email], c.known[email])
		}
	}
	for _, email := range c.staying {
		if times[email] != 1 {
			t.Errorf("seed %d: %s stayed, and is listed %d times", seed, email, times[email])
		}
	}
}

// emails lists or exports the addresses of all users.
func emails(t *testing.T, client *orgusers.Client, by orgusers.Sort, export bool) (listed []string, _ error) {
	t.Helper()
	if !export {
		users, err := orgusers.Collect(client.Users(t.Context(), &orgusers.ListUsersOptions{Sort: by}))
		for _, u := range users {
			listed = append(listed, u.Email)
		}
		return listed, err
	}
	var file bytes.Buffer
	columns := []orgusers.Column{{Header: "email", Value: func(u *orgusers.User) string { return strings.TrimSpace(u.Email) }}}
	summary, err := client.ExportCSV(t.Context(), &file, &orgusers.ExportOptions{Columns: columns, Sort: by, KeepFormulas: true, MemoryBudget: 64 << 10})
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(&file).ReadAll()
	if err != nil || len(rows) != summary.Rows+1 {
		t.Fatalf("%d rows and %v, want %d and a header", len(rows), err, summary.Rows)
	}
	return slices.Concat(rows[1:]...), nil
}
