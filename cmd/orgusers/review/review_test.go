package review_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/accessreview/internal/review"
)

var update = flag.Bool("update", false, "write the golden files anew")

var now = time.Date(2026, time.June, 30, 12, 0, 0, 0, time.UTC)

func ago(days int) time.Time { return now.AddDate(0, 0, -days) }

var (
	admin  = orgusers.RoleRef{UID: "role-admin", Name: "Admin"}
	member = orgusers.RoleRef{UID: "role-member", Name: "Member"}
)

// source is an organization of these users with three roles, of which one
// administers though its name does not say so.
func source(users ...orgusers.User) *review.Source {
	s := &review.Source{
		Organization: &orgusers.Organization{UID: "org", Name: "Example", OwnerUID: "user-owner", Enabled: true, TransferPending: true, ExpiresOn: ago(-400)},
		API:          "https://api.contentstack.io",
		TakenAt:      now,
		ReadingEnded: now.Add(90 * time.Second),
		ServerCount:  len(users),
		MadeBy:       "accessreview v1.2.3",
		MadeUp:       true,
		TakenBy:      &orgusers.CurrentUser{UID: "user-me", Email: "me@example.com", FirstName: "Mia", LastName: "Me"},
		Roles:        []*orgusers.Role{{UID: "role-admin", Name: "admin"}, {UID: "role-member", Name: "Member"}, {UID: "role-boss", Name: "Boss", Admin: true}},
	}
	for i := range users {
		u := &users[i]
		if u.ShareUID == "" {
			u.ShareUID = fmt.Sprintf("share-%d", i)
		}
		s.Users = append(s.Users, u)
	}
	return s
}

// fine is a member whom no rule points out.
func fine(email string) orgusers.User {
	return orgusers.User{
		UID: "user-" + email, Email: email, Status: orgusers.StatusAccepted, Roles: []orgusers.RoleRef{member},
		MFA: orgusers.MFAVerified, CreatedAt: ago(500), InvitedAt: ago(500), LastLoginAt: ago(1),
	}
}

// but is a fine member with something else about them.
func but(email string, change func(*orgusers.User)) orgusers.User {
	u := fine(email)
	change(&u)
	return u
}

func invited(days int) func(*orgusers.User) {
	return func(u *orgusers.User) {
		u.Status, u.LastLoginAt, u.CreatedAt, u.InvitedAt = orgusers.StatusPending, time.Time{}, ago(days), ago(days)
	}
}

func named(first, last string) func(*orgusers.User) {
	return func(u *orgusers.User) { u.FirstName, u.LastName = first, last }
}

