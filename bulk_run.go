package orgusers

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/orgusers/orgusers/internal/transport"
)

// batchSize is how many users the product accepts in one action.
const batchSize = 10

// bulk is one call that changes many users: what to send, how to read it back, and
// the addresses on their way to an outcome.
type bulk struct {
	client  *Client
	op      *operation
	options BulkOptions
	targets []*target
	roles   *roleDirectory
	err     error // the call as a whole was refused

	reads        []func(context.Context) error // that the call needs before the change
	me           *CurrentUser                  // as read for the guards
	organization *Organization                 // as read for the guards
	places       int                           // reserved within the limits of removals
	turn         chan struct{}                 // that the call holds
	started      bool                          // targets may have been sent

	size  int                  // targets in a request
	group func(*target) string // the targets of a request have the same value; nil: all have
	// send requests the change for a batch. It may decide targets by the response.
	send func(ctx context.Context, batch []*target) error
	// readBack shows the present state. Nil means that it cannot be read.
	readBack reader
	// once means that the change is never sent again, even if it is not there.
	once bool
	// exact means that an accepted change that is not there has failed. Otherwise
	// that is unknown.
	exact bool
}

// reader reads the present state of a batch.
type reader func(ctx context.Context, batch []*target) (map[*target]evidence, error)

// evidence is what reading back shows of a change.
type evidence int

const (
	inconclusive evidence = iota // the state cannot be determined
	unchanged                    // the state is that of before
	different                    // the state is neither that of before nor the requested one
	partly                       // a part of the change is there
	throughTeam                  // the change is there, and what remains comes through a team
	changed                      // the change is there
)

// sendResult is what the response to a request means for the change.
type sendResult int

const (
	accepted     sendResult = iota // 2xx
	notSent                        // nothing reached the server
	unauthorized                   // 401
	throttled                      // 429
	forbidden                      // 403 or 404
	rejected                       // another status of which the change is known not to follow
	redirected                     // 3xx
	late                           // a timeout: the server may still be processing the request
	lost                           // no response, 5xx, or a response that cannot be read
)

func resultOf(err error) sendResult {
	var e *Error
	switch {
	case err == nil:
		return accepted
	case !errors.As(err, &e):
		if errors.Is(err, ErrOutcomeUnknown) {
			return lost
		}
		return notSent
	case errors.Is(err, ErrOutcomeUnknown) && !e.unknown: // the error of an endpoint's Decode
		return lost
	case e.StatusCode >= 300 && e.StatusCode <= 399:
		return redirected
	case e.unknown && mayStillBeProcessing(err):
		return late
	case e.unknown:
		return lost
	case e.StatusCode == 0:
		return notSent
	}
	switch e.StatusCode {
	case http.StatusUnauthorized:
		return unauthorized
	case http.StatusTooManyRequests:
		return throttled
	case http.StatusForbidden, http.StatusNotFound:
		return forbidden
	default:
		return rejected
	}
}

// step is what happens next with a target that was sent.
type step int

const (
	reportDone step = iota
	reportPartial
	reportFailed
	reportNotStarted
	reportUnknown
	sendAgain
	sendAlone
)

// situation is all that decides the next step.
type situation struct {
	sent     sendResult
	readable bool     // the state can be read back
	seen     evidence // the state, if it was read back
	alone    bool     // the request was for one target
	exact    bool
	once     bool
	attempts int // that are left
}

// mustReadBack reports whether the state has to be read before the next step.
func (s situation) mustReadBack() bool {
	switch s.sent {
	case notSent, unauthorized, throttled:
		return false
	case forbidden:
		return s.readable && !s.alone
	default:
		return s.readable
	}
}

// next returns the next step. Only complete evidence of absence leads to a failure
// or to a second request.
func (s situation) next() step {
	if !s.mustReadBack() {
		switch s.sent {
		case notSent, unauthorized:
			return reportNotStarted
		case accepted:
			return reportDone
		case throttled, forbidden, rejected:
			return reportFailed
		default:
			return reportUnknown
		}
	}
	switch s.seen {
	case unchanged:
		return s.nextIfUnchanged()
	case changed:
		return reportDone
	case partly, throughTeam:
		return reportPartial
	case different:
		if s.sent == accepted && s.exact {
			return reportFailed
		}
		return reportUnknown
	default:
		return reportUnknown
	}
}

