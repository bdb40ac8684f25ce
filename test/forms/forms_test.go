// Package forms_test tests the client against every form that responses are known to
// have, or may have.
package forms_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

const (
	owner         = "owner@example.com"
	administrator = "admin@example.com"
	member        = "member@example.com"
	invited       = "invited@example.com"
	known         = "known@example.com" // invited, and has an account elsewhere
	guest         = "guest@example.com"
)

// Users, exports and changes are the same in every combination of the forms of a user's
// row. The forms of other responses vary with them.
func TestEveryCombination(t *testing.T) {
	t.Parallel()
	var rows, others []orguserstest.Form
	for _, form := range orguserstest.Forms() {
		if form.About == "users" {
			rows = append(rows, form)
		} else {
			others = append(others, form)
		}
	}
	for set := range 1 << len(rows) {
		if operations.Sampled(set) {
			continue
		}
		chosen := map[string]bool{}
		opts := []orguserstest.Option{people()}
		choose := func(form orguserstest.Form) {
			opts, chosen[form.Name] = append(opts, form.Option), true
		}
		for i, form := range rows {
			if set>>i&1 == 1 {
				choose(form)
			}
		}
		for i, form := range others {
			if (set^set>>len(others))>>i&1 == 1 {
				choose(form)
			}
		}
		if !listAndChange(t, chosen, opts) {
			t.Fatalf("with %v", chosen)
		}
	}
}

func people() orguserstest.Option {
	return orguserstest.WithPeople(
		orguserstest.Person{Email: owner, FirstName: "Ona", LastName: "Owner", Owner: true},
		orguserstest.Person{Email: administrator, FirstName: "Ad", LastName: "Min", Roles: []string{"Admin"}, InvitedBy: owner},
		orguserstest.Person{Email: member, FirstName: "Mem", LastName: "Ber", MFA: true, InvitedBy: owner, Message: "Welcome"},
		orguserstest.Person{Email: invited, Pending: true, InvitedBy: owner},
		orguserstest.Person{Email: known, Pending: true, FirstName: "Kno", LastName: "Wn", AccessWithoutSSO: true, MFA: true},
	)
}

// listAndChange reports whether a client reads and changes the organization of a fake with
// the chosen forms.
func listAndChange(t *testing.T, chosen map[string]bool, opts []orguserstest.Option) bool {
	t.Helper()
	ctx := t.Context()
	server := orguserstest.NewUnstartedServer(opts...)
	defer server.Close()
	client, err := orgusers.New(server.OrganizationUID, append(server.Options(),
		orgusers.WithRateLimits(orgusers.RateLimits{Reads: 1e4, Writes: 1e4, Bulk: 1e4}))...)
	if err != nil {
		t.Fatal(err)
	}
	same := func(what string, want, got any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", what, diff)
		}
	}
	done := func(result *orgusers.BulkResult, err error) {
		t.Helper()
		if err != nil || result.Count(orgusers.OutcomeDone) != 1 {
			t.Errorf("got %+v, %v", result, err)
		}
	}

	// Users in a list have the address of their inviter only if rows have it. An export
	// looks it up.
	var listed [][]string
	for user, err := range client.Users(ctx, nil) {
		if err != nil {
			t.Fatal(err)
		}
		var cells []string
		for _, column := range orgusers.DefaultColumns() {
			cells = append(cells, column.Value(user))
		}
		listed = append(listed, cells)
	}
	same("users", expected(server, chosen, chosen["WithInviterUIDs"]), listed)

	var file bytes.Buffer
	if _, err := client.ExportCSV(ctx, &file, nil); err != nil {
		t.Fatal(err)
	}
	exported, err := csv.NewReader(&file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := expected(server, chosen, false)
	if chosen["WithInviterUIDs"] && !chosen["WithSystemOwner"] {
		want[0][6] = server.Users()[0].InvitedBy // has left the organization, so that only rows could have the address
	}
	slices.SortFunc(want, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	same("export", want, exported[1:])

	admin := []string{"admin"}
	done(client.Invite(ctx, []orgusers.Invitee{{Email: guest, Roles: admin}}, nil))
	done(client.UpdateRoles(ctx, []string{member}, admin, nil))
	done(client.ResendInvitations(ctx, []string{invited}, nil))
	done(client.WithdrawInvitations(ctx, []string{known}, nil))
	left := map[string]string{}
	for _, u := range server.Users() {
		left[u.Email] = strings.ToLower(strings.Join(u.RoleNames, ","))
	}
	same("the organization", map[string]string{owner: "", administrator: "admin", member: "admin", invited: "member", guest: "admin"}, left)
	done(client.RemoveUsers(ctx, []string{member}, nil))

	if organization, err := client.GetOrganization(ctx, nil); err != nil || organization.UID != server.OrganizationUID {
		t.Errorf("got %+v, %v", organization, err)
	}
	if log, err := orgusers.Collect(client.AuditLog(ctx, nil)); err != nil || len(log) == 0 {
		t.Errorf("got %d entries, %v", len(log), err)
	}
	if err := client.Do(ctx, orgusers.Request{Method: "GET", Path: "/v3/roles", Header: http.Header{"Api_key": {"unknown"}}}, nil); !errors.Is(err, orgusers.ErrInvalid) {
		t.Errorf("got %v for an unknown API key", err)
	}
	_, err = orgusers.Login(ctx, orgusers.Credentials{Email: known, Password: orguserstest.Password}, server.Options()...)
	if !errors.Is(err, orgusers.ErrMFARequired) {
		t.Errorf("got %v for a login without an MFA code", err)
	}
	if roles, err := orgusers.Collect(client.StackRoles(ctx, server.Stacks()[0].APIKey)); err != nil || len(roles) == 0 {
		t.Errorf("got %d roles of a stack, %v", len(roles), err)
	}
	return !t.Failed()
}

// expected returns the cells of all users, as the fake knows them.
func expected(server *orguserstest.Server, chosen map[string]bool, inviterUIDs bool) [][]string {
	var rows [][]string
	for _, u := range server.Users() {
		status, mfa, inviter, uid := "accepted", "", u.InviterEmail, u.UID
		if u.Pending {
			status = "pending"
		}
		if u.MFA {
			mfa = "verified"
		}
		if u.Email == invited && chosen["WithLateUserUIDs"] {
			uid = ""
		}
		if inviter == "" || inviterUIDs {
			inviter = u.InvitedBy
		}
		if u.Owner && chosen["WithSystemOwner"] {
			inviter = "System"
		}
		roles := strings.Join(u.RoleNames, "; ")
		if !chosen["WithDocumentedRoles"] {
			roles = strings.ToLower(roles)
		}
		if u.Owner {
			roles = "Owner"
		}
		format := func(at time.Time) string {
			if at.IsZero() {
				return ""
			}
			return at.Format("2006-01-02T15:04:05.000Z")
		}
		rows = append(rows, []string{u.Email, u.FirstName, u.LastName, roles, status, mfa, inviter, format(u.InvitedAt), format(u.LastLogin), uid, format(u.CreatedAt), format(u.UpdatedAt)})
	}
	return rows
}
