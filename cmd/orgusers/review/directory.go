package review

import (
	"strings"

	"github.com/orgusers/orgusers"
)

// directory is who and what can be meant by a uid.
type directory struct {
	policy   Policy
	ownerUID string
	emails   map[string]string // of accounts, by uid
	present  map[string]bool   // addresses, in small letters
	roles    map[string]*orgusers.Role
}

func newDirectory(source *Source, policy Policy) *directory {
	d := &directory{
		policy:   policy,
		ownerUID: source.Organization.OwnerUID,
		emails:   map[string]string{},
		present:  map[string]bool{},
		roles:    map[string]*orgusers.Role{},
	}
	for _, u := range source.Users {
		d.present[strings.ToLower(u.Email)] = true
		if u.UID != "" {
			d.emails[u.UID] = u.Email
		}
	}
	for _, role := range source.Roles {
		d.roles[role.UID] = role
	}
	return d
}

func (d *directory) user(from *orgusers.User) *User {
	u := &User{
		UID:              from.ShareUID,
		UserUID:          from.UID,
		Email:            from.Email,
		Name:             fullName(from.FirstName, from.LastName),
		Status:           string(from.Status),
		Owner:            from.Owner || from.UID != "" && from.UID == d.ownerUID,
		LastLoginAt:      from.LastLoginAt,
		CreatedAt:        from.CreatedAt,
		InvitedAt:        from.InvitedAt,
		InvitedBy:        d.inviter(from.InvitedBy),
		AccessWithoutSSO: from.AccessWithoutSSO,
		from:             from,
	}
	if from.UID == "" {
		u.Name = "" // the service makes one up of the address
	}
	switch from.MFA {
	case orgusers.MFAVerified:
		u.MFA = MFAOn
	case mfaUnknown:
	default:
		u.MFA = MFAOff
	}
	u.Administrator = u.Owner
	for _, ref := range from.Roles {
		name := ref.Name
		if role := d.roles[ref.UID]; role != nil {
			name = role.Name
			u.Administrator = u.Administrator || d.policy.administers(role)
		}
		if name == "" {
			name = ref.UID
		}
		u.Roles = append(u.Roles, name)
		u.Administrator = u.Administrator || d.policy.privileged(ref.UID, name)
	}
	return u
}

// inviter is an address where one is known, and else a uid or the word System.
func (d *directory) inviter(by orgusers.Inviter) string {
	switch {
	case by.Email != "":
		return by.Email
	case d.emails[by.UID] != "":
		return d.emails[by.UID]
	}
	return by.UID
}

// gone tells whether an inviter is named and no longer in the organization.
func (d *directory) gone(by orgusers.Inviter) bool {
	if by.UID == "" && by.Email == "" || by.UID == "System" {
		return false
	}
	return d.emails[by.UID] == "" && !d.present[strings.ToLower(by.Email)]
}
