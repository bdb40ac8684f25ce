package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"
)

func TestRetries(t *testing.T) {
	t.Parallel()
	const all = 6
	type want struct {
		attempts int
		status   int  // 0: an error
		unsent   bool // if it is an error
	}
	tests := []struct {
		name        string
		replies     []reply
		read, write want
	}{
		{"success", []reply{good}, want{1, 200, false}, want{1, 200, false}},
		{"429 once", []reply{status(429), good}, want{2, 200, false}, want{2, 200, false}},
		{"429 for good", []reply{status(429)}, want{all, 429, false}, want{all, 429, false}},
		{"500 once", []reply{status(500), good}, want{2, 200, false}, want{1, 500, false}},
		{"502 once", []reply{status(502), good}, want{2, 200, false}, want{1, 502, false}},
		{"503 once", []reply{status(503), good}, want{2, 200, false}, want{1, 503, false}},
		{"504 once", []reply{status(504), good}, want{2, 200, false}, want{1, 504, false}},
		{"500 for good", []reply{status(500)}, want{all, 500, false}, want{1, 500, false}},
		{"501", []reply{status(501)}, want{1, 501, false}, want{1, 501, false}},
		{"101", []reply{status(101)}, want{1, 101, false}, want{1, 101, false}},
		{"204", []reply{responds(204, "")}, want{1, 204, false}, want{1, 204, false}},
		{"304", []reply{status(304)}, want{1, 304, false}, want{1, 304, false}},
		{"400", []reply{status(400)}, want{1, 400, false}, want{1, 400, false}},
		{"401", []reply{status(401)}, want{1, 401, false}, want{1, 401, false}},
		{"408", []reply{status(408)}, want{1, 408, false}, want{1, 408, false}},
		{"422", []reply{status(422)}, want{1, 422, false}, want{1, 422, false}},
		{"499", []reply{status(499)}, want{1, 499, false}, want{1, 499, false}},
		{"dial once", []reply{dial, good}, want{2, 200, false}, want{2, 200, false}},
		{"dial for good", []reply{dial}, want{all, 0, true}, want{all, 0, true}},
		{"reset once", []reply{reset, good}, want{2, 200, false}, want{1, 0, false}},
		{"reset for good", []reply{reset}, want{all, 0, false}, want{1, 0, false}},
		{"429, then reset", []reply{status(429), reset, good}, want{3, 200, false}, want{2, 0, false}},
		{"broken off once", []reply{breaksOff, good}, want{2, 200, false}, want{1, 0, false}},
		{"certificate", []reply{fails(&tls.CertificateVerificationError{Err: errors.New("unknown authority")}), good}, want{1, 0, false}, want{1, 0, false}},
		{"an error that is too large", []reply{responds(400, strings.Repeat("x", maxErrorBody+1))}, want{1, 400, false}, want{1, 400, false}},
	}
	for _, tt := range tests {
		for name, request := range allRequests {
			want := tt.read
			if request.Kind != Read {
				want = tt.write
			}
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					wire, s := scripted(t, tt.replies...)
					status, body, attempts, err := wire.call(t.Context(), request)
					if len(s.sent) != want.attempts || attempts != want.attempts {
						t.Errorf("sent %d times and counted %d, want %d", len(s.sent), attempts, want.attempts)
					}
					failure, failed := errors.AsType[*Error](err)
					switch {
					case want.status != 0 && (status != want.status || err != nil):
						t.Errorf("got %d and %v, want %d", status, err, want.status)
					case want.status == 0 && !failed:
						t.Errorf("got %d and %v, want an *Error", status, err)
					case failed && (failure.Unsent != want.unsent || failure.Attempts != want.attempts):
						t.Errorf("the error says unsent %v after %d attempts, want %v", failure.Unsent, failure.Attempts, want.unsent)
					case len(body) > maxErrorBody:
						t.Errorf("the body has %d bytes", len(body))
					}
				})
			})
		}
	}
}

