package page_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/accessreview/internal/page"
	"github.com/orgusers/orgusers/examples/accessreview/internal/review"
)

var now = time.Date(2026, time.June, 30, 12, 0, 0, 0, time.UTC)

// everything is an organization in which every text that comes from outside is
// this one, and whose table of users is long enough to be parted.
func everything(text string) *review.Report {
	source := &review.Source{
		Organization: &orgusers.Organization{UID: text, Name: text},
		API:          text,
		TakenAt:      now,
		TakenBy:      &orgusers.CurrentUser{Email: text},
		Roles:        []*orgusers.Role{{UID: "r", Name: text}},
	}
	for range 150 {
		source.Users = append(source.Users,
			&orgusers.User{
				ShareUID: text, UID: text, Email: text, FirstName: text, LastName: text, Status: orgusers.UserStatus(text), MFA: orgusers.MFAStatus(text),
				Roles: []orgusers.RoleRef{{UID: "r"}, {UID: text}}, InvitedBy: orgusers.Inviter{UID: text}, CreatedAt: now, Message: text,
			},
			&orgusers.User{Email: text, Owner: true, LastLoginAt: now.AddDate(-2, 0, 0), AccessWithoutSSO: true},
			&orgusers.User{Email: text, Status: orgusers.StatusPending, InvitedAt: now.AddDate(-1, 0, 0), InvitedBy: orgusers.Inviter{Email: text + text}},
		)
	}
	return review.New(source, review.DefaultPolicy())
}

