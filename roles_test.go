package orgusers_test

import (
	"errors"
	"fmt"
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

// anyOrder compares lists of texts in any order.
var anyOrder = cmp.Transformer("sorted", func(texts []string) []string { return slices.Sorted(slices.Values(texts)) })

// onPages are options for lists of roles and stacks.
var onPages = map[string][]orguserstest.Option{
	"on one page":     nil,
	"on two pages":    {orguserstest.WithPageCap(3)},
	"on small pages":  {orguserstest.WithPageCap(2)},
	"without a count": {orguserstest.WithPageCap(2), orguserstest.WithoutCount()},
}

func TestRoles(t *testing.T) {
	t.Parallel()
	for name, opts := range onPages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, append(opts, orguserstest.WithUsers(60))...)
			client := fakeClient(t, server)
			users := map[string][]string{}
			for _, u := range server.Users() {
				for _, uid := range u.RoleUIDs {
					if u.UID != "" {
						users[uid] = append(users[uid], u.UID)
					}
				}
			}
			for range 2 { // a sequence can be ranged over again
				var names []string
				for _, role := range mustCollect(t, client.Roles(t.Context())) {
					names = append(names, strings.ToLower(role.Name))
					if role.Admin != strings.EqualFold(role.Name, "Admin") || role.UpdatedAt.IsZero() || role.CreatedAt.IsZero() || role.Description == "" {
						t.Errorf("got %+v", role)
					}
					if diff := cmp.Diff(users[role.UID], role.Users, anyOrder); diff != "" {
						t.Errorf("%s: -want +got:\n%s", role.Name, diff)
					}
				}
				if diff := cmp.Diff([]string{"admin", "member", "security manager", "product analytics viewer"}, names); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			}
		})
	}
}

func TestRoleSamples(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	for file, want := range map[string]*orgusers.Role{
		"roles.json": {
			UID: "blt77c0de11aa22bb33cc44dd55", Name: "Admin", Description: "Admin Role", OrganizationUID: "blt1a2b3c4d5e6f7081", Admin: true, Default: true,
			Users:     []string{"blt0f3a9c6d2b8e4715"},
			CreatedAt: at("2017-09-17T11:50:52.557Z"), UpdatedAt: at("2017-09-17T11:50:52.557Z"),
		},
		"roles_recorded.json": {
			UID: "bltaaaabbbbccccdddd", Name: "member", Description: "Members of the organization", OrganizationUID: "blt9999000011112222", Default: true,
			Users: []string{"blt5555666677778888"}, Permissions: []string{"org.info:read"}, OwnerUID: "blteeeeffff00001111", Domain: "organization",
			CreatedAt: at("2023-01-01T00:00:00Z"), UpdatedAt: at("2026-01-01T00:00:00Z"),
		},
	} {
		sample, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		roles := mustCollect(t, newClient(t, body(http.StatusOK, strings.Replace(string(sample), "{", `{"count":2,`, 1))).Roles(t.Context()))
		if diff := cmp.Diff(want, roles[0]); diff != "" || len(roles) != 2 || roles[1].Users == nil || roles[1].Admin == roles[0].Admin {
			t.Errorf("%s: %d roles, -want +got:\n%s", file, len(roles), diff)
		}
	}
}

// rolesNamed responds with roles of these names. Their uids are r0, r1, ….
func rolesNamed(names ...string) string {
	rows := make([]string, len(names))
	for i, name := range names {
		rows[i] = fmt.Sprintf(`{"uid":"r%d","name":%q}`, i, name)
	}
	return fmt.Sprintf(`{"roles":[%s],"count":%d}`, strings.Join(rows, ","), len(rows))
}

