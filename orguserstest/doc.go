// Package orguserstest is a stateful fake of the Contentstack requests that
// deal with the users of an organization. It speaks HTTP on loopback, or is
// called in-process, and holds an organization in memory that tests can read
// and change.
//
//	server := orguserstest.NewServer(orguserstest.WithUsers(250))
//	defer server.Close()
//	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
//
// Any other client of the API runs against it as well: it needs [Server.URL],
// [Server.OrganizationUID] and [Server.AuthToken], or an address and
// [Password] to log in with.
//
// # The organization
//
// [NewServer] seeds an organization of 25 rows, members and pending
// invitations together: the owner, administrators, members with one role and
// with several, invitations with and without an account behind them, locked
// users, users with and without a second factor, users who never logged in,
// users in several organizations, and odd names and addresses. All addresses
// are at example.com, example.org and example.net. The same options give the
// same organization, times and tokens included; [WithSeed] gives another.
//
// Three organizations exist: [Server.OrganizationUID] is the large one,
// [Server.SecondOrganizationUID] holds those who are in several, and
// [Server.ForeignOrganizationUID] has nobody of the first in it.
//
// # Time
//
// Rows are dated before a fixed reference date, and what changes later is dated
// by that date plus the time since the server was made. Limits, the Date header
// and the times of the request log follow the machine's clock, which
// [WithClockOffset] shifts.
//
// # In a synctest bubble
//
// A server from [NewUnstartedServer] has no listener and no goroutine. Make it
// inside the bubble and give its [Server.Transport] to an http.Client: latency,
// limits and slow answers then run on the bubble's clock.
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
package orguserstest
