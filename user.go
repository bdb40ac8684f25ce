package orgusers

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
)

// User is a person in the organization: a member, or somebody invited who has
// not accepted yet. The API calls it a share of the organization.
//
// A zero time is one that is unknown or never was. A User marshals to JSON
// under the API's own names, with times in RFC 3339 and without what is
// unknown, and unmarshals from that and from every shape in which the API may
// send it. The acceptance token of an invitation is never read.
type User struct {
	// ShareUID is the uid of the membership or invitation; it is what
	// ResendInvitation takes.
	ShareUID string `json:"uid,omitempty"`
	// UID is the account's. It is empty while an invited address has none.
	UID   string `json:"user_uid,omitempty"`
	Email string `json:"email,omitempty"`
	// FirstName and LastName of somebody without an account are made up by
	// the service: the local part of the address, and NO_LAST_NAME or N/A.
	FirstName string     `json:"first_name,omitempty"`
	LastName  string     `json:"last_name,omitempty"`
	Status    UserStatus `json:"status,omitempty"`
	// Owner is true for the one owner of the organization, who may have no
	// role at all.
	Owner bool `json:"is_owner,omitempty"`
	// Roles are the organization roles. Their names are empty where the server
	// sent uids alone; see [Client.Roles].
	Roles       []RoleRef `json:"org_roles,omitempty"`
	InvitedBy   Inviter   `json:"invited_by,omitzero"`
	InvitedAt   time.Time `json:"invited_at,omitzero"`
	LastLoginAt time.Time `json:"last_login_at,omitzero"`
	CreatedAt   time.Time `json:"created_at,omitzero"`
	UpdatedAt   time.Time `json:"updated_at,omitzero"`
	MFA         MFAStatus `json:"tfa_status,omitempty"`
	// Message is the text of the invitation.
	Message string `json:"message,omitempty"`
	// AccessWithoutSSO lets somebody log in without the single sign-on that the
	// organization wants of others.
	AccessWithoutSSO bool `json:"access_without_sso,omitempty"`
}

// UserStatus is the state of a membership. Values that are not among the
// constants are kept as the server sent them.
type UserStatus string

// The documented states.
const (
	StatusPending  UserStatus = "pending"
	StatusAccepted UserStatus = "accepted"
)

// MFAStatus is the state of multi-factor authentication as the server words
// it; empty where it said nothing, which need not mean that it is off. Only
// [MFAVerified] is known.
type MFAStatus string

// MFAVerified says that multi-factor authentication is on.
const MFAVerified MFAStatus = "verified"

// RoleRef names an organization role of a user.
type RoleRef struct {
	UID  string `json:"uid,omitempty"`
	Name string `json:"name,omitempty"`
}

// Inviter is who invited a user. The service itself invites as UID "System".
// Email is empty where the server sent the uid alone.
type Inviter struct {
	UID   string `json:"uid,omitempty"`
	Email string `json:"email,omitempty"`
}

// serviceItself is an Inviter's UID, and nobody's.
const serviceItself = "System"

// UnmarshalJSON reads a user in any shape that the API may send.
func (u *User) UnmarshalJSON(data []byte) error {
	var s share
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	s.user(u)
	return nil
}

// share is a user as it comes over the wire. Where the details of the account
// sit is not documented, so they may sit anywhere.
type share struct {
	UID              string     `json:"uid"`
	Email            string     `json:"email"`
	UserUID          string     `json:"user_uid"`
	Status           UserStatus `json:"status"`
	IsOwner          bool       `json:"is_owner"`
	OrgRoles         []roleRef  `json:"org_roles"`
	InvitedBy        inviter    `json:"invited_by"`
	InvitedAt        timestamp  `json:"invited_at"`
	CreatedAt        timestamp  `json:"created_at"`
	UpdatedAt        timestamp  `json:"updated_at"`
	UpdateAt         timestamp  `json:"update_at"` // in older samples
	Message          string     `json:"message"`
	AccessWithoutSSO bool       `json:"access_without_sso"`
	details
	User        nested `json:"user"`
	UserDetails nested `json:"user_details"`
}

type details struct {
	FirstName   string    `json:"first_name"`
	LastName    string    `json:"last_name"`
	TFAStatus   MFAStatus `json:"tfa_status"`
	LastLoginAt timestamp `json:"last_login_at"`
}

