package orgusers_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestSharesDecodeInEveryShape(t *testing.T) {
	t.Parallel()
	at := time.Date(2023, 10, 13, 12, 17, 2, 473_000_000, time.UTC)
	type user = orgusers.User
	type roles = []orgusers.RoleRef
	tests := []struct {
		name, share string
		want        user
	}{
		{"nothing", `{"uid":"s"}`, user{}},
		{"unknown fields", `{"uid":"s","org_uid":"o","shoe_size":[1,{"a":null}]}`, user{}},
		{"details on the share", `{"uid":"s","first_name":"A","last_name":"L","tfa_status":"verified","last_login_at":"2023-10-13T12:17:02.473Z"}`, user{FirstName: "A", LastName: "L", MFA: "verified", LastLoginAt: at}},
		{"details under user", `{"uid":"s","user":{"uid":"u","email":"x@example.com","first_name":"A","last_name":"L","tfa_status":"verified","last_login_at":"2023-10-13T12:17:02.473Z"}}`, user{FirstName: "A", LastName: "L", MFA: "verified", LastLoginAt: at}},
		{"details under user_details", `{"uid":"s","user_details":{"first_name":"A","last_name":"L","tfa_status":"verified","last_login_at":"2023-10-13T12:17:02.473Z"}}`, user{FirstName: "A", LastName: "L", MFA: "verified", LastLoginAt: at}},
		{"details in several places", `{"uid":"s","first_name":"A","user":{"last_name":"L"},"user_details":{"first_name":"B","tfa_status":"verified"}}`, user{FirstName: "A", LastName: "L", MFA: "verified"}},
		{"a user that is null", `{"uid":"s","user":null,"user_details":null}`, user{}},
		{"a user that is a uid", `{"uid":"s","user":"u","user_details":[]}`, user{}},
		{"roles as uids", `{"uid":"s","org_roles":["r1","r2"]}`, user{Roles: roles{{UID: "r1"}, {UID: "r2"}}}},
		{"roles as objects", `{"uid":"s","org_roles":[{"uid":"r1","name":"Admin","admin":true,"users":["u"]},{"uid":"r2","name":"Member"}]}`, user{Roles: roles{{UID: "r1", Name: "Admin"}, {UID: "r2", Name: "Member"}}}},
		{"roles of both kinds", `{"uid":"s","org_roles":["r1",{"uid":"r2","name":"Member"}]}`, user{Roles: roles{{UID: "r1"}, {UID: "r2", Name: "Member"}}}},
		{"no roles", `{"uid":"s","org_roles":[]}`, user{}},
		{"roles that are null", `{"uid":"s","org_roles":null}`, user{}},
		{"an inviter as uid", `{"uid":"s","invited_by":"i"}`, user{InvitedBy: orgusers.Inviter{UID: "i"}}},
		{"an inviter as object", `{"uid":"s","invited_by":{"uid":"i","email":"i@example.com","first_name":"I"}}`, user{InvitedBy: orgusers.Inviter{UID: "i", Email: "i@example.com"}}},
		{"invited by the service", `{"uid":"s","invited_by":"System"}`, user{InvitedBy: orgusers.Inviter{UID: "System"}}},
		{"an inviter that is null", `{"uid":"s","invited_by":null}`, user{}},
		{"updated_at", `{"uid":"s","updated_at":"2023-10-13T12:17:02.473Z"}`, user{UpdatedAt: at}},
		{"update_at", `{"uid":"s","update_at":"2023-10-13T12:17:02.473Z"}`, user{UpdatedAt: at}},
		{"updated_at before update_at", `{"uid":"s","update_at":"2001-01-01T00:00:00.000Z","updated_at":"2023-10-13T12:17:02.473Z"}`, user{UpdatedAt: at}},
		{"an empty updated_at", `{"uid":"s","updated_at":"","update_at":"2023-10-13T12:17:02.473Z"}`, user{UpdatedAt: at}},
		{"nulls", `{"uid":"s","user_uid":null,"message":null,"last_login_at":null,"is_owner":null,"access_without_sso":null,"tfa_status":null,"first_name":null,"status":null}`, user{}},
		{"empty times", `{"uid":"s","last_login_at":"","created_at":"","invited_at":"","updated_at":"","update_at":""}`, user{}},
		{"an unknown status", `{"uid":"s","status":"on hold"}`, user{Status: "on hold"}},
		{"an unknown second factor", `{"uid":"s","tfa_status":"Disabled"}`, user{MFA: "Disabled"}},
		{"an owner", `{"uid":"s","is_owner":true,"access_without_sso":true}`, user{Owner: true, AccessWithoutSSO: true}},
		{"a time without a fraction", `{"uid":"s","created_at":"2023-10-13T12:17:02Z"}`, user{CreatedAt: at.Truncate(time.Second)}},
		{"a time with nanoseconds", `{"uid":"s","created_at":"2023-10-13T12:17:02.473000001Z"}`, user{CreatedAt: at.Add(1)}},
		{"a time with an offset", `{"uid":"s","created_at":"2023-10-13T17:47:02.473+05:30"}`, user{CreatedAt: at}},
		{"the last millisecond of a leap year", `{"uid":"s","created_at":"2024-12-31T23:59:59.999Z"}`, user{CreatedAt: time.Date(2024, 12, 31, 23, 59, 59, 999_000_000, time.UTC)}},
		{"a leap day", `{"uid":"s","created_at":"2024-02-29T00:00:00.000Z"}`, user{CreatedAt: time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)}},
		{"a secret", `{"uid":"s","acceptance_token":"blt1112223331231231"}`, user{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.want.ShareUID = "s"
			page, err := newClient(t, rowsOf("["+tt.share+"]", 1)).ListUsers(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&orgusers.UserPage{Users: []*orgusers.User{&tt.want}, Count: 1}, page); diff != "" {
				t.Errorf("listed: -want +got:\n%s", diff)
			}
			var got orgusers.User
			if err := json.Unmarshal([]byte(tt.share), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("unmarshalled: -want +got:\n%s", diff)
			}
		})
	}
}

