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

// OutcomeStatus is what became of one address.
type OutcomeStatus string

// The outcomes.
const (
	// OutcomeDone: it was done, or is so already as a result of this call.
	OutcomeDone OutcomeStatus = "done"
	// OutcomeSkipped: there was nothing to do, or it does not apply to this
	// user. Outcome.Reason says why.
	OutcomeSkipped OutcomeStatus = "skipped"
	// OutcomeFailed: it was not done. Where the context ended, or the token
	// was refused, before it was this address's turn, the reason is "not
	// started".
	OutcomeFailed OutcomeStatus = "failed"
	// OutcomeUnknown: it may or may not have been done, and no reading back
	// could tell. The error is ErrOutcomeUnknown.
	OutcomeUnknown OutcomeStatus = "unknown"
)

// Outcome is what became of one address.
type Outcome struct {
	// Email is the address as it was first given, without blanks around it.
	Email  string        `json:"email"`
	Status OutcomeStatus `json:"status"`
	// Reason says why it was not done.
	Reason string `json:"reason,omitempty"`
	// Err is the failure, or what left the outcome unknown. It is not in JSON.
	Err error `json:"-"`
}

// BulkResult has one outcome for each address, in the order given. Addresses
// that differ in letter case alone are one. It is empty where a call was
// refused, or failed before anything was sent.
type BulkResult struct {
	Outcomes []Outcome `json:"outcomes"`
}

// Count tells how many outcomes have a status.
func (r *BulkResult) Count(status OutcomeStatus) int {
	n := 0
	for _, outcome := range r.Outcomes {
		if outcome.Status == status {
			n++
		}
	}
	return n
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

// result puts outcomes in order, and joins the errors of what failed or is
// unknown.
func (b *bulk) result(targets []*target) (*BulkResult, error) {
	result := &BulkResult{Outcomes: make([]Outcome, len(targets))}
	for i, t := range targets {
		result.Outcomes[i] = Outcome{Email: t.email, Status: t.status, Reason: t.reason, Err: t.err}
	}
	return result, joined(b.op, targets)
}

func joined(op *operation, targets []*target) error {
	e := &bulkError{op: op.name, total: len(targets)}
	seen := map[string]bool{}
	for _, t := range targets {
		switch t.status {
		case OutcomeFailed:
			e.failed++
		case OutcomeUnknown:
			e.unknown++
		default:
			continue
		}
		if t.err != nil && !seen[t.err.Error()] {
			seen[t.err.Error()] = true
			e.errs = append(e.errs, t.err)
		}
	}
	if e.failed+e.unknown == 0 {
		return nil
	}
	return e
}

// bulkError is what went wrong with some of many, each kind once.
type bulkError struct {
	op                     string
	total, failed, unknown int
	errs                   []error
}

func (e *bulkError) Error() string {
	text := fmt.Sprintf("orgusers: %s: of %d users %d failed and %d are unknown", e.op, e.total, e.failed, e.unknown)
	if len(e.errs) > 0 {
		text += ": " + e.errs[0].Error()
	}
	if len(e.errs) > 1 {
		text += fmt.Sprintf("; and %d other errors", len(e.errs)-1)
	}
	return text
}

// Unwrap gives the errors to errors.Is and errors.As.
func (e *bulkError) Unwrap() []error { return e.errs }
