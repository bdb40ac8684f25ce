package outcomes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/orgusers/orgusers"
)

func all(dryRun bool) *Report {
	r := New(dryRun, "EMAIL", "NAME")
	r.Add(orgusers.Outcome{Status: orgusers.OutcomeDone}, "removed", "a@example.com", "Ada")
	r.Add(orgusers.Outcome{Status: orgusers.OutcomeSkipped, Reason: "is not there"}, "removed", "long.address@example.com", "")
	r.Add(orgusers.Outcome{Status: orgusers.OutcomeDone}, "removed", "b@example.com", "李 Na\n\tN\u00e9\x1b[2J\u202e")
	r.Add(orgusers.Outcome{Status: orgusers.OutcomeFailed, Err: errors.New("403: no")}, "removed", "c@example.com", "Cy")
	r.Add(orgusers.Outcome{Status: orgusers.OutcomeFailed, Reason: "for a reason", Err: fmt.Errorf("run: %w", context.Canceled)}, "removed", "d@example.com", "Di")
	r.Add(orgusers.Outcome{Status: orgusers.OutcomeUnknown, Reason: "reset", Err: orgusers.ErrOutcomeUnknown}, "removed", "e@example.com", "Ed")
	return r
}

func TestTable(t *testing.T) {
	t.Parallel()
	var stdout, stderr strings.Builder
	err := all(false).Finish("offboard", &stdout, &stderr, errors.New("of 6 users some failed"))
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
	if err := all(true).Finish("offboard", &stdout, &stderr, nil); err != nil {
		t.Fatal(err)
	}
	if want := "offboard: dry run: nothing was sent; 2 would be removed, "; !strings.HasPrefix(stderr.String(), want) {
		t.Errorf("stderr is %q, want %q", stderr.String(), want)
	}
}

func TestNoOutcomes(t *testing.T) {
	t.Parallel()
	var stdout, stderr strings.Builder
	refused := errors.New("refused")
	if err := New(false, "EMAIL").Finish("offboard", &stdout, &stderr, refused); !errors.Is(err, refused) || stdout.Len()+stderr.Len() > 0 {
		t.Errorf("the error is %v, stdout %q, stderr %q", err, stdout.String(), stderr.String())
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("nobody reads") }

func TestWhatWasDoneIsSaidThoughNobodyReadsTheTable(t *testing.T) {
	t.Parallel()
	err := all(false).Finish("offboard", broken{}, new(strings.Builder), nil)
	if err == nil || !strings.Contains(err.Error(), "2 removed") || !strings.Contains(err.Error(), "nobody reads") {
		t.Errorf("the error is %v", err)
	}
}
