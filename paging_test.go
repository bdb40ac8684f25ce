package orgusers_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestUsersInPagesOfEverySize(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewUnstartedServer(orguserstest.WithUsers(105))
	client := clientOf(t, server, withoutLimits)
	want := expected(server.Users())
	for _, size := range []int{1, 2, 3, 7, 50, 99, 100} {
		got := mustCollect(t, client.Users(t.Context(), &orgusers.ListUsersOptions{PageSize: size}))
		if diff := diffUsers(want, got); diff != "" {
			t.Fatalf("pages of %d: -want +got:\n%s", size, diff)
		}
	}
}

// Results of reading from a misbehaving server. A list without an error is complete in
// any case.
var (
	errPagingComplete = errors.New("complete")
	errPagingEither   = errors.New("complete, or ErrIncomplete")
)

func TestUsersOfMisbehavingServers(t *testing.T) {
	t.Parallel()
	type effect = orguserstest.Effect
	fault := func(f orguserstest.Fault) orguserstest.Option {
		f.Path = sharePath
		return orguserstest.WithFault(f)
	}
	always := func(e effect) orguserstest.Option { return fault(orguserstest.Fault{Effect: e}) }
	first := func(e effect) orguserstest.Option { return fault(orguserstest.Fault{Times: 1, Effect: e}) }
	midway := func(e effect) orguserstest.Option { return fault(orguserstest.Fault{Skip: 2, Times: 1, Effect: e}) } // the third page to arrive
	fromMidway := func(e effect) orguserstest.Option { return fault(orguserstest.Fault{Skip: 2, Effect: e}) }
	sometimes := func(e effect) orguserstest.Option { return fault(orguserstest.Fault{Probability: 0.3, Effect: e}) }
	plus := func(n int) effect { return orguserstest.Count(func(count int) int { return count + n }) }
	fixed := func(n int) effect { return orguserstest.Count(func(int) int { return n }) }
	text := func(body string) effect { return orguserstest.Status(200).WithBody(body) }
	noCount, pageCap := orguserstest.WithoutCount(), orguserstest.WithPageCap

	type opts = []orguserstest.Option
	tests := []struct {
		name   string
		users  int
		server opts
		want   error
	}{
		{"skip is ignored", 250, opts{always(orguserstest.IgnoreSkip())}, orgusers.ErrIncomplete},
		{"skip is ignored, without a count", 250, opts{always(orguserstest.IgnoreSkip()), noCount}, orgusers.ErrIncomplete},
		{"skip is ignored sometimes", 450, opts{sometimes(orguserstest.IgnoreSkip())}, errPagingEither},
		{"pages of one row", 25, opts{pageCap(1)}, orgusers.ErrIncomplete},
		{"pages are repeated sometimes", 450, opts{sometimes(orguserstest.RepeatPage())}, errPagingEither},
		{"a page is repeated, without a count", 450, opts{midway(orguserstest.RepeatPage()), noCount}, errPagingEither},
		{"pages are empty from the third on", 450, opts{fromMidway(orguserstest.EmptyPage())}, orgusers.ErrIncomplete},
		{"pages are empty sometimes", 450, opts{sometimes(orguserstest.EmptyPage())}, errPagingEither},
		{"the count is one too high", 250, opts{always(plus(1))}, orgusers.ErrIncomplete},
		{"the count is one too low", 250, opts{always(plus(-1))}, errPagingEither},
		{"the count of one page is too low", 450, opts{midway(fixed(100))}, errPagingComplete},
		{"the count of the first page is too high", 450, opts{first(plus(100))}, errPagingComplete},
		{"a page breaks off", 450, opts{midway(orguserstest.ResetBody())}, errPagingComplete},
		{"all pages from the third on break off", 450, opts{fromMidway(orguserstest.ResetBody())}, syscall.ECONNRESET},
		{"all pages from the third on are cut off", 450, opts{fromMidway(orguserstest.CutBody())}, io.ErrUnexpectedEOF},
		{"a page is slow", 450, opts{midway(orguserstest.SlowBody(10 * time.Millisecond))}, errPagingComplete},
		{"a page fails", 450, opts{midway(orguserstest.Status(500))}, errPagingComplete},
		{"a gateway fails", 450, opts{fromMidway(orguserstest.HTML(502))}, orgusers.ErrServer},
		{"HTML with 200", 450, opts{midway(orguserstest.HTML(200))}, orgusers.ErrServer},
		{"a row without a uid", 450, opts{midway(text(`{"shares":[{"email":"a@example.com"}],"count":450}`))}, orgusers.ErrIncomplete},
		{"a row that is null", 450, opts{midway(text(`{"shares":[null],"count":450}`))}, orgusers.ErrServer},
		{"an error with 200", 450, opts{midway(orguserstest.Status(200))}, orgusers.ErrServer},
		{"the session ends", 450, opts{fromMidway(orguserstest.Status(401))}, orgusers.ErrUnauthorized},
		{"the permission ends", 450, opts{fromMidway(orguserstest.Status(403))}, orgusers.ErrForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, append(tt.server, orguserstest.WithUsers(tt.users))...)
			users, err := collect(t, fakeClient(t, server).Users(t.Context(), nil))
			allowed := []error{tt.want}
			switch {
			case errors.Is(tt.want, errPagingComplete):
				allowed = []error{nil}
			case errors.Is(tt.want, errPagingEither):
				allowed = []error{nil, orgusers.ErrIncomplete}
			}
			if !slices.ContainsFunc(allowed, func(want error) bool { return errors.Is(err, want) }) {
				t.Errorf("got the error %v, want %v", err, tt.want)
			}
			if err == nil {
				byShare := func(a, b *orgusers.User) int { return strings.Compare(a.ShareUID, b.ShareUID) }
				want := slices.SortedFunc(slices.Values(expected(server.Users())), byShare)
				if diff := diffUsers(want, slices.SortedFunc(slices.Values(users), byShare)); diff != "" {
					t.Errorf("a list without an error is not complete: -want +got:\n%s", diff)
				}
			} else if !strings.HasPrefix(err.Error(), "orgusers: ListUsers: ") && !strings.HasPrefix(err.Error(), "orgusers: Roles: ") {
				t.Errorf("the error does not name the operation: %v", err)
			}
			if requests := len(server.Requests()); requests > 1000 {
				t.Errorf("%d requests for %d users", requests, tt.users)
			}
		})
	}
}

func TestFindUsersReadsAllPages(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithUsers(100), orguserstest.WithPageCap(9))
	all := withoutAddresses(expected(server.Users()))
	got, err := fakeClient(t, server).FindUsers(t.Context(), emails(all))
	if diff := diffUsers(all, got); err != nil || diff != "" {
		t.Errorf("got the error %v, -want +got:\n%s", err, diff)
	}
}

func TestFindUsersReturnsWhatItFoundBeforeAnError(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithUsers(250), orguserstest.WithFault(
		orguserstest.Fault{Path: sharePath + "/search", Skip: 1, Effect: orguserstest.Status(http.StatusForbidden)}))
	all := withoutAddresses(expected(server.Users()))
	got, err := fakeClient(t, server).FindUsers(t.Context(), emails(all))
	if !errors.Is(err, orgusers.ErrForbidden) || len(got) == 0 {
		t.Fatalf("got %d users and %v, want those of one search and ErrForbidden", len(got), err)
	}
	start := slices.IndexFunc(all, func(u *orgusers.User) bool { return u.ShareUID == got[0].ShareUID })
	if diff := diffUsers(all[start:min(start+99, len(all))], got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
