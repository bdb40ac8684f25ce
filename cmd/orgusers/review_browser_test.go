package main

import (
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/orgusers/orgusers/orguserstest"
)

// startBrowser starts a headless Chromium or Chrome. It skips the test if there is none.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		path, err = exec.LookPath("google-chrome")
	}
	if err != nil {
		t.Skip("the page is not tested in a browser: there is no chromium and no google-chrome on the PATH")
	}
	allocator, stop := chromedp.NewExecAllocator(t.Context(),
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true),
	)
	browser, closeBrowser := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		closeBrowser()
		stop()
	})
	if err := chromedp.Do(browser); err != nil {
		t.Fatal(err)
	}
	return browser
}

// view is how the page is shown.
type view struct {
	scheme         string // of colors
	width          int64  // 1280 if it is zero
	medium         string
	withoutScripts bool
	forcedColors   bool
}

// tab is the page in a browser.
type tab struct {
	t     *testing.T
	ctx   context.Context
	file  string
	users []orguserstest.User

	mu       sync.Mutex
	messages []string // on the console
	requests []string
}

// open opens the page.
func (p *tab) open(browser context.Context, v view) {
	p.t.Helper()
	ctx, closeTab := chromedp.NewContext(browser)
	p.t.Cleanup(closeTab)
	if err := chromedp.Listen(ctx, p.listen); err != nil {
		p.t.Fatal(err)
	}
	bounded, cancel := context.WithTimeout(ctx, 2*time.Minute)
	p.t.Cleanup(cancel)
	p.ctx = bounded
	p.emulate(v)
	p.do(chromedp.Navigate("file://" + p.file))
}

func (p *tab) emulate(v view) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(cmp.Or(v.width, 1280), 900))
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.scheme}}
	if v.forcedColors {
		features = append(features, &emulation.MediaFeature{Name: "forced-colors", Value: "active"})
	}
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: v.medium, Features: features})
	call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: v.withoutScripts})
}

// listen is called for each event of the tab.
func (p *tab) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		p.messages = append(p.messages, e.Entry.Text)
	case *runtime.EventExceptionThrown:
		p.messages = append(p.messages, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		p.messages = append(p.messages, string(e.Type))
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, e.Request.URL)
	}
}

// expectQuiet checks that the page wrote nothing on the console, and requested nothing
// but itself.
func (p *tab) expectQuiet() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, message := range p.messages {
		p.t.Errorf("the console has %q", message)
	}
	if !slices.Equal(p.requests, []string{"file://" + p.file}) {
		p.t.Errorf("the page requested %q", p.requests)
	}
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

func call[P, R any](p *tab, command cdp.Command[P, R], params P) {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, command, params); err != nil {
		p.t.Fatal(err)
	}
}

// value returns the value of an expression in the page.
func value[T any](p *tab, expression string) T {
	p.t.Helper()
	got, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return got
}

// press focuses an element and presses a key.
func (p *tab) press(element, key string) {
	p.t.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](element+`.focus()`), chromedp.KeyEvent(key))
}

// choose sets the value of a field, as a user does.
func (p *tab) choose(id, text string) {
	p.t.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`{
		const field = document.getElementById(%q), wanted = %q;
		field.value = field.options ? Array.from(field.options).find((option) => option.text === wanted).value : wanted;
		field.dispatchEvent(new Event("input"));
	}`, id, text)))
}

// column returns a column of the shown rows of users.
func (p *tab) column(n int) []string {
	p.t.Helper()
	return value[[]string](p, fmt.Sprintf(`%s.map((row) => row.cells[%d].textContent)`, shownRows, n))
}

// expectFound checks that the table of users shows exactly the matching users.
func (p *tab) expectFound(what string, matches func(orguserstest.User) bool) {
	p.t.Helper()
	want := []string{}
	for _, u := range p.users {
		if matches(u) {
			want = append(want, u.Email)
		}
	}
	slices.SortFunc(want, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	status := fmt.Sprintf("%d of %d users", len(want), len(p.users))
	if len(want) > 100 {
		status += ", the first 100 shown"
		want = want[:100]
	}
	if got := p.column(0); !slices.Equal(got, want) {
		p.t.Errorf("%s: found %q\nwant %q", what, got, want)
	}
	if got := value[string](p, usersStatus); got != status {
		p.t.Errorf("%s: the status is %q, want %q", what, got, status)
	}
}
