package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/orgusers/orgusers"
)

func newAccessCommand(t *tool) *cobra.Command {
	return newGroup("access", "Show who has what, and through what", newAccessListCommand(t))
}

func newAccessListCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the roles, stacks and teams of users, and what each comes through",
		Long: `List the roles, stacks and teams of users, and what each comes through. Without
--email it lists all users. It reads the roles of every stack.

With --output json it writes the records that 'orgusers users restore' takes.`,
		Args: noArgs,
	}
	emails := cmd.Flags().StringSlice("email", nil, "only these `addresses`, separated by commas; can be repeated")
	allowUnread := cmd.Flags().Bool("allow-unread", false, "continue if the roles of a stack cannot be read, and name the stack")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		o, err := t.open(cmd.Context())
		if err != nil {
			return err
		}
		defer o.close()
		access, err := orgusers.Collect(o.client.Access(cmd.Context(), &orgusers.AccessOptions{Emails: *emails, AllowUnread: *allowUnread}))
		if err != nil {
			return err
		}
		for _, email := range *emails {
			if !slices.ContainsFunc(access, func(a *orgusers.UserAccess) bool {
				return strings.EqualFold(a.User.Email, strings.TrimSpace(email))
			}) {
				t.say("%s is not in the organization", plain(strings.TrimSpace(email)))
			}
		}
		if t.output == "json" {
			return writeList(t, o, "access", access, nil)
		}
		rows := [][]string{{"Email", "Kind", "What", "Role", "Through"}}
		for _, a := range access {
			rows = append(rows, accessRows(a)...)
		}
		return t.writeRows(t.stdout, rows)
	}
	return cmd
}

// accessRows returns a row for each thing that a user has.
func accessRows(a *orgusers.UserAccess) [][]string {
	var rows [][]string
	add := func(kind, what, role, through string) {
		rows = append(rows, []string{a.User.Email, kind, what, role, through})
	}
	if a.User.Owner {
		add("organization", "", "owner", "direct")
	}
	for _, r := range a.Roles {
		add("organization", "", r.RoleName, through(r.Direct, r.MaybeDirect, r.Teams))
	}
	for _, s := range a.Stacks {
		add("stack", s.Stack.Name, s.RoleName, through(s.Direct, s.MaybeDirect, s.Teams))
	}
	for _, s := range a.Owns {
		add("stack", s.Name, "owner of the stack", "direct")
	}
	for _, team := range a.Teams {
		add("team", team.Name, "", "")
	}
	for _, s := range a.Unread {
		add("stack", s.Name, "could not be read", "")
	}
	if rows == nil {
		add("nothing", "", "", "")
	}
	return rows
}

// through says what a role comes through.
func through(direct, maybeDirect bool, teams []orgusers.TeamRef) string {
	var names []string
	if direct {
		names = append(names, "direct")
	}
	for _, team := range teams {
		names = append(names, "team "+team.Name)
	}
	if maybeDirect {
		names = append(names, "maybe direct")
	}
	return strings.Join(names, ", ")
}
