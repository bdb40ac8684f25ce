package orgusers_test

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

var update = flag.Bool("update", false, "write the golden files")

const (
	// token is the authtoken of clients that do not use the fake.
	token = "blt00c0ffee00c0ffee"
	// sharePath is the path of the list of users, for faults of the fake.
	sharePath = "/v3/organizations/{organization_uid}/share"
)

// withoutDelays retries without delays.
var withoutDelays = orgusers.WithRetry(orgusers.RetryPolicy{BaseDelay: time.Microsecond, MaxDelay: time.Microsecond})

// withoutLimits has rate limits that no test waits for.
var withoutLimits = orgusers.WithRateLimits(orgusers.RateLimits{Reads: 1e4, Writes: 1e4, Bulk: 1e4})

// newClient returns a client for the organization blt1 over a transport, which does
// not wait for rate limits.
func newClient(tb testing.TB, transport http.RoundTripper, opts ...orgusers.Option) *orgusers.Client {
	tb.Helper()
	client, err := orgusers.New("blt1", append([]orgusers.Option{
		orgusers.WithAuthToken(token), orgusers.WithHTTPClient(&http.Client{Transport: transport}), withoutLimits,
	}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	return client
}

// tokens is a source of one token.
type tokens string

func (t tokens) Token(context.Context) (string, error) { return string(t), nil }

// roundTripper is a function as a transport.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// status responds with an error in the API's form.
func status(code int, header ...string) roundTripper {
	return body(code, `{"error_message":"It went wrong.","error_code":119}`, header...)
}

// body responds with a JSON text, and headers as pairs of names and values.
func body(code int, text string, header ...string) roundTripper {
	fields := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i+1 < len(header); i += 2 {
		fields.Set(header[i], header[i+1])
	}
	return roundTripper(httpmock.NewStringResponder(code, text).HeaderSet(fields))
}

// fails returns an error instead of a response.
func fails(err error) roundTripper {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// rowsOf responds to every list of users with these rows, given as JSON.
func rowsOf(rows string, count int) roundTripper {
	return body(http.StatusOK, fmt.Sprintf(`{"shares":%s,"count":%d}`, rows, count))
}

// startFake starts a fake that is closed when the test ends.
func startFake(tb testing.TB, opts ...orguserstest.Option) *orguserstest.Server {
	tb.Helper()
	server := orguserstest.NewServer(opts...)
	tb.Cleanup(server.Close)
	return server
}

// fakeClient returns a client of a fake, which retries without delays.
func fakeClient(tb testing.TB, server *orguserstest.Server, opts ...orgusers.Option) *orgusers.Client {
	tb.Helper()
	client, err := orgusers.New(server.OrganizationUID, slices.Concat(server.Options(), []orgusers.Option{withoutDelays}, opts)...)
	if err != nil {
		tb.Fatal(err)
	}
	return client
}

// inProcess returns a fake that does not listen, and a client of it with the default
// settings, for a bubble of testing/synctest.
func inProcess(tb testing.TB, opts ...orguserstest.Option) (*orguserstest.Server, *orgusers.Client) {
	tb.Helper()
	server := orguserstest.NewUnstartedServer(opts...)
	tb.Cleanup(server.Close)
	return server, clientOf(tb, server)
}

// crowded is inProcess with the crowd of package operations and the fake's endpoints.
func crowded(tb testing.TB, opts ...orguserstest.Option) (*orguserstest.Server, *orgusers.Client) {
	tb.Helper()
	server := orguserstest.NewUnstartedServer(append([]orguserstest.Option{orguserstest.WithPeople(operations.Crowd()...)}, opts...)...)
	tb.Cleanup(server.Close)
	return server, clientOf(tb, server, orgusers.WithEndpoints(server.Endpoints()))
}

// clientOf returns a client of a fake with the default settings.
func clientOf(tb testing.TB, server *orguserstest.Server, opts ...orgusers.Option) *orgusers.Client {
	tb.Helper()
	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	return client
}

// collect reads a sequence to its end. It fails the test unless an error comes once,
// last, and without a row.
func collect[T any](tb testing.TB, all iter.Seq2[*T, error]) ([]*T, error) {
	tb.Helper()
	var rows []*T
	var failure error
	for row, err := range all {
		switch {
		case failure != nil:
			tb.Fatalf("the sequence went on after its error %v", failure)
		case (row == nil) != (err != nil):
			tb.Fatalf("the sequence yielded %v and %v together", row, err)
		case err != nil:
			failure = err
		default:
			rows = append(rows, row)
		}
	}
	return rows, failure
}

// mustCollect is collect for a sequence without an error.
func mustCollect[T any](tb testing.TB, all iter.Seq2[*T, error]) []*T {
	tb.Helper()
	rows, err := collect(tb, all)
	if err != nil {
		tb.Fatal(err)
	}
	return rows
}

// diffUsers returns "" if users are equal. cmp is slow for hundreds of users, so
// reflect comes first.
func diffUsers(want, got []*orgusers.User) string {
	if len(want) == len(got) && reflect.DeepEqual(want, got) {
		return ""
	}
	return cmp.Diff(want, got)
}

// expected returns the fake's users as a client decodes them, if inviters are sent as
// objects.
func expected(users []orguserstest.User) []*orgusers.User {
	var result []*orgusers.User
	for _, u := range users {
		e := &orgusers.User{
			ShareUID: u.ShareUID, UID: u.UID, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName,
			Status: orgusers.StatusAccepted, Owner: u.Owner,
			InvitedBy: orgusers.Inviter{UID: u.InvitedBy, Email: u.InviterEmail},
			InvitedAt: u.InvitedAt, LastLoginAt: u.LastLogin, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
			Message: u.Message, AccessWithoutSSO: u.AccessWithoutSSO,
		}
		if u.Pending {
			e.Status = orgusers.StatusPending
		}
		if u.MFA {
			e.MFA = orgusers.MFAVerified
		}
		for i := range u.RoleUIDs {
			e.Roles = append(e.Roles, orgusers.RoleRef{UID: u.RoleUIDs[i], Name: u.RoleNames[i], Admin: strings.EqualFold(u.RoleNames[i], "Admin")})
		}
		result = append(result, e)
	}
	return result
}

// withoutAddresses removes the addresses of inviters, for a fake that sends uids only.
func withoutAddresses(users []*orgusers.User) []*orgusers.User {
	for _, u := range users {
		u.InvitedBy.Email = ""
	}
	return users
}

// onlyIf returns the users for whom keep is true.
func onlyIf(users []*orgusers.User, keep func(*orgusers.User) bool) []*orgusers.User {
	var kept []*orgusers.User
	for _, u := range users {
		if keep(u) {
			kept = append(kept, u)
		}
	}
	return kept
}

// emails returns the addresses of users, in order.
func emails(users []*orgusers.User) []string {
	result := make([]string, len(users))
	for i, u := range users {
		result[i] = u.Email
	}
	return result
}
