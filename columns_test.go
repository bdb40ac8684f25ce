package orgusers_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// cells is a user as columns show it.
func cells(columns []orgusers.Column, u *orgusers.User) []string {
	row := make([]string, len(columns))
	for i, column := range columns {
		row[i] = column.Value(u)
	}
	return row
}

func headers(columns []orgusers.Column) []string {
	row := make([]string, len(columns))
	for i, column := range columns {
		row[i] = column.Header
	}
	return row
}

func TestDefaultColumns(t *testing.T) {
	t.Parallel()
	want := []string{
		"Email", "First Name", "Last Name", "Organization Roles", "Status", "MFA", "Invited By", "Invited At",
		"Last Login At", "User UID", "Created At", "Updated At",
	}
	if diff := cmp.Diff(want, headers(orgusers.DefaultColumns())); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	kiritimati := time.FixedZone("", 14*60*60)
	at := time.Date(2024, 1, 1, 8, 30, 0, 123_456_789, kiritimati)
	tests := []struct {
		name string
		user orgusers.User
		want []string
	}{
		{"nothing known", orgusers.User{}, make([]string, 12)},
		{"everything known", orgusers.User{
			ShareUID: "s", UID: "u", Email: "a@example.com", FirstName: "Ada", LastName: "Lovelace", Status: "accepted",
			Roles:     []orgusers.RoleRef{{UID: "r1", Name: "Admin"}, {UID: "r2", Name: "Member"}},
			InvitedBy: orgusers.Inviter{UID: "i", Email: "b@example.com"}, InvitedAt: at, LastLoginAt: at, CreatedAt: at, UpdatedAt: at, MFA: "verified",
		}, []string{
			"a@example.com", "Ada", "Lovelace", "Admin; Member", "accepted", "verified", "b@example.com",
			"2023-12-31T18:30:00.123Z", "2023-12-31T18:30:00.123Z", "u", "2023-12-31T18:30:00.123Z", "2023-12-31T18:30:00.123Z",
		}},
		{"the owner", orgusers.User{Owner: true, InvitedBy: orgusers.Inviter{UID: "System"}}, []string{"", "", "", "Owner", "", "", "System", "", "", "", "", ""}},
		{"an owner with a role", orgusers.User{Owner: true, Roles: []orgusers.RoleRef{{Name: "Admin"}}}, []string{"", "", "", "Owner; Admin", "", "", "", "", "", "", "", ""}},
		{"names that are not known", orgusers.User{Roles: []orgusers.RoleRef{{UID: "r1"}}, InvitedBy: orgusers.Inviter{UID: "i"}}, []string{"", "", "", "r1", "", "", "i", "", "", "", "", ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, cells(orgusers.DefaultColumns(), &tt.user)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// What the vendor's own tool writes, but for its local time and NaN/NaN/NaN.
func TestCSDXColumns(t *testing.T) {
	t.Parallel()
	want := []string{"Email", "User UID", "Organization Role", "Status", "Invited By", "Created Time", "Updated Time"}
	if diff := cmp.Diff(want, headers(orgusers.CSDXColumns())); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	kiritimati := time.FixedZone("", 14*60*60)
	tests := []struct {
		name string
		user orgusers.User
		want []string
	}{
		{"the owner", orgusers.User{Owner: true, InvitedBy: orgusers.Inviter{UID: "System"}}, []string{"", "", "Owner", "", "System", "", ""}},
		{"an owner with a role", orgusers.User{Owner: true, Roles: []orgusers.RoleRef{{Name: "Admin"}}}, []string{"", "", "Owner", "", "System", "", ""}},
		{"no role", orgusers.User{UID: "u"}, []string{"", "u", "No Role", "", "System", "", ""}},
		{"the first of several roles", orgusers.User{Roles: []orgusers.RoleRef{{Name: "member"}, {Name: "Admin"}}}, []string{"", "", "member", "", "System", "", ""}},
		{"an inviter in the organization", orgusers.User{InvitedBy: orgusers.Inviter{UID: "i", Email: "b@example.com"}}, []string{"", "", "No Role", "", "b@example.com", "", ""}},
		{"an inviter who is not", orgusers.User{InvitedBy: orgusers.Inviter{UID: "i"}}, []string{"", "", "No Role", "", "System", "", ""}},
		{"dates in UTC", orgusers.User{
			Email: "a@example.com", Status: "pending",
			CreatedAt: time.Date(2024, 1, 1, 8, 30, 0, 0, kiritimati), UpdatedAt: time.Date(2024, 2, 3, 14, 0, 0, 0, kiritimati),
		}, []string{"a@example.com", "", "No Role", "pending", "System", "12/31/2023", "02/03/2024"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, cells(orgusers.CSDXColumns(), &tt.user)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestExportInTheVendorsLayout(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]orguserstest.Option{
		"objects": {orguserstest.WithUsers(300)},
		"uids":    {orguserstest.WithUsers(300), orguserstest.WithRoleUIDs(), orguserstest.WithInviterUIDs()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, opts...)
			address := map[string]string{}
			for _, u := range server.Users() {
				address[u.UID] = u.Email
			}
			var want [][]string
			kinds := map[string]bool{}
			for _, u := range server.Users() {
				role, status, by := "No Role", "accepted", "System"
				switch {
				case u.Owner:
					role = "Owner"
				case len(u.RoleNames) > 0:
					role = u.RoleNames[0]
				}
				if u.Pending {
					status = "pending"
				}
				if email := address[u.InvitedBy]; u.InvitedBy != "System" && email != "" {
					by = email
				}
				kinds[role], kinds[status] = true, true
				want = append(want, []string{u.Email, u.UID, role, status, by, u.CreatedAt.Format("01/02/2006"), u.UpdatedAt.Format("01/02/2006")})
			}
			slices.SortFunc(want, func(a, b []string) int { return byEmail(&orgusers.User{Email: a[0]}, &orgusers.User{Email: b[0]}) })
			file := export(t, fakeClient(t, server), &orgusers.ExportOptions{Columns: orgusers.CSDXColumns(), KeepFormulas: true})
			if diff := cmp.Diff(want, parse(t, file)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if !kinds["Owner"] || !kinds["No Role"] || !kinds["pending"] {
				t.Errorf("the organization has only %v", kinds)
			}
		})
	}
}

// The vendor's tool writes the inviter's address only if the inviter is in the
// organization.
func TestExportInTheVendorsLayoutOfAnInviterWhoIsGone(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]orguserstest.Option{"objects": nil, "uids": {orguserstest.WithInviterUIDs()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, append(opts, orguserstest.WithPeople(
				orguserstest.Person{Email: "a@example.com", FirstName: "A", Owner: true},
				orguserstest.Person{Email: "b@example.com", FirstName: "B", Roles: []string{"Admin"}},
				orguserstest.Person{Email: "c@example.com", FirstName: "C", Roles: []string{"Admin"}},
				orguserstest.Person{Email: "d@example.com", FirstName: "D", InvitedBy: "c@example.com"},
			))...)
			server.RemoveUser("c@example.com")
			rows := parse(t, export(t, fakeClient(t, server), &orgusers.ExportOptions{Columns: orgusers.CSDXColumns()}))
			if got := rows[2][4]; rows[2][0] != "d@example.com" || got != "System" {
				t.Errorf("invited by %s, want System", got)
			}
		})
	}
}
