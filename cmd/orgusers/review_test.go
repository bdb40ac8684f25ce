package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orgusers/orgusers/orguserstest"
)

func TestReviewMisuse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"CSV":                       {[]string{"--output", "csv"}, "the review is a page of HTML, or JSON"},
		"a directory":               {[]string{"-o", "."}, "--output-file .: not a regular file"},
		"data that are a directory": {[]string{"--data", "."}, "--data .: not a regular file"},
		"no directory":              {[]string{"-o", "nowhere/review.html"}, "--output-file nowhere/review.html: no file can be created in its directory: no such file"},
		"data in the page":          {[]string{"-o", "review.html", "--data", "./review.html"}, "--data ./review.html: is the file of --output-file"},
		"data next to JSON":         {[]string{"--output", "json", "--data", "review.json"}, "leave out that or --output json"},
		"no days":                   {[]string{"--not-seen-for", "0"}, "--not-seen-for 0: want a number of days"},
		"too many days":             {[]string{"--pending-for", "36501"}, "--pending-for 36501"},
		"an empty domain":           {[]string{"--domain", "example.com,"}, `--domain ""`},
		"an address":                {[]string{"--domain", "@example.com"}, `--domain "@example.com"`},
		"an unknown role":           {[]string{"--privileged-role", "Member,Pope", "-o", "review.html"}, `--privileged-role "Pope": the organization has no such role; it has ["`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newTeam(t, 1)
			cmd := command(t, environment(server), append([]string{"review"}, test.args...)...)
			result := run(t, cmd)
			result.expect(t, 2, test.says)
			if expectFiles(t, cmd); result.stdout != "" || len(server.Requests()) > 0 && name != "an unknown role" {
				t.Errorf("stdout %q, requests %v", result.stdout, server.Requests())
			}
		})
	}
}

// The page has the SHA-256 of the JSON of the same data.
func TestReviewFiles(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 40)
	cmd := command(t, environment(server), "review", "-o", "link.html", "--data", "review.json")
	if err := os.WriteFile(filepath.Join(cmd.Dir, "review.html"), []byte("before"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("review.html", filepath.Join(cmd.Dir, "link.html")); err != nil {
		t.Fatal(err)
	}
	result := run(t, cmd)
	result.expect(t, 0, "43 users, 1 of them pending; ", "; to link.html")
	expectFiles(t, cmd, "link.html", "review.html", "review.json")
	expectUntouched(t, server)
	page, data := readPrivate(t, cmd.Dir, "review.html"), readPrivate(t, cmd.Dir, "review.json")
	if sum := fmt.Sprintf("SHA-256 %x", sha256.Sum256(data)); bytes.Count(page, []byte(sum)) != 2 || result.stdout != "" {
		t.Errorf("the page has the SHA-256 of the data %d times, want it in the head and at the signature", bytes.Count(page, []byte(sum)))
	}
	if !bytes.HasPrefix(page, []byte("<!DOCTYPE html>\n")) || !bytes.Contains(data, []byte(`"organization": "`+server.OrganizationUID)) {
		t.Errorf("the page begins with %.20s, and the data are %.200s", page, data)
	}
}

// readPrivate reads a file that only its owner may read.
func readPrivate(t *testing.T, directory, name string) []byte {
	t.Helper()
	path := filepath.Join(directory, name)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%s: mode %v (%v), want 0600", name, info.Mode(), err)
	}
	return text
}

func TestReviewOfAStackThatCannotBeRead(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 2)
	server.AddFault(orguserstest.Fault{Path: "/v3/roles", Effect: orguserstest.Status(http.StatusForbidden)})
	cmd := command(t, environment(server), "review", "-o", "review.html", "--data", "review.json")
	if err := os.WriteFile(filepath.Join(cmd.Dir, "review.html"), []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, cmd).expect(t, 1, `the roles of stack "`, "--allow-unread can continue")
	if expectFiles(t, cmd, "review.html"); string(readPrivate(t, cmd.Dir, "review.html")) != "before" {
		t.Error("the file of before is not as it was")
	}
	cmd = command(t, environment(server), "review", "-o", "review.html", "--allow-unread")
	run(t, cmd).expect(t, 0)
	if page := readPrivate(t, cmd.Dir, "review.html"); !bytes.Contains(page, []byte("could not be read, so access to them is not on this page: <bdi>")) {
		t.Error("the page does not name the stacks")
	}
}

func TestReviewJSON(t *testing.T) {
	t.Parallel()
	server := newTeam(t, 3)
	result := runOn(t, server, "review", "--output", "json", "--domain", "example.com", "--domain", "example.net", "--privileged-role", "member")
	result.expect(t, 0, "6 users")
	report, _ := result.document(t)["review"].(map[string]any)
	totals := fmt.Sprint(report["totals"], report["server_count"], report["policy"])
	if want := "map[administrators:5 members:5 mfa_on:3 pending:1 users:6 with_findings:6] 6 " +
		"map[administrator_not_seen_for_days:90 domains:[example.com example.net] never_logged_in_for_days:30 not_seen_for_days:365 pending_for_days:30 privileged_roles:[member]]"; totals != want {
		t.Errorf("the review has\n%s\nwant\n%s", totals, want)
	}
	run(t, command(t, nil, "review", "--fake", "--output", "json")).expect(t, 0, `"fake": true`)
}

func TestReviewOnStdout(t *testing.T) {
	t.Parallel()
	result := run(t, command(t, nil, "review", "--fake"))
	if got := strings.Count(strings.ToLower(result.stdout), "made-up users"); result.status != 0 || got != 3 { // in the title, above the name, below it
		t.Errorf("exit status %d; the page says %d times that its users are made up, want 3", result.status, got)
	}
	cmd := command(t, nil, "review", "--fake")
	pipe(t, cmd)
	run(t, cmd).expect(t, 141)
}
