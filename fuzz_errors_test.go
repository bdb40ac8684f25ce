package orgusers_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"unicode"

	"github.com/orgusers/orgusers"
)

// What is no HTTP is quoted by net/http in full.
func TestErrorOfAConnectionIsBounded(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	broken := fails(fmt.Errorf("malformed HTTP response %q", strings.Repeat("é", 100_000)))
	client := newClient(t, roundTripper(broken), orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 1}),
		orgusers.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	_, err := client.GetOrganization(t.Context(), nil)
	if err == nil || len(err.Error()) > 2000 || log.Len() > 2000 {
		t.Errorf("the error has %d bytes, the log %d", len(err.Error()), log.Len())
	}
}

// Whatever an answer that is no success is made of, it becomes an *Error of
// one bounded line, without what was planted in it.
func FuzzErrorAnswer(f *testing.F) {
	const planted = "ada@example.com"
	for _, seed := range []struct{ contentType, requestID, after, text string }{
		{"application/json", "r-17", "3", `{"error_message":"` + token + ` of ` + planted + `","error_code":105}`},
		{"text/html; charset=utf-8", "", "", "<html>" + planted},
		{token + "/html", token, planted, token},
		{"a/" + strings.Repeat("x", 5000), strings.Repeat("y", 5000), "soon", `{"errors":{"` + planted + `":"` + strings.Repeat("z", 5000) + `"}}`},
		{"a/" + strings.Repeat("x", 5000), "", "", "<html>"},
		{"", "\x1b[2J", "-1", `{"message":"\u001b]0;a\u0007\u0085\u2028b\r\nc"}`},
		{"application/json", "", "9223372036.854775807", `{"errors":[{"a":["` + token + `"]},["b",{"c":{"d":"e"}}]]}`},
		{"application/json", "", "", `{"error_message":"{\"email\":\"ada\\u0040example.com\"}","tfa_type":"` + token + `"}`},
		{"multipart/form-data; boundary=%40", "%40", "", `{"error":"ada%40example.com"}`},
	} {
		for _, code := range []int{302, 401, 422, 429, 503} {
			f.Add(code, seed.contentType, seed.requestID, seed.after, []byte(seed.text))
		}
	}
	f.Fuzz(func(t *testing.T, code int, contentType, requestID, after string, text []byte) {
		code = 300 + (code%300+300)%300
		client := newClient(t, roundTripper(body(code, string(text), "Content-Type", contentType, "X-Request-Id", requestID, "Retry-After", after)),
			orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 1}))
		_, err := client.GetOrganization(t.Context(), nil)
		var failure *orgusers.Error
		if !errors.As(err, &failure) || failure.StatusCode != code {
			t.Fatalf("%d became the error %v", code, err)
		}
		if failure.RetryAfter < 0 {
			t.Errorf("the pause asked for is %v", failure.RetryAfter)
		}
		if len(failure.Fields) > 20 || len(failure.Error()) > 20*21*2*1300 || len(failure.Message) > 1300 || len(failure.RequestID) > 1300 {
			t.Errorf("the error has %d bytes", len(failure.Error()))
		}
		if strings.ContainsFunc(err.Error(), unicode.IsControl) {
			t.Errorf("the error is not one line of plain text: %q", err)
		}
		for _, shown := range []string{err.Error(), fmt.Sprintf("%+v", *failure), fmt.Sprintf("%#v", failure), failure.LogValue().String()} {
			for _, secret := range []string{token, planted, "ada%40example.com"} {
				if strings.Contains(shown, secret) {
					t.Errorf("the error shows what was planted: %q", shown)
				}
			}
		}
	})
}
