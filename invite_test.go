package orgusers_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

// inviteAll skips refused invitees.
var inviteAll = &orgusers.InviteOptions{BulkOptions: orgusers.BulkOptions{SkipRefused: true}}

// TestInviteRefuses has one invitee whose arguments are wrong. KEY is the key of a stack.
func TestInviteRefuses(t *testing.T) {
	t.Parallel()
	type access = orgusers.StackAccess
	first, second, member := operations.Stranger(0), operations.Stranger(1), []string{"Member"}
	tests := []struct {
		name   string
		bad    orgusers.Invitee
		want   string
		detail string
	}{
		{"no role", orgusers.Invitee{Email: second}, "invalid_role", "at least one role is needed"},
		{"an empty role", orgusers.Invitee{Email: second, Roles: []string{" "}}, "invalid_role", "a role is empty"},
		{"an unknown role", orgusers.Invitee{Email: second, Roles: []string{"Member", "Owner"}}, "invalid_role", `no role has the name or uid "Owner": not found`},
		{"a stack without an organization role", orgusers.Invitee{Email: second, Stacks: access{"KEY": {"Developer"}}}, "invalid_role", "at least one role is needed"},
		{"an unknown stack", orgusers.Invitee{Email: second, Roles: member, Stacks: access{"bltunknown": {"Developer"}}}, "invalid_stack", `stack "bltunknown" cannot be read: `},
		{"an unknown stack beside another", orgusers.Invitee{Email: second, Roles: member, Stacks: access{"KEY": {"Developer"}, "zunknown": {"x"}}}, "invalid_stack", `stack "zunknown" cannot be read: `},
		{"a malformed key", orgusers.Invitee{Email: second, Roles: member, Stacks: access{"blt1\nx: y": {"Developer"}}}, "invalid_stack", "cannot be read: "},
		{"an unknown stack role", orgusers.Invitee{Email: second, Roles: member, Stacks: access{"KEY": {"Member"}}}, "invalid_role", `no role has the name or uid "Member": not found`},
		{"a stack without roles", orgusers.Invitee{Email: second, Roles: member, Stacks: access{"KEY": nil}}, "invalid_role", "at least one role is needed"},
		{"a malformed address", orgusers.Invitee{Email: "nobody", Roles: member}, "invalid_address", `"nobody" is not a valid email address`},
		{"the first address with another role", orgusers.Invitee{Email: strings.ToUpper(first), Roles: []string{"Admin"}}, "conflicting_access", ""},
		{"the first address with a stack", orgusers.Invitee{Email: first, Roles: member, Stacks: access{"KEY": {"Developer"}}}, "conflicting_access", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, client := crowded(t)
				if roles, ok := tt.bad.Stacks["KEY"]; ok {
					delete(tt.bad.Stacks, "KEY")
					tt.bad.Stacks[server.Stacks()[0].APIKey] = roles
				}
				invitees := []orgusers.Invitee{{Email: first, Roles: member}, tt.bad, {Email: operations.Stranger(2), Roles: member}}
				want, index := []string{"other", "refused: " + tt.want, "other"}, 1
				if tt.want == "conflicting_access" {
					want, index = want[1:], 0
				}
				for _, opts := range []*orgusers.InviteOptions{{BulkOptions: orgusers.BulkOptions{DryRun: true}}, nil, inviteAll} {
					result, err := client.Invite(t.Context(), invitees, opts)
					got := summaries(result)
					for i := range got {
						if other := map[bool]string{true: "done", false: "not_started: call_refused"}[opts == inviteAll]; got[i] == other {
							got[i] = "other"
						}
					}
					at, _ := errors.AsType[*orgusers.AddressError](err)
					if diff := cmp.Diff(want, got); diff != "" || !errors.Is(err, orgusers.ErrRefused) || !errors.Is(err, orgusers.ErrInvalid) || strings.Contains(err.Error(), "@") || at == nil || at.Index != index {
						t.Errorf("got %v with %+v, want ErrRefused and ErrInvalid for the address %d: %s", err, at, index, diff)
					}
					if detail := result.Outcomes[index].Detail; !strings.Contains(detail, tt.detail) || strings.Contains(detail, "\n") {
						t.Errorf("the detail is %q, want %q", detail, tt.detail)
					}
					if n := len(server.Outbox()); n != result.Count(orgusers.OutcomeDone) || opts != inviteAll && writesTo(server) > 0 {
						t.Errorf("%d emails, %d writes", n, writesTo(server))
					}
				}
			})
		})
	}
}

