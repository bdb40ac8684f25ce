package orguserstest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers/orguserstest"
)

func TestRequestLog(t *testing.T) {
	t.Parallel()
	c := overSocket(t, orguserstest.WithClockOffset(time.Hour))
	c.get("/v3/organizations/{org}/share?asc=email&limit=1")
	c.as("X-User-Agent", "test/1").ask("POST", "/v3/organizations/{org}/share/search", `{"emails":["a@example.com"]}`)
	c.as("Authtoken", "").as("Authorization", "Bearer "+c.server.OAuthToken()).ask("GET", "/v3/user", "")
	c.logIn(c.server.Email, orguserstest.Password, "")
	c.ask("DELETE", "/v3/nowhere", "")

	type entry struct {
		Operation, Method, Path string
		Write                   bool
		Status                  int
		Body                    string
	}
	share := "/v3/organizations/" + c.server.OrganizationUID + "/share"
	want := []entry{
		{"list users", "GET", share, false, 200, ""},
		{"search users", "POST", share + "/search", false, 200, `{"emails":["a@example.com"]}`},
		{"get current user", "GET", "/v3/user", false, 200, ""},
		{"log in", "POST", "/v3/user-session", true, 200, ""},
		{"", "DELETE", "/v3/nowhere", true, 404, ""},
	}
	var got []entry
	for _, r := range c.server.Requests() {
		got = append(got, entry{r.Operation, r.Method, r.Path, r.Write, r.Status, string(r.Body)})
		if ago := time.Until(r.Time); ago < 50*time.Minute || ago > time.Hour {
			t.Errorf("the time is %v", r.Time)
		}
		for _, values := range r.Header {
			for _, value := range values {
				if strings.Contains(value, c.server.AuthToken) || strings.Contains(value, c.server.OAuthToken()) {
					t.Errorf("the log has a token: %v", r.Header)
				}
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	requests := c.server.Requests()
	if requests[0].Query.Get("asc") != "email" || requests[0].Header.Get("authtoken") != "REDACTED" ||
		requests[1].Header.Get("X-User-Agent") != "test/1" || requests[2].Header.Get("authorization") != "REDACTED" {
		t.Errorf("got %+v", requests)
	}
	c.server.ClearRequests()
	if got := c.server.Requests(); len(got) != 0 {
		t.Errorf("after clearing: %v", got)
	}
}

func TestTheLogKeepsTheNewestRequests(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewUnstartedServer()
	seen := 0
	server.OnRequest(func(r *orguserstest.Request) {
		if r.Status != 0 {
			t.Error("a hook runs before the answer")
		}
		seen++
	})
	const total, kept = 20_005, 20_000
	for n := range total {
		path := "/v3/early"
		if n >= total-kept {
			path = "/v3/late"
		}
		server.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
	}
	log := server.Requests()
	if len(log) != kept || log[0].Path != "/v3/late" || seen != total || log[0].Time.After(log[kept-1].Time) {
		t.Errorf("%d requests of %d, the first %s", len(log), seen, log[0].Path)
	}
}
