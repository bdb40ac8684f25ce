package orgusers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Restore undoes the removal of users, from the records that RemoveOptions.Before got or
// [Client.Access] returned. It adds what is missing and takes nothing away. It goes by uids
// only, never by names. It does not undo changes of roles: for a member who lacks roles of the
// record, the outcome is [OutcomePartial] and Outcome.Detail names them.
//
// A user who is not in the organization is invited with the same organization roles and direct
// stack roles, and gets one email. Roles that a team gives are left to the team, unless the
// user has no other organization role: an invitation needs one. Members are added to the teams
// that they lack. Invitations cannot be: the outcome is OutcomePartial with [ReasonPending],
// and the same record completes it after the user accepted. Outcome.Detail names roles, stacks
// and teams that no longer exist. Stacks that the user owned keep their present owner.
//
// A record is refused with [ErrRefused] if it is of another organization or an unknown
// version, is not complete, or has the address of another record. The whole call is refused if
// one record is, unless BulkOptions.SkipRefused is set. It returns [ErrOutcomeUnknown] if a
// change may or may not have been made.
//
// It sends what [Client.Invite] sends, and it sends what [Client.AddToTeam] sends for each team.
// Before that it reads the addresses, the organization's roles, the teams, and the roles of the
// stacks in the records.
func (c *Client) Restore(ctx context.Context, had []*UserAccess, opts *InviteOptions) (*BulkResult, error) {
	options := *cmp.Or(opts, &InviteOptions{})
	emails := make([]string, len(had))
	for i, record := range had {
		if record != nil && record.User != nil {
			emails[i] = record.User.Email
		}
	}
	b := c.newBulk(opRestore, emails, &options.BulkOptions)
	r := &restoration{bulk: b, records: map[*target]*UserAccess{}, lost: map[*target][]string{}, teams: map[string]*Team{}}
	r.assign(had)
	keys := r.stackKeys() // before the lookup, which runs at the same time as the reads, decides targets
	readStacks := func(ctx context.Context) error { return r.readStacks(ctx, keys) }
	b.reads = append(b.reads, b.readRoles, r.readTeams, readStacks)
	b.resolve(ctx)
	r.plan()
	b.send = b.sendInvitation(options.Message)
	b.readBack = b.readUsersBack(invited)
	return r.run(ctx)
}

// restoration is a call of Restore.
type restoration struct {
	*bulk

	records map[*target]*UserAccess
	lost    map[*target][]string // what the user lacks and does not get
	teams   map[string]*Team     // that exist, by uid
	stacks  map[string]*stackRoles
}

// assign gives each target its record, and refuses those that cannot be used.
func (r *restoration) assign(had []*UserAccess) {
	given := map[string]int{}
	for _, record := range had {
		if record != nil && record.User != nil {
			email, _ := parseAddress(record.User.Email)
			given[wideKey(email)]++
		}
	}
	for _, t := range r.targets {
		record := had[t.indexes[0]]
		err := record.check()
		switch {
		case t.status == OutcomeNotStarted, err == nil && t.status == OutcomeRefused: // read-only, or not an address
			continue
		case err == nil && record.OrganizationUID != r.client.OrganizationUID():
			err = fmt.Errorf("the access record is of the organization %s", record.OrganizationUID)
		case err == nil && given[wideKey(t.email)] > 1:
			err = errors.New("the address has two access records")
		}
		if err != nil {
			r.refuse(t, ReasonInvalidRecord, fmt.Errorf("%w: %w", ErrInvalid, err))
			t.note(err.Error())
		}
		r.records[t] = record
	}
}

func (r *restoration) readTeams(ctx context.Context) error {
	teams, err := r.client.teamsIfAny(ctx)
	for _, team := range teams {
		r.teams[team.UID] = team
	}
	return err
}

