package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/orgusers/orgusers/examples/internal/programtest"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestMain(m *testing.M) { programtest.Main(m, main) }

func TestHelp(t *testing.T) {
	t.Parallel()
	programtest.ExpectHelp(t, "personal data", "-json", "-domain", "-privileged-role", "-data", "-not-seen-for", "-pending-for", "-o review.html")
}

func TestMisuse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"output without a name":          {[]string{"-o", ""}, "-o: the name"},
		"output that is a directory":     {[]string{"-o", "."}, "-o .: is a directory"},
		"output that is a loose link":    {[]string{"-o", "loose"}, "-o loose: it is a link that leads nowhere"},
		"data without a name":            {[]string{"-data", ""}, "-data: the name of the file is empty"},
		"data on stdout":                 {[]string{"-data", "-"}, `-data "-"`},
		"data that are a directory":      {[]string{"-data", "."}, "-data .: is a directory"},
		"data that are a loose link":     {[]string{"-data", "loose"}, "-data loose: it is a link that leads nowhere"},
		"data in the page":               {[]string{"-o", "review.html", "-data", "./review.html"}, "-data ./review.html: is the file of -o"},
		"data in no directory":           {[]string{"-o", "review.html", "-data", "nowhere/review.json"}, "-data nowhere/review.json: no file can be made in its directory"},
		"data beside JSON":               {[]string{"-json", "-data", "review.json"}, "-data is for the JSON beside the page"},
		"nobody was away":                {[]string{"-not-seen-for", "0"}, "-not-seen-for 0"},
		"away for longer than can be":    {[]string{"-not-seen-for", "36501"}, "-not-seen-for 36501"},
		"nobody is pending":              {[]string{"-pending-for", "-1"}, "-pending-for -1"},
		"an empty domain":                {[]string{"-domain", "example.com,"}, "-domain"},
		"a domain with an @":             {[]string{"-domain", "@example.com"}, `-domain "@example.com"`},
		"argument without a flag":        {[]string{"review.html"}, `"review.html"`},
		"no users to make up":            {[]string{"-users", "0"}, "-users 0"},
		"format that there is not, yaml": {[]string{"-yaml"}, "-yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := programtest.Command(t, nil, test.args...)
			if err := os.Symlink("nowhere", filepath.Join(cmd.Dir, "loose")); err != nil {
				t.Fatal(err)
			}
			programtest.ExpectMisuse(t, programtest.Run(t, cmd), test.says)
			programtest.ExpectFiles(t, cmd.Dir, "loose")
		})
	}
}

func TestPageOnStdout(t *testing.T) {
	t.Parallel()
	result := programtest.Run(t, programtest.Command(t, nil, "-users", "120"))
	if result.Status != 0 || !strings.HasPrefix(result.Stdout, "<!DOCTYPE html>\n") || !strings.HasSuffix(strings.TrimSpace(result.Stdout), "</html>") {
		t.Errorf("exit status %d, %d bytes on stdout, stderr %q", result.Status, len(result.Stdout), result.Stderr)
	}
	if got := strings.Count(strings.ToLower(result.Stdout), "made-up users"); got != 3 { // in the title, above the name, below it
		t.Errorf("the page says %d times that its users are made up, want 3", got)
	}
	for _, want := range []string{"built-in fake with 120 made-up users", "120 users, ", "to stdout; "} {
		if !strings.Contains(result.Stderr, want) {
			t.Errorf("stderr is %q, want %q in it", result.Stderr, want)
		}
	}
}

