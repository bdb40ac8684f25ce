package extsort

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"slices"
)

// bufferSize is the size of the one buffer that is needed while the arena is
// full: to write a run, or to read all runs one after the other.
const bufferSize = 16 << 10

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// run is one sorted stretch of the file.
type run struct {
	offset, length int64
	records        int
	checksum       uint32 // of all its bytes
}

// lengths are those of the longest key and the longest value. A length in the
// file that is greater is damage, and nothing is allocated for it.
type lengths struct {
	key, value int64
}

// include makes room for a record.
func (l *lengths) include(key, value []byte) {
	l.key = max(l.key, int64(len(key)))
	l.value = max(l.value, int64(len(value)))
}

// encodedSize is how many bytes a record takes in a run, at most.
func encodedSize(key, value []byte) int64 {
	return 2*binary.MaxVarintLen64 + int64(len(key)) + int64(len(value))
}

// appendHeader appends what stands before key and value: their lengths.
func appendHeader(to, key, value []byte) []byte {
	to = binary.AppendVarint(to, int64(len(key)))
	return binary.AppendVarint(to, int64(len(value)))
}

// runFile is the temporary file with all runs, one behind the other.
type runFile struct {
	file *os.File
	path string // still to be removed, or empty
	size int64  // end of the last run
}

// createRunFile makes a file that only the user can read.
func createRunFile(directory string) (*runFile, error) {
	file, err := os.CreateTemp(directory, "orgusers-*.tmp")
	if err != nil {
		return nil, err
	}
	f := &runFile{file: file, path: file.Name()}
	// Unix keeps an open file whose name is gone; where a system refuses, the
	// name goes in close.
	if os.Remove(f.path) == nil {
		f.path = ""
	}
	return f, nil
}

// close closes the file and removes it if its name is still there.
func (f *runFile) close() error {
	err := f.file.Close()
	if errors.Is(err, fs.ErrClosed) {
		err = nil
	}
	if f.path == "" {
		return err
	}
	if removal := os.Remove(f.path); removal != nil && !errors.Is(removal, fs.ErrNotExist) {
		return errors.Join(err, removal)
	}
	f.path = ""
	return err
}

// runWriter writes one run behind all others of a file. The run is part of the
// file once finish succeeded; until then the next writer starts over it.
type runWriter struct {
	file     *runFile
	buffer   *bufio.Writer
	checksum hash.Hash32
	run      run
}

// newWriter starts a run.
func (f *runFile) newWriter() *runWriter {
	checksum := crc32.New(castagnoli)
	target := io.MultiWriter(io.NewOffsetWriter(f.file, f.size), checksum)
	return &runWriter{
		file:     f,
		buffer:   bufio.NewWriterSize(target, bufferSize),
		checksum: checksum,
		run:      run{offset: f.size},
	}
}

// add writes one record.
func (w *runWriter) add(r record) error {
	header := appendHeader(w.buffer.AvailableBuffer(), r.key, r.value)
	for _, part := range [...][]byte{header, r.key, r.value} {
		n, err := w.buffer.Write(part)
		if err != nil {
			return err
		}
		w.run.length += int64(n)
	}
	w.run.records++
	return nil
}

// finish writes what is left in the buffer and makes the run part of the file.
func (w *runWriter) finish() (run, error) {
	if err := w.buffer.Flush(); err != nil {
		return run{}, err
	}
	w.run.checksum = w.checksum.Sum32()
	w.file.size += w.run.length
	return w.run, nil
}

// runReader reads the records of one run: next, then value, and so on. Only the
// key is read ahead, so that of the values in all runs one is in memory.
type runReader struct {
	buffer    *bufio.Reader
	checksum  hash.Hash32
	run       run
	longest   lengths
	remaining int // records
	key       []byte
	length    int64 // of the value that stands next in the buffer
}

// newReader reads a run through a buffer of size bytes.
func (f *runFile) newReader(r run, size int, longest lengths) *runReader {
	checksum := crc32.New(castagnoli)
	section := io.NewSectionReader(f.file, r.offset, r.length)
	return &runReader{
		buffer:    bufio.NewReaderSize(io.TeeReader(section, checksum), size),
		checksum:  checksum,
		run:       r,
		longest:   longest,
		remaining: r.records,
	}
}

// next reads the key of the next record. It reports false at the end of a run
// that was all there, as it was written.
func (r *runReader) next() (bool, error) {
	if r.remaining == 0 {
		if _, err := r.buffer.ReadByte(); !errors.Is(err, io.EOF) {
			return false, fmt.Errorf("%w: records end too early", ErrUnreadable)
		}
		if r.checksum.Sum32() != r.run.checksum {
			return false, fmt.Errorf("%w: checksum differs", ErrUnreadable)
		}
		return false, nil
	}
	r.remaining--
	keyLength, err := r.readLength(r.longest.key)
	if err != nil {
		return false, err
	}
	if r.length, err = r.readLength(r.longest.value); err != nil {
		return false, err
	}
	r.key, err = r.read(r.key, keyLength)
	return err == nil, err
}

// value reads the value that belongs to the key, into a slice that can be used
// again.
func (r *runReader) value(into []byte) ([]byte, error) {
	return r.read(into, r.length)
}

// readLength reads a length that cannot be greater than longest.
func (r *runReader) readLength(longest int64) (int64, error) {
	length, err := binary.ReadVarint(r.buffer)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if length < 0 || length > longest {
		return 0, fmt.Errorf("%w: no record has this length", ErrUnreadable)
	}
	return length, nil
}

// read fills a slice with the next length bytes.
func (r *runReader) read(into []byte, length int64) ([]byte, error) {
	into = slices.Grow(into[:0], int(length))[:length]
	if _, err := io.ReadFull(r.buffer, into); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return into, nil
}
