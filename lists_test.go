package orgusers_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// What a reading of a misbehaving server may come to. Whatever it is, a list
// that is called complete is.
var (
	errComplete = errors.New("complete")
	errEither   = errors.New("complete, or ErrIncomplete")
)

func TestUsersOfMisbehavingServers(t *testing.T) {
	t.Parallel()
	always := func(e orguserstest.Effect) orguserstest.Option {
		return orguserstest.WithFault(orguserstest.Fault{Path: sharePath, Effect: e})
	}
	midway := func(e orguserstest.Effect) orguserstest.Option { // the third page to arrive
		return orguserstest.WithFault(orguserstest.Fault{Path: sharePath, Skip: 2, Times: 1, Effect: e})
	}
	fromMidway := func(e orguserstest.Effect) orguserstest.Option {
		return orguserstest.WithFault(orguserstest.Fault{Path: sharePath, Skip: 2, Effect: e})
	}
	first := func(e orguserstest.Effect) orguserstest.Option {
		return orguserstest.WithFault(orguserstest.Fault{Path: sharePath, Times: 1, Effect: e})
	}
	sometimes := func(e orguserstest.Effect) orguserstest.Option {
		return orguserstest.WithFault(orguserstest.Fault{Path: sharePath, Probability: 0.3, Effect: e})
	}
	count, noCount, pageCap := orguserstest.Count, orguserstest.WithoutCount(), orguserstest.WithPageCap

	tests := []struct {
		name   string
		users  int
		server []orguserstest.Option
		want   error
	}{
		{"skip is ignored", 250, []orguserstest.Option{always(orguserstest.IgnoreSkip())}, orgusers.ErrIncomplete},
		{"skip is ignored, without a count", 250, []orguserstest.Option{always(orguserstest.IgnoreSkip()), noCount}, orgusers.ErrIncomplete},
		{"skip is ignored where all fit on a page", 60, []orguserstest.Option{always(orguserstest.IgnoreSkip())}, errComplete},
		{"skip is ignored once", 450, []orguserstest.Option{midway(orguserstest.IgnoreSkip())}, errComplete},
		{"skip is ignored now and then", 450, []orguserstest.Option{sometimes(orguserstest.IgnoreSkip())}, errEither},
		{"pages of one row", 25, []orguserstest.Option{pageCap(1)}, orgusers.ErrIncomplete},
		{"pages of one row, without a count", 25, []orguserstest.Option{pageCap(1), noCount}, orgusers.ErrIncomplete},
		{"one page of one row", 1, []orguserstest.Option{pageCap(1)}, errComplete},
		{"pages are repeated", 450, []orguserstest.Option{always(orguserstest.RepeatPage())}, errEither},
		{"a page is repeated", 450, []orguserstest.Option{midway(orguserstest.RepeatPage())}, errComplete},
		{"pages are repeated now and then", 450, []orguserstest.Option{sometimes(orguserstest.RepeatPage())}, errEither},
		{"a page is repeated, without a count", 450, []orguserstest.Option{midway(orguserstest.RepeatPage()), noCount}, errEither},
		{"pages are empty", 250, []orguserstest.Option{always(orguserstest.EmptyPage())}, orgusers.ErrIncomplete},
		{"the first page is empty", 250, []orguserstest.Option{first(orguserstest.EmptyPage())}, errEither},
		{"an empty page in the middle", 450, []orguserstest.Option{midway(orguserstest.EmptyPage())}, errComplete},
		{"empty pages from the middle on", 450, []orguserstest.Option{fromMidway(orguserstest.EmptyPage())}, orgusers.ErrIncomplete},
		{"empty pages now and then", 450, []orguserstest.Option{sometimes(orguserstest.EmptyPage())}, errEither},
		{"the count is one too high", 250, []orguserstest.Option{always(count(func(n int) int { return n + 1 }))}, orgusers.ErrIncomplete},
		{"the count is far too high", 250, []orguserstest.Option{always(count(func(int) int { return 1_000_000 }))}, orgusers.ErrIncomplete},
		{"the count of a small list is too high", 10, []orguserstest.Option{always(count(func(n int) int { return n + 5 }))}, orgusers.ErrIncomplete},
		{"the count is one too low", 250, []orguserstest.Option{always(count(func(n int) int { return n - 1 }))}, errEither},
		{"the count is that of a page", 250, []orguserstest.Option{always(count(func(int) int { return 100 }))}, errComplete},
		{"the count is zero", 250, []orguserstest.Option{always(count(func(int) int { return 0 }))}, errComplete},
		{"the count is negative", 250, []orguserstest.Option{always(count(func(int) int { return -7 }))}, errComplete},
		{"the count of one page is too low", 450, []orguserstest.Option{midway(count(func(int) int { return 100 }))}, errComplete},
		{"the count of one page is too high", 450, []orguserstest.Option{midway(count(func(n int) int { return 2 * n }))}, errComplete},
		{"the count of the first page is too low", 450, []orguserstest.Option{first(count(func(int) int { return 100 }))}, errComplete},
		{"the count of the first page is too high", 450, []orguserstest.Option{first(count(func(n int) int { return n + 100 }))}, errComplete},
		{"a page breaks off", 450, []orguserstest.Option{midway(orguserstest.ResetBody())}, errComplete},
		{"the first page breaks off", 450, []orguserstest.Option{first(orguserstest.ResetBody())}, errComplete},
		{"pages break off now and then", 450, []orguserstest.Option{sometimes(orguserstest.ResetBody())}, errEither},
		{"pages break off for good", 450, []orguserstest.Option{fromMidway(orguserstest.ResetBody())}, syscall.ECONNRESET},
		{"a page is cut off", 450, []orguserstest.Option{midway(orguserstest.CutBody())}, errComplete},
		{"pages are cut off for good", 450, []orguserstest.Option{fromMidway(orguserstest.CutBody())}, io.ErrUnexpectedEOF},
		{"a connection breaks", 450, []orguserstest.Option{midway(orguserstest.Reset())}, errComplete},
		{"connections break for good", 450, []orguserstest.Option{fromMidway(orguserstest.Reset())}, syscall.ECONNRESET},
		{"a page comes slowly", 450, []orguserstest.Option{midway(orguserstest.SlowBody(1e7))}, errComplete},
		{"a page fails", 450, []orguserstest.Option{midway(orguserstest.Status(500))}, errComplete},
		{"pages fail for good", 450, []orguserstest.Option{fromMidway(orguserstest.Status(500))}, orgusers.ErrServer},
		{"a gateway fails for good", 450, []orguserstest.Option{fromMidway(orguserstest.HTML(502))}, orgusers.ErrServer},
		{"HTML with 200", 250, []orguserstest.Option{always(orguserstest.HTML(200))}, orgusers.ErrServer},
		{"HTML with 200 in the middle", 450, []orguserstest.Option{midway(orguserstest.HTML(200))}, orgusers.ErrServer},
		{"truncated JSON", 450, []orguserstest.Option{midway(orguserstest.TruncatedJSON())}, orgusers.ErrServer},
		{"no body", 450, []orguserstest.Option{midway(orguserstest.EmptyBody())}, orgusers.ErrServer},
		{"an object without a list", 450, []orguserstest.Option{midway(orguserstest.Status(200).WithBody(`{}`))}, orgusers.ErrServer},
		{"a list that is null", 450, []orguserstest.Option{midway(orguserstest.Status(200).WithBody(`{"shares":null,"count":450}`))}, orgusers.ErrServer},
		{"JSON null", 450, []orguserstest.Option{midway(orguserstest.Status(200).WithBody(`null`))}, orgusers.ErrServer},
		{"a row without a uid", 450, []orguserstest.Option{midway(orguserstest.Status(200).WithBody(`{"shares":[{"email":"a@example.com"}],"count":450}`))}, orgusers.ErrIncomplete},
		{"a row that is null", 450, []orguserstest.Option{midway(orguserstest.Status(200).WithBody(`{"shares":[null],"count":450}`))}, orgusers.ErrIncomplete},
		{"a count that is no number", 450, []orguserstest.Option{midway(orguserstest.Status(200).WithBody(`{"shares":[],"count":"many"}`))}, orgusers.ErrServer},
		{"an error with 200", 450, []orguserstest.Option{midway(orguserstest.Status(200))}, orgusers.ErrServer},
		{"the session ends", 450, []orguserstest.Option{fromMidway(orguserstest.Status(401))}, orgusers.ErrUnauthorized},
		{"the right to list ends", 450, []orguserstest.Option{fromMidway(orguserstest.Status(403))}, orgusers.ErrForbidden},
		{"the organization ends", 450, []orguserstest.Option{fromMidway(orguserstest.Status(404))}, orgusers.ErrNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, append(tt.server, orguserstest.WithUsers(tt.users))...)
			users, err := collect(t, fakeClient(t, server).Users(t.Context(), nil))
			want := expected(server.Users())
			complete, either := errors.Is(tt.want, errComplete), errors.Is(tt.want, errEither)
			switch {
			case err == nil && !complete && !either:
				t.Errorf("got no error, want %v", tt.want)
			case err != nil && complete, err != nil && either && !errors.Is(err, orgusers.ErrIncomplete), err != nil && !either && !errors.Is(err, tt.want):
				t.Errorf("got the error %v, want %v", err, tt.want)
			}
			if err == nil {
				byShare := func(a, b *orgusers.User) int { return strings.Compare(a.ShareUID, b.ShareUID) }
				if diff := diffUsers(slices.SortedFunc(slices.Values(want), byShare), slices.SortedFunc(slices.Values(users), byShare)); diff != "" {
					t.Errorf("the list is called complete, but -want +got:\n%s", diff)
				}
			} else if !strings.HasPrefix(err.Error(), "orgusers: ListUsers: ") {
				t.Errorf("the error does not name the operation: %v", err)
			}
			if requests := len(server.Requests()); requests > 1000 {
				t.Errorf("%d requests for %d users", requests, tt.users)
			}
		})
	}
}

