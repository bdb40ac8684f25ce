package secrets_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"log/slog"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// vault has texts that must not be shown, by a name for failures: the output of the
// tests must not be the leak.
type vault map[string]string

// forms caches the result of formsOf.
var forms sync.Map

// formsOf returns a secret in every form in which it can be written. fmt and slog
// write some of them by themselves.
func formsOf(secret string) []string {
	if known, ok := forms.Load(secret); ok {
		return known.([]string)
	}
	quoted, asHex := strconv.Quote(secret), hex.EncodeToString([]byte(secret))
	all := []string{
		secret, quoted[1 : len(quoted)-1], html.EscapeString(secret), numericEntities(secret),
		url.QueryEscape(secret), url.PathEscape(secret), strings.ReplaceAll(secret, "@", "%40"),
		asHex, strings.ToUpper(asHex), fmt.Sprintf("% x", secret), strings.Trim(fmt.Sprintf("%d", []byte(secret)), "[]"),
		base64.RawStdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
	}
	for _, escapeHTML := range []bool{true, false} {
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(escapeHTML)
		_ = encoder.Encode(secret) //nolint:errchkjson // a string
		all = append(all, strings.TrimSuffix(text.String()[1:], "\"\n"))
	}
	slices.Sort(all)
	all = slices.Compact(all)
	forms.Store(secret, all)
	return all
}

// numericEntities returns a text as HTML in which every character is escaped.
func numericEntities(text string) string {
	var escaped strings.Builder
	for _, r := range text {
		fmt.Fprintf(&escaped, "&#%d;", r)
	}
	return escaped.String()
}

// find returns the names of the secrets in a text.
func (v vault) find(text string) []string {
	var found []string
	for name, secret := range v {
		if slices.ContainsFunc(formsOf(secret), func(form string) bool { return strings.Contains(text, form) }) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

// scan fails the test if a text has a secret.
func (v vault) scan(t *testing.T, where, what, text string) {
	t.Helper()
	for _, name := range v.find(text) {
		t.Errorf("%s: %s shows %s", where, what, name)
	}
}

// scanValue scans everything that prints, logs or encodes a value.
func (v vault) scanValue(t *testing.T, where, what string, value any) {
	t.Helper()
	scanned := map[string]bool{}
	for how, text := range renderings(value) {
		if !scanned[text] { // most verbs print the same
			v.scan(t, where, how+" of "+what, text)
		}
		scanned[text] = true
	}
}

// scanError scans an error and every error of its tree, as error reporters do.
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

// renderings returns the texts that programs make of a value, by the way in which
// they make them.
func renderings(value any) map[string]string {
	texts := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts[verb] = fmt.Sprintf(verb, value)
	}
	texts["a list"] = fmt.Sprintf("%v %+v", []any{value}, []any{value})
	if text, err := json.Marshal(value); err == nil {
		texts["JSON"] = string(text)
	}
	if text, err := xml.Marshal(value); err == nil {
		texts["XML"] = string(text)
	}
	if v := reflect.ValueOf(value); v.Kind() != reflect.Pointer && v.IsValid() || v.Kind() == reflect.Pointer && !v.IsNil() {
		var encoded bytes.Buffer
		_ = gob.NewEncoder(&encoded).Encode(value) // what was encoded before an error counts
		texts["gob"] = encoded.String()
	}
	var log bytes.Buffer
	slog.New(slog.NewMultiHandler(slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil))).
		Info("it", "value", value, slog.Group("group", "value", value))
	texts["a log"] = log.String()
	return texts
}

// scanDeep scans every text that reflection finds in a value, in unexported fields
// too, as printers for debugging do.
func (v vault) scanDeep(t *testing.T, where, what string, value any) {
	t.Helper()
	var all strings.Builder
	seen := map[any]bool{}
	var walk func(reflect.Value)
	walk = func(value reflect.Value) {
		switch value.Kind() {
		case reflect.String:
			all.WriteString(value.String() + "\n")
		case reflect.Pointer:
			if !value.IsNil() && !seen[value.Pointer()] {
				seen[value.Pointer()] = true
				walk(value.Elem())
			}
		case reflect.Interface:
			walk(value.Elem())
		case reflect.Struct:
			for _, field := range value.Fields() {
				walk(field)
			}
		case reflect.Map:
			for entry := value.MapRange(); entry.Next(); {
				walk(entry.Key())
				walk(entry.Value())
			}
		case reflect.Slice, reflect.Array:
			if value.Kind() == reflect.Slice && value.Type().Elem().Kind() == reflect.Uint8 {
				all.WriteString(string(value.Bytes()) + "\n")
				return
			}
			for i := range value.Len() {
				walk(value.Index(i))
			}
		default: // a function cannot be looked into
		}
	}
	walk(reflect.ValueOf(value))
	v.scan(t, where, "the memory of "+what, all.String())
}

// The scanner must find what it looks for.
func TestScannerFinds(t *testing.T) {
	t.Parallel()
	v := vault{"it": password}
	exported := struct{ A string }{password}
	for how, text := range renderings(exported) {
		if len(v.find(text)) == 0 {
			t.Errorf("a secret is not found in %s", how)
		}
	}
	for _, text := range []string{
		url.Values{"a": {password}}.Encode(), fmt.Errorf("a: %w", fmt.Errorf("%s", password)).Error(), html.EscapeString(password),
		base64.StdEncoding.EncodeToString([]byte(password)), fmt.Sprintf("%d", []byte(password)), fmt.Sprintf("%v", struct{ a string }{password}),
	} {
		if len(v.find(text)) == 0 {
			t.Errorf("not found in %q", text)
		}
	}
	if found := v.find("hunter3"); len(found) > 0 {
		t.Errorf("found %q in another text", found)
	}
}
