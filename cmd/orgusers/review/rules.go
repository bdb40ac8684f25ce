package review

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// rule finds users who need a look.
type rule struct {
	key, title, meaning string
	// find returns why the rule finds a user, or nothing if it does not.
	find func(*User) string
	// since sorts the users, the oldest first. If it is nil they are sorted by address.
	since func(*User) time.Time
	// needsLogins is true if the rule needs last logins.
	needsLogins bool
}

// find applies all rules.
func (r *Report) find(known *directory) {
	for _, rule := range slices.Concat(r.administratorRules(), r.memberRules(), r.invitationRules(known), r.identityRules()) {
		finding := Finding{Rule: rule.key, Title: rule.title, Meaning: rule.meaning, Users: []Found{}}
		if rule.needsLogins && !r.LoginsKnown {
			finding.Unknown = true
			r.Findings = append(r.Findings, finding)
			continue
		}
		for _, u := range r.Users {
			if remark := rule.find(u); remark != "" {
				finding.Users = append(finding.Users, Found{Email: u.Email, Remark: remark, User: u})
				u.Findings = append(u.Findings, rule.key)
			}
		}
		if rule.since != nil {
			slices.SortStableFunc(finding.Users, func(a, b Found) int { return rule.since(a.User).Compare(rule.since(b.User)) })
		}
		r.Findings = append(r.Findings, finding)
	}
}

func (r *Report) administratorRules() []rule {
	return []rule{{
		key:     "administrator_without_mfa",
		title:   "Administrator without MFA",
		meaning: "The owner, or an administrator, without multi-factor authentication. Users whose state is unknown are listed too: the server may send no state if MFA is off.",
		find: func(u *User) string {
			switch {
			case !u.Administrator || u.Pending() || u.MFA == MFAOn:
				return ""
			case u.MFA == MFAOff:
				return "MFA is off"
			default:
				return "MFA is unknown"
			}
		},
	}, {
		key:         "administrator_not_seen",
		title:       "Administrator not seen",
		meaning:     fmt.Sprintf("The owner, or an administrator, who was last seen at least %d days ago. Users who never logged in are listed if they were added at least as long ago.", r.Policy.AdminNotSeenFor),
		needsLogins: true,
		since:       func(u *User) time.Time { return u.LastSeenAt },
		find: func(u *User) string {
			old := u.Administrator && !u.Pending() && r.isOld(firstKnown(u.LastSeenAt, u.CreatedAt), r.Policy.AdminNotSeenFor)
			switch {
			case !old:
				return ""
			case u.LastSeenAt.IsZero():
				return "never logged in, added " + day(u.CreatedAt)
			default:
				return "last seen " + day(u.LastSeenAt)
			}
		},
	}, {
		key:     "administrator_pending",
		title:   "Administrator invited",
		meaning: "A pending invitation with an administrator role.",
		since:   (*User).PendingSince,
		find:    func(u *User) string { return onlyIf(u.Administrator && u.Pending(), pendingSince(u)) },
	}}
}

func (r *Report) memberRules() []rule {
	return []rule{{
		key:     "access_without_sso",
		title:   "Access without SSO",
		meaning: "A user who can log in without the organization's single sign-on. The rules of the identity provider do not apply to such a login.",
		find:    func(u *User) string { return onlyIf(u.AccessWithoutSSO, "can log in without SSO") },
	}, {
		key:         "not_seen",
		title:       "Not seen",
		meaning:     fmt.Sprintf("A member who was last seen at least %d days ago.", r.Policy.NotSeenFor),
		needsLogins: true,
		since:       func(u *User) time.Time { return u.LastSeenAt },
		find: func(u *User) string {
			return onlyIf(!u.LastSeenAt.IsZero() && r.isOld(u.LastSeenAt, r.Policy.NotSeenFor), "last seen "+day(u.LastSeenAt))
		},
	}, {
		key:         "never_logged_in",
		title:       "Never logged in",
		meaning:     fmt.Sprintf("A member without a known login who was added at least %d days ago. The day of the invitation counts.", r.Policy.NeverLoggedInFor),
		needsLogins: true,
		since:       func(u *User) time.Time { return u.CreatedAt },
		find: func(u *User) string {
			return onlyIf(!u.Pending() && u.LastSeenAt.IsZero() && r.isOld(u.CreatedAt, r.Policy.NeverLoggedInFor), "added "+day(u.CreatedAt))
		},
	}, {
		key:     "without_role",
		title:   "No role",
		meaning: "A user without an organization role who is not the owner. The user may still have access to stacks.",
		find:    func(u *User) string { return onlyIf(!u.Owner && len(u.Roles) == 0, "has no organization role") },
	}}
}

