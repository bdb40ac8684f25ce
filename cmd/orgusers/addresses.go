package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
)

// addressFlags say which users a command is about.
type addressFlags struct{ emails []string }

func addAddressFlags(cmd *cobra.Command) *addressFlags {
	f := new(addressFlags)
	cmd.Flags().StringSliceVar(&f.emails, "email", nil, "`addresses`, separated by commas; can be repeated")
	return f
}

// read returns the addresses.
func (f *addressFlags) read(context.Context) ([]string, error) {
	var emails []string
	for _, email := range f.emails {
		if email = strings.TrimSpace(email); email == "" {
			return nil, badInput("--email: an address is empty")
		}
		emails = append(emails, email)
	}
	if len(emails) == 0 {
		return nil, badInput("no addresses: give --email")
	}
	return emails, nil
}
