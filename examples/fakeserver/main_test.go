package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/orgusers/orgusers/examples/internal/programtest"
)

func TestMain(m *testing.M) { programtest.Main(m, main) }

// running is a server that has said that it is ready.
type running struct {
	environment []string // the lines that it said it with
	stop        func(os.Signal) (status int)
}

func start(t *testing.T, args ...string) running {
	t.Helper()
	cmd := programtest.Command(t, nil, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	var server running
	wanted := 3
	if slices.Contains(args, "-json") {
		wanted = 1
	}
	for len(server.environment) < wanted {
		if !lines.Scan() {
			t.Fatalf("only %q on stdout: %v; %s", server.environment, lines.Err(), stderr.String())
		}
		server.environment = append(server.environment, lines.Text())
	}
	server.stop = func(signal os.Signal) int {
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if more, err := io.ReadAll(stdout); err != nil || len(more) > 0 {
			t.Errorf("more on stdout: %q, %v", more, err)
		}
		return programtest.Status(t, cmd.Wait())
	}
	return server
}

func (r running) value(name string) string {
	for _, line := range r.environment {
		if value, found := strings.CutPrefix(line, name+"="); found {
			return value
		}
	}
	return ""
}

func (r running) get(t *testing.T, query string) string {
	t.Helper()
	url := r.value("CONTENTSTACK_BASE_URL") + "/v3/organizations/" + r.value("CONTENTSTACK_ORGANIZATION_UID") + "/share?asc=created_at&" + query
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("authtoken", r.value("CONTENTSTACK_AUTHTOKEN"))
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", response.Status, body, err)
	}
	return string(body)
}

