package review

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	_ "embed" // the parts of the page
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/orgusers/orgusers"
)

// Charts.css shows a table as a chart, so the page needs no pictures, and a screen reader
// can read the charts. charts.min.css is dist/charts.min.css of version 1.2.0, from
// `npm pack charts.css@1.2.0`.
var (
	//go:embed chartscss/charts.min.css
	chartsCSS string
	//go:embed chartscss/LICENSE
	chartsLicense string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	script string
	//go:embed page.tmpl
	layout string
)

// view is the data of the layout.
type view struct {
	*Report
	ContentPolicy string
	Style         template.CSS
	Script        template.JS
	Charts        []chart
	Found         []shownFinding
	NotFound      []Finding
	Filters       []*filter
	Tokens        map[*User]string // for the filters
	FirstRows     int              // of a long table
	DataSHA256    string
}

// shownFinding is a finding with those of its users that are listed below it.
type shownFinding struct {
	Finding
	First []Found
}

// firstFew is the number of users below a rule. The table of users has all of them.
const firstFew = 25

// WritePage writes the page. dataSHA256 is the hash of the JSON of the report, or empty.
func WritePage(w io.Writer, r *Report, dataSHA256 string) error {
	style := "/*\nCharts.css v1.2.0, https://ChartsCSS.org/\n\n" + chartsLicense + "*/\n" + chartsCSS + "\n" + widths() + pageCSS
	v := view{
		Report:        r,
		ContentPolicy: fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; base-uri 'none'; form-action 'none'", hash(style), hash(script)),
		Style:         template.CSS(style), //nolint:gosec // it is in this package
		Script:        template.JS(script), //nolint:gosec // it is in this package
		Charts:        charts(r),
		FirstRows:     100,
		DataSHA256:    dataSHA256,
	}
	titles := map[string]string{}
	for _, f := range r.Findings {
		titles[f.Rule] = f.Title
		if len(f.Users) == 0 {
			v.NotFound = append(v.NotFound, f)
			continue
		}
		shown := shownFinding{Finding: f, First: f.Users}
		if !listsAll(f.Rule) {
			shown.First = f.Users[:min(firstFew, len(f.Users))]
		}
		v.Found = append(v.Found, shown)
	}
	v.addFilters(titles)
	page, err := template.New("page").Funcs(template.FuncMap{
		"number":   number,
		"time":     func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") },
		"date":     date,
		"cut":      func(text string) string { return cut(text, longest) },
		"plain":    plain,
		"stacks":   stackLines,
		"title":    func(rule string) string { return titles[rule] },
		"endsSoon": func(end time.Time) bool { return !end.IsZero() && end.Before(r.ReadAt.AddDate(0, 0, 90)) },
		"rolesOf": func(administrator bool) (names []string) {
			for _, role := range r.Roles {
				if role.Administrator == administrator {
					names = append(names, role.Name)
				}
			}
			return names
		},
	}).Parse(layout)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(w, 1<<16)
	if err := page.Execute(buffered, v); err != nil {
		return err
	}
	return buffered.Flush()
}

// listsAll reports whether all users are listed below a rule: no administrator may be
// overlooked, and of some rules the table of users does not show the reason.
func listsAll(rule string) bool {
	return strings.HasPrefix(rule, "administrator_") || strings.HasPrefix(rule, "same_") || rule == "misleading_characters"
}

// filter is a list to choose from above the table of users. A row has the tokens of the
// options that it belongs to: names from outside are not attributes.
type filter struct {
	ID, Label, All string
	Options        []filterOption
	tokens         map[string]string // by label
}

type filterOption struct{ Token, Label string }

func newFilter(id, label, all string, labels ...string) *filter {
	f := &filter{ID: id, Label: label, All: all, tokens: map[string]string{}}
	for _, label := range labels {
		f.token(label)
	}
	return f
}

// token returns the token of an option. It adds the option if there is none.
func (f *filter) token(label string) string {
	if f.tokens[label] == "" {
		f.tokens[label] = f.ID[:1] + strconv.Itoa(len(f.Options))
		f.Options = append(f.Options, filterOption{f.tokens[label], label})
	}
	return f.tokens[label]
}

func (v *view) addFilters(titles map[string]string) {
	rules := newFilter("finding", "To look at", "All users")
	for _, f := range v.Found {
		rules.token(f.Title)
	}
	status, roles, domains := newFilter("status", "Status", "All", "Member", "Pending"), newFilter("role", "Role", "All", "Owner"), newFilter("domain", "Domain", "All")
	for _, role := range v.Roles {
		roles.token(role.Name)
	}
	for _, d := range v.Domains {
		domains.token(d.Name)
	}
	v.Filters, v.Tokens = []*filter{rules, status, roles, domains}, map[*User]string{}
	for _, u := range v.Users {
		is := []string{status.token(u.StatusLabel()), domains.token(u.domain())}
		if u.Owner {
			is = append(is, roles.token("Owner"))
		}
		for _, grant := range u.Roles {
			is = append(is, roles.token(grant.RoleName))
		}
		if !u.Owner && len(u.Roles) == 0 {
			is = append(is, roles.token("No role"))
		}
		for _, rule := range u.Findings {
			is = append(is, rules.token(titles[rule]))
		}
		v.Tokens[u] = strings.Join(is, " ")
	}
}

// TokenOf returns the token of a rule.
func (v view) TokenOf(title string) string { return v.Filters[0].tokens[title] }

// StatusLabel returns the status in the words of the page. A status that is not known is
// shown as the server sent it.
func (u *User) StatusLabel() string {
	switch u.from.Status {
	case orgusers.StatusAccepted, "":
		return "Member"
	case orgusers.StatusPending:
		return "Pending"
	default:
		return u.Status
	}
}

// stackLine is what a user has in one stack.
type stackLine struct {
	Name   string
	Owned  bool
	Grants []orgusers.StackGrant
}

func stackLines(u *User) []*stackLine {
	var lines []*stackLine
	byKey := map[string]*stackLine{}
	line := func(stack orgusers.StackRef) *stackLine {
		if byKey[stack.APIKey] == nil {
			byKey[stack.APIKey] = &stackLine{Name: cmp.Or(stack.Name, stack.APIKey)}
			lines = append(lines, byKey[stack.APIKey])
		}
		return byKey[stack.APIKey]
	}
	for _, stack := range u.Owns {
		line(stack).Owned = true
	}
	for _, grant := range u.Stacks {
		l := line(grant.Stack)
		l.Grants = append(l.Grants, grant)
	}
	return lines
}

// longest is the number of characters of a value that are shown: a valid address is not
// longer. The JSON has whole values.
const longest = 254

func cut(text string, most int) string {
	characters := []rune(text)
	if len(characters) <= most {
		return text
	}
	return string(characters[:most]) + "… (" + number(len(characters)) + " characters)"
}

// plain returns a name for a place where it cannot be isolated. It has no characters that
// reverse the text next to it.
func plain(name string) string {
	return cut(strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) {
			return -1
		}
		return c
	}, name), 80)
}

// hash returns the hash of an inline style or script, as a policy has it.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// number separates thousands.
func number(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// widths returns a class for each width in percent. The policy allows no style attributes.
func widths() string {
	var css strings.Builder
	for percent := range 101 {
		fmt.Fprintf(&css, ".w%d{--size:%.2f}", percent, float64(percent)/100)
	}
	return css.String() + "\n"
}