// TestInviteByName gives roles by name, and says which uids were used.
func TestInviteByName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := crowded(t)
		stack, member, role := server.Stacks()[0], server.RoleUID("Member"), server.Roles()[1].Name
		message := "Welcome!\nYour team 🎉 \"quoted\" <b>"
		result, err := client.Invite(t.Context(), []orgusers.Invitee{
			{Email: operations.Stranger(0), Roles: []string{" MEMBER ", member, "member"}, Stacks: orgusers.StackAccess{stack.APIKey: {"DEVELOPER", stack.Roles[0].UID}}},
			{Email: operations.Stranger(1), Roles: []string{member}, Stacks: orgusers.StackAccess{stack.APIKey: {stack.Roles[0].UID}}},
			{Email: operations.Stranger(2), Roles: []string{member}},
		}, &orgusers.InviteOptions{Message: message})
		if err != nil {
			t.Fatal(err)
		}
		details := []string{
			fmt.Sprintf("role %q is %s; role %q is %s; stack %q: role %q is %s", role, member, role, member, stack.APIKey, stack.Roles[1].Name, stack.Roles[1].UID),
			"", "",
		}
		access := []map[string][]string{
			{stack.APIKey: {stack.Roles[1].UID, stack.Roles[0].UID}}, {stack.APIKey: {stack.Roles[0].UID}}, {},
		}
		for i, outcome := range result.Outcomes {
			u, _ := server.User(operations.Stranger(i))
			if outcome.Status != orgusers.OutcomeDone || outcome.Detail != details[i] || outcome.User.Roles[0].Name != role || outcome.User.ShareUID != u.ShareUID {
				t.Errorf("outcome %d is %+v with %+v\nwant the detail %s", i, outcome, outcome.User, details[i])
			}
			if diff := cmp.Diff([]string{member}, u.RoleUIDs) + cmp.Diff(access[i], u.Stacks, cmp.Transformer("", func(m map[string][]string) string { return fmt.Sprint(m) })); diff != "" || server.Outbox()[i].Message != message {
				t.Errorf("%d: %s, with the message %q", i, diff, server.Outbox()[i].Message)
			}
		}
	})
}

// TestInviteStackFails has a stack that cannot be read.
func TestInviteStackFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status int
		want   []string
	}{
		{http.StatusForbidden, []string{"refused: invalid_stack", "done"}},
		{http.StatusNotFound, []string{"refused: invalid_stack", "done"}},
		{http.StatusInternalServerError, []string{"not_started: read_failed", "not_started: read_failed"}},
		{http.StatusUnauthorized, []string{"not_started: read_failed", "not_started: read_failed"}},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			server, client := crowded(t)
			server.AddFault(orguserstest.Fault{Method: http.MethodGet, Path: "/v3/roles", Effect: orguserstest.Status(tt.status)})
			stack := server.Stacks()[0]
			result, err := client.Invite(t.Context(), []orgusers.Invitee{
				{Email: operations.Stranger(0), Roles: []string{"Member"}, Stacks: orgusers.StackAccess{stack.APIKey: {stack.Roles[0].UID}}},
				{Email: operations.Stranger(1), Roles: []string{"Member"}},
			}, inviteAll)
			failure, _ := errors.AsType[*orgusers.Error](err)
			if diff := cmp.Diff(tt.want, summaries(result)); diff != "" || failure == nil || failure.StatusCode != tt.status {
				t.Errorf("%d: got %v: %s", tt.status, err, diff)
			}
		})
	}
}