func TestLinesAndSignals(t *testing.T) {
	t.Parallel()
	want := regexp.MustCompile(`^CONTENTSTACK_BASE_URL=http://127\.0\.0\.1:[0-9]+
CONTENTSTACK_ORGANIZATION_UID=[a-z0-9_]+
CONTENTSTACK_AUTHTOKEN=[a-z0-9_]+$`)
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		server := start(t, "-users", "20")
		if got := strings.Join(server.environment, "\n"); !want.MatchString(got) {
			t.Errorf("stdout is %q, want %v", got, want)
		}
		if status := server.stop(signal); status != 0 {
			t.Errorf("exit status %d after %v, want 0", status, signal)
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	server := start(t, "-users", "20", "-json")
	var place map[string]string
	if err := json.Unmarshal([]byte(server.environment[0]), &place); err != nil || len(place) != 3 {
		t.Fatalf("%q: %v", server.environment[0], err)
	}
	server.environment = []string{
		"CONTENTSTACK_BASE_URL=" + place["base_url"],
		"CONTENTSTACK_ORGANIZATION_UID=" + place["organization_uid"],
		"CONTENTSTACK_AUTHTOKEN=" + place["authtoken"],
	}
	if body := server.get(t, "limit=100"); !strings.Contains(body, "shares") {
		t.Errorf("it answers %s", body)
	}
	if status := server.stop(os.Interrupt); status != 0 { // and there is no more on stdout
		t.Errorf("exit status %d, want 0", status)
	}
}

func TestExportRunsAgainstIt(t *testing.T) {
	t.Parallel()
	server := start(t, "-users", "321", "-rate", "0")
	result := programtest.Run(t, programtest.Build(t, "../export", server.environment, "-columns", "email"))
	if rows := strings.Count(result.Stdout, "\n"); result.Status != 0 || rows != 322 {
		t.Errorf("exit status %d and %d lines, want 0 and 322: %s", result.Status, rows, result.Stderr)
	}
	place := server.value("CONTENTSTACK_BASE_URL")
	if !strings.Contains(result.Stderr, "using the organization "+server.value("CONTENTSTACK_ORGANIZATION_UID")+" at "+place) {
		t.Errorf("stderr does not say whom it talks to: %q", result.Stderr)
	}
	if status := server.stop(os.Interrupt); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
}

func TestHelpHasRoutesForUnlock(t *testing.T) {
	t.Parallel()
	help := programtest.Run(t, programtest.Command(t, nil, "-h")).Stdout
	_, after, _ := strings.Cut(help, "\n{\n")
	routes, _, found := strings.Cut(after, "\n}\n")
	if !found {
		t.Fatalf("-h has no routes:\n%s", help)
	}
	server := start(t, "-users", "20", "-rate", "0")
	unlock := programtest.Build(t, "../unlock", server.environment, "-unlock", "-reset-mfa", "-force-password-reset", "-end-sessions",
		"-email", "arjun.cohen@example.com", "-routes", "routes.json", "-apply")
	if err := os.WriteFile(filepath.Join(unlock.Dir, "routes.json"), []byte("{\n"+routes+"\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	result := programtest.Run(t, unlock)
	if got := strings.Count(result.Stdout, "  done\n"); result.Status != 0 || got < 2 {
		t.Errorf("exit status %d, %d done, want 2 or more: %s%s", result.Status, got, result.Stdout, result.Stderr)
	}
	if status := server.stop(os.Interrupt); status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
}

func TestSeedPicksOrganization(t *testing.T) {
	t.Parallel()
	var bodies []string
	for _, seed := range []string{"1", "1", "2"} {
		server := start(t, "-seed", seed)
		body := server.get(t, "include_user_details=true")
		bodies = append(bodies, body)
		server.stop(os.Interrupt)
	}
	if bodies[0] != bodies[1] {
		t.Error("the same seed made up two organizations")
	}
	if bodies[0] == bodies[2] {
		t.Error("two seeds made up the same organization")
	}
}

func TestUsersAndRate(t *testing.T) {
	t.Parallel()
	server := start(t, "-users", "77", "-rate", "5", "-latency", "1ms")
	body := server.get(t, "include_count=true&limit=1")
	var page struct {
		Count int `json:"count"`
	}
	if err := json.Unmarshal([]byte(body), &page); err != nil || page.Count != 77 {
		t.Errorf("the count is %d (%v), want 77", page.Count, err)
	}
	server.stop(os.Interrupt)
}

func TestMisuse(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-users", "0"},
		{"-rate", "-1"},
		{"-latency", "-1s"},
		{"-latency", "200"},
		{"-seed", "-1"},
		{"-addr", "8080"},
		{"-addr", ":8080"},
		{"-addr", "0.0.0.0:8080"},
		{"-addr", "192.0.2.1:8080"},
		{"-addr", "example.com:8080"},
		{"argument"},
	} {
		result := programtest.Run(t, programtest.Command(t, nil, args...))
		if args[0] == "-latency" && !strings.Contains(result.Stderr, "it is a time") {
			t.Errorf("%q: stderr is %q", args, result.Stderr)
		}
		if result.Status != 2 || result.Stdout != "" || !strings.Contains(result.Stderr, "fakeserver -h") {
			t.Errorf("%q: exit status %d, stdout %q, stderr %q, want 2 and where help is", args, result.Status, result.Stdout, result.Stderr)
		}
	}
}

func TestAddressInUse(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	result := programtest.Run(t, programtest.Command(t, nil, "-addr", taken.Addr().String()))
	if result.Status != 1 || result.Stdout != "" || !strings.Contains(result.Stderr, "in use") {
		t.Errorf("exit status %d, stdout %q, stderr %q, want 1 and the reason", result.Status, result.Stdout, result.Stderr)
	}
}

func TestOnLoopback(t *testing.T) {
	t.Parallel()
	addresses := []string{"127.0.0.1:0", "127.9.9.9:80", "[::1]:0", "localhost:8080"}
	if i := slices.IndexFunc(addresses, func(addr string) bool { return !onLoopback(addr) }); i >= 0 {
		t.Errorf("%s is refused", addresses[i])
	}
}
