package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/orgusers/orgusers/internal/transport"
)

// sizes is how much is measured.
type sizes struct {
	users     int // in what is listed and exported at a limit
	limits    []int
	latencies []time.Duration
	phases    []time.Duration // of the server's second, when the list begins
	jitter    time.Duration
	shares    []share

	listed, runs int   // users and runs of the rows about CPU time
	exported     []int // users of the rows about memory
	starts       int   // runs of the rows about the first page
}

// share of a limit that others take.
type share struct {
	name string
	part float64
}

const ms = time.Millisecond

var full = sizes{
	users:     20_000,
	limits:    []int{10, 50, 100},
	latencies: []time.Duration{50 * ms, 200 * ms},
	phases:    []time.Duration{0, 250 * ms, 500 * ms, 750 * ms},
	jitter:    20 * ms,
	shares:    []share{{"a third", 1.0 / 3}, {"half", 1.0 / 2}},
	listed:    100_000,
	runs:      10,
	exported:  []int{10_000, 100_000, 1_000_000},
	starts:    50,
}

var small = sizes{
	users:     10_000,
	limits:    []int{10, 100},
	latencies: []time.Duration{200 * ms},
	phases:    []time.Duration{0, 500 * ms},
	jitter:    20 * ms,
	shares:    []share{{"a third", 1.0 / 3}},
	listed:    20_000,
	runs:      5,
	exported:  []int{10_000, 100_000},
	starts:    10,
}

// groups are the kinds of rows, in the order of the table.
var groups = []struct {
	name string
	plan func(sizes) []measurement
}{
	{"paced", pacedRows},
	{"shared", sharedRows},
	{"sdk", sdkRows},
	{"cpu", cpuRows},
	{"memory", memoryRows},
	{"start", startRows},
}

// measurement makes one row or more. Of several runs the worst counts.
type measurement struct {
	rate int // pages a second, at the most
	runs []func(ctx context.Context) ([]row, error)
}

// together is how many pages a second are read at the same time: little
// enough, on two idle CPUs, to leave the clock alone. What knows no limit runs
// alone.
const together = 200

// apart is how long after one run the next one begins, so that neither the
// making of fakes nor the writing of files falls together.
const apart = 150 * ms

// measure makes the rows of the groups that are chosen.
func measure(ctx context.Context, size sizes, chosen []string, stderr io.Writer) ([]row, error) {
	var plan []measurement
	var kinds []string
	runs := 0
	for _, group := range groups {
		if !slices.Contains(chosen, group.name) {
			continue
		}
		for _, m := range group.plan(size) {
			plan = append(plan, m)
			kinds = append(kinds, group.name)
			runs += len(m.runs)
		}
	}
	results := make([][][]row, len(plan))
	order := make([]int, len(plan)) // slow limits first, as they take longest
	for i := range plan {
		results[i] = make([][]row, len(plan[i].runs))
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return plan[a].rate - plan[b].rate })

	room := semaphore.NewWeighted(together)
	running, ctx := errgroup.WithContext(ctx)
	var done atomic.Int64
	for _, i := range order {
		for n, run := range plan[i].runs {
			rate := int64(min(plan[i].rate, together))
			if room.Acquire(ctx, rate) != nil || transport.Sleep(ctx, apart) != nil {
				break // one has failed: Wait tells
			}
			running.Go(func() (err error) {
				defer room.Release(rate)
				results[i][n], err = run(ctx)
				_, _ = fmt.Fprintf(stderr, "bench: %d of %d runs\n", done.Add(1), runs)
				return err
			})
		}
	}
	if err := running.Wait(); err != nil {
		return nil, err
	}
	var rows []row
	for i, runs := range results {
		rows = append(rows, worst(kinds[i], runs)...)
	}
	return rows, nil
}

func worst(kind string, runs [][]row) []row {
	rows := runs[0]
	for i := range rows {
		for _, other := range runs[1:] {
			rows[i] = worse(rows[i], other[i])
		}
		rows[i].Kind = kind
		if len(runs) > 1 {
			rows[i].remark(fmt.Sprintf("worst of %d", len(runs)))
		}
	}
	return rows
}
