package orgusers_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// removeWithRecords removes users, and returns the records after a trip through JSON.
func removeWithRecords(t *testing.T, client *orgusers.Client, emails ...string) []*orgusers.UserAccess {
	t.Helper()
	var text []byte
	result, err := client.RemoveUsers(t.Context(), emails, &orgusers.RemoveOptions{Before: func(_ context.Context, had []*orgusers.UserAccess) (err error) {
		text, err = json.Marshal(had)
		return err
	}})
	if err != nil || result.Count(orgusers.OutcomeDone) != len(emails) {
		t.Fatalf("got %v, %v", summaries(result), err)
	}
	var had []*orgusers.UserAccess
	if err := json.Unmarshal(text, &had); err != nil || len(had) != len(emails) {
		t.Fatalf("%v of %s", err, text)
	}
	return had
}

// A user who was removed gets an invitation with the same roles, and the teams after
// accepting it. A member gets the teams only.
func TestRestore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := inProcess(t, newsroom()...)
		equip(server)
		emails := []string{"ada@example.com", "eva@example.com", "pia@example.com"}
		had := removeWithRecords(t, client, emails...)
		restore := func(dry bool, want ...string) {
			t.Helper()
			result, err := client.Restore(t.Context(), had, &orgusers.InviteOptions{Message: "Welcome back", BulkOptions: orgusers.BulkOptions{DryRun: dry}})
			if got := summaries(result); !slices.Equal(got, want) || (err != nil) != slices.ContainsFunc(want, func(w string) bool { return strings.HasPrefix(w, "partial") }) {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
			for _, outcome := range result.Outcomes {
				if outcome.Reason == orgusers.ReasonPending && !strings.Contains(outcome.Detail, "1 teams wait") {
					t.Errorf("the detail is %q", outcome.Detail)
				}
			}
		}
		restore(true, "planned", "planned: pending", "planned")
		if n := len(server.Outbox()); n > 0 {
			t.Fatalf("a dry run sent %d emails", n)
		}
		restore(false, "done", "partial: pending", "done")
		restore(false, "skipped: already_pending", "partial: pending", "skipped: already_pending")
		for _, email := range emails[:2] {
			server.Accept(email, "", "")
		}
		restore(true, "skipped: already_member", "planned", "skipped: already_pending")
		restore(false, "skipped: already_member", "done", "skipped: already_pending")
		restore(false, "skipped: already_member", "skipped: already_member", "skipped: already_pending")
		for _, email := range emails {
			if n := emailsOfKind(server, orguserstest.EmailInvitation, email); n != 1 {
				t.Errorf("%d invitations were sent to %s", n, email)
			}
		}
		now := mustCollect(t, client.Access(t.Context(), &orgusers.AccessOptions{Emails: emails}))
		for i, a := range now {
			want := slices.DeleteFunc(lines(had[i]), func(line string) bool { return strings.HasPrefix(line, "owns") })
			got := slices.DeleteFunc(lines(a), func(line string) bool { return strings.HasPrefix(line, "owns") })
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", a.User.Email, diff)
			}
		}
	})
}

func emailsOfKind(s *orguserstest.Server, kind orguserstest.EmailKind, to string) int {
	n := 0
	for _, email := range s.Outbox() {
		if email.Kind == kind && strings.EqualFold(email.To, to) {
			n++
		}
	}
	return n
}

