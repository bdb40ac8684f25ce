package main

import (
	"testing"

	"github.com/orgusers/orgusers/orguserstest"
)

func TestOrganizations(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 1)
	runOn(t, server, "organizations", "list").expect(t, 0, "Example Media", server.SecondOrganizationUID)
	withoutUID := environment(server)[:1]
	run(t, command(t, append(withoutUID, "CONTENTSTACK_AUTHTOKEN="+server.AuthToken), "organizations", "list", "--output", "json")).expect(t, 0, `"name": "Example Labs"`)
	run(t, command(t, append(withoutUID, "CONTENTSTACK_AUTHTOKEN="+server.AuthToken), "organizations", "show")).expect(t, 2, "no organization: give --org UID")
	runOn(t, server, "organizations", "show").expect(t, 0, "Example Media", "Plan: users", "on, 500")
	runOn(t, server, "organizations", "show", "--org", server.SecondOrganizationUID, "--output", "json").expect(t, 0, `"name": "Example Labs"`, `"organization": "`+server.SecondOrganizationUID)
}

func TestTransferOwnership(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 1)
	owner := append(environment(server), "CONTENTSTACK_AUTHTOKEN="+server.SignIn("owner@example.com"))
	transfer := func(environment []string, to string, more ...string) result {
		return run(t, command(t, environment, append([]string{"organizations", "transfer-ownership", "--to", to}, more...)...))
	}
	transfer(owner, "member0@example.com").expect(t, 0, "would be offered the organization", "account owner@example.com", "--apply does it")
	transfer(owner, "member0@example.com", "--output", "json").expect(t, 0, `"status": "planned"`)
	transfer(owner, "pending@example.com").expect(t, 2, "nothing was changed: pending@example.com has not accepted")
	transfer(owner, "stranger@example.com").expect(t, 1, "nothing was changed:")
	transfer(owner, "stranger@example.com", "--apply").expect(t, 2, "refused")
	transfer(owner, "owner@example.com", "--apply").expect(t, 2, "refused")
	transfer(environment(server), "member0@example.com", "--apply").expect(t, 1, "1 failed", "must be the owner")
	if emails := server.Outbox(); len(emails) > 0 {
		t.Errorf("emails %v", emails)
	}
	transfer(owner, "member0@example.com", "--apply").expect(t, 0, "1 offered the organization")
	if emails := server.Outbox(); len(emails) != 1 || emails[0].Kind != orguserstest.EmailOwnershipTransfer {
		t.Errorf("emails %v", emails)
	}
}
