package main

import (
	"fmt"
	"math"
	"strings"
)

// row is one row of the table.
type row struct {
	What     string
	Measured float64
	Unit     string
	AtMost   float64 // for Measured; 0 means that there is no bar
	Refused  float64 // the part of the requests that got a 429
	Most429s float64 // for Refused, if there is an AtMost
	Note     string
}

func (r row) missed() bool {
	return r.AtMost > 0 && (r.Measured > r.AtMost || r.Refused > r.Most429s && r.Most429s >= 0)
}

// markdown returns the table, and a sentence about the bars.
func markdown(rows []row) string {
	var out strings.Builder
	out.WriteString("| what | measured | at most | 429s | |\n|---|---|---|---|---|\n")
	var missed []string
	bars := 0
	for _, r := range rows {
		most, refused := "", ""
		if r.AtMost > 0 {
			most = amount(r.AtMost, r.Unit)
			bars++
		}
		if r.Unit == "s" {
			refused = fmt.Sprintf("%.1f %%", 100*r.Refused)
		}
		if r.missed() {
			missed = append(missed, r.What)
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s |\n", r.What, amount(r.Measured, r.Unit), most, refused, r.Note)
	}
	fmt.Fprintf(&out, "\nOf %d bars, %d were missed", bars, len(missed))
	if len(missed) > 0 {
		out.WriteString(": " + strings.Join(missed, "; "))
	}
	return out.String() + "."
}

// amount writes a number with its unit, in three digits or more.
func amount(n float64, unit string) string {
	digits := 2 - int(math.Floor(math.Log10(max(math.Abs(n), 1e-9))))
	return fmt.Sprintf("%.*f %s", min(max(digits, 0), 3), n, unit)
}
