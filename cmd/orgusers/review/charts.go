package page

import (
	"math"

	"github.com/orgusers/orgusers/examples/accessreview/internal/review"
)

// chart is a table that is shown as bars.
type chart struct {
	Title, Note string
	What        string // the header of the labels
	Bars        []bar
}

type bar struct {
	Label string
	Users int
	Plus  int    // users who are shown as a number alone
	Alert bool   // something to look at
	Mark  string // behind the label
	Width int    // in percent of the longest
}

// mostDomains is how many domains have a bar of their own.
const mostDomains = 8

func charts(r *review.Report) []chart {
	noMFA := func(c review.Count) bool { return c.Key != review.MFAOn }
	seen, mfa := "Members, by how long ago their last login was.", "Multi-factor authentication. The server may say nothing where it is off: take “not stated” for off until somebody knows better."
	if !r.LoginsTold {
		seen = "The server says of nobody when they logged in."
	}
	if !r.MFATold {
		mfa = "The server says of nobody whether they have multi-factor authentication."
	}
	all := []chart{
		{Title: "Last seen", Note: seen, What: "Days since the last login", Bars: bars(r.LastSeen, aged(r.LastSeen, r.Policy.NotSeenFor))},
		{Title: "Pending invitations", Note: "By the day of the invitation.", What: "Days since the invitation", Bars: bars(r.Pending, aged(r.Pending, r.Policy.PendingFor))},
		{
			Title: "Roles", What: "Role", Bars: roles(r),
			Note: "Members, and pending invitations behind the plus. Whoever has several roles counts in each, so the sum can be more than everybody.",
		},
		{Title: "Domains", Note: "Of all addresses, pending invitations included.", What: "Domain", Bars: domains(r)},
		{Title: "MFA of members", Note: mfa, What: "MFA", Bars: bars(r.MFA, noMFA)},
		{Title: "MFA of administrators", Note: "The owner and the members with a role that administers.", What: "MFA", Bars: bars(r.AdministratorMFA, noMFA)},
	}
	for _, c := range all {
		scale(c.Bars)
	}
	return all
}

// aged tells which counts have somebody who may be as old as a rule asks, in
// days: all of a count need not be, where the days are not one of its bounds.
func aged(counts []review.Count, days int) func(review.Count) bool {
	oldest := map[string]int{}
	for i, c := range counts {
		switch {
		case c.Key == "unknown":
		case i+1 < len(counts) && counts[i+1].From > 0:
			oldest[c.Key] = counts[i+1].From - 1
		default: // without end, or never
			oldest[c.Key] = math.MaxInt
		}
	}
	return func(c review.Count) bool { return oldest[c.Key] >= days }
}

// scale makes the longest bar as wide as there is room. Only nothing is not
// seen.
func scale(bars []bar) {
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

// bars shows counts, but not how many there are of what did not turn up and
// need not.
func bars(counts []review.Count, alert func(review.Count) bool) []bar {
	var bars []bar
	for _, count := range counts {
		if count.Users == 0 && (count.Key == "unknown" || count.Key == review.MFAOff) {
			continue
		}
		bars = append(bars, bar{Label: count.Label, Users: count.Users, Alert: count.Users > 0 && alert(count)})
	}
	return bars
}

func roles(r *review.Report) []bar {
	owner, none := bar{Label: "Owner"}, bar{Label: "No role"}
	for _, u := range r.Users {
		switch {
		case u.Owner:
			owner.Users++
		case len(u.Roles) > 0:
		case u.Pending():
			none.Plus++
		default:
			none.Users++
		}
	}
	bars := []bar{owner}
	for _, role := range r.Roles {
		b := bar{Label: role.Name, Users: role.Members, Plus: role.Pending}
		if role.Administrator {
			b.Mark = "administers"
		}
		bars = append(bars, b)
	}
	none.Alert = none.Users+none.Plus > 0
	return append(bars, none)
}

func domains(r *review.Report) []bar {
	var bars []bar
	for i, d := range r.Domains {
		switch {
		case i < mostDomains:
			bars = append(bars, bar{Label: d.Name, Users: d.Users, Alert: d.Foreign})
		case i == mostDomains:
			bars = append(bars, bar{Label: "All others", Users: d.Users, Alert: d.Foreign})
		default:
			others := &bars[mostDomains]
			others.Users += d.Users
			others.Alert = others.Alert || d.Foreign
		}
	}
	return bars
}
