package review

import (
	"fmt"
	"unicode"
)

// misleading says what first misleads in an address or a name.
func misleading(u *User) string {
	for _, c := range u.Email {
		if c > unicode.MaxASCII || !unicode.IsPrint(c) {
			return fmt.Sprintf("%U in the address", c)
		}
	}
	var word lettersOfWord
	marks := 0 // in a row
	before := ' '
	for _, c := range u.Name {
		if unseen(c, before) {
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

// mostMarks is how many marks a letter has in any language, and then some.
const mostMarks = 4

// lettersOfWord is of which alphabets a word is whose letters look alike.
type lettersOfWord struct {
	latin bool
	other rune // the first Cyrillic or Greek one
}

func (w *lettersOfWord) add(c rune) {
	switch {
	case unicode.Is(unicode.Latin, c):
		w.latin = true
	case unicode.In(c, unicode.Cyrillic, unicode.Greek):
		if w.other == 0 {
			w.other = c
		}
	case !unicode.In(c, unicode.L, unicode.M):
		*w = lettersOfWord{} // the word is over
	}
}

// unseen tells whether a character shows nothing by itself. Blanks do, as far
// as names need them, and so do joiners behind what they can join.
func unseen(c, before rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	switch c {
	case nonJoiner:
		return !unicode.In(before, joining...)
	case joiner:
		return !unicode.In(before, joining...) && !partOfEmoji(before)
	}
	return unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point)
}

// joining are the scripts whose letters change their shapes beside others.
var joining = []*unicode.RangeTable{
	unicode.Arabic, unicode.Syriac, unicode.Mandaic, unicode.Nko, unicode.Mongolian, unicode.Phags_Pa, unicode.Adlam,
	unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya, unicode.Tamil, unicode.Telugu,
	unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Khmer, unicode.Myanmar, unicode.Tibetan, unicode.Balinese, unicode.Javanese,
}

// partOfEmoji tells whether an emoji can go on behind a character: a picture, a
// color of skin, or what asks for the picture of a character.
func partOfEmoji(c rune) bool {
	return unicode.In(c, unicode.So) || c >= 0x1f3fb && c <= 0x1f3ff || c == '\ufe0f'
}
