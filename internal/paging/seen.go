package paging

import (
	"hash/maphash"
	"math/bits"
)

// firstSlots is the number of slots that a shard starts with.
const firstSlots = 8

// seen is the set of rows that were read. It keeps hashes under a seed of its own, because the keys of a million rows
// would take too much memory, and a map of the hashes three times as much as this. A row takes 10 to 13 bytes. Two rows
// with the same hash (one list in 37 million, for lists of a million rows) count as one, so that the list is incomplete
// if the server counts its rows.
//
// The hashes are spread over shards that grow by a quarter, at different times: only a sixteenth of the set exists twice
// while it grows.
type seen struct {
	seed   maphash.Seed
	rows   int
	shards [16]shard
}

// A shard is a hash table with open addressing.
type shard struct {
	slots []uint64 // hashes; 0 in a free slot
	used  int
}

func newSeen() *seen {
	return &seen{seed: maphash.MakeSeed()}
}

// hash returns what stands for a key in this set. It is never 0.
func (s *seen) hash(key string) uint64 {
	return max(1, maphash.String(s.seed, key))
}

func (s *seen) has(hash uint64) bool {
	shard := s.shard(hash)
	return shard.used > 0 && shard.slots[shard.find(hash)] == hash
}

func (s *seen) add(hash uint64) {
	shard := s.shard(hash)
	if 5*(shard.used+1) > 4*len(shard.slots) {
		shard.grow()
	}
	if at := shard.find(hash); shard.slots[at] == 0 {
		shard.slots[at] = hash
		shard.used++
		s.rows++
	}
}

// shard returns the shard of a hash. It uses the last bits, because the first ones select the slot.
func (s *seen) shard(hash uint64) *shard {
	return &s.shards[hash%uint64(len(s.shards))]
}

// find returns the slot of a hash, or the free slot where it belongs.
func (s *shard) find(hash uint64) uint64 {
	size := uint64(len(s.slots))
	at, _ := bits.Mul64(hash, size)
	for s.slots[at] != 0 && s.slots[at] != hash {
		if at++; at == size {
			at = 0
		}
	}
	return at
}

func (s *shard) grow() {
	before := s.slots
	s.slots = make([]uint64, max(firstSlots, len(before)+len(before)/4))
	for _, hash := range before {
		if hash != 0 {
			s.slots[s.find(hash)] = hash
		}
	}
}
