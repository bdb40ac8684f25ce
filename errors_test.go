package orgusers_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/orgusers/orgusers"
)

// errorSamples returns the error bodies of the contract.
func errorSamples(tb testing.TB) map[string]string {
	tb.Helper()
	data, err := os.ReadFile("testdata/errors.json")
	if err != nil {
		tb.Fatal(err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		tb.Fatal(err)
	}
	samples := make(map[string]string, len(raw))
	for name, body := range raw {
		samples[name] = string(body)
	}
	return samples
}

// TestErrorBodies has every shape in which the API, or a gateway before it, reports a
// failure.
func TestErrorBodies(t *testing.T) {
	t.Parallel()
	samples := errorSamples(t)
	const denied = "Access denied. You have insufficient permissions to perform this operation."
	const mfa = "Please login using the Two-Factor verification Token"
	notJSON := func(size int) orgusers.Error {
		return orgusers.Error{Message: fmt.Sprintf("an error that is not the expected JSON (application/json, %d bytes)", size)}
	}
	var (
		invalid   = []error{orgusers.ErrInvalid}
		forbidden = []error{orgusers.ErrForbidden}
		notFound  = []error{orgusers.ErrNotFound}
		mfaNeeded = []error{orgusers.ErrMFARequired}
		broken    = []error{orgusers.ErrServer}
	)
	tests := []struct {
		name   string
		status int
		body   string
		want   orgusers.Error
		is     []error
	}{
		{"not logged in", 401, samples["not_logged_in_401"], orgusers.Error{Code: 105, Message: "You're not allowed in here unless you're logged in.", Fields: map[string][]string{"authtoken": {"is not valid."}}}, []error{orgusers.ErrUnauthorized}},
		{"missing Content-Type", 400, samples["content_type_400"], orgusers.Error{Message: "Please set a valid 'Content-Type' header"}, invalid},
		{"MFA", 422, samples["second_factor_422"], orgusers.Error{Code: 294, Message: mfa, MFAType: "totp_authenticator"}, mfaNeeded},
		{"MFA with 401", 401, samples["second_factor_422"], orgusers.Error{Code: 294, Message: mfa, MFAType: "totp_authenticator"}, mfaNeeded},
		{"errors as a map to texts", 404, samples["not_found_404"], orgusers.Error{Code: 141, Message: "The requested object doesn't exist.", Fields: map[string][]string{"uid": {"is not valid."}}}, notFound},
		{"errors as a list of an empty object", 422, samples["empty_objects_422"], orgusers.Error{Code: 119, Message: "Validation failed"}, invalid},
		{"errors null", 403, samples["no_errors_403"], orgusers.Error{Code: 162, Message: denied}, forbidden},
		{"code 162 with 401", 401, samples["no_errors_403"], orgusers.Error{Code: 162, Message: denied}, forbidden},
		{"message instead of error_message", 501, samples["other_service_500"], orgusers.Error{Message: "Internal error"}, broken},
		{"error instead of error_message", 409, `{"error":"Clash"}`, orgusers.Error{Message: "Clash"}, []error{orgusers.ErrConflict}},
		{"error as an object", 404, `{"error":{"message":"No such team","code":7}}`, orgusers.Error{Message: "No such team"}, notFound},
		{"error as an object without a message", 404, `{"error":{"reason":"x"}}`, orgusers.Error{Message: "an error without a message"}, notFound},
		{"notice only", 400, `{"notice":"The address is missing."}`, orgusers.Error{Message: "The address is missing."}, invalid},
		{"error_message before the others", 400, `{"notice":"d","error":"c","message":"b","error_message":"a"}`, orgusers.Error{Message: "a"}, invalid},
		{"a code as text", 422, `{"error_message":"No","error_code":"104"}`, orgusers.Error{Code: 104, Message: "No"}, invalid},
		{"code 141 with 422", 422, `{"error_message":"No","error_code":141}`, orgusers.Error{Code: 141, Message: "No"}, []error{orgusers.ErrInvalid, orgusers.ErrNotFound}},
		{"locked", 422, `{"error_message":"Your account is Locked.","error_code":104}`, orgusers.Error{Code: 104, Message: "Your account is Locked."}, []error{orgusers.ErrInvalid, orgusers.ErrLocked}},
		{"wrong MFA code", 422, `{"error_message":"Wrong","error_code":295}`, orgusers.Error{Code: 295, Message: "Wrong"}, []error{orgusers.ErrInvalid, orgusers.ErrMFARequired}},
		{"a stack's key", 412, `{"error_message":"No such stack","error_code":109}`, orgusers.Error{Code: 109, Message: "No such stack"}, invalid},
		{"errors as a list of texts", 422, `{"error_message":"No","errors":["a","b"]}`, orgusers.Error{Message: "No", Fields: map[string][]string{"": {"a", "b"}}}, invalid},
		{"errors as a list of maps", 422, `{"error_message":"No","errors":[{"a":["b"]},{"c":{"d":"e"}}]}`, orgusers.Error{Message: "No", Fields: map[string][]string{"a": {"b"}, "c.d": {"e"}}}, invalid},
		{"errors empty", 422, `{"error_message":"No","errors":{}}`, orgusers.Error{Message: "No"}, invalid},
		{"errors as a number", 422, `{"error_message":"No","errors":7}`, orgusers.Error{Message: "No"}, invalid},
		{"a message that is an object", 400, `{"error_message":{"a":1},"message":"No"}`, orgusers.Error{Message: "No"}, invalid},
		{"an empty object", 400, `{}`, orgusers.Error{Message: "an error without a message"}, invalid},
		{"another JSON", 400, `[1]`, notJSON(3), invalid},
		{"HTML", 404, "<html><h1>Not found</h1>", notJSON(24), notFound},
		{"an empty body", 403, "", notJSON(0), forbidden},
		{"half a JSON", 401, `{"error_message":"No`, notJSON(20), []error{orgusers.ErrUnauthorized}},
		{"200 with error_code", 200, `{"organization":{"uid":"a"},"error_code":119}`, orgusers.Error{Code: 119, Message: "an error without a message"}, broken},
		{"200 with error_message", 200, `{"organization":{"uid":"a"},"error_message":"No"}`, orgusers.Error{Message: "No"}, broken},
		{"an address and the token", 422, `{"error_message":"ada@example.com with ` + token + ` is no member","errors":{"emails":["ada@example.com"]}}`, orgusers.Error{Message: "[address] with [secret] is no member", Fields: map[string][]string{"emails": {"[address]"}}}, invalid},
		{"odd addresses", 422, `{"error_message":"o'brien@x.io, dept/joe@x.io, \"john doe\"@x.io and joe@[10.0.0.1]"}`, orgusers.Error{Message: "[address], [address], [address] and [address]"}, invalid},
		{"an address as a field", 422, `{"error_message":"No","errors":{"ada@example.com":"is known"}}`, orgusers.Error{Message: "No", Fields: map[string][]string{"[address]": {"is known"}}}, invalid},
		{"a message of many lines", 400, `{"error_message":"a\n\tb` + strings.Repeat("x", 400) + `"}`, orgusers.Error{Message: "a b" + strings.Repeat("x", 297) + "…"}, invalid},
	}
	kinds := []error{
		orgusers.ErrInvalid, orgusers.ErrUnauthorized, orgusers.ErrForbidden, orgusers.ErrNotFound, orgusers.ErrConflict, orgusers.ErrRateLimited,
		orgusers.ErrServer, orgusers.ErrMFARequired, orgusers.ErrLocked, orgusers.ErrNoEndpoint, orgusers.ErrRefused, orgusers.ErrOutcomeUnknown, orgusers.ErrIncomplete,
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := newClient(t, body(tt.status, tt.body, "X-Request-Id", "r-17")).GetOrganization(t.Context(), nil)
			var got *orgusers.Error
			if !errors.As(err, &got) {
				t.Fatalf("got %v, want an *Error", err)
			}
			want := tt.want
			want.Op, want.Method, want.Path = "GetOrganization", http.MethodGet, "/v3/organizations/{organization_uid}"
			want.StatusCode, want.RequestID, want.Attempts = tt.status, "r-17", 1
			if diff := cmp.Diff(want, *got, cmpopts.IgnoreUnexported(orgusers.Error{})); diff != "" {
				t.Error(diff)
			}
			for _, kind := range kinds {
				if errors.Is(err, kind) != slices.Contains(tt.is, kind) {
					t.Errorf("errors.Is(err, %q) is %v", kind, errors.Is(err, kind))
				}
			}
			for _, word := range []string{"GetOrganization", "GET", fmt.Sprint(tt.status), got.Message, "r-17"} {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("the text lacks %q: %s", word, err)
				}
			}
		})
	}
}

