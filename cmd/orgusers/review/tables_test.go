package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// What is in the page.
const (
	usersTable  = `document.querySelector("[data-listing=users] table")`
	shownRows   = `Array.from(` + usersTable + `.querySelectorAll("tbody tr"))`
	moreButtons = `document.querySelectorAll("[data-listing=users] > button")`
	usersStatus = `document.querySelector("[data-listing=users] [role=status]").textContent`
	focused     = `document.activeElement`
)

// column is what the shown rows have in a column.
func (p *tab) column(n int) []string {
	p.t.Helper()
	return value[[]string](p, fmt.Sprintf(`%s.map((row) => row.cells[%d].textContent)`, shownRows, n))
}

// press focuses something and presses a key.
func (p *tab) press(element, key string) {
	p.t.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](element+`.focus()`), chromedp.KeyEvent(key))
}

// readEveryRow compares the whole table of users, which is shown where there
// are no scripts.
func (p *tab) readEveryRow() {
	p.t.Helper()
	type row struct {
		Cells  []string
		Height float64
	}
	rows := value[[]row](p, shownRows+`.map((row) => ({ cells: Array.from(row.cells, (cell) => cell.textContent), height: row.offsetHeight }))`)
	want := expect(p.users, p.takenAt()).rows
	if len(rows) != len(want) {
		p.t.Errorf("%d rows, want %d", len(rows), len(want))
	}
	for _, got := range rows {
		email, cells := got.Cells[0], got.Cells[1:8]
		cells[0] = words(cells[0])
		if !slices.Equal(cells, want[email]) {
			p.t.Errorf("%s: %q\nwant %q", email, cells, want[email])
		}
		if got.Height < 10 {
			p.t.Fatalf("the row of %s is %v high", email, got.Height)
		}
	}
	if value[bool](p, `Array.from(document.querySelectorAll(".controls")).some((e) => e.checkVisibility())`) {
		p.t.Error("there are controls that do nothing")
	}
}

func (p *tab) skip() {
	p.t.Helper()
	p.do(chromedp.KeyEvent(kb.Tab))
	if got := value[string](p, focused+`.textContent`); got != "Skip to the review" {
		p.t.Errorf("the first that Tab comes to is %q", got)
	}
	p.do(chromedp.KeyEvent(kb.Enter))
	if got := value[string](p, focused+`.id`); got != "main" {
		p.t.Errorf("the skip link leads to %q", got)
	}
}

// sort sorts by the last login, up and down.
func (p *tab) sort() {
	p.t.Helper()
	var logins []string // "" is nobody's: a member who never logged in
	for _, u := range p.users {
		switch {
		case !u.LastLogin.IsZero():
			logins = append(logins, u.LastLogin.Format(time.DateOnly))
		case !u.Pending:
			logins = append(logins, "")
		}
	}
	slices.Sort(logins)
	up, down := slices.Clone(logins[:100]), logins[len(logins)-100:]
	slices.Reverse(down)
	for i := range up {
		if up[i] == "" {
			up[i] = "never"
		}
	}
	const button = usersTable + `.tHead.rows[0].cells[5].firstElementChild`
	for _, test := range []struct {
		key, sorted, arrow string
		want               []string
	}{
		{kb.Enter, "ascending", `"↑"`, up},
		{" ", "descending", `"↓"`, down},
		{kb.Enter, "ascending", `"↑"`, up},
	} {
		p.press(button, test.key)
		if got := value[string](p, button+`.parentElement.getAttribute("aria-sort")`); got != test.sorted {
			p.t.Errorf("aria-sort is %q, want %q", got, test.sorted)
		}
		if got := p.column(5); !slices.Equal(got, test.want) {
			p.t.Errorf("%s, the last logins are %q\nwant %q", test.sorted, got, test.want)
		}
		if got := value[string](p, `getComputedStyle(`+button+`, "::after").content`); got != test.arrow {
			p.t.Errorf("%s, the button shows %s, want %s", test.sorted, got, test.arrow)
		}
	}
	p.press(usersTable+`.tHead.rows[0].cells[1].firstElementChild`, kb.Enter)
	if sorted := value[int](p, usersTable+`.querySelectorAll("[aria-sort]").length`); sorted != 1 {
		p.t.Errorf("%d columns say that they are sorted, want 1", sorted)
	}
}

