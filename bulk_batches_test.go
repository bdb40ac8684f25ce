package orgusers_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

// rejecting responds with a status to changes for a user, who may be a stranger.
func rejecting(s *orguserstest.Server, status int, email string) orgusers.Option {
	u, _ := s.User(email)
	u.Email = email
	return orgusers.WithHTTPClient(&http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		var data []byte
		if r.Body != nil {
			data, _ = io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(data))
		}
		if !strings.HasSuffix(r.URL.Path, "/search") && isNamed(orguserstest.Request{Path: r.URL.Path, Body: data}, u) {
			return body(status, `{"error_message":"It went wrong.","error_code":119}`)(r)
		}
		return s.Transport().RoundTrip(r)
	})})
}

// isNamed reports whether a request is for a user.
func isNamed(r orguserstest.Request, u orguserstest.User) bool {
	return slices.ContainsFunc([]string{u.Email, u.UID, u.ShareUID}, func(name string) bool {
		return name != "" && (bytes.Contains(r.Body, []byte(`"`+name+`"`)) || slices.Contains(strings.Split(r.Path, "/"), name))
	})
}

// TestBulkSendsTenAtATime looks at who is named in each request.
func TestBulkSendsTenAtATime(t *testing.T) {
	t.Parallel()
	eachBulk(t, func(t *testing.T, o operations.Operation, a *operations.Arguments) {
		people := a.Fake.Users()
		for _, email := range operations.Twelve(operations.Stranger) {
			people = append(people, orguserstest.User{Email: email})
		}
		given := slices.Concat(operations.Twelve(operations.Member), operations.Twelve(operations.Pending), operations.Twelve(operations.Stranger))
		if result, err := o.Change.Run(t.Context(), a, given, orgusers.BulkOptions{}); err != nil || result.Count(orgusers.OutcomeDone) < 12 {
			t.Errorf("got %v, %v", err, summaries(result))
		}
		for _, r := range a.Fake.Requests() {
			named := 0
			for _, u := range people {
				if isNamed(r, u) {
					named++
				}
			}
			if r.Write && (named == 0 || named > 10) {
				t.Errorf("%s %s names %d users, want 1 to 10", r.Method, r.Path, named)
			}
		}
	})
}

// TestBulkOfThousand keeps the order and the server's limits.
func TestBulkOfThousand(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"RemoveUsers", "Invite", "EndSessions"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := orguserstest.NewUnstartedServer(orguserstest.WithUsers(1500), orguserstest.WithRateLimit(10, 10), orguserstest.WithBulkLimit(1))
				defer server.Close()
				var given []string
				for _, u := range server.Users() {
					switch {
					case name == "Invite":
						given = append(given, "new-"+strings.ReplaceAll(u.ShareUID, "_", "-")+"@example.com")
					case !u.Owner && u.Email != server.Email:
						given = append(given, u.Email)
					}
				}
				given = given[:1000]
				o := changeNamed(name)
				a := &operations.Arguments{Fake: server, Client: clientOf(t, server, orgusers.WithEndpoints(server.Endpoints()))}
				progress, last := counts(t, 1000)
				result, err := o.Change.Run(t.Context(), a, given, orgusers.BulkOptions{Progress: progress})
				if err != nil || last() != 1000 {
					t.Fatalf("got %v, progress ended at %d", err, last())
				}
				for i, outcome := range result.Outcomes {
					if outcome.Email != given[i] {
						t.Fatalf("outcome %d is of another address", i)
					}
				}
				for _, r := range server.Requests() {
					if r.Status == http.StatusTooManyRequests {
						t.Fatal("a request was over the limit")
					}
				}
			})
		})
	}
}