func write(t *testing.T, report *review.Report) string {
	t.Helper()
	var file bytes.Buffer
	if err := page.Write(&file, report, ""); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

func parse(t *testing.T, text string) *html.Node {
	t.Helper()
	document, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// elements are those of a name, or all.
func elements(document *html.Node, name string) (found []*html.Node) {
	for node := range document.Descendants() {
		if node.Type == html.ElementNode && (name == "" || node.Data == name) {
			found = append(found, node)
		}
	}
	return found
}

// text is all text below a node.
func text(node *html.Node) string {
	var all strings.Builder
	for child := range node.Descendants() {
		if child.Type == html.TextNode {
			all.WriteString(child.Data)
		}
	}
	return all.String()
}

func attribute(node *html.Node, name string) (value string, has bool) {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func inside(node *html.Node, name string) bool {
	for ancestor := range node.Ancestors() {
		if ancestor.Data == name {
			return true
		}
	}
	return false
}

func TestHostileTexts(t *testing.T) {
	t.Parallel()
	const turn = "\u202e" // which a rule points out, and so in all of them
	plain := elements(parse(t, write(t, everything(turn+"plain@example.com"))), "")
	for name, hostile := range map[string]string{
		"an element":          `<script>alert("marker")</script>@example.com`,
		"the end of an elder": `marker</bdi></td></table></style></script></title><img src=x onerror=alert(1)>@example.com`,
		"an attribute":        `" onload="alert(1)" marker='@example.com`,
		"a template":          `{{.Users}}marker{{define "x"}}@example.com`,
		"a comment":           `<!--marker--!>-->@example.com`,
		"an entity":           `&lt;marker&#60;&amp;@example.com`,
		"text turned round":   "marker\u2066\u2069\u2069\u202c@example.com",
		"a line":              "marker\u2028a marker\r\nfoo\x00@example.com",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			document := parse(t, write(t, everything(turn+hostile)))
			if got := elements(document, ""); len(got) != len(plain) {
				t.Errorf("%d elements, want %d as in a page without hostile texts", len(got), len(plain))
			}
			shown := 0
			for node := range document.Descendants() {
				for _, a := range node.Attr {
					if strings.Contains(a.Val, "marker") {
						t.Errorf("<%s %s=%q>", node.Data, a.Key, a.Val)
					}
				}
				if node.Type != html.TextNode || !strings.Contains(node.Data, "marker") {
					continue
				}
				shown++
				if node.Parent.Data == "title" {
					if strings.ContainsAny(node.Data, "\u202e\u2066\u2069\u202c\x00") {
						t.Errorf("the title %q can turn round", node.Data)
					}
					continue
				}
				if !inside(node, "bdi") {
					t.Errorf("%q is in a <%s>, where it can turn what is beside it round", node.Data, node.Parent.Data)
				}
			}
			// In both tables of users addresses, names, roles, states and inviters, and more.
			if least := 3 * 450; shown < least {
				t.Errorf("the text is shown %d times, want at least %d", shown, least)
			}
		})
	}
}

func TestSelfContained(t *testing.T) {
	t.Parallel()
	document := parse(t, write(t, everything("a@example.com")))
	ids := map[string]bool{}
	for _, node := range elements(document, "") {
		if id, has := attribute(node, "id"); has {
			if ids[id] {
				t.Errorf("there are two elements %q", id)
			}
			ids[id] = true
		}
	}
	for _, node := range elements(document, "") {
		switch node.Data {
		case "link", "img", "iframe", "object", "embed", "form", "base", "svg", "source", "video", "audio":
			t.Errorf("there is a <%s>", node.Data)
		}
		for _, a := range node.Attr {
			switch {
			case a.Key == "href" && ids[strings.TrimPrefix(a.Val, "#")] && strings.HasPrefix(a.Val, "#"):
			case a.Key == "for" || a.Key == "aria-labelledby":
				if !ids[a.Val] {
					t.Errorf("<%s %s=%q> means nothing", node.Data, a.Key, a.Val)
				}
			case a.Key == "href", a.Key == "src", a.Key == "srcset", a.Key == "style", a.Key == "action", strings.HasPrefix(a.Key, "on"):
				t.Errorf("<%s %s=%q>", node.Data, a.Key, a.Val)
			}
		}
	}
	style := text(elements(document, "style")[0])
	for _, outside := range []string{"url(", "@import", "src("} {
		if strings.Contains(style, outside) {
			t.Errorf("the style has %s", outside)
		}
	}
}

func TestPolicyAllowsThePageAlone(t *testing.T) {
	t.Parallel()
	document := parse(t, write(t, everything("a@example.com")))
	quoted := func(name string) string {
		nodes := elements(document, name)
		if len(nodes) != 1 {
			t.Fatalf("%d elements <%s>, want one", len(nodes), name)
		}
		sum := sha256.Sum256([]byte(text(nodes[0])))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	want := "default-src 'none'; style-src " + quoted("style") + "; script-src " + quoted("script") + "; base-uri 'none'; form-action 'none'"
	for _, meta := range elements(document, "meta") {
		if equiv, _ := attribute(meta, "http-equiv"); equiv != "Content-Security-Policy" {
			continue
		}
		if got, _ := attribute(meta, "content"); got != want {
			t.Errorf("the policy is\n%s\nwant\n%s", got, want)
		}
		return
	}
	t.Error("there is no policy")
}

func TestStructure(t *testing.T) {
	t.Parallel()
	document := parse(t, write(t, everything("a@example.com")))
	for name, want := range map[string]int{"title": 1, "header": 1, "nav": 1, "main": 1, "footer": 1, "h1": 1, "h2": 5} {
		if got := len(elements(document, name)); got != want {
			t.Errorf("%d elements <%s>, want %d", got, name, want)
		}
	}
	if lang, _ := attribute(elements(document, "html")[0], "lang"); lang != "en" {
		t.Errorf("the language is %q", lang)
	}
	if first := elements(elements(document, "body")[0], "a")[0]; text(first) != "Skip to the review" {
		t.Errorf("the first link is %q", text(first))
	}
	for _, table := range elements(document, "table") {
		captions := elements(table, "caption")
		if len(captions) != 1 || text(captions[0]) == "" {
			t.Errorf("a table has the captions %d", len(captions))
			continue
		}
		for _, th := range elements(table, "th") {
			want := "row"
			if inside(th, "thead") {
				want = "col"
			}
			if scope, _ := attribute(th, "scope"); scope != want {
				t.Errorf("%s: a header of scope %q, want %q", text(captions[0]), scope, want)
			}
		}
		columns := len(elements(elements(table, "thead")[0], "th"))
		for _, row := range elements(table, "tr") {
			if got := len(elements(row, "th")) + len(elements(row, "td")); got != columns {
				t.Errorf("%s: a row of %d cells, want %d", text(captions[0]), got, columns)
			}
		}
	}
	if !strings.Contains(text(document), "Personal data.") {
		t.Error("the page does not say that it is personal data")
	}
}

// What is hidden while there are scripts is there without them.
func TestWithoutScripts(t *testing.T) {
	t.Parallel()
	document := parse(t, write(t, everything("a@example.com")))
	for _, table := range elements(document, "table") {
		if text(elements(table, "caption")[0]) != "All users" {
			continue
		}
		bodies := elements(table, "tbody")
		if len(bodies) != 2 || len(elements(bodies[0], "tr")) != 100 || len(elements(bodies[1], "tr")) != 350 {
			t.Errorf("%d bodies, want one of 100 and one of 350", len(bodies))
		}
	}
	for _, controls := range elements(document, "input") {
		if _, hidden := attribute(controls.Parent, "hidden"); !hidden {
			t.Error("a search can be seen that does nothing")
		}
	}
}

// somebody is a report of members with this in common.
func somebody(n int, policy review.Policy, change func(*orgusers.User)) *review.Report {
	source := &review.Source{Organization: &orgusers.Organization{UID: "org"}, TakenAt: now, TakenBy: &orgusers.CurrentUser{}}
	for i := range n {
		u := &orgusers.User{UID: "u", Email: fmt.Sprintf("%d@example.com", i), Status: orgusers.StatusAccepted, LastLoginAt: now}
		change(u)
		source.Users = append(source.Users, u)
	}
	return review.New(source, policy)
}

// Nobody is left out of a list without a word, and no administrator at all.
func TestListsOfRules(t *testing.T) {
	t.Parallel()
	document := parse(t, write(t, somebody(30, review.DefaultPolicy(), func(u *orgusers.User) {
		u.Owner, u.Roles, u.LastLoginAt = true, nil, now.AddDate(-2, 0, 0)
		u.FirstName, u.LastName = "Ada\u202e", "King"
	})))
	rows := map[string]int{}
	said := map[string]string{}
	for _, article := range elements(document, "article") {
		title := text(elements(article, "caption")[0])
		rows[title] = len(elements(elements(article, "tbody")[0], "tr"))
		for _, p := range elements(article, "p") {
			if class, _ := attribute(p, "class"); class == "printed" {
				said[title] = text(p)
			}
		}
		if summary := text(elements(article, "summary")[0]); !strings.HasSuffix(summary, " of “"+title+"”") {
			t.Errorf("%s: the list is opened by %q", title, summary)
		}
	}
	want := map[string]int{"Administrator without MFA": 30, "Administrator not seen": 30, "Not seen": 25, "Misleading characters": 30}
	for title, n := range want {
		if rows[title] != n {
			t.Errorf("%s: %d rows, want %d", title, rows[title], n)
		}
	}
	if want := "The first 25 of 30. The others are in the table of users, under “Not seen”."; len(said) != 1 || said["Not seen"] != want {
		t.Errorf("below lists that are cut is printed %q, want %q", said, want)
	}
}

// alerts are the labels of the bars in a chart that may need a look, by what
// is seen and by what is read aloud.
func alerts(t *testing.T, document *html.Node, title string) (labels []string) {
	t.Helper()
	for _, table := range elements(document, "table") {
		if text(elements(table, "caption")[0]) != title {
			continue
		}
		for _, cell := range elements(table, "td") {
			class, _ := attribute(cell, "class")
			seen, said := strings.HasSuffix(class, " alert"), strings.HasSuffix(text(cell), ", to look at")
			if seen != said {
				t.Errorf("%q: striped %v, said %v", text(cell), seen, said)
			}
			if seen {
				labels = append(labels, text(elements(cell.Parent, "th")[0]))
			}
		}
	}
	return labels
}

// A bar is striped when the rule can find anybody of its days.
func TestBarsToLookAt(t *testing.T) {
	t.Parallel()
	all := []string{"Less than 7 days", "7 to 29 days", "30 to 89 days", "90 to 179 days", "180 to 364 days", "365 days or more"}
	for days, first := range map[int]int{1: 0, 6: 0, 7: 1, 30: 2, 90: 3, 179: 3, 180: 4, 200: 4, 364: 4, 365: 5, 400: 5} {
		policy := review.DefaultPolicy()
		policy.NotSeenFor, policy.PendingFor = days, days
		ages := []int{1, 10, 40, 100, 200, 500}
		i := 0
		document := parse(t, write(t, somebody(12, policy, func(u *orgusers.User) {
			u.LastLoginAt = now.AddDate(0, 0, -ages[i/2])
			if i%2 == 1 {
				u.Status, u.InvitedAt, u.LastLoginAt = orgusers.StatusPending, u.LastLoginAt, time.Time{}
			}
			i++
		})))
		for _, title := range []string{"Last seen", "Pending invitations"} {
			if got := alerts(t, document, title); !slices.Equal(got, all[first:]) {
				t.Errorf("%s, with %d days: %q, want %q", title, days, got, all[first:])
			}
		}
	}
	never := parse(t, write(t, somebody(2, review.DefaultPolicy(), func(u *orgusers.User) {
		if u.Email == "0@example.com" {
			u.LastLoginAt = time.Time{}
		}
	})))
	if got := alerts(t, never, "Last seen"); !slices.Equal(got, []string{"Never"}) {
		t.Errorf("of who never logged in: %q", got)
	}
}

// The head says of an organization what is not as usual.
func TestStates(t *testing.T) {
	t.Parallel()
	usual := orgusers.Organization{UID: "org", Enabled: true, ExpiresOn: now.AddDate(0, 0, 91)}
	for name, test := range map[string]struct {
		change func(*review.Source)
		want   []string
	}{
		"as usual":  {func(*review.Source) {}, nil},
		"transfer":  {func(s *review.Source) { s.Organization.TransferPending = true }, []string{"A transfer of ownership waits"}},
		"disabled":  {func(s *review.Source) { s.Organization.Enabled = false }, []string{"The server does not say that the organization is enabled"}},
		"no end":    {func(s *review.Source) { s.Organization.ExpiresOn = time.Time{} }, nil},
		"ends soon": {func(s *review.Source) { s.Organization.ExpiresOn = now.AddDate(0, 0, 89) }, []string{"The subscription ends, or ended, on 2026-09-27."}},
		"made up":   {func(s *review.Source) { s.MadeUp = true }, []string{"Made-up users."}},
	} {
		organization := usual
		source := &review.Source{Organization: &organization, TakenAt: now, ServerCount: -1, TakenBy: &orgusers.CurrentUser{}, MadeBy: "accessreview v1.2.3"}
		source.Users = []*orgusers.User{{Email: "owner@example.com", Owner: true}}
		test.change(source)
		document := parse(t, write(t, review.New(source, review.DefaultPolicy())))
		var said []string
		for _, p := range elements(document, "p") {
			if class, _ := attribute(p, "class"); class == "state" {
				said = append(said, text(p))
			}
		}
		if len(said) != len(test.want) || len(said) == 1 && !strings.HasPrefix(said[0], test.want[0]) {
			t.Errorf("%s: the head says %q, want %q", name, said, test.want)
		}
		whole := text(document)
		for _, want := range []string{
			"1 rows; the server does not count them", "Made by accessreview v1.2.3 of orgusers", "Ownerowner@example.com",
			"Rules go by: members not seen for 365 days, administrators for 90; never logged in for 30 days; invitations pending for 30 days; addresses of rare domains",
		} {
			if !strings.Contains(whole, want) {
				t.Errorf("%s: the page lacks %q", name, want)
			}
		}
	}
}

// The page says which roles make an administrator.
func TestRolesThatCount(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		added []string
		said  []string
	}{
		{nil, []string{"Roles that count: Admin, Boss; not: Member.", "Admin (administers)", "Boss (administers)"}},
		{[]string{"member"}, []string{"Roles that count: Admin, Member, Boss; not: none.", "Whoever has member is treated as one of them here", "Member (administers)"}},
	} {
		policy := review.DefaultPolicy()
		policy.PrivilegedRoles = test.added
		source := &review.Source{Organization: &orgusers.Organization{UID: "org"}, TakenAt: now, TakenBy: &orgusers.CurrentUser{}}
		source.Roles = []*orgusers.Role{{UID: "1", Name: "Admin"}, {UID: "2", Name: "Member"}, {UID: "3", Name: "Boss", Admin: true}}
		whole := text(parse(t, write(t, review.New(source, policy))))
		for _, want := range test.said {
			if !strings.Contains(whole, want) {
				t.Errorf("with %q added the page lacks %q", test.added, want)
			}
		}
		if marked, want := strings.Count(whole, "(administers)"), 2+len(test.added); marked != want {
			t.Errorf("with %q added %d roles are marked in the chart, want %d", test.added, marked, want)
		}
	}
}

// What is chosen is not kept when somebody comes back: nothing would be found
// by it.
func TestFieldsAreNotKept(t *testing.T) {
	t.Parallel()
	document := parse(t, write(t, everything("a@example.com")))
	for _, field := range append(elements(document, "input"), elements(document, "select")...) {
		if auto, _ := attribute(field, "autocomplete"); auto != "off" {
			t.Errorf("a <%s> is filled in again", field.Data)
		}
	}
}

func TestLongValues(t *testing.T) {
	t.Parallel()
	document := parse(t, write(t, everything(strings.Repeat("ä", 10_000)+"@example.com")))
	for node := range document.Descendants() {
		if node.Type == html.TextNode && node.Parent.Data != "style" && node.Parent.Data != "script" && len([]rune(node.Data)) > 700 {
			t.Fatalf("%d characters are shown", len([]rune(node.Data)))
		}
	}
	if want := strings.Repeat("ä", 200) + "… (10,012 characters)"; text(elements(document, "h1")[0]) != want {
		t.Errorf("the organization is %q", text(elements(document, "h1")[0]))
	}
	if title := text(elements(document, "title")[0]); !strings.HasSuffix(title, strings.Repeat("ä", 80)+"…") || len([]rune(title)) > 120 {
		t.Errorf("the title is %q", title)
	}
}

func TestSamePage(t *testing.T) {
	t.Parallel()
	first := write(t, everything("a@example.com"))
	if again := write(t, everything("a@example.com")); again != first {
		t.Error("the same review makes another page")
	}
}

type fullDisk struct{ room int }

var errFull = errors.New("the disk is full")

func (d *fullDisk) Write(p []byte) (int, error) {
	if d.room -= len(p); d.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	report := everything("a@example.com")
	size := len(write(t, report))
	for _, room := range []int{0, size / 2, size - 1} {
		if err := page.Write(&fullDisk{room}, report, ""); !errors.Is(err, errFull) {
			t.Errorf("with room for %d of %d bytes: %v, want %v", room, size, err, errFull)
		}
	}
}

// The library is as its authors made it.
func TestChartsCSS(t *testing.T) {
	t.Parallel()
	css, err := os.ReadFile("chartscss/charts.min.css")
	if err != nil {
		t.Fatal(err)
	}
	const want = "edd9756a53c171ead90291cbfa24dfcdde44ec850f1eacd6bcfb8e40e9ebfe12" // version 1.2.0
	if sum := sha256.Sum256(css); hex.EncodeToString(sum[:]) != want {
		t.Errorf("charts.min.css has the SHA-256 sum %x, want %s", sum, want)
	}
	if license := "Copyright (c) 2020 Rami Yushuvaev"; !strings.Contains(write(t, everything("a@example.com")), license) {
		t.Errorf("the page lacks the license of what it has in it, %q", license)
	}
}