// nextIfUnchanged returns the next step if the change is not there.
func (s situation) nextIfUnchanged() step {
	switch s.sent {
	case accepted:
		if s.exact {
			return reportFailed
		}
		return reportUnknown
	case forbidden, redirected:
		return reportFailed
	case rejected:
		if s.alone || s.once {
			return reportFailed
		}
		return sendAlone // one address may have spoiled the request for the others
	case lost:
		switch {
		case s.once:
			return reportUnknown
		case s.attempts > 0:
			return sendAgain
		default:
			return reportFailed
		}
	default:
		return reportUnknown
	}
}

// run decides every target that is undecided, releases what guards hold, and returns the
// result.
func (b *bulk) run(ctx context.Context) (*BulkResult, error) {
	defer b.release()
	b.stopIfRefused()
	if b.options.DryRun {
		for _, t := range b.undecided() {
			t.decide(OutcomePlanned, "", nil)
		}
	}
	b.progress()
	waiting := b.undecided()
	b.started = true
	if b.group != nil {
		slices.SortStableFunc(waiting, func(x, y *target) int { return strings.Compare(b.group(x), b.group(y)) })
	}
	for batch := range b.batches(waiting) {
		if batch = undecided(batch); len(batch) == 0 {
			break // decided together with an earlier batch
		}
		if err := ctx.Err(); err != nil {
			b.abort(ReasonContextEnded, fmt.Errorf("orgusers: %s: not started: %w", b.op.name, err))
			b.progress()
			break
		}
		b.apply(ctx, batch, b.client.config.retry.MaxAttempts)
	}
	return b.result()
}

// batches cuts targets into those of one request.
func (b *bulk) batches(targets []*target) iter.Seq[[]*target] {
	return func(yield func([]*target) bool) {
		for len(targets) > 0 {
			n := 1
			for n < min(b.size, len(targets)) && (b.group == nil || b.group(targets[n]) == b.group(targets[0])) {
				n++
			}
			if !yield(targets[:n:n]) {
				return
			}
			targets = targets[n:]
		}
	}
}

func (b *bulk) progress() {
	if b.options.Progress != nil && len(b.targets) > 0 {
		b.options.Progress(len(b.targets)-len(b.undecided()), len(b.targets))
	}
}

// apply sends the change for a batch until every target has an outcome.
func (b *bulk) apply(ctx context.Context, batch []*target, attempts int) {
	for attempt := 1; len(batch) > 0; attempt++ {
		alone := len(batch) == 1
		err := b.send(ctx, batch)
		batch = undecided(batch)
		s := situation{
			sent: resultOf(err), readable: b.readBack != nil, alone: alone,
			exact: b.exact, once: b.once, attempts: attempts - attempt,
		}
		var seen map[*target]evidence
		var readErr error
		if s.mustReadBack() && len(batch) > 0 {
			seen, readErr = b.resolveUnknown(ctx, batch, s.sent)
		}
		var again, one []*target
		for _, t := range batch {
			s.seen = seen[t]
			switch step := s.next(); step {
			case sendAgain:
				t.lost = withKnownOutcome(err)
				again = append(again, t)
			case sendAlone:
				one = append(one, t)
			default:
				b.report(t, step, s, err, readErr)
			}
		}
		b.stopAfter(s.sent, err, batch)
		b.progress()
		for _, t := range one {
			if t.status == "" { // an earlier one may end the call
				b.apply(ctx, []*target{t}, max(1, attempts-attempt))
			}
		}
		batch = undecided(again)
	}
}

// stopAfter ends the call if every other request would fail in the same way.
func (b *bulk) stopAfter(sent sendResult, err error, batch []*target) {
	done := func(t *target) bool { return t.status == OutcomeDone }
	switch {
	case sent == unauthorized:
		b.abort(ReasonUnauthorized, err)
	case sent == redirected && !slices.ContainsFunc(batch, done):
		b.abort(ReasonNotSent, fmt.Errorf("orgusers: %s: not started: the server redirects these requests", b.op.name))
	}
}

