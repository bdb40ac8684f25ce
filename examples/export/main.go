// Command export writes the members of one domain to a CSV file, with a column of its own.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func main() {
	server := orguserstest.NewServer(orguserstest.WithUsers(450)) // a fake: NewFromEnv makes a client of your own organization
	defer server.Close()
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	if err := export(context.Background(), client, "users.csv", os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// export leaves a complete file that only you can read, or what was there before.
func export(ctx context.Context, client *orgusers.Client, path string, w io.Writer) error {
	summary, err := client.ExportCSVFile(ctx, path, &orgusers.ExportOptions{
		Columns: append(orgusers.DefaultColumns(), orgusers.Column{Header: "Last Seen", Value: lastSeen}),
		Filter: func(user *orgusers.User) bool {
			return user.Status == orgusers.StatusAccepted && strings.HasSuffix(user.Email, "@example.org")
		},
		BOM: true, // so that Excel reads it as UTF-8
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%d of %d users are in %s\n", summary.Rows, summary.Users, path)
	return err
}

func lastSeen(user *orgusers.User) string {
	seen, ok := user.LastSeen()
	if !ok {
		return "no login known"
	}
	return seen.Format(time.DateOnly)
}