func TestResponseThatIsTooLarge(t *testing.T) {
	t.Parallel()
	for _, request := range []Request{read, write} {
		wire, _ := scripted(t, responds(200, strings.Repeat("x", maxBody+1)))
		_, _, attempts, err := wire.call(t.Context(), request)
		if failure, ok := errors.AsType[*Error](err); !ok || failure.Unsent || attempts != 1 || !strings.Contains(err.Error(), "32 MiB") {
			t.Errorf("got %v after %d attempts", err, attempts)
		}
	}
}

func TestWaitsBetweenAttempts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		replies  []reply
		attempts int
		min, max time.Duration // of everything
	}{
		{"full jitter below 1, 2, 3, 3 and 3 seconds", []reply{status(500)}, 6, 0, 12 * time.Second},
		{"a bare 429", []reply{status(429), good}, 2, time.Second, time.Second},
		{"a bare 429 for good", []reply{status(429)}, 6, 5 * time.Second, 5 * time.Second},
		{"Retry-After", []reply{status(429, "Retry-After", "7"), good}, 2, 7 * time.Second, 7 * time.Second},
		{"Retry-After with a fraction", []reply{status(429, "Retry-After", "1.5"), good}, 2, 1500 * ms, 1500 * ms},
		{"Retry-After as a date of the server's clock", []reply{status(429, "Retry-After", "Wed, 21 Oct 2015 07:28:09 GMT", "Date", "Wed, 21 Oct 2015 07:28:00 GMT"), good}, 2, 9 * time.Second, 9 * time.Second},
		{"Retry-After with a 503", []reply{status(503, "Retry-After", "7"), good}, 2, 7 * time.Second, 8 * time.Second},
		{"X-RateLimit-Reset", []reply{status(429, "X-RateLimit-Reset", "1445412489", "Date", "Wed, 21 Oct 2015 07:28:00 GMT"), good}, 2, 9 * time.Second, 9 * time.Second},
		{"X-RateLimit-Reset with a 503", []reply{status(503, "X-RateLimit-Reset", "1445412570", "Date", "Wed, 21 Oct 2015 07:28:00 GMT"), good}, 2, 0, time.Second},
		{"an hour", []reply{status(429, "Retry-After", "3600"), good}, 1, 0, 0},
		{"an hour with a 503", []reply{status(503, "Retry-After", "3600"), good}, 1, 0, 0},
		{"an epoch", []reply{status(429, "Retry-After", "1445412489"), good}, 1, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				wire, s := scripted(t, tt.replies...)
				began := time.Now()
				_, _, _, err := wire.call(t.Context(), read)
				took := time.Since(began)
				if len(s.sent) != tt.attempts || took < tt.min || took > tt.max || err != nil {
					t.Errorf("sent %d times in %v, want %d in %v to %v; %v", len(s.sent), took, tt.attempts, tt.min, tt.max, err)
				}
			})
		})
	}
}

// Backoffs are spread over all of their range, so that clients which failed
// together do not come back together.
func TestBackoffHasFullJitter(t *testing.T) {
	t.Parallel()
	policy := Retry{BaseDelay: time.Second, MaxDelay: 5 * time.Second}
	for attempt, ceiling := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 4: 5 * time.Second, 100: 5 * time.Second} {
		var low, high int
		for range 1000 {
			wait := backoff(policy, attempt)
			if wait < 0 || wait > ceiling {
				t.Fatalf("attempt %d waits %v", attempt, wait)
			}
			if wait < ceiling/4 {
				low++
			}
			if wait > ceiling*3/4 {
				high++
			}
		}
		if low < 150 || high < 150 {
			t.Errorf("of 1000 waits after attempt %d, %d are short and %d long", attempt, low, high)
		}
	}
}

// A pause that is too long for one call is kept by the others in part.
func TestLongRetryAfterPausesOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wire, s := scripted(t, status(429, "Retry-After", "3600"), good)
		var asked time.Duration
		if _, err := wire.Do(t.Context(), &read, func(r *Response) error { asked = r.RetryAfter; return nil }); err != nil || asked != time.Hour {
			t.Errorf("got a pause of %v, %v", asked, err)
		}
		if _, _, _, err := wire.call(t.Context(), read); err != nil {
			t.Fatal(err)
		}
		if waited := s.sent[1].Sub(s.sent[0]); waited != time.Minute {
			t.Errorf("the next call waited %v, want the minute of MaxRetryAfter", waited)
		}
	})
}

