package transport

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
)

func cleaner(token string, secrets ...string) *call {
	return &call{request: &Request{Secrets: secrets}, token: token}
}

func TestSecretsInOtherSpellings(t *testing.T) {
	t.Parallel()
	secrets := []string{
		"hunter2", "p&ss", `pa"ss'word`, "pass word+1", `back\slash`, "päßwörd", "<b>old</b>", "50%25 off", "a&amp;b", "&#112;elican", "tab\tbed", "日本語の秘密",
	}
	spell := map[string]func(string) string{
		"as it is":           func(s string) string { return s },
		"HTML":               html.EscapeString,
		"HTML, decimal":      func(s string) string { return eachRune(s, "&#%d;") },
		"HTML, hexadecimal":  func(s string) string { return eachRune(s, "&#x%x;") },
		"HTML, Hexadecimal":  func(s string) string { return eachRune(s, "&#X%04X;") },
		"HTML, named":        strings.NewReplacer("&", "&amp;", `"`, "&quot;", "'", "&apos;", "<", "&lt;", ">", "&gt;", "+", "&plus;", "%", "&percnt;").Replace,
		"HTML twice":         func(s string) string { return html.EscapeString(html.EscapeString(s)) },
		"a query":            url.QueryEscape,
		"a path":             url.PathEscape,
		"a query in HTML":    func(s string) string { return html.EscapeString(url.QueryEscape(s)) },
		"HTML in a query":    func(s string) string { return url.QueryEscape(html.EscapeString(s)) },
		"a lower-case query": func(s string) string { return eachByte(s, "%%%02x") },
		"JSON": func(s string) string {
			text, _ := json.Marshal(s) //nolint:errchkjson // a string always can be
			return string(text[1 : len(text)-1])
		},
		"quoted": func(s string) string { q := fmt.Sprintf("%q", s); return q[1 : len(q)-1] },
	}
	for name, escape := range spell {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, secret := range secrets {
				got := cleaner("", secret).clean("Your password "+escape(secret)+" is not valid.", 300)
				if got != "Your password [secret] is not valid." {
					t.Errorf("%q became %q", escape(secret), got)
				}
				if got := cleaner(secret).clean(escape(secret), 300); got != "[secret]" {
					t.Errorf("the token %q became %q", escape(secret), got)
				}
			}
		})
	}
}

func eachRune(s, format string) string {
	var b strings.Builder
	for _, r := range s {
		fmt.Fprintf(&b, format, r)
	}
	return b.String()
}

func eachByte(s, format string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, format, s[i])
	}
	return b.String()
}

func TestAddressesInOtherSpellings(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"jane@example.com is locked", "[address] is locked"},
		{"<jane@example.com> is locked", "<[address]> is locked"},
		{"jane%40example.com is locked", "[address] is locked"},
		{"jane&#64;example.com is locked", "[address] is locked"},
		{"jane&#064;example.com is locked", "[address] is locked"},
		{"jane&#x40;example.com is locked", "[address] is locked"},
		{"jane&#X0040;example.com is locked", "[address] is locked"},
		{"jane&commat;example.com is locked", "[address] is locked"},
		{"jane&amp;#64;example.com is locked", "[address] is locked"},
		{"jane%2540example.com is locked", "[address] is locked"},
		{`jane\u0040example.com is locked`, "[address] is locked"},
		{"o&#39;hara@example.com is locked", "[address] is locked"},
		{"jane+test@example.com, joe@example.com", "[address], [address]"},
		{`"jane doe"@example.com is locked`, "[address] is locked"},
		{"jane@[192.0.2.1] is locked", "[address] is locked"},
		{"δοκιμή@παράδειγμα.δοκιμή is locked", "[address] is locked"},
		{"email=jane%40example.com&x=1", "[address]&x=1"},
		{"100% of 3 @ once", "100% of 3 @ once"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			got := cleaner("").clean(tt.text, 300)
			if got != tt.want {
				t.Errorf("%q became %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

// A secret that is as short as a word is not removed: that would garble other
// words, and tell what it is.
func TestShortSecretsDoNotGarbleTexts(t *testing.T) {
	t.Parallel()
	const text = "The password is not valid: 101 of 3 tries are left."
	for _, secret := range []string{"", "i", "is", "no", "not", "101", "äöü", "e"} {
		if got := cleaner(secret, secret).clean(text, 300); got != text {
			t.Errorf("a secret of %q makes it %q", secret, got)
		}
	}
}

func TestSecretsThatOverlap(t *testing.T) {
	t.Parallel()
	for _, secrets := range [][]string{{"hunter2", "hunter2000"}, {"hunter2000", "hunter2"}} {
		if got := cleaner("", secrets...).clean("not hunter2000, not hunter2", 300); got != "not [secret], not [secret]" {
			t.Errorf("the secrets %q make it %q", secrets, got)
		}
	}
}

func TestSecretsThatStandInForSecrets(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"secret", "[secret]", "address", "[address]"} {
		if got := cleaner("", secret).clean("jane@example.com has "+secret, 300); got != "[address] has [secret]" {
			t.Errorf("a secret of %q makes it %q", secret, got)
		}
	}
}

func TestCleanTextsFitALog(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"two\nlines\r\n\tand a tab", "two lines and a tab"},
		{"\x1b[31mred\x07", "[31mred"},
		{"turned \u202earound\u200b", "turned around"},
		{strings.Repeat("x", 400), strings.Repeat("x", 300) + "…"},
		{strings.Repeat("ä", 300), strings.Repeat("ä", 300)},
		{"%0d%0aSet-Cookie: a", "Set-Cookie: a"},
		{"bad %ff bytes \xff", "bad \uFFFD bytes \uFFFD"},
		{base64.StdEncoding.EncodeToString([]byte("kept")), "a2VwdA=="},
	}
	for _, tt := range tests {
		if got := cleaner("").clean(tt.text, 300); got != tt.want {
			t.Errorf("%q became %q, want %q", tt.text, got, tt.want)
		}
	}
}

// A secret is gone from every text, whatever surrounds it and however it is
// escaped, and cleaning a clean text changes nothing that matters.
func FuzzClean(f *testing.F) {
	f.Add("hunter2", "password ", " is wrong")
	f.Add("p&ss", "&amp", ";")
	f.Add("a%41b", "%", "41")
	f.Add("&#105;", "&", ";")
	f.Fuzz(func(t *testing.T, secret, before, after string) {
		const replacements = "[secret] [address]"
		if len([]rune(secret)) < shortestSecret || strings.Contains(replacements, secret) || strings.ContainsAny(secret, "\x00[]") {
			t.Skip()
		}
		for _, text := range []string{before + secret + after, html.EscapeString(before + secret + after), url.QueryEscape(before + secret + after)} {
			if got := cleaner("", secret).redact(text); strings.Contains(got, secret) {
				t.Errorf("%q still has %q: %q", text, secret, got)
			}
		}
	})
}
