// Package textplan cuts a long text into segments that a model speaks well one by one: whole sentences where that can
// be, never more than twenty seconds of speech. It also estimates how long a text takes to speak.
package textplan

import (
	"slices"
	"strings"
	"time"
	"unicode"
)

// Sizes of a segment in frames, as Frames estimates them. Models lose the thread in long texts, and ten to twenty-five
// seconds is what the makers' examples have; a shorter segment than the least is only a paragraph that is no longer.
const (
	mostFrames  = 250
	leastFrames = mostFrames / 3
)

// Segment is a part of a text. All segments together are the text.
type Segment struct {
	Text string // with the white space behind it
	End  Break  // what it ends at
}

// Speakable reports whether there is anything to pronounce in the segment. A row of stars is only a pause.
func (s Segment) Speakable() bool {
	return strings.ContainsFunc(s.Text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) })
}

// Break is a place in a text where it may be cut; the larger, the better.
type Break int

// The breaks.
const (
	Rune      Break = iota // inside a character that is longer than any writing has
	Character              // inside a word
	Word
	Clause
	Sentence
	Paragraph
	End // of the text
)

// Pause is how long the voice rests at the break, besides what it does of its own accord.
func (b Break) Pause() time.Duration {
	switch b {
	case Paragraph:
		return 700 * time.Millisecond
	case Sentence:
		return 250 * time.Millisecond
	case Clause:
		return 100 * time.Millisecond
	}
	return 0
}

// Split cuts text into segments, which put together are the text again, byte for byte. It cuts at every paragraph, and
// a paragraph that is too long at its sentences; a sentence that is too long at its clauses, then its words, and then
// wherever a character ends. language is a name of tts.Languages, or empty.
func Split(text, language string) []Segment {
	var segments []Segment
	at := 0
	emit := func(p point) {
		segments = append(segments, Segment{text[at:p.end], p.kind})
		at = p.end
	}
	points := findPoints(text, paceOf(text, language))
	from := 0.0 // frames before the present segment
	for len(points) > 0 {
		n := 1 + slices.IndexFunc(points, func(p point) bool { return p.kind >= Paragraph })
		paragraph := points[:n]
		for {
			cut := chooseCut(paragraph, from)
			emit(paragraph[cut])
			from = paragraph[cut].frames
			if paragraph = paragraph[cut+1:]; len(paragraph) == 0 {
				break
			}
		}
		points = points[n:]
	}
	return segments
}

// chooseCut gives the index of the point where the first segment of a paragraph ends, which begins behind from frames:
// its end, or the last of the best breaks that leave both sides a sensible size.
func chooseCut(paragraph []point, from float64) int {
	last := len(paragraph) - 1
	left := paragraph[last].frames - from
	if left <= mostFrames {
		return last
	}
	best := -1
	for i, p := range paragraph {
		size := p.frames - from
		if size > min(mostFrames, left-leastFrames) {
			break
		}
		if size >= leastFrames && (best < 0 || p.kind >= paragraph[best].kind) {
			best = i
		}
	}
	return best
}
