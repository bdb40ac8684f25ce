// Package lastseen is the rule by which programs find who has not been seen
// for some days.
package lastseen

import (
	"flag"
	"fmt"
	"strconv"
	"time"

	"github.com/orgusers/orgusers"
)

// mostDays is a hundred years, before which nobody logged in anywhere.
const mostDays = 36500

// Rule is a number of days without a login. Zero, which is no rule, is met by
// everybody.
type Rule struct {
	days int
}

// Flag adds -not-seen-for to a program's flags. What is what it does to whom
// it finds: "remove members".
func Flag(flags *flag.FlagSet, what string) *Rule {
	r := new(Rule)
	flags.Func("not-seen-for", what+" whose last login is this many `days` ago or longer; without a known login the day when they were added counts; pending invitations are left out", func(value string) error {
		days, err := strconv.Atoi(value)
		if err != nil || days < 1 || days > mostDays {
			return fmt.Errorf("it is a number of days, 1 to %d", mostDays)
		}
		r.days = days
		return nil
	})
	return r
}

// Days makes the rule of so many days.
func Days(days int) *Rule { return &Rule{days: days} }

// IsSet tells whether there is a rule.
func (r *Rule) IsSet() bool { return r.days != 0 }

// Member tells whether a user is a member who was not seen for so long.
// Somebody who was added yesterday had no time to log in yet and is none; of
// whom nothing at all is known is one, to be looked at. An invitation that is
// pending says nothing about anybody's logins.
func (r *Rule) Member(u *orgusers.User, now time.Time) bool {
	return r.days == 0 || u.Status != orgusers.StatusPending && r.before(now, u.LastLoginAt, u.CreatedAt)
}

// Invitation tells whether a user is an invitation that has been pending for
// so long.
func (r *Rule) Invitation(u *orgusers.User, now time.Time) bool {
	return r.days == 0 || u.Status == orgusers.StatusPending && r.before(now, u.InvitedAt, u.CreatedAt)
}

// before tells whether a time, or where it is unknown another, was so many
// days ago.
func (r *Rule) before(now, t, otherwise time.Time) bool {
	if t.IsZero() {
		t = otherwise
	}
	return !t.After(now.AddDate(0, 0, -r.days))
}
