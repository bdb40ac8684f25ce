package transport

import (
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shortestSecret is the length, in characters, from which a secret is removed from texts. Removing a shorter one would
// garble ordinary words, and so tell what it is. A caller whose secrets can be that short must not show texts of the
// response at all.
const shortestSecret = 4

var address = regexp.MustCompile(`(?:"[^"]*"|[^\s"<>()\[\],;:@\\]+)(?:@|\\u0040)(?:\[[^\]]*\]|[^\s"'<>()\[\]{},;:=&/\\]+)`)

// clean returns a text on one line of at most so many characters, without secrets, addresses and control characters.
func (c *call) clean(text string, most int) string {
	text = strings.Join(strings.FieldsFunc(c.redact(text), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf)
	}), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// redact removes the secrets of the request, and everything that looks like an email address, in any spelling in which
// servers and net/http repeat them.
func (c *call) redact(text string) string {
	var all []string
	for _, secret := range append([]string{c.token}, c.request.Secrets...) {
		all = append(all, spellings(secret)...)
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) }) // one can be a part of another
	const hidden, deepest = "\x00", 3                                      // an escaped text can be escaped again
	for depth := 0; ; depth++ {
		for _, spelling := range all {
			text = strings.ReplaceAll(text, spelling, hidden)
		}
		unescaped := unescape(text)
		if unescaped == text || depth == deepest {
			break
		}
		text = unescaped
	}
	// "[secret]" comes last, because a secret can be a part of it.
	return address.ReplaceAllString(strings.ReplaceAll(text, hidden, "[secret]"), "[address]")
}

// spellings returns the secret as it is, and as it is written in JSON, in Go and in URLs. Other escapes of HTML and URLs
// are not among them, because the text is also searched without those.
func spellings(secret string) []string {
	short := func(s string) bool { return utf8.RuneCountInString(s) < shortestSecret }
	if short(secret) {
		return nil
	}
	quoted, escaped := strconv.Quote(secret), strconv.QuoteToASCII(secret)
	encoded, _ := json.Marshal(secret) //nolint:errchkjson // a string always can be
	return slices.DeleteFunc([]string{
		secret, unescape(secret), strings.ReplaceAll(secret, " ", "+"), url.QueryEscape(secret), url.PathEscape(secret),
		quoted[1 : len(quoted)-1], escaped[1 : len(escaped)-1], string(encoded[1 : len(encoded)-1]),
	}, short)
}

var percent = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// unescape returns a text with the escapes of HTML and URLs undone.
func unescape(text string) string {
	text = percent.ReplaceAllStringFunc(html.UnescapeString(text), func(escaped string) string {
		decoded, _ := url.PathUnescape(escaped) // it always can be
		return decoded
	})
	return strings.ToValidUTF8(text, "\uFFFD")
}