// What no longer exists is named, and the rest is restored.
func TestRestoreWithoutWhatIsGone(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(s *orguserstest.Server, had *orgusers.UserAccess) // before Restore
		want   string
		says   []string
		roles  int // that Eva has after it; -1: she is not there
	}{
		{"nothing", func(*orguserstest.Server, *orgusers.UserAccess) {}, "partial: pending", []string{"1 teams wait"}, 1},
		{"a team", func(s *orguserstest.Server, _ *orgusers.UserAccess) { s.RemoveTeam(s.Teams()[0].UID) }, "partial: missing", []string{`team "Editors" (`}, 1},
		{"all teams, with the plan", func(s *orguserstest.Server, _ *orgusers.UserAccess) {
			s.AddFault(orguserstest.Fault{Path: "/v4/teams", Effect: orguserstest.Status(http.StatusForbidden)})
		}, "partial: missing", []string{`team "Editors" (`}, 1},
		{"an organization role", func(_ *orguserstest.Server, had *orgusers.UserAccess) {
			had.Roles = append(had.Roles, orgusers.RoleGrant{RoleUID: "blt1", RoleName: "Gone", Direct: true})
		}, "partial: pending", []string{`role "Gone" (blt1)`, "1 teams wait"}, 1},
		{"every organization role", func(_ *orguserstest.Server, had *orgusers.UserAccess) {
			had.Roles = []orgusers.RoleGrant{{RoleUID: "blt1", RoleName: "Gone", Direct: true}}
		}, "refused: invalid_role", []string{"no organization role"}, -1},
		{"a stack", func(s *orguserstest.Server, had *orgusers.UserAccess) {
			had.Stacks = []orgusers.StackGrant{{Stack: orgusers.StackRef{APIKey: s.Stacks()[0].APIKey, Name: "Website"}, RoleUID: "blt1", Direct: true}}
			s.RemoveStack(s.Stacks()[0].APIKey)
		}, "partial: pending", []string{`stack "Website" (`}, 1},
		{"a role of a stack", func(s *orguserstest.Server, had *orgusers.UserAccess) {
			had.Stacks = []orgusers.StackGrant{{Stack: orgusers.StackRef{APIKey: s.Stacks()[0].APIKey, Name: "Website"}, RoleUID: "blt1", RoleName: "Gone", Direct: true}}
		}, "partial: pending", []string{`role "Gone" (blt1) of stack "Website"`}, 1},
		{"a stack without a key", func(_ *orguserstest.Server, had *orgusers.UserAccess) {
			had.Stacks = []orgusers.StackGrant{{RoleUID: "blt1", Direct: true}}
		}, "partial: pending", []string{`stack "" (`}, 1},
		{"nothing, and a team and a role are there twice", func(_ *orguserstest.Server, had *orgusers.UserAccess) {
			had.Teams, had.Roles = append(had.Teams, had.Teams...), append(had.Roles, had.Roles...)
		}, "partial: pending", []string{"1 teams wait"}, 1},
		{"a stack that was not read", func(_ *orguserstest.Server, had *orgusers.UserAccess) {
			had.Unread = []orgusers.StackRef{{APIKey: "blt1", Name: "Shop"}}
		}, "partial: pending", []string{`stack "Shop" (blt1), which the record has not read`}, 1},
		{"roles that teams may give", func(_ *orguserstest.Server, had *orgusers.UserAccess) {
			for i := range had.Roles {
				had.Roles[i].Direct, had.Roles[i].MaybeDirect = false, true
			}
		}, "partial: pending", []string{"1 teams wait"}, 1},
		{"the user is back with fewer roles", func(s *orguserstest.Server, had *orgusers.UserAccess) {
			s.AddUser(orguserstest.Person{Email: "eva@example.com"})
			website := s.Stacks()[0]
			had.Roles = append(had.Roles, orgusers.RoleGrant{RoleUID: s.RoleUID("Admin"), RoleName: "admin", Direct: true})
			had.Stacks = []orgusers.StackGrant{{Stack: orgusers.StackRef{APIKey: website.APIKey, Name: "Website"}, RoleUID: website.Roles[0].UID, RoleName: "Admin", Direct: true}}
		}, "partial: missing", []string{"which UpdateRoles can give", "which UpdateStackAccess can give"}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, client := inProcess(t, newsroom(orguserstest.WithHiddenTeamRoles())...)
				equip(server)
				had := removeWithRecords(t, client, "eva@example.com")
				tt.change(server, had[0])
				result, err := client.Restore(t.Context(), had, nil)
				if got := summaries(result); got[0] != tt.want || err == nil {
					t.Fatalf("got %v, %v, want %s", got, err, tt.want)
				}
				for _, says := range tt.says {
					if detail := result.Outcomes[0].Detail; !strings.Contains(detail, says) {
						t.Errorf("the detail is %q, want %q", detail, says)
					}
				}
				if u, there := server.User("eva@example.com"); there != (tt.roles >= 0) || there && len(u.RoleUIDs) != tt.roles {
					t.Errorf("the user is %+v", u)
				}
			})
		})
	}
}

// A record that cannot be used is refused, and no other is sent.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	server := startFake(t, newsroom()...)
	equip(server)
	client := fakeClient(t, server)
	record := func(email string) *orgusers.UserAccess {
		return &orgusers.UserAccess{
			Version: 1, OrganizationUID: server.OrganizationUID, User: &orgusers.User{Email: email},
			Roles: []orgusers.RoleGrant{{RoleUID: server.RoleUID("Member"), Direct: true}},
		}
	}
	with := func(email string, change func(*orgusers.UserAccess)) *orgusers.UserAccess {
		r := record(email)
		change(r)
		return r
	}
	const other = "not_started: call_refused"
	tests := []struct {
		name string
		had  []*orgusers.UserAccess
		want []string
		says string
	}{
		{"none", nil, []string{}, "the list of addresses is empty"},
		{"nil", []*orgusers.UserAccess{nil, record("new@example.com")}, []string{"refused: invalid_record", other}, "the access record is nil"},
		{"another organization", []*orgusers.UserAccess{
			record("new@example.com"), with("old@example.com", func(r *orgusers.UserAccess) { r.OrganizationUID = server.SecondOrganizationUID }),
		}, []string{other, "refused: invalid_record"}, "is of the organization " + server.SecondOrganizationUID},
		{"an unknown version", []*orgusers.UserAccess{with("old@example.com", func(r *orgusers.UserAccess) { r.Version = 2 })}, []string{"refused: invalid_record"}, "version 2"},
		{"no user", []*orgusers.UserAccess{with("old@example.com", func(r *orgusers.UserAccess) { r.User = nil })}, []string{"refused: invalid_record"}, "lacks"},
		{"an address that is not valid", []*orgusers.UserAccess{record("new")}, []string{"refused: invalid_address"}, "is not a valid email address"},
		{
			"an address twice",
			[]*orgusers.UserAccess{record("new@example.com"), record("NEW@example.com"), record("old@example.com")},
			[]string{"refused: invalid_record", other},
			"two access records",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			result, err := client.Restore(t.Context(), tt.had, nil)
			if !errors.Is(err, orgusers.ErrRefused) || !slices.Equal(summaries(result), tt.want) || len(server.Outbox()) > 0 {
				t.Errorf("got %q, %v, want %q", summaries(result), err, tt.want)
			}
			text := err.Error()
			for _, outcome := range result.Outcomes {
				text += outcome.Detail
			}
			if !strings.Contains(text, tt.says) {
				t.Errorf("got %q, want %q", text, tt.says)
			}
		})
	}
	had := []*orgusers.UserAccess{record("new"), record("new@example.com"), record("old@example.com"), record("OLD@example.com")}
	result, err := client.Restore(t.Context(), had, &orgusers.InviteOptions{BulkOptions: orgusers.BulkOptions{SkipRefused: true}})
	if want := []string{"refused: invalid_address", "done", "refused: invalid_record"}; !slices.Equal(summaries(result), want) || !errors.Is(err, orgusers.ErrRefused) {
		t.Errorf("got %q, %v, want %q", summaries(result), err, want)
	}
}

