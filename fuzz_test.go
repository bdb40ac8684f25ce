package orgusers_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/test/operations"
)

// FuzzUser checks that every user that decodes has JSON that decodes to the same user.
func FuzzUser(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `[]`, `{"uid":"s","email":"a@example.com","user_uid":null,"org_roles":["r",{"uid":"r","name":"Admin","admin":true},null,{}]}`,
		`{"invited_by":"System","update_at":"2023-10-13T12:17:02.473Z","user":{"first_name":"A","last_login_at":""}}`,
		`{"invited_by":{"email":"i@example.com"},"created_at":"0000-01-01T00:00:00+01:00"}`,
		`{"created_at":"2023-10-13T12:17:02.473000001-05:30","tfa_status":"verified","is_owner":true,"access_without_sso":true}`,
		`{"first_name":"\ud800","last_name":"\u0000\u2028","message":"<&>"}`,
	} {
		f.Add([]byte(seed))
	}
	for _, file := range []string{"shares_page.json", "shares_recorded.json"} {
		var page struct{ Shares []json.RawMessage }
		if err := json.Unmarshal([]byte(sample(f, file)), &page); err != nil {
			f.Fatal(err)
		}
		for _, share := range page.Shares {
			f.Add([]byte(share))
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
			t.Fatalf("%s decodes, but its JSON %s does not: %v", data, text, err)
		}
		if diff := cmp.Diff(user, again); diff != "" {
			t.Errorf("%s became %s: -before +after:\n%s", data, text, diff)
		}
	})
}

// errorSeeds are bodies of errors with the token and the address that must not be shown.
func errorSeeds(f *testing.F) []string {
	f.Helper()
	seeds := []string{
		``, `null`, `[]`, `"x"`, `<html>`, `{"error_code":"105"}`, `{"errors":{"a":{"b":["c",1,null]}}}`, `{"error":{"message":"a"}}`, `{"notice":"a"}`,
		`{"error_message":"` + token + ` of a@example.com","error_code":105}`, `<html>a@example.com`, token,
		`{"errors":{"a@example.com":"` + strings.Repeat("z", 5000) + `"}}`, `{"message":"\u001b]0;a\u0007\u0085\u2028b\r\nc"}`,
		`{"errors":[{"a":["` + token + `"]},["b",{"c":{"d":"e"}}]]}`, `{"error_message":"{\"email\":\"a\\u0040example.com\"}","tfa_type":"` + token + `"}`,
		`{"error":"a%40example.com"}`, `{"shares":[{"uid":"a@example.com","last_login_at":"` + token + `"}]}`,
	}
	for _, body := range errorSamples(f) {
		seeds = append(seeds, body)
	}
	return seeds
}

// checkErrorText checks that an error is one bounded line without secrets.
func checkErrorText(t *testing.T, failure *orgusers.Error) {
	t.Helper()
	if len(failure.Fields) > 20 || len(failure.Error()) > 20*21*2*1300 || len(failure.Message) > 1300 || len(failure.RequestID) > 1300 || failure.RetryAfter < 0 {
		t.Errorf("the error has %d bytes and a pause of %v", len(failure.Error()), failure.RetryAfter)
	}
	if strings.ContainsFunc(failure.Error(), unicode.IsControl) {
		t.Errorf("the error has a control character: %q", failure.Error())
	}
	for _, shown := range []string{failure.Error(), fmt.Sprintf("%+v", *failure), fmt.Sprintf("%#v", failure), failure.LogValue().String()} {
		for _, secret := range []string{token, "a@example.com", "a%40example.com"} {
			if strings.Contains(shown, secret) {
				t.Errorf("the error shows %q: %q", secret, shown)
			}
		}
	}
}

