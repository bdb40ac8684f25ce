package main

import (
	"context"
	"errors"
	"flag"
	"slices"
	"strings"

	"github.com/orgusers/orgusers"
)

// action is something to do for users.
type action struct {
	flag, usage string
	mails       bool // each time that it is done
	asked       bool
	run         bulkCall
}

type bulkCall func(ctx context.Context, client *orgusers.Client, emails []string, options *orgusers.BulkOptions) (*orgusers.BulkResult, error)

// method makes a bulk call of a client's method.
func method(m func(*orgusers.Client, context.Context, []string, *orgusers.BulkOptions) (*orgusers.BulkResult, error)) bulkCall {
	return func(ctx context.Context, client *orgusers.Client, emails []string, options *orgusers.BulkOptions) (*orgusers.BulkResult, error) {
		return m(client, ctx, emails, options)
	}
}

type actionList []*action

// actionFlags adds a flag for each action to a program's. They are taken in
// this order: sessions end when the old password is of no use any more.
func actionFlags(flags *flag.FlagSet) actionList {
	all := actionList{
		{flag: "unlock", usage: "unlock accounts that are locked after failed logins", run: method((*orgusers.Client).UnlockUsers)},
		{flag: "reset-mfa", mails: true, usage: "reset multi-factor authentication; the users get mail", run: method((*orgusers.Client).ResetMFA)},
		{flag: "force-password-reset", mails: true, usage: "let users choose a new password at their next login; they get mail", run: method((*orgusers.Client).ForcePasswordReset)},
		{flag: "end-sessions", usage: "log users out", run: method((*orgusers.Client).EndSessions)},
		{flag: "password-mail", mails: true, usage: "mail users the instructions for a new password", run: mailPasswordResets},
	}
	for _, a := range all {
		flags.BoolVar(&a.asked, a.flag, false, a.usage)
	}
	return all
}

func (l actionList) picked() []*action {
	return slices.DeleteFunc(slices.Clone(l), func(a *action) bool { return !a.asked })
}

func (l actionList) names() string {
	var names []string
	for _, a := range l {
		names = append(names, "-"+a.flag)
	}
	return strings.Join(names, ", ")
}

// mailPasswordResets mails members the instructions for a new password, one by
// one, until the context ends.
func mailPasswordResets(ctx context.Context, client *orgusers.Client, emails []string, options *orgusers.BulkOptions) (*orgusers.BulkResult, error) {
	users, err := client.FindUsers(ctx, emails...)
	if err != nil {
		return &orgusers.BulkResult{}, err
	}
	found := map[string]*orgusers.User{}
	for _, u := range users {
		found[strings.ToLower(u.Email)] = u
	}
	result := new(orgusers.BulkResult)
	var errs []error
	for i, email := range emails {
		o := orgusers.Outcome{Email: email, Status: orgusers.OutcomeDone}
		switch u := found[strings.ToLower(email)]; {
		case u == nil:
			o.Status, o.Reason = orgusers.OutcomeSkipped, "is not in the organization"
		case u.Status == orgusers.StatusPending:
			o.Status, o.Reason = orgusers.OutcomeSkipped, "has not accepted the invitation"
		case !options.DryRun:
			o.Status, o.Err = mailPasswordReset(ctx, client, u.Email)
		}
		result.Outcomes = append(result.Outcomes, o)
		errs = append(errs, o.Err)
		if options.Progress != nil {
			options.Progress(i+1, len(emails))
		}
	}
	return result, errors.Join(errs...)
}

func mailPasswordReset(ctx context.Context, client *orgusers.Client, email string) (orgusers.OutcomeStatus, error) {
	err := ctx.Err()
	if err == nil {
		err = client.SendPasswordReset(ctx, email)
	}
	switch {
	case err == nil:
		return orgusers.OutcomeDone, nil
	case errors.Is(err, orgusers.ErrOutcomeUnknown):
		return orgusers.OutcomeUnknown, err
	default:
		return orgusers.OutcomeFailed, err
	}
}