// TestBulkCanceled cancels between batches: the others are not started.
func TestBulkCanceled(t *testing.T) {
	t.Parallel()
	eachBulk(t, func(t *testing.T, o operations.Operation, a *operations.Arguments) {
		ctx, cancel := context.WithCancel(t.Context())
		count, last := counts(t, 12)
		result, err := o.Change.Run(ctx, a, o.Change.Targets, orgusers.BulkOptions{Progress: func(done, total int) {
			if count(done, total); done > 0 {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) || errors.Is(err, orgusers.ErrOutcomeUnknown) || last() != 12 {
			t.Errorf("got %v, progress ended at %d", err, last())
		}
		done := result.Count(orgusers.OutcomeDone)
		for i, outcome := range result.Outcomes {
			if want := summaries(result)[i]; i >= done && want != "not_started: context_ended" || done == 0 || done == 12 {
				t.Errorf("outcome %d is %s, %d are done", i, want, done)
			}
			if o.Change.Done != nil && o.Change.Done(a.Fake, outcome.Email) != (i < done) || operations.EmailsTo(a.Fake, outcome.Email) > 0 && i >= done {
				t.Errorf("outcome %d is %s, but the fake does not show it", i, outcome.Status)
			}
		}
	})
}

// waitFunc is a rate limiter.
type waitFunc func(context.Context) error

func (f waitFunc) Wait(ctx context.Context) error { return f(ctx) }

// TestBulkCanceledInQueue cancels while the second request waits for the rate limit.
func TestBulkCanceledInQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		waits := 0
		server, _ := crowded(t)
		client := clientOf(t, server, orgusers.WithRateLimiters(orgusers.RateLimiters{Writes: waitFunc(func(ctx context.Context) error {
			if waits++; waits == 2 {
				cancel()
			}
			return ctx.Err()
		})}))
		result, err := client.RemoveUsers(ctx, operations.Twelve(operations.Member), nil)
		if got := summaries(result); !errors.Is(err, context.Canceled) || errors.Is(err, orgusers.ErrOutcomeUnknown) || got[9] != "done" || got[10] != "not_started: context_ended" || got[11] != got[10] {
			t.Errorf("got %v, %v", err, got)
		}
	})
}

// TestBulkStops does not send the other batches if the token has ended, or if a redirected
// request did not make the change.
func TestBulkStops(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		fault  orguserstest.Fault
		writes int
		want   map[orgusers.OutcomeStatus]int
	}{
		{"unauthorized", orguserstest.Fault{Effect: orguserstest.Status(http.StatusUnauthorized)}, 1, map[orgusers.OutcomeStatus]int{orgusers.OutcomeNotStarted: 24}},
		{"redirected instead", orguserstest.Fault{Effect: orguserstest.Redirect(302, "https://sso.example.com/")}, 1, map[orgusers.OutcomeStatus]int{orgusers.OutcomeFailed: 10, orgusers.OutcomeNotStarted: 14}},
		{"redirected after", orguserstest.Fault{Effect: orguserstest.Redirect(303, "/removed"), After: true}, 3, map[orgusers.OutcomeStatus]int{orgusers.OutcomeDone: 24}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, client := crowded(t)
				tt.fault.Method = http.MethodDelete
				server.AddFault(tt.fault)
				result, err := client.RemoveUsers(t.Context(), append(operations.Twelve(operations.Member), operations.Twelve(operations.Pending)...), nil)
				if (err != nil) != (tt.writes == 1) || errors.Is(err, orgusers.ErrOutcomeUnknown) || writesTo(server) != tt.writes {
					t.Errorf("got %v after %d writes", err, writesTo(server))
				}
				for status, n := range tt.want {
					if result.Count(status) != n {
						t.Errorf("%d are %s, want %d", result.Count(status), status, n)
					}
				}
			})
		})
	}
}

// TestBulkWithOneRejected has a server that rejects every request with one of the
// addresses. The others of a batch are sent one by one if the state can be read back.
func TestBulkWithOneRejected(t *testing.T) {
	t.Parallel()
	eachBulk(t, func(t *testing.T, o operations.Operation, a *operations.Arguments) {
		bad := o.Change.Targets[3]
		opts := []orgusers.Option{rejecting(a.Fake, http.StatusUnprocessableEntity, bad)}
		if o.Endpoint {
			opts = append(opts, orgusers.WithEndpoints(a.Fake.Endpoints()))
		}
		a.Client = clientOf(t, a.Fake, opts...)
		progress, last := counts(t, 12)
		result, err := o.Change.Run(t.Context(), a, o.Change.Targets, orgusers.BulkOptions{Progress: progress})
		failed := 1
		if oneRequest := !o.Change.ReadBack || o.Change.Once; oneRequest && o.Method != http.MethodGet && o.Name != "SendPasswordResets" {
			failed = 10
		}
		if err == nil || errors.Is(err, orgusers.ErrOutcomeUnknown) || result.Count(orgusers.OutcomeFailed) != failed || result.Count(orgusers.OutcomeDone) != 12-failed || last() != 12 {
			t.Errorf("got %v, %v, progress ended at %d", err, summaries(result), last())
		}
		for i, outcome := range result.Outcomes {
			done := outcome.Status == orgusers.OutcomeDone
			if i == 3 && done || !done && outcome.Reason != orgusers.ReasonRejected {
				t.Errorf("outcome %d is %+v", i, outcome)
			}
			if o.Change.Done != nil && o.Change.Done(a.Fake, outcome.Email) != done {
				t.Errorf("outcome %d is %s, but the fake does not show it", i, outcome.Status)
			}
			if n := operations.EmailsTo(a.Fake, outcome.Email); n > 0 != (done && o.Change.Emails) || n > 1 {
				t.Errorf("outcome %d is %s after %d emails", i, outcome.Status, n)
			}
		}
	})
}

