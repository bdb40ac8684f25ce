package orgusers_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestRoles(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]orguserstest.Option{
		"on one page":     nil,
		"on two pages":    {orguserstest.WithPageCap(3)},
		"on small pages":  {orguserstest.WithPageCap(2)},
		"without a count": {orguserstest.WithPageCap(2), orguserstest.WithoutCount()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, append(opts, orguserstest.WithUsers(60))...)
			client := fakeClient(t, server)
			holders := map[string][]string{}
			for _, u := range server.Users() {
				for _, uid := range u.RoleUIDs {
					if u.UID != "" {
						holders[uid] = append(holders[uid], u.UID)
					}
				}
			}
			for range 2 { // a sequence can be ranged over again
				var names []string
				for _, role := range mustCollect(t, client.Roles(t.Context(), nil)) {
					names = append(names, strings.ToLower(role.Name))
					if role.Admin != strings.EqualFold(role.Name, "Admin") || role.UpdatedAt.IsZero() || role.CreatedAt.IsZero() || role.Description == "" {
						t.Errorf("a role came as %+v", role)
					}
					if diff := cmp.Diff(holders[role.UID], role.Users, sortedTexts); diff != "" {
						t.Errorf("%s: -want +got:\n%s", role.Name, diff)
					}
				}
				if diff := cmp.Diff([]string{"admin", "member", "security manager", "product analytics viewer"}, names); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			}
		})
	}
}

func TestListRoles(t *testing.T) {
	t.Parallel()
	client := fakeClient(t, startFake(t))
	page, err := client.ListRoles(t.Context(), &orgusers.ListRolesOptions{PageSize: 2, Skip: 1})
	if err != nil || len(page.Roles) != 2 || page.Count != 4 || page.Skip != 1 || !strings.EqualFold(page.Roles[0].Name, "Member") {
		t.Errorf("got %+v and the error %v, want the second and third of four roles", page, err)
	}
	if rest := mustCollect(t, client.Roles(t.Context(), &orgusers.ListRolesOptions{Skip: 3})); len(rest) != 1 {
		t.Errorf("%d roles after three of four", len(rest))
	}
	for _, opts := range []*orgusers.ListRolesOptions{{PageSize: -1}, {PageSize: 101}, {Skip: -1}} {
		if _, err := client.ListRoles(t.Context(), opts); !errors.Is(err, orgusers.ErrInvalid) {
			t.Errorf("%+v: got the error %v, want ErrInvalid", opts, err)
		}
		if _, err := collect(t, client.Roles(t.Context(), opts)); !errors.Is(err, orgusers.ErrInvalid) {
			t.Errorf("%+v: got the error %v, want ErrInvalid", opts, err)
		}
	}
}

func TestRecordedRoles(t *testing.T) {
	t.Parallel()
	recorded, err := os.ReadFile("testdata/roles.json")
	if err != nil {
		t.Fatal(err)
	}
	want := []*orgusers.Role{
		{
			UID: "blt77c0de11aa22bb33cc44dd55", Name: "Admin", Description: "Admin Role", OrganizationUID: "blt1a2b3c4d5e6f7081", Admin: true, Default: true,
			Users:     []string{"blt0f3a9c6d2b8e4715"},
			CreatedAt: time.Date(2017, 9, 17, 11, 50, 52, 557_000_000, time.UTC), UpdatedAt: time.Date(2017, 9, 17, 11, 50, 52, 557_000_000, time.UTC),
		},
		{
			UID: "blt88d1ef22bb33cc44dd55ee66", Name: "Member", Description: "Member Role", OrganizationUID: "blt1a2b3c4d5e6f7081", Default: true,
			Users:     []string{},
			CreatedAt: time.Date(2017, 9, 17, 11, 50, 52, 190_000_000, time.UTC), UpdatedAt: time.Date(2017, 9, 17, 11, 50, 52, 190_000_000, time.UTC),
		},
	}
	page, err := newClient(t, roundTripper(body(200, string(recorded)))).ListRoles(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&orgusers.RolePage{Roles: want, Count: -1}, page); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestRoleByName(t *testing.T) {
	t.Parallel()
	roles := func(names ...string) roundTripper {
		rows := make([]string, len(names))
		for i, name := range names {
			rows[i] = fmt.Sprintf(`{"uid":"r%d","name":%q}`, i, name)
		}
		return roundTripper(body(200, fmt.Sprintf(`{"roles":[%s],"count":%d}`, strings.Join(rows, ","), len(rows))))
	}
	tests := []struct {
		name      string
		transport roundTripper
		ask       string
		uid       string
		want      error
	}{
		{"as it is", roles("Admin", "Member"), "Member", "r1", nil},
		{"in capitals", roles("admin", "member"), "MEMBER", "r1", nil},
		{"in small letters", roles("Admin", "MEMBER"), "member", "r1", nil},
		{"with blanks around", roles("Admin", "Member"), " Member\n", "r1", nil},
		{"missing", roles("Admin", "Member"), "Membe", "", orgusers.ErrNotFound},
		{"no roles at all", roles(), "Admin", "", orgusers.ErrNotFound},
		{"the owner, who is no role", roles("Admin", "Member"), "Owner", "", orgusers.ErrNotFound},
		{"twice", roles("Member", "member"), "Member", "", orgusers.ErrConflict},
		{"no name", roles("Admin"), "", "", orgusers.ErrNotFound},
		{"an answer without roles", roundTripper(body(200, `{}`)), "Admin", "", orgusers.ErrServer},
		{"a role that is null", roundTripper(body(200, `{"roles":[null]}`)), "Admin", "", orgusers.ErrServer},
		{"not allowed", roundTripper(body(403, `{}`)), "Admin", "", orgusers.ErrForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			role, err := newClient(t, tt.transport, soon).RoleByName(t.Context(), tt.ask)
			if !errors.Is(err, tt.want) || (err == nil) != (role != nil) || role != nil && role.UID != tt.uid {
				t.Errorf("got %+v and the error %v, want %q and %v", role, err, tt.uid, tt.want)
			}
		})
	}
}
