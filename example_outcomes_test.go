package orgusers_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// Twelve users are removed by two requests, and the session ends in between. Each address
// has an outcome.
func ExampleBulkResult() {
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "ada@example.com", Roles: []string{"Admin"}},
	))
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	leavers := []string{"stranger@example.com"}
	for n := range 12 {
		user := server.AddUser(orguserstest.Person{Email: fmt.Sprintf("guest%d@example.com", n+1)})
		leavers = append(leavers, user.Email)
	}
	server.AddFault(orguserstest.Fault{
		Method: http.MethodDelete,
		Skip:   1, // the first request passes
		Effect: orguserstest.Status(http.StatusUnauthorized),
	})

	result, err := client.RemoveUsers(context.Background(), leavers, nil)
	for _, outcome := range result.Outcomes {
		switch outcome.Status {
		case orgusers.OutcomeDone, orgusers.OutcomePlanned:
			// Nothing is left to do.
		case orgusers.OutcomeSkipped:
			// There was nothing to do. Is the address correct?
			fmt.Println(outcome.Email, outcome.Status, outcome.Reason)
		case orgusers.OutcomeUnknown:
			// The user may have been removed: look before you call again.
			fmt.Println(outcome.Email, outcome.Status, outcome.Err)
		default:
			// The user was not removed: correct what Err says, and call again.
			fmt.Println(outcome.Email, outcome.Status, outcome.Reason, errors.Is(outcome.Err, orgusers.ErrUnauthorized))
		}
	}
	fmt.Println(result.Count(orgusers.OutcomeDone), "of", len(result.Outcomes), "removed")
	if err != nil {
		fmt.Println("unauthorized:", errors.Is(err, orgusers.ErrUnauthorized))
	}
	// Output:
	// stranger@example.com skipped not_in_organization
	// guest11@example.com not_started unauthorized true
	// guest12@example.com not_started unauthorized true
	// 10 of 13 removed
	// unauthorized: true
}

// A gateway loses the response to a change that cannot be read back.
func ExampleBulkResult_unknown() {
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "ada@example.com", Roles: []string{"Admin"}},
		orguserstest.Person{Email: "max@example.com", FailedLogins: 10},
	))
	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), orgusers.WithEndpoints(server.Endpoints()))...)
	if err != nil {
		log.Fatal(err)
	}
	server.AddFault(orguserstest.Fault{
		Path:   "/v3/organizations/{organization_uid}/fake/unlock",
		Effect: orguserstest.HTML(http.StatusBadGateway),
		After:  true, // the account is unlocked before
	})

	result, err := client.UnlockUsers(context.Background(), []string{"max@example.com"}, nil)
	for _, outcome := range result.Outcomes {
		fmt.Println(outcome.Email, outcome.Status)
	}
	if errors.Is(err, orgusers.ErrOutcomeUnknown) {
		fmt.Println("ask the user, or unlock again: that does no harm")
	}
	// Output:
	// max@example.com unknown
	// ask the user, or unlock again: that does no harm
}

// A guard refuses the call because of one address.
func ExampleAddressError() {
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "olga@example.com", Owner: true},
		orguserstest.Person{Email: "ada@example.com", Roles: []string{"Admin"}},
		orguserstest.Person{Email: "max@example.com"},
	))
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	leavers := []string{"max@example.com", "olga@example.com"}

	result, err := client.RemoveUsers(context.Background(), leavers, nil)
	if at, ok := errors.AsType[*orgusers.AddressError](err); ok {
		fmt.Printf("%s: %v\n", leavers[at.Index], at)
	}
	fmt.Println("nothing was changed:", errors.Is(err, orgusers.ErrRefused))
	for _, outcome := range result.Outcomes {
		fmt.Println(outcome.Email, outcome.Status, outcome.Reason)
	}
	// Output:
	// olga@example.com: address 2 belongs to the organization's owner
	// nothing was changed: true
	// max@example.com not_started call_refused
	// olga@example.com refused owner
}