// TestBulkReadBack has a removal whose response is lost or shows nothing. TestWritesUnderFaults
// has more faults.
func TestBulkReadBack(t *testing.T) {
	t.Parallel()
	lost := orguserstest.Fault{Method: http.MethodDelete, Effect: orguserstest.Status(500)}
	made := orguserstest.Fault{Method: http.MethodDelete, Effect: orguserstest.Status(500), After: true}
	once := func(f orguserstest.Fault) orguserstest.Fault { f.Times = 1; return f }
	search := func(skip int, effect orguserstest.Effect) orguserstest.Fault {
		return orguserstest.Fault{Path: sharePath + "/search", Skip: skip, Effect: effect}
	}
	tests := []struct {
		name   string
		faults []orguserstest.Fault
		want   string
		is     error
		writes int
	}{
		{"it is never made", []orguserstest.Fault{lost}, "failed: not_applied", orgusers.ErrServer, 6},
		{"it was not made, then the token ends", []orguserstest.Fault{once(lost), {Method: http.MethodDelete, Effect: orguserstest.Status(401)}}, "failed: not_applied", orgusers.ErrServer, 2},
		{"it was not made, then it is rejected", []orguserstest.Fault{once(lost), {Method: http.MethodDelete, Effect: orguserstest.Status(403)}}, "failed: rejected", orgusers.ErrForbidden, 2},
		{"reading back is refused", []orguserstest.Fault{made, search(1, orguserstest.Status(403))}, "unknown: no_response", orgusers.ErrForbidden, 1},
		{"reading back shows another page", []orguserstest.Fault{lost, search(1, orguserstest.HTML(200))}, "unknown: no_response", orgusers.ErrOutcomeUnknown, 1},
		{"the response shows nothing, nor does reading back", []orguserstest.Fault{{Method: http.MethodDelete, Effect: orguserstest.Status(200).WithBody(`{"shares":[]}`)}}, "unknown: no_response", orgusers.ErrOutcomeUnknown, 1},
		{"the response reports an error", []orguserstest.Fault{{Method: http.MethodDelete, Effect: orguserstest.Status(200).WithBody(`{"shares":[],"error_code":119}`)}}, "failed: not_applied", orgusers.ErrServer, 6},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, client := crowded(t)
				server.AddFault(tt.faults...)
				result, err := client.RemoveUsers(t.Context(), []string{operations.Member(0)}, nil)
				if got := summaries(result)[0]; got != tt.want || !errors.Is(err, tt.is) || writesTo(server) != tt.writes {
					t.Errorf("got %s, %v after %d writes\nwant %s, %v after %d", got, err, writesTo(server), tt.want, tt.is, tt.writes)
				}
				if unknown := strings.HasPrefix(tt.want, "unknown"); errors.Is(err, orgusers.ErrOutcomeUnknown) != unknown {
					t.Errorf("got %v", err)
				}
				if _, there := server.User(operations.Member(0)); strings.HasPrefix(tt.want, "failed") && !there {
					t.Error("the user was removed")
				}
			})
		})
	}
}

// A change that is there already is not sent again.
func TestBulkTwice(t *testing.T) {
	t.Parallel()
	eachBulk(t, func(t *testing.T, o operations.Operation, a *operations.Arguments) {
		if !o.Change.ReadBack || o.Change.Emails {
			return // whether the change is there cannot be seen, or it is an email
		}
		var result *orgusers.BulkResult
		for range 2 {
			var err error
			if result, err = o.Change.Run(t.Context(), a, o.Change.Targets[:1], orgusers.BulkOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if got := summaries(result)[0]; !strings.HasPrefix(got, "skipped: ") || writesTo(a.Fake) != 1 {
			t.Errorf("the second time: %s after %d changes, want it skipped", got, writesTo(a.Fake))
		}
	})
}
