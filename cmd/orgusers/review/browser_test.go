package main

import (
	"context"
	"os/exec"
	"slices"
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

// startBrowser starts a headless Chromium or Chrome, and skips the test where
// there is none.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		path, err = exec.LookPath("google-chrome")
	}
	if err != nil {
		t.Skip("there is no chromium and no google-chrome on the PATH: what the page does in a browser is not tested; Debian's package is chromium")
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

// view is how somebody looks at the page.
type view struct {
	scheme         string // of colors, that they prefer
	medium         string
	withoutScripts bool
	forcedColors   bool
}

// tab is the page in a browser, and what was wrong with it.
type tab struct {
	t     *testing.T
	ctx   context.Context
	file  string
	users []orguserstest.User // whom the page is of

	mu       sync.Mutex
	said     []string // on the console
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
	// What never comes is not waited for until all tests are out of time.
	bounded, cancel := context.WithTimeout(ctx, 2*time.Minute)
	p.t.Cleanup(cancel)
	p.ctx = bounded
	p.do(chromedp.EmulateViewport(1280, 900))
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: v.scheme}}
	if v.forcedColors {
		features = append(features, &emulation.MediaFeature{Name: "forced-colors", Value: "active"})
	}
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: v.medium, Features: features})
	call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: v.withoutScripts})
	p.do(chromedp.Navigate("file://" + p.file))
}

// listen is told everything that happens in the tab.
func (p *tab) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		p.said = append(p.said, e.Entry.Text)
	case *runtime.EventExceptionThrown:
		p.said = append(p.said, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		p.said = append(p.said, string(e.Type))
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, e.Request.URL)
	}
}

// expectQuiet fails a test whose page has said something on the console or
// asked for anything but itself.
func (p *tab) expectQuiet() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, said := range p.said {
		p.t.Errorf("the console has %q", said)
	}
	if !slices.Equal(p.requests, []string{"file://" + p.file}) {
		p.t.Errorf("the page asks for %q", p.requests)
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

// value is what an expression in the page comes to.
func value[T any](p *tab, expression string) T {
	p.t.Helper()
	got, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return got
}
