package main

import (
	"maps"
	"net/http"
	"testing"

	"github.com/orgusers/orgusers/orguserstest"
)

func TestInvitationsWithdraw(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 1)
	args := []string{"invitations", "withdraw", "--email", "pending@example.com,member0@example.com", "--email", "stranger@example.com"}
	dry := runOn(t, server, append(args, "--output", "json")...)
	dry.expect(t, 0, "dry run: nothing was changed; 1 would be withdrawn, 2 skipped; --apply does it")
	want := map[string]string{"pending@example.com": "planned", "member0@example.com": "skipped not_pending", "stranger@example.com": "skipped not_in_organization"}
	if got := dry.statuses(t); !maps.Equal(got, want) || dry.document(t)["dry_run"] != true {
		t.Errorf("outcomes %v, want %v", got, want)
	}
	expectUntouched(t, server)

	result := runOn(t, server, append(args, "--apply")...)
	result.expect(t, 0, "organization \"", server.OrganizationUID, "account admin@example.com", "service "+server.URL, "from the environment",
		"pending@example.com   withdrawn", "member0@example.com   skipped    not pending", "orgusers: 1 withdrawn, 2 skipped\n")
	if _, there := server.User("pending@example.com"); there {
		t.Error("the invitation is still there")
	}
}

func TestRefusedAndFailedChanges(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		email  string
		fault  *orguserstest.Fault
		status int
		says   string
	}{
		"not an address": {"Ada Lovelace", nil, 2, `"Ada Lovelace" is not a valid email address`},
		"nobody":         {"", nil, 2, "no addresses: give --email"},
		"failed":         {"pending@example.com", &orguserstest.Fault{Method: http.MethodDelete, Effect: orguserstest.Status(http.StatusForbidden)}, 1, "1 failed"},
		"a failed read":  {"pending@example.com", &orguserstest.Fault{Path: "/v3/user", Effect: orguserstest.Status(http.StatusForbidden)}, 1, "nothing was changed: the service does not allow it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newTeam(t, 1)
			if test.fault != nil {
				server.AddFault(*test.fault)
			}
			args := []string{"invitations", "withdraw", "--apply"}
			if test.email != "" {
				args = append(args, "--email", test.email)
			}
			runOn(t, server, args...).expect(t, test.status, test.says)
			if _, there := server.User("pending@example.com"); !there {
				t.Error("the invitation is gone")
			}
		})
	}
}
