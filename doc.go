// Package orgusers manages the users of a Contentstack organization. It lists,
// searches and exports them, shows their roles, stacks and teams, and invites, edits,
// removes and unlocks them.
//
// # Getting started
//
// A [Client] is for one organization. [New] takes the organization's uid and
// credentials; [NewFromEnv] reads both from the environment:
//
//	client, err := orgusers.New("blt1a2b3c4d5e6f7081", orgusers.WithAuthToken(token))
//	if err != nil {
//		return err
//	}
//	for user, err := range client.Users(ctx, nil) {
//		if err != nil {
//			return err // the list is not complete
//		}
//		fmt.Println(user.Email, user.LastLoginAt)
//	}
//
// A client is safe for concurrent use. [WithRegion] selects the data center of the
// organization.
//
// # Authentication
//
// Most requests need the organization's owner or an administrator. [WithAuthToken] takes
// the authtoken of a session. [Login] starts a session with an address and a password,
// and returns [ErrMFARequired] if it needs an MFA code too. If the organization enforces
// single sign-on, use OAuth: [WithTokenSource] takes a source of access tokens that renews
// them. [Organizations] lists the organizations of an account, before there is a client.
//
// # Complete, or an error
//
// A list is complete, or ends with an error. [Client.Users] reads pages that overlap, so
// that it notices users who are added or removed meanwhile, and reads again if it has
// to. It ends with [ErrIncomplete] if the list may lack users. [Client.ExportCSVFile]
// writes a complete file, or leaves what was there before.
//
// # Once, or a report
//
// A call that changes users returns a [BulkResult] with one [Outcome] for each address:
// done, skipped, refused, failed, unknown, and so on. The error is nil if and only if
// every outcome is done, planned or skipped.
//
//	result, err := client.RemoveUsers(ctx, leavers, nil)
//	for _, outcome := range result.Outcomes {
//		fmt.Println(outcome.Email, outcome.Status, outcome.Reason)
//	}
//
// No change is made twice. If a response is lost, the state is read back. A change that
// was made is done, and only one that was certainly not made is sent again. After a
// timeout the server may still be processing the request, so it is never sent again: the
// outcome is [OutcomeUnknown], unless reading back shows the change.
//
// [BulkOptions] has a dry run, which sends only reads. Calls take any number of addresses
// and send at most ten in a request. The whole call is refused with [ErrRefused], before
// anything is changed, if the list is empty or an address is malformed. Most calls also
// refuse the owner and the caller. BulkOptions.SkipRefused processes the other addresses.
//
// # Who has what
//
// [Client.Access] says which organization roles, stack roles, teams and owned stacks a user
// has, and through what: a role is direct, or a team gives it. [AccessColumns] has it for
// exports. The result is also a record: [RemoveOptions] has a function that gets it before
// users are removed, and [Client.Restore] undoes the removal with it.
//
// # Guards
//
// [WithGuards] limits how many users are removed in a day, keeps a number of administrators,
// and protects users that you name and owners of stacks. The limits hold for all clients that
// are derived from one [New], in any number of goroutines. With [WithReadOnly] a client sends
// reads only.
//
// # Rate limits
//
// All programs that use an organization share ten reads and ten writes per second, or
// more with some plans. The client paces its requests accordingly; see [WithRateLimits]
// for other limits and [WithRateLimiters] for limiters of your own. After a 429 all
// requests under that limit wait for as long as Retry-After says, or for a second. A
// canceled context ends every wait. A wait that would outlast the deadline is not started:
// the error is both [ErrRateLimited] and [context.DeadlineExceeded], and Error.RetryAfter
// is the wait.
//
// # Errors
//
// A failed request returns an [*Error] with the operation, the status, and the API's code
// and message. [errors.Is] with [ErrNotFound], [ErrForbidden] and so on finds its kind.
// Errors and logs contain no tokens, passwords or addresses. An [*AddressError] gives the
// position of the address that an error is about; Outcome.Email names it.
//
// # Retries
//
// Whether a request is retried depends on the operation, not on the HTTP method: the
// search is a POST that only reads, and there is a GET that sends email.
//
//	what happened                              a read         a write
//	429                                        is retried     is retried
//	429 with a pause above MaxRetryAfter       is not         is not
//	401 with a TokenSource                     once more, with a new token
//	400 to 407, 409 to 428, 431                is not         is not
//	any other 4xx                              is not         is not: ErrOutcomeUnknown
//	500, 502, 503, 504                         is retried     is not: ErrOutcomeUnknown
//	503 with a pause above MaxRetryAfter       is not         is not: ErrOutcomeUnknown
//	any other 5xx                              is not         is not: ErrOutcomeUnknown
//	101, or 3xx that is not followed           is not         is not: ErrOutcomeUnknown
//	no connection (dial, DNS, TLS handshake)   is retried     is retried
//	a certificate that does not verify         is not         is not
//	broke off, timed out, cut short            is retried     is not: ErrOutcomeUnknown
//	2xx that cannot be read, or has an error   is not         is not: ErrOutcomeUnknown
//	2xx, larger than 32 MiB                    is not         is not: ErrOutcomeUnknown
//
// By default there are six attempts, with random delays below a ceiling that doubles
// from 500 ms to 30 s: see [RetryPolicy]. If many retries fail, calls stop retrying until
// requests succeed again. Only reads follow redirects, within the same origin. An attempt
// takes at most a minute, unless [WithHTTPClient] sets another timeout.
//
// # Observing requests
//
// [WithLogger] logs each attempt at debug level. The Transport of [WithHTTPClient] is
// called for each attempt; [AttemptFromContext] has names for spans and metrics. The
// hooks of a net/http/httptrace.ClientTrace in the context are called too.
//
// # What the vendor documents
//
// The doc comment of each method says which request it sends, and whether the vendor
// documents it. If the form of a value is not known, every plausible form is accepted.
// Four actions of the product have no public request. [Client.UnlockUsers],
// [Client.ResetMFA], [Client.ForcePasswordReset] and [Client.EndSessions] return
// [ErrNoEndpoint] unless [WithEndpoints] supplies it.
//
// # Testing
//
// Package orguserstest is a fake of the API, with an organization in memory, rate limits
// and failures, for tests of programs that use this package.
package orgusers
