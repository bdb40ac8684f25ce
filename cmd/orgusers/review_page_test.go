package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/cmd/orgusers/review"
	"github.com/orgusers/orgusers/orguserstest"
)

var screenshots = flag.Bool("screenshots", false, "write the pictures of docs/images")

// contrast finds what is hard to read.
//
//go:embed review/testdata/contrast.js
var contrast string

// Parts of the page.
const (
	shownRows   = `Array.from(document.querySelectorAll("[data-listing=users] tbody tr"))`
	moreButtons = `document.querySelectorAll("[data-listing=users] > button")`
	usersStatus = `document.querySelector("[data-listing=users] [role=status]").textContent`
	focused     = `document.activeElement`
	visible     = `.filter((e) => e.checkVisibility())`
)

// guests have names that try to run something, and a name that is found without accents.
var guests = []orguserstest.Person{
	{Email: "script@example.com", FirstName: "<script>document.title='taken'</script>", LastName: "</script></style></title><script>alert(1)</script>"},
	{Email: "image@example.com", FirstName: "<img src=x onerror=\"document.title='taken'\">", LastName: "' onclick='alert(1)"},
	{Email: "bidi@example.com", FirstName: "\u202egnp.exe", LastName: "\u2067\u2066", Roles: []string{"Admin"}, MFA: true},
	{Email: "outside@example.com", FirstName: "<link rel=stylesheet href=https://example.com/x.css>", LastName: "<base href=https://example.com>", Pending: true},
	{Email: "guest@example.com", FirstName: "René", LastName: "Façade"},
}

func TestReviewInBrowser(t *testing.T) {
	t.Parallel()
	ctx := startBrowser(t)
	server := orguserstest.NewServer(orguserstest.WithUsers(320), orguserstest.WithPeople(guests...), orguserstest.WithReferenceDate(time.Now()), orguserstest.WithTeams(orguserstest.Team{
		Name: "Editors <b>", Members: []string{"guest@example.com"}, Roles: []string{"Security Manager"}, Stacks: map[string][]string{"Website": {"Developer"}},
	}))
	t.Cleanup(server.Close)
	cmd := command(t, environment(server), "review", "-o", "review.html")
	run(t, cmd).expect(t, 0, "320 users")
	for name, test := range map[string]struct {
		view  view
		check func(*tab)
	}{
		"light":           {view{scheme: "light"}, func(p *tab) { p.expectReadable("rgb(255, 255, 255)") }},
		"dark":            {view{scheme: "dark"}, func(p *tab) { p.expectReadable("rgb(17, 22, 29)") }},
		"on paper":        {view{scheme: "dark", medium: "print"}, func(p *tab) { p.expectReadable("rgb(255, 255, 255)"); p.expectPaper() }},
		"on a phone":      {view{width: 390}, (*tab).scrollSideways},
		"forced colors":   {view{forcedColors: true}, (*tab).expectBarColors},
		"without scripts": {view{withoutScripts: true}, (*tab).expectEveryRow},
		"keyboard":        {view{}, (*tab).skipToMain},
		"sorting":         {view{}, (*tab).sort},
		"more rows":       {view{}, (*tab).showMore},
		"search":          {view{}, (*tab).find},
		"filters":         {view{}, (*tab).filter},
		"ticks":           {view{}, (*tab).tick},
		"printing":        {view{scheme: "dark"}, (*tab).print},
	} {
		t.Run(name, func(t *testing.T) {
			p := &tab{t: t, file: filepath.Join(cmd.Dir, "review.html"), users: server.Users()}
			p.open(ctx, test.view)
			test.check(p)
			if title := value[string](p, `document.title`); !strings.HasPrefix(title, "Access review, ") || !strings.HasSuffix(title, ", Example Media") {
				t.Errorf("the title is %q", title)
			}
			p.expectQuiet()
		})
	}
	t.Run("many users", func(t *testing.T) {
		expectManyUsers(t, &tab{t: t, file: filepath.Join(cmd.Dir, "many.html")}, func(p *tab) { p.open(ctx, view{}) })
	})
	if *screenshots {
		cmd := command(t, nil, "review", "--fake", "-o", "review.html")
		run(t, cmd).expect(t, 0)
		for _, scheme := range []string{"light", "dark"} {
			p := &tab{t: t, file: filepath.Join(cmd.Dir, "review.html")}
			p.open(ctx, view{scheme: scheme})
			p.capture("../../docs/images/access-review-" + scheme + ".png")
		}
	}
}