func TestGetRole(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, response, nameOrUID string
		uid                       string
		want                      error
	}{
		{"by name", rolesNamed("Admin", "Member"), "Member", "r1", nil},
		{"in capitals", rolesNamed("admin", "member"), "MEMBER", "r1", nil},
		{"in small letters", rolesNamed("Admin", "MEMBER"), "member", "r1", nil},
		{"with white space", rolesNamed("Admin", "Member"), " Member\n", "r1", nil},
		{"by uid", rolesNamed("Admin", "Member"), "r1", "r1", nil},
		{"by uid, which is another role's name", rolesNamed("R1", "Member", "r1"), "r1", "r1", nil},
		{"by uid in capitals", rolesNamed("Admin", "Member"), "R1", "", orgusers.ErrNotFound},
		{"missing", rolesNamed("Admin", "Member"), "Membe", "", orgusers.ErrNotFound},
		{"no roles", rolesNamed(), "Admin", "", orgusers.ErrNotFound},
		{"the owner does not have a role", rolesNamed("Admin", "Member"), "Owner", "", orgusers.ErrNotFound},
		{"two roles of the name", rolesNamed("Member", "member"), "Member", "", orgusers.ErrInvalid},
		{"two roles of the name, by uid", rolesNamed("Member", "member"), "r1", "r1", nil},
		{"an empty name", rolesNamed("Admin", ""), "", "", orgusers.ErrInvalid},
		{"a response without roles", `{}`, "Admin", "", orgusers.ErrServer},
		{"a role that is null", `{"roles":[null]}`, "Admin", "", orgusers.ErrServer},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			role, err := newClient(t, body(http.StatusOK, tt.response), withoutDelays).GetRole(t.Context(), tt.nameOrUID)
			if !errors.Is(err, tt.want) || (err == nil) != (role != nil) || role != nil && role.UID != tt.uid {
				t.Errorf("got %+v, %v, want %q, %v", role, err, tt.uid, tt.want)
			}
			if err != nil && !strings.HasPrefix(err.Error(), "orgusers: GetRole: ") || errors.Is(err, orgusers.ErrInvalid) && strings.Contains(tt.name, "two") && !strings.Contains(err.Error(), "r0, r1") {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := newClient(t, status(http.StatusForbidden)).GetRole(t.Context(), "Admin"); !errors.Is(err, orgusers.ErrForbidden) {
		t.Errorf("got %v, want ErrForbidden", err)
	}
}

// TestUpdateRolesWithWrongRoles starts nothing.
func TestUpdateRolesWithWrongRoles(t *testing.T) {
	t.Parallel()
	for name, roles := range map[string][]string{
		"none": nil, "empty": {""}, "unknown": {"bltunknown"}, "one unknown": {"r0", "bltunknown"}, "two of the name": {"member"},
	} {
		server := &sharesServer{rows: []shareRow{memberRow(1, "ada@example.com"), pendingRow(2, "pia@example.com")}, fixed: map[string]string{"GET /roles": rolesNamed("Admin", "Member", "MEMBER")}}
		for _, options := range []*orgusers.BulkOptions{nil, {DryRun: true}, {SkipRefused: true}} {
			result, err := newClient(t, server).UpdateRoles(t.Context(), []string{"ada@example.com", "pia@example.com"}, roles, options)
			want := []string{"not_started: invalid_role", "not_started: invalid_role"}
			if diff := cmp.Diff(want, summaries(result)); diff != "" || !errors.Is(err, orgusers.ErrInvalid) || len(server.writes) > 0 {
				t.Errorf("%s: got %v after %d writes: %s", name, err, len(server.writes), diff)
			}
		}
	}
}

// TestUpdateRoles gives roles by uid and name. Members who have exactly these are
// skipped, in any order.
func TestUpdateRoles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, _ := crowded(t)
		server.SetRoles(operations.Member(1), "Admin", "Member")
		server.SetRoles(operations.Member(2), "Member", "Admin")
		server.SetRoles(operations.Member(3))
		admin, member := server.RoleUID("Admin"), server.RoleUID("Member")
		result, err := clientOf(t, server).UpdateRoles(t.Context(), operations.Twelve(operations.Member)[:4], []string{"ADMIN", member, admin}, nil)
		if diff := cmp.Diff([]string{"done", "skipped: unchanged", "skipped: unchanged", "done"}, summaries(result)); diff != "" || err != nil {
			t.Fatalf("got %v: %s", err, diff)
		}
		for i, outcome := range result.Outcomes {
			if u := outcome.User; len(u.Roles) != 2 || u.Roles[0].Name == "" || !u.IsAdministrator() || outcome.Detail != fmt.Sprintf("role %q is %s", server.Roles()[0].Name, admin) {
				t.Errorf("outcome %d is %+v with %+v", i, outcome, u)
			}
			if u, _ := server.User(operations.Member(i)); cmp.Diff([]string{admin, member}, u.RoleUIDs, anyOrder) != "" {
				t.Errorf("member %d has the roles %v", i, u.RoleNames)
			}
		}
	})
}

