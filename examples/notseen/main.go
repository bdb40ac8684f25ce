// Command notseen prints the members who have not been seen for 90 days.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func main() {
	server := orguserstest.NewServer(orguserstest.WithReferenceDate(time.Now())) // a fake: NewFromEnv makes a client of your own organization
	defer server.Close()
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	if err := notSeen(context.Background(), client, time.Now().AddDate(0, 0, -90), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// notSeen prints an address and a date for each member who was last seen before a date.
// Members whose login is unknown are listed apart: a rule must not act on them.
func notSeen(ctx context.Context, client *orgusers.Client, before time.Time, w io.Writer) error {
	var unknown []string
	members := &orgusers.ListUsersOptions{Status: orgusers.StatusAccepted}
	for user, err := range client.Users(ctx, members) {
		if err != nil {
			return err // the list is not complete
		}
		seen, ok := user.LastSeen()
		switch {
		case !ok:
			unknown = append(unknown, user.Email)
		case seen.Before(before):
			fmt.Fprintf(w, "%q was last seen on %s\n", user.Email, seen.Format(time.DateOnly))
		}
	}
	_, err := fmt.Fprintf(w, "no login is known of %d members: %q\n", len(unknown), unknown)
	return err
}
