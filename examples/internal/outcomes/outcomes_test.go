package outcomes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/program"
)

type row struct {
	Email string `json:"email"`
	Name  string `json:"name"`
	Outcome
}

func (r *row) Cells() []string { return []string{r.Email, r.Name} }

func all(dryRun bool) *Report {
	r := New(dryRun, "EMAIL", "NAME")
	add := func(o orgusers.Outcome, email, name string) { r.Add(&row{email, name, r.Outcome(o, "removed")}) }
	done := orgusers.OutcomeDone
	if dryRun {
		done = orgusers.OutcomePlanned
	}
	add(orgusers.Outcome{Status: done}, "a@example.com", "Ada")
	add(orgusers.Outcome{Status: orgusers.OutcomeSkipped, Reason: "not_there"}, "long.address@example.com", "")
	add(orgusers.Outcome{Status: done}, "b@example.com", "李 Na\n\tN\u00e9\x1b[2J\u202e")
	add(orgusers.Outcome{Status: orgusers.OutcomeFailed, Err: errors.New("403: no")}, "c@example.com", "Cy")
	add(orgusers.Outcome{Status: orgusers.OutcomeNotStarted, Reason: orgusers.ReasonContextEnded, Err: fmt.Errorf("run: %w", context.Canceled)}, "d@example.com", "Di")
	add(orgusers.Outcome{Status: orgusers.OutcomeUnknown, Detail: "reset", Err: orgusers.ErrOutcomeUnknown}, "e@example.com", "Ed")
	return r
}

