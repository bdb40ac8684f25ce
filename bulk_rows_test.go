package orgusers_test

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/test/operations"
)

// TestRowsOfOneAddress removes an address with rows that are spelled alike, and from a
// server that returns more rows than it was asked for.
func TestRowsOfOneAddress(t *testing.T) {
	t.Parallel()
	const ada = "ada@example.com"
	both := []shareRow{pendingRow(2, ada), memberRow(1, ada)}
	names := "the address has a row that is accepted (share s1) and a row that is pending (share s2)"
	first := func(row shareRow) bool { return row.Share == "s1" }
	replace := func(s *sharesServer, _ int) { s.rows = []shareRow{pendingRow(9, ada)} }
	none := func(shareRow) bool { return false }
	tests := []struct {
		name   string
		server *sharesServer
		dry    bool
		want   string
		detail string
	}{
		{"both are removed", &sharesServer{rows: both}, false, "done", names},
		{"a dry run names both", &sharesServer{rows: both}, true, "planned", names},
		{"one is removed", &sharesServer{rows: both, delete: first}, false, "partial: not_applied", names + "; still there: a row that is pending (share s2)"},
		{"one is removed, and the response shows nothing", &sharesServer{rows: both, delete: first, respond: lose}, false, "partial: not_applied", names + "; still there: a row that is pending (share s2)"},
		{"both are removed, and the response shows nothing", &sharesServer{rows: both, respond: lose}, false, "done", names},
		{"the response spells it differently", &sharesServer{rows: both, respond: func(rows []shareRow) string {
			return strings.ReplaceAll(sharesOf(rows), ada, "ADA@EXAMPLE.COM")
		}}, false, "done", names},
		{"another row in another spelling", &sharesServer{rows: []shareRow{memberRow(1, "Ada@example.com"), memberRow(2, ada)}, respond: lose}, false, "done", ""},
		{"somebody is invited again meanwhile", &sharesServer{rows: both[1:], onWrite: replace, delete: none, respond: lose}, false, "unknown: no_response", ""},
		{"somebody is invited too", &sharesServer{rows: both[1:], delete: none, respond: page, onWrite: func(s *sharesServer, _ int) {
			s.rows = append(s.rows, pendingRow(9, ada))
		}}, false, "unknown: no_response", ""},
		{"a row in another spelling appears", &sharesServer{rows: both[1:], respond: lose, onWrite: func(s *sharesServer, _ int) {
			s.rows = append(s.rows, memberRow(3, "ada@e\u017fample.com"), memberRow(4, "ada@EXAMPLE.com"))
			s.strays = []shareRow{memberRow(3, "ad\u00e4@example.com")}
		}}, false, "unknown: no_response", ""},
		{"only rows of others appear", &sharesServer{rows: both[1:], respond: lose, onWrite: func(s *sharesServer, _ int) {
			s.strays = []shareRow{memberRow(3, "bob@example.com")}
		}}, false, "unknown: no_response", ""},
		{"rows of others beside it", &sharesServer{rows: both[1:], strays: []shareRow{memberRow(3, "bob@example.com")}}, false, "done", ""},
		{"rows of others alone", &sharesServer{strays: []shareRow{memberRow(3, "bob@example.com")}}, false, "refused: duplicate_rows", `the server returned "bob@example.com" (share s3, accepted), which may be this address in another spelling`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				result, err := newClient(t, tt.server).RemoveUsers(t.Context(), []string{"Ada@example.com"}, &orgusers.RemoveOptions{BulkOptions: orgusers.BulkOptions{DryRun: tt.dry}})
				outcome := result.Outcomes[0]
				if got := summaries(result)[0]; got != tt.want || outcome.Detail != tt.detail || (err == nil) != (outcome.Err == nil) {
					t.Errorf("got %s, %q, %v\nwant %s, %q", got, outcome.Detail, err, tt.want, tt.detail)
				}
				if len(tt.server.writes) > 1 {
					t.Errorf("sent %d times", len(tt.server.writes))
				}
			})
		})
	}
}

