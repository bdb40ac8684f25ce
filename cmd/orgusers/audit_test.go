package main

import (
	"strings"
	"testing"
)

func TestAudit(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 2)
	runOn(t, server, "invitations", "withdraw", "--email", "pending@example.com", "--apply").expect(t, 0)
	runOn(t, server, "roles", "set", "--email", "member0@example.com", "--role", "admin", "--apply").expect(t, 0)
	all := runOn(t, server, "audit", "list", "--output", "csv")
	all.expect(t, 0, "Time,Event,Module,By,From,Uid\n", ",share,")
	lines := strings.Split(strings.TrimSpace(all.stdout), "\n")
	uid := lines[1][strings.LastIndex(lines[1], ",")+1:]
	if one := runOn(t, server, "audit", "list", "--limit", "1", "--by", "admin@example.com"); len(lines) < 3 || strings.Count(one.stdout, "\n") != 2 {
		t.Errorf("all entries:\n%s\none:\n%s", all.stdout, one.stdout)
	}
	if none := runOn(t, server, "audit", "list", "--until", "2001-01-01", "--output", "json"); !strings.Contains(none.stdout, `"entries": []`) {
		t.Errorf("entries before 2001:\n%s", none.stdout)
	}
	runOn(t, server, "audit", "get", uid).expect(t, 0, uid, "Request", "member0@example.com")
	runOn(t, server, "audit", "get", uid, "--output", "json").expect(t, 0, `"uid": "`+uid+`"`)
	runOn(t, server, "audit", "get", "blt1").expect(t, 1, "the service does not have it")
	runOn(t, server, "audit", "get").expect(t, 2, "want one UID as the argument, not 0")
	runOn(t, server, "audit", "list", "--since", "yesterday").expect(t, 2, `--since "yesterday": want a date`)
	runOn(t, server, "audit", "list", "--limit", "-1").expect(t, 2, "--limit -1")
	runOn(t, server, "audit", "list", "--by", "stranger@example.com").expect(t, 1, "stranger")
}
