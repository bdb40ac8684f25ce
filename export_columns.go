package orgusers

import (
	"strings"
	"time"
)

// Column is one column of an export.
type Column struct {
	// Header is the text of the first row.
	Header string
	// Value makes the cell of a user, and must not be nil. It is given users
	// with the names of their roles and the inviter's address, as far as the
	// server or the rest of the organization tells them, once each and in no
	// particular order, and must not keep or change them.
	Value func(*User) string

	// presentInviter has Value see an inviter only while the inviter is in the
	// organization.
	presentInviter bool
}

// DefaultColumns are the columns of an export that asks for no others: Email,
// First Name, Last Name, Organization Roles, Status, MFA, Invited By, Invited
// At, Last Login At, User UID, Created At, Updated At. Times are in RFC 3339
// and UTC, and empty where they are unknown or never were; several roles are
// separated by "; ".
func DefaultColumns() []Column {
	return []Column{
		{Header: "Email", Value: func(u *User) string { return u.Email }},
		{Header: "First Name", Value: func(u *User) string { return u.FirstName }},
		{Header: "Last Name", Value: func(u *User) string { return u.LastName }},
		{Header: "Organization Roles", Value: organizationRoles},
		{Header: "Status", Value: func(u *User) string { return string(u.Status) }},
		{Header: "MFA", Value: func(u *User) string { return string(u.MFA) }},
		{Header: "Invited By", Value: func(u *User) string {
			if u.InvitedBy.Email != "" {
				return u.InvitedBy.Email
			}
			return u.InvitedBy.UID
		}},
		{Header: "Invited At", Value: func(u *User) string { return rfc3339(u.InvitedAt) }},
		{Header: "Last Login At", Value: func(u *User) string { return rfc3339(u.LastLoginAt) }},
		{Header: "User UID", Value: func(u *User) string { return u.UID }},
		{Header: "Created At", Value: func(u *User) string { return rfc3339(u.CreatedAt) }},
		{Header: "Updated At", Value: func(u *User) string { return rfc3339(u.UpdatedAt) }},
	}
}

// CSDXColumns are the columns of the file that the vendor's command line tool
// writes (csdx cm:export-to-csv --action users), so that scripts made for that
// file can read this one: Email, User UID, Organization Role, Status, Invited
// By, Created Time, Updated Time. The cells are the same with
// ExportOptions.KeepFormulas, except that the tool's dates are in local time and these
// in UTC, and that a missing date is empty here and NaN/NaN/NaN there. The
// tool's rows come in the order of the API.
func CSDXColumns() []Column {
	return []Column{
		{Header: "Email", Value: func(u *User) string { return u.Email }},
		{Header: "User UID", Value: func(u *User) string { return u.UID }},
		{Header: "Organization Role", Value: func(u *User) string {
			switch {
			case u.Owner:
				return "Owner"
			case len(u.Roles) == 0:
				return "No Role"
			default:
				return roleName(u.Roles[0])
			}
		}},
		{Header: "Status", Value: func(u *User) string { return string(u.Status) }},
		{Header: "Invited By", presentInviter: true, Value: func(u *User) string {
			if u.InvitedBy.Email == "" {
				return "System"
			}
			return u.InvitedBy.Email
		}},
		{Header: "Created Time", Value: func(u *User) string { return monthDayYear(u.CreatedAt) }},
		{Header: "Updated Time", Value: func(u *User) string { return monthDayYear(u.UpdatedAt) }},
	}
}

// organizationRoles puts Owner first, which is no role in the list.
func organizationRoles(u *User) string {
	var names []string
	if u.Owner {
		names = append(names, "Owner")
	}
	for _, role := range u.Roles {
		names = append(names, roleName(role))
	}
	return strings.Join(names, "; ")
}

func roleName(role RoleRef) string {
	if role.Name != "" {
		return role.Name
	}
	return role.UID
}

func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.UTC()
	// Package time has a fast way for RFC3339 and none with milliseconds, so
	// they take the place of the Z: half the time in all.
	cell := t.AppendFormat(make([]byte, 0, 32), time.RFC3339)
	return string(t.AppendFormat(cell[:len(cell)-1], ".000Z"))
}

func monthDayYear(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("01/02/2006")
}