// TestInviteReadBack has a server whose response and rows show an invitation in other
// ways.
func TestInviteReadBack(t *testing.T) {
	t.Parallel()
	const ken = "ken@example.com"
	respell := func(from, to string) func([]shareRow) string {
		return func(rows []shareRow) string { return strings.ReplaceAll(sharesOf(rows), from, to) }
	}
	hide := func(looks int) func(*sharesServer, int) {
		var hidden []shareRow
		return func(s *sharesServer, n int) {
			switch n { // the first search is before the invitation
			case 2:
				hidden, s.rows = s.rows, nil
			case 2 + looks:
				s.rows = hidden
			}
		}
	}
	tests := []struct {
		name   string
		server *sharesServer
		want   string
		reads  int
	}{
		{"the response shows it", &sharesServer{}, "done", 1},
		{"the response spells it in capitals", &sharesServer{respond: respell("ken", "KEN")}, "done", 1},
		{"the response spells it in other letters", &sharesServer{respond: respell("ken", "\u212aen")}, "done", 2},
		{"the response shows nothing", &sharesServer{respond: lose}, "done", 2},
		{"the response has no list", &sharesServer{respond: func([]shareRow) string { return `{"notice":"ok"}` }}, "done", 2},
		{"it shows at the second look", &sharesServer{respond: lose, onSearch: hide(1)}, "done", 3},
		{"it never shows", &sharesServer{respond: lose, onSearch: hide(99)}, "unknown: no_response", 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				result, err := newClient(t, tt.server).Invite(t.Context(), []orgusers.Invitee{{Email: ken, Roles: []string{"r1"}}}, nil)
				if got := summaries(result)[0]; got != tt.want || errors.Is(err, orgusers.ErrOutcomeUnknown) != (tt.want != "done") {
					t.Errorf("got %s, %v, want %s", got, err, tt.want)
				}
				if u := result.Outcomes[0].User; tt.want == "done" && (u == nil || !strings.EqualFold(u.Email, ken) || u.Roles[0].Name != "Member") {
					t.Errorf("got the user %+v", u)
				}
				if len(tt.server.writes) != 1 || tt.server.searches != tt.reads {
					t.Errorf("sent %d times, read %d times, want once and %d", len(tt.server.writes), tt.server.searches, tt.reads)
				}
			})
		})
	}
}

// TestResendInvitations resends by the share's uid, which must not change the path.
func TestResendInvitations(t *testing.T) {
	t.Parallel()
	for _, uid := range []string{"", "..", "a/b", "a?b", "a\nb"} {
		server := &sharesServer{rows: []shareRow{{Share: uid, Email: "ada@example.com", Status: "pending"}}}
		result, err := newClient(t, server).ResendInvitations(t.Context(), []string{"ada@example.com"}, nil)
		if result.Count(orgusers.OutcomeNotStarted) != 1 || err == nil || len(server.writes) > 0 {
			t.Errorf("the uid %q: got %v, %v after %d writes", uid, err, summaries(result), len(server.writes))
		}
	}
	synctest.Test(t, func(t *testing.T) {
		server, client := crowded(t)
		server.OnRequest(func(r *orguserstest.Request) {
			if r.Operation == "ResendInvitations" {
				server.RemoveUser(operations.Pending(1))
				server.Accept(operations.Pending(2), "Just", "In")
			}
		})
		result, err := client.ResendInvitations(t.Context(), operations.Twelve(operations.Pending)[:4], nil)
		if diff := cmp.Diff([]string{"done", "failed: rejected", "failed: rejected", "done"}, summaries(result)); diff != "" || !errors.Is(err, orgusers.ErrNotFound) || len(server.Outbox()) != 2 {
			t.Errorf("got %v: %s", err, diff)
		}
	})
}