// more shows more rows, the first of which gets the focus.
func (p *tab) more() {
	p.t.Helper()
	for i, status := range []string{"620 users, the first 600 shown", "620 users"} {
		before := value[int](p, shownRows+`.length`)
		p.press(fmt.Sprintf(`%s[%d]`, moreButtons, i), kb.Enter)
		if got := value[string](p, usersStatus); got != status {
			p.t.Errorf("the status is %q, want %q", got, status)
		}
		if at := value[int](p, shownRows+`.indexOf(`+focused+`)`); at != before {
			p.t.Errorf("the focus is on row %d, want %d", at, before)
		}
	}
	if value[bool](p, `Array.from(`+moreButtons+`).some((b) => b.checkVisibility())`) {
		p.t.Error("there are buttons for more rows where there are none")
	}
}

func (p *tab) search() {
	p.t.Helper()
	if label := value[string](p, `document.getElementById("users-search").labels[0].textContent`); label != "Search the users" {
		p.t.Errorf("the search is labeled %q", label)
	}
	rows := expect(p.users, p.takenAt()).rows
	for typed, finds := range map[string]func(row string) bool{
		"example.org":  func(row string) bool { return strings.Contains(row, "example.org") },
		"SCRIPT@":      func(row string) bool { return strings.Contains(row, "script@example.com") },
		"facade rene":  func(row string) bool { return strings.Contains(row, "rené façade") },
		"since .net":   func(row string) bool { return strings.Contains(row, "since") && strings.Contains(row, ".net") },
		"<img src=x":   func(row string) bool { return strings.Contains(row, "<img src=x") },
		"nobody there": func(string) bool { return false },
	} {
		want := []string{}
		for email, cells := range rows {
			if finds(strings.ToLower(email + " " + strings.Join(cells, " "))) {
				want = append(want, email)
			}
		}
		p.do(chromedp.Evaluate[chromedp.Void](`document.getElementById("users-search").select()`), chromedp.KeyEvent(kb.Delete))
		p.do(chromedp.SendKeys(chromedp.CSS("#users-search"), typed))
		p.expectFound(typed, want)
	}
}

// expectFound looks whether the table of users shows just these.
func (p *tab) expectFound(what string, want []string) {
	p.t.Helper()
	slices.SortFunc(want, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	status := fmt.Sprintf("%d of %d users", len(want), len(p.users))
	if len(want) > 100 {
		status += ", the first 100 shown"
		want = want[:100]
	}
	if got := p.column(0); !slices.Equal(got, want) {
		p.t.Errorf("%q finds %q\nwant %q", what, got, want)
	}
	if got := value[string](p, usersStatus); got != status {
		p.t.Errorf("%q: the status is %q, want %q", what, got, status)
	}
}

// followRule follows the link of a rule to the table of users, which then shows
// who meets it, and nobody else.
func (p *tab) followRule() {
	p.t.Helper()
	at := p.takenAt()
	var want []string
	for _, u := range p.users {
		if !u.Pending && !u.LastLogin.IsZero() && daysAgo(u.LastLogin, at) >= 365 {
			want = append(want, u.Email)
		}
	}
	if got := value[string](p, `document.querySelector("#rule-not_seen .count").textContent`); got != fmt.Sprint(len(want)) {
		p.t.Errorf("the rule finds %s, want %d", got, len(want))
	}
	p.press(`document.querySelector("#rule-not_seen summary")`, kb.Enter)
	p.press(`document.querySelector("[data-rule='Not seen']")`, kb.Enter)
	p.expectFound("the link", want)
	if got := value[string](p, focused+`.id`); got != "users-rule" {
		p.t.Errorf("the focus is on %q, want what has changed", got)
	}
}

// print prints everybody, though a search is on, and what is closed.
func (p *tab) print() {
	p.t.Helper()
	p.do(
		chromedp.SendKeys(chromedp.CSS("#users-search"), "example.org"),
		chromedp.Evaluate[chromedp.Void](`addEventListener("beforeprint", () => window.printed = {
			rows: `+shownRows+`.filter((row) => row.checkVisibility()).length,
			closed: document.querySelectorAll("details:not([open])").length,
		})`),
	)
	before := p.column(0)
	if pdf, err := chromedp.Run(p.ctx, chromedp.PrintToPDF()); err != nil || len(pdf) == 0 {
		p.t.Fatalf("%d bytes are printed: %v", len(pdf), err)
	}
	printed := value[struct{ Rows, Closed int }](p, `printed`)
	if printed.Rows != len(p.users) || printed.Closed != 0 {
		p.t.Errorf("%d rows are printed and %d parts are closed, want %d and none", printed.Rows, printed.Closed, len(p.users))
	}
	if after := p.column(0); !slices.Equal(after, before) {
		p.t.Errorf("after printing %d rows are shown, want the %d of before", len(after), len(before))
	}
	if opened := value[int](p, `document.querySelectorAll("details[open]").length`); opened != 0 {
		p.t.Errorf("after printing %d parts are open that were not", opened)
	}
}
