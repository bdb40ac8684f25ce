package orguserstest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers/orguserstest"
)

// Every combination of the forms of users describes the same users.
func TestForms(t *testing.T) {
	t.Parallel()
	var forms []orguserstest.Form
	for _, form := range orguserstest.Forms() {
		if form.About == "users" {
			forms = append(forms, form)
		}
	}
	people := orguserstest.WithPeople(
		orguserstest.Person{Email: "boss@example.com", FirstName: "The", LastName: "Boss", Owner: true},
		orguserstest.Person{Email: "ada@example.com", FirstName: "Ada", LastName: "Lovelace", InvitedBy: "boss@example.com", MFA: true},
		orguserstest.Person{Email: "guest@example.com", Pending: true, Message: "Welcome"},
		orguserstest.Person{Email: "again@example.com", Pending: true, FirstName: "A", LastName: "Gain"},
	)
	for set := range 1 << len(forms) {
		opts, has := []orguserstest.Option{people}, map[string]bool{}
		for i, form := range forms {
			if set&(1<<i) != 0 {
				opts, has[form.Name] = append(opts, form.Option), true
			}
		}
		c := inProcess(t, opts...)
		for _, row := range c.get("/v3/organizations/{org}/share?asc=created_at&include_roles=true&include_invited_by=true&include_user_details=true").list("shares") {
			if diff := cmp.Diff(described(c.user(row["email"].(string)), has), read(row)); diff != "" {
				t.Fatalf("with %v: %s", has, diff)
			}
		}
		plain := c.get("/v3/organizations/{org}/share?asc=created_at").list("shares")[1]
		if names := plain["first_name"] != nil; names == has["WithNamesInDetails"] || plain["tfa_status"] != nil || plain["user"] != nil || plain["user_details"] != nil {
			t.Fatalf("with %v, a row without details is %v", has, plain)
		}
	}
}

// userRow has what a row says about a user, in any form.
type userRow struct {
	UID, ShareUID, FirstName, LastName, Role, Inviter, Updated, MFA string
	Owner, RoleNames, InviterNames, AcceptanceToken                 bool
}

func read(row map[string]any) userRow {
	text := func(o map[string]any, field string) string { s, _ := o[field].(string); return s }
	u := userRow{UID: text(row, "user_uid"), ShareUID: text(row, "uid"), Updated: text(row, "updated_at") + text(row, "update_at"), Owner: row["is_owner"] == true}
	details := row
	for _, place := range []string{"user", "user_details"} {
		if object, ok := row[place].(map[string]any); ok {
			details = object
		}
	}
	u.FirstName, u.LastName, u.MFA = text(details, "first_name"), text(details, "last_name"), text(details, "tfa_status")
	if roles, _ := row["org_roles"].([]any); len(roles) > 0 {
		u.Role, _ = roles[0].(string)
		if object, ok := roles[0].(map[string]any); ok {
			u.Role, u.RoleNames = text(object, "uid"), object["name"] != nil
		}
	}
	u.Inviter = text(row, "invited_by")
	if object, ok := row["invited_by"].(map[string]any); ok {
		u.Inviter, u.InviterNames = text(object, "uid"), object["email"] != nil
	}
	u.AcceptanceToken = row["acceptance_token"] != nil
	return u
}

// described returns what the row of a user says with some forms.
func described(u orguserstest.User, has map[string]bool) userRow {
	row := userRow{UID: u.UID, ShareUID: u.ShareUID, FirstName: u.FirstName, LastName: u.LastName, Owner: u.Owner}
	row.Updated = u.UpdatedAt.Format("2006-01-02T15:04:05.000Z")
	if u.LastName == "N/A" && has["WithLateUserUIDs"] {
		row.UID = ""
	}
	if u.MFA {
		row.MFA = "verified"
	}
	if len(u.RoleUIDs) > 0 {
		row.Role, row.RoleNames = u.RoleUIDs[0], !has["WithRoleUIDs"]
	}
	row.Inviter = u.InvitedBy
	if u.Owner && has["WithSystemOwner"] {
		row.Inviter = "System"
	}
	row.InviterNames = row.Inviter != "System" && !has["WithInviterUIDs"]
	row.AcceptanceToken = has["WithAcceptanceTokens"] && (u.Pending || strings.HasPrefix(u.Email, "boss@"))
	return row
}

func TestFormsOfLoginsAndHeaders(t *testing.T) {
	t.Parallel()
	for with, want := range map[bool]struct {
		status int
		limit  string
	}{false: {http.StatusUnprocessableEntity, "7"}, true: {http.StatusUnauthorized, "7, 7"}} {
		opts := []orguserstest.Option{orguserstest.WithRateLimit(7, 7), orguserstest.WithPeople(orguserstest.Person{Email: "ada@example.com", MFA: true})}
		if with {
			opts = append(opts, orguserstest.WithMFA401(), orguserstest.WithRepeatedRateLimitHeaders())
		}
		c := inProcess(t, opts...)
		login := `{"user":{"email":"ada@example.com","password":"` + orguserstest.Password + `"}}`
		if a := c.ask("POST", "/v3/user-session", login); a.status != want.status || a.json["error_code"] != 294.0 {
			t.Errorf("got %d %s, want %d", a.status, a.text, want.status)
		}
		a := c.as("Api_key", c.server.Stacks()[0].APIKey).get("/v3/roles")
		if got := a.header.Get("X-RateLimit-Limit"); got != want.limit {
			t.Errorf("got a limit of %q, want %q", got, want.limit)
		}
	}
}

func TestOtherForms(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		path     string
		has      string // with the form
		hasByDef string // without it
	}{
		"WithUpdateAt":         {shares, `"update_at"`, `"updated_at"`},
		"WithNulls":            {shares, `"message":null`, `"message"`},
		"WithOrganizationList": {"/v3/organizations/{org}", `{"organizations":[`, `{"organization":{`},
		"WithDocumentedRoles":  {"/v3/organizations/{org}/roles", `"name":"Admin"`, `"name":"admin"`},
		"WithTeamUserIDs":      {"/v3/organizations/{org}/teams/{team}/users", `"userId":`, `"uid":`},
		"WithISODates":         {logs, `"ISODate(20`, `"created_at":"20`},
		"WithAPIKey412":        {"/v3/roles", `109`, `109`},
	} {
		form := orguserstest.Option(nil)
		for _, each := range orguserstest.Forms() {
			if each.Name == name {
				form = each.Option
			}
		}
		for _, with := range []bool{false, true} {
			opts, want, status := team(orguserstest.WithTeams(orguserstest.Team{Members: []string{"ada@example.com"}})), test.hasByDef, 200
			if with {
				opts, want = append(opts, form), test.has
			}
			if name == "WithAPIKey412" {
				status = map[bool]int{false: 422, true: 412}[with]
			}
			c := overSocket(t, opts...)
			c.ask("DELETE", shares, `{"emails":["locked@example.com"]}`) // for the audit log
			a := c.ask("GET", strings.ReplaceAll(test.path, "{team}", c.server.Teams()[0].UID), "")
			if a.status != status || !strings.Contains(a.text, want) || (with && test.has != test.hasByDef && test.has == `"name":"Admin"` && strings.Contains(a.text, `"permissions"`)) {
				t.Errorf("%s: %v: got %d %s, want %s", name, with, a.status, a.text, want)
			}
		}
	}
}
