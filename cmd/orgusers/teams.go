package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/orgusers/orgusers"
)

func newTeamsCommand(t *tool) *cobra.Command {
	return newGroup("teams", "List teams and their users, add and remove users",
		newTeamsListCommand(t),
		newTeamsUsersCommand(t),
		newTeamsChangeCommand(t, "add", "Add members of the organization to a team",
			`Add members of the organization to a team. Other addresses are skipped, not invited.`,
			"added", (*orgusers.Client).AddToTeam),
		newTeamsChangeCommand(t, "remove", "Remove users from a team",
			`Remove users from a team. They lose the roles that come through this team only, and
stay in the organization.`,
			"removed", (*orgusers.Client).RemoveFromTeam),
	)
}

func newTeamsListCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the teams of the organization", Args: noArgs}
	search := cmd.Flags().String("search", "", "only teams whose name contains the `text`")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		o, err := t.open(cmd.Context())
		if err != nil {
			return err
		}
		defer o.close()
		teams, err := orgusers.Collect(o.client.Teams(cmd.Context(), &orgusers.TeamsOptions{Search: *search}))
		if err != nil {
			return err
		}
		return writeList(t, o, "teams", teams, []column[*orgusers.Team]{
			{"Name", func(g *orgusers.Team) string { return g.Name }},
			{"Uid", func(g *orgusers.Team) string { return g.UID }},
			{"Users", func(g *orgusers.Team) string { return strconv.Itoa(len(g.UserUIDs)) }},
			{"Roles", func(g *orgusers.Team) string { return strconv.Itoa(len(g.RoleUIDs)) }},
			{"Stacks", func(g *orgusers.Team) string { return strconv.Itoa(len(g.Stacks)) }},
			{"Description", func(g *orgusers.Team) string { return g.Description }},
		})
	}
	return cmd
}

func newTeamsUsersCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{Use: "users", Short: "List the users of a team", Args: noArgs}
	name := teamFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx := cmd.Context()
		o, err := t.open(ctx)
		if err != nil {
			return err
		}
		defer o.close()
		team, err := findTeam(ctx, o.client, *name)
		if err != nil {
			return err
		}
		users, err := orgusers.Collect(o.client.TeamUsers(ctx, team.UID))
		if err != nil {
			return err
		}
		return writeList(t, o, "users", users, []column[*orgusers.TeamUser]{
			{"Email", func(u *orgusers.TeamUser) string { return u.Email }},
			{"Name", func(u *orgusers.TeamUser) string { return u.FirstName + " " + u.LastName }},
			{"Status", func(u *orgusers.TeamUser) string { return string(u.Status) }},
			{"User uid", func(u *orgusers.TeamUser) string { return u.UID }},
		})
	}
	return cmd
}

// teamCall is a method of the client that changes the users of a team.
type teamCall func(client *orgusers.Client, ctx context.Context, team string, emails []string, options *orgusers.BulkOptions) (*orgusers.BulkResult, error)

func newTeamsChangeCommand(t *tool, use, short, long, done string, call teamCall) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Long: long, Args: noArgs}
	name := teamFlag(cmd)
	addresses := addAddressFlags(cmd)
	flags := addChangeFlags(cmd)
	minimum := new(int)
	if use == "remove" {
		minimum = minAdministratorsFlag(cmd)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx := cmd.Context()
		emails, err := addresses.read(ctx)
		if err != nil {
			return err
		}
		o, err := t.open(ctx, orgusers.WithGuards(orgusers.Guards{MinAdministrators: *minimum}))
		if err != nil {
			return err
		}
		defer o.close()
		if err := t.announce(ctx, o); err != nil {
			return err
		}
		team, err := findTeam(ctx, o.client, *name)
		if err != nil {
			return fmt.Errorf("nothing was changed: %w", err)
		}
		t.say("team %q (%s)", team.Name, team.UID)
		p := t.newProgress("users")
		options := flags.options(p)
		result, err := call(o.client, ctx, team.UID, emails, &options)
		p.Clear()
		return t.report(o, change{done: done, ifUnknown: "run it again: it looks first who is in the team"}, result, err)
	}
	return cmd
}

func teamFlag(cmd *cobra.Command) *string {
	team := cmd.Flags().String("team", "", "`team` by name or uid")
	_ = cmd.MarkFlagRequired("team") // the flag is there
	return team
}

// findTeam returns the team with a uid or a name. Names are compared without letter case.
func findTeam(ctx context.Context, client *orgusers.Client, nameOrUID string) (*orgusers.Team, error) {
	return getNamed("team", client.Teams(ctx, nil), nameOrUID, nameTeam)
}
