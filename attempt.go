package orgusers

import (
	"context"

	"github.com/orgusers/orgusers/internal/transport"
)

// Attempt is one sending of a request, in words that hold no address, no uid
// and no token. Spans and metrics can be named by it.
type Attempt struct {
	// Op is the operation, as errors and logs have it: the name of a method of
	// this package, or Call.Op.
	Op string
	// Path is a template, such as "/v3/organizations/{organization_uid}/share".
	Path string
	// Number counts the attempts of a request from 1. Redirects that are
	// followed belong to the same one.
	Number int
}

// AttemptFromContext tells what it is that an [http.RoundTripper] sends, who
// could otherwise see it from the URL alone. The context is that of the
// request; others have no attempt. See [WithHTTPClient].
func AttemptFromContext(ctx context.Context) (Attempt, bool) {
	attempt, ok := transport.AttemptOf(ctx)
	return Attempt{Op: attempt.Op, Path: attempt.Template, Number: attempt.Number}, ok
}
