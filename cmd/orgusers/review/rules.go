package review

import (
	"fmt"
	"slices"
	"time"

	"github.com/orgusers/orgusers/examples/internal/lastseen"
)

// rule finds users that somebody should look at.
type rule struct {
	key, title, meaning string
	// find says why a user meets the rule, in a few words that are empty where
	// the user does not.
	find func(*User) string
	// since is the time by which those found are sorted, the oldest first. By
	// address, where there is none.
	since func(*User) time.Time
	// needsLogins is true for a rule that means nothing where the server does
	// not say who logged in.
	needsLogins bool
}

// find runs all rules.
func (r *Report) find(known *directory) {
	for _, rule := range slices.Concat(r.administratorRules(), r.memberRules(), r.invitationRules(known), r.identityRules()) {
		finding := Finding{Rule: rule.key, Title: rule.title, Meaning: rule.meaning, Users: []Found{}}
		if rule.needsLogins && !r.LoginsTold {
			finding.CannotTell = true
			r.Findings = append(r.Findings, finding)
			continue
		}
		for _, u := range r.Users {
			if remark := rule.find(u); remark != "" {
				finding.Users = append(finding.Users, Found{UID: u.UID, Email: u.Email, Remark: remark, User: u})
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
	lastSeen := func(u *User) time.Time { return u.LastLoginAt }
	away := lastseen.Days(r.Policy.AdminNotSeenFor)
	return []rule{{
		key:   "administrator_without_mfa",
		title: "Administrator without MFA",
		meaning: "The owner or an administrator for whom the server does not say that multi-factor authentication is on. " +
			"It may say nothing where it is off, so that silence counts here.",
		find: func(u *User) string {
			switch {
			case !u.Administrator || u.Pending() || u.MFA == MFAOn:
				return ""
			case u.MFA == MFAOff:
				return "MFA is off"
			default:
				return "MFA not stated"
			}
		},
	}, {
		key:   "administrator_not_seen",
		title: "Administrator not seen",
		meaning: fmt.Sprintf("The owner or an administrator whose last login is %d days ago or longer, or who never logged in and was added as long ago. "+
			"Rights that are not used can be taken back.", r.Policy.AdminNotSeenFor),
		needsLogins: true,
		since:       lastSeen,
		find: func(u *User) string {
			if !u.Administrator || !away.Member(u.from, r.TakenAt) {
				return ""
			}
			return u.lastSeen()
		},
	}, {
		key:     "administrator_pending",
		title:   "Administrator invited",
		meaning: "An invitation that has not been accepted, and makes whoever opens it an administrator.",
		since:   (*User).PendingSince,
		find: func(u *User) string {
			if !u.Administrator || !u.Pending() {
				return ""
			}
			return u.pendingFor()
		},
	}}
}

func (r *Report) memberRules() []rule {
	away, late := lastseen.Days(r.Policy.NotSeenFor), lastseen.Days(r.Policy.NeverLoggedInFor)
	return []rule{{
		key:     "access_without_sso",
		title:   "Access without SSO",
		meaning: "A user who may log in past the organization's single sign-on, and so past what the identity provider asks for or has blocked.",
		find:    func(u *User) string { return onlyIf(u.AccessWithoutSSO, "may log in without SSO") },
	}, {
		key:         "not_seen",
		title:       "Not seen",
		meaning:     fmt.Sprintf("A member whose last login is %d days ago or longer.", r.Policy.NotSeenFor),
		needsLogins: true,
		since:       func(u *User) time.Time { return u.LastLoginAt },
		find: func(u *User) string {
			return onlyIf(!u.LastLoginAt.IsZero() && away.Member(u.from, r.TakenAt), u.lastSeen())
		},
	}, {
		key:   "never_logged_in",
		title: "Never logged in",
		meaning: fmt.Sprintf("A member without any login who was added %d days ago or longer. "+
			"The server does not say when an invitation was accepted, so that the day of the invitation counts.", r.Policy.NeverLoggedInFor),
		needsLogins: true,
		since:       func(u *User) time.Time { return u.CreatedAt },
		find: func(u *User) string {
			return onlyIf(!u.Pending() && u.LastLoginAt.IsZero() && late.Member(u.from, r.TakenAt), "added "+day(u.CreatedAt))
		},
	}, {
		key:     "without_role",
		title:   "No role",
		meaning: "A user other than the owner without any organization role. What such a user may do is not said by a role, only by the stacks that they have access to.",
		find:    func(u *User) string { return onlyIf(u.withoutRole(), "has no organization role") },
	}}
}

func (r *Report) invitationRules(known *directory) []rule {
	old := lastseen.Days(r.Policy.PendingFor)
	return []rule{{
		key:     "old_invitation",
		title:   "Old invitation",
		meaning: fmt.Sprintf("An invitation that has been pending for %d days or longer. Whoever comes by its mail can still accept it.", r.Policy.PendingFor),
		since:   (*User).PendingSince,
		find: func(u *User) string {
			return onlyIf(u.Pending() && old.Invitation(u.from, r.TakenAt), u.pendingFor())
		},
	}, {
		key:     "inviter_gone",
		title:   "Inviter gone",
		meaning: "A pending invitation from somebody who is no longer in the organization, so that nobody may know what it is for.",
		since:   (*User).PendingSince,
		find: func(u *User) string {
			return onlyIf(u.Pending() && known.gone(u.from.InvitedBy), "invited by "+u.InvitedBy)
		},
	}}
}

func onlyIf(met bool, remark string) string {
	if met {
		return remark
	}
	return ""
}

func day(t time.Time) string {
	if t.IsZero() {
		return "nobody knows when"
	}
	return t.UTC().Format(time.DateOnly)
}

func (u *User) lastSeen() string {
	if u.LastLoginAt.IsZero() {
		return "never logged in, added " + day(u.CreatedAt)
	}
	return "last seen " + day(u.LastLoginAt)
}

func (u *User) pendingFor() string { return "pending since " + day(u.PendingSince()) }
