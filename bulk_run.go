package orgusers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/orgusers/orgusers/internal/transport"
)

// BulkOptions change how a call for many users goes. Nil is the common case.
type BulkOptions struct {
	// DryRun sends nothing but reads, and tells what a real run would come to:
	// OutcomeDone is "would be done". What the service alone knows, such as who
	// is locked or logged in, it cannot tell.
	DryRun bool
	// Progress is told, from the goroutine of the call, how many addresses of
	// how many have an outcome.
	Progress func(done, total int)
}

// batchSize is how many users the product takes at a time.
const batchSize = 10

// target is one address of a bulk call on its way to an outcome.
type target struct {
	email     string
	index     int   // its place in the list as it was given
	user      *User // as it is in the organization, nil if it is not
	before    *User // as it was when the call began
	invitee   *Invitee
	withdrawn bool          // the withdrawal has been asked for
	status    OutcomeStatus // empty: undecided
	reason    string
	err       error
}

// sentAs is the address as the server knows it, where it does.
func (t *target) sentAs() string {
	if t.user != nil && t.user.Email != "" {
		return t.user.Email
	}
	return t.email
}

func (t *target) decide(status OutcomeStatus, reason string, err error) {
	t.status, t.reason, t.err = status, reason, err
	if reason == "" && err != nil {
		t.reason = err.Error()
	}
}

func undecided(targets []*target) []*target {
	return slices.DeleteFunc(slices.Clone(targets), func(t *target) bool { return t.status != "" })
}

func decideAll(targets []*target, status OutcomeStatus, reason string, err error) {
	for _, t := range undecided(targets) {
		t.decide(status, reason, err)
	}
}

// evidence is what reading back shows of a change.
type evidence int

const (
	unclear   evidence = iota // nothing is shown, or something else than was asked for
	untouched                 // all is as it was before
	there                     // the change is there
)

func shown(isThere, isUntouched bool) evidence {
	switch {
	case isThere:
		return there
	case isUntouched:
		return untouched
	default:
		return unclear
	}
}

// bulk is one kind of change, made to some users at a time.
type bulk struct {
	client *Client
	op     *operation
	size   int // users at a time, batchSize if it is zero
	// send asks for the change for a batch. It may decide targets by what the
	// answer says of them.
	send func(ctx context.Context, batch []*target) error
	// readBack tells what shows of the change. Nil where it cannot be seen.
	readBack func(ctx context.Context, batch []*target) (map[*target]evidence, error)
	// once forbids to ask again, though reading back shows nothing.
	once bool
	// exact makes it a failure that the server took the change and does not
	// show it. Otherwise that is unknown.
	exact bool
}

// run decides every target that is undecided.
func (b *bulk) run(ctx context.Context, targets []*target, options BulkOptions) {
	progress := func() {
		if options.Progress != nil {
			options.Progress(len(targets)-len(undecided(targets)), len(targets))
		}
	}
	if options.DryRun {
		decideAll(targets, OutcomeDone, "", nil)
	}
	if len(undecided(targets)) == 0 {
		progress()
	}
	for batch := range slices.Chunk(undecided(targets), cmp.Or(b.size, batchSize)) {
		if batch = undecided(batch); len(batch) == 0 {
			return // the rest was decided with an earlier one
		}
		if err := ctx.Err(); err != nil {
			decideAll(targets, OutcomeFailed, notStarted, fmt.Errorf("orgusers: %s: %s: %w", b.op.name, notStarted, err))
		} else {
			b.apply(ctx, batch)
		}
		if stop := batch[0].err; errors.Is(stop, ErrUnauthorized) || redirected(stop) && batch[0].status == OutcomeFailed {
			// The others would only be told the same.
			decideAll(targets, OutcomeFailed, notStarted, stop)
		}
		progress()
	}
}

const notStarted = "not started"

// apply decides a batch: what was sent and is unknown is settled by reading
// back, and what is untouched then is sent again, alone.
func (b *bulk) apply(ctx context.Context, batch []*target) {
	for attempt := 1; len(batch) > 0; attempt++ {
		err := b.send(ctx, batch)
		batch = undecided(batch)
		switch {
		case err == nil:
			b.confirm(ctx, batch)
		case errors.Is(err, ErrOutcomeUnknown):
			b.settle(ctx, batch, err)
			if attempt == b.client.config.retry.MaxAttempts || redirected(err) {
				decideAll(batch, OutcomeFailed, "", known(err))
			}
		case b.readBack != nil && spoilt(err):
			b.separate(ctx, batch, err)
		default:
			decideAll(batch, OutcomeFailed, "", err)
		}
		batch = undecided(batch)
	}
}

// spoilt tells whether one address can have spoilt a request for the others.
func spoilt(err error) bool {
	var failure *Error
	return errors.As(err, &failure) && (failure.StatusCode == http.StatusUnprocessableEntity || failure.StatusCode == http.StatusConflict)
}

