// Command orgusers manages the users of a Contentstack organization.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/orgusers/orgusers"
)

// The exit statuses of every command.
const (
	statusDone        = 0
	statusFailed      = 1
	statusMisused     = 2
	statusInterrupted = 130 // as shells report a program that Ctrl-C ended
	statusUnread      = 141 // as they report a program that wrote to a closed pipe
)

// tool is one run of the program: its streams and the global flags.
type tool struct {
	stdout, stderr io.Writer

	output               string
	profile, org, region string
	quiet, debug, fake   bool

	started bool // the command line was accepted
}

func main() {
	ctx, stop := interruptible()
	t := &tool{stdout: stdout{os.Stdout}, stderr: os.Stderr}
	command, err := newRootCommand(t).ExecuteContextC(ctx)
	if err != nil && !t.started {
		err = misuse{fmt.Errorf("%w\nRun '%s --help' for the usage", err, command.CommandPath())}
	}
	status := exitStatus(ctx, err)
	stop()
	t.reportError(status, err)
	os.Exit(status)
}

func newRootCommand(t *tool) *cobra.Command {
	root := &cobra.Command{
		Use:   "orgusers",
		Short: "Manage the users of a Contentstack organization",
		Long: `orgusers manages the users of a Contentstack organization.

Credentials, organization and region come from one source:

  --fake                      a fake organization with made-up users, in memory
  --profile NAME              a profile that 'orgusers login' stored
  CONTENTSTACK_… variables    CONTENTSTACK_AUTHTOKEN or CONTENTSTACK_OAUTH_TOKEN,
                              CONTENTSTACK_ORGANIZATION_UID, and
                              CONTENTSTACK_REGION or CONTENTSTACK_BASE_URL
  otherwise                   the profile "default"

--org and --region replace the organization and the region of the source. A
stored token is only sent to the service that issued it.

Commands that change something are dry runs without --apply.

Exit status: 0 done; 1 failed; 2 wrong flags, configuration or input, or refused
by a guard; 130 interrupted; 141 the reader of stdout has gone. There are no
colors.`,
		Version:           version(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return t.start(cmd) },
	}
	root.SetOut(t.stdout)
	root.SetErr(t.stderr)
	root.SetVersionTemplate("orgusers {{.Version}}\n")
	flags := root.PersistentFlags()
	flags.StringVar(&t.output, "output", "table", "`format` of the output: table, json or csv")
	flags.StringVar(&t.profile, "profile", "", "use the stored profile with this `name`")
	flags.StringVar(&t.org, "org", "", "`uid` of the organization, instead of that of the source")
	flags.StringVar(&t.region, "region", "", "`region` of the service: na, eu, au, azure-na, azure-eu, gcp-na or gcp-eu")
	flags.BoolVar(&t.quiet, "quiet", false, "no progress and no summaries on stderr")
	flags.BoolVar(&t.debug, "debug", false, "log each request on stderr, without addresses, and show whole errors")
	flags.BoolVar(&t.fake, "fake", false, "use a fake organization with made-up users instead of a real one")
	root.AddCommand(
		newLoginCommand(t),
		newLogoutCommand(t),
		newWhoamiCommand(t),
		newDoctorCommand(t),
		newRolesCommand(t),
		newUsersCommand(t),
		newStacksCommand(t),
		newTeamsCommand(t),
		newAccessCommand(t),
		newSecurityCommand(t),
		newAuditCommand(t),
		newOrganizationsCommand(t),
		newFakeCommand(t),
		newManCommand(t),
		newInvitationsCommand(t),
		newReviewCommand(t),
	)
	return root
}

// newGroup returns a command that only has subcommands.
func newGroup(use, short string, commands ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs}
	group.RunE = func(*cobra.Command, []string) error {
		var names []string
		for _, c := range commands {
			names = append(names, c.Name())
		}
		return badInput("'orgusers %s' needs a subcommand: %s", group.Name(), strings.Join(names, ", "))
	}
	group.AddCommand(commands...)
	return group
}

// noArgs refuses arguments that belong to no flag, which are often addresses.
func noArgs(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case cmd.Flags().Lookup("email") != nil && strings.Contains(args[0], "@"):
		return fmt.Errorf("unexpected argument %q: give addresses with --email", args[0])
	default:
		return fmt.Errorf("unexpected argument %q", args[0])
	}
}

// oneArg refuses more or fewer arguments than the one that the usage names.
func oneArg(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		_, name, _ := strings.Cut(cmd.Use, " ")
		return fmt.Errorf("want one %s as the argument, not %d", name, len(args))
	}
	return nil
}

// start checks what cobra does not check before it calls a command.
func (t *tool) start(cmd *cobra.Command) error {
	if err := errors.Join(cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups()); err != nil {
		return err
	}
	if !slices.Contains([]string{"table", "json", "csv"}, t.output) {
		return fmt.Errorf("--output %q: want table, json or csv", t.output)
	}
	t.started = true
	return nil
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

// interruptible returns a context that ends when the program gets a signal to stop.
func interruptible() (context.Context, context.CancelFunc) {
	// Writing to a closed pipe is then an error, instead of the end of the program.
	signal.Ignore(syscall.SIGPIPE)
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // it is ignored under nohup
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	context.AfterFunc(ctx, stop) // the second Ctrl-C ends the program at once
	return ctx, stop
}

func exitStatus(ctx context.Context, err error) int {
	switch {
	case err == nil:
		return statusDone
	case errors.Is(err, errUnread):
		return statusUnread
	case errors.As(err, new(misuse)), errors.Is(err, orgusers.ErrRefused), errors.Is(err, orgusers.ErrNoEndpoint), isLocallyInvalid(err):
		return statusMisused
	case ctx.Err() != nil, errors.Is(err, errInterrupted):
		return statusInterrupted
	default:
		return statusFailed
	}
}
