package orgusers

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Route is a request for an action of the product that has no public one. An
// answer of 4xx is taken to mean that nothing was done for any of the users.
type Route struct {
	// Method is POST if empty.
	Method string
	// Path is below the base URL and holds {organization_uid}:
	// "/v3/organizations/{organization_uid}/…".
	Path string
	// Encode makes the body, which is sent as JSON. Default: an object with
	// the addresses under "emails", and for UpdateRoles the uids under "roles".
	Encode func(RouteRequest) (any, error)
	// Decode reads from an answer of 2xx what became of each address: done,
	// skipped, failed, and anything else is unknown. One that it leaves out is
	// taken as done. Default: all are done. UpdateRoles reads back in any case.
	Decode func(answer []byte) ([]Outcome, error)
}

// RouteRequest is what a route is asked to do, for ten users at most.
type RouteRequest struct {
	// Emails are the addresses, of users who are in the organization.
	Emails []string
	// RoleUIDs are the organization roles to have, for UpdateRoles alone.
	RoleUIDs []string
}

// Routes are the requests for actions that have no public one. The vendor
// documents what these actions do and not how to ask for them; this package
// does not guess. A route that is not set leaves its method at [ErrNoRoute].
// The fake of package orguserstest brings routes of its own.
type Routes struct {
	Unlock, ResetMFA, ForcePasswordReset, EndSessions Route
	// UpdateRoles replaces the documented request of [Client.UpdateRoles].
	UpdateRoles Route
}

// WithRoutes gives the requests for actions that have no public one.
func WithRoutes(r Routes) Option {
	return func(c *config) error {
		for _, route := range []struct {
			name  string
			route Route
		}{
			{"Unlock", r.Unlock},
			{"ResetMFA", r.ResetMFA},
			{"ForcePasswordReset", r.ForcePasswordReset},
			{"EndSessions", r.EndSessions},
			{"UpdateRoles", r.UpdateRoles},
		} {
			if err := route.route.check(); err != nil {
				return fmt.Errorf("the route %s: %w", route.name, err)
			}
		}
		c.routes = r
		return nil
	}
}

func (r Route) isSet() bool {
	return r.Method != "" || r.Path != "" || r.Encode != nil || r.Decode != nil
}

func (r Route) check() error {
	if !r.isSet() {
		return nil
	}
	if err := checkMethod(r.Method); err != nil {
		return err
	}
	if err := checkTemplate(r.Path); err != nil {
		return err
	}
	if strings.Count(r.Path, "{") != 1 || !strings.Contains(r.Path, "/{organization_uid}") {
		return errors.New("the path must hold {organization_uid}, and nothing else in braces")
	}
	return nil
}

// operation makes the operation of a route. What it does is not known, so it
// is a write, and never repeated where it may have been done.
func (r Route) operation(name string) *operation {
	op := &operation{name: name, method: r.Method, path: r.Path, write: true, bulk: true}
	if op.method == "" {
		op.method = http.MethodPost
	}
	return op
}

func (r Route) encode(request RouteRequest) (any, error) {
	if r.Encode != nil {
		return r.Encode(request)
	}
	return struct {
		Emails []string `json:"emails"`
		Roles  []string `json:"roles,omitempty"`
	}{request.Emails, request.RoleUIDs}, nil
}
