package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/orgusers/orgusers"
)

func TestCells(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		" a\u00a0b\n\tc\u0085 ":     "a b c",
		"\x1b[2J\u202e\u009b\u200b": "\uFFFD[2J\uFFFD\uFFFD\uFFFD",
		"李 Na":                      "李 Na",
	} {
		if got := plain(cell); got != want {
			t.Errorf("%q is %q, want %q", cell, got, want)
		}
	}
	if got := printable("a\n\tb\u0085"); got != "a\n\tb\uFFFD" {
		t.Errorf("printable: %q", got)
	}
	if got := escapeUnprintable("{\n\"\u202e\U000e0001 é\"}"); got != "{\n\"\\u202e\\udb40\\udc01 é\"}" {
		t.Errorf("escaped: %s", got)
	}
}

func TestTableOfWideLetters(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	if err := writeTable(&table, [][]string{{"Name", "Uid"}, {"李 Na", "1"}, {"Ada Bee", "2"}}); err != nil {
		t.Fatal(err)
	}
	if want := "NAME     UID\n李 Na    1\nAda Bee  2\n"; table.String() != want {
		t.Errorf("table:\n%swant:\n%s", table.String(), want)
	}
}

func TestErrorsForPeople(t *testing.T) {
	t.Parallel()
	network := errors.New("dial tcp: lookup api.contentstack.io: no such host")
	for want, err := range map[string]error{
		"the service cannot be reached (no such host): check the network":     &orgusers.Error{Op: "Roles", Message: "no such host"},
		"the service failed (503): try again later; request abc":              &orgusers.Error{StatusCode: 503, RequestID: "abc"},
		"the rate limit of the organization is used up: try again in 1s":      &orgusers.Error{StatusCode: 429, RetryAfter: 1},
		"the rate limit of the organization is used up: try again later":      &orgusers.Error{StatusCode: 429},
		"the service rejected the request (409: there already)":               &orgusers.Error{StatusCode: 409, Message: "there already"},
		"the service does not have it (no such log)":                          &orgusers.Error{StatusCode: 404, Path: "/v3/organizations/{organization_uid}/logs/{log}", Message: "no such log"},
		"nothing was changed: the service failed (500)":                       fmt.Errorf("nothing was changed: %w", &orgusers.Error{StatusCode: 500}),
		"the organization has no such role":                                   errors.New("orgusers: GetRole: not found: the organization has no such role"),
		"dial tcp: lookup api.contentstack.io: no such host":                  network,
		"nothing was changed: the API has no public request for this; if you": fmt.Errorf("orgusers: UnlockUsers: %w", orgusers.ErrNoEndpoint),
	} {
		if got := explain(err); !strings.HasPrefix(got, want) {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
	}
}
