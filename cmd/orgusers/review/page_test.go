package review_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/cmd/orgusers/review"
)

// everything is an organization in which every text from outside is the given one. Its
// table of users is long enough to be divided.
func everything(text string) *review.Report {
	source := &review.Source{
		Organization: &orgusers.Organization{UID: text, Name: text},
		Service:      text,
		ReadAt:       now,
		ReadBy:       &orgusers.CurrentUser{Email: text},
		Roles:        []*orgusers.Role{{UID: "r", Name: text}},
	}
	stack, teams := orgusers.StackRef{APIKey: text, Name: text}, []orgusers.TeamRef{{UID: text, Name: text}}
	for range 40 {
		user := &orgusers.User{
			ShareUID: text, UID: text, Email: text, FirstName: text, LastName: text, Status: orgusers.UserStatus(text), MFA: orgusers.MFAStatus(text),
			InvitedBy: orgusers.Inviter{UID: text}, CreatedAt: now, Message: text,
		}
		source.Access = append(source.Access,
			&orgusers.UserAccess{
				User: user, Roles: []orgusers.RoleGrant{{RoleUID: "r"}, {RoleUID: text, Teams: teams, MaybeDirect: true}},
				Stacks: []orgusers.StackGrant{{Stack: stack, RoleUID: text, Teams: teams}}, Teams: teams, Owns: []orgusers.StackRef{stack, {APIKey: "2"}, {APIKey: "3"}, {APIKey: "4"}},
				Unread: []orgusers.StackRef{stack},
			},
			&orgusers.UserAccess{User: &orgusers.User{Email: text, Owner: true, LastLoginAt: now.AddDate(-2, 0, 0), AccessWithoutSSO: true}, Unread: []orgusers.StackRef{stack}},
			&orgusers.UserAccess{User: &orgusers.User{Email: text, Status: orgusers.StatusPending, InvitedAt: now.AddDate(-1, 0, 0), InvitedBy: orgusers.Inviter{Email: text + text}}, Unread: []orgusers.StackRef{stack}},
		)
	}
	return review.New(source, review.DefaultPolicy())
}