// Calls that are interrupted end at once, and say what the last response was.
func TestInterruptedCalls(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		replies  []reply
		cancel   bool // after 100 ms; otherwise it is a deadline
		attempts int
		took     time.Duration
		is       error
		last     int
		unsent   bool
	}{
		{"cancelled while it waits for the limit", []reply{status(429, "Retry-After", "10")}, true, 1, 100 * ms, context.Canceled, 429, true},
		{"cancelled before a retry", []reply{status(503, "Retry-After", "10")}, true, 1, 100 * ms, context.Canceled, 503, true},
		{"cancelled in an attempt", []reply{hangs}, true, 1, 100 * ms, context.Canceled, 0, false},
		{"cancelled in a body", []reply{hangsInBody}, true, 1, 100 * ms, context.Canceled, 0, false},
		{"cancelled in the body of a retry", []reply{status(503), hangsInBody}, true, 2, 100 * ms, context.Canceled, 503, false},
		{"deadline in an attempt", []reply{hangs}, false, 1, 100 * ms, context.DeadlineExceeded, 0, false},
		{"deadline in a body", []reply{hangsInBody}, false, 1, 100 * ms, context.DeadlineExceeded, 0, false},
		{"deadline before the pause ends", []reply{status(429, "Retry-After", "10")}, false, 1, 0, context.DeadlineExceeded, 429, true},
		{"deadline before the retry", []reply{status(503, "Retry-After", "10")}, false, 1, 0, context.DeadlineExceeded, 503, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				wire, s := scripted(t, tt.replies...)
				wire.config.Retry.BaseDelay = ms
				ctx, cancel := context.WithTimeout(t.Context(), 100*ms)
				if tt.cancel {
					ctx, cancel = context.WithCancel(t.Context())
					time.AfterFunc(100*ms, cancel)
				}
				defer cancel()
				began := time.Now()
				_, _, _, err := wire.call(ctx, read)
				if took := time.Since(began); took != tt.took || len(s.sent) != tt.attempts {
					t.Errorf("sent %d times in %v, want %d in %v", len(s.sent), took, tt.attempts, tt.took)
				}
				failure, ok := errors.AsType[*Error](err)
				if !ok || !errors.Is(err, tt.is) || failure.Unsent != tt.unsent {
					t.Fatalf("got %v, want an *Error that is %v, unsent: %v", err, tt.is, tt.unsent)
				}
				last := 0
				if failure.Last != nil {
					last = failure.Last.Status
				}
				if last != tt.last {
					t.Errorf("the last response was %d, want %d", last, tt.last)
				}
			})
		})
	}
}

// A response says nothing of a later attempt that failed without one.
func TestOlderResponseIsNotTheLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wire, _ := scripted(t, status(503), reset)
		_, _, _, err := wire.call(t.Context(), read)
		if failure, ok := errors.AsType[*Error](err); !ok || failure.Last != nil || !strings.Contains(err.Error(), "connection reset") {
			t.Errorf("got %v after %v", err, failure.Last)
		}
	})
}

// A client's own timeout ends bodies too, and is no reason to give up a read.
func TestTimeoutOfTheHTTPClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{replies: []reply{hangsInBody, hangs, good}}
		wire := newTransport(t, "https://api.example.com", &http.Client{Transport: s, Timeout: 5 * time.Second})
		began := time.Now()
		if status, _, attempts, err := wire.call(t.Context(), read); status != 200 || attempts != 3 || time.Since(began) > 13*time.Second {
			t.Errorf("got %d after %d attempts and %v, %v", status, attempts, time.Since(began), err)
		}
	})
}

