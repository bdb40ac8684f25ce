package orgusers_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

type bulkMethod = func(*orgusers.Client, context.Context, []string, *orgusers.BulkOptions) (*orgusers.BulkResult, error)

// bulks are the calls for many users, those with further arguments with some.
func bulks(s *orguserstest.Server) map[string]bulkMethod {
	return map[string]bulkMethod{
		"RemoveUsers":         (*orgusers.Client).RemoveUsers,
		"WithdrawInvitations": (*orgusers.Client).WithdrawInvitations,
		"UnlockUsers":         (*orgusers.Client).UnlockUsers,
		"ResetMFA":            (*orgusers.Client).ResetMFA,
		"ForcePasswordReset":  (*orgusers.Client).ForcePasswordReset,
		"EndSessions":         (*orgusers.Client).EndSessions,
		"UpdateRoles": func(c *orgusers.Client, ctx context.Context, emails []string, o *orgusers.BulkOptions) (*orgusers.BulkResult, error) {
			return c.UpdateRoles(ctx, emails, []string{s.RoleUID("Admin")}, o)
		},
		"UpdateStackAccess": func(c *orgusers.Client, ctx context.Context, emails []string, o *orgusers.BulkOptions) (*orgusers.BulkResult, error) {
			return c.UpdateStackAccess(ctx, emails, access(s, 0), o)
		},
		"Invite": func(c *orgusers.Client, ctx context.Context, emails []string, o *orgusers.BulkOptions) (*orgusers.BulkResult, error) {
			request := orgusers.InviteRequest{DryRun: o != nil && o.DryRun}
			for _, email := range emails {
				request.Invitees = append(request.Invitees, orgusers.Invitee{Email: email, RoleUIDs: []string{s.RoleUID("Member")}})
			}
			result, err := c.Invite(ctx, request)
			outcomes := &orgusers.BulkResult{}
			for _, o := range result.Outcomes {
				outcomes.Outcomes = append(outcomes.Outcomes, orgusers.Outcome{Email: o.Email, Status: orgusers.OutcomeStatus(o.Status), Err: o.Err})
			}
			return outcomes, err
		},
	}
}

// crowded starts a fake of the crowd in the bubble, and a client of its admin.
func crowded(t *testing.T, opts ...orguserstest.Option) (*orguserstest.Server, *orgusers.Client) {
	t.Helper()
	server := orguserstest.NewUnstartedServer(append([]orguserstest.Option{orguserstest.WithPeople(crowd()...)}, opts...)...)
	t.Cleanup(server.Close)
	return server, paced(t, server, orgusers.WithEndpoints(server.Endpoints()))
}

// changes counts requests that are no reads.
func changes(s *orguserstest.Server) int {
	n := 0
	for _, r := range s.Requests() {
		if r.Write {
			n++
		}
	}
	return n
}

func TestBulkGuards(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		emails []string
		says   string
		reads  bool // it has to look before it can tell
	}{
		{"nobody", nil, "no address", false},
		{"an empty list", []string{}, "no address", false},
		{"what is no address", []string{member(0), "not an address"}, "number 2 of the addresses is no e-mail address", false},
		{"an empty address", []string{""}, "number 1 of the addresses is no e-mail address", false},
		{"a name with an address", []string{"Ada <ada@example.com>"}, "number 1 of the addresses is no e-mail address", false},
		{"two addresses in one", []string{"ada@example.com,bob@example.com"}, "number 1 of the addresses is no e-mail address", false},
		{"an address with a newline", []string{"ada@example.com\nbcc: eve@example.com"}, "number 1 of the addresses is no e-mail address", false},
		{"the owner", []string{member(0), "OWNER@example.com"}, "number 2 of the addresses is the organization's owner", true},
		{"yourself", []string{member(0), strings.ToUpper(member(0)), "Admin@Example.com"}, "number 3 of the addresses is your own", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, client := crowded(t)
				for name, call := range bulks(server) {
					if name == "Invite" && tt.reads {
						continue // it tells members apart instead
					}
					server.ClearRequests()
					result, err := call(client, t.Context(), tt.emails, nil)
					if !errors.Is(err, orgusers.ErrRefused) || !strings.Contains(err.Error(), tt.says) {
						t.Errorf("%s: got %v, want ErrRefused that says %q", name, err, tt.says)
					}
					if at, ok := errors.AsType[*orgusers.AddressError](err); ok && !strings.HasPrefix(tt.says, fmt.Sprintf("number %d ", at.Index+1)) || !ok && len(tt.emails) > 0 {
						t.Errorf("%s: the address is %+v in %v", name, at, err)
					}
					if result == nil || len(result.Outcomes) > 0 {
						t.Errorf("%s: got outcomes: %v", name, result)
					}
					if requests := len(server.Requests()); changes(server) > 0 || !tt.reads && requests > 0 {
						t.Errorf("%s: %d requests were sent, %d of them writes", name, requests, changes(server))
					}
					if err != nil && strings.Contains(err.Error(), "@") {
						t.Errorf("%s: an address is in the error: %v", name, err)
					}
				}
			})
		})
	}
}

