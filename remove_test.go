package orgusers_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/test/operations"
)

// TestRemoveUsersWithoutRows has a server that accepts a removal and names other users,
// or none, in its response.
func TestRemoveUsersWithoutRows(t *testing.T) {
	t.Parallel()
	ada, bob := memberRow(1, "ada@example.com"), memberRow(2, "bob@example.com")
	tests := []struct {
		name    string
		delete  func(shareRow) bool
		respond func([]shareRow) string
		want    [2]string
	}{
		{"both, in another order", nil, func([]shareRow) string { return sharesOf([]shareRow{bob, ada}) }, [2]string{"done", "done"}},
		{"neither", nil, lose, [2]string{"done", "done"}},
		{"another row of the address", nil, func([]shareRow) string { return sharesOf([]shareRow{memberRow(9, ada.Email), bob}) }, [2]string{"done", "done"}},
		{"one, and the other is there", func(row shareRow) bool { return row.Share == ada.Share }, nil, [2]string{"done", "unknown: no_response"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &sharesServer{rows: []shareRow{ada, bob}, delete: tt.delete, respond: tt.respond}
				result, err := newClient(t, server).RemoveUsers(t.Context(), []string{ada.Email, bob.Email}, nil)
				if got := summaries(result); [2]string{got[0], got[1]} != tt.want || len(server.writes) != 1 {
					t.Errorf("got %v, %v after %d writes, want %v", got, err, len(server.writes), tt.want)
				}
				for i, row := range []shareRow{ada, bob} {
					if u := result.Outcomes[i].User; u == nil || u.ShareUID != row.Share || u.Roles[0].Name != "Member" {
						t.Errorf("outcome %d has the user %+v", i, u)
					}
				}
			})
		})
	}
}

func TestTransferOwnership(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, caller, email string
		is                  error
		writes              int
	}{
		{"a member", operations.Owner, strings.ToUpper(operations.Member(0)), nil, 1},
		{"a malformed address", operations.Owner, "nobody", orgusers.ErrRefused, 0},
		{"an empty address", operations.Owner, "", orgusers.ErrRefused, 0},
		{"a stranger", operations.Owner, operations.Stranger(0), orgusers.ErrRefused, 0},
		{"an invitation", operations.Owner, operations.Pending(0), orgusers.ErrRefused, 0},
		{"the owner", operations.Owner, operations.Owner, orgusers.ErrRefused, 0},
		{"the caller", operations.Admin, operations.Admin, orgusers.ErrRefused, 0},
		{"a member, by another than the owner", operations.Admin, operations.Member(0), orgusers.ErrForbidden, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, _ := crowded(t)
				client := clientOf(t, server, orgusers.WithAuthToken(server.SignIn(tt.caller)))
				err := client.TransferOwnership(t.Context(), tt.email)
				if !errors.Is(err, tt.is) || writesTo(server) != tt.writes {
					t.Errorf("got %v after %d writes, want %v after %d", err, writesTo(server), tt.is, tt.writes)
				}
				if n := operations.EmailsTo(server, tt.email); (n == 1) != (err == nil) {
					t.Errorf("%d emails", n)
				}
				if at, ok := errors.AsType[*orgusers.AddressError](err); ok != errors.Is(tt.is, orgusers.ErrRefused) || ok && at.Index != 0 {
					t.Errorf("got the address %+v", at)
				}
			})
		})
	}
}

// TestTransferOwnershipReadBack loses the response.
func TestTransferOwnershipReadBack(t *testing.T) {
	t.Parallel()
	organization := func(more string) string { return `{"organization":{"uid":"blt1","owner_uid":"owner"` + more + `}}` }
	tests := []struct {
		name          string
		before, after string
		unknown       bool
	}{
		{"it shows", "", `,"is_transfer_set":true,"transfer_to":"ADA@example.com"`, false},
		{"it shows, without the address", "", `,"is_transfer_set":true`, false},
		{"it does not show", "", "", true},
		{"it shows a transfer to somebody else", "", `,"is_transfer_set":true,"transfer_to":"bob@example.com"`, true},
		{"a transfer was there before", `,"is_transfer_set":true`, `,"is_transfer_set":true,"transfer_to":"ada@example.com"`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &sharesServer{rows: []shareRow{memberRow(1, "ada@example.com")}, fixed: map[string]string{"GET ": organization(tt.before)}}
				server.onWrite = func(s *sharesServer, _ int) { s.fixed["GET "] = organization(tt.after) }
				server.respond = page
				err := newClient(t, server).TransferOwnership(t.Context(), "ada@example.com")
				if errors.Is(err, orgusers.ErrOutcomeUnknown) != tt.unknown || (err != nil) != tt.unknown || len(server.writes) != 1 {
					t.Errorf("got %v after %d writes", err, len(server.writes))
				}
			})
		})
	}
}
