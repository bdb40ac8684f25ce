package outcomes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/orgusers/orgusers"
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
	add(orgusers.Outcome{Status: orgusers.OutcomeDone}, "a@example.com", "Ada")
	add(orgusers.Outcome{Status: orgusers.OutcomeSkipped, Reason: "is not there"}, "long.address@example.com", "")
	add(orgusers.Outcome{Status: orgusers.OutcomeDone}, "b@example.com", "李 Na\n\tN\u00e9\x1b[2J\u202e")
	add(orgusers.Outcome{Status: orgusers.OutcomeFailed, Err: errors.New("403: no")}, "c@example.com", "Cy")
	add(orgusers.Outcome{Status: orgusers.OutcomeFailed, Reason: "for a reason", Err: fmt.Errorf("run: %w", context.Canceled)}, "d@example.com", "Di")
	add(orgusers.Outcome{Status: orgusers.OutcomeUnknown, Reason: "reset", Err: orgusers.ErrOutcomeUnknown}, "e@example.com", "Ed")
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
			`{"email":"a@example.com","name":"Ada","status":"done"},` +
			`{"email":"long.address@example.com","name":"","status":"skipped","note":"is not there"},` +
			`{"email":"b@example.com","name":"李 Na\n\tNé\u001b[2J` + "\u202e" + `","status":"done"},` +
			`{"email":"c@example.com","name":"Cy","status":"failed","note":"403: no"},` +
			`{"email":"d@example.com","name":"Di","status":"not started"},` +
			`{"email":"e@example.com","name":"Ed","status":"unknown","note":"reset"}],` +
			`"counts":[{"status":"done","count":2},{"status":"skipped","count":1},{"status":"failed","count":1},{"status":"not started","count":1},{"status":"unknown","count":1}]}`
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

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("nobody reads") }

func TestWhatWasDoneIsSaidThoughNobodyReadsTheTable(t *testing.T) {
	t.Parallel()
	for _, asJSON := range []bool{false, true} {
		err := all(false).Finish("offboard", asJSON, broken{}, new(strings.Builder), nil)
		if err == nil || !strings.Contains(err.Error(), "2 removed") || !strings.Contains(err.Error(), "nobody reads") {
			t.Errorf("as JSON %v: the error is %v", asJSON, err)
		}
	}
}
