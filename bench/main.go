// Command bench measures what lists, exports and small changes cost: time against what the rate limit allows, CPU time
// against a loop written by hand, and memory. It prints one table, which docs/performance.md explains.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/orgusers/orgusers/internal/transport"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := play(ctx)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// play runs this process: the one that measures, unless the environment says that it was started by that one.
func play(ctx context.Context) error {
	if role := os.Getenv(roleVariable); role != "" {
		return roles[role](ctx, os.Stdin, os.Stdout)
	}
	return run(ctx, os.Args[1:], os.Stdout, os.Stderr)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	wanted := flags.String("rows", strings.Join(kinds, ","), "measure these `kinds` of rows")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen := strings.Split(*wanted, ",")
	for _, name := range append(chosen, flags.Args()...) {
		if !slices.Contains(kinds, name) {
			return fmt.Errorf("%q is not a kind of rows: there are %s", name, strings.Join(kinds, ", "))
		}
	}
	before := load()
	rows, err := measure(ctx, full, chosen, stderr)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s\n%s, %d CPUs, load average %s before and %s after.\n",
		markdown(rows), runtime.Version(), runtime.NumCPU(), before, load())
	return err
}

// load returns the load averages of one, five and fifteen minutes.
func load() string {
	text, _ := os.ReadFile("/proc/loadavg")
	return strings.Join(strings.Fields(string(text))[:3], " ")
}

// A plan makes rows from samples of several runs.
type plan struct {
	rate int // pages per second that each run reads
	runs []func(ctx context.Context) (sample, error)
	rows func(samples []sample) []row
}

// together is how many pages per second are read at the same time. It is little enough to leave the clock alone on two
// CPUs. Runs without a rate limit run alone.
const together = 200

// measure makes the rows of some kinds.
func measure(ctx context.Context, size sizes, chosen []string, stderr io.Writer) ([]row, error) {
	var plans []plan
	runs := 0
	for _, kind := range chosen {
		for _, p := range plansOf(kind, size) {
			plans = append(plans, p)
			runs += len(p.runs)
		}
	}
	order := make([]int, len(plans)) // slow limits first, because they take longest
	for i := range plans {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return plans[a].rate - plans[b].rate })

	samples := make([][]sample, len(plans))
	room := semaphore.NewWeighted(together)
	running, ctx := errgroup.WithContext(ctx)
	var done atomic.Int64
	for _, i := range order {
		samples[i] = make([]sample, len(plans[i].runs))
		for n, run := range plans[i].runs {
			rate := int64(min(plans[i].rate, together))
			if room.Acquire(ctx, rate) != nil || transport.Sleep(ctx, 50*ms) != nil {
				break // Wait returns the error of the run that failed
			}
			running.Go(func() (err error) {
				defer room.Release(rate)
				samples[i][n], err = run(ctx)
				_, _ = fmt.Fprintf(stderr, "bench: %d of %d runs\n", done.Add(1), runs)
				return err
			})
		}
	}
	if err := running.Wait(); err != nil {
		return nil, err
	}
	var rows []row
	for i, p := range plans {
		rows = append(rows, p.rows(samples[i])...)
	}
	return rows, nil
}
