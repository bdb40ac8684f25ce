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

// One request finds up to 99 addresses.
func ExampleClient_FindUsers() {
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "ada@example.com", Roles: []string{"Admin"}},
		orguserstest.Person{Email: "pia@example.com", Pending: true},
	))
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	emails := []string{"pia@example.com", "stranger@example.com", "Ada@Example.com"}

	users, err := client.FindUsers(context.Background(), emails)
	if err != nil {
		log.Fatal(err)
	}
	for _, user := range users { // in the order of the addresses
		fmt.Println(user.Email, user.Status)
	}
	// Output:
	// pia@example.com pending
	// ada@example.com accepted
}

// The server searches in names and addresses.
func ExampleClient_Users_search() {
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "ada@example.com", FirstName: "Ada", LastName: "Lovelace", Roles: []string{"Admin"}},
		orguserstest.Person{Email: "grace@example.com", FirstName: "Grace", LastName: "Hopper"},
		orguserstest.Person{Email: "lovell@example.com", FirstName: "Jim", LastName: "Lovell"},
	))
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	for user, err := range client.Users(context.Background(), &orgusers.ListUsersOptions{Search: "love"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(user.FirstName, user.LastName)
	}
	// Output:
	// Ada Lovelace
	// Jim Lovell
}

// The newest three users. Sorting reads all users first.
func ExampleClient_Users_sort() {
	day := func(n int) time.Time { return time.Date(2026, time.January, n, 0, 0, 0, 0, time.UTC) }
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "olga@example.com", Owner: true, CreatedAt: day(1)},
		orguserstest.Person{Email: "ada@example.com", Roles: []string{"Admin"}, CreatedAt: day(2)},
		orguserstest.Person{Email: "grace@example.com", CreatedAt: day(3)},
		orguserstest.Person{Email: "pia@example.com", CreatedAt: day(4), Pending: true},
	))
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	opts := &orgusers.ListUsersOptions{Sort: orgusers.Sort{By: orgusers.SortByCreated, Descending: true}}
	left := 3
	for user, err := range client.Users(context.Background(), opts) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(user.Email, user.CreatedAt.Format(time.DateOnly))
		if left--; left == 0 {
			break
		}
	}
	// Output:
	// pia@example.com 2026-01-04
	// grace@example.com 2026-01-03
	// ada@example.com 2026-01-02
}

// Collect reads a whole list into memory. With an error the list is not complete.
func ExampleCollect() {
	server := orguserstest.NewServer(orguserstest.WithUsers(250)) // a fake of the API
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}

	users, err := orgusers.Collect(client.Users(context.Background(), nil))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(users), "users")
	// Output: 250 users
}

func ExampleClient_Roles() {
	server := orguserstest.NewServer() // a fake of the API, with an invented organization
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()

	for role, err := range client.Roles(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(role.Description, role.Admin)
	}
	member, err := client.GetRole(ctx, "Member") // by name in any letter case, or by uid
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(member.Users) > 0)
	// Output:
	// Administrators of the organization true
	// Members of the organization false
	// Security managers of the organization false
	// Viewers of product analytics false
	// true
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
