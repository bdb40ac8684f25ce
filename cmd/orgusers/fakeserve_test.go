package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// serve starts fake serve and returns its command when it is ready, with the
// first line of its stdout.
func serve(t *testing.T, args ...string) (cmd *exec.Cmd, stdout *bufio.Reader) {
	t.Helper()
	cmd = command(t, nil, append([]string{"fake", "serve"}, args...)...)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewReader(pipe)
}

func TestFakeServe(t *testing.T) {
	t.Parallel()
	cmd, stdout := serve(t, "--users", "30", "--output", "json")
	var place struct {
		BaseURL      string `json:"base_url"`
		Organization string
		AuthToken    string
		Fake         bool
	}
	if err := json.NewDecoder(stdout).Decode(&place); err != nil || !place.Fake {
		t.Fatal(place, err)
	}
	run(t, command(t, []string{"CONTENTSTACK_BASE_URL=" + place.BaseURL, "CONTENTSTACK_AUTHTOKEN=" + place.AuthToken, "CONTENTSTACK_ORGANIZATION_UID=" + place.Organization}, "doctor")).
		expect(t, 0, "30 users, with invitations")
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if status := exitCode(t, cmd.Wait()); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

func TestFakeServeLines(t *testing.T) {
	t.Parallel()
	cmd, stdout := serve(t)
	line, err := stdout.ReadString('\n')
	if !strings.HasPrefix(line, "CONTENTSTACK_BASE_URL=http://127.0.0.1:") {
		t.Errorf("the first line is %q (%v)", line, err)
	}
	port := line[strings.LastIndex(line, ":")+1 : len(line)-1]
	run(t, command(t, nil, "fake", "serve", "--addr", "127.0.0.1:"+port)).expect(t, 2, "address already in use")
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

func TestFakeServeMisuse(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--addr", ":8080"}, {"--addr", "0.0.0.0:0"}, {"--addr", "example.com:80"}, {"--users", "0"}, {"--rate", "-1"}, {"--latency", "-1s"}} {
		run(t, command(t, nil, append([]string{"fake", "serve"}, args...)...)).expect(t, 2, args[0])
	}
}
