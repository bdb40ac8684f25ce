package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

// fault is a fault of the fake, and what may be reported of a change under it.
type fault struct {
	name string
	orguserstest.Fault

	lost    bool // the response does not show what was done
	late    bool // the server may still be processing the request
	tooLate bool // the change is made when its state is not read back any more
	seen    bool // the outcome is right only if the change can be read back
	never   bool // the fault does not end, and the change is never made
	stops   bool // later batches are not started
}

var (
	none   = orguserstest.Fault{Skip: 1 << 30, Effect: orguserstest.Status(500)}
	once   = orguserstest.Fault{Times: 1}
	after  = orguserstest.Fault{Times: 1, After: true}
	middle = orguserstest.Fault{Times: 1, Partial: 4}
	always = orguserstest.Fault{}
)

func later(d time.Duration) orguserstest.Fault { return orguserstest.Fault{Times: 1, Later: d} }

// with returns a fault with an effect.
func with(f orguserstest.Fault, effect orguserstest.Effect) orguserstest.Fault {
	f.Effect = effect
	return f
}

var (
	statusOf = orguserstest.Status
	faults   = []fault{
		{name: "none", Fault: none},
		{name: "429", Fault: with(once, statusOf(429))},
		{name: "429 always", Fault: with(always, statusOf(429)), never: true},
		{name: "422 always", Fault: with(always, statusOf(422)), never: true},
		{name: "422 in the middle", Fault: with(middle, statusOf(422)), seen: true},
		{name: "422, done half a second later", Fault: with(later(500*time.Millisecond), statusOf(422)), seen: true},
		{name: "403 always", Fault: with(always, statusOf(403)), never: true},
		{name: "401 always", Fault: with(always, statusOf(401)), never: true, stops: true},
		{name: "101 after", Fault: with(after, statusOf(101)), lost: true},
		{name: "101 always", Fault: with(always, statusOf(101)), lost: true, never: true, stops: true},
		{name: "304 after", Fault: with(after, statusOf(304)), lost: true, stops: true},
		{name: "408", Fault: with(once, statusOf(408)), lost: true, late: true},
		{name: "408 after", Fault: with(after, statusOf(408)), lost: true, late: true},
		{name: "499 after", Fault: with(after, statusOf(499)), lost: true, late: true},
		{name: "500", Fault: with(once, statusOf(500)), lost: true},
		{name: "500 after", Fault: with(after, statusOf(500)), lost: true},
		{name: "500 after, always", Fault: orguserstest.Fault{After: true, Effect: statusOf(500)}, lost: true},
		{name: "500 always", Fault: with(always, statusOf(500)), lost: true, never: true},
		{name: "500 in the middle", Fault: with(middle, statusOf(500)), lost: true},
		{name: "502", Fault: with(once, statusOf(502)), lost: true},
		{name: "503 after", Fault: with(after, statusOf(503)), lost: true},
		{name: "504", Fault: with(once, statusOf(504)), lost: true, late: true},
		{name: "504 after", Fault: with(after, statusOf(504)), lost: true, late: true},
		{name: "504, done two seconds later", Fault: with(later(2*time.Second), statusOf(504)), lost: true, late: true},
		{name: "504, done too late", Fault: with(later(30*time.Second), statusOf(504)), lost: true, late: true, tooLate: true},
		{name: "524 after", Fault: with(after, statusOf(524)), lost: true, late: true},
		{name: "524, done too late", Fault: with(later(30*time.Second), statusOf(524)), lost: true, late: true, tooLate: true},
		{name: "reset", Fault: with(once, orguserstest.Reset()), lost: true},
		{name: "reset after", Fault: with(after, orguserstest.Reset()), lost: true},
		{name: "reset in the middle", Fault: with(middle, orguserstest.Reset()), lost: true},
		{name: "reset always", Fault: with(always, orguserstest.Reset()), lost: true, never: true},
		{name: "reset, done half a second later", Fault: with(later(500*time.Millisecond), orguserstest.Reset()), lost: true},
		{name: "reset, done three seconds later", Fault: with(later(3*time.Second), orguserstest.Reset()), lost: true},
		{name: "timeout", Fault: with(once, orguserstest.Hang()), lost: true, late: true},
		{name: "timeout after", Fault: with(after, orguserstest.Hang()), lost: true, late: true},
		{name: "timeout, done six seconds later", Fault: with(later(16*time.Second), orguserstest.Hang()), lost: true, late: true},
		{name: "cut body", Fault: with(once, orguserstest.CutBody()), lost: true},
		{name: "reset body", Fault: with(once, orguserstest.ResetBody()), lost: true},
		{name: "truncated JSON", Fault: with(once, orguserstest.TruncatedJSON()), lost: true},
		{name: "empty body", Fault: with(once, orguserstest.EmptyBody()), lost: true},
		{name: "another response", Fault: with(after, statusOf(200).WithBody(`{"notice":"Hello."}`)), lost: true},
		{name: "rows of others", Fault: with(after, statusOf(200).WithBody(`{"shares":[{"uid":"blt1","email":"other@example.com"}]}`)), lost: true},
		{name: "200 with an error", Fault: with(after, statusOf(200).WithBody(`{"error_message":"It went wrong.","error_code":119}`)), lost: true},
		{name: "HTML", Fault: with(once, orguserstest.HTML(200)), lost: true},
		{name: "HTML after", Fault: with(after, orguserstest.HTML(200)), lost: true},
		{name: "redirect always", Fault: with(always, orguserstest.Redirect(307, "/v3/elsewhere")), lost: true, never: true, stops: true},
		{name: "redirect after", Fault: with(after, orguserstest.Redirect(303, "/v3/elsewhere")), lost: true, stops: true},
	}
)

