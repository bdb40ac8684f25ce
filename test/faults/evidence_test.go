package faults_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

// The tests here make changes whose state cannot be read back completely. Such a change
// is never reported failed if it was made, and never sent again.

// TestWritesAndDeadlines ends the context at moments around each wait for the state to
// be read back: after 1, 3, 7 and 15 seconds.
func TestWritesAndDeadlines(t *testing.T) {
	t.Parallel()
	tested := []fault{
		{name: "reset", Fault: with(always, orguserstest.Reset())},
		{name: "reset after", Fault: with(after, orguserstest.Reset())},
		{name: "reset, done half a second later", Fault: with(later(500*time.Millisecond), orguserstest.Reset())},
		{name: "reset, done four seconds later", Fault: with(later(4*time.Second), orguserstest.Reset())},
		{name: "504, done half a second later", Fault: with(later(500*time.Millisecond), statusOf(504))},
		{name: "422, done half a second later", Fault: with(later(500*time.Millisecond), statusOf(422)), seen: true},
		{name: "301, done half a second later", Fault: with(later(500*time.Millisecond), statusOf(301))},
		{name: "200, done half a second later", Fault: with(later(500*time.Millisecond), statusOf(200).WithBody(`{"shares":[]}`)), seen: true},
		{name: "timeout", Fault: with(always, orguserstest.Hang())},
		{name: "timeout, done half a second later", Fault: with(later(500*time.Millisecond), orguserstest.Hang())},
	}
	const ms = time.Millisecond
	deadlines := []time.Duration{1 * ms, 400 * ms, 900 * ms, 1100 * ms, 2900 * ms, 3100 * ms, 6 * time.Second, 6900 * ms, 7100 * ms, 9900 * ms, 10900 * ms, 13 * time.Second, 14900 * ms, 15100 * ms, 24 * time.Second}
	for n, o := range operations.Changes() {
		for i, f := range tested {
			if f.seen && !o.Change.ReadBack {
				continue
			}
			t.Run(o.Name+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				for j, deadline := range deadlines {
					if operations.Sampled(n + i + j) {
						continue
					}
					synctest.Test(t, func(t *testing.T) {
						ctx, cancel := context.WithTimeout(t.Context(), deadline)
						defer cancel()
						fake, outcomes := changeUnder(ctx, t, o, f.Fault, 2, inProcess)
						for _, outcome := range outcomes {
							checkOutcome(t, fake, o.Change, outcome)
						}
						if t.Failed() {
							t.Errorf("with a deadline after %v", deadline)
						}
					})
				}
			})
		}
	}
}

// sentTo counts the requests of an operation.
func sentTo(fake *orguserstest.Server, o operations.Operation) int {
	n := 0
	for _, r := range fake.Requests() {
		if o.Matches(r.Method, r.Path) {
			n++
		}
	}
	return n
}

