package program

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/orgusers/orgusers"
)

func TestExitStatus(t *testing.T) {
	t.Parallel()
	running := t.Context()
	interrupted, interrupt := context.WithCancel(running)
	interrupt()
	failure := errors.New("failure")
	for name, test := range map[string]struct {
		ctx  context.Context
		err  error
		want int
	}{
		"done":                         {running, nil, 0},
		"done in spite of Ctrl-C":      {interrupted, nil, 0},
		"help":                         {running, flag.ErrHelp, 0},
		"failed":                       {running, failure, 1},
		"wrong flags":                  {running, Misuse("-x: %w", failure), 2},
		"wrong flags, further up":      {running, fmt.Errorf("run: %w", Misuse("-x")), 2},
		"wrong input":                  {running, fmt.Errorf("run: %w", WrongInput("line 1")), 2},
		"refused":                      {running, fmt.Errorf("run: %w", orgusers.ErrRefused), 2},
		"nobody reads":                 {running, fmt.Errorf("export: %w", ErrUnread), 141},
		"interrupted":                  {interrupted, fmt.Errorf("run: %w", context.Canceled), 130},
		"interrupted, other last word": {interrupted, failure, 130},
	} {
		if got := exitStatus(test.ctx, test.err); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}

func TestOnlyMisuseIsExplainedByHelp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want string
	}{
		{Misuse("-x"), "export: -x\nexport -h explains the flags.\n"},
		{WrongInput("line 1"), "export: line 1\n"},
		{orgusers.ErrRefused, "export: refused\n"},
	} {
		var stderr strings.Builder
		report(&stderr, "export", exitStatus(t.Context(), test.err), test.err)
		if got := stderr.String(); got != test.want {
			t.Errorf("stderr is %q, want %q", got, test.want)
		}
	}
}

func TestRemedyIsForTheOrganizationAlone(t *testing.T) {
	t.Parallel()
	const organization = "/v3/organizations/{organization_uid}"
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"the organization":      {&orgusers.Error{Path: organization, StatusCode: 404, Code: 141}, true},
		"its users":             {fmt.Errorf("nothing was sent: %w", &orgusers.Error{Path: organization + "/share", StatusCode: 404}), true},
		"something in it":       {&orgusers.Error{Path: organization + "/logs/{log_uid}", StatusCode: 404}, false},
		"something else":        {&orgusers.Error{Path: "/v3/roles", StatusCode: 404, Code: 141}, false},
		"all, but not allowed":  {&orgusers.Error{Path: organization, StatusCode: 403}, false},
		"a field that is wrong": {&orgusers.Error{Path: organization + "/share", StatusCode: 422, Code: 141}, false},
		"no request of an API":  {errors.New("404"), false},
	} {
		if got := strings.Contains(remedy(test.err), "look at CONTENTSTACK_ORGANIZATION_UID and CONTENTSTACK_"); got != test.want {
			t.Errorf("%s: it is said what to do: %v, want %v", name, got, test.want)
		}
	}
}

func TestProgressInLinesIsQuiet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var stderr strings.Builder
		progress := NewProgress("export", "users", &stderr)
		for done := range 25 { // a second each
			progress.Set(done, 25)
			time.Sleep(time.Second) // fake time
		}
		progress.Set(25, -1)
		time.Sleep(time.Minute) // fake time
		progress.Set(26, -1)
		progress.Clear()
		want := "export: 10 of 25 users\nexport: 20 of 25 users\nexport: 26 users\n"
		if got := stderr.String(); got != want {
			t.Errorf("stderr is\n%swant\n%s", got, want)
		}
	})
}