// changeUnder makes a change under a fault, which selects the request of the operation.
func changeUnder(ctx context.Context, t *testing.T, o operations.Operation, f orguserstest.Fault, targets int, carry func(*orguserstest.Server) http.RoundTripper) (*orguserstest.Server, []orgusers.Outcome) {
	t.Helper()
	fake := newCrowd(t)
	if o.Change.Prepare != nil {
		o.Change.Prepare(fake)
	}
	a := newArguments(t, o, fake, carry(fake))
	f.Method, f.Path = o.Method, o.Path
	fake.AddFault(f)
	emails := o.Change.Targets[:min(targets, len(o.Change.Targets))]
	result, err := o.Change.Run(ctx, a, emails, orgusers.BulkOptions{})
	if deadline, ok := ctx.Deadline(); ok && time.Now().After(deadline) {
		t.Error("it ended after its deadline")
	}
	time.Sleep(time.Minute) // fake time: what the server still does
	if len(result.Outcomes) != len(emails) {
		t.Fatalf("%d outcomes for %d addresses: %v", len(result.Outcomes), len(emails), err)
	}
	return fake, result.Outcomes
}

func inProcess(fake *orguserstest.Server) http.RoundTripper { return fake.Transport() }

// checkOutcome checks what must hold whatever happens: at most one email to an address,
// and a status that is true. It returns whether the change was made.
func checkOutcome(t *testing.T, fake *orguserstest.Server, change *operations.Change, outcome orgusers.Outcome) (done bool) {
	t.Helper()
	emails := operations.EmailsTo(fake, outcome.Email)
	done = emails > 0
	if change.Done != nil {
		done = change.Done(fake, outcome.Email)
	}
	if emails > 1 || !change.Emails && emails > 0 {
		t.Errorf("%d emails were sent to one address", emails)
	}
	switch outcome.Status {
	case orgusers.OutcomeDone:
		if !done || change.Emails && emails != 1 {
			t.Errorf("it is reported done: done %v, %d emails", done, emails)
		}
	case orgusers.OutcomeFailed, orgusers.OutcomeNotStarted, orgusers.OutcomeRefused:
		if done || emails > 0 {
			t.Errorf("it is reported %s: done %v, %d emails: %v", outcome.Status, done, emails, outcome.Err)
		}
	case orgusers.OutcomeUnknown:
	default:
		t.Errorf("it is reported %s: %v", outcome.Status, outcome.Err)
	}
	return done
}

