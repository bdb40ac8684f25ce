package review_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/cmd/orgusers/review"
)

var update = flag.Bool("update", false, "write the golden files anew")

var now = time.Date(2026, time.June, 30, 12, 0, 0, 0, time.UTC)

func ago(days int) time.Time { return now.AddDate(0, 0, -days) }

var (
	admin  = orgusers.RoleRef{UID: "role-admin", Name: "Admin"}
	member = orgusers.RoleRef{UID: "role-member", Name: "Member"}
)

// source is an organization with three roles. One of them is an administrator role
// without the name of one. The roles of users are direct.
func source(users ...orgusers.User) *review.Source {
	s := &review.Source{
		Organization: &orgusers.Organization{UID: "org", Name: "Example", OwnerUID: "user-owner", Enabled: true, TransferPending: true, ExpiresOn: ago(-400)},
		Service:      "https://api.contentstack.io",
		ReadAt:       now,
		ReadUntil:    now.Add(90 * time.Second),
		ServerCount:  len(users),
		MadeBy:       "orgusers v1.2.3",
		ReadBy:       &orgusers.CurrentUser{UID: "user-me", Email: "me@example.com"},
		Roles:        []*orgusers.Role{{UID: "role-admin", Name: "admin"}, {UID: "role-member", Name: "Member"}, {UID: "role-boss", Name: "Boss", Admin: true}},
	}
	for i := range users {
		u := &users[i]
		if u.ShareUID == "" {
			u.ShareUID = fmt.Sprintf("share-%d", i)
		}
		access := &orgusers.UserAccess{User: u}
		for _, role := range u.Roles {
			access.Roles = append(access.Roles, orgusers.RoleGrant{RoleUID: role.UID, RoleName: role.Name, Direct: true})
		}
		s.Access = append(s.Access, access)
	}
	return s
}

// fine is a member whom no rule finds.
func fine(email string) orgusers.User {
	return orgusers.User{
		UID: "user-" + email, Email: email, Status: orgusers.StatusAccepted, Roles: []orgusers.RoleRef{member},
		MFA: orgusers.MFAVerified, CreatedAt: ago(500), InvitedAt: ago(500), LastLoginAt: ago(1),
	}
}

// but is a fine member with a change.
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

