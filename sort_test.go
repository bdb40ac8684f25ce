package orgusers_test

import (
	"cmp"
	"encoding/csv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// people are an organization with ties in every field, times that never were,
// and texts that differ in letter case alone or begin another.
func people() []orguserstest.Person {
	rng := rand.New(rand.NewPCG(3, 4))
	pick := func(from ...string) string { return from[rng.IntN(len(from))] }
	day := func() time.Time { return time.Date(2020, 1, 1+rng.IntN(5), 0, 0, 0, 0, time.UTC) }
	result := []orguserstest.Person{{Email: "owner@example.com", FirstName: "O", LastName: "O", Owner: true, CreatedAt: day()}}
	for _, local := range []string{
		"b", "a", "ab", "a.b", "a-b", "A-c", "aa", "AA.b", "Zz", "zy", "_x", "é", "Émile", "ß", "m", "n", "o", "p", "q", "r", "s", "t", "u", "v", "w",
	} {
		p := orguserstest.Person{
			Email: local + "@example.com", FirstName: pick("Ada", "ada", "ADA", "Adam", "Zoë"), LastName: pick("", "N", "n", "Na", "É"),
			CreatedAt: day(), InvitedAt: day(), UpdatedAt: day(),
		}
		if rng.IntN(3) > 0 {
			p.LastLogin = day()
		}
		result = append(result, p)
	}
	return result
}

// compare is the documented order, written another way: texts letter case
// aside and then as they are, what never was first, equals by address.
func compare(sort orgusers.Sort) func(a, b *orgusers.User) int {
	text := func(a, b string) int {
		return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(a, b))
	}
	var by func(a, b *orgusers.User) int
	switch sort.By {
	case orgusers.SortByEmail:
		by = func(a, b *orgusers.User) int { return text(a.Email, b.Email) }
	case orgusers.SortByFirstName:
		by = func(a, b *orgusers.User) int { return text(a.FirstName, b.FirstName) }
	case orgusers.SortByLastName:
		by = func(a, b *orgusers.User) int { return text(a.LastName, b.LastName) }
	case orgusers.SortByInvitedAt:
		by = func(a, b *orgusers.User) int { return a.InvitedAt.Compare(b.InvitedAt) }
	case orgusers.SortByLastLogin:
		by = func(a, b *orgusers.User) int { return a.LastLoginAt.Compare(b.LastLoginAt) }
	case orgusers.SortByUpdated:
		by = func(a, b *orgusers.User) int { return a.UpdatedAt.Compare(b.UpdatedAt) }
	default:
		by = func(a, b *orgusers.User) int { return a.CreatedAt.Compare(b.CreatedAt) }
	}
	return func(a, b *orgusers.User) int {
		order := by(a, b)
		if sort.Descending {
			order = -order
		}
		return cmp.Or(order, text(a.Email, b.Email))
	}
}

func TestUsersInEveryOrder(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithPeople(people()...), orguserstest.WithPageCap(5))
	client := fakeClient(t, server)
	all := expected(server.Users())
	for _, by := range []orgusers.SortField{
		orgusers.SortByEmail, orgusers.SortByFirstName, orgusers.SortByLastName, orgusers.SortByInvitedAt,
		orgusers.SortByLastLogin, orgusers.SortByCreated, orgusers.SortByUpdated,
	} {
		for _, descending := range []bool{false, true} {
			sort := orgusers.Sort{By: by, Descending: descending}
			name := string(by) + map[bool]string{false: " upwards", true: " downwards"}[descending]
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				want := slices.SortedFunc(slices.Values(all), compare(sort))
				got := mustCollect(t, client.Users(t.Context(), &orgusers.ListUsersOptions{Sort: sort}))
				if sort == (orgusers.Sort{By: orgusers.SortByCreated}) {
					want = all // as they are read: equals in the server's order
				}
				if diff := diffUsers(want, got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			})
			t.Run("export by "+name, func(t *testing.T) {
				t.Parallel()
				want := slices.SortedFunc(slices.Values(all), compare(sort))
				file := export(t, client, &orgusers.ExportOptions{Sort: sort, Columns: orgusers.DefaultColumns()[:2], KeepFormulas: true})
				rows, err := csv.NewReader(strings.NewReader(file)).ReadAll()
				if err != nil {
					t.Fatal(err)
				}
				for i, row := range rows[1:] {
					if row[0] != want[i].Email {
						t.Fatalf("row %d is %s, want %s", i, row[0], want[i].Email)
					}
				}
			})
			t.Run("a page by "+name, func(t *testing.T) {
				t.Parallel()
				page, err := client.ListUsers(t.Context(), &orgusers.ListUsersOptions{Sort: sort, PageSize: 5})
				if err != nil {
					t.Fatal(err)
				}
				requests := server.Requests()
				parameter := map[bool]string{false: "asc", true: "desc"}[descending]
				if !slices.ContainsFunc(requests, func(r orguserstest.Request) bool { return r.Query.Get(parameter) == string(by) }) {
					t.Errorf("the server was not asked for %s=%s", parameter, by)
				}
				if len(page.Users) != 5 || page.Count != len(all) {
					t.Errorf("got %d users of %d, want 5 of %d", len(page.Users), page.Count, len(all))
				}
			})
		}
	}
}

func TestStatusSearchAndSkipGoWithASort(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithUsers(260))
	opts := orgusers.ListUsersOptions{
		Sort: orgusers.Sort{By: orgusers.SortByLastLogin}, Status: orgusers.StatusAccepted, Search: "a", Skip: 20,
	}
	sorted := slices.SortedFunc(slices.Values(expected(server.Users())), compare(opts.Sort))
	found := onlyIf(sorted, func(u *orgusers.User) bool {
		return strings.Contains(strings.ToLower(u.Email), "a") || strings.Contains(strings.ToLower(u.FirstName+" "+u.LastName), "a")
	})
	accepted := func(u *orgusers.User) bool { return u.Status == orgusers.StatusAccepted }
	got := mustCollect(t, fakeClient(t, server).Users(t.Context(), &opts))
	if diff := diffUsers(onlyIf(found, accepted)[20:], got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
