package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/programtest"
	"github.com/orgusers/orgusers/orguserstest"
)

// tracedClient is a client of a fake, and what collects its spans.
func tracedClient(t *testing.T, server *orguserstest.Server, options ...orgusers.Option) (*orgusers.Client, *tracetest.InMemoryExporter) {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	client, err := orgusers.New(server.OrganizationUID, slices.Concat(server.Options(), []orgusers.Option{
		orgusers.WithHTTPClient(traced(sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)))),
		orgusers.WithRetry(orgusers.RetryPolicy{BaseDelay: time.Microsecond, MaxDelay: time.Microsecond}),
	}, options)...)
	if err != nil {
		t.Fatal(err)
	}
	return client, spans
}

// summaries are the spans as lines: name, method, template, resend count,
// status of the answer and of the span.
func summaries(spans *tracetest.InMemoryExporter) []string {
	var lines []string
	for _, span := range spans.GetSpans() {
		values := map[string]any{}
		for _, a := range span.Attributes {
			values[string(a.Key)] = a.Value.AsInterface()
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintln(span.Name, values["http.request.method"], values["url.template"],
			values["http.request.resend_count"], values["http.response.status_code"], values["error.type"], span.Status.Code)))
	}
	return lines
}

// expectDiscreet fails a test whose spans show something of whom they are
// about, or of who asks.
func expectDiscreet(t *testing.T, spans *tracetest.InMemoryExporter, server *orguserstest.Server, more ...string) {
	t.Helper()
	secrets := slices.Concat(more, []string{server.AuthToken, server.OrganizationUID, "example.com", "@", "%40", "typeahead", "include_count", "?"})
	for _, user := range server.Users() {
		secrets = append(secrets, user.Email, user.ShareUID)
		if user.AcceptanceToken != "" {
			secrets = append(secrets, user.AcceptanceToken)
		}
	}
	for _, span := range spans.GetSpans() {
		text, err := json.Marshal(span)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range secrets {
			if strings.Contains(string(text), secret) || strings.Contains(fmt.Sprintf("%+v", span), secret) {
				t.Errorf("the span %s shows %q: %s", span.Name, secret, text)
			}
		}
	}
}

const (
	share  = "/v3/organizations/{organization_uid}/share"
	search = "FindUsers POST " + share + "/search <nil> 200 <nil> Unset"
	// rolesSpan is of the roles, which name those of users.
	rolesSpan = "Roles GET /v3/organizations/{organization_uid}/roles <nil> 200 <nil> Unset"
)

func TestSpans(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		call func(context.Context, *orgusers.Client, *orguserstest.Server) error
		want []string
	}{
		"search in the list": {func(ctx context.Context, c *orgusers.Client, _ *orguserstest.Server) error {
			_, err := c.ListUsers(ctx, &orgusers.ListUsersOptions{Search: "member0@example.com"})
			return err
		}, []string{"ListUsers GET " + share + " <nil> 200 <nil> Unset", rolesSpan}},
		"search by address": {func(ctx context.Context, c *orgusers.Client, _ *orguserstest.Server) error {
			_, err := c.FindUsers(ctx, []string{"member0@example.com", "stranger@example.com"})
			return err
		}, []string{search, rolesSpan}},
		"invite": {func(ctx context.Context, c *orgusers.Client, s *orguserstest.Server) error {
			member, _ := s.User("member0@example.com")
			_, err := c.Invite(ctx, []orgusers.Invitee{{Email: "new@example.com", Roles: member.RoleUIDs}}, &orgusers.InviteOptions{Message: "Hello new@example.com"})
			return err
		}, []string{search, rolesSpan, "Invite POST " + share + " <nil> 200 <nil> Unset"}},
		"resend": {func(ctx context.Context, c *orgusers.Client, s *orguserstest.Server) error {
			_, err := c.ResendInvitations(ctx, []string{"pending@example.com"}, nil)
			return err
		}, []string{search, rolesSpan, "ResendInvitations GET " + share + "/{share_uid}/resend_invitation <nil> 200 <nil> Unset"}},
		"refused": {func(ctx context.Context, c *orgusers.Client, s *orguserstest.Server) error {
			other, err := c.ForOrganization(s.ForeignOrganizationUID)
			if err != nil {
				return err
			}
			if _, err = other.GetOrganization(ctx, nil); !errors.Is(err, orgusers.ErrForbidden) {
				return fmt.Errorf("got %w, want ErrForbidden", err)
			}
			return nil
		}, []string{"GetOrganization GET /v3/organizations/{organization_uid} <nil> 403 403 Error"}},
		"another request": {func(ctx context.Context, c *orgusers.Client, s *orguserstest.Server) error {
			return c.Do(ctx, orgusers.Request{
				Op: "who asks", Path: "/user", Query: url.Values{"email": {s.Email}}, ReadOnly: true,
			}, nil)
		}, []string{"who asks GET /v3/user <nil> 200 <nil> Unset"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := programtest.Team(t, 2)
			client, spans := tracedClient(t, server)
			if err := test.call(t.Context(), client, server); err != nil {
				t.Fatal(err)
			}
			if got := summaries(spans); !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			expectDiscreet(t, spans, server, server.ForeignOrganizationUID)
		})
	}
}

