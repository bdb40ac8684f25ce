package main

import (
	_ "embed"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/orgusers/orgusers/examples/internal/programtest"
	"github.com/orgusers/orgusers/orguserstest"
)

// contrast looks for what is hard to read.
//
//go:embed testdata/contrast.js
var contrast string

// guests are people who would run something if they could, and one whom a
// search has to find without accents.
var guests = []orguserstest.Person{
	{Email: "script@example.com", FirstName: "<script>document.title='taken'</script>", LastName: "</script></style></title><script>alert(1)</script>"},
	{Email: "image@example.com", FirstName: "<img src=x onerror=\"document.title='taken'\">", LastName: "' onclick='alert(1)"},
	{Email: "bidi@example.com", FirstName: "\u202egnp.exe", LastName: "\u2067\u2066", Roles: []string{"Admin"}, MFA: true},
	{Email: "outside@example.com", FirstName: "<link rel=stylesheet href=https://example.com/x.css>", LastName: "<base href=https://example.com>", Pending: true},
	{Email: "guest@example.com", FirstName: "René", LastName: "Façade"},
}

func TestPageInBrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	server := organization(t, guests...)
	cmd := programtest.Command(t, programtest.Environment(server), "-o", "review.html")
	if result := programtest.Run(t, cmd); result.Status != 0 {
		t.Fatalf("exit status %d: %s", result.Status, result.Stderr)
	}
	for name, test := range map[string]struct {
		view  view
		check func(*tab)
	}{
		"light":           {view{scheme: "light"}, func(p *tab) { p.look("rgb(255, 255, 255)") }},
		"dark":            {view{scheme: "dark"}, func(p *tab) { p.look("rgb(17, 22, 29)") }},
		"on paper":        {view{scheme: "dark", medium: "print"}, func(p *tab) { p.look("rgb(255, 255, 255)"); p.expectNoControls() }},
		"without scripts": {view{withoutScripts: true}, (*tab).readEveryRow},
		"skip link":       {view{}, (*tab).skip},
		"sorting":         {view{}, (*tab).sort},
		"more rows":       {view{}, (*tab).more},
		"search":          {view{}, (*tab).search},
		"link of a rule":  {view{}, (*tab).followRule},
		"printing":        {view{scheme: "dark"}, (*tab).print},
	} {
		t.Run(name, func(t *testing.T) {
			p := &tab{t: t, file: filepath.Join(cmd.Dir, "review.html"), users: server.Users()}
			p.open(browser, test.view)
			test.check(p)
			if title := value[string](p, `document.title`); !strings.HasPrefix(title, "Access review, ") {
				t.Errorf("the title is %q", title)
			}
			p.expectQuiet()
		})
	}
}

// look looks at what does not change.
func (p *tab) look(background string) {
	p.t.Helper()
	if got := value[string](p, `getComputedStyle(document.body).backgroundColor`); got != background {
		p.t.Errorf("the background is %s, want %s", got, background)
	}
	p.expectNumbers()
	p.expectBars()
	p.expectContrast()
}

// chartsOnPage reads the charts as the tables that they are.
const chartsOnPage = `Object.fromEntries(Array.from(document.querySelectorAll(".charts-css"), (table) => [table.caption.textContent,
	Object.fromEntries(Array.from(table.tBodies[0].rows, (row) => [row.cells[0].textContent, row.cells[1].textContent]))]))`

func (p *tab) takenAt() time.Time {
	p.t.Helper()
	at, err := time.Parse(time.RFC3339, value[string](p, `document.querySelector("time[datetime]").dateTime`))
	if err != nil {
		p.t.Fatal(err)
	}
	return at
}

func (p *tab) expectNumbers() {
	p.t.Helper()
	want := expect(p.users, p.takenAt())
	for id, number := range want.totals {
		if got := value[string](p, fmt.Sprintf(`document.getElementById(%q).textContent`, id)); got != number {
			p.t.Errorf("%s is %s, want %s", id, got, number)
		}
	}
	got := value[map[string]map[string]string](p, chartsOnPage)
	for caption, bars := range got {
		for label, number := range bars {
			if number == "0" { // which nobody expects by its label
				delete(bars, label)
			}
		}
		if !maps.Equal(bars, want.charts[caption]) {
			p.t.Errorf("%s: %v\nwant %v", caption, bars, want.charts[caption])
		}
	}
	if len(got) != len(want.charts) {
		p.t.Errorf("%d charts, want %d", len(got), len(want.charts))
	}
}

// expectBars measures the bars: within a chart they are as long as their
// numbers are great.
func (p *tab) expectBars() {
	p.t.Helper()
	type bar struct{ Number, Width, Room, Gap, Spill float64 }
	charts := value[[][]bar](p, `Array.from(document.querySelectorAll(".charts-css"), (table) => Array.from(table.tBodies[0].rows, (row) => {
		const [label, cell, room] = [...row.cells, row].map((e) => e.getBoundingClientRect());
		const text = row.querySelector("bdi").getBoundingClientRect();
		return { number: parseInt(row.cells[1].textContent.replace(",", "")), width: cell.width, room: room.width, gap: cell.left - label.right, spill: text.bottom - room.bottom };
	}))`)
	for _, bars := range charts {
		most := slices.MaxFunc(bars, func(a, b bar) int { return int(a.Number - b.Number) }).Number
		for _, b := range bars {
			want := b.Room * b.Number / max(most, 1)
			if off := b.Width - want; off > b.Room/50 || off < -b.Room/50 || b.Room < 50 {
				p.t.Errorf("the bar of %v is %v wide where there is room for %v, want %v", b.Number, b.Width, b.Room, want)
			}
			if b.Gap < -1 || b.Gap > 2 || b.Spill > 1 {
				p.t.Errorf("the bar of %v begins %v behind its label, which spills over by %v", b.Number, b.Gap, b.Spill)
			}
		}
	}
}

func (p *tab) expectContrast() {
	p.t.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("details").forEach((d) => d.open = true)`))
	result := value[struct {
		Looked int
		Poor   []string
	}](p, contrast)
	if len(result.Poor) > 0 || result.Looked < 1000 {
		p.t.Errorf("of %d places %d are hard to read:\n%s", result.Looked, len(result.Poor), strings.Join(result.Poor, "\n"))
	}
}

func (p *tab) expectNoControls() {
	p.t.Helper()
	const controls = `Array.from(document.querySelectorAll(".controls, nav, .listing > button, .skip, summary"))`
	if got := value[[]string](p, controls+`.filter((e) => e.checkVisibility()).map((e) => e.outerHTML)`); len(got) > 0 {
		p.t.Errorf("these are printed: %q", got)
	}
}
