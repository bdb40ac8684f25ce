package orgusers_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

// sharesServer is an organization with any rows, also those that the fake cannot have.
// The caller is me@example.com with the uid me. The roles are r1 (Member) and r2 (Admin).
type sharesServer struct {
	rows     []shareRow
	strays   []shareRow                   // rows that every search returns too
	fixed    map[string]string            // responses by method and path below the organization
	onSearch func(s *sharesServer, n int) // called before the nth search, from 1
	onWrite  func(s *sharesServer, n int) // called before the nth change, from 1
	delete   func(row shareRow) bool      // the rows that a removal removes; nil: those with exactly the address
	respond  func(rows []shareRow) string // the response to a change of rows; nil: these rows
	writes   []string                     // the bodies of changes
	searches int
}

type shareRow struct {
	Share  string   `json:"uid"`
	Email  string   `json:"email"`
	UID    string   `json:"user_uid,omitempty"`
	Status string   `json:"status"`
	Owner  bool     `json:"is_owner,omitempty"`
	Roles  []string `json:"org_roles"`
}

func memberRow(n int, email string) shareRow {
	return shareRow{Share: fmt.Sprintf("s%d", n), Email: email, UID: fmt.Sprintf("u%d", n), Status: "accepted", Roles: []string{"r1"}}
}

func pendingRow(n int, email string) shareRow {
	return shareRow{Share: fmt.Sprintf("s%d", n), Email: email, Status: "pending", Roles: []string{"r1"}}
}

func (s *sharesServer) RoundTrip(r *http.Request) (*http.Response, error) {
	var data []byte
	if r.Body != nil {
		data, _ = io.ReadAll(r.Body)
	}
	request := r.Method + " " + strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/v3"), "/organizations/blt1")
	if text, ok := s.fixed[request]; ok {
		return body(http.StatusOK, text)(r)
	}
	switch request {
	case "GET /user":
		return body(http.StatusOK, `{"user":{"uid":"me","email":"me@example.com"}}`)(r)
	case "GET ":
		return body(http.StatusOK, `{"organization":{"uid":"blt1","owner_uid":"owner"}}`)(r)
	case "GET /roles":
		return body(http.StatusOK, `{"roles":[{"uid":"r1","name":"Member"},{"uid":"r2","name":"Admin","admin":true}],"count":2}`)(r)
	case "POST /share/search":
		if s.searches++; s.onSearch != nil {
			s.onSearch(s, s.searches)
		}
		var asked struct{ Emails []string }
		_ = json.Unmarshal(data, &asked)
		return body(http.StatusOK, sharesOf(append(s.without(func(row shareRow) bool {
			return !slices.ContainsFunc(asked.Emails, func(email string) bool { return strings.EqualFold(email, row.Email) })
		}), s.strays...)))(r)
	}
	s.writes = append(s.writes, string(data))
	if s.onWrite != nil {
		s.onWrite(s, len(s.writes))
	}
	var changed []shareRow
	if r.Method == http.MethodDelete {
		var asked struct{ Emails []string }
		_ = json.Unmarshal(data, &asked)
		remove := s.delete
		if remove == nil {
			remove = func(row shareRow) bool { return slices.Contains(asked.Emails, row.Email) }
		}
		left := s.without(remove)
		changed = s.without(func(row shareRow) bool { return !remove(row) })
		s.rows = left
	} else {
		var asked struct {
			Share struct{ Users map[string][]string }
		}
		_ = json.Unmarshal(data, &asked)
		for email := range asked.Share.Users {
			changed = append(changed, pendingRow(100+len(s.rows)+len(changed), email))
		}
		s.rows = append(s.rows, changed...)
	}
	if s.respond != nil {
		return body(http.StatusOK, s.respond(changed))(r)
	}
	return body(http.StatusOK, sharesOf(changed))(r)
}

func (s *sharesServer) without(leave func(shareRow) bool) []shareRow {
	return slices.DeleteFunc(slices.Clone(s.rows), leave)
}

func sharesOf(rows []shareRow) string {
	if rows == nil {
		rows = []shareRow{}
	}
	text, err := json.Marshal(rows)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf(`{"shares":%s,"count":%d}`, text, len(rows))
}

// lose is a response to a change that shows no rows.
func lose([]shareRow) string { return `{"shares":[]}` }

// page is a response to a change that cannot be read.
func page([]shareRow) string { return `<html>` }

