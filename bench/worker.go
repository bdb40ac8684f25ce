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

// task is what a worker measures in its own process.
type task struct {
	Export bool // or else list, in turns with the loop by hand
	At     endpoint
}

// report is the result of a task.
type report struct {
	Ours, ByHand usage // medians
	Memory       float64
}

// usage is what a run takes.
type usage struct{ CPU, Seconds, Allocations float64 }

// ask has a worker do a task at its own fake.
func ask(ctx context.Context, users int, t task) (r report, err error) {
	server, err := startFake(ctx, setting{Users: users})
	if err != nil {
		return r, err
	}
	t.At = server.endpoint
	p, err := launch(ctx, "worker", t)
	if err != nil {
		return r, err
	}
	if err := p.receive(&r); err != nil {
		return r, err
	}
	if err := p.end(); err != nil {
		return r, err
	}
	_, err = server.stop()
	return r, err
}

// doTask runs the process of a worker.
func doTask(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	var t task
	if err := gob.NewDecoder(stdin).Decode(&t); err != nil {
		return err
	}
	r, err := t.list(ctx)
	if t.Export {
		r, err = t.export(ctx)
	}
	if err != nil {
		return err
	}
	return gob.NewEncoder(stdout).Encode(r)
}

// list lists all users several times, in turns with the loop by hand.
func (t task) list(ctx context.Context) (r report, err error) {
	if t.Export {
		return r, nil
	}
	hand := t.At.byHand()
	ways := []func() (int, error){
		func() (int, error) { return list(ctx, t.At, 0) },
		func() (int, error) { return hand.List(ctx) },
	}
	const runs = 10
	var used [2][]usage
	for run := range runs + 1 {
		for turn := range 2 {
			which := (run + turn) % 2 // now one, now the other first
			u, err := t.measured(ways[which])
			if err != nil {
				return r, err
			}
			if run > 0 { // the first one warms up
				used[which] = append(used[which], u)
			}
		}
	}
	return report{Ours: medians(used[0]), ByHand: medians(used[1])}, nil
}

// export exports all users once.
func (t task) export(ctx context.Context) (r report, err error) {
	idle, err := memory("VmRSS")
	if err != nil {
		return r, err
	}
	if r.Ours, err = t.measured(func() (int, error) { return export(ctx, t.At, 0) }); err != nil {
		return r, err
	}
	peak, err := memory("VmHWM")
	r.Memory = peak - idle
	return r, err
}

// measured runs once. All users must come.
func (t task) measured(run func() (users int, err error)) (u usage, err error) {
	runtime.GC() // of garbage that an earlier run left
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began, cpu := time.Now(), cpuTime()
	users, err := run()
	u.CPU, u.Seconds = (cpuTime() - cpu).Seconds(), time.Since(began).Seconds()
	runtime.ReadMemStats(&after)
	u.Allocations = float64(after.Mallocs - before.Mallocs)
	if err == nil && users != t.At.Users {
		err = fmt.Errorf("%d users came, there are %d", users, t.At.Users)
	}
	return u, err
}

// cpuTime returns what this process has used of all CPUs.
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

// memory returns a value of /proc/self/status in MiB. Its peak, unlike that of getrusage, starts with this program and
// not with the one that started it.
func memory(name string) (mib float64, err error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			_, err := fmt.Sscan(value, &mib)
			return mib / 1024, err
		}
	}
	return 0, errors.New("/proc/self/status has no " + name)
}

func cpuPlan(size sizes) plan {
	return alone(func(ctx context.Context) ([]row, error) {
		r, err := ask(ctx, size.listed, task{})
		each := 1e6 / float64(size.listed)
		return []row{{
			What: "CPU time of listing " + thousands(size.listed) + ", for each", Unit: "µs",
			Measured: r.Ours.CPU * each, AtMost: 1.15 * r.ByHand.CPU * each,
			Note: fmt.Sprintf("%.2f × a loop by hand, %.0f allocations for %.0f", r.Ours.CPU/r.ByHand.CPU,
				r.Ours.Allocations/float64(size.listed), r.ByHand.Allocations/float64(size.listed)),
		}}, err
	})
}

func memoryPlan(size sizes) plan {
	return alone(func(ctx context.Context) (rows []row, err error) {
		for _, users := range size.exported {
			r, err := ask(ctx, users, task{Export: true})
			if err != nil {
				return nil, err
			}
			rows = append(rows, row{
				What: "peak memory of exporting " + thousands(users) + ", above idle", Measured: r.Memory, Unit: "MiB", AtMost: 96,
				Note: fmt.Sprintf("%.1f s without a rate limit, %.1f s of CPU time", r.Ours.Seconds, r.Ours.CPU),
			})
		}
		return rows, nil
	})
}
