package orguserstest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers/orguserstest"
)

const list = "/v3/organizations/{org}/share?asc=created_at&limit=100&include_count=true"

// bothWays runs a test over a socket and in-process.
func bothWays(t *testing.T, test func(t *testing.T, c *client)) {
	t.Helper()
	for name, connect := range map[string]func(*testing.T, ...orguserstest.Option) *client{"over a socket": overSocket, "in-process": inProcess} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, connect(t))
		})
	}
}

func TestFaultsThatAnswer(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, c *client) {
		for _, test := range []struct {
			name   string
			effect orguserstest.Effect
			status int
			header string // name and value
			body   string // what it contains
		}{
			{"a status", orguserstest.Status(503), 503, "Content-Type: application/json", `{"error_message":"Service Unavailable"}`},
			{"a status with a header", orguserstest.Status(429).WithHeader("Retry-After", "3600"), 429, "Retry-After: 3600", "Too Many Requests"},
			{"a status with a body", orguserstest.Status(500).WithBody(`{"message":"Internal error"}`), 500, "", `{"message":"Internal error"}`},
			{"an empty list of nothing", orguserstest.Status(200).WithBody("{}"), 200, "", "{}"},
			{"a status without room for a body", orguserstest.Status(204), 204, "", ""},
			{"HTML", orguserstest.HTML(502), 502, "Content-Type: text/html; charset=utf-8", "<h1>502 Bad Gateway</h1>"},
			{"HTML with 200", orguserstest.HTML(200), 200, "Content-Type: text/html; charset=utf-8", "<!DOCTYPE html>"},
			{"a redirect", orguserstest.Redirect(307, "https://elsewhere.example.com/v3"), 307, "Location: https://elsewhere.example.com/v3", ""},
			{"an empty body", orguserstest.EmptyBody(), 200, "Content-Length: 0", ""},
		} {
			c.server.ClearFaults()
			c.server.AddFault(orguserstest.Fault{Path: sharePattern, Effect: test.effect})
			hc := *c.http
			hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			c.http = &hc
			a := c.ask("GET", list, "")
			name, value, _ := strings.Cut(test.header, ": ")
			if a.status != test.status || (name != "" && a.header.Get(name) != value) || !strings.Contains(a.text, test.body) || (test.body == "" && a.text != "" && test.status != 307) {
				t.Errorf("%s: got %d %v %s", test.name, a.status, a.header, a.text)
			}
			if logged := c.server.Requests(); logged[len(logged)-1].Status != test.status {
				t.Errorf("%s: the log has %d", test.name, logged[len(logged)-1].Status)
			}
		}
	})
}

func TestFaultsThatBreakTheConnection(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, c *client) {
		whole := c.get(list).text
		for _, test := range []struct {
			name    string
			effect  orguserstest.Effect
			headers bool // the response has headers
			want    error
		}{
			{"a reset", orguserstest.Reset(), false, syscall.ECONNRESET},
			{"a reset in the body", orguserstest.ResetBody(), true, nil},
			{"a cut body", orguserstest.CutBody(), true, io.ErrUnexpectedEOF},
		} {
			c.server.ClearFaults()
			c.server.AddFault(orguserstest.Fault{Effect: test.effect})
			response, err := c.do("POST", "/v3/organizations/{org}/share/search", "") // net/http does not repeat it
			if !test.headers {
				if !errors.Is(err, test.want) {
					t.Errorf("%s: %v", test.name, err)
				}
				if logged := c.server.Requests(); logged[len(logged)-1].Status != 0 {
					t.Errorf("%s: the log has %d", test.name, logged[len(logged)-1].Status)
				}
				continue
			}
			if err != nil {
				if test.want != nil || !errors.Is(err, syscall.ECONNRESET) { // a reset may overtake data sent before it
					t.Errorf("%s: %v", test.name, err)
				}
				continue
			}
			body, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if err == nil || len(body) >= len(whole) || (test.want != nil && !errors.Is(err, test.want)) {
				t.Errorf("%s: %d bytes of %d, %v", test.name, len(body), len(whole), err)
			}
		}
	})
}

func TestTruncatedJSONIsACompleteMessage(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, c *client) {
		c.server.AddFault(orguserstest.Fault{Effect: orguserstest.TruncatedJSON()})
		a := c.ask("GET", list, "")
		if a.status != http.StatusOK || json.Valid([]byte(a.text)) || !strings.HasPrefix(a.text, `{"shares":[`) {
			t.Errorf("got %d %s", a.status, a.text)
		}
	})
}

