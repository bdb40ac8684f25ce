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

// Twelve users go in two requests, of which the second is refused. What became
// of each is read before the error.
func ExampleBulkResult() {
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "ada@example.com", Roles: []string{"Admin"}},
	))
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	leavers := []string{"nobody@example.com"}
	for n := range 12 {
		user := server.AddUser(orguserstest.Person{Email: fmt.Sprintf("guest%d@example.com", n+1)})
		leavers = append(leavers, user.Email)
	}
	server.AddFault(orguserstest.Fault{
		Method: http.MethodDelete,
		Skip:   1, // the first request goes through
		Effect: orguserstest.Status(http.StatusForbidden),
	})

	result, err := client.RemoveUsers(context.Background(), leavers, nil)
	for _, outcome := range result.Outcomes {
		switch outcome.Status {
		case orgusers.OutcomeDone:
			// Nothing is left to do.
		case orgusers.OutcomeSkipped:
			// Nothing was to be done. Is the address right?
			fmt.Println(outcome.Email, outcome.Reason)
		case orgusers.OutcomeFailed:
			// It was not done: put right what Err says, and call again.
			fmt.Println(outcome.Email, "failed, forbidden:", errors.Is(outcome.Err, orgusers.ErrForbidden))
		case orgusers.OutcomeUnknown:
			// It may have been done: look before you call again.
			fmt.Println(outcome.Email, outcome.Err)
		}
	}
	fmt.Println(result.Count(orgusers.OutcomeDone), "of", len(result.Outcomes), "removed")
	if err != nil {
		fmt.Println(err) // joins the errors of what failed or is unknown
	}
	// Output:
	// nobody@example.com is not in the organization
	// guest11@example.com failed, forbidden: true
	// guest12@example.com failed, forbidden: true
	// 10 of 13 removed
	// orgusers: RemoveUsers: of 13 users 2 failed and 0 are unknown: orgusers: RemoveUsers: DELETE /v3/organizations/{organization_uid}/share: 403: Forbidden: this user may not do that; most operations need the organization's owner or an administrator
}

// A gateway loses the answer to a change that nothing shows afterwards.
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
		After:  true, // the account is unlocked by then
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

func ExampleInviteResult() {
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "ada@example.com", Roles: []string{"Admin"}},
		orguserstest.Person{Email: "max@example.com"},
		orguserstest.Person{Email: "pia@example.com", Pending: true},
	))
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	member := []string{server.RoleUID("Member")} // Client.RoleByName finds it

	result, err := client.Invite(context.Background(), orgusers.InviteRequest{Invitees: []orgusers.Invitee{
		{Email: "new@example.com", RoleUIDs: member},
		{Email: "max@example.com", RoleUIDs: member},
		{Email: "pia@example.com", RoleUIDs: member},
		{Email: "tim@example.com", RoleUIDs: []string{"blt0123456789abcdef"}},
	}})
	for _, outcome := range result.Outcomes { // before the error
		switch outcome.Status {
		case orgusers.Invited:
			fmt.Println(outcome.Email, "has mail")
		case orgusers.AlreadyMember:
			// Roles are changed by UpdateRoles.
			fmt.Println(outcome.Email, "is a member, with", len(outcome.User.Roles), "role")
		case orgusers.AlreadyPending:
			// ResendInvitationTo mails it again.
			fmt.Println(outcome.Email, "has not accepted yet")
		case orgusers.InviteFailed:
			// There is no invitation: put right what Err says, and call again.
			fmt.Println(outcome.Email, "is invalid:", errors.Is(outcome.Err, orgusers.ErrInvalid))
		case orgusers.InviteUnknown:
			// There may be an invitation. Later the same call tells: it mails
			// nobody who is pending.
			fmt.Println(outcome.Email, outcome.Err)
		}
	}
	fmt.Println(result.Count(orgusers.Invited), "of", len(result.Outcomes), "invited")
	if err != nil {
		fmt.Println(err) // joins the errors of what failed or is unknown
	}
	// Output:
	// new@example.com has mail
	// max@example.com is a member, with 1 role
	// pia@example.com has not accepted yet
	// tim@example.com is invalid: true
	// 1 of 4 invited
	// orgusers: Invite: of 4 users 1 failed and 0 are unknown: orgusers: Invite: invalid: there is no organization role with the uid "blt0123456789abcdef"
}

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

	_, err = client.RemoveUsers(context.Background(), leavers, nil)
	if at, ok := errors.AsType[*orgusers.AddressError](err); ok {
		fmt.Printf("%s: %v\n", leavers[at.Index], at)
	}
	fmt.Println("nothing was sent:", errors.Is(err, orgusers.ErrRefused))
	// Output:
	// olga@example.com: number 2 of the addresses is the organization's owner
	// nothing was sent: true
}
