package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/orgusers/orgusers/orguserstest"
)

// expectation is what the page must say, made from the fake itself and not by
// the program's code.
type expectation struct {
	totals map[string]string            // by the id of the element
	charts map[string]map[string]string // by caption and label
	rows   map[string][]string          // the cells of the table of users, by address; without what is to look at
}

func expect(users []orguserstest.User, at time.Time) expectation {
	charts := map[string]map[string]int{"Last seen": {}, "Pending invitations": {}, "Domains": {}, "MFA of members": {}, "MFA of administrators": {}}
	members, invited := map[string]int{"Owner": 0, "No role": 0}, map[string]int{} // by role
	emails := map[string]string{}
	for _, u := range users {
		emails[u.UID] = u.Email
	}
	totals := map[string]int{"total-users": len(users)}
	rows := map[string][]string{}
	for _, u := range users {
		admin := u.Owner || slices.ContainsFunc(u.RoleNames, func(name string) bool { return strings.EqualFold(name, "admin") })
		roles := slices.Clone(u.RoleNames)
		switch {
		case u.Owner:
			roles = append([]string{"Owner"}, roles...)
		case len(roles) == 0:
			roles = []string{"No role"}
		}
		_, domain, _ := strings.Cut(u.Email, "@")
		charts["Domains"][domain]++
		mfa, seen, status := "Not stated", "never", "Member"
		if u.MFA {
			mfa = "On"
		}
		if !u.LastLogin.IsZero() {
			seen = u.LastLogin.Format(time.DateOnly)
		}
		if u.Pending {
			totals["total-pending"]++
			charts["Pending invitations"][ageLabel(u.InvitedAt, at)]++
			for _, role := range roles {
				invited[role]++
			}
			status, mfa = "Pending since "+u.InvitedAt.Format(time.DateOnly), ""
			if seen == "never" {
				seen = ""
			}
		} else {
			totals["total-members"]++
			for _, role := range roles {
				members[role]++
			}
			charts["MFA of members"][mfa]++
			if admin {
				totals["total-administrators"]++
				charts["MFA of administrators"][mfa]++
			}
			if u.MFA {
				totals["total-mfa"]++
			}
			if u.LastLogin.IsZero() {
				charts["Last seen"]["Never"]++
			} else {
				charts["Last seen"][ageLabel(u.LastLogin, at)]++
			}
		}
		name, inviter := u.FirstName+" "+u.LastName, cmp.Or(u.InviterEmail, emails[u.InvitedBy])
		if u.UID == "" {
			name = ""
		}
		if u.InvitedBy == "System" {
			inviter = "System"
		}
		if roles[0] == "No role" {
			roles = nil
		}
		rows[u.Email] = []string{words(name), status, strings.Join(roles, ", "), mfa, seen, u.CreatedAt.Format(time.DateOnly), inviter}
	}
	e := expectation{totals: map[string]string{}, charts: map[string]map[string]string{"Roles": {}}, rows: rows}
	for id, n := range totals {
		e.totals[id] = fmt.Sprint(n)
	}
	for caption, counts := range charts {
		e.charts[caption] = map[string]string{}
		for label, n := range counts {
			e.charts[caption][label] = fmt.Sprint(n)
		}
	}
	for role, n := range members {
		e.charts["Roles"][role] = fmt.Sprint(n)
		if invited[role] > 0 {
			e.charts["Roles"][role] += fmt.Sprintf(" + %d", invited[role])
		}
	}
	return e
}

func ageLabel(t, now time.Time) string {
	switch days := daysAgo(t, now); {
	case days < 7:
		return "Less than 7 days"
	case days < 30:
		return "7 to 29 days"
	case days < 90:
		return "30 to 89 days"
	case days < 180:
		return "90 to 179 days"
	case days < 365:
		return "180 to 364 days"
	}
	return "365 days or more"
}

// words is a text with its white space as a page shows it.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }
