package orgusers_test

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

var turnoverSeeds = flag.Int("turnover", 25, "organizations to list for each line of TestTurnover")

// Whoever is there from the first request to the last is listed once, and
// nobody twice, whatever happens while pages are in flight. In the bubble a
// goroutine that is left over, and a loop, is a failure.
func TestTurnover(t *testing.T) {
	t.Parallel()
	byLogin := orgusers.Sort{By: orgusers.SortByLastLogin, Descending: true}
	tests := []struct {
		name   string
		server []orguserstest.Option
		sort   orgusers.Sort
	}{
		{"as they come", nil, orgusers.Sort{}},
		{"by last login", nil, byLogin},
		{"small pages", []orguserstest.Option{orguserstest.WithPageCap(23)}, orgusers.Sort{}},
		{"without a count", []orguserstest.Option{orguserstest.WithoutCount()}, orgusers.Sort{}},
		{"without a count, small pages, by last login", []orguserstest.Option{orguserstest.WithoutCount(), orguserstest.WithPageCap(17)}, byLogin},
	}
	for _, tt := range tests {
		for _, export := range []bool{false, true} {
			t.Run(fmt.Sprint(tt.name, ", export ", export), func(t *testing.T) {
				t.Parallel()
				for seed := range uint64(*turnoverSeeds) {
					synctest.Test(t, func(t *testing.T) {
						rng := rand.New(rand.NewPCG(seed, 5))
						server, client := inProcess(t, append(tt.server, orguserstest.WithSeed(seed), orguserstest.WithUsers(50+rng.IntN(300)),
							orguserstest.WithLatency(time.Duration(rng.IntN(300))*time.Millisecond))...)
						change := &turnover{server: server, rng: rng, known: map[string]bool{}}
						for _, u := range server.Users() {
							change.staying = append(change.staying, u.Email)
							change.known[u.Email] = true
						}
						before := len(change.staying)
						removed, added := rng.IntN(5), rng.IntN(4)
						part := 3
						if strings.HasPrefix(tt.name, "without") {
							// The end of a list that shrinks with every request cannot be
							// told without a count: that is ErrIncomplete.
							part = 20
						}
						server.OnRequest(func(r *orguserstest.Request) { change.around(r, removed, added, before/part) })
						var listed []string
						if export {
							listed = exportedEmails(t, client, tt.sort)
						} else {
							listed = emails(mustCollect(t, client.Users(t.Context(), &orgusers.ListUsersOptions{Sort: tt.sort})))
						}
						change.check(t, seed, listed)
						if requests := len(server.Requests()); requests > 20+before {
							t.Errorf("seed %d: %d requests for %d users", seed, requests, before)
						}
					})
				}
			})
		}
	}
}

// around removes people before, inside and behind the page that is asked for,
// adds some, renames one, and lets one log in.
func (c *turnover) around(r *orguserstest.Request, removed, added, most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var skip int
	_, _ = fmt.Sscan(r.Query.Get("skip"), &skip)
	for range removed {
		at := c.rng.IntN(len(c.staying))
		switch c.rng.IntN(3) {
		case 0:
			at = c.rng.IntN(min(skip+1, len(c.staying)))
		case 1:
			at = min(skip+c.rng.IntN(100), len(c.staying)-1)
		}
		if email := c.staying[at]; email != c.server.Email && c.gone < most && c.server.RemoveUser(email) {
			c.staying = slices.Delete(c.staying, at, at+1)
			c.gone++
		}
	}
	if c.come < most {
		for _, u := range c.server.AddUsers(added) {
			c.known[u.Email] = true
			c.come++
		}
	}
	c.server.Rename(c.staying[c.rng.IntN(len(c.staying))], "Aaron", "Aaronson")
	c.server.SetLastLogin(c.staying[c.rng.IntN(len(c.staying))], time.Now())
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

func exportedEmails(t *testing.T, client *orgusers.Client, by orgusers.Sort) []string {
	t.Helper()
	var file bytes.Buffer
	columns := []orgusers.Column{{Header: "email", Value: func(u *orgusers.User) string { return strings.TrimSpace(u.Email) }}}
	summary, err := client.ExportCSV(t.Context(), &file, &orgusers.ExportOptions{Columns: columns, Sort: by, KeepFormulas: true, MemoryBudget: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&file).ReadAll()
	if err != nil || len(rows) != summary.Rows+1 {
		t.Fatalf("%d rows and the error %v, want %d and a header", len(rows), err, summary.Rows)
	}
	return slices.Concat(rows[1:]...)
}
