package orgusers_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

func TestTeams(t *testing.T) {
	t.Parallel()
	for _, form := range []orguserstest.Option{orguserstest.WithLatency(0), orguserstest.WithTeamUserIDs(), orguserstest.WithoutCount(), orguserstest.WithPageCap(2)} {
		server := startFake(t, newsroom(form)...)
		client := fakeClient(t, server)
		for i := range 5 {
			server.AddTeam(orguserstest.Team{Name: "Readers " + string(rune('A'+i)), Description: "They read."})
		}
		fakes := server.Teams()
		all := mustCollect(t, client.Teams(t.Context(), nil))
		if len(all) != len(fakes) {
			t.Fatalf("got %d teams, want %d", len(all), len(fakes))
		}
		for i, team := range all {
			want := fakes[i]
			if team.UID != want.UID || team.Name != want.Name || team.Description != want.Description || len(team.UserUIDs) != len(want.Members) || !slices.Equal(team.RoleUIDs, want.Roles) || team.CreatedAt.IsZero() || team.UpdatedAt.IsZero() {
				t.Errorf("got %+v, want %+v", team, want)
			}
			if diff := cmp.Diff(want.Stacks, map[string][]string(team.Stacks)); diff != "" {
				t.Error(diff)
			}
		}
		if found := mustCollect(t, client.Teams(t.Context(), &orgusers.TeamsOptions{Search: "edit"})); len(found) != 1 || found[0].Name != "Editors" {
			t.Errorf("found %+v", found)
		}
		var users []string
		for _, u := range mustCollect(t, client.TeamUsers(t.Context(), fakes[0].UID)) {
			fake, _ := server.User(u.Email)
			if users = append(users, u.Email); u.UID != fake.UID || u.FirstName != fake.FirstName || u.LastName != fake.LastName || !u.Active || u.Status != orgusers.StatusAccepted {
				t.Errorf("got %+v, want %+v", u, fake)
			}
		}
		if !slices.Equal(users, fakes[0].Members) {
			t.Errorf("the users are %v, want %v", users, fakes[0].Members)
		}
		other, err := client.ForOrganization(server.SecondOrganizationUID)
		if err != nil {
			t.Fatal(err)
		}
		if none := mustCollect(t, other.Teams(t.Context(), nil)); len(none) != 0 {
			t.Errorf("an organization without teams has %d", len(none))
		}
	}
}

func TestGetTeam(t *testing.T) {
	t.Parallel()
	server := startFake(t, newsroom()...)
	first, second := server.AddTeam(orguserstest.Team{Name: "Twins"}), server.AddTeam(orguserstest.Team{Name: "TWINS"})
	named := server.AddTeam(orguserstest.Team{Name: first.UID}) // an exact uid comes first
	client := fakeClient(t, server)
	tests := []struct {
		given, uid string
		is         error
		says       string
	}{
		{"editors", server.Teams()[0].UID, nil, ""},
		{" Editors ", server.Teams()[0].UID, nil, ""},
		{first.UID, first.UID, nil, ""},
		{named.UID, named.UID, nil, ""},
		{"twins", "", orgusers.ErrInvalid, "2 teams have the name \"twins\": use one of the uids " + first.UID + ", " + second.UID},
		{"nobody", "", orgusers.ErrNotFound, `no team has the name or uid "nobody"`},
		{" ", "", orgusers.ErrInvalid, "a team is empty"},
	}
	for _, tt := range tests {
		team, err := client.GetTeam(t.Context(), tt.given)
		if !errors.Is(err, tt.is) || err == nil && team.UID != tt.uid || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%q: got %+v, %v, want %s, %v", tt.given, team, err, tt.uid, tt.is)
		}
	}
}

