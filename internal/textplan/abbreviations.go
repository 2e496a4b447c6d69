package textplan

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// abbreviated reports whether the full stop that text ends with is an abbreviation's or an ordinal's, so that the
// sentence goes on with next. Who errs here loses a good place to cut, no more.
func abbreviated(text string, next rune) bool {
	text, stop := strings.CutSuffix(tail(text), ".")
	if !stop {
		return false
	}
	apart := func(r rune) bool { return unicode.IsSpace(r) || unicode.In(r, unicode.Ps, unicode.Pi) }
	if at := strings.LastIndexFunc(text, apart); at >= 0 {
		_, n := utf8.DecodeRuneInString(text[at:])
		text = text[at+n:]
	}
	word := strings.ToLower(text)
	letters := utf8.RuneCountInString(word)
	first, _ := utf8.DecodeRuneInString(word)
	switch {
	case letters == 1 && unicode.IsLetter(first) && first < 0x2E80: // an initial; CJK writing has none
		return true
	case letters <= 2 && strings.Trim(word, "0123456789") == "" && word != "": // "3. Oktober", "1. Eggs"
		return true
	case strings.Contains(word, "."): // "z.B.", "U.S."
		return !slices.ContainsFunc(strings.Split(word, "."), func(part string) bool { return utf8.RuneCountInString(part) > 2 })
	case slices.Contains(strings.Fields(beforeNumbers), word):
		return unicode.IsNumber(next)
	}
	return slices.Contains(strings.Fields(beforeNames), word)
}

// beforeNames are abbreviations that hardly ever end a sentence, in all languages together.
const beforeNames = `
	mr mrs ms dr prof st jr sr mt rev hon gen col capt lt sgt gov sen rep vs approx dept
	hr fr bzw ca evtl ggf inkl sog vgl zzgl dipl ing
	mm mme mlle mmes me ste cf
	sra srta dra ud uds vd vds lic
	exmo exma
	sig sigg dott avv geom
	ул им проф акад руб тыс млн млрд см гл напр`

// beforeNumbers are abbreviations if a number follows.
const beforeNumbers = `
	no nos nr p pp s vol fig ch sec art al bd abb kap núm pág págs cap стр рис табл п ст г`
