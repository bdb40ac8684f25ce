// Command bench measures what lists and exports cost: in time against the
// floor that a limit sets, in CPU time against a loop by hand, in memory. It
// prints one table. docs/performance.md tells how to read it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

const about = `bench measures what lists and exports cost, on fakes of the API that run as
processes of their own, in real time: some six minutes for all of it. The table
goes to stdout, in Markdown. It wants a machine that has little else to do.

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := play(ctx)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// play is this process: the one that measures unless the environment says that
// it is one of those that the other has started.
func play(ctx context.Context) error {
	if role := os.Getenv(roleVariable); role != "" {
		return roles[role](ctx, os.Stdin, os.Stdout)
	}
	return run(ctx, os.Args[1:], os.Stdout, os.Stderr)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		_, _ = io.WriteString(stderr, about)
		flags.PrintDefaults()
	}
	var names []string
	for _, g := range groups {
		names = append(names, g.name)
	}
	wanted := flags.String("rows", strings.Join(names, ","), "measure these `kinds` of rows")
	quick := flags.Bool("quick", false, "measure less, in about a minute: good for a look, not for the record")
	asJSON := flags.Bool("json", false, "print JSON instead")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q: there are flags and nothing else; -h explains them", flags.Arg(0))
	}
	size := full
	if *quick {
		size = small
	}
	chosen := strings.Split(*wanted, ",")
	for _, name := range chosen {
		if !slices.Contains(names, name) {
			return fmt.Errorf("-rows %q: there are %s", name, strings.Join(names, ", "))
		}
	}

	result := table{Go: runtime.Version(), CPUs: runtime.NumCPU(), LoadBefore: load()}
	var err error
	if result.Rows, err = measure(ctx, size, chosen, stderr); err != nil {
		return err
	}
	result.LoadAfter = load()
	if *asJSON {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(result)
	}
	_, err = io.WriteString(stdout, result.markdown())
	return err
}

// load is the load average of this machine: of one, five and fifteen minutes.
// It is empty where the system does not say.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}
