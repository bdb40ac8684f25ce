package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/orgusers/orgusers/orguserstest"
)

// TestMain lets the test binary be the processes that are measured.
func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// tiny is enough to see that every row comes to something. No time is judged.
var tiny = sizes{
	users:     450,
	limits:    []int{500},
	latencies: []time.Duration{ms},
	phases:    []time.Duration{0, 500 * ms},
	jitter:    ms,
	shares:    []share{{"a third", 1.0 / 3}},
	listed:    450,
	runs:      2,
	exported:  []int{450, 900},
	starts:    2,
}

func TestRows(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind string
		want []string // what the rows begin with, and what they are held against
	}{
		{"paced", []string{
			"list 450 at 500/s, 1 ms away|= pages ÷ limit",
			"export 450 at 500/s, 1 ms away|= pages ÷ limit",
			"list 450 at 500/s, 1 ms away, 1 ms of jitter|= pages ÷ limit",
			"export 450 at 500/s, 1 ms away, 1 ms of jitter|= pages ÷ limit",
		}},
		{"shared", []string{
			"list 450 at 500/s, 1 ms away, others take a third|= pages ÷ what is left",
			"export 450 at 500/s, 1 ms away, others take a third|= pages ÷ what is left",
		}},
		{"cpu", []string{
			"CPU time of listing 450, for each|by hand",
			"seconds for listing 450|by hand",
			"allocations for each|by hand",
		}},
		{"memory", []string{
			"time of exporting 450, for each|of 450",
			"time of exporting 900, for each|of 450",
			"peak memory of exporting 450, above the idle program|allowed",
			"peak memory of exporting 900, above the idle program|allowed",
		}},
		{"start", []string{
			"New and the first page, 0 ms away|by hand",
			"New and the first page, 1 ms away|by hand",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.kind, func(t *testing.T) {
			t.Parallel()
			var said strings.Builder
			rows, err := measure(t.Context(), tiny, []string{tt.kind}, &said)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range rows {
				got = append(got, r.What+"|"+r.Basis)
				if r.Kind != tt.kind || r.Measured <= 0 || r.Against <= 0 || r.Ratio != r.Measured/r.Against {
					t.Errorf("%+v does not add up", r)
				}
				if paced := tt.kind == "paced" || tt.kind == "shared"; paced != (r.InFlight > 0) {
					t.Errorf("%s has %d requests in flight", r.What, r.InFlight)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("the rows are %q, want %q", got, tt.want)
			}
			if !strings.Contains(said.String(), "bench: 1 of ") {
				t.Errorf("it said %q on the way", said.String())
			}
		})
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	result := table{Go: "go1.26", CPUs: 2, LoadBefore: "1", LoadAfter: "2", Rows: []row{
		{Kind: "paced", What: "within both bars", Measured: 20.9, Against: 20, Unit: "s", Basis: "= pages ÷ limit", Ratio: 1.045, AtMost: 1.07, Refused: 0.004, InFlight: 4},
		{Kind: "paced", What: "too slow", Measured: 22, Against: 20, Unit: "s", Basis: "= pages ÷ limit", Ratio: 1.1, AtMost: 1.07, InFlight: 4, Remark: "best of two"},
		{Kind: "paced", What: "refused too often", Measured: 20.9, Against: 20, Unit: "s", Basis: "= pages ÷ limit", Ratio: 1.045, AtMost: 1.07, Refused: 0.011, InFlight: 12},
		{Kind: "cpu", What: "allocations", Measured: 14.26, Against: 13.2, Basis: "by hand", Ratio: 1.08},
		{Kind: "sdk", What: sdkName, Remark: "no node: left out"},
	}}
	want := `| what              | measured | against                | ratio | at most | 429s  | in flight |                     |
| ----------------- | -------- | ---------------------- | ----- | ------- | ----- | --------- | ------------------- |
| within both bars  | 20.9 s   | 20.0 s = pages ÷ limit | 1.045 | 1.070   | 0.4 % | 4         |                     |
| too slow          | 22.0 s   | 20.0 s = pages ÷ limit | 1.100 | 1.070   | 0.0 % | 4         | best of two; missed |
| refused too often | 20.9 s   | 20.0 s = pages ÷ limit | 1.045 | 1.070   | 1.1 % | 12        | missed              |
| allocations       | 14.3     | 13.2 by hand           | 1.080 |         |       |           |                     |
` + "| " + sdkName + ` |  |  |  |  |  |  | no node: left out |

go1.26, 2 CPUs, load average 1 before and 2 after. Of 3 bars 2 missed.
`
	// The width of a column is that of its widest cell.
	narrow := func(text string) string { return strings.Join(strings.Fields(strings.ReplaceAll(text, "-", "")), " ") }
	got := result.markdown()
	if narrow(got) != narrow(want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if !strings.Contains(got, "| 20.0 s = pages ÷ limit | 1.045 ") {
		t.Errorf("a column is wider than its widest cell:\n%s", got)
	}
	lines := strings.Split(got, "\n")
	for _, line := range lines[:7] {
		if width := len([]rune(line)); width != len([]rune(lines[0])) {
			t.Errorf("%q is not as wide as the head", line)
		}
	}

	text, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	var again table
	if err := json.Unmarshal(text, &again); err != nil || !slices.Equal(again.Rows, result.Rows) {
		t.Errorf("%s reads back as %+v, %v", text, again, err)
	}
}

// What loses users is no measurement.
func TestUsersAreMissing(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewServer(orguserstest.WithUsers(150))
	defer server.Close()
	at := endpoint{URL: server.URL, Organization: server.OrganizationUID, AuthToken: server.AuthToken}
	const want = "150 users came, there are 151"
	for _, export := range []bool{false, true} {
		if err := (paced{export: export, users: 151}).read(t.Context(), at); err == nil || err.Error() != want {
			t.Errorf("export %v: got %v, want %s", export, err, want)
		}
	}
	if err := (task{At: at, Users: 151, Runs: 1}).list(t.Context(), new(report)); err == nil || err.Error() != want {
		t.Errorf("CPU time: got %v, want %s", err, want)
	}
}

// Others send on, and count what is refused, until they are ended.
func TestCrowd(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewServer(orguserstest.WithRateLimit(1, 1))
	defer server.Close()
	enough := make(chan struct{})
	var asked atomic.Int64
	server.OnRequest(func(*orguserstest.Request) {
		if asked.Add(1) == 40 {
			close(enough)
		}
	})
	var others crowd
	others.end() // nobody has begun
	others.begin(t.Context(), endpoint{URL: server.URL, Organization: server.OrganizationUID, AuthToken: server.AuthToken}, 1000)
	<-enough
	others.end()
	answered, refused := others.answered.Load(), others.refused.Load()
	if answered != asked.Load() || refused == 0 || refused == answered {
		t.Errorf("of %d answers %d were refusals", answered, refused)
	}
	if share := others.refusedShare(); share != float64(refused)/float64(answered) {
		t.Errorf("a share of %v", share)
	}
}

// Of several runs of a row the worst counts, in each column.
func TestWorst(t *testing.T) {
	t.Parallel()
	got := worst("paced", [][]row{
		{{What: "a", Ratio: 1.01, Refused: 0.02, InFlight: 4}, {What: "b", Ratio: 3}},
		{{What: "a", Ratio: 1.03, Refused: 0.01, InFlight: 6}, {What: "b", Ratio: 2}},
		{{What: "a", Ratio: 1.02, Refused: 0.00, InFlight: 5}, {What: "b", Ratio: 1}},
	})
	want := []row{
		{Kind: "paced", What: "a", Ratio: 1.03, Refused: 0.02, InFlight: 6, Remark: "worst of 3"},
		{Kind: "paced", What: "b", Ratio: 3, Remark: "worst of 3"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestFlagsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"-rows nonsense":      `-rows "nonsense": there are paced, shared, sdk, cpu, memory, start`,
		"-rows paced,,cpu":    `-rows "": there are`,
		"paced":               `"paced": there are flags and nothing else`,
		"-quick -fast":        "flag provided but not defined: -fast",
		"-rows cpu -json yes": `"yes": there are flags`,
	} {
		var stdout, stderr strings.Builder
		err := run(t.Context(), strings.Fields(args), &stdout, &stderr)
		if err == nil || !strings.Contains(err.Error(), want) || stdout.String() != "" {
			t.Errorf("%s: %v, and %q on stdout, want %s", args, err, stdout.String(), want)
		}
	}
}

func TestAmounts(t *testing.T) {
	t.Parallel()
	for n, want := range map[float64]string{0: "0.000 s", 0.0123: "0.012 s", 1.005: "1.00 s", 20.94: "20.9 s", 412.6: "413 s", 1041.2: "1041 s"} {
		if got := amount(n, "s"); got != want {
			t.Errorf("%v is %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int]string{7: "7", 1000: "1,000", 20_000: "20,000", 1_000_050: "1,000,050"} {
		if got := thousands(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
	if got := fmt.Sprint(median([]float64{9, 1, 5}), median([]float64{4, 1, 2, 9})); got != "5 3" {
		t.Errorf("medians are %s, want 5 and 3", got)
	}
}
