package orgusers_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// Each sign of the owner and of yourself is enough.
func TestGuardsByEachSign(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, email, share string }{
		{"the owner's share", "abc@example.com", `{"uid":"s1","email":"abc@example.com","user_uid":"u1","is_owner":true,"status":"accepted"}`},
		{"the owner's uid", "abc@example.com", `{"uid":"s1","email":"abc@example.com","user_uid":"owner","status":"accepted"}`},
		{"your uid", "abc@example.com", `{"uid":"s1","email":"abc@example.com","user_uid":"me","status":"accepted"}`},
		{"your address", "ME@example.com", `{"uid":"s1","email":"me@example.com","status":"accepted"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []sent
			mock := httpmock.NewMockTransport()
			mock.RegisterNoResponder(answering(t, map[string][]string{search: {`{"shares":[` + tt.share + `],"count":1}`}}, &got))
			_, err := newClient(t, mock).RemoveUsers(t.Context(), []string{tt.email}, nil)
			if !errors.Is(err, orgusers.ErrRefused) || len(got) > 0 {
				t.Errorf("got %v, want ErrRefused", err)
			}
		})
	}
}

// Who cannot be told from the owner and yourself is not touched.
func TestGuardsFailClosed(t *testing.T) {
	t.Parallel()
	for name, overlay := range map[string]map[string]string{
		"nobody says who you are": {"GET /v3/user": `{"user":{}}`},
		"nobody says who owns it": {"GET /v3/organizations/blt1": `{"organization":{"uid":"blt1"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []sent
			answers := answering(t, map[string][]string{search: {memberAnswer}, "DELETE /v3/organizations/blt1/share": {removed}}, &got)
			mock := httpmock.NewMockTransport()
			mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
				if answer, ok := overlay[r.Method+" "+r.URL.Path]; ok {
					return httpmock.NewStringResponse(http.StatusOK, answer), nil
				}
				return answers(r)
			})
			_, err := newClient(t, mock).RemoveUsers(t.Context(), []string{"abc@example.com"}, nil)
			if !errors.Is(err, orgusers.ErrRefused) || len(got) > 0 {
				t.Errorf("got %v after %d writes", err, len(got))
			}
		})
	}
}

// A server that says yes, names nobody, and shows it a moment later.
func TestInviteShowsLate(t *testing.T) {
	t.Parallel()
	there := `{"shares":[{"uid":"s1","email":"abc@example.com","status":"pending"}],"count":1}`
	tests := []struct {
		name     string
		searches []string
		want     orgusers.InviteStatus
	}{
		{"at the second look", []string{`{"shares":[],"count":0}`, `{"shares":[],"count":0}`, there}, orgusers.Invited},
		{"never", []string{`{"shares":[],"count":0}`}, orgusers.InviteUnknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var got []sent
				mock := httpmock.NewMockTransport()
				mock.RegisterNoResponder(answering(t, map[string][]string{
					search: tt.searches, rolesOfOrg: {`{"roles":[{"uid":"r1"}],"count":1}`}, "POST /v3/organizations/blt1/share": {`{"notice":"ok","shares":[]}`},
				}, &got))
				result, _ := newClient(t, mock).Invite(t.Context(), orgusers.InviteRequest{Invitees: []orgusers.Invitee{{Email: "abc@example.com", RoleUIDs: []string{"r1"}}}})
				if result.Outcomes[0].Status != tt.want || len(got) != 1 {
					t.Errorf("got %+v after %d writes, want %s after one", result.Outcomes[0], len(got), tt.want)
				}
			})
		})
	}
}

// A stack that may not be read fails those alone who name it.
func TestInviteWithForbiddenStack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := crowded(t)
		server.AddFault(orguserstest.Fault{Method: http.MethodGet, Path: "/v3/roles", Effect: orguserstest.Status(403)})
		role, stack := server.RoleUID("Member"), server.Stacks()[0]
		result, err := client.Invite(t.Context(), orgusers.InviteRequest{Invitees: []orgusers.Invitee{
			{Email: stranger(0), RoleUIDs: []string{role}, Stacks: orgusers.StackAccess{stack.APIKey: {stack.Roles[0].UID}}},
			{Email: stranger(1), RoleUIDs: []string{role}},
		}})
		if !errors.Is(err, orgusers.ErrForbidden) || result.Outcomes[0].Status != orgusers.InviteFailed || result.Outcomes[1].Status != orgusers.Invited {
			t.Errorf("got %v, %+v", err, result.Outcomes)
		}
	})
}