// FuzzErrorBody checks that any body with any status is a page of users, or an error of
// that status without secrets.
func FuzzErrorBody(f *testing.F) {
	for _, seed := range errorSeeds(f) {
		for _, code := range []int{200, 401, 422, 500} {
			f.Add(code, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, code int, text []byte) {
		if code = 200 + (code%400+400)%400; code >= 300 && code < 400 {
			code = 404
		}
		client := newClient(t, body(code, string(text)), orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 1}))
		page, err := client.ListUsers(t.Context(), nil)
		if err == nil && code < 300 {
			return
		}
		var failure *orgusers.Error
		if page != nil || !errors.As(err, &failure) || failure.StatusCode != code {
			t.Fatalf("%d became %v, %v", code, page, err)
		}
		checkErrorText(t, failure)
	})
}

// FuzzErrorResponse does the same with headers, for every status that is not a success.
func FuzzErrorResponse(f *testing.F) {
	headers := [][3]string{
		{"application/json", "r-17", "3"},
		{"text/html; charset=utf-8", "", ""},
		{token + "/html", token, "a@example.com"},
		{"a/" + strings.Repeat("x", 5000), strings.Repeat("y", 5000), "soon"},
		{"", "\x1b[2J", "-1"},
		{"multipart/form-data; boundary=%40", "%40", "9223372036.854775807"},
	}
	for i, seed := range errorSeeds(f) {
		header := headers[i%len(headers)]
		f.Add(422, header[0], header[1], header[2], []byte(seed))
		f.Add(503, header[0], header[1], header[2], []byte(seed))
	}
	f.Fuzz(func(t *testing.T, code int, contentType, requestID, after string, text []byte) {
		code = 300 + (code%300+300)%300
		client := newClient(t, body(code, string(text), "Content-Type", contentType, "X-Request-Id", requestID, "Retry-After", after),
			orgusers.WithRetry(orgusers.RetryPolicy{MaxAttempts: 1}))
		_, err := client.GetOrganization(t.Context(), nil)
		var failure *orgusers.Error
		if !errors.As(err, &failure) || failure.StatusCode != code {
			t.Fatalf("%d became the error %v", code, err)
		}
		checkErrorText(t, failure)
	})
}

// FuzzExportRoundTrip checks that names and addresses come back from the file as they
// are, except for the documented apostrophe and line breaks, and that none starts a
// formula.
func FuzzExportRoundTrip(f *testing.F) {
	for _, seed := range [][3]string{
		{"a@example.com", "Ada", "Lovelace"},
		{"=sum@example.com", "=1+1", "\t@A1"},
		{"b@example.com", "a\r\nb\rc", "\"quoted\", and \\."},
		{"c@example.com", "\u00a0＝1", "\u200b-1"},
		{"d@example.com", "", " "},
		{"e@example.com", "\x00", "\ufeff+1"},
		{"f@example.com", "﹦1", "\ufe0f=1"},
	} {
		f.Add(seed[0], seed[1], seed[2], false, uint8(0))
		f.Add(seed[0], seed[1], seed[2], true, uint8(2))
	}
	f.Fuzz(func(t *testing.T, email, first, last string, crlf bool, separator uint8) {
		row, err := json.Marshal(orgusers.User{ShareUID: "s", Email: email, FirstName: first, LastName: last})
		if err != nil {
			t.Fatal(err)
		}
		var user orgusers.User // as it is decoded: invalid UTF-8 does not arrive
		if err := json.Unmarshal(row, &user); err != nil {
			t.Fatal(err)
		}
		comma := []rune{',', ';', '\t', '|'}[separator%4]
		client := newClient(t, rowsOf("["+string(row)+"]", 1))
		var file bytes.Buffer
		summary, err := client.ExportCSV(t.Context(), &file, &orgusers.ExportOptions{CRLF: crlf, Comma: comma, Columns: orgusers.DefaultColumns()[:3]})
		if err != nil || summary.Rows != 1 || summary.Bytes != int64(file.Len()) {
			t.Fatalf("%+v and %v", summary, err)
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
			if got != want[i] && got != "'"+want[i] {
				t.Errorf("%q came back as %q", want[i], got)
			}
		}
	})
}

// startsFormula is the documented rule, written in another way.
func startsFormula(text string) bool {
	rest := strings.TrimLeftFunc(text, func(r rune) bool {
		return !unicode.IsControl(r) && (unicode.IsSpace(r) || unicode.Is(unicode.Cf, r))
	})
	for _, r := range rest {
		return unicode.IsControl(r) || slices.Contains([]rune("=+-@＝＋－＠"), r)
	}
	return false
}