func TestOutputFile(t *testing.T) {
	t.Parallel()
	cmd := programtest.Command(t, nil, "-users", "50", "-o", "link.html")
	if err := os.WriteFile(filepath.Join(cmd.Dir, "review.html"), []byte("before"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("review.html", filepath.Join(cmd.Dir, "link.html")); err != nil {
		t.Fatal(err)
	}
	result := programtest.Run(t, cmd)
	if result.Status != 0 || result.Stdout != "" || !strings.Contains(result.Stderr, "; to link.html; ") {
		t.Fatalf("exit status %d, stdout %q, stderr %q", result.Status, result.Stdout, result.Stderr)
	}
	info, err := os.Lstat(filepath.Join(cmd.Dir, "review.html"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 || info.Size() < 50000 {
		t.Errorf("the file has mode %v and %d bytes, want a page of mode 0600", info.Mode(), info.Size())
	}
	programtest.ExpectFiles(t, cmd.Dir, "link.html", "review.html")
}

// The page names the SHA-256 of the JSON that is of the same reading.
func TestData(t *testing.T) {
	t.Parallel()
	cmd := programtest.Command(t, nil, "-users", "50", "-o", "review.html", "-data", "link.json")
	if err := os.WriteFile(filepath.Join(cmd.Dir, "review.json"), []byte("before"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("review.json", filepath.Join(cmd.Dir, "link.json")); err != nil {
		t.Fatal(err)
	}
	if result := programtest.Run(t, cmd); result.Status != 0 {
		t.Fatalf("exit status %d: %s", result.Status, result.Stderr)
	}
	programtest.ExpectFiles(t, cmd.Dir, "link.json", "review.html", "review.json")
	contents := map[string][]byte{}
	for _, name := range []string{"review.html", "review.json"} {
		path := filepath.Join(cmd.Dir, name)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		contents[name] = content
		if info, err := os.Lstat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: mode %v (%v), want 0600", name, info.Mode(), err)
		}
	}
	sum := fmt.Sprintf("SHA-256 %x", sha256.Sum256(contents["review.json"]))
	if got := bytes.Count(contents["review.html"], []byte(sum)); got != 2 {
		t.Errorf("the page has the JSON's sum %d times, want it in the head and at the signature", got)
	}
	var report struct {
		TakenAt time.Time `json:"taken_at"`
		Users   []any
	}
	if err := json.Unmarshal(contents["review.json"], &report); err != nil || len(report.Users) != 50 {
		t.Errorf("%d users (%v), want 50", len(report.Users), err)
	}
	if taken := report.TakenAt.Format(time.RFC3339); !bytes.Contains(contents["review.html"], []byte(taken)) {
		t.Errorf("the page is not of %s", taken)
	}
	if alone := programtest.Run(t, programtest.Command(t, nil, "-users", "50")); strings.Contains(alone.Stdout, "SHA-256 ") {
		t.Error("a page without data names their sum")
	}
}

// A failure leaves neither file, and those of before as they were.
func TestFailureKeepsData(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewServer(orguserstest.WithUsers(1000), orguserstest.WithFault(orguserstest.Fault{Skip: 6, Effect: orguserstest.Status(http.StatusForbidden)}))
	t.Cleanup(server.Close)
	cmd := programtest.Command(t, programtest.Environment(server), "-o", "review.html", "-data", "review.json")
	programtest.ExpectFileKept(t, cmd, "review.json")
	unread := programtest.Command(t, programtest.Environment(programtest.Team(t, 5)), "-data", "review.json")
	if result := programtest.RunFull(t, unread); result.Status != 1 {
		t.Errorf("exit status %d on a full disk, want 1: %s", result.Status, result.Stderr)
	}
	programtest.ExpectFiles(t, unread.Dir)
}

func TestFailureKeepsFile(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]orguserstest.Fault{
		"the organization": {Effect: orguserstest.Status(http.StatusForbidden)},
		"its users":        {Skip: 6, Effect: orguserstest.Status(http.StatusForbidden)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := orguserstest.NewServer(orguserstest.WithUsers(1000), orguserstest.WithFault(fault))
			t.Cleanup(server.Close)
			cmd := programtest.Command(t, programtest.Environment(server), "-o", "review.html")
			if result := programtest.ExpectFileKept(t, cmd, "review.html"); !strings.Contains(result.Stderr, "403") {
				t.Errorf("stderr is %q, want the answer", result.Stderr)
			}
		})
	}
}

func TestDirectoryThatIsNone(t *testing.T) {
	t.Parallel()
	server := orguserstest.NewServer()
	t.Cleanup(server.Close)
	result := programtest.Run(t, programtest.Command(t, programtest.Environment(server), "-o", "nowhere/review.html"))
	programtest.ExpectMisuse(t, result, "-o nowhere/review.html: ")
	if strings.Contains(result.Stderr, ".tmp") {
		t.Errorf("stderr is %q, want the path that was given", result.Stderr)
	}
	if requests := server.Requests(); len(requests) != 0 {
		t.Errorf("%d requests were sent, want none", len(requests))
	}
}

// A role is named or given by its uid, and its letter case does not matter.
func TestPrivilegedRole(t *testing.T) {
	t.Parallel()
	server := organization(t)
	without := map[bool]int{} // administrators without MFA, by whether the role counts
	for _, u := range server.Users() {
		admin := u.Owner || slices.ContainsFunc(u.RoleNames, func(name string) bool { return strings.EqualFold(name, "admin") })
		manager := slices.ContainsFunc(u.RoleNames, func(name string) bool { return strings.EqualFold(name, "security manager") })
		if u.Pending || u.MFA || !admin && !manager {
			continue
		}
		without[true]++
		if admin {
			without[false]++
		}
	}
	if without[true] == without[false] {
		t.Fatal("there is no security manager to find")
	}
	for role, counts := range map[string]bool{"Admin": false, "SECURITY manager": true, server.RoleUID("Security Manager"): true} {
		result := programtest.Run(t, programtest.Command(t, programtest.Environment(server), "-json", "-privileged-role", role))
		var report struct {
			Policy struct {
				PrivilegedRoles []string `json:"privileged_roles"`
			}
			Findings []struct{ Users []any }
		}
		if err := json.Unmarshal([]byte(result.Stdout), &report); err != nil {
			t.Fatalf("%v: %s", err, result.Stderr)
		}
		if got := len(report.Findings[0].Users); got != without[counts] {
			t.Errorf("with %q %d administrators have no MFA, want %d", role, got, without[counts])
		}
		if !slices.Equal(report.Policy.PrivilegedRoles, []string{role}) {
			t.Errorf("the policy says %q, want %q", report.Policy.PrivilegedRoles, role)
		}
	}
	cmd := programtest.Command(t, programtest.Environment(server), "-o", "review.html", "-privileged-role", "Admin,Pope")
	result := programtest.Run(t, cmd)
	programtest.ExpectWrongInput(t, result, `-privileged-role "Pope": there is no such organization role; there are ["`)
	programtest.ExpectFiles(t, cmd.Dir)
}

func TestInterruptLeavesNothing(t *testing.T) {
	t.Parallel()
	programtest.ExpectInterruptLeavesNothing(t, 6, "-o", "review.html", "-data", "review.json")
}

func TestBrokenPipe(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"-json"}} {
		programtest.ExpectQuietEnd(t, programtest.Command(t, nil, args...))
	}
}

func TestReadsAlone(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 5)
	programtest.Run(t, programtest.Command(t, programtest.Environment(server)))
	programtest.ExpectUntouched(t, server)
}

