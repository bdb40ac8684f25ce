package orgusers_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/orgusers/orgusers"
)

func ExampleClient_PendingInvitations() {
	_, client := staff()

	for user, err := range client.PendingInvitations(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(user.Email, user.Status)
	}
	// Output: pia@example.com pending
}

func ExampleClient_Roles() {
	_, client := staff()

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
	_, client := staff()

	page, err := client.ListRoles(context.Background(), &orgusers.ListRolesOptions{PageSize: 1})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d of %d roles\n", len(page.Roles), page.Count)
	// Output: 1 of 4 roles
}

func ExampleClient_Stacks() {
	_, client := staff()

	for stack, err := range client.Stacks(context.Background(), &orgusers.StacksOptions{Search: "Web"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(stack.Name, stack.Users.Count) // StackRoles wants its APIKey
	}
	// Output: Website 1
}

func ExampleClient_StackRoles() {
	server, client := staff()

	for role, err := range client.StackRoles(context.Background(), server.Stacks()[0].APIKey) {
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

func ExampleClient_Organization() {
	_, client := staff()

	organization, err := client.Organization(context.Background(), &orgusers.OrganizationOptions{IncludePlan: true})
	if err != nil {
		log.Fatal(err)
	}
	for _, feature := range organization.Plan.Features {
		if feature.UID == "users" {
			fmt.Printf("%s has room for %.0f users\n", organization.Name, feature.Limit)
		}
	}
	// Output: Example Media has room for 500 users
}

func ExampleClient_Organizations() {
	_, client := staff()

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
	_, client := staff()

	page, err := client.ListOrganizations(context.Background(), &orgusers.ListOrganizationsOptions{PageSize: 1})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d of %d organizations\n", len(page.Organizations), page.Count)
	// Output: 1 of 2 organizations
}

func ExampleClient_ForOrganization() {
	server, client := staff()

	second, err := client.ForOrganization(server.SecondOrganizationUID)
	if err != nil {
		log.Fatal(err)
	}
	organization, err := second.Organization(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(organization.Name)
	// Output: Example Labs
}

func ExampleClient_OrganizationUID() {
	server, client := staff()

	fmt.Println(client.OrganizationUID() == server.OrganizationUID)
	// Output: true
}

func ExampleClient_BaseURL() {
	client, err := orgusers.New("blt1a2b3c4d5e6f7081", orgusers.WithAuthToken(token), orgusers.WithRegion(orgusers.RegionEU))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.BaseURL())
	// Output: https://eu-api.contentstack.com
}

func ExampleClient_CurrentUser() {
	_, client := staff()

	user, err := client.CurrentUser(context.Background())
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
	_, client := staff()
	ctx := context.Background()

	if err := client.Logout(ctx); err != nil {
		log.Fatal(err)
	}
	_, err := client.CurrentUser(ctx)
	fmt.Println(errors.Is(err, orgusers.ErrUnauthorized))
	// Output: true
}

func ExampleClient_AuditEntry() {
	_, client := staff()
	ctx := context.Background()

	if err := client.ResendInvitationTo(ctx, "pia@example.com"); err != nil {
		log.Fatal(err)
	}
	for newest, err := range client.AuditLog(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		entry, err := client.AuditEntry(ctx, newest.UID)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(entry.Module, entry.EventType, len(entry.Raw) > 0)
		break
	}
	// Output: user resend invitation true
}
