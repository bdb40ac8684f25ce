package orgusers_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// newsroom is a small organization: Ada has roles directly, Max through a team, Eva both
// ways, and Pia is pending. Eva owns a stack.
func newsroom(opts ...orguserstest.Option) []orguserstest.Option {
	return append([]orguserstest.Option{
		orguserstest.WithPeople(
			orguserstest.Person{Email: "owner@example.com", Owner: true},
			orguserstest.Person{Email: "boss@example.com", Roles: []string{"Admin"}},
			orguserstest.Person{Email: "ada@example.com", Roles: []string{"Member", "Security Manager"}},
			orguserstest.Person{Email: "max@example.com", Roles: []string{"Member"}},
			orguserstest.Person{Email: "eva@example.com", Roles: []string{"Member"}},
			orguserstest.Person{Email: "pia@example.com", Pending: true},
		),
		orguserstest.WithTeams(
			orguserstest.Team{Name: "Editors", Members: []string{"max@example.com", "eva@example.com"}, Roles: []string{"Admin"}, Stacks: map[string][]string{"Website": {"Developer"}}},
			orguserstest.Team{Name: "Empty"},
		),
	}, opts...)
}

// equip gives the direct access of the newsroom.
func equip(s *orguserstest.Server) {
	website := s.Stacks()[0]
	for _, u := range s.Users() {
		for _, stack := range s.Stacks() {
			s.SetStackAccess(u.Email, stack.APIKey)
		}
	}
	s.SetStackAccess("ada@example.com", website.APIKey, website.Roles[0].UID)
	s.SetStackAccess("eva@example.com", website.APIKey, website.Roles[1].UID)
	s.SetStackAccess("pia@example.com", website.APIKey, website.Roles[2].UID)
	s.SetStackOwner(s.Stacks()[1].APIKey, "eva@example.com")
}

// lines writes access down in words: one line for each grant, team and owned stack.
func lines(a *orgusers.UserAccess) []string {
	through := func(direct, maybe bool, teams []orgusers.TeamRef) string {
		words := map[bool]string{true: " direct"}[direct] + map[bool]string{true: " maybe direct"}[maybe]
		for _, team := range teams {
			words += " " + team.Name
		}
		return words
	}
	var words []string
	for _, g := range a.Roles {
		words = append(words, g.RoleName+":"+through(g.Direct, g.MaybeDirect, g.Teams))
	}
	for _, g := range a.Stacks {
		words = append(words, g.Stack.Name+"/"+g.RoleName+":"+through(g.Direct, g.MaybeDirect, g.Teams))
	}
	for _, team := range a.Teams {
		words = append(words, "in "+team.Name)
	}
	for _, stack := range a.Owns {
		words = append(words, "owns "+stack.Name)
	}
	for _, stack := range a.Unread {
		words = append(words, "unread "+stack.Name)
	}
	slices.Sort(words)
	return words
}