func TestJSON(t *testing.T) {
	t.Parallel()
	server := organization(t)
	result := programtest.Run(t, programtest.Command(t, programtest.Environment(server),
		"-json", "-not-seen-for", "100", "-pending-for", "9", "-domain", "example.com", "-domain", "example.net"))
	if result.Status != 0 {
		t.Fatalf("exit status %d: %s", result.Status, result.Stderr)
	}
	var report struct {
		Organization struct{ UID, Name string }
		TakenAt      time.Time              `json:"taken_at"`
		ReadingEnded time.Time              `json:"reading_ended"`
		ServerCount  int                    `json:"server_count"`
		MadeBy       string                 `json:"made_by"`
		MadeUp       bool                   `json:"made_up"`
		TakenBy      struct{ Email string } `json:"taken_by"`
		Totals       struct{ Users, Members, Pending int }
		Findings     []struct {
			Rule  string
			Users []struct{ Email string }
		}
		Users []struct{ Email string }
	}
	if err := json.Unmarshal([]byte(result.Stdout), &report); err != nil {
		t.Fatal(err)
	}
	if report.Organization.UID != server.OrganizationUID || report.Organization.Name != "Example Media" || report.TakenBy.Email != server.Email {
		t.Errorf("it is of %+v, by %+v", report.Organization, report.TakenBy)
	}
	if report.ServerCount != len(server.Users()) || report.ReadingEnded.Before(report.TakenAt) || report.MadeUp || !strings.HasPrefix(report.MadeBy, "accessreview ") {
		t.Errorf("the server counts %d, read from %v to %v, made by %q, made up %v", report.ServerCount, report.TakenAt, report.ReadingEnded, report.MadeBy, report.MadeUp)
	}
	want := map[string]map[string]bool{"not_seen": {}, "old_invitation": {}, "other_domain": {}}
	pending := 0
	for _, u := range server.Users() {
		if u.Pending {
			pending++
		}
		if !u.Pending && !u.LastLogin.IsZero() && daysAgo(u.LastLogin, report.TakenAt) >= 100 {
			want["not_seen"][u.Email] = true
		}
		if u.Pending && daysAgo(u.InvitedAt, report.TakenAt) >= 9 {
			want["old_invitation"][u.Email] = true
		}
		if strings.HasSuffix(u.Email, "@example.org") {
			want["other_domain"][u.Email] = true
		}
	}
	if users := len(server.Users()); report.Totals.Users != users || len(report.Users) != users || report.Totals.Pending != pending || report.Totals.Members != users-pending {
		t.Errorf("totals %+v and %d users, want %d of whom %d are pending", report.Totals, len(report.Users), users, pending)
	}
	for _, finding := range report.Findings {
		emails, checked := want[finding.Rule]
		if !checked {
			continue
		}
		for _, u := range finding.Users {
			if !emails[u.Email] {
				t.Errorf("%s finds %s", finding.Rule, u.Email)
			}
		}
		if len(finding.Users) != len(emails) || len(emails) == 0 {
			t.Errorf("%s finds %d users, want %d", finding.Rule, len(finding.Users), len(emails))
		}
		delete(want, finding.Rule)
	}
	for rule := range want {
		t.Errorf("there is no rule %s", rule)
	}
}

// organization is a fake whose past ends now.
func organization(t *testing.T, people ...orguserstest.Person) *orguserstest.Server {
	t.Helper()
	server := orguserstest.NewServer(orguserstest.WithUsers(620), orguserstest.WithPeople(people...), orguserstest.WithReferenceDate(time.Now()))
	t.Cleanup(server.Close)
	return server
}

func daysAgo(t, now time.Time) int { return int(now.Sub(t) / (24 * time.Hour)) }
