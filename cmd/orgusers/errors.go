package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/orgusers/orgusers"
)

// misuse is an error of the command line, the configuration or the input, found
// before anything was changed.
type misuse struct{ error }

func (m misuse) Unwrap() error { return m.error }

// badInput returns a misuse, as [fmt.Errorf] returns an error.
func badInput(format string, args ...any) error {
	return misuse{fmt.Errorf(format, args...)}
}

// orRunDoctor ends the advice of errors without a response. Doctor itself leaves it out.
const orRunDoctor = ", or run 'orgusers doctor'"

// errUnread means that the reader of stdout has gone, as after | head.
var errUnread = errors.New("the reader of stdout has gone")

// stdout turns the error of a closed pipe into errUnread, because connections of
// a client can break in the same way.
type stdout struct{ to io.Writer }

func (s stdout) Write(data []byte) (int, error) {
	n, err := s.to.Write(data)
	if errors.Is(err, syscall.EPIPE) {
		err = errUnread
	}
	return n, err
}

// say writes a line to stderr.
func (t *tool) say(format string, args ...any) {
	_, _ = fmt.Fprintf(t.stderr, "orgusers: "+format+"\n", args...)
}

// note writes a line to stderr unless --quiet is given.
func (t *tool) note(format string, args ...any) {
	if !t.quiet {
		t.say(format, args...)
	}
}

func (t *tool) reportError(status int, err error) {
	switch status {
	case statusDone, statusUnread:
		return
	case statusInterrupted:
		t.say("%s", strings.TrimSuffix("interrupted: "+printable(explain(err)), ": "+context.Canceled.Error()))
	default:
		t.say("%s", printable(explain(err)))
	}
	if t.debug {
		t.say("debug: %s", printable(err.Error()))
	}
}

// reported is the error of a call whose outcomes were written already.
type reported struct {
	error
	summary string
	sent    bool // a change was sent, so that it is not misuse
}

func (r reported) Unwrap() error {
	if r.sent {
		return nil
	}
	return r.error
}

// isLocallyInvalid reports whether the package rejected an argument, so that the
// request was not sent.
func isLocallyInvalid(err error) bool {
	return errors.Is(err, orgusers.ErrInvalid) && !errors.As(err, new(*orgusers.Error))
}

// explain says for people what happened and what to do.
func explain(err error) string {
	if r, ok := errors.AsType[reported](err); ok {
		if errors.Is(err, orgusers.ErrRefused) {
			return "nothing was changed: " + strings.TrimPrefix(r.summary, "dry run: nothing was changed; ")
		}
		return r.summary
	}
	failure, ok := errors.AsType[*orgusers.Error](err)
	if errors.Is(err, orgusers.ErrNoEndpoint) {
		return "nothing was changed: the API has no public request for this; if you know one, give it with --endpoints FILE"
	}
	if !ok {
		return withoutPackage(err.Error())
	}
	text := happened(failure)
	if i := strings.LastIndex(err.Error(), ": orgusers: "); i >= 0 && errors.Is(err, orgusers.ErrIncomplete) {
		// A stack cannot be read, which the words before those of the request name.
		return withoutPackage(err.Error()[:i]) + ": " + text + "; commands that have --allow-unread can continue without it"
	}
	if strings.Contains(err.Error(), "nothing was changed") {
		text = "nothing was changed: " + text
	}
	if errors.Is(err, orgusers.ErrOutcomeUnknown) {
		text += "; the change may or may not have been made: look before you repeat it"
	}
	return text
}

var packageWords = regexp.MustCompile(`orgusers: ([A-Z]\w+: )?((invalid|refused|not found): )*`)

// withoutPackage removes the words that only a developer needs.
func withoutPackage(text string) string {
	return strings.ReplaceAll(packageWords.ReplaceAllString(text, ""), ": not found", "")
}

// happened says what happened to a request, and what to do.
func happened(e *orgusers.Error) string {
	var timeout net.Error
	switch {
	case e.Is(orgusers.ErrLocked):
		return "the account is locked after failed logins: wait, or ask an administrator to unlock it"
	case e.Is(orgusers.ErrMFARequired):
		return "the account needs an MFA code, or the code was wrong"
	case e.Op == "Login" && (e.Is(orgusers.ErrInvalid) || e.Is(orgusers.ErrUnauthorized)):
		return fmt.Sprintf("the service rejected the login (%s): check the address, the password and the region; if the organization enforces single sign-on, use 'orgusers login --with-token'", e.Message)
	case errors.Is(e, orgusers.ErrUnauthorized):
		return "the service rejected the token: it is wrong, of another region, or the session has ended; log in again with 'orgusers login'"
	case e.Is(orgusers.ErrForbidden):
		return fmt.Sprintf("the service does not allow it (%s): the account must be the owner or an administrator of the organization; 'orgusers whoami' shows the account", e.Message)
	case e.StatusCode == http.StatusNotFound && ofOrganization(e.Path):
		return "there is no such organization, or it is in another region: check --org and --region, the profile, or CONTENTSTACK_ORGANIZATION_UID and CONTENTSTACK_REGION"
	case e.Is(orgusers.ErrNotFound):
		return fmt.Sprintf("the service does not have it (%s)", e.Message)
	case e.Is(orgusers.ErrRateLimited) && e.RetryAfter > 0:
		return fmt.Sprintf("the rate limit of the organization is used up: try again in %v", max(time.Second, e.RetryAfter.Round(time.Second)))
	case e.Is(orgusers.ErrRateLimited):
		return "the rate limit of the organization is used up: try again later"
	case e.StatusCode >= 500:
		return fmt.Sprintf("the service failed (%d): try again later%s", e.StatusCode, requestID(e))
	case e.StatusCode == 0 && errors.As(e, &timeout) && timeout.Timeout():
		return "the service did not respond in time: try again later" + orRunDoctor
	case e.StatusCode == 0:
		return fmt.Sprintf("the service cannot be reached (%s): check the network, a proxy and the region%s", e.Message, orRunDoctor)
	case e.StatusCode < 300:
		return fmt.Sprintf("%s%s", e.Message, requestID(e))
	default:
		return fmt.Sprintf("the service rejected the request (%d: %s)%s", e.StatusCode, e.Message, requestID(e))
	}
}

func requestID(e *orgusers.Error) string {
	if e.RequestID == "" {
		return ""
	}
	return "; request " + e.RequestID
}

// ofOrganization reports whether a path has no other variable part than the
// organization.
func ofOrganization(path string) bool {
	below, found := strings.CutPrefix(path, "/v3/organizations/{organization_uid}")
	return found && !strings.Contains(below, "{")
}
