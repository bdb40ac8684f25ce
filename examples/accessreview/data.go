package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"

	"github.com/orgusers/orgusers/examples/accessreview/internal/review"
	"github.com/orgusers/orgusers/examples/internal/program"
)

// dataFile is the JSON beside the page, of the same reading.
type dataFile struct {
	path string
	file *program.File // nil where none is asked for
}

func dataFlag(flags *flag.FlagSet) *dataFile {
	d := new(dataFile)
	flags.Func("data", "write the JSON of the same reading to this `file` too, as -o writes the page, which then has its SHA-256: both files are written, or neither", func(path string) error {
		d.path, d.file = path, program.NewFile("data", path)
		return nil
	})
	return d
}

// check refuses what no file can be written to, or what -o writes.
func (d *dataFile) check(output *program.Output) error {
	if d.file == nil {
		return nil
	}
	if d.path == "-" {
		return program.Misuse("-data %q: it is the name of a file", d.path)
	}
	if err := d.file.Check(); err != nil {
		return err
	}
	if page, isFile := output.File(); isFile && sameFile(page, d.path) {
		return program.Misuse("-data %s: is the file of -o", d.path)
	}
	return nil
}

// sameFile tells whether two paths lead to one file, or would.
func sameFile(a, b string) bool {
	for _, path := range []*string{&a, &b} {
		if whole, err := filepath.Abs(*path); err == nil {
			*path = whole
		}
	}
	first, errA := os.Stat(a)
	second, errB := os.Stat(b)
	return a == b || errA == nil && errB == nil && os.SameFile(first, second)
}

// begin makes the file before anything is read.
func (d *dataFile) begin() error {
	if d.file == nil {
		return nil
	}
	return d.file.Begin()
}

// write writes the JSON, which nobody finds yet, and returns its SHA-256, or
// nothing where no data is asked for.
func (d *dataFile) write(report *review.Report) (sum string, err error) {
	if d.file == nil {
		return "", nil
	}
	hash := sha256.New()
	if err := errors.Join(program.WriteJSON(io.MultiWriter(d.file, hash), report), d.file.Sync()); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// finish puts the file in its place when the page is in its, and only a name is
// left to change.
func (d *dataFile) finish() error {
	if d.file == nil {
		return nil
	}
	return d.file.Finish()
}

// forget removes what is not in its place.
func (d *dataFile) forget() {
	if d.file != nil {
		d.file.Forget()
	}
}
