// Command fakeserver is a fake of the API as a program, for any client.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/orgusers/orgusers/examples/internal/program"
	"github.com/orgusers/orgusers/orguserstest"
)

const (
	name  = "fakeserver"
	about = `serves a fake of the Contentstack API with made-up users, until it is
interrupted. When it is ready it writes to stdout, as lines NAME=value, the
variables that point the other programs, and anything that uses orgusers, at it:

  CONTENTSTACK_BASE_URL, CONTENTSTACK_ORGANIZATION_UID, CONTENTSTACK_AUTHTOKEN

With -json it writes them as one line instead: {"base_url":…,
"organization_uid":…,"authtoken":…}.

The API has no public requests for what unlock does, and the fake has some of its
own. This is a file for unlock -routes:

` + routes
	// routes are those of the fake, as unlock reads them.
	routes = `{
  "unlock":               {"path": "/v3/organizations/{organization_uid}/fake/unlock"},
  "reset_mfa":            {"path": "/v3/organizations/{organization_uid}/fake/reset_mfa"},
  "force_password_reset": {"path": "/v3/organizations/{organization_uid}/fake/force_password_reset"},
  "end_sessions":         {"path": "/v3/organizations/{organization_uid}/fake/end_sessions"}
}
`
)

func main() { program.Main(name, run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := program.NewFlags(name, about)
	users := program.UsersFlag(flags)
	addr := flags.String("addr", "127.0.0.1:0", "listen on this `host:port` of this machine, which is all that clients talk http to; port 0 is any that is free")
	seed := flags.Uint64("seed", 1, "another `number` makes up another organization, and the same one on the same day the same")
	rate := flags.Int("rate", 10, "answer 429 beyond this many `requests` a second, reads and writes apart; 0 is no limit")
	latency := program.DurationFlag(flags, "latency", 0, "let every request take this `time` longer, such as 200ms")
	asJSON := program.JSONFlag(flags, "write one line of JSON instead of lines NAME=value")
	if err := program.Parse(flags, args, stdout); err != nil {
		return err
	}
	switch {
	case *users < 1:
		return program.Misuse("-users %d: the least is 1", *users)
	case *rate < 0:
		return program.Misuse("-rate %d: it is a number of requests, or 0 for no limit", *rate)
	case *latency < 0:
		return program.Misuse("-latency %v: it is a time of 0 or more, such as 200ms", *latency)
	case !onLoopback(*addr):
		return program.Misuse("-addr %q: it is a port of 127.0.0.1, [::1] or localhost, such as 127.0.0.1:8080", *addr)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *addr)
	if err != nil {
		return err
	}
	fake := orguserstest.NewUnstartedServer(
		orguserstest.WithUsers(*users),
		orguserstest.WithSeed(*seed),
		orguserstest.WithRateLimit(*rate, *rate),
		orguserstest.WithLatency(*latency),
		program.FakeToday(),
	)
	defer fake.Close()
	return serve(ctx, fake, listener, *users, *asJSON, stdout, stderr)
}

func serve(ctx context.Context, fake *orguserstest.Server, listener net.Listener, users int, asJSON bool, stdout, stderr io.Writer) error {
	// The listener accepts already: whoever reads this can begin.
	err := place{"http://" + listener.Addr().String(), fake.OrganizationUID, fake.AuthToken}.write(stdout, asJSON)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	program.Say(stderr, "%s: serving %d made-up users at %s until it is interrupted", name, users, listener.Addr())
	server := &http.Server{Handler: fake, ReadHeaderTimeout: 10 * time.Second}
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() }) // there is nothing to lose
	defer stopped()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// place is what points a client at the fake.
type place struct {
	BaseURL         string `json:"base_url"`
	OrganizationUID string `json:"organization_uid"`
	AuthToken       string `json:"authtoken"`
}

func (p place) write(stdout io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(stdout).Encode(p) //nolint:gosec // the token is made up
	}
	_, err := fmt.Fprintf(stdout, "CONTENTSTACK_BASE_URL=%s\nCONTENTSTACK_ORGANIZATION_UID=%s\nCONTENTSTACK_AUTHTOKEN=%s\n",
		p.BaseURL, p.OrganizationUID, p.AuthToken)
	return err
}

func onLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	return err == nil && program.OnLoopback(host)
}
