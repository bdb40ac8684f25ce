package extsort_test

import (
	"math/rand/v2"
	"runtime"
	"runtime/metrics"
	"strconv"
	"testing"

	"github.com/orgusers/orgusers/internal/extsort"
)

// heapObjects returns the bytes of all objects on the heap, dead ones too.
func heapObjects() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return int64(min(sample[0].Value.Uint64(), 1<<62))
}

// BenchmarkSort sorts a million records of 250 bytes. It reports peak-MiB: how
// much the heap grew, with garbage that is not yet collected.
func BenchmarkSort(b *testing.B) {
	const records, size = 1_000_000, 250
	value := make([]byte, size)
	var key []byte
	b.SetBytes(records * size)
	b.ReportAllocs()
	var peak int64
	for b.Loop() {
		random := rand.NewPCG(1, 2)
		runtime.GC()
		before := heapObjects()
		measure := func(i int) {
			if i%4096 == 0 {
				peak = max(peak, heapObjects()-before)
			}
		}
		sorter := extsort.New(b.TempDir(), 8<<20)
		for i := range records {
			measure(i)
			key = append(key[:0], "user"...)
			key = strconv.AppendUint(key, random.Uint64()%10_000_000, 10)
			key = append(key, "@example.com"...)
			if err := sorter.Add(key, value[:size-len(key)]); err != nil {
				b.Fatal(err)
			}
		}
		read := 0
		for _, err := range sorter.Sorted() {
			if err != nil {
				b.Fatal(err)
			}
			measure(read)
			read++
		}
		if err := sorter.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
}
