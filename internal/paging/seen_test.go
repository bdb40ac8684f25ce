package paging

import (
	"math/rand/v2"
	"testing"
)

// The set behaves like a map, even if hashes crowd in one shard, or at the last slot and over it to the first.
func TestSeenIsASet(t *testing.T) {
	t.Parallel()
	const rows = 3000
	for name, hash := range map[string]func(*rand.Rand) uint64{
		"random":         (*rand.Rand).Uint64,
		"one shard":      func(random *rand.Rand) uint64 { return random.Uint64()<<8 | 5 },
		"the first slot": func(random *rand.Rand) uint64 { return 1 + random.Uint64N(rows) },
		"the last slot":  func(random *rand.Rand) uint64 { return ^random.Uint64N(rows) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(1, 2))
			s, want := newSeen(), make(map[uint64]bool)
			var order []uint64
			for range rows {
				h := hash(random)
				if s.has(h) != want[h] {
					t.Fatalf("%x with %d rows: has it %t, want %t", h, s.rows, s.has(h), want[h])
				}
				s.add(h)
				if !want[h] {
					want[h] = true
					order = append(order, h)
				}
			}
			if s.rows != len(want) {
				t.Errorf("%d rows, want %d", s.rows, len(want))
			}
			for _, h := range order {
				if !s.has(h) {
					t.Errorf("%x is missing", h)
				}
			}
		})
	}
}

// A key has one hash in a set and another one in the next, so that a server cannot choose keys that collide.
func TestSeenHashes(t *testing.T) {
	t.Parallel()
	s := newSeen()
	first, again, another, elsewhere := s.hash("blt1"), s.hash("blt1"), s.hash("blt2"), newSeen().hash("blt1")
	if first != again || first == another || first == elsewhere {
		t.Errorf("hashes of one key %x and %x, of another %x, in another set %x", first, again, another, elsewhere)
	}
}

// A row takes at most 13 bytes, whatever the number of rows.
func TestSeenIsSmall(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	s := newSeen()
	for s.rows < 300_000 {
		s.add(random.Uint64())
		size := 0
		for i := range s.shards {
			size += 8 * len(s.shards[i].slots)
		}
		if most := 13*s.rows + 2048; size > most {
			t.Fatalf("%d bytes for %d rows, want %d at the most", size, s.rows, most)
		}
	}
}

// BenchmarkSeen adds a million hashes to the set, or to a map, and looks up each before and after.
func BenchmarkSeen(b *testing.B) {
	const rows = 1_000_000
	random := rand.New(rand.NewPCG(5, 6))
	hashes := make([]uint64, rows)
	for i := range hashes {
		hashes[i] = random.Uint64()
	}
	bench := func(name string, empty func() (has func(uint64) bool, add func(uint64))) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				has, add := empty()
				for _, hash := range hashes {
					if has(hash) {
						b.Fatal("it was not added yet")
					}
					add(hash)
				}
				for _, hash := range hashes {
					if !has(hash) {
						b.Fatal("it is missing")
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
		})
	}
	bench("seen", func() (func(uint64) bool, func(uint64)) {
		s := newSeen()
		return s.has, s.add
	})
	bench("map", func() (func(uint64) bool, func(uint64)) {
		m := make(map[uint64]struct{})
		return func(hash uint64) bool { _, has := m[hash]; return has }, func(hash uint64) { m[hash] = struct{}{} }
	})
}