// TestWritesAndUnclearRows loses the response to a change, and makes the rows that are
// read back unclear. A response with rows of others does not show the change either.
func TestWritesAndUnclearRows(t *testing.T) {
	t.Parallel()
	users := []string{"Invite", "RemoveUsers", "WithdrawInvitations", "UpdateRoles", "UpdateRoles, by endpoint"}
	stacks := []string{"UpdateStackAccess, given", "UpdateStackAccess, replaced", "UpdateStackAccess, removed"}
	notMade, made := with(once, orguserstest.Reset()), with(after, orguserstest.Reset())
	tests := []struct {
		name       string
		operations []string
		change     func(rows []any) []any // that are read back
		fault      orguserstest.Fault
		want       orgusers.OutcomeStatus
	}{
		{"other spellings of the addresses", users[:1], add(row("ſtranger0@example.com"), row("ſtranger1@example.com")), notMade, orgusers.OutcomeUnknown},
		{"decomposed letters", users[:1], add(row("stra\u0308nger0@example.com")), notMade, orgusers.OutcomeUnknown},
		{"a domain in punycode", users[:1], add(row("stranger0@xn--exmple-cua.com"), row("stranger1@xn--exmple-cua.com")), notMade, orgusers.OutcomeUnknown},
		{"a canonical mailbox", users[:1], add(row("stranger.0@example.com")), notMade, orgusers.OutcomeUnknown},
		{"white space around the addresses", users[:1], add(row(" stranger0@example.com")), notMade, orgusers.OutcomeUnknown},
		{"a row of another address, nothing there", users[:1], add(row("other@example.com")), notMade, orgusers.OutcomeUnknown},
		{"a row of another address, everything there", users[:1], add(row("other@example.com")), made, orgusers.OutcomeDone},
		{"a row of another address, everything gone", users[1:3], add(row("other@example.com")), made, orgusers.OutcomeUnknown},
		{"a row of another address, roles unchanged", users[3:], add(row("other@example.com")), notMade, orgusers.OutcomeUnknown},
		{"rows without an address", users, without("email"), notMade, orgusers.OutcomeUnknown},
		{"two rows of each address", users[:1], twice, made, orgusers.OutcomeUnknown},
		{"rows that cannot be read", users, func([]any) []any { return []any{1} }, notMade, orgusers.OutcomeUnknown},
		{"roles without users", stacks, without("users"), notMade, orgusers.OutcomeUnknown},
		{"roles without users, everything done", stacks, without("users"), made, orgusers.OutcomeUnknown},
		{"rows of others in the response", users[:3], nil, with(once, statusOf(200).WithBody(`{"shares":[{"uid":"blt1","email":"other@example.com"}]}`)), orgusers.OutcomeUnknown},
		{"an organization that does not have a transfer", []string{"TransferOwnership"}, nil, notMade, orgusers.OutcomeUnknown},
	}
	for _, tt := range tests {
		for _, name := range tt.operations {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					o := *byName(name)
					fake, outcomes := changeUnder(t.Context(), t, o, tt.fault, 2, func(fake *orguserstest.Server) http.RoundTripper {
						return &editor{server: fake.Transport(), write: o, change: tt.change}
					})
					for _, outcome := range outcomes {
						checkOutcome(t, fake, o.Change, outcome)
						if outcome.Status != tt.want {
							t.Errorf("it is reported %s, want %s: %v", outcome.Status, tt.want, outcome.Err)
						}
					}
					if n := sentTo(fake, o); n > len(outcomes) || n > 1 && !strings.HasSuffix(name, "removed") {
						t.Errorf("it was sent %d times", n)
					}
				})
			})
		}
	}
}

// editor changes the rows that are read back after a write: those of searches, and the
// roles of stacks.
type editor struct {
	server  http.RoundTripper
	write   operations.Operation
	change  func([]any) []any
	written atomic.Bool
}

func (e *editor) RoundTrip(r *http.Request) (*http.Response, error) {
	if e.write.Matches(r.Method, r.URL.Path) {
		e.written.Store(true)
	}
	response, err := e.server.RoundTrip(r)
	list := ""
	switch {
	case strings.HasSuffix(r.URL.Path, "/share/search"):
		list = "shares"
	case r.URL.Path == "/v3/roles":
		list = "roles"
	}
	if err != nil || !e.written.Load() || e.change == nil || list == "" {
		return response, err
	}
	defer response.Body.Close()
	var content map[string]any
	if err := json.NewDecoder(response.Body).Decode(&content); err != nil {
		return nil, err
	}
	rows, _ := content[list].([]any)
	before := len(rows)
	rows = e.change(rows)
	content[list] = rows
	if count, ok := content["count"].(float64); ok {
		content["count"] = int(count) + len(rows) - before
	}
	text, err := json.Marshal(content)
	if err != nil {
		return nil, err
	}
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	return response, nil
}

func row(email string) any {
	return map[string]any{"uid": "blt" + email, "email": email, "status": "pending", "org_roles": []any{}}
}

func add(more ...any) func([]any) []any {
	return func(rows []any) []any { return append(rows, more...) }
}

func without(field string) func([]any) []any {
	return func(rows []any) []any {
		for _, row := range rows {
			if object, ok := row.(map[string]any); ok {
				delete(object, field)
			}
		}
		return append(rows, map[string]any{"uid": "blt00000000000000"})
	}
}

// twice repeats each row with another uid.
func twice(rows []any) []any {
	for i, original := range rows {
		second := maps.Clone(original.(map[string]any))
		second["uid"] = fmt.Sprintf("blt0000000000000%d", i)
		rows = append(rows, second)
	}
	return rows
}
