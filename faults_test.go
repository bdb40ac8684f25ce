package orgusers_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// A fault, and what is to be expected of a write that it strikes.
type strike struct {
	name  string
	fault orguserstest.Fault
	// late tells that the server may still be at work when the answer is lost:
	// then what is not there stays unknown.
	late bool
	// tooLate tells that it is done when nobody looks any more.
	tooLate bool
	// lost tells that the answer does not say what was done.
	lost bool
	// seen tells that it can be mended only where the change can be seen.
	seen bool
	// never tells that it strikes each time, and the change is never made.
	never bool
}

var strikes = []strike{
	{name: "none", fault: orguserstest.Fault{Skip: 1 << 30, Effect: orguserstest.Status(500)}},
	{name: "429", fault: orguserstest.Fault{Times: 1, Effect: orguserstest.Status(429)}},
	{name: "429 for good", fault: orguserstest.Fault{Effect: orguserstest.Status(429)}, never: true},
	{name: "422 for good", fault: orguserstest.Fault{Effect: orguserstest.Status(422)}, never: true},
	{name: "403 for good", fault: orguserstest.Fault{Effect: orguserstest.Status(403)}, never: true},
	{name: "401 for good", fault: orguserstest.Fault{Effect: orguserstest.Status(401)}, never: true},
	{name: "500 before", fault: orguserstest.Fault{Times: 1, Effect: orguserstest.Status(500)}, lost: true},
	{name: "500 after", fault: orguserstest.Fault{Times: 1, After: true, Effect: orguserstest.Status(500)}, lost: true},
	{name: "500 after, each time", fault: orguserstest.Fault{After: true, Effect: orguserstest.Status(500)}, lost: true},
	{name: "500 before, for good", fault: orguserstest.Fault{Effect: orguserstest.Status(500)}, lost: true, never: true},
	{name: "500 in the middle", fault: orguserstest.Fault{Times: 1, Partial: 4, Effect: orguserstest.Status(500)}, lost: true},
	{name: "502 before", fault: orguserstest.Fault{Times: 1, Effect: orguserstest.Status(502)}, lost: true},
	{name: "503 after", fault: orguserstest.Fault{Times: 1, After: true, Effect: orguserstest.Status(503)}, lost: true},
	{name: "504 before", fault: orguserstest.Fault{Times: 1, Effect: orguserstest.Status(504)}, lost: true, late: true},
	{name: "504 after", fault: orguserstest.Fault{Times: 1, After: true, Effect: orguserstest.Status(504)}, lost: true, late: true},
	{name: "524 after", fault: orguserstest.Fault{Times: 1, After: true, Effect: orguserstest.Status(524)}, lost: true, late: true},
	{name: "524, done after everybody has looked", fault: orguserstest.Fault{Times: 1, Later: 30 * time.Second, Effect: orguserstest.Status(524)}, lost: true, late: true, tooLate: true},
	{name: "422, done half a second later", fault: orguserstest.Fault{Times: 1, Later: 500 * time.Millisecond, Effect: orguserstest.Status(422)}, seen: true},
	{name: "504, done two seconds later", fault: orguserstest.Fault{Times: 1, Later: 2 * time.Second, Effect: orguserstest.Status(504)}, lost: true, late: true},
	{name: "504, done after everybody has looked", fault: orguserstest.Fault{Times: 1, Later: 30 * time.Second, Effect: orguserstest.Status(504)}, lost: true, late: true, tooLate: true},
	{name: "422 in the middle", fault: orguserstest.Fault{Times: 1, Partial: 4, Effect: orguserstest.Status(422)}, seen: true},
	{name: "reset, done three seconds later", fault: orguserstest.Fault{Times: 1, Later: 3 * time.Second, Effect: orguserstest.Reset()}, lost: true},
	{name: "reset before", fault: orguserstest.Fault{Times: 1, Effect: orguserstest.Reset()}, lost: true},
	{name: "reset after", fault: orguserstest.Fault{Times: 1, After: true, Effect: orguserstest.Reset()}, lost: true},
	{name: "reset in the middle", fault: orguserstest.Fault{Times: 1, Partial: 4, Effect: orguserstest.Reset()}, lost: true},
	{name: "reset before, for good", fault: orguserstest.Fault{Effect: orguserstest.Reset()}, lost: true, never: true},
	{name: "timeout before", fault: orguserstest.Fault{Times: 1, Effect: orguserstest.Hang()}, lost: true, late: true},
	{name: "timeout after", fault: orguserstest.Fault{Times: 1, After: true, Effect: orguserstest.Hang()}, lost: true, late: true},
	{name: "cut body", fault: orguserstest.Fault{Times: 1, Effect: orguserstest.CutBody()}, lost: true},
	{name: "reset body", fault: orguserstest.Fault{Times: 1, Effect: orguserstest.ResetBody()}, lost: true},
	{name: "truncated JSON", fault: orguserstest.Fault{Times: 1, Effect: orguserstest.TruncatedJSON()}, lost: true},
	{name: "empty body", fault: orguserstest.Fault{Times: 1, Effect: orguserstest.EmptyBody()}, lost: true},
	{name: "HTML before", fault: orguserstest.Fault{Times: 1, Effect: orguserstest.HTML(200)}, lost: true},
	{name: "HTML after", fault: orguserstest.Fault{Times: 1, After: true, Effect: orguserstest.HTML(200)}, lost: true},
	{name: "redirect", fault: orguserstest.Fault{Effect: orguserstest.Redirect(307, "/v3/elsewhere")}, never: true},
}

