package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/addresslist"
	"github.com/orgusers/orgusers/examples/internal/lastseen"
	"github.com/orgusers/orgusers/examples/internal/program"
)

// errNoLogins keeps an organization from being emptied because its server does
// not tell who has logged in.
var errNoLogins = errors.New("nobody in the organization has a last login, so nobody can be told to have been away; nothing was sent")

// people are the users to remove, as far as they are in the organization.
type people struct {
	client   *orgusers.Client
	stderr   io.Writer
	progress *program.Progress
	users    map[string]*orgusers.User // by their address in small letters
}

// find looks up the addresses of a list. All who cannot be removed are mistakes
// in it: an error of the package is about the first of them alone.
func (p *people) find(ctx context.Context, list *addresslist.List, given []*addresslist.Entry) error {
	users, err := p.client.FindUsers(ctx, addresslist.Emails(given))
	if err != nil {
		return err
	}
	_, err = p.keep(ctx, users, func(u *orgusers.User, who string) {
		for _, e := range given {
			if strings.EqualFold(e.Email, u.Email) {
				list.TakeOut(e, "cannot be removed, since that is "+who)
			}
		}
	})
	if err != nil {
		return err
	}
	return list.Mistakes()
}

// notSeen finds who was not seen for some time, and leaves out those who
// cannot be removed.
func (p *people) notSeen(ctx context.Context, rule *lastseen.Rule, pending bool, now time.Time) (emails []string, err error) {
	var users []*orgusers.User
	read, logins := 0, 0
	for u, err := range p.client.Users(ctx, &orgusers.ListUsersOptions{Sort: orgusers.Sort{By: orgusers.SortByEmail}}) {
		if err != nil {
			return nil, err
		}
		if !u.LastLoginAt.IsZero() {
			logins++
		}
		if u.LastLoginAt.IsZero() && u.CreatedAt.IsZero() && u.InvitedAt.IsZero() {
			continue // of whom nothing is known is not removed for it
		}
		if rule.Member(u, now) || pending && rule.Invitation(u, now) {
			users = append(users, u)
		}
		read++
		p.progress.Set(read, -1)
	}
	if logins == 0 && len(users) > 0 {
		return nil, errNoLogins
	}
	return p.keep(ctx, users, func(u *orgusers.User, who string) {
		program.Say(p.stderr, "%s: %s is left out: %s", name, u.Email, who)
	})
}

// keep remembers users, and returns the addresses of those who can be removed.
// The others are told to spare, with who they are.
func (p *people) keep(ctx context.Context, users []*orgusers.User, spare func(u *orgusers.User, who string)) (emails []string, err error) {
	me, err := p.client.GetCurrentUser(ctx)
	if err != nil {
		return nil, err
	}
	organization, err := p.client.GetOrganization(ctx, nil)
	if err != nil {
		return nil, err
	}
	p.progress.Clear()
	p.users = make(map[string]*orgusers.User, len(users))
	for _, u := range users {
		p.users[strings.ToLower(u.Email)] = u
		switch {
		case u.Owner, u.UID != "" && u.UID == organization.OwnerUID:
			spare(u, "the organization's owner")
		case strings.EqualFold(u.Email, me.Email), u.UID != "" && u.UID == me.UID:
			spare(u, "you yourself")
		default:
			emails = append(emails, u.Email)
		}
	}
	return emails, nil
}
