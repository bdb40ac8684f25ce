package review

import (
	"fmt"
	"unicode"
)

// misleading returns the first misleading thing in an address or a name.
func misleading(u *User) string {
	for _, c := range u.Email {
		if c > unicode.MaxASCII || !unicode.IsPrint(c) {
			return fmt.Sprintf("%U in the address", c)
		}
	}
	var word wordScript
	marks := 0 // in a row
	before := ' '
	for _, c := range u.Name {
		if isInvisible(c, before) {
			return fmt.Sprintf("%U in the name", c)
		}
		if marks++; !unicode.In(c, unicode.Mn, unicode.Me) {
			marks = 0
		}
		if marks > mostMarks {
			return fmt.Sprintf("more than %d marks on a letter of the name", mostMarks)
		}
		if word.add(c); word.latin && word.other != 0 {
			return fmt.Sprintf("%U among Latin letters in the name", word.other)
		}
		before = c
	}
	return ""
}

// mostMarks is more than the marks on a letter in any language.
const mostMarks = 4

// wordScript is the script of the letters of a word.
type wordScript struct {
	latin bool
	other rune // the first Cyrillic or Greek letter: these look like Latin letters
}

func (w *wordScript) add(c rune) {
	switch {
	case unicode.Is(unicode.Latin, c):
		w.latin = true
	case unicode.In(c, unicode.Cyrillic, unicode.Greek):
		if w.other == 0 {
			w.other = c
		}
	case !unicode.In(c, unicode.L, unicode.M):
		*w = wordScript{} // the word has ended
	}
}

// isInvisible reports whether a character is not visible. A joiner is allowed unless it
// follows a blank or a letter of a script without joined letters.
func isInvisible(c, before rune) bool {
	if c == '\u200c' || c == '\u200d' {
		return unicode.In(before, unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Zs)
	}
	return unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point)
}
