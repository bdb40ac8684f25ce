package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

const ms = time.Millisecond

// sizes is how much is measured.
type sizes struct {
	limits    []int
	latencies []time.Duration
	users     int // of a list
	phases    int // of the server's second, in which runs start
	small     []work
	listed    int   // users of the row about CPU time
	exported  []int // users of the rows about memory
}

// work is a number of users that is listed within one second.
type work struct {
	users, limit int
	others       float64 // the part of the limit that another client uses
	most         time.Duration
}

var full = sizes{
	limits:    []int{10, 50, 100},
	latencies: []time.Duration{50 * ms, 200 * ms},
	users:     20_000,
	phases:    4,
	small:     []work{{450, 10, 0, 250 * ms}, {390, 10, 0.5, 250 * ms}, {4800, 100, 0, 450 * ms}},
	listed:    100_000,
	exported:  []int{10_000, 1_000_000},
}

// kinds are the kinds of rows, in the order of the table.
var kinds = []string{"list", "small", "shared", "sdk", "cpu", "memory"}

func plansOf(kind string, size sizes) []plan {
	switch kind {
	case "list":
		return listPlans(size)
	case "small":
		return smallPlans(size)
	case "shared":
		return sharedPlans(size)
	case "sdk":
		return []plan{sdkPlan(size)}
	case "cpu":
		return []plan{cpuPlan(size)}
	default:
		return []plan{memoryPlan(size)}
	}
}

// atLimits calls f for each limit and latency.
func atLimits(size sizes, f func(p paced)) {
	for _, limit := range size.limits {
		for _, latency := range size.latencies {
			f(paced{users: size.users, limit: limit, latency: latency, clients: 1, do: list})
		}
	}
}

// listPlans lists without headers and jitter, and with both. It exports at the last limit.
func listPlans(size sizes) (plans []plan) {
	atLimits(size, func(p paced) {
		worst := plan{rate: p.limit, rows: func(samples []sample) []row { return []row{p.listed(samples)} }}
		for i, jitter := range []time.Duration{0, 25 * ms} {
			run := p
			run.headers, run.jitter = i == 1, jitter
			worst.runs = append(worst.runs, run.phased(size.phases)...)
		}
		plans = append(plans, worst)
	})
	p := paced{users: size.users, limit: size.limits[len(size.limits)-1], latency: size.latencies[0], clients: 1, do: export}
	return append(plans, plan{p.limit, p.phased(size.phases), func(samples []sample) []row {
		r := p.listed(samples)
		r.What, r.AtMost = "export"+strings.TrimPrefix(r.What, "list"), r.AtMost+15e-6*float64(p.users)
		return []row{r}
	}})
}

// smallPlans lists what fits into a second, and changes one user.
func smallPlans(size sizes) (plans []plan) {
	for _, w := range size.small {
		p := paced{users: w.users, limit: w.limit, latency: size.latencies[0], clients: 1, others: w.others, do: list}
		plans = append(plans, plan{together / 2, p.phased(2 * size.phases), func(samples []sample) []row {
			s := worst(samples)
			return []row{{What: p.name(), Measured: s.seconds, AtMost: w.most.Seconds(), Unit: "s", Refused: s.refusedShare(), Most429s: -1}}
		}})
	}
	for i, do := range []action{remove, invite} {
		name := []string{"removing one of 450 users", "inviting one user"}[i]
		p := paced{users: 450, limit: size.limits[0], latency: size.latencies[0], clients: 1, do: do}
		plans = append(plans, plan{together / 2, p.phased(2 * size.phases), func(samples []sample) []row {
			s := worst(samples)
			for _, other := range samples {
				// A request that is sent at once can arrive before the fake has seen the end of the last one.
				s.Waves = max(s.Waves, other.Waves)
			}
			return []row{{
				What: name + p.where(), Measured: s.seconds, Unit: "s", AtMost: float64(s.Waves)*p.latency.Seconds() + 0.05,
				Refused: s.refusedShare(), Note: fmt.Sprintf("%d requests, %d in sequence", s.Requests, s.Waves),
			}}
		}})
	}
	return plans
}

// sharedPlans lists with several clients at once, and while another client uses the limit.
func sharedPlans(size sizes) (plans []plan) {
	add := func(p paced) {
		plans = append(plans, plan{p.limit, p.phased(size.phases), func(samples []sample) []row { return []row{p.shared(samples)} }})
	}
	atLimits(size, func(p paced) {
		p.others = 1.0 / 2
		add(p)
		if p.latency == size.latencies[0] {
			p.headers = true
			add(p)
			p.others, p.headers = 1.0/3, false
			add(p)
		}
	})
	for _, clients := range []int{2, 4} {
		for _, limit := range size.limits {
			add(paced{users: size.users, limit: limit, latency: size.latencies[0], clients: clients, do: list})
		}
	}
	return plans
}

// alone is a plan of one run. Nothing else runs at the same time.
func alone(run func(ctx context.Context) ([]row, error)) plan {
	var rows []row
	return plan{
		rate: together,
		runs: []func(context.Context) (sample, error){func(ctx context.Context) (_ sample, err error) {
			rows, err = run(ctx)
			return sample{}, err
		}},
		rows: func([]sample) []row { return rows },
	}
}