// The form of responses is one of several. The sample is that of the reference.
func TestTeamsDecodeEveryShape(t *testing.T) {
	t.Parallel()
	sample, err := os.ReadFile("testdata/teams_page.json")
	if err != nil {
		t.Fatal(err)
	}
	const one = `{"uid":"t1","name":"T","users":[{"uid":"u1"},"u2",{"uid":"u3","email":"x@example.com"}],"organizationRoles":["r1"],"stackRoleMapping":[{"stackApiKey":"k1","roles":["r2"]},{"stackApiKey":"k1","roles":["r3"]}]}`
	want := orgusers.Team{UID: "t1", Name: "T", UserUIDs: []string{"u1", "u2", "u3"}, RoleUIDs: []string{"r1"}, Stacks: orgusers.StackAccess{"k1": {"r2", "r3"}}}
	tests := []struct {
		name, text string
		status     int
		want       []*orgusers.Team
		is         error
	}{
		{"a page", `{"count":1,"teams":[` + one + `]}`, 200, []*orgusers.Team{&want}, nil},
		{"a list", `[` + one + `]`, 200, []*orgusers.Team{&want}, nil},
		{"nothing", ``, 204, nil, nil},
		{"an empty page", `{"count":0,"teams":[]}`, 200, nil, nil},
		{"the sample", string(sample), 200, []*orgusers.Team{{
			UID: "65b0000000000000000000a1", Name: "Editors", Description: "Everybody who edits the site", UserUIDs: []string{"blt5555666677778888"},
			RoleUIDs: []string{"bltaaaabbbbccccdddd"}, Stacks: orgusers.StackAccess{"blt7777888899990000": {"bltddddeeeeffff0000"}},
			CreatedAt: time.Date(2026, 2, 1, 9, 55, 46, 703e6, time.UTC), UpdatedAt: time.Date(2026, 2, 1, 9, 56, 36, 724e6, time.UTC),
		}}, nil},
		{"no list", `{"notice":"Hello."}`, 200, nil, orgusers.ErrServer},
		{"200 without a body", ``, 200, nil, orgusers.ErrServer},
		{"a null", `{"teams":[null]}`, 200, nil, orgusers.ErrServer},
		{"more than are sent", `{"count":3,"teams":[` + one + `]}`, 200, nil, orgusers.ErrIncomplete},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			teams, err := collect(t, newClient(t, body(tt.status, tt.text), withoutDelays).Teams(t.Context(), nil))
			if !errors.Is(err, tt.is) {
				t.Fatalf("got %v, want %v", err, tt.is)
			}
			if diff := cmp.Diff(tt.want, teams); tt.is == nil && diff != "" {
				t.Error(diff)
			}
			for _, team := range teams {
				text, err := json.Marshal(team)
				if err != nil {
					t.Fatal(err)
				}
				var back orgusers.Team
				if err := json.Unmarshal(text, &back); err != nil || !cmp.Equal(*team, back) {
					t.Errorf("%s is read back as %+v, %v", text, back, err)
				}
			}
		})
	}
	text, err := os.ReadFile("testdata/team_users.json")
	if err != nil {
		t.Fatal(err)
	}
	users := mustCollect(t, newClient(t, body(200, string(text))).TeamUsers(t.Context(), "t1"))
	ada := &orgusers.TeamUser{UID: "blt5555666677778888", Email: "ada@example.com", Username: "ada_blt0a1b2c3d", FirstName: "Ada", LastName: "Lovelace", Active: true, Status: orgusers.StatusAccepted}
	if diff := cmp.Diff([]*orgusers.TeamUser{ada}, users); diff != "" {
		t.Error(diff)
	}
}

// A response without a body has no users, as that of a list of teams has no teams.
func TestTeamWithoutUsers(t *testing.T) {
	t.Parallel()
	users, err := orgusers.Collect(newClient(t, body(http.StatusNoContent, "")).TeamUsers(t.Context(), "t1"))
	if err != nil || len(users) > 0 {
		t.Errorf("got %v, %v", users, err)
	}
}

// A list that is refused names the plan.
func TestTeamsAreNotInThePlan(t *testing.T) {
	t.Parallel()
	for code, is := range map[int]error{http.StatusForbidden: orgusers.ErrForbidden, http.StatusNotFound: orgusers.ErrNotFound} {
		client := newClient(t, status(code))
		_, err := collect(t, client.Teams(t.Context(), nil))
		if !errors.Is(err, is) || !strings.Contains(err.Error(), "the plan of the organization may have no teams") {
			t.Errorf("%d: got %v", code, err)
		}
	}
}

