package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/program"
)

// confirm asks for the organization's name, and is an error unless that is
// typed, letter for letter.
func confirm(ctx context.Context, client *orgusers.Client, leaving int, stderr io.Writer) error {
	organization, err := client.GetOrganization(ctx, nil)
	if err != nil {
		return err
	}
	want := strings.TrimSpace(cmp.Or(organization.Name, client.OrganizationUID()))
	_, _ = fmt.Fprintf(stderr, "Users to be removed: %d. To go on, type the name of the organization, %q: ", leaving, want)
	stdin := program.Stdin(ctx)
	typed, err := bufio.NewReader(stdin).ReadString('\n')
	if !program.IsTerminal(stderr) || err != nil {
		program.Say(stderr, "") // nobody has ended the line
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch typed = strings.TrimSpace(typed); typed {
	case want:
		return nil
	case "":
		return program.WrongInput("nothing was sent: the organization is %q, and nothing was typed: type that, or give -yes", want)
	default:
		return program.WrongInput("nothing was sent: the organization is %q, and what was typed %q", want, typed)
	}
}