// expectReadable checks colors, bars and contrast.
func (p *tab) expectReadable(background string) {
	p.t.Helper()
	if got := value[string](p, `getComputedStyle(document.body).backgroundColor`); got != background {
		p.t.Errorf("the background is %s, want %s", got, background)
	}
	if got, want := value[string](p, `document.getElementById("rows-read").textContent + document.getElementById("total-users").textContent`), "320 read; the server counts 320320"; got != want {
		p.t.Errorf("the head says %q, want %q", got, want)
	}
	// The widths of the bars of a chart are in proportion to their numbers.
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
			if off := b.Width - want; off > b.Room/50 || off < -b.Room/50 || b.Room < 50 || b.Gap < -1 || b.Gap > 2 || b.Spill > 1 {
				p.t.Errorf("bar %+v, want the width %v", b, want)
			}
		}
	}
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("details").forEach((d) => d.open = true)`))
	result := value[struct {
		Looked int
		Poor   []string
	}](p, contrast)
	if len(result.Poor) > 0 || result.Looked < 800 || len(charts) != 6 {
		p.t.Errorf("%d charts; of %d places %d are hard to read:\n%s", len(charts), result.Looked, len(result.Poor), strings.Join(result.Poor, "\n"))
	}
}

// expectPaper checks what is only on paper: who is left out of a list, and room for
// decisions. Controls are not on paper.
func (p *tab) expectPaper() {
	p.t.Helper()
	const controls = `Array.from(document.querySelectorAll(".controls, nav, .listing > button, .skip, summary, .scrolls, input"))`
	if got := value[[]string](p, controls+visible+`.map((e) => e.outerHTML)`); len(got) > 0 {
		p.t.Errorf("these are printed: %q", got)
	}
	want := fmt.Sprintf("The first 25 of %s. The table of all users has the others, under “Not seen”.", value[string](p, `document.querySelector("#rule-not_seen .count").textContent`))
	if got := value[string](p, `Array.from(document.querySelectorAll("#rule-not_seen .printed"))`+visible+`.map((e) => e.textContent).join()`); got != want {
		p.t.Errorf("below the list is %q, want %q", got, want)
	}
	if !value[bool](p, `Array.from(document.styleSheets[0].cssRules).some((rule) => rule.cssText.includes("counter(page) \" of \" counter(pages)"))`) {
		p.t.Error("pages have no numbers")
	}
	for i, width := range value[[]float64](p, `Array.from(document.querySelectorAll(".listing thead th"), (th) => th.offsetWidth / th.parentElement.offsetWidth)`) {
		if width < .05 {
			p.t.Errorf("column %d of the tables has %.2f of the width", i, width)
		}
	}
	room := value[int](p, `Array.from(document.querySelectorAll("td.decision"))`+visible+`.filter((e) => e.offsetWidth > 40).length`)
	if rows := value[int](p, `document.querySelectorAll(".listing tbody tr").length`); room != rows || rows < 100 {
		p.t.Errorf("%d of %d users have room for a decision", room, rows)
	}
}

// scrollSideways scrolls the table: the page says that it scrolls, and the address stays.
func (p *tab) scrollSideways() {
	p.t.Helper()
	got := value[struct {
		Says                string
		Page, Moved         float64
		Address, Left, Room float64
	}](p, `(() => {
		const box = document.querySelector("[data-listing=users]"), wide = box.querySelector(".wide");
		wide.scrollLeft = 400;
		const address = box.querySelector("tbody th").getBoundingClientRect();
		return { says: box.querySelector(".scrolls").checkVisibility() ? box.querySelector(".scrolls").textContent : "", page: document.documentElement.scrollWidth,
			moved: wide.scrollLeft, address: address.left, left: wide.getBoundingClientRect().left, room: wide.clientWidth - address.width };
	})()`)
	if !strings.HasPrefix(got.Says, "This table scrolls sideways.") || got.Page > 390 || got.Moved != 400 || got.Address != got.Left || got.Room < 150 {
		p.t.Errorf("%+v", got)
	}
	p.do(chromedp.EmulateViewport(1600, 900))
	if value[bool](p, `Array.from(document.querySelectorAll(".scrolls")).some((e) => e.checkVisibility()) || document.querySelector("[data-listing=users] .wide").scrollWidth > document.querySelector("[data-listing=users] .wide").clientWidth`) {
		p.t.Error("in a wide window the table scrolls, or the page says so")
	}
}

// expectBarColors checks that bars are visible if the browser sets all colors.
func (p *tab) expectBarColors() {
	p.t.Helper()
	const colors = `Array.from(document.querySelectorAll(".charts-css td"), (bar) => getComputedStyle(bar).backgroundColor)`
	drawn := slices.Sorted(slices.Values(value[[]string](p, colors)))
	if got := slices.Compact(drawn); !slices.Equal(got, []string{"rgb(185, 121, 31)", "rgb(91, 143, 199)"}) || !value[bool](p, `matchMedia("(forced-colors: active)").matches`) {
		p.t.Errorf("the bars are %q, want their two colors", got)
	}
	const striped = `Array.from(document.querySelectorAll(".charts-css td")).filter((bar) => (getComputedStyle(bar).backgroundImage !== "none") !== bar.matches(".alert")).length`
	if wrong := value[int](p, striped); wrong != 0 {
		p.t.Errorf("the stripes of %d bars are wrong", wrong)
	}
}

// expectEveryRow checks that all rows are visible without scripts, and the cells of a row.
func (p *tab) expectEveryRow() {
	p.t.Helper()
	rows := value[int](p, shownRows+visible+`.filter((row) => row.offsetHeight > 10).length`)
	if rows != len(p.users) || value[bool](p, `Array.from(document.querySelectorAll(".controls, .decision")).some((e) => e.checkVisibility())`) {
		p.t.Errorf("%d rows, want %d and no controls", rows, len(p.users))
	}
	var guest orguserstest.User
	for _, u := range p.users {
		if u.Email == "guest@example.com" {
			guest = u
		}
	}
	got := value[[]string](p, shownRows+`.map((row) => Array.from(row.cells, (cell) => cell.textContent)).find((cells) => cells[0] === "guest@example.com")`)
	want := []string{
		"guest@example.com", "René Façade", "Member", "member, security manager through Editors <b>, maybe direct", "Website: Developer through Editors <b>, maybe direct", "Editors <b>",
		"Unknown", "never", guest.CreatedAt.Format(time.DateOnly) + " by System", "Never logged in", "",
	}
	if !slices.Equal(got, want) {
		p.t.Errorf("the row is  %q\nwant %q", got, want)
	}
}

func (p *tab) skipToMain() {
	p.t.Helper()
	p.do(chromedp.KeyEvent(kb.Tab))
	if got := value[string](p, focused+`.textContent`); got != "Skip to the review" {
		p.t.Errorf("the first Tab focuses %q", got)
	}
	p.do(chromedp.KeyEvent(kb.Enter))
	if got := value[string](p, focused+`.id`); got != "main" {
		p.t.Errorf("the link leads to %q", got)
	}
}

// sort sorts by the day when users were last seen.
func (p *tab) sort() {
	p.t.Helper()
	var seen []string // "" is a member who never logged in
	for _, u := range p.users {
		switch {
		case u.Pending:
		case u.LastLogin.IsZero():
			seen = append(seen, "")
		case u.LastLogin.Before(u.CreatedAt):
			seen = append(seen, u.CreatedAt.Format(time.DateOnly))
		default:
			seen = append(seen, u.LastLogin.Format(time.DateOnly))
		}
	}
	slices.Sort(seen)
	up, down := slices.Clone(seen[:100]), seen[len(seen)-100:]
	slices.Reverse(down)
	for i := range up {
		if up[i] == "" {
			up[i] = "never"
		}
	}
	const button = `document.querySelector("[data-listing=users] thead").rows[0].cells[7].firstElementChild`
	for _, test := range []struct {
		key, sorted, arrow string
		want               []string
	}{
		{kb.Enter, "ascending", `"↑"`, up},
		{" ", "descending", `"↓"`, down},
	} {
		p.press(button, test.key)
		if got := p.column(7); !slices.Equal(got, test.want) {
			p.t.Errorf("%s: %q\nwant %q", test.sorted, got, test.want)
		}
		if got := value[string](p, button+`.parentElement.getAttribute("aria-sort") + getComputedStyle(`+button+`, "::after").content`); got != test.sorted+test.arrow {
			p.t.Errorf("the header says %s, want %s%s", got, test.sorted, test.arrow)
		}
	}
	p.press(`document.querySelector("[data-listing=users] thead").rows[0].cells[1].firstElementChild`, kb.Enter)
	if sorted := value[int](p, `document.querySelectorAll("[data-listing=users] [aria-sort]").length`); sorted != 1 {
		p.t.Errorf("%d columns are sorted, want 1", sorted)
	}
}

// showMore shows more rows. The first new row gets the focus.
func (p *tab) showMore() {
	p.t.Helper()
	p.press(moreButtons+`[0]`, kb.Enter)
	if got, at := value[string](p, usersStatus), value[int](p, shownRows+`.indexOf(`+focused+`)`); got != "320 users" || at != 100 {
		p.t.Errorf("the status is %q, and the focus on row %d, want 320 users and row 100", got, at)
	}
	if value[bool](p, `Array.from(`+moreButtons+`).some((b) => b.checkVisibility())`) {
		p.t.Error("there are buttons for more rows")
	}
}

// find searches addresses and names, and nothing else.
func (p *tab) find() {
	p.t.Helper()
	if label := value[string](p, `document.getElementById("users-search").labels[0].textContent`); label != "Search addresses and names" {
		p.t.Errorf("the label is %q", label)
	}
	p.do(chromedp.SendKeys(chromedp.CSS("#users-search"), "guest@"))
	p.expectFound("typing", func(u orguserstest.User) bool { return u.Email == "guest@example.com" })
	for typed, matches := range map[string]func(address, name string) bool{
		"example.org":     func(address, _ string) bool { return strings.Contains(address, "example.org") },
		"SCRIPT@":         func(address, _ string) bool { return address == "script@example.com" },
		"facade rene":     func(address, _ string) bool { return address == "guest@example.com" },
		"<img src=x":      func(_, name string) bool { return strings.Contains(name, "<img src=x") },
		"Website":         func(string, string) bool { return false },
		"security manage": func(string, string) bool { return false },
	} {
		p.choose("users-search", typed)
		p.expectFound(typed, func(u orguserstest.User) bool { return matches(u.Email, u.FirstName+" "+u.LastName) })
	}
}

// filter filters by status, role and domain, and follows the link of a rule.
func (p *tab) filter() {
	p.t.Helper()
	is := func(domain string) func(orguserstest.User) bool {
		return func(u orguserstest.User) bool { return strings.HasSuffix(u.Email, "@"+domain) }
	}
	manager := func(u orguserstest.User) bool { // directly, or through the team
		return u.Email == "guest@example.com" || slices.ContainsFunc(u.RoleNames, func(name string) bool { return strings.EqualFold(name, "security manager") })
	}
	pending := func(u orguserstest.User) bool { return u.Pending }
	for _, test := range []struct {
		filter, option string
		matches        func(orguserstest.User) bool
	}{
		{"status", "Pending", pending},
		{"status", "Member", func(u orguserstest.User) bool { return !u.Pending }},
		{"role", "Owner", func(u orguserstest.User) bool { return u.Owner }},
		{"role", "No role", func(u orguserstest.User) bool { return !u.Owner && len(u.RoleNames) == 0 }},
		{"role", "security manager", manager},
		{"domain", "example.org", is("example.org")},
	} {
		p.choose("users-"+test.filter, test.option)
		p.expectFound(test.option, test.matches)
		p.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.getElementById("users-%s").value = ""`, test.filter)))
	}
	p.choose("users-status", "Pending")
	p.choose("users-domain", "example.org")
	p.choose("users-search", "a")
	p.expectFound("filters and a search", func(u orguserstest.User) bool {
		return pending(u) && is("example.org")(u) && strings.Contains(u.Email, "a")
	})
	at := value[time.Time](p, `document.querySelector("time[datetime]").dateTime`)
	p.press(`document.querySelector("#rule-not_seen summary")`, kb.Enter)
	p.press(`document.querySelector("#rule-not_seen [data-rule]")`, kb.Enter)
	p.expectFound("the link of a rule", func(u orguserstest.User) bool {
		return !u.Pending && !u.LastLogin.IsZero() && at.Sub(u.LastLogin) >= 365*24*time.Hour && at.Sub(u.CreatedAt) >= 365*24*time.Hour
	})
	if got := value[string](p, focused+`.id`); got != "users-finding" {
		p.t.Errorf("the focus is on %q, want the filter that has changed", got)
	}
}

