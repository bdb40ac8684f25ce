package orgusers_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

// bulkChanges are the changes that take many addresses.
func bulkChanges() []operations.Operation {
	return slices.DeleteFunc(operations.Changes(), func(o operations.Operation) bool { return len(o.Change.Targets) == 1 })
}

// changeNamed returns a change by its name.
func changeNamed(name string) operations.Operation {
	all := operations.Changes()
	return all[slices.IndexFunc(all, func(o operations.Operation) bool { return o.Name == name })]
}

// eachBulk runs a subtest in a bubble for each change of many addresses, with a crowd
// that is prepared for it.
func eachBulk(t *testing.T, test func(t *testing.T, o operations.Operation, a *operations.Arguments)) {
	t.Helper()
	for _, o := range bulkChanges() {
		t.Run(o.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				test(t, o, bulkArguments(t, o))
			})
		})
	}
}

func bulkArguments(t *testing.T, o operations.Operation, opts ...orgusers.Option) *operations.Arguments {
	t.Helper()
	server, _ := crowded(t)
	if o.Endpoint {
		opts = append(opts, orgusers.WithEndpoints(server.Endpoints()))
	}
	if o.Change.Prepare != nil {
		o.Change.Prepare(server)
	}
	return &operations.Arguments{Fake: server, Client: clientOf(t, server, opts...)}
}

// writesTo counts requests that are not reads.
func writesTo(s *orguserstest.Server) int {
	n := 0
	for _, r := range s.Requests() {
		if r.Write {
			n++
		}
	}
	return n
}

// summaries returns the outcomes as texts: "done", "skipped: pending".
func summaries(result *orgusers.BulkResult) []string {
	var texts []string
	for _, outcome := range result.Outcomes {
		text := string(outcome.Status)
		if outcome.Reason != "" {
			text += ": " + string(outcome.Reason)
		}
		texts = append(texts, text)
	}
	return texts
}

// counts returns a progress function that fails the test unless the numbers rise to
// the total, and a function that returns the last number.
func counts(t *testing.T, total int) (progress func(done, total int), last func() int) {
	t.Helper()
	highest := -1
	return func(done, of int) {
		if done < highest || done > of || of != total {
			t.Errorf("progress went from %d to %d of %d, want a total of %d", highest, done, of, total)
		}
		highest = done
	}, func() int { return highest }
}

// TestBulkOutcomes gives a member, a pending invitation and a stranger, twice each. A
// dry run has the same outcomes and sends only reads.
func TestBulkOutcomes(t *testing.T) {
	t.Parallel()
	given := []string{"  Member0@Example.com ", operations.Pending(0), operations.Stranger(0), "MEMBER0@EXAMPLE.COM", operations.Member(1), operations.Stranger(1), operations.Pending(1), operations.Stranger(0)}
	want := []string{"Member0@Example.com", operations.Pending(0), operations.Stranger(0), operations.Member(1), operations.Stranger(1), operations.Pending(1)}
	const (
		pending  = "skipped: pending"
		stranger = "skipped: not_in_organization"
	)
	special := map[string][3]string{ // what a member, an invitation and a stranger get
		"RemoveUsers":         {"done", "done", stranger},
		"WithdrawInvitations": {"skipped: not_pending", "done", stranger},
		"ResendInvitations":   {"skipped: not_pending", "done", stranger},
		"Invite":              {"skipped: already_member", "skipped: already_pending", "done"},
		"RemoveFromTeam":      {"done", "skipped: not_in_team", stranger},
		"Restore":             {"skipped: already_member", "skipped: already_pending", "done"},
	}
	eachBulk(t, func(t *testing.T, o operations.Operation, a *operations.Arguments) {
		expect, ok := special[o.Name]
		if !ok {
			expect = [3]string{"done", pending, stranger}
		}
		texts := []string{expect[0], expect[1], expect[2], expect[0], expect[2], expect[1]}
		for _, dry := range []bool{true, false} {
			progress, last := counts(t, len(want))
			result, err := o.Change.Run(t.Context(), a, given, orgusers.BulkOptions{DryRun: dry, Progress: progress})
			if err != nil {
				t.Fatal(err)
			}
			got := summaries(result)
			if dry {
				for i := range got {
					got[i] = strings.Replace(got[i], "planned", "done", 1)
				}
			}
			if diff := cmp.Diff(texts, got); diff != "" || result.DryRun != dry || last() != len(want) {
				t.Errorf("dry run %v, progress ended at %d: %s", dry, last(), diff)
			}
			for i, outcome := range result.Outcomes {
				u := outcome.User
				there := texts[i] != stranger && (expect[2] != "done" || texts[i] != "done" || !dry)
				if outcome.Email != want[i] || outcome.Err != nil || there != (u != nil) {
					t.Errorf("dry run %v: outcome %d is %+v", dry, i, outcome)
				}
				if u != nil && (!strings.EqualFold(u.Email, want[i]) || len(u.Roles) != 1 || u.Roles[0].Name == "" || u.Roles[0].Admin != strings.EqualFold(u.Roles[0].Name, "Admin")) {
					t.Errorf("dry run %v: outcome %d has the user %+v", dry, i, u)
				}
				if done := outcome.Status == orgusers.OutcomeDone; o.Change.Done != nil && done != o.Change.Done(a.Fake, want[i]) && texts[i] == "done" {
					t.Errorf("dry run %v: outcome %d is %s, but the fake does not show it", dry, i, outcome.Status)
				}
				if n := operations.EmailsTo(a.Fake, want[i]); n > 0 != (o.Change.Emails && outcome.Status == orgusers.OutcomeDone) || n > 1 {
					t.Errorf("dry run %v: outcome %d is %s after %d emails", dry, i, outcome.Status, n)
				}
			}
			if n := writesTo(a.Fake); (n > 0) == dry {
				t.Errorf("dry run %v sent %d writes", dry, n)
			}
		}
	})
}

