// Command offboard removes leavers, keeps a record of what they had, and undoes a removal that
// was a mistake.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func main() {
	server := orguserstest.NewServer(orguserstest.WithPeople( // a fake: NewFromEnv makes a client of your own organization
		orguserstest.Person{Email: "admin@example.com", Roles: []string{"Admin"}},
		orguserstest.Person{Email: "leaver@example.com", Roles: []string{"Admin"}},
		orguserstest.Person{Email: "stays@example.com"},
	))
	defer server.Close()
	client, err := orgusers.New(server.OrganizationUID, append(server.Options(), orgusers.WithGuards(orgusers.Guards{
		MaxRemovals: 5, MinAdministrators: 1, KeepStackOwners: true,
	}))...)
	if err != nil {
		log.Fatal(err)
	}
	ctx, leavers := context.Background(), []string{"leaver@example.com", "stranger@example.com"}
	record := filepath.Join(os.TempDir(), "removed.json")
	if err := offboard(ctx, client, leavers, record, os.Stdout); err != nil {
		log.Fatal(err)
	}
	if err := undo(ctx, client, record, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// offboard writes the record before anything is removed. If that fails, nothing is.
func offboard(ctx context.Context, client *orgusers.Client, leavers []string, record string, w io.Writer) error {
	result, err := client.RemoveUsers(ctx, leavers, &orgusers.RemoveOptions{
		Before: func(_ context.Context, had []*orgusers.UserAccess) error {
			text, err := json.MarshalIndent(had, "", "  ")
			if err != nil {
				return err
			}
			return os.WriteFile(record, text, 0o600)
		},
	})
	show(w, result)
	return err
}

// undo invites the users of a record again, with the same roles.
func undo(ctx context.Context, client *orgusers.Client, record string, w io.Writer) error {
	text, err := os.ReadFile(record)
	if err != nil {
		return err
	}
	var had []*orgusers.UserAccess
	if err := json.Unmarshal(text, &had); err != nil {
		return err
	}
	result, err := client.Restore(ctx, had, nil)
	show(w, result)
	return err
}

func show(w io.Writer, result *orgusers.BulkResult) {
	for _, outcome := range result.Outcomes {
		fmt.Fprintln(w, outcome.Email, outcome.Status, outcome.Reason)
	}
}
