package orgusers_test

import (
	"fmt"
	"iter"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// sharePath is where the fake lists users, for its faults.
const sharePath = "/v3/organizations/{organization_uid}/share"

// soon retries without anything to wait for.
var soon = orgusers.WithRetry(orgusers.RetryPolicy{BaseDelay: time.Microsecond, MaxDelay: time.Microsecond})

// startFake runs a fake until the test ends.
func startFake(tb testing.TB, opts ...orguserstest.Option) *orguserstest.Server {
	tb.Helper()
	server := orguserstest.NewServer(opts...)
	tb.Cleanup(server.Close)
	return server
}

// fakeClient is a client of a fake over its socket.
func fakeClient(tb testing.TB, server *orguserstest.Server) *orgusers.Client {
	tb.Helper()
	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), soon)...)
	if err != nil {
		tb.Fatal(err)
	}
	return client
}

// inProcess is a fake and a client of it without a socket, for a bubble of
// testing/synctest.
func inProcess(tb testing.TB, opts ...orguserstest.Option) (*orguserstest.Server, *orgusers.Client) {
	tb.Helper()
	server := orguserstest.NewUnstartedServer(opts...)
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		tb.Fatal(err)
	}
	return server, client
}

// collect reads a sequence to its end, and makes sure that an error comes
// once, last, and without a row.
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

// mustCollect is collect of a sequence without an error.
func mustCollect[T any](tb testing.TB, all iter.Seq2[*T, error]) []*T {
	tb.Helper()
	rows, err := collect(tb, all)
	if err != nil {
		tb.Fatal(err)
	}
	return rows
}

// diffUsers is empty where users are as they should be. It asks the quick
// comparison first: cmp takes its time over hundreds of users.
func diffUsers(want, got []*orgusers.User) string {
	if len(want) == len(got) && reflect.DeepEqual(want, got) {
		return ""
	}
	return cmp.Diff(want, got)
}

// expected is what a client is to make of the fake's users, if roles and
// inviters come as objects.
func expected(users []orguserstest.User) []*orgusers.User {
	addresses := map[string]string{}
	for _, u := range users {
		if u.UID != "" {
			addresses[u.UID] = u.Email
		}
	}
	var result []*orgusers.User
	for _, u := range users {
		e := &orgusers.User{
			ShareUID: u.ShareUID, UID: u.UID, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName,
			Status: orgusers.StatusAccepted, Owner: u.Owner,
			InvitedBy: orgusers.Inviter{UID: u.InvitedBy, Email: addresses[u.InvitedBy]},
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
			e.Roles = append(e.Roles, orgusers.RoleRef{UID: u.RoleUIDs[i], Name: u.RoleNames[i]})
		}
		result = append(result, e)
	}
	return result
}

// withoutNames is what is left of users where roles come as uids alone.
func withoutNames(users []*orgusers.User) []*orgusers.User {
	for _, u := range users {
		for i := range u.Roles {
			u.Roles[i].Name = ""
		}
	}
	return users
}

// withoutAddresses is what is left of users where inviters come as uids alone.
func withoutAddresses(users []*orgusers.User) []*orgusers.User {
	for _, u := range users {
		u.InvitedBy.Email = ""
	}
	return users
}

// onlyIf keeps the users that keep is true for.
func onlyIf(users []*orgusers.User, keep func(*orgusers.User) bool) []*orgusers.User {
	var kept []*orgusers.User
	for _, u := range users {
		if keep(u) {
			kept = append(kept, u)
		}
	}
	return kept
}

// emails are the addresses of users, in their order.
func emails(users []*orgusers.User) []string {
	result := make([]string, len(users))
	for i, u := range users {
		result[i] = u.Email
	}
	return result
}

// rowsOf answers every list of users with these rows, given as JSON.
func rowsOf(rows string, count int) roundTripper {
	return roundTripper(body(http.StatusOK, fmt.Sprintf(`{"shares":%s,"count":%d}`, rows, count)))
}