// TestBulkRefused gives one address that is refused among others, which are changed only
// with SkipRefused.
func TestBulkRefused(t *testing.T) {
	t.Parallel()
	eachBulk(t, func(t *testing.T, o operations.Operation, _ *operations.Arguments) {
		if o.Name == "Restore" {
			t.Skip("a second record of an address is refused: TestRestoreRefuses")
		}
		good := o.Change.Targets[:2]
		bad := map[string]string{"not an address": "refused: invalid_address"}
		if o.Change.Guarded {
			bad["OWNER@example.com"], bad["Admin@Example.com"] = "refused: owner", "refused: self"
		}
		for email, text := range bad {
			a := bulkArguments(t, o)
			given := []string{good[0], strings.ToUpper(good[0]), email, good[1]}
			for i, options := range []orgusers.BulkOptions{{DryRun: true}, {}, {DryRun: true, SkipRefused: true}, {SkipRefused: true}} {
				others := []string{"not_started: call_refused", "not_started: call_refused", "planned", "done"}[i]
				progress, last := counts(t, 3)
				options.Progress = progress
				a.Fake.ClearRequests()
				result, err := o.Change.Run(t.Context(), a, given, options)
				if reads := options.SkipRefused || email != "not an address"; (writesTo(a.Fake) > 0) != (others == "done") || (len(a.Fake.Requests()) > 0) != reads {
					t.Errorf("%s with %+v: sent %d requests, %d of them writes", email, options, len(a.Fake.Requests()), writesTo(a.Fake))
				}
				if diff := cmp.Diff([]string{others, text, others}, summaries(result)); diff != "" || last() != 3 {
					t.Errorf("%s with %+v: progress ended at %d: %s", email, options, last(), diff)
				}
				at, ok := errors.AsType[*orgusers.AddressError](err)
				if !errors.Is(err, orgusers.ErrRefused) || !ok || at.Index != 2 || "refused: "+string(at.Reason) != text {
					t.Errorf("%s with %+v: got %v with %+v, want ErrRefused for the address 2", email, options, err, at)
				}
				if err == nil || strings.Contains(err.Error(), "@") || others == "done" && strings.Contains(err.Error(), "nothing was changed") || errors.Is(err, orgusers.ErrInvalid) != (email == "not an address") {
					t.Errorf("%s with %+v: got %v", email, options, err)
				}
			}
		}
	})
}

func TestBulkEmptyList(t *testing.T) {
	t.Parallel()
	eachBulk(t, func(t *testing.T, o operations.Operation, a *operations.Arguments) {
		for _, given := range [][]string{nil, {}} {
			result, err := o.Change.Run(t.Context(), a, given, orgusers.BulkOptions{SkipRefused: true, Progress: func(int, int) { t.Error("progress of nothing") }})
			if !errors.Is(err, orgusers.ErrRefused) || result == nil || len(result.Outcomes) > 0 || len(a.Fake.Requests()) > 0 {
				t.Errorf("got %v, %+v after %d requests, want ErrRefused without any", err, result, len(a.Fake.Requests()))
			}
		}
	})
}