// addressCalls are the calls that look up the rows of an address, for servers of their own.
var addressCalls = map[string]func(ctx context.Context, c *orgusers.Client, email string, o orgusers.BulkOptions) (*orgusers.BulkResult, error){
	"Invite": func(ctx context.Context, c *orgusers.Client, email string, o orgusers.BulkOptions) (*orgusers.BulkResult, error) {
		return c.Invite(ctx, []orgusers.Invitee{{Email: email, Roles: []string{"r1"}}}, &orgusers.InviteOptions{BulkOptions: o})
	},
	"RemoveUsers": func(ctx context.Context, c *orgusers.Client, email string, o orgusers.BulkOptions) (*orgusers.BulkResult, error) {
		return c.RemoveUsers(ctx, []string{email}, &orgusers.RemoveOptions{BulkOptions: o})
	},
	"WithdrawInvitations": func(ctx context.Context, c *orgusers.Client, email string, o orgusers.BulkOptions) (*orgusers.BulkResult, error) {
		return c.WithdrawInvitations(ctx, []string{email}, &o)
	},
	"ResendInvitations": func(ctx context.Context, c *orgusers.Client, email string, o orgusers.BulkOptions) (*orgusers.BulkResult, error) {
		return c.ResendInvitations(ctx, []string{email}, &o)
	},
	"SendPasswordResets": func(ctx context.Context, c *orgusers.Client, email string, o orgusers.BulkOptions) (*orgusers.BulkResult, error) {
		return c.SendPasswordResets(ctx, []string{email}, &o)
	},
	"UnlockUsers": func(ctx context.Context, c *orgusers.Client, email string, o orgusers.BulkOptions) (*orgusers.BulkResult, error) {
		return c.UnlockUsers(ctx, []string{email}, &o)
	},
	"ResetMFA": func(ctx context.Context, c *orgusers.Client, email string, o orgusers.BulkOptions) (*orgusers.BulkResult, error) {
		return c.ResetMFA(ctx, []string{email}, &o)
	},
	"ForcePasswordReset": func(ctx context.Context, c *orgusers.Client, email string, o orgusers.BulkOptions) (*orgusers.BulkResult, error) {
		return c.ForcePasswordReset(ctx, []string{email}, &o)
	},
	"EndSessions": func(ctx context.Context, c *orgusers.Client, email string, o orgusers.BulkOptions) (*orgusers.BulkResult, error) {
		return c.EndSessions(ctx, []string{email}, &o)
	},
	"UpdateRoles": func(ctx context.Context, c *orgusers.Client, email string, o orgusers.BulkOptions) (*orgusers.BulkResult, error) {
		return c.UpdateRoles(ctx, []string{email}, []string{"r1"}, &o)
	},
	"UpdateStackAccess": func(ctx context.Context, c *orgusers.Client, email string, o orgusers.BulkOptions) (*orgusers.BulkResult, error) {
		return c.UpdateStackAccess(ctx, "blt2", []string{email}, []string{"r1"}, &o)
	},
	"AddToTeam": func(ctx context.Context, c *orgusers.Client, email string, o orgusers.BulkOptions) (*orgusers.BulkResult, error) {
		return c.AddToTeam(ctx, "t1", []string{email}, &o)
	},
	"RemoveFromTeam": func(ctx context.Context, c *orgusers.Client, email string, o orgusers.BulkOptions) (*orgusers.BulkResult, error) {
		return c.RemoveFromTeam(ctx, "t2", []string{email}, &o)
	},
	"TransferOwnership": func(ctx context.Context, c *orgusers.Client, email string, _ orgusers.BulkOptions) (*orgusers.BulkResult, error) {
		outcome, err := orgusers.Outcome{Status: orgusers.OutcomeDone}, c.TransferOwnership(ctx, email)
		if at, ok := errors.AsType[*orgusers.AddressError](err); ok {
			outcome = orgusers.Outcome{Status: orgusers.OutcomeRefused, Reason: at.Reason}
		}
		return &orgusers.BulkResult{Outcomes: []orgusers.Outcome{outcome}}, err
	},
}