func TestChangesOfTeams(t *testing.T) {
	t.Parallel()
	add, remove := (*orgusers.Client).AddToTeam, (*orgusers.Client).RemoveFromTeam
	adaLeaves := func(s *orguserstest.Server) { // before the second search
		searches := 0
		s.OnRequest(func(r *orguserstest.Request) {
			if r.Operation != "FindUsers" {
				return
			}
			if searches++; searches == 2 {
				s.RemoveUser("ada@example.com")
			}
		})
	}
	tests := []struct {
		name   string
		call   func(*orgusers.Client) (*orgusers.BulkResult, error)
		change func(s *orguserstest.Server) // before the first search or change
		want   []string
		is     error
	}{
		{"a stranger is not invited", func(c *orgusers.Client) (*orgusers.BulkResult, error) {
			return add(c, t.Context(), "Empty", []string{"new@example.com", "pia@example.com", "ada@example.com"}, nil)
		}, nil, []string{"skipped: not_in_organization", "skipped: pending", "done"}, nil},
		{"members again", func(c *orgusers.Client) (*orgusers.BulkResult, error) {
			return add(c, t.Context(), "Editors", []string{"max@example.com", "ada@example.com"}, nil)
		}, nil, []string{"skipped: unchanged", "done"}, nil},
		{"out of it", func(c *orgusers.Client) (*orgusers.BulkResult, error) {
			return remove(c, t.Context(), "Editors", []string{"max@example.com", "ada@example.com", "new@example.com"}, nil)
		}, nil, []string{"done", "skipped: not_in_team", "skipped: not_in_organization"}, nil},
		{"a team that does not exist", func(c *orgusers.Client) (*orgusers.BulkResult, error) {
			return add(c, t.Context(), "Nobody", []string{"ada@example.com"}, nil)
		}, nil, []string{"not_started: invalid_team"}, orgusers.ErrNotFound},
		{"two of the name", func(c *orgusers.Client) (*orgusers.BulkResult, error) {
			return remove(c, t.Context(), "Editors", []string{"max@example.com"}, nil)
		}, func(s *orguserstest.Server) { s.AddTeam(orguserstest.Team{Name: "EDITORS"}) }, []string{"not_started: invalid_team"}, orgusers.ErrInvalid},
		{"no teams in the plan", func(c *orgusers.Client) (*orgusers.BulkResult, error) {
			return add(c, t.Context(), "Editors", []string{"ada@example.com"}, nil)
		}, func(s *orguserstest.Server) {
			s.AddFault(orguserstest.Fault{Path: "/v4/teams", Effect: orguserstest.Status(http.StatusForbidden)})
		}, []string{"not_started: read_failed"}, orgusers.ErrForbidden},
		{"who leaves between the reads is not invited", func(c *orgusers.Client) (*orgusers.BulkResult, error) {
			return add(c, t.Context(), "Empty", []string{"ada@example.com", "max@example.com"}, nil)
		}, adaLeaves, []string{"skipped: not_in_organization", "done"}, nil},
		{"all of a batch leave between the reads", func(c *orgusers.Client) (*orgusers.BulkResult, error) {
			return add(c, t.Context(), "Empty", []string{"ada@example.com"}, nil)
		}, adaLeaves, []string{"skipped: not_in_organization"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, newsroom()...)
			if tt.change != nil {
				tt.change(server)
			}
			result, err := tt.call(fakeClient(t, server))
			if got := summaries(result); !slices.Equal(got, tt.want) || !errors.Is(err, tt.is) {
				t.Errorf("got %v, %v, want %v, %v", got, err, tt.want, tt.is)
			}
			for _, outcome := range result.Outcomes {
				if outcome.Status == orgusers.OutcomeDone && !strings.Contains(outcome.Detail, ` is 65b`) {
					t.Errorf("the detail is %q, want the uid of the team", outcome.Detail)
				}
			}
			if sent := server.Outbox(); len(sent) > 0 {
				t.Errorf("sent %v", sent)
			}
		})
	}
}