func TestRenewedTokens(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		bearer   bool
		unsigned bool
		replies  []reply
		status   int
		attempts int
		rejected []string
	}{
		{"an OAuth token is renewed once", true, false, []reply{status(401), good}, 200, 2, []string{"token 1"}},
		{"and not twice", true, false, []reply{status(401)}, 401, 2, []string{"token 1"}},
		{"a session token is not", false, false, []reply{status(401)}, 401, 1, nil},
		{"nor is one that was not sent", true, true, []reply{status(401)}, 401, 1, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{replies: tt.replies}
				asked := 0
				var rejected []string
				wire := newTransport(t, "https://api.example.com", &http.Client{Transport: s}, func(c *Config) {
					c.Bearer = tt.bearer
					c.Token = func(context.Context) (string, error) { asked++; return "token " + string(rune('0'+asked)), nil }
					c.Rejected = func(token string) { rejected = append(rejected, token) }
					c.Retry.MaxAttempts = 1
				})
				request := write
				request.Unsigned = tt.unsigned
				status, _, attempts, err := wire.call(t.Context(), request)
				if status != tt.status || attempts != tt.attempts || err != nil {
					t.Errorf("got %d after %d attempts, %v; want %d after %d", status, attempts, err, tt.status, tt.attempts)
				}
				if !slices.Equal(rejected, tt.rejected) {
					t.Errorf("%v were rejected, want %v", rejected, tt.rejected)
				}
			})
		})
	}
}

func TestTokenSourcesThatFail(t *testing.T) {
	t.Parallel()
	cause := errors.New("the endpoint said: hunter2")
	wire, s := scripted(t, good)
	for name, failure := range map[string]error{"a failure": cause, "an unusable token": &TokenError{Err: cause, Problem: "is empty"}} {
		wire.config.Token = func(context.Context) (string, error) { return "", failure }
		_, _, attempts, err := wire.call(t.Context(), write)
		e, ok := errors.AsType[*Error](err)
		if !ok || !e.Unsent || attempts != 0 || len(s.sent) != 0 || !errors.Is(err, cause) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v after %d attempts", name, err, attempts)
		}
		if _, ok := errors.AsType[*TokenError](err); !ok {
			t.Errorf("%s: got %v, want a *TokenError", name, err)
		}
	}
}

// A token is asked for before the request waits for its turn.
func TestSlowTokensDoNotBunchUpRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wire, s := scripted(t, good)
		wire.config.Token = func(context.Context) (string, error) {
			time.Sleep(3 * time.Second) // fake time
			return token, nil
		}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { _, _, _, _ = wire.call(t.Context(), read) })
		}
		wg.Wait()
		if took := s.sent[19].Sub(s.sent[0]); took < 1900*ms {
			t.Errorf("twenty requests went out in %v", took)
		}
	})
}

// A server that is down gets the retries of the first calls, then one attempt
// for each call, until it works again.
func TestThrottle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := true
		wire, s := scripted(t, func(r *http.Request) (*http.Response, error) {
			if down {
				return status(503)(r)
			}
			return good(r)
		})
		call := func() int {
			before := len(s.sent)
			_, _, _, _ = wire.call(t.Context(), read)
			return len(s.sent) - before
		}
		if first := call(); first != 6 {
			t.Errorf("the first call was sent %d times, want 6", first)
		}
		for range 50 {
			call()
		}
		if last := call(); last != 1 || len(s.sent) != 52+purse/retryPrice {
			t.Errorf("52 calls were sent %d times, the last %d times", len(s.sent), last)
		}
		down = false
		for range 50 {
			call()
		}
		down = true
		if again := call(); again != 6 {
			t.Errorf("after 50 successes a call was sent %d times, want 6", again)
		}
	})
}