func (s *share) user(u *User) {
	*u = User{
		ShareUID:         s.UID,
		UID:              s.UserUID,
		Email:            s.Email,
		FirstName:        s.FirstName,
		LastName:         s.LastName,
		Status:           s.Status,
		Owner:            s.IsOwner,
		InvitedBy:        Inviter(s.InvitedBy),
		InvitedAt:        s.InvitedAt.Time,
		LastLoginAt:      s.LastLoginAt.Time,
		CreatedAt:        s.CreatedAt.Time,
		UpdatedAt:        s.UpdatedAt.Time,
		MFA:              s.TFAStatus,
		Message:          s.Message,
		AccessWithoutSSO: s.AccessWithoutSSO,
	}
	if u.UpdatedAt.IsZero() {
		u.UpdatedAt = s.UpdateAt.Time
	}
	if len(s.OrgRoles) > 0 {
		u.Roles = make([]RoleRef, len(s.OrgRoles))
		for i, role := range s.OrgRoles {
			u.Roles[i] = RoleRef(role)
		}
	}
	for _, from := range []*details{s.User.details, s.UserDetails.details} {
		if from != nil {
			from.fill(u)
		}
	}
}

// fill adds what the user does not have yet.
func (d *details) fill(u *User) {
	if u.FirstName == "" {
		u.FirstName = d.FirstName
	}
	if u.LastName == "" {
		u.LastName = d.LastName
	}
	if u.MFA == "" {
		u.MFA = d.TFAStatus
	}
	if u.LastLoginAt.IsZero() {
		u.LastLoginAt = d.LastLoginAt.Time
	}
}

// nested is details, or something else that is none of our business.
type nested struct{ *details }

func (n *nested) UnmarshalJSON(data []byte) error {
	if data[0] != '{' {
		return nil
	}
	n.details = new(details)
	return json.Unmarshal(data, n.details)
}

// roleRef is a role's uid, or an object with uid and name.
type roleRef RoleRef

func (r *roleRef) UnmarshalJSON(data []byte) error {
	if text, after, ok := plainText(data); ok && len(after) == 0 {
		r.UID = string(text)
		return nil
	}
	if data[0] != '{' {
		return json.Unmarshal(data, &r.UID)
	}
	plain := RoleRef{}
	if plainObject(data, func(name, value []byte) {
		switch string(name) {
		case "uid":
			plain.UID = string(value)
		case "name":
			plain.Name = string(value)
		}
	}) {
		*r = roleRef(plain)
		return nil
	}
	return json.Unmarshal(data, (*RoleRef)(r))
}

// inviter is a user's uid, the word System, or an object with uid and email.
type inviter Inviter

func (i *inviter) UnmarshalJSON(data []byte) error {
	if text, after, ok := plainText(data); ok && len(after) == 0 {
		i.UID = string(text)
		return nil
	}
	if data[0] != '{' {
		return json.Unmarshal(data, &i.UID)
	}
	plain := Inviter{}
	if plainObject(data, func(name, value []byte) {
		switch string(name) {
		case "uid":
			plain.UID = string(value)
		case "email":
			plain.Email = string(value)
		}
	}) {
		*i = inviter(plain)
		return nil
	}
	return json.Unmarshal(data, (*Inviter)(i))
}

// timestamp reads null and the empty string as the zero time. Anything else
// that is no time is an error: a zero time would pass for "never".
type timestamp struct{ time.Time }

func (t *timestamp) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) || bytes.Equal(data, []byte(`""`)) {
		return nil
	}
	if len(data) < 2 || data[0] != '"' {
		return errors.New("a time is no text")
	}
	text := data[1 : len(data)-1]
	if parsed, ok := parseMillis(text); ok {
		t.Time = parsed
		return nil
	}
	parsed, err := time.Parse(time.RFC3339Nano, string(text))
	parsed = parsed.UTC()
	if err != nil || parsed.Year() < 0 || parsed.Year() > 9999 { // which the offset can make of it
		return errors.New("a time is not in RFC 3339")
	}
	t.Time = parsed
	return nil
}

// parseMillis reads 2006-01-02T15:04:05.000Z, which is all that the API
// sends, in a tenth of the time that time.Parse takes.
func parseMillis(text []byte) (time.Time, bool) {
	const layout = "2006-01-02T15:04:05.000Z"
	if len(text) != len(layout) {
		return time.Time{}, false
	}
	for i := range text {
		digit := text[i] >= '0' && text[i] <= '9'
		if wanted := layout[i] >= '0' && layout[i] <= '9'; digit != wanted || !wanted && text[i] != layout[i] {
			return time.Time{}, false
		}
	}
	number := func(from, to int) int {
		n := 0
		for _, digit := range text[from:to] {
			n = 10*n + int(digit-'0')
		}
		return n
	}
	month, day, hour, minute, second := number(5, 7), number(8, 10), number(11, 13), number(14, 16), number(17, 19)
	t := time.Date(number(0, 4), time.Month(month), day, hour, minute, second, number(20, 23)*int(time.Millisecond), time.UTC)
	// time.Date carries what is out of range over, and so gives itself away.
	if t.Month() != time.Month(month) || t.Day() != day || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	return t, true
}
