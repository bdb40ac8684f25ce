package program

import (
	"errors"
	"flag"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// toStdout is the output that is no file.
const toStdout = "-"

// Output is where a program writes what it makes: a file, or stdout.
type Output struct{ path string }

// OutputFlag adds -o to a program's flags.
func OutputFlag(flags *flag.FlagSet) *Output {
	o := new(Output)
	flags.StringVar(&o.path, "o", toStdout, "write to this `file`, complete and readable by you alone, or not at all; - is stdout")
	return o
}

// Check refuses what no file can be written to, before anybody is asked for
// anything.
func (o *Output) Check() error {
	if o.path == "" {
		return Misuse("-o: the name of the file is empty")
	}
	if _, isFile := o.File(); !isFile {
		return nil
	}
	switch info, err := os.Stat(o.path); {
	case err == nil && info.IsDir():
		return Misuse("-o %s: is a directory", o.path)
	case err == nil && !info.Mode().IsRegular():
		return Misuse("-o %s: exists and is not a regular file: leave -o out, and redirect stdout to it", o.path)
	case err != nil && isLink(o.path):
		return Misuse("-o %s: it is a link that leads nowhere", o.path)
	}
	return nil
}

func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// File is the path of the file, and false where it is none but stdout.
func (o *Output) File() (path string, isFile bool) {
	return o.path, o.path != toStdout && o.path != "/dev/stdout"
}

// String is the output for people.
func (o *Output) String() string {
	if path, isFile := o.File(); isFile {
		return path
	}
	return "stdout"
}

// Write has write make the output. A file is written as the package writes
// exports: complete and readable by its user alone, or, after an error, what
// was there before is as it was. It is begun before write is called, so that a
// directory that cannot be written costs no request, and is misuse.
func (o *Output) Write(stdout io.Writer, write func(io.Writer) error) error {
	path, isFile := o.File()
	if !isFile {
		return write(stdout)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // so that a link stays one
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp") // mode 0600
	if err != nil {
		if failure, ok := errors.AsType[*fs.PathError](err); ok {
			err = failure.Err // its path is the temporary file's
		}
		return Misuse("-o %s: no file can be made in its directory: %w", o.path, err)
	}
	defer os.Remove(file.Name()) //nolint:errcheck // it is gone when all went well
	if err := errors.Join(write(file), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
