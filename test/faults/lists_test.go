package faults_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/test/operations"
)

// The suites of this file range over every list of the client.
func TestEveryListIsTested(t *testing.T) {
	t.Parallel()
	for method := range reflect.TypeFor[*orgusers.Client]().Methods() {
		if method.Type.NumOut() == 0 {
			continue
		}
		returned := method.Type.Out(0)
		switch name := method.Name; {
		case returned.Kind() != reflect.Func || !returned.CanSeq2() || lists[name] != nil:
		case name == "Access", name == "PendingInvitations", name == "Teams": // two consist of other lists, and teams are read 500 at a time
		default:
			t.Errorf("%s is not in lists", name)
		}
	}
}

// A response without the list or the value is an error, and not an empty list.
func TestResponsesWithoutTheValue(t *testing.T) {
	t.Parallel()
	for _, o := range operations.All {
		if o.Kind != operations.Read || o.Custom {
			continue
		}
		t.Run(o.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake := newCrowd(t)
				a := newArguments(t, o, fake, roundTripper(func(r *http.Request) (*http.Response, error) {
					if o.Matches(r.Method, r.URL.Path) {
						return body(http.StatusOK, `{}`)(r)
					}
					return fake.Transport().RoundTrip(r)
				}))
				if got, err := o.Run(t.Context(), a); err == nil {
					t.Errorf("the response {} gave %+v, want an error: the struct of the response needs a method complete", got)
				}
			})
		})
	}
}

// rows is a server whose lists all have the same rows. It is any of the lists of the API.
type rows struct {
	uids     func() []string            // of the list that responds to the next request
	counted  bool                       // responses have a count
	refuse   func(skip, total int) bool // offsets that are rejected
	rejected roundTripper               // the response to them

	mu       sync.Mutex
	requests int
}

func (l *rows) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	uids := l.uids()
	skip, _ := strconv.Atoi(r.URL.Query().Get("skip"))
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	if l.refuse != nil && l.refuse(skip, len(uids)) {
		return l.rejected(r)
	}
	list := []map[string]any{}
	for _, uid := range uids[min(skip, len(uids)):min(skip+limit, len(uids))] {
		list = append(list, map[string]any{"uid": uid, "api_key": uid})
	}
	name := path.Base(r.URL.Path)
	page := map[string]any{cmp.Or(listNames[name], name): list}
	if l.counted {
		page["count"] = len(uids)
	}
	text, err := json.Marshal(page)
	if err != nil {
		return nil, err
	}
	return body(200, string(text))(r)
}

// listNames are the names of lists that are not the last element of the path.
var listNames = map[string]string{"share": "shares"}

func numbered(n int) []string {
	uids := make([]string, n)
	for i := range uids {
		uids[i] = "uid" + strconv.Itoa(i)
	}
	return uids
}

// lists are all lists that are read in pages of a hundred. Each yields uids.
var lists = map[string]func(context.Context, *orgusers.Client) ([]string, error){
	"Users": func(ctx context.Context, c *orgusers.Client) ([]string, error) {
		return uidsOf(c.Users(ctx, nil), func(u *orgusers.User) string { return u.ShareUID })
	},
	"Roles": func(ctx context.Context, c *orgusers.Client) ([]string, error) {
		return uidsOf(c.Roles(ctx), func(r *orgusers.Role) string { return r.UID })
	},
	"Stacks": func(ctx context.Context, c *orgusers.Client) ([]string, error) {
		return uidsOf(c.Stacks(ctx, nil), func(s *orgusers.Stack) string { return s.UID })
	},
	"StackRoles": func(ctx context.Context, c *orgusers.Client) ([]string, error) {
		return uidsOf(c.StackRoles(ctx, "blt2"), func(r *orgusers.Role) string { return r.UID })
	},
	"Organizations": func(ctx context.Context, c *orgusers.Client) ([]string, error) {
		return uidsOf(c.Organizations(ctx), func(o *orgusers.Organization) string { return o.UID })
	},
	"TeamUsers": func(ctx context.Context, c *orgusers.Client) ([]string, error) {
		return uidsOf(c.TeamUsers(ctx, "blt3"), func(u *orgusers.TeamUser) string { return u.UID })
	},
	"AuditLog": func(ctx context.Context, c *orgusers.Client) ([]string, error) {
		return uidsOf(c.AuditLog(ctx, nil), func(e *orgusers.AuditEntry) string { return e.UID })
	},
}

func uidsOf[T any](all iter.Seq2[T, error], uid func(T) string) (uids []string, _ error) {
	for row, err := range all {
		if err != nil {
			return uids, err
		}
		uids = append(uids, uid(row))
	}
	return uids, nil
}

// TestEndsOfLists has servers that reject offsets at which the list has no row, as invalid. If they count the
// rows, none is asked for; otherwise only the offset behind an only row may be.
func TestEndsOfLists(t *testing.T) {
	t.Parallel()
	behind := func(skip, total int) bool { return skip > 0 && skip >= total }
	tests := []struct {
		name     string
		rows     int
		counted  bool
		refuse   func(skip, total int) bool
		rejected int // status
		want     error
	}{
		{"no row", 0, false, behind, 422, nil},
		{"one row", 1, false, behind, 422, nil},
		{"one row, 400", 1, false, behind, 400, nil},
		{"one row, counted", 1, true, behind, 422, nil},
		{"one row, 404", 1, false, behind, 404, orgusers.ErrNotFound},
		{"one row, 403", 1, false, behind, 403, orgusers.ErrForbidden},
		{"one row, 409", 1, false, behind, 409, orgusers.ErrConflict},
		{"two rows", 2, false, behind, 422, nil},
		{"a page", 100, false, behind, 422, nil},
		{"a page, counted", 100, true, behind, 422, nil},
		{"a page and a row", 101, false, behind, 400, nil},
		{"no row, and every offset is rejected", 0, false, func(int, int) bool { return true }, 422, orgusers.ErrInvalid},
		{"two rows, and every offset but 0 is rejected", 2, false, func(skip, _ int) bool { return skip > 0 }, 422, orgusers.ErrInvalid},
		{"an offset in the middle is rejected", 250, true, func(skip, _ int) bool { return skip > 100 }, 422, orgusers.ErrInvalid},
	}
	for _, tt := range tests {
		for name, list := range lists {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					server := &rows{uids: func() []string { return numbered(tt.rows) }, counted: tt.counted, refuse: tt.refuse, rejected: status(tt.rejected)}
					uids, err := list(t.Context(), newClient(t, server, orgusers.WithAuthToken(token)))
					if !errors.Is(err, tt.want) || err == nil && !slices.Equal(uids, numbered(tt.rows)) {
						t.Errorf("%d rows and %v after %d requests, want %d and %v", len(uids), err, server.requests, tt.rows, tt.want)
					}
				})
			})
		}
	}
}
