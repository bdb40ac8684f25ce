// Package page shows an access review as a page of HTML that needs nothing but
// itself.
package page

import (
	"bufio"
	"crypto/sha256"
	_ "embed" // the parts of the page
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/orgusers/orgusers/examples/accessreview/internal/review"
)

// The charts are made by Charts.css, a framework of CSS that shows a table as a
// chart, so that the page has no pictures and its charts can be read aloud.
// charts.min.css is the file dist/charts.min.css of version 1.2.0, as `npm pack
// charts.css@1.2.0` brings it.
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

// view is what the layout is filled with.
type view struct {
	*review.Report
	Policy  string // of the page's content
	Style   template.CSS
	Script  template.JS
	Charts  []chart
	Found   []finding
	Nothing []review.Finding
	// FirstRows is how many rows of a long table are shown at first.
	FirstRows int
	// Data is the SHA-256 of the same as JSON, or empty.
	Data string
}

// Write writes the page. DataSHA256 is of the JSON of the same report, empty
// where there is none.
func Write(w io.Writer, report *review.Report, dataSHA256 string) error {
	style := "/*\nCharts.css v1.2.0, https://ChartsCSS.org/\n\n" + chartsLicense + "*/\n" + chartsCSS + "\n" + widths() + pageCSS
	v := view{
		Report:    report,
		Policy:    fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; base-uri 'none'; form-action 'none'", hash(style), hash(script)),
		Style:     template.CSS(style), //nolint:gosec // it is in this package
		Script:    template.JS(script), //nolint:gosec // it is in this package
		Charts:    charts(report),
		FirstRows: 100,
		Data:      dataSHA256,
	}
	titles := map[string]string{}
	for _, f := range report.Findings {
		titles[f.Rule] = f.Title
		if len(f.Users) == 0 {
			v.Nothing = append(v.Nothing, f)
			continue
		}
		shown := finding{Finding: f, First: f.Users}
		if !shownWhole(f.Rule) {
			shown.First = f.Users[:min(firstFew, len(f.Users))]
		}
		v.Found = append(v.Found, shown)
	}
	page, err := template.New("page").Funcs(template.FuncMap{
		"number":  number,
		"time":    func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") },
		"date":    date,
		"cut":     cut,
		"roles":   rolesThat,
		"inTitle": inTitle,
		"title":   func(rule string) string { return titles[rule] },
		"unseen": func() string {
			if report.LoginsTold {
				return "never"
			}
			return "unknown"
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

// firstFew is how many of those who meet a rule are shown beside it. The table
// of users has all of them.
const firstFew = 25

// shownWhole tells which rules are shown with everybody who meets them: those
// about administrators, because nobody may overlook one, and those of which the
// table of users does not show why somebody meets them.
func shownWhole(rule string) bool {
	switch rule {
	case "same_mailbox", "same_name", "misleading_characters":
		return true
	}
	return strings.HasPrefix(rule, "administrator_")
}

// finding is a rule, and the first few of whom it is met by.
type finding struct {
	review.Finding
	First []review.Found
}

// rolesThat are the roles that administer, or those that do not.
func rolesThat(roles []review.Role, administer bool) (found []review.Role) {
	for _, role := range roles {
		if role.Administrator == administer {
			found = append(found, role)
		}
	}
	return found
}

// longest is how many characters of a value are shown. The JSON has all.
const longest = 200

// cut is a value that cannot fill the page alone.
func cut(value string) string {
	characters := []rune(value)
	if len(characters) <= longest {
		return value
	}
	return string(characters[:longest]) + "… (" + number(len(characters)) + " characters)"
}

// inTitle is a name for the title of a window, where nothing can keep it from
// turning around what is beside it.
func inTitle(name string) string {
	const longest = 80
	plain := []rune(strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.Is(unicode.Cf, c) {
			return -1
		}
		return c
	}, name))
	if len(plain) > longest {
		return string(plain[:longest]) + "…"
	}
	return string(plain)
}

// hash is how a policy names what may be inline.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

var english = message.NewPrinter(language.English)

// number has separators between thousands.
func number(n int) string { return english.Sprintf("%d", n) }

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

// widths are the classes of bars from w0 to w100: the policy allows no style at
// an element.
func widths() string {
	var css strings.Builder
	for percent := range 101 {
		fmt.Fprintf(&css, ".w%d{--size:%.2f}", percent, float64(percent)/100)
	}
	return css.String() + "\n"
}