func TestHugeBody(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, c *client) {
		for _, size := range []int{100, 5 << 20} {
			c.server.ClearFaults()
			c.server.AddFault(orguserstest.Fault{Effect: orguserstest.HugeBody(int64(size))})
			if a := c.ask("GET", list, ""); len(a.text) != size || a.json["notice"] == nil {
				t.Errorf("%d bytes, want %d", len(a.text), size)
			}
		}
	})
}

func TestWritesBeforeAndAfterAFault(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, c *client) {
		write := func() error {
			response, err := c.do("POST", "/v3/user/forgot_password", fmt.Sprintf(`{"user":{"email":%q}}`, c.server.Email))
			if err != nil {
				return err
			}
			return response.Body.Close()
		}
		emails := 0
		for _, effect := range []orguserstest.Effect{orguserstest.Reset(), orguserstest.Status(500), orguserstest.HTML(504)} {
			for _, after := range []bool{false, true} {
				c.server.ClearFaults()
				c.server.AddFault(orguserstest.Fault{Effect: effect, After: after})
				_ = write() // some effects make it fail
				if after {
					emails++
				}
				if got := len(c.server.Outbox()); got != emails {
					t.Errorf("%+v, after: %v: %d emails, want %d", effect, after, got, emails)
				}
			}
		}
	})
}

func TestHang(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, c *client) {
		for _, after := range []bool{false, true} {
			c.server.ClearFaults()
			c.server.AddFault(orguserstest.Fault{Effect: orguserstest.Hang(), After: after})
			ctx, cancel := context.WithCancel(t.Context())
			c.server.OnRequest(func(*orguserstest.Request) { cancel() })
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.server.URL+"/v3/user", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			if response, err := c.http.Do(request); !errors.Is(err, context.Canceled) {
				_ = response.Body.Close()
				t.Errorf("after: %v: %v", after, err)
			}
		}
	})
}

func TestCloseWakesWhatHangs(t *testing.T) {
	t.Parallel()
	c := overSocket(t, orguserstest.WithFault(orguserstest.Fault{Effect: orguserstest.Hang()}))
	c.server.OnRequest(func(*orguserstest.Request) { go c.server.Close() })
	if response, err := c.do("POST", "/v3/user", ""); err == nil {
		_ = response.Body.Close()
		t.Errorf("got %s", response.Status)
	}
}

func TestSlowAnswers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		effect       orguserstest.Effect
		headers, end time.Duration
	}{
		"a delay":     {orguserstest.Delay(10 * time.Second), 10 * time.Second, 10 * time.Second},
		"a slow body": {orguserstest.SlowBody(10 * time.Second), 0, 10 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := inProcess(t, orguserstest.WithFault(orguserstest.Fault{Effect: test.effect}))
			start := time.Now()
			response, err := c.do("GET", list, "")
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took != test.headers {
				t.Errorf("%s: headers after %v", name, took)
			}
			text, err := io.ReadAll(response.Body)
			if took := time.Since(start); err != nil || took != test.end || !json.Valid(text) {
				t.Errorf("%s: the end after %v, %v", name, took, err)
			}
			_ = response.Body.Close()
		})
	}
}

func TestASlowBodyThatIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t, orguserstest.WithFault(orguserstest.Fault{Effect: orguserstest.SlowBody(time.Minute)}))
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.server.URL+"/v3/organizations", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := c.http.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(response.Body); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("past the deadline: %v", err)
		}
		_ = response.Body.Close()

		response, err = c.do("GET", list, "")
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close() // the bubble fails the test if a goroutine is left
	})
}

