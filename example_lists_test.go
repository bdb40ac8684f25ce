package orgusers_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// One page of a list, such as that of a table with buttons to turn pages.
func ExampleClient_ListUsers() {
	server := orguserstest.NewServer(orguserstest.WithUsers(250)) // a fake of the API
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	page, err := client.ListUsers(context.Background(), &orgusers.ListUsersOptions{PageSize: 20, Skip: 240})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("users %d to %d of %d\n", page.Skip+1, page.Skip+len(page.Users), page.Count)
	// Output: users 241 to 250 of 250
}

// The stacks of the organization, and the roles that each of them has.
func ExampleClient_Stacks() {
	server := orguserstest.NewServer() // a fake of the API, with an invented organization
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	for stack, err := range client.Stacks(ctx, &orgusers.StacksOptions{Search: "Web"}) {
		if err != nil {
			log.Fatal(err)
		}
		var names []string
		for role, err := range client.StackRoles(ctx, stack.APIKey) {
			if err != nil {
				log.Fatal(err)
			}
			names = append(names, role.Name)
		}
		fmt.Printf("%s, %d users: %s\n", stack.Name, stack.Users.Count, strings.Join(names, ", "))
	}
	// Output: Website, 4 users: Admin, Developer, Content Manager
}

// Who changed something in the last hour. Entries are in order, newest first.
func ExampleClient_AuditLog() {
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "ada@example.com", Roles: []string{"Admin"}},
		orguserstest.Person{Email: "max@example.com"},
		orguserstest.Person{Email: "pia@example.com", Pending: true},
	))
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if _, err := client.ResendInvitations(ctx, []string{"pia@example.com"}, nil); err != nil {
		log.Fatal(err)
	}
	if _, err := client.RemoveUsers(ctx, []string{"max@example.com"}, nil); err != nil {
		log.Fatal(err)
	}

	ada, err := client.GetUser(ctx, "ada@example.com")
	if err != nil {
		log.Fatal(err)
	}
	var newest time.Time
	for entry, err := range client.AuditLog(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		if newest.IsZero() {
			newest = entry.CreatedAt
		}
		if newest.Sub(entry.CreatedAt) > time.Hour {
			break // older entries are not read
		}
		fmt.Println(entry.Module, entry.EventType, "by Ada:", entry.CreatedBy == ada.UID)
	}
	// Output:
	// user remove by Ada: true
	// user resend_invitation by Ada: true
}