// A team that fails leaves the rest, and is named.
func TestRestoreWithTeamsThatFail(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		effect orguserstest.Effect
		first  int // requests that succeed first
		want   string
	}{
		{"the only one", orguserstest.Status(http.StatusUnprocessableEntity), 0, "failed: rejected"},
		{"the second", orguserstest.Status(http.StatusUnprocessableEntity), 1, "partial: rejected"},
		{"it may still be processing", orguserstest.Status(http.StatusGatewayTimeout), 0, "unknown: no_response"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, client := inProcess(t, newsroom()...)
				server.SetTeamMembers(server.Teams()[1].UID, "max@example.com")
				had := mustCollect(t, client.Access(t.Context(), &orgusers.AccessOptions{Emails: []string{"max@example.com"}}))
				for _, team := range server.Teams() {
					server.SetTeamMembers(team.UID)
				}
				had[0].Roles = nil // of a member, they are not restored
				server.AddFault(orguserstest.Fault{
					Method: http.MethodPost, Path: "/v3/organizations/{organization_uid}/teams/{team_uid}/users", Skip: tt.first, Effect: tt.effect,
				})
				result, err := client.Restore(t.Context(), had, nil)
				if got := summaries(result); got[0] != tt.want || err == nil || !strings.Contains(result.Outcomes[0].Detail, `team "E`) {
					t.Errorf("got %v, %v, %q, want %s", got, err, result.Outcomes[0].Detail, tt.want)
				}
				server.ClearFaults()
				result, err = client.Restore(t.Context(), had, nil)
				if got := summaries(result); got[0] != "done" || err != nil {
					t.Errorf("again: got %v, %v", got, err)
				}
			})
		})
	}
}

// Remove, restore, accept, restore is the identity, except for uids and what is said to
// be left to teams.
func TestRestoreIsTheInverse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		hidden := rapid.Bool().Draw(rt, "roles do not list who has them through a team")
		leavers := rapid.IntRange(1, 3).Draw(rt, "leavers")
		var problem string
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(rand.New(rand.NewPCG(seed, 1)), hidden)
			defer w.server.Close()
			client := clientOf(t, w.server, withoutLimits)
			read := func() string {
				var all []string
				for _, a := range mustCollect(t, client.Access(t.Context(), nil)) {
					for _, line := range lines(a) {
						if hidden {
							line = strings.Replace(line, " maybe direct", "", 1)
						}
						all = append(all, a.User.Email+" "+line)
					}
				}
				slices.Sort(all)
				return strings.Join(all, "\n")
			}
			before := read()
			gone := w.users[:min(leavers, len(w.users))]
			had := removeWithRecords(t, client, gone...)
			first, err := client.Restore(t.Context(), had, nil)
			if err != nil && first.Count(orgusers.OutcomePartial) == 0 {
				problem = fmt.Sprint(summaries(first), err)
				return
			}
			for _, email := range gone {
				w.server.Accept(email, "", "")
			}
			time.Sleep(time.Minute) // fake time
			second, err := client.Restore(t.Context(), had, nil)
			switch after := read(); {
			case err != nil:
				problem = fmt.Sprint(summaries(second), err)
			case before != after:
				problem = cmp.Diff(strings.Split(before, "\n"), strings.Split(after, "\n"))
			}
			for _, email := range gone {
				if n := emailsOfKind(w.server, orguserstest.EmailInvitation, email); n != 1 {
					problem += fmt.Sprintf("%d invitations were sent to %s", n, email)
				}
			}
		})
		if problem != "" {
			rt.Fatal(problem)
		}
	})
}