// someEndpoints are requests that change a server with rows of its own.
var someEndpoints = orgusers.Endpoints{
	Unlock:             orgusers.Endpoint{Path: "/v3/organizations/{organization_uid}/unlock"},
	ResetMFA:           orgusers.Endpoint{Path: "/v3/organizations/{organization_uid}/reset_mfa"},
	ForcePasswordReset: orgusers.Endpoint{Path: "/v3/organizations/{organization_uid}/force_password_reset"},
	EndSessions:        orgusers.Endpoint{Path: "/v3/organizations/{organization_uid}/end_sessions"},
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	valid := []string{
		"ada@example.com", " ada1@example.com\t\r\n", "ADA2@Example.COM", "a+b@example.com", "o'brien@example.com", "'ada'@example.com", "ada@localhost", "ada@[192.0.2.1]",
		"élodie@exämple.com", "дмитрий@пример.рф", "ada@例え.jp", "İpek@example.com", `"a b"@example.com`, `"a\"b"@example.com`, `"ada@home"@example.com`,
	}
	invalid := []string{
		"", " ", "nobody", "@example.com", "ada@", "a@b@c", ".ada@example.com", "ada.@example.com", "a..b@example.com", "ada@.com",
		"Ada <ada@example.com>", "<ada@example.com>", "group:ada@example.com;", "(x)ada@example.com", "ada@example.com(x)",
		"ada@example.com,bob@example.com", "ada@example.com bob@example.com", "ada@example.com\nbcc: eve@example.com", "ada @example.com", "ada@ example.com",
		`"ada@example.com"`, "'ada@example.com'", "ada@example.com'", "“ada@example.com”", "‘ada@example.com", "ada@example.com’", "«ada@example.com»", "`ada@example.com`", "´ada@example.com", "„ada@example.com“", "＂ada@example.com＂",
		"a\u200bda@example.com", "ada@exam\u200dple.com", "\ufeffada@example.com", "ada\u00ad@example.com", "a\u202eda@example.com", "ada@example.com\u2060",
		"ada\u00a0@example.com", "ada@example.com\u00a0", "ada\u3000@example.com", "\"a\u202fb\"@example.com", "ada\u2028@example.com", "ada\u2029@example.com", "ada\u0085@example.com", "ada\x00@example.com", "ada\x7f@example.com",
		"ad\ufffda@example.com", "ad\xffa@example.com", "\"a\tb\"@example.com", "\"a\u200bb\"@example.com", `"ab"@example.com`,
	}
	client := newClient(t, &sharesServer{})
	result, err := client.RemoveUsers(t.Context(), slices.Concat(valid, invalid), &orgusers.RemoveOptions{BulkOptions: orgusers.BulkOptions{SkipRefused: true}})
	if !errors.Is(err, orgusers.ErrRefused) || len(result.Outcomes) != len(valid)+len(invalid) {
		t.Fatalf("got %v, %d outcomes", err, len(result.Outcomes))
	}
	for i, got := range summaries(result) {
		outcome := result.Outcomes[i]
		if i < len(valid) {
			if got != "skipped: not_in_organization" || outcome.Email != strings.Trim(valid[i], " \t\r\n") || outcome.Detail != "" {
				t.Errorf("%+q: got %s, %+v", valid[i], got, outcome)
			}
			continue
		}
		given := invalid[i-len(valid)]
		at, _ := errors.AsType[*orgusers.AddressError](outcome.Err)
		if got != "refused: invalid_address" || at == nil || at.Index != i || !errors.Is(outcome.Err, orgusers.ErrInvalid) || outcome.Detail != fmt.Sprintf("%+q is not a valid email address", given) {
			t.Errorf("%+q: got %s, %+v", given, got, outcome)
		}
	}
}

