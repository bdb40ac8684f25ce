package orgusers_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestGetOrganization(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]orguserstest.Option{
		"as the service sends it":          nil,
		"in the form of the documentation": {orguserstest.WithOrganizationList()},
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
			if got.UID != server.OrganizationUID || got.OwnerUID != owner.UID || got.Name == "" || !got.Enabled || got.ExpiresOn.IsZero() ||
				got.CreatedAt.IsZero() || got.UpdatedAt.Before(got.CreatedAt) || got.Plan != nil {
				t.Errorf("got %+v", got)
			}
			got, err = client.GetOrganization(t.Context(), &orgusers.OrganizationOptions{IncludePlan: true})
			if err != nil {
				t.Fatal(err)
			}
			for uid, limit := range map[string]float64{"users": 500, "getLimit": 30, "limit": 20, "bulkLimit": 1} {
				if !slices.ContainsFunc(got.Plan.Features, func(f orgusers.PlanFeature) bool { return f.UID == uid && f.Limit == limit && f.Enabled }) {
					t.Errorf("the plan has no %s of %v: %+v", uid, limit, got.Plan)
				}
			}
		})
	}
}

func TestSampleOfAnOrganization(t *testing.T) {
	t.Parallel()
	got, err := newClient(t, body(200, sample(t, "organization_recorded.json"))).GetOrganization(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	feature := func(uid, name string, limit float64) orgusers.PlanFeature {
		return orgusers.PlanFeature{UID: uid, Name: name, Limit: limit, MaxLimit: limit, Enabled: true}
	}
	want := &orgusers.Organization{
		UID: "blt9999000011112222", Name: "Example Media", PlanID: "scale", OwnerUID: "blteeeeffff00001111",
		TransferSentAt: sampleTime(t, "2025-12-31T00:00:00.000Z"), ExpiresOn: sampleTime(t, "2029-12-31T00:00:00.000Z"), Enabled: true, OverUsageAllowed: true,
		CreatedAt: sampleTime(t, "2023-01-01T00:00:00.000Z"), UpdatedAt: sampleTime(t, "2026-01-01T00:00:00.000Z"),
		Plan: &orgusers.Plan{PlanID: "scale", Name: "Scale", Features: []orgusers.PlanFeature{
			feature("users", "Users", 1000), feature("getLimit", "Reads per second", 100), feature("limit", "Writes per second", 100),
			feature("bulkLimit", "Bulk requests per second", 50), feature("bulk_user_actions", "Users in a bulk action", 10),
			feature("mfaResetAccess", "Administrators may reset MFA", 1), feature("teams", "Teams", 500),
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	got, err = newClient(t, body(200, `{"organizations":[{"uid":"blt1","owner":true,"is_transfer_set":true,"transfer_to":"a@example.com","expires_on":""}]}`)).GetOrganization(t.Context(), nil)
	if diff := cmp.Diff(&orgusers.Organization{UID: "blt1", Owner: true, TransferPending: true, TransferTo: "a@example.com"}, got); err != nil || diff != "" {
		t.Errorf("got %v; -want +got:\n%s", err, diff)
	}
}

func TestOtherOrganizations(t *testing.T) {
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
			t.Errorf("the organization: got %v, want %v", err, want)
		}
		if _, err := collect(t, client.Users(t.Context(), nil)); !errors.Is(err, want) {
			t.Errorf("its users: got %v, want %v", err, want)
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
			want := map[string]bool{server.OrganizationUID: true, server.SecondOrganizationUID: true}
			for name, all := range map[string][]*orgusers.Organization{
				"with a client":    mustCollect(t, fakeClient(t, server).Organizations(t.Context())),
				"without a client": mustCollect(t, orgusers.Organizations(t.Context(), server.Options()...)),
			} {
				uids := map[string]bool{}
				for _, organization := range all {
					uids[organization.UID] = true
				}
				if diff := cmp.Diff(want, uids); diff != "" {
					t.Errorf("%s: -want +got:\n%s", name, diff)
				}
			}
		})
	}
}

// The function Organizations checks its options when the sequence is ranged over.
func TestOrganizationsBeforeThereIsAClient(t *testing.T) {
	t.Parallel()
	server := startFake(t)
	base, auth := orgusers.WithBaseURL(server.URL), orgusers.WithAuthToken(server.AuthToken)
	for name, opts := range map[string][]orgusers.Option{
		"no options":               nil,
		"missing credentials":      {base},
		"two kinds of credentials": {base, auth, orgusers.WithTokenSource(tokens("a"))},
		"two places":               {base, auth, orgusers.WithRegion("eu")},
		"an invalid option":        {base, auth, orgusers.WithLogger(nil)},
		"a rejected token":         {base, orgusers.WithAuthToken("blt0")},
	} {
		want := orgusers.ErrInvalid
		if name == "a rejected token" {
			want = orgusers.ErrUnauthorized
		}
		all := orgusers.Organizations(t.Context(), opts...)
		for range 2 { // it can be ranged over again
			if rows, err := collect(t, all); !errors.Is(err, want) || len(rows) > 0 {
				t.Errorf("%s: got %v, %v; want %v", name, rows, err, want)
			}
		}
	}
	if n := len(server.Requests()); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
	all := orgusers.Organizations(t.Context(), base, auth, nil)
	if first, second := mustCollect(t, all), mustCollect(t, all); len(first) != 2 || len(second) != 2 {
		t.Errorf("%d and %d organizations, want 2", len(first), len(second))
	}
	for organization, err := range all {
		if err != nil || organization.CreatedAt.After(time.Now()) {
			t.Error(organization, err)
		}
		break
	}
}
