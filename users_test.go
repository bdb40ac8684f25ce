package orgusers_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestUsersHasEverybodyOnce(t *testing.T) {
	t.Parallel()
	type opts = []orguserstest.Option
	same := func(users []*orgusers.User) []*orgusers.User { return users }
	tests := []struct {
		name   string
		server opts
		want   func([]*orgusers.User) []*orgusers.User
	}{
		{"the owner alone", opts{orguserstest.WithUsers(1)}, same},
		{"two", opts{orguserstest.WithUsers(2)}, same},
		{"one page but one", opts{orguserstest.WithUsers(99)}, same},
		{"one full page", opts{orguserstest.WithUsers(100)}, same},
		{"one page and one", opts{orguserstest.WithUsers(101)}, same},
		{"two pages with their overlap", opts{orguserstest.WithUsers(199)}, same},
		{"two full pages", opts{orguserstest.WithUsers(200)}, same},
		{"many pages", opts{orguserstest.WithUsers(1234)}, same},
		{"another organization", opts{orguserstest.WithUsers(250), orguserstest.WithSeed(9)}, same},
		{"details under user", opts{orguserstest.WithUsers(120), orguserstest.WithDetails(orguserstest.DetailsUnderUser)}, same},
		{"details under user_details", opts{orguserstest.WithUsers(120), orguserstest.WithDetails(orguserstest.DetailsUnderUserDetails)}, same},
		{"roles as uids", opts{orguserstest.WithUsers(120), orguserstest.WithRoleUIDs()}, withoutNames},
		{"inviters as uids", opts{orguserstest.WithUsers(120), orguserstest.WithInviterUIDs()}, withoutAddresses},
		{"smaller pages than asked for", opts{orguserstest.WithUsers(150), orguserstest.WithPageCap(7)}, same},
		{"the smallest pages that can be read", opts{orguserstest.WithUsers(60), orguserstest.WithPageCap(2)}, same},
		{"no count", opts{orguserstest.WithUsers(250), orguserstest.WithoutCount()}, same},
		{"no count and a full page", opts{orguserstest.WithUsers(100), orguserstest.WithoutCount()}, same},
		{"no count and one user", opts{orguserstest.WithUsers(1), orguserstest.WithoutCount()}, same},
		{"no count and small pages", opts{orguserstest.WithUsers(150), orguserstest.WithoutCount(), orguserstest.WithPageCap(3)}, same},
		{"below a path", opts{orguserstest.WithUsers(150), orguserstest.WithBasePath("/gate/way")}, same},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, tt.server...)
			got := mustCollect(t, fakeClient(t, server).Users(t.Context(), nil))
			if diff := diffUsers(tt.want(expected(server.Users())), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestUsersInPagesOfEverySize(t *testing.T) {
	t.Parallel()
	server, client := inProcess(t, orguserstest.WithUsers(105))
	want := expected(server.Users())
	for size := 1; size <= 100; size++ {
		got := mustCollect(t, client.Users(t.Context(), &orgusers.ListUsersOptions{PageSize: size}))
		if diff := diffUsers(want, got); diff != "" {
			t.Fatalf("pages of %d: -want +got:\n%s", size, diff)
		}
	}
}

func TestUsersSendsNoMoreThanItHasTo(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name            string
		users, requests int
	}{
		{"a small organization costs one request", 99, 1},
		{"a full page that may be the last costs one more", 100, 2},
		{"pages overlap by a row, or a few that are tied", 190, 2},
		{"a stride is 99", 1000, 11},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, orguserstest.WithUsers(tt.users))
			mustCollect(t, fakeClient(t, server).Users(t.Context(), nil))
			if got := len(server.Requests()); got != tt.requests {
				t.Errorf("%d requests, want %d", got, tt.requests)
			}
		})
	}
}

