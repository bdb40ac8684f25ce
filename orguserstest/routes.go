package orguserstest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// route is one request of the API.
type route struct {
	method, pattern string
	operation       string // its name in the request log
	write           bool   // counts as a write, whatever the method
	bulk            bool   // counts as a bulk request instead
	own             bool   // the fake made it up
	inStack         bool   // about the stack of the header api_key
	open            bool   // needs no credentials
	form            bool   // takes a form, not JSON
	anyMember       bool   // any member of the organization may, not administrators alone
	handle          func(*Server, *call) answer
	elements        []string // of the pattern
}

// routes are all requests that the server knows.
var routes = compile(
	organizationRoutes, shareRoutes, stackRoutes, sessionRoutes,
	inviteRoutes, removeRoutes, ownershipRoutes, accessRoutes, auditRoutes, ownRoutes, oauthRoutes,
)

func compile(tables ...[]route) []route {
	all := slices.Concat(tables...)
	for i := range all {
		all[i].elements = strings.Split(all[i].pattern, "/")
	}
	return all
}

// match finds the route of a request and what its path says about the route's
// parameters. A request that has none gets a route without a handler, and with a
// pattern only where another method has one.
func (cfg *config) match(method, path string) (*route, map[string]string) {
	unknown := &route{write: method != http.MethodGet && method != http.MethodHead}
	rest, ok := strings.CutPrefix(path, cfg.basePath)
	if !ok {
		return unknown, nil
	}
	elements := strings.Split(rest, "/")
	for i := range routes {
		params, ok := fit(routes[i].elements, elements)
		if !ok || (routes[i].own && cfg.withoutRoutes) {
			continue
		}
		if routes[i].method == method {
			return &routes[i], params
		}
		unknown.pattern = routes[i].pattern
	}
	return unknown, nil
}

// fit compares a path with a pattern, element by element.
func fit(pattern, path []string) (map[string]string, bool) {
	if len(pattern) != len(path) {
		return nil, false
	}
	var params map[string]string
	for i, want := range pattern {
		name, isParam := strings.CutPrefix(want, "{")
		if !isParam {
			if want != path[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(path[i])
		if err != nil || value == "" {
			return nil, false
		}
		if params == nil {
			params = map[string]string{}
		}
		params[strings.TrimSuffix(name, "}")] = value
	}
	return params, true
}

// refuse answers a request that has no route: 405 where another method has one,
// else 404.
func (r *route) refuse() answer {
	if r.pattern == "" {
		return fail(http.StatusNotFound, 0, "The requested path doesn't exist.", nil)
	}
	var methods []string
	for i := range routes {
		if routes[i].pattern == r.pattern {
			methods = append(methods, routes[i].method)
		}
	}
	refused := fail(http.StatusMethodNotAllowed, 0, "The method is not allowed for this path.", nil)
	refused.header = http.Header{"Allow": {strings.Join(methods, ", ")}}
	return refused
}
