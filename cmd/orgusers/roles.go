package main

import (
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/orgusers/orgusers"
)

func newRolesCommand(t *tool) *cobra.Command {
	return newGroup("roles", "List the organization roles, and give them to members",
		newRolesListCommand(t),
		newRolesSetCommand(t),
	)
}

func newRolesListCommand(t *tool) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the organization roles",
		Args:  noArgs,
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

func newRolesSetCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set",
		Short: "Give members exactly these organization roles",
		Long: `Give members exactly these organization roles, by name or uid. Other roles are
taken from them. Pending invitations are skipped.

The API has no request of its own for it: the tool sends the request of an
invitation and reads the roles back. The service may send an email.`,
		Example: `  orgusers roles set --email ada@example.com --role member --role "security manager" --apply`,
		Args:    noArgs,
	}
	addresses := addAddressFlags(cmd)
	roles := roleFlag(cmd)
	flags := addChangeFlags(cmd)
	minimum := minAdministratorsFlag(cmd)
	file := endpointsFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx := cmd.Context()
		emails, err := addresses.read(ctx)
		if err != nil {
			return err
		}
		endpoints, options, err := readEndpoints(*file)
		if err != nil {
			return err
		}
		o, err := t.open(ctx, append(options, orgusers.WithGuards(orgusers.Guards{MinAdministrators: *minimum}))...)
		if err != nil {
			return err
		}
		defer o.close()
		if err := t.announce(ctx, o); err != nil {
			return err
		}
		if e := endpoints.UpdateRoles; e.Path != "" && !*flags.apply {
			t.say("dry run: the request would be %s %s", e.Method, e.Path)
		}
		p := t.newProgress("members")
		bulk := flags.options(p)
		result, err := o.client.UpdateRoles(ctx, emails, *roles, &bulk)
		p.Clear()
		err = nameRoles(err, o.client.Roles(ctx))
		return t.report(o, change{done: "changed", ifUnknown: "look at the roles in a minute: 'orgusers users get'"}, result, err)
	}
	return cmd
}

func roleFlag(cmd *cobra.Command) *[]string {
	roles := cmd.Flags().StringSlice("role", nil, "`roles` by name or uid, separated by commas; can be repeated")
	_ = cmd.MarkFlagRequired("role") // the flag is there
	return roles
}

// nameRoles adds the names of the existing roles to an error about a role that
// does not exist.
func nameRoles(err error, existing iter.Seq2[*orgusers.Role, error]) error {
	if !isLocallyInvalid(err) || !errors.Is(err, orgusers.ErrNotFound) {
		return err
	}
	roles, failed := readNamed(existing, nameRole)
	if failed != nil {
		return err
	}
	return fmt.Errorf("%w; there are %s", err, quoteNames(roles))
}
