package textplan

import (
	"strings"
	"unicode"
)

// Frames estimates how many codec frames, 12.5 to the second, a text takes when it is read aloud at an ordinary pace.
// language is a name of tts.Languages, or empty. It is a sum over characters, whatever they say together.
//
// Pellegrino, Coupé and Marsico (Language 87, 2011) counted syllables to the second without pauses: 5.2 in Mandarin,
// 6.0 in German, 6.2 in English, 7.0 in Italian, 7.2 in French, 7.8 in Spanish and in Japanese. With two to three
// letters to a syllable, more where there are fewer syllables to the second, the alphabets lie together at 16 to 20
// letters to the second. Pauses take about a fourth of reading. Russian, Portuguese and Korean, digits and signs are
// guesses of the same kind; nothing of it was measured with the models.
func Frames(text, language string) float64 {
	p := paceOf(text, language)
	sum := 0.0
	for _, r := range text {
		sum += p.frames(r)
	}
	return sum
}

// pace says how long characters take.
type pace struct {
	han float64 // frames of a Chinese character: one syllable in Chinese, about two in Japanese
}

func paceOf(text, language string) pace {
	kana := func(r rune) bool { return unicode.In(r, unicode.Hiragana, unicode.Katakana) }
	if strings.EqualFold(language, "Japanese") || !strings.EqualFold(language, "Chinese") && strings.ContainsFunc(text, kana) {
		return pace{han: 4}
	}
	return pace{han: 3}
}

// frames gives every character some time, so that a bound on frames is one on characters.
func (p pace) frames(r rune) float64 {
	switch {
	case unicode.IsSpace(r):
		return 0.05
	case unicode.Is(unicode.Han, r):
		return p.han
	case unicode.In(r, unicode.Hiragana, unicode.Katakana):
		return 2
	case unicode.Is(unicode.Hangul, r):
		return 2.5
	case unicode.IsLetter(r):
		return 1
	case unicode.IsNumber(r):
		return 4
	case unicode.IsSymbol(r):
		return 2
	}
	return 0.5
}
