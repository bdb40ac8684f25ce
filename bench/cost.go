package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// alone is a measurement that nothing else may run beside.
func alone(run func(ctx context.Context) ([]row, error)) []measurement {
	return []measurement{{together, []func(context.Context) ([]row, error){run}}}
}

// ask has a worker do a task at a fake of its own.
func ask(ctx context.Context, s setting, t task) (report, error) {
	server, err := startFake(ctx, s)
	if err != nil {
		return report{}, err
	}
	t.At, t.Users = server.endpoint, s.Users
	r, err := t.send(ctx)
	if err != nil {
		return report{}, err
	}
	_, err = server.stop()
	return r, err
}

func cpuRows(size sizes) []measurement {
	return alone(func(ctx context.Context) ([]row, error) {
		r, err := ask(ctx, setting{Users: size.listed}, task{Do: "list", Runs: size.runs})
		if err != nil {
			return nil, err
		}
		users := float64(size.listed)
		cpu := compared("CPU time of listing "+thousands(size.listed)+", for each", "µs", 1e6/users*r.Ours.CPU, 1e6/users*r.ByHand.CPU)
		cpu.AtMost = 1.15
		cpu.Remark = fmt.Sprintf("medians of %d", size.runs)
		return []row{
			cpu,
			compared("seconds for listing "+thousands(size.listed), "s", r.Ours.Seconds, r.ByHand.Seconds),
			compared("allocations for each", "", r.Ours.Allocations/users, r.ByHand.Allocations/users),
		}, nil
	})
}

// compared holds what was measured against the loop by hand.
func compared(what, unit string, ours, byHand float64) row {
	return row{What: what, Measured: ours, Against: byHand, Unit: unit, Basis: "by hand", Ratio: ours / byHand}
}

// mostMemory is the bar for the memory of an export, in MiB.
const mostMemory = 96

func memoryRows(size sizes) []measurement {
	return alone(func(ctx context.Context) ([]row, error) {
		var times, peaks []row
		for _, users := range size.exported {
			r, err := ask(ctx, setting{Users: users}, task{Do: "export"})
			if err != nil {
				return nil, err
			}
			peak := float64(r.Peak-r.Idle) / 1024
			peaks = append(peaks, row{
				What:     "peak memory of exporting " + thousands(users) + ", above the idle program",
				Measured: peak, Against: mostMemory, Unit: "MiB", Basis: "allowed", Ratio: peak / mostMemory, AtMost: 1,
			})
			each := r.Export.Seconds / float64(users) * 1e6
			first := each
			if len(times) > 0 {
				first = times[0].Against
			}
			times = append(times, row{
				What:     "time of exporting " + thousands(users) + ", for each",
				Measured: each, Against: first, Unit: "µs", Basis: "of " + thousands(size.exported[0]), Ratio: each / first,
				Remark: fmt.Sprintf("%.1f s in all, %.1f s of CPU time", r.Export.Seconds, r.Export.CPU),
			})
		}
		return append(times, peaks...), nil
	})
}

func startRows(size sizes) []measurement {
	return alone(func(ctx context.Context) ([]row, error) {
		var rows []row
		for _, latency := range append([]time.Duration{0}, size.latencies...) {
			r, err := ask(ctx, setting{Users: 1000, Latency: latency}, task{Do: "start", Runs: size.starts})
			if err != nil {
				return nil, err
			}
			first := compared(fmt.Sprintf("New and the first page, %d ms away", latency.Milliseconds()), "ms", 1000*r.Ours.Seconds, 1000*r.ByHand.Seconds)
			first.Remark = fmt.Sprintf("New alone: %.0f µs", 1e6*r.New)
			rows = append(rows, first)
		}
		return rows, nil
	})
}

// freshClient has no connection yet.
func freshClient() *http.Client {
	return &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()} //nolint:forcetypeassert // nobody has replaced it
}
