package secrets_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/orgusers/orgusers"
)

const (
	// proxyVariable has the base URLs for the process that TestEnvironmentProxy starts:
	// net/http reads the environment's proxy once in each process.
	proxyVariable = "ORGUSERS_TEST_PROXY_BASE_URLS"
	proxyToken    = "blt00c0ffee00c0ffee"
)

// The default client asks the environment's proxy for a tunnel to a service, and sends
// it nothing else. It reaches loopback without the proxy.
func TestEnvironmentProxy(t *testing.T) {
	t.Parallel()
	if bases := strings.Fields(os.Getenv(proxyVariable)); len(bases) > 0 {
		for _, base := range bases {
			callThroughProxy(t, base)
		}
		return
	}
	loopback := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authtoken") != proxyToken {
			t.Errorf("%s came without the token", r.URL)
		}
		_, _ = io.WriteString(w, `{"organization":{"uid":"blt1"}}`)
	}))
	defer loopback.Close()
	_, port, _ := net.SplitHostPort(loopback.Listener.Addr().String())
	for _, tt := range []struct{ name, bases, first string }{
		{"a service", "https://example.com", "CONNECT example.com:443"},
		{"loopback, by number and by name", loopback.URL + " http://localhost:" + port + " http://LOCALHOST:" + port, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var mu sync.Mutex
			var seen bytes.Buffer
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				_ = r.Write(&seen)
				w.WriteHeader(http.StatusBadGateway)
			}))
			defer proxy.Close()
			self := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEnvironmentProxy$")
			for _, variable := range os.Environ() {
				if name, _, _ := strings.Cut(variable, "="); !strings.HasSuffix(strings.ToLower(name), "_proxy") {
					self.Env = append(self.Env, variable)
				}
			}
			self.Env = append(self.Env, proxyVariable+"="+tt.bases, "HTTPS_PROXY="+proxy.URL, "HTTP_PROXY="+proxy.URL)
			if output, err := self.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, bytes.ReplaceAll(output, []byte(proxyToken), []byte("[the token]")))
			}
			mu.Lock()
			defer mu.Unlock()
			if !strings.HasPrefix(seen.String(), tt.first) || (seen.Len() > 0) != (tt.first != "") {
				t.Errorf("the proxy got %d bytes, want %q first", seen.Len(), tt.first)
			}
			vault{"the token": proxyToken}.scan(t, tt.name, "what the proxy got", seen.String())
		})
	}
}

// callThroughProxy sends one request. The proxy refuses the tunnel to a service.
func callThroughProxy(t *testing.T, base string) {
	t.Helper()
	client, err := orgusers.New("blt1", orgusers.WithBaseURL(base), orgusers.WithAuthToken(proxyToken),
		orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetOrganization(t.Context(), nil); (err != nil) != strings.HasPrefix(base, "https:") {
		t.Fatal(err)
	}
}
