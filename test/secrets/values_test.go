package secrets_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
	"github.com/orgusers/orgusers/test/operations"
)

// Nothing prints, logs or encodes a credential of a value that has one.
func TestValuesHideCredentials(t *testing.T) {
	t.Parallel()
	const token = "blt00c0ffee00c0ffee"
	v := vault{"the token": token, "the password": password, "the MFA code": mfaCode, "the address": "ada@example.com"}
	answer := always(200, map[string]any{"user": map[string]string{"uid": "blt1", "authtoken": token}})
	credentials := orgusers.Credentials{Email: "ada@example.com", Password: password, MFACode: mfaCode}
	session, err := orgusers.Login(t.Context(), credentials, orgusers.WithHTTPClient(&http.Client{Transport: answer}))
	if err != nil || session.AuthToken() != token {
		t.Fatalf("the login failed: %v", err)
	}
	signed, source := orgusers.WithAuthToken(token), orgusers.WithTokenSource(tokens(token))
	client, err := orgusers.New("blt1", signed)
	if err != nil {
		t.Fatal(err)
	}
	withSource, err := orgusers.New("blt1", source)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []any{
		client, *client, withSource, *withSource, signed, source, credentials, &credentials, session, *session,
		struct{ C orgusers.Credentials }{credentials},
		struct{ S *orgusers.Session }{session},
		map[string]any{"a": *session, "b": credentials},
	} {
		v.scanValue(t, "a value", fmt.Sprintf("a %T", value), value)
	}
	for _, value := range []any{client, session, signed} {
		v.scanDeep(t, "a value", fmt.Sprintf("a %T", value), value)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// always responds to every request alike.
func always(status int, body any) roundTripper {
	return func(r *http.Request) (*http.Response, error) { return respond(r, status, body, nil), nil }
}

// The errors of a login have no text of the server, which may repeat a part of the
// credentials.
func TestLoginShowsNoServerText(t *testing.T) {
	t.Parallel()
	const text = "canary"
	v := vault{"a text of the server": text}
	for _, code := range []int{200, 400, 401, 403, 404, 422, 429, 500, 503} {
		for _, errorCode := range []int{0, 104, 105, 294, 295} {
			for _, body := range []any{
				text,
				map[string]any{"error_message": text, "error_code": errorCode, "tfa_type": text + " 1", "errors": map[string]any{text: []string{text}}},
				map[string]any{"message": text + " locked", "error_code": errorCode, "user": map[string]any{"uid": []string{text}, text: text}},
			} {
				session, err := orgusers.Login(t.Context(), orgusers.Credentials{Email: "ada@example.com", Password: password},
					orgusers.WithHTTPClient(&http.Client{Transport: always(code, body)}), orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 1}))
				where := fmt.Sprintf("status %d, code %d", code, errorCode)
				if failure, ok := errors.AsType[*orgusers.Error](err); !ok || session != nil || failure.StatusCode != code || failure.Message == "" {
					t.Errorf("%s: the login succeeds, or has another error", where)
				}
				v.scanError(t, where, err)
				v.scanDeep(t, where, "the error", err)
			}
		}
	}
}

