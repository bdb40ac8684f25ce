package orgusers_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestColumns(t *testing.T) {
	t.Parallel()
	kiritimati := time.FixedZone("", 14*60*60)
	at := time.Date(2024, 1, 1, 8, 30, 0, 123_456_789, kiritimati)
	ada := orgusers.User{
		ShareUID: "s", UID: "u", Email: "a@example.com", FirstName: "Ada", LastName: "Lovelace", Status: "accepted",
		Roles:     []orgusers.RoleRef{{UID: "r1", Name: "Admin"}, {UID: "r2", Name: "Member"}},
		InvitedBy: orgusers.Inviter{UID: "i", Email: "b@example.com"}, InvitedAt: at, LastLoginAt: at, CreatedAt: at, UpdatedAt: at.AddDate(0, 1, 2), MFA: "verified",
	}
	system := orgusers.Inviter{UID: "System"}
	tests := []struct {
		name      string
		user      orgusers.User
		ours, csv string // cells, separated by a bar
	}{
		{"unknown", orgusers.User{}, "|||||||||||", "||No Role||System||"},
		{
			"known", ada,
			"a@example.com|Ada|Lovelace|Admin; Member|accepted|verified|b@example.com|2023-12-31T18:30:00.123Z|2023-12-31T18:30:00.123Z|u|2023-12-31T18:30:00.123Z|2024-02-02T18:30:00.123Z",
			"a@example.com|u|Admin|accepted|b@example.com|12/31/2023|02/02/2024",
		},
		{"owner", orgusers.User{Owner: true, InvitedBy: system}, "|||Owner|||System|||||", "||Owner||System||"},
		{"owner with a role", orgusers.User{Owner: true, Roles: ada.Roles[:1]}, "|||Owner; Admin||||||||", "||Owner||System||"},
		{"role without a name", orgusers.User{Roles: []orgusers.RoleRef{{UID: "r1"}}}, "|||r1||||||||", "||r1||System||"},
		{"inviter without an address", orgusers.User{InvitedBy: orgusers.Inviter{UID: "i"}}, "||||||i|||||", "||No Role||System||"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for want, columns := range map[string][]orgusers.Column{tt.ours: orgusers.DefaultColumns(), tt.csv: orgusers.CSDXColumns()} {
				var cells []string
				for _, column := range columns {
					cells = append(cells, column.Value(&tt.user))
				}
				if got := strings.Join(cells, "|"); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
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

// TestExportInTheVendorsLayoutOfAnInviterWhoIsGone has no address of an inviter
// who has left the organization.
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
