package orgusers_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func ExampleClient_PendingInvitations() {
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "ada@example.com", Roles: []string{"Admin"}},
		orguserstest.Person{Email: "pia@example.com", Pending: true},
	))
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	for user, err := range client.PendingInvitations(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(user.Email, user.Status)
	}
	// Output: pia@example.com pending
}

func ExampleClient_Roles() {
	server := orguserstest.NewServer() // a fake of the API, with a made-up organization
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	for role, err := range client.Roles(context.Background(), nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(role.Description, role.Admin)
	}
	// Output:
	// Admin Role true
	// Member Role false
	// Security Manager Role false
	// Product Analytics Viewer Role false
}

func ExampleClient_ListRoles() {
	server := orguserstest.NewServer() // a fake of the API, with a made-up organization
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	page, err := client.ListRoles(context.Background(), &orgusers.ListRolesOptions{PageSize: 1})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d of %d roles\n", len(page.Roles), page.Count)
	// Output: 1 of 4 roles
}

func ExampleClient_Stacks() {
	server := orguserstest.NewServer() // a fake of the API, with a made-up organization
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	for stack, err := range client.Stacks(context.Background(), &orgusers.StacksOptions{Search: "Web"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(stack.Name, stack.Users.Count, "users") // StackRoles wants its APIKey
	}
	// Output: Website 7 users
}

func ExampleClient_StackRoles() {
	server := orguserstest.NewServer() // a fake of the API, with a made-up organization
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	website := server.Stacks()[0].APIKey // Client.Stacks lists them
	for role, err := range client.StackRoles(context.Background(), website) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(role.Name)
	}
	// Output:
	// Admin
	// Developer
	// Content Manager
}

func ExampleClient_GetOrganization() {
	server := orguserstest.NewServer() // a fake of the API, with a made-up organization
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	organization, err := client.GetOrganization(context.Background(), &orgusers.OrganizationOptions{IncludePlan: true})
	if err != nil {
		log.Fatal(err)
	}
	if organization.Plan == nil { // it was not asked for, or the server did not send it
		fmt.Println(organization.Name, "does not tell its plan")
		return
	}
	for _, feature := range organization.Plan.Features {
		if feature.UID == "users" {
			fmt.Printf("%s has room for %.0f users\n", organization.Name, feature.Limit)
		}
	}
	// Output: Example Media has room for 500 users
}

func ExampleClient_Organizations() {
	server := orguserstest.NewServer() // a fake of the API, with an administrator of two organizations
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	for organization, err := range client.Organizations(context.Background(), nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(organization.Name)
	}
	// Output:
	// Example Media
	// Example Labs
}

func ExampleClient_ListOrganizations() {
	server := orguserstest.NewServer() // a fake of the API, with an administrator of two organizations
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	page, err := client.ListOrganizations(context.Background(), &orgusers.ListOrganizationsOptions{PageSize: 1})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d of %d organizations\n", len(page.Organizations), page.Count)
	// Output: 1 of 2 organizations
}

func ExampleClient_ForOrganization() {
	server := orguserstest.NewServer() // a fake of the API, with an administrator of two organizations
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	second, err := client.ForOrganization(server.SecondOrganizationUID)
	if err != nil {
		log.Fatal(err)
	}
	organization, err := second.GetOrganization(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(organization.Name)
	// Output: Example Labs
}

func ExampleClient_OrganizationUID() {
	client, err := orgusers.New("blt1a2b3c4d5e6f7081", orgusers.WithAuthToken("blt0123456789abcdef"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.OrganizationUID())
	// Output: blt1a2b3c4d5e6f7081
}

func ExampleClient_BaseURL() {
	client, err := orgusers.New("blt1a2b3c4d5e6f7081",
		orgusers.WithAuthToken("blt0123456789abcdef"), orgusers.WithRegion(orgusers.RegionEU))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.BaseURL())
	// Output: https://eu-api.contentstack.com
}

func ExampleClient_GetCurrentUser() {
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "ada@example.com", FirstName: "Ada", LastName: "Lovelace", Roles: []string{"Admin"}},
	))
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	user, err := client.GetCurrentUser(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, organization := range user.Organizations {
		fmt.Println(user.FirstName, organization.Name, organization.Owner, len(organization.Roles))
	}
	// Output:
	// Ada Example Media false 1
	// Ada Example Labs false 1
}

func ExampleClient_Logout() {
	server := orguserstest.NewServer() // a fake of the API, with a made-up organization
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	if err := client.Logout(ctx); err != nil {
		log.Fatal(err)
	}
	_, err = client.GetCurrentUser(ctx)
	fmt.Println("logged out:", errors.Is(err, orgusers.ErrUnauthorized))
	// Output: logged out: true
}

func ExampleClient_AuditLog() {
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "ada@example.com", Roles: []string{"Admin"}},
		orguserstest.Person{Email: "pia@example.com", Pending: true},
	))
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	if err := client.ResendInvitationTo(ctx, "pia@example.com"); err != nil {
		log.Fatal(err)
	}
	for entry, err := range client.AuditLog(ctx, nil) { // newest first
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(entry.Module, entry.EventType)
	}
	// Output: user resend invitation
}

func ExampleClient_GetAuditEntry() {
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "ada@example.com", Roles: []string{"Admin"}},
		orguserstest.Person{Email: "pia@example.com", Pending: true},
	))
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	if err := client.ResendInvitationTo(ctx, "pia@example.com"); err != nil {
		log.Fatal(err)
	}
	for newest, err := range client.AuditLog(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		entry, err := client.GetAuditEntry(ctx, newest.UID)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(entry.Module, entry.EventType, len(entry.Raw) > 0)
		break
	}
	// Output: user resend invitation true
}