// check checks an outcome under a fault: that it is true, and not unknown, failed or not
// started without need.
func (f *fault) check(t *testing.T, fake *orguserstest.Server, change *operations.Change, outcome orgusers.Outcome) {
	t.Helper()
	done := checkOutcome(t, fake, change, outcome)
	switch outcome.Status {
	case orgusers.OutcomeFailed:
		if !f.never && !change.Once {
			t.Error("it failed, although the fault ended")
		}
	case orgusers.OutcomeRefused:
		t.Errorf("it is refused: %v", outcome.Err)
	case orgusers.OutcomeNotStarted:
		if !f.stops {
			t.Errorf("it was not started: %v", outcome.Err)
		}
	case orgusers.OutcomeUnknown:
		possible := f.lost && (!change.ReadBack || f.tooLate || !done && (f.late || change.Once))
		if !possible {
			t.Errorf("it is unknown, although it could be known: done %v: %v", done, outcome.Err)
		}
	default:
	}
}

// TestWritesUnderFaults makes each change under each fault.
func TestWritesUnderFaults(t *testing.T) {
	t.Parallel()
	for n, o := range operations.Changes() {
		for i, f := range faults {
			if f.seen && !o.Change.ReadBack || operations.Sampled(n+i) {
				continue
			}
			t.Run(o.Name+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					fake, outcomes := changeUnder(t.Context(), t, o, f.Fault, 12, inProcess)
					for _, outcome := range outcomes {
						f.check(t, fake, o.Change, outcome)
					}
				})
			})
		}
	}
}

// TestWritesOverConnections makes each change over a connection that breaks: a new one, one
// that was used before, and one of HTTP/2, whose streams are reset. net/http repeats some
// requests by itself on the latter two.
func TestWritesOverConnections(t *testing.T) {
	t.Parallel()
	for _, o := range operations.Changes() {
		for _, f := range faults {
			if !slices.Contains([]string{"reset", "reset after", "reset in the middle", "cut body"}, f.name) {
				continue
			}
			for _, connection := range []string{"new", "reused", "HTTP/2"} {
				t.Run(fmt.Sprintf("%s/%s/%s", o.Name, f.name, connection), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						fake, outcomes := changeUnder(t.Context(), t, o, f.Fault, 12, func(fake *orguserstest.Server) http.RoundTripper {
							wire := newPipes(t, fake)
							wire.DisableKeepAlives = connection == "new"
							if connection == "HTTP/2" {
								wire.Protocols = new(http.Protocols)
								wire.Protocols.SetUnencryptedHTTP2(true)
							}
							return wire
						})
						for _, outcome := range outcomes {
							f.check(t, fake, o.Change, outcome)
						}
					})
				})
			}
		}
	}
}

// TestWritesAndStatuses lets the server make a change and then respond with a status of
// each kind that TestResultOfStatus tells apart. What can be read back is done; the rest is
// failed or unknown, as the status says.
func TestWritesAndStatuses(t *testing.T) {
	t.Parallel()
	for _, o := range operations.Changes() {
		t.Run(o.Name, func(t *testing.T) {
			t.Parallel()
			for _, code := range []int{300, 302, 400, 403, 404, 408, 409, 422, 428, 430, 431, 451, 499, 500, 501, 503, 504, 522, 524, 598, 599} {
				synctest.Test(t, func(t *testing.T) {
					fake, outcomes := changeUnder(t.Context(), t, o, with(after, statusOf(code)), 2, inProcess)
					requests := slices.DeleteFunc(fake.Requests(), func(r orguserstest.Request) bool { return !o.Matches(r.Method, r.Path) })
					alone := len(requests) == len(outcomes) // one address in each
					certain := code >= 400 && code <= 431 && code != 408 && code != 430
					want := orgusers.OutcomeUnknown
					switch {
					case !o.Change.ReadBack && certain, alone && (code == 403 || code == 404):
						want = orgusers.OutcomeFailed
					case o.Change.ReadBack:
						want = orgusers.OutcomeDone
					}
					for i, outcome := range outcomes {
						if operations.EmailsTo(fake, outcome.Email) > 1 {
							t.Errorf("%d: two emails were sent to one address", code)
						}
						if i == 0 && outcome.Status != want {
							t.Errorf("%d: it is reported %s, want %s: %v", code, outcome.Status, want, outcome.Err)
						}
					}
				})
			}
		})
	}
}
