package orgusers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// Guards limit what calls may change. They are checked before any change is sent, in dry runs
// too. A call is refused if a guard cannot be checked, for example because the stacks cannot
// be read. Guards do not apply to [Client.Do], and do not count what other processes remove.
type Guards struct {
	// MaxRemovals is how many users [Client.RemoveUsers] and [Client.WithdrawInvitations] may
	// remove from one organization within Window, over all clients derived from one [New] with
	// [Client.ForOrganization]. Partial and unknown removals count. A call that would remove
	// more is refused as a whole, with SkipRefused too. 0 means no limit; a negative number
	// allows no removal.
	MaxRemovals int
	// MaxRemovalShare is the same limit as a fraction of the accepted members, from 0 to 1,
	// rounded up. If both are set, the lower one applies. 0 means no limit; a negative number
	// allows no removal.
	MaxRemovalShare float64
	// Window is the sliding window of the two limits. Default 24 hours.
	Window time.Duration
	// MinAdministrators is how many administrators must remain, not counting the owner. They
	// are counted from the users of the organization's roles and teams. [Client.UpdateRoles],
	// [Client.RemoveUsers] and [Client.RemoveFromTeam] run one after another, and are refused
	// as a whole if a call lowers the number of administrators below it. 0 means no minimum.
	MinAdministrators int
	// KeepStackOwners refuses to remove a user who owns stacks. Outcome.Detail names the
	// stacks.
	KeepStackOwners bool
	// Protected refuses the users for whom it returns true, in calls that remove, withdraw or
	// revoke: [Client.RemoveUsers], [Client.WithdrawInvitations], [Client.UpdateRoles],
	// [Client.UpdateStackAccess], [Client.RemoveFromTeam], [Client.ResetMFA],
	// [Client.ForcePasswordReset] and [Client.EndSessions]. It is called without a lock, on the
	// goroutine of the call that it guards, so it must be safe for concurrent use.
	Protected func(*User) bool
}

// WithGuards adds guards to the built-in ones, which refuse an empty list, malformed
// addresses, the owner and the caller. [New] returns [ErrInvalid] if Window or
// MinAdministrators is negative, or if MaxRemovalShare is not a number or above 1.
func WithGuards(g Guards) Option {
	return func(c *config) error {
		switch {
		case g.Window < 0 || g.MinAdministrators < 0:
			return errors.New("Guards.Window or Guards.MinAdministrators is negative")
		case math.IsNaN(g.MaxRemovalShare) || g.MaxRemovalShare > 1:
			return errors.New("Guards.MaxRemovalShare is not a number up to 1")
		}
		c.guards = g // the option may be used again
		c.guards.Window = cmp.Or(g.Window, 24*time.Hour)
		return nil
	}
}

// WithReadOnly makes every call that changes something return [ErrRefused] before anything is
// sent, in dry runs too. This includes [Client.Do] without Request.ReadOnly. [Login] and
// [Client.Logout] are not refused: they concern the session.
func WithReadOnly() Option {
	return func(c *config) error {
		c.readOnly = true
		return nil
	}
}

var errReadOnly = errors.New("the client is read-only")

// ledgers are the removals and the turns of each organization, for all clients derived from
// one New.
type ledgers struct {
	mu   sync.Mutex
	byID map[string]*ledger
}

func (l *ledgers) of(organizationUID string) *ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byID[organizationUID] == nil {
		l.byID[organizationUID] = &ledger{turn: make(chan struct{}, 1)}
	}
	return l.byID[organizationUID]
}

// ledger has the removals of one organization, and the turn of calls that can take the role
// of an administrator.
type ledger struct {
	turn chan struct{}

	mu       sync.Mutex
	reserved int         // places of calls that are running
	removals []time.Time // when calls ended, once for each user
}

// reserve takes n places, unless that would exceed the limit. It returns how many were taken
// before.
func (l *ledger) reserve(n, limit int, window time.Duration) (used int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.removals = slices.DeleteFunc(l.removals, func(t time.Time) bool { return now.Sub(t) >= window })
	used = l.reserved + len(l.removals)
	if n > limit-used {
		return used, false
	}
	l.reserved += n
	return used, true
}

