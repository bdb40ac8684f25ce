package orgusers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/orgusers/orgusers"
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