// TestSpellings removes rows whose spelling is not the given one.
func TestSpellings(t *testing.T) {
	t.Parallel()
	const (
		refused = "refused: duplicate_rows"
		absent  = "skipped: not_in_organization"
	)
	tests := []struct {
		name   string
		rows   []string
		given  []string
		want   []string
		remove string   // the addresses of the request
		detail []string // in the detail of the first outcome
	}{
		{"ASCII capitals", []string{"ada@example.com"}, []string{"ADA@example.com"}, []string{"done"}, "ada@example.com", nil},
		{"the row has the capitals", []string{"ADA@example.com"}, []string{"ada@example.com"}, []string{"done"}, "ADA@example.com", nil},
		{"final sigma", []string{"νίκος@example.com"}, []string{"νίκοσ@example.com"}, []string{refused}, "", []string{`"\u03bd\u03af\u03ba\u03bf\u03c2@example.com" (share s0, accepted)`}},
		{"final sigma, exactly", []string{"νίκος@example.com"}, []string{"νίκος@example.com"}, []string{"done"}, "νίκος@example.com", nil},
		{"Kelvin sign", []string{"\u212aen@example.com"}, []string{"ken@example.com"}, []string{refused}, "", []string{`"\u212aen@example.com"`}},
		{"Kelvin sign in the address", []string{"ken@example.com"}, []string{"\u212aen@example.com"}, []string{refused}, "", []string{`"ken@example.com"`}},
		{"Kelvin sign and ASCII, one row", []string{"ken@example.com"}, []string{"\u212aen@example.com", "ken@example.com"}, []string{"done"}, "ken@example.com", nil},
		{"long s", []string{"ſam@example.com"}, []string{"SAM@example.com"}, []string{refused}, "", nil},
		{"letters that are not ASCII", []string{"élodie@example.com"}, []string{"Élodie@example.com"}, []string{refused}, "", nil},
		{"Turkish i is another letter", []string{"ipek@example.com"}, []string{"İpek@example.com", "ıpek@example.com"}, []string{absent, absent}, "", nil},
		{"two rows", []string{"Ada@example.com", "ada@example.com"}, []string{"ADA@example.com"}, []string{refused}, "", []string{`"Ada@example.com" (share s0, accepted) and "ada@example.com" (share s1, accepted)`}},
		{"two rows, the first exactly", []string{"Ada@example.com", "ada@example.com"}, []string{"Ada@example.com"}, []string{"done"}, "Ada@example.com", nil},
		{"two rows, the second exactly", []string{"Ada@example.com", "ada@example.com"}, []string{"ada@example.com"}, []string{"done"}, "ada@example.com", nil},
		{"two rows, both exactly", []string{"Ada@example.com", "ada@example.com"}, []string{"ada@example.com", "Ada@example.com", "ada@example.com"}, []string{"done", "done"}, "ada@example.com Ada@example.com", nil},
		{"two rows, Kelvin sign and ASCII", []string{"\u212aen@example.com", "ken@example.com"}, []string{"ken@example.com", "\u212aen@example.com"}, []string{"done", "done"}, "ken@example.com \u212aen@example.com", nil},
		{"two rows, one exactly, one spelled otherwise", []string{"Ada@example.com", "ada@example.com"}, []string{"ada@example.com", "ADA@example.com"}, []string{refused}, "", nil},
		{"four rows, two exactly", []string{"a@x.com", "A@x.com", "a@X.com", "A@X.com"}, []string{"A@x.com", "A@X.com"}, []string{"done", "done"}, "A@x.com A@X.com", nil},
		{"four rows, none exactly", []string{"a@x.com", "A@x.com", "a@X.com", "A@X.com"}, []string{"a@x.COM"}, []string{refused}, "", []string{"and 1 more"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, dry := range []bool{true, false} {
				server := new(sharesServer)
				for i, email := range tt.rows {
					server.rows = append(server.rows, memberRow(i, email))
				}
				result, err := newClient(t, server).RemoveUsers(t.Context(), tt.given, &orgusers.RemoveOptions{BulkOptions: orgusers.BulkOptions{DryRun: dry}})
				got := strings.ReplaceAll(strings.Join(summaries(result), ", "), "planned", "done")
				if want := strings.Join(tt.want, ", "); got != want || errors.Is(err, orgusers.ErrRefused) != strings.Contains(want, "refused") {
					t.Errorf("dry run %v: got %s, %v\nwant %s", dry, got, err, want)
				}
				for _, part := range tt.detail {
					if !strings.Contains(result.Outcomes[0].Detail, part) {
						t.Errorf("the detail %s lacks %s", result.Outcomes[0].Detail, part)
					}
				}
				var wrote []string
				if tt.remove != "" && !dry {
					data, _ := json.Marshal(map[string][]string{"emails": strings.Fields(tt.remove)})
					wrote = []string{string(data)}
				}
				if diff := cmp.Diff(wrote, server.writes); diff != "" {
					t.Errorf("dry run %v: %s", dry, diff)
				}
			}
		})
	}
}

