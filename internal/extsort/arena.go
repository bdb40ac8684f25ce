package extsort

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
)

const (
	// blockSize is what the arena allocates at a time; a record that is longer
	// has a block of its own.
	blockSize = 16 << 10
	// blockOverhead is the slice header of a block, twice, since the list of
	// blocks has room to grow.
	blockOverhead = 48
	// entrySize is the size of one entry of the index, on 64-bit systems.
	entrySize = 16
	// firstIndex is the length of the first index, which doubles from there.
	firstIndex = 64
)

// arena keeps records in memory, encoded as they are in the file, in a few
// large blocks instead of one allocation a record. Blocks never move, so that
// growing copies nothing but the index.
type arena struct {
	budget int64    // what held may reach
	held   int64    // bytes of all blocks and the index
	blocks [][]byte // in the order filled
	spare  [][]byte // empty blocks of blockSize, for the records after a reset
	index  []entry
}

// entry is where one record is found.
type entry struct {
	// prefix is the first bytes of the key as a number. Most records are told
	// apart by it, which spares the way to their blocks: half of the time
	// that sorting takes.
	prefix uint64
	// position is the number of the block times blockSize and where the record
	// starts in there. Positions grow in the order added, which is how equal
	// keys are kept in it.
	position int
}

// newEntry is the entry of a key whose record stands at position.
func newEntry(key []byte, position int) entry {
	var prefix [8]byte
	copy(prefix[:], key)
	return entry{binary.BigEndian.Uint64(prefix[:]), position}
}

// fits reports whether a record of size bytes can be added within the budget,
// and gives up spare blocks for it.
func (a *arena) fits(size int64) bool {
	for a.growth(size) > a.budget-a.held {
		if len(a.spare) == 0 {
			return false
		}
		a.spare = slices.Delete(a.spare, len(a.spare)-1, len(a.spare))
		a.held -= blockSize + blockOverhead
	}
	return true
}

// growth is how much has to be allocated to add a record of size bytes.
func (a *arena) growth(size int64) int64 {
	var growth int64
	if !a.hasRoom(size) && (size > blockSize || len(a.spare) == 0) {
		growth = max(size, blockSize) + blockOverhead
	}
	if len(a.index) == cap(a.index) {
		// The old index is counted in held: both exist while one is copied.
		growth += a.nextIndex() * entrySize
	}
	return growth
}

// hasRoom reports whether the block being filled has room for size bytes more.
func (a *arena) hasRoom(size int64) bool {
	if len(a.blocks) == 0 {
		return false
	}
	last := a.blocks[len(a.blocks)-1]
	return size <= int64(cap(last)-len(last))
}

// nextIndex is the length of the index after this one.
func (a *arena) nextIndex() int64 {
	return max(firstIndex, 2*int64(cap(a.index)))
}

// add copies a record that fits.
func (a *arena) add(key, value []byte) {
	size := encodedSize(key, value)
	a.held += a.growth(size)
	if !a.hasRoom(size) {
		a.blocks = append(a.blocks, a.newBlock(size))
	}
	if len(a.index) == cap(a.index) {
		grown := make([]entry, len(a.index), a.nextIndex())
		copy(grown, a.index)
		a.held -= int64(cap(a.index)) * entrySize
		a.index = grown
	}
	last := len(a.blocks) - 1
	block := a.blocks[last]
	a.index = append(a.index, newEntry(key, last*blockSize+len(block)))
	block = appendHeader(block, key, value)
	block = append(block, key...)
	a.blocks[last] = append(block, value...)
}

// newBlock is a block for a record of size bytes and, if there is room, more.
func (a *arena) newBlock(size int64) []byte {
	if size > blockSize {
		return make([]byte, 0, size)
	}
	if len(a.spare) == 0 {
		return make([]byte, 0, blockSize)
	}
	last := len(a.spare) - 1
	block := a.spare[last]
	a.spare = slices.Delete(a.spare, last, last+1)
	return block
}

// empty reports whether there is no record.
func (a *arena) empty() bool { return len(a.index) == 0 }

// sort brings the records into order.
func (a *arena) sort() {
	slices.SortFunc(a.index, func(left, right entry) int {
		// Keys whose prefixes differ are in the same order as these: what is
		// missing of a short key is zero there, and nothing is less.
		if left.prefix != right.prefix {
			return cmp.Compare(left.prefix, right.prefix)
		}
		order := bytes.Compare(a.at(left.position).key, a.at(right.position).key)
		return cmp.Or(order, cmp.Compare(left.position, right.position))
	})
}

// at is the record at a position.
func (a *arena) at(position int) record {
	encoded := a.blocks[position/blockSize][position%blockSize:]
	keyLength, n := binary.Varint(encoded)
	encoded = encoded[n:]
	valueLength, n := binary.Varint(encoded)
	encoded = encoded[n:]
	return record{encoded[:keyLength], encoded[keyLength:][:valueLength]}
}

// all is all records, sorted if they were; it has no errors.
func (a *arena) all() iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		for _, entry := range a.index {
			if !yield(a.at(entry.position), nil) {
				return
			}
		}
	}
}

// reset forgets the records and keeps the memory for the next ones.
func (a *arena) reset() {
	for _, block := range a.blocks {
		if cap(block) == blockSize {
			a.spare = append(a.spare, block[:0])
		} else {
			a.held -= int64(cap(block)) + blockOverhead
		}
	}
	clear(a.blocks)
	a.blocks = a.blocks[:0]
	a.index = a.index[:0]
}
