package orgusers_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// sortedTexts compares lists of texts in any order.
var sortedTexts = cmp.Transformer("sorted", func(texts []string) []string { return slices.Sorted(slices.Values(texts)) })

func TestStacksAndTheirRoles(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]orguserstest.Option{
		"on one page":     nil,
		"on small pages":  {orguserstest.WithPageCap(2)},
		"without a count": {orguserstest.WithPageCap(2), orguserstest.WithoutCount()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, opts...)
			client := fakeClient(t, server)
			owner := server.Users()[0]
			var names []string
			for _, stack := range mustCollect(t, client.Stacks(t.Context(), nil)) {
				names = append(names, stack.Name)
				by := orgusers.Owner{Email: owner.Email, FirstName: owner.FirstName, LastName: owner.LastName}
				if stack.UID == "" || stack.APIKey == "" || stack.OwnerUID != owner.UID || stack.Owner != by || stack.Users.Count < 1 || stack.CreatedAt.IsZero() || stack.UpdatedAt.IsZero() {
					t.Errorf("a stack came as %+v", stack)
				}
				var roles []string
				for _, role := range mustCollect(t, client.StackRoles(t.Context(), stack.APIKey)) {
					roles = append(roles, role.Name)
				}
				if diff := cmp.Diff([]string{"Admin", "Developer", "Content Manager"}, roles); diff != "" {
					t.Errorf("%s: -want +got:\n%s", stack.Name, diff)
				}
			}
			if diff := cmp.Diff([]string{"Website", "Mobile App", "Knowledge Base"}, names); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			found := mustCollect(t, client.Stacks(t.Context(), &orgusers.StacksOptions{Search: "app", PageSize: 2}))
			if len(found) != 1 || found[0].Name != "Mobile App" {
				t.Errorf("a search found %v", found)
			}
		})
	}
}

func TestStacksThatAreRefused(t *testing.T) {
	t.Parallel()
	server := startFake(t)
	client := fakeClient(t, server)
	for _, opts := range []*orgusers.StacksOptions{{PageSize: -1}, {PageSize: 101}} {
		if _, err := collect(t, client.Stacks(t.Context(), opts)); !errors.Is(err, orgusers.ErrInvalid) {
			t.Errorf("%+v: got the error %v, want ErrInvalid", opts, err)
		}
	}
	if got := len(server.Requests()); got != 0 {
		t.Errorf("%d requests were sent", got)
	}
}

func TestStackRolesWithAWrongKey(t *testing.T) {
	t.Parallel()
	_, err := collect(t, fakeClient(t, startFake(t)).StackRoles(t.Context(), "blt0000000000000000"))
	var failure *orgusers.Error
	if !errors.As(err, &failure) || failure.StatusCode != 412 || failure.Code != 109 || !errors.Is(err, orgusers.ErrInvalid) {
		t.Errorf("got the error %v, want a 412", err)
	}
}
