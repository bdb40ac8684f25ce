package orgusers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// editors starts a fake of the API with a team that gives a role in a stack, and returns
// a client of the administrator Ada.
func editors(opts ...orgusers.Option) (*orguserstest.Server, *orgusers.Client) {
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "olga@example.com", Owner: true},
		orguserstest.Person{Email: "ada@example.com", Roles: []string{"Admin"}},
		orguserstest.Person{Email: "max@example.com"},
		orguserstest.Person{Email: "pia@example.com", Pending: true},
	), orguserstest.WithTeams(orguserstest.Team{
		Name: "Editors", Members: []string{"max@example.com"}, Stacks: map[string][]string{"Website": {"Developer"}},
	}))
	for _, stack := range server.Stacks() {
		server.SetStackAccess("ada@example.com", stack.APIKey)
		server.SetStackAccess("max@example.com", stack.APIKey)
		server.SetStackAccess("pia@example.com", stack.APIKey)
	}
	server.SetStackOwner(server.Stacks()[1].APIKey, "max@example.com")
	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), opts...)...)
	if err != nil {
		panic(err)
	}
	return server, client
}

func ExampleClient_Access() {
	_, client := editors()

	for user, err := range client.Access(context.Background(), &orgusers.AccessOptions{Emails: []string{"max@example.com"}}) {
		if err != nil {
			log.Fatal(err) // a stack could not be read
		}
		for _, grant := range user.Stacks {
			fmt.Println(grant.RoleName, "in", grant.Stack.Name, "through", grant.Teams[0].Name)
		}
		for _, stack := range user.Owns {
			fmt.Println("owns", stack.Name)
		}
	}
	// Output:
	// Developer in Website through Editors
	// owns Mobile App
}

func ExampleAccessColumns() {
	_, client := editors()

	_, err := client.ExportCSV(context.Background(), os.Stdout, &orgusers.ExportOptions{
		Access:  true,
		Columns: append(orgusers.DefaultColumns()[:1], orgusers.AccessColumns()...),
		Filter:  func(u *orgusers.User) bool { return !u.Owner },
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// Email,Stacks,Teams,Owned Stacks
	// ada@example.com,,,
	// max@example.com,Website: Developer (Editors),Editors,Mobile App
	// pia@example.com,,,
}

func ExampleClient_Restore() {
	server, client := editors()
	ctx := context.Background()
	leavers := []string{"max@example.com"}

	var record []byte // in a program: a file
	if _, err := client.RemoveUsers(ctx, leavers, &orgusers.RemoveOptions{
		Before: func(_ context.Context, had []*orgusers.UserAccess) (err error) {
			record, err = json.Marshal(had)
			return err
		},
	}); err != nil {
		log.Fatal(err)
	}

	var had []*orgusers.UserAccess
	if err := json.Unmarshal(record, &had); err != nil {
		log.Fatal(err)
	}
	for range 2 {
		result, _ := client.Restore(ctx, had, nil)
		fmt.Println(result.Outcomes[0].Status, result.Outcomes[0].Reason)
		server.Accept("max@example.com", "Max", "Member")
	}
	// Output:
	// partial pending
	// done
}

func ExampleClient_Teams() {
	_, client := editors()
	ctx := context.Background()

	for team, err := range client.Teams(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(team.Name, len(team.Stacks), "stack")
		for user, err := range client.TeamUsers(ctx, team.UID) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(user.Email)
		}
	}
	// Output:
	// Editors 1 stack
	// max@example.com
}

func ExampleClient_AddToTeam() {
	_, client := editors()

	result, err := client.AddToTeam(context.Background(), "Editors", []string{"ada@example.com", "max@example.com", "pia@example.com", "new@example.com"}, nil)
	for _, outcome := range result.Outcomes {
		fmt.Printf("%s %s %q\n", outcome.Email, outcome.Status, outcome.Reason)
	}
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// ada@example.com done ""
	// max@example.com skipped "unchanged"
	// pia@example.com skipped "pending"
	// new@example.com skipped "not_in_organization"
}

func ExampleClient_RemoveFromTeam() {
	_, client := editors()

	result, err := client.RemoveFromTeam(context.Background(), "Editors", []string{"max@example.com", "pia@example.com"}, nil)
	for _, outcome := range result.Outcomes {
		fmt.Printf("%s %s %q\n", outcome.Email, outcome.Status, outcome.Reason)
	}
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// max@example.com done ""
	// pia@example.com skipped "not_in_team"
}

func ExampleWithGuards() {
	_, client := editors(orgusers.WithGuards(orgusers.Guards{
		MaxRemovals:     10, // a day
		KeepStackOwners: true,
		Protected:       func(u *orgusers.User) bool { return u.Email == "pia@example.com" },
	}))

	result, err := client.RemoveUsers(context.Background(), []string{"max@example.com", "pia@example.com"}, nil)
	for _, outcome := range result.Outcomes {
		fmt.Println(outcome.Email, outcome.Status, outcome.Reason)
	}
	fmt.Println(err)
	// Output:
	// max@example.com refused owns_stacks
	// pia@example.com refused protected
	// orgusers: RemoveUsers: 2 of 2 users refused: address 1 owns stacks; 1 more error
}

func ExampleWithReadOnly() {
	_, client := editors(orgusers.WithReadOnly())

	_, err := client.RemoveUsers(context.Background(), []string{"max@example.com"}, nil)
	fmt.Println(err)
	// Output:
	// orgusers: RemoveUsers: refused: the client is read-only; nothing was changed
}