// redirected tells whether the answer was to ask elsewhere, which it would be
// again.
func redirected(err error) bool {
	var failure *Error
	return errors.As(err, &failure) && failure.StatusCode >= 300 && failure.StatusCode <= 399
}

// separate asks one by one for what a batch was refused. Nothing says that the
// server takes a batch as a whole, so it looks first what has been done.
func (b *bulk) separate(ctx context.Context, batch []*target, refusal error) {
	seen, err := b.look(ctx, batch, firstLook, looksBeforeRepeating)
	if err != nil {
		decideAll(batch, OutcomeUnknown, "", fmt.Errorf("%w: %w; reading back failed: %w", ErrOutcomeUnknown, refusal, err))
		return
	}
	for _, t := range undecided(batch) {
		switch {
		case seen[t] == unclear:
			t.decide(OutcomeUnknown, "", fmt.Errorf("%w: %w", ErrOutcomeUnknown, refusal))
		case len(batch) == 1 || b.once:
			t.decide(OutcomeFailed, "", refusal)
		default:
			b.apply(ctx, []*target{t})
		}
	}
}

// confirm decides what the server took without saying of whom it was done.
func (b *bulk) confirm(ctx context.Context, batch []*target) {
	if len(batch) == 0 {
		return
	}
	if b.readBack == nil {
		decideAll(batch, OutcomeDone, "", nil)
		return
	}
	// At once, for the common case; then with patience.
	_, err := b.look(ctx, batch, 0, 1)
	if err == nil && len(undecided(batch)) > 0 {
		_, err = b.look(ctx, batch, firstLook, looksBeforeRepeating)
	}
	switch {
	case err != nil:
		decideAll(batch, OutcomeUnknown, "", fmt.Errorf("orgusers: %s: %w: the server took it, and reading back failed: %w", b.op.name, ErrOutcomeUnknown, err))
	case b.exact:
		decideAll(batch, OutcomeFailed, "", fmt.Errorf("orgusers: %s: the server took it, but reading back shows something else", b.op.name))
	default:
		decideAll(batch, OutcomeUnknown, "", fmt.Errorf("orgusers: %s: %w: the server took it, but reading back does not show it", b.op.name, ErrOutcomeUnknown))
	}
}

// settle reads back after an outcome that is unknown. It decides what is
// there. What is untouched is left to be sent again, unless the server may
// still be at work on it: then it stays unknown.
func (b *bulk) settle(ctx context.Context, batch []*target, cause error) {
	if b.readBack == nil {
		decideAll(batch, OutcomeUnknown, "", cause)
		return
	}
	late := mayStillBeAtWork(cause)
	looks := looksBeforeRepeating
	if late {
		looks++
	}
	seen, err := b.look(ctx, batch, firstLook, looks)
	if err != nil {
		decideAll(batch, OutcomeUnknown, "", fmt.Errorf("%w; reading back failed: %w", cause, err))
	}
	for _, t := range undecided(batch) {
		if late || b.once || seen[t] != untouched {
			t.decide(OutcomeUnknown, "", cause)
		}
	}
}

// firstLook is how long to wait before reading back, and then twice as long
// each time. It is no part of RetryPolicy: to look too early mails twice.
const firstLook = time.Second

// looksBeforeRepeating takes seven seconds in all.
const looksBeforeRepeating = 3

// look reads back, several times, until the change is there for everybody. It
// decides for whom it is, and returns what it saw of the others. Where the
// deadline would come before the next look, it looks at once and leaves it at
// that.
func (b *bulk) look(ctx context.Context, batch []*target, wait time.Duration, times int) (seen map[*target]evidence, err error) {
	for ; times > 0; times-- {
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
			wait, times = 0, 1
		}
		if err := transport.Sleep(ctx, wait); err != nil {
			return nil, err
		}
		wait *= 2
		batch = undecided(batch)
		if seen, err = b.readBack(ctx, batch); err != nil {
			return nil, err
		}
		for _, t := range batch {
			if seen[t] == there {
				t.decide(OutcomeDone, "", nil)
			}
		}
		if len(undecided(batch)) == 0 {
			break
		}
	}
	return seen, nil
}

// mayStillBeAtWork is true after a timeout, ours or a gateway's: then what is
// not there yet can still come.
func mayStillBeAtWork(err error) bool {
	if failure, ok := errors.AsType[*Error](err); ok {
		switch failure.StatusCode {
		case http.StatusGatewayTimeout, 522, 524, 598: // as some gateways say it
			return true
		}
	}
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// known takes ErrOutcomeUnknown from an error whose outcome has been found.
func known(err error) error {
	var failure *Error
	if !errors.As(err, &failure) {
		return errors.New(err.Error() + "; it was not done, as reading back shows")
	}
	found := *failure
	found.unknown = false
	found.Message += "; it was not done, as reading back shows"
	return &found
}
