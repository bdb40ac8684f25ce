package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/orgusers/orgusers/examples/accessreview/internal/review"
	"github.com/orgusers/orgusers/examples/internal/program"
)

// dataFile is the JSON beside the page, of the same reading. It is complete and
// readable by its user alone, or not there, as the page is.
type dataFile struct {
	path   string
	asked  bool
	target string   // of path, where it is a link
	file   *os.File // with another name, until the page is there
}

func dataFlag(flags *flag.FlagSet) *dataFile {
	d := new(dataFile)
	flags.Func("data", "write the JSON of the same reading to this `file` too, as -o writes the page, which then has its SHA-256: both files are written, or neither", func(path string) error {
		d.path, d.asked = path, true
		return nil
	})
	return d
}

// check refuses what no file can be written to, or what -o writes.
func (d *dataFile) check(output *program.Output) error {
	if !d.asked {
		return nil
	}
	if d.path == "" || d.path == "-" {
		return program.Misuse("-data %q: it is the name of a file", d.path)
	}
	d.target = d.path
	if target, err := filepath.EvalSymlinks(d.path); err == nil {
		d.target = target // so that a link stays one
	} else if info, err := os.Lstat(d.path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		return program.Misuse("-data %s: it is a link that leads nowhere", d.path)
	}
	info, err := os.Stat(d.target)
	if err == nil && !info.Mode().IsRegular() {
		return program.Misuse("-data %s: is no regular file", d.path)
	}
	if page, isFile := output.File(); isFile && sameFile(page, d.target) {
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

// begin makes the file before anything is read, so that a directory that cannot
// be written costs no request.
func (d *dataFile) begin() error {
	if !d.asked {
		return nil
	}
	file, err := os.CreateTemp(filepath.Dir(d.target), "."+filepath.Base(d.target)+".*.tmp") // mode 0600
	if err != nil {
		if failure, ok := errors.AsType[*fs.PathError](err); ok {
			err = failure.Err // its path is the temporary file's
		}
		return program.Misuse("-data %s: no file can be made in its directory: %w", d.path, err)
	}
	d.file = file
	return nil
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

// finish puts the file in its place. Only a name is left to change when the
// page is there.
func (d *dataFile) finish() error {
	if d.file == nil {
		return nil
	}
	if err := d.file.Close(); err != nil {
		return err
	}
	return os.Rename(d.file.Name(), d.target)
}

// forget removes what is not in its place.
func (d *dataFile) forget() {
	if d.file != nil {
		_ = d.file.Close()
		_ = os.Remove(d.file.Name())
	}
}
