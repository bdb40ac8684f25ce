package faults_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

// FuzzWrites makes a change under random faults of the change and of the reads around it,
// delays, spellings and deadlines. Whatever happens, at most one email is sent to an
// address, and an outcome that is done, failed or not started is true.
func FuzzWrites(f *testing.F) {
	for seed := range uint64(100) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			changes := operations.Changes()
			o := changes[rng.IntN(len(changes))]
			fake := orguserstest.NewUnstartedServer(orguserstest.WithPeople(operations.Crowd()...), orguserstest.WithLatency(upTo(rng, 400*time.Millisecond)))
			defer fake.Close()
			if o.Change.Prepare != nil {
				o.Change.Prepare(fake)
			}
			a := newArguments(t, o, fake, randomEditor(rng, fake, o))
			for range rng.IntN(3) {
				fault := randomFault(rng, o.Change.ReadBack)
				fault.Method, fault.Path = o.Method, o.Path
				fake.AddFault(fault)
			}
			for range rng.IntN(3) {
				effects := []orguserstest.Effect{statusOf(403), statusOf(500), orguserstest.Reset(), orguserstest.EmptyPage(), orguserstest.CutBody(), orguserstest.HTML(200)}
				read := organization + []string{"/share/search", "/roles", ""}[rng.IntN(3)]
				if rng.IntN(4) == 0 {
					read = "/v4/teams"
				}
				fake.AddFault(orguserstest.Fault{
					Method: map[bool]string{true: http.MethodPost, false: http.MethodGet}[read == shares+"/search"], Path: read,
					Skip: rng.IntN(4), Times: 1 + rng.IntN(3), Effect: effects[rng.IntN(len(effects))],
				})
			}
			ctx, cancel := t.Context(), context.CancelFunc(func() {})
			if rng.IntN(3) > 0 {
				ctx, cancel = context.WithTimeout(ctx, upTo(rng, 30*time.Second))
			}
			defer cancel()
			var emails []string
			for _, email := range o.Change.Targets[:1+rng.IntN(len(o.Change.Targets))] {
				if rng.IntN(4) == 0 {
					email = strings.ToUpper(email)
				}
				emails = append(emails, email)
			}
			result, _ := o.Change.Run(ctx, a, emails, orgusers.BulkOptions{})
			time.Sleep(time.Minute) // fake time: what the server still does
			for _, outcome := range result.Outcomes {
				checkOutcome(t, fake, o.Change, outcome)
			}
			if len(result.Outcomes) != len(emails) {
				t.Errorf("%d outcomes for %d addresses", len(result.Outcomes), len(emails))
			}
			if t.Failed() {
				t.Errorf("%s, seed %d", o.Name, seed)
			}
		})
	})
}

// randomEditor carries requests to the fake. Often it changes the rows that are read: to other
// spellings of their addresses, or by rows of others and a second row of each address.
func randomEditor(rng *rand.Rand, fake *orguserstest.Server, o operations.Operation) http.RoundTripper {
	changes := []func([]any) []any{
		nil, nil, nil,
		respell(strings.ToUpper), respell(strings.ToTitle),
		respell(func(s string) string { return strings.ReplaceAll(s, "s", "\u017f") }),
		respell(func(s string) string { return strings.ReplaceAll(s, "e", "e\u0301") }),
		respell(func(s string) string { return strings.Replace(s, "@", "+tag@", 1) }),
		add(row("other@example.com")), add(row("")), twice, without("email"),
	}
	e := &editor{server: fake.Transport(), write: o, change: changes[rng.IntN(len(changes))]}
	e.written.Store(rng.IntN(2) == 0)
	return e
}

// respell changes the addresses of rows.
func respell(change func(string) string) func([]any) []any {
	return func(rows []any) []any {
		for _, row := range rows {
			if object, ok := row.(map[string]any); ok {
				if email, ok := object["email"].(string); ok {
					object["email"] = change(email)
				}
			}
		}
		return rows
	}
}

func upTo(rng *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(d)) + 1)
}

// randomFault returns a fault of a change. A server may act before or after a response
// that does not show it, but before the state has been read back for the last time.
func randomFault(rng *rand.Rand, readBack bool) orguserstest.Fault {
	fault := orguserstest.Fault{Skip: rng.IntN(3), Times: rng.IntN(3)}
	before := []orguserstest.Effect{statusOf(401), statusOf(403), statusOf(429), orguserstest.EmptyBody(), orguserstest.TruncatedJSON(), orguserstest.ResetBody()}
	unclear := []orguserstest.Effect{
		orguserstest.Reset(), orguserstest.Hang(), orguserstest.HTML(200), statusOf(408), statusOf(500), statusOf(503), statusOf(504), orguserstest.Redirect(302, "/v3/elsewhere"),
	}
	withoutDelays := 6 * time.Second
	if readBack && rng.IntN(3) == 0 {
		unclear, withoutDelays = []orguserstest.Effect{statusOf(422), statusOf(409)}, 2*time.Second
	}
	if rng.IntN(3) == 0 {
		fault.Effect = before[rng.IntN(len(before))]
		return fault
	}
	fault.Effect = unclear[rng.IntN(len(unclear))]
	switch rng.IntN(4) {
	case 0:
		fault.After = true
	case 1:
		fault.Partial = 1 + rng.IntN(4)
	case 2:
		fault.Later = upTo(rng, withoutDelays)
	}
	return fault
}
