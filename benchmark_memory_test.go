package orgusers_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/metrics"
	"strconv"
	"testing"
	"time"

	"github.com/orgusers/orgusers"
)

// organizationOf answers with pages of so many users, which it makes up when
// they are asked for: a fake, or a recording of it, would keep them all in the
// memory that is measured.
type organizationOf int

func (n organizationOf) RoundTrip(request *http.Request) (*http.Response, error) {
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
		number := uint32(i) * 2_654_435_761 // by address they come in another order
		page = fmt.Appendf(page, `{"uid":"blt%016x","user_uid":"blt%016x","email":"user.%08x@example.com","first_name":"First%[3]x",`+
			`"last_name":"Last%[3]x","status":"accepted","org_roles":[{"uid":"blt1","name":"member"}],"invited_by":"System",`+
			`"invited_at":%[4]q,"created_at":%[4]q,"updated_at":%[4]q,"last_login_at":%[4]q,"tfa_status":"verified"}`, i, -i, number, at)
	}
	page = append(page, `]}`...)
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: request,
		Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(page)), ContentLength: int64(len(page)),
	}, nil
}

// BenchmarkExportMemory is about peak-MiB: the most that the heap grew, garbage
// not yet collected included, and that of the server too.
func BenchmarkExportMemory(b *testing.B) {
	for _, users := range []int{10_000, 100_000} {
		b.Run(strconv.Itoa(users), func(b *testing.B) {
			client, err := orgusers.New("blt1", orgusers.WithAuthToken("token"), orgusers.WithRateLimiters(orgusers.RateLimiters{Reads: noLimit{}}),
				orgusers.WithHTTPClient(&http.Client{Transport: organizationOf(users)}))
			if err != nil {
				b.Fatal(err)
			}
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

// heapObjects is the memory of all objects on the heap, dead ones included.
func heapObjects() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return int64(min(sample[0].Value.Uint64(), 1<<62))
}
