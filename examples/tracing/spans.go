package main

import (
	"context"
	"net/http"
	"slices"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/orgusers/orgusers"
)

// traced is a client for [orgusers.WithHTTPClient] that makes a span of each
// attempt.
func traced(provider trace.TracerProvider) *http.Client {
	base := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		MaxIdleConnsPerHost:   32,
		IdleConnTimeout:       45 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second,
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
	}
	return &http.Client{
		Timeout: time.Minute,
		Transport: otelhttp.NewTransport(base,
			otelhttp.WithTracerProvider(discreet{provider}),
			// Neither trace ids nor baggage are the service's business.
			otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator()),
		),
	}
}

// discreet is a provider for otelhttp. It names spans by operation, and keeps
// from them what a URL or an error of the connection can hold: addresses, uids,
// and whatever a server says.
type discreet struct{ trace.TracerProvider }

func (d discreet) Tracer(name string, options ...trace.TracerOption) trace.Tracer {
	return discreetTracer{d.TracerProvider.Tracer(name, options...)}
}

type discreetTracer struct{ trace.Tracer }

func (t discreetTracer) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	if attempt, ok := orgusers.AttemptFromContext(ctx); ok {
		name = attempt.Op
		attributes := []attribute.KeyValue{semconv.URLTemplate(attempt.Path)}
		if attempt.Number > 1 {
			attributes = append(attributes, semconv.HTTPRequestResendCount(attempt.Number-1))
		}
		options = append(slices.Clip(options), trace.WithAttributes(attributes...))
	}
	ctx, started := t.Tracer.Start(ctx, name, options...)
	span := discreetSpan{started}
	return trace.ContextWithSpan(ctx, span), span
}

type discreetSpan struct{ trace.Span }

// let is what otelhttp may say of a request: not url.full, above all.
var let = []attribute.Key{
	semconv.HTTPRequestMethodKey, semconv.HTTPResponseStatusCodeKey, semconv.ErrorTypeKey,
	semconv.ServerAddressKey, semconv.ServerPortKey, semconv.NetworkProtocolVersionKey,
}

func (s discreetSpan) SetAttributes(attributes ...attribute.KeyValue) {
	for _, a := range attributes {
		if slices.Contains(let, a.Key) {
			s.Span.SetAttributes(a)
		}
	}
}

// SetStatus leaves out the description, which is the text of an error.
func (s discreetSpan) SetStatus(code codes.Code, _ string) { s.Span.SetStatus(code, "") }
