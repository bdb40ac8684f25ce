package orgusers

import (
	"fmt"
)

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