func TestAnAnswerThatIsTooLarge(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithUsers(450),
		orguserstest.WithFault(orguserstest.Fault{Path: sharePath, Effect: orguserstest.HugeBody(40 << 20)}))
	users, err := collect(t, fakeClient(t, server).Users(t.Context(), nil))
	var failure *orgusers.Error
	if len(users) > 0 || !errors.As(err, &failure) || failure.Attempts != 1 || !strings.Contains(err.Error(), "larger than 32 MiB") {
		t.Errorf("got %d users and the error %v, want one attempt that says that the answer is larger than 32 MiB", len(users), err)
	}
}

// Whoever is there all the time is listed exactly once, whatever comes and
// goes between the requests.
func TestUsersWhileTheOrganizationChanges(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		for name, opts := range map[string]*orgusers.ListUsersOptions{
			"as they come": nil,
			"by last name": {Sort: orgusers.Sort{By: orgusers.SortByLastName}},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				server := startFake(t, orguserstest.WithUsers(500), orguserstest.WithSeed(seed), orguserstest.WithPageCap(40))
				change := &turnover{server: server, rng: rand.New(rand.NewPCG(seed, 1)), known: map[string]bool{}}
				for _, u := range server.Users() {
					change.staying = append(change.staying, u.Email)
					change.known[u.Email] = true
				}
				server.OnRequest(change.some)
				seen := map[string]int{}
				for _, email := range emails(mustCollect(t, fakeClient(t, server).Users(t.Context(), opts))) {
					seen[email]++
					if !change.known[email] {
						t.Errorf("%s was never in the organization", email)
					}
				}
				for _, email := range change.staying {
					if seen[email] != 1 {
						t.Errorf("%s stayed, and was listed %d times", email, seen[email])
					}
				}
				if gone := 500 - len(change.staying); gone < 20 {
					t.Errorf("only %d users went, that is no test", gone)
				}
			})
		}
	}
}

// turnover is what happens to an organization between the requests of a list.
type turnover struct {
	server  *orguserstest.Server
	mu      sync.Mutex
	rng     *rand.Rand
	staying []string // who was there from the start and is still
	known   map[string]bool
	gone    int
	come    int
}

func (c *turnover) some(*orguserstest.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range 3 {
		i := c.rng.IntN(len(c.staying))
		if email := c.staying[i]; email != c.server.Email {
			c.server.RemoveUser(email)
			c.staying = slices.Delete(c.staying, i, i+1)
		}
	}
	for _, u := range c.server.AddUsers(2) {
		c.known[u.Email] = true
	}
	c.server.Rename(c.staying[c.rng.IntN(len(c.staying))], "Aaron", "Aaronson") // to the front of some orders
}