func administering(change func(*orgusers.User)) func(*orgusers.User) {
	return func(u *orgusers.User) {
		u.Roles = []orgusers.RoleRef{admin}
		change(u)
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	type users = []orgusers.User
	withDomains := review.DefaultPolicy()
	withDomains.Domains = []string{"Example.com"}
	strict := review.DefaultPolicy()
	strict.NotSeenFor, strict.PendingFor = 10, 5
	privileged := review.DefaultPolicy()
	privileged.PrivilegedRoles = []string{"MEMBER", "odd"}
	none := func(*orgusers.User) {}
	for name, test := range map[string]struct {
		users  users
		policy *review.Policy
		want   []string // rule, address and remark
	}{
		"nobody":                      {nil, nil, nil},
		"a fine member":               {users{fine("a@x")}, nil, nil},
		"admin with MFA":              {users{but("a@x", administering(none))}, nil, nil},
		"admin, MFA not stated":       {users{but("a@x", administering(func(u *orgusers.User) { u.MFA = "" }))}, nil, []string{"administrator_without_mfa a@x: MFA not stated"}},
		"admin, MFA off":              {users{but("a@x", administering(func(u *orgusers.User) { u.MFA = "disabled" }))}, nil, []string{"administrator_without_mfa a@x: MFA is off"}},
		"member without MFA":          {users{but("a@x", func(u *orgusers.User) { u.MFA = "" })}, nil, nil},
		"owner by flag, without MFA":  {users{but("a@x", func(u *orgusers.User) { u.MFA, u.Owner, u.Roles = "", true, nil })}, nil, []string{"administrator_without_mfa a@x: MFA not stated"}},
		"owner by uid, without MFA":   {users{but("a@x", func(u *orgusers.User) { u.MFA, u.UID, u.Roles = "", "user-owner", nil })}, nil, []string{"administrator_without_mfa a@x: MFA not stated"}},
		"admin by what the role says": {users{but("a@x", func(u *orgusers.User) { u.MFA, u.Roles = "", []orgusers.RoleRef{{UID: "role-boss"}} })}, nil, []string{"administrator_without_mfa a@x: MFA not stated"}},
		"admin by an unlisted role":   {users{but("a@x", func(u *orgusers.User) { u.MFA, u.Roles = "", []orgusers.RoleRef{{UID: "other", Name: "ADMIN"}} })}, nil, []string{"administrator_without_mfa a@x: MFA not stated"}},

		"admin by the policy": {users{but("a@x", func(u *orgusers.User) { u.MFA = "" }), but("b@x", func(u *orgusers.User) { u.MFA, u.Roles = "", []orgusers.RoleRef{{UID: "Odd", Name: "Odd one"}} })}, &privileged, []string{
			"administrator_without_mfa a@x: MFA not stated", "administrator_without_mfa b@x: MFA not stated",
		}},

		"admin seen 89 days ago": {users{but("a@x", administering(func(u *orgusers.User) { u.LastLoginAt = ago(89) }))}, nil, nil},
		"admin seen 90 days ago": {users{but("a@x", administering(func(u *orgusers.User) { u.LastLoginAt = ago(90) }))}, nil, []string{"administrator_not_seen a@x: last seen 2026-04-01"}},
		"admin never seen": {users{fine("b@x"), but("a@x", administering(func(u *orgusers.User) { u.LastLoginAt = time.Time{} }))}, nil, []string{
			"administrator_not_seen a@x: never logged in, added 2025-02-15", "never_logged_in a@x: added 2025-02-15",
		}},
		"new admin never seen": {users{fine("b@x"), but("a@x", administering(func(u *orgusers.User) { u.LastLoginAt, u.CreatedAt = time.Time{}, ago(3) }))}, nil, nil},
		"the longest away come first": {users{
			but("a@x", func(u *orgusers.User) { u.LastLoginAt = ago(400) }),
			but("b@x", func(u *orgusers.User) { u.LastLoginAt = ago(450) }),
		}, nil, []string{"not_seen b@x: last seen 2025-04-06", "not_seen a@x: last seen 2025-05-26"}},

		"member seen 364 days ago":    {users{but("a@x", func(u *orgusers.User) { u.LastLoginAt = ago(364) })}, nil, nil},
		"member seen 365 days ago":    {users{but("a@x", func(u *orgusers.User) { u.LastLoginAt = ago(365) })}, nil, []string{"not_seen a@x: last seen 2025-06-30"}},
		"member seen 9 days ago":      {users{but("a@x", func(u *orgusers.User) { u.LastLoginAt = ago(9) })}, &strict, nil},
		"member seen 10 days ago":     {users{but("a@x", func(u *orgusers.User) { u.LastLoginAt = ago(10) })}, &strict, []string{"not_seen a@x: last seen 2026-06-20"}},
		"never seen, added yesterday": {users{fine("b@x"), but("a@x", func(u *orgusers.User) { u.LastLoginAt, u.CreatedAt = time.Time{}, ago(1) })}, nil, nil},
		"never seen, added 30 days ago": {users{fine("b@x"), but("a@x", func(u *orgusers.User) { u.LastLoginAt, u.CreatedAt = time.Time{}, ago(30) })}, nil, []string{
			"never_logged_in a@x: added 2026-05-31",
		}},
		"never seen, added nobody knows when": {users{fine("b@x"), but("a@x", func(u *orgusers.User) { u.LastLoginAt, u.CreatedAt = time.Time{}, time.Time{} })}, nil, []string{
			"never_logged_in a@x: added nobody knows when",
		}},
		"a server that tells no logins": {users{but("a@x", func(u *orgusers.User) { u.LastLoginAt = time.Time{} })}, nil, []string{
			"administrator_not_seen cannot be told", "not_seen cannot be told", "never_logged_in cannot be told",
		}},

		"without SSO":        {users{but("a@x", func(u *orgusers.User) { u.AccessWithoutSSO = true })}, nil, []string{"access_without_sso a@x: may log in without SSO"}},
		"without a role":     {users{but("a@x", func(u *orgusers.User) { u.Roles = nil })}, nil, []string{"without_role a@x: has no organization role"}},
		"the owner needs no": {users{but("a@x", func(u *orgusers.User) { u.Roles, u.Owner = nil, true })}, nil, nil},

		"invited 29 days ago":     {users{fine("b@x"), but("a@x", invited(29))}, nil, nil},
		"invited 30 days ago":     {users{fine("b@x"), but("a@x", invited(30))}, nil, []string{"old_invitation a@x: pending since 2026-05-31"}},
		"invited 4 days ago":      {users{fine("b@x"), but("a@x", invited(4))}, &strict, nil},
		"invited 5 days ago":      {users{fine("b@x"), but("a@x", invited(5))}, &strict, []string{"old_invitation a@x: pending since 2026-06-25"}},
		"invited again yesterday": {users{fine("b@x"), but("a@x", func(u *orgusers.User) { invited(99)(u); u.InvitedAt = ago(1) })}, nil, nil},
		"admin invited":           {users{fine("b@x"), but("a@x", administering(invited(2)))}, nil, []string{"administrator_pending a@x: pending since 2026-06-28"}},
		"invited by somebody who is there": {users{fine("b@x"), but("a@x", func(u *orgusers.User) {
			invited(2)(u)
			u.InvitedBy = orgusers.Inviter{UID: "user-b@x"}
		})}, nil, nil},
		"invited by an address that is there": {users{fine("b@x"), but("a@x", func(u *orgusers.User) {
			invited(2)(u)
			u.InvitedBy = orgusers.Inviter{Email: "B@X"}
		})}, nil, nil},
		"invited by the service": {users{fine("b@x"), but("a@x", func(u *orgusers.User) {
			invited(2)(u)
			u.InvitedBy = orgusers.Inviter{UID: "System"}
		})}, nil, nil},
		"invited by somebody who left": {users{fine("b@x"), but("a@x", func(u *orgusers.User) {
			invited(2)(u)
			u.InvitedBy = orgusers.Inviter{UID: "user-gone", Email: "gone@x"}
		})}, nil, []string{"inviter_gone a@x: invited by gone@x"}},
		"member of somebody who left": {users{but("a@x", func(u *orgusers.User) { u.InvitedBy = orgusers.Inviter{UID: "user-gone"} })}, nil, nil},

		"own domains":           {users{fine("a@example.com"), fine("b@EXAMPLE.com"), fine("c@sub.example.com")}, &withDomains, []string{"other_domain c@sub.example.com: sub.example.com"}},
		"a rare domain":         {users{fine("a@x"), fine("b@x"), fine("c@y")}, nil, []string{"other_domain c@y: y"}},
		"nothing but rare ones": {users{fine("a@x"), fine("b@y"), fine("c@z")}, nil, nil},

		"same mailbox": {users{fine("Ada@x"), fine("ada+test@X"), fine("adam@x")}, nil, []string{"same_mailbox ada+test@X: also Ada@x", "same_mailbox Ada@x: also ada+test@X"}},
		"same mailbox, many": {users{fine("a@x"), fine("a+1@x"), fine("a+2@x"), fine("a+3@x"), fine("a+4@x")}, nil, []string{
			"same_mailbox a+1@x: also a+2@x, a+3@x, a+4@x and 1 more", "same_mailbox a+2@x: also a+1@x, a+3@x, a+4@x and 1 more",
			"same_mailbox a+3@x: also a+1@x, a+2@x, a+4@x and 1 more", "same_mailbox a+4@x: also a+1@x, a+2@x, a+3@x and 1 more",
			"same_mailbox a@x: also a+1@x, a+2@x, a+3@x and 1 more",
		}},
		"same name, same domain": {users{but("a@x", named("Ada", "King")), but("b@x", named("Ada", "King"))}, nil, nil},
		"same name, other domain": {users{but("a@x", named("Ada", "King")), but("b@x", named(" ada ", "KING")), but("c@y", named("Ada", "King")), fine("d@y")}, nil, []string{
			"same_name a@x: also c@y", "same_name b@x: also c@y", "same_name c@y: also a@x",
		}},
		"half a name":         {users{but("a@x", named("Cher", "")), but("b@y", named("Cher", "")), fine("c@x"), fine("d@y")}, nil, nil},
		"a name of nobody's":  {users{but("a@x", named("a", "N/A")), but("b@y", func(u *orgusers.User) { named("a", "N/A")(u); invited(1)(u); u.UID = "" }), fine("c@x"), fine("d@y")}, nil, nil},
		"a Cyrillic address":  {users{fine("раypal@x")}, nil, []string{"misleading_characters раypal@x: U+0440 in the address"}},
		"a blank in address":  {users{fine("a\u00a0b@x")}, nil, []string{"misleading_characters a\u00a0b@x: U+00A0 in the address"}},
		"a name turned round": {users{but("a@x", named("\u202egnik", "ada"))}, nil, []string{"misleading_characters a@x: U+202E in the name"}},
		"a name not seen":     {users{but("a@x", named("Ada", "\u3164"))}, nil, []string{"misleading_characters a@x: U+3164 in the name"}},
		"a name in two lines": {users{but("a@x", named("Ada\nB.", "King"))}, nil, []string{"misleading_characters a@x: U+000A in the name"}},
		"a name in lines": {users{but("a@x", named("Ada", "K\u2028ing")), but("b@x", named("Ada", "K\u2029ong"))}, nil, []string{
			"misleading_characters a@x: U+2028 in the name", "misleading_characters b@x: U+2029 in the name",
		}},
		"joiners that join nothing": {users{but("a@x", named("A\u200cda", "")), but("b@x", named("\u200dBo", "")), but("c@x", named("Ада\u200d", "")), but("d@x", named("👩\u200c💻", ""))}, nil, []string{
			"misleading_characters a@x: U+200C in the name", "misleading_characters b@x: U+200D in the name",
			"misleading_characters c@x: U+200D in the name", "misleading_characters d@x: U+200C in the name",
		}},
		"a word of two alphabets": {users{but("a@x", named("Pаul", "King")), but("b@x", named("Ada", "Κing")), but("c@x", named("Иiна", "")), but("d@x", named("a\u0301р", ""))}, nil, []string{
			"misleading_characters a@x: U+0430 among Latin letters in the name", "misleading_characters b@x: U+039A among Latin letters in the name",
			"misleading_characters c@x: U+0418 among Latin letters in the name", "misleading_characters d@x: U+0440 among Latin letters in the name",
		}},
		"marks upon marks": {users{but("a@x", named("Z"+strings.Repeat("\u0301", 4), "")), but("b@x", named("Z"+strings.Repeat("\u0301", 5), "")), but("c@x", named("Z"+strings.Repeat("\u20dd", 5), ""))}, nil, []string{
			"misleading_characters b@x: more than 4 marks on a letter of the name", "misleading_characters c@x: more than 4 marks on a letter of the name",
		}},
		"names of several alphabets": {users{
			but("a@x", named("Ирина", "King")), but("b@x", named("Jean-Πέτρος", "Doe")), but("c@x", named("Anna (Анна)", "")), but("d@x", named("ශ්\u200dරී", "ක්\u200dෂ")),
			but("e@x", named("👩🏽\u200d💻", "🏳️\u200d🌈")), but("f@x", named("Nguyễn", "Đặng")), but("g@x", named("नेपाल\u200cी", "")),
		}, nil, nil},
		"names of the world": {users{but("a@x", named("محمد", "علي")), but("b@x", named("می\u200cخواهم", "👩\u200d💻")), but("c@x", named("José", "Żółć"))}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			policy := review.DefaultPolicy()
			if test.policy != nil {
				policy = *test.policy
			}
			report := review.New(source(test.users...), policy)
			var got []string
			marked := map[string][]string{}
			for _, finding := range report.Findings {
				if finding.CannotTell {
					got = append(got, finding.Rule+" cannot be told")
				}
				for _, found := range finding.Users {
					got = append(got, finding.Rule+" "+found.Email+": "+found.Remark)
					marked[found.Email] = append(marked[found.Email], finding.Rule)
				}
			}
			// A server that tells nobody's login is a case of its own.
			if !report.LoginsTold && len(test.want) == 0 {
				got = slices.DeleteFunc(got, func(s string) bool { return strings.HasSuffix(s, " cannot be told") })
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
			for _, u := range report.Users {
				if !slices.Equal(u.Findings, marked[u.Email]) {
					t.Errorf("%s is marked with %q, want %q", u.Email, u.Findings, marked[u.Email])
				}
			}
			if report.Totals.WithFindings != len(marked) {
				t.Errorf("%d users with findings, want %d", report.Totals.WithFindings, len(marked))
			}
		})
	}
}

func TestAges(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		days int
		want string
	}{
		{-1, "under_7_days"}, // the clocks differ
		{0, "under_7_days"},
		{6, "under_7_days"},
		{7, "7_to_29_days"},
		{29, "7_to_29_days"},
		{30, "30_to_89_days"},
		{89, "30_to_89_days"},
		{90, "90_to_179_days"},
		{180, "180_to_364_days"},
		{364, "180_to_364_days"},
		{365, "365_days_or_more"},
		{9999, "365_days_or_more"},
	} {
		report := review.New(source(
			but("a@x", func(u *orgusers.User) { u.LastLoginAt = ago(test.days) }),
			but("b@x", invited(test.days)),
		), review.DefaultPolicy())
		for what, counts := range map[string][]review.Count{"seen": report.LastSeen, "pending": report.Pending} {
			if got := counted(counts); len(got) != 1 || got[test.want] != 1 {
				t.Errorf("%s %d days ago counts as %v, want %s", what, test.days, got, test.want)
			}
		}
	}
}

