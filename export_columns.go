package orgusers

import (
	"cmp"
	"strings"
	"time"
)

// Column is one column of an export.
type Column struct {
	// Header is the cell in the first row.
	Header string
	// Value returns the cell of a user. It is called once for each row, in the
	// order of rows. The user has the names of roles. InvitedBy.Email is set if the
	// server sends it or the inviter is in the organization. Value must not be nil
	// and must not change the user.
	Value func(*User) string

	// onlyPresentInviter hides an inviter who has left the organization.
	onlyPresentInviter bool
	// access is the cell instead of Value, if it is set.
	access func(*UserAccess) string
}

// cell returns the cell of a user, whose inviter is in the organization if
// present is true.
func (c *Column) cell(u *User, present bool, access *UserAccess) string {
	if c.access != nil {
		return c.access(access)
	}
	if c.onlyPresentInviter && !present {
		anonymous := *u
		anonymous.InvitedBy = Inviter{}
		u = &anonymous
	}
	return c.Value(u)
}

// DefaultColumns returns the default columns: Email, First Name, Last Name,
// Organization Roles, Status, MFA, Invited By, Invited At, Last Login At, User
// UID, Created At, Updated At. Times are in RFC 3339 and UTC; an unknown time
// is empty. Roles are separated by "; ".
func DefaultColumns() []Column {
	return []Column{
		{Header: "Email", Value: func(u *User) string { return u.Email }},
		{Header: "First Name", Value: func(u *User) string { return u.FirstName }},
		{Header: "Last Name", Value: func(u *User) string { return u.LastName }},
		{Header: "Organization Roles", Value: organizationRoles},
		{Header: "Status", Value: func(u *User) string { return string(u.Status) }},
		{Header: "MFA", Value: func(u *User) string { return string(u.MFA) }},
		{Header: "Invited By", Value: func(u *User) string { return cmp.Or(u.InvitedBy.Email, u.InvitedBy.UID) }},
		{Header: "Invited At", Value: func(u *User) string { return rfc3339(u.InvitedAt) }},
		{Header: "Last Login At", Value: func(u *User) string { return rfc3339(u.LastLoginAt) }},
		{Header: "User UID", Value: func(u *User) string { return u.UID }},
		{Header: "Created At", Value: func(u *User) string { return rfc3339(u.CreatedAt) }},
		{Header: "Updated At", Value: func(u *User) string { return rfc3339(u.UpdatedAt) }},
	}
}

// CSDXColumns returns the columns of the file that the vendor's command line tool
// writes (csdx cm:export-to-csv --action users): Email, User UID, Organization
// Role, Status, Invited By, Created Time, Updated Time. Scripts written for that
// file can read this one.
//
// With ExportOptions.KeepFormulas the cells are the same, with two exceptions.
// Dates are in UTC; those of the tool are in local time. A missing date is empty;
// the tool writes NaN/NaN/NaN. The order of rows differs: the tool has that of
// the API.
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
				return cmp.Or(u.Roles[0].Name, u.Roles[0].UID)
			}
		}},
		{Header: "Status", Value: func(u *User) string { return string(u.Status) }},
		{Header: "Invited By", onlyPresentInviter: true, Value: func(u *User) string { return cmp.Or(u.InvitedBy.Email, "System") }},
		{Header: "Created Time", Value: func(u *User) string { return monthDayYear(u.CreatedAt) }},
		{Header: "Updated Time", Value: func(u *User) string { return monthDayYear(u.UpdatedAt) }},
	}
}

// AccessColumns returns columns of what users have access to. They need
// ExportOptions.Access, and their Value always returns "".
//
// Stacks has the roles in each stack, and the teams that give them: "Blog: Editor,
// Developer (Team A); Shop: Editor". Teams and Owned Stacks have names. The owner
// of the organization has access to every stack, also to those that are not in the
// cell.
func AccessColumns() []Column {
	column := func(header string, cell func(*UserAccess) string) Column {
		return Column{Header: header, Value: func(*User) string { return "" }, access: cell}
	}
	return []Column{
		column("Stacks", func(a *UserAccess) string {
			var stacks []string
			for i, grant := range a.Stacks {
				role := cmp.Or(grant.RoleName, grant.RoleUID)
				if len(grant.Teams) > 0 {
					role += " (" + namesOf(grant.Teams, ", ") + ")"
				}
				if i > 0 && a.Stacks[i-1].Stack == grant.Stack { // grants are sorted by stack
					stacks[len(stacks)-1] += ", " + role
				} else {
					stacks = append(stacks, cmp.Or(grant.Stack.Name, grant.Stack.APIKey)+": "+role)
				}
			}
			return strings.Join(stacks, "; ")
		}),
		column("Teams", func(a *UserAccess) string { return namesOf(a.Teams, "; ") }),
		column("Owned Stacks", func(a *UserAccess) string {
			var names []string
			for _, stack := range a.Owns {
				names = append(names, cmp.Or(stack.Name, stack.APIKey))
			}
			return strings.Join(names, "; ")
		}),
	}
}

func namesOf(teams []TeamRef, separator string) string {
	names := make([]string, len(teams))
	for i, team := range teams {
		names[i] = cmp.Or(team.Name, team.UID)
	}
	return strings.Join(names, separator)
}

// organizationRoles starts with Owner, which is not among the roles of a user.
func organizationRoles(u *User) string {
	var names []string
	if u.Owner {
		names = append(names, "Owner")
	}
	for _, role := range u.Roles {
		names = append(names, cmp.Or(role.Name, role.UID))
	}
	return strings.Join(names, "; ")
}

func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

func monthDayYear(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("01/02/2006")
}