// A time that cannot be read must not pass for "never".
func TestTimesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		`"never"`, `"0"`, `" "`, `"2023-10-13"`, `"13/10/2023"`, `"2023-10-13 12:17:02"`, `"2023-10-13T12:17:02.473"`,
		`"2023-13-01T00:00:00.000Z"`, `"2023-02-29T00:00:00.000Z"`, `"2023-10-13T24:00:00.000Z"`, `"2023-10-13T12:60:00.000Z"`, `"2023-10-13T12:17:61.000Z"`,
		`"2023-10-13T12:17:0x.473Z"`, `1697199422`, `0`, `true`, `{}`, `[]`, `{"date":"2023-10-13T12:17:02.473Z"}`,
		`"0000-01-01T00:00:00+01:00"`, `"9999-12-31T23:59:59-01:00"`, // in UTC, years that JSON has no room for
	} {
		for _, field := range []string{"last_login_at", "created_at", "invited_at", "updated_at", "update_at"} {
			row := `{"uid":"s","` + field + `":` + value + `}`
			page, err := newClient(t, rowsOf("["+row+"]", 1)).ListUsers(t.Context(), nil)
			var failure *orgusers.Error
			if page != nil || !errors.Is(err, orgusers.ErrServer) || !errors.As(err, &failure) || failure.StatusCode != 200 {
				t.Errorf("%s: got %v and the error %v, want an answer that cannot be understood", row, page, err)
			}
		}
		for _, row := range []string{`{"user":{"last_login_at":` + value + `}}`, `{"user_details":{"last_login_at":` + value + `}}`} {
			if err := json.Unmarshal([]byte(row), new(orgusers.User)); err == nil {
				t.Errorf("%s: got no error", row)
			}
		}
	}
}

func TestRecordedPage(t *testing.T) {
	t.Parallel()
	recorded, err := os.ReadFile("testdata/shares_page.json")
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	want := &orgusers.UserPage{Count: 3, Users: []*orgusers.User{
		{
			ShareUID: "blt5d1c0a9e7b3f42d8a6e91c04", UID: "blt0f3a9c6d2b8e4715", Email: "ada.lovelace@example.com",
			Status: orgusers.StatusAccepted, Message: "Welcome aboard",
			Roles: []orgusers.RoleRef{{UID: "blt77c0de11aa22bb33cc44dd55"}}, InvitedBy: orgusers.Inviter{UID: "blt9e8d7c6b5a493827"},
			InvitedAt: at("2023-10-13T12:17:02.473Z"), CreatedAt: at("2023-10-13T12:17:02.468Z"), UpdatedAt: at("2023-10-13T12:17:25.670Z"),
		},
		{
			ShareUID: "bltb01c45c6c8e9326b6ba94caf", Email: "grace.hopper@example.com", Status: orgusers.StatusPending,
			Roles: []orgusers.RoleRef{{UID: "blt88d1ef22bb33cc44dd55ee66"}}, InvitedBy: orgusers.Inviter{UID: "System"},
			InvitedAt: at("2017-09-17T19:46:48.992Z"), CreatedAt: at("2017-09-17T19:46:48.983Z"), UpdatedAt: at("2017-09-17T20:24:22.440Z"),
		},
	}}
	got, err := newClient(t, roundTripper(body(200, string(recorded)))).ListUsers(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestUserMarshalsUnderTheNamesOfTheAPI(t *testing.T) {
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
			Roles: []orgusers.RoleRef{{UID: "r", Name: "Admin"}}, InvitedBy: orgusers.Inviter{UID: "i", Email: "i@example.com"},
			InvitedAt: at, LastLoginAt: at, CreatedAt: at, UpdatedAt: at, MFA: orgusers.MFAVerified, Message: "Hello", AccessWithoutSSO: true,
		}, `{"uid":"s","user_uid":"u","email":"a@example.com","first_name":"A","last_name":"L","status":"accepted","is_owner":true,` +
			`"org_roles":[{"uid":"r","name":"Admin"}],"invited_by":{"uid":"i","email":"i@example.com"},"invited_at":"2023-10-13T12:17:02.473Z",` +
			`"last_login_at":"2023-10-13T12:17:02.473Z","created_at":"2023-10-13T12:17:02.473Z","updated_at":"2023-10-13T12:17:02.473Z",` +
			`"tfa_status":"verified","message":"Hello","access_without_sso":true}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := json.Marshal(tt.user)
			if err != nil || string(got) != tt.want {
				t.Errorf("got %s, %v, want %s", got, err, tt.want)
			}
		})
	}
}

func TestUsersComeBackFromTheirJSON(t *testing.T) {
	t.Parallel()
	want := expected(startFake(t, orguserstest.WithUsers(200)).Users())
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got []*orgusers.User
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := diffUsers(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if strings.Contains(string(data), "token") {
		t.Error("the JSON speaks of a token")
	}
}