func TestAccess(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		form []orguserstest.Option
		want map[string][]string
	}{
		{"roles list who has them through a team", nil, map[string][]string{
			"owner@example.com": {"owns Knowledge Base", "owns Website"},
			"boss@example.com":  {"admin: direct"},
			"ada@example.com":   {"Website/Admin: direct", "member: direct", "security manager: direct"},
			"max@example.com":   {"Website/Developer: maybe direct Editors", "admin: maybe direct Editors", "in Editors", "member: direct"},
			"eva@example.com":   {"Website/Developer: maybe direct Editors", "admin: maybe direct Editors", "in Editors", "member: direct", "owns Mobile App"},
			"pia@example.com":   {"Website/Content Manager: direct", "member: direct"},
		}},
		{"roles do not", []orguserstest.Option{orguserstest.WithHiddenTeamRoles()}, map[string][]string{
			"owner@example.com": {"owns Knowledge Base", "owns Website"},
			"boss@example.com":  {"admin: direct"},
			"ada@example.com":   {"Website/Admin: direct", "member: direct", "security manager: direct"},
			"max@example.com":   {"Website/Developer: Editors", "admin: Editors", "in Editors", "member: direct"},
			"eva@example.com":   {"Website/Developer: maybe direct Editors", "admin: Editors", "in Editors", "member: direct", "owns Mobile App"},
			"pia@example.com":   {"Website/Content Manager: direct", "member: direct"},
		}},
		{"invitations without uids", []orguserstest.Option{orguserstest.WithLateUserUIDs()}, map[string][]string{
			"owner@example.com": {"owns Knowledge Base", "owns Website"},
			"boss@example.com":  {"admin: direct"},
			"ada@example.com":   {"Website/Admin: direct", "member: direct", "security manager: direct"},
			"max@example.com":   {"Website/Developer: maybe direct Editors", "admin: maybe direct Editors", "in Editors", "member: direct"},
			"eva@example.com":   {"Website/Developer: maybe direct Editors", "admin: maybe direct Editors", "in Editors", "member: direct", "owns Mobile App"},
			"pia@example.com":   {"member: direct"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, newsroom(tt.form...)...)
			equip(server)
			client := fakeClient(t, server)
			got, direct := map[string][]string{}, map[string]*orgusers.UserAccess{}
			all := client.Access(t.Context(), nil)
			for range 2 { // it can be ranged over again
				for _, a := range mustCollect(t, all) {
					got[a.User.Email], direct[a.User.Email] = lines(a), a
					if a.Version != 1 || a.OrganizationUID != server.OrganizationUID || time.Since(a.ReadAt) > time.Minute {
						t.Errorf("got %+v", a)
					}
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			some := mustCollect(t, client.Access(t.Context(), &orgusers.AccessOptions{Emails: []string{"EVA@example.com", "nobody@example.com", "ada@example.com"}}))
			if len(some) != 2 || some[0].User.Email != "eva@example.com" || some[1].User.Email != "ada@example.com" {
				t.Fatalf("got %d users", len(some))
			}
			ignored := cmp.Options{cmpopts.IgnoreFields(orgusers.UserAccess{}, "ReadAt"), cmpopts.IgnoreFields(orgusers.User{}, "InvitedBy")} // a search has no inviters
			for _, a := range some {
				if diff := cmp.Diff(direct[a.User.Email], a, ignored); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestAccessThatCannotBeRead(t *testing.T) {
	t.Parallel()
	stackRoles := orguserstest.Fault{Path: "/v3/roles", Skip: 1, Times: 1, Effect: orguserstest.Status(http.StatusForbidden)}
	teams := func(status int) orguserstest.Fault {
		return orguserstest.Fault{Path: "/v4/teams", Effect: orguserstest.Status(status)}
	}
	text := func(path, text string) orguserstest.Fault {
		return orguserstest.Fault{Path: path, Effect: orguserstest.Status(200).WithBody(text)}
	}
	tests := []struct {
		name    string
		fault   orguserstest.Fault
		options orgusers.AccessOptions
		is      error
		says    string
		unread  int
	}{
		{"no permission for one stack", stackRoles, orgusers.AccessOptions{}, orgusers.ErrIncomplete, "the roles of stack ", 0},
		{"no permission for one stack, allowed", stackRoles, orgusers.AccessOptions{AllowUnread: true}, nil, "", 1},
		{"the token ends", orguserstest.Fault{Path: "/v3/roles", Effect: orguserstest.Status(http.StatusUnauthorized)}, orgusers.AccessOptions{AllowUnread: true}, orgusers.ErrUnauthorized, "", 0},
		{"a role of a stack without its users", text("/v3/roles", `{"roles":[{"uid":"r1","users":["u1"]},{"uid":"r2"}],"count":2}`), orgusers.AccessOptions{}, orgusers.ErrIncomplete, "did not send the users", 0},
		{"a role of a stack with users without uids", text("/v3/roles", `{"roles":[{"uid":"r1","users":[{"email":"ada@example.com"}]}],"count":1}`), orgusers.AccessOptions{}, orgusers.ErrServer, "the roles of stack ", 0},
		{"a role of a stack with users of null", text("/v3/roles", `{"roles":[{"uid":"r1","users":[null]}],"count":1}`), orgusers.AccessOptions{}, orgusers.ErrServer, "the roles of stack ", 0},
		{"a stack without its owner", text("/v3/organizations/{organization_uid}/stacks", `{"stacks":[{"api_key":"k1"}],"count":1}`), orgusers.AccessOptions{}, orgusers.ErrIncomplete, "is not known", 0},
		{"a team without its users", text("/v4/teams", `{"teams":[{"uid":"t1","name":"Editors"}],"count":1}`), orgusers.AccessOptions{AllowUnread: true}, orgusers.ErrIncomplete, "the list of teams", 0},
		{"a team whose users are null", text("/v4/teams", `{"teams":[{"uid":"t1","users":null}],"count":1}`), orgusers.AccessOptions{}, orgusers.ErrIncomplete, "the list of teams", 0},
		{"a team whose users have no uid", text("/v4/teams", `{"teams":[{"uid":"t1","users":[{"email":"ada@example.com"}]}],"count":1}`), orgusers.AccessOptions{}, orgusers.ErrServer, "the list of teams", 0},
		{"no list of teams", text("/v4/teams", `{}`), orgusers.AccessOptions{}, orgusers.ErrServer, "the list of teams", 0},
		{"teams with an error in a 200", text("/v4/teams", `{"teams":[],"error_code":119,"error_message":"no"}`), orgusers.AccessOptions{}, orgusers.ErrServer, "the list of teams", 0},
		{"a member without an account", text(sharePath, `{"shares":[{"uid":"s1","email":"bob@example.com","status":"accepted","org_roles":[]}],"count":1}`), orgusers.AccessOptions{}, orgusers.ErrIncomplete, "", 0},
		{"no teams in the plan", teams(http.StatusForbidden), orgusers.AccessOptions{}, nil, "", 0},
		{"no teams in the product", teams(http.StatusNotFound), orgusers.AccessOptions{}, nil, "", 0},
		{"the list of teams fails", teams(http.StatusUnprocessableEntity), orgusers.AccessOptions{AllowUnread: true}, orgusers.ErrIncomplete, "the list of teams", 0},
		{"an address is malformed", orguserstest.Fault{Skip: 1e9, Effect: orguserstest.Reset()}, orgusers.AccessOptions{Emails: []string{"ada"}}, orgusers.ErrInvalid, "", 0},
		{"users cannot be read", orguserstest.Fault{Path: sharePath, Effect: orguserstest.Status(http.StatusForbidden)}, orgusers.AccessOptions{}, orgusers.ErrForbidden, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, newsroom(orguserstest.WithFault(tt.fault))...)
			equip(server)
			all, err := collect(t, fakeClient(t, server).Access(t.Context(), &tt.options))
			if !errors.Is(err, tt.is) || err != nil && (!strings.Contains(err.Error(), tt.says) || len(all) > 0) {
				t.Fatalf("got %d users and %v, want %v with %q", len(all), err, tt.is, tt.says)
			}
			if err == nil && (len(all) != 6 || len(all[0].Unread) != tt.unread) {
				t.Errorf("got %d users, unread %v", len(all), all[0].Unread)
			}
		})
	}
}

// A record survives JSON, in the same words, and one that is damaged is not read.
func TestAccessAsJSON(t *testing.T) {
	t.Parallel()
	server := startFake(t, newsroom()...)
	equip(server)
	client := fakeClient(t, server)
	had := mustCollect(t, client.Access(t.Context(), nil))
	for _, a := range had {
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var back orgusers.UserAccess
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatalf("%v of %s", err, text)
		}
		if diff := cmp.Diff(a, &back); diff != "" {
			t.Error(diff)
		}
		if again, err := json.Marshal(&back); err != nil || !bytes.Equal(again, text) {
			t.Errorf("got %s, %v, want %s", again, err, text)
		}
		for _, end := range []int{1, len(text) / 2, len(text) - 1} {
			if err := json.Unmarshal(text[:end], new(orgusers.UserAccess)); err == nil {
				t.Errorf("a record that was cut off is read: %s", text[:end])
			}
		}
	}
	for text, says := range map[string]string{
		`{}`: "version 0",
		`{"version":2,"organization_uid":"blt1","user":{"email":"ada@example.com"}}`: "version 2",
		`{"version":1,"user":{"email":"ada@example.com"}}`:                           "lacks its organization",
		`{"version":1,"organization_uid":"blt1"}`:                                    "lacks its organization or its user",
	} {
		if err := json.Unmarshal([]byte(text), new(orgusers.UserAccess)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want %q", text, err, says)
		}
	}
	golden := `{"version":1,"organization_uid":"blt1","read_at":"2026-01-15T09:00:00Z","user":{"email":"ada@example.com","status":"accepted"},` +
		`"roles":[{"role_uid":"r1","role_name":"member","direct":true}],` +
		`"stacks":[{"stack":{"api_key":"k1","name":"Blog"},"role_uid":"r2","role_name":"Editor","maybe_direct":true,"teams":[{"uid":"t1","name":"Editors"}]}],` +
		`"teams":[{"uid":"t1","name":"Editors"}],"owns":[{"api_key":"k1","name":"Blog"}],"unread":[]}`
	var record orgusers.UserAccess
	if err := json.Unmarshal([]byte(golden), &record); err != nil {
		t.Fatal(err)
	}
	if text, err := json.Marshal(record); err != nil || !sameJSON(text, []byte(golden)) {
		t.Errorf("version 1 is now %s, %v", text, err)
	}
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && cmp.Equal(x, y)
}

// 1,129 users, 40 stacks and 20 teams cost at most 75 requests, at the pace of the limit.
// The access of one user does not cost a list of all.
func TestAccessRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := inProcess(t, orguserstest.WithUsers(1129), orguserstest.WithRateLimit(10, 10), orguserstest.WithLatency(50*time.Millisecond))
		users := server.Users()
		for i := range 37 {
			server.AddStack(fmt.Sprintf("Stack %d", i), users[0].Email)
		}
		for i := range 20 {
			server.AddTeam(orguserstest.Team{Name: fmt.Sprintf("Team %d", i), Members: []string{users[i+1].Email}})
		}
		time.Sleep(time.Minute) // fake time
		began := time.Now()
		all := mustCollect(t, client.Access(t.Context(), nil))
		took, sent := time.Since(began), len(server.Requests())
		if len(all) != 1129 || sent > 75 {
			t.Errorf("read %d users with %d requests, want 1129 with at most 75", len(all), sent)
		}
		if atMost := time.Duration(1.05 * float64(sent) / 10 * float64(time.Second)); took > atMost {
			t.Errorf("%d requests took %v, want at most %v", sent, took, atMost)
		}
		t.Logf("%d requests in %v", sent, took)

		server.ClearRequests()
		one := mustCollect(t, client.Access(t.Context(), &orgusers.AccessOptions{Emails: []string{users[1].Email}}))
		counts := map[string]int{}
		for _, r := range server.Requests() {
			counts[r.Operation]++
		}
		want := map[string]int{"FindUsers": 1, "Roles": 1, "Stacks": 2, "StackRoles": 40, "Teams": 2}
		if len(one) != 1 || !maps.Equal(counts, want) {
			t.Errorf("one user took %v, want %v", counts, want)
		}
	})
}

