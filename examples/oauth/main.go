// Command oauth writes the users of an organization as CSV, signed in with
// OAuth tokens that it renews.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/program"
	"github.com/orgusers/orgusers/examples/internal/userexport"
	"github.com/orgusers/orgusers/orguserstest"
)

const (
	name  = "oauth"
	about = `writes the users of a Contentstack organization as CSV, signed in with
OAuth: it renews the access token before it expires and when it is refused, and
keeps the refresh token that comes with a new one.

Without any CONTENTSTACK_ variable it works on made-up users: it starts a fake
of the API inside itself. For a real organization give -tokens, and set

  CONTENTSTACK_ORGANIZATION_UID     the organization,
  CONTENTSTACK_OAUTH_CLIENT_ID      the id of your OAuth app,
  CONTENTSTACK_OAUTH_CLIENT_SECRET  its secret, if it has one, and
  CONTENTSTACK_OAUTH_TOKEN_URL      where its tokens are renewed; and unless it is in na
  CONTENTSTACK_REGION               eu, au, azure-na, azure-eu, gcp-na or gcp-eu, or
  CONTENTSTACK_BASE_URL             another address of the API

The file of -tokens is what the token endpoint answered when you signed in: JSON
with a refresh_token, and maybe an access_token. It is replaced at each renewal,
since the refresh token in it may be good for one only: no two programs can share
it.

` + userexport.Help
)

func main() { program.Main(name, run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := program.NewFlags(name, about)
	organization := program.OrganizationFlags(flags)
	output := userexport.Flags(flags)
	file := flags.String("tokens", "", "read the tokens from this JSON `file`, and replace it when they are renewed")
	if err := program.Parse(flags, args, stdout); err != nil {
		return err
	}
	if err := output.Check(); err != nil {
		return err
	}
	var tokens *source
	organization.SignWith(func(fake *orguserstest.Server) (orgusers.Option, error) {
		var err error
		tokens, err = tokensOf(fake, *file, func() { program.Say(stderr, "%s: the access token was renewed", name) })
		return orgusers.WithTokenSource(tokens), err
	})
	client, closeFake, err := organization.Open(stderr)
	if err != nil {
		return err
	}
	defer closeFake()

	err = output.Export(ctx, client, new(orgusers.ExportOptions), stdout, stderr)
	if failure, ok := errors.AsType[*renewalError](err); ok {
		err = failure // the client shows no text of a token source
	}
	if unsaved := tokens.Close(); unsaved != nil {
		err = errors.Join(err, fmt.Errorf("the new tokens are lost, and the old refresh token may be used up: sign in again: %w", unsaved))
	}
	return err
}
