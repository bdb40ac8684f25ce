package program

import (
	"flag"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

const environmentPrefix = "CONTENTSTACK_"

// Environment is for -h of programs that open an [Organization].
const Environment = `Without any CONTENTSTACK_ variable it works on made-up users: it starts a fake
of the API inside itself. For a real organization set

  CONTENTSTACK_ORGANIZATION_UID  the organization, and
  CONTENTSTACK_AUTHTOKEN         the token of a user session, or
  CONTENTSTACK_OAUTH_TOKEN       an OAuth access token; and unless it is in na
  CONTENTSTACK_REGION            eu, au, azure-na, azure-eu, gcp-na or gcp-eu, or
  CONTENTSTACK_BASE_URL          another address of the API
`

// Organization is whose users a program works on: a real organization's, or
// those of a fake.
type Organization struct {
	flags *flag.FlagSet
	users *int
}

// OrganizationFlags adds the flags of an organization to a program's.
func OrganizationFlags(flags *flag.FlagSet) *Organization {
	return &Organization{flags: flags, users: UsersFlag(flags)}
}

// UsersFlag adds the size of a fake organization to a program's flags.
func UsersFlag(flags *flag.FlagSet) *int {
	return flags.Int("users", 2500, "make up this many `users` in the fake organization")
}

// Open makes a client of the organization in the environment, or of a fake
// where the environment says nothing at all, and says on stderr which it is.
// Half a configuration is an error: somebody means a real organization. The
// fake brings routes for what the API has no request for; of a real one stderr
// is told when it does not answer for some time. Options are added to either's.
// Call close when done.
func (o *Organization) Open(stderr io.Writer, options ...orgusers.Option) (client *orgusers.Client, closeFake func(), err error) {
	return o.OpenFor(stderr, func(string) []orgusers.Option { return options })
}

// OpenFor is Open with options that depend on the organization's uid.
func (o *Organization) OpenFor(stderr io.Writer, options func(uid string) []orgusers.Option) (client *orgusers.Client, closeFake func(), err error) {
	if *o.users < 1 {
		return nil, nil, Misuse("-users %d: the least is 1", *o.users)
	}
	if variables := environment(); len(variables) > 0 {
		if client, err = o.openReal(variables, stderr, options); err != nil {
			return nil, nil, err
		}
		Say(stderr, "%s: using the organization %s at %s", o.flags.Name(), client.OrganizationUID(), client.BaseURL())
		return client, func() {}, nil
	}
	server := orguserstest.NewServer(orguserstest.WithUsers(*o.users), FakeToday())
	all := slices.Concat(server.Options(), []orgusers.Option{orgusers.WithRoutes(server.Routes())}, options(server.OrganizationUID))
	if client, err = orgusers.New(server.OrganizationUID, all...); err != nil {
		server.Close()
		return nil, nil, Misuse("%w", err)
	}
	Say(stderr, "%s: using the built-in fake with %d made-up users, since no %s variable is set", o.flags.Name(), *o.users, environmentPrefix)
	return client, server.Close, nil
}

func (o *Organization) openReal(variables []string, stderr io.Writer, options func(uid string) []orgusers.Option) (*orgusers.Client, error) {
	names := strings.Join(variables, ", ")
	if IsSet(o.flags, "users") {
		return nil, Misuse("-users is for the built-in fake, and %s in the environment for a real organization: leave one out", names)
	}
	plain, err := orgusers.NewFromEnv()
	if err != nil {
		return nil, Misuse("%w; put that right, or unset %s for the built-in fake", err, names)
	}
	log := orgusers.WithLogger(newRetries(o.flags.Name(), stderr))
	client, err := orgusers.NewFromEnv(append([]orgusers.Option{log}, options(plain.OrganizationUID())...)...)
	if err != nil {
		return nil, Misuse("%w", err)
	}
	return client, nil
}

// FakeToday makes the past of a fake end today, so that "not seen for 90 days"
// means the same as in a real organization. It is the beginning of the day, so
// that one day's exports of a fake are the same.
func FakeToday() orguserstest.Option {
	return orguserstest.WithReferenceDate(time.Now().UTC().Truncate(24 * time.Hour))
}

// environment is the names of the variables that mean a real organization.
// One that is set to nothing counts: its value was meant to be there.
func environment() []string {
	var names []string
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, environmentPrefix) {
			names = append(names, name)
		}
	}
	return names
}
