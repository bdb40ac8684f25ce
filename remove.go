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

// RemoveOptions are options of [Client.RemoveUsers]. Nil means the zero value.
type RemoveOptions struct {
	BulkOptions

	// AllowUnread lets Before be called if the roles of a stack cannot be read. The stack is
	// then in UserAccess.Unread. By default nothing is removed.
	AllowUnread bool
	// Before is called once, with what each user to be removed has, before anything is sent. It
	// is not called in a dry run. Its error refuses the call, and an address that has a new row
	// after it is refused. Use it to save the records that [Client.Restore] takes. It runs on
	// the caller's goroutine.
	Before func(context.Context, []*UserAccess) error
}

func (o *RemoveOptions) orDefault() RemoveOptions {
	if o == nil {
		return RemoveOptions{}
	}
	return *o
}

// RemoveUsers removes users from the organization, members and pending invitations
// alike. They lose every stack of the organization at once; their accounts remain.
// Addresses that are not in the organization are skipped. An address with two rows,
// a member and an invitation, is done when no row is left, and partial when one is.
//
// The whole call is refused with [ErrRefused] before anything is changed if the list
// is empty, an address is malformed, or the list contains the owner or the caller.
// Each refused address has an outcome with its reason, and the others have
// [OutcomeNotStarted]. With BulkOptions.SkipRefused the others are processed. The
// result is complete even with an error.
//
// It sends DELETE /organizations/{organization_uid}/share (documented), for ten
// addresses at a time. Before that it reads the addresses, the account of the
// client's credentials and the organization, in a dry run too. It reads the addresses
// back if the response does not show that they are gone.
func (c *Client) RemoveUsers(ctx context.Context, emails []string, opts *RemoveOptions) (*BulkResult, error) {
	options := opts.orDefault()
	b := c.newBulk(opRemoveUsers, emails, options.BulkOptions)
	defer b.release()
	b.readOwners()
	b.prepareRemoval(ctx)
	if options.Before != nil && !options.DryRun && len(b.undecided()) > 0 {
		b.release() // Before may take long, and may use the client
		shown := b.callBefore(ctx, options)
		b.roles = c.newRoleDirectory()
		b.prepareRemoval(ctx, shown)
	}
	b.send = b.sendRemoval
	b.readBack = b.readUsersBack(removed)
	return b.run(ctx)
}

// prepareRemoval looks up the users of a call and applies all guards.
func (b *bulk) prepareRemoval(ctx context.Context, more ...guard) {
	b.resolve(ctx, append([]guard{notOwner, notSelf, b.client.notProtected()}, more...)...)
	b.skip(unlessThere)
	b.keepStackOwners()
	b.stopIfRefused()
	b.keepAdministrators(ctx, func(*target, string, *Team) bool { return false })
	b.reserveRemovals(ctx)
}

// callBefore calls RemoveOptions.Before with what the users have. It returns a guard that
// refuses rows that were not there then.
func (b *bulk) callBefore(ctx context.Context, options RemoveOptions) guard {
	shown := map[string]bool{}
	isNew := func(u *User) bool { return !shown[u.ShareUID] }
	notNew := func(t *target, _ *CurrentUser, _ *Organization) Reason {
		if !slices.ContainsFunc(t.rows, isNew) {
			return ""
		}
		t.note("the address has a row that was not there when RemoveOptions.Before was called")
		return ReasonBefore
	}
	had, err := b.client.readAccess(ctx, options.AllowUnread, b.client.newRoleDirectory(), func(context.Context) error { return nil })
	if err != nil {
		b.abort(readFailure(ctx), b.op.notRead(err))
		return notNew
	}
	var users []*UserAccess
	for _, t := range b.undecided() {
		for _, u := range t.rows {
			shown[u.ShareUID] = true
		}
		users = append(users, had.of(t.user()))
	}
	if err := options.Before(ctx, users); err != nil {
		b.abort(ReasonBefore, b.op.refused(fmt.Errorf("RemoveOptions.Before: %w", err)))
	}
	return notNew
}

// sendRemoval removes the rows of a batch.
func (b *bulk) sendRemoval(ctx context.Context, batch []*target) error {
	emails := make([]string, len(batch))
	for i, t := range batch {
		emails[i] = t.address()
	}
	var response sharesResponse
	if err := b.client.do(ctx, b.op, input{body: emailsBody{emails}}, &response); err != nil {
		return err
	}
	gone := make(map[string]bool, len(response.Shares))
	for _, row := range response.Shares {
		gone[row.UID] = true
	}
	for _, t := range batch {
		left := 0
		for _, u := range t.rows {
			if !gone[u.ShareUID] {
				left++
			}
		}
		if left == 0 {
			t.decide(OutcomeDone, "", nil)
		}
	}
	return nil
}

