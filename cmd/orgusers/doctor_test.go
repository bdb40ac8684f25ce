package main

import (
	"strings"
	"testing"

	"github.com/orgusers/orgusers/orguserstest"
)

func TestDoctor(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 2)
	result := runOn(t, server, "doctor")
	result.expect(t, 0, "may administer: admin", "5 users, with invitations", "0 teams", "plan: users", "headers: StackRoles ", "none: GetCurrentUser, ListUsers", server.URL+" responds")
	expectUntouched(t, server)
	document := runOn(t, server, "doctor", "--output", "json").document(t)
	if checks, _ := document["checks"].([]any); len(checks) < 10 || document["organization"] != server.OrganizationUID {
		t.Errorf("document %v", document)
	}
	member := append(environment(server), "CONTENTSTACK_AUTHTOKEN="+server.SignIn("member0@example.com"))
	run(t, command(t, member, "doctor")).expect(t, 1, `may not administer: the roles are ["member"]`, "users", "failed", "checks failed")
	for variable, says := range map[string]string{
		"CONTENTSTACK_BASE_URL=http://127.0.0.1:1":                       "cannot be reached",
		"CONTENTSTACK_AUTHTOKEN=blt1":                                    "the service rejected the token",
		"CONTENTSTACK_ORGANIZATION_UID=" + server.ForeignOrganizationUID: "organization  failed",
		"CONTENTSTACK_ORGANIZATION_UID=":                                 "none: give --org UID",
	} {
		run(t, command(t, append(environment(server), variable), "doctor")).expect(t, 1, says, "failed")
	}
}

func TestDoctorNamesTheProxy(t *testing.T) {
	t.Parallel()
	environment := []string{"CONTENTSTACK_AUTHTOKEN=blt1", "CONTENTSTACK_ORGANIZATION_UID=blt2", "HTTPS_PROXY=http://user:secret@127.0.0.1:1"}
	result := run(t, command(t, environment, "doctor"))
	result.expect(t, 1, "requests go through 127.0.0.1:1\n")
	if strings.Contains(result.stdout+result.stderr, "secret") {
		t.Errorf("it shows the password of the proxy:\n%s\n%s", result.stdout, result.stderr)
	}
}

func TestContractHasNoValues(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 3, orguserstest.WithTeams(orguserstest.Team{Name: "Editors", Members: []string{"member0@example.com"}}))
	server.AddFault(orguserstest.Fault{Path: "/v3/organizations/{organization_uid}/roles", Effect: orguserstest.Status(200).WithBody(
		`{"roles":[{"uid":"blt77","ada@example.com":"x","users":[1,"a",null,{"name":"Ada"}]},{"uid":null}]}`)})
	server.AddFault(orguserstest.Fault{Path: "/v3/organizations/{organization_uid}/stacks", Effect: orguserstest.HTML(403)})
	result := runOn(t, server, "doctor", "--contract")
	result.expect(t, 0, `"include_invited_by"`[1:10], `"user_uid": "string"`, `"(other keys)": 1`, "teams: users of a team", `"x-request-id"`, `"body": "not JSON"`, `"more_than_100_rows": false`)
	expectUntouched(t, server)
	for _, user := range server.Users() {
		for _, value := range []string{user.Email, user.UID, user.FirstName, user.LastName} {
			if value != "" && strings.Contains(result.stdout, value) {
				t.Errorf("the document has %q", value)
			}
		}
	}
	for _, value := range append(server.Secrets(), server.OrganizationUID, "ada@", "Ada", "blt", server.URL) {
		if strings.Contains(result.stdout, value) {
			t.Errorf("the document has %q", value)
		}
	}
	var roles map[string]any
	for _, r := range result.document(t)["responses"].([]any) {
		if response := r.(map[string]any); response["point"] == "roles" {
			roles = response["body"].(map[string]any)["roles"].([]any)[0].(map[string]any)
		}
	}
	if one, _ := roles["uid"].(map[string]any); one == nil || roles["users?"] == nil {
		t.Errorf("roles are %v", roles)
	}
}
