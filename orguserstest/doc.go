// Package orguserstest is a stateful fake of the Contentstack requests that
// deal with the users of an organization, for the tests of programs that use
// them. It speaks HTTP on loopback, or is called in-process, and holds an
// organization in memory that tests can read and change: whoever is invited is
// in the next list, whoever is removed is gone from it, and each mail that the
// service would have sent is in an outbox.
//
// # Start here
//
//	server := orguserstest.NewServer(orguserstest.WithUsers(250))
//	defer server.Close()
//	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
//
// The client is an administrator of the organization. [Server.SignIn] gives a
// token of anybody else: the owner, or a member who may do nothing.
//
// # Seed people
//
// Without options there are 25 made-up rows, [WithUsers] makes another number
// of them, and [WithPeople] puts exactly those in whom the test is about:
//
//	server := orguserstest.NewServer(orguserstest.WithPeople(
//		orguserstest.Person{Email: "ada@example.com", Roles: []string{"Admin"}, MFA: true},
//		orguserstest.Person{Email: "max@example.com", LastLogin: time.Now().AddDate(0, 0, -100)},
//		orguserstest.Person{Email: "pia@example.com", Pending: true},
//	))
//
// Both together fill up to the number. [Person] says who is locked, has a
// second factor, belongs to several organizations, or was invited by whom.
//
// # Look at what happened
//
// A test looks at what it was all for, and not at requests: [Server.User] and
// [Server.Users] are the organization as it is now, and [Server.Outbox] has
// every mail.
//
//	if mails := server.Outbox(); len(mails) != 1 || mails[0].To != "new@example.com" {
//		t.Errorf("want one mail, got %v", mails)
//	}
//
// Where the requests matter too, how many there are, say, [Server.Requests] has
// them with what was answered, and without credentials.
//
// # Make things go wrong
//
// A [Fault] says which requests go wrong, how often, and how. The third page of
// the list is a gateway's page of HTML, once:
//
//	server.AddFault(orguserstest.Fault{
//		Method: http.MethodGet,
//		Path:   "/v3/organizations/{organization_uid}/share",
//		Skip:   2,
//		Times:  1,
//		Effect: orguserstest.HTML(http.StatusBadGateway),
//	})
//
// The faults that hurt come after the deed: the invitation is mailed, and its
// answer is lost. Does the program mail again?
//
//	server.AddFault(orguserstest.Fault{
//		Method: http.MethodPost,
//		Path:   "/v3/organizations/{organization_uid}/share",
//		Effect: orguserstest.Reset(),
//		After:  true,
//	})
//
// A fault strikes before a request is handled, after it, or midway through its
// addresses; or the request is answered first and handled later: see After,
// Partial and Later. When a connection that was used before breaks without an
// answer, net/http sends a GET again, also the one that resends an invitation.
//
// # Change the organization meanwhile
//
// [Server.AddUser], [Server.RemoveUser], [Server.Accept], [Server.SetRoles] and
// their like change it behind the client's back, as somebody at the product's
// own pages would; [Server.RevokeToken] ends a session. With [Server.OnRequest]
// they come at the worst moment, between two pages:
//
//	server.OnRequest(func(r *orguserstest.Request) {
//		if r.Operation == "ListUsers" && r.Query.Get("skip") != "0" {
//			server.RemoveUser("max@example.com")
//		}
//	})
//
// # Limits
//
// Nothing is refused unless [WithRateLimit] says so: then what is beyond the
// limit in one second of the server's clock is answered with 429, and every
// answer tells what remains. The budgets are those of the service, for each
// organization: reads, writes and bulk actions.
//
// # Drive time
//
// A server from [NewUnstartedServer] has no listener and no goroutine. Made
// inside a bubble of testing/synctest and called in-process, as the client of
// its [Server.Options] does, its latency, limits and slow answers run on the bubble's clock, and so do the
// client's waits: a minute takes no time.
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
// Rows are dated before a fixed reference date, and what changes later is dated
// by that date plus the time since the server was made. [WithReferenceDate]
// sets it, to time.Now() for programs that reckon from today. Limits, the Date
// header and the times of the request log follow the machine's clock, or the
// bubble's, which [WithClockOffset] shifts.
//
// # From another language
//
// The fake is for any client of the API. It needs [Server.URL],
// [Server.OrganizationUID] and [Server.AuthToken], or an address and [Password]
// to log in with. As a program, in a clone of this repository, it prints these
// as lines NAME=value when it is ready:
//
//	go -C examples run ./fakeserver -addr 127.0.0.1:8080 -users 250
//
// # The organization
//
// A made-up organization has members and pending invitations: the owner,
// administrators, members with one role and with several, invitations with and
// without an account behind them, locked users, users with and without a second
// factor, users who never logged in, users in several organizations, and odd
// names and addresses. All addresses are at example.com, example.org and
// example.net. The same options give the same organization, times and tokens
// included; [WithSeed] gives another.
//
// Three organizations exist: [Server.OrganizationUID] is the large one,
// [Server.SecondOrganizationUID] holds those who are in several, and
// [Server.ForeignOrganizationUID] has nobody of the first in it.
//
// # Choices of the fake
//
// Where the API is not known to behave in one way, the fake has to behave in
// some way. None of these says anything about the service:
//
//   - Lists keep at most 100 rows a page, and 100 when the request names no
//     limit. A limit or skip that is negative or no number, and a sort field
//     that is unknown, is answered with 422.
//   - Users sort by email, first_name, last_name, invited_at, created_at,
//     updated_at and last_login_at; roles, stacks and organizations by name,
//     created_at and updated_at. Texts are compared without letter case, whoever
//     never logged in comes first, and rows that are equal keep the order in
//     which they were added.
//   - A list that needs more than one page and has no sort starts its pages up
//     to three rows early or late. The search by address and the roles of a
//     stack know no sort and are always in order.
//   - A search with an empty list of addresses is one without a body: it
//     returns every user.
//   - typeahead looks for the text in the address and in the full name.
//   - With include_roles the roles are objects, with include_invited_by the
//     inviter is one, and the details of a user sit on the row itself:
//     [WithRoleUIDs], [WithInviterUIDs] and [WithDetails] change that.
//   - include_stack_roles adds nothing, and a role names at most 100 users.
//   - Whoever is in an organization may read the organization; its users, roles
//     and stacks are for the owner and administrators, everybody else gets 403.
//   - Both credentials at once are answered with 400.
//   - Requests that name no organization count against the limit of
//     [Server.OrganizationUID].
//   - Without [WithRateLimit] nothing is refused, and the headers tell of a
//     limit of a million a second.
//   - Wrong passwords count only while an account is not locked, and a login
//     sets the count back to zero. A wrong second factor does not count.
//   - include_orgs_roles brings the organizations of the current user without
//     include_orgs too, as the vendor's CLI expects.
//
// Of invitations, removals and ownership:
//
//   - A request is carried out as a whole or, when anything about it is wrong,
//     answered with 422 and not at all. What is wrong is an empty list or none;
//     an address that is none, is there twice, or is the owner's; a role or stack
//     that the organization does not have; no role for somebody; stacks for
//     somebody who is not invited. A request may name any number of addresses.
//     Those of an invitation are taken in alphabetical order, all others in the
//     order given.
//   - Inviting somebody who is there already replaces the organization roles
//     ([WithRoleMerge] adds to them) and the roles in the stacks that the request
//     names. A pending invitation is also dated anew, with another inviter and
//     message. Either way there is mail again: [MailInvitation] to whoever is
//     pending, [MailRoleChange] to members. Whoever invites twice shows.
//   - Removing ignores addresses that have no row, answers with the rows that are
//     gone, and leaves account and sessions. An empty list, and no body, are
//     answered with 422; so is the owner among others. Callers may remove
//     themselves.
//   - Only pending invitations can be resent; 422 for others. The official
//     JavaScript SDK (1.30) resends without the path element share: that path is
//     served as well, under an operation of its own in the request log.
//   - Ownership goes to accepted members. It is only offered, since no request
//     accepts it.
//
// Of stack access:
//
//   - Sharing a stack needs a row in the organization, and roles for each address
//     and for no other. It replaces the roles in that stack, mails
//     ([MailStackShared]), and answers with a notice alone.
//   - The roles of users in a stack can be set only for those who have the stack,
//     and never to none. Only somebody who has it can lose it. Neither mails.
//   - The owner has every stack, and can be given none.
//
// Of the audit log:
//
//   - Each address that a request changes or mails in an organization makes an
//     entry. Changes behind the clients' back, logins and password mails make
//     none. The log is empty at first, its newest entry comes first, and a page
//     has at most 25, whatever the limit.
//   - What an entry has in it is not known. Here it has field names that the
//     JavaScript SDK gives the audit log of a stack: uid, created_at, created_by,
//     event_type, module, remote_addr and metadata. Their values are made up.
//
// # Requests of the fake's own
//
// The API has no public requests that unlock users, reset their second factor,
// force a password reset, end sessions, or set the organization roles of members.
// The fake has made some up, so that what such requests do can be tested:
//
//	POST /v3/organizations/{organization_uid}/fake/unlock
//	POST /v3/organizations/{organization_uid}/fake/reset_mfa
//	POST /v3/organizations/{organization_uid}/fake/force_password_reset
//	POST /v3/organizations/{organization_uid}/fake/end_sessions
//	POST /v3/organizations/{organization_uid}/fake/roles
//
// The service does not know them. The body is {"emails":[…]} with
// one to ten addresses, for the last one {"emails":[…],"roles":[…]} with role
// uids. The answer says for each address whether it is done or skipped, and why:
//
//	{"notice":"…","users":[{"email":"…","status":"skipped","reason":"not locked"}]}
//
// Who is skipped, and what happens to the others:
//
//   - Skipped is whoever is no accepted member. Unlocking also skips the owner,
//     users in several organizations, and those who are not locked; ending
//     sessions skips the caller, users in several organizations, and those
//     without a session, as the product's own pages say; setting roles skips the
//     owner.
//   - Resetting the second factor skips those who have none. It takes the factor
//     away at once and mails ([MailMFAReset]).
//   - A forced password reset mails ([MailForcedPasswordReset]). The sessions and
//     the old password still work, and a login tells of it in
//     password_reset_required. Nothing takes that back.
//   - Setting roles replaces them and mails ([MailRoleChange]).
//
// They count on the budget of bulk requests, as changes of stack access do, and
// not on that of writes; the headers of their answers tell of it.
// [WithoutEndpoints] turns them off.
//
// Where OAuth tokens come from is not part of the contract either. The fake
// renews its own as RFC 6749 says, and has no consent page or code before that:
//
//	POST /fake/oauth/token
//
// with a form of grant_type=refresh_token, refresh_token, and the client's id and
// secret, which can be in a header for basic authorization instead. Both tokens
// that were there before end with that. Ending sessions ends the refresh token
// too, and nothing else but [Server.RevokeToken] does. A renewal counts as a read.
package orguserstest