// removed is the evidence of a removal. A row that was not there before is another
// invitation.
func removed(t *target) evidence {
	left := 0
	for _, u := range t.before {
		if slices.ContainsFunc(t.rows, func(row *User) bool { return row.ShareUID == u.ShareUID }) {
			left++
		}
	}
	switch {
	case t.doubtful:
		return inconclusive
	case len(t.rows) == 0:
		return changed
	case left < len(t.rows):
		return different
	case left < len(t.before):
		return partly
	default:
		return unchanged
	}
}

// Restore gives removed users back what a record of [RemoveOptions].Before or
// [Client.Access] says that they had. It adds what is missing and takes nothing away, by uid
// only, never by name. It undoes removals, not changes of roles: a member who lacks roles is
// [OutcomePartial], and Outcome.Detail names them.
//
// A user who is not in the organization is invited with the same organization roles and direct
// stack roles, and gets one email. Roles that come through a team, or may do so, are left to
// the team. A pending invitation cannot be added to teams: the outcome is [OutcomePartial] with
// [ReasonPending], and the same record completes it after the invitation was accepted. Roles,
// stacks and teams that no longer exist are named in Outcome.Detail.
//
// A record is refused with [ErrRefused] if it is of another organization or of an unknown
// version, if it is not complete, or if its address is given twice. The whole call is then
// refused, unless BulkOptions.SkipRefused is set. It returns [ErrOutcomeUnknown] if a change may
// or may not have been made.
//
// It sends what [Client.Invite] and [Client.AddToTeam] send, after reading the roles of the
// stacks and the teams.
func (c *Client) Restore(ctx context.Context, had []*UserAccess, opts *InviteOptions) (*BulkResult, error) {
	options := opts.orDefault()
	emails := make([]string, len(had))
	for i, record := range had {
		if record != nil && record.User != nil {
			emails[i] = record.User.Email
		}
	}
	b := c.newBulk(opRestore, emails, options.BulkOptions)
	r := &restoration{bulk: b, records: map[*target]*UserAccess{}, lost: map[*target][]string{}, teams: map[string]*Team{}}
	r.assign(had)
	keys := r.stackKeys() // before the lookup, which runs at the same time as the reads, decides targets
	readStacks := func(ctx context.Context) error { return r.readStacks(ctx, keys) }
	b.reads = append(b.reads, b.readRoles, r.readTeams, readStacks)
	b.resolve(ctx)
	r.plan(ctx)
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
func (r *restoration) plan(ctx context.Context) {
	if len(r.undecided()) == 0 {
		return
	}
	roles, _ := r.roles.list(ctx) // read already
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
		t.invitee = &Invitee{Email: t.email, Roles: r.planRoles(t, roles), Stacks: r.planStacks(t)}
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
		emails := make([]string, len(lacking[uid]))
		for i, t := range lacking[uid] {
			emails[i] = t.address()
		}
		result, _ := r.client.AddToTeam(ctx, uid, emails, &BulkOptions{DryRun: r.options.DryRun, SkipRefused: true})
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

// TransferOwnership offers the organization to one of its members, who gets an
// email and becomes the owner by accepting. Only the owner can do it.
//
// It returns [ErrRefused], and sends no change, if the address is malformed, is the
// caller's, or does not belong to a member. If the response is lost, the
// organization is read back: if it shows a transfer that was not there before, the
// call succeeds; otherwise it returns [ErrOutcomeUnknown]. It is never sent twice.
//
// It sends POST /organizations/{organization_uid}/transfer-ownership (documented),
// after the reads of [Client.RemoveUsers].
func (c *Client) TransferOwnership(ctx context.Context, email string) error {
	b := c.newBulk(opTransferOwnership, []string{email}, BulkOptions{})
	b.resolve(ctx, notOwner, notSelf, notSeveralMembers)
	t := b.targets[0]
	if t.status == "" {
		if reason := unlessMember(t); reason != "" {
			b.refuse(t, reason, nil)
		}
	}
	b.once = true
	b.send = func(ctx context.Context, batch []*target) error {
		body := struct {
			TransferTo string `json:"transfer_to"`
		}{batch[0].address()}
		err := c.do(ctx, opTransferOwnership, input{body: body}, nil)
		if err == nil {
			batch[0].decide(OutcomeDone, "", nil)
		}
		return err
	}
	if before := b.organization; before != nil && !before.TransferPending {
		b.readBack = func(ctx context.Context, batch []*target) (map[*target]evidence, error) {
			now, err := c.GetOrganization(ctx, nil)
			if err != nil {
				return nil, err
			}
			state := unchanged
			switch {
			case now.TransferPending && (now.TransferTo == "" || strings.EqualFold(now.TransferTo, batch[0].address())):
				state = changed
			case now.TransferPending:
				state = different // somebody offered it to another member
			}
			return map[*target]evidence{batch[0]: state}, nil
		}
	}
	_, _ = b.run(ctx) // which sets the error of the target
	return t.err
}
