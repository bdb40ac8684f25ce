package orguserstest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orgusers/orgusers/orguserstest"
)

// differences compares the shapes of two JSON values: the fields of objects, the
// types of scalars, and the first items of lists.
func differences(path string, want, got any) []string {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return []string{path + " is not an object"}
		}
		var all []string
		for _, field := range slices.Sorted(maps.Keys(want)) {
			if value, ok := object[field]; ok {
				all = append(all, differences(path+"."+field, want[field], value)...)
			} else {
				all = append(all, path+" lacks "+field)
			}
		}
		for _, field := range slices.Sorted(maps.Keys(object)) {
			if _, ok := want[field]; !ok {
				all = append(all, path+" has "+field)
			}
		}
		return all
	case []any:
		list, ok := got.([]any)
		switch {
		case !ok:
			return []string{path + " is not a list"}
		case len(want) > 0 && len(list) > 0:
			return differences(path+"[0]", want[0], list[0])
		}
		return nil
	}
	if fmt.Sprintf("%T %v", want, isTime(want)) != fmt.Sprintf("%T %v", got, isTime(got)) {
		return []string{fmt.Sprintf("%s is %v, the sample has %v", path, got, want)}
	}
	return nil
}

func isTime(value any) bool {
	text, _ := value.(string)
	_, err := time.Parse("2006-01-02T15:04:05.000Z", strings.TrimSuffix(strings.TrimPrefix(text, "ISODate("), ")"))
	return err == nil
}

// The responses have the fields of the samples: those of the recorded service by
// default, and those of the reference with options.
func TestSamples(t *testing.T) {
	t.Parallel()
	people := orguserstest.WithPeople(
		orguserstest.Person{Email: "boss@example.com", FirstName: "The", LastName: "Boss", Owner: true},
		orguserstest.Person{Email: "admin@example.com", FirstName: "Ad", LastName: "Min", Roles: []string{"Admin"}, InvitedBy: "boss@example.com"},
		orguserstest.Person{Email: "guest@example.com", Pending: true, InvitedBy: "boss@example.com"},
	)
	team := orguserstest.WithTeams(orguserstest.Team{
		Name: "Editors", Members: []string{"admin@example.com"}, Roles: []string{"Member"}, Stacks: map[string][]string{"Website": {"Developer"}},
	})
	const (
		org  = "/v3/organizations/{org}"
		list = org + "/share?asc=created_at"
	)
	share := func(c *client) {
		c.ask("POST", shares, c.fill(`{"share":{"users":{"new@example.com":["{Member}"]}}}`))
	}
	for _, test := range []struct {
		name, file, sample string // the sample's place in the file
		path, place        string // of the response
		opts               []orguserstest.Option
		before             func(c *client)
		more               string // fields that the sample lacks
	}{
		{name: "a member", file: "shares_recorded", sample: "shares.0", path: list, place: "shares.1"},
		{name: "the owner", file: "shares_recorded", sample: "shares.1", path: list, place: "shares.0"},
		{name: "an invitation", file: "shares_recorded", sample: "shares.2", path: list, place: "shares.2", more: "first_name last_name"},
		{name: "an organization", file: "organization_recorded", path: org + "?include_plan=true", more: "settings"},
		{name: "a role", file: "roles_recorded", sample: "roles.0", path: org + "/roles", place: "roles.0"},
		{name: "a documented administrator's role", file: "roles", sample: "roles.0", path: org + "/roles?asc=created_at", place: "roles.0", opts: []orguserstest.Option{orguserstest.WithDocumentedRoles()}},
		{name: "a documented role", file: "roles", sample: "roles.1", path: org + "/roles?asc=created_at", place: "roles.1", opts: []orguserstest.Option{orguserstest.WithDocumentedRoles()}},
		{
			name: "a documented member", file: "shares_page", sample: "shares.0", path: list, place: "shares.0",
			opts: []orguserstest.Option{orguserstest.WithPeople(orguserstest.Person{Email: "a@example.com", Message: "Welcome"}), orguserstest.WithAcceptanceTokens(), orguserstest.WithNamesInDetails()},
		},
		{name: "teams", file: "teams_page", path: "/v4/teams"},
		{name: "a team", file: "teams_page", sample: "teams.0", path: "/v4/teams/{team}"},
		{name: "users of a team", file: "team_users", path: org + "/teams/{team}/users?include_count=true"},
		{name: "the audit log", file: "audit_log", path: org + "/logs", opts: []orguserstest.Option{orguserstest.WithISODates()}, before: share, more: "acceptance_token"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := overSocket(t, append(test.opts, people, team)...)
			c = c.as("organization_uid", c.server.OrganizationUID)
			if test.before != nil {
				test.before(c)
			}
			text, err := os.ReadFile("../testdata/" + test.file + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var sample any
			if err := json.Unmarshal(text, &sample); err != nil {
				t.Fatal(err)
			}
			got := at(c.get(strings.ReplaceAll(test.path, "{team}", c.server.Teams()[0].UID)).json, test.place)
			for _, difference := range differences("it", at(sample, test.sample), got) {
				if field := difference[strings.LastIndex(difference, " ")+1:]; !slices.Contains(strings.Fields(test.more), field) {
					t.Error(difference)
				}
			}
		})
	}
}

// at returns the value at a place such as "shares.0".
func at(value any, place string) any {
	for _, step := range strings.FieldsFunc(place, func(r rune) bool { return r == '.' }) {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			value = v[step[0]-'0']
		}
	}
	return value
}