// settle gives reserved places back, except those of users who were removed.
func (l *ledger) settle(reserved, removed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reserved -= reserved
	l.removals = append(l.removals, slices.Repeat([]time.Time{time.Now()}, removed)...)
}

// notProtected refuses users for whom Guards.Protected returns true.
func notProtected(b *bulk, t *target) Reason {
	if protected := b.client.config.guards.Protected; protected != nil && slices.ContainsFunc(t.rows, protected) {
		return ReasonProtected
	}
	return ""
}

// notStackOwner returns a guard that refuses users who own stacks, and makes resolve read the
// stacks. Without Guards.KeepStackOwners it refuses no user.
func (b *bulk) notStackOwner() guard {
	if b.client == nil || !b.client.config.guards.KeepStackOwners {
		return func(*bulk, *target) Reason { return "" }
	}
	var owned map[string][]string // names of stacks by the uid of their owner
	b.reads = append(b.reads, func(ctx context.Context) error {
		owned = map[string][]string{}
		for stack, err := range b.client.Stacks(ctx, nil) {
			switch {
			case err != nil:
				return fmt.Errorf("%w: the owners of stacks cannot be read: %w", ErrRefused, err)
			case stack.OwnerUID == "":
				return fmt.Errorf("%w: the owner of stack %q (%s) is not known", ErrRefused, stack.Name, stack.APIKey)
			}
			owned[stack.OwnerUID] = append(owned[stack.OwnerUID], fmt.Sprintf("%q (%s)", stack.Name, stack.APIKey))
		}
		return nil
	})
	return func(_ *bulk, t *target) Reason {
		if t.user() == nil || t.user().UID == "" || len(owned[t.user().UID]) == 0 {
			return ""
		}
		t.note("owns the stacks " + strings.Join(owned[t.user().UID], ", ") + ": give them to another user first")
		return ReasonOwnsStacks
	}
}

// keepAdministrators refuses the call if too few administrators would remain. It waits until
// no other call can take the role of an administrator, and holds the turn until release. The
// function keeps reports whether a target keeps a role, which a team gives unless it is nil.
func (b *bulk) keepAdministrators(ctx context.Context, keeps func(t *target, roleUID string, team *Team) bool) {
	targets := b.undecided()
	if len(targets) == 0 || b.client.config.guards.MinAdministrators == 0 {
		return
	}
	turn := b.client.ledger().turn
	select {
	case turn <- struct{}{}:
		b.turn = turn
	case <-ctx.Done():
		b.abort(ReasonContextEnded, fmt.Errorf("orgusers: %s: not started: %w", b.op.name, ctx.Err()))
		return
	}
	var roles []*Role
	var teams []*Team
	err := together(ctx,
		func(ctx context.Context) (err error) { roles, err = Collect(b.client.Roles(ctx)); return err },
		func(ctx context.Context) (err error) { teams, err = b.client.teamsIfAny(ctx); return err },
	)
	if err != nil {
		b.abort(readFailure(ctx), b.op.refused(fmt.Errorf("the administrators cannot be counted: %w", err)))
		return
	}
	before, after, err := countAdministrators(b.organization.OwnerUID, roles, teams, targets, keeps)
	least := b.client.config.guards.MinAdministrators
	switch {
	case err != nil:
		b.abort(ReasonReadFailed, b.op.refused(err))
	case after < before && after < least:
		b.refuseAll(fmt.Sprintf("%d of %d administrators would remain, and at least %d must", after, before, least))
	}
}