func TestExportAccess(t *testing.T) {
	t.Parallel()
	server := startFake(t, newsroom(orguserstest.WithHiddenTeamRoles())...)
	equip(server)
	client := fakeClient(t, server)
	website := server.Stacks()[0]
	server.SetStackAccess("eva@example.com", website.APIKey, website.Roles[0].UID)
	var file strings.Builder
	options := &orgusers.ExportOptions{Access: true, Columns: append(orgusers.DefaultColumns()[:1], orgusers.AccessColumns()...), Comma: '|'}
	if _, err := client.ExportCSV(t.Context(), &file, options); err != nil {
		t.Fatal(err)
	}
	want := `Email|Stacks|Teams|Owned Stacks
ada@example.com|Website: Admin||
boss@example.com|||
eva@example.com|Website: Admin, Developer (Editors)|Editors|Mobile App
max@example.com|Website: Developer (Editors)|Editors|
owner@example.com|||Website; Knowledge Base
pia@example.com|Website: Content Manager||
`
	if diff := cmp.Diff(sortedRoles(want), sortedRoles(file.String())); diff != "" {
		t.Error(diff)
	}
	summary, err := client.ExportCSV(t.Context(), &strings.Builder{}, &orgusers.ExportOptions{Access: true})
	if err != nil || summary.Rows != 6 {
		t.Errorf("got %+v, %v", summary, err)
	}
	if _, err := client.ExportCSV(t.Context(), &file, &orgusers.ExportOptions{Columns: orgusers.AccessColumns()}); !errors.Is(err, orgusers.ErrInvalid) || !strings.Contains(err.Error(), "ExportOptions.Access") {
		t.Errorf("without Access: got %v, want ErrInvalid", err)
	}
	server.AddFault(orguserstest.Fault{Path: "/v3/roles", Effect: orguserstest.Status(http.StatusForbidden)})
	file.Reset()
	if _, err := client.ExportCSV(t.Context(), &file, options); !errors.Is(err, orgusers.ErrIncomplete) || file.Len() > 0 {
		t.Errorf("got %v after %d bytes, want ErrIncomplete and nothing", err, file.Len())
	}
}

// sortedRoles sorts the roles and stacks of a cell, which are in the order of their uids.
func sortedRoles(text string) []string {
	var rows []string
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		for i, cell := range cells {
			stacks := strings.Split(cell, "; ")
			for j, stack := range stacks {
				if name, roles, ok := strings.Cut(stack, ": "); ok {
					stacks[j] = name + ": " + strings.Join(slices.Sorted(slices.Values(strings.Split(roles, ", "))), ", ")
				}
			}
			cells[i] = strings.Join(slices.Sorted(slices.Values(stacks)), "; ")
		}
		rows = append(rows, strings.Join(cells, "|"))
	}
	return rows
}
