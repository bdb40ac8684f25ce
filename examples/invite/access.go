package main

import (
	"context"
	"flag"
	"strings"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/addresslist"
	"github.com/orgusers/orgusers/examples/internal/program"
)

// access is what the flags say that people are to get, of whom the file says
// nothing.
type access struct {
	roles  *[]string
	stacks *[]string // each NAME:ROLE,ROLE
}

func accessFlags(flags *flag.FlagSet) access {
	a := access{roles: program.Words(flags, "role", "give this organization `role`, or several separated by commas; can be given again"), stacks: new([]string)}
	flags.Func("stack", "give access to a stack: its name or API key, a colon, and its roles separated by commas, `stack:role,role`; can be given again", func(value string) error {
		*a.stacks = append(*a.stacks, value)
		return nil
	})
	return a
}

// resolve makes invitees of a list. All that is wrong with any of them is one
// error.
func resolve(ctx context.Context, client *orgusers.Client, people *addresslist.List, entries []*addresslist.Entry, flags access) ([]orgusers.Invitee, error) {
	r := &resolver{client: client, rolesOf: map[string]*choice{}}
	everybody, err := r.everybody(ctx, people, flags)
	if err != nil {
		return nil, err
	}
	first := map[string]*addresslist.Entry{}
	var invitees []orgusers.Invitee
	for _, e := range entries {
		note := func(format string, args ...any) { people.Mistake(e, format, args...) }
		key := strings.ToLower(e.Email)
		if earlier, twice := first[key]; twice && key != "" {
			note("%q is given already: %s", addresslist.Short(e.Email), people.Where(earlier))
		} else {
			first[key] = e
		}
		invitee := everybody
		invitee.Email = e.Email
		if roles := values(e.Cell("roles")); len(roles) > 0 {
			invitee.Roles, err = r.roles(ctx, roles, note)
		} else if len(*flags.roles) == 0 {
			note("there is no organization role: give -role, or say it in a column roles")
		}
		if err != nil {
			return nil, err
		}
		if stacks := values(e.Cell("stacks")); len(stacks) > 0 {
			if invitee.Stacks, err = r.stacks(ctx, stacks, note); err != nil {
				return nil, err
			}
		}
		invitees = append(invitees, invitee)
	}
	return invitees, people.Mistakes()
}

// given is what somebody is to get, as it was written.
func (a access) given(e *addresslist.Entry) (roles, stacks []string) {
	either := func(cell, flags []string) []string {
		if len(cell) == 0 {
			cell = flags
		}
		return append([]string{}, cell...) // JSON has no null for nothing
	}
	return either(values(e.Cell("roles")), *a.roles), either(values(e.Cell("stacks")), *a.stacks)
}

// values are those of a cell.
func values(cell string) []string {
	var all []string
	for value := range strings.SplitSeq(cell, ";") {
		if value = strings.TrimSpace(value); value != "" {
			all = append(all, value)
		}
	}
	return all
}

// resolver finds the uids of what is asked for by name. It reads what there is
// when it is first asked for.
type resolver struct {
	client  *orgusers.Client
	ofAll   *choice            // the organization roles
	known   *choice            // the stacks
	rolesOf map[string]*choice // in a stack, by its API key
}

// everybody is what the flags say, as somebody without an address.
func (r *resolver) everybody(ctx context.Context, people *addresslist.List, flags access) (invitee orgusers.Invitee, err error) {
	noteFor := func(flag string) noting {
		return func(format string, args ...any) { people.FlagMistake(flag, format, args...) }
	}
	if len(*flags.roles) > 0 {
		if invitee.Roles, err = r.roles(ctx, *flags.roles, noteFor("role")); err != nil {
			return invitee, err
		}
	}
	if len(*flags.stacks) > 0 {
		invitee.Stacks, err = r.stacks(ctx, *flags.stacks, noteFor("stack"))
	}
	return invitee, err
}

func (r *resolver) roles(ctx context.Context, asked []string, note noting) ([]string, error) {
	if r.ofAll == nil {
		roles, err := read("organization role", r.client.Roles(ctx), roleThing)
		if err != nil {
			return nil, err
		}
		r.ofAll = roles
	}
	return r.ofAll.all(asked, note), nil
}

func roleThing(r *orgusers.Role) thing { return thing{r.UID, r.Name} }

// stacks finds the stacks and roles of NAME:ROLE,ROLE.
func (r *resolver) stacks(ctx context.Context, asked []string, note noting) (orgusers.StackAccess, error) {
	if r.known == nil {
		stacks, err := read("stack", r.client.Stacks(ctx, nil), func(s *orgusers.Stack) thing { return thing{s.APIKey, s.Name} })
		if err != nil {
			return nil, err
		}
		r.known = stacks
	}
	found := orgusers.StackAccess{}
	for _, one := range asked {
		colon := strings.LastIndex(one, ":") // a name can have one too
		if colon < 0 || strings.TrimSpace(one[colon+1:]) == "" {
			note("%q: after the stack there must be a colon and its roles", addresslist.Short(one))
			continue
		}
		key := r.known.one(one[:colon], note)
		if key == "" {
			continue
		}
		if _, twice := found[key]; twice {
			note("%q: the stack is given already", addresslist.Short(one))
		}
		if r.rolesOf[key] == nil {
			roles, err := read("role in stack "+strings.TrimSpace(one[:colon]), r.client.StackRoles(ctx, key), roleThing)
			if err != nil {
				return nil, err
			}
			r.rolesOf[key] = roles
		}
		found[key] = r.rolesOf[key].all(strings.Split(one[colon+1:], ","), note)
	}
	return found, nil
}
