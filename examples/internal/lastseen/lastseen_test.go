package lastseen

import (
	"flag"
	"io"
	"testing"
	"time"

	"github.com/orgusers/orgusers"
)

func TestRule(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.June, 30, 12, 0, 0, 0, time.UTC)
	rule := &Rule{days: 30}
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	for name, test := range map[string]struct {
		user               orgusers.User
		member, invitation bool
	}{
		"seen yesterday":                 {orgusers.User{LastLoginAt: ago(1), CreatedAt: ago(500)}, false, false},
		"seen 29 days ago":               {orgusers.User{LastLoginAt: ago(29), CreatedAt: ago(500)}, false, false},
		"seen 30 days ago":               {orgusers.User{LastLoginAt: ago(30), CreatedAt: ago(500)}, true, false},
		"seen a year ago":                {orgusers.User{LastLoginAt: ago(365), CreatedAt: ago(500)}, true, false},
		"never seen, added yesterday":    {orgusers.User{CreatedAt: ago(1)}, false, false},
		"never seen, added a year ago":   {orgusers.User{CreatedAt: ago(365)}, true, false},
		"never seen, added nobody knows": {orgusers.User{}, true, false},
		"pending for a year":             {orgusers.User{Status: orgusers.StatusPending, InvitedAt: ago(365), CreatedAt: ago(365)}, false, true},
		"invited again yesterday":        {orgusers.User{Status: orgusers.StatusPending, InvitedAt: ago(1), CreatedAt: ago(365)}, false, false},
		"pending since nobody knows":     {orgusers.User{Status: orgusers.StatusPending, CreatedAt: ago(365)}, false, true},
	} {
		if got := rule.Member(&test.user, now); got != test.member {
			t.Errorf("%s: Member is %v, want %v", name, got, test.member)
		}
		if got := rule.Invitation(&test.user, now); got != test.invitation {
			t.Errorf("%s: Invitation is %v, want %v", name, got, test.invitation)
		}
		if none := new(Rule); !none.Member(&test.user, now) || !none.Invitation(&test.user, now) {
			t.Errorf("%s: left out although there is no rule", name)
		}
	}
}

func TestDays(t *testing.T) {
	t.Parallel()
	for days, fine := range map[string]bool{"-1": false, "0": false, "1": true, "36500": true, "36501": false, "106752": false, "99999999999999999999": false, "1.5": false, "": false} {
		flags := flag.NewFlagSet("offboard", flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		rule := Flag(flags, "remove members")
		err := flags.Parse([]string{"-not-seen-for", days})
		if (err == nil) != fine || rule.IsSet() != fine {
			t.Errorf("%s days: %v", days, err)
		}
	}
}