func TestSpanOfEachAttempt(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 2, orguserstest.WithFault(
		orguserstest.Fault{Times: 1, Effect: orguserstest.Status(http.StatusTooManyRequests)},
		orguserstest.Fault{Times: 1, Effect: orguserstest.HTML(http.StatusBadGateway)},
	))
	client, spans := tracedClient(t, server, orgusers.WithRateLimiters(orgusers.RateLimiters{Reads: unlimited{}}))
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer("test")
	if users, err := list(t.Context(), client, tracer); err != nil || users != 5 {
		t.Fatalf("%d users, %v", users, err)
	}
	got, want := summaries(spans), []string{
		"ListUsers GET " + share + " <nil> 429 429 Error",
		"ListUsers GET " + share + " 1 502 502 Error",
		"ListUsers GET " + share + " 2 200 <nil> Unset",
		rolesSpan,
		"list users <nil> <nil> <nil> <nil> <nil> Unset",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	all := spans.GetSpans()
	root := all[len(all)-1].SpanContext
	for _, span := range all[:len(all)-1] {
		if span.Parent.SpanID() != root.SpanID() || span.EndTime.Before(span.StartTime) {
			t.Errorf("%s is not below the list", span.Name)
		}
	}
	expectDiscreet(t, spans, server)
}

type unlimited struct{}

func (unlimited) Wait(context.Context) error { return nil }

// The error of a connection can quote what the server sent, which can be what
// it was sent.
func TestSpansDoNotQuoteErrors(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	server := programtest.Team(t, 1)
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = http.ReadRequest(bufio.NewReader(connection))
		_, _ = io.WriteString(connection, "HTTP/1.1 "+server.AuthToken+"/member0@example.com No\r\n\r\n")
		_, _ = io.Copy(io.Discard, connection)
		_ = connection.Close()
	}()
	client, spans := tracedClient(t, server, orgusers.WithBaseURL("http://"+listener.Addr().String()), orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 1}))
	_, err = list(t.Context(), client, sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)).Tracer("test"))
	if err == nil || !strings.Contains(err.Error(), "malformed HTTP status code") {
		t.Fatalf("got %v, want an error that quotes the answer", err)
	}
	all := spans.GetSpans()
	if len(all) != 2 || all[0].Status.Code.String() != "Error" || all[0].Status.Description != "" || all[1].Status.Description != err.Error() {
		t.Errorf("got %+v", all)
	}
	expectDiscreet(t, spans, server)
}

// What the program passes on elsewhere stays with it here. The propagator is
// that of the whole program, so nothing else may run meanwhile.
func TestNothingIsPropagated(t *testing.T) {
	before := otel.GetTextMapPropagator()
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))
	defer otel.SetTextMapPropagator(before)
	server := programtest.Team(t, 1)
	client, spans := tracedClient(t, server)
	member, err := baggage.NewMember("user", "member0")
	if err != nil {
		t.Fatal(err)
	}
	bag, err := baggage.New(member)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.ListUsers(baggage.ContextWithBaggage(t.Context(), bag), nil); err != nil {
		t.Fatal(err)
	}
	header := server.Requests()[0].Header
	if header.Get("Traceparent") != "" || header.Get("Baggage") != "" || len(spans.GetSpans()) != 2 {
		t.Errorf("%d spans, and the headers %v", len(spans.GetSpans()), header)
	}
}

// net/http would repeat a GET that mails when a reused connection drops, if
// the tracing on its way had made it repeatable again.
func TestTracedWriteIsSentOnce(t *testing.T) {
	t.Parallel()
	server := programtest.Team(t, 1, orguserstest.WithFault(orguserstest.Fault{
		Path: share + "/{share_uid}/resend_invitation", After: true, Effect: orguserstest.Reset(),
	}))
	client, spans := tracedClient(t, server)
	if _, err := client.ListUsers(t.Context(), nil); err != nil { // for a connection to reuse
		t.Fatal(err)
	}
	if _, err := client.ResendInvitations(t.Context(), []string{"pending@example.com"}, nil); !errors.Is(err, orgusers.ErrOutcomeUnknown) {
		t.Errorf("got %v, want ErrOutcomeUnknown", err)
	}
	if got := len(server.Outbox()); got != 1 {
		t.Errorf("%d mails, want 1", got)
	}
	expectDiscreet(t, spans, server)
}
