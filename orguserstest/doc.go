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
// several organizations, and unusual names. The same options give the same
// organization, times and tokens; [WithSeed] gives another. [WithTeams] adds
// teams, which give roles to their members.
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
// This one makes the invitation and loses the response. A program that repeats
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
// Rows made at the start are dated before the date of [WithReferenceDate]. A later
// change has that date plus the time since the server was made. Limits, the Date
// header and the request log use the machine's clock.
//
// # Other languages
//
// Clients in any language need [Server.URL], [Server.OrganizationUID] and
// [Server.AuthToken], or an address and [Password] to log in. In a clone of this
// repository, a program prints them as lines NAME=value:
//
//	go -C examples run ./fakeserver -addr 127.0.0.1:8080 -users 250
//
// # What is known of the service
//
// The fake responds as the service did when its responses were recorded in March
// 2026: rows of users, roles and organizations, lists without parameters (ten
// rows, the newest change first), messages, and headers. Only responses about
// stacks have headers of the rate limit; elsewhere a 429 is the only sign of it.
// Other requests follow the vendor's reference and its official SDKs. [Forms]
// lists the options for other forms: those of older samples and of the reference,
// and those that are possible if nothing is known.
//
// The following behavior of the service is unknown. The choices of the fake say
// nothing about it.
//
//   - A page has at most 100 rows. An invalid limit or skip, a limit of zero, and
//     an unknown sort field get 422.
//   - Users sort by email, first_name, last_name, invited_at, created_at,
//     updated_at and last_login_at, other lists by name, created_at and updated_at.
//     Case is ignored, and equal rows are in the order of creation.
//   - Without a sort, every page but the first starts up to three rows early or
//     late. FindUsers, StackRoles and TeamUsers ignore a sort and are in order.
//   - FindUsers without addresses finds every user. typeahead searches addresses
//     and full names.
//   - Responses to invitations have no names. A role has at most 100,000 users in
//     a response, pending ones too.
//   - Requests need a permission of one of the caller's roles, and otherwise get
//     403. Reading stacks needs the permission to read roles.
//   - Organizations, stacks and the requests below /v3/user have limits of their
//     own.
//   - A change is made completely, or gets 422 if anything in the request is
//     invalid. Removing ignores unknown addresses, but not the owner's.
//   - Inviting a user who is already there replaces the organization roles
//     ([WithRoleMerge] adds to them) and the roles in the given stacks, and sends
//     an email. Only pending invitations can be resent.
//   - Ownership is only offered, because no known request accepts it.
//   - A stack can be shared only with users of the organization. Roles in a stack
//     can be set only for users with access of their own.
//   - Roles of teams show on users and roles ([WithHiddenTeamRoles] hides them).
//     Adding known users to a team sends no email.
//   - Teams, and resending an invitation, are served on the paths of the official
//     JavaScript SDK too.
//   - A wrong password does not count while the account is locked, and a login
//     resets the count.
//   - The audit log has an entry for each address that a request changes. The
//     events share and logout are documented; the others are invented.
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
// describes. [Server.Endpoints] returns them for a client.
package orguserstest
