package main

import (
	"github.com/spf13/cobra"
)

func newInvitationsCommand(t *tool) *cobra.Command {
	return newGroup("invitations", "List, send, resend and withdraw invitations",
		newInvitationsWithdrawCommand(t),
	)
}

func newInvitationsWithdrawCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "withdraw --email ADDRESS,…",
		Short: "Withdraw pending invitations",
		Long:  "Withdraw pending invitations. Members are skipped.",
		Args:  cobra.NoArgs,
	}
	addresses := addAddressFlags(cmd)
	flags := addChangeFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx := cmd.Context()
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
		p := t.newProgress("invitations")
		options := flags.options(p)
		result, err := o.client.WithdrawInvitations(ctx, emails, &options)
		p.Clear()
		return t.report(o, change{done: "withdrawn", ifUnknown: "run it again: it looks first which invitations are there"}, result, err)
	}
	return cmd
}
