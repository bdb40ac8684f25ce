package orgusers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/orgusers/orgusers"
)

// sent is one request as the contract words it.
type sent struct {
	Method, Path, Query, Body string
	APIKey, Authtoken         string
}

const (
	memberAnswer = `{"shares":[{"uid":"s1","email":"Abc@example.com","user_uid":"u1","status":"accepted","org_roles":["r1"]}],"count":1}`
	inviteAnswer = `{"notice":"The invitation has been sent successfully.","shares":[{"uid":"s1","email":"abc@example.com","status":"pending"},{"uid":"s2","email":"xyz@example.com","status":"pending"}]}`
	removed      = `{"notice":"The invitation has been deleted successfully.","shares":[{"uid":"s1","email":"abc@example.com"}]}`
	search       = "POST /v3/organizations/blt1/share/search"
	rolesOfOrg   = "GET /v3/organizations/blt1/roles"
)

// TestWriteRequests pins each request that changes something to the contract,
// field by field. Reads are answered and not looked at.
func TestWriteRequests(t *testing.T) {
	t.Parallel()
	inviteSample, err := os.ReadFile("testdata/invite_request.json")
	if err != nil {
		t.Fatal(err)
	}
	routes := orgusers.WithEndpoints(orgusers.Endpoints{
		Unlock:             orgusers.Endpoint{Path: "/v3/organizations/{organization_uid}/unlock"},
		ResetMFA:           orgusers.Endpoint{Method: http.MethodPut, Path: "/identity/{organization_uid}/mfa"},
		ForcePasswordReset: orgusers.Endpoint{Path: "/v3/organizations/{organization_uid}/force", Encode: func(r orgusers.EndpointRequest) (any, error) { return map[string]any{"users": r.Emails}, nil }},
		EndSessions:        orgusers.Endpoint{Path: "/v3/organizations/{organization_uid}/end"},
	})
	roleRoute := orgusers.WithEndpoints(orgusers.Endpoints{UpdateRoles: orgusers.Endpoint{Path: "/v3/organizations/{organization_uid}/fix"}})
	abc := []string{" abc@example.com"}
	tests := []struct {
		name    string              // that of the sending in the matrix
		answers map[string][]string // by request; the last one is for good
		opts    []orgusers.Option
		call    func(context.Context, *orgusers.Client) error
		want    []sent
	}{
		{
			"Invite",
			map[string][]string{
				search:                              {`{"shares":[]}`},
				rolesOfOrg:                          {`{"roles":[{"uid":"blt77c0de11aa22bb33cc44dd55"},{"uid":"blt88d1ef22bb33cc44dd55ee66"}],"count":2}`},
				"GET /v3/roles":                     {`{"roles":[{"uid":"blt111d1b110111e1f1"},{"uid":"bltcea22222d2222222"},{"uid":"blt333f33cb3e33ffde"}],"count":3}`},
				"POST /v3/organizations/blt1/share": {inviteAnswer},
			},
			nil,
			func(ctx context.Context, c *orgusers.Client) error {
				_, err := c.Invite(ctx, orgusers.InviteRequest{Message: "Invitation message", Invitees: []orgusers.Invitee{
					{Email: "abc@example.com", RoleUIDs: []string{"blt77c0de11aa22bb33cc44dd55"}, Stacks: orgusers.StackAccess{"blta1ed1f11111c1eb1": {"blt111d1b110111e1f1"}}},
					{Email: "xyz@example.com", RoleUIDs: []string{"blt88d1ef22bb33cc44dd55ee66"}, Stacks: orgusers.StackAccess{"blta1ed1f11111c1eb1": {"blt111d1b110111e1f1"}, "bltf0c00caa0f0000f0": {"bltcea22222d2222222", "blt333f33cb3e33ffde"}}},
				}})
				return err
			},
			[]sent{{Method: "POST", Path: "/v3/organizations/blt1/share", Body: string(inviteSample)}},
		},
		{
			"Invite, without stacks and message",
			map[string][]string{
				search: {`{"shares":[]}`}, rolesOfOrg: {`{"roles":[{"uid":"r1"}],"count":1}`}, "POST /v3/organizations/blt1/share": {inviteAnswer},
			},
			nil,
			func(ctx context.Context, c *orgusers.Client) error {
				_, err := c.Invite(ctx, orgusers.InviteRequest{Invitees: []orgusers.Invitee{{Email: "abc@example.com", RoleUIDs: []string{"r1"}}}})
				return err
			},
			[]sent{{Method: "POST", Path: "/v3/organizations/blt1/share", Body: `{"share":{"users":{"abc@example.com":["r1"]}}}`}},
		},
		{
			"RemoveUsers", // by the address that the server knows
			map[string][]string{search: {memberAnswer}, "DELETE /v3/organizations/blt1/share": {removed}},
			nil,
			bulkCall((*orgusers.Client).RemoveUsers, abc),
			[]sent{{Method: "DELETE", Path: "/v3/organizations/blt1/share", Body: `{"emails":["Abc@example.com"]}`}},
		},
		{
			"WithdrawInvitations",
			map[string][]string{search: {`{"shares":[{"uid":"s1","email":"abc@example.com","status":"pending"}],"count":1}`}, "DELETE /v3/organizations/blt1/share": {removed}},
			nil,
			bulkCall((*orgusers.Client).WithdrawInvitations, abc),
			[]sent{{Method: "DELETE", Path: "/v3/organizations/blt1/share", Body: `{"emails":["abc@example.com"]}`}},
		},
		{
			"ResendInvitation",
			map[string][]string{"GET /v3/organizations/blt1/share/s1/resend_invitation": {`{"notice":"The invitation has been resent successfully."}`}},
			nil,
			func(ctx context.Context, c *orgusers.Client) error { return c.ResendInvitation(ctx, "s1") },
			[]sent{{Method: "GET", Path: "/v3/organizations/blt1/share/s1/resend_invitation"}},
		},
		{
			"ResendInvitationTo",
			map[string][]string{
				search: {`{"shares":[{"uid":"s1","email":"abc@example.com","status":"pending"}],"count":1}`},
				"GET /v3/organizations/blt1/share/s1/resend_invitation": {`{"notice":"The invitation has been resent successfully."}`},
			},
			nil,
			func(ctx context.Context, c *orgusers.Client) error {
				return c.ResendInvitationTo(ctx, "abc@example.com")
			},
			[]sent{{Method: "GET", Path: "/v3/organizations/blt1/share/s1/resend_invitation"}},
		},
		{
			"Logout",
			map[string][]string{"DELETE /v3/user-session": {`{"notice":"You've logged out successfully."}`}},
			nil,
			func(ctx context.Context, c *orgusers.Client) error { return c.Logout(ctx) },
			[]sent{{Method: "DELETE", Path: "/v3/user-session"}},
		},
		{
			"UpdateRoles, without a route",
			map[string][]string{
				search:     {memberAnswer, `{"shares":[{"uid":"s1","email":"abc@example.com","user_uid":"u1","status":"accepted","org_roles":["r2"]}],"count":1}`},
				rolesOfOrg: {`{"roles":[{"uid":"r1"},{"uid":"r2"}],"count":2}`}, "POST /v3/organizations/blt1/share": {`{"shares":[]}`},
			},
			nil,
			func(ctx context.Context, c *orgusers.Client) error {
				_, err := c.UpdateRoles(ctx, abc, []string{"r2"}, nil)
				return err
			},
			[]sent{{Method: "POST", Path: "/v3/organizations/blt1/share", Body: `{"share":{"users":{"Abc@example.com":["r2"]}}}`}},
		},
		{
			"UpdateRoles",
			map[string][]string{
				search:     {memberAnswer, `{"shares":[{"uid":"s1","email":"abc@example.com","user_uid":"u1","status":"accepted","org_roles":["r2"]}],"count":1}`},
				rolesOfOrg: {`{"roles":[{"uid":"r1"},{"uid":"r2"}],"count":2}`}, "POST /v3/organizations/blt1/fix": {`{}`},
			},
			[]orgusers.Option{roleRoute},
			func(ctx context.Context, c *orgusers.Client) error {
				_, err := c.UpdateRoles(ctx, abc, []string{"r2"}, nil)
				return err
			},
			[]sent{{Method: "POST", Path: "/v3/organizations/blt1/fix", Body: `{"emails":["Abc@example.com"],"roles":["r2"]}`}},
		},
		{
			"UpdateStackAccess, replaced",
			map[string][]string{
				search:                        {memberAnswer},
				"GET /v3/roles":               {`{"roles":[{"uid":"k1","users":["u1"]},{"uid":"k2","users":[]}],"count":2}`, `{"roles":[{"uid":"k1","users":[]},{"uid":"k2","users":["u1"]}],"count":2}`},
				"POST /v3/stacks/users/roles": {`{"notice":"The roles were applied successfully."}`},
			},
			nil, stackCall("k2"),
			[]sent{{Method: "POST", Path: "/v3/stacks/users/roles", APIKey: "blt9", Body: `{"users":{"u1":["k2"]}}`}},
		},
		{
			"UpdateStackAccess, given",
			map[string][]string{
				search:                  {memberAnswer},
				"GET /v3/roles":         {`{"roles":[{"uid":"k2","users":[]}],"count":1}`, `{"roles":[{"uid":"k2","users":["u1"]}],"count":1}`},
				"POST /v3/stacks/share": {`{"notice":"ok"}`},
			},
			nil, stackCall("k2"),
			[]sent{{Method: "POST", Path: "/v3/stacks/share", APIKey: "blt9", Body: `{"emails":["Abc@example.com"],"roles":{"Abc@example.com":["k2"]}}`}},
		},
		{
			"UpdateStackAccess, taken",
			map[string][]string{
				search:                    {memberAnswer},
				"GET /v3/roles":           {`{"roles":[{"uid":"k2","users":["u1"]}],"count":1}`, `{"roles":[{"uid":"k2","users":[]}],"count":1}`},
				"POST /v3/stacks/unshare": {`{"notice":"ok"}`},
			},
			nil, stackCall(),
			[]sent{{Method: "POST", Path: "/v3/stacks/unshare", APIKey: "blt9", Body: `{"email":"Abc@example.com"}`}},
		},
		{
			"TransferOwnership",
			map[string][]string{search: {memberAnswer}, "POST /v3/organizations/blt1/transfer-ownership": {`{"notice":"Email has been successfully sent to the user."}`}},
			nil,
			func(ctx context.Context, c *orgusers.Client) error {
				return c.TransferOwnership(ctx, "abc@example.com")
			},
			[]sent{{Method: "POST", Path: "/v3/organizations/blt1/transfer-ownership", Body: `{"transfer_to":"Abc@example.com"}`}},
		},
		{
			"SendPasswordReset",
			map[string][]string{"POST /v3/user/forgot_password": {`{"notice":"If this email address exists, we will send you an email with instructions for resetting your password."}`}},
			nil,
			func(ctx context.Context, c *orgusers.Client) error {
				return c.SendPasswordReset(ctx, "abc@example.com ")
			},
			[]sent{{Method: "POST", Path: "/v3/user/forgot_password", Body: `{"user":{"email":"abc@example.com"}}`, Authtoken: "none"}},
		},
		{
			"UnlockUsers",
			map[string][]string{search: {memberAnswer}, "POST /v3/organizations/blt1/unlock": {`{}`}},
			[]orgusers.Option{routes},
			bulkCall((*orgusers.Client).UnlockUsers, abc),
			[]sent{{Method: "POST", Path: "/v3/organizations/blt1/unlock", Body: `{"emails":["Abc@example.com"]}`}},
		},
		{
			"ResetMFA",
			map[string][]string{search: {memberAnswer}, "PUT /identity/blt1/mfa": {`{}`}},
			[]orgusers.Option{routes},
			bulkCall((*orgusers.Client).ResetMFA, abc),
			[]sent{{Method: "PUT", Path: "/identity/blt1/mfa", Body: `{"emails":["Abc@example.com"]}`}},
		},
		{
			"ForcePasswordReset", // with a body of the caller's
			map[string][]string{search: {memberAnswer}, "POST /v3/organizations/blt1/force": {`{}`}},
			[]orgusers.Option{routes},
			bulkCall((*orgusers.Client).ForcePasswordReset, abc),
			[]sent{{Method: "POST", Path: "/v3/organizations/blt1/force", Body: `{"users":["Abc@example.com"]}`}},
		},
		{
			"EndSessions",
			map[string][]string{search: {memberAnswer}, "POST /v3/organizations/blt1/end": {`{}`}},
			[]orgusers.Option{routes},
			bulkCall((*orgusers.Client).EndSessions, abc),
			[]sent{{Method: "POST", Path: "/v3/organizations/blt1/end", Body: `{"emails":["Abc@example.com"]}`}},
		},
	}
	pinned := map[string]bool{}
	for _, tt := range tests {
		pinned[tt.name] = true
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []sent
			mock := httpmock.NewMockTransport()
			mock.RegisterNoResponder(answering(t, tt.answers, &got))
			if err := tt.call(t.Context(), newClient(t, mock, tt.opts...)); err != nil {
				t.Error(err)
			}
			for i := range tt.want {
				tt.want[i].Body = compact(t, tt.want[i].Body)
				if tt.want[i].Authtoken == "" {
					tt.want[i].Authtoken = token
				} else {
					tt.want[i].Authtoken = ""
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	rowForEveryWrite(t, "the table of TestWriteRequests in contract_test.go", func(s sending) bool { return pinned[s.name] }, map[string]string{
		"Do, a write":        "its request is the caller's own",
		"Do, a write by GET": "its request is the caller's own",
		"Login":              "it has no client, and TestLoginRequest pins it",
	})
}

func TestLoginRequest(t *testing.T) {
	t.Parallel()
	var got []sent
	mock := httpmock.NewMockTransport()
	mock.RegisterNoResponder(answering(t, map[string][]string{"POST /v3/user-session": {`{"user":{"uid":"u1","email":"abc@example.com","authtoken":"blt2"}}`}}, &got))
	credentials := orgusers.Credentials{Email: "abc@example.com", Password: "hunter2", MFACode: "123456"}
	if _, err := orgusers.Login(t.Context(), credentials, orgusers.WithHTTPClient(&http.Client{Transport: mock})); err != nil {
		t.Error(err)
	}
	want := []sent{{Method: "POST", Path: "/v3/user-session", Body: compact(t, `{"user":{"email":"abc@example.com","password":"hunter2","tfa_token":"123456"}}`)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func bulkCall(call func(*orgusers.Client, context.Context, []string, *orgusers.BulkOptions) (*orgusers.BulkResult, error), emails []string) func(context.Context, *orgusers.Client) error {
	return func(ctx context.Context, c *orgusers.Client) error {
		_, err := call(c, ctx, emails, nil)
		return err
	}
}

func stackCall(roles ...string) func(context.Context, *orgusers.Client) error {
	return func(ctx context.Context, c *orgusers.Client) error {
		_, err := c.UpdateStackAccess(ctx, []string{"abc@example.com"}, orgusers.StackAccess{"blt9": roles}, nil)
		return err
	}
}

// answering answers by method and path, one answer after the other, and keeps
// what is no read.
func answering(t *testing.T, answers map[string][]string, got *[]sent) httpmock.Responder {
	t.Helper()
	asked := map[string]int{}
	return func(r *http.Request) (*http.Response, error) {
		name := r.Method + " " + r.URL.Path
		switch name {
		case "GET /v3/user":
			return httpmock.NewStringResponse(http.StatusOK, `{"user":{"uid":"me","email":"me@example.com"}}`), nil
		case "GET /v3/organizations/blt1":
			return httpmock.NewStringResponse(http.StatusOK, `{"organization":{"uid":"blt1","owner_uid":"owner"}}`), nil
		}
		known := answers[name]
		if len(known) == 0 {
			return nil, fmt.Errorf("unexpected request: %s", name)
		}
		answer := known[min(asked[name], len(known)-1)]
		asked[name]++
		if name != search && name != rolesOfOrg && name != "GET /v3/roles" {
			*got = append(*got, requestAsSent(t, r))
		}
		return httpmock.NewStringResponse(http.StatusOK, answer), nil
	}
}

func requestAsSent(t *testing.T, r *http.Request) sent {
	t.Helper()
	s := sent{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, APIKey: r.Header.Get("api_key"), Authtoken: r.Header.Get("authtoken")}
	if r.Body != nil {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s.Body = compact(t, string(data))
	}
	if hasType := r.Header.Get("Content-Type") == "application/json"; hasType != (s.Body != "") {
		t.Errorf("Content-Type is %q for a body of %d bytes", r.Header.Get("Content-Type"), len(s.Body))
	}
	return s
}

func compact(t *testing.T, text string) string {
	t.Helper()
	if text == "" {
		return ""
	}
	var b bytes.Buffer
	var value any // sorts keys
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	if err := json.NewEncoder(&b).Encode(value); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