func (r *Report) invitationRules(known *directory) []rule {
	return []rule{{
		key:     "old_invitation",
		title:   "Old invitation",
		meaning: fmt.Sprintf("An invitation that has been pending for at least %d days. It can still be accepted.", r.Policy.PendingFor),
		since:   (*User).PendingSince,
		find: func(u *User) string {
			return onlyIf(u.Pending() && r.isOld(u.PendingSince(), r.Policy.PendingFor), pendingSince(u))
		},
	}, {
		key:     "inviter_gone",
		title:   "Inviter gone",
		meaning: "A pending invitation from a user who has left the organization.",
		since:   (*User).PendingSince,
		find: func(u *User) string {
			return onlyIf(u.Pending() && known.isGone(u.from.InvitedBy), "invited by "+u.InvitedBy)
		},
	}}
}

// identityRules compare addresses and names.
func (r *Report) identityRules() []rule {
	other := map[string]bool{}
	for _, d := range r.Domains {
		other[d.Name] = d.Other
	}
	domainMeaning := fmt.Sprintf("An address of a rare domain: at most one address in %d has it.", rareOneIn)
	if len(r.Policy.Domains) > 0 {
		domainMeaning = "An address outside the organization's own domains: " + strings.Join(r.Policy.Domains, ", ") + "."
	}
	return []rule{{
		key:     "other_domain",
		title:   "Other domain",
		meaning: domainMeaning + " Contractors and private addresses are easily forgotten.",
		find:    func(u *User) string { return onlyIf(other[u.domain()], u.domain()) },
	}, {
		key:     "same_mailbox",
		title:   "Same mailbox",
		meaning: "Addresses that are one mailbox at most providers: they differ only in letter case, or in the part after a plus sign.",
		find:    r.findSharing(mailbox, func(u *User) string { return u.UID }),
	}, {
		key:     "same_name",
		title:   "Same name",
		meaning: "Users with the same first and last name and addresses of different domains. One person may have two accounts.",
		find:    r.findSharing(personName, (*User).domain),
	}, {
		key:   "misleading_characters",
		title: "Misleading characters",
		meaning: "An address with characters outside ASCII, or a name with invisible characters, with characters that reverse text, " +
			"with Latin and Cyrillic or Greek letters in one word, or with too many marks on a letter.",
		find: misleading,
	}}
}

// findSharing returns a function that finds users with the same key who differ in
// something else. Users with an empty key are not found.
func (r *Report) findSharing(key, differ func(*User) string) func(*User) string {
	groups := map[string][]*User{} // the first user, by address, of those who do not differ
	seen := map[[2]string]bool{}
	for _, u := range r.Users {
		k := key(u)
		if pair := [2]string{k, differ(u)}; k != "" && !seen[pair] {
			seen[pair] = true
			groups[k] = append(groups[k], u)
		}
	}
	return func(u *User) string {
		const few = 3
		group := groups[key(u)]
		if len(group) < 2 {
			return ""
		}
		var emails []string
		for _, other := range group[:min(few+1, len(group))] { // one of the group is u, or is like u
			if differ(other) != differ(u) && len(emails) < few {
				emails = append(emails, other.Email)
			}
		}
		remark := "also " + strings.Join(emails, ", ")
		if more := len(group) - 1 - len(emails); more > 0 {
			remark += fmt.Sprintf(" and %d more", more)
		}
		return remark
	}
}

// mailbox returns the address without case and without the part after a plus sign.
func mailbox(u *User) string {
	at := strings.LastIndexByte(u.Email, '@')
	if at < 0 {
		return ""
	}
	local, _, _ := strings.Cut(u.Email[:at], "+")
	return strings.ToLower(local + u.Email[at:])
}

// personName returns a complete name without case.
func personName(u *User) string {
	if u.Name == "" || u.from.FirstName == "" || u.from.LastName == "" {
		return ""
	}
	return strings.Join(strings.Fields(strings.ToLower(u.Name)), " ")
}

func onlyIf(found bool, remark string) string {
	if found {
		return remark
	}
	return ""
}

func day(t time.Time) string {
	if t.IsZero() {
		return "on an unknown day"
	}
	return t.UTC().Format(time.DateOnly)
}

func pendingSince(u *User) string { return "pending since " + day(u.PendingSince()) }
