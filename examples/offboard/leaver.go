package main

import (
	"cmp"
	"strings"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/outcomes"
)

// leaver is an address to remove, and who that was before.
type leaver struct {
	Email     string    `json:"email"`
	Name      string    `json:"name"`
	Roles     []string  `json:"roles"`
	Pending   bool      `json:"pending"`
	Added     time.Time `json:"added,omitzero"`
	LastLogin time.Time `json:"last_login,omitzero"`
	outcomes.Outcome

	known bool // in the organization
}

// Cells are what the table says of a leaver.
func (l *leaver) Cells() []string {
	if !l.known {
		return []string{l.Email, "", "", "", ""}
	}
	seen := date(l.LastLogin)
	if l.Pending {
		seen = "pending"
	}
	return []string{l.Email, l.Name, strings.Join(l.Roles, "; "), date(l.Added), seen}
}

func date(t time.Time) string {
	if t.IsZero() {
		return "none known"
	}
	return t.UTC().Format(time.DateOnly)
}

// report says of each address who that is, as they were before.
func (p *people) report(dryRun bool, result *orgusers.BulkResult) *outcomes.Report {
	report := outcomes.New(dryRun, "EMAIL", "NAME", "ROLES", "ADDED", "LAST LOGIN")
	report.IfUnknown = "run it again in a minute: it looks first who is still there"
	for _, o := range result.Outcomes {
		l := p.describe(o.Email)
		l.Outcome = report.Outcome(o, "removed")
		report.Add(l)
	}
	return report
}

// describe is whom an address belongs to.
func (p *people) describe(email string) *leaver {
	l := &leaver{Email: email, Roles: []string{}}
	u := p.users[strings.ToLower(email)]
	if u == nil {
		return l
	}
	l.known = true
	l.Name = strings.TrimSpace(u.FirstName + " " + u.LastName)
	l.Pending = u.Status == orgusers.StatusPending
	l.Added, l.LastLogin = u.CreatedAt, u.LastLoginAt
	if u.Owner {
		l.Roles = append(l.Roles, "owner")
	}
	for _, role := range u.Roles {
		l.Roles = append(l.Roles, cmp.Or(role.Name, role.UID))
	}
	return l
}
