package orgusers_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestOrganization(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]orguserstest.Option{
		"as the service has it":       nil,
		"as the documentation has it": {orguserstest.WithOrganizationList()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, append(opts, orguserstest.WithRateLimit(30, 20))...)
			client := fakeClient(t, server)
			owner := server.Users()[0]
			got, err := client.GetOrganization(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			want := &orgusers.Organization{
				UID: server.OrganizationUID, Name: "Example Media", PlanID: "enterprise", OwnerUID: owner.UID,
				ExpiresOn: time.Date(2029, 1, 15, 9, 0, 0, 0, time.UTC), Enabled: true, OverUsageAllowed: true,
				CreatedAt: got.CreatedAt, UpdatedAt: got.UpdatedAt,
			}
			if diff := cmp.Diff(want, got); diff != "" || got.CreatedAt.IsZero() || got.UpdatedAt.Before(got.CreatedAt) {
				t.Errorf("from %v to %v; -want +got:\n%s", got.CreatedAt, got.UpdatedAt, diff)
			}
			got, err = client.GetOrganization(t.Context(), &orgusers.OrganizationOptions{IncludePlan: true})
			if err != nil {
				t.Fatal(err)
			}
			plan := &orgusers.Plan{PlanID: "enterprise", Name: "Enterprise", Features: []orgusers.PlanFeature{
				{UID: "users", Name: "Users", Limit: 500, Enabled: true},
				{UID: "getLimit", Name: "Reads per second", Limit: 30, Enabled: true},
				{UID: "limit", Name: "Writes per second", Limit: 20, Enabled: true},
				{UID: "bulkLimit", Name: "Bulk actions per second", Limit: 1, Enabled: true},
			}}
			if diff := cmp.Diff(plan, got.Plan); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestOrganizationThatCannotBeUnderstood(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{}`, `null`, `[]`, ``, `{"organization":null}`, `{"organizations":[]}`, `{"organizations":[null]}`, `{"organizations":[{"uid":"a"},{"uid":"b"}]}`,
		`{"organization":{"uid":"a","expires_on":"soon"}}`, `<html></html>`,
	} {
		organization, err := newClient(t, roundTripper(body(200, text))).GetOrganization(t.Context(), nil)
		if organization != nil || !errors.Is(err, orgusers.ErrServer) {
			t.Errorf("%s: got %v and the error %v, want ErrServer", text, organization, err)
		}
	}
}

func TestOrganizationsOfOthers(t *testing.T) {
	t.Parallel()
	server := startFake(t)
	for uid, want := range map[string]error{
		server.SecondOrganizationUID:  nil,
		server.ForeignOrganizationUID: orgusers.ErrForbidden,
		"blt0000000000000000":         orgusers.ErrNotFound,
	} {
		client, err := fakeClient(t, server).ForOrganization(uid)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.GetOrganization(t.Context(), nil); !errors.Is(err, want) {
			t.Errorf("the organization: got the error %v, want %v", err, want)
		}
		if _, err := collect(t, client.Users(t.Context(), nil)); !errors.Is(err, want) {
			t.Errorf("its users: got the error %v, want %v", err, want)
		}
	}
}

func TestOrganizations(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]orguserstest.Option{
		"on one page": nil, "without a count": {orguserstest.WithoutCount()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, opts...)
			client := fakeClient(t, server)
			uids := map[string]bool{}
			for _, organization := range mustCollect(t, client.Organizations(t.Context(), nil)) {
				uids[organization.UID] = true
			}
			if diff := cmp.Diff(map[string]bool{server.OrganizationUID: true, server.SecondOrganizationUID: true}, uids); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			found := mustCollect(t, client.Organizations(t.Context(), &orgusers.ListOrganizationsOptions{Search: "labs"}))
			if len(found) != 1 || found[0].UID != server.SecondOrganizationUID {
				t.Errorf("a search found %v", found)
			}
			if rest := mustCollect(t, client.Organizations(t.Context(), &orgusers.ListOrganizationsOptions{Skip: 1})); len(rest) != 1 {
				t.Errorf("%d organizations after one of two", len(rest))
			}
		})
	}
}

func TestListOrganizations(t *testing.T) {
	t.Parallel()
	client := fakeClient(t, startFake(t))
	page, err := client.ListOrganizations(t.Context(), &orgusers.ListOrganizationsOptions{PageSize: 1, Skip: 1})
	if err != nil || len(page.Organizations) != 1 || page.Count != 2 || page.Skip != 1 || page.Organizations[0].Name != "Example Labs" {
		t.Errorf("got %+v and the error %v, want the second of two", page, err)
	}
	for _, opts := range []*orgusers.ListOrganizationsOptions{{PageSize: -1}, {PageSize: 101}, {Skip: -1}} {
		if _, err := client.ListOrganizations(t.Context(), opts); !errors.Is(err, orgusers.ErrInvalid) {
			t.Errorf("%+v: got the error %v, want ErrInvalid", opts, err)
		}
		if _, err := collect(t, client.Organizations(t.Context(), opts)); !errors.Is(err, orgusers.ErrInvalid) {
			t.Errorf("%+v: got the error %v, want ErrInvalid", opts, err)
		}
	}
}