// A panic of the caller's function is not changed, has no secrets, and leaves the file as
// it was.
func TestPanicsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	stop := func() { panic("the caller's own") }
	tests := []struct {
		name     string
		export   *orgusers.ExportOptions // nil: a bulk call
		bulk     orgusers.BulkOptions
		endpoint func(*orgusers.Endpoint)
	}{
		{name: "Filter", export: &orgusers.ExportOptions{Filter: func(*orgusers.User) bool { stop(); return true }}},
		{name: "Column.Value", export: &orgusers.ExportOptions{Columns: []orgusers.Column{{Header: "a", Value: func(*orgusers.User) string { stop(); return "" }}}}},
		{name: "Progress of an export", export: &orgusers.ExportOptions{Progress: func(orgusers.ExportProgress) { stop() }}},
		{name: "Progress of a bulk call", bulk: orgusers.BulkOptions{DryRun: true, Progress: func(int, int) { stop() }}},
		{name: "Encode", endpoint: func(e *orgusers.Endpoint) {
			e.Encode = func(orgusers.EndpointRequest) (any, error) { stop(); return "", nil }
		}},
		{name: "Decode", endpoint: func(e *orgusers.Endpoint) {
			e.Decode = func([]byte) ([]orgusers.Outcome, error) { stop(); return nil, nil }
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fake := orguserstest.NewUnstartedServer(orguserstest.WithPeople(operations.Crowd()...))
			defer fake.Close()
			_, all := vaultsOf(fake, fake.AuthToken)
			endpoints := fake.Endpoints()
			if tt.endpoint != nil {
				tt.endpoint(&endpoints.Unlock)
			}
			client, err := orgusers.New(fake.OrganizationUID, append(fake.Options(), orgusers.WithEndpoints(endpoints))...)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			path := filepath.Join(dir, "users.csv")
			if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			defer func() {
				reason := recover()
				if reason != "the caller's own" || contents(t, dir) != "users.csv\nold\n" {
					t.Errorf("the panic is a %T, or the file has changed", reason)
				}
				all.scan(t, tt.name, "the panic", fmt.Sprintf("%v %s", reason, debug.Stack()))
			}()
			if tt.export != nil {
				_, _ = client.ExportCSVFile(t.Context(), path, tt.export)
			} else {
				_, _ = client.UnlockUsers(t.Context(), operations.Twelve(operations.Member), &tt.bulk)
			}
		})
	}
}

// Temporary files and the file itself have addresses and names, but no secrets. No
// temporary file is left.
func TestFilesHoldNoSecrets(t *testing.T) {
	temporary, target := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temporary)
	fake := orguserstest.NewUnstartedServer(orguserstest.WithUsers(3000))
	defer fake.Close()
	secrets := vault{"the authtoken": fake.AuthToken}
	for i, user := range fake.Users() {
		if user.AcceptanceToken != "" && i%500 == 0 {
			secrets[fmt.Sprintf("the acceptance token of user %d", i)] = user.AcceptanceToken
		}
	}
	client, err := orgusers.New(fake.OrganizationUID, append(fake.Options(), orgusers.WithRateLimits(orgusers.RateLimits{Reads: 1e4}))...)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	_, err = client.ExportCSVFile(t.Context(), filepath.Join(target, "users.csv"), &orgusers.ExportOptions{
		MemoryBudget: 1,
		Progress: func(p orgusers.ExportProgress) {
			if p.Users%1000 == 0 {
				text := openFiles(t, temporary)
				seen += len(text)
				secrets.scan(t, "ExportCSVFile", "a temporary file", text)
			}
		},
	})
	if err != nil || seen == 0 {
		t.Fatalf("%d bytes were seen in temporary files, %v", seen, err)
	}
	secrets.scan(t, "ExportCSVFile", "the file", contents(t, target))
	if contents(t, temporary) != "" || openFiles(t, temporary) != "" {
		t.Error("a temporary file was left")
	}
}

// openFiles returns the contents of the files below a directory that this
// process has open, removed ones too: a sort keeps its rows in such a file.
func openFiles(t *testing.T, directory string) string {
	t.Helper()
	descriptors, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("open files cannot be read without /proc/self/fd")
	}
	var all strings.Builder
	for _, descriptor := range descriptors {
		link := "/proc/self/fd/" + descriptor.Name()
		if name, err := os.Readlink(link); err == nil && strings.HasPrefix(name, directory) {
			data, _ := os.ReadFile(link) // fails for a directory
			all.Write(data)
		}
	}
	return all.String()
}

// contents returns the names and contents of all files in a directory.
func contents(t *testing.T, directory string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(directory, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(&all, "%s\n%s\n", entry.Name(), data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
