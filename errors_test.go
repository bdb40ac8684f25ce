package orgusers_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
)

// TestErrorBodies goes through every shape in which the API and what stands
// before it tell of a failure.
func TestErrorBodies(t *testing.T) {
	t.Parallel()
	samples := errorSamples(t)
	tests := []struct {
		name string
		code int
		body string
		want orgusers.Error
		is   []error
	}{
		{
			"not logged in", 401, samples["not_logged_in_401"],
			orgusers.Error{Code: 105, Message: "You're not allowed in here unless you're logged in.", Fields: map[string][]string{"authtoken": {"is not valid."}}},
			[]error{orgusers.ErrUnauthorized},
		},
		{
			"no Content-Type", 400, samples["content_type_400"],
			orgusers.Error{Message: "Please set a valid 'Content-Type' header"},
			[]error{orgusers.ErrInvalid},
		},
		{
			"second factor", 422, samples["second_factor_422"],
			orgusers.Error{Code: 294, Message: "Please login using the Two-Factor verification Token", MFAType: "totp_authenticator"},
			[]error{orgusers.ErrMFARequired},
		},
		{
			"second factor with 401", 401, samples["second_factor_422"],
			orgusers.Error{Code: 294, Message: "Please login using the Two-Factor verification Token", MFAType: "totp_authenticator"},
			[]error{orgusers.ErrMFARequired},
		},
		{
			"errors as a map to texts", 404, samples["not_found_404"],
			orgusers.Error{Code: 141, Message: "The requested object doesn't exist.", Fields: map[string][]string{"uid": {"is not valid."}}},
			[]error{orgusers.ErrNotFound},
		},
		{
			"errors as a list of an empty object", 422, samples["empty_objects_422"],
			orgusers.Error{Code: 119, Message: "Validation failed"},
			[]error{orgusers.ErrInvalid},
		},
		{
			"errors null", 403, samples["no_errors_403"],
			orgusers.Error{Code: 162, Message: "Access denied. You have insufficient permissions to perform this operation."},
			[]error{orgusers.ErrForbidden},
		},
		{
			"not permitted with 401", 401, samples["no_errors_403"],
			orgusers.Error{Code: 162, Message: "Access denied. You have insufficient permissions to perform this operation."},
			[]error{orgusers.ErrForbidden},
		},
		{
			"message for error_message", 501, samples["other_service_500"],
			orgusers.Error{Message: "Internal error"},
			[]error{orgusers.ErrServer},
		},
		{"error for error_message", 409, `{"error":"Clash"}`, orgusers.Error{Message: "Clash"}, []error{orgusers.ErrConflict}},
		{"a code that is a text", 422, `{"error_message":"No","error_code":"104"}`, orgusers.Error{Code: 104, Message: "No"}, []error{orgusers.ErrInvalid}},
		{"locked", 422, `{"error_message":"Your account is Locked.","error_code":104}`, orgusers.Error{Code: 104, Message: "Your account is Locked."}, []error{orgusers.ErrInvalid, orgusers.ErrLocked}},
		{"wrong second factor", 422, `{"error_message":"Wrong","error_code":295}`, orgusers.Error{Code: 295, Message: "Wrong"}, []error{orgusers.ErrInvalid, orgusers.ErrMFARequired}},
		{"a stack's key", 412, `{"error_message":"No such stack","error_code":109}`, orgusers.Error{Code: 109, Message: "No such stack"}, []error{orgusers.ErrInvalid}},
		{"errors as a list of texts", 422, `{"error_message":"No","errors":["a","b"]}`, orgusers.Error{Message: "No", Fields: map[string][]string{"": {"a", "b"}}}, []error{orgusers.ErrInvalid}},
		{"errors as a list of maps", 422, `{"error_message":"No","errors":[{"a":["b"]},{"c":{"d":"e"}}]}`, orgusers.Error{Message: "No", Fields: map[string][]string{"a": {"b"}, "c.d": {"e"}}}, []error{orgusers.ErrInvalid}},
		{"errors empty", 422, `{"error_message":"No","errors":{}}`, orgusers.Error{Message: "No"}, []error{orgusers.ErrInvalid}},
		{"errors as a number", 422, `{"error_message":"No","errors":7}`, orgusers.Error{Message: "No"}, []error{orgusers.ErrInvalid}},
		{"a message that is an object", 400, `{"error_message":{"a":1},"message":"No"}`, orgusers.Error{Message: "No"}, []error{orgusers.ErrInvalid}},
		{"no message at all", 400, `{}`, orgusers.Error{Message: "an error without a message"}, []error{orgusers.ErrInvalid}},
		{"another JSON", 400, `[1]`, orgusers.Error{Message: "an error that is not JSON as expected (application/json, 3 bytes)"}, []error{orgusers.ErrInvalid}},
		{"HTML", 404, "<html><h1>Not found</h1>", orgusers.Error{Message: "an error that is not JSON as expected (application/json, 24 bytes)"}, []error{orgusers.ErrNotFound}},
		{"nothing", 403, "", orgusers.Error{Message: "an error that is not JSON as expected (application/json, 0 bytes)"}, []error{orgusers.ErrForbidden}},
		{"half a JSON", 401, `{"error_message":"No`, orgusers.Error{Message: "an error that is not JSON as expected (application/json, 20 bytes)"}, []error{orgusers.ErrUnauthorized}},
		{"an address and the token", 422, `{"error_message":"ada@example.com with ` + token + ` is no member","errors":{"emails":["ada@example.com"]}}`, orgusers.Error{Message: "[address] with [secret] is no member", Fields: map[string][]string{"emails": {"[address]"}}}, []error{orgusers.ErrInvalid}},
		{"odd addresses", 422, `{"error_message":"o'brien@x.io, dept/joe@x.io, \"john doe\"@x.io and joe@[10.0.0.1]"}`, orgusers.Error{Message: "[address], [address], [address] and [address]"}, []error{orgusers.ErrInvalid}},
		{"an address as a field", 422, `{"error_message":"No","errors":{"ada@example.com":"is known"}}`, orgusers.Error{Message: "No", Fields: map[string][]string{"[address]": {"is known"}}}, []error{orgusers.ErrInvalid}},
		{"a message of many lines", 400, `{"error_message":"a\n\tb` + strings.Repeat("x", 400) + `"}`, orgusers.Error{Message: "a b" + strings.Repeat("x", 297) + "…"}, []error{orgusers.ErrInvalid}},
	}
	sentinels := []error{
		orgusers.ErrInvalid, orgusers.ErrUnauthorized, orgusers.ErrForbidden, orgusers.ErrNotFound, orgusers.ErrConflict, orgusers.ErrRateLimited,
		orgusers.ErrServer, orgusers.ErrMFARequired, orgusers.ErrLocked, orgusers.ErrRefused, orgusers.ErrOutcomeUnknown, orgusers.ErrIncomplete,
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &script{answers: []answer{body(tt.code, tt.body, "X-Request-Id", "r-17")}}
			_, err := newClient(t, s).GetOrganization(t.Context(), nil)
			var got *orgusers.Error
			if !errors.As(err, &got) {
				t.Fatalf("got %v, want an *Error", err)
			}
			want := tt.want
			want.Op, want.Method, want.Path = "GetOrganization", http.MethodGet, "/v3/organizations/{organization_uid}"
			want.StatusCode, want.RequestID, want.Attempts = tt.code, "r-17", 1
			if diff := cmp.Diff(want, *got, cmp.FilterPath(unexported, cmp.Ignore())); diff != "" {
				t.Error(diff)
			}
			for _, sentinel := range sentinels {
				wanted := false
				for _, is := range tt.is {
					wanted = wanted || is == sentinel //nolint:errorlint // the sentinels themselves
				}
				if errors.Is(err, sentinel) != wanted {
					t.Errorf("errors.Is(err, %q) is %v", sentinel, !wanted)
				}
			}
			for _, word := range []string{"GetOrganization", "GET", fmt.Sprint(tt.code), got.Message, "r-17"} {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("the text lacks %q: %s", word, err)
				}
			}
		})
	}
}

