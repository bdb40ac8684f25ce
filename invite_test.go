package orgusers_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/orgusers/orgusers"
)

func TestInviteOutcomes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := crowded(t)
		role, stack := server.RoleUID("Member"), server.Stacks()[0]
		invitees := func(changes ...func(*orgusers.Invitee)) []orgusers.Invitee {
			all := make([]orgusers.Invitee, len(changes))
			for i, change := range changes {
				all[i] = orgusers.Invitee{Email: stranger(i), RoleUIDs: []string{role}}
				if change != nil {
					change(&all[i])
				}
			}
			return all
		}
		request := orgusers.InviteRequest{
			Message: "Welcome!\nYour team 🎉 \"quoted\" <b>",
			Invitees: invitees(
				nil,
				func(i *orgusers.Invitee) { i.RoleUIDs = nil },
				func(i *orgusers.Invitee) { i.RoleUIDs = []string{role, "bltunknown"} },
				func(i *orgusers.Invitee) { i.Stacks = orgusers.StackAccess{stack.APIKey: {stack.Roles[0].UID}} },
				func(i *orgusers.Invitee) { i.Stacks = orgusers.StackAccess{"bltunknown": {stack.Roles[0].UID}} },
				func(i *orgusers.Invitee) { i.Stacks = orgusers.StackAccess{stack.APIKey: {"bltunknown"}} },
				func(i *orgusers.Invitee) { i.Stacks = orgusers.StackAccess{stack.APIKey: nil} },
				func(i *orgusers.Invitee) {
					i.RoleUIDs, i.Stacks = nil, orgusers.StackAccess{stack.APIKey: {stack.Roles[0].UID}}
				},
				func(i *orgusers.Invitee) { i.Email = "Admin@Example.com" },
				func(i *orgusers.Invitee) { i.Email = "owner@example.com" },
				func(i *orgusers.Invitee) { i.Email = member(0) },
				func(i *orgusers.Invitee) { i.Email = pending(0) },
				func(i *orgusers.Invitee) { i.Email = " Stranger0@EXAMPLE.com" }, // the first one, once more
				func(i *orgusers.Invitee) { i.Email = stranger(20) },
				func(i *orgusers.Invitee) {
					i.Email, i.RoleUIDs = strings.ToUpper(stranger(20)), []string{server.RoleUID("Admin")}
				},
			),
		}
		want := []orgusers.InviteStatus{
			orgusers.Invited,
			orgusers.InviteFailed, orgusers.InviteFailed,
			orgusers.Invited,
			orgusers.InviteFailed, orgusers.InviteFailed, orgusers.InviteFailed, orgusers.InviteFailed,
			orgusers.AlreadyMember, orgusers.AlreadyMember, orgusers.AlreadyMember,
			orgusers.AlreadyPending,
			orgusers.InviteFailed,
		}
		for _, dry := range []bool{true, false} {
			request.DryRun = dry
			result, err := client.Invite(t.Context(), request)
			if !errors.Is(err, orgusers.ErrInvalid) || errors.Is(err, orgusers.ErrRefused) {
				t.Errorf("got %v, want ErrInvalid", err)
			}
			if strings.Contains(err.Error(), "@") {
				t.Errorf("an address is in the error: %v", err)
			}
			for i, outcome := range result.Outcomes {
				if outcome.Status != want[i] {
					t.Errorf("dry run %v: outcome %d is %q, want %q: %v", dry, i, outcome.Status, want[i], outcome.Err)
				}
				if known := outcome.Status == orgusers.AlreadyMember || outcome.Status == orgusers.AlreadyPending || outcome.Status == orgusers.Invited && !dry; known != (outcome.User != nil) {
					t.Errorf("dry run %v: outcome %d has user %v", dry, i, outcome.User)
				}
				if outcome.Status == orgusers.InviteFailed && outcome.Err == nil {
					t.Errorf("outcome %d failed without an error", i)
				}
			}
			if len(result.Outcomes) != len(want) {
				t.Errorf("%d outcomes, want %d", len(result.Outcomes), len(want))
			}
			if mails := len(server.Outbox()); dry && mails > 0 || !dry && mails != 2 {
				t.Errorf("dry run %v: %d mails", dry, mails)
			}
		}
		if message := server.Outbox()[0].Message; message != request.Message {
			t.Errorf("the message arrived as %q", message)
		}
		u, _ := server.User(stranger(3))
		if len(u.Stacks[stack.APIKey]) != 1 {
			t.Errorf("the stacks are %v", u.Stacks)
		}
	})
}

// An invitation can be repeated without harm.
func TestInviteAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := crowded(t)
		first := invite(t.Context(), client, server)
		invite(t.Context(), client, server)
		for email, status := range first {
			if status != orgusers.OutcomeDone || mailsTo(server, email) != 1 {
				t.Errorf("status %s, %d mails", status, mailsTo(server, email))
			}
		}
	})
}

func TestPendingInvitations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, client := crowded(t)
		n := 0
		for u, err := range client.PendingInvitations(t.Context()) {
			if err != nil || u.Status != orgusers.StatusPending {
				t.Fatal(u, err)
			}
			n++
		}
		if n != 12 {
			t.Errorf("%d pending invitations, want 12", n)
		}
	})
}

func TestResendInvitation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := crowded(t)
		tests := []struct {
			name, email string
			is          error
		}{
			{"pending", strings.ToUpper(pending(0)), nil},
			{"a member", member(0), orgusers.ErrRefused},
			{"a stranger", stranger(0), orgusers.ErrNotFound},
			{"no address", "nobody", orgusers.ErrInvalid},
		}
		for _, tt := range tests {
			if err := client.ResendInvitationTo(t.Context(), tt.email); !errors.Is(err, tt.is) {
				t.Errorf("%s: got %v, want %v", tt.name, err, tt.is)
			}
		}
		for _, uid := range []string{"", "..", "a/b"} {
			if err := client.ResendInvitation(t.Context(), uid); !errors.Is(err, orgusers.ErrInvalid) {
				t.Errorf("uid %q: got %v, want ErrInvalid", uid, err)
			}
		}
		if err := client.ResendInvitation(t.Context(), "bltunknown"); !errors.Is(err, orgusers.ErrNotFound) {
			t.Errorf("an unknown uid: got %v, want ErrNotFound", err)
		}
		if len(server.Outbox()) != 1 || mailsTo(server, pending(0)) != 1 {
			t.Errorf("the outbox has %v", server.Outbox())
		}
	})
}

// Whoever accepts after the list was made and before it is sent is a member,
// and is not removed.
func TestWithdrawRemovesNoMember(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := crowded(t)
		result, err := client.WithdrawInvitations(t.Context(), twelve(pending), &orgusers.BulkOptions{Progress: func(done, _ int) {
			if done == 10 {
				server.Accept(pending(11), "Just", "In")
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		if last := result.Outcomes[11]; last.Status != orgusers.OutcomeSkipped || !is(server, pending(11)) {
			t.Errorf("the new member: %+v", last)
		}
		if result.Count(orgusers.OutcomeDone) != 11 {
			t.Errorf("%d were withdrawn, want 11", result.Count(orgusers.OutcomeDone))
		}
	})
}