// TestBulkOutcomes asks for everybody at once: who is done, and who is skipped
// and why. A dry run foretells it, and changes nothing.
func TestBulkOutcomes(t *testing.T) {
	t.Parallel()
	asked := []string{"  Member0@Example.com ", pending(0), stranger(0), member(1), "MEMBER0@EXAMPLE.COM", pending(1)}
	tests := map[string][]string{ // status and reason of the five that are left
		"RemoveUsers":         {"done", "done", "skipped: is not in the organization", "done", "done"},
		"WithdrawInvitations": {"skipped: is a member already", "done", "skipped: is not in the organization", "skipped: is a member already", "done"},
		"UpdateRoles":         {"done", "skipped: has not accepted the invitation", "skipped: is not in the organization", "done", "skipped: has not accepted the invitation"},
		"UpdateStackAccess":   {"done", "skipped: has not accepted the invitation", "skipped: is not in the organization", "done", "skipped: has not accepted the invitation"},
		"UnlockUsers":         {"done", "skipped: has not accepted the invitation", "skipped: is not in the organization", "done", "skipped: has not accepted the invitation"},
		"ResetMFA":            {"done", "skipped: has not accepted the invitation", "skipped: is not in the organization", "done", "skipped: has not accepted the invitation"},
		"ForcePasswordReset":  {"done", "skipped: has not accepted the invitation", "skipped: is not in the organization", "done", "skipped: has not accepted the invitation"},
		"EndSessions":         {"done", "skipped: has not accepted the invitation", "skipped: is not in the organization", "done", "skipped: has not accepted the invitation"},
		"Invite":              {"already a member", "already pending", "invited", "already a member", "already pending"},
	}
	for name := range bulks(nil) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, known := tests[name]
			if !known {
				t.Fatalf("%s has no row in TestBulkOutcomes: add what becomes of each of the five", name)
			}
			synctest.Test(t, func(t *testing.T) {
				server, client := crowded(t)
				setAccess(server)
				for _, email := range twelve(member) {
					server.SignIn(email) // or there is no session to end
				}
				call := bulks(server)[name]
				for _, dry := range []bool{true, false} {
					result, err := call(client, t.Context(), asked, &orgusers.BulkOptions{DryRun: dry})
					if err != nil {
						t.Fatal(err)
					}
					var of, got []string
					for _, outcome := range result.Outcomes {
						of = append(of, outcome.Email)
						text := string(outcome.Status)
						if outcome.Reason != "" {
							text += ": " + outcome.Reason
						}
						got = append(got, text)
					}
					if diff := cmp.Diff([]string{"Member0@Example.com", pending(0), stranger(0), member(1), pending(1)}, of); diff != "" {
						t.Errorf("dry run %v: outcomes are of others: %s", dry, diff)
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("dry run %v: %s", dry, diff)
					}
					if n := changes(server); dry && n > 0 || !dry && n == 0 {
						t.Errorf("dry run %v sent %d writes", dry, n)
					}
					if dry && len(server.Outbox()) > 0 {
						t.Error("a dry run mailed")
					}
				}
			})
		})
	}
}

