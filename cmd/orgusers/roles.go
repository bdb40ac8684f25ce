package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/orgusers/orgusers"
)

func newRolesCommand(t *tool) *cobra.Command {
	return newGroup("roles", "List the organization roles, and give them to members",
		newRolesListCommand(t),
	)
}

func newRolesListCommand(t *tool) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the organization roles",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := t.open(cmd.Context())
			if err != nil {
				return err
			}
			defer o.close()
			roles, err := orgusers.Collect(o.client.Roles(cmd.Context()))
			if err != nil {
				return err
			}
			return writeList(t, o, "roles", roles, []column[*orgusers.Role]{
				{"Name", func(r *orgusers.Role) string { return r.Name }},
				{"Uid", func(r *orgusers.Role) string { return r.UID }},
				{"Admin", func(r *orgusers.Role) string { return yesNo(r.Admin) }},
				{"Users", func(r *orgusers.Role) string { return strconv.Itoa(len(r.Users)) }},
				{"Description", func(r *orgusers.Role) string { return r.Description }},
			})
		},
	}
}
