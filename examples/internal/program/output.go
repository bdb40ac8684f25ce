package program

import (
	"flag"
	"io"
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
	if file := o.file(); file != nil {
		return file.Check()
	}
	return nil
}

func (o *Output) file() *File {
	path, isFile := o.File()
	if !isFile {
		return nil
	}
	file := NewFile("o", path)
	file.instead = ": leave -o out, and redirect stdout to it"
	return file
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

// Write has write make the output, a file as [File] says.
func (o *Output) Write(stdout io.Writer, write func(io.Writer) error) error {
	file := o.file()
	if file == nil {
		return write(stdout)
	}
	if err := file.Begin(); err != nil {
		return err
	}
	defer file.Forget()
	if err := write(file); err != nil {
		return err
	}
	return file.Finish()
}
