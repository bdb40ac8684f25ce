package orgusers_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// temporaryFiles is what is in the regular files that this process has open below a
// directory, removed ones too: a sort keeps its rows in such a file.
func temporaryFiles(t *testing.T, below string) (names []string, text string) {
	t.Helper()
	descriptors, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("there is no /proc/self/fd to see temporary files in")
	}
	var all strings.Builder
	for _, descriptor := range descriptors {
		link := "/proc/self/fd/" + descriptor.Name()
		name, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(name, below) {
			continue
		}
		info, err := os.Stat(link)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("a temporary file has the mode %v", info.Mode())
		}
		data, err := os.ReadFile(link)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
		all.Write(data)
	}
	return names, all.String()
}

// Temporary files and the file itself have addresses and names, and nothing
// that opens a door; nothing of them stays.
func TestFilesHoldNoSecrets(t *testing.T) {
	temporary, target := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temporary)
	server := startFake(t, orguserstest.WithUsers(3000))
	secrets := vault{"the authtoken": server.AuthToken}
	for i, user := range server.Users() {
		if user.AcceptanceToken != "" && i%50 == 0 {
			secrets[fmt.Sprintf("the acceptance token of user %d", i)] = user.AcceptanceToken
		}
	}
	spilled := 0
	_, err := fakeClient(t, server).ExportCSVFile(t.Context(), filepath.Join(target, "users.csv"), &orgusers.ExportOptions{
		MemoryBudget: 1,
		Progress: func(p orgusers.ExportProgress) {
			if p.Users%1000 != 0 {
				return
			}
			_, text := temporaryFiles(t, temporary)
			spilled += len(text)
			secrets.scan(t, "ExportCSVFile", "a temporary file", text)
		},
	})
	if err != nil || spilled == 0 {
		t.Fatalf("%d bytes were seen in temporary files, %v", spilled, err)
	}
	secrets.scan(t, "ExportCSVFile", "the file", contents(t, target))
	if left := contents(t, temporary); left != "" {
		t.Error("a temporary file was left behind")
	}
	if names, _ := temporaryFiles(t, temporary); len(names) > 0 {
		t.Errorf("%d temporary files are still open", len(names))
	}
}

// A panic in a function of the caller's passes through as it is: the package
// adds nothing to its text, and leaves no file behind.
func TestPanicsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	oops := func() { panic("the caller's own") }
	route := func(s *orguserstest.Server, decode bool) orgusers.Option {
		routes := s.Endpoints()
		if decode {
			routes.Unlock.Decode = func([]byte) ([]orgusers.Outcome, error) { oops(); return nil, nil }
		} else {
			routes.Unlock.Encode = func(orgusers.EndpointRequest) (any, error) { oops(); return nil, io.EOF }
		}
		return orgusers.WithEndpoints(routes)
	}
	export := func(opts orgusers.ExportOptions) func(*testing.T, *orgusers.Client, string) {
		return func(t *testing.T, c *orgusers.Client, path string) {
			t.Helper()
			_, _ = c.ExportCSVFile(t.Context(), path, &opts)
		}
	}
	unlock := func(t *testing.T, c *orgusers.Client, _ string) {
		t.Helper()
		_, _ = c.UnlockUsers(t.Context(), twelve(member), nil)
	}
	tests := []struct {
		name   string
		call   func(*testing.T, *orgusers.Client, string)
		decode bool
	}{
		{"Filter", export(orgusers.ExportOptions{Filter: func(*orgusers.User) bool { oops(); return true }}), false},
		{"Column.Value", export(orgusers.ExportOptions{Columns: []orgusers.Column{{Header: "a", Value: func(*orgusers.User) string { oops(); return "" }}}}), false},
		{"Progress of an export", export(orgusers.ExportOptions{Progress: func(orgusers.ExportProgress) { oops() }}), false},
		{"Progress of a bulk call", func(t *testing.T, c *orgusers.Client, _ string) {
			_, _ = c.RemoveUsers(t.Context(), twelve(member), &orgusers.BulkOptions{DryRun: true, Progress: func(int, int) { oops() }})
		}, false},
		{"Encode", unlock, false},
		{"Decode", unlock, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, orguserstest.WithPeople(crowd()...))
			_, all := vaults(server, server.AuthToken)
			client, err := orgusers.New(server.OrganizationUID, append(server.Options(), soon, route(server, tt.decode))...)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			defer func() {
				reason := recover()
				if reason != "the caller's own" {
					t.Errorf("the panic became another, a %T", reason)
				}
				all.scan(t, tt.name, "the panic", fmt.Sprintf("%v %s", reason, debug.Stack()))
				if left := contents(t, dir); left != "" {
					t.Error("a file was left behind")
				}
			}()
			tt.call(t, client, filepath.Join(dir, "users.csv"))
		})
	}
}

// callsWithUID are the calls that put a value of the caller's into a path.
var callsWithUID = map[string]func(ctx context.Context, c *orgusers.Client, uid string) error{
	"GetAuditEntry": func(ctx context.Context, c *orgusers.Client, uid string) error {
		_, err := c.GetAuditEntry(ctx, uid)
		return err
	},
	"Do": func(ctx context.Context, c *orgusers.Client, uid string) error {
		return c.Do(ctx, orgusers.Request{Path: "/things/{thing}", PathValues: map[string]string{"thing": uid}}, nil)
	},
	"ForOrganization": func(ctx context.Context, c *orgusers.Client, uid string) error {
		other, err := c.ForOrganization(uid)
		if err == nil {
			_, err = other.GetOrganization(ctx, nil)
		}
		return err
	},
	"ResendInvitation": func(ctx context.Context, c *orgusers.Client, uid string) error {
		return c.ResendInvitation(ctx, uid)
	},
}

// A uid that is no single element of a path is refused before anything is
// sent, and not repeated.
func TestUIDsThatArePaths(t *testing.T) {
	t.Parallel()
	for _, uid := range []string{"", ".", "..", "%2e%2e", "%2E%2e/", "a/b", `a\b`, "/", "a\n", "a\r\nb: c", "a\x00", "a?b", "a#b", "\x7f"} {
		s := &script{answers: []answer{good}}
		client := newClient(t, s)
		_, created := orgusers.New(uid, orgusers.WithAuthToken(token))
		refusals := map[string]error{"New": created}
		for name, call := range callsWithUID {
			refusals[name] = call(t.Context(), client, uid)
		}
		for name, err := range refusals {
			if err == nil || len(s.sent) > 0 || !strings.Contains(err.Error(), "invalid") {
				t.Errorf("%s of %q: %v after %d requests, want ErrInvalid and none", name, uid, err, len(s.sent))
			}
			if err != nil && len(uid) > 2 && strings.Contains(err.Error(), uid) {
				t.Errorf("%s repeats %q", name, uid)
			}
		}
	}
	for _, key := range []string{"", "a\nb", "a\x00", "a\r\nAuthtoken: x"} { // which is a header
		s := &script{answers: []answer{good}}
		if _, err := rows(newClient(t, s).StackRoles(t.Context(), key)); err == nil || len(s.sent) > 0 {
			t.Errorf("StackRoles of %q: %v after %d requests", key, err, len(s.sent))
		}
	}
}
