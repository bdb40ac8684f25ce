package program

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// File is a file that a program writes as the package writes exports: complete
// and readable by its user alone, or, after an error, what was there before is
// as it was.
type File struct {
	flag, path string
	instead    string   // of what is no regular file, to be told
	target     string   // of path, where it is a link
	file       *os.File // with another name, until it is complete
}

// NewFile is the file that a flag names.
func NewFile(flag, path string) *File { return &File{flag: flag, path: path} }

// Check refuses what no file can be written to, before anybody is asked for
// anything.
func (f *File) Check() error {
	if f.path == "" {
		return Misuse("-%s: the name of the file is empty", f.flag)
	}
	switch info, err := os.Stat(f.path); {
	case err == nil && info.IsDir():
		return Misuse("-%s %s: is a directory", f.flag, f.path)
	case err == nil && !info.Mode().IsRegular():
		return Misuse("-%s %s: exists and is not a regular file%s", f.flag, f.path, f.instead)
	case err != nil && isLink(f.path):
		return Misuse("-%s %s: it is a link that leads nowhere", f.flag, f.path)
	}
	return nil
}

func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// Begin makes the file, so that a directory that cannot be written costs no
// request, and is misuse.
func (f *File) Begin() error {
	f.target = f.path
	if target, err := filepath.EvalSymlinks(f.path); err == nil {
		f.target = target // so that a link stays one
	}
	file, err := os.CreateTemp(filepath.Dir(f.target), "."+filepath.Base(f.target)+".*.tmp") // mode 0600
	if err != nil {
		if failure, ok := errors.AsType[*fs.PathError](err); ok {
			err = failure.Err // its path is the temporary file's
		}
		return Misuse("-%s %s: no file can be made in its directory: %w", f.flag, f.path, err)
	}
	f.file = file
	return nil
}

func (f *File) Write(p []byte) (int, error) { return f.file.Write(p) }

// Sync has the disk keep what was written so far, or say that it cannot.
func (f *File) Sync() error { return f.file.Sync() }

// Finish puts the file in its place.
func (f *File) Finish() error {
	if err := errors.Join(f.file.Sync(), f.file.Close()); err != nil {
		return err
	}
	return os.Rename(f.file.Name(), f.target)
}

// Forget removes what is not in its place.
func (f *File) Forget() {
	if f.file != nil {
		_ = f.file.Close()
		_ = os.Remove(f.file.Name()) // is not there when all went well
	}
}