// The advice follows the failure after one colon.
func TestErrorAdvice(t *testing.T) {
	t.Parallel()
	samples := errorSamples(t)
	const lacks = ": the user lacks the right; most operations need the owner or an administrator"
	read := orgusers.Request{Path: "/things", ReadOnly: true}
	write := orgusers.Request{Path: "/things"}
	tests := []struct {
		name      string
		request   orgusers.Request
		response  roundTripper
		ends, not string
	}{
		{"401", read, body(401, samples["not_logged_in_401"]), "authtoken is not valid: log in again, or use a valid token of this region", ""},
		{"403 in JSON", read, body(403, samples["no_errors_403"]), lacks, "proxy"},
		{"403 in HTML", read, body(403, "<html>Forbidden", "Content-Type", "text/html"), "(text/html, 15 bytes): a proxy or firewall may have sent this response", "administrator"},
		{"MFA", read, body(422, samples["second_factor_422"]), "Token (code 294): log in with Credentials.MFACode", ""},
		{"locked", read, body(422, `{"error_message":"locked","error_code":104}`), ": an administrator can unlock the account", ""},
		{"a stack's key", read, body(412, `{"error_message":"No","error_code":109}`), ": check the stack's API key", ""},
		{"429", read, status(429), ": try again later, or with a later deadline", ""},
		{"429 with Retry-After", read, status(429, "Retry-After", "90"), ": try again in 1m30s", ""},
		{"503", read, status(503), ": try again later", ""},
		{"an unreadable 200", read, body(200, "<html>"), "is not the expected JSON", "try again"},
		{"a 200 with an error", read, body(200, `{"error_code":7}`), "(code 7)", "try again"},
		{"503 of a write", write, status(503), ": the change may or may not have been made; read back before you repeat it", ""},
		{"404", read, status(404), "It went wrong. (code 119)", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, tt.response, orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 1}))
			err := client.Do(t.Context(), tt.request, nil)
			if err == nil || !strings.HasSuffix(err.Error(), tt.ends) || tt.not != "" && strings.Contains(err.Error(), tt.not) {
				t.Errorf("got %v, want an error that ends in %q", err, tt.ends)
			}
		})
	}
}

