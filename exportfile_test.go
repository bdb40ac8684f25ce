package orgusers_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// content is what a directory holds: names, and what is in the files.
func content(t *testing.T, directory string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, entry := range entries {
		if entry.IsDir() {
			files[entry.Name()] = "a directory"
			continue
		}
		data, err := os.ReadFile(filepath.Join(directory, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[entry.Name()] = string(data)
	}
	return files
}

func TestExportCSVFile(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithUsers(150))
	client := fakeClient(t, server)
	want := export(t, client, nil)
	write := func(name, text string) func(*testing.T, string) {
		return func(t *testing.T, directory string) {
			t.Helper()
			if err := os.WriteFile(filepath.Join(directory, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	link := func(to string) func(*testing.T, string) {
		return func(t *testing.T, directory string) {
			t.Helper()
			write("target.csv", "old")(t, directory)
			if to == "absolute" {
				to = filepath.Join(directory, "target.csv")
			}
			if err := os.Symlink(to, filepath.Join(directory, "users.csv")); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name   string
		before func(*testing.T, string)
		want   map[string]string
		link   bool
	}{
		{"a new file", func(*testing.T, string) {}, map[string]string{"users.csv": want}, false},
		{"a file that was there", write("users.csv", "old"), map[string]string{"users.csv": want}, false},
		{"a file that was there and longer", write("users.csv", want+want), map[string]string{"users.csv": want}, false},
		{"a link", link("target.csv"), map[string]string{"users.csv": want, "target.csv": want}, true},
		{"an absolute link", link("absolute"), map[string]string{"users.csv": want, "target.csv": want}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			directory := t.TempDir()
			tt.before(t, directory)
			path := filepath.Join(directory, "users.csv")
			summary, err := client.ExportCSVFile(t.Context(), path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, content(t, directory)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if summary.Rows != 150 || summary.Bytes != int64(len(want)) {
				t.Errorf("the summary is %+v", summary)
			}
			info, err := os.Stat(path)
			if err != nil || info.Mode() != 0o600 {
				t.Errorf("the file has mode %v, %v", info.Mode(), err)
			}
			info, err = os.Lstat(path)
			if err != nil || (info.Mode()&fs.ModeSymlink != 0) != tt.link {
				t.Errorf("the path has mode %v, %v", info.Mode(), err)
			}
		})
	}
}

func TestExportCSVFileThatFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		path     string
		fault    orguserstest.Effect
		opts     orgusers.ExportOptions
		want     error
		requests bool
	}{
		{"the server fails midway", "users.csv", orguserstest.Status(500), orgusers.ExportOptions{}, orgusers.ErrServer, true},
		{"the list is not complete", "users.csv", orguserstest.EmptyPage(), orgusers.ExportOptions{}, orgusers.ErrIncomplete, true},
		{"a new file, and the server fails midway", "new.csv", orguserstest.Status(500), orgusers.ExportOptions{}, orgusers.ErrServer, true},
		{"an option is refused", "users.csv", orguserstest.Status(500), orgusers.ExportOptions{Comma: '"'}, orgusers.ErrInvalid, false},
		{"the target is a directory", "directory", orguserstest.Status(500), orgusers.ExportOptions{}, orgusers.ErrInvalid, false},
		{"the target is the directory itself", ".", orguserstest.Status(500), orgusers.ExportOptions{}, orgusers.ErrInvalid, false},

		{"the directory is missing", "missing/users.csv", orguserstest.Status(500), orgusers.ExportOptions{}, fs.ErrNotExist, false},
		{"the directory is a file", "users.csv/users.csv", orguserstest.Status(500), orgusers.ExportOptions{}, nil, false}, // which error, is the system's choice,
		{"the directory cannot be written", "locked/users.csv", orguserstest.Status(500), orgusers.ExportOptions{}, fs.ErrPermission, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, orguserstest.WithUsers(450),
				orguserstest.WithFault(orguserstest.Fault{Path: sharePath, Skip: 2, Effect: tt.fault}))
			directory := occupied(t)
			if filepath.Dir(tt.path) == "locked" && os.Geteuid() == 0 {
				t.Skip("root can write everywhere")
			}
			before := content(t, directory)
			summary, err := fakeClient(t, server).ExportCSVFile(t.Context(), filepath.Join(directory, tt.path), &tt.opts)
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) || summary == nil {
				t.Errorf("got %v and the error %v, want %v", summary, err, tt.want)
			}
			if diff := cmp.Diff(before, content(t, directory)); diff != "" {
				t.Errorf("-before +after:\n%s", diff)
			}
			if sent := len(server.Requests()) > 0; sent != tt.requests {
				t.Errorf("requests were sent: %v", sent)
			}
		})
	}
}

// occupied is a directory with a file, a directory, one that nobody can write,
// and a link.
func occupied(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	err := errors.Join(
		os.WriteFile(filepath.Join(directory, "users.csv"), []byte("old"), 0o644),
		os.Mkdir(filepath.Join(directory, "directory"), 0o755),
		os.Mkdir(filepath.Join(directory, "locked"), 0o555),
	)
	if err != nil {
		t.Fatal(err)
	}
	return directory
}

// A device would do as well, but a test that finds the guard gone would put a
// file in its place, for the whole machine.
func TestExportCSVFileToNoRegularFile(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "socket")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Skip("no socket on this system: ", err)
	}
	defer listener.Close()
	server := startFake(t)
	for _, path := range []string{"", socket} {
		if _, err := fakeClient(t, server).ExportCSVFile(t.Context(), path, nil); !errors.Is(err, orgusers.ErrInvalid) {
			t.Errorf("%q: got the error %v, want ErrInvalid", path, err)
		}
	}
	if got := len(server.Requests()); got != 0 {
		t.Errorf("%d requests were sent", got)
	}
	if info, err := os.Stat(socket); err != nil || info.Mode().Type() != fs.ModeSocket {
		t.Errorf("the socket has become %v, %v", info, err)
	}
}

func TestExportCSVFileCancelled(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithUsers(3000))
	client := fakeClient(t, server)
	for name, stop := range midway {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			directory := occupied(t)
			before := content(t, directory)
			_, err := client.ExportCSVFile(ctx, filepath.Join(directory, "users.csv"), &orgusers.ExportOptions{Progress: func(p orgusers.ExportProgress) {
				if stop(p) {
					cancel()
				}
			}})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got the error %v, want it cancelled", err)
			}
			if diff := cmp.Diff(before, content(t, directory)); diff != "" {
				t.Errorf("-before +after:\n%s", diff)
			}
		})
	}
}

func TestExportCSVFileWhereTheCallerPanics(t *testing.T) {
	t.Parallel()
	client := fakeClient(t, startFake(t))
	for name, opts := range map[string]*orgusers.ExportOptions{
		"the filter":   {Filter: func(*orgusers.User) bool { return panics() }},
		"a column":     {Columns: []orgusers.Column{{Header: "a", Value: func(*orgusers.User) string { panic("a column") }}}},
		"the progress": {Progress: func(orgusers.ExportProgress) { panics() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := occupied(t)
			before := content(t, directory)
			func() {
				defer func() {
					if recover() == nil {
						t.Error("the panic did not come through")
					}
				}()
				_, _ = client.ExportCSVFile(t.Context(), filepath.Join(directory, "users.csv"), opts)
			}()
			if diff := cmp.Diff(before, content(t, directory)); diff != "" {
				t.Errorf("-before +after:\n%s", diff)
			}
		})
	}
}
