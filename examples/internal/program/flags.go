package program

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// NewFlags makes the flags of a program. About is what -h says of it before it
// lists them: what it does, without its name, and then whatever else there is.
func NewFlags(name, about string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.Usage = func() {
		_, _ = fmt.Fprintf(flags.Output(), "%s %s\nFlags:\n\n", name, about)
		flags.PrintDefaults()
		_, _ = fmt.Fprintf(flags.Output(), "\nExit status: %d done, %d failed, %d wrong flags, configuration, input or\n"+
			"output file, %d interrupted, %d nobody reads stdout any more. There are no colors.\n",
			statusDone, statusFailed, statusMisused, statusInterrupted, statusUnread)
	}
	return flags
}

// Parse reads the command line. Asked for help it gives it, and returns
// [flag.ErrHelp].
func Parse(flags *flag.FlagSet, args []string, stdout io.Writer) error {
	var said bytes.Buffer // of an error the package says too much: all flags
	flags.SetOutput(&said)
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		if _, writeErr := said.WriteTo(stdout); writeErr != nil {
			return writeErr
		}
		return err
	case err != nil:
		return Misuse("%w", err)
	case flags.NArg() > 0:
		return Misuse("there is an argument that belongs to no flag: %q", flags.Arg(0))
	}
	return nil
}

// Words adds a flag for several words to a program's: they are separated by
// commas, and the flag can be given again.
func Words(flags *flag.FlagSet, name, usage string) *[]string {
	words := new([]string)
	flags.Func(name, usage, func(value string) error {
		for word := range strings.SplitSeq(value, ",") {
			if word = strings.TrimSpace(word); word == "" {
				return errors.New("there is an empty one in it")
			}
			*words = append(*words, word)
		}
		return nil
	})
	return words
}

// DurationFlag adds a flag for a time to a program's.
func DurationFlag(flags *flag.FlagSet, name string, ordinary time.Duration, usage string) *time.Duration {
	d := duration(ordinary)
	flags.Var(&d, name, usage)
	return (*time.Duration)(&d)
}

// duration is a time on the command line. The flags of package flag say of a
// number without a unit that it is a "parse error".
type duration time.Duration

func (d *duration) String() string { return time.Duration(*d).String() }

// Set reads a time.
func (d *duration) Set(text string) error {
	read, err := time.ParseDuration(text)
	if err != nil {
		return errors.New("it is a time with its unit, such as 200ms or 5s")
	}
	*d = duration(read)
	return nil
}

// ApplyFlag adds the flag without which a program changes nothing.
func ApplyFlag(flags *flag.FlagSet) *bool {
	return flags.Bool("apply", false, "do it; without this flag nothing is sent, and the table shows what would be done")
}

// IsSet tells whether a flag is on the command line.
func IsSet(flags *flag.FlagSet, name string) bool {
	found := false
	flags.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}