// No request is for more than ten users.
func TestBulkSendsTenAtATime(t *testing.T) {
	t.Parallel()
	for name := range bulks(nil) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, client := crowded(t)
				setAccess(server)
				people := server.Users()
				for _, email := range twelve(stranger) {
					people = append(people, orguserstest.User{Email: email})
				}
				asked := slices.Concat(twelve(member), twelve(pending), twelve(stranger))
				_, _ = bulks(server)[name](client, t.Context(), asked, nil) // other tests look at what comes of it
				for _, r := range server.Requests() {
					named := 0
					for _, p := range people {
						if body := string(r.Body); strings.Contains(body, `"`+p.Email+`"`) || p.UID != "" && strings.Contains(body, `"`+p.UID+`"`) {
							named++
						}
					}
					if r.Write && (named == 0 || named > 10) {
						t.Errorf("a request is for %d users, want one at least and ten at most", named)
					}
				}
				if changes(server) == 0 {
					t.Error("nothing was sent that changes something")
				}
			})
		})
	}
}

// A thousand addresses at ten writes and one bulk action a second: none is
// refused, all are in order, progress counts up.
func TestBulkOfThousand(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		seconds float64 // a hundred batches at the limit
	}{
		{"RemoveUsers", 10},
		{"Invite", 10},
		{"EndSessions", 100},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := orguserstest.NewUnstartedServer(orguserstest.WithUsers(1500), orguserstest.WithRateLimit(10, 10), orguserstest.WithBulkLimit(1))
				defer server.Close()
				client := paced(t, server, orgusers.WithEndpoints(server.Endpoints()))
				var emails []string
				for _, u := range server.Users() {
					if tt.name == "Invite" {
						emails = append(emails, "new-"+strings.ReplaceAll(u.ShareUID, "_", "-")+"@example.com")
					} else if !u.Owner && u.Email != server.Email && !strings.ContainsAny(u.Email, `"`) {
						emails = append(emails, u.Email)
					}
				}
				emails = emails[:1000]
				last := 0
				began := time.Now()
				result, err := bulks(server)[tt.name](client, t.Context(), emails, &orgusers.BulkOptions{Progress: func(done, total int) {
					if done < last || total != 1000 {
						t.Errorf("progress went from %d to %d of %d", last, done, total)
					}
					last = done
				}})
				if err != nil {
					t.Fatal(err)
				}
				for i, outcome := range result.Outcomes {
					if outcome.Email != emails[i] {
						t.Fatalf("outcome %d is of another address", i)
					}
				}
				if n := refused(server); n > 0 {
					t.Errorf("%d requests were refused", n)
				}
				if last != 1000 && tt.name != "Invite" {
					t.Errorf("progress ended at %d", last)
				}
				if took := time.Since(began).Seconds(); took > 1.2*tt.seconds+3 {
					t.Errorf("it took %.1f seconds, want about %.0f", took, tt.seconds)
				}
			})
		})
	}
}

// Cancelled midway: some are done, the rest was not started, and the report
// says which.
func TestBulkCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := orguserstest.NewUnstartedServer(orguserstest.WithUsers(200), orguserstest.WithRateLimit(10, 10))
		defer server.Close()
		client := paced(t, server)
		var emails []string
		for _, u := range server.Users() {
			if !u.Owner && u.Email != server.Email {
				emails = append(emails, u.Email)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		result, err := client.RemoveUsers(ctx, emails[:100], &orgusers.BulkOptions{Progress: func(done, _ int) {
			if done == 30 {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) || errors.Is(err, orgusers.ErrOutcomeUnknown) {
			t.Errorf("got %v", err)
		}
		for i, outcome := range result.Outcomes {
			want := orgusers.OutcomeDone
			if i >= 30 {
				want = orgusers.OutcomeFailed
			}
			if outcome.Status != want || is(server, outcome.Email) != (i >= 30) {
				t.Errorf("outcome %d is %s (%s)", i, outcome.Status, outcome.Reason)
			}
			if i >= 30 && outcome.Reason != "not started" {
				t.Errorf("outcome %d says %q", i, outcome.Reason)
			}
		}
	})
}

func TestBulkOfTenThousand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := crowded(t)
		emails := make([]string, 10_000)
		for i := range emails {
			emails[i] = fmt.Sprintf("nobody%d@example.com", i)
		}
		emails[7_777] = member(3)
		result, err := client.RemoveUsers(t.Context(), emails, nil)
		if err != nil || result.Count(orgusers.OutcomeSkipped) != 9_999 || result.Outcomes[7_777].Status != orgusers.OutcomeDone {
			t.Errorf("got %v, %d skipped", err, result.Count(orgusers.OutcomeSkipped))
		}
		if n := changes(server); n != 1 {
			t.Errorf("%d writes were sent, want 1", n)
		}
	})
}