// TestWritesUnderFaults goes through all pairs of writes and faults: what the
// outcomes call done is done, with exactly one mail; what they call failed is
// not, with none; and nothing is unknown but what cannot be known.
func TestWritesUnderFaults(t *testing.T) {
	t.Parallel()
	for _, w := range writes {
		for _, f := range strikes {
			if f.seen && (w.blind || w.unseen) {
				continue
			}
			t.Run(w.name+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					server := orguserstest.NewUnstartedServer(orguserstest.WithPeople(crowd()...))
					defer server.Close()
					client := w.client(t, server, server.Transport())
					fault := f.fault
					fault.Method, fault.Path = w.method, w.path
					server.AddFault(fault)
					got := w.call(t.Context(), client, server)
					time.Sleep(time.Minute) // fake time: whatever the server still does
					checkOutcomes(t, server, w, f, got)
				})
			})
		}
	}
}

func checkOutcomes(t *testing.T, server *orguserstest.Server, w write, f strike, got map[string]orgusers.OutcomeStatus) {
	t.Helper()
	for email, status := range got {
		mails, done := mailsTo(server, email), w.done == nil || w.done(server, email)
		if w.blind {
			done = mails > 0
		}
		if mails > 1 || !w.mails && mails > 0 {
			t.Errorf("%d mails to one address", mails)
		}
		switch status {
		case orgusers.OutcomeDone:
			if !done || w.mails && mails != 1 {
				t.Errorf("said to be done: done %v, %d mails", done, mails)
			}
		case orgusers.OutcomeFailed:
			if done || mails > 0 {
				t.Errorf("said to have failed: done %v, %d mails", done, mails)
			}
			if !f.never {
				t.Error("failed, though the fault passed")
			}
		case orgusers.OutcomeUnknown:
			if !f.lost || !w.blind && !w.unseen && (!f.late || done && !f.tooLate) {
				t.Errorf("unknown, though it can be known: done %v, %d mails", done, mails)
			}
		default:
			t.Errorf("status %q", status)
		}
	}
}

// TestWritesOverConnections strikes each write with a broken connection, on a
// fresh one and on one that has been used: net/http repeats some requests by
// itself on the latter, and a GET that mails is one of them.
func TestWritesOverConnections(t *testing.T) {
	t.Parallel()
	for _, w := range writes {
		for _, f := range strikes {
			if !strings.HasPrefix(f.name, "reset") && f.name != "cut body" {
				continue
			}
			for _, reused := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/reused %v", w.name, f.name, reused), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						server := orguserstest.NewUnstartedServer(orguserstest.WithPeople(crowd()...))
						transport := piped(t, server)
						transport.DisableKeepAlives = !reused
						client := w.client(t, server, transport)
						fault := f.fault
						fault.Method, fault.Path = w.method, w.path
						server.AddFault(fault)
						checkOutcomes(t, server, w, f, w.call(t.Context(), client, server))
					})
				})
			}
		}
	}
}

// client makes a client whose attempts end after ten seconds.
func (w *write) client(t *testing.T, server *orguserstest.Server, transport http.RoundTripper) *orgusers.Client {
	t.Helper()
	options := []orgusers.Option{
		orgusers.WithHTTPClient(&http.Client{Transport: transport, Timeout: 10 * time.Second}),
		orgusers.WithAuthToken(server.SignIn(callerOf(w.name))),
	}
	if w.routes {
		options = append(options, orgusers.WithEndpoints(server.Endpoints()))
	}
	return paced(t, server, options...)
}
