package main

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/accessreview/internal/page"
	"github.com/orgusers/orgusers/examples/accessreview/internal/review"
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
		"on paper":        {view{scheme: "dark", medium: "print"}, func(p *tab) { p.look("rgb(255, 255, 255)"); p.expectNoControls(); p.expectForPaper() }},
		"forced colors":   {view{forcedColors: true}, (*tab).expectBarsSeen},
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
			if title := value[string](p, `document.title`); !strings.HasPrefix(title, "Access review, ") || !strings.HasSuffix(title, ", Example Media") {
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
	if got := value[string](p, `document.querySelector("time").parentElement.textContent`); !strings.HasPrefix(got, p.takenAt().Format("2006-01-02 15:04:05 to ")) || !strings.HasSuffix(got, " UTC") {
		p.t.Errorf("it was read %q", got)
	}
	if got, want := value[string](p, `document.getElementById("rows-read").textContent`), "620 rows; the server counts 620"; got != want {
		p.t.Errorf("read are %q, want %q", got, want)
	}
	p.expectNumbers()
	p.expectBars()
	p.expectContrast()
}

// chartsOnPage reads the charts as the tables that they are.
const chartsOnPage = `Object.fromEntries(Array.from(document.querySelectorAll(".charts-css"), (table) => [table.caption.textContent,
	Object.fromEntries(Array.from(table.tBodies[0].rows, (row) => [row.cells[0].querySelector("bdi").textContent, row.cells[1].querySelector(".data").textContent]))]))`

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

// expectForPaper looks for what is on paper alone: who is left out of a list,
// and room for what is decided.
func (p *tab) expectForPaper() {
	p.t.Helper()
	const list = `#rule-not_seen tbody tr`
	count := value[string](p, `document.querySelector("#rule-not_seen .count").textContent`)
	want := fmt.Sprintf("The first 25 of %s. The others are in the table of users, under “Not seen”.", count)
	if got := value[string](p, `Array.from(document.querySelectorAll("#rule-not_seen .printed")).filter((e) => e.checkVisibility()).map((e) => e.textContent).join()`); got != want {
		p.t.Errorf("below the list is printed %q, want %q", got, want)
	}
	if got := value[int](p, `document.querySelectorAll("`+list+`").length`); got != 25 {
		p.t.Errorf("the list has %d rows, want 25", got)
	}
	if !value[bool](p, `Array.from(document.styleSheets[0].cssRules).some((rule) => rule.cssText.includes("counter(page) \" of \" counter(pages)"))`) {
		p.t.Error("sheets have no numbers, as far as the browser reads the style")
	}
	for _, table := range []string{"administrators", "users"} {
		const widths = `Array.from(document.querySelectorAll("[data-listing=%s] thead th"), (th) => th.offsetWidth / th.parentElement.offsetWidth)`
		for i, width := range value[[]float64](p, fmt.Sprintf(widths, table)) {
			if width < .05 {
				p.t.Errorf("column %d of the %s has %.2f of the width", i, table, width)
			}
		}
	}
	room := value[int](p, `Array.from(document.querySelectorAll("td.decision")).filter((e) => e.checkVisibility() && e.offsetWidth > 40).length`)
	if rows := value[int](p, `document.querySelectorAll(".listing tbody tr").length`); room != rows || rows < 100 {
		p.t.Errorf("of %d users %d have room for a decision", rows, room)
	}
}

// expectBarsSeen looks whether bars are drawn where the browser sets all colors.
func (p *tab) expectBarsSeen() {
	p.t.Helper()
	const colors = `Array.from(document.querySelectorAll(".charts-css td"), (bar) => getComputedStyle(bar).backgroundColor)`
	drawn := slices.Sorted(slices.Values(value[[]string](p, colors)))
	if got := slices.Compact(drawn); !slices.Equal(got, []string{"rgb(185, 121, 31)", "rgb(91, 143, 199)"}) {
		p.t.Errorf("the bars are %q, want them in their two colors", got)
	}
	const striped = `Array.from(document.querySelectorAll(".charts-css td")).filter((bar) => (getComputedStyle(bar).backgroundImage !== "none") !== bar.matches(".alert")).length`
	if wrong := value[int](p, striped); wrong != 0 {
		p.t.Errorf("%d bars are striped that need no look, or are not that do", wrong)
	}
	if !value[bool](p, `matchMedia("(forced-colors: active)").matches`) {
		p.t.Error("no colors are forced")
	}
}

// Above 5,000 users there is no button to show all of them, which would take a
// browser long.
func TestManyUsersInBrowser(t *testing.T) {
	t.Parallel()
	browser := startBrowser(t)
	source := &review.Source{Organization: &orgusers.Organization{UID: "org"}, TakenBy: &orgusers.CurrentUser{}}
	for i := range 5001 {
		source.Users = append(source.Users, &orgusers.User{Email: fmt.Sprintf("%d@example.com", i), Status: orgusers.StatusAccepted})
	}
	path := filepath.Join(t.TempDir(), "review.html")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(page.Write(file, review.New(source, review.DefaultPolicy()), ""), file.Close()); err != nil {
		t.Fatal(err)
	}
	p := &tab{t: t, file: path}
	p.open(browser, view{})
	const seen = `Array.from(` + moreButtons + `).filter((b) => b.checkVisibility()).map((b) => b.textContent)`
	if got := value[[]string](p, seen); !slices.Equal(got, []string{"Show 500 more"}) {
		t.Errorf("of all 5,001 the buttons are %q, want no button for all", got)
	}
	p.do(chromedp.SendKeys(chromedp.CSS("#users-search"), "1"))
	if got := value[[]string](p, seen); !slices.Equal(got, []string{"Show 500 more", "Show all"}) {
		t.Errorf("of those found the buttons are %q, want one for all too", got)
	}
	p.expectQuiet()
}
