package tts

import "unicode/utf8"

// LongText says whether a text is spoken in segments, each with a prompt of its own.
type LongText string

// The ways to speak a text.
const (
	LongAuto LongText = "auto" // in segments when it has more than LongTextRunes
	LongOn   LongText = "on"   // in segments, unless one will do
	LongOff  LongText = "off"  // with one prompt; at most MaxPromptRunes
)

// Long reports whether the text is to be cut into segments.
func (r *Request) Long() bool {
	switch r.LongText {
	case LongOn:
		return true
	case LongOff:
		return false
	}
	return utf8.RuneCountInString(r.Text) > LongTextRunes
}

// Segment is a part of a result, and of the text. Each begins in the text where the one before ends.
type Segment struct {
	TextStart int     `json:"text_start"`   // characters of the text before it: Unicode's code points
	TextEnd   int     `json:"text_end"`     // characters up to its end
	Start     int     `json:"start_sample"` // in the result, at SampleRate
	End       int     `json:"end_sample"`   // of the speech; a pause may follow
	Frames    int     `json:"frames"`       // 0 where there is nothing to pronounce
	Seed      uint64  `json:"seed"`
	Truncated bool    `json:"truncated"` // stopped by the frame limit
	Retries   int     `json:"retries"`   // takes that ran away before this one
	Runaway   Runaway `json:"runaway"`   // what was wrong with this one, too
}

// Splice puts what is said into a result that is there, in the place of some of its samples: a segment anew.
type Splice struct {
	Path  string `json:"path"`         // of a WAV that TTSUI made, absolute; it may be the output_path
	Start int    `json:"start_sample"` // the first that is replaced
	End   int    `json:"end_sample"`   // the first that is not
}

func (s *Splice) validate() error {
	if err := validatePath("splice.path", s.Path); err != nil {
		return err
	}
	if s.Start < 0 || s.End < s.Start {
		return Errorf(CodeInvalid, "Send start_sample and end_sample of a segment.", "splice from sample %d to %d is no part of a file", s.Start, s.End)
	}
	return nil
}

// Runaway says how a take went on although its text was done. It is empty when none did.
type Runaway string

// The ways to run away.
const (
	RunawayTooLong    Runaway = "too_long"   // it took several times as long as anybody needs for the text
	RunawayRepetition Runaway = "repetition" // the same frames over and over
	RunawaySilence    Runaway = "silence"
)