// stackKeys returns the stacks in which a record has a direct role.
func (r *restoration) stackKeys() []string {
	keys := map[string]bool{}
	for _, t := range r.targets {
		if t.status != "" {
			continue
		}
		for _, grant := range r.records[t].Stacks {
			if grant.Direct {
				keys[grant.Stack.APIKey] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

func (r *restoration) readStacks(ctx context.Context, keys []string) error {
	r.stacks = r.client.readStackRoles(ctx, keys)
	for _, stack := range r.stacks {
		if reason, err := stack.failure(); err != nil && reason == ReasonReadFailed {
			return err
		}
	}
	return nil
}

// plan decides what each target gets, and what it does not.
func (r *restoration) plan() {
	for _, t := range r.undecided() {
		record := r.records[t]
		for _, ref := range record.Teams {
			if r.teams[ref.UID] == nil {
				r.lose(t, "team %q (%s)", ref.Name, ref.UID)
			}
		}
		for _, ref := range record.Unread {
			r.lose(t, "stack %q (%s), which the record has not read", ref.Name, ref.APIKey)
		}
		t.invitee = &Invitee{Email: t.email, Roles: r.planRoles(t, r.roles.roles), Stacks: r.planStacks(t)}
		switch {
		case len(t.rows) > 0:
		case len(t.invitee.Roles) == 0:
			err := errors.New("no organization role of the record can be given directly")
			r.refuse(t, ReasonInvalidRole, fmt.Errorf("%w: %w", ErrInvalid, err))
			t.note(err.Error())
		}
	}
}

func (r *restoration) lose(t *target, format string, args ...any) {
	r.lost[t] = append(r.lost[t], fmt.Sprintf(format, args...))
}

// planRoles returns the organization roles to invite with: those that are direct. Without
// one, an invitation needs one that may be.
func (r *restoration) planRoles(t *target, known []*Role) []string {
	var direct []string
	maybe := ""
	for _, grant := range r.records[t].Roles {
		i := slices.IndexFunc(known, func(role *Role) bool { return role.UID == grant.RoleUID })
		switch {
		case i < 0 && grant.Direct:
			r.lose(t, "role %q (%s)", grant.RoleName, grant.RoleUID)
		case i < 0:
		case grant.Direct && len(t.rows) > 0 && !slices.Contains(roleUIDs(t.rows[0]), grant.RoleUID):
			r.lose(t, "role %q (%s), which UpdateRoles can give", grant.RoleName, grant.RoleUID)
		case slices.Contains(direct, grant.RoleUID): // in the record twice
		case grant.Direct:
			direct = append(direct, grant.RoleUID)
		case grant.MaybeDirect && (maybe == "" || !known[i].Admin):
			maybe = grant.RoleUID
		}
	}
	if len(direct) == 0 && maybe != "" {
		return []string{maybe}
	}
	return direct
}

// planStacks returns the stack roles to invite with.
func (r *restoration) planStacks(t *target) StackAccess {
	access := StackAccess{}
	for _, grant := range r.records[t].Stacks {
		key := grant.Stack.APIKey
		if !grant.Direct {
			continue
		}
		stack := r.stacks[key]
		i := slices.IndexFunc(stack.roles, func(role *Role) bool { return role.UID == grant.RoleUID })
		switch {
		case stack.err != nil:
			r.lose(t, "stack %q (%s)", grant.Stack.Name, key)
		case i < 0:
			r.lose(t, "role %q (%s) of stack %q", grant.RoleName, grant.RoleUID, grant.Stack.Name)
		case unlessMember(t) == "" && !slices.Contains(stack.roles[i].Users, t.rows[0].UID):
			r.lose(t, "role %q (%s) of stack %q, which UpdateStackAccess can give", grant.RoleName, grant.RoleUID, grant.Stack.Name)
		case slices.Contains(access[key], grant.RoleUID): // in the record twice
		default:
			access[key] = append(access[key], grant.RoleUID)
		}
	}
	return access
}

// run invites, then adds members to teams.
func (r *restoration) run(ctx context.Context) (*BulkResult, error) {
	r.stopIfRefused()
	planned := r.undecided()
	for _, t := range planned {
		if len(t.rows) > 0 { // who is there is not invited
			t.decide(OutcomeSkipped, ReasonAlreadyMember, nil)
			if t.rows[0].Status == StatusPending {
				t.reason = ReasonAlreadyPending
			}
		}
	}
	_, _ = r.bulk.run(ctx) // which decides the others
	planned = slices.DeleteFunc(planned, func(t *target) bool {
		return t.status != OutcomeDone && t.status != OutcomePlanned && t.status != OutcomeSkipped
	})
	results := r.join(ctx, planned)
	for _, t := range planned {
		r.settle(t, results[t])
	}
	return r.result()
}

// missingTeams returns the teams of the record that exist and lack the user.
func (r *restoration) missingTeams(t *target) []*Team {
	var missing []*Team
	for _, ref := range r.records[t].Teams {
		team := r.teams[ref.UID]
		if team != nil && !slices.Contains(missing, team) && (len(t.rows) == 0 || !slices.Contains(team.UserUIDs, t.rows[0].UID)) {
			missing = append(missing, team)
		}
	}
	return missing
}

// join adds members to the teams that lack them, and returns the outcomes of each member.
func (r *restoration) join(ctx context.Context, targets []*target) map[*target][]Outcome {
	results := map[*target][]Outcome{}
	lacking := map[string][]*target{}
	for _, t := range targets {
		if unlessMember(t) != "" {
			continue
		}
		for _, team := range r.missingTeams(t) {
			lacking[team.UID] = append(lacking[team.UID], t)
		}
	}
	for _, uid := range slices.Sorted(maps.Keys(lacking)) {
		result, _ := r.client.AddToTeam(ctx, uid, addressesOf(lacking[uid]), &BulkOptions{DryRun: r.options.DryRun, SkipRefused: true})
		for i, t := range lacking[uid] {
			outcome := result.Outcomes[i]
			outcome.Detail = fmt.Sprintf("team %q (%s): %s", r.teams[uid].Name, uid, cmp.Or(outcome.Detail, string(outcome.Reason)))
			results[t] = append(results[t], outcome)
		}
	}
	return results
}

// settle decides a target by what happened to it and to its teams.
func (r *restoration) settle(t *target, joined []Outcome) {
	made := t.status == OutcomeDone
	var failure *Outcome
	for i, outcome := range joined {
		switch {
		case outcome.Status == OutcomeDone, outcome.Status == OutcomePlanned, outcome.Reason == ReasonUnchanged: // someone else did it
			made = true
		case failure == nil || outcome.Status == OutcomeUnknown:
			failure = &joined[i]
		}
	}
	switch {
	case failure != nil && made && failure.Status != OutcomeUnknown:
		t.decide(OutcomePartial, failure.Reason, failure.Err)
	case failure != nil:
		t.decide(failure.Status, failure.Reason, failure.Err)
	case made && r.options.DryRun:
		t.decide(OutcomePlanned, "", nil)
	case made:
		t.decide(OutcomeDone, "", nil)
	}
	if failure != nil {
		t.note(failure.Detail)
	}
	if len(r.lost[t]) > 0 {
		t.note("not restored: " + strings.Join(r.lost[t], ", "))
	}
	reason := ReasonMissing
	switch waiting := len(r.missingTeams(t)); {
	case failure != nil:
		return
	case unlessMember(t) != "" && waiting > 0:
		t.note(fmt.Sprintf("%d teams wait until the invitation is accepted: restore the same record again then", waiting))
		reason = ReasonPending
	case len(r.lost[t]) == 0:
		return
	}
	if t.status == OutcomePlanned {
		t.reason = reason
		return
	}
	t.decide(OutcomePartial, reason, fmt.Errorf("orgusers: %s: a part was restored", r.op.name))
}
