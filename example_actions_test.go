package orgusers_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// staff starts a fake with a few people, and makes a client of its
// administrator, Ada.
func staff() (*orguserstest.Server, *orgusers.Client) {
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "olga@example.com", FirstName: "Olga", LastName: "Owner", Owner: true},
		orguserstest.Person{Email: "ada@example.com", FirstName: "Ada", LastName: "Admin", Roles: []string{"Admin"}},
		orguserstest.Person{Email: "max@example.com", FirstName: "Max", LastName: "Member", FailedLogins: 10},
		orguserstest.Person{Email: "pia@example.com", Pending: true},
	))
	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), orgusers.WithRoutes(server.Routes()))...)
	if err != nil {
		panic(err)
	}
	return server, client
}

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

	err := client.ResendInvitationTo(context.Background(), "pia@example.com")
	fmt.Println(err, len(server.Outbox()))
	err = client.ResendInvitationTo(context.Background(), "max@example.com")
	fmt.Println(errors.Is(err, orgusers.ErrRefused), len(server.Outbox()))
	// Output:
	// <nil> 1
	// true 1
}

func ExampleClient_WithdrawInvitations() {
	_, client := staff()

	result, err := client.WithdrawInvitations(context.Background(), []string{"pia@example.com", "max@example.com"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, outcome := range result.Outcomes {
		fmt.Printf("%s %s %q\n", outcome.Email, outcome.Status, outcome.Reason)
	}
	// Output:
	// pia@example.com done ""
	// max@example.com skipped "is a member already"
}

func ExampleClient_RemoveUsers() {
	_, client := staff()

	leavers := []string{"max@example.com", "nobody@example.com"}
	for _, dryRun := range []bool{true, false} {
		result, err := client.RemoveUsers(context.Background(), leavers, &orgusers.BulkOptions{DryRun: dryRun})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("dry run:", dryRun)
		for _, outcome := range result.Outcomes {
			fmt.Printf("%s %s %q\n", outcome.Email, outcome.Status, outcome.Reason)
		}
	}
	_, err := client.RemoveUsers(context.Background(), []string{"olga@example.com"}, nil)
	fmt.Println(errors.Is(err, orgusers.ErrRefused))
	// Output:
	// dry run: true
	// max@example.com done ""
	// nobody@example.com skipped "is not in the organization"
	// dry run: false
	// max@example.com done ""
	// nobody@example.com skipped "is not in the organization"
	// true
}

func ExampleClient_UpdateRoles() {
	_, client := staff()
	ctx := context.Background()

	admin, err := client.RoleByName(ctx, "admin")
	if err != nil {
		log.Fatal(err)
	}
	result, err := client.UpdateRoles(ctx, []string{"max@example.com"}, []string{admin.UID}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Outcomes[0].Status)
	// Output: done
}

func ExampleClient_UpdateStackAccess() {
	server, client := staff()
	ctx := context.Background()

	stack := server.Stacks()[0]
	access := orgusers.StackAccess{stack.APIKey: {stack.Roles[0].UID}}
	for range 2 { // the second time there is nothing left to do
		result, err := client.UpdateStackAccess(ctx, []string{"max@example.com"}, access, nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(result.Outcomes[0].Status)
	}
	// Output:
	// done
	// skipped
}

func ExampleClient_UnlockUsers() {
	_, client := staff()

	result, err := client.UnlockUsers(context.Background(), []string{"max@example.com"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Outcomes[0].Status)
	// Output: done
}

func ExampleWithRoutes() {
	server, _ := staff()

	// The request is yours to know: the vendor documents none.
	routes := orgusers.Routes{
		EndSessions: orgusers.Route{Path: "/v3/organizations/{organization_uid}/fake/end_sessions"},
	}
	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), orgusers.WithRoutes(routes))...)
	if err != nil {
		log.Fatal(err)
	}
	result, err := client.EndSessions(context.Background(), []string{"max@example.com"}, nil)
	fmt.Println(result.Count(orgusers.OutcomeDone), err)
	_, err = client.UnlockUsers(context.Background(), []string{"max@example.com"}, nil)
	fmt.Println(errors.Is(err, orgusers.ErrNoRoute))
	// Output:
	// 1 <nil>
	// true
}

func ExampleClient_SendPasswordReset() {
	_, client := staff()

	fmt.Println(client.SendPasswordReset(context.Background(), "max@example.com"))
	// Output: <nil>
}

func ExampleClient_AuditLog() {
	_, client := staff()
	ctx := context.Background()

	if err := client.ResendInvitationTo(ctx, "pia@example.com"); err != nil {
		log.Fatal(err)
	}
	entries := 0
	for entry, err := range client.AuditLog(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		if !entry.CreatedAt.IsZero() {
			entries++
		}
	}
	fmt.Println(entries)
	// Output: 1
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
	if err != nil {
		log.Fatal(err)
	}
	for _, outcome := range result.Outcomes {
		fmt.Printf("%s %s %q\n", outcome.Email, outcome.Status, outcome.Reason)
	}
	// Output:
	// max@example.com done ""
	// pia@example.com skipped "has not accepted the invitation"
}

func ExampleClient_ForcePasswordReset() {
	server, client := staff()

	result, err := client.ForcePasswordReset(context.Background(), []string{"max@example.com"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Outcomes[0].Status, server.Outbox()[0].Kind)
	// Output: done forced password reset
}

func ExampleClient_EndSessions() {
	server, client := staff()
	server.SignIn("max@example.com")

	result, err := client.EndSessions(context.Background(), []string{"max@example.com"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	member, _ := server.User("max@example.com")
	fmt.Println(result.Outcomes[0].Status, len(member.Sessions))
	// Output: done 0
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
	organization, err := owner.Organization(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("waits to be accepted:", organization.TransferPending)
	// Output: waits to be accepted: true
}

func ExampleAddressError() {
	_, client := staff()
	leavers := []string{"max@example.com", "olga@example.com"}

	_, err := client.RemoveUsers(context.Background(), leavers, nil)
	if at, ok := errors.AsType[*orgusers.AddressError](err); ok {
		fmt.Printf("%s: %v\n", leavers[at.Index], at)
	}
	fmt.Println("nothing was sent:", errors.Is(err, orgusers.ErrRefused))
	// Output:
	// olga@example.com: number 2 of the addresses is the organization's owner
	// nothing was sent: true
}
