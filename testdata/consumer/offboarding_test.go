package offboarding

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// The organization has an owner and two members.
var people = orguserstest.WithPeople(
	orguserstest.Person{Email: "ada@example.com", Owner: true},
	orguserstest.Person{Email: "max@example.com"},
	orguserstest.Person{Email: "mia@example.com"},
)

// A bubble of synctest has a clock of its own, so limits and retries take no time.
func TestOffboard(t *testing.T) {
	for name, test := range map[string]struct {
		leavers []string
		fault   orguserstest.Fault
		left    []string
		err     error
		users   int // who are still in the organization
	}{
		"a member and a stranger": {leavers: []string{"max@example.com", "gone@example.com"}, users: 2},
		"the owner is refused":    {leavers: []string{"max@example.com", "ada@example.com"}, left: []string{"max@example.com", "ada@example.com"}, err: orgusers.ErrRefused, users: 3},
		"no permission": {
			leavers: []string{"max@example.com"}, left: []string{"max@example.com"}, err: orgusers.ErrForbidden, users: 3,
			fault: orguserstest.Fault{Method: http.MethodDelete, Effect: orguserstest.Status(http.StatusForbidden)},
		},
		"the response is lost": { // the removal is made, and the client reads it back
			leavers: []string{"max@example.com"}, users: 2,
			fault: orguserstest.Fault{Method: http.MethodDelete, Effect: orguserstest.Reset(), After: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := orguserstest.NewUnstartedServer(people)
				defer server.Close()
				if test.fault.Method != "" {
					server.AddFault(test.fault)
				}
				client, err := orgusers.New(server.OrganizationUID, server.Options()...)
				if err != nil {
					t.Fatal(err)
				}
				left, err := Offboard(t.Context(), client, test.leavers)
				if !errors.Is(err, test.err) || !slices.Equal(left, test.left) {
					t.Errorf("got %v, %v", left, err)
				}
				if users := server.Users(); len(users) != test.users {
					t.Errorf("%d users are left, want %d", len(users), test.users)
				}
				if emails := server.Outbox(); len(emails) != 0 {
					t.Errorf("emails were sent: %v", emails)
				}
			})
		})
	}
}
