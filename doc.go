// Package orgusers runs the users of a Contentstack organization: who is in,
// with which roles, since when, last seen when, and all of them as CSV; invite,
// edit and remove them, unlock them, reset passwords and second factors, end
// sessions.
//
// # Start here
//
// A [Client] is for one organization. [New] makes it from a uid and
// credentials, [NewFromEnv] from the environment:
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
// Share the client: it is safe for any number of goroutines, which then share
// its limits. Most requests need the organization's owner or an administrator.
//
// # Complete, or an error
//
// A list is either read to its end or ends with an error. [Client.Users] reads
// pages that overlap, so that it notices when users come and go meanwhile and
// reads again where it has to: whoever is in the organization from the first
// request to the last is listed exactly once. What cannot be made complete is
// [ErrIncomplete]. An answer that is not what it must be, such as a page of
// HTML with status 200, is an error and never an empty list.
// [Client.ExportCSVFile] leaves a complete file or none.
//
// # Once, or a report
//
// Whatever changes or mails says for each address what became of it: done,
// skipped and why, failed, or unknown. Nothing is sent twice: where an answer
// was lost, the organization is read back, what is there is done, and only what
// is not there is sent again. After a timeout, when the server may still be at
// work, nothing is sent again at all; what cannot be told then is unknown, an
// [ErrOutcomeUnknown], for those addresses alone.
//
//	result, err := client.RemoveUsers(ctx, leavers, &orgusers.BulkOptions{DryRun: true})
//
// [BulkOptions] has a dry run, which sends nothing but reads and foretells the
// outcomes. Calls for many users take any number of addresses, ten to a
// request; one bad address does not stop the others, a context that ends does,
// and the rest is reported as not started. An empty list, something that is no
// address, the organization's owner and yourself refuse a whole call before
// anything is changed ([ErrRefused]).
//
// # Retries
//
// Whether a request is repeated depends on the operation, not on the HTTP
// method: searching is a POST that only reads, and there is a GET in this API
// that mails.
//
//	what happened                              a read         a write
//	429                                        is repeated    is repeated
//	429 with a pause above MaxRetryAfter       is not         is not
//	500, 502, 503, 504                         is repeated    is not: ErrOutcomeUnknown
//	503 with a pause above MaxRetryAfter       is not         is not: ErrOutcomeUnknown
//	any other 5xx                              is not         is not: ErrOutcomeUnknown
//	302, 303, not followed                     is not         is not: ErrOutcomeUnknown
//	401 with a TokenSource                     once more, with a new token
//	any other status of 300 and above          is not         is not
//	no connection (dial, DNS, TLS handshake)   is repeated    is repeated
//	a certificate that does not verify         is not         is not
//	broke off, timed out, cut short            is repeated    is not: ErrOutcomeUnknown
//	2xx that cannot be understood              is not         is not: ErrOutcomeUnknown
//	2xx, larger than 32 MiB                    is not         is not: ErrOutcomeUnknown
//
// [RetryPolicy] says how often: by default six attempts, after random waits
// below a ceiling that doubles from 500 ms to 30 s. All calls of a client share
// a budget for retries after failures, so that a server that is down is not
// hammered: when some twenty retries have failed, calls fail at their first
// attempt until there are successes again. Redirects are followed for reads,
// within the same origin, and for nothing else. An attempt takes a minute at
// the most, unless [WithHTTPClient] says otherwise.
//
// # RateLimits
//
// An organization has ten reads and ten writes a second, unless its plan
// raises them, shared by everybody who uses it. The client spaces its requests
// evenly, two hundredths below that, and follows X-RateLimit-Limit up and down.
// X-RateLimit-Remaining shows what others use, who get it: the client slows
// down to what is left, a tenth at the least, and comes back when they have
// gone. After a 429, or when the server says that nothing remains, everybody on
// that budget waits for the server's next second, or for as long as Retry-After
// says.
// [WithRateLimits] sets a ceiling, [WithRateLimiters] brings limiters of your own. A
// context that is over ends every wait at once. A wait that would outlast the
// deadline is not begun, and is both [ErrRateLimited] and
// [context.DeadlineExceeded]; with a limiter of yours that is up to it.
//
// # Errors
//
// A request that failed is an [*Error]: operation, status, the API's own code
// and message, what to do. What kind of failure it is tells [errors.Is] with
// [ErrNotFound], [ErrForbidden], [ErrRateLimited] and their like. Errors, logs
// and everything that is printed hold neither tokens nor passwords nor
// addresses of users: what the server says goes through a filter. An
// [*AddressError] says which of the addresses of a call it is about.
//
// # Seeing what it does
//
// [WithLogger] logs each attempt at debug level. The Transport of
// [WithHTTPClient] is called for each attempt, and [AttemptFromContext] tells it
// what is sent without saying to whom, for the names of spans and metrics. The
// hooks of a net/http/httptrace.ClientTrace in the context of a call are called
// for each of its attempts.
//
// # How sure the contract is
//
// Most requests are documented by the vendor, some answers have been observed
// only; the doc comment of each method says which. Where a shape is not known,
// every plausible one is accepted. Four actions of the product have no public
// request at all: [Client.UnlockUsers], [Client.ResetMFA],
// [Client.ForcePasswordReset] and [Client.EndSessions] do everything but guess
// it. [WithEndpoints] gives it to them; without, they return [ErrNoEndpoint].
//
// # Testing
//
// Package orguserstest is a fake of the API with an organization in memory,
// limits and faults, for the tests of programs that use this package.
package orgusers