func TestTable(t *testing.T) {
	t.Parallel()
	var stdout, stderr strings.Builder
	err := all(false).Finish("offboard", false, &stdout, &stderr, errors.New("of 6 users some failed"))
	want := `EMAIL                     NAME           OUTCOME      NOTE
a@example.com             Ada            removed
long.address@example.com                 skipped      is not there
b@example.com             李 Na Né�[2J�  removed
c@example.com             Cy             failed       403: no
d@example.com             Di             not started
e@example.com             Ed             unknown      reset
`
	if got := stdout.String(); got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
	if want := "2 removed, 1 skipped, 1 failed, 1 not started, 1 unknown"; err == nil || err.Error() != want || stderr.String() != "" {
		t.Errorf("the error is %v, want %s; stderr is %q", err, want, stderr.String())
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	var stdout, stderr strings.Builder
	if err := all(true).Finish("offboard", false, &stdout, &stderr, nil); err != nil {
		t.Fatal(err)
	}
	if want := "offboard: dry run: nothing was sent; 2 would be removed, "; !strings.HasPrefix(stderr.String(), want) {
		t.Errorf("stderr is %q, want %q", stderr.String(), want)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	for _, dryRun := range []bool{false, true} {
		var stdout, stderr strings.Builder
		if err := all(dryRun).Finish("offboard", true, &stdout, &stderr, errors.New("some failed")); err == nil {
			t.Error("it hides that some failed")
		}
		want := fmt.Sprintf(`{"dry_run":%v,"outcomes":[`, dryRun) +
			`{"email":"a@example.com","name":"Ada","status":"removed"},` +
			`{"email":"long.address@example.com","name":"","status":"skipped","note":"is not there"},` +
			`{"email":"b@example.com","name":"李 Na\n\tNé\u001b[2J` + "\u202e" + `","status":"removed"},` +
			`{"email":"c@example.com","name":"Cy","status":"failed","note":"403: no"},` +
			`{"email":"d@example.com","name":"Di","status":"not started"},` +
			`{"email":"e@example.com","name":"Ed","status":"unknown","note":"reset"}],` +
			`"counts":[{"status":"removed","count":2},{"status":"skipped","count":1},{"status":"failed","count":1},{"status":"not started","count":1},{"status":"unknown","count":1}]}`
		var got bytes.Buffer
		if err := json.Compact(&got, []byte(stdout.String())); err != nil || got.String() != want {
			t.Errorf("the document is\n%s (%v), want\n%s", stdout.String(), err, want)
		}
	}
	var empty strings.Builder
	if err := New(true).WriteJSON(&empty); err != nil || !strings.Contains(empty.String(), `"outcomes": []`) || !strings.Contains(empty.String(), `"counts": []`) {
		t.Errorf("without rows the document is %s (%v)", empty.String(), err)
	}
}

func TestNoOutcomes(t *testing.T) {
	t.Parallel()
	var stdout, stderr strings.Builder
	refused := errors.New("refused")
	for _, asJSON := range []bool{false, true} {
		if err := New(false, "EMAIL").Finish("offboard", asJSON, &stdout, &stderr, refused); !errors.Is(err, refused) || stdout.Len()+stderr.Len() > 0 {
			t.Errorf("the error is %v, stdout %q, stderr %q", err, stdout.String(), stderr.String())
		}
	}
}

// failing is a stdout that cannot be written to.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestWhatWasDoneIsSaidThoughStdoutFails(t *testing.T) {
	t.Parallel()
	full, some := errors.New("no space left"), errors.New("of 6 users some failed")
	for name, test := range map[string]struct {
		dryRun      bool
		stdout, err error
		unread      bool // the error is that nobody reads, so that it is not told
		lines       int  // on stderr
	}{
		"a full disk":                         {false, full, nil, false, 7},
		"a full disk, and some failed":        {false, full, some, false, 7},
		"nobody reads":                        {false, program.ErrUnread, nil, true, 8},
		"nobody reads, and some failed":       {false, program.ErrUnread, some, false, 7},
		"a full disk in a dry run":            {true, full, nil, false, 0},
		"nobody reads in a dry run":           {true, program.ErrUnread, nil, true, 0},
		"nobody reads in one that found more": {true, program.ErrUnread, some, true, 0},
	} {
		for _, asJSON := range []bool{false, true} {
			var stderr strings.Builder
			err := all(test.dryRun).Finish("offboard", asJSON, failing{test.stdout}, &stderr, test.err)
			if err == nil || !strings.Contains(err.Error(), "removed, 1 skipped, 1 failed, 1 not started, 1 unknown") || !strings.Contains(err.Error(), test.stdout.Error()) {
				t.Errorf("%s, as JSON %v: the error is %v", name, asJSON, err)
			}
			if errors.Is(err, program.ErrUnread) != test.unread {
				t.Errorf("%s, as JSON %v: the error is %v", name, asJSON, err)
			}
			if got := strings.Count(stderr.String(), "\n"); got != test.lines || got > 0 && !strings.Contains(stderr.String(), "c@example.com             Cy             failed       403: no\n") {
				t.Errorf("%s, as JSON %v: stderr is\n%s", name, asJSON, stderr.String())
			}
		}
	}
}

func TestSummarySaysWhatToDo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		dryRun bool
		status orgusers.OutcomeStatus
		want   string
	}{
		"something to do": {true, orgusers.OutcomePlanned, "dry run: nothing was sent; 1 would be removed; -apply does it"},
		"nothing to do":   {true, orgusers.OutcomeSkipped, "dry run: nothing was sent; 1 skipped"},
		"unknown":         {false, orgusers.OutcomeUnknown, "1 unknown; look first"},
		"known":           {false, orgusers.OutcomeDone, "1 removed"},
	} {
		report := New(test.dryRun, "EMAIL", "NAME")
		report.IfUnknown = "look first"
		report.Add(&row{"a@example.com", "Ada", report.Outcome(orgusers.Outcome{Status: test.status}, "removed")})
		var stderr strings.Builder
		if err := report.Finish("offboard", false, new(strings.Builder), &stderr, nil); err != nil || stderr.String() != "offboard: "+test.want+"\n" {
			t.Errorf("%s: %v, stderr is %q, want %q", name, err, stderr.String(), test.want)
		}
	}
}

func TestNothingSentIsSaidOnce(t *testing.T) {
	t.Parallel()
	failed := errors.New("FindUsers: connection refused")
	for _, test := range []struct {
		err  error
		want string
	}{
		{failed, "nothing was sent: FindUsers: connection refused"},
		{fmt.Errorf("%w; nothing was sent", orgusers.ErrRefused), "refused; nothing was sent"},
		{fmt.Errorf("RemoveUsers: nothing was changed: %w", failed), "RemoveUsers: nothing was changed: FindUsers: connection refused"},
		{program.Misuse("-x"), "-x"},
		{flag.ErrHelp, flag.ErrHelp.Error()},
		{all(false).Finish("offboard", false, new(strings.Builder), new(strings.Builder), failed), "2 removed, 1 skipped, 1 failed, 1 not started, 1 unknown"},
	} {
		run := OrNothingSent(func(context.Context, []string, io.Writer, io.Writer) error { return test.err })
		err := run(t.Context(), nil, nil, nil)
		if err == nil || err.Error() != test.want {
			t.Errorf("the error is %v, want %s", err, test.want)
		}
	}
}
