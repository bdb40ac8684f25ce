// Command invite invites the people of a spreadsheet, saved as CSV: an address and the
// name of a role in each row. Running it again sends no second email.
package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

const sheet = `address,role
new@example.com,Member
boss@example.com,admin
`

func main() {
	server := orguserstest.NewServer() // a fake: NewFromEnv makes a client of your own organization
	defer server.Close()
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	for _, dryRun := range []bool{true, false, false} {
		if err := invite(context.Background(), client, strings.NewReader(sheet), dryRun, os.Stdout); err != nil {
			log.Fatal(err)
		}
	}
}

// invite prints what became of each address, also if the call returns an error.
func invite(ctx context.Context, client *orgusers.Client, sheet io.Reader, dryRun bool, w io.Writer) error {
	invitees, err := read(sheet)
	if err != nil {
		return err
	}
	result, err := client.Invite(ctx, invitees, &orgusers.InviteOptions{
		BulkOptions: orgusers.BulkOptions{DryRun: dryRun},
		Message:     "Welcome to the newsroom.",
	})
	for _, outcome := range result.Outcomes {
		fmt.Fprintln(w, outcome.Email, outcome.Status, outcome.Reason)
	}
	return err
}

// read returns the rows below the header.
func read(sheet io.Reader) ([]orgusers.Invitee, error) {
	reader := csv.NewReader(sheet)
	reader.FieldsPerRecord = 2
	rows, err := reader.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) < 2 {
		return nil, errors.New("the sheet has no rows below a header")
	}
	var invitees []orgusers.Invitee
	for _, row := range rows[1:] {
		invitees = append(invitees, orgusers.Invitee{Email: row[0], Roles: []string{row[1]}})
	}
	return invitees, nil
}
