package main

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// task is what a worker measures in a process of its own.
type task struct {
	Do    string
	At    endpoint
	Users int
	Runs  int
}

// report is what it came to.
type report struct {
	Ours, ByHand usage
	New          float64 // seconds
	Idle, Peak   int     // KiB of memory in use
	Export       usage   // of one run
}

// usage is what a run takes: the median of several.
type usage struct{ CPU, Seconds, Allocations float64 }

// work is the process of a worker.
func work(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	var t task
	if err := gob.NewDecoder(stdin).Decode(&t); err != nil {
		return err
	}
	var r report
	var err error
	switch t.Do {
	case "list":
		err = t.list(ctx, &r)
	case "export":
		err = t.export(ctx, &r)
	case "start":
		err = t.start(ctx, &r)
	default:
		err = fmt.Errorf("no task %q", t.Do)
	}
	if err != nil {
		return err
	}
	return gob.NewEncoder(stdout).Encode(r)
}

// send has a worker do a task.
func (t task) send(ctx context.Context) (report, error) {
	p, err := launch(ctx, "worker", t)
	if err != nil {
		return report{}, err
	}
	var r report
	if err := p.hear(&r); err != nil {
		return report{}, err
	}
	return r, p.end()
}

// list compares whole lists.
func (t task) list(ctx context.Context, r *report) (err error) {
	hand := t.At.byHand(freshClient())
	r.Ours, r.ByHand, err = t.alternate(
		func() (int, error) { return list(ctx, t.At) },
		func() (int, error) { return hand.List(ctx) },
	)
	return err
}

// start compares the way to the first page, each time on a new connection.
func (t task) start(ctx context.Context, r *report) (err error) {
	var made []float64
	r.Ours, r.ByHand, err = t.alternate(
		func() (int, error) {
			began := time.Now()
			client, err := t.At.client()
			if err != nil {
				return 0, err
			}
			made = append(made, time.Since(began).Seconds())
			for _, err := range client.Users(ctx, nil) {
				return t.Users, err
			}
			return 0, nil
		},
		func() (int, error) {
			hand := t.At.byHand(freshClient())
			defer hand.Client.CloseIdleConnections()
			page, err := hand.Page(ctx, 0)
			if err != nil {
				return 0, err
			}
			return page.Count, nil
		},
	)
	r.New = median(made)
	return err
}

// alternate runs both in turns, and now one, now the other first. Each has to
// come to all users.
func (t task) alternate(ours, byHand func() (int, error)) (a, b usage, err error) {
	var of [2][]usage
	for run := range t.Runs + 1 {
		for turn := range 2 {
			which := (run + turn) % 2
			u, users, err := measured([]func() (int, error){ours, byHand}[which])
			if err == nil && users != t.Users {
				err = fmt.Errorf("%d users came, there are %d", users, t.Users)
			}
			if err != nil {
				return a, b, err
			}
			if run > 0 { // the first warms the fake up
				of[which] = append(of[which], u)
			}
		}
	}
	return medians(of[0]), medians(of[1]), nil
}

func measured(run func() (int, error)) (usage, int, error) {
	runtime.GC() // what the run before has left is not this one's
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began, cpu := time.Now(), cpuTime()
	users, err := run()
	u := usage{CPU: (cpuTime() - cpu).Seconds(), Seconds: time.Since(began).Seconds()}
	runtime.ReadMemStats(&after)
	u.Allocations = float64(after.Mallocs - before.Mallocs)
	return u, users, err
}

// cpuTime is what this process has used of all processors.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err) // it cannot fail
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func medians(runs []usage) usage {
	of := func(value func(usage) float64) float64 {
		var values []float64
		for _, u := range runs {
			values = append(values, value(u))
		}
		return median(values)
	}
	return usage{
		CPU:         of(func(u usage) float64 { return u.CPU }),
		Seconds:     of(func(u usage) float64 { return u.Seconds }),
		Allocations: of(func(u usage) float64 { return u.Allocations }),
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}

// export takes the memory of one export, from before there is a client.
func (t task) export(ctx context.Context, r *report) (err error) {
	if r.Idle, err = memory("VmRSS"); err != nil {
		return err
	}
	var rows int
	r.Export, rows, err = measured(func() (int, error) { return export(ctx, t.At) })
	if err == nil && rows != t.Users {
		err = fmt.Errorf("%d users were exported, there are %d", rows, t.Users)
	}
	if err != nil {
		return err
	}
	r.Peak, err = memory("VmHWM")
	return err
}

// memory is what the system says of this process: the peak, unlike that of
// getrusage, begins with this program and not with the one that started it.
func memory(name string) (kib int, err error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			_, err := fmt.Sscan(value, &kib)
			return kib, err
		}
	}
	return 0, errors.New("/proc/self/status has no " + name)
}
