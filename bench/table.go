package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// table is what a run came to.
type table struct {
	Go         string `json:"go"`
	CPUs       int    `json:"cpus"`
	LoadBefore string `json:"load_before"`
	LoadAfter  string `json:"load_after"`
	Rows       []row  `json:"rows"`
}

// row compares one thing with what it is held against, both measured in this
// run, or the latter known beforehand.
type row struct {
	Kind     string  `json:"kind"`
	What     string  `json:"what"`
	Measured float64 `json:"measured"`
	Against  float64 `json:"against"`
	Unit     string  `json:"unit"`
	Basis    string  `json:"basis"` // what Against is
	Ratio    float64 `json:"ratio"`
	AtMost   float64 `json:"at_most,omitzero"` // for the ratio; 0 is no bar
	// Refused is the share of requests answered with 429.
	Refused  float64 `json:"refused"`
	InFlight int     `json:"in_flight,omitzero"`
	Remark   string  `json:"remark,omitempty"`
}

// most429s is the bar for the share of requests answered with 429, wherever
// there is one for the time.
const most429s = 0.01

func (r row) missed() bool {
	return r.AtMost > 0 && (r.Ratio > r.AtMost || r.Refused > most429s)
}

// remark adds a remark.
func (r *row) remark(text string) {
	r.Remark = strings.TrimPrefix(r.Remark+"; "+text, "; ")
}

// worse is the worse of two runs of one row.
func worse(a, b row) row {
	w := a
	if b.Ratio > a.Ratio {
		w = b
	}
	w.Refused = max(a.Refused, b.Refused)
	w.InFlight = max(a.InFlight, b.InFlight)
	return w
}

// cells are those of the table, empty where a row has nothing to say.
func (r row) cells() []string {
	cells := []string{r.What, "", "", "", "", "", "", r.Remark}
	if r.Against > 0 {
		cells[1], cells[2] = amount(r.Measured, r.Unit), amount(r.Against, r.Unit)+" "+r.Basis
		cells[3] = fmt.Sprintf("%.3f", r.Ratio)
	}
	if r.AtMost > 0 {
		cells[4] = fmt.Sprintf("%.3f", r.AtMost)
	}
	if r.InFlight > 0 {
		cells[5], cells[6] = fmt.Sprintf("%.1f %%", 100*r.Refused), strconv.Itoa(r.InFlight)
	}
	return cells
}

// markdown is the table as docs/performance.md has it.
func (t *table) markdown() string {
	cells := [][]string{{"what", "measured", "against", "ratio", "at most", "429s", "in flight", ""}}
	cells = append(cells, make([]string, len(cells[0]))) // the line below the head
	missed, barred := 0, 0
	for _, r := range t.Rows {
		if r.AtMost > 0 {
			barred++
		}
		if r.missed() {
			missed++
			r.remark("missed")
		}
		cells = append(cells, r.cells())
	}
	widths := make([]int, len(cells[0]))
	for _, line := range cells {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var out strings.Builder
	for n, line := range cells {
		for i, cell := range line {
			fill := " "
			if n == 1 {
				fill = "-"
			}
			out.WriteString("| " + cell + strings.Repeat(fill, widths[i]-utf8.RuneCountInString(cell)) + " ")
		}
		out.WriteString("|\n")
	}
	fmt.Fprintf(&out, "\n%s, %d CPUs, load average %s before and %s after. Of %d bars %d missed.\n", t.Go, t.CPUs, t.LoadBefore, t.LoadAfter, barred, missed)
	return out.String()
}

// amount writes a number with its unit, in three digits or more.
func amount(n float64, unit string) string {
	digits := 2 - int(math.Floor(math.Log10(max(math.Abs(n), 1e-9))))
	text := fmt.Sprintf("%.*f", min(max(digits, 0), 3), n)
	return strings.TrimSpace(text + " " + unit)
}
