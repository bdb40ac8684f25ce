package review

import "math"

// chart is a table that is shown as bars.
type chart struct {
	Title, Note string
	What        string // the header of the labels
	Bars        []bar
}

type bar struct {
	Label         string
	Administrator bool // of a role
	Users         int
	Plus          int  // pending users, shown as a number only
	Alert         bool // to look at
	Width         int  // in percent of the longest
}

// mostDomains is the number of domains with a bar of their own.
const mostDomains = 8

func charts(r *Report) []chart {
	noMFA := func(c Count) bool { return c.Key != MFAOn }
	seen := "Members, by the days since they were last seen."
	if !r.LoginsKnown {
		seen = "The server sent no last login."
	}
	mfa := "Multi-factor authentication. Treat “Unknown” as off: the server may send no state if MFA is off."
	if !r.MFAKnown {
		mfa = "The server sent no state of MFA."
	}
	all := []chart{
		{Title: "Last seen", Note: seen, What: "Last seen", Bars: countBars(r.LastSeen, atLeast(r.LastSeen, r.Policy.NotSeenFor))},
		{Title: "Pending invitations", Note: "By the days since the last invitation.", What: "Invited", Bars: countBars(r.Pending, atLeast(r.Pending, r.Policy.PendingFor))},
		{Title: "Roles", What: "Role", Bars: roleBars(r), Note: "Members + pending invitations. A user with two roles counts in both. Roles that come through a team count too."},
		{Title: "Domains", Note: "Of all addresses, including pending invitations.", What: "Domain", Bars: domainBars(r)},
		{Title: "MFA of members", Note: mfa, What: "MFA", Bars: countBars(r.MFA, noMFA)},
		{Title: "MFA of administrators", Note: "The owner and all members with an administrator role.", What: "MFA", Bars: countBars(r.AdministratorMFA, noMFA)},
	}
	for _, c := range all {
		setWidths(c.Bars)
	}
	return all
}

// atLeast returns a function that reports whether a group can have users of at least so
// many days.
func atLeast(counts []Count, days int) func(Count) bool {
	oldest := map[string]int{}
	for i, c := range counts {
		switch {
		case c.Key == "unknown":
		case i+1 < len(counts) && counts[i+1].From > 0:
			oldest[c.Key] = counts[i+1].From - 1
		default: // the oldest group, or never
			oldest[c.Key] = math.MaxInt
		}
	}
	return func(c Count) bool { return oldest[c.Key] >= days }
}

// setWidths makes the longest bar as wide as possible. Only zero has no width.
func setWidths(bars []bar) {
	most := 1
	for _, b := range bars {
		most = max(most, b.Users)
	}
	for i, b := range bars {
		if b.Users > 0 {
			bars[i].Width = max(1, 100*b.Users/most)
		}
	}
}

// countBars returns a bar for each group. Groups that rarely have users are left out if
// they have none.
func countBars(counts []Count, alert func(Count) bool) []bar {
	var bars []bar
	for _, c := range counts {
		if c.Users > 0 || c.Key != "unknown" && c.Key != MFAOff {
			bars = append(bars, bar{Label: c.Label, Users: c.Users, Alert: c.Users > 0 && alert(c)})
		}
	}
	return bars
}

func roleBars(r *Report) []bar {
	owner, none := bar{Label: "Owner"}, bar{Label: "No role"}
	for _, u := range r.Users {
		without := !u.Owner && len(u.Roles) == 0
		addIf(&owner.Users, u.Owner)
		addIf(&none.Users, without && !u.Pending())
		addIf(&none.Plus, without && u.Pending())
	}
	bars := []bar{owner}
	for _, role := range r.Roles {
		bars = append(bars, bar{Label: role.Name, Administrator: role.Administrator, Users: role.Members, Plus: role.Pending})
	}
	none.Alert = none.Users+none.Plus > 0
	return append(bars, none)
}

func domainBars(r *Report) []bar {
	var bars []bar
	for i, d := range r.Domains {
		if i > mostDomains {
			others := &bars[mostDomains]
			others.Users += d.Users
			others.Alert = others.Alert || d.Other
			continue
		}
		bars = append(bars, bar{Label: d.Name, Users: d.Users, Alert: d.Other})
		if i == mostDomains {
			bars[i].Label = "All others"
		}
	}
	return bars
}
