package main

import (
	"context"
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
		{flag: "password-mail", mails: true, usage: "mail users the instructions for a new password", run: method((*orgusers.Client).SendPasswordResets)},
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
