package orgusers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
)

var (
	allResults  = []sendResult{accepted, notSent, unauthorized, throttled, forbidden, rejected, redirected, late, lost}
	allEvidence = []evidence{inconclusive, unchanged, different, partly, changed}
	allSteps    = map[step]string{
		reportDone: "done", reportPartial: "partial", reportFailed: "failed", reportNotStarted: "not started",
		reportUnknown: "unknown", sendAgain: "again", sendAlone: "alone",
	}
)

// everySituation calls f with all combinations.
func everySituation(f func(situation)) {
	both := []bool{false, true}
	for _, sent := range allResults {
		for _, seen := range allEvidence {
			for bits := range 1 << 4 {
				for attempts := range 3 {
					f(situation{
						sent: sent, seen: seen, attempts: attempts,
						readable: both[bits&1], alone: both[bits>>1&1], exact: both[bits>>2&1], once: both[bits>>3&1],
					})
				}
			}
		}
	}
}

// TestNextStep has the first row that matches for every situation.
func TestNextStep(t *testing.T) {
	t.Parallel()
	type when = func(situation) bool
	is := func(results ...sendResult) when {
		return func(s situation) bool { return slices.Contains(results, s.sent) }
	}
	and := func(conditions ...when) when {
		return func(s situation) bool {
			return !slices.ContainsFunc(conditions, func(c when) bool { return !c(s) })
		}
	}
	sees := func(states ...evidence) when {
		return func(s situation) bool { return slices.Contains(states, s.seen) }
	}
	unreadable := func(s situation) bool { return !s.readable }
	alone := func(s situation) bool { return s.alone }
	exact := func(s situation) bool { return s.exact }
	once := func(s situation) bool { return s.once }
	last := func(s situation) bool { return s.attempts == 0 }
	always := func(situation) bool { return true }

	type row struct {
		name string
		when when
		want step
	}
	table := []row{
		{"nothing reached the server, or 401", is(notSent, unauthorized), reportNotStarted},
		{"429", is(throttled), reportFailed},
		{"403 or 404 for one address", and(is(forbidden), alone), reportFailed},
		{"accepted, cannot be read back", and(is(accepted), unreadable), reportDone},
		{"refused, cannot be read back", and(is(forbidden, rejected), unreadable), reportFailed},
		{"lost, cannot be read back", unreadable, reportUnknown},
		{"the change is there", sees(changed), reportDone},
		{"a part of it is there", sees(partly), reportPartial},
		{"the state is inconclusive", sees(inconclusive), reportUnknown},
		{"accepted, something else is there", and(is(accepted), exact), reportFailed},
		{"accepted, not seen", is(accepted), reportUnknown},
		{"something else is there", sees(different), reportUnknown},
		{"403, 404 or a redirect, not there", is(forbidden, redirected), reportFailed},
		{"rejected for one address, not there", and(is(rejected), alone), reportFailed},
		{"rejected, must not be sent twice", and(is(rejected), once), reportFailed},
		{"rejected for several, not there", is(rejected), sendAlone},
		{"a timeout, not there", is(late), reportUnknown},
		{"lost, not there, must not be sent twice", once, reportUnknown},
		{"lost, not there, no attempt left", last, reportFailed},
		{"lost, not there", always, sendAgain},
	}
	used := map[string]bool{}
	everySituation(func(s situation) {
		i := slices.IndexFunc(table, func(r row) bool { return r.when(s) })
		used[table[i].name] = true
		if got := s.next(); got != table[i].want {
			t.Errorf("%s: %+v: got %s, want %s", table[i].name, s, allSteps[got], allSteps[table[i].want])
		}
	})
	if len(used) != len(table) {
		t.Errorf("%d of %d rows are used", len(used), len(table))
	}
}

// TestNextStepIsSafe checks what must hold whatever the table says.
func TestNextStepIsSafe(t *testing.T) {
	t.Parallel()
	everySituation(func(s situation) {
		next := s.next()
		read := s.mustReadBack()
		certain := slices.Contains([]sendResult{throttled, forbidden, rejected}, s.sent)
		for rule, broken := range map[string]bool{
			"sent again without complete evidence of absence": (next == sendAgain || next == sendAlone) && (!read || s.seen != unchanged),
			"sent again although once":                        (next == sendAgain || next == sendAlone) && s.once,
			"sent again after a timeout":                      next == sendAgain && s.sent == late,
			"sent again without an end":                       next == sendAgain && s.attempts == 0 || next == sendAlone && s.alone,
			"failed without evidence":                         next == reportFailed && !certain && (!read || s.seen == inconclusive || s.seen == changed),
			"failed although the state is inconclusive":       next == reportFailed && read && s.seen == inconclusive,
			"not done although it is there":                   next != reportDone && read && s.seen == changed,
			"done without evidence":                           next == reportDone && (s.sent != accepted || s.readable) && (!read || s.seen != changed),
			"read back for nothing":                           read && (s.sent == notSent || s.sent == unauthorized || s.sent == throttled || !s.readable),
		} {
			if broken {
				t.Errorf("%+v: %s: %s", s, allSteps[next], rule)
			}
		}
	})
}

func TestResultOfStatus(t *testing.T) {
	t.Parallel()
	want := func(status int) sendResult {
		switch {
		case status == 401:
			return unauthorized
		case status == 429:
			return throttled
		case status == 403 || status == 404:
			return forbidden
		case slices.Contains([]int{408, 499, 504, 522, 524, 598}, status):
			return late
		case status >= 300 && status <= 399:
			return redirected
		case status >= 400 && status <= 428 || status == 431:
			return rejected
		default:
			return lost
		}
	}
	for status := 200; status < 600; status++ {
		err := error(&Error{StatusCode: status, unknown: !certain(status)})
		for _, err := range []error{err, fmt.Errorf("wrapped: %w", err)} {
			if got := resultOf(err); got != want(status) {
				t.Errorf("%d: got %d, want %d", status, got, want(status))
			}
		}
	}
}

func TestResultOfError(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		want sendResult
	}{
		{"none", nil, accepted},
		{"an argument is invalid", opInvite.invalid(errors.New("no")), notSent},
		{"the context ended first", context.Canceled, notSent},
		{"no connection", &Error{cause: errors.New("refused")}, notSent},
		{"the deadline comes before its turn", &Error{limited: true, cause: context.DeadlineExceeded}, notSent},
		{"no response", &Error{unknown: true, cause: errors.New("reset")}, lost},
		{"no response in time", &Error{unknown: true, cause: context.DeadlineExceeded}, late},
		{"canceled before the response", &Error{unknown: true, cause: context.Canceled}, lost},
		{"an unreadable response", &Error{StatusCode: http.StatusOK, broken: true, unknown: true}, lost},
		{"Decode failed", fmt.Errorf("%w: %w", ErrOutcomeUnknown, errors.New("no")), lost},
		{"Decode failed with the error of another request", fmt.Errorf("%w: %w", ErrOutcomeUnknown, &Error{StatusCode: 404}), lost},
	}
	for _, tt := range tests {
		if got := resultOf(tt.err); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}
