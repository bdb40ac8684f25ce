package orgusers_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// stubbornWriter takes so many bytes and then fails.
type stubbornWriter struct {
	left int
	err  error // nil: it just writes less
	took bytes.Buffer
}

func (w *stubbornWriter) Write(p []byte) (int, error) {
	n := min(len(p), w.left)
	w.left -= n
	w.took.Write(p[:n])
	if n < len(p) {
		return n, w.err
	}
	return n, nil
}

func TestExportToAWriterThatFails(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithUsers(700))
	client := fakeClient(t, server)
	opts := &orgusers.ExportOptions{BOM: true}
	whole := export(t, client, opts)
	full := errors.New("no space left")
	for _, failure := range []error{full, nil} {
		for _, room := range []int{0, 2, 10, 150, 5000, 32 << 10, 40_000, 70_001, len(whole) - 1} {
			t.Run(fmt.Sprintf("%d bytes, then %v", room, failure), func(t *testing.T) {
				t.Parallel()
				w := &stubbornWriter{left: room, err: failure}
				summary, err := client.ExportCSV(t.Context(), w, opts)
				want := failure
				if want == nil {
					want = io.ErrShortWrite
				}
				if !errors.Is(err, want) {
					t.Errorf("got the error %v, want %v", err, want)
				}
				taken := w.took.String()
				if !strings.HasPrefix(whole, taken) {
					t.Error("what was written is not the beginning of the file")
				}
				// A row ends where the file up to there can be read and the next
				// byte begins a row.
				rows := wholeRows(t, whole, len(taken))
				if summary.Rows != rows || summary.Bytes != int64(len(taken)) || summary.Users != 700 {
					t.Errorf("%d rows and %d bytes of %d users, want %d rows and %d bytes of 700", summary.Rows, summary.Bytes, summary.Users, rows, len(taken))
				}
				if !strings.Contains(err.Error(), fmt.Sprintf("only %d of 700 rows", rows)) {
					t.Errorf("the error does not say that %d of 700 rows were written: %v", rows, err)
				}
			})
		}
	}
}

// wholeRows counts the rows, but for the header, that are complete within the
// first bytes of a file.
func wholeRows(t *testing.T, file string, size int) int {
	t.Helper()
	reader := csv.NewReader(strings.NewReader(file))
	rows := -1
	for {
		_, err := reader.Read()
		if errors.Is(err, io.EOF) || reader.InputOffset() > int64(size) {
			return max(rows, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		rows++
	}
}

func TestExportThatFailsWritesNothing(t *testing.T) {
	t.Parallel()
	fault := func(e orguserstest.Effect) orguserstest.Option {
		return orguserstest.WithFault(orguserstest.Fault{Path: sharePath, Skip: 3, Effect: e})
	}
	tests := []struct {
		name   string
		server []orguserstest.Option
		want   error
	}{
		{"the server fails", []orguserstest.Option{fault(orguserstest.Status(500))}, orgusers.ErrServer},
		{"a page is not JSON", []orguserstest.Option{fault(orguserstest.HTML(200))}, orgusers.ErrServer},
		{"pages do not go on", []orguserstest.Option{fault(orguserstest.EmptyPage())}, orgusers.ErrIncomplete},
		{"the session ends", []orguserstest.Option{fault(orguserstest.Status(401))}, orgusers.ErrUnauthorized},
		{"roles cannot be read", []orguserstest.Option{orguserstest.WithRoleUIDs(), orguserstest.WithFault(orguserstest.Fault{Path: sharePath[:len(sharePath)-len("share")] + "roles", Effect: orguserstest.Status(403)})}, orgusers.ErrForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t, append(tt.server, orguserstest.WithUsers(950))...)
			var file bytes.Buffer
			summary, err := fakeClient(t, server).ExportCSV(t.Context(), &file, nil)
			if !errors.Is(err, tt.want) || file.Len() > 0 || !strings.Contains(err.Error(), "nothing was written") {
				t.Errorf("got %d bytes and the error %v, want %v", file.Len(), err, tt.want)
			}
			if summary == nil || summary.Rows != 0 || summary.Bytes != 0 || summary.Users >= 950 || summary.Requests == 0 {
				t.Errorf("the summary is %+v", summary)
			}
		})
	}
}

func TestExportOptionsThatAreRefused(t *testing.T) {
	t.Parallel()
	column := orgusers.DefaultColumns()[0]
	tests := []struct {
		name string
		opts orgusers.ExportOptions
		says string
	}{
		{"a quote as separator", orgusers.ExportOptions{Comma: '"'}, "separator"},
		{"a line feed as separator", orgusers.ExportOptions{Comma: '\n'}, "separator"},
		{"a carriage return as separator", orgusers.ExportOptions{Comma: '\r'}, "separator"},
		{"no character as separator", orgusers.ExportOptions{Comma: '\ufffd'}, "separator"},
		{"a negative separator", orgusers.ExportOptions{Comma: -1}, "separator"},
		{"half a character as separator", orgusers.ExportOptions{Comma: 0xd800}, "separator"},
		{"no columns", orgusers.ExportOptions{Columns: []orgusers.Column{}}, "no column"},
		{"a column without a value", orgusers.ExportOptions{Columns: []orgusers.Column{column, {Header: "empty"}}}, `column 2, "empty"`},
		{"an unknown sort", orgusers.ExportOptions{Sort: orgusers.Sort{By: "shoe_size"}}, "shoe_size"},
		{"a negative budget", orgusers.ExportOptions{MemoryBudget: -1}, "negative"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := startFake(t)
			summary, err := fakeClient(t, server).ExportCSV(t.Context(), io.Discard, &tt.opts)
			if !errors.Is(err, orgusers.ErrInvalid) || !strings.Contains(err.Error(), tt.says) || summary == nil {
				t.Errorf("got %v and the error %v, want ErrInvalid that says %q", summary, err, tt.says)
			}
			if got := len(server.Requests()); got != 0 {
				t.Errorf("%d requests were sent", got)
			}
		})
	}
}

// midway are the moments at which exports are cancelled.
var midway = map[string]func(orgusers.ExportProgress) bool{
	"while it reads":  func(p orgusers.ExportProgress) bool { return p.Users >= 1000 },
	"while it writes": func(p orgusers.ExportProgress) bool { return p.Rows > 0 },
}

func TestExportCancelled(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithUsers(3000))
	client := fakeClient(t, server)
	for name, stop := range midway {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			summary, err := client.ExportCSV(ctx, io.Discard, &orgusers.ExportOptions{Progress: func(p orgusers.ExportProgress) {
				if stop(p) {
					cancel()
				}
			}})
			if !errors.Is(err, context.Canceled) || summary.Rows >= 3000 {
				t.Errorf("got %+v and the error %v, want it cancelled", summary, err)
			}
		})
	}
}
