package textplan

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// point is a place where a text may be cut.
type point struct {
	end    int     // bytes before it
	frames float64 // that those take
	kind   Break
}

// longCharacter is how many frames a character takes that is cut if need be.
const longCharacter = leastFrames / 2

// findPoints lists the ends of all characters of text, as people see them. The last is the End.
func findPoints(text string, p pace) []point {
	var points []point
	at, frames := 0, 0.0
	for rest, state := text, -1; rest != ""; {
		var character string
		var bounds int
		character, rest, bounds, state = uniseg.StepString(rest, state)
		before := frames
		for _, r := range character {
			frames += p.frames(r)
		}
		if frames-before > longCharacter {
			frames = before
			for i, r := range character {
				if i > 0 {
					points = append(points, point{at + i, frames, Rune})
				}
				frames += p.frames(r)
			}
		}
		at += len(character)
		b := border{text[:at], rest, bounds&uniseg.MaskSentence != 0, bounds&uniseg.MaskLine != uniseg.LineDontBreak}
		points = append(points, point{at, frames, b.kind()})
	}
	return points
}

// border is the place between two characters, with what Unicode says about it: UAX #29 whether a sentence ends there,
// UAX #14 whether a line may. Neither knows abbreviations, nor quotation marks with blanks inside.
type border struct {
	before, after  string
	sentence, line bool
}

func (b border) kind() Break {
	next, _ := utf8.DecodeRuneInString(b.after)
	switch {
	case b.after == "":
		return End
	case unicode.IsSpace(next): // the break is behind white space
		return Character
	}
	said := strings.TrimRightFunc(b.before, unicode.IsSpace)
	if said == "" {
		return Character
	}
	gap := b.before[len(said):]
	lines := lineBreaks(gap)
	if lines > 1 {
		return Paragraph
	}
	if closes(b.after) && gap != "" {
		return Character
	}
	bare := withoutClosers(said)
	spaced := strings.TrimRightFunc(bare, unicode.IsSpace)
	last, _ := utf8.DecodeLastRuneInString(said)
	switch {
	case lines == 1:
		if terminal(spaced) {
			return Sentence
		}
		return Clause
	case unicode.Is(unicode.Ps, last):
		return Character
	case b.endsSentence(said, bare, spaced, next) && !abbreviated(spaced, next):
		return Sentence
	case b.line && strings.ContainsRune(",;:，、；：،–—…", last):
		return Clause
	case b.line:
		return Word
	}
	return Character
}

// endsSentence reports whether what is said before the border is a sentence. Bare is said without brackets and quotation
// marks at its end, and spaced is bare without blanks there.
func (b border) endsSentence(said, bare, spaced string, next rune) bool {
	blank := len(said) < len(b.before)
	quoted := len(bare) < len(said)
	switch {
	case !terminal(spaced), quoted && continues(next):
		return false
	case unicode.Is(unicode.Ps, next): // which UAX #29 takes for the end of what is before
		return blank || cjkTerminal(spaced)
	case quoted && len(spaced) < len(bare), strings.HasSuffix(spaced, "…"): // which it doesn't know
		return blank && !unicode.IsLower(next)
	}
	return b.sentence
}

// lineBreaks counts the line breaks in white space. A paragraph separator counts twice.
func lineBreaks(gap string) int {
	n := strings.Count(gap, "\n") + strings.Count(gap, "\u0085") + strings.Count(gap, "\u2028") + 2*strings.Count(gap, "\u2029")
	return n + strings.Count(gap, "\r") - strings.Count(gap, "\r\n")
}

// fewRunes is how far the rules below look back: further than any honest text makes them.
const fewRunes = 16

// tail gives the last few runes of text.
func tail(text string) string {
	at := len(text)
	for range fewRunes {
		_, n := utf8.DecodeLastRuneInString(text[:at])
		at -= n
	}
	return text[at:]
}

// closer reports whether r can close a bracket or a quotation. Guillemets do either, by language.
func closer(r rune) bool {
	return unicode.In(r, unicode.Pe, unicode.Pf, unicode.Pi) || r == '"' || r == '\''
}

// closes reports whether text begins with a mark that belongs to what is before it, as in "« Oui. »".
func closes(text string) bool {
	first, n := utf8.DecodeRuneInString(text)
	second, m := utf8.DecodeRuneInString(text[n:])
	return unicode.Is(unicode.Pe, first) || closer(first) && (m == 0 || unicode.IsSpace(second) || unicode.IsPunct(second) && !closer(second))
}

// withoutClosers takes the brackets and quotation marks off the end of text.
func withoutClosers(text string) string {
	end := tail(text)
	return text[:len(text)-len(end)+len(strings.TrimRightFunc(end, closer))]
}

// terminal reports whether text ends as sentences do.
func terminal(text string) bool {
	last, _ := utf8.DecodeLastRuneInString(text)
	return strings.ContainsRune(".!?…‼⁇⁈⁉", last) || cjkTerminal(text)
}

func cjkTerminal(text string) bool {
	last, _ := utf8.DecodeLastRuneInString(text)
	return strings.ContainsRune("。！？｡．", last)
}

// continues reports whether the sentence around a quotation goes on behind it. Japanese does so with と and って.
func continues(next rune) bool { return unicode.IsLower(next) || strings.ContainsRune("とっ", next) }
