// Package interop proves that the vendor's own programs get along with the fake:
// the official JavaScript SDK and the exporter of the command line tool.
package interop

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// folder has the installed packages. It exists until all tests have run.
var folder string

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "interop"); err != nil {
		panic(err)
	}
	status := m.Run()
	_ = os.RemoveAll(folder) // nothing can be done about it
	os.Exit(status)
}

// install installs the pinned packages, once for all tests.
var install = sync.OnceValue(func() error {
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			return err
		}
	}
	for _, name := range []string{"package.json", "package-lock.json", "sdk.mjs", "loopback.cjs"} {
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = folder
	if out, err := npm.CombinedOutput(); err != nil {
		return errors.New("npm cannot install the packages: " + err.Error() + ": " + string(out))
	}
	return nil
})

// installed skips the test if the packages cannot be installed on this machine.
func installed(t *testing.T) {
	t.Helper()
	if err := install(); err != nil {
		t.Skip(err)
	}
}

// everyRequestPassed checks that the server knew every request.
func everyRequestPassed(t *testing.T, server *orguserstest.Server) {
	t.Helper()
	for _, r := range server.Requests() {
		if r.Operation == "" || r.Status >= 300 {
			t.Errorf("%s %s: %d", r.Method, r.Path, r.Status)
		}
	}
}

func TestJavaScriptSDK(t *testing.T) {
	t.Parallel()
	installed(t)
	server := orguserstest.NewServer(
		orguserstest.WithUsers(50),
		orguserstest.WithTeams(orguserstest.Team{Name: "Editors", Roles: []string{"Member"}}),
	)
	defer server.Close()

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	node := exec.CommandContext(ctx, "node", "sdk.mjs",
		server.URL, server.OrganizationUID, server.Email, orguserstest.Password, server.Stacks()[0].APIKey)
	node.Dir = folder
	out, err := node.CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "\nlogout\n") {
		t.Fatalf("%v: %s", err, out)
	}
	var kinds []string
	for _, email := range server.Outbox() {
		kinds = append(kinds, string(email.Kind))
	}
	if want := []string{"password reset", "invitation", "resent invitation", "stack shared"}; !slices.Equal(kinds, want) {
		t.Errorf("the outbox has %q, want %q", kinds, want)
	}
	everyRequestPassed(t, server)
}

// The exporter of the vendor's command line tool writes the same users as ours.
func TestExporter(t *testing.T) {
	t.Parallel()
	installed(t)
	server := orguserstest.NewUnstartedServer(orguserstest.WithUsers(90))
	overTLS := httptest.NewTLSServer(server)
	defer overTLS.Close()

	home := t.TempDir()
	write(t, filepath.Join(home, "ca.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: overTLS.Certificate().Raw}))
	url := strings.Replace(overTLS.URL, "127.0.0.1", "example.com", 1) // the name in the certificate
	config, err := json.Marshal(map[string]any{
		"authorisationType": "BASIC", "authtoken": server.AuthToken, "email": server.Email,
		"region": map[string]string{"name": "fake", "cma": url, "cda": url, "uiHost": url},
	})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(home, "contentstack_cli.json"), config)

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	exporter := exec.CommandContext(ctx, "node", filepath.Join(folder, "node_modules", "@contentstack", "cli-cm-export-to-csv", "bin", "run.js"),
		"cm:export-to-csv", "--action", "users", "--org", server.OrganizationUID, "--org-name", "fake")
	exporter.Dir = home
	exporter.Env = append(os.Environ(), "HOME="+home, "TZ=UTC", "ENCRYPT_CONF=false", "CS_CLI_CONFIG_PATH="+home,
		"NODE_EXTRA_CA_CERTS="+filepath.Join(home, "ca.pem"), "NODE_OPTIONS=--require="+filepath.Join(folder, "loopback.cjs"))
	out, err := exporter.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	theirs, err := os.ReadFile(filepath.Join(home, "data", "fake_users_export.csv"))
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if strings.Contains(string(theirs), "NaN") {
		t.Error("the export has NaN")
	}

	client, err := orgusers.New(server.OrganizationUID, server.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	var ours strings.Builder
	if _, err := client.ExportCSV(t.Context(), &ours, &orgusers.ExportOptions{Columns: orgusers.CSDXColumns()}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rows(t, ours.String()), rows(t, string(theirs))); diff != "" {
		t.Errorf("-ours +theirs: %s", diff)
	}
	everyRequestPassed(t, server)
}

// rows returns the records of a file, sorted.
func rows(t *testing.T, text string) [][]string {
	t.Helper()
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(records, slices.Compare)
	return records
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
