package orgusers_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
)

// Whatever decodes, comes back from its own JSON as it is.
func FuzzUserJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `[]`, `{"uid":"s","email":"a@example.com","user_uid":null,"org_roles":["r",{"uid":"r","name":"Admin"},null,{}]}`,
		`{"invited_by":"System","update_at":"2023-10-13T12:17:02.473Z","user":{"first_name":"A","last_login_at":""}}`,
		`{"invited_by":{"email":"i@example.com"},"created_at":"0000-01-01T00:00:00+01:00"}`,
		`{"created_at":"2023-10-13T12:17:02.473000001-05:30","tfa_status":"verified","is_owner":true,"access_without_sso":true}`,
		`{"first_name":"\ud800","last_name":"\u0000\u2028","message":"<&>"}`,
	} {
		f.Add([]byte(seed))
	}
	if page, err := os.ReadFile("testdata/shares_page.json"); err == nil {
		var recorded struct{ Shares []json.RawMessage }
		if json.Unmarshal(page, &recorded) == nil {
			for _, share := range recorded.Shares {
				f.Add([]byte(share))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var user, again orgusers.User
		if json.Unmarshal(data, &user) != nil {
			return
		}
		text, err := json.Marshal(user)
		if err != nil {
			t.Fatalf("%s decodes to %+v, which has no JSON: %v", data, user, err)
		}
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatalf("%s decodes, but as %s it does not: %v", data, text, err)
		}
		if diff := cmp.Diff(user, again); diff != "" {
			t.Errorf("%s became %s: -before +after:\n%s", data, text, diff)
		}
	})
}

// Whatever the server calls an error, is one, and shows no secret.
func FuzzErrorBody(f *testing.F) {
	samples, err := os.ReadFile("testdata/errors.json")
	if err != nil {
		f.Fatal(err)
	}
	var bodies map[string]json.RawMessage
	if err := json.Unmarshal(samples, &bodies); err != nil {
		f.Fatal(err)
	}
	for _, sample := range bodies {
		f.Add(422, []byte(sample))
	}
	for _, seed := range []string{``, `null`, `[]`, `"x"`, `<html>`, `{"error_code":"105"}`, `{"errors":{"a":{"b":["c",1,null]}}}`, `{"error_message":"` + token + ` of a@example.com"}`} {
		f.Add(401, []byte(seed))
		f.Add(500, []byte(seed))
		f.Add(200, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, code int, text []byte) {
		if code = 200 + (code%400+400)%400; code >= 300 && code < 400 {
			code = 404
		}
		client := newClient(t, roundTripper(body(code, string(text))), orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 1}))
		_, err := client.ListUsers(t.Context(), nil)
		if err == nil {
			if code >= 300 {
				t.Errorf("%d is no error", code)
			}
			return
		}
		var failure *orgusers.Error
		if !errors.As(err, &failure) || failure.StatusCode != code {
			t.Fatalf("%d became the error %v", code, err)
		}
		for _, shown := range []string{err.Error(), fmt.Sprintf("%+v", *failure)} {
			if strings.Contains(shown, token) || strings.Contains(shown, "a@example.com") {
				t.Errorf("the error shows a secret: %s", shown)
			}
		}
		if strings.ContainsAny(err.Error(), "\r\n") {
			t.Errorf("the error has a line break: %q", err)
		}
	})
}

// Names and addresses come back from the file as they are, but for the
// documented apostrophe and line breaks, and none starts a formula.
func FuzzExportRoundTrip(f *testing.F) {
	for _, seed := range [][3]string{
		{"a@example.com", "Ada", "Lovelace"},
		{"=sum@example.com", "=1+1", "\t@A1"},
		{"b@example.com", "a\r\nb\rc", "\"quoted\", and \\."},
		{"c@example.com", "\u00a0＝1", "\u200b-1"},
		{"d@example.com", "", " "},
		{"e@example.com", "\x00", "\ufeff+1"},
	} {
		f.Add(seed[0], seed[1], seed[2], false, uint8(0))
		f.Add(seed[0], seed[1], seed[2], true, uint8(2))
	}
	f.Fuzz(func(t *testing.T, email, first, last string, crlf bool, separator uint8) {
		row, err := json.Marshal(orgusers.User{ShareUID: "s", Email: email, FirstName: first, LastName: last})
		if err != nil {
			t.Fatal(err)
		}
		var user orgusers.User // as it arrives: what is no UTF-8 does not
		if err := json.Unmarshal(row, &user); err != nil {
			t.Fatal(err)
		}
		comma := []rune{',', ';', '\t', '|'}[separator%4]
		client := newClient(t, rowsOf("["+string(row)+"]", 1))
		var file bytes.Buffer
		summary, err := client.ExportCSV(t.Context(), &file, &orgusers.ExportOptions{CRLF: crlf, Comma: comma, Columns: orgusers.DefaultColumns()[:3]})
		if err != nil || summary.Rows != 1 || summary.Bytes != int64(file.Len()) {
			t.Fatalf("%+v and the error %v", summary, err)
		}
		reader := csv.NewReader(&file)
		reader.Comma = comma
		rows, err := reader.ReadAll()
		if err != nil || len(rows) != 2 {
			t.Fatalf("the file reads as %q: %v", rows, err)
		}
		breaks := strings.NewReplacer("\r\n", "\n", "\r", "\n")
		want := []string{breaks.Replace(user.Email), breaks.Replace(user.FirstName), breaks.Replace(user.LastName)}
		for i, got := range rows[1] {
			if startsFormula(got) {
				t.Errorf("%q starts a formula", got)
			}
			if got != want[i] && (got != "'"+want[i] || !startsFormula(want[i])) {
				t.Errorf("%q came back as %q", want[i], got)
			}
		}
	})
}

// startsFormula is the documented rule, written another way.
func startsFormula(text string) bool {
	rest := strings.TrimLeftFunc(text, func(r rune) bool {
		return !unicode.IsControl(r) && (unicode.IsSpace(r) || unicode.Is(unicode.Cf, r))
	})
	for _, r := range rest {
		return unicode.IsControl(r) || slices.Contains([]rune("=+-@＝＋－＠"), r)
	}
	return false
}
