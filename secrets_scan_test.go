package orgusers_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/orgusers/orgusers"
	"github.com/orgusers/orgusers/orguserstest"
)

// vault is what must not be seen, by the name under which a failure tells of
// it: the tests' own output must not be the leak.
type vault map[string]string

type form struct{ name, text string }

// formsOf keeps the forms of a secret: the scanner asks for them very often.
var formsOf sync.Map

// forms are the ways in which a text can be written down. Both fmt and slog
// write some of them by themselves.
func forms(secret string) []form {
	if known, ok := formsOf.Load(secret); ok {
		return known.([]form)
	}
	quoted := strconv.Quote(secret)
	all := []form{
		{"plain", secret},
		{"in a query", url.QueryEscape(secret)},
		{"in a path", url.PathEscape(secret)},
		{"with %40", strings.ReplaceAll(secret, "@", "%40")},
		{"hex", hex.EncodeToString([]byte(secret))},
		{"HEX", strings.ToUpper(hex.EncodeToString([]byte(secret)))},
		{"spaced hex", fmt.Sprintf("% x", secret)},
		{"base64", base64.RawStdEncoding.EncodeToString([]byte(secret))},
		{"base64 for URLs", base64.RawURLEncoding.EncodeToString([]byte(secret))},
		{"quoted", quoted[1 : len(quoted)-1]},
		{"bytes", strings.Trim(fmt.Sprintf("%d", []byte(secret)), "[]")},
	}
	for _, escapeHTML := range []bool{true, false} {
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(escapeHTML)
		if err := encoder.Encode(secret); err != nil {
			panic(err)
		}
		all = append(all, form{"JSON", strings.TrimSuffix(text.String()[1:], "\"\n")})
	}
	formsOf.Store(secret, all)
	return all
}

// find names what of the vault is in a text, and in which form.
func (v vault) find(text string) []string {
	var found []string
	for name, secret := range v {
		for _, form := range forms(secret) {
			if strings.Contains(text, form.text) {
				found = append(found, name+" ("+form.name+")")
				break
			}
		}
	}
	slices.Sort(found)
	return found
}

// scan looks for secrets in a text that somebody may come to read.
func (v vault) scan(t *testing.T, where, place, text string) {
	t.Helper()
	for _, name := range v.find(text) {
		t.Errorf("%s: %s shows %s", where, place, name)
	}
}

var verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%U", "%e", "%o"}

// scanValue looks at a value in every way in which programs print and log.
func (v vault) scanValue(t *testing.T, where, what string, value any) {
	t.Helper()
	for _, verb := range verbs {
		v.scan(t, where, verb+" of "+what, fmt.Sprintf(verb, value))
	}
	v.scan(t, where, "%v of a list of "+what, fmt.Sprintf("%v", []any{value}))
	if text, err := json.Marshal(value); err == nil {
		v.scan(t, where, "JSON of "+what, string(text))
	}
	var log bytes.Buffer
	slog.New(slog.NewMultiHandler(slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil))).
		Info("it", "value", value, slog.Group("group", "value", value))
	v.scan(t, where, "a log of "+what, log.String())
}

// scanError looks at an error, and at all that it wraps, as what collects
// errors does.
func (v vault) scanError(t *testing.T, where string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	v.scanValue(t, where, fmt.Sprintf("a %T", err), err)
	switch wrapping := err.(type) { //nolint:errorlint // the tree itself is walked
	case interface{ Unwrap() error }:
		v.scanError(t, where, wrapping.Unwrap())
	case interface{ Unwrap() []error }:
		for _, inner := range wrapping.Unwrap() {
			v.scanError(t, where, inner)
		}
	}
}

// scanOutcomes looks at the errors and reasons in a result.
func (v vault) scanOutcomes(t *testing.T, where string, result any) {
	t.Helper()
	switch result := result.(type) {
	case *orgusers.BulkResult:
		for _, outcome := range result.Outcomes {
			v.scan(t, where, "an outcome's reason", outcome.Reason)
			v.scanError(t, where, outcome.Err)
		}
	case *orgusers.InviteResult:
		for _, outcome := range result.Outcomes {
			v.scan(t, where, "an outcome's reason", outcome.Reason)
			v.scanError(t, where, outcome.Err)
		}
	}
}

// vaults are those of a fake: one of secrets, which nothing shows, and one with
// addresses too, which results may show.
func vaults(server *orguserstest.Server, authToken string) (secrets, all vault) {
	addresses := vault{"the address of a stranger": newcomer}
	secrets = vault{
		"the authtoken": authToken, "the OAuth token": server.OAuthToken(),
		"the password": password, "the fake's password": orguserstest.Password, "the second factor": secondFactor,
	}
	for _, name := range []string{"admin", "owner", "member0", "pending0", "pending1"} {
		user, _ := server.User(name + "@example.com")
		if user.AcceptanceToken != "" {
			secrets["the acceptance token of "+name] = user.AcceptanceToken
		}
		addresses["the address of "+name] = name + "@example.com"
	}
	all = maps.Clone(secrets)
	maps.Copy(all, addresses)
	return secrets, all
}

const (
	// password is one that looks different wherever it is written down.
	password     = `hunter2 &"<\é>'%`
	secondFactor = "K7-493817-x"
	newcomer     = "stranger0@example.com"
)

// The scanner must see what it looks for.
func TestScannerSees(t *testing.T) {
	t.Parallel()
	v := vault{"it": password}
	wrapped := fmt.Errorf("a: %w", fmt.Errorf("b: %w", fmt.Errorf("%s", password)))
	for _, verb := range verbs[:7] {
		if len(v.find(fmt.Sprintf(verb, password))) == 0 {
			t.Errorf("what %s writes is not found", verb)
		}
	}
	for _, text := range []string{
		fmt.Sprintf("%d", []byte(password)), url.Values{"a": {password}}.Encode(), wrapped.Error(),
		base64.StdEncoding.EncodeToString([]byte(password)), fmt.Sprintf("%v", struct{ a string }{password}),
	} {
		if len(v.find(text)) == 0 {
			t.Errorf("not found in %q", text)
		}
	}
	if found := v.find("hunter3"); len(found) > 0 {
		t.Errorf("found %q where there is nothing", found)
	}
}
