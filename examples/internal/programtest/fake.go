package programtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/orgusers/orgusers/orguserstest"
)

// Team is a fake with an owner, an administrator who makes the requests, a
// pending invitation and some members: owner@, admin@, pending@ and member0@
// and so on, all at example.com. The members are locked and have a session.
func Team(t *testing.T, members int, options ...orguserstest.Option) *orguserstest.Server {
	t.Helper()
	people := []orguserstest.Person{
		{Email: "owner@example.com", FirstName: "Ona", LastName: "Owner", Owner: true},
		{Email: "admin@example.com", FirstName: "Ada", LastName: "Admin", Roles: []string{"Admin"}},
		{Email: "pending@example.com", Pending: true},
	}
	for i := range members {
		people = append(people, orguserstest.Person{Email: Member(i), FirstName: "Mem", LastName: fmt.Sprintf("Ber %d", i), FailedLogins: 10, MFA: true})
	}
	server := orguserstest.NewServer(append(options, orguserstest.WithPeople(people...))...)
	t.Cleanup(server.Close)
	for i := range members {
		server.SignIn(Member(i))
	}
	return server
}

// Member is the address of a member of a [Team].
func Member(i int) string { return fmt.Sprintf("member%d@example.com", i) }

// Members are the addresses of the first members of a [Team], separated by
// commas.
func Members(n int) string {
	var emails []string
	for i := range n {
		emails = append(emails, Member(i))
	}
	return strings.Join(emails, ",")
}

// Writes are the requests so far that could have changed something or mailed
// somebody.
func Writes(server *orguserstest.Server) []orguserstest.Request {
	return slices.DeleteFunc(server.Requests(), func(r orguserstest.Request) bool { return !r.Write })
}

// ExpectUntouched fails a test whose program has sent anything but reads.
func ExpectUntouched(t *testing.T, server *orguserstest.Server) {
	t.Helper()
	for _, write := range Writes(server) {
		t.Errorf("it sent %s %s", write.Method, write.Path)
	}
	for _, mail := range server.Outbox() {
		t.Errorf("it mailed %s to %s", mail.Kind, mail.To)
	}
}

// Mails counts the mails of a kind by address.
func Mails(server *orguserstest.Server, kind orguserstest.EmailKind) map[string]int {
	mails := map[string]int{}
	for _, mail := range server.Outbox() {
		if mail.Kind == kind {
			mails[mail.To]++
		}
	}
	return mails
}
