package orgusers_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// staff starts a fake of the API with four users, and returns a client of the
// administrator Ada. The API has no public requests for UnlockUsers and similar actions:
// the client uses those that the fake invented.
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

func ExampleClient_Invite() {
	server, client := staff()

	result, err := client.Invite(context.Background(), []orgusers.Invitee{
		{Email: "new@example.com", Roles: []string{"Member"}},
		{Email: "Max@Example.com", Roles: []string{"Member"}},
		{Email: "pia@example.com", Roles: []string{"Member"}},
	}, &orgusers.InviteOptions{Message: "Welcome!"})
	for _, outcome := range result.Outcomes { // complete even if there is an error
		fmt.Printf("%s %s %q\n", outcome.Email, outcome.Status, outcome.Reason)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(server.Outbox()), "email")
	// Output:
	// new@example.com done ""
	// Max@Example.com skipped "already_member"
	// pia@example.com skipped "already_pending"
	// 1 email
}

func ExampleClient_ResendInvitations() {
	_, client := staff()

	result, err := client.ResendInvitations(context.Background(), []string{"pia@example.com", "max@example.com"}, nil)
	for _, outcome := range result.Outcomes {
		fmt.Printf("%s %s %q\n", outcome.Email, outcome.Status, outcome.Reason)
	}
	if errors.Is(err, orgusers.ErrOutcomeUnknown) {
		log.Fatal("an email may have been sent: ", err)
	}
	// Output:
	// pia@example.com done ""
	// max@example.com skipped "not_pending"
}

func ExampleClient_WithdrawInvitations() {
	_, client := staff()

	result, err := client.WithdrawInvitations(context.Background(), []string{"pia@example.com", "max@example.com"}, nil)
	for _, outcome := range result.Outcomes {
		fmt.Printf("%s %s %q\n", outcome.Email, outcome.Status, outcome.Reason)
	}
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// pia@example.com done ""
	// max@example.com skipped "not_pending"
}

func ExampleClient_RemoveUsers() {
	_, client := staff()

	leavers := []string{"max@example.com", "olga@example.com", "nobody@example.com"}
	for _, options := range []orgusers.BulkOptions{{}, {DryRun: true, SkipRefused: true}, {SkipRefused: true}} {
		result, err := client.RemoveUsers(context.Background(), leavers, &orgusers.RemoveOptions{BulkOptions: options})
		for _, outcome := range result.Outcomes {
			fmt.Printf("%s %s %q\n", outcome.Email, outcome.Status, outcome.Reason)
		}
		fmt.Println(err)
	}
	// Output:
	// max@example.com not_started "call_refused"
	// olga@example.com refused "owner"
	// nobody@example.com not_started "call_refused"
	// orgusers: RemoveUsers: refused: address 2 belongs to the organization's owner; nothing was changed
	// max@example.com planned ""
	// olga@example.com refused "owner"
	// nobody@example.com skipped "not_in_organization"
	// orgusers: RemoveUsers: 1 of 3 users refused: address 2 belongs to the organization's owner
	// max@example.com done ""
	// olga@example.com refused "owner"
	// nobody@example.com skipped "not_in_organization"
	// orgusers: RemoveUsers: 1 of 3 users refused: address 2 belongs to the organization's owner
}

func ExampleClient_TransferOwnership() {
	server, _ := staff()
	ctx := context.Background()
	owner, err := orgusers.New(server.OrganizationUID,
		orgusers.WithAuthToken(server.SignIn("olga@example.com")), // only the owner can do it
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

func ExampleClient_UpdateRoles() {
	_, client := staff()

	result, err := client.UpdateRoles(context.Background(), []string{"max@example.com"}, []string{"admin"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	member := result.Outcomes[0]
	fmt.Println(member.Email, member.Status, member.User.IsAdministrator())
	// Output: max@example.com done true
}

func ExampleClient_UpdateStackAccess() {
	server, client := staff()

	stack := server.Stacks()[0] // Client.Stacks and Client.StackRoles list them
	for range 2 {
		result, err := client.UpdateStackAccess(context.Background(), stack.APIKey, []string{"max@example.com"}, []string{"Developer"}, nil)
		for _, outcome := range result.Outcomes {
			fmt.Printf("%s %s %q\n", outcome.Email, outcome.Status, outcome.Reason)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// max@example.com done ""
	// max@example.com skipped "unchanged"
}

func ExampleClient_SendPasswordResets() {
	server, client := staff()

	_, err := client.SendPasswordResets(context.Background(), []string{"max@example.com"}, nil)
	if errors.Is(err, orgusers.ErrOutcomeUnknown) {
		log.Fatal("an email may have been sent: ", err)
	}
	fmt.Println(server.Outbox()[0].Kind)
	// Output: password reset
}

func ExampleClient_UnlockUsers() {
	_, client := staff()

	result, err := client.UnlockUsers(context.Background(), []string{"max@example.com", "pia@example.com"}, nil)
	for _, outcome := range result.Outcomes {
		fmt.Printf("%s %s %q\n", outcome.Email, outcome.Status, outcome.Reason)
	}
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// max@example.com done ""
	// pia@example.com skipped "pending"
}

func ExampleClient_ResetMFA() {
	_, client := staff()

	result, err := client.ResetMFA(context.Background(), []string{"max@example.com"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	member := result.Outcomes[0] // the fake's endpoint says why it did nothing
	fmt.Println(member.Email, member.Status, member.Reason, member.Detail)
	// Output: max@example.com skipped endpoint no MFA
}

func ExampleClient_ForcePasswordReset() {
	server, client := staff()

	result, err := client.ForcePasswordReset(context.Background(), []string{"max@example.com"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Count(orgusers.OutcomeDone), "done,", server.Outbox()[0].Kind)
	// Output: 1 done, forced password reset
}

func ExampleClient_EndSessions() {
	server, client := staff()
	server.SignIn("max@example.com")

	result, err := client.EndSessions(context.Background(), []string{"max@example.com"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	member, _ := server.User("max@example.com")
	fmt.Println(result.Count(orgusers.OutcomeDone), "done,", len(member.Sessions), "sessions")
	// Output: 1 done, 0 sessions
}

func ExampleWithEndpoints() {
	server, _ := staff()
	server.SignIn("max@example.com")

	// You have to know the request: the vendor does not document it.
	endpoints := orgusers.Endpoints{
		EndSessions: orgusers.Endpoint{Path: "/v3/organizations/{organization_uid}/fake/end_sessions"},
	}
	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), orgusers.WithEndpoints(endpoints))...)
	if err != nil {
		log.Fatal(err)
	}
	result, err := client.EndSessions(context.Background(), []string{"max@example.com"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Outcomes[0].Status)
	_, err = client.UnlockUsers(context.Background(), []string{"max@example.com"}, nil)
	fmt.Println(errors.Is(err, orgusers.ErrNoEndpoint))
	// Output:
	// done
	// true
}