// Retries that were not made, or that the server did not fail, are given back.
func TestThrottleGetsRetriesBack(t *testing.T) {
	t.Parallel()
	unavailable := status(503, "Retry-After", "5")
	tests := []struct {
		name    string
		replies []reply
		timeout time.Duration
		cancel  bool
		spent   int // of the purse, by each call
	}{
		{"cancelled in the backoff", []reply{unavailable}, time.Second, true, 0},
		{"a deadline before the retry", []reply{unavailable}, time.Second, false, 0},
		{"cancelled in the retry", []reply{unavailable, hangs}, 20 * time.Second, true, 0},
		{"cancelled in the body of the retry", []reply{unavailable, hangsInBody}, 20 * time.Second, true, 0},
		{"a deadline in the retry", []reply{unavailable, hangs}, 20 * time.Second, false, 0},
		{"cancelled while the retry waits for the limit", []reply{unavailable, status(429, "Retry-After", "50")}, 20 * time.Second, true, 0},
		{"a deadline before the limit", []reply{unavailable, status(429, "Retry-After", "50")}, 20 * time.Second, false, 0},
		{"success", []reply{unavailable, good}, time.Minute, true, 0},
		{"success after more", []reply{unavailable, unavailable, reset, good}, time.Minute, true, 0},
		{"a response that is no failure of the server", []reply{unavailable, status(404)}, time.Minute, true, 0},
		{"failure", []reply{unavailable, status(501)}, time.Minute, true, retryPrice},
		{"cancelled after a failed retry", []reply{unavailable, unavailable, hangs}, time.Minute, true, retryPrice},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				wire, _ := scripted(t, tt.replies...)
				ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
				if tt.cancel {
					ctx, cancel = context.WithCancel(t.Context())
					time.AfterFunc(tt.timeout, cancel)
				}
				defer cancel()
				_, _, _, _ = wire.call(ctx, read)
				if wire.throttle.spent != tt.spent {
					t.Errorf("the call spent %d, want %d", wire.throttle.spent, tt.spent)
				}
			})
		})
	}
}

// A panic of the caller's code does not keep what the call borrowed.
func TestThrottleAfterPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wire, _ := scripted(t, status(503, "Retry-After", "1"), good)
		asked := 0
		wire.config.Token = func(context.Context) (string, error) {
			if asked++; asked > 1 {
				panic("no token")
			}
			return token, nil
		}
		func() {
			defer func() { _ = recover() }()
			_, _, _, _ = wire.call(t.Context(), read)
		}()
		if wire.throttle.spent != 0 || len(wire.budgets[Organization][Read].queue) > 0 {
			t.Errorf("the call kept %d", wire.throttle.spent)
		}
	})
}

// Each service has budgets for each kind, and a refusal concerns one of them.
func TestBudgetsByServiceAndKind(t *testing.T) {
	t.Parallel()
	for _, paused := range []struct {
		service Service
		kind    Kind
	}{{Organization, Read}, {Organization, Bulk}, {Stack, Read}, {User, Write}} {
		synctest.Test(t, func(t *testing.T) {
			wire, s := scripted(t, status(429, "Retry-After", "30", "X-RateLimit-Limit", "3"), good)
			wire.config.Retry.MaxAttempts = 1
			first := read
			first.Kind, first.Service = paused.kind, paused.service
			_, _, _, _ = wire.call(t.Context(), first)
			for service := range services {
				for kind := range kinds {
					request := read
					request.Kind, request.Service = kind, service
					began := time.Now()
					_, _, _, err := wire.call(t.Context(), request)
					waited, want := time.Since(began), time.Duration(0)
					if service == paused.service && kind == paused.kind {
						want = 30 * time.Second
					}
					if waited != want || err != nil {
						t.Errorf("after a refusal of %v, a request of %d and %d waited %v, %v", paused, service, kind, waited, err)
					}
					s.sent[0] = began
				}
			}
		})
	}
}

