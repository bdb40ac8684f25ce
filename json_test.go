package orgusers_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
)

// sample returns a sample response of the contract.
func sample(tb testing.TB, name string) string {
	tb.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	return string(data)
}

// sampleTime parses a time of a sample.
func sampleTime(tb testing.TB, text string) time.Time {
	tb.Helper()
	parsed, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		tb.Fatal(err)
	}
	return parsed
}

// samplePages responds with the rows of samples of the contract, from the offset that is
// requested. The samples are found by the last element of the path.
func samplePages(tb testing.TB, files map[string]string) roundTripper {
	tb.Helper()
	return func(r *http.Request) (*http.Response, error) {
		var page map[string]json.RawMessage
		if err := json.Unmarshal([]byte(sample(tb, files[path.Base(r.URL.Path)])), &page); err != nil {
			return nil, err
		}
		for name, value := range page {
			var rows []json.RawMessage
			if skip, _ := strconv.Atoi(r.URL.Query().Get("skip")); json.Unmarshal(value, &rows) == nil {
				page[name], _ = json.Marshal(rows[min(skip, len(rows)):])
			}
		}
		text, err := json.Marshal(page)
		if err != nil {
			return nil, err
		}
		return body(200, string(text))(r)
	}
}

func TestUserDecodesEveryShape(t *testing.T) {
	t.Parallel()
	const text = `"2023-10-13T12:17:02.473Z"`
	at := time.Date(2023, 10, 13, 12, 17, 2, 473_000_000, time.UTC)
	details := `{"first_name":"A","last_name":"L","tfa_status":"verified","last_login_at":` + text + `}`
	detailed := orgusers.User{FirstName: "A", LastName: "L", MFA: "verified", LastLoginAt: at}
	type user = orgusers.User
	type roles = []orgusers.RoleRef
	tests := []struct {
		name, share string
		want        user
	}{
		{"nothing", `{"uid":"s"}`, user{}},
		{"unknown fields", `{"uid":"s","org_uid":"o","shoe_size":[1,{"a":null}]}`, user{}},
		{"details on the row", `{"uid":"s",` + details[1:], detailed},
		{"details under user", `{"uid":"s","user":{"uid":"u","email":"x@example.com",` + details[1:] + `}`, detailed},
		{"details under user_details", `{"uid":"s","user_details":` + details + `}`, detailed},
		{"details in several places", `{"uid":"s","first_name":"A","user":{"last_name":"L"},"user_details":{"first_name":"B","tfa_status":"verified"}}`, user{FirstName: "A", LastName: "L", MFA: "verified"}},
		{"a null user", `{"uid":"s","user":null,"user_details":null}`, user{}},
		{"a user that is a uid", `{"uid":"s","user":"u","user_details":[]}`, user{}},
		{"roles as uids", `{"uid":"s","org_roles":["r1","r2"]}`, user{Roles: roles{{UID: "r1"}, {UID: "r2"}}}},
		{"roles as objects", `{"uid":"s","org_roles":[{"uid":"r1","name":"Admin","admin":true,"users":["u"]},{"uid":"r2","name":"Member"}]}`, user{Roles: roles{{UID: "r1", Name: "Admin", Admin: true}, {UID: "r2", Name: "Member"}}}},
		{"roles of both kinds", `{"uid":"s","org_roles":["r1",{"uid":"r2","name":"Member","admin":false}]}`, user{Roles: roles{{UID: "r1"}, {UID: "r2", Name: "Member"}}}},
		{"an empty list of roles", `{"uid":"s","org_roles":[]}`, user{}},
		{"null roles", `{"uid":"s","org_roles":null}`, user{}},
		{"an inviter as uid", `{"uid":"s","invited_by":"i"}`, user{InvitedBy: orgusers.Inviter{UID: "i"}}},
		{"an inviter as object", `{"uid":"s","invited_by":{"uid":"i","email":"i@example.com","first_name":"I"}}`, user{InvitedBy: orgusers.Inviter{UID: "i", Email: "i@example.com"}}},
		{"an object in another order, with escapes", "{\"uid\":\"s\",\"invited_by\":{\n\t\"name\" : \"\\\"b\\\",c}\" ,\r\n \"\\u0075id\":\t\"a:b,c}d\" }}", user{InvitedBy: orgusers.Inviter{UID: "a:b,c}d"}}},
		{"a role with the key twice", `{"uid":"s","org_roles":[{"uid":"a","name":"x","uid":"b"}]}`, user{Roles: roles{{UID: "b", Name: "x"}}}},
		{"a role with a null uid", `{"uid":"s","org_roles":[{"uid":null,"name":"Rédacteur"}]}`, user{Roles: roles{{Name: "Rédacteur"}}}},
		{"invited by the service", `{"uid":"s","invited_by":"System"}`, user{InvitedBy: orgusers.Inviter{UID: "System"}}},
		{"a null inviter", `{"uid":"s","invited_by":null}`, user{}},
		{"updated_at", `{"uid":"s","updated_at":` + text + `}`, user{UpdatedAt: at}},
		{"update_at", `{"uid":"s","update_at":` + text + `}`, user{UpdatedAt: at}},
		{"updated_at before update_at", `{"uid":"s","update_at":"2001-01-01T00:00:00.000Z","updated_at":` + text + `}`, user{UpdatedAt: at}},
		{"an empty updated_at", `{"uid":"s","updated_at":"","update_at":` + text + `}`, user{UpdatedAt: at}},
		{"nulls", `{"uid":"s","user_uid":null,"message":null,"last_login_at":null,"is_owner":null,"access_without_sso":null,"tfa_status":null,"first_name":null,"status":null}`, user{}},
		{"empty times", `{"uid":"s","last_login_at":"","created_at":"","invited_at":"","updated_at":"","update_at":""}`, user{}},
		{"an unknown status", `{"uid":"s","status":"on hold"}`, user{Status: "on hold"}},
		{"an unknown MFA status", `{"uid":"s","tfa_status":"Disabled"}`, user{MFA: "Disabled"}},
		{"an owner", `{"uid":"s","is_owner":true,"access_without_sso":true}`, user{Owner: true, AccessWithoutSSO: true}},
		{"a time without a fraction", `{"uid":"s","created_at":"2023-10-13T12:17:02Z"}`, user{CreatedAt: at.Truncate(time.Second)}},
		{"a time with nanoseconds", `{"uid":"s","created_at":"2023-10-13T12:17:02.473000001Z"}`, user{CreatedAt: at.Add(1)}},
		{"a time with an offset", `{"uid":"s","created_at":"2023-10-13T17:47:02.473+05:30"}`, user{CreatedAt: at}},
		{"a time with escapes", `{"uid":"s","created_at":"2023-10-13T12:17:02.473\u005a"}`, user{CreatedAt: at}},
		{"a leap day", `{"uid":"s","created_at":"2024-02-29T00:00:00.000Z"}`, user{CreatedAt: time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)}},
		{"a secret", `{"uid":"s","acceptance_token":"blt1112223331231231"}`, user{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.want.ShareUID = "s"
			var got orgusers.User
			if err := json.Unmarshal([]byte(tt.share), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A time that cannot be read must not pass for "never".
func TestTimesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		`"never"`, `"0"`, `" "`, `"2023-10-13"`, `"13/10/2023"`, `"2023-10-13 12:17:02"`, `"2023-10-13T12:17:02.473"`,
		`"2023-13-01T00:00:00.000Z"`, `"2023-02-29T00:00:00.000Z"`, `"2023-10-13T24:00:00.000Z"`, `"2023-10-13T12:60:00.000Z"`, `"2023-10-13T12:17:61.000Z"`,
		`"2023-10-13T12:17:0x.473Z"`, `1697199422`, `0`, `true`, `{}`, `[]`, `{"date":"2023-10-13T12:17:02.473Z"}`,
		`"0000-01-01T00:00:00+01:00"`, `"9999-12-31T23:59:59-01:00"`, // in UTC, years that JSON cannot express
	} {
		for name, out := range map[string]any{
			`{"last_login_at":#}`: new(orgusers.User), `{"created_at":#}`: new(orgusers.User), `{"invited_at":#}`: new(orgusers.User),
			`{"updated_at":#}`: new(orgusers.User), `{"update_at":#}`: new(orgusers.User), `{"user":{"last_login_at":#}}`: new(orgusers.User),
			`{"user_details":{"last_login_at":#}}`: new(orgusers.User), `{"expires_on":#}`: new(orgusers.Organization),
			`{"password_updated_at":#}`: new(orgusers.CurrentUser), `{"updated_at":# }`: new(orgusers.Role),
		} {
			text := strings.Replace(name, "#", value, 1)
			if err := json.Unmarshal([]byte(text), out); err == nil {
				t.Errorf("%T: %s was read", out, text)
			}
		}
	}
}

// The samples of the contract, as documented and as recorded.
func TestSamplesOfUsers(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time { return sampleTime(t, text) }
	type user = orgusers.User
	tests := []struct {
		users, roles string
		count        int
		want         []*user
	}{
		{"shares_page.json", "roles.json", 3, []*user{
			{
				ShareUID: "blt5d1c0a9e7b3f42d8a6e91c04", UID: "blt0f3a9c6d2b8e4715", Email: "ada.lovelace@example.com",
				Status: orgusers.StatusAccepted, Message: "Welcome aboard", Roles: []orgusers.RoleRef{{UID: "blt77c0de11aa22bb33cc44dd55", Name: "Admin", Admin: true}},
				InvitedBy: orgusers.Inviter{UID: "blt9e8d7c6b5a493827"},
				InvitedAt: at("2023-10-13T12:17:02.473Z"), CreatedAt: at("2023-10-13T12:17:02.468Z"), UpdatedAt: at("2023-10-13T12:17:25.670Z"),
			},
			{
				ShareUID: "bltb01c45c6c8e9326b6ba94caf", Email: "grace.hopper@example.com", Status: orgusers.StatusPending,
				Roles: []orgusers.RoleRef{{UID: "blt88d1ef22bb33cc44dd55ee66", Name: "Member"}}, InvitedBy: orgusers.Inviter{UID: "System"},
				InvitedAt: at("2017-09-17T19:46:48.992Z"), CreatedAt: at("2017-09-17T19:46:48.983Z"), UpdatedAt: at("2017-09-17T20:24:22.440Z"),
			},
		}},
		{"shares_recorded.json", "roles_recorded.json", -1, []*user{
			{
				ShareUID: "blt1111222233334444", UID: "blt5555666677778888", Email: "ada@example.com", FirstName: "Ada", LastName: "Lovelace",
				Status: orgusers.StatusAccepted, Roles: []orgusers.RoleRef{{UID: "bltaaaabbbbccccdddd", Name: "member"}}, InvitedBy: orgusers.Inviter{UID: "blteeeeffff00001111"},
				InvitedAt: at("2026-01-02T03:04:05.678Z"), CreatedAt: at("2026-01-02T03:04:05.676Z"), UpdatedAt: at("2026-01-02T03:05:00.250Z"),
			},
			{
				ShareUID: "blt2222333344445555", UID: "blteeeeffff00001111", Email: "owner@example.com", FirstName: "Olive", LastName: "Owner",
				Status: orgusers.StatusAccepted, Owner: true, InvitedBy: orgusers.Inviter{UID: "blt0123012301230123"},
				InvitedAt: at("2023-01-02T03:04:05.678Z"), CreatedAt: at("2023-01-02T03:04:05.676Z"), UpdatedAt: at("2026-01-01T00:00:00.015Z"),
			},
			{
				ShareUID: "blt3333444455556666", UID: "blt6666777788889999", Email: "pending@example.com", Status: orgusers.StatusPending,
				Roles: []orgusers.RoleRef{{UID: "bltaaaabbbbccccdddd", Name: "member"}}, InvitedBy: orgusers.Inviter{UID: "blteeeeffff00001111"},
				InvitedAt: at("2026-02-02T03:04:05.678Z"), CreatedAt: at("2026-02-02T03:04:05.676Z"), UpdatedAt: at("2026-02-02T03:04:05.676Z"),
			},
		}},
	}
	for _, tt := range tests {
		page, err := newClient(t, samplePages(t, map[string]string{"share": tt.users, "roles": tt.roles})).ListUsers(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, page.Users); diff != "" || page.Count != tt.count {
			t.Errorf("%s: the count is %d, want %d; -want +got:\n%s", tt.users, page.Count, tt.count, diff)
		}
	}
}

func TestUserMarshals(t *testing.T) {
	t.Parallel()
	at := time.Date(2023, 10, 13, 12, 17, 2, 473_000_000, time.UTC)
	tests := []struct {
		name string
		user orgusers.User
		want string
	}{
		{"nothing known", orgusers.User{}, `{}`},
		{"everything known", orgusers.User{
			ShareUID: "s", UID: "u", Email: "a@example.com", FirstName: "A", LastName: "L", Status: orgusers.StatusAccepted, Owner: true,
			Roles: []orgusers.RoleRef{{UID: "r", Name: "Admin", Admin: true}}, InvitedBy: orgusers.Inviter{UID: "i", Email: "i@example.com"},
			InvitedAt: at, LastLoginAt: at, CreatedAt: at, UpdatedAt: at, MFA: orgusers.MFAVerified, Message: "Hello", AccessWithoutSSO: true,
		}, `{"uid":"s","user_uid":"u","email":"a@example.com","first_name":"A","last_name":"L","status":"accepted","is_owner":true,` +
			`"org_roles":[{"uid":"r","name":"Admin","admin":true}],"invited_by":{"uid":"i","email":"i@example.com"},"invited_at":"2023-10-13T12:17:02.473Z",` +
			`"last_login_at":"2023-10-13T12:17:02.473Z","created_at":"2023-10-13T12:17:02.473Z","updated_at":"2023-10-13T12:17:02.473Z",` +
			`"tfa_status":"verified","message":"Hello","access_without_sso":true}`},
	}
	for _, tt := range tests {
		got, err := json.Marshal(tt.user)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: got %s, %v, want %s", tt.name, got, err, tt.want)
		}
	}
}
