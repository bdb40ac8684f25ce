package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/internal/transport"
)

// paced is what new clients do at a limit, all from the same moment on.
type paced struct {
	users   int
	limit   int
	latency time.Duration
	jitter  time.Duration // at most, on top, each way
	headers bool
	others  float64 // the part of the limit that another client uses
	clients int
	do      action
}

// action does the work of one client, and returns how many users there were.
type action func(ctx context.Context, at endpoint, limit int) (users int, err error)

// sample is the result of one run.
type sample struct {
	seconds, floor, allowed float64 // that it took, that the limit allows for its requests, and that a list may take
	tally
	othersRefused float64
}

func (s sample) refusedShare() float64 { return float64(s.Refused) / float64(max(1, s.Requests)) }

// worst returns the sample that took longest for what it was allowed, with the most refusals of all.
func worst(samples []sample) sample {
	w := slices.MaxFunc(samples, func(a, b sample) int { return cmp.Compare(a.seconds/a.allowed, b.seconds/b.allowed) })
	refused := slices.MaxFunc(samples, func(a, b sample) int { return cmp.Compare(a.refusedShare(), b.refusedShare()) })
	w.Requests, w.Refused = refused.Requests, refused.Refused
	return w
}

// phased returns runs that start in each part of the server's second.
func (p paced) phased(phases int) (runs []func(context.Context) (sample, error)) {
	for phase := range phases {
		runs = append(runs, func(ctx context.Context) (sample, error) {
			part := time.Second / time.Duration(phases)
			return p.run(ctx, time.Duration(phase)*part+rand.N(part))
		})
	}
	return runs
}

func (p paced) run(ctx context.Context, phase time.Duration) (s sample, err error) {
	server, err := startFake(ctx, setting{Users: p.users, Limit: p.limit, Latency: p.latency, Jitter: p.jitter, Headers: p.headers})
	if err != nil {
		return s, err
	}
	var others crowd
	if p.others > 0 {
		others.begin(ctx, server.endpoint, p.others*float64(p.limit))
		defer others.end()
		if err := transport.Sleep(ctx, 2*time.Second); err != nil { // until they have settled
			return s, err
		}
	}
	now := time.Now()
	start := now.Truncate(time.Second).Add(time.Second + phase)
	if err := transport.Sleep(ctx, start.Sub(now)); err != nil {
		return s, err
	}
	began := time.Now()
	clients, clientsCtx := errgroup.WithContext(ctx)
	for range p.clients {
		clients.Go(func() error {
			users, err := p.do(clientsCtx, server.endpoint, p.limit)
			if err == nil && users != p.users {
				err = fmt.Errorf("%s: %d users came, there are %d", p.name(), users, p.users)
			}
			return err
		})
	}
	if err := clients.Wait(); err != nil {
		return s, err
	}
	s.seconds = time.Since(began).Seconds()
	others.end()
	s.othersRefused = others.refusedShare()
	s.tally, err = server.stop()
	s.floor = float64(s.Requests-s.Refused) / (float64(p.limit) * (1 - p.others))
	s.allowed = 1.05*s.floor + 2*(p.latency+2*p.jitter).Seconds()
	return s, err
}

func list(ctx context.Context, at endpoint, limit int) (users int, err error) {
	client, err := at.client(limit)
	if err != nil {
		return 0, err
	}
	for _, err := range client.Users(ctx, nil) {
		if err != nil {
			return users, err
		}
		users++
	}
	return users, nil
}

// export writes all users to a file, as most programs would.
func export(ctx context.Context, at endpoint, limit int) (rows int, err error) {
	client, err := at.client(limit)
	if err != nil {
		return 0, err
	}
	folder, err := os.MkdirTemp("", "orgusers-bench-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // it is a temporary one
	summary, err := client.ExportCSVFile(ctx, filepath.Join(folder, "users.csv"), nil)
	if err != nil {
		return 0, err
	}
	return summary.Rows, nil
}

func remove(ctx context.Context, at endpoint, limit int) (users int, err error) {
	client, err := at.client(limit)
	if err != nil {
		return 0, err
	}
	_, err = client.RemoveUsers(ctx, []string{at.Member}, nil)
	return at.Users, err
}

func invite(ctx context.Context, at endpoint, limit int) (users int, err error) {
	client, err := at.client(limit)
	if err != nil {
		return 0, err
	}
	_, err = client.Invite(ctx, []orgusers.Invitee{{Email: "new@example.com", Roles: []string{"member"}}}, nil)
	return at.Users, err
}

// listed returns the row of lists of a whole organization: the worst sample.
func (p paced) listed(samples []sample) row {
	s := worst(samples)
	return row{
		What: p.name(), Measured: s.seconds, Unit: "s", AtMost: s.allowed, Refused: s.refusedShare(), Most429s: 0.01,
		Note: fmt.Sprintf("%.3f × requests ÷ limit; up to %d in flight", s.seconds/s.floor, s.InFlight),
	}
}

// shared returns the row of lists that share a limit: the medians.
func (p paced) shared(samples []sample) row {
	of := func(value func(sample) float64) float64 {
		var values []float64
		for _, s := range samples {
			values = append(values, value(s))
		}
		return median(values)
	}
	ratio := of(func(s sample) float64 { return s.seconds / s.floor })
	r := row{What: p.name(), Measured: of(func(s sample) float64 { return s.seconds }), Unit: "s", Refused: of(sample.refusedShare)}
	if p.others == 0 {
		r.AtMost, r.Most429s = 1.35*r.Measured/ratio, map[int]float64{2: 0.1, 4: 0.2}[p.clients]
		r.Note = fmt.Sprintf("%.2f × requests ÷ limit", ratio)
		return r
	}
	if p.others == 0.5 && !p.headers {
		r.AtMost, r.Most429s = r.Measured/ratio/0.8, 0.08
	}
	r.Note = fmt.Sprintf("%.0f %% of the rest used; %.1f %% of the other's refused", 100/ratio, 100*of(func(s sample) float64 { return s.othersRefused }))
	return r
}

func (p paced) name() string {
	name := "list " + thousands(p.users) + p.where()
	if p.clients > 1 {
		name = fmt.Sprintf("%d clients, each: %s", p.clients, name)
	}
	if p.headers {
		name += ", headers"
	}
	if p.others > 0 {
		name += fmt.Sprintf(", another uses %.0f %%", 100*p.others)
	}
	return name
}

func (p paced) where() string {
	return fmt.Sprintf(" at %d/s, %d ms away", p.limit, p.latency.Milliseconds())
}

// thousands writes a number with commas.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