// checkTarget checks that a request goes to the base URL, encrypted or to loopback, and
// that no element of its path leads upwards.
func checkTarget(t *testing.T, r *http.Request, base *url.URL) {
	t.Helper()
	if r.URL.User != nil || r.URL.Scheme != base.Scheme || r.URL.Host != strings.TrimSuffix(base.Host, ":") {
		t.Errorf("a request goes to %q, and the base URL is %q", r.URL, base)
	}
	host := strings.ToLower(r.URL.Hostname())
	if ip := net.ParseIP(host); r.URL.Scheme != "https" && (r.URL.Scheme != "http" || host != "localhost" && (ip == nil || !ip.IsLoopback())) {
		t.Errorf("a request goes to %q unencrypted", r.URL)
	}
	below, ok := strings.CutPrefix(r.URL.EscapedPath(), strings.TrimRight(base.EscapedPath(), "/"))
	if !ok {
		t.Errorf("a request to %q leaves the base URL %q", r.URL, base)
	}
	for element := range strings.SplitSeq(strings.TrimPrefix(below, "/"), "/") {
		once, err := url.PathUnescape(element)
		twice, _ := url.PathUnescape(once)
		if err != nil || element == "" || once == "." || once == ".." || twice == ".." || strings.ContainsAny(once, "/\\?#\n\r\x00") {
			t.Errorf("the path %q has the element %q", r.URL.EscapedPath(), element)
		}
	}
}

// FuzzBaseURL checks that requests go where an accepted base URL or region says, and
// that BaseURL can be given to WithBaseURL again.
func FuzzBaseURL(f *testing.F) {
	for _, seed := range []string{
		"https://api.contentstack.io", "https://proxy.example.com/a%2Fb/", "http://127.0.0.1:8080", "http://[::1]:8080/x", "http://LOCALHOST",
		"http://127.0.0.1.example.com", "http://localhost@evil.example", "http://localhost:80@evil.example", "https://me:pw@example.com",
		"https://example.com/../v3", "https://example.com/%2e%2e/a", "https://example.com/a/v3/", "https://example.com:", "https://example.com:99999",
		"https:example.com", "//example.com", "https://", "https://exa mple.com", "https://example.com\\@evil.example", "https://example.com/\\..\\a",
		"HTTPS://Example.COM", "https://[fe80::1%25eth0]", "http://[::ffff:127.0.0.1]", "http://127.1", "http://2130706433", "https://ex%41mple.com",
		"https://example.com/a?b", "https://example.com/#", "https://example.com//", "https://example.com/a//b", "https://ｅxample.com", "http://localhost.", "javascript:alert(1)", "\x00",
	} {
		f.Add(seed, "")
	}
	for _, region := range []string{"na", "US", " aws_eu ", "azure-na", "gcp_eu", "mars", "", "eu\n", "ＮＡ", "na/../eu", "evil.example"} {
		f.Add("", region)
		f.Add("https://example.com", region)
	}
	f.Fuzz(func(t *testing.T, base, region string) {
		log := &requestLog{responses: []roundTripper{body(200, `{"organization":{}}`)}}
		options := []orgusers.Option{orgusers.WithAuthToken(token), orgusers.WithHTTPClient(&http.Client{Transport: log})}
		if base != "" {
			options = append(options, orgusers.WithBaseURL(base))
		}
		if region != "" {
			options = append(options, orgusers.WithRegion(orgusers.Region(region)))
		}
		client, err := orgusers.New("blt1", options...)
		if err != nil {
			if client != nil || !errors.Is(err, orgusers.ErrInvalid) {
				t.Errorf("got %v and %v", client, err)
			}
			return
		}
		shown, err := url.Parse(client.BaseURL())
		if err != nil {
			t.Fatalf("%q is accepted, but %q is not a URL", base, client.BaseURL())
		}
		if base != "" {
			given, err := url.Parse(base)
			if err != nil || !strings.EqualFold(given.Host, shown.Host) || given.Scheme != shown.Scheme || given.User != nil {
				t.Errorf("%q is accepted as %q", base, shown)
			}
		} else if !strings.HasSuffix(shown.Host, "api.contentstack.com") && shown.Host != "api.contentstack.io" || shown.Scheme != "https" {
			t.Errorf("the region %q is at %q", region, shown)
		}
		again, err := orgusers.New("blt1", orgusers.WithAuthToken(token), orgusers.WithBaseURL(client.BaseURL()))
		if err != nil || again.BaseURL() != client.BaseURL() {
			t.Errorf("%q comes back as %v, %v", client.BaseURL(), again, err)
		}
		if parsed, err := orgusers.ParseRegion(region); err == nil {
			if twice, err := orgusers.ParseRegion(string(parsed)); err != nil || twice != parsed {
				t.Errorf("the region %q is %q, which is %q, %v", region, parsed, twice, err)
			}
		}
		if _, err := client.GetOrganization(t.Context(), nil); err != nil && len(log.sent) > 0 {
			t.Errorf("with %q: %v", base, err)
		}
		for _, r := range log.sent {
			checkTarget(t, r, shown)
		}
	})
}