// TestSpellingsOfOtherCalls has one row whose spelling differs from the address in a way
// that may not matter to the server.
func TestSpellingsOfOtherCalls(t *testing.T) {
	t.Parallel()
	for name, call := range addressCalls {
		if strings.HasSuffix(name, "Team") || name == "UpdateStackAccess" {
			continue // these look up users as UpdateRoles does
		}
		for kind, server := range map[string]*sharesServer{
			"a member":                 {rows: []shareRow{memberRow(1, "\u212aen@example.com")}},
			"an invitation":            {rows: []shareRow{pendingRow(1, "\u212aen@example.com")}},
			"another letter":           {strays: []shareRow{memberRow(1, "k\u00e9n@example.com")}},
			"a decomposed letter":      {strays: []shareRow{memberRow(1, "ke\u0301n@example.com")}},
			"full-width letters":       {strays: []shareRow{memberRow(1, "\uff4b\uff45\uff4e@example.com")}},
			"a domain in punycode":     {strays: []shareRow{pendingRow(1, "ken@xn--exmple-cua.com")}},
			"dots and a tag":           {strays: []shareRow{memberRow(1, "k.e.n+work@example.com")}},
			"a quoted local part":      {strays: []shareRow{memberRow(1, `"ken"@example.com`)}},
			"an invisible character":   {strays: []shareRow{pendingRow(1, "ken\u200b@example.com")}},
			"white space around":       {strays: []shareRow{memberRow(1, " ken@example.com ")}},
			"a name around":            {strays: []shareRow{memberRow(1, "Ken <ken@example.com>")}},
			"a row without an address": {strays: []shareRow{memberRow(1, "")}},
		} {
			result, err := call(t.Context(), newClient(t, server, orgusers.WithEndpoints(someEndpoints)), "ken@example.com", orgusers.BulkOptions{})
			if got := summaries(result)[0]; got != "refused: duplicate_rows" || !errors.Is(err, orgusers.ErrRefused) || len(server.writes) > 0 {
				t.Errorf("%s of %s: got %s, %v after %d writes", name, kind, got, err, len(server.writes))
			}
		}
	}
}

// TestSpellingsInTwoRequests looks up an address whose spellings are in two requests.
// Its row counts once.
func TestSpellingsInTwoRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := crowded(t)
		server.AddFault(orguserstest.Fault{Method: http.MethodDelete, Effect: orguserstest.Status(500), Times: 1})
		var given []string
		for i := range 98 {
			given = append(given, operations.Stranger(i))
		}
		given = append(given, operations.Member(0), strings.ToUpper(operations.Member(0)))
		result, err := client.RemoveUsers(t.Context(), given, nil)
		if outcome := result.Outcomes[98]; err != nil || outcome.Status != orgusers.OutcomeDone || outcome.Detail != "" || len(result.Outcomes) != 99 {
			t.Errorf("got %v, %+v", err, outcome)
		}
	})
}

// TestGuardsByEachSign has one sign of the owner or the caller in each row.
func TestGuardsByEachSign(t *testing.T) {
	t.Parallel()
	row := memberRow(1, "abc@example.com")
	with := func(change func(*shareRow)) shareRow {
		changed := row
		change(&changed)
		return changed
	}
	tests := []struct {
		name, given string
		row         shareRow
		want        string
	}{
		{"the owner's row", "abc@example.com", with(func(r *shareRow) { r.Owner = true }), "refused: owner"},
		{"the owner's uid", "abc@example.com", with(func(r *shareRow) { r.UID = "owner" }), "refused: owner"},
		{"no uid", "abc@example.com", with(func(r *shareRow) { r.UID = "" }), "refused: owner"},
		{"the caller's uid", "abc@example.com", with(func(r *shareRow) { r.UID = "me" }), "refused: self"},
		{"the caller's address", "ME@example.com", memberRow(1, "me@example.com"), "refused: self"},
		{"the caller's address, without a row", "me@example.com", row, "refused: self"},
		{"another member", "abc@example.com", row, "planned"},
	}
	for _, tt := range tests {
		for _, rows := range [][]shareRow{{tt.row}, {tt.row, pendingRow(2, tt.row.Email)}, {pendingRow(2, tt.row.Email), tt.row}} {
			server := &sharesServer{rows: rows}
			result, err := newClient(t, server).RemoveUsers(t.Context(), []string{tt.given}, &orgusers.RemoveOptions{BulkOptions: orgusers.BulkOptions{DryRun: true}})
			if got := summaries(result)[0]; got != tt.want || errors.Is(err, orgusers.ErrRefused) != (tt.want != "planned") {
				t.Errorf("%s in %d rows: got %s, %v, want %s", tt.name, len(rows), got, err, tt.want)
			}
			result, err = newClient(t, server).WithdrawInvitations(t.Context(), []string{tt.given}, nil)
			if got := summaries(result)[0]; got != strings.Replace(tt.want, "planned", "skipped: not_pending", 1) || errors.Is(err, orgusers.ErrRefused) != (tt.want != "planned") {
				t.Errorf("WithdrawInvitations, %s in %d rows: got %s, %v", tt.name, len(rows), got, err)
			}
			if len(server.writes) > 0 {
				t.Errorf("%s in %d rows: something was sent", tt.name, len(rows))
			}
		}
	}
	server := &sharesServer{rows: []shareRow{row, with(func(r *shareRow) { r.Share, r.UID, r.Email = "s2", "owner", "Abc@example.com" })}}
	result, err := newClient(t, server).RemoveUsers(t.Context(), []string{"x@example.com", "abc@example.com", "Abc@example.com"}, nil)
	if at, _ := errors.AsType[*orgusers.AddressError](err); at == nil || at.Index != 2 || summaries(result)[2] != "refused: owner" || len(server.writes) > 0 {
		t.Errorf("a second row of the owner: got %v, %v", err, summaries(result))
	}
}

