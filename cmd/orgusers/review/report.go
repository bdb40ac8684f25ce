// Package review finds out of an organization's users what an access review
// asks: who administers, who is no longer there, and who is odd.
package review

import (
	"time"

	"github.com/orgusers/orgusers"
)

// Report is an access review. Its JSON has stable names, times in RFC 3339, and
// leaves out what is unknown.
type Report struct {
	// Format is 1 until a field changes its name or meaning.
	Format int `json:"format"`
	// MadeBy is the program and its version.
	MadeBy string `json:"made_by,omitempty"`
	// MadeUp is true for users of the fake inside the program.
	MadeUp       bool         `json:"made_up,omitempty"`
	Organization Organization `json:"organization"`
	// API is the address at which the organization was read.
	API string `json:"api"`
	// TakenAt is when the reading began, by which the rules go.
	TakenAt      time.Time `json:"taken_at"`
	ReadingEnded time.Time `json:"reading_ended,omitzero"`
	// ServerCount is how many users the server counted after the reading. It
	// is nil where it did not say.
	ServerCount *int `json:"server_count,omitempty"`
	// TakenBy is the account that read it.
	TakenBy Account `json:"taken_by"`
	Policy  Policy  `json:"policy"`
	// LoginsTold and MFATold are whether the server says of anybody when they
	// logged in last, and whether they have MFA.
	LoginsTold bool   `json:"logins_told"`
	MFATold    bool   `json:"mfa_told"`
	Totals     Totals `json:"totals"`
	Roles      []Role `json:"roles"`
	// LastSeen and MFA count members, Pending the invitations that are.
	LastSeen []Count `json:"last_seen"`
	MFA      []Count `json:"mfa"`
	// AdministratorMFA counts those members that administer.
	AdministratorMFA []Count  `json:"administrator_mfa"`
	Pending          []Count  `json:"pending_by_age"`
	Domains          []Domain `json:"domains"`
	// Findings are those of every rule, also of one that found nobody, the
	// weightiest first.
	Findings []Finding `json:"findings"`
	// Users is everybody, by address.
	Users []*User `json:"users"`
}

// Organization is whose users these are.
type Organization struct {
	UID      string `json:"uid"`
	Name     string `json:"name,omitempty"`
	OwnerUID string `json:"owner_uid,omitempty"`
	// OwnerEmail is empty where the owner is not in the list.
	OwnerEmail string `json:"owner_email,omitempty"`
	// TransferPending is true while a transfer of ownership waits to be
	// accepted.
	TransferPending bool `json:"transfer_pending,omitempty"`
	// Enabled is false where the server does not say that it is.
	Enabled bool `json:"enabled,omitempty"`
	// ExpiresOn is when the subscription ends.
	ExpiresOn time.Time `json:"expires_on,omitzero"`
}

// Account is a person outside the list of users.
type Account struct {
	UID   string `json:"uid,omitempty"`
	Email string `json:"email,omitempty"`
	Name  string `json:"name,omitempty"`
}

// Policy is what the rules go by.
type Policy struct {
	// NotSeenFor is after how many days a member is told to be away.
	NotSeenFor int `json:"not_seen_for_days"`
	// AdminNotSeenFor is the same for administrators.
	AdminNotSeenFor int `json:"administrator_not_seen_for_days"`
	// NeverLoggedInFor is how many days a new member has to log in.
	NeverLoggedInFor int `json:"never_logged_in_for_days"`
	// PendingFor is after how many days an invitation is old.
	PendingFor int `json:"pending_for_days"`
	// Domains are the organization's own. Without any, domains that are rare
	// count as foreign.
	Domains []string `json:"domains,omitempty"`
	// PrivilegedRoles are names and uids of roles that count as administering
	// beside those of which the API says so.
	PrivilegedRoles []string `json:"privileged_roles,omitempty"`
}

// DefaultPolicy is a common one.
func DefaultPolicy() Policy {
	return Policy{NotSeenFor: 365, AdminNotSeenFor: 90, NeverLoggedInFor: 30, PendingFor: 30}
}

// Totals count users. A user who is not pending is a member.
type Totals struct {
	Users          int `json:"users"`
	Members        int `json:"members"`
	Pending        int `json:"pending"`
	Administrators int `json:"administrators"` // who are members
	WithoutRole    int `json:"without_role"`   // the owner has none and is not counted
	MFAOn          int `json:"mfa_on"`         // members
	WithFindings   int `json:"with_findings"`
}

// Role is an organization role and how many have it. Whoever has several
// counts in each.
type Role struct {
	UID           string `json:"uid,omitempty"`
	Name          string `json:"name"`
	Administrator bool   `json:"administrator,omitempty"`
	Members       int    `json:"members"`
	Pending       int    `json:"pending"`
}

// Count is how many users are alike in something.
type Count struct {
	Key   string `json:"key"`
	Label string `json:"label"`
	// From is of how many days ago these are at least.
	From  int `json:"from_days,omitempty"`
	Users int `json:"users"`
}

// Domain is what stands behind the @ of addresses.
type Domain struct {
	Name    string `json:"name"`
	Users   int    `json:"users"`
	Foreign bool   `json:"foreign,omitempty"`
}

// Finding is a rule and whom it is met by.
type Finding struct {
	Rule    string `json:"rule"`
	Title   string `json:"title"`
	Meaning string `json:"meaning"`
	// CannotTell is true where the server does not say what the rule asks.
	CannotTell bool    `json:"cannot_tell,omitempty"`
	Users      []Found `json:"users"`
}

// Found is somebody who meets a rule.
type Found struct {
	UID    string `json:"uid"`
	Email  string `json:"email"`
	Remark string `json:"remark"`
	User   *User  `json:"-"`
}

// The states of MFA. It is unknown where the server says nothing.
const (
	MFAOn      = "on"
	MFAOff     = "off"
	mfaUnknown = ""
)

// User is a member or a pending invitation.
type User struct {
	UID     string `json:"uid"` // of the membership or invitation
	UserUID string `json:"user_uid,omitempty"`
	Email   string `json:"email"`
	Name    string `json:"name,omitempty"`
	Status  string `json:"status,omitempty"`
	Owner   bool   `json:"is_owner,omitempty"`
	// Administrator is true for the owner and for whoever has a role that
	// administers, or will have it when the invitation is accepted.
	Administrator    bool      `json:"administrator,omitempty"`
	Roles            []string  `json:"roles,omitempty"`
	MFA              string    `json:"mfa,omitempty"`
	LastLoginAt      time.Time `json:"last_login_at,omitzero"`
	CreatedAt        time.Time `json:"created_at,omitzero"`
	InvitedAt        time.Time `json:"invited_at,omitzero"`
	InvitedBy        string    `json:"invited_by,omitempty"`
	AccessWithoutSSO bool      `json:"access_without_sso,omitempty"`
	// Findings are the keys of the rules that the user meets.
	Findings []string `json:"findings,omitempty"`

	from *orgusers.User
}

// Pending tells whether the user is an invitation that was not accepted.
func (u *User) Pending() bool { return u.from.Status == orgusers.StatusPending }

// Administrators are the members that administer, by address.
func (r *Report) Administrators() []*User {
	var found []*User
	for _, u := range r.Users {
		if u.Administrator && !u.Pending() {
			found = append(found, u)
		}
	}
	return found
}

// EndsSoon tells whether the subscription has ended or does within 90 days.
func (r *Report) EndsSoon() bool {
	end := r.Organization.ExpiresOn
	return !end.IsZero() && end.Before(r.TakenAt.AddDate(0, 0, 90))
}