// countAdministrators counts the users except the owner with a role that administers, now and
// if targets keep only some of their roles.
func countAdministrators(ownerUID string, roles []*Role, teams []*Team, targets []*target, keeps func(*target, string, *Team) bool) (before, after int, err error) {
	known := make(map[string]*Role, len(roles))
	for _, role := range roles {
		known[role.UID] = role
		if role.Admin && role.Users == nil {
			return 0, 0, fmt.Errorf("the server did not send the users of the role %q, so the administrators cannot be counted", role.Name)
		}
	}
	unknown := func(who, uid string) error {
		return fmt.Errorf("%s has a role that does not exist (%s), so the administrators cannot be counted", who, uid)
	}
	byUID := map[string]*target{}
	for _, t := range targets {
		byUID[t.user().UID] = t
		for _, role := range t.user().Roles {
			if known[role.UID] == nil {
				return 0, 0, unknown("one of the users", role.UID)
			}
		}
	}
	now, then := map[string]bool{}, map[string]bool{}
	count := func(users []string, roleUID string, team *Team) {
		for _, uid := range users {
			if uid == ownerUID {
				continue
			}
			now[uid] = true
			if t := byUID[uid]; t == nil || keeps(t, roleUID, team) {
				then[uid] = true
			}
		}
	}
	for _, role := range roles {
		if role.Admin {
			count(role.Users, role.UID, nil)
		}
	}
	for _, team := range teams {
		for _, uid := range team.RoleUIDs {
			switch role := known[uid]; {
			case role == nil:
				return 0, 0, unknown(fmt.Sprintf("the team %q", team.Name), uid)
			case role.Admin:
				count(team.UserUIDs, uid, team)
			}
		}
	}
	return len(now), len(then), nil
}

// refuseAll refuses every target because of a limit of the whole call.
func (b *bulk) refuseAll(why string) {
	for _, t := range b.undecided() {
		t.note(why)
		t.decide(OutcomeRefused, ReasonLimit, b.op.refused(errors.New(why)))
	}
}

// reserveRemovals takes a place for each target within the limits of removals, until release,
// or refuses the call.
func (b *bulk) reserveRemovals(ctx context.Context) {
	n := len(b.undecided())
	if n == 0 {
		return
	}
	limit, err := b.removalLimit(ctx)
	if err != nil {
		b.abort(readFailure(ctx), b.op.refused(fmt.Errorf("the members cannot be counted: %w", err)))
		return
	}
	if limit == math.MaxInt {
		return
	}
	window, ledger := b.client.config.guards.Window, b.client.ledger()
	switch used, ok := ledger.reserve(n, limit, window); {
	case !ok:
		b.refuseAll(fmt.Sprintf("the call would remove %d users; the limit is %d within %v, of which %d are used", n, limit, window, used))
	case b.options.DryRun:
		ledger.settle(n, 0)
	default:
		b.places = n
	}
}

// removalLimit returns how many users may be removed within the window.
func (b *bulk) removalLimit(ctx context.Context) (int, error) {
	limit := math.MaxInt
	guards := b.client.config.guards
	switch {
	case guards.MaxRemovals < 0 || guards.MaxRemovalShare < 0:
		return 0, nil
	case guards.MaxRemovals > 0:
		limit = guards.MaxRemovals
	}
	if guards.MaxRemovalShare > 0 {
		members := 0
		for _, err := range b.client.Users(ctx, &ListUsersOptions{Status: StatusAccepted}) {
			if err != nil {
				return 0, err
			}
			members++
		}
		// Rounding up must not count the error of the multiplication: 0.07 × 100 is more than 7.
		limit = min(limit, int(math.Ceil(guards.MaxRemovalShare*float64(members)-1e-9)))
	}
	return limit, nil
}

// release ends what the guards hold: the turn, and the places of users who were not removed.
// If the caller's function panicked, it keeps the places of users without an outcome.
func (b *bulk) release() {
	if b.turn != nil {
		<-b.turn
		b.turn = nil
	}
	if b.places == 0 {
		return
	}
	removed := 0
	for _, t := range b.targets {
		switch t.status {
		case OutcomeDone, OutcomePartial, OutcomeUnknown:
			removed++
		case "":
			if b.started {
				removed++
			}
		default:
		}
	}
	b.client.ledger().settle(b.places, removed)
	b.places = 0
}
