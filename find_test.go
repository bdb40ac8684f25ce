package orgusers_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func TestFindUsers(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithUsers(320))
	all := withoutAddresses(expected(server.Users())) // a search has no details of inviters
	var addresses, shouted []string
	for _, u := range all {
		addresses = append(addresses, u.Email)
		shouted = append(shouted, strings.ToUpper(u.Email))
	}
	backwards := slices.Clone(all)
	slices.Reverse(backwards)
	tests := []struct {
		name     string
		ask      []string
		want     []*orgusers.User
		requests int
	}{
		{"nobody", nil, nil, 0},
		{"one", addresses[3:4], all[3:4], 1},
		{"one in capitals", shouted[3:4], all[3:4], 1},
		{"one with blanks around", []string{"\t " + addresses[3] + " \n"}, all[3:4], 1},
		{"one twice", []string{addresses[3], shouted[3], addresses[3]}, all[3:4], 1},
		{"one who is not there", []string{"nobody@example.com"}, nil, 1},
		{"some who are there and some who are not", []string{"a@example.com", addresses[9], "b@example.com", addresses[2]}, []*orgusers.User{all[9], all[2]}, 1},
		{"everybody backwards, in hundreds", emails(backwards), backwards, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server.ClearRequests()
			got, err := fakeClient(t, server).FindUsers(t.Context(), tt.ask...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := diffUsers(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if got := len(server.Requests()); got != tt.requests {
				t.Errorf("%d requests, want %d", got, tt.requests)
			}
		})
	}
}

func TestFindUsersReadsAllPagesOfTheAnswer(t *testing.T) {
	t.Parallel()
	server := startFake(t, orguserstest.WithUsers(100), orguserstest.WithPageCap(9))
	all := withoutAddresses(expected(server.Users()))
	got, err := fakeClient(t, server).FindUsers(t.Context(), emails(all)...)
	if err != nil {
		t.Fatal(err)
	}
	if diff := diffUsers(all, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A server that does not understand the body answers with everybody.
func TestFindUsersReturnsNobodyWhoWasNotAskedFor(t *testing.T) {
	t.Parallel()
	client := newClient(t, rowsOf(`[{"uid":"a","email":"a@example.com"},{"uid":"b","email":"B@example.com"}]`, 2))
	got, err := client.FindUsers(t.Context(), "b@example.com", "c@example.com")
	if want := []*orgusers.User{{ShareUID: "b", Email: "B@example.com"}}; err != nil || !cmp.Equal(want, got) {
		t.Errorf("got %v and %v, want b alone", got, err)
	}
}

func TestGetUser(t *testing.T) {
	t.Parallel()
	server := startFake(t)
	client := fakeClient(t, server)
	want := withoutAddresses(expected(server.Users()))[4]
	got, err := client.GetUser(t.Context(), strings.ToUpper(want.Email))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	got, err = client.GetUser(t.Context(), "nobody@example.com")
	if got != nil || !errors.Is(err, orgusers.ErrNotFound) || strings.Contains(err.Error(), "nobody@") {
		t.Errorf("got %v and %v, want ErrNotFound without the address", got, err)
	}
}

func TestArgumentsOfListsThatAreRefused(t *testing.T) {
	t.Parallel()
	page := func(opts orgusers.ListUsersOptions) func(context.Context, *orgusers.Client) error {
		return func(ctx context.Context, c *orgusers.Client) error {
			_, err := c.ListUsers(ctx, &opts)
			return err
		}
	}
	users := func(opts orgusers.ListUsersOptions) func(context.Context, *orgusers.Client) error {
		return func(ctx context.Context, c *orgusers.Client) error {
			for _, err := range c.Users(ctx, &opts) {
				return err
			}
			return nil
		}
	}
	get := func(email string) func(context.Context, *orgusers.Client) error {
		return func(ctx context.Context, c *orgusers.Client) error {
			_, err := c.GetUser(ctx, email)
			return err
		}
	}
	tests := []struct {
		name string
		call func(context.Context, *orgusers.Client) error
		says string
	}{
		{"a page of a negative size", page(orgusers.ListUsersOptions{PageSize: -1}), "page size of -1"},
		{"a page over the maximum", page(orgusers.ListUsersOptions{PageSize: 101}), "page size of 101"},
		{"a page at a negative place", page(orgusers.ListUsersOptions{Skip: -1}), "negative"},
		{"users in pages of a negative size", users(orgusers.ListUsersOptions{PageSize: -100}), "page size of -100"},
		{"users in pages over the maximum", users(orgusers.ListUsersOptions{PageSize: 1000}), "page size of 1000"},
		{"users without a negative number", users(orgusers.ListUsersOptions{Skip: -5}), "negative"},
		{"users by an unknown field", users(orgusers.ListUsersOptions{Sort: orgusers.Sort{By: "shoe_size"}}), "shoe_size"},
		{"no address", get(""), "number 1 of the addresses is no e-mail address"},
		{"an address without a domain", get("hunter2"), "no e-mail address"},
		{"an address with a name", get("Hunter <hunter2@example.com>"), "no e-mail address"},
		{"two addresses", get("hunter2@example.com,b@example.com"), "no e-mail address"},
		{"an address with a line break", get("hunter2@example.com\nb@example.com"), "no e-mail address"},
		{"one of several that is none", func(ctx context.Context, c *orgusers.Client) error {
			_, err := c.FindUsers(ctx, "a@example.com", "hunter2", "c@example.com")
			return err
		}, "number 2 of the addresses"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, roundTripper(func(*http.Request) (*http.Response, error) {
				t.Error("a request was sent")
				return nil, errors.New("no request was expected")
			}))
			err := tt.call(t.Context(), client)
			if !errors.Is(err, orgusers.ErrInvalid) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want ErrInvalid that says %q and not the address", err, tt.says)
			}
		})
	}
}

func TestListUsersByAnUnknownFieldIsTheServersError(t *testing.T) {
	t.Parallel()
	server := startFake(t)
	page, err := fakeClient(t, server).ListUsers(t.Context(), &orgusers.ListUsersOptions{Sort: orgusers.Sort{By: "shoe_size"}})
	var failure *orgusers.Error
	if page != nil || !errors.Is(err, orgusers.ErrInvalid) || !errors.As(err, &failure) || failure.StatusCode != 422 || failure.Attempts != 1 {
		t.Errorf("got %v and %v, want a 422", page, err)
	}
}
