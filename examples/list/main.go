// Command list prints the users of an organization, with the roles that they have.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func main() {
	server := orguserstest.NewServer() // a fake: NewFromEnv makes a client of your own organization
	defer server.Close()
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	if err := list(context.Background(), client, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// list prints one line for each user. The list is complete, or there is an error.
func list(ctx context.Context, client *orgusers.Client, w io.Writer) error {
	users, administrators := 0, 0
	for user, err := range client.Users(ctx, nil) {
		if err != nil {
			return err
		}
		users++
		if user.IsAdministrator() {
			administrators++
		}
		var roles []string
		for _, role := range user.Roles {
			roles = append(roles, role.Name)
		}
		if _, err := fmt.Fprintf(w, "%-40q %-9s %v\n", user.Email, user.Status, roles); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d users, %d of them administrators\n", users, administrators)
	return err
}
