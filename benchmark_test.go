package orgusers_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/metrics"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/orgusers/orgusers"
)

// madeUp responds with pages of so many users, which it makes when they are requested:
// a fake would keep them in the memory that is measured.
type madeUp int

func (n madeUp) RoundTrip(request *http.Request) (*http.Response, error) {
	query := request.URL.Query()
	skip, err := strconv.Atoi(query.Get("skip"))
	if err != nil {
		return nil, err
	}
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil {
		return nil, err
	}
	page := fmt.Appendf(nil, `{"count":%d,"shares":[`, int(n))
	for i := skip; i < min(skip+limit, int(n)); i++ {
		if i > skip {
			page = append(page, ',')
		}
		at := time.UnixMilli(1_600_000_000_000 + int64(i)).UTC().Format("2006-01-02T15:04:05.000Z")
		number := uint32(i) * 2_654_435_761 // by address they are in another order
		page = fmt.Appendf(page, `{"uid":"blt%016x","user_uid":"blt%016x","email":"user.%08x@example.com","first_name":"First%[3]x",`+
			`"last_name":"Last%[3]x","status":"accepted","org_roles":[{"uid":"blt1","name":"member","admin":false}],"invited_by":"System",`+
			`"invited_at":%[4]q,"created_at":%[4]q,"updated_at":%[4]q,"last_login_at":%[4]q,"tfa_status":"verified"}`, i, -i, number, at)
	}
	return body(200, string(append(page, `]}`...)))(request)
}

// cachedPages keeps the pages of another transport, so that a benchmark measures the
// client.
type cachedPages struct {
	madeUp
	pages sync.Map // by query
}

func (c *cachedPages) RoundTrip(r *http.Request) (*http.Response, error) {
	page, ok := c.pages.Load(r.URL.RawQuery)
	if !ok {
		response, err := c.madeUp.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		if page, err = io.ReadAll(response.Body); err != nil {
			return nil, err
		}
		c.pages.Store(r.URL.RawQuery, page)
	}
	response, err := body(200, "")(r)
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(page.([]byte))), int64(len(page.([]byte)))
	return response, err
}

type noLimit struct{}

func (noLimit) Wait(context.Context) error { return nil }

// benchmarkClient returns a client that waits for no rate limit.
func benchmarkClient(b *testing.B, transport http.RoundTripper) *orgusers.Client {
	b.Helper()
	return newClient(b, transport, orgusers.WithRateLimiters(orgusers.RateLimiters{Reads: noLimit{}}))
}

// perUser reports what a benchmark takes for each user.
func perUser(b *testing.B, users int) (report func()) {
	b.Helper()
	b.ReportAllocs()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	return func() {
		b.Helper()
		runtime.ReadMemStats(&after)
		all := float64(b.N * users)
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/all, "ns/user")
		b.ReportMetric(float64(after.Mallocs-before.Mallocs)/all, "allocs/user")
		b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/all, "B/user")
	}
}

// BenchmarkListUsers reads a page of 100 users, and decodes it with encoding/json alone.
func BenchmarkListUsers(b *testing.B) {
	cache := &cachedPages{madeUp: 100}
	client := benchmarkClient(b, cache)
	if _, err := client.ListUsers(b.Context(), nil); err != nil {
		b.Fatal(err)
	}
	var page []byte
	cache.pages.Range(func(_, value any) bool {
		page = value.([]byte)
		return true
	})
	b.Run("orgusers", func(b *testing.B) {
		b.SetBytes(int64(len(page)))
		report := perUser(b, 100)
		for b.Loop() {
			if page, err := client.ListUsers(b.Context(), nil); err != nil || len(page.Users) != 100 {
				b.Fatal(page, err)
			}
		}
		report()
	})
	b.Run("encodingjson", func(b *testing.B) {
		b.SetBytes(int64(len(page)))
		report := perUser(b, 100)
		for b.Loop() {
			var decoded struct{ Shares []orgusers.User }
			if err := json.Unmarshal(page, &decoded); err != nil || len(decoded.Shares) != 100 {
				b.Fatal(err)
			}
		}
		report()
	})
}

// BenchmarkExportCSV exports 10,000 users: "orgusers" in memory, "ondisk" with a small
// budget of memory, "reading" only what Users takes of it, and "encodingcsv" the same
// rows with encoding/csv alone.
func BenchmarkExportCSV(b *testing.B) {
	const users = 10_000
	client := benchmarkClient(b, &cachedPages{madeUp: users})
	var file bytes.Buffer
	if _, err := client.ExportCSV(b.Context(), &file, nil); err != nil {
		b.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(file.Bytes())).ReadAll()
	if err != nil || len(rows) != users+1 {
		b.Fatal(len(rows), err)
	}
	bench := func(name string, run func() error) {
		b.Run(name, func(b *testing.B) {
			report := perUser(b, users)
			for b.Loop() {
				if err := run(); err != nil {
					b.Fatal(err)
				}
			}
			report()
		})
	}
	export := func(opts *orgusers.ExportOptions) func() error {
		return func() error {
			_, err := client.ExportCSV(b.Context(), io.Discard, opts)
			return err
		}
	}
	bench("orgusers", export(nil))
	bench("ondisk", export(&orgusers.ExportOptions{MemoryBudget: 64 << 10}))
	bench("reading", func() error {
		for _, err := range client.Users(b.Context(), nil) {
			if err != nil {
				return err
			}
		}
		return nil
	})
	bench("encodingcsv", func() error { return csv.NewWriter(io.Discard).WriteAll(rows) })
}

// BenchmarkExportMemory reports the most that the heap grew, garbage and pages of the
// server included.
func BenchmarkExportMemory(b *testing.B) {
	for _, users := range []int{10_000, 100_000} {
		b.Run(strconv.Itoa(users), func(b *testing.B) {
			client := benchmarkClient(b, madeUp(users))
			var peak int64
			for b.Loop() {
				runtime.GC()
				before := heapObjects()
				measure := func(orgusers.ExportProgress) { peak = max(peak, heapObjects()-before) }
				summary, err := client.ExportCSV(b.Context(), io.Discard, &orgusers.ExportOptions{Progress: measure})
				if err != nil || summary.Rows != users {
					b.Fatal(summary, err)
				}
			}
			b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
		})
	}
}

// heapObjects returns the memory of all objects on the heap, dead ones included.
func heapObjects() int64 {
	memory := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(memory)
	return int64(min(memory[0].Value.Uint64(), 1<<62))
}