func write(t *testing.T, report *review.Report) string {
	t.Helper()
	var file bytes.Buffer
	if err := review.WritePage(&file, report, ""); err != nil {
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
	const turn = "\u202e" // a rule finds it, so it is in all texts
	plain := elements(parse(t, write(t, everything(turn+"plain@example.com"))), "")
	for name, hostile := range map[string]string{
		"an element":             `<script>alert("marker")</script>@example.com`,
		"the end of an ancestor": `marker</bdi></td></table></style></script></title><img src=x onerror=alert(1)>@example.com`,
		"an attribute":           `" onload="alert(1)" marker='@example.com`,
		"a template":             `{{.Users}}marker{{define "x"}}@example.com`,
		"a comment":              `<!--marker--!>-->@example.com`,
		"an entity":              `&lt;marker&#60;&amp;@example.com`,
		"reversed text":          "marker\u2066\u2069\u2069\u202c@example.com",
		"a line":                 "marker\u2028a marker\r\nfoo\x00@example.com",
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
				if node.Parent.Data == "title" || node.Parent.Data == "option" {
					if strings.ContainsAny(node.Data, "\u202e\u2066\u2069\u202c\x00") {
						t.Errorf("the <%s> %q can reverse text", node.Parent.Data, node.Data)
					}
				} else if !inside(node, "bdi") {
					t.Errorf("%q is in a <%s>, where it can reverse the text next to it", node.Data, node.Parent.Data)
				}
			}
			// Addresses, names, roles, stacks, teams, statuses and inviters, at least.
			if least := 5 * 120; shown < least {
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
					t.Errorf("<%s %s=%q> names no element", node.Data, a.Key, a.Val)
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
	for _, field := range append(elements(document, "input"), elements(document, "select")...) {
		if auto, _ := attribute(field, "autocomplete"); auto != "off" {
			t.Errorf("a <%s> is filled in again by the browser, and its filter is not applied", field.Data)
		}
	}
}

// A bar is striped if the rule can find users of its days.
func TestStripedBars(t *testing.T) {
	t.Parallel()
	labels := []string{"Less than 7 days", "7 to 29 days", "30 to 89 days", "90 to 179 days", "180 to 364 days", "365 days or more"}
	for days, first := range map[int]int{1: 0, 6: 0, 7: 1, 30: 2, 90: 3, 179: 3, 180: 4, 364: 4, 365: 5, 400: 5} {
		policy := review.DefaultPolicy()
		policy.NotSeenFor, policy.PendingFor = days, days
		var users []orgusers.User
		for _, age := range []int{1, 10, 40, 100, 200, 500} {
			users = append(users, but(fmt.Sprintf("seen%d@x", age), func(u *orgusers.User) { u.LastLoginAt, u.CreatedAt, u.InvitedAt = ago(age), ago(600), ago(600) }), but("b@x", invited(age)))
		}
		for _, table := range elements(parse(t, write(t, review.New(source(users...), policy))), "table") {
			title := text(elements(table, "caption")[0])
			if title != "Last seen" && title != "Pending invitations" {
				continue
			}
			var striped []string
			for _, cell := range elements(table, "td") {
				class, _ := attribute(cell, "class")
				if strings.HasSuffix(class, " alert") != strings.HasSuffix(text(cell), ", to look at") {
					t.Errorf("%q is not read aloud as it is drawn", text(cell))
				}
				if strings.HasSuffix(class, " alert") {
					striped = append(striped, text(elements(cell.Parent, "th")[0]))
				}
			}
			if !slices.Equal(striped, labels[first:]) {
				t.Errorf("%s, with %d days: %q, want %q", title, days, striped, labels[first:])
			}
		}
	}
}

// The head says what is unusual about an organization.
func TestStates(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*review.Source)
		want   []string
	}{
		"as usual":  {func(*review.Source) {}, nil},
		"transfer":  {func(s *review.Source) { s.Organization.TransferPending = true }, []string{"A transfer of the ownership is pending."}},
		"disabled":  {func(s *review.Source) { s.Organization.Enabled = false }, []string{"The server does not say that the organization is enabled"}},
		"no end":    {func(s *review.Source) { s.Organization.ExpiresOn = time.Time{} }, nil},
		"ends soon": {func(s *review.Source) { s.Organization.ExpiresOn = ago(-89) }, []string{"The subscription ends, or ended, on 2026-09-27."}},
		"unread":    {func(s *review.Source) { s.Access[0].Unread = []orgusers.StackRef{{APIKey: "k", Name: "Shop"}} }, []string{"The roles of these stacks could not be read, so access to them is not on this page: Shop."}},
		"made up":   {func(s *review.Source) { s.Fake = true }, []string{"Made-up users."}},
	} {
		source := source(but("owner@example.com", func(u *orgusers.User) { u.Owner = true }))
		source.Organization.TransferPending, source.Organization.ExpiresOn, source.ServerCount = false, ago(-91), -1
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
			"1 read; the server sent no count", "Made by orgusers v1.2.3.", "Ownerowner@example.com",
			"Not seen: 365 days, administrators 90. Never logged in: 30 days. Pending: 30 days. Own domains: not given, so rare domains are listed.",
		} {
			if !strings.Contains(whole, want) {
				t.Errorf("%s: the page lacks %q", name, want)
			}
		}
	}
}

// The page names the administrator roles.
func TestAdministratorRoles(t *testing.T) {
	t.Parallel()
	policy := review.DefaultPolicy()
	policy.PrivilegedRoles = []string{"member"}
	whole := text(parse(t, write(t, review.New(source(fine("a@x")), policy))))
	for _, want := range []string{"Administrator roles: admin, Member, Boss. Other roles: none. Added for this review: member.", "Member (administrator)", "Boss (administrator)"} {
		if !strings.Contains(whole, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestLongValues(t *testing.T) {
	t.Parallel()
	document := parse(t, write(t, everything(strings.Repeat("ä", 10_000)+"@example.com")))
	for node := range document.Descendants() {
		if node.Type == html.TextNode && node.Parent.Data != "style" && node.Parent.Data != "script" && len([]rune(node.Data)) > 900 {
			t.Fatalf("%d characters are shown", len([]rune(node.Data)))
		}
	}
	if want := strings.Repeat("ä", 254) + "… (10,012 characters)"; text(elements(document, "h1")[0]) != want {
		t.Errorf("the organization is %q", text(elements(document, "h1")[0]))
	}
	if title := text(elements(document, "title")[0]); !strings.HasSuffix(title, strings.Repeat("ä", 80)+"… (10,012 characters)") || len([]rune(title)) > 140 {
		t.Errorf("the title is %q", title)
	}
}

// The library is unchanged.
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
