package main

import (
	"testing"
	"time"

	"github.com/orgusers/orgusers"
)

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 12, 0, 0, 0, time.UTC)
}

func TestNotSeenFor(t *testing.T) {
	t.Parallel()
	now := date(2026, 6, 30)
	keep, err := (&request{notSeenFor: 30}).filter(now)
	if err != nil {
		t.Fatal(err)
	}
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	for name, test := range map[string]struct {
		user orgusers.User
		want bool
	}{
		"seen yesterday":                 {orgusers.User{LastLoginAt: ago(1), CreatedAt: ago(500)}, false},
		"seen 29 days ago":               {orgusers.User{LastLoginAt: ago(29), CreatedAt: ago(500)}, false},
		"seen 30 days ago":               {orgusers.User{LastLoginAt: ago(30), CreatedAt: ago(500)}, true},
		"seen a year ago":                {orgusers.User{LastLoginAt: ago(365), CreatedAt: ago(500)}, true},
		"never seen, added yesterday":    {orgusers.User{CreatedAt: ago(1)}, false},
		"never seen, added a year ago":   {orgusers.User{CreatedAt: ago(365)}, true},
		"never seen, added nobody knows": {orgusers.User{}, true},
		"pending for a year":             {orgusers.User{Status: orgusers.StatusPending, CreatedAt: ago(365)}, false},
	} {
		if got := keep(&test.user); got != test.want {
			t.Errorf("%s: kept %v, want %v", name, got, test.want)
		}
	}
}
