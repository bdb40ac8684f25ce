package orgusers_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// never is a source of tokens, and a limiter, that only the context ends.
type never struct{}

var errNever = errors.New("interrupted")

func (never) Token(ctx context.Context) (string, error) { return "", never{}.Wait(ctx) }

func (never) Wait(ctx context.Context) error {
	<-ctx.Done()
	return errNever // and not the context's error: the client has to know it itself
}

// counted counts what is sent.
type counted struct {
	wire http.RoundTripper
	sent atomic.Int64
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.sent.Add(1)
	return c.wire.RoundTrip(r)
}

// TestCancel cancels a call a second after it began, wherever it waits then: it
// ends at that moment, as cancelled, and nothing is sent any more.
func TestCancel(t *testing.T) {
	t.Parallel()
	answering := func(a answer) func(*testing.T) http.RoundTripper {
		return func(*testing.T) http.RoundTripper { return roundTripper(a) }
	}
	serving := func(handler http.HandlerFunc) func(*testing.T) http.RoundTripper {
		return func(t *testing.T) http.RoundTripper { return piped(t, handler) }
	}
	slow := orgusers.WithRateLimits(orgusers.RateLimits{Reads: 0.1, Writes: 0.1})
	tests := []struct {
		name   string
		wire   func(*testing.T) http.RoundTripper
		option orgusers.Option
		before int   // calls that go well
		sent   int64 // in all
		flight bool  // the request is under way when it is cancelled
	}{
		{"the limit's turn", answering(good), slow, 1, 1, false},
		{"a server's pause", answering(status(429, "Retry-After", "30")), nil, 0, 1, false},
		{"a server's pause with a limiter of the caller's", answering(status(429, "Retry-After", "30")), orgusers.WithRateLimiters(orgusers.RateLimiters{Reads: unlimited{}, Writes: unlimited{}}), 0, 1, false},
		{"a limiter of the caller's", answering(good), orgusers.WithRateLimiters(orgusers.RateLimiters{Reads: never{}, Writes: never{}}), 0, 0, false},
		{"a dial", dialingFor(hangs), nil, 0, 1, false},
		{"a TLS handshake", dialingFor(meets(saysNothing)), orgusers.WithBaseURL("https://127.0.0.1"), 0, 1, false},
		{"the backoff after a failed dial", answering(dial), orgusers.WithRetry(orgusers.RetryPolicy{BaseDelay: 1 << 60, MaxDelay: 1 << 60}), 0, 1, false},
		{"headers", serving(after(waits)), nil, 0, 1, true},
		{"a body", serving(after(trickles)), nil, 0, 1, true},
	}
	for _, tt := range tests {
		for kind, call := range kinds {
			t.Run(tt.name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					wire := &counted{wire: tt.wire(t)}
					client := newClient(t, wire, orgusers.WithBaseURL("http://127.0.0.1"), tt.option)
					for range tt.before {
						if err := call(t.Context(), client); err != nil {
							t.Fatal(err)
						}
					}
					err := cancelled(t, func(ctx context.Context) error { return call(ctx, client) })
					if got, want := errors.Is(err, orgusers.ErrOutcomeUnknown), tt.flight && strings.HasPrefix(kind, "write"); got != want {
						t.Errorf("outcome unknown is %v, want %v: %v", got, want, err)
					}
					if n := wire.sent.Load(); n != tt.sent {
						t.Errorf("%d requests were sent, want %d", n, tt.sent)
					}
				})
			})
		}
	}
}

// dialingFor is a transport without a connection yet.
func dialingFor(dial dialer) func(*testing.T) http.RoundTripper {
	return func(*testing.T) http.RoundTripper { return dialing(dial)() }
}

// cancelled cancels a call after a second, and returns its error a minute later:
// what was still to be sent has been sent then.
func cancelled(t *testing.T, call func(context.Context) error) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	time.AfterFunc(time.Second, cancel)
	err := call(ctx)
	if took := time.Since(began); took != time.Second {
		t.Errorf("it ended after %v, and was cancelled after 1s: %v", took, err)
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	time.Sleep(time.Minute) // fake time
	return err
}

func TestCancelTokenSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{answers: []answer{good}}
		client, err := orgusers.New("blt1", orgusers.WithTokenSource(never{}), orgusers.WithHTTPClient(&http.Client{Transport: s}))
		if err != nil {
			t.Fatal(err)
		}
		err = cancelled(t, func(ctx context.Context) error {
			_, err := client.GetOrganization(ctx, nil)
			return err
		})
		if len(s.sent) != 0 {
			t.Errorf("%d requests were sent: %v", len(s.sent), err)
		}
	})
}

