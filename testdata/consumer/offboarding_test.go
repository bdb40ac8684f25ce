package offboarding

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// newServer is an organization of three: an administrator, who makes the
// requests, and two members.
func newServer(t *testing.T) (*orguserstest.Server, *orgusers.Client) {
	t.Helper()
	server := orguserstest.NewServer(orguserstest.WithPeople(
		orguserstest.Person{Email: "ada@example.com", Owner: true},
		orguserstest.Person{Email: "max@example.com"},
		orguserstest.Person{Email: "mia@example.com"},
	))
	t.Cleanup(server.Close)
	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	return server, client
}

func TestRemove(t *testing.T) {
	server, client := newServer(t)
	left, err := Remove(t.Context(), client, []string{"Max@Example.com", "nobody@example.com"})
	if err != nil || len(left) != 0 {
		t.Errorf("got %v, %v", left, err)
	}
	if _, still := server.User("max@example.com"); still {
		t.Error("is still there")
	}
	if mails := server.Outbox(); len(mails) != 0 {
		t.Errorf("mailed %v", mails)
	}
}

func TestOwnerIsKept(t *testing.T) {
	server, client := newServer(t)
	_, err := Remove(t.Context(), client, []string{"max@example.com", "ada@example.com"})
	if !errors.Is(err, orgusers.ErrRefused) || len(server.Users()) != 3 {
		t.Errorf("got %v, and %d users are there", err, len(server.Users()))
	}
}

// A fault: whoever may not remove users learns that they are still there.
func TestRefused(t *testing.T) {
	server, client := newServer(t)
	server.AddFault(orguserstest.Fault{
		Method: http.MethodDelete,
		Effect: orguserstest.Status(http.StatusForbidden),
	})
	left, err := Remove(t.Context(), client, []string{"max@example.com"})
	if !errors.Is(err, orgusers.ErrForbidden) || !slices.Equal(left, []string{"max@example.com"}) {
		t.Errorf("got %v, %v", left, err)
	}
}

// Time: limits are kept, and an answer that was lost is made up for by reading
// back; on the clock of the bubble, which takes none of ours.
func TestMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := orguserstest.NewUnstartedServer(
			orguserstest.WithUsers(500),
			orguserstest.WithRateLimit(10, 10),
			orguserstest.WithFault(orguserstest.Fault{
				Method: http.MethodDelete, Skip: 3, Times: 1, Effect: orguserstest.Reset(), After: true,
			}),
		)
		defer server.Close()
		client, err := orgusers.New(server.OrganizationUID, server.Options()...)
		if err != nil {
			t.Fatal(err)
		}
		var leavers []string
		for _, user := range server.Users()[200:] {
			if user.Email != server.Email && !user.Owner {
				leavers = append(leavers, user.Email)
			}
		}
		started := time.Now()
		left, err := Remove(t.Context(), client, leavers)
		if err != nil || len(left) != 0 {
			t.Errorf("got %v, %v", left, err)
		}
		if took := time.Since(started); took > time.Minute {
			t.Errorf("took %v", took)
		}
		for _, request := range server.Requests() {
			if request.Status == http.StatusTooManyRequests {
				t.Error("was too fast for the server")
			}
		}
	})
}
