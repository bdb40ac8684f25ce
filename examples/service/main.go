// Command service responds to GET /users?q=ada with the users that match, as JSON. Requests for
// the same text at the same time share one search of the organization.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"math"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func main() {
	fake := orguserstest.NewServer(orguserstest.WithUsers(450)) // NewFromEnv makes a client of your own organization
	defer fake.Close()
	client, err := orgusers.New(fake.OrganizationUID, fake.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Addr: "127.0.0.1:8080", Handler: newHandler(client), ReadHeaderTimeout: 5 * time.Second}
	log.Print("try http://127.0.0.1:8080/users?q=ada")
	log.Fatal(server.ListenAndServe())
}

const timeout = 10 * time.Second

func newHandler(client *orgusers.Client) http.Handler {
	var searches singleflight.Group
	mux := http.NewServeMux()
	mux.HandleFunc("GET /users", func(w http.ResponseWriter, r *http.Request) {
		text := r.URL.Query().Get("q")
		// The search goes on if the first of those who wait for it leaves.
		search := searches.DoChan(text, func() (any, error) { //nolint:contextcheck // the context of one caller is not that of the others
			ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), timeout)
			defer cancel()
			return orgusers.Collect(client.Users(ctx, &orgusers.ListUsersOptions{Search: text}))
		})
		select {
		case result := <-search:
			write(w, result.Val, result.Err)
		case <-r.Context().Done():
		}
	})
	return mux
}

// write responds with users, or with a status that says whether a retry can help. Errors of
// the package have no secrets, but they are for the log and not for the caller.
func write(w http.ResponseWriter, users any, err error) {
	if err == nil {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(users); err != nil {
			log.Print(err)
		}
		return
	}
	log.Print(err)
	status := http.StatusBadGateway
	if failure, ok := errors.AsType[*orgusers.Error](err); ok && errors.Is(err, orgusers.ErrRateLimited) {
		status = http.StatusTooManyRequests
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(max(1, failure.RetryAfter.Seconds())))))
	} else if errors.Is(err, context.DeadlineExceeded) {
		status = http.StatusGatewayTimeout
	}
	http.Error(w, http.StatusText(status), status)
}