// TestWithdrawInvitations changes the second batch after the first was sent: nobody who
// accepted meanwhile is removed.
func TestWithdrawInvitations(t *testing.T) {
	t.Parallel()
	second := func(change func(s *orguserstest.Server)) func(*orguserstest.Server) {
		return func(s *orguserstest.Server) {
			s.OnRequest(func(r *orguserstest.Request) {
				if r.Operation == "RemoveUsers" || r.Operation == "WithdrawInvitations" {
					change(s)
				}
			})
		}
	}
	tests := []struct {
		name    string
		prepare func(s *orguserstest.Server)
		want    [2]string // the first and the last of twelve
		is      error
	}{
		{"nothing happens", func(*orguserstest.Server) {}, [2]string{"done", "done"}, nil},
		{"one accepts", second(func(s *orguserstest.Server) { s.Accept(operations.Pending(11), "Just", "In") }), [2]string{"done", "skipped: not_pending"}, nil},
		{"one is withdrawn by somebody else", second(func(s *orguserstest.Server) { s.RemoveUser(operations.Pending(11)) }), [2]string{"done", "skipped: not_in_organization"}, nil},
		{"the second lookup fails", func(s *orguserstest.Server) {
			s.AddFault(orguserstest.Fault{Path: sharePath + "/search", Skip: 2, Effect: orguserstest.Status(403)})
		}, [2]string{"done", "not_started: read_failed"}, orgusers.ErrForbidden},
		{"the response is lost, and the request comes through later", func(s *orguserstest.Server) {
			s.AddFault(orguserstest.Fault{Method: http.MethodDelete, Times: 1, Effect: orguserstest.Status(500), Later: 7500_000_000})
		}, [2]string{"done", "done"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, client := crowded(t)
				tt.prepare(server)
				result, err := client.WithdrawInvitations(t.Context(), operations.Twelve(operations.Pending), nil)
				got := summaries(result)
				if [2]string{got[0], got[11]} != tt.want || !errors.Is(err, tt.is) || errors.Is(err, orgusers.ErrOutcomeUnknown) {
					t.Errorf("got %v, %v\nwant %v", err, got, tt.want)
				}
				if _, there := server.User(operations.Pending(11)); tt.want[1] == "skipped: not_pending" && !there {
					t.Error("a member was removed")
				}
				if err != nil && strings.Contains(err.Error(), "nothing was changed") {
					t.Errorf("the error denies what was changed: %v", err)
				}
			})
		})
	}
}

// TestWithdrawInvitationsInDoubt has rows in other spellings at the lookup that comes
// immediately before a request.
func TestWithdrawInvitationsInDoubt(t *testing.T) {
	t.Parallel()
	const ken = "ken@example.com"
	respell := func(at int) func(*sharesServer, int) {
		return func(s *sharesServer, n int) {
			if n == at {
				s.rows[0].Email = "\u212aen@example.com"
			}
		}
	}
	down := func(after int) func([]shareRow) string {
		n := 0
		return func(rows []shareRow) string {
			if n++; n <= after {
				return page(rows)
			}
			return sharesOf(rows)
		}
	}
	keep := func(shareRow) bool { return false }
	tests := []struct {
		name   string
		server *sharesServer
		want   string
		writes int
	}{
		{"before the first request", &sharesServer{onSearch: respell(2)}, "refused: duplicate_rows", 0},
		{"before the second request", &sharesServer{onSearch: respell(6), respond: down(1), delete: keep}, "unknown: no_response", 1},
		{"gone before the second request", &sharesServer{onSearch: func(s *sharesServer, n int) {
			if n == 6 {
				s.rows = nil
			}
		}, respond: down(1), delete: keep}, "done", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tt.server.rows = []shareRow{pendingRow(1, ken)}
				result, err := newClient(t, tt.server).WithdrawInvitations(t.Context(), []string{ken}, nil)
				if got := summaries(result)[0]; got != tt.want || len(tt.server.writes) != tt.writes {
					t.Errorf("got %s, %v after %d writes, want %s after %d", got, err, len(tt.server.writes), tt.want, tt.writes)
				}
			})
		})
	}
}
