package program

import (
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

const (
	environmentPrefix  = "CONTENTSTACK_"
	uidVariable        = environmentPrefix + "ORGANIZATION_UID"
	regionVariable     = environmentPrefix + "REGION"
	baseURLVariable    = environmentPrefix + "BASE_URL"
	authTokenVariable  = environmentPrefix + "AUTHTOKEN"
	oauthTokenVariable = environmentPrefix + "OAUTH_TOKEN"
)

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
	sign  func(fake *orguserstest.Server) (orgusers.Option, error)
}

// OrganizationFlags adds the flags of an organization to a program's.
func OrganizationFlags(flags *flag.FlagSet) *Organization {
	return &Organization{flags: flags, users: UsersFlag(flags), sign: signFake}
}

// signFake leaves a real organization to the environment.
func signFake(fake *orguserstest.Server) (orgusers.Option, error) {
	if fake == nil {
		return nil, nil //nolint:nilnil // no option is none
	}
	return orgusers.WithAuthToken(fake.AuthToken), nil
}

// SignWith replaces the tokens of the environment and of the fake. The argument
// of sign is the fake, or nil for a real organization.
func (o *Organization) SignWith(sign func(fake *orguserstest.Server) (orgusers.Option, error)) {
	o.sign = sign
}

// UsersFlag adds the size of a fake organization to a program's flags.
func UsersFlag(flags *flag.FlagSet) *int {
	return flags.Int("users", 2500, "make up this many `users` in the fake organization")
}

// IsFake tells whether [Organization.Open] makes up its users.
func (o *Organization) IsFake() bool { return len(environment()) == 0 }

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
	if variables := environment(); !o.IsFake() {
		if client, err = o.openReal(variables, stderr, options); err != nil {
			return nil, nil, err
		}
		Say(stderr, "%s: using the organization %s at %s", o.flags.Name(), client.OrganizationUID(), client.BaseURL())
		return client, func() {}, nil
	}
	server := orguserstest.NewServer(orguserstest.WithUsers(*o.users), FakeToday())
	if client, err = o.openFake(server, options(server.OrganizationUID)); err != nil {
		server.Close()
		return nil, nil, err
	}
	Say(stderr, "%s: using the built-in fake with %d made-up users, since no %s variable is set", o.flags.Name(), *o.users, environmentPrefix)
	return client, server.Close, nil
}

// orFake is how to come back to the fake, for somebody who has set little: who
// has set more means a real organization.
func orFake(variables []string) string {
	if len(variables) > 1 {
		return ""
	}
	return "; put that right, or unset " + variables[0] + " for the built-in fake"
}

func (o *Organization) openFake(server *orguserstest.Server, options []orgusers.Option) (*orgusers.Client, error) {
	signed, err := o.sign(server)
	if err != nil {
		return nil, err
	}
	own := []orgusers.Option{orgusers.WithBaseURL(server.URL), signed, orgusers.WithEndpoints(server.Endpoints())}
	client, err := orgusers.New(server.OrganizationUID, slices.Concat(own, options)...)
	if err != nil {
		return nil, Misuse("%w", err)
	}
	return client, nil
}

func (o *Organization) openReal(variables []string, stderr io.Writer, options func(uid string) []orgusers.Option) (*orgusers.Client, error) {
	names := strings.Join(variables, ", ")
	if IsSet(o.flags, "users") {
		return nil, Misuse("-users is for the built-in fake, and %s in the environment for a real organization: leave one out", names)
	}
	signed, err := o.sign(nil)
	if err != nil {
		return nil, err
	}
	plain, err := orgusers.NewFromEnv(signed)
	switch {
	case err == nil:
	case signed == nil && os.Getenv(uidVariable) == "" && os.Getenv(authTokenVariable) == "" && os.Getenv(oauthTokenVariable) == "":
		return nil, Misuse("%s is not set, and neither is %s or %s%s", uidVariable, authTokenVariable, oauthTokenVariable, orFake(variables))
	default:
		return nil, Misuse("%w%s", err, orFake(variables))
	}
	log := orgusers.WithLogger(newRetries(o.flags.Name(), stderr))
	client, err := orgusers.NewFromEnv(append([]orgusers.Option{log, signed}, options(plain.OrganizationUID())...)...)
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

// OnLoopback tells whether a host is this machine.
func OnLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// ofOrganization begins the paths of requests about an organization.
const ofOrganization = "/v3/organizations/{organization_uid}"

// remedy is what to do about an error that the package, which knows nothing of
// this program's environment, does not say: the organization was not found.
func remedy(err error) string {
	failure, ok := errors.AsType[*orgusers.Error](err)
	if !ok || !failure.Is(orgusers.ErrNotFound) || failure.StatusCode != http.StatusNotFound {
		return ""
	}
	below, found := strings.CutPrefix(failure.Path, ofOrganization)
	if !found || strings.Contains(below, "{") { // it may be something in the organization
		return ""
	}
	place := regionVariable
	if os.Getenv(baseURLVariable) != "" {
		place = baseURLVariable
	}
	return "\nThere is no such organization, or it is in another region: look at " + uidVariable + " and " + place + "."
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