// A stack's response does not change what organization requests may do.
func TestHeadersSetTheirOwnBudget(t *testing.T) {
	t.Parallel()
	wire, _ := scripted(t, responds(200, "{}", "X-RateLimit-Limit", "4", "X-RateLimit-Remaining", "3"))
	request := read
	request.Service = Stack
	if _, _, _, err := wire.call(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	for service, limits := range map[Service][3]float64{Organization: {10, 10, 1}, Stack: {4, 10, 1}, User: {10, 10, 1}} {
		for kind, want := range limits {
			if limit := wire.budgets[service][kind].pace.limit; limit != want {
				t.Errorf("the limit of %d and %d is %v, want %v", service, kind, limit, want)
			}
		}
	}
}

func TestForOrganization(t *testing.T) {
	t.Parallel()
	limiter := rate.NewLimiter(1, 1)
	wire, _ := scripted(t, good)
	wire = newTransport(t, "https://api.example.com", wire.client, func(c *Config) {
		c.Limits = Limits{Reads: 20, Writes: 5, Bulk: 2, Share: 0.5}
		c.Limiters.Writes = limiter
	})
	other := wire.ForOrganization()
	if other.client != wire.client || other.throttle != wire.throttle {
		t.Error("the HTTP client and the throttle are not shared")
	}
	for service := range services {
		for kind, want := range [kinds]float64{10, mostLimit, 1} {
			one, two := wire.budgets[service][kind], other.budgets[service][kind]
			if shared := one == two; shared != (service == User) {
				t.Errorf("the budget of %d and %d is shared: %v", service, kind, shared)
			}
			if one.pace.limit != want || two.pace.limit != want {
				t.Errorf("the limits of %d and %d are %v and %v, want %v", service, kind, one.pace.limit, two.pace.limit, want)
			}
			if Kind(kind) == Write && (one.limiter != limiter || two.limiter != limiter) {
				t.Errorf("the caller's limiter is not shared")
			}
		}
	}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		wire, _ := scripted(t, fails(io.ErrUnexpectedEOF), status(503, "X-Request-Id", "r-17"), status(429, "Retry-After", "3"), good)
		wire.config.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		request := read
		request.Path, request.Query = "/things/jane%40example.com", map[string][]string{"q": {"hunter2"}}
		if _, _, _, err := wire.call(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		for i, want := range [][]string{
			{"attempt=1", "error=", "retry_in="},
			{"attempt=2", "status=503 request_id=r-17", "retry_in="},
			{"attempt=3", "status=429", "retry_in=3s"},
			{"attempt=4", "status=200", "op=GetThing method=GET path=/things/{uid}"},
		} {
			for _, words := range want {
				if i >= len(lines) || !strings.Contains(lines[i], words) {
					t.Fatalf("line %d lacks %q: %s", i+1, words, log.String())
				}
			}
		}
		for _, secret := range []string{token, "jane", "hunter2"} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("the log has %q", secret)
			}
		}
	})
}

// Errors have no URL, no address and no secret, whatever net/http quotes.
func TestErrorsHaveNoSecrets(t *testing.T) {
	t.Parallel()
	wire, _ := scripted(t, fails(errors.New(`malformed response "jane@example.com hunter2 `+token+`"`)))
	wire.config.Retry.MaxAttempts = 1
	request := write
	request.Secrets = []string{"hunter2"}
	request.Query = map[string][]string{"email": {"jane@example.com"}}
	_, _, _, err := wire.call(t.Context(), request)
	if err == nil || err.Error() != `malformed response "[address] [secret] [secret]"` {
		t.Errorf("got %v", err)
	}
}

func TestRequestsThatCannotBeMade(t *testing.T) {
	t.Parallel()
	wire, s := scripted(t, good)
	for name, change := range map[string]func(*Request){
		"path":   func(r *Request) { r.Path = "/%zz" },
		"method": func(r *Request) { r.Method = "NOT A METHOD" },
	} {
		request := write
		change(&request)
		_, _, _, err := wire.call(t.Context(), request)
		if failure, ok := errors.AsType[*Error](err); !ok || !failure.Unsent || len(s.sent) != 0 {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestResponseTexts(t *testing.T) {
	t.Parallel()
	for contentType, want := range map[string]string{
		"application/json; charset=utf-8":  "application/json",
		"":                                 "unknown type",
		"text/" + strings.Repeat("x", 400): "unknown type",
		"text/jane@example.com":            "unknown type",
		"no type at all":                   "unknown type",
	} {
		wire, _ := scripted(t, responds(200, "{}", "Content-Type", contentType, "X-Request-Id", "id of jane&#64;example.com\n"))
		_, err := wire.Do(t.Context(), &read, func(r *Response) error {
			if got := r.ContentType(); got != want {
				t.Errorf("the content type %q is %q, want %q", contentType, got, want)
			}
			if got := r.RequestID(); got != "id of [address]" {
				t.Errorf("the request ID is %q", got)
			}
			if got := r.Clean("the token " + token); got != "the token [secret]" {
				t.Errorf("a clean text is %q", got)
			}
			return errUse
		})
		if !errors.Is(err, errUse) {
			t.Errorf("got %v", err)
		}
	}
}

var errUse = errors.New("the response cannot be used")
