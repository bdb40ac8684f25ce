package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/orgusers/orgusers"
)

func newOrganizationsCommand(t *tool) *cobra.Command {
	return newGroup("organizations", "List and show organizations, transfer the ownership",
		newOrganizationsListCommand(t),
		newOrganizationsShowCommand(t),
		newOrganizationsTransferCommand(t),
	)
}

func newOrganizationsListCommand(t *tool) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the organizations of the account",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := t.openAccount(cmd.Context())
			if err != nil {
				return err
			}
			defer o.close()
			organizations, err := orgusers.Collect(o.client.Organizations(cmd.Context()))
			if err != nil {
				return err
			}
			return writeList(t, o, "organizations", organizations, []column[*orgusers.Organization]{
				{"Name", func(o *orgusers.Organization) string { return o.Name }},
				{"Uid", func(o *orgusers.Organization) string { return o.UID }},
				{"Owner", func(o *orgusers.Organization) string { return yesNo(o.Owner) }},
				{"Expires", func(o *orgusers.Organization) string { return formatTime(o.ExpiresOn) }},
			})
		},
	}
}

func newOrganizationsShowCommand(t *tool) *cobra.Command {
	return &cobra.Command{
		Use:   "show",
		Short: "Show the organization, with the limits of its plan",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := t.open(cmd.Context())
			if err != nil {
				return err
			}
			defer o.close()
			organization, err := o.client.GetOrganization(cmd.Context(), &orgusers.OrganizationOptions{IncludePlan: true})
			if err != nil {
				return err
			}
			fields := [][2]string{
				{"Name", organization.Name},
				{"Uid", organization.UID},
				{"Enabled", yesNo(organization.Enabled)},
				{"Owner uid", organization.OwnerUID},
				{"Ownership offered to", organization.TransferTo},
				{"Created", formatTime(organization.CreatedAt)},
				{"Expires", formatTime(organization.ExpiresOn)},
			}
			return t.writeDetails(o, "details", organization, append(fields, planLimits(organization.Plan)...))
		},
	}
}

// planLimits returns what a plan says about users and requests.
func planLimits(plan *orgusers.Plan) [][2]string {
	if plan == nil {
		return nil
	}
	limits := [][2]string{{"Plan", plan.Name}}
	for _, feature := range plan.Features {
		if !slices.Contains([]string{"users", "getLimit", "limit", "bulkLimit", "bulk_user_actions", "mfaResetAccess", "teams"}, feature.UID) {
			continue
		}
		value := "off"
		if feature.Enabled {
			value = "on"
		}
		if feature.Limit > 0 {
			value += ", " + strconv.FormatFloat(feature.Limit, 'f', -1, 64)
		}
		limits = append(limits, [2]string{"Plan: " + feature.UID, value})
	}
	return limits
}

func newOrganizationsTransferCommand(t *tool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "transfer-ownership",
		Short: "Offer the organization to one of its members",
		Long: `Offer the organization to one of its members, who gets an email and becomes the
owner by accepting. Only the owner can do it.`,
		Args: noArgs,
	}
	to := cmd.Flags().String("to", "", "`address` of the member")
	_ = cmd.MarkFlagRequired("to") // the flag is there
	apply := applyFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ctx := cmd.Context()
		o, err := t.open(ctx)
		if err != nil {
			return err
		}
		defer o.close()
		if err := t.announce(ctx, o); err != nil {
			return err
		}
		outcome := orgusers.Outcome{Email: *to, Status: orgusers.OutcomePlanned}
		if *apply {
			err = o.client.TransferOwnership(ctx, *to)
			outcome = transferOutcome(*to, err)
		} else {
			outcome.User, err = o.client.GetUser(ctx, *to)
			if err == nil && outcome.User.Status == orgusers.StatusPending {
				err = badInput("%s has not accepted the invitation yet", *to)
			}
			if err != nil {
				return fmt.Errorf("nothing was changed: %w", err)
			}
		}
		result := &orgusers.BulkResult{DryRun: !*apply, Outcomes: []orgusers.Outcome{outcome}}
		return t.report(o, change{done: "offered the organization", ifUnknown: "'orgusers organizations show' shows whether it was"}, result, err)
	}
	return cmd
}

// transferOutcome returns the outcome of a transfer of ownership.
func transferOutcome(email string, err error) orgusers.Outcome {
	outcome := orgusers.Outcome{Email: email, Status: orgusers.OutcomeDone, Err: err}
	switch {
	case err == nil:
	case errors.Is(err, orgusers.ErrRefused), isLocallyInvalid(err):
		outcome.Status, outcome.Detail = orgusers.OutcomeRefused, withoutPackage(err.Error())
	case errors.Is(err, orgusers.ErrOutcomeUnknown):
		outcome.Status, outcome.Detail = orgusers.OutcomeUnknown, explain(err)
	default:
		outcome.Status, outcome.Detail = orgusers.OutcomeFailed, explain(err)
	}
	return outcome
}
