// Package orguserstest is a stateful fake of Contentstack's API for the users of
// an organization. Programs that use the API can be tested against it. The fake
// serves HTTP on loopback or in-process. Invited users are in the next list,
// removed users are not, and every email that the service would have sent is in
// an outbox.
//
// # Getting started
//
//	server := orguserstest.NewServer(orguserstest.WithUsers(250))
//	defer server.Close()
//	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
//
// The client is an administrator of the organization. [Server.SignIn] returns a
// token of another user, such as the owner or a member.
//
// # Users
//
// Without options the organization has 25 invented rows. [WithUsers] sets
// another number, and [WithPeople] adds the users that a test is about:
//
//	server := orguserstest.NewServer(orguserstest.WithPeople(
//		orguserstest.Person{Email: "ada@example.com", Roles: []string{"Admin"}, MFA: true},
//		orguserstest.Person{Email: "max@example.com", LastLogin: time.Now().AddDate(0, 0, -100)},
//		orguserstest.Person{Email: "pia@example.com", Pending: true},
//	))
//
// The invented users include the owner, administrators, pending invitations with
// and without an account, locked users, users with and without MFA, users in
// several organizations, and unusual names. All addresses are at example.com,
// example.org and example.net. The same options give the same organization,
// times and tokens; [WithSeed] gives another.
//
// # Checking the result
//
// [Server.User] and [Server.Users] return the present state of the organization,
// and [Server.Outbox] returns the emails:
//
//	if emails := server.Outbox(); len(emails) != 1 || emails[0].To != "new@example.com" {
//		t.Errorf("want one email, got %v", emails)
//	}
//
// [Server.Requests] returns the requests and the status of each response,
// without credentials.
//
// # Failures
//
// A [Fault] makes requests fail. This one returns a gateway's error page for the
// third page of the list, once:
//
//	server.AddFault(orguserstest.Fault{
//		Method: http.MethodGet,
//		Path:   "/v3/organizations/{organization_uid}/share",
//		Skip:   2,
//		Times:  1,
//		Effect: orguserstest.HTML(http.StatusBadGateway),
//	})
//
// This one sends the invitation and loses the response. A program that repeats
// the request sends a second email:
//
//	server.AddFault(orguserstest.Fault{
//		Method: http.MethodPost,
//		Path:   "/v3/organizations/{organization_uid}/share",
//		Effect: orguserstest.Reset(),
//		After:  true,
//	})
//
// See After, Partial and Later of [Fault]. If a reused connection breaks without
// a response, net/http repeats a GET, even the one that resends an invitation.
//
// # Changes during a call
//
// [Server.AddUser], [Server.RemoveUser], [Server.Accept], [Server.SetRoles] and
// other methods change the organization as another administrator would.
// [Server.RevokeToken] ends a session. A hook of [Server.OnRequest] can make the
// change between two pages:
//
//	server.OnRequest(func(r *orguserstest.Request) {
//		if r.Operation == "ListUsers" && r.Query.Get("skip") != "0" {
//			server.RemoveUser("max@example.com")
//		}
//	})
//
// # Limits and time
//
// With [WithRateLimit] requests beyond the limit of a second get 429. Reads,
// writes and bulk requests of each organization have budgets of their own.
//
// A server from [NewUnstartedServer] has no listener and no goroutines. In a
// bubble of testing/synctest its latency, limits and delays use the bubble's
// clock, so a minute takes no time:
//
//	synctest.Test(t, func(t *testing.T) {
//		server := orguserstest.NewUnstartedServer(orguserstest.WithUsers(2500), orguserstest.WithRateLimit(10, 10))
//		defer server.Close()
//		client, err := orgusers.New(server.OrganizationUID, server.Options()...)
//		if err != nil {
//			t.Fatal(err)
//		}
//		started := time.Now()
//		for _, err := range client.Users(t.Context(), nil) {
//			if err != nil {
//				t.Fatal(err)
//			}
//		}
//		if took := time.Since(started); took > 4*time.Second { // 26 pages, ten a second
//			t.Errorf("took %v", took)
//		}
//	})
//
// Rows are dated before the date of [WithReferenceDate], and later changes by
// that date plus the time since the server was made. Limits, the Date header and
// the request log use the machine's clock, which [WithClockOffset] shifts.
//
// # Other languages
//
// Clients in any language need [Server.URL], [Server.OrganizationUID] and
// [Server.AuthToken], or an address and [Password] to log in. In a clone of this
// repository, a program prints them as lines NAME=value:
//
//	go -C examples run ./fakeserver -addr 127.0.0.1:8080 -users 250
//
// # Choices of the fake
//
// Some behavior of the service is unknown. These choices say nothing about it.
//
// Lists:
//
//   - A page has at most 100 rows, also without a limit. An invalid limit or skip
//     and an unknown sort field get 422.
//   - Users sort by email, first_name, last_name, invited_at, created_at,
//     updated_at and last_login_at; roles, stacks and organizations by name,
//     created_at and updated_at. Case is ignored, and equal rows are in the order
//     of creation.
//   - Without a sort, the pages of a longer list start up to three rows early or
//     late. FindUsers and StackRoles ignore a sort and are always in order.
//   - FindUsers without addresses returns every user. typeahead searches
//     addresses and full names.
//   - With include_roles and include_invited_by, roles and inviters are objects.
//     The details of a user are on the row itself. See [WithRoleUIDs],
//     [WithInviterUIDs] and [WithDetails].
//   - A role has at most 100 users in a response.
//   - Every member may read the organization; its users, roles and stacks need an
//     administrator. Other requests get 403.
//
// Invitations, removals and ownership:
//
//   - A request is performed completely, or gets 422 if anything in it is invalid.
//   - Inviting a user who is already there replaces the organization roles
//     ([WithRoleMerge] adds to them) and the roles in the given stacks, and sends
//     an email.
//   - Removing ignores unknown addresses and returns the removed rows. It gets 422
//     if the list is empty or has the owner.
//   - Only pending invitations can be resent. The path without the element share,
//     which the official JavaScript SDK uses, is served too.
//   - Ownership is only offered, because no known request accepts it.
//
// Stack access: sharing a stack requires a user of the organization and roles
// for each address. Roles in a stack can be set only for users who have access.
// The owner has access to every stack.
//
// Accounts: a wrong password does not count while the account is locked, and a
// login resets the count. The audit log has an entry for each address that a
// request changes; its field values are invented.
//
// # Invented requests
//
// The API has no public requests for some actions. The fake invents them:
//
//	POST /v3/organizations/{organization_uid}/fake/unlock
//	POST /v3/organizations/{organization_uid}/fake/reset_mfa
//	POST /v3/organizations/{organization_uid}/fake/force_password_reset
//	POST /v3/organizations/{organization_uid}/fake/end_sessions
//	POST /v3/organizations/{organization_uid}/fake/roles
//	POST /fake/oauth/token
//
// The body is {"emails":[…]} with one to ten addresses; for the roles it also has
// {"roles":[…]} with role uids. The response has the outcome of each address:
//
//	{"notice":"…","users":[{"email":"…","status":"skipped","reason":"not locked"}]}
//
// They count as bulk requests. The last one renews OAuth tokens as RFC 6749
// describes. [Server.Endpoints] returns them for a client, and
// [WithoutEndpoints] turns them off.
package orguserstest
