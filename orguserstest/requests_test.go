package orguserstest_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers/orguserstest"
)

func TestRequestLog(t *testing.T) {
	t.Parallel()
	c := overSocket(t)
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
		{"ListUsers", "GET", share, false, 200, ""},
		{"FindUsers", "POST", share + "/search", false, 200, `{"emails":["a@example.com"]}`},
		{"GetCurrentUser", "GET", "/v3/user", false, 200, ""},
		{"Login", "POST", "/v3/user-session", true, 200, ""},
		{"", "DELETE", "/v3/nowhere", true, 404, ""},
	}
	var got []entry
	for _, r := range c.server.Requests() {
		got = append(got, entry{r.Operation, r.Method, r.Path, r.Write, r.Status, string(r.Body)})
		if ago := time.Since(r.Time); ago < 0 || ago > 10*time.Minute {
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
			t.Error("a hook must run before the response")
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

const (
	aRead  = "/v3/organizations/{org}/share?asc=email&limit=1"
	aWrite = "/v3/user/forgot_password"
)

func (c *client) write() result {
	return c.ask("POST", aWrite, `{"user":{"email":"nobody@example.com"}}`)
}

func TestReadsAndWritesAreCountedApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t, orguserstest.WithRateLimit(3, 2), orguserstest.WithRateLimitHeaders())
		for left := 2; left >= 0; left-- {
			a := c.get(aRead)
			if a.header.Get("X-RateLimit-Limit") != "3" || a.header.Get("X-RateLimit-Remaining") != strconv.Itoa(left) {
				t.Errorf("%v, want %d left", a.header, left)
			}
		}
		a := c.ask("POST", "/v3/organizations/{org}/share/search", "")
		if a.status != http.StatusTooManyRequests || a.json["error_message"] == nil || a.json["error_code"] != nil ||
			a.header.Get("X-RateLimit-Remaining") != "0" || a.header.Get("Retry-After") != "" || a.header.Get("X-RateLimit-Reset") != "" {
			t.Errorf("a search beyond the reads: %d %v %s", a.status, a.header, a.text)
		}
		if a := c.write(); a.status != http.StatusOK || a.header.Get("X-RateLimit-Limit") != "2" || a.header.Get("X-RateLimit-Remaining") != "1" {
			t.Errorf("a write: %d %v", a.status, a.header)
		}
		if a := c.ask("GET", "/v3/organizations/"+c.server.SecondOrganizationUID, ""); a.status != http.StatusOK {
			t.Errorf("another organization: %d", a.status)
		}
		if a := c.ask("GET", "/v3/organizations", ""); a.status != http.StatusTooManyRequests {
			t.Errorf("a read that names no organization: %d", a.status)
		}
		c.get("/v3/user") // the service of users has limits of its own
		stack := c.as("Api_key", c.server.Stacks()[0].APIKey)
		if a := stack.get("/v3/roles"); a.header.Get("X-RateLimit-Remaining") != "2" {
			t.Errorf("a read of a stack has %v", a.header)
		}
		time.Sleep(time.Second) // fake time
		c.get(aRead)
	})
}

func TestASecondIsThatOfTheClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(300 * time.Millisecond) // fake time: a bubble starts at a whole second
		c := inProcess(t, orguserstest.WithRateLimit(1, 1))
		c.get(aRead)
		time.Sleep(700*time.Millisecond - time.Nanosecond) // fake time
		if a := c.ask("GET", aRead, ""); a.status != http.StatusTooManyRequests {
			t.Errorf("just before the next second: %d", a.status)
		}
		time.Sleep(time.Nanosecond) // fake time
		if a := c.get(aRead); a.header.Get("Date") != time.Now().UTC().Format(http.TimeFormat) {
			t.Errorf("Date is %s", a.header.Get("Date"))
		}
	})
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		opts                      []orguserstest.Option
		organization, user, stack string // X-RateLimit-Limit
	}{
		"by default":   {nil, "", "", "1000000"},
		"with a limit": {[]orguserstest.Option{orguserstest.WithRateLimit(50, 20)}, "", "", "50"},
		"on all":       {[]orguserstest.Option{orguserstest.WithRateLimit(50, 20), orguserstest.WithRateLimitHeaders()}, "50", "50", "50"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := overSocket(t, test.opts...)
			stack := c.as("Api_key", c.server.Stacks()[0].APIKey)
			ids := map[string]bool{}
			for _, request := range []struct {
				got                 result
				limit, organization string
			}{
				{c.get(aRead), test.organization, c.server.OrganizationUID},
				{c.ask("GET", "/v3/organizations/{org}/nowhere", ""), test.organization, ""},
				{c.get("/v3/organizations"), test.organization, ""},
				{c.get("/v3/user"), test.user, ""},
				{c.as("Authtoken", "").ask("GET", "/v3/user", ""), test.user, ""},
				{stack.get("/v3/roles"), test.stack, ""},
			} {
				header := request.got.header
				if header.Get("X-RateLimit-Limit") != request.limit || (header.Get("X-RateLimit-Remaining") != "") != (request.limit != "") ||
					header.Get("X-Contentstack-Organization") != request.organization {
					t.Errorf("got %v, want the limit %q and the organization %q", header, request.limit, request.organization)
				}
				id := header.Get("X-Request-ID")
				if !uuid.MatchString(id) || ids[id] {
					t.Errorf("the request id is %q", id)
				}
				ids[id] = true
			}
		})
	}
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$`)

func TestErrorsHaveTheHeadersToo(t *testing.T) {
	t.Parallel()
	c := overSocket(t, orguserstest.WithRateLimit(10, 10), orguserstest.WithRateLimitHeaders(), orguserstest.WithFault(orguserstest.Fault{Method: "POST", Effect: orguserstest.HTML(502)}))
	for _, a := range []result{c.ask("GET", "/nowhere", ""), c.as("Authtoken", "").ask("GET", "/v3/user", ""), c.write()} {
		if a.header.Get("X-RateLimit-Limit") != "10" || a.header.Get("X-RateLimit-Remaining") == "" || a.header.Get("X-Request-ID") == "" {
			t.Errorf("%d has %v", a.status, a.header)
		}
	}
}

func TestLatencyIsHalfOnTheWayOutAndHalfOnTheWayBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t, orguserstest.WithLatency(200*time.Millisecond), orguserstest.WithRateLimit(1, 1))
		start := time.Now()
		c.get(aRead)
		if took := time.Since(start); took != 200*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		if arrived := c.server.Requests()[0].Time.Sub(start); arrived != 100*time.Millisecond {
			t.Errorf("it arrived after %v", arrived)
		}
		time.Sleep(700 * time.Millisecond) // fake time: sent in this second, counted in the next
		c.get(aRead)
	})
}

func TestBulkRequestsAreCountedApart(t *testing.T) {
	t.Parallel()
	const body = `{"emails":["ada@example.com"]}`
	for name, test := range map[string]struct {
		opts  []orguserstest.Option
		limit int // zero is none
	}{
		"without a rate limit": {nil, 0},
		"with one":             {[]orguserstest.Option{orguserstest.WithRateLimit(3, 2)}, 1},
		"with one of its own":  {[]orguserstest.Option{orguserstest.WithRateLimit(3, 2), orguserstest.WithBulkLimit(2)}, 2},
		"with nothing else":    {[]orguserstest.Option{orguserstest.WithBulkLimit(3)}, 3},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := inProcess(t, team(append(test.opts, orguserstest.WithRateLimitHeaders())...)...)
			ask := []func() result{
				func() result { return c.ask("POST", unlock, body) },
				func() result { return c.ask("POST", resetMFA, body) },
				func() result { return c.ask("POST", forceReset, body) },
				func() result { return c.ask("POST", endSession, body) },
			}
			for n, send := range ask {
				a := send()
				refused := test.limit > 0 && n >= test.limit
				if (a.status == http.StatusTooManyRequests) != refused {
					t.Errorf("%s, request %d: %d", name, n, a.status)
				}
				if test.limit > 0 && (a.header.Get("X-RateLimit-Limit") != strconv.Itoa(test.limit) || a.header.Get("X-RateLimit-Remaining") != strconv.Itoa(max(0, test.limit-n-1))) {
					t.Errorf("%s, request %d: %v", name, n, a.header)
				}
			}
			if emails := len(c.server.Outbox()); test.limit > 0 && test.limit < 3 && emails != 0 {
				t.Errorf("%s: a refused request sent an email", name)
			}
			if a := c.write(); a.status != http.StatusOK {
				t.Errorf("%s: a write: %d", name, a.status)
			}
			c.get(aRead)
			time.Sleep(time.Second) // fake time
			if a := ask[0](); a.status != http.StatusOK {
				t.Errorf("%s, a second later: %d", name, a.status)
			}
		})
	}
}

func TestAResendCountsAsAWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t, team(orguserstest.WithRateLimit(5, 2), orguserstest.WithRateLimitHeaders())...)
		path := shares + "/" + c.user("guest@example.com").ShareUID + "/resend_invitation"
		for n, status := range []int{200, 200, 429} {
			if a := c.ask("GET", path, ""); a.status != status || a.header.Get("X-RateLimit-Limit") != "2" {
				t.Errorf("response %d is %d %v", n, a.status, a.header)
			}
		}
		if a := c.ask("DELETE", shares, `{"emails":["ada@example.com"]}`); a.status != 429 {
			t.Errorf("a removal: %d", a.status)
		}
		c.get(aRead)
		if len(c.server.Outbox()) != 2 {
			t.Errorf("the outbox is %q", c.emails())
		}
	})
}

func TestStackAccessCountsAsAWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t, team(orguserstest.WithRateLimit(5, 3))...)
		stack := c.as("Api_key", c.server.Stacks()[0].APIKey)
		for n, path := range []string{"/v3/stacks/share", "/v3/stacks/users/roles", "/v3/stacks/unshare", "/v3/stacks/share"} {
			a := stack.ask("POST", path, "")
			if refused := n == 3; (a.status == http.StatusTooManyRequests) != refused || a.header.Get("X-RateLimit-Limit") != "3" {
				t.Errorf("request %d: %d %v", n, a.status, a.header)
			}
		}
		for _, r := range c.server.Requests() {
			if !r.Write || r.Bulk {
				t.Errorf("logged as %+v", r)
			}
		}
	})
}