func invitedBy(inviter orgusers.Inviter) func(*orgusers.User) {
	return func(u *orgusers.User) { invited(2)(u); u.InvitedBy = inviter }
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
	for name, test := range map[string]struct {
		users  users
		policy *review.Policy
		want   []string // rule, address and remark
	}{
		"no users":                    {nil, nil, nil},
		"admin, MFA is unknown":       {users{but("a@x", administering(func(u *orgusers.User) { u.MFA = "" }))}, nil, []string{"administrator_without_mfa a@x: MFA is unknown"}},
		"admin, MFA off":              {users{but("a@x", administering(func(u *orgusers.User) { u.MFA = "disabled" }))}, nil, []string{"administrator_without_mfa a@x: MFA is off"}},
		"member without MFA":          {users{but("a@x", func(u *orgusers.User) { u.MFA = "" })}, nil, nil},
		"owner by flag, without MFA":  {users{but("a@x", func(u *orgusers.User) { u.MFA, u.Owner, u.Roles = "", true, nil })}, nil, []string{"administrator_without_mfa a@x: MFA is unknown"}},
		"owner by uid, without MFA":   {users{but("a@x", func(u *orgusers.User) { u.MFA, u.UID, u.Roles = "", "user-owner", nil })}, nil, []string{"administrator_without_mfa a@x: MFA is unknown"}},
		"admin by the flag of a role": {users{but("a@x", func(u *orgusers.User) { u.MFA, u.Roles = "", []orgusers.RoleRef{{UID: "role-boss"}} })}, nil, []string{"administrator_without_mfa a@x: MFA is unknown"}},
		"admin by an unlisted role":   {users{but("a@x", func(u *orgusers.User) { u.MFA, u.Roles = "", []orgusers.RoleRef{{UID: "other", Name: "ADMIN"}} })}, nil, []string{"administrator_without_mfa a@x: MFA is unknown"}},

		"admin by the policy": {users{but("a@x", func(u *orgusers.User) { u.MFA = "" }), but("b@x", func(u *orgusers.User) { u.MFA, u.Roles = "", []orgusers.RoleRef{{UID: "Odd", Name: "Odd one"}} })}, &privileged, []string{"administrator_without_mfa a@x: MFA is unknown", "administrator_without_mfa b@x: MFA is unknown"}},

		"admin seen 89 days ago": {users{but("a@x", administering(func(u *orgusers.User) { u.LastLoginAt = ago(89) }))}, nil, nil},
		"admin seen 90 days ago": {users{but("a@x", administering(func(u *orgusers.User) { u.LastLoginAt = ago(90) }))}, nil, []string{"administrator_not_seen a@x: last seen 2026-04-01"}},
		"admin never seen":       {users{fine("b@x"), but("a@x", administering(func(u *orgusers.User) { u.LastLoginAt = time.Time{} }))}, nil, []string{"administrator_not_seen a@x: never logged in, added 2025-02-15", "never_logged_in a@x: added 2025-02-15"}},
		"the oldest come first": {users{
			but("a@x", func(u *orgusers.User) { u.LastLoginAt = ago(400) }),
			but("b@x", func(u *orgusers.User) { u.LastLoginAt = ago(450) }),
		}, nil, []string{"not_seen b@x: last seen 2025-04-06", "not_seen a@x: last seen 2025-05-26"}},

		"member seen 364 days ago":            {users{but("a@x", func(u *orgusers.User) { u.LastLoginAt = ago(364) })}, nil, nil},
		"member seen 365 days ago":            {users{but("a@x", func(u *orgusers.User) { u.LastLoginAt = ago(365) })}, nil, []string{"not_seen a@x: last seen 2025-06-30"}},
		"joined after the last login":         {users{but("a@x", func(u *orgusers.User) { u.LastLoginAt, u.CreatedAt, u.InvitedAt = ago(400), ago(10), ago(10) })}, nil, nil},
		"suspended, seen a year ago":          {users{but("a@x", func(u *orgusers.User) { u.Status, u.LastLoginAt = "suspended", ago(365) })}, nil, []string{"not_seen a@x: last seen 2025-06-30"}},
		"a login of 1970":                     {users{fine("b@x"), but("a@x", func(u *orgusers.User) { u.LastLoginAt = time.Unix(0, 0) })}, nil, []string{"never_logged_in a@x: added 2025-02-15"}},
		"member seen 10 days ago":             {users{but("a@x", func(u *orgusers.User) { u.LastLoginAt = ago(10) })}, &strict, []string{"not_seen a@x: last seen 2026-06-20"}},
		"never seen, added 30 days ago":       {users{fine("b@x"), but("a@x", func(u *orgusers.User) { u.LastLoginAt, u.CreatedAt = time.Time{}, ago(30) })}, nil, []string{"never_logged_in a@x: added 2026-05-31"}},
		"never seen, added on an unknown day": {users{fine("b@x"), but("a@x", func(u *orgusers.User) { u.LastLoginAt, u.CreatedAt = time.Time{}, time.Time{} })}, nil, []string{"never_logged_in a@x: added on an unknown day"}},
		"a server that sends no logins":       {users{but("a@x", func(u *orgusers.User) { u.LastLoginAt = time.Time{} })}, nil, []string{"administrator_not_seen unknown", "not_seen unknown", "never_logged_in unknown"}},

		"without SSO":              {users{but("a@x", func(u *orgusers.User) { u.AccessWithoutSSO = true })}, nil, []string{"access_without_sso a@x: can log in without SSO"}},
		"without a role":           {users{but("a@x", func(u *orgusers.User) { u.Roles = nil })}, nil, []string{"without_role a@x: has no organization role"}},
		"the owner without a role": {users{but("a@x", func(u *orgusers.User) { u.Roles, u.Owner = nil, true })}, nil, nil},

		"invited 29 days ago":                 {users{fine("b@x"), but("a@x", invited(29))}, nil, nil},
		"invited 30 days ago":                 {users{fine("b@x"), but("a@x", invited(30))}, nil, []string{"old_invitation a@x: pending since 2026-05-31"}},
		"invited 5 days ago":                  {users{fine("b@x"), but("a@x", invited(5))}, &strict, []string{"old_invitation a@x: pending since 2026-06-25"}},
		"invited again yesterday":             {users{fine("b@x"), but("a@x", func(u *orgusers.User) { invited(99)(u); u.InvitedAt = ago(1) })}, nil, nil},
		"admin invited":                       {users{fine("b@x"), but("a@x", administering(invited(2)))}, nil, []string{"administrator_pending a@x: pending since 2026-06-28"}},
		"invited by a user who is there":      {users{fine("b@x"), but("a@x", invitedBy(orgusers.Inviter{UID: "user-b@x"}))}, nil, nil},
		"invited by an address that is there": {users{fine("b@x"), but("a@x", invitedBy(orgusers.Inviter{Email: "B@X"}))}, nil, nil},
		"invited by the service":              {users{fine("b@x"), but("a@x", invitedBy(orgusers.Inviter{UID: "System"}))}, nil, nil},
		"invited by a user who left":          {users{fine("b@x"), but("a@x", invitedBy(orgusers.Inviter{UID: "user-gone", Email: "gone@x"}))}, nil, []string{"inviter_gone a@x: invited by gone@x"}},
		"member of a user who left":           {users{but("a@x", func(u *orgusers.User) { u.InvitedBy = orgusers.Inviter{UID: "user-gone"} })}, nil, nil},

		"own domains":       {users{fine("a@example.com"), fine("b@EXAMPLE.com"), fine("c@sub.example.com")}, &withDomains, []string{"other_domain c@sub.example.com: sub.example.com"}},
		"a rare domain":     {users{fine("a@x"), fine("b@x"), fine("c@y")}, nil, []string{"other_domain c@y: y"}},
		"only rare domains": {users{fine("a@x"), fine("b@y"), fine("c@z")}, nil, nil},

		"same mailbox": {users{fine("Ada@x"), fine("ada+test@X"), fine("adam@x")}, nil, []string{"same_mailbox ada+test@X: also Ada@x", "same_mailbox Ada@x: also ada+test@X"}},
		"same mailbox, many": {users{fine("a@x"), fine("a+1@x"), fine("a+2@x"), fine("a+3@x"), fine("a+4@x")}, nil, []string{
			"same_mailbox a+1@x: also a+2@x, a+3@x, a+4@x and 1 more", "same_mailbox a+2@x: also a+1@x, a+3@x, a+4@x and 1 more",
			"same_mailbox a+3@x: also a+1@x, a+2@x, a+4@x and 1 more", "same_mailbox a+4@x: also a+1@x, a+2@x, a+3@x and 1 more",
			"same_mailbox a@x: also a+1@x, a+2@x, a+3@x and 1 more",
		}},
		"same name, same domain":  {users{but("a@x", named("Ada", "King")), but("b@x", named("Ada", "King"))}, nil, nil},
		"same name, other domain": {users{but("a@x", named("Ada", "King")), but("b@x", named(" ada ", "KING")), but("c@y", named("Ada", "King")), fine("d@y")}, nil, []string{"same_name a@x: also c@y", "same_name b@x: also c@y", "same_name c@y: also a@x"}},
		"a made-up name":          {users{but("a@x", named("a", "N/A")), but("b@y", func(u *orgusers.User) { named("a", "N/A")(u); invited(1)(u); u.UID = "" }), fine("c@x"), fine("d@y")}, nil, nil},
		"a Cyrillic address":      {users{fine("раypal@x")}, nil, []string{"misleading_characters раypal@x: U+0440 in the address"}},
		"a blank in address":      {users{fine("a\u00a0b@x")}, nil, []string{"misleading_characters a\u00a0b@x: U+00A0 in the address"}},
		"a reversed name":         {users{but("a@x", named("\u202egnik", "ada"))}, nil, []string{"misleading_characters a@x: U+202E in the name"}},
		"an invisible name":       {users{but("a@x", named("Ada", "\u3164"))}, nil, []string{"misleading_characters a@x: U+3164 in the name"}},
		"a name in two lines":     {users{but("a@x", named("Ada\nB.", "King"))}, nil, []string{"misleading_characters a@x: U+000A in the name"}},
		"joiners that join nothing": {users{but("a@x", named("A\u200cda", "")), but("b@x", named("\u200dBo", "")), but("c@x", named("Ада\u200d", ""))}, nil, []string{
			"misleading_characters a@x: U+200C in the name", "misleading_characters b@x: U+200D in the name",
			"misleading_characters c@x: U+200D in the name",
		}},
		"a word of two scripts": {users{but("a@x", named("Pаul", "King")), but("b@x", named("Ada", "Κing")), but("c@x", named("Иiна", "")), but("d@x", named("a\u0301р", ""))}, nil, []string{
			"misleading_characters a@x: U+0430 among Latin letters in the name", "misleading_characters b@x: U+039A among Latin letters in the name",
			"misleading_characters c@x: U+0418 among Latin letters in the name", "misleading_characters d@x: U+0440 among Latin letters in the name",
		}},
		"many marks": {users{but("a@x", named("Z"+strings.Repeat("\u0301", 4), "")), but("b@x", named("Z"+strings.Repeat("\u0301", 5), "")), but("c@x", named("Z"+strings.Repeat("\u20dd", 5), ""))}, nil, []string{"misleading_characters b@x: more than 4 marks on a letter of the name", "misleading_characters c@x: more than 4 marks on a letter of the name"}},
		"names of several scripts": {users{
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
				if finding.Unknown {
					got = append(got, finding.Rule+" unknown")
				}
				for _, found := range finding.Users {
					got = append(got, finding.Rule+" "+found.Email+": "+found.Remark)
					marked[found.Email] = append(marked[found.Email], finding.Rule)
				}
			}
			// A server without logins is a case of its own.
			if !report.LoginsKnown && len(test.want) == 0 {
				got = slices.DeleteFunc(got, func(s string) bool { return strings.HasSuffix(s, " unknown") })
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
	for days, want := range map[int]string{
		-1: "under_7_days", // the clocks differ
		0:  "under_7_days", 6: "under_7_days", 7: "7_to_29_days", 29: "7_to_29_days", 30: "30_to_89_days", 89: "30_to_89_days",
		90: "90_to_179_days", 180: "180_to_364_days", 364: "180_to_364_days", 365: "365_days_or_more", 9999: "365_days_or_more",
	} {
		report := review.New(source(
			but("a@x", func(u *orgusers.User) { u.LastLoginAt, u.CreatedAt, u.InvitedAt = ago(days), ago(9999), ago(9999) }),
			but("b@x", invited(days)),
		), review.DefaultPolicy())
		for what, counts := range map[string][]review.Count{"seen": report.LastSeen, "pending": report.Pending} {
			if got := counted(counts); len(got) != 1 || got[want] != 1 {
				t.Errorf("%s %d days ago counts as %v, want %s", what, days, got, want)
			}
		}
	}
}

// counted returns the counts that are not zero.
func counted(counts []review.Count) map[string]int {
	result := map[string]int{}
	for _, count := range counts {
		if count.Users > 0 {
			result[count.Key] = count.Users
		}
	}
	return result
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	silent := but("a@x", func(u *orgusers.User) { u.MFA, u.LastLoginAt = "", time.Time{} })
	undated := but("b@x", func(u *orgusers.User) { invited(1)(u); u.InvitedAt, u.CreatedAt, u.MFA = time.Time{}, time.Time{}, "" })
	for name, test := range map[string]struct {
		others []orgusers.User
		seen   map[string]int
		known  bool
	}{
		"of no user":  {nil, map[string]int{"unknown": 1}, false},
		"of one user": {[]orgusers.User{fine("c@x")}, map[string]int{"never": 1, "under_7_days": 1}, true},
	} {
		report := review.New(source(append(test.others, silent, undated)...), review.DefaultPolicy())
		if got := counted(report.LastSeen); fmt.Sprint(got) != fmt.Sprint(test.seen) {
			t.Errorf("%s: last seen %v, want %v", name, got, test.seen)
		}
		if got := counted(report.Pending); got["unknown"] != 1 || len(got) != 1 {
			t.Errorf("%s: pending %v, want one of unknown age", name, got)
		}
		if report.LoginsKnown != test.known || report.MFAKnown != test.known {
			t.Errorf("%s: logins %v, MFA %v, want %v", name, report.LoginsKnown, report.MFAKnown, test.known)
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
	if want := (review.Totals{Users: 7, Members: 6, Pending: 1, Administrators: 2, MFAOn: 4, WithFindings: 1}); report.Totals != want {
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
	if got := fmt.Sprint(counted(report.MFA), counted(report.AdministratorMFA)); got != "map[off:1 on:4 unknown:1] map[on:2]" {
		t.Errorf("MFA of members and administrators: %s", got)
	}
	var administrators []string
	for _, u := range report.Administrators() {
		administrators = append(administrators, u.Email)
	}
	if !slices.Equal(administrators, []string{"both@x", "owner@x"}) {
		t.Errorf("administrators %q", administrators)
	}
}

// everybody is an organization with a value for most fields.
func everybody() *review.Source {
	s := source(
		but("owner@example.com", func(u *orgusers.User) { u.Owner, u.Roles, u.MFA = true, nil, "" }),
		but("Ada@example.com", administering(named("Ada", "King"))),
		but("ada+old@example.com", func(u *orgusers.User) { named("Ada", "King")(u); u.LastLoginAt = ago(400) }),
		but("ada@home.example", func(u *orgusers.User) { named("Ada", "King")(u); u.AccessWithoutSSO = true }),
		but("new@example.com", func(u *orgusers.User) {
			invited(40)(u)
			u.UID, u.InvitedBy = "", orgusers.Inviter{UID: "user-owner@example.com"}
		}),
	)
	team, site := orgusers.TeamRef{UID: "team", Name: "Editors"}, orgusers.StackRef{APIKey: "key", Name: "Website"}
	old := s.Access[2]
	old.Teams, old.Owns = []orgusers.TeamRef{team}, []orgusers.StackRef{site}
	old.Roles = append(old.Roles, orgusers.RoleGrant{RoleUID: "role-boss", Teams: old.Teams})
	old.Stacks = []orgusers.StackGrant{{Stack: site, RoleUID: "role-dev", RoleName: "Developer", MaybeDirect: true, Teams: old.Teams}}
	for _, access := range s.Access {
		access.Unread = []orgusers.StackRef{{APIKey: "key-2", Name: "Shop"}}
	}
	return s
}

// A role that comes through a team counts as others do.
func TestRoleThroughTeam(t *testing.T) {
	t.Parallel()
	report := review.New(everybody(), review.DefaultPolicy())
	for _, u := range report.Users {
		if u.Email == "ada+old@example.com" && (!u.Administrator || u.Roles[0].RoleName != "Boss" || u.Roles[0].Direct || !slices.Contains(u.Findings, "administrator_not_seen")) {
			t.Errorf("administrator %v, roles %+v, findings %q", u.Administrator, u.Roles, u.Findings)
		}
	}
	if boss := report.Roles[2]; boss.Members != 1 || len(report.UnreadStacks) != 1 {
		t.Errorf("%+v, unread %v", boss, report.UnreadStacks)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	policy := review.DefaultPolicy()
	policy.Domains, policy.PrivilegedRoles = []string{"example.com"}, []string{"role-boss"}
	s := everybody()
	slices.Reverse(s.Access) // the order does not matter
	got, err := json.MarshalIndent(review.New(s, policy), "", "  ")
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
		t.Errorf("if this is right, run go test -run %s -update in this directory; got\n%s", t.Name(), got)
	}
}

func TestDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/access-review.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range review.New(source(), review.DefaultPolicy()).Findings {
		if !bytes.Contains(page, fmt.Appendf(nil, "| %s | `%s` |", finding.Title, finding.Rule)) {
			t.Errorf("the rule %s is not explained", finding.Rule)
		}
	}
}
