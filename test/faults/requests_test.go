package faults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

const (
	organization = "/v3/organizations/{organization_uid}"
	shares       = organization + "/share"
	usersQuery   = "include_count=true&include_invited_by=true&include_roles=true&include_user_details=true"
)

// variants are operations with other arguments.
var variants = []operations.Operation{
	{Name: "ListUsers, by last login", Method: "GET", Path: shares, Kind: operations.Read, Sends: "?desc=last_login_at&" + usersQuery + "&limit=9&skip=3&typeahead=a", Run: func(ctx context.Context, a *operations.Arguments) (any, error) {
		return a.Client.ListUsers(ctx, &orgusers.ListUsersOptions{Sort: orgusers.Sort{By: orgusers.SortByLastLogin, Descending: true}, Search: "a", PageSize: 9, Skip: 3})
	}},
	{Name: "ListUsers, newest first", Method: "GET", Path: shares, Kind: operations.Read, Sends: "?desc=created_at&" + usersQuery + "&limit=100&skip=0", Run: func(ctx context.Context, a *operations.Arguments) (any, error) {
		return a.Client.ListUsers(ctx, &orgusers.ListUsersOptions{Sort: orgusers.Sort{Descending: true}})
	}},
	{Name: "Users, by address", Method: "GET", Path: shares, Kind: operations.Read, Sends: "?asc=created_at&" + usersQuery + "&limit=100&skip=0&typeahead=a", Run: func(ctx context.Context, a *operations.Arguments) (any, error) {
		return orgusers.Collect(a.Client.Users(ctx, &orgusers.ListUsersOptions{Sort: orgusers.Sort{By: orgusers.SortByEmail}, Search: "a"}))
	}},
	{Name: "Stacks, by name", Method: "GET", Path: organization + "/stacks", Kind: operations.Read, Sends: "?asc=created_at&include_count=true&limit=100&skip=0&typeahead=web", Run: func(ctx context.Context, a *operations.Arguments) (any, error) {
		return orgusers.Collect(a.Client.Stacks(ctx, &orgusers.StacksOptions{Search: "web"}))
	}},
	{Name: "GetOrganization, without", Method: "GET", Path: organization, Kind: operations.Read, Run: func(ctx context.Context, a *operations.Arguments) (any, error) {
		return a.Client.GetOrganization(ctx, nil)
	}},
	{Name: "Login, with a code", Method: "POST", Path: "/v3/user-session", Public: true, Kind: operations.Write, Sends: ` {"user":{"email":"admin@example.com","password":"{password}","tfa_token":"123456"}}`, Run: func(ctx context.Context, a *operations.Arguments) (any, error) {
		a.MFACode = "123456"
		return byName("Login").Run(ctx, a)
	}},
	{Name: "EndSessions, by own endpoint", Method: "PUT", Path: "/identity/{organization_uid}/sessions", Kind: operations.Bulk, Custom: true, Sends: ` {"users":["member0@example.com"]}`, Run: func(ctx context.Context, a *operations.Arguments) (any, error) {
		client, err := orgusers.New(a.Client.OrganizationUID(), append(a.Options, a.Credentials, orgusers.WithEndpoints(orgusers.Endpoints{
			EndSessions: orgusers.Endpoint{Method: "PUT", Path: "/identity/{organization_uid}/sessions", Encode: func(r orgusers.EndpointRequest) (any, error) {
				return map[string]any{"users": r.Emails}, nil
			}},
		}))...)
		if err != nil {
			return nil, err
		}
		return client.EndSessions(ctx, []string{operations.Member(0)}, nil)
	}},
}

func byName(name string) *operations.Operation {
	return &operations.All[slices.IndexFunc(operations.All, func(o operations.Operation) bool { return o.Name == name })]
}

