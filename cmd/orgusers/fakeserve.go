package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/orgusers/orgusers/orguserstest"
)

func newFakeCommand(t *tool) *cobra.Command {
	return newGroup("fake", "A fake of the service with made-up users", newFakeServeCommand(t))
}

// fakeFlags are the flags of fake serve.
type fakeFlags struct {
	addr        string
	users, rate int
	seed        uint64
	latency     time.Duration
}

func newFakeServeCommand(t *tool) *cobra.Command {
	f := &fakeFlags{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve a fake of the service on this machine, for any client",
		Long: `Serve a fake of the service with made-up users until it is interrupted. It listens
on loopback only. When it is ready it writes to stdout, as lines NAME=value or as
JSON, what points clients at it. On stderr it says how to log in.`,
		Example: `  orgusers fake serve --addr 127.0.0.1:8080 --users 250
  orgusers login --base-url http://127.0.0.1:8080`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			listener, err := new(net.ListenConfig).Listen(cmd.Context(), "tcp", f.addr)
			if err != nil {
				return badInput("--addr %s: %w", f.addr, err)
			}
			return t.serveFake(cmd.Context(), f, listener)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.addr, "addr", "127.0.0.1:0", "listen on this `host:port` of loopback; port 0 is any free port")
	flags.IntVar(&f.users, "users", 250, "invent this `number` of users")
	flags.Uint64Var(&f.seed, "seed", 1, "another `number` invents another organization")
	flags.IntVar(&f.rate, "rate", 10, "respond with 429 beyond this `number` of requests per second, for reads and writes each; 0 means no limit")
	flags.DurationVar(&f.latency, "latency", 0, "make every request take this `time` longer, such as 200ms")
	return cmd
}

func (f *fakeFlags) check() error {
	host, _, err := net.SplitHostPort(f.addr)
	switch {
	case err != nil || host != "localhost" && !net.ParseIP(host).IsLoopback():
		return badInput("--addr %q: want a port of 127.0.0.1, [::1] or localhost, such as 127.0.0.1:8080", f.addr)
	case f.users < 1:
		return badInput("--users %d: want at least 1", f.users)
	case f.rate < 0:
		return badInput("--rate %d: want 0 or more", f.rate)
	case f.latency < 0:
		return badInput("--latency %v: want 0 or more", f.latency)
	}
	return nil
}

func (t *tool) serveFake(ctx context.Context, f *fakeFlags, listener net.Listener) error {
	fake := newFake(
		orguserstest.WithUsers(f.users),
		orguserstest.WithSeed(f.seed),
		orguserstest.WithRateLimit(f.rate, f.rate),
		orguserstest.WithLatency(f.latency),
	)
	defer fake.Close()
	url := "http://" + listener.Addr().String() // it accepts connections already
	var err error
	if t.output == "json" {
		o := &organization{uid: fake.OrganizationUID, fake: true}
		err = t.writeJSON(o, map[string]any{"base_url": url, "authtoken": fake.AuthToken, "email": fake.Email, "password": orguserstest.Password})
	} else {
		_, err = fmt.Fprintf(t.stdout, "CONTENTSTACK_BASE_URL=%s\nCONTENTSTACK_ORGANIZATION_UID=%s\nCONTENTSTACK_AUTHTOKEN=%s\n", url, fake.OrganizationUID, fake.AuthToken)
	}
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	t.note("serving %d made-up users at %s until it is interrupted\nlog in with 'orgusers login --base-url %s --org %s --email %s', password %q",
		f.users, url, url, fake.OrganizationUID, fake.Email, orguserstest.Password)
	server := &http.Server{Handler: fake, ReadHeaderTimeout: 10 * time.Second}
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() }) // there is nothing to lose
	defer stopped()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