// tick ticks users, and saves the list.
func (p *tab) tick() {
	p.t.Helper()
	tick := func(label string) {
		p.press(fmt.Sprintf(`document.querySelector("[aria-label='%s']")`, label), " ")
	}
	const state = `document.getElementById("save").disabled + " " + document.getElementById("decisions").textContent.split(".")[0]`
	expectState := func(want string) {
		if got := value[string](p, state); got != want {
			p.t.Errorf("the state is %q, want %q", got, want)
		}
	}
	p.choose("users-search", "@example.com")
	p.choose("users-role", "Owner")
	owner := value[[]string](p, shownRows+`.flatMap((row) => Array.from(row.querySelectorAll("input"), (input) => input.value))`)
	if len(owner) > 0 && !slices.Equal(owner, []string{"Keep"}) {
		p.t.Errorf("the owner can be ticked as %q", owner)
	}
	p.choose("users-role", "All")
	p.choose("users-search", "guest@example.com")
	tick("Remove guest@example.com")
	p.choose("users-search", "script@")
	tick("Keep script@example.com")
	expectState("false 1 to keep, 1 to remove")
	tick("Remove script@example.com") // unticks Keep
	expectState("false 0 to keep, 2 to remove")
	tick("Remove script@example.com")
	expectState("false 0 to keep, 1 to remove")
	p.choose("users-search", "bidi@")
	tick("Remove bidi@example.com")
	p.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("[data-listing=users] thead button").click()`)) // the list is in order all the same

	directory, enabled := p.t.TempDir(), true
	if _, err := chromedp.CallBrowser(p.ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: directory, EventsEnabled: &enabled,
	}); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan browser.DownloadProgressState, 1)
	if err := chromedp.ListenBrowser(p.ctx, func(event any) {
		if e, ok := event.(*browser.EventDownloadProgress); ok && e.State != browser.DownloadProgressStateInProgress {
			ended <- e.State
		}
	}); err != nil {
		p.t.Fatal(err)
	}
	p.press(`document.getElementById("save")`, kb.Enter)
	select {
	case state := <-ended:
		if state != browser.DownloadProgressStateCompleted {
			p.t.Fatalf("the download is %s", state)
		}
	case <-p.ctx.Done():
		p.t.Fatal("there is no download")
	}
	at := value[string](p, `document.querySelector("time[datetime]").dateTime`)
	text, err := os.ReadFile(filepath.Join(directory, "review-decisions-"+at[:10]+".json"))
	if err != nil {
		p.t.Fatal(err)
	}
	var list map[string]any
	if err := json.Unmarshal(text, &list); err != nil {
		p.t.Fatal(err)
	}
	uid := value[string](p, `document.getElementById("organization-uid").textContent`)
	want := map[string]any{"version": 1.0, "organization_uid": uid, "read_at": at, "remove": []any{"bidi@example.com", "guest@example.com"}}
	if fmt.Sprint(list) != fmt.Sprint(want) || uid == "" {
		p.t.Errorf("the list is %v, want %v", list, want)
	}
	p.emulate(view{medium: "print"})
	if got := value[[]string](p, `Array.from(document.querySelectorAll(".decision label"))`+visible+`.map((e) => e.textContent.trim())`); !slices.Equal(got, []string{"Remove"}) {
		p.t.Errorf("of the shown rows %q is printed, want the tick that is set", got)
	}
}

// print prints all users although a search is active, and opens closed parts.
func (p *tab) print() {
	p.t.Helper()
	p.choose("users-search", "example.org")
	p.do(chromedp.Evaluate[chromedp.Void](`addEventListener("beforeprint", () => window.printed = {
		rows: ` + shownRows + visible + `.length,
		closed: document.querySelectorAll("details:not([open])").length,
	})`))
	before := p.column(0)
	if pdf, err := chromedp.Run(p.ctx, chromedp.PrintToPDF(chromedp.PDFPageRanges("1"))); err != nil || len(pdf) == 0 {
		p.t.Fatalf("%d bytes are printed: %v", len(pdf), err)
	}
	printed := value[struct{ Rows, Closed int }](p, `printed`)
	if printed.Rows != len(p.users) || printed.Closed != 0 {
		p.t.Errorf("%d rows are printed and %d parts are closed, want %d and none", printed.Rows, printed.Closed, len(p.users))
	}
	if after := p.column(0); !slices.Equal(after, before) || value[int](p, `document.querySelectorAll("details[open]").length`) != 0 {
		p.t.Errorf("after printing %d rows are shown, want the %d rows of before and no open parts", len(after), len(before))
	}
}

// expectManyUsers checks that there is no button to show more than 5,000 users.
func expectManyUsers(t *testing.T, p *tab, open func(*tab)) {
	t.Helper()
	source := &review.Source{Organization: &orgusers.Organization{UID: "org"}, ReadBy: &orgusers.CurrentUser{}}
	for i := range 5001 {
		source.Access = append(source.Access, &orgusers.UserAccess{User: &orgusers.User{Email: fmt.Sprintf("%d@example.com", i), Status: orgusers.StatusAccepted}})
	}
	file, err := os.Create(p.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(review.WritePage(file, review.New(source, review.DefaultPolicy()), ""), file.Close()); err != nil {
		t.Fatal(err)
	}
	open(p)
	const buttons = `Array.from(` + moreButtons + `)` + visible + `.map((b) => b.textContent)`
	if got := value[[]string](p, buttons); !slices.Equal(got, []string{"Show 500 more"}) {
		t.Errorf("the buttons are %q, want none for all 5,001", got)
	}
	p.press(moreButtons+`[0]`, kb.Enter)
	if got, want := value[string](p, usersStatus), "5,001 users, the first 600 shown"; got != want {
		t.Errorf("the status is %q, want %q", got, want)
	}
	p.choose("users-search", "1")
	if got := value[[]string](p, buttons); !slices.Equal(got, []string{"Show 500 more", "Show all"}) {
		t.Errorf("the buttons are %q, want one for all that were found", got)
	}
	p.expectQuiet()
}

// capture writes a picture of the top of the page.
func (p *tab) capture(path string) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(1280, 1180))
	shot, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, shot, 0o644); err != nil {
		p.t.Fatal(err)
	}
}