// Only accepted members are added. Nothing is concluded from a team without its users.
func TestTeamsInDoubt(t *testing.T) {
	t.Parallel()
	const empty, without = `{"teams":[{"uid":"t1","name":"One","users":[]}],"count":1}`, `{"teams":[{"uid":"t1","name":"One"}],"count":1}`
	add, remove := (*orgusers.Client).AddToTeam, (*orgusers.Client).RemoveFromTeam
	for _, tt := range []struct {
		status, teams string
		call          func(*orgusers.Client, context.Context, string, []string, *orgusers.BulkOptions) (*orgusers.BulkResult, error)
		want          string
	}{
		{"pending", empty, add, "skipped: pending"},
		{"expired", empty, add, "skipped: pending"},
		{"declined", empty, add, "skipped: pending"},
		{"", empty, add, "skipped: pending"},
		{"accepted", without, add, "not_started: read_failed"},
		{"accepted", without, remove, "not_started: read_failed"},
	} {
		server := &sharesServer{
			rows:  []shareRow{{Share: "s1", Email: "cy@example.com", UID: "u1", Status: tt.status, Roles: []string{"r1"}}},
			fixed: map[string]string{"GET /v4/teams": tt.teams},
		}
		result, err := tt.call(newClient(t, server), t.Context(), "t1", []string{"cy@example.com"}, nil)
		if got := summaries(result)[0]; got != tt.want || len(server.writes) > 0 {
			t.Errorf("a user who is %q: got %s, %v after %d writes, want %s", tt.status, got, err, len(server.writes), tt.want)
		}
	}
}

// A team of another organization is not found by its uid.
func TestTeamOfAnotherOrganization(t *testing.T) {
	t.Parallel()
	server := startFake(t, newsroom()...)
	other, err := fakeClient(t, server).ForOrganization(server.SecondOrganizationUID)
	if err != nil {
		t.Fatal(err)
	}
	uid, caller := server.Teams()[0].UID, server.Email
	if _, err := other.GetTeam(t.Context(), uid); !errors.Is(err, orgusers.ErrNotFound) {
		t.Errorf("GetTeam: got %v", err)
	}
	if _, err := orgusers.Collect(other.TeamUsers(t.Context(), uid)); !errors.Is(err, orgusers.ErrNotFound) {
		t.Errorf("TeamUsers: got %v", err)
	}
	if result, err := other.AddToTeam(t.Context(), uid, []string{caller}, nil); !errors.Is(err, orgusers.ErrNotFound) || result.Outcomes[0].Reason != orgusers.ReasonInvalidTeam {
		t.Errorf("AddToTeam: got %v, %v", summaries(result), err)
	}
}

// What remains through a team is reported, with the team.
func TestThroughTeam(t *testing.T) {
	t.Parallel()
	members := operations.Twelve(operations.Member)
	tests := []struct {
		name string
		call func(ctx context.Context, c *orgusers.Client, s *orguserstest.Server) (*orgusers.BulkResult, error)
		want []string // for a user in the team, and one who is not
	}{
		{"organization roles", func(ctx context.Context, c *orgusers.Client, _ *orguserstest.Server) (*orgusers.BulkResult, error) {
			return c.UpdateRoles(ctx, members[:2], []string{"Member"}, nil)
		}, []string{"partial: through_team", "done"}},
		{"a stack", func(ctx context.Context, c *orgusers.Client, s *orguserstest.Server) (*orgusers.BulkResult, error) {
			return c.UpdateStackAccess(ctx, s.Stacks()[0].APIKey, members[:2], nil, nil)
		}, []string{"partial: through_team", "done"}},
		{"another role of a stack", func(ctx context.Context, c *orgusers.Client, s *orguserstest.Server) (*orgusers.BulkResult, error) {
			return c.UpdateStackAccess(ctx, s.Stacks()[0].APIKey, members[:2], []string{"Developer"}, nil)
		}, []string{"partial: through_team", "done"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, client := crowded(t)
				website := server.Stacks()[0]
				for _, email := range members[:2] {
					server.SetRoles(email, "Security Manager")
					server.SetStackAccess(email, website.APIKey, website.Roles[2].UID)
				}
				team := server.AddTeam(orguserstest.Team{Name: "Editors", Members: members[:1], Roles: []string{"Admin"}, Stacks: map[string][]string{website.APIKey: {website.Roles[0].UID}}})
				result, err := tt.call(t.Context(), client, server)
				if got := summaries(result); !slices.Equal(got, tt.want) || err == nil {
					t.Errorf("got %v, %v, want %v", got, err, tt.want)
				}
				if detail := result.Outcomes[0].Detail; !strings.Contains(detail, `comes through team "Editors" (`+team.UID) {
					t.Errorf("the detail is %q", detail)
				}
			})
		})
	}
}
