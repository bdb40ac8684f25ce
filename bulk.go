package orgusers

import (
	"errors"
	"fmt"
	"strings"
)

// BulkOptions are options of calls for many users. Nil means the zero value.
type BulkOptions struct {
	// DryRun sends only reads. The outcomes are those of a real run as far as they
	// can be known, with [OutcomePlanned] for each change.
	DryRun bool
	// SkipRefused processes the other addresses if some are refused. By default the
	// whole call is refused if one address is.
	SkipRefused bool
	// Progress is called with the number of addresses that have an outcome: before
	// the first request for a change, and after each such request. It is called on
	// the caller's goroutine.
	Progress func(done, total int)
}

// OutcomeStatus is the result for one address.
type OutcomeStatus string

// The statuses.
const (
	// OutcomeDone means that the change was made, once.
	OutcomeDone OutcomeStatus = "done"
	// OutcomePlanned means that a real run would make the change. A dry run has no
	// OutcomeDone.
	OutcomePlanned OutcomeStatus = "planned"
	// OutcomeSkipped means that there was nothing to do, or that the change does
	// not apply to the user. Outcome.Reason says why.
	OutcomeSkipped OutcomeStatus = "skipped"
	// OutcomePartial means that a part of the change was made. Outcome.Detail says
	// what was not. Repeating the call is safe.
	OutcomePartial OutcomeStatus = "partial"
	// OutcomeRefused means that a guard stopped the change, or that the address or
	// its arguments are not valid.
	OutcomeRefused OutcomeStatus = "refused"
	// OutcomeNotStarted means that the change was not requested: the call was
	// refused, the token was rejected, a read failed, or the context ended.
	// Repeating the call is safe.
	OutcomeNotStarted OutcomeStatus = "not_started"
	// OutcomeFailed means that the server rejected the change, or that reading back
	// does not show it.
	OutcomeFailed OutcomeStatus = "failed"
	// OutcomeUnknown means that the change may or may not have been made.
	// Outcome.Err is an [ErrOutcomeUnknown].
	OutcomeUnknown OutcomeStatus = "unknown"
)

// Reason says why an outcome is not done. It is a constant to group by;
// Outcome.Detail has words for people.
type Reason string

// The reasons.
const (
	ReasonAlreadyMember     Reason = "already_member"
	ReasonAlreadyPending    Reason = "already_pending"
	ReasonNotInOrganization Reason = "not_in_organization"
	ReasonPending           Reason = "pending"     // the invitation was not accepted yet
	ReasonNotPending        Reason = "not_pending" // the user is a member already
	ReasonUnchanged         Reason = "unchanged"   // the user has exactly this already
	ReasonOwner             Reason = "owner"
	ReasonSelf              Reason = "self"
	ReasonInvalidAddress    Reason = "invalid_address"
	ReasonDuplicateRows     Reason = "duplicate_rows" // several spellings or members have the address
	ReasonConflictingAccess Reason = "conflicting_access"
	ReasonInvalidRole       Reason = "invalid_role"
	ReasonInvalidStack      Reason = "invalid_stack"
	ReasonInvalidTeam       Reason = "invalid_team"
	ReasonNotInTeam         Reason = "not_in_team"
	ReasonInvalidRecord     Reason = "invalid_record"
	ReasonThroughTeam       Reason = "through_team" // what remains comes through a team
	ReasonOwnsStacks        Reason = "owns_stacks"
	ReasonProtected         Reason = "protected"
	ReasonLimit             Reason = "limit"         // a limit of Guards
	ReasonMissing           Reason = "missing"       // a role, stack or team no longer exists
	ReasonEndpoint          Reason = "endpoint"      // the response of a custom endpoint says so
	ReasonNoEndpoint        Reason = "no_endpoint"   // WithEndpoints is needed
	ReasonReadOnly          Reason = "read_only"     // the client is read-only
	ReasonCallRefused       Reason = "call_refused"  // another address was refused
	ReasonBefore            Reason = "before"        // RemoveOptions.Before returned an error, or was not shown the row
	ReasonReadFailed        Reason = "read_failed"   // a read before the change failed
	ReasonContextEnded      Reason = "context_ended" // the context was canceled or its deadline passed
	ReasonUnauthorized      Reason = "unauthorized"  // the token was rejected
	ReasonNotSent           Reason = "not_sent"      // no request reached the server
	ReasonRejected          Reason = "rejected"      // the server refused the change
	ReasonNotApplied        Reason = "not_applied"   // the change is not there when read back
	ReasonNoResponse        Reason = "no_response"   // the response was lost or cannot be read
)