// counted are the counts that are not zero.
func counted(counts []review.Count) map[string]int {
	result := map[string]int{}
	for _, count := range counts {
		if count.Users > 0 {
			result[count.Key] = count.Users
		}
	}
	return result
}

func TestWhatIsNotTold(t *testing.T) {
	t.Parallel()
	silent := but("a@x", func(u *orgusers.User) { u.MFA, u.LastLoginAt = "", time.Time{} })
	undated := but("b@x", func(u *orgusers.User) { invited(1)(u); u.InvitedAt, u.CreatedAt, u.MFA = time.Time{}, time.Time{}, "" })
	for name, test := range map[string]struct {
		others []orgusers.User
		seen   map[string]int
		told   bool
	}{
		"of nobody":   {nil, map[string]int{"unknown": 1}, false},
		"of somebody": {[]orgusers.User{fine("c@x")}, map[string]int{"never": 1, "under_7_days": 1}, true},
	} {
		report := review.New(source(append(test.others, silent, undated)...), review.DefaultPolicy())
		if got := counted(report.LastSeen); fmt.Sprint(got) != fmt.Sprint(test.seen) {
			t.Errorf("%s: last seen %v, want %v", name, got, test.seen)
		}
		if got := counted(report.Pending); got["unknown"] != 1 || len(got) != 1 {
			t.Errorf("%s: pending %v, want one of unknown age", name, got)
		}
		if report.LoginsTold != test.told || report.MFATold != test.told {
			t.Errorf("%s: logins %v, MFA %v, want %v", name, report.LoginsTold, report.MFATold, test.told)
		}
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	report := review.New(source(
		but("owner@x", func(u *orgusers.User) { u.Owner, u.Roles = true, nil }),
		but("both@x", func(u *orgusers.User) { u.Roles = []orgusers.RoleRef{admin, member} }),
		but("off@x", func(u *orgusers.User) { u.MFA = "disabled" }),
		but("none@x", func(u *orgusers.User) { u.Roles, u.MFA = nil, "" }),
		but("pending@x", invited(1)),
		but("suspended@x", func(u *orgusers.User) { u.Status = "suspended" }),
		but("unlisted@x", func(u *orgusers.User) { u.Roles = []orgusers.RoleRef{{UID: "role-new"}} }),
	), review.DefaultPolicy())
	if want := (review.Totals{Users: 7, Members: 6, Pending: 1, Administrators: 2, WithoutRole: 1, MFAOn: 4, WithFindings: 1}); report.Totals != want {
		t.Errorf("totals %+v\nwant   %+v", report.Totals, want)
	}
	wantRoles := []review.Role{
		{UID: "role-admin", Name: "admin", Administrator: true, Members: 1},
		{UID: "role-member", Name: "Member", Members: 3, Pending: 1},
		{UID: "role-boss", Name: "Boss", Administrator: true},
		{UID: "role-new", Name: "role-new", Members: 1},
	}
	if !slices.Equal(report.Roles, wantRoles) {
		t.Errorf("roles %+v\nwant  %+v", report.Roles, wantRoles)
	}
	for what, test := range map[string]struct {
		counts []review.Count
		want   string
	}{
		"MFA of members":        {report.MFA, "map[off:1 on:4 unknown:1]"},
		"MFA of administrators": {report.AdministratorMFA, "map[on:2]"},
	} {
		if got := fmt.Sprint(counted(test.counts)); got != test.want {
			t.Errorf("%s: %s, want %s", what, got, test.want)
		}
	}
	var administrators []string
	for _, u := range report.Administrators() {
		administrators = append(administrators, u.Email)
	}
	if !slices.Equal(administrators, []string{"both@x", "owner@x"}) {
		t.Errorf("administrators %q", administrators)
	}
}

// everybody is an organization in which something can be said of most things.
func everybody() []orgusers.User {
	return []orgusers.User{
		but("owner@example.com", func(u *orgusers.User) { u.Owner, u.Roles, u.MFA = true, nil, "" }),
		but("Ada@example.com", administering(named("Ada", "King"))),
		but("ada+old@example.com", func(u *orgusers.User) { named("Ada", "King")(u); u.LastLoginAt = ago(400) }),
		but("ada@home.example", func(u *orgusers.User) { named("Ada", "King")(u); u.AccessWithoutSSO = true }),
		but("new@example.com", func(u *orgusers.User) {
			invited(40)(u)
			u.UID, u.InvitedBy = "", orgusers.Inviter{UID: "user-owner@example.com"}
		}),
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	policy := review.DefaultPolicy()
	policy.Domains, policy.PrivilegedRoles = []string{"example.com"}, []string{"role-boss"}
	got, err := json.MarshalIndent(review.New(source(everybody()...), policy), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const golden = "testdata/review.golden.json"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("if this is as it should be, run go test -run %s -update in this directory; got\n%s", t.Name(), got)
	}
}

func TestServerThatDoesNotCount(t *testing.T) {
	t.Parallel()
	for count, want := range map[int]string{-1: "", 0: `"server_count":0,`, 7: `"server_count":7,`} {
		s := source(everybody()...)
		s.ServerCount = count
		got, err := json.Marshal(review.New(s, review.DefaultPolicy()))
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`"server_count":[^,]*,`).FindString(string(got)); found != want {
			t.Errorf("counted %d: %q, want %q", count, found, want)
		}
	}
}

func TestSameWhateverTheOrder(t *testing.T) {
	t.Parallel()
	text := func(s *review.Source) string {
		got, err := json.Marshal(review.New(s, review.DefaultPolicy()))
		if err != nil {
			t.Fatal(err)
		}
		return string(got)
	}
	s := source(everybody()...)
	want := text(s)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		rng.Shuffle(len(s.Users), func(i, j int) { s.Users[i], s.Users[j] = s.Users[j], s.Users[i] })
		if got := text(s); got != want {
			t.Fatalf("in another order it is\n%s\nwant\n%s", got, want)
		}
	}
}

func TestDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../../docs/access-review.md")
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile("testdata/review.golden.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range regexp.MustCompile(`"([a-z_]+)":`).FindAllSubmatch(golden, -1) {
		if !bytes.Contains(page, fmt.Appendf(nil, "`%s`", field[1])) {
			t.Errorf("the field %s of the JSON is not explained", field[1])
		}
	}
	for _, finding := range review.New(source(), review.DefaultPolicy()).Findings {
		if !bytes.Contains(page, fmt.Appendf(nil, "| %s | `%s` |", finding.Title, finding.Rule)) {
			t.Errorf("the rule %s is not explained", finding.Rule)
		}
	}
}
