package program

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestStillTryingIsSaidAfterSomeTime(t *testing.T) {
	t.Parallel()
	answer := func(status int) func() (*http.Response, error) {
		return func() (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody}, nil
		}
	}
	unreachable := func() (*http.Response, error) { return nil, errors.New("no route to host") }
	for name, test := range map[string]struct {
		takes  time.Duration
		result func() (*http.Response, error)
		lines  int
		says   string
	}{
		"unreachable":  {6 * time.Second, unreachable, 5, "s: no answer"},
		"at a loss":    {6 * time.Second, answer(http.StatusBadGateway), 5, "Bad Gateway"},
		"in no time":   {0, unreachable, 0, "never"},
		"a slow limit": {6 * time.Second, answer(http.StatusTooManyRequests), 0, "never"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var stderr strings.Builder
			client, err := orgusers.New("blt1", orgusers.WithAuthToken("token"), orgusers.WithLogger(newRetries("export", &stderr)),
				orgusers.WithRetry(orgusers.RetryPolicy{BaseDelay: time.Millisecond, MaxDelay: time.Millisecond}),
				orgusers.WithHTTPClient(&http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
					time.Sleep(test.takes) // fake time
					return test.result()
				})}))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.GetOrganization(t.Context(), nil); err == nil {
				t.Fatal("there was an answer")
			}
			lines := strings.Count(stderr.String(), "export: still trying, the next time in 0.0 s: ")
			if lines != test.lines || strings.Count(stderr.String(), test.says) != lines || strings.Count(stderr.String(), "\n") != lines {
				t.Errorf("%s: stderr is\n%swant %d lines", name, stderr.String(), test.lines)
			}
		})
	}
}
