// Package operations is the table of operations that the tests of this module range
// over. An operation is added here once, and every suite tests it.
package operations

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// Kind is what a request does, whatever its HTTP method.
type Kind string

// The kinds.
const (
	Read  Kind = "read"
	Write Kind = "write"
	Bulk  Kind = "bulk"
)

// Service is the part of the API whose limit counts a request.
type Service string

// The services.
const (
	Organization Service = "organization"
	Stack        Service = "stack"
	User         Service = "user"
)

// Operation is a method of the package and the request of it that matters. A method
// that sends several kinds of requests has a row for each.
type Operation struct {
	// Name is the name of the method, with a suffix after a comma if there are several.
	Name string
	// Method and Path are those of the request. Path has {names} for values.
	Method, Path string
	Kind         Kind
	Service      Service
	Public       bool // sent without a token
	Endpoint     bool // the fake has invented the request: the client needs its endpoints
	Custom       bool // any request, which the fake does not know
	As           string
	// Sends is the query, the api_key and the body of the request as the contract words
	// them, with names in braces for values of the fake. Do not copy what the client sends.
	Sends string
	// Known is how sure the request is, if it is more or less than documented.
	Known string
	// Run calls the method once, and returns everything that it returns.
	Run func(ctx context.Context, a *Arguments) (any, error)
	// Change is nil for reads.
	Change *Change
	// WithUID calls the method with a uid that becomes a part of the path. Nil means that
	// no value of the caller does.
	WithUID func(ctx context.Context, c *orgusers.Client, uid string) error
}

// Change is what an operation changes for each of its addresses.
type Change struct {
	// Targets are addresses of the crowd that the change applies to.
	Targets []string
	// Prepare brings the fake into the state before the change. It may be nil.
	Prepare func(s *orguserstest.Server)
	// Run changes the addresses.
	Run func(ctx context.Context, a *Arguments, emails []string, opts orgusers.BulkOptions) (*orgusers.BulkResult, error)
	// Done reports whether the change is there. Nil means that only the email shows it.
	Done func(s *orguserstest.Server, email string) bool
	// Emails is true if the change sends one email to each address.
	Emails bool
	// ReadBack is true if the client can read the change back.
	ReadBack bool
	// Once is true if the client never sends the change twice, even if it is not there.
	Once bool
	// Guarded is true if the owner and the caller are refused.
	Guarded bool
	// Revokes is true if the change removes, withdraws or revokes something, so that
	// Guards.Protected applies.
	Revokes bool
}

// Arguments are what an operation needs to be called.
type Arguments struct {
	Client *orgusers.Client
	Fake   *orguserstest.Server
	// Options are those of the client, without credentials.
	Options     []orgusers.Option
	Credentials orgusers.Option
	// Dir is a directory for files.
	Dir string
	// Password is for Login.
	Password, MFACode string
}

// Caller returns the address of the user who may call the operation.
func (o *Operation) Caller() string {
	if o.As != "" {
		return o.As
	}
	return Admin
}

// MethodName returns the name of the method.
func (o *Operation) MethodName() string {
	name, _, _ := strings.Cut(o.Name, ",")
	return name
}

// Matches reports whether a request is the one that matters.
func (o *Operation) Matches(method, urlPath string) bool {
	matched, err := path.Match(o.Pattern(), urlPath)
	return err == nil && matched && method == o.Method
}

// Pattern returns the path as a pattern of path.Match.
func (o *Operation) Pattern() string {
	elements := strings.Split(o.Path, "/")
	for i, element := range elements {
		if strings.HasPrefix(element, "{") {
			elements[i] = "*"
		}
	}
	return strings.Join(elements, "/")
}

// Writes reports whether the request changes something or sends email.
func (o *Operation) Writes() bool { return o.Kind != Read }

// The crowd.
const (
	Owner = "owner@example.com"
	Admin = "admin@example.com"
)

// Crowd is an organization with users for each operation: twelve members with MFA and
// ten failed logins, and twelve pending invitations.
func Crowd() []orguserstest.Person {
	people := []orguserstest.Person{
		{Email: Owner, Owner: true, FirstName: "Ona", LastName: "Owner"},
		{Email: Admin, Roles: []string{"Admin"}, FirstName: "Ada", LastName: "Admin"},
	}
	for i := range 12 {
		people = append(people,
			orguserstest.Person{Email: Member(i), FirstName: "Mem", LastName: "Ber", FailedLogins: 10, MFA: true},
			orguserstest.Person{Email: Pending(i), Pending: true})
	}
	return people
}

// Member returns the address of a member.
func Member(i int) string { return fmt.Sprintf("member%d@example.com", i) }

// Pending returns the address of a pending invitation.
func Pending(i int) string { return fmt.Sprintf("pending%d@example.com", i) }

// Stranger returns an address that is not in the organization.
func Stranger(i int) string { return fmt.Sprintf("stranger%d@example.com", i) }

// Twelve returns twelve addresses.
func Twelve(name func(int) string) []string {
	emails := make([]string, 12)
	for i := range emails {
		emails[i] = name(i)
	}
	return emails
}

// Changes are the operations that change something for addresses.
func Changes() []Operation {
	return slices.DeleteFunc(slices.Clone(All), func(o Operation) bool { return o.Change == nil })
}

// change completes an operation that changes something. Run changes the first address.
func change(o Operation, c Change) Operation {
	o.Change = &c
	if o.Kind == "" {
		o.Kind = Write
	}
	if o.Service == "" {
		o.Service = Organization
	}
	o.Run = func(ctx context.Context, a *Arguments) (any, error) {
		if c.Prepare != nil {
			c.Prepare(a.Fake)
		}
		return c.Run(ctx, a, c.Targets[:1], orgusers.BulkOptions{})
	}
	return o
}

// Sampled reports whether a suite of thousands of combinations leaves out the nth one: under
// the race detector only every third is run.
func Sampled(n int) bool { return raceDetector && n%3 != 0 }

var raceDetector = func() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}()

// EmailsTo counts the emails to an address in the outbox.
func EmailsTo(s *orguserstest.Server, email string) int {
	n := 0
	for _, sent := range s.Outbox() {
		if strings.EqualFold(sent.To, email) {
			n++
		}
	}
	return n
}

// statusOf returns the outcome of a call for one address that has no outcomes.
func statusOf(err error) orgusers.OutcomeStatus {
	switch {
	case err == nil:
		return orgusers.OutcomeDone
	case errors.Is(err, orgusers.ErrOutcomeUnknown):
		return orgusers.OutcomeUnknown
	case errors.Is(err, orgusers.ErrRefused):
		return orgusers.OutcomeRefused
	default:
		return orgusers.OutcomeFailed
	}
}
