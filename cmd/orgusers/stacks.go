package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/orgusers/orgusers"
)

func newStacksCommand(t *tool) *cobra.Command {
	return newGroup("stacks", "List stacks and who has access to one, give and take access",
		newStacksListCommand(t),
		newStacksAccessCommand(t),
		newStacksGrantCommand(t),
		newStacksRevokeCommand(t),
	)
}

func newStacksListCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the stacks of the organization", Args: noArgs}
	search := cmd.Flags().String("search", "", "only stacks whose name contains the `text`")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		o, err := t.open(cmd.Context())
		if err != nil {
			return err
		}
		defer o.close()
		stacks, err := orgusers.Collect(o.client.Stacks(cmd.Context(), &orgusers.StacksOptions{Search: *search}))
		if err != nil {
			return err
		}
		return writeList(t, o, "stacks", stacks, []column[*orgusers.Stack]{
			{"Name", func(s *orgusers.Stack) string { return s.Name }},
			{"API key", func(s *orgusers.Stack) string { return s.APIKey }},
			{"Users", func(s *orgusers.Stack) string { return strconv.Itoa(s.Users.Count) }},
			{"Owner", func(s *orgusers.Stack) string { return s.Owner.Email }},
			{"Created", func(s *orgusers.Stack) string { return formatTime(s.CreatedAt) }},
		})
	}
	return cmd
}

// stackUser is a user with access to a stack.
type stackUser struct {
	UID       string   `json:"user_uid"`
	Email     string   `json:"email,omitempty"`
	FirstName string   `json:"first_name,omitempty"`
	LastName  string   `json:"last_name,omitempty"`
	Roles     []string `json:"roles"`
}

func newStacksAccessCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "access",
		Short: "List the users of a stack with their roles in it",
		Long: `List the users of a stack with their roles in it. 'orgusers access list' also shows
which roles come through a team.`,
		Args: noArgs,
	}
	name := stackFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx := cmd.Context()
		o, err := t.open(ctx)
		if err != nil {
			return err
		}
		defer o.close()
		stack, err := findStack(ctx, o.client, *name)
		if err != nil {
			return err
		}
		byUID := map[string]*stackUser{}
		for role, err := range o.client.StackRoles(ctx, stack.APIKey) {
			if err != nil {
				return err
			}
			for _, uid := range role.Users {
				if byUID[uid] == nil {
					byUID[uid] = &stackUser{UID: uid}
				}
				byUID[uid].Roles = append(byUID[uid].Roles, role.Name)
			}
		}
		for user, err := range o.client.Users(ctx, nil) {
			if err != nil {
				return err
			}
			if found := byUID[user.UID]; found != nil {
				found.Email, found.FirstName, found.LastName = user.Email, user.FirstName, user.LastName
			}
		}
		users := slices.SortedFunc(maps.Values(byUID), func(a, b *stackUser) int {
			return strings.Compare(strings.ToLower(a.Email)+a.UID, strings.ToLower(b.Email)+b.UID)
		})
		return writeList(t, o, "users", users, []column[*stackUser]{
			{"Email", func(u *stackUser) string { return u.Email }},
			{"Name", func(u *stackUser) string { return u.FirstName + " " + u.LastName }},
			{"Roles", func(u *stackUser) string { return strings.Join(u.Roles, ", ") }},
			{"User uid", func(u *stackUser) string { return u.UID }},
		})
	}
	return cmd
}

func newStacksGrantCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "grant",
		Short: "Give members exactly these roles in one stack",
		Long: `Give members exactly these roles in one stack, by name or uid. They replace the
roles that the members had in it; other stacks do not change. Pending invitations
are skipped. A role that comes through a team stays: the outcome is partial, and the
exit status 1.`,
		Example: `  orgusers stacks grant --stack Website --role Developer --email ada@example.com --apply`,
		Args:    noArgs,
	}
	name := stackFlag(cmd)
	roles := roleFlag(cmd)
	addresses := addAddressFlags(cmd)
	flags := addChangeFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return t.updateStackAccess(cmd.Context(), addresses, *name, *roles, flags, "granted")
	}
	return cmd
}

func newStacksRevokeCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "revoke",
		Short: "Take one stack from members",
		Long: `Take one stack from members. Access through a team stays: the outcome is partial,
and the exit status 1.`,
		Args: noArgs,
	}
	name := stackFlag(cmd)
	addresses := addAddressFlags(cmd)
	flags := addChangeFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return t.updateStackAccess(cmd.Context(), addresses, *name, nil, flags, "revoked")
	}
	return cmd
}

func (t *tool) updateStackAccess(ctx context.Context, addresses *addressFlags, name string, roles []string, flags changeFlags, done string) error {
	emails, err := addresses.read(ctx)
	if err != nil {
		return err
	}
	o, err := t.open(ctx)
	if err != nil {
		return err
	}
	defer o.close()
	if err := t.announce(ctx, o); err != nil {
		return err
	}
	stack, err := findStack(ctx, o.client, name)
	if err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	t.say("stack %q (%s)", stack.Name, stack.APIKey)
	p := t.newProgress("members")
	options := flags.options(p)
	result, err := o.client.UpdateStackAccess(ctx, stack.APIKey, emails, roles, &options)
	p.Clear()
	err = nameRoles(err, o.client.StackRoles(ctx, stack.APIKey))
	return t.report(o, change{done: done, ifUnknown: "run it again: it looks first who has the stack"}, result, err)
}

func stackFlag(cmd *cobra.Command) *string {
	stack := cmd.Flags().String("stack", "", "`stack` by name or API key")
	_ = cmd.MarkFlagRequired("stack") // the flag is there
	return stack
}

// findStack returns the stack with an API key or a name. An exact key comes first;
// names are compared without letter case.
func findStack(ctx context.Context, client *orgusers.Client, nameOrKey string) (*orgusers.Stack, error) {
	return getNamed("stack", client.Stacks(ctx, nil), nameOrKey, nameStack)
}