// TestRequests compares the request of each operation with the contract, field by field,
// and checks the rules that all its requests keep. The fake counts reads, writes and bulk
// actions as the client does.
func TestRequests(t *testing.T) {
	t.Parallel()
	for _, o := range slices.Concat(operations.All, variants) {
		t.Run(o.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := newCrowd(t)
				wire := &recorder{t: t, operation: o, fake: fake, authToken: fake.SignIn(o.Caller()), sent: map[operations.Kind]int64{}}
				paced := map[operations.Kind]*count{operations.Read: {}, operations.Write: {}, operations.Bulk: {}}
				a := newArguments(t, o, fake, wire, orgusers.WithUserAgent("offboarding/1.4"),
					orgusers.WithRateLimiters(orgusers.RateLimiters{Reads: paced[operations.Read], Writes: paced[operations.Write], Bulk: paced[operations.Bulk]}))
				a.Credentials = orgusers.WithAuthToken(wire.authToken)
				var err error
				if a.Client, err = orgusers.New(fake.OrganizationUID, append(a.Options, a.Credentials)...); err != nil {
					t.Fatal(err)
				}
				if _, err := o.Run(t.Context(), a); err != nil && !o.Custom {
					t.Error(err)
				}
				if diff := cmp.Diff([]string{o.Sends}, wire.requests); diff != "" {
					t.Errorf("Sends in package operations, as the contract words the request, is not what was sent:\n%s", diff)
				}
				for kind, limiter := range paced {
					if n := limiter.asked.Load(); n != wire.sent[kind] {
						t.Errorf("the client paced %d requests as a %s, want %d", n, kind, wire.sent[kind])
					}
				}
				for _, r := range fake.Requests() {
					checkRules(t, r)
					if kind := countedAs(r); r.Operation != "" && kind != operationOf(r.Method, r.Path).Kind {
						t.Errorf("the fake counts %s as a %s", r.Operation, kind)
					}
				}
			})
		})
	}
}

// count is a limiter that does not wait.
type count struct{ asked atomic.Int64 }

func (c *count) Wait(context.Context) error {
	c.asked.Add(1)
	return nil
}

func countedAs(r orguserstest.Request) operations.Kind {
	switch {
	case r.Bulk:
		return operations.Bulk
	case r.Write:
		return operations.Write
	default:
		return operations.Read
	}
}

// operationOf returns an operation that sends such a request.
func operationOf(method, path string) operations.Operation {
	all := slices.Concat(operations.All, variants)
	return all[slices.IndexFunc(all, func(o operations.Operation) bool { return o.Matches(method, path) })]
}

// recorder writes down the requests of an operation, and checks the headers of all.
type recorder struct {
	t         *testing.T
	operation operations.Operation
	fake      *orguserstest.Server
	authToken string

	mu       sync.Mutex
	sent     map[operations.Kind]int64
	requests []string
}

func (w *recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	var content []byte
	if r.Body != nil {
		var err error
		if content, err = io.ReadAll(r.Body); err != nil {
			w.t.Error(err)
		}
		r.Body = io.NopCloser(strings.NewReader(string(content)))
	}
	want := map[string]string{
		"Authtoken": w.authToken, "Authorization": "", "Accept": "application/json", "Content-Type": "", "Organization_uid": "",
	}
	if len(content) > 0 {
		want["Content-Type"] = "application/json"
	}
	if strings.Contains(r.URL.Path, w.fake.OrganizationUID) || r.URL.Path == "/v4/teams" {
		want["Organization_uid"] = w.fake.OrganizationUID
	}
	own := w.operation.Matches(r.Method, r.URL.Path)
	if own && w.operation.Public {
		want["Authtoken"] = ""
	}
	for name, value := range want {
		if got := r.Header.Get(name); got != value {
			w.t.Errorf("%s of %s %s is %q, want %q", name, r.Method, r.URL.Path, got, value)
		}
	}
	for _, name := range []string{"User-Agent", "X-User-Agent"} {
		if got := r.Header.Get(name); !strings.HasPrefix(got, "offboarding/1.4 orgusers/") {
			w.t.Errorf("%s is %q", name, got)
		}
	}
	attempt, _ := orgusers.AttemptFromContext(r.Context())
	if !slices.ContainsFunc(slices.Concat(operations.All, variants), func(o operations.Operation) bool {
		return attempt.Path == o.Path && attempt.Op == opName(o) && o.Matches(r.Method, r.URL.Path)
	}) {
		w.t.Errorf("the attempt of %s %s is %+v", r.Method, r.URL.Path, attempt)
	}
	kind := operationOf(r.Method, r.URL.Path).Kind
	w.mu.Lock()
	if own {
		kind = w.operation.Kind // a read and a write can look alike
		w.requests = append(w.requests, w.words(r, content))
	}
	w.sent[kind]++
	w.mu.Unlock()
	return w.fake.Transport().RoundTrip(r)
}

// opName returns the name that an operation has in errors and attempts: that of the
// method whose request it sends.
func opName(o operations.Operation) string {
	switch name := o.MethodName(); name {
	case "Users", "PendingInvitations", "ExportCSV", "ExportCSVFile":
		return "ListUsers"
	case "GetUser":
		return "FindUsers"
	case "GetRole":
		return "Roles"
	default:
		return name
	}
}

