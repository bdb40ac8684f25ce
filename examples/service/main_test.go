package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestHandler(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		faults []orguserstest.Fault
		status int
		retry  string
		body   string
	}{
		"users":              {nil, http.StatusOK, "", `"email":"ada@example.com"`},
		"the limit is used":  {[]orguserstest.Fault{{Effect: orguserstest.Status(http.StatusTooManyRequests)}}, http.StatusTooManyRequests, "1", ""},
		"the service hangs":  {[]orguserstest.Fault{{Effect: orguserstest.Hang()}}, http.StatusGatewayTimeout, "", ""},
		"the service is ill": {[]orguserstest.Fault{{Effect: orguserstest.Status(http.StatusForbidden)}}, http.StatusBadGateway, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := orguserstest.NewUnstartedServer(orguserstest.WithPeople(orguserstest.Person{Email: "ada@example.com"}))
				defer server.Close()
				for _, fault := range test.faults {
					server.AddFault(fault)
				}
				client, err := orgusers.New(server.OrganizationUID, server.Options()...)
				if err != nil {
					t.Fatal(err)
				}
				response := httptest.NewRecorder()
				newHandler(client).ServeHTTP(response, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/users?q=ada", nil))
				if response.Code != test.status || (response.Header().Get("Retry-After") == "") != (test.retry == "") || !strings.Contains(response.Body.String(), test.body) {
					t.Errorf("got %d %v %s", response.Code, response.Header(), response.Body)
				}
			})
		})
	}
}

// Callers who ask for the same at the same time share one search.
func TestSearchesAreShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := orguserstest.NewUnstartedServer()
		defer server.Close()
		client, err := orgusers.New(server.OrganizationUID, server.Options()...)
		if err != nil {
			t.Fatal(err)
		}
		handler := newHandler(client)
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				response := httptest.NewRecorder()
				handler.ServeHTTP(response, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/users?q=example", nil))
				var users []orgusers.User
				if err := json.Unmarshal(response.Body.Bytes(), &users); err != nil || len(users) != 25 {
					t.Errorf("got %d users, %v", len(users), err)
				}
			})
		}
		callers.Wait()
		if sent := len(server.Requests()); sent > 2 {
			t.Errorf("%d requests were sent, want one list and the roles", sent)
		}
	})
}
