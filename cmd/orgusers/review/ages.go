package review

import (
	"fmt"
	"time"

	"github.com/orgusers/orgusers/examples/internal/lastseen"
)

// bounds part ages, in days. The first day of a bound belongs to what is older,
// as it does to -not-seen-for of the other programs.
var bounds = []int{7, 30, 90, 180, 365}

// ages are the counts between the bounds.
func ages() []Count {
	youngest, oldest := bounds[0], bounds[len(bounds)-1]
	counts := []Count{{Key: fmt.Sprintf("under_%d_days", youngest), Label: fmt.Sprintf("Less than %d days", youngest)}}
	for i, from := range bounds[:len(bounds)-1] {
		to := bounds[i+1] - 1
		counts = append(counts, Count{Key: fmt.Sprintf("%d_to_%d_days", from, to), Label: fmt.Sprintf("%d to %d days", from, to), From: from})
	}
	return append(counts, Count{Key: fmt.Sprintf("%d_days_or_more", oldest), Label: fmt.Sprintf("%d days or more", oldest), From: oldest})
}

// age is the number of bounds that a rule with so many days is met for.
func age(met func(*lastseen.Rule) bool) int {
	n := 0
	for n < len(bounds) && met(lastseen.Days(bounds[n])) {
		n++
	}
	return n
}

func (r *Report) countAges() {
	r.LastSeen = append(ages(), Count{Key: "never", Label: "Never"}, Count{Key: "unknown", Label: "Unknown"})
	r.Pending = append(ages(), Count{Key: "unknown", Label: "Unknown"})
	never, unknown := len(bounds)+1, len(bounds)+2
	for _, u := range r.Users {
		switch {
		case u.Pending() && u.PendingSince().IsZero():
			r.Pending[len(bounds)+1].Users++
		case u.Pending():
			r.Pending[age(func(rule *lastseen.Rule) bool { return rule.Invitation(u.from, r.TakenAt) })].Users++
		case !u.LastLoginAt.IsZero():
			r.LastSeen[age(func(rule *lastseen.Rule) bool { return rule.Member(u.from, r.TakenAt) })].Users++
		case r.LoginsTold:
			r.LastSeen[never].Users++
		default:
			r.LastSeen[unknown].Users++
		}
	}
}

// countMFA counts the members that it is asked for.
func (r *Report) countMFA(counts func(*User) bool) []Count {
	on, off, unknown := Count{Key: MFAOn, Label: "On"}, Count{Key: MFAOff, Label: "Off"}, Count{Key: "unknown", Label: "Not stated"}
	for _, u := range r.Users {
		if u.Pending() || !counts(u) {
			continue
		}
		switch u.MFA {
		case MFAOn:
			on.Users++
		case MFAOff:
			off.Users++
		default:
			unknown.Users++
		}
	}
	return []Count{on, off, unknown}
}

// PendingSince is when somebody was invited last.
func (u *User) PendingSince() time.Time {
	if u.InvitedAt.IsZero() {
		return u.CreatedAt
	}
	return u.InvitedAt
}
