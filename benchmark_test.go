package orgusers_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/internal/handwritten"
	"github.com/orgusers/orgusers/orguserstest"
)

// recording answers with what a fake has answered to the same request before,
// so that a benchmark measures the client and not the fake. It is a transport
// and a handler.
type recording struct {
	server  *orguserstest.Server
	answers sync.Map // of the URL's query
}

func (r *recording) answer(request *http.Request) *httptest.ResponseRecorder {
	if known, ok := r.answers.Load(request.URL.RawQuery); ok {
		return known.(*httptest.ResponseRecorder)
	}
	fresh := httptest.NewRecorder()
	r.server.ServeHTTP(fresh, request)
	r.answers.Store(request.URL.RawQuery, fresh)
	return fresh
}

func (r *recording) RoundTrip(request *http.Request) (*http.Response, error) {
	known := r.answer(withBody(request))
	return &http.Response{
		StatusCode: known.Code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: request,
		Header: known.Header(), Body: io.NopCloser(bytes.NewReader(known.Body.Bytes())), ContentLength: int64(known.Body.Len()),
	}, nil
}

func (r *recording) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	known := r.answer(request)
	maps.Copy(w.Header(), known.Header())
	w.WriteHeader(known.Code)
	_, _ = w.Write(known.Body.Bytes())
}

// withBody is a request as a server sees it, whose body is never nil.
func withBody(request *http.Request) *http.Request {
	if request.Body == nil {
		request = request.Clone(request.Context())
		request.Body = http.NoBody
	}
	return request
}

// record is a fake of so many users, its recording, and a client of it without
// a limit. Inviters come as uids, which a plain struct can take.
func record(b *testing.B, users int) (*recording, *orgusers.Client) {
	b.Helper()
	server := orguserstest.NewUnstartedServer(orguserstest.WithUsers(users), orguserstest.WithInviterUIDs())
	r := &recording{server: server}
	return r, benchClient(b, server, orgusers.WithHTTPClient(&http.Client{Transport: r}))
}

func benchClient(b *testing.B, server *orguserstest.Server, opts ...orgusers.Option) *orgusers.Client {
	b.Helper()
	client, err := orgusers.New(server.OrganizationUID, append([]orgusers.Option{
		orgusers.WithAuthToken(server.AuthToken), orgusers.WithRateLimiters(orgusers.RateLimiters{Reads: noLimit{}}),
	}, opts...)...)
	if err != nil {
		b.Fatal(err)
	}
	return client
}

// perUser begins to count, and reports at the end, what a benchmark took for
// each user.
func perUser(b *testing.B, users int) (report func()) {
	b.Helper()
	b.ReportAllocs()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu := cpuTime()
	return func() {
		b.Helper()
		runtime.ReadMemStats(&after)
		all := float64(b.N * users)
		b.ReportMetric(float64(cpuTime()-cpu)/all, "cpu-ns/user")
		b.ReportMetric(float64(after.Mallocs-before.Mallocs)/all, "allocs/user")
		b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/all, "B/user")
	}
}

type noLimit struct{}

func (noLimit) Wait(context.Context) error { return nil }

// BenchmarkDecodePage reads a page of 100 users: with all that ListUsers does,
// over a transport in memory, and with encoding/json alone.
func BenchmarkDecodePage(b *testing.B) {
	recorded, client := record(b, 100)
	page, err := client.ListUsers(b.Context(), nil)
	if err != nil || len(page.Users) != 100 {
		b.Fatal(page, err)
	}
	var answer []byte
	recorded.answers.Range(func(_, known any) bool {
		answer = known.(*httptest.ResponseRecorder).Body.Bytes()
		return true
	})
	b.Run("orgusers", func(b *testing.B) {
		b.SetBytes(int64(len(answer)))
		report := perUser(b, 100)
		for b.Loop() {
			if page, err := client.ListUsers(b.Context(), nil); err != nil || len(page.Users) != 100 {
				b.Fatal(page, err)
			}
		}
		report()
	})
	b.Run("encodingjson", func(b *testing.B) {
		b.SetBytes(int64(len(answer)))
		report := perUser(b, 100)
		for b.Loop() {
			var page handwritten.Page
			if err := json.Unmarshal(answer, &page); err != nil || len(page.Shares) != 100 {
				b.Fatal(err)
			}
		}
		report()
	})
}

// BenchmarkListUsers reads 10,000 users over loopback without a limit: the
// package, and the loop by hand. The server only plays back what a fake has answered; its work, the
// same for both, is in the CPU time.
func BenchmarkListUsers(b *testing.B) {
	const users = 10_000
	recorded, _ := record(b, users)
	loopback := httptest.NewServer(recorded)
	defer loopback.Close()
	client := benchClient(b, recorded.server, orgusers.WithBaseURL(loopback.URL))
	byHand := handwritten.Loop{
		BaseURL: loopback.URL, OrganizationUID: recorded.server.OrganizationUID, AuthToken: recorded.server.AuthToken, Client: new(http.Client),
	}

	bench := func(name string, list func(b *testing.B) int) {
		b.Run(name, func(b *testing.B) {
			if got := list(b); got != users { // which records, too
				b.Fatalf("%d users, want %d", got, users)
			}
			report := perUser(b, users)
			for b.Loop() {
				list(b)
			}
			report()
		})
	}
	bench("orgusers", func(b *testing.B) int {
		n := 0
		for _, err := range client.Users(b.Context(), nil) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		return n
	})
	bench("handwritten", func(b *testing.B) int {
		n, err := byHand.List(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		return n
	})
}

// BenchmarkExportCSV exports 10,000 users over a transport in memory: "orgusers"
// is all of it, "reading" what Users takes of that, and "encodingcsv" the same
// rows with encoding/csv alone.
func BenchmarkExportCSV(b *testing.B) {
	const users = 10_000
	_, client := record(b, users)
	var file bytes.Buffer
	if _, err := client.ExportCSV(b.Context(), &file, nil); err != nil {
		b.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(file.Bytes())).ReadAll()
	if err != nil || len(rows) != users+1 {
		b.Fatal(len(rows), err)
	}
	bench := func(name string, opts *orgusers.ExportOptions) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(file.Len()))
			report := perUser(b, users)
			for b.Loop() {
				if _, err := client.ExportCSV(b.Context(), io.Discard, opts); err != nil {
					b.Fatal(err)
				}
			}
			report()
		})
	}
	bench("orgusers", nil)
	bench("orgusers on disk", &orgusers.ExportOptions{MemoryBudget: 64 << 10})
	b.Run("reading", func(b *testing.B) {
		report := perUser(b, users)
		for b.Loop() {
			for _, err := range client.Users(b.Context(), nil) {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		report()
	})
	b.Run("encodingcsv", func(b *testing.B) {
		b.SetBytes(int64(file.Len()))
		report := perUser(b, users)
		for b.Loop() {
			if err := csv.NewWriter(io.Discard).WriteAll(rows); err != nil {
				b.Fatal(err)
			}
		}
		report()
	})
}