// report decides a target.
func (b *bulk) report(t *target, step step, s situation, err, readErr error) {
	switch step {
	case reportDone:
		t.decide(OutcomeDone, "", nil)
	case reportPartial:
		if s.seen == throughTeam {
			t.note(t.teams)
			t.decide(OutcomePartial, ReasonThroughTeam, fmt.Errorf("orgusers: %s: what remains comes through a team", b.op.name))
			return
		}
		t.note("still there: " + describeRows(t.rows))
		t.decide(OutcomePartial, ReasonNotApplied, fmt.Errorf("orgusers: %s: the change was made in part", b.op.name))
	case reportNotStarted:
		switch {
		case s.sent == unauthorized:
			t.notStarted(ReasonUnauthorized, err)
		case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
			t.notStarted(ReasonContextEnded, err)
		default:
			t.notStarted(ReasonNotSent, err)
		}
	case reportFailed:
		switch s.sent {
		case accepted:
			t.decide(OutcomeFailed, ReasonNotApplied, fmt.Errorf("orgusers: %s: the server accepted the change, but reading back shows something else", b.op.name))
		case redirected, lost:
			t.decide(OutcomeFailed, ReasonNotApplied, withKnownOutcome(err))
		default:
			t.decide(OutcomeFailed, ReasonRejected, err)
		}
	default:
		t.decide(OutcomeUnknown, ReasonNoResponse, b.unknownOutcome(err, readErr))
	}
}

// unknownOutcome returns the error of a change that may have been made.
func (b *bulk) unknownOutcome(err, readErr error) error {
	if err == nil {
		err = fmt.Errorf("orgusers: %s: %w: the server accepted the change, but reading back does not show it", b.op.name, ErrOutcomeUnknown)
	} else if !errors.Is(err, ErrOutcomeUnknown) {
		err = withOp(b.op.name, fmt.Errorf("%w: %w", ErrOutcomeUnknown, err))
	}
	if readErr != nil {
		return fmt.Errorf("%w; reading back failed: %w", err, readErr)
	}
	return err
}

// withKnownOutcome removes ErrOutcomeUnknown from an error whose change is known
// not to be there.
func withKnownOutcome(err error) error {
	const found = "; the change was not made, as reading back shows"
	var failure *Error
	if !errors.As(err, &failure) {
		return errors.New(err.Error() + found)
	}
	known := *failure
	known.unknown = false
	known.Message += found
	return &known
}

// firstLook is the wait before the state is read back; it doubles with each look.
// It is not part of RetryPolicy: a look that comes too early leads to a second email.
const firstLook = time.Second

// looks returns how often the state is read back after a request. After a refusal the
// server is most likely done, after a lost response it may need time, and after a
// timeout even more.
func looks(sent sendResult) int {
	switch sent {
	case forbidden, rejected:
		return 2 // three seconds in all
	case late, accepted:
		return 4
	default:
		return 3 // seven seconds in all
	}
}

// resolveUnknown reads the state of a batch until it shows the change for every
// target, or until the time is over in which the change could still appear. A
// target that is not in the result is inconclusive: reading failed, or the deadline
// was too near for complete evidence that the change is not there.
func (b *bulk) resolveUnknown(ctx context.Context, batch []*target, sent sendResult) (map[*target]evidence, error) {
	seen := make(map[*target]evidence, len(batch))
	times, wait := looks(sent), firstLook
	if sent == accepted {
		wait = 0 // usually visible at once
	}
	for ; times > 0; times-- {
		deadline, ok := ctx.Deadline()
		cut := ok && time.Until(deadline) < wait
		if cut {
			times, wait = 1, 0
		}
		if err := transport.Sleep(ctx, wait); err != nil {
			return seen, err
		}
		now, err := b.readBack(ctx, batch)
		if err != nil {
			return seen, err
		}
		for t, state := range now {
			if state >= throughTeam || times == 1 && !cut {
				seen[t] = state
			}
		}
		batch = slices.DeleteFunc(slices.Clone(batch), func(t *target) bool { return seen[t] >= throughTeam })
		if len(batch) == 0 {
			break
		}
		wait = max(firstLook, 2*wait)
	}
	return seen, nil
}

func (b *bulk) undecided() []*target { return undecided(b.targets) }

func undecided(targets []*target) []*target {
	return slices.DeleteFunc(slices.Clone(targets), func(t *target) bool { return t.status != "" })
}
