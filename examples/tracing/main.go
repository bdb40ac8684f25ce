// Command tracing makes a span and a metric of each attempt of each request, named by its
// operation. There are no addresses, uids or tokens in them.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

func main() {
	ctx := context.Background()
	server := orguserstest.NewServer() // a fake: NewFromEnv makes a client of your own organization
	defer server.Close()
	spans, _ := stdouttrace.New() // an exporter to a collector can fail: check its error
	metrics, _ := stdoutmetric.New()
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metrics)))
	defer func() { _, _ = tracers.Shutdown(ctx), meters.Shutdown(ctx) }()
	seconds, _ := meters.Meter("orgusers").Float64Histogram("http.client.request.duration", metric.WithUnit("s"))

	traced := &roundTripper{next: http.DefaultTransport, tracer: tracers.Tracer("orgusers"), seconds: seconds}
	options := append(server.Options(), orgusers.WithHTTPClient(&http.Client{Transport: traced, Timeout: time.Minute}))
	client, err := orgusers.New(server.OrganizationUID, options...)
	if err != nil {
		log.Fatal(err)
	}
	ctx, span := traced.tracer.Start(ctx, "list users")
	defer span.End()
	users, err := orgusers.Collect(client.Users(ctx, nil))
	fmt.Println(len(users), "users", err)
}

// roundTripper observes attempts. The URL and the text of an error are left out: they can
// hold uids and addresses.
type roundTripper struct {
	next    http.RoundTripper
	tracer  trace.Tracer
	seconds metric.Float64Histogram
}

func (t *roundTripper) RoundTrip(request *http.Request) (*http.Response, error) {
	attempt, _ := orgusers.AttemptFromContext(request.Context())
	attributes := []attribute.KeyValue{attribute.String("url.template", attempt.Path), attribute.Int("http.request.resend_count", attempt.Number-1)}
	ctx, span := t.tracer.Start(request.Context(), attempt.Op, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
	defer span.End()
	sent := time.Now()
	response, err := t.next.RoundTrip(request.WithContext(ctx))
	status := 0
	if err != nil {
		span.SetStatus(codes.Error, "")
	} else {
		status = response.StatusCode
	}
	result := attribute.Int("http.response.status_code", status)
	span.SetAttributes(result)
	t.seconds.Record(ctx, time.Since(sent).Seconds(), metric.WithAttributes(attribute.String("operation", attempt.Op), result))
	return response, err
}
