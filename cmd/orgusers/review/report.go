// Package review makes an access review of the users of an organization, as data
// and as a page of HTML.
package review

import (
	"time"

	"github.com/orgusers/orgusers"
)

// Report is an access review. In its JSON, times are in UTC, and unknown values are
// left out.
type Report struct {
	// Version is 1. It changes if the name or the meaning of a field changes.
	Version int    `json:"version"`
	MadeBy  string `json:"made_by"` // the program and its version
	Fake    bool   `json:"-"`       // the users are made up
	// Organization is the organization that was read, from Service.
	Organization Organization `json:"organization"`
	Service      string       `json:"service"`
	// ReadAt is when the first request was sent. The rules count days from then.
	ReadAt    time.Time `json:"read_at"`
	ReadUntil time.Time `json:"read_until"`
	ReadBy    string    `json:"read_by"` // the address of the account
	// ServerCount is the number of users that the server counted after the last of
	// them was read. It is nil if the server sent no count.
	ServerCount *int `json:"server_count,omitempty"`
	// UnreadStacks are the stacks whose roles could not be read.
	UnreadStacks []orgusers.StackRef `json:"unread_stacks,omitempty"`
	Policy       Policy              `json:"policy"`
	// LoginsKnown and MFAKnown are false if the server sent no last login and no
	// state of MFA for any user.
	LoginsKnown bool   `json:"logins_known"`
	MFAKnown    bool   `json:"mfa_known"`
	Totals      Totals `json:"totals"`
	// Roles are the organization roles.
	Roles []Role `json:"roles"`
	// LastSeen, MFA and AdministratorMFA count members. Pending counts invitations.
	LastSeen         []Count  `json:"last_seen"`
	MFA              []Count  `json:"mfa"`
	AdministratorMFA []Count  `json:"administrator_mfa"`
	Pending          []Count  `json:"pending_by_age"`
	Domains          []Domain `json:"domains"`
	// Findings has an entry for each rule, the most important rule first.
	Findings []Finding `json:"findings"`
	// Users are all users, sorted by address.
	Users []*User `json:"users"`
}

// Organization is the reviewed organization.
type Organization struct {
	UID   string `json:"uid"`
	Name  string `json:"name,omitempty"`
	Owner string `json:"owner,omitempty"` // the address, or the uid if no row is the owner's
	// TransferPending is true while the new owner has not accepted the ownership.
	TransferPending bool      `json:"transfer_pending,omitempty"`
	Enabled         bool      `json:"enabled,omitempty"`
	ExpiresOn       time.Time `json:"expires_on,omitzero"` // the subscription
}

// Policy has the numbers and names that the rules use.
type Policy struct {
	NotSeenFor       int `json:"not_seen_for_days"`
	AdminNotSeenFor  int `json:"administrator_not_seen_for_days"`
	NeverLoggedInFor int `json:"never_logged_in_for_days"`
	PendingFor       int `json:"pending_for_days"`
	// Domains are the organization's own. If there are none, rare domains count as
	// other domains.
	Domains []string `json:"domains,omitempty"`
	// PrivilegedRoles are names and uids of roles that count as administrator roles,
	// in addition to those of which the API says so.
	PrivilegedRoles []string `json:"privileged_roles,omitempty"`
}

// DefaultPolicy returns a common policy.
func DefaultPolicy() Policy {
	return Policy{NotSeenFor: 365, AdminNotSeenFor: 90, NeverLoggedInFor: 30, PendingFor: 30}
}

// Totals count users.
type Totals struct {
	Users          int `json:"users"`
	Members        int `json:"members"`
	Pending        int `json:"pending"`
	Administrators int `json:"administrators"` // members
	MFAOn          int `json:"mfa_on"`         // members
	WithFindings   int `json:"with_findings"`
}

// Role is an organization role and the number of users who have it, through a team
// too.
type Role struct {
	UID           string `json:"uid,omitempty"`
	Name          string `json:"name"`
	Administrator bool   `json:"administrator,omitempty"`
	Members       int    `json:"members"`
	Pending       int    `json:"pending"`
}

// Count is the number of users in a group.
type Count struct {
	Key   string `json:"key"`
	Label string `json:"label"`
	From  int    `json:"from_days,omitempty"` // the group begins so many days ago
	Users int    `json:"users"`
}

// Domain is a domain of addresses.
type Domain struct {
	Name  string `json:"name"`
	Users int    `json:"users"`
	Other bool   `json:"other,omitempty"` // it is not the organization's own
}

// Finding is a rule and the users whom it finds.
type Finding struct {
	Rule    string `json:"rule"`
	Title   string `json:"title"`
	Meaning string `json:"meaning"`
	// Unknown is true if the server did not send what the rule needs.
	Unknown bool    `json:"unknown,omitempty"`
	Users   []Found `json:"users"`
}

// Found is a user whom a rule finds.
type Found struct {
	Email  string `json:"email"`
	Remark string `json:"remark"`
	User   *User  `json:"-"`
}

// The states of MFA. It is unknown if the server sent none.
const (
	MFAOn      = "on"
	MFAOff     = "off"
	mfaUnknown = ""
)

// User is a member or a pending invitation. The fields without a comment are those of
// orgusers.User and orgusers.UserAccess.
type User struct {
	UID     string `json:"uid"`
	UserUID string `json:"user_uid,omitempty"`
	Email   string `json:"email"`
	Name    string `json:"name,omitempty"`
	Status  string `json:"status,omitempty"`
	Owner   bool   `json:"is_owner,omitempty"`
	// Administrator is true for the owner, and if one of the roles is an administrator
	// role.
	Administrator bool                  `json:"administrator,omitempty"`
	Roles         []orgusers.RoleGrant  `json:"roles,omitempty"`
	Stacks        []orgusers.StackGrant `json:"stacks,omitempty"`
	Teams         []orgusers.TeamRef    `json:"teams,omitempty"`
	Owns          []orgusers.StackRef   `json:"owns,omitempty"`
	MFA           string                `json:"mfa,omitempty"`
	// LastSeenAt is the later of the last login and the start of the membership. It is
	// zero if no login is known.
	LastSeenAt  time.Time `json:"last_seen_at,omitzero"`
	LastLoginAt time.Time `json:"last_login_at,omitzero"`
	CreatedAt   time.Time `json:"created_at,omitzero"`
	InvitedAt   time.Time `json:"invited_at,omitzero"`
	// InvitedBy is an address if it is known, otherwise a uid or the word System.
	InvitedBy        string `json:"invited_by,omitempty"`
	AccessWithoutSSO bool   `json:"access_without_sso,omitempty"`
	// Findings are the keys of the rules that find the user.
	Findings []string `json:"findings,omitempty"`

	from *orgusers.User
}

// Pending reports whether the user is an invitation that was not accepted.
func (u *User) Pending() bool { return u.from.Status == orgusers.StatusPending }

// PendingSince returns when the user was invited last.
func (u *User) PendingSince() time.Time { return firstKnown(u.InvitedAt, u.CreatedAt) }

// Administrators returns the members who are administrators.
func (r *Report) Administrators() []*User {
	var found []*User
	for _, u := range r.Users {
		if u.Administrator && !u.Pending() {
			found = append(found, u)
		}
	}
	return found
}