// Who has a stack must be told before it is taken from anybody.
func TestStackAccessUntold(t *testing.T) {
	t.Parallel()
	var got []sent
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(answering(t, map[string][]string{search: {memberAnswer}, "GET /v3/roles": {`{"roles":[{"uid":"k1"}],"count":1}`}}, &got))
	result, err := newClient(t, mock).UpdateStackAccess(t.Context(), []string{"abc@example.com"}, orgusers.StackAccess{"blt9": nil}, nil)
	if err == nil || result.Outcomes[0].Status != orgusers.OutcomeFailed || len(got) > 0 {
		t.Errorf("got %v, %+v after %d writes", err, result.Outcomes, len(got))
	}
}

// An address with two rows is the owner's, or a member's, before it is that of
// an invitation.
func TestGuardsSeeBothRows(t *testing.T) {
	t.Parallel()
	const pendingRow = `{"uid":"s2","email":"abc@example.com","status":"pending"}`
	for name, row := range map[string]string{
		"an owner":  `{"uid":"s1","email":"Abc@example.com","user_uid":"owner","is_owner":true,"status":"accepted"}`,
		"a member":  `{"uid":"s1","email":"Abc@example.com","user_uid":"u1","status":"accepted"}`,
		"no uid":    `{"uid":"s1","email":"abc@example.com","status":"accepted"}`,
		"yourself ": `{"uid":"s1","email":"abc@example.com","user_uid":"me","status":"accepted"}`,
	} {
		for _, rows := range []string{row + "," + pendingRow, pendingRow + "," + row} {
			var got []sent
			mock := httpmock.NewMockTransport()
			mock.RegisterNoResponder(answering(t, map[string][]string{search: {`{"shares":[` + rows + `],"count":2}`}}, &got))
			result, err := newClient(t, mock).WithdrawInvitations(t.Context(), []string{"abc@example.com"}, nil)
			if len(got) > 0 {
				t.Errorf("%s: something was sent: %+v", name, got)
			}
			if name == "a member" && (err != nil || result.Outcomes[0].Status != orgusers.OutcomeSkipped) || name != "a member" && !errors.Is(err, orgusers.ErrRefused) {
				t.Errorf("%s: got %v, %+v", name, err, result)
			}
		}
	}
}

// Where the deadline leaves no time to wait, one look is better than none.
func TestSettledBeforeDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := crowded(t)
		server.AddFault(orguserstest.Fault{Method: http.MethodDelete, After: true, Effect: orguserstest.Status(500)})
		ctx, cancel := context.WithTimeout(t.Context(), 900*time.Millisecond)
		defer cancel()
		result, err := client.RemoveUsers(ctx, []string{member(0)}, nil)
		if err != nil || result.Outcomes[0].Status != orgusers.OutcomeDone {
			t.Errorf("got %v, %+v", err, result.Outcomes)
		}
	})
}

// Why reading back failed is told with what it was to settle.
func TestReadingBackFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := crowded(t)
		server.AddFault(
			orguserstest.Fault{Method: http.MethodDelete, After: true, Effect: orguserstest.Status(500)},
			orguserstest.Fault{Method: http.MethodPost, Path: sharePath + "/search", Skip: 1, Effect: orguserstest.Status(403)},
		)
		result, err := client.RemoveUsers(t.Context(), []string{member(0)}, nil)
		if !errors.Is(err, orgusers.ErrOutcomeUnknown) || !errors.Is(err, orgusers.ErrForbidden) || result.Outcomes[0].Status != orgusers.OutcomeUnknown {
			t.Errorf("got %v, %+v", err, result.Outcomes)
		}
	})
}