// words returns the query, the api_key and the body of a request, with names instead of uids.
func (w *recorder) words(r *http.Request, content []byte) string {
	text := ""
	if r.URL.RawQuery != "" {
		text = "?" + r.URL.RawQuery
	}
	if key := r.Header.Get("api_key"); key != "" {
		text += " api_key: " + key
	}
	if len(content) > 0 {
		text += " " + string(content)
	}
	stack := w.fake.Stacks()[0]
	names := []string{w.fake.OrganizationUID, "{organization_uid}", stack.APIKey, "{stack}", orguserstest.Password, "{password}"}
	for i, role := range stack.Roles {
		names = append(names, role.UID, fmt.Sprintf("{stack role %d}", i))
	}
	for _, team := range w.fake.Teams() {
		names = append(names, team.UID, "{team}")
	}
	for _, role := range []string{"Admin", "Member"} {
		names = append(names, w.fake.RoleUID(role), "{"+role+"}")
	}
	for _, u := range w.fake.Users() {
		names = append(names, u.ShareUID, "{share_uid}")
		if u.UID != "" {
			names = append(names, u.UID, "{"+u.Email+"}")
		}
	}
	return strings.NewReplacer(names...).Replace(text)
}

// checkRules checks a request against the rules for all. A list without a sort can lose
// rows, and a search without addresses finds everybody.
func checkRules(t *testing.T, r orguserstest.Request) {
	t.Helper()
	switch r.Operation {
	case "ListUsers", "Roles", "Stacks", "StackRoles", "Organizations": // the audit log has no order and no count
		if (r.Query.Get("asc") == "") == (r.Query.Get("desc") == "") {
			t.Errorf("%q was sent without a sort, or with two: %v", r.Operation, r.Query)
		}
		if r.Query.Get("include_count") != "true" || r.Query.Get("limit") == "" {
			t.Errorf("%q was sent without a limit, or does not ask for the count: %v", r.Operation, r.Query)
		}
	case "FindUsers":
		var asked struct{ Emails []string }
		if err := json.Unmarshal(r.Body, &asked); err != nil || len(asked.Emails) == 0 {
			t.Errorf("a search without addresses was sent: %s", r.Body)
		}
	}
}

// The body of an invitation with stacks and a message is the sample of the contract.
func TestInvitationIsTheSample(t *testing.T) {
	t.Parallel()
	sample, err := os.ReadFile("../../testdata/invite_request.json")
	if err != nil {
		t.Fatal(err)
	}
	var sent []byte
	client := newClient(t, roundTripper(func(r *http.Request) (*http.Response, error) {
		switch r.URL.Path {
		case "/v3/organizations/blt1/share/search":
			return body(200, `{"shares":[],"count":0}`)(r)
		case "/v3/organizations/blt1/roles":
			return body(200, `{"roles":[{"uid":"blt77c0de11aa22bb33cc44dd55"},{"uid":"blt88d1ef22bb33cc44dd55ee66"}],"count":2}`)(r)
		case "/v3/roles":
			return body(200, `{"roles":[{"uid":"blt111d1b110111e1f1"},{"uid":"bltcea22222d2222222"},{"uid":"blt333f33cb3e33ffde"}],"count":3}`)(r)
		}
		if sent, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		return body(200, `{"notice":"The invitation has been sent successfully.","shares":[{"uid":"s1","email":"abc@example.com","org_roles":[]},{"uid":"s2","email":"xyz@example.com","org_roles":[]}]}`)(r)
	}), orgusers.WithAuthToken(token))
	stack, other := "blta1ed1f11111c1eb1", "bltf0c00caa0f0000f0"
	if _, err := client.Invite(t.Context(), []orgusers.Invitee{
		{Email: "abc@example.com", Roles: []string{"blt77c0de11aa22bb33cc44dd55"}, Stacks: orgusers.StackAccess{stack: {"blt111d1b110111e1f1"}}},
		{Email: "xyz@example.com", Roles: []string{"blt88d1ef22bb33cc44dd55ee66"}, Stacks: orgusers.StackAccess{stack: {"blt111d1b110111e1f1"}, other: {"bltcea22222d2222222", "blt333f33cb3e33ffde"}}},
	}, &orgusers.InviteOptions{Message: "Invitation message"}); err != nil {
		t.Error(err)
	}
	var want, got any
	if err := json.Unmarshal(sample, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(sent, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