// TestSeveralRowsInEveryCall has several rows of one address. A call changes the row that is
// meant, or none. It reports what it finds in a dry run too.
func TestSeveralRowsInEveryCall(t *testing.T) {
	t.Parallel()
	const ada, refused = "ada@example.com", "refused: duplicate_rows"
	admin := func(row shareRow) shareRow { row.Roles = []string{"r2"}; return row }
	stackRoles := map[string]string{"GET /roles": `{"roles":[{"uid":"r1","name":"Member","users":["u1","u2"]},{"uid":"r2","name":"Admin","users":[]}],"count":2}`}
	teams := map[string]string{"GET /v4/teams": `{"teams":[{"uid":"t1","name":"One","users":["u1"]},{"uid":"t2","name":"Two","users":["u2"]}],"count":2}`}
	rows := map[string][]shareRow{
		"a member and an invitation":   {pendingRow(2, ada), memberRow(1, ada)},
		"two invitations":              {pendingRow(2, ada), pendingRow(1, ada)},
		"two members":                  {memberRow(1, ada), admin(memberRow(2, ada))},
		"two members and another role": {admin(memberRow(1, ada)), memberRow(2, ada)},
		"two members, one blocked":     {memberRow(1, ada), {Share: "s2", Email: ada, UID: "u2", Status: "blocked", Roles: []string{"r1"}}},
		"a member in another case":     {memberRow(1, ada), admin(memberRow(2, "Ada@example.com"))},
	}
	unchanged := func(reason string) map[string]string {
		return map[string]string{"": refused, "a member and an invitation": "skipped: " + reason, "a member in another case": "skipped: " + reason, "two invitations": "skipped: pending"}
	}
	inTeam := unchanged("not_in_team")
	inTeam["two invitations"] = "skipped: not_in_team"
	members := map[string]string{"": "done", "two invitations": "skipped: pending"}
	calls := map[string]map[string]string{ // outcomes by the rows; "" stands for all others
		"Invite":              {"": "skipped: already_member", "two invitations": "skipped: already_pending"},
		"RemoveUsers":         {"": "done"},
		"WithdrawInvitations": {"": "skipped: not_pending", "two invitations": "done"},
		"ResendInvitations":   {"": "skipped: not_pending", "two invitations": "done"},
		"UpdateRoles":         unchanged("unchanged"),
		"UpdateStackAccess":   unchanged("unchanged"),
		"AddToTeam":           unchanged("unchanged"),
		"RemoveFromTeam":      inTeam,
		"SendPasswordResets":  members,
		"UnlockUsers":         members,
		"ResetMFA":            members,
		"ForcePasswordReset":  members,
		"EndSessions":         members,
		"TransferOwnership":   {"": refused, "a member and an invitation": "done", "a member in another case": "done", "two invitations": "refused: pending"},
	}
	for _, o := range operations.Changes() {
		if name := o.MethodName(); calls[name] == nil && name != "Restore" { // which takes records
			t.Errorf("add %s: what does it do if an address has several rows?", name)
		}
	}
	for of, rows := range rows {
		for name, wants := range calls {
			for _, dry := range []bool{true, false} {
				if dry && name == "TransferOwnership" {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/dry run %v", of, name, dry), func(t *testing.T) {
					t.Parallel()
					server := &sharesServer{rows: rows}
					switch name {
					case "UpdateStackAccess":
						server.fixed = stackRoles
					case "AddToTeam", "RemoveFromTeam":
						server.fixed = teams
					}
					want := cmp.Or(wants[of], wants[""])
					if dry {
						want = strings.Replace(want, "done", "planned", 1)
					}
					result, err := addressCalls[name](t.Context(), newClient(t, server, orgusers.WithEndpoints(someEndpoints)), ada, orgusers.BulkOptions{DryRun: dry})
					if got := summaries(result)[0]; got != want || errors.Is(err, orgusers.ErrRefused) != strings.HasPrefix(want, "refused") {
						t.Errorf("got %s, %v, want %s", got, err, want)
					}
					if sent := len(server.writes) > 0; sent != (want == "done") {
						t.Errorf("sent %q", server.writes)
					}
					if detail := result.Outcomes[0].Detail; name != "TransferOwnership" && of != "a member in another case" && (!strings.Contains(detail, "s1") || !strings.Contains(detail, "s2")) {
						t.Errorf("the detail %q does not name both rows", detail)
					}
				})
			}
		}
	}
}