func TestErrorLogsItself(t *testing.T) {
	t.Parallel()
	_, err := newClient(t, status(422, "X-Request-Id", "r-17", "Retry-After", "3")).GetOrganization(t.Context(), nil)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Error("failed", "error", err)
	for _, want := range []string{
		"error.op=GetOrganization", "error.method=GET", "error.status=422", "error.code=119", `error.message="It went wrong."`,
		"error.request_id=r-17", "error.attempts=1", "error.retry_after=3s",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s: %s", want, log.String())
		}
	}
}

// Errors are bounded, whatever the server or net/http puts into them.
func TestErrorIsBounded(t *testing.T) {
	t.Parallel()
	var fields strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&fields, `,"field%d":["is wrong"]`, i)
	}
	for name, transport := range map[string]roundTripper{
		"fields":     body(422, `{"error_message":"No","errors":{"a":"b"`+fields.String()+`}}`),
		"complaints": body(422, `{"errors":["`+strings.Repeat(`b","`, 2000)+`"]}`),
		"connection": fails(fmt.Errorf("malformed HTTP response %q", strings.Repeat("é", 2000))),
	} {
		var log bytes.Buffer
		client := newClient(t, transport, orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 1}),
			orgusers.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
		_, err := client.GetOrganization(t.Context(), nil)
		if err == nil || len(err.Error()) > 2000 || log.Len() == 0 || log.Len() > 2000 {
			t.Errorf("%s: the error has %d bytes, the log %d", name, len(err.Error()), log.Len())
		}
	}
}

func TestAddressErrorText(t *testing.T) {
	t.Parallel()
	for reason, want := range map[orgusers.Reason]string{
		orgusers.ReasonOwner:          "address 3 belongs to the organization's owner",
		orgusers.ReasonSelf:           "address 3 is your own",
		orgusers.ReasonInvalidAddress: "address 3 is not a valid email address",
		orgusers.Reason("other"):      "address 3 is refused: other",
	} {
		if got := (&orgusers.AddressError{Index: 2, Reason: reason}).Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