func TestUsersNarrowed(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithUsers(333))
	client := fakeClient(t, server)
	all := expected(server.Users())
	accepted := func(u *orgusers.User) bool { return u.Status == orgusers.StatusAccepted }
	pending := func(u *orgusers.User) bool { return u.Status == orgusers.StatusPending }
	// As the fake has it: in the address or in the full name.
	berg := func(u *orgusers.User) bool {
		return strings.Contains(strings.ToLower(u.Email), "berg") || strings.Contains(strings.ToLower(u.FirstName+" "+u.LastName), "berg")
	}
	none := func(*orgusers.User) bool { return false }
	tests := []struct {
		name string
		opts orgusers.ListUsersOptions
		want []*orgusers.User
	}{
		{"members", orgusers.ListUsersOptions{Status: orgusers.StatusAccepted}, onlyIf(all, accepted)},
		{"invitations", orgusers.ListUsersOptions{Status: orgusers.StatusPending}, onlyIf(all, pending)},
		{"a status that nobody has", orgusers.ListUsersOptions{Status: "blocked"}, onlyIf(all, none)},
		{"a search", orgusers.ListUsersOptions{Search: "berg"}, onlyIf(all, berg)},
		{"a search in vain", orgusers.ListUsersOptions{Search: "nobody at all"}, onlyIf(all, none)},
		{"a search among members", orgusers.ListUsersOptions{Search: "berg", Status: orgusers.StatusAccepted}, onlyIf(onlyIf(all, berg), accepted)},
		{"the first one left out", orgusers.ListUsersOptions{Skip: 1}, all[1:]},
		{"more than a page left out", orgusers.ListUsersOptions{Skip: 150}, all[150:]},
		{"everybody left out", orgusers.ListUsersOptions{Skip: 333}, onlyIf(all, none)},
		{"more than everybody left out", orgusers.ListUsersOptions{Skip: 1000}, onlyIf(all, none)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := mustCollect(t, client.Users(t.Context(), &tt.opts))
			if diff := diffUsers(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	if len(onlyIf(all, pending)) == 0 || len(onlyIf(all, berg)) == 0 {
		t.Error("the organization has nobody to find")
	}
}

func TestListUsersIsOnePage(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithUsers(120))
	client := fakeClient(t, server)
	all := expected(server.Users())
	newest := slices.Clone(all)
	slices.SortStableFunc(newest, func(a, b *orgusers.User) int { return b.CreatedAt.Compare(a.CreatedAt) })
	accepted := func(u *orgusers.User) bool { return u.Status == orgusers.StatusAccepted }
	tests := []struct {
		name string
		opts *orgusers.ListUsersOptions
		want *orgusers.UserPage
	}{
		{"no options", nil, &orgusers.UserPage{Users: all[:100], Count: 120}},
		{"a page", &orgusers.ListUsersOptions{PageSize: 7, Skip: 14}, &orgusers.UserPage{Users: all[14:21], Count: 120, Skip: 14}},
		{"one user", &orgusers.ListUsersOptions{PageSize: 1}, &orgusers.UserPage{Users: all[:1], Count: 120}},
		{"the last page", &orgusers.ListUsersOptions{PageSize: 50, Skip: 100}, &orgusers.UserPage{Users: all[100:], Count: 120, Skip: 100}},
		{"behind the end", &orgusers.ListUsersOptions{Skip: 500}, &orgusers.UserPage{Users: []*orgusers.User{}, Count: 120, Skip: 500}},
		{"members, out of all", &orgusers.ListUsersOptions{Status: orgusers.StatusAccepted}, &orgusers.UserPage{Users: onlyIf(all[:100], accepted), Count: 120}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := client.ListUsers(t.Context(), tt.opts)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	t.Run("newest first", func(t *testing.T) {
		t.Parallel()
		got, err := client.ListUsers(t.Context(), &orgusers.ListUsersOptions{Sort: orgusers.Sort{By: orgusers.SortByCreated, Descending: true}})
		if err != nil {
			t.Fatal(err)
		}
		for i, u := range got.Users {
			if !u.CreatedAt.Equal(newest[i].CreatedAt) {
				t.Errorf("user %d was created at %v, want %v", i, u.CreatedAt, newest[i].CreatedAt)
			}
		}
	})
}

func TestListUsersWithoutCount(t *testing.T) {
	t.Parallel()
	page, err := fakeClient(t, startFake(t, orguserstest.WithoutCount())).ListUsers(t.Context(), nil)
	if err != nil || page.Count != -1 || len(page.Users) != 25 {
		t.Errorf("got %v and %v, want 25 users and a count of -1", page, err)
	}
}

func TestUsersCanBeRangedOverAgain(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithUsers(150))
	everybody := fakeClient(t, server).Users(t.Context(), nil)
	if got := len(server.Requests()); got != 0 {
		t.Errorf("%d requests before anybody ranged over the sequence", got)
	}
	for range 2 {
		if diff := diffUsers(expected(server.Users()), mustCollect(t, everybody)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		server.AddUsers(60) // the sequence is read anew, not kept
	}
}

// In the bubble, a goroutine that is left over is a failure.
func TestUsersLeftEarly(t *testing.T) {
	t.Parallel()
	for _, after := range []int{1, 99, 100, 101, 1500} {
		t.Run(fmt.Sprint(after), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, client := inProcess(t, orguserstest.WithUsers(5000), orguserstest.WithLatency(1e9))
				var got []*orgusers.User
				for u, err := range client.Users(t.Context(), nil) {
					if err != nil {
						t.Fatal(err)
					}
					if got = append(got, u); len(got) == after {
						break
					}
				}
				if diff := diffUsers(expected(server.Users())[:after], got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				if requests := len(server.Requests()); requests > after/99+33 {
					t.Errorf("%d requests for %d users", requests, after)
				}
				before := len(server.Requests())
				synctest.Wait()
				if requests := len(server.Requests()); requests != before {
					t.Errorf("%d requests more after the sequence was left", requests-before)
				}
			})
		})
	}
}

func TestUsersCancelledMidway(t *testing.T) {
	t.Parallel()
	for _, sort := range []orgusers.Sort{{}, {By: orgusers.SortByEmail}} {
		t.Run("by "+string(sort.By), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, client := inProcess(t, orguserstest.WithUsers(1000))
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				requests := 0
				server.OnRequest(func(*orguserstest.Request) {
					if requests++; requests == 4 {
						cancel(errors.New("enough"))
					}
				})
				users, err := collect(t, client.Users(ctx, &orgusers.ListUsersOptions{Sort: sort}))
				if !errors.Is(err, context.Canceled) || len(users) >= 1000 {
					t.Errorf("got %d users and the error %v, want it cancelled", len(users), err)
				}
			})
		})
	}
}

func TestNoSecretOfAnInvitationIsRead(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithUsers(150))
	users := mustCollect(t, fakeClient(t, server).Users(t.Context(), nil))
	var shown strings.Builder
	for _, u := range users {
		fmt.Fprintf(&shown, "%+v %#v\n", u, *u)
		if err := json.NewEncoder(&shown).Encode(u); err != nil {
			t.Fatal(err)
		}
	}
	for _, u := range server.Users() {
		if strings.Contains(shown.String(), u.AcceptanceToken) {
			t.Errorf("the acceptance token of %s is shown", u.Email)
		}
	}
}
