package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// The variables of the environment that orgusers.NewFromEnv reads.
const (
	uidVariable     = "CONTENTSTACK_ORGANIZATION_UID"
	regionVariable  = "CONTENTSTACK_REGION"
	baseURLVariable = "CONTENTSTACK_BASE_URL"
)

var variables = []string{"CONTENTSTACK_AUTHTOKEN", "CONTENTSTACK_OAUTH_TOKEN", uidVariable, regionVariable, baseURLVariable}

// organization is what a command works on.
type organization struct {
	client *orgusers.Client
	uid    string // empty if the command is about the account only
	from   string // where the credentials come from
	fake   bool   // its users are made up
	// profile says that a stored profile has the credentials.
	profile bool
	close   func()
}

// open returns the organization of the flags, the environment or a profile. Close
// it when done.
func (t *tool) open(ctx context.Context, options ...orgusers.Option) (*organization, error) {
	o, err := t.openAccount(ctx, options...)
	if err == nil && o.uid == "" {
		o.close()
		instead := "set " + uidVariable
		if o.profile {
			instead = "store it with 'orgusers login --org UID'"
		}
		return nil, badInput("%s has no organization: give --org UID or %s; 'orgusers organizations list' shows the uids", o.from, instead)
	}
	return o, err
}

// areSet says that variables are set.
func areSet(names []string) string {
	if len(names) == 1 {
		return names[0] + " is set"
	}
	return strings.Join(names, ", ") + " are set"
}

// setVariables returns the variables that are set. One that is set to nothing
// counts: its value was meant to be there.
func setVariables() []string {
	return slices.DeleteFunc(slices.Clone(variables), func(name string) bool { _, is := os.LookupEnv(name); return !is })
}

// openAccount is open for commands that are about the account: they need no
// organization.
func (t *tool) openAccount(ctx context.Context, options ...orgusers.Option) (*organization, error) {
	set := setVariables()
	var o *organization
	var err error
	switch {
	case t.fake && (t.profile != "" || t.org != "" || t.region != ""):
		return nil, badInput("--fake is an organization of its own: leave out --profile, --org and --region, or --fake")
	case t.fake:
		o, err = openFake(slices.Concat(t.commonOptions(), options))
		if err == nil {
			t.say("--fake: a fake organization with made-up users; no real user is read or changed")
		}
	case t.profile == "" && len(set) > 0:
		o, err = t.openEnvironment(set, slices.Concat(t.commonOptions(), options))
	default:
		o, err = t.openProfile(ctx, options)
	}
	if err != nil && !errors.As(err, new(misuse)) && isLocallyInvalid(err) {
		err = badInput("%s", withoutPackage(err.Error()))
	}
	return o, err
}

// openFake starts a fake in memory.
func openFake(options []orgusers.Option) (*organization, error) {
	server := newFake(orguserstest.WithUsers(250))
	server.Start()
	options = slices.Concat(server.Options(), []orgusers.Option{orgusers.WithEndpoints(server.Endpoints())}, options)
	client, err := orgusers.New(server.OrganizationUID, options...)
	if err != nil {
		server.Close()
		return nil, err
	}
	return &organization{client: client, uid: server.OrganizationUID, from: "--fake", fake: true, close: server.Close}, nil
}

// newFake returns a fake with a team. Its past ends today, so that "not seen for
// 90 days" means the same as in a real organization.
func newFake(options ...orguserstest.Option) *orguserstest.Server {
	today := orguserstest.WithReferenceDate(time.Now().UTC().Truncate(24 * time.Hour))
	server := orguserstest.NewUnstartedServer(append(options, today)...)
	team := orguserstest.Team{Name: "Editors", Description: "Writers and editors", Stacks: map[string][]string{"Website": {"Content Manager"}}}
	for _, user := range server.Users() {
		if !user.Pending && len(team.Members) < 5 {
			team.Members = append(team.Members, user.Email)
		}
	}
	server.AddTeam(team)
	return server
}

// openEnvironment takes everything from the environment. The flags replace its
// organization and its region.
func (t *tool) openEnvironment(set []string, options []orgusers.Option) (*organization, error) {
	if t.org != "" {
		_ = os.Setenv(uidVariable, t.org)
	}
	if t.region != "" {
		_ = os.Setenv(regionVariable, t.region)
		_ = os.Unsetenv(baseURLVariable)
	}
	uid := os.Getenv(uidVariable)
	if uid == "" {
		_ = os.Setenv(uidVariable, "none") // requests about the account need no organization
	}
	client, err := orgusers.NewFromEnv(options...)
	if err != nil {
		object := "them"
		if len(set) == 1 {
			object = "it"
		}
		return nil, badInput("%s\nCredentials, organization and region come from the environment because %s; unset %s or give --profile to use a profile",
			withoutPackage(err.Error()), areSet(set), object)
	}
	return &organization{client: client, uid: uid, from: "the environment", close: client.CloseIdleConnections}, nil
}