// TestGuardsFailClosed has a server that does not say who must not be touched.
func TestGuardsFailClosed(t *testing.T) {
	t.Parallel()
	for name, fixed := range map[string]map[string]string{
		"the caller":                 {"GET /user": `{"user":{}}`},
		"the caller's address":       {"GET /user": `{"user":{"uid":"me"}}`},
		"the organization's owner":   {"GET ": `{"organization":{"uid":"blt1"}}`},
		"neither":                    {"GET ": `{"organization":{"uid":"blt1"}}`, "GET /user": `{"user":{}}`},
		"anything of use: a page":    {"GET ": `<html>`},
		"anything of use: no object": {"GET /user": `[]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &sharesServer{rows: []shareRow{memberRow(1, "abc@example.com")}, fixed: fixed}
				for _, skip := range []bool{false, true} {
					result, err := newClient(t, server).RemoveUsers(t.Context(), []string{"abc@example.com"}, &orgusers.RemoveOptions{BulkOptions: orgusers.BulkOptions{SkipRefused: skip}})
					if err == nil || summaries(result)[0] != "not_started: read_failed" || len(server.writes) > 0 {
						t.Errorf("got %v, %v after %d writes", err, summaries(result), len(server.writes))
					}
				}
			})
		})
	}
}

// barrier lets requests pass when n of them have arrived, and all that come later.
type barrier struct {
	next    http.RoundTripper
	n       int
	mu      sync.Mutex
	arrived []string
	open    chan struct{}
}

func (b *barrier) RoundTrip(r *http.Request) (*http.Response, error) {
	b.mu.Lock()
	b.arrived = append(b.arrived, r.Method+" "+r.URL.Path)
	if len(b.arrived) == b.n {
		close(b.open)
	}
	b.mu.Unlock()
	<-b.open // a bubble in which nothing else can run fails
	return b.next.RoundTrip(r)
}

// The reads before a change that do not depend on each other are in flight together.
func TestReadsBeforeAChangeGoOutTogether(t *testing.T) {
	t.Parallel()
	many := make([]string, 250)
	for i := range many {
		many[i] = operations.Stranger(i)
	}
	tests := []struct {
		name, operation string
		targets         []string // nil: those of the operation
		reads           int
	}{
		{"search, caller, organization, stacks", "RemoveUsers", nil, 4},
		{"three searches, caller, organization, stacks", "RemoveUsers", many, 6},
		{"search, caller, organization, stacks", "WithdrawInvitations", nil, 4},
		{"search, caller, organization, roles", "UpdateRoles", nil, 4},
		{"search, caller, organization, roles of the stack", "UpdateStackAccess, given", nil, 4},
		{"search, roles", "Invite", nil, 2},
		{"search, teams", "AddToTeam", nil, 2},
		{"search, caller, organization, teams", "RemoveFromTeam", nil, 4},
	}
	for _, tt := range tests {
		t.Run(tt.operation+": "+tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := changeNamed(tt.operation)
				a := bulkArguments(t, o)
				wire := &barrier{next: a.Fake.Transport(), n: tt.reads, open: make(chan struct{})}
				a.Client = clientOf(t, a.Fake, orgusers.WithGuards(orgusers.Guards{KeepStackOwners: true}), orgusers.WithHTTPClient(&http.Client{Transport: wire}))
				targets := tt.targets
				if targets == nil {
					targets = o.Change.Targets[:1]
				}
				if _, err := o.Change.Run(t.Context(), a, targets, orgusers.BulkOptions{}); err != nil {
					t.Errorf("%v after %v", err, wire.arrived)
				}
			})
		})
	}
}
