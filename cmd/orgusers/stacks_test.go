package main

import (
	"testing"
)

func TestStacks(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 2)
	key := server.Stacks()[0].APIKey
	runOn(t, server, "stacks", "list").expect(t, 0, "Website", key)
	runOn(t, server, "stacks", "list", "--search", "mobile", "--output", "csv").expect(t, 0, "Name,API key,Users,Owner,Created\nMobile App,")

	grant := []string{"stacks", "grant", "--stack", "WEBSITE", "--role", "developer", "--email", "member0@example.com", "--output", "json"}
	if got := runOn(t, server, grant...).statuses(t)["member0@example.com"]; got != "planned" {
		t.Errorf("outcome %q", got)
	}
	expectUntouched(t, server)
	runOn(t, server, append(grant, "--apply")...).expect(t, 0, `stack "Website" (`+key+`)`, "orgusers: 1 granted")
	runOn(t, server, "stacks", "access", "--stack", key).expect(t, 0, "member0@example.com", "Developer", "=cmd\uFFFD[2J\uFFFD\uFFFD1m Next")
	runOn(t, server, "stacks", "access", "--stack", key, "--output", "json").expect(t, 0, `"email": "member0@example.com"`, `"Developer"`, `\u001b[2J\u202e\u009b1m\nNext & \"<b>`)
	runOn(t, server, "stacks", "access", "--stack", key, "--output", "csv").expect(t, 0, `member0@example.com,"'=cmd`)

	runOn(t, server, "stacks", "revoke", "--stack", key, "--email", "member0@example.com", "--apply").expect(t, 0, "member0@example.com  revoked")
	if result := runOn(t, server, "stacks", "access", "--stack", key); len(result.stdout) > 100 {
		t.Errorf("there is still access:\n%s", result.stdout)
	}
}

func TestUnknownStack(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 1)
	runOn(t, server, "stacks", "revoke", "--stack", "Shop", "--email", "member0@example.com", "--apply").
		expect(t, 2, `nothing was changed: there is no stack "Shop"; there are "Website", "Mobile App"`)
	runOn(t, server, "stacks", "access").expect(t, 2, `required flag(s) "stack" not set`)
}
