package orgusers_test

import (
	"bytes"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/orgusers/orgusers"
)

// proxyVariable holds the base URL for the process that TestEnvironmentProxy
// starts: net/http reads the environment's proxy once for each process.
const proxyVariable = "ORGUSERS_TEST_PROXY_BASE_URL"

// recorder is a proxy for CONNECT that keeps all it sees on its way to a server.
type recorder struct {
	t        *testing.T
	to       string
	seen     lockedBuffer
	connects atomic.Int64
}

func (p *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.Write(&p.seen)
	if r.Method != http.MethodConnect {
		p.t.Errorf("the proxy got %s in the clear", r.Method)
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	p.connects.Add(1)
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		p.t.Error(err)
		return
	}
	client, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		p.t.Error(err)
		return
	}
	_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		_, _ = io.Copy(server, io.TeeReader(client, &p.seen))
		_ = server.Close()
	}()
	_, _ = io.Copy(client, io.TeeReader(server, &p.seen))
	_ = client.Close()
}

// The default client goes through the environment's proxy to a service, by a
// tunnel in which the proxy sees nothing; and to loopback past it.
func TestEnvironmentProxy(t *testing.T) {
	t.Parallel()
	if base := os.Getenv(proxyVariable); base != "" {
		callThroughProxy(t, base)
		return
	}
	if runtime.GOOS != "linux" {
		t.Skip("a certificate can be trusted through the environment on Linux")
	}
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authtoken") != token {
			t.Errorf("%s came without the token", r.URL)
		}
		_, _ = w.Write([]byte(`{"organization":{"uid":"blt1"}}`))
	})
	service := httptest.NewTLSServer(answer)
	defer service.Close()
	loopback := httptest.NewServer(answer)
	defer loopback.Close()
	certificate := filepath.Join(t.TempDir(), "service.pem")
	if err := os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: service.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(loopback.Listener.Addr().String())

	for _, tt := range []struct {
		name, base string
		tunnels    bool
	}{
		{"a service", "https://example.com", true}, // for which httptest's certificate is good
		{"loopback by number", loopback.URL, false},
		{"loopback by name", "http://localhost:" + port, false},
		{"loopback by name in capitals", "http://LOCALHOST:" + port, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proxy := &recorder{t: t, to: service.Listener.Addr().String()}
			listening := httptest.NewServer(proxy)
			defer listening.Close()
			self := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEnvironmentProxy$")
			for _, variable := range os.Environ() {
				if name, _, _ := strings.Cut(variable, "="); !strings.HasSuffix(strings.ToLower(name), "_proxy") {
					self.Env = append(self.Env, variable)
				}
			}
			self.Env = append(self.Env, proxyVariable+"="+tt.base, "SSL_CERT_FILE="+certificate,
				"HTTPS_PROXY="+listening.URL, "HTTP_PROXY="+listening.URL)
			if output, err := self.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, bytes.ReplaceAll(output, []byte(token), []byte("[the token]")))
			}
			if tunnelled := proxy.connects.Load() > 0; tunnelled != tt.tunnels {
				t.Errorf("a tunnel through the proxy: %v, want %v", tunnelled, tt.tunnels)
			}
			vault{"the authtoken": token}.scan(t, tt.name, "what the proxy saw", proxy.seen.String())
		})
	}
}

func callThroughProxy(t *testing.T, base string) {
	t.Helper()
	client, err := orgusers.New("blt1", orgusers.WithBaseURL(base), orgusers.WithAuthToken(token),
		orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetOrganization(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}