// TestUpdateRolesReadBack has a service that may merge roles, lose the response, and
// change members meanwhile. Nothing is sent twice.
func TestUpdateRolesReadBack(t *testing.T) {
	t.Parallel()
	lost := orguserstest.Fault{Method: http.MethodPost, Path: sharePath, After: true, Effect: orguserstest.Status(500)}
	during := func(change func(s *orguserstest.Server)) func(*orguserstest.Server) {
		return func(s *orguserstest.Server) {
			s.OnRequest(func(r *orguserstest.Request) {
				if r.Operation == "Invite" {
					change(s)
				}
			})
		}
	}
	tests := []struct {
		name    string
		merge   bool
		prepare func(s *orguserstest.Server)
		want    string
		emails  int
	}{
		{"replaced", false, nil, "done", 1},
		{"replaced, and the response is lost", false, func(s *orguserstest.Server) { s.AddFault(lost) }, "done", 1},
		{"not made, and the response is lost", false, func(s *orguserstest.Server) {
			s.AddFault(orguserstest.Fault{Method: http.MethodPost, Path: sharePath, Effect: orguserstest.Status(500)})
		}, "unknown: no_response", 0},
		{"redirected", false, func(s *orguserstest.Server) {
			s.AddFault(orguserstest.Fault{Method: http.MethodPost, Path: sharePath, Effect: orguserstest.Redirect(302, "https://sso.example.com/")})
		}, "failed: not_applied", 0},
		{"merged", true, nil, "failed: not_applied", 1},
		{"merged, and the response is lost", true, func(s *orguserstest.Server) { s.AddFault(lost) }, "unknown: no_response", 1},
		{"merged into roles that include it, and the response is lost", true, func(s *orguserstest.Server) {
			s.SetRoles(operations.Member(0), "Member", "Admin")
			s.AddFault(lost)
		}, "unknown: no_response", 1},
		{"the member leaves meanwhile", false, during(func(s *orguserstest.Server) { s.RemoveUser(operations.Member(0)) }), "failed: not_applied", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var opts []orguserstest.Option
				if tt.merge {
					opts = append(opts, orguserstest.WithRoleMerge())
				}
				server, _ := crowded(t, opts...)
				if tt.prepare != nil {
					tt.prepare(server)
				}
				result, err := clientOf(t, server).UpdateRoles(t.Context(), []string{operations.Member(0)}, []string{"Admin"}, nil)
				if got := summaries(result)[0]; got != tt.want || errors.Is(err, orgusers.ErrOutcomeUnknown) != strings.HasPrefix(tt.want, "unknown") {
					t.Errorf("got %s, %v, want %s", got, err, tt.want)
				}
				if n := operations.EmailsTo(server, operations.Member(0)); n != tt.emails || writesTo(server) != 1 {
					t.Errorf("%d emails after %d writes, want %d after one", n, writesTo(server), tt.emails)
				}
			})
		})
	}
}

// TestUpdateRolesInDoubt reads back rows that may not be the member's.
func TestUpdateRolesInDoubt(t *testing.T) {
	t.Parallel()
	admin := memberRow(1, "ken@example.com")
	admin.Roles = []string{"r2"}
	respelled := admin
	respelled.Email = "\u212aen@example.com"
	tests := []struct {
		name         string
		rows, strays []shareRow
		want         string
	}{
		{"the member", []shareRow{admin}, nil, "done"},
		{"the member and an invitation", []shareRow{pendingRow(2, admin.Email), admin}, nil, "done"},
		{"the member and a row in another spelling", []shareRow{admin, memberRow(2, respelled.Email)}, nil, "done"},
		{"a row in another spelling", []shareRow{respelled}, nil, "unknown: no_response"},
		{"the member as before, and a row in another spelling", []shareRow{memberRow(1, admin.Email), respelled}, nil, "unknown: no_response"},
		{"a row of somebody", nil, []shareRow{memberRow(3, "bob@example.com")}, "unknown: no_response"},
		{"an invitation", []shareRow{pendingRow(2, admin.Email)}, nil, "failed: not_applied"},
		{"no row", nil, nil, "failed: not_applied"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &sharesServer{rows: []shareRow{memberRow(1, admin.Email)}, respond: lose}
				server.onSearch = func(s *sharesServer, n int) {
					if n > 1 {
						s.rows, s.strays = tt.rows, tt.strays
					}
				}
				result, err := newClient(t, server).UpdateRoles(t.Context(), []string{admin.Email}, []string{"Admin"}, nil)
				if got := summaries(result)[0]; got != tt.want || len(server.writes) != 1 {
					t.Errorf("got %s, %v after %d writes, want %s after one", got, err, len(server.writes), tt.want)
				}
			})
		})
	}
}
