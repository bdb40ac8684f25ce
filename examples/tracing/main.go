// Command tracing lists the users of an organization and shows the requests
// that it takes as spans of OpenTelemetry.
package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/examples/internal/program"
)

const (
	name  = "tracing"
	about = `lists the users of a Contentstack organization and writes the spans
of OpenTelemetry that come of it to stdout, as JSON, one a line: one for the list
and, below it, one for each attempt of each request, named by its operation.
There are no addresses, uids or tokens in them.

` + program.Environment
)

func main() { program.Main(name, run) }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := program.NewFlags(name, about)
	organization := program.OrganizationFlags(flags)
	program.JSONFlag(flags, "changes nothing: spans are always JSON")
	logged := flags.Bool("log", false, "also log each attempt to stderr")
	if err := program.Parse(flags, args, stdout); err != nil {
		return err
	}
	lines := bufio.NewWriter(stdout)
	// The first error of a write is kept by lines: one is enough to be told of.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {}))
	exporter, err := stdouttrace.New(stdouttrace.WithWriter(lines))
	if err != nil {
		return err
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSyncer(exporter), // a batcher, for a collector, drops spans when it is full
		sdktrace.WithResource(resource.NewSchemaless(semconv.ServiceName(name))),
	)
	options := []orgusers.Option{orgusers.WithHTTPClient(traced(provider))}
	if *logged {
		options = append(options, orgusers.WithLogger(slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	}
	client, closeFake, err := organization.Open(stderr, options...)
	if err != nil {
		return err
	}
	defer closeFake()

	users, err := list(ctx, client, provider.Tracer(name))
	// What happened until Ctrl-C is shown too.
	err = errors.Join(err, provider.Shutdown(context.WithoutCancel(ctx)), lines.Flush())
	if err != nil {
		return err
	}
	program.Say(stderr, "%s: %d users", name, users)
	return nil
}

// list makes a span of the whole list, for those of its requests to be below.
func list(ctx context.Context, client *orgusers.Client, tracer trace.Tracer) (users int, err error) {
	ctx, span := tracer.Start(ctx, "list users")
	defer span.End()
	for _, err := range client.Users(ctx, nil) {
		if err != nil {
			span.SetStatus(codes.Error, err.Error()) // which has nothing secret in it
			return users, err
		}
		users++
	}
	return users, nil
}