func unexported(path cmp.Path) bool {
	field, ok := path.Last().(cmp.StructField)
	return ok && strings.ToLower(field.Name()[:1]) == field.Name()[:1]
}

func errorSamples(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile("testdata/errors.json")
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		t.Fatal(err)
	}
	samples := make(map[string]string, len(raw))
	for name, body := range raw {
		samples[name] = string(body)
	}
	return samples
}

func TestAdviceComesAfterOneColon(t *testing.T) {
	t.Parallel()
	s := &script{answers: []answer{body(401, errorSamples(t)["not_logged_in_401"])}}
	_, err := newClient(t, s).GetOrganization(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "authtoken is not valid: log in again") {
		t.Errorf("the text is %v", err)
	}
}

func TestErrorLogsItself(t *testing.T) {
	t.Parallel()
	s := &script{answers: []answer{status(422, "X-Request-Id", "r-17")}}
	_, err := newClient(t, s).GetOrganization(t.Context(), nil)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Error("failed", "error", err)
	for _, want := range []string{"error.op=GetOrganization", "error.status=422", "error.code=119", "error.request_id=r-17", "error.attempts=1"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s: %s", want, log.String())
		}
	}
}

func TestErrorIsBounded(t *testing.T) {
	t.Parallel()
	var fields []string
	for i := range 20_000 {
		fields = append(fields, fmt.Sprintf(`"field%d":["is wrong"]`, i))
	}
	s := &script{answers: []answer{body(422, `{"error_message":"No","errors":{`+strings.Join(fields, ",")+`}}`)}}
	_, err := newClient(t, s).GetOrganization(t.Context(), nil)
	if err == nil || len(err.Error()) > 2000 {
		t.Errorf("the error has %d bytes", len(err.Error()))
	}
}