// FuzzPaths checks that paths made of templates and values stay below the base URL, for
// Do, for every method that puts a value into its path, and for endpoints.
func FuzzPaths(f *testing.F) {
	for _, value := range []string{"blt1", "..", "%2e%2e", "a/b", "ada@example.com", "a\x00", "é ü", ".", "a;b=c", "\xff", "", "…", `a\b`, "a?b", "a#b", "a\r\nb: c", "%2E%2E/", "\x7f"} {
		f.Add("/things/{thing}", value)
	}
	for _, path := range []string{
		"/{thing}/../user", "//evil.example/{thing}", "/{thing}/{organization_uid}", "/{", "/{}", "/{thing}x", "/a/{thing}/", "/%2e%2e/{thing}", "\\evil.example",
		"/a?b", "/{organization_uid}", "@evil.example/", ":81/", "/organizations/{organization_uid}/fake/unlock", "/{a\n}", "/{thing}/{thing}", "/v4/{thing}", "/v3/../v4", "",
	} {
		f.Add(path, "a")
	}
	base, err := url.Parse("https://api.contentstack.io")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path, value string) {
		log := &requestLog{responses: []roundTripper{status(404)}}
		client := newClient(t, log)
		check := func(name string, err error) {
			if err == nil || (len(log.sent) == 0) != errors.Is(err, orgusers.ErrInvalid) {
				t.Errorf("%s: %d requests and %v", name, len(log.sent), err)
			}
			for _, r := range log.sent {
				checkTarget(t, r, base)
				if got := r.URL.EscapedPath(); !strings.HasPrefix(got, "/v3/") && (name != "Do" || !strings.HasPrefix(path, "/v") || !strings.HasPrefix(got, "/v")) {
					t.Errorf("%s sends to %q", name, r.URL)
				}
			}
			log.sent = nil
		}
		check("Do", client.Do(t.Context(), orgusers.Request{Path: path, PathValues: map[string]string{"thing": value, "": value}}, nil))
		for _, operation := range operations.All {
			if operation.WithUID != nil {
				check(operation.Name, operation.WithUID(t.Context(), client, value))
			}
		}
		if other, err := client.ForOrganization(value); err == nil {
			_, err = other.GetOrganization(t.Context(), nil)
			check("ForOrganization", err)
		} else if !errors.Is(err, orgusers.ErrInvalid) {
			t.Errorf("ForOrganization: %v", err)
		}

		client, err := orgusers.New("blt1", orgusers.WithAuthToken(token), orgusers.WithEndpoints(orgusers.Endpoints{Unlock: orgusers.Endpoint{Path: path}}))
		if err == nil && path != "" && (client == nil || strings.Count(path, "{organization_uid}") != 1 || !strings.HasPrefix(path, "/")) {
			t.Errorf("the endpoint %q is accepted", path)
		}
	})
}
