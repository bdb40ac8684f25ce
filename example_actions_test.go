package orgusers_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func ExampleClient_Invite() {
	server, client := staff()
	ctx := context.Background()

	member, err := client.RoleByName(ctx, "Member")
	if err != nil {
		log.Fatal(err)
	}
	result, err := client.Invite(ctx, orgusers.InviteRequest{
		Message: "Welcome!",
		Invitees: []orgusers.Invitee{
			{Email: "new@example.com", RoleUIDs: []string{member.UID}},
			{Email: "Max@Example.com", RoleUIDs: []string{member.UID}},
			{Email: "pia@example.com", RoleUIDs: []string{member.UID}},
		},
	})
	for _, outcome := range result.Outcomes { // also beside an error
		fmt.Println(outcome.Email, outcome.Status)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(server.Outbox()), "mail")
	// Output:
	// new@example.com invited
	// Max@Example.com already a member
	// pia@example.com already pending
	// 1 mail
}

func ExampleClient_ResendInvitationTo() {
	server, client := staff()

	if err := client.ResendInvitationTo(context.Background(), "pia@example.com"); err != nil {
		log.Fatal(err) // ErrOutcomeUnknown: it may have been mailed
	}
	err := client.ResendInvitationTo(context.Background(), "max@example.com") // who is a member
	fmt.Println("refused:", errors.Is(err, orgusers.ErrRefused))
	fmt.Println(len(server.Outbox()), "mail")
	// Output:
	// refused: true
	// 1 mail
}

func ExampleClient_WithdrawInvitations() {
	_, client := staff()

	result, err := client.WithdrawInvitations(context.Background(), []string{"pia@example.com", "max@example.com"}, nil)
	for _, outcome := range result.Outcomes { // also beside an error
		fmt.Printf("%s %s %q\n", outcome.Email, outcome.Status, outcome.Reason)
	}
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// pia@example.com done ""
	// max@example.com skipped "is a member already"
}

func ExampleClient_RemoveUsers() {
	_, client := staff()

	leavers := []string{"max@example.com", "nobody@example.com"}
	for _, dryRun := range []bool{true, false} {
		fmt.Println("dry run:", dryRun)
		result, err := client.RemoveUsers(context.Background(), leavers, &orgusers.BulkOptions{DryRun: dryRun})
		for _, outcome := range result.Outcomes { // also beside an error
			fmt.Printf("%s %s %q\n", outcome.Email, outcome.Status, outcome.Reason)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	_, err := client.RemoveUsers(context.Background(), []string{"olga@example.com"}, nil) // the owner
	fmt.Println("refused:", errors.Is(err, orgusers.ErrRefused))
	// Output:
	// dry run: true
	// max@example.com done ""
	// nobody@example.com skipped "is not in the organization"
	// dry run: false
	// max@example.com done ""
	// nobody@example.com skipped "is not in the organization"
	// refused: true
}

func ExampleClient_UpdateRoles() {
	_, client := staff()
	ctx := context.Background()

	admin, err := client.RoleByName(ctx, "admin")
	if err != nil {
		log.Fatal(err)
	}
	result, err := client.UpdateRoles(ctx, []string{"max@example.com"}, []string{admin.UID}, nil)
	for _, outcome := range result.Outcomes { // also beside an error
		fmt.Println(outcome.Email, outcome.Status)
	}
	if err != nil {
		log.Fatal(err)
	}
	// Output: max@example.com done
}

func ExampleClient_UpdateStackAccess() {
	server, client := staff()
	ctx := context.Background()

	stack := server.Stacks()[0] // Client.Stacks and Client.StackRoles list them
	access := orgusers.StackAccess{stack.APIKey: {stack.Roles[0].UID}}
	for range 2 { // the second time there is nothing left to do
		result, err := client.UpdateStackAccess(ctx, []string{"max@example.com"}, access, nil)
		for _, outcome := range result.Outcomes { // also beside an error
			fmt.Println(outcome.Email, outcome.Status)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// max@example.com done
	// max@example.com skipped
}

func ExampleClient_UnlockUsers() {
	_, client := staff()

	result, err := client.UnlockUsers(context.Background(), []string{"max@example.com"}, nil)
	for _, outcome := range result.Outcomes { // also beside an error
		fmt.Println(outcome.Email, outcome.Status)
	}
	if err != nil {
		log.Fatal(err)
	}
	// Output: max@example.com done
}

func ExampleWithEndpoints() {
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "ada@example.com", Roles: []string{"Admin"}},
		orguserstest.Person{Email: "max@example.com"},
	))
	server.SignIn("max@example.com") // a session to end

	// The request is yours to know: the vendor documents none.
	routes := orgusers.Endpoints{
		EndSessions: orgusers.Endpoint{Path: "/v3/organizations/{organization_uid}/fake/end_sessions"},
	}
	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), orgusers.WithEndpoints(routes))...)
	if err != nil {
		log.Fatal(err)
	}
	result, err := client.EndSessions(context.Background(), []string{"max@example.com"}, nil)
	for _, outcome := range result.Outcomes { // also beside an error
		fmt.Println(outcome.Email, outcome.Status)
	}
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.UnlockUsers(context.Background(), []string{"max@example.com"}, nil)
	fmt.Println("no route:", errors.Is(err, orgusers.ErrNoEndpoint))
	// Output:
	// max@example.com done
	// no route: true
}

