package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/orgusers/orgusers"
)

// loginFlags are the flags of login.
type loginFlags struct {
	email, baseURL, tokenCommand string
	withToken, oauth             bool
}

func newLoginCommand(t *tool) *cobra.Command {
	f := &loginFlags{}
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Log in and store a profile",
		Long: `Log in and store a profile.

login asks for the address, the password and, if the account has MFA, the code.
It stores the token of the session, not the password, in a file that only you
can read. The token is sent only to the service that issued it.

Organizations that enforce single sign-on refuse passwords: give a token with
--with-token, or a command that prints one with --token-command. If the account
has several organizations, login asks which one to use unless --org is given.`,
		Example: `  orgusers login
  orgusers login --region eu --profile work
  orgusers login --with-token < token.txt
  orgusers login --oauth --token-command 'op read op://work/contentstack/token'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if t.fake {
				return badInput("the organization of --fake ends with the command: start 'orgusers fake serve' and give its address with --base-url")
			}
			return t.login(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.email, "email", "", "`address` of the account, instead of being asked for it")
	flags.BoolVar(&f.withToken, "with-token", false, "read a token from stdin instead of asking for a password")
	flags.StringVar(&f.tokenCommand, "token-command", "", "store this `command`, which prints a token whenever one is needed, and no token")
	flags.BoolVar(&f.oauth, "oauth", false, "the token is an OAuth access token, not that of a session")
	flags.StringVar(&f.baseURL, "base-url", "", "`URL` of the service, such as that of 'orgusers fake serve', instead of --region")
	cmd.MarkFlagsMutuallyExclusive("with-token", "token-command", "email")
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		for _, secret := range []string{"--password", "--token", "--mfa", "--code"} {
			if strings.Contains(err.Error(), "unknown flag: "+secret) {
				return errors.New("a password, a code or a token is never given on the command line, where others can see it: login asks for it, or reads a token from stdin with --with-token")
			}
		}
		return err
	})
	return cmd
}

func (t *tool) login(ctx context.Context, f *loginFlags) error {
	if f.oauth && !f.withToken && f.tokenCommand == "" {
		return badInput("--oauth says what the token is: give --with-token or --token-command too")
	}
	if f.baseURL != "" && t.region != "" {
		return badInput("--base-url and --region both name the service: leave one out")
	}
	all, err := readProfiles()
	if err != nil {
		return err
	}
	p := &profile{Name: cmp.Or(t.profile, defaultProfile), BaseURL: f.baseURL, TokenCommand: f.tokenCommand, OAuth: f.oauth}
	previous := cmp.Or(all.find(p.Name), new(profile)) // which this login renews
	if p.BaseURL == "" && (t.region != "" || previous.BaseURL == "") {
		if p.BaseURL, err = regionURL(cmp.Or(t.region, string(orgusers.RegionNA))); err != nil {
			return err
		}
	}
	p.BaseURL = strings.TrimSuffix(cmp.Or(p.BaseURL, previous.BaseURL), "/")
	in := &asker{t: t, in: bufio.NewReader(stdin(ctx))}
	switch {
	case f.withToken:
		p.Token, err = in.secret(ctx, "Token")
	case f.tokenCommand == "":
		p.Token, err = t.startSession(ctx, in, f.email, p.BaseURL)
	}
	if err != nil {
		return err
	}
	client, err := t.newProfileClient(ctx, p, "", nil)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	account, err := client.GetCurrentUser(ctx) // the token works
	if err != nil {
		return err
	}
	p.Email = account.Email
	if p.BaseURL == previous.BaseURL && p.Email == previous.Email {
		p.OrganizationUID = previous.OrganizationUID
	}
	name := ""
	if p.OrganizationUID = cmp.Or(t.org, p.OrganizationUID); p.OrganizationUID == "" {
		p.OrganizationUID = in.organization(account.Organizations)
	}
	for _, o := range account.Organizations {
		if o.UID == p.OrganizationUID {
			name = o.Name
		}
	}
	all.set(p.Name, p)
	if err := all.write(); err != nil {
		return err
	}
	t.say("profile %q is stored in %s: account %s, service %s", p.Name, all.path, plain(p.Email), p.BaseURL)
	switch {
	case p.OrganizationUID == "":
		t.say("it has no organization: give --org to each command, or to login")
	case name == "":
		t.say("organization %s, which the account does not list: check the uid with 'orgusers organizations list'", plain(p.OrganizationUID))
	default:
		t.say("organization %q (%s)", name, p.OrganizationUID)
	}
	if set := setVariables(); len(set) > 0 {
		t.say("%s: commands use the environment, not this profile, unless --profile is given", areSet(set))
	}
	return nil
}

// startSession logs in with a password, and with an MFA code if one is needed. It
// returns the token of the session. A login is not repeated, because each failed
// one counts towards locking the account.
func (t *tool) startSession(ctx context.Context, in *asker, email, baseURL string) (string, error) {
	credentials := orgusers.Credentials{Email: email}
	var err error
	if credentials.Email == "" {
		if credentials.Email, err = in.line("Email"); err != nil {
			return "", err
		}
	}
	if credentials.Password, err = in.secret(ctx, "Password"); err != nil {
		return "", err
	}
	options := []orgusers.Option{orgusers.WithBaseURL(baseURL), orgusers.WithLogger(t.newLogger())}
	session, err := orgusers.Login(ctx, credentials, options...)
	if errors.Is(err, orgusers.ErrMFARequired) {
		if credentials.MFACode, err = in.secret(ctx, "MFA code"); err != nil {
			return "", err
		}
		session, err = orgusers.Login(ctx, credentials, options...)
	}
	if err != nil {
		return "", err
	}
	return session.AuthToken(), nil
}

// errInterrupted is the error of Ctrl-C while a terminal sends no signal for it.
var errInterrupted = fmt.Errorf("%w", context.Canceled)

// asker asks for what a login needs. Without a terminal it reads lines.
type asker struct {
	t  *tool
	in *bufio.Reader
}

// line asks for a line.
func (a *asker) line(what string) (string, error) {
	_, _ = fmt.Fprintf(a.t.stderr, "%s: ", what)
	typed, err := a.in.ReadString('\n')
	if !isTerminal(os.Stdin) {
		_, _ = io.WriteString(a.t.stderr, "\n") // there is no echo of the line's end
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if typed = strings.TrimRight(typed, "\r\n"); typed == "" {
		return "", badInput("nothing was typed for %q, and nothing was stored", what)
	}
	return typed, nil
}

// secret asks for a line without showing it.
func (a *asker) secret(ctx context.Context, what string) (string, error) {
	if !isTerminal(os.Stdin) {
		return a.line(what)
	}
	// The echo is off before the prompt is shown, so that no secret appears if it is pasted at once.
	terminal := int(os.Stdin.Fd())
	state, err := term.MakeRaw(terminal)
	if err != nil {
		return "", err
	}
	defer term.Restore(terminal, state) //nolint:errcheck // there is nothing else to do
	type result struct {
		typed string
		err   error
	}
	read := make(chan result, 1)
	go func() { // left behind when ctx ends, and then the program ends too
		screen := struct {
			io.Reader
			io.Writer
		}{os.Stdin, a.t.stderr}
		typed, err := term.NewTerminal(screen, "").ReadPassword(what + ": ")
		read <- result{typed, err}
	}()
	select {
	case got := <-read:
		if errors.Is(got.err, io.EOF) { // Ctrl-C or Ctrl-D
			_, _ = io.WriteString(a.t.stderr, "\r\n")
			return "", errInterrupted
		}
		if got.err == nil && got.typed == "" {
			got.err = badInput("nothing was typed for %q, and nothing was stored", what)
		}
		return got.typed, got.err
	case <-ctx.Done():
		_, _ = io.WriteString(a.t.stderr, "\r\n")
		return "", ctx.Err()
	}
}

// organization asks which organization to use. It returns "" if the input is empty.
func (a *asker) organization(organizations []orgusers.Membership) string {
	if len(organizations) == 1 {
		return organizations[0].UID
	}
	for _, o := range organizations {
		a.t.say("%s  %q", plain(o.UID), o.Name)
	}
	if len(organizations) == 0 {
		return ""
	}
	uid, err := a.line("Uid of the organization to use")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(uid)
}

func newLogoutCommand(t *tool) *cobra.Command {
	return &cobra.Command{
		Use:   "logout",
		Short: "End the session of a profile and delete the profile",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if t.fake {
				return badInput("--fake has no session to end")
			}
			p, err := t.findProfile()
			if err != nil {
				return err
			}
			done := "the session has ended"
			if p.TokenCommand != "" || p.OAuth {
				done = "its token is valid until it expires" // it is not ours
			} else {
				client, err := t.newProfileClient(cmd.Context(), p, "", nil)
				if err != nil {
					return err
				}
				defer client.CloseIdleConnections()
				if err := client.Logout(cmd.Context()); err != nil && !errors.Is(err, orgusers.ErrUnauthorized) {
					return fmt.Errorf("profile %q was kept: %w", p.Name, err)
				}
			}
			all, err := readProfiles()
			if err != nil {
				return err
			}
			all.set(p.Name, nil)
			if err := all.write(); err != nil {
				return err
			}
			t.note("profile %q is deleted; %s", p.Name, done)
			return nil
		},
	}
}

func newWhoamiCommand(t *tool) *cobra.Command {
	return &cobra.Command{
		Use:   "whoami",
		Short: "Show the account, the organization and the service",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := t.openAccount(cmd.Context())
			if err != nil {
				return err
			}
			defer o.close()
			account, err := o.client.GetCurrentUser(cmd.Context())
			if err != nil {
				return err
			}
			fields := [][2]string{
				{"Account", account.Email},
				{"Name", strings.TrimSpace(account.FirstName + " " + account.LastName)},
				{"Account uid", account.UID},
				{"MFA", string(account.MFA)},
				{"Service", o.client.BaseURL()},
				{"Credentials", o.from},
				{"Organization", o.uid},
			}
			if m := membershipOf(account, o.uid); m != nil {
				fields = append(fields, [2]string{"Organization name", m.Name}, [2]string{"Roles", strings.Join(rolesOf(m), ", ")})
			}
			return t.writeDetails(o, "account", account, fields)
		},
	}
}

// membershipOf returns the organization of an account, or nil.
func membershipOf(account *orgusers.CurrentUser, uid string) *orgusers.Membership {
	for i := range account.Organizations {
		if account.Organizations[i].UID == uid {
			return &account.Organizations[i]
		}
	}
	return nil
}

func rolesOf(m *orgusers.Membership) []string {
	var names []string
	if m.Owner {
		names = append(names, "owner")
	}
	for _, r := range m.Roles {
		names = append(names, r.Name)
	}
	return names
}