// A list has up to 32 pages under way. All of them end with it.
func TestCancelReadAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := orguserstest.NewUnstartedServer(orguserstest.WithUsers(5000), orguserstest.WithRateLimit(100, 100), orguserstest.WithLatency(700*time.Millisecond))
		defer server.Close()
		wire := &counted{wire: piped(t, server)}
		client := paced(t, server, orgusers.WithHTTPClient(&http.Client{Transport: wire}))
		var then atomic.Int64
		time.AfterFunc(time.Second+time.Nanosecond, func() { then.Store(wire.sent.Load()) })
		err := cancelled(t, func(ctx context.Context) error { return end(client.Users(ctx, nil)) })
		if n := wire.sent.Load(); n < 3 || n != then.Load() {
			t.Errorf("%d requests were sent, %d of them before it was cancelled, want more than two and all: %v", n, then.Load(), err)
		}
	})
}

// The looks that a bulk write takes after an answer was lost end too, and what
// they would have told is unknown.
func TestCancelLooks(t *testing.T) {
	t.Parallel()
	for _, w := range writes {
		if w.blind || w.unseen {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := orguserstest.NewUnstartedServer(orguserstest.WithPeople(crowd()...))
				defer server.Close()
				client := w.client(t, server, server.Transport())
				server.AddFault(orguserstest.Fault{Method: w.method, Path: w.path, Effect: orguserstest.Reset()})
				ctx, cancel := context.WithCancel(t.Context())
				var moment time.Time
				server.OnRequest(func(r *orguserstest.Request) {
					if r.Write {
						time.AfterFunc(500*time.Millisecond, func() { // the first look is after a second
							moment = time.Now()
							cancel()
						})
					}
				})
				got := w.call(ctx, client, server)
				if !time.Now().Equal(moment) {
					t.Errorf("it ended %v after it was cancelled", time.Since(moment))
				}
				sent := len(server.Requests())
				time.Sleep(time.Minute) // fake time
				if n := len(server.Requests()); n != sent {
					t.Errorf("%d requests were sent after it ended", n-sent)
				}
				unknown := 0
				for _, status := range got {
					if status == orgusers.OutcomeUnknown {
						unknown++
					}
				}
				if unknown == 0 || unknown > 10 {
					t.Errorf("%d addresses are unknown, want those of the batch that was sent: %v", unknown, got)
				}
			})
		})
	}
}

// The error of what was cancelled while it was looked at says both.
func TestCancelLooksError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := orguserstest.NewUnstartedServer(orguserstest.WithPeople(crowd()...))
		defer server.Close()
		client := writes[0].client(t, server, server.Transport())
		server.AddFault(orguserstest.Fault{Method: http.MethodPost, Path: sharePath, Effect: orguserstest.Reset()})
		err := cancelled(t, func(ctx context.Context) error {
			_, err := client.Invite(ctx, orgusers.InviteRequest{Invitees: []orgusers.Invitee{{Email: stranger(0), RoleUIDs: []string{server.RoleUID("Member")}}}})
			return err
		})
		if !errors.Is(err, orgusers.ErrOutcomeUnknown) {
			t.Errorf("got %v, want ErrOutcomeUnknown", err)
		}
	})
}

// slowWriter takes three seconds for each Write.
type slowWriter struct {
	begun  time.Time // the first Write
	writes int
}

func (w *slowWriter) Write(p []byte) (int, error) {
	if w.writes++; w.writes == 1 {
		w.begun = time.Now()
	}
	time.Sleep(3 * time.Second) // fake time
	return len(p), nil
}

// A Write that goes on cannot be interrupted. The export ends with it, and
// begins no other.
func TestCancelExportWhileItWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, client := inProcess(t, orguserstest.WithUsers(3000))
		defer server.Close()
		ctx, cancel := context.WithCancel(t.Context())
		writer := &slowWriter{}
		summary, err := client.ExportCSV(ctx, writer, &orgusers.ExportOptions{Columns: append(orgusers.DefaultColumns(), orgusers.Column{
			Header: "cancels", Value: func(*orgusers.User) string {
				if writer.writes == 0 {
					time.AfterFunc(time.Second, cancel) // in the midst of the first Write, which comes at once
				}
				return ""
			},
		})})
		if !errors.Is(err, context.Canceled) || writer.writes != 1 || time.Since(writer.begun) != 3*time.Second {
			t.Errorf("got %v after %d writes and %v, want context.Canceled after one and 3s", err, writer.writes, time.Since(writer.begun))
		}
		if summary.Bytes == 0 || !strings.Contains(err.Error(), "of 3000 rows were written") {
			t.Errorf("the summary says %+v: %v", summary, err)
		}
	})
}