func ExampleClient_SendPasswordReset() {
	server, client := staff()

	if err := client.SendPasswordReset(context.Background(), "max@example.com"); err != nil {
		log.Fatal(err) // ErrOutcomeUnknown: it may have been mailed
	}
	fmt.Println("mailed:", server.Outbox()[0].Kind)
	// Output: mailed: password reset
}

func ExampleClient_ResendInvitation() {
	server, client := staff()
	ctx := context.Background()

	for user, err := range client.PendingInvitations(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		if err := client.ResendInvitation(ctx, user.ShareUID); err != nil {
			log.Fatal(err) // ErrOutcomeUnknown: it may have been mailed
		}
	}
	fmt.Println(len(server.Outbox()), "mail")
	// Output: 1 mail
}

func ExampleClient_ResetMFA() {
	server, client := staff()
	server.SetMFA("max@example.com", true)

	result, err := client.ResetMFA(context.Background(), []string{"max@example.com", "pia@example.com"}, nil)
	for _, outcome := range result.Outcomes { // also beside an error
		fmt.Printf("%s %s %q\n", outcome.Email, outcome.Status, outcome.Reason)
	}
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// max@example.com done ""
	// pia@example.com skipped "has not accepted the invitation"
}

func ExampleClient_ForcePasswordReset() {
	server, client := staff()

	result, err := client.ForcePasswordReset(context.Background(), []string{"max@example.com"}, nil)
	for _, outcome := range result.Outcomes { // also beside an error
		fmt.Println(outcome.Email, outcome.Status)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("mailed:", server.Outbox()[0].Kind)
	// Output:
	// max@example.com done
	// mailed: forced password reset
}

func ExampleClient_EndSessions() {
	server, client := staff()
	server.SignIn("max@example.com") // a session to end

	result, err := client.EndSessions(context.Background(), []string{"max@example.com"}, nil)
	for _, outcome := range result.Outcomes { // also beside an error
		fmt.Println(outcome.Email, outcome.Status)
	}
	if err != nil {
		log.Fatal(err)
	}
	member, _ := server.User("max@example.com")
	fmt.Println(len(member.Sessions), "sessions")
	// Output:
	// max@example.com done
	// 0 sessions
}

func ExampleClient_TransferOwnership() {
	server, _ := staff()
	ctx := context.Background()
	owner, err := orgusers.New(server.OrganizationUID,
		orgusers.WithAuthToken(server.SignIn("olga@example.com")), // only the owner can
		orgusers.WithBaseURL(server.URL),
	)
	if err != nil {
		log.Fatal(err)
	}

	if err := owner.TransferOwnership(ctx, "ada@example.com"); err != nil {
		log.Fatal(err)
	}
	organization, err := owner.GetOrganization(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("waits to be accepted:", organization.TransferPending)
	// Output: waits to be accepted: true
}

// staff starts a fake of the API with a few people, and makes a client of its
// administrator, Ada. The API has no public requests for what UnlockUsers and
// its like do: the fake has routes of its own.
func staff() (*orguserstest.Server, *orgusers.Client) {
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "olga@example.com", FirstName: "Olga", LastName: "Owner", Owner: true},
		orguserstest.Person{Email: "ada@example.com", FirstName: "Ada", LastName: "Admin", Roles: []string{"Admin"}},
		orguserstest.Person{Email: "max@example.com", FirstName: "Max", LastName: "Member", FailedLogins: 10},
		orguserstest.Person{Email: "pia@example.com", Pending: true},
	))
	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), orgusers.WithEndpoints(server.Endpoints()))...)
	if err != nil {
		panic(err)
	}
	return server, client
}
