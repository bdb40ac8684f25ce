package orgusers_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

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
