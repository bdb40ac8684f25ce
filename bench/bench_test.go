package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be the processes that are measured.
func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// tiny is enough to see that there are rows. No time is judged.
var tiny = sizes{
	limits:    []int{200},
	latencies: []time.Duration{ms},
	users:     450,
	phases:    1,
	small:     []work{{250, 200, 0.5, time.Second}},
	listed:    450,
	exported:  []int{450},
}

func TestRows(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string][]string{
		"list": {"list 450 at 200/s, 1 ms away", "export 450 at 200/s, 1 ms away"},
		"small": {
			"list 250 at 200/s, 1 ms away, another uses 50 %",
			"removing one of 450 users at 200/s, 1 ms away", "inviting one user at 200/s, 1 ms away",
		},
		"shared": {
			"list 450 at 200/s, 1 ms away, another uses 50 %", "list 450 at 200/s, 1 ms away, headers, another uses 50 %",
			"list 450 at 200/s, 1 ms away, another uses 33 %",
			"2 clients, each: list 450 at 200/s, 1 ms away", "4 clients, each: list 450 at 200/s, 1 ms away",
		},
		"cpu":    {"CPU time of listing 450, for each"},
		"memory": {"peak memory of exporting 450, above idle"},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var progress strings.Builder
			rows, err := measure(t.Context(), tiny, []string{kind}, &progress)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range rows {
				got = append(got, r.What)
				if r.Measured <= 0 || r.AtMost < 0 {
					t.Errorf("%+v has no value", r)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("the rows are %q, want %q", got, want)
			}
			if !strings.Contains(progress.String(), "bench: 1 of ") {
				t.Errorf("it printed %q", progress.String())
			}
		})
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	got := markdown([]row{
		{What: "quick", Measured: 20.94, Unit: "s", AtMost: 21, Refused: 0.004, Most429s: 0.01, Note: "a note"},
		{What: "slow", Measured: 22, Unit: "s", AtMost: 21},
		{What: "refused", Measured: 20, Unit: "s", AtMost: 21, Refused: 0.011, Most429s: 0.01},
		{What: "memory", Measured: 63.25, Unit: "MiB"},
	})
	want := `| what | measured | at most | 429s | |
|---|---|---|---|---|
| quick | 20.9 s | 21.0 s | 0.4 % | a note |
| slow | 22.0 s | 21.0 s | 0.0 % |  |
| refused | 20.0 s | 21.0 s | 1.1 % |  |
| memory | 63.2 MiB |  |  |  |

Of 3 bars, 2 were missed: slow; refused.`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A run that loses users is an error.
func TestUsersAreMissing(t *testing.T) {
	t.Parallel()
	none := func(context.Context, endpoint, int) (int, error) { return 449, nil }
	p := paced{users: 450, limit: 500, clients: 1, do: none}
	if _, err := p.run(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "449 users came, there are 450") {
		t.Errorf("got %v", err)
	}
}

// Of several samples the slowest counts, and the most refusals.
func TestWorst(t *testing.T) {
	t.Parallel()
	got := worst([]sample{
		{seconds: 2, allowed: 2, tally: tally{Requests: 10, Refused: 1}},
		{seconds: 3, allowed: 4, tally: tally{Requests: 10, Refused: 0}},
	})
	if got.seconds != 2 || got.refusedShare() != 0.1 {
		t.Errorf("got %+v", got)
	}
	if got := fmt.Sprintln(median([]float64{9, 1, 5}), median([]float64{4, 1, 2, 9}), thousands(1_000_050)); got != "5 3 1,000,050\n" {
		t.Errorf("got %s", got)
	}
}

func TestMisuse(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"-rows nonsense":  `"nonsense" is not a kind of rows: there are list, small, shared, sdk, cpu, memory`,
		"-fast":           "flag provided but not defined: -fast",
		"-rows cpu twice": `"twice" is not a kind`,
	} {
		var stdout, stderr strings.Builder
		if err := run(t.Context(), strings.Fields(args), &stdout, &stderr); err == nil || !strings.Contains(err.Error(), want) || stdout.String() != "" {
			t.Errorf("%s: got %v, want %s", args, err, want)
		}
	}
}