// text continues a sentence about an address.
func (r Reason) text() string {
	switch r {
	case ReasonOwner:
		return "belongs to the organization's owner"
	case ReasonSelf:
		return "is your own"
	case ReasonInvalidAddress:
		return "is not a valid email address"
	case ReasonDuplicateRows:
		return "has rows in other spellings or of two members: give the exact spelling of each row that is meant"
	case ReasonConflictingAccess:
		return "is given twice with different access"
	case ReasonInvalidRole:
		return "has a role that does not exist"
	case ReasonInvalidStack:
		return "has a stack that cannot be read"
	case ReasonProtected:
		return "is protected"
	case ReasonOwnsStacks:
		return "owns stacks"
	case ReasonInvalidRecord:
		return "has an access record that is not valid"
	case ReasonNotInOrganization:
		return "is not in the organization"
	case ReasonPending:
		return "has not accepted the invitation"
	default:
		return "is refused: " + string(r)
	}
}

// Outcome is the result for one address.
type Outcome struct {
	// Email is the address as it was first given, without surrounding white space.
	Email  string        `json:"email"`
	Status OutcomeStatus `json:"status"`
	// Reason is set unless the status is done or planned.
	Reason Reason `json:"reason,omitempty"`
	// Detail has more in words for people, such as the uid of a role that was given
	// by name. It can contain addresses, but no secrets.
	Detail string `json:"detail,omitempty"`
	// User is the user or invitation as last read, nil if there is none. After a
	// removal it is the user who was removed.
	User *User `json:"user,omitempty"`
	// Err is nil if the status is done, planned or skipped. It is not in JSON.
	Err error `json:"-"`
}

// BulkResult has one outcome for each address, in the order given. Calls return it
// with every error, and never nil. Addresses that differ only in letter case count as
// one, unless the organization has a row for each spelling.
type BulkResult struct {
	DryRun   bool      `json:"dry_run"`
	Outcomes []Outcome `json:"outcomes"`
}

// Count returns the number of outcomes with a status.
func (r *BulkResult) Count(status OutcomeStatus) int {
	n := 0
	for _, outcome := range r.Outcomes {
		if outcome.Status == status {
			n++
		}
	}
	return n
}

// result returns the outcomes in order, and an error unless all are done, planned
// or skipped.
func (b *bulk) result() (*BulkResult, error) {
	result := &BulkResult{DryRun: b.options.DryRun, Outcomes: make([]Outcome, len(b.targets))}
	e := &bulkError{op: b.op.name, result: result}
	seen := map[string]bool{}
	for i, t := range b.targets {
		result.Outcomes[i] = Outcome{Email: t.email, Status: t.status, Reason: t.reason, Detail: t.detail, User: t.user(), Err: t.err}
		if t.err != nil && !seen[t.err.Error()] {
			seen[t.err.Error()] = true
			e.errs = append(e.errs, t.err)
		}
	}
	if b.err != nil {
		return result, b.err
	}
	switch {
	case e.summary() == "":
		return result, nil
	case len(e.errs) == 1 && result.Count(OutcomeRefused)+result.Count(OutcomeNotStarted) == len(b.targets):
		err := e.errs[0] // of the whole call
		if errors.Is(err, ErrRefused) && !strings.HasSuffix(err.Error(), "nothing was changed") {
			err = fmt.Errorf("%w; nothing was changed", err)
		}
		return result, err
	default:
		return result, e
	}
}

// bulkError has the errors of the outcomes, each once.
type bulkError struct {
	op     string
	result *BulkResult
	errs   []error
}

// inWords turns a status into words for the text of an error.
var inWords = strings.NewReplacer("_", " ", string(OutcomePartial), "partly done")

// summary counts the outcomes that make the error: "2 failed, 1 not started".
func (e *bulkError) summary() string {
	var parts []string
	for _, status := range []OutcomeStatus{OutcomeRefused, OutcomeFailed, OutcomeUnknown, OutcomePartial, OutcomeNotStarted} {
		if n := e.result.Count(status); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, inWords.Replace(string(status))))
		}
	}
	return strings.Join(parts, ", ")
}

// Error counts the outcomes and has the first error: "2 of 25 users failed, 1 not started: …".
func (e *bulkError) Error() string {
	users := "users"
	if len(e.result.Outcomes) == 1 {
		users = "user"
	}
	first, others, _ := strings.Cut(e.summary(), " ")
	text := fmt.Sprintf("orgusers: %s: %s of %d %s %s", e.op, first, len(e.result.Outcomes), users, others)
	if len(e.errs) > 0 {
		text += ": " + strings.TrimPrefix(strings.TrimPrefix(e.errs[0].Error(), "orgusers: "+e.op+": "), ErrRefused.Error()+": ")
	}
	switch more := len(e.errs) - 1; {
	case more == 1:
		text += "; 1 more error"
	case more > 1:
		text += fmt.Sprintf("; %d more errors", more)
	}
	return text
}

// Unwrap returns the errors of the outcomes.
func (e *bulkError) Unwrap() []error { return e.errs }
