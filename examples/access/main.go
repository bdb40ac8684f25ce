// Command access prints what one user may do in an organization, and through what.
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

const email = "ada@example.com"

func main() {
	server := orguserstest.NewServer( // a fake: NewFromEnv makes a client of your own organization
		orguserstest.WithPeople(orguserstest.Person{Email: "admin@example.com", Roles: []string{"Admin"}}, orguserstest.Person{Email: email}),
		orguserstest.WithTeams(orguserstest.Team{Name: "Newsroom", Members: []string{email}, Stacks: map[string][]string{"Website": {"Developer"}}}),
	)
	defer server.Close()
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if _, err := client.UpdateStackAccess(ctx, server.Stacks()[1].APIKey, []string{email}, []string{"Content Manager"}, nil); err != nil {
		log.Fatal(err)
	}
	if err := access(ctx, client, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// access sends a few requests. Without Emails it reads the access of all users.
func access(ctx context.Context, client *orgusers.Client, w io.Writer) error {
	for user, err := range client.Access(ctx, &orgusers.AccessOptions{Emails: []string{email}}) {
		if err != nil {
			return err
		}
		for _, role := range user.Roles {
			fmt.Fprintf(w, "organization: %s, %s\n", role.RoleName, through(role.Direct, role.Teams))
		}
		for _, grant := range user.Stacks {
			fmt.Fprintf(w, "stack %s: %s, %s\n", grant.Stack.Name, grant.RoleName, through(grant.Direct, grant.Teams))
		}
		for _, stack := range user.Owns {
			fmt.Fprintf(w, "owns %s\n", stack.Name)
		}
	}
	return nil
}

func through(direct bool, teams []orgusers.TeamRef) string {
	if direct {
		return "given directly"
	}
	return fmt.Sprint("through a team: ", teams[0].Name)
}
