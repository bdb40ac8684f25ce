package orgusers_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/orgusers/orgusers"
)

// requestLog responds to requests in order, with its last response from then on.
type requestLog struct {
	responses []roundTripper
	mu        sync.Mutex
	sent      []*http.Request
}

func (l *requestLog) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	next := l.responses[min(len(l.sent), len(l.responses)-1)]
	l.sent = append(l.sent, r)
	l.mu.Unlock()
	return next(r)
}

// repeated returns how often the request was sent that was sent most often.
func (l *requestLog) repeated() int {
	times := map[string]int{}
	for _, r := range l.sent {
		times[r.URL.Path]++
	}
	return slices.Max(slices.Collect(maps.Values(times)))
}

// A value that cannot be read is named by its place. Reading it again would not help.
func TestUnreadableResponses(t *testing.T) {
	t.Parallel()
	list := func(ctx context.Context, c *orgusers.Client) error {
		page, err := c.ListUsers(ctx, nil)
		if page != nil {
			return errors.New("there is a page")
		}
		return err
	}
	organization := func(ctx context.Context, c *orgusers.Client) error {
		_, err := c.GetOrganization(ctx, nil)
		return err
	}
	user := func(ctx context.Context, c *orgusers.Client) error {
		_, err := c.GetCurrentUser(ctx)
		return err
	}
	roles := func(ctx context.Context, c *orgusers.Client) error {
		_, err := orgusers.Collect(c.Roles(ctx))
		return err
	}
	const lacks, notJSON = "lacks the requested value", "is not the expected JSON"
	tests := []struct {
		call func(context.Context, *orgusers.Client) error
		body string
		says string
	}{
		{list, `{"shares":[{"uid":"a"},{"uid":"b"},{"uid":"c","last_login_at":"never"}],"count":3}`, "shares[2].last_login_at is not a time"},
		{list, `{"shares":[{"uid":"a","user":{"last_login_at":1697199422}}]}`, "shares[0].user.last_login_at is not a time"},
		{list, `{"shares":[{"user_details":{"last_login_at":"13/10/2023"}}]}`, "shares[0].user_details.last_login_at is not a time"},
		{list, `{"shares":[{"created_at":{"date":"2023-10-13T12:17:02.473Z"}}]}`, "shares[0].created_at is not a time"},
		{list, `{"shares":[{"uid":7}]}`, "shares[0].uid has an unexpected value"},
		{list, `{"shares":[{"uid":"a"},{"org_roles":["r",{"uid":["x"]}]}]}`, "shares[1].org_roles[1].uid has an unexpected value"},
		{list, `{"shares":[{"invited_by":{"email":1}}]}`, "shares[0].invited_by.email has an unexpected value"},
		{list, `{"shares":[{"is_owner":"yes"}]}`, "shares[0].is_owner has an unexpected value"},
		{list, `{"shares":{}}`, "shares has an unexpected value"},
		{list, `{"shares":[7]}`, "shares[0] has an unexpected value"},
		{list, `{"shares":[],"count":"many"}`, "count has an unexpected value"},
		{list, `{}`, lacks},
		{list, `null`, lacks},
		{list, `{"shares":[{"uid":"a"},null]}`, lacks},
		{list, `[]`, notJSON},
		{list, ``, notJSON},
		{list, `{"shares":[{"uid":"a"}`, notJSON},
		{list, `<html></html>`, notJSON},
		{organization, `{"organization":{"plan":{"features":[{"limit":1},{"limit":"all"}]}}}`, "organization.plan.features[1].limit has an unexpected value"},
		{organization, `{"organization":{"expires_on":"soon"}}`, "organization.expires_on is not a time"},
		{organization, `{"organization":null}`, lacks},
		{organization, `{"organizations":[]}`, lacks},
		{organization, `{"organizations":[null]}`, lacks},
		{organization, `{"organizations":[{"uid":"a"},{"uid":"b"}]}`, lacks},
		{user, `{"user":{"last_login_at":"yesterday"}}`, "user.last_login_at is not a time"},
		{user, `{"user":{"organizations":[{"org_roles":[{"updated_at":1}]}]}}`, "user.organizations[0].org_roles[0].updated_at is not a time"},
		{user, `{"user":{"shared_org_uid":[{"uid":1}]}}`, "user.shared_org_uid[0].uid has an unexpected value"},
		{user, `{"user":null}`, lacks},
		{roles, `{"roles":[{"uid":"a","admin":"yes"}]}`, "roles[0].admin has an unexpected value"},
		{roles, `{"roles":[null]}`, lacks},
	}
	for _, tt := range tests {
		log := &requestLog{responses: []roundTripper{body(200, tt.body)}}
		err := tt.call(t.Context(), newClient(t, log))
		var failure *orgusers.Error
		if !errors.Is(err, orgusers.ErrServer) || !errors.As(err, &failure) || failure.StatusCode != 200 {
			t.Errorf("%s: got %v, want a response that cannot be read", tt.body, err)
			continue
		}
		if !strings.HasSuffix(err.Error(), tt.says) || log.repeated() != 1 {
			t.Errorf("%s: got %v after %d requests, want the end %q after one", tt.body, err, log.repeated(), tt.says)
		}
	}
}