// openProfile takes everything from a stored profile.
func (t *tool) openProfile(ctx context.Context, options []orgusers.Option) (*organization, error) {
	p, err := t.findProfile()
	if err != nil {
		return nil, err
	}
	if t.region != "" {
		if err := p.checkRegion(t.region); err != nil {
			return nil, err
		}
	}
	uid := cmp.Or(t.org, p.OrganizationUID)
	client, err := t.newProfileClient(ctx, p, uid, options)
	if err != nil {
		return nil, err
	}
	return &organization{client: client, uid: uid, from: fmt.Sprintf("profile %q", p.Name), profile: true, close: client.CloseIdleConnections}, nil
}

// newProfileClient returns a client with the token of a profile. Requests about
// the account need no organization.
func (t *tool) newProfileClient(ctx context.Context, p *profile, uid string, options []orgusers.Option) (*orgusers.Client, error) {
	token, err := p.token(ctx, t)
	if err != nil {
		return nil, err
	}
	credentials := orgusers.WithAuthToken(token)
	if p.OAuth {
		credentials = orgusers.WithTokenSource(fixedToken(func() string { return token }))
	}
	options = slices.Concat(t.commonOptions(), options, []orgusers.Option{credentials, orgusers.WithBaseURL(p.BaseURL)})
	client, err := orgusers.New(cmp.Or(uid, "none"), options...)
	if err != nil {
		return nil, badInput("profile %q: %s", p.Name, withoutPackage(err.Error()))
	}
	return client, nil
}

// commonOptions are those of every client.
func (t *tool) commonOptions() []orgusers.Option {
	return []orgusers.Option{orgusers.WithLogger(t.newLogger()), orgusers.WithUserAgent("orgusers-cli/" + strings.Trim(version(), "()"))}
}

// fixedToken is a source of one OAuth token. It is a function, so that no verb of
// fmt prints the token.
type fixedToken func() string

// Token returns the token.
func (f fixedToken) Token(context.Context) (string, error) { return f(), nil }

// findProfile returns the profile of the flag, or the default one.
func (t *tool) findProfile() (*profile, error) {
	all, err := readProfiles()
	if err != nil {
		return nil, err
	}
	name := cmp.Or(t.profile, defaultProfile)
	if p := all.find(name); p != nil {
		return p, nil
	}
	if len(all.Profiles) > 0 {
		var names []string
		for _, p := range all.Profiles {
			names = append(names, fmt.Sprintf("%q", p.Name))
		}
		return nil, badInput("there is no profile %q; there is %s: give its name with --profile", name, strings.Join(names, ", "))
	}
	if t.profile != "" {
		return nil, badInput("there is no profile %q: 'orgusers login --profile %s' stores it", name, name)
	}
	return nil, badInput(`there are no credentials. Give them in one of three ways:
  orgusers login              log in and store a profile
  CONTENTSTACK_AUTHTOKEN=…    with CONTENTSTACK_ORGANIZATION_UID and, unless it is na, CONTENTSTACK_REGION
  --fake                      try the command on made-up users`)
}

// checkRegion refuses a region that is not the one of the token.
func (p *profile) checkRegion(name string) error {
	base, err := regionURL(name)
	if err == nil && base != p.BaseURL {
		err = badInput("--region %s is %s, but the token of profile %q is for %s: log in to that region with another --profile", name, base, p.Name, p.BaseURL)
	}
	return err
}

// regionURL returns the base URL of a region.
func regionURL(name string) (string, error) {
	region, err := orgusers.ParseRegion(name)
	if err != nil {
		return "", badInput("--region: %s", withoutPackage(err.Error()))
	}
	client, err := orgusers.New("none", orgusers.WithAuthToken("none"), orgusers.WithRegion(region))
	if err != nil {
		return "", err
	}
	return client.BaseURL(), nil
}

// token returns the stored token, or what the token command prints.
func (p *profile) token(ctx context.Context, t *tool) (string, error) {
	if p.TokenCommand == "" {
		return p.Token, nil
	}
	shell := []string{"sh", "-c"}
	if runtime.GOOS == "windows" {
		shell = []string{"cmd", "/C"}
	}
	cmd := exec.CommandContext(ctx, shell[0], shell[1], p.TokenCommand) //nolint:gosec // the user's own command
	cmd.Stderr = t.stderr
	printed, err := cmd.Output()
	token := strings.TrimSpace(string(printed))
	switch {
	case err != nil:
		return "", badInput("the token_command of profile %q failed: %w", p.Name, err)
	case token == "":
		return "", badInput("the token_command of profile %q printed nothing", p.Name)
	}
	return token, nil
}