// TestBulkReadFails fails each kind of read that comes before a change.
func TestBulkReadFails(t *testing.T) {
	t.Parallel()
	reads := map[string]string{
		"the addresses": sharePath + "/search", "the caller": "/v3/user", "the organization": "/v3/organizations/{organization_uid}",
		"the roles": "/v3/organizations/{organization_uid}/roles", "the stack": "/v3/roles",
	}
	for name, path := range reads {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachBulk(t, func(t *testing.T, o operations.Operation, a *operations.Arguments) {
				a.Fake.AddFault(orguserstest.Fault{Path: path, Effect: orguserstest.Status(http.StatusForbidden)})
				progress, last := counts(t, 12)
				result, err := o.Change.Run(t.Context(), a, o.Change.Targets, orgusers.BulkOptions{Progress: progress})
				if err == nil && path != sharePath+"/search" {
					return // this change does not need it
				}
				if !errors.Is(err, orgusers.ErrForbidden) || errors.Is(err, orgusers.ErrOutcomeUnknown) || result.Count(orgusers.OutcomeNotStarted) != 12 || last() != 12 {
					t.Errorf("got %v, %v, progress ended at %d", err, summaries(result), last())
				}
				if outcome := result.Outcomes[0]; outcome.Reason != orgusers.ReasonReadFailed || writesTo(a.Fake) > 0 {
					t.Errorf("got %+v after %d writes", outcome, writesTo(a.Fake))
				}
			})
		})
	}
}

// TestBulkErrorText counts the outcomes and has the first error.
func TestBulkErrorText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		given   []string
		options orgusers.BulkOptions
		fault   orguserstest.Fault
		want    string
	}{
		{"two refused", []string{"x", operations.Member(0), "y"}, orgusers.BulkOptions{SkipRefused: true}, orguserstest.Fault{}, "orgusers: RemoveUsers: 2 of 3 users refused: address 1 is not a valid email address: invalid; 1 more error"},
		{"one refused", []string{"x"}, orgusers.BulkOptions{}, orguserstest.Fault{}, "orgusers: RemoveUsers: refused: address 1 is not a valid email address: invalid; nothing was changed"},
		{"three refused", []string{"x", "y", "z", operations.Member(0)}, orgusers.BulkOptions{}, orguserstest.Fault{}, "orgusers: RemoveUsers: 3 of 4 users refused, 1 not started: address 1 is not a valid email address: invalid; 2 more errors"},
		{"failed", operations.Twelve(operations.Member), orgusers.BulkOptions{}, orguserstest.Fault{Method: http.MethodDelete, Effect: orguserstest.Status(403)}, "orgusers: RemoveUsers: 12 of 12 users failed: DELETE /v3/organizations/{organization_uid}/share: 403: "},
		{"unknown", operations.Twelve(operations.Member), orgusers.BulkOptions{}, orguserstest.Fault{Method: http.MethodDelete, Effect: orguserstest.Status(504)}, "orgusers: RemoveUsers: 12 of 12 users unknown: DELETE /v3/organizations/{organization_uid}/share: 504: "},
		{"unauthorized", operations.Twelve(operations.Member), orgusers.BulkOptions{}, orguserstest.Fault{Method: http.MethodDelete, Effect: orguserstest.Status(401)}, "orgusers: RemoveUsers: DELETE /v3/organizations/{organization_uid}/share: 401: "},
		{"empty", nil, orgusers.BulkOptions{}, orguserstest.Fault{}, "orgusers: RemoveUsers: refused: the list of addresses is empty; nothing was changed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, client := crowded(t)
				if tt.fault.Method != "" {
					server.AddFault(tt.fault)
				}
				_, err := client.RemoveUsers(t.Context(), tt.given, &orgusers.RemoveOptions{BulkOptions: tt.options})
				if exact := !strings.HasSuffix(tt.want, " "); err == nil || exact && err.Error() != tt.want || !strings.HasPrefix(err.Error(), tt.want) {
					t.Errorf("got %v\nwant %s", err, tt.want)
				}
			})
		})
	}
}

func TestBulkResultIsJSON(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, client := crowded(t)
		result, _ := client.RemoveUsers(t.Context(), []string{operations.Stranger(0), "Bob <bob@example.com>", operations.Pending(0)}, &orgusers.RemoveOptions{BulkOptions: orgusers.BulkOptions{DryRun: true, SkipRefused: true}})
		result.Outcomes[2].User = &orgusers.User{Email: operations.Pending(0)}
		const want = `{"dry_run":true,"outcomes":[` +
			`{"email":"stranger0@example.com","status":"skipped","reason":"not_in_organization"},` +
			`{"email":"Bob \u003cbob@example.com\u003e","status":"refused","reason":"invalid_address","detail":"\"Bob \u003cbob@example.com\u003e\" is not a valid email address"},` +
			`{"email":"pending0@example.com","status":"planned","user":{"email":"pending0@example.com"}}]}`
		got, err := json.Marshal(result)
		if err != nil || string(got) != want {
			t.Errorf("got %v\n%s\nwant\n%s", err, got, want)
		}
		if got, _ := json.Marshal(must(client.RemoveUsers(t.Context(), nil, nil))); string(got) != `{"dry_run":false,"outcomes":[]}` {
			t.Errorf("a refused call is %s", got)
		}
	})
}

// must returns a result that comes with an error.
func must(result *orgusers.BulkResult, _ error) *orgusers.BulkResult { return result }