func TestWhichRequestsAFaultSelects(t *testing.T) {
	t.Parallel()
	status := orguserstest.Status(503)
	for name, test := range map[string]struct {
		fault orguserstest.Fault
		want  []int // of two lists, roles, a list, a search and a list
	}{
		"every one":          {orguserstest.Fault{}, []int{503, 503, 503, 503, 503, 503}},
		"by pattern":         {orguserstest.Fault{Path: sharePattern}, []int{503, 503, 200, 503, 200, 503}},
		"by method":          {orguserstest.Fault{Method: "POST"}, []int{200, 200, 200, 200, 503, 200}},
		"the second":         {orguserstest.Fault{Path: sharePattern, Skip: 1, Times: 1}, []int{200, 503, 200, 200, 200, 200}},
		"the first two":      {orguserstest.Fault{Times: 2}, []int{503, 503, 200, 200, 200, 200}},
		"all but the first":  {orguserstest.Fault{Path: sharePattern, Skip: 1}, []int{200, 503, 200, 503, 200, 503}},
		"no request of that": {orguserstest.Fault{Path: "/v3/user"}, []int{200, 200, 200, 200, 200, 200}},
	} {
		test.fault.Effect = status
		c := inProcess(t, orguserstest.WithFault(test.fault))
		var got []int
		for _, path := range []string{list, list, "/v3/organizations/{org}/roles", list} {
			got = append(got, c.ask("GET", path, "").status)
		}
		got = append(got, c.ask("POST", "/v3/organizations/{org}/share/search", "").status, c.ask("GET", list, "").status)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
	c := inProcess(t, orguserstest.WithFault(
		orguserstest.Fault{Path: "/v3/user", Times: 1, Effect: orguserstest.Status(500)},
		orguserstest.Fault{Times: 1, Effect: orguserstest.Status(502)},
	))
	if got := [3]int{c.ask("GET", "/v3/user", "").status, c.ask("GET", "/v3/user", "").status, c.ask("GET", "/v3/user", "").status}; got != [3]int{500, 502, 200} {
		t.Errorf("two faults: got %v", got)
	}
}

func TestFaultsByChanceFollowTheSeed(t *testing.T) {
	t.Parallel()
	draw := func(seed uint64) (failed []int) {
		c := inProcess(t, orguserstest.WithSeed(seed), orguserstest.WithFault(orguserstest.Fault{Probability: 0.3, Effect: orguserstest.Status(500)}))
		for n := range 200 {
			if c.ask("GET", "/v3/user", "").status == 500 {
				failed = append(failed, n)
			}
		}
		return failed
	}
	first, again, other := draw(1), draw(1), draw(2)
	if !slices.Equal(first, again) || slices.Equal(first, other) || len(first) < 30 || len(first) > 90 {
		t.Errorf("%d failed, then %d, and %d with another seed", len(first), len(again), len(other))
	}
}

func TestPagesThatMisbehave(t *testing.T) {
	t.Parallel()
	emails := func(c *client, skip int) []string {
		return c.get(fmt.Sprintf("%s&skip=%d", strings.Replace(list, "limit=100", "limit=10", 1), skip)).emails()
	}
	honest := inProcess(t)
	for name, test := range map[string]struct {
		effect orguserstest.Effect
		want   []string // of the page at 20
	}{
		"skip ignored":    {orguserstest.IgnoreSkip(), emails(honest, 0)},
		"a repeated page": {orguserstest.RepeatPage(), emails(honest, 10)},
		"an empty page":   {orguserstest.EmptyPage(), nil},
	} {
		c := inProcess(t, orguserstest.WithFault(orguserstest.Fault{Path: sharePattern, Skip: 1, Times: 1, Effect: test.effect}))
		first, second, third := emails(c, 0), emails(c, 20), emails(c, 20)
		if !slices.Equal(first, emails(honest, 0)) || !slices.Equal(second, test.want) || !slices.Equal(third, emails(honest, 20)) {
			t.Errorf("%s: got %q", name, second)
		}
	}
	c := inProcess(t, orguserstest.WithFault(orguserstest.Fault{Effect: orguserstest.Count(func(n int) int { return n - 5 })}))
	if a := c.get(list); a.json["count"] != 20.0 || len(a.emails()) != 25 {
		t.Errorf("a lying count: %v with %d rows", a.json["count"], len(a.emails()))
	}
	if _, has := c.get("/v3/organizations/{org}/share").json["count"]; has {
		t.Error("a count without include_count")
	}
}

func TestServeHTTPByHand(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewUnstartedServer(orguserstest.WithFault(orguserstest.Fault{Method: "POST", Effect: orguserstest.Reset()}))
	recorder := httptest.NewRecorder()
	server.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v3/user", http.NoBody))
	if recorder.Code != http.StatusUnauthorized {
		t.Errorf("got %d", recorder.Code)
	}
	defer func() {
		if p := recover(); p != http.ErrAbortHandler { //nolint:errorlint // the value of a panic
			t.Errorf("a reset panics with %v", p)
		}
	}()
	server.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v3/user", http.NoBody))
}

// A fault that can never apply would let a test pass for the wrong reason.
func TestFaultsThatCannotStrike(t *testing.T) {
	t.Parallel()
	down := orguserstest.Status(http.StatusServiceUnavailable)
	for says, fault := range map[string]orguserstest.Fault{
		"no Effect":              {Path: sharePattern},
		"capital letters: Get":   {Method: "Get", Effect: down},
		"slash at its start: v3": {Path: "v3/user", Effect: down},
		"does not have: /v3/organizations/{organization_uid}/shares": {Path: "/v3/organizations/{organization_uid}/shares", Effect: down},
		"between 0 and 1":   {Probability: 50, Effect: down},
		"a negative number": {Times: -1, Effect: down},
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if complaint, _ := recover().(string); !strings.Contains(complaint, says) {
					t.Errorf("it panics with %q", complaint)
				}
			}()
			orguserstest.NewUnstartedServer(orguserstest.WithFault(fault))
		})
	}
}
